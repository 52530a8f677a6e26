//! What is sealed in a report: opened by an officer to whom it is sealed, sealed for the reporter, and received from whoever seals it
//! themselves.
//!
//! **Opened means logged**: the entry that tells of an opening is on disk before a byte of the content is made. An opening that
//! then fails stands in the log all the same.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::io::Write;
use std::pin::Pin;

use adit_core::access::{AccessCommand, Open};
use adit_core::command::{Command, Request};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::blobs::{BlobError, Blobs, Incoming, Kept};
use adit_core::ledger::parts::can_be_kept;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::Answer;
use adit_core::report::{
    self, Blob, Holds, Message, ReportCommand, Status, TESTIMONY_V, Testimony, WORDS_BYTES_MAX,
    correspondents, escrow, intake, reader as reads_as, readers, sealed_in,
};
use adit_core::seal::{self, HEAD_BYTES, Header, Identity, Kind, SealError};
use adit_core::secret::officer_identity;
use adit_core::text::Short;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Answered, Shared, blocking, ok};
use crate::access::Reader;
use crate::app::App;
use crate::extract::{Json, SignedIn};
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::session::Session;

/// Largest sealed file, in bytes.
pub(super) const SEALED_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Largest sealed text: the words of a testimony, as JSON may spell them, with what stands beside them, for as many as may read it.
const TEXT_SEALED_BYTES_MAX: u64 = 256 * 1024;

/// Which sealed file is opened.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToOpen {
    /// BLAKE3 of the sealed file, 64 hexadecimal digits.
    blob: Short,
}

/// What is sealed for the reporter.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToSeal {
    words: String,
}

/// The report of a path; not there for whoever it is kept from.
pub(crate) fn report_of(app: &App, reader: &Reader, id: &str) -> Result<StreamId, Problem> {
    let id: Id = id.parse().map_err(|_| ApiRefusal::NotFound)?;
    let stream = StreamId::new(StreamKind::Report, id);
    if reader.is_kept_from(&app.office, &stream)? {
        return Err(ApiRefusal::NotFound.into());
    }
    Ok(stream)
}

pub(crate) fn store(app: &App) -> Result<&Blobs, Problem> {
    app.office.ledger().blobs().ok_or_else(|| ApiRefusal::Unreadable.into())
}

/// Open what is sealed in a report
///
/// 拆阅密封材料：先在台账记录查阅，再给出内容。只限接收人；回避者视同没有这件举报。
///
/// Testimony and messages come as JSON, files as bytes to be saved and never shown. Only a session whose key is unlocked here.
#[utoipa::path(post, path = "/api/v1/reports/{id}/open", tag = "reports", params(("id" = String, Path)),
    request_body(content = String, description = "blob", content_type = "application/json"),
    responses((status = 200, description = "testimony or message, recorded; or the bytes of a file"),
        (status = 403, description = "api.forbidden, api.not_sealed_to_you"),
        (status = 404, description = "api.not_found, api.no_such_blob"),
        (status = 409, description = "api.key_elsewhere"), (status = 410, description = "api.blob_erased")))]
pub(crate) async fn open(
    State(app): Shared,
    SignedIn { session, reader }: SignedIn,
    Path(id): Path<String>,
    Json(asked): Json<ToOpen>,
) -> Answered {
    let worker = move || {
        let report = report_of(&app, &reader, &id)?;
        let opened = opened(&app, &session, &reader, report, &asked.blob)?;
        let recorded = json!({ "stream": opened.recorded.stream, "positions": opened.recorded.positions });
        Ok(handed_over(opened.holds, &opened.content, &recorded, &asked.blob))
    };
    blocking(worker).await
}

/// What was opened, after it was recorded that it was.
pub(crate) struct Opened {
    pub(crate) holds: Holds,
    pub(crate) content: Zeroizing<Vec<u8>>,
    pub(crate) recorded: Answer,
}

/// Opens one sealed file of a report in a session, for the API and the pages alike: recorded first, then opened.
pub(crate) fn opened(
    app: &App,
    session: &Session,
    reader: &Reader,
    report: StreamId,
    hash: &Short,
) -> Result<Opened, Problem> {
    if !reader.may_read(StreamKind::Report) {
        return Err(ApiRefusal::Forbidden.into());
    }
    let key = session.key.as_deref().ok_or(ApiRefusal::KeyElsewhere)?;
    let ledger = app.office.ledger();
    let facts = ledger.stream(&report).map_err(|error| unreadable(&error))?;
    if facts.is_empty() {
        return Err(ApiRefusal::NotFound.into());
    }
    let one = sealed_in(&facts).into_iter().find(|one| one.is(hash.as_str()));
    let one = one.ok_or(ApiRefusal::NoSuchBlob)?;
    let identity = officer_identity(key, ledger.origin());
    // Whoever has a copy opens that, also where a testimony names the file that it is a copy of.
    let blob = one.sealed_to(&identity.recipient()).ok_or(ApiRefusal::NotSealedToYou)?;
    let sealed = read(app, &blob.blob)?;
    let recorded = record_opening(app, key, report, vec![blob.blob.clone()])?;
    let content = unsealed(&sealed, &identity)?;
    Ok(Opened { holds: one.holds, content, recorded })
}

pub(crate) fn read(app: &App, hash: &Short) -> Result<Vec<u8>, Problem> {
    store(app)?.read(hash.as_str()).map_err(|error| match error {
        BlobError::Missing(_) => ApiRefusal::BlobErased.into(),
        BlobError::Damaged(_) | BlobError::Io(_) => Problem::from(error),
    })
}

/// The entry that tells of an opening; nothing is opened before it is there.
pub(crate) fn record_opening(
    app: &App,
    key: &SigningKey,
    report: StreamId,
    blobs: Vec<Short>,
) -> Result<Answer, Problem> {
    let command = Command::Access(AccessCommand::Open(Open { report, blobs }));
    let id = CommandId(Id::random().map_err(|error| unreadable(&error))?);
    Ok(app.office.execute(&Request { id, stream: None, command }, &[key])?)
}

pub(crate) fn unsealed(sealed: &[u8], identity: &Identity) -> Result<Zeroizing<Vec<u8>>, Problem> {
    seal::open(sealed, identity).map_err(|error| match error {
        SealError::OtherRecipient => ApiRefusal::NotSealedToYou.into(),
        SealError::NoRecipient
        | SealError::BadRecipient(_)
        | SealError::NotSealed
        | SealError::Damaged
        | SealError::Io(_) => unreadable(&error),
    })
}

/// What was opened. What is not of the form that it should have is handed over as a file, as it is.
fn handed_over(holds: Holds, content: &[u8], recorded: &Value, hash: &Short) -> Response {
    let parsed = match holds {
        Holds::Testimony => serde_json::from_slice::<Testimony>(content)
            .ok()
            .map(|testimony| json!({ "testimony": testimony, "recorded": recorded })),
        Holds::Message => serde_json::from_slice::<Message>(content)
            .ok()
            .map(|message| json!({ "message": message, "recorded": recorded })),
        Holds::File => None,
    };
    parsed.map_or_else(|| attachment(hash, content), |value| ok(&value))
}

/// Bytes to be saved. Whatever they are, no browser shows them or runs anything in them: a name of the sender's never becomes
/// a header.
pub(crate) fn attachment(hash: &Short, content: &[u8]) -> Response {
    let name = format!("attachment; filename=\"{}.bin\"", hash.as_str().get(..16).unwrap_or("sealed"));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.extend(HeaderValue::from_str(&name).ok().map(|name| (header::CONTENT_DISPOSITION, name)));
    let sandbox = HeaderValue::from_static("default-src 'none'; sandbox");
    headers.insert(HeaderName::from_static("content-security-policy"), sandbox);
    (StatusCode::OK, headers, content.to_vec()).into_response()
}

/// Seal a message to the reporters of a report, to intake and to whoever writes it
///
/// 密封消息：密封给举报人、受理人员和写信人本人，保存后给出 `report.message`、`report.answer` 所用的 blob。
#[utoipa::path(post, path = "/api/v1/reports/{id}/seal", tag = "reports", params(("id" = String, Path)),
    request_body(content = String, description = "words", content_type = "application/json"),
    responses((status = 200, description = "blob, size, recipients: as commands carry it"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found"),
        (status = 422, description = "api.bad_words, api.nobody_to_read")))]
pub(crate) async fn seal(
    State(app): Shared,
    SignedIn { session, reader }: SignedIn,
    Path(id): Path<String>,
    Json(asked): Json<ToSeal>,
) -> Answered {
    let words = Zeroizing::new(asked.words);
    let worker = move || {
        let report = report_of(&app, &reader, &id)?;
        let may = reader.may_command(&app.office, StreamKind::Report, Some(&report));
        if !may.map_err(|error| unreadable(&error))? {
            return Err(ApiRefusal::Forbidden.into());
        }
        sealed(&app, report, session.actor, &words)
    };
    let blob = blocking(worker).await?;
    Ok(ok(&serde_json::to_value(blob).map_err(|error| unreadable(&error))?))
}

/// Words to the reporters, which intake reads, and whoever writes them.
pub(crate) fn sealed(app: &App, report: StreamId, writer: ActorId, words: &str) -> Result<Blob, Problem> {
    let hidden = |c: char| c.is_control() && c != '\n' && c != '\t';
    if words.trim().is_empty() || words.len() > WORDS_BYTES_MAX || words.contains(hidden) {
        return Err(ApiRefusal::BadWords.into());
    }
    let state = app.office.report(report)?;
    if state.status == Status::Absent {
        return Err(ApiRefusal::NotFound.into());
    }
    let ledger = app.office.ledger();
    let office = intake(&ledger.keys(), ledger.size(), &state.excluded);
    let mut recipients = correspondents(&state, &office);
    if !recipients.is_empty() {
        let own = reads_as(&ledger.keys(), ledger.size(), writer);
        recipients.extend(own.filter(|own| !recipients.contains(own)));
    }
    let message = Message { v: TESTIMONY_V, words: words.to_owned(), files: Vec::new() };
    let text = Zeroizing::new(serde_json::to_vec(&message).map_err(|error| unreadable(&error))?);
    let sealed = seal::seal(&text, recipients.iter().map(String::as_str), Kind::Text);
    let sealed = sealed.map_err(|error| match error {
        SealError::NoRecipient => ApiRefusal::NobodyToRead.into(),
        SealError::BadRecipient(_)
        | SealError::NotSealed
        | SealError::OtherRecipient
        | SealError::Damaged
        | SealError::Io(_) => unreadable(&error),
    })?;
    let hash = store(app)?.put(&sealed)?;
    Blob::new(&hash, sealed.len() as u64, &recipients).ok_or_else(|| ApiRefusal::Unreadable.into())
}

/// Receive one sealed file, for whoever seals by themselves
///
/// 上传密封文件：正文即一个 age 文件，最大 128 MiB；不是 age 文件的不收。无须登录。
///
/// What is not an age file never reaches the disk: nothing is written before its header was read.
#[utoipa::path(put, path = "/api/v1/sealed", tag = "reports",
    request_body(content = String, description = "An age v1 file", content_type = "application/octet-stream"),
    responses((status = 200, description = "blob, size"), (status = 413, description = "api.too_large"),
        (status = 422, description = "api.not_age"), (status = 503, description = "api.busy"),
        (status = 507, description = "api.no_room")))]
pub(crate) async fn upload(State(app): Shared, headers: HeaderMap, mut body: Body) -> Answered {
    // Words end after files do, also where they were sealed elsewhere.
    let words = body.size_hint().upper().is_some_and(|bytes| bytes <= TEXT_SEALED_BYTES_MAX);
    let limits = &app.intake.limits;
    if store(&app)?.room()? < if words { limits.room_for_words() } else { limits.room_for_files() } {
        return Err(ApiRefusal::NoRoom.into());
    }
    // A few at a time; the rest wait, and nothing of theirs is read yet.
    let rank = app.intake.worked(&headers, app.office.ledger().now());
    let turn = app.intake.turn(&app.intake.files, rank).await.ok_or(ApiRefusal::Busy)?;
    let mut arriving = Arriving { blobs: store(&app)?.clone(), head: Vec::new(), size: 0, incoming: None };
    while let Some(chunk) = next(&mut body).await? {
        arriving = blocking(move || arriving.take(&chunk)).await?;
    }
    let kept = blocking(move || arriving.keep()).await?;
    drop(turn);
    Ok(ok(&json!({ "blob": kept.hash, "size": kept.size })))
}

/// The next bytes of a body; none at its end.
pub(super) async fn next(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    loop {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        let Some(frame) = frame else { return Ok(None) };
        if let Ok(bytes) = frame.map_err(|_| ApiRefusal::BadRequest)?.into_data() {
            return Ok(Some(bytes));
        }
    }
}

/// A sealed file on its way.
struct Arriving {
    blobs: Blobs,
    /// Its first bytes, by which it is judged.
    head: Vec<u8>,
    size: u64,
    /// None until the header was read.
    incoming: Option<(Header, Incoming)>,
}

impl Arriving {
    fn take(mut self, chunk: &[u8]) -> Result<Self, Problem> {
        self.size += chunk.len() as u64;
        if self.size > SEALED_BYTES_MAX {
            return Err(ApiRefusal::TooLarge.into());
        }
        let missing = HEAD_BYTES.saturating_sub(self.head.len()).min(chunk.len());
        let (head, rest) = chunk.split_at(missing);
        self.head.extend_from_slice(head);
        if let Some((_, incoming)) = &mut self.incoming {
            incoming.write_all(chunk).map_err(BlobError::Io)?;
            return Ok(self);
        }
        match Header::read(&self.head) {
            Some(header) => {
                let mut incoming = self.blobs.begin()?;
                incoming
                    .write_all(&self.head)
                    .and_then(|()| incoming.write_all(rest))
                    .map_err(BlobError::Io)?;
                self.incoming = Some((header, incoming));
            }
            None if self.head.len() >= HEAD_BYTES => return Err(ApiRefusal::NotAge.into()),
            None => {}
        }
        Ok(self)
    }

    /// Keeps it if it is whole: for recipients, and padded as texts or files are.
    fn keep(self) -> Result<Kept, Problem> {
        let (header, incoming) = self.incoming.ok_or(ApiRefusal::NotAge)?;
        if !can_be_kept(&self.head, self.size, header) {
            return Err(ApiRefusal::NotAge.into());
        }
        Ok(incoming.keep()?)
    }
}

/// Who may read what a command to a report carries, and who must.
struct Sealable {
    allowed: BTreeSet<String>,
    needed: BTreeSet<String>,
}

impl Sealable {
    /// `by` are the officers who sign.
    fn of(app: &App, state: &report::State, command: &ReportCommand, by: &[ActorId]) -> Self {
        let ledger = app.office.ledger();
        let (keys, size) = (ledger.keys(), ledger.size());
        let excluded = report::excluded(state, command);
        // What copies are copies of is sealed to escrow. The decider says to whom of these one is sealed.
        if matches!(command, ReportCommand::Share(_)) {
            let allowed = readers(&keys, size, &excluded).into_values().flatten().collect();
            return Self { allowed, needed: BTreeSet::new() };
        }
        let office = intake(&keys, size, &excluded);
        // Whoever seals by themselves knows what is published.
        let mut needed = escrow(&keys, ledger.published().size(), &excluded);
        needed.retain(|age| office.contains(age) && !matches!(command, ReportCommand::PickUp(_)));
        let mut allowed = report::own_recipients(state, command);
        if matches!(command, ReportCommand::Message(_) | ReportCommand::Answer(_)) {
            let writers = by.iter().filter(|actor| !excluded.contains(*actor));
            allowed.extend(writers.filter_map(|actor| reads_as(&keys, size, *actor)));
        }
        allowed.extend(office);
        Self { allowed, needed }
    }
}

/// Whether what a command to a report says of sealed files is so; `by` are the officers who sign it. A command that was carried
/// out before is answered as it was, whatever has been erased since.
pub(crate) fn check_blobs(app: &App, request: &Request, by: &[ActorId]) -> Result<(), Problem> {
    let Command::Report(command) = &request.command else { return Ok(()) };
    let ledger = app.office.ledger();
    if command.blobs(&report::State::default()).is_empty()
        || ledger.answered(&request.id).map_err(|error| unreadable(&error))?.is_some()
    {
        return Ok(());
    }
    let state = request.stream.map(|stream| app.office.report(stream)).transpose()?.unwrap_or_default();
    let blobs = command.blobs(&state);
    let Sealable { allowed, needed } = Sealable::of(app, &state, command, by);
    let seen: BTreeSet<&Short> = blobs.iter().map(|(_, blob)| &blob.blob).collect();
    if seen.len() != blobs.len() {
        return Err(adit_core::refusal::Refusal::new("report.bad_blob").into());
    }
    let store = store(app)?;
    for (holds, blob) in blobs {
        let head = match store.head(blob.blob.as_str()) {
            Ok(head) => Some(head),
            Err(BlobError::Missing(_)) => None,
            Err(error @ (BlobError::Damaged(_) | BlobError::Io(_))) => return Err(error.into()),
        };
        report::check(holds, blob, head.as_ref(), |age| allowed.contains(age), &needed)
            .map_err(|refusal| Problem::from(adit_core::refusal::Refusal::from(refusal)))?;
        // Cleared away is what nobody names: from here on it is as good as named.
        store.renew(blob.blob.as_str(), ledger.now())?;
    }
    Ok(())
}
