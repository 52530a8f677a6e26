//! Repeat offenders: discoveries, penalties, recurrence of the same criterion item, accidents; counted over an enterprise,
//! its actual controller or its parent, with the entries that prove each (plan, mines, 11 and 26; industry, 6).

use std::collections::{BTreeMap, BTreeSet};

use adit_core::enterprise::{EnterpriseEvent, Register};
use adit_core::event::{Event, Fact};
use adit_core::hazard::HazardEvent;
use adit_core::id::{StreamId, StreamKind};
use adit_core::rules::accident::AccidentGrade;
use adit_core::rules::closure::{
    ClosureFacts, Licence, closure, fatal_accident, interview, is_called_for, larger_accident, recurrence,
};
use adit_core::rules::{Reason, Rules};
use adit_core::text::Text;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{DayNumber, Key, NONE, Table, When, Words};

pub(crate) const NAME: &str = "repeat_offenders";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &["enterprise", "by", "controller", "parent", "petition", "contains"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RepeatOffenders {
    words: Words,
    enterprises: Table<Key, Enterprise>,
    /// Verified major hazards: enterprise and criterion.
    hazards: Table<Key, (u32, u32)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Enterprise {
    name: Box<str>,
    controller: u32,
    parent: u32,
    licence: Licence,
    producing: bool,
    petitioned: Option<Position>,
    closed: bool,
    incidents: Vec<Incident>,
    /// A fatal accident after which it has not been accepted that production goes on.
    fatal: Option<When>,
    /// Criterion items that were struck off the list once, with the entry that did.
    closings: BTreeMap<u32, Position>,
    recurrences: Vec<Recurrence>,
}

/// What is counted, with who stood behind the enterprise then: a later owner does not answer for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Incident {
    what: What,
    when: When,
    controller: u32,
    parent: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum What {
    Discovery,
    Penalty,
    Accident(AccidentGrade),
}

/// The same criterion item again after it was struck off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Recurrence {
    criterion: u32,
    /// Where it was struck off before.
    closed_at: Position,
    again: When,
    controller: u32,
    parent: u32,
}

/// Over whom is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    #[default]
    Enterprise,
    /// 实际控制人
    Controller,
    /// 上级公司
    Parent,
}

/// Who has something against them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub by: By,
    /// The enterprise; none where the row is about a controller or a parent.
    pub enterprise: Option<StreamId>,
    /// Name of the enterprise, the controller or the parent.
    pub enterprise_name: String,
    pub controller: Option<String>,
    pub parent: Option<String>,
    /// Enterprises that are counted together here.
    pub enterprises: Vec<StreamId>,
    /// Discoveries of major hazards: the first closure counter.
    pub discoveries: usize,
    /// Penalties: the second closure counter.
    pub penalties: usize,
    /// The same criterion item again after closing.
    pub recurrences: usize,
    pub accidents: usize,
    /// The government must be petitioned to close it.
    pub petition: bool,
    pub grounds: Vec<Reason>,
    /// Production stands still after a fatal accident.
    pub stands_still: bool,
    /// The petition that was made.
    pub petitioned_at: Option<Position>,
    pub closed: bool,
    /// Entries that prove it, in the order of the log.
    pub proof: Vec<Position>,
}

/// Enterprises that are counted together, and what is counted of them.
#[derive(Default)]
struct Group<'a> {
    members: Vec<(Key, &'a Enterprise)>,
    incidents: Vec<&'a Incident>,
    recurrences: Vec<&'a Recurrence>,
    holder: u32,
}

impl RepeatOffenders {
    /// Enterprises with a ground, as of `today`.
    pub fn rows(&self, rules: &Rules, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today), rules).rows
    }

    /// Those with a ground. Whoever names an enterprise, a controller or a parent sees it also without one, and
    /// `petition: false` shows those with something against them that is not enough for a petition.
    pub(crate) fn query(&self, ask: &Ask<'_>, rules: &Rules) -> Page<Row> {
        let filter = ask.filter;
        let named = filter.enterprise.is_some() || filter.controller.is_some() || filter.parent.is_some();
        let by = filter.by.unwrap_or_default();
        let wanted = self.groups(by, ask).into_iter().filter(|group| {
            let words = filter.contains.as_deref();
            if words.is_some_and(|words| !self.name(by, group).contains(words)) {
                return false;
            }
            match filter.petition {
                Some(wanted) => {
                    let petition = group.calls_for_petition(rules, ask.today);
                    petition == wanted && (named || petition || group.has_something(ask.today))
                }
                None => named || group.has_ground(by, rules, ask.today),
            }
        });
        ask.page(wanted, |group| self.row(by, &group, rules, ask.today))
    }

    fn groups(&self, by: By, ask: &Ask<'_>) -> Vec<Group<'_>> {
        let number = |wanted: &Option<String>| wanted.as_ref().map(|wanted| self.words.find(wanted));
        let (controller, parent) = (number(&ask.filter.controller), number(&ask.filter.parent));
        let stood = |now: u32, wanted: Option<Option<u32>>| wanted.is_none_or(|wanted| wanted == Some(now));
        let behind = |enterprise: &Enterprise| {
            let then = |incident: &Incident| {
                stood(incident.controller, controller) && stood(incident.parent, parent)
            };
            (stood(enterprise.controller, controller) && stood(enterprise.parent, parent))
                || enterprise.incidents.iter().any(then)
        };
        let rows = ask.rows(&self.enterprises, StreamKind::Enterprise);
        let all =
            rows.filter_map(|row| self.enterprises.at(row)).filter(|(_, enterprise)| behind(enterprise));
        let mut groups: BTreeMap<u32, Group<'_>> = BTreeMap::new();
        for (number, (key, enterprise)) in (0..).zip(all) {
            if by == By::Enterprise {
                let incidents = enterprise.incidents.iter();
                let recurrences = enterprise.recurrences.iter();
                let members = vec![(*key, enterprise)];
                let (incidents, recurrences) = (incidents.collect(), recurrences.collect());
                groups.insert(number, Group { members, incidents, recurrences, holder: NONE });
                continue;
            }
            let controls = by == By::Controller;
            let holder = |controller: u32, parent: u32| if controls { controller } else { parent };
            let now = holder(enterprise.controller, enterprise.parent);
            let mut behind = BTreeSet::from([now]);
            for incident in &enterprise.incidents {
                let then = holder(incident.controller, incident.parent);
                groups.entry(then).or_default().incidents.push(incident);
                behind.insert(then);
            }
            for again in &enterprise.recurrences {
                let then = holder(again.controller, again.parent);
                groups.entry(then).or_default().recurrences.push(again);
                behind.insert(then);
            }
            for holder in behind {
                let group = groups.entry(holder).or_default();
                group.holder = holder;
                group.members.push((*key, enterprise));
            }
        }
        if by != By::Enterprise {
            groups.remove(&NONE);
        }
        groups.into_values().collect()
    }

    fn name<'a>(&'a self, by: By, group: &Group<'a>) -> &'a str {
        match (by, group.members.first()) {
            (By::Enterprise, Some((_, member))) => &member.name,
            (By::Enterprise, None) => "",
            (By::Controller | By::Parent, _) => self.words.text(group.holder),
        }
    }

    fn row(&self, by: By, group: &Group<'_>, rules: &Rules, today: Day) -> Row {
        let first = group.members.first();
        let of = |holder: fn(&Enterprise) -> u32| {
            let mut numbers = group.members.iter().map(|(_, member)| holder(member));
            let number = numbers.next().unwrap_or(NONE);
            if numbers.all(|other| other == number) { self.words.option(number) } else { None }
        };
        let facts = group.facts(today);
        let result = closure(rules, &facts);
        let (mut petition, mut grounds) = (result.petition, result.grounds);
        let again = group.recurrences(today);
        let codes: BTreeSet<&str> = again.iter().map(|again| self.words.text(again.criterion)).collect();
        grounds.extend(codes.into_iter().map(|criterion| recurrence(rules, criterion)));
        petition |= !again.is_empty();
        let accidents = group.accidents(today);
        let days: Vec<Day> = accidents.iter().map(|(when, _)| when.day.into()).collect();
        grounds.extend(interview(rules, &days, today));
        grounds.extend(
            accidents.iter().filter_map(|(when, grade)| larger_accident(rules, when.day.into(), *grade)),
        );
        let fatal = group.fatal(by, today);
        grounds.extend(fatal.iter().map(|when| fatal_accident(rules, when.day.into())));
        let dated = group.incidents.iter().filter(|incident| incident.when.day <= DayNumber::from(today));
        let chain = again.iter().flat_map(|again| [again.closed_at, again.again.position]);
        let proof: BTreeSet<Position> = dated.map(|incident| incident.when.position).chain(chain).collect();
        Row {
            by,
            enterprise: first
                .filter(|_| by == By::Enterprise)
                .map(|(key, _)| key.stream(StreamKind::Enterprise)),
            enterprise_name: self.name(by, group).to_owned(),
            controller: if by == By::Controller {
                self.words.option(group.holder)
            } else {
                of(|member| member.controller)
            },
            parent: if by == By::Parent {
                self.words.option(group.holder)
            } else {
                of(|member| member.parent)
            },
            enterprises: group.members.iter().map(|(key, _)| key.stream(StreamKind::Enterprise)).collect(),
            discoveries: facts.discoveries.len(),
            penalties: facts.penalties.len(),
            recurrences: again.len(),
            accidents: accidents.len(),
            petition,
            grounds,
            stands_still: !fatal.is_empty(),
            petitioned_at: group.members.iter().filter_map(|(_, member)| member.petitioned).min(),
            closed: group.members.iter().all(|(_, member)| member.closed),
            proof: proof.into_iter().collect(),
        }
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        match event {
            HazardEvent::Verified(verified) => {
                let Some(code) = &verified.criterion else { return };
                let Some(firm) = self.enterprises.find(&Key::of(&verified.enterprise)) else {
                    return;
                };
                let criterion = self.words.number(code);
                self.hazards.put(Key::of(&fact.stream), (firm, criterion));
                if let Some(enterprise) = self.enterprises.at_mut(firm) {
                    let found = When { position: fact.position, day: verified.found_on.into() };
                    enterprise.incident(What::Discovery, found);
                    enterprise.recurs(criterion, found);
                }
            }
            HazardEvent::Penalised(penalised) => {
                if let Some(enterprise) = self.enterprises.get_mut(&Key::of(&penalised.enterprise)) {
                    let day = penalised.penalise.decided_on.into();
                    enterprise.incident(What::Penalty, When { position: fact.position, day });
                }
            }
            HazardEvent::Closed(_) | HazardEvent::Reopened(_) => {
                let Some((firm, criterion)) = self.hazards.get(&Key::of(&fact.stream)).copied() else {
                    return;
                };
                let Some(enterprise) = self.enterprises.at_mut(firm) else {
                    return;
                };
                if matches!(event, HazardEvent::Closed(_)) {
                    enterprise.closings.insert(criterion, fact.position);
                } else {
                    enterprise.recurs(criterion, When { position: fact.position, day: fact.day.into() });
                }
            }
            HazardEvent::Reported(_)
            | HazardEvent::Dismissed(_)
            | HazardEvent::Served(_)
            | HazardEvent::Acknowledged(_)
            | HazardEvent::Assigned(_)
            | HazardEvent::Planned(_)
            | HazardEvent::Published(_)
            | HazardEvent::Committed(_)
            | HazardEvent::Evidenced(_)
            | HazardEvent::Confirmed(_)
            | HazardEvent::Rectified(_)
            | HazardEvent::Reviewed(_)
            | HazardEvent::Extended(_)
            | HazardEvent::ExtensionRequested(_)
            | HazardEvent::ExtensionRefused(_)
            | HazardEvent::ProductionSuspended(_)
            | HazardEvent::ProductionResumed(_)
            | HazardEvent::Listed(_)
            | HazardEvent::Delisted(_)
            | HazardEvent::Escalated(_)
            | HazardEvent::Relieved(_)
            | HazardEvent::ReliefRefused(_)
            | HazardEvent::Merged(_)
            | HazardEvent::Overdue(_) => {}
        }
    }

    fn registered(&mut self, fact: &Fact, register: &Register) {
        let mut holder = |name: Option<&str>| name.map_or(NONE, |name| self.words.number(name));
        let enterprise = Enterprise {
            name: register.name.as_str().into(),
            controller: holder(register.controller.as_ref().map(Text::as_str)),
            parent: holder(register.parent.as_ref().map(Text::as_str)),
            licence: register.licence,
            producing: register.producing,
            petitioned: None,
            closed: false,
            incidents: Vec::new(),
            fatal: None,
            closings: BTreeMap::new(),
            recurrences: Vec::new(),
        };
        self.enterprises.put(Key::of(&fact.stream), enterprise);
    }

    fn enterprise(&mut self, fact: &Fact, event: &EnterpriseEvent) {
        if let EnterpriseEvent::Registered(register) = event {
            self.registered(fact, register);
        }
        let Some(enterprise) = self.enterprises.get_mut(&Key::of(&fact.stream)) else {
            return;
        };
        match event {
            EnterpriseEvent::LicenceChanged(change) => {
                enterprise.licence = change.licence;
                enterprise.producing = change.producing;
            }
            EnterpriseEvent::ControllerChanged(change) => {
                let holder = change.holder.as_ref();
                enterprise.controller = holder.map_or(NONE, |name| self.words.number(name.as_str()));
            }
            EnterpriseEvent::ParentChanged(change) => {
                let holder = change.holder.as_ref();
                enterprise.parent = holder.map_or(NONE, |name| self.words.number(name.as_str()));
            }
            EnterpriseEvent::AccidentRecorded(recorded) => {
                let day = recorded.accident.day.into();
                let when = When { position: fact.position, day };
                enterprise.incident(What::Accident(recorded.grade), when);
                if recorded.suspends {
                    enterprise.fatal = Some(when);
                }
            }
            EnterpriseEvent::ResumptionAccepted(_) => enterprise.fatal = None,
            EnterpriseEvent::ClosurePetitioned(_) => {
                enterprise.petitioned.get_or_insert(fact.position);
            }
            EnterpriseEvent::Closed(_) => {
                enterprise.producing = false;
                enterprise.closed = true;
            }
            EnterpriseEvent::Registered(_)
            | EnterpriseEvent::PrincipalChanged(_)
            | EnterpriseEvent::Graded(_)
            | EnterpriseEvent::SelfInspectionLogged(_) => {}
        }
    }
}

impl Enterprise {
    fn incident(&mut self, what: What, when: When) {
        let (controller, parent) = (self.controller, self.parent);
        self.incidents.push(Incident { what, when, controller, parent });
    }

    fn recurs(&mut self, criterion: u32, again: When) {
        if let Some(closed_at) = self.closings.get(&criterion).copied() {
            let (controller, parent) = (self.controller, self.parent);
            self.recurrences.push(Recurrence { criterion, closed_at, again, controller, parent });
        }
    }
}

impl Group<'_> {
    /// Days of what happened up to `today`.
    fn days(&self, what: What, today: Day) -> Vec<Day> {
        let until = DayNumber::from(today);
        let those = self.incidents.iter().filter(|one| one.what == what && one.when.day <= until);
        let mut days: Vec<Day> = those.map(|one| one.when.day.into()).collect();
        days.sort_unstable();
        days
    }

    fn accidents(&self, today: Day) -> Vec<(When, AccidentGrade)> {
        let until = DayNumber::from(today);
        let those = self.incidents.iter().filter(|one| one.when.day <= until);
        let graded = those.filter_map(|one| {
            if let What::Accident(grade) = one.what { Some((one.when, grade)) } else { None }
        });
        graded.collect()
    }

    fn recurrences(&self, today: Day) -> Vec<&Recurrence> {
        let until = DayNumber::from(today);
        self.recurrences.iter().filter(|again| again.again.day <= until).copied().collect()
    }

    /// Fatal accidents after which production still stands still; a matter of the enterprise itself.
    fn fatal(&self, by: By, today: Day) -> Vec<When> {
        let until = DayNumber::from(today);
        let members = self.members.iter().filter(|_| by == By::Enterprise);
        members.filter_map(|(_, member)| member.fatal.filter(|when| when.day <= until)).collect()
    }

    /// Both closure counters over what is counted together; licences of each member on its own.
    fn facts(&self, today: Day) -> ClosureFacts {
        let mut producing = self.members.iter().filter(|(_, member)| member.producing).peekable();
        let any = producing.peek().is_some();
        let worst = producing.map(|(_, member)| member.licence).max_by_key(|licence| match licence {
            Licence::Full => 0,
            Licence::Incomplete => 1,
            Licence::None => 2,
        });
        ClosureFacts {
            licence: worst.unwrap_or(Licence::Full),
            producing: any,
            discoveries: self.days(What::Discovery, today),
            penalties: self.days(What::Penalty, today),
            on: today,
        }
    }

    fn calls_for_petition(&self, rules: &Rules, today: Day) -> bool {
        !self.recurrences(today).is_empty() || is_called_for(rules, &self.facts(today))
    }

    fn has_something(&self, today: Day) -> bool {
        self.incidents.iter().any(|one| one.when.day <= DayNumber::from(today))
    }

    fn has_ground(&self, by: By, rules: &Rules, today: Day) -> bool {
        let accidents = self.accidents(today);
        let days: Vec<Day> = accidents.iter().map(|(when, _)| when.day.into()).collect();
        self.calls_for_petition(rules, today)
            || accidents.iter().any(|(when, grade)| larger_accident(rules, when.day.into(), *grade).is_some())
            || interview(rules, &days, today).is_some()
            || !self.fatal(by, today).is_empty()
    }
}

impl Projection for RepeatOffenders {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Hazard(event) => self.hazard(fact, event),
            Event::Enterprise(event) => self.enterprise(fact, event),
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
