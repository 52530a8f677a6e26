//! What the index says of the newest groups, in memory.

use std::collections::HashMap;

use super::stored::Keys;
use crate::id::{CommandId, StreamId};
use crate::ledger::journal::Checksum;
use crate::ledger::merkle::Hash;
use crate::ledger::store::{Answered, Group, Touch};
use crate::units::{Position, Revision};

#[derive(Default)]
pub(super) struct Layer {
    pub(super) entries: usize,
    /// What goes into sled.
    pub(super) keys: Keys,
    pub(super) streams: HashMap<StreamId, Vec<(Revision, Position)>>,
    pub(super) commands: HashMap<CommandId, Answered>,
    pub(super) touched: HashMap<Touch, Vec<Position>>,
    pub(super) tiles: HashMap<(u8, u64), Vec<Hash>>,
}

impl Layer {
    pub(super) fn add(&mut self, group: &Group, checksum: &Checksum) {
        for command in &group.commands {
            for stored in &command.entries {
                self.streams.entry(stored.stream).or_default().push((stored.revision, stored.position));
                for touch in &stored.touches {
                    self.touched.entry(*touch).or_default().push(stored.position);
                }
                self.entries += 1;
            }
            let positions = command.entries.iter().map(|stored| stored.position).collect();
            self.commands.insert(command.id, Answered { request: command.request, positions });
        }
        for tile in &group.tiles {
            self.tiles.insert((tile.level, tile.index), tile.hashes.clone());
        }
        self.keys.add(group, checksum);
    }
}
