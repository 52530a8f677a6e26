//! Plans of inspections: committed to every working morning without showing them, opened on arrival.
//!
//! The log gets the commitment alone. The plan itself lies beside the keys, sealed to the inspector who made it, so that nobody else reads
//! on the server whom they will visit.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use adit_core::command::{Command, Request};
use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::inspection::{InspectionCommand, Seal, commitment};
use adit_core::ledger::home::make_private_folder;
use adit_core::role::Role;
use adit_core::seal::{self, Identity, Kind};
use adit_core::secret::officer_identity;
use adit_core::text::{Short, Text};
use askama::Template;
use axum::extract::Form;
use axum::response::{IntoResponse, Redirect};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::act::{Another, beside, enterprise_named};
use super::frame::{Desk, Frame, Shown, render, stream_address};
use super::people;
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

/// A plan that is sealed and not open yet.
struct Waits {
    name: String,
    sealed_on: String,
    open_at: String,
    perform_at: String,
}

#[derive(Template)]
#[template(path = "desk/plans.html")]
struct Plans {
    frame: Frame,
    waits: Vec<Waits>,
    id: String,
    seconds: Vec<(String, String)>,
    second: String,
    enterprise: String,
    scope: String,
    refusal: String,
}

fn folder(desk: &Desk) -> PathBuf {
    desk.app.keystore.folder().join("plans")
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
    let mut file = options.open(folder.join(format!("{}.age", stream.id)))?;
    file.write_all(sealed)?;
    file.sync_all()?;
    fs::File::open(folder)?.sync_all()
}

/// The plans that this inspector sealed and that are not open yet, the newest first.
fn sealed(desk: &Desk) -> Result<Vec<Waits>, Problem> {
    let identity = identity(desk)?;
    let filter = adit_projections::Filter::default();
    let mut found = Vec::new();
    for row in super::stream::rows(desk, "inspections", filter)? {
        let text = |name: &str| row.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let Ok(stream) = text("inspection").parse::<StreamId>() else { continue };
        if text("status") != "sealed" {
            continue;
        }
        let kept = fs::read(folder(desk).join(format!("{}.age", stream.id))).ok();
        let plan = kept.and_then(|kept| seal::open(&kept, &identity).ok());
        let Some(plan) = plan.and_then(|plan| serde_json::from_slice::<Plan>(&plan).ok()) else { continue };
        let named = plan.enterprise.map(|enterprise| people::enterprise(&desk.app, &enterprise));
        let mut pairs = vec![("salt", plan.salt.clone()), ("scope", plan.scope.clone())];
        pairs.extend(plan.enterprise.map(|enterprise| ("enterprise", enterprise.to_string())));
        let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
        let enterprise = plan.enterprise.map(|enterprise| enterprise.to_string()).unwrap_or_default();
        found.push(Waits {
            name: format!("{} · {}", named.as_deref().unwrap_or(desk.w.t("plans.nobody")), plan.scope),
            sealed_on: text("sealed_on").to_owned(),
            open_at: format!("/desk/do/inspection.open?stream={stream}&{query}&back=%2Fdesk%2Fplans"),
            perform_at: format!("/desk/do/inspection.perform?stream={stream}&enterprise={enterprise}"),
        });
    }
    found.reverse();
    Ok(found)
}

fn page(desk: &Desk, typed: &Typed, refusal: String) -> Result<Plans, Problem> {
    if !desk.reader.roles.contains(&Role::Inspector) {
        return Err(ApiRefusal::Forbidden.into());
    }
    let id = if typed.id.is_empty() {
        Id::random().map_err(|error| unreadable(&error))?.to_string()
    } else {
        typed.id.clone()
    };
    Ok(Plans {
        waits: sealed(desk)?,
        id,
        seconds: super::act::seconds(desk, Role::Inspector),
        second: typed.second.clone(),
        enterprise: typed.enterprise.clone(),
        scope: typed.scope.clone(),
        refusal,
        frame: Frame::of(desk),
    })
}

/// Plans of inspections
///
/// 检查计划：密封、到场公开。
#[utoipa::path(get, path = "/desk/plans", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden")))]
pub(crate) async fn show(desk: Desk) -> Shown {
    render(&blocking(move || page(&desk, &Typed::default(), String::new())).await?)
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
            let mut response = render(&blocking(move || page(&desk, &typed, refusal)).await?)?;
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
    let path = folder(desk).join(format!("{}.age", stream.id));
    let identity = identity(desk)?;
    let before = fs::read(&path).ok().and_then(|kept| seal::open(&kept, &identity).ok());
    let plan = match before.and_then(|plan| serde_json::from_slice::<Plan>(&plan).ok()) {
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
