//! What a decision reads in other streams. Everything that is read here is named in the append condition, so that a
//! decision that rests on it is decided again when it has moved.

mod inside;
mod readers;

use std::collections::{BTreeMap, BTreeSet};

use crate::access::{self, AccessCommand, AccessDecider};
use crate::actor::{self, ActorCommand, ActorDecider};
use crate::decider::Decider;
use crate::enterprise::{self, EnterpriseCommand, EnterpriseDecider, EnterpriseEvent, name_key};
use crate::event::{Event, Fact, InUnion};
use crate::hazard::{self, HazardCommand, HazardDecider, HazardEvent, Origin, Report};
use crate::id::{ActorId, Id, StreamId, StreamKind};
use crate::inquiry::{self, InquiryCommand, InquiryDecider};
use crate::inspection::{self, InspectionCommand, InspectionDecider, InspectionEvent};
use crate::ledger::keyring::actor_key_name;
use crate::ledger::proposal::Read;
use crate::ledger::store::touch;
use crate::opening::{self, LedgerCommand, LedgerDecider};
use crate::report::{self, ReportCommand, ReportDecider, ReportEvent, corroboration_key, matter_key};
use crate::reward::{self, RewardCommand, RewardDecider, RewardEvent, rewarded_key};
use crate::role::{Party, Role};
use crate::rulebook::RulesDecider;
use crate::rules::closure::{comes_again, counts};
use crate::rules::relief::ReliefFacts;
use crate::units::{Day, Position};

use super::state::{Loaded, fold};
use super::{ExecuteError, Moment, Office};

/// Facts, and the reads that they rest on.
pub(super) struct Gathered<F> {
    pub(super) facts: F,
    pub(super) reads: Vec<Read>,
}

impl<F> Gathered<F> {
    fn alone(facts: F) -> Self {
        Self { facts, reads: Vec::new() }
    }
}

/// A decider whose facts the office can gather.
pub(super) trait Gather: Decider {
    fn gather(
        office: &Office,
        stream: StreamId,
        state: &Self::State,
        command: &Self::Command,
        moment: &Moment,
    ) -> Result<Gathered<Self::Facts>, ExecuteError>;
}

impl Office {
    fn load<D>(&self, stream: StreamId) -> Result<(D::State, Read), ExecuteError>
    where
        D: Decider,
        D::Event: InUnion,
        D::State: Send + Sync + 'static,
    {
        let loaded: Loaded<D::State> = self.states.load::<D>(&self.ledger, stream)?;
        let next = loaded.next();
        Ok((loaded.state, Read::Stream { stream, next }))
    }

    /// The enterprise that the signing enterprise account acts for.
    fn acts_for(&self, moment: &Moment) -> Result<Gathered<Option<StreamId>>, ExecuteError> {
        for party in moment.parties.iter().filter(|party| party.has(Role::Enterprise)) {
            if let Some(ActorId(id)) = party.actor() {
                let (state, read) = self.load::<ActorDecider>(StreamId::new(StreamKind::Actor, id))?;
                return Ok(Gathered { facts: state.acts_for, reads: vec![read] });
            }
        }
        Ok(Gathered::alone(None))
    }

    /// Whether an enterprise is registered and not closed.
    fn stands(&self, enterprise: StreamId) -> Result<(bool, Option<Read>), ExecuteError> {
        if enterprise.kind != StreamKind::Enterprise {
            return Ok((false, None));
        }
        let (state, read) = self.load::<EnterpriseDecider>(enterprise)?;
        let stands = match state.status {
            enterprise::Status::Registered | enterprise::Status::Petitioned => true,
            enterprise::Status::Absent | enterprise::Status::Closed => false,
        };
        Ok((stands, Some(read)))
    }

    /// The newest position. It may be behind by what lands meanwhile; a key that ends there holds for that too.
    fn newest(&self) -> Position {
        Position(self.ledger.size().saturating_sub(1))
    }

    /// Everything that touched an index key, and the read that guards it.
    fn touched(&self, key: &str) -> Result<(Vec<Fact>, Read), ExecuteError> {
        let read = self.read_key(key)?;
        Ok((self.ledger.touched(&touch(key))?, read))
    }

    /// Inspections, earlier hazards and accidents of a hazard's enterprise, as far as they bear on relief: those that stand
    /// before its self-report. What came later decides nothing, and a report may have led to it.
    fn relief_facts(
        &self,
        own: StreamId,
        state: &hazard::State,
    ) -> Result<Gathered<ReliefFacts>, ExecuteError> {
        let Some(report) = &state.report else {
            return Ok(Gathered::alone(ReliefFacts::default()));
        };
        let (facts, read) = self.touched(&report.enterprise.to_string())?;
        let before = state.reported_at;
        let mut relief = ReliefFacts::default();
        for fact in facts.iter().filter(|fact| fact.stream != own) {
            match &fact.event {
                Event::Inspection(InspectionEvent::FindingRecorded(found)) if fact.position < before => {
                    let same_item =
                        found.finding.criterion.is_some() && found.finding.criterion == state.criterion;
                    match (same_item, found.finding.place == report.place) {
                        (true, true) => {
                            let visit = visits(&facts, fact.stream).filter(|visit| *visit < before).collect();
                            inspected(&mut relief, fact.position, visit);
                        }
                        (true, false) | (false, true) => first(&mut relief.inspected_unclear, fact.position),
                        (false, false) => {}
                    }
                }
                // A plan counts from where it was sealed: a self-report after it is provably late, unless the inspectors
                // had been there before it and had not found this.
                Event::Inspection(InspectionEvent::Opened(opened)) if opened.sealed_at < before => {
                    if visits(&facts, fact.stream).all(|visit| visit >= before) {
                        inspected(&mut relief, opened.sealed_at, vec![fact.position]);
                    }
                }
                Event::Enterprise(EnterpriseEvent::AccidentRecorded(_)) if fact.position < before => {
                    first(&mut relief.accident_unclear, fact.position);
                }
                Event::Hazard(HazardEvent::Verified(verified)) if fact.position < before => {
                    let same_item = verified.criterion.is_some() && verified.criterion == state.criterion;
                    if same_item && let Some(closed) = self.closed_before(fact.stream, before)? {
                        relief.repeated = true;
                        relief.repeated_at.extend([fact.position, closed]);
                    }
                }
                Event::Hazard(_)
                | Event::Inspection(_)
                | Event::Enterprise(_)
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
        Ok(Gathered { facts: relief, reads: vec![read] })
    }

    /// Where a hazard was last struck off before a position. Entries before one that stands do not change any more, so no
    /// read guards this.
    fn closed_before(&self, hazard: StreamId, before: Position) -> Result<Option<Position>, ExecuteError> {
        let facts = self.ledger.stream(&hazard)?;
        let closed = |fact: &&Fact| matches!(fact.event, Event::Hazard(HazardEvent::Closed(_)));
        let earlier = facts.iter().filter(|fact| fact.position < before);
        Ok(earlier.filter(closed).map(|fact| fact.position).next_back())
    }
}

/// Where the visit of an inspection stands.
fn visits(facts: &[Fact], inspection: StreamId) -> impl Iterator<Item = Position> {
    let performed = |fact: &&Fact| matches!(fact.event, Event::Inspection(InspectionEvent::Performed(_)));
    facts.iter().filter(move |fact| fact.stream == inspection).filter(performed).map(|fact| fact.position)
}

/// The earliest inspection, with its further entries.
fn inspected(relief: &mut ReliefFacts, position: Position, more: Vec<Position>) {
    if relief.inspected.is_none_or(|before| position < before) {
        relief.inspected = Some(position);
        relief.inspected_at = more;
    }
}

fn first(earliest: &mut Option<Position>, position: Position) {
    *earliest = Some(earliest.map_or(position, |before| before.min(position)));
}

impl Gather for HazardDecider {
    fn gather(
        office: &Office,
        stream: StreamId,
        state: &hazard::State,
        command: &HazardCommand,
        moment: &Moment,
    ) -> Result<Gathered<hazard::Facts>, ExecuteError> {
        let Gathered { facts: acts_for, mut reads } = office.acts_for(moment)?;
        let mut facts = hazard::Facts { acts_for, with_finding: moment.with_finding, ..Default::default() };
        if let HazardCommand::DecideRelief(_) = command {
            let relief = office.relief_facts(stream, state)?;
            facts.relief = relief.facts;
            reads.extend(relief.reads);
        }
        if let HazardCommand::Report(report) = command {
            let (stands, read) = office.stands(report.enterprise)?;
            facts.enterprise_stands = stands;
            reads.extend(read);
        }
        if let HazardCommand::Merge(merge) = command
            && merge.into.kind == StreamKind::Hazard
            && merge.into != stream
        {
            let (other, read) = office.load::<HazardDecider>(merge.into)?;
            facts.other = other
                .report
                .as_ref()
                .map(|report| hazard::Other { enterprise: report.enterprise, open: other.is_open() });
            reads.push(read);
        }
        Ok(Gathered { facts, reads })
    }
}

impl Gather for EnterpriseDecider {
    fn gather(
        office: &Office,
        stream: StreamId,
        _: &enterprise::State,
        command: &EnterpriseCommand,
        moment: &Moment,
    ) -> Result<Gathered<enterprise::Facts>, ExecuteError> {
        let Gathered { facts: acts_for, mut reads } = office.acts_for(moment)?;
        let mut facts = enterprise::Facts { acts_for, ..Default::default() };
        match command {
            EnterpriseCommand::Register(register) => {
                let key = name_key(register.name.as_str());
                let (taken, read) = office.touched(&key)?;
                facts.name_taken = !taken.is_empty();
                reads.push(read);
            }
            EnterpriseCommand::Grade(_) | EnterpriseCommand::PetitionClosure(_) => {
                let (touched, read) = office.touched(&stream.to_string())?;
                reads.push(read);
                count(office, &touched, &mut facts, &mut reads)?;
            }
            EnterpriseCommand::LogSelfInspection(log) if log.enterprise != stream => facts.acts_for = None,
            EnterpriseCommand::OpenChannel(open) if open.enterprise != stream => facts.acts_for = None,
            EnterpriseCommand::CloseChannel(close) if close.enterprise != stream => facts.acts_for = None,
            EnterpriseCommand::LogSelfInspection(_)
            | EnterpriseCommand::OpenChannel(_)
            | EnterpriseCommand::CloseChannel(_)
            | EnterpriseCommand::ChangeLicence(_)
            | EnterpriseCommand::ChangeController(_)
            | EnterpriseCommand::ChangeParent(_)
            | EnterpriseCommand::ChangePrincipal(_)
            | EnterpriseCommand::RecordAccident(_)
            | EnterpriseCommand::AcceptResumption(_)
            | EnterpriseCommand::Close(_) => {}
        }
        Ok(Gathered { facts, reads })
    }
}

/// Discoveries, recurrences, penalties and open major hazards of an enterprise.
fn count(
    office: &Office,
    touched: &[Fact],
    facts: &mut enterprise::Facts,
    reads: &mut Vec<Read>,
) -> Result<(), ExecuteError> {
    let mut major = BTreeMap::new();
    for fact in touched {
        if let Event::Hazard(HazardEvent::Verified(verified)) = &fact.event
            && verified.criterion.is_some()
        {
            facts.discoveries.push(verified.found_on);
            let (hazard, read) = office.load::<HazardDecider>(fact.stream)?;
            let done = matches!(hazard.status, hazard::Status::Closed | hazard::Status::Merged);
            facts.open_major_hazard |= !done;
            reads.push(read);
            major.insert(fact.stream, hazard);
        }
    }
    let mut decisions = BTreeSet::new();
    for fact in touched {
        // One decision may be entered for several hazards; it is one penalty.
        if let Event::Hazard(HazardEvent::Penalised(penalised)) = &fact.event
            && penalised.penalise.is_of_unit()
        {
            let on = penalised.penalise.decided_on;
            let stood =
                major.values().flat_map(|hazard| &hazard.stood).map(|stood| (stood.from, stood.until));
            if counts(on, major.contains_key(&fact.stream), stood)
                && decisions.insert(penalised.penalise.decision.as_str())
            {
                facts.penalties.push(on);
            }
        }
    }
    facts.recurrences = recurrences(&major);
    Ok(())
}

/// Criterion items that are there again after they had been struck off.
fn recurrences(major: &BTreeMap<StreamId, hazard::State>) -> Vec<String> {
    let spans = || {
        let of = |hazard: &'_ hazard::State| hazard.criterion.clone();
        major.values().flat_map(move |hazard| hazard.stood.iter().map(move |stood| (of(hazard), stood)))
    };
    // Who came after any closing of an item came after its first.
    let mut first: BTreeMap<Option<String>, (Position, Day)> = BTreeMap::new();
    for (criterion, stood) in spans() {
        if let Some(closed) = stood.struck_off.zip(stood.until) {
            let earliest = first.get(&criterion).map_or(closed, |before| closed.min(*before));
            first.insert(criterion, earliest);
        }
    }
    let again = spans().filter(|(criterion, stood)| {
        first.get(criterion).is_some_and(|closed| comes_again(*closed, (stood.since, stood.from)))
    });
    let items: BTreeSet<String> = again.filter_map(|(criterion, _)| criterion).collect();
    items.into_iter().collect()
}

impl Gather for InspectionDecider {
    fn gather(
        office: &Office,
        _: StreamId,
        _: &inspection::State,
        command: &InspectionCommand,
        _: &Moment,
    ) -> Result<Gathered<inspection::Facts>, ExecuteError> {
        let hazard = match command {
            InspectionCommand::RecordFinding(_) => Some(StreamId::new(StreamKind::Hazard, Id::random()?)),
            InspectionCommand::Seal(_)
            | InspectionCommand::Open(_)
            | InspectionCommand::Perform(_)
            | InspectionCommand::NothingFound(_)
            | InspectionCommand::Enforce(_) => None,
        };
        let (enterprise_stands, read) = match command {
            InspectionCommand::Perform(perform) => office.stands(perform.enterprise)?,
            InspectionCommand::Seal(_)
            | InspectionCommand::Open(_)
            | InspectionCommand::RecordFinding(_)
            | InspectionCommand::NothingFound(_)
            | InspectionCommand::Enforce(_) => (false, None),
        };
        let facts = inspection::Facts { hazard, enterprise_stands };
        Ok(Gathered { facts, reads: read.into_iter().collect() })
    }
}

/// The hazards that findings open, with the command that enters each.
pub(super) fn hazards_opened<'a>(
    inspection: StreamId,
    events: impl Iterator<Item = &'a Event>,
) -> Vec<(StreamId, HazardCommand)> {
    let mut opened = Vec::new();
    for event in events {
        if let Event::Inspection(InspectionEvent::FindingRecorded(found)) = event {
            let report = Report {
                enterprise: found.enterprise,
                origin: Origin::Inspection,
                inspection: Some(inspection),
                place: found.finding.place.clone(),
                description: found.finding.description.clone(),
                found_on: found.finding.found_on,
                criterion: found.finding.criterion.clone(),
                // They stay with the inspection, which the enterprise does not read.
                files: Vec::new(),
            };
            opened.push((found.hazard, HazardCommand::Report(report)));
        }
    }
    opened
}

impl Gather for AccessDecider {
    /// It rests on nothing: whoever calls has looked whether there is anything to open, and what is recorded is that it was.
    fn gather(
        _: &Office,
        _: StreamId,
        _: &access::State,
        _: &AccessCommand,
        _: &Moment,
    ) -> Result<Gathered<()>, ExecuteError> {
        Ok(Gathered::alone(()))
    }
}

impl Gather for InquiryDecider {
    fn gather(
        office: &Office,
        _: StreamId,
        _: &inquiry::State,
        command: &InquiryCommand,
        _: &Moment,
    ) -> Result<Gathered<inquiry::Facts>, ExecuteError> {
        let mut facts = inquiry::Facts { hazards_stand: true, size: office.ledger.size() };
        let mut reads = Vec::new();
        if let InquiryCommand::Open(open) = command {
            for hazard in open.hazards.iter().filter(|hazard| hazard.kind == StreamKind::Hazard) {
                let (state, read) = office.load::<HazardDecider>(*hazard)?;
                facts.hazards_stand &= state.status != hazard::Status::Absent;
                reads.push(read);
            }
        }
        Ok(Gathered { facts, reads })
    }
}

impl Gather for ReportDecider {
    fn gather(
        office: &Office,
        stream: StreamId,
        _: &report::State,
        command: &ReportCommand,
        _: &Moment,
    ) -> Result<Gathered<report::Facts>, ExecuteError> {
        match command {
            ReportCommand::Corroborate(corroborate) => office.corroboration(stream, corroborate.report),
            ReportCommand::Share(share) => office.readers_among(&share.with),
            ReportCommand::PickUp(_) | ReportCommand::Invite(_) | ReportCommand::Join(_) => {
                office.rewards_of(stream)
            }
            ReportCommand::Report(_)
            | ReportCommand::Accept(_)
            | ReportCommand::Decline(_)
            | ReportCommand::Transfer(_)
            | ReportCommand::Verify(_)
            | ReportCommand::Handle(_)
            | ReportCommand::Answer(_)
            | ReportCommand::Extend(_)
            | ReportCommand::Satisfy(_)
            | ReportCommand::Dispute(_)
            | ReportCommand::Close(_)
            | ReportCommand::Reopen(_)
            | ReportCommand::Message(_)
            | ReportCommand::AddEvidence(_)
            | ReportCommand::Link(_)
            | ReportCommand::Separate(_)
            | ReportCommand::WithdrawInvitation(_)
            | ReportCommand::RotateKey(_)
            | ReportCommand::Lock(_)
            | ReportCommand::AllegeRetaliation(_)
            | ReportCommand::RecordOverdue(_) => Ok(Gathered::alone(report::Facts::default())),
        }
    }
}

impl Office {
    /// The report that is corroborated, and whether another one corroborates this one. Streams and key are read: two commands that would
    /// make a chain cannot both land.
    fn corroboration(&self, own: StreamId, first: StreamId) -> Result<Gathered<report::Facts>, ExecuteError> {
        let mut gathered = Gathered::alone(report::Facts::default());
        let begun =
            |stream: &StreamId| Ok::<_, ExecuteError>(self.ledger.store().stream(stream)?.first().copied());
        gathered.facts.reported_at = begun(&own)?.unwrap_or_default();
        if first.kind == StreamKind::Report && first != own {
            let (state, read) = self.load::<ReportDecider>(first)?;
            gathered.reads.push(read);
            gathered.facts.first = begun(&first)?.map(|reported_at| report::First {
                reported_at,
                status: state.status,
                excluded: state.excluded,
                corroborates: state.corroborates,
            });
        }
        let (touched, read) = self.touched(&corroboration_key(&own))?;
        gathered.reads.push(read);
        let others: BTreeSet<StreamId> = touched.iter().map(|fact| fact.stream).collect();
        for other in others {
            let (state, read) = self.load::<ReportDecider>(other)?;
            gathered.reads.push(read);
            gathered.facts.is_corroborated |= state.corroborates == Some(own);
        }
        Ok(gathered)
    }

    /// How long a one-time code is good, and whether somebody may still join, depends on the rewards for the report, under every matter
    /// that it was ever verified as.
    fn rewards_of(&self, stream: StreamId) -> Result<Gathered<report::Facts>, ExecuteError> {
        let mut gathered = Gathered::alone(report::Facts::default());
        let mut matters = BTreeSet::new();
        for fact in self.ledger.stream(&stream)? {
            if let Event::Report(ReportEvent::Verified(verified)) = fact.event {
                matters.insert(verified.verify.matter_key.to_string());
            }
        }
        let mut rewards = BTreeSet::new();
        for matter in matters {
            let (rewarded, read) = self.touched(&rewarded_key(&matter))?;
            gathered.reads.push(read);
            rewards.extend(rewarded.iter().map(|fact| fact.stream));
        }
        for reward in rewards {
            let (state, read) = self.load::<RewardDecider>(reward)?;
            if state.assessed.is_some_and(|assessed| assessed.report == stream) {
                gathered.reads.push(read);
                gathered.facts.assessed = true;
                let told = !matches!(state.status, reward::Status::Assessed | reward::Status::Approved);
                gathered.facts.reward_to_come |= !told;
                gathered.facts.claim_due = gathered.facts.claim_due.max(state.claim_due.filter(|_| told));
            }
        }
        Ok(gathered)
    }
}

impl Gather for RewardDecider {
    fn gather(
        office: &Office,
        stream: StreamId,
        state: &reward::State,
        command: &RewardCommand,
        _: &Moment,
    ) -> Result<Gathered<reward::Facts>, ExecuteError> {
        let report = match command {
            RewardCommand::Assess(assess) | RewardCommand::Reassess(assess) => Some(assess.report),
            RewardCommand::Approve(_) => state.assessed.as_ref().map(|assessed| assessed.report),
            RewardCommand::Claim(_) | RewardCommand::Waive(_) => return office.claimants(state),
            RewardCommand::Notify(_)
            | RewardCommand::Pay(_)
            | RewardCommand::Forfeit(_)
            | RewardCommand::Extend(_)
            | RewardCommand::RecordOverdue(_) => None,
        };
        match report {
            Some(report) => office.reward_facts(stream, report),
            None => Ok(Gathered::alone(reward::Facts::default())),
        }
    }
}

impl Office {
    /// Who may claim now: reporters whose own key is in force, and who changed the secret with the new one. The report's revision is read, so that a
    /// claim with the old key and the change of the secret cannot both land.
    fn claimants(&self, state: &reward::State) -> Result<Gathered<reward::Facts>, ExecuteError> {
        let Some(assessed) = &state.assessed else { return Ok(Gathered::alone(reward::Facts::default())) };
        let (report, read) = self.load::<ReportDecider>(assessed.report)?;
        let facts =
            reward::Facts { claim_keys_now: report.claim_keys_in_force(), ..reward::Facts::default() };
        Ok(Gathered { facts, reads: vec![read] })
    }

    /// The report that a reward rests on, and what else was reported and rewarded of its matter.
    fn reward_facts(&self, own: StreamId, on: StreamId) -> Result<Gathered<reward::Facts>, ExecuteError> {
        let (report, read) = self.load::<ReportDecider>(on)?;
        let mut gathered = Gathered { facts: reward::Facts::default(), reads: vec![read] };
        let history = self.ledger.stream(&on)?;
        if let Some((begun, reported)) = history.first().zip(report.report) {
            gathered.facts.report = Some(reward::Reported {
                matter: reported.matter,
                insider: reported.insider,
                on: begun.at.day(),
                verified: report.verified.clone(),
                handled: report.handled,
                claim_keys: report.claim_keys,
                found_before: self.found_before(begun.position, &history)?,
            });
        }
        if let Some(verified) = &report.verified {
            self.same_matter(own, verified.matter_key.as_str(), &mut gathered)?;
        }
        Ok(gathered)
    }

    /// Where the first of the hazards that a report is linked to was entered, if that was before the report. A stream's
    /// first position never moves, so nothing has to guard it.
    fn found_before(
        &self,
        reported_at: Position,
        history: &[Fact],
    ) -> Result<Option<Position>, ExecuteError> {
        let mut earliest = None;
        for fact in history {
            if let Event::Report(ReportEvent::Linked(link)) = &fact.event
                && let Some(entered_at) = self.ledger.store().stream(&link.hazard)?.first()
                && *entered_at < reported_at
            {
                first(&mut earliest, *entered_at);
            }
        }
        Ok(earliest)
    }

    /// Every report whose verification names the matter, and which rewards were given or denied for it. A verification
    /// or an assessment that lands first makes the command a conflict by the matter's keys, and anything else that happens
    /// to one of these reports by its stream.
    fn same_matter(
        &self,
        own: StreamId,
        matter: &str,
        gathered: &mut Gathered<reward::Facts>,
    ) -> Result<(), ExecuteError> {
        let (rewarded, read) = self.touched(&rewarded_key(matter))?;
        gathered.reads.push(read);
        let given = rewarded.iter().map(|fact| fact.stream).filter(|stream| *stream != own);
        let given: BTreeSet<StreamId> = given.collect();
        // Reward and report of each denial: such a report is not in the way of the next one.
        let denied: BTreeMap<StreamId, StreamId> = rewarded
            .iter()
            .filter_map(|fact| {
                let Event::Reward(RewardEvent::Denied(denied)) = &fact.event else { return None };
                Some((fact.stream, denied.report))
            })
            .collect();
        gathered.facts.matter_rewarded = given.iter().any(|reward| !denied.contains_key(reward));
        let (verified, read) = self.touched(&matter_key(matter))?;
        gathered.reads.push(read);
        let reports: BTreeSet<StreamId> = verified.iter().map(|fact| fact.stream).collect();
        for report in reports {
            let (state, read) = self.load::<ReportDecider>(report)?;
            gathered.reads.push(read);
            // A report may have been verified again since, as another matter.
            let verified = state.verified.filter(|verified| verified.matter_key.as_str() == matter);
            let reported_at = self.ledger.store().stream(&report)?.first().copied();
            if let Some((verified, reported_at)) = verified.zip(reported_at) {
                gathered.facts.same_matter.push(reward::Candidate {
                    report,
                    reported_at,
                    status: state.status,
                    finding: verified.finding,
                    denied: denied.values().any(|denied| *denied == report),
                });
            }
        }
        Ok(())
    }
}

impl Gather for ActorDecider {
    fn gather(
        office: &Office,
        stream: StreamId,
        _: &actor::State,
        command: &ActorCommand,
        _: &Moment,
    ) -> Result<Gathered<actor::Facts>, ExecuteError> {
        let actor = ActorId(stream.id);
        let key_name = actor_key_name(office.ledger.origin(), actor);
        let newest = office.newest();
        let mut facts = actor::Facts { key_name, actor, enterprise_exists: false, newest };
        if let ActorCommand::Enrol(actor::Enrol { acts_for: Some(enterprise), .. }) = command {
            let loaded: Loaded<enterprise::State> = fold::<EnterpriseDecider>(&office.ledger, *enterprise)?;
            facts.enterprise_exists = loaded.tail.is_some();
        }
        Ok(Gathered::alone(facts))
    }
}

/// Streams whose decisions rest on nothing but themselves.
macro_rules! on_their_own {
    ($($decider:ty),* $(,)?) => {$(
        impl Gather for $decider {
            fn gather(
                _: &Office,
                _: StreamId,
                _: &Self::State,
                _: &Self::Command,
                _: &Moment,
            ) -> Result<Gathered<()>, ExecuteError> {
                Ok(Gathered::alone(()))
            }
        }
    )*};
}

on_their_own! { RulesDecider }

impl Gather for LedgerDecider {
    fn gather(
        office: &Office,
        _: StreamId,
        _: &opening::State,
        _: &LedgerCommand,
        _: &Moment,
    ) -> Result<Gathered<opening::Facts>, ExecuteError> {
        Ok(Gathered::alone(opening::Facts { last: office.newest() }))
    }
}

/// Parties who are officers, for the body's `by`.
pub(super) fn officers(parties: &[Party]) -> Vec<ActorId> {
    parties.iter().filter_map(Party::actor).collect()
}
