//! The daily digest under “My account”: an address, the code that confirms it, and one press that ends it.

use adit_core::units::Timestamp;
use zeroize::Zeroizing;

use super::frame::Desk;
use crate::app::App;
use crate::digest::code::CodeError;
use crate::digest::subscriber::{self, MailWish, Subscriber, Wish};
use crate::digest::{mail, mail_code};
use crate::problem::{ApiRefusal, Problem, unreadable};

/// What the buttons of the bureau's messenger ask for.
pub(super) const POST_ON: &str = "digest_post_on";
const POST_OFF: &str = "digest_post_off";

/// What stands on the page.
pub(super) struct Digest {
    /// Mail can be sent.
    pub(super) mails: bool,
    /// What is kept can't be opened here any more.
    pub(super) lost: bool,
    /// The address that is told; empty where there is none.
    pub(super) address: String,
    /// The address whose code waits to be typed.
    pub(super) asked: String,
    /// An address that did not fit.
    pub(super) typed: String,
    /// What can be done about the bureau's messenger; empty where there is none for whoever looks.
    pub(super) post: &'static str,
    pub(super) says: String,
    /// Who can read the mail on its way; empty where there is none.
    pub(super) who_reads: String,
    /// What was just done, and what was refused: said here, because the page comes back at this place.
    pub(super) done: String,
    pub(super) refusal: String,
}

/// What came of a press on a button of the digest.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) done: String,
    pub(super) refusal: String,
    /// An address that did not fit.
    pub(super) typed: String,
}

impl Digest {
    pub(super) fn of(desk: &Desk, Outcome { done, refusal, typed }: Outcome) -> Self {
        let (app, actor) = (&desk.app, desk.session.actor);
        let kept = subscriber::read(app, actor);
        let lost = kept.is_err();
        let kept = kept.ok().filter(|kept| kept.is_in_force(app, actor)).unwrap_or_default();
        let asked = app.digests.codes.waits(actor, app.office.ledger().now());
        let hour = format!("{:02}:00", app.intake.limits.digest_hour);
        Self {
            mails: app.digests.mail.is_some(),
            lost,
            address: kept.mail.as_ref().map(|mail| mail.address.to_string()).unwrap_or_default(),
            asked: asked.map(|address| address.to_string()).unwrap_or_default(),
            typed,
            post: match (kept.webhook, posts(desk)) {
                (Some(_), _) => POST_OFF,
                (None, true) => POST_ON,
                (None, false) => "",
            },
            who_reads: who_reads(desk).to_owned(),
            says: desk.w.fill("digest.why", &[("hour", &hour)]),
            done,
            refusal,
        }
    }
}

fn who_reads(desk: &Desk) -> &'static str {
    match (desk.app.digests.mail.is_some(), desk.reader.is_enterprise()) {
        (false, _) => "",
        (true, false) => desk.w.t("digest.who_reads"),
        (true, true) => desk.w.t("digest.enterprise_reads"),
    }
}

/// Whether the bureau's messenger is there for whoever looks: never for an enterprise, of which the bureau would learn what waits for it.
fn posts(desk: &Desk) -> bool {
    desk.app.digests.webhook.is_some() && !desk.reader.is_enterprise()
}

/// The first day that is told to whoever begins now.
fn since(app: &App, now: Timestamp, before: Option<Wish>) -> Wish {
    let day = now.day();
    let hour = u64::try_from(now.seconds_since(day.start())).unwrap_or_default() / 3600;
    let first = if hour < app.intake.limits.digest_hour { day } else { day.plus_days(1) };
    match before {
        Some(wish) => Wish { since: wish.since.min(first), ..wish },
        None => Wish { since: first, told: None },
    }
}

/// Mails a code to an address. What is answered is the same whether or not the address exists.
pub(super) fn ask(desk: &Desk, typed: &str) -> Result<(), Problem> {
    let app = &desk.app;
    if app.digests.mail.is_none() {
        return Err(ApiRefusal::DigestOff.into());
    }
    let address = mail::address(typed).ok_or(ApiRefusal::DigestAddress)?;
    let address = Zeroizing::new(address.to_string());
    let (now, limits) = (app.office.ledger().now(), &app.intake.limits);
    let code = app.digests.codes.ask(desk.session.actor, &address, now, limits).map_err(refused)?;
    mail_code(app, &address, &code);
    Ok(())
}

/// Turns the digest on for the address to which the code was mailed.
pub(super) fn confirm(desk: &Desk, typed: &str) -> Result<(), Problem> {
    let (app, actor) = (&desk.app, desk.session.actor);
    let (now, limits) = (app.office.ledger().now(), &app.intake.limits);
    let address = app.digests.codes.confirm(actor, typed, now, limits).map_err(refused)?;
    keep(desk, |kept| {
        let wish = since(app, now, kept.mail.as_ref().map(|mail| mail.wish));
        kept.mail = Some(MailWish { address, wish });
    })
}

/// Forgets an address whose code waits.
pub(super) fn forget(desk: &Desk) {
    desk.app.digests.codes.forget(desk.session.actor);
}

/// Ends the digest by mail, and forgets the address.
pub(super) fn off(desk: &Desk) -> Result<(), Problem> {
    forget(desk);
    keep(desk, |kept| kept.mail = None)
}

/// Begins or ends the digest by the bureau's messenger.
pub(super) fn post(desk: &Desk, begins: bool) -> Result<(), Problem> {
    if begins && !posts(desk) {
        return Err(ApiRefusal::DigestOff.into());
    }
    let now = desk.app.office.ledger().now();
    keep(desk, |kept| kept.webhook = begins.then(|| since(&desk.app, now, kept.webhook)))
}

fn keep(desk: &Desk, work: impl FnOnce(&mut Subscriber)) -> Result<(), Problem> {
    let under_this_key = |kept: &mut Subscriber| {
        if !kept.is_in_force(&desk.app, desk.session.actor) {
            // A new key for a lost one begins without any.
            *kept = Subscriber::default();
        }
        kept.key = Some(desk.session.vkey.clone());
        work(kept);
    };
    subscriber::change(&desk.app, desk.session.actor, under_this_key).map_err(|error| unreadable(&error))
}

fn refused(error: CodeError) -> Problem {
    match error {
        CodeError::TooMany => ApiRefusal::DigestTooManyCodes.into(),
        CodeError::Over => ApiRefusal::DigestCodeOver.into(),
        CodeError::TooSoon { seconds } => {
            Problem::from(ApiRefusal::DigestTooSoon).with("seconds", &seconds.to_string())
        }
        CodeError::Wrong => ApiRefusal::DigestCode.into(),
        CodeError::NoRandomness => unreadable(&"the operating system gave no randomness"),
    }
}
