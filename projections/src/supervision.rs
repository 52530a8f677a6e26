//! Supervision (挂牌督办) and the ladder for slow progress: what is listed, what was missed, which step was taken, and which
//! one is called for next (plan, mines, 10).

use std::collections::BTreeSet;

use adit_core::event::{Event, Fact};
use adit_core::hazard::{ExtensionRequested, HazardEvent, Listed, Published, Status, Step};
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::rules::Rules;
use adit_core::rules::reward::Sector;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page, is};
use crate::compact::{DayNumber, Key, Signers, Table, Waiting, When, Words};
use crate::roll::Roll;
use crate::standing::{status_after, waits};

pub(crate) const NAME: &str = "supervision";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &[
    "stream",
    "enterprise",
    "town",
    "sector",
    "status",
    "listed",
    "extension",
    "called_for",
    "overdue",
    "ended",
    "contains",
    "order",
];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Supervision {
    roll: Roll,
    words: Words,
    signers: Signers,
    hazards: Table<Key, Hazard>,
    /// Hazards that are not done with, by status.
    waiting: Waiting<Status>,
    /// Hazards that are listed.
    listed: BTreeSet<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    enterprise: u32,
    status: Status,
    due: Option<DayNumber>,
    /// None while nothing of this kind has happened to it.
    watched: Option<Box<Watched>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Watched {
    listing: Option<Listing>,
    steps: Vec<(Step, When, u32)>,
    /// Clock and entry of each recorded miss.
    misses: Vec<(u32, When)>,
    called_for: Option<Step>,
    /// The last request for an extension.
    request: Option<Request>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Request {
    requested: When,
    until: DayNumber,
    decide_due: Option<DayNumber>,
    decided: Option<When>,
    standing: Extension,
}

/// What became of a request for an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extension {
    /// Not decided on yet.
    Waiting,
    Granted,
    NotGranted,
    /// It was mended before anybody decided.
    Lapsed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Listing {
    authority: Box<str>,
    listed: When,
    decided_on: DayNumber,
    record_due: Option<DayNumber>,
    recorded_late: bool,
    publish_due: Option<DayNumber>,
    published: Option<When>,
    notice_days: Option<u32>,
    delisted: Option<When>,
    delisting_published: Option<When>,
}

/// A step of the ladder that was taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Taken {
    pub step: Step,
    pub position: Position,
    pub day: Day,
    pub by: Vec<ActorId>,
}

/// A deadline that was missed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Miss {
    pub clock: String,
    pub position: Position,
    pub day: Day,
}

/// A hazard that is or was listed, late, or on the ladder, or for which an extension was asked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub town: String,
    pub sector: Option<Sector>,
    pub status: Status,
    pub due: Option<Day>,
    pub overdue: bool,
    /// Days left for what comes next, to decide on an extension or to mend, on the day that was asked; negative when it is
    /// late, none where no day is set.
    pub days_left: Option<i64>,
    pub listed: bool,
    /// The authority that supervises, or did.
    pub authority: Option<String>,
    pub listed_on: Option<Day>,
    pub listed_at: Option<Position>,
    /// When it was decided to list it.
    pub decided_on: Option<Day>,
    /// Last day to record the listing; none where no rule gives one.
    pub record_by: Option<Day>,
    /// It was recorded after that day.
    pub recorded_late: bool,
    /// Last day to publish the listing; none where no rule gives one.
    pub publish_by: Option<Day>,
    pub published_on: Option<Day>,
    /// Last day on which an extension can still be asked for.
    pub ask_extension_by: Option<Day>,
    /// What became of the last request for an extension.
    pub extension: Option<Extension>,
    pub extension_requested_on: Option<Day>,
    /// The day that was asked for.
    pub extension_until: Option<Day>,
    /// Last day to decide on it; none where no rule gives one.
    pub decide_extension_by: Option<Day>,
    pub extension_decided_on: Option<Day>,
    pub delisted_on: Option<Day>,
    pub delisting_published_on: Option<Day>,
    pub misses: Vec<Miss>,
    pub steps: Vec<Taken>,
    /// The step that a recorded miss calls for and that was not taken yet.
    pub called_for: Option<Step>,
}

impl Hazard {
    fn overdue(&self, today: Day) -> bool {
        self.runs_until().is_some_and(|due| due < DayNumber::from(today))
    }

    /// The clock of rectification runs while the hazard is assigned.
    fn runs_until(&self) -> Option<DayNumber> {
        self.due.filter(|_| self.status == Status::Assigned)
    }

    /// The request for an extension that nobody has decided on.
    fn asked(&self) -> Option<&Request> {
        let request = self.watched.as_ref()?.request.as_ref();
        request.filter(|request| request.standing == Extension::Waiting)
    }

    /// What is to be decided is due before what is to be mended.
    fn next_due(&self) -> Option<DayNumber> {
        self.asked().and_then(|request| request.decide_due).or_else(|| self.runs_until())
    }

    /// What became of the last request for an extension.
    fn extension(&self) -> Option<Extension> {
        self.watched.as_ref()?.request.as_ref().map(|request| request.standing)
    }

    fn called_for(&self) -> Option<Step> {
        let watched = self.watched.as_ref()?;
        watched.called_for.filter(|step| watched.steps.last().is_none_or(|(taken, _, _)| taken < step))
    }

    fn is_listed(&self) -> bool {
        let listing = self.watched.as_ref().and_then(|watched| watched.listing.as_ref());
        listing.is_some_and(|listing| listing.delisted.is_none())
    }
}

impl Supervision {
    /// All in the order of the log.
    pub fn rows(&self, rules: &Rules, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today), rules).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>, rules: &Rules) -> Page<Row> {
        let filter = ask.filter;
        let words = filter.contains.as_deref();
        let firms = self.roll.asked(filter.town.as_deref(), filter.sector, words);
        let listed = (filter.listed == Some(true)).then_some(&self.listed);
        let waiting = listed.or_else(|| ask.waiting(&self.waiting));
        let all = ask.rows_of(waiting, &self.hazards, StreamKind::Hazard);
        let all = all.filter_map(|row| self.hazards.at(row));
        let wanted = all.filter(|(_, hazard)| {
            (hazard.watched.is_some() || hazard.overdue(ask.today))
                && is(filter.status.as_ref(), &hazard.status)
                && filter.overdue.is_none_or(|overdue| overdue == hazard.overdue(ask.today))
                && filter.ended.is_none_or(|ended| ended == waits(hazard.status).is_none())
                && filter.listed.is_none_or(|listed| listed == hazard.is_listed())
                && filter.extension.is_none_or(|extension| hazard.extension() == Some(extension))
                && filter.called_for.is_none_or(|called| called == hazard.called_for().is_some())
                && firms.as_ref().is_none_or(|firms| firms[hazard.enterprise as usize])
        });
        ask.page_by(
            wanted,
            |(_, hazard)| hazard.next_due(),
            |(key, hazard)| self.row(*key, hazard, rules, ask.today),
        )
    }

    fn row(&self, key: Key, hazard: &Hazard, rules: &Rules, today: Day) -> Row {
        let nothing = Watched::default();
        let watched = hazard.watched.as_deref().unwrap_or(&nothing);
        let listing = watched.listing.as_ref();
        let request = watched.request.as_ref();
        let on = |when: Option<When>| when.map(|when| Day::from(when.day));
        // The last working day from which the notice still ends before the due day.
        let ask_by = listing.filter(|listing| listing.delisted.is_none()).and_then(|listing| {
            let (due, days) = (Day::from(hazard.due?), listing.notice_days?);
            rules.calendar.before_working_days(due, days).ok()
        });
        Row {
            hazard: key.stream(StreamKind::Hazard),
            enterprise: self.roll.stream(hazard.enterprise),
            enterprise_name: self.roll.name(hazard.enterprise).to_owned(),
            town: self.roll.town(hazard.enterprise).to_owned(),
            sector: self.roll.sector(hazard.enterprise),
            status: hazard.status,
            due: hazard.due.map(Day::from),
            overdue: hazard.overdue(today),
            days_left: hazard.next_due().map(|due| Day::from(due).days_since(today)),
            listed: hazard.is_listed(),
            authority: listing.map(|listing| listing.authority.to_string()),
            listed_on: on(listing.map(|listing| listing.listed)),
            listed_at: listing.map(|listing| listing.listed.position()),
            decided_on: listing.map(|listing| listing.decided_on.into()),
            record_by: listing.and_then(|listing| listing.record_due).map(Day::from),
            recorded_late: listing.is_some_and(|listing| listing.recorded_late),
            publish_by: listing.and_then(|listing| listing.publish_due).map(Day::from),
            published_on: on(listing.and_then(|listing| listing.published)),
            ask_extension_by: ask_by,
            extension: hazard.extension(),
            extension_requested_on: on(request.map(|request| request.requested)),
            extension_until: request.map(|request| request.until.into()),
            decide_extension_by: request.and_then(|request| request.decide_due).map(Day::from),
            extension_decided_on: on(request.and_then(|request| request.decided)),
            delisted_on: on(listing.and_then(|listing| listing.delisted)),
            delisting_published_on: on(listing.and_then(|listing| listing.delisting_published)),
            misses: watched
                .misses
                .iter()
                .map(|(clock, when)| Miss {
                    clock: self.words.text(*clock).to_owned(),
                    position: when.position(),
                    day: when.day.into(),
                })
                .collect(),
            steps: watched
                .steps
                .iter()
                .map(|(step, when, by)| Taken {
                    step: *step,
                    position: when.position(),
                    day: when.day.into(),
                    by: self.signers.actors(*by),
                })
                .collect(),
            called_for: hazard.called_for(),
        }
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let key = Key::of(&fact.stream);
        if let HazardEvent::Reported(report) = event {
            let enterprise = self.roll.number(&report.enterprise);
            let hazard = Hazard { enterprise, status: Status::Reported, due: None, watched: None };
            let row = self.hazards.row(key, || hazard);
            self.waiting.moves(row, None, waits(Status::Reported));
            return;
        }
        let Some(row) = self.hazards.find(&key) else { return };
        let Some(hazard) = self.hazards.at_mut(row) else { return };
        let now = When::of(fact);
        let before = hazard.status;
        hazard.status = status_after(before, event);
        self.waiting.moves(row, waits(before), waits(hazard.status));
        match event {
            HazardEvent::Assigned(assigned) => hazard.due = Some(assigned.assign.due.into()),
            HazardEvent::Reviewed(review) => hazard.due = review.due.map(DayNumber::from).or(hazard.due),
            HazardEvent::Extended(extended) => {
                hazard.due = Some(extended.until.into());
                hazard.answer(Extension::Granted, Some(now));
            }
            HazardEvent::ExtensionRequested(requested) => {
                hazard.watched.get_or_insert_default().request = Some(Request::of(requested, now));
            }
            HazardEvent::ExtensionRefused(_) => hazard.answer(Extension::NotGranted, Some(now)),
            HazardEvent::Rectified(_)
            | HazardEvent::Dismissed(_)
            | HazardEvent::Closed(_)
            | HazardEvent::Merged(_) => hazard.answer(Extension::Lapsed, None),
            HazardEvent::Reopened(_) => hazard.due = None,
            HazardEvent::Listed(listed) => {
                hazard.watched.get_or_insert_default().listing = Some(Listing::of(listed, now));
                self.listed.insert(row);
            }
            HazardEvent::Delisted(_) => {
                self.listed.remove(&row);
                if let Some(listing) = hazard.listing() {
                    listing.delisted = Some(now);
                }
            }
            HazardEvent::Published(published) => match (&published.publish.published, hazard.listing()) {
                (Published::Listing, Some(listing)) => listing.published = Some(now),
                (Published::Delisting, Some(listing)) => listing.delisting_published = Some(now),
                (Published::Penalty { .. }, _) | (_, None) => {}
            },
            HazardEvent::Escalated(escalate) => {
                let by = self.signers.number(&fact.by);
                hazard.watched.get_or_insert_default().steps.push((escalate.step, now, by));
            }
            HazardEvent::Overdue(overdue) => {
                let clock = self.words.number(&overdue.clock);
                let watched = hazard.watched.get_or_insert_default();
                watched.misses.push((clock, now));
                watched.called_for = overdue.calls_for.or(watched.called_for);
            }
            HazardEvent::Reported(_)
            | HazardEvent::Verified(_)
            | HazardEvent::Served(_)
            | HazardEvent::Acknowledged(_)
            | HazardEvent::Planned(_)
            | HazardEvent::Committed(_)
            | HazardEvent::Evidenced(_)
            | HazardEvent::Confirmed(_)
            | HazardEvent::ProductionSuspended(_)
            | HazardEvent::ProductionResumed(_)
            | HazardEvent::Penalised(_)
            | HazardEvent::Relieved(_)
            | HazardEvent::ReliefRefused(_) => {}
        }
    }
}

impl Hazard {
    fn listing(&mut self) -> Option<&mut Listing> {
        self.watched.as_mut()?.listing.as_mut()
    }

    /// What becomes of a request that waits.
    fn answer(&mut self, standing: Extension, decided: Option<When>) {
        let request = self.watched.as_mut().and_then(|watched| watched.request.as_mut());
        if let Some(request) = request.filter(|request| request.standing == Extension::Waiting) {
            request.standing = standing;
            request.decided = decided;
        }
    }
}

impl Request {
    fn of(requested: &ExtensionRequested, now: When) -> Self {
        Self {
            requested: now,
            until: requested.until.into(),
            decide_due: requested.decide_due.map(DayNumber::from),
            decided: None,
            standing: Extension::Waiting,
        }
    }
}

impl Listing {
    fn of(listed: &Listed, now: When) -> Self {
        Self {
            authority: listed.list.authority.as_str().into(),
            listed: now,
            decided_on: listed.list.decided_on.map_or(now.day, DayNumber::from),
            record_due: listed.record_due.map(DayNumber::from),
            recorded_late: listed.recorded_late,
            publish_due: listed.publish_due.map(DayNumber::from),
            published: None,
            notice_days: listed.extension_notice_days,
            delisted: None,
            delisting_published: None,
        }
    }
}

impl Projection for Supervision {
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
