//! The register: the full list of hazards with where each stands (plan, mines, 11).

use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Origin, Report, Status, Step};
use adit_core::id::{StreamId, StreamKind};
use adit_core::rules::reward::Sector;
use adit_core::units::{Day, Fen, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Grade, Page, is};
use crate::compact::{DayNumber, Key, NONE, Table, When, Words};
use crate::roll::Roll;
use crate::standing::status_after;

pub(crate) const NAME: &str = "register";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &[
    "stream",
    "enterprise",
    "town",
    "sector",
    "origin",
    "status",
    "criterion",
    "grade",
    "overdue",
    "listed",
    "suspended",
    "from",
    "to",
    "contains",
];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Register {
    roll: Roll,
    criteria: Words,
    hazards: Table<Key, Hazard>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    enterprise: u32,
    origin: Origin,
    place: Box<str>,
    description: Box<str>,
    found_on: DayNumber,
    reported_at: Position,
    /// What whoever reported it thought, and what two inspectors verified.
    proposed: u32,
    criterion: u32,
    grade: Option<Grade>,
    status: Status,
    due: Option<DayNumber>,
    closed: Option<When>,
    listed: bool,
    suspended: bool,
    step: Option<Step>,
    reopened: u32,
    fined: Fines,
}

/// Penalties so far; in fen, because their text form would be read with every snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Fines {
    decisions: u32,
    fen: i64,
}

/// One hazard of the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub town: String,
    pub sector: Option<Sector>,
    pub origin: Origin,
    pub place: String,
    pub description: String,
    pub found_on: Day,
    /// The entry that reported it.
    pub reported_at: Position,
    /// None while it is not verified.
    pub grade: Option<Grade>,
    /// Criterion item of a major hazard; none for a general one, or while it is not verified.
    pub criterion: Option<String>,
    /// Criterion item that whoever reported it thought of.
    pub proposed_criterion: Option<String>,
    pub status: Status,
    pub due: Option<Day>,
    /// Its day of rectification has passed and it is not mended.
    pub overdue: bool,
    /// Days left for mending on the day that was asked; negative when overdue, none when nothing is to be mended.
    pub days_left: Option<i64>,
    pub listed: bool,
    pub production_suspended: bool,
    /// Last step of the ladder for slow progress.
    pub step: Option<Step>,
    pub times_reopened: u32,
    pub penalties: u32,
    /// Fines of unit and persons together.
    pub fined_yuan: Fen,
    pub closed_on: Option<Day>,
    pub closed_at: Option<Position>,
}

impl Hazard {
    fn overdue(&self, today: Day) -> bool {
        self.days_left(today).is_some_and(|days| days < 0)
    }

    /// The clock of rectification runs while the hazard is assigned.
    fn days_left(&self, today: Day) -> Option<i64> {
        let due = self.due.filter(|_| self.status == Status::Assigned)?;
        Some(Day::from(due).days_since(today))
    }
}

impl Register {
    /// All hazards in the order of the log.
    pub fn rows(&self, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today)).rows
    }

    /// The enterprise of a hazard.
    pub fn enterprise_of(&self, hazard: &StreamId) -> Option<StreamId> {
        self.hazards.get(&Key::of(hazard)).map(|hazard| self.roll.stream(hazard.enterprise))
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let wanted = self.hazards.iter().filter(|(key, hazard)| self.fits(*key, hazard, ask));
        ask.page(wanted, |(key, hazard)| self.row(*key, hazard, ask.today))
    }

    fn fits(&self, key: Key, hazard: &Hazard, ask: &Ask<'_>) -> bool {
        let filter = ask.filter;
        let firm = hazard.enterprise;
        is(filter.origin.as_ref(), &hazard.origin)
            && is(filter.status.as_ref(), &hazard.status)
            && filter.grade.is_none_or(|grade| hazard.grade == Some(grade))
            && is(filter.listed.as_ref(), &hazard.listed)
            && is(filter.suspended.as_ref(), &hazard.suspended)
            && filter.overdue.is_none_or(|overdue| overdue == hazard.overdue(ask.today))
            && filter.town.as_ref().is_none_or(|town| town == self.roll.town(firm))
            && filter.sector.is_none_or(|sector| self.roll.sector(firm) == Some(sector))
            && filter
                .criterion
                .as_ref()
                .is_none_or(|code| self.criteria.option(hazard.criterion).as_ref() == Some(code))
            && ask.spans(hazard.found_on)
            && ask.finds(&[self.roll.name(firm), &hazard.place, &hazard.description])
            && (ask.admits)(&key.stream(StreamKind::Hazard))
    }

    fn row(&self, key: Key, hazard: &Hazard, today: Day) -> Row {
        Row {
            hazard: key.stream(StreamKind::Hazard),
            enterprise: self.roll.stream(hazard.enterprise),
            enterprise_name: self.roll.name(hazard.enterprise).to_owned(),
            town: self.roll.town(hazard.enterprise).to_owned(),
            sector: self.roll.sector(hazard.enterprise),
            origin: hazard.origin,
            place: hazard.place.to_string(),
            description: hazard.description.to_string(),
            found_on: hazard.found_on.into(),
            reported_at: hazard.reported_at,
            grade: hazard.grade,
            criterion: self.criteria.option(hazard.criterion),
            proposed_criterion: self.criteria.option(hazard.proposed),
            status: hazard.status,
            due: hazard.due.map(Day::from),
            overdue: hazard.overdue(today),
            days_left: hazard.days_left(today),
            listed: hazard.listed,
            production_suspended: hazard.suspended,
            step: hazard.step,
            times_reopened: hazard.reopened,
            penalties: hazard.fined.decisions,
            fined_yuan: Fen(hazard.fined.fen),
            closed_on: hazard.closed.map(|closed| closed.day.into()),
            closed_at: hazard.closed.map(|closed| closed.position),
        }
    }

    fn reported(&mut self, fact: &Fact, report: &Report) {
        let hazard = Hazard {
            enterprise: self.roll.number(&report.enterprise),
            origin: report.origin,
            place: report.place.as_str().into(),
            description: report.description.as_str().into(),
            found_on: report.found_on.into(),
            reported_at: fact.position,
            proposed: report.criterion.as_ref().map_or(NONE, |code| self.criteria.number(code)),
            criterion: NONE,
            grade: None,
            status: Status::Reported,
            due: None,
            closed: None,
            listed: false,
            suspended: false,
            step: None,
            reopened: 0,
            fined: Fines::default(),
        };
        self.hazards.put(Key::of(&fact.stream), hazard);
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let Some(hazard) = self.hazards.get_mut(&Key::of(&fact.stream)) else {
            if let HazardEvent::Reported(report) = event {
                self.reported(fact, report);
            }
            return;
        };
        hazard.status = status_after(hazard.status, event);
        match event {
            HazardEvent::Verified(verified) => {
                let code = verified.criterion.as_ref();
                hazard.grade = Some(if code.is_some() { Grade::Major } else { Grade::General });
                hazard.criterion = code.map_or(NONE, |code| self.criteria.number(code));
            }
            HazardEvent::Assigned(assigned) => hazard.due = Some(assigned.assign.due.into()),
            // A failed review sets a new day; a passed one leaves the old.
            HazardEvent::Reviewed(review) => hazard.due = review.due.map(DayNumber::from).or(hazard.due),
            HazardEvent::Closed(_) => {
                hazard.closed = Some(When { position: fact.position, day: fact.day.into() });
            }
            HazardEvent::Reopened(_) => {
                hazard.due = None;
                hazard.closed = None;
                hazard.reopened += 1;
            }
            HazardEvent::Extended(extended) => hazard.due = Some(extended.until.into()),
            HazardEvent::ProductionSuspended(_) => hazard.suspended = true,
            HazardEvent::ProductionResumed(_) => hazard.suspended = false,
            HazardEvent::Listed(_) => hazard.listed = true,
            HazardEvent::Delisted(_) => hazard.listed = false,
            HazardEvent::Escalated(escalate) => hazard.step = Some(escalate.step),
            HazardEvent::Penalised(penalised) => {
                let fines = [penalised.penalise.unit_fine_yuan];
                let fines = fines.iter().chain(&penalised.penalise.person_fines_yuan);
                hazard.fined.decisions += 1;
                hazard.fined.fen = fines.fold(hazard.fined.fen, |sum, fine| sum.saturating_add(fine.0));
            }
            HazardEvent::Reported(_)
            | HazardEvent::Dismissed(_)
            | HazardEvent::Served(_)
            | HazardEvent::Acknowledged(_)
            | HazardEvent::Planned(_)
            | HazardEvent::Published(_)
            | HazardEvent::Committed(_)
            | HazardEvent::Evidenced(_)
            | HazardEvent::Confirmed(_)
            | HazardEvent::Rectified(_)
            | HazardEvent::Relieved(_)
            | HazardEvent::ReliefRefused(_)
            | HazardEvent::Merged(_)
            | HazardEvent::Overdue(_) => {}
        }
    }
}

impl Projection for Register {
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
