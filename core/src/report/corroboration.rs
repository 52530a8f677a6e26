//! Several reports of one matter (举报的印证): a later report corroborates the first one, and each keeps its place in the order.
//!
//! Nothing is merged. The later report has its own stream, clocks, answer and position; if the first one turns out not to hold, the next
//! one is the first (see [`crate::reward::Candidate`]). Whom the first reporter excludes is excluded from the later report too, which from
//! then on names the first.

use std::collections::BTreeSet;

use super::command::{Because, Corroborate};
use super::event::{Corroborated, ReportEvent};
use super::{Decision, Facts, Refused, State, Status, live, need};
use crate::decider::Moment;
use crate::id::{ActorId, StreamId};
use crate::role::{Party, Role, signed_by};
use crate::units::Position;

/// The report that was there first, as far as a later one may corroborate it.
#[derive(Clone, Debug, PartialEq)]
pub struct First {
    pub reported_at: Position,
    pub status: Status,
    pub excluded: BTreeSet<ActorId>,
    /// It corroborates another one itself.
    pub corroborates: Option<StreamId>,
}

/// Index key of the reports that corroborate one.
pub(crate) fn corroboration_key(first: &StreamId) -> String {
    format!("corroborates/{first}")
}

fn by_office(moment: &Moment<'_>) -> Result<(), Refused> {
    let may = signed_by(moment.by, Role::Clerk) || signed_by(moment.by, Role::Handler);
    need(may, Refused::NeedsClerkOrHandler)
}

/// To an officer whom its reporter excludes, the first report is not there.
fn is_there(first: &First, moment: &Moment<'_>) -> bool {
    let kept_from = moment.by.iter().filter_map(Party::actor).any(|actor| first.excluded.contains(&actor));
    let ours = match first.status {
        Status::Absent | Status::Declined | Status::Transferred => false,
        Status::Reported
        | Status::Accepted
        | Status::Verified
        | Status::Handled
        | Status::Answered
        | Status::Closed => true,
    };
    ours && !kept_from
}

pub(super) fn corroborate(
    state: &State,
    corroborate: &Corroborate,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Decision {
    live(state)?;
    by_office(moment)?;
    let first = facts.first.as_ref().filter(|first| is_there(first, moment)).ok_or(Refused::NoSuchReport)?;
    need(first.reported_at < facts.reported_at, Refused::NotEarlier)?;
    // One report is the first of all that belong together, so that their order can be read off.
    need(first.corroborates.is_none(), Refused::NotTheFirst)?;
    need(!facts.is_corroborated, Refused::IsCorroborated)?;
    need(state.corroborates != Some(corroborate.report), Refused::CorroboratesAlready)?;
    Ok(ReportEvent::Corroborated(Corroborated {
        corroborate: corroborate.clone(),
        first_reported_at: first.reported_at,
        reported_at: facts.reported_at,
        excluded: first.excluded.iter().copied().collect(),
    }))
}

/// It was another matter after all. Whoever was excluded stays so: what they would have read meanwhile names both.
pub(super) fn separate(state: &State, because: &Because, moment: &Moment<'_>) -> Decision {
    live(state)?;
    by_office(moment)?;
    need(state.corroborates.is_some(), Refused::CorroboratesNothing)?;
    Ok(ReportEvent::Separated(because.clone()))
}
