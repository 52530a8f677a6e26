//! Files that prove something: received from whoever gives the command, given to whoever may read what names them.

use adit_core::id::{Id, StreamId, StreamKind};
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use serde_json::json;

use super::sealed::next;
use super::{Answered, Shared, blocking, ok};
use crate::access::Reader;
use crate::app::App;
use crate::attached::{Incoming, View, find, give};
use crate::extract::SignedIn;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Streams whose commands carry files.
const KINDS: [StreamKind; 2] = [StreamKind::Hazard, StreamKind::Inspection];

/// Whether this reader gives any command that carries files.
fn may_send(app: &App, reader: &Reader) -> Result<(), Problem> {
    for kind in KINDS {
        if reader.may_command(&app.office, kind, None).map_err(|error| unreadable(&error))? {
            return Ok(());
        }
    }
    Err(ApiRefusal::Forbidden.into())
}

/// Receive one file that proves something
///
/// 上传佐证文件：正文即文件本身，到达时即封存，磁盘上没有明文；答复中的各项连同文件名写入命令的 `files`。
///
/// Sealed as it arrives, as it is: nothing is taken out of a photograph. What no command names within a week is cleared away.
#[utoipa::path(put, path = "/api/v1/files", tag = "commands",
    request_body(content = String, description = "The file", content_type = "application/octet-stream"),
    responses((status = 200, description = "blob, kind, bytes, sha256: with a name, as commands carry it in files"),
        (status = 403, description = "api.forbidden"), (status = 413, description = "api.file_too_large"),
        (status = 422, description = "api.empty_file"), (status = 429, description = "api.too_much_today"), (status = 507, description = "api.no_room")))]
pub(crate) async fn upload(
    State(app): Shared,
    SignedIn { session, reader }: SignedIn,
    mut body: Body,
) -> Answered {
    may_send(&app, &reader)?;
    let mut incoming = Incoming::begin(&app, session.actor)?;
    while let Some(chunk) = next(&mut body).await? {
        incoming = incoming.take(&app, chunk).await?;
    }
    let file = incoming.keep("file").await?;
    Ok(ok(&json!({ "blob": file.blob, "kind": file.kind, "bytes": file.bytes, "sha256": file.sha256 })))
}

/// A file that an event of a stream names
///
/// 佐证文件：能查看该事项的人才能取得。`view=small` 只要照片的缩略图（重新绘制，不含位置等信息）。
///
/// Photographs are shown, anything else is to be saved. `view=small` is a small picture, drawn anew.
#[utoipa::path(get, path = "/api/v1/streams/{kind}/{id}/files/{hash}", tag = "queries",
    params(("kind" = String, Path), ("id" = String, Path), ("hash" = String, Path), ("view" = Option<String>, Query)),
    responses((status = 200, description = "The bytes of the file"), (status = 403, description = "api.forbidden"),
        (status = 404, description = "api.not_found"), (status = 410, description = "api.blob_erased"),
        (status = 422, description = "api.no_small_picture")))]
pub(crate) async fn of_stream(
    State(app): Shared,
    SignedIn { reader, .. }: SignedIn,
    Path((kind, id, hash)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Answered {
    let view = View::of(query.as_deref())?;
    let stream: StreamId = format!("{kind}/{id}").parse().map_err(|_| ApiRefusal::NotFound)?;
    let worker = std::sync::Arc::clone(&app);
    let file = blocking(move || {
        let office = &worker.office;
        if reader.is_kept_from(office, &stream)? {
            return Err(ApiRefusal::NotFound.into());
        }
        if !reader.may_read_stream(office, &stream).map_err(|error| unreadable(&error))? {
            return Err(ApiRefusal::Forbidden.into());
        }
        let facts = office.ledger().stream(&stream).map_err(|error| unreadable(&error))?;
        find(&facts, &hash).ok_or_else(|| ApiRefusal::NotFound.into())
    });
    give(&app, file.await?, view).await
}

/// A file of a command that waits for a second signature
///
/// 待签命令所附的文件：提交人和待签人可见，签署之前先看清楚。
#[utoipa::path(get, path = "/api/v1/pending/{id}/files/{hash}", tag = "commands",
    params(("id" = String, Path), ("hash" = String, Path), ("view" = Option<String>, Query)),
    responses((status = 200, description = "The bytes of the file"), (status = 404, description = "api.not_found"),
        (status = 422, description = "api.no_small_picture")))]
pub(crate) async fn of_pending(
    State(app): Shared,
    SignedIn { session, .. }: SignedIn,
    Path((id, hash)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answered {
    let view = View::of(query.as_deref())?;
    let id: Id = id.parse().map_err(|_| ApiRefusal::NotFound)?;
    let waits = app.room.of(session.actor, app.office.ledger().now()).into_iter();
    let mut files = waits
        .filter(|(waiting, _)| *waiting == id)
        .flat_map(|(_, second)| second.request.command.attachments().to_vec());
    let file = files.find(|file| file.blob.as_str() == hash).ok_or(ApiRefusal::NotFound)?;
    give(&app, file, view).await
}
