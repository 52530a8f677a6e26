//! Every route, and what goes around all of them.

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::handlers::{
    bundles, commands, files, joint, log, me, pickups, queries, reporters, sealed, search, sign_in, uploads,
    vouchers,
};
use crate::onion::{Onion, Way};
use crate::problem::{ApiRefusal, Problem};
use crate::timekeeper::Timekeeper;
use crate::{desk, openapi, page, patience, reporter, web};

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
        .routes(routes!(files::upload))
        .routes(routes!(files::of_pending))
        .routes(routes!(vouchers::voucher))
        .routes(routes!(queries::stream))
        .routes(routes!(files::of_stream))
        .routes(routes!(queries::entry))
        .routes(routes!(queries::projection))
        .routes(routes!(bundles::bundle))
        .routes(routes!(sealed::open))
        .routes(routes!(sealed::seal))
        .routes(routes!(sealed::upload))
        .routes(routes!(uploads::begin))
        .routes(routes!(uploads::told, uploads::append, uploads::cancel))
        .routes(routes!(pickups::take))
        .routes(routes!(pickups::script))
        .routes(routes!(pickups::exchange))
        .routes(routes!(joint::invite))
        .routes(routes!(joint::join))
        .routes(routes!(reporters::recipients))
        .routes(routes!(reporters::work))
        .routes(routes!(reporters::mine))
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
        .routes(routes!(reporter::inside::form, reporter::inside::submit))
        .routes(routes!(reporter::inside_my::form, reporter::inside_my::act))
        .routes(routes!(reporter::here::page))
        .routes(routes!(page::start))
        .routes(routes!(page::table))
        .routes(routes!(page::docs))
        .routes(routes!(page::rules::rules))
        .routes(routes!(page::figures::figures))
        .routes(routes!(page::openapi))
        .routes(routes!(page::style))
        .routes(routes!(web::script))
        .merge(workbench())
}

/// The pages of those who sign events.
fn workbench() -> OpenApiRouter<Arc<App>> {
    let router = OpenApiRouter::new()
        .routes(routes!(desk::sign_in::form, desk::sign_in::submit))
        .routes(routes!(desk::sign_in::sign_out))
        .routes(routes!(desk::sign_in::language))
        .routes(routes!(desk::style))
        .routes(routes!(desk::me::show, desk::me::change))
        .routes(routes!(desk::openid::leave))
        .routes(routes!(desk::openid::back))
        .routes(routes!(desk::accounts::show, desk::accounts::act))
        .routes(routes!(desk::accounts::invitation, desk::accounts::take_up))
        .routes(routes!(desk::plans::show, desk::plans::seal_plan))
        .routes(routes!(desk::vouchers::form, desk::vouchers::show))
        .routes(routes!(desk::trace::show, desk::trace::attach))
        .routes(routes!(desk::trace::document))
        .routes(routes!(desk::bundle::make))
        .routes(routes!(desk::profile::show))
        .routes(routes!(desk::telephone::form, desk::telephone::submit))
        .routes(routes!(desk::home::show))
        .routes(routes!(desk::inside::show))
        .routes(routes!(desk::import::form, desk::import::upload))
        .routes(routes!(desk::import::show, desk::import::act))
        .routes(routes!(desk::import::refused))
        .routes(routes!(desk::views::change))
        .routes(routes!(desk::live::follow))
        .routes(routes!(desk::help::show))
        .routes(routes!(desk::figures::show))
        .routes(routes!(desk::wall::show, desk::wall::hang))
        .routes(routes!(desk::summary::show))
        .routes(routes!(desk::system::show))
        .routes(routes!(desk::rulebook::show))
        .routes(routes!(desk::reads::show))
        .routes(routes!(desk::table::show))
        .routes(routes!(desk::stream::show))
        .routes(routes!(desk::act::form, desk::act::submit))
        .routes(routes!(desk::case::open))
        .routes(routes!(desk::case::form, desk::case::send))
        .routes(routes!(desk::share::form, desk::share::share))
        .routes(routes!(desk::waiting::show))
        .routes(routes!(desk::waiting::sign));
    #[cfg(feature = "pdf")]
    let router = router
        .routes(routes!(desk::papers::poster_form, desk::papers::make_poster))
        .routes(routes!(desk::papers::self_report))
        .routes(routes!(desk::papers::inside))
        .routes(routes!(desk::transfer::form, desk::transfer::make))
        .routes(routes!(desk::records::record))
        .routes(routes!(desk::records::served));
    router
}

/// The OpenAPI document.
pub fn document() -> Result<serde_json::Value, serde_json::Error> {
    openapi::document(&routes().into_openapi())
}

/// The server's routes.
pub fn router(app: Arc<App>) -> Router {
    let (router, _) = routes().split_for_parts();
    let onion = Arc::new(app.options.onion.clone());
    router
        .fallback(async || ApiRefusal::NotFound)
        .method_not_allowed_fallback(async || ApiRefusal::WrongMethod)
        .with_state(Arc::clone(&app))
        .layer(from_fn_with_state(Arc::clone(&app), desk::wall::alone))
        .layer(from_fn_with_state(app, patience::in_time))
        .layer(from_fn_with_state(onion, onion_location))
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
            let now = app.office.ledger().now();
            app.sessions.sweep(now);
            app.imports.sweep(now, &app.intake.limits, |name| app.sessions.is_live(name, now));
            app.halfway.sweep(now);
            app.trips.sweep(now);
            let timekeeper = Arc::clone(&timekeeper);
            // It ends by itself; a panic in it was logged, and the next round tries again.
            let _ = tokio::task::spawn_blocking(move || {
                timekeeper.tick(&app);
                timekeeper.clear(&app);
                timekeeper.fill(&app)
            })
            .await;
        }
    });
    let publisher = tokio::spawn(publish(Arc::downgrade(&app)));
    let historian = tokio::spawn(look_back(Arc::downgrade(&app)));
    let closing = app.closing.clone();
    // Whoever follows a page would keep the server from stopping.
    let stop = async move {
        stop.await;
        closing.send_replace(true);
    };
    let served = axum::serve(listener, router(app)).with_graceful_shutdown(stop).await;
    sweeper.abort();
    publisher.abort();
    historian.abort();
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

/// Has the ends of past months at hand, for as long as the server runs. Whoever asks for another day goes first.
async fn look_back(app: Weak<App>) {
    let mut every = tokio::time::interval(Duration::from_secs(SWEEP_SECONDS));
    loop {
        every.tick().await;
        let Some(running) = app.upgrade() else { return };
        let _ = tokio::task::spawn_blocking(move || running.prepare_past()).await;
    }
}

/// Refusals of the framework itself (a path or header that does not fit) get the same form as ours.
async fn plain_refusals(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let ours = kind.is_some_and(|kind| kind.starts_with("application/") || kind.starts_with("text/html"));
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    Problem { status, ..Problem::from(ApiRefusal::BadRequest) }.into_response()
}

/// Pages for the public, which are there as an onion service too. No page of an officer is: their browser would tell nobody less.
const PUBLIC_PAGES: [&str; 6] = ["/", "/report", "/my", "/verify", "/inside", "/inside/my"];

/// Tells whoever came another way that the page is there as an onion service.
async fn onion_location(State(onion): State<Arc<Option<Onion>>>, request: Request, next: Next) -> Response {
    let page = request.uri().clone();
    let read = [Method::GET, Method::HEAD].contains(request.method());
    let public = read && PUBLIC_PAGES.contains(&page.path());
    let elsewhere = public && Way::of(request.headers()) != Way::Onion;
    let mut response = next.run(request).await;
    let location = onion.as_ref().as_ref().filter(|_| elsewhere).and_then(|onion| onion.location(&page));
    response.headers_mut().extend(location);
    response
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
