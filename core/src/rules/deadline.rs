//! Deadlines: when something must be done, by which article.

use serde::{Deserialize, Serialize};

use super::article::Article;
use super::calendar::UnknownYear;
use super::place::Place;
use super::scope::{self, Scope, Scoped};
use super::{Mark, PackError, Reason, Rules};
use crate::units::Day;

/// What the days of a deadline are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    Calendar,
    Working,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadlines {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    _title: String,
    deadline: Vec<DeadlineRule>,
}

/// One deadline of the pack.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadlineRule {
    pub name: String,
    /// Where it holds.
    #[serde(default)]
    pub place: Place,
    /// First day on which it can begin, where that is known.
    #[serde(default)]
    pub from: Option<Day>,
    /// Last day on which it can begin.
    #[serde(default)]
    pub until: Option<Day>,
    /// What must be done, in Chinese.
    pub what: String,
    pub days: u32,
    #[serde(rename = "unit")]
    pub counting: Counting,
    /// Statutory deadlines stand public on the entry.
    pub statutory: bool,
    /// Most days by which it may be moved in all; none where the source allows no extension.
    #[serde(default)]
    pub extension_days_max: Option<u32>,
    /// How sure we are of the extension, where that is less than of the deadline itself.
    #[serde(default)]
    pub extension_mark: Option<Mark>,
    pub document: String,
    pub article: String,
    pub mark: Mark,
}

/// A deadline that was worked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The last day on which it can be done.
    pub day: Day,
    /// Last day to which it may be extended; the due day itself where no extension is in force.
    pub latest: Day,
    /// Whether the source allows an extension that is in force.
    pub extendable: bool,
    pub statutory: bool,
    /// Document and article.
    pub source: String,
    pub mark: Mark,
}

/// Why there is no due day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeadlineError {
    #[error("there is no deadline of this name")]
    NoSuchDeadline,
    /// Not verified and not adopted, or it does not hold on that day.
    #[error("the deadline is not in force")]
    NotInForce,
    #[error(transparent)]
    UnknownYear(#[from] UnknownYear),
}

impl Scoped for DeadlineRule {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn scope(&self) -> Scope<'_> {
        Scope { place: &self.place, from: self.from, until: self.until }
    }
}

impl DeadlineRule {
    /// Days by which it may be moved, as far as that is in force.
    fn extension_days(&self, rules: &Rules) -> Option<u32> {
        let mark = self.extension_mark.unwrap_or(self.mark);
        self.extension_days_max.filter(|_| rules.in_force("deadlines", mark))
    }
}

impl Deadlines {
    pub fn iter(&self) -> impl Iterator<Item = &DeadlineRule> {
        self.deadline.iter()
    }

    /// Every deadline stands once for its place and time, and gives at least one day.
    pub(super) fn check(&self) -> Result<(), PackError> {
        scope::check("deadlines", &self.deadline)?;
        match self.deadline.iter().find(|rule| rule.days == 0) {
            Some(rule) => Err(PackError::gap("deadlines", &rule.name, "it gives no day")),
            None => Ok(()),
        }
    }

    pub(super) fn articles(&self) -> Vec<Article> {
        let of = |rule: &DeadlineRule| {
            let source = format!("{} {}", rule.document, rule.article);
            let code = match rule.counting {
                Counting::Calendar => "rules.calendar_days",
                Counting::Working => "rules.working_days",
            };
            let mut says = vec![Reason::new(code, [("days", rule.days.to_string())], &source)];
            let days = rule.extension_days_max.map(|days| [("days", days.to_string())]);
            let extension = days.map(|days| Reason::new("rules.extension", days, &source));
            // An extension with a mark of its own is a rule of its own: it may not be in force while the deadline is.
            let apart = rule.extension_mark.zip(extension.clone()).map(|(mark, extension)| {
                let id = format!("{}/extension", rule.name);
                Article::new("deadlines", &id, &rule.what, mark, vec![extension])
            });
            says.extend(extension.filter(|_| apart.is_none()));
            let article = Article::new("deadlines", &rule.name, &rule.what, rule.mark, says);
            let articles = std::iter::once(article).chain(apart);
            articles.map(|article| article.within(&rule.scope())).collect::<Vec<_>>()
        };
        self.deadline.iter().flat_map(of).collect()
    }
}

/// The due day of the deadline `name` that begins on `from`, at the place of the ledger. The first day is not counted
/// (民法典 art. 201).
pub fn due(rules: &Rules, name: &str, from: Day) -> Result<Due, DeadlineError> {
    let named = || rules.deadlines.iter().filter(|rule| rule.name == name);
    named().next().ok_or(DeadlineError::NoSuchDeadline)?;
    let in_force = named().filter(|rule| rules.in_force("deadlines", rule.mark));
    let rule = scope::pick(in_force, rules.place(), from).ok_or(DeadlineError::NotInForce)?;
    let day = match rule.counting {
        Counting::Calendar => from.plus_days(i64::from(rule.days)),
        Counting::Working => rules.calendar.add_working_days(from, rule.days)?,
    };
    let extension = rule.extension_days(rules);
    Ok(Due {
        day,
        latest: day.plus_days(i64::from(extension.unwrap_or(0))),
        extendable: extension.is_some(),
        statutory: rule.statutory,
        source: format!("{} {}", rule.document, rule.article),
        mark: rule.mark,
    })
}

/// The due day as a decision writes it: none where no such rule is in force, so that no clock runs.
///
/// # Errors
/// A day beyond the years whose holidays are known: the decision is refused, because a clock that was left out would be
/// missed by nobody.
pub fn due_in_force(rules: &Rules, name: &str, from: Day) -> Result<Option<Due>, UnknownYear> {
    match due(rules, name, from) {
        Ok(due) => Ok(Some(due)),
        Err(DeadlineError::NoSuchDeadline | DeadlineError::NotInForce) => Ok(None),
        Err(DeadlineError::UnknownYear(year)) => Err(year),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::PACKS;

    fn day(text: &str) -> Day {
        text.parse().expect("day")
    }

    #[test]
    fn a_report_is_handled_within_sixty_days_and_at_most_thirty_more() {
        let due = due(&Rules::builtin().expect("packs"), "handle", day("2024-01-01")).expect("in force");
        assert_eq!((due.day, due.latest), (day("2024-03-01"), day("2024-03-31")));
        assert!(due.statutory);
    }

    #[test]
    fn a_penalty_is_public_within_seven_working_days_across_spring_festival() {
        let rules = Rules::builtin().expect("packs");
        // 7 and 8 February are two working days, 9 February the third, 18 February (a Sunday) the fourth.
        let due = due(&rules, "publish_penalty", day("2024-02-06")).expect("in force");
        assert_eq!(due.day, day("2024-02-21"));
    }

    #[test]
    fn an_extension_that_is_not_verified_holds_only_after_adoption_while_the_deadline_itself_holds() {
        let from = day("2024-05-10");
        let plain = due(&Rules::builtin().expect("packs"), "claim", from).expect("in force");
        assert_eq!(
            (plain.day, plain.latest, plain.extendable),
            (day("2024-07-09"), day("2024-07-09"), false)
        );
        let adopted = [("deadlines".to_owned(), PACKS[1].hash())];
        let adopted = due(&Rules::with_adopted(&adopted).expect("packs"), "claim", from).expect("in force");
        assert_eq!(
            (adopted.day, adopted.latest, adopted.extendable),
            (day("2024-07-09"), day("2024-09-07"), true)
        );
    }

    #[test]
    fn what_is_not_verified_holds_only_after_adoption() {
        let from = day("2024-05-10");
        let plain = Rules::builtin().expect("packs");
        assert_eq!(due(&plain, "accept", from), Err(DeadlineError::NotInForce));
        let adopted = [("deadlines".to_owned(), PACKS[1].hash())];
        let adopted = Rules::with_adopted(&adopted).expect("packs");
        assert_eq!(due(&adopted, "accept", from).map(|due| due.day), Ok(day("2024-05-17")));
    }

    #[test]
    fn a_rule_that_is_not_in_force_gives_no_day_and_an_unknown_year_is_refused() {
        let rules = Rules::builtin().expect("packs");
        let of = |name, from| due_in_force(&rules, name, day(from)).map(|due| due.map(|due| due.day));
        assert_eq!(of("accept", "2024-05-10"), Ok(None));
        assert_eq!(of("no such thing", "2024-05-10"), Ok(None));
        assert_eq!(of("handle", "2026-12-28"), Ok(Some(day("2027-02-26"))), "calendar days need no calendar");
        assert_eq!(of("publish_penalty", "2026-12-28"), Err(UnknownYear(2027)));
    }
}
