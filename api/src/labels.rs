//! What columns, statuses and tables are called, in both languages.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use adit_core::refusal::{Lang, Refusal};
use serde_json::Value;

static LABELS: LazyLock<BTreeMap<&str, (&str, &str)>> = LazyLock::new(|| {
    let lines = include_str!("../words/labels.tsv").lines();
    let fields = lines.filter_map(|line| {
        let mut fields = line.split('\t');
        Some((fields.next()?, (fields.next()?, fields.next()?)))
    });
    fields.collect()
});

/// Chinese and English of a name; none for one that has no label.
pub(crate) fn label(key: &str) -> Option<(&'static str, &'static str)> {
    LABELS.get(key).copied()
}

/// What a column of a table is called: some names mean something else in another table.
pub(crate) fn column(table: &str, name: &str) -> Option<(&'static str, &'static str)> {
    label(&format!("{table}.{name}")).or_else(|| label(name))
}

/// Columns whose texts are names of the program and are shown by their labels.
pub(crate) const NAMED: [&str; 19] = [
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
