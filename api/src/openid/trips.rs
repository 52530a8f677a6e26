//! Who is under way to the provider: which browser, for whom, and what must come back.
//!
//! A trip is named by a cookie of its own, and begins with a password that was right. It holds no key: that waits halfway
//! ([`crate::halfway`]), and whatever ends it there ends the trip.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use adit_core::id::ActorId;
use adit_core::units::Timestamp;
use zeroize::Zeroizing;

use crate::reporter::language::Language;
use crate::session::{SessionName, fresh_id};

/// Seconds in which somebody has to be back: as long as an opened key waits.
pub(crate) const AWAY_SECONDS_MAX: i64 = 300;
/// Of one account at once; the oldest makes way. Each took a right password.
const OF_ACCOUNT_MAX: usize = 4;

/// What somebody goes to the provider for.
#[derive(Clone)]
pub(crate) enum Purpose {
    /// In the place of a second factor; then to this page. A session that this browser had ends.
    SignIn { next: Option<String>, before: Option<SessionName> },
    /// To link the account there with the one here, from this session.
    Link { session: SessionName },
}

/// What left with the browser, or stays here until it is back.
pub(crate) struct Sent {
    pub(crate) state: Zeroizing<String>,
    pub(crate) nonce: Zeroizing<String>,
    /// Of PKCE (RFC 7636).
    pub(crate) verifier: Zeroizing<String>,
}

/// A trip, without what was sent.
#[derive(Clone)]
pub(crate) struct Trip {
    pub(crate) actor: ActorId,
    /// What names whoever is halfway.
    pub(crate) half: Zeroizing<String>,
    pub(crate) purpose: Purpose,
    /// In which language: no other cookie comes along on the way back.
    pub(crate) language: Language,
}

struct Away {
    trip: Trip,
    at: Timestamp,
    sent: Option<Sent>,
}

/// All of them, by the hash of the cookie that names each.
#[derive(Default)]
pub(crate) struct Trips {
    away: Mutex<BTreeMap<[u8; 32], Away>>,
}

fn name(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

impl Trips {
    fn away(&self, now: Timestamp) -> MutexGuard<'_, BTreeMap<[u8; 32], Away>> {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.retain(|_, one| now.seconds_since(one.at) <= AWAY_SECONDS_MAX);
        away
    }

    /// Prepares a trip under a new name of 256 random bits.
    pub(crate) fn begin(&self, trip: Trip, now: Timestamp) -> Result<String, getrandom::Error> {
        let token = fresh_id()?;
        let mut away = self.away(now);
        let own = away.iter().filter(|(_, one)| one.trip.actor == trip.actor);
        let oldest = own.clone().min_by_key(|(_, one)| one.at).map(|(name, _)| *name);
        if own.count() >= OF_ACCOUNT_MAX
            && let Some(oldest) = oldest
        {
            away.remove(&oldest);
        }
        away.insert(name(&token), Away { trip, at: now, sent: None });
        Ok(token)
    }

    pub(crate) fn get(&self, token: &str, now: Timestamp) -> Option<Trip> {
        self.away(now).get(&name(token)).map(|one| one.trip.clone())
    }

    /// Remembers what leaves. Only the newest departure counts. False for a trip that is over.
    pub(crate) fn leave(&self, token: &str, sent: Sent, now: Timestamp) -> bool {
        let mut away = self.away(now);
        let Some(one) = away.get_mut(&name(token)) else { return false };
        one.sent = Some(sent);
        true
    }

    /// What left under this name and with this state, once. A wrong state takes nothing away: anybody could send one.
    pub(crate) fn back(&self, token: &str, state: &str, now: Timestamp) -> Option<(Trip, Sent)> {
        let mut away = self.away(now);
        let one = away.get_mut(&name(token))?;
        // Hashes take the same time to compare wherever the two part.
        let ours = one.sent.as_ref().map(|sent| blake3::hash(sent.state.as_bytes()))?;
        if ours != blake3::hash(state.as_bytes()) {
            return None;
        }
        Some((one.trip.clone(), one.sent.take()?))
    }

    pub(crate) fn end(&self, token: &str, now: Timestamp) {
        self.away(now).remove(&name(token));
    }

    /// Forgets those who did not come back.
    pub(crate) fn sweep(&self, now: Timestamp) {
        drop(self.away(now));
    }
}

#[cfg(test)]
mod tests {
    use adit_core::id::Id;

    use super::*;

    fn trip(actor: u8) -> Trip {
        Trip {
            actor: ActorId(Id([actor; 16])),
            half: Zeroizing::new("half".to_owned()),
            purpose: Purpose::SignIn { next: None, before: None },
            language: Language::Zh,
        }
    }

    fn sent(state: &str) -> Sent {
        let text = |text: &str| Zeroizing::new(text.to_owned());
        Sent { state: text(state), nonce: text("nonce"), verifier: text("verifier") }
    }

    #[test]
    fn given_a_trip_then_it_is_back_once_with_its_cookie_and_its_newest_state_and_in_time() {
        let (trips, now) = (Trips::default(), Timestamp(1_700_000_000));
        let token = trips.begin(trip(1), now).expect("begun");
        assert!(trips.back(&token, "one", now).is_none(), "nothing has left");
        assert!(trips.leave(&token, sent("one"), now) && trips.leave(&token, sent("two"), now));
        assert!(!trips.leave("another", sent("one"), now));
        for (token, state) in [("another", "two"), (token.as_str(), "one"), (token.as_str(), "")] {
            assert!(trips.back(token, state, now).is_none(), "{state}");
        }
        let (found, left) = trips.back(&token, "two", now).expect("back");
        assert!(found.half.as_str() == "half" && left.nonce.as_str() == "nonce");
        assert!(trips.back(&token, "two", now).is_none(), "back twice");
        assert!(trips.leave(&token, sent("three"), now));
        assert!(trips.back(&token, "three", now.plus_seconds(AWAY_SECONDS_MAX + 1)).is_none(), "too late");
    }

    #[test]
    fn given_many_trips_of_one_account_then_the_oldest_makes_way_and_no_other_account_waits() {
        let (trips, now) = (Trips::default(), Timestamp(1_700_000_000));
        let other = trips.begin(trip(2), now).expect("begun");
        let own: Vec<String> = (0..=OF_ACCOUNT_MAX)
            .map(|i| trips.begin(trip(1), now.plus_seconds(i64::try_from(i).expect("few"))).expect("begun"))
            .collect();
        let later = now.plus_seconds(10);
        assert!(trips.get(&own[0], later).is_none() && trips.get(&other, later).is_some());
        assert!(own[1..].iter().all(|token| trips.get(token, later).is_some()));
    }
}
