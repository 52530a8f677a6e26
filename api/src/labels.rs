//! What columns, statuses and tables are called, in both languages.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use adit_core::refusal::{Lang, Refusal};
use serde_json::Value;

type Words = BTreeMap<&'static str, (&'static str, &'static str)>;

static LABELS: LazyLock<Words> = LazyLock::new(|| words(include_str!("../words/labels.tsv")));

/// What kinds of streams, and public kinds of entries, are in plain words.
static KINDS: LazyLock<Words> = LazyLock::new(|| words(include_str!("../words/kinds.tsv")));

fn words(table: &'static str) -> Words {
    let fields = table.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        Some((fields.next()?, (fields.next()?, fields.next()?)))
    });
    fields.collect()
}

/// A kind of stream or of entry in Chinese and English; its own name where there are no words.
pub(crate) fn kind(name: &str) -> (String, String) {
    let (zh, en) = KINDS.get(name).copied().unwrap_or((name, name));
    (zh.to_owned(), en.to_owned())
}

/// Chinese and English of a name; none for one that has no label.
pub(crate) fn label(key: &str) -> Option<(&'static str, &'static str)> {
    LABELS.get(key).copied()
}

/// What a column of a table is called: some names mean something else in another table.
pub(crate) fn column(table: &str, name: &str) -> Option<(&'static str, &'static str)> {
    label(&format!("{table}.{name}")).or_else(|| label(name))
}

/// Columns whose texts are names of the program and are shown by their labels.
pub(crate) const NAMED: [&str; 20] = [
    "status",
    "standing",
    "origin",
    "grade",
    "step",
    "sector",
    "licence",
    "risk",
    "decision",
    "rule_says",
    "called_for",
    "extension",
    "trigger",
    "missing",
    "not_confirmed",
    "clock",
    "kind",
    "group",
    "stage",
    "next",
];

/// A reason in words, with its source; with the entries that prove it and how it stands, where the row says so.
pub(crate) fn reason(reason: &Value) -> (String, String) {
    let text = |name: &str| reason.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut words = Refusal::new(text("code"));
    for (name, value) in reason.get("details").and_then(Value::as_object).into_iter().flatten() {
        words = words.with(name, value.as_str().unwrap_or_default());
    }
    let source = match text("source") {
        "" => String::new(),
        source => format!("（{source}）"),
    };
    let holds = label(&format!("holds.{}", text("holds")));
    let (yes, holds) = holds.map(|(zh, en)| (format!("{zh}："), format!("{en}: "))).unwrap_or_default();
    let proof = reason.get("proof").and_then(Value::as_array).into_iter().flatten();
    let (proof, entries) = match proof.map(Value::to_string).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => (String::new(), String::new()),
        some => (format!("［第 {some} 条］"), format!(" [entries {some}]")),
    };
    let (zh, en) = (words.words(Lang::Zh).says, words.words(Lang::En).says);
    (format!("{yes}{zh}{source}{proof}"), format!("{holds}{en}{source}{entries}"))
}

#[cfg(test)]
mod tests {
    use adit_core::id::StreamKind;
    use adit_core::rules::entries;

    use super::*;

    #[test]
    fn every_public_kind_has_its_words_in_both_languages() {
        let kinds = entries::table().keys().map(ToString::to_string);
        for name in kinds.chain(StreamKind::ALL.map(|kind| kind.name().to_owned())) {
            let (zh, en) = KINDS.get(name.as_str()).unwrap_or_else(|| panic!("kinds.tsv has no {name}"));
            assert!(!zh.is_empty() && !en.is_empty(), "kinds.tsv says nothing for {name}");
        }
    }
}
