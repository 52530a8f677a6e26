//! Signatures, checked in batches on every processor.
//!
//! A batch check accepts what a strict check of each accepts, because a [`VKey`](crate::ledger::vkey::VKey) is neither weak
//! nor mixed with torsion; a batch that fails is checked one by one, strictly, to name the first.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use ed25519_dalek::{Signature, VerifyingKey, verify_batch};

use crate::ledger::note::SignatureLine;
use crate::ledger::vkey::VKey;
use crate::units::Position;

/// Signatures checked at once.
const BATCH: usize = 1024;
/// Batches that may wait for the checkers.
const QUEUE: usize = 16;

/// One signature to check.
struct Task {
    position: Position,
    text: Arc<[u8]>,
    signature: [u8; 64],
    key: [u8; 32],
}

/// Takes signatures to check.
pub(super) struct Signatures {
    sender: SyncSender<Vec<Task>>,
    batch: Vec<Task>,
    pub(super) taken: u64,
}

/// The first position whose signature does not verify, as far as it was found.
pub(super) type Bad = Mutex<Option<Position>>;

impl Signatures {
    /// Starts as many checkers as there are processors; they end when this value is dropped.
    pub(super) fn check<'s, 'e: 's>(scope: &'s Scope<'s, 'e>, bad: &'e Bad) -> Self {
        let checkers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (sender, receiver) = sync_channel::<Vec<Task>>(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..checkers {
            let receiver = Arc::clone(&receiver);
            scope.spawn(move || check_batches(&receiver, bad));
        }
        Self { sender, batch: Vec::with_capacity(BATCH), taken: 0 }
    }

    pub(super) fn take(&mut self, position: Position, text: &Arc<[u8]>, line: &SignatureLine, key: &VKey) {
        let mut signature = [0; 64];
        if line.signature.len() == signature.len() {
            signature.copy_from_slice(&line.signature);
        }
        self.batch.push(Task { position, text: Arc::clone(text), signature, key: *key.key() });
        self.taken += 1;
        if self.batch.len() >= BATCH {
            self.send();
        }
    }

    fn send(&mut self) {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        // A checker that is gone has found a fault already.
        let _ = self.sender.send(batch);
    }
}

impl Drop for Signatures {
    fn drop(&mut self) {
        self.send();
    }
}

/// Checks batches until there are no more.
fn check_batches(receiver: &Mutex<Receiver<Vec<Task>>>, bad: &Bad) {
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
