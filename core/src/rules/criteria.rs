//! The official criteria for major hazards (重大事故隐患判定标准), item by item.

use std::sync::LazyLock;

use serde::Serialize;

/// How far an item's words were checked against the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// The text was seen: these are the words of the law.
    Seen,
    /// Partly seen: may be shown as the words of the law.
    PartlySeen,
    /// To be proofread.
    ToBeProofread,
    /// A placeholder whose text is missing; never selectable.
    Missing,
}

/// One item of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Criterion {
    /// `NCM88`, `GM10`, `CH121`, `FW121` …
    pub catalogue: &'static str,
    pub document: &'static str,
    pub section: &'static str,
    pub item: &'static str,
    /// `GM10-第三条-二`.
    pub code: &'static str,
    pub text_zh: &'static str,
    pub sector: &'static str,
    pub gloss_en: &'static str,
    pub verification: Verification,
    /// The verification mark as the data has it.
    pub mark: &'static str,
}

impl Criterion {
    pub fn is_selectable(&self) -> bool {
        self.verification != Verification::Missing
    }
}

static CRITERIA: LazyLock<Vec<Criterion>> = LazyLock::new(|| {
    let rows = include_str!("../../rules/criteria.tsv").lines().skip(1);
    rows.filter_map(parse).collect()
});

fn parse(row: &'static str) -> Option<Criterion> {
    let cells: Vec<&str> = row.split('\t').collect();
    let &[catalogue, document, section, item, code, text_zh, _, sector, gloss_en, mark] = cells.as_slice()
    else {
        return None;
    };
    let verification = if mark.contains("MISSING") || mark.contains("TOPIC-ONLY") || code.contains('?') {
        Verification::Missing
    } else if mark.starts_with("VH") {
        Verification::PartlySeen
    } else if mark.starts_with('V') {
        Verification::Seen
    } else {
        Verification::ToBeProofread
    };
    Some(Criterion {
        catalogue,
        document,
        section,
        item,
        code,
        text_zh,
        sector,
        gloss_en,
        verification,
        mark,
    })
}

/// All items, placeholders included.
pub fn all() -> &'static [Criterion] {
    &CRITERIA
}

/// The item with this code.
pub fn get(code: &str) -> Option<&'static Criterion> {
    CRITERIA.iter().find(|criterion| criterion.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_codes_differ() {
        assert_eq!(all().len(), 174);
        let codes: std::collections::BTreeSet<_> = all().iter().map(|c| c.code).collect();
        assert_eq!(codes.len(), 174);
    }

    #[test]
    fn placeholders_are_never_selectable() {
        for criterion in all().iter().filter(|c| c.text_zh.contains("条文未取得") || c.catalogue == "CH3067")
        {
            assert!(!criterion.is_selectable(), "{}", criterion.code);
        }
        assert!(get("GM10-第三条-二").is_some_and(Criterion::is_selectable));
    }
}
