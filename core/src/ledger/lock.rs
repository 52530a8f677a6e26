//! The lock: the last signed checkpoint, kept outside the store.
//!
//! It tells an older copy, or a journal whose end was cut off, from the newest state. It is replaced by write, fsync,
//! rename, fsync of the folder, without holding answers; publication waits for it. A crash before the rename leaves
//! the old lock, which is behind and rolled forward at the next start.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::ledger::disk::{self, Disk};
use crate::ledger::store::StoreError;

/// Shortest time between two replacements of the lock while appends keep coming.
const REST: Duration = Duration::from_millis(200);

/// Reads the lock; `None` when there is none.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match disk.read(path) {
        Ok(note) => Ok(Some(note)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Io { action: "read", path: path.to_owned(), source }),
    }
}

/// Replaces the lock.
pub fn write(disk: &dyn Disk, path: &Path, note: &[u8]) -> Result<(), StoreError> {
    disk::replace(disk, path, note).map_err(|source| StoreError::Io {
        action: "replace",
        path: path.to_owned(),
        source,
    })
}

/// Replaces the lock in the background, at once when idle and at most every 200 ms while busy.
pub struct LockKeeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Newest checkpoint, not yet written.
    offered: Option<Vec<u8>>,
    /// Number of checkpoints offered so far.
    offers: u64,
    /// How many of them are written, overtaken by a newer one that is, or could not be.
    settled: u64,
    written: Vec<u8>,
    fault: Option<String>,
    closing: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is offered until closing; what is offered last is written before it ends.
    fn run(&self) {
        loop {
            let idle = |state: &mut State| state.offered.is_none() && !state.closing;
            let mut state =
                self.changed.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
            let Some(note) = state.offered.take() else { return };
            let offers = state.offers;
            drop(state);
            let result = write(self.disk.as_ref(), &self.path, &note);
            let mut state = self.state();
            state.settled = offers;
            match result {
                Ok(()) => {
                    state.written = note;
                    state.fault = None;
                }
                Err(error) => state.fault = Some(error.to_string()),
            }
            self.changed.notify_all();
            let busy = |state: &mut State| !state.closing;
            drop(self.changed.wait_timeout_while(state, REST, busy));
        }
    }
}

impl LockKeeper {
    /// `written` is what the lock holds now.
    pub fn start(disk: Arc<dyn Disk>, path: &Path, written: Vec<u8>) -> io::Result<Self> {
        let state = State { offered: None, offers: 0, settled: 0, written, fault: None, closing: false };
        let shared = Arc::new(Shared {
            disk,
            path: path.to_owned(),
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let worker = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("lock".into()).spawn(move || worker.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Writes the first lock and waits for it: without a lock nothing tells an older copy from the newest state, so the
    /// first answer waits too.
    pub fn write_first(&self, note: &[u8]) -> Result<(), StoreError> {
        write(self.shared.disk.as_ref(), &self.shared.path, note)?;
        self.shared.state().written = note.to_vec();
        Ok(())
    }

    /// Takes a newer checkpoint; does not wait.
    pub fn offer(&self, note: Vec<u8>) {
        let mut state = self.shared.state();
        state.offered = Some(note);
        state.offers += 1;
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Waits until what was offered before is written, or could not be; what is offered meanwhile is not waited for.
    pub fn settle(&self) {
        let state = self.shared.state();
        let offers = state.offers;
        let busy = |state: &mut State| state.settled < offers && !state.closing;
        drop(self.shared.changed.wait_while(state, busy));
    }

    /// The checkpoint that the lock holds on disk.
    pub fn written(&self) -> Vec<u8> {
        self.shared.state().written.clone()
    }

    /// Why the lock could not be replaced lately; publication stands still meanwhile.
    pub fn fault(&self) -> Option<String> {
        self.shared.state().fault.clone()
    }
}

impl Drop for LockKeeper {
    fn drop(&mut self) {
        self.shared.state().closing = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // The writer thread does not panic; if it did, the lock is behind and rolled forward at the next start.
            drop(thread.join());
        }
    }
}
