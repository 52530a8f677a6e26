//! Five in place (五落实): for each hazard, which of the five are committed, evidenced, confirmed, by whom and when, and
//! what is still missing for closing.

use std::collections::BTreeMap;

use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Status};
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::rules::five_in_place::{Element, Stage, in_place};
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page, is};
use crate::compact::{Key, Signers, Table, When};
use crate::roll::Roll;
use crate::standing::status_after;

pub(crate) const NAME: &str = "five_in_place";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] =
    &["stream", "enterprise", "town", "sector", "status", "in_place", "contains"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FiveInPlace {
    roll: Roll,
    signers: Signers,
    hazards: Table<Key, Hazard>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    enterprise: u32,
    status: Status,
    /// The latest entry for each element and stage; at most fifteen.
    marks: Vec<Mark>,
    /// Where each element stands; a new commitment takes back what was confirmed before.
    stages: [Stage; 5],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Mark {
    element: Element,
    stage: Stage,
    when: When,
    by: u32,
}

/// One step of an element; the text or the evidence stands in the entry at `position`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    pub stage: Stage,
    pub position: Position,
    pub day: Day,
    pub by: Vec<ActorId>,
}

/// What stands between a hazard and its closing, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    Verification,
    Assignment,
    Rectification,
    /// Some of the five are not confirmed.
    FiveInPlace,
    ReviewOnSite,
    Approval,
}

/// One hazard's five elements.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub status: Status,
    pub elements: BTreeMap<Element, Stage>,
    /// The entry that proves each stage.
    pub proof: BTreeMap<Element, Position>,
    /// Every step of each element that still holds.
    pub steps: BTreeMap<Element, Vec<Step>>,
    /// All five are confirmed.
    pub in_place: bool,
    /// Elements that are missing for closing.
    pub not_confirmed: Vec<Element>,
    /// What is missing for closing; empty when it is closed.
    pub missing: Vec<Missing>,
}

fn number(element: Element) -> usize {
    Element::ALL.iter().position(|one| *one == element).unwrap_or_default()
}

impl Hazard {
    fn stages(&self) -> impl Iterator<Item = (Element, Stage)> {
        Element::ALL.into_iter().zip(self.stages)
    }

    fn in_place(&self) -> bool {
        in_place(&self.stages().collect::<Vec<_>>())
    }

    /// A later step takes the place of an earlier one, and of every higher stage: what was confirmed was another text.
    fn mark(&mut self, mark: Mark) {
        self.marks.retain(|old| old.element != mark.element || old.stage < mark.stage);
        if let Some(stage) = self.stages.get_mut(number(mark.element)) {
            *stage = mark.stage;
        }
        self.marks.push(mark);
    }

    fn missing(&self) -> Vec<Missing> {
        let line: &[Missing] = match self.status {
            Status::Absent | Status::Dismissed | Status::Merged | Status::Closed => return Vec::new(),
            Status::Reported => {
                &[Missing::Verification, Missing::Assignment, Missing::Rectification, Missing::ReviewOnSite]
            }
            Status::Verified => &[Missing::Assignment, Missing::Rectification, Missing::ReviewOnSite],
            Status::Assigned => &[Missing::Rectification, Missing::ReviewOnSite],
            Status::Rectified => &[Missing::ReviewOnSite],
            Status::Passed => &[],
        };
        let five = (!self.in_place()).then_some(Missing::FiveInPlace);
        let mut missing: Vec<Missing> = line.iter().copied().chain(five).chain([Missing::Approval]).collect();
        missing.sort_unstable();
        missing
    }
}

impl FiveInPlace {
    /// Every hazard that is not dismissed or merged, in the order of the log.
    pub fn rows(&self) -> Vec<Row> {
        self.query(&Ask::all(Day::default())).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let filter = ask.filter;
        let wanted = self.hazards.iter().filter(|(key, hazard)| {
            let firm = hazard.enterprise;
            !matches!(hazard.status, Status::Dismissed | Status::Merged)
                && is(filter.status.as_ref(), &hazard.status)
                && filter.in_place.is_none_or(|wanted| wanted == hazard.in_place())
                && filter.town.as_ref().is_none_or(|town| town == self.roll.town(firm))
                && filter.sector.is_none_or(|sector| self.roll.sector(firm) == Some(sector))
                && ask.finds(&[self.roll.name(firm)])
                && (ask.admits)(&key.stream(StreamKind::Hazard))
        });
        ask.page(wanted, |(key, hazard)| self.row(*key, hazard))
    }

    fn row(&self, key: Key, hazard: &Hazard) -> Row {
        let mut steps: BTreeMap<Element, Vec<Step>> = BTreeMap::new();
        let mut proof = BTreeMap::new();
        // The last mark of an element is that of its stage.
        for mark in &hazard.marks {
            proof.insert(mark.element, mark.when.position);
            steps.entry(mark.element).or_default().push(Step {
                stage: mark.stage,
                position: mark.when.position,
                day: mark.when.day.into(),
                by: self.signers.actors(mark.by),
            });
        }
        let open = hazard.stages().filter(|(_, stage)| *stage != Stage::Confirmed);
        Row {
            hazard: key.stream(StreamKind::Hazard),
            enterprise: self.roll.stream(hazard.enterprise),
            enterprise_name: self.roll.name(hazard.enterprise).to_owned(),
            status: hazard.status,
            elements: hazard.stages().collect(),
            proof,
            steps,
            in_place: hazard.in_place(),
            not_confirmed: open.map(|(element, _)| element).collect(),
            missing: hazard.missing(),
        }
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let key = Key::of(&fact.stream);
        if let HazardEvent::Reported(report) = event {
            let enterprise = self.roll.number(&report.enterprise);
            let (marks, stages) = (Vec::new(), [Stage::Missing; 5]);
            self.hazards.put(key, Hazard { enterprise, status: Status::Reported, marks, stages });
            return;
        }
        let Some(hazard) = self.hazards.get_mut(&key) else {
            return;
        };
        hazard.status = status_after(hazard.status, event);
        let (element, stage) = match event {
            HazardEvent::Committed(text) => (text.element, Stage::Committed),
            HazardEvent::Evidenced(text) => (text.element, Stage::Evidenced),
            HazardEvent::Confirmed(only) => (only.element, Stage::Confirmed),
            // What was in place before the hazard came back says nothing about now.
            HazardEvent::Reopened(_) => {
                hazard.marks.clear();
                hazard.stages = [Stage::Missing; 5];
                return;
            }
            HazardEvent::Reported(_)
            | HazardEvent::Dismissed(_)
            | HazardEvent::Merged(_)
            | HazardEvent::Verified(_)
            | HazardEvent::Served(_)
            | HazardEvent::Acknowledged(_)
            | HazardEvent::Assigned(_)
            | HazardEvent::Rectified(_)
            | HazardEvent::Reviewed(_)
            | HazardEvent::Closed(_)
            | HazardEvent::Extended(_)
            | HazardEvent::ProductionSuspended(_)
            | HazardEvent::ProductionResumed(_)
            | HazardEvent::Listed(_)
            | HazardEvent::Delisted(_)
            | HazardEvent::Escalated(_)
            | HazardEvent::Penalised(_)
            | HazardEvent::Planned(_)
            | HazardEvent::Published(_)
            | HazardEvent::Relieved(_)
            | HazardEvent::ReliefRefused(_)
            | HazardEvent::Overdue(_) => return,
        };
        let when = When { position: fact.position, day: fact.day.into() };
        hazard.mark(Mark { element, stage, when, by: self.signers.number(&fact.by) });
    }
}

impl Projection for FiveInPlace {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Hazard(event) => self.hazard(fact, event),
            Event::Enterprise(event) => self.roll.apply(fact, event),
            Event::Report(_)
            | Event::Reward(_)
            | Event::Inspection(_)
            | Event::Actor(_)
            | Event::Rules(_)
            | Event::Ledger(_)
            | Event::Inquiry(_) => {}
        }
    }
}
