//! From a decision to entries: which streams, which revisions, which lines, which hands.

use std::collections::BTreeSet;

use crate::access::AccessDecider;
use crate::actor::ActorDecider;
use crate::command::{Command, Request};
use crate::concern::ConcernDecider;
use crate::decider::Recorded;
use crate::enterprise::EnterpriseDecider;
use crate::event::{Event, InUnion};
use crate::hazard::HazardDecider;
use crate::id::{ActorId, StreamId, StreamKind};
use crate::inquiry::InquiryDecider;
use crate::inspection::{InspectionCommand, InspectionDecider};
use crate::ledger::entry::{Entry, Line, Seen};
use crate::ledger::officer;
use crate::ledger::proposal::{EntryFault, Read};
use crate::ledger::sequencer::Tail;
use crate::ledger::store::{Touch, touch};
use crate::ledger::vkey::{SigningKey, VKey};
use crate::opening::LedgerDecider;
use crate::refusal::Refusal;
use crate::report::ReportDecider;
use crate::reward::RewardDecider;
use crate::role::{Party, Role};
use crate::rulebook::RulesDecider;
use crate::rules::entries;
use crate::units::{Position, Revision, Timestamp};

use super::facts::Gather;
use super::state::{Decided, Loaded};
use super::{ExecuteError, Hand, Moment, Office, Prepared, Unsigned, facts};

/// What was decided for one stream.
pub(super) struct Step {
    stream: StreamId,
    tail: Option<Tail>,
    at: Timestamp,
    events: Vec<Event>,
    keep: Evolve,
}

/// Makes the state to keep, once the positions of a step's events and the stream's new end are known.
type Evolve = Box<dyn FnOnce(&[Position], Tail) -> Decided + Send>;

/// What is kept of a step after its command is in the log.
pub(super) struct Keep {
    /// Which of the command's entries belong to the step.
    pub(super) drafts: std::ops::Range<usize>,
    pub(super) tail: Tail,
    pub(super) evolve: Evolve,
}

/// What was decided for one command, and what the decision read.
pub(super) struct Decisions {
    steps: Vec<Step>,
    reads: Vec<Read>,
}

impl Office {
    pub(super) fn decide(
        &self,
        stream: StreamId,
        command: &Command,
        moment: &Moment,
        hands: &[Hand<'_>],
    ) -> Result<Decisions, ExecuteError> {
        let mut made = Decisions { steps: Vec::new(), reads: self.key_reads(hands)? };
        match command {
            Command::Hazard(command) => self.step::<HazardDecider>(&mut made, stream, command, moment)?,
            Command::Report(command) => self.step::<ReportDecider>(&mut made, stream, command, moment)?,
            Command::Reward(command) => self.step::<RewardDecider>(&mut made, stream, command, moment)?,
            Command::Enterprise(command) => {
                self.step::<EnterpriseDecider>(&mut made, stream, command, moment)?;
            }
            Command::Inspection(command) => self.inspect(&mut made, stream, command, moment)?,
            Command::Inquiry(command) => self.step::<InquiryDecider>(&mut made, stream, command, moment)?,
            Command::Access(command) => self.step::<AccessDecider>(&mut made, stream, command, moment)?,
            Command::Concern(command) => self.step::<ConcernDecider>(&mut made, stream, command, moment)?,
            Command::Actor(command) => self.step::<ActorDecider>(&mut made, stream, command, moment)?,
            Command::Rules(command) => self.step::<RulesDecider>(&mut made, stream, command, moment)?,
            Command::Ledger(command) => self.step::<LedgerDecider>(&mut made, stream, command, moment)?,
        }
        Ok(made)
    }

    /// A finding opens its hazard in the same command: both land, or neither.
    fn inspect(
        &self,
        made: &mut Decisions,
        stream: StreamId,
        command: &InspectionCommand,
        moment: &Moment,
    ) -> Result<(), ExecuteError> {
        self.step::<InspectionDecider>(made, stream, command, moment)?;
        let opened = facts::hazards_opened(stream, made.steps.iter().flat_map(|step| &step.events));
        let moment = Moment { with_finding: true, ..moment.clone() };
        for (hazard, report) in opened {
            self.step::<HazardDecider>(made, hazard, &report, &moment)?;
        }
        Ok(())
    }

    fn step<D>(
        &self,
        made: &mut Decisions,
        stream: StreamId,
        command: &D::Command,
        moment: &Moment,
    ) -> Result<(), ExecuteError>
    where
        D: Gather,
        D::Event: InUnion,
        D::State: Send + Sync + 'static,
    {
        let loaded: Loaded<D::State> = self.states.load::<D>(&self.ledger, stream)?;
        let gathered = D::gather(self, stream, &loaded.state, command, moment)?;
        let events =
            D::decide(&loaded.state, command, &gathered.facts, &moment.borrow()).map_err(Refusal::from)?;
        made.reads.push(Read::Stream { stream, next: loaded.next() });
        made.reads.extend(gathered.reads);
        let at = loaded.not_before(moment.now);
        let by = facts::officers(&moment.parties);
        let (first, tail, state) = (loaded.next(), loaded.tail, loaded.state);
        let decided = events.clone();
        let keep = move |positions: &[Position], end: Tail| {
            let numbered = positions.iter().zip(first.0..).zip(&decided);
            let state = numbered.fold(state, |state, ((position, revision), event)| {
                let recorded = Recorded {
                    position: *position,
                    stream,
                    revision: Revision(revision),
                    at,
                    by: by.clone(),
                };
                D::evolve(state, event, &recorded)
            });
            Decided::new(stream, end, state)
        };
        let events = events.into_iter().map(InUnion::into_event).collect();
        made.steps.push(Step { stream, tail, at, events, keep: Box::new(keep) });
        Ok(())
    }
}

impl Office {
    /// Writes the entries of a decision, each chained to the one before it in its stream.
    pub(super) fn write(
        &self,
        request: &Request,
        hash: [u8; 32],
        stream: StreamId,
        made: Decisions,
        moment: &Moment,
        hands: &[Hand<'_>],
    ) -> Result<Prepared, ExecuteError> {
        let mut prepared = Prepared {
            id: request.id,
            request: hash,
            stream,
            reads: made.reads,
            drafts: Vec::new(),
            one_time: Vec::new(),
            signers: Vec::new(),
            countersign: false,
            keeps: Vec::new(),
        };
        for step in made.steps {
            let signing = self.signing(&step, hands, moment)?;
            let start = prepared.drafts.len();
            let mut tail = step.tail;
            for event in step.events {
                let unsigned = self.entry(step.stream, event, tail, step.at, &signing)?;
                tail = Some(Tail {
                    next: Revision(unsigned.entry.revision.0 + 1),
                    text_hash: unsigned.entry.text_hash(),
                    at: step.at,
                });
                prepared.drafts.push(unsigned);
            }
            if let Some(tail) = tail {
                let drafts = start..prepared.drafts.len();
                prepared.keeps.push(Keep { drafts, tail, evolve: step.keep });
            }
            prepared.one_time = signing.one_time;
            prepared.signers = signing.signers;
            prepared.countersign = signing.countersign;
        }
        Ok(prepared)
    }

    fn entry(
        &self,
        stream: StreamId,
        event: Event,
        tail: Option<Tail>,
        at: Timestamp,
        signing: &Signing,
    ) -> Result<Unsigned, ExecuteError> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt)?;
        let written = event.write_body(salt, at, &signing.by, &signing.statements);
        let body = written.map_err(|source| ExecuteError::Body { kind: event.kind(), source })?;
        let mut lines = event.lines();
        lines.extend(signing.lines.iter().cloned());
        lines.sort_by_key(Line::rank);
        let entry = Entry {
            origin: self.ledger.origin().to_owned(),
            stream,
            revision: tail.map_or(Revision(0), |tail| tail.next),
            kind: event.public_kind().to_owned(),
            day: at.day(),
            seen: signing.seen,
            prev: tail.map(|tail| tail.text_hash),
            body: *blake3::hash(&body).as_bytes(),
            lines,
        };
        let touches: BTreeSet<Touch> = event.touches(&stream).iter().map(|key| touch(key)).collect();
        Ok(Unsigned {
            entry,
            body,
            at,
            by: signing.by.clone(),
            event,
            touches: touches.into_iter().collect(),
        })
    }

    /// Who signs a step's entries: lasting keys as they are; in an unlinkable stream each officer a key made for this command
    /// alone, introduced in the entry with the role that the kind asks for, if any, and countersigned by the log. A filler among
    /// the access entries has such a key too, made and stated by the log.
    fn signing(&self, step: &Step, hands: &[Hand<'_>], moment: &Moment) -> Result<Signing, ExecuteError> {
        let mut signing = Signing {
            seen: self.ledger.seen(),
            by: facts::officers(&moment.parties),
            one_time: Vec::new(),
            signers: Vec::new(),
            countersign: false,
            statements: Vec::new(),
            lines: Vec::new(),
        };
        let roles = roles_to_show(step, &moment.parties);
        for ((hand, party), roles) in hands.iter().zip(&moment.parties).zip(&roles) {
            match party {
                Party::Actor { .. } if step.stream.kind.is_unlinkable() => {
                    self.one_time(&mut signing, step, hand, roles)?;
                }
                Party::Actor { .. } | Party::Reporter { .. } => signing.signers.push(hand.vkey()),
                Party::Log => signing.countersign = true,
            }
        }
        if hands.is_empty() {
            signing.countersign = true;
            if step.stream.kind == StreamKind::Access {
                self.one_time_key(&mut signing, step, &self.ledger.log_key(), &BTreeSet::new())?;
            }
        }
        Ok(signing)
    }

    fn one_time(
        &self,
        signing: &mut Signing,
        step: &Step,
        hand: &Hand<'_>,
        roles: &BTreeSet<Role>,
    ) -> Result<(), ExecuteError> {
        // The statement under the one-time key is the officer's own signature, so the officer's key must be here.
        let Hand::Held(officer) = hand else {
            return Err(Refusal::new("office.officer_key_needed").into());
        };
        // The one-time key is good for whoever holds it, so it is made only for a key in force. One that ends from here on makes the
        // command a conflict, because the key was read.
        if !self.ledger.keys().in_force(&officer.vkey(), Position(self.ledger.size())) {
            return Err(Refusal::from(EntryFault::KeyEnded).into());
        }
        self.one_time_key(signing, step, officer, roles)
    }

    /// A key for this step alone, with the statement of whoever stands behind it.
    fn one_time_key(
        &self,
        signing: &mut Signing,
        step: &Step,
        behind: &SigningKey,
        roles: &BTreeSet<Role>,
    ) -> Result<(), ExecuteError> {
        let number = signing.one_time.len();
        let next = step.tail.map_or(Revision(0), |tail| tail.next);
        let origin = self.ledger.origin();
        let name = format!("{origin}/{}/officer/{}", step.stream, next.0 * OFFICERS_MAX + number as u64);
        let key = SigningKey::generate(&name)?;
        signing.statements.push(officer::write(behind, origin, &key.vkey(), step.stream, next));
        signing.lines.push(Line::Key(key.vkey()));
        signing.lines.extend(roles.iter().map(|role| Line::Grant { role: *role, key: key.vkey() }));
        signing.one_time.push(key);
        signing.countersign = true;
        Ok(())
    }

    /// Every lasting key that signs is read: a grant or an end that lands first makes the command a conflict.
    fn key_reads(&self, hands: &[Hand<'_>]) -> Result<Vec<Read>, ExecuteError> {
        let read = |hand: &Hand<'_>| self.read_key(&format!("key/{}", hand.vkey()));
        hands.iter().map(read).collect()
    }

    /// The index key as it stands now.
    pub(super) fn read_key(&self, key: &str) -> Result<Read, ExecuteError> {
        let touch = touch(key);
        Ok(Read::Key { touch, last: self.ledger.store().last_touched(&touch)? })
    }
}

/// The roles that each party's one-time key is granted: those in which the party signs, because all the roles of one person,
/// side by side, could tell who it is.
fn roles_to_show(step: &Step, parties: &[Party]) -> Vec<BTreeSet<Role>> {
    let held =
        |party: &Party| if let Party::Actor { roles, .. } = party { roles.clone() } else { Vec::new() };
    let held: Vec<Vec<Role>> = parties.iter().map(held).collect();
    let held: Vec<&[Role]> = held.iter().map(Vec::as_slice).collect();
    let mut shown = vec![BTreeSet::new(); parties.len()];
    for event in &step.events {
        let used = entries::roles_used(event.public_kind(), &held).unwrap_or_default();
        for (shown, role) in shown.iter_mut().zip(used) {
            shown.extend(role);
        }
    }
    shown
}

/// Most officers who sign one entry; numbers their one-time keys apart.
const OFFICERS_MAX: u64 = 8;

/// Who signs the entries of a step.
struct Signing {
    /// The published checkpoint that the signers saw.
    seen: Seen,
    /// Officers, for the body.
    by: Vec<ActorId>,
    one_time: Vec<SigningKey>,
    /// Lasting keys whose holders sign.
    signers: Vec<VKey>,
    countersign: bool,
    /// Officers' own signatures over their one-time keys, for the body.
    statements: Vec<String>,
    /// Introduces the one-time keys with their roles.
    lines: Vec<Line>,
}
