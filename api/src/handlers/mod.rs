//! The handlers of the JSON API: extract, do one thing, answer.

pub(crate) mod bundles;
pub(crate) mod commands;
pub(crate) mod files;
pub(crate) mod joint;
pub(crate) mod log;
pub(crate) mod me;
pub(crate) mod pickups;
pub(crate) mod queries;
pub(crate) mod reporters;
pub(crate) mod sealed;
pub(crate) mod search;
pub(crate) mod sign_in;
pub(crate) mod uploads;
pub(crate) mod vouchers;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::app::App;
use crate::problem::{Problem, unreadable};

pub(crate) type Shared = State<Arc<App>>;
pub(crate) type Answered = Result<Response, Problem>;

pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

pub(crate) fn ok(value: &Value) -> Response {
    json(StatusCode::OK, value)
}

/// Runs what blocks (hashing, reading, waiting for the disk) off the reactor.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| unreadable(&error))?
}
