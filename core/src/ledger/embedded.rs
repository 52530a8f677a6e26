//! The embedded store: the journal is the truth, sled its index, the lock its witness outside.
//!
//! Every start reads the whole journal and checks every record's checksum and its chain to the record before, so that
//! a flipped bit is found before anything is written. What each crash means is said at the step.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::id::{CommandId, StreamId, StreamKind};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::disk::{Disk, RealDisk};
use crate::ledger::home::Home;
use crate::ledger::index::Index;
use crate::ledger::journal::{self, Checksum, Found, Place, SEGMENT_MAGIC, Sealer};
use crate::ledger::lock::{self, LockKeeper};
use crate::ledger::merkle::{Hash, Tree, leaf_hash, range_root};
use crate::ledger::store::{Answered, CommitError, Group, Head, Store, StoreError, Stored, Touch};
use crate::ledger::vkey::VKey;
use crate::units::{Position, Revision, Timestamp};

/// A segment is closed when it has grown to this.
const SEGMENT_BYTES: u64 = 64 << 20;

/// Memory for records that were read or written lately: an entry is read again by the page that answers for it, and a stream by each
/// question about it.
const RECENT_BYTES: u64 = 32 << 20;
/// How many there may be at most; a record of one entry has some 1,500 bytes.
const RECENT_MAX: usize = 16_384;

/// How much memory a record takes.
#[derive(Clone)]
struct Weight;

impl Weighter<u64, Arc<[u8]>> for Weight {
    fn weight(&self, _: &u64, record: &Arc<[u8]>) -> u64 {
        record.len() as u64
    }
}

/// A torn record that was cut off at the journal's end: a group that nobody had been answered about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutOff {
    pub file: PathBuf,
    pub offset: u64,
    pub bytes: u64,
}

pub struct Embedded {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    sealer: Sealer,
    index: Index,
    places: RwLock<Vec<Place>>,
    /// By the position of their first entry.
    recent: Cache<u64, Arc<[u8]>, Weight>,
    end: Mutex<End>,
    head: RwLock<Head>,
    halted: AtomicBool,
    cut_off: Option<CutOff>,
    lock: Arc<LockKeeper>,
    /// Held while the store is open, so that there is one writer.
    writer: Option<File>,
}

/// Where the next record goes.
struct End {
    segment: u64,
    length: u64,
    checksum: Checksum,
}

/// What a scan of the journal found.
struct Scanned {
    places: Vec<Place>,
    end: End,
    head: Head,
    checksums: Vec<Checksum>,
    torn: Option<CutOff>,
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { action, path, source }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Embedded {
    /// Opens the store at `home` on the machine's own disk. `log` are the keys that may have signed its checkpoints.
    pub fn open(home: &Home, log: &[VKey], data_key: &[u8; 32]) -> Result<Self, StoreError> {
        std::fs::create_dir_all(&home.data).map_err(io("create", &home.data))?;
        let path = home.data.join("writer");
        let writer = File::create(&path).map_err(io("open", &path))?;
        if writer.try_lock().is_err() {
            return Err(StoreError::InUse { path });
        }
        let mut store = Self::open_on(Arc::new(RealDisk::default()), home, log, data_key)?;
        store.writer = Some(writer);
        Ok(store)
    }

    /// Opens the store on any disk; the index always lies on the machine's own.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        home: &Home,
        log: &[VKey],
        data_key: &[u8; 32],
    ) -> Result<Self, StoreError> {
        let folder = home.data.join("journal");
        disk.create_folder(&folder).map_err(io("create", &folder))?;
        let scanned = scan(disk.as_ref(), &folder)?;
        let written = check_lock(disk.as_ref(), home, log, &scanned, &folder)?;
        if let Some(torn) = &scanned.torn {
            // The lock does not cover it, so nobody was answered. A crash here leaves the torn record for the next start.
            disk.truncate(&torn.file, torn.offset).map_err(io("truncate", &torn.file))?;
            disk.sync(&torn.file).map_err(io("sync", &torn.file))?;
        }
        let sealer = Sealer::new(data_key);
        let index_path = home.data.join("index");
        let index = open_index(&index_path, &scanned)?;
        let lock =
            LockKeeper::start(Arc::clone(&disk), &home.lock, written).map_err(io("start", &home.lock))?;
        let Scanned { places, end, head, checksums, torn } = scanned;
        let store = Self {
            disk,
            folder,
            sealer,
            index,
            places: RwLock::new(places),
            recent: Cache::with_weighter(RECENT_MAX, RECENT_BYTES, Weight),
            end: Mutex::new(end),
            head: RwLock::new(head),
            halted: AtomicBool::new(false),
            cut_off: torn,
            lock: Arc::new(lock),
            writer: None,
        };
        store.catch_up(&checksums)?;
        if !store.head().checkpoint.is_empty() {
            store.lock.offer(store.head().checkpoint);
        }
        Ok(store)
    }

    /// The disk that the journal lies on.
    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.disk)
    }

    /// The lock outside the store.
    pub fn lock(&self) -> &Arc<LockKeeper> {
        &self.lock
    }

    /// What was cut off at the last start.
    pub fn cut_off(&self) -> Option<&CutOff> {
        self.cut_off.as_ref()
    }

    /// Takes into the index what of the journal it does not hold yet.
    fn catch_up(&self, checksums: &[Checksum]) -> Result<(), StoreError> {
        let from = self.index.head()?.map_or(0, |(size, _)| size);
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner).clone();
        let start = places.partition_point(|place| place.first < from);
        if start == places.len() {
            return Ok(());
        }
        let mut tree = Tree::restore(from, |level, index, width| self.tile(level, index, width))?;
        for (place, checksum) in places.iter().zip(checksums).skip(start) {
            let mut group = self.load(place)?;
            let leaves: Vec<Hash> = group.entries().map(|stored| leaf_hash(&stored.entry)).collect();
            for leaf in leaves {
                tree.push(leaf, &mut group.tiles);
            }
            self.index.apply(&group, checksum)?;
        }
        Ok(())
    }

    fn place(&self, position: Position) -> Option<Place> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let after = places.partition_point(|place| place.end <= position.0);
        places.get(after).copied()
    }

    fn bytes(&self, place: &Place) -> Result<Vec<u8>, StoreError> {
        let path = journal::segment_path(&self.folder, place.segment);
        let bytes =
            self.disk.read_at(&path, place.offset, place.length as usize).map_err(io("read", &path))?;
        match journal::look(&bytes) {
            Found::Record(..) => Ok(bytes),
            Found::End | Found::Broken(_) => {
                Err(self.damaged(place, "a record does not have its checksum any more"))
            }
        }
    }

    /// The record there, from memory where it was read or written lately. Whoever goes through the ledger, to check it or to fold it, reads
    /// the disk.
    fn record(&self, place: &Place) -> Result<Arc<[u8]>, StoreError> {
        self.recent.get_or_insert_with(&place.first, || self.bytes(place).map(Arc::from))
    }

    fn damaged(&self, place: &Place, what: &'static str) -> StoreError {
        let file = journal::segment_path(&self.folder, place.segment);
        StoreError::Damaged { file, offset: place.offset, position: place.first, what }
    }

    fn load(&self, place: &Place) -> Result<Group, StoreError> {
        let bytes = self.bytes(place)?;
        let record =
            journal::read(&bytes).ok_or_else(|| self.damaged(place, "a record is not of this format"))?;
        record.group(&self.sealer).map_err(|position| StoreError::Sealed {
            file: journal::segment_path(&self.folder, place.segment),
            position: position.0,
        })
    }

    /// Appends a record and waits for the disk; tells a write that surely left nothing from one that may have.
    fn write(&self, end: &mut End, bytes: &[u8], group: &Group) -> Result<Place, CommitError> {
        let first = group.first.0;
        let has_records = end.length > SEGMENT_MAGIC.len() as u64;
        let full = has_records && end.length + bytes.len() as u64 > SEGMENT_BYTES;
        if full || end.length == 0 {
            self.begin_segment(end, first).map_err(CommitError::NotWritten)?;
        }
        let path = journal::segment_path(&self.folder, end.segment);
        let offset = end.length;
        if let Err(source) = self.disk.append(&path, bytes) {
            let error = StoreError::Io { action: "append to", path: path.clone(), source };
            // What was written of the record is cut off again; if that fails too, nobody knows what is on disk.
            let undone = self.disk.truncate(&path, offset).and_then(|()| self.disk.sync(&path));
            return Err(if undone.is_ok() {
                CommitError::NotWritten(error)
            } else {
                CommitError::Unknown(error)
            });
        }
        // A crash before the sync loses the record or tears it: the group was not answered. After a failed sync the
        // kernel may have dropped the pages and says so only once, so the outcome stays unknown until reopened.
        self.disk.sync(&path).map_err(io("sync", &path)).map_err(CommitError::Unknown)?;
        end.length += bytes.len() as u64;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Ok(Place {
            first,
            end: group.end(),
            segment: end.segment,
            offset,
            length,
            committed_at: group.committed_at,
        })
    }

    fn begin_segment(&self, end: &mut End, first: u64) -> Result<(), StoreError> {
        let path = journal::segment_path(&self.folder, first);
        self.disk.append(&path, SEGMENT_MAGIC).map_err(io("create", &path))?;
        self.disk.sync(&path).map_err(io("sync", &path))?;
        // Without this a power cut could lose the file's name together with acknowledged records.
        self.disk.sync_folder(&self.folder).map_err(io("sync", &self.folder))?;
        end.segment = first;
        end.length = SEGMENT_MAGIC.len() as u64;
        Ok(())
    }

    fn commit_locked(&self, end: &mut End, expected: u64, group: &Group) -> Result<Checksum, CommitError> {
        if self.halted.load(Ordering::Acquire) {
            return Err(CommitError::NotWritten(StoreError::Halted));
        }
        let actual = self.head().size;
        if actual != expected || group.first.0 != expected {
            return Err(CommitError::Conflict { expected, actual });
        }
        let mut nonce = [0; 16];
        let no_nonce = |_| CommitError::NotWritten(StoreError::Form("the system gave no randomness"));
        getrandom::fill(&mut nonce).map_err(no_nonce)?;
        let written = journal::write(group, &end.checksum, &self.sealer, nonce);
        let too_large = CommitError::NotWritten(StoreError::Form("the group is too large"));
        let (bytes, checksum) = written.ok_or(too_large)?;
        let place =
            self.write(end, &bytes, group).inspect_err(|_| self.halted.store(true, Ordering::Release))?;
        end.checksum = checksum;
        self.recent.insert(place.first, bytes.into());
        self.places.write().unwrap_or_else(PoisonError::into_inner).push(place);
        Ok(checksum)
    }
}

impl Store for Embedded {
    fn head(&self) -> Head {
        self.head.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn commit(&self, expected: u64, group: Group) -> Result<(), CommitError> {
        let mut end = hold(&self.end);
        let checksum = self.commit_locked(&mut end, expected, &group)?;
        self.guard(&group).map_err(CommitError::Unknown)?;
        // The group is durable. An index that fails from here on is rebuilt at the next start; until then nothing more
        // is written, because decisions read the index.
        if self.index.apply(&group, &checksum).is_err() {
            self.halted.store(true, Ordering::Release);
        }
        let head = Head { size: group.end(), checkpoint: group.checkpoint, committed_at: group.committed_at };
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = head;
        Ok(())
    }

    fn read(&self, from: Position, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let mut found = Vec::new();
        let mut next = from;
        while found.len() < limit {
            let Some(place) = self.place(next) else { break };
            let bytes = if limit == 1 { self.record(&place)? } else { self.bytes(&place)?.into() };
            let record = journal::read(&bytes)
                .ok_or_else(|| self.damaged(&place, "a record is not of this format"))?;
            let frames = record.commands.iter().flat_map(|command| &command.entries);
            for frame in frames.filter(|frame| frame.position >= next).take(limit - found.len()) {
                let sealed = || StoreError::Sealed {
                    file: journal::segment_path(&self.folder, place.segment),
                    position: frame.position.0,
                };
                found.push(record.open(frame, &self.sealer).ok_or_else(sealed)?);
            }
            next = Position(place.end);
        }
        Ok(found)
    }

    fn group(&self, position: Position) -> Result<Option<Group>, StoreError> {
        self.place(position).map(|place| self.load(&place)).transpose()
    }

    fn committed_while(&self, within: &dyn Fn(Timestamp) -> bool) -> Position {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        let many = places.partition_point(|place| within(place.committed_at));
        Position(many.checked_sub(1).and_then(|last| places.get(last)).map_or(0, |place| place.end))
    }

    fn stream(&self, stream: &StreamId) -> Result<Vec<Position>, StoreError> {
        self.index.stream(stream)
    }

    fn stream_end(&self, stream: &StreamId) -> Result<Option<(Position, Revision)>, StoreError> {
        self.index.stream_end(stream)
    }

    fn streams(&self, kind: StreamKind) -> Result<Vec<StreamId>, StoreError> {
        self.index.streams(kind)
    }

    fn command(&self, id: &CommandId) -> Result<Option<Answered>, StoreError> {
        self.index.command(id)
    }

    fn touched(&self, key: &Touch) -> Result<Vec<Position>, StoreError> {
        self.index.touched(key)
    }

    fn last_touched(&self, key: &Touch) -> Result<Option<Position>, StoreError> {
        self.index.last_touched(key)
    }

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, StoreError> {
        if width == 256 {
            return self.index.tile(level, index);
        }
        let first = index * 256;
        if level == 0 {
            let stored = self.read(Position(first), usize::from(width))?;
            return Ok(stored.iter().map(|stored| leaf_hash(&stored.entry)).collect());
        }
        let below = first..first + u64::from(width);
        below.map(|tile| Ok(range_root(&self.index.tile(level - 1, tile)?))).collect()
    }

    fn groups(&self) -> Result<Vec<Position>, StoreError> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        Ok(places.iter().map(|place| Position(place.first)).collect())
    }

    fn check_index(&self, groups: &mut dyn Iterator<Item = Group>) -> Result<u64, StoreError> {
        self.index.check(groups)
    }
}

impl Embedded {
    /// Tells the lock of a new checkpoint; only the very first is waited for.
    fn guard(&self, group: &Group) -> Result<(), StoreError> {
        if self.lock.written().is_empty() {
            let first = self.lock.write_first(&group.checkpoint);
            if first.is_err() {
                self.halted.store(true, Ordering::Release);
            }
            return first;
        }
        self.lock.offer(group.checkpoint.clone());
        Ok(())
    }
}

/// Reads the whole journal.
fn scan(disk: &dyn Disk, folder: &Path) -> Result<Scanned, StoreError> {
    let mut scanned = Scanned {
        places: Vec::new(),
        end: End { segment: 0, length: 0, checksum: [0; 32] },
        head: Head::default(),
        checksums: Vec::new(),
        torn: None,
    };
    let names = disk.list(folder).map_err(io("list", folder))?;
    let segments: Vec<&String> =
        names.iter().filter(|name| Path::new(name).extension().is_some_and(|ext| ext == "seg")).collect();
    for (number, name) in segments.iter().enumerate() {
        scan_segment(disk, &folder.join(name), name, number + 1 == segments.len(), &mut scanned)?;
    }
    Ok(scanned)
}

fn scan_segment(
    disk: &dyn Disk,
    path: &Path,
    name: &str,
    last: bool,
    scanned: &mut Scanned,
) -> Result<(), StoreError> {
    let bytes = disk.read(path).map_err(io("read", path))?;
    let size = scanned.head.size;
    let damaged = |offset: usize, position: u64, what| StoreError::Damaged {
        file: path.to_owned(),
        offset: offset as u64,
        position,
        what,
    };
    let named = name.strip_suffix(".seg").and_then(|digits| digits.parse::<u64>().ok());
    if named != Some(size) {
        return Err(damaged(0, size, "the segment's name is not the position that follows the one before"));
    }
    if !bytes.starts_with(SEGMENT_MAGIC) {
        // A crash while the segment was begun leaves fewer bytes than its mark, and no record.
        if last && SEGMENT_MAGIC.starts_with(&bytes) {
            scanned.torn = Some(CutOff { file: path.to_owned(), offset: 0, bytes: bytes.len() as u64 });
            scanned.end.segment = size;
            scanned.end.length = 0;
            return Ok(());
        }
        return Err(damaged(0, size, "the file does not begin as a segment"));
    }
    let mut offset = SEGMENT_MAGIC.len();
    loop {
        let rest = &bytes[offset..];
        let position = scanned.head.size;
        match journal::look(rest) {
            Found::End => break,
            Found::Record(length, checksum) => {
                take_record(scanned, &rest[..length], checksum, size, offset)
                    .map_err(|what| damaged(offset, position, what))?;
                offset += length;
            }
            Found::Broken(what) if !last || journal::holds_a_record(rest) => {
                return Err(damaged(offset, position, what));
            }
            Found::Broken(_) => {
                let bytes = rest.len() as u64;
                scanned.torn = Some(CutOff { file: path.to_owned(), offset: offset as u64, bytes });
                break;
            }
        }
    }
    scanned.end.segment = size;
    scanned.end.length = offset as u64;
    Ok(())
}

fn take_record(
    scanned: &mut Scanned,
    bytes: &[u8],
    checksum: Checksum,
    segment: u64,
    offset: usize,
) -> Result<(), &'static str> {
    let record = journal::read(bytes).ok_or("a record is not of this format")?;
    if record.prev != scanned.end.checksum {
        return Err("a record does not follow the one before it");
    }
    if record.first.0 != scanned.head.size || record.end == record.first.0 {
        return Err("a record's positions do not follow the one before it");
    }
    let length = u32::try_from(bytes.len()).map_err(|_| "a record is too long")?;
    scanned.places.push(Place {
        first: record.first.0,
        end: record.end,
        segment,
        offset: offset as u64,
        length,
        committed_at: record.committed_at,
    });
    scanned.checksums.push(checksum);
    scanned.end.checksum = checksum;
    scanned.head =
        Head { size: record.end, checkpoint: record.checkpoint.to_vec(), committed_at: record.committed_at };
    Ok(())
}

/// Compares journal and lock; gives back what the lock holds.
fn check_lock(
    disk: &dyn Disk,
    home: &Home,
    log: &[VKey],
    scanned: &Scanned,
    folder: &Path,
) -> Result<Vec<u8>, StoreError> {
    let lock = home.lock.clone();
    let size = scanned.head.size;
    let Some(note) = lock::read(disk, &lock)? else {
        // The first group's lock is written before its answer, so one group without a lock was never answered.
        return if scanned.places.len() <= 1 {
            Ok(Vec::new())
        } else {
            Err(StoreError::NoLock { lock, size })
        };
    };
    let what = "it is damaged, or signed by another log";
    let Ok(checkpoint) = Checkpoint::verify_any(&note, log) else {
        return Err(StoreError::ForeignLock { lock, what });
    };
    if checkpoint.size > size {
        let torn = if scanned.torn.is_some() { ", and what follows can't be read" } else { "" };
        return Err(StoreError::Behind { lock, locked: checkpoint.size, size, torn });
    }
    let at = scanned.places.partition_point(|place| place.end < checkpoint.size);
    let place = scanned.places.get(at).filter(|place| place.end == checkpoint.size);
    let what = "the journal has no group that ends where the lock was signed";
    let place = place.ok_or_else(|| StoreError::ForeignLock { lock: lock.clone(), what })?;
    let path = journal::segment_path(folder, place.segment);
    let bytes = disk.read_at(&path, place.offset, place.length as usize).map_err(io("read", &path))?;
    let same = journal::read(&bytes).is_some_and(|record| record.checkpoint == note);
    let what = "its checkpoint is not the journal's";
    if same { Ok(note) } else { Err(StoreError::ForeignLock { lock, what }) }
}

/// Opens the index; one that is damaged, ahead of the journal or of another journal is thrown away.
fn open_index(path: &Path, scanned: &Scanned) -> Result<Index, StoreError> {
    if let Ok(index) = Index::open(path) {
        let usable = match index.head() {
            Ok(None) => scanned.head.size == 0 || index.len() == 0,
            Ok(Some((size, checksum))) => {
                let at = scanned.places.partition_point(|place| place.end < size);
                let fits = scanned.places.get(at).is_some_and(|place| place.end == size);
                fits && scanned.checksums.get(at) == Some(&checksum)
            }
            Err(_) => false,
        };
        if usable {
            return Ok(index);
        }
    }
    if path.exists() {
        std::fs::remove_dir_all(path).map_err(io("remove", path))?;
    }
    Index::open(path)
}
