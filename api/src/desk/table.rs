//! The tables with every filter, the columns one wants, page by page, and as files.

use std::collections::BTreeSet;

use adit_core::id::StreamId;
use adit_core::units::Day;
use adit_projections::takes;
use askama::Template;
use axum::extract::{Path, RawQuery};
use serde_json::Value;

use super::frame::{Desk, Frame, Link, Shown, parameter, render_live, stream_address};
use super::told::{self, Told};
use super::views::Views;
use super::words::{Words, urgency};
use crate::handlers::blocking;
use crate::handlers::queries::{Asked, moment, page as rows_of};
use crate::labels;
use crate::page::TABLES;
use crate::problem::{ApiRefusal, Problem};
use adit_core::report::case_number;

/// Rows of one page.
const PAGE_ROWS: usize = 50;

/// A filter as it is shown.
struct Shows {
    name: &'static str,
    label: String,
    /// `choice`, `yes_no`, `day`, `line`.
    widget: &'static str,
    options: Vec<(String, String)>,
    value: String,
}

struct Cell {
    label: String,
    text: String,
    href: String,
    class: &'static str,
}

#[derive(Template)]
#[template(path = "desk/table.html")]
struct TablePage {
    frame: Frame,
    name: &'static str,
    title: String,
    filters: Vec<Shows>,
    filtered: bool,
    /// Every column, and whether it is shown.
    columns: Vec<(String, String, bool)>,
    heads: Vec<String>,
    rows: Vec<Vec<Cell>>,
    from: usize,
    to: usize,
    total: usize,
    before: Option<String>,
    next: Option<String>,
    as_of: String,
    files: Vec<Link>,
    /// Filters that came by a link and are not for typing.
    carried: Vec<(&'static str, String)>,
    views: Views,
}

/// Names that a filter can have.
fn options(filter: &str) -> &'static [&'static str] {
    match filter {
        "status" => {
            &["reported", "verified", "assigned", "rectified", "passed", "closed", "dismissed", "merged"]
        }
        "grade" => &["major", "general"],
        "sector" => &["mine", "industry", "chemical", "fireworks", "other"],
        "origin" => &["self_inspection", "inspection", "monitoring_alert", "accident", "earlier_register"],
        "risk" => &["major", "larger", "general", "low"],
        "standing" => &["running", "overdue", "met", "met_late"],
        "reward_status" => {
            &["assessed", "approved", "notified", "claimed", "paid", "forfeited", "waived", "denied"]
        }
        "report_status" => {
            &["reported", "accepted", "verified", "handled", "answered", "closed", "declined", "transferred"]
        }
        "relief" => &["unverified", "pending", "relieved", "refused", "moot"],
        "group" => &["month", "year", "source", "sector", "town", "criterion", "enterprise"],
        "by" => &["enterprise", "controller", "parent"],
        "extension" => &["waiting", "granted", "not_granted", "lapsed"],
        "order" => &["due"],
        "next" => &[
            "verify", "serve", "assign", "plan", "commit", "evidence", "rectify", "confirm", "review",
            "close", "resume",
        ],
        "trigger" => &["not_found", "no_enforcement", "understated", "penalty_avoided", "reopened_at_once"],
        _ => &[],
    }
}

/// Filters that ask for yes or no.
const YES_NO: [&str; 21] = [
    "overdue",
    "ended",
    "listed",
    "called_for",
    "suspended",
    "in_place",
    "petition",
    "petitioned",
    "found",
    "enforced",
    "missed",
    "inspection_due",
    "vetoed",
    "acknowledged",
    "inquired",
    "disputed",
    "retaliation",
    "unanswered",
    "unrewarded",
    "to_penalise",
    "openable",
];

fn shows(w: Words, name: &'static str, value: String) -> Shows {
    let names = options(name);
    let widget = if YES_NO.contains(&name) {
        "yes_no"
    } else if names.is_empty() {
        if ["from", "to"].contains(&name) { "day" } else { "line" }
    } else {
        "choice"
    };
    let option = |option: &&str| ((*option).to_owned(), told::option(w, name, option));
    let label = w.find(&format!("filter.{name}")).map_or_else(|| w.label(name), str::to_owned);
    Shows { name, label, widget, options: names.iter().map(option).collect(), value }
}

/// A table with its filters
///
/// 汇总表：筛选、选列、翻页、导出。
#[utoipa::path(get, path = "/desk/tables/{name}", tag = "desk", params(("name" = String, Path)),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 400, description = "api.bad_query"), (status = 403, description = "api.forbidden")))]
pub(crate) async fn show(desk: Desk, Path(name): Path<String>, RawQuery(query): RawQuery) -> Shown {
    let as_of = parameter(query.as_deref(), "as_of").filter(|text| !text.is_empty());
    let turn = desk.app.turn(as_of.as_deref()).await?;
    let shown = blocking(move || {
        let shown = page(&desk, &name, query.as_deref());
        drop(turn);
        shown
    });
    render_live(&shown.await?)
}

/// Columns that can be chosen: the usual ones, then whatever else a row says that has a name.
fn known(table: &str, usual: &[&str], row: Option<&Value>) -> Vec<String> {
    let mut known: Vec<String> = usual.iter().map(|field| (*field).to_owned()).collect();
    let mut seen: BTreeSet<String> = known.iter().cloned().collect();
    for (field, _) in row.and_then(Value::as_object).into_iter().flatten() {
        if labels::column(table, field).is_some() && seen.insert(field.clone()) {
            known.push(field.clone());
        }
    }
    known
}

/// A table by its name, with the columns that it usually shows.
pub(super) fn find(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    TABLES.into_iter().chain(MORE).find(|(known, _)| *known == name)
}

/// What is asked of a table: filters, columns and a place in it.
pub(super) struct Wanted {
    name: &'static str,
    pairs: Vec<(String, String)>,
}

impl Wanted {
    /// An empty field of the form is no filter.
    pub(super) fn read(name: &'static str, query: &str) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(query).map_err(|_| ApiRefusal::BadQuery)?;
        Ok(Self { name, pairs: pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect() })
    }

    /// Columns that were chosen, if any.
    fn columns(&self) -> Vec<String> {
        self.pairs.iter().filter(|(key, _)| key == "column").map(|(_, value)| value.clone()).collect()
    }

    fn filters(&self) -> Vec<(String, String)> {
        self.pairs.iter().filter(|(key, _)| key != "column").cloned().collect()
    }

    fn value_of(&self, key: &str) -> String {
        self.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub(super) fn asked(&self) -> Result<Asked, Problem> {
        let query = serde_urlencoded::to_string(self.filters()).map_err(|_| ApiRefusal::BadQuery)?;
        Asked::read(Some(&query))
    }

    /// The same without the place in it.
    pub(super) fn query(&self) -> String {
        let pairs: Vec<&(String, String)> = self.pairs.iter().filter(|(key, _)| key != "offset").collect();
        serde_urlencoded::to_string(pairs).unwrap_or_default()
    }

    fn page_at(&self, offset: usize) -> String {
        let join = if self.query().is_empty() { "" } else { "&" };
        format!("/desk/tables/{}?{}{join}offset={offset}", self.name, self.query())
    }

    /// The rows as a file, with the columns that were chosen; with all where none was.
    fn file(&self, format: &str) -> Link {
        let mut pairs = self.filters();
        pairs.retain(|(key, _)| key != "offset");
        let mut columns = self.columns();
        columns.retain(|column| labels::column(self.name, column).is_some());
        if !columns.is_empty() {
            pairs.push(("columns".to_owned(), columns.join(",")));
        }
        pairs.push(("format".to_owned(), format.to_owned()));
        let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
        Link { href: format!("/api/v1/projections/{}?{query}", self.name), text: format.to_uppercase() }
    }
}

/// Filters whose values are not typed: they come by a link, and stay.
const CARRIED: [&str; 5] = ["stream", "enterprise", "year", "rule", "sealed_by"];

fn page(desk: &Desk, name: &str, query: Option<&str>) -> Result<TablePage, Problem> {
    let w = desk.w;
    let (name, usual) = find(name).ok_or(ApiRefusal::NotFound)?;
    let asker = desk.reader.asker(name).ok_or(ApiRefusal::Forbidden)?;
    let wanted = Wanted::read(name, query.unwrap_or_default())?;
    let mut asked = wanted.asked()?;
    asked.filter.limit = Some(PAGE_ROWS);
    let found = rows_of(&desk.app, asker, name, &asked)?;
    let today = match &asked.as_of {
        Some(then) => moment(&desk.app, then)?.1,
        None => desk.app.office.ledger().now().day(),
    };
    let usual = if asked.filter.order.is_some() { ordered(name, usual) } else { usual.to_vec() };
    let shown: Vec<String> = match wanted.columns() {
        none if none.is_empty() => usual.iter().map(|field| (*field).to_owned()).collect(),
        chosen => chosen,
    };
    let mut told = Told::new(desk);
    let rows = found.rows.iter().map(|row| cells(&mut told, name, row, (&shown, today))).collect();
    let to = found.offset.saturating_add(found.rows.len());
    let column = |field: String| {
        let (label, is_shown) = (w.column(name, &field), shown.contains(&field));
        (field, label, is_shown)
    };
    let typed = takes(name).iter().filter(|filter| !CARRIED.contains(*filter));
    let carried = CARRIED.into_iter().map(|filter| (filter, wanted.value_of(filter)));
    let hidden = ["offset", "as_of"];
    Ok(TablePage {
        title: w.label(name),
        filters: typed.map(|filter| shows(w, filter, wanted.value_of(filter))).collect(),
        filtered: wanted.filters().iter().any(|(key, _)| !hidden.contains(&key.as_str())),
        columns: known(name, &usual, found.rows.first()).into_iter().map(column).collect(),
        heads: shown.iter().map(|field| w.column(name, field)).collect(),
        rows,
        from: if found.rows.is_empty() { 0 } else { found.offset + 1 },
        to,
        total: found.total,
        before: (found.offset > 0).then(|| wanted.page_at(found.offset.saturating_sub(PAGE_ROWS))),
        next: (to < found.total).then(|| wanted.page_at(to)),
        as_of: wanted.value_of("as_of"),
        files: ["xlsx", "csv"].map(|format| wanted.file(format)).into(),
        carried: carried.filter(|(_, value)| !value.is_empty()).collect(),
        views: Views::of(desk, name, &wanted.query())?,
        frame: Frame::of(desk),
        name,
    })
}

/// Tables of the workbench alone.
const MORE: [(&str, &[&str]); 3] = [
    (
        "docket",
        &[
            "report",
            "received_on",
            "channel",
            "matter",
            "status",
            "due",
            "days_left",
            "finding",
            "disputed",
            "retaliation_on",
            "unanswered_on",
        ],
    ),
    (
        "corroboration",
        &[
            "first",
            "report",
            "received_on",
            "days_apart",
            "joined_at",
            "same_hazard",
            "same_matter",
            "same_enterprise",
        ],
    ),
    ("inquiries", &["opened_on", "trigger", "hazards", "findings", "proposals", "concluded_on", "inquiry"]),
];

/// The streams that a row is about, the narrowest first.
const ABOUT: [&str; 7] = ["hazard", "reward", "report", "inspection", "inquiry", "stream", "enterprise"];

/// Columns of days on which something is due.
const DUE: [&str; 4] = ["due", "review_due", "decide_extension_by", "open_by"];

/// The usual columns with those by which rows were put in order.
fn ordered(table: &str, usual: &[&'static str]) -> Vec<&'static str> {
    let by: &[&str] = match table {
        "register" => &["review_due", "days_left"],
        "supervision" => &["decide_extension_by", "days_left"],
        _ => &[],
    };
    let at = usual.iter().position(|field| *field == "due").map_or(usual.len(), |due| due + 1);
    [&usual[..at], by, &usual[at..]].concat()
}

/// What a cell looks like: of the days on which something is due, that one is coloured to which days are counted.
fn class(field: &str, row: &Value, days: Option<i64>, today: Day) -> &'static str {
    let counted = || days.map(|days| today.plus_days(days).to_string());
    match field {
        "days_left" => urgency(days),
        "overdue" if row.get(field) == Some(&Value::Bool(true)) => "late",
        field if DUE.contains(&field) => {
            let day = row.get(field).and_then(Value::as_str);
            if day.is_some() && day == counted().as_deref() { urgency(days) } else { "" }
        }
        "claim_due" => "number",
        field if field.ends_with("_on") || field.ends_with("_yuan") => "number",
        _ => "",
    }
}

fn cells(told: &mut Told<'_>, table: &str, row: &Value, (fields, today): (&[String], Day)) -> Vec<Cell> {
    let w = told.desk.w;
    let about = ABOUT.iter().find_map(|name| row.get(*name)?.as_str()?.parse::<StreamId>().ok());
    let days = row.get("days_left").and_then(Value::as_i64);
    let cell = |(at, field): (usize, &String)| {
        // A report that is closed was answered; a hazard that is closed was struck off.
        let named = if (table, field.as_str()) == ("docket", "status") { "report_status" } else { field };
        let text = text(told, row, field, named);
        let own: Option<StreamId> = row.get(field).and_then(Value::as_str).and_then(|text| text.parse().ok());
        let traced = about.filter(|_| at == 0 && table == "accountability");
        let page = own.or(about.filter(|_| at == 0));
        let page = page.filter(|stream| told.desk.reader.may_read(stream.kind));
        let href = traced
            .map(|hazard| format!("/desk/trace/{}", hazard.id))
            .or_else(|| page.map(|stream| stream_address(&stream.to_string())));
        let class = class(field, row, days, today);
        let text = match field.as_str() {
            "days_left" => days.map_or(text, |days| w.days_left(days)),
            "report" | "first" if own.is_some() => own.map(|report| case_number(&report)).unwrap_or_default(),
            // There is no page for whoever may not read it.
            _ if own.is_some() && href.is_none() => {
                own.map(|stream| stream.id.to_string()).unwrap_or_default()
            }
            _ if own.is_some() => w.t("table.open").to_owned(),
            _ => text,
        };
        Cell { label: w.column(table, field), text, href: href.unwrap_or_default(), class }
    };
    fields.iter().enumerate().map(cell).collect()
}

/// What stands in one cell.
fn text(told: &mut Told<'_>, row: &Value, field: &str, named: &str) -> String {
    match row.get(field) {
        Some(Value::Array(items)) => {
            items.iter().map(|item| told.one(field, item)).collect::<Vec<_>>().join("\n")
        }
        Some(Value::Null) => "—".to_owned(),
        Some(value) => told.one(named, value),
        // Of the five, how far each is.
        None => row
            .pointer(&format!("/elements/{field}"))
            .map_or_else(|| "—".to_owned(), |stage| told.one("stage", stage)),
    }
}
