//! What has happened to a report.

use serde::{Deserialize, Serialize};

use super::command::{
    Answer, Because, Blob, Copied, Corroborate, Decline, Empty, Handle, Invite, Join, Link, RecordOverdue,
    Report, RotateKey, Sealed, Share, Transfer, Verify, WithdrawInvitation,
};
use super::corroboration::corroboration_key;
use super::joint::invitation_key;
use super::pickup::{case_number, pickup_key};
use crate::decider::StreamEvent;
use crate::id::{ActorId, StreamId};
use crate::ledger::entry::Line;
use crate::ledger::vkey::{VKey, hex};
use crate::text::{Long, Short};
use crate::units::{Day, Position};

/// An event of a `report` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum ReportEvent {
    #[serde(rename = "report.reported")]
    Reported(Reported),
    #[serde(rename = "report.accepted")]
    Accepted(Accepted),
    #[serde(rename = "report.declined")]
    Declined(Decline),
    #[serde(rename = "report.transferred")]
    Transferred(Transfer),
    #[serde(rename = "report.shared")]
    Shared(Share),
    #[serde(rename = "report.verified")]
    Verified(Verified),
    #[serde(rename = "report.handled")]
    Handled(Handle),
    #[serde(rename = "report.answered")]
    Answered(Answer),
    #[serde(rename = "report.extended")]
    Extended(Extended),
    #[serde(rename = "report.satisfied")]
    Satisfied(Satisfied),
    #[serde(rename = "report.disputed")]
    Disputed(Disputed),
    #[serde(rename = "report.closed")]
    Closed(Empty),
    #[serde(rename = "report.reopened")]
    Reopened(Reopened),
    #[serde(rename = "report.message_sent")]
    MessageSent(Sealed),
    #[serde(rename = "report.evidence_added")]
    EvidenceAdded(Sealed),
    #[serde(rename = "report.linked")]
    Linked(Link),
    #[serde(rename = "report.corroborated")]
    Corroborated(Corroborated),
    #[serde(rename = "report.separated")]
    Separated(Because),
    #[serde(rename = "report.invited")]
    Invited(Invite),
    #[serde(rename = "report.invitation_withdrawn")]
    InvitationWithdrawn(WithdrawInvitation),
    #[serde(rename = "report.joined")]
    Joined(Join),
    #[serde(rename = "report.key_rotated")]
    KeyRotated(RotateKey),
    #[serde(rename = "report.picked_up")]
    PickedUp(PickedUp),
    #[serde(rename = "report.locked")]
    Locked(Locked),
    #[serde(rename = "report.retaliation_alleged")]
    RetaliationAlleged(Sealed),
    #[serde(rename = "report.overdue")]
    Overdue(RecordOverdue),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    pub report: Report,
    /// Day by which it is decided whether to accept it; none while no such rule is in force.
    pub accept_due: Option<Day>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    pub handle_due: Option<Day>,
    /// Last day to which that may be extended.
    pub handle_latest: Option<Day>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    pub verify: Verify,
    pub answer_due: Option<Day>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extended {
    pub until: Day,
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reopened {
    pub because: Because,
    pub handle_due: Option<Day>,
    pub handle_latest: Option<Day>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Corroborated {
    pub corroborate: Corroborate,
    /// Where the first report was reported.
    pub first_reported_at: Position,
    /// Where this one was, which is later.
    pub reported_at: Position,
    /// Whom the first reporter excludes.
    pub excluded: Vec<ActorId>,
}

/// The reporter of what a clerk took down has keys of their own; the code opens nothing from here on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PickedUp {
    pub key: VKey,
    pub claim_key: Short,
    pub recipient: Short,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<Copied>,
}

/// A reporter says that it was mended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Satisfied {
    /// vkeys of the reporters who say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Another one of them still disputes it.
    #[serde(default, skip_serializing_if = "is_not")]
    pub disputed: bool,
}

/// A reporter says that it was not mended, or not answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disputed {
    pub sealed: Blob,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Blob>,
    /// vkeys of the reporters who say so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_not(holds: &bool) -> bool {
    !holds
}

/// Nobody writes or claims with these keys any more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Locked {
    /// vkeys of the reporters who signed. Events that were written before each of several reporters locked for themselves alone name
    /// none, and lock all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}

/// Index key of a reporter's public key: how whoever holds the secret finds the report again.
pub fn reporter_key(key: &VKey) -> String {
    format!("reporter/{}", hex(key.key()))
}

/// Index key of a matter.
pub(crate) fn matter_key(matter: &str) -> String {
    format!("matter/{matter}")
}

impl StreamEvent for ReportEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Reported(_) => "report.reported",
            Self::Accepted(_) => "report.accepted",
            Self::Declined(_) => "report.declined",
            Self::Transferred(_) => "report.transferred",
            Self::Shared(_) => "report.shared",
            Self::Verified(_) => "report.verified",
            Self::Handled(_) => "report.handled",
            Self::Answered(_) => "report.answered",
            Self::Extended(_) => "report.extended",
            Self::Satisfied(_) => "report.satisfied",
            Self::Disputed(_) => "report.disputed",
            Self::Closed(_) => "report.closed",
            Self::Reopened(_) => "report.reopened",
            Self::MessageSent(_) => "report.message_sent",
            Self::EvidenceAdded(_) => "report.evidence_added",
            Self::Linked(_) => "report.linked",
            Self::Corroborated(_) => "report.corroborated",
            Self::Separated(_) => "report.separated",
            Self::Invited(_) => "report.invited",
            Self::InvitationWithdrawn(_) => "report.invitation_withdrawn",
            Self::Joined(_) => "report.joined",
            Self::KeyRotated(_) => "report.key_rotated",
            Self::PickedUp(_) => "report.picked_up",
            Self::Locked(_) => "report.locked",
            Self::RetaliationAlleged(_) => "report.retaliation_alleged",
            Self::Overdue(_) => "report.overdue",
        }
    }

    /// A step without a statutory clock is `report.note` to the public.
    fn public_kind(&self) -> &'static str {
        match self {
            Self::Shared(_)
            | Self::Satisfied(_)
            | Self::Disputed(_)
            | Self::MessageSent(_)
            | Self::EvidenceAdded(_)
            | Self::Linked(_)
            | Self::Corroborated(_)
            | Self::Separated(_)
            | Self::Invited(_)
            | Self::InvitationWithdrawn(_)
            | Self::Joined(_)
            | Self::KeyRotated(_)
            | Self::PickedUp(_)
            | Self::Locked(_)
            | Self::RetaliationAlleged(_) => "report.note",
            Self::Reported(_)
            | Self::Accepted(_)
            | Self::Declined(_)
            | Self::Transferred(_)
            | Self::Verified(_)
            | Self::Handled(_)
            | Self::Answered(_)
            | Self::Extended(_)
            | Self::Closed(_)
            | Self::Reopened(_)
            | Self::Overdue(_) => self.kind(),
        }
    }

    fn lines(&self) -> Vec<Line> {
        let clock = |name: &str, due: Option<Day>| due.map(|due| Line::Clock { name: name.to_owned(), due });
        let stop = |name: &str| Some(Line::Stop { name: name.to_owned() });
        let lines = match self {
            Self::Reported(reported) => {
                [reported.report.key.clone().map(Line::Key), clock("accept", reported.accept_due)]
            }
            Self::Accepted(accepted) => [clock("handle", accepted.handle_due), stop("accept")],
            Self::Declined(_) | Self::Transferred(_) => [None, stop("accept")],
            Self::Verified(verified) => [clock("answer", verified.answer_due), None],
            Self::Handled(_) => [None, stop("handle")],
            Self::Answered(_) => [None, stop("answer")],
            Self::Extended(extended) => {
                [Some(Line::Extend { name: "handle".to_owned(), until: extended.until }), None]
            }
            Self::Reopened(reopened) => [clock("handle", reopened.handle_due), None],
            Self::Invited(invite) => [Some(Line::Key(invite.key.clone())), None],
            Self::Joined(join) => [Some(Line::Key(join.key.clone())), None],
            Self::KeyRotated(rotate) => [Some(Line::Key(rotate.new.clone())), None],
            Self::PickedUp(picked_up) => [Some(Line::Key(picked_up.key.clone())), None],
            Self::Shared(_)
            | Self::Satisfied(_)
            | Self::InvitationWithdrawn(_)
            | Self::Locked(_)
            | Self::Disputed(_)
            | Self::Closed(_)
            | Self::MessageSent(_)
            | Self::EvidenceAdded(_)
            | Self::Linked(_)
            | Self::Corroborated(_)
            | Self::Separated(_)
            | Self::RetaliationAlleged(_)
            | Self::Overdue(_) => [None, None],
        };
        lines.into_iter().flatten().collect()
    }

    fn touches(&self, stream: &StreamId) -> Vec<String> {
        match self {
            Self::Verified(verified) => vec![matter_key(verified.verify.matter_key.as_str())],
            Self::Reported(Reported { report, .. }) => {
                let waits = report.pickup.as_ref().map(|_| pickup_key(&case_number(stream)));
                report.key.iter().map(reporter_key).chain(waits).collect()
            }
            Self::Invited(_) => vec![invitation_key(&case_number(stream))],
            Self::Joined(join) => vec![reporter_key(&join.key)],
            Self::KeyRotated(rotate) => vec![reporter_key(&rotate.new)],
            Self::Corroborated(corroborated) => vec![corroboration_key(&corroborated.corroborate.report)],
            Self::PickedUp(picked_up) => vec![reporter_key(&picked_up.key)],
            Self::Accepted(_)
            | Self::Declined(_)
            | Self::Transferred(_)
            | Self::Shared(_)
            | Self::Handled(_)
            | Self::Answered(_)
            | Self::Extended(_)
            | Self::Satisfied(_)
            | Self::Disputed(_)
            | Self::Closed(_)
            | Self::Reopened(_)
            | Self::MessageSent(_)
            | Self::EvidenceAdded(_)
            | Self::Linked(_)
            | Self::Separated(_)
            | Self::InvitationWithdrawn(_)
            | Self::Locked(_)
            | Self::RetaliationAlleged(_)
            | Self::Overdue(_) => Vec::new(),
        }
    }
}
