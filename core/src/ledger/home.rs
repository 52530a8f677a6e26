//! Where a ledger lives: its data, and what must lie outside of it.
//!
//! The keys (log key, data key, officers' wrapped keys) and the lock lie outside the data folder, so that a copy or
//! backup of the data alone can neither be read nor passed off as the newest state.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::ledger::log_keys::LogKeys;
use crate::ledger::vkey::{SigningKey, VKey, hex};

/// The paths of one ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Journal, index, snapshots, blobs.
    pub data: PathBuf,
    /// `log.key` and `log-<key id>.key`, `data.key`, `import.key` and officers' wrapped keys; mode 0700, files 0600.
    pub keys: PathBuf,
    /// The last signed checkpoint.
    pub lock: PathBuf,
}

/// Why a key file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error(
        "{path} exists already; a key is never overwritten: choose another folder, or open the ledger that is there"
    )]
    KeyExists { path: PathBuf },
    #[error("couldn't use {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{path} is not a key file of this ledger; put back the file that was made with the ledger: without it nothing can be signed or read"
    )]
    NotAKey { path: PathBuf },
    #[error("the operating system gave no randomness; nothing was written")]
    NoRandomness,
}

impl Home {
    /// Keys and lock beside the data folder: `<data>.keys/` and `<data>.lock`.
    pub fn beside(data: &Path) -> Self {
        let sibling = |suffix: &str| {
            let mut name = data.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        Self { data: data.to_owned(), keys: sibling(".keys"), lock: sibling(".lock") }
    }

    /// Folder of officers' wrapped keys.
    pub fn actors(&self) -> PathBuf {
        self.keys.join("actors")
    }

    /// Makes the log's signing key and the data key. Refuses to overwrite either.
    pub fn create_keys(&self, origin: &str) -> Result<(SigningKey, Zeroizing<[u8; 32]>), HomeError> {
        make_private_folder(&self.keys)?;
        let log = SigningKey::generate(origin).map_err(|_| HomeError::NoRandomness)?;
        let mut data = Zeroizing::new([0_u8; 32]);
        getrandom::fill(data.as_mut()).map_err(|_| HomeError::NoRandomness)?;
        // A crash between the two leaves keys without a ledger: `create` then refuses by name, nothing is lost.
        write_new(&self.keys.join("log.key"), &private_key_text(&log))?;
        write_new(&self.keys.join("data.key"), &Zeroizing::new(STANDARD.encode(data.as_slice())))?;
        sync_folder(&self.keys)?;
        Ok((log, data))
    }

    /// Keeps the key that signs what `adit import` takes over, as the log key is kept: whoever may read this folder may import.
    pub fn create_import_key(&self, key: &SigningKey) -> Result<(), HomeError> {
        write_new(&self.import_key(), &private_key_text(key))?;
        sync_folder(&self.keys)
    }

    /// The key that signs what `adit import` takes over; `None` where there is none.
    pub fn read_import_key(&self) -> Result<Option<SigningKey>, HomeError> {
        let path = self.import_key();
        if !path.exists() {
            return Ok(None);
        }
        let text = read(&path)?;
        parse_private_key(text.trim_end()).map(Some).ok_or(HomeError::NotAKey { path })
    }

    fn import_key(&self) -> PathBuf {
        self.keys.join("import.key")
    }

    /// Makes another signing key of the log, in a file of its own: `log-<key id>.key`. A crash leaves a name that nobody reads,
    /// or the whole key, which signs nothing until an entry introduces it.
    pub fn create_log_key(&self, origin: &str) -> Result<SigningKey, HomeError> {
        let key = SigningKey::generate(origin).map_err(|_| HomeError::NoRandomness)?;
        let path = self.keys.join(format!("log-{}.key", hex(&key.vkey().id())));
        if path.exists() {
            return Err(HomeError::KeyExists { path });
        }
        let fresh = path.with_extension("key.new");
        write_new(&fresh, &private_key_text(&key))?;
        fs::rename(&fresh, &path).map_err(|source| HomeError::Io { path, source })?;
        sync_folder(&self.keys)?;
        Ok(key)
    }

    /// Reads the log's signing keys, whose name is the origin, and the data key.
    pub fn read_keys(&self) -> Result<(LogKeys, Zeroizing<[u8; 32]>), HomeError> {
        let keys = self.log_key_files()?.into_iter().map(|(_, key)| key).collect();
        let path = self.keys.join("log.key");
        let log = LogKeys::new(keys).ok_or(HomeError::NotAKey { path })?;
        let path = self.keys.join("data.key");
        let text = read(&path)?;
        let data = decode_32(text.trim_end()).ok_or(HomeError::NotAKey { path })?;
        Ok((log, data))
    }

    /// The file that holds the private half of `key`, one of the log's.
    pub fn log_key_file(&self, key: &VKey) -> Result<Option<PathBuf>, HomeError> {
        let files = self.log_key_files()?;
        Ok(files.into_iter().find(|(_, held)| held.vkey() == *key).map(|(path, _)| path))
    }

    /// `log.key`, and those that a rotation made. One of them at least is there, or the first is missed by name.
    fn log_key_files(&self) -> Result<Vec<(PathBuf, SigningKey)>, HomeError> {
        let io = |source| HomeError::Io { path: self.keys.clone(), source };
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.keys).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let name = name.to_string_lossy();
            let stem = name.strip_suffix(".key");
            if stem.is_some_and(|stem| stem == "log" || stem.starts_with("log-")) {
                paths.push(self.keys.join(&*name));
            }
        }
        if paths.is_empty() {
            paths.push(self.keys.join("log.key"));
        }
        paths.sort();
        let load = |path: PathBuf| {
            let text = read(&path)?;
            let key = parse_private_key(text.trim_end());
            key.map(|key| (path.clone(), key)).ok_or(HomeError::NotAKey { path })
        };
        let files = paths.into_iter().map(load).collect::<Result<Vec<_>, _>>()?;
        let first = files.iter().find(|(path, _)| path.ends_with("log.key")).or(files.first());
        let origin = first.map(|(_, key)| key.name().to_owned()).unwrap_or_default();
        // One of another ledger is named, before it can be taken for the next key.
        match files.iter().find(|(_, key)| key.name() != origin) {
            Some((path, _)) => Err(HomeError::NotAKey { path: path.clone() }),
            None => Ok(files),
        }
    }
}

/// `PRIVATE+KEY+<name>+<hex key id>+<base64(0x01 || seed)>`, the customary private half of a vkey.
fn private_key_text(key: &SigningKey) -> Zeroizing<String> {
    let mut typed = Zeroizing::new(vec![1_u8]);
    typed.extend_from_slice(key.seed().as_ref());
    let id = hex(&key.vkey().id());
    Zeroizing::new(format!("PRIVATE+KEY+{}+{id}+{}", key.name(), STANDARD.encode(typed.as_slice())))
}

fn parse_private_key(text: &str) -> Option<SigningKey> {
    let rest = text.strip_prefix("PRIVATE+KEY+")?;
    let (name, rest) = rest.split_once('+')?;
    let (_, encoded) = rest.split_once('+')?;
    let typed = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let seed: [u8; 32] = typed.strip_prefix(&[1])?.try_into().ok()?;
    let key = SigningKey::from_seed(name, &seed).ok()?;
    (*private_key_text(&key) == text).then_some(key)
}

fn decode_32(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, HomeError> {
    let text = fs::read_to_string(path).map_err(|source| HomeError::Io { path: path.to_owned(), source })?;
    Ok(Zeroizing::new(text))
}

/// Makes a folder that only its owner may enter.
pub fn make_private_folder(path: &Path) -> Result<(), HomeError> {
    let io = |source| HomeError::Io { path: path.to_owned(), source };
    fs::create_dir_all(path).map_err(io)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(io)?;
    }
    Ok(())
}

/// Writes a file that did not exist, readable by its owner alone, and waits until it is on disk.
pub fn write_new(path: &Path, text: &str) -> Result<(), HomeError> {
    let io = |source: io::Error| {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::AlreadyExists {
            HomeError::KeyExists { path }
        } else {
            HomeError::Io { path, source }
        }
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(io)?;
    file.write_all(text.as_bytes()).map_err(io)?;
    file.write_all(b"\n").map_err(io)?;
    file.sync_all().map_err(io)
}

pub(crate) fn sync_folder(path: &Path) -> Result<(), HomeError> {
    let sync = || File::open(path)?.sync_all();
    sync().map_err(|source| HomeError::Io { path: path.to_owned(), source })
}
