//! Checks a whole ledger from its first entry, trusting nothing but the log's key.
//!
//! Every group's checkpoint and root; of every entry its form, chain, body, lines, signatures, the keys in force at its
//! position and what they were granted; the officers' own statements under one-time keys; and the index against the
//! journal. Stops at the first fault and names it.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use ed25519_dalek::{Signature, VerifyingKey, verify_batch};
use serde::Serialize;

use crate::id::StreamId;
use crate::ledger::body::Body;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::entry::{Entry, Line, Seen, SignedEntry};
use crate::ledger::keyring::KeyRing;
use crate::ledger::merkle::{Hash, Tree};
use crate::ledger::officer;
use crate::ledger::sequencer::seen_of;
use crate::ledger::store::{Group, Store, StoreError, Stored};
use crate::ledger::vkey::{VKey, hex};
use crate::role::Role;
use crate::rules::entries;
use crate::units::{Position, Revision, Timestamp};

/// Signatures checked at once.
const BATCH: usize = 256;
/// Batches that may wait for the checkers.
const QUEUE: usize = 64;

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

/// One signature to check.
struct Task {
    position: Position,
    text: Arc<[u8]>,
    signature: [u8; 64],
    key: [u8; 32],
}

/// Checks everything; `progress` is told the position after each group.
pub fn verify(store: &dyn Store, log: &VKey, mut progress: impl FnMut(u64)) -> Result<Verified, VerifyFault> {
    let bad: Arc<Mutex<Option<Position>>> = Arc::default();
    let checkers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut pass = std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Vec<Task>>(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..checkers {
            let (receiver, bad) = (Arc::clone(&receiver), Arc::clone(&bad));
            scope.spawn(move || check_signatures(&receiver, &bad));
        }
        drop(receiver);
        let mut pass = Pass::new(log, sender);
        pass.run(store, &mut progress).map(|()| pass)
    })?;
    if let Some(position) = *bad.lock().unwrap_or_else(PoisonError::into_inner) {
        return Err(VerifyFault::at(position, "a signature does not verify"));
    }
    pass.checked.index_keys = store.check_index()?.unwrap_or(0);
    Ok(Verified { size: pass.tree.size(), root: hex(&pass.tree.root()), checked: pass.checked })
}

struct Pass<'a> {
    log: &'a VKey,
    sender: Option<SyncSender<Vec<Task>>>,
    batch: Vec<Task>,
    tree: Tree,
    keys: KeyRing,
    /// Keys of report and reward streams.
    local: HashMap<StreamId, KeyRing>,
    tails: HashMap<StreamId, (Revision, Hash, Timestamp)>,
    checkpoints: BTreeMap<u64, Seen>,
    checked: Checked,
}

impl<'a> Pass<'a> {
    fn new(log: &'a VKey, sender: SyncSender<Vec<Task>>) -> Self {
        Self {
            log,
            sender: Some(sender),
            batch: Vec::with_capacity(BATCH),
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
        while self.tree.size() < size {
            let position = Position(self.tree.size());
            let missing = VerifyFault::at(position, "the store has no group here");
            let group = store.group(position)?.ok_or(missing)?;
            self.group(&group)?;
            progress(self.tree.size());
        }
        self.send();
        self.sender = None;
        self.checked.streams = self.tails.len() as u64;
        Ok(())
    }

    fn group(&mut self, group: &Group) -> Result<(), VerifyFault> {
        let mut tiles = Vec::new();
        for stored in group.entries() {
            if stored.position != Position(self.tree.size()) {
                return Err(VerifyFault::at(stored.position, "positions have a gap"));
            }
            let leaf = self.entry(stored)?;
            self.tree.push(leaf, &mut tiles);
        }
        let last = Position(self.tree.size().saturating_sub(1));
        let checkpoint = Checkpoint::verify(&group.checkpoint, self.log)
            .map_err(|_| VerifyFault::at(last, "the group's checkpoint is not signed by the log"))?;
        if checkpoint.size != self.tree.size() || checkpoint.root != self.tree.root() {
            return Err(VerifyFault::at(
                last,
                "the group's checkpoint does not have the root of the entries",
            ));
        }
        if group.frontier != self.tree.frontier() {
            return Err(VerifyFault::at(last, "the group's frontier is not that of the entries"));
        }
        self.checkpoints
            .insert(checkpoint.size, seen_of(checkpoint.size, checkpoint.root, &group.checkpoint));
        self.checked.groups += 1;
        Ok(())
    }

    /// Checks one entry; gives back its leaf hash.
    fn entry(&mut self, stored: &Stored) -> Result<Hash, VerifyFault> {
        let fault = |what| VerifyFault::at(stored.position, what);
        let signed =
            SignedEntry::parse(&stored.entry).map_err(|_| fault("it is not an entry of this format"))?;
        let entry = signed.entry();
        if entry.origin != self.log.name() {
            return Err(fault("it was signed for another ledger"));
        }
        if stored.stream != entry.stream || stored.revision != entry.revision {
            return Err(fault("it is stored under another stream"));
        }
        let body = self.body(stored, entry)?;
        self.chain(entry, &signed, body.at).map_err(fault)?;
        self.seen(entry, stored.position).map_err(fault)?;
        self.signers(stored.position, &signed, &body)?;
        self.checked.entries += 1;
        Ok(signed.leaf_hash())
    }

    /// The body is the one that was signed, and says what the entry says.
    fn body(&mut self, stored: &Stored, entry: &Entry) -> Result<Body, VerifyFault> {
        let fault = |what| VerifyFault::at(stored.position, what);
        if *blake3::hash(&stored.body).as_bytes() != entry.body {
            return Err(fault("the body is not the one whose hash was signed"));
        }
        let body = Body::read(entry.stream.kind, &stored.body)
            .map_err(|_| fault("the body is not of this format, or its event unknown"))?;
        let event = &body.event;
        if event.public_kind() != entry.kind {
            return Err(fault("the public kind is not that of the event"));
        }
        if !event.lines().iter().all(|line| entry.lines.contains(line)) {
            return Err(fault("a public line of the event is missing"));
        }
        if body.at.day() != entry.day {
            return Err(fault("the day is not that of signing"));
        }
        self.checked.bodies += 1;
        Ok(body)
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

    fn seen(&self, entry: &Entry, position: Position) -> Result<(), &'static str> {
        let known =
            entry.seen == Seen::nothing() || self.checkpoints.get(&entry.seen.size) == Some(&entry.seen);
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
        let mut with_own;
        let keys = if unlinkable {
            let log = self.log.clone();
            let ring = self.local.entry(entry.stream).or_insert_with(|| {
                let mut ring = KeyRing::new(log.name());
                ring.introduce(log, Position(0));
                ring
            });
            ring.apply(position, entry);
            &*ring
        } else if entry.lines.iter().any(|line| matches!(line, Line::Key(_))) {
            with_own = self.keys.clone();
            for line in &entry.lines {
                if let Line::Key(key) = line {
                    with_own.introduce(key.clone(), position);
                }
            }
            &with_own
        } else {
            &self.keys
        };
        let mut signers: Vec<(VKey, Vec<Role>)> = Vec::with_capacity(signed.signatures().len());
        for line in signed.signatures() {
            let key = keys.resolve(line).ok_or_else(|| fault("a signer's key is not known"))?;
            if !keys.in_force(&key, position) {
                return Err(fault("a signer's key was ended before"));
            }
            signers.push((key.clone(), keys.roles(&key)));
        }
        let named: Vec<_> = signers
            .iter()
            .map(|(key, roles)| entries::Signer { name: key.name(), roles, log: key == self.log })
            .collect();
        if !entries::may_sign(&entry.kind, &named) || !entries::has_lines(&entry.kind, &entry.lines) {
            return Err(fault("the signers, or the public clocks, are not those that this kind asks for"));
        }
        if unlinkable {
            self.officers(position, entry, body, &signers)?;
        }
        if KeyRing::holds_everywhere(entry.stream.kind) {
            self.keys.apply(position, entry);
        }
        self.queue(position, signed, &signers);
        Ok(())
    }

    /// Behind every one-time officer key stands an officer's own statement, by a key in force that has the role.
    fn officers(
        &self,
        position: Position,
        entry: &Entry,
        body: &Body,
        signers: &[(VKey, Vec<Role>)],
    ) -> Result<(), VerifyFault> {
        let fault = |what| VerifyFault::at(position, what);
        let known: Vec<VKey> = self.keys.iter().map(|(key, _)| key.clone()).collect();
        let mut persons = Vec::new();
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
            let person = self.keys.actor_of(&statement.officer);
            if persons.contains(&person) {
                return Err(fault("one officer signed twice with different one-time keys"));
            }
            persons.push(person);
        }
        Ok(())
    }

    fn queue(&mut self, position: Position, signed: &SignedEntry, signers: &[(VKey, Vec<Role>)]) {
        let text: Arc<[u8]> = signed.text().into();
        for (line, (key, _)) in signed.signatures().iter().zip(signers) {
            let mut signature = [0; 64];
            signature.copy_from_slice(&line.signature);
            self.batch.push(Task { position, text: Arc::clone(&text), signature, key: *key.key() });
            self.checked.signatures += 1;
        }
        if self.batch.len() >= BATCH {
            self.send();
        }
    }

    fn send(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        if let Some(sender) = &self.sender {
            // A checker that is gone has found a fault already.
            let _ = sender.send(batch);
        }
    }
}

/// Checks batches until there are no more. A batch that fails is checked one by one, strictly, to name the first.
fn check_signatures(receiver: &Mutex<Receiver<Vec<Task>>>, bad: &Mutex<Option<Position>>) {
    let mut keys: HashMap<[u8; 32], VerifyingKey> = HashMap::new();
    loop {
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(tasks) = next else { return };
        if let Some(position) = first_bad(&tasks, &mut keys) {
            let mut bad = bad.lock().unwrap_or_else(PoisonError::into_inner);
            *bad = Some(bad.map_or(position, |earlier| earlier.min(position)));
        }
    }
}

fn first_bad(tasks: &[Task], keys: &mut HashMap<[u8; 32], VerifyingKey>) -> Option<Position> {
    let mut verifying = Vec::with_capacity(tasks.len());
    for task in tasks {
        let key = if let Some(key) = keys.get(&task.key) {
            *key
        } else {
            let Ok(key) = VerifyingKey::from_bytes(&task.key) else {
                return Some(task.position);
            };
            keys.insert(task.key, key);
            key
        };
        verifying.push(key);
    }
    let texts: Vec<&[u8]> = tasks.iter().map(|task| task.text.as_ref()).collect();
    let signatures: Vec<Signature> =
        tasks.iter().map(|task| Signature::from_bytes(&task.signature)).collect();
    if verify_batch(&texts, &signatures, &verifying).is_ok() {
        return None;
    }
    let strict = |i: &usize| verifying[*i].verify_strict(texts[*i], &signatures[*i]).is_err();
    (0..tasks.len()).find(strict).map(|i| tasks[i].position)
}
