//! Five in place (五落实): for each hazard, which of the five are committed, evidenced, confirmed, by whom and when, and
//! what is still missing for closing.

use std::collections::BTreeMap;

use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Status};
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::rules::Rules;
use adit_core::rules::five_in_place::{Element, Stage};
use adit_core::rules::reward::Sector;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Grade, Group, Page, is};
use crate::compact::{Key, NONE, Signers, Table, When, Words};
use crate::roll::Roll;
use crate::standing::status_after;

pub(crate) const NAME: &str = "five_in_place";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] =
    &["stream", "enterprise", "town", "sector", "status", "grade", "in_place", "contains", "group"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FiveInPlace {
    roll: Roll,
    signers: Signers,
    /// What was committed to, shown, and aimed at. Much of it is said of many hazards, and each is kept once.
    texts: Words,
    /// What was done for each hazard; nothing is kept where nothing was.
    hazards: Table<Key, Option<Box<Done>>>,
    /// What filters ask of each hazard, close together.
    asked: Vec<Hazard>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Done {
    /// The latest entry for each element and stage; at most fifteen.
    marks: Vec<Mark>,
    /// The aim of the plan, which is its sixth part.
    aim: Option<Aim>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Aim {
    when: When,
    by: u32,
    text: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    enterprise: u32,
    grade: Option<Grade>,
    status: Status,
    /// Where each element stands; a new commitment takes back what was confirmed before.
    stages: [Stage; 5],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Mark {
    element: Element,
    stage: Stage,
    when: When,
    by: u32,
    /// What was committed to or shown; a confirmation has no text of its own.
    text: u32,
}

/// One step of an element, as the entry at `position` says it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    pub stage: Stage,
    /// What the enterprise committed to, or what it showed; none for a confirmation.
    pub text: Option<String>,
    pub position: Position,
    pub day: Day,
    pub by: Vec<ActorId>,
}

/// What stands between a hazard and its closing, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    Verification,
    Assignment,
    Rectification,
    /// Some of the five are not confirmed.
    FiveInPlace,
    ReviewOnSite,
    Approval,
}

/// One hazard's five elements.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub status: Status,
    /// None while it is not verified.
    pub grade: Option<Grade>,
    pub elements: BTreeMap<Element, Stage>,
    /// The entry that proves each stage.
    pub proof: BTreeMap<Element, Position>,
    /// Every step of each element that still holds.
    pub steps: BTreeMap<Element, Vec<Step>>,
    /// The aim of the plan, which is its sixth part (国家安监总局令第16号 art. 15).
    pub aim: Option<Step>,
    /// All six parts of the plan are made.
    pub plan_complete: bool,
    /// All five are confirmed.
    pub in_place: bool,
    /// Elements that are missing for closing.
    pub not_confirmed: Vec<Element>,
    /// What is missing for closing; empty when it is closed.
    pub missing: Vec<Missing>,
}

/// How far the five are in place, over the major hazards of a group.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Name of the town, the sector or the enterprise.
    pub group: String,
    /// Major hazards that are not dismissed or merged.
    pub hazards: u32,
    /// Those with all five confirmed.
    pub in_place: u32,
    pub closed: u32,
    /// For each of the five, the hazards where it is confirmed.
    pub confirmed: BTreeMap<Element, u32>,
}

/// The figures of a [`Summary`] while they are counted.
#[derive(Clone, Copy, Default)]
struct Counts {
    hazards: u32,
    in_place: u32,
    closed: u32,
    confirmed: [u32; 5],
}

impl Counts {
    fn add(&mut self, hazard: &Hazard) {
        self.hazards += 1;
        self.in_place += u32::from(hazard.in_place());
        self.closed += u32::from(hazard.status == Status::Closed);
        for (count, stage) in self.confirmed.iter_mut().zip(hazard.stages) {
            *count += u32::from(stage == Stage::Confirmed);
        }
    }
}

fn number(element: Element) -> usize {
    Element::ALL.iter().position(|one| *one == element).unwrap_or_default()
}

impl Done {
    /// A later step takes the place of an earlier one, and of every higher stage: what was confirmed was another text.
    fn mark(&mut self, mark: Mark) {
        self.marks.retain(|old| old.element != mark.element || old.stage < mark.stage);
        self.marks.push(mark);
    }
}

impl Hazard {
    fn stages(&self) -> impl Iterator<Item = (Element, Stage)> {
        Element::ALL.into_iter().zip(self.stages)
    }

    fn in_place(&self) -> bool {
        self.stages.iter().all(|stage| *stage == Stage::Confirmed)
    }

    fn missing(&self, rules: &Rules) -> Vec<Missing> {
        let line: &[Missing] = match self.status {
            Status::Absent | Status::Dismissed | Status::Merged | Status::Closed => return Vec::new(),
            Status::Reported => {
                &[Missing::Verification, Missing::Assignment, Missing::Rectification, Missing::ReviewOnSite]
            }
            Status::Verified => &[Missing::Assignment, Missing::Rectification, Missing::ReviewOnSite],
            Status::Assigned => &[Missing::Rectification, Missing::ReviewOnSite],
            Status::Rectified => &[Missing::ReviewOnSite],
            Status::Passed => &[],
        };
        // Until it is verified it may be a major one.
        let asked_for = rules.five.are_asked_for(self.grade != Some(Grade::General));
        let five = (asked_for && !self.in_place()).then_some(Missing::FiveInPlace);
        let mut missing: Vec<Missing> = line.iter().copied().chain(five).chain([Missing::Approval]).collect();
        missing.sort_unstable();
        missing
    }
}

impl FiveInPlace {
    /// Every hazard that is not dismissed or merged, in the order of the log.
    pub fn rows(&self, rules: &Rules) -> Vec<Row> {
        self.query(&Ask::all(Day::default()), rules).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>, rules: &Rules) -> Page<Row> {
        ask.page(self.wanted(ask), |(row, hazard)| self.row(row, hazard, rules))
    }

    /// The hazards that the filter leaves.
    fn wanted<'a>(&'a self, ask: &Ask<'a>) -> impl Iterator<Item = (u32, &'a Hazard)> {
        let filter = ask.filter;
        let words = filter.contains.as_deref();
        let firms = self.roll.asked(filter.town.as_deref(), filter.sector, words);
        let all = ask.rows(&self.hazards, StreamKind::Hazard);
        all.filter_map(|row| Some((row, self.asked.get(row as usize)?))).filter(move |(_, hazard)| {
            !matches!(hazard.status, Status::Dismissed | Status::Merged)
                && is(filter.status.as_ref(), &hazard.status)
                && filter.grade.is_none_or(|grade| hazard.grade == Some(grade))
                && filter.in_place.is_none_or(|wanted| wanted == hazard.in_place())
                && firms.as_ref().is_none_or(|firms| firms[hazard.enterprise as usize])
        })
    }

    /// How far the five are in place, for each town, sector or enterprise.
    pub(crate) fn summary(&self, ask: &Ask<'_>) -> Page<Summary> {
        // Each enterprise is put into its group once, and hazards are counted by number.
        let mut names = Words::default();
        let group = |firm: u32| match ask.filter.group.unwrap_or(Group::Town) {
            Group::Sector => self.roll.sector(firm).map_or("", Sector::name),
            Group::Enterprise => self.roll.name(firm),
            Group::Town | Group::Month | Group::Year | Group::Source | Group::Criterion => {
                self.roll.town(firm)
            }
        };
        let group_of: Vec<usize> =
            (0..).take(self.roll.len()).map(|firm| names.number(group(firm)) as usize).collect();
        let mut counts = vec![Counts::default(); names.iter().count()];
        for (_, hazard) in self.wanted(ask).filter(|(_, hazard)| hazard.grade == Some(Grade::Major)) {
            if let Some(count) =
                group_of.get(hazard.enterprise as usize).and_then(|group| counts.get_mut(*group))
            {
                count.add(hazard);
            }
        }
        let mut groups: Vec<(&str, Counts)> = names.iter().zip(counts).collect();
        groups.retain(|(_, count)| count.hazards > 0);
        groups.sort_unstable_by_key(|(name, _)| *name);
        ask.page(groups.into_iter(), |(group, count)| Summary {
            group: group.to_owned(),
            hazards: count.hazards,
            in_place: count.in_place,
            closed: count.closed,
            confirmed: Element::ALL.into_iter().zip(count.confirmed).collect(),
        })
    }

    fn row(&self, row: u32, hazard: &Hazard, rules: &Rules) -> Row {
        let nothing = (Key::default(), None);
        let (key, done) = self.hazards.at(row).unwrap_or(&nothing);
        let marks = done.as_deref().map(|done| done.marks.as_slice()).unwrap_or_default();
        let aim = done.as_deref().and_then(|done| done.aim.as_ref());
        let mut steps: BTreeMap<Element, Vec<Step>> = BTreeMap::new();
        let mut proof = BTreeMap::new();
        // The last mark of an element is that of its stage.
        for mark in marks {
            proof.insert(mark.element, mark.when.position());
            steps.entry(mark.element).or_default().push(Step {
                stage: mark.stage,
                text: self.texts.option(mark.text),
                position: mark.when.position(),
                day: mark.when.day.into(),
                by: self.signers.actors(mark.by),
            });
        }
        let open = hazard.stages().filter(|(_, stage)| *stage != Stage::Confirmed);
        Row {
            hazard: key.stream(StreamKind::Hazard),
            enterprise: self.roll.stream(hazard.enterprise),
            enterprise_name: self.roll.name(hazard.enterprise).to_owned(),
            status: hazard.status,
            grade: hazard.grade,
            elements: hazard.stages().collect(),
            proof,
            steps,
            aim: aim.map(|aim| Step {
                stage: Stage::Committed,
                text: self.texts.option(aim.text),
                position: aim.when.position(),
                day: aim.when.day.into(),
                by: self.signers.actors(aim.by),
            }),
            plan_complete: aim.is_some() && hazard.stages.iter().all(|stage| *stage >= Stage::Committed),
            in_place: hazard.in_place(),
            not_confirmed: open.map(|(element, _)| element).collect(),
            missing: hazard.missing(rules),
        }
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let key = Key::of(&fact.stream);
        if let HazardEvent::Reported(report) = event {
            let enterprise = self.roll.number(&report.enterprise);
            self.hazards.put(key, None);
            let stages = [Stage::Missing; 5];
            self.asked.push(Hazard { enterprise, grade: None, status: Status::Reported, stages });
            return;
        }
        let Some(row) = self.hazards.find(&key) else {
            return;
        };
        let (Some(hazard), Some(done)) = (self.asked.get_mut(row as usize), self.hazards.at_mut(row)) else {
            return;
        };
        hazard.status = status_after(hazard.status, event);
        let when = When::of(fact);
        let (element, stage, text) = match event {
            HazardEvent::Committed(said) => (said.element, Stage::Committed, Some(said.text.as_str())),
            HazardEvent::Evidenced(said) => (said.element, Stage::Evidenced, Some(said.text.as_str())),
            HazardEvent::Confirmed(only) => (only.element, Stage::Confirmed, None),
            HazardEvent::Planned(planned) => {
                let (by, text) = (self.signers.number(&fact.by), self.texts.number(planned.aim.as_str()));
                done.get_or_insert_default().aim = Some(Aim { when, by, text });
                return;
            }
            HazardEvent::Verified(verified) => {
                let major = verified.criterion.is_some();
                hazard.grade = Some(if major { Grade::Major } else { Grade::General });
                return;
            }
            // What was in place before the hazard came back says nothing about now.
            HazardEvent::Reopened(_) => {
                *done = None;
                hazard.stages = [Stage::Missing; 5];
                return;
            }
            HazardEvent::Reported(_)
            | HazardEvent::Dismissed(_)
            | HazardEvent::Merged(_)
            | HazardEvent::Served(_)
            | HazardEvent::Acknowledged(_)
            | HazardEvent::Assigned(_)
            | HazardEvent::Rectified(_)
            | HazardEvent::Reviewed(_)
            | HazardEvent::Closed(_)
            | HazardEvent::Extended(_)
            | HazardEvent::ExtensionRequested(_)
            | HazardEvent::ExtensionRefused(_)
            | HazardEvent::ProductionSuspended(_)
            | HazardEvent::ProductionResumed(_)
            | HazardEvent::Listed(_)
            | HazardEvent::Delisted(_)
            | HazardEvent::Escalated(_)
            | HazardEvent::Penalised(_)
            | HazardEvent::Published(_)
            | HazardEvent::Relieved(_)
            | HazardEvent::ReliefRefused(_)
            | HazardEvent::Overdue(_) => return,
        };
        if let Some(place) = hazard.stages.get_mut(number(element)) {
            *place = stage;
        }
        let by = self.signers.number(&fact.by);
        let text = text.map_or(NONE, |text| self.texts.number(text));
        done.get_or_insert_default().mark(Mark { element, stage, when, by, text });
    }
}

impl Projection for FiveInPlace {
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
