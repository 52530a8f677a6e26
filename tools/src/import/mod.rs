//! `adit import`: a bureau's own register becomes hazards, through the same commands as everything else.
//!
//! How rows are read, checked and entered is shared with the workbench: [`adit_api::import`].

mod columns;

use std::path::{Path, PathBuf};

use adit_api::import::{
    self, Bad, CELL_UNITS_MAX, Ceilings, Entered, Entering, HEADING_CHARS_MAX, ImportError, Kind, Row, Table,
};
use adit_core::id::ActorId;
use adit_core::ledger::clock::{Clock, SystemClock};
use adit_core::ledger::home::Home;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::Office;
use adit_core::refusal::Lang;
use adit_core::rules::Rules;
use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::failure::fail;
use columns::Columns;

/// Most rows of one file; more is not one bureau's register.
const ROWS_MAX: usize = 200_000;
/// Most columns that a spreadsheet has.
const COLUMNS_MAX: usize = 16_384;
/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Take over a bureau's own register. Nothing is written unless all rows are well, or --skip-bad is given.
///
/// The first row names the columns: 单位名称, 隐患地点, 隐患描述, 发现日期 must be there; 统一社会信用代码, 行业, 乡镇, 证照情况,
/// 生产状态, 隐患编号, 隐患来源, 判定条款 may be. Other columns are not read. --map names a TOML file with other headings.
/// The ledger's own import key signs, or a clerk with --actor; each row is entered as a hazard taken over from an earlier
/// register, which two inspectors then verify.
/// 导入原有台账：先逐行检查，有错误则一行也不写入。
///
/// Examples:
///   adit import --data /srv/adit --dry-run register.xlsx
///   adit import --data /srv/adit --map columns.toml register.csv
///   ADIT_PASSWORD=… adit import --data /srv/adit --actor ID register.csv
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    data: crate::DataDir,
    /// TOML file that maps our fields to the file's columns; see docs/import.md
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Read, check and preview; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Take the good rows and leave the bad ones out
    #[arg(long)]
    skip_bad: bool,
    /// The clerk who signs, instead of the ledger's import key
    #[arg(long, value_name = "ID", requires = "password")]
    actor: Option<ActorId>,
    /// The clerk's password; better given in the environment
    #[arg(long, env = "ADIT_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// CSV or TSV (UTF-8 or GB18030), or XLSX (first sheet)
    file: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let columns = match &args.map {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            toml::from_str(&text).with_context(|| path.display().to_string())?
        }
        None => Columns::default(),
    };
    let table = read(&args.file).with_context(|| format!("couldn't read {}", args.file.display()))?;
    let table = table.ok_or_else(|| fail("文件为空", "the file is empty"))?;
    let mapping = columns.find(&table.head)?;
    let (rows, bad) = import::check(&mapping, &table, &Rules::builtin()?, SystemClock.now().day());
    let stopped = !bad.is_empty() && !args.skip_bad;
    let written = if stopped || args.dry_run { None } else { Some(write(args, &rows)?) };
    if args.json {
        say!("{}", said(&table, &rows, &bad, written.as_ref()));
    } else {
        tell(&table, &rows, &bad, written.as_ref());
    }
    if stopped {
        let (zh, en) = (
            "处有误，未写入任何内容；请更正，或用 --skip-bad 跳过有误的行",
            "bad cells; nothing was written. Mend them, or leave these rows out with --skip-bad",
        );
        return Err(fail(format!("{}{zh}", bad.len()), format!("{} {en}", bad.len())));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<Table>> {
    let size = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(fail("文件过大（上限256 MiB）", "the file is larger than 256 MiB"));
    }
    let kind = Kind::of(&path.to_string_lossy())
        .ok_or_else(|| fail("只接受 .csv、.tsv、.xlsx 文件", "the file is neither .csv, .tsv nor .xlsx"))?;
    let ceilings = Ceilings { rows: ROWS_MAX, columns: COLUMNS_MAX, unpacked: None };
    let lines = import::read(kind, &std::fs::read(path)?, &ceilings).map_err(told)?;
    Ok(Table::of(lines))
}

fn told(error: ImportError) -> anyhow::Error {
    match error {
        ImportError::NotText => fail("文件既不是 UTF-8 也不是 GB18030 编码", error.to_string()),
        ImportError::NoSheet => fail("工作簿没有工作表", error.to_string()),
        ImportError::TooManyRows(_) => {
            fail("文件超过20万行，请拆分", "the file has more than 200,000 rows; split it")
        }
        ImportError::TooManyColumns(_) | ImportError::TooMuch(_) => {
            fail("文件列数或内容过多", error.to_string())
        }
        ImportError::HeadingTooLong { column } => {
            fail(format!("第{column}列的列名过长（上限{HEADING_CHARS_MAX}字）"), error.to_string())
        }
        ImportError::CellTooLong { row, column } => {
            fail(format!("第{row}行第{column}列过长（上限{CELL_UNITS_MAX}字）"), error.to_string())
        }
        ImportError::Csv(error) => error.into(),
        ImportError::Workbook(error) => error.into(),
    }
}

/// What was written.
#[derive(Default)]
struct Written {
    enterprises: usize,
    hazards: usize,
    /// Rows that an earlier run had taken over.
    repeated: usize,
}

fn said(table: &Table, rows: &[Row], bad: &[Bad], written: Option<&Written>) -> Value {
    let bad: Vec<_> = bad
        .iter()
        .map(|b| {
            let column = b.heading(table);
            json!({ "row": b.row, "column": column, "zh": b.said(Lang::Zh), "en": b.said(Lang::En) })
        })
        .collect();
    let mut said = json!({ "good": rows.len(), "bad": bad });
    if let Some(Written { enterprises, hazards, repeated }) = written {
        said["written"] = json!({ "enterprises": enterprises, "hazards": hazards, "repeated": repeated });
        // One entry for each.
        said["entries_written"] = json!(enterprises + hazards);
    }
    said
}

/// Rows shown in the preview.
const PREVIEW_ROWS: usize = 10;

fn tell(table: &Table, rows: &[Row], bad: &[Bad], written: Option<&Written>) {
    let shown: Vec<_> = rows
        .iter()
        .take(PREVIEW_ROWS)
        .map(|row| {
            json!({
                "enterprise": row.register.name, "town": row.register.town, "licence": row.register.licence,
                "producing": row.register.producing, "place": row.report.place, "found_on": row.report.found_on,
                "criterion": row.report.criterion, "description": row.report.description,
            })
        })
        .collect();
    say!(
        "可导入 {} 行，以下为前 {} 行 / {} good rows, the first {}:",
        rows.len(),
        shown.len(),
        rows.len(),
        shown.len()
    );
    let columns =
        ["enterprise", "town", "licence", "producing", "place", "found_on", "criterion", "description"];
    crate::output::table(&columns, &shown);
    for cell in bad {
        let (row, column) = (cell.row, cell.heading(table));
        let (zh, en) = (cell.said(Lang::Zh), cell.said(Lang::En));
        eprintln!("第{row}行“{column}”：{zh} / row {row}, column {column:?}: {en}");
    }
    if let Some(Written { enterprises, hazards, repeated }) = written {
        say!("已写入 {enterprises} 家企业、{hazards} 项隐患；{repeated} 项此前已导入");
        say!("written: {enterprises} enterprises, {hazards} hazards; {repeated} had been taken over before");
    }
}

fn write(args: &Args, rows: &[Row]) -> Result<Written> {
    let office = Office::open(crate::open::ledger(&args.data.data)?)?;
    let key = signer(args)?;
    let mut entering = Entering::new(&office, &key, import::registered(&office)?);
    let mut written = Written::default();
    let bar = crate::output::progress(rows.len() as u64, "导入 import", args.json);
    for row in rows {
        let Entered { enterprise_is_new, repeated } = entering.enter(row)?;
        written.enterprises += usize::from(enterprise_is_new);
        written.hazards += usize::from(!repeated);
        written.repeated += usize::from(repeated);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(written)
}

/// A clerk's key, or the ledger's own for imports.
fn signer(args: &Args) -> Result<SigningKey> {
    let home = Home::beside(&args.data.data);
    match args.actor.zip(args.password.as_deref()) {
        Some((actor, password)) => crate::open::key_of(&home, actor, password),
        None => home.read_import_key()?.ok_or_else(|| {
            fail(
                "此台账没有导入密钥；请用 --actor 和 --password 指明签名的受理人员",
                "this ledger has no import key; say with --actor and --password which clerk signs",
            )
        }),
    }
}
