//! Signatures, checked in batches beside everything else.
//!
//! A batch of signatures by keys of prime order is checked at once (a vkey is refused unless its point is one). A batch
//! that fails is checked one by one, strictly, so that every bad signature is named. Only who holds the key can make a
//! signature of which a batch takes more than the strict check does, so nobody signs in another's name by it.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use ed25519_dalek::{Signature, VerifyingKey, verify_batch};

/// Signatures in a batch.
const BATCH: usize = 512;
/// Batches that may wait.
const QUEUE: usize = 16;
/// Unpacked keys that a checker remembers; one-time keys come by only once.
const KEYS_MAX: usize = 16_384;

/// One signature over the text of the entry at `position`.
pub(super) struct Task {
    pub(super) position: u64,
    pub(super) text: Arc<[u8]>,
    pub(super) signature: [u8; 64],
    pub(super) key: [u8; 32],
}

/// Positions whose signature does not verify.
pub(super) type Bad = Mutex<Vec<u64>>;

/// Takes signatures; they are checked when this value and its checkers have ended.
pub(super) struct Checker {
    sender: SyncSender<Vec<Task>>,
    batch: Vec<Task>,
    pub(super) taken: u64,
}

impl Checker {
    pub(super) fn start<'s, 'e: 's>(scope: &'s Scope<'s, 'e>, bad: &'e Bad) -> Self {
        let (sender, receiver) = sync_channel::<Vec<Task>>(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            let receiver = Arc::clone(&receiver);
            scope.spawn(move || work(&receiver, bad));
        }
        Self { sender, batch: Vec::with_capacity(BATCH), taken: 0 }
    }

    pub(super) fn take(&mut self, task: Task) {
        self.batch.push(task);
        self.taken += 1;
        if self.batch.len() == BATCH {
            self.send();
        }
    }

    fn send(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        // The checkers go on until this sender is dropped.
        let _ = self.sender.send(batch);
    }
}

impl Drop for Checker {
    fn drop(&mut self) {
        self.send();
    }
}

fn work(receiver: &Mutex<Receiver<Vec<Task>>>, bad: &Bad) {
    let mut keys = HashMap::new();
    loop {
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(tasks) = next else { return };
        let found = check(&tasks, &mut keys);
        if !found.is_empty() {
            bad.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
        }
    }
}

/// Positions of the signatures that do not verify.
fn check(tasks: &[Task], keys: &mut HashMap<[u8; 32], VerifyingKey>) -> Vec<u64> {
    if keys.len() > KEYS_MAX {
        keys.clear();
    }
    let mut unpacked = Vec::with_capacity(tasks.len());
    for task in tasks {
        let known = keys.get(&task.key).copied().or_else(|| VerifyingKey::from_bytes(&task.key).ok());
        if let Some(key) = known {
            keys.insert(task.key, key);
        }
        unpacked.push(known);
    }
    let texts: Vec<&[u8]> = tasks.iter().map(|task| task.text.as_ref()).collect();
    let signatures: Vec<Signature> =
        tasks.iter().map(|task| Signature::from_bytes(&task.signature)).collect();
    let all: Option<Vec<VerifyingKey>> = unpacked.iter().copied().collect();
    if all.is_some_and(|keys| verify_batch(&texts, &signatures, &keys).is_ok()) {
        return Vec::new();
    }
    let fails =
        |i: &usize| unpacked[*i].is_none_or(|key| key.verify_strict(texts[*i], &signatures[*i]).is_err());
    (0..tasks.len()).filter(fails).map(|i| tasks[i].position).collect()
}
