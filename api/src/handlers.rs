//! The handlers of the JSON API.

use std::sync::{Arc, PoisonError};

use adit_core::command::{Command, CommandError, Request};
use adit_core::event::Fact;
use adit_core::id::{ActorId, CommandId, Id, StreamId};
use adit_core::ledger::entry::SignedEntry;
use adit_core::ledger::note::Note;
use adit_core::ledger::vkey::{SigningKey, VKey, hex};
use adit_core::office::{Answer, Decision, Hand, Office};
use adit_core::rules::facts::answer;
use adit_core::units::{Day, Position};
use adit_projections::Projections;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::app::{App, Awaited, WAITING_MAX, WAITING_SECONDS, Waiting};
use crate::extract::{COOKIE, Json, SignedIn, Token, json_problem};
use crate::keystore::KeystoreError;
use crate::problem::Problem;
use crate::projector::fold;
use crate::session::Session;

type Shared = State<Arc<App>>;
type Answered = Result<Response, Problem>;

fn ok(value: &Value) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// Runs what blocks (hashing, waiting for the disk) off the reactor.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "api.unreadable"))
}

fn unreadable(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "the ledger can't be read");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "api.unreadable")
}

fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "api.not_found")
}

fn forbidden() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "api.forbidden")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    actor: ActorId,
    password: zeroize::Zeroizing<String>,
}

pub(crate) async fn sign_in(State(app): Shared, Json(sign_in): Json<SignIn>) -> Answered {
    let worker = Arc::clone(&app);
    let SignIn { actor, password } = sign_in;
    let unlocked = blocking(move || worker.keystore.unlock(actor, &password)).await?;
    let key = unlocked.map_err(|error| match error {
        KeystoreError::Wrong | KeystoreError::TooShort => {
            Problem::new(StatusCode::UNAUTHORIZED, "api.wrong_password")
        }
        KeystoreError::Io { .. } | KeystoreError::Wrap => unreadable(error),
    })?;
    let ledger = app.office.ledger();
    if !ledger.keys().in_force(&key.vkey(), Position(ledger.size())) {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "api.wrong_password"));
    }
    let session = Session { actor, key: Arc::new(key) };
    let token = app.sessions.begin(session, ledger.now()).map_err(unreadable)?;
    let mut response = ok(&json!({ "token": token, "actor": actor, "roles": app.reader(actor).roles }));
    let cookie = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

pub(crate) async fn sign_out(State(app): Shared, Token(token): Token) -> Answered {
    app.sessions.end(&token);
    Ok(ok(&json!({ "signed_out": true })))
}

pub(crate) async fn session(State(app): Shared, SignedIn(session): SignedIn) -> Answered {
    let reader = app.reader(session.actor);
    let key = session.key.vkey();
    Ok(ok(&json!({ "actor": session.actor, "key": key, "roles": reader.roles, "acts_for": reader.acts_for })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandBody {
    id: CommandId,
    #[serde(default)]
    stream: Option<StreamId>,
    r#type: String,
    data: Box<RawValue>,
    /// A second officer who must sign too; the command waits for their consent.
    #[serde(default)]
    co_signer: Option<ActorId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrepareBody {
    id: CommandId,
    #[serde(default)]
    stream: Option<StreamId>,
    r#type: String,
    data: Box<RawValue>,
    /// vkeys of those who will sign.
    signers: Vec<VKey>,
}

fn request(id: CommandId, stream: Option<StreamId>, kind: &str, data: &RawValue) -> Result<Request, Problem> {
    let command = Command::parse(kind, data).map_err(|error| match error {
        CommandError::UnknownType(_) => Problem::new(StatusCode::BAD_REQUEST, "api.unknown_command"),
        CommandError::Data { source, .. } => json_problem(&source),
    })?;
    Ok(Request { id, stream, command })
}

/// The answer to a command: where its entries stand, and the entries themselves.
fn recorded(office: &Office, answer: &Answer) -> Result<Value, Problem> {
    let mut entries = Vec::new();
    for position in &answer.positions {
        let stored = office.ledger().stored(*position).map_err(unreadable)?.ok_or_else(not_found)?;
        let signed = SignedEntry::parse(&stored.entry).map_err(unreadable)?;
        entries.push(json!({
            "position": position,
            "stream": stored.stream,
            "revision": stored.revision,
            "entry": String::from_utf8_lossy(&stored.entry),
            "leaf_hash": hex(&signed.leaf_hash()),
        }));
    }
    Ok(json!({
        "stream": answer.stream,
        "positions": answer.positions,
        "repeated": answer.repeated,
        "entries": entries,
        "checkpoint": String::from_utf8_lossy(&office.ledger().checkpoint()),
    }))
}

async fn execute(app: &Arc<App>, request: Request, keys: Vec<Arc<SigningKey>>) -> Answered {
    let worker = Arc::clone(app);
    let answer = blocking(move || {
        let keys: Vec<&SigningKey> = keys.iter().map(AsRef::as_ref).collect();
        worker.office.execute(&request, &keys)
    })
    .await??;
    if let Some(last) = answer.positions.last() {
        app.projector.wait_for(*last).await;
    }
    recorded(&app.office, &answer).map(|value| ok(&value))
}

pub(crate) async fn command(
    State(app): Shared,
    SignedIn(session): SignedIn,
    Json(body): Json<CommandBody>,
) -> Answered {
    let request = request(body.id, body.stream, &body.r#type, &body.data)?;
    let Some(second) = body.co_signer else {
        return execute(&app, request, vec![session.key]).await;
    };
    let what = Awaited::Second { request: Box::new(request), first: session.actor, key: session.key, second };
    let pending = wait(&app, what)?;
    let mut response = ok(&json!({ "pending": pending, "waits_for": second }));
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

fn wait(app: &App, what: Awaited) -> Result<Id, Problem> {
    let id = Id::random().map_err(unreadable)?;
    let now = app.office.ledger().now();
    let mut waiting = app.waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.retain(|_, waiting| now.seconds_since(waiting.since) <= WAITING_SECONDS);
    if waiting.len() >= WAITING_MAX {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "api.too_many_waiting"));
    }
    waiting.insert(id, Waiting { since: now, what });
    Ok(id)
}

/// What waits for my signature.
pub(crate) async fn pending(State(app): Shared, SignedIn(session): SignedIn) -> Answered {
    let waiting = app.waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let mut mine: Vec<Value> = Vec::new();
    for (id, waiting) in waiting.iter() {
        if let Awaited::Second { request, first, second, .. } = &waiting.what
            && *second == session.actor
        {
            let command = request.command.to_json().unwrap_or_default();
            let command: Value = serde_json::from_str(&command).unwrap_or_default();
            mine.push(json!({ "pending": id, "from": first, "stream": request.stream, "command": command }));
        }
    }
    mine.sort_by_key(ToString::to_string);
    Ok(ok(&json!({ "pending": mine })))
}

/// The second officer consents: both keys sign one entry. The first must still be signed in.
pub(crate) async fn sign(State(app): Shared, SignedIn(session): SignedIn, Path(id): Path<Id>) -> Answered {
    let now = app.office.ledger().now();
    let (request, keys) = {
        let waiting = app.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.get(&id).map(|waiting| &waiting.what) {
            Some(Awaited::Second { request, first, key, second }) if *second == session.actor => {
                if !app.sessions.has(*first, now) {
                    return Err(Problem::new(StatusCode::CONFLICT, "api.first_signed_out"));
                }
                (request.as_ref().clone(), vec![Arc::clone(key), session.key])
            }
            Some(_) | None => return Err(not_found()),
        }
    };
    let answered = execute(&app, request, keys).await?;
    app.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    Ok(answered)
}

/// A prepared body shows what was decided, so an officer's key is prepared for in a session of one of the signers alone. A
/// reporter's key needs no session, in report and reward streams; for the log's own key nobody prepares.
fn may_prepare(
    app: &App,
    request: &Request,
    signers: &[VKey],
    session: Result<SignedIn, Problem>,
) -> Result<(), Problem> {
    let ledger = app.office.ledger();
    let keys = ledger.keys();
    if signers.iter().any(|key| key.name() == ledger.origin()) {
        return Err(forbidden());
    }
    let officers: Vec<ActorId> = signers.iter().filter_map(|key| keys.actor_of(key)).collect();
    if officers.is_empty() {
        let reporters = request.command.stream_kind().is_unlinkable();
        return if reporters { Ok(()) } else { Err(forbidden()) };
    }
    let SignedIn(session) = session?;
    if officers.contains(&session.actor) { Ok(()) } else { Err(forbidden()) }
}

/// The texts to sign for a command whose keys are held by the client.
pub(crate) async fn prepare(
    State(app): Shared,
    session: Result<SignedIn, Problem>,
    Json(body): Json<PrepareBody>,
) -> Answered {
    let request = request(body.id, body.stream, &body.r#type, &body.data)?;
    if body.signers.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "api.no_signer"));
    }
    may_prepare(&app, &request, &body.signers, session)?;
    let worker = Arc::clone(&app);
    let decision = blocking(move || {
        let hands: Vec<Hand<'_>> = body.signers.iter().map(Hand::Elsewhere).collect();
        worker.office.prepare(&request, &hands)
    })
    .await??;
    let prepared = match decision {
        Decision::Answered(answer) => return recorded(&app.office, &answer).map(|value| ok(&value)),
        Decision::Prepared(prepared) => prepared,
    };
    let texts = prepared.texts();
    let bodies: Vec<String> =
        prepared.bodies().iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect();
    let (stream, signers) = (prepared.stream(), prepared.signers().to_vec());
    let pending = wait(&app, Awaited::Notes(prepared))?;
    Ok(ok(
        &json!({ "pending": pending, "stream": stream, "texts": texts, "bodies": bodies, "signers": signers }),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppendBody {
    pending: Id,
    /// For each text the signed note.
    notes: Vec<String>,
}

pub(crate) async fn append(State(app): Shared, Json(body): Json<AppendBody>) -> Answered {
    let taken = {
        let mut waiting = app.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = waiting.get(&body.pending).is_some_and(|w| matches!(w.what, Awaited::Notes(_)));
        if ours { waiting.remove(&body.pending) } else { None }
    };
    let Some(Waiting { what: Awaited::Notes(prepared), .. }) = taken else {
        return Err(not_found());
    };
    let malformed = || Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "entry.malformed");
    let mut signatures = Vec::new();
    for (note, text) in body.notes.iter().zip(prepared.texts()) {
        let note = Note::parse(note.as_bytes()).map_err(|_| malformed())?;
        if note.text != text {
            return Err(malformed());
        }
        signatures.push(note.signatures);
    }
    let worker = Arc::clone(&app);
    let answer = blocking(move || worker.office.append(*prepared, &signatures)).await??;
    if let Some(last) = answer.positions.last() {
        app.projector.wait_for(*last).await;
    }
    recorded(&app.office, &answer).map(|value| ok(&value))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    #[serde(default)]
    as_of: Option<String>,
    /// Answer only once the entry at this position is taken over.
    #[serde(default)]
    after: Option<u64>,
    #[serde(default)]
    offset: usize,
    #[serde(default)]
    limit: Option<usize>,
    /// Keep rows whose JSON holds this text.
    #[serde(default)]
    contains: Option<String>,
}

/// Most rows of one answer.
const ROWS_MAX: usize = 1000;

pub(crate) async fn stream(
    State(app): Shared,
    SignedIn(session): SignedIn,
    Path((kind, id)): Path<(String, String)>,
) -> Answered {
    let stream: StreamId = format!("{kind}/{id}").parse().map_err(|_| not_found())?;
    let reader = app.reader(session.actor);
    if !reader.may_read_stream(&app.office, &stream).map_err(unreadable)? {
        return Err(forbidden());
    }
    let facts = app.office.ledger().stream(&stream).map_err(unreadable)?;
    if facts.is_empty() {
        return Err(not_found());
    }
    let events: Result<Vec<Value>, Problem> = facts.iter().map(shown).collect();
    Ok(ok(&json!({ "stream": stream, "events": events? })))
}

/// A fact as JSON.
pub(crate) fn shown(fact: &Fact) -> Result<Value, Problem> {
    let event = fact.event.to_json().map_err(unreadable)?;
    let lines: Vec<String> = fact.lines.iter().map(ToString::to_string).collect();
    Ok(json!({
        "position": fact.position, "revision": fact.revision, "at": fact.at, "by": fact.by, "lines": lines,
        "type": event.get("type"), "data": event.get("data"),
    }))
}

/// The public entry at a position: anybody may read it.
pub(crate) async fn entry(State(app): Shared, Path(position): Path<u64>) -> Answered {
    let stored = app.office.ledger().stored(Position(position)).map_err(unreadable)?.ok_or_else(not_found)?;
    let signed = SignedEntry::parse(&stored.entry).map_err(unreadable)?;
    Ok(ok(&json!({
        "position": position,
        "entry": String::from_utf8_lossy(&stored.entry),
        "leaf_hash": hex(&signed.leaf_hash()),
    })))
}

pub(crate) async fn checkpoint(State(app): Shared) -> Answered {
    let note = String::from_utf8_lossy(&app.office.ledger().checkpoint()).into_owned();
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

/// The read model as of a position, or of the end of a day.
fn as_of(office: &Office, text: &str) -> Result<(Projections, Day), Problem> {
    let bad = || Problem::new(StatusCode::BAD_REQUEST, "api.bad_as_of");
    let ledger = office.ledger();
    let (until, today) = if let Ok(position) = text.parse::<u64>() {
        (Position(position.saturating_add(1)), ledger.now().day())
    } else {
        let day: Day = text.parse().map_err(|_| bad())?;
        (ledger.end_of(day).map_err(unreadable)?, day)
    };
    Ok((fold(ledger, None, until).map_err(unreadable)?, today))
}

pub(crate) async fn projection(
    State(app): Shared,
    SignedIn(session): SignedIn,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Answered {
    if !adit_projections::NAMES.contains(&name.as_str()) {
        return Err(not_found());
    }
    let reader = app.reader(session.actor);
    if !reader.may_project(&name) {
        return Err(forbidden());
    }
    if let Some(position) = asked.after.filter(|position| *position < app.office.ledger().size()) {
        app.projector.wait_for(Position(position)).await;
    }
    let worker = Arc::clone(&app);
    let past = asked.as_of.clone();
    let (model, rows) = (name.clone(), move || -> Result<(Vec<Value>, Vec<StreamId>), Problem> {
        let rules = worker.office.rules();
        let own = |state: &Projections| {
            let rows = state.register.rows(Day::default());
            let mine = rows.iter().filter(|row| Some(row.enterprise) == reader.acts_for);
            mine.map(|row| row.hazard).collect::<Vec<_>>()
        };
        let ask = |state: &Projections, today| {
            Ok((state.rows(&name, &rules, today).map_err(unreadable)?, own(state)))
        };
        match past {
            Some(past) => as_of(&worker.office, &past).and_then(|(state, today)| ask(&state, today)),
            None => worker.projector.read(|state| ask(state, worker.office.ledger().now().day())),
        }
        .map(|(rows, own)| {
            let kept = rows.into_iter().filter_map(|row| reader.redact(&name, row, &own)).collect();
            (kept, own)
        })
    });
    let (mut rows, _) = blocking(rows).await??;
    if let Some(text) = &asked.contains {
        rows.retain(|row| row.to_string().contains(text));
    }
    let total = rows.len();
    let limit = asked.limit.unwrap_or(ROWS_MAX).min(ROWS_MAX);
    let rows: Vec<Value> = rows.into_iter().skip(asked.offset).take(limit).collect();
    Ok(ok(&json!({ "projection": model, "total": total, "offset": asked.offset, "rows": rows })))
}

/// The rule packs that ship, with their hashes.
pub(crate) async fn rules(State(app): Shared) -> Answered {
    let packs: Vec<Value> = adit_core::rules::PACKS
        .iter()
        .map(|pack| json!({ "id": pack.id, "hash": pack.hash(), "text": pack.text }))
        .collect();
    Ok(ok(&json!({ "version": app.office.rules().version(), "packs": packs })))
}

pub(crate) async fn rule(
    State(app): Shared,
    Path(name): Path<String>,
    Json(facts): Json<Box<RawValue>>,
) -> Answered {
    answer(&app.office.rules(), &name, facts.get()).map(|value| ok(&value)).map_err(Problem::from)
}

pub(crate) async fn health(State(app): Shared) -> Answered {
    let ledger = app.office.ledger();
    let fault = ledger.lock_fault();
    let status = if fault.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let body = json!({ "ok": fault.is_none(), "size": ledger.size(), "lock": fault.is_none() });
    let mut response = ok(&body);
    *response.status_mut() = status;
    Ok(response)
}

pub(crate) async fn openapi() -> Answered {
    Ok(ok(&crate::openapi::document()))
}

pub(crate) async fn missing(_: HeaderMap) -> Problem {
    not_found()
}
