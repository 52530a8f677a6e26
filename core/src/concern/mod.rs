//! The `concern` stream (内部报告): a worker tells the enterprise itself of a hazard, with or without a name, is answered, and may be
//! rewarded by it (plan, mines, 33; industry, 4). No officer of the bureau is a party to it.
//!
//! ```text
//! (nothing) -> raised -> answered -> taken up | declined        rewarded -> claimed -> handed over
//! ```

mod command;
mod event;
mod refusal;

pub use command::*;
pub use event::{ConcernEvent, Raised, concern_key};
pub use refusal::ConcernRefusal;

use crate::decider::{Decider, Moment, Recorded};
use crate::id::StreamId;
use crate::ledger::vkey::is_hash;
use crate::role::{Party, Role, signed_by};
use crate::rules::deadline::due_in_force;
use crate::secret::voucher_hash;
use crate::units::{Day, Fen};

/// The decider of `concern` streams.
#[derive(Clone, Copy, Debug)]
pub struct ConcernDecider;

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Absent,
    Raised,
    Answered,
    TakenUp,
    Declined,
}

/// How far an internal reward is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Given {
    #[default]
    Nothing,
    Promised,
    /// The worker holds a voucher with this hash.
    Claimed(String),
    HandedOver,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub status: Status,
    pub enterprise: Option<StreamId>,
    /// vkey of the worker.
    pub key: Option<String>,
    pub given: Given,
}

/// What a decision reads in other streams.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The enterprise that a signing enterprise account acts for.
    pub acts_for: Option<StreamId>,
    /// The enterprise stands, and takes internal reports in.
    pub channel_open: bool,
    /// The enterprise that entered the hazard by itself, for the hazard that is named.
    pub hazard_of: Option<StreamId>,
}

type Refused = ConcernRefusal;
type Decision = Result<ConcernEvent, Refused>;

fn need(holds: bool, refusal: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn signs(key: Option<&String>, moment: &Moment<'_>) -> bool {
    moment.by.iter().any(|party| match party {
        Party::Reporter { key: signing } => Some(signing) == key,
        Party::Actor { .. } | Party::Log => false,
    })
}

fn raise(state: &State, raise: &Raise, facts: &Facts, moment: &Moment<'_>) -> Decision {
    need(state.status == Status::Absent, Refused::AlreadyRaised)?;
    need(signs(Some(&raise.key.to_string()), moment), Refused::KeyNotTheSigners)?;
    need(facts.channel_open, Refused::ChannelClosed)?;
    // A calendar that nobody has brought up to date keeps no worker from telling.
    let due = |name| due_in_force(moment.rules, name, moment.now.day()).ok().flatten().map(|due| due.day);
    let (answer_due, decide_due) = (due("concern_answer"), due("concern_decide"));
    Ok(ConcernEvent::Raised(Raised { raise: raise.clone(), answer_due, decide_due }))
}

/// The worker signs.
fn by_worker(state: &State, moment: &Moment<'_>) -> Result<(), Refused> {
    need(state.status != Status::Absent, Refused::NotRaised)?;
    need(signs(state.key.as_ref(), moment), Refused::NeedsWorker)
}

/// An account of the enterprise that was told signs.
fn by_enterprise(state: &State, facts: &Facts, moment: &Moment<'_>) -> Result<(), Refused> {
    need(state.status != Status::Absent, Refused::NotRaised)?;
    let own = facts.acts_for.is_some() && facts.acts_for == state.enterprise;
    need(own && signed_by(moment.by, Role::Enterprise), Refused::NeedsEnterprise)
}

/// Whoever declined may still come to see that there was something.
fn take_up(state: &State, take_up: &TakeUp, facts: &Facts, moment: &Moment<'_>) -> Decision {
    by_enterprise(state, facts, moment)?;
    match state.status {
        Status::TakenUp => return Err(Refused::AlreadyTakenUp),
        Status::Absent | Status::Raised | Status::Answered | Status::Declined => {}
    }
    need(facts.hazard_of.is_some() && facts.hazard_of == state.enterprise, Refused::NotItsHazard)?;
    Ok(ConcernEvent::TakenUp(take_up.clone()))
}

fn decline(state: &State, decline: &Decline, facts: &Facts, moment: &Moment<'_>) -> Decision {
    by_enterprise(state, facts, moment)?;
    match state.status {
        Status::TakenUp => return Err(Refused::AlreadyTakenUp),
        Status::Declined => return Err(Refused::AlreadyDeclined),
        Status::Absent | Status::Raised | Status::Answered => {}
    }
    Ok(ConcernEvent::Declined(decline.clone()))
}

/// What was promised stays promised, so it is decided once. What is mended at once, without a hazard in the ledger, can be rewarded too.
fn reward(state: &State, reward: &Reward, facts: &Facts, moment: &Moment<'_>) -> Decision {
    by_enterprise(state, facts, moment)?;
    match state.status {
        Status::Raised => return Err(Refused::NotAnswered),
        Status::Declined => return Err(Refused::AlreadyDeclined),
        Status::Absent | Status::Answered | Status::TakenUp => {}
    }
    need(state.given == Given::Nothing, Refused::AlreadyRewarded)?;
    let money = reward.amount_yuan.is_some_and(|amount| amount > Fen(0));
    need(money || (reward.amount_yuan.is_none() && reward.honour.is_some()), Refused::NothingGiven)?;
    Ok(ConcernEvent::Rewarded(reward.clone()))
}

fn claim(state: &State, claim: &Claim, moment: &Moment<'_>) -> Decision {
    by_worker(state, moment)?;
    match state.given {
        Given::Nothing => return Err(Refused::NotRewarded),
        Given::Claimed(_) => return Err(Refused::AlreadyClaimed),
        Given::HandedOver => return Err(Refused::AlreadyHandedOver),
        Given::Promised => {}
    }
    need(is_hash(&claim.voucher_hash), Refused::BadVoucher)?;
    Ok(ConcernEvent::Claimed(claim.clone()))
}

/// Only whoever has the worker's voucher lets the enterprise record that it was given.
fn hand_over(state: &State, hand_over: &HandOver, facts: &Facts, moment: &Moment<'_>) -> Decision {
    by_enterprise(state, facts, moment)?;
    let claimed = match &state.given {
        Given::Nothing => return Err(Refused::NotRewarded),
        // The same as for a wrong voucher: otherwise asking would tell when the worker came for it.
        Given::Promised => return Err(Refused::OtherVoucher),
        Given::HandedOver => return Err(Refused::AlreadyHandedOver),
        Given::Claimed(hash) => hash,
    };
    let voucher_hash = voucher_hash(hand_over.voucher.as_str());
    need(*claimed == voucher_hash, Refused::OtherVoucher)?;
    Ok(ConcernEvent::HandedOver(Claim { voucher_hash }))
}

impl Decider for ConcernDecider {
    type State = State;
    type Command = ConcernCommand;
    type Event = ConcernEvent;
    type Facts = Facts;
    type Rejection = ConcernRefusal;

    fn decide(
        state: &State,
        command: &ConcernCommand,
        facts: &Facts,
        moment: &Moment<'_>,
    ) -> Result<Vec<ConcernEvent>, Refused> {
        let event = match command {
            ConcernCommand::Raise(command) => raise(state, command, facts, moment),
            ConcernCommand::Write(words) => {
                by_worker(state, moment).map(|()| ConcernEvent::Written(words.clone()))
            }
            ConcernCommand::Answer(words) => {
                by_enterprise(state, facts, moment).map(|()| ConcernEvent::Answered(words.clone()))
            }
            ConcernCommand::TakeUp(command) => take_up(state, command, facts, moment),
            ConcernCommand::Decline(command) => decline(state, command, facts, moment),
            ConcernCommand::Reward(command) => reward(state, command, facts, moment),
            ConcernCommand::Claim(command) => claim(state, command, moment),
            ConcernCommand::HandOver(command) => hand_over(state, command, facts, moment),
        };
        event.map(|event| vec![event])
    }

    fn evolve(mut state: State, event: &ConcernEvent, _: &Recorded) -> State {
        match event {
            ConcernEvent::Raised(raised) => {
                state.status = Status::Raised;
                state.enterprise = Some(raised.raise.enterprise);
                state.key = Some(raised.raise.key.to_string());
            }
            ConcernEvent::Answered(_) if state.status == Status::Raised => state.status = Status::Answered,
            ConcernEvent::Written(_) | ConcernEvent::Answered(_) => {}
            ConcernEvent::TakenUp(_) => state.status = Status::TakenUp,
            ConcernEvent::Declined(_) => state.status = Status::Declined,
            ConcernEvent::Rewarded(_) => state.given = Given::Promised,
            ConcernEvent::Claimed(claim) => state.given = Given::Claimed(claim.voucher_hash.clone()),
            ConcernEvent::HandedOver(_) => state.given = Given::HandedOver,
        }
        state
    }
}

/// By when the enterprise has to act next: answer first, then decide.
pub fn due(status: Status, answer: Option<Day>, decide: Option<Day>) -> Option<Day> {
    match status {
        Status::Raised => answer,
        Status::Answered => decide,
        Status::Absent | Status::TakenUp | Status::Declined => None,
    }
}
