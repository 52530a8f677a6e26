//! What stands around every page of the workbench: who is signed in, where one can go, and what waits.

use std::sync::Arc;

use adit_core::id::StreamKind;
use adit_core::role::Role;
use adit_core::units::Position;
use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::people;
use super::words::Words;
use crate::access::Reader;
use crate::app::App;
use crate::extract::SignedIn;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::reporter::language::Language;
use crate::session::Session;
use crate::web::{DESK, Script, with_scripts};

/// Name of the cookie that holds the language of the workbench.
pub(crate) const LANGUAGE: &str = "adit-language";

/// Somebody at work: the session, what it may see, and the language.
pub(crate) struct Desk {
    pub(crate) app: Arc<App>,
    pub(crate) session: Session,
    pub(crate) reader: Reader,
    pub(crate) w: Words,
    /// How many entries of the ledger its pages know at least.
    pub(crate) size: u64,
}

/// The language that was chosen, or that the browser prefers.
pub(crate) fn words(headers: &HeaderMap) -> Words {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let chosen = pairs.find(|(name, _)| *name == LANGUAGE).and_then(|(_, value)| Language::named(value));
    Words(chosen.unwrap_or_else(|| Language::of(None, headers)))
}

impl FromRequestParts<Arc<App>> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let w = words(&parts.headers);
        match SignedIn::from_request_parts(parts, app).await {
            Ok(SignedIn { session, reader }) => {
                // What was answered before a page was asked for stands on it.
                let size = app.office.ledger().size();
                if parts.method == Method::GET && !caught_up(app, size).await {
                    return Err(Trouble::from(ApiRefusal::Stale).into_response());
                }
                // An enterprise counts what is published: how fast the rest grows would tell it of reports.
                let size = app.visible_size(reader.sees_unpublished() && !session.wall);
                Ok(Self { app: Arc::clone(app), session, reader, w, size })
            }
            Err(problem) if problem.status == StatusCode::UNAUTHORIZED => {
                // What was typed can't be kept without a session; a page that was asked for can be asked for again.
                let next = if parts.method == Method::GET { parts.uri.to_string() } else { String::new() };
                let query = serde_urlencoded::to_string([("next", next)]).unwrap_or_default();
                Err(Redirect::to(&format!("/desk/sign-in?{query}")).into_response())
            }
            Err(problem) => Err(Trouble(problem).into_response()),
        }
    }
}

/// Waits until the read models hold so many entries. False when they stopped.
async fn caught_up(app: &App, size: u64) -> bool {
    match size.checked_sub(1) {
        Some(newest) => app.projector.wait_for(Position(newest)).await,
        None => true,
    }
}

/// What a page answers when it can't do what it was asked: the refusal, in both languages.
pub(crate) struct Trouble(pub(crate) Problem);

pub(crate) type Shown = Result<Response, Trouble>;

impl<P: Into<Problem>> From<P> for Trouble {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

#[derive(Template)]
#[template(path = "desk/trouble.html")]
struct TroublePage {
    zh: String,
    en: String,
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let said = |language| Words(language).refusal(&self.0.refusal);
        let page = TroublePage { zh: said(Language::Zh), en: said(Language::En) };
        match page.render() {
            Ok(html) => (self.0.status, Html(html)).into_response(),
            Err(_) => self.0.into_response(),
        }
    }
}

pub(crate) fn render(page: &impl Template) -> Shown {
    let html = page.render().map_err(|error| unreadable(&error))?;
    Ok(Html(html).into_response())
}

/// A place to go to.
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) text: String,
}

/// A page that follows the ledger where scripts run.
pub(crate) fn render_live(page: &impl Template) -> Shown {
    render(page).map(|page| with_scripts(page, &[&DESK]))
}

/// What every page shows around its own content.
pub(crate) struct Frame {
    pub(crate) w: Words,
    pub(crate) nav: Vec<Link>,
    /// The post of whoever is signed in.
    pub(crate) who: String,
    pub(crate) roles: String,
    /// How many commands wait for this officer's signature.
    pub(crate) waiting: usize,
    /// The key is kept elsewhere: nothing can be signed here.
    pub(crate) signs_here: bool,
    pub(crate) demonstration: bool,
    /// Whether hazards can be looked for.
    pub(crate) finds: bool,
    /// What has just been recorded: the position of the entry.
    pub(crate) recorded: Option<Position>,
    /// How many entries of the ledger this page knows.
    pub(crate) size: u64,
    /// What keeps it up with the ledger.
    pub(crate) script: &'static Script,
}

/// Where one can go, by what one may read.
const PLACES: [&str; 17] = [
    "register",
    "docket",
    "corroboration",
    "five_in_place",
    "deadlines",
    "inspections",
    "enterprises",
    "supervision",
    "notifications",
    "repeat_offenders",
    "relief",
    "duty",
    "rewards",
    "reward_budget",
    "accountability",
    "inquiries",
    "statistics",
];

impl Frame {
    pub(crate) fn of(desk: &Desk) -> Self {
        let Desk { app, session, reader, w, .. } = desk;
        let waiting = super::waiting::to_sign(app, session.actor);
        let mut nav = Vec::new();
        if reader.asker("statistics").is_some() {
            nav.push(Link { href: "/desk/figures".to_owned(), text: w.t("figures.title").to_owned() });
            nav.push(Link { href: "/desk/summary".to_owned(), text: w.t("summary.title").to_owned() });
        }
        for table in PLACES {
            if reader.asker(table).is_some() {
                nav.push(Link { href: format!("/desk/tables/{table}"), text: w.label(table) });
            }
        }
        if reader.is_enterprise()
            && let Some(own) = reader.acts_for
        {
            nav.push(Link {
                href: stream_address(&own.to_string()),
                text: w.t("nav.own_enterprise").to_owned(),
            });
        }
        if reader.acts_for.is_some() && reader.is_enterprise() {
            nav.push(Link { href: "/desk/inside".to_owned(), text: w.t("inside.title").to_owned() });
        }
        if super::import::may(desk) {
            nav.push(Link { href: "/desk/import".to_owned(), text: w.t("import.title").to_owned() });
        }
        if reader.roles.contains(&Role::Clerk) {
            nav.push(Link { href: "/desk/telephone".to_owned(), text: w.t("telephone.title").to_owned() });
        }
        let makes_boards = [Role::Clerk, Role::Handler, Role::Approver, Role::Admin];
        if cfg!(feature = "pdf") && makes_boards.iter().any(|role| reader.roles.contains(role)) {
            nav.push(Link { href: "/desk/poster".to_owned(), text: w.t("poster.title").to_owned() });
        }
        if reader.roles.contains(&Role::Inspector) {
            nav.push(Link { href: "/desk/plans".to_owned(), text: w.t("plans.title").to_owned() });
        }
        if reader.roles.contains(&Role::Finance) {
            nav.push(Link { href: "/desk/vouchers".to_owned(), text: w.t("vouchers.title").to_owned() });
        }
        if reader.roles.contains(&Role::Admin) {
            nav.push(Link { href: "/desk/accounts".to_owned(), text: w.t("accounts.title").to_owned() });
        }
        if reader.may_read(StreamKind::Access) {
            nav.push(Link { href: "/desk/reads".to_owned(), text: w.t("reads.title").to_owned() });
        }
        if super::system::may_see(desk) {
            nav.push(Link { href: "/desk/system".to_owned(), text: w.t("system.title").to_owned() });
        }
        if reader.may_read(StreamKind::Rules) {
            nav.push(Link { href: "/desk/rulebook".to_owned(), text: w.t("rulebook.title").to_owned() });
        }
        let roles: Vec<&str> = reader.roles.iter().map(|role| role.name()).collect();
        let roles: Vec<&str> =
            roles.into_iter().map(|name| w.find(&format!("role.{name}")).unwrap_or(name)).collect();
        Self {
            w: *w,
            nav,
            who: people::title(app, session.actor),
            roles: roles.join(w.t("base.and")),
            waiting,
            signs_here: session.key.is_some(),
            finds: reader.asker("register").is_some(),
            demonstration: app.options.demonstration,
            recorded: None,
            size: desk.size,
            script: &DESK,
        }
    }

    /// With the notice that an entry was just recorded.
    pub(crate) fn after(mut self, recorded: Option<Position>) -> Self {
        self.recorded = recorded;
        self
    }
}

/// The page of a stream.
pub(crate) fn stream_address(stream: &str) -> String {
    format!("/desk/streams/{stream}")
}

/// A parameter of a query string, decoded.
pub(crate) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query?).ok()?;
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// The entry that was just recorded, as the address says it to which one is led back.
pub(crate) fn just_recorded(query: Option<&str>) -> Option<Position> {
    parameter(query, "recorded")?.parse().ok().map(Position)
}

/// A refusal that a page of the workbench makes as the API does.
pub(crate) fn not_found() -> Trouble {
    ApiRefusal::NotFound.into()
}
