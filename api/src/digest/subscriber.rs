//! What is kept of a subscriber: where to, since when, and the last day that was told.
//!
//! One file for each, `<keys>/actors/<actor id>.digest`, sealed under the ledger's data key and bound to its account. A password can't
//! seal it, because it is opened while nobody is signed in. It is no part of the ledger, and goes when its owner turns the digest off or
//! the key ends with which they turned it on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use adit_core::id::ActorId;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::vkey::VKey;
use adit_core::units::{Day, Position};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::hold;
use crate::app::App;

/// By which way somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Mail,
    Webhook,
}

impl Way {
    pub(crate) const ALL: [Self; 2] = [Self::Mail, Self::Webhook];
}

/// Since when somebody is told by a way, and the last day for which they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// The first day that is told.
    pub(crate) since: Day,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) told: Option<Day>,
}

impl Wish {
    /// Whether a day is to be told.
    pub(crate) fn is_due(self, day: Day) -> bool {
        self.since <= day && self.told.is_none_or(|told| told < day)
    }
}

/// A confirmed address. It has no `Debug`, so that it stands in no log line.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailWish {
    pub(crate) address: Zeroizing<String>,
    pub(crate) wish: Wish,
}

/// What is kept of one account.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscriber {
    v: u8,
    /// The key with which its owner was signed in. With it ends what is kept: a new key for a lost one begins without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<VKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mail: Option<MailWish>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<Wish>,
}

impl Subscriber {
    pub(crate) fn wish(&self, way: Way) -> Option<Wish> {
        match way {
            Way::Mail => self.mail.as_ref().map(|mail| mail.wish),
            Way::Webhook => self.webhook,
        }
    }

    pub(crate) fn wish_mut(&mut self, way: Way) -> Option<&mut Wish> {
        match way {
            Way::Mail => self.mail.as_mut().map(|mail| &mut mail.wish),
            Way::Webhook => self.webhook.as_mut(),
        }
    }

    /// Whether the key with which its owner was signed in still is in force.
    pub(crate) fn is_in_force(&self, app: &App, actor: ActorId) -> bool {
        let ledger = app.office.ledger();
        let keys = ledger.keys().keys_of(actor, Position(ledger.size()));
        self.key.as_ref().is_some_and(|key| keys.contains(key))
    }

    fn is_empty(&self) -> bool {
        self.mail.is_none() && self.webhook.is_none()
    }
}

/// Why what is kept of a subscriber can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    #[error("couldn't use {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{0} was not sealed by this ledger for this account; its owner turns the digest on anew")]
    NotOurs(PathBuf),
    #[error("couldn't seal what is kept of a subscriber: a ledger in memory keeps none")]
    NoKey,
    #[error(transparent)]
    Keystore(#[from] crate::keystore::KeystoreError),
}

fn path(app: &App, actor: ActorId) -> PathBuf {
    app.keystore.folder().join(format!("{actor}.digest"))
}

fn about(actor: ActorId) -> String {
    format!("digest {actor}")
}

/// What is kept of an account; nothing where it never subscribed.
pub(crate) fn read(app: &App, actor: ActorId) -> Result<Subscriber, KeptError> {
    read_from(app.office.ledger(), &path(app, actor), actor)
}

fn read_from(ledger: &Ledger, path: &Path, actor: ActorId) -> Result<Subscriber, KeptError> {
    let sealed = match fs::read(path) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Subscriber::default()),
        Err(source) => return Err(KeptError::Io { path: path.to_owned(), source }),
    };
    let text = ledger.unseal_beside(sealed, &about(actor)).map(Zeroizing::new);
    let read = text.and_then(|text: Zeroizing<Vec<u8>>| serde_json::from_slice(&text).ok());
    read.ok_or_else(|| KeptError::NotOurs(path.to_owned()))
}

/// Changes what is kept of an account, whole or not at all; on disk when this returns. What can't be opened begins anew.
pub(crate) fn change(app: &App, actor: ActorId, work: impl FnOnce(&mut Subscriber)) -> Result<(), KeptError> {
    let _alone = hold(&app.digests.keeping);
    let mut kept = match read(app, actor) {
        Err(KeptError::NotOurs(_)) => Subscriber::default(),
        other => other?,
    };
    work(&mut kept);
    let path = path(app, actor);
    if kept.is_empty() {
        // Off is on disk before it is answered.
        let gone = || match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.and_then(|()| fs::File::open(app.keystore.folder())?.sync_all()),
        };
        return gone().map_err(|source| KeptError::Io { path: path.clone(), source });
    }
    kept.v = 1;
    let text = serde_json::to_vec(&kept).map_err(|_| KeptError::NoKey)?;
    let sealed = app.office.ledger().seal_beside(text, &about(actor)).ok_or(KeptError::NoKey)?;
    Ok(app.keystore.replace(&path, &sealed)?)
}

/// Who subscribed, in no order that tells anything.
pub(crate) fn all(app: &App) -> Result<Vec<ActorId>, KeptError> {
    let folder = app.keystore.folder();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(KeptError::Io { path: folder.to_owned(), source }),
    };
    let names = entries.filter_map(Result::ok).map(|entry| entry.file_name());
    let actor = |name: std::ffi::OsString| name.to_str()?.strip_suffix(".digest")?.parse::<ActorId>().ok();
    let mut found: Vec<ActorId> = names.filter_map(actor).collect();
    found.sort_unstable();
    Ok(found)
}
