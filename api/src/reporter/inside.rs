//! Telling one's own enterprise (内部报告): which one, what, one look at it, twelve words and a receipt. Nothing of it goes to the bureau,
//! and the page says so before anybody types.

use std::sync::Arc;

use adit_core::command::{Command, Request};
use adit_core::concern::{ConcernCommand, Raise};
use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::refusal::Refusal;
use adit_core::secret::Secret;
use adit_core::text::{Long, Short};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use super::follow::Receipt;
use super::form::Form;
use super::inside_my::{Told, receipt_page};
use super::language::Language;
use super::report::{Sent, gives_away, refused_or_failed, text};
use super::step::contains_secret;
use super::turn::{self, busy};
use crate::app::App;
use crate::handlers::{Answered, Shared, blocking};
use crate::intake::Purpose;
use crate::page::render;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Names that are offered while one types; any other is found by typing a part of it.
const OFFERED_MAX: usize = 100;
/// Enterprises to choose from where a name means several.
const MEANT_MAX: usize = 20;
/// Longest words, in characters: they stand in the entry's body, and not in a file.
const WORDS_CHARS_MAX: usize = 4000;
const LINE_CHARS_MAX: usize = 200;

/// What a worker has told so far.
#[derive(Default)]
struct Draft {
    to: String,
    place: String,
    words: String,
    contact: String,
    stamp: String,
}

impl Draft {
    fn of(form: &Form) -> Self {
        let typed = |name| form.get(name).trim().to_owned();
        Self {
            to: typed("to"),
            place: typed("place"),
            words: typed("words"),
            contact: typed("contact"),
            stamp: form.get("stamp").to_owned(),
        }
    }

    fn enterprise(&self) -> Option<StreamId> {
        self.to.parse().ok().filter(|stream: &StreamId| stream.kind == StreamKind::Enterprise)
    }

    /// Why it can't be sent as it is.
    fn fault(&self, secret: Option<&Secret>) -> Option<Refusal> {
        let tells = |typed: &str| {
            Secret::parse(typed).is_ok() || secret.is_some_and(|one| contains_secret(typed, one))
        };
        if [&self.words, &self.place, &self.contact].into_iter().any(|typed| tells(typed)) {
            return Some(Refusal::new("reporter.secret_in_message"));
        }
        let checked = text::<WORDS_CHARS_MAX>("words", &self.words, true)
            .and_then(|()| text::<LINE_CHARS_MAX>("place", &self.place, false))
            .and_then(|()| text::<LINE_CHARS_MAX>("contact", &self.contact, false));
        checked.err()
    }

    /// The same with a stamp that counts, or may come to count.
    fn stamped(self, app: &App) -> Result<Self, Problem> {
        Ok(Self { stamp: turn::stamp_of(app, self.stamp)?, ..self })
    }
}

/// An enterprise that takes internal reports in.
struct Firm {
    id: StreamId,
    name: String,
    /// What it gives for them.
    rewards: String,
}

impl Firm {
    /// None where its channel is not open.
    fn of(app: &App, enterprise: Option<StreamId>) -> Result<Option<Self>, Problem> {
        let Some(id) = enterprise else { return Ok(None) };
        let state = app.office.enterprise(id).map_err(|error| unreadable(&error))?;
        let Some(rewards) = state.channel.as_ref().filter(|_| state.has_channel()) else { return Ok(None) };
        let name = name_of(app, &id);
        Ok(Some(Self { id, name, rewards: rewards.to_string() }))
    }
}

pub(super) fn name_of(app: &App, enterprise: &StreamId) -> String {
    app.projector.read(|all| all.concerns.name(enterprise).unwrap_or_default())
}

#[derive(Template)]
#[template(path = "reporter/inside.html")]
struct Page {
    w: Language,
    draft: Draft,
    /// Whom it goes to, once that is chosen.
    firm: Option<Firm>,
    /// What was typed of a name.
    typed: String,
    /// Names to choose from while one types.
    offered: Vec<String>,
    /// Those that may be meant.
    meant: Vec<(StreamId, String)>,
    /// Nobody of this name takes internal reports in.
    nobody: bool,
    fault: Option<String>,
    secret: String,
}

#[derive(Template)]
#[template(path = "reporter/inside_look.html")]
struct Look {
    w: Language,
    draft: Draft,
    firm: String,
    groups: Vec<Vec<&'static str>>,
    secret: String,
    /// What the words seem to give away.
    gives_away: Vec<String>,
    fault: Option<String>,
}

fn page(
    app: &App,
    w: Language,
    draft: Draft,
    fault: Option<&Refusal>,
    secret: &str,
) -> Result<Page, Problem> {
    let firm = Firm::of(app, draft.enterprise())?;
    let nobody = firm.is_none() && !draft.to.is_empty();
    let offered = if firm.is_none() { offered(app) } else { Vec::new() };
    Ok(Page {
        w,
        draft: draft.stamped(app)?,
        firm,
        typed: String::new(),
        offered,
        meant: Vec::new(),
        nobody,
        fault: fault.map(|refusal| w.refusal(refusal)),
        secret: secret.to_owned(),
    })
}

fn offered(app: &App) -> Vec<String> {
    let open = app.projector.read(|all| all.concerns.open_channels());
    if open.len() > OFFERED_MAX { Vec::new() } else { open.into_iter().map(|(_, name)| name).collect() }
}

/// Tell one's own enterprise
///
/// 内部报告网页：先选企业，再写；无须登录，不用脚本。
#[utoipa::path(get, path = "/inside", tag = "reporter",
    params(("lang" = Option<String>, Query, description = "zh or en"),
        ("to" = Option<String>, Query, description = "an enterprise, as its notice says")),
    responses((status = 200, description = "HTML")))]
pub(crate) async fn form(State(app): Shared, RawQuery(query): RawQuery, headers: HeaderMap) -> Answered {
    let w = Language::of(query.as_deref(), &headers);
    let asked = query.as_deref().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("to="));
    let to = asked.unwrap_or_default().replace("%2F", "/");
    render(&blocking(move || page(&app, w, Draft { to, ..Draft::default() }, None, "")).await?)
}

/// Choose the enterprise, look it over, change it, or send it
///
/// 提交内部报告：`step` 为 `find` 选企业、`look` 核对、`edit` 修改、`send` 提交。口令在核对页给出，随表单送回；同一口令只成一件。
#[utoipa::path(post, path = "/inside", tag = "reporter",
    responses((status = 200, description = "HTML: the next page, or the receipt"),
        (status = 422, description = "HTML: the form with what is wrong; nothing typed is lost"),
        (status = 503, description = "api.not_written")))]
pub(crate) async fn submit(
    State(app): Shared,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    form: Form,
) -> Answered {
    let w = Language::named(form.get("lang")).unwrap_or_else(|| Language::of(query.as_deref(), &headers));
    let draft = Draft::of(&form);
    let secret = form.get("secret").to_owned();
    match form.get("step") {
        "edit" => render(&blocking(move || page(&app, w, draft, None, &secret)).await?),
        "send" => send(app, w, draft, &secret).await,
        "look" => blocking(move || look(&app, w, draft, &secret)).await,
        _ => {
            let typed = form.get("firm").trim().to_owned();
            render(&blocking(move || find(&app, w, draft, typed, &secret)).await?)
        }
    }
}

/// The enterprise that a name means, or those of which it may mean one.
fn find(app: &App, w: Language, draft: Draft, typed: String, secret: &str) -> Result<Page, Problem> {
    if draft.enterprise().is_some() || typed.is_empty() {
        return page(app, w, draft, None, secret);
    }
    let open = app.projector.read(|all| all.concerns.open_channels());
    let exact = open.iter().find(|(_, name)| *name == typed).cloned();
    let part = || open.into_iter().filter(|(_, name)| name.contains(&typed)).take(MEANT_MAX).collect();
    let mut meant: Vec<(StreamId, String)> = exact.map_or_else(part, |one| vec![one]);
    let to = if meant.len() == 1 { meant.remove(0).0.to_string() } else { String::new() };
    let found = page(app, w, Draft { to, ..draft }, None, secret)?;
    Ok(Page { nobody: found.firm.is_none() && meant.is_empty(), meant, typed, ..found })
}

fn look(app: &App, w: Language, draft: Draft, typed: &str) -> Answered {
    // A secret that the form carries already stays, so that what was written down still holds.
    let secret = Secret::parse(typed).or_else(|_| Secret::generate()).map_err(|error| unreadable(&error))?;
    let firm = Firm::of(app, draft.enterprise())?;
    match (draft.fault(Some(&secret)), firm) {
        (None, Some(firm)) => render(&look_page(app, w, draft, firm.name, &secret, None)?),
        (fault, _) => {
            let page = page(app, w, draft, fault.as_ref(), typed)?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
        }
    }
}

fn look_page(
    app: &App,
    w: Language,
    draft: Draft,
    firm: String,
    secret: &Secret,
    fault: Option<&Refusal>,
) -> Result<Look, Problem> {
    Ok(Look {
        w,
        firm,
        groups: super::groups(secret, w),
        secret: secret.text(w.script()).to_string(),
        gives_away: gives_away(&draft.words, w),
        fault: fault.map(|refusal| w.refusal(refusal)),
        draft: draft.stamped(app)?,
    })
}

/// Enters it, in a queue of its own turn like a report: nobody is refused, whatever comes at once.
async fn send(app: Arc<App>, w: Language, draft: Draft, typed: &str) -> Answered {
    let secret = Secret::parse(typed);
    let (turn, stamp) = turn::take(&app, Purpose::Report, draft.stamp).await?;
    let draft = Draft { stamp, ..draft };
    blocking(move || {
        let secret = match secret {
            Ok(secret) => secret,
            Err(error) => {
                let page = page(&app, w, draft, Some(&error.into()), "")?;
                return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response());
            }
        };
        let entered = match (draft.fault(Some(&secret)), turn) {
            (Some(fault), _) => Err(Sent::Refused(fault)),
            (None, None) => Err(Sent::Failed(busy())),
            // The turn is over when it is entered.
            (None, Some(_turn)) => enter(&app, &draft, &secret),
        };
        let problem = match entered {
            Ok(()) => return render(&received(&app, w, &secret)?),
            Err(sent) => sent.problem(),
        };
        // What was typed is still on the page, with its secret: sending again is safe.
        let firm = draft.enterprise().map(|id| name_of(&app, &id)).unwrap_or_default();
        let page = look_page(&app, w, draft, firm, &secret, Some(&problem.refusal))?;
        Ok((problem.status, render(&page)?).into_response())
    })
    .await
}

fn received(app: &App, w: Language, secret: &Secret) -> Result<Receipt, Problem> {
    let told = Told::open(app, secret)?.ok_or(ApiRefusal::Unreadable)?;
    receipt_page(app, &told, secret, w, None)
}

/// The same secret is the same internal report: sent again, nothing is written twice.
fn enter(app: &App, draft: &Draft, secret: &Secret) -> Result<(), Sent> {
    let ledger = app.office.ledger();
    let origin = ledger.origin().to_owned();
    let id = secret.concern_command_id(&origin);
    let failed = |error: &dyn std::fmt::Display| Sent::Failed(unreadable(error));
    if ledger.answered(&id).map_err(|error| failed(&error))?.is_some() {
        return Ok(());
    }
    let closed = || Sent::Refused(Refusal::new("concern.channel_closed"));
    let enterprise = draft.enterprise().ok_or_else(closed)?;
    let stream = StreamId::new(StreamKind::Concern, Id::random().map_err(|error| failed(&error))?);
    let key = secret.concern_key(&origin, &stream).map_err(|error| failed(&error))?;
    let short = |typed: &str| Short::new(typed).ok();
    let raise = Raise {
        enterprise,
        place: short(&draft.place),
        words: Long::new(&draft.words).map_err(|_| Sent::Refused(Refusal::new("reporter.words_missing")))?,
        contact: short(&draft.contact),
        key: key.vkey(),
    };
    let command = Command::Concern(ConcernCommand::Raise(raise));
    let request = Request { id, stream: Some(stream), command };
    match app.office.execute(&request, &[&key]) {
        Ok(_) => Ok(()),
        // The same secret was sent twice at once, and the other one came first.
        Err(error) => match ledger.answered(&id) {
            Ok(Some(_)) => Ok(()),
            Ok(None) | Err(_) => Err(refused_or_failed(error.into())),
        },
    }
}
