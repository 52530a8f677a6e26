//! What has happened to a reward.

use serde::{Deserialize, Serialize};

use super::command::{Empty, Pay, RecordOverdue};
use super::first::SameMatter;
use crate::decider::StreamEvent;
use crate::id::StreamId;
use crate::ledger::entry::Line;
use crate::ledger::vkey::{VKey, hex};
use crate::report::matter_key;
use crate::rules::Reason;
use crate::rules::reward::RewardFacts;
use crate::text::Long;
use crate::units::{Day, Fen};

/// An event of a `reward` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum RewardEvent {
    #[serde(rename = "reward.assessed")]
    Assessed(Assessed),
    #[serde(rename = "reward.reassessed")]
    Reassessed(Assessed),
    #[serde(rename = "reward.approved")]
    Approved(Empty),
    #[serde(rename = "reward.notified")]
    Notified(Notified),
    #[serde(rename = "reward.claimed")]
    Claimed(Claimed),
    #[serde(rename = "reward.paid")]
    Paid(Pay),
    #[serde(rename = "reward.forfeited")]
    Forfeited(Forfeited),
    #[serde(rename = "reward.waived")]
    Waived(Waived),
    #[serde(rename = "reward.denied")]
    Denied(Denied),
    #[serde(rename = "reward.extended")]
    Extended(Extended),
    #[serde(rename = "reward.overdue")]
    Overdue(RecordOverdue),
}

/// The amount with its rule, its reasons and what they rest on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessed {
    pub report: StreamId,
    /// The matter that is rewarded once.
    pub matter: String,
    pub amount_yuan: Fen,
    pub rule: Option<String>,
    /// What it would be if personal fines counted differently.
    pub alternative_yuan: Option<Fen>,
    pub reasons: Vec<Reason>,
    pub facts: RewardFacts,
    pub because: Option<Long>,
    /// Public halves of the claim keys, hexadecimal; one share each, equal to the fen.
    pub claim_keys: Vec<String>,
    pub shares_yuan: Vec<Fen>,
    /// The valid reports of the matter in the order of the log; the first is the one that is rewarded. Empty in entries
    /// that were written before the order was looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_matter: Vec<SameMatter>,
    pub rules: String,
}

/// An assessment that gives nothing (不予奖励): final, and with what it rests on, so that it can be answered for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Denied {
    pub report: StreamId,
    pub matter: String,
    pub rule: Option<String>,
    pub reasons: Vec<Reason>,
    pub facts: RewardFacts,
    /// Why a person decided so where no rule does.
    pub because: Option<Long>,
    /// The reporter had been told of a reward, and its claim period ends with this.
    pub ends_claim: bool,
    pub rules: String,
}

/// The claim period ends later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extended {
    /// Last day to claim.
    pub until: Day,
    pub because: Long,
    /// Last day to which it could be extended.
    pub latest: Day,
    /// Document and article.
    pub source: String,
    pub rules: String,
}

/// Shares that nobody claimed in time; those of joint reporters who did claim are paid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forfeited {
    /// Public halves of the claim keys, hexadecimal; empty where the reporter left none.
    pub claim_keys: Vec<String>,
    pub amount_yuan: Fen,
}

/// A claim, signed by the claim key that the reporter has now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claimed {
    pub key: VKey,
    /// The claim key that the share was assessed for, where the reporter has changed the secret since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessed_for: Option<String>,
    /// BLAKE3 of the voucher's code, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<String>,
}

/// Index key of a voucher: how the cash desk finds the claim.
pub fn voucher_key(hash: &str) -> String {
    format!("voucher/{hash}")
}

impl Claimed {
    /// The claim key that the share was assessed for, hexadecimal.
    pub fn share(&self) -> String {
        self.assessed_for.clone().unwrap_or_else(|| hex(self.key.key()))
    }
}

/// A share that its reporter gave up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waived {
    pub claim: Claimed,
    pub amount_yuan: Fen,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notified {
    /// Last day to claim; none while no such rule is in force.
    pub claim_due: Option<Day>,
}

/// Index key of the rewards of a matter, given and denied.
pub(crate) fn rewarded_key(matter: &str) -> String {
    format!("rewarded/{}", matter_key(matter))
}

impl StreamEvent for RewardEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Assessed(_) => "reward.assessed",
            Self::Reassessed(_) => "reward.reassessed",
            Self::Approved(_) => "reward.approved",
            Self::Notified(_) => "reward.notified",
            Self::Claimed(_) => "reward.claimed",
            Self::Paid(_) => "reward.paid",
            Self::Forfeited(_) => "reward.forfeited",
            Self::Waived(_) => "reward.waived",
            Self::Denied(_) => "reward.denied",
            Self::Extended(_) => "reward.extended",
            Self::Overdue(_) => "reward.overdue",
        }
    }

    /// A step without a statutory clock is `reward.note` to the public.
    fn public_kind(&self) -> &'static str {
        match self {
            Self::Reassessed(_) | Self::Waived(_) | Self::Denied(_) => "reward.note",
            Self::Assessed(_)
            | Self::Approved(_)
            | Self::Notified(_)
            | Self::Claimed(_)
            | Self::Paid(_)
            | Self::Extended(_)
            | Self::Overdue(_)
            | Self::Forfeited(_) => self.kind(),
        }
    }

    fn lines(&self) -> Vec<Line> {
        let stop = || Line::Stop { name: "claim".to_owned() };
        match self {
            Self::Notified(notified) => {
                let clock = |due| Line::Clock { name: "claim".to_owned(), due };
                notified.claim_due.map(clock).into_iter().collect()
            }
            Self::Claimed(claim) | Self::Waived(Waived { claim, .. }) => {
                vec![Line::Key(claim.key.clone()), stop()]
            }
            Self::Forfeited(_) => vec![stop()],
            Self::Extended(extended) => {
                vec![Line::Extend { name: "claim".to_owned(), until: extended.until }]
            }
            Self::Denied(denied) => denied.ends_claim.then(stop).into_iter().collect(),
            Self::Assessed(_)
            | Self::Reassessed(_)
            | Self::Approved(_)
            | Self::Paid(_)
            | Self::Overdue(_) => Vec::new(),
        }
    }

    fn touches(&self, _: &StreamId) -> Vec<String> {
        match self {
            Self::Assessed(Assessed { matter, .. }) | Self::Denied(Denied { matter, .. }) => {
                vec![rewarded_key(matter)]
            }
            Self::Claimed(claimed) => claimed.voucher.iter().map(|hash| voucher_key(hash)).collect(),
            Self::Reassessed(_)
            | Self::Approved(_)
            | Self::Notified(_)
            | Self::Paid(_)
            | Self::Forfeited(_)
            | Self::Waived(_)
            | Self::Overdue(_)
            | Self::Extended(_) => Vec::new(),
        }
    }
}
