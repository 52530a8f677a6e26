//! Where and when a rule holds, and which of several goes first.
//!
//! Of the rules of one name that hold at a place on a day the most local one counts: county before city before province
//! before nation. For one place they follow one another without overlap and without gap.

use super::PackError;
use super::place::Place;
use crate::units::Day;

/// Where and when a rule holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) place: &'a Place,
    /// First day; none where it has always held as far as is known.
    pub(crate) from: Option<Day>,
    /// Last day; none while it holds.
    pub(crate) until: Option<Day>,
}

impl Scope<'_> {
    pub(crate) fn holds(&self, place: &str, on: Day) -> bool {
        self.place.covers(place)
            && self.from.is_none_or(|from| from <= on)
            && self.until.is_none_or(|until| on <= until)
    }
}

/// A rule of a pack that has a place and dates.
pub(crate) trait Scoped {
    /// Says which rules stand for the same thing.
    fn name(&self) -> String;
    fn scope(&self) -> Scope<'_>;
}

/// The rule that counts at `place` on `on`.
pub(crate) fn pick<'a, R: Scoped>(rules: impl Iterator<Item = &'a R>, place: &str, on: Day) -> Option<&'a R> {
    rules.filter(|rule| rule.scope().holds(place, on)).max_by_key(|rule| rule.scope().place.depth())
}

/// Rules of one name and place follow one another: none ends before it begins, none overlaps the next, none leaves a gap.
pub(crate) fn check<R: Scoped>(pack: &'static str, rules: &[R]) -> Result<(), PackError> {
    let mut sorted: Vec<&R> = rules.iter().collect();
    sorted.sort_by_key(|rule| (rule.name(), rule.scope().place.clone(), rule.scope().from));
    for rule in &sorted {
        let Scope { from, until, .. } = rule.scope();
        if from.zip(until).is_some_and(|(from, until)| until < from) {
            return Err(PackError::contradiction(pack, &rule.name(), "it ends before it begins"));
        }
    }
    for pair in sorted.windows(2) {
        let (one, next) = (pair[0], pair[1]);
        if one.name() != next.name() || one.scope().place != next.scope().place {
            continue;
        }
        let follows = next.scope().from.zip(one.scope().until).filter(|(from, until)| until < from);
        let Some((from, until)) = follows else {
            let what = "two rules of this name hold at one place on one day";
            return Err(PackError::contradiction(pack, &one.name(), what));
        };
        if until.plus_days(1) < from {
            let what = format!("no rule holds between {until} and {from}");
            return Err(PackError::gap(pack, &one.name(), &what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::rules::Rules;
    use crate::rules::deadline::due;

    /// The shipped deadlines with further ones for handling a report.
    fn with(further: &str) -> Result<Rules, String> {
        let rules = Rules::builtin().expect("packs");
        let shipped = rules.packs().iter().find(|pack| pack.id == "deadlines").expect("deadlines");
        rules.amended("deadlines", &format!("{}\n{further}", shipped.text)).map_err(|error| error.to_string())
    }

    fn handle(place: &str, days: u32, dates: &str) -> String {
        format!(
            "[[deadline]]\nname = \"handle\"\nplace = \"{place}\"\n{dates}\nwhat = \"核查处理完毕\"\ndays = {days}\n\
             unit = \"calendar\"\nstatutory = true\ndocument = \"文件\"\narticle = \"条\"\nmark = \"S\"\n"
        )
    }

    fn days(rules: &Rules, place: &str, from: &str) -> i64 {
        let from = from.parse().expect("day");
        due(&rules.clone().in_place(place), "handle", from).expect("in force").day.days_since(from)
    }

    #[test]
    fn the_county_goes_before_the_city_the_city_before_the_province_the_province_before_the_nation() {
        let rules = with(
            &[
                handle("辽宁省", 50, ""),
                handle("辽宁省/鞍山市", 40, ""),
                handle("辽宁省/鞍山市/岫岩满族自治县", 30, ""),
            ]
            .concat(),
        )
        .expect("sound");
        for (place, expected) in
            [("national", 60), ("吉林省", 60), ("辽宁沈阳", 50), ("辽宁鞍山海城", 40), ("辽宁鞍山岫岩", 30)]
        {
            assert_eq!(days(&rules, place, "2024-05-10"), expected, "{place}");
        }
    }

    #[test]
    fn a_rule_holds_from_its_first_day_to_its_last_and_the_wider_one_where_it_does_not() {
        let dates = "from = \"2024-06-01\"\nuntil = \"2024-12-31\"";
        let later = handle("辽宁省", 45, "from = \"2025-01-01\"");
        let rules = with(&[handle("辽宁省", 50, dates), later].concat()).expect("sound");
        for (from, expected) in
            [("2024-05-31", 60), ("2024-06-01", 50), ("2024-12-31", 50), ("2025-01-01", 45)]
        {
            assert_eq!(days(&rules, "辽宁省", from), expected, "{from}");
        }
    }

    #[test]
    fn two_rules_for_one_place_and_day_or_a_day_without_are_refused_by_name() {
        let until = |until: &str| handle("辽宁省", 50, &format!("until = \"{until}\""));
        let from = handle("辽宁省", 45, "from = \"2025-01-01\"");
        for (one, said) in [
            (until("2025-01-01"), "two rules of this name"),
            (until("2024-12-30"), "no rule holds between 2024-12-30 and 2025-01-01"),
            (handle("辽宁省", 50, ""), "two rules of this name"),
            (handle("辽宁省", 50, "from = \"2024-02-01\"\nuntil = \"2024-01-01\""), "ends before it begins"),
        ] {
            let refused = with(&[one, from.clone()].concat()).expect_err("refused");
            assert!(refused.contains(said) && refused.contains("handle"), "{refused}");
        }
        assert!(with(&[until("2024-12-31"), from].concat()).is_ok());
    }
}
