//! Which keys exist, until which position they hold, and which roles they were granted.
//!
//! Folded from the public lines of entries alone, so that anybody can fold it again. Keys of actors and of the log
//! come from `actor` and `ledger` streams and hold in the whole log; keys introduced in a report's or reward's
//! stream hold in that stream only.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use imbl::{OrdMap, OrdSet};

use crate::id::{ActorId, StreamKind};
use crate::ledger::entry::{Entry, Line};
use crate::ledger::note::SignatureLine;
use crate::ledger::vkey::VKey;
use crate::role::{Party, Role};
use crate::units::Position;

/// What is known of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// The entry that introduced it.
    pub introduced: Position,
    /// Last position at which it may sign; `None` while it has no end.
    pub last: Option<Position>,
    pub roles: BTreeSet<Role>,
    /// Age recipients of its holder, each with the entry that names it; the last one holds.
    pub recipients: Vec<(Position, String)>,
}

impl KeyState {
    /// Whether it may sign at `position`.
    pub fn in_force(&self, position: Position) -> bool {
        self.last.is_none_or(|last| position <= last)
    }

    /// The age recipient that a log of `size` entries tells of, while the key is in force.
    pub fn recipient(&self, size: u64) -> Option<&str> {
        let told = self.recipients.iter().rev().find(|(position, _)| position.0 < size);
        told.filter(|_| self.in_force(Position(size))).map(|(_, age)| age.as_str())
    }
}

/// The keys in force, as of some position. A copy shares what it does not change: a ring of many thousand enterprises is
/// copied for each group that enrols one more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRing {
    origin: String,
    /// By name: a signature line is looked up by it, and few keys share one.
    named: OrdMap<String, BTreeMap<VKey, KeyState>>,
    /// Which keys hold a role: few of many, where it is not that of enterprises.
    granted: OrdMap<Role, OrdSet<VKey>>,
}

impl KeyRing {
    pub fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), ..Self::default() }
    }

    /// Whether the lines of streams of this kind hold in the whole log.
    pub fn holds_everywhere(kind: StreamKind) -> bool {
        matches!(kind, StreamKind::Actor | StreamKind::Ledger)
    }

    /// Takes over the public lines of the entry at `position`.
    pub fn apply(&mut self, position: Position, entry: &Entry) {
        for line in &entry.lines {
            match line {
                Line::Key(key) => self.introduce(key.clone(), position),
                Line::Grant { role, key } => {
                    if let Some(state) = self.get_mut(key) {
                        state.roles.insert(*role);
                        self.granted.entry(*role).or_default().insert(key.clone());
                    }
                }
                Line::Revoke { role, key } => {
                    if let Some(state) = self.get_mut(key) {
                        state.roles.remove(role);
                        self.granted.entry(*role).or_default().remove(key);
                    }
                }
                Line::End { key, last } => {
                    if let Some(state) = self.get_mut(key) {
                        // An end reaches back to no entry that stands before it, and is never moved later again.
                        let last = (*last).max(Position(position.0.saturating_sub(1)));
                        state.last = Some(state.last.map_or(last, |earlier| earlier.min(last)));
                    }
                }
                Line::Recipient { key, age } => {
                    if let Some(state) = self.get_mut(key) {
                        state.recipients.push((position, age.clone()));
                    }
                }
                Line::Clock { .. } | Line::Extend { .. } | Line::Stop { .. } => {}
            }
        }
    }

    /// Adds a key, if it is not there yet.
    pub fn introduce(&mut self, key: VKey, introduced: Position) {
        let state = KeyState { introduced, last: None, roles: BTreeSet::new(), recipients: Vec::new() };
        self.named.entry(key.name().to_owned()).or_default().entry(key).or_insert(state);
    }

    pub fn get(&self, key: &VKey) -> Option<&KeyState> {
        self.named.get(key.name())?.get(key)
    }

    fn get_mut(&mut self, key: &VKey) -> Option<&mut KeyState> {
        self.named.get_mut(key.name())?.get_mut(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&VKey, &KeyState)> {
        self.named.values().flatten()
    }

    /// Whether `key` may sign the entry at `position`.
    pub fn in_force(&self, key: &VKey, position: Position) -> bool {
        self.get(key).is_some_and(|state| state.in_force(position))
    }

    /// The log's own keys, oldest first, whether or not they are still in force.
    pub fn log_keys(&self) -> Vec<(&VKey, &KeyState)> {
        let mut keys: Vec<_> = self.named.get(&self.origin).into_iter().flatten().collect();
        keys.sort_by_key(|(_, state)| state.introduced);
        keys
    }

    /// The log's keys in force at `position`, oldest first. They sign the checkpoint whose last entry stands there.
    pub fn log_keys_at(&self, position: Position) -> Vec<VKey> {
        let holds =
            |state: &KeyState| state.introduced <= position && state.last.is_none_or(|last| position <= last);
        self.log_keys().into_iter().filter(|(_, state)| holds(state)).map(|(key, _)| key.clone()).collect()
    }

    /// Whether `entry`, at `position`, may introduce the log keys that it does: one at most, which signs its own introduction, so
    /// that nobody claims a key that is another's, together with one that was in force before. The first of all stands in the
    /// entry that opens the ledger.
    pub(crate) fn admits(&self, position: Position, entry: &Entry, signers: &[VKey]) -> bool {
        let introduced = entry.lines.iter().filter_map(|line| match line {
            Line::Key(key) if key.name() == self.origin && self.get(key).is_none() => Some(key),
            Line::Key(_)
            | Line::Recipient { .. }
            | Line::Grant { .. }
            | Line::Revoke { .. }
            | Line::End { .. }
            | Line::Clock { .. }
            | Line::Extend { .. }
            | Line::Stop { .. } => None,
        });
        let introduced: Vec<&VKey> = introduced.collect();
        let before = self.log_keys_at(position);
        let vouched = before.is_empty() || signers.iter().any(|signer| before.contains(signer));
        match introduced.as_slice() {
            [] => true,
            [key] => signers.contains(key) && vouched,
            [..] => false,
        }
    }

    /// Whether `key` signs as the log at `position`; in the entry that opens the ledger its first key does.
    pub(crate) fn signs_as_log(&self, key: &VKey, position: Position) -> bool {
        key.name() == self.origin && (self.log_keys().is_empty() || self.log_keys_at(position).contains(key))
    }

    /// The key that a signature line names, whether or not it is still in force.
    pub fn resolve(&self, line: &SignatureLine) -> Option<VKey> {
        self.named.get(&line.name)?.keys().find(|key| line.is_by(key)).cloned()
    }

    /// The keys of actors, whether or not they are still in force. Those that were introduced in streams of reports, far more of them, are not
    /// gone through.
    pub fn of_actors(&self) -> impl Iterator<Item = (&VKey, &KeyState)> {
        let begin = format!("{}/actor/", self.origin);
        let from = self.named.range::<_, str>((Bound::Included(begin.as_str()), Bound::Unbounded));
        from.take_while(move |(name, _)| name.starts_with(&begin)).flat_map(|(_, keys)| keys)
    }

    /// The keys that hold a role, whether or not they are still in force.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = (&VKey, &KeyState)> {
        let keys = self.granted.get(&role).into_iter().flatten();
        keys.filter_map(|key| Some((key, self.get(key)?)))
    }

    /// The age recipients in force that a log of `size` entries tells of, with the keys of their holders.
    pub fn recipients(&self, size: u64) -> impl Iterator<Item = (&VKey, &str)> {
        self.of_actors().filter_map(move |(key, state)| Some((key, state.recipient(size)?)))
    }

    /// Every key of one actor, oldest first, whether or not it is still in force.
    pub fn of_actor(&self, actor: ActorId) -> Vec<(&VKey, &KeyState)> {
        let mut keys: Vec<_> = self.named.get(&self.actor_key_name(actor)).into_iter().flatten().collect();
        keys.sort_by_key(|(_, state)| state.introduced);
        keys
    }

    /// The keys in force of one actor, newest first.
    pub fn keys_of(&self, actor: ActorId, position: Position) -> Vec<VKey> {
        let named = self.named.get(&self.actor_key_name(actor)).into_iter().flatten();
        let mut found: Vec<_> = named.filter(|(key, _)| self.in_force(key, position)).collect();
        found.sort_by_key(|(_, state)| std::cmp::Reverse(state.introduced));
        found.into_iter().map(|(key, _)| key.clone()).collect()
    }

    /// `<origin>/actor/<actor id>`.
    pub fn actor_key_name(&self, actor: ActorId) -> String {
        actor_key_name(&self.origin, actor)
    }

    /// Who stands behind `key`.
    pub fn party(&self, key: &VKey) -> Party {
        if key.name() == self.origin {
            return Party::Log;
        }
        match self.actor_of(key) {
            Some(actor) => Party::Actor { actor, roles: self.roles(key) },
            None => Party::Reporter { key: key.to_string() },
        }
    }

    /// The actor whose key this is, by the key's name.
    pub fn actor_of(&self, key: &VKey) -> Option<ActorId> {
        let rest = key.name().strip_prefix(self.origin.as_str())?;
        rest.strip_prefix("/actor/")?.parse().ok()
    }

    pub fn roles(&self, key: &VKey) -> Vec<Role> {
        self.get(key).map(|state| state.roles.iter().copied().collect()).unwrap_or_default()
    }
}

/// `<origin>/actor/<actor id>`.
pub fn actor_key_name(origin: &str, actor: ActorId) -> String {
    format!("{origin}/actor/{actor}")
}
