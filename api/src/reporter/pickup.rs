//! "I have a pickup code": whoever reported by telephone, letter or visit gets twelve words of their own, once.
//!
//! The code is compared first and used up only when the reporter says that the new words are written down, so that a page that is
//! closed too early costs nothing.

use std::sync::Arc;

use adit_core::secret::Secret;
use askama::Template;
use axum::response::{IntoResponse, Response};

use super::case::Case;
use super::follow::{Asks, Tried, receipt_page, ripe};
use super::form::Form;
use super::language::Language;
use crate::app::App;
use crate::handlers::{Answered, blocking};
use crate::page::render;
use crate::pickup::unlock;
use crate::problem::{Problem, unreadable};

/// The new words, before the code is used up.
#[derive(Template)]
#[template(path = "reporter/pickup.html")]
struct Words {
    w: Language,
    stamp: String,
    number: String,
    code: String,
    groups: Vec<Vec<&'static str>>,
    new_secret: String,
    qr: String,
}

/// The step `pickup` of `/my`: first without `new_secret`, which gives the words, then with them.
pub(super) async fn act(app: Arc<App>, w: Language, form: Form) -> Answered {
    let (number, code) = (form.get("number").to_owned(), form.get("code").to_owned());
    let secret = Secret::parse(form.get("new_secret")).ok();
    if let Some(secret) = secret.clone() {
        // Sent again after its answer was lost: these words have the report already.
        let worker = Arc::clone(&app);
        let done = blocking(move || received(&worker, &secret, w)).await?;
        if let Some(page) = done {
            return Ok(page);
        }
    }
    let unlocked = match unlock(&app, &number, &code).await {
        Ok(unlocked) => unlocked,
        Err(problem) => return once_more(&app, w, number, code, &problem),
    };
    blocking(move || {
        let done = match &secret {
            Some(secret) => unlocked.exchange(&app, secret),
            None => Secret::generate()
                .map_err(|error| unreadable(&error))
                .and_then(|fresh| unlocked.check(&app, &fresh)),
        };
        // The same form was sent twice at once, and the other one came first: then the words have the report.
        if let Some(secret) = &secret
            && let Some(page) = received(&app, secret, w)?
        {
            return Ok(page);
        }
        match done {
            Err(problem) => once_more(&app, w, number, code, &problem),
            Ok(()) => words(&app, w, number, code),
        }
    })
    .await
}

/// The receipt of the report that has these words, if there is one.
fn received(app: &App, secret: &Secret, w: Language) -> Result<Option<Response>, Problem> {
    let Some(case) = Case::open(app, secret, w)? else { return Ok(None) };
    render(&receipt_page(app, &case, secret, w, None)?).map(Some)
}

fn words(app: &App, w: Language, number: String, code: String) -> Answered {
    let fresh = Secret::generate().map_err(|error| unreadable(&error))?;
    let text = fresh.text(w.script());
    let qr = super::qr(&text);
    // Whoever brought a good code need not wait again.
    let stamp = ripe(app)?;
    let groups = super::groups(&fresh, w);
    render(&Words { w, stamp, number, code, groups, new_secret: text.to_string(), qr })
}

/// What was typed stays on the page, with what is wrong with it.
fn once_more(app: &App, w: Language, number: String, code: String, problem: &Problem) -> Answered {
    let fault = w.refusal(&problem.refusal);
    let page = Asks::after(app, w, Tried { fault, number, code })?;
    Ok((problem.status, render(&page)?).into_response())
}
