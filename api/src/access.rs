//! Who may read what: default deny, decided once, where data leaves the ledger.

use adit_core::access::AccessEvent;
use adit_core::actor::ActorEvent;
use adit_core::command::Command;
use adit_core::concern::ConcernEvent;
use adit_core::event::{Event, Fact};
use adit_core::hazard::HazardEvent;
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::ledger::log::OpenError;
use adit_core::office::{ExecuteError, Office};
use adit_core::report::ReportCommand;
use adit_core::reward::{RewardCommand, RewardEvent};
use adit_core::role::Role;
use adit_core::units::Position;
use adit_projections::{Asker, Viewer};
use serde_json::Value;

use crate::app::App;

/// The reader, as the ledger knows them now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Who it is; none for whoever looks at a demonstration.
    pub actor: Option<ActorId>,
    pub roles: Vec<Role>,
    /// The enterprise that an enterprise account acts for.
    pub acts_for: Option<StreamId>,
}

/// Officers who work on hazards.
const FIELD: [Role; 6] =
    [Role::Clerk, Role::Inspector, Role::Handler, Role::Approver, Role::Investigator, Role::Leader];
/// Officers who work on reports.
const REPORTS: [Role; 5] = [Role::Clerk, Role::Inspector, Role::Handler, Role::Approver, Role::Investigator];
/// Officers who work on reports and on what is paid for them.
const CASES: [Role; 3] = [Role::Handler, Role::Approver, Role::Investigator];

/// Who traces accountability; those who may be traced are not among them.
const INQUIRIES: [Role; 3] = [Role::Investigator, Role::Approver, Role::Leader];

/// Officers whose commands reach streams of each kind; the log checks every signer's role once more at the position that
/// an entry gets. Whoever is not named here gets no answer at all, so that no refusal tells them anything.
const fn writers(kind: StreamKind) -> &'static [Role] {
    match kind {
        StreamKind::Hazard => {
            &[Role::Clerk, Role::Inspector, Role::Handler, Role::Approver, Role::Enterprise]
        }
        StreamKind::Report => &[Role::Clerk, Role::Inspector, Role::Handler, Role::Approver],
        StreamKind::Reward => &[Role::Handler, Role::Approver, Role::Finance],
        StreamKind::Enterprise => &[Role::Clerk, Role::Inspector, Role::Approver, Role::Enterprise],
        StreamKind::Inspection => &[Role::Inspector],
        StreamKind::Actor => &[Role::Admin],
        StreamKind::Rules => &[Role::Approver],
        StreamKind::Ledger => &[Role::Admin, Role::Approver],
        StreamKind::Inquiry => &[Role::Investigator, Role::Approver],
        // Workers sign with keys of their own, without an account.
        StreamKind::Concern => &[Role::Enterprise],
        // The server alone records an access, when it takes place.
        StreamKind::Access => &[],
    }
}

impl Reader {
    /// The reader behind an actor.
    pub fn of(office: &Office, actor: ActorId) -> Result<Self, OpenError> {
        let ledger = office.ledger();
        let keys = ledger.keys();
        let mut roles = Vec::new();
        for key in keys.keys_of(actor, Position(ledger.size())) {
            roles.extend(keys.roles(&key));
        }
        roles.sort_unstable();
        roles.dedup();
        let facts = ledger.stream(&StreamId::new(StreamKind::Actor, actor.0))?;
        let acts_for = facts.iter().find_map(|fact| match &fact.event {
            Event::Actor(ActorEvent::Enrolled(enrol)) => enrol.acts_for,
            Event::Actor(_)
            | Event::Hazard(_)
            | Event::Report(_)
            | Event::Reward(_)
            | Event::Enterprise(_)
            | Event::Inspection(_)
            | Event::Rules(_)
            | Event::Ledger(_)
            | Event::Concern(_)
            | Event::Inquiry(_)
            | Event::Access(_) => None,
        });
        Ok(Self { actor: Some(actor), roles, acts_for })
    }

    /// Whoever looks at the tables of the demonstration: an officer of the field.
    pub(crate) fn of_demonstration() -> Self {
        Self { actor: None, roles: FIELD.into(), acts_for: None }
    }

    fn any(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }

    /// Acts for an enterprise, and so sees its own alone, whatever else was granted.
    pub fn is_enterprise(&self) -> bool {
        self.acts_for.is_some() || self.roles.contains(&Role::Enterprise)
    }

    /// Whether the bodies of streams of this kind may be read at all. Enterprise accounts never learn that a report
    /// exists; auditors and administrators read entries only; finance does not learn the case. What a worker told the enterprise is for
    /// the enterprise alone.
    pub fn may_read(&self, kind: StreamKind) -> bool {
        if self.is_enterprise() {
            return matches!(kind, StreamKind::Hazard | StreamKind::Enterprise | StreamKind::Concern);
        }
        match kind {
            StreamKind::Hazard | StreamKind::Enterprise | StreamKind::Inspection => self.any(&FIELD),
            StreamKind::Report => self.any(&REPORTS),
            StreamKind::Reward => self.any(&CASES),
            StreamKind::Inquiry => self.any(&INQUIRIES),
            StreamKind::Concern => false,
            // Never those to whom reports are sealed: they are the ones of whom it tells.
            StreamKind::Access => {
                self.any(&[Role::Investigator, Role::Approver]) && !self.any(&[Role::Clerk])
            }
            StreamKind::Actor => self.any(&[Role::Admin, Role::Approver, Role::Investigator]),
            StreamKind::Rules | StreamKind::Ledger => {
                self.any(&FIELD) || self.any(&[Role::Admin, Role::Finance])
            }
        }
    }

    /// Whether this one stream may be read: an enterprise sees its own hazards and internal reports, and itself.
    pub fn may_read_stream(&self, office: &Office, stream: &StreamId) -> Result<bool, OpenError> {
        if !self.may_read(stream.kind) {
            return Ok(false);
        }
        Ok(!self.is_enterprise() || self.is_own(office, stream)?)
    }

    fn is_own(&self, office: &Office, stream: &StreamId) -> Result<bool, OpenError> {
        let enterprise = match stream.kind {
            StreamKind::Enterprise => Some(*stream),
            StreamKind::Hazard | StreamKind::Concern => {
                office.ledger().stream(stream)?.first().and_then(enterprise_of)
            }
            StreamKind::Report
            | StreamKind::Reward
            | StreamKind::Inspection
            | StreamKind::Actor
            | StreamKind::Rules
            | StreamKind::Ledger
            | StreamKind::Inquiry
            | StreamKind::Access => None,
        };
        Ok(enterprise.is_some() && enterprise == self.acts_for)
    }

    /// Whether a stream is kept from this officer in person: a report whose reporter named them as having a conflict of interest,
    /// or what rests on one. It is answered as if it were not there.
    pub fn is_kept_from(&self, office: &Office, stream: &StreamId) -> Result<bool, ExecuteError> {
        self.actor.map_or(Ok(false), |actor| is_kept_from(office, actor, stream))
    }

    /// Whether a command concerns what is kept from this officer, by its stream or by what it names.
    pub(crate) fn is_command_kept_from(
        &self,
        office: &Office,
        command: &Command,
        stream: Option<&StreamId>,
    ) -> Result<bool, ExecuteError> {
        let mut named: Vec<StreamId> = stream.copied().into_iter().collect();
        if let Command::Reward(RewardCommand::Assess(assess) | RewardCommand::Reassess(assess)) = command {
            named.push(assess.report);
        }
        if let Command::Report(ReportCommand::Corroborate(corroborate)) = command {
            named.push(corroborate.report);
        }
        if let (Command::Report(ReportCommand::Report(report)), Some(actor)) = (command, self.actor)
            && report.excluded.contains(&actor)
        {
            return Ok(true);
        }
        for stream in named {
            if self.is_kept_from(office, &stream)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether entries of streams of this kind may be had without their bodies, for a bundle: auditors and administrators, but
    /// nothing of cases, of what is paid for them, or of who is traced.
    pub(crate) fn may_audit(&self, kind: StreamKind) -> bool {
        let closed = matches!(
            kind,
            StreamKind::Report
                | StreamKind::Reward
                | StreamKind::Inquiry
                | StreamKind::Access
                | StreamKind::Concern
        );
        !self.is_enterprise() && !closed && self.any(&[Role::Auditor, Role::Admin])
    }

    /// Whether the body of this event may leave as a whole, because a part of a body proves nothing. An enterprise gets none of
    /// a kind that may hold why an officer decided in a rule's place (see [`withhold`]), whether this one does or not: what
    /// is missing tells nothing then.
    pub(crate) fn may_take(&self, event: &Event) -> bool {
        let decided =
            matches!(event, Event::Hazard(HazardEvent::Relieved(_) | HazardEvent::ReliefRefused(_)));
        !(self.is_enterprise() && decided)
    }

    /// Whether a command to this stream, or to a new one of this kind, is considered at all.
    pub fn may_command(
        &self,
        office: &Office,
        kind: StreamKind,
        stream: Option<&StreamId>,
    ) -> Result<bool, OpenError> {
        if self.is_enterprise() {
            let own = stream.map_or(Ok(true), |stream| self.is_own(office, stream))?;
            return Ok(own && writers(kind).contains(&Role::Enterprise));
        }
        Ok(self.any(writers(kind)))
    }

    /// As whom this reader asks for a read model; `None` when it is not for them at all. What each viewer may learn of a
    /// row is decided where rows leave, in [`adit_projections`].
    pub fn asker(&self, name: &str) -> Option<Asker> {
        self.viewer(name).map(|viewer| Asker { viewer, actor: self.actor })
    }

    fn viewer(&self, name: &str) -> Option<Viewer> {
        if self.is_enterprise() {
            let own = ["register", "five_in_place", "relief", "notifications"].contains(&name);
            return self.acts_for.filter(|_| own).map(Viewer::Enterprise);
        }
        if ["rewards", "reward_budget"].contains(&name) && self.any(&[Role::Finance]) && !self.any(&FIELD) {
            return Some(Viewer::Finance);
        }
        if name == "docket" && !self.any(&REPORTS) {
            return None;
        }
        if name == "rewards" && !self.any(&CASES) {
            return None;
        }
        if ["accountability", "inquiries"].contains(&name) && !self.any(&INQUIRIES) {
            return None;
        }
        if self.any(&CASES) {
            Some(Viewer::Reports)
        } else if self.any(&REPORTS) {
            Some(Viewer::Intake)
        } else {
            self.any(&FIELD).then_some(Viewer::Office)
        }
    }

    /// Whether entries and checkpoints that are not published yet may be seen. What an enterprise sees lags by one
    /// publication, so that the hour of an entry tells it nothing.
    pub fn sees_unpublished(&self) -> bool {
        !self.is_enterprise() && !self.roles.is_empty()
    }
}

/// Whether a stream is kept from an officer in person.
pub(crate) fn is_kept_from(office: &Office, actor: ActorId, stream: &StreamId) -> Result<bool, ExecuteError> {
    for report in reports_behind(office, stream)? {
        if office.report(report)?.excluded.contains(&actor) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The reports on which a stream rests.
fn reports_behind(office: &Office, stream: &StreamId) -> Result<Vec<StreamId>, ExecuteError> {
    let mut found = Vec::new();
    match stream.kind {
        StreamKind::Report => found.push(*stream),
        StreamKind::Reward => {
            for fact in office.ledger().stream(stream)? {
                if let Event::Reward(RewardEvent::Assessed(reward) | RewardEvent::Reassessed(reward)) =
                    &fact.event
                {
                    found.push(reward.report);
                }
                if let Event::Reward(RewardEvent::Denied(denied)) = &fact.event {
                    found.push(denied.report);
                }
            }
        }
        StreamKind::Access => {
            for fact in office.ledger().stream(stream)? {
                let Event::Access(event) = fact.event else { continue };
                match event {
                    AccessEvent::Opened(opened) => found.push(opened.report),
                    AccessEvent::Exported(exported) => {
                        for stream in exported.streams.iter().filter(|one| one.kind != StreamKind::Access) {
                            found.extend(reports_behind(office, stream)?);
                        }
                    }
                    AccessEvent::Filler(_) => {}
                }
            }
        }
        StreamKind::Hazard
        | StreamKind::Enterprise
        | StreamKind::Inspection
        | StreamKind::Actor
        | StreamKind::Rules
        | StreamKind::Ledger
        | StreamKind::Inquiry
        | StreamKind::Concern => {}
    }
    Ok(found)
}

/// Why an officer decided otherwise than the rule, or in its place, is not for the enterprise: the officer may have known of
/// a report.
pub(crate) fn withhold(event: &mut Value) {
    if let Some(data) = event.get_mut("data").and_then(Value::as_object_mut) {
        data.remove("otherwise");
        data.remove("person");
    }
}

/// The enterprise whose hazard this fact reports, or which was told of one.
pub(crate) fn enterprise_of(fact: &Fact) -> Option<StreamId> {
    if let Event::Hazard(HazardEvent::Reported(report)) = &fact.event {
        Some(report.enterprise)
    } else if let Event::Concern(ConcernEvent::Raised(raised)) = &fact.event {
        Some(raised.raise.enterprise)
    } else {
        None
    }
}

/// A stream as far as its readers see it now. What a worker wrote reaches the enterprise with the next publication, and by its day
/// alone: the minute in which it comes would tell who was not at work.
pub(crate) fn facts(app: &App, stream: &StreamId) -> Result<Vec<Fact>, OpenError> {
    let mut facts = app.office.ledger().stream(stream)?;
    if stream.kind == StreamKind::Concern {
        let published = app.visible_size(false);
        facts.retain(|fact| !fact.by.is_empty() || fact.position.0 < published);
        facts.iter_mut().filter(|fact| fact.by.is_empty()).for_each(|fact| fact.at = fact.day.start());
    }
    Ok(facts)
}
