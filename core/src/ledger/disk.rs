//! The few things a journal and a lock ask of a disk, so that power cuts and full disks can be played.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// A disk with files and folders.
pub trait Disk: Send + Sync {
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Names in a folder, sorted; empty when there is no such folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    fn read_at(&self, path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>>;
    fn size(&self, path: &Path) -> io::Result<u64>;
    /// Adds to the end of a file, which is made if it does not exist.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    fn truncate(&self, path: &Path, length: u64) -> io::Result<()>;
    /// Waits until the file's content is on disk.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Waits until the folder's names are on disk.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Bytes that may still be written where a folder is, or where it will be.
    fn room(&self, folder: &Path) -> io::Result<u64>;
    /// Second since 1970 at which the file was written last.
    fn modified(&self, path: &Path) -> io::Result<i64>;
    /// Says that a file was written at another second.
    fn set_modified(&self, path: &Path, second: i64) -> io::Result<()>;
}

/// Replaces a file as a whole: a crash leaves the old one or the new one.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let folder = path.parent().unwrap_or(Path::new("."));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if disk.read(&fresh).is_ok() {
        disk.remove(&fresh)?;
    }
    disk.append(&fresh, bytes)?;
    disk.sync(&fresh)?;
    disk.rename(&fresh, path)?;
    disk.sync_folder(folder)
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The machine's file system. Open files are kept, so that an append costs one system call.
#[derive(Default)]
pub struct RealDisk {
    open: Mutex<BTreeMap<PathBuf, Arc<File>>>,
}

/// Files kept open.
const OPEN_MAX: usize = 64;

impl RealDisk {
    fn file(&self, path: &Path, make: bool) -> io::Result<Arc<File>> {
        let mut open = hold(&self.open);
        if let Some(file) = open.get(path) {
            return Ok(Arc::clone(file));
        }
        let file = OpenOptions::new().read(true).append(true).create(make).open(path)?;
        let file = Arc::new(file);
        if open.len() >= OPEN_MAX {
            open.clear();
        }
        open.insert(path.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn forget(&self, path: &Path) {
        hold(&self.open).remove(path);
    }
}

impl Disk for RealDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }

    fn read_at(&self, path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = self.file(path, false)?;
        let mut bytes = vec![0; length];
        // Reading at an offset moves nothing that the writer uses.
        std::os::unix::fs::FileExt::read_exact_at(&*file, &mut bytes, offset)?;
        Ok(bytes)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let file = self.file(path, true)?;
        (&*file).write_all(bytes)
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        let file = self.file(path, false)?;
        file.set_len(length)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let file = self.file(path, false)?;
        file.sync_data()
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.forget(from);
        self.forget(to);
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.forget(path);
        fs::remove_file(path)
    }

    fn room(&self, folder: &Path) -> io::Result<u64> {
        // A folder that is made with its first file lies where its parent lies.
        let there = folder.ancestors().find(|place| place.exists()).unwrap_or(Path::new("."));
        let found = rustix::fs::statvfs(there)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn modified(&self, path: &Path) -> io::Result<i64> {
        let since = fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH);
        Ok(since.ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default())
    }

    fn set_modified(&self, path: &Path, second: i64) -> io::Result<()> {
        let since = Duration::from_secs(u64::try_from(second).unwrap_or_default());
        OpenOptions::new().append(true).open(path)?.set_modified(UNIX_EPOCH + since)
    }
}

/// A disk in memory that loses what was not synced, and fails where it is told to.
///
/// A power cut keeps of each file what was synced, and of the bytes after that a prefix; names are kept as they were
/// when their folder was last synced.
#[derive(Clone, Default)]
pub struct FaultyDisk {
    state: Arc<Mutex<Faulty>>,
}

#[derive(Clone, Default)]
struct Faulty {
    files: BTreeMap<PathBuf, FileState>,
    /// Names on disk after a power cut, with the file each leads to.
    durable: BTreeMap<PathBuf, Arc<Mutex<Durable>>>,
    steps: u64,
    /// The step at which the disk fails, and how.
    fault: Option<(u64, Fault)>,
    /// Bytes that it says it has room for; as many as one likes where nothing was said.
    room: Option<u64>,
    modified: BTreeMap<PathBuf, i64>,
}

#[derive(Clone)]
struct FileState {
    content: Vec<u8>,
    durable: Arc<Mutex<Durable>>,
}

#[derive(Clone, Default)]
struct Durable {
    content: Vec<u8>,
}

/// How a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The step fails once, with this kind of error, and changes nothing.
    Error(io::ErrorKind),
    /// Half of an append is written, then everything fails.
    Cut,
}

impl FaultyDisk {
    /// Steps (writes, syncs, renames) taken so far.
    pub fn steps(&self) -> u64 {
        hold(&self.state).steps
    }

    /// Fails at the given step, counted from the disk's beginning.
    pub fn fail_at(&self, step: u64, fault: Fault) {
        hold(&self.state).fault = Some((step, fault));
    }

    /// Says from now on that it has room for so many bytes.
    pub fn set_room(&self, bytes: u64) {
        hold(&self.state).room = Some(bytes);
    }

    /// What is left after the power is cut; `torn` keeps that many bytes of what was appended and not synced.
    #[must_use]
    pub fn after_power_cut(&self, torn: usize) -> Self {
        let state = hold(&self.state);
        let mut files = BTreeMap::new();
        let mut durable = BTreeMap::new();
        for (path, kept) in &state.durable {
            let mut content = hold(kept).content.clone();
            if let Some(file) = state.files.get(path).filter(|file| Arc::ptr_eq(&file.durable, kept)) {
                let rest = file.content.get(content.len()..).unwrap_or_default();
                content.extend_from_slice(&rest[..torn.min(rest.len())]);
            }
            let kept = Arc::new(Mutex::new(Durable { content: content.clone() }));
            files.insert(path.clone(), FileState { content, durable: Arc::clone(&kept) });
            durable.insert(path.clone(), kept);
        }
        let modified = state.modified.clone();
        let (room, steps, fault) = (state.room, 0, None);
        Self { state: Arc::new(Mutex::new(Faulty { files, durable, steps, fault, room, modified })) }
    }

    /// Changes a file behind everybody's back.
    pub fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = hold(&self.state);
        if let Some(file) = state.files.get_mut(path) {
            change(&mut file.content);
            hold(&file.durable).content.clone_from(&file.content);
        }
    }

    /// Paths of all files.
    pub fn paths(&self) -> Vec<PathBuf> {
        hold(&self.state).files.keys().cloned().collect()
    }

    fn step(state: &mut Faulty) -> Result<(), (io::Error, Fault)> {
        state.steps += 1;
        match state.fault {
            Some((at, Fault::Cut)) if state.steps >= at => {
                Err((io::Error::other("the power was cut"), Fault::Cut))
            }
            Some((at, fault @ Fault::Error(kind))) if state.steps == at => {
                Err((io::Error::from(kind), fault))
            }
            _ => Ok(()),
        }
    }
}

fn missing() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl Disk for FaultyDisk {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = hold(&self.state);
        let inside = state.files.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        hold(&self.state).files.get(path).map(|file| file.content.clone()).ok_or_else(missing)
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        hold(&self.state).files.get(path).map(|file| file.content.len() as u64).ok_or_else(missing)
    }

    fn read_at(&self, path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let state = hold(&self.state);
        let file = state.files.get(path).ok_or_else(missing)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let range = start..start.saturating_add(length);
        file.content.get(range).map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut state = hold(&self.state);
        let fault = Self::step(&mut state).err();
        let file = state
            .files
            .entry(path.to_owned())
            .or_insert_with(|| FileState { content: Vec::new(), durable: Arc::default() });
        match fault {
            None => {
                file.content.extend_from_slice(bytes);
                Ok(())
            }
            Some((error, Fault::Cut)) => {
                file.content.extend_from_slice(&bytes[..bytes.len() / 2]);
                Err(error)
            }
            Some((error, Fault::Error(_))) => Err(error),
        }
    }

    fn truncate(&self, path: &Path, length: u64) -> io::Result<()> {
        let mut state = hold(&self.state);
        Self::step(&mut state).map_err(|(error, _)| error)?;
        let file = state.files.get_mut(path).ok_or_else(missing)?;
        file.content.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(())
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        let mut state = hold(&self.state);
        Self::step(&mut state).map_err(|(error, _)| error)?;
        let file = state.files.get(path).ok_or_else(missing)?;
        hold(&file.durable).content.clone_from(&file.content);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = hold(&self.state);
        Self::step(&mut state).map_err(|(error, _)| error)?;
        let state = &mut *state;
        state.durable.retain(|kept, _| kept.parent() != Some(path));
        for (name, file) in state.files.iter().filter(|(name, _)| name.parent() == Some(path)) {
            state.durable.insert(name.clone(), Arc::clone(&file.durable));
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = hold(&self.state);
        Self::step(&mut state).map_err(|(error, _)| error)?;
        let file = state.files.remove(from).ok_or_else(missing)?;
        state.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = hold(&self.state);
        Self::step(&mut state).map_err(|(error, _)| error)?;
        state.files.remove(path).map(drop).ok_or_else(missing)
    }

    fn room(&self, _: &Path) -> io::Result<u64> {
        Ok(hold(&self.state).room.unwrap_or(u64::MAX))
    }

    fn modified(&self, path: &Path) -> io::Result<i64> {
        let state = hold(&self.state);
        let known = state.files.contains_key(path).then(|| state.modified.get(path).copied());
        known.map(Option::unwrap_or_default).ok_or_else(missing)
    }

    fn set_modified(&self, path: &Path, second: i64) -> io::Result<()> {
        hold(&self.state).modified.insert(path.to_owned(), second);
        Ok(())
    }
}
