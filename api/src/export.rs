//! Tables as files: CSV and XLSX. A figure in a file is the read model's own; nothing is worked out here.

use adit_core::units::{Day, Fen};
use adit_projections::statistics;
use rust_xlsxwriter::{ExcelDateTime, Format as Style, Workbook, Worksheet, XlsxError};
use serde_json::Value;

use crate::labels::{NAMED, column, label, reason};

/// Most rows of one file.
pub const ROWS_MAX: usize = 100_000;

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Xlsx,
}

impl Format {
    /// By the ending of a file's name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

/// Why a table can't be written as a file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("couldn't write the workbook: {0}")]
    Workbook(#[from] XlsxError),
    #[error("couldn't write the table: {0}")]
    Csv(#[from] csv::Error),
}

/// What one cell holds.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Nothing,
    Text(String),
    Number(i64),
    Money(Fen),
    Day(Day),
}

/// The rows of a read model as a file, as of a day: with the columns that were chosen, in their order, or with all where none was.
///
/// # Errors
/// Only where the file can't be put together.
pub fn write(
    format: Format,
    model: &str,
    as_of: Day,
    rows: &[Value],
    chosen: &[String],
) -> Result<Vec<u8>, ExportError> {
    match format {
        Format::Csv => csv(model, &columns(rows, chosen), rows),
        Format::Xlsx => {
            let title = label(model).map_or(model, |(zh, _)| zh);
            book(&[Sheet { title, model, rows, chosen }], as_of)
        }
    }
}

/// The columns that were chosen; else those of the rows, in their order.
fn columns(rows: &[Value], chosen: &[String]) -> Vec<String> {
    if !chosen.is_empty() {
        return chosen.to_vec();
    }
    let fields = rows.first().and_then(Value::as_object);
    fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

fn heading(model: &str, name: &str) -> String {
    column(model, name).map_or_else(|| name.to_owned(), |(zh, en)| format!("{zh} {en}"))
}

/// What a row says in a column; of the five, how far each is.
fn value<'a>(row: &'a Value, column: &str) -> Option<&'a Value> {
    row.get(column).or_else(|| row.get("elements")?.get(column))
}

fn cell(column: &str, value: Option<&Value>) -> Cell {
    match value.unwrap_or(&Value::Null) {
        Value::Null => Cell::Nothing,
        Value::Bool(yes) => Cell::Text(word(if *yes { "true" } else { "false" })),
        Value::Number(number) => number.as_i64().map_or_else(|| Cell::Text(number.to_string()), Cell::Number),
        Value::String(text) if column.ends_with("_yuan") => money(text),
        Value::String(text) => match text.parse::<Day>() {
            Ok(day) => Cell::Day(day),
            Err(_) if NAMED.contains(&column) => Cell::Text(word(text)),
            Err(_) => Cell::Text(text.clone()),
        },
        list @ (Value::Array(_) | Value::Object(_)) => match told(column, list) {
            text if text.is_empty() => Cell::Nothing,
            text => Cell::Text(text),
        },
    }
}

/// An amount, which may be negative in a balance.
fn money(text: &str) -> Cell {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    digits.parse::<Fen>().map_or_else(|_| Cell::Text(text.to_owned()), |fen| Cell::Money(Fen(sign * fen.0)))
}

fn word(key: &str) -> String {
    label(key).map_or_else(|| key.to_owned(), |(zh, _)| zh.to_owned())
}

/// Lists and nested figures in words.
fn told(column: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if NAMED.contains(&column) => word(text),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => word(if *yes { "true" } else { "false" }),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => {
            let items = items.iter().map(|item| told(column, item)).filter(|text| !text.is_empty());
            items.collect::<Vec<_>>().join("；")
        }
        Value::Object(fields) if fields.contains_key("code") => reason(value).0,
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            let one = |(name, value): (&String, &Value)| format!("{} {}", word(name), told(name, value));
            fields.map(one).collect::<Vec<_>>().join("，")
        }
    }
}

/// With a byte order mark, by which spreadsheets know the encoding. A text that a spreadsheet would take for a formula is
/// written with an apostrophe before it.
fn csv(model: &str, columns: &[String], rows: &[Value]) -> Result<Vec<u8>, ExportError> {
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    if !columns.is_empty() {
        writer.write_record(columns.iter().map(|column| heading(model, column)))?;
    }
    for row in rows {
        writer.write_record(columns.iter().map(|column| match cell(column, value(row, column)) {
            Cell::Nothing => String::new(),
            Cell::Number(number) => number.to_string(),
            Cell::Money(fen) => fen.to_string(),
            Cell::Day(day) => day.to_string(),
            Cell::Text(text) if text.starts_with(['=', '+', '-', '@', '\t']) => format!("'{text}"),
            Cell::Text(text) => text,
        }))?;
    }
    writer.into_inner().map_err(|error| ExportError::Csv(error.into_error().into()))
}

/// One table of a workbook.
pub struct Sheet<'a> {
    pub title: &'a str,
    /// The read model whose rows they are.
    pub model: &'a str,
    pub rows: &'a [Value],
    /// The columns in their order; all of the rows where none is named.
    pub chosen: &'a [String],
}

/// Several tables as one workbook, as of a day, with what their columns mean.
///
/// # Errors
/// Only where the file can't be put together.
pub fn book(sheets: &[Sheet<'_>], as_of: Day) -> Result<Vec<u8>, ExportError> {
    let mut book = Workbook::new();
    for (at, sheet) in (1..).zip(sheets) {
        // Spreadsheets take names of 31 characters, each once, without some marks.
        let name: String = sheet.title.chars().filter(|c| !"[]:*?/\\".contains(*c)).take(27).collect();
        let name = if sheets.len() > 1 { format!("{at} {name}") } else { name };
        fill(book.add_worksheet().set_name(name)?, sheet)?;
    }
    let bold = bold();
    let notes = book.add_worksheet();
    notes.set_name("说明 Notes")?;
    notes.set_column_width(0, 28)?;
    notes.set_column_width(1, 60)?;
    notes.set_column_width(2, 60)?;
    notes.write(0, 0, "截至 As of")?;
    notes.write(0, 1, as_of.to_string())?;
    let mut line = 1;
    for sheet in sheets {
        let (zh, en) = label(sheet.model).unwrap_or((sheet.model, sheet.model));
        notes.write_with_format(line, 0, format!("{zh} {en}"), &bold)?;
        notes.write(line, 1, sheet.title)?;
        notes.write(line + 1, 0, "行数 Rows")?;
        notes.write(line + 1, 1, u32::try_from(sheet.rows.len()).unwrap_or(u32::MAX))?;
        line += 2;
    }
    if sheets.iter().any(|sheet| sheet.model == statistics::NAME) {
        for (line, (column, zh, en)) in (line + 1..).zip(statistics::DEFINITIONS) {
            notes.write(line, 0, heading(statistics::NAME, column))?;
            notes.write(line, 1, *zh)?;
            notes.write(line, 2, *en)?;
        }
    }
    Ok(book.save_to_buffer()?)
}

fn bold() -> Style {
    Style::new().set_bold().set_text_wrap()
}

fn fill(page: &mut Worksheet, sheet: &Sheet<'_>) -> Result<(), ExportError> {
    let Sheet { model, rows, chosen, .. } = *sheet;
    let columns = columns(rows, chosen);
    let (bold, money) = (bold(), Style::new().set_num_format("#,##0.00"));
    let day = Style::new().set_num_format("yyyy-mm-dd");
    for (at, column) in (0..).zip(&columns) {
        page.write_with_format(0, at, heading(model, column), &bold)?;
        page.set_column_width(at, if column.contains("description") { 40 } else { 16 })?;
    }
    page.set_freeze_panes(1, 0)?;
    for (line, row) in (1..).zip(rows) {
        for (at, column) in (0..).zip(&columns) {
            put(page, line, at, cell(column, value(row, column)), &money, &day)?;
        }
    }
    if let (Some(last), true) =
        (u16::try_from(columns.len()).ok().and_then(|many| many.checked_sub(1)), !rows.is_empty())
    {
        page.autofilter(0, 0, u32::try_from(rows.len()).unwrap_or(u32::MAX), last)?;
    }
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a spreadsheet knows no other numbers; fen below 2^53 are exact"
)]
fn put(
    sheet: &mut Worksheet,
    line: u32,
    at: u16,
    cell: Cell,
    money: &Style,
    day: &Style,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Nothing => {}
        Cell::Text(text) => {
            // A cell of a spreadsheet takes 32,767 characters; more is in the ledger.
            let text: String = text.chars().take(32_767).collect();
            sheet.write_string(line, at, text)?;
        }
        Cell::Number(number) => {
            sheet.write_number(line, at, number as f64)?;
        }
        Cell::Money(fen) => {
            sheet.write_number_with_format(line, at, fen.0 as f64 / 100.0, money)?;
        }
        Cell::Day(on) => {
            let (year, month, dom) = on.parts();
            let date = ExcelDateTime::from_ymd(year, month, dom)?;
            sheet.write_datetime_with_format(line, at, &date, day)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(rows: &[Value]) -> String {
        let day = "2024-05-10".parse().expect("day");
        String::from_utf8(write(Format::Csv, "register", day, rows, &[]).expect("file")).expect("text")
    }

    #[test]
    fn columns_that_were_chosen_stand_in_their_order_and_others_do_not() {
        let rows = [
            json!({ "place": "井", "status": "closed", "elements": { "funds": "confirmed" }, "town": "镇" }),
        ];
        let chosen = ["status", "place", "funds"].map(str::to_owned);
        let day = "2024-05-10".parse().expect("day");
        let written = write(Format::Csv, "register", day, &rows, &chosen).expect("file");
        let text = String::from_utf8(written).expect("text");
        let row = text.lines().nth(1).unwrap_or_default();
        assert!(
            row.starts_with("已销号,井,") && !text.contains('镇') && row.len() > "已销号,井,".len(),
            "{text}"
        );
    }

    #[test]
    fn a_text_that_looks_like_a_formula_is_no_formula() {
        let rows =
            [json!({ "place": "=HYPERLINK(\"http://x\")", "description": "-1+2", "left_yuan": "-15.00" })];
        let written = text(&rows);
        assert!(written.contains("\"'=HYPERLINK(\"\"http://x\"\")\""), "{written}");
        assert!(written.contains("'-1+2") && written.contains(",-15.00"), "{written}");
        assert!(written.starts_with('\u{feff}'));
    }

    #[test]
    fn names_are_shown_by_their_labels_and_lists_in_words() {
        let reasons =
            json!([{ "code": "accountability.understated", "details": {}, "source": "方案 矿山 36" }]);
        let rows =
            [json!({ "status": "closed", "overdue": true, "reasons": reasons, "vetoed_by": ["a", "b"] })];
        let written = text(&rows);
        for part in ["状态 Status", "已销号", "是", "方案 矿山 36", "a；b"] {
            assert!(written.contains(part), "{part}: {written}");
        }
    }

    #[test]
    fn a_ground_and_a_condition_name_their_entries_and_a_step_says_its_words() {
        let ground =
            json!({ "code": "closure.no_licence", "details": {}, "source": "方案 矿山 26", "proof": [0, 7] });
        let condition = json!({ "code": "relief.plan_made", "source": "方案 矿山 11", "condition": "plan_made",
            "holds": "met", "proof": [4] });
        let step =
            json!({ "stage": "committed", "text": "三十万元", "position": 5, "day": "2024-05-10", "by": [] });
        let rows = [json!({ "grounds": [ground], "conditions": [condition], "steps": { "funds": [step] } })];
        let written = text(&rows);
        for part in [
            "无证照从事生产。（方案 矿山 26）［第 0, 7 条］",
            "符合：",
            "［第 4 条］",
            "内容 三十万元",
            "已承诺",
        ] {
            assert!(written.contains(part), "{part}: {written}");
        }
    }

    #[test]
    fn an_empty_table_is_a_file_too() {
        assert!(!write(Format::Xlsx, "register", Day::default(), &[], &[]).expect("file").is_empty());
        assert_eq!(text(&[]), "\u{feff}");
    }
}
