//! Who gets no reward, and for which matters there is none (安监总财〔2018〕19号, art. 7).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Outcome, RewardFacts, RewardResult, RewardRule};
use crate::rules::{Mark, Reason, Rules};

/// Why a report is excluded from rewards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    /// Staff whose duty it is to find and report such things.
    DutyStaff,
    /// A close relative of such staff.
    CloseRelative,
    /// Somebody whom such staff told to report.
    Instructed,
    /// The matter had been found and was being handled according to law.
    AlreadyHandled,
}

impl Exclusion {
    pub const ALL: [Self; 4] = [Self::DutyStaff, Self::CloseRelative, Self::Instructed, Self::AlreadyHandled];

    pub fn name(self) -> &'static str {
        match self {
            Self::DutyStaff => "duty_staff",
            Self::CloseRelative => "close_relative",
            Self::Instructed => "instructed",
            Self::AlreadyHandled => "already_handled",
        }
    }

    pub(super) fn reason(self, source: &str) -> Reason {
        match self {
            Self::DutyStaff => Reason::new("reward.excluded_duty_staff", [], source),
            Self::CloseRelative => Reason::new("reward.excluded_close_relative", [], source),
            Self::Instructed => Reason::new("reward.excluded_instructed", [], source),
            Self::AlreadyHandled => Reason::new("reward.excluded_already_handled", [], source),
        }
    }
}

/// One exclusion of a rule, with its own article and mark.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExclusionRule {
    pub kind: Exclusion,
    pub article: String,
    pub mark: Mark,
}

impl RewardRule {
    pub(super) fn exclusion(&self, kind: Exclusion) -> Option<&ExclusionRule> {
        self.exclusion.iter().find(|rule| rule.kind == kind)
    }
}

/// No amount: because the exclusion holds, or because a person must say whether it does.
pub(super) fn excluded(rules: &Rules, facts: &RewardFacts, kind: Exclusion) -> RewardResult {
    let none =
        |outcome, rule, reasons| RewardResult { outcome, amount: None, rule, alternative: None, reasons };
    let Some((rule, exclusion)) = rules.rewards.find(rules, facts, |rule| rule.exclusion(kind)) else {
        let reasons = vec![Reason::new("reward.no_exclusion_rule", [], "")];
        return none(Outcome::PersonDecides, None, reasons);
    };
    let source = rule.source(&exclusion.article);
    let mut reasons = vec![kind.reason(&source)];
    let mut outcome = Outcome::Excluded;
    if !rules.in_force("rewards", exclusion.mark) {
        reasons.push(Reason::new("reward.exclusion_not_in_force", [], &source));
        outcome = Outcome::PersonDecides;
    }
    none(outcome, Some(rule.id.clone()), reasons)
}

/// A hint, and no more: what stands earlier in the log may still not have been handled.
pub(super) fn note_found_before(rules: &Rules, facts: &RewardFacts, result: &mut RewardResult) {
    let Some(position) = facts.found_before.filter(|_| facts.excluded.is_none()) else { return };
    let rule = rules.rewards.find(rules, facts, |rule| rule.exclusion(Exclusion::AlreadyHandled));
    if let Some((rule, exclusion)) = rule {
        let details = [("position", position.to_string())];
        result.reasons.push(Reason::new("reward.found_before", details, &rule.source(&exclusion.article)));
    }
}
