//! A witness over HTTP, after C2SP tlog-witness: `add-checkpoint`, reading back for monitors, and a page that says whose it is.
//!
//! What is decided and kept is in [`adit_core::ledger::witness`]. Nothing of a request is logged but the origin of a log and
//! sizes, and these only as an alarm.

use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use adit_core::ledger::witness::keeper::{Alarm, Answer, Keeper, Reply, origin_id};
use adit_core::ledger::witness::{REQUEST_BYTES_MAX, WitnessRefusal};
use adit_core::refusal::{Lang, Refusal};
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

/// Longest time for one request, in seconds.
const REQUEST_SECONDS_MAX: u64 = 10;
/// Requests that are checked at once; the rest queue until their time is over.
const CHECKS_MAX: usize = 16;
/// Media type of a 409's body (C2SP tlog-witness).
pub const SIZE_TYPE: &str = "text/x.tlog.size";
const TEXT: &str = "text/plain; charset=utf-8";

struct Shared {
    keeper: Keeper,
    checks: Semaphore,
}

/// The witness's routes.
pub fn router(keeper: Keeper) -> Router {
    let shared = Arc::new(Shared { keeper, checks: Semaphore::new(CHECKS_MAX) });
    let constant = |name, value| {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        SetResponseHeaderLayer::if_not_present(name, value)
    };
    Router::new()
        .route("/add-checkpoint", post(add))
        .route("/{origin}/checkpoint", get(latest))
        .route("/", get(about))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(shared)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::from_secs(REQUEST_SECONDS_MAX),
        ))
        .layer(CatchPanicLayer::new())
        .layer(constant("cache-control", "no-store"))
        .layer(constant("content-security-policy", "default-src 'none'; frame-ancestors 'none'"))
        .layer(constant("referrer-policy", "no-referrer"))
        .layer(constant("x-content-type-options", "nosniff"))
}

/// Serves until `stop` is done.
pub async fn serve(
    listener: tokio::net::TcpListener,
    keeper: Keeper,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(keeper)).with_graceful_shutdown(stop).await
}

async fn add(State(shared): State<Arc<Shared>>, body: Result<Bytes, BytesRejection>) -> Response {
    let Ok(body) = body else { return refused(&WitnessRefusal::Malformed) };
    let Ok(_permit) = shared.checks.acquire().await else { return refused(&WitnessRefusal::NotWritten) };
    let keeper = Arc::clone(&shared);
    // Once begun it is carried out, also when the client has gone: what is kept was then never sent, which is harmless.
    match tokio::task::spawn_blocking(move || keeper.keeper.add(&body)).await {
        Ok(Answer { reply, alarm }) => {
            if let Some(alarm) = alarm {
                sound(&alarm);
            }
            said(reply)
        }
        Err(_) => refused(&WitnessRefusal::NotWritten),
    }
}

fn said(reply: Reply) -> Response {
    match reply {
        Reply::Cosigned(line) => ([(header::CONTENT_TYPE, TEXT)], line).into_response(),
        Reply::Stale(size) => {
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, SIZE_TYPE)], format!("{size}\n")).into_response()
        }
        Reply::Refused(refusal) => refused(&refusal),
    }
}

fn status(refusal: &WitnessRefusal) -> StatusCode {
    match refusal {
        WitnessRefusal::Malformed | WitnessRefusal::OldLarger => StatusCode::BAD_REQUEST,
        WitnessRefusal::UnknownLog | WitnessRefusal::NothingYet => StatusCode::NOT_FOUND,
        WitnessRefusal::BadSignature => StatusCode::FORBIDDEN,
        WitnessRefusal::Stale => StatusCode::CONFLICT,
        WitnessRefusal::Inconsistent => StatusCode::UNPROCESSABLE_ENTITY,
        WitnessRefusal::ClockBehind | WitnessRefusal::NotWritten => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A refusal in both languages, as plain text.
fn refused(refusal: &WitnessRefusal) -> Response {
    let words = Refusal::from(refusal.clone());
    let mut text = String::new();
    for lang in [Lang::Zh, Lang::En] {
        let said = words.words(lang);
        // Writing to a string can't fail.
        let _ = writeln!(text, "{} {}", said.says, said.instead);
    }
    (status(refusal), [(header::CONTENT_TYPE, TEXT)], text).into_response()
}

fn sound(alarm: &Alarm) {
    let Alarm { origin, held, sent, fork, kept } = alarm;
    if *fork {
        tracing::error!(origin, held, sent, kept, "the log signed two trees of one size");
    } else {
        tracing::error!(
            origin,
            held,
            sent,
            kept,
            "a checkpoint of the log came without a proof that it extends the last one"
        );
    }
}

/// The checkpoint that was cosigned last, for monitors.
async fn latest(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    match shared.keeper.latest(&id) {
        Some(note) => ([(header::CONTENT_TYPE, TEXT)], note).into_response(),
        None => refused(&WitnessRefusal::NothingYet),
    }
}

/// Whose witness this is, and what it serves, in both languages.
async fn about(State(shared): State<Arc<Shared>>) -> Response {
    let mut logs = String::new();
    for (origin, size) in shared.keeper.sizes() {
        let size = size.map_or_else(|| "–".to_owned(), |size| size.to_string());
        let (id, origin) = (origin_id(&origin), escaped(&origin));
        let _ = write!(logs, "<li><a href=\"{id}/checkpoint\">{origin}</a> {size}</li>");
    }
    let vkey = escaped(&shared.keeper.vkey().to_string());
    let page = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>见证方 Witness</title>\
         <h1>见证方 <span lang=\"en\">Witness</span></h1>\
         <p>本见证方只为延续了此前内容的日志检查点签名，并保留互相矛盾的检查点作为证据。</p>\
         <p lang=\"en\">This witness signs a log's checkpoint only if it extends what it signed before, and keeps \
         checkpoints that contradict each other as evidence.</p>\
         <p>公钥 <span lang=\"en\">Public key</span>: <code>{vkey}</code></p>\
         <p>C2SP tlog-witness: <code>POST add-checkpoint</code></p>\
         <h2>所见证的日志及规模 <span lang=\"en\">Logs and sizes</span></h2><ul>{logs}</ul></html>"
    );
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

/// Names of keys are chosen by others.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
