//! Queries. Default deny: what may be read is asked of [`crate::access`], and redacted there, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adit_core::event::Fact;
use adit_core::id::StreamId;
use adit_core::ledger::entry::SignedEntry;
use adit_core::ledger::vkey::hex;
use adit_core::refusal::Refusal;
use adit_core::rules::facts::{NAMES, answer};
use adit_core::units::{Day, Position};
use adit_projections::Projections;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::{Answered, Shared, blocking, json, ok};
use crate::access::Reader;
use crate::app::App;
use crate::extract::{Anybody, JsonBytes, SignedIn};
use crate::json::read;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::projector::fold;

/// Most rows of one answer.
const ROWS_MAX: usize = 1000;
/// Most parameters of a query.
const PARAMETERS_MAX: usize = 32;

/// What a query asks besides its path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) as_of: Option<String>,
    after: Option<u64>,
    pub(crate) offset: usize,
    limit: Option<usize>,
    contains: Option<String>,
    /// Any other parameter: the field of that name has that value.
    fields: BTreeMap<String, String>,
}

impl Asked {
    /// Reads a query string. A parameter twice, or one that is not a number where it must be, is refused.
    pub(crate) fn read(query: Option<&str>) -> Result<Self, Problem> {
        let mut asked = Self::default();
        let mut seen = BTreeSet::new();
        let bad = || Problem::from(ApiRefusal::BadQuery);
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name).ok_or_else(bad)?, decoded(value).ok_or_else(bad)?);
            if seen.len() == PARAMETERS_MAX || !seen.insert(name.clone()) {
                return Err(bad());
            }
            match name.as_str() {
                "as_of" => asked.as_of = Some(value),
                "after" => asked.after = Some(value.parse().map_err(|_| bad())?),
                "offset" => asked.offset = value.parse().map_err(|_| bad())?,
                "limit" => asked.limit = Some(value.parse().map_err(|_| bad())?),
                "contains" => asked.contains = Some(value),
                _ => {
                    asked.fields.insert(name, value);
                }
            }
        }
        Ok(asked)
    }

    /// Whether the row has every value that was asked for. Refused when the row has no such field at all.
    fn fits(&self, row: &Value) -> Result<bool, Problem> {
        for (name, wanted) in &self.fields {
            let value = row.get(name).ok_or(ApiRefusal::BadQuery)?;
            let same = match value {
                Value::String(text) => text == wanted,
                Value::Null => wanted.is_empty(),
                Value::Bool(yes) => wanted.parse() == Ok(*yes),
                Value::Number(number) => *wanted == number.to_string(),
                Value::Array(_) | Value::Object(_) => return Err(ApiRefusal::BadQuery.into()),
            };
            if !same {
                return Ok(false);
            }
        }
        let contains = |text: &String| any_text(row, &|found| found.contains(text.as_str()));
        Ok(self.contains.as_ref().is_none_or(contains))
    }
}

/// Whether a text anywhere in a row passes.
fn any_text(row: &Value, passes: &dyn Fn(&str) -> bool) -> bool {
    match row {
        Value::String(text) => passes(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, passes)),
        Value::Object(fields) => fields.values().any(|value| any_text(value, passes)),
        Value::Number(number) => passes(&number.to_string()),
        Value::Null | Value::Bool(_) => false,
    }
}

/// Percent-decoding of a query's name or value.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let value = digit(rest.next())? * 16 + digit(rest.next())?;
                u8::try_from(value).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

/// The end of a moment in the past: behind a position, or behind the last entry of a day.
fn moment(app: &App, text: &str) -> Result<(Position, Day), Problem> {
    let ledger = app.office.ledger();
    if let Ok(position) = text.parse::<u64>() {
        return Ok((Position(position.saturating_add(1)), ledger.now().day()));
    }
    let day: Day = text.parse().map_err(|_| ApiRefusal::BadAsOf)?;
    Ok((ledger.end_of(day).map_err(|error| unreadable(&error))?, day))
}

/// Events of a stream, as far as one may read them
///
/// 事项记录：按权限查询某一事项的全部事件；`as_of` 为位置或日期。
#[utoipa::path(get, path = "/api/v1/streams/{kind}/{id}", tag = "queries",
    params(("kind" = String, Path), ("id" = String, Path), ("as_of" = Option<String>, Query)),
    responses((status = 200, description = "stream, events"), (status = 403, description = "api.forbidden"),
        (status = 404, description = "api.not_found")))]
pub(crate) async fn stream(
    State(app): Shared,
    SignedIn { reader, .. }: SignedIn,
    Path((kind, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answered {
    let asked = Asked::read(query.as_deref())?;
    let stream: StreamId = format!("{kind}/{id}").parse().map_err(|_| ApiRefusal::NotFound)?;
    let worker = move || {
        let may = reader.may_read_stream(&app.office, &stream).map_err(|error| unreadable(&error))?;
        if !may {
            return Err(ApiRefusal::Forbidden.into());
        }
        let until = asked.as_of.as_ref().map(|text| moment(&app, text)).transpose()?;
        let facts = app.office.ledger().stream(&stream).map_err(|error| unreadable(&error))?;
        let then = facts.iter().filter(|fact| until.is_none_or(|(until, _)| fact.position < until));
        let events = then.map(shown).collect::<Result<Vec<Value>, Problem>>()?;
        if events.is_empty() { Err(ApiRefusal::NotFound.into()) } else { Ok(events) }
    };
    let events = blocking(worker).await?;
    Ok(ok(&json!({ "stream": stream, "events": events })))
}

/// A fact as JSON.
fn shown(fact: &Fact) -> Result<Value, Problem> {
    let event = fact.event.to_json().map_err(|error| unreadable(&error))?;
    let lines: Vec<String> = fact.lines.iter().map(ToString::to_string).collect();
    Ok(json!({
        "position": fact.position, "revision": fact.revision, "at": fact.at, "by": fact.by, "lines": lines,
        "type": event.get("type"), "data": event.get("data"),
    }))
}

/// The public entry at a position: anybody may read it once it is published
///
/// 公开条目：任何人可查；未登录者可查已公布的部分。
#[utoipa::path(get, path = "/api/v1/entries/{position}", tag = "queries", params(("position" = u64, Path)),
    responses((status = 200, description = "position, stream, kind, entry, leaf_hash"),
        (status = 404, description = "api.not_found")))]
pub(crate) async fn entry(State(app): Shared, anybody: Anybody, Path(position): Path<String>) -> Answered {
    let position: u64 = position.parse().map_err(|_| ApiRefusal::NotFound)?;
    let visible = app.visible_size(anybody.sees_unpublished());
    let worker = move || {
        let stored = app.office.ledger().stored(Position(position)).map_err(|error| unreadable(&error))?;
        let stored = stored.filter(|_| position < visible).ok_or(ApiRefusal::NotFound)?;
        let signed = SignedEntry::parse(&stored.entry).map_err(|error| unreadable(&error))?;
        Ok(json!({
            "position": position,
            "stream": stored.stream,
            "kind": signed.entry().kind,
            "entry": String::from_utf8_lossy(&stored.entry),
            "leaf_hash": hex(&signed.leaf_hash()),
        }))
    };
    blocking(worker).await.map(|value| ok(&value))
}

/// The newest checkpoint that one may see, as a signed note
///
/// 检查点：经签名的台账规模与树根。
#[utoipa::path(get, path = "/api/v1/checkpoint", tag = "queries",
    responses((status = 200, description = "A signed note (C2SP tlog-checkpoint)", content_type = "text/plain")))]
pub(crate) async fn checkpoint(State(app): Shared, anybody: Anybody) -> Answered {
    let note = app.checkpoint(anybody.sees_unpublished()).map_err(|error| unreadable(&error))?;
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

/// The rows of a read model that a reader may see.
pub(crate) fn rows(
    app: &App,
    reader: &Reader,
    name: &str,
    as_of: Option<&str>,
) -> Result<Vec<Value>, Problem> {
    let rules = app.office.rules();
    let ask = |state: &Projections, today: Day| {
        let own: BTreeSet<StreamId> = match reader.acts_for {
            Some(enterprise) => {
                let hazards = state.register.rows(today).into_iter();
                hazards.filter(|row| row.enterprise == enterprise).map(|row| row.hazard).collect()
            }
            None => BTreeSet::new(),
        };
        let rows = state.rows(name, &rules, today).map_err(|error| unreadable(&error))?;
        Ok(rows.into_iter().filter_map(|row| reader.redact(name, row, &own)).collect())
    };
    match as_of {
        None => app.projector.read(|state| ask(state, app.office.ledger().now().day())),
        Some(text) => {
            let (until, today) = moment(app, text)?;
            let state = fold(app.office.ledger(), None, until).map_err(|error| unreadable(&error))?;
            ask(&state, today)
        }
    }
}

/// Rows of a read model
///
/// 汇总表：register 重大事故隐患清单、timeline 时间线、five_in_place 五落实、deadlines 期限、rewards 奖励、
/// repeat_offenders 反复出现、relief 从轻免罚。
///
/// `as_of` is a position or a day, `after` waits until the entry at that position is taken over, `contains` keeps rows
/// with that text, and any other parameter keeps rows whose field of that name has that value.
#[utoipa::path(get, path = "/api/v1/projections/{name}", tag = "queries",
    params(("name" = String, Path), ("as_of" = Option<String>, Query), ("after" = Option<u64>, Query),
        ("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query), ("contains" = Option<String>, Query)),
    responses((status = 200, description = "projection, total, offset, rows"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found")))]
pub(crate) async fn projection(
    State(app): Shared,
    SignedIn { reader, .. }: SignedIn,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    if !adit_projections::NAMES.contains(&name.as_str()) {
        return Err(ApiRefusal::NotFound.into());
    }
    if !reader.may_project(&name) {
        return Err(ApiRefusal::Forbidden.into());
    }
    let asked = Asked::read(query.as_deref())?;
    if let Some(after) = asked.after {
        if after >= app.office.ledger().size() {
            return Err(ApiRefusal::BadQuery.into());
        }
        if !app.projector.wait_for(Position(after)).await {
            return Err(ApiRefusal::Stale.into());
        }
    }
    let replay = match asked.as_of {
        Some(_) => Some(app.replays.acquire().await.map_err(|error| unreadable(&error))?),
        None => None,
    };
    let (worker, model) = (Arc::clone(&app), name.clone());
    let page = blocking(move || {
        let mut kept = Vec::new();
        for row in rows(&worker, &reader, &model, asked.as_of.as_deref())? {
            if asked.fits(&row)? {
                kept.push(row);
            }
        }
        let total = kept.len();
        let limit = asked.limit.unwrap_or(ROWS_MAX).min(ROWS_MAX);
        let page: Vec<Value> = kept.into_iter().skip(asked.offset).take(limit).collect();
        Ok(json!({ "projection": model, "total": total, "offset": asked.offset, "rows": page }))
    });
    let page = page.await?;
    drop(replay);
    Ok(ok(&page))
}

/// The rule packs that ship, with their hashes
///
/// 规则包：原文与哈希。
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules",
    responses((status = 200, description = "version, packs: id, hash, text")))]
pub(crate) async fn rules(State(app): Shared) -> Answered {
    let packs: Vec<Value> = adit_core::rules::PACKS
        .iter()
        .map(|pack| json!({ "id": pack.id, "hash": pack.hash(), "text": pack.text }))
        .collect();
    Ok(ok(&json!({ "version": app.office.rules().version(), "packs": packs })))
}

/// Ask a rule: reward, relief, deadline or closure
///
/// 规则测算：奖励、从轻免罚、期限、提请关闭；附理由和出处，不写入台账。
#[utoipa::path(post, path = "/api/v1/rules/{name}", tag = "rules", params(("name" = String, Path)),
    request_body = ref("#/components/schemas/Facts"),
    responses((status = 200, description = "Result with reasons and sources"),
        (status = 422, description = "rules.facts")))]
pub(crate) async fn rule(
    State(app): Shared,
    Path(name): Path<String>,
    JsonBytes(bytes): JsonBytes,
) -> Answered {
    if !NAMES.contains(&name.as_str()) {
        return Err(Problem { status: StatusCode::NOT_FOUND, refusal: Refusal::new("rules.unknown") });
    }
    let value = ask_rule(&app, &name, &bytes).map_err(|mut problem| {
        // The parser's own message repeats what was typed.
        if problem.refusal.details.contains_key("what") {
            problem = problem.with("what", "/openapi.json");
        }
        problem
    })?;
    Ok(ok(&value))
}

fn ask_rule(app: &App, name: &str, bytes: &Bytes) -> Result<Value, Problem> {
    let facts: &serde_json::value::RawValue = read(bytes)?;
    Ok(answer(&app.office.rules(), name, facts.get())?)
}

/// Whether the ledger writes and the read models follow
///
/// 运行状况。
#[utoipa::path(get, path = "/healthz", tag = "server",
    responses((status = 200, description = "ok, size, lock, read_models"), (status = 503, description = "As for 200")))]
pub(crate) async fn health(State(app): Shared, anybody: Anybody) -> Answered {
    let (lock, follows) = (app.office.ledger().lock_fault().is_none(), app.projector.is_following());
    let well = lock && follows;
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let size = app.visible_size(anybody.sees_unpublished());
    Ok(json(status, &json!({ "ok": well, "size": size, "lock": lock, "read_models": follows })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(query: &str) -> String {
        Asked::read(Some(query)).expect_err("read").refusal.code
    }

    #[test]
    fn a_query_that_does_not_fit_is_refused() {
        for query in ["offset=-1", "limit=x", "after=", "a=1&a=2", "a=%zz", "a=%ff", "a=%00"] {
            assert_eq!(code(query), "api.bad_query", "{query}");
        }
    }

    #[test]
    fn any_other_parameter_filters_by_a_field() {
        let asked = Asked::read(Some("status=closed&listed=true&limit=5")).expect("query");
        assert_eq!(asked.limit, Some(5));
        let fits = |row: Value| asked.fits(&row).map_err(|problem| problem.refusal.code);
        assert_eq!(fits(json!({ "status": "closed", "listed": true })), Ok(true));
        assert_eq!(fits(json!({ "status": "closed", "listed": false })), Ok(false));
        assert_eq!(fits(json!({ "status": "closed" })), Err("api.bad_query".to_owned()));
    }

    #[test]
    fn a_query_is_decoded_from_percent_signs() {
        assert_eq!(decoded("%E7%A4%BA+a").as_deref(), Some("示 a"));
    }
}
