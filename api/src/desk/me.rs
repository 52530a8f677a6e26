//! My account: my sessions, my password, my second factor.

use adit_core::ledger::vkey::hex;
use askama::Template;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::frame::{Desk, Frame, Shown, render};
use crate::handlers::blocking;
use crate::handlers::sign_in::hashing;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::reporter::qr;
use crate::second_factor::SecondFactor;

struct Session {
    name: String,
    begun: String,
    used: String,
    this: bool,
}

/// A second factor that was shown and is not in use yet.
struct Offered {
    text: String,
    qr: String,
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
    offered: Option<Offered>,
    refusal: String,
    done: String,
}

fn page(desk: &Desk, offered: Option<&SecondFactor>, refusal: String, done: String) -> Me {
    let now = desk.app.office.ledger().now();
    let actor = desk.session.actor;
    let account = desk.app.keystore.account(actor).unwrap_or_default();
    let named = if account.is_empty() { actor.to_string() } else { account.clone() };
    let session = |(name, begun, used): (crate::session::SessionName, _, _)| {
        let (begun, used): (adit_core::units::Timestamp, adit_core::units::Timestamp) = (begun, used);
        Session {
            name: hex(&name),
            begun: begun.local(),
            used: used.local(),
            this: name == desk.session.name,
        }
    };
    Me {
        actor: actor.to_string(),
        account,
        key: desk.session.vkey.to_string(),
        sessions: desk.app.sessions.of(actor, now).into_iter().map(session).collect(),
        kept_here: desk.app.keystore.has(actor),
        offered: offered
            .map(|factor| Offered { text: factor.text().to_string(), qr: qr(&factor.address(&named)) }),
        refusal,
        done,
        frame: Frame::of(desk),
    }
}

fn again(desk: &Desk, problem: &Problem, offered: Option<&SecondFactor>) -> Shown {
    let mut response = render(&page(desk, offered, desk.w.refusal(&problem.refusal), String::new()))?;
    *response.status_mut() = problem.status;
    Ok(response)
}

/// My account
///
/// 我的账号：登录会话、口令、第二因素。
#[utoipa::path(get, path = "/desk/me", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in")))]
pub(crate) async fn show(desk: Desk) -> Shown {
    render(&blocking(move || Ok(page(&desk, None, String::new(), String::new()))).await?)
}

/// What is changed on one's own account.
#[derive(Deserialize)]
pub(crate) struct Change {
    what: String,
    #[serde(default)]
    session: String,
    #[serde(default)]
    password: Zeroizing<String>,
    #[serde(default)]
    fresh: Zeroizing<String>,
    #[serde(default)]
    again: Zeroizing<String>,
    #[serde(default)]
    secret: Zeroizing<String>,
    #[serde(default)]
    code: String,
}

/// Change my account
///
/// 更改口令，启用或停用第二因素，结束其他会话。
#[utoipa::path(post, path = "/desk/me", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Changed"),
        (status = 401, description = "api.wrong_password, api.wrong_code"), (status = 422, description = "api.password_too_short")))]
pub(crate) async fn change(desk: Desk, Form(change): Form<Change>) -> Shown {
    let actor = desk.session.actor;
    match change.what.as_str() {
        "end" => {
            let now = desk.app.office.ledger().now();
            // Only one's own can be named.
            let own = desk.app.sessions.of(actor, now).into_iter().map(|(name, ..)| name);
            own.filter(|name| hex(name) == change.session)
                .for_each(|name| desk.app.sessions.end_named(&name));
            Ok(Redirect::to("/desk/me").into_response())
        }
        "password" => {
            if change.fresh != change.again {
                return again(&desk, &ApiRefusal::PasswordsDiffer.into(), None);
            }
            let Change { password, fresh, .. } = change;
            let changed =
                hashing(&desk.app, move |app| app.keystore.change_password(actor, &password, &fresh)).await;
            if let Err(problem) = changed {
                return again(&desk, &problem, None);
            }
            desk.app.sessions.end_others(actor, &desk.session.name);
            render(&page(&desk, None, String::new(), desk.w.t("me.password_changed").to_owned()))
        }
        "offer" => {
            let factor = SecondFactor::generate().map_err(|error| unreadable(&error))?;
            render(&page(&desk, Some(&factor), String::new(), String::new()))
        }
        "begin" => {
            let factor = SecondFactor::parse(&change.secret).ok_or(ApiRefusal::BadRequest)?;
            let seconds = u64::try_from(desk.app.office.ledger().now().0).unwrap_or_default();
            if factor.check(&change.code, seconds).is_none() {
                return again(&desk, &ApiRefusal::WrongCode.into(), Some(&factor));
            }
            let password = change.password;
            let begun = hashing(&desk.app, move |app| {
                let begun = app.keystore.set_second(actor, &password, Some(&factor));
                begun.map(|()| factor)
            });
            match begun.await {
                Ok(_) => render(&page(&desk, None, String::new(), desk.w.t("me.second_begun").to_owned())),
                Err(problem) => {
                    let factor = SecondFactor::parse(&change.secret);
                    again(&desk, &problem, factor.as_ref())
                }
            }
        }
        "stop" => {
            let password = change.password;
            match hashing(&desk.app, move |app| app.keystore.set_second(actor, &password, None)).await {
                Ok(()) => render(&page(&desk, None, String::new(), desk.w.t("me.second_ended").to_owned())),
                Err(problem) => again(&desk, &problem, None),
            }
        }
        _ => Err(Problem { status: StatusCode::BAD_REQUEST, ..ApiRefusal::BadRequest.into() }.into()),
    }
}
