//! Working days by the official holiday calendar, with make-up working days (State Council notices).

use std::collections::BTreeSet;

use chrono::Datelike;
use serde::Deserialize;

use super::article::Article;
use super::{Mark, PackError, Reason};
use crate::units::Day;

/// A day beyond the years whose calendar is known. There is no guess: the pack must be brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the holiday calendar of {0} is not known; bring the calendar pack up to date")]
pub struct UnknownYear(pub i32);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalendarPack {
    #[serde(rename = "id")]
    _id: String,
    title: String,
    mark: Mark,
    first_year: i32,
    last_year: i32,
    holidays: BTreeSet<Day>,
    working: BTreeSet<Day>,
}

/// Which days are working days.
#[derive(Clone, Debug)]
pub struct Calendar {
    title: String,
    mark: Mark,
    first_year: i32,
    last_year: i32,
    holidays: BTreeSet<Day>,
    working: BTreeSet<Day>,
}

impl From<CalendarPack> for Calendar {
    fn from(pack: CalendarPack) -> Self {
        let CalendarPack { title, mark, first_year, last_year, holidays, working, .. } = pack;
        Self { title, mark, first_year, last_year, holidays, working }
    }
}

impl Calendar {
    /// Every year from the first to the last has its holidays, no day is off and at work, and only weekends are made up.
    pub(super) fn check(&self) -> Result<(), PackError> {
        for year in self.first_year..=self.last_year {
            if !self.holidays.iter().any(|day| day.year() == year) {
                return Err(PackError::gap("calendar", &year.to_string(), "no holiday of this year"));
            }
        }
        let years = self.first_year..=self.last_year;
        for day in self.holidays.iter().chain(&self.working) {
            if !years.contains(&day.year()) {
                return Err(PackError::contradiction(
                    "calendar",
                    &day.to_string(),
                    "it lies outside the years",
                ));
            }
        }
        for day in &self.working {
            if self.holidays.contains(day) {
                return Err(PackError::contradiction("calendar", &day.to_string(), "it is off and at work"));
            }
            if day.0.weekday().number_from_monday() <= 5 {
                return Err(PackError::contradiction(
                    "calendar",
                    &day.to_string(),
                    "only weekends are made up for",
                ));
            }
        }
        Ok(())
    }

    pub(super) fn articles(&self) -> Vec<Article> {
        let years = [("first", self.first_year.to_string()), ("last", self.last_year.to_string())];
        let says = vec![Reason::new("rules.holidays", years, &self.title)];
        vec![Article::new("calendar", "holidays", "工作日日历", self.mark, says)]
    }

    pub fn is_working_day(&self, day: Day) -> Result<bool, UnknownYear> {
        if !(self.first_year..=self.last_year).contains(&day.year()) {
            return Err(UnknownYear(day.year()));
        }
        let weekday = day.0.weekday().number_from_monday() <= 5;
        Ok(self.working.contains(&day) || (weekday && !self.holidays.contains(&day)))
    }

    /// The `days`-th working day after `from`; `from` itself is not counted.
    pub fn add_working_days(&self, from: Day, days: u32) -> Result<Day, UnknownYear> {
        let mut day = from;
        for _ in 0..days {
            day = day.plus_days(1);
            while !self.is_working_day(day)? {
                day = day.plus_days(1);
            }
        }
        Ok(day)
    }
}

impl Calendar {
    /// The last day from which `days` working days still end on `due` or before it.
    pub fn before_working_days(&self, due: Day, days: u32) -> Result<Day, UnknownYear> {
        let mut day = due;
        for _ in 0..days {
            while !self.is_working_day(day)? {
                day = day.plus_days(-1);
            }
            day = day.plus_days(-1);
        }
        Ok(day)
    }
}

/// `months` months after `day` as the law counts: the same day of the month, or the month's last day where there is
/// none (民法典 art. 202).
pub fn add_months(day: Day, months: u32) -> Day {
    Day(day.0.checked_add_months(chrono::Months::new(months)).unwrap_or(chrono::NaiveDate::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    fn day(text: &str) -> Day {
        text.parse().expect("day")
    }

    #[test]
    fn spring_festival_2024_with_its_make_up_days() {
        let calendar = Rules::builtin().expect("packs").calendar;
        // State Council notice for 2024: 10 to 17 February off, Sunday 4 and Sunday 18 February worked.
        for (text, works) in [
            ("2024-02-04", true),
            ("2024-02-09", true),
            ("2024-02-10", false),
            ("2024-02-16", false),
            ("2024-02-17", false),
            ("2024-02-18", true),
            ("2024-02-24", false),
        ] {
            assert_eq!(calendar.is_working_day(day(text)), Ok(works), "{text}");
        }
        assert_eq!(calendar.add_working_days(day("2024-02-08"), 3), Ok(day("2024-02-19")));
    }

    #[test]
    fn a_year_that_is_not_known_is_refused() {
        let calendar = Rules::builtin().expect("packs").calendar;
        assert_eq!(calendar.is_working_day(day("2027-01-04")), Err(UnknownYear(2027)));
        assert_eq!(calendar.add_working_days(day("2026-12-31"), 1), Err(UnknownYear(2027)));
        assert_eq!(calendar.is_working_day(day("2011-12-30")), Err(UnknownYear(2011)));
    }

    #[test]
    fn months_end_on_the_same_day_or_on_the_last_of_the_month() {
        assert_eq!(add_months(day("2024-01-05"), 3), day("2024-04-05"));
        assert_eq!(add_months(day("2023-11-30"), 3), day("2024-02-29"));
        assert_eq!(add_months(day("2024-02-29"), 12), day("2025-02-28"));
    }
}
