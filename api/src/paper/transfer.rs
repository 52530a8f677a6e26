//! 举报移送单: chosen facts for the authority that is competent; nothing of the reporter's.

use adit_core::refusal::Lang;
use adit_core::units::Day;
use serde::Serialize;

use super::sheet::Foot;
use super::{Paper, PaperError, Template, print, words};

const TEMPLATE: Template = Template { name: "transfer", markup: include_str!("../../paper/transfer.typ") };

/// A hazard that goes with it, as an inspection or an enterprise wrote it down.
#[derive(Clone, Debug, Serialize)]
pub struct Transferred {
    /// The hazard's stream.
    pub hazard: String,
    pub place: String,
    pub description: String,
    pub state: String,
}

/// What is told to the authority. There is no field for words of a reporter.
#[derive(Clone, Debug)]
pub struct TransferSheet {
    pub authority: String,
    /// The case's public number.
    pub number: String,
    pub matter: String,
    /// Name, town and sector.
    pub enterprise: Option<String>,
    /// Code and text of criterion items.
    pub items: Vec<String>,
    pub hazards: Vec<Transferred>,
    pub reply_by: Option<Day>,
    pub on: Day,
    /// The ledger's name.
    pub origin: String,
}

#[derive(Serialize)]
struct Data<'a> {
    says: String,
    authority: &'a str,
    number: &'a str,
    matter: &'a str,
    enterprise: Option<&'a str>,
    items: &'a [String],
    hazards: &'a [Transferred],
    reply_by: Option<String>,
    on: String,
    proof: Foot<'a>,
}

/// The sheet as a PDF on A4. Whoever calls has made sure that it may be made.
pub fn transfer_sheet(shows: &TransferSheet, lang: Lang) -> Result<Paper, PaperError> {
    let word =
        |key: &str, details: &[(&str, String)]| words::lines(lang, TEMPLATE.name, key, details).join(" ");
    let data = Data {
        says: word("says", &[("authority", shows.authority.clone())]),
        authority: &shows.authority,
        number: &shows.number,
        matter: &shows.matter,
        enterprise: shows.enterprise.as_deref(),
        items: &shows.items,
        hazards: &shows.hazards,
        reply_by: shows.reply_by.map(|day| day.to_string()),
        on: shows.on.to_string(),
        proof: Foot { origin: &shows.origin },
    };
    print(&TEMPLATE, lang, &data)
}
