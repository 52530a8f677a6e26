//! The `inquiry` stream (倒查追责): from opening a trace on hazards to what each post answers for.
//!
//! ```text
//! (nothing) -> opened -> trace attached, findings, proposals … -> concluded
//! ```

mod command;
mod event;
mod refusal;

use std::collections::BTreeSet;

pub use command::*;
pub use event::InquiryEvent;
pub use refusal::InquiryRefusal;

use crate::decider::{Decider, Moment, Recorded};
use crate::id::{ActorId, StreamId, StreamKind};
use crate::ledger::vkey::is_hash;
use crate::role::{Role, actors_with, signed_by};
use crate::units::Position;

/// The decider of `inquiry` streams.
#[derive(Clone, Copy, Debug)]
pub struct InquiryDecider;

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Absent,
    Opened,
    Concluded,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub status: Status,
    pub hazards: BTreeSet<StreamId>,
    /// Who investigates; none of them concludes.
    pub investigators: BTreeSet<ActorId>,
    pub findings: u32,
    pub proposals: u32,
}

/// What a decision reads elsewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Every hazard that is named stands in the log.
    pub hazards_stand: bool,
    /// How many entries the log had.
    pub size: u64,
}

type Refused = InquiryRefusal;

fn need(holds: bool, refusal: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn open(state: &State, open: &Open, facts: &Facts, moment: &Moment<'_>) -> Result<InquiryEvent, Refused> {
    need(state.status == Status::Absent, Refused::AlreadyOpened)?;
    need(signed_by(moment.by, Role::Investigator), Refused::NeedsInvestigator)?;
    let hazards: BTreeSet<StreamId> = open.hazards.iter().copied().collect();
    need(!hazards.is_empty() && hazards.len() == open.hazards.len(), Refused::NoHazard)?;
    let known = hazards.iter().all(|hazard| hazard.kind == StreamKind::Hazard) && facts.hazards_stand;
    need(known, Refused::UnknownHazard)?;
    Ok(InquiryEvent::Opened(open.clone()))
}

fn under_way(state: &State, moment: &Moment<'_>) -> Result<(), Refused> {
    match state.status {
        Status::Absent => return Err(Refused::NotOpened),
        Status::Concluded => return Err(Refused::Concluded),
        Status::Opened => {}
    }
    need(signed_by(moment.by, Role::Investigator), Refused::NeedsInvestigator)
}

fn attach(
    state: &State,
    trace: &AttachTrace,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<InquiryEvent, Refused> {
    under_way(state, moment)?;
    need(state.hazards.contains(&trace.hazard), Refused::OtherHazard)?;
    need(is_hash(&trace.hash), Refused::BadHash)?;
    need(trace.as_of < Position(facts.size), Refused::NoSuchEntry)?;
    Ok(InquiryEvent::TraceAttached(trace.clone()))
}

/// A finding names the entries that prove it.
fn finding(
    state: &State,
    finding: &RecordFinding,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<InquiryEvent, Refused> {
    under_way(state, moment)?;
    need(!finding.proof.is_empty(), Refused::NoProof)?;
    need(finding.proof.iter().all(|position| *position < Position(facts.size)), Refused::NoSuchEntry)?;
    Ok(InquiryEvent::FindingRecorded(finding.clone()))
}

fn propose(
    state: &State,
    propose: &ProposeResponsibility,
    moment: &Moment<'_>,
) -> Result<InquiryEvent, Refused> {
    under_way(state, moment)?;
    need(state.findings > 0, Refused::NoFinding)?;
    Ok(InquiryEvent::ResponsibilityProposed(propose.clone()))
}

/// Concluded by an approver who did not investigate.
fn conclude(state: &State, conclude: &Conclude, moment: &Moment<'_>) -> Result<InquiryEvent, Refused> {
    match state.status {
        Status::Absent => return Err(Refused::NotOpened),
        Status::Concluded => return Err(Refused::Concluded),
        Status::Opened => {}
    }
    let approvers = actors_with(moment.by, Role::Approver);
    need(!approvers.is_empty(), Refused::NeedsApprover)?;
    let other = approvers.iter().any(|actor| !state.investigators.contains(actor));
    need(other, Refused::InvestigatorConcludes)?;
    need(state.findings > 0, Refused::NoFinding)?;
    need(conclude.nobody_responsible == (state.proposals == 0), Refused::ProposalsContradict)?;
    Ok(InquiryEvent::Concluded(conclude.clone()))
}

impl Decider for InquiryDecider {
    type State = State;
    type Command = InquiryCommand;
    type Event = InquiryEvent;
    type Facts = Facts;
    type Rejection = InquiryRefusal;

    fn decide(
        state: &State,
        command: &InquiryCommand,
        facts: &Facts,
        moment: &Moment<'_>,
    ) -> Result<Vec<InquiryEvent>, Refused> {
        let event = match command {
            InquiryCommand::Open(command) => open(state, command, facts, moment),
            InquiryCommand::AttachTrace(command) => attach(state, command, facts, moment),
            InquiryCommand::RecordFinding(command) => finding(state, command, facts, moment),
            InquiryCommand::ProposeResponsibility(command) => propose(state, command, moment),
            InquiryCommand::Conclude(command) => conclude(state, command, moment),
        };
        event.map(|event| vec![event])
    }

    fn evolve(mut state: State, event: &InquiryEvent, recorded: &Recorded) -> State {
        match event {
            InquiryEvent::Opened(opened) => {
                state.status = Status::Opened;
                state.hazards.extend(&opened.hazards);
            }
            InquiryEvent::TraceAttached(_) => {}
            InquiryEvent::FindingRecorded(_) => state.findings += 1,
            InquiryEvent::ResponsibilityProposed(_) => state.proposals += 1,
            InquiryEvent::Concluded(_) => {
                state.status = Status::Concluded;
                return state;
            }
        }
        state.investigators.extend(&recorded.by);
        state
    }
}
