//! Internal reports at the enterprise's desk: whether its channel is open, what came in by deadline, and what waits for it. Officers of
//! the bureau see none of it; a profile tells them whether the channel is open, and counts of months that are over.

use adit_core::concern::Status;
use adit_core::hazard::Origin;
use adit_core::id::{StreamId, StreamKind};
use adit_core::units::Day;
use adit_projections::Filter;
use adit_projections::concerns::{Collected, Row};
use askama::Template;
use axum::extract::RawQuery;
use serde_json::{Value, json};

use super::frame::{Desk, Frame, Shown, just_recorded, render, stream_address};
use super::told::option;
use super::words::{Words, urgency};
use crate::access::Reader;
use crate::app::App;
use crate::handlers::blocking;
use crate::page::figures::least_reports;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Internal reports that are listed.
const LISTED_MAX: usize = 200;
/// Own hazards that can be chosen, the newest.
const HAZARDS_MAX: usize = 50;

/// One internal report in the list.
struct Listed {
    href: String,
    about: String,
    status: String,
    due: String,
    left: String,
    urgency: &'static str,
    reward: String,
    /// The worker wrote last.
    waits: bool,
}

#[derive(Template)]
#[template(path = "desk/inside.html")]
struct Inside {
    frame: Frame,
    own: String,
    open_since: String,
    /// What is given for internal reports; empty where the channel is not open.
    rewards: String,
    /// Where workers write.
    address: String,
    /// A notice can be printed.
    prints: bool,
    rows: Vec<Listed>,
    more: usize,
}

/// Internal reports
///
/// 内部报告：渠道是否开通、按期限排列的内部报告。只供本企业。
#[utoipa::path(get, path = "/desk/inside", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden")))]
pub(crate) async fn show(desk: Desk, RawQuery(query): RawQuery) -> Shown {
    let recorded = just_recorded(query.as_deref());
    render(&blocking(move || page(&desk, recorded)).await?)
}

fn page(desk: &Desk, recorded: Option<adit_core::units::Position>) -> Result<Inside, Problem> {
    let Some(own) = desk.reader.acts_for.filter(|_| desk.reader.is_enterprise()) else {
        return Err(ApiRefusal::Forbidden.into());
    };
    let state = desk.app.office.enterprise(own).map_err(|error| unreadable(&error))?;
    let channel = desk.app.projector.read(|all| all.concerns.channel(&own));
    let open_since = channel.and_then(|channel| channel.open_since);
    let rows = rows(&desk.app, &desk.reader);
    let more = rows.len().saturating_sub(LISTED_MAX);
    Ok(Inside {
        own: own.to_string(),
        open_since: open_since.map(|day| day.to_string()).unwrap_or_default(),
        rewards: state.channel.map(|rewards| rewards.to_string()).unwrap_or_default(),
        address: address(&own),
        prints: cfg!(feature = "pdf"),
        rows: rows.iter().take(LISTED_MAX).map(|row| listed(desk.w, row)).collect(),
        more,
        frame: Frame::of(desk).after(recorded),
    })
}

/// Where workers of an enterprise write to it.
pub(crate) fn address(enterprise: &StreamId) -> String {
    format!("/inside?to={enterprise}")
}

/// The internal reports of the reader's enterprise, as far as they are published: the minute in which one comes tells nobody anything.
fn rows(app: &App, reader: &Reader) -> Vec<Row> {
    let Some(own) = reader.acts_for.filter(|_| reader.is_enterprise()) else { return Vec::new() };
    let (today, published) = (app.office.ledger().now().day(), app.visible_size(false));
    app.projector.read(|all| all.concerns.of(&own, today, published))
}

/// Whether the enterprise acts next.
fn acts(row: &Row) -> bool {
    row.due.is_some() || row.waits
}

/// How many internal reports wait for the enterprise that somebody acts for.
pub(crate) fn many(app: &App, reader: &Reader) -> usize {
    rows(app, reader).iter().filter(|row| acts(row)).count()
}

fn listed(w: Words, row: &Row) -> Listed {
    let about = [row.raised_on.to_string(), row.place.clone()];
    let given = row.collected.map(|collected| option(w, "collected", collected_name(collected)));
    Listed {
        href: stream_address(&row.concern.to_string()),
        about: about.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · "),
        status: option(w, "concern_status", status_name(row.status)),
        due: row.due.map(|due| due.to_string()).unwrap_or_default(),
        left: row.days_left.map(|left| w.days_left(left)).unwrap_or_default(),
        urgency: urgency(row.days_left),
        reward: given.unwrap_or_default(),
        waits: row.waits,
    }
}

fn collected_name(collected: Collected) -> &'static str {
    match collected {
        Collected::Promised => "promised",
        Collected::Claimed => "claimed",
        Collected::HandedOver => "handed_over",
    }
}

fn status_name(status: Status) -> &'static str {
    match status {
        Status::Absent => "absent",
        Status::Raised => "raised",
        Status::Answered => "answered",
        Status::TakenUp => "taken_up",
        Status::Declined => "declined",
    }
}

/// What waits for an enterprise, on its worklist.
pub(crate) struct Waiting {
    /// The channel is not open.
    pub(crate) closed: bool,
    pub(crate) many: usize,
    pub(crate) due: String,
    pub(crate) left: String,
    pub(crate) urgency: &'static str,
}

/// None for whoever is no enterprise.
pub(crate) fn waiting(desk: &Desk) -> Option<Waiting> {
    let own = desk.reader.acts_for.filter(|_| desk.reader.is_enterprise())?;
    let channel = desk.app.projector.read(|all| all.concerns.channel(&own));
    let rows = rows(&desk.app, &desk.reader);
    let first = rows.iter().filter_map(|row| row.due.zip(row.days_left)).min();
    Some(Waiting {
        closed: channel.is_none_or(|channel| channel.open_since.is_none()),
        many: rows.iter().filter(|row| acts(row)).count(),
        due: first.map(|(due, _)| due.to_string()).unwrap_or_default(),
        left: first.map(|(_, left)| desk.w.days_left(left)).unwrap_or_default(),
        urgency: urgency(first.map(|(_, left)| left)),
    })
}

/// An internal report, as far as it is published.
pub(super) fn one(desk: &Desk, stream: &StreamId) -> Option<Row> {
    let (today, published) = (desk.app.office.ledger().now().day(), desk.app.visible_size(false));
    desk.app.projector.read(|all| all.concerns.one(stream, today, published))
}

/// What is known of an internal report, as a row of a table would say it; nothing of another stream.
pub(super) fn row(desk: &Desk, stream: &StreamId) -> Value {
    if stream.kind != StreamKind::Concern {
        return Value::Null;
    }
    one(desk, stream).and_then(|row| serde_json::to_value(row).ok()).unwrap_or_default()
}

/// By when the enterprise acts, as a row of the deadlines.
pub(super) fn clock(row: &Value) -> Option<Value> {
    row.get("concern")?;
    let (due, left) = (row.get("due")?.as_str()?, row.get("days_left")?.as_i64()?);
    let name = if row.get("status")?.as_str()? == "raised" { "concern_answer" } else { "concern_decide" };
    let standing = if left < 0 { "overdue" } else { "running" };
    Some(json!({ "clock": name, "due": due, "days_left": left, "standing": standing }))
}

/// An event without what only a program needs.
pub(super) fn plain(event: &mut Value) {
    for place in ["/data", "/data/raise"] {
        if let Some(data) = event.pointer_mut(place).and_then(Value::as_object_mut) {
            data.remove("key");
            data.remove("voucher_hash");
            data.remove("enterprise");
        }
    }
}

/// The hazards that the enterprise found by itself, to choose from.
pub(super) fn own_hazards(desk: &Desk) -> Vec<(String, String)> {
    let filter = Filter { origin: Some(Origin::SelfInspection), ..Filter::default() };
    let rows = super::stream::rows(desk, "register", filter).unwrap_or_default();
    let text = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let named = |row: &Value| {
        let about = [text(row, "found_on"), text(row, "place"), desk.w.label(&text(row, "status"))];
        (text(row, "hazard"), about.join(" · "))
    };
    rows.iter().rev().take(HAZARDS_MAX).map(named).collect()
}

/// What an officer is told of an enterprise's channel: since when it is open, and counts of months that are over.
pub(super) fn of_profile(desk: &Desk, enterprise: &StreamId, today: Day) -> Vec<(String, String)> {
    let w = desk.w;
    let (_, _, day) = today.parts();
    let until = today.plus_days(-i64::from(day));
    let least = least_reports();
    let (channel, periods) = desk
        .app
        .projector
        .read(|all| (all.concerns.channel(enterprise), all.concerns.periods(enterprise, until, least)));
    let says = match channel {
        Some(channel) => match channel.open_since {
            Some(since) => w.fill("inside.open_since", &[("day", &since.to_string())]),
            None if channel.was_open => w.t("inside.was_open").to_owned(),
            None => w.t("inside.not_open").to_owned(),
        },
        None => return Vec::new(),
    };
    let mut facts = vec![(w.t("inside.channel").to_owned(), says)];
    // Nothing and enough are said; what lies between is not.
    let few = |many: u32| if many == 0 || many >= least { many.to_string() } else { format!("< {least}") };
    facts.extend(periods.iter().map(|period| {
        let span = if period.from == period.to {
            period.from.clone()
        } else {
            format!("{} – {}", period.from, period.to)
        };
        let [raised, answered, taken_up, rewarded] = [
            period.raised.to_string(),
            few(period.answered_in_time),
            few(period.taken_up),
            few(period.rewarded),
        ];
        let counts = [
            ("raised", raised.as_str()),
            ("answered", &answered),
            ("taken_up", &taken_up),
            ("rewarded", &rewarded),
        ];
        let counts = w.fill("inside.counts", &counts);
        (w.fill("inside.period", &[("span", &span)]), counts)
    }));
    facts
}
