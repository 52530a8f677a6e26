//! Why an access is not recorded, and so does not take place.

use crate::decider::refusals;

refusals! {
    /// Named after the broken rule.
    AccessRefusal {
        AlreadyRecorded = "access.already_recorded",
        NeedsOneOfficer = "access.needs_one_officer",
        OnlyByLog = "access.only_by_log",
        NotAReport = "access.not_a_report",
        BadBlobs = "access.bad_blobs",
        BadExport = "access.bad_export",
    }
}
