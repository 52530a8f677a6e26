//! Evidence bundles over HTTP.

use std::collections::BTreeSet;
use std::sync::Arc;

use adit_core::id::StreamId;
use adit_core::office::bundle::BundleFailure;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answered, Shared, blocking};
use crate::access::Reader;
use crate::app::App;
use crate::bundle::{self, Refused, STREAMS_MAX};
use crate::extract::{Json, SignedIn};
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::session::Session;
use crate::witnesses::Witnesses;

/// What is asked for.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedBundle {
    pub(crate) streams: BTreeSet<StreamId>,
    /// Without bodies.
    #[serde(default)]
    pub(crate) entries_only: bool,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Forbidden(_) => ApiRefusal::Forbidden.into(),
            Refused::NoSigner => ApiRefusal::KeyElsewhere.into(),
            Refused::NotRecorded(error) => error.into(),
            Refused::Failure(BundleFailure::Nothing(_)) => ApiRefusal::NotFound.into(),
            Refused::Failure(BundleFailure::Bundle(error)) => error.refusal().into(),
            Refused::Failure(error @ (BundleFailure::Read(_) | BundleFailure::Rules(_))) => {
                unreadable(&error)
            }
        }
    }
}

/// An evidence bundle of streams that one may read
///
/// 证据包：所选事项的条目、有权查看的正文、证明、密钥与授权、规则包，一个 zip 文件，离线即可核验（docs/bundle.md）。
///
/// At most 64 streams. Where bodies of reports, rewards, inquiries or accesses go out, it is recorded first, signed by the session's
/// key. Auditors and administrators get entries without bodies; an enterprise gets what is published of its own.
#[utoipa::path(post, path = "/api/v1/bundles", tag = "queries",
    request_body(content = String, description = "streams, entries_only", content_type = "application/json"),
    responses((status = 200, description = "A zip (adit.bundle.v1)", content_type = "application/zip"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found: no such stream, or not published yet"),
        (status = 409, description = "api.key_elsewhere"), (status = 422, description = "bundle.too_large")))]
pub(crate) async fn bundle(
    State(app): Shared,
    SignedIn { session, reader }: SignedIn,
    Json(asked): Json<AskedBundle>,
) -> Answered {
    made(app, session, reader, asked).await
}

/// The bundle as a file, for whoever is signed in: on a page as over the API.
pub(crate) async fn made(app: Arc<App>, session: Session, reader: Reader, asked: AskedBundle) -> Answered {
    if asked.streams.is_empty() || asked.streams.len() > STREAMS_MAX {
        return Err(ApiRefusal::BadRequest.into());
    }
    // One at a time, like other long reads, to the end of the work whoever waits for it.
    let turn = Arc::clone(&app.past.turns).acquire_owned().await.map_err(|error| unreadable(&error))?;
    let worker = Arc::clone(&app);
    let made = blocking(move || {
        let streams: Vec<StreamId> = asked.streams.into_iter().collect();
        let policy = worker.witnesses().map(Witnesses::policy);
        let asked = bundle::Asked {
            streams: &streams,
            entries_only: asked.entries_only,
            policy,
            signer: session.key.as_deref(),
        };
        let made = bundle::make(&worker.office, Some(&reader), asked);
        drop(turn);
        Ok(made?)
    });
    let made = made.await?;
    let name =
        format!("attachment; filename=\"bundle-{}-{}.zip\"", app.office.ledger().now().day(), made.size);
    let headers = [(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((StatusCode::OK, headers, made.zip).into_response())
}
