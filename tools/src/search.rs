//! `adit search`

use std::collections::BTreeSet;

use adit_core::event::Fact;
use adit_core::units::Position;
use adit_projections::Viewer;
use adit_projections::search::Indexer;
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Find words in what officers and enterprises have written. All words must be there; best first.
///
/// Example: adit search 顶板离层 --data /srv/adit
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What is looked for, in Chinese or English
    words: String,
    #[command(flatten)]
    data: crate::DataDir,
    /// Texts to give at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let ledger = crate::open::ledger(&args.data.data)?;
    let mut indexer = Indexer::new()?;
    ledger.replay(Position(0), Position(u64::MAX), |fact| Ok::<_, anyhow::Error>(indexer.apply(&fact)?))?;
    indexer.commit()?;
    let found = indexer.finder().find(
        &args.words,
        Viewer::Reports,
        &BTreeSet::new(),
        0,
        usize::try_from(args.limit)?,
    )?;
    let mut rows = Vec::new();
    for position in &found.hits {
        let fact = Fact::decode(&ledger.stored(*position)?.context("an entry that is not there")?)?;
        let event = fact.event.to_json()?;
        rows.push(json!({
            "position": position,
            "stream": fact.stream,
            "day": fact.day,
            "kind": fact.event.kind(),
            "text": texts(&event["data"]).join(" "),
        }));
    }
    if args.json {
        say!("{}", json!({ "words": args.words, "total": found.total, "hits": rows }));
    } else {
        crate::output::table(&["position", "day", "kind", "stream", "text"], &rows);
    }
    Ok(())
}

/// The texts of an event, in their order.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
