//! States of streams that were folded lately, so that a command does not read its whole stream again.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::decider::Decider;
use crate::event::InUnion;
use crate::id::StreamId;
use crate::ledger::log::Ledger;
use crate::ledger::sequencer::{Tail, read_stream};
use crate::units::{Revision, Timestamp};

use super::ExecuteError;

/// Streams of one generation. Between one and two generations are kept; beyond that they are folded again, which reads and checks
/// a whole group of the journal for each entry.
const STREAMS_MAX: usize = 65_536;

/// A stream's state together with where the stream ends.
#[derive(Clone)]
pub(crate) struct Loaded<S> {
    pub(crate) state: S,
    /// `None` for a stream without entries.
    pub(crate) tail: Option<Tail>,
}

impl<S> Loaded<S> {
    pub(crate) fn next(&self) -> Revision {
        self.tail.map_or(Revision(0), |tail| tail.next)
    }

    /// The second of signing may not go back within a stream.
    pub(crate) fn not_before(&self, now: Timestamp) -> Timestamp {
        self.tail.map_or(now, |tail| tail.at.max(now))
    }
}

#[derive(Clone)]
struct Kept {
    tail: Tail,
    state: Arc<dyn Any + Send + Sync>,
}

/// A state after a command, to be kept once the command is in the log.
pub(crate) struct Decided {
    stream: StreamId,
    kept: Kept,
}

impl Decided {
    pub(crate) fn new<S: Send + Sync + 'static>(stream: StreamId, tail: Tail, state: S) -> Self {
        Self { stream, kept: Kept { tail, state: Arc::new(state) } }
    }
}

#[derive(Default)]
pub(crate) struct Cache {
    kept: Mutex<Generations>,
}

/// What was used lately, and what was used before that and goes next.
#[derive(Default)]
struct Generations {
    young: HashMap<StreamId, Kept>,
    old: HashMap<StreamId, Kept>,
}

impl Generations {
    fn get(&mut self, stream: &StreamId) -> Option<Kept> {
        if let Some(kept) = self.young.get(stream) {
            return Some(kept.clone());
        }
        let kept = self.old.remove(stream)?;
        self.put(*stream, kept.clone());
        Some(kept)
    }

    fn put(&mut self, stream: StreamId, kept: Kept) {
        if self.young.len() >= STREAMS_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream, kept);
    }

    fn forget(&mut self, stream: &StreamId) {
        self.young.remove(stream);
        self.old.remove(stream);
    }
}

impl Cache {
    /// The state of `stream` at its end.
    pub(crate) fn load<D>(&self, ledger: &Ledger, stream: StreamId) -> Result<Loaded<D::State>, ExecuteError>
    where
        D: Decider,
        D::Event: InUnion,
        D::State: Send + Sync + 'static,
    {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&stream);
        if let Some(kept) = kept
            && let Some(state) = kept.state.downcast_ref::<D::State>()
        {
            return Ok(Loaded { state: state.clone(), tail: Some(kept.tail) });
        }
        let loaded = fold::<D>(ledger, stream)?;
        if let Some(tail) = loaded.tail {
            self.keep(Decided::new(stream, tail, loaded.state.clone()));
        }
        Ok(loaded)
    }

    pub(crate) fn keep(&self, decided: Decided) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = kept.get(&decided.stream).is_some_and(|old| old.tail.next >= decided.kept.tail.next);
        if !newer {
            kept.put(decided.stream, decided.kept);
        }
    }

    /// After a conflict the state is folded again; without a stream everything is.
    pub(crate) fn forget(&self, stream: Option<StreamId>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match stream {
            Some(stream) => kept.forget(&stream),
            None => *kept = Generations::default(),
        }
    }
}

/// Folds a stream from its first entry.
pub(crate) fn fold<D>(ledger: &Ledger, stream: StreamId) -> Result<Loaded<D::State>, ExecuteError>
where
    D: Decider,
    D::Event: InUnion,
{
    let mut loaded = Loaded { state: D::State::default(), tail: None };
    for stored in read_stream(ledger.store(), &stream)? {
        let fact = crate::event::Fact::decode(&stored).map_err(crate::ledger::log::OpenError::from)?;
        let signed = crate::ledger::entry::SignedEntry::parse(&stored.entry).map_err(|_| {
            crate::ledger::log::OpenError::from(crate::event::DecodeError::Entry(stored.position))
        })?;
        if let Some(event) = D::Event::of(&fact.event) {
            loaded.state = D::evolve(loaded.state, event, &fact.recorded());
        }
        let next = Revision(fact.revision.0 + 1);
        loaded.tail = Some(Tail { next, text_hash: signed.text_hash(), at: fact.at });
    }
    Ok(loaded)
}
