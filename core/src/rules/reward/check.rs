//! Whether the reward rules are sound, one by one and one after the other.

use std::collections::BTreeSet;

use super::{Exclusion, RewardRule, Rewards};
use crate::rules::PackError;

impl Rewards {
    /// Each rule is sound in itself; of two for the same place, sectors and part one ends before the other begins, and the other
    /// begins on the next day.
    pub(in crate::rules) fn check(&self) -> Result<(), PackError> {
        let mut ids = BTreeSet::new();
        for rule in &self.rule {
            if !ids.insert(&rule.id) {
                return Err(rule.contradiction("two rules have this id"));
            }
            rule.check()?;
            self.check_replaced(rule)?;
            let later = self.rule.iter().filter(|other| other.succeeds(rule)).min_by_key(|other| other.from);
            later.map_or(Ok(()), |later| rule.ends_before(later))?;
        }
        Ok(())
    }

    /// A rule may name the one that took its place, where that is not for the same sectors and part.
    fn check_replaced(&self, rule: &RewardRule) -> Result<(), PackError> {
        let Some(id) = &rule.replaced_by else { return Ok(()) };
        match self.rule.iter().find(|other| other.id == *id && other.place == rule.place) {
            Some(next) => rule.ends_before(next),
            None => Err(rule.contradiction(&format!("there is no {id} that replaces it"))),
        }
    }
}

impl RewardRule {
    fn contradiction(&self, what: &str) -> PackError {
        PackError::contradiction("rewards", &self.id, what)
    }

    /// On the day before the other begins: not later, and not earlier.
    fn ends_before(&self, next: &Self) -> Result<(), PackError> {
        let Some(until) = self.until.filter(|until| *until < next.from) else {
            return Err(self.contradiction(&format!("it overlaps with {}", next.id)));
        };
        if until.plus_days(1) < next.from {
            let what = format!("no rule holds between {until} and {}", next.from);
            return Err(PackError::gap("rewards", &self.id, &what));
        }
        Ok(())
    }

    fn check(&self) -> Result<(), PackError> {
        if self.until.is_some_and(|until| until < self.from) {
            return Err(self.contradiction("it ends before it begins"));
        }
        if let Some(fine) = &self.fine {
            if fine.floor_fen > fine.cap_fen {
                return Err(self.contradiction("the floor is above the cap"));
            }
            if [fine.share_level_1, fine.share_level_2].iter().any(|share| !(0..=10_000).contains(share)) {
                return Err(self.contradiction("a share is more than the whole"));
            }
        }
        let kinds: BTreeSet<Exclusion> = self.exclusion.iter().map(|exclusion| exclusion.kind).collect();
        if kinds.len() < self.exclusion.len() {
            return Err(self.contradiction("two exclusions of one kind"));
        }
        if let Some(no_fine) = &self.no_fine {
            no_fine.check().map_err(|what| self.contradiction(what))?;
        }
        let falls = self.deaths.as_ref().is_some_and(|rates| {
            let each = [rates.general_fen, rates.larger_fen, rates.major_fen, rates.extraordinary_fen];
            !each.is_sorted() || each[3] > rates.cap_fen
        });
        if falls {
            Err(self.contradiction("a higher grade gives less, or more than the cap"))
        } else {
            Ok(())
        }
    }

    /// Whether this rule is for the same place, sectors and part as `earlier`, and begins no earlier.
    fn succeeds(&self, earlier: &Self) -> bool {
        let parts = |rule: &Self| (rule.fine.is_some(), rule.insider.is_some());
        self.id != earlier.id
            && self.place == earlier.place
            && self.sectors == earlier.sectors
            && parts(self) == parts(earlier)
            && earlier.from <= self.from
    }
}
