//! What can be asked of an inquiry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::StreamId;
use crate::rules::accountability::Trigger;
use crate::text::{Long, Short};
use crate::units::Position;

/// A command to an `inquiry` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum InquiryCommand {
    /// Open an inquiry on hazards (倒查追责).
    #[serde(rename = "inquiry.open")]
    Open(Open),
    /// Attach the trace of a hazard as it stood at a position.
    #[serde(rename = "inquiry.attach_trace")]
    AttachTrace(AttachTrace),
    /// What was found, with the entries that prove it.
    #[serde(rename = "inquiry.record_finding")]
    RecordFinding(RecordFinding),
    /// What a post answers for.
    #[serde(rename = "inquiry.propose_responsibility")]
    ProposeResponsibility(ProposeResponsibility),
    /// Conclude. An approver who did not investigate.
    #[serde(rename = "inquiry.conclude")]
    Conclude(Conclude),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Each hazard once.
    pub hazards: Vec<StreamId>,
    /// What calls for it (plan, mines, 36); none where a superior ordered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachTrace {
    pub hazard: StreamId,
    /// Position of the last entry that the trace takes in.
    pub as_of: Position,
    /// BLAKE3 of the trace as it was read, 64 hexadecimal digits.
    pub hash: String,
    pub summary: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordFinding {
    pub finding: Long,
    /// Positions of the entries that prove it.
    pub proof: Vec<Position>,
}

/// How a post answers for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Responsibility {
    /// 直接责任
    Direct,
    /// 主要领导责任
    PrincipalLeading,
    /// 重要领导责任
    ImportantLeading,
    /// 监管责任
    Supervising,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposeResponsibility {
    /// The post, never a person's name.
    pub post: Short,
    pub responsibility: Responsibility,
    /// What is proposed: admonition, sanction, transfer to the discipline inspection.
    pub measure: Short,
    /// Document and article.
    pub article: Short,
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conclude {
    pub conclusion: Long,
    /// Said outright where no responsibility was proposed.
    #[serde(default)]
    pub nobody_responsible: bool,
}
