//! Public statutory deadlines: which run, which were met, which passed without their `stop`.

use std::collections::{BTreeMap, HashMap};

use adit_core::ledger::entry::Line;
use serde::{Deserialize, Serialize};

use super::state::{StreamKey, number};
use super::words::Code;

/// A deadline that runs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Running {
    /// Place of its name in the list of names.
    name: u8,
    /// Last day.
    pub(super) due: i32,
    /// The entry that started it.
    pub(super) position: u64,
    /// Where the log itself recorded the miss.
    pub(super) recorded: Option<u64>,
}

/// A deadline that ended after its last day.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Late {
    pub(super) stream: StreamKey,
    pub(super) clock: String,
    pub(super) due: i32,
    pub(super) position: u64,
    pub(super) ended: i32,
    pub(super) recorded: Option<u64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Deadlines {
    names: Vec<String>,
    running: HashMap<StreamKey, Vec<Running>>,
    pub(super) late: Vec<Late>,
    /// Deadlines that were met in time, by name.
    pub(super) met: BTreeMap<String, u64>,
}

/// Where an entry's lines stand in the log.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) stream: StreamKey,
    pub(super) position: u64,
    pub(super) day: i32,
    /// The entry records a miss.
    pub(super) overdue: bool,
    /// Clocks that its kind ends without a `stop`.
    pub(super) ends: &'a [String],
}

impl Deadlines {
    fn name(&mut self, name: &str) -> Option<u8> {
        let known = self.names.iter().position(|one| one == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        u8::try_from(place).ok()
    }

    pub(super) fn name_of(&self, running: &Running) -> &str {
        self.names.get(usize::from(running.name)).map_or("", String::as_str)
    }

    /// Every deadline that runs.
    pub(super) fn running(&self) -> impl Iterator<Item = (StreamKey, &Running)> {
        self.running.iter().flat_map(|(stream, all)| all.iter().map(|one| (*stream, one)))
    }

    /// Takes over the lines of an entry; what is not lawful in them is given back. What stops comes before what starts: one
    /// entry may stop a clock and start it for the next thing that is due.
    pub(super) fn apply(&mut self, place: Place<'_>, lines: &[Line]) -> Vec<(Code, String)> {
        let mut faults = Vec::new();
        for name in place.ends {
            self.end(place, name, false);
        }
        for line in lines {
            if let Line::Stop { name } = line {
                self.end(place, name, true);
            }
        }
        if place.overdue && !self.record(place) {
            faults.push((Code::Overdue, "no deadline of this stream had passed".to_owned()));
        }
        for line in lines {
            match line {
                Line::Clock { name, due } => faults.extend(self.start(place, name, number(*due))),
                Line::Extend { name, until } => faults.extend(self.extend(place, name, number(*until))),
                Line::Key(_)
                | Line::Recipient { .. }
                | Line::Grant { .. }
                | Line::Revoke { .. }
                | Line::End { .. }
                | Line::Stop { .. } => {}
            }
        }
        faults
    }

    fn find(&mut self, stream: StreamKey, name: &str) -> Option<&mut Running> {
        let name = self.name(name)?;
        self.running.get_mut(&stream)?.iter_mut().find(|one| one.name == name)
    }

    fn end(&mut self, place: Place<'_>, name: &str, met: bool) {
        let Some(number) = self.name(name) else { return };
        let Some(all) = self.running.get_mut(&place.stream) else { return };
        let Some(at) = all.iter().position(|one| one.name == number) else { return };
        let ended = all.remove(at);
        if all.is_empty() {
            self.running.remove(&place.stream);
        }
        if place.day > ended.due {
            self.late.push(Late {
                stream: place.stream,
                clock: name.to_owned(),
                due: ended.due,
                position: ended.position,
                ended: place.day,
                recorded: ended.recorded,
            });
        } else if met {
            *self.met.entry(name.to_owned()).or_default() += 1;
        }
    }

    /// The entry does not say which deadline it is about: of those that passed unrecorded, it is the one that was due first.
    fn record(&mut self, place: Place<'_>) -> bool {
        let passed = self.running.get_mut(&place.stream).into_iter().flatten();
        let passed = passed.filter(|one| one.due < place.day && one.recorded.is_none());
        passed.min_by_key(|one| one.due).map(|one| one.recorded = Some(place.position)).is_some()
    }

    fn start(&mut self, place: Place<'_>, name: &str, due: i32) -> Option<(Code, String)> {
        let number = self.name(name)?;
        let running = Running { name: number, due, position: place.position, recorded: None };
        let all = self.running.entry(place.stream).or_default();
        let Some(before) = all.iter_mut().find(|one| one.name == number) else {
            all.push(running);
            return None;
        };
        let later = due > before.due;
        *before = running;
        later.then(|| (Code::ClockMoved, name.to_owned()))
    }

    fn extend(&mut self, place: Place<'_>, name: &str, until: i32) -> Option<(Code, String)> {
        let fault = Some((Code::Extend, name.to_owned()));
        let Some(running) = self.find(place.stream, name) else { return fault };
        let lawful = until > running.due && place.day <= running.due;
        // A miss does not go away by a date that was written later.
        if place.day <= running.due {
            running.due = running.due.max(until);
            running.recorded = None;
        }
        if lawful { None } else { fault }
    }
}
