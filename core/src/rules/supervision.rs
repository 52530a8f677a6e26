//! Listed supervision (挂牌督办) and the ladder for slow progress (函告、通报、约谈、曝光; plan, mines, 10).

use serde::Deserialize;

use super::article::Article;
use super::calendar::UnknownYear;
use super::place::Place;
use super::{Mark, PackError, Reason, Rules};
use crate::hazard::Step;
use crate::units::Day;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupervisionRules {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    _title: String,
    ladder: Ladder,
    listing: Vec<ListingRule>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ladder {
    steps: Vec<Step>,
    document: String,
    article: String,
    mark: Mark,
}

/// How a place lists hazards. Numbers that are not known are left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListingRule {
    id: String,
    title: String,
    place: Place,
    /// Working days from the decision to list until it is recorded.
    record_days: Option<u32>,
    /// Working days to publish the listing.
    publish_days: Option<u32>,
    /// Calendar days for mending, at most.
    longest_days: Option<u32>,
    /// Working days before the end by which an extension is asked for.
    extension_notice_days: Option<u32>,
    /// Working days to decide on it.
    decide_extension_days: Option<u32>,
    /// Working days to publish that it was taken off.
    publish_delisting_days: Option<u32>,
    document: String,
    article: String,
    mark: Mark,
}

impl ListingRule {
    fn source(&self) -> String {
        format!("{} {}", self.document, self.article)
    }

    fn numbers(&self) -> [(&'static str, Option<u32>); 6] {
        [
            ("rules.listing_record", self.record_days),
            ("rules.listing_publish", self.publish_days),
            ("rules.listing_longest", self.longest_days),
            ("rules.listing_notice", self.extension_notice_days),
            ("rules.listing_decide", self.decide_extension_days),
            ("rules.listing_delist", self.publish_delisting_days),
        ]
    }
}

impl SupervisionRules {
    pub(super) fn check(&self) -> Result<(), PackError> {
        let in_order = self.ladder.steps.windows(2).all(|pair| pair[0] < pair[1]);
        if self.ladder.steps.is_empty() || !in_order {
            return Err(PackError::contradiction("supervision", "ladder", "its steps go up, each once"));
        }
        for (index, rule) in self.listing.iter().enumerate() {
            if self.listing[..index].iter().any(|other| other.place == rule.place) {
                return Err(PackError::contradiction("supervision", &rule.id, "two rules for one place"));
            }
            let known = rule.numbers().iter().filter(|(_, number)| number.is_some()).count();
            if known > 0 && known < rule.numbers().len() {
                return Err(PackError::gap("supervision", &rule.id, "some of its numbers are missing"));
            }
            if rule.numbers().iter().any(|(_, number)| *number == Some(0)) {
                return Err(PackError::gap("supervision", &rule.id, "it gives no day"));
            }
        }
        Ok(())
    }

    pub(super) fn articles(&self) -> Vec<Article> {
        let ladder = &self.ladder;
        let source = format!("{} {}", ladder.document, ladder.article);
        let says = vec![Reason::new("rules.ladder", [], &source)];
        let mut articles = vec![Article::new(
            "supervision",
            "ladder",
            "督促阶梯：函告、通报、约谈、曝光",
            ladder.mark,
            says,
        )];
        articles.extend(self.listing.iter().map(|rule| {
            let known = rule.numbers().into_iter().filter_map(|(code, number)| Some((code, number?)));
            let mut says: Vec<Reason> = known
                .map(|(code, days)| Reason::new(code, [("days", days.to_string())], &rule.source()))
                .collect();
            let numbers = !says.is_empty();
            if !numbers {
                says.push(Reason::new("rules.listing_unknown", [], &rule.source()));
            }
            let article = Article::new("supervision", &rule.id, &rule.title, rule.mark, says);
            Article { place: rule.place.to_string(), in_force: numbers, ..article }
        }));
        articles
    }

    /// The step after `done`; the last one again at the end of the ladder.
    pub fn next_step(&self, done: Option<Step>) -> Option<Step> {
        let above = |step: &&Step| done.is_none_or(|done| **step > done);
        self.ladder.steps.iter().find(above).or(self.ladder.steps.last()).copied()
    }
}

/// What a listing must keep to: the days that follow from the rule of its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    pub rule: String,
    /// Last day to record it.
    pub record_due: Day,
    /// Last day to publish it.
    pub publish_due: Day,
    /// Latest day for mending that may be set.
    pub longest: Day,
    /// Working days before the due day by which an extension is asked for.
    pub extension_notice_days: u32,
    /// Working days to decide on it.
    pub decide_extension_days: u32,
    /// Last day to publish that it was taken off, where it is taken off on the day that was asked.
    pub publish_delisting_due: Day,
}

/// The rule of the most local place that `place` lies in; none where no numbers are known or in force there.
///
/// # Errors
/// A day beyond the years whose holidays are known.
pub fn listing(rules: &Rules, place: &str, on: Day) -> Result<Option<Listing>, UnknownYear> {
    let there = rules.supervision.listing.iter().filter(|rule| rule.place.covers(place));
    let Some(rule) = there.max_by_key(|rule| rule.place.depth()) else { return Ok(None) };
    let numbers = rule
        .publish_days
        .zip(rule.longest_days)
        .zip(rule.extension_notice_days)
        .zip(rule.publish_delisting_days)
        .zip(rule.record_days.zip(rule.decide_extension_days))
        .filter(|_| rules.in_force("supervision", rule.mark));
    let Some(((((publish, longest), extension_notice_days), delist), (record, decide_extension_days))) =
        numbers
    else {
        return Ok(None);
    };
    Ok(Some(Listing {
        rule: format!("supervision/{}", rule.id),
        record_due: rules.calendar.add_working_days(on, record)?,
        publish_due: rules.calendar.add_working_days(on, publish)?,
        longest: on.plus_days(i64::from(longest)),
        extension_notice_days,
        decide_extension_days,
        publish_delisting_due: rules.calendar.add_working_days(on, delist)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().expect("day")
    }

    #[test]
    fn a_listing_in_qingdao_is_published_within_five_working_days_across_spring_festival() {
        let rules = Rules::builtin().expect("packs");
        let listing = listing(&rules, "山东省青岛市", day("2024-02-07")).expect("known").expect("in force");
        // 8, 9, 18 (a Sunday that was made up), 19, 20 February.
        assert_eq!(listing.publish_due, day("2024-02-20"));
        assert_eq!(listing.record_due, day("2024-02-18"));
        assert_eq!(listing.longest, day("2025-02-06"));
    }

    #[test]
    fn liaoning_has_no_numbers_yet_and_so_gives_none() {
        let rules = Rules::builtin().expect("packs");
        assert_eq!(listing(&rules, "辽宁省鞍山市", day("2024-02-07")), Ok(None));
        assert_eq!(listing(&rules, "national", day("2024-02-07")), Ok(None));
    }

    #[test]
    fn the_ladder_goes_up_one_step_at_a_time_and_ends_with_exposure() {
        let rules = Rules::builtin().expect("packs").supervision;
        let mut steps = vec![rules.next_step(None)];
        for _ in 0..4 {
            steps.push(rules.next_step(*steps.last().expect("step")));
        }
        let ladder = [Step::Letter, Step::Circular, Step::Interview, Step::Exposure, Step::Exposure];
        assert_eq!(steps, ladder.map(Some));
    }
}
