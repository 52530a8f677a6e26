//! The one way from a command to the log: load, decide, write, sign, append.
//!
//! Web page, JSON API, import and command line all come here. Nothing here decides anything of the domain: deciders
//! do; this file reads what they need to know, and turns their events into entries.

pub mod bundle;
mod draft;
mod facts;
mod state;

use std::sync::{Arc, PoisonError, RwLock};

use crate::command::{Command, Request};
use crate::concern::{self, ConcernDecider};
use crate::enterprise::{self, EnterpriseDecider};
use crate::event::{Event, Fact};
use crate::hazard::{self, HazardDecider};
use crate::id::{Id, StreamId, StreamKind};
use crate::ledger::entry::{Entry, Line};
use crate::ledger::keyring::KeyRing;
use crate::ledger::log::{Ledger, OpenError};
use crate::ledger::note::{SignatureLine, assemble};
use crate::ledger::proposal::{CheckedEntry, Draft, EntryFault, Proposal, Read};
use crate::ledger::sequencer::AppendError;
use crate::ledger::store::{StoreError, Touch, touch};
use crate::ledger::vkey::{SigningKey, VKey};
use crate::opening::{LedgerCommand, LedgerEvent, LedgerRefusal, LogKey};
use crate::refusal::Refusal;
use crate::report::{self, ReportDecider};
use crate::reward::{self, RewardDecider};
use crate::role::Party;
use crate::rulebook::RulesEvent;
use crate::rules::place::NATIONAL;
use crate::rules::{Change, PackError, Rules};
use crate::units::{Position, Timestamp};

/// How often a command is decided again because something it read had moved.
const ATTEMPTS_MAX: usize = 64;
/// How many entries of one index key are read for each stream that is wanted.
const TOUCHES_MAX: usize = 128;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// A rule refused it; nothing was written.
    #[error("refused: {}", .0.code)]
    Refused(Refusal),
    /// Others kept changing what it rests on. Nothing was written; try again.
    #[error("something this command rests on keeps changing; try again")]
    Busy,
    #[error(transparent)]
    Append(AppendError),
    #[error(transparent)]
    Read(#[from] OpenError),
    #[error("the operating system gave no randomness; nothing was written")]
    NoRandomness,
    #[error(transparent)]
    Rules(#[from] PackError),
    #[error("couldn't write the body of {kind}: {source}")]
    Body { kind: &'static str, source: serde_json::Error },
}

impl From<Refusal> for ExecuteError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<AppendError> for ExecuteError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Refused(fault) => Self::Refused(fault.into()),
            AppendError::Conflict => Self::Busy,
            AppendError::NotWritten(_)
            | AppendError::Unknown(_)
            | AppendError::Lost
            | AppendError::Halted
            | AppendError::ClockBehind { .. }
            | AppendError::Store(_) => Self::Append(error),
        }
    }
}

impl From<StoreError> for ExecuteError {
    fn from(error: StoreError) -> Self {
        Self::Read(error.into())
    }
}

impl From<crate::ledger::vkey::KeyError> for ExecuteError {
    fn from(_: crate::ledger::vkey::KeyError) -> Self {
        Self::NoRandomness
    }
}

impl From<getrandom::Error> for ExecuteError {
    fn from(_: getrandom::Error) -> Self {
        Self::NoRandomness
    }
}

/// What a carried-out command answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The stream that the command was addressed to, or started.
    pub stream: StreamId,
    pub positions: Vec<Position>,
    /// The same command had been answered before; nothing was written now.
    pub repeated: bool,
}

/// Whose signature a command gets.
#[derive(Clone, Copy)]
pub enum Hand<'a> {
    /// The key is here, unlocked.
    Held(&'a SigningKey),
    /// The signer signs the prepared text elsewhere.
    Elsewhere(&'a VKey),
}

impl Hand<'_> {
    fn vkey(&self) -> VKey {
        match self {
            Self::Held(key) => key.vkey(),
            Self::Elsewhere(key) => (*key).clone(),
        }
    }
}

/// A decided command whose entries wait for their signatures.
pub struct Prepared {
    id: crate::id::CommandId,
    request: [u8; 32],
    stream: StreamId,
    reads: Vec<Read>,
    drafts: Vec<Unsigned>,
    /// Keys made for this command alone, and those lent to it, which sign at once.
    one_time: Vec<SigningKey>,
    signers: Vec<VKey>,
    countersign: bool,
    keeps: Vec<draft::Keep>,
}

/// One entry without its signatures.
pub(crate) struct Unsigned {
    pub(crate) entry: Entry,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Timestamp,
    pub(crate) by: Vec<crate::id::ActorId>,
    pub(crate) event: Event,
    pub(crate) touches: Vec<Touch>,
}

impl Prepared {
    /// The texts to sign, in order; every signer signs each.
    pub fn texts(&self) -> Vec<String> {
        self.drafts.iter().map(|draft| draft.entry.text()).collect()
    }

    /// The bodies whose hashes the texts carry, so that a signer can check what they sign.
    pub fn bodies(&self) -> Vec<&[u8]> {
        self.drafts.iter().map(|draft| draft.body.as_slice()).collect()
    }

    /// Whose signatures are wanted. Empty when every signature can be made here.
    pub fn signers(&self) -> &[VKey] {
        &self.signers
    }

    /// Signs with a key that is here too, so that nobody else is asked for its signature.
    pub fn lend(&mut self, key: SigningKey) {
        self.signers.retain(|signer| *signer != key.vkey());
        self.one_time.push(key);
    }

    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// What was decided, for a preview.
    pub fn events(&self) -> Vec<&Event> {
        self.drafts.iter().map(|draft| &draft.event).collect()
    }
}

/// The office: deciders over one open ledger.
pub struct Office {
    ledger: Ledger,
    rules: RwLock<InForce>,
    states: state::Cache,
}

impl Office {
    /// Opens the office over a ledger: reads which rule packs were adopted.
    pub fn open(ledger: Ledger) -> Result<Self, ExecuteError> {
        let rules = InForce { rules: Arc::new(Rules::builtin()?), since: Position(0) };
        let office = Self { ledger, rules: RwLock::new(rules), states: state::Cache::default() };
        office.reload_rules()?;
        Ok(office)
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The rule packs in force.
    pub fn rules(&self) -> Arc<Rules> {
        self.in_force().rules
    }

    fn in_force(&self) -> InForce {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Decides, signs with `keys`, appends; decides again while something it read has moved.
    pub fn execute(&self, request: &Request, keys: &[&SigningKey]) -> Result<Answer, ExecuteError> {
        let hands: Vec<_> = keys.iter().map(|key| Hand::Held(key)).collect();
        for _ in 0..ATTEMPTS_MAX {
            let prepared = match self.prepare(request, &hands)? {
                Decision::Answered(answer) => return Ok(answer),
                Decision::Prepared(prepared) => prepared,
            };
            let signs = |key: &&SigningKey| prepared.signers.contains(&key.vkey());
            let lasting: Vec<&SigningKey> = keys.iter().copied().filter(signs).collect();
            match self.sign_and_append(*prepared, &lasting) {
                Err(ExecuteError::Busy) => self.states.forget(request.stream),
                other => return other,
            }
        }
        Err(ExecuteError::Busy)
    }

    /// Decides what follows from a command and writes the entries, without signatures.
    pub fn prepare(&self, request: &Request, hands: &[Hand<'_>]) -> Result<Decision, ExecuteError> {
        let hash = request_hash(request);
        if let Some(answer) = self.answered(request, hash)? {
            return Ok(Decision::Answered(answer));
        }
        let (stream, moment) = self.addressed(request.stream, &request.command, hands)?;
        let decided = self.decide(stream, &request.command, &moment, hands)?;
        self.write(request, hash, stream, decided, &moment, hands).map(|p| Decision::Prepared(Box::new(p)))
    }

    /// Whether a command would be carried out now, with no entry written for it.
    ///
    /// # Errors
    /// Why it would not.
    pub fn would_carry_out(
        &self,
        stream: Option<StreamId>,
        command: &Command,
        hands: &[Hand<'_>],
    ) -> Result<(), ExecuteError> {
        let (stream, moment) = self.addressed(stream, command, hands)?;
        self.decide(stream, command, &moment, hands).map(drop)
    }

    /// The stream of a command, a new one where none is named, and the moment in which it is decided.
    fn addressed(
        &self,
        stream: Option<StreamId>,
        command: &Command,
        hands: &[Hand<'_>],
    ) -> Result<(StreamId, Moment), ExecuteError> {
        let stream = match stream {
            Some(stream) if stream.kind != command.stream_kind() => {
                return Err(Refusal::new("office.wrong_stream").into());
            }
            Some(stream) => stream,
            None => StreamId::new(command.stream_kind(), Id::random()?),
        };
        let parties = parties(&self.ledger.keys(), hands);
        let moment = Moment { now: self.ledger.now(), rules: self.rules(), parties, with_finding: false };
        Ok((stream, moment))
    }

    /// Takes signatures that were made elsewhere: for each entry its signature lines.
    pub fn append(
        &self,
        prepared: Prepared,
        signatures: &[Vec<SignatureLine>],
    ) -> Result<Answer, ExecuteError> {
        if signatures.len() != prepared.drafts.len() {
            return Err(Refusal::from(EntryFault::Malformed).into());
        }
        let known: Vec<VKey> = prepared
            .signers
            .iter()
            .cloned()
            .chain(prepared.one_time.iter().map(SigningKey::vkey))
            .chain([self.ledger.log_key().vkey()])
            .collect();
        self.append_with(prepared, |index, unsigned, own| {
            let text = unsigned.entry.text();
            let mut lines = signatures.get(index).cloned().unwrap_or_default();
            lines.extend(own.iter().map(|key| key.sign_text(&text)));
            CheckedEntry::verify(&assemble(&text, &lines), &known)
        })
    }

    fn sign_and_append(&self, prepared: Prepared, keys: &[&SigningKey]) -> Result<Answer, ExecuteError> {
        self.append_with(prepared, |_, unsigned, own| {
            let all: Vec<&SigningKey> = keys.iter().copied().chain(own.iter().copied()).collect();
            CheckedEntry::sign(unsigned.entry.clone(), &all)
        })
    }

    fn append_with(
        &self,
        prepared: Prepared,
        sign: impl Fn(usize, &Unsigned, &[&SigningKey]) -> Result<CheckedEntry, EntryFault>,
    ) -> Result<Answer, ExecuteError> {
        let log_key = self.ledger.log_key();
        let own: Vec<&SigningKey> =
            prepared.one_time.iter().chain(prepared.countersign.then_some(&*log_key)).collect();
        let adopts =
            prepared.drafts.iter().any(|draft| matches!(draft.event, Event::Rules(_) | Event::Ledger(_)));
        let mut drafts = Vec::with_capacity(prepared.drafts.len());
        for (index, unsigned) in prepared.drafts.into_iter().enumerate() {
            // Whoever reads that a key is the log's from here on sees that the log holds it.
            let introduced = self.introduced_log_keys(&unsigned.entry, &log_key);
            let own: Vec<&SigningKey> =
                own.iter().copied().chain(introduced.iter().map(Arc::as_ref)).collect();
            let entry = sign(index, &unsigned, &own).map_err(Refusal::from)?;
            let Unsigned { body, at, by, event, touches, .. } = unsigned;
            drafts.push(Draft { entry, body, at, by, event, touches });
        }
        let proposal = Proposal { id: prepared.id, request: prepared.request, drafts, reads: prepared.reads };
        let appended = self.ledger.append(proposal)?;
        if !appended.repeated {
            for keep in prepared.keeps {
                let positions = appended.positions.get(keep.drafts).unwrap_or_default();
                self.states.keep((keep.evolve)(positions, keep.tail));
            }
            if adopts {
                self.reload_rules()?;
            }
        }
        Ok(Answer { stream: prepared.stream, positions: appended.positions, repeated: appended.repeated })
    }

    /// The private halves of log keys that an entry introduces, other than the one that signs for the log.
    fn introduced_log_keys(&self, entry: &Entry, log_key: &SigningKey) -> Vec<Arc<SigningKey>> {
        if entry.stream.kind != StreamKind::Ledger {
            return Vec::new();
        }
        let keys = entry.lines.iter().filter_map(|line| {
            let Line::Key(key) = line else { return None };
            self.ledger.held_log_key(key).filter(|key| key.vkey() != log_key.vkey())
        });
        keys.collect()
    }

    /// The log's next key signs beside the present one from here on. Broken off and begun again, it goes on with the same key.
    pub fn rotate_log_key(&self) -> Result<VKey, ExecuteError> {
        if self.ledger.log_keys_in_force().len() > 1 {
            return Err(Refusal::from(LedgerRefusal::OverlapRuns).into());
        }
        let key = self.ledger.next_log_key().map_err(OpenError::from)?;
        self.as_log(LedgerCommand::IntroduceKey(LogKey { key: key.clone() }))?;
        Ok(key)
    }

    /// The log's older key signs no more from here on; gives it back.
    pub fn retire_log_key(&self) -> Result<VKey, ExecuteError> {
        let key = self.ledger.log_keys_in_force().into_iter().next();
        let key = key.ok_or_else(|| Refusal::from(LedgerRefusal::NotOpened))?;
        self.as_log(LedgerCommand::EndKey(LogKey { key: key.clone() }))?;
        Ok(key)
    }

    /// Carries out a command of the log itself, in the stream that opened the ledger.
    fn as_log(&self, command: LedgerCommand) -> Result<Answer, ExecuteError> {
        let opened = self.ledger.stored(Position(0))?;
        let stream = opened.map(|stored| stored.stream).filter(|stream| stream.kind == StreamKind::Ledger);
        let id = crate::id::CommandId(Id::random()?);
        self.execute(&Request { id, stream, command: Command::Ledger(command) }, &[])
    }

    fn answered(&self, request: &Request, hash: [u8; 32]) -> Result<Option<Answer>, ExecuteError> {
        let Some(before) = self.ledger.answered(&request.id)? else {
            return Ok(None);
        };
        if before.request != hash {
            return Err(Refusal::from(EntryFault::CommandIdReused).into());
        }
        let first = before.positions.first().copied().unwrap_or_default();
        let stored = self.ledger.stored(first)?;
        let Some(stored) = stored else { return Ok(None) };
        Ok(Some(Answer { stream: stored.stream, positions: before.positions, repeated: true }))
    }

    /// The stream whose entry last touched an index key: a reporter's key, a voucher.
    pub fn find(&self, key: &str) -> Result<Option<StreamId>, ExecuteError> {
        let store = self.ledger.store();
        let Some(position) = store.last_touched(&touch(key))? else { return Ok(None) };
        Ok(self.ledger.stored(position)?.map(|stored| stored.stream))
    }

    /// The first streams that an index key names, in the order of the log, at most so many. Whoever fills a key up is not followed far.
    ///
    /// # Errors
    /// The ledger can't be read.
    pub fn find_some(&self, key: &str, most: usize) -> Result<Vec<StreamId>, ExecuteError> {
        let store = self.ledger.store();
        let mut found = Vec::new();
        for position in store.touched(&touch(key))?.into_iter().take(most.saturating_mul(TOUCHES_MAX)) {
            let Some(stored) = self.ledger.stored(position)? else { continue };
            if !found.contains(&stored.stream) {
                found.push(stored.stream);
            }
            if found.len() == most {
                break;
            }
        }
        Ok(found)
    }

    /// A hazard as it stands now.
    pub fn hazard(&self, stream: StreamId) -> Result<hazard::State, ExecuteError> {
        Ok(self.states.load::<HazardDecider>(&self.ledger, stream)?.state)
    }

    /// A report as it stands now.
    pub fn report(&self, stream: StreamId) -> Result<report::State, ExecuteError> {
        Ok(self.states.load::<ReportDecider>(&self.ledger, stream)?.state)
    }

    /// An internal report as it stands now.
    pub fn concern(&self, stream: StreamId) -> Result<concern::State, ExecuteError> {
        Ok(self.states.load::<ConcernDecider>(&self.ledger, stream)?.state)
    }

    /// An enterprise as it stands now.
    pub fn enterprise(&self, stream: StreamId) -> Result<enterprise::State, ExecuteError> {
        Ok(self.states.load::<EnterpriseDecider>(&self.ledger, stream)?.state)
    }

    /// A reward as it stands now.
    pub fn reward(&self, stream: StreamId) -> Result<reward::State, ExecuteError> {
        Ok(self.states.load::<RewardDecider>(&self.ledger, stream)?.state)
    }

    /// The rule packs that were in force before `until`: what is asked as of the past is answered by the rules of the past.
    pub fn rules_until(&self, until: Position) -> Result<Arc<Rules>, ExecuteError> {
        let now = self.in_force();
        if now.since <= until { Ok(now.rules) } else { Ok(self.read_rules(until)?.rules) }
    }

    /// Reads from the log which rules were in force before `until`.
    fn read_rules(&self, until: Position) -> Result<InForce, ExecuteError> {
        let mut place = NATIONAL.to_owned();
        for fact in self.facts_of(StreamKind::Ledger)? {
            if let Event::Ledger(LedgerEvent::Opened(open)) = fact.event
                && let Some(named) = open.place
            {
                place = named.to_string();
            }
        }
        let mut facts = self.facts_of(StreamKind::Rules)?;
        facts.retain(|fact| fact.position < until);
        let since = facts.last().map_or(Position(0), |fact| Position(fact.position.0 + 1));
        let changes = facts.into_iter().filter_map(|fact| {
            let Event::Rules(event) = fact.event else { return None };
            match event {
                RulesEvent::Adopted(adopt) => Some(Change::Adopted { pack: adopt.pack, hash: adopt.hash }),
                RulesEvent::Amended(amend) => {
                    Some(Change::Amended { pack: amend.pack, text: amend.text.to_string() })
                }
                RulesEvent::RewardBudgetSet(_) => None,
            }
        });
        let rules = Rules::after(&place, &changes.collect::<Vec<_>>())?;
        Ok(InForce { rules: Arc::new(rules), since })
    }

    /// Everything in the streams of one kind, in the order of the log.
    pub fn facts_of(&self, kind: StreamKind) -> Result<Vec<Fact>, ExecuteError> {
        let mut facts = Vec::new();
        for stream in self.ledger.store().streams(kind)? {
            facts.extend(self.ledger.stream(&stream)?);
        }
        facts.sort_by_key(|fact| fact.position);
        Ok(facts)
    }

    fn reload_rules(&self) -> Result<(), ExecuteError> {
        let rules = self.read_rules(Position(self.ledger.size()))?;
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
        Ok(())
    }
}

/// The rules that hold now, and the position from which on they have.
#[derive(Clone)]
struct InForce {
    rules: Arc<Rules>,
    since: Position,
}

/// What became of a prepared command.
pub enum Decision {
    /// It was carried out before.
    Answered(Answer),
    Prepared(Box<Prepared>),
}

/// What a decision of this command may know; owns what [`crate::decider::Moment`] borrows.
#[derive(Clone)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    pub(crate) rules: Arc<Rules>,
    pub(crate) parties: Vec<Party>,
    /// The command comes with an inspection's finding, in the same append.
    pub(crate) with_finding: bool,
}

impl Moment {
    pub(crate) fn borrow(&self) -> crate::decider::Moment<'_> {
        crate::decider::Moment { now: self.now, rules: &self.rules, by: &self.parties }
    }
}

fn parties(keys: &KeyRing, hands: &[Hand<'_>]) -> Vec<Party> {
    if hands.is_empty() {
        return vec![Party::Log];
    }
    hands.iter().map(|hand| keys.party(&hand.vkey())).collect()
}

/// The hash that tells one request from another under the same command id.
fn request_hash(request: &Request) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    if let Some(stream) = request.stream {
        hasher.update(stream.to_string().as_bytes());
    }
    hasher.update(b"\n");
    hasher.update(request.command.to_json().unwrap_or_default().as_bytes());
    *hasher.finalize().as_bytes()
}
