//! A witness's memory: what it cosigned last for each log, on disk before anybody is answered, and evidence against a log.
//!
//! In the folder lie `witness`, made once with the key's vkey; `<SHA-256 of the origin>.checkpoint`, the cosigned note;
//! and `evidence/`. A folder without `witness` is refused: a witness that starts without its memory could cosign a second
//! branch. One process at a time; within it each log has a lock that is held from the check until the note is on disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{AddCheckpoint, Decision, Held, WitnessRefusal, decide, line_bytes};
use crate::ledger::clock::Clock;
use crate::ledger::cosignature::WitnessKey;
use crate::ledger::disk::{Disk, replace};
use crate::ledger::home::{self, HomeError};
use crate::ledger::policy::KnownLog;
use crate::ledger::vkey::{COSIGNATURE, VKey, hex};

/// Pieces of evidence that are kept, of forks and of checkpoints without a good proof. The latter anybody may send, so they
/// neither fill the disk nor the place of the former.
const EVIDENCE_MAX: (usize, usize) = (1024, 256);

/// Why a witness can't start. What to do stands in the message.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    #[error("couldn't {action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "{0} is not the memory of a witness; make it with `adit witness init`. A witness that lost its memory is retired: it \
         takes a new key, because it no longer knows what it cosigned"
    )]
    NotMade(PathBuf),
    #[error("{0} is the memory of a witness already; it is never made anew")]
    Made(PathBuf),
    #[error("{0} is the memory of a witness with another key; each key has its own")]
    OtherKey(PathBuf),
    #[error(
        "{0} is not what this witness cosigned last; put back the newest copy, or retire this witness's key"
    )]
    Damaged(PathBuf),
    #[error("another process uses {0}; stop it first: a witness has one memory")]
    InUse(PathBuf),
    #[error("{0} is not a witness's key file; make one with `adit witness init`")]
    NotAKey(PathBuf),
    #[error("others may read {0}; make it readable by its owner alone: chmod 600")]
    KeyReadable(PathBuf),
    #[error("a log's key is the witness's own key; a log does not witness itself")]
    OwnKey,
    #[error(transparent)]
    Home(#[from] HomeError),
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeeperError {
    let path = path.to_owned();
    move |source| KeeperError::Io { action, path, source }
}

/// What is answered to a request, and what its operator should hear of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub reply: Reply,
    pub alarm: Option<Alarm>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// The cosignature line. The checkpoint is on disk.
    Cosigned(Vec<u8>),
    /// The size that was cosigned last.
    Stale(u64),
    Refused(WitnessRefusal),
}

/// A log signed what does not extend what it signed before, as far as was shown.
#[derive(Debug, PartialEq, Eq)]
pub struct Alarm {
    pub origin: String,
    pub held: u64,
    pub sent: u64,
    /// Two roots of one size: proof enough by itself. Else it may be a bad proof sent by anybody.
    pub fork: bool,
    /// Whether both notes are on disk as evidence.
    pub kept: bool,
}

struct Served {
    keys: Vec<VKey>,
    path: PathBuf,
    held: Mutex<Option<Held>>,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A witness with its memory.
pub struct Keeper {
    key: WitnessKey,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// By origin.
    logs: BTreeMap<String, Served>,
    /// Held for as long as the witness runs.
    writer: Option<File>,
}

impl Keeper {
    /// Makes an empty memory for a key that has not cosigned anything yet.
    pub fn make(disk: &dyn Disk, folder: &Path, vkey: &VKey) -> Result<(), KeeperError> {
        let marker = folder.join("witness");
        if disk.read(&marker).is_ok() {
            return Err(KeeperError::Made(folder.to_owned()));
        }
        let evidence = folder.join("evidence");
        disk.create_folder(&evidence).map_err(io_error("create", &evidence))?;
        replace(disk, &marker, format!("{vkey}\n").as_bytes()).map_err(io_error("write", &marker))
    }

    /// Opens the memory on the machine's own disk, for one process alone.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        key: WitnessKey,
        logs: &[KnownLog],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeeperError> {
        if !folder.join("witness").is_file() {
            return Err(KeeperError::NotMade(folder.to_owned()));
        }
        let path = folder.join("in-use");
        let writer = File::create(&path).map_err(io_error("open", &path))?;
        if writer.try_lock().is_err() {
            return Err(KeeperError::InUse(path));
        }
        let mut keeper = Self::open_on(disk, folder, key, logs, clock)?;
        keeper.writer = Some(writer);
        Ok(keeper)
    }

    /// Opens the memory on any disk.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        folder: &Path,
        key: WitnessKey,
        logs: &[KnownLog],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, KeeperError> {
        let marker = disk.read(&folder.join("witness"));
        let marker = marker.map_err(|_| KeeperError::NotMade(folder.to_owned()))?;
        if marker != format!("{}\n", key.vkey()).as_bytes() {
            return Err(KeeperError::OtherKey(folder.to_owned()));
        }
        let mut served: BTreeMap<String, Served> = BTreeMap::new();
        for KnownLog { vkey, .. } in logs {
            if vkey.key() == key.vkey().key() {
                return Err(KeeperError::OwnKey);
            }
            if let Some(log) = served.get_mut(vkey.name()) {
                log.keys.push(vkey.clone());
                continue;
            }
            let path = folder.join(format!("{}.checkpoint", origin_id(vkey.name())));
            let held = Mutex::new(recall(disk.as_ref(), &path, vkey.name(), key.vkey())?);
            served.insert(vkey.name().to_owned(), Served { keys: vec![vkey.clone()], path, held });
        }
        Ok(Self { key, clock, disk, folder: folder.to_owned(), logs: served, writer: None })
    }

    pub fn vkey(&self) -> &VKey {
        self.key.vkey()
    }

    /// Origin of each log served, and the size that was cosigned last, if any.
    pub fn sizes(&self) -> Vec<(String, Option<u64>)> {
        let size = |served: &Served| hold(&served.held).as_ref().map(|held| held.checkpoint.size);
        self.logs.iter().map(|(origin, served)| (origin.clone(), size(served))).collect()
    }

    /// The last cosigned checkpoint of the log whose origin has this SHA-256 in hexadecimal.
    pub fn latest(&self, id: &str) -> Option<Vec<u8>> {
        let (_, served) = self.logs.iter().find(|(origin, _)| origin_id(origin) == id)?;
        hold(&served.held).as_ref().map(|held| held.note.clone())
    }

    /// Carries out one `add-checkpoint`.
    pub fn add(&self, body: &[u8]) -> Answer {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(refusal) => return Answer { reply: Reply::Refused(refusal), alarm: None },
        };
        let Some(log) = self.logs.get(&request.checkpoint.origin) else {
            return Answer { reply: Reply::Refused(WitnessRefusal::UnknownLog), alarm: None };
        };
        let mut held = hold(&log.held);
        // The clock is read after the lock: cosignatures of one log stand in the order of their times.
        match decide(&self.key, &log.keys, held.as_ref(), &request, self.clock.now()) {
            Decision::Refuse(refusal) => Answer { reply: Reply::Refused(refusal), alarm: None },
            Decision::Cosign { held: next, line } => {
                // A crash before the rename keeps the old note, one after it the new one; nobody has the cosignature
                // yet, and the same request is answered again in either case, or told the size to begin at.
                if replace(self.disk.as_ref(), &log.path, &next.note).is_err() {
                    return Answer { reply: Reply::Refused(WitnessRefusal::NotWritten), alarm: None };
                }
                *held = Some(next);
                Answer { reply: Reply::Cosigned(line_bytes(&line)), alarm: None }
            }
            Decision::Stale { size, fork } => {
                let alarm = fork.then(|| self.alarm(held.as_ref(), &request, body, fork));
                Answer { reply: Reply::Stale(size), alarm }
            }
            Decision::Inconsistent { fork } => {
                let alarm = Some(self.alarm(held.as_ref(), &request, body, fork));
                Answer { reply: Reply::Refused(WitnessRefusal::Inconsistent), alarm }
            }
        }
    }

    fn alarm(&self, held: Option<&Held>, request: &AddCheckpoint, body: &[u8], fork: bool) -> Alarm {
        let note = held.map(|held| held.note.as_slice()).unwrap_or_default();
        Alarm {
            origin: request.checkpoint.origin.clone(),
            held: held.map_or(0, |held| held.checkpoint.size),
            sent: request.checkpoint.size,
            fork,
            kept: self.keep_evidence(note, request, body, fork).unwrap_or(false),
        }
    }

    /// Keeps the cosigned note and the request, byte for byte, once for each pair of texts. Whether it is on disk now.
    fn keep_evidence(
        &self,
        held: &[u8],
        request: &AddCheckpoint,
        body: &[u8],
        fork: bool,
    ) -> io::Result<bool> {
        let (kind, most) = if fork { ("fork", EVIDENCE_MAX.0) } else { ("unproven", EVIDENCE_MAX.1) };
        let folder = self.folder.join("evidence");
        let mut hasher = Sha256::new();
        hasher.update(held);
        hasher.update([0]);
        hasher.update(request.note.text.as_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let origin = origin_id(&request.checkpoint.origin);
        let path = folder.join(format!("{kind}-{}-{}.txt", &origin[..16], &hex(&digest)[..32]));
        if self.disk.read(&path).is_ok() {
            return Ok(true);
        }
        if self.disk.list(&folder)?.iter().filter(|name| name.starts_with(kind)).count() >= most {
            return Ok(false);
        }
        let (before, after) = (format!("held {}\n", held.len()), format!("sent {}\n", body.len()));
        let both = [before.as_bytes(), held, after.as_bytes(), body].concat();
        replace(self.disk.as_ref(), &path, &both).map(|()| true)
    }
}

/// Lower-case hexadecimal SHA-256 of an origin: the log's name in addresses and file names.
pub fn origin_id(origin: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(origin.as_bytes()).into();
    hex(&digest)
}

fn recall(disk: &dyn Disk, path: &Path, origin: &str, key: &VKey) -> Result<Option<Held>, KeeperError> {
    match disk.read(path) {
        Ok(note) => match Held::read(&note, origin, key) {
            Some(held) => Ok(Some(held)),
            None => Err(KeeperError::Damaged(path.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("read", path)(error)),
    }
}

/// Makes a witness's key file, readable by its owner alone. Refuses to overwrite one.
pub fn create_key(path: &Path, name: &str) -> Result<WitnessKey, KeeperError> {
    let key = WitnessKey::generate(name).map_err(|_| HomeError::NoRandomness)?;
    home::write_new(path, &private_text(&key))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    home::sync_folder(folder.unwrap_or(Path::new(".")))?;
    Ok(key)
}

/// Reads a witness's key file.
pub fn read_key(path: &Path) -> Result<WitnessKey, KeeperError> {
    let text = home::read(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(io_error("read", path))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeeperError::KeyReadable(path.to_owned()));
        }
    }
    parse_private(text.trim_end()).ok_or_else(|| KeeperError::NotAKey(path.to_owned()))
}

/// `PRIVATE+KEY+<name>+<hex key id>+<base64(0x04 || seed)>`: the type keeps it from being taken for a log's key.
fn private_text(key: &WitnessKey) -> Zeroizing<String> {
    let mut typed = Zeroizing::new(vec![COSIGNATURE]);
    typed.extend_from_slice(key.seed().as_ref());
    let encoded = Zeroizing::new(STANDARD.encode(typed.as_slice()));
    Zeroizing::new(format!("PRIVATE+KEY+{}+{}+{}", key.name(), hex(&key.vkey().id()), *encoded))
}

fn parse_private(text: &str) -> Option<WitnessKey> {
    let (name, rest) = text.strip_prefix("PRIVATE+KEY+")?.split_once('+')?;
    let (_, encoded) = rest.split_once('+')?;
    let typed = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(typed.strip_prefix(&[COSIGNATURE])?.try_into().ok()?);
    let key = WitnessKey::from_seed(name, &seed).ok()?;
    (*private_text(&key) == text).then_some(key)
}
