//! Signing in and out.

use std::sync::Arc;

use adit_core::id::ActorId;
use adit_core::ledger::vkey::{SigningKey, VKey};
use adit_core::role::Role;
use adit_core::units::Position;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Answered, Shared, blocking, ok};
use crate::access::Reader;
use crate::app::App;
use crate::extract::{Json, SignedIn, Token, carried, session_cookie};
use crate::keystore::{KeystoreError, Opened};
use crate::openid::Link;
use crate::passkeys::{Passkey, PasskeyError};
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::session::IDLE_SECONDS_MAX;

/// Unlocks the key that the server keeps for an actor.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    actor: ActorId,
    #[schemars(with = "String")]
    password: Zeroizing<String>,
    /// What the authenticator app shows, for an account with a second factor.
    #[serde(default)]
    code: String,
    /// What a passkey answered to the `options` of the refusal, as `api/web/passkey` makes it.
    #[serde(default)]
    passkey: Option<Value>,
}

/// Proves that the client holds an enrolled key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInByKey {
    /// The challenge as a signed note.
    note: String,
}

/// Another password for the same key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    #[schemars(with = "String")]
    old: Zeroizing<String>,
    /// At least 12 characters.
    #[schemars(with = "String")]
    new: Zeroizing<String>,
}

impl From<KeystoreError> for Problem {
    fn from(error: KeystoreError) -> Self {
        match error {
            KeystoreError::Wrong => ApiRefusal::WrongPassword.into(),
            KeystoreError::TooShort => ApiRefusal::PasswordTooShort.into(),
            KeystoreError::NeedsCode => ApiRefusal::NeedsCode.into(),
            KeystoreError::WrongCode => ApiRefusal::WrongCode.into(),
            KeystoreError::NeedsPasskey => ApiRefusal::NeedsPasskey.into(),
            KeystoreError::NeedsOpenId => ApiRefusal::NeedsOpenId.into(),
            KeystoreError::OtherOpenId => ApiRefusal::OtherOpenId.into(),
            KeystoreError::Passkey(error) => error.into(),
            KeystoreError::Enrolled => ApiRefusal::AccountTaken.into(),
            KeystoreError::Io { .. } | KeystoreError::Wrap => unreadable(&error),
        }
    }
}

impl From<PasskeyError> for Problem {
    fn from(error: PasskeyError) -> Self {
        let refusal = match error {
            PasskeyError::Off => ApiRefusal::PasskeysOff,
            PasskeyError::Missing => ApiRefusal::NoPasskeyAnswered,
            PasskeyError::Stale => ApiRefusal::PasskeyStale,
            PasskeyError::Elsewhere => ApiRefusal::PasskeyElsewhere,
            PasskeyError::Counter => ApiRefusal::PasskeyCounter,
            PasskeyError::Unknown => ApiRefusal::PasskeyUnknown,
            PasskeyError::Wrong => ApiRefusal::WrongPasskey,
            PasskeyError::Name => ApiRefusal::PasskeyName,
            PasskeyError::TooMany => ApiRefusal::TooManyPasskeys,
            PasskeyError::Known => ApiRefusal::PasskeyKnown,
        };
        refusal.into()
    }
}

/// Waits for a turn to hash a password, in a queue that has an end.
pub(crate) async fn hashing<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, KeystoreError> + Send + 'static,
) -> Result<T, Problem> {
    let place = Arc::clone(&app.sign_ins).try_acquire_owned().map_err(|_| ApiRefusal::TooManySignIns)?;
    let worker = Arc::clone(app);
    // Whoever hangs up leaves the hash behind, and it keeps its place.
    blocking(move || {
        let _place = place;
        Ok(work(&worker)?)
    })
    .await
}

/// Opens what a password opens; a key that waited for the ledger to let it takes over first.
pub(crate) async fn open(
    app: &Arc<App>,
    actor: ActorId,
    password: Zeroizing<String>,
) -> Result<Opened, Problem> {
    hashing(app, move |app| opened(app, actor, &password)).await
}

/// The same by the name of an account, which is looked for when it is one's turn. A name that nobody has costs the same work as a
/// wrong password.
pub(crate) async fn open_account(
    app: &Arc<App>,
    account: String,
    password: Zeroizing<String>,
) -> Result<(ActorId, Opened), Problem> {
    hashing(app, move |app| {
        let actor = app.keystore.find(&account).unwrap_or_default();
        Ok((actor, opened(app, actor, &password)?))
    })
    .await
}

fn opened(app: &App, actor: ActorId, password: &str) -> Result<Opened, KeystoreError> {
    let ledger = app.office.ledger();
    let (keys, now) = (ledger.keys(), Position(ledger.size()));
    app.keystore.take_over(actor, |key| keys.in_force(key, now))?;
    app.keystore.open(actor, password)
}

/// What is shown besides the password.
pub(crate) enum Second {
    Code(String),
    /// The answer of a passkey, as JSON.
    Passkey(String),
    /// The account of which the OpenID provider spoke.
    OpenId(Link),
}

/// Whether the second factor holds, of an account that has one.
pub(crate) async fn prove(
    app: &Arc<App>,
    actor: ActorId,
    opened: &Arc<Opened>,
    second: Second,
) -> Result<(), Problem> {
    let (worker, opened) = (Arc::clone(app), Arc::clone(opened));
    blocking(move || {
        worker.keystore.still_stands(actor, &opened)?;
        if opened.is_enough() {
            return Ok(());
        }
        let now = worker.office.ledger().now();
        match second {
            Second::Code(code) => {
                let seconds = u64::try_from(now.0).unwrap_or_default();
                worker.keystore.check_code(actor, &opened, &code, seconds)?;
            }
            Second::Passkey(answer) => {
                let shown = |own: &mut Vec<Passkey>| worker.passkeys.shown(actor, &answer, own, now);
                worker.keystore.with_passkeys(actor, &opened, shown)?;
            }
            Second::OpenId(account) => {
                if !opened.link.as_ref().is_some_and(|link| link.is(&account)) {
                    return Err(KeystoreError::OtherOpenId.into());
                }
            }
        }
        Ok(())
    })
    .await
}

/// Unlocks somebody's key, with the code of a second factor where there is one.
pub(crate) async fn unlock(
    app: &Arc<App>,
    actor: ActorId,
    password: Zeroizing<String>,
    code: String,
) -> Result<SigningKey, Problem> {
    let opened = Arc::new(open(app, actor, password).await?);
    prove(app, actor, &opened, Second::Code(code)).await?;
    Ok(opened.key.clone())
}

/// Unlock one's signing key for a session
///
/// 登录：用口令解开签名密钥。会话闲置 30 分钟即失效。
///
/// A wrong password and an unknown actor get the same answer after the same work. The session is a cookie for pages
/// and a token (`Authorization: Bearer`) for scripts. An account with passkeys gets their `options` with the refusal, as JSON
/// (`PublicKeyCredentialRequestOptionsJSON`); the answer goes into `passkey`. An OpenID provider is asked by browsers alone.
#[utoipa::path(post, path = "/api/v1/sign-in", tag = "session", request_body = ref("#/components/schemas/SignIn"),
    responses((status = 200, description = "token, actor, roles"),
        (status = 401, description = "api.wrong_password, api.needs_code, api.wrong_code, api.needs_passkey, api.wrong_passkey, api.passkey_…, api.needs_openid"),
        (status = 429, description = "api.too_many_sign_ins")))]
pub(crate) async fn sign_in(State(app): Shared, headers: HeaderMap, Json(body): Json<SignIn>) -> Answered {
    let SignIn { actor, password, code, passkey } = body;
    let opened = Arc::new(open(&app, actor, password).await?);
    let second = passkey.map_or(Second::Code(code), |answer| Second::Passkey(answer.to_string()));
    let asks = matches!(&second, Second::Code(code) if code.trim().is_empty());
    if let Err(problem) = prove(&app, actor, &opened, second).await {
        let options = app.passkeys.ask(actor, &opened.passkeys, app.office.ledger().now());
        return Err(match options {
            Ok(options) if asks => problem.with("options", &options),
            _ => problem,
        });
    }
    begin(&app, &headers, actor, opened.key.vkey(), Some(opened.key.clone()))
}

/// A text to sign with a key of one's own
///
/// 取登录质询文本，用自持密钥签名。两分钟内有效，只能用一次。
#[utoipa::path(post, path = "/api/v1/challenge", tag = "session",
    responses((status = 200, description = "challenge: the text to sign as a note")))]
pub(crate) async fn challenge(State(app): Shared) -> Answered {
    let ledger = app.office.ledger();
    let text = app.challenges.make(ledger.origin(), ledger.now()).map_err(|error| unreadable(&error))?;
    Ok(ok(&json!({ "challenge": text })))
}

/// Sign in with a key that the client keeps
///
/// 用自持密钥登录：提交已签名的质询文本。该会话可查询、可取待签文本，但服务器不代为签名。
#[utoipa::path(post, path = "/api/v1/sign-in/key", tag = "session",
    request_body = ref("#/components/schemas/SignInByKey"),
    responses((status = 200, description = "token, actor, roles"), (status = 401, description = "api.bad_challenge")))]
pub(crate) async fn sign_in_by_key(
    State(app): Shared,
    headers: HeaderMap,
    Json(body): Json<SignInByKey>,
) -> Answered {
    let ledger = app.office.ledger();
    let keys = ledger.keys();
    let known: Vec<VKey> = keys.iter().map(|(key, _)| key.clone()).collect();
    let signed = app.challenges.check(&body.note, ledger.origin(), &known, ledger.now());
    let signed = signed.and_then(|key| Some((keys.actor_of(&key)?, key)));
    let (actor, key) = signed.ok_or(ApiRefusal::BadChallenge)?;
    begin(&app, &headers, actor, key, None)
}

/// A session under a fresh id; one that was carried along ends, so that nobody can plant an id.
pub(crate) fn open_session(
    app: &App,
    headers: &HeaderMap,
    actor: ActorId,
    vkey: VKey,
    key: Option<SigningKey>,
) -> Result<(String, Vec<Role>), Problem> {
    let ledger = app.office.ledger();
    if !ledger.keys().in_force(&vkey, Position(ledger.size())) {
        return Err(ApiRefusal::WrongPassword.into());
    }
    if let Some(old) = carried(headers) {
        app.sessions.end(old);
    }
    let roles = Reader::of(&app.office, actor).map_err(|error| unreadable(&error))?.roles;
    let begun = app.sessions.begin(actor, vkey, key, ledger.now());
    let token = begun.map_err(|error| unreadable(&error))?;
    Ok((token, roles))
}

fn begin(app: &App, headers: &HeaderMap, actor: ActorId, vkey: VKey, key: Option<SigningKey>) -> Answered {
    let (token, roles) = open_session(app, headers, actor, vkey, key)?;
    let mut response = ok(&json!({
        "token": token, "actor": actor, "roles": roles, "idle_seconds": IDLE_SECONDS_MAX,
    }));
    set_cookie(&mut response, &session_cookie(headers, &token));
    Ok(response)
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(mut cookie) = HeaderValue::from_str(cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

/// End the session
///
/// 退出登录：会话结束，解开的密钥随即清除。
#[utoipa::path(post, path = "/api/v1/sign-out", tag = "session",
    responses((status = 200, description = "The session is over"), (status = 401, description = "api.not_signed_in")))]
pub(crate) async fn sign_out(State(app): Shared, headers: HeaderMap, Token(token): Token) -> Answered {
    app.sessions.end(&token);
    let mut response = ok(&json!({ "signed_out": true }));
    set_cookie(&mut response, &session_cookie(&headers, ""));
    Ok(response)
}

/// Who is signed in, with which roles
///
/// 当前会话：人员编号、公钥、角色。
#[utoipa::path(get, path = "/api/v1/session", tag = "session",
    responses((status = 200, description = "actor, key, roles, acts_for, signs_here")))]
pub(crate) async fn session(SignedIn { session, reader }: SignedIn) -> Answered {
    Ok(ok(&json!({
        "actor": session.actor,
        "key": session.vkey,
        "roles": reader.roles,
        "acts_for": reader.acts_for,
        "signs_here": session.key.is_some(),
    })))
}

/// Change the password
///
/// 更改口令。本人的其他会话随即结束。
#[utoipa::path(post, path = "/api/v1/password", tag = "session",
    request_body = ref("#/components/schemas/ChangePassword"),
    responses((status = 200, description = "Changed; other sessions of this actor are over"),
        (status = 401, description = "api.wrong_password"), (status = 422, description = "api.password_too_short")))]
pub(crate) async fn password(
    State(app): Shared,
    SignedIn { session, .. }: SignedIn,
    Json(body): Json<ChangePassword>,
) -> Answered {
    let actor = session.actor;
    hashing(&app, move |app| app.keystore.change_password(actor, &body.old, &body.new)).await?;
    app.sessions.end_others(actor, &session.name);
    app.halfway.end_of(actor, app.office.ledger().now());
    Ok(ok(&json!({ "changed": true })))
}
