//! The docket of reports (举报): how each came, how far it is, and what it led to. Never what it says.

use adit_core::event::{Event, Fact};
use adit_core::id::{StreamId, StreamKind};
use adit_core::report::{Channel, Finding, ReportEvent, Reported, Status};
use adit_core::rules::reward::Matter;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page, is};
use crate::compact::{DayNumber, Key, Table, Waiting, When};

pub(crate) const NAME: &str = "docket";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &["stream", "report_status", "from", "to", "order"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Docket {
    reports: Table<Key, Report>,
    /// Reports that are not done with, by status.
    waiting: Waiting<Status>,
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
    hazards: Vec<Key>,
    files: u32,
    joined: u32,
    corroborates: Option<Key>,
    disputed: bool,
    retaliation: Option<When>,
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
        let waiting = filter.report_status.and_then(waits).map(|status| self.waiting.rows(&status));
        let reports = ask.rows_of(waiting, &self.reports, StreamKind::Report);
        let reports = reports.filter_map(|row| self.reports.at(row));
        let wanted = reports.filter(|(_, report)| {
            is(filter.report_status.as_ref(), &report.status) && ask.spans(report.received.day)
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

impl Projection for Docket {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        let Event::Report(event) = &fact.event else { return };
        let (key, now) = (Key::of(&fact.stream), When::of(fact));
        if let ReportEvent::Reported(reported) = event {
            let row = self.reports.row(key, || Report::of(reported, now));
            self.waiting.moves(row, None, waits(Status::Reported));
            return;
        }
        let Some(row) = self.reports.find(&key) else { return };
        let Some(report) = self.reports.at_mut(row) else { return };
        let before = report.status;
        match event {
            ReportEvent::Accepted(accepted) => {
                report.status = Status::Accepted;
                report.running = [None, day(accepted.handle_due), None];
            }
            ReportEvent::Declined(_) => report.ends(Status::Declined, now),
            ReportEvent::Transferred(_) => report.ends(Status::Transferred, now),
            ReportEvent::Verified(verified) => {
                report.finding = Some(verified.verify.finding);
                report.status = Status::Verified;
                report.running[ANSWER] = day(verified.answer_due);
            }
            ReportEvent::Handled(_) => {
                report.status = Status::Handled;
                report.running[HANDLE] = None;
            }
            ReportEvent::Answered(_) => {
                report.status = Status::Answered;
                report.running[ANSWER] = None;
            }
            ReportEvent::Extended(extended) => report.running[HANDLE] = Some(extended.until.into()),
            ReportEvent::Disputed(_) => report.disputed = true,
            ReportEvent::Closed(_) => report.ends(Status::Closed, now),
            ReportEvent::Reopened(reopened) => {
                report.running = [None, day(reopened.handle_due), None];
                report.reopens();
            }
            ReportEvent::EvidenceAdded(word) => report.files += count(word.files.len()),
            ReportEvent::Linked(link) => report.hazards.push(Key::of(&link.hazard)),
            ReportEvent::Corroborated(corroborated) => {
                report.corroborates = Some(Key::of(&corroborated.corroborate.report));
            }
            ReportEvent::Separated(_) => report.corroborates = None,
            ReportEvent::Joined(_) => report.joined += 1,
            ReportEvent::RetaliationAlleged(_) => report.retaliation = Some(now),
            ReportEvent::Overdue(_) => report.misses += 1,
            ReportEvent::Satisfied(satisfied) => report.disputed = satisfied.disputed,
            ReportEvent::Reported(_)
            | ReportEvent::Shared(_)
            | ReportEvent::MessageSent(_)
            | ReportEvent::Invited(_)
            | ReportEvent::InvitationWithdrawn(_)
            | ReportEvent::KeyRotated(_)
            | ReportEvent::PickedUp(_)
            | ReportEvent::Locked(_) => {}
        }
        self.waiting.moves(row, waits(before), waits(report.status));
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
            hazards: Vec::new(),
            files: count(report.files.len()),
            joined: 0,
            corroborates: None,
            disputed: false,
            retaliation: None,
            misses: 0,
            closed: None,
        }
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

    fn ends(&mut self, status: Status, now: When) {
        self.status = status;
        self.running = [None; 3];
        self.closed = Some(now);
    }
}
