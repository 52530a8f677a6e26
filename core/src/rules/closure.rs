//! When the government must be petitioned to close an enterprise: two rules with two counters.
//!
//! The first counts *discoveries* (plan, mines, 26), the second *penalties* (安全生产法 art. 113(1)). Periods are counted as
//! the law counts: the day of the first event is not counted, the last day of the period is. Beside both, the same criterion
//! item again after it was struck off is a ground of its own (plan, mines, 11).

use serde::{Deserialize, Serialize};

use super::accident::AccidentGrade;
use super::article::Article;
use super::calendar::add_months;
use super::{Mark, PackError, Reason, Rules};
use crate::units::{Day, Position};

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
    /// Days of penalties of the unit while a major hazard existed, each decision once; see [`counts`].
    #[serde(default)]
    pub penalties: Vec<Day>,
    /// Criterion items that are there again after they had been struck off; see [`comes_again`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recurrences: Vec<String>,
    /// The day as of which is asked; later days do not count.
    pub on: Day,
}

/// Whether to petition, and on which grounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    pub petition: bool,
    pub grounds: Vec<Reason>,
}

/// A ground, and which of the facts it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    pub reason: Reason,
    pub rests_on: RestsOn,
}

/// Which of the given facts a ground rests on, each by its number in its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestsOn {
    /// The licence, and that it produces.
    Licence,
    Discoveries(Vec<usize>),
    /// Penalties within the shorter period.
    PenaltiesShort(Vec<usize>),
    /// Penalties within the longer period.
    PenaltiesLong(Vec<usize>),
    Recurrence(usize),
}

/// Whether a penalty counts (安全生产法 art. 113(1)): one for a major hazard, or any other while a major hazard existed.
/// `stood` are the spans in which major hazards of the enterprise existed; a last day counts.
pub fn counts(decided_on: Day, of_major: bool, mut stood: impl Iterator<Item = (Day, Option<Day>)>) -> bool {
    of_major || stood.any(|(from, until)| from <= decided_on && until.is_none_or(|until| decided_on <= until))
}

/// Whether a hazard of the same item is there again after one was struck off: it stands later in the log, and was not found
/// on an earlier day (plan, mines, 11).
pub fn comes_again(struck_off: (Position, Day), again: (Position, Day)) -> bool {
    struck_off.0 < again.0 && struck_off.1 <= again.1
}

/// Days up to `on` with their numbers in the list, the earliest first.
fn sorted(days: impl Iterator<Item = Day>, on: Day) -> Vec<(Day, usize)> {
    let mut days: Vec<_> = days.zip(0..).filter(|(day, _)| *day <= on).collect();
    days.sort_unstable();
    days
}

/// A period of days or of months.
#[derive(Clone, Copy)]
enum Period {
    Days(u32),
    Months(u32),
}

impl Period {
    /// Whether `last` lies in the period that begins with `first`.
    fn holds(self, first: Day, last: Day) -> bool {
        match self {
            Self::Days(days) => last <= first.plus_days(i64::from(days)),
            // No month has more than 31 days: what lies further apart is told without a calendar.
            Self::Months(months) => {
                last.days_since(first) <= i64::from(months) * 31 && last <= add_months(first, months)
            }
        }
    }
}

/// The first `many` days that lie within one period.
fn within(days: &[(Day, usize)], many: usize, period: Period) -> Option<&[(Day, usize)]> {
    days.windows(many.max(1)).find(|window| {
        let (first, last) = (window.first(), window.last());
        first.zip(last).is_some_and(|(first, last)| period.holds(first.0, last.0))
    })
}

fn numbers(days: &[(Day, usize)]) -> Vec<usize> {
    days.iter().map(|(_, number)| *number).collect()
}

fn listed(days: impl Iterator<Item = Day>) -> String {
    days.map(|day| day.to_string()).collect::<Vec<_>>().join(", ")
}

/// What the grounds rest on, without putting them into words.
fn hits(rules: &Rules, facts: &ClosureFacts) -> Vec<RestsOn> {
    let (often, fined) = (&rules.closure.discoveries, &rules.closure.penalties);
    let mut hits = Vec::new();
    if facts.producing && facts.licence != Licence::Full {
        hits.push(RestsOn::Licence);
    }
    let all = sorted(facts.discoveries.iter().copied(), facts.on);
    // Several hazards found on one day are one discovery: the rule counts how often, not how many.
    let mut found = all.clone();
    found.dedup_by_key(|(day, _)| *day);
    let again = within(&found, often.many, Period::Months(often.months));
    if let Some(days) = again.filter(|_| facts.producing) {
        let those = all.iter().filter(|(day, _)| days.iter().any(|(hit, _)| hit == day));
        hits.push(RestsOn::Discoveries(those.map(|(_, number)| *number).collect()));
    }
    let punished = sorted(facts.penalties.iter().copied(), facts.on);
    let short = within(&punished, fined.many_short, Period::Days(fined.days));
    hits.extend(short.map(|days| RestsOn::PenaltiesShort(numbers(days))));
    let long = within(&punished, fined.many_long, Period::Months(fined.months));
    hits.extend(long.map(|days| RestsOn::PenaltiesLong(numbers(days))));
    hits.extend((0..facts.recurrences.len()).map(RestsOn::Recurrence));
    hits
}

/// A ground in words, which name the very facts that it rests on.
fn in_words(rules: &Rules, facts: &ClosureFacts, rests_on: &RestsOn) -> Reason {
    let packs = &rules.closure;
    let (found, fined) = (&packs.discoveries, &packs.penalties);
    let source = |document: &str, article: &str| format!("{document} {article}");
    let those = |of: &[Day], which: &[usize]| -> Vec<Day> {
        which.iter().filter_map(|number| of.get(*number).copied()).collect()
    };
    let punished = |which: &[usize]| ("days", listed(those(&facts.penalties, which).into_iter()));
    match rests_on {
        RestsOn::Licence => {
            let none = facts.licence == Licence::None;
            let code = if none { "closure.no_licence" } else { "closure.incomplete_licence" };
            Reason::new(code, [], &source(&packs.licence.document, &packs.licence.article))
        }
        RestsOn::Discoveries(which) => {
            let mut days = those(&facts.discoveries, which);
            days.dedup();
            let details = [("days", listed(days.into_iter())), ("months", found.months.to_string())];
            Reason::new("closure.found_again", details, &source(&found.document, &found.article))
        }
        RestsOn::PenaltiesShort(which) => {
            let (many, period) = (fined.many_short.to_string(), fined.days.to_string());
            let details = [punished(which), ("many", many), ("period", period)];
            Reason::new("closure.penalised_short", details, &source(&fined.document, &fined.article))
        }
        RestsOn::PenaltiesLong(which) => {
            let details = [punished(which), ("many", fined.many_long.to_string())];
            Reason::new("closure.penalised_long", details, &source(&fined.document, &fined.article))
        }
        RestsOn::Recurrence(number) => {
            let criterion = facts.recurrences.get(*number).cloned().unwrap_or_default();
            let source = source(&packs.recurrence.document, &packs.recurrence.article);
            Reason::new("closure.recurrence", [("criterion", criterion)], &source)
        }
    }
}

/// Whether there is a ground at all, without putting it into words.
pub fn is_called_for(rules: &Rules, facts: &ClosureFacts) -> bool {
    !hits(rules, facts).is_empty()
}

/// Every ground with what it rests on: both closure rules, then recurrence.
pub fn grounds(rules: &Rules, facts: &ClosureFacts) -> Vec<Ground> {
    let ground = |rests_on: RestsOn| Ground { reason: in_words(rules, facts, &rests_on), rests_on };
    hits(rules, facts).into_iter().map(ground).collect()
}

/// Whether to petition: both closure rules, and recurrence.
pub fn closure(rules: &Rules, facts: &ClosureFacts) -> Closure {
    let grounds: Vec<Reason> = grounds(rules, facts).into_iter().map(|ground| ground.reason).collect();
    Closure { petition: !grounds.is_empty(), grounds }
}

/// Whether general accidents call for an interview (industry, 6), and which of these it rests on. An accident of a higher
/// grade calls for one by itself and is none of them.
pub fn interview(rules: &Rules, accidents: &[(Day, AccidentGrade)], on: Day) -> Option<(Reason, Vec<usize>)> {
    let rule = &rules.closure.accidents;
    let mut days = sorted(accidents.iter().map(|(day, _)| *day), on);
    days.retain(|(_, number)| {
        accidents.get(*number).is_some_and(|(_, grade)| *grade == AccidentGrade::General)
    });
    let hit = within(&days, rule.interview_many, Period::Months(rule.interview_months))?;
    let source = format!("{} {}", rule.document, rule.article);
    let details = [("days", listed(hit.iter().map(|(day, _)| *day)))];
    Some((Reason::new("closure.interview", details, &source), numbers(hit)))
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
            recurrences: Vec::new(),
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
