//! Five in place (五落实): for each open or closed hazard, which of the five are committed, evidenced, confirmed.

use std::collections::BTreeMap;

use adit_core::enterprise::EnterpriseEvent;
use adit_core::event::{Event, Fact};
use adit_core::hazard::HazardEvent;
use adit_core::id::StreamId;
use adit_core::rules::five_in_place::{Element, Stage, in_place};
use adit_core::units::Position;
use serde::{Deserialize, Serialize};

use crate::Projection;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FiveInPlace {
    names: BTreeMap<StreamId, String>,
    hazards: BTreeMap<StreamId, Hazard>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    enterprise: StreamId,
    elements: BTreeMap<Element, (Stage, Position)>,
}

/// One hazard's five elements.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise_name: String,
    pub elements: BTreeMap<Element, Stage>,
    /// The entry that proves each stage.
    pub proof: BTreeMap<Element, Position>,
    /// All five are confirmed.
    pub in_place: bool,
    /// What is missing for closing.
    pub not_confirmed: Vec<Element>,
}

impl FiveInPlace {
    pub fn rows(&self) -> Vec<Row> {
        let row = |(id, hazard): (&StreamId, &Hazard)| {
            let stage =
                |element: &Element| hazard.elements.get(element).map(|(stage, _)| *stage).unwrap_or_default();
            let stages: Vec<_> = Element::ALL.iter().map(|element| (*element, stage(element))).collect();
            let missing = stages.iter().filter(|(_, stage)| *stage != Stage::Confirmed);
            Row {
                hazard: *id,
                enterprise_name: self.names.get(&hazard.enterprise).cloned().unwrap_or_default(),
                proof: hazard.elements.iter().map(|(element, (_, position))| (*element, *position)).collect(),
                in_place: in_place(&stages),
                not_confirmed: missing.map(|(element, _)| *element).collect(),
                elements: stages.into_iter().collect(),
            }
        };
        self.hazards.iter().map(row).collect()
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let (element, stage) = match event {
            HazardEvent::Reported(report) => {
                let hazard = Hazard { enterprise: report.enterprise, elements: BTreeMap::new() };
                self.hazards.insert(fact.stream, hazard);
                return;
            }
            HazardEvent::Dismissed(_) | HazardEvent::Merged(_) => {
                self.hazards.remove(&fact.stream);
                return;
            }
            // What was in place before the hazard came back says nothing about now.
            HazardEvent::Reopened(_) => {
                if let Some(hazard) = self.hazards.get_mut(&fact.stream) {
                    hazard.elements.clear();
                }
                return;
            }
            HazardEvent::Committed(text) => (text.element, Stage::Committed),
            HazardEvent::Evidenced(text) => (text.element, Stage::Evidenced),
            HazardEvent::Confirmed(only) => (only.element, Stage::Confirmed),
            HazardEvent::Verified(_)
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
            | HazardEvent::Relieved(_)
            | HazardEvent::ReliefRefused(_)
            | HazardEvent::Overdue(_) => return,
        };
        if let Some(hazard) = self.hazards.get_mut(&fact.stream) {
            hazard.elements.insert(element, (stage, fact.position));
        }
    }
}

impl Projection for FiveInPlace {
    const NAME: &'static str = "five_in_place";

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Hazard(event) => self.hazard(fact, event),
            Event::Enterprise(EnterpriseEvent::Registered(register)) => {
                self.names.insert(fact.stream, register.name.to_string());
            }
            Event::Enterprise(_)
            | Event::Report(_)
            | Event::Reward(_)
            | Event::Inspection(_)
            | Event::Actor(_)
            | Event::Rules(_)
            | Event::Ledger(_) => {}
        }
    }
}
