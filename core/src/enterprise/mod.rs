//! The `enterprise` stream: who it is, who stands behind it, its licences, accidents, self-inspections, closure.

mod command;
mod event;
mod refusal;

pub use command::*;
pub(crate) use event::name_key;
pub use event::{AccidentRecorded, ClosurePetitioned, EnterpriseEvent};
pub use refusal::EnterpriseRefusal;

use crate::decider::{Decider, Moment, Recorded};
use crate::id::StreamId;
use crate::role::{Role, signed_by};
use crate::rules::closure::{ClosureFacts, Licence, closure};
use crate::rules::reward::Sector;
use crate::text::Long;
use crate::units::Day;

/// The decider of `enterprise` streams.
#[derive(Clone, Copy, Debug)]
pub struct EnterpriseDecider;

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Absent,
    Registered,
    /// The government was asked to close it.
    Petitioned,
    Closed,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub status: Status,
    pub licence: Option<Licence>,
    pub producing: bool,
    pub sector: Option<Sector>,
    /// Stopped after a fatal accident, until it is accepted that it goes on.
    pub suspended: bool,
    /// What is given for internal reports, while they are taken in.
    pub channel: Option<Long>,
}

impl State {
    /// It stands, and takes internal reports in.
    pub fn has_channel(&self) -> bool {
        stands(self).is_ok() && self.channel.is_some()
    }
}

/// What a decision reads in other streams.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The enterprise that a signing enterprise account acts for.
    pub acts_for: Option<StreamId>,
    /// Another enterprise has this name.
    pub name_taken: bool,
    /// Days on which a major hazard was found here.
    pub discoveries: Vec<Day>,
    /// Days of penalties here while a major hazard existed.
    pub penalties: Vec<Day>,
    /// Criterion items that are there again after they had been struck off.
    pub recurrences: Vec<String>,
    /// A major hazard is open here (一票否决).
    pub open_major_hazard: bool,
}

type Refused = EnterpriseRefusal;

fn need(holds: bool, refusal: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(refusal) }
}

/// It is registered and not closed.
fn stands(state: &State) -> Result<(), Refused> {
    match state.status {
        Status::Absent => Err(Refused::NotRegistered),
        Status::Closed => Err(Refused::Closed),
        Status::Registered | Status::Petitioned => Ok(()),
    }
}

fn register(
    state: &State,
    register: &Register,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<EnterpriseEvent, Refused> {
    need(state.status == Status::Absent, Refused::AlreadyRegistered)?;
    let entitled = signed_by(moment.by, Role::Clerk) || signed_by(moment.by, Role::Inspector);
    need(entitled, Refused::NeedsClerk)?;
    need(!facts.name_taken, Refused::NameTaken)?;
    Ok(EnterpriseEvent::Registered(register.clone()))
}

fn changed(state: &State, moment: &Moment<'_>, event: EnterpriseEvent) -> Result<EnterpriseEvent, Refused> {
    stands(state)?;
    let entitled = signed_by(moment.by, Role::Clerk) || signed_by(moment.by, Role::Inspector);
    need(entitled, Refused::NeedsClerk)?;
    Ok(event)
}

/// An open major hazard vetoes standardisation (industry, 8).
fn grade(
    state: &State,
    grade: &Grade,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<EnterpriseEvent, Refused> {
    stands(state)?;
    need(signed_by(moment.by, Role::Approver), Refused::NeedsApprover)?;
    need(grade.standardisation.is_none_or(|level| (1..=3).contains(&level)), Refused::NoSuchGrade)?;
    need(grade.standardisation.is_none() || !facts.open_major_hazard, Refused::MajorHazardOpen)?;
    Ok(EnterpriseEvent::Graded(grade.clone()))
}

fn record_accident(
    state: &State,
    accident: &RecordAccident,
    moment: &Moment<'_>,
) -> Result<EnterpriseEvent, Refused> {
    stands(state)?;
    need(signed_by(moment.by, Role::Inspector), Refused::NeedsInspector)?;
    need(accident.day <= moment.now.day(), Refused::InFuture)?;
    let rules = &moment.rules.accidents;
    let grade = rules.grade(accident.deaths, accident.seriously_injured, accident.direct_loss_yuan);
    // Plan, mines, 27: where somebody died in a mine.
    let suspends = accident.deaths > 0 && state.sector == Some(Sector::Mine);
    Ok(EnterpriseEvent::AccidentRecorded(AccidentRecorded { accident: accident.clone(), grade, suspends }))
}

/// An account of this enterprise signs.
fn by_itself(state: &State, own: StreamId, facts: &Facts, moment: &Moment<'_>) -> Result<(), Refused> {
    stands(state)?;
    need(signed_by(moment.by, Role::Enterprise), Refused::NeedsEnterprise)?;
    need(facts.acts_for == Some(own), Refused::NotOwnEnterprise)
}

fn open_channel(
    state: &State,
    open: &OpenChannel,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<EnterpriseEvent, Refused> {
    by_itself(state, open.enterprise, facts, moment)?;
    // Opened again with other words, it gives something else from here on.
    need(state.channel.as_ref() != Some(&open.rewards), Refused::ChannelOpen)?;
    Ok(EnterpriseEvent::ChannelOpened(open.clone()))
}

fn close_channel(
    state: &State,
    close: &CloseChannel,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<EnterpriseEvent, Refused> {
    by_itself(state, close.enterprise, facts, moment)?;
    need(state.channel.is_some(), Refused::ChannelNotOpen)?;
    Ok(EnterpriseEvent::ChannelClosed(close.clone()))
}

fn log_inspection(
    state: &State,
    log: &LogSelfInspection,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<EnterpriseEvent, Refused> {
    by_itself(state, log.enterprise, facts, moment)?;
    need(log.inspected_on <= moment.now.day(), Refused::InFuture)?;
    Ok(EnterpriseEvent::SelfInspectionLogged(log.clone()))
}

fn accept_resumption(
    state: &State,
    accept: &AcceptResumption,
    moment: &Moment<'_>,
) -> Result<EnterpriseEvent, Refused> {
    stands(state)?;
    need(signed_by(moment.by, Role::Approver), Refused::NeedsApprover)?;
    need(state.suspended, Refused::NotSuspended)?;
    Ok(EnterpriseEvent::ResumptionAccepted(accept.clone()))
}

fn petition(
    state: &State,
    petition: &PetitionClosure,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<EnterpriseEvent, Refused> {
    stands(state)?;
    need(state.status == Status::Registered, Refused::AlreadyPetitioned)?;
    need(signed_by(moment.by, Role::Approver), Refused::NeedsApprover)?;
    let basis = ClosureFacts {
        licence: state.licence.unwrap_or(Licence::Full),
        producing: state.producing,
        discoveries: facts.discoveries.clone(),
        penalties: facts.penalties.clone(),
        recurrences: facts.recurrences.clone(),
        on: moment.now.day(),
    };
    let result = closure(moment.rules, &basis);
    need(result.petition, Refused::NoGround)?;
    Ok(EnterpriseEvent::ClosurePetitioned(ClosurePetitioned {
        because: petition.because.clone(),
        grounds: result.grounds,
        facts: basis,
        rules: moment.rules.version().to_owned(),
    }))
}

fn close(state: &State, close: &CloseEnterprise, moment: &Moment<'_>) -> Result<EnterpriseEvent, Refused> {
    stands(state)?;
    need(signed_by(moment.by, Role::Approver), Refused::NeedsApprover)?;
    Ok(EnterpriseEvent::Closed(close.clone()))
}

impl Decider for EnterpriseDecider {
    type State = State;
    type Command = EnterpriseCommand;
    type Event = EnterpriseEvent;
    type Facts = Facts;
    type Rejection = EnterpriseRefusal;

    fn decide(
        state: &State,
        command: &EnterpriseCommand,
        facts: &Facts,
        moment: &Moment<'_>,
    ) -> Result<Vec<EnterpriseEvent>, Refused> {
        let event = match command {
            EnterpriseCommand::Register(command) => register(state, command, facts, moment),
            EnterpriseCommand::ChangeLicence(command) => {
                changed(state, moment, EnterpriseEvent::LicenceChanged(command.clone()))
            }
            EnterpriseCommand::ChangeController(command) => {
                changed(state, moment, EnterpriseEvent::ControllerChanged(command.clone()))
            }
            EnterpriseCommand::ChangeParent(command) => {
                changed(state, moment, EnterpriseEvent::ParentChanged(command.clone()))
            }
            EnterpriseCommand::ChangePrincipal(command) => {
                changed(state, moment, EnterpriseEvent::PrincipalChanged(command.clone()))
            }
            EnterpriseCommand::Grade(command) => grade(state, command, facts, moment),
            EnterpriseCommand::RecordAccident(command) => record_accident(state, command, moment),
            EnterpriseCommand::LogSelfInspection(command) => log_inspection(state, command, facts, moment),
            EnterpriseCommand::OpenChannel(command) => open_channel(state, command, facts, moment),
            EnterpriseCommand::CloseChannel(command) => close_channel(state, command, facts, moment),
            EnterpriseCommand::AcceptResumption(command) => accept_resumption(state, command, moment),
            EnterpriseCommand::PetitionClosure(command) => petition(state, command, facts, moment),
            EnterpriseCommand::Close(command) => close(state, command, moment),
        };
        event.map(|event| vec![event])
    }

    fn evolve(mut state: State, event: &EnterpriseEvent, _: &Recorded) -> State {
        match event {
            EnterpriseEvent::Registered(register) => {
                state.status = Status::Registered;
                state.licence = Some(register.licence);
                state.producing = register.producing;
                state.sector = Some(register.sector);
            }
            EnterpriseEvent::LicenceChanged(change) => {
                state.licence = Some(change.licence);
                state.producing = change.producing;
            }
            EnterpriseEvent::AccidentRecorded(recorded) => state.suspended |= recorded.suspends,
            EnterpriseEvent::ChannelOpened(open) => state.channel = Some(open.rewards.clone()),
            EnterpriseEvent::ChannelClosed(_) => state.channel = None,
            EnterpriseEvent::ResumptionAccepted(_) => state.suspended = false,
            EnterpriseEvent::ClosurePetitioned(_) => state.status = Status::Petitioned,
            EnterpriseEvent::Closed(_) => {
                state.status = Status::Closed;
                state.producing = false;
            }
            EnterpriseEvent::ControllerChanged(_)
            | EnterpriseEvent::ParentChanged(_)
            | EnterpriseEvent::PrincipalChanged(_)
            | EnterpriseEvent::Graded(_)
            | EnterpriseEvent::SelfInspectionLogged(_) => {}
        }
        state
    }
}
