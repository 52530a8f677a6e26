//! What a decision on an internal report reads elsewhere: the enterprise's channel, who acts for it, and the hazard that it names.

use crate::concern::{self, ConcernCommand, ConcernDecider};
use crate::enterprise::EnterpriseDecider;
use crate::hazard::{HazardDecider, Origin};
use crate::id::{StreamId, StreamKind};

use super::{Gather, Gathered};
use crate::office::{ExecuteError, Moment, Office};

impl Gather for ConcernDecider {
    /// A worker's words rest on the channel, what the enterprise does on who acts for it, and a hazard that is named on who entered it.
    fn gather(
        office: &Office,
        _: StreamId,
        _: &concern::State,
        command: &ConcernCommand,
        moment: &Moment,
    ) -> Result<Gathered<concern::Facts>, ExecuteError> {
        let Gathered { facts: acts_for, mut reads } = office.acts_for(moment)?;
        let mut facts = concern::Facts { acts_for, ..Default::default() };
        match command {
            ConcernCommand::Raise(raise) if raise.enterprise.kind == StreamKind::Enterprise => {
                let (enterprise, read) = office.load::<EnterpriseDecider>(raise.enterprise)?;
                facts.channel_open = enterprise.has_channel();
                reads.push(read);
            }
            ConcernCommand::TakeUp(take_up) if take_up.hazard.kind == StreamKind::Hazard => {
                let (hazard, read) = office.load::<HazardDecider>(take_up.hazard)?;
                let own = hazard.report.filter(|report| report.origin == Origin::SelfInspection);
                facts.hazard_of = own.map(|report| report.enterprise);
                reads.push(read);
            }
            ConcernCommand::Raise(_)
            | ConcernCommand::TakeUp(_)
            | ConcernCommand::Write(_)
            | ConcernCommand::Answer(_)
            | ConcernCommand::Decline(_)
            | ConcernCommand::Reward(_)
            | ConcernCommand::Claim(_)
            | ConcernCommand::HandOver(_) => {}
        }
        Ok(Gathered { facts, reads })
    }
}
