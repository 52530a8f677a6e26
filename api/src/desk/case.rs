//! The case file of a report: what is sealed is opened by the officer's own key, recorded first; what is written to the reporter is
//! sealed before it is kept.

use adit_core::command::{Command, Request};
use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::report::{
    Answer, Holds, Message, READERS, ReportCommand, ReportEvent, Sealed, SealedFile, Testimony, sealed_in,
};
use adit_core::secret::officer_identity;
use adit_core::text::{Short, Text};
use askama::Template;
use axum::extract::{Form, Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use super::frame::{Desk, Frame, Shown, not_found, parameter, render, stream_address};
use super::meanwhile::{self, Meanwhile};
use super::people;
use super::stream::heading;
use super::words::Words;
use crate::handlers::blocking;
use crate::handlers::commands::{Beside, Outcome, carry_out};
use crate::handlers::sealed::{attachment, opened, report_of, sealed};
use crate::problem::{ApiRefusal, Problem, unreadable};

/// A sealed file that this officer can open.
pub(crate) struct Openable {
    pub(crate) blob: String,
    pub(crate) what: &'static str,
    pub(crate) size: u64,
    pub(crate) at: String,
}

/// The sealed files of a report that are sealed to this officer, the first on top.
pub(crate) fn openable(desk: &Desk, stream: &StreamId) -> Result<Vec<Openable>, Problem> {
    let ledger = desk.app.office.ledger();
    let Some(key) = desk.session.key.as_deref().filter(|_| stream.kind == StreamKind::Report) else {
        return Ok(Vec::new());
    };
    let own = officer_identity(key, ledger.origin()).recipient();
    let facts = ledger.stream(stream).map_err(|error| unreadable(&error))?;
    let openable = |one: &SealedFile<'_>| {
        let (blob, at) = (one.sealed_to(&own)?, one.fact.at.local());
        Some(Openable { blob: blob.blob.to_string(), what: what(desk.w, one), size: blob.size, at })
    };
    Ok(sealed_in(&facts).iter().filter_map(openable).collect())
}

/// With whom a report was shared, and whether this officer would have to ask for it: they verify or handle, and read nothing of it.
pub(crate) fn shared(desk: &Desk, stream: &StreamId, open: &[Openable]) -> Result<(String, bool), Problem> {
    if stream.kind != StreamKind::Report {
        return Ok((String::new(), false));
    }
    let state = desk.app.office.report(*stream)?;
    let with: Vec<String> = state.shared_with.iter().map(|actor| people::title(&desk.app, *actor)).collect();
    let works = desk.session.key.is_some() && desk.reader.roles.iter().any(|role| READERS.contains(role));
    Ok((with.join(desk.w.t("base.and")), works && open.is_empty() && !state.sealed.is_empty()))
}

/// What a sealed file is called.
pub(super) fn what(w: Words, one: &SealedFile<'_>) -> &'static str {
    match (one.holds, one.event) {
        (Holds::Testimony, _) => w.t("case.testimony"),
        (Holds::File, _) => w.t("case.file"),
        (Holds::Message, ReportEvent::Answered(_)) => w.t("case.answer"),
        (Holds::Message, ReportEvent::Disputed(_)) => w.t("case.dispute"),
        (Holds::Message, ReportEvent::RetaliationAlleged(_)) => w.t("case.retaliation"),
        (Holds::Message, _) => w.t("case.message"),
    }
}

/// One thing that a testimony says.
struct Answered {
    label: &'static str,
    text: String,
}

struct File {
    name: String,
    kind: String,
    size: u64,
    sha256: String,
    cleaned: bool,
    blob: String,
}

#[derive(Template)]
#[template(path = "desk/opened.html")]
struct OpenedPage {
    frame: Frame,
    heading: String,
    report: String,
    back: String,
    words: String,
    said: Vec<Answered>,
    files: Vec<File>,
}

impl Drop for OpenedPage {
    fn drop(&mut self) {
        self.words.zeroize();
    }
}

#[derive(Deserialize)]
pub(crate) struct ToOpen {
    blob: String,
}

/// Open what is sealed in a report
///
/// 拆阅：先在台账记录查阅，再给出内容。
#[utoipa::path(post, path = "/desk/reports/{id}/open", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, description = "HTML, or the bytes of a file"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden, api.not_sealed_to_you"), (status = 404, description = "api.not_found")))]
pub(crate) async fn open(desk: Desk, Path(id): Path<String>, Form(asked): Form<ToOpen>) -> Shown {
    let hash: Short = Text::new(&asked.blob).map_err(|_| ApiRefusal::NoSuchBlob)?;
    let worker = move || {
        let report = report_of(&desk.app, &desk.reader, &id)?;
        let opened = opened(&desk.app, &desk.session, &desk.reader, report, &hash)?;
        let recorded = opened.recorded.positions.first().copied();
        let page = match opened.holds {
            Holds::Testimony => {
                serde_json::from_slice::<Testimony>(&opened.content).ok().map(|t| testimony(&desk, t))
            }
            Holds::Message => serde_json::from_slice::<Message>(&opened.content)
                .ok()
                .map(|m| (m.words, Vec::new(), m.files)),
            Holds::File => None,
        };
        // What is not of the form that it should have is handed over as it is, to be saved and never shown.
        let Some((words, said, files)) = page else { return Ok(Err(attachment(&hash, &opened.content))) };
        let files = files.into_iter().map(|note| File {
            name: note.name,
            kind: note.kind,
            size: note.size,
            sha256: note.sha256,
            cleaned: note.cleaned,
            blob: note.blob,
        });
        Ok(Ok(OpenedPage {
            heading: heading(&desk, &report),
            back: stream_address(&report.to_string()),
            report: report.id.to_string(),
            words,
            said,
            files: files.collect(),
            frame: Frame::of(&desk).after(recorded),
        }))
    };
    match blocking(worker).await? {
        Ok(page) => render(&page),
        Err(file) => Ok(file),
    }
}

fn testimony(desk: &Desk, testimony: Testimony) -> (String, Vec<Answered>, Vec<adit_core::report::FileNote>) {
    let w = desk.w;
    let kinds: Vec<String> = testimony.kinds.iter().map(|kind| w.0.t(&format!("kind.{kind}"))).collect();
    let mut said = Vec::new();
    for (label, text) in [
        (w.t("case.enterprise"), testimony.enterprise),
        (w.t("case.place"), testimony.place),
        (w.t("case.kinds"), kinds.join(w.t("base.and"))),
        (w.t("case.not_to"), testimony.not_to),
        (w.t("case.contact"), testimony.contact),
    ] {
        if !text.is_empty() {
            said.push(Answered { label, text });
        }
    }
    (testimony.words, said, testimony.files)
}

/// What is written to the reporter.
#[derive(Deserialize)]
pub(crate) struct Letter {
    _id: String,
    command: String,
    words: Zeroizing<String>,
    #[serde(default)]
    _seen: String,
}

#[derive(Template)]
#[template(path = "desk/write.html")]
struct Write {
    frame: Frame,
    title: String,
    heading: String,
    report: String,
    /// The report, as streams are named.
    stream: String,
    back: String,
    id: String,
    command: String,
    words: String,
    templates: Vec<(&'static str, &'static str)>,
    refusal: String,
    /// The newest entry that this form knows.
    seen: String,
    /// What others recorded since the form was opened.
    meanwhile: Vec<Meanwhile>,
}

/// Commands that carry what is written.
const WRITTEN: [&str; 2] = ["report.message", "report.answer"];

/// The page of a command that carries what is sealed.
pub(crate) fn page_of(command: &str, report: &StreamId) -> Option<String> {
    let (id, written) = (report.id, WRITTEN.contains(&command));
    written
        .then(|| format!("/desk/reports/{id}/write?command={command}"))
        .or_else(|| (command == "report.share").then(|| format!("/desk/reports/{id}/share")))
}

/// A letter as it stands, and what was said to it.
#[derive(Default)]
struct Draft {
    command: String,
    id: String,
    words: String,
    refusal: String,
    meanwhile: Vec<Meanwhile>,
}

fn write_page(desk: &Desk, report: StreamId, draft: Draft) -> Result<Write, Problem> {
    let w = desk.w;
    let names = ["ask_place", "ask_photo", "accepted", "handled", "not_found", "reward"];
    let template =
        |name: &str| Some((w.find(&format!("letter.{name}"))?, w.find(&format!("letter.{name}_text"))?));
    Ok(Write {
        title: w.command(&draft.command),
        heading: heading(desk, &report),
        report: report.id.to_string(),
        stream: report.to_string(),
        back: stream_address(&report.to_string()),
        id: draft.id,
        command: draft.command,
        words: draft.words,
        templates: names.into_iter().filter_map(template).collect(),
        refusal: draft.refusal,
        seen: meanwhile::newest(desk, Some(&report))?,
        meanwhile: draft.meanwhile,
        frame: Frame::of(desk),
    })
}

/// Write to the reporter
///
/// 给举报人写信：留言或答复，密封后保存。
#[utoipa::path(get, path = "/desk/reports/{id}/write", tag = "desk", params(("id" = String, Path), ("command" = String, Query)),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 404, description = "api.not_found")))]
pub(crate) async fn form(desk: Desk, Path(id): Path<String>, RawQuery(query): RawQuery) -> Shown {
    let command =
        parameter(query.as_deref(), "command").filter(|command| WRITTEN.contains(&command.as_str()));
    let command = command.ok_or_else(not_found)?;
    let worker = move || {
        let report = writable(&desk, &id)?;
        let fresh = Id::random().map_err(|error| unreadable(&error))?.to_string();
        write_page(&desk, report, Draft { command, id: fresh, ..Draft::default() })
    };
    render(&blocking(worker).await?)
}

/// A report to whose reporter this officer may write.
fn writable(desk: &Desk, id: &str) -> Result<StreamId, Problem> {
    let report = report_of(&desk.app, &desk.reader, id)?;
    let may = desk.reader.may_command(&desk.app.office, StreamKind::Report, Some(&report));
    let there = desk.app.office.report(report)?.status != adit_core::report::Status::Absent;
    match (may.map_err(|error| unreadable(&error))?, there) {
        (true, true) => Ok(report),
        (true, false) => Err(ApiRefusal::NotFound.into()),
        (false, _) => Err(ApiRefusal::Forbidden.into()),
    }
}

/// Send what was written
///
/// 寄出。
#[utoipa::path(post, path = "/desk/reports/{id}/write", tag = "desk", params(("id" = String, Path)),
    responses((status = 303, description = "Sealed and recorded"),
        (status = 409, description = "Somebody else recorded something meanwhile: the letter once more, with what it was"),
        (status = 422, description = "A rule refused it; nothing was written")))]
pub(crate) async fn send(desk: Desk, Path(id): Path<String>, Form(letter): Form<Letter>) -> Shown {
    let Letter { _id: command_id, command, words, _seen: seen } = letter;
    if !WRITTEN.contains(&command.as_str()) {
        return Err(not_found());
    }
    let parsed: CommandId = command_id.parse().map_err(|_| ApiRefusal::BadRequest)?;
    let ledger = desk.app.office.ledger();
    let report = writable(&desk, &id)?;
    let place = stream_address(&report.to_string());
    // A double tap: what was sealed the first time is what was sent.
    if let Some(before) = ledger.answered(&parsed).map_err(|error| unreadable(&error))? {
        let position = before.positions.first().map(ToString::to_string).unwrap_or_default();
        return Ok(Redirect::to(&format!("{place}?recorded={position}")).into_response());
    }
    let draft = |refusal, meanwhile| Draft {
        command: command.clone(),
        id: command_id.clone(),
        words: words.to_string(),
        refusal,
        meanwhile,
    };
    let meanwhile = meanwhile::since(&desk, Some(&report), &seen)?;
    if !meanwhile.is_empty() {
        let mut response = render(&write_page(&desk, report, draft(String::new(), meanwhile))?)?;
        *response.status_mut() = StatusCode::CONFLICT;
        return Ok(response);
    }
    match deliver(&desk, report, &command, parsed, &words).await {
        Ok(position) => Ok(Redirect::to(&format!("{place}?recorded={position}")).into_response()),
        Err(problem) if problem.status.is_server_error() => Err(problem.into()),
        Err(problem) => {
            let refusal = desk.w.refusal(&problem.refusal);
            let mut response = render(&write_page(&desk, report, draft(refusal, Vec::new()))?)?;
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
    }
}

async fn deliver(
    desk: &Desk,
    report: StreamId,
    command: &str,
    id: CommandId,
    words: &Zeroizing<String>,
) -> Result<String, Problem> {
    let (app, text) = (std::sync::Arc::clone(&desk.app), Zeroizing::new(words.replace("\r\n", "\n")));
    let writer = desk.session.actor;
    let blob = blocking(move || sealed(&app, report, writer, &text)).await?;
    let command = if command == "report.answer" {
        ReportCommand::Answer(Answer { sealed: Some(blob) })
    } else {
        ReportCommand::Message(Sealed { sealed: blob, files: Vec::new() })
    };
    let request = Request { id, stream: Some(report), command: Command::Report(command) };
    match carry_out(&desk.app, request, &desk.session, &desk.reader, Beside::Nobody).await? {
        Outcome::Recorded(answer) => {
            Ok(answer.positions.first().map(ToString::to_string).unwrap_or_default())
        }
        Outcome::Waits(..) => Ok(String::new()),
    }
}
