//! Every route, and what goes around all of them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::problem::Problem;
use crate::{handlers, page};

/// Longest time for one request.
const REQUEST_SECONDS_MAX: u64 = 60;

/// The server's routes.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(page::start))
        .route("/docs", get(page::docs))
        .route("/openapi.json", get(handlers::openapi))
        .route("/healthz", get(handlers::health))
        .route("/api/v1/sign-in", post(handlers::sign_in))
        .route("/api/v1/sign-out", post(handlers::sign_out))
        .route("/api/v1/session", get(handlers::session))
        .route("/api/v1/commands", post(handlers::command))
        .route("/api/v1/pending", get(handlers::pending))
        .route("/api/v1/pending/{id}/sign", post(handlers::sign))
        .route("/api/v1/prepare", post(handlers::prepare))
        .route("/api/v1/append", post(handlers::append))
        .route("/api/v1/streams/{kind}/{id}", get(handlers::stream))
        .route("/api/v1/entries/{position}", get(handlers::entry))
        .route("/api/v1/projections/{name}", get(handlers::projection))
        .route("/api/v1/rules", get(handlers::rules))
        .route("/api/v1/rules/{name}", post(handlers::rule))
        .route("/api/v1/checkpoint", get(handlers::checkpoint))
        .fallback(handlers::missing)
        .method_not_allowed_fallback(handlers::missing)
        .with_state(app)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            Duration::from_secs(REQUEST_SECONDS_MAX),
        ))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "api.unreadable").into_response()
        }))
        .layer(from_fn(plain_refusals))
        .layer(from_fn(headers))
}

/// Serves until `stop` is done. Requests are not logged: a path or an address could name a reporter.
pub async fn serve(
    listener: tokio::net::TcpListener,
    app: Arc<App>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(app)).with_graceful_shutdown(stop).await
}

/// Refusals of the framework itself (a path or query that does not fit) get the same form as ours.
async fn plain_refusals(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let ours = response
        .headers()
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| !kind.starts_with("text/plain"));
    if status.is_client_error() && !ours {
        Problem::new(status, "api.bad_request").into_response()
    } else {
        response
    }
}

/// Headers of every answer (`design`: no third party, no frame, no sniffing, no store).
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        ),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ] {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
