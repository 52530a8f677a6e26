//! The page of one hazard, report, enterprise, inspection, inquiry, reward or account: what it is, what happened, what can
//! be done now, and why the rest can not.

use adit_core::attachment::Attachment;
use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Origin};
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::inquiry::InquiryEvent;
use adit_core::inspection::InspectionEvent;
use adit_core::rules::criteria;
use adit_core::units::{Day, Position};
use adit_projections::Filter;
use askama::Template;
use axum::extract::{Path, RawQuery};
use serde_json::Value;

use super::act::known;
use super::case::{Openable, openable, page_of, shared};
use super::files::{self, FileShown};
use super::frame::{Desk, Frame, Shown, just_recorded, not_found, render_live, stream_address};
use super::lawful::{Standing, commands, standing};
use super::people;
use super::told::{Said, Told};
use super::words::{Words, urgency};
use crate::access::{self, withhold};
use crate::bundle::STREAMS_MAX;
use crate::handlers::blocking;
use crate::handlers::queries::{Asked, page as rows_of, shown};
use crate::problem::{Problem, unreadable};
use adit_core::report::case_number;

/// One event.
struct Happened {
    position: Position,
    at: String,
    kind: String,
    by: Vec<String>,
    said: Vec<Said>,
    files: Vec<FileShown>,
}

/// A command that is lawful now, or the reason why it is not.
struct Step {
    text: String,
    href: String,
    why: String,
}

/// How far one of the five is.
struct Element {
    name: String,
    stage: String,
    stages: Vec<Option<Mark>>,
}

struct Mark {
    day: String,
    text: String,
    by: String,
    position: Position,
    /// What was shown for it so far, the newest first.
    files: Vec<FileShown>,
}

/// A deadline.
struct Clock {
    name: String,
    due: String,
    standing: String,
    left: String,
    urgency: &'static str,
}

#[derive(Template)]
#[template(path = "desk/stream.html")]
struct StreamPage {
    frame: Frame,
    heading: String,
    id: String,
    status: String,
    facts: Vec<Said>,
    criterion: String,
    stages: [String; 3],
    five: Vec<Element>,
    /// Files of the finding that opened the hazard, for whoever may read the inspection, and where that is.
    found: Vec<FileShown>,
    found_at: String,
    sealed: Vec<Openable>,
    /// Where what is sealed is opened.
    opens_at: String,
    /// With whom it was shared.
    shared: String,
    /// Nothing is sealed to this officer, who would verify or handle it.
    asks: bool,
    clocks: Vec<Clock>,
    lawful: Vec<Step>,
    refused: Vec<Step>,
    begins: Vec<Step>,
    /// Traces that an inquiry attached.
    traces: Vec<Attached>,
    /// The streams of an inquiry's evidence bundle, and what does not fit into one.
    bundle: Vec<String>,
    left_out: String,
    events: Vec<Happened>,
}

/// A trace that was attached, and where it stands as it was then.
struct Attached {
    name: String,
    href: String,
    as_of: Position,
    summary: String,
}

/// A page of a read model as this reader sees it; none where it is not for them.
pub(crate) fn rows(desk: &Desk, name: &str, filter: Filter) -> Result<Vec<Value>, Problem> {
    let Some(asker) = desk.reader.asker(name) else { return Ok(Vec::new()) };
    rows_of(&desk.app, asker, name, &Asked { filter, ..Asked::default() }).map(|page| page.rows)
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What a stream is called, without what the reader may not know of it.
pub(crate) fn heading(desk: &Desk, stream: &StreamId) -> String {
    let w = desk.w;
    let one = |name: &str| {
        let filter = Filter { stream: Some(*stream), limit: Some(1), ..Filter::default() };
        rows(desk, name, filter).ok().and_then(|rows| rows.into_iter().next()).unwrap_or_default()
    };
    let named = match stream.kind {
        StreamKind::Hazard => {
            let row = one("register");
            return join(text(&row, "enterprise_name"), text(&row, "place"));
        }
        StreamKind::Enterprise => return people::enterprise(&desk.app, stream),
        StreamKind::Inspection => {
            let row = one("inspections");
            let day = ["performed_on", "opened_on", "sealed_on"].map(|name| text(&row, name));
            join(
                text(&row, "enterprise_name"),
                day.into_iter().find(|day| !day.is_empty()).unwrap_or_default(),
            )
        }
        StreamKind::Concern => {
            let row = super::inside::one(desk, stream);
            row.map(|row| join(&row.raised_on.to_string(), &row.place)).unwrap_or_default()
        }
        StreamKind::Report => case_number(stream),
        StreamKind::Actor => people::title(&desk.app, ActorId(stream.id)),
        StreamKind::Reward => {
            let row = one("rewards");
            let amount = text(&row, "amount_yuan");
            let amount = if amount.is_empty() { String::new() } else { format!("¥{amount}") };
            join(&amount, text(&row, "assessed_on"))
        }
        StreamKind::Rules | StreamKind::Ledger | StreamKind::Inquiry | StreamKind::Access => String::new(),
    };
    let kind = w.kind(stream.kind.name());
    if named.is_empty() { kind } else { format!("{kind} · {named}") }
}

fn join(one: &str, other: &str) -> String {
    [one, other].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The day by which a hazard is to be mended, or the next deadline of another stream.
pub(crate) fn due(desk: &Desk, stream: &StreamId) -> Option<Day> {
    let filter = Filter { stream: Some(*stream), ..Filter::default() };
    let clocks = rows(desk, "deadlines", filter).ok()?;
    clocks.iter().filter_map(|row| text(row, "due").parse().ok()).max()
}

/// What is shown of a hazard.
const HAZARD: &[&str] = &[
    "enterprise",
    "town",
    "sector",
    "place",
    "description",
    "origin",
    "found_on",
    "grade",
    "criterion",
    "due",
    "listed",
    "production_suspended",
    "step",
    "times_reopened",
    "fined_yuan",
];
/// What is shown of an enterprise.
const ENTERPRISE: &[&str] = &[
    "credit_code",
    "sector",
    "town",
    "licence",
    "producing",
    "risk",
    "standardisation",
    "vetoed",
    "open_major",
    "open_general",
    "closed_hazards",
    "unit_penalties",
    "unit_fines_yuan",
    "relieved",
    "inspections",
];
/// What is shown of an inspection.
const INSPECTION: &[&str] = &["enterprise", "sealed_on", "opened_on", "performed_on", "by", "nothing_found"];
/// What is shown of a report: never what it says.
const REPORT: &[&str] = &[
    "channel",
    "matter",
    "received_on",
    "finding",
    "hazards",
    "files",
    "joined",
    "corroborates",
    "disputed",
    "retaliation_on",
    "misses",
];
/// What is shown of a reward.
const REWARD: &[&str] = &[
    "report",
    "amount_yuan",
    "rule",
    "base_yuan",
    "share_percent",
    "reasons",
    "because",
    "claim_due",
    "paid_on",
];
/// What is shown of an internal report.
const CONCERN: &[&str] = &["place", "hazard", "amount_yuan", "honour", "collected"];
/// What is shown of an inquiry.
const INQUIRY: &[&str] = &["trigger", "opened_by", "concluded_on", "nobody_responsible"];

/// What the read model of a stream's kind says of it: table, and the columns that are shown.
fn table_of(kind: StreamKind) -> Option<(&'static str, &'static [&'static str])> {
    match kind {
        StreamKind::Hazard => Some(("register", HAZARD)),
        StreamKind::Enterprise => Some(("enterprises", ENTERPRISE)),
        StreamKind::Inspection => Some(("inspections", INSPECTION)),
        StreamKind::Report => Some(("docket", REPORT)),
        StreamKind::Reward => Some(("rewards", REWARD)),
        StreamKind::Inquiry => Some(("inquiries", INQUIRY)),
        StreamKind::Concern => Some(("concerns", CONCERN)),
        StreamKind::Actor | StreamKind::Rules | StreamKind::Ledger | StreamKind::Access => None,
    }
}

/// The page of a stream
///
/// 事项页：情况、五落实、期限、可办事项、全部签署事件。
#[utoipa::path(get, path = "/desk/streams/{kind}/{id}", tag = "desk",
    params(("kind" = String, Path), ("id" = String, Path)),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found")))]
pub(crate) async fn show(
    desk: Desk,
    Path((kind, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Shown {
    let stream: StreamId = format!("{kind}/{id}").parse().map_err(|_| not_found())?;
    let recorded = just_recorded(query.as_deref());
    render_live(&blocking(move || page(&desk, stream, recorded)).await?)
}

fn page(desk: &Desk, stream: StreamId, recorded: Option<Position>) -> Result<StreamPage, Problem> {
    let Desk { app, reader, w, .. } = desk;
    let w = *w;
    if reader.is_kept_from(&app.office, &stream)? {
        return Err(crate::problem::ApiRefusal::NotFound.into());
    }
    if !reader.may_read_stream(&app.office, &stream).map_err(|error| unreadable(&error))? {
        return Err(crate::problem::ApiRefusal::Forbidden.into());
    }
    let facts = access::facts(app, &stream).map_err(|error| unreadable(&error))?;
    if facts.is_empty() {
        return Err(crate::problem::ApiRefusal::NotFound.into());
    }
    let mut told = Told::new(desk);
    let events = happened(&mut told, &facts)?;
    let only = Filter { stream: Some(stream), ..Filter::default() };
    let row = match table_of(stream.kind) {
        Some(_) if stream.kind == StreamKind::Concern => super::inside::row(desk, &stream),
        Some((name, _)) => rows(desk, name, only.clone())?.into_iter().next().unwrap_or_default(),
        None => Value::Null,
    };
    let mut said = Vec::new();
    for name in table_of(stream.kind).map(|(_, columns)| columns).unwrap_or_default() {
        let value = row.get(name).unwrap_or(&Value::Null);
        let says_nothing = value.is_null()
            || [Value::Bool(false), Value::from(0), Value::from("0.00")].contains(value)
            || value.as_array().is_some_and(Vec::is_empty);
        if !says_nothing {
            told.data(&serde_json::json!({ *name: value }), &mut said);
        }
    }
    let code = ["criterion", "proposed_criterion"].map(|name| text(&row, name));
    let criterion =
        code.into_iter().find_map(criteria::get).map(|item| item.text_zh.to_owned()).unwrap_or_default();
    let clocks = rows(desk, "deadlines", only.clone())?;
    let clocks = clocks.iter().chain(super::inside::clock(&row).as_ref()).map(|row| clock(w, row)).collect();
    let (lawful, refused) = steps(desk, stream)?;
    let (found, found_at) = found(desk, stream, &facts)?;
    let sealed = openable(desk, &stream)?;
    let (shared, asks) = shared(desk, &stream, &sealed)?;
    let bundled = bundled(stream, &facts);
    Ok(StreamPage {
        heading: heading(desk, &stream),
        id: stream.to_string(),
        status: match text(&row, "status") {
            "" => String::new(),
            status if stream.kind == StreamKind::Report => super::told::option(w, "report_status", status),
            status if stream.kind == StreamKind::Concern => super::told::option(w, "concern_status", status),
            status => w.label(status),
        },
        facts: said,
        criterion,
        stages: ["committed", "evidenced", "confirmed"].map(|stage| w.label(stage)),
        five: if stream.kind == StreamKind::Hazard { five(&mut told, only, &facts)? } else { Vec::new() },
        found,
        found_at,
        sealed,
        opens_at: format!("/desk/reports/{}/open", stream.id),
        shared,
        asks,
        clocks,
        lawful,
        refused,
        begins: begins(desk, stream, &facts)?,
        traces: traces(desk, &facts),
        bundle: bundled.iter().take(STREAMS_MAX).map(ToString::to_string).collect(),
        left_out: super::bundle::left_out(w, bundled.len()),
        events,
        frame: Frame::of(desk).after(recorded),
    })
}

/// What happened, the newest first.
fn happened(told: &mut Told<'_>, facts: &[Fact]) -> Result<Vec<Happened>, Problem> {
    let Desk { reader, w, .. } = told.desk;
    let mut events = Vec::new();
    for fact in facts.iter().rev() {
        let mut event = shown(fact)?;
        if reader.is_enterprise() {
            withhold(&mut event);
        }
        if fact.stream.kind == StreamKind::Concern {
            super::inside::plain(&mut event);
        }
        let mut said = Vec::new();
        told.data(event.get("data").unwrap_or(&Value::Null), &mut said);
        events.push(Happened {
            position: fact.position,
            at: moment(fact),
            kind: w.kind(text(&event, "type")),
            by: fact.by.iter().map(|actor| told.title(*actor)).collect(),
            said,
            files: shown_below(fact.stream, fact.event.attachments()),
        });
    }
    Ok(events)
}

/// When it was signed; of what a worker wrote the day alone is told.
pub(super) fn moment(fact: &Fact) -> String {
    let by_worker = fact.stream.kind == StreamKind::Concern && fact.by.is_empty();
    if by_worker { fact.day.to_string() } else { fact.at.local() }
}

fn shown_below(stream: StreamId, files: &[Attachment]) -> Vec<FileShown> {
    files::shown(&format!("/api/v1/streams/{stream}"), files)
}

/// What was shown for one of the five, the newest first.
fn evidence(element: &str, facts: &[Fact]) -> Vec<FileShown> {
    let mut files = Vec::new();
    for fact in facts.iter().rev() {
        if let Event::Hazard(HazardEvent::Evidenced(evidence)) = &fact.event
            && evidence.element.name() == element
        {
            files.extend(shown_below(fact.stream, &evidence.files));
        }
    }
    files
}

/// Files of the finding that opened the hazard. They stay in the inspection's stream, which an enterprise does not read.
fn found(desk: &Desk, hazard: StreamId, facts: &[Fact]) -> Result<(Vec<FileShown>, String), Problem> {
    let office = &desk.app.office;
    let Some(Event::Hazard(HazardEvent::Reported(report))) = facts.first().map(|fact| &fact.event) else {
        return Ok(<_>::default());
    };
    let Some(inspection) = report.inspection else { return Ok(<_>::default()) };
    if !desk.reader.may_read_stream(office, &inspection).map_err(|error| unreadable(&error))? {
        return Ok(<_>::default());
    }
    let mut found = Vec::new();
    for fact in office.ledger().stream(&inspection).map_err(|error| unreadable(&error))? {
        if let Event::Inspection(InspectionEvent::FindingRecorded(finding)) = &fact.event
            && finding.hazard == hazard
        {
            found.extend(shown_below(inspection, &finding.finding.files));
        }
    }
    Ok((found, stream_address(&inspection.to_string())))
}

fn clock(w: Words, row: &Value) -> Clock {
    let days = row.get("days_left").and_then(Value::as_i64);
    Clock {
        name: super::told::option(w, "clock", text(row, "clock")),
        due: text(row, "due").to_owned(),
        standing: w.label(text(row, "standing")),
        left: days.map(|days| w.days_left(days)).unwrap_or_default(),
        urgency: urgency(days),
    }
}

/// The matrix of the five: for each element what was committed to, shown and confirmed.
fn five(told: &mut Told<'_>, only: Filter, facts: &[Fact]) -> Result<Vec<Element>, Problem> {
    let (desk, w) = (told.desk, told.desk.w);
    let row = rows(desk, "five_in_place", only)?.into_iter().next().unwrap_or_default();
    let mut five = Vec::new();
    for name in
        adit_core::rules::five_in_place::Element::ALL.map(adit_core::rules::five_in_place::Element::name)
    {
        let stage = row.pointer(&format!("/elements/{name}")).unwrap_or(&Value::Null);
        let steps = row.pointer(&format!("/steps/{name}")).and_then(Value::as_array);
        let mut stages = Vec::new();
        for stage in ["committed", "evidenced", "confirmed"] {
            let step = steps.into_iter().flatten().rev().find(|step| text(step, "stage") == stage);
            stages.push(step.map(|step| Mark {
                day: text(step, "day").to_owned(),
                text: text(step, "text").to_owned(),
                by: step.get("by").map(|by| told.one("by", by)).unwrap_or_default(),
                position: Position(step.get("position").and_then(Value::as_u64).unwrap_or_default()),
                files: if stage == "evidenced" { evidence(name, facts) } else { Vec::new() },
            }));
        }
        five.push(Element {
            name: w.label(name),
            stage: w.label(stage.as_str().unwrap_or_default()),
            stages,
        });
    }
    Ok(five)
}

/// What can be done now, and why the rest can not.
fn steps(desk: &Desk, stream: StreamId) -> Result<(Vec<Step>, Vec<Step>), Problem> {
    let may = desk.reader.may_command(&desk.app.office, stream.kind, Some(&stream));
    if !may.map_err(|error| unreadable(&error))? {
        return Ok((Vec::new(), Vec::new()));
    }
    let known = known(desk, Some(stream));
    let (mut lawful, mut refused) = (Vec::new(), Vec::new());
    for kind in commands(stream.kind) {
        // A trace is attached on its own page, which knows its hash.
        if kind == "inquiry.attach_trace" {
            continue;
        }
        let href = page_of(kind, &stream).unwrap_or_else(|| format!("/desk/do/{kind}?stream={stream}"));
        let step = |why: String| Step { text: desk.w.command(kind), href: href.clone(), why };
        match standing(desk, Some(stream), kind, &known) {
            Standing::Lawful { .. } => lawful.push(step(String::new())),
            // What is for others to sign is not among one's own steps.
            others if others.is_for_others() => {}
            Standing::Refused(refusal) => refused.push(step(desk.w.refusal(&refusal))),
        }
    }
    Ok((lawful, refused))
}

/// Hazards that an inquiry is about.
fn inquired(facts: &[Fact]) -> Vec<StreamId> {
    let opened = facts.iter().find_map(|fact| {
        if let Event::Inquiry(InquiryEvent::Opened(open)) = &fact.event {
            Some(open.hazards.clone())
        } else {
            None
        }
    });
    opened.unwrap_or_default()
}

/// The traces that an inquiry attached, the newest first.
fn traces(desk: &Desk, facts: &[Fact]) -> Vec<Attached> {
    let attached = facts.iter().rev().filter_map(|fact| {
        let Event::Inquiry(InquiryEvent::TraceAttached(trace)) = &fact.event else { return None };
        Some(Attached {
            name: heading(desk, &trace.hazard),
            href: super::trace::address(&trace.hazard, Some(trace.as_of)),
            as_of: trace.as_of,
            summary: trace.summary.to_string(),
        })
    });
    attached.collect()
}

/// The streams of the evidence bundle of an inquiry: itself and its hazards.
fn bundled(stream: StreamId, facts: &[Fact]) -> Vec<StreamId> {
    if stream.kind != StreamKind::Inquiry {
        return Vec::new();
    }
    std::iter::once(stream).chain(inquired(facts)).collect()
}

/// What can be begun from here: a hazard of this enterprise, a reward for this report.
fn begins(desk: &Desk, stream: StreamId, facts: &[Fact]) -> Result<Vec<Step>, Problem> {
    let offers: &[(&str, &str)] = match stream.kind {
        StreamKind::Enterprise => &[("hazard.report", "enterprise"), ("inspection.perform", "enterprise")],
        StreamKind::Report => &[("reward.assess", "report")],
        StreamKind::Hazard => &[("inquiry.open", "hazards")],
        StreamKind::Concern => &[("hazard.report", "")],
        StreamKind::Reward
        | StreamKind::Inspection
        | StreamKind::Actor
        | StreamKind::Rules
        | StreamKind::Ledger
        | StreamKind::Inquiry
        | StreamKind::Access => &[],
    };
    let mut begins = Vec::new();
    let only = Filter { stream: Some(stream), ..Filter::default() };
    if stream.kind == StreamKind::Hazard && !rows(desk, "accountability", only)?.is_empty() {
        let (text, href) = (desk.w.t("trace.open").to_owned(), super::trace::address(&stream, None));
        begins.push(Step { text, href, why: String::new() });
    }
    if stream.kind == StreamKind::Inquiry {
        let trace = |hazard: StreamId| Step {
            text: format!("{} · {}", desk.w.t("trace.open"), heading(desk, &hazard)),
            href: super::trace::address(&hazard, None),
            why: String::new(),
        };
        begins.extend(inquired(facts).into_iter().map(trace));
    }
    begins.extend(papers(desk, &stream, facts));
    if stream.kind == StreamKind::Enterprise && desk.reader.asker("enterprises").is_some() {
        let (text, href) = (desk.w.t("profile.title").to_owned(), super::profile::address(&stream));
        begins.push(Step { text, href, why: String::new() });
    }
    #[cfg(feature = "pdf")]
    if stream.kind == StreamKind::Report && super::transfer::may(desk) {
        let (text, href) =
            (desk.w.t("transfer.title").to_owned(), format!("/desk/reports/{}/transfer", stream.id));
        begins.push(Step { text, href, why: String::new() });
    }
    for (kind, field) in offers {
        let named = kind.split('.').next();
        let Some(of) = StreamKind::ALL.into_iter().find(|of| Some(of.name()) == named) else { continue };
        let may = desk.reader.may_command(&desk.app.office, of, None).map_err(|error| unreadable(&error))?;
        let mut known = known(desk, None);
        known.insert((*field).to_owned(), stream.to_string());
        if may && matches!(standing(desk, None, kind, &known), Standing::Lawful { .. }) {
            begins.push(Step {
                text: desk.w.command(kind),
                href: if field.is_empty() {
                    format!("/desk/do/{kind}")
                } else {
                    format!("/desk/do/{kind}?{field}={stream}")
                },
                why: String::new(),
            });
        }
    }
    Ok(begins)
}

/// What can be printed from here.
fn papers(desk: &Desk, stream: &StreamId, facts: &[Fact]) -> Vec<Step> {
    let any = |is: &dyn Fn(&Event) -> bool| facts.iter().any(|fact| is(&fact.event));
    let by_itself = any(
        &|event| matches!(event, Event::Hazard(HazardEvent::Reported(report)) if report.origin == Origin::SelfInspection),
    );
    let served = any(&|event| matches!(event, Event::Hazard(HazardEvent::Served(_))));
    let performed = any(&|event| matches!(event, Event::Inspection(InspectionEvent::Performed(_))));
    let papers = [
        (by_itself, desk.w.t("stream.certificate"), "certificates"),
        (served, desk.w.t("stream.notice"), "notices"),
        (performed, desk.w.t("stream.record"), "records"),
    ];
    let there = papers.into_iter().filter(|(there, ..)| *there && cfg!(feature = "pdf"));
    let step = |(_, text, place): (bool, &str, &str)| Step {
        text: text.to_owned(),
        href: format!("/desk/{place}/{}", stream.id),
        why: String::new(),
    };
    there.map(step).collect()
}
