//! Sealed files outside the log, in `<data>/blobs/`: testimony, messages, attachments. They can be destroyed for good; their
//! hashes, which stand in bodies, stay.
//!
//! A file is named by the BLAKE3 of its bytes, `blobs/<first two digits>/<hash>`. It arrives in `blobs/incoming/` under a
//! random name and gets its own once it is whole and on disk, so that a name never stands for half a file. Only ciphertext
//! comes here.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::id::Id;
use crate::ledger::disk::Disk;
use crate::ledger::vkey::{hex, is_hash};
use crate::seal::HEAD_BYTES;
use crate::units::Timestamp;

/// A file that is younger, in seconds, need not be renewed when it is named.
const RENEWED_SECONDS: i64 = 3600;

/// Where sealed files lie.
#[derive(Clone)]
pub struct Blobs {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) folder: PathBuf,
    /// Folders of two digits whose own names are on disk; the others are made, and waited for, once.
    made: Arc<Mutex<BTreeSet<PathBuf>>>,
    /// Held while a file is looked at to be named or to be cleared away, so that one that is named just now stays.
    judged: Arc<Mutex<()>>,
}

/// Why a sealed file can't be read. Names the file, which is a hash.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error(
        "there is no sealed file {0}; it was erased, or the blobs folder is not the one that belongs to this ledger"
    )]
    Missing(String),
    #[error("the sealed file {0} was changed on disk; put it back from a backup")]
    Damaged(String),
    #[error("couldn't use the blobs folder: {0}; free space or mend the disk, then try again")]
    Io(#[from] io::Error),
}

impl Blobs {
    /// The files of the ledger whose data folder this is. What arrived half before the last stop is cleared away.
    pub fn open(disk: Arc<dyn Disk>, data: &Path) -> Result<Self, BlobError> {
        let blobs = Self { disk, folder: data.join("blobs"), made: Arc::default(), judged: Arc::default() };
        for name in blobs.disk.list(&blobs.incoming())? {
            blobs.disk.remove(&blobs.incoming().join(name))?;
        }
        Ok(blobs)
    }

    fn incoming(&self) -> PathBuf {
        self.folder.join("incoming")
    }

    pub(super) fn path(&self, hash: &str) -> PathBuf {
        self.folder.join(hash.get(..2).unwrap_or_default()).join(hash)
    }

    /// Makes a folder of two digits. A crash here leaves an empty folder, or none.
    pub(super) fn make(&self, folder: &Path) -> Result<(), BlobError> {
        let made = || self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made().contains(folder) {
            return Ok(());
        }
        self.disk.create_folder(folder)?;
        self.disk.sync_folder(&self.folder)?;
        if let Some(data) = self.folder.parent() {
            self.disk.sync_folder(data)?;
        }
        made().insert(folder.to_owned());
        Ok(())
    }

    /// Begins a file whose bytes arrive one after another.
    pub fn begin(&self) -> Result<Incoming, BlobError> {
        let name = Id::random().map_err(|_| io::Error::other("the operating system gave no randomness"))?;
        self.disk.create_folder(&self.incoming())?;
        let path = self.incoming().join(name.to_string());
        Ok(Incoming { blobs: self.clone(), path, hasher: blake3::Hasher::new(), size: 0, kept: false })
    }

    /// Keeps a whole file; its hash once it is on disk.
    pub fn put(&self, sealed: &[u8]) -> Result<String, BlobError> {
        let mut incoming = self.begin()?;
        incoming.write_all(sealed)?;
        Ok(incoming.keep()?.hash)
    }

    /// The bytes of a file, which have the hash that it is named by.
    pub fn read(&self, hash: &str) -> Result<Vec<u8>, BlobError> {
        if !is_hash(hash) {
            return Err(BlobError::Missing(hash.to_owned()));
        }
        let bytes = match self.disk.read(&self.path(hash)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BlobError::Missing(hash.to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        if hex(blake3::hash(&bytes).as_bytes()) == hash {
            Ok(bytes)
        } else {
            Err(BlobError::Damaged(hash.to_owned()))
        }
    }

    /// The size of a file and its first bytes, at most [`HEAD_BYTES`]: enough to judge a large file without reading it.
    pub fn head(&self, hash: &str) -> Result<Head, BlobError> {
        if !is_hash(hash) {
            return Err(BlobError::Missing(hash.to_owned()));
        }
        let path = self.path(hash);
        let missing = |error: io::Error| {
            let gone = error.kind() == io::ErrorKind::NotFound;
            if gone { BlobError::Missing(hash.to_owned()) } else { error.into() }
        };
        let size = self.disk.size(&path).map_err(missing)?;
        let length = usize::try_from(size).unwrap_or(HEAD_BYTES).min(HEAD_BYTES);
        let bytes = self.disk.read_at(&path, 0, length).map_err(missing)?;
        Ok(Head { size, bytes })
    }

    /// Whether there is a file of this name.
    pub fn has(&self, hash: &str) -> Result<bool, BlobError> {
        let folder = self.path(hash);
        let names = self.disk.list(folder.parent().unwrap_or(&self.folder))?;
        Ok(is_hash(hash) && names.binary_search_by(|name| name.as_str().cmp(hash)).is_ok())
    }

    /// Bytes that may still be written.
    pub fn room(&self) -> Result<u64, BlobError> {
        Ok(self.disk.room(&self.folder)?)
    }

    /// Counts the age of a file from `now` on: a command is about to name it.
    pub fn renew(&self, hash: &str, now: Timestamp) -> Result<(), BlobError> {
        let _judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(hash);
        match self.disk.modified(&path) {
            Ok(second) if now.0.saturating_sub(second) < RENEWED_SECONDS => Ok(()),
            Ok(_) => Ok(self.disk.set_modified(&path, now.0)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BlobError::Missing(hash.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// Destroys the files that were written before `before`, and that nobody names. Gives back how many they were.
    ///
    /// A crash on the way leaves some of them; the next time takes them. What is named stays, whenever it was written; what is about
    /// to be named was renewed before, so that it is younger than `before`.
    pub fn clear(&self, before: Timestamp, is_named: impl Fn(&str) -> bool) -> Result<usize, BlobError> {
        let mut cleared = 0;
        for digits in 0..=u8::MAX {
            for hash in self.disk.list(&self.folder.join(hex(&[digits])))? {
                if is_hash(&hash) && !is_named(&hash) && self.clear_one(&hash, before)? {
                    cleared += 1;
                }
            }
        }
        Ok(cleared)
    }

    fn clear_one(&self, hash: &str, before: Timestamp) -> Result<bool, BlobError> {
        let _judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.disk.modified(&self.path(hash)).is_ok_and(|second| second < before.0);
        if old {
            self.erase(hash)?;
        }
        Ok(old)
    }

    /// Destroys a file for good; what is gone already stays gone.
    pub fn erase(&self, hash: &str) -> Result<(), BlobError> {
        if !is_hash(hash) {
            return Ok(());
        }
        let path = self.path(hash);
        match self.disk.remove(&path) {
            Ok(()) => Ok(self.disk.sync_folder(path.parent().unwrap_or(&self.folder))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A sealed file that arrives. Dropped before [`Incoming::keep`], it leaves nothing.
pub struct Incoming {
    blobs: Blobs,
    path: PathBuf,
    hasher: blake3::Hasher,
    size: u64,
    kept: bool,
}

/// The size of a sealed file, and its first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub size: u64,
    pub bytes: Vec<u8>,
}

/// A sealed file that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// BLAKE3 of its bytes, 64 hexadecimal digits.
    pub hash: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Incoming {
    /// Waits until the file is on disk under its name.
    pub fn keep(mut self) -> Result<Kept, BlobError> {
        let disk = &self.blobs.disk;
        let hash = hex(self.hasher.finalize().as_bytes());
        let path = self.blobs.path(&hash);
        let folder = path.parent().unwrap_or(&self.blobs.folder);
        disk.sync(&self.path)?;
        self.blobs.make(folder)?;
        disk.rename(&self.path, &path)?;
        self.kept = true;
        disk.sync_folder(folder)?;
        Ok(Kept { hash, size: self.size })
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.blobs.disk.append(&self.path, bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.kept {
            // What stays after all is cleared away at the next start.
            let _ = self.blobs.disk.remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::disk::{Fault, FaultyDisk};

    fn blobs(disk: &FaultyDisk) -> Blobs {
        Blobs::open(Arc::new(disk.clone()), Path::new("/data")).expect("opened")
    }

    #[test]
    fn what_was_kept_is_read_again_and_once_erased_it_is_gone() {
        let disk = FaultyDisk::default();
        let hash = blobs(&disk).put(b"sealed").expect("kept");
        assert_eq!(hash, hex(blake3::hash(b"sealed").as_bytes()));
        assert_eq!(blobs(&disk).read(&hash).expect("read"), b"sealed");
        assert_eq!(blobs(&disk).put(b"sealed").expect("the same once more"), hash);
        blobs(&disk).erase(&hash).expect("erased");
        blobs(&disk).erase(&hash).expect("erased before");
        assert!(matches!(blobs(&disk).read(&hash), Err(BlobError::Missing(_))));
        assert!(matches!(blobs(&disk).head(&hash), Err(BlobError::Missing(_))));
        let long = blobs(&disk).put(&vec![7; HEAD_BYTES + 1]).expect("kept");
        let head = blobs(&disk).head(&long).expect("read");
        assert_eq!((head.size, head.bytes.len()), (HEAD_BYTES as u64 + 1, HEAD_BYTES));
        for name in ["", "..", "../../etc/passwd", "AB"] {
            assert!(matches!(blobs(&disk).read(name), Err(BlobError::Missing(_))));
        }
    }

    #[test]
    fn a_changed_file_is_named_and_never_given() {
        let disk = FaultyDisk::default();
        let hash = blobs(&disk).put(b"sealed").expect("kept");
        let path = Path::new("/data/blobs").join(&hash[..2]).join(&hash);
        disk.append(&path, b"!").expect("changed");
        assert!(matches!(blobs(&disk).read(&hash), Err(BlobError::Damaged(named)) if named == hash));
    }

    #[test]
    fn a_power_cut_at_any_step_leaves_the_whole_file_or_none_and_nothing_half_after_the_next_start() {
        let hash = hex(blake3::hash(b"sealed").as_bytes());
        for step in 1.. {
            let disk = FaultyDisk::default();
            disk.fail_at(step, Fault::Cut);
            let answered = Blobs::open(Arc::new(disk.clone()), Path::new("/data"))
                .and_then(|blobs| blobs.put(b"sealed"));
            let disk = disk.after_power_cut(3);
            let after = blobs(&disk);
            match after.read(&hash) {
                Ok(bytes) => assert_eq!(bytes, b"sealed", "step {step}"),
                Err(error) => assert!(matches!(error, BlobError::Missing(_)), "step {step}: {error}"),
            }
            assert!(disk.list(Path::new("/data/blobs/incoming")).expect("listed").is_empty(), "step {step}");
            if answered.is_ok() {
                assert!(after.read(&hash).is_ok(), "answered before it was on disk");
                return;
            }
        }
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let disk = FaultyDisk::default();
        let mut incoming = blobs(&disk).begin().expect("begun");
        incoming.write_all(b"half").expect("written");
        drop(incoming);
        assert!(disk.list(Path::new("/data/blobs/incoming")).expect("listed").is_empty());
    }

    #[test]
    fn what_is_old_and_named_by_nobody_is_cleared_away_and_what_a_command_is_about_to_name_is_not() {
        let disk = FaultyDisk::default();
        let day = |nth: i64| Timestamp::default().plus_seconds(nth * 86_400);
        let kept = blobs(&disk);
        let [named, renewed, junk, young] =
            ["named", "renewed", "junk", "young"].map(|text| kept.put(text.as_bytes()).expect("kept"));
        kept.renew(&renewed, day(9)).expect("renewed");
        kept.renew(&young, day(5)).expect("written later");
        assert!(matches!(kept.renew(&"0".repeat(64), day(9)), Err(BlobError::Missing(_))));
        let clear = |before| kept.clear(before, |hash| hash == named).expect("cleared");
        assert_eq!(clear(day(3)), 1);
        assert!(matches!(kept.read(&junk), Err(BlobError::Missing(_))));
        assert_eq!(clear(day(3)), 0);
        assert_eq!(clear(day(6)), 1, "and the next in its time");
        assert!(kept.read(&named).is_ok() && kept.read(&renewed).is_ok());
        assert!(matches!(kept.read(&young), Err(BlobError::Missing(_))));
    }

    #[test]
    fn a_power_cut_while_files_are_cleared_away_leaves_the_named_ones_and_the_next_time_takes_the_rest() {
        for step in 1.. {
            let disk = FaultyDisk::default();
            let before = blobs(&disk);
            let named = before.put(b"named").expect("kept");
            for nth in 0..3_u8 {
                before.put(&[nth; 9]).expect("kept");
            }
            disk.fail_at(disk.steps() + step, Fault::Cut);
            let day = Timestamp::default().plus_seconds(86_400);
            let done = before.clear(day, |hash| hash == named);
            let disk = disk.after_power_cut(0);
            let after = blobs(&disk);
            assert_eq!(after.read(&named).expect("named"), b"named", "step {step}");
            after.clear(day, |hash| hash == named).expect("cleared");
            let left = disk.paths().len();
            assert_eq!(left, 1, "step {step}");
            if done.is_ok() {
                return;
            }
        }
    }
}
