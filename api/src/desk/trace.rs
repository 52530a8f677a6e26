//! The trace of a hazard for an inquiry: how long it was there, who inspected meanwhile and did not find it, who knew, who signed, and
//! what was not in time; as of any day.

use std::collections::BTreeMap;
use std::sync::Arc;

use adit_core::command::{Command, Request};
use adit_core::event::Event;
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::inquiry::{AttachTrace, InquiryCommand, InquiryEvent};
use adit_core::ledger::entry::SignedEntry;
use adit_core::role::Role;
use adit_core::text::{Long, Text, TextError};
use adit_core::units::{Day, Position};
use adit_projections::Filter;
use askama::Template;
use axum::extract::{Form, Path, RawQuery};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;
use serde_json::Value;

use super::chart::{Lane, Mark, Span, lanes};
use super::frame::{Desk, Frame, Shown, parameter, render, stream_address};
use super::people;
use super::stream::{heading, rows};
use super::told::option;
use crate::app::App;
use crate::bundle::STREAMS_MAX;
use crate::handlers::blocking;
use crate::handlers::commands::{Beside, Outcome, carry_out};
use crate::handlers::queries::{View, moment};
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::trace_text::TraceText;
use crate::web::{Script, TRACE, with_scripts};

struct Visit {
    day: String,
    at: String,
    by: String,
    what: &'static str,
    class: &'static str,
}

struct Late {
    clock: String,
    due: String,
    stopped: String,
}

struct Signer {
    who: String,
    how: String,
}

struct Entry {
    at: String,
    kind: String,
    by: String,
    position: Position,
}

struct Notice {
    day: String,
    on: String,
    acknowledged: String,
}

/// The days of a hazard's life, through which one moves: by number from the first on.
struct Slider {
    first: String,
    /// The last day, and the one that is shown.
    last: i64,
    at: i64,
    day: String,
    /// It was moved: whoever moves it by keys goes on.
    moved: bool,
}

/// An open inquiry on the hazard, to which the trace can be attached.
struct Open {
    stream: String,
    name: String,
    /// The command that attaches it.
    id: String,
    summary: String,
}

/// A trace that an inquiry attached as of the same entry.
struct Attached {
    name: String,
    at: String,
    same: bool,
}

#[derive(Template)]
#[template(path = "desk/trace.html")]
struct Trace {
    frame: Frame,
    heading: String,
    hazard: String,
    hazard_at: String,
    path: String,
    /// The day that is asked; empty for now, or where an entry is named.
    as_of: String,
    slider: Option<Slider>,
    /// The last entry that it takes in, and the hash of its text.
    last: Position,
    hash: String,
    open: Vec<Open>,
    attached: Vec<Attached>,
    refusal: String,
    /// Whoever reads opens inquiries.
    opens: bool,
    /// The streams of its evidence bundle, and what does not fit into one.
    bundle: Vec<String>,
    left_out: String,
    script: &'static Script,
    svg: String,
    reasons: Vec<String>,
    visits: Vec<Visit>,
    late: Vec<Late>,
    notices: Vec<Notice>,
    signers: Vec<Signer>,
    entries: Vec<Entry>,
}

/// What is asked of a trace besides the hazard.
#[derive(Clone, Default)]
struct Wanted {
    /// A day, or the position of an entry; now where none is named.
    as_of: Option<String>,
    moved: bool,
}

impl Wanted {
    /// A day by its date, or by its number from the first day of the hazard on.
    fn read(desk: &Desk, hazard: &StreamId, query: Option<&str>) -> Result<Self, Problem> {
        let asked = |name| parameter(query, name).filter(|text| !text.is_empty());
        let Some(days) = asked("days") else { return Ok(Self { as_of: asked("as_of"), moved: false }) };
        let days: u32 = days.parse().map_err(|_| ApiRefusal::BadQuery)?;
        let ledger = desk.app.office.ledger();
        let facts = ledger.stream(hazard).map_err(|error| unreadable(&error))?;
        let first = facts.first().ok_or(ApiRefusal::NotFound)?;
        let day = first.day.plus_days(days.into());
        let as_of = (day < ledger.now().day()).then(|| day.to_string());
        Ok(Self { as_of, moved: true })
    }
}

/// The trace of a hazard
///
/// 倒查追溯：隐患存续期间的检查、告知、逾期和签署；可查过去任何一日；附入倒查、制作证据包。
#[utoipa::path(get, path = "/desk/trace/{id}", tag = "desk",
    params(("id" = String, Path), ("as_of" = Option<String>, Query, description = "a day, or the position of an entry"),
        ("days" = Option<u32>, Query, description = "a day by its number from the first of the hazard on")),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 400, description = "api.bad_as_of, api.bad_query"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found")))]
pub(crate) async fn show(desk: Desk, Path(id): Path<String>, RawQuery(query): RawQuery) -> Shown {
    let hazard = of(&id)?;
    let (desk, wanted) = blocking(move || {
        may(&desk)?;
        let wanted = Wanted::read(&desk, &hazard, query.as_deref())?;
        Ok((desk, wanted))
    })
    .await?;
    shown(desk, hazard, wanted, Refused::default()).await
}

async fn shown(desk: Desk, hazard: StreamId, wanted: Wanted, refused: Refused) -> Shown {
    let turn = desk.app.turn(wanted.as_of.as_deref()).await?;
    let shown = blocking(move || {
        let shown = page(&desk, hazard, &wanted, &refused);
        drop(turn);
        shown
    });
    Ok(with_scripts(render(&shown.await?)?, &[&TRACE]))
}

/// Where the trace of a hazard is, now or as of an entry.
pub(super) fn address(hazard: &StreamId, as_of: Option<Position>) -> String {
    let as_of = as_of.map(|as_of| format!("?as_of={as_of}")).unwrap_or_default();
    format!("/desk/trace/{}{as_of}", hazard.id)
}

fn of(id: &str) -> Result<StreamId, Problem> {
    let id: Id = id.parse().map_err(|_| ApiRefusal::NotFound)?;
    Ok(StreamId::new(StreamKind::Hazard, id))
}

fn may(desk: &Desk) -> Result<(), Problem> {
    desk.reader.asker("accountability").map(|_| ()).ok_or_else(|| ApiRefusal::Forbidden.into())
}

/// The read models at the moment that is asked, and the last entry that they take in. As of an entry it is the day of that entry.
fn at<'a>(app: &'a App, as_of: Option<&str>) -> Result<(View<'a>, Position), Problem> {
    let ledger = app.office.ledger();
    let newest = |size: u64| size.checked_sub(1).map(Position).ok_or(ApiRefusal::NotFound);
    let Some(text) = as_of else { return Ok((View::Now(app), newest(ledger.size())?)) };
    let until = moment(app, text)?.0.min(Position(ledger.size()));
    let last = newest(until.0)?;
    if text.parse::<u64>().is_err() {
        return Ok((View::at(app, as_of)?, last));
    }
    let stored = ledger.stored(last).map_err(|error| unreadable(&error))?.ok_or(ApiRefusal::NotFound)?;
    let today = SignedEntry::parse(&stored.entry).map_err(|error| unreadable(&error))?.entry().day;
    if until.0 >= ledger.size() && today == ledger.now().day() {
        return Ok((View::Now(app), last));
    }
    let state = app.past.at(ledger, until).map_err(|error| unreadable(&error))?;
    let rules = app.office.rules_until(until)?;
    Ok((View::Then { state, rules, today }, last))
}

/// The text of a trace
///
/// 倒查文本：所依据的全部条目及其叶哈希；其 BLAKE3 即附入倒查的哈希，任何人持有这些条目即可重算。
#[utoipa::path(get, path = "/desk/trace/{id}/text", tag = "desk",
    params(("id" = String, Path), ("as_of" = u64, Query, description = "the position of the last entry that it takes in")),
    responses((status = 200, description = "Text (adit.trace.v1)", content_type = "text/plain"),
        (status = 303, description = "Not signed in"), (status = 403, description = "api.forbidden"),
        (status = 404, description = "api.not_found")))]
pub(crate) async fn document(desk: Desk, Path(id): Path<String>, RawQuery(query): RawQuery) -> Shown {
    let hazard = of(&id)?;
    may(&desk)?;
    let as_of = parameter(query.as_deref(), "as_of").and_then(|text| text.parse().ok()).map(Position);
    let as_of =
        as_of.filter(|as_of| as_of.0 < desk.app.office.ledger().size()).ok_or(ApiRefusal::NotFound)?;
    let made = blocking(move || TraceText::of(&desk.app, &hazard, as_of)).await?;
    let named = format!("attachment; filename=\"trace-{}-{as_of}.txt\"", hazard.id);
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, named),
    ];
    Ok((headers, made.text).into_response())
}

/// What an investigator attaches to an inquiry.
#[derive(Clone, Deserialize)]
pub(crate) struct Typed {
    #[serde(rename = "_id")]
    id: String,
    inquiry: String,
    /// Position of the last entry that it takes in.
    as_of: String,
    #[serde(default)]
    summary: String,
}

/// What was not attached, and why.
#[derive(Default)]
struct Refused {
    typed: Option<Typed>,
    says: String,
}

/// Attach the trace to an inquiry
///
/// 把截至某一条目的倒查附入倒查事项；哈希由服务器从条目算出。
#[utoipa::path(post, path = "/desk/trace/{id}", tag = "desk", params(("id" = String, Path)),
    request_body(content = String, description = "_id, inquiry, as_of, summary", content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Recorded"), (status = 403, description = "api.forbidden"),
        (status = 404, description = "api.not_found"),
        (status = 422, description = "A rule refused it; nothing was written, nothing typed is lost")))]
pub(crate) async fn attach(desk: Desk, Path(id): Path<String>, Form(typed): Form<Typed>) -> Shown {
    let hazard = of(&id)?;
    may(&desk)?;
    match carry(&desk, hazard, &typed).await {
        Ok(Outcome::Recorded(answer)) => {
            let position = answer.positions.first().map(ToString::to_string).unwrap_or_default();
            let place = stream_address(&answer.stream.to_string());
            Ok(Redirect::to(&format!("{place}?recorded={position}")).into_response())
        }
        Ok(Outcome::Waits(..)) => Ok(Redirect::to("/desk/waiting").into_response()),
        Err(problem) if problem.status.is_server_error() || problem.status == StatusCode::NOT_FOUND => {
            Err(problem.into())
        }
        Err(problem) => {
            let says = desk.w.refusal(&problem.refusal);
            let wanted = Wanted { as_of: Some(typed.as_of.clone()), moved: false };
            let mut response = shown(desk, hazard, wanted, Refused { typed: Some(typed), says }).await?;
            *response.status_mut() = problem.status;
            Ok(response)
        }
    }
}

async fn carry(desk: &Desk, hazard: StreamId, typed: &Typed) -> Result<Outcome, Problem> {
    let id: CommandId = typed.id.parse().map_err(|_| ApiRefusal::BadRequest)?;
    let inquiry: StreamId = typed.inquiry.parse().map_err(|_| ApiRefusal::NotFound)?;
    if inquiry.kind != StreamKind::Inquiry {
        return Err(ApiRefusal::NotFound.into());
    }
    let as_of = typed.as_of.parse().map(Position).map_err(|_| ApiRefusal::NotFound)?;
    if as_of.0 >= desk.app.office.ledger().size() {
        return Err(ApiRefusal::NotFound.into());
    }
    let summary: Long = Text::new(&typed.summary.replace("\r\n", "\n")).map_err(|error| {
        let refusal = match error {
            TextError::Blank => ApiRefusal::MissingField,
            TextError::TooLong(_) | TextError::Hidden => ApiRefusal::WrongValue,
        };
        Problem::from(refusal).with("field", "summary")
    })?;
    if !desk.app.projector.wait_for(as_of).await {
        return Err(ApiRefusal::Stale.into());
    }
    let app = Arc::clone(&desk.app);
    let hash = blocking(move || TraceText::of(&app, &hazard, as_of).map(|made| made.hash())).await?;
    let trace = AttachTrace { hazard, as_of, hash, summary };
    let command = Command::Inquiry(InquiryCommand::AttachTrace(trace));
    let request = Request { id, stream: Some(inquiry), command };
    carry_out(&desk.app, request, &desk.session, &desk.reader, Beside::Nobody).await
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(row: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    row.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn day(row: &Value, name: &str) -> Option<Day> {
    text(row, name).parse().ok()
}

fn actors(desk: &Desk, row: &Value) -> Vec<String> {
    list(row, "by")
        .filter_map(|by| by.as_str()?.parse::<ActorId>().ok())
        .map(|by| people::title(&desk.app, by))
        .collect()
}

fn page(desk: &Desk, hazard: StreamId, wanted: &Wanted, refused: &Refused) -> Result<Trace, Problem> {
    let w = desk.w;
    let asker = desk.reader.asker("accountability").ok_or(ApiRefusal::Forbidden)?;
    let (view, last) = at(&desk.app, wanted.as_of.as_deref())?;
    let filter = Filter { stream: Some(hazard), ..Filter::default() };
    let row = view.page(asker, "accountability", &filter)?.rows.into_iter().next();
    let row = row.ok_or(ApiRefusal::NotFound)?;
    let trace = row.get("trace").cloned().unwrap_or_default();
    let until = view.today();
    let made = TraceText::of(&desk.app, &hazard, last)?;
    let hash = made.hash();
    let on = inquiries(desk, &hazard)?;
    let mut signed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut entries = Vec::new();
    for event in list(&trace, "events") {
        let by = actors(desk, event);
        for who in &by {
            signed.entry(who.clone()).or_default().push(text(event, "day").to_owned());
        }
        entries.push(Entry {
            at: text(event, "day").to_owned(),
            kind: w.kind(text(event, "kind")),
            by: by.join(w.t("base.and")),
            position: Position(event.get("position").and_then(Value::as_u64).unwrap_or_default()),
        });
    }
    let signers = signed.into_iter().map(|(who, days)| {
        let (first, last) =
            (days.first().cloned().unwrap_or_default(), days.last().cloned().unwrap_or_default());
        let many = days.len().to_string();
        Signer { who, how: w.fill("trace.signed", &[("n", &many), ("first", &first), ("last", &last)]) }
    });
    Ok(Trace {
        heading: heading(desk, &hazard),
        hazard: hazard.to_string(),
        hazard_at: stream_address(&hazard.to_string()),
        path: address(&hazard, None),
        as_of: wanted.as_of.clone().filter(|text| text.parse::<Day>().is_ok()).unwrap_or_default(),
        slider: slider(desk, &hazard, until, wanted.moved)?,
        open: open(desk, &on, refused)?,
        attached: attached(&on, &hazard, last, &hash),
        refusal: refused.says.clone(),
        opens: desk.reader.roles.contains(&Role::Investigator),
        bundle: made.streams.iter().take(STREAMS_MAX).map(ToString::to_string).collect(),
        left_out: super::bundle::left_out(w, made.streams.len()),
        script: &TRACE,
        last,
        hash,
        svg: picture(desk, &trace, until),
        reasons: list(&row, "triggers").map(|reason| trigger(desk, reason)).collect(),
        visits: visits(desk, &trace),
        late: late(desk, &trace),
        notices: notices(desk, &trace),
        signers: signers.collect(),
        entries,
        frame: Frame::of(desk),
    })
}

/// An inquiry on the hazard, as it stands now.
struct OnHazard {
    stream: StreamId,
    name: String,
    open: bool,
    traces: Vec<AttachTrace>,
}

fn inquiries(desk: &Desk, hazard: &StreamId) -> Result<Vec<OnHazard>, Problem> {
    let named = desk.app.projector.read(|state| state.trace(hazard, Day::default()).inquiries);
    let mut found = Vec::new();
    for stream in named {
        let facts = desk.app.office.ledger().stream(&stream).map_err(|error| unreadable(&error))?;
        let mut traces = Vec::new();
        let mut open = true;
        for fact in &facts {
            let Event::Inquiry(event) = &fact.event else { continue };
            match event {
                InquiryEvent::TraceAttached(trace) => traces.push(trace.clone()),
                InquiryEvent::Concluded(_) => open = false,
                InquiryEvent::Opened(_)
                | InquiryEvent::FindingRecorded(_)
                | InquiryEvent::ResponsibilityProposed(_) => {}
            }
        }
        let day = facts.first().map(|fact| fact.day.to_string()).unwrap_or_default();
        found.push(OnHazard { stream, name: format!("{} · {day}", heading(desk, &stream)), open, traces });
    }
    Ok(found)
}

/// The inquiries to which an investigator can attach it.
fn open(desk: &Desk, on: &[OnHazard], refused: &Refused) -> Result<Vec<Open>, Problem> {
    if !desk.reader.roles.contains(&Role::Investigator) || desk.session.key.is_none() {
        return Ok(Vec::new());
    }
    let mut open = Vec::new();
    for inquiry in on.iter().filter(|inquiry| inquiry.open) {
        let stream = inquiry.stream.to_string();
        let typed = refused.typed.as_ref().filter(|typed| typed.inquiry == stream);
        let id = match typed {
            Some(typed) => typed.id.clone(),
            None => Id::random().map_err(|error| unreadable(&error))?.to_string(),
        };
        let summary = typed.map(|typed| typed.summary.clone()).unwrap_or_default();
        open.push(Open { stream, name: inquiry.name.clone(), id, summary });
    }
    Ok(open)
}

/// What inquiries attached as of the same entry, and whether it is what the ledger says.
fn attached(on: &[OnHazard], hazard: &StreamId, last: Position, hash: &str) -> Vec<Attached> {
    let of = |inquiry: &OnHazard| {
        let same = inquiry.traces.iter().rev().find(|trace| trace.hazard == *hazard && trace.as_of == last);
        same.map(|trace| Attached {
            name: inquiry.name.clone(),
            at: stream_address(&inquiry.stream.to_string()),
            same: trace.hash == hash,
        })
    };
    on.iter().filter_map(of).collect()
}

/// From the day on which the hazard was written down to today, or to the last day of one that is done with.
fn slider(desk: &Desk, hazard: &StreamId, day: Day, moved: bool) -> Result<Option<Slider>, Problem> {
    let facts = desk.app.office.ledger().stream(hazard).map_err(|error| unreadable(&error))?;
    let (Some(first), Some(newest)) = (facts.first(), facts.last()) else { return Ok(None) };
    let only = Filter { stream: Some(*hazard), limit: Some(1), ..Filter::default() };
    let row = rows(desk, "register", only)?.into_iter().next().unwrap_or_default();
    let done = ["closed", "dismissed", "merged"].contains(&text(&row, "status"));
    let last = if done { newest.day } else { desk.app.office.ledger().now().day() };
    let (last, at) = (last.days_since(first.day), day.days_since(first.day));
    let at = at.clamp(0, last.max(0));
    Ok((last > 0).then(|| Slider {
        first: first.day.to_string(),
        last,
        at,
        day: first.day.plus_days(at).to_string(),
        moved,
    }))
}

fn visits(desk: &Desk, trace: &Value) -> Vec<Visit> {
    let w = desk.w;
    let visit = |visit: &Value| {
        let is = |name: &str| visit.get(name) == Some(&Value::Bool(true));
        let (what, class) = match (is("found_this"), is("before")) {
            (true, _) => (w.t("trace.among"), ""),
            (false, true) => (w.t("trace.before"), "late"),
            (false, false) => (w.t("trace.other"), ""),
        };
        Visit {
            day: text(visit, "performed_on").to_owned(),
            at: stream_address(text(visit, "inspection")),
            by: actors(desk, visit).join(w.t("base.and")),
            what,
            class,
        }
    };
    list(trace, "inspections").map(visit).collect()
}

fn late(desk: &Desk, trace: &Value) -> Vec<Late> {
    let late = |clock: &Value| Late {
        clock: option(desk.w, "clock", text(clock, "clock")),
        due: text(clock, "due").to_owned(),
        stopped: text(clock, "stopped_on").to_owned(),
    };
    list(trace, "not_in_time").map(late).collect()
}

fn notices(desk: &Desk, trace: &Value) -> Vec<Notice> {
    let w = desk.w;
    let notice = |notice: &Value| {
        let served = |who: &&str| notice.get(*who) == Some(&Value::Bool(true));
        let on = ["principal", "controller"].into_iter().filter(served);
        let on: Vec<&str> = on.filter_map(|who| w.find(&format!("field.{who}"))).collect();
        Notice {
            day: text(notice, "served_on").to_owned(),
            on: on.join(w.t("base.and")),
            acknowledged: text(notice, "acknowledged_on").to_owned(),
        }
    };
    list(trace, "notices").map(notice).collect()
}

/// A trigger in words.
fn trigger(desk: &Desk, reason: &Value) -> String {
    let named = reason.get("reason").unwrap_or(reason);
    if named.get("code").is_some() {
        return desk.w.reason(named);
    }
    desk.w.label(named.as_str().or_else(|| named.get("trigger")?.as_str()).unwrap_or_default())
}

/// Beside each other: the days on which it was on the register, the inspections, and what was missed.
fn picture(desk: &Desk, trace: &Value, until: Day) -> String {
    let w = desk.w;
    let mut spans: Vec<Span> = Vec::new();
    let mut open: Option<Day> = None;
    for event in list(trace, "events") {
        let Some(on) = day(event, "day") else { continue };
        match text(event, "kind") {
            "hazard.reported" | "hazard.reopened" => open = open.or(Some(on)),
            "hazard.closed" | "hazard.dismissed" | "hazard.merged" => {
                spans.extend(open.take().map(|from| Span { from, to: on }));
            }
            _ => {}
        }
    }
    spans.extend(open.map(|from| Span { from, to: until.max(from) }));
    let inspected = |found: bool| {
        let wanted = move |visit: &&Value| (visit.get("found_this") == Some(&Value::Bool(true))) == found;
        let days = list(trace, "inspections").filter(wanted).filter_map(|visit| day(visit, "performed_on"));
        days.map(|on| Mark { on }).collect::<Vec<Mark>>()
    };
    let missed = list(trace, "not_in_time").filter_map(|clock| day(clock, "due")).map(|on| Mark { on });
    let lane = |name: &str, spans, marks| Lane { name: name.to_owned(), spans, marks };
    lanes(&[
        lane(w.t("trace.life"), spans, Vec::new()),
        lane(w.t("trace.passed"), Vec::new(), inspected(false)),
        lane(w.t("trace.found"), Vec::new(), inspected(true)),
        lane(w.t("trace.missed"), Vec::new(), missed.collect()),
    ])
}
