//! `--serve`: a small public page with the handled rate, the missed deadlines and the violations. No script, no cookie, no
//! log of who reads it.

use std::sync::{Arc, PoisonError, RwLock};

use adit_core::units::Timestamp;
use anyhow::{Context, Result};
use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use super::report::{Missed, Report, Told};

/// Rows of each list on the page; the whole is in `/status.json`.
const ROWS: usize = 200;

/// What the last round said.
#[derive(Clone, Default)]
pub(super) struct Status {
    pub(super) report: Option<Arc<Report>>,
    pub(super) asked_at: Timestamp,
    /// Why the last round said nothing new.
    pub(super) unreachable: Option<String>,
}

/// The newest status, shared by the monitor and its page.
pub(super) type Board = Arc<RwLock<Status>>;

pub(super) fn show(board: &Board, status: Status) {
    *board.write().unwrap_or_else(PoisonError::into_inner) = status;
}

fn read(board: &Board) -> Status {
    board.read().unwrap_or_else(PoisonError::into_inner).clone()
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Page<'a> {
    report: Option<&'a Report>,
    asked_at: String,
    unreachable: bool,
    missed: &'a [Missed],
    late: &'a [Missed],
    violations: &'a [Told],
}

/// Headers of every answer: no third party, no script, no frame, no sniffing, no store.
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    ),
];

async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

fn first<T>(all: &[T]) -> &[T] {
    &all[..all.len().min(ROWS)]
}

async fn page(State(board): State<Board>) -> Response {
    let status = read(&board);
    let report = status.report.as_deref();
    let page = Page {
        report,
        asked_at: status.asked_at.to_string(),
        unreachable: status.unreachable.is_some(),
        missed: report.map_or(&[], |report| first(&report.deadlines.missed)),
        late: report.map_or(&[], |report| first(&report.deadlines.met_late)),
        violations: report.map_or(&[], |report| first(&report.violations)),
    };
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn status(State(board): State<Board>) -> Response {
    let status = read(&board);
    let reachable = status.unreachable.is_none();
    let body = json!({ "asked_at": status.asked_at.to_string(), "reachable": reachable, "report": status.report.as_deref() });
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../templates/audit.css"))
        .into_response()
}

/// Serves the page on threads of its own; gives back the address.
pub(super) fn start(listen: &str, board: &Board) -> Result<(tokio::runtime::Runtime, String)> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let routes = Router::new()
        .route("/", get(page))
        .route("/status.json", get(status))
        .route("/style.css", get(style));
    let routes = routes.layer(from_fn(headers)).with_state(Arc::clone(board));
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind(listen))
        .with_context(|| format!("couldn't listen on {listen}"))?;
    let address = format!("http://{}", listener.local_addr()?);
    runtime.spawn(async move { axum::serve(listener, routes).await });
    Ok((runtime, address))
}
