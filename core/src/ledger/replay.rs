//! Reading a ledger from some position on, in order.
//!
//! [`Ledger::replay`] decodes ahead on every processor, because decrypting and parsing take longer than folding.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, available_parallelism};

use crate::event::Fact;
use crate::ledger::log::{Ledger, OpenError};
use crate::units::Position;

/// Facts that one worker decodes at once.
const CHUNK: u64 = 2048;
/// Chunks that a worker may be ahead.
const AHEAD: usize = 2;

type Chunk = Result<Vec<Fact>, OpenError>;

impl Ledger {
    /// Gives `take` every fact from `from` on and before `until`, in order, as far as the ledger goes now.
    ///
    /// # Errors
    /// The first fact that can't be read, or the first error of `take`; nothing after it is taken.
    pub fn replay<E: From<OpenError>>(
        &self,
        from: Position,
        until: Position,
        mut take: impl FnMut(Fact) -> Result<(), E>,
    ) -> Result<(), E> {
        let until = until.0.min(self.size());
        let chunks = until.saturating_sub(from.0).div_ceil(CHUNK);
        let workers = available_parallelism().map_or(1, |many| many.get() as u64).min(chunks);
        std::thread::scope(|scope| {
            let feeds: Vec<_> = (0..workers)
                .map(|worker| self.decode_ahead(scope, from.0 + worker * CHUNK, until, workers))
                .collect();
            // Worker n has chunks n, n + workers, …, so going round gives them in order; the first that has no more is
            // the end.
            for feed in feeds.iter().cycle() {
                let Ok(chunk) = feed.recv() else { break };
                chunk?.into_iter().try_for_each(&mut take)?;
            }
            Ok(())
        })
    }

    /// Decodes every `workers`-th chunk on a thread of its own, until nobody takes them.
    fn decode_ahead<'s, 'e>(
        &'e self,
        scope: &'s Scope<'s, 'e>,
        first: u64,
        until: u64,
        workers: u64,
    ) -> Receiver<Chunk> {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            let mut start = first;
            while start < until {
                let chunk = self.decode(start, CHUNK.min(until - start));
                let failed = chunk.is_err();
                if sender.send(chunk).is_err() || failed {
                    return;
                }
                start += workers * CHUNK;
            }
        });
        receiver
    }

    fn decode(&self, first: u64, many: u64) -> Chunk {
        let stored = self.store().read(Position(first), usize::try_from(many).unwrap_or(usize::MAX))?;
        stored.iter().map(|stored| Ok(Fact::decode(stored)?)).collect()
    }
}
