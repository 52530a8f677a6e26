//! Why a command to an internal report is refused.

use crate::decider::refusals;

refusals! {
    /// Named after the broken rule.
    ConcernRefusal {
        AlreadyRaised = "concern.already_raised",
        NotRaised = "concern.not_raised",
        ChannelClosed = "concern.channel_closed",
        KeyNotTheSigners = "concern.key_not_the_signers",
        NeedsWorker = "concern.needs_worker",
        NeedsEnterprise = "concern.needs_enterprise",
        AlreadyTakenUp = "concern.already_taken_up",
        AlreadyDeclined = "concern.already_declined",
        NotItsHazard = "concern.not_its_hazard",
        NotAnswered = "concern.not_answered",
        NothingGiven = "concern.nothing_given",
        AlreadyRewarded = "concern.already_rewarded",
        NotRewarded = "concern.not_rewarded",
        BadVoucher = "concern.bad_voucher",
        AlreadyClaimed = "concern.already_claimed",
        OtherVoucher = "concern.other_voucher",
        AlreadyHandedOver = "concern.already_handed_over",
    }
}
