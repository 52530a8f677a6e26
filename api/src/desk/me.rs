//! My account: my sessions, my password, my second factor, my passkeys, my account at the OpenID provider, my daily digest.

use std::sync::Arc;

use adit_core::decider::Rejection;
use adit_core::ledger::vkey::hex;
use adit_core::units::Timestamp;
use askama::Template;
use axum::extract::Form;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::digest::{self, Digest, Outcome};
use super::frame::{Desk, Frame, Shown, render};
use super::openid;
use crate::handlers::blocking;
use crate::handlers::sign_in::{hashing, open};
use crate::passkeys::Passkey;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::reporter::qr;
use crate::second_factor::SecondFactor;
use crate::session::Listed;
use crate::web::{PASSKEY, Script, with_scripts};

struct Session {
    name: String,
    begun: String,
    used: String,
    /// When it ends, where it shows a wall.
    hangs_until: Option<String>,
    this: bool,
}

/// A second factor that was shown and is not in use yet.
struct Offered {
    text: String,
    qr: String,
}

/// A passkey of one's own.
struct Own {
    id: String,
    name: String,
    made: String,
    used: String,
}

/// One's account at the OpenID provider.
struct AtProvider {
    /// What the provider is called; none where there is none.
    name: Option<String>,
    linked: bool,
}

/// A passkey that is being made.
#[derive(Default)]
struct Adding {
    /// What the browser is asked for, as JSON.
    options: String,
    name: String,
    /// What it answered already.
    answer: String,
}

#[derive(Template)]
#[template(path = "desk/me.html")]
struct Me {
    frame: Frame,
    actor: String,
    account: String,
    key: String,
    sessions: Vec<Session>,
    /// The key lies here, under a password.
    kept_here: bool,
    has_codes: bool,
    offered: Option<Offered>,
    passkeys: Vec<Own>,
    /// Where passkeys work; none where the server was not told.
    site: Option<String>,
    /// This page was opened there.
    is_there: bool,
    adding: Option<Adding>,
    digest: Digest,
    openid: AtProvider,
    refusal: String,
    done: String,
    script: &'static Script,
}

/// What a page of mine shows besides what is always there.
#[derive(Default)]
pub(super) struct Look {
    offered: Option<SecondFactor>,
    adding: Option<Adding>,
    digest: Outcome,
    refusal: String,
    done: String,
}

impl Look {
    pub(super) fn done(said: &str) -> Self {
        Self { done: said.to_owned(), ..Self::default() }
    }
}

fn page(desk: &Desk, headers: &HeaderMap, look: Look) -> Me {
    let now = desk.app.office.ledger().now();
    let actor = desk.session.actor;
    let named = named(desk);
    let account = desk.app.keystore.account(actor).unwrap_or_default();
    let session = |listed: Listed| Session {
        name: hex(&listed.name),
        begun: listed.begun.local(),
        used: listed.used.local(),
        hangs_until: listed.hangs_until.map(Timestamp::local),
        this: listed.name == desk.session.name,
    };
    let own = |passkey: Passkey| Own {
        id: passkey.id,
        name: passkey.name,
        made: passkey.made.day().to_string(),
        used: passkey.used.map_or_else(|| desk.w.t("me.passkey_unused").to_owned(), Timestamp::local),
    };
    let site = desk.app.passkeys.site();
    Me {
        actor: actor.to_string(),
        account,
        key: desk.session.vkey.to_string(),
        sessions: desk.app.sessions.of(actor, now).into_iter().map(session).collect(),
        kept_here: desk.app.keystore.has(actor),
        has_codes: desk.app.keystore.has_codes(actor),
        offered: look
            .offered
            .map(|factor| Offered { text: factor.text().to_string(), qr: qr(&factor.address(&named)) }),
        passkeys: desk.app.keystore.passkeys(actor).into_iter().map(own).collect(),
        site: site.map(|site| site.origin().to_owned()),
        is_there: site.is_some_and(|site| site.is_where(headers)),
        adding: look.adding,
        digest: Digest::of(desk, look.digest),
        openid: AtProvider {
            name: desk.app.openid.as_ref().map(|provider| provider.name().to_owned()),
            linked: desk.app.keystore.is_linked(actor),
        },
        refusal: look.refusal,
        done: look.done,
        frame: Frame::of(desk),
        script: &PASSKEY,
    }
}

/// The name to sign in with; the actor where there is no other.
fn named(desk: &Desk) -> String {
    let actor = desk.session.actor;
    desk.app.keystore.account(actor).unwrap_or_else(|| actor.to_string())
}

pub(super) fn rendered(desk: &Desk, headers: &HeaderMap, look: Look) -> Shown {
    let page = page(desk, headers, look);
    let shown = render(&page)?;
    Ok(if page.adding.is_some() { with_scripts(shown, &[&PASSKEY]) } else { shown })
}

pub(super) fn again(desk: &Desk, headers: &HeaderMap, problem: &Problem, look: Look) -> Shown {
    let look = Look { refusal: desk.w.refusal(&problem.refusal), ..look };
    let mut response = rendered(desk, headers, look)?;
    *response.status_mut() = problem.status;
    Ok(response)
}

/// My account
///
/// 我的账号：登录会话、口令、第二因素、通行密钥、统一身份认证、每日提醒。
#[utoipa::path(get, path = "/desk/me", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in")))]
pub(crate) async fn show(desk: Desk, headers: HeaderMap) -> Shown {
    blocking(move || Ok(rendered(&desk, &headers, Look::default()))).await?
}

/// What is changed on one's own account.
#[derive(Deserialize)]
pub(crate) struct Change {
    what: String,
    #[serde(default)]
    session: String,
    #[serde(default)]
    pub(super) password: Zeroizing<String>,
    #[serde(default)]
    fresh: Zeroizing<String>,
    #[serde(default)]
    again: Zeroizing<String>,
    #[serde(default)]
    secret: Zeroizing<String>,
    #[serde(default)]
    pub(super) code: String,
    /// What names a passkey, or what the browser answered.
    #[serde(default)]
    pub(super) passkey: String,
    /// Who typed the right password, and shows a second factor next.
    #[serde(default)]
    pub(super) half: String,
    /// A passkey's name.
    #[serde(default)]
    name: String,
    /// Where the daily digest goes.
    #[serde(default)]
    address: Zeroizing<String>,
}

/// Change my account
///
/// 更改口令，启用或停用第二因素，添加或移除通行密钥，关联统一身份认证或解除关联，结束其他会话，开启或关闭每日提醒。
#[utoipa::path(post, path = "/desk/me", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Changed"),
        (status = 401, description = "api.wrong_password, api.wrong_code, api.wrong_passkey, api.passkey_…, api.sign_in_stale"), (status = 409, description = "api.passkeys_off, api.passkey_known, api.openid_off, api.openid_linked, api.digest_off"),
        (status = 422, description = "api.password_too_short, api.passkey_name, api.too_many_passkeys, api.digest_address, api.digest_code, api.digest_code_over"),
        (status = 429, description = "api.digest_too_soon, api.digest_too_many_codes")))]
pub(crate) async fn change(desk: Desk, headers: HeaderMap, Form(change): Form<Change>) -> Shown {
    let what = change.what.clone();
    match what.as_str() {
        "end" => Ok(end(&desk, &change)),
        "password" => password(&desk, &headers, change).await,
        "offer" => {
            let offered = Some(SecondFactor::generate().map_err(|error| unreadable(&error))?);
            rendered(&desk, &headers, Look { offered, ..Look::default() })
        }
        "begin" => begin(&desk, &headers, change).await,
        "stop" => stop(&desk, &headers, change).await,
        "passkey_offer" => match adding(&desk, String::new(), String::new()) {
            Ok(adding) => rendered(&desk, &headers, Look { adding: Some(adding), ..Look::default() }),
            Err(problem) => again(&desk, &headers, &problem, Look::default()),
        },
        "passkey_add" => passkey_add(&desk, &headers, change).await,
        "passkey_drop" => passkey_drop(&desk, &headers, change).await,
        "digest_ask" | "digest_confirm" | "digest_forget" | "digest_off" | "digest_post_on"
        | "digest_post_off" => digest(desk, headers, change).await,
        "openid_link" => openid::link(&desk, &headers, change).await,
        "openid_prove" => openid::prove_link(&desk, &headers, change).await,
        "openid_drop" => openid::unlink(&desk, &headers, change).await,
        _ => Err(Problem { status: StatusCode::BAD_REQUEST, ..ApiRefusal::BadRequest.into() }.into()),
    }
}

fn end(desk: &Desk, change: &Change) -> Response {
    let (actor, now) = (desk.session.actor, desk.app.office.ledger().now());
    // Only one's own can be named.
    let own = desk.app.sessions.of(actor, now).into_iter().map(|listed| listed.name);
    own.filter(|name| hex(name) == change.session).for_each(|name| desk.app.sessions.end_named(&name));
    Redirect::to("/desk/me").into_response()
}

async fn password(desk: &Desk, headers: &HeaderMap, change: Change) -> Shown {
    let actor = desk.session.actor;
    if change.fresh != change.again {
        return again(desk, headers, &ApiRefusal::PasswordsDiffer.into(), Look::default());
    }
    let Change { password, fresh, .. } = change;
    let changed = hashing(&desk.app, move |app| app.keystore.change_password(actor, &password, &fresh)).await;
    if let Err(problem) = changed {
        return again(desk, headers, &problem, Look::default());
    }
    desk.app.sessions.end_others(actor, &desk.session.name);
    changed_second(desk);
    rendered(desk, headers, Look::done(desk.w.t("me.password_changed")))
}

/// Whoever is halfway in with what held before begins anew.
pub(super) fn changed_second(desk: &Desk) {
    desk.app.halfway.end_of(desk.session.actor, desk.app.office.ledger().now());
}

async fn begin(desk: &Desk, headers: &HeaderMap, change: Change) -> Shown {
    let actor = desk.session.actor;
    let factor = SecondFactor::parse(&change.secret).ok_or(ApiRefusal::BadRequest)?;
    let offered = || Look { offered: SecondFactor::parse(&change.secret), ..Look::default() };
    let seconds = u64::try_from(desk.app.office.ledger().now().0).unwrap_or_default();
    if factor.check(&change.code, seconds).is_none() {
        return again(desk, headers, &ApiRefusal::WrongCode.into(), offered());
    }
    let password = change.password.clone();
    let begun = hashing(&desk.app, move |app| app.keystore.set_second(actor, &password, Some(&factor))).await;
    if let Err(problem) = begun {
        return again(desk, headers, &problem, offered());
    }
    changed_second(desk);
    rendered(desk, headers, Look::done(desk.w.t("me.second_begun")))
}

async fn stop(desk: &Desk, headers: &HeaderMap, change: Change) -> Shown {
    let actor = desk.session.actor;
    let password = change.password;
    let stopped = hashing(&desk.app, move |app| app.keystore.set_second(actor, &password, None)).await;
    if let Err(problem) = stopped {
        return again(desk, headers, &problem, Look::default());
    }
    changed_second(desk);
    rendered(desk, headers, Look::done(desk.w.t("me.second_ended")))
}

/// A passkey to make; `answer` where the browser made it already, and something else did not fit.
fn adding(desk: &Desk, name: String, answer: String) -> Result<Adding, Problem> {
    let (actor, now) = (desk.session.actor, desk.app.office.ledger().now());
    let own = desk.app.keystore.passkeys(actor);
    let options = desk.app.passkeys.ask_for_new(actor, &named(desk), &own, now)?;
    Ok(Adding { options, name, answer })
}

async fn passkey_add(desk: &Desk, headers: &HeaderMap, change: Change) -> Shown {
    let actor = desk.session.actor;
    let Change { password, name, passkey, .. } = change;
    let opened = match open(&desk.app, actor, password).await {
        Ok(opened) => opened,
        // The passkey that was made waits for the right password.
        Err(problem) => {
            return again(
                desk,
                headers,
                &problem,
                Look { adding: adding(desk, name, passkey).ok(), ..Look::default() },
            );
        }
    };
    let (app, typed, answer) = (Arc::clone(&desk.app), name.clone(), passkey.clone());
    let added = blocking(move || {
        let now = app.office.ledger().now();
        Ok(app.keystore.with_passkeys(actor, &opened, |own| {
            let added = app.passkeys.added(actor, &passkey, &typed, own, now)?;
            own.push(added);
            Ok(())
        })?)
    });
    if let Err(problem) = added.await {
        // Only the name did not fit: what the browser made is still good.
        let keeps = problem.refusal.code == ApiRefusal::PasskeyName.code();
        let adding = adding(desk, name, if keeps { answer } else { String::new() }).ok();
        return again(desk, headers, &problem, Look { adding, ..Look::default() });
    }
    changed_second(desk);
    rendered(desk, headers, Look::done(desk.w.t("me.passkey_added")))
}

async fn passkey_drop(desk: &Desk, headers: &HeaderMap, change: Change) -> Shown {
    let actor = desk.session.actor;
    let Change { password, passkey, .. } = change;
    let opened = match open(&desk.app, actor, password).await {
        Ok(opened) => opened,
        Err(problem) => return again(desk, headers, &problem, Look::default()),
    };
    let app = Arc::clone(&desk.app);
    let dropped = blocking(move || {
        Ok(app.keystore.with_passkeys(actor, &opened, |own| {
            own.retain(|one| one.id != passkey);
            Ok(())
        })?)
    });
    if let Err(problem) = dropped.await {
        return again(desk, headers, &problem, Look::default());
    }
    changed_second(desk);
    rendered(desk, headers, Look::done(desk.w.t("me.passkey_dropped")))
}

/// Changes one's own daily digest.
async fn digest(desk: Desk, headers: HeaderMap, change: Change) -> Shown {
    let runtime = tokio::runtime::Handle::current();
    let worker = move || {
        // A code is mailed apart from this request.
        let _inside = runtime.enter();
        let (done, said) = match change.what.as_str() {
            "digest_ask" => (digest::ask(&desk, &change.address), desk.w.t("digest.asked")),
            "digest_confirm" => (digest::confirm(&desk, &change.code), desk.w.t("digest.on")),
            "digest_forget" => {
                digest::forget(&desk);
                (Ok(()), desk.w.t("digest.forgotten"))
            }
            "digest_off" => (digest::off(&desk), desk.w.t("digest.ended")),
            what => (digest::post(&desk, what == digest::POST_ON), desk.w.t("digest.changed")),
        };
        Ok(match done {
            Ok(()) => {
                let digest = Outcome { done: said.to_owned(), ..Outcome::default() };
                rendered(&desk, &headers, Look { digest, ..Look::default() })
            }
            Err(problem) => {
                let (refusal, typed) = (desk.w.refusal(&problem.refusal), change.address.to_string());
                let digest = Outcome { refusal, typed, ..Outcome::default() };
                rendered(&desk, &headers, Look { digest, ..Look::default() }).map(|mut response| {
                    *response.status_mut() = problem.status;
                    response
                })
            }
        })
    };
    blocking(worker).await?
}
