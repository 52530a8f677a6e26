//! What has happened to an enterprise.

use serde::{Deserialize, Serialize};

use super::command::{
    AcceptResumption, ChangeHolder, ChangeLicence, CloseChannel, CloseEnterprise, Grade, LogSelfInspection,
    OpenChannel, RecordAccident, Register,
};
use crate::decider::StreamEvent;
use crate::id::StreamId;
use crate::rules::Reason;
use crate::rules::accident::AccidentGrade;
use crate::rules::closure::ClosureFacts;
use crate::text::Long;

/// An event of an `enterprise` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum EnterpriseEvent {
    #[serde(rename = "enterprise.registered")]
    Registered(Register),
    #[serde(rename = "enterprise.licence_changed")]
    LicenceChanged(ChangeLicence),
    #[serde(rename = "enterprise.controller_changed")]
    ControllerChanged(ChangeHolder),
    #[serde(rename = "enterprise.parent_changed")]
    ParentChanged(ChangeHolder),
    #[serde(rename = "enterprise.principal_changed")]
    PrincipalChanged(ChangeHolder),
    #[serde(rename = "enterprise.graded")]
    Graded(Grade),
    #[serde(rename = "enterprise.accident_recorded")]
    AccidentRecorded(AccidentRecorded),
    #[serde(rename = "enterprise.self_inspection_logged")]
    SelfInspectionLogged(LogSelfInspection),
    #[serde(rename = "enterprise.channel_opened")]
    ChannelOpened(OpenChannel),
    #[serde(rename = "enterprise.channel_closed")]
    ChannelClosed(CloseChannel),
    #[serde(rename = "enterprise.resumption_accepted")]
    ResumptionAccepted(AcceptResumption),
    #[serde(rename = "enterprise.closure_petitioned")]
    ClosurePetitioned(ClosurePetitioned),
    #[serde(rename = "enterprise.closed")]
    Closed(CloseEnterprise),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccidentRecorded {
    pub accident: RecordAccident,
    /// By the deaths (国务院令第493号 art. 3).
    pub grade: AccidentGrade,
    /// Production stops until an approver accepts that it goes on: a death (plan, mines, 27).
    #[serde(default)]
    pub suspends: bool,
}

/// The petition with its grounds and what they rest on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClosurePetitioned {
    pub because: Long,
    pub grounds: Vec<Reason>,
    pub facts: ClosureFacts,
    pub rules: String,
}

/// Index key of a name, so that no name is registered twice.
pub(crate) fn name_key(name: &str) -> String {
    format!("enterprise-name/{name}")
}

impl StreamEvent for EnterpriseEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Registered(_) => "enterprise.registered",
            Self::LicenceChanged(_) => "enterprise.licence_changed",
            Self::ControllerChanged(_) => "enterprise.controller_changed",
            Self::ParentChanged(_) => "enterprise.parent_changed",
            Self::PrincipalChanged(_) => "enterprise.principal_changed",
            Self::Graded(_) => "enterprise.graded",
            Self::AccidentRecorded(_) => "enterprise.accident_recorded",
            Self::SelfInspectionLogged(_) => "enterprise.self_inspection_logged",
            Self::ChannelOpened(_) => "enterprise.channel_opened",
            Self::ChannelClosed(_) => "enterprise.channel_closed",
            Self::ResumptionAccepted(_) => "enterprise.resumption_accepted",
            Self::ClosurePetitioned(_) => "enterprise.closure_petitioned",
            Self::Closed(_) => "enterprise.closed",
        }
    }

    fn touches(&self, stream: &StreamId) -> Vec<String> {
        match self {
            Self::Registered(register) => vec![name_key(register.name.as_str())],
            Self::AccidentRecorded(_) => vec![stream.to_string()],
            Self::LicenceChanged(_)
            | Self::ControllerChanged(_)
            | Self::ParentChanged(_)
            | Self::PrincipalChanged(_)
            | Self::Graded(_)
            | Self::SelfInspectionLogged(_)
            | Self::ChannelOpened(_)
            | Self::ChannelClosed(_)
            | Self::ResumptionAccepted(_)
            | Self::ClosurePetitioned(_)
            | Self::Closed(_) => Vec::new(),
        }
    }
}
