//! Checks a whole ledger from its first entry, trusting nothing but one of the log's keys, whichever.
//!
//! Every group's checkpoint and root; of every entry its form, chain, body, lines, signatures, the keys in force at its
//! position and what they were granted; the officers' own statements under one-time keys; and the index against the
//! journal. Stops at the first fault and names it.

mod examine;
mod files;
mod signatures;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, PoisonError};

use serde::Serialize;

use examine::{Examined, ExaminedEntry, examine};
pub use files::{Files, files};
use signatures::{Bad, Signatures};

use crate::id::{ActorId, StreamId};
use crate::ledger::ahead::ahead;
use crate::ledger::blobs::BlobError;
use crate::ledger::body::Body;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::entry::{Entry, Line, Seen, SignedEntry};
use crate::ledger::keyring::KeyRing;
use crate::ledger::log::OpenError;
use crate::ledger::merkle::{Hash, Tree};
use crate::ledger::officer;
use crate::ledger::sequencer::{is_by_another, seen_of, with_introduced};
use crate::ledger::store::{Group, Store, StoreError};
use crate::ledger::vkey::{VKey, hex};
use crate::role::Role;
use crate::rules::entries;
use crate::units::{Position, Revision, Timestamp};

/// What was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub groups: u64,
    pub entries: u64,
    pub signatures: u64,
    pub bodies: u64,
    pub streams: u64,
    pub index_keys: u64,
}

/// A ledger in which all holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    pub size: u64,
    /// Root of the tree, hexadecimal.
    pub root: String,
    pub checked: Checked,
}

/// The first fault.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("position {position}: {what}")]
    Entry { position: u64, what: &'static str },
    #[error("position {position}: {source}")]
    File { position: u64, file: String, source: BlobError },
    #[error(transparent)]
    Unreadable(Box<OpenError>),
}

impl VerifyFault {
    fn at(position: Position, what: &'static str) -> Self {
        Self::Entry { position: position.0, what }
    }

    /// File, offset and position, as far as the fault has them.
    pub fn place(&self) -> (Option<String>, Option<u64>, Option<u64>) {
        match self {
            Self::Store(error) => place_of(error),
            Self::Entry { position, .. } => (None, None, Some(*position)),
            Self::File { position, file, .. } => (Some(file.clone()), None, Some(*position)),
            Self::Unreadable(_) => (None, None, None),
        }
    }
}

/// File, offset and position of a store's error, as far as it has them.
pub fn place_of(error: &StoreError) -> (Option<String>, Option<u64>, Option<u64>) {
    let name = |path: &std::path::Path| Some(path.display().to_string());
    match error {
        StoreError::Damaged { file, offset, position, .. } => (name(file), Some(*offset), Some(*position)),
        StoreError::Sealed { file, position } => (name(file), None, Some(*position)),
        StoreError::Index { path, .. } | StoreError::Io { path, .. } | StoreError::InUse { path } => {
            (name(path), None, None)
        }
        StoreError::Behind { lock, size, .. } | StoreError::NoLock { lock, size } => {
            (name(lock), None, Some(*size))
        }
        StoreError::ForeignLock { lock, .. } => (name(lock), None, None),
        StoreError::Halted | StoreError::Form(_) | StoreError::Commit(_) => (None, None, None),
    }
}

/// Groups that are read at once.
const GROUPS: usize = 64;
/// Groups that may wait for the check of the index.
const QUEUE: usize = 256;

/// Checks everything; `progress` is told the position after each group.
pub fn verify(store: &dyn Store, log: &VKey, mut progress: impl FnMut(u64)) -> Result<Verified, VerifyFault> {
    let bad = Bad::default();
    let (pass, index_keys) = std::thread::scope(|scope| {
        let (groups, receiver) = sync_channel::<Group>(QUEUE);
        let index = scope.spawn(move || store.check_index(&mut receiver.into_iter()));
        let mut pass = Pass::new(log, Signatures::check(scope, &bad), groups);
        let run = pass.run(store, &mut progress);
        let Pass { tree, tails, mut checked, signatures, groups, .. } = pass;
        checked.streams = tails.len() as u64;
        checked.signatures = signatures.taken;
        drop((signatures, groups));
        let index_keys = index.join().unwrap_or(Err(StoreError::Form("the check of the index broke off")));
        (run.map(|()| (tree, checked)), index_keys)
    });
    let bad = bad.into_inner().unwrap_or_else(PoisonError::into_inner);
    let bad = bad.map(|position| VerifyFault::at(position, "a signature does not verify"));
    // Of two faults, the first in the log.
    let (tree, checked) = match (pass, bad) {
        (Ok(done), None) => done,
        (Ok(_), Some(bad)) => return Err(bad),
        (Err(fault), bad) => return Err(bad.filter(|bad| bad.place().2 < fault.place().2).unwrap_or(fault)),
    };
    let checked = Checked { index_keys: index_keys?, ..checked };
    Ok(Verified { size: tree.size(), root: hex(&tree.root()), checked })
}

struct Pass<'a> {
    /// The log's key that the caller trusts.
    log: &'a VKey,
    signatures: Signatures,
    /// Groups for the check of the index.
    groups: SyncSender<Group>,
    tree: Tree,
    keys: KeyRing,
    /// Keys of unlinkable streams.
    local: HashMap<StreamId, KeyRing>,
    tails: HashMap<StreamId, (Revision, Hash, Timestamp)>,
    checkpoints: BTreeMap<u64, Seen>,
    checked: Checked,
}

impl<'a> Pass<'a> {
    fn new(log: &'a VKey, signatures: Signatures, groups: SyncSender<Group>) -> Self {
        Self {
            log,
            signatures,
            groups,
            tree: Tree::new(),
            keys: KeyRing::new(log.name()),
            local: HashMap::new(),
            tails: HashMap::new(),
            checkpoints: BTreeMap::new(),
            checked: Checked::default(),
        }
    }

    fn run(&mut self, store: &dyn Store, progress: &mut impl FnMut(u64)) -> Result<(), VerifyFault> {
        let size = store.head().size;
        let firsts = store.groups()?;
        let chunks: Vec<&[Position]> = firsts.chunks(GROUPS).collect();
        let origin = self.log.name();
        let read = |chunk: &&[Position]| -> Vec<Result<Examined, VerifyFault>> {
            let groups = chunk.iter().map(|first| {
                let missing = VerifyFault::at(*first, "the store has no group here");
                examine(store.group(*first)?.ok_or(missing)?, origin)
            });
            groups.collect()
        };
        ahead(&chunks, read, |groups| {
            for examined in groups {
                self.group(examined?)?;
                progress(self.tree.size());
            }
            Ok::<_, VerifyFault>(())
        })?;
        if self.tree.size() != size {
            return Err(VerifyFault::at(Position(self.tree.size()), "the store has no group here"));
        }
        // Each key of the log was introduced by one before it and by itself, so whoever knows one knows the others.
        if size > 0 && self.keys.get(self.log).is_none() {
            return Err(VerifyFault::at(Position(0), "the key that was given is not one of the log's"));
        }
        Ok(())
    }

    fn group(&mut self, examined: Examined) -> Result<(), VerifyFault> {
        let Examined { mut group, entries } = examined;
        for (stored, entry) in group.commands.iter().flat_map(|command| &command.entries).zip(&entries) {
            if stored.position != Position(self.tree.size()) {
                return Err(VerifyFault::at(stored.position, "positions have a gap"));
            }
            self.entry(stored.position, entry)?;
            self.tree.push(entry.leaf, &mut group.tiles);
        }
        let last = Position(self.tree.size().saturating_sub(1));
        let seen = self.checkpoint(&group, last)?;
        if group.frontier != self.tree.frontier() {
            return Err(VerifyFault::at(last, "the group's frontier is not that of the entries"));
        }
        self.checkpoints.insert(seen.size, seen);
        self.checked.groups += 1;
        // Where the check of the index has ended with a fault, it tells that itself.
        let _ = self.groups.send(group);
        Ok(())
    }

    /// The group's checkpoint is of this tree, and every log key in force at its last entry signed it; whether these signatures
    /// are good is checked with the others.
    fn checkpoint(&mut self, group: &Group, last: Position) -> Result<Seen, VerifyFault> {
        let unsigned = || VerifyFault::at(last, "the group's checkpoint is not signed by the log");
        let (checkpoint, note) = Checkpoint::parse(&group.checkpoint).map_err(|_| unsigned())?;
        let signing = self.keys.log_keys_at(last);
        if checkpoint.origin != self.log.name() || signing.is_empty() {
            return Err(unsigned());
        }
        let text: Arc<[u8]> = note.text.as_bytes().into();
        for key in &signing {
            let line = note.signatures.iter().find(|line| line.is_by(key)).ok_or_else(unsigned)?;
            if line.signature.len() != 64 {
                return Err(unsigned());
            }
            self.signatures.take(last, &text, line, key);
        }
        if checkpoint.size != self.tree.size() || checkpoint.root != self.tree.root() {
            return Err(VerifyFault::at(
                last,
                "the group's checkpoint does not have the root of the entries",
            ));
        }
        Ok(seen_of(checkpoint.size, checkpoint.root, &group.checkpoint))
    }

    fn entry(&mut self, position: Position, examined: &ExaminedEntry) -> Result<(), VerifyFault> {
        let ExaminedEntry { signed, body, .. } = examined;
        let fault = |what| VerifyFault::at(position, what);
        self.chain(signed.entry(), signed, body.at).map_err(fault)?;
        self.seen(signed.entry(), position).map_err(fault)?;
        self.signers(position, signed, body)?;
        self.checked.entries += 1;
        self.checked.bodies += 1;
        Ok(())
    }

    fn chain(&mut self, entry: &Entry, signed: &SignedEntry, at: Timestamp) -> Result<(), &'static str> {
        let before = self.tails.get(&entry.stream).copied();
        let (next, prev) = before.map_or((Revision(0), None), |(next, hash, _)| (next, Some(hash)));
        if entry.revision != next || entry.prev != prev {
            return Err("it does not follow the entry before it in its stream");
        }
        if before.is_some_and(|(_, _, earlier)| at < earlier) {
            return Err("time goes back within its stream");
        }
        self.tails.insert(entry.stream, (Revision(next.0 + 1), signed.text_hash(), at));
        Ok(())
    }

    /// The checkpoint that was seen is one of this log. Of the note only its tree can be checked here: witnesses add their
    /// lines after it was signed, so its hash is for whoever holds the note as it was published then.
    fn seen(&self, entry: &Entry, position: Position) -> Result<(), &'static str> {
        let same = |ours: &Seen| ours.root == entry.seen.root && entry.seen.note.is_some();
        let known = entry.seen == Seen::nothing() || self.checkpoints.get(&entry.seen.size).is_some_and(same);
        if known && entry.seen.size <= position.0 {
            Ok(())
        } else {
            Err("it names a checkpoint that this log did not publish")
        }
    }

    /// The keys that signed are in force here, and were granted what the kind asks for.
    fn signers(&mut self, position: Position, signed: &SignedEntry, body: &Body) -> Result<(), VerifyFault> {
        let entry = signed.entry();
        let fault = |what| VerifyFault::at(position, what);
        let unlinkable = entry.stream.kind.is_unlinkable();
        let with_own;
        let keys = if unlinkable {
            let origin = self.log.name();
            let ring = self.local.entry(entry.stream).or_insert_with(|| KeyRing::new(origin));
            ring.apply(position, entry);
            &*ring
        } else if entry.lines.iter().any(|line| matches!(line, Line::Key(_))) {
            with_own = with_introduced(&self.keys, entry, position);
            &with_own
        } else {
            &self.keys
        };
        let mut signers: Vec<(VKey, Vec<Role>)> = Vec::with_capacity(signed.signatures().len());
        for line in signed.signatures() {
            // The log's own keys hold in every stream.
            let keys = if unlinkable && line.name == self.log.name() { &self.keys } else { keys };
            let key = keys.resolve(line).ok_or_else(|| fault("a signer's key is not known"))?;
            if !keys.in_force(&key, position) {
                return Err(fault("a signer's key was ended before"));
            }
            signers.push((key.clone(), keys.roles(&key)));
        }
        let log = |key| self.keys.signs_as_log(key, position);
        let named: Vec<_> = signers
            .iter()
            .map(|(key, roles)| entries::Signer { name: key.name(), roles, log: log(key) })
            .collect();
        if !entries::may_sign(&entry.kind, &named) || !entries::has_lines(&entry.kind, &entry.lines) {
            return Err(fault("the signers, or the public clocks, are not those that this kind asks for"));
        }
        let persons = if unlinkable {
            self.officers(position, entry, body, &signers)?
        } else {
            signers.iter().filter_map(|(key, _)| self.keys.actor_of(key)).collect()
        };
        // What is listed as signed in somebody's name is found by these.
        if persons != body.by.iter().copied().collect() {
            return Err(fault("the body does not name those who signed"));
        }
        if KeyRing::holds_everywhere(entry.stream.kind) {
            let by: Vec<VKey> = signers.iter().map(|(key, _)| key.clone()).collect();
            if !self.keys.admits(position, entry, &by) {
                return Err(fault(
                    "a key of the log is introduced without a key before it, or does not sign",
                ));
            }
            if !is_by_another(entry, &by) {
                return Err(fault("a key is granted or ended by itself alone"));
            }
            self.keys.apply(position, entry);
        }
        let text: Arc<[u8]> = signed.text().into();
        for (line, (key, _)) in signed.signatures().iter().zip(&signers) {
            self.signatures.take(position, &text, line, key);
        }
        Ok(())
    }

    /// Behind every one-time officer key stands an officer's own statement, by a key in force that has the role; behind that of a
    /// filler the log's.
    fn officers(
        &self,
        position: Position,
        entry: &Entry,
        body: &Body,
        signers: &[(VKey, Vec<Role>)],
    ) -> Result<BTreeSet<ActorId>, VerifyFault> {
        let fault = |what| VerifyFault::at(position, what);
        let known: Vec<VKey> = self.keys.iter().map(|(key, _)| key.clone()).collect();
        let mut persons = BTreeSet::new();
        for (key, roles) in signers.iter().filter(|(key, _)| key.name().contains("/officer/")) {
            let statement = body
                .officers
                .iter()
                .filter_map(|note| officer::read(note, self.log.name(), &known).ok())
                .find(|statement| statement.one_time == *key && statement.stream == entry.stream)
                .ok_or_else(|| fault("no officer stands behind a one-time key"))?;
            let granted = self.keys.roles(&statement.officer);
            let entitled = roles.iter().all(|role| granted.contains(role));
            if !self.keys.in_force(&statement.officer, position) || !entitled {
                return Err(fault("the officer behind a one-time key does not have its role"));
            }
            if body.event.is_filler() {
                if self.keys.signs_as_log(&statement.officer, position) {
                    continue;
                }
                return Err(fault("a filler is not the log's own"));
            }
            let person = self.keys.actor_of(&statement.officer);
            let person = person.ok_or_else(|| fault("no officer stands behind a one-time key"))?;
            if !persons.insert(person) {
                return Err(fault("one officer signed twice with different one-time keys"));
            }
        }
        Ok(persons)
    }
}
