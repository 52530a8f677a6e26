//! The reporter's pages: report, receipt, my report. Complete without a script, in Chinese and English, and for one secret only.
//!
//! Nothing here keeps a session. What is typed travels in the form until it is sent; the secret travels in the body of a
//! request and never in an address. No handler logs anything that came with a request.

mod boxes;
pub(crate) mod case;
mod cleaning;
mod code;
mod film;
pub(crate) mod follow;
pub(crate) mod form;
mod heif;
pub(crate) mod here;
pub(crate) mod home;
pub(crate) mod inside;
pub(crate) mod inside_my;
mod joint;
pub(crate) mod language;
mod office;
mod pdf;
mod pdf_reader;
mod picture;
pub(crate) mod report;
mod step;
mod turn;
mod xml;

use adit_core::secret::Secret;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::convert::{Builder, Shape};
use fast_qr::qr::QRBuilder;

/// The secret as a picture that a telephone reads; it holds nothing else.
pub(crate) fn qr(text: &str) -> String {
    let code = QRBuilder::new(text).build();
    code.map(|code| SvgBuilder::default().shape(Shape::Square).to_str(&code)).unwrap_or_default()
}

/// Words of a secret in their four groups.
fn groups(secret: &Secret, language: language::Language) -> Vec<Vec<&'static str>> {
    secret.words(language.script()).chunks(3).map(<[&str]>::to_vec).collect()
}
