//! What the rules in force offer to whoever reports, before anything is reported.

use super::{DeathRates, FineShare, Insider, NoFine, RewardRule, Sector, waiting};
use crate::rules::Rules;
use crate::units::Day;

/// What one rule gives, and in which sectors.
#[derive(Clone, Debug)]
pub struct Offer<'a, P> {
    pub sectors: Vec<Sector>,
    pub rule: &'a RewardRule,
    pub gives: &'a P,
}

/// Everything that is offered at one place and on one day. Sectors that are offered the same by the same rule stand together.
#[derive(Clone, Debug)]
pub struct Offers<'a> {
    pub fines: Vec<Offer<'a, FineShare>>,
    pub deaths: Vec<Offer<'a, DeathRates>>,
    pub insiders: Vec<Offer<'a, Insider>>,
    pub no_fines: Vec<Offer<'a, NoFine>>,
    /// The place's own rule that is named and not in force, so that nobody takes the nation's figure for the last word.
    pub waiting: Option<&'a RewardRule>,
}

/// What is offered at a place, `national` or such as `辽宁鞍山`, for reports of that day.
pub fn offers<'a>(rules: &'a Rules, place: &str, on: Day) -> Offers<'a> {
    Offers {
        fines: each(rules, place, on, |rule| rule.fine.as_ref()),
        deaths: each(rules, place, on, |rule| rule.deaths.as_ref()),
        insiders: each(rules, place, on, |rule| rule.insider.as_ref()),
        no_fines: each(rules, place, on, |rule| rule.no_fine.as_ref()),
        waiting: Sector::ALL.into_iter().find_map(|sector| waiting(rules, place, sector, on)),
    }
}

fn each<'a, P>(
    rules: &'a Rules,
    place: &str,
    on: Day,
    part: impl Fn(&'a RewardRule) -> Option<&'a P>,
) -> Vec<Offer<'a, P>> {
    let mut found: Vec<Offer<'a, P>> = Vec::new();
    for sector in Sector::ALL {
        let Some((rule, gives)) = rules.rewards.find_for(rules, place, sector, on, &part) else { continue };
        match found.iter_mut().find(|offer| offer.rule.id == rule.id) {
            Some(offer) => offer.sectors.push(sector),
            None => found.push(Offer { sectors: vec![sector], rule, gives }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::changed;

    fn day(text: &str) -> Day {
        text.parse().expect("day")
    }

    #[test]
    fn mines_have_a_share_of_their_own_and_the_nations_amounts_for_deaths() {
        let rules = Rules::builtin().expect("packs");
        let offers = offers(&rules, "辽宁省鞍山市岫岩满族自治县", day("2026-01-01"));
        let fines: Vec<_> =
            offers.fines.iter().map(|offer| (offer.rule.id.as_str(), offer.sectors.len())).collect();
        assert_eq!(fines, [("mine-2024", 1), ("national-2018", 4)]);
        let deaths: Vec<_> =
            offers.deaths.iter().map(|offer| (offer.rule.id.as_str(), offer.sectors.len())).collect();
        assert_eq!(deaths, [("national-2018", 5)]);
        assert!(offers.insiders.is_empty() && offers.no_fines.is_empty());
        assert_eq!(offers.waiting.map(|rule| rule.id.as_str()), Some("liaoning"));
    }

    #[test]
    fn an_uplift_is_offered_where_it_holds_and_nothing_before_the_first_rule() {
        let rules = Rules::builtin().expect("packs");
        assert_eq!(offers(&rules, "福建厦门", day("2026-01-01")).insiders.len(), 1);
        let before = offers(&rules, "national", day("2004-01-01"));
        assert!(before.fines.is_empty() && before.deaths.is_empty() && before.waiting.is_none());
    }

    #[test]
    fn what_is_not_in_force_is_not_offered_until_its_pack_was_adopted() {
        let mark = ("id = \"mine-2024\"", "mark = \"S\"");
        let text = Rules::builtin()
            .expect("packs")
            .packs()
            .iter()
            .find(|pack| pack.id == "rewards")
            .map(|pack| pack.text.to_string());
        let text = text.expect("pack");
        let rule = &text[text.find(mark.0).expect("rule")..];
        let rule = &rule[..rule.find("[rule.fine]").expect("its share")];
        for (adopted, first) in [(false, "national-2018"), (true, "mine-2024")] {
            let rules =
                changed("rewards", rule, &rule.replace(mark.1, "mark = \"U\""), adopted).expect("packs");
            assert_eq!(offers(&rules, "national", day("2026-01-01")).fines[0].rule.id, first);
        }
    }
}
