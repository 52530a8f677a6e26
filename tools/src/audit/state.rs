//! What the monitor remembers between two runs: how far it got, and all that later entries are judged by.
//!
//! One file, written beside its name and renamed over it, so that a crash leaves the old one or the new one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::ledger::merkle::Hash;
use adit_core::ledger::vkey::VKey;
use adit_core::rules::order::Standing;
use adit_core::units::Day;
use serde::{Deserialize, Serialize};

use super::deadlines::Deadlines;
use super::keys::Keys;
use super::tree::Tree;
use super::words::Code;

/// First line of a state file; another version is refused.
const MAGIC: &[u8] = b"adit-audit.state 2\n";
/// Violations that are kept one by one; more are counted.
const VIOLATIONS_MAX: usize = 1_000;
/// Roots of earlier sizes that are kept.
pub(super) const ROOTS_MAX: usize = 65_536;

/// A stream in 17 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct StreamKey(u8, [u8; 16]);

impl StreamKey {
    pub(super) fn of(stream: StreamId) -> Self {
        let place = StreamKind::ALL.iter().position(|kind| *kind == stream.kind).unwrap_or(usize::MAX);
        Self(u8::try_from(place).unwrap_or(u8::MAX), stream.id.0)
    }

    pub(super) fn stream(self) -> StreamId {
        let kind = StreamKind::ALL.get(usize::from(self.0)).copied().unwrap_or(StreamKind::Ledger);
        StreamId::new(kind, Id(self.1))
    }
}

/// The end of a stream.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Tail {
    /// Revision of the next entry.
    pub(super) next: u64,
    /// BLAKE3 of the last entry's text.
    pub(super) text_hash: Hash,
    /// Day of the last entry.
    pub(super) day: i32,
    statuses: u16,
    flags: u16,
}

impl Tail {
    pub(super) fn new(next: u64, text_hash: Hash, day: i32, standing: Standing) -> Self {
        Self { next, text_hash, day, statuses: standing.statuses, flags: standing.flags }
    }

    pub(super) fn standing(&self) -> Standing {
        Standing { statuses: self.statuses, flags: self.flags }
    }
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Violation {
    pub(super) code: Code,
    pub(super) position: Option<u64>,
    pub(super) stream: Option<String>,
    /// The file or address that shows it.
    pub(super) place: Option<String>,
    /// The particulars, in English.
    pub(super) detail: String,
    /// Signed notes that prove it: ours first, then the one that contradicts it.
    pub(super) evidence: Vec<String>,
    /// Day on which the monitor found it.
    pub(super) found: String,
}

impl Violation {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            position: None,
            stream: None,
            place: None,
            detail: detail.into(),
            evidence: Vec::new(),
            found: String::new(),
        }
    }

    pub(super) fn at(mut self, position: u64) -> Self {
        self.position = Some(position);
        self
    }

    pub(super) fn in_file(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    fn same(&self, other: &Self) -> bool {
        self.code == other.code
            && self.position == other.position
            && self.place == other.place
            && self.evidence == other.evidence
    }
}

/// Counts over all runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) entries: u64,
    pub(super) signatures: u64,
    /// Reports whose entry starts no clock for deciding on them, and accepted ones without a clock for handling.
    pub(super) without_clock: u64,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) origin: String,
    /// The log's vkeys that were given, or believed at first use; all others follow from the log itself.
    pub(super) trusted: Vec<String>,
    /// Where they were not given but found beside the log.
    pub(super) first_use: bool,
    /// The last checkpoint that was verified, as a signed note.
    pub(super) checkpoint: Vec<u8>,
    pub(super) tree: Tree,
    pub(super) streams: HashMap<StreamKey, Tail>,
    pub(super) deadlines: Deadlines,
    pub(super) keys: Keys,
    /// Roots of the sizes that entries named as seen.
    pub(super) roots: BTreeMap<u64, Hash>,
    /// Latest day of an entry.
    pub(super) latest: i32,
    pub(super) counts: Counts,
    pub(super) violations: Vec<Violation>,
    pub(super) more_violations: u64,
    /// Alarms that were taken by the webhook.
    pub(super) sent: BTreeSet<[u8; 16]>,
}

/// The state file can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum StateError {
    #[error("couldn't use the state file: {0}")]
    Io(#[from] io::Error),
    #[error("the state file is damaged or of another version; remove it to check everything again")]
    Damaged,
    #[error("the state file belongs to another log or another key: {0}")]
    OtherLog(String),
    #[error("couldn't write the state: {0}")]
    Encode(#[from] postcard::Error),
}

impl State {
    /// Reads a state file; `None` where there is none yet.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, StateError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let rest = bytes.strip_prefix(MAGIC).ok_or(StateError::Damaged)?;
        let (hash, payload) = rest.split_first_chunk::<32>().ok_or(StateError::Damaged)?;
        if blake3::hash(payload).as_bytes() != hash {
            return Err(StateError::Damaged);
        }
        postcard::from_bytes(payload).map(Some).map_err(|_| StateError::Damaged)
    }

    /// Replaces the state file. A crash leaves the old one, and the entries since then are checked again.
    pub(super) fn write(&self, path: &Path) -> Result<(), StateError> {
        let payload = postcard::to_stdvec(self)?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = Path::new(&beside);
        let mut file = File::create(beside)?;
        file.write_all(MAGIC)?;
        file.write_all(blake3::hash(&payload).as_bytes())?;
        file.write_all(&payload)?;
        file.sync_all()?;
        fs::rename(beside, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }

    pub(super) fn trusted(&self) -> Vec<VKey> {
        self.trusted.iter().filter_map(|key| key.parse().ok()).collect()
    }

    /// Whether the log has or had this key, or it was believed from the start.
    pub(super) fn knows(&self, key: &VKey) -> bool {
        self.trusted().contains(key) || self.keys.of_the_log().contains(key)
    }

    /// The log's keys whose signature a checkpoint of this size needs one of: those that hold at its last entry.
    pub(super) fn log_keys_at(&self, size: u64) -> Vec<VKey> {
        if self.keys.of_the_log().is_empty() {
            return self.trusted();
        }
        self.keys.log_at(size.saturating_sub(1))
    }

    /// What differs when there is something to write.
    pub(super) fn marks(&self) -> (Vec<u8>, usize, u64, usize) {
        (self.checkpoint.clone(), self.violations.len(), self.more_violations, self.sent.len())
    }

    /// Keeps a violation once, however often it is found again.
    pub(super) fn violation(&mut self, violation: Violation) {
        if self.violations.iter().any(|known| known.same(&violation)) {
            return;
        }
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(violation);
        } else {
            self.more_violations += 1;
        }
    }
}

/// Days since 1 January 1970, as states keep them.
pub(super) fn number(day: Day) -> i32 {
    i32::try_from(day.days_since(epoch())).unwrap_or_default()
}

pub(super) fn day(number: i32) -> Day {
    epoch().plus_days(i64::from(number))
}

fn epoch() -> Day {
    Day::new(1970, 1, 1).unwrap_or_default()
}
