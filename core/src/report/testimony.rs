//! What is sealed: the reporter's words, and messages both ways. Written as JSON inside the age file; no body and no entry
//! holds any of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::command::Blob;
use crate::id::ActorId;
use crate::ledger::keyring::KeyRing;
use crate::ledger::vkey::{VKey, hex};
use crate::role::Role;
use crate::text::Text;
use crate::units::Position;

/// Version of the forms in this file.
pub const TESTIMONY_V: u8 = 1;
/// Longest text of a testimony or a message, in bytes: some 20,000 Chinese characters.
pub const WORDS_BYTES_MAX: usize = 60_000;

/// What a reporter tells. Every field may be empty except the words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Testimony {
    pub v: u8,
    /// `zh` or `en`: in which language to answer.
    pub language: String,
    /// Which enterprise, in the reporter's words.
    #[serde(default)]
    pub enterprise: String,
    /// Where.
    #[serde(default)]
    pub place: String,
    /// Codes of plain kinds that the reporter chose.
    #[serde(default)]
    pub kinds: Vec<String>,
    pub words: String,
    /// Who else must not see it, in the reporter's words.
    #[serde(default)]
    pub not_to: String,
    /// How the reporter may be reached, if they want to be.
    #[serde(default)]
    pub contact: String,
    #[serde(default)]
    pub files: Vec<FileNote>,
}

/// A message to or from the reporter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub v: u8,
    pub words: String,
    #[serde(default)]
    pub files: Vec<FileNote>,
}

/// What a sealed file is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileNote {
    /// The name that it had.
    pub name: String,
    /// What its first bytes say that it is; never what somebody said.
    pub kind: String,
    /// Place, time and device were taken out of it before it was sealed.
    #[serde(default)]
    pub cleaned: bool,
    /// Bytes of the content.
    pub size: u64,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
    /// BLAKE3 of the sealed file, hexadecimal.
    pub blob: String,
}

/// The age recipients to whom a report is sealed: intake officers whose keys are in force in a log of `size` entries, without
/// those whom the reporter excludes, and the escrow key. None where no intake officer is left: the escrow key lies in a safe, and
/// nobody would read what is sealed to it alone.
pub fn intake(keys: &KeyRing, size: u64, excluded: &BTreeSet<ActorId>) -> Vec<String> {
    let mut found = holders(keys, size, excluded, Role::Clerk);
    if !found.is_empty() {
        found.extend(escrow(keys, size, excluded));
    }
    found.into_iter().collect()
}

/// The age recipients of the escrow key. A reporter may exclude it like anybody else.
pub fn escrow(keys: &KeyRing, size: u64, excluded: &BTreeSet<ActorId>) -> BTreeSet<String> {
    holders(keys, size, excluded, Role::Escrow)
}

fn holders(keys: &KeyRing, size: u64, excluded: &BTreeSet<ActorId>, role: Role) -> BTreeSet<String> {
    let may = |key: &VKey| keys.actor_of(key).is_some_and(|actor| !excluded.contains(&actor));
    let held = keys.with_role(role).filter(|(key, _)| may(key));
    held.filter_map(|(_, state)| state.recipient(size)).map(str::to_owned).collect()
}

/// Roles of those who verify and handle a report, with whom intake may share what is sealed in it.
pub const READERS: [Role; 2] = [Role::Inspector, Role::Handler];

/// Those who may verify or handle the report in a log of `size` entries, without those whom the reporter excludes: each with the age
/// recipient of their key, where the log tells one. No account of an enterprise is among them, whatever was granted to it.
pub fn readers(keys: &KeyRing, size: u64, excluded: &BTreeSet<ActorId>) -> BTreeMap<ActorId, Option<String>> {
    let mut found = BTreeMap::new();
    for (key, state) in READERS.into_iter().flat_map(|role| keys.with_role(role)) {
        let Some(actor) = keys.actor_of(key).filter(|actor| !excluded.contains(actor)) else { continue };
        if state.in_force(Position(size)) && !state.roles.contains(&Role::Enterprise) {
            let age: &mut Option<String> = found.entry(actor).or_default();
            *age = state.recipient(size).map(str::to_owned).or_else(|| age.take());
        }
    }
    found
}

/// The age recipient of one officer, whichever roles they hold.
pub fn reader(keys: &KeyRing, size: u64, actor: ActorId) -> Option<String> {
    let held = keys.keys_of(actor, Position(size));
    held.iter().find_map(|key| keys.get(key)?.recipient(size).map(str::to_owned))
}

/// The hash over recipients, in order, that stands on the poster and on the page: 32 hexadecimal digits in groups of four.
pub fn fingerprint(recipients: &[String]) -> String {
    let mut hasher = Sha256::new();
    for age in recipients {
        hasher.update(age.as_bytes());
        hasher.update(b"\n");
    }
    let digits = hex(&hasher.finalize());
    let groups: Vec<&str> = (0..32).step_by(4).filter_map(|from| digits.get(from..from + 4)).collect();
    groups.join(" ")
}

/// The age recipients to whom the office writes: every reporter who left one, and the intake officers, so that the office and a
/// court can read what was written.
pub fn correspondents(state: &super::State, intake: &[String]) -> Vec<String> {
    let distinct: BTreeSet<&String> = state.recipients.values().chain(intake).collect();
    distinct.into_iter().cloned().collect()
}

/// The age recipients to whom one of the reporters writes: their own, and the intake officers. Joint reporters do not read each
/// other's words.
pub fn correspondent(state: &super::State, own: &str, intake: &[String]) -> Vec<String> {
    let distinct: BTreeSet<&String> = state.recipients.get(own).into_iter().chain(intake).collect();
    distinct.into_iter().cloned().collect()
}

impl Blob {
    /// What a body says of a sealed file.
    pub fn new(hash: &str, size: u64, recipients: &[String]) -> Option<Self> {
        let recipients = recipients.iter().map(|age| Text::new(age).ok()).collect::<Option<Vec<_>>>()?;
        Some(Self { blob: Text::new(hash).ok()?, size, recipients })
    }
}
