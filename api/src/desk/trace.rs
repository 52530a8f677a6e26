//! The trace of a hazard for an inquiry: how long it was there, who inspected meanwhile and did not find it, who knew, who signed, and
//! what was not in time; as of any day.

use std::collections::BTreeMap;

use adit_core::id::{ActorId, Id, StreamId, StreamKind};
use adit_core::units::{Day, Position};
use adit_projections::Filter;
use askama::Template;
use axum::extract::{Path, RawQuery};
use serde_json::Value;

use super::chart::{Lane, Mark, Span, lanes};
use super::frame::{Desk, Frame, Shown, not_found, parameter, render, stream_address};
use super::people;
use super::stream::heading;
use super::told::option;
use crate::handlers::blocking;
use crate::handlers::queries::{Asked, page as rows_of};
use crate::problem::{ApiRefusal, Problem};

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

#[derive(Template)]
#[template(path = "desk/trace.html")]
struct Trace {
    frame: Frame,
    heading: String,
    hazard: String,
    hazard_at: String,
    path: String,
    as_of: String,
    svg: String,
    reasons: Vec<String>,
    visits: Vec<Visit>,
    late: Vec<Late>,
    notices: Vec<Notice>,
    signers: Vec<Signer>,
    entries: Vec<Entry>,
}

/// The trace of a hazard
///
/// 倒查追溯：隐患存续期间的检查、告知、逾期和签署；可查过去任何一日。
#[utoipa::path(get, path = "/desk/trace/{id}", tag = "desk", params(("id" = String, Path), ("as_of" = Option<String>, Query)),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found")))]
pub(crate) async fn show(desk: Desk, Path(id): Path<String>, RawQuery(query): RawQuery) -> Shown {
    let id: Id = id.parse().map_err(|_| not_found())?;
    let as_of = parameter(query.as_deref(), "as_of").filter(|day| !day.is_empty());
    let turn = desk.app.turn(as_of.as_deref()).await?;
    let shown = blocking(move || {
        let shown = page(&desk, StreamId::new(StreamKind::Hazard, id), as_of);
        drop(turn);
        shown
    });
    render(&shown.await?)
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

fn page(desk: &Desk, hazard: StreamId, as_of: Option<String>) -> Result<Trace, Problem> {
    let w = desk.w;
    let asker = desk.reader.asker("accountability").ok_or(ApiRefusal::Forbidden)?;
    let filter = Filter { stream: Some(hazard), ..Filter::default() };
    let asked = Asked { filter, as_of: as_of.clone(), ..Asked::default() };
    let row = rows_of(&desk.app, asker, "accountability", &asked)?.rows.into_iter().next();
    let row = row.ok_or(ApiRefusal::NotFound)?;
    let trace = row.get("trace").cloned().unwrap_or_default();
    let until = as_of
        .as_deref()
        .and_then(|day| day.parse().ok())
        .unwrap_or_else(|| desk.app.office.ledger().now().day());
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
        path: format!("/desk/trace/{}", hazard.id),
        as_of: as_of.unwrap_or_default(),
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
