//! A register as a table of text, whatever file it came in.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use calamine::{Data, DataType, Reader, XlsxError};
use zip::ZipArchive;

/// How much is taken of one file.
#[derive(Clone, Copy, Debug)]
pub struct Ceilings {
    pub rows: usize,
    pub columns: usize,
    /// Bytes of a workbook unpacked, and of the text in all cells; none where the file is the operator's own.
    pub unpacked: Option<u64>,
}

/// Longest heading, in characters. No register names a column in more, and it is shown for each of our fields and with each refused cell.
pub const HEADING_CHARS_MAX: usize = 200;

/// Longest text of a cell, in UTF-16 units: what Excel holds (Microsoft, "Excel specifications and limits"), so that every row can be
/// given back as a workbook.
pub const CELL_UNITS_MAX: usize = 32_767;

/// Why a file is no register.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("the file is neither UTF-8 nor GB18030")]
    NotText,
    #[error("the workbook has no sheet")]
    NoSheet,
    #[error("the file has more than {0} rows")]
    TooManyRows(usize),
    #[error("the file has more than {0} columns")]
    TooManyColumns(usize),
    #[error("the heading of column {column} is longer than {max} characters", max = HEADING_CHARS_MAX)]
    HeadingTooLong { column: usize },
    #[error("the cell in row {row}, column {column} is longer than {max} characters", max = CELL_UNITS_MAX)]
    CellTooLong { row: usize, column: usize },
    #[error("the file holds more than {0} bytes when it is unpacked")]
    TooMuch(u64),
    #[error(transparent)]
    Csv(#[from] csv::Error),
    #[error(transparent)]
    Workbook(#[from] XlsxError),
}

/// One row with its number as a spreadsheet shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub number: usize,
    pub cells: Vec<String>,
}

/// The first line with content names the columns.
#[derive(Debug)]
pub struct Table {
    pub head: Line,
    pub body: Vec<Line>,
}

impl Table {
    /// None where there is no line at all.
    pub fn of(lines: Vec<Line>) -> Option<Self> {
        let mut lines = lines.into_iter();
        let head = lines.next()?;
        Some(Self { head, body: lines.collect() })
    }
}

/// What kind of file a register is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Csv,
    Tsv,
    Xlsx,
}

impl Kind {
    /// By the ending of a file's name.
    pub fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }
}

/// Reads CSV, TSV or XLSX; lines without any content are left out.
///
/// # Errors
/// What is wrong with the file as a whole, or which ceiling it is over.
pub fn read(kind: Kind, bytes: &[u8], ceilings: &Ceilings) -> Result<Vec<Line>, ImportError> {
    let mut lines = match kind {
        Kind::Csv => read_text(bytes, b',', ceilings)?,
        Kind::Tsv => read_text(bytes, b'\t', ceilings)?,
        Kind::Xlsx => read_workbook(bytes, ceilings)?,
    };
    lines.retain(|line| line.cells.iter().any(|cell| !cell.is_empty()));
    check_headings(lines.first())?;
    Ok(lines)
}

/// Headings are asked for their length when it is known which line they are: the first that is not empty.
fn check_headings(head: Option<&Line>) -> Result<(), ImportError> {
    let mut headings = head.into_iter().flat_map(|line| &line.cells);
    let long = headings.position(|heading| heading.chars().nth(HEADING_CHARS_MAX).is_some());
    long.map_or(Ok(()), |at| Err(ImportError::HeadingTooLong { column: at + 1 }))
}

/// A text with as many bytes has no more units, which need not be counted then.
fn is_cell_too_long(text: &str) -> bool {
    text.len() > CELL_UNITS_MAX && text.encode_utf16().nth(CELL_UNITS_MAX).is_some()
}

fn read_text(bytes: &[u8], delimiter: u8, ceilings: &Ceilings) -> Result<Vec<Line>, ImportError> {
    let text = decode(bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut lines = Vec::new();
    for (number, record) in (1..).zip(reader.records()) {
        if number > ceilings.rows {
            return Err(ImportError::TooManyRows(ceilings.rows));
        }
        let record = record?;
        let filled = record.iter().zip(1..).filter(|(cell, _)| !cell.trim().is_empty()).last();
        let filled = filled.map_or(0, |(_, column)| column);
        if filled > ceilings.columns {
            return Err(ImportError::TooManyColumns(ceilings.columns));
        }
        let mut cells = Vec::with_capacity(filled);
        for (column, cell) in (1..=filled).zip(&record) {
            let text = cell.trim();
            if is_cell_too_long(text) {
                return Err(ImportError::CellTooLong { row: number, column });
            }
            cells.push(text.to_owned());
        }
        lines.push(Line { number, cells });
    }
    Ok(lines)
}

/// UTF-8 with or without byte order mark, else GB18030, which Excel writes in China. Nothing is guessed beyond that, and
/// nothing replaced: a byte that fits neither refuses the file.
fn decode(bytes: &[u8]) -> Result<String, ImportError> {
    let plain = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(plain) {
        return Ok(text.to_owned());
    }
    let text = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(std::borrow::Cow::into_owned).ok_or(ImportError::NotText)
}

/// Cell by cell, so that one in the last corner of a sheet makes no table of all that lies before it.
fn read_workbook(bytes: &[u8], ceilings: &Ceilings) -> Result<Vec<Line>, ImportError> {
    let most = ceilings.unpacked.unwrap_or(u64::MAX);
    if ceilings.unpacked.is_some() {
        check_unpacked(bytes, most)?;
    }
    let mut workbook: calamine::Xlsx<_> = calamine::Xlsx::new(Cursor::new(bytes))?;
    let sheet = workbook.sheet_names().into_iter().next().ok_or(ImportError::NoSheet)?;
    let mut cells = match workbook.worksheet_cells_reader(&sheet) {
        Ok(cells) => cells,
        // A chart on a sheet of its own.
        Err(XlsxError::NotAWorksheet(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let (mut rows, mut held) = (BTreeMap::<usize, Vec<String>>::new(), 0_u64);
    while let Some(read) = cells.next_cell()? {
        let (row, column) = read.get_position();
        let text = cell(&Data::from(read.get_value().clone()));
        if text.is_empty() {
            continue;
        }
        // A text that many cells share is written out for each.
        held = held.saturating_add(text.len() as u64);
        if held > most {
            return Err(ImportError::TooMuch(most));
        }
        let (row, column) = (row as usize, column as usize);
        if column >= ceilings.columns {
            return Err(ImportError::TooManyColumns(ceilings.columns));
        }
        if is_cell_too_long(&text) {
            return Err(ImportError::CellTooLong { row: row + 1, column: column + 1 });
        }
        let line = rows.entry(row).or_default();
        if line.len() <= column {
            line.resize(column + 1, String::new());
        }
        if let Some(cell) = line.get_mut(column) {
            *cell = text;
        }
        if rows.len() > ceilings.rows {
            return Err(ImportError::TooManyRows(ceilings.rows));
        }
    }
    Ok(rows.into_iter().map(|(row, cells)| Line { number: row + 1, cells }).collect())
}

/// Whether all parts of a workbook fit into so many bytes. What they say of their size is not asked: they are unpacked into nothing.
/// A part that can't be unpacked to its end refuses the file.
fn check_unpacked(bytes: &[u8], most: u64) -> Result<(), ImportError> {
    let unreadable = |error| ImportError::from(XlsxError::Zip(error));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let mut left = most;
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(unreadable)?;
        let took = std::io::copy(&mut part.take(left.saturating_add(1)), &mut std::io::sink());
        let took = took.map_err(|error| ImportError::from(XlsxError::Io(error)))?;
        left = left.checked_sub(took).ok_or(ImportError::TooMuch(most))?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const SMALL: Ceilings = Ceilings { rows: 10, columns: 3, unpacked: Some(200_000) };

    fn book(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
        let mut book = rust_xlsxwriter::Workbook::new();
        fill(book.add_worksheet());
        book.save_to_buffer().expect("a workbook")
    }

    /// A workbook as a program writes it that knows no limit.
    fn book_of_one_cell(text: &str) -> Vec<u8> {
        let mark = "a mark that another text replaces";
        let bytes = book(|sheet| {
            sheet.write(0, 0, mark).expect("written");
        });
        let mut parts = ZipArchive::new(Cursor::new(bytes)).expect("a zip");
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for at in 0..parts.len() {
            let mut part = parts.by_index(at).expect("a part");
            let mut content = String::new();
            part.read_to_string(&mut content).expect("text");
            let options = zip::write::SimpleFileOptions::default();
            archive.start_file(part.name().expect("a name").into_owned(), options).expect("a part");
            archive.write_all(content.replace(mark, text).as_bytes()).expect("written");
        }
        archive.finish().expect("a zip").into_inner()
    }

    #[test]
    fn given_a_cell_in_the_last_corner_then_no_table_of_the_whole_sheet_is_made() {
        let rows = book(|sheet| {
            sheet.write(0, 0, "甲").expect("written");
            sheet.write(1_048_575, 2, "乙").expect("written");
        });
        let lines = read(Kind::Xlsx, &rows, &SMALL).expect("read");
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 1_048_576]);
        assert_eq!(lines[1].cells, ["", "", "乙"]);
        let wide = book(|sheet| {
            sheet.write(0, 16_383, "丙").expect("written");
        });
        assert!(matches!(read(Kind::Xlsx, &wide, &SMALL), Err(ImportError::TooManyColumns(3))));
    }

    #[test]
    fn given_a_part_that_unpacks_to_more_than_the_ceiling_then_it_is_refused_whatever_it_says_of_its_size() {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file("xl/huge.xml", zip::write::SimpleFileOptions::default()).expect("a part");
        archive.write_all(&vec![b' '; 2_000_000]).expect("written");
        let mut bytes = archive.finish().expect("a zip").into_inner();
        assert!(bytes.len() < 10_000, "it is small as long as it is packed");
        assert!(matches!(read(Kind::Xlsx, &bytes, &SMALL), Err(ImportError::TooMuch(200_000))));
        // The size in the directory and in the part's own head.
        for at in 0..bytes.len().saturating_sub(4) {
            if bytes[at..at + 4] == 2_000_000_u32.to_le_bytes() {
                bytes[at..at + 4].copy_from_slice(&5_u32.to_le_bytes());
            }
        }
        assert!(read(Kind::Xlsx, &bytes, &SMALL).is_err());
    }

    #[test]
    fn given_one_text_in_many_cells_then_each_counts() {
        let long = "长".repeat(30_000);
        let rows = book(|sheet| {
            for row in 0..4 {
                sheet.write(row, 0, &long).expect("written");
            }
        });
        assert!(matches!(read(Kind::Xlsx, &rows, &SMALL), Err(ImportError::TooMuch(_))));
    }

    #[test]
    fn given_a_heading_or_a_cell_that_is_too_long_then_it_is_refused_and_the_longest_are_read() {
        let text = |heading: usize, cell: usize| {
            format!("\nname,{}\nb,{}\n", "列".repeat(heading), "字".repeat(cell)).into_bytes()
        };
        let lines = read(Kind::Csv, &text(200, 32_767), &SMALL).expect("read");
        assert_eq!(lines[1].cells[1].chars().count(), 32_767);
        let heading = read(Kind::Csv, &text(201, 1), &SMALL).expect_err("a long heading");
        assert!(matches!(heading, ImportError::HeadingTooLong { column: 2 }), "{heading}");
        let cell = read(Kind::Csv, &text(1, 32_768), &SMALL).expect_err("a long cell");
        assert!(matches!(cell, ImportError::CellTooLong { column: 2, .. }), "{cell}");
        // Two units each.
        let rare = "𠮷".repeat(16_384);
        assert!(matches!(read(Kind::Tsv, rare.as_bytes(), &SMALL), Err(ImportError::CellTooLong { .. })));
        let head = book(|sheet| {
            sheet.write(3, 1, "列".repeat(201)).expect("written");
        });
        assert!(matches!(read(Kind::Xlsx, &head, &SMALL), Err(ImportError::HeadingTooLong { column: 2 })));
        // No spreadsheet writes a longer cell; other programs might.
        let long = read(Kind::Xlsx, &book_of_one_cell(&"x".repeat(32_768)), &SMALL);
        assert!(matches!(long, Err(ImportError::CellTooLong { row: 1, column: 1 })), "{long:?}");
    }

    #[test]
    fn given_too_many_rows_or_columns_of_text_then_it_is_refused_and_empty_ones_at_the_end_are_not_counted() {
        let text = |line: &str, many: usize| line.repeat(many).into_bytes();
        assert!(matches!(read(Kind::Csv, &text("a,b\n", 11), &SMALL), Err(ImportError::TooManyRows(10))));
        assert!(matches!(
            read(Kind::Tsv, &text("a\tb\tc\td\n", 1), &SMALL),
            Err(ImportError::TooManyColumns(3))
        ));
        let lines = read(Kind::Csv, &text("a,b,,,,,,\n", 2), &SMALL).expect("read");
        assert_eq!(lines[1], Line { number: 2, cells: vec!["a".to_owned(), "b".to_owned()] });
    }
}
