//! Commands: signed here by the session's key, by a second officer, or by keys that the client keeps.

use std::sync::Arc;

use adit_core::command::{Command, CommandError, Request};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::entry::Line;
use adit_core::ledger::keyring::KeyRing;
use adit_core::ledger::merkle::leaf_hash;
use adit_core::ledger::note::{Note, SignatureLine};
use adit_core::ledger::proposal::EntryFault;
use adit_core::ledger::vkey::{SigningKey, VKey, hex};
use adit_core::office::{Answer, Decision, Hand, Prepared};
use adit_core::refusal::Refusal;
use adit_core::report::ReportRefusal;
use adit_core::role::Party;
use adit_core::units::Position;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::sealed::check_blobs;
use super::{Answered, Shared, blocking, json, ok};
use crate::access::Reader;
use crate::app::App;
use crate::attached::check_files;
use crate::extract::{Anybody, Json, JsonBytes, SignedIn};
use crate::json::{place, problem_at, read};
use crate::pending::{Found, Second};
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::session::Session;

/// A command with its idempotency key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandBody<'a> {
    id: CommandId,
    #[serde(default)]
    stream: Option<StreamId>,
    r#type: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
    /// A second officer who must sign too; the command waits for their consent.
    #[serde(default)]
    co_signer: Option<ActorId>,
}

/// A command whose signers hold their keys themselves.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PrepareBody<'a> {
    id: CommandId,
    #[serde(default)]
    stream: Option<StreamId>,
    r#type: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
    signers: Vec<VKey>,
}

/// What was signed elsewhere.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Append {
    pending: Id,
    /// For each text, in order, the signed note: the text as it was, an empty line, one line for each signature.
    notes: Vec<String>,
}

/// Reads the command inside a request; `bytes` are the whole request, so that a fault is shown where it stands.
fn command(kind: &str, data: &RawValue, bytes: &[u8]) -> Result<Command, Problem> {
    Command::parse(kind, data).map_err(|error| match error {
        CommandError::UnknownType(_) => ApiRefusal::UnknownCommand.into(),
        CommandError::Data { source, .. } => {
            // The parser read the data behind a head of its own; only its first line is shifted by that.
            let head = format!("{{\"type\":\"{kind}\",\"data\":").len();
            let offset = (data.get().as_ptr() as usize).saturating_sub(bytes.as_ptr() as usize);
            let (line, column) = place(bytes, offset);
            match source.line() {
                0 | 1 => problem_at(&source, line, column + source.column().saturating_sub(head + 1)),
                further => problem_at(&source, line + further - 1, source.column()),
            }
        }
    })
}

/// Which checkpoints somebody may have.
#[derive(Clone, Copy)]
pub(super) enum Sight {
    /// Officers: the newest.
    Newest,
    /// Nobody who is signed in: the published one, and receipts for what they wrote against the newest.
    Reporter,
    /// Enterprise accounts: the published one alone, so that its size and hour tell them nothing of others.
    Published,
}

impl Sight {
    pub(super) fn of(reader: &Reader) -> Self {
        if reader.sees_unpublished() { Self::Newest } else { Self::Published }
    }

    fn of_anybody(anybody: &Anybody) -> Self {
        anybody.0.as_ref().map_or(Self::Reporter, |signed_in| Self::of(&signed_in.reader))
    }

    /// Whether receipts for entries of this kind of stream need not wait for a publication. An enterprise that signs
    /// without being signed in is no reporter.
    fn has_newest_receipts(self, kind: StreamKind) -> bool {
        match self {
            Self::Newest => true,
            Self::Reporter => kind.is_unlinkable(),
            Self::Published => false,
        }
    }
}

/// The answer to a command: where its entries stand, the entries themselves, and the receipt of each.
pub(super) fn recorded(app: &App, answer: &Answer, sight: Sight) -> Result<Value, Problem> {
    let ledger = app.office.ledger();
    let (first, last) = (answer.positions.first(), answer.positions.last());
    let (first, last) = first.zip(last).ok_or(ApiRefusal::NotFound)?;
    // Entries of one command stand in a row.
    let many = usize::try_from(last.0.saturating_sub(first.0).saturating_add(1)).unwrap_or(usize::MAX);
    let mut stored = ledger.store().read(*first, many).map_err(|error| unreadable(&error))?;
    stored.retain(|stored| answer.positions.contains(&stored.position));
    let published = ledger.published();
    let newest = ledger.checkpoint();
    let against = if sight.has_newest_receipts(answer.stream.kind) { &newest } else { &published.note };
    let receipts = ledger.receipts(&stored, against).map_err(|error| unreadable(&error))?;
    let waits = receipts.iter().any(Option::is_none);
    let mut entries = Vec::new();
    for (stored, receipt) in stored.iter().zip(receipts) {
        entries.push(json!({
            "position": stored.position,
            "stream": stored.stream,
            "revision": stored.revision,
            "entry": String::from_utf8_lossy(&stored.entry),
            "leaf_hash": hex(&leaf_hash(&stored.entry)),
            "receipt": receipt.map(|receipt| String::from_utf8_lossy(&receipt.to_bytes()).into_owned()),
            "receipt_at": format!("/log/receipt/{}.tlog-proof", stored.position),
        }));
    }
    let due = i64::try_from(ledger.due_in()).unwrap_or(i64::MAX);
    let due = waits.then(|| ledger.now().plus_seconds(due));
    let checkpoint = app.checkpoint(matches!(sight, Sight::Newest));
    Ok(json!({
        "stream": answer.stream,
        "positions": answer.positions,
        "repeated": answer.repeated,
        "entries": entries,
        "receipts_due": due,
        "checkpoint": String::from_utf8_lossy(&checkpoint),
    }))
}

/// Waits until the read models have it: whoever wrote reads their own write.
async fn followed(app: &App, answer: &Answer) {
    if let Some(last) = answer.positions.last()
        && !app.projector.wait_for(*last).await
    {
        tracing::error!("the read models stopped; the ledger has the entries");
    }
}

pub(super) async fn answered(app: &Arc<App>, answer: Answer, sight: Sight) -> Answered {
    followed(app, &answer).await;
    let worker = Arc::clone(app);
    blocking(move || recorded(&worker, &answer, sight)).await.map(|value| ok(&value))
}

/// Whether what a command says of sealed files is so.
fn check_named<'a>(
    app: &App,
    request: &Request,
    by: impl IntoIterator<Item = &'a VKey>,
) -> Result<(), Problem> {
    let keys = app.office.ledger().keys();
    let by: Vec<ActorId> = by.into_iter().filter_map(|key| keys.actor_of(key)).collect();
    check_blobs(app, request, &by)?;
    check_files(app, request)
}

async fn execute(app: &Arc<App>, request: Request, keys: Vec<Arc<SigningKey>>) -> Result<Answer, Problem> {
    let worker = Arc::clone(app);
    let answer = blocking(move || {
        let signers: Vec<VKey> = keys.iter().map(|key| key.vkey()).collect();
        check_named(&worker, &request, &signers)?;
        let keys: Vec<&SigningKey> = keys.iter().map(AsRef::as_ref).collect();
        Ok(worker.office.execute(&request, &keys)?)
    });
    answer.await
}

/// Who signs besides the session.
pub(crate) enum Beside {
    Nobody,
    /// An officer who signs in a session of their own.
    Elsewhere(ActorId),
    /// An officer who unlocked their key beside the first one.
    Here(Arc<SigningKey>),
}

/// What became of a command.
pub(crate) enum Outcome {
    Recorded(Answer),
    /// It waits for this officer's signature.
    Waits(Id, ActorId),
}

/// Carries out a command in a session, for the API and for the pages alike.
pub(crate) async fn carry_out(
    app: &Arc<App>,
    request: Request,
    session: &Session,
    reader: &Reader,
    beside: Beside,
) -> Result<Outcome, Problem> {
    may_command(app, reader, &request.command, request.stream.as_ref())?;
    let key = session.key.clone().ok_or(ApiRefusal::KeyElsewhere)?;
    let keys = match beside {
        Beside::Nobody => vec![key],
        Beside::Here(second) => vec![key, second],
        Beside::Elsewhere(second) => return wait_for_second(app, request, session, key, second).await,
    };
    let answer = execute(app, request, keys).await?;
    followed(app, &answer).await;
    Ok(Outcome::Recorded(answer))
}

/// Whether the command is considered at all. To an officer from whom the report is kept it is as if there were none.
fn may_command(
    app: &App,
    reader: &Reader,
    command: &Command,
    stream: Option<&StreamId>,
) -> Result<(), Problem> {
    if reader.is_command_kept_from(&app.office, command, stream)? {
        return Err(ApiRefusal::NotFound.into());
    }
    let may = reader.may_command(&app.office, command.stream_kind(), stream);
    if may.map_err(|error| unreadable(&error))? { Ok(()) } else { Err(ApiRefusal::Forbidden.into()) }
}

/// Carry out a command, signed by the session's key
///
/// 提交命令，由会话密钥签名。需要两人签名的，写明 `co_signer`，待其本人确认后写入。
///
/// The same id with the same content gives the same answer, however often it comes. With `co_signer` the answer is 202
/// and a pending id: the command waits until that officer signs it in a session of their own.
#[utoipa::path(post, path = "/api/v1/commands", tag = "commands",
    request_body = ref("#/components/schemas/Command"),
    responses((status = 200, description = "stream, positions, entries with leaf hashes and receipts, receipts_due, checkpoint"),
        (status = 202, description = "pending, waits_for"), (status = 409, description = "api.conflict"),
        (status = 422, description = "A rule refused it; nothing was written")))]
pub(crate) async fn commands(
    State(app): Shared,
    SignedIn { session, reader }: SignedIn,
    JsonBytes(bytes): JsonBytes,
) -> Answered {
    let body: CommandBody<'_> = read(&bytes)?;
    let command = command(body.r#type, body.data, &bytes)?;
    let request = Request { id: body.id, stream: body.stream, command };
    let beside = body.co_signer.map_or(Beside::Nobody, Beside::Elsewhere);
    match carry_out(&app, request, &session, &reader, beside).await? {
        Outcome::Recorded(answer) => answered(&app, answer, Sight::of(&reader)).await,
        Outcome::Waits(pending, second) => {
            Ok(json(StatusCode::ACCEPTED, &json!({ "pending": pending, "waits_for": second })))
        }
    }
}

async fn wait_for_second(
    app: &Arc<App>,
    request: Request,
    session: &Session,
    key: Arc<SigningKey>,
    second: ActorId,
) -> Result<Outcome, Problem> {
    if second == session.actor {
        return Err(ApiRefusal::CoSignerIsSelf.into());
    }
    let ledger = app.office.ledger();
    // Whoever is asked to sign reads the command, so it never waits for an officer from whom the report is kept.
    let other = Reader::of(&app.office, second).map_err(|error| unreadable(&error))?;
    if other.is_command_kept_from(&app.office, &request.command, request.stream.as_ref())? {
        return Err(Refusal::from(ReportRefusal::ExcludedOfficer).into());
    }
    let theirs = ledger.keys().keys_of(second, Position(ledger.size())).into_iter().next();
    let theirs = theirs.ok_or(ApiRefusal::CoSignerUnknown)?;
    let signers = [session.vkey.clone(), theirs.clone()];
    if !request.command.stream_kind().is_unlinkable() {
        // A command that a rule refuses does not wait: whoever sent it learns so now.
        let (worker, asked) = (Arc::clone(app), request.clone());
        let decision = blocking(move || {
            Ok(worker.office.prepare(&asked, &[Hand::Held(&key), Hand::Elsewhere(&theirs)])?)
        });
        if let Decision::Answered(answer) = decision.await? {
            return Ok(Outcome::Recorded(answer));
        }
    }
    let (worker, asked) = (Arc::clone(app), request.clone());
    blocking(move || check_named(&worker, &asked, &signers)).await?;
    let fresh = Id::random().map_err(|error| unreadable(&error))?;
    let waits = Second {
        request,
        first: session.actor,
        session: session.name,
        other: second,
        since: ledger.now(),
        done: false,
    };
    let pending = app.room.wait_for_second(fresh, waits).ok_or(ApiRefusal::TooManyWaiting)?;
    Ok(Outcome::Waits(pending, second))
}

/// Commands that wait for a second signature: mine, and those I asked for
///
/// 待签命令：待我签名的，以及我提交、待他人签名的。
#[utoipa::path(get, path = "/api/v1/pending", tag = "commands",
    responses((status = 200, description = "pending: commands that wait; mine says whether it is my turn")))]
pub(crate) async fn pending(State(app): Shared, SignedIn { session, .. }: SignedIn) -> Answered {
    let mut rows: Vec<Value> = Vec::new();
    for (id, waits) in app.room.of(session.actor, app.office.ledger().now()) {
        let command = waits.request.command.to_json().map_err(|error| unreadable(&error))?;
        let command: Value = serde_json::from_str(&command).map_err(|error| unreadable(&error))?;
        rows.push(json!({
            "pending": id,
            "from": waits.first,
            "waits_for": waits.other,
            "mine": waits.other == session.actor,
            "since": waits.since,
            "stream": waits.request.stream,
            "command": command,
        }));
    }
    Ok(ok(&json!({ "pending": rows })))
}

/// Sign as the second officer
///
/// 第二人签名：两人的密钥签署同一条目。第一签名人须仍在登录状态。
#[utoipa::path(post, path = "/api/v1/pending/{id}/sign", tag = "commands", params(("id" = String, Path)),
    responses((status = 200, description = "As for a command"), (status = 404, description = "Nothing waits for me"),
        (status = 409, description = "api.first_signed_out or api.conflict")))]
pub(crate) async fn sign(
    State(app): Shared,
    SignedIn { session, reader }: SignedIn,
    Path(id): Path<String>,
) -> Answered {
    let id: Id = id.parse().map_err(|_| ApiRefusal::NotFound)?;
    let answer = sign_second(&app, id, session, &reader).await?;
    answered(&app, answer, Sight::of(&reader)).await
}

/// Signs what waits for this session's officer and carries it out.
pub(crate) async fn sign_second(
    app: &Arc<App>,
    id: Id,
    session: Session,
    reader: &Reader,
) -> Result<Answer, Problem> {
    let now = app.office.ledger().now();
    let waits = app.room.second(id, session.actor, now).ok_or(ApiRefusal::NotFound)?;
    may_command(app, reader, &waits.request.command, waits.request.stream.as_ref())?;
    let second = session.key.ok_or(ApiRefusal::KeyElsewhere)?;
    let keys = match app.sessions.key_of(&waits.session, now) {
        Some(first) => vec![first, second],
        // Carried out before: the answer needs no key.
        None if waits.done => vec![second],
        None => return Err(ApiRefusal::FirstSignedOut.into()),
    };
    let answer = execute(app, waits.request, keys).await?;
    app.room.signed(id);
    followed(app, &answer).await;
    Ok(answer)
}

/// Who asks for texts to sign.
enum Asks {
    /// One of the signers is signed in.
    Officer,
    /// Nobody but the keys of a report or a claim signs.
    Reporter,
}

fn who_asks(
    keys: &KeyRing,
    now: Position,
    signers: &[VKey],
    kind: StreamKind,
    anybody: &Anybody,
) -> Result<Asks, Problem> {
    let mut officers = Vec::new();
    for signer in signers {
        match keys.party(signer) {
            Party::Actor { actor, .. } if keys.in_force(signer, now) => officers.push(actor),
            Party::Actor { .. } => return Err(Refusal::from(EntryFault::UnknownSigner).into()),
            Party::Reporter { .. } => {}
            Party::Log => return Err(ApiRefusal::Forbidden.into()),
        }
    }
    if officers.is_empty() && kind.is_unlinkable() {
        return Ok(Asks::Reporter);
    }
    let signed_in = anybody.0.as_ref().ok_or(ApiRefusal::NotSignedIn)?;
    if officers.contains(&signed_in.session.actor) {
        Ok(Asks::Officer)
    } else {
        Err(ApiRefusal::Forbidden.into())
    }
}

/// The texts to sign for a command whose keys are held by the client
///
/// 取待签文本：签名密钥由客户端自持。举报人的密钥无须登录，其他密钥须已登记并登录。
///
/// `bodies` are what the texts' `body` lines hash (BLAKE3), so that a signer can check what they sign. Report streams
/// take officers' signatures by `/api/v1/commands` only.
#[utoipa::path(post, path = "/api/v1/prepare", tag = "commands", request_body = ref("#/components/schemas/Prepare"),
    responses((status = 200, description = "pending, stream, texts, bodies, body_hashes, signers"),
        (status = 422, description = "A rule refused it; nothing was written")))]
pub(crate) async fn prepare(State(app): Shared, anybody: Anybody, JsonBytes(bytes): JsonBytes) -> Answered {
    let body: PrepareBody<'_> = read(&bytes)?;
    let command = command(body.r#type, body.data, &bytes)?;
    if body.signers.is_empty() {
        return Err(ApiRefusal::NoSigner.into());
    }
    let ledger = app.office.ledger();
    let kind = command.stream_kind();
    let asks = who_asks(&ledger.keys(), Position(ledger.size()), &body.signers, kind, &anybody)?;
    if let (Asks::Officer, Some(signed_in)) = (&asks, &anybody.0) {
        may_command(&app, &signed_in.reader, &command, body.stream.as_ref())?;
    }
    let (id, stream, signers) = (body.id, body.stream, body.signers);
    let request = Request { id, stream, command };
    let worker = Arc::clone(&app);
    let decision = blocking(move || decide(&worker, &request, &signers, &asks)).await?;
    match decision {
        Decision::Answered(answer) => answered(&app, answer, Sight::of_anybody(&anybody)).await,
        Decision::Prepared(prepared) => to_sign(&app, prepared),
    }
}

fn decide(app: &App, request: &Request, signers: &[VKey], asks: &Asks) -> Result<Decision, Problem> {
    let hands: Vec<Hand<'_>> = signers.iter().map(Hand::Elsewhere).collect();
    let checked = check_named(app, request, signers);
    let decided = checked.and_then(|()| app.office.prepare(request, &hands).map_err(Problem::from));
    let (Asks::Reporter, Some(stream), Err(refused)) = (asks, request.stream, &decided) else {
        return decided;
    };
    // What a rule says of somebody else's report is nobody's business: only a key of that stream is told.
    let facts = app.office.ledger().stream(&stream).map_err(|error| unreadable(&error))?;
    let mut lines = facts.iter().flat_map(|fact| &fact.lines);
    let is_theirs = lines.any(|line| matches!(line, Line::Key(key) if signers.contains(key)));
    if is_theirs || facts.is_empty() || refused.status != StatusCode::UNPROCESSABLE_ENTITY {
        return decided;
    }
    Err(ApiRefusal::Forbidden.into())
}

pub(super) fn to_sign(app: &App, prepared: Box<Prepared>) -> Answered {
    let pending = Id::random().map_err(|error| unreadable(&error))?;
    let bodies: Vec<_> = prepared.bodies().into_iter().map(String::from_utf8_lossy).collect();
    let hashes: Vec<_> =
        prepared.bodies().into_iter().map(|body| blake3::hash(body).to_hex().to_string()).collect();
    let answer = json!({
        "pending": pending,
        "stream": prepared.stream(),
        "texts": prepared.texts(),
        "bodies": bodies,
        "body_hashes": hashes,
        "signers": prepared.signers(),
    });
    app.room.wait_for_notes(pending, prepared, app.office.ledger().now());
    Ok(ok(&answer))
}

/// Append what was signed by the client
///
/// 提交签名：每份文本一份签名文书。重复提交得到同一答复。
#[utoipa::path(post, path = "/api/v1/append", tag = "commands", request_body = ref("#/components/schemas/Append"),
    responses((status = 200, description = "As for a command"), (status = 404, description = "Nothing was prepared"),
        (status = 409, description = "api.conflict: prepare again"),
        (status = 422, description = "A note does not fit; what was prepared still waits"),
        (status = 503, description = "api.busy: what was prepared still waits")))]
pub(crate) async fn append(
    State(app): Shared,
    anybody: Anybody,
    headers: HeaderMap,
    Json(body): Json<Append>,
) -> Answered {
    let Append { pending, notes } = body;
    let now = app.office.ledger().now();
    // Whoever is signed in never waits behind a flood from outside.
    let turn = if anybody.0.is_none() {
        let rank = app.intake.worked(&headers, now);
        Some(app.intake.turn(&app.intake.entering, rank).await.ok_or(ApiRefusal::Busy)?)
    } else {
        None
    };
    let signatures = match app.room.look(pending, now, |prepared| fitting(prepared, &notes)) {
        Some(fitting) => fitting.map_err(Refusal::from)?,
        None => Vec::new(),
    };
    let answer = match app.room.take(pending).ok_or(ApiRefusal::NotFound)? {
        Found::Answered(answer) => answer,
        Found::Prepared(prepared) => {
            let worker = Arc::clone(&app);
            let answer = blocking(move || Ok(worker.office.append(*prepared, &signatures)?)).await?;
            app.room.answered(pending, answer.clone());
            answer
        }
    };
    drop(turn);
    answered(&app, answer, Sight::of_anybody(&anybody)).await
}

/// The signatures of notes that are those texts, signed by all those keys.
fn fitting(prepared: &Prepared, notes: &[String]) -> Result<Vec<Vec<SignatureLine>>, EntryFault> {
    let texts = prepared.texts();
    if texts.len() != notes.len() {
        return Err(EntryFault::Malformed);
    }
    let wanted = prepared.signers();
    let check = |(note, text): (&String, &String)| {
        let note = Note::parse(note.as_bytes()).map_err(|_| EntryFault::Malformed)?;
        if note.text != *text {
            return Err(EntryFault::Malformed);
        }
        let signed = note.verify(wanted).map_err(|_| EntryFault::BadSignature)?;
        if signed.len() != note.signatures.len() || wanted.iter().any(|key| !signed.contains(key)) {
            return Err(EntryFault::UnknownSigner);
        }
        Ok(note.signatures)
    };
    notes.iter().zip(&texts).map(check).collect()
}
