//! The `reward` stream (举报奖励): assessed, approved, told, claimed and paid by different people, without a name.

mod command;
mod event;
mod first;
mod refusal;

use std::collections::{BTreeMap, BTreeSet};

pub use command::*;
pub(crate) use event::rewarded_key;
pub use event::{Assessed, Claimed, Denied, Extended, Forfeited, Notified, RewardEvent, Waived, voucher_key};
pub use first::{Candidate, SameMatter};
pub use refusal::RewardRefusal;

use crate::decider::{Decider, Moment, Recorded};
use crate::id::{ActorId, StreamId};
use crate::ledger::vkey::{hex, is_hash};
use crate::report::{Finding, Handle, Verify};
use crate::role::{Party, Role, actors_with, signed_by, signed_by_log};
use crate::rules::deadline;
use crate::rules::reward::{Matter, Outcome, RewardFacts, RewardResult, reward, split};
use crate::units::{Day, Fen, Position};

/// The decider of `reward` streams.
#[derive(Clone, Copy, Debug)]
pub struct RewardDecider;

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Absent,
    Assessed,
    Approved,
    Notified,
    Claimed,
    Paid,
    Forfeited,
    Waived,
    /// Nothing is given; final.
    Denied,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub status: Status,
    pub assessed: Option<Assessed>,
    pub assessed_by: BTreeSet<ActorId>,
    pub approved_by: BTreeSet<ActorId>,
    pub claim_due: Option<Day>,
    /// It was recorded that the claim period passed.
    pub overdue: bool,
    /// The day from which the claim period counts.
    pub notified_on: Option<Day>,
    pub claimed: BTreeSet<String>,
    /// Shares that were given up, or not claimed in time.
    pub fallen_back: BTreeSet<String>,
    /// Hashes of vouchers, each with the claim key that its share was assessed for.
    pub vouchers: BTreeMap<String, String>,
    /// What was paid so far.
    pub paid: Fen,
    /// What was paid so far for each share, by the claim key that it was assessed for.
    pub paid_to: BTreeMap<String, Fen>,
}

impl State {
    /// Shares that were claimed, waived or forfeited, of those that there are.
    fn settled(&self, assessed: &Assessed) -> bool {
        assessed.claim_keys.iter().all(|key| self.claimed.contains(key) || self.fallen_back.contains(key))
    }

    /// Each share with the claim key that it was assessed for.
    fn shares(&self) -> impl Iterator<Item = (&String, Fen)> {
        let assessed = self.assessed.iter();
        assessed.flat_map(|assessed| assessed.claim_keys.iter().zip(assessed.shares_yuan.iter().copied()))
    }

    /// What is still to be paid to those who have claimed; negative where a reassessment gave less than was paid.
    fn payable(&self) -> Fen {
        let claimed = self.shares().filter(|(key, _)| self.claimed.contains(*key)).map(|(_, share)| share.0);
        Fen(claimed.sum::<i64>().saturating_sub(self.paid.0))
    }

    /// What is still to be paid for a share that was claimed.
    pub fn payable_for(&self, key: &str) -> Fen {
        let share = self.shares().find(|(one, _)| *one == key && self.claimed.contains(*one));
        let paid = self.paid_to.get(key).copied().unwrap_or_default();
        Fen(share.map_or(0, |(_, share)| share.0.saturating_sub(paid.0)))
    }

    /// Pays for one share, or for all that were claimed.
    fn pays(&mut self, pay: &Pay) {
        self.paid = Fen(self.paid.0.saturating_add(pay.amount_yuan.0));
        let one = pay.voucher_hash.as_ref().map(|hash| self.vouchers.get(hash.as_str()));
        let paid: Vec<String> = match one {
            Some(key) => key.into_iter().cloned().collect(),
            None => self.claimed.iter().cloned().collect(),
        };
        for key in paid {
            let amount = self.payable_for(&key);
            let before = self.paid_to.entry(key).or_default();
            *before = Fen(before.0.saturating_add(amount.0));
        }
        self.status = self.after_a_share();
    }

    /// Where a reward stands once one more share is settled, or once it was told anew.
    fn after_a_share(&self) -> Status {
        match &self.assessed {
            Some(assessed) if !self.settled(assessed) || assessed.claim_keys.is_empty() => Status::Notified,
            Some(_) if self.claimed.is_empty() => Status::Forfeited,
            Some(_) if self.payable() <= Fen::ZERO && self.paid > Fen::ZERO => Status::Paid,
            Some(_) => Status::Claimed,
            None => Status::Absent,
        }
    }
}

/// What a decision reads of the report, and of other rewards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub report: Option<Reported>,
    /// Another reward for the same matter was assessed and not denied.
    pub matter_rewarded: bool,
    /// Claim keys of the report's reporters as they are now, in the order of joining: a secret may have been changed since the
    /// assessment. Empty for one whose own key is not in force.
    pub claim_keys_now: Vec<String>,
    /// Every report whose verification names the same matter, this one with them.
    pub same_matter: Vec<Candidate>,
}

/// The report as far as a reward rests on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    pub matter: Matter,
    pub insider: bool,
    pub on: Day,
    pub verified: Option<Verify>,
    pub handled: Option<Handle>,
    pub claim_keys: Vec<String>,
    /// Where a hazard that the report is linked to stood in the log before the report.
    pub found_before: Option<Position>,
}

type Refused = RewardRefusal;
type Decision = Result<RewardEvent, Refused>;

fn need(holds: bool, refusal: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(refusal) }
}

/// One reward for one matter, to whoever reported it first.
fn is_first(report: StreamId, facts: &Facts) -> Result<(), Refused> {
    let order = first::in_order(&facts.same_matter);
    need(order.first().is_some_and(|first| first.report == report), Refused::NotFirst)
}

/// Paid, forfeited, waived and denied are final.
fn live(state: &State) -> Result<(), Refused> {
    match state.status {
        Status::Absent => Err(Refused::NotAssessed),
        Status::Paid => Err(Refused::AlreadyPaid),
        Status::Forfeited | Status::Waived => Err(Refused::Ended),
        Status::Denied => Err(Refused::Denied),
        Status::Assessed | Status::Approved | Status::Notified | Status::Claimed => Ok(()),
    }
}

/// What a reward rests on, and what the rules say to it.
fn work_out(
    assess: &Assess,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<(RewardFacts, RewardResult), Refused> {
    need(signed_by(moment.by, Role::Handler), Refused::NeedsHandler)?;
    let report = facts.report.as_ref().ok_or(Refused::ReportNotVerified)?;
    let verified = report.verified.as_ref().ok_or(Refused::ReportNotVerified)?;
    need(verified.finding != Finding::NotSubstantiated, Refused::NotSubstantiated)?;
    let handled = report.handled.as_ref();
    let basis = RewardFacts {
        place: assess.place.to_string(),
        matter: report.matter,
        sector: assess.sector,
        report_level: verified.level,
        unit_fine_yuan: handled.map(|handled| handled.unit_fine_yuan).unwrap_or_default(),
        person_fines_yuan: handled.map(|handled| handled.person_fines_yuan.clone()).unwrap_or_default(),
        deaths_verified: verified.deaths_verified,
        accident_grade: assess.accident_grade,
        insider: report.insider,
        reported_on: report.on,
        excluded: assess.excluded,
        no_fine_tier: assess.no_fine_tier.as_ref().map(ToString::to_string),
        found_before: report.found_before,
    };
    let result = reward(moment.rules, &basis);
    Ok((basis, result))
}

/// What is given: by the rule, or by the officer where the rule leaves it open. An excluded reporter never gets anything.
fn amount(assess: &Assess, result: &RewardResult) -> Result<Fen, Refused> {
    let proposed = assess.otherwise.as_ref().map(|otherwise| otherwise.amount_yuan);
    match (result.outcome, proposed.or(result.amount)) {
        (Outcome::Excluded, Some(amount)) if amount > Fen::ZERO => Err(Refused::Excluded),
        (Outcome::Excluded, _) => Ok(Fen::ZERO),
        (Outcome::PersonDecides, None) => Err(Refused::PersonDecides),
        (Outcome::TierOpen, None) => Err(Refused::TierNeeded),
        (Outcome::Amount | Outcome::Open, None) => Err(Refused::NoRule),
        (Outcome::Amount | Outcome::Open | Outcome::TierOpen | Outcome::PersonDecides, Some(amount)) => {
            Ok(amount)
        }
    }
}

/// Matter of the report, claim keys of those who made it.
fn reported(facts: &Facts) -> (String, Vec<String>) {
    let report = facts.report.as_ref();
    let matter = report.and_then(|report| report.verified.as_ref());
    let matter = matter.map(|verified| verified.matter_key.to_string()).unwrap_or_default();
    (matter, report.map(|report| report.claim_keys.clone()).unwrap_or_default())
}

fn given(
    assess: &Assess,
    facts: &Facts,
    moment: &Moment<'_>,
    amount: Fen,
    (basis, result): (RewardFacts, RewardResult),
) -> Assessed {
    let (matter, claim_keys) = reported(facts);
    let many = u32::try_from(claim_keys.len().max(1)).unwrap_or(1);
    Assessed {
        report: assess.report,
        matter,
        amount_yuan: amount,
        rule: result.rule,
        alternative_yuan: result.alternative,
        reasons: result.reasons,
        facts: basis,
        because: assess.otherwise.as_ref().map(|otherwise| otherwise.because.clone()),
        claim_keys,
        shares_yuan: split(amount, many),
        same_matter: first::in_order(&facts.same_matter),
        rules: moment.rules.version().to_owned(),
    }
}

/// Final, so an approver who is not the handler signs it with the handler.
fn deny(
    state: &State,
    assess: &Assess,
    facts: &Facts,
    moment: &Moment<'_>,
    (basis, result): (RewardFacts, RewardResult),
) -> Decision {
    let (handlers, approvers) =
        (actors_with(moment.by, Role::Handler), actors_with(moment.by, Role::Approver));
    need(!approvers.is_empty(), Refused::NeedsApprover)?;
    let two = handlers.iter().any(|handler| approvers.iter().any(|approver| approver != handler));
    need(two, Refused::AssessorApproves)?;
    Ok(RewardEvent::Denied(Denied {
        report: assess.report,
        matter: reported(facts).0,
        rule: result.rule,
        reasons: result.reasons,
        facts: basis,
        because: assess.otherwise.as_ref().map(|otherwise| otherwise.because.clone()),
        ends_claim: state.claim_due.is_some() && state.claimed.is_empty() && state.fallen_back.is_empty(),
        rules: moment.rules.version().to_owned(),
    }))
}

fn assess(state: &State, assess: &Assess, facts: &Facts, moment: &Moment<'_>) -> Decision {
    need(state.status != Status::Denied, Refused::Denied)?;
    need(state.status == Status::Absent, Refused::AlreadyAssessed)?;
    need(!facts.matter_rewarded, Refused::MatterRewarded)?;
    let denied = facts.same_matter.iter().any(|one| one.report == assess.report && one.denied);
    need(!denied, Refused::Denied)?;
    let worked_out = work_out(assess, facts, moment)?;
    let amount = amount(assess, &worked_out.1)?;
    if amount == Fen::ZERO {
        return deny(state, assess, facts, moment, worked_out);
    }
    is_first(assess.report, facts)?;
    Ok(RewardEvent::Assessed(given(assess, facts, moment, amount, worked_out)))
}

/// A new amount needs a new approval; nothing at all is a denial, and that needs none. Also after it was paid: a reward may be
/// paid before the grade of an accident is final, and what is more is paid then.
fn reassess(state: &State, assess: &Assess, facts: &Facts, moment: &Moment<'_>) -> Decision {
    if state.status != Status::Paid {
        live(state)?;
    }
    need(state.status != Status::Claimed, Refused::AlreadyClaimed)?;
    let same = state.assessed.as_ref().is_some_and(|before| before.report == assess.report);
    need(same, Refused::OtherReport)?;
    let worked_out = work_out(assess, facts, moment)?;
    let amount = amount(assess, &worked_out.1)?;
    if amount == Fen::ZERO {
        return deny(state, assess, facts, moment, worked_out);
    }
    // What was paid stays with whom it was paid to, whoever turns out to have been earlier.
    if state.paid == Fen::ZERO {
        is_first(assess.report, facts)?;
    }
    Ok(RewardEvent::Reassessed(given(assess, facts, moment, amount, worked_out)))
}

/// The approver's signature rests on the same order: an earlier report may have been verified since the assessment.
fn approve(state: &State, facts: &Facts, moment: &Moment<'_>) -> Decision {
    live(state)?;
    need(state.status == Status::Assessed, Refused::AlreadyApproved)?;
    let approvers = actors_with(moment.by, Role::Approver);
    need(!approvers.is_empty(), Refused::NeedsApprover)?;
    need(!approvers.iter().any(|actor| state.assessed_by.contains(actor)), Refused::AssessorApproves)?;
    if let Some(assessed) = state.assessed.as_ref().filter(|_| state.paid == Fen::ZERO) {
        let verified = facts.report.as_ref().and_then(|report| report.verified.as_ref());
        let holds = verified.is_some_and(|verified| verified.finding != Finding::NotSubstantiated);
        need(holds, Refused::NotSubstantiated)?;
        is_first(assessed.report, facts)?;
    }
    Ok(RewardEvent::Approved(Empty {}))
}

fn notify(state: &State, moment: &Moment<'_>) -> Decision {
    live(state)?;
    match state.status {
        Status::Approved => {}
        Status::Absent | Status::Assessed => return Err(Refused::NotApproved),
        Status::Notified
        | Status::Claimed
        | Status::Paid
        | Status::Forfeited
        | Status::Waived
        | Status::Denied => return Err(Refused::AlreadyNotified),
    }
    let entitled = signed_by(moment.by, Role::Handler) || signed_by(moment.by, Role::Clerk);
    need(entitled, Refused::NeedsHandler)?;
    let claim = claim_period(moment, moment.now.day())?;
    Ok(RewardEvent::Notified(Notified { claim_due: claim.map(|due| due.day) }))
}

fn claim_period(moment: &Moment<'_>, from: Day) -> Result<Option<deadline::Due>, Refused> {
    deadline::due_in_force(moment.rules, "claim", from).map_err(|_| Refused::UnknownYear)
}

/// Only while it runs: what is over is not brought back. How far it may be moved is said by the rule of the day on which it is
/// moved, so that an extension also helps those who were told before it was adopted.
fn extend(state: &State, extend: &Extend, moment: &Moment<'_>) -> Decision {
    live(state)?;
    match state.status {
        Status::Notified => {}
        Status::Absent | Status::Assessed | Status::Approved => return Err(Refused::NotNotified),
        Status::Claimed | Status::Paid | Status::Forfeited | Status::Waived | Status::Denied => {
            return Err(Refused::AlreadyClaimed);
        }
    }
    need(signed_by(moment.by, Role::Approver), Refused::NeedsApprover)?;
    let (due, from) = state.claim_due.zip(state.notified_on).ok_or(Refused::NoClaimPeriod)?;
    need(moment.now.day() <= due, Refused::ClaimPeriodOver)?;
    let rule = claim_period(moment, from)?.filter(|rule| rule.extendable);
    let rule = rule.ok_or(Refused::ExtensionNotInForce)?;
    need(extend.until > due, Refused::NotLater)?;
    need(extend.until <= rule.latest, Refused::BeyondLimit)?;
    Ok(RewardEvent::Extended(Extended {
        until: extend.until,
        because: extend.because.clone(),
        latest: rule.latest,
        source: rule.source,
        rules: moment.rules.version().to_owned(),
    }))
}

/// Recorded once, by the ledger itself, after the last day. What follows from it, a person does: whoever had a good reason
/// not to come is not struck out at midnight.
fn record_overdue(state: &State, overdue: &RecordOverdue, moment: &Moment<'_>) -> Decision {
    live(state)?;
    need(signed_by_log(moment.by), Refused::OnlyByLog)?;
    let due = state.claim_due.filter(|_| state.status == Status::Notified && overdue.clock == "claim");
    need(due.is_some_and(|due| due < moment.now.day()), Refused::NotOverdue)?;
    need(!state.overdue, Refused::OverdueRecorded)?;
    Ok(RewardEvent::Overdue(overdue.clone()))
}

/// The claim is signed by a key whose public half stands in the report's body.
fn claim(state: &State, claim: &Claim, facts: &Facts, moment: &Moment<'_>) -> Result<Claimed, Refused> {
    live(state)?;
    need(!matches!(state.status, Status::Assessed | Status::Approved), Refused::NotNotified)?;
    let key = hex(claim.key.key());
    let text = claim.key.to_string();
    let signs = moment.by.iter().any(|party| *party == Party::Reporter { key: text.clone() });
    // Reporters stand in the order of joining, in the assessment and now.
    let nth = facts.claim_keys_now.iter().position(|now| *now == key);
    let assessed = state.assessed.as_ref().and_then(|assessed| assessed.claim_keys.get(nth?));
    let share = assessed.filter(|_| signs).ok_or(Refused::NotTheReporter)?;
    let settled = state.claimed.contains(share) || state.fallen_back.contains(share);
    need(!settled, Refused::AlreadyClaimed)?;
    need(state.claim_due.is_none_or(|due| moment.now.day() <= due), Refused::ClaimPeriodOver)?;
    let assessed_for = (*share != key).then(|| share.clone());
    let voucher = claim.voucher.as_ref().map(ToString::to_string);
    need(voucher.as_deref().is_none_or(is_hash), Refused::BadVoucher)?;
    Ok(Claimed { key: claim.key.clone(), assessed_for, voucher })
}

/// Gives up the share of whoever signs.
fn waive(state: &State, given_up: &Claim, facts: &Facts, moment: &Moment<'_>) -> Decision {
    let claim = claim(state, given_up, facts, moment)?;
    let key = claim.share();
    let shares =
        state.assessed.iter().flat_map(|assessed| assessed.claim_keys.iter().zip(&assessed.shares_yuan));
    let amount = shares.filter(|(one, _)| **one == key).map(|(_, share)| *share).next();
    Ok(RewardEvent::Waived(Waived { claim, amount_yuan: amount.unwrap_or_default() }))
}

/// What this payment is for, as far as it was claimed: one share as soon as its voucher is shown, whatever the others do; all of them once each
/// was claimed or fell back.
fn to_pay(state: &State, pay: &Pay) -> Result<Fen, Refused> {
    let Some(hash) = &pay.voucher_hash else {
        need(state.status == Status::Claimed, Refused::NotClaimed)?;
        return Ok(state.payable());
    };
    need(matches!(state.status, Status::Notified | Status::Claimed), Refused::NotClaimed)?;
    let key = state.vouchers.get(hash.as_str()).ok_or(Refused::BadVoucher)?;
    let amount = state.payable_for(key);
    need(amount > Fen::ZERO, Refused::AlreadyPaid)?;
    Ok(amount)
}

/// Exactly what was approved and claimed, once, by somebody who had no part in the decision.
fn pay(state: &State, pay: &Pay, moment: &Moment<'_>) -> Decision {
    live(state)?;
    let amount = to_pay(state, pay)?;
    let payers = actors_with(moment.by, Role::Finance);
    need(!payers.is_empty(), Refused::NeedsFinance)?;
    let decided = |actor: &ActorId| state.assessed_by.contains(actor) || state.approved_by.contains(actor);
    need(!payers.iter().any(decided), Refused::PayerDecided)?;
    need(amount == pay.amount_yuan, Refused::OtherAmount)?;
    Ok(RewardEvent::Paid(pay.clone()))
}

fn forfeit(state: &State, moment: &Moment<'_>) -> Decision {
    live(state)?;
    match state.status {
        Status::Notified => {}
        Status::Claimed => return Err(Refused::AlreadyClaimed),
        Status::Absent
        | Status::Assessed
        | Status::Approved
        | Status::Paid
        | Status::Forfeited
        | Status::Waived
        | Status::Denied => {
            return Err(Refused::NotNotified);
        }
    }
    need(signed_by_log(moment.by) || signed_by(moment.by, Role::Approver), Refused::NeedsApprover)?;
    need(state.claim_due.is_some_and(|due| due < moment.now.day()), Refused::ClaimPeriodRuns)?;
    let Some(assessed) = &state.assessed else { return Err(Refused::NotAssessed) };
    let shares = assessed.claim_keys.iter().zip(&assessed.shares_yuan);
    let (claim_keys, amounts): (Vec<String>, Vec<i64>) = shares
        .filter(|(key, _)| !state.claimed.contains(*key) && !state.fallen_back.contains(*key))
        .map(|(key, share)| (key.clone(), share.0))
        .unzip();
    let whole = assessed.claim_keys.is_empty();
    let amount_yuan = if whole { assessed.amount_yuan } else { Fen(amounts.iter().sum()) };
    Ok(RewardEvent::Forfeited(Forfeited { claim_keys, amount_yuan }))
}

impl Decider for RewardDecider {
    type State = State;
    type Command = RewardCommand;
    type Event = RewardEvent;
    type Facts = Facts;
    type Rejection = RewardRefusal;

    fn decide(
        state: &State,
        command: &RewardCommand,
        facts: &Facts,
        moment: &Moment<'_>,
    ) -> Result<Vec<RewardEvent>, Refused> {
        let event = match command {
            RewardCommand::Assess(command) => assess(state, command, facts, moment),
            RewardCommand::Reassess(command) => reassess(state, command, facts, moment),
            RewardCommand::Approve(_) => approve(state, facts, moment),
            RewardCommand::Notify(_) => notify(state, moment),
            RewardCommand::Claim(command) => claim(state, command, facts, moment).map(RewardEvent::Claimed),
            RewardCommand::Pay(command) => pay(state, command, moment),
            RewardCommand::Forfeit(_) => forfeit(state, moment),
            RewardCommand::Extend(command) => extend(state, command, moment),
            RewardCommand::RecordOverdue(command) => record_overdue(state, command, moment),
            RewardCommand::Waive(command) => waive(state, command, facts, moment),
        };
        event.map(|event| vec![event])
    }

    fn evolve(mut state: State, event: &RewardEvent, recorded: &Recorded) -> State {
        match event {
            RewardEvent::Assessed(assessed) | RewardEvent::Reassessed(assessed) => {
                state.status = Status::Assessed;
                carry_over(&mut state, assessed);
                state.assessed = Some(assessed.clone());
                state.assessed_by.extend(&recorded.by);
                state.approved_by.clear();
            }
            RewardEvent::Approved(_) => {
                state.status = Status::Approved;
                state.approved_by.extend(&recorded.by);
            }
            RewardEvent::Notified(notified) => {
                state.claim_due = notified.claim_due;
                state.notified_on = Some(recorded.at.day());
                state.overdue = false;
                state.status = state.after_a_share();
            }
            RewardEvent::Extended(extended) => state.claim_due = Some(extended.until),
            RewardEvent::Overdue(_) => state.overdue = true,
            RewardEvent::Claimed(claim) => {
                state.claimed.insert(claim.share());
                state.vouchers.extend(claim.voucher.clone().map(|hash| (hash, claim.share())));
                state.status = state.after_a_share();
            }
            RewardEvent::Paid(pay) => state.pays(pay),
            RewardEvent::Forfeited(forfeited) => {
                state.fallen_back.extend(forfeited.claim_keys.iter().cloned());
                let nobody = forfeited.claim_keys.is_empty();
                state.status = if nobody { Status::Forfeited } else { state.after_a_share() };
            }
            RewardEvent::Waived(waived) => {
                state.fallen_back.insert(waived.claim.share());
                let after = state.after_a_share();
                state.status = if after == Status::Forfeited { Status::Waived } else { after };
            }
            // Nothing is left to claim or to pay; what was paid before stays on record.
            RewardEvent::Denied(_) => {
                state.status = Status::Denied;
                state.assessed = None;
                state.claim_due = None;
            }
        }
        state
    }
}

/// What was paid for a share stays so where its reporter has changed the secret since.
fn carry_over(state: &mut State, now: &Assessed) {
    let Some(before) = &state.assessed else { return };
    let changed = before.claim_keys.iter().zip(&now.claim_keys).filter(|(old, new)| old != new);
    let paid: Vec<(String, Fen)> =
        changed.filter_map(|(old, new)| Some((new.clone(), state.paid_to.remove(old)?))).collect();
    state.paid_to.extend(paid);
}

#[cfg(test)]
mod tests;
