//! Relief from penalty: for each hazard that its enterprise reported itself, what was decided, why, and which entries
//! prove it (plan, mines, 11).

use std::collections::BTreeSet;

use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Origin, ReliefDecided, Status};
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::report::ReportEvent;
use adit_core::rules::Reason;
use adit_core::rules::relief::{Condition, ConditionName, Holds, Outcome};
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Page, Viewer, is};
use crate::compact::{Key, Signers, Table, When, Words};
use crate::reasons::{self, Kept};
use crate::roll::Roll;
use crate::standing::status_after;

pub(crate) const NAME: &str = "relief";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] =
    &["stream", "enterprise", "town", "sector", "status", "relief", "to_penalise", "from", "to", "contains"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Relief {
    roll: Roll,
    words: Words,
    signers: Signers,
    hazards: Table<Key, Option<Box<Decided>>>,
    /// What filters ask of each hazard, close together.
    asked: Vec<Hazard>,
    /// Rows of which nobody has decided.
    pending: BTreeSet<u32>,
    /// Rows of which relief was refused, and no penalty followed.
    unpenalised: BTreeSet<u32>,
    /// How conditions stand together.
    standings: Table<Vec<Stood>, ()>,
    /// The entry that received each report.
    reports: Table<Key, Position>,
    /// The earliest report of each hazard that officers linked to one.
    earlier: Table<Key, Position>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    enterprise: u32,
    status: Status,
    decision: Decision,
    /// Relief was refused, and no penalty followed.
    to_penalise: bool,
    reported: When,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Decided {
    relieved: bool,
    rule_says: Outcome,
    reasons: Vec<Kept>,
    otherwise: Option<Box<str>>,
    when: When,
    by: u32,
    rests_on: Vec<Position>,
    /// How the conditions stand: few combinations, each kept once.
    standing: u32,
    /// For each condition that has them, the details of its reason and the entries that prove it.
    told: Box<[Told]>,
    rules: u32,
}

/// How a condition stood, and the code and the source of its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Stood {
    condition: ConditionName,
    holds: Holds,
    code: u32,
    source: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    /// The number of the condition.
    of: u8,
    details: Box<[(u32, Box<str>)]>,
    proof: Box<[Position]>,
}

/// Whether relief was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is not verified yet.
    Unverified,
    /// It is for an officer to decide.
    Pending,
    Relieved,
    Refused,
    /// Nothing is left to decide: it was dismissed, merged into another, or penalised.
    Moot,
}

/// A hazard that its enterprise reported itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub hazard: StreamId,
    pub enterprise: StreamId,
    pub enterprise_name: String,
    pub status: Status,
    pub self_reported_at: Position,
    pub self_reported_on: Day,
    pub decision: Decision,
    /// None while nobody has decided.
    pub relieved: Option<bool>,
    /// Relief was refused, and no penalty was decided on.
    pub to_penalise: bool,
    /// What the rule says.
    pub rule_says: Option<Outcome>,
    pub reasons: Vec<Reason>,
    /// Every condition of the rule with the entries that prove it; empty while nobody has decided, and for decisions of
    /// before conditions were recorded. What only the deciding officer says is proved by the decision.
    pub conditions: Vec<Condition>,
    /// Why an officer decided otherwise, or what a person decided where no source does. Not for the enterprise: the
    /// officer may have known of a report.
    pub otherwise: Option<String>,
    pub decided_by: Vec<ActorId>,
    /// A report of the same hazard that stands earlier in the log: told to those who work on reports.
    pub earlier_report: Option<Position>,
    pub decided_at: Option<Position>,
    pub decided_on: Option<Day>,
    /// Rule packs of the decision.
    pub rules: Option<String>,
    /// Entries on which the decision rests, in the order of the log.
    pub proof: Vec<Position>,
}

impl Decided {
    /// Entries on which a decision rests.
    fn proof(&self) -> impl Iterator<Item = Position> {
        let conditions = self.told.iter().flat_map(|told| told.proof.iter().copied());
        self.rests_on.iter().copied().chain(conditions).chain([self.when.position()])
    }
}

impl Relief {
    /// All in the order of the log.
    pub fn rows(&self) -> Vec<Row> {
        self.query(&Ask::all(Day::default())).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let filter = ask.filter;
        let words = filter.contains.as_deref();
        let firms = self.roll.asked(filter.town.as_deref(), filter.sector, words);
        let pending = (filter.relief == Some(Decision::Pending)).then_some(&self.pending);
        let unpenalised = (filter.to_penalise == Some(true)).then_some(&self.unpenalised);
        let all = ask.rows_of(unpenalised.or(pending), &self.hazards, StreamKind::Hazard);
        if pending.is_some() && ask.wants_all(&["relief"]) {
            let row = |row| self.asked.get(row as usize).map(|hazard| self.row(row, hazard, ask));
            return ask.page_of_all(all, row).flatten();
        }
        let wanted =
            all.filter_map(|row| Some((row, self.asked.get(row as usize)?))).filter(|(_, hazard)| {
                is(filter.status.as_ref(), &hazard.status)
                    && is(filter.relief.as_ref(), &hazard.decision)
                    && is(filter.to_penalise.as_ref(), &hazard.to_penalise)
                    && ask.spans(hazard.reported.day)
                    && firms.as_ref().is_none_or(|firms| firms[hazard.enterprise as usize])
            });
        ask.page(wanted, |(row, hazard)| self.row(row, hazard, ask))
    }

    fn row(&self, row: u32, hazard: &Hazard, ask: &Ask<'_>) -> Row {
        let viewer = ask.viewer;
        let nothing = (Key::default(), None);
        let (key, decided) = self.hazards.at(row).unwrap_or(&nothing);
        let decided = decided.as_deref();
        let otherwise = decided.and_then(|decided| decided.otherwise.as_deref());
        let mut proof: Vec<Position> = decided.into_iter().flat_map(Decided::proof).collect();
        proof.push(hazard.reported.position());
        proof.sort_unstable();
        proof.dedup();
        // A report that stands earlier is told to whoever decides, unless it is kept from them, and to nobody else.
        let earlier =
            self.earlier.get(key).copied().filter(|position| *position < hazard.reported.position());
        Row {
            hazard: key.stream(StreamKind::Hazard),
            enterprise: self.roll.stream(hazard.enterprise),
            enterprise_name: self.roll.name(hazard.enterprise).to_owned(),
            status: hazard.status,
            self_reported_at: hazard.reported.position(),
            self_reported_on: hazard.reported.day.into(),
            decision: hazard.decision,
            relieved: decided.map(|decided| decided.relieved),
            to_penalise: hazard.to_penalise,
            rule_says: decided.map(|decided| decided.rule_says),
            reasons: decided.map(|decided| reasons::tell(&self.words, &decided.reasons)).unwrap_or_default(),
            conditions: decided.map(|decided| self.conditions(decided)).unwrap_or_default(),
            otherwise: otherwise.filter(|_| !matches!(viewer, Viewer::Enterprise(_))).map(str::to_owned),
            decided_by: decided.map(|decided| self.signers.actors(decided.by)).unwrap_or_default(),
            earlier_report: earlier
                .filter(|position| viewer == Viewer::Reports && !ask.kept.received.contains(position)),
            decided_at: decided.map(|decided| decided.when.position()),
            decided_on: decided.map(|decided| decided.when.day.into()),
            rules: decided.map(|decided| self.words.text(decided.rules).to_owned()),
            proof,
        }
    }

    fn conditions(&self, decided: &Decided) -> Vec<Condition> {
        let stood =
            self.standings.at(decided.standing).map(|(stood, ())| stood.as_slice()).unwrap_or_default();
        let one = |(of, stood): (u8, &Stood)| {
            let told = decided.told.iter().find(|told| told.of == of);
            let details = told.into_iter().flat_map(|told| &told.details);
            let details = details.map(|(name, value)| (self.words.text(*name).to_owned(), value.to_string()));
            let proof = told.map(|told| told.proof.to_vec()).filter(|proof| !proof.is_empty());
            Condition {
                condition: stood.condition,
                holds: stood.holds,
                proof: proof.unwrap_or_else(|| vec![decided.when.position()]),
                reason: Reason {
                    code: self.words.text(stood.code).to_owned(),
                    details: details.collect(),
                    source: self.words.text(stood.source).to_owned(),
                },
            }
        };
        (0..).zip(stood).map(one).collect()
    }

    /// Keeps conditions: how they stand by number, and what is told of each.
    fn keep(&mut self, conditions: &[Condition]) -> (u32, Box<[Told]>) {
        let (mut stood, mut told) = (Vec::new(), Vec::new());
        for (of, condition) in (0..).zip(conditions) {
            let reason = &condition.reason;
            stood.push(Stood {
                condition: condition.condition,
                holds: condition.holds,
                code: self.words.number(&reason.code),
                source: self.words.number(&reason.source),
            });
            let details = reason.details.iter();
            let details = details.map(|(name, value)| (self.words.number(name), value.as_str().into()));
            let (details, proof): (Box<[_]>, Box<[_]>) =
                (details.collect(), condition.proof.as_slice().into());
            if !details.is_empty() || !proof.is_empty() {
                told.push(Told { of, details, proof });
            }
        }
        let standing = self.standings.find(&stood).unwrap_or_else(|| self.standings.row(stood, || ()));
        (standing, told.into())
    }

    fn decided(&mut self, fact: &Fact, event: &ReliefDecided, relieved: bool) {
        let Some(row) = self.hazards.find(&Key::of(&fact.stream)) else { return };
        let facts = &event.facts;
        let rests_on = [facts.inspected, facts.accident, facts.inspected_unclear, facts.accident_unclear];
        // What came after the self-report decided nothing, and a report may have led to it.
        let reported = self.asked.get(row as usize).map(|hazard| hazard.reported.position());
        let rests_on = rests_on.into_iter().flatten().filter(|position| Some(*position) < reported);
        let because = event.person.as_ref().map(|person| &person.because).or(event.otherwise.as_ref());
        let (standing, told) = self.keep(&event.conditions);
        let decided = Decided {
            relieved,
            rule_says: event.rule_says,
            reasons: reasons::keep(&mut self.words, &event.reasons),
            otherwise: because.map(|text| text.as_str().into()),
            when: When::of(fact),
            by: self.signers.number(&fact.by),
            rests_on: rests_on.collect(),
            standing,
            told,
            rules: self.words.number(&event.rules),
        };
        if let Some(place) = self.hazards.at_mut(row) {
            *place = Some(Box::new(decided));
        }
    }

    /// What officers say of reports: which hazard one led to.
    fn report(&mut self, fact: &Fact, event: &ReportEvent) {
        let key = Key::of(&fact.stream);
        match event {
            ReportEvent::Reported(_) => self.reports.put(key, fact.position),
            ReportEvent::Linked(link) => {
                let Some(received) = self.reports.get(&key).copied() else { return };
                let hazard = Key::of(&link.hazard);
                let earliest = self.earlier.get(&hazard).map_or(received, |before| received.min(*before));
                self.earlier.put(hazard, earliest);
            }
            ReportEvent::Accepted(_)
            | ReportEvent::Declined(_)
            | ReportEvent::Transferred(_)
            | ReportEvent::Verified(_)
            | ReportEvent::Handled(_)
            | ReportEvent::Answered(_)
            | ReportEvent::Extended(_)
            | ReportEvent::Satisfied(_)
            | ReportEvent::Disputed(_)
            | ReportEvent::Closed(_)
            | ReportEvent::Reopened(_)
            | ReportEvent::Shared(_)
            | ReportEvent::MessageSent(_)
            | ReportEvent::EvidenceAdded(_)
            | ReportEvent::Invited(_)
            | ReportEvent::InvitationWithdrawn(_)
            | ReportEvent::Joined(_)
            | ReportEvent::KeyRotated(_)
            | ReportEvent::PickedUp(_)
            | ReportEvent::Locked(_)
            | ReportEvent::RetaliationAlleged(_)
            | ReportEvent::Corroborated(_)
            | ReportEvent::Separated(_)
            | ReportEvent::Overdue(_) => {}
        }
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let key = Key::of(&fact.stream);
        if let HazardEvent::Reported(report) = event
            && report.origin == Origin::SelfInspection
        {
            let enterprise = self.roll.number(&report.enterprise);
            let reported = When::of(fact);
            self.hazards.put(key, None);
            let (status, decision) = (Status::Reported, Decision::Unverified);
            self.asked.push(Hazard { enterprise, status, decision, to_penalise: false, reported });
            return;
        }
        let Some(row) = self.hazards.find(&key) else { return };
        let Some(hazard) = self.asked.get_mut(row as usize) else { return };
        hazard.status = status_after(hazard.status, event);
        hazard.decision = decision_after(hazard.decision, event);
        let ends = matches!(event, HazardEvent::Penalised(_) | HazardEvent::Merged(_));
        let refused = matches!(event, HazardEvent::ReliefRefused(_));
        hazard.to_penalise = refused || (hazard.to_penalise && !ends);
        if hazard.to_penalise {
            self.unpenalised.insert(row);
        } else {
            self.unpenalised.remove(&row);
        }
        if hazard.decision == Decision::Pending {
            self.pending.insert(row);
        } else {
            self.pending.remove(&row);
        }
        if let HazardEvent::Relieved(decided) | HazardEvent::ReliefRefused(decided) = event {
            self.decided(fact, decided, matches!(event, HazardEvent::Relieved(_)));
        }
    }
}

/// How a decision stands after `event`.
fn decision_after(before: Decision, event: &HazardEvent) -> Decision {
    let is_open = matches!(before, Decision::Unverified | Decision::Pending);
    match event {
        HazardEvent::Relieved(_) => Decision::Relieved,
        HazardEvent::ReliefRefused(_) => Decision::Refused,
        HazardEvent::Verified(_) if is_open => Decision::Pending,
        HazardEvent::Dismissed(_) | HazardEvent::Merged(_) | HazardEvent::Penalised(_) if is_open => {
            Decision::Moot
        }
        HazardEvent::Reported(_)
        | HazardEvent::Verified(_)
        | HazardEvent::Dismissed(_)
        | HazardEvent::Merged(_)
        | HazardEvent::Penalised(_)
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
        | HazardEvent::Closed(_)
        | HazardEvent::Reopened(_)
        | HazardEvent::Extended(_)
        | HazardEvent::ExtensionRequested(_)
        | HazardEvent::ExtensionRefused(_)
        | HazardEvent::ProductionSuspended(_)
        | HazardEvent::ProductionResumed(_)
        | HazardEvent::Listed(_)
        | HazardEvent::Delisted(_)
        | HazardEvent::Escalated(_)
        | HazardEvent::Overdue(_) => before,
    }
}

impl Projection for Relief {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Hazard(event) => self.hazard(fact, event),
            Event::Enterprise(event) => self.roll.apply(fact, event),
            Event::Report(event) => self.report(fact, event),
            Event::Reward(_)
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
