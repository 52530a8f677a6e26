//! Where a hazard stands after an event: the one line of its life, shared by the read models that show it.

use adit_core::hazard::{HazardEvent, Status};

/// The status of a hazard for which something is still to be done; those that were closed, dismissed or merged are most of them.
pub(crate) fn waits(status: Status) -> Option<Status> {
    match status {
        Status::Reported | Status::Verified | Status::Assigned | Status::Rectified | Status::Passed => {
            Some(status)
        }
        Status::Absent | Status::Dismissed | Status::Closed | Status::Merged => None,
    }
}

/// The status after `event`, which is the one before it for everything beside the line.
pub(crate) fn status_after(before: Status, event: &HazardEvent) -> Status {
    match event {
        HazardEvent::Reported(_) => Status::Reported,
        // A reopened hazard is verified already and waits for a new assignment.
        HazardEvent::Verified(_) | HazardEvent::Reopened(_) => Status::Verified,
        HazardEvent::Dismissed(_) => Status::Dismissed,
        HazardEvent::Rectified(_) => Status::Rectified,
        HazardEvent::Reviewed(review) if review.passed => Status::Passed,
        // A failed review sends it back to be mended.
        HazardEvent::Assigned(_) | HazardEvent::Reviewed(_) => Status::Assigned,
        HazardEvent::Closed(_) => Status::Closed,
        HazardEvent::Merged(_) => Status::Merged,
        HazardEvent::Served(_)
        | HazardEvent::Acknowledged(_)
        | HazardEvent::Planned(_)
        | HazardEvent::Published(_)
        | HazardEvent::Committed(_)
        | HazardEvent::Evidenced(_)
        | HazardEvent::Confirmed(_)
        | HazardEvent::Extended(_)
        | HazardEvent::ExtensionRequested(_)
        | HazardEvent::ExtensionRefused(_)
        | HazardEvent::ProductionSuspended(_)
        | HazardEvent::ProductionResumed(_)
        | HazardEvent::Listed(_)
        | HazardEvent::Delisted(_)
        | HazardEvent::Escalated(_)
        | HazardEvent::Penalised(_)
        | HazardEvent::Relieved(_)
        | HazardEvent::ReliefRefused(_)
        | HazardEvent::Overdue(_) => before,
    }
}
