//! Enterprises: who each is, who stands behind it and since when, what is open there, what was fined, and whether an open
//! major hazard vetoes its standardisation (industry, 8).

use std::collections::BTreeSet;

use adit_core::enterprise::{EnterpriseEvent, Register, Risk};
use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Status};
use adit_core::id::{StreamId, StreamKind};
use adit_core::inspection::InspectionEvent;
use adit_core::rules::accident::AccidentGrade;
use adit_core::rules::closure::Licence;
use adit_core::rules::reward::Sector;
use adit_core::text::Text;
use adit_core::units::{Day, Fen, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{Key, NONE, Table, When, Words};
use crate::standing::status_after;

pub(crate) const NAME: &str = "enterprises";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] =
    &["stream", "enterprise", "town", "sector", "risk", "vetoed", "controller", "parent", "contains"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Enterprises {
    words: Words,
    firms: Table<Key, Enterprise>,
    /// Of each hazard its enterprise, whether it is major, and where it stands.
    hazards: Table<Key, (u32, bool, Status)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Enterprise {
    name: Box<str>,
    credit_code: Option<Box<str>>,
    sector: Sector,
    town: u32,
    licence: Licence,
    producing: bool,
    risk: Option<Risk>,
    standardisation: Option<(u8, When)>,
    controllers: Vec<(u32, When)>,
    parents: Vec<(u32, When)>,
    principals: Vec<(u32, When)>,
    open_major: BTreeSet<u32>,
    open_general: u32,
    closed_hazards: u32,
    penalties: u32,
    unit_fen: i64,
    person_penalties: u32,
    person_fen: i64,
    relieved: u32,
    inspections: u32,
    self_inspections: u32,
    accidents: Vec<(When, AccidentGrade, u32)>,
    suspended: Option<When>,
    petitioned: Option<Position>,
    closed: Option<When>,
}

/// Who stood behind an enterprise from when on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Holder {
    /// None where there was none any more.
    pub holder: Option<String>,
    pub since: Day,
    pub position: Position,
}

/// An accident.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accident {
    pub day: Day,
    pub position: Position,
    pub grade: AccidentGrade,
    pub deaths: u32,
}

/// One enterprise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub credit_code: Option<String>,
    pub sector: Sector,
    pub town: String,
    pub licence: Licence,
    pub producing: bool,
    pub risk: Option<Risk>,
    /// Grade of standardisation, 1 to 3.
    pub standardisation: Option<u8>,
    /// An open major hazard vetoes any grade (一票否决).
    pub vetoed: bool,
    pub vetoed_by: Vec<StreamId>,
    /// Actual controllers, parents and principals, oldest first.
    pub controllers: Vec<Holder>,
    pub parents: Vec<Holder>,
    pub principals: Vec<Holder>,
    pub open_major: usize,
    pub open_general: u32,
    pub closed_hazards: u32,
    /// Decisions against the unit, and what it was fined.
    pub unit_penalties: u32,
    pub unit_fines_yuan: Fen,
    /// Decisions against persons in the same cases (一案双罚).
    pub person_penalties: u32,
    pub person_fines_yuan: Fen,
    pub relieved: u32,
    pub inspections: u32,
    pub self_inspections: u32,
    pub accidents: Vec<Accident>,
    /// Production stands still after a fatal accident since this day.
    pub stands_still_since: Option<Day>,
    pub petitioned_at: Option<Position>,
    pub closed_on: Option<Day>,
}

impl Enterprises {
    /// All in the order of the log.
    pub fn rows(&self) -> Vec<Row> {
        self.query(&Ask::all(Day::default())).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let filter = ask.filter;
        let number = |text: &Option<String>| text.as_ref().map(|text| self.words.find(text));
        let (town, controller) = (number(&filter.town), number(&filter.controller));
        let parent = number(&filter.parent);
        let now = |holders: &[(u32, When)]| holders.last().map(|(holder, _)| *holder);
        let rows = ask.rows(&self.firms, StreamKind::Enterprise);
        let wanted = rows.filter_map(|row| self.firms.at(row)).filter(|(_, enterprise)| {
            town.is_none_or(|town| town == Some(enterprise.town))
                && filter.sector.is_none_or(|sector| enterprise.sector == sector)
                && filter.risk.is_none_or(|risk| enterprise.risk == Some(risk))
                && filter.vetoed.is_none_or(|vetoed| vetoed != enterprise.open_major.is_empty())
                && controller.is_none_or(|wanted| wanted.is_some() && wanted == now(&enterprise.controllers))
                && parent.is_none_or(|wanted| wanted.is_some() && wanted == now(&enterprise.parents))
                && filter.contains.as_deref().is_none_or(|words| enterprise.name.contains(words))
        });
        ask.page(wanted, |(key, enterprise)| self.row(*key, enterprise))
    }

    fn row(&self, key: Key, enterprise: &Enterprise) -> Row {
        let holders = |holders: &[(u32, When)]| {
            let holder = |(holder, since): &(u32, When)| Holder {
                holder: self.words.option(*holder),
                since: since.day.into(),
                position: since.position(),
            };
            holders.iter().map(holder).collect()
        };
        let hazard = |row: &u32| self.hazards.at(*row).map(|(key, _)| key.stream(StreamKind::Hazard));
        Row {
            enterprise: key.stream(StreamKind::Enterprise),
            enterprise_name: enterprise.name.to_string(),
            credit_code: enterprise.credit_code.as_ref().map(ToString::to_string),
            sector: enterprise.sector,
            town: self.words.text(enterprise.town).to_owned(),
            licence: enterprise.licence,
            producing: enterprise.producing,
            risk: enterprise.risk,
            standardisation: enterprise.standardisation.map(|(level, _)| level),
            vetoed: !enterprise.open_major.is_empty(),
            vetoed_by: enterprise.open_major.iter().filter_map(hazard).collect(),
            controllers: holders(&enterprise.controllers),
            parents: holders(&enterprise.parents),
            principals: holders(&enterprise.principals),
            open_major: enterprise.open_major.len(),
            open_general: enterprise.open_general,
            closed_hazards: enterprise.closed_hazards,
            unit_penalties: enterprise.penalties,
            unit_fines_yuan: Fen(enterprise.unit_fen),
            person_penalties: enterprise.person_penalties,
            person_fines_yuan: Fen(enterprise.person_fen),
            relieved: enterprise.relieved,
            inspections: enterprise.inspections,
            self_inspections: enterprise.self_inspections,
            accidents: enterprise
                .accidents
                .iter()
                .map(|(when, grade, deaths)| Accident {
                    day: when.day.into(),
                    position: when.position(),
                    grade: *grade,
                    deaths: *deaths,
                })
                .collect(),
            stands_still_since: enterprise.suspended.map(|when| when.day.into()),
            petitioned_at: enterprise.petitioned,
            closed_on: enterprise.closed.map(|when| when.day.into()),
        }
    }

    fn registered(&mut self, fact: &Fact, register: &Register) {
        let now = When::of(fact);
        let mut since = |name: Option<&str>| {
            name.map(|name| (self.words.number(name), now)).into_iter().collect::<Vec<_>>()
        };
        let controllers = since(register.controller.as_ref().map(Text::as_str));
        let parents = since(register.parent.as_ref().map(Text::as_str));
        let enterprise = Enterprise {
            name: register.name.as_str().into(),
            credit_code: register.credit_code.as_ref().map(|code| code.as_str().into()),
            sector: register.sector,
            town: self.words.number(register.town.as_str()),
            licence: register.licence,
            producing: register.producing,
            risk: None,
            standardisation: None,
            controllers,
            parents,
            principals: Vec::new(),
            open_major: BTreeSet::new(),
            open_general: 0,
            closed_hazards: 0,
            penalties: 0,
            unit_fen: 0,
            person_penalties: 0,
            person_fen: 0,
            relieved: 0,
            inspections: 0,
            self_inspections: 0,
            accidents: Vec::new(),
            suspended: None,
            petitioned: None,
            closed: None,
        };
        self.firms.put(Key::of(&fact.stream), enterprise);
    }

    fn enterprise(&mut self, fact: &Fact, event: &EnterpriseEvent) {
        if let EnterpriseEvent::Registered(register) = event {
            self.registered(fact, register);
        }
        let now = When::of(fact);
        let Some(enterprise) = self.firms.get_mut(&Key::of(&fact.stream)) else { return };
        let holder = |words: &mut Words, holder: Option<&str>| holder.map_or(NONE, |name| words.number(name));
        match event {
            EnterpriseEvent::Registered(_)
            | EnterpriseEvent::ChannelOpened(_)
            | EnterpriseEvent::ChannelClosed(_) => {}
            EnterpriseEvent::LicenceChanged(change) => {
                enterprise.licence = change.licence;
                enterprise.producing = change.producing;
            }
            EnterpriseEvent::ControllerChanged(change) => {
                let to = holder(&mut self.words, change.holder.as_ref().map(Text::as_str));
                enterprise.controllers.push((to, now));
            }
            EnterpriseEvent::ParentChanged(change) => {
                let to = holder(&mut self.words, change.holder.as_ref().map(Text::as_str));
                enterprise.parents.push((to, now));
            }
            EnterpriseEvent::PrincipalChanged(change) => {
                let to = holder(&mut self.words, change.holder.as_ref().map(Text::as_str));
                enterprise.principals.push((to, now));
            }
            EnterpriseEvent::Graded(grade) => {
                enterprise.risk = grade.risk.or(enterprise.risk);
                enterprise.standardisation =
                    grade.standardisation.map(|level| (level, now)).or(enterprise.standardisation);
            }
            EnterpriseEvent::AccidentRecorded(recorded) => {
                let accident = &recorded.accident;
                let when = When::new(fact.position, accident.day);
                enterprise.accidents.push((when, recorded.grade, accident.deaths));
                if recorded.suspends {
                    enterprise.suspended = Some(when);
                }
            }
            EnterpriseEvent::SelfInspectionLogged(_) => enterprise.self_inspections += 1,
            EnterpriseEvent::ResumptionAccepted(_) => enterprise.suspended = None,
            EnterpriseEvent::ClosurePetitioned(_) => {
                enterprise.petitioned.get_or_insert(fact.position);
            }
            EnterpriseEvent::Closed(_) => {
                enterprise.producing = false;
                enterprise.closed = Some(now);
            }
        }
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let key = Key::of(&fact.stream);
        if let HazardEvent::Reported(report) = event {
            let firm = self.firms.find(&Key::of(&report.enterprise)).unwrap_or(NONE);
            self.hazards.put(key, (firm, false, Status::Reported));
            return;
        }
        let Some(row) = self.hazards.find(&key) else { return };
        let Some((firm, major, status)) = self.hazards.at_mut(row) else { return };
        let before = std::mem::replace(status, status_after(*status, event));
        let was_major = *major;
        if let HazardEvent::Verified(verified) = event {
            *major = verified.criterion.is_some();
        }
        let (firm, major, after) = (*firm, *major, *status);
        let Some(enterprise) = self.firms.at_mut(firm) else { return };
        enterprise.moves(row, (is_open(before), was_major), (is_open(after), major));
        enterprise.closed_hazards += u32::from(after == Status::Closed && before != Status::Closed);
        enterprise.closed_hazards -= u32::from(before == Status::Closed && after != Status::Closed);
        if let HazardEvent::Penalised(penalised) = event {
            let penalise = &penalised.penalise;
            enterprise.penalties += u32::from(penalise.unit_fine_yuan > Fen::ZERO);
            enterprise.unit_fen = enterprise.unit_fen.saturating_add(penalise.unit_fine_yuan.0);
            for fine in &penalise.person_fines_yuan {
                enterprise.person_penalties += 1;
                enterprise.person_fen = enterprise.person_fen.saturating_add(fine.0);
            }
        }
        enterprise.relieved += u32::from(matches!(event, HazardEvent::Relieved(_)));
    }
}

/// Verified and on the list.
fn is_open(status: Status) -> bool {
    matches!(status, Status::Verified | Status::Assigned | Status::Rectified | Status::Passed)
}

impl Enterprise {
    /// A hazard goes from open or not, major or not, to open or not, major or not.
    fn moves(&mut self, row: u32, before: (bool, bool), after: (bool, bool)) {
        match before {
            (true, true) => drop(self.open_major.remove(&row)),
            (true, false) => self.open_general -= 1,
            (false, _) => {}
        }
        match after {
            (true, true) => drop(self.open_major.insert(row)),
            (true, false) => self.open_general += 1,
            (false, _) => {}
        }
    }
}

impl Projection for Enterprises {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Hazard(event) => self.hazard(fact, event),
            Event::Enterprise(event) => self.enterprise(fact, event),
            Event::Inspection(InspectionEvent::Performed(perform)) => {
                if let Some(enterprise) = self.firms.get_mut(&Key::of(&perform.enterprise)) {
                    enterprise.inspections += 1;
                }
            }
            Event::Inspection(_)
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
