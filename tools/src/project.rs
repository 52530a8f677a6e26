//! `adit project`

use std::path::{Path, PathBuf};

use adit_api::export::{self, Format};
use adit_core::office::Office;
use adit_projections::{Filter, Viewer, takes};
use anyhow::{Context, Result};
use serde_json::json;

use crate::failure::fail;

/// Print a read model, now or as of a moment in the past; or write it as CSV or XLSX.
///
/// Examples:
///   adit project register --data /srv/adit --as-of 2024-05-10 --json
///   adit project register --data /srv/adit --where town=东镇 --where overdue=true --limit 20
///   adit project statistics --data /srv/adit --where group=town --out towns.xlsx
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Name of the read model; docs/tables.md lists them
    name: String,
    #[command(flatten)]
    data: crate::DataDir,
    /// A position (included) or a day (its end)
    #[arg(long, value_name = "POSITION|DATE")]
    as_of: Option<String>,
    /// A filter; may be given several times, and all must hold
    #[arg(long = "where", value_name = "FILTER=VALUE")]
    filters: Vec<String>,
    /// Rows to leave out at the beginning
    #[arg(long, default_value_t = 0)]
    offset: usize,
    /// Rows to give at most
    #[arg(long)]
    limit: Option<usize>,
    /// Write a file; its name ends in .csv or .xlsx
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let format = args.out.as_deref().map(format_of).transpose()?;
    let filter = filter(args)?;
    let ledger = crate::open::ledger(&args.data.data)?;
    let (state, today) = crate::open::projections(&ledger, args.as_of.as_deref())?;
    let rules = Office::open(ledger)?.rules_until(state.next())?;
    let page = state.query(&args.name, &filter, Viewer::Reports, &rules, today)?;
    let rows = page.rows;
    match args.out.as_ref().zip(format) {
        Some((path, format)) => {
            let bytes = export::write(format, &args.name, today, &rows, &[])?;
            std::fs::write(path, bytes).with_context(|| path.display().to_string())?;
            say!("{} {}/{}", path.display(), rows.len(), page.total);
        }
        None if args.json => say!(
            "{}",
            json!({ "projection": args.name, "as_of": today, "total": page.total, "offset": page.offset, "rows": rows })
        ),
        None => crate::output::table(&crate::output::columns(&rows), &rows),
    }
    Ok(())
}

fn format_of(path: &Path) -> Result<Format> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    Format::parse(&ending)
        .ok_or_else(|| fail("文件名应以 .csv 或 .xlsx 结尾", "the file's name ends in .csv or .xlsx"))
}

fn filter(args: &Args) -> Result<Filter> {
    let bad = |given: &str| {
        let takes = takes(&args.name).join(", ");
        fail(
            format!("筛选条件“{given}”无效；{} 可用：{takes}", args.name),
            format!("{given:?} is no filter of {}; it takes {takes}", args.name),
        )
    };
    let mut pairs = Vec::new();
    for given in &args.filters {
        let (name, value) = given.split_once('=').ok_or_else(|| bad(given))?;
        if !takes(&args.name).contains(&name) {
            return Err(bad(given));
        }
        pairs.push((name, value));
        let one = serde_urlencoded::to_string([(name, value)])?;
        serde_urlencoded::from_str::<Filter>(&one).map_err(|_| bad(given))?;
    }
    let filter: Filter = serde_urlencoded::from_str(&serde_urlencoded::to_string(&pairs)?)?;
    Ok(Filter { offset: args.offset, limit: args.limit, ..filter })
}
