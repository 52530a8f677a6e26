//! Why a command to an inspection is refused.

use crate::decider::refusals;

refusals! {
    /// Named after the broken rule.
    InspectionRefusal {
        NeedsTwoInspectors = "inspection.needs_two_inspectors",
        AlreadyBegun = "inspection.already_begun",
        NoCommitment = "inspection.no_commitment",
        NotSealed = "inspection.not_sealed",
        TooLate = "inspection.too_late",
        OtherPlan = "inspection.other_plan",
        InFuture = "inspection.in_future",
        NotPerformed = "inspection.not_performed",
        UnknownEnterprise = "inspection.unknown_enterprise",
        NotWhoInspected = "inspection.not_who_inspected",
        NothingFoundSaid = "inspection.nothing_found_said",
        FindingsRecorded = "inspection.findings_recorded",
    }
}
