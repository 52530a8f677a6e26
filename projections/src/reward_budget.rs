//! The budget of rewards by year: what was set aside, what was promised, paid, forfeited, and what is left.

use std::collections::BTreeMap;

use adit_core::event::{Event, Fact};
use adit_core::id::StreamId;
use adit_core::reward::RewardEvent;
use adit_core::rulebook::RulesEvent;
use adit_core::units::{Day, Fen, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{Key, Table};

pub(crate) const NAME: &str = "reward_budget";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &["year"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RewardBudget {
    /// Amount in fen and the entry that set it.
    budgets: BTreeMap<i32, (i64, Position)>,
    rewards: Table<Key, Reward>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reward {
    fen: i64,
    approved: Option<i32>,
    /// Year and amount of each payment.
    paid: Vec<(i32, i64)>,
    /// Year and amount of each share that was forfeited or waived.
    fell_back: Vec<(i32, i64)>,
}

impl Reward {
    /// Approved and neither paid nor fallen back yet.
    fn open(&self) -> i64 {
        let settled: i64 = self.paid.iter().chain(&self.fell_back).map(|(_, fen)| fen).sum();
        self.fen.saturating_sub(settled).max(0)
    }
}

/// One year.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    pub year: i32,
    /// What was set aside; none where nobody has said.
    pub budget_yuan: Option<Fen>,
    /// The entry that set it last.
    pub budget_at: Option<Position>,
    /// Approved in this year.
    pub approved: u32,
    pub approved_yuan: Fen,
    /// Paid in this year, whenever it was approved.
    pub paid: u32,
    pub paid_yuan: Fen,
    /// Forfeited or waived in this year.
    pub forfeited: u32,
    pub forfeited_yuan: Fen,
    /// Of what was approved in this year, what is neither paid nor fallen back yet.
    pub open_yuan: Fen,
    /// What is left of the budget after what was paid and what is open; negative when it does not suffice.
    pub left_yuan: Option<String>,
}

impl RewardBudget {
    /// Every year with a budget or a reward, oldest first.
    pub fn rows(&self) -> Vec<Row> {
        self.query(&Ask::all(Day::default())).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let mut years: BTreeMap<i32, Row> = BTreeMap::new();
        for (year, (fen, position)) in &self.budgets {
            let row = entry(&mut years, *year);
            row.budget_yuan = Some(Fen(*fen));
            row.budget_at = Some(*position);
        }
        for (_, reward) in self.rewards.iter() {
            if let Some(year) = reward.approved {
                let row = entry(&mut years, year);
                row.approved += 1;
                row.approved_yuan.0 = row.approved_yuan.0.saturating_add(reward.fen);
                row.open_yuan.0 = row.open_yuan.0.saturating_add(reward.open());
            }
            for (year, fen) in &reward.paid {
                let row = entry(&mut years, *year);
                row.paid += 1;
                row.paid_yuan.0 = row.paid_yuan.0.saturating_add(*fen);
            }
            for (year, fen) in &reward.fell_back {
                let row = entry(&mut years, *year);
                row.forfeited += 1;
                row.forfeited_yuan.0 = row.forfeited_yuan.0.saturating_add(*fen);
            }
        }
        for row in years.values_mut() {
            let left =
                |budget: Fen| Fen(budget.0.saturating_sub(row.paid_yuan.0).saturating_sub(row.open_yuan.0));
            row.left_yuan = row.budget_yuan.map(|budget| left(budget).to_string());
        }
        let wanted = years.into_values().filter(|row| ask.filter.year.is_none_or(|year| year == row.year));
        ask.page(wanted, |row| row)
    }

    fn reward(&mut self, stream: &StreamId, day: Day, event: &RewardEvent) {
        let key = Key::of(stream);
        if let RewardEvent::Assessed(assessed) | RewardEvent::Reassessed(assessed) = event {
            let row = self.rewards.row(key, || Reward {
                fen: 0,
                approved: None,
                paid: Vec::new(),
                fell_back: Vec::new(),
            });
            if let Some(reward) = self.rewards.at_mut(row) {
                reward.fen = assessed.amount_yuan.0;
                reward.approved = None;
            }
        }
        let Some(reward) = self.rewards.get_mut(&key) else { return };
        match event {
            RewardEvent::Approved(_) => reward.approved = Some(day.year()),
            RewardEvent::Paid(pay) => reward.paid.push((day.year(), pay.amount_yuan.0)),
            RewardEvent::Forfeited(forfeited) => {
                reward.fell_back.push((day.year(), forfeited.amount_yuan.0));
            }
            RewardEvent::Waived(waived) => reward.fell_back.push((day.year(), waived.amount_yuan.0)),
            // What was promised is promised no longer.
            RewardEvent::Denied(_) => {
                reward.fen = 0;
                reward.approved = None;
            }
            RewardEvent::Assessed(_)
            | RewardEvent::Reassessed(_)
            | RewardEvent::Notified(_)
            | RewardEvent::Extended(_)
            | RewardEvent::Overdue(_)
            | RewardEvent::Claimed(_) => {}
        }
    }
}

fn entry(years: &mut BTreeMap<i32, Row>, year: i32) -> &mut Row {
    years.entry(year).or_insert_with(|| Row { year, ..Row::default() })
}

impl Projection for RewardBudget {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        if let Event::Rules(RulesEvent::RewardBudgetSet(budget)) = &fact.event {
            self.budgets.insert(budget.year, (budget.amount_yuan.0, fact.position));
        }
        if let Event::Reward(event) = &fact.event {
            self.reward(&fact.stream, fact.day, event);
        }
    }
}
