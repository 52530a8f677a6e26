//! What comes in: JSON that is refused by name, and the session behind a request.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::problem::Problem;
use crate::session::Session;

/// Largest body of a request, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 256 * 1024;

/// A JSON body of a known form.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Problem> {
        let json = |headers: &HeaderMap| {
            let kind =
                headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        };
        if !json(request.headers()) {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "api.not_json"));
        }
        let bytes = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX)
            .await
            .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "api.too_large"))?;
        parse(&bytes).map(Json)
    }
}

/// Reads JSON. The refusal tells where and which field, never the value that was sent.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "api.not_utf8"));
    }
    serde_json::from_slice(bytes).map_err(|error| json_problem(&error))
}

pub(crate) fn json_problem(error: &serde_json::Error) -> Problem {
    let code = match error.classify() {
        serde_json::error::Category::Data => "api.bad_field",
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => "api.bad_json",
    };
    let problem = Problem::new(StatusCode::BAD_REQUEST, code);
    problem.with("line", &error.line().to_string()).with("column", &error.column().to_string())
}

/// The id of the session, from the header of a script or the cookie of a page.
pub(crate) struct Token(pub(crate) String);

/// Name of the cookie.
pub(crate) const COOKIE: &str = "__Host-adit";

fn token(parts: &Parts) -> Option<String> {
    let headers = &parts.headers;
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
        return Some(token.to_owned());
    }
    // A cookie is sent by the browser on its own, so a write with it must come from our own page.
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if parts.method != Method::GET && site != Some("same-origin") {
        return None;
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

impl FromRequestParts<Arc<App>> for Token {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        token(parts).map(Self).ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "api.not_signed_in"))
    }
}

/// Somebody who is signed in.
pub(crate) struct SignedIn(pub(crate) Session);

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Token(token) = Token::from_request_parts(parts, app).await?;
        let session = app.sessions.get(&token, app.office.ledger().now());
        session.map(Self).ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "api.not_signed_in"))
    }
}
