//! Publication: the one checkpoint note that everybody is shown, and that signers name as seen.
//!
//! It lags the signed checkpoints, so that batches and not single commands are public. The note is kept beside the data
//! in `published`, on disk before anybody is shown it, so that a restart shows the same note again and never an older one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::disk::{Disk, replace};
use crate::ledger::entry::Seen;
use crate::ledger::note::{Note, SIGNATURES_MAX, SignatureLine};
use crate::ledger::sequencer::seen_of;
use crate::ledger::store::StoreError;
use crate::units::Timestamp;

/// Seconds between two publications, unless set otherwise (`security.md`: 10 minutes).
pub const PUBLICATION_SECONDS: i64 = 600;
/// Longest time between two publications, in seconds: one day.
pub const PUBLICATION_SECONDS_MAX: i64 = 24 * 3600;

/// First word of the file, before the second of publication.
const HEAD: &str = "published ";

/// A published checkpoint. The same note with more signature lines takes its place as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The signed note, byte for byte as it is served; empty before the first publication.
    pub note: Vec<u8>,
    /// Size, root and SHA-256 of that very note.
    pub seen: Seen,
    /// When it was looked at last whether there is something newer to publish.
    pub at: Timestamp,
}

impl Published {
    /// Nothing was published yet.
    pub fn nothing() -> Self {
        Self { note: Vec::new(), seen: Seen::nothing(), at: Timestamp(i64::MIN) }
    }

    /// `None` when `note` is not a checkpoint.
    pub fn new(note: Vec<u8>, at: Timestamp) -> Option<Self> {
        let (checkpoint, _) = Checkpoint::parse(&note).ok()?;
        let seen = seen_of(checkpoint.size, checkpoint.root, &note);
        Some(Self { note, seen, at })
    }

    /// Number of entries that are published.
    pub fn size(&self) -> u64 {
        self.seen.size
    }

    /// The bytes of the file: a line with the second of publication, then the note.
    fn to_file(&self) -> Vec<u8> {
        [format!("{HEAD}{}\n", self.at).as_bytes(), &self.note].concat()
    }

    fn of_file(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        Self::new(bytes[end + 1..].to_vec(), head.strip_prefix(HEAD)?.parse().ok()?)
    }
}

/// Holds what is published, and the file that keeps it.
pub(crate) struct Publisher {
    current: RwLock<Arc<Published>>,
    /// One publication at a time.
    turn: Mutex<()>,
    seconds: AtomicI64,
    file: Option<(Arc<dyn Disk>, PathBuf)>,
    fault: Mutex<Option<String>>,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Publisher {
    /// `file` keeps what is published; none for a ledger in memory.
    pub(crate) fn new(file: Option<(Arc<dyn Disk>, PathBuf)>) -> Self {
        Self {
            current: RwLock::new(Arc::new(Published::nothing())),
            turn: Mutex::new(()),
            seconds: AtomicI64::new(PUBLICATION_SECONDS),
            file,
            fault: Mutex::new(None),
        }
    }

    /// What the file holds; `None` when there is none, or it can't be read.
    pub(crate) fn kept(&self) -> Option<Published> {
        let (disk, path) = self.file.as_ref()?;
        Published::of_file(&disk.read(path).ok()?)
    }

    pub(crate) fn path(&self) -> Option<&PathBuf> {
        self.file.as_ref().map(|(_, path)| path)
    }

    pub(crate) fn current(&self) -> Arc<Published> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn every(&self, seconds: i64) {
        self.seconds.store(seconds.clamp(1, PUBLICATION_SECONDS_MAX), Ordering::Relaxed);
    }

    /// Seconds until the next publication is due; zero or less when it is.
    pub(crate) fn due_in(&self, now: Timestamp) -> i64 {
        let passed = now.seconds_since(self.current().at);
        self.seconds.load(Ordering::Relaxed).saturating_sub(passed)
    }

    /// Why the last publication did not happen, if so.
    pub(crate) fn fault(&self) -> Option<String> {
        hold(&self.fault).clone()
    }

    /// Publishes the newest of what `newest` gives, unless it is smaller than what is public. A note of the same size
    /// stays as it is: it may have been cosigned since.
    pub(crate) fn publish(
        &self,
        due: impl FnOnce() -> bool,
        newest: impl FnOnce() -> Option<Published>,
        tell: impl FnOnce(Seen),
    ) {
        let _turn = hold(&self.turn);
        if !due() {
            return;
        }
        let Some(newest) = newest() else { return };
        let current = self.current();
        if newest.size() > current.size() {
            self.put(newest, tell);
        } else if newest.size() == current.size() {
            self.show(Published { at: newest.at, ..(*current).clone() });
        }
    }

    /// Adds signature lines to what is public, if it still has the text that was signed. A key that stands there already
    /// keeps its line: the earlier moment says more. Whether all lines stand there now.
    pub(crate) fn cosign(&self, text: &str, lines: &[SignatureLine], tell: impl FnOnce(Seen)) -> bool {
        let _turn = hold(&self.turn);
        let current = self.current();
        let Ok(mut note) = Note::parse(&current.note) else { return false };
        if note.text != text {
            return false;
        }
        let before = note.signatures.len();
        for line in lines {
            let stands = note.signatures.iter().any(|one| one.name == line.name && one.id == line.id);
            if !stands && note.signatures.len() < SIGNATURES_MAX {
                note.signatures.push(line.clone());
            }
        }
        if note.signatures.len() > before {
            let Some(cosigned) = Published::new(note.to_bytes(), current.at) else { return false };
            self.put(cosigned, tell);
        }
        let shown = Note::parse(&self.current().note).map(|note| note.signatures).unwrap_or_default();
        lines.iter().all(|line| shown.iter().any(|one| one.name == line.name && one.id == line.id))
    }

    /// Puts `published` in the place of what is public: on disk first, then told to the writer, which accepts entries that
    /// name it from then on, then shown. A crash in between shows it after the restart.
    pub(crate) fn put(&self, published: Published, tell: impl FnOnce(Seen)) {
        let kept = match &self.file {
            Some((disk, path)) => replace(disk.as_ref(), path, &published.to_file())
                .map_err(|source| StoreError::Io { action: "replace", path: path.clone(), source }),
            None => Ok(()),
        };
        *hold(&self.fault) = kept.as_ref().err().map(ToString::to_string);
        if kept.is_ok() {
            self.restore(published, tell);
        }
    }

    /// Shows again what the file kept.
    pub(crate) fn restore(&self, published: Published, tell: impl FnOnce(Seen)) {
        tell(published.seen);
        self.show(published);
    }

    fn show(&self, published: Published) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(published);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::ledger::disk::{Fault, FaultyDisk};
    use crate::ledger::vkey::SigningKey;

    fn published(size: u64) -> Published {
        let key = SigningKey::from_seed("a.example/ledger", &[1; 32]).expect("key");
        let checkpoint = Checkpoint { origin: key.name().to_owned(), size, root: [7; 32] };
        Published::new(checkpoint.sign(&key), Timestamp(i64::try_from(size).expect("small")))
            .expect("checkpoint")
    }

    fn publisher(disk: &FaultyDisk) -> Publisher {
        Publisher::new(Some((Arc::new(disk.clone()), Path::new("/data/published").to_owned())))
    }

    #[test]
    fn a_crash_at_any_step_leaves_the_old_note_or_the_new_one_and_shows_only_what_is_kept() {
        for step in 1.. {
            let disk = FaultyDisk::default();
            let one = publisher(&disk);
            one.put(published(1), |_| {});
            disk.fail_at(disk.steps() + step, Fault::Cut);
            one.put(published(2), |_| {});
            let (shown, done) = (one.current().size(), one.fault().is_none());
            let kept = publisher(&disk.after_power_cut(7)).kept().expect("one of them is whole");
            assert!(kept.size() >= shown, "step {step}: {shown} was shown, {} is kept", kept.size());
            assert!(kept == published(1) || kept == published(2));
            if done {
                assert_eq!(shown, 2);
                return;
            }
            assert_eq!(shown, 1, "what could not be kept is not shown");
        }
    }

    #[test]
    fn nothing_smaller_takes_its_place_and_nothing_of_the_same_size() {
        let one = publisher(&FaultyDisk::default());
        let publish = |size| one.publish(|| true, || Some(published(size)), |_| {});
        publish(5);
        let cosigned = Published { note: [&published(5).note[..], b"x"].concat(), ..published(5) };
        one.put(cosigned.clone(), |_| {});
        for size in [4, 5] {
            publish(size);
            assert_eq!(one.current().note, cosigned.note);
        }
        publish(6);
        assert_eq!(*one.current(), published(6));
    }
}
