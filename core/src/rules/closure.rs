//! When the government must be petitioned to close an enterprise: two rules with two counters.
//!
//! The first counts *discoveries* (plan, mines, 26), the second *penalties* (安全生产法 art. 113(1)). Periods are counted as
//! the law counts: the day of the first event is not counted, the last day of the period is.

use serde::{Deserialize, Serialize};

use super::accident::AccidentGrade;
use super::article::Article;
use super::calendar::add_months;
use super::{Mark, PackError, Reason, Rules};
use crate::units::Day;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosureRules {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    _title: String,
    discoveries: Discoveries,
    licence: Source,
    penalties: Penalties,
    recurrence: Source,
    accidents: Accidents,
    larger: Source,
    fatal: Source,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    document: String,
    article: String,
    mark: Mark,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Discoveries {
    many: usize,
    months: u32,
    document: String,
    article: String,
    mark: Mark,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Penalties {
    many_short: usize,
    days: u32,
    many_long: usize,
    months: u32,
    document: String,
    article: String,
    mark: Mark,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accidents {
    interview_many: usize,
    interview_months: u32,
    document: String,
    article: String,
    mark: Mark,
}

impl ClosureRules {
    /// Each counter counts something within some time, and the longer period asks for more.
    pub(super) fn check(&self) -> Result<(), PackError> {
        let Self { discoveries, penalties, accidents, .. } = self;
        if [discoveries.many, penalties.many_short, accidents.interview_many].contains(&0)
            || [discoveries.months, penalties.days, accidents.interview_months].contains(&0)
        {
            return Err(PackError::gap("closure", "counters", "a counter counts nothing, or within no time"));
        }
        if penalties.many_long <= penalties.many_short {
            let what = "the longer period asks for no more than the shorter one";
            return Err(PackError::contradiction("closure", "penalties", what));
        }
        Ok(())
    }

    pub(super) fn articles(&self) -> Vec<Article> {
        let Self { discoveries, licence, penalties, recurrence, accidents, larger, fatal, .. } = self;
        let source = |document: &str, article: &str| format!("{document} {article}");
        let found = [("many", discoveries.many.to_string()), ("months", discoveries.months.to_string())];
        let found =
            Reason::new("rules.closure_found", found, &source(&discoveries.document, &discoveries.article));
        let penalised = [
            ("many_short", penalties.many_short.to_string()),
            ("days", penalties.days.to_string()),
            ("many_long", penalties.many_long.to_string()),
            ("months", penalties.months.to_string()),
        ];
        let penalised = Reason::new(
            "rules.closure_penalised",
            penalised,
            &source(&penalties.document, &penalties.article),
        );
        let unlicensed =
            Reason::new("rules.closure_licence", [], &source(&licence.document, &licence.article));
        let again =
            Reason::new("rules.closure_recurrence", [], &source(&recurrence.document, &recurrence.article));
        let interview = [
            ("many", accidents.interview_many.to_string()),
            ("months", accidents.interview_months.to_string()),
        ];
        let interview =
            Reason::new("rules.interview", interview, &source(&accidents.document, &accidents.article));
        let article = |id, title, mark, says| Article::new("closure", id, title, mark, vec![says]);
        vec![
            article("discoveries", "提请关闭：多次发现", discoveries.mark, found),
            article("licence", "提请关闭：证照", licence.mark, unlicensed),
            article("penalties", "提请关闭：多次处罚", penalties.mark, penalised),
            article("recurrence", "反复出现、屡改屡犯", recurrence.mark, again),
            article("accidents", "约谈：接连事故", accidents.mark, interview),
            article(
                "larger",
                "约谈：较大及以上事故",
                larger.mark,
                Reason::new("rules.larger_accident", [], &source(&larger.document, &larger.article)),
            ),
            article(
                "fatal",
                "停产整顿：死亡事故",
                fatal.mark,
                Reason::new("rules.fatal_accident", [], &source(&fatal.document, &fatal.article)),
            ),
        ]
    }
}

/// The licences of an enterprise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Licence {
    Full,
    Incomplete,
    None,
}

/// What is known of an enterprise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosureFacts {
    pub licence: Licence,
    /// It produces, also after the discovery.
    pub producing: bool,
    /// Days on which a major hazard was found.
    #[serde(default)]
    pub discoveries: Vec<Day>,
    /// Days of penalties for major hazards.
    #[serde(default)]
    pub penalties: Vec<Day>,
    /// The day as of which is asked; later days do not count.
    pub on: Day,
}

/// Whether to petition, and on which grounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    pub petition: bool,
    pub grounds: Vec<Reason>,
}

/// The first `many` days that lie within one period, of which `end` gives the last day from its first.
fn within(days: &[Day], many: usize, end: impl Fn(Day) -> Day) -> Option<&[Day]> {
    days.windows(many.max(1)).find(|window| {
        let (first, last) = (window.first(), window.last());
        first.zip(last).is_some_and(|(first, last)| *last <= end(*first))
    })
}

fn sorted(days: &[Day], on: Day) -> Vec<Day> {
    let mut days: Vec<Day> = days.iter().copied().filter(|day| *day <= on).collect();
    days.sort_unstable();
    days
}

fn listed(days: &[Day]) -> String {
    days.iter().map(Day::to_string).collect::<Vec<_>>().join(", ")
}

/// Whether there is a ground at all, without putting it into words.
pub fn is_called_for(rules: &Rules, facts: &ClosureFacts) -> bool {
    let packs = &rules.closure;
    let mut found = sorted(&facts.discoveries, facts.on);
    found.dedup();
    let punished = sorted(&facts.penalties, facts.on);
    let (often, fined) = (&packs.discoveries, &packs.penalties);
    facts.producing
        && (facts.licence != Licence::Full
            || within(&found, often.many, |first| add_months(first, often.months)).is_some())
        || within(&punished, fined.many_short, |first| first.plus_days(i64::from(fined.days))).is_some()
        || within(&punished, fined.many_long, |first| add_months(first, fined.months)).is_some()
}

/// Both closure rules.
pub fn closure(rules: &Rules, facts: &ClosureFacts) -> Closure {
    let packs = &rules.closure;
    let mut grounds = Vec::new();
    if facts.producing && facts.licence != Licence::Full {
        let source = format!("{} {}", packs.licence.document, packs.licence.article);
        let code =
            if facts.licence == Licence::None { "closure.no_licence" } else { "closure.incomplete_licence" };
        grounds.push(Reason::new(code, [], &source));
    }
    let rule = &packs.discoveries;
    // Several hazards found on one day are one discovery: the rule counts how often, not how many.
    let mut found = sorted(&facts.discoveries, facts.on);
    found.dedup();
    if let Some(days) =
        within(&found, rule.many, |first| add_months(first, rule.months)).filter(|_| facts.producing)
    {
        let details = [("days", listed(days)), ("months", rule.months.to_string())];
        let source = format!("{} {}", rule.document, rule.article);
        grounds.push(Reason::new("closure.found_again", details, &source));
    }
    let rule = &packs.penalties;
    let source = format!("{} {}", rule.document, rule.article);
    let punished = sorted(&facts.penalties, facts.on);
    if let Some(days) = within(&punished, rule.many_short, |first| first.plus_days(i64::from(rule.days))) {
        let details = [
            ("days", listed(days)),
            ("many", rule.many_short.to_string()),
            ("period", rule.days.to_string()),
        ];
        grounds.push(Reason::new("closure.penalised_short", details, &source));
    }
    if let Some(days) = within(&punished, rule.many_long, |first| add_months(first, rule.months)) {
        let details = [("days", listed(days)), ("many", rule.many_long.to_string())];
        grounds.push(Reason::new("closure.penalised_long", details, &source));
    }
    Closure { petition: !grounds.is_empty(), grounds }
}

/// Why a hazard of the same criterion item after closing is a repeat offence.
pub fn recurrence(rules: &Rules, criterion: &str) -> Reason {
    let source = format!("{} {}", rules.closure.recurrence.document, rules.closure.recurrence.article);
    Reason::new("closure.recurrence", [("criterion", criterion.to_owned())], &source)
}

/// Whether accidents on these days call for an interview (industry, 6).
pub fn interview(rules: &Rules, accidents: &[Day], on: Day) -> Option<Reason> {
    let rule = &rules.closure.accidents;
    let days = sorted(accidents, on);
    let hit = within(&days, rule.interview_many, |first| add_months(first, rule.interview_months))?;
    let source = format!("{} {}", rule.document, rule.article);
    Some(Reason::new("closure.interview", [("days", listed(hit))], &source))
}

/// A larger accident, or one of a higher grade, calls for an interview of the enterprise and its parent (plan, mines, 27).
pub fn larger_accident(rules: &Rules, day: Day, grade: AccidentGrade) -> Option<Reason> {
    let source = format!("{} {}", rules.closure.larger.document, rules.closure.larger.article);
    let details = [("day", day.to_string()), ("grade", grade.zh().to_owned())];
    (grade >= AccidentGrade::Larger).then(|| Reason::new("closure.larger_accident", details, &source))
}

/// After a fatal accident production stops until it is accepted that it goes on (plan, mines, 27).
pub fn fatal_accident(rules: &Rules, day: Day) -> Reason {
    let source = format!("{} {}", rules.closure.fatal.document, rules.closure.fatal.article);
    Reason::new("closure.fatal_accident", [("day", day.to_string())], &source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(texts: &[&str]) -> Vec<Day> {
        texts.iter().map(|text| text.parse().expect("day")).collect()
    }

    fn codes(licence: Licence, producing: bool, discoveries: &[&str], penalties: &[&str]) -> Vec<String> {
        let on = "2026-12-31".parse().expect("day");
        let facts = ClosureFacts {
            licence,
            producing,
            discoveries: days(discoveries),
            penalties: days(penalties),
            on,
        };
        let rules = Rules::builtin().expect("packs");
        assert_eq!(is_called_for(&rules, &facts), closure(&rules, &facts).petition);
        closure(&rules, &facts).grounds.into_iter().map(|reason| reason.code).collect()
    }

    #[test]
    fn two_discoveries_within_three_months_while_producing() {
        let hit = ["closure.found_again"];
        assert_eq!(codes(Licence::Full, true, &["2024-01-05", "2024-04-05"], &[]), hit);
        assert!(codes(Licence::Full, true, &["2024-01-05", "2024-04-06"], &[]).is_empty());
        assert!(codes(Licence::Full, false, &["2024-01-05", "2024-01-06"], &[]).is_empty());
        assert_eq!(codes(Licence::Full, true, &["2023-11-30", "2024-02-29"], &[]), hit, "month end");
        assert!(codes(Licence::Full, true, &["2024-01-05", "2024-01-05"], &[]).is_empty(), "one inspection");
    }

    #[test]
    fn producing_without_full_licence_is_a_ground_of_its_own() {
        assert_eq!(codes(Licence::None, true, &[], &[]), ["closure.no_licence"]);
        assert_eq!(codes(Licence::Incomplete, true, &[], &[]), ["closure.incomplete_licence"]);
        assert!(codes(Licence::None, false, &[], &[]).is_empty());
    }

    #[test]
    fn three_penalties_in_180_days_or_four_in_a_year() {
        let short = ["closure.penalised_short"];
        assert_eq!(codes(Licence::Full, true, &[], &["2024-01-01", "2024-02-01", "2024-06-29"]), short);
        assert!(codes(Licence::Full, true, &[], &["2024-01-01", "2024-02-01", "2024-06-30"]).is_empty());
        let long = ["2024-01-01", "2024-05-01", "2024-09-01", "2025-01-01"];
        assert_eq!(codes(Licence::Full, true, &[], &long), ["closure.penalised_long"]);
        let late = ["2024-01-01", "2024-05-01", "2024-09-01", "2025-01-02"];
        assert!(codes(Licence::Full, true, &[], &late).is_empty());
    }
}
