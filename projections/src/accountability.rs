//! Accountability (倒查追责): which major hazards call for an inquiry, by which trigger, proved by which entries; and the trace
//! of one hazard: who knew when, who signed, which inspections passed it by, what was not done in time.

use std::collections::BTreeMap;

use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Origin, Report, Status};
use adit_core::id::{StreamId, StreamKind};
use adit_core::inquiry::InquiryEvent;
use adit_core::inspection::InspectionEvent;
use adit_core::rules::Rules;
use adit_core::rules::accountability::{
    AccountabilityRules, Called, Counts, TraceFacts, Trigger, TriggerRule, in_force, triggers,
};
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{DayNumber, Key, NONE, Place, Table, When, Words};
use crate::roll::Roll;
use crate::standing::status_after;
use crate::{deadlines, inspections, notifications, timeline};

pub(crate) const NAME: &str = "accountability";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] =
    &["stream", "enterprise", "town", "sector", "trigger", "inquired", "from", "to", "contains"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accountability {
    roll: Roll,
    criteria: Words,
    hazards: Table<Key, Hazard>,
    /// Of each hazard that was opened again, by its row: when it was struck off, and when it was open again.
    reopened: Table<u32, Vec<(When, When)>>,
    /// The enterprise of each inspection, and its number among the visits there.
    inspections: Table<Key, (u32, u32)>,
    /// Visits of each enterprise, and what was ordered or fined there.
    firms: Vec<Firm>,
    /// Findings whose hazard comes in an entry that follows, with the number of the visit.
    awaited: Vec<(Key, u32)>,
    /// The hazards of each inquiry that is not concluded.
    inquiries: BTreeMap<Key, Vec<Key>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Firm {
    visits: Vec<Visit>,
    enforced: Vec<When>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Visit {
    performed: When,
    found: bool,
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
    /// Number of the visit that found it.
    found_by: u32,
    /// Decisions on a penalty or on relief.
    answered: bool,
    unpunished: Option<Place>,
    closed: Option<When>,
    /// Where an inquiry was opened on it last.
    inquired: Option<Place>,
    /// Inquiries on it that are not concluded.
    inquiries: u32,
}

/// What holds for every hazard of an enterprise on the day that is asked.
#[derive(Clone, Copy)]
struct Lately {
    with_findings: usize,
    enforced: bool,
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
    /// An inquiry on it is open, or looked into everything that calls for one.
    pub inquired: bool,
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
        let asked = |rule: &&TriggerRule| filter.trigger.is_none_or(|trigger| trigger == rule.name);
        let asked: Vec<&TriggerRule> = in_force(rules).filter(asked).collect();
        let everything = filter.stream.is_some() && filter.trigger.is_none();
        let counted = Counted::new(self, &rules.accountability, ask.today);
        let called = wanted.filter(|(key, hazard)| {
            everything || {
                let counts = counted.of(key, hazard);
                asked.iter().any(|rule| rule.holds(&counts))
            }
        });
        let inquired = |key: &Key, hazard: &Hazard| self.is_inquired(key, hazard, rules, ask.today);
        let called = called
            .filter(|(key, hazard)| filter.inquired.is_none_or(|wanted| wanted == inquired(key, hazard)));
        ask.page(called, |(key, hazard)| Row {
            hazard: key.stream(StreamKind::Hazard),
            enterprise: self.roll.stream(hazard.firm),
            enterprise_name: self.roll.name(hazard.firm).to_owned(),
            criterion: self.criteria.option(hazard.criterion),
            origin: hazard.origin,
            status: hazard.status,
            reported_at: hazard.reported.position(),
            reported_on: hazard.reported.day.into(),
            triggers: triggers(rules, &self.facts(key, hazard, &rules.accountability, ask.today)),
            inquired: inquired(key, hazard),
        })
    }

    /// Whether an inquiry on it is open, or was opened after every entry that calls for one.
    fn is_inquired(&self, key: &Key, hazard: &Hazard, rules: &Rules, today: Day) -> bool {
        let Some(opened) = hazard.inquired.map(Position::from) else { return false };
        if hazard.inquiries > 0 {
            return true;
        }
        let called = triggers(rules, &self.facts(key, hazard, &rules.accountability, today));
        // A hazard that came back at once is proved by its closing; what was not known is that it came back.
        let came_back = |proof: &Position| {
            self.reopened(key)
                .iter()
                .any(|(closed, again)| closed.position() == *proof && again.position() > opened)
        };
        let is_new = |called: &Called| {
            called.proof.iter().any(|proof| {
                *proof > opened || (called.trigger == Trigger::ReopenedAtOnce && came_back(proof))
            })
        };
        !called.iter().any(is_new)
    }

    fn inquiry(&mut self, fact: &Fact, event: &InquiryEvent) {
        let inquiry = Key::of(&fact.stream);
        match event {
            InquiryEvent::Opened(open) => {
                let hazards: Vec<Key> = open.hazards.iter().map(Key::of).collect();
                for hazard in &hazards {
                    if let Some(hazard) = self.hazards.get_mut(hazard) {
                        hazard.inquired = Some(fact.position.into());
                        hazard.inquiries += 1;
                    }
                }
                self.inquiries.insert(inquiry, hazards);
            }
            InquiryEvent::Concluded(_) => {
                for hazard in self.inquiries.remove(&inquiry).unwrap_or_default() {
                    if let Some(hazard) = self.hazards.get_mut(&hazard) {
                        hazard.inquiries = hazard.inquiries.saturating_sub(1);
                    }
                }
            }
            InquiryEvent::TraceAttached(_)
            | InquiryEvent::FindingRecorded(_)
            | InquiryEvent::ResponsibilityProposed(_) => {}
        }
    }

    /// Closings of a hazard that was opened again, with when it was.
    fn reopened(&self, key: &Key) -> &[(When, When)] {
        if self.reopened.len() == 0 {
            return &[];
        }
        let row = self.hazards.find(key);
        row.and_then(|row| self.reopened.get(&row)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Visits before the hazard was written down, from `first` on, that did not find it.
    fn passed_by(&self, hazard: &Hazard, first: DayNumber) -> impl Iterator<Item = When> {
        let visits = self.firms.get(hazard.firm as usize).map(|firm| firm.visits.as_slice());
        let (reported, found_by) = (hazard.reported, hazard.found_by);
        let before = visits.unwrap_or_default().iter().zip(0..);
        let before = before.take_while(move |(visit, _)| visit.performed.position() < reported.position());
        before
            .filter(move |(visit, number)| {
                first <= visit.performed.day && visit.performed.day <= reported.day && *number != found_by
            })
            .map(|(visit, _)| visit.performed)
    }

    fn facts(&self, key: &Key, hazard: &Hazard, rules: &AccountabilityRules, today: Day) -> TraceFacts {
        let reported = Day::from(hazard.reported.day);
        let first = first_day(rules, Trigger::NotFound, reported);
        let lately = |when: &When| rules.reaches(Trigger::NoEnforcement, when.day.into(), today);
        let firm = self.firms.get(hazard.firm as usize);
        let visits = firm.into_iter().flat_map(|firm| &firm.visits);
        let with_findings = visits.filter(|visit| visit.found && lately(&visit.performed));
        let enforced = firm.into_iter().flat_map(|firm| &firm.enforced).filter(|when| lately(when));
        let again = self.reopened(key).iter();
        TraceFacts {
            passed_by: self.passed_by(hazard, first).map(When::position).collect(),
            with_findings: with_findings.map(|visit| visit.performed.position()).collect(),
            enforced: enforced.map(|when| when.position()).collect(),
            understated: (!hazard.item_proposed).then_some(hazard.reported.position()),
            unpunished: hazard.unpunished.map(Position::from),
            reopened: again
                .map(|(closed, again)| (closed.position(), closed.day.into(), again.day.into()))
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

    fn reported(&mut self, key: Key, now: When, report: &Report) {
        let found = self.awaited.iter().position(|(found, _)| *found == key);
        let found_by = found.map_or(NONE, |found| self.awaited.swap_remove(found).1);
        let hazard = Hazard {
            firm: self.roll.number(&report.enterprise),
            status: Status::Reported,
            origin: report.origin,
            item_proposed: report.criterion.is_some(),
            criterion: NONE,
            reported: now,
            found_by,
            answered: false,
            unpunished: None,
            closed: None,
            inquired: None,
            inquiries: 0,
        };
        self.hazards.put(key, hazard);
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let (key, now) = (Key::of(&fact.stream), When::of(fact));
        if let HazardEvent::Reported(report) = event {
            self.reported(key, now, report);
            return;
        }
        let Some(row) = self.hazards.find(&key) else { return };
        let Some(hazard) = self.hazards.at_mut(row) else { return };
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
                hazard.unpunished = (found && !hazard.answered).then_some(fact.position.into());
            }
            HazardEvent::Reopened(_) => {
                if let Some(closed) = hazard.closed.take() {
                    let times = self.reopened.row(row, Vec::new);
                    if let Some(times) = self.reopened.at_mut(times) {
                        times.push((closed, now));
                    }
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
                let visits = &mut self.firm(firm).visits;
                let number = u32::try_from(visits.len()).unwrap_or(NONE);
                visits.push(Visit { performed: When::new(fact.position, perform.day), found: false });
                self.inspections.put(key, (firm, number));
            }
            InspectionEvent::FindingRecorded(found) => {
                let Some((firm, number)) = self.inspections.get(&key).copied() else { return };
                if let Some(visit) = self.firm(firm).visits.get_mut(number as usize) {
                    visit.found = true;
                }
                let hazard = Key::of(&found.hazard);
                match self.hazards.get_mut(&hazard) {
                    Some(hazard) => hazard.found_by = number,
                    None => self.awaited.push((hazard, number)),
                }
            }
            InspectionEvent::EnforcementTaken(_) => {
                if let Some((firm, _)) = self.inspections.get(&key).copied() {
                    self.firm(firm).enforced.push(When::of(fact));
                }
            }
            InspectionEvent::Sealed(_)
            | InspectionEvent::Opened(_)
            | InspectionEvent::Lapsed(_)
            | InspectionEvent::NothingFound(_) => {}
        }
    }
}

/// The first day from which on something counts for a trigger on `on`.
fn first_day(rules: &AccountabilityRules, trigger: Trigger, on: Day) -> DayNumber {
    rules.reach(trigger, on).map_or(DayNumber::MIN, DayNumber::from)
}

/// What decides on triggers, for one hazard after the other.
struct Counted<'a> {
    of: &'a Accountability,
    /// By enterprise.
    lately: Vec<Lately>,
    /// How far back an inspection passes a hazard by, by the day on which it was written down: from `since` on.
    reach: Vec<DayNumber>,
    since: DayNumber,
}

impl<'a> Counted<'a> {
    fn new(of: &'a Accountability, rules: &AccountabilityRules, today: Day) -> Self {
        let (first, last) = (first_day(rules, Trigger::NoEnforcement, today), DayNumber::from(today));
        let lately = |when: &When| first <= when.day && when.day <= last;
        let firms = of.firms.iter().map(|firm| Lately {
            with_findings: firm.visits.iter().filter(|visit| visit.found && lately(&visit.performed)).count(),
            enforced: firm.enforced.iter().any(lately),
        });
        let reported = || of.hazards.iter().map(|(_, hazard)| hazard.reported.day);
        // Entries come in the order of time, so that the days of all hazards lie close together.
        let (since, until) = (reported().min(), reported().max());
        let days = since.zip(until).map(|(since, until)| since.up_to(until));
        let reach = days.into_iter().flatten().map(|day| first_day(rules, Trigger::NotFound, day.into()));
        Self { of, lately: firms.collect(), reach: reach.collect(), since: since.unwrap_or_default() }
    }

    fn of(&self, key: &Key, hazard: &Hazard) -> Counts {
        let lately = self.lately.get(hazard.firm as usize);
        let reach = self.reach.get(hazard.reported.day.days_after(self.since));
        let reopened = self.of.reopened(key).iter();
        Counts {
            passed_by: reach.map_or(0, |first| self.of.passed_by(hazard, *first).count()),
            with_findings: lately.map_or(0, |lately| lately.with_findings),
            enforced: lately.is_some_and(|lately| lately.enforced),
            understated: !hazard.item_proposed,
            unpunished: hazard.unpunished.is_some(),
            reopened_after: reopened
                .map(|(closed, again)| Day::from(again.day).days_since(closed.day.into()))
                .min(),
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
            Event::Inquiry(event) => self.inquiry(fact, event),
            Event::Report(_)
            | Event::Reward(_)
            | Event::Actor(_)
            | Event::Rules(_)
            | Event::Ledger(_)
            | Event::Concern(_)
            | Event::Access(_) => {}
        }
    }
}
