//! `adit import`: a bureau's own register becomes hazards, through the same commands as everything else.
//!
//! Every row is read and checked before anything is written. A row's command id is made of what is taken over from it, so the
//! same file twice adds nothing, and a longer export of the same register adds only what is new.

mod row;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;

use adit_core::command::{Command, Request};
use adit_core::enterprise::{EnterpriseCommand, EnterpriseEvent};
use adit_core::event::Event;
use adit_core::hazard::{HazardCommand, Report};
use adit_core::id::{ActorId, CommandId, Id, StreamId};
use adit_core::ledger::clock::{Clock, SystemClock};
use adit_core::ledger::home::Home;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::Office;
use adit_core::rules::Rules;
use adit_core::units::Position;
use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::failure::fail;
use row::{Bad, Columns, Row};

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
    let table = table::read(&args.file).with_context(|| format!("couldn't read {}", args.file.display()))?;
    let (rows, bad) = row::check(&columns, &table, &Rules::builtin()?, SystemClock.now().day())?;
    let stopped = !bad.is_empty() && !args.skip_bad;
    let written = if stopped || args.dry_run { None } else { Some(write(args, &rows)?) };
    if args.json {
        say!("{}", said(&rows, &bad, written.as_ref()));
    } else {
        tell(&rows, &bad, written.as_ref());
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

/// What was written.
#[derive(Default)]
struct Written {
    enterprises: usize,
    hazards: usize,
    /// Rows that an earlier run had taken over.
    repeated: usize,
}

fn said(rows: &[Row], bad: &[Bad], written: Option<&Written>) -> Value {
    let bad: Vec<_> =
        bad.iter().map(|b| json!({ "row": b.row, "column": b.column, "zh": b.zh, "en": b.en })).collect();
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

fn tell(rows: &[Row], bad: &[Bad], written: Option<&Written>) {
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
    for Bad { row, column, zh, en } in bad {
        eprintln!("第{row}行“{column}”：{zh} / row {row}, column {column:?}: {en}");
    }
    if let Some(Written { enterprises, hazards, repeated }) = written {
        say!("已写入 {enterprises} 家企业、{hazards} 项隐患；{repeated} 项此前已导入");
        say!("written: {enterprises} enterprises, {hazards} hazards; {repeated} had been taken over before");
    }
}

/// A command id made of what it is for.
fn command_id(what: &str, hash: &[u8; 32]) -> CommandId {
    let derived = blake3::derive_key(what, hash);
    let mut id = [0; 16];
    id.copy_from_slice(&derived[..16]);
    CommandId(Id(id))
}

fn write(args: &Args, rows: &[Row]) -> Result<Written> {
    let office = Office::open(crate::open::ledger(&args.data.data)?)?;
    let key = signer(args)?;
    let mut desk = Desk { enterprises: registered(&office)?, office, key, written: Written::default() };
    let bar = crate::output::progress(rows.len() as u64, "导入 import", args.json);
    for row in rows {
        desk.take_over(row)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(desk.written)
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

/// Who enters the rows, and what is known already.
struct Desk {
    office: Office,
    key: SigningKey,
    enterprises: BTreeMap<String, StreamId>,
    written: Written,
}

impl Desk {
    fn take_over(&mut self, row: &Row) -> Result<()> {
        let enterprise = self.enterprise(row)?;
        let report = Report { enterprise, ..row.report.clone() };
        let id = command_id("adit.v1 import hazard", &row.hash);
        let repeated = self.execute(id, Command::Hazard(HazardCommand::Report(report)))?.1;
        self.written.hazards += usize::from(!repeated);
        self.written.repeated += usize::from(repeated);
        Ok(())
    }

    /// The enterprise of the row, entered when its name is new.
    fn enterprise(&mut self, row: &Row) -> Result<StreamId> {
        let name = row.register.name.to_string();
        if let Some(enterprise) = self.enterprises.get(&name) {
            return Ok(*enterprise);
        }
        let command = Command::Enterprise(EnterpriseCommand::Register(row.register.clone()));
        let (stream, _) = self.execute(CommandId(Id::random()?), command)?;
        self.written.enterprises += 1;
        self.enterprises.insert(name, stream);
        Ok(stream)
    }

    fn execute(&self, id: CommandId, command: Command) -> Result<(StreamId, bool)> {
        let answer = self.office.execute(&Request { id, stream: None, command }, &[&self.key])?;
        Ok((answer.stream, answer.repeated))
    }
}

/// Enterprises that are registered, by name.
fn registered(office: &Office) -> Result<BTreeMap<String, StreamId>> {
    let mut found = BTreeMap::new();
    office.ledger().replay(Position(0), Position(u64::MAX), |fact| {
        if let Event::Enterprise(EnterpriseEvent::Registered(register)) = fact.event {
            found.insert(register.name.to_string(), fact.stream);
        }
        anyhow::Ok(())
    })?;
    Ok(found)
}
