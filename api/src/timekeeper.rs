//! The ledger's own clock: records each missed deadline once, signed by the log.
//!
//! What was recorded stands in the ledger, so a restart records nothing twice and forgets nothing.

use std::sync::{Arc, Mutex, PoisonError};

use adit_core::command::{Command, Request};
use adit_core::hazard::{self, HazardCommand};
use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::office::ExecuteError;
use adit_core::report::{self, ReportCommand};
use adit_core::reward::{self, RewardCommand};
use adit_core::units::Day;

use crate::app::App;

/// Looks for missed deadlines once a day: a due day passes at midnight and at no other time.
#[derive(Default)]
pub struct Timekeeper {
    /// The day on which everything that was missed has been recorded.
    done: Mutex<Option<Day>>,
}

impl Timekeeper {
    /// Records what was missed, unless that was done today. Gives back how many misses were recorded.
    pub fn tick(&self, app: &Arc<App>) -> usize {
        let today = app.office.ledger().now().day();
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if *done == Some(today) {
            return 0;
        }
        let missed = app.projector.read(|state| state.deadlines.unrecorded(today));
        let (mut recorded, mut failed) = (0, false);
        for (stream, clock) in missed {
            match record(app, stream, clock) {
                Ok(true) => recorded += 1,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(%error, "a missed deadline could not be recorded; it is tried again");
                    failed = true;
                }
            }
        }
        if !failed {
            *done = Some(today);
        }
        recorded
    }
}

/// Whether the miss was recorded now; a rule may refuse it, such as when the deadline was met meanwhile.
fn record(app: &Arc<App>, stream: StreamId, clock: String) -> Result<bool, ExecuteError> {
    let command = match stream.kind {
        StreamKind::Hazard => Command::Hazard(HazardCommand::RecordOverdue(hazard::RecordOverdue { clock })),
        StreamKind::Report => Command::Report(ReportCommand::RecordOverdue(report::RecordOverdue { clock })),
        StreamKind::Reward => Command::Reward(RewardCommand::RecordOverdue(reward::RecordOverdue { clock })),
        StreamKind::Enterprise
        | StreamKind::Inspection
        | StreamKind::Actor
        | StreamKind::Rules
        | StreamKind::Ledger
        | StreamKind::Inquiry => return Ok(false),
    };
    let request = Request { id: CommandId(Id::random()?), stream: Some(stream), command };
    match app.office.execute(&request, &[]) {
        Ok(_) => Ok(true),
        Err(ExecuteError::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
