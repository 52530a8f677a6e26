//! Which keys are known, until where they hold, and what they were granted: folded from public lines alone.
//!
//! Keys of officers and of the log hold in the whole log. In report and reward streams an officer's key is good for the
//! entry that introduces it and nothing else, so only reporters' keys are remembered there.

use std::collections::HashMap;

use adit_core::id::StreamId;
use adit_core::ledger::entry::{Entry, Line};
use adit_core::ledger::note::SignatureLine;
use adit_core::ledger::vkey::{KeyId, VKey};
use adit_core::role::Role;
use serde::{Deserialize, Serialize};

use super::state::StreamKey;

/// A key under a name that is known from where it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    id: KeyId,
    point: [u8; 32],
    /// One bit for each role.
    roles: u16,
    /// Last position at which it may sign.
    last: Option<u64>,
}

impl Key {
    fn new(key: &VKey) -> Self {
        Self { id: key.id(), point: *key.key(), roles: 0, last: None }
    }

    fn is(&self, key: &VKey) -> bool {
        self.id == key.id() && self.point == *key.key()
    }
}

/// Who signed, as far as the log says.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    pub(super) name: String,
    pub(super) key: [u8; 32],
    pub(super) roles: Vec<Role>,
    pub(super) log: bool,
    /// It was ended at an earlier position.
    pub(super) ended: bool,
    /// A one-time key of a report's or reward's stream.
    pub(super) one_time: bool,
}

/// All keys that are in force, or were.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Keys {
    origin: String,
    everywhere: HashMap<String, Vec<Key>>,
    /// Reporters' keys; their name is that of the stream.
    reporters: HashMap<StreamKey, Vec<(KeyId, [u8; 32])>>,
}

fn bit(role: Role) -> u16 {
    Role::ALL.iter().position(|one| *one == role).map_or(0, |place| 1 << place)
}

fn roles(bits: u16) -> Vec<Role> {
    Role::ALL.into_iter().filter(|role| bits & bit(*role) != 0).collect()
}

impl Keys {
    /// The log's own key is known from outside the log.
    pub(super) fn of_log(log: &VKey) -> Self {
        let everywhere = HashMap::from([(log.name().to_owned(), vec![Key::new(log)])]);
        Self { origin: log.name().to_owned(), everywhere, reporters: HashMap::new() }
    }

    /// `<origin>/<stream>`: the name of a reporter's key.
    pub(super) fn own_name(&self, stream: StreamId) -> String {
        format!("{}/{stream}", self.origin)
    }

    /// Who signed an entry, with roles as they were before it. Keys that the entry itself introduces may sign it, but hold
    /// no role by it, except one-time keys, whose grant stands beside them.
    pub(super) fn signer(&self, entry: &Entry, line: &SignatureLine, position: u64) -> Option<Signer> {
        let unlinkable = entry.stream.kind.is_unlinkable();
        let mut keys =
            entry.lines.iter().filter_map(|one| if let Line::Key(key) = one { Some(key) } else { None });
        let introduced = keys.find(|key| line.is_by(key));
        if unlinkable && line.name != self.origin {
            return self.local(entry, line, introduced);
        }
        let known =
            self.everywhere.get(&line.name).and_then(|keys| keys.iter().find(|key| key.id == line.id));
        let (key, bits, last) = match (known, introduced) {
            (Some(known), _) => (known.point, known.roles, known.last),
            (None, Some(key)) if !unlinkable => (*key.key(), 0, None),
            (None, _) => return None,
        };
        Some(Signer {
            name: line.name.clone(),
            key,
            roles: roles(bits),
            log: line.name == self.origin,
            ended: last.is_some_and(|last| position > last),
            one_time: false,
        })
    }

    fn local(&self, entry: &Entry, line: &SignatureLine, introduced: Option<&VKey>) -> Option<Signer> {
        let own = self.own_name(entry.stream);
        let signer = |key, roles, one_time| {
            Some(Signer { name: line.name.clone(), key, roles, log: false, ended: false, one_time })
        };
        if let Some(key) = introduced {
            let granted = entry.lines.iter().filter_map(|one| {
                if let Line::Grant { role, key: granted } = one {
                    (granted == key).then_some(*role)
                } else {
                    None
                }
            });
            return signer(*key.key(), granted.collect(), line.name != own);
        }
        if line.name != own {
            return None;
        }
        let known = self.reporters.get(&StreamKey::of(entry.stream))?;
        let (_, key) = known.iter().find(|(id, _)| *id == line.id)?;
        signer(*key, Vec::new(), false)
    }

    /// Takes over the lines of an entry after it was judged.
    pub(super) fn apply(&mut self, entry: &Entry, everywhere: bool) {
        if entry.stream.kind.is_unlinkable() {
            self.apply_reporters(entry);
            return;
        }
        if !everywhere {
            return;
        }
        for line in &entry.lines {
            match line {
                Line::Key(key) => {
                    let keys = self.everywhere.entry(key.name().to_owned()).or_default();
                    if !keys.iter().any(|known| known.is(key)) {
                        keys.push(Key::new(key));
                    }
                }
                Line::Grant { role, key } => self.change(key, |known| known.roles |= bit(*role)),
                Line::Revoke { role, key } => self.change(key, |known| known.roles &= !bit(*role)),
                // An end is never moved later again.
                Line::End { key, last } => self.change(key, |known| {
                    known.last = Some(known.last.map_or(last.0, |earlier| earlier.min(last.0)));
                }),
                Line::Recipient { .. } | Line::Clock { .. } | Line::Extend { .. } | Line::Stop { .. } => {}
            }
        }
    }

    fn change(&mut self, key: &VKey, change: impl FnOnce(&mut Key)) {
        let keys = self.everywhere.get_mut(key.name());
        if let Some(known) = keys.and_then(|keys| keys.iter_mut().find(|known| known.is(key))) {
            change(known);
        }
    }

    fn apply_reporters(&mut self, entry: &Entry) {
        let own = self.own_name(entry.stream);
        for line in &entry.lines {
            if let Line::Key(key) = line
                && key.name() == own
            {
                let keys = self.reporters.entry(StreamKey::of(entry.stream)).or_default();
                let known = (key.id(), *key.key());
                if !keys.contains(&known) {
                    keys.push(known);
                }
            }
        }
    }
}
