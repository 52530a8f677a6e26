//! Which keys are known, until where they hold, and what they were granted: folded from public lines alone.
//!
//! The log's own keys follow each other: each is introduced by an entry that one before it and itself sign, so whoever knows one
//! can follow to all others. Keys of officers and of the log hold in the whole log. In report, reward and access streams an officer's key is good for the
//! entry that introduces it and nothing else, so only reporters' keys are remembered there.

use std::collections::HashMap;

use adit_core::id::{StreamId, StreamKind};
use adit_core::ledger::entry::{Entry, Line, SignedEntry};
use adit_core::ledger::note::SignatureLine;
use adit_core::ledger::vkey::{ED25519, KeyId, VKey};
use adit_core::role::Role;
use serde::{Deserialize, Serialize};

use super::state::StreamKey;

/// A key under a name that is known from where it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    id: KeyId,
    point: [u8; 32],
    /// The entry that introduced it.
    introduced: u64,
    /// One bit for each role.
    roles: u16,
    /// Last position at which it may sign.
    last: Option<u64>,
}

impl Key {
    fn new(key: &VKey, introduced: u64) -> Self {
        Self { id: key.id(), point: *key.key(), introduced, roles: 0, last: None }
    }

    fn holds(&self, position: u64) -> bool {
        self.introduced <= position && self.last.is_none_or(|last| position <= last)
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
    /// Of the log with this origin; which keys it has, its first entry says.
    pub(super) fn of_log(origin: &str) -> Self {
        Self { origin: origin.to_owned(), everywhere: HashMap::new(), reporters: HashMap::new() }
    }

    fn log(&self) -> &[Key] {
        self.everywhere.get(&self.origin).map(Vec::as_slice).unwrap_or_default()
    }

    fn vkey(&self, key: &Key) -> Option<VKey> {
        VKey::new(&self.origin, ED25519, key.point)
    }

    /// Every key that the log has or had, oldest first.
    pub(super) fn of_the_log(&self) -> Vec<VKey> {
        self.log().iter().filter_map(|key| self.vkey(key)).collect()
    }

    /// The log's keys that hold at `position`, oldest first.
    pub(super) fn log_at(&self, position: u64) -> Vec<VKey> {
        self.log().iter().filter(|key| key.holds(position)).filter_map(|key| self.vkey(key)).collect()
    }

    /// What an entry says of the log's own keys: the first stands in the first entry; another is introduced alone, by itself and
    /// one that holds; one is ended by another that holds, and not ahead of time. These few signatures are checked here and
    /// now, because all that follows is judged by them.
    pub(super) fn check_log_keys(&self, position: u64, signed: &SignedEntry) -> Result<(), &'static str> {
        let entry = signed.entry();
        let of_log = |line: &Line| match line {
            Line::Key(key)
            | Line::End { key, .. }
            | Line::Grant { key, .. }
            | Line::Revoke { key, .. }
            | Line::Recipient { key, .. } => key.name() == self.origin,
            Line::Clock { .. } | Line::Extend { .. } | Line::Stop { .. } => false,
        };
        // Almost every entry says nothing of them, and making a key of its bytes costs more than all else here.
        if !entry.lines.iter().any(of_log) {
            return Ok(());
        }
        let signs = |key: &VKey| {
            let good = |line: &SignatureLine| line.is_by(key) && key.verifies(signed.text(), &line.signature);
            signed.signatures().iter().any(good)
        };
        let holding = self.log_at(position);
        let first = position == 0 && entry.kind == "ledger.opened";
        let mut introduced = 0;
        for line in &entry.lines {
            match line {
                Line::Key(key) if key.name() == self.origin && !self.log().iter().any(|one| one.is(key)) => {
                    introduced += 1;
                    if !signs(key) {
                        return Err("the new key of the log does not sign");
                    }
                    if entry.stream.kind != StreamKind::Ledger || !first && !holding.iter().any(signs) {
                        return Err("no key of the log that holds introduces the new one");
                    }
                }
                Line::End { key, last } if key.name() == self.origin => {
                    let by_another = holding.iter().any(|other| other != key && signs(other));
                    if !holding.contains(key) || !by_another || last.0 > position {
                        return Err("a key of the log is not ended by another that holds");
                    }
                }
                Line::Grant { key, .. } | Line::Revoke { key, .. } | Line::Recipient { key, .. }
                    if key.name() == self.origin =>
                {
                    return Err("a key of the log is given something");
                }
                Line::Key(_)
                | Line::End { .. }
                | Line::Grant { .. }
                | Line::Revoke { .. }
                | Line::Recipient { .. }
                | Line::Clock { .. }
                | Line::Extend { .. }
                | Line::Stop { .. } => {}
            }
        }
        if introduced > 1 { Err("more than one key of the log is introduced at once") } else { Ok(()) }
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
            // A key that this entry introduces is none of the log's before it, except in the first entry.
            log: line.name == self.origin && (known.is_some() || self.log().is_empty()),
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

    /// Takes over the lines of an entry after it was judged; those of the log's own keys only where they are lawful.
    pub(super) fn apply(&mut self, position: u64, entry: &Entry, everywhere: bool, lawful: bool) {
        if entry.stream.kind.is_unlinkable() {
            self.apply_reporters(entry);
            return;
        }
        if !everywhere {
            return;
        }
        let taken = |key: &VKey| lawful || key.name() != self.origin;
        let lines: Vec<&Line> = entry
            .lines
            .iter()
            .filter(|line| !matches!(line, Line::Key(key) | Line::End { key, .. } if !taken(key)))
            .collect();
        for line in lines {
            match line {
                Line::Key(key) => {
                    let keys = self.everywhere.entry(key.name().to_owned()).or_default();
                    if !keys.iter().any(|known| known.is(key)) {
                        keys.push(Key::new(key, position));
                    }
                }
                Line::Grant { role, key } => self.change(key, |known| known.roles |= bit(*role)),
                Line::Revoke { role, key } => self.change(key, |known| known.roles &= !bit(*role)),
                // An end reaches back to no entry that stands before it, and is never moved later again.
                Line::End { key, last } => self.change(key, |known| {
                    let last = last.0.max(position.saturating_sub(1));
                    known.last = Some(known.last.map_or(last, |earlier| earlier.min(last)));
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
