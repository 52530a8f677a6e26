//! What is printed on paper: PDF from a template and plain data.
//!
//! A template is Typst markup beside its words; data reaches it as JSON and is set as it is, never read as markup. There is no file
//! system, no network, no clock and no font but the two that are embedded: the same data gives the same bytes.

mod certificate;
mod desk;
mod inside;
mod inspection_record;
mod notice;
mod poster;
mod sheet;
mod summary;
mod transfer;
mod words;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use adit_core::refusal::{Lang, Refusal};
use serde::Serialize;
use serde_json::Value;

pub use certificate::{Certificate, certificate};
pub use inside::{InsideNotice, inside_notice};
pub use inspection_record::{Attached, Finding, InspectionRecord, Signer, inspection_record};
pub use notice::{Notice, notice};
pub use poster::{ADDRESS_CHARS_MAX, Address, LETTERS_CHARS_MAX, Poster, TELEPHONE_CHARS_MAX, poster};
pub use sheet::Proof;
pub use summary::{Part, Summary, summary};
pub use transfer::{TransferSheet, Transferred, transfer_sheet};

/// A document, ready to be printed.
#[derive(Debug)]
pub struct Paper {
    pub pdf: Vec<u8>,
    pub pages: usize,
    /// Characters that no font of ours has; each is printed as a box.
    pub missing: BTreeSet<char>,
}

/// Why there is no paper.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    #[error("{}", .0.code)]
    Refused(Refusal),
    /// A fault of ours. What was to be printed is confidential, so it names the template and the place in it alone.
    #[error("couldn't set {template} at byte {at}")]
    Template { template: &'static str, at: usize },
    #[error("what the code would say is too long for one")]
    Code,
    #[error("couldn't hand the data to the template")]
    Data(#[source] serde_json::Error),
}

/// The sizes of paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    A3,
    A4,
}

impl Size {
    pub fn name(self) -> &'static str {
        match self {
            Self::A3 => "a3",
            Self::A4 => "a4",
        }
    }
}

/// A kind of document: markup, and the section of the words that it takes.
struct Template {
    name: &'static str,
    markup: &'static str,
}

/// Sets a template with its words and `data`, which must be an object.
fn print(template: &Template, lang: Lang, data: &impl Serialize) -> Result<Paper, PaperError> {
    let mut data = serde_json::to_value(data).map_err(PaperError::Data)?;
    if let Value::Object(fields) = &mut data {
        let words = serde_json::to_value(words::section(lang, template.name)).map_err(PaperError::Data)?;
        let common = serde_json::to_value(words::section(lang, "sheet")).map_err(PaperError::Data)?;
        fields.insert("words".to_owned(), words);
        fields.insert("common".to_owned(), common);
        fields.insert("language".to_owned(), Value::from(words::name(lang)));
    }
    let mut missing = BTreeSet::new();
    lacking(&data, &mut missing);
    let bytes = serde_json::to_vec(&data).map_err(PaperError::Data)?;
    let (pdf, pages) = desk::set(template, bytes)?;
    Ok(Paper { pdf, pages, missing })
}

/// The characters of every text that the fonts lack.
fn lacking(data: &Value, found: &mut BTreeSet<char>) {
    match data {
        Value::String(text) => found.extend(text.chars().filter(|c| !c.is_control() && !desk::has(*c))),
        Value::Array(items) => items.iter().for_each(|item| lacking(item, found)),
        Value::Object(fields) => fields.values().for_each(|value| lacking(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A hash in groups of four digits, as people compare it.
fn in_fours(hex: &str) -> String {
    let mut grouped = String::new();
    for (at, digit) in hex.chars().enumerate() {
        if at > 0 && at.is_multiple_of(4) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// A code that a telephone reads, as SVG. A quarter of it may be damaged: boards hang outdoors.
fn qr(text: &str) -> Option<String> {
    let code = fast_qr::QRBuilder::new(text).ecl(fast_qr::ECL::Q).build().ok()?;
    let mut squares = String::new();
    for y in 0..code.size {
        for x in (0..code.size).filter(|x| code[y][*x].value()) {
            // A little over the edge, so that no hairline of paper shows between two squares.
            let _ = write!(squares, "M{x} {y}h1.02v1.02h-1.02z");
        }
    }
    let size = code.size;
    Some(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"><path d="{squares}"/></svg>"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Prints one text of the data.
    const ONE_TEXT: Template = Template {
        name: "poster",
        markup: "#set text(font: \"Noto Sans CJK SC\")\n#json(\"/data.json\").text",
    };

    #[test]
    fn what_looks_like_markup_is_printed_as_it_is() {
        for text in ["#import \"x\": *", "*bold* _thin_ $x$ `code`", "#panic()", "= 标题 \\ <a> @b ~"] {
            let paper = print(&ONE_TEXT, Lang::Zh, &json!({ "text": text })).expect("paper");
            assert_eq!(paper.pages, 1, "{text}");
            assert!(paper.missing.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_character_that_the_fonts_lack_is_named_and_the_rest_is_printed() {
        let paper = print(&ONE_TEXT, Lang::Zh, &json!({ "text": "王𪚥龘\u{1f600}" })).expect("paper");
        assert_eq!(paper.missing.into_iter().collect::<String>(), "龘\u{1f600}𪚥");
        assert_eq!(paper.pages, 1);
    }

    #[test]
    fn the_same_data_gives_the_same_bytes() {
        let data = json!({ "text": "岫岩满族自治县" });
        let one = print(&ONE_TEXT, Lang::Zh, &data).expect("paper");
        let other = print(&ONE_TEXT, Lang::Zh, &data).expect("paper");
        assert_eq!(one.pdf, other.pdf);
    }

    #[test]
    fn a_fault_names_the_place_and_nothing_of_the_data() {
        const BROKEN: Template = Template { name: "broken", markup: "#json(\"/data.json\").nothing" };
        let error = print(&BROKEN, Lang::Zh, &json!({ "text": "canary" })).expect_err("no such field");
        let said = format!("{error} {error:?}");
        assert!(said.contains("broken") && !said.contains("canary"), "{said}");
    }

    #[test]
    fn no_file_and_no_package_can_be_reached() {
        for markup in ["#read(\"/etc/passwd\")", "#import \"@preview/cetz:0.3.0\"", "#datetime.today()"] {
            let reaching = Template { name: "reaching", markup };
            assert!(print(&reaching, Lang::Zh, &json!({})).is_err(), "{markup}");
        }
    }
}
