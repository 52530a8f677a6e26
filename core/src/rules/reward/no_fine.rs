//! Cases without a fine: 15 % of nothing is nothing, and local rules use fixed tiers instead.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Outcome, RewardFacts, RewardResult, RewardRule, bounded};
use crate::rules::{Reason, Rules};
use crate::units::Fen;

/// What a rule gives where there is no fine (a criminal case, another department's, ordered only).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFine {
    pub article: String,
    pub tier: Vec<Tier>,
}

/// One tier of the table.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// What the rule calls such a case; whoever assesses names it.
    pub name: String,
    pub amount_fen: i64,
}

impl NoFine {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let names: BTreeSet<&str> = self.tier.iter().map(|tier| tier.name.as_str()).collect();
        if names.is_empty() || names.len() < self.tier.len() {
            return Err("the table for cases without a fine is empty or names a tier twice");
        }
        if self.tier.iter().any(|tier| tier.amount_fen <= 0) {
            return Err("a tier for cases without a fine gives nothing");
        }
        Ok(())
    }

    /// The tiers, each with its amount.
    pub(super) fn tiers(&self, source: &str) -> Vec<Reason> {
        let tier = |tier: &Tier| {
            let details = [("tier", tier.name.clone()), ("amount", Fen(tier.amount_fen).to_string())];
            Reason::new("reward.no_fine_tier", details, source)
        };
        self.tier.iter().map(tier).collect()
    }
}

/// What the table that holds there and then gives; none where there is no table.
pub(super) fn of_tier(rules: &Rules, facts: &RewardFacts) -> Option<RewardResult> {
    let (rule, table) = rules.rewards.find(rules, facts, |rule| rule.no_fine.as_ref())?;
    let source = rule.source(&table.article);
    let named = facts.no_fine_tier.as_ref();
    let tier = named.and_then(|name| table.tier.iter().find(|tier| tier.name == *name));
    let Some(tier) = tier else {
        let code = if named.is_some() { "reward.no_such_tier" } else { "reward.name_a_tier" };
        let mut reasons = vec![Reason::new(code, [], &source)];
        reasons.extend(table.tiers(&source));
        let (outcome, rule) = (Outcome::TierOpen, Some(rule.id.clone()));
        return Some(RewardResult { outcome, amount: None, rule, alternative: None, reasons });
    };
    let details = [("tier", tier.name.clone()), ("amount", Fen(tier.amount_fen).to_string())];
    let mut reasons = vec![Reason::new("reward.of_tier", details, &source)];
    let amount = bounded(rules, facts, Fen(tier.amount_fen), 0, cap_fen(rule), &source, &mut reasons);
    let (outcome, rule) = (Outcome::Amount, Some(rule.id.clone()));
    Some(RewardResult { outcome, amount: Some(amount), rule, alternative: None, reasons })
}

/// A tier has no cap of its own; the rule's cap on shares holds for it too.
fn cap_fen(rule: &RewardRule) -> i64 {
    rule.fine.as_ref().map_or(i64::MAX, |fine| fine.cap_fen)
}
