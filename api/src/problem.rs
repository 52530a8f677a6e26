//! Refusals over HTTP: RFC 9457 problem documents with code, rule, and words in both languages.

use adit_core::ledger::sequencer::AppendError;
use adit_core::office::ExecuteError;
use adit_core::refusal::{Lang, Refusal};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refusal with its status. Never carries what somebody typed.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub refusal: Refusal,
}

impl Problem {
    pub fn new(status: StatusCode, code: &str) -> Self {
        Self { status, refusal: Refusal::new(code) }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.refusal = self.refusal.with(name, value);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let words = |lang| self.refusal.words(lang);
        let body = json!({
            "type": format!("urn:adit:refusal:{}", self.refusal.code),
            "title": words(Lang::En).says,
            "status": self.status.as_u16(),
            "code": self.refusal.code,
            "rule": words(Lang::En).rule,
            "details": self.refusal.details,
            "zh": words(Lang::Zh),
            "en": words(Lang::En),
        });
        let mut response = (self.status, body.to_string()).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<ExecuteError> for Problem {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Refused(refusal) => Self { status: StatusCode::UNPROCESSABLE_ENTITY, refusal },
            ExecuteError::Busy => Self::new(StatusCode::CONFLICT, "api.conflict"),
            ExecuteError::Append(error) => {
                // Positions and paths are for the operator; the log of the server names them.
                tracing::error!(%error, "an append failed");
                let unknown = matches!(error, AppendError::Unknown(_) | AppendError::Lost);
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    if unknown { "api.unknown" } else { "api.not_written" },
                )
            }
            ExecuteError::Read(error) => {
                tracing::error!(%error, "the ledger can't be read");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api.unreadable")
            }
            ExecuteError::NoRandomness | ExecuteError::Rules(_) | ExecuteError::Body { .. } => {
                tracing::error!(%error, "a command can't be written");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api.unreadable")
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, refusal }
    }
}
