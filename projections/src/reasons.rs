//! Reasons of a decision as a read model keeps them.
//!
//! A [`Reason`] leaves out what is empty when it is written, which a snapshot without field names could not read back;
//! and the same few codes and sources stand in every decision.

use adit_core::rules::Reason;
use serde::{Deserialize, Serialize};

use crate::compact::Words;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    code: u32,
    source: u32,
    details: Vec<(u32, Box<str>)>,
}

pub(crate) fn keep(words: &mut Words, reasons: &[Reason]) -> Vec<Kept> {
    let keep = |reason: &Reason| Kept {
        code: words.number(&reason.code),
        source: words.number(&reason.source),
        details: reason
            .details
            .iter()
            .map(|(name, value)| (words.number(name), value.as_str().into()))
            .collect(),
    };
    reasons.iter().map(keep).collect()
}

pub(crate) fn tell(words: &Words, kept: &[Kept]) -> Vec<Reason> {
    let tell = |kept: &Kept| Reason {
        code: words.text(kept.code).to_owned(),
        details: kept
            .details
            .iter()
            .map(|(name, value)| (words.text(*name).to_owned(), value.to_string()))
            .collect(),
        source: words.text(kept.source).to_owned(),
    };
    kept.iter().map(tell).collect()
}
