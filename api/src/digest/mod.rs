//! The daily digest: once a day each subscriber is told that something waits for them, or that nothing does, and not a word more.
//!
//! What it says is what the subscriber's own worklist says (`desk::anything_waits`). It goes out at the same hour of every day,
//! also when nothing waits, and both messages are equally long, so that whoever watches mail learns nothing from it. `message` has the
//! words, `mail` and `webhook` the two ways, `subscriber` what is kept of each, `code` how an address is confirmed, `round` how each
//! gets it once a day.
//!
//! An address is in no log line, error, metric or URL: errors of libraries, which may quote a server that quotes it, end in [`Trouble`].

pub(crate) mod code;
pub mod mail;
pub(crate) mod message;
mod round;
pub mod settings;
pub(crate) mod subscriber;
pub mod webhook;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use adit_core::id::ActorId;
use adit_core::units::{Day, Timestamp};

use self::code::Codes;
use self::mail::Mail;
use self::subscriber::Way;
use self::webhook::Webhook;
use crate::app::App;

pub(crate) use self::round::counted;
pub use self::round::{Round, round, run};

/// Why a message did not go out, as its operator may hear of it. Nothing of what the other side said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No answer, or none in time.
    #[error("the server can't be reached")]
    Unreachable,
    /// What answers speaks no TLS, or has a certificate that is not trusted.
    #[error("the server has no TLS that can be trusted")]
    Tls,
    /// User and password, or the token, were not taken.
    #[error("the server does not let us in")]
    NotLetIn,
    /// It offers less than the settings ask for: no TLS, or no way to sign in that is known here.
    #[error("the server offers less than the settings ask for")]
    Unfit,
    /// The server took no stand on this message: it hung up on it, or let it wait too long. It may have been delivered.
    #[error("the server left a message unanswered")]
    Silent,
    /// This message was refused, and will be again.
    #[error("the server refused a message")]
    Refused,
    /// This message was put off.
    #[error("the server put a message off")]
    Later,
    /// The ledger, or what is kept of a subscriber, can't be read or written here.
    #[error("what is kept here could not be read or written")]
    Here,
}

impl Trouble {
    /// Whether every other message would fare the same.
    fn is_of_server(self) -> bool {
        matches!(self, Self::Unreachable | Self::Tls | Self::NotLetIn | Self::Unfit)
    }

    /// Whether it is one mailbox's own, and says nothing of any other.
    fn is_of_mailbox(self) -> bool {
        matches!(self, Self::Refused | Self::Silent)
    }
}

/// How today's digests stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Today {
    day: Option<Day>,
    /// Rounds that left somebody untold.
    failures: u64,
    not_before: Option<Timestamp>,
    /// Everybody was told, or no more tries are made.
    is_over: bool,
    /// Who was told, also where that could not be written down.
    told: BTreeSet<(ActorId, Way)>,
    /// To whom no more tries are made today, while others are told: their mailbox refuses, or was silent twice.
    settled: BTreeSet<(ActorId, Way)>,
    /// For whom the server was silent once.
    silent: BTreeSet<(ActorId, Way)>,
    /// Why the last round left somebody untold.
    pub(crate) trouble: Option<Trouble>,
    /// No more tries are made today.
    pub(crate) gave_up: bool,
}

/// What the server's digests have in memory.
pub struct Digests {
    pub(crate) mail: Option<Mail>,
    pub(crate) webhook: Option<Webhook>,
    pub(crate) codes: Codes,
    /// One at a time changes what is kept of a subscriber.
    keeping: Mutex<()>,
    /// One round at a time.
    turn: tokio::sync::Mutex<()>,
    today: Mutex<Today>,
    /// Why the last code was not mailed, where that is the mail server's fault or ours.
    unmailed: Mutex<Option<Trouble>>,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Today {
    /// Whether somebody's mailbox is left alone for today after such trouble. A message that was left unanswered may have arrived: it is tried
    /// once more. A messenger that refuses refuses everybody, and is the bureau's own.
    fn settles(&mut self, who: (ActorId, Way), trouble: Trouble) -> bool {
        let once_more = trouble == Trouble::Silent && self.silent.insert(who);
        let settled = who.1 == Way::Mail && trouble.is_of_mailbox() && !once_more;
        if settled {
            self.settled.insert(who);
        }
        settled
    }

    /// How many are left alone for today.
    pub(crate) fn settled(&self) -> usize {
        self.settled.len()
    }
}

impl Digests {
    pub(crate) fn new(mail: Option<Mail>, webhook: Option<Webhook>) -> Self {
        Self {
            mail,
            webhook,
            codes: Codes::default(),
            keeping: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            today: Mutex::default(),
            unmailed: Mutex::default(),
        }
    }

    /// Whether anybody can be told anything.
    pub(crate) fn is_on(&self) -> bool {
        self.mail.is_some() || self.webhook.is_some()
    }

    pub(crate) fn today(&self) -> Today {
        hold(&self.today).clone()
    }

    pub(crate) fn unmailed(&self) -> Option<Trouble> {
        *hold(&self.unmailed)
    }
}

/// Mails a code to the address that somebody typed. It goes apart from the request, so that neither its answer nor the time that this
/// takes tells whether the address exists.
pub(crate) fn mail_code(app: &Arc<App>, address: &str, code: &str) {
    let Some(mail) = app.digests.mail.clone() else { return };
    let minutes = app.intake.limits.digest_code_minutes;
    let (app, address) = (Arc::clone(app), zeroize::Zeroizing::new(address.to_owned()));
    let text = message::Message::code(code, minutes);
    tokio::spawn(async move {
        let done = mail.send(&address, &text, app.office.ledger().now()).await;
        if let Err(trouble) = done {
            tracing::warn!(%trouble, "a code for a daily digest could not be mailed");
        }
        // What one address does is no fault of the server, and is told to nobody.
        *hold(&app.digests.unmailed) = done.err().filter(|trouble| !trouble.is_of_mailbox());
    });
}
