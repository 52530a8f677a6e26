//! The register: the full list of hazards with where each stands (plan, mines, 11).

use std::collections::BTreeMap;

use adit_core::enterprise::EnterpriseEvent;
use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Origin, Status};
use adit_core::id::StreamId;
use adit_core::rules::reward::Sector;
use adit_core::units::Day;
use serde::{Deserialize, Serialize};

use crate::Projection;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Register {
    enterprises: BTreeMap<StreamId, Enterprise>,
    hazards: BTreeMap<StreamId, Hazard>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Enterprise {
    name: String,
    town: String,
    sector: Sector,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    enterprise: StreamId,
    origin: Origin,
    place: String,
    description: String,
    found_on: Day,
    criterion: Option<String>,
    status: Status,
    due: Option<Day>,
    listed: bool,
    suspended: bool,
    reopened: u32,
}

/// One hazard of the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub town: String,
    pub sector: Option<Sector>,
    pub origin: Origin,
    pub place: String,
    pub description: String,
    pub found_on: Day,
    /// Criterion item of a major hazard; none for a general one, or while it is not verified.
    pub criterion: Option<String>,
    pub status: Status,
    pub due: Option<Day>,
    /// Its day of rectification has passed and it is not mended.
    pub overdue: bool,
    pub listed: bool,
    pub production_suspended: bool,
    pub times_reopened: u32,
}

impl Register {
    /// All hazards in order of their stream.
    pub fn rows(&self, today: Day) -> Vec<Row> {
        let row = |(id, hazard): (&StreamId, &Hazard)| {
            let enterprise = self.enterprises.get(&hazard.enterprise);
            Row {
                hazard: *id,
                enterprise: hazard.enterprise,
                enterprise_name: enterprise.map(|e| e.name.clone()).unwrap_or_default(),
                town: enterprise.map(|e| e.town.clone()).unwrap_or_default(),
                sector: enterprise.map(|e| e.sector),
                origin: hazard.origin,
                place: hazard.place.clone(),
                description: hazard.description.clone(),
                found_on: hazard.found_on,
                criterion: hazard.criterion.clone(),
                status: hazard.status,
                due: hazard.due,
                overdue: hazard.status == Status::Assigned && hazard.due.is_some_and(|due| due < today),
                listed: hazard.listed,
                production_suspended: hazard.suspended,
                times_reopened: hazard.reopened,
            }
        };
        self.hazards.iter().map(row).collect()
    }

    fn hazard(&mut self, stream: StreamId, event: &HazardEvent) {
        if let HazardEvent::Reported(report) = event {
            let hazard = Hazard {
                enterprise: report.enterprise,
                origin: report.origin,
                place: report.place.to_string(),
                description: report.description.to_string(),
                found_on: report.found_on,
                criterion: None,
                status: Status::Reported,
                due: None,
                listed: false,
                suspended: false,
                reopened: 0,
            };
            self.hazards.insert(stream, hazard);
            return;
        }
        let Some(hazard) = self.hazards.get_mut(&stream) else {
            return;
        };
        match event {
            HazardEvent::Verified(verified) => {
                hazard.status = Status::Verified;
                hazard.criterion.clone_from(&verified.criterion);
            }
            HazardEvent::Dismissed(_) => hazard.status = Status::Dismissed,
            HazardEvent::Assigned(assigned) => {
                hazard.status = Status::Assigned;
                hazard.due = Some(assigned.assign.due);
            }
            HazardEvent::Rectified(_) => hazard.status = Status::Rectified,
            HazardEvent::Reviewed(review) => {
                hazard.status = if review.passed { Status::Passed } else { Status::Assigned };
            }
            HazardEvent::Closed(_) => hazard.status = Status::Closed,
            HazardEvent::Reopened(_) => {
                hazard.status = Status::Verified;
                hazard.due = None;
                hazard.reopened += 1;
            }
            HazardEvent::Extended(extended) => hazard.due = Some(extended.until),
            HazardEvent::ProductionSuspended(_) => hazard.suspended = true,
            HazardEvent::ProductionResumed(_) => hazard.suspended = false,
            HazardEvent::Listed(_) => hazard.listed = true,
            HazardEvent::Delisted(_) => hazard.listed = false,
            HazardEvent::Merged(_) => hazard.status = Status::Merged,
            HazardEvent::Reported(_)
            | HazardEvent::Served(_)
            | HazardEvent::Acknowledged(_)
            | HazardEvent::Committed(_)
            | HazardEvent::Evidenced(_)
            | HazardEvent::Confirmed(_)
            | HazardEvent::Escalated(_)
            | HazardEvent::Penalised(_)
            | HazardEvent::Relieved(_)
            | HazardEvent::ReliefRefused(_)
            | HazardEvent::Overdue(_) => {}
        }
    }
}

impl Projection for Register {
    const NAME: &'static str = "register";

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Hazard(event) => self.hazard(fact.stream, event),
            Event::Enterprise(EnterpriseEvent::Registered(register)) => {
                let enterprise = Enterprise {
                    name: register.name.to_string(),
                    town: register.town.to_string(),
                    sector: register.sector,
                };
                self.enterprises.insert(fact.stream, enterprise);
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
