//! Deadlines: every public clock, when it started, whether it was met. Folded from public lines alone, so that a
//! monitor who sees no body comes to the same table.

use std::collections::BTreeMap;

use adit_core::event::Fact;
use adit_core::id::StreamId;
use adit_core::ledger::entry::Line;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deadlines {
    /// By stream and clock, the latest run of it.
    clocks: BTreeMap<(StreamId, String), Clock>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Clock {
    started: Position,
    due: Day,
    extended: u32,
    stopped: Option<(Position, Day)>,
}

/// How a deadline stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Running,
    /// Its last day has passed.
    Overdue,
    Met,
    MetLate,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub stream: StreamId,
    pub clock: String,
    pub started: Position,
    pub due: Day,
    pub times_extended: u32,
    pub standing: Standing,
    /// Days left on the day that was asked; negative when overdue; none once it was met.
    pub days_left: Option<i64>,
    pub stopped: Option<Position>,
}

impl Deadlines {
    /// All clocks, running ones first, then by due day.
    pub fn rows(&self, today: Day) -> Vec<Row> {
        let row = |((stream, clock), state): (&(StreamId, String), &Clock)| {
            let standing = match state.stopped {
                Some((_, day)) if day <= state.due => Standing::Met,
                Some(_) => Standing::MetLate,
                None if state.due < today => Standing::Overdue,
                None => Standing::Running,
            };
            Row {
                stream: *stream,
                clock: clock.clone(),
                started: state.started,
                due: state.due,
                times_extended: state.extended,
                standing,
                days_left: state.stopped.is_none().then(|| state.due.days_since(today)),
                stopped: state.stopped.map(|(position, _)| position),
            }
        };
        let mut rows: Vec<Row> = self.clocks.iter().map(row).collect();
        rows.sort_by_key(|row| (row.stopped.is_some(), row.due, row.started));
        rows
    }
}

impl Projection for Deadlines {
    const NAME: &'static str = "deadlines";

    fn apply(&mut self, fact: &Fact) {
        for line in &fact.lines {
            match line {
                Line::Clock { name, due } => {
                    let clock = Clock { started: fact.position, due: *due, extended: 0, stopped: None };
                    self.clocks.insert((fact.stream, name.clone()), clock);
                }
                Line::Extend { name, until } => {
                    if let Some(clock) = self.clocks.get_mut(&(fact.stream, name.clone())) {
                        clock.due = *until;
                        clock.extended += 1;
                    }
                }
                Line::Stop { name } => {
                    if let Some(clock) = self.clocks.get_mut(&(fact.stream, name.clone())) {
                        clock.stopped.get_or_insert((fact.position, fact.day));
                    }
                }
                Line::Key(_)
                | Line::Recipient { .. }
                | Line::Grant { .. }
                | Line::Revoke { .. }
                | Line::End { .. } => {}
            }
        }
    }
}
