//! Giving a command: its form, what does not fit, and what became of it.

use std::sync::Arc;

use adit_core::attachment::Attachment;
use adit_core::command::{Command, Request};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::vkey::SigningKey;
use adit_core::refusal::Refusal;
use adit_core::role::Role;
use adit_core::rules::criteria;
use adit_core::rules::place::NATIONAL;
use adit_core::units::Position;
use adit_projections::Filter;
use askama::Template;
use axum::extract::{self, Path, RawQuery};
use axum::response::{IntoResponse, Redirect, Response};
use zeroize::Zeroizing;

use super::files::{self, FileShown};
use super::form::{self, Faults, Field, Typed, Widget};
use super::frame::{Desk, Frame, Shown, Trouble, not_found, parameter, render, stream_address};
use super::inside::own_hazards;
use super::lawful::{self, Second, Standing, standing};
use super::meanwhile::{self, Meanwhile};
use super::people;
use super::sent::{FILES, Sent};
use super::sign_in::with_cookie;
use super::words::Words;
use crate::handlers::blocking;
use crate::handlers::commands::{Beside, Outcome, carry_out};
use crate::handlers::sign_in::unlock;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::web::{DRAFT, Script, with_scripts};

/// One field as it is shown.
pub(crate) struct Shows {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) hint: String,
    /// `line`, `text`, `day`, `money`, `count`, `yes_no`, `choice`, `many`, `files`, `criterion`, `enterprise`, `id`.
    pub(crate) widget: &'static str,
    pub(crate) required: bool,
    pub(crate) value: String,
    /// Names and words of a choice.
    pub(crate) options: Vec<(String, String)>,
    /// What does not fit.
    pub(crate) fault: String,
    /// What is shown where it is not for typing, because it comes from the page before.
    pub(crate) fixed: String,
}

/// Officers of whom one signs, too.
pub(crate) struct Seconds {
    /// By id and post.
    pub(crate) who: Vec<(String, String)>,
    pub(crate) chosen: String,
    pub(crate) required: bool,
}

#[derive(Template)]
#[template(path = "desk/act.html")]
struct Act {
    frame: Frame,
    kind: String,
    title: String,
    says: String,
    about: String,
    back: String,
    id: String,
    stream: String,
    fields: Vec<Shows>,
    takes_files: bool,
    /// Whoever gives it knows of reports, whose files belong into no other stream.
    knows_reports: bool,
    /// What keeps a draft on the device, and whose and of what it is.
    script: Option<&'static Script>,
    draft: String,
    /// Files that were sent before.
    kept: Vec<FileShown>,
    criteria: Vec<(String, String)>,
    /// Names of enterprises, to choose from while one types.
    enterprises: Vec<String>,
    /// Enterprises that may be meant by the name that was typed.
    meant: Vec<(String, String)>,
    seconds: Seconds,
    refusal: String,
    rule: String,
    lawful: bool,
    /// The newest entry of the stream that this form knows.
    seen: String,
    /// What others recorded since the form was opened.
    meanwhile: Vec<Meanwhile>,
}

/// What belongs to no field of the command.
const OWN: [&str; 7] = ["_id", "_stream", "_second", "_password", "_code", "_back", "_seen"];

fn widget_name(field: &Field) -> &'static str {
    match (field.own_name(), &field.widget) {
        ("criterion", _) => return "criterion",
        ("enterprise", Widget::Stream) => return "enterprise",
        _ => {}
    }
    match field.widget {
        Widget::Line(_) => "line",
        Widget::Text(_) => "text",
        Widget::Day => "day",
        Widget::Money => "money",
        Widget::Count => "count",
        Widget::YesNo => "yes_no",
        Widget::Choice(_) => "choice",
        Widget::Many(_) => "many",
        Widget::Files => "files",
        Widget::Stream | Widget::Id | Widget::Key => "id",
    }
}

/// The words of a field: those of this command first, then those of all.
fn field_words(w: Words, head: &str, kind: &str, field: &Field) -> Option<&'static str> {
    let kind = kind.replace('.', "_");
    let name = field.own_name();
    w.find(&format!("{head}.{kind}_{name}")).or_else(|| w.find(&format!("{head}.{name}")))
}

fn shows(desk: &Desk, draft: &Draft, field: &Field) -> Shows {
    let (w, kind) = (desk.w, draft.kind.as_str());
    let names: &[String] = if let Widget::Choice(names) = &field.widget { names } else { &[] };
    let option = |name: &String| {
        let own = w
            .find(&format!("option.{}_{name}", field.own_name()))
            .or_else(|| w.find(&format!("option.{name}")));
        (name.clone(), own.map_or_else(|| w.label(name), str::to_owned))
    };
    let chosen = choices(desk, draft, field);
    let value = draft.typed.get(&field.name).cloned().unwrap_or_default();
    let named = draft.fixed.contains(&field.name.as_str());
    let fixed = match value.parse::<StreamId>() {
        Ok(stream) if named => super::stream::heading(desk, &stream),
        _ if named => super::told::option(w, field.own_name(), &value),
        _ => String::new(),
    };
    Shows {
        name: field.name.clone(),
        label: field_words(w, "field", kind, field).map_or_else(|| w.label(field.own_name()), str::to_owned),
        hint: if field.widget == Widget::Files {
            files::limits(w, &desk.app.intake.limits)
        } else {
            field_words(w, "hint", kind, field).unwrap_or_default().to_owned()
        },
        widget: if chosen.is_some() { "choice" } else { widget_name(field) },
        required: field.required,
        options: chosen.unwrap_or_else(|| names.iter().map(option).collect()),
        fault: match (&field.widget, &draft.file_fault) {
            (Widget::Files, Some(problem)) => w.refusal(&problem.refusal),
            _ => draft.faults.get(&field.name).map(|fault| w.t(fault).to_owned()).unwrap_or_default(),
        },
        value,
        fixed,
    }
}

/// What there is to choose from where a field of its kind is typed elsewhere.
fn choices(desk: &Desk, draft: &Draft, field: &Field) -> Option<Vec<(String, String)>> {
    match (draft.kind.as_str(), field.name.as_str()) {
        // An enterprise knows its own hazards by place and day, and not by id.
        ("concern.take_up", "hazard") => Some(own_hazards(desk)),
        ("hazard.publish", "decision") => {
            let hazard = desk.app.office.hazard(draft.stream?).ok()?;
            let decisions = hazard.unpublished.into_iter().map(|(decision, _)| (decision.clone(), decision));
            Some(decisions.collect()).filter(|decisions: &Vec<_>| !decisions.is_empty())
        }
        _ => None,
    }
}

/// Criteria that an officer can pick: code and text.
fn selectable() -> Vec<(String, String)> {
    let items = criteria::all().iter().filter(|item| item.is_selectable());
    items.map(|item| (item.code.to_owned(), item.text_zh.to_owned())).collect()
}

/// A form, as it stands.
#[derive(Default)]
struct Draft {
    kind: String,
    stream: Option<StreamId>,
    id: String,
    typed: Typed,
    faults: Faults,
    /// Files that were sent, and what was wrong with one.
    files: Vec<Attachment>,
    file_fault: Option<Problem>,
    second: String,
    refused: Option<Problem>,
    /// Fields that come from the page before.
    fixed: Vec<&'static str>,
    back: String,
    meant: Vec<(String, String)>,
    meanwhile: Vec<Meanwhile>,
}

/// Commands that are given where there may be no connection.
const DRAFTED: [&str; 4] =
    ["inspection.perform", "inspection.record_finding", "inspection.nothing_found", "inspection.enforce"];

/// What a draft is about: its stream, or the enterprise of a visit that begins one.
fn about(draft: &Draft) -> String {
    let stream = draft.stream.map(|stream| stream.to_string());
    stream.or_else(|| draft.typed.get("enterprise").cloned()).unwrap_or_default()
}

/// A form, with the scripts that tell what others write, and keep its draft.
fn answered(page: &Act) -> Shown {
    let scripts: Vec<&Script> = std::iter::once(page.frame.script).chain(page.script).collect();
    Ok(with_scripts(render(page)?, &scripts))
}

/// Name of the cookie that tells the page which draft has become an entry; it holds the id of a command.
const WRITTEN: &str = "adit-written";

/// Fields of a command that are filled in by another command alone.
const NEVER_ASKED: [(&str, &str); 1] = [("hazard.report", "inspection")];

/// Enterprises whose names are offered while one types; any other is found by typing it.
const OFFERED_MAX: usize = 200;

/// Enterprises by id and name; those whose names hold some words.
fn enterprises(desk: &Desk, words: Option<&str>) -> Result<Vec<(String, String)>, Problem> {
    let filter = Filter { contains: words.map(str::to_owned), limit: Some(OFFERED_MAX), ..Filter::default() };
    let rows = super::stream::rows(desk, "enterprises", filter)?;
    let text = |row: &serde_json::Value, name: &str| {
        row.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    Ok(rows.iter().map(|row| (text(row, "enterprise"), text(row, "enterprise_name"))).collect())
}

/// The enterprise that a name or an id means; none where nothing is typed.
pub(crate) fn enterprise_named(desk: &Desk, text: &str) -> Result<Option<StreamId>, Problem> {
    let mut typed = Typed::from([("enterprise".to_owned(), text.to_owned())]);
    find_enterprise(desk, &mut typed)?;
    match typed.get("enterprise").map(|text| text.trim()) {
        None | Some("") => Ok(None),
        Some(text) => {
            text.parse().map(Some).map_err(|_| Refusal::new("inspection.unknown_enterprise").into())
        }
    }
}

/// Puts the id of an enterprise in the place of its name; where several may be meant, gives them back to choose from.
fn find_enterprise(desk: &Desk, typed: &mut Typed) -> Result<Vec<(String, String)>, Problem> {
    let Some(name) = typed.get_mut("enterprise") else { return Ok(Vec::new()) };
    let words = name.trim().to_owned();
    if words.is_empty() || words.parse::<StreamId>().is_ok() {
        return Ok(Vec::new());
    }
    let mut found = enterprises(desk, Some(&words))?;
    let exact = found.iter().position(|(_, known)| *known == words);
    match (exact, found.len()) {
        (Some(at), _) => *name = found.swap_remove(at).0,
        (None, 1) => *name = found.swap_remove(0).0,
        (None, _) => return Ok(found),
    }
    Ok(Vec::new())
}

/// Fields that begin with what the ledger knows.
const KNOWN: [&str; 4] = ["key", "old", "report", "year"];

/// Values that a fresh form begins with.
fn beginning(
    desk: &Desk,
    stream: Option<StreamId>,
    fields: &[Field],
    query: Option<&str>,
) -> (Typed, Vec<&'static str>) {
    let mut typed = Typed::new();
    let mut fixed = Vec::new();
    let today = desk.app.office.ledger().now().day().to_string();
    let known = known(desk, stream);
    for field in fields {
        if let Some(value) = parameter(query, &field.name) {
            if matches!(field.widget, Widget::Stream) && value.parse::<StreamId>().is_ok() {
                let name = ["enterprise", "report", "hazard"].into_iter().find(|name| *name == field.name);
                fixed.extend(name);
            }
            typed.insert(field.name.clone(), value);
        } else if let Some(value) = known.get(&field.name).filter(|_| KNOWN.contains(&field.name.as_str())) {
            typed.insert(field.name.clone(), value.clone());
            fixed.extend((field.name == "report").then_some("report"));
        } else if ["found_on", "inspected_on", "day"].contains(&field.name.as_str()) {
            typed.insert(field.name.clone(), today.clone());
        } else if field.name == "place"
            && matches!(field.widget, Widget::Line(_))
            && fields.iter().any(|f| f.name == "accident_grade")
        {
            // The rules of the place whose ledger it is are asked first.
            let place = desk.app.office.rules().place().to_owned();
            typed.insert(field.name.clone(), if place.is_empty() { NATIONAL.to_owned() } else { place });
        } else if field.name == "enterprise"
            && let Some(own) = desk.reader.acts_for
        {
            typed.insert(field.name.clone(), own.to_string());
            fixed.push("enterprise");
        } else if field.name == "origin" && desk.reader.is_enterprise() {
            typed.insert(field.name.clone(), "self_inspection".to_owned());
            fixed.push("origin");
        }
    }
    (typed, fixed)
}

fn page(desk: &Desk, draft: Draft) -> Result<Act, Trouble> {
    let fields = form::fields(&draft.kind).ok_or_else(not_found)?;
    let w = desk.w;
    let mut known = known(desk, draft.stream);
    for name in &draft.fixed {
        known.extend(draft.typed.get(*name).map(|value| ((*name).to_owned(), value.clone())));
    }
    let lawful = standing(desk, draft.stream, &draft.kind, &known);
    let (second, refusal) = match (&lawful, &draft.refused) {
        (Standing::Lawful { second }, None) => (*second, None),
        (Standing::Lawful { second }, Some(problem)) => (*second, Some(problem.refusal.clone())),
        (Standing::Refused(refusal), None) => (None, Some(refusal.clone())),
        (Standing::Refused(_), Some(problem)) => (None, Some(problem.refusal.clone())),
    };
    let of_whom = |Second { role, .. }: Second| {
        let can = lawful::seconds(desk, draft.stream, &draft.kind, &known, role);
        can.into_iter().map(|actor| (actor.to_string(), people::title(&desk.app, actor))).collect()
    };
    let seconds = Seconds {
        who: second.map(of_whom).unwrap_or_default(),
        chosen: draft.second.clone(),
        required: second.is_some_and(|second| second.required),
    };
    let asked =
        fields.iter().filter(|field| !NEVER_ASKED.contains(&(draft.kind.as_str(), field.name.as_str())));
    let shown: Vec<Shows> = asked.map(|field| shows(desk, &draft, field)).collect();
    let asks = |widget: &str| shown.iter().any(|field| field.widget == widget && field.fixed.is_empty());
    let (picks, names) = (asks("criterion"), asks("enterprise"));
    let lang = w.lang();
    let named = format!("{} {} {}", desk.session.actor, draft.kind, about(&draft));
    Ok(Act {
        title: w.command(&draft.kind),
        says: w.find(&format!("hint.{}", draft.kind.replace('.', "_"))).unwrap_or_default().to_owned(),
        about: draft.stream.map(|stream| super::stream::heading(desk, &stream)).unwrap_or_default(),
        back: draft.back,
        id: draft.id,
        stream: draft.stream.map(|stream| stream.to_string()).unwrap_or_default(),
        takes_files: shown.iter().any(|field| field.widget == "files"),
        knows_reports: desk.reader.may_read(StreamKind::Report),
        script: DRAFTED.contains(&draft.kind.as_str()).then(|| &*DRAFT),
        draft: named,
        kept: files::shown("", &draft.files),
        fields: shown,
        enterprises: if names {
            enterprises(desk, None)?.into_iter().map(|(_, name)| name).collect()
        } else {
            Vec::new()
        },
        meant: draft.meant,
        criteria: if picks { selectable() } else { Vec::new() },
        seconds,
        rule: refusal.as_ref().map(|refusal| refusal.words(lang).rule).unwrap_or_default(),
        refusal: refusal.map(|refusal| w.refusal(&refusal)).unwrap_or_default(),
        lawful: matches!(lawful, Standing::Lawful { .. }),
        seen: meanwhile::newest(desk, draft.stream.as_ref())?,
        meanwhile: draft.meanwhile,
        frame: Frame::of(desk),
        kind: draft.kind,
    })
}

/// Officers of whom one can sign as the second, by id and post.
pub(crate) fn seconds(desk: &Desk, role: Role) -> Vec<(String, String)> {
    let others = people::with_role(&desk.app, role).into_iter();
    let others = others.filter(|(actor, _)| *actor != desk.session.actor);
    others.map(|(actor, _)| (actor.to_string(), people::title(&desk.app, actor))).collect()
}

/// Values that are known to fit a stream's next command.
pub(crate) fn known(desk: &Desk, stream: Option<StreamId>) -> Typed {
    let (office, mut known) = (&desk.app.office, Typed::new());
    let ledger = office.ledger();
    let today = ledger.now().day();
    let tomorrow = today.plus_days(1);
    let due = stream.and_then(|stream| super::stream::due(desk, &stream));
    known.insert("until".to_owned(), due.map_or(tomorrow, |due| due.plus_days(1).max(tomorrow)).to_string());
    known.insert("year".to_owned(), today.year().to_string());
    let mut is =
        |name: &str, value: Option<String>| known.extend(value.map(|value| (name.to_owned(), value)));
    is("enterprise", desk.reader.acts_for.map(|own| own.to_string()));
    let Some(stream) = stream else { return known };
    match stream.kind {
        StreamKind::Enterprise => is("enterprise", Some(stream.to_string())),
        StreamKind::Hazard => {
            let unpublished =
                office.hazard(stream).ok().and_then(|hazard| hazard.unpublished.into_iter().next());
            is("decision", unpublished.map(|(decision, _)| decision));
        }
        StreamKind::Reward => {
            let assessed = office.reward(stream).ok().and_then(|reward| reward.assessed);
            is("report", assessed.map(|assessed| assessed.report.to_string()));
        }
        StreamKind::Actor => {
            let (keys, actor) = (ledger.keys(), ActorId(stream.id));
            let key = keys.keys_of(actor, Position(ledger.size())).into_iter().next();
            is("old", key.as_ref().map(ToString::to_string));
            is("key", key.map(|key| key.to_string()));
            // Whoever renews a key types theirs; one that nobody holds says whether it would go.
            let nobodys = SigningKey::generate(&keys.actor_key_name(actor)).ok();
            is("new", nobodys.map(|key| key.vkey().to_string()));
        }
        StreamKind::Report
        | StreamKind::Inspection
        | StreamKind::Concern
        | StreamKind::Rules
        | StreamKind::Ledger
        | StreamKind::Inquiry
        | StreamKind::Access => {}
    }
    known
}

/// Whether this reader gives commands of this kind to this stream at all; what is kept from them is not there.
fn may(desk: &Desk, kind: &str, stream: Option<&StreamId>) -> Result<(), Trouble> {
    let named = kind.split('.').next();
    let of = StreamKind::ALL.into_iter().find(|of| Some(of.name()) == named).ok_or_else(not_found)?;
    if stream.is_some_and(|stream| stream.kind != of) {
        return Err(not_found());
    }
    if let Some(stream) = stream
        && desk.reader.is_kept_from(&desk.app.office, stream)?
    {
        return Err(not_found());
    }
    let may = desk.reader.may_command(&desk.app.office, of, stream).map_err(|error| unreadable(&error))?;
    if may { Ok(()) } else { Err(ApiRefusal::Forbidden.into()) }
}

/// The form of a command
///
/// 命令表单。
#[utoipa::path(get, path = "/desk/do/{command}", tag = "desk", params(("command" = String, Path), ("stream" = Option<String>, Query)),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 404, description = "api.not_found")))]
pub(crate) async fn form(desk: Desk, Path(kind): Path<String>, RawQuery(query): RawQuery) -> Shown {
    let fields = form::fields(&kind).ok_or_else(not_found)?;
    let stream = parameter(query.as_deref(), "stream").map(|text| text.parse::<StreamId>());
    let stream = stream.transpose().map_err(|_| not_found())?;
    let worker = move || {
        Ok((|| {
            may(&desk, &kind, stream.as_ref())?;
            let (typed, fixed) = beginning(&desk, stream, fields, query.as_deref());
            let id = Id::random().map_err(|error| unreadable(&error))?.to_string();
            let back = back(query.as_deref(), stream.as_ref());
            page(&desk, Draft { kind, stream, id, typed, fixed, back, ..Draft::default() })
        })())
    };
    answered(&blocking(worker).await??)
}

/// Where one came from: a page of the workbench.
fn back(query: Option<&str>, stream: Option<&StreamId>) -> String {
    let named = parameter(query, "back").filter(|back| is_own_page(back));
    named
        .or_else(|| stream.map(|stream| stream_address(&stream.to_string())))
        .unwrap_or_else(|| "/desk".to_owned())
}

/// Whether an address is a page of the workbench, so that no link leads astray.
pub(crate) fn is_own_page(address: &str) -> bool {
    let rest = address.strip_prefix("/desk");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        && !address.contains(['\\', '\r', '\n'])
}

/// Give a command
///
/// 提交命令表单。
#[utoipa::path(post, path = "/desk/do/{command}", tag = "desk", params(("command" = String, Path)),
    responses((status = 303, description = "Recorded, or waits for a second signature"),
        (status = 409, description = "Somebody else recorded something meanwhile: the form once more, with what it was"),
        (status = 422, description = "A rule refused it; nothing was written, nothing typed is lost")))]
pub(crate) async fn submit(desk: Desk, Path(kind): Path<String>, request: extract::Request) -> Shown {
    let fields = form::fields(&kind).ok_or_else(not_found)?;
    // Nothing is read of whoever gives no commands of this kind at all.
    may(&desk, &kind, None)?;
    let takes_files = fields.iter().any(|field| field.widget == Widget::Files);
    let Sent { fields: sent, files, fresh, fault, .. } = Sent::read(&desk, request, takes_files).await?;
    let mut typed: Typed = sent.into_iter().collect();
    let mut own = |name: &str| typed.remove(name).unwrap_or_default();
    let [id, stream, second, password, code, back, seen] = OWN.map(&mut own);
    let password = Zeroizing::new(password);
    let stream =
        if stream.is_empty() { None } else { Some(stream.parse::<StreamId>().map_err(|_| not_found())?) };
    let back = Some(back).filter(|back| is_own_page(back)).unwrap_or_else(|| "/desk".to_owned());
    may(&desk, &kind, stream.as_ref())?;
    let command_id: CommandId = id.parse().map_err(|_| ApiRefusal::BadRequest)?;
    if fresh && let Some(before) = before(&desk, command_id, stream, &back)? {
        return Ok(before);
    }
    let meant = find_enterprise(&desk, &mut typed)?;
    let fixed = stays_fixed(&desk, &typed);
    let meanwhile = meanwhile::since(&desk, stream.as_ref(), &seen)?;
    let draft = |typed, faults, refused| Draft {
        kind: kind.clone(),
        stream,
        id: id.clone(),
        fixed: fixed.clone(),
        typed,
        faults,
        files: files.clone(),
        file_fault: None,
        second: second.clone(),
        refused,
        back: back.clone(),
        meant: meant.clone(),
        meanwhile: meanwhile.clone(),
    };
    let mut data = match (form::data(fields, &typed), fault) {
        (Ok(data), None) => data,
        (data, file_fault) => {
            let draft = draft(typed, data.err().unwrap_or_default(), None);
            return again(desk, Draft { file_fault, ..draft }).await;
        }
    };
    // What somebody else recorded meanwhile is shown before anything is signed; what was recorded already is answered again.
    let answered = desk.app.office.ledger().answered(&command_id).map_err(|error| unreadable(&error))?;
    if !meanwhile.is_empty() && answered.is_none() {
        let mut response = again(desk, draft(typed, Faults::new(), None)).await?;
        *response.status_mut() = axum::http::StatusCode::CONFLICT;
        return Ok(response);
    }
    if !files.is_empty() {
        data[FILES] = serde_json::to_value(&files).map_err(|error| unreadable(&error))?;
    }
    let done =
        carry(&desk, &kind, command_id, stream, &data, Another { second: &second, password, code }).await;
    match done {
        Ok(Outcome::Recorded(answer)) => {
            let place = recorded(answer.stream, answer.positions.first(), stream, &back);
            Ok(written(place, &kind, command_id))
        }
        Ok(Outcome::Waits(..)) => {
            Ok(written(Redirect::to("/desk/waiting").into_response(), &kind, command_id))
        }
        Err(problem) if problem.status.is_server_error() => Err(problem.into()),
        Err(problem) => again(desk, draft(typed, Faults::new(), Some(problem))).await,
    }
}

/// Where whoever gave a command goes on, with the notice that it is written.
fn recorded(written: StreamId, first: Option<&Position>, stream: Option<StreamId>, back: &str) -> Response {
    let place = if stream.is_none() { stream_address(&written.to_string()) } else { back.to_owned() };
    let position = first.map(|position| format!("recorded={position}")).unwrap_or_default();
    let join = if place.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{place}{join}{position}")).into_response()
}

/// Tells the page whose draft it was that it needs none any more.
fn written(place: Response, kind: &str, id: CommandId) -> Response {
    if !DRAFTED.contains(&kind) {
        return place;
    }
    with_cookie(place, &format!("{WRITTEN}={id}; Path=/desk/do; SameSite=Strict; Max-Age=604800"))
}

/// What became of the same form when it was sent before: files that come a second time are sealed to other bytes, so the command
/// would not be the same.
fn before(
    desk: &Desk,
    id: CommandId,
    stream: Option<StreamId>,
    back: &str,
) -> Result<Option<Response>, Problem> {
    let ledger = desk.app.office.ledger();
    let answered = ledger.answered(&id).map_err(|error| unreadable(&error))?;
    if let Some(first) = answered.as_ref().and_then(|answered| answered.positions.first()) {
        let stored =
            ledger.stored(*first).map_err(|error| unreadable(&error))?.ok_or(ApiRefusal::Unreadable)?;
        return Ok(Some(recorded(stored.stream, Some(first), stream, back)));
    }
    let waits = desk.app.room.of(desk.session.actor, ledger.now());
    let waits = waits.iter().any(|(_, second)| second.request.id == id && second.first == desk.session.actor);
    Ok(waits.then(|| Redirect::to("/desk/waiting").into_response()))
}

/// What an enterprise can't choose.
fn stays_fixed(desk: &Desk, typed: &Typed) -> Vec<&'static str> {
    let chosen = |name: &str| typed.get(name).is_some_and(|value| value.parse::<StreamId>().is_ok());
    let mut fixed: Vec<&'static str> =
        ["enterprise", "report"].into_iter().filter(|name| chosen(name)).collect();
    fixed.extend(desk.reader.is_enterprise().then_some("origin"));
    fixed
}

/// The form once more, with everything that was typed and what does not fit.
async fn again(desk: Desk, draft: Draft) -> Shown {
    let status =
        draft.refused.as_ref().map_or(axum::http::StatusCode::UNPROCESSABLE_ENTITY, |problem| problem.status);
    let page = blocking(move || Ok(page(&desk, draft))).await??;
    let mut response = answered(&page)?;
    *response.status_mut() = status;
    Ok(response)
}

/// Another officer who signs, too: here, or in a session of their own.
pub(crate) struct Another<'a> {
    pub(crate) second: &'a str,
    pub(crate) password: Zeroizing<String>,
    pub(crate) code: String,
}

/// Who signs besides the session, with the key that their password unlocks where they sign here.
pub(crate) async fn beside(desk: &Desk, another: Another<'_>) -> Result<Beside, Problem> {
    let Another { second, password, code } = another;
    match second.parse::<ActorId>() {
        Err(_) => Ok(Beside::Nobody),
        Ok(second) if password.is_empty() => Ok(Beside::Elsewhere(second)),
        Ok(second) if second == desk.session.actor => Err(ApiRefusal::CoSignerIsSelf.into()),
        Ok(second) => Ok(Beside::Here(Arc::new(unlock(&desk.app, second, password, code).await?))),
    }
}

async fn carry(
    desk: &Desk,
    kind: &str,
    id: CommandId,
    stream: Option<StreamId>,
    data: &serde_json::Value,
    another: Another<'_>,
) -> Result<Outcome, Problem> {
    let raw = serde_json::value::to_raw_value(data).map_err(|error| unreadable(&error))?;
    let command = Command::parse(kind, &raw).map_err(|_| ApiRefusal::WrongValue)?;
    let beside = beside(desk, another).await?;
    carry_out(&desk.app, Request { id, stream, command }, &desk.session, &desk.reader, beside).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_back_to_a_page_of_the_workbench_and_nowhere_else() {
        for own in ["/desk", "/desk/tables/register?status=closed", "/desk?lang=en"] {
            assert!(is_own_page(own), "{own}");
        }
        for other in
            ["", "/", "//evil.example", "/deskx", "https://evil.example/desk", "/desk\\..", "/desk\r\nX: y"]
        {
            assert!(!is_own_page(other), "{other}");
        }
    }
}
