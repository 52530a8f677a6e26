//! How often an enterprise looks for major hazards itself, and how often it is inspected.

use serde::{Deserialize, Serialize};

use super::article::Article;
use super::calendar::add_months;
use super::place::Place;
use super::reward::Sector;
use super::scope::{self, Scope, Scoped};
use super::{Mark, PackError, Reason, Rules};
use crate::enterprise::Risk;
use crate::units::Day;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutyRules {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    _title: String,
    self_inspection: Vec<SelfInspectionRule>,
    inspection: Vec<InspectionRule>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SelfInspectionRule {
    sector: Sector,
    #[serde(default)]
    metal_smelting: bool,
    #[serde(default)]
    place: Place,
    #[serde(default)]
    from: Option<Day>,
    #[serde(default)]
    until: Option<Day>,
    months: u32,
    led_by_principal: bool,
    document: String,
    article: String,
    mark: Mark,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InspectionRule {
    risk: Risk,
    #[serde(default)]
    place: Place,
    #[serde(default)]
    from: Option<Day>,
    #[serde(default)]
    until: Option<Day>,
    months: u32,
    document: String,
    article: String,
    mark: Mark,
}

/// A duty that comes again after some calendar months.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duty {
    pub months: u32,
    /// Whether the principal must lead it.
    pub led_by_principal: bool,
    /// Document and article.
    pub source: String,
}

impl Duty {
    /// First and last day of the period that `day` lies in. Periods are counted in calendar months from January: a
    /// month, a quarter, half a year, a year.
    pub fn period(&self, day: Day) -> (Day, Day) {
        let months = i32::try_from(self.months.max(1)).unwrap_or(1);
        let since = day.year() * 12 + day.month0();
        let first = since - since.rem_euclid(months);
        let begin = |month: i32| {
            let (year, month0) = (month.div_euclid(12), month.rem_euclid(12));
            Day::new(year, u32::try_from(month0 + 1).unwrap_or(1), 1).unwrap_or(day)
        };
        (begin(first), begin(first + months).plus_days(-1))
    }

    /// The last day by which it is done again after `day`.
    pub fn again_by(&self, day: Day) -> Day {
        add_months(day, self.months)
    }
}

impl Scoped for SelfInspectionRule {
    fn name(&self) -> String {
        if self.metal_smelting { "metal-smelting".to_owned() } else { self.sector.name().to_owned() }
    }

    fn scope(&self) -> Scope<'_> {
        Scope { place: &self.place, from: self.from, until: self.until }
    }
}

impl Scoped for InspectionRule {
    fn name(&self) -> String {
        self.risk.name().to_owned()
    }

    fn scope(&self) -> Scope<'_> {
        Scope { place: &self.place, from: self.from, until: self.until }
    }
}

impl DutyRules {
    pub(super) fn check(&self) -> Result<(), PackError> {
        scope::check("duty", &self.self_inspection)?;
        scope::check("duty", &self.inspection)?;
        if let Some(rule) = self.self_inspection.iter().find(|rule| rule.months == 0) {
            return Err(PackError::gap("duty", &rule.name(), "it gives no month"));
        }
        let often = |risk: Risk| self.inspection.iter().any(|rule| rule.risk == risk && rule.months > 0);
        match Risk::ALL.into_iter().find(|risk| !often(*risk)) {
            Some(risk) => Err(PackError::gap("duty", risk.name(), "nothing says how often")),
            None => Ok(()),
        }
    }

    pub(super) fn articles(&self) -> Vec<Article> {
        let own = self.self_inspection.iter().map(|rule| {
            let source = format!("{} {}", rule.document, rule.article);
            let says = Reason::new("rules.self_inspection", [("months", rule.months.to_string())], &source);
            let title = if rule.metal_smelting {
                "自查自改：金属冶炼".to_owned()
            } else {
                format!("自查自改：{}", rule.sector.zh())
            };
            let id = format!("self-inspection-{}", rule.name());
            Article::new("duty", &id, &title, rule.mark, vec![says]).within(&rule.scope())
        });
        let inspections = self.inspection.iter().map(|rule| {
            let source = format!("{} {}", rule.document, rule.article);
            let says = Reason::new("rules.inspection_every", [("months", rule.months.to_string())], &source);
            let (id, title) =
                (format!("inspection-{}", rule.risk.name()), format!("检查频次：{}", rule.risk.zh()));
            Article::new("duty", &id, &title, rule.mark, vec![says]).within(&rule.scope())
        });
        own.chain(inspections).collect()
    }
}

/// How often an enterprise of this sector looks for major hazards itself, as of a day at the place of the ledger; none where no
/// source says so.
pub fn self_inspection(rules: &Rules, sector: Sector, metal_smelting: bool, on: Day) -> Option<Duty> {
    let of = |smelting: bool| {
        let fits = move |rule: &&SelfInspectionRule| {
            rule.sector == sector && rule.metal_smelting == smelting && rules.in_force("duty", rule.mark)
        };
        scope::pick(rules.duty.self_inspection.iter().filter(fits), rules.place(), on)
    };
    let rule = of(true).filter(|_| metal_smelting).or_else(|| of(false))?;
    let source = format!("{} {}", rule.document, rule.article);
    Some(Duty { months: rule.months, led_by_principal: rule.led_by_principal, source })
}

/// How often an enterprise of this grade of risk is inspected, as of a day; none where that is not in force.
pub fn inspection(rules: &Rules, risk: Risk, on: Day) -> Option<Duty> {
    let fits = |rule: &&InspectionRule| rule.risk == risk && rules.in_force("duty", rule.mark);
    let rule = scope::pick(rules.duty.inspection.iter().filter(fits), rules.place(), on)?;
    let source = format!("{} {}", rule.document, rule.article);
    Some(Duty { months: rule.months, led_by_principal: false, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().expect("day")
    }

    #[test]
    fn mines_look_every_month_industry_every_quarter_and_smelters_every_month() {
        let rules = Rules::builtin().expect("packs");
        let months = |sector, smelting| {
            self_inspection(&rules, sector, smelting, day("2024-06-01")).map(|duty| duty.months)
        };
        assert_eq!(months(Sector::Mine, false), Some(1));
        assert_eq!(months(Sector::Industry, false), Some(3));
        assert_eq!(months(Sector::Industry, true), Some(1));
        assert_eq!(months(Sector::Other, false), None, "no source says so");
    }

    #[test]
    fn a_quarter_ends_with_its_last_day_and_a_leap_february_on_the_twenty_ninth() {
        let rules = Rules::builtin().expect("packs");
        let quarter = self_inspection(&rules, Sector::Industry, false, day("2024-03-31")).expect("duty");
        assert_eq!(quarter.period(day("2024-03-31")), (day("2024-01-01"), day("2024-03-31")));
        assert_eq!(quarter.period(day("2024-04-01")), (day("2024-04-01"), day("2024-06-30")));
        let month = self_inspection(&rules, Sector::Mine, false, day("2024-02-29")).expect("duty");
        assert_eq!(month.period(day("2024-02-29")), (day("2024-02-01"), day("2024-02-29")));
        assert_eq!(month.period(day("2024-12-31")), (day("2024-12-01"), day("2024-12-31")));
    }

    #[test]
    fn how_often_an_enterprise_is_inspected_is_ours_and_waits_for_adoption() {
        assert_eq!(inspection(&Rules::builtin().expect("packs"), Risk::Major, day("2024-06-01")), None);
    }
}
