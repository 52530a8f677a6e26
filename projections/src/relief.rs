//! Relief from penalty: for each hazard that its enterprise reported itself, what was decided, why, and which entries
//! prove it (plan, mines, 11).

use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Origin, ReliefDecided, Status};
use adit_core::id::{StreamId, StreamKind};
use adit_core::rules::Reason;
use adit_core::rules::relief::Outcome;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page, Viewer, is};
use crate::compact::{Key, Table, When, Words};
use crate::reasons::{self, Kept};
use crate::roll::Roll;
use crate::standing::status_after;

pub(crate) const NAME: &str = "relief";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] =
    &["stream", "enterprise", "town", "sector", "status", "relief", "from", "to", "contains"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Relief {
    roll: Roll,
    words: Words,
    hazards: Table<Key, Hazard>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    enterprise: u32,
    status: Status,
    reported: When,
    decided: Option<Box<Decided>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Decided {
    relieved: bool,
    rule_says: Outcome,
    reasons: Vec<Kept>,
    otherwise: Option<Box<str>>,
    when: When,
    inspected: Option<Position>,
    accident: Option<Position>,
    rules: u32,
}

/// Whether relief was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Pending,
    Relieved,
    Refused,
}

/// A hazard that its enterprise reported itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub status: Status,
    pub self_reported_at: Position,
    pub self_reported_on: Day,
    pub decision: Decision,
    /// None while nobody has decided.
    pub relieved: Option<bool>,
    /// What the rule says.
    pub rule_says: Option<Outcome>,
    pub reasons: Vec<Reason>,
    /// Why an officer decided otherwise. Not for the enterprise: the officer may have known of a report.
    pub otherwise: Option<String>,
    pub decided_at: Option<Position>,
    pub decided_on: Option<Day>,
    /// Rule packs of the decision.
    pub rules: Option<String>,
    /// Entries on which the decision rests, in the order of the log.
    pub proof: Vec<Position>,
}

impl Hazard {
    fn decision(&self) -> Decision {
        match self.decided.as_ref().map(|decided| decided.relieved) {
            None => Decision::Pending,
            Some(true) => Decision::Relieved,
            Some(false) => Decision::Refused,
        }
    }

    fn proof(&self) -> Vec<Position> {
        let decided = self.decided.as_deref();
        let rests = decided.map(|decided| [decided.inspected, decided.accident, Some(decided.when.position)]);
        let mut proof: Vec<Position> = rests.into_iter().flatten().flatten().collect();
        proof.push(self.reported.position);
        proof.sort_unstable();
        proof.dedup();
        proof
    }
}

impl Relief {
    /// All in the order of the log.
    pub fn rows(&self) -> Vec<Row> {
        self.query(&Ask::all(Day::default())).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let filter = ask.filter;
        let wanted = self.hazards.iter().filter(|(key, hazard)| {
            let firm = hazard.enterprise;
            is(filter.status.as_ref(), &hazard.status)
                && is(filter.relief.as_ref(), &hazard.decision())
                && filter.town.as_ref().is_none_or(|town| town == self.roll.town(firm))
                && filter.sector.is_none_or(|sector| self.roll.sector(firm) == Some(sector))
                && ask.spans(hazard.reported.day)
                && ask.finds(&[self.roll.name(firm)])
                && (ask.admits)(&key.stream(StreamKind::Hazard))
        });
        ask.page(wanted, |(key, hazard)| self.row(*key, hazard, ask.viewer))
    }

    fn row(&self, key: Key, hazard: &Hazard, viewer: Viewer) -> Row {
        let decided = hazard.decided.as_deref();
        let otherwise = decided.and_then(|decided| decided.otherwise.as_deref());
        Row {
            hazard: key.stream(StreamKind::Hazard),
            enterprise: self.roll.stream(hazard.enterprise),
            enterprise_name: self.roll.name(hazard.enterprise).to_owned(),
            status: hazard.status,
            self_reported_at: hazard.reported.position,
            self_reported_on: hazard.reported.day.into(),
            decision: hazard.decision(),
            relieved: decided.map(|decided| decided.relieved),
            rule_says: decided.map(|decided| decided.rule_says),
            reasons: decided.map(|decided| reasons::tell(&self.words, &decided.reasons)).unwrap_or_default(),
            otherwise: otherwise.filter(|_| !matches!(viewer, Viewer::Enterprise(_))).map(str::to_owned),
            decided_at: decided.map(|decided| decided.when.position),
            decided_on: decided.map(|decided| decided.when.day.into()),
            rules: decided.map(|decided| self.words.text(decided.rules).to_owned()),
            proof: hazard.proof(),
        }
    }

    fn decided(&mut self, fact: &Fact, event: &ReliefDecided, relieved: bool) {
        let decided = Decided {
            relieved,
            rule_says: event.rule_says,
            reasons: reasons::keep(&mut self.words, &event.reasons),
            otherwise: event.otherwise.as_ref().map(|text| text.as_str().into()),
            when: When { position: fact.position, day: fact.day.into() },
            inspected: event.facts.inspected,
            accident: event.facts.accident,
            rules: self.words.number(&event.rules),
        };
        if let Some(hazard) = self.hazards.get_mut(&Key::of(&fact.stream)) {
            hazard.decided = Some(Box::new(decided));
        }
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let key = Key::of(&fact.stream);
        if let Some(hazard) = self.hazards.get_mut(&key) {
            hazard.status = status_after(hazard.status, event);
        }
        match event {
            HazardEvent::Reported(report) if report.origin == Origin::SelfInspection => {
                let enterprise = self.roll.number(&report.enterprise);
                let reported = When { position: fact.position, day: fact.day.into() };
                let hazard = Hazard { enterprise, status: Status::Reported, reported, decided: None };
                self.hazards.put(key, hazard);
            }
            HazardEvent::Relieved(decided) => self.decided(fact, decided, true),
            HazardEvent::ReliefRefused(decided) => self.decided(fact, decided, false),
            HazardEvent::Reported(_)
            | HazardEvent::Verified(_)
            | HazardEvent::Dismissed(_)
            | HazardEvent::Served(_)
            | HazardEvent::Acknowledged(_)
            | HazardEvent::Assigned(_)
            | HazardEvent::Planned(_)
            | HazardEvent::Published(_)
            | HazardEvent::Committed(_)
            | HazardEvent::Evidenced(_)
            | HazardEvent::Confirmed(_)
            | HazardEvent::Rectified(_)
            | HazardEvent::Reviewed(_)
            | HazardEvent::Closed(_)
            | HazardEvent::Reopened(_)
            | HazardEvent::Extended(_)
            | HazardEvent::ProductionSuspended(_)
            | HazardEvent::ProductionResumed(_)
            | HazardEvent::Listed(_)
            | HazardEvent::Delisted(_)
            | HazardEvent::Escalated(_)
            | HazardEvent::Penalised(_)
            | HazardEvent::Merged(_)
            | HazardEvent::Overdue(_) => {}
        }
    }
}

impl Projection for Relief {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Hazard(event) => self.hazard(fact, event),
            Event::Enterprise(event) => self.roll.apply(fact, event),
            Event::Report(_)
            | Event::Reward(_)
            | Event::Inspection(_)
            | Event::Actor(_)
            | Event::Rules(_)
            | Event::Ledger(_)
            | Event::Inquiry(_) => {}
        }
    }
}
