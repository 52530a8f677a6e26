//! When responsibility is traced back (倒查追责): the triggers of plan, mines, 36.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::article::Article;
use super::calendar::add_months;
use super::{Mark, PackError, Reason, Rules};
use crate::units::{Day, Position};

/// What calls for an inquiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// 长期未查出: inspections passed by a major hazard that was there.
    NotFound,
    /// 长期只检查不执法: findings again and again, and never a measure or a penalty.
    NoEnforcement,
    /// 描述避重就轻: first written down as lesser than it was.
    Understated,
    /// 规避处理处罚: struck off without a penalty, and without a decision that relieved it.
    PenaltyAvoided,
    /// Closed, and open again at once.
    ReopenedAtOnce,
}

impl Trigger {
    pub const ALL: [Self; 5] =
        [Self::NotFound, Self::NoEnforcement, Self::Understated, Self::PenaltyAvoided, Self::ReopenedAtOnce];

    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NoEnforcement => "no_enforcement",
            Self::Understated => "understated",
            Self::PenaltyAvoided => "penalty_avoided",
            Self::ReopenedAtOnce => "reopened_at_once",
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::NotFound => "accountability.not_found",
            Self::NoEnforcement => "accountability.no_enforcement",
            Self::Understated => "accountability.understated",
            Self::PenaltyAvoided => "accountability.penalty_avoided",
            Self::ReopenedAtOnce => "accountability.reopened_at_once",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountabilityRules {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    _title: String,
    document: String,
    article: String,
    trigger: Vec<TriggerRule>,
}

/// Days by which a month may be shorter than another.
const MONTHS_DIFFER: i64 = 3;

/// When one trigger holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerRule {
    pub name: Trigger,
    zh: String,
    /// How many inspections, or days.
    many: u32,
    /// How far back is counted; none where it does not matter.
    #[serde(default)]
    months: Option<u32>,
    mark: Mark,
}

impl AccountabilityRules {
    pub(super) fn check(&self) -> Result<(), PackError> {
        let named: BTreeSet<Trigger> = self.trigger.iter().map(|rule| rule.name).collect();
        if let Some(missing) = Trigger::ALL.into_iter().find(|trigger| !named.contains(trigger)) {
            return Err(PackError::gap("accountability", missing.name(), "nothing says when it holds"));
        }
        if named.len() < self.trigger.len() {
            return Err(PackError::contradiction("accountability", "trigger", "one of them stands twice"));
        }
        match self.trigger.iter().find(|rule| rule.many == 0) {
            Some(rule) => Err(PackError::gap("accountability", rule.name.name(), "it counts nothing")),
            None => Ok(()),
        }
    }

    /// The first day from which on something counts for a trigger on `on`: what lies before it is too long ago.
    pub fn reach(&self, trigger: Trigger, on: Day) -> Option<Day> {
        let months = self.trigger.iter().find(|rule| rule.name == trigger)?.months?;
        let near = on.0.checked_sub_months(chrono::Months::new(months)).unwrap_or(chrono::NaiveDate::MIN);
        // Months differ by at most three days, so that the first day is near.
        let days = (0..=MONTHS_DIFFER * 2).map(|days| Day(near).plus_days(days - MONTHS_DIFFER));
        days.into_iter().find(|day| add_months(*day, months) >= on)
    }

    /// Whether something on `day` counts for a trigger on `on`.
    pub fn reaches(&self, trigger: Trigger, day: Day, on: Day) -> bool {
        day <= on && self.reach(trigger, on).is_none_or(|first| first <= day)
    }

    fn source(&self) -> String {
        format!("{} {}", self.document, self.article)
    }

    pub(super) fn articles(&self) -> Vec<Article> {
        let article = |rule: &TriggerRule| {
            let code = match rule.name {
                Trigger::NotFound => "rules.trace_not_found",
                Trigger::NoEnforcement => "rules.trace_no_enforcement",
                Trigger::Understated => "rules.trace_understated",
                Trigger::PenaltyAvoided => "rules.trace_penalty_avoided",
                Trigger::ReopenedAtOnce => "rules.trace_reopened",
            };
            let months = rule.months.map(|months| months.to_string()).unwrap_or_default();
            let details = [("many", rule.many.to_string()), ("months", months)];
            let says = Reason::new(code, details, &self.source());
            Article::new("accountability", rule.name.name(), &rule.zh, rule.mark, vec![says])
        };
        self.trigger.iter().map(article).collect()
    }
}

/// What the log says of one major hazard and of the inspections of its enterprise. Positions prove each fact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceFacts {
    /// Inspections of the enterprise, as far back as the rule reaches, that ended without this hazard in their findings.
    #[serde(default)]
    pub passed_by: Vec<Position>,
    /// Inspections of the enterprise with findings, as far back as the rule reaches.
    #[serde(default)]
    pub with_findings: Vec<Position>,
    /// Measures and penalties against the enterprise.
    #[serde(default)]
    pub enforced: Vec<Position>,
    /// The entry that wrote it down without a criterion item, though it was verified as major.
    #[serde(default)]
    pub understated: Option<Position>,
    /// The entry that struck it off without a penalty and without a decision on relief.
    #[serde(default)]
    pub unpunished: Option<Position>,
    /// Closings with the day, and the day on which it was open again.
    #[serde(default)]
    pub reopened: Vec<(Position, Day, Day)>,
}

/// What decides whether a trigger holds, without the entries that prove it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed_by: usize,
    pub with_findings: usize,
    pub enforced: bool,
    pub understated: bool,
    pub unpunished: bool,
    /// Fewest days between a closing and the day on which it was open again.
    pub reopened_after: Option<i64>,
}

impl TraceFacts {
    fn counts(&self) -> Counts {
        Counts {
            passed_by: self.passed_by.len(),
            with_findings: self.with_findings.len(),
            enforced: !self.enforced.is_empty(),
            understated: self.understated.is_some(),
            unpunished: self.unpunished.is_some(),
            reopened_after: self.reopened.iter().map(|(_, closed, again)| again.days_since(*closed)).min(),
        }
    }
}

impl TriggerRule {
    pub fn holds(&self, counts: &Counts) -> bool {
        let many = usize::try_from(self.many).unwrap_or(usize::MAX);
        match self.name {
            Trigger::NotFound => counts.passed_by >= many,
            Trigger::NoEnforcement => counts.with_findings >= many && !counts.enforced,
            Trigger::Understated => counts.understated,
            Trigger::PenaltyAvoided => counts.unpunished,
            Trigger::ReopenedAtOnce => counts.reopened_after.is_some_and(|days| self.is_at_once(days)),
        }
    }

    fn is_at_once(&self, days: i64) -> bool {
        days <= i64::from(self.many)
    }

    /// The entries that prove it where it holds.
    fn proof(&self, facts: &TraceFacts) -> Vec<Position> {
        match self.name {
            Trigger::NotFound => facts.passed_by.clone(),
            Trigger::NoEnforcement => facts.with_findings.clone(),
            Trigger::Understated => facts.understated.into_iter().collect(),
            Trigger::PenaltyAvoided => facts.unpunished.into_iter().collect(),
            Trigger::ReopenedAtOnce => {
                let soon =
                    |(_, closed, again): &&(Position, Day, Day)| self.is_at_once(again.days_since(*closed));
                facts.reopened.iter().filter(soon).map(|(closed, _, _)| *closed).collect()
            }
        }
    }
}

/// A trigger that holds, with the entries that prove it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Called {
    pub trigger: Trigger,
    pub reason: Reason,
    pub proof: Vec<Position>,
}

/// The triggers that these rules have in force.
pub fn in_force(rules: &Rules) -> impl Iterator<Item = &TriggerRule> {
    rules.accountability.trigger.iter().filter(|rule| rules.in_force("accountability", rule.mark))
}

/// Which triggers hold, with their reasons.
pub fn triggers(rules: &Rules, facts: &TraceFacts) -> Vec<Called> {
    let (source, counts) = (rules.accountability.source(), facts.counts());
    let called = in_force(rules).filter(|rule| rule.holds(&counts)).map(|rule| {
        let proof = rule.proof(facts);
        let details = [("many", proof.len().to_string())];
        Called { trigger: rule.name, reason: Reason::new(rule.name.code(), details, &source), proof }
    });
    called.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::PACKS;

    fn adopted() -> Rules {
        let adopted: Vec<_> = PACKS.iter().map(|pack| (pack.id.to_owned(), pack.hash())).collect();
        Rules::with_adopted(&adopted).expect("packs")
    }

    #[test]
    fn the_first_day_of_a_reach_is_the_first_from_which_the_months_arrive() {
        let rules = adopted();
        let start: Day = "2023-11-25".parse().expect("day");
        for on in (0..900).map(|days| start.plus_days(days)) {
            let months = |rule: &TriggerRule| rule.months.map(|months| (rule.name, months));
            for (trigger, months) in rules.accountability.trigger.iter().filter_map(months) {
                let first = rules.accountability.reach(trigger, on).expect("reach");
                assert!(add_months(first, months) >= on, "{trigger:?} {on}");
                assert!(add_months(first.plus_days(-1), months) < on, "{trigger:?} {on}");
            }
        }
    }

    fn called(rules: &Rules, facts: &TraceFacts) -> Vec<Trigger> {
        triggers(rules, facts).into_iter().map(|called| called.trigger).collect()
    }

    #[test]
    fn two_inspections_that_passed_it_by_call_for_an_inquiry_once_the_number_is_adopted() {
        let facts = TraceFacts { passed_by: vec![Position(3), Position(9)], ..TraceFacts::default() };
        assert_eq!(called(&adopted(), &facts), [Trigger::NotFound]);
        assert!(called(&Rules::builtin().expect("packs"), &facts).is_empty(), "the number is ours");
        let one = TraceFacts { passed_by: vec![Position(3)], ..TraceFacts::default() };
        assert!(called(&adopted(), &one).is_empty());
    }

    #[test]
    fn findings_without_any_measure_call_for_an_inquiry_and_one_measure_ends_that() {
        let mut facts = TraceFacts { with_findings: vec![Position(1), Position(2)], ..TraceFacts::default() };
        assert_eq!(called(&adopted(), &facts), [Trigger::NoEnforcement]);
        facts.enforced.push(Position(5));
        assert!(called(&adopted(), &facts).is_empty());
    }

    #[test]
    fn what_the_plan_says_without_a_number_holds_without_adoption() {
        let facts = TraceFacts {
            understated: Some(Position(4)),
            unpunished: Some(Position(8)),
            ..TraceFacts::default()
        };
        let rules = Rules::builtin().expect("packs");
        assert_eq!(called(&rules, &facts), [Trigger::Understated, Trigger::PenaltyAvoided]);
    }

    #[test]
    fn open_again_on_the_thirtieth_day_counts_and_on_the_thirty_first_does_not() {
        let day = |text: &str| text.parse::<Day>().expect("day");
        let again = |on| TraceFacts {
            reopened: vec![(Position(7), day("2024-01-31"), day(on))],
            ..TraceFacts::default()
        };
        assert_eq!(called(&adopted(), &again("2024-03-01")), [Trigger::ReopenedAtOnce]);
        assert!(called(&adopted(), &again("2024-03-02")).is_empty());
    }
}
