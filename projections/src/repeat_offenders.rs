//! Repeat offenders: discoveries, penalties, recurrence of the same criterion item, accidents; by enterprise, with the
//! controller and the parent who stand behind it, and the entries that prove each.

use std::collections::{BTreeMap, BTreeSet};

use adit_core::enterprise::EnterpriseEvent;
use adit_core::event::{Event, Fact};
use adit_core::hazard::HazardEvent;
use adit_core::id::StreamId;
use adit_core::rules::closure::{ClosureFacts, Licence, closure, interview, recurrence};
use adit_core::rules::{Reason, Rules};
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RepeatOffenders {
    enterprises: BTreeMap<StreamId, Enterprise>,
    /// Enterprise and criterion of hazards that are not closed for good.
    hazards: BTreeMap<StreamId, (StreamId, Option<String>)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Enterprise {
    name: String,
    controller: Option<String>,
    parent: Option<String>,
    licence: Licence,
    producing: bool,
    discoveries: Vec<(Day, Position)>,
    penalties: Vec<(Day, Position)>,
    accidents: Vec<(Day, Position)>,
    /// Criterion items that were closed once.
    closed: BTreeSet<String>,
    recurrences: Vec<(String, Position)>,
}

/// An enterprise against which there is something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub controller: Option<String>,
    pub parent: Option<String>,
    /// Discoveries of major hazards: the first closure counter.
    pub discoveries: usize,
    /// Penalties: the second closure counter.
    pub penalties: usize,
    /// The government must be petitioned to close it.
    pub petition: bool,
    pub grounds: Vec<Reason>,
    /// Entries that prove it, in the order of the log.
    pub proof: Vec<Position>,
}

impl RepeatOffenders {
    /// Enterprises with a ground, as of `today`.
    pub fn rows(&self, rules: &Rules, today: Day) -> Vec<Row> {
        let rows = self.enterprises.iter().map(|(id, enterprise)| enterprise.row(*id, rules, today));
        rows.filter(|row| !row.grounds.is_empty()).collect()
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        if let HazardEvent::Verified(verified) = event {
            self.hazards.insert(fact.stream, (verified.enterprise, verified.criterion.clone()));
            let Some(enterprise) = self.enterprises.get_mut(&verified.enterprise) else {
                return;
            };
            if let Some(criterion) = &verified.criterion {
                enterprise.discoveries.push((verified.found_on, fact.position));
                if enterprise.closed.contains(criterion) {
                    enterprise.recurrences.push((criterion.clone(), fact.position));
                }
            }
        } else if let HazardEvent::Penalised(penalised) = event {
            if let Some(enterprise) = self.enterprises.get_mut(&penalised.enterprise) {
                enterprise.penalties.push((penalised.penalise.decided_on, fact.position));
            }
        } else if let HazardEvent::Closed(_) | HazardEvent::Reopened(_) = event {
            let Some((enterprise, Some(criterion))) = self.hazards.get(&fact.stream) else {
                return;
            };
            let Some(enterprise) = self.enterprises.get_mut(enterprise) else {
                return;
            };
            if matches!(event, HazardEvent::Closed(_)) {
                enterprise.closed.insert(criterion.clone());
            } else {
                enterprise.recurrences.push((criterion.clone(), fact.position));
            }
        }
    }

    fn enterprise(&mut self, fact: &Fact, event: &EnterpriseEvent) {
        if let EnterpriseEvent::Registered(register) = event {
            let enterprise = Enterprise {
                name: register.name.to_string(),
                controller: register.controller.as_ref().map(ToString::to_string),
                parent: register.parent.as_ref().map(ToString::to_string),
                licence: register.licence,
                producing: register.producing,
                discoveries: Vec::new(),
                penalties: Vec::new(),
                accidents: Vec::new(),
                closed: BTreeSet::new(),
                recurrences: Vec::new(),
            };
            self.enterprises.insert(fact.stream, enterprise);
            return;
        }
        let Some(enterprise) = self.enterprises.get_mut(&fact.stream) else {
            return;
        };
        match event {
            EnterpriseEvent::LicenceChanged(change) => {
                enterprise.licence = change.licence;
                enterprise.producing = change.producing;
            }
            EnterpriseEvent::ControllerChanged(change) => {
                enterprise.controller = change.holder.as_ref().map(ToString::to_string);
            }
            EnterpriseEvent::ParentChanged(change) => {
                enterprise.parent = change.holder.as_ref().map(ToString::to_string);
            }
            EnterpriseEvent::AccidentRecorded(recorded) => {
                enterprise.accidents.push((recorded.accident.day, fact.position));
            }
            EnterpriseEvent::Closed(_) => enterprise.producing = false,
            EnterpriseEvent::Registered(_)
            | EnterpriseEvent::PrincipalChanged(_)
            | EnterpriseEvent::Graded(_)
            | EnterpriseEvent::SelfInspectionLogged(_)
            | EnterpriseEvent::ClosurePetitioned(_) => {}
        }
    }
}

impl Enterprise {
    fn row(&self, id: StreamId, rules: &Rules, today: Day) -> Row {
        let days = |of: &[(Day, Position)]| of.iter().map(|(day, _)| *day).collect::<Vec<_>>();
        let facts = ClosureFacts {
            licence: self.licence,
            producing: self.producing,
            discoveries: days(&self.discoveries),
            penalties: days(&self.penalties),
            on: today,
        };
        let result = closure(rules, &facts);
        let mut grounds = result.grounds;
        grounds.extend(self.recurrences.iter().map(|(criterion, _)| recurrence(rules, criterion)));
        grounds.extend(interview(rules, &days(&self.accidents), today));
        let dated = self.discoveries.iter().chain(&self.penalties).chain(&self.accidents);
        let mut proof: Vec<Position> = dated.map(|(_, position)| *position).collect();
        proof.extend(self.recurrences.iter().map(|(_, position)| *position));
        proof.sort_unstable();
        proof.dedup();
        Row {
            enterprise: id,
            enterprise_name: self.name.clone(),
            controller: self.controller.clone(),
            parent: self.parent.clone(),
            discoveries: self.discoveries.len(),
            penalties: self.penalties.len(),
            petition: result.petition || !self.recurrences.is_empty(),
            grounds,
            proof,
        }
    }
}

impl Projection for RepeatOffenders {
    const NAME: &'static str = "repeat_offenders";

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Hazard(event) => self.hazard(fact, event),
            Event::Enterprise(event) => self.enterprise(fact, event),
            Event::Report(_)
            | Event::Reward(_)
            | Event::Inspection(_)
            | Event::Actor(_)
            | Event::Rules(_)
            | Event::Ledger(_) => {}
        }
    }
}
