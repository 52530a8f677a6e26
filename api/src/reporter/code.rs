//! "I have a code": whoever reported by telephone, letter or visit, or was invited to join a report, gets twelve words of their own, once.
//!
//! The code is compared first and used up only when its holder says that the new words are written down, so that a page that is
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
use crate::joint::{LetIn, let_in};
use crate::page::render;
use crate::pickup::{Unlocked, unlock};
use crate::problem::{Problem, unreadable};

/// What a code is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A clerk read it out.
    Pickup,
    /// A reporter handed it on.
    Join,
}

/// A code that fits.
enum Fits {
    Pickup(Unlocked),
    Join(Box<LetIn>),
}

impl Fits {
    async fn of(app: &Arc<App>, purpose: Purpose, number: &str, code: &str) -> Result<Self, Problem> {
        match purpose {
            Purpose::Pickup => unlock(app, number, code).await.map(Self::Pickup),
            Purpose::Join => let_in(app, number, code).await.map(|fits| Self::Join(Box::new(fits))),
        }
    }

    /// Whether it could be used up now; nothing is written.
    fn check(&self, app: &App, secret: &Secret) -> Result<(), Problem> {
        match self {
            Self::Pickup(unlocked) => unlocked.check(app, secret),
            Self::Join(let_in) => let_in.check(app, secret),
        }
    }

    fn use_up(&self, app: &App, secret: &Secret) -> Result<(), Problem> {
        match self {
            Self::Pickup(unlocked) => unlocked.exchange(app, secret),
            Self::Join(let_in) => let_in.join(app, secret),
        }
    }
}

/// The new words, before the code is used up.
#[derive(Template)]
#[template(path = "reporter/code.html")]
pub(super) struct Words {
    w: Language,
    stamp: String,
    joins: bool,
    number: String,
    code: String,
    groups: Vec<Vec<&'static str>>,
    new_secret: String,
    qr: String,
    /// The words are made in the browser, and the page has none.
    here: bool,
}

impl Words {
    /// Without words, for whoever makes them.
    pub(super) fn without(w: Language, purpose: Purpose) -> Self {
        let none = String::new;
        let (stamp, number, code, new_secret, qr) = (none(), none(), none(), none(), none());
        let joins = purpose == Purpose::Join;
        Self { w, stamp, joins, number, code, groups: Vec::new(), new_secret, qr, here: true }
    }
}

/// The steps `pickup` and `join` of `/my`: first without `new_secret`, which gives the words, then with them.
pub(super) async fn act(app: Arc<App>, w: Language, form: Form, purpose: Purpose) -> Answered {
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
    let tried = |fault| Tried { purpose, fault, number: number.clone(), code: code.clone() };
    let fits = match Fits::of(&app, purpose, &number, &code).await {
        Ok(fits) => fits,
        Err(problem) => return once_more(&app, w, tried(w.refusal(&problem.refusal)), &problem),
    };
    blocking(move || {
        let done = match &secret {
            Some(secret) => fits.use_up(&app, secret),
            None => Secret::generate()
                .map_err(|error| unreadable(&error))
                .and_then(|fresh| fits.check(&app, &fresh)),
        };
        // The same form was sent twice at once, and the other one came first: then the words have the report.
        if let Some(secret) = &secret
            && let Some(page) = received(&app, secret, w)?
        {
            return Ok(page);
        }
        let fault = |problem: &Problem| w.refusal(&problem.refusal);
        match done {
            Err(problem) => {
                once_more(&app, w, Tried { purpose, fault: fault(&problem), number, code }, &problem)
            }
            Ok(()) => words(&app, w, purpose, number, code),
        }
    })
    .await
}

/// The receipt of the report that has these words, if there is one.
fn received(app: &App, secret: &Secret, w: Language) -> Result<Option<Response>, Problem> {
    let Some(case) = Case::open(app, secret, w)? else { return Ok(None) };
    render(&receipt_page(app, &case, Some(secret), w, None)?).map(Some)
}

fn words(app: &App, w: Language, purpose: Purpose, number: String, code: String) -> Answered {
    let fresh = Secret::generate().map_err(|error| unreadable(&error))?;
    let text = fresh.text(w.script());
    let qr = super::qr(&text);
    // Whoever brought a good code need not wait again.
    let stamp = ripe(app)?;
    let (groups, joins) = (super::groups(&fresh, w), purpose == Purpose::Join);
    let new_secret = text.to_string();
    render(&Words { w, stamp, joins, number, code, groups, new_secret, qr, here: false })
}

/// What was typed stays on the page, with what is wrong with it.
fn once_more(app: &App, w: Language, tried: Tried, problem: &Problem) -> Answered {
    let page = Asks::after(app, w, tried)?;
    Ok((problem.status, render(&page)?).into_response())
}
