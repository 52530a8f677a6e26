//! The `rules` stream: which rule packs an approver has adopted, by their hash or with a text of the bureau's own, and the yearly
//! budget of rewards.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decider::{Decider, Moment, Recorded, Rejection, StreamEvent, refusals};
use crate::ledger::vkey::hex;
use crate::role::{Role, signed_by};
use crate::rules::{PACKS, PackError};
use crate::text::{Short, Text};
use crate::units::{Day, Fen};

/// A command to the `rules` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum RulesCommand {
    /// Adopt a pack that ships with the software, numbers that are not verified included.
    #[serde(rename = "rules.adopt")]
    Adopt(Adopt),
    /// Adopt a text of the bureau's own in the place of a pack: numbers of its province or city filled in, holidays of
    /// another year.
    #[serde(rename = "rules.amend")]
    Amend(Amend),
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Amend {
    /// Id of the pack.
    pub pack: String,
    /// The whole pack as TOML; stands in the body, so that what was decided by it can be checked for ever.
    pub text: Text<40_000>,
    /// Where the decision is written down.
    pub decision: Short,
}

/// An event of the `rules` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum RulesEvent {
    #[serde(rename = "rules.adopted")]
    Adopted(Adopt),
    #[serde(rename = "rules.amended")]
    Amended(Amend),
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
            Self::Amended(_) => "rules.amended",
            Self::RewardBudgetSet(_) => "rules.reward_budget_set",
        }
    }
}

/// Why a command to the `rules` stream is refused: a rule of the stream, or a fault of the text that was to be adopted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulesRejection {
    Rule(RulesRefusal),
    Pack(PackError),
}

impl From<RulesRefusal> for RulesRejection {
    fn from(refusal: RulesRefusal) -> Self {
        Self::Rule(refusal)
    }
}

impl Rejection for RulesRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Rule(refusal) => refusal.code(),
            Self::Pack(error) => error.code(),
        }
    }

    fn details(&self) -> BTreeMap<String, String> {
        match self {
            Self::Rule(refusal) => refusal.details(),
            Self::Pack(error) => error.details(),
        }
    }
}

/// For this year, the one before or the one after: anything else is a slip of the pen.
fn set_budget(budget: &SetRewardBudget, moment: &Moment<'_>) -> Result<RulesEvent, RulesRejection> {
    if (budget.year - moment.now.day().year()).abs() > 1 {
        return Err(RulesRefusal::BudgetYear.into());
    }
    Ok(RulesEvent::RewardBudgetSet(budget.clone()))
}

fn adopt(state: &Adopted, adopt: &Adopt, moment: &Moment<'_>) -> Result<RulesEvent, RulesRejection> {
    let pack = PACKS.into_iter().find(|pack| pack.id == adopt.pack).ok_or(RulesRefusal::UnknownPack)?;
    if pack.hash() != adopt.hash {
        return Err(RulesRefusal::OtherHash.into());
    }
    if state.get(&adopt.pack) == Some(&adopt.hash) {
        return Err(RulesRefusal::AlreadyAdopted.into());
    }
    if adopt.from > moment.now.day() {
        return Err(RulesRefusal::InFuture.into());
    }
    Ok(RulesEvent::Adopted(adopt.clone()))
}

/// The text must be sound beside the other packs that are in force.
fn amend(amend: &Amend, moment: &Moment<'_>) -> Result<RulesEvent, RulesRejection> {
    let after = moment.rules.amended(&amend.pack, amend.text.as_str()).map_err(RulesRejection::Pack)?;
    if after.version() == moment.rules.version() {
        return Err(RulesRefusal::AlreadyAdopted.into());
    }
    Ok(RulesEvent::Amended(amend.clone()))
}

/// The decider of the `rules` stream.
#[derive(Clone, Copy, Debug)]
pub struct RulesDecider;

/// Hash of the text of each pack that was adopted last.
pub type Adopted = BTreeMap<String, String>;

impl Decider for RulesDecider {
    type State = Adopted;
    type Command = RulesCommand;
    type Event = RulesEvent;
    type Facts = ();
    type Rejection = RulesRejection;

    fn decide(
        state: &Adopted,
        command: &RulesCommand,
        (): &(),
        moment: &Moment<'_>,
    ) -> Result<Vec<RulesEvent>, RulesRejection> {
        if !signed_by(moment.by, Role::Approver) {
            return Err(RulesRefusal::NeedsApprover.into());
        }
        let event = match command {
            RulesCommand::Adopt(command) => adopt(state, command, moment),
            RulesCommand::Amend(command) => amend(command, moment),
            RulesCommand::SetRewardBudget(command) => set_budget(command, moment),
        };
        event.map(|event| vec![event])
    }

    fn evolve(mut state: Adopted, event: &RulesEvent, _: &Recorded) -> Adopted {
        match event {
            RulesEvent::Adopted(adopt) => {
                state.insert(adopt.pack.clone(), adopt.hash.clone());
            }
            RulesEvent::Amended(amend) => {
                let hash = blake3::hash(amend.text.as_str().as_bytes());
                state.insert(amend.pack.clone(), hex(hash.as_bytes()));
            }
            RulesEvent::RewardBudgetSet(_) => {}
        }
        state
    }
}
