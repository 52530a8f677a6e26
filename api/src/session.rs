//! Sessions: a random id, an unlocked key, and thirty idle minutes. One that shows a wall has no key, and lasts for days.

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
    /// It shows a wall, and nothing else.
    pub(crate) wall: bool,
}

/// A session as its owner sees it.
pub(crate) struct Listed {
    pub(crate) name: SessionName,
    pub(crate) begun: Timestamp,
    pub(crate) used: Timestamp,
    /// When it ends, where it shows a wall.
    pub(crate) hangs_until: Option<Timestamp>,
}

struct Live {
    actor: ActorId,
    vkey: VKey,
    key: Option<Arc<SigningKey>>,
    begun: Timestamp,
    used: Timestamp,
    hangs_until: Option<Timestamp>,
}

impl Live {
    fn session(&self, name: SessionName) -> Session {
        let Self { actor, vkey, key, .. } = self;
        let wall = self.hangs_until.is_some();
        Session { name, actor: *actor, vkey: vkey.clone(), key: key.clone(), wall }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        if let Some(until) = self.hangs_until {
            return now > until;
        }
        now.seconds_since(self.used) > IDLE_SECONDS_MAX || now.seconds_since(self.begun) > SESSION_SECONDS_MAX
    }
}

/// All sessions, by name: the table alone opens nothing.
#[derive(Default)]
pub(crate) struct Sessions {
    live: Mutex<BTreeMap<SessionName, Live>>,
}

/// What names the session with this id.
pub(crate) fn name(token: &str) -> SessionName {
    *blake3::hash(token.as_bytes()).as_bytes()
}

/// A new id of 256 random bits.
pub(crate) fn fresh_id() -> Result<String, getrandom::Error> {
    let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut())?;
    Ok(hex(bytes.as_ref()))
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
        let token = fresh_id()?;
        let key = key.map(Arc::new);
        let live = Live { actor, vkey, key, begun: now, used: now, hangs_until: None };
        self.live().insert(name(&token), live);
        Ok(token)
    }

    /// Makes a session one that shows a wall until then, under a new id: its key is wiped. None for one that is over.
    pub(crate) fn hang(
        &self,
        session: &Session,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<String>, getrandom::Error> {
        let token = fresh_id()?;
        let (actor, vkey, hangs_until) = (session.actor, session.vkey.clone(), Some(until));
        let mut live = self.live();
        if live.remove(&session.name).is_none() {
            return Ok(None);
        }
        live.insert(name(&token), Live { actor, vkey, key: None, begun: now, used: now, hangs_until });
        Ok(Some(token))
    }

    /// Whether this id shows a wall.
    pub(crate) fn is_wall(&self, token: &str, now: Timestamp) -> bool {
        self.peek(token, now).is_some_and(|session| session.wall)
    }

    /// The session with this id, if it is not over.
    pub(crate) fn get(&self, token: &str, now: Timestamp) -> Option<Session> {
        self.sweep(now);
        let name = name(token);
        let mut live = self.live();
        let found = live.get_mut(&name)?;
        found.used = now;
        Some(found.session(name))
    }

    /// The session with this id, which a page looks after by itself: looking does not keep it alive.
    pub(crate) fn peek(&self, token: &str, now: Timestamp) -> Option<Session> {
        self.sweep(now);
        let name = name(token);
        let live = self.live();
        live.get(&name).map(|found| found.session(name))
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

    /// The sessions of an actor, the newest first.
    pub(crate) fn of(&self, actor: ActorId, now: Timestamp) -> Vec<Listed> {
        self.sweep(now);
        let live = self.live();
        let own = live.iter().filter(|(_, live)| live.actor == actor);
        let listed = |(name, live): (&SessionName, &Live)| {
            let (begun, used, hangs_until) = (live.begun, live.used, live.hangs_until);
            Listed { name: *name, begun, used, hangs_until }
        };
        let mut own: Vec<Listed> = own.map(listed).collect();
        own.sort_by_key(|session| std::cmp::Reverse(session.begun));
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

#[cfg(test)]
mod tests {
    use adit_core::id::Id;

    use super::*;

    #[test]
    fn a_session_that_shows_a_wall_has_another_id_and_no_key_and_ends_on_its_day() {
        let sessions = Sessions::default();
        let (actor, now) = (ActorId(Id([7; 16])), Timestamp(1_700_000_000));
        let key = SigningKey::from_seed("a.example/actor/x", &[9; 32]).expect("key");
        let token = sessions.begin(actor, key.vkey(), Some(key), now).expect("begun");
        let session = sessions.get(&token, now).expect("a session");
        let until = now.plus_seconds(30 * 24 * 3600);
        let wall = sessions.hang(&session, now, until).expect("hung").expect("it was there");
        assert!(sessions.hang(&session, now, until).expect("no fault").is_none(), "it hangs once");
        assert!(sessions.get(&token, now).is_none() && sessions.key_of(&session.name, now).is_none());
        let held = Arc::downgrade(session.key.as_ref().expect("a key"));
        drop(session);
        assert_eq!(held.strong_count(), 0, "the key stays in memory");
        assert!(sessions.get(&wall, until).is_some_and(|shown| shown.wall && shown.key.is_none()));
        assert!(sessions.is_wall(&wall, until) && sessions.of(actor, until).len() == 1);
        assert!(sessions.get(&wall, until.plus_seconds(1)).is_none());
    }
}
