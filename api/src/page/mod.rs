//! Plain pages without scripts, in Chinese and English: where one begins, the tables, and what the API offers.

pub(crate) mod figures;
pub(crate) mod rules;
pub(crate) mod verify;

use std::sync::Arc;

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::vkey::hex;
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use crate::access::Reader;
use crate::extract::Anybody;
use crate::handlers::queries::{Asked, page};
use crate::handlers::{Answered, Shared, blocking, ok};
use crate::labels::{self, NAMED, label, reason};
use crate::openapi::{CommandDoc, commands};
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::routes::document;

/// Rows of one page of a table.
const PAGE_ROWS: usize = 100;

/// The tables, each with the fields that it shows. No report and no claim is named here.
pub(crate) const TABLES: [(&str, &[&str]); 14] = [
    (
        "register",
        &[
            "enterprise_name",
            "town",
            "place",
            "description",
            "criterion",
            "status",
            "found_on",
            "due",
            "overdue",
            "listed",
        ],
    ),
    (
        "five_in_place",
        &[
            "enterprise_name",
            "responsibility",
            "measures",
            "funds",
            "time_limit",
            "emergency_plan",
            "in_place",
            "hazard",
        ],
    ),
    ("rewards", &["amount_yuan", "status", "rule", "reasons", "claim_due", "paid_on", "reward"]),
    ("deadlines", &["stream", "clock", "due", "standing", "days_left", "times_extended"]),
    (
        "repeat_offenders",
        &["enterprise_name", "discoveries", "penalties", "petition", "stands_still", "grounds"],
    ),
    (
        "supervision",
        &[
            "enterprise_name",
            "town",
            "due",
            "overdue",
            "listed",
            "authority",
            "misses",
            "steps",
            "called_for",
            "hazard",
        ],
    ),
    (
        "inspections",
        &["enterprise_name", "performed_on", "findings", "nothing_found", "enforcements", "inspection"],
    ),
    (
        "duty",
        &[
            "enterprise_name",
            "town",
            "sector",
            "last_on",
            "done",
            "due",
            "missed",
            "last_inspected_on",
            "inspect_by",
        ],
    ),
    (
        "notifications",
        &[
            "enterprise_name",
            "served_on",
            "principal",
            "controller",
            "principal_acknowledged_on",
            "controller_acknowledged_on",
            "days",
            "hazard",
        ],
    ),
    (
        "relief",
        &[
            "enterprise_name",
            "self_reported_on",
            "status",
            "decision",
            "rule_says",
            "reasons",
            "conditions",
            "hazard",
        ],
    ),
    ("accountability", &["enterprise_name", "criterion", "reported_on", "status", "triggers", "hazard"]),
    (
        "enterprises",
        &[
            "enterprise_name",
            "town",
            "sector",
            "open_major",
            "closed_hazards",
            "unit_fines_yuan",
            "vetoed",
            "controllers",
        ],
    ),
    (
        "statistics",
        &[
            "group",
            "stock_major_before",
            "verified_major",
            "closed_major",
            "reopened_major",
            "stock_major",
            "stock_general",
            "overdue",
            "closed_rate",
            "handled_rate",
            "unit_fines_yuan",
            "rewards_paid_yuan",
        ],
    ),
    (
        "reward_budget",
        &["year", "budget_yuan", "approved_yuan", "paid_yuan", "forfeited_yuan", "open_yuan", "left_yuan"],
    ),
];

/// A label in both languages.
#[derive(Clone, Debug, Default)]
struct Label {
    key: String,
    zh: String,
    en: String,
    /// Ids and codes are set in a fixed width.
    code: bool,
    /// Amounts and days are not broken over two lines.
    number: bool,
}

impl Label {
    fn of(key: &str) -> Self {
        Self::named(key, label(key))
    }

    /// A column of a table.
    fn column(table: &str, name: &str) -> Self {
        Self::named(name, labels::column(table, name))
    }

    fn named(key: &str, words: Option<(&str, &str)>) -> Self {
        let (zh, en) = words.unwrap_or((key, key));
        let code = ["hazard", "reward", "stream", "criterion", "inspection"].contains(&key);
        let number =
            key.ends_with("_on") || key.ends_with("_yuan") || ["due", "claim_due", "rule"].contains(&key);
        Self { key: key.to_owned(), zh: zh.to_owned(), en: en.to_owned(), code, number }
    }
}

pub(crate) fn render(page: &impl Template) -> Answered {
    let html = page.render().map_err(|error| unreadable(&error))?;
    Ok(Html(html).into_response())
}

#[derive(Template)]
#[template(path = "start.html")]
struct Start {
    origin: String,
    size: u64,
    root: String,
    note: String,
    open: bool,
    demonstration: bool,
    tables: Vec<Label>,
}

/// Whose eyes look at the tables; none for the public.
fn eyes(demonstration: bool, anybody: &Anybody) -> Option<Reader> {
    match &anybody.0 {
        Some(signed_in) => Some(signed_in.reader.clone()),
        None => demonstration.then(Reader::of_demonstration),
    }
}

/// Start page
///
/// 台账首页：台账的规模、树根、检查点和汇总表。
#[utoipa::path(get, path = "/start", tag = "server", responses((status = 200, description = "HTML")))]
pub(crate) async fn start(State(app): Shared, anybody: Anybody) -> Answered {
    let reader = eyes(app.options.demonstration, &anybody);
    let note = app.checkpoint(anybody.sees_unpublished());
    let checkpoint = Checkpoint::parse(&note).ok().map(|(checkpoint, _)| checkpoint);
    let may = |name: &str| reader.as_ref().is_some_and(|reader| reader.asker(name).is_some());
    let tables: Vec<Label> =
        TABLES.iter().filter(|(name, _)| may(name)).map(|(name, _)| Label::of(name)).collect();
    render(&Start {
        origin: app.office.ledger().origin().to_owned(),
        size: checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size),
        root: checkpoint.as_ref().map(|checkpoint| hex(&checkpoint.root)).unwrap_or_default(),
        note: String::from_utf8_lossy(&note).into_owned(),
        open: !tables.is_empty(),
        demonstration: app.options.demonstration,
        tables,
    })
}

#[derive(Template)]
#[template(path = "table.html")]
struct Table {
    title: Label,
    columns: Vec<Label>,
    rows: Vec<Vec<(Label, String)>>,
    total: usize,
    next: Option<usize>,
}

/// A table as a page
///
/// 汇总表网页：登录后或演示台账可查。
#[utoipa::path(get, path = "/tables/{name}", tag = "server", params(("name" = String, Path), ("offset" = Option<u64>, Query)),
    responses((status = 200, description = "HTML"), (status = 401, description = "api.not_signed_in"),
        (status = 404, description = "api.not_found")))]
pub(crate) async fn table(
    State(app): Shared,
    anybody: Anybody,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let (name, fields) = TABLES.into_iter().find(|(known, _)| *known == name).ok_or(ApiRefusal::NotFound)?;
    let reader = eyes(app.options.demonstration, &anybody).ok_or(ApiRefusal::NotSignedIn)?;
    let asker = reader.asker(name).ok_or(ApiRefusal::Forbidden)?;
    let mut asked = Asked::read(query.as_deref())?;
    asked.filter.limit = Some(PAGE_ROWS);
    let worker = Arc::clone(&app);
    let found = blocking(move || page(&worker, asker, name, &asked)).await?;
    let columns: Vec<Label> = fields.iter().map(|field| Label::column(name, field)).collect();
    let cells = |row: &Value| columns.iter().map(|label| (label.clone(), cell(row, &label.key))).collect();
    let rows: Vec<Vec<(Label, String)>> = found.rows.iter().map(cells).collect();
    let next = found.offset.saturating_add(rows.len());
    let next = (next < found.total).then_some(next);
    render(&Table { title: Label::of(name), columns, rows, total: found.total, next })
}

/// What stands in one cell.
fn cell(row: &Value, field: &str) -> String {
    let value = row.get(field).or_else(|| row.get("elements")?.get(field)).unwrap_or(&Value::Null);
    match value {
        Value::Null => "—".to_owned(),
        Value::Bool(yes) => word(&yes.to_string()),
        Value::Number(number) => number.to_string(),
        Value::String(text) if NAMED.contains(&field) || row.get(field).is_none() => word(text),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(|item| told(field, item)).collect::<Vec<_>>().join("\n"),
        Value::Object(_) => told(field, value),
    }
}

/// One item of a list: a reason or a trigger in words, a step or a miss by its name and day.
fn told(field: &str, item: &Value) -> String {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    match item {
        Value::Object(_) if text("code").is_some() => {
            let (zh, en) = reason(item);
            format!("{zh} {en}")
        }
        Value::Object(fields) => {
            if let Some(reason) = fields.get("reason") {
                return told(field, reason);
            }
            let named = ["step", "clock", "holder", "grade"].into_iter().find_map(text);
            let day = ["day", "since"].into_iter().find_map(text).unwrap_or_default();
            format!("{} {day}", named.map(word).unwrap_or_default()).trim().to_owned()
        }
        Value::String(text) if NAMED.contains(&field) => word(text),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => item.to_string(),
    }
}

fn word(key: &str) -> String {
    let Label { zh, en, .. } = Label::of(key);
    if zh == en { zh } else { format!("{zh} {en}") }
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    groups: Vec<Group>,
    commands: Vec<CommandDoc>,
    schemas: Vec<(String, String)>,
}

struct Group {
    says: String,
    routes: Vec<Route>,
}

struct Route {
    method: String,
    path: String,
    summary: String,
    /// The first paragraph of a description is the Chinese one.
    chinese: String,
    description: Vec<String>,
    parameters: Vec<String>,
    responses: Vec<(String, String)>,
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn objects<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flatten()
}

impl Route {
    fn new(method: &str, path: &str, operation: &Value) -> Self {
        let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let description = text(operation, "description");
        let mut description = description.split("\n\n").map(str::to_owned);
        Self {
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(operation, "summary"),
            chinese: description.next().unwrap_or_default(),
            description: description.collect(),
            parameters: parameters.map(|parameter| text(parameter, "name")).collect(),
            responses: objects(operation, "responses")
                .map(|(code, r)| (code.clone(), text(r, "description")))
                .collect(),
        }
    }
}

fn groups(document: &Value) -> Vec<Group> {
    let tags = document.get("tags").and_then(Value::as_array).into_iter().flatten();
    let routes = |tag: &str| {
        let mut found = Vec::new();
        for (path, operations) in objects(document, "paths") {
            for (method, operation) in operations.as_object().into_iter().flatten() {
                if operation.pointer("/tags/0").and_then(Value::as_str) == Some(tag) {
                    found.push(Route::new(method, path, operation));
                }
            }
        }
        found
    };
    tags.map(|tag| Group { says: text(tag, "description"), routes: routes(&text(tag, "name")) }).collect()
}

/// What the API offers, as a page
///
/// 接口说明网页。
#[utoipa::path(get, path = "/docs", tag = "server", responses((status = 200, description = "HTML")))]
pub(crate) async fn docs() -> Answered {
    let document = document().map_err(|error| unreadable(&error))?;
    let schemas = objects(document.get("components").unwrap_or(&Value::Null), "schemas");
    let schemas = schemas.map(|(name, schema)| (name.clone(), format!("{schema:#}"))).collect();
    let mut definitions = serde_json::Map::new();
    render(&Docs { groups: groups(&document), commands: commands(&mut definitions), schemas })
}

/// This document
///
/// OpenAPI 3.1 接口说明。
#[utoipa::path(get, path = "/openapi.json", tag = "server", responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn openapi() -> Answered {
    document().map(|document| ok(&document)).map_err(|error| unreadable(&error))
}

/// How the pages look
///
/// 网页样式。
#[utoipa::path(get, path = "/style.css", tag = "server", responses((status = 200, description = "CSS")))]
pub(crate) async fn style() -> Result<Response, Problem> {
    let css = include_str!("../../templates/style.css");
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "text/css; charset=utf-8")], css).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pack_has_its_label_in_both_languages() {
        for pack in &adit_core::rules::PACKS {
            assert!(label(format!("pack_{}", pack.id).as_str()).is_some(), "labels.tsv has no {}", pack.id);
        }
    }

    #[test]
    fn every_table_and_column_has_its_label_in_both_languages() {
        for (table, fields) in TABLES {
            for key in fields.iter().chain([&table]) {
                let (zh, en) = label(key).unwrap_or_else(|| panic!("labels.tsv has no {key}"));
                assert!(!zh.is_empty() && !en.is_empty(), "labels.tsv says nothing for {key}");
            }
        }
    }
}
