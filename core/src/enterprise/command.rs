//! What can be asked of an enterprise's stream.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::StreamId;
use crate::rules::closure::Licence;
use crate::rules::reward::Sector;
use crate::text::{Long, Short};
use crate::units::{Day, Fen};

/// A command to an `enterprise` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum EnterpriseCommand {
    /// Enter an enterprise.
    #[serde(rename = "enterprise.register")]
    Register(Register),
    #[serde(rename = "enterprise.change_licence")]
    ChangeLicence(ChangeLicence),
    #[serde(rename = "enterprise.change_controller")]
    ChangeController(ChangeHolder),
    #[serde(rename = "enterprise.change_parent")]
    ChangeParent(ChangeHolder),
    #[serde(rename = "enterprise.change_principal")]
    ChangePrincipal(ChangeHolder),
    /// Grade of risk and of standardisation.
    #[serde(rename = "enterprise.grade")]
    Grade(Grade),
    #[serde(rename = "enterprise.record_accident")]
    RecordAccident(RecordAccident),
    /// A self-inspection, also one that found nothing.
    #[serde(rename = "enterprise.log_self_inspection")]
    LogSelfInspection(LogSelfInspection),
    /// Take internal reports in (内部报告渠道), with what is given for them.
    #[serde(rename = "enterprise.open_channel")]
    OpenChannel(OpenChannel),
    /// Take in no more of them; those that were taken in go on.
    #[serde(rename = "enterprise.close_channel")]
    CloseChannel(CloseChannel),
    /// Accept that it produces again after a fatal accident (plan, mines, 27).
    #[serde(rename = "enterprise.accept_resumption")]
    AcceptResumption(AcceptResumption),
    /// Ask the government to close it.
    #[serde(rename = "enterprise.petition_closure")]
    PetitionClosure(PetitionClosure),
    #[serde(rename = "enterprise.close")]
    Close(CloseEnterprise),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    pub name: Short,
    /// Unified social credit code (统一社会信用代码), where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_code: Option<Short>,
    pub sector: Sector,
    /// Metal smelting (金属冶炼), which looks for major hazards every month (plan, industry, 4).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub metal_smelting: bool,
    /// Town or street (乡镇、街道).
    pub town: Short,
    pub licence: Licence,
    pub producing: bool,
    /// Actual controller (实际控制人) as an organisation or post, never a person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<Short>,
    /// Parent company (上级公司).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Short>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeLicence {
    pub licence: Licence,
    pub producing: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeHolder {
    /// None when there is none any more.
    pub holder: Option<Short>,
}

/// Grades of risk, from the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    Major,
    Larger,
    General,
    Low,
}

impl Risk {
    pub const ALL: [Self; 4] = [Self::Major, Self::Larger, Self::General, Self::Low];

    pub fn name(self) -> &'static str {
        match self {
            Self::Major => "major",
            Self::Larger => "larger",
            Self::General => "general",
            Self::Low => "low",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            Self::Major => "重大风险",
            Self::Larger => "较大风险",
            Self::General => "一般风险",
            Self::Low => "低风险",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// 1, 2 or 3; refused while a major hazard is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standardisation: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordAccident {
    pub day: Day,
    pub deaths: u32,
    #[serde(default)]
    pub seriously_injured: u32,
    #[serde(default)]
    pub direct_loss_yuan: Fen,
    pub description: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogSelfInspection {
    /// The enterprise whose stream this is.
    pub enterprise: StreamId,
    pub inspected_on: Day,
    pub led_by_principal: bool,
    /// Hazards entered from it; empty when nothing was found.
    #[serde(default)]
    pub hazards: Vec<StreamId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenChannel {
    /// The enterprise whose stream this is.
    pub enterprise: StreamId,
    /// What the enterprise gives for internal reports; whoever reports reads it first.
    pub rewards: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseChannel {
    /// The enterprise whose stream this is.
    pub enterprise: StreamId,
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptResumption {
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PetitionClosure {
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseEnterprise {
    pub because: Long,
}
