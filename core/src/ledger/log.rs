//! A ledger that is open: append, read, follow.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::event::{DecodeError, Fact};
use crate::id::{CommandId, StreamId, StreamKind};
use crate::ledger::blobs::{BlobError, Blobs};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::clock::Clock;
use crate::ledger::embedded::Embedded;
use crate::ledger::entry::{Seen, SignedEntry};
use crate::ledger::files::Files;
use crate::ledger::group::GroupQueue;
use crate::ledger::home::{Home, HomeError};
use crate::ledger::journal::Sealer;
use crate::ledger::keyring::KeyRing;
use crate::ledger::lock::LockKeeper;
use crate::ledger::log_keys::LogKeys;
use crate::ledger::merkle::Tree;
use crate::ledger::note::SignatureLine;
use crate::ledger::proposal::{Appended, Proposal};
use crate::ledger::public::Edge;
use crate::ledger::publication::{Published, Publisher};
use crate::ledger::sequencer::{AppendError, Tail, Writer, read_stream, read_tail};
use crate::ledger::store::{Answered, Store, StoreError, Stored, Touch};
use crate::ledger::vkey::{SigningKey, VKey};
use crate::units::{Day, Position, Timestamp};

/// Why a ledger can't be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} holds no ledger; make one with `adit init`")]
    NoLedger(std::path::PathBuf),
    #[error(
        "the store's last checkpoint is not signed by this ledger's log key; the keys folder belongs to another ledger"
    )]
    ForeignCheckpoint,
    #[error(
        "the log key {key} is in force, but its file is not in {folder}; put it back: whoever knows this key alone believes no \
         checkpoint without its signature"
    )]
    MissingLogKey { key: VKey, folder: std::path::PathBuf },
    #[error(
        "the tree of the stored entries does not have the root that the last checkpoint signed; run `adit verify` to find the first damaged entry"
    )]
    WrongRoot,
    #[error(
        "{0} holds a checkpoint that this log signed, but whose tree is not this one: two histories were signed. Nothing was changed. \
         Keep both as evidence and put back the newest data; `adit verify` checks them"
    )]
    Contradicted(std::path::PathBuf),
    #[error("couldn't append the opening entry: {0}")]
    Opening(#[from] AppendError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// A handle on an open ledger; clones share it.
#[derive(Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
}

struct Shared {
    origin: String,
    home: Option<Home>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    queue: GroupQueue<Proposal, Result<Appended, AppendError>>,
    writer: Mutex<Writer>,
    log_keys: LogKeys,
    keys: RwLock<Arc<KeyRing>>,
    publisher: Publisher,
    edge: RwLock<Arc<Edge>>,
    feeds: Mutex<Vec<Sender<Arc<[Fact]>>>>,
    /// Encrypts snapshots; none for a ledger in memory.
    sealer: Option<Sealer>,
    /// Sealed files; none for a ledger in memory.
    blobs: Option<Blobs>,
    /// Those of them that prove something; none for a ledger in memory.
    files: Option<Files>,
    /// Keeps the lock outside the store; none for a ledger in memory.
    lock: Option<Arc<LockKeeper>>,
}

/// What a ledger in a folder has besides its store.
struct Kept {
    home: Home,
    lock: Arc<LockKeeper>,
    sealer: Sealer,
    publisher: Publisher,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    /// Opens the embedded store at `home`. An empty store is fine; see [`Ledger::size`].
    pub fn open(home: &Home, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        if !home.data.join("journal").is_dir() {
            return Err(OpenError::NoLedger(home.data.clone()));
        }
        let (log_keys, data_key) = home.read_keys()?;
        Self::open_with(home, clock, log_keys, &data_key)
    }

    /// Makes the keys and an empty store; the caller appends `ledger.opened` first of all.
    pub fn create(home: &Home, origin: &str, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let (log_key, data_key) = home.create_keys(origin)?;
        Self::open_with(home, clock, log_key.into(), &data_key)
    }

    fn open_with(
        home: &Home,
        clock: Arc<dyn Clock>,
        log_keys: LogKeys,
        data_key: &[u8; 32],
    ) -> Result<Self, OpenError> {
        let store = Embedded::open(home, &log_keys.vkeys(), data_key)?;
        let lock = Arc::clone(store.lock());
        let publisher = Publisher::new(Some((store.disk(), home.data.join("published"))));
        let blobs = Blobs::open(store.disk(), &home.data)?;
        let files = Files::new(blobs.clone(), data_key);
        let kept = Kept { home: home.clone(), lock, sealer: Sealer::new(data_key), publisher };
        let ledger = Self::build(Arc::new(store), clock, log_keys, Some(kept), Some((blobs, files)))?;
        ledger.restore_published()?;
        Ok(ledger)
    }

    /// A ledger over any store, such as the reference store in memory.
    pub fn over(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        log_keys: impl Into<LogKeys>,
    ) -> Result<Self, OpenError> {
        Self::build(store, clock, log_keys.into(), None, None)
    }

    /// The same with a place for sealed files.
    pub fn over_with_blobs(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        log_keys: impl Into<LogKeys>,
        blobs: Blobs,
        data_key: &[u8; 32],
    ) -> Result<Self, OpenError> {
        let files = Files::new(blobs.clone(), data_key);
        Self::build(store, clock, log_keys.into(), None, Some((blobs, files)))
    }

    fn build(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        log_keys: LogKeys,
        kept: Option<Kept>,
        sealed: Option<(Blobs, Files)>,
    ) -> Result<Self, OpenError> {
        let (home, lock, sealer, publisher) = match kept {
            Some(kept) => (Some(kept.home), Some(kept.lock), Some(kept.sealer), kept.publisher),
            None => (None, None, None, Publisher::new(None)),
        };
        let (blobs, files) = sealed.unzip();
        let origin = log_keys.origin().to_owned();
        let tree = restore_tree(store.as_ref())?;
        let keys = restore_keys(store.as_ref(), &origin)?;
        check_log_keys(store.as_ref(), &log_keys, &keys, home.as_ref())?;
        check_head(store.as_ref(), &log_keys, &keys, &tree)?;
        let shared_keys = RwLock::new(Arc::new(keys.clone()));
        let tree = Arc::new(tree);
        let edge = Edge { tree: Arc::clone(&tree), checkpoint: store.head().checkpoint };
        let writer =
            Writer::new(&origin, Arc::clone(&store), Arc::clone(&clock), log_keys.clone(), tree, keys);
        let shared = Shared {
            origin,
            home,
            store,
            clock,
            queue: GroupQueue::default(),
            writer: Mutex::new(writer),
            log_keys,
            keys: shared_keys,
            publisher,
            edge: RwLock::new(Arc::new(edge)),
            feeds: Mutex::new(Vec::new()),
            sealer,
            blobs,
            files,
            lock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub fn origin(&self) -> &str {
        &self.shared.origin
    }

    pub fn home(&self) -> Option<&Home> {
        self.shared.home.as_ref()
    }

    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.shared.store.head().size
    }

    /// The newest signed checkpoint, as a signed note; empty before the first group.
    pub fn checkpoint(&self) -> Vec<u8> {
        self.edge().checkpoint.clone()
    }

    pub(crate) fn edge(&self) -> Arc<Edge> {
        Arc::clone(&self.shared.edge.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn store(&self) -> &dyn Store {
        self.shared.store.as_ref()
    }

    /// The log's newest key in force, which countersigns one-time keys and signs what the ledger itself records.
    pub fn log_key(&self) -> Arc<SigningKey> {
        self.shared.log_keys.newest(&self.keys(), Position(self.size()))
    }

    /// The private half of one of the log's keys, if it lies here.
    pub(crate) fn held_log_key(&self, key: &VKey) -> Option<Arc<SigningKey>> {
        self.shared.log_keys.get(key)
    }

    /// A log key that no entry has named yet: the one that a rotation left that was broken off, or a fresh one. Its file is on
    /// disk before anything is signed with it.
    pub fn next_log_key(&self) -> Result<VKey, HomeError> {
        if let Some(waiting) = self.shared.log_keys.waiting(&self.keys()) {
            return Ok(waiting);
        }
        let fresh = match &self.shared.home {
            Some(home) => home.create_log_key(self.origin())?,
            None => SigningKey::generate(self.origin()).map_err(|_| HomeError::NoRandomness)?,
        };
        let vkey = fresh.vkey();
        self.shared.log_keys.add(fresh);
        Ok(vkey)
    }

    /// Encrypts a snapshot under the data key; `None` for a ledger in memory.
    pub fn seal(&self, snapshot: Vec<u8>) -> Option<Vec<u8>> {
        self.shared.sealer.as_ref()?.seal_bytes(snapshot, "adit.v1 snapshot")
    }

    /// Opens what [`Ledger::seal`] made; `None` for anything else.
    pub fn unseal(&self, sealed: Vec<u8>) -> Option<Vec<u8>> {
        self.shared.sealer.as_ref()?.open_bytes(sealed, "adit.v1 snapshot")
    }

    /// Encrypts something small that is kept beside the keys under the data key, bound to what it is and whose (`about`): put in another's
    /// place, it opens nothing. `None` for a ledger in memory.
    pub fn seal_beside(&self, plain: Vec<u8>, about: &str) -> Option<Vec<u8>> {
        self.shared.sealer.as_ref()?.seal_bytes(plain, &format!("adit.v1 beside {about}"))
    }

    /// Opens what [`Ledger::seal_beside`] made about the same; `None` for anything else.
    pub fn unseal_beside(&self, sealed: Vec<u8>, about: &str) -> Option<Vec<u8>> {
        self.shared.sealer.as_ref()?.open_bytes(sealed, &format!("adit.v1 beside {about}"))
    }

    /// Sealed files outside the log; `None` for a ledger in memory.
    pub fn blobs(&self) -> Option<&Blobs> {
        self.shared.blobs.as_ref()
    }

    /// Files that prove something, which whoever may read the bodies that name them may see; `None` for a ledger in memory.
    pub fn files(&self) -> Option<&Files> {
        self.shared.files.as_ref()
    }

    /// Why the lock could not be replaced lately, if so.
    pub fn lock_fault(&self) -> Option<String> {
        self.shared.lock.as_ref()?.fault()
    }

    /// The keys in force now.
    pub fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.shared.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is published now. Everything public is below its size.
    pub fn published(&self) -> Arc<Published> {
        self.shared.publisher.current()
    }

    /// The published checkpoint that an entry signed now names as seen.
    pub fn seen(&self) -> Seen {
        // Where no server publishes in time. A command does not wait for the lock; what is newer comes with the next one.
        if self.is_due() {
            self.publish_if(|| self.is_due());
        }
        self.published().seen
    }

    /// Publishes each so many seconds, 1 to 86,400.
    pub fn publish_every(&self, seconds: i64) {
        self.shared.publisher.every(seconds);
    }

    /// Seconds until the next publication is due; zero when it is.
    pub fn due_in(&self) -> u64 {
        u64::try_from(self.shared.publisher.due_in(self.now())).unwrap_or(0)
    }

    /// Why the last publication did not happen, if so; what was public stays public.
    pub fn publication_fault(&self) -> Option<String> {
        self.shared.publisher.fault()
    }

    /// Publishes everything that was written so far, if the time has come; as [`Ledger::publish_now`].
    pub fn publish_due(&self) {
        if self.is_due() {
            self.settle();
            self.publish_if(|| self.is_due());
        }
    }

    /// Publishes everything that was written so far, after the lock has it; waits for that up to a quarter of a second.
    pub fn publish_now(&self) {
        self.settle();
        self.publish_if(|| true);
    }

    /// Adds witnesses' lines, which the caller has verified, to the published checkpoint whose text was cosigned. Entries
    /// that name the note without them are still accepted. False when another one was published meanwhile.
    pub fn cosign(&self, text: &str, lines: &[SignatureLine]) -> bool {
        self.shared.publisher.cosign(text, lines, |seen| hold(&self.shared.writer).publish(seen))
    }

    fn is_due(&self) -> bool {
        self.shared.publisher.due_in(self.now()) <= 0
    }

    fn settle(&self) {
        if let Some(lock) = &self.shared.lock {
            lock.settle();
        }
    }

    /// Publishes the newest checkpoint that the lock covers.
    fn publish_if(&self, due: impl FnOnce() -> bool) {
        let newest = || {
            let note = match &self.shared.lock {
                Some(lock) => lock.written(),
                None => self.checkpoint(),
            };
            Published::new(note, self.now())
        };
        self.shared.publisher.publish(due, newest, |seen| hold(&self.shared.writer).publish(seen));
    }

    /// Shows again what was published before the restart. What is not there, or not a checkpoint of this log, is
    /// published anew: the lock covers all that was ever public.
    fn restore_published(&self) -> Result<(), OpenError> {
        let kept = self.shared.publisher.kept();
        let known = self.log_keys();
        let ours = kept.filter(|kept| Checkpoint::verify_any(&kept.note, &known).is_ok());
        let Some(kept) = ours else {
            self.publish_now();
            return Ok(());
        };
        if self.root_at(kept.size())? != Some(kept.seen.root) {
            let path = self.shared.publisher.path().cloned().unwrap_or_default();
            return Err(OpenError::Contradicted(path));
        }
        let kept = Published { at: kept.at.min(self.now()), ..kept };
        self.shared.publisher.restore(kept, |seen| hold(&self.shared.writer).publish(seen));
        Ok(())
    }

    /// Appends one command's entries, in a group with whatever else waits. Returns after the group is on disk.
    pub fn append(&self, proposal: Proposal) -> Result<Appended, AppendError> {
        self.shared.queue.submit(proposal, |group| self.commit(group)).unwrap_or(Err(AppendError::Lost))
    }

    fn commit(&self, group: Vec<Proposal>) -> Vec<Result<Appended, AppendError>> {
        let mut writer = hold(&self.shared.writer);
        let outcome = writer.commit(group);
        if outcome.written {
            if outcome.facts.iter().any(|fact| KeyRing::holds_everywhere(fact.stream.kind)) {
                let keys = Arc::new(writer.keys.clone());
                *self.shared.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
            }
            let edge =
                Edge { tree: Arc::clone(&writer.tree), checkpoint: self.shared.store.head().checkpoint };
            *self.shared.edge.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(edge);
            // Feeds are served while the writer is held, so that every reader gets the groups in order.
            let facts: Arc<[Fact]> = outcome.facts.into();
            hold(&self.shared.feeds).retain(|feed| feed.send(Arc::clone(&facts)).is_ok());
        }
        outcome.answers
    }

    /// What an earlier command with this id was answered.
    pub fn answered(&self, id: &CommandId) -> Result<Option<Answered>, StoreError> {
        self.shared.store.command(id)
    }

    /// The end of a stream, `None` when it has no entry.
    pub fn tail(&self, stream: &StreamId) -> Result<Option<Tail>, StoreError> {
        read_tail(self.store(), stream)
    }

    /// The facts of one stream, in order.
    pub fn stream(&self, stream: &StreamId) -> Result<Vec<Fact>, OpenError> {
        read_stream(self.store(), stream)?.iter().map(|stored| Ok(Fact::decode(stored)?)).collect()
    }

    pub fn fact(&self, position: Position) -> Result<Option<Fact>, OpenError> {
        let stored = self.shared.store.read(position, 1)?;
        stored.first().map(|stored| Ok(Fact::decode(stored)?)).transpose()
    }

    pub fn stored(&self, position: Position) -> Result<Option<Stored>, StoreError> {
        Ok(self.shared.store.read(position, 1)?.into_iter().next())
    }

    /// Facts that touched an index key, oldest first.
    pub fn touched(&self, touch: &Touch) -> Result<Vec<Fact>, OpenError> {
        let positions = self.shared.store.touched(touch)?;
        let facts = positions.into_iter().map(|position| self.fact(position));
        Ok(facts.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// The position after the last entry that was committed on or before `day`.
    pub fn end_of(&self, day: Day) -> Position {
        self.shared.store.committed_while(&|at| at.day() <= day)
    }

    /// Follows the ledger: first the position from which groups will come, then each group once, in order.
    pub fn follow(&self) -> (Position, Receiver<Arc<[Fact]>>) {
        let (sender, receiver) = channel();
        let writer = hold(&self.shared.writer);
        hold(&self.shared.feeds).push(sender);
        (Position(writer.tree.size()), receiver)
    }
}

/// The tree of everything stored: full tiles from the store, the right edge from the entries themselves.
fn restore_tree(store: &dyn Store) -> Result<Tree, OpenError> {
    let size = store.head().size;
    Ok(Tree::restore(size, |level, index, width| store.tile(level, index, width))?)
}

/// The keys that must sign the next checkpoint lie here.
fn check_log_keys(
    store: &dyn Store,
    log_keys: &LogKeys,
    keys: &KeyRing,
    home: Option<&Home>,
) -> Result<(), OpenError> {
    let in_force = keys.log_keys_at(Position(store.head().size));
    let (here, missing): (Vec<_>, Vec<_>) = in_force.into_iter().partition(|key| log_keys.get(key).is_some());
    match missing.into_iter().next() {
        Some(_) if here.is_empty() => Err(OpenError::ForeignCheckpoint),
        Some(key) => {
            let folder = home.map(|home| home.keys.clone()).unwrap_or_default();
            Err(OpenError::MissingLogKey { key, folder })
        }
        None => Ok(()),
    }
}

/// The last checkpoint is ours, signed by every key that was in force, and the tree has its root.
fn check_head(store: &dyn Store, log_keys: &LogKeys, keys: &KeyRing, tree: &Tree) -> Result<(), OpenError> {
    let head = store.head();
    if head.size == 0 {
        return Ok(());
    }
    let mut signing = keys.log_keys_at(Position(head.size - 1));
    if signing.is_empty() {
        signing = log_keys.vkeys();
    }
    let (checkpoint, note) = Checkpoint::parse(&head.checkpoint).map_err(|_| OpenError::ForeignCheckpoint)?;
    let signed = note.verify(&signing).map_err(|_| OpenError::ForeignCheckpoint)?;
    if checkpoint.origin != log_keys.origin() || signed.len() < signing.len() {
        return Err(OpenError::ForeignCheckpoint);
    }
    if checkpoint.size != tree.size() || checkpoint.root != tree.root() {
        return Err(OpenError::WrongRoot);
    }
    Ok(())
}

fn restore_keys(store: &dyn Store, origin: &str) -> Result<KeyRing, OpenError> {
    let mut lines = Vec::new();
    for kind in StreamKind::ALL.into_iter().filter(|kind| KeyRing::holds_everywhere(*kind)) {
        for stream in store.streams(kind)? {
            lines.extend(read_stream(store, &stream)?);
        }
    }
    lines.sort_by_key(|stored| stored.position);
    let mut keys = KeyRing::new(origin);
    for stored in lines {
        let signed = SignedEntry::parse(&stored.entry).map_err(|_| DecodeError::Entry(stored.position))?;
        keys.apply(stored.position, signed.entry());
    }
    Ok(keys)
}
