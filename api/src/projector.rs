//! Keeps the read models up with the ledger, in order, on a thread of its own; a snapshot makes the next start quick.

use std::sync::{Arc, PoisonError, RwLock};

use adit_core::id::StreamId;
use adit_core::ledger::log::{Ledger, OpenError};
use adit_core::units::Position;
use adit_projections::{ProjectionError, Projections};
use tokio::sync::watch;

use crate::access::enterprise_of;
use crate::snapshots::Snapshots;

/// The read models of a running ledger.
pub struct Projector {
    state: RwLock<Projections>,
    applied: watch::Receiver<u64>,
}

/// Why the read models can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    #[error(transparent)]
    Ledger(#[from] OpenError),
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    #[error("couldn't start the thread of the read models: {0}")]
    Thread(std::io::Error),
}

/// Folds facts from a snapshot, or from the beginning, up to the end of the ledger.
pub fn fold(
    ledger: &Ledger,
    snapshot: Option<Projections>,
    until: Position,
) -> Result<Projections, ProjectorError> {
    let mut state = snapshot.filter(|state| state.next() <= until).unwrap_or_default();
    ledger.replay(state.next(), until, |fact| Ok::<_, ProjectorError>(state.apply(&fact)?))?;
    Ok(state)
}

/// The read models of one hazard at a moment: its own facts and those of its enterprise, and no others.
pub fn fold_hazard(ledger: &Ledger, hazard: &StreamId, until: Position) -> Result<Projections, OpenError> {
    let mut facts = ledger.stream(hazard)?;
    if let Some(enterprise) = facts.first().and_then(enterprise_of) {
        facts.extend(ledger.stream(&enterprise)?);
    }
    facts.retain(|fact| fact.position < until);
    facts.sort_by_key(|fact| fact.position);
    Ok(Projections::of(&facts))
}

impl Projector {
    /// Catches up with the ledger, then follows it.
    pub fn start(ledger: &Ledger) -> Result<Arc<Self>, ProjectorError> {
        let (from, feed) = ledger.follow();
        let snapshot = Snapshots::of(ledger).and_then(|snapshots| snapshots.newest(from));
        let state = fold(ledger, snapshot, from)?;
        let (sender, applied) = watch::channel(state.next().0);
        let projector = Arc::new(Self { state: RwLock::new(state), applied });
        let follower = Arc::downgrade(&projector);
        let run = move || {
            for facts in feed {
                let Some(projector) = follower.upgrade() else {
                    return;
                };
                let mut state = projector.state.write().unwrap_or_else(PoisonError::into_inner);
                for fact in facts.iter() {
                    if let Err(error) = state.apply(fact) {
                        tracing::error!(%error, "the read models stopped");
                        return;
                    }
                }
                // Nobody may be waiting.
                let _ = sender.send(state.next().0);
            }
        };
        std::thread::Builder::new().name("projections".into()).spawn(run).map_err(ProjectorError::Thread)?;
        Ok(projector)
    }

    /// Waits until the entry at `position` is taken over: whoever wrote reads their own write. False when the read
    /// models stopped before.
    pub async fn wait_for(&self, position: Position) -> bool {
        self.applied.clone().wait_for(|next| *next > position.0).await.is_ok()
    }

    /// How many entries were taken over, as it changes.
    pub(crate) fn applied(&self) -> watch::Receiver<u64> {
        self.applied.clone()
    }

    /// Whether the read models still follow the ledger.
    pub fn is_following(&self) -> bool {
        self.applied.has_changed().is_ok()
    }

    pub fn read<T>(&self, query: impl FnOnce(&Projections) -> T) -> T {
        query(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }
}
