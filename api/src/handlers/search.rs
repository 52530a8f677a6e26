//! Search over what the asker may see. The words come in the body of the request: an address could be kept somewhere.

use std::sync::Arc;

use adit_core::event::Fact;
use adit_core::text::Short;
use adit_core::units::Position;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::queries::shown;
use super::{Answered, Shared, blocking, ok};
use crate::access::withhold;
use crate::app::App;
use crate::extract::{JsonBytes, SignedIn};
use crate::json::read;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Most texts of one answer.
const HITS_MAX: usize = 100;
/// Texts that are left out at most: whoever looks further asks with other words.
const OFFSET_MAX: usize = 10_000;

/// What is looked for.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Looked {
    words: Short,
    #[serde(default)]
    offset: usize,
    #[serde(default)]
    limit: Option<usize>,
    /// Wait until the entry at this position can be found.
    #[serde(default)]
    after: Option<u64>,
}

/// Search in Chinese and English
///
/// 全文检索：隐患、企业、检查和举报办理中由工作人员或企业填写的文字；只检索有权查看的内容。
///
/// Best first; all words must be there. Sealed testimony is not searched.
#[utoipa::path(post, path = "/api/v1/search", tag = "queries",
    request_body(content = String, description = "words, offset, limit, after", content_type = "application/json"),
    responses((status = 200, description = "total, indexed, hits: stream, position, type, data"),
        (status = 403, description = "api.forbidden")))]
pub(crate) async fn search(
    State(app): Shared,
    SignedIn { reader, .. }: SignedIn,
    JsonBytes(bytes): JsonBytes,
) -> Answered {
    let asker = reader.asker("register").ok_or(ApiRefusal::Forbidden)?;
    let looked: Looked = read(&bytes)?;
    if looked.offset > OFFSET_MAX {
        return Err(ApiRefusal::BadQuery.into());
    }
    if let Some(after) = looked.after {
        let behind = after >= app.office.ledger().size();
        if behind || !app.searcher.wait_for(Position(after)).await {
            return Err(ApiRefusal::Stale.into());
        }
    }
    let limit = looked.limit.unwrap_or(20).clamp(1, HITS_MAX);
    let worker = Arc::clone(&app);
    let own = reader.is_enterprise();
    let answer = move || {
        let finder = worker.searcher.finder();
        let kept = worker.projector.read(|state| state.conflicts.of(asker.actor).streams.clone());
        let found = finder.find(looked.words.as_str(), asker.viewer, &kept, looked.offset, limit);
        let found = found.map_err(|error| unreadable(&error))?;
        let hits = found.hits.iter().map(|position| told(&worker, *position, own));
        let hits = hits.collect::<Result<Vec<Value>, Problem>>()?;
        Ok(json!({ "total": found.total, "indexed": worker.searcher.indexed(), "hits": hits }))
    };
    blocking(answer).await.map(|value| ok(&value))
}

/// The event that was found, from the ledger.
fn told(app: &App, position: Position, own: bool) -> Result<Value, Problem> {
    let stored = app.office.ledger().stored(position).map_err(|error| unreadable(&error))?;
    let stored = stored.ok_or(ApiRefusal::NotFound)?;
    let fact = Fact::decode(&stored).map_err(|error| unreadable(&error))?;
    let mut event = shown(&fact)?;
    if own {
        withhold(&mut event);
    }
    event["stream"] = json!(fact.stream);
    Ok(event)
}
