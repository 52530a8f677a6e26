//! The way to the OpenID provider and back: in the place of a second factor, and to link one's account there with the one here.
//!
//! The session's cookie does not come along when another site leads a browser here (`SameSite=Strict`), so a cookie of its own names
//! the trip, for minutes. The way out is a link and not a form, because a form may not be led to another site (`form-action`); the
//! way back ends on a page that goes on by itself, so that the next request is our own page's and the session's cookie is sent.

use std::sync::Arc;

use adit_core::units::Position;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect};
use zeroize::Zeroizing;

use super::frame::{Desk, Frame, Shown, Trouble, render, words};
use super::me::{self, Change, Look, changed_second};
use super::sign_in::{self, ByPasskey, by_passkey, with_cookie};
use super::words::Words;
use crate::app::App;
use crate::extract::{carried_trip, is_from_elsewhere, session_cookie, trip_cookie};
use crate::halfway::Half;
use crate::handlers::sign_in::{Second, open, open_session, prove};
use crate::handlers::{Shared, blocking};
use crate::openid::Link;
use crate::openid::provider::{self, Answer, Provider};
use crate::openid::trips::{Purpose, Trip};
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::session::SessionName;
use crate::web::{PASSKEY, Script, with_scripts};

/// Longest code or state that is looked at, in bytes.
const PARAMETER_BYTES_MAX: usize = 4096;

/// What is still to be done before one's account there is linked.
enum Before {
    /// Show the factor that the account has.
    Factor { half: String, takes_code: bool, passkey: ByPasskey },
    /// Go to the provider.
    Leave,
}

#[derive(Template)]
#[template(path = "desk/openid_link.html")]
struct LinkPage {
    frame: Frame,
    provider: String,
    host: String,
    before: Before,
    refusal: String,
    script: &'static Script,
}

#[derive(Template)]
#[template(path = "desk/openid_back.html")]
struct BackPage {
    w: Words,
    /// What is said; a refusal where it did not work.
    said: String,
    refused: bool,
    /// Where the link leads, and what it says.
    to: String,
    link: String,
}

/// What the provider said, asked on a thread of its own; few at once.
async fn asking<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Provider) -> Result<T, provider::Trouble> + Send + 'static,
) -> Result<T, Problem> {
    let provider = Arc::clone(app.openid.as_ref().ok_or(ApiRefusal::OpenIdOff)?);
    let turn = Arc::clone(&provider.turns).try_acquire_owned().map_err(|_| ApiRefusal::TooManySignIns)?;
    blocking(move || {
        let _turn = turn;
        work(&provider).map_err(|trouble| {
            tracing::warn!(%trouble, "the OpenID provider let nobody in");
            if trouble.is_away() { ApiRefusal::OpenIdAway.into() } else { ApiRefusal::WrongOpenId.into() }
        })
    })
    .await
}

/// Go to the OpenID provider
///
/// 前往统一身份认证：只在口令已经正确之后，由本页的链接打开。
#[utoipa::path(get, path = "/desk/openid/leave", tag = "desk",
    responses((status = 303, description = "To the provider"), (status = 401, description = "api.openid_stale"),
        (status = 403, description = "api.cross_site"), (status = 409, description = "api.openid_off"),
        (status = 429, description = "api.too_many_sign_ins"), (status = 503, description = "api.openid_away")))]
pub(crate) async fn leave(State(app): Shared, headers: HeaderMap) -> Shown {
    if is_from_elsewhere(&headers) {
        return Err(ApiRefusal::CrossSite.into());
    }
    let now = app.office.ledger().now();
    let token = carried_trip(&headers).unwrap_or_default().to_owned();
    let Some(trip) = app.trips.get(&token, now) else {
        return stale(&app, &headers);
    };
    // Whoever links says who they are there, whatever that browser knows of somebody.
    let anew = matches!(trip.purpose, Purpose::Link { .. });
    let left = asking(&app, move |provider| provider.leave(anew, now)).await;
    let left = left.and_then(|(to, sent)| {
        let on_the_way = app.trips.leave(&token, sent, now);
        if on_the_way { Ok(to) } else { Err(ApiRefusal::OpenIdStale.into()) }
    });
    match left {
        Ok(to) => Ok(Redirect::to(to.as_str()).into_response()),
        Err(problem) => refused(&app, &headers, &trip, &problem),
    }
}

/// What a provider sends back with a browser (RFC 6749, section 4.1.2; RFC 9207).
#[derive(Default)]
struct Returned {
    state: String,
    code: Option<Zeroizing<String>>,
    issuer: Option<String>,
}

/// None where a parameter stands twice, or is longer than any is.
fn returned(query: Option<&str>) -> Option<Returned> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query.unwrap_or_default()).ok()?;
    let one = |name: &str| {
        let mut found = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let first = found.next();
        let fits = found.next().is_none() && first.is_none_or(|value| value.len() <= PARAMETER_BYTES_MAX);
        fits.then(|| first.cloned())
    };
    let (state, code, issuer, error) = (one("state")?, one("code")?, one("iss")?, one("error")?);
    // Who answers with an error answers with no code.
    let code = code.filter(|code| !code.is_empty() && error.is_none()).map(Zeroizing::new);
    Some(Returned { state: state.unwrap_or_default(), code, issuer })
}

/// Come back from the OpenID provider
///
/// 从统一身份认证返回：与离开时是同一个浏览器、同一次登录，且只用一次。
#[utoipa::path(get, path = "/desk/openid", tag = "desk",
    responses((status = 200, description = "Signed in, or linked"),
        (status = 401, description = "api.openid_stale, api.openid_denied, api.wrong_openid, api.other_openid, api.sign_in_stale"),
        (status = 409, description = "api.openid_off"), (status = 503, description = "api.openid_away")))]
pub(crate) async fn back(State(app): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Shown {
    let now = app.office.ledger().now();
    let token = carried_trip(&headers).unwrap_or_default();
    let found = returned(query.as_deref()).and_then(|returned| {
        let (trip, sent) = app.trips.back(token, &returned.state, now)?;
        Some((returned, trip, sent))
    });
    let Some((Returned { code, issuer, .. }, trip, sent)) = found else {
        return stale(&app, &headers);
    };
    let w = Words(trip.language);
    let asked = async {
        let code = code.ok_or(ApiRefusal::OpenIdDenied)?;
        let account =
            asking(&app, move |provider| provider.back(&Answer { code, issuer }, &sent, now)).await?;
        let half = app.halfway.get(&trip.half, now).ok_or(ApiRefusal::SignInStale)?;
        match &trip.purpose {
            Purpose::SignIn { next, before } => {
                prove(&app, half.actor, &half.opened, Second::OpenId(account)).await?;
                app.halfway.end(&trip.half, now);
                if let Some(before) = before {
                    app.sessions.end_named(before);
                }
                let key = half.opened.key.clone();
                let (session, _) = open_session(&app, &headers, half.actor, key.vkey(), Some(key))?;
                signed_in(&headers, w, &session, next.as_deref().unwrap_or("/desk"))
            }
            Purpose::Link { session } => {
                keep_link(&app, session, &half, account).await?;
                let (said, link) = (w.t("openid.linked").to_owned(), w.t("me.title").to_owned());
                render(&BackPage { w, said, refused: false, to: "/desk/me".to_owned(), link })
            }
        }
        .map_err(|Trouble(problem)| problem)
    };
    match asked.await {
        Ok(page) => {
            app.trips.end(token, now);
            Ok(page)
        }
        Err(problem) => refused(&app, &headers, &trip, &problem),
    }
}

/// Keeps the link, for as long as the session that asked for it goes on.
async fn keep_link(app: &Arc<App>, session: &SessionName, half: &Half, account: Link) -> Result<(), Problem> {
    let (ledger, now) = (app.office.ledger(), app.office.ledger().now());
    let in_force = ledger.keys().in_force(&half.opened.key.vkey(), Position(ledger.size()));
    if !in_force || !app.sessions.is_live(session, now) {
        return Err(ApiRefusal::NotSignedIn.into());
    }
    let (worker, actor, opened) = (Arc::clone(app), half.actor, Arc::clone(&half.opened));
    blocking(move || {
        worker.keystore.still_stands(actor, &opened)?;
        Ok(worker.keystore.set_link(actor, &opened, Some(&account))?)
    })
    .await?;
    // Whoever is halfway in with what held before begins anew.
    app.halfway.end_of(actor, now);
    Ok(())
}

/// A page that goes on by itself: it is this page that asks for the next one, and so the session's cookie goes along.
fn signed_in(headers: &HeaderMap, w: Words, session: &str, to: &str) -> Shown {
    let (said, link) = (w.t("openid.signed_in").to_owned(), w.t("openid.go_on").to_owned());
    let mut response = render(&BackPage { w, said, refused: false, to: to.to_owned(), link })?;
    if let Ok(refresh) = HeaderValue::from_str(&format!("0; url={to}")) {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    Ok(with_cookie(with_cookie(response, &trip_cookie("")), &session_cookie(headers, session)))
}

/// Whoever comes with a trip that is not theirs, or is over, begins anew.
fn stale(app: &App, headers: &HeaderMap) -> Shown {
    sign_in::again(app, headers, words(headers), &ApiRefusal::OpenIdStale.into(), None, String::new(), None)
}

/// Why a trip led nowhere, on the page from which it began: whoever has another factor can still show it.
fn refused(app: &App, headers: &HeaderMap, trip: &Trip, problem: &Problem) -> Shown {
    let w = Words(trip.language);
    match &trip.purpose {
        Purpose::SignIn { next, before } => {
            let half = Some((trip.half.to_string(), *before));
            sign_in::again(app, headers, w, problem, half, String::new(), next.clone())
        }
        Purpose::Link { .. } => {
            let page = BackPage {
                said: w.refusal(&problem.refusal),
                refused: true,
                to: "/desk/me".to_owned(),
                link: w.t("me.title").to_owned(),
                w,
            };
            let mut response = render(&page)?;
            *response.status_mut() = problem.status;
            Ok(response)
        }
    }
}

fn link_page(desk: &Desk, before: Before, refusal: String) -> Shown {
    let provider = desk.app.openid.as_ref().ok_or(ApiRefusal::OpenIdOff)?;
    let asks = matches!(&before, Before::Factor { passkey: ByPasskey::Asked(_), .. });
    let page = LinkPage {
        provider: provider.name().to_owned(),
        host: provider.issuer().to_owned(),
        before,
        refusal,
        frame: Frame::of(desk),
        script: &PASSKEY,
    };
    let shown = render(&page)?;
    Ok(if asks { with_scripts(shown, &[&PASSKEY]) } else { shown })
}

/// Begins to link: the password first, then the factor that the account has.
pub(super) async fn link(desk: &Desk, headers: &HeaderMap, change: Change) -> Shown {
    let (actor, now) = (desk.session.actor, desk.app.office.ledger().now());
    let begun = async {
        if desk.app.openid.is_none() {
            return Err(ApiRefusal::OpenIdOff.into());
        }
        let opened = Arc::new(open(&desk.app, actor, change.password).await?);
        if opened.link.is_some() {
            return Err(ApiRefusal::OpenIdLinked.into());
        }
        let half = desk.app.halfway.begin(actor, Arc::clone(&opened), now);
        Ok::<_, Problem>((half.map_err(|error| unreadable(&error))?, opened.is_enough()))
    };
    match begun.await {
        Ok((half, true)) => ready(desk, half),
        Ok((half, false)) => factor(desk, headers, half, None),
        Err(problem) => me::again(desk, headers, &problem, Look::default()),
    }
}

/// Asks for the factor that the account has; why the last one was refused, if one was.
fn factor(desk: &Desk, headers: &HeaderMap, half: String, problem: Option<&Problem>) -> Shown {
    let now = desk.app.office.ledger().now();
    let own = desk.app.halfway.get(&half, now).filter(|found| found.actor == desk.session.actor);
    let Some(found) = own else {
        return me::again(desk, headers, &ApiRefusal::SignInStale.into(), Look::default());
    };
    let passkey = by_passkey(&desk.app, headers, &found);
    let before = Before::Factor { half, takes_code: found.opened.second.is_some(), passkey };
    let refusal = problem.map(|problem| desk.w.refusal(&problem.refusal)).unwrap_or_default();
    let mut response = link_page(desk, before, refusal)?;
    if let Some(problem) = problem {
        *response.status_mut() = problem.status;
    }
    Ok(response)
}

/// The factor that the account has, and then the way to the provider.
pub(super) async fn prove_link(desk: &Desk, headers: &HeaderMap, change: Change) -> Shown {
    let (actor, now) = (desk.session.actor, desk.app.office.ledger().now());
    let Change { half, code, passkey, .. } = change;
    let own = desk.app.halfway.get(&half, now).filter(|found| found.actor == actor);
    let Some(found) = own else {
        return me::again(desk, headers, &ApiRefusal::SignInStale.into(), Look::default());
    };
    let second = if passkey.is_empty() { Second::Code(code) } else { Second::Passkey(passkey) };
    match prove(&desk.app, actor, &found.opened, second).await {
        Ok(()) => ready(desk, half),
        Err(problem) => factor(desk, headers, half, Some(&problem)),
    }
}

/// Everything is shown: the page with the link to the provider, and the cookie that names the trip.
fn ready(desk: &Desk, half: String) -> Shown {
    let purpose = Purpose::Link { session: desk.session.name };
    let trip = Trip { actor: desk.session.actor, half: Zeroizing::new(half), purpose, language: desk.w.0 };
    let begun = desk.app.trips.begin(trip, desk.app.office.ledger().now());
    let token = begun.map_err(|error| unreadable(&error))?;
    Ok(with_cookie(link_page(desk, Before::Leave, String::new())?, &trip_cookie(&token)))
}

/// Ends the link; the provider is not asked.
pub(super) async fn unlink(desk: &Desk, headers: &HeaderMap, change: Change) -> Shown {
    let actor = desk.session.actor;
    let opened = match open(&desk.app, actor, change.password).await {
        Ok(opened) => opened,
        Err(problem) => return me::again(desk, headers, &problem, Look::default()),
    };
    let app = Arc::clone(&desk.app);
    if let Err(problem) = blocking(move || Ok(app.keystore.set_link(actor, &opened, None)?)).await {
        return me::again(desk, headers, &problem, Look::default());
    }
    changed_second(desk);
    me::rendered(desk, headers, Look::done(desk.w.t("me.openid_dropped")))
}
