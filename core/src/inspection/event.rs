//! What has happened in an inspection.

use serde::{Deserialize, Serialize};

use super::command::{Enforce, NothingFound, Open, Perform, RecordFinding, Seal};
use crate::decider::StreamEvent;
use crate::id::StreamId;
use crate::units::Position;

/// An event of an `inspection` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum InspectionEvent {
    #[serde(rename = "inspection.sealed")]
    Sealed(Seal),
    #[serde(rename = "inspection.opened")]
    Opened(Opened),
    #[serde(rename = "inspection.lapsed")]
    Lapsed(Open),
    #[serde(rename = "inspection.performed")]
    Performed(Perform),
    #[serde(rename = "inspection.finding_recorded")]
    FindingRecorded(FindingRecorded),
    #[serde(rename = "inspection.nothing_found")]
    NothingFound(NothingFound),
    #[serde(rename = "inspection.enforcement_taken")]
    EnforcementTaken(Enforce),
}

/// A sealed plan that was shown; it counts from where it was sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    pub enterprise: StreamId,
    pub open: Open,
    pub sealed_at: Position,
}

/// A finding and the hazard that it opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingRecorded {
    pub enterprise: StreamId,
    pub hazard: StreamId,
    pub finding: RecordFinding,
}

impl StreamEvent for InspectionEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Sealed(_) => "inspection.sealed",
            Self::Opened(_) => "inspection.opened",
            Self::Lapsed(_) => "inspection.lapsed",
            Self::Performed(_) => "inspection.performed",
            Self::FindingRecorded(_) => "inspection.finding_recorded",
            Self::NothingFound(_) => "inspection.nothing_found",
            Self::EnforcementTaken(_) => "inspection.enforcement_taken",
        }
    }

    /// What decisions on relief look up by enterprise.
    fn touches(&self, _: &StreamId) -> Vec<String> {
        match self {
            Self::Opened(opened) => vec![opened.enterprise.to_string()],
            Self::Performed(perform) => vec![perform.enterprise.to_string()],
            Self::FindingRecorded(finding) => vec![finding.enterprise.to_string()],
            Self::Sealed(_) | Self::Lapsed(_) | Self::NothingFound(_) | Self::EnforcementTaken(_) => {
                Vec::new()
            }
        }
    }
}
