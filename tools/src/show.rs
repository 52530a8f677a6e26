//! `adit show`

use adit_core::event::Fact;
use adit_core::id::StreamId;
use anyhow::{Result, bail};
use serde_json::{Value, json};

/// Show the events of one stream, in order.
///
/// Example: adit show --data /srv/adit hazard/3k9f2m7q8r1t5v6w0x4yzabcde --as-of 2024-05-10
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: crate::DataDir,
    /// The stream, such as hazard/<26 characters>
    stream: String,
    /// A position (included) or a day (its end)
    #[arg(long, value_name = "POSITION|DATE")]
    as_of: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn row(fact: &Fact) -> Result<Value> {
    let event = fact.event.to_json()?;
    let lines: Vec<String> = fact.lines.iter().map(ToString::to_string).collect();
    Ok(json!({
        "position": fact.position, "revision": fact.revision, "at": fact.at, "type": fact.event.kind(),
        "by": fact.by, "lines": lines, "data": event.get("data"),
    }))
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let stream: StreamId = args.stream.parse()?;
    let ledger = crate::open::ledger(&args.data.data)?;
    let (until, _) = crate::open::moment(&ledger, args.as_of.as_deref())?;
    let facts = ledger.stream(&stream)?;
    let rows = facts.iter().filter(|fact| fact.position < until).map(row).collect::<Result<Vec<_>>>()?;
    if rows.is_empty() {
        bail!("there is no such stream at that moment / 没有这个事项");
    }
    if args.json {
        say!("{}", json!({ "stream": stream, "events": rows }));
    } else {
        crate::output::table(&["position", "revision", "at", "type", "lines", "data"], &rows);
    }
    Ok(())
}
