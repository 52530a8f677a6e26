//! Why a command to an inquiry is refused.

use crate::decider::refusals;

refusals! {
    /// Named after the broken rule.
    InquiryRefusal {
        AlreadyOpened = "inquiry.already_opened",
        NotOpened = "inquiry.not_opened",
        Concluded = "inquiry.concluded",
        NeedsInvestigator = "inquiry.needs_investigator",
        NeedsApprover = "inquiry.needs_approver",
        NoHazard = "inquiry.no_hazard",
        UnknownHazard = "inquiry.unknown_hazard",
        OtherHazard = "inquiry.other_hazard",
        BadHash = "inquiry.bad_hash",
        NoProof = "inquiry.no_proof",
        NoSuchEntry = "inquiry.no_such_entry",
        NoFinding = "inquiry.no_finding",
        InvestigatorConcludes = "inquiry.investigator_concludes",
        ProposalsContradict = "inquiry.proposals_contradict",
    }
}
