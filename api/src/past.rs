//! The read models of past moments. Each is folded from the nearest moment before it that is at hand, in memory or as a snapshot; the last
//! ones that were asked for stay in memory, and at the end of each month a snapshot is kept.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_core::ledger::log::Ledger;
use adit_core::units::{Day, Position};
use adit_projections::Projections;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::handlers::queries::moment;
use crate::limits::Limits;
use crate::problem::{ApiRefusal, Problem};
use crate::projector::{ProjectorError, fold};
use crate::snapshots::Snapshots;

/// Folds of the past at once; the rest queue, so that they leave a processor to those who write.
const FOLDS_MAX: usize = 1;

/// What is known of the past without folding it again.
pub(crate) struct Past {
    /// The one that was asked for last comes first.
    held: Mutex<Vec<Arc<Projections>>>,
    /// How many are held.
    most: usize,
    /// How many months back a snapshot is kept.
    months: u64,
    /// The day for which everything is at hand that is asked for often.
    prepared: Mutex<Option<Day>>,
    pub(crate) turns: Arc<Semaphore>,
}

impl Past {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            held: Mutex::default(),
            most: usize::try_from(limits.past_views).unwrap_or(1),
            months: limits.past_months,
            prepared: Mutex::default(),
            turns: Arc::new(Semaphore::new(FOLDS_MAX)),
        }
    }

    fn hold(&self) -> MutexGuard<'_, Vec<Arc<Projections>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that stands there, if it is in memory.
    fn found(&self, at: Position) -> Option<Arc<Projections>> {
        let mut held = self.hold();
        let nth = held.iter().position(|state| state.next() == at)?;
        let state = held.remove(nth);
        held.insert(0, Arc::clone(&state));
        Some(state)
    }

    /// The read models when the ledger had so many entries.
    pub(crate) fn at(&self, ledger: &Ledger, until: Position) -> Result<Arc<Projections>, ProjectorError> {
        let until = until.min(Position(ledger.size()));
        if let Some(state) = self.found(until) {
            return Ok(state);
        }
        let state = Arc::new(fold(ledger, self.nearest(ledger, until), until)?);
        let mut held = self.hold();
        held.insert(0, Arc::clone(&state));
        held.truncate(self.most);
        Ok(state)
    }

    /// The latest at hand that stands before a position.
    fn nearest(&self, ledger: &Ledger, until: Position) -> Option<Projections> {
        let held = self
            .hold()
            .iter()
            .filter(|state| state.next() <= until)
            .max_by_key(|state| state.next())
            .cloned();
        let snapshots = Snapshots::of(ledger);
        let kept = snapshots.as_ref().and_then(|snapshots| snapshots.newest_at(until));
        match (held, snapshots) {
            (Some(held), _) if kept.is_none_or(|kept| kept <= held.next()) => Some(Projections::clone(&held)),
            (held, Some(snapshots)) => {
                snapshots.newest(until).or_else(|| held.map(|held| Projections::clone(&held)))
            }
            (_, None) => None,
        }
    }

    /// How many entries the ledger had at the end of each of the last months.
    fn ends(&self, ledger: &Ledger, today: Day) -> BTreeSet<Position> {
        let mut ends = BTreeSet::new();
        let mut last = today;
        for _ in 0..self.months {
            last = last.plus_days(-i64::from(last.parts().2));
            ends.insert(ledger.end_of(last));
        }
        ends.remove(&Position(0));
        ends
    }

    /// Makes the snapshots at the ends of months that are missing, and has the last of these ends at hand: it is what summaries ask
    /// for. Done once a day. `spare`: whether the disk has room for them.
    pub(crate) fn prepare(&self, ledger: &Ledger, today: Day, spare: bool) -> Result<(), ProjectorError> {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if *prepared == Some(today) {
            return Ok(());
        }
        let ends = self.ends(ledger, today);
        if let Some(snapshots) = Snapshots::of(ledger).filter(|_| spare) {
            for end in ends.iter().filter(|end| !snapshots.has(**end)) {
                if let Err(error) = snapshots.write(self.at(ledger, *end)?.as_ref()) {
                    tracing::error!(%error, "a snapshot could not be written; it is tried again");
                    return Ok(());
                }
            }
            snapshots.keep(&ends);
        }
        if let Some(last) = ends.last() {
            self.at(ledger, *last)?;
        }
        *prepared = Some(today);
        Ok(())
    }
}

impl App {
    /// A turn at folding the past, one at a time; none is needed for what is now or at hand. Whoever folds takes it along and drops it
    /// when the work is done: a client that hangs up meanwhile does not end the work.
    pub(crate) async fn turn(&self, as_of: Option<&str>) -> Result<Option<OwnedSemaphorePermit>, Problem> {
        let Some(text) = as_of else { return Ok(None) };
        let until = moment(self, text)?.0.min(Position(self.office.ledger().size()));
        if self.past.found(until).is_some() {
            return Ok(None);
        }
        let turn = Arc::clone(&self.past.turns).acquire_owned().await;
        turn.map(Some).map_err(|_| ApiRefusal::Stale.into())
    }

    /// Makes the snapshots at the ends of months that are missing, and has the last of these ends at hand.
    pub fn prepare_past(&self) {
        let ledger = self.office.ledger();
        let spare = ledger
            .blobs()
            .is_some_and(|blobs| blobs.room().is_ok_and(|room| room >= self.intake.limits.room_for_files()));
        if let Err(error) = self.past.prepare(ledger, ledger.now().day(), spare) {
            tracing::error!(%error, "the read models of past months could not be made; it is tried again");
        }
    }

    /// Writes a snapshot from which the next start goes on, and removes those that nobody needs any more.
    pub fn save(&self) -> std::io::Result<()> {
        let ledger = self.office.ledger();
        let Some(snapshots) = Snapshots::of(ledger) else { return Ok(()) };
        // One at a time: what is being prepared is written under the same name first.
        let _alone = self.past.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        self.projector.read(|state| snapshots.write(state))?;
        snapshots.keep(&self.past.ends(ledger, ledger.now().day()));
        Ok(())
    }
}
