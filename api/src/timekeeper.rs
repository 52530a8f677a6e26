//! The ledger's own clock: records each missed deadline once, signed by the log, adds the fillers among the access entries, and clears
//! away sealed files that nobody names.
//!
//! What was recorded stands in the ledger, so a restart records nothing twice and forgets nothing.

use std::sync::{Arc, Mutex, PoisonError};

use adit_core::access::{AccessCommand, Fill, filler};
use adit_core::command::{Command, Request};
use adit_core::hazard::{self, HazardCommand};
use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::office::ExecuteError;
use adit_core::report::{self, ReportCommand};
use adit_core::reward::{self, RewardCommand};
use adit_core::units::{Day, Position};

use crate::app::App;

/// Looks for missed deadlines once a day: a due day passes at midnight and at no other time. Fillers come due all day.
#[derive(Default)]
pub struct Timekeeper {
    /// The day on which everything that was missed has been recorded.
    done: Mutex<Option<Day>>,
    /// By what the moments of a day's fillers are drawn. Drawn anew at each start, and never written down: another start on the same
    /// day counts what stands, and draws other moments for the rest.
    seed: Mutex<Option<[u8; 32]>>,
    /// The hour in which files were cleared away last.
    cleared: Mutex<Option<i64>>,
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

    /// Adds the access entries that are due at this second of the day. Gives back how many were added.
    pub fn fill(&self, app: &Arc<App>) -> u32 {
        let ledger = app.office.ledger();
        let (now, size) = (ledger.now(), ledger.size());
        let per_day = app.options.access_per_day;
        if per_day == 0 {
            return 0;
        }
        // Where the read models are behind, what stands would be counted too low; the next round is soon enough.
        let standing = app.projector.read(|state| {
            (state.next() >= Position(size)).then(|| state.timeline.on(StreamKind::Access, now.day()))
        });
        let Some((standing, seed)) = standing.zip(self.seed_of(now.day())) else { return 0 };
        let second = u32::try_from(now.seconds_since(now.day().start())).unwrap_or(0);
        let due = filler::due(&seed, second, per_day, u32::try_from(standing).unwrap_or(u32::MAX));
        for added in 0..due {
            if let Err(error) = add_filler(app) {
                tracing::error!(%error, "a filler could not be added; it is tried again");
                return added;
            }
        }
        due
    }

    /// Clears away the sealed files that were uploaded long ago and that no entry names, once an hour, and uploads that nobody goes on
    /// with. Gives back how many files.
    ///
    /// A crash on the way leaves some for the next time. A file that a command names while this runs is younger by then
    /// ([`adit_core::ledger::blobs::Blobs::renew`]), so it does not matter that the read models may not have that entry yet.
    pub fn clear(&self, app: &Arc<App>) -> usize {
        let ledger = app.office.ledger();
        let (now, size) = (ledger.now(), ledger.size());
        let mut cleared = self.cleared.lock().unwrap_or_else(PoisonError::into_inner);
        if *cleared == Some(now.0.div_euclid(3600)) {
            return 0;
        }
        let Some(blobs) = ledger.blobs() else { return 0 };
        if !app.projector.read(|state| state.next() >= Position(size)) {
            return 0;
        }
        let limits = &app.intake.limits;
        let short = blobs.room().is_ok_and(|room| room < limits.room_for_files());
        let days = if short { limits.unnamed_days_when_short } else { limits.unnamed_days };
        if let Some(Err(error)) = app.parts.as_ref().map(|parts| parts.clear(now)) {
            tracing::error!(%error, "uploads that nobody goes on with could not be cleared away; it is tried again");
        }
        let before = now.plus_seconds(-i64::try_from(days * 86_400).unwrap_or(i64::MAX));
        let is_named = |hash: &str| app.projector.read(|state| state.named.has(hash));
        match blobs.clear(before, is_named) {
            Ok(many) => {
                *cleared = Some(now.0.div_euclid(3600));
                many
            }
            Err(error) => {
                tracing::error!(%error, "files that nobody names could not be cleared away; it is tried again");
                0
            }
        }
    }

    fn seed_of(&self, day: Day) -> Option<[u8; 32]> {
        let mut seed = self.seed.lock().unwrap_or_else(PoisonError::into_inner);
        if seed.is_none() {
            let mut fresh = [0; 32];
            getrandom::fill(&mut fresh).ok()?;
            *seed = Some(fresh);
        }
        seed.map(|seed| *blake3::keyed_hash(&seed, day.to_string().as_bytes()).as_bytes())
    }
}

/// One access entry behind which nothing stands.
fn add_filler(app: &Arc<App>) -> Result<(), ExecuteError> {
    let command = Command::Access(AccessCommand::Fill(Fill {}));
    let request = Request { id: CommandId(Id::random()?), stream: None, command };
    app.office.execute(&request, &[]).map(|_| ())
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
        | StreamKind::Inquiry
        | StreamKind::Access
        | StreamKind::Concern => return Ok(false),
    };
    let request = Request { id: CommandId(Id::random()?), stream: Some(stream), command };
    match app.office.execute(&request, &[]) {
        Ok(_) => Ok(true),
        Err(ExecuteError::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
