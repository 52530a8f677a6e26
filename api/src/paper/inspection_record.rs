//! 现场检查记录: who inspected what, what was found, and who signed.

use adit_core::refusal::Lang;
use adit_core::units::Day;
use serde::Serialize;

use super::sheet::{Proof, Shown};
use super::{Paper, PaperError, Template, print};

const TEMPLATE: Template =
    Template { name: "inspection_record", markup: include_str!("../../paper/inspection_record.typ") };

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    pub description: String,
    pub place: String,
    /// Code of the criterion item; none for a general hazard.
    pub criterion: Option<String>,
    /// The day by which it is to be mended, once one was set.
    pub due: Option<String>,
}

/// A photograph or a document that the inspection names.
#[derive(Clone, Debug, Serialize)]
pub struct Attached {
    pub name: String,
    /// Which finding it shows, from one; none where it shows the inspection as a whole.
    pub finding: Option<usize>,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}

/// An inspector who signed in the ledger; the name is written by hand where the ledger tells a post alone.
#[derive(Clone, Debug, Serialize)]
pub struct Signer {
    pub name: String,
    pub post: String,
}

/// An inspection, in the words of the ledger. The proof is that of the newest entry which the record shows.
#[derive(Clone, Debug)]
pub struct InspectionRecord {
    pub enterprise: String,
    /// The inspection's stream.
    pub inspection: String,
    pub on: Day,
    pub scope: String,
    pub findings: Vec<Finding>,
    pub files: Vec<Attached>,
    pub signers: Vec<Signer>,
    pub proof: Proof,
}

#[derive(Serialize)]
struct Data<'a> {
    enterprise: &'a str,
    inspection: &'a str,
    on: String,
    scope: &'a str,
    findings: &'a [Finding],
    files: Vec<Attached>,
    signers: &'a [Signer],
    proof: Shown,
}

/// The record as a PDF on A4, over as many pages as it needs. Whoever calls has made sure that it may be asked for.
pub fn inspection_record(shows: &InspectionRecord, lang: Lang) -> Result<Paper, PaperError> {
    let in_fours = |file: &Attached| Attached { sha256: super::in_fours(&file.sha256), ..file.clone() };
    let data = Data {
        enterprise: &shows.enterprise,
        inspection: &shows.inspection,
        on: shows.on.to_string(),
        scope: &shows.scope,
        findings: &shows.findings,
        files: shows.files.iter().map(in_fours).collect(),
        signers: &shows.signers,
        proof: shows.proof.shown()?,
    };
    print(&TEMPLATE, lang, &data)
}
