//! Rewards for reports: which rule holds, what it gives, and why.

mod articles;
mod check;
mod exclusion;
mod no_fine;
mod offer;
#[cfg(test)]
mod worked;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accident::AccidentGrade;
use super::place::Place;
use super::{Mark, Reason, Rules};
use crate::units::{Day, Fen, Position};

pub use exclusion::{Exclusion, ExclusionRule};
pub use no_fine::{NoFine, Tier};
pub use offer::{Offer, Offers, offers};

/// What was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    MajorHazard,
    IllegalAct,
    ConcealedAccident,
}

/// Sector of the enterprise, as the reward rules tell sectors apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sector {
    Mine,
    Industry,
    Chemical,
    Fireworks,
    Other,
}

impl Sector {
    pub const ALL: [Self; 5] = [Self::Mine, Self::Industry, Self::Chemical, Self::Fireworks, Self::Other];

    pub fn name(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Industry => "industry",
            Self::Chemical => "chemical",
            Self::Fireworks => "fireworks",
            Self::Other => "other",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            Self::Mine => "矿山",
            Self::Industry => "工贸",
            Self::Chemical => "化工",
            Self::Fireworks => "烟花爆竹",
            Self::Other => "其他",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewards {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    _title: String,
    rule: Vec<RewardRule>,
    switches: Switches,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switches {
    /// Whether personal fines belong to the base; not settled by the text.
    person_fines_in_base: bool,
    #[serde(rename = "person_fines_mark")]
    _person_fines_mark: Mark,
}

/// One rule: what it is, where and when it holds, what it gives.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardRule {
    pub id: String,
    pub name: String,
    pub document: String,
    pub place: Place,
    pub sectors: Vec<Sector>,
    pub from: Day,
    #[serde(default)]
    pub until: Option<Day>,
    /// Id of the rule that took its place on the day after, where that is not for the same sectors.
    #[serde(default)]
    pub replaced_by: Option<String>,
    pub mark: Mark,
    #[serde(default)]
    pub fine: Option<FineShare>,
    #[serde(default)]
    pub deaths: Option<DeathRates>,
    #[serde(default)]
    pub insider: Option<Insider>,
    #[serde(default)]
    pub exclusion: Vec<ExclusionRule>,
    #[serde(default)]
    pub no_fine: Option<NoFine>,
}

/// A share of the fine; shares in 1/10,000.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineShare {
    pub article: String,
    pub share_level_1: i64,
    pub share_level_2: i64,
    pub floor_fen: i64,
    pub cap_fen: i64,
}

/// An amount for each verified concealed death, by grade.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeathRates {
    pub article: String,
    pub general_fen: i64,
    pub larger_fen: i64,
    pub major_fen: i64,
    pub extraordinary_fen: i64,
    pub cap_fen: i64,
}

/// What an insider gets on top, in 1/10,000.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Insider {
    pub article: String,
    pub uplift: i64,
    pub uplifts_cap: bool,
}

/// What decides a reward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewardFacts {
    /// `national`, or a place such as `辽宁鞍山`.
    pub place: String,
    pub matter: Matter,
    pub sector: Sector,
    /// 1 or 2 in the mine rules; 1 where a rule knows no levels.
    #[serde(default)]
    pub report_level: Option<u8>,
    /// The fine of the unit, in yuan.
    pub unit_fine_yuan: Fen,
    /// Fines of persons in the same case, in yuan.
    #[serde(default)]
    pub person_fines_yuan: Vec<Fen>,
    /// Deaths that were *verified*, not those reported.
    #[serde(default)]
    pub deaths_verified: u32,
    /// Grade by the final decision; by the verified deaths where there is none yet.
    #[serde(default)]
    pub accident_grade: Option<AccidentGrade>,
    #[serde(default)]
    pub insider: bool,
    /// The day of the report: it decides which rule holds.
    pub reported_on: Day,
    /// Why the report may be excluded, as far as somebody says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<Exclusion>,
    /// Where there is no fine: which tier of the rule's table the case is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_fine_tier: Option<String>,
    /// Where a hazard that the report is about stood in the log before the report; a hint to whoever decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_before: Option<Position>,
}

/// How far the rules go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// They give an amount.
    Amount,
    /// They give none: an officer proposes one, with the reason.
    Open,
    /// They give one once a tier of the table for cases without a fine is named.
    TierOpen,
    /// The report is excluded.
    Excluded,
    /// Whether it is excluded is for a person to decide.
    PersonDecides,
}

/// What the rules give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RewardResult {
    pub outcome: Outcome,
    /// None where no rule gives an amount; the reasons say which rule is missing.
    pub amount: Option<Fen>,
    /// Id of the rule.
    pub rule: Option<String>,
    /// What the amount would be if personal fines counted differently; none where that changes nothing.
    pub alternative: Option<Fen>,
    pub reasons: Vec<Reason>,
}

impl RewardRule {
    /// Its document with one of its articles.
    pub fn source(&self, article: &str) -> String {
        format!("{} {article}", self.document)
    }

    /// A template: the rule is known, and what it gives is not.
    fn has_no_numbers(&self) -> bool {
        self.fine.is_none() && self.deaths.is_none() && self.insider.is_none() && self.no_fine.is_none()
    }

    fn holds(&self, place: &str, sector: Sector, on: Day) -> bool {
        self.place.covers(place)
            && self.sectors.contains(&sector)
            && self.from <= on
            && self.until.is_none_or(|until| on <= until)
    }
}

impl Rewards {
    pub fn iter(&self) -> impl Iterator<Item = &RewardRule> {
        self.rule.iter()
    }

    /// The places that have rules, the nation first.
    pub fn places(&self) -> BTreeSet<&Place> {
        self.rule.iter().map(|rule| &rule.place).collect()
    }

    fn find<'a, P>(
        &'a self,
        rules: &Rules,
        facts: &RewardFacts,
        part: impl Fn(&'a RewardRule) -> Option<&'a P>,
    ) -> Option<(&'a RewardRule, &'a P)> {
        self.find_for(rules, &facts.place, facts.sector, facts.reported_on, part)
    }

    /// The rule that gives `part` here and on that day: the place's own before the nation's, the sector's own before the
    /// general one, the later before the earlier.
    fn find_for<'a, P>(
        &'a self,
        rules: &Rules,
        place: &str,
        sector: Sector,
        on: Day,
        part: impl Fn(&'a RewardRule) -> Option<&'a P>,
    ) -> Option<(&'a RewardRule, &'a P)> {
        let holding = self
            .rule
            .iter()
            .filter(|rule| rule.holds(place, sector, on) && rules.in_force("rewards", rule.mark));
        let rank = |rule: &RewardRule| (rule.place.depth(), std::cmp::Reverse(rule.sectors.len()), rule.from);
        holding.filter_map(|rule| Some((rule, part(rule)?))).max_by_key(|(rule, _)| rank(rule))
    }
}

/// `amount` × `share` / 10,000, rounded down to the fen: a reward never exceeds its share.
fn share_of(amount: Fen, share: i64) -> Fen {
    let product = i128::from(amount.0) * i128::from(share) / 10_000;
    Fen(i64::try_from(product).unwrap_or(i64::MAX))
}

/// What a report is worth.
pub fn reward(rules: &Rules, facts: &RewardFacts) -> RewardResult {
    let mut result = match (facts.excluded, facts.matter) {
        (Some(kind), _) => exclusion::excluded(rules, facts, kind),
        (None, Matter::ConcealedAccident) => of_deaths(rules, facts),
        (None, Matter::MajorHazard | Matter::IllegalAct) => of_fine(rules, facts),
    };
    exclusion::note_found_before(rules, facts, &mut result);
    note_place(rules, facts, &mut result);
    note_nation(rules, facts, &mut result);
    result
}

/// Names the nation's rules of that day whose numbers are missing, where no rule in force answers.
fn note_nation(rules: &Rules, facts: &RewardFacts, result: &mut RewardResult) {
    if result.rule.is_some() {
        return;
    }
    let missing = rules.rewards.iter().filter(|rule| {
        let nation = rule.place.is_national() && rule.has_no_numbers();
        nation && rule.holds(&facts.place, facts.sector, facts.reported_on)
    });
    for rule in missing {
        let details = [("rule", rule.name.clone())];
        result.reasons.push(Reason::new("reward.national_rule_missing", details, &rule.document));
    }
}

/// Says when a place has a rule that is not in force, so that nobody takes the nation's figure for the last word.
fn note_place(rules: &Rules, facts: &RewardFacts, result: &mut RewardResult) {
    if let Some(rule) = waiting(rules, &facts.place, facts.sector, facts.reported_on) {
        result.reasons.push(Reason::new(
            "reward.local_rule_missing",
            [("rule", rule.name.clone())],
            &rule.document,
        ));
    }
}

/// The first rule of a place that is named and gives nothing yet.
fn waiting<'a>(rules: &'a Rules, place: &str, sector: Sector, on: Day) -> Option<&'a RewardRule> {
    rules.rewards.iter().find(|rule| {
        !rule.place.is_national()
            && rule.holds(place, sector, on)
            && (!rules.in_force("rewards", rule.mark) || rule.has_no_numbers())
    })
}

fn none(code: &str, source: &str) -> RewardResult {
    let reasons = vec![Reason::new(code, [], source)];
    RewardResult { outcome: Outcome::Open, amount: None, rule: None, alternative: None, reasons }
}

fn of_deaths(rules: &Rules, facts: &RewardFacts) -> RewardResult {
    let Some((rule, rates)) = rules.rewards.find(rules, facts, |rule| rule.deaths.as_ref()) else {
        return none("reward.no_rule_in_force", "");
    };
    let source = rule.source(&rates.article);
    if facts.deaths_verified == 0 {
        return RewardResult { rule: Some(rule.id.clone()), ..none("reward.no_death_verified", &source) };
    }
    let grade =
        facts.accident_grade.unwrap_or_else(|| rules.accidents.grade(facts.deaths_verified, 0, Fen::ZERO));
    let each = match grade {
        AccidentGrade::General => rates.general_fen,
        AccidentGrade::Larger => rates.larger_fen,
        AccidentGrade::Major => rates.major_fen,
        AccidentGrade::Extraordinary => rates.extraordinary_fen,
    };
    let full = Fen(each.saturating_mul(i64::from(facts.deaths_verified)));
    let details = [("deaths", facts.deaths_verified.to_string()), ("each", Fen(each).to_string())];
    let mut reasons = vec![Reason::new("reward.for_each_death", details, &source)];
    if facts.accident_grade.is_none() {
        reasons.push(Reason::new("reward.grade_not_final", [], &source));
    }
    let amount = bounded(rules, facts, full, 0, rates.cap_fen, &source, &mut reasons);
    let (outcome, rule) = (Outcome::Amount, Some(rule.id.clone()));
    RewardResult { outcome, amount: Some(amount), rule, alternative: None, reasons }
}

fn of_fine(rules: &Rules, facts: &RewardFacts) -> RewardResult {
    let persons =
        facts.person_fines_yuan.iter().fold(Fen::ZERO, |sum, fine| Fen(sum.0.saturating_add(fine.0)));
    let both = Fen(facts.unit_fine_yuan.0.saturating_add(persons.0));
    if both == Fen::ZERO
        && let Some(of_tier) = no_fine::of_tier(rules, facts)
    {
        return of_tier;
    }
    let Some((rule, share)) = rules.rewards.find(rules, facts, |rule| rule.fine.as_ref()) else {
        return none("reward.no_rule_in_force", "");
    };
    let source = rule.source(&share.article);
    if both == Fen::ZERO {
        return none("reward.no_fine", &source);
    }
    let level = facts.report_level.unwrap_or(1);
    let rate = if level >= 2 { share.share_level_2 } else { share.share_level_1 };
    let (base, other) = if rules.rewards.switches.person_fines_in_base {
        (both, facts.unit_fine_yuan)
    } else {
        (facts.unit_fine_yuan, both)
    };
    let of = |base: Fen, reasons: &mut Vec<Reason>| {
        let details = [("base", base.to_string()), ("percent", percent(rate))];
        reasons.push(Reason::new("reward.share_of_fine", details, &source));
        let (floor, cap) = (share.floor_fen, share.cap_fen);
        bounded(rules, facts, share_of(base, rate), floor, cap, &source, reasons)
    };
    let mut reasons = Vec::new();
    let amount = (base != Fen::ZERO).then(|| of(base, &mut reasons));
    let alternative = (other != base && other != Fen::ZERO).then(|| of(other, &mut Vec::new()));
    if amount.is_none() {
        reasons.push(Reason::new("reward.only_persons_fined", [], &source));
    }
    let alternative = alternative.filter(|alternative| Some(*alternative) != amount);
    if let Some(alternative) = alternative {
        let details = [("alternative", alternative.to_string())];
        reasons.push(Reason::new("reward.person_fines_not_settled", details, &source));
    }
    let outcome = if amount.is_some() { Outcome::Amount } else { Outcome::Open };
    RewardResult { outcome, amount, rule: Some(rule.id.clone()), alternative, reasons }
}

/// `15` from 1500.
pub fn percent(rate: i64) -> String {
    if rate % 100 == 0 { format!("{}", rate / 100) } else { format!("{}.{:02}", rate / 100, rate % 100) }
}

/// Uplift for insiders, floor and cap.
fn bounded(
    rules: &Rules,
    facts: &RewardFacts,
    amount: Fen,
    floor_fen: i64,
    cap_fen: i64,
    source: &str,
    reasons: &mut Vec<Reason>,
) -> Fen {
    let (below, mut capped) = (amount.0 < floor_fen, amount.0 > cap_fen);
    let (mut amount, mut cap) = (amount.max(Fen(floor_fen)), Fen(cap_fen));
    if below {
        reasons.push(Reason::new("reward.floor", [("floor", Fen(floor_fen).to_string())], source));
    }
    if facts.insider {
        if let Some((rule, insider)) = rules.rewards.find(rules, facts, |rule| rule.insider.as_ref()) {
            amount = share_of(amount.min(cap), 10_000 + insider.uplift);
            if insider.uplifts_cap {
                cap = share_of(cap, 10_000 + insider.uplift);
            }
            let details = [("percent", percent(insider.uplift))];
            reasons.push(Reason::new("reward.insider_uplift", details, &rule.source(&insider.article)));
        } else {
            reasons.push(Reason::new("reward.insider_uplift_unknown", [], "应急〔2020〕69号"));
        }
    }
    capped |= amount > cap;
    if capped {
        reasons.push(Reason::new("reward.cap", [("cap", cap.to_string())], source));
    }
    amount.min(cap)
}

/// Splits an amount among `n` joint reporters: equal to the fen, the first ones get what is left over.
/// Empty for `n` of zero.
pub fn split(amount: Fen, n: u32) -> Vec<Fen> {
    let many = i64::from(n);
    (0..many).map(|i| Fen(amount.0 / many + i64::from(i < amount.0 % many))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(super) fn facts(matter: Matter, unit_fine: &str) -> RewardFacts {
        RewardFacts {
            place: "national".into(),
            matter,
            sector: Sector::Industry,
            report_level: None,
            unit_fine_yuan: unit_fine.parse().expect("money"),
            person_fines_yuan: Vec::new(),
            deaths_verified: 0,
            accident_grade: None,
            insider: false,
            reported_on: "2024-05-10".parse().expect("day"),
            excluded: None,
            no_fine_tier: None,
            found_before: None,
        }
    }

    pub(super) fn yuan(facts: &RewardFacts) -> String {
        let result = reward(&Rules::builtin().expect("packs"), facts);
        result.amount.map_or_else(|| result.reasons[0].code.clone(), |amount| amount.to_string())
    }

    #[test]
    fn the_floor_binds_up_to_20_000_yuan_and_the_cap_from_2_000_000() {
        for (fine, expected) in [
            ("1", "3000.00"),
            ("19999", "3000.00"),
            ("20000", "3000.00"),
            ("20001", "3000.15"),
            ("20100", "3015.00"),
            ("1999999", "299999.85"),
            ("2000000", "300000.00"),
            ("2000001", "300000.00"),
        ] {
            assert_eq!(yuan(&facts(Matter::MajorHazard, fine)), expected, "fine of {fine}");
        }
    }

    #[test]
    fn level_two_reports_in_mines_get_twelve_percent() {
        for (fine, expected) in [("25000", "3000.00"), ("25001", "3000.12"), ("2500000", "300000.00")] {
            let level_2 = RewardFacts {
                sector: Sector::Mine,
                report_level: Some(2),
                ..facts(Matter::MajorHazard, fine)
            };
            assert_eq!(yuan(&level_2), expected, "fine of {fine}");
        }
    }

    #[test]
    fn concealed_deaths_are_paid_by_grade_up_to_the_cap() {
        for (deaths, expected) in [
            (0, "reward.no_death_verified"),
            (1, "30000.00"),
            (2, "60000.00"),
            (3, "120000.00"),
            (4, "160000.00"),
            (7, "280000.00"),
            (8, "300000.00"),
            (9, "300000.00"),
            (10, "300000.00"),
            (30, "300000.00"),
        ] {
            let concealed = RewardFacts { deaths_verified: deaths, ..facts(Matter::ConcealedAccident, "0") };
            assert_eq!(yuan(&concealed), expected, "{deaths} deaths");
        }
    }

    #[test]
    fn a_floor_or_a_cap_is_a_reason_only_where_it_binds() {
        let rules = Rules::builtin().expect("packs");
        let codes = |fine: &str| -> Vec<String> {
            let result = reward(&rules, &facts(Matter::MajorHazard, fine));
            result.reasons.into_iter().map(|reason| reason.code).collect()
        };
        assert_eq!(codes("19999.99"), ["reward.share_of_fine", "reward.floor"]);
        assert_eq!(codes("20000"), ["reward.share_of_fine"]);
        assert_eq!(codes("2000000"), ["reward.share_of_fine"]);
        assert_eq!(codes("2000000.07"), ["reward.share_of_fine", "reward.cap"]);
    }

    /// The packs that ship with further rules, all adopted.
    pub(super) fn with_rules(further: &str) -> Rules {
        let to = format!("{further}\n[switches]");
        crate::rules::tests::changed("rewards", "[switches]", &to, true).expect("packs")
    }

    fn local(id: &str, place: &str, share: u32) -> String {
        format!(
            "[[rule]]\nid = \"{id}\"\nname = \"{id}\"\ndocument = \"{id}\"\nplace = \"{place}\"\n\
             sectors = [\"industry\"]\nfrom = \"2020-01-01\"\nmark = \"S\"\n[rule.fine]\narticle = \"1\"\n\
             share_level_1 = {share}\nshare_level_2 = {share}\nfloor_fen = 0\ncap_fen = 100_000_000\n"
        )
    }

    #[test]
    fn the_county_goes_before_the_city_the_city_before_the_province_the_province_before_the_nation() {
        let rules =
            with_rules(&[local("province", "辽宁省", 2000), local("city", "辽宁省/鞍山市", 2500)].concat());
        let county = with_rules(
            &[local("city", "辽宁省/鞍山市", 2500), local("county", "辽宁省/鞍山市/岫岩满族自治县", 3000)]
                .concat(),
        );
        let at = |rules: &Rules, place: &str| {
            let facts = RewardFacts { place: place.to_owned(), ..facts(Matter::MajorHazard, "100000") };
            reward(rules, &facts).rule.unwrap_or_default()
        };
        assert_eq!(at(&rules, "national"), "national-2018");
        assert_eq!(at(&rules, "吉林"), "national-2018");
        assert_eq!(at(&rules, "辽宁沈阳"), "province");
        assert_eq!(at(&rules, "辽宁鞍山岫岩"), "city");
        assert_eq!(at(&county, "辽宁鞍山岫岩"), "county");
        assert_eq!(at(&county, "辽宁鞍山海城"), "city");
    }

    #[test]
    fn without_a_fine_or_a_rule_there_is_no_amount_and_the_reason_says_so() {
        assert_eq!(yuan(&facts(Matter::IllegalAct, "0")), "reward.no_fine");
        let early =
            RewardFacts { reported_on: "2006-01-12".parse().expect("day"), ..facts(Matter::IllegalAct, "1") };
        assert_eq!(yuan(&early), "reward.no_rule_in_force");
    }

    #[test]
    fn personal_fines_are_shown_as_the_other_figure() {
        let both = RewardFacts {
            person_fines_yuan: vec!["30000".parse().expect("money")],
            ..facts(Matter::MajorHazard, "600000")
        };
        let result = reward(&Rules::builtin().expect("packs"), &both);
        assert_eq!(result.amount.map(|a| a.to_string()).as_deref(), Some("90000.00"));
        assert_eq!(result.alternative.map(|a| a.to_string()).as_deref(), Some("94500.00"));
    }

    #[test]
    fn an_insider_in_fujian_gets_thirty_percent_more_on_amount_and_cap() {
        let insider = |fine| RewardFacts {
            place: "福建厦门".into(),
            insider: true,
            ..facts(Matter::MajorHazard, fine)
        };
        assert_eq!(yuan(&insider("100000")), "19500.00");
        assert_eq!(yuan(&insider("3000000")), "390000.00");
        let elsewhere = RewardFacts { place: "national".into(), ..insider("100000") };
        assert_eq!(yuan(&elsewhere), "15000.00");
    }

    proptest! {
        #[test]
        fn a_higher_fine_never_gives_less_and_stays_between_floor_and_cap(a in 1_i64..1 << 40, b in 1_i64..1 << 40) {
            let rules = Rules::builtin().expect("packs");
            let of = |fen| {
                let facts = RewardFacts { unit_fine_yuan: Fen(fen), ..facts(Matter::MajorHazard, "0") };
                reward(&rules, &facts).amount.expect("a fine gives an amount")
            };
            let (low, high) = (of(a.min(b)), of(a.max(b)));
            prop_assert!(low <= high);
            prop_assert!(low >= Fen(300_000) && high <= Fen(30_000_000));
        }

        #[test]
        fn a_split_is_exact_to_the_fen(amount in 0_i64..1 << 40, n in 1_u32..200) {
            let shares = split(Fen(amount), n);
            prop_assert_eq!(shares.iter().map(|share| share.0).sum::<i64>(), amount);
            let (most, least) = (shares.iter().max(), shares.iter().min());
            prop_assert!(most.zip(least).is_some_and(|(most, least)| most.0 - least.0 <= 1));
        }
    }
}
