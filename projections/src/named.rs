//! Which sealed files the ledger names: the others may be cleared away.

use std::collections::BTreeSet;

use adit_core::event::Fact;
use serde::{Deserialize, Serialize};

use crate::Projection;

/// Hashes of sealed files as 32 bytes; what was erased is named all the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Named {
    files: BTreeSet<[u8; 32]>,
}

/// The bytes of 64 hexadecimal digits.
fn bytes(hash: &str) -> Option<[u8; 32]> {
    let digits = hash.as_bytes();
    let mut bytes = [0; 32];
    for (nth, byte) in bytes.iter_mut().enumerate() {
        let pair = std::str::from_utf8(digits.get(2 * nth..2 * nth + 2)?).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    (digits.len() == 64).then_some(bytes)
}

impl Named {
    /// Whether an entry names the file; what is no hash counts as named, so that nothing happens to it.
    pub fn has(&self, hash: &str) -> bool {
        bytes(hash).is_none_or(|hash| self.files.contains(&hash))
    }
}

impl Projection for Named {
    const NAME: &'static str = "named";

    fn apply(&mut self, fact: &Fact) {
        self.files.extend(fact.event.sealed_files().into_iter().filter_map(bytes));
    }
}
