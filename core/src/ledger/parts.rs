//! Sealed files that arrive in pieces, in `<data>/blobs/parts/`: what broken connections have brought so far.
//!
//! A part is named `<id>.<length>`: random bits, which its sender alone knows, and the bytes that the whole file will have. How far it
//! has come is its size on disk, so a restart forgets nothing. Nothing is kept before its age header was read, so that only
//! ciphertext comes here, and a part that was never begun costs nothing. Parts are bounded in number and in bytes together: when
//! that is too little, the one that has been quiet longest makes way.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::id::Id;
use crate::ledger::blobs::{BlobError, Blobs, Kept};
use crate::ledger::vkey::hex;
use crate::seal::{self, HEAD_BYTES, Header, Kind, RECIPIENTS_MAX};
use crate::units::{ParseUnitError, Timestamp};

/// Bytes that are read at once when a whole file is hashed.
const HASHED_BYTES: usize = 1024 * 1024;

/// The name of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartId {
    id: Id,
    length: u64,
}

impl PartId {
    /// A fresh name for a file of so many bytes. Nothing is written.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random(length: u64) -> Result<Self, getrandom::Error> {
        Ok(Self { id: Id::random()?, length })
    }

    /// Bytes of the whole file.
    pub fn length(self) -> u64 {
        self.length
    }
}

impl fmt::Display for PartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.length)
    }
}

impl FromStr for PartId {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseUnitError::new("upload id", text);
        let (id, length) = text.split_once('.').ok_or_else(error)?;
        let length: u64 = length.parse().map_err(|_| error())?;
        let part = Self { id: id.parse()?, length };
        // One spelling each: no sign, no leading zero.
        if part.to_string() == text { Ok(part) } else { Err(error()) }
    }
}

/// How much may be under way at once.
#[derive(Clone, Copy, Debug)]
pub struct Ceilings {
    /// Parts.
    pub many: usize,
    /// Bytes of all parts on disk.
    pub bytes: u64,
    /// A part that nobody has sent to for longer, in seconds, makes way for others when it has to.
    pub quiet_seconds: i64,
    /// A part that nobody has sent to for longer, in seconds, is cleared away.
    pub lives_seconds: i64,
}

/// How far a part has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are on disk.
    pub offset: u64,
    /// The whole file, once all of it was there and had been checked.
    pub kept: Option<Kept>,
}

/// Why a piece is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// Never begun, given up, cleared away, or finished before a restart: begin anew.
    #[error("there is no such upload")]
    Missing,
    /// Go on from `at`.
    #[error("the upload stands at {at}")]
    Offset { at: u64 },
    /// More bytes than the whole file was said to have.
    #[error("the upload is longer than was said")]
    TooLong,
    #[error("this is not an age file that can be kept")]
    NotSealed,
    /// What arrived is not what was sent; it was thrown away.
    #[error("the upload has another hash than was said")]
    WrongHash,
    /// So much is under way that there is no room; try again in a while.
    #[error("too many uploads are under way")]
    Full,
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl From<io::Error> for PartError {
    fn from(error: io::Error) -> Self {
        Self::Blob(error.into())
    }
}

/// Everything that is under way.
#[derive(Clone)]
pub struct Parts(Arc<Shared>);

struct Shared {
    blobs: Blobs,
    ceilings: Ceilings,
    open: Mutex<BTreeMap<PartId, Arc<Mutex<Part>>>>,
    /// Bytes of all parts on disk.
    bytes: AtomicU64,
}

struct Part {
    /// Bytes in the file; the file is there if there are any.
    size: u64,
    /// Of these, how many are surely on disk.
    synced: u64,
    /// Counts the requests that took it up: an older one, whose connection may have broken unnoticed, writes no more.
    turn: u64,
    touched: Timestamp,
    state: State,
}

#[derive(Clone, PartialEq, Eq)]
enum State {
    Open,
    Kept(Kept),
    /// Cleared away while somebody still held it.
    Gone,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Parts {
    /// Takes up what the last stop left. What can't be a part is cleared away.
    pub fn open(blobs: Blobs, ceilings: Ceilings) -> Result<Self, BlobError> {
        let folder = blobs.folder.join("parts");
        let mut open = BTreeMap::new();
        let mut bytes = 0;
        for name in blobs.disk.list(&folder)? {
            let path = folder.join(&name);
            let size = blobs.disk.size(&path)?;
            let Some(id) = name.parse().ok().filter(|id: &PartId| (1..=id.length).contains(&size)) else {
                blobs.disk.remove(&path)?;
                continue;
            };
            let touched = Timestamp(blobs.disk.modified(&path)?);
            let part = Part { size, synced: 0, turn: 0, touched, state: State::Open };
            open.insert(id, Arc::new(Mutex::new(part)));
            bytes += size;
        }
        let (open, bytes) = (Mutex::new(open), AtomicU64::new(bytes));
        Ok(Self(Arc::new(Shared { blobs, ceilings, open, bytes })))
    }

    fn path(&self, id: PartId) -> PathBuf {
        self.0.blobs.folder.join("parts").join(id.to_string())
    }

    fn find(&self, id: PartId) -> Option<Arc<Mutex<Part>>> {
        hold(&self.0.open).get(&id).cloned()
    }

    /// Whether a new upload would have room now, without another having to make way.
    pub fn has_room(&self) -> bool {
        hold(&self.0.open).len() < self.0.ceilings.many
            && self.0.bytes.load(Ordering::Relaxed) < self.0.ceilings.bytes
    }

    /// How far it has come. What is told is on disk, and no older request adds to it any more.
    pub fn told(&self, id: PartId, now: Timestamp) -> Result<Progress, PartError> {
        let part = self.find(id).ok_or(PartError::Missing)?;
        let mut part = hold(&part);
        if part.size == 0 {
            // Nothing was kept of it yet: it may begin anew.
            return Err(PartError::Missing);
        }
        part.turn += 1;
        part.touched = now;
        self.sync(id, &mut part)?;
        part.progress()
    }

    /// Takes a part up at `offset`; at 0 it begins. Requests that took it up before write no more.
    pub fn append(&self, id: PartId, offset: u64, now: Timestamp) -> Result<Appending, PartError> {
        let part = match self.find(id) {
            Some(part) => part,
            None if offset == 0 => self.begin(id, now)?,
            None => return Err(PartError::Missing),
        };
        let turn = {
            let mut part = hold(&part);
            let at = part.progress()?.offset;
            if at != offset {
                return Err(PartError::Offset { at });
            }
            part.turn += 1;
            part.touched = now;
            part.turn
        };
        Ok(Appending { parts: self.clone(), id, part, turn, head: Vec::new() })
    }

    fn begin(&self, id: PartId, now: Timestamp) -> Result<Arc<Mutex<Part>>, PartError> {
        let mut open = hold(&self.0.open);
        while open.len() >= self.0.ceilings.many {
            self.make_way(&mut open, now)?;
        }
        let part = Part { size: 0, synced: 0, turn: 0, touched: now, state: State::Open };
        Ok(Arc::clone(open.entry(id).or_insert_with(|| Arc::new(Mutex::new(part)))))
    }

    /// Room for so many bytes more.
    fn reserve(&self, bytes: u64, now: Timestamp) -> Result<(), PartError> {
        let most = self.0.ceilings.bytes;
        while self.0.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > most {
            self.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.make_way(&mut hold(&self.0.open), now)?;
        }
        Ok(())
    }

    /// Gives up the part that has been quiet longest, one that is whole before all others. One that is being written to stays.
    fn make_way(
        &self,
        open: &mut BTreeMap<PartId, Arc<Mutex<Part>>>,
        now: Timestamp,
    ) -> Result<(), PartError> {
        let before = now.plus_seconds(-self.0.ceilings.quiet_seconds);
        let quiet = open.iter().filter_map(|(id, part)| {
            let part = part.try_lock().ok()?;
            let whole = part.state != State::Open;
            (whole || part.touched < before).then_some((!whole, part.touched, *id))
        });
        let (.., id) = quiet.min().ok_or(PartError::Full)?;
        if self.remove(open, id)? { Ok(()) } else { Err(PartError::Full) }
    }

    /// Gives up a part unless somebody holds it. Whoever has the map never waits for a part: those who have a part wait for the map.
    fn remove(&self, open: &mut BTreeMap<PartId, Arc<Mutex<Part>>>, id: PartId) -> Result<bool, BlobError> {
        let Some(part) = open.get(&id).cloned() else { return Ok(false) };
        let Ok(mut part) = part.try_lock() else { return Ok(false) };
        open.remove(&id);
        self.give_up(id, &mut part)?;
        Ok(true)
    }

    /// A crash here leaves a file that the next start takes up, and a later round clears away.
    fn give_up(&self, id: PartId, part: &mut Part) -> Result<(), BlobError> {
        let was = std::mem::replace(&mut part.state, State::Gone);
        if was == State::Open && part.size > 0 {
            self.0.bytes.fetch_sub(part.size, Ordering::Relaxed);
            self.0.blobs.disk.remove(&self.path(id))?;
        }
        Ok(())
    }

    /// Waits until everything that arrived is on disk, under its name.
    fn sync(&self, id: PartId, part: &mut Part) -> Result<(), BlobError> {
        if part.state != State::Open || part.synced == part.size {
            return Ok(());
        }
        let (disk, path) = (&self.0.blobs.disk, self.path(id));
        disk.sync(&path)?;
        if part.synced == 0 {
            let folder = self.0.blobs.folder.join("parts");
            self.0.blobs.make(&folder)?;
            disk.sync_folder(&folder)?;
        }
        part.synced = part.size;
        Ok(())
    }

    /// Throws a part away, if there is one.
    pub fn cancel(&self, id: PartId) -> Result<(), BlobError> {
        let part = hold(&self.0.open).remove(&id);
        part.map_or(Ok(()), |part| self.give_up(id, &mut hold(&part)))
    }

    /// Clears away what nobody has sent to for long. Gives back how many parts they were.
    pub fn clear(&self, now: Timestamp) -> Result<usize, BlobError> {
        let before = now.plus_seconds(-self.0.ceilings.lives_seconds);
        let old = |part: &Arc<Mutex<Part>>| part.try_lock().is_ok_and(|part| part.touched < before);
        let mut open = hold(&self.0.open);
        let ids: Vec<PartId> = open.iter().filter(|(_, part)| old(part)).map(|(id, _)| *id).collect();
        let mut cleared = 0;
        for id in ids {
            cleared += usize::from(self.remove(&mut open, id)?);
        }
        Ok(cleared)
    }
}

impl Part {
    fn progress(&self) -> Result<Progress, PartError> {
        match &self.state {
            State::Open => Ok(Progress { offset: self.size, kept: None }),
            State::Kept(kept) => Ok(Progress { offset: kept.size, kept: Some(kept.clone()) }),
            State::Gone => Err(PartError::Missing),
        }
    }
}

/// A piece that arrives. What arrived of it stays, however it ends.
pub struct Appending {
    parts: Parts,
    id: PartId,
    part: Arc<Mutex<Part>>,
    turn: u64,
    /// The first bytes of the file, until its header was read.
    head: Vec<u8>,
}

impl Appending {
    /// Adds bytes to the part.
    pub fn write(&mut self, bytes: &[u8], now: Timestamp) -> Result<(), PartError> {
        let part = Arc::clone(&self.part);
        let mut part = hold(&part);
        let at = part.progress()?.offset;
        if part.turn != self.turn || part.state != State::Open {
            return Err(PartError::Offset { at });
        }
        if at + (self.head.len() + bytes.len()) as u64 > self.id.length {
            return Err(PartError::TooLong);
        }
        part.touched = now;
        if at > 0 {
            return self.add(&mut part, bytes, now);
        }
        self.head.extend_from_slice(bytes);
        let judged = &self.head[..self.head.len().min(HEAD_BYTES)];
        match Header::read(judged) {
            Some(header) => {
                if !can_be_kept(judged, self.id.length, header) {
                    return Err(PartError::NotSealed);
                }
                let head = std::mem::take(&mut self.head);
                self.add(&mut part, &head, now)
            }
            None if self.head.len() >= HEAD_BYTES => Err(PartError::NotSealed),
            None => Ok(()),
        }
    }

    fn add(&self, part: &mut Part, bytes: &[u8], now: Timestamp) -> Result<(), PartError> {
        let more = bytes.len() as u64;
        self.parts.reserve(more, now)?;
        let (disk, path) = (&self.parts.0.blobs.disk, self.parts.path(self.id));
        let added =
            disk.create_folder(path.parent().unwrap_or(&path)).and_then(|()| disk.append(&path, bytes));
        if let Err(error) = added {
            self.parts.0.bytes.fetch_sub(more, Ordering::Relaxed);
            // Half of it may stand there. Where it can't be taken back, the part is given up: nothing is added behind bytes that nobody knows.
            let undone = if part.size > 0 { disk.truncate(&path, part.size) } else { disk.remove(&path) };
            if undone.is_err() {
                self.parts.give_up(self.id, part)?;
            }
            return Err(error.into());
        }
        part.size += more;
        Ok(())
    }

    /// Waits until everything that arrived is on disk; how far it has come.
    pub fn finish(self) -> Result<u64, PartError> {
        // A whole piece that ends before the header does is none.
        if !self.head.is_empty() {
            return Err(PartError::NotSealed);
        }
        let mut part = hold(&self.part);
        self.parts.sync(self.id, &mut part)?;
        Ok(part.progress()?.offset)
    }

    /// Keeps the file if it is whole, and has the hash that its sender may have said.
    pub fn keep(self, said: Option<&str>) -> Result<Kept, PartError> {
        let mut part = hold(&self.part);
        let at = part.progress()?.offset;
        if let State::Kept(kept) = &part.state {
            return Ok(kept.clone());
        }
        if at != self.id.length || part.turn != self.turn {
            return Err(PartError::Offset { at });
        }
        self.parts.sync(self.id, &mut part)?;
        let kept = match self.checked(said) {
            Ok(kept) => kept,
            Err(error) => {
                if matches!(error, PartError::WrongHash | PartError::NotSealed) {
                    self.parts.give_up(self.id, &mut part)?;
                    hold(&self.parts.0.open).remove(&self.id);
                }
                return Err(error);
            }
        };
        let blobs = &self.parts.0.blobs;
        let path = blobs.path(&kept.hash);
        let folder = path.parent().unwrap_or(&blobs.folder);
        blobs.make(folder)?;
        blobs.disk.rename(&self.parts.path(self.id), &path)?;
        // From here on it is the sealed file: a crash leaves it there, and whoever sends it again finds it.
        self.parts.0.bytes.fetch_sub(part.size, Ordering::Relaxed);
        part.state = State::Kept(kept.clone());
        blobs.disk.sync_folder(folder)?;
        Ok(kept)
    }

    /// What is on disk, read once more from its beginning to its end.
    fn checked(&self, said: Option<&str>) -> Result<Kept, PartError> {
        let (disk, path, length) = (&self.parts.0.blobs.disk, self.parts.path(self.id), self.id.length);
        let mut hasher = blake3::Hasher::new();
        let mut at = 0;
        while at < length {
            let many = usize::try_from(length - at).unwrap_or(HASHED_BYTES).min(HASHED_BYTES);
            let bytes = disk.read_at(&path, at, many)?;
            if at == 0 {
                let head = &bytes[..bytes.len().min(HEAD_BYTES)];
                let header = Header::read(head).ok_or(PartError::NotSealed)?;
                if !can_be_kept(head, length, header) {
                    return Err(PartError::NotSealed);
                }
            }
            hasher.update(&bytes);
            at += many as u64;
        }
        let hash = hex(hasher.finalize().as_bytes());
        if said.is_some_and(|said| said != hash) {
            return Err(PartError::WrongHash);
        }
        Ok(Kept { hash, size: length })
    }
}

impl Drop for Appending {
    fn drop(&mut self) {
        // Nothing was kept of it: it takes no place.
        let mut open = hold(&self.parts.0.open);
        let unused = |part: &Part| part.size == 0 && part.state == State::Open && part.turn == self.turn;
        if self.part.try_lock().is_ok_and(|part| unused(&part)) {
            open.remove(&self.id);
        }
    }
}

/// Whether a file of this size with this head may be kept: for recipients, and padded as texts or files are.
pub fn can_be_kept(head: &[u8], size: u64, header: Header) -> bool {
    let many = header.recipients;
    let is = |kind| seal::is_sealed_file(head, size, many, kind);
    (1..=RECIPIENTS_MAX).contains(&many) && (is(Kind::Text) || is(Kind::File))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::disk::{Disk, Fault, FaultyDisk};
    use crate::seal::Identity;
    use proptest::prelude::*;
    use std::path::Path;

    const CEILINGS: Ceilings =
        Ceilings { many: 3, bytes: 400_000, quiet_seconds: 300, lives_seconds: 43_200 };

    fn parts(disk: &FaultyDisk) -> Parts {
        let blobs = Blobs::open(Arc::new(disk.clone()), Path::new("/data")).expect("opened");
        Parts::open(blobs, CEILINGS).expect("opened")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::default().plus_seconds(second)
    }

    fn sealed() -> Vec<u8> {
        let reader = Identity::from_bytes(&[7; 32]).recipient();
        seal::seal(&vec![1; 70_000], [reader.as_str()], Kind::File).expect("sealed")
    }

    fn fresh(length: usize) -> PartId {
        PartId::random(length as u64).expect("randomness")
    }

    fn sent(parts: &Parts, id: PartId, offset: usize, bytes: &[u8], now: i64) -> Result<u64, PartError> {
        let mut piece = parts.append(id, offset as u64, at(now))?;
        piece.write(bytes, at(now))?;
        piece.finish()
    }

    fn on_disk(disk: &FaultyDisk) -> usize {
        disk.list(Path::new("/data/blobs/parts")).expect("listed").len()
    }

    #[test]
    fn given_pieces_when_they_come_in_order_then_the_whole_is_kept_under_its_hash() {
        let (disk, file) = (FaultyDisk::default(), sealed());
        let (parts, id) = (parts(&disk), fresh(file.len()));
        assert!(matches!(parts.told(id, at(0)), Err(PartError::Missing)), "nothing was begun");
        assert_eq!(sent(&parts, id, 0, &file[..30_000], 1).expect("taken"), 30_000);
        let again = sent(&parts, id, 0, &file[..30_000], 2);
        assert!(matches!(again, Err(PartError::Offset { at: 30_000 })), "a piece that comes twice");
        let gap = sent(&parts, id, 40_000, &file[40_000..], 2);
        assert!(matches!(gap, Err(PartError::Offset { at: 30_000 })));
        assert_eq!(parts.told(id, at(3)).expect("told").offset, 30_000);
        let mut last = parts.append(id, 30_000, at(4)).expect("taken up");
        last.write(&file[30_000..], at(4)).expect("written");
        let hash = hex(blake3::hash(&file).as_bytes());
        let kept = last.keep(Some(&hash)).expect("kept");
        assert_eq!(kept, Kept { hash: hash.clone(), size: file.len() as u64 });
        assert_eq!(parts.0.blobs.read(&hash).expect("read"), file);
        assert_eq!(parts.told(id, at(5)).expect("told").kept, Some(kept.clone()), "the answer was lost");
        let end = parts.append(id, file.len() as u64, at(6)).expect("taken up");
        assert_eq!(end.keep(None).expect("the same once more"), kept);
        assert_eq!((on_disk(&disk), parts.0.bytes.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn given_an_older_request_when_a_newer_one_took_it_up_or_asked_then_the_older_writes_no_more() {
        let (disk, file) = (FaultyDisk::default(), sealed());
        let (parts, id) = (parts(&disk), fresh(file.len()));
        let mut old = parts.append(id, 0, at(0)).expect("begun");
        old.write(&file[..10_000], at(0)).expect("written");
        assert_eq!(parts.told(id, at(1)).expect("told").offset, 10_000);
        assert!(matches!(old.write(&file[10_000..20_000], at(2)), Err(PartError::Offset { at: 10_000 })));
        drop(old);
        assert_eq!(sent(&parts, id, 10_000, &file[10_000..15_000], 3).expect("taken"), 15_000);
    }

    #[test]
    fn given_what_is_not_sealed_when_it_comes_then_nothing_of_it_is_kept() {
        let (disk, file) = (FaultyDisk::default(), sealed());
        let parts = parts(&disk);
        let text = vec![b'a'; 100_000];
        let refused = |length: usize, bytes: &[u8]| {
            let error = sent(&parts, fresh(length), 0, bytes, 0).expect_err("refused");
            assert!(matches!(error, PartError::NotSealed), "{error}");
        };
        refused(text.len(), &text);
        refused(file.len(), &file[..50]);
        // An age file whose length is none that padding gives.
        refused(file.len() - 1, &file[..10_000]);
        let longer = sent(&parts, fresh(30_000), 0, &file, 0);
        assert!(matches!(longer, Err(PartError::TooLong)));
        assert!(on_disk(&disk) == 0 && hold(&parts.0.open).is_empty());
    }

    #[test]
    fn given_another_hash_than_was_said_when_it_is_whole_then_it_is_thrown_away() {
        let (disk, mut file) = (FaultyDisk::default(), sealed());
        let (parts, id) = (parts(&disk), fresh(file.len()));
        let said = hex(blake3::hash(&file).as_bytes());
        *file.last_mut().expect("a byte") ^= 1;
        let mut all = parts.append(id, 0, at(0)).expect("begun");
        all.write(&file, at(0)).expect("written");
        assert!(matches!(all.keep(Some(&said)), Err(PartError::WrongHash)));
        assert!(matches!(parts.told(id, at(1)), Err(PartError::Missing)));
        assert_eq!((on_disk(&disk), parts.0.bytes.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn given_more_than_the_ceilings_when_another_begins_then_the_quietest_makes_way_and_nobody_who_sends() {
        let (disk, file) = (FaultyDisk::default(), sealed());
        let parts = parts(&disk);
        let ids: Vec<PartId> = (0..4).map(|_| fresh(file.len())).collect();
        for (second, id) in (0..).zip(&ids[..3]) {
            sent(&parts, *id, 0, &file[..60_000], second).expect("taken");
        }
        assert!(!parts.has_room());
        assert!(matches!(sent(&parts, ids[3], 0, &file, 100), Err(PartError::Full)), "all are young");
        sent(&parts, ids[0], 60_000, &file[60_000..60_001], 400).expect("goes on");
        sent(&parts, ids[3], 0, &file[..60_000], 401).expect("taken");
        assert!(matches!(parts.told(ids[1], at(402)), Err(PartError::Missing)), "it was quiet longest");
        assert_eq!(parts.told(ids[0], at(402)).expect("told").offset, 60_001);
        // Nothing is quiet for long, and the bytes are used up.
        let most = CEILINGS.bytes - parts.0.bytes.load(Ordering::Relaxed);
        assert!(parts.reserve(most, at(200)).is_ok() && parts.reserve(1, at(200)).is_err());
    }

    #[test]
    fn given_hours_without_a_byte_then_a_part_is_cleared_away_and_a_younger_one_stays() {
        let (disk, file) = (FaultyDisk::default(), sealed());
        let parts = parts(&disk);
        let [old, young] = [fresh(file.len()), fresh(file.len())];
        sent(&parts, old, 0, &file[..9000], 0).expect("taken");
        sent(&parts, young, 0, &file[..9000], 100).expect("taken");
        assert_eq!(parts.clear(at(43_200)).expect("cleared"), 0);
        assert_eq!(parts.clear(at(43_201)).expect("cleared"), 1);
        assert_eq!(parts.told(young, at(43_202)).expect("told").offset, 9000);
        parts.cancel(young).expect("given up");
        parts.cancel(young).expect("given up before");
        assert_eq!((on_disk(&disk), parts.0.bytes.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn given_a_power_cut_at_any_step_then_what_was_answered_is_there_and_the_upload_goes_on_to_its_end() {
        let file = sealed();
        let hash = hex(blake3::hash(&file).as_bytes());
        for step in 1.. {
            let (disk, id) = (FaultyDisk::default(), fresh(file.len()));
            let before = parts(&disk);
            disk.fail_at(step, Fault::Cut);
            let mut answered = 0;
            for from in (0..file.len()).step_by(30_000) {
                let to = file.len().min(from + 30_000);
                let Ok(offset) = sent(&before, id, from, &file[from..to], 0) else { break };
                answered = offset;
            }
            let done = before.append(id, answered, at(1)).and_then(|end| end.keep(Some(&hash)));
            let disk = disk.after_power_cut(5);
            let after = parts(&disk);
            let read = || after.0.blobs.read(&hash);
            if done.is_ok() {
                assert_eq!(read().expect("answered before it was on disk"), file);
                return;
            }
            let told = after.told(id, at(2)).map(|told| told.offset);
            let kept = read().is_ok();
            let from = told.unwrap_or_default();
            assert!(kept || from >= answered, "step {step}: {from} of {answered}");
            if !kept {
                let mut rest = after.append(id, from, at(3)).expect("taken up");
                rest.write(&file[usize::try_from(from).expect("small")..], at(3)).expect("written");
                rest.keep(Some(&hash)).expect("kept");
            }
            assert_eq!(read().expect("read"), file, "step {step}");
        }
    }

    #[test]
    fn given_a_disk_that_is_full_then_the_piece_is_refused_and_the_next_one_goes_on() {
        let (disk, file) = (FaultyDisk::default(), sealed());
        let (parts, id) = (parts(&disk), fresh(file.len()));
        sent(&parts, id, 0, &file[..9000], 0).expect("taken");
        disk.fail_at(disk.steps() + 1, Fault::Error(io::ErrorKind::StorageFull));
        assert!(matches!(sent(&parts, id, 9000, &file[9000..20_000], 1), Err(PartError::Blob(_))));
        assert_eq!(parts.told(id, at(2)).expect("told").offset, 9000);
        assert_eq!(sent(&parts, id, 9000, &file[9000..20_000], 3).expect("taken"), 20_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// However it is cut, sent again, restarted and asked for, the whole file comes out or nothing.
        #[test]
        fn any_pieces_in_order_give_the_file(cuts in prop::collection::vec((1_usize..40_000, 0_u8..4), 1..20)) {
            let (disk, file) = (FaultyDisk::default(), sealed());
            let (mut running, id) = (parts(&disk), fresh(file.len()));
            let mut from = 0;
            for (size, then) in cuts.into_iter().chain([(file.len(), 3)]) {
                let to = file.len().min(from + size);
                match sent(&running, id, from, &file[from..to], 0) {
                    Ok(offset) => from = usize::try_from(offset).expect("small"),
                    Err(error) => prop_assert!(from == 0 && matches!(error, PartError::NotSealed)),
                }
                match then {
                    0 => running = parts(&disk),
                    1 => prop_assert!(sent(&running, id, from + 1, b"x", 0).is_err()),
                    2 if from > 0 => prop_assert_eq!(running.told(id, at(0)).expect("told").offset, from as u64),
                    _ => {}
                }
            }
            if from == 0 {
                sent(&running, id, 0, &file, 0).expect("all");
            }
            let kept = running.append(id, file.len() as u64, at(0)).expect("taken up").keep(None).expect("kept");
            prop_assert_eq!(running.0.blobs.read(&kept.hash).expect("read"), file);
        }

        #[test]
        fn a_name_has_one_spelling(text in "[0-9a-z.+]{20,40}") {
            if let Ok(id) = text.parse::<PartId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
