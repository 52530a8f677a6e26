//! Relief from penalty for hazards that an enterprise found and reported itself (plan, mines, 11).
//!
//! A *report* that stands earlier in the log decides the reward, never the relief by itself: an officer is told and
//! decides, and nothing that the enterprise sees may differ because of it.

use serde::{Deserialize, Serialize};

use super::article::Article;
use super::{Mark, Reason, Rules};
use crate::units::Position;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReliefRules {
    #[serde(rename = "id")]
    _id: String,
    title: String,
    relief: Source,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    document: String,
    article: String,
    mark: Mark,
    text: String,
}

impl ReliefRules {
    pub(super) fn articles(&self) -> Vec<Article> {
        let Source { document, article, mark, text } = &self.relief;
        let says = Reason::new("rules.relief", [("text", text.clone())], &format!("{document} {article}"));
        vec![Article::new("relief", "self-report", &self.title, *mark, vec![says])]
    }
}

/// What the log says of a hazard and its enterprise. Positions prove each fact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is one condition of the rule")]
pub struct ReliefFacts {
    /// Where the enterprise's own report stands; none when it did not report the hazard itself.
    pub self_reported: Option<Position>,
    /// The enterprise has a plan, is rectifying, or has rectified.
    pub plan_made: bool,
    /// Earliest inspection of the same hazard: performed, or planned under seal and opened.
    #[serde(default)]
    pub inspected: Option<Position>,
    /// The same criterion item was found at this enterprise before and struck off the list.
    #[serde(default)]
    pub repeated: bool,
    /// Rectification is past its due day.
    #[serde(default)]
    pub overdue: bool,
    /// The enterprise refused to rectify.
    #[serde(default)]
    pub refused: bool,
    /// Position of an accident from this hazard.
    #[serde(default)]
    pub accident: Option<Position>,
    /// An inspection's finding of the same item at another place, or of another item at the same place: whether it is the
    /// same hazard, no source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inspected_unclear: Option<Position>,
    /// An accident at this enterprise of which it is not said whether it came from this hazard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accident_unclear: Option<Position>,
}

/// What the rule says; an officer may decide otherwise, with a reason ("in principle").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Relieved,
    Refused,
    /// No source decides: a person does, and says why.
    PersonDecides,
}

/// The answer with each condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relief {
    pub outcome: Outcome,
    /// Every condition that decided, in the order of the rule.
    pub reasons: Vec<Reason>,
}

/// Whether the enterprise is relieved from penalty.
pub fn relief(rules: &Rules, facts: &ReliefFacts) -> Relief {
    let source = format!("{} {}", rules.relief.relief.document, rules.relief.relief.article);
    let at = |position: Position| [("position", position.to_string())];
    let mut against = Vec::new();
    let Some(own) = facts.self_reported else {
        let reasons = vec![Reason::new("relief.not_self_reported", [], &source)];
        return Relief { outcome: Outcome::Refused, reasons };
    };
    if !facts.plan_made {
        against.push(Reason::new("relief.no_plan", [], &source));
    }
    if let Some(position) = facts.inspected.filter(|position| *position < own) {
        against.push(Reason::new("relief.inspected_first", at(position), &source));
    }
    if let Some(position) = facts.accident.filter(|position| *position < own) {
        against.push(Reason::new("relief.accident_first", at(position), &source));
    }
    for (holds, code) in [
        (facts.repeated, "relief.repeated"),
        (facts.overdue, "relief.overdue"),
        (facts.refused, "relief.rectification_refused"),
    ] {
        if holds {
            against.push(Reason::new(code, [], &source));
        }
    }
    let mut unclear = Vec::new();
    if let Some(position) = facts.inspected_unclear.filter(|position| *position < own) {
        unclear.push(Reason::new("relief.inspection_unclear", at(position), &source));
    }
    if let Some(position) = facts.accident_unclear.filter(|position| *position < own) {
        unclear.push(Reason::new("relief.accident_unclear", at(position), &source));
    }
    if against.is_empty() && !unclear.is_empty() {
        return Relief { outcome: Outcome::PersonDecides, reasons: unclear };
    }
    if against.is_empty() {
        let reasons = vec![Reason::new("relief.all_conditions", at(own), &source)];
        return Relief { outcome: Outcome::Relieved, reasons };
    }
    Relief { outcome: Outcome::Refused, reasons: against }
}
