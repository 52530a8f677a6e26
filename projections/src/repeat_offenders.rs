//! Repeat offenders: discoveries, penalties, recurrence of the same criterion item, accidents; counted over an enterprise,
//! its actual controller or its parent, with the entries that prove each (plan, mines, 11 and 26; industry, 6).

use std::collections::{BTreeMap, BTreeSet};

use adit_core::enterprise::{EnterpriseEvent, Register};
use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Penalised, Verified};
use adit_core::id::{StreamId, StreamKind};
use adit_core::rules::accident::AccidentGrade;
use adit_core::rules::closure::{
    ClosureFacts, Licence, RestsOn, comes_again, counts, fatal_accident, grounds, interview, is_called_for,
    larger_accident,
};
use adit_core::rules::{Reason, Rules};
use adit_core::text::Text;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page};
use crate::compact::{DayNumber, Key, NONE, Table, When, Words};

mod group;

use group::Group;

pub(crate) const NAME: &str = "repeat_offenders";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] =
    &["enterprise", "by", "controller", "parent", "petition", "petitioned", "contains"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RepeatOffenders {
    words: Words,
    enterprises: Table<Key, Enterprise>,
    /// Verified major hazards.
    hazards: Table<Key, Hazard>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    enterprise: u32,
    criterion: u32,
    /// The span of its enterprise in which it exists.
    span: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Enterprise {
    name: Box<str>,
    behind: Holders,
    /// Who stood behind it before, each until the day of a change.
    before: Vec<(DayNumber, Holders)>,
    licence: Licence,
    producing: bool,
    /// The entries since which it has this licence, and since which it produces or does not.
    licence_at: Position,
    producing_at: Position,
    petitioned: Option<Position>,
    closed: bool,
    incidents: Vec<Incident>,
    /// Spans in which major hazards existed here.
    stood: Vec<(DayNumber, Option<DayNumber>)>,
    /// Fatal accidents after which it has not been accepted that production goes on.
    fatal: Vec<When>,
    /// Criterion items that were struck off the list: the first time and the last.
    closings: BTreeMap<u32, (Closing, Closing)>,
    recurrences: Vec<Recurrence>,
}

/// Who stands behind an enterprise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Holders {
    controller: u32,
    parent: u32,
}

/// What is counted, with who stood behind the enterprise then: a later owner does not answer for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Incident {
    what: What,
    when: When,
    behind: Holders,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum What {
    Discovery,
    Penalty {
        /// The beginning of BLAKE3 over the number of the decision, by which one that is entered again is known.
        decision: [u8; 6],
        /// It is for a major hazard; another one counts only while a major hazard exists.
        of_major: bool,
    },
    Accident(AccidentGrade),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Closing {
    when: When,
    behind: Holders,
}

/// The same criterion item again after it was struck off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Recurrence {
    criterion: u32,
    /// Where it was struck off before.
    closed_at: Position,
    again: When,
    /// Who stood behind the enterprise both times; nobody where they were two.
    behind: Holders,
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
    pub grounds: Vec<Ground>,
    /// Production stands still after a fatal accident.
    pub stands_still: bool,
    /// The petition that was made.
    pub petitioned_at: Option<Position>,
    pub closed: bool,
    /// Entries that prove it, in the order of the log.
    pub proof: Vec<Position>,
}

/// A ground with the chain of entries that proves it; the fields of the reason stand beside the proof.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ground {
    #[serde(flatten)]
    pub reason: Reason,
    /// The entries that it rests on and no others, in the order of the log.
    pub proof: Vec<Position>,
}

impl Ground {
    fn new(reason: Reason, proof: impl Iterator<Item = Position>) -> Self {
        let proof: BTreeSet<Position> = proof.collect();
        Self { reason, proof: proof.into_iter().collect() }
    }
}

/// What the closure rules count, and where each of it stands.
struct Counted {
    facts: ClosureFacts,
    discoveries: Vec<When>,
    penalties: Vec<When>,
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
        let wanted = self.groups(by, ask).filter(|group| {
            let words = filter.contains.as_deref();
            if words.is_some_and(|words| !self.name(by, group).contains(words)) {
                return false;
            }
            if filter.petitioned.is_some_and(|wanted| wanted != group.is_petitioned()) {
                return false;
            }
            match filter.petition {
                Some(wanted) => {
                    let petition = self.calls_for_petition(group, rules, ask.today);
                    petition == wanted && (named || petition || group.has_something(ask.today))
                }
                None => named || self.has_ground(group, rules, ask.today),
            }
        });
        ask.page(wanted, |group| self.row(by, &group, rules, ask.today))
    }

    fn groups<'a>(&'a self, by: By, ask: &Ask<'_>) -> Box<dyn Iterator<Item = Group<'a>> + 'a> {
        let number = |wanted: &Option<String>| wanted.as_ref().map(|wanted| self.words.find(wanted));
        let (controller, parent) = (number(&ask.filter.controller), number(&ask.filter.parent));
        let stood = |now: u32, wanted: Option<Option<u32>>| wanted.is_none_or(|wanted| wanted == Some(now));
        let wanted =
            move |behind: Holders| stood(behind.controller, controller) && stood(behind.parent, parent);
        let behind = move |enterprise: &Enterprise| {
            wanted(enterprise.behind)
                || enterprise.incidents.iter().any(|incident| wanted(incident.behind))
                || enterprise.recurrences.iter().any(|again| wanted(again.behind))
        };
        let rows = ask.rows(&self.enterprises, StreamKind::Enterprise);
        let all =
            rows.filter_map(|row| self.enterprises.at(row)).filter(move |(_, enterprise)| behind(enterprise));
        // Enterprises are many: each is looked at before the next is put together.
        if by == By::Enterprise {
            return Box::new(all.map(|(key, enterprise)| Group::of(*key, enterprise)));
        }
        let mut groups: BTreeMap<u32, Group<'_>> = BTreeMap::new();
        for (key, enterprise) in all {
            let mut behind = BTreeSet::from([enterprise.behind.of(by)]);
            for incident in &enterprise.incidents {
                let then = incident.behind.of(by);
                groups.entry(then).or_default().incidents.push((enterprise, incident));
                behind.insert(then);
            }
            for again in &enterprise.recurrences {
                let then = again.behind.of(by);
                groups.entry(then).or_default().recurrences.push(again);
                behind.insert(then);
            }
            for holder in behind {
                let group = groups.entry(holder).or_default();
                (group.by, group.holder) = (by, holder);
                group.members.push((*key, enterprise));
            }
        }
        // Of others than the one who is asked for only a part was gathered.
        let only = if by == By::Controller { controller } else { parent };
        groups.retain(|holder, _| *holder != NONE && stood(*holder, only));
        Box::new(groups.into_values())
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
        let of = |by: By| {
            let mut numbers = group.members.iter().map(|(_, member)| member.behind.of(by));
            let number = numbers.next().unwrap_or(NONE);
            if numbers.all(|other| other == number) { self.words.option(number) } else { None }
        };
        let counted = self.counted(group, today);
        let petition = is_called_for(rules, &counted.facts);
        let grounds = self.grounds(group, &counted, rules, today);
        let again = group.recurrences(today);
        let dated = group.dated(today).map(|(_, incident)| incident.when.position());
        let chains = grounds.iter().flat_map(|ground| ground.proof.iter().copied());
        let chain = again.iter().flat_map(|again| [again.closed_at, again.again.position()]);
        let proof: BTreeSet<Position> = dated.chain(chain).chain(chains).collect();
        Row {
            by,
            enterprise: first
                .filter(|_| by == By::Enterprise)
                .map(|(key, _)| key.stream(StreamKind::Enterprise)),
            enterprise_name: self.name(by, group).to_owned(),
            controller: if by == By::Controller {
                self.words.option(group.holder)
            } else {
                of(By::Controller)
            },
            parent: if by == By::Parent { self.words.option(group.holder) } else { of(By::Parent) },
            enterprises: group.members.iter().map(|(key, _)| key.stream(StreamKind::Enterprise)).collect(),
            discoveries: group.dated(today).filter(|(_, one)| one.what == What::Discovery).count(),
            penalties: counted.penalties.len(),
            recurrences: again.len(),
            accidents: group.accidents(today).len(),
            petition,
            grounds,
            stands_still: !group.fatal(today).is_empty(),
            petitioned_at: group.petitioned(),
            closed: group.is_closed(),
            proof: proof.into_iter().collect(),
        }
    }

    /// What the closure rules count. A discovery counts where it is still produced; a licence is the matter of whoever
    /// stands behind the enterprise now.
    fn counted(&self, group: &Group<'_>, today: Day) -> Counted {
        let of = |counts: &dyn Fn(&Enterprise, &Incident) -> bool| {
            let those = group.dated(today).filter(|(enterprise, incident)| counts(enterprise, incident));
            those.map(|(_, incident)| incident.when).collect::<Vec<_>>()
        };
        let discoveries =
            of(&|enterprise, incident| incident.what == What::Discovery && enterprise.producing);
        let penalties = of(&|enterprise, incident| match incident.what {
            What::Penalty { of_major, .. } => {
                let spans = enterprise.stood.iter();
                let spans = spans.map(|(from, until)| (Day::from(*from), until.map(Day::from)));
                counts(incident.when.day.into(), of_major, spans)
            }
            What::Discovery | What::Accident(_) => false,
        });
        let days = |those: &[When]| those.iter().map(|when| when.day.into()).collect();
        let again = group.recurrences(today);
        let items: BTreeSet<&str> = again.iter().map(|again| self.words.text(again.criterion)).collect();
        let facts = ClosureFacts {
            licence: group.licence(),
            producing: group.members.iter().any(|(_, member)| member.producing),
            discoveries: days(&discoveries),
            penalties: days(&penalties),
            recurrences: items.into_iter().map(str::to_owned).collect(),
            on: today,
        };
        Counted { facts, discoveries, penalties }
    }

    /// Each ground with the entries that it rests on.
    fn grounds(&self, group: &Group<'_>, counted: &Counted, rules: &Rules, today: Day) -> Vec<Ground> {
        let chain = |rests_on: &RestsOn| -> Vec<Position> {
            let of = |which: &[usize], those: &[When]| {
                which.iter().filter_map(|number| those.get(*number)).map(|when| when.position()).collect()
            };
            match rests_on {
                RestsOn::Licence => group.licensed_at(),
                RestsOn::Discoveries(which) => of(which, &counted.discoveries),
                RestsOn::PenaltiesShort(which) | RestsOn::PenaltiesLong(which) => {
                    of(which, &counted.penalties)
                }
                RestsOn::Recurrence(number) => {
                    let item = counted.facts.recurrences.get(*number).map(String::as_str);
                    let again = group.recurrences(today).into_iter();
                    let again = again.filter(|again| Some(self.words.text(again.criterion)) == item);
                    again.flat_map(|again| [again.closed_at, again.again.position()]).collect()
                }
            }
        };
        let closure = grounds(rules, &counted.facts).into_iter();
        let closure = closure.map(|ground| (chain(&ground.rests_on), ground.reason));
        let accidents = group.accidents(today);
        let days: Vec<_> = accidents.iter().map(|(when, grade)| (when.day.into(), *grade)).collect();
        let interview = interview(rules, &days, today).map(|(reason, which)| {
            let those = which.iter().filter_map(|number| accidents.get(*number));
            (those.map(|(when, _)| when.position()).collect(), reason)
        });
        let larger = accidents.iter().filter_map(|(when, grade)| {
            Some((vec![when.position()], larger_accident(rules, when.day.into(), *grade)?))
        });
        let fatal = group.fatal(today).into_iter();
        let fatal = fatal.map(|when| (vec![when.position()], fatal_accident(rules, when.day.into())));
        let all = closure.chain(interview).chain(larger).chain(fatal);
        all.map(|(proof, reason)| Ground::new(reason, proof.into_iter())).collect()
    }

    fn calls_for_petition(&self, group: &Group<'_>, rules: &Rules, today: Day) -> bool {
        is_called_for(rules, &self.counted(group, today).facts)
    }

    fn has_ground(&self, group: &Group<'_>, rules: &Rules, today: Day) -> bool {
        let accidents = group.accidents(today);
        let days: Vec<_> = accidents.iter().map(|(when, grade)| (when.day.into(), *grade)).collect();
        self.calls_for_petition(group, rules, today)
            || accidents.iter().any(|(when, grade)| larger_accident(rules, when.day.into(), *grade).is_some())
            || interview(rules, &days, today).is_some()
            || !group.fatal(today).is_empty()
    }

    /// A major hazard is on the list of its enterprise.
    fn verified(&mut self, fact: &Fact, verified: &Verified) {
        let Some(code) = &verified.criterion else { return };
        let Some(firm) = self.enterprises.find(&Key::of(&verified.enterprise)) else { return };
        let criterion = self.words.number(code);
        let Some(enterprise) = self.enterprises.at_mut(firm) else { return };
        let found = When::new(fact.position, verified.found_on);
        enterprise.incident(What::Discovery, found);
        enterprise.recurs(criterion, found);
        let span = enterprise.stands(found.day);
        self.hazards.put(Key::of(&fact.stream), Hazard { enterprise: firm, criterion, span });
    }

    /// A penalty of the unit; a decision on persons alone is none.
    fn penalised(&mut self, fact: &Fact, penalised: &Penalised) {
        let of_major = self.hazards.find(&Key::of(&fact.stream)).is_some();
        let Some(enterprise) = self.enterprises.get_mut(&Key::of(&penalised.enterprise)) else { return };
        let penalise = &penalised.penalise;
        if penalise.is_of_unit() {
            let when = When::new(fact.position, penalise.decided_on);
            enterprise.penalty(penalise.decision.as_str(), of_major, when);
        }
    }

    /// It leaves the list, or comes back to it.
    fn moved(&mut self, fact: &Fact, event: &HazardEvent) {
        let Some(hazard) = self.hazards.get_mut(&Key::of(&fact.stream)) else { return };
        let Some(enterprise) = self.enterprises.at_mut(hazard.enterprise) else { return };
        let when = When::of(fact);
        if matches!(event, HazardEvent::Reopened(_)) {
            enterprise.recurs(hazard.criterion, when);
            hazard.span = enterprise.stands(when.day);
            return;
        }
        if let Some((_, until)) = enterprise.stood.get_mut(hazard.span as usize) {
            *until = Some(when.day);
        }
        if matches!(event, HazardEvent::Closed(_)) {
            let closing = Closing { when, behind: enterprise.behind };
            enterprise.closings.entry(hazard.criterion).or_insert((closing, closing)).1 = closing;
        }
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        match event {
            HazardEvent::Verified(verified) => self.verified(fact, verified),
            HazardEvent::Penalised(penalised) => self.penalised(fact, penalised),
            HazardEvent::Closed(_) | HazardEvent::Reopened(_) | HazardEvent::Merged(_) => {
                self.moved(fact, event);
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
            | HazardEvent::Overdue(_) => {}
        }
    }

    fn registered(&mut self, fact: &Fact, register: &Register) {
        let mut holder = |name: Option<&str>| name.map_or(NONE, |name| self.words.number(name));
        let behind = Holders {
            controller: holder(register.controller.as_ref().map(Text::as_str)),
            parent: holder(register.parent.as_ref().map(Text::as_str)),
        };
        let enterprise = Enterprise {
            name: register.name.as_str().into(),
            behind,
            before: Vec::new(),
            licence: register.licence,
            producing: register.producing,
            licence_at: fact.position,
            producing_at: fact.position,
            petitioned: None,
            closed: false,
            incidents: Vec::new(),
            stood: Vec::new(),
            fatal: Vec::new(),
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
                if enterprise.licence != change.licence {
                    (enterprise.licence, enterprise.licence_at) = (change.licence, fact.position);
                }
                if enterprise.producing != change.producing {
                    (enterprise.producing, enterprise.producing_at) = (change.producing, fact.position);
                }
            }
            EnterpriseEvent::ControllerChanged(change) => {
                let holder = change.holder.as_ref();
                let controller = holder.map_or(NONE, |name| self.words.number(name.as_str()));
                enterprise.pass(Holders { controller, ..enterprise.behind }, fact.day);
            }
            EnterpriseEvent::ParentChanged(change) => {
                let holder = change.holder.as_ref();
                let parent = holder.map_or(NONE, |name| self.words.number(name.as_str()));
                enterprise.pass(Holders { parent, ..enterprise.behind }, fact.day);
            }
            EnterpriseEvent::AccidentRecorded(recorded) => {
                let day = recorded.accident.day;
                let when = When::new(fact.position, day);
                enterprise.incident(What::Accident(recorded.grade), when);
                if recorded.suspends {
                    enterprise.fatal.push(when);
                }
            }
            EnterpriseEvent::ResumptionAccepted(_) => enterprise.fatal.clear(),
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
            | EnterpriseEvent::ChannelOpened(_)
            | EnterpriseEvent::ChannelClosed(_) => {}
        }
    }
}

impl Holders {
    fn of(self, by: By) -> u32 {
        match by {
            By::Enterprise => NONE,
            By::Controller => self.controller,
            By::Parent => self.parent,
        }
    }

    /// Who stood behind it both times.
    fn both(self, other: Self) -> Self {
        let same = |one: u32, other: u32| if one == other { one } else { NONE };
        Self { controller: same(self.controller, other.controller), parent: same(self.parent, other.parent) }
    }
}

impl Enterprise {
    /// Others stand behind it from this day on.
    fn pass(&mut self, to: Holders, day: Day) {
        self.before.push((day.into(), self.behind));
        self.behind = to;
    }

    /// Who stood behind it on a day; what is entered late is theirs whose it was.
    fn behind_on(&self, day: DayNumber) -> Holders {
        let then = self.before.iter().find(|(until, _)| day < *until);
        then.map_or(self.behind, |(_, behind)| *behind)
    }

    fn incident(&mut self, what: What, when: When) {
        let behind = self.behind_on(when.day);
        self.incidents.push(Incident { what, when, behind });
    }

    /// One decision may be entered for several hazards; it is one penalty.
    fn penalty(&mut self, number: &str, of_major: bool, when: When) {
        let hash = blake3::hash(number.as_bytes());
        let this = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        for incident in &mut self.incidents {
            if let What::Penalty { decision, of_major: major } = &mut incident.what
                && *decision == this
            {
                *major |= of_major;
                return;
            }
        }
        self.incident(What::Penalty { decision: this, of_major }, when);
    }

    /// A major hazard exists from this day on; the number of its span.
    fn stands(&mut self, from: DayNumber) -> u32 {
        self.stood.push((from, None));
        u32::try_from(self.stood.len() - 1).unwrap_or(NONE)
    }

    fn recurs(&mut self, criterion: u32, again: When) {
        let Some((first, last)) = self.closings.get(&criterion) else { return };
        let at = |when: When| (when.position(), Day::from(when.day));
        let before = [last, first].into_iter().find(|closing| comes_again(at(closing.when), at(again)));
        if let Some(Closing { when, behind }) = before.copied() {
            let behind = behind.both(self.behind_on(again.day));
            self.recurrences.push(Recurrence { criterion, closed_at: when.position(), again, behind });
        }
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
            | Event::Concern(_)
            | Event::Inquiry(_)
            | Event::Access(_) => {}
        }
    }
}
