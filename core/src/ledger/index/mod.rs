//! The index of the embedded store: which entries a stream has, which command was answered how, which entries touched a
//! key, and the full tiles of the tree. It can always be rebuilt from the journal, so nothing waits for it.
//!
//! The newest groups are kept in memory and written to sled in the background, many at once: written one by one they would
//! make sled go to the disk as often as the journal does, and the two would wait for each other. A crash loses what
//! was in memory; the next start takes it from the journal.

mod layer;
mod stored;
mod sum;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use layer::Layer;
use stored::{Keys, StoredIndex};
use sum::Sum;

use crate::id::{CommandId, StreamId, StreamKind};
use crate::ledger::journal::Checksum;
use crate::ledger::merkle::Hash;
use crate::ledger::store::{Answered, Group, StoreError, Touch};
use crate::units::{Position, Revision};

/// Longest time for which a group is in memory alone, while the writer keeps up.
const REST: Duration = Duration::from_secs(1);
/// Entries in memory from which on they are written without a rest.
const MANY: usize = 4_096;
/// Entries in memory from which on a commit waits for the writer.
const TOO_MANY: usize = 65_536;

pub(crate) struct Index {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    stored: StoredIndex,
    layers: RwLock<Layers>,
    /// What the writer is told.
    orders: Mutex<Orders>,
    changed: Condvar,
}

/// Newest first: `young` is added to, `old` is being written.
#[derive(Default)]
struct Layers {
    young: Layer,
    old: Layer,
}

#[derive(Default)]
struct Orders {
    /// Entries that wait in `young`.
    waiting: usize,
    /// `old` is being written.
    writing: bool,
    /// Somebody waits for it.
    hurry: bool,
    closing: bool,
    fault: Option<String>,
}

impl Shared {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while sled is read too, so that what moves from memory to sled in between is seen once at least.
    fn layers(&self) -> RwLockReadGuard<'_, Layers> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits until closing, and what waits then.
    fn run(&self) {
        loop {
            let idle = |orders: &mut Orders| orders.waiting == 0 && !orders.closing;
            let orders = self.changed.wait_while(self.orders(), idle).unwrap_or_else(PoisonError::into_inner);
            let few = |orders: &mut Orders| orders.waiting < MANY && !orders.hurry && !orders.closing;
            let rested = self.changed.wait_timeout_while(orders, REST, few);
            let mut orders = rested.unwrap_or_else(PoisonError::into_inner).0;
            if orders.waiting == 0 {
                return;
            }
            orders.writing = true;
            drop(orders);
            // sled may panic on a damaged page or a failing disk; commits and checks that wait must learn of it.
            let broke_off = |_| Err(self.stored.fault("sled broke off while it was written"));
            let written = catch_unwind(AssertUnwindSafe(|| self.write_young())).unwrap_or_else(broke_off);
            let mut orders = self.orders();
            orders.writing = false;
            if let Err(error) = written {
                // What was not written stays in `old`, where it is read; the next start takes it from the journal.
                orders.fault = Some(error.to_string());
                self.changed.notify_all();
                return;
            }
            self.changed.notify_all();
        }
    }

    fn write_young(&self) -> Result<(), StoreError> {
        let keys = {
            let mut layers = self.layers.write().unwrap_or_else(PoisonError::into_inner);
            layers.old = std::mem::take(&mut layers.young);
            self.orders().waiting = 0;
            std::mem::take(&mut layers.old.keys)
        };
        self.stored.write(keys)?;
        let mut layers = self.layers.write().unwrap_or_else(PoisonError::into_inner);
        let written = std::mem::take(&mut layers.old);
        drop(layers);
        drop(written);
        Ok(())
    }
}

impl Index {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let stored = StoredIndex::open(path)?;
        let shared = Arc::new(Shared {
            stored,
            layers: RwLock::default(),
            orders: Mutex::default(),
            changed: Condvar::new(),
        });
        let worker = Arc::clone(&shared);
        let writer = std::thread::Builder::new().name("index".into()).spawn(move || worker.run());
        let writer = writer.map_err(|error| shared.stored.fault(error))?;
        Ok(Self { shared, writer: Some(writer) })
    }

    /// How far the index on disk goes: size, and the checksum of the record that ends there.
    pub(crate) fn head(&self) -> Result<Option<(u64, Checksum)>, StoreError> {
        self.shared.stored.head()
    }

    /// Takes over a group that is in the journal.
    pub(crate) fn apply(&self, group: &Group, checksum: &Checksum) -> Result<(), StoreError> {
        let full = |orders: &mut Orders| orders.waiting >= TOO_MANY && orders.fault.is_none();
        let orders = self.shared.changed.wait_while(self.shared.orders(), full);
        if let Some(fault) = &orders.unwrap_or_else(PoisonError::into_inner).fault {
            return Err(self.shared.stored.fault(fault));
        }
        let mut layers = self.shared.layers.write().unwrap_or_else(PoisonError::into_inner);
        layers.young.add(group, checksum);
        let mut orders = self.shared.orders();
        let before = std::mem::replace(&mut orders.waiting, layers.young.entries);
        if before == 0 || (before < MANY && orders.waiting >= MANY) {
            self.shared.changed.notify_all();
        }
        Ok(())
    }

    /// Waits until everything is in sled.
    pub(crate) fn settle(&self) -> Result<(), StoreError> {
        let mut orders = self.shared.orders();
        if orders.waiting > 0 {
            orders.hurry = true;
            self.shared.changed.notify_all();
        }
        let busy = |orders: &mut Orders| (orders.waiting > 0 || orders.writing) && orders.fault.is_none();
        let mut orders = self.shared.changed.wait_while(orders, busy).unwrap_or_else(PoisonError::into_inner);
        orders.hurry = false;
        orders.fault.as_ref().map_or(Ok(()), |fault| Err(self.shared.stored.fault(fault)))
    }

    pub(crate) fn stream(&self, stream: &StreamId) -> Result<Vec<Position>, StoreError> {
        let layers = self.shared.layers();
        let mut positions = self.shared.stored.stream(stream)?;
        for layer in [&layers.old, &layers.young] {
            for (revision, position) in layer.streams.get(stream).into_iter().flatten() {
                match revision.0.cmp(&(positions.len() as u64)) {
                    std::cmp::Ordering::Less => {}
                    std::cmp::Ordering::Equal => positions.push(*position),
                    std::cmp::Ordering::Greater => {
                        return Err(self.shared.stored.fault("a stream has a gap"));
                    }
                }
            }
        }
        Ok(positions)
    }

    pub(crate) fn stream_end(&self, stream: &StreamId) -> Result<Option<(Position, Revision)>, StoreError> {
        let layers = self.shared.layers();
        for layer in [&layers.young, &layers.old] {
            if let Some((revision, position)) = layer.streams.get(stream).and_then(|ends| ends.last()) {
                return Ok(Some((*position, *revision)));
            }
        }
        self.shared.stored.stream_end(stream)
    }

    /// Every stream of a kind, in order of id.
    pub(crate) fn streams(&self, kind: StreamKind) -> Result<Vec<StreamId>, StoreError> {
        let layers = self.shared.layers();
        let mut streams = self.shared.stored.streams(kind)?;
        let young = layers.old.streams.keys().chain(layers.young.streams.keys());
        streams.extend(young.filter(|stream| stream.kind == kind));
        streams.sort_unstable();
        streams.dedup();
        Ok(streams)
    }

    pub(crate) fn command(&self, id: &CommandId) -> Result<Option<Answered>, StoreError> {
        let layers = self.shared.layers();
        match layers.young.commands.get(id).or_else(|| layers.old.commands.get(id)) {
            Some(answered) => Ok(Some(answered.clone())),
            None => self.shared.stored.command(id),
        }
    }

    pub(crate) fn touched(&self, touch: &Touch) -> Result<Vec<Position>, StoreError> {
        let layers = self.shared.layers();
        let mut positions = self.shared.stored.touched(touch)?;
        for layer in [&layers.old, &layers.young] {
            let known = positions.last().copied();
            let further = layer.touched.get(touch).into_iter().flatten().copied();
            positions.extend(further.filter(|position| known.is_none_or(|known| *position > known)));
        }
        Ok(positions)
    }

    pub(crate) fn last_touched(&self, touch: &Touch) -> Result<Option<Position>, StoreError> {
        let layers = self.shared.layers();
        let last = |layer: &Layer| layer.touched.get(touch).and_then(|positions| positions.last()).copied();
        match last(&layers.young).or_else(|| last(&layers.old)) {
            Some(position) => Ok(Some(position)),
            None => self.shared.stored.last_touched(touch),
        }
    }

    /// A full tile.
    pub(crate) fn tile(&self, level: u8, index: u64) -> Result<Vec<Hash>, StoreError> {
        let layers = self.shared.layers();
        let key = (level, index);
        let young = layers.young.tiles.get(&key).or_else(|| layers.old.tiles.get(&key));
        let tile =
            young.map_or_else(|| self.shared.stored.tile(level, index), |tile| Ok(Some(tile.clone())))?;
        tile.ok_or_else(|| self.shared.stored.fault("a tile is missing"))
    }

    /// Checks that sled holds what these groups, which have their tiles, say, and nothing else: a key too many would answer for
    /// what never happened. Gives back how many keys that are.
    pub(crate) fn check(&self, groups: &mut dyn Iterator<Item = Group>) -> Result<u64, StoreError> {
        self.settle()?;
        let stored = &self.shared.stored;
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| stored.fault(error))?;
        std::thread::scope(|scope| {
            let found = scope.spawn(move || {
                let mut found = Sum::new(key);
                stored.sum(&mut found).map(|()| found)
            });
            let mut expected = Sum::new(key);
            for group in groups {
                let mut keys = Keys::default();
                keys.add(&group, &Checksum::default());
                keys.sum(&mut expected);
            }
            let found = found.join().unwrap_or_else(|_| Err(stored.fault("sled can't read it")))?;
            if found == expected {
                Ok(found.pairs)
            } else {
                Err(stored.fault("it does not say what the journal says"))
            }
        })
    }

    /// Number of keys in sled, for the check against the journal.
    pub(crate) fn len(&self) -> usize {
        self.shared.stored.len()
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.shared.orders().closing = true;
        self.shared.changed.notify_all();
        if let Some(writer) = self.writer.take() {
            // If the writer failed, the next start takes from the journal what is missing.
            drop(writer.join());
        }
    }
}
