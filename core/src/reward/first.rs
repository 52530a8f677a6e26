//! Who was the first: of several reports of one matter, the one that stands first in the log gets the reward
//! (安监总财〔2018〕19号, art. 12).

use serde::{Deserialize, Serialize};

use crate::id::StreamId;
use crate::report::{Finding, Status};
use crate::units::Position;

/// A report whose verification names the matter, as far as it bears on who was the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub report: StreamId,
    /// Where it was *reported*; verifications may have come in another order.
    pub reported_at: Position,
    pub status: Status,
    pub finding: Finding,
    /// A reward for it was denied, so whoever reported it is not in the way of the next.
    pub denied: bool,
}

/// A report of the matter and where it was reported, as the basis of an assessment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SameMatter {
    pub report: StreamId,
    pub reported_at: Position,
}

impl Candidate {
    /// Declined, transferred, found not to be true, or denied a reward: such a report takes no place in the order.
    fn counts(&self) -> bool {
        let ours = match self.status {
            Status::Absent | Status::Declined | Status::Transferred => false,
            Status::Reported
            | Status::Accepted
            | Status::Verified
            | Status::Handled
            | Status::Answered
            | Status::Closed => true,
        };
        let holds = match self.finding {
            Finding::Substantiated | Finding::Partly => true,
            Finding::NotSubstantiated => false,
        };
        ours && holds && !self.denied
    }
}

/// The valid reports of the matter in the order of the log.
///
/// A report that is not verified yet is none of them: until its verification names the matter, nobody knows that it is
/// about this one. If it turns out to be the earlier one before the reward is approved, the approval is refused; once the
/// reward was approved, it stays with whom it was approved for.
pub(super) fn in_order(candidates: &[Candidate]) -> Vec<SameMatter> {
    let valid = candidates.iter().filter(|candidate| candidate.counts());
    let mut order: Vec<SameMatter> =
        valid.map(|one| SameMatter { report: one.report, reported_at: one.reported_at }).collect();
    order.sort_unstable_by_key(|one| one.reported_at);
    order
}
