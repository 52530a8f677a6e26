//! Opening a ledger from the command line, naming a moment in its past, and naming a log's key.

use std::path::Path;
use std::sync::Arc;

use adit_api::keystore::Keystore;
use adit_api::projector::fold;
use adit_core::id::ActorId;
use adit_core::ledger::clock::{Clock, SystemClock};
use adit_core::ledger::home::Home;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::vkey::{SigningKey, VKey};
use adit_core::units::{Day, Position};
use adit_projections::Projections;
use anyhow::{Context, Result};

/// Keys of a log that are given as one vkey, or as a file that holds one in each line, such as `log.vkey`.
pub(crate) fn vkeys(given: &str) -> Option<Vec<VKey>> {
    let read = |text: &str| -> Option<Vec<VKey>> {
        let keys: Option<Vec<VKey>> = text.split_whitespace().map(|key| key.parse().ok()).collect();
        keys.filter(|keys| !keys.is_empty())
    };
    read(given).or_else(|| read(&std::fs::read_to_string(given).ok()?))
}

/// The key of an account. The code of a second factor, where there is one, stands in `ADIT_CODE`.
pub(crate) fn key_of(home: &Home, actor: ActorId, password: &str) -> Result<SigningKey> {
    let code = std::env::var("ADIT_CODE").unwrap_or_default();
    let seconds = u64::try_from(SystemClock.now().0).unwrap_or_default();
    Ok(Keystore::at(&home.actors()).unlock_with(actor, password, &code, seconds)?)
}

pub(crate) fn ledger(data: &Path) -> Result<Ledger> {
    let opened = Ledger::open(&Home::beside(data), Arc::new(SystemClock));
    opened.with_context(|| format!("couldn't open the ledger in {}", data.display()))
}

/// The end of a moment: a position (included), a day (its end), or now.
pub(crate) fn moment(ledger: &Ledger, as_of: Option<&str>) -> Result<(Position, Day)> {
    let now = (Position(ledger.size()), ledger.now().day());
    let Some(text) = as_of else { return Ok(now) };
    if let Ok(position) = text.parse::<u64>() {
        return Ok((Position(position.saturating_add(1)), now.1));
    }
    let day: Day = text.parse().context("--as-of takes a position or a day such as 2024-05-10")?;
    Ok((ledger.end_of(day), day))
}

/// The read models at a moment.
pub(crate) fn projections(ledger: &Ledger, as_of: Option<&str>) -> Result<(Projections, Day)> {
    let (until, today) = moment(ledger, as_of)?;
    Ok((fold(ledger, None, until)?, today))
}
