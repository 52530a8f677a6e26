//! Inspections: what was planned under seal, who was there, what was found, what followed (谁检查、谁签名、谁负责; plan,
//! mines, 36).

use adit_core::event::{Event, Fact};
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::inspection::{InspectionEvent, Status, open_by};
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{DayNumber, Key, NONE, Signers, Table, When};
use crate::roll::Roll;

pub(crate) const NAME: &str = "inspections";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &[
    "stream",
    "enterprise",
    "town",
    "sector",
    "found",
    "enforced",
    "openable",
    "sealed_by",
    "from",
    "to",
    "contains",
];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inspections {
    roll: Roll,
    signers: Signers,
    visits: Table<Key, Inspection>,
    /// Sealed plans, in the order of the log.
    plans: Vec<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Inspection {
    enterprise: u32,
    status: Status,
    begun: Option<When>,
    sealed: Option<When>,
    sealed_by: u32,
    opened: Option<When>,
    /// The entry of the visit, and the day on which it was made.
    performed: Option<(Position, DayNumber)>,
    by: u32,
    findings: Vec<(Position, Key)>,
    nothing_found: Option<Position>,
    enforcements: Vec<Position>,
}

/// One inspection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub inspection: StreamId,
    /// None while the plan is sealed, or where it named nobody.
    pub enterprise: Option<StreamId>,
    pub enterprise_name: String,
    pub status: Status,
    pub sealed_on: Option<Day>,
    pub sealed_at: Option<Position>,
    pub sealed_by: Vec<ActorId>,
    /// Last day to open the plan; none where it is not sealed any more.
    pub open_by: Option<Day>,
    /// Days left until then on the day that was asked; negative when it has passed.
    pub days_left: Option<i64>,
    pub opened_on: Option<Day>,
    pub performed_on: Option<Day>,
    pub performed_at: Option<Position>,
    /// Who was there and signed.
    pub by: Vec<ActorId>,
    /// Hazards that its findings opened.
    pub findings: Vec<StreamId>,
    pub nothing_found: bool,
    /// Entries of what was ordered or begun because of it.
    pub enforcements: Vec<Position>,
    /// Entries that prove it, in the order of the log.
    pub proof: Vec<Position>,
}

impl Inspection {
    /// Last day to open the plan, while it is sealed.
    fn open_by(&self) -> Option<Day> {
        let sealed = self.sealed.filter(|_| self.status == Status::Sealed && self.opened.is_none())?;
        Some(open_by(sealed.day.into()))
    }

    fn is_openable(&self, today: Day) -> bool {
        self.open_by().is_some_and(|day| today <= day)
    }
}

/// The first day on which a plan was sealed that can be opened on `today`.
fn first_openable(today: Day) -> Day {
    today.plus_days(-open_by(today).days_since(today))
}

impl Inspections {
    /// All in the order of the log.
    pub fn rows(&self, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today)).rows
    }

    /// The inspections of an enterprise, in the order of the log.
    pub fn of(&self, enterprise: &StreamId, today: Day) -> Vec<Row> {
        let Some(firm) = self.roll.find(enterprise) else { return Vec::new() };
        let of = self.visits.iter().filter(|(_, inspection)| inspection.enterprise == firm);
        of.map(|(key, inspection)| self.row(*key, inspection, today)).collect()
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let filter = ask.filter;
        let firms = self.roll.asked(filter.town.as_deref(), filter.sector, filter.contains.as_deref());
        let inspected = filter.enterprise.as_ref().map(|enterprise| self.roll.find(enterprise));
        let signed = filter.sealed_by.map(|actor| self.signers.with(actor));
        let wanted = self.looked_at(ask).filter(|(key, inspection)| {
            let firm = inspection.enterprise;
            let day = inspection.performed.map(|(_, day)| day).or(inspection.begun.map(|when| when.day));
            filter.stream.is_none_or(|stream| stream == key.stream(StreamKind::Inspection))
                && inspected.is_none_or(|wanted| wanted == Some(firm))
                && filter.found.is_none_or(|found| found != inspection.findings.is_empty())
                && filter.enforced.is_none_or(|enforced| enforced != inspection.enforcements.is_empty())
                && filter.openable.is_none_or(|openable| openable == inspection.is_openable(ask.today))
                && signed.as_ref().is_none_or(|signed| {
                    signed.get(inspection.sealed_by as usize).is_some_and(|sealed| *sealed)
                })
                && day.is_some_and(|day| ask.spans(day))
                && firms.as_ref().is_none_or(|firms| firms.get(firm as usize).is_some_and(|fits| *fits))
        });
        ask.page(wanted, |(key, inspection)| self.row(*key, inspection, ask.today))
    }

    /// The inspections among which those are that are asked for: of plans, none that was sealed before it could be one of them.
    fn looked_at<'a>(&'a self, ask: &Ask<'a>) -> Box<dyn Iterator<Item = &'a (Key, Inspection)> + 'a> {
        let filter = ask.filter;
        let since = match (filter.openable, filter.sealed_by) {
            (Some(true), _) => Some(first_openable(ask.today)),
            (_, Some(_)) => filter.from,
            (_, None) => None,
        };
        let Some(since) = since.map(DayNumber::from) else { return Box::new(self.visits.iter()) };
        let plan = |row: &u32| self.visits.at(*row);
        let before = self.plans.partition_point(|row| {
            plan(row).and_then(|(_, plan)| plan.sealed).is_some_and(|sealed| sealed.day < since)
        });
        Box::new(self.plans.iter().skip(before).filter_map(plan))
    }

    fn row(&self, key: Key, inspection: &Inspection, today: Day) -> Row {
        let firm = inspection.enterprise;
        let day = |when: Option<When>| when.map(|when| Day::from(when.day));
        let found = inspection.findings.iter().map(|(position, _)| *position);
        let performed = inspection.performed.map(|(position, _)| position);
        let begun = [inspection.sealed, inspection.opened].into_iter().flatten().map(When::position);
        let mut proof: Vec<Position> = begun
            .chain(performed)
            .chain(found)
            .chain(inspection.nothing_found)
            .chain(inspection.enforcements.iter().copied())
            .collect();
        proof.sort_unstable();
        Row {
            inspection: key.stream(StreamKind::Inspection),
            enterprise: (firm != NONE).then(|| self.roll.stream(firm)),
            enterprise_name: self.roll.name(firm).to_owned(),
            status: inspection.status,
            sealed_on: day(inspection.sealed),
            sealed_at: inspection.sealed.map(When::position),
            sealed_by: self.signers.actors(inspection.sealed_by),
            open_by: inspection.open_by(),
            days_left: inspection.open_by().map(|day| day.days_since(today)),
            opened_on: day(inspection.opened),
            performed_on: inspection.performed.map(|(_, day)| day.into()),
            performed_at: performed,
            by: self.signers.actors(inspection.by),
            findings: inspection
                .findings
                .iter()
                .map(|(_, hazard)| hazard.stream(StreamKind::Hazard))
                .collect(),
            nothing_found: inspection.nothing_found.is_some(),
            enforcements: inspection.enforcements.clone(),
            proof,
        }
    }

    fn inspection(&mut self, fact: &Fact, event: &InspectionEvent) {
        let now = When::of(fact);
        let new = || Inspection {
            enterprise: NONE,
            by: NONE,
            sealed_by: NONE,
            begun: Some(now),
            ..Inspection::default()
        };
        let row = self.visits.row(Key::of(&fact.stream), new);
        let Some(inspection) = self.visits.at_mut(row) else { return };
        match event {
            InspectionEvent::Sealed(_) => {
                inspection.status = Status::Sealed;
                inspection.sealed = Some(now);
                inspection.sealed_by = self.signers.number(&fact.by);
                self.plans.push(row);
            }
            InspectionEvent::Opened(opened) => {
                inspection.opened = Some(now);
                inspection.enterprise = self.roll.number(&opened.enterprise);
            }
            InspectionEvent::Lapsed(_) => {
                inspection.status = Status::Lapsed;
                inspection.opened = Some(now);
            }
            InspectionEvent::Performed(perform) => {
                inspection.status = Status::Performed;
                inspection.enterprise = self.roll.number(&perform.enterprise);
                inspection.performed = Some((fact.position, perform.day.into()));
                inspection.by = self.signers.number(&fact.by);
            }
            InspectionEvent::FindingRecorded(found) => {
                inspection.findings.push((fact.position, Key::of(&found.hazard)));
            }
            InspectionEvent::NothingFound(_) => inspection.nothing_found = Some(fact.position),
            InspectionEvent::EnforcementTaken(_) => inspection.enforcements.push(fact.position),
        }
    }
}

impl Projection for Inspections {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Inspection(event) => self.inspection(fact, event),
            Event::Enterprise(event) => self.roll.apply(fact, event),
            Event::Hazard(_)
            | Event::Report(_)
            | Event::Reward(_)
            | Event::Actor(_)
            | Event::Rules(_)
            | Event::Ledger(_)
            | Event::Concern(_)
            | Event::Inquiry(_)
            | Event::Access(_) => {}
        }
    }
}
