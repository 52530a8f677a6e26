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
    /// Document and article.
    fn source(&self) -> String {
        format!("{} {}", self.relief.document, self.relief.article)
    }

    pub(super) fn articles(&self) -> Vec<Article> {
        let Source { mark, text, .. } = &self.relief;
        let says = Reason::new("rules.relief", [("text", text.clone())], &self.source());
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
    /// Entries that show the plan: its aim, its measures, that it was rectified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan_at: Vec<Position>,
    /// Further entries of the inspection that stands earliest: where its sealed plan was opened, where the visit stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inspected_at: Vec<Position>,
    /// Earlier hazards of the same item: where each was verified, and where it was struck off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeated_at: Vec<Position>,
    /// Entries that show whether it is overdue: where the due day was set, the recorded miss, where it was rectified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overdue_at: Vec<Position>,
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

/// The conditions of the rule, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionName {
    /// Found by the enterprise itself and reported on its own initiative.
    SelfReported,
    /// A plan is made, or it is being rectified, or it was.
    PlanMade,
    /// No inspection of the same hazard stands earlier; a sealed plan counts from its commitment.
    NotInspectedFirst,
    /// No accident from it stands earlier.
    NoAccidentFirst,
    /// The same item had not been struck off here before.
    NotRepeated,
    /// The due day was kept, or has not come.
    NotOverdue,
    /// The enterprise did not refuse to rectify.
    NotRefused,
}

/// How a condition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    Met,
    /// It stands against relief.
    Against,
    /// No source decides: a person does.
    Unclear,
}

/// One condition with its proof; the fields of the reason stand beside the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    pub condition: ConditionName,
    pub holds: Holds,
    /// Entries that prove it, in the order of the log. Where nothing came first, the self-report before which nothing
    /// stands; none where it is what the deciding officer says.
    pub proof: Vec<Position>,
    /// In words, with document and article.
    #[serde(flatten)]
    pub reason: Reason,
}

/// The answer with each condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relief {
    pub outcome: Outcome,
    /// Every condition that decided, in the order of the rule.
    pub reasons: Vec<Reason>,
    /// Every condition of the rule, in its order, whether it decided or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// Whether the enterprise is relieved from penalty.
pub fn relief(rules: &Rules, facts: &ReliefFacts) -> Relief {
    let conditions = conditions(rules, facts);
    let of = |holds| {
        let those = conditions.iter().filter(|condition| condition.holds == holds);
        those.map(|condition| condition.reason.clone()).collect::<Vec<_>>()
    };
    let (against, unclear) = (of(Holds::Against), of(Holds::Unclear));
    let (outcome, reasons) = match facts.self_reported {
        // What it did not report itself is not looked at any further.
        None => (Outcome::Refused, against.into_iter().take(1).collect()),
        Some(_) if !against.is_empty() => (Outcome::Refused, against),
        Some(_) if !unclear.is_empty() => (Outcome::PersonDecides, unclear),
        Some(own) => {
            let reason = Reason::new("relief.all_conditions", at(own), &rules.relief.source());
            (Outcome::Relieved, vec![reason])
        }
    };
    Relief { outcome, reasons, conditions }
}

fn at(position: Position) -> [(&'static str, String); 1] {
    [("position", position.to_string())]
}

/// Each condition on its own.
fn conditions(rules: &Rules, facts: &ReliefFacts) -> Vec<Condition> {
    let mut told = Told { own: facts.self_reported, source: rules.relief.source(), conditions: Vec::new() };
    told.self_reported();
    told.plain(
        ConditionName::PlanMade,
        facts.plan_made,
        ["relief.plan_made", "relief.no_plan"],
        facts.plan_at.clone(),
    );
    told.first(
        ConditionName::NotInspectedFirst,
        (facts.inspected, &facts.inspected_at, facts.inspected_unclear),
        ["relief.not_inspected_first", "relief.inspected_first", "relief.inspection_unclear"],
    );
    told.first(
        ConditionName::NoAccidentFirst,
        (facts.accident, &[], facts.accident_unclear),
        ["relief.no_accident_first", "relief.accident_first", "relief.accident_unclear"],
    );
    let repeated = if facts.repeated { facts.repeated_at.as_slice() } else { &[] };
    told.plain(
        ConditionName::NotRepeated,
        !facts.repeated,
        ["relief.not_repeated", "relief.repeated"],
        told.with_own(repeated),
    );
    told.plain(
        ConditionName::NotOverdue,
        !facts.overdue,
        ["relief.not_overdue", "relief.overdue"],
        facts.overdue_at.clone(),
    );
    told.plain(
        ConditionName::NotRefused,
        !facts.refused,
        ["relief.not_refused", "relief.rectification_refused"],
        Vec::new(),
    );
    told.conditions
}

/// The conditions as far as they are told.
struct Told {
    own: Option<Position>,
    source: String,
    conditions: Vec<Condition>,
}

impl Told {
    fn put(&mut self, condition: ConditionName, holds: Holds, reason: Reason, mut proof: Vec<Position>) {
        proof.sort_unstable();
        proof.dedup();
        self.conditions.push(Condition { condition, holds, proof, reason });
    }

    fn with_own(&self, positions: &[Position]) -> Vec<Position> {
        positions.iter().copied().chain(self.own).collect()
    }

    fn self_reported(&mut self) {
        let (holds, reason) = match self.own {
            Some(own) => (Holds::Met, Reason::new("relief.self_reported", at(own), &self.source)),
            None => (Holds::Against, Reason::new("relief.not_self_reported", [], &self.source)),
        };
        self.put(ConditionName::SelfReported, holds, reason, self.with_own(&[]));
    }

    /// Met or not, with the words for each.
    fn plain(&mut self, name: ConditionName, met: bool, [yes, no]: [&str; 2], proof: Vec<Position>) {
        let (holds, code) = if met { (Holds::Met, yes) } else { (Holds::Against, no) };
        self.put(name, holds, Reason::new(code, [], &self.source), proof);
    }

    /// What came before the self-report for certain decides, with what else shows it; what may have come before it is left
    /// to a person. What came after it is no part of the answer: a report may have led to it, and the enterprise reads its
    /// hazards.
    fn first(
        &mut self,
        name: ConditionName,
        (certain, more, unclear): (Option<Position>, &[Position], Option<Position>),
        [none, came, may]: [&str; 3],
    ) {
        // Without a self-report nothing can have come after it.
        let before = |position: &Position| self.own.is_none_or(|own| *position < own);
        let (holds, reason, proof) = match (certain.filter(before), unclear.filter(before)) {
            (Some(first), _) => {
                let proof = self.with_own(&[&[first], more].concat());
                (Holds::Against, Reason::new(came, at(first), &self.source), proof)
            }
            (None, Some(first)) => {
                (Holds::Unclear, Reason::new(may, at(first), &self.source), self.with_own(&[first]))
            }
            (None, None) => (Holds::Met, Reason::new(none, [], &self.source), self.with_own(&[])),
        };
        self.put(name, holds, reason, proof);
    }
}
