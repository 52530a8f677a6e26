//! 月报、年报: the figures of a period, and the lists behind them.

use adit_core::refusal::Lang;
use serde::Serialize;

use super::sheet::Foot;
use super::{Paper, PaperError, Template, print};

const TEMPLATE: Template = Template { name: "summary", markup: include_str!("../../paper/summary.typ") };

/// The summary of a month or a year.
#[derive(Clone, Debug, Serialize)]
pub struct Summary<'a> {
    pub title: &'a str,
    /// What it rests on.
    pub stands: &'a str,
    pub parts: Vec<Part<'a>>,
    /// The ledger's name.
    pub origin: &'a str,
}

/// One table of it.
#[derive(Clone, Debug, Serialize)]
pub struct Part<'a> {
    pub title: &'a str,
    pub heads: &'a [String],
    pub rows: &'a [Vec<String>],
    /// How many there are, where not all are printed.
    pub more: &'a str,
    /// Everything but the first column is a figure.
    pub figures: bool,
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    says: &'a Summary<'a>,
    proof: Foot<'a>,
}

/// The summary as a PDF on A4.
pub fn summary(says: &Summary<'_>, lang: Lang) -> Result<Paper, PaperError> {
    print(&TEMPLATE, lang, &Data { says, proof: Foot { origin: says.origin } })
}
