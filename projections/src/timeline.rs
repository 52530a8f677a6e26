//! The timeline of every stream: what happened when, by how many, at which position.

use std::collections::BTreeMap;

use adit_core::event::Fact;
use adit_core::id::{ActorId, StreamId};
use adit_core::units::{Position, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Projection;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    streams: BTreeMap<StreamId, Vec<Step>>,
}

/// One event of a stream; what it says is read from the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub position: Position,
    pub at: Timestamp,
    pub kind: String,
    pub by: Vec<ActorId>,
}

/// One event with its stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub stream: StreamId,
    pub revision: u64,
    pub position: Position,
    pub at: Timestamp,
    pub kind: String,
    pub by: Vec<ActorId>,
}

impl Timeline {
    pub fn of(&self, stream: &StreamId) -> &[Step] {
        self.streams.get(stream).map(Vec::as_slice).unwrap_or_default()
    }

    /// All events in the order of the log.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for (stream, steps) in &self.streams {
            for (revision, step) in (0..).zip(steps) {
                let Step { position, at, kind, by } = step.clone();
                rows.push(Row { stream: *stream, revision, position, at, kind, by });
            }
        }
        rows.sort_by_key(|row| row.position);
        rows
    }
}

impl Projection for Timeline {
    const NAME: &'static str = "timeline";

    fn apply(&mut self, fact: &Fact) {
        let step = Step {
            position: fact.position,
            at: fact.at,
            kind: fact.event.kind().to_owned(),
            by: fact.by.clone(),
        };
        self.streams.entry(fact.stream).or_default().push(step);
    }
}
