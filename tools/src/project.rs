//! `adit project`

use adit_core::office::Office;
use anyhow::Result;
use serde_json::json;

/// Print a read model, now or as of a moment in the past.
///
/// Example: adit project register --data /srv/adit --as-of 2024-05-10 --json
#[derive(clap::Args)]
pub(crate) struct Args {
    /// register, timeline, five_in_place, deadlines, rewards, repeat_offenders or relief
    name: String,
    #[command(flatten)]
    data: crate::DataDir,
    /// A position (included) or a day (its end)
    #[arg(long, value_name = "POSITION|DATE")]
    as_of: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let ledger = crate::open::ledger(&args.data.data)?;
    let (state, today) = crate::open::projections(&ledger, args.as_of.as_deref())?;
    let office = Office::open(ledger)?;
    let rows = state.rows(&args.name, &office.rules(), today)?;
    if args.json {
        say!("{}", json!({ "projection": args.name, "as_of": today, "rows": rows }));
    } else {
        crate::output::table(&crate::output::columns(&rows), &rows);
    }
    Ok(())
}
