//! What waits for signatures: commands for their second officer, and prepared texts for keys that a client holds.
//!
//! Nothing here is in the ledger yet, and nothing here is kept over a restart: whoever waits asks again with the same
//! command id. Anybody may prepare a report, so prepared texts have a ceiling; beyond it the oldest make room, and no new
//! one is refused.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use adit_core::command::Request;
use adit_core::id::{ActorId, Id};
use adit_core::office::{Answer, Prepared};
use adit_core::units::Timestamp;

use crate::session::SessionName;

/// Seconds for which a command waits for its second signer, or a prepared text for its signatures (`formats.md`: 24 h).
const WAITING_SECONDS_MAX: i64 = 24 * 3600;
/// Most commands of one officer that wait for a second one.
const WAITING_MAX: usize = 200;
/// Most bytes of prepared texts and bodies.
const PREPARED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What a prepared command takes besides its texts and bodies, in bytes.
const PREPARED_BYTES_EXTRA: usize = 4 * 1024;
/// Most answers that are kept for whoever asks again.
const ANSWERED_MAX: usize = 10_000;

/// A command that waits for a second officer's consent; both keys sign then.
#[derive(Clone)]
pub(crate) struct Second {
    pub(crate) request: Request,
    pub(crate) first: ActorId,
    /// The session whose key signs first: the key itself stays there.
    pub(crate) session: SessionName,
    pub(crate) other: ActorId,
    pub(crate) since: Timestamp,
    /// It is in the ledger.
    pub(crate) done: bool,
}

struct Notes {
    since: Timestamp,
    bytes: usize,
    prepared: Box<Prepared>,
}

#[derive(Default)]
struct Waiting {
    seconds: BTreeMap<Id, Second>,
    notes: BTreeMap<Id, Notes>,
    notes_bytes: usize,
    /// Ids of `notes`, oldest first; those that are gone already are passed over.
    order: VecDeque<Id>,
    answered: BTreeMap<Id, Answer>,
    answered_order: VecDeque<Id>,
}

/// The room where commands wait.
#[derive(Default)]
pub(crate) struct WaitingRoom {
    waiting: Mutex<Waiting>,
}

/// What a prepared id stands for.
pub(crate) enum Found {
    /// Appended before: the same answer again.
    Answered(Answer),
    Prepared(Box<Prepared>),
}

impl Waiting {
    fn sweep(&mut self, now: Timestamp) {
        let fresh = |since: Timestamp| now.seconds_since(since) <= WAITING_SECONDS_MAX;
        self.seconds.retain(|_, second| fresh(second.since));
        while let Some(oldest) = self.order.front().copied() {
            let gone = match self.notes.get(&oldest) {
                Some(notes) => !fresh(notes.since) || self.notes_bytes > PREPARED_BYTES_MAX,
                None => true,
            };
            if !gone {
                break;
            }
            self.order.pop_front();
            self.take(oldest);
        }
    }

    fn take(&mut self, id: Id) -> Option<Notes> {
        let notes = self.notes.remove(&id)?;
        self.notes_bytes -= notes.bytes;
        Some(notes)
    }
}

impl WaitingRoom {
    fn hold(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a command wait. The same command of the same officer waits once.
    ///
    /// `None` when too many of this officer's commands wait.
    pub(crate) fn wait_for_second(&self, fresh: Id, second: Second) -> Option<Id> {
        let mut waiting = self.hold();
        waiting.sweep(second.since);
        let mut mine = 0;
        for (id, waits) in &mut waiting.seconds {
            if waits.first != second.first {
                continue;
            }
            if is_same(&waits.request, &second.request) && waits.other == second.other {
                // Whoever signed in again signs with the key of the new session.
                waits.session = second.session;
                return Some(*id);
            }
            mine += usize::from(!waits.done);
        }
        if mine >= WAITING_MAX {
            return None;
        }
        waiting.seconds.insert(fresh, second);
        Some(fresh)
    }

    /// The commands that `actor` signs second, or signed first, oldest first.
    pub(crate) fn of(&self, actor: ActorId, now: Timestamp) -> Vec<(Id, Second)> {
        let mut waiting = self.hold();
        waiting.sweep(now);
        let theirs =
            waiting.seconds.iter().filter(|(_, s)| !s.done && (s.other == actor || s.first == actor));
        let mut found: Vec<_> = theirs.map(|(id, second)| (*id, second.clone())).collect();
        found.sort_by_key(|(id, second)| (second.since, *id));
        found
    }

    /// The command with this id, if `actor` is its second signer.
    pub(crate) fn second(&self, id: Id, actor: ActorId, now: Timestamp) -> Option<Second> {
        let mut waiting = self.hold();
        waiting.sweep(now);
        waiting.seconds.get(&id).filter(|second| second.other == actor).cloned()
    }

    /// It is in the ledger: no longer listed, but whoever signs again gets the same answer.
    pub(crate) fn signed(&self, id: Id) {
        if let Some(second) = self.hold().seconds.get_mut(&id) {
            second.done = true;
        }
    }

    /// Lets a prepared command wait for its notes.
    pub(crate) fn wait_for_notes(&self, id: Id, prepared: Box<Prepared>, now: Timestamp) {
        let texts: usize = prepared.texts().iter().map(String::len).sum();
        let bodies: usize = prepared.bodies().iter().map(|body| body.len()).sum();
        let bytes = texts + bodies + PREPARED_BYTES_EXTRA;
        let mut waiting = self.hold();
        waiting.notes_bytes += bytes;
        waiting.notes.insert(id, Notes { since: now, bytes, prepared });
        waiting.order.push_back(id);
        waiting.sweep(now);
    }

    /// Looks at the prepared command without taking it, so that notes which do not fit cost nothing.
    pub(crate) fn look<T>(&self, id: Id, now: Timestamp, look: impl FnOnce(&Prepared) -> T) -> Option<T> {
        let mut waiting = self.hold();
        waiting.sweep(now);
        waiting.notes.get(&id).map(|notes| look(&notes.prepared))
    }

    pub(crate) fn take(&self, id: Id) -> Option<Found> {
        let mut waiting = self.hold();
        if let Some(notes) = waiting.take(id) {
            return Some(Found::Prepared(notes.prepared));
        }
        waiting.answered.get(&id).cloned().map(Found::Answered)
    }

    /// Keeps the answer for whoever did not get it and asks again.
    pub(crate) fn answered(&self, id: Id, answer: Answer) {
        let mut waiting = self.hold();
        waiting.answered.insert(id, Answer { repeated: true, ..answer });
        waiting.answered_order.push_back(id);
        if waiting.answered_order.len() > ANSWERED_MAX
            && let Some(oldest) = waiting.answered_order.pop_front()
        {
            waiting.answered.remove(&oldest);
        }
    }
}

fn is_same(a: &Request, b: &Request) -> bool {
    let content = |request: &Request| request.command.to_json().unwrap_or_default();
    a.id == b.id && a.stream == b.stream && content(a) == content(b)
}
