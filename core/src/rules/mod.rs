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
pub mod joint;
pub mod order;
pub mod place;
pub mod relief;
pub mod reward;
mod scope;
pub mod supervision;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::decider::Rejection;
use crate::ledger::vkey::hex;
use crate::rules::place::NATIONAL;

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

/// A pack: the text whose hash an approver adopts.
#[derive(Clone, Debug)]
pub struct Pack {
    pub id: &'static str,
    pub text: Cow<'static, str>,
}

impl Pack {
    const fn shipped(id: &'static str, text: &'static str) -> Self {
        Self { id, text: Cow::Borrowed(text) }
    }

    /// BLAKE3 of the pack's text, in hexadecimal.
    pub fn hash(&self) -> String {
        hex(blake3::hash(self.text.as_bytes()).as_bytes())
    }
}

/// Every pack that ships with this version.
pub const PACKS: [Pack; 12] = [
    Pack::shipped("rewards", include_str!("../../rules/rewards.toml")),
    Pack::shipped("deadlines", include_str!("../../rules/deadlines.toml")),
    Pack::shipped("closure", include_str!("../../rules/closure.toml")),
    Pack::shipped("relief", include_str!("../../rules/relief.toml")),
    Pack::shipped("five_in_place", include_str!("../../rules/five_in_place.toml")),
    Pack::shipped("accidents", include_str!("../../rules/accidents.toml")),
    Pack::shipped("calendar", include_str!("../../rules/calendar.toml")),
    Pack::shipped("accountability", include_str!("../../rules/accountability.toml")),
    Pack::shipped("supervision", include_str!("../../rules/supervision.toml")),
    Pack::shipped("duty", include_str!("../../rules/duty.toml")),
    Pack::shipped("catalogues", include_str!("../../rules/catalogues.toml")),
    Pack::shipped("joint", include_str!("../../rules/joint.toml")),
];

/// Why a pack can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    #[error("there is no pack named {0}")]
    Unknown(String),
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

impl Rejection for PackError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(..) => "rules.unknown_pack",
            Self::Form { .. } => "rules.pack_form",
            Self::Contradiction { .. } => "rules.pack_contradiction",
            Self::Gap { .. } => "rules.pack_gap",
        }
    }

    fn details(&self) -> BTreeMap<String, String> {
        let named: &[(&str, &str)] = match self {
            Self::Unknown(_) => &[],
            Self::Form { id, what } => &[("pack", id), ("what", what.trim())],
            Self::Contradiction { id, place, what } | Self::Gap { id, place, what } => {
                &[("pack", id), ("place", place), ("what", what)]
            }
        };
        named.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}

/// What an approver did to a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adopted it as it ships, by its hash.
    Adopted { pack: String, hash: String },
    /// Adopted a text of the bureau's own in its place.
    Amended { pack: String, text: String },
}

/// The packs in force, for the place of the ledger.
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
    pub joint: joint::JointRules,
    packs: Vec<Pack>,
    adopted: BTreeSet<String>,
    place: String,
    version: String,
}

fn read<T: for<'a> Deserialize<'a>>(packs: &[Pack], id: &'static str) -> Result<T, PackError> {
    let pack = packs.iter().find(|pack| pack.id == id).ok_or_else(|| PackError::Unknown(id.to_owned()))?;
    toml::from_str(&pack.text).map_err(|error| {
        let before = error.span().and_then(|span| pack.text.get(..span.start));
        let line = before.map_or(1, |before| before.lines().count().max(1));
        PackError::Form { id, what: format!("line {line}: {}", error.message()) }
    })
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
        let known = |(id, hash): &&(String, String)| PACKS.iter().any(|p| p.id == *id && p.hash() == *hash);
        let adopted = adopted.iter().filter(known).map(|(id, _)| id.clone()).collect();
        Self::of(PACKS.to_vec(), adopted, NATIONAL)
    }

    fn of(packs: Vec<Pack>, adopted: BTreeSet<String>, place: &str) -> Result<Self, PackError> {
        let rules = Self {
            rewards: read(&packs, "rewards")?,
            deadlines: read(&packs, "deadlines")?,
            closure: read(&packs, "closure")?,
            relief: read(&packs, "relief")?,
            five: read(&packs, "five_in_place")?,
            accidents: read(&packs, "accidents")?,
            calendar: read::<calendar::CalendarPack>(&packs, "calendar")?.into(),
            accountability: read(&packs, "accountability")?,
            supervision: read(&packs, "supervision")?,
            duty: read(&packs, "duty")?,
            catalogues: read(&packs, "catalogues")?,
            joint: read(&packs, "joint")?,
            version: version(&packs, &adopted),
            place: place.to_owned(),
            packs,
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
        rules.joint.check()?;
        Ok(rules)
    }

    /// The same packs for a ledger of this place, `national` or such as `辽宁省鞍山市岫岩满族自治县`.
    #[must_use]
    pub fn in_place(mut self, place: &str) -> Self {
        place.clone_into(&mut self.place);
        self
    }

    /// The packs after these changes, in their order, for a ledger of this place; read once, however many changes there were.
    ///
    /// # Errors
    /// As for one pack: see [`Self::amended`].
    pub fn after(place: &str, changes: &[Change]) -> Result<Self, PackError> {
        let (mut packs, mut adopted) = (PACKS.to_vec(), BTreeSet::new());
        for change in changes {
            let (id, text) = match change {
                Change::Adopted { pack, hash } => {
                    let shipped =
                        PACKS.into_iter().find(|shipped| shipped.id == pack && shipped.hash() == *hash);
                    // A hash of another version of the software changes nothing.
                    let Some(shipped) = shipped else { continue };
                    (pack, shipped.text)
                }
                Change::Amended { pack, text } => (pack, Cow::Owned(text.clone())),
            };
            if let Some(pack) = packs.iter_mut().find(|pack| pack.id == id) {
                pack.text = text;
                adopted.insert(id.clone());
            }
        }
        Self::of(packs, adopted, place)
    }

    /// After the bureau adopted a text of its own in the place of a pack: the numbers of its province filled in, the holidays of
    /// another year. All of it is in force.
    ///
    /// # Errors
    /// A text that can't be read, contradicts itself, overlaps or leaves a gap, with the place named.
    pub fn amended(&self, id: &str, text: &str) -> Result<Self, PackError> {
        let mut packs = self.packs.clone();
        let pack = packs.iter_mut().find(|pack| pack.id == id);
        let pack = pack.ok_or_else(|| PackError::Unknown(id.chars().take(64).collect()))?;
        pack.text = Cow::Owned(text.to_owned());
        let mut adopted = self.adopted.clone();
        adopted.insert(id.to_owned());
        Self::of(packs, adopted, &self.place)
    }

    /// The texts in force.
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// Whether an approver has adopted this pack.
    pub fn is_adopted(&self, id: &str) -> bool {
        self.adopted.contains(id)
    }

    /// Whether a number with this mark is in force.
    pub fn in_force(&self, pack: &str, mark: Mark) -> bool {
        mark != Mark::U || self.is_adopted(pack)
    }

    /// The place of the ledger, which decides which local rules go before the nation's.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Names the packs and what of them was adopted; written into events.
    pub fn version(&self) -> &str {
        &self.version
    }
}

fn version(packs: &[Pack], adopted: &BTreeSet<String>) -> String {
    let mut hasher = blake3::Hasher::new();
    for pack in packs {
        hasher.update(pack.hash().as_bytes());
        hasher.update(&[u8::from(adopted.contains(pack.id))]);
    }
    hex(&hasher.finalize().as_bytes()[..8])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::refusal::Refusal;

    /// The packs that ship, with one text of one of them replaced, and all of them adopted or none.
    pub(crate) fn changed(id: &str, from: &str, to: &str, adopted: bool) -> Result<Rules, PackError> {
        let mut packs = PACKS.to_vec();
        let pack = packs.iter_mut().find(|pack| pack.id == id).expect("pack");
        assert!(pack.text.contains(from), "{id} does not say {from}");
        pack.text = Cow::Owned(pack.text.replacen(from, to, 1));
        let all = packs.iter().filter(|_| adopted).map(|pack| pack.id.to_owned()).collect();
        Rules::of(packs, all, NATIONAL)
    }

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
                let refusal = Refusal { code: reason.code.clone(), details: reason.details.clone() };
                for lang in [crate::refusal::Lang::Zh, crate::refusal::Lang::En] {
                    let says = refusal.words(lang).says;
                    assert!(!says.contains('{') && says != reason.code, "{}: {says}", article.id);
                }
                assert!(!reason.source.trim().is_empty(), "{}", article.id);
            }
        }
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
            (
                "rewards",
                "until = \"2018-01-03\"",
                "until = \"2018-01-02\"",
                "no rule holds between 2018-01-02",
            ),
            ("rewards", "until = \"2018-01-03\"", "until = \"2018-01-04\"", "overlaps with national-2018"),
            (
                "rewards",
                "until = \"2012-05-01\"",
                "until = \"2012-04-30\"",
                "no rule holds between 2012-04-30",
            ),
            ("rewards", "by = \"national-2012\"", "by = \"national-2011\"", "no national-2011"),
            ("rewards", "kind = \"instructed\"", "kind = \"duty_staff\"", "two exclusions"),
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
            ("supervision", "place = \"辽宁省\"", "place = \"山东省/青岛市\"", "liaoning"),
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
            let error =
                changed(pack, from, to, false).err().unwrap_or_else(|| panic!("{pack}: {to} was accepted"));
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
        assert_eq!(
            waiting,
            [
                "rewards/coal-2005",
                "rewards/national-2012",
                "rewards/liaoning",
                "rewards/anshan",
                "supervision/liaoning"
            ]
        );
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
