//! Evidence bundles (`adit.bundle.v1`): one zip that proves what happened in some streams, without the ledger.
//!
//! `docs/bundle.md` describes the format for whoever writes a verifier. A [`Bundle`] is written, [`verify()`] checks one; the
//! viewer in `api/web/viewer` checks the same in a browser, with the same codes. Pure: no file, no clock, no network.

mod keys;
pub mod manifest;
pub mod verify;
mod write;
pub mod zip;

use std::collections::BTreeMap;

pub use keys::Signer;
pub use verify::{Verified, verify};
pub use write::Bundle;

use crate::decider::{Rejection, refusals};
use crate::refusal::Refusal;

/// The signed note that names every other file.
pub const MANIFEST: &str = "manifest";
/// The signed checkpoint to which every proof leads.
pub const CHECKPOINT: &str = "checkpoint";
/// The log's keys, each a vkey in a line, the present one first.
pub const LOG_KEYS: &str = "log.vkey";
/// The trust policy (C2SP tlog-policy), where there is one.
pub const POLICY: &str = "policy";
/// The viewer, which verifies the bundle in a browser.
pub const VIEWER: &str = "index.html";
/// How to verify it with tools of others.
pub const HOW_TO: &str = "VERIFY.md";

refusals! {
    /// Why a file is not a bundle, or not one to trust. The place stands in [`BundleError::details`].
    BundleFault {
        TooLarge = "bundle.too_large",
        Container = "bundle.container",
        FileMissing = "bundle.file_missing",
        FileExtra = "bundle.file_extra",
        FileName = "bundle.file_name",
        FileChanged = "bundle.file_changed",
        ManifestForm = "bundle.manifest_form",
        ManifestSignature = "bundle.manifest_signature",
        LogKey = "bundle.log_key",
        OtherKey = "bundle.other_key",
        Checkpoint = "bundle.checkpoint",
        PolicyForm = "bundle.policy_form",
        NoQuorum = "bundle.no_quorum",
        EntryForm = "bundle.entry_form",
        OtherLog = "bundle.other_log",
        ProofForm = "bundle.proof_form",
        WrongRoot = "bundle.wrong_root",
        ForeignStream = "bundle.foreign_stream",
        Chain = "bundle.chain",
        StreamShort = "bundle.stream_short",
        UnknownSigner = "bundle.unknown_signer",
        EndedSigner = "bundle.ended_signer",
        WrongSigners = "bundle.wrong_signers",
        Signature = "bundle.signature",
        Body = "bundle.body",
        Officer = "bundle.officer",
        Rules = "bundle.rules",
    }
}

/// The first fault, and where it is: `file`, and as far as it is known `offset`, `line`, `part` or `stream`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {:?}", .fault.code(), .details)]
pub struct BundleError {
    pub fault: BundleFault,
    pub details: BTreeMap<String, String>,
}

impl BundleError {
    pub(crate) fn of(fault: BundleFault, file: &str) -> Self {
        Self { fault, details: BTreeMap::new() }.with("file", file)
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.details.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With its words in both languages.
    pub fn refusal(&self) -> Refusal {
        Refusal { code: self.fault.code().to_owned(), details: self.details.clone() }
    }
}

/// The text of [`HOW_TO`] for a log of this origin.
pub fn how_to(origin: &str) -> String {
    include_str!("how_to.md").replace("{origin}", origin)
}

/// The file of an entry, of its proof, of its body.
pub fn entry_path(position: u64) -> String {
    format!("entries/{position}.entry")
}

pub fn proof_path(position: u64) -> String {
    format!("proofs/{position}.tlog-proof")
}

pub fn body_path(position: u64) -> String {
    format!("bodies/{position}.json")
}
