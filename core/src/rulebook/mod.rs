//! The `rules` stream: which rule packs an approver has adopted, by their hash, and the yearly budget of rewards.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decider::{Decider, Moment, Recorded, StreamEvent, refusals};
use crate::role::{Role, signed_by};
use crate::rules::PACKS;
use crate::text::Short;
use crate::units::{Day, Fen};

/// A command to the `rules` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum RulesCommand {
    /// Adopt a pack that ships with the software, numbers that are not verified included.
    #[serde(rename = "rules.adopt")]
    Adopt(Adopt),
    /// Set the budget of rewards for a year; a later one takes the place of an earlier one.
    #[serde(rename = "rules.set_reward_budget")]
    SetRewardBudget(SetRewardBudget),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRewardBudget {
    pub year: i32,
    pub amount_yuan: Fen,
    /// Where the decision is written down.
    pub decision: Short,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adopt {
    /// Id of the pack.
    pub pack: String,
    /// BLAKE3 of the pack's text, hexadecimal: what was read is what is adopted.
    pub hash: String,
    /// From when it holds.
    pub from: Day,
    /// Where the decision is written down.
    pub decision: Short,
}

/// An event of the `rules` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum RulesEvent {
    #[serde(rename = "rules.adopted")]
    Adopted(Adopt),
    #[serde(rename = "rules.reward_budget_set")]
    RewardBudgetSet(SetRewardBudget),
}

refusals! {
    /// Named after the broken rule.
    RulesRefusal {
        NeedsApprover = "rules.needs_approver",
        UnknownPack = "rules.unknown_pack",
        OtherHash = "rules.other_hash",
        AlreadyAdopted = "rules.already_adopted",
        InFuture = "rules.in_future",
        BudgetYear = "rules.budget_year",
    }
}

impl StreamEvent for RulesEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Adopted(_) => "rules.adopted",
            Self::RewardBudgetSet(_) => "rules.reward_budget_set",
        }
    }
}

/// For this year, the one before or the one after: anything else is a slip of the pen.
fn set_budget(budget: &SetRewardBudget, moment: &Moment<'_>) -> Result<Vec<RulesEvent>, RulesRefusal> {
    if !signed_by(moment.by, Role::Approver) {
        return Err(RulesRefusal::NeedsApprover);
    }
    if (budget.year - moment.now.day().year()).abs() > 1 {
        return Err(RulesRefusal::BudgetYear);
    }
    Ok(vec![RulesEvent::RewardBudgetSet(budget.clone())])
}

/// The decider of the `rules` stream.
#[derive(Clone, Copy, Debug)]
pub struct RulesDecider;

impl Decider for RulesDecider {
    /// Hashes that were adopted.
    type State = Vec<String>;
    type Command = RulesCommand;
    type Event = RulesEvent;
    type Facts = ();
    type Rejection = RulesRefusal;

    fn decide(
        state: &Vec<String>,
        command: &RulesCommand,
        (): &(),
        moment: &Moment<'_>,
    ) -> Result<Vec<RulesEvent>, RulesRefusal> {
        let adopt = match command {
            RulesCommand::Adopt(adopt) => adopt,
            RulesCommand::SetRewardBudget(budget) => return set_budget(budget, moment),
        };
        let pack = PACKS.iter().find(|pack| pack.id == adopt.pack).ok_or(RulesRefusal::UnknownPack)?;
        if !signed_by(moment.by, Role::Approver) {
            return Err(RulesRefusal::NeedsApprover);
        }
        if pack.hash() != adopt.hash {
            return Err(RulesRefusal::OtherHash);
        }
        if state.contains(&adopt.hash) {
            return Err(RulesRefusal::AlreadyAdopted);
        }
        if adopt.from > moment.now.day() {
            return Err(RulesRefusal::InFuture);
        }
        Ok(vec![RulesEvent::Adopted(adopt.clone())])
    }

    fn evolve(mut state: Vec<String>, event: &RulesEvent, _: &Recorded) -> Vec<String> {
        match event {
            RulesEvent::Adopted(adopt) => state.push(adopt.hash.clone()),
            RulesEvent::RewardBudgetSet(_) => {}
        }
        state
    }
}
