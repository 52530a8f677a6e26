//! Inquiries (倒查追责): on which hazards, by what trigger, what was found and proposed.

use adit_core::event::{Event, Fact};
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::inquiry::{InquiryEvent, Responsibility, Status};
use adit_core::rules::accountability::Trigger;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{Key, Signers, Table, When};

pub(crate) const NAME: &str = "inquiries";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &["stream", "trigger", "found", "ended", "from", "to"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inquiries {
    signers: Signers,
    inquiries: Table<Key, Inquiry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inquiry {
    status: Status,
    opened: When,
    by: u32,
    trigger: Option<Trigger>,
    hazards: Vec<Key>,
    traces: Vec<Position>,
    findings: Vec<(Position, Box<str>, Vec<Position>)>,
    proposals: Vec<(Position, Box<str>, Responsibility, Box<str>)>,
    concluded: Option<When>,
    nobody: bool,
}

/// A finding with the entries that prove it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub position: Position,
    pub finding: String,
    pub proof: Vec<Position>,
}

/// What a post is proposed to answer for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    pub position: Position,
    pub post: String,
    pub responsibility: Responsibility,
    pub measure: String,
}

/// One inquiry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub inquiry: StreamId,
    pub status: Status,
    pub hazards: Vec<StreamId>,
    pub trigger: Option<Trigger>,
    pub opened_on: Day,
    pub opened_at: Position,
    pub opened_by: Vec<ActorId>,
    /// Entries that attached a trace.
    pub traces: Vec<Position>,
    pub findings: Vec<Finding>,
    pub proposals: Vec<Proposal>,
    pub concluded_on: Option<Day>,
    pub concluded_at: Option<Position>,
    pub nobody_responsible: bool,
}

impl Inquiries {
    /// All in the order of the log.
    pub fn rows(&self) -> Vec<Row> {
        self.query(&Ask::all(Day::default())).rows
    }

    /// Inquiries that name a hazard.
    pub(crate) fn on(&self, hazard: &StreamId) -> Vec<StreamId> {
        let on = self.inquiries.iter().filter(|(_, inquiry)| inquiry.hazards.contains(&Key::of(hazard)));
        on.map(|(key, _)| key.stream(StreamKind::Inquiry)).collect()
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let wanted = self.inquiries.iter().filter(|(key, inquiry)| {
            ask.filter.stream.is_none_or(|stream| stream == key.stream(StreamKind::Inquiry))
                && ask.filter.trigger.is_none_or(|trigger| inquiry.trigger == Some(trigger))
                && ask.filter.found.is_none_or(|found| found != inquiry.findings.is_empty())
                && ask.filter.ended.is_none_or(|ended| ended == inquiry.concluded.is_some())
                && ask.spans(inquiry.opened.day)
        });
        ask.page(wanted, |(key, inquiry)| Row {
            inquiry: key.stream(StreamKind::Inquiry),
            status: inquiry.status,
            hazards: inquiry.hazards.iter().map(|hazard| hazard.stream(StreamKind::Hazard)).collect(),
            trigger: inquiry.trigger,
            opened_on: inquiry.opened.day.into(),
            opened_at: inquiry.opened.position(),
            opened_by: self.signers.actors(inquiry.by),
            traces: inquiry.traces.clone(),
            findings: inquiry
                .findings
                .iter()
                .map(|(position, finding, proof)| Finding {
                    position: *position,
                    finding: finding.to_string(),
                    proof: proof.clone(),
                })
                .collect(),
            proposals: inquiry
                .proposals
                .iter()
                .map(|(position, post, responsibility, measure)| Proposal {
                    position: *position,
                    post: post.to_string(),
                    responsibility: *responsibility,
                    measure: measure.to_string(),
                })
                .collect(),
            concluded_on: inquiry.concluded.map(|when| when.day.into()),
            concluded_at: inquiry.concluded.map(When::position),
            nobody_responsible: inquiry.nobody,
        })
    }
}

impl Projection for Inquiries {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        let Event::Inquiry(event) = &fact.event else { return };
        let (key, now) = (Key::of(&fact.stream), When::of(fact));
        if let InquiryEvent::Opened(open) = event {
            let inquiry = Inquiry {
                status: Status::Opened,
                opened: now,
                by: self.signers.number(&fact.by),
                trigger: open.trigger,
                hazards: open.hazards.iter().map(Key::of).collect(),
                traces: Vec::new(),
                findings: Vec::new(),
                proposals: Vec::new(),
                concluded: None,
                nobody: false,
            };
            self.inquiries.put(key, inquiry);
        }
        let Some(inquiry) = self.inquiries.get_mut(&key) else { return };
        match event {
            InquiryEvent::Opened(_) => {}
            InquiryEvent::TraceAttached(_) => inquiry.traces.push(fact.position),
            InquiryEvent::FindingRecorded(found) => {
                let (finding, proof) = (found.finding.as_str().into(), found.proof.clone());
                inquiry.findings.push((fact.position, finding, proof));
            }
            InquiryEvent::ResponsibilityProposed(propose) => {
                let (post, measure) = (propose.post.as_str().into(), propose.measure.as_str().into());
                inquiry.proposals.push((fact.position, post, propose.responsibility, measure));
            }
            InquiryEvent::Concluded(conclude) => {
                inquiry.status = Status::Concluded;
                inquiry.concluded = Some(now);
                inquiry.nobody = conclude.nobody_responsible;
            }
        }
    }
}
