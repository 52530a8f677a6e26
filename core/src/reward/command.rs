//! What can be asked of a reward.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::StreamId;
use crate::ledger::vkey::VKey;
use crate::rules::accident::AccidentGrade;
use crate::rules::reward::{Exclusion, Sector};
use crate::text::{Long, Short};
use crate::units::{Day, Fen};

/// A command to a `reward` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum RewardCommand {
    /// Work out what a verified report is worth. By the handler; where it is nothing, also by an approver, because that
    /// is final.
    #[serde(rename = "reward.assess")]
    Assess(Assess),
    /// The fine or the grade has changed since.
    #[serde(rename = "reward.reassess")]
    Reassess(Assess),
    /// By an approver who did not assess.
    #[serde(rename = "reward.approve")]
    Approve(Empty),
    /// The reporter is told; the claim period begins.
    #[serde(rename = "reward.notify")]
    Notify(Empty),
    /// By whoever holds the claim key of the report.
    #[serde(rename = "reward.claim")]
    Claim(Claim),
    /// By finance, who neither assessed nor approved.
    #[serde(rename = "reward.pay")]
    Pay(Pay),
    /// The claim period is over.
    #[serde(rename = "reward.forfeit")]
    Forfeit(Empty),
    /// The reporter wants none.
    #[serde(rename = "reward.waive")]
    Waive(Claim),
    /// More time to claim it. By an approver.
    #[serde(rename = "reward.extend")]
    Extend(Extend),
    /// The ledger's own record that the claim period passed.
    #[serde(rename = "reward.record_overdue")]
    RecordOverdue(RecordOverdue),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assess {
    pub report: StreamId,
    /// `national`, or the place whose rules hold.
    pub place: Short,
    pub sector: Sector,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accident_grade: Option<AccidentGrade>,
    /// Where no rule gives an amount, or the rule leaves it open: what the officer proposes, and why. Zero is no reward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Otherwise>,
    /// Why the report may be excluded from rewards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<Exclusion>,
    /// Where there is no fine and the rule has a table of fixed rewards: the name of the tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_fine_tier: Option<Short>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Otherwise {
    pub amount_yuan: Fen,
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The claim key, named `<origin>/reward/<reward id>`; its public half stands in the report's body.
    pub key: VKey,
    /// BLAKE3 of the voucher's code, hexadecimal: the cash desk finds the claim by the code, which the reporter alone has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<Short>,
}

impl Claim {
    /// A claim without a voucher: it is paid to whoever proves it otherwise.
    pub fn of(key: VKey) -> Self {
        Self { key, voucher: None }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pay {
    pub amount_yuan: Fen,
    /// Number of the voucher; never who was paid.
    pub voucher: Short,
    /// BLAKE3 of the code of the voucher that is paid, hexadecimal: the share of whoever shows it. Without one, all that was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher_hash: Option<Short>,
}

impl Pay {
    /// Of all that was claimed, at once.
    pub fn whole(amount_yuan: Fen, voucher: Short) -> Self {
        Self { amount_yuan, voucher, voucher_hash: None }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordOverdue {
    /// `claim`.
    pub clock: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    /// New last day to claim.
    pub until: Day,
    pub because: Long,
}
