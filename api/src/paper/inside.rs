//! 内部报告告示: where the workers of one enterprise tell it of hazards, and that the bureau's own channel is another. Its code may name the
//! enterprise, unlike that of the board of rewards: what is told here is told to it.

use adit_core::refusal::Lang;
use serde::Serialize;

use super::{Address, Paper, PaperError, Template, print, qr};

const TEMPLATE: Template = Template { name: "inside", markup: include_str!("../../paper/inside.typ") };

/// What a notice says besides its words.
#[derive(Clone, Debug)]
pub struct InsideNotice {
    pub enterprise: String,
    /// What the enterprise gives.
    pub rewards: String,
    /// The server's own address.
    pub host: Address,
    /// Where the code leads on that server: to this enterprise.
    pub path: String,
}

#[derive(Serialize)]
struct Data<'a> {
    enterprise: &'a str,
    rewards: &'a str,
    address: String,
    qr: String,
}

/// The notice as a PDF on A4. Whoever calls has made sure that it may be asked for.
pub fn inside_notice(shows: &InsideNotice, lang: Lang) -> Result<Paper, PaperError> {
    let qr = qr(&format!("{}{}", shows.host, shows.path)).ok_or(PaperError::Code)?;
    // Whoever types it chooses the enterprise by its name.
    let address = format!("{}/inside", shows.host);
    let data = Data { enterprise: &shows.enterprise, rewards: &shows.rewards, address, qr };
    print(&TEMPLATE, lang, &data)
}
