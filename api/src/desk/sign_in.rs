//! Signing in and out, and the language of the pages.

use std::sync::Arc;

use adit_core::decider::Rejection;
use askama::Template;
use axum::extract::{Form, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::act::is_own_page;
use super::frame::{Desk, LANGUAGE, Shown, parameter, render, words};
use super::words::Words;
use crate::extract::{Anybody, session_cookie};
use crate::handlers::sign_in::{open_session, unlock};
use crate::handlers::{Shared, blocking};
use crate::problem::{ApiRefusal, Problem};
use crate::reporter::language::Language;

#[derive(Template)]
#[template(path = "desk/sign_in.html")]
struct SignInPage {
    w: Words,
    next: String,
    name: String,
    refusal: String,
    /// The password was right, and a code is asked for.
    asks_code: bool,
    demonstration: bool,
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
    let demonstration = app.options.demonstration;
    render(&SignInPage {
        w: words(&headers),
        next,
        name: String::new(),
        refusal: String::new(),
        asks_code: false,
        demonstration,
    })
}

/// What is typed to sign in.
#[derive(Deserialize)]
pub(crate) struct Typed {
    name: String,
    password: Zeroizing<String>,
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

/// Sign in
///
/// 登录。
#[utoipa::path(post, path = "/desk/sign-in", tag = "desk",
    responses((status = 303, description = "Signed in"), (status = 401, description = "api.wrong_password")))]
pub(crate) async fn submit(State(app): Shared, headers: HeaderMap, Form(typed): Form<Typed>) -> Shown {
    let Typed { name, password, code, next } = typed;
    let next = Some(next).filter(|next| is_own_page(next));
    let signed_in = async {
        // A name that nobody has costs the same work as a wrong password.
        let (worker, account) = (Arc::clone(&app), name.trim().to_owned());
        let actor = blocking(move || Ok(worker.keystore.find(&account))).await?.unwrap_or_default();
        let key = unlock(&app, actor, password, code).await?;
        open_session(&app, &headers, actor, key.vkey(), Some(key))
    };
    let refused = |problem: Problem| {
        let w = words(&headers);
        let demonstration = app.options.demonstration;
        let page = SignInPage {
            next: next.clone().unwrap_or_default(),
            name: name.clone(),
            refusal: w.refusal(&problem.refusal),
            asks_code: asks_code(&problem),
            w,
            demonstration,
        };
        let mut response = render(&page)?;
        *response.status_mut() = problem.status;
        Ok(response)
    };
    match signed_in.await {
        Ok((token, _)) => {
            let to = next.as_deref().unwrap_or("/desk");
            Ok(with_cookie(Redirect::to(to).into_response(), &session_cookie(&headers, &token)))
        }
        Err(problem) => refused(problem),
    }
}

fn asks_code(problem: &Problem) -> bool {
    [ApiRefusal::NeedsCode, ApiRefusal::WrongCode]
        .iter()
        .any(|refusal| refusal.code() == problem.refusal.code)
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
