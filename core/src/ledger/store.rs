//! What every store does: one compare-and-swap on the head, and reading.
//!
//! Total order, revisions and the one tree follow from the single append point. A store knows nothing of the domain: it
//! keeps signed entries, bodies, and index keys, and gives them back unchanged.

use std::path::PathBuf;

use crate::id::{CommandId, StreamId, StreamKind};
use crate::ledger::merkle::{Hash, Tile};
use crate::units::{Position, Revision, Timestamp};

/// An index key: the first half of the BLAKE3 hash of its text.
pub type Touch = [u8; 16];

/// The index key of a text such as `enterprise/<id>`.
pub fn touch(text: &str) -> Touch {
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    key
}

/// One entry with its body, at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub position: Position,
    pub stream: StreamId,
    pub revision: Revision,
    /// The signed note, byte for byte.
    pub entry: Vec<u8>,
    pub body: Vec<u8>,
    pub touches: Vec<Touch>,
}

/// One command's entries; they land whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    pub id: CommandId,
    /// Hash of the request.
    pub request: [u8; 32],
    pub entries: Vec<Stored>,
}

/// What is committed at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Position of the first entry.
    pub first: Position,
    pub committed_at: Timestamp,
    pub commands: Vec<Committed>,
    /// Roots of the perfect subtrees of the tree after this group.
    pub frontier: Vec<Hash>,
    /// Signed note over the tree after this group.
    pub checkpoint: Vec<u8>,
    /// Tiles that this group filled. Index only: they can be computed from the entries.
    pub tiles: Vec<Tile>,
}

impl Group {
    pub fn entries(&self) -> impl Iterator<Item = &Stored> {
        self.commands.iter().flat_map(|command| &command.entries)
    }

    /// The size of the log after this group.
    pub fn end(&self) -> u64 {
        self.first.0 + self.commands.iter().map(|command| command.entries.len() as u64).sum::<u64>()
    }
}

/// The end of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Number of entries.
    pub size: u64,
    /// The last group's signed checkpoint; empty before the first group.
    pub checkpoint: Vec<u8>,
    pub committed_at: Timestamp,
}

/// What a command was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    pub request: [u8; 32],
    pub positions: Vec<Position>,
}

/// Why a group was not committed, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The head is not where the caller thought. Load again.
    #[error("the log holds {actual} entries, not {expected}; load again")]
    Conflict { expected: u64, actual: u64 },
    /// Nothing was written. Reopen; then the same append may be tried again.
    #[error("nothing was written: {0}")]
    NotWritten(StoreError),
    /// It may or may not have been written. Stop, reopen, and look.
    #[error("it is not known whether it was written: {0}")]
    Unknown(StoreError),
}

/// What is wrong with a store, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("couldn't {action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("another process writes to {path}; stop it first: a ledger has one writer")]
    InUse { path: PathBuf },
    #[error(
        "{file} is damaged at byte {offset}, near position {position}: {what}. Nothing was changed. Put back this file from a backup, \
         or restore the backup into a new ledger; `adit verify` names the first fault"
    )]
    Damaged { file: PathBuf, offset: u64, position: u64, what: &'static str },
    #[error(
        "{file} holds entry {position}, but its body can't be read with the data key; put back the `data.key` that was made with this ledger"
    )]
    Sealed { file: PathBuf, position: u64 },
    #[error(
        "the lock {lock} was signed at size {locked}, but the journal ends at {size}{torn}: an older copy was put back, or the end of the \
         journal was cut off or damaged. Nothing was changed. Put back the newest journal; if it is lost, go on as a new ledger \
         that names this one's last checkpoint"
    )]
    Behind { lock: PathBuf, locked: u64, size: u64, torn: &'static str },
    #[error(
        "the lock {lock} does not belong to this journal: {what}. Nothing was changed. Put back the lock that was written with it"
    )]
    ForeignLock { lock: PathBuf, what: &'static str },
    #[error(
        "the lock {lock} is missing, though the journal holds {size} entries. Put it back; it is what tells an older copy from the newest state"
    )]
    NoLock { lock: PathBuf, size: u64 },
    #[error(
        "the index in {path} is damaged ({what}); stop, delete that folder and start again: it is rebuilt from the journal"
    )]
    Index { path: PathBuf, what: String },
    #[error("the store stopped writing after a failed write; reopen it")]
    Halted,
    #[error("the group breaks the form of the store: {0}")]
    Form(&'static str),
    #[error("{0}")]
    Commit(String),
}

/// An append-only store.
pub trait Store: Send + Sync {
    fn head(&self) -> Head;

    /// Appends `group` if the log holds `expected` entries. Returns after the group would survive a power cut.
    fn commit(&self, expected: u64, group: Group) -> Result<(), CommitError>;

    /// At most `limit` entries from `from` on.
    fn read(&self, from: Position, limit: usize) -> Result<Vec<Stored>, StoreError>;

    /// The group that holds `position`; its tiles are not kept. `None` beyond the end.
    fn group(&self, position: Position) -> Result<Option<Group>, StoreError>;

    /// The position after the last group for whose time `within` holds. Groups come in the order of time.
    fn committed_while(&self, within: &dyn Fn(Timestamp) -> bool) -> Position;

    /// Positions of a stream's entries, by revision.
    fn stream(&self, stream: &StreamId) -> Result<Vec<Position>, StoreError>;

    /// Position and revision of a stream's last entry.
    fn stream_end(&self, stream: &StreamId) -> Result<Option<(Position, Revision)>, StoreError>;

    /// Every stream of a kind, in order of id.
    fn streams(&self, kind: StreamKind) -> Result<Vec<StreamId>, StoreError>;

    fn command(&self, id: &CommandId) -> Result<Option<Answered>, StoreError>;

    /// Positions of the entries that touched an index key, in order.
    fn touched(&self, key: &Touch) -> Result<Vec<Position>, StoreError>;

    fn last_touched(&self, key: &Touch) -> Result<Option<Position>, StoreError>;

    /// The first `width` hashes of a tile.
    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, StoreError>;

    /// Positions at which groups begin, in order.
    fn groups(&self) -> Result<Vec<Position>, StoreError>;

    /// Checks that the index says what these groups say, which are all there are and have their tiles; gives back how many
    /// keys it holds. Nothing where there is no index.
    fn check_index(&self, groups: &mut dyn Iterator<Item = Group>) -> Result<u64, StoreError> {
        groups.for_each(drop);
        Ok(0)
    }
}
