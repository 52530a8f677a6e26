//! What can be asked of a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pickup::Pickup;
use crate::id::{ActorId, StreamId};
use crate::ledger::vkey::VKey;
use crate::rules::reward::Matter;
use crate::text::{Long, Short};
use crate::units::{Day, Fen};

/// A command to a `report` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum ReportCommand {
    /// Report: by the reporter, or by a clerk for what came by telephone, letter or visit.
    #[serde(rename = "report.report")]
    Report(Report),
    #[serde(rename = "report.accept")]
    Accept(Empty),
    /// Not accepted, on a legal ground.
    #[serde(rename = "report.decline")]
    Decline(Decline),
    /// Another authority is competent.
    #[serde(rename = "report.transfer")]
    Transfer(Transfer),
    /// What is sealed in it, sealed again for officers who verify and handle it. By a clerk, or a handler with whom it was shared.
    #[serde(rename = "report.share")]
    Share(Share),
    /// Whether it is true. Two inspectors.
    #[serde(rename = "report.verify")]
    Verify(Verify),
    /// What was done about it.
    #[serde(rename = "report.handle")]
    Handle(Handle),
    /// The answer to the reporter, sealed to the reporter.
    #[serde(rename = "report.answer")]
    Answer(Answer),
    /// More time to handle it.
    #[serde(rename = "report.extend")]
    Extend(Extend),
    /// The reporter is satisfied.
    #[serde(rename = "report.satisfy")]
    Satisfy(Empty),
    /// The reporter says that it was not mended, or not answered.
    #[serde(rename = "report.dispute")]
    Dispute(Sealed),
    #[serde(rename = "report.close")]
    Close(Empty),
    #[serde(rename = "report.reopen")]
    Reopen(Because),
    /// A message to or from the reporter, sealed.
    #[serde(rename = "report.message")]
    Message(Sealed),
    /// More evidence from the reporter, sealed.
    #[serde(rename = "report.add_evidence")]
    AddEvidence(Sealed),
    /// The hazard that an inspection's finding opened after this report.
    #[serde(rename = "report.link")]
    Link(Link),
    /// Another report told of the same matter before: this one corroborates it, and keeps its place in the order.
    #[serde(rename = "report.corroborate")]
    Corroborate(Corroborate),
    /// It does not after all.
    #[serde(rename = "report.separate")]
    Separate(Because),
    /// The first reporter makes a code for somebody who is to join. The code's own key signs too.
    #[serde(rename = "report.invite")]
    Invite(Invite),
    /// A code is good no more.
    #[serde(rename = "report.withdraw_invitation")]
    WithdrawInvitation(WithdrawInvitation),
    /// Another reporter joins, let in by an invitation's key or by the first reporter's own.
    #[serde(rename = "report.join")]
    Join(Join),
    /// The reporter changes the secret: another key signs from now on, and another one claims.
    #[serde(rename = "report.rotate_key")]
    RotateKey(RotateKey),
    /// The reporter of what a clerk took down brings the one-time code and gets keys of their own; the log signs with them.
    #[serde(rename = "report.pick_up")]
    PickUp(PickUp),
    /// The reporter locks the report: nobody writes in their name any more, with no secret.
    #[serde(rename = "report.lock")]
    Lock(Empty),
    /// Somebody retaliates against the reporter. Urgent.
    #[serde(rename = "report.allege_retaliation")]
    AllegeRetaliation(Sealed),
    /// The ledger's own record that a deadline passed.
    #[serde(rename = "report.record_overdue")]
    RecordOverdue(RecordOverdue),
}

/// How it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Web,
    Telephone,
    Letter,
    Visit,
    MiniProgram,
}

/// An `age` file kept outside the log. Nobody's words stand in a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Blob {
    /// BLAKE3 of the ciphertext, 64 hexadecimal digits.
    pub blob: Short,
    /// Bytes of the ciphertext.
    pub size: u64,
    /// age recipients who can open it.
    pub recipients: Vec<Short>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    pub matter: Matter,
    pub channel: Channel,
    /// The reporter's signing key, `<origin>/report/<report id>`; none while a clerk keeps the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<VKey>,
    /// Public half of the key that will sign the reward claim, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_key: Option<Short>,
    /// age recipient of the reporter, to which answers are sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Short>,
    /// The reporter works for the enterprise, or is close family of somebody who does.
    #[serde(default)]
    pub insider: bool,
    /// The reporter's words, sealed. What came over the web has them; a letter may lie in a paper file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub testimony: Option<Blob>,
    /// Photographs and files, each sealed like the words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Blob>,
    /// Officers who must not see the report, named by the reporter before anything was sealed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<ActorId>,
    /// The one-time code of a reporter who has no keys yet; only in what a clerk took down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup: Option<Pickup>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Because {
    pub because: Long,
}

/// Legal grounds for not accepting (举报须知).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// The same matter is accepted already and the same reporter repeats it.
    RepeatedBySameReporter,
    /// No clear object, matter or facts.
    Unclear,
    /// A suggestion, a request for information, reconsideration.
    NotAReport,
    /// The matter is before a court.
    InCourt,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decline {
    pub ground: Ground,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The competent authority. A transfer carries chosen facts, never the reporter's words.
    pub authority: Short,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Inspectors and handlers who read from here on.
    pub with: Vec<ActorId>,
    /// What is sealed in the report, each of it sealed again to some of them.
    pub copies: Vec<Copied>,
}

/// What verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    Substantiated,
    Partly,
    NotSubstantiated,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    pub finding: Finding,
    /// Names the matter, so that one matter is rewarded once.
    pub matter_key: Short,
    /// Deaths that were verified, not those reported.
    #[serde(default)]
    pub deaths_verified: u32,
    /// 1 or 2 in the mine rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    pub findings: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Handle {
    pub done: Long,
    /// Fine of the unit.
    pub unit_fine_yuan: Fen,
    #[serde(default)]
    pub person_fines_yuan: Vec<Fen>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Blob>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    pub sealed: Blob,
    /// Files that came with it, each sealed by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Blob>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    pub until: Day,
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub hazard: StreamId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Corroborate {
    /// The report that was there first.
    pub report: StreamId,
    pub because: Long,
}

/// What a body says of a code with which somebody joins. The code itself stands nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// The key that follows from the slow hash of the code, `<origin>/report/<report id>`; lets somebody in, once, and does nothing else.
    pub key: VKey,
    /// Salt of the slow hash, 32 hexadecimal digits. All codes of a report have one salt, so that one slow hash says which of them it is.
    pub salt: Short,
    /// One byte of a quick hash; turns away 255 of 256 wrong codes at once.
    pub filter: u8,
    /// Random; with it the first reporter's secret gives the code again.
    pub number: Short,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawInvitation {
    /// The invitation's key.
    pub key: VKey,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The joining reporter's key, `<origin>/report/<report id>`.
    pub key: VKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_key: Option<Short>,
    /// age recipient of the reporter, to which answers are sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Short>,
    /// The invitation's key, which signs with the new one; used up by it. Without one the first reporter signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<VKey>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    pub old: VKey,
    /// `<origin>/report/<report id>`; signs with the old one.
    pub new: VKey,
    /// Takes the place of the old claim key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_key: Option<Short>,
    /// age recipient of the reporter, to which answers are sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Short>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PickUp {
    /// `<origin>/report/<report id>`; signs, with the log.
    pub key: VKey,
    /// Public half of the key that will sign the reward claim, hexadecimal.
    pub claim_key: Short,
    /// age recipient of the reporter, to which answers are sealed.
    pub recipient: Short,
    /// The slow hash of the code, hexadecimal. No event holds it.
    pub proof: Short,
    /// What was sealed for whoever brings the code, sealed again to the reporter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Copied>,
}

/// A sealed text that was sealed again to another recipient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Copied {
    /// BLAKE3 of the one that it is a copy of, 64 hexadecimal digits.
    pub of: Short,
    pub copy: Blob,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordOverdue {
    /// `accept`, `handle` or `answer`.
    pub clock: String,
}
