//! The worklist: what waits for whoever is signed in, by deadline.

use adit_core::id::{StreamId, StreamKind};
use adit_core::units::Day;
use adit_projections::{Filter, Viewer};
use askama::Template;
use axum::extract::RawQuery;
use serde_json::Value;

use super::act::known;
use super::case::page_of;
use super::frame::{Desk, Frame, Shown, parameter, render_live, stream_address};
use super::inside::{Waiting, waiting};
use super::lawful::{Standing, standing};
use super::queues::{QUEUES, Queue, anything_waits, is_plan_due};
use super::stream::heading;
use super::words::urgency;
use crate::handlers::blocking;
use crate::handlers::queries::View;
use crate::problem::Problem;

/// Rows of one queue that are shown; the table has all.
const SHOWN_MAX: usize = 12;

struct Task {
    about: String,
    about_at: String,
    act: String,
    act_at: String,
    due: String,
    left: String,
    urgency: &'static str,
}

struct Waits {
    title: String,
    total: usize,
    more_at: String,
    tasks: Vec<Task>,
}

struct Elsewhere {
    title: String,
    total: usize,
    href: String,
}

/// When an enterprise has to look for hazards by itself again.
struct Duty {
    /// In which months, by which document.
    says: String,
    last: String,
    due: String,
    left: String,
    urgency: &'static str,
    done: bool,
    act_at: String,
}

#[derive(Template)]
#[template(path = "desk/home.html")]
struct Home {
    frame: Frame,
    waits: Vec<Waits>,
    /// What waits for others, by number alone.
    elsewhere: Vec<Elsewhere>,
    begins: Vec<(String, String)>,
    duty: Option<Duty>,
    /// The plan of today is to be sealed, by an inspector.
    plan: bool,
    /// Internal reports, for an enterprise.
    inside: Option<Waiting>,
    /// Nothing waits for whoever is signed in.
    is_done: bool,
}

/// The worklist
///
/// 工作台：待办事项，按期限排列。
#[utoipa::path(get, path = "/desk", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in")))]
pub(crate) async fn show(desk: Desk, RawQuery(query): RawQuery) -> Shown {
    let recorded = parameter(query.as_deref(), "recorded").and_then(|text| text.parse().ok());
    render_live(&blocking(move || page(&desk, recorded.map(adit_core::units::Position))).await?)
}

/// What can be begun without a page before it.
const BEGINS: [(&str, StreamKind); 4] = [
    ("hazard.report", StreamKind::Hazard),
    ("inspection.perform", StreamKind::Inspection),
    ("enterprise.register", StreamKind::Enterprise),
    ("inquiry.open", StreamKind::Inquiry),
];

fn page(desk: &Desk, recorded: Option<adit_core::units::Position>) -> Result<Home, Problem> {
    let (mut waits, mut elsewhere) = (Vec::new(), Vec::new());
    for queue in &QUEUES {
        let mine = queue.is_for(&desk.reader);
        // What waits for one alone is no number for others.
        if !mine && queue.asked(&desk.reader).sealed_by.is_some() {
            continue;
        }
        let limit = if mine { SHOWN_MAX } else { 0 };
        let Some(found) = queue.rows(&desk.app, &desk.reader, limit)? else { continue };
        if found.total == 0 {
            continue;
        }
        let title = desk.w.find(&format!("queue.{}", queue.name)).unwrap_or(queue.name).to_owned();
        let more_at = more_at(desk, queue);
        if mine {
            let tasks = tasks(desk, queue, &found.rows);
            waits.push(Waits { title, total: found.total, more_at, tasks });
        } else {
            elsewhere.push(Elsewhere { title, total: found.total, href: more_at });
        }
    }
    let (mut begins, known) = (Vec::new(), known(desk, None));
    for (command, kind) in BEGINS {
        let may = desk.reader.may_command(&desk.app.office, kind, None);
        if may.map_err(|error| crate::problem::unreadable(&error))?
            && matches!(standing(desk, None, command, &known), Standing::Lawful { .. })
        {
            begins.push((desk.w.command(command), format!("/desk/do/{command}")));
        }
    }
    let is_done = waits.is_empty() && !anything_waits(&desk.app, &desk.reader)?;
    Ok(Home {
        frame: Frame::of(desk).after(recorded),
        waits,
        elsewhere,
        begins,
        duty: duty(desk)?,
        plan: is_plan_due(&desk.app, &desk.reader)?,
        inside: waiting(desk),
        is_done,
    })
}

/// The duty of the enterprise that the reader acts for. Of the table it sees this alone: the rest says when it will be inspected.
fn duty(desk: &Desk) -> Result<Option<Duty>, Problem> {
    let Some(own) = desk.reader.acts_for.filter(|_| desk.reader.is_enterprise()) else { return Ok(None) };
    let view = View::at(&desk.app, None)?;
    let filter = Filter { enterprise: Some(own), ..Filter::default() };
    let Some(row) = view.page(Viewer::Reports.into(), "duty", &filter)?.rows.into_iter().next() else {
        return Ok(None);
    };
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(months) = row.get("every_months").and_then(Value::as_u64) else { return Ok(None) };
    let due: Option<Day> = text("due").parse().ok();
    let left = due.map(|due| due.days_since(view.today()));
    let done = row.get("done") == Some(&Value::Bool(true));
    let source = text("source");
    let details = [("n", months.to_string()), ("source", source)];
    let details: Vec<(&str, &str)> = details.iter().map(|(name, text)| (*name, text.as_str())).collect();
    Ok(Some(Duty {
        says: desk.w.fill("home.duty_says", &details),
        last: text("last_on"),
        due: text("due"),
        left: left.filter(|_| !done).map(|left| desk.w.days_left(left)).unwrap_or_default(),
        urgency: if done { "" } else { urgency(left) },
        done,
        act_at: format!("/desk/do/enterprise.log_self_inspection?stream={own}&back=%2Fdesk"),
    }))
}

/// The table with the same filter.
fn more_at(desk: &Desk, queue: &Queue) -> String {
    let filter = serde_json::to_value(queue.asked(&desk.reader)).unwrap_or_default();
    let filter = filter
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| !value.is_null() && !["offset", "limit"].contains(&name.as_str()));
    let pairs: Vec<(String, String)> = filter
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    format!("/desk/tables/{}?{}", queue.model, serde_urlencoded::to_string(pairs).unwrap_or_default())
}

/// A task for each row, with the day on which it is due.
fn tasks(desk: &Desk, queue: &Queue, rows: &[Value]) -> Vec<Task> {
    let today = desk.app.office.ledger().now().day();
    let task = |row: &Value| {
        let stream: StreamId = row.get(queue.stream).and_then(Value::as_str)?.parse().ok()?;
        let left = row.get("days_left").and_then(Value::as_i64);
        Some(Task {
            about: heading(desk, &stream),
            about_at: if desk.reader.may_read(stream.kind) {
                stream_address(&stream.to_string())
            } else {
                String::new()
            },
            act: desk.w.command(queue.command(row)),
            act_at: act_at(queue.command(row), &stream),
            due: left.map(|left| today.plus_days(left).to_string()).unwrap_or_default(),
            left: left.map(|left| desk.w.days_left(left)).unwrap_or_default(),
            urgency: urgency(left),
        })
    };
    rows.iter().filter_map(task).collect()
}

/// The form of the next command: addressed to the stream, or begun with it. A plan is opened where what was planned is kept.
fn act_at(command: &str, stream: &StreamId) -> String {
    if let Some(page) = page_of(command, stream) {
        return page;
    }
    let field = match command {
        "inspection.open" => return "/desk/plans".to_owned(),
        // What is paid is known by the voucher that is shown.
        "reward.pay" => return "/desk/vouchers".to_owned(),
        "inquiry.open" => "hazards",
        "reward.assess" => "report",
        _ => "stream",
    };
    format!("/desk/do/{command}?{field}={stream}&back=%2Fdesk")
}
