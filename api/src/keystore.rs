//! Officers' signing keys at rest: wrapped by a key that Argon2id makes of the officer's password.
//!
//! One file for each actor, `<keys>/actors/<actor id>.json`, mode 0600. The password is kept nowhere. An unknown actor
//! costs the same work as a wrong password, so that nobody learns who is enrolled.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use adit_core::id::{ActorId, Id};
use adit_core::ledger::home::make_private_folder;
use adit_core::ledger::vkey::SigningKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::slow_hash::{MEMORY_KIB, PASSES, SlowHash};

/// Hashes at once; the rest queue, so that a flood of sign-ins does not take the memory.
const HASHES_MAX: u32 = 2;
/// Shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Longest password, in bytes; longer ones would only cost time.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Why a key can't be stored or unlocked.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// Also for an actor without a key here.
    #[error("actor or password is wrong")]
    Wrong,
    #[error(
        "the password has fewer than {PASSWORD_CHARS_MIN} characters, or more than {PASSWORD_BYTES_MAX} bytes"
    )]
    TooShort,
    /// The actor has a key here already; change its password instead.
    #[error("there is a key of this actor already")]
    Enrolled,
    #[error("couldn't use {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("the key could not be wrapped, or the operating system gave no randomness")]
    Wrap,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    v: u8,
    name: String,
    memory_kib: u32,
    passes: u32,
    salt: String,
    nonce: String,
    sealed: String,
}

/// The folder of wrapped keys.
pub struct Keystore {
    folder: PathBuf,
    hashes: SlowHash,
}

impl Keystore {
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), hashes: SlowHash::at_once(HASHES_MAX) }
    }

    fn path(&self, actor: ActorId) -> PathBuf {
        self.folder.join(format!("{actor}.json"))
    }

    /// Stores the key of an actor who has none here yet.
    pub fn enrol(&self, actor: ActorId, key: &SigningKey, password: &str) -> Result<(), KeystoreError> {
        if self.path(actor).exists() {
            return Err(KeystoreError::Enrolled);
        }
        self.store(actor, key, password)
    }

    /// Wraps the same key under another password.
    pub fn change_password(&self, actor: ActorId, old: &str, new: &str) -> Result<(), KeystoreError> {
        if !is_fit(new) {
            return Err(KeystoreError::TooShort);
        }
        let key = self.unlock(actor, old)?;
        self.store(actor, &key, new)
    }

    /// Stores `key` under `password`; replaces an older file of the same actor.
    pub fn store(&self, actor: ActorId, key: &SigningKey, password: &str) -> Result<(), KeystoreError> {
        if !is_fit(password) {
            return Err(KeystoreError::TooShort);
        }
        let (mut salt, mut nonce) = ([0_u8; 16], [0_u8; 24]);
        getrandom::fill(&mut salt).map_err(|_| KeystoreError::Wrap)?;
        getrandom::fill(&mut nonce).map_err(|_| KeystoreError::Wrap)?;
        let wrapping = self.hash(password, &salt, MEMORY_KIB, PASSES)?;
        let seed = key.seed();
        let payload = Payload { msg: seed.as_ref(), aad: key.name().as_bytes() };
        let sealed = XChaCha20Poly1305::new((&*wrapping).into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| KeystoreError::Wrap)?;
        let wrapped = Wrapped {
            v: 1,
            name: key.name().to_owned(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt: STANDARD.encode(salt),
            nonce: STANDARD.encode(nonce),
            sealed: STANDARD.encode(sealed),
        };
        let text = serde_json::to_vec_pretty(&wrapped).map_err(|_| KeystoreError::Wrap)?;
        self.replace(&self.path(actor), &text)
    }

    /// Unlocks the key of `actor`.
    pub fn unlock(&self, actor: ActorId, password: &str) -> Result<SigningKey, KeystoreError> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(KeystoreError::Wrong);
        }
        let read = fs::read(self.path(actor)).ok();
        let wrapped: Option<Wrapped> = read.and_then(|text| serde_json::from_slice(&text).ok());
        let Some(wrapped) = wrapped else {
            // The same work as for a key that is there.
            drop(self.hash(password, &[0; 16], MEMORY_KIB, PASSES));
            return Err(KeystoreError::Wrong);
        };
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| KeystoreError::Wrong);
        let wrapping = self.hash(password, &decode(&wrapped.salt)?, wrapped.memory_kib, wrapped.passes)?;
        let nonce: [u8; 24] = decode(&wrapped.nonce)?.try_into().map_err(|_| KeystoreError::Wrong)?;
        let sealed = decode(&wrapped.sealed)?;
        let payload = Payload { msg: &sealed, aad: wrapped.name.as_bytes() };
        let seed = XChaCha20Poly1305::new((&*wrapping).into())
            .decrypt(&XNonce::from(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| KeystoreError::Wrong)?;
        let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| KeystoreError::Wrong)?;
        SigningKey::from_seed(&wrapped.name, seed).map_err(|_| KeystoreError::Wrong)
    }

    fn hash(
        &self,
        password: &str,
        salt: &[u8],
        memory: u32,
        passes: u32,
    ) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
        self.hashes.hash(password, salt, memory, passes).ok_or(KeystoreError::Wrong)
    }

    fn replace(&self, path: &Path, text: &[u8]) -> Result<(), KeystoreError> {
        make_private_folder(&self.folder).map_err(|error| KeystoreError::Io {
            path: self.folder.clone(),
            source: io::Error::other(error),
        })?;
        let unique = Id::random().map_err(|_| KeystoreError::Wrap)?;
        let fresh = path.with_extension(format!("{unique}.new"));
        let write = || {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&fresh)?;
            file.write_all(text)?;
            file.sync_all()?;
            fs::rename(&fresh, path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| {
            // What is left of it is wrapped like the file that stays.
            let _ = fs::remove_file(&fresh);
            KeystoreError::Io { path: path.to_owned(), source }
        })
    }
}

fn is_fit(password: &str) -> bool {
    password.chars().count() >= PASSWORD_CHARS_MIN && password.len() <= PASSWORD_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_unlocked_by_its_password_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Keystore::at(folder.path());
        let actor = ActorId(Id([7; 16]));
        let key = SigningKey::from_seed("a.example/actor/x", &[9; 32]).expect("key");
        store.store(actor, &key, "correct horse battery").expect("stored");
        let unlocked = store.unlock(actor, "correct horse battery").expect("unlocked");
        assert_eq!(unlocked.vkey(), key.vkey());
        assert!(matches!(store.unlock(actor, "correct horse batterz"), Err(KeystoreError::Wrong)));
        let unknown = ActorId(Id([8; 16]));
        assert!(matches!(store.unlock(unknown, "correct horse battery"), Err(KeystoreError::Wrong)));
        assert!(matches!(store.store(actor, &key, "short"), Err(KeystoreError::TooShort)));
        let text = fs::read_to_string(folder.path().join(format!("{actor}.json"))).expect("file");
        assert!(!text.contains(&STANDARD.encode([9_u8; 32])), "the seed stands in the file");
        assert!(!text.contains("correct"), "the password stands in the file");
    }

    #[test]
    fn after_a_change_only_the_new_password_opens_the_same_key() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Keystore::at(folder.path());
        let actor = ActorId(Id([7; 16]));
        let key = SigningKey::from_seed("a.example/actor/x", &[9; 32]).expect("key");
        store.enrol(actor, &key, "the first password").expect("enrolled");
        assert!(matches!(store.enrol(actor, &key, "another password"), Err(KeystoreError::Enrolled)));
        store.change_password(actor, "the first password", "the second password").expect("changed");
        assert!(matches!(store.unlock(actor, "the first password"), Err(KeystoreError::Wrong)));
        assert_eq!(store.unlock(actor, "the second password").expect("unlocked").vkey(), key.vkey());
        let files = fs::read_dir(folder.path()).expect("folder").count();
        assert_eq!(files, 1, "a leftover of writing stays");
    }
}
