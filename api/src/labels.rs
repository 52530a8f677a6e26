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
pub(crate) const NAMED: [&str; 18] = [
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
];

/// A reason in words, with its source.
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
    let (zh, en) = (words.words(Lang::Zh).says, words.words(Lang::En).says);
    (format!("{zh}{source}"), format!("{en}{source}"))
}
