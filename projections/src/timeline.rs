//! The timeline of every stream: what happened when, by whom, at which position. What it says is read from the ledger.

use adit_core::event::Fact;
use adit_core::id::{ActorId, StreamId};
use adit_core::units::{Day, Position, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{DayNumber, NONE, Signers, StreamKey, Table, Words};

pub(crate) const NAME: &str = "timeline";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &["stream", "enterprise", "kind", "from", "to"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    kinds: Words,
    signers: Signers,
    /// The last step of each stream.
    streams: Table<StreamKey, u32>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Step {
    position: Position,
    seconds: i64,
    day: DayNumber,
    stream: u32,
    revision: u32,
    /// The step before it in its stream.
    before: u32,
    kind: u32,
    by: u32,
}

/// One event with its stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub stream: StreamId,
    pub revision: u64,
    pub position: Position,
    pub day: Day,
    pub at: Timestamp,
    pub kind: String,
    /// Actors who signed; empty for a reporter or the log.
    pub by: Vec<ActorId>,
}

impl Timeline {
    /// The events of one stream, first to last.
    pub fn of(&self, stream: &StreamId) -> Vec<Row> {
        self.chain(stream).into_iter().map(|step| self.row(step)).collect()
    }

    /// All events in the order of the log.
    pub fn rows(&self) -> Vec<Row> {
        self.steps.iter().map(|step| self.row(step)).collect()
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let fits = |step: &&Step| {
            ask.filter.kind.as_ref().is_none_or(|kind| kind == self.kinds.text(step.kind))
                && ask.spans(step.day)
                && (ask.admits)(&self.stream(step))
        };
        let write = |step| self.row(step);
        match &ask.filter.stream {
            Some(stream) => ask.page(self.chain(stream).into_iter().filter(fits), write),
            None => ask.page(self.steps.iter().filter(fits), write),
        }
    }

    fn chain(&self, stream: &StreamId) -> Vec<&Step> {
        let mut steps = Vec::new();
        let mut next = self.streams.get(&StreamKey::of(stream)).copied().unwrap_or(NONE);
        while let Some(step) = self.steps.get(next as usize) {
            steps.push(step);
            next = step.before;
        }
        steps.reverse();
        steps
    }

    fn stream(&self, step: &Step) -> StreamId {
        let key = self.streams.at(step.stream).map(|(key, _)| *key);
        key.map_or_else(
            || StreamId::new(adit_core::id::StreamKind::Ledger, adit_core::id::Id::default()),
            StreamKey::stream,
        )
    }

    fn row(&self, step: &Step) -> Row {
        Row {
            stream: self.stream(step),
            revision: u64::from(step.revision),
            position: step.position,
            day: step.day.into(),
            at: Timestamp(step.seconds),
            kind: self.kinds.text(step.kind).to_owned(),
            by: self.signers.actors(step.by),
        }
    }
}

impl Projection for Timeline {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        let index = u32::try_from(self.steps.len()).unwrap_or(NONE);
        let stream = self.streams.row(StreamKey::of(&fact.stream), || NONE);
        let before = self.streams.at_mut(stream).map_or(NONE, |last| std::mem::replace(last, index));
        self.steps.push(Step {
            position: fact.position,
            seconds: fact.at.0,
            day: fact.day.into(),
            stream,
            revision: u32::try_from(fact.revision.0).unwrap_or(u32::MAX),
            before,
            kind: self.kinds.number(fact.event.kind()),
            by: self.signers.number(&fact.by),
        });
    }
}
