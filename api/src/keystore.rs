//! Officers' signing keys at rest: wrapped by a key that Argon2id makes of the officer's password.
//!
//! One file for each actor, `<keys>/actors/<actor id>.json`, mode 0600. The password is kept nowhere. An unknown actor
//! costs the same work as a wrong password, so that nobody learns who is enrolled.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use adit_core::id::{ActorId, Id};
use adit_core::ledger::home::make_private_folder;
use adit_core::ledger::vkey::{SigningKey, VKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::openid::Link;
use crate::passkeys::{Passkey, PasskeyError};
use crate::second_factor::{CODE_SECONDS, SecondFactor, WrongCodes};
use crate::slow_hash::{MEMORY_KIB, PASSES, SlowHash};
use crate::wrapping::{LINK, SECOND, Sealed, sealed, sealed_link, unwrap, wrap};

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
    #[error("there is a key of this actor, or an account of this name, already")]
    Enrolled,
    /// The password is right, and a second factor is asked for.
    #[error("the code of the second factor is missing")]
    NeedsCode,
    /// Also for a code that was used before.
    #[error("the code of the second factor is wrong")]
    WrongCode,
    /// The password is right, and a passkey is asked for: the account has no codes.
    #[error("the account has passkeys and no codes, and a passkey is shown in a browser alone")]
    NeedsPasskey,
    /// The password is right, and the account at the provider is asked for: there is nothing else.
    #[error(
        "the account is linked with one at an OpenID provider and has no codes, and a provider is asked in a browser alone"
    )]
    NeedsOpenId,
    /// It is another account at the provider than the one that is linked.
    #[error("the account at the OpenID provider is not the one that is linked")]
    OtherOpenId,
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    #[error("couldn't use {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("the key could not be wrapped, or the operating system gave no randomness")]
    Wrap,
}

/// A key as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    v: u8,
    name: String,
    /// The account's name to sign in with; it stands here alone and never in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// The public half; none in files of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<VKey>,
    memory_kib: u32,
    passes: u32,
    salt: String,
    nonce: String,
    sealed: String,
    /// The secret of the second factor, under the same password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    second: Option<Sealed>,
    /// The account at an OpenID provider, under the same password: from the disk nobody learns who that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linked: Option<Sealed>,
    /// Their public halves, which let nobody in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passkeys: Vec<Passkey>,
}

impl Wrapped {
    /// What names the factors that stand under the password.
    fn factors(&self) -> [Option<String>; 2] {
        [&self.second, &self.linked].map(|sealed| sealed.as_ref().map(|sealed| sealed.nonce.clone()))
    }
}

/// What a password opened.
pub(crate) struct Opened {
    pub(crate) key: SigningKey,
    pub(crate) second: Option<SecondFactor>,
    pub(crate) passkeys: Vec<Passkey>,
    pub(crate) link: Option<Link>,
    wrapping: Zeroizing<[u8; 32]>,
    /// Another one stands in the file once the password was changed.
    salt: String,
    /// Names the second factor that makes codes, and the link, as they stood in the file.
    factors: [Option<String>; 2],
}

impl Opened {
    /// Whether the password alone is enough.
    pub(crate) fn is_enough(&self) -> bool {
        self.second.is_none() && self.passkeys.is_empty() && self.link.is_none()
    }
}

/// The folder of wrapped keys.
pub struct Keystore {
    folder: PathBuf,
    hashes: SlowHash,
    /// The last step of each second factor that was used: none is taken twice.
    used: Mutex<BTreeMap<ActorId, u64>>,
    /// Wrong codes since the last right one: whoever has the password alone does not get to try them all.
    wrong: Mutex<BTreeMap<ActorId, WrongCodes>>,
    /// Whoever changes a file reads it, and writes it, alone.
    writing: Mutex<()>,
    /// The account of each file as it was when it was last written: among thousands, those that changed are read again.
    names: Mutex<BTreeMap<ActorId, (SystemTime, Option<String>)>>,
}

impl Keystore {
    pub fn at(folder: &Path) -> Self {
        let hashes = SlowHash::at_once(HASHES_MAX);
        let (used, wrong, writing) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { folder: folder.to_owned(), hashes, used, wrong, writing, names: Mutex::default() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, actor: ActorId) -> PathBuf {
        self.folder.join(format!("{actor}.json"))
    }

    /// Where a key waits until the ledger lets it take the place of another.
    fn waiting_path(&self, actor: ActorId) -> PathBuf {
        self.folder.join(format!("{actor}.waiting.json"))
    }

    /// The actor of an account's name; actors' ids are names of their own.
    pub fn find(&self, account: &str) -> Option<ActorId> {
        if let Ok(actor) = account.parse::<ActorId>() {
            return Some(actor);
        }
        if !is_account(account) {
            return None;
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let files = fs::read_dir(&self.folder).ok()?.filter_map(Result::ok);
        files.into_iter().find_map(|entry| {
            let actor = entry.file_name().to_str()?.strip_suffix(".json")?.parse::<ActorId>().ok()?;
            let written = entry.metadata().and_then(|file| file.modified()).ok()?;
            if names.get(&actor).is_none_or(|(then, _)| *then != written) {
                // What can't be read now is read the next time.
                names.remove(&actor);
                names.insert(actor, (written, read(&self.path(actor))?.account));
            }
            names.get(&actor).is_some_and(|(_, name)| name.as_deref() == Some(account)).then_some(actor)
        })
    }

    /// The name with which somebody signs in.
    pub fn account(&self, actor: ActorId) -> Option<String> {
        read(&self.path(actor)).and_then(|wrapped| wrapped.account)
    }

    /// Whether a key is kept for somebody.
    pub fn has(&self, actor: ActorId) -> bool {
        self.path(actor).exists()
    }

    /// Stores the key of an actor who has none here yet, under an account's name.
    pub fn enrol(
        &self,
        actor: ActorId,
        account: Option<&str>,
        key: &SigningKey,
        password: &str,
    ) -> Result<(), KeystoreError> {
        let taken = || self.path(actor).exists() || account.and_then(|account| self.find(account)).is_some();
        if taken() {
            return Err(KeystoreError::Enrolled);
        }
        let wrapped = self.wrapped(key, account, None, password)?;
        let _alone = self.alone();
        if taken() {
            return Err(KeystoreError::Enrolled);
        }
        self.keep(&self.path(actor), &wrapped)
    }

    /// Keeps a key that takes the place of the present one once the ledger says so: see [`Keystore::take_over`].
    pub fn wait(&self, actor: ActorId, key: &SigningKey, password: &str) -> Result<(), KeystoreError> {
        let account = self.account(actor);
        self.write(&self.waiting_path(actor), key, account.as_deref(), password)
    }

    /// Lets the key that waits take the place of the present one if it is in force.
    pub fn take_over(&self, actor: ActorId, in_force: impl Fn(&VKey) -> bool) -> Result<(), KeystoreError> {
        let _alone = self.alone();
        let waiting = self.waiting_path(actor);
        if !read(&waiting).and_then(|wrapped| wrapped.key).is_some_and(|key| in_force(&key)) {
            return Ok(());
        }
        let moved =
            fs::rename(&waiting, self.path(actor)).and_then(|()| File::open(&self.folder)?.sync_all());
        moved.map_err(|source| KeystoreError::Io { path: waiting, source })
    }

    /// Wraps the same key and the same second factor under another password.
    pub fn change_password(&self, actor: ActorId, old: &str, new: &str) -> Result<(), KeystoreError> {
        if !is_fit(new) {
            return Err(KeystoreError::TooShort);
        }
        let opened = self.open(actor, old)?;
        let fresh = self.wrapped(&opened.key, None, Some(&opened), new)?;
        self.change(actor, &opened, |wrapped| {
            // What began or ended meanwhile is not undone.
            if wrapped.factors() != opened.factors {
                return Err(KeystoreError::Wrong);
            }
            let (account, passkeys) = (wrapped.account.take(), std::mem::take(&mut wrapped.passkeys));
            *wrapped = Wrapped { account, passkeys, ..fresh };
            Ok(())
        })
    }

    /// Begins or ends the second factor that makes codes.
    pub(crate) fn set_second(
        &self,
        actor: ActorId,
        password: &str,
        second: Option<&SecondFactor>,
    ) -> Result<(), KeystoreError> {
        let opened = self.open(actor, password)?;
        let second = second.map(|second| sealed(&opened.wrapping, second.secret(), SECOND)).transpose()?;
        self.change(actor, &opened, |wrapped| {
            wrapped.second = second;
            Ok(())
        })
    }

    /// Whether the second factor of somebody makes codes.
    pub(crate) fn has_codes(&self, actor: ActorId) -> bool {
        read(&self.path(actor)).is_some_and(|wrapped| wrapped.second.is_some())
    }

    /// Links the account of somebody whose password was typed with one at a provider, or ends the link.
    pub(crate) fn set_link(
        &self,
        actor: ActorId,
        opened: &Opened,
        link: Option<&Link>,
    ) -> Result<(), KeystoreError> {
        let linked = link.map(|link| sealed_link(&opened.wrapping, link)).transpose()?;
        self.change(actor, opened, |wrapped| {
            wrapped.linked = linked;
            Ok(())
        })
    }

    /// Whether somebody's account is linked; with which one, their password alone tells.
    pub(crate) fn is_linked(&self, actor: ActorId) -> bool {
        read(&self.path(actor)).is_some_and(|wrapped| wrapped.linked.is_some())
    }

    /// The passkeys of somebody, whose password nobody has typed.
    pub(crate) fn passkeys(&self, actor: ActorId) -> Vec<Passkey> {
        read(&self.path(actor)).map(|wrapped| wrapped.passkeys).unwrap_or_default()
    }

    /// Changes the passkeys of somebody whose password was typed. Nothing is written where `work` fails.
    pub(crate) fn with_passkeys(
        &self,
        actor: ActorId,
        opened: &Opened,
        work: impl FnOnce(&mut Vec<Passkey>) -> Result<(), PasskeyError>,
    ) -> Result<(), KeystoreError> {
        self.change(actor, opened, |wrapped| Ok(work(&mut wrapped.passkeys)?))
    }

    /// Changes what stands in a file, unless the password was changed since it was opened.
    fn change(
        &self,
        actor: ActorId,
        opened: &Opened,
        work: impl FnOnce(&mut Wrapped) -> Result<(), KeystoreError>,
    ) -> Result<(), KeystoreError> {
        let _alone = self.alone();
        let path = self.path(actor);
        let found = read(&path).filter(|wrapped| wrapped.salt == opened.salt);
        let mut wrapped = found.ok_or(KeystoreError::Wrong)?;
        work(&mut wrapped)?;
        self.keep(&path, &wrapped)
    }

    /// Stores `key` under `password`; replaces an older file of the same actor.
    pub fn store(&self, actor: ActorId, key: &SigningKey, password: &str) -> Result<(), KeystoreError> {
        let account = self.account(actor);
        self.write(&self.path(actor), key, account.as_deref(), password)
    }

    fn write(
        &self,
        path: &Path,
        key: &SigningKey,
        account: Option<&str>,
        password: &str,
    ) -> Result<(), KeystoreError> {
        let wrapped = self.wrapped(key, account, None, password)?;
        let _alone = self.alone();
        self.keep(path, &wrapped)
    }

    fn alone(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wrapped(
        &self,
        key: &SigningKey,
        account: Option<&str>,
        keeps: Option<&Opened>,
        password: &str,
    ) -> Result<Wrapped, KeystoreError> {
        if !is_fit(password) {
            return Err(KeystoreError::TooShort);
        }
        let mut salt = [0_u8; 16];
        getrandom::fill(&mut salt).map_err(|_| KeystoreError::Wrap)?;
        let wrapping = self.hash(password, &salt, MEMORY_KIB, PASSES)?;
        let (nonce, sealed) = wrap(&wrapping, key.seed().as_ref(), key.name().as_bytes())?;
        let second = keeps.and_then(|opened| opened.second.as_ref());
        let second = second.map(|second| self::sealed(&wrapping, second.secret(), SECOND)).transpose()?;
        let link = keeps.and_then(|opened| opened.link.as_ref());
        let linked = link.map(|link| sealed_link(&wrapping, link)).transpose()?;
        Ok(Wrapped {
            v: 1,
            name: key.name().to_owned(),
            account: account.map(str::to_owned),
            key: Some(key.vkey()),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt: STANDARD.encode(salt),
            nonce,
            sealed,
            second,
            linked,
            passkeys: Vec::new(),
        })
    }

    /// Unlocks the key of `actor`, who has no second factor.
    pub fn unlock(&self, actor: ActorId, password: &str) -> Result<SigningKey, KeystoreError> {
        self.unlock_with(actor, password, "", 0)
    }

    /// Unlocks the key of `actor` at a time in seconds; `code` is what the second factor shows then, where there is one.
    pub fn unlock_with(
        &self,
        actor: ActorId,
        password: &str,
        code: &str,
        seconds: u64,
    ) -> Result<SigningKey, KeystoreError> {
        let opened = self.open(actor, password)?;
        self.still_stands(actor, &opened)?;
        if !opened.is_enough() {
            self.check_code(actor, &opened, code, seconds)?;
        }
        Ok(opened.key)
    }

    /// Whether what a password opened is what stands in the file: it may have waited for its turn, or for a second factor, while the
    /// password was changed or a factor was added.
    pub(crate) fn still_stands(&self, actor: ActorId, opened: &Opened) -> Result<(), KeystoreError> {
        let stands = read(&self.path(actor)).is_some_and(|wrapped| {
            wrapped.salt == opened.salt
                && wrapped.factors() == opened.factors
                && (!opened.is_enough() || wrapped.passkeys.is_empty())
        });
        if stands { Ok(()) } else { Err(KeystoreError::Wrong) }
    }

    /// Whether a code is what the second factor shows at a time in seconds, for the first time.
    pub(crate) fn check_code(
        &self,
        actor: ActorId,
        opened: &Opened,
        code: &str,
        seconds: u64,
    ) -> Result<(), KeystoreError> {
        let Some(second) = &opened.second else {
            let by_link = opened.passkeys.is_empty();
            return Err(if by_link { KeystoreError::NeedsOpenId } else { KeystoreError::NeedsPasskey });
        };
        if code.trim().is_empty() {
            return Err(KeystoreError::NeedsCode);
        }
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let now = seconds / CODE_SECONDS;
        let before = wrong.get(&actor).copied().unwrap_or_default();
        if !before.lets_try(now) {
            return Err(KeystoreError::WrongCode);
        }
        let Some(step) = second.check(code, seconds) else {
            wrong.insert(actor, before.after(now));
            return Err(KeystoreError::WrongCode);
        };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.get(&actor).is_some_and(|last| *last >= step) {
            return Err(KeystoreError::WrongCode);
        }
        used.insert(actor, step);
        wrong.remove(&actor);
        Ok(())
    }

    /// What the password of `actor` opens.
    pub(crate) fn open(&self, actor: ActorId, password: &str) -> Result<Opened, KeystoreError> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(KeystoreError::Wrong);
        }
        let Some(wrapped) = read(&self.path(actor)) else {
            // The same work as for a key that is there.
            drop(self.hash(password, &[0; 16], MEMORY_KIB, PASSES));
            return Err(KeystoreError::Wrong);
        };
        let salt = STANDARD.decode(&wrapped.salt).map_err(|_| KeystoreError::Wrong)?;
        let wrapping = self.hash(password, &salt, wrapped.memory_kib, wrapped.passes)?;
        let seed = unwrap(&wrapping, &wrapped.nonce, &wrapped.sealed, wrapped.name.as_bytes())?;
        let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| KeystoreError::Wrong)?;
        let key = SigningKey::from_seed(&wrapped.name, seed).map_err(|_| KeystoreError::Wrong)?;
        let factors = wrapped.factors();
        let second = wrapped.second.map(|Sealed { nonce, sealed }| {
            let secret = unwrap(&wrapping, &nonce, &sealed, SECOND)?;
            SecondFactor::of(&secret).ok_or(KeystoreError::Wrong)
        });
        let link = wrapped.linked.map(|Sealed { nonce, sealed }| {
            let link = unwrap(&wrapping, &nonce, &sealed, LINK)?;
            serde_json::from_slice(&link).map_err(|_| KeystoreError::Wrong)
        });
        let (second, link, passkeys, salt) =
            (second.transpose()?, link.transpose()?, wrapped.passkeys, wrapped.salt);
        Ok(Opened { key, second, passkeys, link, wrapping, salt, factors })
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

    fn keep(&self, path: &Path, wrapped: &Wrapped) -> Result<(), KeystoreError> {
        self.replace(path, &serde_json::to_vec_pretty(wrapped).map_err(|_| KeystoreError::Wrap)?)
    }

    /// Puts a file into the folder, whole or not at all, for nobody else's eyes.
    pub(crate) fn replace(&self, path: &Path, text: &[u8]) -> Result<(), KeystoreError> {
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

fn read(path: &Path) -> Option<Wrapped> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Whether a name can be an account's: 3 to 32 small letters, digits, full stops and dashes.
pub fn is_account(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    (3..=32).contains(&name.len()) && name.chars().all(fits) && name.parse::<ActorId>().is_err()
}

/// Whether a password is long enough, and not endless.
pub(crate) fn is_fit(password: &str) -> bool {
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
    fn a_file_that_could_not_be_read_once_is_read_again_and_its_time_may_be_any() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Keystore::at(folder.path());
        let actor = ActorId(Id([7; 16]));
        let key = SigningKey::from_seed("a.example/actor/x", &[9; 32]).expect("key");
        store.enrol(actor, Some("wang"), &key, "the first password").expect("enrolled");
        let path = store.path(actor);
        let whole = fs::read(&path).expect("file");
        let write = |content: &[u8]| {
            fs::write(&path, content).expect("written");
            let file = fs::OpenOptions::new().write(true).open(&path).expect("file");
            file.set_modified(SystemTime::UNIX_EPOCH).expect("time");
        };
        write(&whole[..10]);
        assert_eq!(store.find("wang"), None);
        write(&whole);
        assert_eq!(store.find("wang"), Some(actor));
    }

    #[test]
    fn after_a_change_only_the_new_password_opens_the_same_key() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Keystore::at(folder.path());
        let actor = ActorId(Id([7; 16]));
        let key = SigningKey::from_seed("a.example/actor/x", &[9; 32]).expect("key");
        store.enrol(actor, Some("wang"), &key, "the first password").expect("enrolled");
        assert!(matches!(store.enrol(actor, None, &key, "another password"), Err(KeystoreError::Enrolled)));
        let other = ActorId(Id([8; 16]));
        assert!(matches!(
            store.enrol(other, Some("wang"), &key, "another password"),
            Err(KeystoreError::Enrolled)
        ));
        assert_eq!((store.find("wang"), store.find("Wang")), (Some(actor), None));
        store.change_password(actor, "the first password", "the second password").expect("changed");
        assert!(matches!(store.unlock(actor, "the first password"), Err(KeystoreError::Wrong)));
        assert_eq!(store.unlock(actor, "the second password").expect("unlocked").vkey(), key.vkey());
        let files = fs::read_dir(folder.path()).expect("folder").count();
        assert_eq!(files, 1, "a leftover of writing stays");
    }

    #[test]
    fn an_account_is_found_by_the_name_that_its_file_has_now() {
        let folder = tempfile::tempdir().expect("folder");
        let (store, other) = (Keystore::at(folder.path()), Keystore::at(folder.path()));
        let actor = ActorId(Id([7; 16]));
        let key = SigningKey::from_seed("a.example/actor/x", &[9; 32]).expect("key");
        assert_eq!(store.find("wang"), None);
        other.enrol(actor, Some("wang"), &key, "the first password").expect("enrolled");
        assert_eq!(store.find("wang"), Some(actor), "another program wrote it");
        fs::remove_file(store.path(actor)).expect("removed");
        assert_eq!(store.find("wang"), None);
        other.enrol(actor, Some("zhao"), &key, "the first password").expect("enrolled");
        assert_eq!((store.find("wang"), store.find("zhao")), (None, Some(actor)));
    }

    #[test]
    fn a_second_factor_is_asked_for_once_it_is_set_and_takes_no_code_twice() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Keystore::at(folder.path());
        let actor = ActorId(Id([7; 16]));
        let key = SigningKey::from_seed("a.example/actor/x", &[9; 32]).expect("key");
        store.enrol(actor, None, &key, "the first password").expect("enrolled");
        let second = SecondFactor::of(&[5; 20]).expect("a factor");
        store.set_second(actor, "the first password", Some(&second)).expect("set");
        store.change_password(actor, "the first password", "the second password").expect("changed");
        let (now, password) = (1_700_000_000, "the second password");
        assert!(matches!(store.unlock(actor, password), Err(KeystoreError::NeedsCode)));
        assert!(matches!(store.unlock_with(actor, password, "000000", now), Err(KeystoreError::WrongCode)));
        let code = second.code(now);
        assert!(matches!(store.unlock_with(actor, "wrong", &code, now), Err(KeystoreError::Wrong)));
        store.unlock_with(actor, password, &code, now).expect("unlocked");
        assert!(matches!(store.unlock_with(actor, password, &code, now + 5), Err(KeystoreError::WrongCode)));
        store.unlock_with(actor, password, &second.code(now + 60), now + 60).expect("unlocked");
        let later = now + 120;
        for _ in 0..5 {
            assert!(matches!(
                store.unlock_with(actor, password, "000000", later),
                Err(KeystoreError::WrongCode)
            ));
        }
        let code = second.code(later);
        assert!(
            matches!(store.unlock_with(actor, password, &code, later), Err(KeystoreError::WrongCode)),
            "guessing goes on"
        );
        store
            .unlock_with(actor, password, &second.code(later + 30), later + 30)
            .expect("unlocked in the next step");
    }

    #[test]
    fn given_a_password_that_was_opened_when_a_factor_or_a_password_changes_then_it_counts_no_more() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Keystore::at(folder.path());
        let actor = ActorId(Id([7; 16]));
        let key = SigningKey::from_seed("a.example/actor/x", &[9; 32]).expect("key");
        store.enrol(actor, None, &key, "the first password").expect("enrolled");
        let open = || store.open(actor, "the first password").expect("opened");
        let stands = |opened: &Opened| store.still_stands(actor, opened).is_ok();
        let alone = open();
        assert!(stands(&alone));
        let second = SecondFactor::of(&[5; 20]).expect("a factor");
        store.set_second(actor, "the first password", Some(&second)).expect("set");
        let with_codes = open();
        assert!(!stands(&alone) && stands(&with_codes));
        store.change_password(actor, "the first password", "the second password").expect("changed");
        assert!(!stands(&with_codes));
    }

    #[test]
    fn a_key_that_waits_takes_over_once_it_is_in_force() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Keystore::at(folder.path());
        let actor = ActorId(Id([7; 16]));
        let old = SigningKey::from_seed("a.example/actor/x", &[9; 32]).expect("key");
        let new = SigningKey::from_seed("a.example/actor/x", &[8; 32]).expect("key");
        store.enrol(actor, Some("wang"), &old, "the first password").expect("enrolled");
        store.wait(actor, &new, "the second password").expect("kept");
        store.take_over(actor, |_| false).expect("nothing");
        assert_eq!(store.unlock(actor, "the first password").expect("unlocked").vkey(), old.vkey());
        let passkey = serde_json::json!({ "id": "AA==", "transports": 0, "fixed": "", "moving": "", "name": "x",
            "made": "2024-05-10T02:00:00Z" });
        let opened = store.open(actor, "the first password").expect("opened");
        let add = |own: &mut Vec<Passkey>| {
            own.push(serde_json::from_value(passkey.clone()).expect("a passkey"));
            Ok(())
        };
        let link = Link { issuer: "https://id.example".to_owned(), subject: "a subject".to_owned() };
        store.set_link(actor, &opened, Some(&link)).expect("linked");
        assert!(matches!(store.unlock(actor, "the first password"), Err(KeystoreError::NeedsOpenId)));
        store.with_passkeys(actor, &opened, add).expect("added");
        assert!(matches!(store.unlock(actor, "the first password"), Err(KeystoreError::NeedsPasskey)));
        assert!(store.still_stands(actor, &opened).is_err(), "a link came meanwhile");
        let text = fs::read_to_string(store.path(actor)).expect("file");
        assert!(
            !text.contains("id.example") && !text.contains("a subject"),
            "who it is there stands in the file"
        );
        store.change_password(actor, "the first password", "the first password").expect("the same");
        let stale = store.with_passkeys(actor, &opened, |_| Ok(()));
        assert!(matches!(stale, Err(KeystoreError::Wrong)), "the password was changed meanwhile");
        assert_eq!(store.passkeys(actor).len(), 1, "another password loses none");
        let again = store.open(actor, "the first password").expect("opened");
        assert!(again.link.as_ref().is_some_and(|kept| kept.is(&link)), "another password loses the link");
        store.take_over(actor, |key| *key == new.vkey()).expect("taken over");
        assert_eq!(store.unlock(actor, "the second password").expect("unlocked").vkey(), new.vkey());
        assert_eq!(store.passkeys(actor), Vec::new(), "what was lost with the old key lets nobody in");
        assert!(!store.is_linked(actor), "the old link stays");
        assert_eq!(store.find("wang"), Some(actor));
    }
}
