//! Sessions: a random id, an unlocked key, and thirty idle minutes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_core::id::ActorId;
use adit_core::ledger::vkey::{SigningKey, VKey, hex};
use adit_core::units::Timestamp;

/// Seconds after which an unused session ends.
pub(crate) const IDLE_SECONDS_MAX: i64 = 30 * 60;
/// Seconds after which every session ends: one working day.
pub(crate) const SESSION_SECONDS_MAX: i64 = 12 * 3600;

/// BLAKE3 of a session's id: names a session without opening it.
pub(crate) type SessionName = [u8; 32];

/// Somebody who signed in.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) name: SessionName,
    pub(crate) actor: ActorId,
    pub(crate) vkey: VKey,
    /// The unlocked key; none where the client keeps it. It is wiped when the session and the requests that are
    /// using it are over.
    pub(crate) key: Option<Arc<SigningKey>>,
}

struct Live {
    actor: ActorId,
    vkey: VKey,
    key: Option<Arc<SigningKey>>,
    begun: Timestamp,
    used: Timestamp,
}

impl Live {
    fn is_over(&self, now: Timestamp) -> bool {
        now.seconds_since(self.used) > IDLE_SECONDS_MAX || now.seconds_since(self.begun) > SESSION_SECONDS_MAX
    }
}

/// All sessions, by name: the table alone opens nothing.
#[derive(Default)]
pub(crate) struct Sessions {
    live: Mutex<BTreeMap<SessionName, Live>>,
}

fn name(token: &str) -> SessionName {
    *blake3::hash(token.as_bytes()).as_bytes()
}

impl Sessions {
    fn live(&self) -> MutexGuard<'_, BTreeMap<SessionName, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session under a new id of 256 random bits.
    pub(crate) fn begin(
        &self,
        actor: ActorId,
        vkey: VKey,
        key: Option<SigningKey>,
        now: Timestamp,
    ) -> Result<String, getrandom::Error> {
        let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
        getrandom::fill(bytes.as_mut())?;
        let token = hex(bytes.as_ref());
        let key = key.map(Arc::new);
        let live = Live { actor, vkey, key, begun: now, used: now };
        self.live().insert(name(&token), live);
        Ok(token)
    }

    /// The session with this id, if it is not over.
    pub(crate) fn get(&self, token: &str, now: Timestamp) -> Option<Session> {
        self.sweep(now);
        let name = name(token);
        let mut live = self.live();
        let found = live.get_mut(&name)?;
        found.used = now;
        let Live { actor, vkey, key, .. } = &*found;
        Some(Session { name, actor: *actor, vkey: vkey.clone(), key: key.clone() })
    }

    /// The session with this id, which a page looks after by itself: looking does not keep it alive.
    pub(crate) fn peek(&self, token: &str, now: Timestamp) -> Option<Session> {
        self.sweep(now);
        let name = name(token);
        let live = self.live();
        let Live { actor, vkey, key, .. } = live.get(&name)?;
        Some(Session { name, actor: *actor, vkey: vkey.clone(), key: key.clone() })
    }

    /// Whether a session is not over yet. Does not keep it alive.
    pub(crate) fn is_live(&self, name: &SessionName, now: Timestamp) -> bool {
        self.sweep(now);
        self.live().contains_key(name)
    }

    /// The unlocked key of a session that somebody else's request refers to. Does not keep it alive.
    pub(crate) fn key_of(&self, name: &SessionName, now: Timestamp) -> Option<Arc<SigningKey>> {
        self.sweep(now);
        self.live().get(name)?.key.clone()
    }

    pub(crate) fn end(&self, token: &str) {
        self.live().remove(&name(token));
    }

    /// The sessions of an actor: when each began and was last used, the newest first.
    pub(crate) fn of(&self, actor: ActorId, now: Timestamp) -> Vec<(SessionName, Timestamp, Timestamp)> {
        self.sweep(now);
        let live = self.live();
        let own = live.iter().filter(|(_, live)| live.actor == actor);
        let mut own: Vec<_> = own.map(|(name, live)| (*name, live.begun, live.used)).collect();
        own.sort_by_key(|(_, begun, _)| std::cmp::Reverse(*begun));
        own
    }

    pub(crate) fn end_named(&self, name: &SessionName) {
        self.live().remove(name);
    }

    /// Ends the sessions of an actor, such as after a new password.
    pub(crate) fn end_others(&self, actor: ActorId, except: &SessionName) {
        self.live().retain(|name, live| live.actor != actor || name == except);
    }

    /// Wipes the keys of sessions that are over.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.live().retain(|_, live| !live.is_over(now));
    }
}
