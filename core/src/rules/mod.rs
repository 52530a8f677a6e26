//! Rules: pure functions over packs, which are data with sources.
//!
//! No amount, deadline or threshold stands in code. Every number carries its document and article, and a mark: T the
//! source's text was read, S seen in a secondary source, U not verified. What is U is in force only after an
//! approver has adopted its pack.

pub mod accident;
pub mod accountability;
pub mod article;
pub mod calendar;
pub mod catalogues;
pub mod closure;
pub mod criteria;
pub mod deadline;
pub mod duty;
pub mod entries;
pub mod facts;
pub mod five_in_place;
pub mod relief;
pub mod reward;
pub mod supervision;

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
pub const PACKS: [Pack; 11] = [
    Pack { id: "rewards", text: include_str!("../../rules/rewards.toml") },
    Pack { id: "deadlines", text: include_str!("../../rules/deadlines.toml") },
    Pack { id: "closure", text: include_str!("../../rules/closure.toml") },
    Pack { id: "relief", text: include_str!("../../rules/relief.toml") },
    Pack { id: "five_in_place", text: include_str!("../../rules/five_in_place.toml") },
    Pack { id: "accidents", text: include_str!("../../rules/accidents.toml") },
    Pack { id: "calendar", text: include_str!("../../rules/calendar.toml") },
    Pack { id: "accountability", text: include_str!("../../rules/accountability.toml") },
    Pack { id: "supervision", text: include_str!("../../rules/supervision.toml") },
    Pack { id: "duty", text: include_str!("../../rules/duty.toml") },
    Pack { id: "catalogues", text: include_str!("../../rules/catalogues.toml") },
];

/// Why a pack can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    #[error("the pack {id} can't be read: {what}")]
    Form { id: &'static str, what: String },
    #[error("in the pack {id}, {place} contradicts another rule: {what}")]
    Contradiction { id: &'static str, place: String, what: String },
    #[error("the pack {id} has a gap at {place}: {what}")]
    Gap { id: &'static str, place: String, what: String },
}

impl PackError {
    pub(crate) fn contradiction(id: &'static str, place: &str, what: &str) -> Self {
        Self::Contradiction { id, place: place.to_owned(), what: what.to_owned() }
    }

    pub(crate) fn gap(id: &'static str, place: &str, what: &str) -> Self {
        Self::Gap { id, place: place.to_owned(), what: what.to_owned() }
    }
}

/// The packs in force.
#[derive(Clone, Debug)]
pub struct Rules {
    pub rewards: reward::Rewards,
    pub deadlines: deadline::Deadlines,
    pub closure: closure::ClosureRules,
    pub relief: relief::ReliefRules,
    pub five: five_in_place::FiveRules,
    pub accidents: accident::AccidentRules,
    pub calendar: calendar::Calendar,
    pub accountability: accountability::AccountabilityRules,
    pub supervision: supervision::SupervisionRules,
    pub duty: duty::DutyRules,
    pub catalogues: catalogues::Catalogues,
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
        Self::of(&PACKS, adopted)
    }

    fn of(packs: &[Pack; 11], adopted: &[(String, String)]) -> Result<Self, PackError> {
        let [
            rewards,
            deadlines,
            closure,
            relief,
            five,
            accidents,
            calendar,
            accountability,
            supervision,
            duty,
            catalogues,
        ] = packs;
        let known = |(id, hash): &(String, String)| packs.iter().any(|p| p.id == id && p.hash() == *hash);
        let adopted: BTreeSet<String> =
            adopted.iter().filter(|pack| known(pack)).map(|(id, _)| id.clone()).collect();
        let rules = Self {
            rewards: read(rewards)?,
            deadlines: read(deadlines)?,
            closure: read(closure)?,
            relief: read(relief)?,
            five: read(five)?,
            accidents: read(accidents)?,
            calendar: read::<calendar::CalendarPack>(calendar)?.into(),
            accountability: read(accountability)?,
            supervision: read(supervision)?,
            duty: read(duty)?,
            catalogues: read(catalogues)?,
            version: version(packs, &adopted),
            adopted,
        };
        rules.rewards.check()?;
        rules.deadlines.check()?;
        rules.closure.check()?;
        rules.five.check()?;
        rules.accidents.check()?;
        rules.calendar.check()?;
        rules.accountability.check()?;
        rules.supervision.check()?;
        rules.duty.check()?;
        rules.catalogues.check()?;
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

fn version(packs: &[Pack; 11], adopted: &BTreeSet<String>) -> String {
    let mut hasher = blake3::Hasher::new();
    for pack in packs {
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
    fn every_rule_says_something_in_both_languages_with_its_source() {
        let rules = Rules::builtin().expect("packs");
        let articles = rules.articles();
        let ids: BTreeSet<&str> = articles.iter().map(|article| article.id.as_str()).collect();
        assert_eq!(ids.len(), articles.len(), "every rule has an id of its own");
        assert!(PACKS.iter().all(|pack| articles.iter().any(|article| article.pack == pack.id)));
        for article in &articles {
            assert!(!article.says.is_empty() && !article.title.is_empty(), "{}", article.id);
            assert_eq!(article.in_force, article.mark != Mark::U, "{}", article.id);
            for reason in &article.says {
                let refusal =
                    crate::refusal::Refusal { code: reason.code.clone(), details: reason.details.clone() };
                for lang in [crate::refusal::Lang::Zh, crate::refusal::Lang::En] {
                    let says = refusal.words(lang).says;
                    assert!(!says.contains('{') && says != reason.code, "{}: {says}", article.id);
                }
                assert!(!reason.source.trim().is_empty(), "{}", article.id);
            }
        }
    }

    /// A pack that ships, with one text replaced.
    fn broken(id: &str, from: &str, to: &str) -> Option<PackError> {
        let pack = PACKS.iter().find(|pack| pack.id == id).expect("pack");
        assert!(pack.text.contains(from), "{id} does not say {from}");
        let text: &'static str = pack.text.replacen(from, to, 1).leak();
        let packs = PACKS.map(|pack| if pack.id == id { Pack { id: pack.id, text } } else { pack });
        Rules::of(&packs, &[]).err()
    }

    #[test]
    fn a_pack_that_contradicts_itself_overlaps_or_leaves_a_gap_is_refused_with_the_place() {
        for (pack, from, to, named) in [
            ("rewards", "id = \"mine-2024\"", "id = \"mine-2021\"", "mine-2021"),
            ("rewards", "until = \"2024-10-24\"", "until = \"2024-10-25\"", "overlaps with mine-2024"),
            (
                "rewards",
                "until = \"2024-10-24\"",
                "until = \"2024-10-23\"",
                "no rule holds between 2024-10-23 and 2024-10-25",
            ),
            ("rewards", "until = \"2024-10-24\"", "", "overlaps with mine-2024"),
            ("rewards", "until = \"2024-10-24\"", "until = \"2020-01-01\"", "ends before it begins"),
            ("rewards", "floor_fen = 300_000", "floor_fen = 300_000_000", "floor is above the cap"),
            ("rewards", "share_level_1 = 1500", "share_level_1 = 15000", "more than the whole"),
            ("rewards", "larger_fen = 4_000_000", "larger_fen = 1", "higher grade gives less"),
            ("deadlines", "name = \"handle\"", "name = \"accept\"", "accept"),
            ("deadlines", "days = 60", "days = 0", "handle"),
            ("closure", "many = 2", "many = 0", "counters"),
            ("closure", "many_long = 4", "many_long = 3", "penalties"),
            ("five_in_place", "name = \"funds\"", "name = \"measures\"", "measures"),
            ("accidents", "deaths = 10", "deaths = 3", "major accident"),
            ("accidents", "name = \"larger\"", "name = \"major\"", "grade"),
            ("calendar", "last_year = 2026", "last_year = 2027", "2027"),
            ("calendar", "last_year = 2026", "last_year = 2025", "2026-"),
            ("relief", "mark = \"T\"", "mark = \"X\"", "relief"),
            ("accountability", "name = \"understated\"", "name = \"not_found\"", "understated"),
            ("accountability", "many = 30", "many = 0", "reopened_at_once"),
            ("supervision", "[\"letter\", \"circular\"", "[\"circular\", \"letter\"", "ladder"),
            ("supervision", "publish_days = 5\n", "", "qingdao-2012"),
            ("supervision", "record_days = 3\n", "", "qingdao-2012"),
            ("supervision", "place = \"辽宁省\"", "place = \"山东省青岛市\"", "liaoning"),
            ("duty", "risk = \"larger\"", "risk = \"major\"", "major"),
            ("duty", "metal_smelting = true\n", "", "industry"),
            ("catalogues", "id = \"FW121\"", "id = \"FW122\"", "FW121"),
            ("catalogues", "id = \"GM129\"", "id = \"NCM98\"", "NCM98"),
            ("catalogues", "until = \"2022-08-31\"", "until = \"2017-08-31\"", "ends before it begins"),
            ("catalogues", "until = \"2022-08-31\"", "until = \"2022-09-01\"", "overlaps with NCM88"),
            ("catalogues", "until = \"2022-08-31\"", "", "overlaps with NCM88"),
            (
                "catalogues",
                "until = \"2022-08-31\"",
                "until = \"2022-08-30\"",
                "between 2022-08-30 and 2022-09-01",
            ),
            ("catalogues", "succeeds = \"GM129\"\n", "", "nothing holds after 2023-05-14"),
            ("catalogues", "succeeds = \"GM129\"", "succeeds = \"FW121\"", "nothing holds after 2023-05-14"),
            ("catalogues", "beside = \"CH121\"\n", "", "overlaps with CH3067"),
            ("catalogues", "beside = \"NCM88\"", "beside = \"CH121\"", "no CH121 in its sector"),
        ] {
            let error = broken(pack, from, to).unwrap_or_else(|| panic!("{pack}: {to} was accepted"));
            let said = error.to_string();
            assert!(said.contains(named) && said.contains(pack), "{pack}, {to}: {said}");
        }
    }

    #[test]
    fn a_rule_without_numbers_is_not_in_force_even_when_its_pack_was_adopted() {
        let adopted: Vec<_> = PACKS.iter().map(|pack| (pack.id.to_owned(), pack.hash())).collect();
        let rules = Rules::with_adopted(&adopted).expect("packs");
        let waiting: Vec<String> = rules
            .articles()
            .into_iter()
            .filter(|article| !article.in_force)
            .map(|article| article.id)
            .collect();
        assert_eq!(waiting, ["rewards/liaoning", "rewards/anshan", "supervision/liaoning"]);
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
