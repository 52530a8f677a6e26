//! A register as a table of text, whatever file it came in.

use std::path::Path;

use anyhow::{Context, Result};
use calamine::{Data, DataType, Reader};

use crate::failure::fail;

/// Most rows of one file; more is not one bureau's register.
const ROWS_MAX: usize = 200_000;
/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// One row with its number as a spreadsheet shows it.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) cells: Vec<String>,
}

/// Reads CSV, TSV or XLSX; lines without any content are left out.
pub(super) fn read(path: &Path) -> Result<Vec<Line>> {
    let size = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(fail("文件过大（上限256 MiB）", "the file is larger than 256 MiB"));
    }
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let lines = match extension.as_str() {
        "csv" => read_text(path, b',')?,
        "tsv" => read_text(path, b'\t')?,
        "xlsx" => read_workbook(path)?,
        _ => {
            let (zh, en) = ("只接受 .csv、.tsv、.xlsx 文件", "the file is neither .csv, .tsv nor .xlsx");
            return Err(fail(zh, en));
        }
    };
    if lines.len() > ROWS_MAX {
        return Err(fail("文件超过20万行，请拆分", "the file has more than 200,000 rows; split it"));
    }
    Ok(lines.into_iter().filter(|line| line.cells.iter().any(|cell| !cell.is_empty())).collect())
}

fn read_text(path: &Path, delimiter: u8) -> Result<Vec<Line>> {
    let text = decode(&std::fs::read(path)?)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut lines = Vec::new();
    for (number, record) in (1..).zip(reader.records()) {
        lines.push(Line { number, cells: record?.iter().map(|cell| cell.trim().to_owned()).collect() });
    }
    Ok(lines)
}

/// UTF-8 with or without byte order mark, else GB18030, which Excel writes in China. Nothing is guessed beyond that, and
/// nothing replaced: a byte that fits neither refuses the file.
fn decode(bytes: &[u8]) -> Result<String> {
    let plain = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(plain) {
        return Ok(text.to_owned());
    }
    let text = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    let refused = || fail("文件既不是 UTF-8 也不是 GB18030 编码", "the file is neither UTF-8 nor GB18030");
    text.map(std::borrow::Cow::into_owned).ok_or_else(refused)
}

fn read_workbook(path: &Path) -> Result<Vec<Line>> {
    let mut workbook: calamine::Xlsx<_> = calamine::open_workbook(path)?;
    let none = || fail("工作簿没有工作表", "the workbook has no sheet");
    let sheet = workbook.worksheet_range_at(0).ok_or_else(none)??;
    // The range begins at the first cell that holds something.
    let above = sheet.start().map_or(0, |(row, _)| row as usize);
    let lines = sheet.rows().zip(above + 1..);
    Ok(lines.map(|(row, number)| Line { number, cells: row.iter().map(cell).collect() }).collect())
}

/// A date cell gives its day, whatever its format shows.
fn cell(cell: &Data) -> String {
    if cell.is_datetime() {
        return cell.as_date().map_or_else(String::new, |day| day.to_string());
    }
    if let Data::DateTimeIso(text) = cell {
        return text.chars().take("2024-05-10".len()).collect();
    }
    cell.to_string().trim().to_owned()
}
