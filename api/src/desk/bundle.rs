//! An evidence bundle from a page: what the API makes, for whoever may have it.

use std::collections::BTreeSet;

use adit_core::id::StreamId;
use axum::extract::Form;

use super::frame::{Desk, Shown};
use super::words::Words;
use crate::bundle::STREAMS_MAX;
use crate::handlers::bundles::{AskedBundle, made};
use crate::problem::ApiRefusal;

/// How many streams do not fit into one bundle, in words; nothing where all do.
pub(super) fn left_out(w: Words, streams: usize) -> String {
    match streams.saturating_sub(STREAMS_MAX) {
        0 => String::new(),
        many => w.fill("bundle.left_out", &[("n", &many.to_string())]),
    }
}

/// Make an evidence bundle
///
/// 制作证据包：与 `POST /api/v1/bundles` 同一权限、同样记入台账。
#[utoipa::path(post, path = "/desk/bundles", tag = "desk",
    request_body(content = String, description = "stream (several), entries_only", content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A zip (adit.bundle.v1)", content_type = "application/zip"),
        (status = 303, description = "Not signed in"), (status = 403, description = "api.forbidden"),
        (status = 404, description = "api.not_found"), (status = 409, description = "api.key_elsewhere"),
        (status = 422, description = "bundle.too_large")))]
pub(crate) async fn make(desk: Desk, Form(sent): Form<Vec<(String, String)>>) -> Shown {
    let mut asked = AskedBundle { streams: BTreeSet::new(), entries_only: false };
    for (name, value) in sent {
        match (name.as_str(), value.as_str()) {
            ("stream", stream) => {
                let stream: StreamId = stream.parse().map_err(|_| ApiRefusal::NotFound)?;
                asked.streams.insert(stream);
            }
            ("entries_only", "true") => asked.entries_only = true,
            _ => return Err(ApiRefusal::BadRequest.into()),
        }
    }
    Ok(made(desk.app, desk.session, desk.reader, asked).await?)
}
