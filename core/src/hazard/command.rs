//! What can be asked of a hazard.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attachment::Attachment;
use crate::id::StreamId;
use crate::rules::five_in_place::Element;
use crate::text::{Long, Short};
use crate::units::{Day, Fen};

/// A command to a `hazard` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum HazardCommand {
    /// Enter a hazard: by the enterprise itself, by an inspection's finding, a monitoring alert or an accident.
    #[serde(rename = "hazard.report")]
    Report(Report),
    /// Say whether it is major, by an item of an official criterion, or general. Two inspectors.
    #[serde(rename = "hazard.verify")]
    Verify(Verify),
    /// It is no hazard. Two inspectors.
    #[serde(rename = "hazard.dismiss")]
    Dismiss(Because),
    /// Serve it on the principal and the actual controller.
    #[serde(rename = "hazard.serve")]
    Serve(Serve),
    /// The enterprise acknowledges what was served.
    #[serde(rename = "hazard.acknowledge")]
    Acknowledge(Acknowledge),
    /// Who is responsible, until when.
    #[serde(rename = "hazard.assign")]
    Assign(Assign),
    /// The enterprise makes its plan of rectification, in its six parts (治理方案).
    #[serde(rename = "hazard.plan")]
    Plan(Plan),
    /// The enterprise commits to one of the five (五落实).
    #[serde(rename = "hazard.commit")]
    Commit(ElementText),
    /// The enterprise shows evidence for one of the five.
    #[serde(rename = "hazard.evidence")]
    Evidence(Evidence),
    /// An inspector confirms one of the five.
    #[serde(rename = "hazard.confirm")]
    Confirm(ElementOnly),
    /// The enterprise says that it is mended.
    #[serde(rename = "hazard.rectify")]
    Rectify(Rectify),
    /// Review on site. Two inspectors, neither of whom rectified.
    #[serde(rename = "hazard.review")]
    Review(Review),
    /// Strike it off the list.
    #[serde(rename = "hazard.close")]
    Close(Empty),
    /// It is there again, or was never mended.
    #[serde(rename = "hazard.reopen")]
    Reopen(Because),
    /// Move the day of rectification.
    #[serde(rename = "hazard.extend")]
    Extend(Extend),
    /// The enterprise asks for a later day of rectification.
    #[serde(rename = "hazard.request_extension")]
    RequestExtension(Extend),
    /// The day of rectification stays as it is.
    #[serde(rename = "hazard.refuse_extension")]
    RefuseExtension(Because),
    /// Stop production because of it.
    #[serde(rename = "hazard.suspend_production")]
    SuspendProduction(Because),
    #[serde(rename = "hazard.resume_production")]
    ResumeProduction(Because),
    /// List it for supervision by a superior authority (挂牌督办).
    #[serde(rename = "hazard.list")]
    List(List),
    #[serde(rename = "hazard.delist")]
    Delist(Because),
    /// The next step of the ladder for slow progress.
    #[serde(rename = "hazard.escalate")]
    Escalate(Escalate),
    /// Record a penalty for it.
    #[serde(rename = "hazard.penalise")]
    Penalise(Penalise),
    /// Say where a penalty, a listing or a delisting was made public.
    #[serde(rename = "hazard.publish")]
    Publish(Publish),
    /// Decide on relief from penalty.
    #[serde(rename = "hazard.decide_relief")]
    DecideRelief(DecideRelief),
    /// It is the same as another one.
    #[serde(rename = "hazard.merge")]
    Merge(Merge),
    /// The ledger's own record that a deadline passed.
    #[serde(rename = "hazard.record_overdue")]
    RecordOverdue(RecordOverdue),
}

/// Where a hazard came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// 自查上报
    SelfInspection,
    /// 检查发现
    Inspection,
    /// 监测预警
    MonitoringAlert,
    /// 事故
    Accident,
    /// 原台账移交: taken over from the register that was kept before; what that said of the source stands in the description.
    EarlierRegister,
}

impl Origin {
    pub const ALL: [Self; 5] = [
        Self::SelfInspection,
        Self::Inspection,
        Self::MonitoringAlert,
        Self::Accident,
        Self::EarlierRegister,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::SelfInspection => "self_inspection",
            Self::Inspection => "inspection",
            Self::MonitoringAlert => "monitoring_alert",
            Self::Accident => "accident",
            Self::EarlierRegister => "earlier_register",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    pub enterprise: StreamId,
    pub origin: Origin,
    /// The inspection whose finding it is; only for that origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inspection: Option<StreamId>,
    /// Where in the enterprise.
    pub place: Short,
    pub description: Long,
    pub found_on: Day,
    /// Code of the criterion item that it seems to meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criterion: Option<String>,
    /// What shows it: photographs, documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// Code of the criterion item; none for a general hazard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criterion: Option<String>,
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    pub principal: bool,
    pub controller: bool,
}

impl Serve {
    /// Those who wait for one thing more.
    pub(super) fn served(&mut self, serve: &Self) {
        self.principal |= serve.principal;
        self.controller |= serve.controller;
    }

    /// Those who wait once it was acknowledged for some.
    pub(super) fn acknowledged(&mut self, said: &Acknowledge) {
        self.principal &= !said.principal;
        self.controller &= !said.controller;
    }
}

/// For whom of those on whom it was served it is acknowledged; for both where nothing is said, as in all entries of before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledge {
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub principal: bool,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub controller: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_yes(said: &bool) -> bool {
    *said
}

impl Acknowledge {
    /// Principal and actual controller at once.
    pub fn both() -> Self {
        Self { principal: true, controller: true }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// The post that answers for it, never a person's name.
    pub responsible_post: Short,
    pub due: Day,
}

/// The six parts of the plan (国家安监总局令第16号 art. 15): the aim, and what the five commit to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// 目标和任务
    pub aim: Long,
    /// 机构和人员
    pub responsibility: Long,
    /// 方法和措施
    pub measures: Long,
    /// 经费和物资
    pub funds: Long,
    /// 时限和要求
    pub time_limit: Long,
    /// 安全措施和应急预案
    pub emergency_plan: Long,
}

impl Plan {
    /// What the plan says of one of the five.
    pub fn part(&self, element: Element) -> &Long {
        match element {
            Element::Responsibility => &self.responsibility,
            Element::Measures => &self.measures,
            Element::Funds => &self.funds,
            Element::TimeLimit => &self.time_limit,
            Element::EmergencyPlan => &self.emergency_plan,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElementText {
    pub element: Element,
    pub text: Long,
}

/// What shows that one of the five is in place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub element: Element,
    pub text: Long,
    /// Photographs and documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
}

impl From<ElementText> for Evidence {
    /// In words alone.
    fn from(said: ElementText) -> Self {
        Self { element: said.element, text: said.text, files: Vec::new() }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rectify {
    pub because: Long,
    /// What shows that it is mended: photographs, documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
}

impl From<Because> for Rectify {
    /// In words alone.
    fn from(said: Because) -> Self {
        Self { because: said.because, files: Vec::new() }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElementOnly {
    pub element: Element,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    pub passed: bool,
    pub findings: Long,
    /// Where it was not passed: the day to mend it by now. Without one the day that was set before stands, unless it
    /// has gone by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Day>,
    /// What shows it: photographs, documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Attachment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    pub until: Day,
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The authority that supervises.
    pub authority: Short,
    /// Where it supervises, from the province down: decides which rule of listing holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Short>,
    /// When it was decided to list it; the day on which it is entered where that is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_on: Option<Day>,
    pub because: Long,
}

/// The ladder for slow progress, in its order (plan, mines, 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// 函告
    Letter,
    /// 通报
    Circular,
    /// 约谈
    Interview,
    /// 曝光
    Exposure,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalate {
    pub step: Step,
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Penalise {
    /// Number of the decision, or what stands for it.
    pub decision: Short,
    pub decided_on: Day,
    /// Fine of the unit.
    pub unit_fine_yuan: Fen,
    /// Fines of persons in the same case (一案双罚), without names.
    #[serde(default)]
    pub person_fines_yuan: Vec<Fen>,
    pub article: Short,
}

impl Penalise {
    /// Whether the unit is penalised. In one case with two penalties (一案双罚) the decision on the persons is another one;
    /// it fines nobody but them.
    pub fn is_of_unit(&self) -> bool {
        self.unit_fine_yuan > Fen::ZERO || self.person_fines_yuan.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideRelief {
    /// The officer decides otherwise than the rule ("in principle"), and says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Long>,
    /// What a person decides where no source does; asked for then, and only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonDecides>,
    /// The enterprise refused to rectify.
    #[serde(default)]
    pub rectification_refused: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonDecides {
    pub relieved: bool,
    pub because: Long,
}

/// What is made public.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Published {
    /// The decision on a penalty, by its number.
    Penalty {
        decision: Short,
    },
    Listing,
    Delisting,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Publish {
    #[serde(flatten)]
    pub published: Published,
    /// Where: a page, a notice board, a gazette.
    #[serde(rename = "where")]
    pub place: Short,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    pub into: StreamId,
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordOverdue {
    /// `rectify`, `review`, `decide_extension`, `publish_penalty`, `publish_listing` or `publish_delisting`.
    pub clock: String,
}
