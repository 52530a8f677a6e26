//! Refusals over HTTP: RFC 9457 problem documents with code, rule, and words in both languages.

use adit_core::decider::Rejection;
use adit_core::ledger::blobs::BlobError;
use adit_core::ledger::sequencer::AppendError;
use adit_core::office::ExecuteError;
use adit_core::refusal::{Lang, Refusal};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// What the API itself refuses: each case once, with its code and its status.
macro_rules! api_refusals {
    ($($(#[$doc:meta])* $case:ident = $code:literal, $status:ident;)*) => {
        /// Why the API refuses a request, before or instead of a rule of the domain.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ApiRefusal { $($(#[$doc])* $case),* }

        impl ApiRefusal {
            /// Every case, so that a test finds the words of each.
            pub const ALL: &'static [Self] = &[$(Self::$case),*];

            pub fn status(self) -> StatusCode {
                match self { $(Self::$case => StatusCode::$status),* }
            }
        }

        impl Rejection for ApiRefusal {
            fn code(&self) -> &'static str {
                match self { $(Self::$case => $code),* }
            }
        }
    };
}

api_refusals! {
    NotJson = "api.not_json", UNSUPPORTED_MEDIA_TYPE;
    TooLarge = "api.too_large", PAYLOAD_TOO_LARGE;
    NotUtf8 = "api.not_utf8", BAD_REQUEST;
    /// Not JSON at all, a lone surrogate, or a number out of range.
    BadJson = "api.bad_json", BAD_REQUEST;
    TooDeep = "api.too_deep", BAD_REQUEST;
    DuplicateKey = "api.duplicate_key", BAD_REQUEST;
    MissingField = "api.missing_field", BAD_REQUEST;
    UnknownField = "api.unknown_field", BAD_REQUEST;
    /// A wrong type, or a text that is not the date, amount or id it should be.
    WrongValue = "api.wrong_value", BAD_REQUEST;
    /// Whatever else the framework found wrong with path, parameters or headers.
    BadRequest = "api.bad_request", BAD_REQUEST;
    BadQuery = "api.bad_query", BAD_REQUEST;
    BadAsOf = "api.bad_as_of", BAD_REQUEST;
    UnknownCommand = "api.unknown_command", BAD_REQUEST;
    NoSigner = "api.no_signer", BAD_REQUEST;
    WrongMethod = "api.wrong_method", METHOD_NOT_ALLOWED;
    NotSignedIn = "api.not_signed_in", UNAUTHORIZED;
    WrongPassword = "api.wrong_password", UNAUTHORIZED;
    BadChallenge = "api.bad_challenge", UNAUTHORIZED;
    PasswordTooShort = "api.password_too_short", UNPROCESSABLE_ENTITY;
    NeedsCode = "api.needs_code", UNAUTHORIZED;
    WrongCode = "api.wrong_code", UNAUTHORIZED;
    NeedsPasskey = "api.needs_passkey", UNAUTHORIZED;
    WrongPasskey = "api.wrong_passkey", UNAUTHORIZED;
    /// Its challenge was answered before, is too old, or was never given to this account.
    PasskeyStale = "api.passkey_stale", UNAUTHORIZED;
    PasskeyElsewhere = "api.passkey_elsewhere", UNAUTHORIZED;
    PasskeyCounter = "api.passkey_counter", UNAUTHORIZED;
    PasskeyUnknown = "api.passkey_unknown", UNAUTHORIZED;
    NoPasskeyAnswered = "api.no_passkey_answered", UNAUTHORIZED;
    PasskeysOff = "api.passkeys_off", CONFLICT;
    PasskeyName = "api.passkey_name", UNPROCESSABLE_ENTITY;
    TooManyPasskeys = "api.too_many_passkeys", UNPROCESSABLE_ENTITY;
    PasskeyKnown = "api.passkey_known", CONFLICT;
    /// The account is linked with one at an OpenID provider, and has nothing else that the API takes.
    NeedsOpenId = "api.needs_openid", UNAUTHORIZED;
    /// What came back belongs to no trip of this browser that is under way.
    OpenIdStale = "api.openid_stale", UNAUTHORIZED;
    /// The provider let nobody in, or somebody turned back there.
    OpenIdDenied = "api.openid_denied", UNAUTHORIZED;
    /// What the provider answered does not hold.
    WrongOpenId = "api.wrong_openid", UNAUTHORIZED;
    OtherOpenId = "api.other_openid", UNAUTHORIZED;
    OpenIdOff = "api.openid_off", CONFLICT;
    OpenIdLinked = "api.openid_linked", CONFLICT;
    OpenIdAway = "api.openid_away", SERVICE_UNAVAILABLE;
    /// The password was typed too long ago, or its second step was done already.
    SignInStale = "api.sign_in_stale", UNAUTHORIZED;
    /// No mail server was named, or the bureau has no messenger for this account.
    DigestOff = "api.digest_off", CONFLICT;
    DigestAddress = "api.digest_address", UNPROCESSABLE_ENTITY;
    DigestCode = "api.digest_code", UNPROCESSABLE_ENTITY;
    /// No code waits to be typed: too old, tried too often, or never asked for.
    DigestCodeOver = "api.digest_code_over", UNPROCESSABLE_ENTITY;
    DigestTooSoon = "api.digest_too_soon", TOO_MANY_REQUESTS;
    DigestTooManyCodes = "api.digest_too_many_codes", TOO_MANY_REQUESTS;
    /// The session shows a wall.
    WallOnly = "api.wall_only", FORBIDDEN;
    AccountTaken = "api.account_taken", CONFLICT;
    BadAccount = "api.bad_account", UNPROCESSABLE_ENTITY;
    PasswordsDiffer = "api.passwords_differ", UNPROCESSABLE_ENTITY;
    NoInvitation = "api.no_invitation", NOT_FOUND;
    CrossSite = "api.cross_site", FORBIDDEN;
    Forbidden = "api.forbidden", FORBIDDEN;
    NotFound = "api.not_found", NOT_FOUND;
    NotSealedToYou = "api.not_sealed_to_you", FORBIDDEN;
    NoSuchBlob = "api.no_such_blob", NOT_FOUND;
    BlobErased = "api.blob_erased", GONE;
    BadWords = "api.bad_words", UNPROCESSABLE_ENTITY;
    NobodyToRead = "api.nobody_to_read", UNPROCESSABLE_ENTITY;
    NotAge = "api.not_age", UNPROCESSABLE_ENTITY;
    /// A command names a file that was never received, or was cleared away meanwhile.
    FileMissing = "api.file_missing", UNPROCESSABLE_ENTITY;
    FileOtherwise = "api.file_otherwise", UNPROCESSABLE_ENTITY;
    FileNamedBefore = "api.file_named_before", UNPROCESSABLE_ENTITY;
    FileTooLarge = "api.file_too_large", PAYLOAD_TOO_LARGE;
    TooMuchToday = "api.too_much_today", TOO_MANY_REQUESTS;
    TooManyFiles = "api.too_many_files", UNPROCESSABLE_ENTITY;
    EmptyFile = "api.empty_file", UNPROCESSABLE_ENTITY;
    NoSmallPicture = "api.no_small_picture", UNPROCESSABLE_ENTITY;
    /// A header of an upload in pieces that is missing or has no such form.
    BadUpload = "api.bad_upload", BAD_REQUEST;
    NotPartial = "api.not_partial", UNSUPPORTED_MEDIA_TYPE;
    NoSuchUpload = "api.no_such_upload", NOT_FOUND;
    WrongOffset = "api.wrong_offset", CONFLICT;
    WrongHash = "api.wrong_hash", UNPROCESSABLE_ENTITY;
    Conflict = "api.conflict", CONFLICT;
    /// A document would rest on an entry that nobody else can check yet.
    NotPublished = "api.not_published", CONFLICT;
    FirstSignedOut = "api.first_signed_out", CONFLICT;
    /// The session was opened by a key that the client keeps: it cannot sign here.
    KeyElsewhere = "api.key_elsewhere", CONFLICT;
    CoSignerIsSelf = "api.co_signer_is_self", UNPROCESSABLE_ENTITY;
    CoSignerUnknown = "api.co_signer_unknown", UNPROCESSABLE_ENTITY;
    TooManyTries = "api.too_many_tries", TOO_MANY_REQUESTS;
    BadKey = "api.bad_key", UNPROCESSABLE_ENTITY;
    TooManySignIns = "api.too_many_sign_ins", TOO_MANY_REQUESTS;
    TooManyWaiting = "api.too_many_waiting", SERVICE_UNAVAILABLE;
    NotWritten = "api.not_written", SERVICE_UNAVAILABLE;
    Unknown = "api.unknown", SERVICE_UNAVAILABLE;
    Halted = "api.halted", SERVICE_UNAVAILABLE;
    ClockBehind = "api.clock_behind", SERVICE_UNAVAILABLE;
    /// The read models stopped following the ledger.
    Stale = "api.stale", SERVICE_UNAVAILABLE;
    TimedOut = "api.timed_out", SERVICE_UNAVAILABLE;
    /// Everything that waits to be sealed fills the memory that there is for it, or a turn did not come in time.
    Busy = "api.busy", SERVICE_UNAVAILABLE;
    /// What room is left on the disk is kept for words.
    NoRoom = "api.no_room", INSUFFICIENT_STORAGE;
    Unreadable = "api.unreadable", INTERNAL_SERVER_ERROR;
}

/// A refusal with its status. Never carries what somebody typed.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub refusal: Refusal,
}

impl Problem {
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.refusal = self.refusal.with(name, value);
        self
    }
}

impl From<ApiRefusal> for Problem {
    fn from(refusal: ApiRefusal) -> Self {
        Self { status: refusal.status(), refusal: refusal.into() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (zh, en) = (self.refusal.words(Lang::Zh), self.refusal.words(Lang::En));
        let body = json!({
            "type": format!("urn:adit:refusal:{}", self.refusal.code),
            "title": en.says,
            "status": self.status.as_u16(),
            "code": self.refusal.code,
            "rule": en.rule,
            "details": self.refusal.details,
            "zh": zh,
            "en": en,
        });
        let mut response = (self.status, body.to_string()).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl IntoResponse for ApiRefusal {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        // Positions and paths are for the operator; the log of the server names them.
        tracing::error!(%error, "an append failed");
        match error {
            AppendError::Conflict => ApiRefusal::Conflict.into(),
            AppendError::Refused(fault) => Refusal::from(fault).into(),
            AppendError::NotWritten(_) => ApiRefusal::NotWritten.into(),
            AppendError::Unknown(_) | AppendError::Lost => ApiRefusal::Unknown.into(),
            AppendError::Halted => ApiRefusal::Halted.into(),
            AppendError::ClockBehind { .. } => ApiRefusal::ClockBehind.into(),
            AppendError::Store(_) => ApiRefusal::Unreadable.into(),
        }
    }
}

impl From<ExecuteError> for Problem {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Busy => ApiRefusal::Conflict.into(),
            ExecuteError::Append(error) => error.into(),
            ExecuteError::Read(_)
            | ExecuteError::NoRandomness
            | ExecuteError::Rules(_)
            | ExecuteError::Body { .. } => unreadable(&error),
        }
    }
}

impl From<BlobError> for Problem {
    /// A full disk is said before anything is thrown away.
    fn from(error: BlobError) -> Self {
        tracing::error!(%error, "a sealed file could not be kept or read");
        match error {
            BlobError::Missing(_) => ApiRefusal::NotFound.into(),
            BlobError::Damaged(_) => ApiRefusal::Unreadable.into(),
            BlobError::Io(_) => ApiRefusal::NotWritten.into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, refusal }
    }
}

/// A fault of ours: the operator reads what it was, the client that it was.
pub(crate) fn unreadable(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "the ledger can't be read");
    ApiRefusal::Unreadable.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_of_the_api_has_its_words_in_both_languages() {
        for refusal in ApiRefusal::ALL {
            assert!(adit_core::refusal::has_words(refusal.code()), "no words for {}", refusal.code());
        }
    }
}
