//! Commands that wait for a second signature: mine to give, and those I asked for.

use adit_core::id::{ActorId, Id};
use askama::Template;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect};
use serde_json::Value;

use super::files::{self, FileShown};
use super::frame::{Desk, Frame, Shown, not_found, render_live, stream_address};
use super::people;
use super::stream::heading;
use super::told::{Said, Told};
use crate::app::App;
use crate::handlers::blocking;
use crate::handlers::commands::sign_second;
use crate::problem::{Problem, unreadable};

struct Waits {
    id: String,
    mine: bool,
    title: String,
    about: String,
    about_at: String,
    from: String,
    other: String,
    since: String,
    said: Vec<Said>,
    files: Vec<FileShown>,
}

#[derive(Template)]
#[template(path = "desk/waiting.html")]
struct Waiting {
    frame: Frame,
    waits: Vec<Waits>,
}

/// What waits for a second signature
///
/// 待签事项。
#[utoipa::path(get, path = "/desk/waiting", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in")))]
pub(crate) async fn show(desk: Desk) -> Shown {
    render_live(&blocking(move || page(&desk)).await?)
}

/// How many commands wait for somebody's signature.
pub(crate) fn to_sign(app: &App, actor: ActorId) -> usize {
    let mine = app.room.of(actor, app.office.ledger().now()).into_iter();
    mine.filter(|(_, waits)| waits.other == actor && !waits.done).count()
}

fn page(desk: &Desk) -> Result<Waiting, Problem> {
    let mut told = Told::new(desk);
    let mut waits = Vec::new();
    for (id, second) in desk.app.room.of(desk.session.actor, desk.app.office.ledger().now()) {
        if second.done {
            continue;
        }
        let command = second.request.command.to_json().map_err(|error| unreadable(&error))?;
        let command: Value = serde_json::from_str(&command).map_err(|error| unreadable(&error))?;
        let kind = command.get("type").and_then(Value::as_str).unwrap_or_default();
        let mut said = Vec::new();
        told.data(command.get("data").unwrap_or(&Value::Null), &mut said);
        waits.push(Waits {
            id: id.to_string(),
            mine: second.other == desk.session.actor,
            title: desk.w.command(kind),
            about: second.request.stream.map(|stream| heading(desk, &stream)).unwrap_or_default(),
            about_at: second
                .request
                .stream
                .map(|stream| stream_address(&stream.to_string()))
                .unwrap_or_default(),
            from: people::title(&desk.app, second.first),
            other: people::title(&desk.app, second.other),
            since: second.since.local(),
            said,
            files: files::shown(&format!("/api/v1/pending/{id}"), second.request.command.attachments()),
        });
    }
    Ok(Waiting { frame: Frame::of(desk), waits })
}

/// Sign as the second officer
///
/// 以第二人身份签署。
#[utoipa::path(post, path = "/desk/waiting/{id}", tag = "desk", params(("id" = String, Path)),
    responses((status = 303, description = "Recorded"), (status = 404, description = "Nothing waits for me"),
        (status = 409, description = "api.first_signed_out or api.conflict")))]
pub(crate) async fn sign(desk: Desk, Path(id): Path<String>) -> Shown {
    let id: Id = id.parse().map_err(|_| not_found())?;
    let Desk { app, session, reader, .. } = desk;
    let answer = sign_second(&app, id, session, &reader).await?;
    let position = answer.positions.first().map(ToString::to_string).unwrap_or_default();
    let place = stream_address(&answer.stream.to_string());
    Ok(Redirect::to(&format!("{place}?recorded={position}")).into_response())
}
