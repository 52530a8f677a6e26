//! The only writer: gives positions, extends the tree, signs one checkpoint for a group, and commits it.
//!
//! Everything that can be refused is checked before anything of the command is taken over, so a refused command
//! leaves no trace in the group. After a failed commit the writer halts: its checkpoint was signed but never sent, and
//! only reopening finds out what is on disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::event::Fact;
use crate::id::{ActorId, CommandId, StreamId, StreamKind};
use crate::ledger::body::Body;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::clock::Clock;
use crate::ledger::entry::{Entry, Line, Seen, SignedEntry};
use crate::ledger::keyring::{KeyRing, actor_key_name};
use crate::ledger::log_keys::LogKeys;
use crate::ledger::merkle::{Hash, Tree};
use crate::ledger::proposal::{Appended, Draft, EntryFault, Proposal, Read};
use crate::ledger::store::{CommitError, Committed, Group, Store, StoreError, Stored, Touch};
use crate::ledger::vkey::VKey;
use crate::role::Role;
use crate::rules::entries;
use crate::units::{Position, Revision, Timestamp};

/// How far the second of signing may lie from the ledger's clock (`formats.md`: 120 s).
const SKEW_SECONDS_MAX: i64 = 120;
/// How old an entry may be that waited for a second signer (`formats.md`: 24 h).
const SECOND_SIGNER_SECONDS_MAX: i64 = 24 * 3600;
/// Stream ends kept in memory; beyond it they are read again.
const TAILS_MAX: usize = 65_536;
/// Published checkpoints that an entry may still name as seen.
const PUBLISHED_MAX: usize = 4_096;

/// Why an append did not happen, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Something the decision read has moved. Load again and decide again.
    #[error("something this decision rests on has changed meanwhile; load again and decide again")]
    Conflict,
    /// The entry breaks a rule of the log; nothing was written.
    #[error("the entry was refused: {0:?}")]
    Refused(EntryFault),
    /// Nothing was written. The same append may be tried again after reopening.
    #[error("nothing was written: {0}")]
    NotWritten(Arc<StoreError>),
    /// It may or may not have been written. Stop, reopen, and look.
    #[error(
        "it is not known whether this was written: {0}; reopen the ledger and ask again with the same command id"
    )]
    Unknown(Arc<StoreError>),
    /// The leader of the group broke off.
    #[error(
        "it is not known whether this was written; reopen the ledger and ask again with the same command id"
    )]
    Lost,
    /// An earlier write failed.
    #[error("the ledger stopped writing after a failed write; reopen it")]
    Halted,
    /// The clock stands before the last checkpoint.
    #[error("the clock says {now}, but the last group was committed at {last}; set the clock right")]
    ClockBehind { now: Timestamp, last: Timestamp },
    #[error("couldn't read the ledger: {0}")]
    Store(Arc<StoreError>),
}

impl From<StoreError> for AppendError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<EntryFault> for AppendError {
    fn from(fault: EntryFault) -> Self {
        Self::Refused(fault)
    }
}

/// The end of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    pub next: Revision,
    /// BLAKE3 of the last entry's text.
    pub text_hash: [u8; 32],
    /// Second of signing of the last entry.
    pub at: Timestamp,
}

pub(crate) struct Writer {
    pub(crate) origin: String,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log_keys: LogKeys,
    pub(crate) tree: Arc<Tree>,
    pub(crate) keys: KeyRing,
    /// By size; several notes of one size, when it was cosigned after it was published.
    pub(crate) published: BTreeSet<(u64, Option<Hash>, Hash)>,
    tails: HashMap<StreamId, Tail>,
    last_commit: Timestamp,
    halted: bool,
}

/// What a committed group tells the rest of the process.
pub(crate) struct Outcome {
    pub(crate) answers: Vec<Result<Appended, AppendError>>,
    pub(crate) facts: Vec<Fact>,
    /// Something was written.
    pub(crate) written: bool,
}

impl Writer {
    pub(crate) fn new(
        origin: &str,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        log_keys: LogKeys,
        tree: Arc<Tree>,
        keys: KeyRing,
    ) -> Self {
        let last_commit = store.head().committed_at;
        Self {
            origin: origin.to_owned(),
            store,
            clock,
            log_keys,
            tree,
            keys,
            published: BTreeSet::new(),
            tails: HashMap::new(),
            last_commit,
            halted: false,
        }
    }

    pub(crate) fn publish(&mut self, seen: Seen) {
        self.published.insert((seen.size, seen.note, seen.root));
        while self.published.len() > PUBLISHED_MAX {
            self.published.pop_first();
        }
    }

    /// The end of `stream`, `None` when it has no entry.
    pub(crate) fn tail(&mut self, stream: &StreamId) -> Result<Option<Tail>, StoreError> {
        if let Some(tail) = self.tails.get(stream) {
            return Ok(Some(*tail));
        }
        let tail = read_tail(self.store.as_ref(), stream)?;
        if let Some(tail) = tail {
            self.remember(*stream, tail);
        }
        Ok(tail)
    }

    fn remember(&mut self, stream: StreamId, tail: Tail) {
        if self.tails.len() >= TAILS_MAX {
            self.tails.clear();
        }
        self.tails.insert(stream, tail);
    }

    /// Commits what of `proposals` holds, as one group.
    pub(crate) fn commit(&mut self, proposals: Vec<Proposal>) -> Outcome {
        let now = self.clock.now();
        if let Some(refusal) = self.cannot_write(now) {
            let answers = proposals.iter().map(|_| Err(refusal())).collect();
            return Outcome { answers, facts: Vec::new(), written: false };
        }
        let mut group = Pending::new((*self.tree).clone(), self.keys.clone());
        let mut answers = Vec::with_capacity(proposals.len());
        for proposal in proposals {
            answers.push(self.admit(&mut group, proposal, now));
        }
        if group.commands.is_empty() {
            return Outcome { answers, facts: Vec::new(), written: false };
        }
        let first = Position(self.tree.size());
        let (frontier, checkpoint) = self.sign_checkpoint(&group.tree, &group.keys);
        let Pending { commands, tree, tiles, facts, tails, keys, .. } = group;
        // A crash before the store's sync loses the whole group; nobody has been answered yet. A crash after it keeps
        // the group; a retry with the same command id gets the same positions.
        let written = self
            .store
            .commit(first.0, Group { first, committed_at: now, commands, frontier, checkpoint, tiles });
        if let Err(error) = written {
            return self.failed(answers, &error);
        }
        self.tree = Arc::new(tree);
        self.last_commit = now;
        for (stream, tail) in tails {
            self.remember(stream, tail);
        }
        self.keys = keys;
        Outcome { answers, facts, written: true }
    }

    fn cannot_write(&self, now: Timestamp) -> Option<impl Fn() -> AppendError> {
        let (halted, last) = (self.halted, self.last_commit);
        (halted || now < last).then_some(move || {
            if halted { AppendError::Halted } else { AppendError::ClockBehind { now, last } }
        })
    }

    /// Every log key signs that is in force at the group's last entry, `keys` being those after it.
    fn sign_checkpoint(&self, tree: &Tree, keys: &KeyRing) -> (Vec<[u8; 32]>, Vec<u8>) {
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: tree.size(), root: tree.root() };
        let signing = self.log_keys.signing(keys, Position(tree.size().saturating_sub(1)));
        let signing: Vec<_> = signing.iter().map(Arc::as_ref).collect();
        (tree.frontier().to_vec(), checkpoint.sign_by(&signing))
    }

    /// Every command that was about to land learns what is known of it; refusals stay refusals.
    fn failed(&mut self, answers: Vec<Result<Appended, AppendError>>, error: &CommitError) -> Outcome {
        self.halted = true;
        let text = Arc::new(StoreError::Commit(error.to_string()));
        let failure = || match error {
            CommitError::Conflict { .. } | CommitError::NotWritten(_) => {
                AppendError::NotWritten(Arc::clone(&text))
            }
            CommitError::Unknown(_) => AppendError::Unknown(Arc::clone(&text)),
        };
        let answers = answers
            .into_iter()
            .map(|answer| match answer {
                Ok(appended) if !appended.repeated => Err(failure()),
                other => other,
            })
            .collect();
        Outcome { answers, facts: Vec::new(), written: false }
    }

    /// Checks one command against the log and the commands before it in the group, then takes it over.
    fn admit(
        &mut self,
        group: &mut Pending,
        proposal: Proposal,
        now: Timestamp,
    ) -> Result<Appended, AppendError> {
        if let Some(answer) = self.answered(group, &proposal)? {
            return Ok(answer);
        }
        self.check_reads(group, &proposal)?;
        let staged = self.check_drafts(group, &proposal, now)?;
        Ok(group.take(proposal, staged))
    }

    fn answered(&self, group: &Pending, proposal: &Proposal) -> Result<Option<Appended>, AppendError> {
        let before = match group.answered.get(&proposal.id) {
            Some((request, positions)) => Some((*request, positions.clone())),
            None => self.store.command(&proposal.id)?.map(|a| (a.request, a.positions)),
        };
        match before {
            None => Ok(None),
            Some((request, _)) if request != proposal.request => Err(EntryFault::CommandIdReused.into()),
            Some((_, positions)) => Ok(Some(Appended { positions, repeated: true })),
        }
    }

    fn check_reads(&mut self, group: &Pending, proposal: &Proposal) -> Result<(), AppendError> {
        for read in &proposal.reads {
            let moved = match read {
                Read::Stream { stream, next } => {
                    let tail = match group.tails.get(stream) {
                        Some(tail) => Some(*tail),
                        None => self.tail(stream)?,
                    };
                    tail.map_or(Revision(0), |tail| tail.next) != *next
                }
                Read::Key { touch, last } => match group.touched.get(touch) {
                    Some(position) => Some(*position) != *last,
                    None => self.store.last_touched(touch)? != *last,
                },
            };
            if moved {
                return Err(AppendError::Conflict);
            }
        }
        Ok(())
    }

    fn check_drafts(
        &mut self,
        group: &Pending,
        proposal: &Proposal,
        now: Timestamp,
    ) -> Result<BTreeMap<StreamId, Tail>, AppendError> {
        if proposal.drafts.is_empty() || proposal.drafts.len() > DRAFTS_MAX {
            return Err(EntryFault::WrongSize.into());
        }
        check_unlinkable(proposal)?;
        let mut staged: BTreeMap<StreamId, Tail> = BTreeMap::new();
        let first = group.tree.size();
        for (position, draft) in (first..).zip(&proposal.drafts) {
            let entry = draft.entry.signed().entry();
            let before = match staged.get(&entry.stream).or_else(|| group.tails.get(&entry.stream)) {
                Some(tail) => Some(*tail),
                None => self.tail(&entry.stream)?,
            };
            check_chain(entry, before)?;
            self.check_form(draft, entry, Position(position))?;
            check_time(draft, entry, before, now)?;
            self.check_signers(group, draft, entry, Position(position))?;
            let tail = Tail {
                next: Revision(entry.revision.0 + 1),
                text_hash: draft.entry.signed().text_hash(),
                at: draft.at,
            };
            staged.insert(entry.stream, tail);
        }
        Ok(staged)
    }

    fn check_form(&self, draft: &Draft, entry: &Entry, position: Position) -> Result<(), AppendError> {
        if entry.origin != self.origin {
            return Err(EntryFault::WrongOrigin.into());
        }
        if *blake3::hash(&draft.body).as_bytes() != entry.body {
            return Err(EntryFault::WrongBody.into());
        }
        let known = if entry.seen.size == 0 {
            entry.seen == Seen::nothing()
        } else {
            self.published.contains(&(entry.seen.size, entry.seen.note, entry.seen.root))
        };
        if !known || entry.seen.size > position.0 {
            return Err(EntryFault::UnknownCheckpoint.into());
        }
        Ok(())
    }

    fn check_signers(
        &self,
        group: &Pending,
        draft: &Draft,
        entry: &Entry,
        position: Position,
    ) -> Result<(), AppendError> {
        let signers = draft.entry.signers();
        let unlinkable = entry.stream.kind.is_unlinkable();
        let local;
        let keys = if unlinkable {
            local = self.stream_keys(group, entry, position)?;
            &local
        } else if KeyRing::holds_everywhere(entry.stream.kind) {
            check_ends(entry, position)?;
            if !is_by_another(entry, signers) || !group.keys.admits(position, entry, signers) {
                return Err(EntryFault::NotGranted.into());
            }
            local = with_introduced(&group.keys, entry, position);
            &local
        } else {
            &group.keys
        };
        let mut checked = Vec::with_capacity(signers.len());
        for key in signers {
            // The log's own keys hold in every stream.
            let keys = if key.name() == self.origin && unlinkable { &group.keys } else { keys };
            if keys.get(key).is_none() {
                return Err(EntryFault::UnknownSigner.into());
            }
            if !keys.in_force(key, position) {
                return Err(EntryFault::KeyEnded.into());
            }
            checked.push(SignerRoles {
                name: key.name().to_owned(),
                roles: keys.roles(key),
                log: group.keys.signs_as_log(key, position),
            });
        }
        check_granted(entry, &checked)
    }

    /// Keys that hold in a report's or reward's stream: those introduced in the stream itself.
    fn stream_keys(
        &self,
        group: &Pending,
        entry: &Entry,
        position: Position,
    ) -> Result<KeyRing, AppendError> {
        let mut keys = KeyRing::new(&self.origin);
        for stored in read_stream(self.store.as_ref(), &entry.stream)? {
            if let Ok(signed) = SignedEntry::parse(&stored.entry) {
                keys.apply(stored.position, signed.entry());
            }
        }
        for (at, earlier) in group.stream_lines.iter().filter(|(_, e)| e.stream == entry.stream) {
            keys.apply(*at, earlier);
        }
        keys.apply(position, entry);
        Ok(keys)
    }
}

/// A key introduced in an entry may sign it, but holds no role that is granted only there.
pub(crate) fn with_introduced(keys: &KeyRing, entry: &Entry, position: Position) -> KeyRing {
    let mut keys = keys.clone();
    for line in &entry.lines {
        if let Line::Key(key) = line {
            keys.introduce(key.clone(), position);
        }
    }
    keys
}

/// Most entries of one command.
const DRAFTS_MAX: usize = 64;

struct SignerRoles {
    name: String,
    roles: Vec<Role>,
    log: bool,
}

/// The group while it is being put together.
struct Pending {
    tree: Tree,
    tiles: Vec<crate::ledger::merkle::Tile>,
    commands: Vec<Committed>,
    answered: HashMap<CommandId, ([u8; 32], Vec<Position>)>,
    tails: BTreeMap<StreamId, Tail>,
    touched: HashMap<Touch, Position>,
    /// The keys of the whole log after what is in the group so far.
    keys: KeyRing,
    /// Entries of this group in unlinkable streams that introduce keys.
    stream_lines: Vec<(Position, Entry)>,
    facts: Vec<Fact>,
}

impl Pending {
    fn new(tree: Tree, keys: KeyRing) -> Self {
        Self {
            tree,
            tiles: Vec::new(),
            commands: Vec::new(),
            answered: HashMap::new(),
            tails: BTreeMap::new(),
            touched: HashMap::new(),
            keys,
            stream_lines: Vec::new(),
            facts: Vec::new(),
        }
    }

    fn take(&mut self, proposal: Proposal, staged: BTreeMap<StreamId, Tail>) -> Appended {
        let mut positions = Vec::with_capacity(proposal.drafts.len());
        let mut entries = Vec::with_capacity(proposal.drafts.len());
        for draft in proposal.drafts {
            let position = Position(self.tree.size());
            let signed = draft.entry.signed();
            self.tree.push(signed.leaf_hash(), &mut self.tiles);
            positions.push(position);
            for touch in &draft.touches {
                self.touched.insert(*touch, position);
            }
            self.take_lines(position, signed.entry());
            entries.push(Stored {
                position,
                stream: signed.entry().stream,
                revision: signed.entry().revision,
                entry: signed.bytes().to_vec(),
                body: draft.body,
                touches: draft.touches,
            });
            self.facts.push(Fact {
                position,
                stream: signed.entry().stream,
                revision: signed.entry().revision,
                day: signed.entry().day,
                at: draft.at,
                by: draft.by,
                lines: signed.entry().lines.clone(),
                event: draft.event,
            });
        }
        self.tails.extend(staged);
        self.answered.insert(proposal.id, (proposal.request, positions.clone()));
        self.commands.push(Committed { id: proposal.id, request: proposal.request, entries });
        Appended { positions, repeated: false }
    }

    fn take_lines(&mut self, position: Position, entry: &Entry) {
        if entry.lines.is_empty() {
            return;
        }
        if KeyRing::holds_everywhere(entry.stream.kind) {
            self.keys.apply(position, entry);
        } else if entry.stream.kind.is_unlinkable() {
            self.stream_lines.push((position, entry.clone()));
        }
    }
}

/// An unlinkable stream shows nothing that ties it to anything else.
fn check_unlinkable(proposal: &Proposal) -> Result<(), AppendError> {
    let entries = || proposal.drafts.iter().map(|draft| draft.entry.signed().entry());
    let streams: BTreeSet<StreamId> = entries().map(|entry| entry.stream).collect();
    if streams.len() > 1 && streams.iter().any(|stream| stream.kind.is_unlinkable()) {
        return Err(EntryFault::Linkable.into());
    }
    for draft in &proposal.drafts {
        let entry = draft.entry.signed().entry();
        let own = format!("{}/{}", entry.origin, entry.stream);
        for line in &entry.lines {
            if let Line::Key(key) = line {
                check_introduced(entry, &own, key)?;
            } else if entry.stream.kind == StreamKind::Access {
                // A role, or anything else, would set one apart from the others.
                return Err(EntryFault::WrongLines.into());
            } else if matches!(line, Line::Grant { .. } | Line::Revoke { .. } | Line::End { .. })
                && !KeyRing::holds_everywhere(entry.stream.kind)
                && !entry.stream.kind.is_unlinkable()
            {
                return Err(EntryFault::WrongLines.into());
            }
        }
    }
    Ok(())
}

/// A key is introduced only where keys of its name belong.
fn check_introduced(entry: &Entry, own: &str, key: &VKey) -> Result<(), AppendError> {
    let belongs = match entry.stream.kind {
        StreamKind::Ledger => {
            key.name() == entry.origin || key.name().starts_with(&format!("{}/actor/", entry.origin))
        }
        StreamKind::Actor => key.name() == actor_key_name(&entry.origin, ActorId(entry.stream.id)),
        StreamKind::Report | StreamKind::Reward | StreamKind::Concern => {
            key.name() == own || key.name().starts_with(&format!("{own}/officer/"))
        }
        StreamKind::Access => key.name().starts_with(&format!("{own}/officer/")),
        StreamKind::Hazard
        | StreamKind::Enterprise
        | StreamKind::Inspection
        | StreamKind::Rules
        | StreamKind::Inquiry => false,
    };
    if belongs { Ok(()) } else { Err(EntryFault::WrongLines.into()) }
}

/// A key is ended or granted by another key, never by itself.
pub(crate) fn is_by_another(entry: &Entry, signers: &[VKey]) -> bool {
    entry.lines.iter().all(|line| match line {
        Line::Grant { key, .. } | Line::End { key, .. } => signers.iter().any(|signer| signer != key),
        Line::Key(_)
        | Line::Recipient { .. }
        | Line::Revoke { .. }
        | Line::Clock { .. }
        | Line::Extend { .. }
        | Line::Stop { .. } => true,
    })
}

/// A key ends where it stands now, and not at a position that nobody has seen.
fn check_ends(entry: &Entry, position: Position) -> Result<(), AppendError> {
    let ahead = |line: &Line| matches!(line, Line::End { last, .. } if *last > position);
    if entry.lines.iter().any(ahead) { Err(EntryFault::WrongLines.into()) } else { Ok(()) }
}

fn check_chain(entry: &Entry, before: Option<Tail>) -> Result<(), AppendError> {
    let (next, prev) = before.map_or((Revision(0), None), |tail| (tail.next, Some(tail.text_hash)));
    if entry.revision == next && entry.prev == prev { Ok(()) } else { Err(AppendError::Conflict) }
}

fn check_time(draft: &Draft, entry: &Entry, before: Option<Tail>, now: Timestamp) -> Result<(), AppendError> {
    if draft.at.day() != entry.day {
        return Err(EntryFault::WrongDay.into());
    }
    let waited = draft.entry.signers().len() > 1;
    let oldest = if waited { SECOND_SIGNER_SECONDS_MAX } else { SKEW_SECONDS_MAX };
    let age = now.seconds_since(draft.at);
    if age > oldest || age < -SKEW_SECONDS_MAX {
        return Err(EntryFault::ClockSkew.into());
    }
    if before.is_some_and(|tail| draft.at < tail.at) {
        return Err(EntryFault::TimeWentBack.into());
    }
    Ok(())
}

fn check_granted(entry: &Entry, signers: &[SignerRoles]) -> Result<(), AppendError> {
    let signers: Vec<_> =
        signers.iter().map(|s| entries::Signer { name: &s.name, roles: &s.roles, log: s.log }).collect();
    if !entries::may_sign(&entry.kind, &signers) {
        return Err(EntryFault::NotGranted.into());
    }
    if entries::has_lines(&entry.kind, &entry.lines) { Ok(()) } else { Err(EntryFault::WrongLines.into()) }
}

/// SHA-256 of a published checkpoint's note, as `seen` names it.
pub(crate) fn seen_of(size: u64, root: [u8; 32], note: &[u8]) -> Seen {
    Seen { size, root, note: Some(Sha256::digest(note).into()) }
}

/// All entries of a stream, in order.
pub(crate) fn read_stream(store: &dyn Store, stream: &StreamId) -> Result<Vec<Stored>, StoreError> {
    let mut found = Vec::new();
    for position in store.stream(stream)? {
        found.extend(store.read(position, 1)?);
    }
    Ok(found)
}

pub(crate) fn read_tail(store: &dyn Store, stream: &StreamId) -> Result<Option<Tail>, StoreError> {
    let Some((position, revision)) = store.stream_end(stream)? else {
        return Ok(None);
    };
    let last = store.read(position, 1)?;
    let parsed = last.first().and_then(|stored| {
        let signed = SignedEntry::parse(&stored.entry).ok()?;
        Some((signed.text_hash(), Body::read(stream.kind, &stored.body).ok()?.at))
    });
    let (text_hash, at) = parsed.ok_or(StoreError::Form("the last entry of a stream can't be read"))?;
    Ok(Some(Tail { next: Revision(revision.0 + 1), text_hash, at }))
}
