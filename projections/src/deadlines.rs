//! Deadlines: every run of every public clock, whether it was moved, met or missed. Folded from public lines and public
//! kinds alone, so that a monitor who sees no body comes to the same table.

use std::collections::BTreeSet;

use adit_core::event::{Event, Fact};
use adit_core::hazard::HazardEvent;
use adit_core::id::{StreamId, StreamKind};
use adit_core::ledger::entry::Line;
use adit_core::report::ReportEvent;
use adit_core::reward::RewardEvent;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Filter, Page, is};
use crate::compact::{DayNumber, NONE, Place, StreamKey, Table, Waiting, When, Words};

pub(crate) const NAME: &str = "deadlines";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &["stream", "enterprise", "clock", "standing", "ended", "from", "to"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deadlines {
    names: Words,
    /// Every day on which something is due, in the order in which they came up.
    days: Table<DayNumber, ()>,
    /// The newest run of each stream.
    streams: Table<StreamKey, u32>,
    /// Every run of every clock, in the order in which they started.
    runs: Vec<Run>,
    /// What filters ask of each run, close together: a query looks at all of them.
    asked: Vec<Asked>,
    /// Runs that have not ended, by the number of their clock.
    running: Waiting<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Run {
    stream: u32,
    /// The run of the same stream before this one.
    before: u32,
    started: When,
    first_due: DayNumber,
    extended: u32,
    /// The entry in which the log recorded that it was missed.
    missed_at: Option<Place>,
    ended: Option<When>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    clock: u32,
    /// Number of the day on which it is due.
    due: u32,
    /// Number of the kind of its stream.
    kind: u8,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum End {
    None,
    Met,
    MetLate,
    /// The stream came to its end first, or the clock was started anew.
    Dropped,
}

/// How a deadline stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Running,
    /// Its last day has passed.
    Overdue,
    Met,
    MetLate,
    /// It ended without being met: dismissed, merged, closed, or started anew.
    Dropped,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub stream: StreamId,
    pub clock: String,
    pub started: Position,
    pub started_on: Day,
    pub due: Day,
    /// The due day before it was extended.
    pub first_due: Day,
    pub times_extended: u32,
    pub standing: Standing,
    /// Days left on the day that was asked; negative when overdue; none once it was met.
    pub days_left: Option<i64>,
    /// The entry that records the miss.
    pub missed_at: Option<Position>,
    pub stopped: Option<Position>,
    pub stopped_on: Option<Day>,
}

/// By due day, then by the log.
type Order = (DayNumber, When, u32);

impl Deadlines {
    /// All runs, running ones first, then by due day.
    pub fn rows(&self, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today)).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let filter = ask.filter;
        let clock = filter.clock.as_ref().map(|name| self.names.find(name));
        let days: Vec<DayNumber> = self.days.iter().map(|(day, ())| *day).collect();
        let spanned: Vec<bool> = days.iter().map(|day| ask.spans(*day)).collect();
        let passed: Vec<bool> = days.iter().map(|day| Day::from(*day) < ask.today).collect();
        let seen: Vec<bool> = StreamKind::ALL.into_iter().map(|kind| ask.viewer.sees(kind)).collect();
        let fits = |run: &Asked| {
            clock.is_none_or(|clock| clock == Some(run.clock))
                && spanned[run.due as usize]
                && seen[usize::from(run.kind)]
                && is(filter.standing.as_ref(), &standing(run.end, passed[run.due as usize]))
                && filter.ended.is_none_or(|ended| ended == (run.end != End::None))
        };
        // Running clocks come first and are few. Of the many that have ended only how many there are for each day is
        // counted, and those of the days on the page are put in order.
        let (mut running, mut ended) = (Vec::new(), vec![0; days.len()]);
        self.each(ask, |index, run| {
            if fits(run) {
                if run.end == End::None {
                    running.push(index);
                } else {
                    ended[run.due as usize] += 1;
                }
            }
        });
        running.sort_by_key(|index| self.order(*index));
        let total = running.len() + ended.iter().sum::<usize>();
        let (offset, limit) = (filter.offset, filter.limit.unwrap_or(usize::MAX));
        let mut page: Vec<usize> = running.iter().skip(offset).take(limit).copied().collect();
        let (skip, rest) = (offset.saturating_sub(running.len()), limit - page.len());
        let (before, on_page) = days_of_page(&days, &ended, skip, rest);
        if on_page.iter().any(|on| *on) {
            let mut further = Vec::new();
            self.each(ask, |index, run| {
                if run.end != End::None && on_page[run.due as usize] && fits(run) {
                    further.push(index);
                }
            });
            further.sort_by_key(|index| self.order(*index));
            page.extend(further.into_iter().skip(skip - before).take(rest));
        }
        let rows = page.into_iter().filter_map(|index| self.row(index, ask.today)).collect();
        Page { total, offset, rows }
    }

    /// The runs of the streams that are asked for.
    fn each<'a>(&'a self, ask: &Ask<'_>, mut see: impl FnMut(usize, &'a Asked)) {
        let kept: BTreeSet<usize> = ask.kept.streams.iter().flat_map(|stream| self.of(stream)).collect();
        match &ask.streams {
            None if only_running(ask.filter) => {
                let clock = ask.filter.clock.as_ref();
                let clock = clock.map(|name| self.names.find(name).unwrap_or(NONE));
                for index in self.running.of(clock).map(|index| index as usize) {
                    if let Some(run) = self.asked.get(index).filter(|_| !kept.contains(&index)) {
                        see(index, run);
                    }
                }
            }
            None if kept.is_empty() => {
                self.asked.iter().enumerate().for_each(|(index, run)| see(index, run));
            }
            None => {
                let seen = self.asked.iter().enumerate().filter(|(index, _)| !kept.contains(index));
                seen.for_each(|(index, run)| see(index, run));
            }
            Some(streams) => {
                let runs = streams.iter().flat_map(|stream| self.of(stream));
                for index in runs.filter(|index| !kept.contains(index)) {
                    if let Some(run) = self.asked.get(index) {
                        see(index, run);
                    }
                }
            }
        }
    }

    /// The runs of a stream, newest first.
    fn of(&self, stream: &StreamId) -> impl Iterator<Item = usize> {
        let newest = self.streams.get(&StreamKey::of(stream)).copied();
        let before = |index: &u32| self.runs.get(*index as usize).map(|run| run.before);
        let known = |index: &u32| (*index as usize) < self.runs.len();
        std::iter::successors(newest.filter(known), move |index| before(index).filter(known))
            .map(|index| index as usize)
    }

    fn due(&self, asked: &Asked) -> DayNumber {
        self.days.at(asked.due).map_or(DayNumber::default(), |(day, ())| *day)
    }

    fn order(&self, index: usize) -> Option<Order> {
        let (run, asked) = self.runs.get(index).zip(self.asked.get(index))?;
        Some((self.due(asked), run.started, asked.clock))
    }

    fn stream(&self, run: &Run) -> StreamId {
        let key = self.streams.at(run.stream).map(|(key, _)| *key);
        key.map_or_else(StreamKey::nowhere, StreamKey::stream)
    }

    fn row(&self, index: usize, today: Day) -> Option<Row> {
        let (run, asked) = self.runs.get(index).zip(self.asked.get(index))?;
        let due = Day::from(self.due(asked));
        Some(Row {
            stream: self.stream(run),
            clock: self.names.text(asked.clock).to_owned(),
            started: run.started.position(),
            started_on: run.started.day.into(),
            due,
            first_due: run.first_due.into(),
            times_extended: run.extended,
            standing: standing(asked.end, due < today),
            days_left: run.ended.is_none().then(|| due.days_since(today)),
            missed_at: run.missed_at.map(Position::from),
            stopped: run.ended.map(When::position),
            stopped_on: run.ended.map(|when| when.day.into()),
        })
    }

    /// Clocks that ran out before `today` and whose miss no entry records, in the order of the log.
    pub fn unrecorded(&self, today: Day) -> Vec<(StreamId, String)> {
        let missed = |(run, asked): &(&Run, &Asked)| {
            asked.end == End::None && run.missed_at.is_none() && Day::from(self.due(asked)) < today
        };
        let named =
            |(run, asked): (&Run, &Asked)| (self.stream(run), self.names.text(asked.clock).to_owned());
        self.runs.iter().zip(&self.asked).filter(missed).map(named).collect()
    }

    /// The runs of a stream as rows, in the order in which they started.
    pub fn of_stream(&self, stream: &StreamId, today: Day) -> Vec<Row> {
        let mut rows: Vec<Row> = self.of(stream).filter_map(|index| self.row(index, today)).collect();
        rows.reverse();
        rows
    }

    /// The latest run of this clock that has not ended.
    fn run(&self, stream: &StreamId, name: &str) -> Option<usize> {
        let clock = self.names.find(name)?;
        let runs = |index: &usize| {
            self.asked.get(*index).is_some_and(|run| run.clock == clock && run.end == End::None)
        };
        self.of(stream).find(runs)
    }

    fn end(&mut self, index: usize, end: End, fact: &Fact) {
        if let Some((run, asked)) = self.runs.get_mut(index).zip(self.asked.get_mut(index)) {
            asked.end = end;
            run.ended = Some(When::of(fact));
            self.running.moves(u32::try_from(index).unwrap_or(NONE), Some(asked.clock), None);
        }
    }

    fn start(&mut self, fact: &Fact, name: &str, due: Day) {
        let (clock, due) = (self.names.number(name), DayNumber::from(due));
        let index = u32::try_from(self.runs.len()).unwrap_or(NONE);
        let key = StreamKey::of(&fact.stream);
        let stream = self.streams.row(key, || NONE);
        let before = self.streams.at_mut(stream).map_or(NONE, |newest| std::mem::replace(newest, index));
        self.runs.push(Run {
            stream,
            before,
            started: When::of(fact),
            first_due: due,
            extended: 0,
            missed_at: None,
            ended: None,
        });
        let due = self.days.row(due, || ());
        self.asked.push(Asked { clock, due, kind: key.kind(), end: End::None });
        self.running.moves(index, None, Some(clock));
    }

    fn line(&mut self, fact: &Fact, line: &Line) {
        let running = |name: &str| self.run(&fact.stream, name);
        match line {
            Line::Clock { name, due } => {
                if let Some(index) = running(name) {
                    self.end(index, End::Dropped, fact);
                }
                self.start(fact, name, *due);
            }
            Line::Extend { name, until } => {
                if let Some(index) = running(name) {
                    let day = self.days.row((*until).into(), || ());
                    if let Some((run, asked)) = self.runs.get_mut(index).zip(self.asked.get_mut(index)) {
                        asked.due = day;
                        run.extended += 1;
                    }
                }
            }
            Line::Stop { name } => {
                if let Some(index) = running(name) {
                    let due = self.asked.get(index).map(|asked| self.due(asked));
                    let late = due.is_some_and(|due| DayNumber::from(fact.day) > due);
                    self.end(index, if late { End::MetLate } else { End::Met }, fact);
                }
            }
            Line::Key(_)
            | Line::Recipient { .. }
            | Line::Grant { .. }
            | Line::Revoke { .. }
            | Line::End { .. } => {}
        }
    }

    fn missed(&mut self, fact: &Fact, clock: &str) {
        let running = self.run(&fact.stream, clock);
        if let Some(run) = running.and_then(|index| self.runs.get_mut(index)) {
            run.missed_at.get_or_insert(fact.position.into());
        }
    }

    fn drop_one(&mut self, fact: &Fact, clock: &str) {
        if let Some(index) = self.run(&fact.stream, clock) {
            self.end(index, End::Dropped, fact);
        }
    }

    /// The stream has come to its end, and with it what was to be done in it. What must be made public still must be.
    fn drop_all(&mut self, fact: &Fact) {
        let ends = |index: &usize| {
            self.asked.get(*index).is_some_and(|run| {
                run.end == End::None && !self.names.text(run.clock).starts_with("publish_")
            })
        };
        let running: Vec<usize> = self.of(&fact.stream).filter(ends).collect();
        for index in running {
            self.end(index, End::Dropped, fact);
        }
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        match event {
            HazardEvent::Overdue(overdue) => self.missed(fact, &overdue.clock),
            HazardEvent::Dismissed(_) | HazardEvent::Closed(_) | HazardEvent::Merged(_) => {
                self.drop_all(fact);
            }
            // What is mended needs no later day, so that nothing is left to decide.
            HazardEvent::Rectified(_) => self.drop_one(fact, "decide_extension"),
            HazardEvent::Reported(_)
            | HazardEvent::Verified(_)
            | HazardEvent::Served(_)
            | HazardEvent::Acknowledged(_)
            | HazardEvent::Assigned(_)
            | HazardEvent::Planned(_)
            | HazardEvent::Published(_)
            | HazardEvent::Committed(_)
            | HazardEvent::Evidenced(_)
            | HazardEvent::Confirmed(_)
            | HazardEvent::Reviewed(_)
            | HazardEvent::Reopened(_)
            | HazardEvent::Extended(_)
            | HazardEvent::ExtensionRequested(_)
            | HazardEvent::ExtensionRefused(_)
            | HazardEvent::ProductionSuspended(_)
            | HazardEvent::ProductionResumed(_)
            | HazardEvent::Listed(_)
            | HazardEvent::Delisted(_)
            | HazardEvent::Escalated(_)
            | HazardEvent::Penalised(_)
            | HazardEvent::Relieved(_)
            | HazardEvent::ReliefRefused(_) => {}
        }
    }

    fn report(&mut self, fact: &Fact, event: &ReportEvent) {
        match event {
            ReportEvent::Overdue(overdue) => self.missed(fact, &overdue.clock),
            ReportEvent::Declined(_) | ReportEvent::Transferred(_) | ReportEvent::Closed(_) => {
                self.drop_all(fact);
            }
            ReportEvent::Reported(_)
            | ReportEvent::Accepted(_)
            | ReportEvent::Verified(_)
            | ReportEvent::Handled(_)
            | ReportEvent::Answered(_)
            | ReportEvent::Extended(_)
            | ReportEvent::Satisfied(_)
            | ReportEvent::Disputed(_)
            | ReportEvent::Reopened(_)
            | ReportEvent::Shared(_)
            | ReportEvent::MessageSent(_)
            | ReportEvent::EvidenceAdded(_)
            | ReportEvent::Linked(_)
            | ReportEvent::Corroborated(_)
            | ReportEvent::Separated(_)
            | ReportEvent::Invited(_)
            | ReportEvent::InvitationWithdrawn(_)
            | ReportEvent::Joined(_)
            | ReportEvent::KeyRotated(_)
            | ReportEvent::PickedUp(_)
            | ReportEvent::Locked(_)
            | ReportEvent::RetaliationAlleged(_) => {}
        }
    }

    fn reward(&mut self, fact: &Fact, event: &RewardEvent) {
        match event {
            RewardEvent::Overdue(overdue) => self.missed(fact, &overdue.clock),
            RewardEvent::Paid(_) => self.drop_all(fact),
            RewardEvent::Forfeited(_)
            | RewardEvent::Denied(_)
            | RewardEvent::Assessed(_)
            | RewardEvent::Reassessed(_)
            | RewardEvent::Approved(_)
            | RewardEvent::Notified(_)
            | RewardEvent::Extended(_)
            | RewardEvent::Claimed(_)
            | RewardEvent::Waived(_) => {}
        }
    }
}

/// Whether nothing that has ended is wanted.
fn only_running(filter: &Filter) -> bool {
    filter.ended == Some(false) || matches!(filter.standing, Some(Standing::Running | Standing::Overdue))
}

fn standing(end: End, passed: bool) -> Standing {
    match end {
        End::Met => Standing::Met,
        End::MetLate => Standing::MetLate,
        End::Dropped => Standing::Dropped,
        End::None if passed => Standing::Overdue,
        End::None => Standing::Running,
    }
}

/// Which days have rows that come after the first `skip` and are among the `many` that follow, where each day has
/// `count` rows and days are in order; and how many rows come before those days.
fn days_of_page(days: &[DayNumber], count: &[usize], skip: usize, many: usize) -> (usize, Vec<bool>) {
    let mut in_order: Vec<(DayNumber, usize)> = days.iter().copied().zip(0..).collect();
    in_order.sort_unstable();
    let (mut on_page, mut before, mut at) = (vec![false; days.len()], 0, 0);
    for (_, number) in in_order {
        let end = at + count[number];
        if end <= skip {
            before = end;
        } else {
            on_page[number] = at < skip.saturating_add(many) && end > at;
        }
        at = end;
    }
    (before, on_page)
}

impl Projection for Deadlines {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        // A claim period that nobody used ends with a `stop` as well, and was not met by it; nor was one that a denial ends.
        if matches!(&fact.event, Event::Reward(RewardEvent::Forfeited(_) | RewardEvent::Denied(_))) {
            self.drop_all(fact);
        }
        // A stop is meant for the clock that ran before this entry, also where the entry starts it anew.
        let stops = |line: &&Line| matches!(line, Line::Stop { .. });
        for line in fact.lines.iter().filter(stops).chain(fact.lines.iter().filter(|line| !stops(line))) {
            self.line(fact, line);
        }
        match &fact.event {
            Event::Hazard(event) => self.hazard(fact, event),
            Event::Report(event) => self.report(fact, event),
            Event::Reward(event) => self.reward(fact, event),
            Event::Enterprise(_)
            | Event::Inspection(_)
            | Event::Actor(_)
            | Event::Rules(_)
            | Event::Ledger(_)
            | Event::Concern(_)
            | Event::Inquiry(_)
            | Event::Access(_) => {}
        }
    }
}
