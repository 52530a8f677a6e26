//! Signing in and out, and the language of the pages.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Form, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::act::is_own_page;
use super::frame::{Desk, LANGUAGE, Shown, parameter, render, words};
use super::words::Words;
use crate::app::App;
use crate::extract::{Anybody, carried, is_from_elsewhere, session_cookie, trip_cookie};
use crate::halfway::Half;
use crate::handlers::Shared;
use crate::handlers::sign_in::{Second, open_account, open_session, prove};
use crate::openid::trips::{Purpose, Trip};
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::reporter::language::Language;
use crate::session::{self, SessionName};
use crate::web::{PASSKEY, Script, with_scripts};

/// The second step, for whoever typed the right password.
struct Step {
    /// What names whoever is halfway.
    half: String,
    takes_code: bool,
    passkey: ByPasskey,
    openid: ByOpenId,
}

/// Whether a passkey can be shown on this page.
pub(super) enum ByPasskey {
    /// The account has none.
    None,
    /// What the browser is asked for, as JSON.
    Asked(String),
    /// They work at another address.
    Elsewhere(String),
    /// The server was not told at which address it is opened.
    Off,
}

/// Whether the OpenID provider can be asked from this page.
enum ByOpenId {
    /// The account is not linked.
    None,
    /// By this name.
    Offered(String),
    /// It sends browsers back to another address.
    Elsewhere(String),
    /// The account is linked with one at a provider that the server was not told, or not any more.
    Off,
}

#[derive(Template)]
#[template(path = "desk/sign_in.html")]
struct SignInPage {
    w: Words,
    next: String,
    name: String,
    refusal: String,
    /// The password was right, and a second factor is asked for.
    step: Option<Step>,
    demonstration: bool,
    script: &'static Script,
}

/// The page to sign in
///
/// 登录网页。
#[utoipa::path(get, path = "/desk/sign-in", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Signed in already")))]
pub(crate) async fn form(
    State(app): Shared,
    anybody: Anybody,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Shown {
    if anybody.0.is_some() {
        return Ok(Redirect::to("/desk").into_response());
    }
    let next = parameter(query.as_deref(), "next").filter(|next| is_own_page(next)).unwrap_or_default();
    render(&SignInPage {
        w: words(&headers),
        next,
        name: String::new(),
        refusal: String::new(),
        step: None,
        demonstration: app.options.demonstration,
        script: &PASSKEY,
    })
}

/// What is typed to sign in: name and password, and then the second factor.
#[derive(Deserialize)]
pub(crate) struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: Zeroizing<String>,
    #[serde(default)]
    code: String,
    /// What a passkey answered, as JSON.
    #[serde(default)]
    passkey: Option<String>,
    /// Who is halfway; then name and password were typed before.
    #[serde(default)]
    half: String,
    #[serde(default)]
    next: String,
}

/// Why somebody is not signed in, and whether the second step is what is missing.
struct Refused {
    problem: Problem,
    half: Option<String>,
}

impl<P: Into<Problem>> From<P> for Refused {
    fn from(problem: P) -> Self {
        Self { problem: problem.into(), half: None }
    }
}

/// Sign in
///
/// 登录：先输入账号和口令；启用了第二因素的，再输入验证码、使用通行密钥，或由统一身份认证确认。
#[utoipa::path(post, path = "/desk/sign-in", tag = "desk",
    responses((status = 303, description = "Signed in"), (status = 403, description = "api.cross_site"),
        (status = 401, description = "api.wrong_password, api.needs_code, api.wrong_code, api.needs_passkey, api.wrong_passkey, api.passkey_…, api.needs_openid, api.sign_in_stale")))]
pub(crate) async fn submit(State(app): Shared, headers: HeaderMap, Form(typed): Form<Typed>) -> Shown {
    if is_from_elsewhere(&headers) {
        return Err(ApiRefusal::CrossSite.into());
    }
    let (name, next) = (typed.name.clone(), Some(typed.next.clone()).filter(|next| is_own_page(next)));
    match enter(&app, &headers, typed).await {
        Ok(token) => {
            let to = next.as_deref().unwrap_or("/desk");
            Ok(with_cookie(Redirect::to(to).into_response(), &session_cookie(&headers, &token)))
        }
        Err(Refused { problem, half }) => {
            let before = carried(&headers).map(session::name);
            let half = half.map(|half| (half, before));
            again(&app, &headers, words(&headers), &problem, half, name, next)
        }
    }
}

/// The page once more: why somebody is not signed in, and the second step for whoever typed the right password, with the session that was in
/// this browser before.
pub(super) fn again(
    app: &App,
    headers: &HeaderMap,
    w: Words,
    problem: &Problem,
    half: Option<(String, Option<SessionName>)>,
    name: String,
    next: Option<String>,
) -> Shown {
    let found = half.and_then(|(half, before)| {
        let found = app.halfway.get(&half, app.office.ledger().now())?;
        Some((half, found, before))
    });
    let (mut step, mut trip) = (None, None);
    if let Some((half, found, before)) = found {
        let openid;
        let purpose = Purpose::SignIn { next: next.clone(), before };
        (openid, trip) = by_openid(app, headers, w, &half, &found, purpose)?;
        let (takes_code, passkey) = (found.opened.second.is_some(), by_passkey(app, headers, &found));
        step = Some(Step { half, takes_code, passkey, openid });
    }
    let page = SignInPage {
        next: next.unwrap_or_default(),
        name,
        refusal: w.refusal(&problem.refusal),
        step,
        w,
        demonstration: app.options.demonstration,
        script: &PASSKEY,
    };
    let mut response = render(&page)?;
    if page.step.is_some() {
        response = with_scripts(response, &[&PASSKEY]);
    }
    if let Some(trip) = trip {
        response = with_cookie(response, &trip_cookie(&trip));
    }
    *response.status_mut() = problem.status;
    Ok(response)
}

async fn enter(app: &Arc<App>, headers: &HeaderMap, typed: Typed) -> Result<String, Refused> {
    let Typed { name, password, code, passkey, half, .. } = typed;
    let (half, actor, opened) = if half.is_empty() {
        let (actor, opened) = open_account(app, name.trim().to_owned(), password).await?;
        let opened = Arc::new(opened);
        let waits = (!opened.is_enough())
            .then(|| app.halfway.begin(actor, Arc::clone(&opened), app.office.ledger().now()));
        (waits.transpose().map_err(|error| unreadable(&error))?, actor, opened)
    } else {
        let found = app.halfway.get(&half, app.office.ledger().now()).ok_or(ApiRefusal::SignInStale)?;
        (Some(half), found.actor, found.opened)
    };
    let second = passkey.map_or(Second::Code(code), Second::Passkey);
    if let Err(problem) = prove(app, actor, &opened, second).await {
        return Err(Refused { problem, half });
    }
    if let Some(half) = &half {
        app.halfway.end(half, app.office.ledger().now());
    }
    let (token, _) = open_session(app, headers, actor, opened.key.vkey(), Some(opened.key.clone()))?;
    Ok(token)
}

pub(super) fn by_passkey(app: &App, headers: &HeaderMap, found: &Half) -> ByPasskey {
    let (opened, now) = (&found.opened, app.office.ledger().now());
    match app.passkeys.site() {
        _ if opened.passkeys.is_empty() => ByPasskey::None,
        Some(site) if !site.is_where(headers) => ByPasskey::Elsewhere(site.origin().to_owned()),
        Some(_) => {
            app.passkeys.ask(found.actor, &opened.passkeys, now).map_or(ByPasskey::Off, ByPasskey::Asked)
        }
        None => ByPasskey::Off,
    }
}

/// What the page says of the provider; and where it can be asked, what names the trip in a cookie.
fn by_openid(
    app: &App,
    headers: &HeaderMap,
    w: Words,
    half: &str,
    found: &Half,
    purpose: Purpose,
) -> Result<(ByOpenId, Option<String>), Problem> {
    let Some(link) = &found.opened.link else { return Ok((ByOpenId::None, None)) };
    let known = app.openid.as_ref().filter(|provider| provider.issuer() == link.issuer);
    let (Some(provider), Some(site)) = (known, app.passkeys.site()) else { return Ok((ByOpenId::Off, None)) };
    if !site.is_where(headers) {
        return Ok((ByOpenId::Elsewhere(site.origin().to_owned()), None));
    }
    let half = Zeroizing::new(half.to_owned());
    let trip = Trip { actor: found.actor, half, purpose, language: w.0 };
    let begun = app.trips.begin(trip, app.office.ledger().now());
    Ok((ByOpenId::Offered(provider.name().to_owned()), Some(begun.map_err(|error| unreadable(&error))?)))
}

pub(crate) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(mut cookie) = HeaderValue::from_str(cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Sign out
///
/// 退出登录。
#[utoipa::path(post, path = "/desk/sign-out", tag = "desk", responses((status = 303, description = "Signed out")))]
pub(crate) async fn sign_out(desk: Desk, headers: HeaderMap) -> Shown {
    desk.app.sessions.end_named(&desk.session.name);
    let mut response =
        with_cookie(Redirect::to("/desk/sign-in").into_response(), &session_cookie(&headers, ""));
    // Drafts that the device keeps go with the session.
    let storage = HeaderValue::from_static("\"storage\"");
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), storage);
    Ok(response)
}

#[derive(Deserialize)]
pub(crate) struct Chosen {
    language: String,
    #[serde(default)]
    next: String,
}

/// Choose the language of the workbench
///
/// 选择工作台的语言。
#[utoipa::path(post, path = "/desk/language", tag = "desk", responses((status = 303, description = "Chosen")))]
pub(crate) async fn language(Form(chosen): Form<Chosen>) -> Shown {
    let language = Language::named(&chosen.language).ok_or(ApiRefusal::BadRequest)?;
    let next = if is_own_page(&chosen.next) { chosen.next.as_str() } else { "/desk" };
    let cookie = format!("{LANGUAGE}={}; Path=/desk; SameSite=Strict; Max-Age=31536000", language.name());
    let mut response = Redirect::to(next).into_response();
    *response.status_mut() = StatusCode::SEE_OTHER;
    Ok(with_cookie(response, &cookie))
}
