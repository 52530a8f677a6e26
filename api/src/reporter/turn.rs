//! The place of a form in a queue: its stamp, and the turn that it gets.

use adit_core::refusal::Refusal;
use axum::http::StatusCode;

use crate::app::App;
use crate::intake::{Purpose, Rank, Turn};
use crate::problem::{Problem, unreadable};

/// The stamp of a report's form if it counts or may come to count, else a fresh one.
pub(super) fn stamp_of(app: &App, stamp: String) -> Result<String, Problem> {
    if app.intake.keeps(Purpose::Report, &stamp) {
        return Ok(stamp);
    }
    app.intake.stamp(Purpose::Report, app.office.ledger().now()).map_err(|error| unreadable(&error))
}

/// A stamp for whoever need not wait again.
pub(super) fn ripe(app: &App, purpose: Purpose) -> Result<String, Problem> {
    app.intake.ripe(purpose, app.office.ledger().now()).map_err(|error| unreadable(&error))
}

/// Counts a form and waits for its turn; none where so many are ahead that none came while a request may last. With it comes the stamp for
/// whoever is sent back: if the form had waited, its place ahead is kept.
pub(super) async fn take(
    app: &App,
    purpose: Purpose,
    stamp: String,
) -> Result<(Option<Turn>, String), Problem> {
    let rank = app.intake.spend(purpose, &stamp, app.office.ledger().now());
    let gate = if purpose == Purpose::Secret { &app.intake.lookups } else { &app.intake.sealing };
    let turn = app.intake.turn(gate, rank).await;
    let stamp = if rank == Rank::Waited { ripe(app, purpose)? } else { stamp };
    Ok((turn, stamp))
}

/// So many are ahead that no turn came while a request may last.
pub(super) fn busy() -> Problem {
    Problem { status: StatusCode::SERVICE_UNAVAILABLE, refusal: Refusal::new("reporter.busy") }
}
