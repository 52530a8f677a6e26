//! The `inspection` stream: a plan sealed in the morning, then what was done, found and enforced.

mod command;
mod event;
mod refusal;

pub use command::*;
pub use event::{FindingRecorded, InspectionEvent, Opened};
pub use refusal::InspectionRefusal;

use crate::decider::{Decider, Moment, Recorded};
use crate::id::{ActorId, StreamId};
use crate::ledger::vkey::{hex, is_hash};
use crate::role::{Role, actors_with, signed_by_two};
use crate::units::{Day, Position};

/// The decider of `inspection` streams.
#[derive(Clone, Copy, Debug)]
pub struct InspectionDecider;

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Absent,
    /// A plan is committed to and not yet shown.
    Sealed,
    /// The plan was shown to have named nobody, or nobody any more.
    Lapsed,
    /// Under way.
    Performed,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub status: Status,
    pub commitment: Option<String>,
    pub sealed_on: Option<Day>,
    pub sealed_at: Option<Position>,
    pub opened: bool,
    pub enterprise: Option<StreamId>,
    /// Who was there.
    pub inspectors: Vec<ActorId>,
    pub findings: u32,
    pub nothing_found: bool,
}

/// What a decision reads elsewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The stream that a finding's hazard gets.
    pub hazard: Option<StreamId>,
    /// The enterprise that a visit names is registered and not closed.
    pub enterprise_stands: bool,
}

/// The commitment to a plan: BLAKE3 over `adit.v1 plan`, the salt, the enterprise (or `-`), scope and day, one a line.
/// The salt keeps it from being guessed.
pub fn commitment(salt: &str, enterprise: Option<&StreamId>, scope: &str, day: Day) -> String {
    let enterprise = enterprise.map_or_else(|| "-".to_owned(), StreamId::to_string);
    let text = format!("adit.v1 plan\n{salt}\n{enterprise}\n{scope}\n{day}\n");
    hex(blake3::hash(text.as_bytes()).as_bytes())
}

/// Days within which a sealed plan is opened or lapses (formats: 7 days).
const OPEN_WITHIN_DAYS: i64 = 7;

/// The last day on which a plan that was sealed on `sealed_on` can be opened.
pub fn open_by(sealed_on: Day) -> Day {
    sealed_on.plus_days(OPEN_WITHIN_DAYS)
}

type Refused = InspectionRefusal;

fn need(holds: bool, refusal: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn seal(state: &State, seal: &Seal) -> Result<InspectionEvent, Refused> {
    need(state.status == Status::Absent, Refused::AlreadyBegun)?;
    need(is_hash(&seal.commitment), Refused::NoCommitment)?;
    Ok(InspectionEvent::Sealed(seal.clone()))
}

fn open(state: &State, open: &Open, moment: &Moment<'_>) -> Result<InspectionEvent, Refused> {
    need(state.status == Status::Sealed, Refused::NotSealed)?;
    let (Some(day), Some(kept), Some(position)) = (state.sealed_on, &state.commitment, state.sealed_at)
    else {
        return Err(Refused::NotSealed);
    };
    need(moment.now.day() <= open_by(day), Refused::TooLate)?;
    let shown = commitment(&open.salt, open.enterprise.as_ref(), open.scope.as_str(), day);
    need(shown == *kept, Refused::OtherPlan)?;
    Ok(match open.enterprise {
        Some(enterprise) => {
            InspectionEvent::Opened(Opened { enterprise, open: open.clone(), sealed_at: position })
        }
        None => InspectionEvent::Lapsed(open.clone()),
    })
}

fn perform(
    state: &State,
    perform: &Perform,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<InspectionEvent, Refused> {
    match state.status {
        Status::Absent => {}
        Status::Sealed => {
            need(state.opened && state.enterprise == Some(perform.enterprise), Refused::OtherPlan)?;
        }
        Status::Lapsed | Status::Performed => return Err(Refused::AlreadyBegun),
    }
    need(facts.enterprise_stands, Refused::UnknownEnterprise)?;
    need(perform.day <= moment.now.day(), Refused::InFuture)?;
    Ok(InspectionEvent::Performed(perform.clone()))
}

/// What was found and done there is signed by those who were there (谁检查、谁签名、谁负责; plan, mines, 36).
fn under_way(state: &State, moment: &Moment<'_>) -> Result<StreamId, Refused> {
    match (state.status, state.enterprise) {
        (Status::Performed, Some(enterprise)) => {
            let there = actors_with(moment.by, Role::Inspector);
            let there = there.iter().filter(|actor| state.inspectors.contains(actor)).count();
            need(there >= 2, Refused::NotWhoInspected)?;
            Ok(enterprise)
        }
        (Status::Absent | Status::Sealed | Status::Lapsed | Status::Performed, _) => {
            Err(Refused::NotPerformed)
        }
    }
}

fn finding(
    state: &State,
    finding: &RecordFinding,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<InspectionEvent, Refused> {
    let enterprise = under_way(state, moment)?;
    need(!state.nothing_found, Refused::NothingFoundSaid)?;
    let hazard = facts.hazard.ok_or(Refused::NotPerformed)?;
    Ok(InspectionEvent::FindingRecorded(FindingRecorded { enterprise, hazard, finding: finding.clone() }))
}

fn nothing(state: &State, nothing: &NothingFound, moment: &Moment<'_>) -> Result<InspectionEvent, Refused> {
    under_way(state, moment)?;
    need(state.findings == 0, Refused::FindingsRecorded)?;
    need(!state.nothing_found, Refused::NothingFoundSaid)?;
    Ok(InspectionEvent::NothingFound(nothing.clone()))
}

fn enforce(state: &State, enforce: &Enforce, moment: &Moment<'_>) -> Result<InspectionEvent, Refused> {
    under_way(state, moment)?;
    Ok(InspectionEvent::EnforcementTaken(enforce.clone()))
}

impl Decider for InspectionDecider {
    type State = State;
    type Command = InspectionCommand;
    type Event = InspectionEvent;
    type Facts = Facts;
    type Rejection = InspectionRefusal;

    fn decide(
        state: &State,
        command: &InspectionCommand,
        facts: &Facts,
        moment: &Moment<'_>,
    ) -> Result<Vec<InspectionEvent>, Refused> {
        need(signed_by_two(moment.by, Role::Inspector), Refused::NeedsTwoInspectors)?;
        let event = match command {
            InspectionCommand::Seal(command) => seal(state, command),
            InspectionCommand::Open(command) => open(state, command, moment),
            InspectionCommand::Perform(command) => perform(state, command, facts, moment),
            InspectionCommand::RecordFinding(command) => finding(state, command, facts, moment),
            InspectionCommand::NothingFound(command) => nothing(state, command, moment),
            InspectionCommand::Enforce(command) => enforce(state, command, moment),
        };
        event.map(|event| vec![event])
    }

    fn evolve(mut state: State, event: &InspectionEvent, recorded: &Recorded) -> State {
        match event {
            InspectionEvent::Sealed(seal) => {
                state.status = Status::Sealed;
                state.commitment = Some(seal.commitment.clone());
                state.sealed_on = Some(recorded.at.day());
                state.sealed_at = Some(recorded.position);
            }
            InspectionEvent::Opened(opened) => {
                state.opened = true;
                state.enterprise = Some(opened.enterprise);
            }
            InspectionEvent::Lapsed(_) => state.status = Status::Lapsed,
            InspectionEvent::Performed(perform) => {
                state.status = Status::Performed;
                state.enterprise = Some(perform.enterprise);
                state.inspectors.clone_from(&recorded.by);
            }
            InspectionEvent::FindingRecorded(_) => state.findings += 1,
            InspectionEvent::NothingFound(_) => state.nothing_found = true,
            InspectionEvent::EnforcementTaken(_) => {}
        }
        state
    }
}
