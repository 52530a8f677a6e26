//! The index as it lies in sled.
//!
//! ```text
//! s <kind> <id> <revision>  -> position
//! c <command id>            -> request, positions
//! t <key> <position>        -> ()              T <level> <index> -> 256 hashes
//! H2                        -> size, checksum of the journal record that ends there
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::sum::Sum;
use crate::id::{CommandId, Id, StreamId, StreamKind};
use crate::ledger::journal::Checksum;
use crate::ledger::merkle::{Hash, Tile};
use crate::ledger::store::{Answered, Group, StoreError, Touch};
use crate::units::{Position, Revision};

/// Names this form of the index: one of another form has no such key, and is rebuilt.
const HEAD: &[u8] = b"H2";
/// Bytes of sled's page cache.
const CACHE_BYTES: u64 = 64 << 20;

pub(super) struct StoredIndex {
    db: sled::Db,
    path: PathBuf,
}

/// The keys of some groups.
#[derive(Default)]
pub(super) struct Keys {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    /// How far the index goes with them.
    head: Vec<u8>,
}

impl Keys {
    /// Adds the group that follows.
    pub(super) fn add(&mut self, group: &Group, checksum: &Checksum) {
        let mut insert = |key, value: &[u8]| self.pairs.push((key, value.to_vec()));
        for command in &group.commands {
            let mut answer = command.request.to_vec();
            for stored in &command.entries {
                let position = stored.position.0.to_be_bytes();
                answer.extend_from_slice(&position);
                insert(with(stream_key(&stored.stream), stored.revision.0), &position);
                for touch in &stored.touches {
                    insert(with(tagged(b't', touch), stored.position.0), &[]);
                }
            }
            insert(tagged(b'c', &command.id.0.0), &answer);
        }
        for Tile { level, index, hashes } in &group.tiles {
            insert(tile_key(*level, *index), &hashes.concat());
        }
        self.head = group.end().to_be_bytes().to_vec();
        self.head.extend_from_slice(checksum);
    }

    /// Adds the keys to a sum; how far they go is not among them.
    pub(super) fn sum(&self, sum: &mut Sum) {
        self.pairs.iter().for_each(|(key, value)| sum.add(key, value));
    }
}

fn kind_byte(kind: StreamKind) -> u8 {
    match kind {
        StreamKind::Hazard => 0,
        StreamKind::Report => 1,
        StreamKind::Reward => 2,
        StreamKind::Enterprise => 3,
        StreamKind::Inspection => 4,
        StreamKind::Actor => 5,
        StreamKind::Rules => 6,
        StreamKind::Ledger => 7,
        StreamKind::Inquiry => 8,
        StreamKind::Access => 9,
        StreamKind::Concern => 10,
    }
}

fn stream_key(stream: &StreamId) -> Vec<u8> {
    let mut key = vec![b's', kind_byte(stream.kind)];
    key.extend_from_slice(&stream.id.0);
    key
}

fn with(mut key: Vec<u8>, number: u64) -> Vec<u8> {
    key.extend_from_slice(&number.to_be_bytes());
    key
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut key = vec![tag];
    key.extend_from_slice(bytes);
    key
}

fn tile_key(level: u8, index: u64) -> Vec<u8> {
    with(vec![b'T', level], index)
}

/// The last eight bytes as a number.
fn tail_number(bytes: &[u8]) -> Option<u64> {
    bytes.last_chunk::<8>().map(|tail| u64::from_be_bytes(*tail))
}

impl StoredIndex {
    /// Opens the index. sled may give an error or panic on damaged files: both mean that it must be rebuilt.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let config = sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(Some(500));
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        let fail = |what: String| StoreError::Index { path: path.to_owned(), what };
        match opened {
            Ok(Ok(db)) => Ok(Self { db, path: path.to_owned() }),
            Ok(Err(error)) => Err(fail(error.to_string())),
            Err(_) => Err(fail("sled can't read it".to_owned())),
        }
    }

    pub(super) fn fault(&self, what: impl std::fmt::Display) -> StoreError {
        StoreError::Index { path: self.path.clone(), what: what.to_string() }
    }

    fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        self.db.get(key).map_err(|error| self.fault(error))
    }

    fn scan(
        &self,
        prefix: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<(sled::IVec, sled::IVec), StoreError>> {
        self.db.scan_prefix(prefix).map(|item| item.map_err(|error| self.fault(error)))
    }

    /// How far the index goes: size, and the checksum of the record that ends there.
    pub(super) fn head(&self) -> Result<Option<(u64, Checksum)>, StoreError> {
        let Some(value) = self.get(HEAD)? else {
            return Ok(None);
        };
        let parsed = value.split_first_chunk::<8>().and_then(|(size, checksum)| {
            Some((u64::from_be_bytes(*size), Checksum::try_from(checksum).ok()?))
        });
        Ok(parsed)
    }

    /// Writes the keys of some groups, and then how far they go. A crash in between leaves keys of groups that are in the
    /// journal; the next start writes the same again. Not one batch: sled would let nobody read meanwhile.
    pub(super) fn write(&self, mut keys: Keys) -> Result<(), StoreError> {
        // Neighbours lie on the same page.
        keys.pairs.sort_unstable();
        for (key, value) in keys.pairs {
            self.db.insert(key, value).map_err(|error| self.fault(error))?;
        }
        self.db.insert(HEAD, keys.head).map_err(|error| self.fault(error))?;
        Ok(())
    }

    /// Most streams that are asked for are new; a look-up is cheaper than a scan that finds nothing.
    fn has_stream(&self, stream: &StreamId) -> Result<bool, StoreError> {
        Ok(self.get(&with(stream_key(stream), 0))?.is_some())
    }

    pub(super) fn stream(&self, stream: &StreamId) -> Result<Vec<Position>, StoreError> {
        let mut positions = Vec::new();
        if !self.has_stream(stream)? {
            return Ok(positions);
        }
        for item in self.scan(&stream_key(stream)) {
            let (key, value) = item?;
            if tail_number(&key) != Some(positions.len() as u64) {
                return Err(self.fault("a stream has a gap"));
            }
            positions.push(Position(tail_number(&value).ok_or_else(|| self.fault("a position is cut off"))?));
        }
        Ok(positions)
    }

    pub(super) fn stream_end(&self, stream: &StreamId) -> Result<Option<(Position, Revision)>, StoreError> {
        if !self.has_stream(stream)? {
            return Ok(None);
        }
        let Some(item) = self.scan(&stream_key(stream)).next_back() else {
            return Ok(None);
        };
        let (key, value) = item?;
        let end = tail_number(&value).zip(tail_number(&key));
        let (position, revision) = end.ok_or_else(|| self.fault("a position is cut off"))?;
        Ok(Some((Position(position), Revision(revision))))
    }

    pub(super) fn streams(&self, kind: StreamKind) -> Result<Vec<StreamId>, StoreError> {
        let mut streams = Vec::new();
        for item in self.scan(&[b's', kind_byte(kind)]) {
            let (key, _) = item?;
            let id: Option<[u8; 16]> = key.get(2..18).and_then(|id| id.try_into().ok());
            let id = Id(id.ok_or_else(|| self.fault("a stream's id is cut off"))?);
            if streams.last().is_none_or(|last: &StreamId| last.id != id) {
                streams.push(StreamId::new(kind, id));
            }
        }
        Ok(streams)
    }

    pub(super) fn command(&self, id: &CommandId) -> Result<Option<Answered>, StoreError> {
        let Some(value) = self.get(&tagged(b'c', &id.0.0))? else {
            return Ok(None);
        };
        let (request, positions) =
            value.split_first_chunk::<32>().ok_or_else(|| self.fault("an answer is cut off"))?;
        let positions =
            positions.as_chunks::<8>().0.iter().map(|p| Position(u64::from_be_bytes(*p))).collect();
        Ok(Some(Answered { request: *request, positions }))
    }

    pub(super) fn touched(&self, touch: &Touch) -> Result<Vec<Position>, StoreError> {
        let prefix = tagged(b't', touch);
        let keys = self.scan(&prefix);
        keys.map(|item| tail_number(&item?.0).map(Position).ok_or_else(|| self.fault("a key is cut off")))
            .collect()
    }

    pub(super) fn last_touched(&self, touch: &Touch) -> Result<Option<Position>, StoreError> {
        let Some(item) = self.scan(&tagged(b't', touch)).next_back() else {
            return Ok(None);
        };
        Ok(tail_number(&item?.0).map(Position))
    }

    /// A full tile, if it is there.
    pub(super) fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        Ok(self.get(&tile_key(level, index))?.map(|value| value.as_chunks::<32>().0.to_vec()))
    }

    /// Adds every key but the one that says how far they go.
    pub(super) fn sum(&self, sum: &mut Sum) -> Result<(), StoreError> {
        for item in self.scan(&[]) {
            let (key, value) = item?;
            if key != HEAD {
                sum.add(&key, &value);
            }
        }
        Ok(())
    }

    /// Number of keys, for the check against the journal.
    pub(super) fn len(&self) -> usize {
        self.db.len()
    }
}
