//! `adit import`: a bureau's own register becomes hazards, through the same commands as everything else.
//!
//! Every row is read and checked before anything is written. A row's command ids are made of its content, so the same
//! file twice adds nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use adit_api::keystore::Keystore;
use adit_core::command::{Command, Request};
use adit_core::enterprise::{EnterpriseCommand, Register};
use adit_core::event::Event;
use adit_core::hazard::{HazardCommand, Origin, Report};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::home::Home;
use adit_core::office::Office;
use adit_core::rules::closure::Licence;
use adit_core::rules::criteria;
use adit_core::rules::reward::Sector;
use adit_core::text::Text;
use adit_core::units::{Day, Position};
use anyhow::{Context, Result, bail};
use calamine::{DataType, Reader};
use serde::Deserialize;
use serde_json::json;

/// Take over a bureau's own register. Nothing is written unless all rows are well, or --skip-bad is given.
///
/// The first row names the columns. By default they are 单位名称, 行业, 乡镇, 隐患地点, 隐患描述, 发现日期, 判定条款; --map names a
/// TOML file with other names: name = "…", sector, town, place, description, found_on, criterion.
///
/// Example: adit import --data /srv/adit --actor <clerk's id> --dry-run register.xlsx
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: crate::DataDir,
    /// TOML file that maps our fields to the file's columns
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Read, check and preview; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Take the good rows and leave the bad ones out
    #[arg(long)]
    skip_bad: bool,
    /// The clerk who signs
    #[arg(long, value_name = "ID", required_unless_present = "dry_run")]
    actor: Option<ActorId>,
    /// The clerk's password
    #[arg(long, env = "ADIT_PASSWORD", hide_env_values = true, required_unless_present = "dry_run")]
    password: Option<String>,
    #[arg(long)]
    json: bool,
    /// CSV, TSV (UTF-8) or XLSX
    file: PathBuf,
}

/// Which column holds what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Columns {
    name: String,
    sector: String,
    town: String,
    place: String,
    description: String,
    found_on: String,
    criterion: String,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            name: "单位名称".into(),
            sector: "行业".into(),
            town: "乡镇".into(),
            place: "隐患地点".into(),
            description: "隐患描述".into(),
            found_on: "发现日期".into(),
            criterion: "判定条款".into(),
        }
    }
}

/// A good row.
struct Row {
    register: Register,
    report: Report,
    /// Hash of the row's content and of how often it stood before in the file.
    hash: [u8; 32],
}

/// A bad cell.
struct Bad {
    row: usize,
    column: String,
    zh: String,
    en: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let columns = match &args.map {
        Some(path) => {
            toml::from_str(&std::fs::read_to_string(path).with_context(|| path.display().to_string())?)?
        }
        None => Columns::default(),
    };
    let table = read(&args.file).with_context(|| format!("couldn't read {}", args.file.display()))?;
    let (rows, bad) = check(&columns, &table)?;
    preview(args, &rows, &bad);
    if !bad.is_empty() && !args.skip_bad {
        bail!(
            "{} bad cells; nothing was written. Mend them, or use --skip-bad / 有错误的单元格，未写入任何内容",
            bad.len()
        );
    }
    if args.dry_run {
        return Ok(());
    }
    let written = write(args, &rows)?;
    if args.json {
        println!("{}", json!({ "rows": rows.len(), "bad": bad.len(), "entries_written": written }));
    } else {
        println!("已导入 / imported: {} rows, {written} new entries", rows.len());
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Vec<String>>> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "csv" => read_text(path, b','),
        "tsv" => read_text(path, b'\t'),
        "xlsx" => read_workbook(path),
        _ => bail!("the file is neither .csv, .tsv nor .xlsx / 只接受 .csv、.tsv、.xlsx"),
    }
}

fn read_text(path: &Path, delimiter: u8) -> Result<Vec<Vec<String>>> {
    let bytes = std::fs::read(path)?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    std::str::from_utf8(text).context("the file is not UTF-8; save it as UTF-8 / 请另存为 UTF-8 编码")?;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text);
    let mut rows = Vec::new();
    for record in reader.records() {
        rows.push(record?.iter().map(|cell| cell.trim().to_owned()).collect());
    }
    Ok(rows)
}

fn read_workbook(path: &Path) -> Result<Vec<Vec<String>>> {
    let mut workbook: calamine::Xlsx<_> = calamine::open_workbook(path)?;
    let sheet = workbook.worksheet_range_at(0).context("the workbook has no sheet")??;
    let cell = |cell: &calamine::Data| match cell.as_date() {
        // A date cell keeps its day, whatever its format shows.
        Some(date) if matches!(cell, calamine::Data::DateTime(_)) => date.to_string(),
        _ => cell.to_string().trim().to_owned(),
    };
    Ok(sheet.rows().map(|row| row.iter().map(cell).collect()).collect())
}

fn check(columns: &Columns, table: &[Vec<String>]) -> Result<(Vec<Row>, Vec<Bad>)> {
    let (header, body) = table.split_first().context("the file is empty / 文件为空")?;
    let index = |name: &str| header.iter().position(|cell| cell == name);
    for name in [&columns.name, &columns.place, &columns.description, &columns.found_on] {
        index(name).with_context(|| format!("there is no column {name:?}; see --map / 缺少列“{name}”"))?;
    }
    let (mut rows, mut bad, mut seen) = (Vec::new(), Vec::new(), BTreeMap::<Vec<String>, u32>::new());
    for (number, cells) in (2..).zip(body) {
        if cells.iter().all(String::is_empty) {
            continue;
        }
        let cell = |name: &str| index(name).and_then(|at| cells.get(at)).map_or("", String::as_str);
        let times = seen.entry(cells.clone()).or_default();
        *times += 1;
        let mut found = Vec::new();
        if let Some(row) = row(columns, &cell, content_hash(cells, *times), number, &mut found) {
            rows.push(row);
        }
        bad.extend(found);
    }
    Ok((rows, bad))
}

fn content_hash(cells: &[String], times: u32) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for cell in cells {
        hasher.update(&(cell.len() as u64).to_be_bytes());
        hasher.update(cell.as_bytes());
    }
    hasher.update(&times.to_be_bytes());
    *hasher.finalize().as_bytes()
}

/// Reads one row; every bad cell is named.
fn row<'a>(
    columns: &Columns,
    cell: &impl Fn(&str) -> &'a str,
    hash: [u8; 32],
    number: usize,
    bad: &mut Vec<Bad>,
) -> Option<Row> {
    let mut refuse = |column: &str, zh: String, en: String| {
        bad.push(Bad { row: number, column: column.to_owned(), zh, en });
    };
    let name = short(cell(&columns.name), &columns.name, &mut refuse);
    let place = short(cell(&columns.place), &columns.place, &mut refuse);
    let description = Text::new(cell(&columns.description));
    if let Err(error) = &description {
        refuse(&columns.description, format!("文本不可用：{error}"), error.to_string());
    }
    let found_on = cell(&columns.found_on).parse::<Day>();
    if let Err(error) = &found_on {
        refuse(&columns.found_on, "日期应写作 2024-05-10，且须存在".to_owned(), error.to_string());
    }
    let sector = sector(cell(&columns.sector));
    if sector.is_none() {
        let (zh, en) = ("行业应为矿山、工贸、化工、烟花爆竹或其他", "the sector is none of ours");
        refuse(&columns.sector, zh.to_owned(), en.to_owned());
    }
    let criterion = cell(&columns.criterion);
    let known =
        criterion.is_empty() || criteria::get(criterion).is_some_and(criteria::Criterion::is_selectable);
    if !known {
        refuse(
            &columns.criterion,
            "没有这一判定条款".to_owned(),
            "there is no such criterion item".to_owned(),
        );
    }
    let town = Text::new(cell(&columns.town)).or_else(|_| Text::new("未填写")).ok()?;
    let (name, place, description, found_on, sector) =
        (name?, place?, description.ok()?, found_on.ok()?, sector?);
    let register = Register {
        name,
        credit_code: None,
        sector,
        town,
        licence: Licence::Full,
        producing: true,
        controller: None,
        parent: None,
    };
    let report = Report {
        // Filled in when the enterprise's stream is known.
        enterprise: StreamId::new(StreamKind::Enterprise, Id::default()),
        origin: Origin::MonitoringAlert,
        inspection: None,
        place,
        description,
        found_on,
        criterion: (!criterion.is_empty()).then(|| criterion.to_owned()),
    };
    known.then_some(Row { register, report, hash })
}

fn short(text: &str, column: &str, refuse: &mut impl FnMut(&str, String, String)) -> Option<Text<200>> {
    match Text::new(text) {
        Ok(text) => Some(text),
        Err(error) => {
            refuse(column, format!("文本不可用：{error}"), error.to_string());
            None
        }
    }
}

fn sector(text: &str) -> Option<Sector> {
    match text {
        "矿山" | "非煤矿山" | "煤矿" | "mine" => Some(Sector::Mine),
        "工贸" | "industry" => Some(Sector::Industry),
        "化工" | "危险化学品" | "chemical" => Some(Sector::Chemical),
        "烟花爆竹" | "fireworks" => Some(Sector::Fireworks),
        "" | "其他" | "other" => Some(Sector::Other),
        _ => None,
    }
}

fn preview(args: &Args, rows: &[Row], bad: &[Bad]) {
    if args.json {
        let bad: Vec<_> =
            bad.iter().map(|b| json!({ "row": b.row, "column": b.column, "zh": b.zh, "en": b.en })).collect();
        if args.dry_run || (!bad.is_empty() && !args.skip_bad) {
            println!("{}", json!({ "good": rows.len(), "bad": bad }));
        }
        return;
    }
    let shown: Vec<_> = rows
        .iter()
        .take(10)
        .map(|row| {
            json!({ "enterprise": row.register.name.as_str(), "place": row.report.place.as_str(),
                "found_on": row.report.found_on, "criterion": row.report.criterion })
        })
        .collect();
    println!("可导入 / good rows: {}", rows.len());
    crate::output::table(&["enterprise", "place", "found_on", "criterion"], &shown);
    for bad in bad {
        eprintln!(
            "第 {} 行 {}：{} / row {}, column {}: {}",
            bad.row, bad.column, bad.zh, bad.row, bad.column, bad.en
        );
    }
}

/// A command id made of what it is for.
fn command_id(hash: &[u8; 32], what: &str) -> CommandId {
    let derived = blake3::derive_key(what, hash);
    let mut id = [0; 16];
    id.copy_from_slice(&derived[..16]);
    CommandId(Id(id))
}

fn write(args: &Args, rows: &[Row]) -> Result<usize> {
    let data = &args.data.data;
    let office = Office::open(crate::open::ledger(data)?)?;
    let (actor, password) = (
        args.actor.context("--actor is missing")?,
        args.password.as_deref().context("--password is missing")?,
    );
    let key = Keystore::at(&Home::beside(data).actors()).unlock(actor, password)?;
    let mut enterprises = registered(&office)?;
    let bar = crate::output::progress(rows.len() as u64, "导入 import", args.json);
    let mut written = 0;
    for row in rows {
        let name = row.register.name.to_string();
        let enterprise = if let Some(enterprise) = enterprises.get(&name) {
            *enterprise
        } else {
            let id = command_id(blake3::hash(name.as_bytes()).as_bytes(), "adit import enterprise");
            let command = Command::Enterprise(EnterpriseCommand::Register(row.register.clone()));
            let answer = office.execute(&Request { id, stream: None, command }, &[&key])?;
            written += usize::from(!answer.repeated) * answer.positions.len();
            enterprises.insert(name, answer.stream);
            answer.stream
        };
        let report = Report { enterprise, ..row.report.clone() };
        let id = command_id(&row.hash, "adit import hazard");
        let command = Command::Hazard(HazardCommand::Report(report));
        let answer = office.execute(&Request { id, stream: None, command }, &[&key])?;
        written += usize::from(!answer.repeated) * answer.positions.len();
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(written)
}

/// Enterprises that are registered, by name.
fn registered(office: &Office) -> Result<BTreeMap<String, StreamId>> {
    let mut found = BTreeMap::new();
    for fact in office.ledger().facts(Position(0)) {
        let fact = fact?;
        if let Event::Enterprise(adit_core::enterprise::EnterpriseEvent::Registered(register)) = fact.event {
            found.insert(register.name.to_string(), fact.stream);
        }
    }
    Ok(found)
}
