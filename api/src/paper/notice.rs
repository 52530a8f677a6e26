//! 事故隐患整改通知书: a hazard as it was served on the principal and the actual controller (plan, mines, 11).

use adit_core::refusal::Lang;
use adit_core::units::Day;
use serde::Serialize;

use super::sheet::{Proof, Shown};
use super::{Paper, PaperError, Template, print, words};

const TEMPLATE: Template = Template { name: "notice", markup: include_str!("../../paper/notice.typ") };

/// What was served, in the words of the ledger. The proof is that of the entry in which it was.
#[derive(Clone, Debug)]
pub struct Notice {
    pub enterprise: String,
    /// The hazard's stream.
    pub hazard: String,
    pub place: String,
    pub description: String,
    pub grade: String,
    /// Code and text of the criterion item; none for a general hazard.
    pub criterion: Option<String>,
    /// The day by which it is to be mended and the post that answers for it, once they were set.
    pub due: Option<Day>,
    pub post: Option<String>,
    pub served_on: Day,
    pub principal: bool,
    pub controller: bool,
    /// Posts of those who served it.
    pub by: Vec<String>,
    pub proof: Proof,
}

#[derive(Serialize)]
struct Data<'a> {
    says: String,
    enterprise: &'a str,
    hazard: &'a str,
    place: &'a str,
    description: &'a str,
    grade: &'a str,
    criterion: Option<&'a str>,
    due: Option<String>,
    post: Option<&'a str>,
    served_on: String,
    to: Vec<String>,
    by: &'a [String],
    proof: Shown,
}

/// The notice as a PDF on A4. Whoever calls has made sure that it may be asked for.
pub fn notice(shows: &Notice, lang: Lang) -> Result<Paper, PaperError> {
    let word =
        |key: &str, details: &[(&str, String)]| words::lines(lang, TEMPLATE.name, key, details).join(" ");
    let details = [("origin", shows.proof.origin.clone()), ("enterprise", shows.enterprise.clone())];
    let principal = shows.principal.then(|| word("principal", &[]));
    let controller = shows.controller.then(|| word("controller", &[]));
    let data = Data {
        says: word("says", &details),
        enterprise: &shows.enterprise,
        hazard: &shows.hazard,
        place: &shows.place,
        description: &shows.description,
        grade: &shows.grade,
        criterion: shows.criterion.as_deref(),
        due: shows.due.map(|due| due.to_string()),
        post: shows.post.as_deref(),
        served_on: shows.served_on.to_string(),
        to: principal.into_iter().chain(controller).collect(),
        by: &shows.by,
        proof: shows.proof.shown()?,
    };
    print(&TEMPLATE, lang, &data)
}
