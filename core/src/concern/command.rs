//! What can be asked of an internal report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::StreamId;
use crate::ledger::vkey::VKey;
use crate::text::{Long, Short};
use crate::units::Fen;

/// A command to a `concern` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum ConcernCommand {
    /// Tell one's enterprise of a hazard (内部报告). Signed by the key that it introduces.
    #[serde(rename = "concern.raise")]
    Raise(Raise),
    /// Write more. The worker.
    #[serde(rename = "concern.write")]
    Write(Words),
    /// Answer the worker. The enterprise.
    #[serde(rename = "concern.answer")]
    Answer(Words),
    /// Take it up: the enterprise has entered it as a hazard that it found by itself.
    #[serde(rename = "concern.take_up")]
    TakeUp(TakeUp),
    /// Not a hazard, by what the enterprise says.
    #[serde(rename = "concern.decline")]
    Decline(Decline),
    /// Decide on an internal reward (内部奖励): money, an honour, or both.
    #[serde(rename = "concern.reward")]
    Reward(Reward),
    /// Come for the reward, with a voucher and without a name. The worker.
    #[serde(rename = "concern.claim")]
    Claim(Claim),
    /// Record that it was handed over to whoever brought the voucher.
    #[serde(rename = "concern.hand_over")]
    HandOver(HandOver),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Raise {
    pub enterprise: StreamId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Short>,
    pub words: Long,
    /// How the enterprise reaches the worker, who need not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Short>,
    /// The worker's key, `<origin>/concern/<concern id>`.
    pub key: VKey,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub words: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeUp {
    /// The hazard as the enterprise entered it.
    pub hazard: StreamId,
    pub words: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decline {
    /// The worker reads it.
    pub because: Long,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reward {
    /// Money (物质奖励), paid by the enterprise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_yuan: Option<Fen>,
    /// An honour (精神奖励).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub honour: Option<Short>,
    /// Where whoever brings the voucher gets it.
    pub collect_at: Short,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// BLAKE3 of the voucher, 64 hexadecimal digits.
    pub voucher_hash: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// As it was brought; the event holds its hash.
    pub voucher: Short,
}
