//! The rows that were refused, as they stood in the file, with the reasons beside them: mended, it can be brought again.

use std::collections::BTreeMap;

use adit_core::refusal::{Lang, Refusal};
use rust_xlsxwriter::{Format as Style, Workbook};

use super::row::said;
use super::{CELL_UNITS_MAX, Table};
use crate::export::ExportError;

/// Rows by their numbers, with what is wrong with which column; where none is named, with the row.
pub(crate) fn refused(
    table: &Table,
    reasons: &BTreeMap<usize, Vec<(&str, Refusal)>>,
) -> Result<Vec<u8>, ExportError> {
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    page.set_name("退回的行 Refused rows")?;
    let bold = Style::new().set_bold().set_text_wrap();
    let columns = u16::try_from(table.head.cells.len()).unwrap_or(u16::MAX);
    for (at, name) in (0..columns).zip(&table.head.cells) {
        page.write_string_with_format(0, at, fitting(name), &bold)?;
        page.set_column_width(at, 16)?;
    }
    page.write_string_with_format(0, columns, "退回原因 Why refused", &bold)?;
    page.set_column_width(columns, 60)?;
    page.set_freeze_panes(1, 0)?;
    let lines = table.body.iter().filter_map(|line| Some((line, reasons.get(&line.number)?)));
    for (at, (line, reasons)) in (1..).zip(lines) {
        for (column, cell) in (0..columns).zip(&line.cells) {
            // As text, so that nothing is taken for a formula.
            page.write_string(at, column, fitting(cell))?;
        }
        let why: Vec<String> =
            reasons.iter().map(|(column, refusal)| reason(line.number, column, refusal)).collect();
        page.write_string(at, columns, fitting(&why.join("\n")))?;
    }
    Ok(book.save_to_buffer()?)
}

/// As much of a text as a cell holds.
fn fitting(text: &str) -> &str {
    let mut units = 0;
    let past = text.char_indices().find(|(_, letter)| {
        units += letter.len_utf16();
        units > CELL_UNITS_MAX
    });
    past.map_or(text, |(end, _)| text.split_at(end).0)
}

fn reason(row: usize, column: &str, refusal: &Refusal) -> String {
    let place = if column.is_empty() { format!("{row}") } else { format!("{row} {column}") };
    format!("{place}：{} {}", said(refusal, Lang::Zh), said(refusal, Lang::En))
}

#[cfg(test)]
mod tests {
    use super::super::Line;
    use super::*;

    #[test]
    fn given_texts_longer_than_a_cell_then_they_are_cut_and_the_workbook_is_written() {
        let line = |number: usize, text: &str| Line { number, cells: vec![text.to_owned()] };
        let long = "𠮷".repeat(CELL_UNITS_MAX);
        assert_eq!(fitting(&long).encode_utf16().count(), CELL_UNITS_MAX - 1, "no half of a letter");
        assert_eq!(fitting("短"), "短");
        let table = Table { head: line(1, &long), body: vec![line(2, &long)] };
        let reasons = BTreeMap::from([(2, vec![(&*long, Refusal::new("import.blank"))])]);
        assert!(refused(&table, &reasons).is_ok_and(|book| !book.is_empty()));
    }
}
