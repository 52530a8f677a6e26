//! Rewards: what each report is worth by which rule, how far its payment is, and what was paid in a year.

use std::collections::BTreeMap;

use adit_core::event::{Event, Fact};
use adit_core::id::{StreamId, StreamKind};
use adit_core::reward::{Assessed, Denied, RewardEvent, Status};
use adit_core::rules::Reason;
use adit_core::units::{Day, Fen, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page, Viewer, is};
use crate::compact::{DayNumber, Key, NONE, Table, Waiting, When, Words};
use crate::reasons::{self, Kept};

pub(crate) const NAME: &str = "rewards";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &["stream", "reward_status", "overdue", "year", "rule", "from", "to"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rewards {
    words: Words,
    all: Table<Key, Reward>,
    /// Rewards that are not done with, by status.
    waiting: Waiting<Status>,
}

/// Money is kept in fen and days as numbers: their text forms would be read with every snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reward {
    report: Key,
    matter: Box<str>,
    status: Status,
    amount_fen: i64,
    alternative_fen: Option<i64>,
    rule: u32,
    base_fen: Option<i64>,
    share: u32,
    shares: Vec<Share>,
    reasons: Vec<Kept>,
    because: Option<Box<str>>,
    packs: u32,
    assessed: When,
    assessments: u32,
    claim_due: Option<DayNumber>,
    paid_fen: Option<i64>,
    paid: Option<When>,
    forfeited_fen: i64,
    last: Position,
}

impl Reward {
    /// What is still to be paid to those who have claimed; negative where too much was paid.
    fn payable(&self) -> i64 {
        let claimed: i64 = self.shares.iter().filter(|share| share.claimed).map(|share| share.fen).sum();
        claimed.saturating_sub(self.paid_fen.unwrap_or_default())
    }

    /// It was not claimed in time, as far as shares are left.
    fn is_overdue(&self, today: DayNumber) -> bool {
        self.status == Status::Notified && self.claim_due.is_some_and(|due| due < today)
    }

    fn after_a_share(&self) -> Status {
        let settled = self.shares.iter().all(|share| share.claimed || share.fell_back);
        if !settled || self.shares.is_empty() {
            Status::Notified
        } else if !self.shares.iter().any(|share| share.claimed) {
            Status::Forfeited
        } else if self.payable() <= 0 && self.paid_fen.is_some() {
            Status::Paid
        } else {
            Status::Claimed
        }
    }

    fn settle(&mut self, key: &str, claimed: bool) {
        for share in self.shares.iter_mut().filter(|share| *share.key == *key) {
            share.claimed |= claimed;
            share.fell_back |= !claimed;
        }
    }
}

/// What one of joint reporters gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Share {
    key: Box<str>,
    fen: i64,
    claimed: bool,
    /// Given up, or not claimed in time.
    fell_back: bool,
}

/// One reward. It names its report: only who may see reports may see all of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub reward: StreamId,
    /// None for finance, who does not learn which case it is; likewise matter, reasons and because.
    pub report: Option<StreamId>,
    pub matter: String,
    pub status: Status,
    pub amount_yuan: Fen,
    /// What it would be if personal fines counted differently.
    pub alternative_yuan: Option<Fen>,
    pub rule: Option<String>,
    /// The fine of which it is a share; none where it is not one.
    pub base_yuan: Option<Fen>,
    pub share_percent: Option<String>,
    /// Shares of joint reporters.
    pub shares_yuan: Vec<Fen>,
    /// Shares that were claimed.
    pub claimed: usize,
    /// What was given up, or not claimed in time.
    pub forfeited_yuan: Fen,
    /// What a reassessment gives less than was paid.
    pub overpaid_yuan: Fen,
    pub reasons: Vec<Reason>,
    /// Why an officer proposed another amount than the rule, or none.
    pub because: Option<String>,
    /// Rule packs of the assessment.
    pub rules: String,
    pub claim_due: Option<Day>,
    pub paid_yuan: Option<Fen>,
    pub paid_on: Option<Day>,
    /// The entry that assessed it last.
    pub assessed_at: Position,
    pub assessed_on: Day,
    /// How often it was assessed, with the first time.
    pub assessments: u32,
    /// The entry that last moved it.
    pub last_at: Position,
}

/// How many rewards, and how much together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    pub rewards: u32,
    pub amount_yuan: Fen,
}

impl Sum {
    fn add(&mut self, fen: i64) {
        self.rewards += 1;
        self.amount_yuan = Fen(self.amount_yuan.0.saturating_add(fen));
    }
}

impl Rewards {
    /// All in the order of the log.
    pub fn rows(&self) -> Vec<Row> {
        self.query(&Ask::all(Day::default())).rows
    }

    /// The rewards that rest on a report, in the order of the log.
    pub fn of_report(&self, report: &StreamId) -> Vec<StreamId> {
        let rests = self.all.iter().filter(|(_, reward)| reward.report.stream(StreamKind::Report) == *report);
        rests.map(|(key, _)| key.stream(StreamKind::Reward)).collect()
    }

    /// What was paid in a year.
    pub fn paid_in(&self, year: i32) -> Fen {
        self.paid_by_year().get(&year).map_or(Fen::ZERO, |sum| sum.amount_yuan)
    }

    pub fn paid_by_year(&self) -> BTreeMap<i32, Sum> {
        let mut years: BTreeMap<i32, Sum> = BTreeMap::new();
        for (_, reward) in self.all.iter() {
            if let Some((paid, fen)) = reward.paid.zip(reward.paid_fen) {
                years.entry(Day::from(paid.day).year()).or_default().add(fen);
            }
        }
        years
    }

    pub fn by_status(&self) -> BTreeMap<Status, Sum> {
        let mut sums: BTreeMap<Status, Sum> = BTreeMap::new();
        for (_, reward) in self.all.iter() {
            sums.entry(reward.status).or_default().add(reward.amount_fen);
        }
        sums
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let filter = ask.filter;
        let paid_in = |reward: &Reward| reward.paid.map(|paid| Day::from(paid.day).year());
        let waiting = filter.reward_status.and_then(waits).map(|status| self.waiting.rows(&status));
        let rows = ask.rows_of(waiting, &self.all, StreamKind::Reward);
        let today = DayNumber::from(ask.today);
        let wanted = rows.filter_map(|row| self.all.at(row)).filter(|(_, reward)| {
            is(filter.reward_status.as_ref(), &reward.status)
                && filter.overdue.is_none_or(|overdue| overdue == reward.is_overdue(today))
                && filter.year.is_none_or(|year| paid_in(reward) == Some(year))
                && filter.rule.as_ref().is_none_or(|rule| rule == self.words.text(reward.rule))
                && ask.spans(reward.assessed.day)
        });
        ask.page(wanted, |(key, reward)| self.row(*key, reward, ask.viewer))
    }

    fn row(&self, key: Key, reward: &Reward, viewer: Viewer) -> Row {
        let case = viewer == Viewer::Reports;
        Row {
            reward: key.stream(StreamKind::Reward),
            report: case.then(|| reward.report.stream(StreamKind::Report)),
            matter: if case { reward.matter.to_string() } else { String::new() },
            status: reward.status,
            amount_yuan: Fen(reward.amount_fen),
            alternative_yuan: reward.alternative_fen.map(Fen),
            rule: self.words.option(reward.rule),
            base_yuan: reward.base_fen.filter(|_| case).map(Fen),
            share_percent: self.words.option(reward.share),
            shares_yuan: reward.shares.iter().map(|share| Fen(share.fen)).collect(),
            claimed: reward.shares.iter().filter(|share| share.claimed).count(),
            forfeited_yuan: Fen(reward.forfeited_fen),
            overpaid_yuan: Fen(reward.payable().saturating_neg().max(0)),
            reasons: if case { reasons::tell(&self.words, &reward.reasons) } else { Vec::new() },
            because: reward.because.as_ref().filter(|_| case).map(ToString::to_string),
            rules: self.words.text(reward.packs).to_owned(),
            claim_due: reward.claim_due.map(Day::from),
            paid_yuan: reward.paid_fen.map(Fen),
            paid_on: reward.paid.map(|paid| paid.day.into()),
            assessed_at: reward.assessed.position(),
            assessed_on: reward.assessed.day.into(),
            assessments: reward.assessments,
            last_at: reward.last,
        }
    }

    fn assessed(&mut self, fact: &Fact, assessed: &Assessed) {
        let key = Key::of(&fact.stream);
        let detail = |name: &str| assessed.reasons.iter().find_map(|reason| reason.details.get(name));
        // What joint reporters have claimed or given up stays so when the amount changes, and so does what was paid.
        let before = self.all.get(&key);
        let settled = |key: &str| {
            let mut shares = before.into_iter().flat_map(|before| &before.shares);
            let share = shares.find(|share| *share.key == *key);
            share.map_or((false, false), |share| (share.claimed, share.fell_back))
        };
        let shares = assessed.claim_keys.iter().zip(&assessed.shares_yuan).map(|(key, fen)| {
            let (claimed, fell_back) = settled(key);
            Share { key: key.as_str().into(), fen: fen.0, claimed, fell_back }
        });
        let shares = shares.collect();
        let assessments = before.map_or(1, |before| before.assessments + 1);
        let (paid_fen, paid) = before.map_or((None, None), |before| (before.paid_fen, before.paid));
        let forfeited_fen = before.map_or(0, |before| before.forfeited_fen);
        let base = detail("base").and_then(|text| text.parse::<Fen>().ok());
        let reward = Reward {
            report: Key::of(&assessed.report),
            matter: assessed.matter.as_str().into(),
            status: Status::Assessed,
            amount_fen: assessed.amount_yuan.0,
            alternative_fen: assessed.alternative_yuan.map(|fen| fen.0),
            rule: assessed.rule.as_ref().map_or(NONE, |rule| self.words.number(rule)),
            base_fen: base.map(|fen| fen.0),
            share: detail("percent")
                .filter(|_| base.is_some())
                .map_or(NONE, |share| self.words.number(share)),
            shares,
            reasons: reasons::keep(&mut self.words, &assessed.reasons),
            because: assessed.because.as_ref().map(|text| text.as_str().into()),
            packs: self.words.number(&assessed.rules),
            assessed: When::of(fact),
            assessments,
            claim_due: None,
            paid_fen,
            paid,
            forfeited_fen,
            last: fact.position,
        };
        self.all.put(key, reward);
    }

    /// Nothing is given. What was paid before stays, and all of it is too much.
    fn denied(&mut self, fact: &Fact, denied: &Denied) {
        let key = Key::of(&fact.stream);
        let before = self.all.get(&key);
        let assessments = before.map_or(1, |before| before.assessments + 1);
        let (paid_fen, paid) = before.map_or((None, None), |before| (before.paid_fen, before.paid));
        let forfeited_fen = before.map_or(0, |before| before.forfeited_fen);
        let reward = Reward {
            report: Key::of(&denied.report),
            matter: denied.matter.as_str().into(),
            status: Status::Denied,
            amount_fen: 0,
            alternative_fen: None,
            rule: denied.rule.as_ref().map_or(NONE, |rule| self.words.number(rule)),
            base_fen: None,
            share: NONE,
            shares: Vec::new(),
            reasons: reasons::keep(&mut self.words, &denied.reasons),
            because: denied.because.as_ref().map(|text| text.as_str().into()),
            packs: self.words.number(&denied.rules),
            assessed: When::of(fact),
            assessments,
            claim_due: None,
            paid_fen,
            paid,
            forfeited_fen,
            last: fact.position,
        };
        self.all.put(key, reward);
    }

    fn moved(&mut self, fact: &Fact, event: &RewardEvent) {
        let Some(reward) = self.all.get_mut(&Key::of(&fact.stream)) else {
            return;
        };
        reward.last = fact.position;
        match event {
            RewardEvent::Assessed(_)
            | RewardEvent::Reassessed(_)
            | RewardEvent::Denied(_)
            | RewardEvent::Overdue(_) => {}
            RewardEvent::Approved(_) => reward.status = Status::Approved,
            RewardEvent::Notified(notified) => {
                reward.claim_due = notified.claim_due.map(DayNumber::from);
                reward.status = reward.after_a_share();
            }
            RewardEvent::Extended(extended) => reward.claim_due = Some(extended.until.into()),
            // Claimed only when each of the joint reporters has claimed, or given up, or come too late.
            RewardEvent::Claimed(claim) => {
                reward.settle(&claim.share(), true);
                reward.status = reward.after_a_share();
            }
            RewardEvent::Paid(pay) => {
                let before = reward.paid_fen.unwrap_or_default();
                reward.paid_fen = Some(before.saturating_add(pay.amount_yuan.0));
                reward.paid = Some(When::of(fact));
                reward.status = reward.after_a_share();
            }
            RewardEvent::Forfeited(forfeited) => {
                forfeited.claim_keys.iter().for_each(|key| reward.settle(key, false));
                reward.forfeited_fen = reward.forfeited_fen.saturating_add(forfeited.amount_yuan.0);
                let nobody = forfeited.claim_keys.is_empty();
                reward.status = if nobody { Status::Forfeited } else { reward.after_a_share() };
            }
            RewardEvent::Waived(waived) => {
                reward.settle(&waived.claim.share(), false);
                reward.forfeited_fen = reward.forfeited_fen.saturating_add(waived.amount_yuan.0);
                let after = reward.after_a_share();
                reward.status = if after == Status::Forfeited { Status::Waived } else { after };
            }
        }
    }
}

impl Projection for Rewards {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        let key = Key::of(&fact.stream);
        let status = |rewards: &Table<Key, Reward>| rewards.get(&key).and_then(|reward| waits(reward.status));
        let before = status(&self.all);
        self.take(fact);
        if let Some(row) = self.all.find(&key) {
            self.waiting.moves(row, before, status(&self.all));
        }
    }
}

/// The status of a reward for which something is still to be done.
fn waits(status: Status) -> Option<Status> {
    match status {
        Status::Assessed | Status::Approved | Status::Notified | Status::Claimed => Some(status),
        Status::Absent | Status::Paid | Status::Forfeited | Status::Waived | Status::Denied => None,
    }
}

impl Rewards {
    fn take(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Reward(RewardEvent::Assessed(assessed) | RewardEvent::Reassessed(assessed)) => {
                self.assessed(fact, assessed);
            }
            Event::Reward(RewardEvent::Denied(denied)) => self.denied(fact, denied),
            Event::Reward(event) => self.moved(fact, event),
            Event::Hazard(_)
            | Event::Report(_)
            | Event::Enterprise(_)
            | Event::Inspection(_)
            | Event::Actor(_)
            | Event::Rules(_)
            | Event::Ledger(_)
            | Event::Concern(_)
            | Event::Inquiry(_)
            | Event::Access(_) => {}
        }
    }
}
