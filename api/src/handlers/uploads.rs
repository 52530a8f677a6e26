//! Sealed files in pieces, for networks that break: the semantics of the IETF's resumable uploads for HTTP
//! (draft-ietf-httpbis-resumable-upload-12). POST begins, HEAD tells how far it has come, PATCH goes on from there, DELETE gives up.
//!
//! Whoever knows the random name of an upload goes on with it: no session, no cookie, no address. Like everything that is uploaded it is
//! ciphertext, and is parsed before any of it is kept. What is answered to be there is on disk.

use std::sync::Arc;

use adit_core::ledger::blobs::{BlobError, Kept};
use adit_core::ledger::parts::{PartError, PartId, Parts};
use adit_core::ledger::vkey::hex;
use axum::body::{Body, HttpBody};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::sealed::{SEALED_BYTES_MAX, next, store};
use super::{Answered, Shared, blocking, ok};
use crate::app::App;
use crate::problem::{ApiRefusal, Problem, unreadable};

const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const COMPLETE: HeaderName = HeaderName::from_static("upload-complete");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const LIMIT: HeaderName = HeaderName::from_static("upload-limit");
const DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// What a piece is.
const PARTIAL: &str = "application/partial-upload";

/// Begin a sealed file that is sent in pieces
///
/// 分段上传密封文件：`Upload-Length` 写明整个文件的字节数，答复的 `Location` 用于续传。正文可以是第一段，也可以为空。
///
/// With `Repr-Digest: blake3=:…:` of a file that is there already the answer is that of its end. Nothing is written before an age header was read.
#[utoipa::path(post, path = "/api/v1/sealed/uploads", tag = "reports",
    params(("Upload-Length" = u64, Header, description = "Bytes of the whole sealed file"),
        ("Upload-Complete" = String, Header, description = "?1 where the body is all of it, else ?0"),
        ("Repr-Digest" = Option<String>, Header, description = "blake3=:base64: of the whole sealed file")),
    request_body(content = String, description = "The first bytes of an age v1 file, or nothing", content_type = "application/partial-upload"),
    responses((status = 200, description = "blob, size: it is there as a whole"),
        (status = 201, description = "Location, Upload-Offset"), (status = 400, description = "api.bad_upload"),
        (status = 413, description = "api.too_large"), (status = 422, description = "api.not_age, api.wrong_hash"),
        (status = 503, description = "api.busy"), (status = 507, description = "api.no_room")))]
pub(crate) async fn begin(State(app): Shared, headers: HeaderMap, body: Body) -> Answered {
    let length = number(&headers, &LENGTH)?;
    let complete = is_complete(&headers)?;
    let said = digest(&headers)?;
    if length > SEALED_BYTES_MAX {
        return Err(ApiRefusal::TooLarge.into());
    }
    if let Some(kept) = there_already(&app, said.as_deref(), length).await? {
        return Ok(whole(&kept));
    }
    has_room(&app)?;
    let id = PartId::random(length).map_err(|error| unreadable(&error))?;
    let mut answer = if body.is_end_stream() && !complete {
        at(StatusCode::CREATED, 0)
    } else {
        receive(&app, id, 0, complete.then_some(&headers), said, body).await?
    };
    if answer.status() == StatusCode::NO_CONTENT {
        *answer.status_mut() = StatusCode::CREATED;
    }
    put(answer.headers_mut(), header::LOCATION, &format!("/api/v1/sealed/uploads/{id}"));
    put(answer.headers_mut(), LIMIT, &limit(&app));
    Ok(answer)
}

/// How far an upload has come
///
/// 上传到哪里了：`Upload-Offset` 是已经落盘的字节数，从这里续传。
#[utoipa::path(head, path = "/api/v1/sealed/uploads/{id}", tag = "reports", params(("id" = String, Path)),
    responses((status = 204, description = "Upload-Offset, Upload-Complete, Upload-Length, Upload-Limit"),
        (status = 404, description = "begin anew")))]
pub(crate) async fn told(State(app): Shared, Path(id): Path<String>) -> Answered {
    let id = named(&id)?;
    let limit = limit(&app);
    let progress =
        blocking(move || parts(&app)?.told(id, app.office.ledger().now()).map_err(|error| problem(&error)));
    let progress = progress.await?;
    let mut answer = at(StatusCode::NO_CONTENT, progress.offset);
    put(answer.headers_mut(), COMPLETE, if progress.kept.is_some() { "?1" } else { "?0" });
    put(answer.headers_mut(), LENGTH, &id.length().to_string());
    put(answer.headers_mut(), LIMIT, &limit);
    Ok(answer)
}

/// Go on with an upload
///
/// 续传一段：`Upload-Offset` 必须等于服务器已有的字节数，否则 409，并写明从哪里继续；断线前到达的部分保留。最后一段写
/// `Upload-Complete: ?1`，答复与 `PUT /api/v1/sealed` 相同。
///
/// A piece that comes twice is told where the upload stands. Whatever arrived before a connection broke stays.
#[utoipa::path(patch, path = "/api/v1/sealed/uploads/{id}", tag = "reports",
    params(("id" = String, Path), ("Upload-Offset" = u64, Header, description = "From which byte on"),
        ("Upload-Complete" = String, Header, description = "?1 with the last piece, else ?0"),
        ("Repr-Digest" = Option<String>, Header, description = "With the last piece: blake3=:base64: of the whole sealed file")),
    request_body(content = String, description = "Bytes from that offset on", content_type = "application/partial-upload"),
    responses((status = 200, description = "blob, size: it is there as a whole"), (status = 204, description = "Upload-Offset"),
        (status = 400, description = "api.bad_upload"), (status = 404, description = "api.no_such_upload"),
        (status = 409, description = "api.wrong_offset; Upload-Offset says where it stands"),
        (status = 413, description = "api.too_large"), (status = 415, description = "api.not_partial"),
        (status = 422, description = "api.not_age, api.wrong_hash"), (status = 503, description = "api.busy"),
        (status = 507, description = "api.no_room")))]
pub(crate) async fn append(
    State(app): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answered {
    let id = named(&id)?;
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != PARTIAL) {
        return Err(ApiRefusal::NotPartial.into());
    }
    let (offset, complete) = (number(&headers, &OFFSET)?, is_complete(&headers)?);
    let said = digest(&headers)?;
    if id.length() > SEALED_BYTES_MAX {
        return Err(ApiRefusal::TooLarge.into());
    }
    has_room(&app)?;
    receive(&app, id, offset, complete.then_some(&headers), said, body).await
}

/// Give an upload up
///
/// 放弃上传，已到达的部分清除。
#[utoipa::path(delete, path = "/api/v1/sealed/uploads/{id}", tag = "reports", params(("id" = String, Path)),
    responses((status = 204, description = "It is gone"), (status = 404, description = "api.no_such_upload")))]
pub(crate) async fn cancel(State(app): Shared, Path(id): Path<String>) -> Answered {
    let id = named(&id)?;
    blocking(move || Ok(parts(&app)?.cancel(id)?)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Takes one piece in, and the whole file with the last one.
async fn receive(
    app: &Arc<App>,
    id: PartId,
    offset: u64,
    last: Option<&HeaderMap>,
    said: Option<String>,
    mut body: Body,
) -> Answered {
    // A piece that says how long it is, and is too long, is refused before any of it is kept.
    if offset.saturating_add(body.size_hint().lower()) > id.length() {
        return Err(ApiRefusal::TooLarge.into());
    }
    let parts = parts(app)?.clone();
    let now = app.office.ledger().now();
    let begun = blocking(move || Ok(parts.append(id, offset, now))).await?;
    let mut piece = match begun {
        Ok(piece) => piece,
        Err(error) => return refused(&error),
    };
    loop {
        let chunk = match next(&mut body).await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(broken) => {
                // Nobody hears the answer; what arrived stays, and whoever asks is told of it.
                drop(piece.finish());
                return Err(broken);
            }
        };
        let now = app.office.ledger().now();
        let written = blocking(move || {
            let written = piece.write(&chunk, now);
            Ok(written.map(|()| piece))
        });
        piece = match written.await? {
            Ok(piece) => piece,
            Err(error) => return refused(&error),
        };
    }
    if let Some(headers) = last {
        // Hashing a whole file takes a moment of a processor and of the disk: a few at a time.
        let rank = app.intake.worked(headers, app.office.ledger().now());
        let turn = app.intake.turn(&app.intake.files, rank).await.ok_or(ApiRefusal::Busy)?;
        let kept = blocking(move || Ok(piece.keep(said.as_deref()))).await?;
        drop(turn);
        return kept.map_or_else(|error| refused(&error), |kept| Ok(whole(&kept)));
    }
    match blocking(move || Ok(piece.finish())).await? {
        Ok(offset) => Ok(at(StatusCode::NO_CONTENT, offset)),
        Err(error) => refused(&error),
    }
}

/// The file of this hash and size, where it is there: whoever lost the last answer need not send it again.
async fn there_already(app: &Arc<App>, said: Option<&str>, length: u64) -> Result<Option<Kept>, Problem> {
    let Some(hash) = said.map(str::to_owned) else { return Ok(None) };
    let app = Arc::clone(app);
    blocking(move || {
        let blobs = store(&app)?;
        match blobs.head(&hash) {
            Ok(head) if head.size == length => {
                blobs.renew(&hash, app.office.ledger().now())?;
                Ok(Some(Kept { hash, size: length }))
            }
            Ok(_) | Err(BlobError::Missing(_)) => Ok(None),
            Err(error @ (BlobError::Damaged(_) | BlobError::Io(_))) => Err(error.into()),
        }
    })
    .await
}

fn parts(app: &App) -> Result<&Parts, Problem> {
    app.parts.as_ref().ok_or_else(|| ApiRefusal::Unreadable.into())
}

fn has_room(app: &App) -> Result<(), Problem> {
    let short = store(app)?.room()? < app.intake.limits.room_for_files();
    if short { Err(ApiRefusal::NoRoom.into()) } else { Ok(()) }
}

fn named(id: &str) -> Result<PartId, Problem> {
    id.parse().map_err(|_| ApiRefusal::NoSuchUpload.into())
}

/// What a client may count on.
fn limit(app: &App) -> String {
    let seconds = app.intake.limits.part_hours * 3600;
    format!("max-size={SEALED_BYTES_MAX}, max-age={seconds}")
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
}

/// An answer that says how far an upload has come.
fn at(status: StatusCode, offset: u64) -> Response {
    let mut answer = status.into_response();
    put(answer.headers_mut(), OFFSET, &offset.to_string());
    put(answer.headers_mut(), COMPLETE, "?0");
    answer
}

fn whole(kept: &Kept) -> Response {
    let mut answer = ok(&json!({ "blob": kept.hash, "size": kept.size }));
    put(answer.headers_mut(), OFFSET, &kept.size.to_string());
    put(answer.headers_mut(), COMPLETE, "?1");
    answer
}

fn refused(error: &PartError) -> Answered {
    let PartError::Offset { at: offset } = error else { return Err(problem(error)) };
    let mut answer = problem(error).with("at", &offset.to_string()).into_response();
    put(answer.headers_mut(), OFFSET, &offset.to_string());
    Ok(answer)
}

fn problem(error: &PartError) -> Problem {
    match error {
        PartError::Missing => ApiRefusal::NoSuchUpload.into(),
        PartError::Offset { .. } => ApiRefusal::WrongOffset.into(),
        PartError::TooLong => ApiRefusal::TooLarge.into(),
        PartError::NotSealed => ApiRefusal::NotAge.into(),
        PartError::WrongHash => ApiRefusal::WrongHash.into(),
        PartError::Full => ApiRefusal::Busy.into(),
        PartError::Blob(error) => {
            tracing::error!(%error, "a piece of a sealed file could not be kept");
            ApiRefusal::NotWritten.into()
        }
    }
}

/// A number of a header, as structured fields spell it (RFC 9651).
fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Problem> {
    let text = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let digits = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let bad = || Problem::from(ApiRefusal::BadUpload).with("header", name.as_str());
    if digits { text.parse().map_err(|_| bad()) } else { Err(bad()) }
}

fn is_complete(headers: &HeaderMap) -> Result<bool, Problem> {
    match headers.get(&COMPLETE).map(HeaderValue::as_bytes) {
        Some(b"?1") => Ok(true),
        Some(b"?0") => Ok(false),
        Some(_) | None => Err(Problem::from(ApiRefusal::BadUpload).with("header", COMPLETE.as_str())),
    }
}

/// The BLAKE3 that a sender says the whole file has (the form of RFC 9530). Other digests than that say nothing here.
fn digest(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let text = headers.get(&DIGEST).map(|value| value.to_str().unwrap_or_default()).unwrap_or_default();
    let said = text.split(',').find_map(|one| one.trim().strip_prefix("blake3="));
    let Some(said) = said else { return Ok(None) };
    let bytes = said.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
    let bytes = bytes.and_then(|text| STANDARD.decode(text).ok()).filter(|bytes| bytes.len() == 32);
    let bad = || Problem::from(ApiRefusal::BadUpload).with("header", DIGEST.as_str());
    bytes.map(|bytes| Some(hex(&bytes))).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        put(&mut headers, name.clone(), value);
        headers
    }

    #[test]
    fn headers_are_read_as_structured_fields_and_nothing_else_is_taken_for_one() {
        assert_eq!(number(&with(&OFFSET, "0"), &OFFSET).expect("a number"), 0);
        assert_eq!(
            number(&with(&OFFSET, "999999999999999"), &OFFSET).expect("a number"),
            999_999_999_999_999
        );
        for bad in ["", "-1", "+1", "1.0", "0x1", " 1", "1000000000000000", "１"] {
            assert!(number(&with(&OFFSET, bad), &OFFSET).is_err(), "{bad}");
        }
        assert!(is_complete(&with(&COMPLETE, "?1")).expect("said"));
        assert!(["1", "true", "?2", ""].iter().all(|bad| is_complete(&with(&COMPLETE, bad)).is_err()));
        let said = format!("sha-256=:AAAA:, blake3=:{}:", STANDARD.encode([7; 32]));
        assert_eq!(digest(&with(&DIGEST, &said)).expect("said"), Some("07".repeat(32)));
        assert_eq!(digest(&HeaderMap::new()).expect("nothing"), None);
        assert_eq!(digest(&with(&DIGEST, "sha-256=:AAAA:")).expect("nothing"), None);
        assert!(digest(&with(&DIGEST, "blake3=:AAAA:")).is_err());
    }
}
