//! What has happened to an internal report.

use serde::{Deserialize, Serialize};

use super::command::{Claim, Decline, Raise, Reward, TakeUp, Words};
use crate::decider::StreamEvent;
use crate::id::StreamId;
use crate::ledger::entry::Line;
use crate::ledger::vkey::{VKey, hex};
use crate::units::Day;

/// An event of a `concern` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum ConcernEvent {
    #[serde(rename = "concern.raised")]
    Raised(Raised),
    #[serde(rename = "concern.written")]
    Written(Words),
    #[serde(rename = "concern.answered")]
    Answered(Words),
    #[serde(rename = "concern.taken_up")]
    TakenUp(TakeUp),
    #[serde(rename = "concern.declined")]
    Declined(Decline),
    #[serde(rename = "concern.rewarded")]
    Rewarded(Reward),
    #[serde(rename = "concern.claimed")]
    Claimed(Claim),
    #[serde(rename = "concern.handed_over")]
    HandedOver(Claim),
}

/// The two days are no public clocks: no law sets them, and a public one would set the entry apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Raised {
    pub raise: Raise,
    /// Day by which the enterprise answers.
    pub answer_due: Option<Day>,
    /// Day by which it takes it up, or says why it does not.
    pub decide_due: Option<Day>,
}

/// Index key of a worker's public key: how whoever holds the secret finds the internal report again.
pub fn concern_key(key: &VKey) -> String {
    format!("concern/{}", hex(key.key()))
}

impl StreamEvent for ConcernEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Raised(_) => "concern.raised",
            Self::Written(_) => "concern.written",
            Self::Answered(_) => "concern.answered",
            Self::TakenUp(_) => "concern.taken_up",
            Self::Declined(_) => "concern.declined",
            Self::Rewarded(_) => "concern.rewarded",
            Self::Claimed(_) => "concern.claimed",
            Self::HandedOver(_) => "concern.handed_over",
        }
    }

    /// Every step is `concern.note` to the public.
    fn public_kind(&self) -> &'static str {
        "concern.note"
    }

    fn lines(&self) -> Vec<Line> {
        match self {
            Self::Raised(raised) => vec![Line::Key(raised.raise.key.clone())],
            Self::Written(_)
            | Self::Answered(_)
            | Self::TakenUp(_)
            | Self::Declined(_)
            | Self::Rewarded(_)
            | Self::Claimed(_)
            | Self::HandedOver(_) => Vec::new(),
        }
    }

    fn touches(&self, _: &StreamId) -> Vec<String> {
        match self {
            Self::Raised(raised) => vec![concern_key(&raised.raise.key)],
            Self::Written(_)
            | Self::Answered(_)
            | Self::TakenUp(_)
            | Self::Declined(_)
            | Self::Rewarded(_)
            | Self::Claimed(_)
            | Self::HandedOver(_) => Vec::new(),
        }
    }
}
