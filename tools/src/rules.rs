//! `adit rules`

use std::io::Read;
use std::path::PathBuf;

use adit_core::rules::Rules;
use adit_core::rules::facts::answer;
use anyhow::{Context, Result};

/// Ask a rule about facts in a JSON file (`-` reads standard input). Prints the result with reasons and sources as JSON.
///
/// Example: adit rules closure facts.json, with the licence, whether it produces, days of discoveries and penalties, and
/// the day as of which is asked: {"licence": "full", "producing": true, "discoveries": [], "penalties": [], "on": "2024-06-01"}
#[derive(clap::Args)]
pub(crate) struct Args {
    /// reward, relief, deadline or closure
    rule: String,
    /// The facts
    facts: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut bytes = Vec::new();
    if args.facts.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes =
            std::fs::read(&args.facts).with_context(|| format!("couldn't read {}", args.facts.display()))?;
    }
    let facts = String::from_utf8(bytes).context("the facts are not UTF-8")?;
    let value = answer(&Rules::builtin()?, &args.rule, &facts).map_err(crate::output::Refused)?;
    println!("{}", serde_json::to_string_pretty(&value)?);
    Ok(())
}
