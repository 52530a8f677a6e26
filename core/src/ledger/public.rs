//! What anybody may have of a ledger: tiles, roots of earlier sizes, receipts.
//!
//! Nothing of it reads the journal except the entries that are asked for: full tiles come from the index, and the tiles at
//! the right edge from the tree in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::StreamId;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::log::Ledger;
use crate::ledger::merkle::{Hash, TILE_WIDTH, Tree, inclusion_proof};
use crate::ledger::receipt::Receipt;
use crate::ledger::store::{StoreError, Stored};
use crate::ledger::tiles::{Rows, TilePath, WIDTH, hash_bytes, push_entry};
use crate::ledger::vkey::VKey;
use crate::units::Position;

/// The tree after the newest group, with the checkpoint that signs it.
pub(crate) struct Edge {
    pub(crate) tree: Arc<Tree>,
    pub(crate) checkpoint: Vec<u8>,
}

const BEYOND: StoreError = StoreError::Form("the tile is beyond the end of the log");

impl Ledger {
    /// The first `width` hashes of a tile.
    pub fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, StoreError> {
        let edge = self.edge();
        let mut hashes = match edge.tree.right_tile(level, index) {
            Some(hashes) => hashes.to_vec(),
            None => self.store().tile(level, index, WIDTH)?,
        };
        if hashes.len() < usize::from(width) {
            return Err(BEYOND);
        }
        hashes.truncate(usize::from(width));
        Ok(hashes)
    }

    /// The bytes of a tile as they are served (C2SP tlog-tiles). Whoever asks has checked that it is public.
    pub fn tile_bytes(&self, path: &TilePath) -> Result<Vec<u8>, StoreError> {
        if let Rows::Hashes(level) = path.rows {
            return Ok(hash_bytes(&self.tile(level, path.index, path.width)?));
        }
        let first = path.index.checked_mul(TILE_WIDTH).ok_or(BEYOND)?;
        let stored = self.store().read(Position(first), path.width.into())?;
        if stored.len() < usize::from(path.width) {
            return Err(BEYOND);
        }
        bundle(&stored)
    }

    /// The published entries of a stream, each after its length, as in a bundle; empty when there is none.
    pub fn public_stream(&self, stream: &StreamId) -> Result<Vec<u8>, StoreError> {
        let size = self.published().size();
        let positions = self.store().stream(stream)?;
        let mut entries = Vec::new();
        for position in positions.into_iter().filter(|position| position.0 < size) {
            entries.extend(self.store().read(position, 1)?);
        }
        bundle(&entries)
    }

    /// The root of the tree when it had `size` leaves; `None` when it has fewer.
    pub fn root_at(&self, size: u64) -> Result<Option<Hash>, StoreError> {
        if size > self.edge().tree.size() {
            return Ok(None);
        }
        let tree = Tree::restore(size, |level, index, width| self.tile(level, index, width))?;
        Ok(Some(tree.root()))
    }

    /// Receipts for entries, against one checkpoint of this log; `None` for an entry that it does not cover.
    pub fn receipts(
        &self,
        entries: &[Stored],
        checkpoint: &[u8],
    ) -> Result<Vec<Option<Receipt>>, StoreError> {
        let size = Checkpoint::parse(checkpoint).map_or(0, |(checkpoint, _)| checkpoint.size);
        // Entries of one command are neighbours, and a proof asks for each tile several times.
        let mut read: BTreeMap<(u8, u64, u16), Vec<Hash>> = BTreeMap::new();
        let mut tile = |level: u8, index: u64, width: u16| {
            if let Some(hashes) = read.get(&(level, index, width)) {
                return Ok(hashes.clone());
            }
            let hashes = self.tile(level, index, width)?;
            read.insert((level, index, width), hashes.clone());
            Ok(hashes)
        };
        let receipt = |stored: &Stored| {
            if stored.position.0 >= size {
                return Ok(None);
            }
            let proof = inclusion_proof(stored.position.0, size, &mut tile)?;
            let (entry, checkpoint) = (stored.entry.clone(), checkpoint.to_vec());
            Ok(Some(Receipt { entry, position: stored.position, proof, checkpoint }))
        };
        entries.iter().map(receipt).collect()
    }

    /// The receipt of a published entry against the published checkpoint; `None` when it is not published.
    pub fn public_receipt(&self, position: Position) -> Result<Option<Receipt>, StoreError> {
        let published = self.published();
        if position.0 >= published.size() {
            return Ok(None);
        }
        let stored = self.store().read(position, 1)?;
        Ok(self.receipts(&stored, &published.note)?.into_iter().next().flatten())
    }

    /// Every key that this log has signed with, the newest first.
    pub fn log_keys(&self) -> Vec<VKey> {
        let keys = self.keys();
        let mut known: Vec<VKey> = keys.log_keys().into_iter().map(|(key, _)| key.clone()).collect();
        if known.is_empty() {
            known.push(self.log_key().vkey());
        }
        known.reverse();
        known
    }

    /// The log's keys in force now, oldest first: each signs every checkpoint. Two while one takes over from the other.
    pub fn log_keys_in_force(&self) -> Vec<VKey> {
        let in_force = self.keys().log_keys_at(Position(self.size()));
        if in_force.is_empty() { vec![self.log_key().vkey()] } else { in_force }
    }

    /// Whether one of `signed_by` held at the last entry that a checkpoint of this size covers.
    pub fn held_at(&self, size: u64, signed_by: &[VKey]) -> bool {
        let held = self.keys().log_keys_at(Position(size.saturating_sub(1)));
        held.is_empty() || signed_by.iter().any(|key| held.contains(key))
    }
}

fn bundle(entries: &[Stored]) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(entries.iter().map(|stored| stored.entry.len() + 2).sum());
    for stored in entries {
        push_entry(&mut bytes, &stored.entry)
            .ok_or(StoreError::Form("an entry is longer than a leaf may be"))?;
    }
    Ok(bytes)
}
