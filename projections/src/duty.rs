//! The duty calendar: who has looked for major hazards in this period and who has not, and who is due to be inspected
//! (plan, mines, 9; industry, 4).

use adit_core::enterprise::{EnterpriseEvent, Risk};
use adit_core::event::{Event, Fact};
use adit_core::id::{StreamId, StreamKind};
use adit_core::inspection::InspectionEvent;
use adit_core::rules::reward::Sector;
use adit_core::rules::{Rules, duty};
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{DayNumber, Key, Table};
use crate::roll::Roll;

pub(crate) const NAME: &str = "duty";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] =
    &["stream", "enterprise", "town", "sector", "risk", "missed", "inspection_due", "contains"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Duty {
    roll: Roll,
    enterprises: Table<Key, Enterprise>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Enterprise {
    firm: u32,
    sector: Sector,
    metal_smelting: bool,
    registered: DayNumber,
    closed: bool,
    risk: Option<Risk>,
    /// Self-inspections: day, whether the principal led it, entry.
    own: Vec<(DayNumber, bool, Position)>,
    /// Newest visit: day and entry.
    inspected: Option<(DayNumber, Position)>,
}

/// One enterprise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub town: String,
    pub sector: Sector,
    pub risk: Option<Risk>,
    /// Calendar months in which it looks for major hazards once; none where no source says so.
    pub every_months: Option<u32>,
    /// Document and article.
    pub source: Option<String>,
    pub last_on: Option<Day>,
    pub last_led_by_principal: Option<bool>,
    pub last_at: Option<Position>,
    /// Whether it was done in the period that runs, led by the principal.
    pub done: bool,
    /// Last day of the period that runs.
    pub due: Option<Day>,
    /// Periods that ended without it, since the enterprise was registered.
    pub missed: u32,
    pub last_inspected_on: Option<Day>,
    pub last_inspected_at: Option<Position>,
    /// Day by which it is inspected, by its grade of risk; none while no such rule is in force.
    pub inspect_by: Option<Day>,
    pub inspection_overdue: bool,
}

impl Enterprise {
    /// Whether it was done between two days, led by the principal where that is asked for.
    fn done(&self, duty: &duty::Duty, from: Day, to: Day) -> bool {
        let (from, to) = (DayNumber::from(from), DayNumber::from(to));
        let counts = |led: bool| led || !duty.led_by_principal;
        self.own.iter().any(|(day, led, _)| from <= *day && *day <= to && counts(*led))
    }

    /// Periods that ended before `today` without it. The period in which it was registered does not count.
    fn missed(&self, duty: &duty::Duty, today: Day) -> u32 {
        let mut missed = 0;
        let (_, end) = duty.period(self.registered.into());
        let mut first = end.plus_days(1);
        loop {
            let (from, to) = duty.period(first);
            if to >= today {
                return missed;
            }
            missed += u32::from(!self.done(duty, from, to));
            first = to.plus_days(1);
        }
    }

    fn duty(&self, rules: &Rules, today: Day) -> Option<duty::Duty> {
        duty::self_inspection(rules, self.sector, self.metal_smelting, today)
    }

    fn inspect_by(&self, rules: &Rules, today: Day) -> Option<Day> {
        let duty = duty::inspection(rules, self.risk?, today)?;
        let since = self.inspected.map_or(self.registered, |(day, _)| day);
        Some(duty.again_by(since.into()))
    }
}

impl Duty {
    /// Every enterprise that is not closed, in the order of the log.
    pub fn rows(&self, rules: &Rules, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today), rules).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>, rules: &Rules) -> Page<Row> {
        let filter = ask.filter;
        let firms = self.roll.asked(filter.town.as_deref(), filter.sector, filter.contains.as_deref());
        let rows = ask.rows(&self.enterprises, StreamKind::Enterprise);
        let wanted = rows.filter_map(|row| self.enterprises.at(row)).filter(|(_, enterprise)| {
            let missed = || {
                let duty = enterprise.duty(rules, ask.today);
                duty.is_some_and(|duty| enterprise.missed(&duty, ask.today) > 0)
            };
            let inspect = || enterprise.inspect_by(rules, ask.today).is_some_and(|day| day < ask.today);
            !enterprise.closed
                && filter.risk.is_none_or(|risk| enterprise.risk == Some(risk))
                && firms.as_ref().is_none_or(|firms| firms[enterprise.firm as usize])
                && filter.missed.is_none_or(|wanted| wanted == missed())
                && filter.inspection_due.is_none_or(|wanted| wanted == inspect())
        });
        ask.page(wanted, |(key, enterprise)| self.row(*key, enterprise, rules, ask.today))
    }

    fn row(&self, key: Key, enterprise: &Enterprise, rules: &Rules, today: Day) -> Row {
        let duty = enterprise.duty(rules, today);
        let period = duty.as_ref().map(|duty| duty.period(today));
        let last = enterprise.own.iter().max_by_key(|(day, _, position)| (*day, *position));
        let inspect_by = enterprise.inspect_by(rules, today);
        Row {
            enterprise: key.stream(StreamKind::Enterprise),
            enterprise_name: self.roll.name(enterprise.firm).to_owned(),
            town: self.roll.town(enterprise.firm).to_owned(),
            sector: enterprise.sector,
            risk: enterprise.risk,
            every_months: duty.as_ref().map(|duty| duty.months),
            source: duty.as_ref().map(|duty| duty.source.clone()),
            last_on: last.map(|(day, _, _)| (*day).into()),
            last_led_by_principal: last.map(|(_, led, _)| *led),
            last_at: last.map(|(_, _, position)| *position),
            done: duty
                .as_ref()
                .zip(period)
                .is_some_and(|(duty, (from, _))| enterprise.done(duty, from, today)),
            due: period.map(|(_, to)| to),
            missed: duty.as_ref().map_or(0, |duty| enterprise.missed(duty, today)),
            last_inspected_on: enterprise.inspected.map(|(day, _)| day.into()),
            last_inspected_at: enterprise.inspected.map(|(_, position)| position),
            inspect_by,
            inspection_overdue: inspect_by.is_some_and(|day| day < today),
        }
    }

    fn enterprise(&mut self, fact: &Fact, event: &EnterpriseEvent) {
        self.roll.apply(fact, event);
        let key = Key::of(&fact.stream);
        if let EnterpriseEvent::Registered(register) = event {
            let enterprise = Enterprise {
                firm: self.roll.number(&fact.stream),
                sector: register.sector,
                metal_smelting: register.metal_smelting,
                registered: fact.day.into(),
                closed: false,
                risk: None,
                own: Vec::new(),
                inspected: None,
            };
            self.enterprises.put(key, enterprise);
        }
        let Some(enterprise) = self.enterprises.get_mut(&key) else { return };
        match event {
            EnterpriseEvent::Graded(grade) => enterprise.risk = grade.risk.or(enterprise.risk),
            EnterpriseEvent::SelfInspectionLogged(log) => {
                enterprise.own.push((log.inspected_on.into(), log.led_by_principal, fact.position));
            }
            EnterpriseEvent::Closed(_) => enterprise.closed = true,
            EnterpriseEvent::Registered(_)
            | EnterpriseEvent::LicenceChanged(_)
            | EnterpriseEvent::ControllerChanged(_)
            | EnterpriseEvent::ChannelOpened(_)
            | EnterpriseEvent::ChannelClosed(_)
            | EnterpriseEvent::ParentChanged(_)
            | EnterpriseEvent::PrincipalChanged(_)
            | EnterpriseEvent::AccidentRecorded(_)
            | EnterpriseEvent::ResumptionAccepted(_)
            | EnterpriseEvent::ClosurePetitioned(_) => {}
        }
    }
}

impl Projection for Duty {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        if let Event::Enterprise(event) = &fact.event {
            self.enterprise(fact, event);
        }
        if let Event::Inspection(InspectionEvent::Performed(perform)) = &fact.event
            && let Some(enterprise) = self.enterprises.get_mut(&Key::of(&perform.enterprise))
        {
            let visit = (perform.day.into(), fact.position);
            enterprise.inspected = Some(enterprise.inspected.map_or(visit, |before| before.max(visit)));
        }
    }
}
