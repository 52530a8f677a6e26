//! `adit bench receipts`: receipts with proofs, of entries all over a log, against its newest checkpoint.

use std::path::PathBuf;
use std::time::Instant;

use adit_core::ledger::receipt::Receipt;
use adit_core::units::Position;
use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{figures, histogram, micros};

#[derive(clap::Args)]
pub(super) struct Receipts {
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// How many receipts are made
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(receipts: &Receipts) -> Result<Value> {
    let ledger = crate::open::ledger(&receipts.data)?;
    let (size, note) = (ledger.size(), ledger.checkpoint());
    let mut latencies = histogram()?;
    let mut bytes = 0;
    let begun = Instant::now();
    for round in 0..u64::from(receipts.rounds) {
        // A step without a factor in common with a size of use comes by everywhere.
        let position = Position(round.wrapping_mul(7_368_787) % size.max(1));
        let asked = Instant::now();
        let stored = ledger.store().read(position, 1)?;
        let receipt: Option<Receipt> = ledger.receipts(&stored, &note)?.into_iter().next().flatten();
        bytes += receipt.context("an empty ledger")?.to_bytes().len();
        latencies.saturating_record(micros(asked.elapsed()));
    }
    let mut figures = figures(&latencies, begun.elapsed());
    figures["entries"] = json!(size);
    figures["bytes"] = json!(bytes / receipts.rounds as usize);
    Ok(figures)
}
