//! The page on which a report is shared (转阅) with those who verify and handle it: what will be shared, and with whom.

use std::collections::BTreeSet;

use adit_core::command::{Command, Request};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::{ExecuteError, Hand};
use adit_core::refusal::Refusal;
use adit_core::report::{Copied, READERS, ReportCommand, ReportRefusal, Share, State, readers, sealed_in};
use adit_core::secret::officer_identity;
use askama::Template;
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};

use super::case::what;
use super::form::Typed;
use super::frame::{Desk, Frame, Shown, render, stream_address};
use super::lawful::{Standing, standing};
use super::meanwhile::{self, Meanwhile};
use super::people;
use super::stream::heading;
use crate::handlers::blocking;
use crate::handlers::commands::{Beside, Outcome, carry_out};
use crate::handlers::sealed::report_of;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::share::{copies, shareable};

const COMMAND: &str = "report.share";

/// A sealed file as it stands for whoever would share it.
struct Item {
    what: &'static str,
    at: String,
    size: u64,
    /// Why this officer does not share it.
    why: &'static str,
}

/// Somebody who verifies or handles.
struct Tick {
    actor: String,
    title: String,
    roles: String,
    /// What they read already, or why they can't read.
    reads: String,
    may: bool,
    ticked: bool,
}

/// What was chosen, and what was said to it.
#[derive(Default)]
struct Chosen {
    id: String,
    seen: String,
    with: BTreeSet<String>,
    refusal: String,
    meanwhile: Vec<Meanwhile>,
}

impl Chosen {
    fn of(sent: Vec<(String, String)>) -> Self {
        let mut chosen = Self::default();
        for (name, value) in sent {
            match name.as_str() {
                "_id" => chosen.id = value,
                "_seen" => chosen.seen = value,
                "with" => {
                    chosen.with.insert(value);
                }
                _ => {}
            }
        }
        chosen
    }

    fn actors(&self) -> Result<BTreeSet<ActorId>, Refusal> {
        let actors = self.with.iter().map(|text| text.parse::<ActorId>());
        actors.collect::<Result<_, _>>().map_err(|_| ReportRefusal::NotAReader.into())
    }
}

#[derive(Template)]
#[template(path = "desk/share.html")]
struct SharePage {
    frame: Frame,
    title: String,
    heading: String,
    report: String,
    stream: String,
    back: String,
    id: String,
    seen: String,
    files: Vec<Item>,
    /// This officer shares one of them at least.
    any: bool,
    officers: Vec<Tick>,
    refusal: String,
    meanwhile: Vec<Meanwhile>,
}

/// A report that this officer may share, and their key.
fn of<'a>(desk: &'a Desk, id: &str) -> Result<(StreamId, &'a SigningKey), Problem> {
    let report = report_of(&desk.app, &desk.reader, id)?;
    let may = desk.reader.may_command(&desk.app.office, StreamKind::Report, Some(&report));
    if !may.map_err(|error| unreadable(&error))? {
        return Err(ApiRefusal::Forbidden.into());
    }
    if desk.app.office.report(report)?.status == adit_core::report::Status::Absent {
        return Err(ApiRefusal::NotFound.into());
    }
    if standing(desk, Some(report), COMMAND, &Typed::new()).is_for_others() {
        return Err(ApiRefusal::Forbidden.into());
    }
    Ok((report, desk.session.key.as_deref().ok_or(ApiRefusal::KeyElsewhere)?))
}

fn page(desk: &Desk, report: StreamId, key: &SigningKey, chosen: Chosen) -> Result<SharePage, Problem> {
    let (w, ledger) = (desk.w, desk.app.office.ledger());
    let state = desk.app.office.report(report)?;
    let own = officer_identity(key, ledger.origin()).recipient();
    let facts = ledger.stream(&report).map_err(|error| unreadable(&error))?;
    let mine: BTreeSet<String> =
        shareable(&desk.app, &own, &facts)?.iter().map(|one| one.blob.blob.to_string()).collect();
    let item = |one: &adit_core::report::SealedFile<'_>| {
        let why = match (one.sealed_to(&own), mine.contains(one.blob.blob.as_str())) {
            (None, _) => w.t("share.not_yours"),
            (Some(_), false) => w.t("share.gone"),
            (Some(_), true) => "",
        };
        Item { what: what(w, one), at: one.fact.at.local(), size: one.blob.size, why }
    };
    Ok(SharePage {
        title: w.command(COMMAND),
        heading: heading(desk, &report),
        report: report.id.to_string(),
        stream: report.to_string(),
        back: stream_address(&report.to_string()),
        files: sealed_in(&facts).iter().map(item).collect(),
        any: !mine.is_empty(),
        officers: officers(desk, &state, &mine, &chosen.with),
        id: chosen.id,
        seen: meanwhile::newest(desk, Some(&report))?,
        refusal: chosen.refusal,
        meanwhile: chosen.meanwhile,
        frame: Frame::of(desk),
    })
}

/// Those who verify or handle, without whom the reporter excludes.
fn officers(desk: &Desk, state: &State, mine: &BTreeSet<String>, ticked: &BTreeSet<String>) -> Vec<Tick> {
    let (w, ledger) = (desk.w, desk.app.office.ledger());
    let holders = READERS.map(|role| {
        let held: BTreeSet<ActorId> =
            people::with_role(&desk.app, role).into_iter().map(|(actor, _)| actor).collect();
        (w.find(&format!("role.{}", role.name())).unwrap_or(role.name()), held)
    });
    let tick = |(actor, age): (ActorId, Option<String>)| {
        let roles = holders.iter().filter(|(_, held)| held.contains(&actor)).map(|(role, _)| *role);
        let new = age.map(|age| mine.iter().filter(|hash| !state.is_read_by(hash.as_str(), &age)).count());
        let reads = match new {
            None => w.t("share.no_key").to_owned(),
            Some(0) => w.t("share.all").to_owned(),
            Some(new) if new < mine.len() => w.fill("share.new", &[("n", &new.to_string())]),
            Some(_) => String::new(),
        };
        let text = actor.to_string();
        Tick {
            title: people::title(&desk.app, actor),
            roles: roles.collect::<Vec<_>>().join(w.t("base.and")),
            reads,
            may: new.is_some_and(|new| new > 0),
            ticked: ticked.contains(&text),
            actor: text,
        }
    };
    let others = readers(&ledger.keys(), ledger.size(), &state.excluded).into_iter();
    let mut ticks: Vec<Tick> = others.filter(|(actor, _)| *actor != desk.session.actor).map(tick).collect();
    ticks.sort_by(|one, other| (&one.roles, &one.title).cmp(&(&other.roles, &other.title)));
    ticks
}

/// The form with which a report is shared
///
/// 转给核查、办理人员阅看：列出要转的材料和可以转给的人，回避人员不在其列。
#[utoipa::path(get, path = "/desk/reports/{id}/share", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found"),
        (status = 409, description = "api.key_elsewhere")))]
pub(crate) async fn form(desk: Desk, Path(id): Path<String>) -> Shown {
    let worker = move || {
        let (report, key) = of(&desk, &id)?;
        let refusal = match standing(&desk, Some(report), COMMAND, &Typed::new()) {
            Standing::Refused(refusal) => desk.w.refusal(&refusal),
            Standing::Lawful { .. } => String::new(),
        };
        let fresh = Id::random().map_err(|error| unreadable(&error))?.to_string();
        page(&desk, report, key, Chosen { id: fresh, refusal, ..Chosen::default() })
    };
    render(&blocking(worker).await?)
}

/// Share a report
///
/// 转阅：先在台账记录查阅，再用本人的密钥打开、重新密封，最后签署转阅。
#[utoipa::path(post, path = "/desk/reports/{id}/share", tag = "desk", params(("id" = String, Path)),
    responses((status = 303, description = "Sealed again and recorded"), (status = 403, description = "api.forbidden"),
        (status = 404, description = "api.not_found"),
        (status = 409, description = "api.key_elsewhere, or somebody recorded something meanwhile: the form once more, with what it was"),
        (status = 422, description = "A rule refused it; nothing was opened, and what was ticked stays")))]
pub(crate) async fn share(
    desk: Desk,
    Path(id): Path<String>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Shown {
    let mut chosen = Chosen::of(sent);
    let command: CommandId = chosen.id.parse().map_err(|_| ApiRefusal::BadRequest)?;
    let (report, key) = of(&desk, &id)?;
    let place = stream_address(&report.to_string());
    let lead = |position: String| Ok(Redirect::to(&format!("{place}?recorded={position}")).into_response());
    // A double tap: what was shared the first time is what was shared.
    let before = desk.app.office.ledger().answered(&command).map_err(|error| unreadable(&error))?;
    if let Some(before) = before {
        return lead(before.positions.first().map(ToString::to_string).unwrap_or_default());
    }
    chosen.meanwhile = meanwhile::since(&desk, Some(&report), &chosen.seen)?;
    let status = if chosen.meanwhile.is_empty() {
        match deliver(&desk, report, command, &chosen).await {
            Ok(position) => return lead(position),
            Err(problem) if problem.status.is_server_error() => return Err(problem.into()),
            Err(problem) => {
                chosen.refusal = desk.w.refusal(&problem.refusal);
                StatusCode::UNPROCESSABLE_ENTITY
            }
        }
    } else {
        StatusCode::CONFLICT
    };
    let mut response = render(&page(&desk, report, key, chosen)?)?;
    *response.status_mut() = status;
    Ok(response)
}

/// Seals what is chosen again and records it; gives back where.
async fn deliver(desk: &Desk, report: StreamId, id: CommandId, chosen: &Chosen) -> Result<String, Problem> {
    let with = chosen.actors()?;
    let command = |copies: Vec<Copied>| {
        Command::Report(ReportCommand::Share(Share { with: with.iter().copied().collect(), copies }))
    };
    let key = desk.session.key.clone().ok_or(ApiRefusal::KeyElsewhere)?;
    // What a rule refuses is refused before anything is opened: but for the copies, of which there are none yet.
    let nothing = Refusal::from(ReportRefusal::NothingShared);
    match desk.app.office.would_carry_out(Some(report), &command(Vec::new()), &[Hand::Held(&key)]) {
        Err(ExecuteError::Refused(refusal)) if refusal != nothing || with.is_empty() => {
            return Err(refusal.into());
        }
        _ => {}
    }
    let (app, to) = (std::sync::Arc::clone(&desk.app), with.clone());
    let copies = blocking(move || copies(&app, &key, report, &to)).await?;
    let request = Request { id, stream: Some(report), command: command(copies) };
    match carry_out(&desk.app, request, &desk.session, &desk.reader, Beside::Nobody).await? {
        Outcome::Recorded(answer) => {
            Ok(answer.positions.first().map(ToString::to_string).unwrap_or_default())
        }
        Outcome::Waits(..) => Ok(String::new()),
    }
}
