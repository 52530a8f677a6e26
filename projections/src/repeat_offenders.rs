//! Repeat offenders: discoveries, penalties, recurrence of the same criterion item, accidents; counted over an enterprise,
//! its actual controller or its parent, with the entries that prove each (plan, mines, 11 and 26; industry, 6).

use std::collections::{BTreeMap, BTreeSet};

use adit_core::enterprise::{EnterpriseEvent, Register};
use adit_core::event::{Event, Fact};
use adit_core::hazard::HazardEvent;
use adit_core::id::{StreamId, StreamKind};
use adit_core::rules::closure::{ClosureFacts, Licence, closure, interview, recurrence};
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
    discoveries: Vec<When>,
    penalties: Vec<When>,
    accidents: Vec<When>,
    /// Criterion items that were struck off the list once, with the entry that did.
    closings: BTreeMap<u32, Position>,
    recurrences: Vec<Recurrence>,
}

/// The same criterion item again after it was struck off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Recurrence {
    criterion: u32,
    /// Where it was struck off before.
    closed_at: Position,
    again: When,
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
    /// The petition that was made.
    pub petitioned_at: Option<Position>,
    pub closed: bool,
    /// Entries that prove it, in the order of the log.
    pub proof: Vec<Position>,
}

/// Enterprises that are counted together.
#[derive(Default)]
struct Group<'a> {
    members: Vec<(Key, &'a Enterprise)>,
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
        let rows: Vec<Row> = self
            .groups(by, ask)
            .into_iter()
            .map(|group| self.row(by, &group, rules, ask.today))
            .filter(|row| ask.finds(&[&row.enterprise_name]))
            .filter(|row| match filter.petition {
                Some(petition) => row.petition == petition && (named || !row.proof.is_empty() || petition),
                None => named || !row.grounds.is_empty(),
            })
            .collect();
        ask.page(rows.into_iter(), |row| row)
    }

    fn groups(&self, by: By, ask: &Ask<'_>) -> Vec<Group<'_>> {
        let holds = |wanted: &Option<String>, number: u32| {
            wanted.as_ref().is_none_or(|wanted| number != NONE && wanted == self.words.text(number))
        };
        let members = self.enterprises.iter().filter(|(key, enterprise)| {
            holds(&ask.filter.controller, enterprise.controller)
                && holds(&ask.filter.parent, enterprise.parent)
                && (ask.admits)(&key.stream(StreamKind::Enterprise))
        });
        let mut groups: Vec<Group<'_>> = Vec::new();
        let mut places: BTreeMap<u32, usize> = BTreeMap::new();
        for (key, enterprise) in members {
            let holder = match by {
                By::Enterprise => {
                    groups.push(Group { members: vec![(*key, enterprise)] });
                    continue;
                }
                By::Controller => enterprise.controller,
                By::Parent => enterprise.parent,
            };
            if holder != NONE {
                let place = *places.entry(holder).or_insert(groups.len());
                if place == groups.len() {
                    groups.push(Group::default());
                }
                groups[place].members.push((*key, enterprise));
            }
        }
        groups
    }

    fn row(&self, by: By, group: &Group<'_>, rules: &Rules, today: Day) -> Row {
        let first = group.members.first();
        let of = |holder: fn(&Enterprise) -> u32| {
            let mut numbers = group.members.iter().map(|(_, member)| holder(member));
            let number = numbers.next().unwrap_or(NONE);
            if numbers.all(|other| other == number) { self.words.option(number) } else { None }
        };
        let (controller, parent) = (of(|member| member.controller), of(|member| member.parent));
        let name = match by {
            By::Enterprise => first.map(|(_, member)| member.name.to_string()),
            By::Controller => controller.clone(),
            By::Parent => parent.clone(),
        };
        let discoveries = group.until(today, |member| &member.discoveries);
        let penalties = group.until(today, |member| &member.penalties);
        let accidents = group.until(today, |member| &member.accidents);
        let again = group.recurrences(today);
        let (mut petition, mut grounds) = group.closure(rules, today, &days(&discoveries), &days(&penalties));
        let codes: BTreeSet<&str> = again.iter().map(|again| self.words.text(again.criterion)).collect();
        grounds.extend(codes.into_iter().map(|criterion| recurrence(rules, criterion)));
        petition |= !again.is_empty();
        grounds.extend(interview(rules, &days(&accidents), today));
        let dated = discoveries.iter().chain(&penalties).chain(&accidents).map(|when| when.position);
        let chain = again.iter().flat_map(|again| [again.closed_at, again.again.position]);
        let proof: BTreeSet<Position> = dated.chain(chain).collect();
        Row {
            by,
            enterprise: first
                .filter(|_| by == By::Enterprise)
                .map(|(key, _)| key.stream(StreamKind::Enterprise)),
            enterprise_name: name.unwrap_or_default(),
            controller,
            parent,
            enterprises: group.members.iter().map(|(key, _)| key.stream(StreamKind::Enterprise)).collect(),
            discoveries: discoveries.len(),
            penalties: penalties.len(),
            recurrences: again.len(),
            accidents: accidents.len(),
            petition,
            grounds,
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
                    enterprise.discoveries.push(found);
                    enterprise.recurs(criterion, found);
                }
            }
            HazardEvent::Penalised(penalised) => {
                if let Some(enterprise) = self.enterprises.get_mut(&Key::of(&penalised.enterprise)) {
                    let day = penalised.penalise.decided_on.into();
                    enterprise.penalties.push(When { position: fact.position, day });
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
            discoveries: Vec::new(),
            penalties: Vec::new(),
            accidents: Vec::new(),
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
                enterprise.accidents.push(When { position: fact.position, day });
            }
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
            | EnterpriseEvent::SelfInspectionLogged(_)
            | EnterpriseEvent::ResumptionAccepted(_) => {}
        }
    }
}

fn days(whens: &[When]) -> Vec<Day> {
    whens.iter().map(|when| when.day.into()).collect()
}

impl Enterprise {
    fn recurs(&mut self, criterion: u32, again: When) {
        if let Some(closed_at) = self.closings.get(&criterion).copied() {
            self.recurrences.push(Recurrence { criterion, closed_at, again });
        }
    }
}

impl Group<'_> {
    /// What happened up to `today`, in the order of the log.
    fn until(&self, today: Day, of: fn(&Enterprise) -> &Vec<When>) -> Vec<When> {
        let today = DayNumber::from(today);
        let all = self.members.iter().flat_map(|(_, member)| of(member));
        let mut until: Vec<When> = all.filter(|when| when.day <= today).copied().collect();
        until.sort_unstable();
        until
    }

    fn recurrences(&self, today: Day) -> Vec<&Recurrence> {
        let today = DayNumber::from(today);
        let all = self.members.iter().flat_map(|(_, member)| &member.recurrences);
        all.filter(|again| again.again.day <= today).collect()
    }

    /// Both closure counters over the members together; licences of each member on its own.
    fn closure(&self, rules: &Rules, today: Day, found: &[Day], punished: &[Day]) -> (bool, Vec<Reason>) {
        let mut producing = self.members.iter().filter(|(_, member)| member.producing).peekable();
        let any = producing.peek().is_some();
        let worst = producing.map(|(_, member)| member.licence).max_by_key(|licence| match licence {
            Licence::Full => 0,
            Licence::Incomplete => 1,
            Licence::None => 2,
        });
        let facts = ClosureFacts {
            licence: worst.unwrap_or(Licence::Full),
            producing: any,
            discoveries: found.to_vec(),
            penalties: punished.to_vec(),
            on: today,
        };
        let result = closure(rules, &facts);
        (result.petition, result.grounds)
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
