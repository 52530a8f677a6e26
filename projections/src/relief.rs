//! Relief from penalty: every decision on a self-reported hazard, with its conditions and the entries that prove them.

use std::collections::BTreeMap;

use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Origin, ReliefDecided};
use adit_core::id::StreamId;
use adit_core::rules::Reason;
use adit_core::rules::relief::Outcome;
use adit_core::units::Position;
use serde::{Deserialize, Serialize};

use crate::Projection;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Relief {
    hazards: BTreeMap<StreamId, Row>,
}

/// A hazard that its enterprise reported itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise: StreamId,
    pub self_reported_at: Position,
    /// None while nobody has decided.
    pub relieved: Option<bool>,
    /// What the rule says.
    pub rule_says: Option<Outcome>,
    pub reasons: Vec<Reason>,
    /// Why an officer decided otherwise.
    pub otherwise: Option<String>,
    pub decided_at: Option<Position>,
}

impl Relief {
    pub fn rows(&self) -> Vec<Row> {
        self.hazards.values().cloned().collect()
    }

    fn decided(&mut self, fact: &Fact, decided: &ReliefDecided, relieved: bool) {
        if let Some(row) = self.hazards.get_mut(&fact.stream) {
            row.relieved = Some(relieved);
            row.rule_says = Some(decided.rule_says);
            row.reasons.clone_from(&decided.reasons);
            row.otherwise = decided.otherwise.as_ref().map(ToString::to_string);
            row.decided_at = Some(fact.position);
        }
    }
}

impl Projection for Relief {
    const NAME: &'static str = "relief";

    fn apply(&mut self, fact: &Fact) {
        let Event::Hazard(event) = &fact.event else { return };
        if let HazardEvent::Reported(report) = event {
            if report.origin == Origin::SelfInspection {
                let row = Row {
                    hazard: fact.stream,
                    enterprise: report.enterprise,
                    self_reported_at: fact.position,
                    relieved: None,
                    rule_says: None,
                    reasons: Vec::new(),
                    otherwise: None,
                    decided_at: None,
                };
                self.hazards.insert(fact.stream, row);
            }
        } else if let HazardEvent::Relieved(decided) = event {
            self.decided(fact, decided, true);
        } else if let HazardEvent::ReliefRefused(decided) = event {
            self.decided(fact, decided, false);
        }
    }
}
