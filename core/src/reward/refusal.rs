//! Why a command to a reward is refused.

use crate::decider::refusals;

refusals! {
    /// Named after the broken rule.
    RewardRefusal {
        AlreadyAssessed = "reward.already_assessed",
        NotAssessed = "reward.not_assessed",
        NeedsHandler = "reward.needs_handler",
        NeedsApprover = "reward.needs_approver",
        NeedsFinance = "reward.needs_finance",
        AssessorApproves = "reward.assessor_approves",
        PayerDecided = "reward.payer_decided",
        ReportNotVerified = "reward.report_not_verified",
        NotSubstantiated = "reward.not_substantiated",
        MatterRewarded = "reward.matter_rewarded",
        NotFirst = "reward.not_first",
        NoRule = "reward.no_rule",
        TierNeeded = "reward.tier_needed",
        NotApproved = "reward.not_approved",
        AlreadyApproved = "reward.already_approved",
        NotNotified = "reward.not_notified",
        AlreadyNotified = "reward.already_notified",
        NotTheReporter = "reward.not_the_reporter",
        ClaimPeriodOver = "reward.claim_period_over",
        NoClaimPeriod = "reward.no_claim_period",
        ExtensionNotInForce = "reward.extension_not_in_force",
        BeyondLimit = "reward.beyond_limit",
        NotLater = "reward.not_later",
        ClaimPeriodRuns = "reward.claim_period_runs",
        AlreadyClaimed = "reward.already_claimed",
        NotClaimed = "reward.not_claimed",
        OtherAmount = "reward.other_amount",
        AlreadyPaid = "reward.already_paid",
        Ended = "reward.ended",
        Excluded = "reward.excluded",
        PersonDecides = "reward.person_decides",
        Denied = "reward.denied",
        OtherReport = "reward.other_report",
        UnknownYear = "reward.unknown_year",
        OnlyByLog = "reward.only_by_log",
        NotOverdue = "reward.not_overdue",
        OverdueRecorded = "reward.overdue_recorded",
        BadVoucher = "reward.bad_voucher",
    }
}
