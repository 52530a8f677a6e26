//! Notifications: which hazards were served on principal and actual controller, and whether the enterprise has acknowledged
//! it (plan, mines, 11).

use std::collections::BTreeSet;

use adit_core::event::{Event, Fact};
use adit_core::hazard::{Acknowledge, HazardEvent, Status};
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{Key, Signers, Table, When};
use crate::roll::Roll;
use crate::standing::{status_after, waits};

pub(crate) const NAME: &str = "notifications";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] =
    &["stream", "enterprise", "town", "sector", "acknowledged", "ended", "from", "to", "contains"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notifications {
    roll: Roll,
    signers: Signers,
    hazards: Table<Key, Hazard>,
    /// Open hazards with a notice that nobody has acknowledged.
    waiting: BTreeSet<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    firm: u32,
    status: Status,
    notices: Vec<Notice>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Notice {
    served: When,
    by: u32,
    principal: bool,
    controller: bool,
    /// When each of the two has acknowledged it.
    by_principal: Option<When>,
    by_controller: Option<When>,
}

impl Notice {
    /// When the last of those on whom it was served acknowledged it; none while one of them has not.
    fn acknowledged(&self) -> Option<When> {
        let principal = (self.principal, self.by_principal);
        let controller = (self.controller, self.by_controller);
        let asked =
            || [principal, controller].into_iter().filter(|(served, _)| *served).map(|(_, when)| when);
        if asked().all(|when| when.is_some()) { asked().flatten().max() } else { None }
    }

    fn acknowledge(&mut self, said: &Acknowledge, now: When) {
        if said.principal && self.principal {
            self.by_principal.get_or_insert(now);
        }
        if said.controller && self.controller {
            self.by_controller.get_or_insert(now);
        }
    }
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise: StreamId,
    pub enterprise_name: String,
    /// Where the hazard stands.
    pub status: Status,
    pub served_at: Position,
    pub served_on: Day,
    pub served_by: Vec<ActorId>,
    /// Served on the principal (主要负责人).
    pub principal: bool,
    /// Served on the actual controller (实际控制人).
    pub controller: bool,
    pub principal_acknowledged_on: Option<Day>,
    pub controller_acknowledged_on: Option<Day>,
    /// Where and when everybody on whom it was served had acknowledged it.
    pub acknowledged_at: Option<Position>,
    pub acknowledged_on: Option<Day>,
    /// Days from serving to the acknowledgement, or to the day that was asked.
    pub days: i64,
}

impl Notifications {
    /// All in the order of the hazards.
    pub fn rows(&self, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today)).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let filter = ask.filter;
        let firms = self.roll.asked(filter.town.as_deref(), filter.sector, filter.contains.as_deref());
        let waiting =
            (filter.acknowledged == Some(false) && filter.ended == Some(false)).then_some(&self.waiting);
        let hazards = ask.rows_of(waiting, &self.hazards, StreamKind::Hazard);
        let hazards = hazards.filter_map(|row| self.hazards.at(row)).filter(|(_, hazard)| {
            filter.ended.is_none_or(|ended| ended == waits(hazard.status).is_none())
                && firms.as_ref().is_none_or(|firms| firms[hazard.firm as usize])
        });
        let notices =
            hazards.flat_map(|(key, hazard)| hazard.notices.iter().map(move |notice| (*key, hazard, notice)));
        let wanted = notices.filter(|(_, _, notice)| {
            filter.acknowledged.is_none_or(|wanted| wanted == notice.acknowledged().is_some())
                && ask.spans(notice.served.day)
        });
        ask.page(wanted, |(key, hazard, notice)| {
            let on = |when: Option<When>| when.map(|when| Day::from(when.day));
            let (served, day) = (Day::from(notice.served.day), on(notice.acknowledged()));
            Row {
                hazard: key.stream(StreamKind::Hazard),
                enterprise: self.roll.stream(hazard.firm),
                enterprise_name: self.roll.name(hazard.firm).to_owned(),
                status: hazard.status,
                served_at: notice.served.position(),
                served_on: served,
                served_by: self.signers.actors(notice.by),
                principal: notice.principal,
                controller: notice.controller,
                principal_acknowledged_on: on(notice.by_principal),
                controller_acknowledged_on: on(notice.by_controller),
                acknowledged_at: notice.acknowledged().map(When::position),
                acknowledged_on: day,
                days: day.unwrap_or(ask.today).days_since(served),
            }
        })
    }
}

impl Projection for Notifications {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        if let Event::Enterprise(event) = &fact.event {
            self.roll.apply(fact, event);
        }
        let Event::Hazard(event) = &fact.event else { return };
        let (key, now) = (Key::of(&fact.stream), When::of(fact));
        if let HazardEvent::Reported(report) = event {
            let firm = self.roll.number(&report.enterprise);
            self.hazards.put(key, Hazard { firm, status: Status::Reported, notices: Vec::new() });
        }
        let Some(row) = self.hazards.find(&key) else { return };
        let Some(hazard) = self.hazards.at_mut(row) else { return };
        hazard.status = status_after(hazard.status, event);
        if let HazardEvent::Served(serve) = event {
            let (principal, controller) = (serve.principal, serve.controller);
            let by = self.signers.number(&fact.by);
            hazard.notices.push(Notice {
                served: now,
                by,
                principal,
                controller,
                by_principal: None,
                by_controller: None,
            });
        }
        // An acknowledgement answers for everything that was served before it on those for whom it is made.
        if let HazardEvent::Acknowledged(said) = event {
            hazard.notices.iter_mut().for_each(|notice| notice.acknowledge(said, now));
        }
        let open = hazard.notices.iter().any(|notice| notice.acknowledged().is_none());
        if waits(hazard.status).is_some() && open {
            self.waiting.insert(row);
        } else {
            self.waiting.remove(&row);
        }
    }
}
