//! What comes in: JSON that is refused by name, and the session behind a request.

use std::sync::Arc;

use adit_core::units::Position;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use serde::de::DeserializeOwned;

use crate::access::Reader;
use crate::app::App;
use crate::desk::wall;
use crate::json;
use crate::onion::Way;
use crate::openid::trips::AWAY_SECONDS_MAX;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::session::Session;

/// Largest body of a request, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 256 * 1024;

/// Says that a page's script asks, and nobody pressed anything.
const LOOKS_BY_ITSELF: &str = "x-adit-live";

/// Name of the cookie. The prefix makes browsers refuse it without `Secure` and `Path=/`, and from a sibling host.
pub(crate) const COOKIE: &str = "__Host-adit";
/// Its name at an onion service, whose `http` no browser need take for secure. Tor encrypts it; elsewhere it is not looked at.
const ONION_COOKIE: &str = "adit-onion";

/// Names a trip to the OpenID provider, for minutes. Unlike a session it comes along when another site leads a browser here, which is
/// what the provider does; it opens nothing without what the provider answered to that trip.
const TRIP_COOKIE: &str = "__Host-adit-openid";

/// The bytes of a JSON body.
pub(crate) struct JsonBytes(pub(crate) Bytes);

impl FromRequest<Arc<App>> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(ApiRefusal::NotJson.into());
        }
        let bytes = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX).await;
        bytes.map(Self).map_err(|_| ApiRefusal::TooLarge.into())
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A JSON body of a known form.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, app).await?;
        json::read(&bytes).map(Json)
    }
}

/// The id of the session, from the header of a script or the cookie of a page.
pub(crate) struct Token(pub(crate) String);

fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers, header::AUTHORIZATION.as_str())?.strip_prefix("Bearer ")
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    cookie_named(headers, cookie_name(headers))
}

fn cookie_named<'a>(headers: &'a HeaderMap, own: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == own).map(|(_, value)| value)
}

fn cookie_name(headers: &HeaderMap) -> &'static str {
    if Way::of(headers) == Way::Onion { ONION_COOKIE } else { COOKIE }
}

/// The cookie that holds a session's id, as it is set for whoever came this way: for this host alone, unseen by scripts, sent by no
/// other site. With an empty id, the one that ends it.
pub(crate) fn session_cookie(headers: &HeaderMap, token: &str) -> String {
    let name = cookie_name(headers);
    let secure = if name == COOKIE { " Secure;" } else { "" };
    let ends = if token.is_empty() { "; Max-Age=0" } else { "" };
    format!("{name}={token}; Path=/;{secure} HttpOnly; SameSite=Strict{ends}")
}

/// The cookie that names a trip to the OpenID provider, for as long as one may take; with an empty id, the one that ends it.
pub(crate) fn trip_cookie(token: &str) -> String {
    let seconds = if token.is_empty() { 0 } else { AWAY_SECONDS_MAX };
    format!("{TRIP_COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

/// The id of the trip that came along, whatever it is worth.
pub(crate) fn carried_trip(headers: &HeaderMap) -> Option<&str> {
    cookie_named(headers, TRIP_COOKIE)
}

/// The session id that came along, whatever it is worth.
pub(crate) fn carried(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).or_else(|| cookie(headers))
}

/// Whether a browser says that our own page sent this. A browser too old for `Sec-Fetch-Site` still sends `Origin`
/// with a POST.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    if let Some(site) = text(headers, "sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = text(headers, header::ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    let host = text(headers, header::HOST.as_str());
    origin.is_some_and(|(_, host_of_page)| Some(host_of_page) == host)
}

/// Whether a browser says that another site sent this: what is sent to sign in comes without a session, and one who is signed in unawares
/// would sign as somebody else.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    if let Some(site) = text(headers, "sec-fetch-site") {
        return !["same-origin", "none"].contains(&site);
    }
    let origin = text(headers, header::ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    let host = text(headers, header::HOST.as_str());
    origin.is_some_and(|(_, host_of_page)| Some(host_of_page) != host)
}

impl FromRequestParts<Arc<App>> for Token {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        if let Some(token) = bearer(&parts.headers) {
            return Ok(Self(token.to_owned()));
        }
        let token = cookie(&parts.headers).ok_or(ApiRefusal::NotSignedIn)?;
        // A cookie is sent by the browser on its own, so a write with it must come from our own page.
        if parts.method != Method::GET && !is_from_our_page(&parts.headers) {
            return Err(ApiRefusal::CrossSite.into());
        }
        Ok(Self(token.to_owned()))
    }
}

/// Whether a page asks by itself, without anybody at it: that keeps no session alive.
fn looks_by_itself(parts: &Parts) -> bool {
    parts.headers.contains_key(LOOKS_BY_ITSELF) || parts.uri.path() == crate::desk::live::PATH
}

/// Somebody who is signed in, with a key that is still in force, and what they may see now.
pub(crate) struct SignedIn {
    pub(crate) session: Session,
    pub(crate) reader: Reader,
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Token(token) = Token::from_request_parts(parts, app).await?;
        let ledger = app.office.ledger();
        let found = if looks_by_itself(parts) {
            app.sessions.peek(&token, ledger.now())
        } else {
            app.sessions.get(&token, ledger.now())
        };
        let session = found.ok_or(ApiRefusal::NotSignedIn)?;
        // Asked before each route, too: what forgets to ask gets nothing.
        if session.wall && !wall::is_open(&parts.method, parts.uri.path()) {
            return Err(ApiRefusal::WallOnly.into());
        }
        if !ledger.keys().in_force(&session.vkey, Position(ledger.size())) {
            // Suspended, or its key was replaced: the session ends with the key.
            app.sessions.end(&token);
            return Err(ApiRefusal::NotSignedIn.into());
        }
        let reader = Reader::of(&app.office, session.actor).map_err(|error| unreadable(&error))?;
        Ok(Self { session, reader })
    }
}

/// Somebody who is signed in, or nobody. A session that is over counts as nobody.
pub(crate) struct Anybody(pub(crate) Option<SignedIn>);

impl FromRequestParts<Arc<App>> for Anybody {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match SignedIn::from_request_parts(parts, app).await {
            Ok(signed_in) => Ok(Self(Some(signed_in))),
            Err(problem) if problem.status == ApiRefusal::NotSignedIn.status() => Ok(Self(None)),
            Err(problem) => Err(problem),
        }
    }
}

impl Anybody {
    pub(crate) fn sees_unpublished(&self) -> bool {
        self.0.as_ref().is_some_and(|signed_in| signed_in.reader.sees_unpublished())
    }
}
