//! Each command, and the states in which it is lawful.

use super::command::{
    Acknowledge, Assign, Because, DecideRelief, ElementOnly, ElementText, Empty, Escalate, Evidence, Extend,
    HazardCommand, List, Merge, Origin, Penalise, Plan, Publish, Published, RecordOverdue, Rectify, Report,
    Review, Serve, Verify,
};
use super::event::{
    Assigned, Delisted, Extended, ExtensionRequested, HazardEvent, Listed, Overdue, Penalised, Planned,
    PublishedAt, Rectified, ReliefDecided, Verified,
};
use super::refusal::HazardRefusal as Refusal;
use super::{Facts, State, Status};
use crate::decider::Moment;
use crate::role::{Role, signed_by, signed_by_log, signed_by_two};
use crate::rules::five_in_place::{Element, Stage};
use crate::rules::relief::{Outcome, ReliefFacts, relief};
use crate::rules::{catalogues, criteria, deadline, supervision};
use crate::units::{Day, Position};

type Decision = Result<HazardEvent, Refusal>;

pub(super) fn decide(
    state: &State,
    command: &HazardCommand,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<Vec<HazardEvent>, Refusal> {
    let event = match command {
        HazardCommand::Plan(plan) => return self::plan(state, plan, facts, moment),
        HazardCommand::Report(report) => self::report(state, report, facts, moment),
        HazardCommand::Verify(verify) => self::verify(state, verify, moment),
        HazardCommand::Dismiss(because) => dismiss(state, because, moment),
        HazardCommand::Serve(serve) => self::serve(state, serve, moment),
        HazardCommand::Acknowledge(said) => acknowledge(state, said, facts, moment),
        HazardCommand::Assign(assign) => self::assign(state, assign, moment),
        HazardCommand::Commit(text) => commit(state, text, facts, moment),
        HazardCommand::Evidence(shown) => evidence(state, shown, facts, moment),
        HazardCommand::Confirm(only) => confirm(state, only, moment),
        HazardCommand::Rectify(rectify) => self::rectify(state, rectify, facts, moment),
        HazardCommand::Review(review) => self::review(state, review, moment),
        HazardCommand::Close(_) => close(state, moment),
        HazardCommand::Reopen(because) => reopen(state, because, moment),
        HazardCommand::Extend(extend) => self::extend(state, extend, moment),
        HazardCommand::RequestExtension(extend) => request_extension(state, extend, facts, moment),
        HazardCommand::RefuseExtension(because) => refuse_extension(state, because, moment),
        HazardCommand::SuspendProduction(because) => suspend(state, because, moment),
        HazardCommand::ResumeProduction(because) => resume(state, because, moment),
        HazardCommand::List(list) => self::list(state, list, moment),
        HazardCommand::Delist(because) => delist(state, because, moment),
        HazardCommand::Escalate(escalate) => self::escalate(state, escalate, moment),
        HazardCommand::Penalise(penalise) => self::penalise(state, penalise, moment),
        HazardCommand::DecideRelief(decide) => decide_relief(state, decide, facts, moment),
        HazardCommand::Merge(merge) => self::merge(state, merge, facts, moment),
        HazardCommand::Publish(publish) => self::publish(state, publish, moment),
        HazardCommand::RecordOverdue(overdue) => record_overdue(state, overdue, moment),
    };
    event.map(|event| vec![event])
}

fn need(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

/// The hazard exists, is verified, and is neither closed, dismissed nor merged.
fn open(state: &State) -> Result<(), Refusal> {
    match state.status {
        Status::Absent => Err(Refusal::NotReported),
        Status::Reported => Err(Refusal::NotVerified),
        Status::Dismissed => Err(Refusal::Dismissed),
        Status::Merged => Err(Refusal::Merged),
        Status::Closed => Err(Refusal::AlreadyClosed),
        Status::Verified | Status::Assigned | Status::Rectified | Status::Passed => Ok(()),
    }
}

/// It has been assigned and is being mended.
fn being_mended(state: &State) -> Result<(), Refusal> {
    open(state)?;
    need(state.status != Status::Verified, Refusal::NotAssigned)
}

/// An account of the enterprise whose hazard it is.
fn own_enterprise(state: &State, facts: &Facts, moment: &Moment<'_>) -> Result<(), Refusal> {
    need(signed_by(moment.by, Role::Enterprise), Refusal::NeedsEnterprise)?;
    let enterprise = state.report.as_ref().map(|report| report.enterprise);
    need(enterprise.is_some() && facts.acts_for == enterprise, Refusal::NotOwnEnterprise)
}

fn report(state: &State, report: &Report, facts: &Facts, moment: &Moment<'_>) -> Decision {
    need(state.status == Status::Absent, Refusal::AlreadyReported)?;
    match report.origin {
        Origin::SelfInspection => {
            need(signed_by(moment.by, Role::Enterprise), Refusal::NeedsEnterprise)?;
            need(facts.acts_for == Some(report.enterprise), Refusal::NotOwnEnterprise)?;
        }
        Origin::Inspection => {
            need(facts.with_finding, Refusal::OnlyByInspection)?;
            need(signed_by_two(moment.by, Role::Inspector), Refusal::NeedsTwoInspectors)?;
        }
        Origin::MonitoringAlert | Origin::Accident | Origin::EarlierRegister => {
            let entitled = signed_by(moment.by, Role::Inspector) || signed_by(moment.by, Role::Clerk);
            need(entitled, Refusal::NeedsInspector)?;
        }
    }
    need(report.inspection.is_none() || report.origin == Origin::Inspection, Refusal::OnlyByInspection)?;
    need(facts.enterprise_stands, Refusal::UnknownEnterprise)?;
    need(report.found_on <= moment.now.day(), Refusal::FoundInFuture)?;
    known_criterion(report.criterion.as_deref(), report.found_on, moment)?;
    Ok(HazardEvent::Reported(report.clone()))
}

/// An item whose text is at hand, of a catalogue that held on the day on which the hazard was found.
fn known_criterion(code: Option<&str>, found_on: Day, moment: &Moment<'_>) -> Result<(), Refusal> {
    let Some(code) = code else { return Ok(()) };
    let item = criteria::get(code).filter(|item| item.is_selectable()).ok_or(Refusal::UnknownCriterion)?;
    catalogues::check_item(moment.rules, item, found_on).map_err(Refusal::CriterionNotInForce)
}

fn verify(state: &State, verify: &Verify, moment: &Moment<'_>) -> Decision {
    let report = match (state.status, &state.report) {
        (Status::Reported, Some(report)) => report,
        (Status::Absent, _) | (Status::Reported, None) => return Err(Refusal::NotReported),
        (Status::Dismissed, _) => return Err(Refusal::Dismissed),
        (Status::Merged, _) => return Err(Refusal::Merged),
        (Status::Closed, _) => return Err(Refusal::AlreadyClosed),
        (Status::Verified | Status::Assigned | Status::Rectified | Status::Passed, _) => {
            return Err(Refusal::AlreadyVerified);
        }
    };
    need(signed_by_two(moment.by, Role::Inspector), Refusal::NeedsTwoInspectors)?;
    known_criterion(verify.criterion.as_deref(), report.found_on, moment)?;
    Ok(HazardEvent::Verified(Verified {
        criterion: verify.criterion.clone(),
        because: verify.because.clone(),
        enterprise: report.enterprise,
        place: report.place.to_string(),
        found_on: report.found_on,
    }))
}

fn dismiss(state: &State, because: &Because, moment: &Moment<'_>) -> Decision {
    match state.status {
        Status::Reported => {}
        Status::Absent => return Err(Refusal::NotReported),
        Status::Dismissed => return Err(Refusal::Dismissed),
        Status::Merged => return Err(Refusal::Merged),
        Status::Closed => return Err(Refusal::AlreadyClosed),
        Status::Verified | Status::Assigned | Status::Rectified | Status::Passed => {
            return Err(Refusal::AlreadyVerified);
        }
    }
    need(signed_by_two(moment.by, Role::Inspector), Refusal::NeedsTwoInspectors)?;
    Ok(HazardEvent::Dismissed(because.clone()))
}

fn serve(state: &State, serve: &Serve, moment: &Moment<'_>) -> Decision {
    open(state)?;
    let entitled = signed_by(moment.by, Role::Inspector) || signed_by(moment.by, Role::Handler);
    need(entitled, Refusal::NeedsHandler)?;
    need(serve.principal || serve.controller, Refusal::NothingServed)?;
    Ok(HazardEvent::Served(serve.clone()))
}

/// Whoever was served acknowledges it, each once.
fn acknowledge(state: &State, said: &Acknowledge, facts: &Facts, moment: &Moment<'_>) -> Decision {
    open(state)?;
    own_enterprise(state, facts, moment)?;
    let waits = &state.unacknowledged;
    let served = (said.principal && waits.principal) || (said.controller && waits.controller);
    need(served, Refusal::NothingServed)?;
    Ok(HazardEvent::Acknowledged(said.clone()))
}

fn due_in_force(name: &str, from: Day, moment: &Moment<'_>) -> Result<Option<deadline::Due>, Refusal> {
    deadline::due_in_force(moment.rules, name, from).map_err(|_| Refusal::UnknownYear)
}

fn assign(state: &State, assign: &Assign, moment: &Moment<'_>) -> Decision {
    open(state)?;
    need(state.status == Status::Verified, Refusal::AlreadyAssigned)?;
    need(signed_by(moment.by, Role::Handler), Refusal::NeedsHandler)?;
    let today = moment.now.day();
    need(assign.due >= today, Refusal::DueInPast)?;
    // The longest time a hazard may be given; where no such rule is in force, the day that was set is the limit.
    let (longest, source) = match due_in_force("rectify", today, moment)? {
        Some(rule) => (rule.day, rule.source),
        None => (assign.due, String::new()),
    };
    need(assign.due <= longest, Refusal::BeyondLimit)?;
    Ok(HazardEvent::Assigned(Assigned { assign: assign.clone(), latest: longest, source }))
}

/// The whole plan at once: its aim, and what each of the five commits to.
fn plan(state: &State, plan: &Plan, facts: &Facts, moment: &Moment<'_>) -> Result<Vec<HazardEvent>, Refusal> {
    let mut events = vec![HazardEvent::Planned(Planned { aim: plan.aim.clone() })];
    for element in Element::ALL {
        let text = ElementText { element, text: plan.part(element).clone() };
        events.push(commit(state, &text, facts, moment)?);
    }
    Ok(events)
}

fn commit(state: &State, text: &ElementText, facts: &Facts, moment: &Moment<'_>) -> Decision {
    open(state)?;
    own_enterprise(state, facts, moment)?;
    need(state.stage(text.element) < Stage::Confirmed, Refusal::ElementAlreadyConfirmed)?;
    need(state.stage(text.element) < Stage::Evidenced, Refusal::ElementAlreadyEvidenced)?;
    Ok(HazardEvent::Committed(text.clone()))
}

fn evidence(state: &State, shown: &Evidence, facts: &Facts, moment: &Moment<'_>) -> Decision {
    open(state)?;
    own_enterprise(state, facts, moment)?;
    need(state.stage(shown.element) >= Stage::Committed, Refusal::ElementNotCommitted)?;
    need(state.stage(shown.element) < Stage::Confirmed, Refusal::ElementAlreadyConfirmed)?;
    Ok(HazardEvent::Evidenced(shown.clone()))
}

fn confirm(state: &State, only: &ElementOnly, moment: &Moment<'_>) -> Decision {
    open(state)?;
    need(signed_by(moment.by, Role::Inspector), Refusal::NeedsInspector)?;
    need(state.stage(only.element) >= Stage::Evidenced, Refusal::ElementNotEvidenced)?;
    need(state.stage(only.element) < Stage::Confirmed, Refusal::ElementAlreadyConfirmed)?;
    Ok(HazardEvent::Confirmed(only.clone()))
}

/// Whether the five in place are asked for: of a major hazard (plan, mines, 10), not of a general one.
fn asks_for_five(state: &State, moment: &Moment<'_>) -> bool {
    moment.rules.five.are_asked_for(state.criterion.is_some())
}

/// Mended only when the enterprise has shown all five (plan, mines, 10: rectified strictly by the five in place).
fn rectify(state: &State, rectify: &Rectify, facts: &Facts, moment: &Moment<'_>) -> Decision {
    being_mended(state)?;
    need(state.status == Status::Assigned, Refusal::NotAssigned)?;
    own_enterprise(state, facts, moment)?;
    let shown = !asks_for_five(state, moment) || state.all_at_least(Stage::Evidenced);
    need(shown, Refusal::FiveNotEvidenced)?;
    let review_due = due_in_force("review", moment.now.day(), moment)?.map(|due| due.day);
    let (because, files) = (rectify.because.clone(), rectify.files.clone());
    Ok(HazardEvent::Rectified(Rectified { because, review_due, files }))
}

fn review(state: &State, review: &Review, moment: &Moment<'_>) -> Decision {
    open(state)?;
    need(state.status == Status::Rectified, Refusal::NotRectified)?;
    need(signed_by_two(moment.by, Role::Inspector), Refusal::NeedsTwoInspectors)?;
    let rectified = moment.by.iter().filter_map(crate::role::Party::actor);
    need(!rectified.into_iter().any(|actor| state.rectified_by.contains(&actor)), Refusal::RectifierReviews)?;
    Ok(HazardEvent::Reviewed(Review { due: due_again(state, review, moment)?, ..review.clone() }))
}

/// The day to mend it by after a review that was not passed; none after one that was.
fn due_again(state: &State, review: &Review, moment: &Moment<'_>) -> Result<Option<Day>, Refusal> {
    if review.passed {
        return Ok(None);
    }
    let today = moment.now.day();
    let due = match review.due {
        Some(due) => due,
        None => state.due.filter(|due| *due >= today).ok_or(Refusal::NewDueMissing)?,
    };
    need(due >= today, Refusal::DueInPast)?;
    Ok(Some(due))
}

fn close(state: &State, moment: &Moment<'_>) -> Decision {
    open(state)?;
    need(state.status == Status::Passed, Refusal::NotReviewed)?;
    need(signed_by(moment.by, Role::Approver), Refusal::NeedsApprover)?;
    let approvers = crate::role::actors_with(moment.by, Role::Approver);
    need(approvers.iter().any(|actor| !state.reviewed_by.contains(actor)), Refusal::ReviewerCloses)?;
    let in_place = !asks_for_five(state, moment) || state.all_at_least(Stage::Confirmed);
    need(in_place, Refusal::FiveNotConfirmed)?;
    Ok(HazardEvent::Closed(Empty {}))
}

fn reopen(state: &State, because: &Because, moment: &Moment<'_>) -> Decision {
    need(state.status != Status::Absent, Refusal::NotReported)?;
    need(state.status == Status::Closed, Refusal::NotClosed)?;
    let entitled = signed_by(moment.by, Role::Inspector) || signed_by(moment.by, Role::Approver);
    need(entitled, Refusal::NeedsApprover)?;
    Ok(HazardEvent::Reopened(because.clone()))
}

/// Where the enterprise asked for it, the notice was met by asking; otherwise by deciding.
fn extend(state: &State, extend: &Extend, moment: &Moment<'_>) -> Decision {
    being_mended(state)?;
    need(state.status == Status::Assigned, Refusal::NotAssigned)?;
    need(signed_by(moment.by, Role::Approver), Refusal::NeedsApprover)?;
    later_day(state, extend, moment, state.request.is_some())?;
    let requested = state.request.is_some();
    Ok(HazardEvent::Extended(Extended { until: extend.until, because: extend.because.clone(), requested }))
}

/// A day after the one that is set, which has not gone by, within the limit and with the notice that a listing asks for.
fn later_day(state: &State, extend: &Extend, moment: &Moment<'_>, noticed: bool) -> Result<(), Refusal> {
    let today = moment.now.day();
    need(state.due.is_some_and(|due| due >= today), Refusal::ExtensionTooLate)?;
    need(state.due.is_some_and(|due| extend.until > due), Refusal::DueInPast)?;
    if let Some((due, days)) = state.due.zip(state.extension_notice_days).filter(|_| !noticed) {
        let last = moment.rules.calendar.add_working_days(today, days);
        need(last.map_err(|_| Refusal::UnknownYear)? <= due, Refusal::ExtensionTooLate)?;
    }
    need(state.latest.is_some_and(|latest| extend.until <= latest), Refusal::BeyondLimit)
}

/// Rests on this hazard alone, so that no answer tells the enterprise what the office knows from elsewhere.
fn request_extension(state: &State, extend: &Extend, facts: &Facts, moment: &Moment<'_>) -> Decision {
    being_mended(state)?;
    need(state.status == Status::Assigned, Refusal::NotAssigned)?;
    own_enterprise(state, facts, moment)?;
    need(state.request.is_none(), Refusal::ExtensionAlreadyRequested)?;
    later_day(state, extend, moment, false)?;
    let list = state.list.as_ref().filter(|_| state.listed);
    let today = moment.now.day();
    let rule = list.map_or(Ok(None), |list| listing_rule(list, today, moment))?;
    let due = rule.map(|rule| moment.rules.calendar.add_working_days(today, rule.decide_extension_days));
    Ok(HazardEvent::ExtensionRequested(ExtensionRequested {
        until: extend.until,
        because: extend.because.clone(),
        decide_due: due.transpose().map_err(|_| Refusal::UnknownYear)?,
    }))
}

fn refuse_extension(state: &State, because: &Because, moment: &Moment<'_>) -> Decision {
    open(state)?;
    need(signed_by(moment.by, Role::Approver), Refusal::NeedsApprover)?;
    need(state.request.is_some(), Refusal::NoExtensionRequested)?;
    Ok(HazardEvent::ExtensionRefused(because.clone()))
}

fn suspend(state: &State, because: &Because, moment: &Moment<'_>) -> Decision {
    open(state)?;
    need(signed_by(moment.by, Role::Approver), Refusal::NeedsApprover)?;
    need(!state.suspended, Refusal::AlreadySuspended)?;
    Ok(HazardEvent::ProductionSuspended(because.clone()))
}

/// Resuming waits for a review that was passed (国家安监总局令第16号, art. 23), unless there is no hazard here to mend.
fn resume(state: &State, because: &Because, moment: &Moment<'_>) -> Decision {
    need(signed_by(moment.by, Role::Approver), Refusal::NeedsApprover)?;
    need(state.suspended, Refusal::NotSuspended)?;
    match state.status {
        Status::Passed | Status::Closed | Status::Dismissed | Status::Merged => {}
        Status::Absent | Status::Reported | Status::Verified | Status::Assigned | Status::Rectified => {
            return Err(Refusal::ResumeBeforeReview);
        }
    }
    Ok(HazardEvent::ProductionResumed(because.clone()))
}

fn list(state: &State, list: &List, moment: &Moment<'_>) -> Decision {
    open(state)?;
    need(signed_by(moment.by, Role::Approver), Refusal::NeedsApprover)?;
    need(!state.listed, Refusal::AlreadyListed)?;
    let today = moment.now.day();
    let decided_on = list.decided_on.unwrap_or(today);
    need(decided_on <= today, Refusal::FoundInFuture)?;
    // What was decided is recorded and published from the decision on. The longest time for mending is counted from the
    // entry: a listing that is entered late must not be lost by that.
    let rule = listing_rule(list, decided_on, moment)?;
    if let Some((entered, due)) = listing_rule(list, today, moment)?.zip(state.due) {
        need(due <= entered.longest, Refusal::BeyondLimit)?;
    }
    Ok(HazardEvent::Listed(Listed {
        record_due: rule.as_ref().map(|rule| rule.record_due),
        recorded_late: rule.as_ref().is_some_and(|rule| rule.record_due < today),
        list: list.clone(),
        publish_due: rule.as_ref().map(|rule| rule.publish_due),
        extension_notice_days: rule.as_ref().map(|rule| rule.extension_notice_days),
        rule: rule.map(|rule| rule.rule),
    }))
}

/// The rule of listing that holds where the hazard is supervised; none where its numbers are not known.
fn listing_rule(list: &List, on: Day, moment: &Moment<'_>) -> Result<Option<supervision::Listing>, Refusal> {
    let Some(place) = &list.place else { return Ok(None) };
    supervision::listing(moment.rules, place.as_str(), on).map_err(|_| Refusal::UnknownYear)
}

fn delist(state: &State, because: &Because, moment: &Moment<'_>) -> Decision {
    need(signed_by(moment.by, Role::Approver), Refusal::NeedsApprover)?;
    let list = state.list.as_ref().filter(|_| state.listed).ok_or(Refusal::NotListed)?;
    let publish_due = listing_rule(list, moment.now.day(), moment)?.map(|rule| rule.publish_delisting_due);
    Ok(HazardEvent::Delisted(Delisted { because: because.because.clone(), publish_due }))
}

/// One step at a time, in the order of the ladder (plan, mines, 10).
fn escalate(state: &State, escalate: &Escalate, moment: &Moment<'_>) -> Decision {
    open(state)?;
    let entitled = signed_by(moment.by, Role::Handler) || signed_by(moment.by, Role::Approver);
    need(entitled, Refusal::NeedsHandler)?;
    let next = moment.rules.supervision.next_step(state.step);
    need(next == Some(escalate.step), Refusal::LadderOrder)?;
    Ok(HazardEvent::Escalated(escalate.clone()))
}

fn penalise(state: &State, penalise: &Penalise, moment: &Moment<'_>) -> Decision {
    let report = match (state.status, &state.report) {
        (Status::Absent, _) | (_, None) => return Err(Refusal::NotReported),
        (Status::Reported, _) => return Err(Refusal::NotVerified),
        (Status::Dismissed, _) => return Err(Refusal::Dismissed),
        (Status::Merged, _) => return Err(Refusal::Merged),
        (
            Status::Verified | Status::Assigned | Status::Rectified | Status::Passed | Status::Closed,
            Some(report),
        ) => report,
    };
    need(signed_by(moment.by, Role::Approver), Refusal::NeedsApprover)?;
    need(!state.relieved, Refusal::ReliefGiven)?;
    need(penalise.decided_on <= moment.now.day(), Refusal::FoundInFuture)?;
    // Closure counts penalties (安全生产法, art. 113): one decision entered twice must not count twice.
    need(!state.decisions.contains(penalise.decision.as_str()), Refusal::DecisionRecorded)?;
    let publish_due = due_in_force("publish_penalty", penalise.decided_on, moment)?.map(|due| due.day);
    // The clock runs for what is due first. One whose miss was recorded stops first: started anew, it would be missed again.
    let missed = state.missed.contains_key("publish_penalty");
    let waits = state.penalty_due().is_some_and(|due| missed || publish_due.is_none_or(|own| due <= own));
    Ok(HazardEvent::Penalised(Penalised {
        enterprise: report.enterprise,
        penalise: penalise.clone(),
        publish_due,
        waits,
    }))
}

fn publish(state: &State, publish: &Publish, moment: &Moment<'_>) -> Decision {
    let entitled = signed_by(moment.by, Role::Handler) || signed_by(moment.by, Role::Approver);
    need(entitled, Refusal::NeedsHandler)?;
    let (mut next_due, mut beside) = (None, false);
    let waits = match &publish.published {
        Published::Penalty { decision } => {
            let (this, others): (Vec<_>, Vec<_>) =
                state.unpublished.iter().partition(|(waiting, _)| waiting == decision.as_str());
            beside = state.on_the_clock.as_deref().is_some_and(|running| running != decision.as_str());
            next_due = others.into_iter().filter_map(|(_, due)| *due).min().filter(|_| !beside);
            !this.is_empty()
        }
        Published::Listing => state.listing_due.is_some(),
        Published::Delisting => state.delisting_due.is_some(),
    };
    need(waits, Refusal::NothingToPublish)?;
    Ok(HazardEvent::Published(PublishedAt { publish: publish.clone(), next_due, beside }))
}

fn decide_relief(state: &State, decide: &DecideRelief, facts: &Facts, moment: &Moment<'_>) -> Decision {
    match state.status {
        Status::Absent => return Err(Refusal::NotReported),
        Status::Reported => return Err(Refusal::NotVerified),
        Status::Dismissed => return Err(Refusal::Dismissed),
        Status::Merged => return Err(Refusal::Merged),
        Status::Verified | Status::Assigned | Status::Rectified | Status::Passed | Status::Closed => {}
    }
    need(signed_by(moment.by, Role::Approver), Refusal::NeedsApprover)?;
    need(!state.relief_decided, Refusal::ReliefDecided)?;
    need(state.decisions.is_empty(), Refusal::AlreadyPenalised)?;
    let own = state.report.as_ref().is_some_and(|report| report.origin == Origin::SelfInspection);
    need(own, Refusal::NotSelfReported)?;
    let basis = relief_basis(state, decide, facts, moment);
    let says = relief(moment.rules, &basis);
    let unclear = says.outcome == Outcome::PersonDecides;
    need(!unclear || decide.person.is_some(), Refusal::PersonDecides)?;
    need(!unclear || decide.otherwise.is_none(), Refusal::RuleDoesNotDecide)?;
    need(unclear || decide.person.is_none(), Refusal::RuleDecides)?;
    let decided = ReliefDecided {
        rule_says: says.outcome,
        reasons: says.reasons,
        conditions: says.conditions,
        facts: basis,
        otherwise: decide.otherwise.clone(),
        person: decide.person.clone(),
        rules: moment.rules.version().to_owned(),
    };
    // "In principle": an officer may decide otherwise, with the reason that stands in the event.
    let relieved = match &decide.person {
        Some(person) => person.relieved,
        None => (says.outcome == Outcome::Relieved) != decide.otherwise.is_some(),
    };
    Ok(if relieved { HazardEvent::Relieved(decided) } else { HazardEvent::ReliefRefused(decided) })
}

/// What the streams of others say, with what this one says of plan and time, and the entries that say it.
fn relief_basis(state: &State, decide: &DecideRelief, facts: &Facts, moment: &Moment<'_>) -> ReliefFacts {
    let mended = matches!(state.status, Status::Rectified | Status::Passed | Status::Closed);
    let rectified = state.rectified.filter(|_| mended);
    let rectified_at = rectified.map(|(position, _)| position);
    let missed = state.missed.get("rectify").copied();
    let late = |due: Day| {
        let waits = state.status == Status::Assigned && due < moment.now.day();
        // Nobody may have recorded the miss; the day on which it was rectified tells it as well.
        waits || missed.is_some() || rectified.is_some_and(|(_, on)| due < on)
    };
    let entries = |entries: &[Option<Position>]| entries.iter().copied().flatten().collect::<Vec<_>>();
    ReliefFacts {
        self_reported: Some(state.reported_at),
        plan_made: mended || state.stage(Element::Measures) >= Stage::Committed,
        plan_at: entries(&[state.aim_at, state.measures_at, rectified_at]),
        overdue: state.due.is_some_and(late),
        overdue_at: entries(&[state.due_at, missed, rectified_at]),
        refused: decide.rectification_refused,
        ..facts.relief.clone()
    }
}

/// Only into another hazard of the same enterprise that is open: what is merged leaves the list, so it must go on there.
fn merge(state: &State, merge: &Merge, facts: &Facts, moment: &Moment<'_>) -> Decision {
    match state.status {
        Status::Reported | Status::Verified => {}
        Status::Absent => return Err(Refusal::NotReported),
        Status::Dismissed => return Err(Refusal::Dismissed),
        Status::Merged => return Err(Refusal::Merged),
        Status::Closed => return Err(Refusal::AlreadyClosed),
        Status::Assigned | Status::Rectified | Status::Passed => return Err(Refusal::AlreadyAssigned),
    }
    need(signed_by_two(moment.by, Role::Inspector), Refusal::NeedsTwoInspectors)?;
    need(state.stream != Some(merge.into), Refusal::IntoItself)?;
    let other = facts.other.ok_or(Refusal::OtherUnknown)?;
    let enterprise = state.report.as_ref().map(|report| report.enterprise);
    need(enterprise == Some(other.enterprise), Refusal::OtherEnterprise)?;
    need(other.open, Refusal::OtherNotOpen)?;
    Ok(HazardEvent::Merged(merge.clone()))
}

/// Recorded once for each clock, by the ledger itself, after the last day.
fn record_overdue(state: &State, overdue: &RecordOverdue, moment: &Moment<'_>) -> Decision {
    need(state.status != Status::Absent, Refusal::NotReported)?;
    need(signed_by_log(moment.by), Refusal::OnlyByLog)?;
    let slow = matches!(overdue.clock.as_str(), "rectify" | "review");
    if slow {
        open(state)?;
    }
    let due = match overdue.clock.as_str() {
        "rectify" if state.status == Status::Assigned => state.due,
        "review" if state.status == Status::Rectified => state.review_due,
        "decide_extension" => state.request.as_ref().and_then(|request| request.decide_due),
        "publish_penalty" => state.penalty_due(),
        "publish_listing" => state.listing_due,
        "publish_delisting" => state.delisting_due,
        _ => None,
    };
    need(due.is_some_and(|due| due < moment.now.day()), Refusal::NotOverdue)?;
    need(!state.missed.contains_key(&overdue.clock), Refusal::OverdueRecorded)?;
    // Slow mending climbs the ladder; a step that was called for and not taken yet is not skipped.
    let climbs = overdue.clock == "rectify";
    let calls_for = moment.rules.supervision.next_step(state.step).filter(|_| climbs);
    Ok(HazardEvent::Overdue(Overdue { clock: overdue.clock.clone(), calls_for }))
}
