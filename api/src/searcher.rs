//! Keeps the search index up with the ledger, on a thread of its own that reads what was written since it last looked. It
//! may be a moment behind; an answer says how far it has come.

use std::sync::{Arc, Weak};
use std::time::Duration;

use adit_core::ledger::log::OpenError;
use adit_core::office::Office;
use adit_core::units::Position;
use adit_projections::search::{Finder, Indexer, SearchError};
use tokio::sync::watch;

/// How long the thread waits when it has nothing to read.
const IDLE: Duration = Duration::from_millis(250);
/// Entries that are read before they can be found.
const ROUND: u64 = 50_000;

/// The search index of a running ledger.
pub struct Searcher {
    finder: Finder,
    indexed: watch::Receiver<u64>,
}

/// Why the search index can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum SearcherError {
    #[error(transparent)]
    Ledger(#[from] OpenError),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error("couldn't start the thread of the search index: {0}")]
    Thread(std::io::Error),
}

impl Searcher {
    /// Begins to read the ledger from its first entry. What is found grows from then on.
    pub fn start(office: &Arc<Office>) -> Result<Arc<Self>, SearcherError> {
        let mut indexer = Indexer::new()?;
        let (sender, indexed) = watch::channel(0);
        let searcher = Arc::new(Self { finder: indexer.finder(), indexed });
        let office = Arc::downgrade(office);
        let run = move || {
            // Ends with the server, whose last handle on the office is dropped then.
            while let Some(more) = round(&office, &mut indexer, &sender) {
                if !more {
                    std::thread::sleep(IDLE);
                }
            }
        };
        std::thread::Builder::new().name("search".into()).spawn(run).map_err(SearcherError::Thread)?;
        Ok(searcher)
    }

    pub fn finder(&self) -> &Finder {
        &self.finder
    }

    /// Entries below this position can be found.
    pub fn indexed(&self) -> u64 {
        *self.indexed.borrow()
    }

    /// Waits until the text of the entry at `position` can be found. False when the index has stopped.
    pub async fn wait_for(&self, position: Position) -> bool {
        self.indexed.clone().wait_for(|next| *next > position.0).await.is_ok()
    }
}

/// Reads some entries. Whether there are more; none when the ledger is closed or the index has failed.
fn round(office: &Weak<Office>, indexer: &mut Indexer, sender: &watch::Sender<u64>) -> Option<bool> {
    let office = office.upgrade()?;
    let (from, size) = (*sender.borrow(), office.ledger().size());
    let until = size.min(from + ROUND);
    if until > from {
        let read = office.ledger().replay(Position(from), Position(until), |fact| {
            indexer.apply(&fact).map_err(SearcherError::from)
        });
        if let Err(error) = read.and_then(|()| Ok(indexer.commit()?)) {
            tracing::error!(%error, "the search index stopped");
            return None;
        }
        sender.send_replace(until);
    }
    Some(until < size)
}
