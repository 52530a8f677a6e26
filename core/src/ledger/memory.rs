//! The reference store: plain maps in memory. It shares no code with the embedded store, only its contract.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::{CommandId, StreamId, StreamKind};
use crate::ledger::merkle::{Hash, leaf_hash};
use crate::ledger::store::{Answered, CommitError, Group, Head, Store, StoreError, Stored, Touch};
use crate::units::{Position, Revision, Timestamp};

#[derive(Default)]
pub struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    head: Head,
    entries: Vec<Stored>,
    groups: BTreeMap<u64, Group>,
    streams: BTreeMap<StreamId, Vec<Position>>,
    commands: BTreeMap<CommandId, Answered>,
    touched: BTreeMap<Touch, Vec<Position>>,
    /// `levels[l]` are the hashes over 256^l leaves each.
    levels: Vec<Vec<Hash>>,
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn take(&mut self, group: Group) {
        for command in &group.commands {
            let positions = command.entries.iter().map(|entry| entry.position).collect();
            self.commands.insert(command.id, Answered { request: command.request, positions });
            for entry in &command.entries {
                self.streams.entry(entry.stream).or_default().push(entry.position);
                for key in &entry.touches {
                    self.touched.entry(*key).or_default().push(entry.position);
                }
                self.hash(0, leaf_hash(&entry.entry));
                self.entries.push(entry.clone());
            }
        }
        self.head = Head {
            size: group.end(),
            checkpoint: group.checkpoint.clone(),
            committed_at: group.committed_at,
        };
        self.groups.insert(group.first.0, Group { tiles: Vec::new(), ..group });
    }

    fn hash(&mut self, level: usize, hash: Hash) {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(hash);
        let hashes = &self.levels[level];
        if hashes.len().is_multiple_of(256) {
            let root = crate::ledger::merkle::range_root(&hashes[hashes.len() - 256..]);
            self.hash(level + 1, root);
        }
    }
}

impl Store for Memory {
    fn head(&self) -> Head {
        self.kept().head.clone()
    }

    fn commit(&self, expected: u64, group: Group) -> Result<(), CommitError> {
        let mut kept = self.kept();
        if kept.head.size != expected || group.first.0 != expected {
            return Err(CommitError::Conflict { expected, actual: kept.head.size });
        }
        kept.take(group);
        Ok(())
    }

    fn read(&self, from: Position, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let from = usize::try_from(from.0).unwrap_or(usize::MAX);
        Ok(self.kept().entries.iter().skip(from).take(limit).cloned().collect())
    }

    fn groups(&self) -> Result<Vec<Position>, StoreError> {
        Ok(self.kept().groups.keys().map(|first| Position(*first)).collect())
    }

    fn group(&self, position: Position) -> Result<Option<Group>, StoreError> {
        let kept = self.kept();
        let before = kept.groups.range(..=position.0).next_back();
        Ok(before.map(|(_, group)| group.clone()).filter(|group| position.0 < group.end()))
    }

    fn committed_while(&self, within: &dyn Fn(Timestamp) -> bool) -> Position {
        let kept = self.kept();
        let last = kept.groups.values().take_while(|group| within(group.committed_at)).last();
        Position(last.map_or(0, Group::end))
    }

    fn stream(&self, stream: &StreamId) -> Result<Vec<Position>, StoreError> {
        Ok(self.kept().streams.get(stream).cloned().unwrap_or_default())
    }

    fn stream_end(&self, stream: &StreamId) -> Result<Option<(Position, Revision)>, StoreError> {
        let kept = self.kept();
        let end = kept.streams.get(stream).and_then(|positions| Some((*positions.last()?, positions.len())));
        Ok(end.map(|(position, many)| (position, Revision(many as u64 - 1))))
    }

    fn streams(&self, kind: StreamKind) -> Result<Vec<StreamId>, StoreError> {
        Ok(self.kept().streams.keys().filter(|stream| stream.kind == kind).copied().collect())
    }

    fn command(&self, id: &CommandId) -> Result<Option<Answered>, StoreError> {
        Ok(self.kept().commands.get(id).cloned())
    }

    fn touched(&self, key: &Touch) -> Result<Vec<Position>, StoreError> {
        Ok(self.kept().touched.get(key).cloned().unwrap_or_default())
    }

    fn last_touched(&self, key: &Touch) -> Result<Option<Position>, StoreError> {
        Ok(self.kept().touched.get(key).and_then(|positions| positions.last().copied()))
    }

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, StoreError> {
        let kept = self.kept();
        let start = usize::try_from(index).unwrap_or(usize::MAX).saturating_mul(256);
        let hashes = kept.levels.get(usize::from(level)).map(Vec::as_slice).unwrap_or_default();
        let end = start.saturating_add(usize::from(width));
        hashes
            .get(start..end)
            .map(<[Hash]>::to_vec)
            .ok_or(StoreError::Form("the tile is beyond the end of the log"))
    }
}
