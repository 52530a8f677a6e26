//! Plans of inspections: committed to every working morning without showing them, opened on arrival.
//!
//! The log gets the commitment alone. The plan itself lies beside the keys, sealed to the inspector who made it, so that nobody else reads
//! on the server whom they will visit.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use adit_core::command::{Command, Request};
use adit_core::decider::Decider;
use adit_core::event::Event;
use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::inspection::{InspectionCommand, InspectionDecider, Seal, State, Status, commitment, open_by};
use adit_core::ledger::home::make_private_folder;
use adit_core::role::Role;
use adit_core::seal::{self, Identity, Kind};
use adit_core::secret::officer_identity;
use adit_core::text::{Short, Text};
use adit_core::units::{Day, Position};
use askama::Template;
use axum::extract::{Form, RawQuery};
use axum::response::{IntoResponse, Redirect};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::act::{Another, Seconds, beside, enterprise_named, seconds};
use super::frame::{Desk, Frame, Shown, just_recorded, render, stream_address};
use super::people;
use super::words::urgency;
use crate::handlers::blocking;
use crate::handlers::commands::{Outcome, carry_out};
use crate::problem::{ApiRefusal, Problem, unreadable};

/// What was committed to.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    v: u8,
    salt: String,
    enterprise: Option<StreamId>,
    scope: String,
}

/// A plan whose visit is not on record yet.
struct Waits {
    name: String,
    sealed_on: String,
    /// The last day to open it; none where it is open.
    open_by: String,
    urgency: &'static str,
    open_at: String,
    perform_at: String,
}

#[derive(Template)]
#[template(path = "desk/plans.html")]
struct Plans {
    frame: Frame,
    waits: Vec<Waits>,
    /// Plans that nobody opened in time.
    missed: String,
    id: String,
    seconds: Seconds,
    enterprise: String,
    scope: String,
    refusal: String,
}

fn folder(desk: &Desk) -> PathBuf {
    desk.app.keystore.folder().join("plans")
}

/// The file in which the plan of an inspection lies.
fn file_name(stream: &StreamId) -> String {
    format!("{}.age", stream.id)
}

fn identity(desk: &Desk) -> Result<Identity, Problem> {
    let key = desk.session.key.as_deref().ok_or(ApiRefusal::KeyElsewhere)?;
    Ok(officer_identity(key, desk.app.office.ledger().origin()))
}

/// On the disk before the commitment is in the log.
fn keep(folder: &Path, stream: &StreamId, sealed: &[u8]) -> io::Result<()> {
    make_private_folder(folder).map_err(io::Error::other)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(folder.join(file_name(stream)))?;
    file.write_all(sealed)?;
    file.sync_all()?;
    fs::File::open(folder)?.sync_all()
}

/// A plan that its maker kept and that opens with their key.
fn kept(path: &Path, identity: &Identity) -> Option<Plan> {
    let plan = seal::open(&fs::read(path).ok()?, identity).ok()?;
    serde_json::from_slice(&plan).ok()
}

/// The streams whose plans lie in the folder.
fn streams(folder: &Path) -> Result<Vec<StreamId>, Problem> {
    let files = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files.map_err(|error| unreadable(&error))?,
    };
    let mut streams = Vec::new();
    for file in files {
        let name = file.map_err(|error| unreadable(&error))?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".age")).and_then(|id| id.parse().ok());
        streams.extend(id.map(|id| StreamId::new(StreamKind::Inspection, id)));
    }
    Ok(streams)
}

/// An inspection as it stands in the log.
fn inspection(desk: &Desk, stream: &StreamId) -> Result<State, Problem> {
    let mut state = State::default();
    for fact in desk.app.office.ledger().stream(stream).map_err(|error| unreadable(&error))? {
        if let Event::Inspection(event) = &fact.event {
            state = InspectionDecider::evolve(state, event, &fact.recorded());
        }
    }
    Ok(state)
}

/// The plans that this inspector sealed and whose visit is not on record, the newest first; and how many were not opened in time.
fn sealed(desk: &Desk) -> Result<(Vec<Waits>, usize), Problem> {
    let (identity, folder) = (identity(desk)?, folder(desk));
    let today = desk.app.office.ledger().now().day();
    let (mut found, mut missed) = (Vec::new(), 0);
    for stream in streams(&folder)? {
        let Some(plan) = kept(&folder.join(file_name(&stream)), &identity) else { continue };
        let state = inspection(desk, &stream)?;
        let (Status::Sealed, Some(sealed_on)) = (state.status, state.sealed_on) else { continue };
        let until = open_by(sealed_on);
        if !state.opened && until < today {
            missed += 1;
            continue;
        }
        found.push((state.sealed_at, waits(desk, &stream, &plan, (sealed_on, state.opened), today)));
    }
    found.sort_by_key(|(sealed_at, _)| std::cmp::Reverse(*sealed_at));
    Ok((found.into_iter().map(|(_, waits)| waits).collect(), missed))
}

fn waits(desk: &Desk, stream: &StreamId, plan: &Plan, (sealed_on, opened): (Day, bool), today: Day) -> Waits {
    let named = plan.enterprise.map(|enterprise| people::enterprise(&desk.app, &enterprise));
    let mut pairs = vec![("salt", plan.salt.clone()), ("scope", plan.scope.clone())];
    pairs.extend(plan.enterprise.map(|enterprise| ("enterprise", enterprise.to_string())));
    let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
    let enterprise = plan.enterprise.map(|enterprise| enterprise.to_string());
    let until = open_by(sealed_on);
    let open_at = format!("/desk/do/inspection.open?stream={stream}&{query}&back=%2Fdesk%2Fplans");
    let perform_at =
        |enterprise| format!("/desk/do/inspection.perform?stream={stream}&enterprise={enterprise}");
    Waits {
        name: format!("{} · {}", named.as_deref().unwrap_or(desk.w.t("plans.nobody")), plan.scope),
        sealed_on: sealed_on.to_string(),
        open_by: if opened { String::new() } else { until.to_string() },
        urgency: urgency(Some(until.days_since(today))),
        open_at: if opened { String::new() } else { open_at },
        // A visit follows the plan that was opened for it.
        perform_at: enterprise.filter(|_| opened).map(perform_at).unwrap_or_default(),
    }
}

fn page(desk: &Desk, typed: &Typed, refusal: String, recorded: Option<Position>) -> Result<Plans, Problem> {
    if !desk.reader.roles.contains(&Role::Inspector) {
        return Err(ApiRefusal::Forbidden.into());
    }
    let id = if typed.id.is_empty() {
        Id::random().map_err(|error| unreadable(&error))?.to_string()
    } else {
        typed.id.clone()
    };
    let (waits, missed) = sealed(desk)?;
    Ok(Plans {
        waits,
        missed: if missed == 0 {
            String::new()
        } else {
            desk.w.fill("plans.missed", &[("n", &missed.to_string())])
        },
        id,
        seconds: Seconds {
            who: seconds(desk, Role::Inspector),
            chosen: typed.second.clone(),
            required: true,
        },
        enterprise: typed.enterprise.clone(),
        scope: typed.scope.clone(),
        refusal,
        frame: Frame::of(desk).after(recorded),
    })
}

/// Plans of inspections
///
/// 检查计划：密封、到场公开。
#[utoipa::path(get, path = "/desk/plans", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden")))]
pub(crate) async fn show(desk: Desk, RawQuery(query): RawQuery) -> Shown {
    let recorded = just_recorded(query.as_deref());
    render(&blocking(move || page(&desk, &Typed::default(), String::new(), recorded)).await?)
}

/// What two inspectors plan for today.
#[derive(Default, Deserialize)]
pub(crate) struct Typed {
    #[serde(rename = "_id", default)]
    id: String,
    #[serde(default)]
    enterprise: String,
    #[serde(default)]
    scope: String,
    #[serde(rename = "_second", default)]
    second: String,
    #[serde(rename = "_password", default)]
    password: Zeroizing<String>,
    #[serde(rename = "_code", default)]
    code: String,
}

/// Seal a plan
///
/// 密封检查计划：台账只记承诺值。
#[utoipa::path(post, path = "/desk/plans", tag = "desk",
    responses((status = 303, description = "Sealed, or waits for a second signature"),
        (status = 422, description = "A rule refused it; nothing was written")))]
pub(crate) async fn seal_plan(desk: Desk, Form(typed): Form<Typed>) -> Shown {
    let password = typed.password.clone();
    match carry(&desk, &typed, password).await {
        Ok(Outcome::Recorded(answer)) => {
            let position = answer.positions.first().map(ToString::to_string).unwrap_or_default();
            let place = stream_address(&answer.stream.to_string());
            Ok(Redirect::to(&format!("{place}?recorded={position}")).into_response())
        }
        Ok(Outcome::Waits(..)) => Ok(Redirect::to("/desk/waiting").into_response()),
        Err(problem) if problem.status.is_server_error() => Err(problem.into()),
        Err(problem) => {
            let (status, refusal) = (problem.status, desk.w.refusal(&problem.refusal));
            let mut response = render(&blocking(move || page(&desk, &typed, refusal, None)).await?)?;
            *response.status_mut() = status;
            Ok(response)
        }
    }
}

fn is_there(desk: &Desk, stream: &StreamId) -> Result<bool, Problem> {
    let facts = desk.app.office.ledger().stream(stream).map_err(|error| unreadable(&error))?;
    Ok(!facts.is_empty())
}

async fn carry(desk: &Desk, typed: &Typed, password: Zeroizing<String>) -> Result<Outcome, Problem> {
    if !desk.reader.roles.contains(&Role::Inspector) {
        return Err(ApiRefusal::Forbidden.into());
    }
    let id: CommandId = typed.id.parse().map_err(|_| ApiRefusal::BadRequest)?;
    let enterprise = enterprise_named(desk, &typed.enterprise)?;
    let scope = if enterprise.is_none() && typed.scope.trim().is_empty() { "-" } else { typed.scope.trim() };
    let scope: Short =
        Text::new(scope).map_err(|_| Problem::from(ApiRefusal::WrongValue).with("field", "scope"))?;
    let ledger = desk.app.office.ledger();
    // The id of the command names the stream, so that a double tap is one plan.
    let stream = StreamId::new(StreamKind::Inspection, id.0);
    let path = folder(desk).join(file_name(&stream));
    let identity = identity(desk)?;
    let plan = match kept(&path, &identity) {
        Some(plan) if plan.enterprise == enterprise && plan.scope == scope.as_str() => plan,
        // The id of another's plan, or of one that stands in the log: its file stays as it is.
        other if (other.is_none() && path.exists()) || is_there(desk, &stream)? => {
            return Err(ApiRefusal::Conflict.into());
        }
        _ => {
            let salt = Id::random().map_err(|error| unreadable(&error))?.to_string();
            let plan = Plan { v: 1, salt, enterprise, scope: scope.to_string() };
            let text = Zeroizing::new(serde_json::to_vec(&plan).map_err(|error| unreadable(&error))?);
            let sealed = seal::seal(&text, [identity.recipient().as_str()], Kind::Text);
            let sealed = sealed.map_err(|error| unreadable(&error))?;
            keep(&folder(desk), &stream, &sealed).map_err(|error| {
                tracing::error!(%error, "a plan could not be kept");
                ApiRefusal::NotWritten
            })?;
            plan
        }
    };
    let commitment = commitment(&plan.salt, plan.enterprise.as_ref(), &plan.scope, ledger.now().day());
    let command = Command::Inspection(InspectionCommand::Seal(Seal { commitment }));
    let request = Request { id, stream: Some(stream), command };
    let another = Another { second: &typed.second, password, code: typed.code.clone() };
    let beside = beside(desk, another).await?;
    carry_out(&desk.app, request, &desk.session, &desk.reader, beside).await
}
