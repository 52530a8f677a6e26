//! Rewards: what each report is worth by which rule, and how far its payment is.

use std::collections::BTreeMap;

use adit_core::event::{Event, Fact};
use adit_core::id::StreamId;
use adit_core::reward::{RewardEvent, Status};
use adit_core::rules::Reason;
use adit_core::units::{Day, Fen, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rewards {
    rewards: BTreeMap<StreamId, Row>,
}

/// One reward. It names its report: only who may see reports may see this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub reward: StreamId,
    pub report: StreamId,
    pub matter: String,
    pub status: Status,
    pub amount_yuan: Fen,
    pub alternative_yuan: Option<Fen>,
    pub rule: Option<String>,
    pub reasons: Vec<Reason>,
    /// Why an officer proposed another amount than the rule.
    pub because: Option<String>,
    pub claim_due: Option<Day>,
    pub paid_yuan: Option<Fen>,
    pub paid_on: Option<Day>,
    /// The entry that assessed it last.
    pub assessed_at: Position,
}

impl Rewards {
    pub fn rows(&self) -> Vec<Row> {
        self.rewards.values().cloned().collect()
    }

    /// What was paid in a year.
    pub fn paid_in(&self, year: i32) -> Fen {
        let paid = self.rewards.values().filter(|row| row.paid_on.is_some_and(|day| day.year() == year));
        paid.filter_map(|row| row.paid_yuan).fold(Fen::ZERO, |sum, paid| sum.checked_add(paid).unwrap_or(sum))
    }
}

impl Projection for Rewards {
    const NAME: &'static str = "rewards";

    fn apply(&mut self, fact: &Fact) {
        let Event::Reward(event) = &fact.event else { return };
        if let RewardEvent::Assessed(assessed) | RewardEvent::Reassessed(assessed) = event {
            let row = Row {
                reward: fact.stream,
                report: assessed.report,
                matter: assessed.matter.clone(),
                status: Status::Assessed,
                amount_yuan: assessed.amount_yuan,
                alternative_yuan: assessed.alternative_yuan,
                rule: assessed.rule.clone(),
                reasons: assessed.reasons.clone(),
                because: assessed.because.as_ref().map(ToString::to_string),
                claim_due: None,
                paid_yuan: None,
                paid_on: None,
                assessed_at: fact.position,
            };
            self.rewards.insert(fact.stream, row);
            return;
        }
        let Some(row) = self.rewards.get_mut(&fact.stream) else {
            return;
        };
        match event {
            RewardEvent::Assessed(_) | RewardEvent::Reassessed(_) => {}
            RewardEvent::Approved(_) => row.status = Status::Approved,
            RewardEvent::Notified(notified) => {
                row.status = Status::Notified;
                row.claim_due = notified.claim_due;
            }
            RewardEvent::Claimed(_) => row.status = Status::Claimed,
            RewardEvent::Paid(pay) => {
                row.status = Status::Paid;
                row.paid_yuan = Some(pay.amount_yuan);
                row.paid_on = Some(fact.day);
            }
            RewardEvent::Forfeited(_) => row.status = Status::Forfeited,
            RewardEvent::Waived(_) => row.status = Status::Waived,
        }
    }
}
