//! Why a command to an enterprise is refused.

use crate::decider::refusals;

refusals! {
    /// Named after the broken rule.
    EnterpriseRefusal {
        AlreadyRegistered = "enterprise.already_registered",
        NotRegistered = "enterprise.not_registered",
        Closed = "enterprise.closed",
        NameTaken = "enterprise.name_taken",
        NeedsClerk = "enterprise.needs_clerk",
        NeedsInspector = "enterprise.needs_inspector",
        NeedsApprover = "enterprise.needs_approver",
        NeedsEnterprise = "enterprise.needs_enterprise",
        NotOwnEnterprise = "enterprise.not_own_enterprise",
        MajorHazardOpen = "enterprise.major_hazard_open",
        InFuture = "enterprise.in_future",
        AlreadyPetitioned = "enterprise.already_petitioned",
        NoGround = "enterprise.no_ground",
        NoSuchGrade = "enterprise.no_such_grade",
        ChannelOpen = "enterprise.channel_open",
        ChannelNotOpen = "enterprise.channel_not_open",
        NotSuspended = "enterprise.not_suspended",
    }
}
