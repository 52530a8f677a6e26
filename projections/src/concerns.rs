//! Internal reports (内部报告): which enterprises take them in, and how far each is. It is no table that can be asked for: an enterprise
//! sees its own, officers see whether the channel is open and counts of months that are over.

use adit_core::concern::{ConcernEvent, Status, due};
use adit_core::enterprise::EnterpriseEvent;
use adit_core::event::{Event, Fact};
use adit_core::id::{StreamId, StreamKind};
use adit_core::units::{Day, Fen, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::compact::{DayNumber, Key, Table, When};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Concerns {
    firms: Table<Key, Firm>,
    concerns: Table<Key, Concern>,
}

/// An enterprise, as far as internal reports go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Firm {
    name: Box<str>,
    /// Since when its channel is open without a break.
    open: Option<When>,
    was_open: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Concern {
    enterprise: Key,
    status: Status,
    raised: When,
    place: Box<str>,
    answer_due: Option<DayNumber>,
    decide_due: Option<DayNumber>,
    /// When the enterprise first said anything.
    answered: Option<DayNumber>,
    decided: Option<DayNumber>,
    hazard: Option<Key>,
    reward: Option<Promised>,
    /// The entry with which the worker came for it.
    claimed: Option<Position>,
    handed_over: bool,
    /// The first entry of the worker since the enterprise did anything.
    waits: Option<Position>,
}

/// An internal reward that was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Promised {
    on: DayNumber,
    fen: Option<i64>,
    honour: Option<Box<str>>,
}

/// How far an internal reward is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Collected {
    Promised,
    Claimed,
    HandedOver,
}

/// One internal report, for its enterprise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub concern: StreamId,
    pub status: Status,
    pub raised_on: Day,
    pub raised_at: Position,
    pub place: String,
    /// By when the enterprise answers, then decides.
    pub due: Option<Day>,
    /// Days left until then; negative when it has passed.
    pub days_left: Option<i64>,
    pub hazard: Option<StreamId>,
    pub amount_yuan: Option<Fen>,
    pub honour: Option<String>,
    pub collected: Option<Collected>,
    /// The worker wrote last.
    pub waits: bool,
}

/// Internal reports of some months together, by the months in which they were raised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// `2024-05`.
    pub from: String,
    pub to: String,
    pub raised: u32,
    pub answered_in_time: u32,
    pub taken_up: u32,
    pub rewarded: u32,
}

/// Whether an enterprise takes internal reports in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub open_since: Option<Day>,
    pub was_open: bool,
}

impl Concerns {
    /// Those of one enterprise as far as a log of `published` entries tells of them, since the minute in which a worker writes is not told:
    /// what has the earliest day first, then the newest.
    pub fn of(&self, enterprise: &StreamId, today: Day, published: u64) -> Vec<Row> {
        let own = Key::of(enterprise);
        let mut rows: Vec<Row> = self
            .concerns
            .iter()
            .filter(|(_, concern)| concern.enterprise == own && concern.raised.position().0 < published)
            .map(|(key, concern)| concern.row(key, today, published))
            .collect();
        rows.sort_by_key(|row| (row.due.is_none(), row.due, std::cmp::Reverse(row.raised_at)));
        rows
    }

    /// One of them.
    pub fn one(&self, concern: &StreamId, today: Day, published: u64) -> Option<Row> {
        let key = Key::of(concern);
        let concern = self.concerns.get(&key).filter(|concern| concern.raised.position().0 < published);
        concern.map(|concern| concern.row(&key, today, published))
    }

    /// The enterprises whose channel is open, with their names, in the order in which they were registered.
    pub fn open_channels(&self) -> Vec<(StreamId, String)> {
        let open = self.firms.iter().filter(|(_, firm)| firm.open.is_some());
        open.map(|(key, firm)| (key.stream(StreamKind::Enterprise), firm.name.to_string())).collect()
    }

    /// What an enterprise is called.
    pub fn name(&self, enterprise: &StreamId) -> Option<String> {
        self.firms.get(&Key::of(enterprise)).map(|firm| firm.name.to_string())
    }

    pub fn channel(&self, enterprise: &StreamId) -> Option<Channel> {
        let firm = self.firms.get(&Key::of(enterprise))?;
        Some(Channel { open_since: firm.open.map(|when| when.day.into()), was_open: firm.was_open })
    }

    /// Months until `until`, put together until each period has at least `least`; what is left at the end waits for the next month.
    pub fn periods(&self, enterprise: &StreamId, until: Day, least: u32) -> Vec<Period> {
        let own = Key::of(enterprise);
        let by = |day: Option<DayNumber>| day.map(Day::from).filter(|day| *day <= until);
        let (mut done, mut period) = (Vec::new(), Period::default());
        let mut concerns = self.concerns.iter().filter(|(_, concern)| concern.enterprise == own).peekable();
        while let Some((_, concern)) = concerns.next() {
            let raised = Day::from(concern.raised.day);
            if raised > until {
                break;
            }
            period.to = month(raised);
            if period.from.is_empty() {
                period.from.clone_from(&period.to);
            }
            period.raised += 1;
            let due = concern.answer_due.map(Day::from);
            period.answered_in_time +=
                u32::from(by(concern.answered).is_some_and(|on| due.is_none_or(|due| on <= due)));
            period.taken_up += u32::from(by(concern.decided).is_some() && concern.hazard.is_some());
            period.rewarded += u32::from(by(concern.reward.as_ref().map(|reward| reward.on)).is_some());
            let ends = concerns.peek().is_none_or(|(_, next)| month(next.raised.day.into()) != period.to);
            if ends && period.raised >= least {
                done.push(std::mem::take(&mut period));
            }
        }
        done
    }

    fn enterprise(&mut self, fact: &Fact, event: &EnterpriseEvent) {
        let key = Key::of(&fact.stream);
        if let EnterpriseEvent::Registered(register) = event {
            self.firms.put(key, Firm { name: register.name.as_str().into(), open: None, was_open: false });
        }
        let Some(firm) = self.firms.get_mut(&key) else { return };
        match event {
            EnterpriseEvent::ChannelOpened(_) => {
                firm.open.get_or_insert(When::of(fact));
                firm.was_open = true;
            }
            EnterpriseEvent::ChannelClosed(_) | EnterpriseEvent::Closed(_) => firm.open = None,
            EnterpriseEvent::Registered(_)
            | EnterpriseEvent::LicenceChanged(_)
            | EnterpriseEvent::ControllerChanged(_)
            | EnterpriseEvent::ParentChanged(_)
            | EnterpriseEvent::PrincipalChanged(_)
            | EnterpriseEvent::Graded(_)
            | EnterpriseEvent::AccidentRecorded(_)
            | EnterpriseEvent::SelfInspectionLogged(_)
            | EnterpriseEvent::ResumptionAccepted(_)
            | EnterpriseEvent::ClosurePetitioned(_) => {}
        }
    }
}

/// `2024-05`.
fn month(day: Day) -> String {
    let (year, month, _) = day.parts();
    format!("{year:04}-{month:02}")
}

impl Concern {
    fn row(&self, key: &Key, today: Day, published: u64) -> Row {
        let is_told = |at: Option<Position>| at.is_some_and(|at| at.0 < published);
        let due = due(self.status, self.answer_due.map(Day::from), self.decide_due.map(Day::from));
        let collected = match (&self.reward, is_told(self.claimed), self.handed_over) {
            (None, ..) => None,
            (Some(_), _, true) => Some(Collected::HandedOver),
            (Some(_), true, false) => Some(Collected::Claimed),
            (Some(_), false, false) => Some(Collected::Promised),
        };
        Row {
            concern: key.stream(StreamKind::Concern),
            status: self.status,
            raised_on: self.raised.day.into(),
            raised_at: self.raised.position(),
            place: self.place.to_string(),
            due,
            days_left: due.map(|due| due.days_since(today)),
            hazard: self.hazard.map(|hazard| hazard.stream(StreamKind::Hazard)),
            amount_yuan: self.reward.as_ref().and_then(|reward| reward.fen).map(Fen),
            honour: self.reward.as_ref().and_then(|reward| reward.honour.as_deref()).map(str::to_owned),
            collected,
            waits: is_told(self.waits),
        }
    }
}

impl Projection for Concerns {
    const NAME: &'static str = "concerns";

    fn apply(&mut self, fact: &Fact) {
        if let Event::Enterprise(event) = &fact.event {
            self.enterprise(fact, event);
        }
        let Event::Concern(event) = &fact.event else { return };
        let (key, now) = (Key::of(&fact.stream), When::of(fact));
        if let ConcernEvent::Raised(raised) = event {
            let place = raised.raise.place.as_ref().map(adit_core::text::Text::as_str).unwrap_or_default();
            let concern = Concern {
                enterprise: Key::of(&raised.raise.enterprise),
                status: Status::Raised,
                raised: now,
                place: place.into(),
                answer_due: raised.answer_due.map(DayNumber::from),
                decide_due: raised.decide_due.map(DayNumber::from),
                answered: None,
                decided: None,
                hazard: None,
                reward: None,
                claimed: None,
                handed_over: false,
                waits: Some(fact.position),
            };
            self.concerns.put(key, concern);
            return;
        }
        let Some(concern) = self.concerns.get_mut(&key) else { return };
        let by_worker = match event {
            ConcernEvent::Raised(_) | ConcernEvent::Written(_) | ConcernEvent::Claimed(_) => true,
            ConcernEvent::Answered(_)
            | ConcernEvent::TakenUp(_)
            | ConcernEvent::Declined(_)
            | ConcernEvent::Rewarded(_)
            | ConcernEvent::HandedOver(_) => false,
        };
        if by_worker {
            concern.waits.get_or_insert(fact.position);
        } else {
            concern.waits = None;
            concern.answered.get_or_insert(now.day);
        }
        match event {
            ConcernEvent::Raised(_) | ConcernEvent::Written(_) => {}
            ConcernEvent::Claimed(_) => concern.claimed = Some(fact.position),
            ConcernEvent::Answered(_) => {
                if concern.status == Status::Raised {
                    concern.status = Status::Answered;
                }
            }
            ConcernEvent::TakenUp(taken) => {
                concern.status = Status::TakenUp;
                concern.hazard = Some(Key::of(&taken.hazard));
                concern.decided = Some(now.day);
            }
            ConcernEvent::Declined(_) => {
                concern.status = Status::Declined;
                concern.decided = Some(now.day);
            }
            ConcernEvent::Rewarded(reward) => {
                concern.reward = Some(Promised {
                    on: now.day,
                    fen: reward.amount_yuan.map(|amount| amount.0),
                    honour: reward.honour.as_ref().map(|honour| honour.as_str().into()),
                });
            }
            ConcernEvent::HandedOver(_) => concern.handed_over = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adit_core::concern::{Raise, Raised, Words};
    use adit_core::id::Id;
    use adit_core::ledger::vkey::SigningKey;
    use adit_core::text::Text;
    use adit_core::units::Revision;
    use proptest::prelude::*;

    const ENTERPRISE: StreamId = StreamId { kind: StreamKind::Enterprise, id: Id([1; 16]) };

    fn day(text: &str) -> Day {
        text.parse().expect("a day")
    }

    fn fact(position: u64, on: Day, event: ConcernEvent) -> Fact {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&position.to_be_bytes());
        Fact {
            position: Position(position),
            stream: StreamId::new(StreamKind::Concern, Id(id)),
            revision: Revision(0),
            day: on,
            at: on.start(),
            by: Vec::new(),
            lines: Vec::new(),
            event: Event::Concern(event),
        }
    }

    fn raised(position: u64, on: Day) -> Fact {
        let key = SigningKey::from_seed("test.example/ledger/concern/x", &[7; 32]).expect("key").vkey();
        let words = Text::new("未支护").expect("words");
        let raise = Raise { enterprise: ENTERPRISE, place: None, words, contact: None, key };
        let due = Some(on.plus_days(3));
        fact(position, on, ConcernEvent::Raised(Raised { raise, answer_due: due, decide_due: due }))
    }

    fn folded(facts: &[Fact]) -> Concerns {
        let mut concerns = Concerns::default();
        for fact in facts {
            concerns.apply(fact);
        }
        concerns
    }

    #[test]
    fn months_are_put_together_until_they_point_to_nobody_and_an_answer_counts_in_its_time() {
        let days = ["2024-01-05", "2024-01-20", "2024-02-01", "2024-02-02", "2024-02-03", "2024-03-01"];
        let mut facts: Vec<Fact> = (0..).zip(days).map(|(nth, on)| raised(nth, day(on))).collect();
        let answered = ConcernEvent::Answered(Words { words: Text::new("去看").expect("words") });
        for (nth, on) in [(0, "2024-01-08"), (1, "2024-01-24"), (2, "2024-03-01")] {
            let stream = facts[nth].stream;
            facts.push(Fact { stream, ..fact(90 + nth as u64, day(on), answered.clone()) });
        }
        let concerns = folded(&facts);
        let told = concerns.periods(&ENTERPRISE, day("2024-03-31"), 5);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].from.as_str(), told[0].to.as_str()), ("2024-01", "2024-02"));
        assert_eq!((told[0].raised, told[0].answered_in_time), (5, 1));
        assert!(concerns.periods(&ENTERPRISE, day("2024-01-31"), 5).is_empty(), "two point to somebody");
        let one = concerns.one(&facts[0].stream, day("2024-01-10"), 100).expect("a row");
        assert_eq!(
            (one.status, one.due, one.days_left),
            (Status::Answered, Some(day("2024-01-08")), Some(-2))
        );
    }

    #[test]
    fn what_a_worker_writes_waits_for_the_enterprise_once_it_is_published_and_not_before() {
        let first = raised(10, day("2024-01-05"));
        let words = || Words { words: Text::new("又漏水").expect("words") };
        let later =
            |position, event| Fact { stream: first.stream, ..fact(position, day("2024-01-06"), event) };
        let facts = [
            first.clone(),
            later(20, ConcernEvent::Answered(words())),
            later(30, ConcernEvent::Written(words())),
            later(40, ConcernEvent::Written(words())),
        ];
        let concerns = folded(&facts);
        let waits =
            |published| concerns.one(&first.stream, day("2024-01-07"), published).map(|row| row.waits);
        assert_eq!([10, 11, 30, 31, 41].map(waits), [None, Some(false), Some(false), Some(true), Some(true)]);
        assert!(concerns.of(&ENTERPRISE, day("2024-01-07"), 10).is_empty());
    }

    proptest! {
        #[test]
        fn no_period_is_told_that_has_few(gaps in prop::collection::vec(0_i64..40, 0..40), least in 1_u32..8) {
            let mut on = day("2024-01-01");
            let facts: Vec<Fact> = (0..).zip(gaps).map(|(nth, gap)| {
                on = on.plus_days(gap);
                raised(nth, on)
            }).collect();
            let told = folded(&facts).periods(&ENTERPRISE, day("2024-12-31"), least);
            prop_assert!(told.iter().all(|period| period.raised >= least));
            let all: u32 = told.iter().map(|period| period.raised).sum();
            prop_assert!(all as usize <= facts.len());
            prop_assert!(told.windows(2).all(|pair| pair[0].to < pair[1].from), "{:?}", told);
        }
    }
}
