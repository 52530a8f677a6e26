//! What comes next for a hazard: what is lawful now, and waits for whoever does it.

use adit_core::hazard::{HazardEvent, Status};
use adit_core::rules::Rules;
use adit_core::rules::five_in_place::{Element, Stage};
use serde::{Deserialize, Serialize};

use crate::ask::Grade;
use crate::standing::status_after;

/// What can be done with a hazard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    Verify,
    /// Principal and actual controller of a major hazard were told nothing yet.
    Serve,
    Assign,
    /// The plan of what is to be mended.
    Plan,
    /// One of the five, where others are shown already and the plan can't be made as a whole any more.
    Commit,
    Evidence,
    Rectify,
    /// Something of the five is shown, and no inspector has confirmed it.
    Confirm,
    Review,
    Close,
    /// Production was suspended, and nothing is left to mend.
    Resume,
}

impl Next {
    pub const ALL: [Self; 11] = [
        Self::Verify,
        Self::Serve,
        Self::Assign,
        Self::Plan,
        Self::Commit,
        Self::Evidence,
        Self::Rectify,
        Self::Confirm,
        Self::Review,
        Self::Close,
        Self::Resume,
    ];

    /// What is done in several states.
    pub(crate) const BESIDE: [Self; 3] = [Self::Serve, Self::Confirm, Self::Resume];

    /// The status in which it is done; none for what is done in several.
    pub(crate) fn status(self) -> Option<Status> {
        match self {
            Self::Verify => Some(Status::Reported),
            Self::Assign => Some(Status::Verified),
            Self::Plan | Self::Commit | Self::Evidence | Self::Rectify => Some(Status::Assigned),
            Self::Review => Some(Status::Rectified),
            Self::Close => Some(Status::Passed),
            Self::Serve | Self::Confirm | Self::Resume => None,
        }
    }
}

/// What decides on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stands {
    pub(crate) status: Status,
    /// None while it is not verified.
    pub(crate) grade: Option<Grade>,
    pub(crate) suspended: bool,
    served: bool,
    /// Where each of the five stands.
    five: [Stage; 5],
}

impl Stands {
    pub(crate) fn reported() -> Self {
        Self {
            status: Status::Reported,
            grade: None,
            suspended: false,
            served: false,
            five: [Stage::Missing; 5],
        }
    }

    /// Everything that waits, by these rules.
    pub(crate) fn next(&self, rules: &Rules) -> Vec<Next> {
        Next::ALL.into_iter().filter(|next| self.waits_for(*next, rules)).collect()
    }

    /// Whether this waits, by these rules.
    pub(crate) fn waits_for(&self, next: Next, rules: &Rules) -> bool {
        self.waits(next, rules.five.are_asked_for(self.grade == Some(Grade::Major)))
    }

    /// Whether this may wait, whatever the rules ask for.
    pub(crate) fn may_wait_for(&self, next: Next) -> bool {
        self.waits(next, true)
    }

    fn waits(&self, next: Next, asks_for_five: bool) -> bool {
        let all = |stage: Stage| self.five.iter().all(|one| *one >= stage);
        let any = |stage: Stage| self.five.iter().any(|one| *one >= stage);
        if next.status().is_some_and(|status| status != self.status) {
            return false;
        }
        match next {
            Next::Verify | Next::Assign | Next::Review => true,
            Next::Serve => self.is_on_the_list() && self.grade == Some(Grade::Major) && !self.served,
            Next::Plan => asks_for_five && !all(Stage::Committed) && !any(Stage::Evidenced),
            Next::Commit => asks_for_five && !all(Stage::Committed) && any(Stage::Evidenced),
            Next::Evidence => asks_for_five && all(Stage::Committed) && !all(Stage::Evidenced),
            Next::Rectify => !asks_for_five || all(Stage::Evidenced),
            Next::Confirm => asks_for_five && self.is_on_the_list() && self.five.contains(&Stage::Evidenced),
            Next::Close => !asks_for_five || all(Stage::Confirmed),
            Next::Resume => self.suspended && self.has_nothing_to_mend(),
        }
    }

    /// Verified, and not done with.
    fn is_on_the_list(&self) -> bool {
        match self.status {
            Status::Verified | Status::Assigned | Status::Rectified | Status::Passed => true,
            Status::Absent | Status::Reported | Status::Dismissed | Status::Closed | Status::Merged => false,
        }
    }

    fn has_nothing_to_mend(&self) -> bool {
        match self.status {
            Status::Passed | Status::Closed | Status::Dismissed | Status::Merged => true,
            Status::Absent | Status::Reported | Status::Verified | Status::Assigned | Status::Rectified => {
                false
            }
        }
    }

    pub(crate) fn apply(&mut self, event: &HazardEvent) {
        self.status = status_after(self.status, event);
        match event {
            HazardEvent::Verified(verified) => {
                let major = verified.criterion.is_some();
                self.grade = Some(if major { Grade::Major } else { Grade::General });
            }
            HazardEvent::Served(_) => self.served = true,
            HazardEvent::Committed(said) => self.put(said.element, Stage::Committed),
            HazardEvent::Evidenced(shown) => self.put(shown.element, Stage::Evidenced),
            HazardEvent::Confirmed(only) => self.put(only.element, Stage::Confirmed),
            HazardEvent::Reopened(_) => self.five = [Stage::Missing; 5],
            HazardEvent::ProductionSuspended(_) => self.suspended = true,
            HazardEvent::ProductionResumed(_) => self.suspended = false,
            HazardEvent::Reported(_)
            | HazardEvent::Dismissed(_)
            | HazardEvent::Acknowledged(_)
            | HazardEvent::Assigned(_)
            | HazardEvent::Planned(_)
            | HazardEvent::Rectified(_)
            | HazardEvent::Reviewed(_)
            | HazardEvent::Closed(_)
            | HazardEvent::Merged(_)
            | HazardEvent::Extended(_)
            | HazardEvent::ExtensionRequested(_)
            | HazardEvent::ExtensionRefused(_)
            | HazardEvent::Listed(_)
            | HazardEvent::Delisted(_)
            | HazardEvent::Escalated(_)
            | HazardEvent::Penalised(_)
            | HazardEvent::Published(_)
            | HazardEvent::Relieved(_)
            | HazardEvent::ReliefRefused(_)
            | HazardEvent::Overdue(_) => {}
        }
    }

    fn put(&mut self, element: Element, stage: Stage) {
        for (one, place) in Element::ALL.iter().zip(&mut self.five) {
            if *one == element {
                *place = stage;
            }
        }
    }
}
