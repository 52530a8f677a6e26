//! The timeline of every stream: what happened when, by whom, at which position. What it says is read from the ledger.

use std::collections::BTreeSet;

use adit_core::event::Fact;
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::units::{Day, Position, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Filter, Page, Viewer};
use crate::compact::{DayNumber, NONE, Signers, StreamKey, Table, Words};
use crate::conflicts::{Kept, NOTHING};

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
    /// Day, kind and signers of each step, close together: a query looks at all of them.
    asked: Vec<Asked>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    day: DayNumber,
    kind: u32,
    by: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Step {
    seconds: i64,
    position: u32,
    stream: u32,
    revision: u32,
    /// The step before it in its stream.
    before: u32,
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
        self.chain(stream).into_iter().filter_map(|step| self.row(step)).collect()
    }

    /// All events in the order of the log.
    pub fn rows(&self) -> Vec<Row> {
        (0..self.steps.len()).filter_map(|step| self.row(step)).collect()
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let (kind, filter) = (ask.filter.kind.as_ref().map(|kind| self.kinds.find(kind)), ask.filter);
        let (from, to) = (filter.from.map(DayNumber::from), filter.to.map(DayNumber::from));
        // The kind of an event tells the kind of its stream.
        let seen: Vec<bool> = self.kinds.iter().map(|kind| ask.viewer.sees(stream_kind(kind))).collect();
        let kept: BTreeSet<usize> = ask.kept.streams.iter().flat_map(|stream| self.chain(stream)).collect();
        let fits = |step: &usize| {
            self.asked.get(*step).is_some_and(|asked| {
                kind.is_none_or(|kind| kind == Some(asked.kind))
                    && from.is_none_or(|from| from <= asked.day)
                    && to.is_none_or(|to| asked.day <= to)
                    && seen.get(asked.kind as usize).is_some_and(|seen| *seen)
                    && !kept.contains(step)
            })
        };
        let Some(streams) = &ask.streams else {
            let page = ask.page((0..self.steps.len()).filter(fits), |step| self.row(step));
            return page.flatten();
        };
        let mut steps: Vec<usize> = streams.iter().flat_map(|stream| self.chain(stream)).collect();
        steps.sort_unstable();
        ask.page(steps.into_iter().filter(fits), |step| self.row(step)).flatten()
    }

    /// Where `actor` signed before `until`, in the order of the log, within the filter's days and stream: whatever stream it is,
    /// because nobody is kept from knowing what was signed in their own name.
    pub fn signed_by(&self, actor: ActorId, filter: &Filter, until: Position) -> Page<Position> {
        let mine = self.signers.with(actor);
        let (from, to) = (filter.from.map(DayNumber::from), filter.to.map(DayNumber::from));
        let fits = |step: &usize| {
            self.asked.get(*step).is_some_and(|asked| {
                mine.get(asked.by as usize).is_some_and(|mine| *mine)
                    && from.is_none_or(|from| from <= asked.day)
                    && to.is_none_or(|to| asked.day <= to)
            })
        };
        let end = self.steps.partition_point(|step| u64::from(step.position) < until.0);
        let position = |step: usize| self.steps.get(step).map(|step| Position(step.position.into()));
        let ask =
            Ask { filter, viewer: Viewer::Reports, today: Day::default(), streams: None, kept: &NOTHING };
        match &filter.stream {
            None => ask.page((0..end).filter(fits), position).flatten(),
            Some(stream) => {
                let steps = self.chain(stream).into_iter().filter(|step| *step < end);
                ask.page(steps.filter(fits), position).flatten()
            }
        }
    }

    /// Openings and exports within the filter's days, the newest first, without those that are kept from whoever asks.
    pub fn accesses(&self, filter: &Filter, kept: &Kept) -> Page<Position> {
        let told = ["access.opened", "access.exported"].map(|kind| self.kinds.find(kind));
        let (from, to) = (filter.from.map(DayNumber::from), filter.to.map(DayNumber::from));
        let kept: BTreeSet<usize> = kept.streams.iter().flat_map(|stream| self.chain(stream)).collect();
        let fits = |step: &usize| {
            self.asked.get(*step).is_some_and(|asked| {
                told.contains(&Some(asked.kind))
                    && from.is_none_or(|from| from <= asked.day)
                    && to.is_none_or(|to| asked.day <= to)
                    && !kept.contains(step)
            })
        };
        let position = |step: usize| self.steps.get(step).map(|step| Position(step.position.into()));
        let ask =
            Ask { filter, viewer: Viewer::Reports, today: Day::default(), streams: None, kept: &NOTHING };
        ask.page((0..self.steps.len()).rev().filter(fits), position).flatten()
    }

    /// How many entries of streams of this kind stand on a day.
    pub fn on(&self, kind: StreamKind, day: Day) -> usize {
        let of_kind: Vec<bool> = self.kinds.iter().map(|event| stream_kind(event) == kind).collect();
        // An entry may wait a day for its second signer, so days go back by one at most.
        let (day, before) = (DayNumber::from(day), DayNumber::from(day.plus_days(-1)));
        let recent = self.asked.iter().rev().take_while(|asked| asked.day >= before);
        recent
            .filter(|asked| {
                asked.day == day && of_kind.get(asked.kind as usize).is_some_and(|of_kind| *of_kind)
            })
            .count()
    }

    /// The steps of a stream, first to last.
    fn chain(&self, stream: &StreamId) -> Vec<usize> {
        let mut steps = Vec::new();
        let mut next = self.streams.get(&StreamKey::of(stream)).copied().unwrap_or(NONE) as usize;
        while let Some(step) = self.steps.get(next) {
            steps.push(next);
            next = step.before as usize;
        }
        steps.reverse();
        steps
    }

    fn row(&self, index: usize) -> Option<Row> {
        let (step, asked) = self.steps.get(index).zip(self.asked.get(index))?;
        let stream = self.streams.at(step.stream).map(|(key, _)| key.stream())?;
        Some(Row {
            stream,
            revision: u64::from(step.revision),
            position: Position(step.position.into()),
            day: asked.day.into(),
            at: Timestamp(step.seconds),
            kind: self.kinds.text(asked.kind).to_owned(),
            by: self.signers.actors(asked.by),
        })
    }
}

/// The kind of stream in which events of this kind stand.
fn stream_kind(event: &str) -> StreamKind {
    let kind = StreamKind::ALL.into_iter().find(|kind| event.split('.').next() == Some(kind.name()));
    kind.unwrap_or(StreamKind::Ledger)
}

impl Projection for Timeline {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        let index = u32::try_from(self.steps.len()).unwrap_or(NONE);
        let stream = self.streams.row(StreamKey::of(&fact.stream), || NONE);
        let before = self.streams.at_mut(stream).map_or(NONE, |last| std::mem::replace(last, index));
        self.asked.push(Asked {
            day: fact.day.into(),
            kind: self.kinds.number(fact.event.kind()),
            by: self.signers.number(&fact.by),
        });
        self.steps.push(Step {
            seconds: fact.at.0,
            position: u32::try_from(fact.position.0).unwrap_or(u32::MAX),
            stream,
            revision: u32::try_from(fact.revision.0).unwrap_or(u32::MAX),
            before,
        });
    }
}
