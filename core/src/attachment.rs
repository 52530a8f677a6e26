//! Files that prove something: the photograph of a finding, the receipt for what was bought, the drawing of what was built.
//!
//! They lie outside the log as sealed files ([`crate::ledger::files`]); an event names each by the hash of what is sealed and by the
//! hash of what is in it, so that the entry proves the file to whoever holds it, with `sha256sum` and without any key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::command::Command;
use crate::event::Event;
use crate::hazard::{HazardCommand, HazardEvent};
use crate::inspection::{InspectionCommand, InspectionEvent};
use crate::ledger::vkey::hex;
use crate::text::Short;

/// A file, as a command and its event name it. Nothing was taken out of it: where and when a photograph was taken is part of what it
/// proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// BLAKE3 of the sealed file, 64 hexadecimal digits.
    pub blob: Short,
    /// The name that it had.
    pub name: Short,
    /// What its first bytes say that it is; never what somebody said.
    pub kind: Short,
    /// Bytes of the content.
    pub bytes: u64,
    /// SHA-256 of the content, 64 hexadecimal digits.
    pub sha256: Short,
}

impl Attachment {
    /// Whether what is said of the file is so: its size, its hash, and its kind, which the caller has found out.
    pub fn is(&self, content: &[u8], kind: &str) -> bool {
        self.bytes == content.len() as u64
            && self.kind.as_str() == kind
            && self.sha256.as_str() == hex(&Sha256::digest(content))
    }
}

impl Command {
    /// The files that it carries.
    pub fn attachments(&self) -> &[Attachment] {
        match self {
            Self::Hazard(command) => of_hazard(command),
            Self::Inspection(command) => of_inspection(command),
            Self::Report(_)
            | Self::Reward(_)
            | Self::Enterprise(_)
            | Self::Actor(_)
            | Self::Rules(_)
            | Self::Ledger(_)
            | Self::Concern(_)
            | Self::Inquiry(_)
            | Self::Access(_) => &[],
        }
    }
}

fn of_hazard(command: &HazardCommand) -> &[Attachment] {
    match command {
        HazardCommand::Report(report) => &report.files,
        HazardCommand::Evidence(evidence) => &evidence.files,
        HazardCommand::Rectify(rectify) => &rectify.files,
        HazardCommand::Review(review) => &review.files,
        HazardCommand::Verify(_)
        | HazardCommand::Dismiss(_)
        | HazardCommand::Serve(_)
        | HazardCommand::Acknowledge(_)
        | HazardCommand::Assign(_)
        | HazardCommand::Plan(_)
        | HazardCommand::Commit(_)
        | HazardCommand::Confirm(_)
        | HazardCommand::Close(_)
        | HazardCommand::Reopen(_)
        | HazardCommand::Extend(_)
        | HazardCommand::RequestExtension(_)
        | HazardCommand::RefuseExtension(_)
        | HazardCommand::SuspendProduction(_)
        | HazardCommand::ResumeProduction(_)
        | HazardCommand::List(_)
        | HazardCommand::Delist(_)
        | HazardCommand::Escalate(_)
        | HazardCommand::Penalise(_)
        | HazardCommand::Publish(_)
        | HazardCommand::DecideRelief(_)
        | HazardCommand::Merge(_)
        | HazardCommand::RecordOverdue(_) => &[],
    }
}

fn of_inspection(command: &InspectionCommand) -> &[Attachment] {
    match command {
        InspectionCommand::Perform(perform) => &perform.files,
        InspectionCommand::RecordFinding(finding) => &finding.files,
        InspectionCommand::Seal(_)
        | InspectionCommand::Open(_)
        | InspectionCommand::NothingFound(_)
        | InspectionCommand::Enforce(_) => &[],
    }
}

impl Event {
    /// The files that it names.
    pub fn attachments(&self) -> &[Attachment] {
        match self {
            Self::Hazard(event) => by_hazard(event),
            Self::Inspection(event) => by_inspection(event),
            Self::Report(_)
            | Self::Reward(_)
            | Self::Enterprise(_)
            | Self::Actor(_)
            | Self::Rules(_)
            | Self::Ledger(_)
            | Self::Concern(_)
            | Self::Inquiry(_)
            | Self::Access(_) => &[],
        }
    }

    /// The hashes of all sealed files that it names, also of those that nobody but their recipients reads.
    pub fn sealed_files(&self) -> Vec<&str> {
        match self {
            Self::Report(event) => {
                let copies = event.copies().iter().map(|copied| &copied.copy);
                let named = event.blobs().into_iter().map(|(_, blob)| blob).chain(copies);
                named.map(|blob| blob.blob.as_str()).collect()
            }
            Self::Hazard(_)
            | Self::Inspection(_)
            | Self::Reward(_)
            | Self::Enterprise(_)
            | Self::Actor(_)
            | Self::Rules(_)
            | Self::Ledger(_)
            | Self::Concern(_)
            | Self::Inquiry(_)
            | Self::Access(_) => self.attachments().iter().map(|file| file.blob.as_str()).collect(),
        }
    }
}

fn by_hazard(event: &HazardEvent) -> &[Attachment] {
    match event {
        HazardEvent::Reported(report) => &report.files,
        HazardEvent::Evidenced(evidence) => &evidence.files,
        HazardEvent::Rectified(rectified) => &rectified.files,
        HazardEvent::Reviewed(review) => &review.files,
        HazardEvent::Verified(_)
        | HazardEvent::Dismissed(_)
        | HazardEvent::Served(_)
        | HazardEvent::Acknowledged(_)
        | HazardEvent::Assigned(_)
        | HazardEvent::Planned(_)
        | HazardEvent::Committed(_)
        | HazardEvent::Confirmed(_)
        | HazardEvent::Closed(_)
        | HazardEvent::Reopened(_)
        | HazardEvent::Extended(_)
        | HazardEvent::ExtensionRequested(_)
        | HazardEvent::ExtensionRefused(_)
        | HazardEvent::ProductionSuspended(_)
        | HazardEvent::ProductionResumed(_)
        | HazardEvent::Listed(_)
        | HazardEvent::Delisted(_)
        | HazardEvent::Escalated(_)
        | HazardEvent::Penalised(_)
        | HazardEvent::Published(_)
        | HazardEvent::Relieved(_)
        | HazardEvent::ReliefRefused(_)
        | HazardEvent::Merged(_)
        | HazardEvent::Overdue(_) => &[],
    }
}

fn by_inspection(event: &InspectionEvent) -> &[Attachment] {
    match event {
        InspectionEvent::Performed(perform) => &perform.files,
        InspectionEvent::FindingRecorded(found) => &found.finding.files,
        InspectionEvent::Sealed(_)
        | InspectionEvent::Opened(_)
        | InspectionEvent::Lapsed(_)
        | InspectionEvent::NothingFound(_)
        | InspectionEvent::EnforcementTaken(_) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn photograph() -> Attachment {
        let said = json!({ "blob": "ab".repeat(32), "name": "井口.jpg", "kind": "image/jpeg", "bytes": 3,
            "sha256": hex(&Sha256::digest(b"gas")) });
        serde_json::from_value(said).expect("an attachment")
    }

    #[test]
    fn what_is_said_of_a_file_is_so_or_it_is_not() {
        assert!(photograph().is(b"gas", "image/jpeg"));
        assert!(!photograph().is(b"gas", "image/png"));
        assert!(!photograph().is(b"gap", "image/jpeg"));
        assert!(!Attachment { bytes: 4, ..photograph() }.is(b"gas", "image/jpeg"));
    }

    #[test]
    fn an_event_without_files_is_written_as_it_was_before_there_were_any() {
        let review = json!({ "passed": true, "findings": "—" });
        let read: crate::hazard::Review = serde_json::from_value(review.clone()).expect("a review");
        assert_eq!(serde_json::to_value(&read).expect("json"), review);
        let with = crate::hazard::Review { files: vec![photograph()], ..read };
        let event = Event::Hazard(HazardEvent::Reviewed(with));
        assert_eq!(event.attachments(), [photograph()]);
        assert_eq!(event.sealed_files(), ["ab".repeat(32)]);
    }
}
