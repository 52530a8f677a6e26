//! Tables, progress, and errors in both languages.

use std::fmt::Arguments;
use std::io::{ErrorKind, IsTerminal, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use adit_core::office::ExecuteError;
use adit_core::refusal::{Lang, Refusal};
use comfy_table::{ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// Set when standard output could not take what was said, for another reason than that nobody reads it.
static LOST: AtomicBool = AtomicBool::new(false);

/// Writes a line to standard output. A reader that has gone away (`adit … | head`) is no fault, and work that has begun
/// is finished all the same.
pub(crate) fn line(text: Arguments<'_>) {
    let mut out = stdout().lock();
    let written = out.write_fmt(text).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    if written.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Whether something that was to be printed is lost, such as on a full disk.
pub(crate) fn lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Like `println!`, but does not panic where nobody reads.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

/// A refusal as an error of the command line.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.code)]
pub(crate) struct Refused(pub(crate) Refusal);

/// Prints an error: a refusal with its words in both languages, anything else with its causes.
pub(crate) fn complain(error: &anyhow::Error) {
    let refusal = match (error.downcast_ref::<Refused>(), error.downcast_ref::<ExecuteError>()) {
        (Some(Refused(refusal)), _) | (_, Some(ExecuteError::Refused(refusal))) => Some(refusal),
        (None, Some(_) | None) => None,
    };
    if let Some(refusal) = refusal {
        for lang in [Lang::Zh, Lang::En] {
            let words = refusal.words(lang);
            eprintln!("{} {} [{}; {}]", words.says, words.instead, refusal.code, words.rule);
        }
        return;
    }
    let mut english = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // Some errors repeat their source in their own words.
        if !english.contains(&cause) {
            english = if english.is_empty() { cause } else { format!("{english}: {cause}") };
        }
    }
    eprintln!("{}\nadit: {english}", crate::failure::chinese(error));
}

/// A bar on standard error; none where nobody watches.
pub(crate) fn progress(total: u64, what: &'static str, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar.with_message(what)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "✓".to_owned(),
        Value::Bool(false) => String::new(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let reason = fields.get("code").and_then(Value::as_str);
            match reason {
                Some(code) => code.to_owned(),
                None => fields
                    .iter()
                    .map(|(name, value)| format!("{name}={}", cell(value)))
                    .collect::<Vec<_>>()
                    .join(" "),
            }
        }
    }
}

/// Prints rows as a table: boxes on a terminal, tabs elsewhere.
pub(crate) fn table(columns: &[&str], rows: &[Value]) {
    let line = |row: &Value| {
        columns.iter().map(|name| cell(row.get(*name).unwrap_or(&Value::Null))).collect::<Vec<_>>()
    };
    if !stdout().is_terminal() {
        say!("{}", columns.join("\t"));
        for row in rows {
            say!("{}", line(row).join("\t").replace('\n', " "));
        }
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns);
    for row in rows {
        table.add_row(line(row));
    }
    say!("{table}");
}

/// Columns of a read model's rows, in their order.
pub(crate) fn columns(rows: &[Value]) -> Vec<&str> {
    let fields = rows.first().and_then(Value::as_object);
    fields.map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default()
}
