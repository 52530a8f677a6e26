//! Why a command to a report is refused.

use crate::decider::refusals;

refusals! {
    /// Named after the broken rule.
    ReportRefusal {
        AlreadyReported = "report.already_reported",
        NotReported = "report.not_reported",
        NeedsReporterOrClerk = "report.needs_reporter_or_clerk",
        KeyNotTheSigners = "report.key_not_the_signers",
        NeedsClerk = "report.needs_clerk",
        NeedsTwoInspectors = "report.needs_two_inspectors",
        NeedsHandler = "report.needs_handler",
        NeedsApprover = "report.needs_approver",
        NeedsReporter = "report.needs_reporter",
        OnlyByLog = "report.only_by_log",
        AlreadyDecided = "report.already_decided",
        NotAccepted = "report.not_accepted",
        NotVerified = "report.not_verified",
        NotHandled = "report.not_handled",
        NotAnswered = "report.not_answered",
        AlreadyVerified = "report.already_verified",
        AlreadyHandled = "report.already_handled",
        AlreadyAnswered = "report.already_answered",
        Ended = "report.ended",
        NotClosed = "report.not_closed",
        Disputed = "report.disputed",
        BeyondLimit = "report.beyond_limit",
        ExtensionTooLate = "report.extension_too_late",
        NotLater = "report.not_later",
        VerifierHandlesAlone = "report.verifier_closes",
        NotOverdue = "report.not_overdue",
        OverdueRecorded = "report.overdue_recorded",
        BadBlob = "report.bad_blob",
        TestimonyMissing = "report.testimony_missing",
        BadRecipient = "report.bad_recipient",
        TooMany = "report.too_many",
        ExcludedOfficer = "report.excluded_officer",
        UnknownYear = "report.unknown_year",
        BlobMissing = "report.blob_missing",
        NotSealed = "report.not_sealed",
        WrongRecipient = "report.wrong_recipient",
        EscrowMissing = "report.escrow_missing",
    }
}
