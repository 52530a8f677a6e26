//! What can be asked of an inspection. Two different inspectors sign each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attachment::Attachment;
use crate::id::StreamId;
use crate::text::{Long, Short};
use crate::units::Day;

/// A command to an `inspection` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum InspectionCommand {
    /// Commit to a plan without showing it, every working morning, also to none.
    #[serde(rename = "inspection.seal")]
    Seal(Seal),
    /// Show the plan within seven days; one that names nobody lapses.
    #[serde(rename = "inspection.open")]
    Open(Open),
    /// Who was inspected, where, and what was checked.
    #[serde(rename = "inspection.perform")]
    Perform(Perform),
    /// A finding; it opens a hazard in the same command.
    #[serde(rename = "inspection.record_finding")]
    RecordFinding(RecordFinding),
    #[serde(rename = "inspection.nothing_found")]
    NothingFound(NothingFound),
    /// What was ordered or begun because of the findings.
    #[serde(rename = "inspection.enforce")]
    Enforce(Enforce),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// 64 hexadecimal digits; see `adit_core::inspection::commitment`.
    pub commitment: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    pub salt: String,
    /// None for a morning without a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enterprise: Option<StreamId>,
    pub scope: Short,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Perform {
    pub enterprise: StreamId,
    pub day: Day,
    /// Where and what was checked.
    pub checked: Long,
    /// What was seen there: photographs, documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordFinding {
    pub place: Short,
    pub description: Long,
    pub found_on: Day,
    /// Code of the criterion item that it seems to meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criterion: Option<String>,
    /// What shows it. The hazard that it opens does not carry them: the enterprise reads that, and not the inspection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NothingFound {
    pub checked: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enforce {
    pub measure: Long,
    pub article: Short,
}
