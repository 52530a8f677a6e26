//! Who may be among those with whom a report is shared.

use std::collections::BTreeSet;

use super::Gathered;
use crate::id::ActorId;
use crate::office::{ExecuteError, Office};
use crate::report::{self, readers};
use crate::units::Position;

impl Office {
    /// Those of these officers who verify or handle. Each of their keys is read: a copy for somebody and the end of their key, or of their
    /// role, cannot both land.
    pub(super) fn readers_among(&self, with: &[ActorId]) -> Result<Gathered<report::Facts>, ExecuteError> {
        let mut gathered = Gathered::alone(report::Facts::default());
        let known = self.ledger.keys();
        for key in with.iter().flat_map(|actor| known.keys_of(*actor, Position(self.ledger.size()))) {
            gathered.reads.push(self.touched(&format!("key/{key}"))?.1);
        }
        let (keys, size) = (self.ledger.keys(), self.ledger.size());
        gathered.facts.readers = readers(&keys, size, &BTreeSet::new());
        gathered.facts.readers.retain(|actor, _| with.contains(actor));
        Ok(gathered)
    }
}
