//! Those whose password was right, and whose second factor is still to come: they type it once.
//!
//! A key waits here as in a session, and for minutes alone; what names it opens nothing without the second factor.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_core::id::ActorId;
use adit_core::units::Timestamp;

use crate::keystore::Opened;
use crate::session::fresh_id;

/// Seconds in which the second factor has to come.
const WAIT_SECONDS_MAX: i64 = 300;
/// Of one account at once; the oldest makes way. Each took a right password.
const OF_ACCOUNT_MAX: usize = 4;

/// Somebody halfway.
#[derive(Clone)]
pub(crate) struct Half {
    pub(crate) actor: ActorId,
    pub(crate) opened: Arc<Opened>,
    at: Timestamp,
}

/// All of them, by the hash of what names each.
#[derive(Default)]
pub(crate) struct Halfway {
    waiting: Mutex<BTreeMap<[u8; 32], Half>>,
}

fn name(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

impl Halfway {
    fn waiting(&self, now: Timestamp) -> MutexGuard<'_, BTreeMap<[u8; 32], Half>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, half| now.seconds_since(half.at) <= WAIT_SECONDS_MAX);
        waiting
    }

    /// Keeps what a password opened, under a new name of 256 random bits.
    pub(crate) fn begin(
        &self,
        actor: ActorId,
        opened: Arc<Opened>,
        now: Timestamp,
    ) -> Result<String, getrandom::Error> {
        let token = fresh_id()?;
        let mut waiting = self.waiting(now);
        let own = waiting.iter().filter(|(_, half)| half.actor == actor);
        let oldest = own.clone().min_by_key(|(_, half)| half.at).map(|(name, _)| *name);
        if own.count() >= OF_ACCOUNT_MAX
            && let Some(oldest) = oldest
        {
            waiting.remove(&oldest);
        }
        waiting.insert(name(&token), Half { actor, opened, at: now });
        Ok(token)
    }

    /// The one with this name, while it waits.
    pub(crate) fn get(&self, token: &str, now: Timestamp) -> Option<Half> {
        self.waiting(now).get(&name(token)).cloned()
    }

    /// Ends it: the second factor came.
    pub(crate) fn end(&self, token: &str, now: Timestamp) {
        self.waiting(now).remove(&name(token));
    }

    /// Ends those of an account whose password or second factor is another one now.
    pub(crate) fn end_of(&self, actor: ActorId, now: Timestamp) {
        self.waiting(now).retain(|_, half| half.actor != actor);
    }

    /// Wipes the keys of those who did not go on.
    pub(crate) fn sweep(&self, now: Timestamp) {
        drop(self.waiting(now));
    }
}
