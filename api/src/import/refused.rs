//! The rows that were refused, as they stood in the file, with the reasons beside them: mended, it can be brought again.

use std::collections::BTreeMap;

use adit_core::refusal::{Lang, Refusal};
use rust_xlsxwriter::{Format as Style, Workbook};

use super::{Bad, Table};
use crate::export::ExportError;

/// Longest text of a cell, in characters.
const CELL_CHARS_MAX: usize = 32_767;

/// Rows by their numbers, with what is wrong with which column; where none is named, with the row.
pub(crate) fn refused(
    table: &Table,
    reasons: &BTreeMap<usize, Vec<(String, Refusal)>>,
) -> Result<Vec<u8>, ExportError> {
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    page.set_name("退回的行 Refused rows")?;
    let bold = Style::new().set_bold().set_text_wrap();
    let columns = u16::try_from(table.head.cells.len()).unwrap_or(u16::MAX);
    for (at, name) in (0..columns).zip(&table.head.cells) {
        page.write_string_with_format(0, at, name, &bold)?;
        page.set_column_width(at, 16)?;
    }
    page.write_string_with_format(0, columns, "退回原因 Why refused", &bold)?;
    page.set_column_width(columns, 60)?;
    page.set_freeze_panes(1, 0)?;
    let lines = table.body.iter().filter_map(|line| Some((line, reasons.get(&line.number)?)));
    for (at, (line, reasons)) in (1..).zip(lines) {
        for (column, cell) in (0..columns).zip(&line.cells) {
            // As text, so that nothing is taken for a formula.
            page.write_string(at, column, cell.chars().take(CELL_CHARS_MAX).collect::<String>())?;
        }
        let why: Vec<String> =
            reasons.iter().map(|(column, refusal)| said(line.number, column, refusal)).collect();
        page.write_string(at, columns, why.join("\n"))?;
    }
    Ok(book.save_to_buffer()?)
}

fn said(row: usize, column: &str, refusal: &Refusal) -> String {
    let bad = Bad { row, column: column.to_owned(), cell: String::new(), refusal: refusal.clone() };
    let place = if column.is_empty() { format!("{row}") } else { format!("{row} {column}") };
    format!("{place}：{} {}", bad.said(Lang::Zh), bad.said(Lang::En))
}
