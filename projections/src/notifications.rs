//! Notifications: which hazards were served on principal and actual controller, and whether the enterprise has acknowledged
//! it (plan, mines, 11).

use adit_core::event::{Event, Fact};
use adit_core::hazard::HazardEvent;
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{Key, Signers, Table, When};
use crate::roll::Roll;

pub(crate) const NAME: &str = "notifications";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] =
    &["stream", "enterprise", "town", "sector", "acknowledged", "from", "to", "contains"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Notifications {
    roll: Roll,
    signers: Signers,
    /// The enterprise of each hazard, and its notices.
    hazards: Table<Key, (u32, Vec<Notice>)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Notice {
    served: When,
    by: u32,
    principal: bool,
    controller: bool,
    acknowledged: Option<When>,
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub served_at: Position,
    pub served_on: Day,
    pub served_by: Vec<ActorId>,
    /// Served on the principal (主要负责人).
    pub principal: bool,
    /// Served on the actual controller (实际控制人).
    pub controller: bool,
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
        let hazards = ask.rows(&self.hazards, StreamKind::Hazard).filter_map(|row| self.hazards.at(row));
        let there = |firm: u32| firms.as_ref().is_none_or(|firms| firms[firm as usize]);
        let hazards = hazards.filter(|(_, (firm, _))| there(*firm));
        let notices = hazards
            .flat_map(|(key, (firm, notices))| notices.iter().map(move |notice| (*key, *firm, notice)));
        let wanted = notices.filter(|(_, _, notice)| {
            filter.acknowledged.is_none_or(|wanted| wanted == notice.acknowledged.is_some())
                && ask.spans(notice.served.day)
        });
        ask.page(wanted, |(key, firm, notice)| {
            let (served, day) =
                (Day::from(notice.served.day), notice.acknowledged.map(|when| Day::from(when.day)));
            Row {
                hazard: key.stream(StreamKind::Hazard),
                enterprise: self.roll.stream(firm),
                enterprise_name: self.roll.name(firm).to_owned(),
                served_at: notice.served.position(),
                served_on: served,
                served_by: self.signers.actors(notice.by),
                principal: notice.principal,
                controller: notice.controller,
                acknowledged_at: notice.acknowledged.map(When::position),
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
            self.hazards.put(key, (firm, Vec::new()));
        }
        let Some((_, notices)) = self.hazards.get_mut(&key) else { return };
        if let HazardEvent::Served(serve) = event {
            let (principal, controller) = (serve.principal, serve.controller);
            let by = self.signers.number(&fact.by);
            notices.push(Notice { served: now, by, principal, controller, acknowledged: None });
        }
        // One acknowledgement answers for everything that was served before it.
        if matches!(event, HazardEvent::Acknowledged(_)) {
            for notice in notices.iter_mut() {
                notice.acknowledged.get_or_insert(now);
            }
        }
    }
}
