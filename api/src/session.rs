//! Sessions: a random id, an unlocked key, and thirty idle minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_core::id::ActorId;
use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::units::Timestamp;

/// Seconds after which an unused session ends.
const IDLE_SECONDS: i64 = 30 * 60;

/// Somebody who signed in. The key leaves memory with the session.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) actor: ActorId,
    pub(crate) key: Arc<SigningKey>,
}

struct Live {
    session: Session,
    used: Timestamp,
}

/// All sessions, by the BLAKE3 of their id: the table alone opens nothing.
#[derive(Default)]
pub(crate) struct Sessions {
    live: Mutex<HashMap<[u8; 32], Live>>,
}

fn name(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

impl Sessions {
    fn live(&self) -> MutexGuard<'_, HashMap<[u8; 32], Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session under a new id of 256 random bits.
    pub(crate) fn begin(&self, session: Session, now: Timestamp) -> Result<String, getrandom::Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        let token = hex(&bytes);
        let mut live = self.live();
        live.retain(|_, session| now.seconds_since(session.used) <= IDLE_SECONDS);
        live.insert(name(&token), Live { session, used: now });
        Ok(token)
    }

    /// The session with this id, if it has not idled out.
    pub(crate) fn get(&self, token: &str, now: Timestamp) -> Option<Session> {
        let mut live = self.live();
        let key = name(token);
        let session = live.get_mut(&key)?;
        if now.seconds_since(session.used) > IDLE_SECONDS {
            live.remove(&key);
            return None;
        }
        session.used = now;
        Some(session.session.clone())
    }

    pub(crate) fn end(&self, token: &str) {
        self.live().remove(&name(token));
    }

    /// Whether `actor` still has a session.
    pub(crate) fn has(&self, actor: ActorId, now: Timestamp) -> bool {
        let idle = |live: &Live| now.seconds_since(live.used) > IDLE_SECONDS;
        self.live().values().any(|live| live.session.actor == actor && !idle(live))
    }
}
