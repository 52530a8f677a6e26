//! Rules: pure functions over packs, which are data with sources.
//!
//! No amount, deadline or threshold stands in code. Every number carries its document and article, and a mark: T the
//! source's text was read, S seen in a secondary source, U not verified. What is U is in force only after an
//! approver has adopted its pack.

pub mod calendar;
pub mod closure;
pub mod criteria;
pub mod deadline;
pub mod entries;
pub mod facts;
pub mod five_in_place;
pub mod relief;
pub mod reward;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ledger::vkey::hex;

/// How sure we are of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mark {
    /// The text of the source was read.
    T,
    /// Seen in a secondary source.
    S,
    /// Not verified.
    U,
}

/// One reason of a result: a key of the word files, what to put into it, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub code: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// Document and article.
    pub source: String,
}

impl Reason {
    pub(crate) fn new<const N: usize>(code: &str, details: [(&str, String); N], source: &str) -> Self {
        let details = details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { code: code.to_owned(), details, source: source.to_owned() }
    }
}

/// A pack as it ships: the text whose hash an approver adopts.
#[derive(Clone, Copy, Debug)]
pub struct Pack {
    pub id: &'static str,
    pub text: &'static str,
}

impl Pack {
    /// BLAKE3 of the pack's text, in hexadecimal.
    pub fn hash(&self) -> String {
        hex(blake3::hash(self.text.as_bytes()).as_bytes())
    }
}

/// Every pack that ships with this version.
pub const PACKS: [Pack; 6] = [
    Pack { id: "rewards", text: include_str!("../../rules/rewards.toml") },
    Pack { id: "deadlines", text: include_str!("../../rules/deadlines.toml") },
    Pack { id: "closure", text: include_str!("../../rules/closure.toml") },
    Pack { id: "relief", text: include_str!("../../rules/relief.toml") },
    Pack { id: "five_in_place", text: include_str!("../../rules/five_in_place.toml") },
    Pack { id: "calendar", text: include_str!("../../rules/calendar.toml") },
];

/// Why a pack can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    #[error("the pack {id} can't be read: {what}")]
    Form { id: &'static str, what: String },
    #[error("in the pack {id}, {place} contradicts another rule: {what}")]
    Contradiction { id: &'static str, place: String, what: String },
}

/// The packs in force.
#[derive(Clone, Debug)]
pub struct Rules {
    pub rewards: reward::Rewards,
    pub deadlines: deadline::Deadlines,
    pub closure: closure::ClosureRules,
    pub relief: relief::ReliefRules,
    pub five: five_in_place::FiveRules,
    pub calendar: calendar::Calendar,
    adopted: BTreeSet<String>,
    version: String,
}

fn read<T: for<'a> Deserialize<'a>>(pack: &Pack) -> Result<T, PackError> {
    toml::from_str(pack.text).map_err(|error| PackError::Form { id: pack.id, what: error.to_string() })
}

impl Rules {
    /// The packs that ship, none of them adopted: what is U is not in force.
    ///
    /// # Errors
    /// [`PackError`] names the pack and the place. A test reads every pack that ships.
    pub fn builtin() -> Result<Self, PackError> {
        Self::with_adopted(&[])
    }

    /// The packs that ship, and which of them an approver adopted, by id and hash. A hash that is not the pack's is
    /// of another version of the software and adopts nothing here.
    pub fn with_adopted(adopted: &[(String, String)]) -> Result<Self, PackError> {
        let [rewards, deadlines, closure, relief, five, calendar] = &PACKS;
        let known = |(id, hash): &(String, String)| PACKS.iter().any(|p| p.id == id && p.hash() == *hash);
        let adopted: BTreeSet<String> =
            adopted.iter().filter(|pack| known(pack)).map(|(id, _)| id.clone()).collect();
        let rules = Self {
            rewards: read(rewards)?,
            deadlines: read(deadlines)?,
            closure: read(closure)?,
            relief: read(relief)?,
            five: read(five)?,
            calendar: read::<calendar::CalendarPack>(calendar)?.into(),
            version: version(&adopted),
            adopted,
        };
        rules.rewards.check()?;
        Ok(rules)
    }

    /// Whether a number with this mark is in force.
    pub fn in_force(&self, pack: &str, mark: Mark) -> bool {
        mark != Mark::U || self.adopted.contains(pack)
    }

    /// Names the packs and what of them was adopted; written into events.
    pub fn version(&self) -> &str {
        &self.version
    }
}

fn version(adopted: &BTreeSet<String>) -> String {
    let mut hasher = blake3::Hasher::new();
    for pack in &PACKS {
        hasher.update(pack.hash().as_bytes());
        hasher.update(&[u8::from(adopted.contains(pack.id))]);
    }
    hex(&hasher.finalize().as_bytes()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pack_that_ships_is_read() {
        assert!(Rules::builtin().is_ok(), "{:?}", Rules::builtin().err());
    }

    #[test]
    fn adopting_changes_the_version_and_an_unknown_hash_adopts_nothing() {
        let plain = Rules::builtin().expect("packs");
        let hash = PACKS[1].hash();
        let adopted = Rules::with_adopted(&[("deadlines".into(), hash)]).expect("packs");
        let wrong = Rules::with_adopted(&[("deadlines".into(), "00".into())]).expect("packs");
        assert_ne!(plain.version(), adopted.version());
        assert_eq!(plain.version(), wrong.version());
        assert!(adopted.in_force("deadlines", Mark::U) && !plain.in_force("deadlines", Mark::U));
    }
}
