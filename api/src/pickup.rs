//! What a clerk takes down, and the one-time code for which its reporter gets a secret of their own.
//!
//! A code is looked for under its case number, so that nothing is scanned. Every answer to a try leaves after the same time,
//! whatever it says. No number of wrong tries locks anything: a quick hash turns away 255 of 256 of them, and only the rest wait
//! for the slow one, one at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adit_core::command::{Command, Request};
use adit_core::event::{Event, Fact};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::blobs::BlobError;
use adit_core::ledger::proposal::EntryFault;
use adit_core::ledger::vkey::{SigningKey, VKey, hex};
use adit_core::office::{Answer, Decision, Hand};
use adit_core::refusal::Refusal;
use adit_core::report::{
    Blob, Channel, Copied, Holds, OneTimeCode, PickUp, Pickup, Report, ReportCommand, ReportEvent,
    ReportRefusal, case_number, parse_case_number, pickup_key,
};
use adit_core::seal::{self, Identity, Kind};
use adit_core::secret::Secret;
use adit_core::text::Text;
use adit_core::units::Day;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::app::App;
use crate::handlers::blocking;
use crate::handlers::sealed::check_blobs;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::reporter::language::Language;
use crate::reporter::report::{Draft, Sent, seal_draft};
use crate::slow_hash::{MEMORY_KIB, PASSES, SlowHash};

/// From a try to its answer, in milliseconds: longer than a slow hash takes.
const ANSWER_MILLIS: u64 = 700;
/// Codes that wait for the slow hash; more are told to come back. Guesses alone do not fill this: 255 of 256 never wait.
const WAITING_MAX: usize = 64;
/// How often a case number is drawn that no other report has.
const DRAWS_MAX: usize = 16;

/// Where codes are compared.
pub(crate) struct Counter {
    hashes: SlowHash,
    waiting: Semaphore,
}

impl Default for Counter {
    fn default() -> Self {
        Self { hashes: SlowHash::at_once(1), waiting: Semaphore::new(WAITING_MAX) }
    }
}

impl Counter {
    /// A place among those who wait for the slow hash.
    pub(crate) fn place(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.waiting.try_acquire().map_err(|_| ApiRefusal::TooManyTries.into())
    }

    pub(crate) fn slow(&self, code: &OneTimeCode, salt: &str) -> Result<Zeroizing<[u8; 32]>, Problem> {
        let slow = self.hashes.hash(code.digits(), salt.as_bytes(), MEMORY_KIB, PASSES);
        slow.ok_or_else(|| ApiRefusal::Unreadable.into())
    }
}

/// A report that was taken down.
pub(crate) struct Taken {
    pub(crate) answer: Answer,
    pub(crate) number: String,
    /// To be read out once.
    pub(crate) code: OneTimeCode,
    /// When it is decided whether to accept it.
    pub(crate) accept_due: Option<Day>,
}

/// Takes down what somebody reports by telephone, letter or visit: seals the words to the intake officers and to the code, and enters
/// the report with the clerk's one-time key. The same id by the same clerk is the same report and the same code.
pub(crate) fn take_down(
    app: &App,
    clerk: &SigningKey,
    id: CommandId,
    channel: Channel,
    w: Language,
    draft: &Draft,
) -> Result<Taken, Problem> {
    let ledger = app.office.ledger();
    let code = OneTimeCode::of_clerk(clerk, ledger.origin(), &id);
    if let Some(taken) = taken_before(app, clerk, id, &code)? {
        return Ok(taken);
    }
    if let Some(fault) = draft.fault() {
        return Err(fault.into());
    }
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(|error| unreadable(&error))?;
    let slow = app.pickups.slow(&code, &hex(&salt))?;
    let pickup = Pickup::new(&salt, &code, &slow).ok_or(ApiRefusal::Unreadable)?;
    let sealed = seal_draft(app, w, draft, pickup.recipient.as_str()).map_err(Sent::problem)?;
    let report = Report {
        matter: draft.matter(),
        channel,
        key: None,
        claim_key: None,
        recipient: None,
        insider: draft.insider,
        testimony: Some(sealed.testimony),
        files: sealed.files,
        excluded: draft.excluded.iter().copied().collect(),
        pickup: Some(pickup),
    };
    let command = Command::Report(ReportCommand::Report(report));
    let request = Request { id, stream: Some(fresh_case(app)?), command };
    let entered =
        check_blobs(app, &request, &[]).and_then(|()| Ok(app.office.execute(&request, &[clerk])?));
    match entered {
        Ok(answer) => taken(app, answer, code),
        // The same form was sent twice at once, and the other one came first.
        Err(problem) => taken_before(app, clerk, id, &code)?.ok_or(problem),
    }
}

/// A new stream whose case number no report has that waits, or has waited, for its reporter.
fn fresh_case(app: &App) -> Result<StreamId, Problem> {
    for _ in 0..DRAWS_MAX {
        let id = Id::random().map_err(|error| unreadable(&error))?;
        let stream = StreamId::new(StreamKind::Report, id);
        if app.office.find(&pickup_key(&case_number(&stream)))?.is_none() {
            return Ok(stream);
        }
    }
    Err(ApiRefusal::Conflict.into())
}

/// What was answered to this command before, if it was this clerk's.
fn taken_before(
    app: &App,
    clerk: &SigningKey,
    id: CommandId,
    code: &OneTimeCode,
) -> Result<Option<Taken>, Problem> {
    let ledger = app.office.ledger();
    let Some(before) = ledger.answered(&id).map_err(|error| unreadable(&error))? else { return Ok(None) };
    let first = before.positions.first().copied().ok_or(ApiRefusal::NotFound)?;
    let stored = ledger.stored(first).map_err(|error| unreadable(&error))?.ok_or(ApiRefusal::NotFound)?;
    let fact = Fact::decode(&stored).map_err(|error| unreadable(&error))?;
    let by = ledger.keys().actor_of(&clerk.vkey());
    let waits =
        matches!(&fact.event, Event::Report(ReportEvent::Reported(one)) if one.report.pickup.is_some());
    if !waits || by.is_none_or(|by: ActorId| !fact.by.contains(&by)) {
        return Err(Refusal::from(EntryFault::CommandIdReused).into());
    }
    let answer = Answer { stream: fact.stream, positions: before.positions, repeated: true };
    taken(app, answer, code.clone()).map(Some)
}

fn taken(app: &App, answer: Answer, code: OneTimeCode) -> Result<Taken, Problem> {
    let state = app.office.report(answer.stream)?;
    let accept_due = state.clocks.get("accept").copied();
    Ok(Taken { number: case_number(&answer.stream), accept_due, answer, code })
}

/// A case whose code was right.
pub(crate) struct Unlocked {
    pub(crate) report: StreamId,
    /// Reads what was sealed until now.
    identity: Identity,
    proof: Zeroizing<String>,
}

/// Compares a code. The code is not used up by it.
pub(crate) async fn unlock(app: &Arc<App>, number: &str, code: &str) -> Result<Unlocked, Problem> {
    let number = parse_case_number(number).ok_or_else(|| Refusal::new("reporter.bad_case_number"))?;
    let code = OneTimeCode::parse(code).ok_or_else(|| Refusal::new("reporter.bad_pickup_code"))?;
    in_equal_time(compare(app, number, code)).await
}

/// Nobody learns from the time of an answer what it was compared with.
pub(crate) async fn in_equal_time<T>(tried: impl Future<Output = T>) -> T {
    let leaves = Instant::now() + Duration::from_millis(ANSWER_MILLIS);
    let said = tried.await;
    tokio::time::sleep_until(leaves).await;
    said
}

async fn compare(app: &Arc<App>, number: String, code: OneTimeCode) -> Result<Unlocked, Problem> {
    let wrong = || Problem::from(Refusal::from(ReportRefusal::WrongPickupCode));
    let worker = Arc::clone(app);
    let (report, pickup) = blocking(move || {
        let report = worker.office.find(&pickup_key(&number))?;
        let pickup = match report {
            Some(report) => worker.office.report(report)?.pickup,
            None => Pickup::nowhere(&number),
        };
        Ok((report, pickup.ok_or(ApiRefusal::Unreadable)?))
    })
    .await?;
    if !pickup.may_be(&code) {
        return Err(wrong());
    }
    let place = app.pickups.place()?;
    let worker = Arc::clone(app);
    let compared = blocking(move || {
        let slow = worker.pickups.slow(&code, pickup.salt.as_str())?;
        Ok(pickup.identity(&slow).map(|identity| (identity, Zeroizing::new(hex(slow.as_ref())))))
    })
    .await;
    drop(place);
    let (identity, proof) = compared?.ok_or_else(wrong)?;
    Ok(Unlocked { report: report.ok_or_else(wrong)?, identity, proof })
}

/// The public halves of a reporter's own secret.
pub(crate) struct Own {
    pub(crate) key: VKey,
    pub(crate) claim_key: String,
    pub(crate) recipient: String,
}

impl Own {
    /// As they follow from a secret; with the key that signs.
    pub(crate) fn of(
        secret: &Secret,
        origin: &str,
        report: &StreamId,
    ) -> Result<(Self, SigningKey), Problem> {
        let key = secret.sign_key(origin, report).map_err(|error| unreadable(&error))?;
        let claim_key = secret.claim_public(origin).map_err(|error| unreadable(&error))?;
        Ok((Self { key: key.vkey(), claim_key, recipient: secret.identity(origin).recipient() }, key))
    }

    /// As a client that keeps its secret says them; `None` for what is no key.
    pub(crate) fn said(
        origin: &str,
        report: &StreamId,
        key: [u8; 32],
        claim_key: &str,
        recipient: &str,
    ) -> Option<Self> {
        let key = VKey::new(&format!("{origin}/{report}"), adit_core::ledger::vkey::ED25519, key)?;
        let sound = adit_core::ledger::vkey::is_hash(claim_key)
            && adit_core::ledger::entry::is_age_recipient(recipient);
        sound.then(|| Self { key, claim_key: claim_key.to_owned(), recipient: recipient.to_owned() })
    }
}

impl Unlocked {
    /// The command that uses the code up. What was sealed to the code is sealed again to the reporter.
    fn request(&self, app: &App, id: CommandId, own: &Own, copies: Vec<Copied>) -> Result<Request, Problem> {
        let text = |text: &str| Text::new(text).map_err(|error| unreadable(&error));
        let pick_up = PickUp {
            key: own.key.clone(),
            claim_key: text(&own.claim_key)?,
            recipient: text(&own.recipient)?,
            proof: text(&self.proof)?,
            copies,
        };
        let command = Command::Report(ReportCommand::PickUp(pick_up));
        let request = Request { id, stream: Some(self.report), command };
        check_blobs(app, &request, &[])?;
        Ok(request)
    }

    /// Whether the code could be used up now; nothing is written.
    pub(crate) fn check(&self, app: &App, secret: &Secret) -> Result<(), Problem> {
        let ledger = app.office.ledger();
        let (own, key) = Own::of(secret, ledger.origin(), &self.report)?;
        let request = self.request(app, secret.command_id(ledger.origin()), &own, Vec::new())?;
        app.office.prepare(&request, &[Hand::Held(&key), Hand::Held(&ledger.log_key())])?;
        Ok(())
    }

    /// Uses the code up: the reporter's own key, signed by it and by the log.
    pub(crate) fn exchange(&self, app: &App, secret: &Secret) -> Result<(), Problem> {
        self.check(app, secret)?;
        let ledger = app.office.ledger();
        let (own, key) = Own::of(secret, ledger.origin(), &self.report)?;
        let copies = self.copies(app, &own.recipient)?;
        let request = self.request(app, secret.command_id(ledger.origin()), &own, copies)?;
        app.office.execute(&request, &[&key, &ledger.log_key()])?;
        Ok(())
    }

    /// The same for a client that signs by itself: what is to be signed.
    pub(crate) fn prepare(&self, app: &App, id: CommandId, own: &Own) -> Result<Decision, Problem> {
        let log = app.office.ledger().log_key();
        let hands = [Hand::Elsewhere(&own.key), Hand::Held(&log)];
        let bare = self.request(app, id, own, Vec::new())?;
        app.office.prepare(&bare, &hands)?;
        let request = self.request(app, id, own, self.copies(app, &own.recipient)?)?;
        Ok(app.office.prepare(&request, &hands)?)
    }

    /// Everything that is sealed to the code, sealed to this recipient. What was erased stays erased.
    fn copies(&self, app: &App, to: &str) -> Result<Vec<Copied>, Problem> {
        let ledger = app.office.ledger();
        let blobs = ledger.blobs().ok_or(ApiRefusal::Unreadable)?;
        let code = self.identity.recipient();
        let mut copies = BTreeMap::new();
        for fact in ledger.stream(&self.report).map_err(|error| unreadable(&error))? {
            let Event::Report(event) = &fact.event else { continue };
            for (holds, blob) in event.blobs() {
                let readable = blob.recipients.iter().any(|age| age.as_str() == code);
                if holds == Holds::File || !readable || copies.contains_key(&blob.blob) {
                    continue;
                }
                let sealed = match blobs.read(blob.blob.as_str()) {
                    Ok(sealed) => sealed,
                    Err(BlobError::Missing(_)) => continue,
                    Err(error @ (BlobError::Damaged(_) | BlobError::Io(_))) => return Err(error.into()),
                };
                // Whoever sealed it may have named the code's recipient without sealing to it; then there is nothing to copy.
                let Ok(content) = seal::open(&sealed, &self.identity) else { continue };
                let sealed = seal::seal(&content, [to], Kind::Text).map_err(|error| unreadable(&error))?;
                let copy = Blob::new(&blobs.put(&sealed)?, sealed.len() as u64, &[to.to_owned()]);
                copies.insert(blob.blob.clone(), copy.ok_or(ApiRefusal::Unreadable)?);
            }
        }
        Ok(copies.into_iter().map(|(of, copy)| Copied { of, copy }).collect())
    }
}
