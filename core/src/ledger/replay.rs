//! Reading a ledger from some position on, in order. Decrypting and parsing take longer than folding, so they run ahead.

use crate::event::Fact;
use crate::ledger::ahead::ahead;
use crate::ledger::log::{Ledger, OpenError};
use crate::units::Position;

/// Facts that are decoded at once.
const CHUNK: u64 = 2048;

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
        let chunks = (from.0..until).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX));
        let chunks: Vec<(u64, u64)> = chunks.map(|start| (start, CHUNK.min(until - start))).collect();
        let decode = |(start, many): &(u64, u64)| -> Result<Vec<Fact>, OpenError> {
            let stored = self.store().read(Position(*start), usize::try_from(*many).unwrap_or(usize::MAX))?;
            stored.iter().map(|stored| Ok(Fact::decode(stored)?)).collect()
        };
        ahead(&chunks, decode, |facts| facts?.into_iter().try_for_each(&mut take))
    }
}
