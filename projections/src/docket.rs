//! The docket of reports (举报): how each came, how far it is, and what it led to. Never what it says.

use std::collections::BTreeSet;

use adit_core::event::{Event, Fact};
use adit_core::id::{StreamId, StreamKind};
use adit_core::report::{Channel, Finding, ReportEvent, Reported, Status};
use adit_core::reward::RewardEvent;
use adit_core::rules::reward::Matter;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page, Viewer, is};
use crate::compact::{DayNumber, Key, NONE, Table, Waiting, When};

pub(crate) const NAME: &str = "docket";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &[
    "stream",
    "report_status",
    "disputed",
    "retaliation",
    "unanswered",
    "unrewarded",
    "from",
    "to",
    "order",
];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Docket {
    reports: Table<Key, Report>,
    /// Reports that are not done with, by status.
    waiting: Waiting<Status>,
    /// Reports that wait for what is done in several states.
    beside: Waiting<Beside>,
    /// What reports were verified as.
    matters: Table<Box<str>, Matters>,
}

/// What a report waits for beside its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Beside {
    Disputed,
    Unanswered,
    Unrewarded,
}

/// Reports of one matter, of which one is rewarded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Matters {
    /// Rows of reports that were verified as this, in the order of the log.
    reports: BTreeSet<u32>,
    /// Rewards that were assessed and not denied.
    given: BTreeSet<Key>,
    /// Rows of reports of which a reward was denied.
    denied: BTreeSet<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Report {
    channel: Channel,
    matter: Matter,
    status: Status,
    received: When,
    /// By which day it is to be accepted, handled and answered; none where that does not run.
    running: [Option<DayNumber>; 3],
    finding: Option<Finding>,
    /// The matter that it was verified as last.
    verified_as: u32,
    hazards: Vec<Key>,
    files: u32,
    joined: u32,
    corroborates: Option<Key>,
    disputed: bool,
    retaliation: Option<When>,
    /// When the reporter wrote, where nobody has written since.
    wrote: Option<When>,
    /// A reward for it can be assessed.
    unrewarded: bool,
    misses: u32,
    closed: Option<When>,
}

/// One report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub report: StreamId,
    pub status: Status,
    pub channel: Channel,
    pub matter: Matter,
    pub received_on: Day,
    pub received_at: Position,
    /// The next day by which something is to be done; none when nothing is.
    pub due: Option<Day>,
    /// Days left until then; negative when it has passed.
    pub days_left: Option<i64>,
    /// What verification found.
    pub finding: Option<Finding>,
    /// Hazards that inspections opened after it.
    pub hazards: Vec<StreamId>,
    /// Sealed files, without the words.
    pub files: u32,
    /// Further reporters who joined.
    pub joined: u32,
    /// The earlier report of the same matter.
    pub corroborates: Option<StreamId>,
    /// The reporter says that it was not mended, or not answered, and nobody has dealt with that.
    pub disputed: bool,
    /// When somebody last said that the reporter is retaliated against.
    pub retaliation_on: Option<Day>,
    /// When the reporter wrote, or sent evidence, where nobody has written to them since.
    pub unanswered_on: Option<Day>,
    /// Deadlines that passed.
    pub misses: u32,
    pub closed_on: Option<Day>,
}

impl Docket {
    /// All in the order of the log, as of `today`.
    pub fn rows(&self, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today)).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let filter = ask.filter;
        let kept_apart = [
            (filter.disputed, Beside::Disputed),
            (filter.unanswered, Beside::Unanswered),
            (filter.unrewarded, Beside::Unrewarded),
        ];
        let beside = kept_apart.iter().find(|(wanted, _)| *wanted == Some(true));
        let waiting = match beside {
            Some((_, beside)) => Some(self.beside.rows(beside)),
            None => filter.report_status.and_then(waits).map(|status| self.waiting.rows(&status)),
        };
        // What was assessed is not for everybody who may see reports.
        let told = filter.unrewarded.is_none() || ask.viewer == Viewer::Reports;
        let reports = ask.rows_of(waiting, &self.reports, StreamKind::Report);
        let reports = reports.filter_map(|row| self.reports.at(row));
        let wanted = reports.filter(|(_, report)| {
            told && is(filter.report_status.as_ref(), &report.status)
                && is(filter.disputed.as_ref(), &report.disputed)
                && is(filter.retaliation.as_ref(), &report.retaliation.is_some())
                && is(filter.unanswered.as_ref(), &report.wrote.is_some())
                && is(filter.unrewarded.as_ref(), &report.unrewarded)
                && ask.spans(report.received.day)
        });
        ask.page_by(
            wanted,
            |(_, report)| report.next_due(),
            |(key, report)| {
                let due = report.next_due().map(Day::from);
                Row {
                    report: key.stream(StreamKind::Report),
                    status: report.status,
                    channel: report.channel,
                    matter: report.matter,
                    received_on: report.received.day.into(),
                    received_at: report.received.position(),
                    due,
                    days_left: due.map(|due| due.days_since(ask.today)),
                    finding: report.finding,
                    hazards: report.hazards.iter().map(|key| key.stream(StreamKind::Hazard)).collect(),
                    files: report.files,
                    joined: report.joined,
                    corroborates: report.corroborates.map(|first| first.stream(StreamKind::Report)),
                    disputed: report.disputed,
                    retaliation_on: report.retaliation.map(|when| when.day.into()),
                    unanswered_on: report.wrote.map(|when| when.day.into()),
                    misses: report.misses,
                    closed_on: report.closed.map(|when| when.day.into()),
                }
            },
        )
    }
}

fn day(day: Option<Day>) -> Option<DayNumber> {
    day.map(DayNumber::from)
}

fn count(files: usize) -> u32 {
    u32::try_from(files).unwrap_or(u32::MAX)
}

impl Docket {
    fn report(&mut self, fact: &Fact, event: &ReportEvent) {
        let (key, now) = (Key::of(&fact.stream), When::of(fact));
        if let ReportEvent::Reported(reported) = event {
            let row = self.reports.row(key, || Report::of(reported, now));
            self.waiting.moves(row, None, waits(Status::Reported));
            return;
        }
        let Some(row) = self.reports.find(&key) else { return };
        let Some(report) = self.reports.at_mut(row) else { return };
        let (before, disputed, wrote) = (report.status, report.disputed, report.wrote.is_some());
        report.apply(fact, event);
        let moves = |holds: bool, beside: Beside| holds.then_some(beside);
        self.waiting.moves(row, waits(before), waits(report.status));
        let after = moves(report.disputed, Beside::Disputed);
        self.beside.moves(row, moves(disputed, Beside::Disputed), after);
        let after = moves(report.wrote.is_some(), Beside::Unanswered);
        self.beside.moves(row, moves(wrote, Beside::Unanswered), after);
        let mut matters = vec![report.verified_as];
        if let ReportEvent::Verified(verified) = event {
            let matter = self.matters.row(verified.verify.matter_key.as_str().into(), Matters::default);
            if let Some(matter) = self.matters.at_mut(matter) {
                matter.reports.insert(row);
            }
            report.verified_as = matter;
            matters.push(matter);
        }
        if before != report.status || matters.len() > 1 {
            for matter in matters {
                self.settle(matter);
            }
        }
    }

    /// Whether one of the reports of a matter can be rewarded now: the first in the log of those that hold, once it was handled.
    fn settle(&mut self, matter: u32) {
        let Some((_, matters)) = self.matters.at(matter) else { return };
        let holds = |row: &u32| {
            let report = self.reports.at(*row).map(|(_, report)| report);
            report.is_some_and(|report| report.verified_as == matter && report.holds())
        };
        let first = matters.reports.iter().find(|row| !matters.denied.contains(row) && holds(row)).copied();
        let first = first.filter(|_| matters.given.is_empty());
        for row in matters.reports.clone() {
            let Some(report) = self.reports.at_mut(row) else { continue };
            if report.verified_as == matter {
                let now = Some(row) == first && report.is_handled();
                let beside = |holds: bool| holds.then_some(Beside::Unrewarded);
                self.beside.moves(row, beside(report.unrewarded), beside(now));
                report.unrewarded = now;
            }
        }
    }

    /// What a reward was assessed for.
    fn reward(&mut self, fact: &Fact, event: &RewardEvent) {
        let (name, report, denied) = match event {
            RewardEvent::Assessed(assessed) | RewardEvent::Reassessed(assessed) => {
                (&assessed.matter, assessed.report, false)
            }
            RewardEvent::Denied(denied) => (&denied.matter, denied.report, true),
            RewardEvent::Approved(_)
            | RewardEvent::Notified(_)
            | RewardEvent::Claimed(_)
            | RewardEvent::Paid(_)
            | RewardEvent::Forfeited(_)
            | RewardEvent::Waived(_)
            | RewardEvent::Extended(_)
            | RewardEvent::Overdue(_) => return,
        };
        let (reward, report) = (Key::of(&fact.stream), self.reports.find(&Key::of(&report)));
        let row = self.matters.row(name.as_str().into(), Matters::default);
        let Some(matter) = self.matters.at_mut(row) else { return };
        if denied {
            matter.given.remove(&reward);
            matter.denied.extend(report);
        } else {
            matter.given.insert(reward);
        }
        self.settle(row);
    }
}

impl Projection for Docket {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Report(event) => self.report(fact, event),
            Event::Reward(event) => self.reward(fact, event),
            Event::Hazard(_)
            | Event::Enterprise(_)
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

/// Places among the deadlines that run.
const HANDLE: usize = 1;
const ANSWER: usize = 2;

/// The status of a report that is not done with.
fn waits(status: Status) -> Option<Status> {
    match status {
        Status::Reported | Status::Accepted | Status::Verified | Status::Handled | Status::Answered => {
            Some(status)
        }
        Status::Absent | Status::Closed | Status::Declined | Status::Transferred => None,
    }
}

impl Report {
    fn of(reported: &Reported, now: When) -> Self {
        let report = &reported.report;
        Self {
            channel: report.channel,
            matter: report.matter,
            status: Status::Reported,
            received: now,
            running: [day(reported.accept_due), None, None],
            finding: None,
            verified_as: NONE,
            hazards: Vec::new(),
            files: count(report.files.len()),
            joined: 0,
            corroborates: None,
            disputed: false,
            retaliation: None,
            wrote: None,
            unrewarded: false,
            misses: 0,
            closed: None,
        }
    }

    fn apply(&mut self, fact: &Fact, event: &ReportEvent) {
        let now = When::of(fact);
        match event {
            ReportEvent::Accepted(accepted) => {
                self.status = Status::Accepted;
                self.running = [None, day(accepted.handle_due), None];
            }
            ReportEvent::Declined(_) => self.refused(Status::Declined, now),
            ReportEvent::Transferred(_) => self.refused(Status::Transferred, now),
            ReportEvent::Verified(verified) => {
                self.finding = Some(verified.verify.finding);
                self.status = Status::Verified;
                self.running[ANSWER] = day(verified.answer_due);
            }
            ReportEvent::Handled(_) => {
                self.status = Status::Handled;
                self.running[HANDLE] = None;
            }
            ReportEvent::Answered(_) => {
                self.status = Status::Answered;
                self.running[ANSWER] = None;
                self.wrote = None;
            }
            ReportEvent::Extended(extended) => self.running[HANDLE] = Some(extended.until.into()),
            ReportEvent::Disputed(_) => self.disputed = true,
            ReportEvent::Closed(_) => self.ends(Status::Closed, now),
            ReportEvent::Reopened(reopened) => {
                self.running = [None, day(reopened.handle_due), None];
                self.reopens();
            }
            // Officers sign in person; a reporter's key is nobody's in particular.
            ReportEvent::MessageSent(_) if !fact.by.is_empty() => self.wrote = None,
            ReportEvent::MessageSent(_) => self.writes(now),
            ReportEvent::EvidenceAdded(word) => {
                self.files += count(word.files.len());
                self.writes(now);
            }
            ReportEvent::Linked(link) => self.hazards.push(Key::of(&link.hazard)),
            ReportEvent::Corroborated(corroborated) => {
                self.corroborates = Some(Key::of(&corroborated.corroborate.report));
            }
            ReportEvent::Separated(_) => self.corroborates = None,
            ReportEvent::Joined(_) => self.joined += 1,
            ReportEvent::RetaliationAlleged(_) => {
                self.retaliation = Some(now);
                self.writes(now);
            }
            ReportEvent::Overdue(_) => self.misses += 1,
            ReportEvent::Satisfied(satisfied) => self.disputed = satisfied.disputed,
            ReportEvent::Reported(_)
            | ReportEvent::Shared(_)
            | ReportEvent::Invited(_)
            | ReportEvent::InvitationWithdrawn(_)
            | ReportEvent::KeyRotated(_)
            | ReportEvent::PickedUp(_)
            | ReportEvent::Locked(_) => {}
        }
    }

    /// The first time since somebody last wrote to them.
    fn writes(&mut self, now: When) {
        self.wrote.get_or_insert(now);
    }

    /// What was verified holds.
    fn holds(&self) -> bool {
        matches!(self.finding, Some(Finding::Substantiated | Finding::Partly))
            && !matches!(self.status, Status::Declined | Status::Transferred)
    }

    /// What follows for whoever is responsible is known, as far as this report goes.
    fn is_handled(&self) -> bool {
        matches!(self.status, Status::Handled | Status::Answered | Status::Closed)
    }

    /// The next day by which something is to be done.
    fn next_due(&self) -> Option<DayNumber> {
        self.running.iter().flatten().min().copied()
    }

    fn reopens(&mut self) {
        self.status = Status::Accepted;
        self.disputed = false;
        self.closed = None;
    }

    /// The decision is the answer.
    fn refused(&mut self, status: Status, now: When) {
        self.ends(status, now);
        self.wrote = None;
    }

    fn ends(&mut self, status: Status, now: When) {
        self.status = status;
        self.running = [None; 3];
        self.closed = Some(now);
    }
}
