//! Deadlines: every run of every public clock, whether it was moved, met or missed. Folded from public lines and public
//! kinds alone, so that a monitor who sees no body comes to the same table.

use adit_core::event::{Event, Fact};
use adit_core::hazard::HazardEvent;
use adit_core::id::StreamId;
use adit_core::ledger::entry::Line;
use adit_core::report::ReportEvent;
use adit_core::reward::RewardEvent;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page, Viewer, is};
use crate::compact::{DayNumber, NONE, StreamKey, Table, When, Words};

pub(crate) const NAME: &str = "deadlines";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &["stream", "enterprise", "clock", "standing", "from", "to"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deadlines {
    names: Words,
    /// The newest run of each stream.
    streams: Table<StreamKey, u32>,
    /// Every run of every clock, in the order in which they started.
    runs: Vec<Run>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Run {
    stream: u32,
    /// The run of the same stream before this one.
    before: u32,
    clock: u32,
    started: When,
    first_due: DayNumber,
    due: DayNumber,
    extended: u32,
    /// The entry in which the log recorded that it was missed.
    missed_at: Option<Position>,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum End {
    Stopped(When),
    /// The stream came to its end first, or the clock was started anew.
    Dropped(When),
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

impl Run {
    fn order(&self) -> Order {
        (self.due, self.started, self.clock)
    }

    fn standing(&self, today: Day) -> Standing {
        match self.end {
            Some(End::Stopped(when)) if when.day <= self.due => Standing::Met,
            Some(End::Stopped(_)) => Standing::MetLate,
            Some(End::Dropped(_)) => Standing::Dropped,
            None if Day::from(self.due) < today => Standing::Overdue,
            None => Standing::Running,
        }
    }
}

/// By due day, then by the log.
type Order = (DayNumber, When, u32);

/// Some of the runs in their order, without putting all of them in order.
fn in_order(mut runs: Vec<(Order, &Run)>, skip: usize, take: usize) -> impl Iterator<Item = &Run> {
    let until = skip.saturating_add(take);
    if until < runs.len() {
        runs.select_nth_unstable_by_key(until, |(order, _)| *order);
        runs.truncate(until);
    }
    if skip > 0 && skip < runs.len() {
        runs.select_nth_unstable_by_key(skip, |(order, _)| *order);
    }
    let mut page = runs.split_off(skip.min(runs.len()));
    page.sort_by_key(|(order, _)| *order);
    page.into_iter().map(|(_, run)| run)
}

impl Deadlines {
    /// All runs, running ones first, then by due day.
    pub fn rows(&self, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today)).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let filter = ask.filter;
        let clock = filter.clock.as_ref().map(|name| self.names.find(name));
        let fits = |run: &Run| {
            clock.is_none_or(|clock| clock == Some(run.clock))
                && is(filter.standing.as_ref(), &run.standing(ask.today))
                && ask.spans(run.due)
        };
        let (offset, limit) = (filter.offset, filter.limit.unwrap_or(usize::MAX));
        // Running clocks come first and are few, so that the many that have ended are rarely put in order.
        let (mut running, mut ended, mut many) = (Vec::new(), Vec::new(), 0);
        for run in self.candidates(ask).filter(|run| fits(run)) {
            if run.end.is_none() {
                running.push(run);
            } else {
                many += 1;
                if offset > 0 {
                    ended.push((run.order(), run));
                }
            }
        }
        running.sort_by_key(|run| run.order());
        let total = running.len() + many;
        let mut page: Vec<&Run> = running.iter().skip(offset).take(limit).copied().collect();
        if page.len() < limit && many > 0 {
            let (skip, rest) = (offset.saturating_sub(running.len()), limit - page.len());
            if offset == 0 {
                let candidates = self.candidates(ask).filter(|run| run.end.is_some() && fits(run));
                ended.extend(candidates.map(|run| (run.order(), run)));
            }
            page.extend(in_order(ended, skip, rest));
        }
        let rows = page.into_iter().map(|run| self.row(self.stream(run), run, ask.today)).collect();
        Page { total, offset, rows }
    }

    /// The runs of the streams that are asked for.
    fn candidates<'a>(&'a self, ask: &'a Ask<'_>) -> Box<dyn Iterator<Item = &'a Run> + 'a> {
        match &ask.streams {
            None if ask.viewer == Viewer::Reports => Box::new(self.runs.iter()),
            None => Box::new(self.runs.iter().filter(|run| ask.viewer.sees(self.stream(run).kind))),
            Some(streams) => {
                let seen = streams.iter().filter(|stream| ask.viewer.sees(stream.kind));
                Box::new(seen.flat_map(|stream| self.of(stream)))
            }
        }
    }

    /// The runs of a stream, newest first.
    fn of(&self, stream: &StreamId) -> impl Iterator<Item = &Run> {
        let newest = self.streams.get(&StreamKey::of(stream)).copied().unwrap_or(NONE);
        std::iter::successors(self.runs.get(newest as usize), |run| self.runs.get(run.before as usize))
    }

    fn stream(&self, run: &Run) -> StreamId {
        let key = self.streams.at(run.stream).map(|(key, _)| *key);
        key.map_or_else(StreamKey::nowhere, StreamKey::stream)
    }

    fn row(&self, stream: StreamId, run: &Run, today: Day) -> Row {
        let end = run.end.map(|end| match end {
            End::Stopped(when) | End::Dropped(when) => when,
        });
        Row {
            stream,
            clock: self.names.text(run.clock).to_owned(),
            started: run.started.position,
            started_on: run.started.day.into(),
            due: run.due.into(),
            first_due: run.first_due.into(),
            times_extended: run.extended,
            standing: run.standing(today),
            days_left: end.is_none().then(|| Day::from(run.due).days_since(today)),
            missed_at: run.missed_at,
            stopped: end.map(|when| when.position),
            stopped_on: end.map(|when| when.day.into()),
        }
    }

    /// Clocks that ran out before `today` and whose miss no entry records, in the order of the log.
    pub fn unrecorded(&self, today: Day) -> Vec<(StreamId, String)> {
        let missed = |run: &&Run| run.end.is_none() && run.missed_at.is_none() && Day::from(run.due) < today;
        let named = |run: &Run| (self.stream(run), self.names.text(run.clock).to_owned());
        self.runs.iter().filter(missed).map(named).collect()
    }

    /// The runs of a stream as rows, in the order in which they started.
    pub fn of_stream(&self, stream: &StreamId, today: Day) -> Vec<Row> {
        let mut rows: Vec<Row> = self.of(stream).map(|run| self.row(*stream, run, today)).collect();
        rows.reverse();
        rows
    }

    /// The latest run of this clock that has not ended.
    fn running(&mut self, stream: &StreamId, name: &str) -> Option<&mut Run> {
        let clock = self.names.find(name)?;
        let mut next = self.streams.get(&StreamKey::of(stream)).copied().unwrap_or(NONE);
        while let Some(run) = self.runs.get(next as usize) {
            if run.clock == clock && run.end.is_none() {
                return self.runs.get_mut(next as usize);
            }
            next = run.before;
        }
        None
    }

    fn line(&mut self, fact: &Fact, line: &Line) {
        let now = When { position: fact.position, day: fact.day.into() };
        match line {
            Line::Clock { name, due } => {
                if let Some(run) = self.running(&fact.stream, name) {
                    run.end = Some(End::Dropped(now));
                }
                let (clock, due) = (self.names.number(name), DayNumber::from(*due));
                let index = u32::try_from(self.runs.len()).unwrap_or(NONE);
                let stream = self.streams.row(StreamKey::of(&fact.stream), || NONE);
                let before =
                    self.streams.at_mut(stream).map_or(NONE, |newest| std::mem::replace(newest, index));
                self.runs.push(Run {
                    stream,
                    before,
                    clock,
                    started: now,
                    first_due: due,
                    due,
                    extended: 0,
                    missed_at: None,
                    end: None,
                });
            }
            Line::Extend { name, until } => {
                if let Some(run) = self.running(&fact.stream, name) {
                    run.due = (*until).into();
                    run.extended += 1;
                }
            }
            Line::Stop { name } => {
                if let Some(run) = self.running(&fact.stream, name) {
                    run.end = Some(End::Stopped(now));
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
        if let Some(run) = self.running(&fact.stream, clock) {
            run.missed_at.get_or_insert(fact.position);
        }
    }

    fn drop_one(&mut self, fact: &Fact, clock: &str) {
        if let Some(run) = self.running(&fact.stream, clock) {
            run.end = Some(End::Dropped(When { position: fact.position, day: fact.day.into() }));
        }
    }

    /// The stream has come to its end, and with it what was to be done in it. What must be made public still must be.
    fn drop_all(&mut self, fact: &Fact) {
        let end = End::Dropped(When { position: fact.position, day: fact.day.into() });
        let mut next = self.streams.get(&StreamKey::of(&fact.stream)).copied().unwrap_or(NONE);
        while let Some(run) = self.runs.get_mut(next as usize) {
            if !self.names.text(run.clock).starts_with("publish_") {
                run.end.get_or_insert(end);
            }
            next = run.before;
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
            | ReportEvent::MessageSent(_)
            | ReportEvent::EvidenceAdded(_)
            | ReportEvent::Linked(_)
            | ReportEvent::Joined(_)
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
            | Event::Inquiry(_) => {}
        }
    }
}
