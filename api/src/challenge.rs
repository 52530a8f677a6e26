//! Sign-in by a key that the client keeps: the server asks for a signature over a text that was never used before.
//!
//! The text is not an entry (`adit.v1 sign-in` where an entry has `adit.v1 <origin>`), so a signature made here is
//! worth nothing in the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use adit_core::id::Id;
use adit_core::ledger::note::Note;
use adit_core::ledger::vkey::{VKey, hex};
use adit_core::units::Timestamp;

/// Seconds for which a challenge may be answered.
const ANSWER_SECONDS_MAX: i64 = 120;

/// Makes and checks challenges. It remembers only those that were answered.
pub(crate) struct Challenges {
    key: [u8; 32],
    used: Mutex<BTreeMap<String, Timestamp>>,
}

impl Challenges {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0_u8; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { key, used: Mutex::default() })
    }

    fn text(&self, origin: &str, at: &str, nonce: &str) -> String {
        let said = format!("adit.v1 sign-in {origin}\n{at} {nonce}");
        let proof = blake3::keyed_hash(&self.key, said.as_bytes());
        format!("{said} {}\n", hex(proof.as_bytes()))
    }

    /// A text to sign.
    pub(crate) fn make(&self, origin: &str, now: Timestamp) -> Result<String, getrandom::Error> {
        Ok(self.text(origin, &now.to_string(), &Id::random()?.to_string()))
    }

    /// The key of `known` that signed one of our texts in time, and for the first time.
    pub(crate) fn check(&self, note: &str, origin: &str, known: &[VKey], now: Timestamp) -> Option<VKey> {
        let note = Note::parse(note.as_bytes()).ok()?;
        let mut words = note.text.split('\n').nth(1)?.split(' ');
        let (at, nonce) = (words.next()?, words.next()?);
        let ours = self.text(origin, at, nonce);
        // Comparing hashes takes the same time wherever the two texts part.
        if blake3::hash(ours.as_bytes()) != blake3::hash(note.text.as_bytes()) {
            return None;
        }
        let age = now.seconds_since(at.parse().ok()?);
        if !(0..=ANSWER_SECONDS_MAX).contains(&age) {
            return None;
        }
        let key = note.verify(known).ok()?.into_iter().next()?;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, when| now.seconds_since(*when) <= ANSWER_SECONDS_MAX);
        used.insert(nonce.to_owned(), now).is_none().then_some(key)
    }
}
