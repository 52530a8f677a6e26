//! What has happened in an inquiry.

use serde::{Deserialize, Serialize};

use super::command::{AttachTrace, Conclude, Open, ProposeResponsibility, RecordFinding};
use crate::decider::StreamEvent;

/// An event of an `inquiry` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum InquiryEvent {
    #[serde(rename = "inquiry.opened")]
    Opened(Open),
    #[serde(rename = "inquiry.trace_attached")]
    TraceAttached(AttachTrace),
    #[serde(rename = "inquiry.finding_recorded")]
    FindingRecorded(RecordFinding),
    #[serde(rename = "inquiry.responsibility_proposed")]
    ResponsibilityProposed(ProposeResponsibility),
    #[serde(rename = "inquiry.concluded")]
    Concluded(Conclude),
}

impl StreamEvent for InquiryEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => "inquiry.opened",
            Self::TraceAttached(_) => "inquiry.trace_attached",
            Self::FindingRecorded(_) => "inquiry.finding_recorded",
            Self::ResponsibilityProposed(_) => "inquiry.responsibility_proposed",
            Self::Concluded(_) => "inquiry.concluded",
        }
    }
}
