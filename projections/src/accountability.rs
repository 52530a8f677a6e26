//! Accountability (倒查追责): which major hazards call for an inquiry, by which trigger, proved by which entries; and the trace
//! of one hazard: who knew when, who signed, which inspections passed it by, what was not done in time.

use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Origin, Status};
use adit_core::id::{StreamId, StreamKind};
use adit_core::inspection::InspectionEvent;
use adit_core::rules::Rules;
use adit_core::rules::accountability::{Called, TraceFacts, Trigger, hold, triggers};
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{DayNumber, Key, NONE, Table, When, Words};
use crate::roll::Roll;
use crate::standing::status_after;
use crate::{deadlines, inspections, notifications, timeline};

pub(crate) const NAME: &str = "accountability";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] =
    &["stream", "enterprise", "town", "sector", "trigger", "from", "to", "contains"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accountability {
    roll: Roll,
    criteria: Words,
    hazards: Table<Key, Hazard>,
    visits: Table<Key, Visit>,
    /// Visits of each enterprise, and what was ordered or fined there.
    firms: Vec<Firm>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Firm {
    visits: Vec<u32>,
    enforced: Vec<When>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Visit {
    firm: u32,
    performed: When,
    findings: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    firm: u32,
    status: Status,
    origin: Origin,
    /// Whoever wrote it down first thought of a criterion item.
    item_proposed: bool,
    /// The criterion item of a major hazard.
    criterion: u32,
    reported: When,
    /// Decisions on a penalty or on relief.
    answered: bool,
    unpunished: Option<Position>,
    closed: Option<When>,
    reopened: Vec<(Position, DayNumber, DayNumber)>,
}

/// A major hazard that calls for an inquiry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub criterion: Option<String>,
    pub origin: Origin,
    pub status: Status,
    pub reported_at: Position,
    pub reported_on: Day,
    pub triggers: Vec<Called>,
}

/// Everything that is on record about one hazard and those who dealt with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// Who knew and who signed, in the order of the log.
    pub events: Vec<timeline::Row>,
    /// Inspections of the enterprise, each with whether this hazard was among its findings.
    pub inspections: Vec<Passed>,
    pub notices: Vec<notifications::Row>,
    /// Deadlines that were missed, or met too late.
    pub not_in_time: Vec<deadlines::Row>,
    pub inquiries: Vec<StreamId>,
}

/// An inspection of the enterprise of a hazard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Passed {
    pub found_this: bool,
    /// It took place before the hazard was written down.
    pub before: bool,
    #[serde(flatten)]
    pub inspection: inspections::Row,
}

impl Accountability {
    /// Hazards with a trigger, in the order of the log.
    pub fn rows(&self, rules: &Rules, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today), rules).rows
    }

    /// Those with a trigger; one that is named is shown in any case.
    pub(crate) fn query(&self, ask: &Ask<'_>, rules: &Rules) -> Page<Row> {
        let filter = ask.filter;
        let firms = self.roll.asked(filter.town.as_deref(), filter.sector, filter.contains.as_deref());
        let rows = ask.rows(&self.hazards, StreamKind::Hazard).filter_map(|row| self.hazards.at(row));
        let wanted = rows.filter(|(_, hazard)| {
            hazard.criterion != NONE
                && ask.spans(hazard.reported.day)
                && firms.as_ref().is_none_or(|firms| firms[hazard.firm as usize])
        });
        let called = wanted.filter_map(|(key, hazard)| {
            let facts = self.facts(*key, hazard, rules, ask.today);
            let hold = hold(rules, &facts);
            let fits = match filter.trigger {
                Some(trigger) => hold.iter().any(|(one, _)| *one == trigger),
                None => filter.stream.is_some() || !hold.is_empty(),
            };
            fits.then_some((*key, hazard, facts))
        });
        ask.page(called, |(key, hazard, facts)| Row {
            hazard: key.stream(StreamKind::Hazard),
            enterprise: self.roll.stream(hazard.firm),
            enterprise_name: self.roll.name(hazard.firm).to_owned(),
            criterion: self.criteria.option(hazard.criterion),
            origin: hazard.origin,
            status: hazard.status,
            reported_at: hazard.reported.position,
            reported_on: hazard.reported.day.into(),
            triggers: triggers(rules, &facts),
        })
    }

    fn facts(&self, key: Key, hazard: &Hazard, rules: &Rules, today: Day) -> TraceFacts {
        let rules = &rules.accountability;
        let nothing = Firm::default();
        let firm = self.firms.get(hazard.firm as usize).unwrap_or(&nothing);
        let visits = || firm.visits.iter().filter_map(|visit| self.visits.at(*visit)).map(|(_, visit)| visit);
        let reported = Day::from(hazard.reported.day);
        let passed_by = visits().filter(|visit| {
            visit.performed.position < hazard.reported.position
                && !visit.findings.contains(&key)
                && rules.reaches(Trigger::NotFound, visit.performed.day.into(), reported)
        });
        let lately = |day: DayNumber| rules.reaches(Trigger::NoEnforcement, day.into(), today);
        let with_findings =
            visits().filter(|visit| !visit.findings.is_empty() && lately(visit.performed.day));
        TraceFacts {
            passed_by: passed_by.map(|visit| visit.performed.position).collect(),
            with_findings: with_findings.map(|visit| visit.performed.position).collect(),
            enforced: firm
                .enforced
                .iter()
                .filter(|when| lately(when.day))
                .map(|when| when.position)
                .collect(),
            understated: (!hazard.item_proposed).then_some(hazard.reported.position),
            unpunished: hazard.unpunished,
            reopened: hazard
                .reopened
                .iter()
                .map(|(position, closed, again)| (*position, (*closed).into(), (*again).into()))
                .collect(),
        }
    }

    fn firm(&mut self, number: u32) -> &mut Firm {
        let at = number as usize;
        if self.firms.len() <= at {
            self.firms.resize(at + 1, Firm::default());
        }
        &mut self.firms[at]
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let (key, now) = (Key::of(&fact.stream), When { position: fact.position, day: fact.day.into() });
        if let HazardEvent::Reported(report) = event {
            let hazard = Hazard {
                firm: self.roll.number(&report.enterprise),
                status: Status::Reported,
                origin: report.origin,
                item_proposed: report.criterion.is_some(),
                criterion: NONE,
                reported: now,
                answered: false,
                unpunished: None,
                closed: None,
                reopened: Vec::new(),
            };
            self.hazards.put(key, hazard);
            return;
        }
        let Some(hazard) = self.hazards.get_mut(&key) else { return };
        hazard.status = status_after(hazard.status, event);
        let firm = hazard.firm;
        match event {
            HazardEvent::Verified(verified) => {
                if let Some(code) = &verified.criterion {
                    hazard.criterion = self.criteria.number(code);
                }
            }
            HazardEvent::Penalised(_) => {
                hazard.answered = true;
                hazard.unpunished = None;
                self.firm(firm).enforced.push(now);
            }
            HazardEvent::Relieved(_) | HazardEvent::ReliefRefused(_) => hazard.answered = true,
            HazardEvent::Closed(_) => {
                hazard.closed = Some(now);
                // Whoever reported a hazard of its own is in principle not penalised (plan, mines, 11).
                let found = hazard.origin == Origin::Inspection && hazard.criterion != NONE;
                hazard.unpunished = (found && !hazard.answered).then_some(fact.position);
            }
            HazardEvent::Reopened(_) => {
                if let Some(closed) = hazard.closed.take() {
                    hazard.reopened.push((closed.position, closed.day, now.day));
                }
            }
            HazardEvent::ProductionSuspended(_) => self.firm(firm).enforced.push(now),
            HazardEvent::Reported(_)
            | HazardEvent::Dismissed(_)
            | HazardEvent::Served(_)
            | HazardEvent::Acknowledged(_)
            | HazardEvent::Assigned(_)
            | HazardEvent::Planned(_)
            | HazardEvent::Committed(_)
            | HazardEvent::Evidenced(_)
            | HazardEvent::Confirmed(_)
            | HazardEvent::Rectified(_)
            | HazardEvent::Reviewed(_)
            | HazardEvent::Extended(_)
            | HazardEvent::ExtensionRequested(_)
            | HazardEvent::ExtensionRefused(_)
            | HazardEvent::ProductionResumed(_)
            | HazardEvent::Listed(_)
            | HazardEvent::Delisted(_)
            | HazardEvent::Escalated(_)
            | HazardEvent::Published(_)
            | HazardEvent::Merged(_)
            | HazardEvent::Overdue(_) => {}
        }
    }

    fn inspection(&mut self, fact: &Fact, event: &InspectionEvent) {
        let key = Key::of(&fact.stream);
        match event {
            InspectionEvent::Performed(perform) => {
                let firm = self.roll.number(&perform.enterprise);
                let performed = When { position: fact.position, day: perform.day.into() };
                let visit = self.visits.row(key, || Visit { firm, performed, findings: Vec::new() });
                self.firm(firm).visits.push(visit);
            }
            InspectionEvent::FindingRecorded(found) => {
                if let Some(visit) = self.visits.get_mut(&key) {
                    visit.findings.push(Key::of(&found.hazard));
                }
            }
            InspectionEvent::EnforcementTaken(_) => {
                if let Some(firm) = self.visits.get(&key).map(|visit| visit.firm) {
                    let when = When { position: fact.position, day: fact.day.into() };
                    self.firm(firm).enforced.push(when);
                }
            }
            InspectionEvent::Sealed(_)
            | InspectionEvent::Opened(_)
            | InspectionEvent::Lapsed(_)
            | InspectionEvent::NothingFound(_) => {}
        }
    }
}

impl Projection for Accountability {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Hazard(event) => self.hazard(fact, event),
            Event::Enterprise(event) => self.roll.apply(fact, event),
            Event::Inspection(event) => self.inspection(fact, event),
            Event::Report(_)
            | Event::Reward(_)
            | Event::Actor(_)
            | Event::Rules(_)
            | Event::Ledger(_)
            | Event::Inquiry(_) => {}
        }
    }
}
