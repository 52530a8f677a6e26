//! The log's private keys that lie here, and which of them sign what.
//!
//! Which keys the log has, and from which position to which each holds, its own entries say (the `ledger` stream). A
//! checkpoint is signed by every log key in force at its last entry, so that whoever knows one of them believes it; what
//! the log itself signs among the entries is signed by the newest.

use std::sync::{Arc, PoisonError, RwLock};

use crate::ledger::keyring::KeyRing;
use crate::ledger::vkey::{SigningKey, VKey};
use crate::units::Position;

/// Private keys of one log. Clones share them.
#[derive(Clone, Debug)]
pub struct LogKeys {
    /// Signs while no entry has named a key yet.
    first: Arc<SigningKey>,
    more: Arc<RwLock<Vec<Arc<SigningKey>>>>,
}

impl From<SigningKey> for LogKeys {
    fn from(key: SigningKey) -> Self {
        Self { first: Arc::new(key), more: Arc::default() }
    }
}

impl LogKeys {
    /// `None` when there is no key, or when they are not of one log.
    pub fn new(keys: Vec<SigningKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        let all = Self::from(keys.next()?);
        for key in keys {
            if key.name() != all.origin() {
                return None;
            }
            all.add(key);
        }
        Some(all)
    }

    /// The name of every key here.
    pub fn origin(&self) -> &str {
        self.first.name()
    }

    fn all(&self) -> Vec<Arc<SigningKey>> {
        let more = self.more.read().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(&self.first).chain(more.iter()).map(Arc::clone).collect()
    }

    pub fn vkeys(&self) -> Vec<VKey> {
        self.all().iter().map(|key| key.vkey()).collect()
    }

    /// The private half of `key`, if it lies here.
    pub fn get(&self, key: &VKey) -> Option<Arc<SigningKey>> {
        self.all().into_iter().find(|held| held.vkey() == *key)
    }

    pub(crate) fn add(&self, key: SigningKey) {
        self.more.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(key));
    }

    /// Those that sign a checkpoint whose last entry stands at `last`, oldest first.
    pub(crate) fn signing(&self, ring: &KeyRing, last: Position) -> Vec<Arc<SigningKey>> {
        let named = ring.log_keys_at(last);
        if named.is_empty() {
            return vec![Arc::clone(&self.first)];
        }
        named.iter().filter_map(|key| self.get(key)).collect()
    }

    /// The newest in force at `position`; signs what the log itself records.
    pub(crate) fn newest(&self, ring: &KeyRing, position: Position) -> Arc<SigningKey> {
        self.signing(ring, position).pop().unwrap_or_else(|| Arc::clone(&self.first))
    }

    /// A key that lies here and that no entry has named: a rotation that was broken off left it.
    pub(crate) fn waiting(&self, ring: &KeyRing) -> Option<VKey> {
        self.vkeys().into_iter().find(|key| ring.get(key).is_none())
    }
}
