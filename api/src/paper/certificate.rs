//! 重大事故隐患自查上报证明: what an enterprise found by itself and reported, and since when that stands in the ledger.

use adit_core::refusal::Lang;
use adit_core::units::Day;
use serde::Serialize;

use super::sheet::{Proof, Shown};
use super::{Paper, PaperError, Template, print, words};

const TEMPLATE: Template =
    Template { name: "certificate", markup: include_str!("../../paper/certificate.typ") };

/// A self-report, in the words of the ledger. The proof is that of the entry in which it was reported.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub enterprise: String,
    /// The hazard's stream.
    pub hazard: String,
    pub place: String,
    pub description: String,
    /// Code and text of the criterion item; none for a general hazard.
    pub criterion: Option<String>,
    pub found_on: Day,
    pub reported_on: Day,
    pub state: String,
    pub proof: Proof,
}

#[derive(Serialize)]
struct Data<'a> {
    says: String,
    enterprise: &'a str,
    hazard: &'a str,
    place: &'a str,
    description: &'a str,
    criterion: Option<&'a str>,
    found_on: String,
    reported_on: String,
    state: &'a str,
    proof: Shown,
}

/// The certificate as a PDF on A4. Whoever calls has made sure that it may be asked for.
pub fn certificate(shows: &Certificate, lang: Lang) -> Result<Paper, PaperError> {
    let word =
        |key: &str, details: &[(&str, String)]| words::lines(lang, TEMPLATE.name, key, details).join(" ");
    let details = [("origin", shows.proof.origin.clone()), ("enterprise", shows.enterprise.clone())];
    let data = Data {
        says: word("says", &details),
        enterprise: &shows.enterprise,
        hazard: &shows.hazard,
        place: &shows.place,
        description: &shows.description,
        criterion: shows.criterion.as_deref(),
        found_on: shows.found_on.to_string(),
        reported_on: shows.reported_on.to_string(),
        state: &shows.state,
        proof: shows.proof.shown()?,
    };
    print(&TEMPLATE, lang, &data)
}
