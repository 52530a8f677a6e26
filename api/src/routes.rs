//! Every route, and what goes around all of them.

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::handlers::{bundles, commands, log, me, queries, sealed, search, sign_in, vouchers};
use crate::problem::{ApiRefusal, Problem};
use crate::timekeeper::Timekeeper;
use crate::{openapi, page, reporter, web};

/// Longest time for one request, in seconds.
const REQUEST_SECONDS_MAX: u64 = 60;
/// Seconds between two looks for sessions that are over, and for a new day.
const SWEEP_SECONDS: u64 = 60;
/// Seconds until a publication that failed is tried again.
const RETRY_SECONDS: u64 = 10;

/// Every route. The document is made of the same list.
fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::Head::openapi())
        .routes(routes!(sign_in::sign_in))
        .routes(routes!(sign_in::challenge))
        .routes(routes!(sign_in::sign_in_by_key))
        .routes(routes!(sign_in::sign_out))
        .routes(routes!(sign_in::session))
        .routes(routes!(sign_in::password))
        .routes(routes!(commands::commands))
        .routes(routes!(commands::pending))
        .routes(routes!(commands::sign))
        .routes(routes!(commands::prepare))
        .routes(routes!(commands::append))
        .routes(routes!(vouchers::voucher))
        .routes(routes!(queries::stream))
        .routes(routes!(queries::entry))
        .routes(routes!(queries::projection))
        .routes(routes!(bundles::bundle))
        .routes(routes!(sealed::open))
        .routes(routes!(sealed::seal))
        .routes(routes!(sealed::upload))
        .routes(routes!(search::search))
        .routes(routes!(me::keys))
        .routes(routes!(me::signatures))
        .routes(routes!(queries::checkpoint))
        .routes(routes!(log::checkpoint))
        .routes(routes!(log::tile))
        .routes(routes!(log::keys))
        .routes(routes!(log::stream))
        .routes(routes!(log::receipt))
        .routes(routes!(log::timestamps))
        .routes(routes!(log::timestamp))
        .routes(routes!(page::verify::form, page::verify::verify))
        .routes(routes!(queries::rules))
        .routes(routes!(queries::rule))
        .routes(routes!(queries::health))
        .routes(routes!(reporter::home::home))
        .routes(routes!(reporter::report::form, reporter::report::submit))
        .routes(routes!(reporter::follow::form, reporter::follow::act))
        .routes(routes!(page::start))
        .routes(routes!(page::table))
        .routes(routes!(page::docs))
        .routes(routes!(page::rules::rules))
        .routes(routes!(page::openapi))
        .routes(routes!(page::style))
        .routes(routes!(web::script))
}

/// The OpenAPI document.
pub fn document() -> Result<serde_json::Value, serde_json::Error> {
    openapi::document(&routes().into_openapi())
}

/// The server's routes.
pub fn router(app: Arc<App>) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(async || ApiRefusal::NotFound)
        .method_not_allowed_fallback(async || ApiRefusal::WrongMethod)
        .with_state(app)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            Duration::from_secs(REQUEST_SECONDS_MAX),
        ))
        .layer(CatchPanicLayer::custom(|_| ApiRefusal::Unreadable.into_response()))
        .layer(from_fn(plain_refusals))
        .layer(from_fn(headers))
}

/// Serves until `stop` is done. Requests are not logged: a path or an address could name a reporter.
pub async fn serve(
    listener: tokio::net::TcpListener,
    app: Arc<App>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let swept = Arc::downgrade(&app);
    let sweeper = tokio::spawn(async move {
        let timekeeper = Arc::new(Timekeeper::default());
        let round = Duration::from_secs(SWEEP_SECONDS);
        let mut every = tokio::time::interval_at(tokio::time::Instant::now() + round, round);
        loop {
            every.tick().await;
            let Some(app) = swept.upgrade() else { return };
            app.sessions.sweep(app.office.ledger().now());
            let timekeeper = Arc::clone(&timekeeper);
            // It ends by itself; a panic in it was logged, and the next round tries again.
            let _ = tokio::task::spawn_blocking(move || {
                timekeeper.tick(&app);
                timekeeper.fill(&app)
            })
            .await;
        }
    });
    let publisher = tokio::spawn(publish(Arc::downgrade(&app)));
    let served = axum::serve(listener, router(app)).with_graceful_shutdown(stop).await;
    sweeper.abort();
    publisher.abort();
    served
}

/// Publishes whenever it is due, for as long as the server runs. A clock that was set is noticed within a minute.
async fn publish(app: Weak<App>) {
    loop {
        let Some(running) = app.upgrade() else { return };
        let wait = match running.office.ledger().publication_fault() {
            Some(fault) => {
                tracing::error!(fault, "nothing could be published; it is tried again");
                RETRY_SECONDS
            }
            None => running.office.ledger().due_in().clamp(1, SWEEP_SECONDS),
        };
        drop(running);
        tokio::time::sleep(Duration::from_secs(wait)).await;
        let Some(running) = app.upgrade() else { return };
        let _ = tokio::task::spawn_blocking(move || running.office.ledger().publish_due()).await;
    }
}

/// Refusals of the framework itself (a path or header that does not fit, a timeout) get the same form as ours.
async fn plain_refusals(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let ours = kind.is_some_and(|kind| kind.starts_with("application/") || kind.starts_with("text/html"));
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let refusal =
        if status == StatusCode::SERVICE_UNAVAILABLE { ApiRefusal::TimedOut } else { ApiRefusal::BadRequest };
    Problem { status, ..Problem::from(refusal) }.into_response()
}

/// What pages may load: style and pictures of ours, and nothing that runs.
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                                 frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Headers of every answer: no third party, no script, no frame, no sniffing; no store, and nothing for pages of others,
/// except where a handler says otherwise of public data.
const HEADERS: [(&str, &str); 9] = [
    ("content-security-policy", POLICY),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), display-capture=(), browsing-topics=()",
    ),
];

async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        let header = response.headers_mut().entry(HeaderName::from_static(name));
        header.or_insert(HeaderValue::from_static(value));
    }
    response
}
