//! The `hazard` stream (重大事故隐患): from being reported to being struck off the list, and back.
//!
//! ```text
//! (nothing) -> reported -> verified -> assigned -> rectified -> passed -> closed -> reopened -> assigned …
//!                  └ dismissed             ↑___________ failed __|
//! ```
//!
//! Serving, the five elements, supervision, penalties and relief go on beside this line.

mod command;
mod decide;
mod event;
mod refusal;

use std::collections::{BTreeMap, BTreeSet};

pub use command::*;
pub use event::{
    Assigned, Delisted, Extended, ExtensionRequested, HazardEvent, Listed, Overdue, Penalised, Planned,
    PublishedAt, Rectified, ReliefDecided, Verified,
};
pub use refusal::HazardRefusal;

use crate::decider::{Decider, Moment, Recorded};
use crate::id::{ActorId, StreamId};
use crate::rules::five_in_place::{Element, Stage};
use crate::rules::relief::ReliefFacts;
use crate::units::{Day, Position};

/// The decider of `hazard` streams.
#[derive(Clone, Copy, Debug)]
pub struct HazardDecider;

/// Where a hazard stands on its way.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is no such hazard yet.
    #[default]
    Absent,
    Reported,
    Dismissed,
    Verified,
    Assigned,
    Rectified,
    /// The review on site was passed.
    Passed,
    Closed,
    Merged,
}

/// What is true of a hazard.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, beside the status")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub status: Status,
    pub report: Option<Report>,
    /// Where it was reported: what decides who was first.
    pub reported_at: Position,
    /// Criterion item of a major hazard.
    pub criterion: Option<String>,
    /// On whom a notice was served that they have not acknowledged.
    pub unacknowledged: Serve,
    pub due: Option<Day>,
    pub latest: Option<Day>,
    pub review_due: Option<Day>,
    pub five: BTreeMap<Element, Stage>,
    pub rectified_by: BTreeSet<ActorId>,
    pub reviewed_by: BTreeSet<ActorId>,
    pub suspended: bool,
    pub listed: bool,
    /// The listing, while it is listed.
    pub list: Option<List>,
    pub step: Option<Step>,
    pub relief_decided: bool,
    pub relieved: bool,
    /// Numbers of the decisions on penalty.
    pub decisions: BTreeSet<String>,
    /// Decisions that are not public yet, in their order, with the day by which they must be.
    pub unpublished: Vec<(String, Option<Day>)>,
    /// The one of them for which the public clock runs: the one that is due first.
    pub on_the_clock: Option<String>,
    /// A listing, or a delisting, that is not public yet.
    pub listing_due: Option<Day>,
    pub delisting_due: Option<Day>,
    /// Working days before the due day by which an extension is asked for while it is listed.
    pub extension_notice_days: Option<u32>,
    /// A later day that the enterprise asked for and that is not decided on yet.
    pub request: Option<ExtensionRequested>,
    /// The step that the last recorded miss called for.
    pub called_for: Option<Step>,
    /// The aim of the plan was set.
    pub planned: bool,
    /// This stream, once something stands in it.
    pub stream: Option<StreamId>,
    /// Clocks whose miss was recorded, with the entry that did.
    pub missed: BTreeMap<String, Position>,
    /// Where the aim of the plan stands, and where the measures do.
    pub aim_at: Option<Position>,
    pub measures_at: Option<Position>,
    /// Where the due day was set.
    pub due_at: Option<Position>,
    /// Where and when it was rectified; none after a review that was not passed.
    pub rectified: Option<(Position, Day)>,
    /// The spans in which it existed as a major hazard.
    pub stood: Vec<Stood>,
}

/// A span in which a major hazard existed: from when it was found, or came back, to when it left the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stood {
    /// The entry that put it on the list.
    pub since: Position,
    pub from: Day,
    pub until: Option<Day>,
    /// Where it was struck off; none while it stands, and where it was merged into another.
    pub struck_off: Option<Position>,
}

/// What a decision reads in other streams.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The enterprise that a signing enterprise account acts for.
    pub acts_for: Option<StreamId>,
    /// The command comes with an inspection's finding, in the same append.
    pub with_finding: bool,
    /// The enterprise that a report names is registered and not closed.
    pub enterprise_stands: bool,
    /// For a merger: the hazard that goes on, where there is one.
    pub other: Option<Other>,
    /// What the log says of inspections, earlier hazards and accidents of the enterprise.
    pub relief: ReliefFacts,
}

/// What a merger needs to know of the hazard that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    pub enterprise: StreamId,
    pub open: bool,
}

impl State {
    /// The day by which the decision on the clock is public.
    fn penalty_due(&self) -> Option<Day> {
        let running = |(decision, _): &&(String, Option<Day>)| Some(decision) == self.on_the_clock.as_ref();
        self.unpublished.iter().find(running).and_then(|(_, due)| *due)
    }

    /// Neither closed nor dismissed nor merged.
    pub fn is_open(&self) -> bool {
        match self.status {
            Status::Absent | Status::Dismissed | Status::Closed | Status::Merged => false,
            Status::Reported | Status::Verified | Status::Assigned | Status::Rectified | Status::Passed => {
                true
            }
        }
    }

    pub fn stage(&self, element: Element) -> Stage {
        self.five.get(&element).copied().unwrap_or_default()
    }

    fn all_at_least(&self, stage: Stage) -> bool {
        Element::ALL.iter().all(|element| self.stage(*element) >= stage)
    }
}

impl Decider for HazardDecider {
    type State = State;
    type Command = HazardCommand;
    type Event = HazardEvent;
    type Facts = Facts;
    type Rejection = HazardRefusal;

    fn decide(
        state: &State,
        command: &HazardCommand,
        facts: &Facts,
        moment: &Moment<'_>,
    ) -> Result<Vec<HazardEvent>, HazardRefusal> {
        decide::decide(state, command, facts, moment)
    }

    fn evolve(mut state: State, event: &HazardEvent, recorded: &Recorded) -> State {
        match event {
            HazardEvent::Reported(report) => {
                state.status = Status::Reported;
                state.report = Some(report.clone());
                state.reported_at = recorded.position;
                state.stream = Some(recorded.stream);
            }
            HazardEvent::Verified(verified) => {
                state.status = Status::Verified;
                state.criterion.clone_from(&verified.criterion);
                stand(&mut state, verified.found_on, recorded);
            }
            HazardEvent::Dismissed(_) => state.status = Status::Dismissed,
            HazardEvent::Served(serve) => state.unacknowledged.served(serve),
            HazardEvent::Assigned(assigned) => assign(&mut state, assigned, recorded),
            HazardEvent::Planned(_) => {
                state.planned = true;
                state.aim_at = Some(recorded.position);
            }
            HazardEvent::Committed(text) => commit(&mut state, text.element, recorded),
            HazardEvent::Evidenced(text) => raise(&mut state, text.element, Stage::Evidenced),
            HazardEvent::Confirmed(only) => raise(&mut state, only.element, Stage::Confirmed),
            HazardEvent::Rectified(rectified) => rectify(&mut state, rectified, recorded),
            HazardEvent::Reviewed(reviewed) => review(&mut state, reviewed, recorded),
            HazardEvent::Closed(_) => {
                state.status = Status::Closed;
                leave(&mut state, recorded, Some(recorded.position));
            }
            HazardEvent::Reopened(_) => {
                reopen(&mut state);
                stand(&mut state, recorded.at.day(), recorded);
            }
            HazardEvent::Extended(extended) => {
                state.due = Some(extended.until);
                state.due_at = Some(recorded.position);
                state.missed.remove("rectify");
                state.request = None;
            }
            HazardEvent::ExtensionRequested(requested) => {
                state.request = Some(requested.clone());
                state.missed.remove("decide_extension");
            }
            HazardEvent::ExtensionRefused(_) => state.request = None,
            HazardEvent::ProductionSuspended(_) => state.suspended = true,
            HazardEvent::ProductionResumed(_) => state.suspended = false,
            HazardEvent::Listed(listed) => list(&mut state, listed),
            HazardEvent::Delisted(delisted) => delist(&mut state, delisted),
            HazardEvent::Published(published) => publish(&mut state, published),
            HazardEvent::Escalated(escalate) => state.step = Some(escalate.step),
            HazardEvent::Relieved(_) => {
                state.relief_decided = true;
                state.relieved = true;
            }
            HazardEvent::ReliefRefused(_) => state.relief_decided = true,
            HazardEvent::Penalised(penalised) => penalise(&mut state, penalised),
            HazardEvent::Merged(_) => {
                state.status = Status::Merged;
                leave(&mut state, recorded, None);
            }
            HazardEvent::Overdue(overdue) => {
                state.called_for = overdue.calls_for.or(state.called_for);
                state.missed.insert(overdue.clock.clone(), recorded.position);
            }
            HazardEvent::Acknowledged(said) => state.unacknowledged.acknowledged(said),
        }
        state
    }
}

/// A major hazard exists from this day on.
fn stand(state: &mut State, from: Day, recorded: &Recorded) {
    if state.criterion.is_some() {
        state.stood.push(Stood { since: recorded.position, from, until: None, struck_off: None });
    }
}

fn leave(state: &mut State, recorded: &Recorded, struck_off: Option<Position>) {
    if let Some(stood) = state.stood.last_mut().filter(|stood| stood.until.is_none()) {
        stood.until = Some(recorded.at.day());
        stood.struck_off = struck_off;
    }
}

fn raise(state: &mut State, element: Element, stage: Stage) {
    state.five.insert(element, stage);
}

fn commit(state: &mut State, element: Element, recorded: &Recorded) {
    raise(state, element, Stage::Committed);
    if element == Element::Measures {
        state.measures_at = Some(recorded.position);
    }
}

fn rectify(state: &mut State, rectified: &Rectified, recorded: &Recorded) {
    state.status = Status::Rectified;
    state.rectified_by.extend(&recorded.by);
    state.rectified = Some((recorded.position, recorded.at.day()));
    state.review_due = rectified.review_due;
    state.missed.remove("review");
    // What is mended needs no later day.
    state.request = None;
}

fn review(state: &mut State, review: &Review, recorded: &Recorded) {
    state.status = if review.passed { Status::Passed } else { Status::Assigned };
    state.reviewed_by.extend(&recorded.by);
    state.review_due = None;
    if !review.passed {
        state.rectified = None;
    }
    if let Some(due) = review.due {
        state.due = Some(due);
        state.due_at = Some(recorded.position);
        state.missed.remove("rectify");
    }
}

fn assign(state: &mut State, assigned: &Assigned, recorded: &Recorded) {
    state.status = Status::Assigned;
    state.due = Some(assigned.assign.due);
    state.due_at = Some(recorded.position);
    state.latest = Some(assigned.latest);
    for clock in ["rectify", "review"] {
        state.missed.remove(clock);
    }
}

fn list(state: &mut State, listed: &Listed) {
    state.listed = true;
    state.list = Some(listed.list.clone());
    state.listing_due = listed.publish_due;
    state.extension_notice_days = listed.extension_notice_days;
    state.missed.remove("publish_listing");
}

fn delist(state: &mut State, delisted: &Delisted) {
    state.listed = false;
    state.delisting_due = delisted.publish_due;
    state.extension_notice_days = None;
    state.missed.remove("publish_delisting");
}

fn penalise(state: &mut State, penalised: &Penalised) {
    let decision = penalised.penalise.decision.to_string();
    if penalised.publish_due.is_some() && !penalised.waits {
        state.on_the_clock = Some(decision.clone());
    }
    state.unpublished.push((decision.clone(), penalised.publish_due));
    state.decisions.insert(decision);
}

fn publish(state: &mut State, published: &PublishedAt) {
    match &published.publish.published {
        Published::Penalty { decision } => {
            state.unpublished.retain(|(waiting, _)| waiting != decision.as_str());
            if published.beside {
                return;
            }
            let next = state.unpublished.iter().find(|(_, due)| due.is_some() && *due == published.next_due);
            state.on_the_clock = next.map(|(decision, _)| decision.clone());
        }
        Published::Listing => state.listing_due = None,
        Published::Delisting => state.delisting_due = None,
    }
    state.missed.remove(published.publish.published.clock());
}

/// A reopened hazard is verified again in effect: it waits for a new assignment, and its five elements begin anew.
fn reopen(state: &mut State) {
    state.status = Status::Verified;
    state.five.clear();
    state.planned = false;
    state.aim_at = None;
    state.measures_at = None;
    state.rectified = None;
    state.rectified_by.clear();
    state.reviewed_by.clear();
    state.due = None;
    state.due_at = None;
    state.latest = None;
    state.review_due = None;
}
