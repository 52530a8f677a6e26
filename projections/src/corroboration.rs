//! Corroboration: later reports beside the first one of the same matter, joined by an officer or proposed because of what officers have
//! recorded of both. What reporters wrote is sealed, and nothing here knows it.

use std::collections::BTreeMap;

use adit_core::event::{Event, Fact};
use adit_core::id::{StreamId, StreamKind};
use adit_core::report::ReportEvent;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{Key, Table, When};

pub(crate) const NAME: &str = "corroboration";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &["stream", "from", "to"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Corroboration {
    reports: Table<Key, Report>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Report {
    received: When,
    /// Hazards that it was linked to.
    hazards: Vec<Key>,
    /// The matter that its verification names.
    matter: Option<Box<str>>,
    /// The report that it corroborates, and the entry that says so.
    first: Option<(Key, Position)>,
    /// Declined or transferred: it belongs to nothing here.
    ended: bool,
}

/// A later report beside the first one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The first report.
    pub first: StreamId,
    pub first_at: Position,
    pub first_on: Day,
    /// The later one.
    pub report: StreamId,
    pub received_at: Position,
    pub received_on: Day,
    pub days_apart: i64,
    /// The entry by which an officer joined it; none where it is a proposal.
    pub joined_at: Option<Position>,
    /// Both were linked to one hazard.
    pub same_hazard: bool,
    /// Both were verified as one matter.
    pub same_matter: bool,
    /// Both were linked to hazards of one enterprise.
    pub same_enterprise: bool,
}

/// By what two reports may belong together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shared<'a> {
    Hazard(Key),
    Matter(&'a str),
    Enterprise(StreamId),
}

impl Corroboration {
    /// Pairs in the order in which the later reports were received. `enterprise_of` says whose a hazard is.
    pub(crate) fn query(
        &self,
        ask: &Ask<'_>,
        enterprise_of: impl Fn(&StreamId) -> Option<StreamId>,
    ) -> Page<Row> {
        let all = if ask.viewer.sees(StreamKind::Report) { self.reports.len() } else { 0 };
        let mut earliest: BTreeMap<Shared<'_>, u32> = BTreeMap::new();
        let mut pairs = Vec::new();
        for number in 0..all {
            let Some((key, report)) = self.reports.at(number) else { continue };
            if ask.kept.streams.contains(&key.stream(StreamKind::Report)) || report.ended {
                continue;
            }
            let shared = shared(report, &enterprise_of);
            let first = match &report.first {
                Some((first, _)) => self.reports.find(first),
                None => shared.iter().filter_map(|by| earliest.get(by).copied()).min(),
            };
            // What corroborates another one is nobody's first.
            if report.first.is_none() {
                for by in &shared {
                    earliest.entry(by.clone()).or_insert(number);
                }
            }
            pairs.extend(first.map(|first| (first, number, shared)));
        }
        let rows = pairs.into_iter().filter_map(|(first, number, shared)| {
            self.row(first, number, &shared, &enterprise_of).filter(|row| {
                let named = |stream: StreamId| row.first == stream || row.report == stream;
                ask.filter.stream.is_none_or(named) && ask.spans(row.received_on)
            })
        });
        ask.page(rows, |row| row)
    }

    fn row(
        &self,
        first: u32,
        number: u32,
        shared_by: &[Shared<'_>],
        enterprise_of: impl Fn(&StreamId) -> Option<StreamId>,
    ) -> Option<Row> {
        let (first_key, first) = self.reports.at(first)?;
        let (key, report) = self.reports.at(number)?;
        let theirs = shared(first, enterprise_of);
        let both = |is: fn(&Shared<'_>) -> bool| shared_by.iter().any(|by| is(by) && theirs.contains(by));
        let (first_on, received_on) = (Day::from(first.received.day), Day::from(report.received.day));
        Some(Row {
            first: first_key.stream(StreamKind::Report),
            first_at: first.received.position(),
            first_on,
            report: key.stream(StreamKind::Report),
            received_at: report.received.position(),
            received_on,
            days_apart: received_on.days_since(first_on),
            joined_at: report.first.as_ref().map(|(_, at)| *at),
            same_hazard: both(|by| matches!(by, Shared::Hazard(_))),
            same_matter: both(|by| matches!(by, Shared::Matter(_))),
            same_enterprise: both(|by| matches!(by, Shared::Enterprise(_))),
        })
    }
}

fn shared(report: &Report, enterprise_of: impl Fn(&StreamId) -> Option<StreamId>) -> Vec<Shared<'_>> {
    let hazards = report.hazards.iter().map(|hazard| Shared::Hazard(*hazard));
    let firms = report.hazards.iter().filter_map(|hazard| enterprise_of(&hazard.stream(StreamKind::Hazard)));
    let matter = report.matter.as_deref().map(Shared::Matter);
    hazards.chain(matter).chain(firms.map(Shared::Enterprise)).collect()
}

impl Projection for Corroboration {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        let Event::Report(event) = &fact.event else { return };
        let key = Key::of(&fact.stream);
        if let ReportEvent::Reported(_) = event {
            let received = When::of(fact);
            let report = Report { received, hazards: Vec::new(), matter: None, first: None, ended: false };
            self.reports.put(key, report);
        }
        let Some(report) = self.reports.get_mut(&key) else { return };
        match event {
            ReportEvent::Linked(link) => {
                let hazard = Key::of(&link.hazard);
                if !report.hazards.contains(&hazard) {
                    report.hazards.push(hazard);
                }
            }
            ReportEvent::Verified(verified) => {
                report.matter = Some(verified.verify.matter_key.as_str().into());
            }
            ReportEvent::Corroborated(corroborated) => {
                report.first = Some((Key::of(&corroborated.corroborate.report), fact.position));
            }
            ReportEvent::Separated(_) => report.first = None,
            ReportEvent::Declined(_) | ReportEvent::Transferred(_) => report.ended = true,
            ReportEvent::Reported(_)
            | ReportEvent::Accepted(_)
            | ReportEvent::Handled(_)
            | ReportEvent::Answered(_)
            | ReportEvent::Extended(_)
            | ReportEvent::Satisfied(_)
            | ReportEvent::Disputed(_)
            | ReportEvent::Closed(_)
            | ReportEvent::Reopened(_)
            | ReportEvent::Shared(_)
            | ReportEvent::MessageSent(_)
            | ReportEvent::EvidenceAdded(_)
            | ReportEvent::Invited(_)
            | ReportEvent::InvitationWithdrawn(_)
            | ReportEvent::Joined(_)
            | ReportEvent::KeyRotated(_)
            | ReportEvent::PickedUp(_)
            | ReportEvent::Locked(_)
            | ReportEvent::RetaliationAlleged(_)
            | ReportEvent::Overdue(_) => {}
        }
    }
}
