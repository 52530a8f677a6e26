//! The register: the full list of hazards with where each stands (plan, mines, 11).

use std::collections::BTreeSet;

use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Origin, Report, Status, Step};
use adit_core::id::{StreamId, StreamKind};
use adit_core::rules::Rules;
use adit_core::rules::reward::Sector;
use adit_core::units::{Day, Fen, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Grade, Page};
use crate::compact::{DayNumber, Key, NONE, Table, Texts, Waiting, When, Words};
use crate::next::{Next, Stands};
use crate::roll::Roll;
use crate::standing::waits;

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
    "ended",
    "listed",
    "suspended",
    "next",
    "from",
    "to",
    "contains",
    "order",
];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Register {
    roll: Roll,
    criteria: Words,
    hazards: Table<Key, Hazard>,
    /// What filters ask of each hazard, close together: a query looks at all of them.
    asked: Vec<Asked>,
    /// Hazards that are not done with, by status.
    waiting: Waiting<Status>,
    /// Hazards that wait for what is done beside the line of their life.
    beside: Waiting<Next>,
    /// Place and description of each hazard.
    texts: Texts,
    /// The newest hazard of each enterprise.
    newest: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    enterprise: u32,
    /// The hazard of the same enterprise before this one.
    before: u32,
    /// The item that two inspectors verified.
    criterion: u32,
    found_on: DayNumber,
    due: Option<DayNumber>,
    origin: Origin,
    listed: bool,
    stands: Stands,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    reported_at: Position,
    /// What whoever reported it thought.
    proposed: u32,
    /// By which day what was mended last is to be reviewed.
    review_due: Option<DayNumber>,
    closed: Option<When>,
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
    /// Last day for the review of what was mended; none while nothing waits for one, or where no rule gives a day.
    pub review_due: Option<Day>,
    /// Days left for what comes next, to mend or to review, on the day that was asked; negative when it is late, none where no
    /// day is set.
    pub days_left: Option<i64>,
    /// What can be done now, each by whom it is for.
    pub next: Vec<Next>,
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

impl Asked {
    fn overdue(&self, today: DayNumber) -> bool {
        self.stands.status == Status::Assigned && self.due.is_some_and(|due| due < today)
    }
}

impl Register {
    /// All hazards in the order of the log.
    pub fn rows(&self, rules: &Rules, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today), rules).rows
    }

    pub(crate) fn len(&self) -> usize {
        self.asked.len()
    }

    /// The enterprise of a hazard.
    pub fn enterprise_of(&self, hazard: &StreamId) -> Option<StreamId> {
        let row = self.hazards.find(&Key::of(hazard))?;
        self.asked.get(row as usize).map(|asked| self.roll.stream(asked.enterprise))
    }

    /// The hazards of an enterprise, newest first.
    pub fn hazards_of(&self, enterprise: &StreamId) -> Vec<StreamId> {
        let firm = self.roll.find(enterprise);
        let mut next = firm.and_then(|firm| self.newest.get(firm as usize)).copied().unwrap_or(NONE);
        let mut hazards = Vec::new();
        while let Some((asked, (key, _))) = self.asked.get(next as usize).zip(self.hazards.at(next)) {
            hazards.push(key.stream(StreamKind::Hazard));
            next = asked.before;
        }
        hazards
    }

    pub(crate) fn query(&self, ask: &Ask<'_>, rules: &Rules) -> Page<Row> {
        let filter = ask.filter;
        let criterion = filter.criterion.as_ref().map(|code| self.criteria.find(code));
        let firms = self.roll.asked(filter.town.as_deref(), filter.sector, None);
        let words = filter.contains.as_deref();
        let named = words.and_then(|words| self.roll.asked(None, None, Some(words)));
        let told = words.map(|words| self.texts.with(words));
        let today = DayNumber::from(ask.today);
        let (from, to) = (filter.from.map(DayNumber::from), filter.to.map(DayNumber::from));
        let has = |found: &Option<Vec<bool>>, at: u32| found.as_ref().is_some_and(|found| found[at as usize]);
        let fits = |row: u32, asked: &Asked| {
            filter.origin.is_none_or(|origin| asked.origin == origin)
                && filter.status.is_none_or(|status| asked.stands.status == status)
                && filter.grade.is_none_or(|grade| asked.stands.grade == Some(grade))
                && filter.listed.is_none_or(|listed| asked.listed == listed)
                && filter.suspended.is_none_or(|suspended| asked.stands.suspended == suspended)
                && filter.next.is_none_or(|next| asked.stands.waits_for(next, rules))
                && filter.ended.is_none_or(|ended| ended == waits(asked.stands.status).is_none())
                && filter.overdue.is_none_or(|overdue| asked.overdue(today) == overdue)
                && criterion.is_none_or(|number| number.is_some() && number == Some(asked.criterion))
                && from.is_none_or(|from| from <= asked.found_on)
                && to.is_none_or(|to| asked.found_on <= to)
                && (firms.is_none() || has(&firms, asked.enterprise))
                && (words.is_none() || has(&told, row) || has(&named, asked.enterprise))
        };
        let waiting =
            filter.next.map_or_else(|| ask.waiting(&self.waiting), |next| Some(self.waits_for(next)));
        let all = ask.rows_of(waiting, &self.hazards, StreamKind::Hazard);
        let wanted = all.filter_map(|row| Some((row, self.asked.get(row as usize)?)));
        ask.page_by(
            wanted.filter(|(row, asked)| fits(*row, asked)),
            |(row, asked)| self.next_due(*row, asked),
            |(row, asked)| self.row(row, asked, rules, ask.today),
        )
    }

    /// The hazards among which those are that wait for `next`.
    fn waits_for(&self, next: Next) -> &BTreeSet<u32> {
        match next.status() {
            Some(status) => self.waiting.rows(&status),
            None => self.beside.rows(&next),
        }
    }

    fn review_due(&self, row: u32, asked: &Asked) -> Option<DayNumber> {
        let hazard = self.hazards.at(row).filter(|_| asked.stands.status == Status::Rectified);
        hazard.and_then(|(_, hazard)| hazard.review_due)
    }

    /// The last day for what comes next: to mend what is assigned, to review what is mended.
    fn next_due(&self, row: u32, asked: &Asked) -> Option<DayNumber> {
        if asked.stands.status == Status::Assigned { asked.due } else { self.review_due(row, asked) }
    }

    fn row(&self, row: u32, asked: &Asked, rules: &Rules, today: Day) -> Row {
        let (key, hazard) =
            self.hazards.at(row).map_or((Key::default(), None), |(key, hazard)| (*key, Some(hazard)));
        let firm = asked.enterprise;
        let mut texts = self.texts.of(row).map(str::to_owned);
        let fined = hazard.map(|hazard| hazard.fined).unwrap_or_default();
        let closed = hazard.and_then(|hazard| hazard.closed);
        Row {
            hazard: key.stream(StreamKind::Hazard),
            enterprise: self.roll.stream(firm),
            enterprise_name: self.roll.name(firm).to_owned(),
            town: self.roll.town(firm).to_owned(),
            sector: self.roll.sector(firm),
            origin: asked.origin,
            place: texts.next().unwrap_or_default(),
            description: texts.next().unwrap_or_default(),
            found_on: asked.found_on.into(),
            reported_at: hazard.map(|hazard| hazard.reported_at).unwrap_or_default(),
            grade: asked.stands.grade,
            criterion: self.criteria.option(asked.criterion),
            proposed_criterion: hazard.and_then(|hazard| self.criteria.option(hazard.proposed)),
            status: asked.stands.status,
            due: asked.due.map(Day::from),
            overdue: asked.overdue(today.into()),
            review_due: self.review_due(row, asked).map(Day::from),
            days_left: self.next_due(row, asked).map(|due| Day::from(due).days_since(today)),
            next: asked.stands.next(rules),
            listed: asked.listed,
            production_suspended: asked.stands.suspended,
            step: hazard.and_then(|hazard| hazard.step),
            times_reopened: hazard.map_or(0, |hazard| hazard.reopened),
            penalties: fined.decisions,
            fined_yuan: Fen(fined.fen),
            closed_on: closed.map(|closed| closed.day.into()),
            closed_at: closed.map(When::position),
        }
    }

    fn reported(&mut self, fact: &Fact, report: &Report) {
        let firm = self.roll.number(&report.enterprise);
        if self.newest.len() <= firm as usize {
            self.newest.resize(firm as usize + 1, NONE);
        }
        let row = self.hazards.len();
        let before = std::mem::replace(&mut self.newest[firm as usize], row);
        self.hazards.put(
            Key::of(&fact.stream),
            Hazard {
                reported_at: fact.position,
                proposed: report.criterion.as_ref().map_or(NONE, |code| self.criteria.number(code)),
                review_due: None,
                closed: None,
                step: None,
                reopened: 0,
                fined: Fines::default(),
            },
        );
        self.texts.push(&[report.place.as_str(), report.description.as_str()]);
        self.asked.push(Asked {
            enterprise: firm,
            before,
            criterion: NONE,
            found_on: report.found_on.into(),
            due: None,
            origin: report.origin,
            listed: false,
            stands: Stands::reported(),
        });
        self.waiting.moves(row, None, waits(Status::Reported));
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let Some(row) = self.hazards.find(&Key::of(&fact.stream)) else {
            if let HazardEvent::Reported(report) = event {
                self.reported(fact, report);
            }
            return;
        };
        let (Some(asked), Some(hazard)) = (self.asked.get_mut(row as usize), self.hazards.at_mut(row)) else {
            return;
        };
        let before = asked.stands.clone();
        asked.stands.apply(event);
        let after = &asked.stands;
        self.waiting.moves(row, waits(before.status), waits(after.status));
        for next in Next::BESIDE {
            let may = |stands: &Stands| stands.may_wait_for(next).then_some(next);
            self.beside.moves(row, may(&before), may(after));
        }
        match event {
            HazardEvent::Verified(verified) => {
                let code = verified.criterion.as_ref();
                asked.criterion = code.map_or(NONE, |code| self.criteria.number(code));
            }
            HazardEvent::Assigned(assigned) => asked.due = Some(assigned.assign.due.into()),
            // A failed review sets a new day; a passed one leaves the old.
            HazardEvent::Reviewed(review) => asked.due = review.due.map(DayNumber::from).or(asked.due),
            HazardEvent::Rectified(rectified) => {
                hazard.review_due = rectified.review_due.map(DayNumber::from);
            }
            HazardEvent::Closed(_) => hazard.closed = Some(When::of(fact)),
            HazardEvent::Reopened(_) => {
                asked.due = None;
                hazard.closed = None;
                hazard.reopened += 1;
            }
            HazardEvent::Extended(extended) => asked.due = Some(extended.until.into()),
            HazardEvent::Listed(_) => asked.listed = true,
            HazardEvent::Delisted(_) => asked.listed = false,
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
            | HazardEvent::ExtensionRequested(_)
            | HazardEvent::ExtensionRefused(_)
            | HazardEvent::ProductionSuspended(_)
            | HazardEvent::ProductionResumed(_)
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
            | Event::Concern(_)
            | Event::Inquiry(_)
            | Event::Access(_) => {}
        }
    }
}
