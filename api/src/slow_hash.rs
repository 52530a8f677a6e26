//! Argon2id, so few at once that a flood does not take the memory.

use std::sync::{Condvar, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

/// Memory of one hash, in KiB.
pub(crate) const MEMORY_KIB: u32 = 64 * 1024;
pub(crate) const PASSES: u32 = 3;

/// Hashes that wait for each other.
pub(crate) struct SlowHash {
    /// Most at once.
    most: u32,
    running: Mutex<u32>,
    freed: Condvar,
}

impl SlowHash {
    pub(crate) fn at_once(most: u32) -> Self {
        Self { most, running: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits for its turn, and hashes. `None` for parameters that Argon2id does not take.
    pub(crate) fn hash(
        &self,
        text: &str,
        salt: &[u8],
        memory: u32,
        passes: u32,
    ) -> Option<Zeroizing<[u8; 32]>> {
        let _turn = self.turn();
        let params = Params::new(memory, passes, 1, Some(32)).ok()?;
        let mut key = Zeroizing::new([0_u8; 32]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(text.as_bytes(), salt, key.as_mut()).ok()?;
        Some(key)
    }

    /// Waits until fewer than the most hashes run.
    fn turn(&self) -> Turn<'_> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |running: &mut u32| *running >= self.most;
        *self.freed.wait_while(running, full).unwrap_or_else(PoisonError::into_inner) += 1;
        Turn(self)
    }
}

/// Leave to hash.
struct Turn<'a>(&'a SlowHash);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}
