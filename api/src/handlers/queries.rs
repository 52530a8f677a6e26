//! Queries. Default deny: what may be read is asked of [`crate::access`], and redacted there, once.

use std::collections::BTreeSet;
use std::sync::Arc;

use adit_core::event::Fact;
use adit_core::id::{StreamId, StreamKind};
use adit_core::ledger::entry::SignedEntry;
use adit_core::ledger::vkey::hex;
use adit_core::refusal::Refusal;
use adit_core::rules::Rules;
use adit_core::rules::facts::{NAMES, answer, catalogue};
use adit_core::units::{Day, Position};
use adit_projections::{Asker, Filter, Page, ProjectionError, Projections};
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::{Answered, Shared, blocking, json, ok};
use crate::access::{self, withhold};
use crate::app::App;
use crate::export::{self, Format};
use crate::extract::{Anybody, JsonBytes, SignedIn};
use crate::json::read;
use crate::labels;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::projector::fold_hazard;

/// Most rows of one answer.
pub(crate) const ROWS_MAX: usize = 1000;
/// Most parameters of a query.
const PARAMETERS_MAX: usize = 32;

/// What a query asks besides its path.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Asked {
    pub(crate) as_of: Option<String>,
    pub(crate) after: Option<u64>,
    pub(crate) format: Option<Format>,
    /// Columns of a file, in their order; all where none is named.
    pub(crate) columns: Vec<String>,
    pub(crate) filter: Filter,
}

impl Asked {
    /// Reads a query string. A parameter twice, one that is not known, or one whose value does not fit is refused.
    pub(crate) fn read(query: Option<&str>) -> Result<Self, Problem> {
        let bad = || Problem::from(ApiRefusal::BadQuery);
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_str(query.unwrap_or_default()).map_err(|_| bad())?;
        let names: BTreeSet<&String> = pairs.iter().map(|(name, _)| name).collect();
        let unreadable =
            |text: &str| text.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER);
        let twice = names.len() < pairs.len();
        if twice || pairs.len() > PARAMETERS_MAX || pairs.iter().any(|(_, value)| unreadable(value)) {
            return Err(bad());
        }
        let mut asked = Self::default();
        let mut fields = Vec::new();
        for (name, value) in pairs {
            match name.as_str() {
                "as_of" => asked.as_of = Some(value),
                "format" => asked.format = Some(Format::parse(&value).ok_or_else(bad)?),
                "columns" => asked.columns = value.split(',').map(str::to_owned).collect(),
                "after" => asked.after = Some(value.parse().map_err(|_| bad())?),
                _ => fields.push((name, value)),
            }
        }
        let named: BTreeSet<&String> = asked.columns.iter().collect();
        if named.len() < asked.columns.len() || (asked.format.is_none() && !asked.columns.is_empty()) {
            return Err(bad());
        }
        let fields = serde_urlencoded::to_string(fields).map_err(|_| bad())?;
        asked.filter = serde_urlencoded::from_str(&fields).map_err(|_| bad())?;
        Ok(asked)
    }
}

/// The end of a moment in the past: behind a position, or behind the last entry of a day.
pub(crate) fn moment(app: &App, text: &str) -> Result<(Position, Day), Problem> {
    let ledger = app.office.ledger();
    if let Ok(position) = text.parse::<u64>() {
        return Ok((Position(position.saturating_add(1)), ledger.now().day()));
    }
    let day: Day = text.parse().map_err(|_| ApiRefusal::BadAsOf)?;
    Ok((ledger.end_of(day), day))
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
        if reader.is_kept_from(&app.office, &stream)? {
            return Err(ApiRefusal::NotFound.into());
        }
        let may = reader.may_read_stream(&app.office, &stream).map_err(|error| unreadable(&error))?;
        if !may {
            return Err(ApiRefusal::Forbidden.into());
        }
        let until = asked.as_of.as_ref().map(|text| moment(&app, text)).transpose()?;
        let facts = access::facts(&app, &stream).map_err(|error| unreadable(&error))?;
        let then = facts.iter().filter(|fact| until.is_none_or(|(until, _)| fact.position < until));
        let mut events = then.map(shown).collect::<Result<Vec<Value>, Problem>>()?;
        if stream.kind == StreamKind::Concern {
            // A gap in the numbers would tell that a worker wrote something that is not published yet.
            events
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(|event| drop(event.remove("revision")));
        }
        if reader.is_enterprise() {
            events.iter_mut().for_each(withhold);
        }
        if events.is_empty() { Err(ApiRefusal::NotFound.into()) } else { Ok(events) }
    };
    let events = blocking(worker).await?;
    Ok(ok(&json!({ "stream": stream, "events": events })))
}

/// A fact as JSON.
pub(crate) fn shown(fact: &Fact) -> Result<Value, Problem> {
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
    let note = app.checkpoint(anybody.sees_unpublished());
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

/// The read models as they are, or as they were.
pub(crate) enum View<'a> {
    Now(&'a App),
    Then { state: Arc<Projections>, rules: Arc<Rules>, today: Day },
}

impl<'a> View<'a> {
    /// As of a position or a day; now where none is named.
    pub(crate) fn at(app: &'a App, as_of: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = as_of else { return Ok(Self::Now(app)) };
        let (until, today) = moment(app, text)?;
        let ledger = app.office.ledger();
        if until.0 >= ledger.size() && today == ledger.now().day() {
            return Ok(Self::Now(app));
        }
        let state = app.past.at(ledger, until).map_err(|error| unreadable(&error))?;
        Self::of(app, text, state)
    }

    fn of(app: &App, as_of: &str, state: Arc<Projections>) -> Result<Self, Problem> {
        let (until, today) = moment(app, as_of)?;
        let rules = app.office.rules_until(until).map_err(|error| unreadable(&error))?;
        Ok(Self::Then { state, rules, today })
    }

    /// The day on which it is asked.
    pub(crate) fn today(&self) -> Day {
        match self {
            Self::Now(app) => app.office.ledger().now().day(),
            Self::Then { today, .. } => *today,
        }
    }

    /// How many entries of the ledger the read models have taken over.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Now(app) => app.projector.read(|state| state.next().0),
            Self::Then { state, .. } => state.next().0,
        }
    }

    /// Rows of a read model, with what the asker may see of it.
    pub(crate) fn page(&self, asker: Asker, name: &str, filter: &Filter) -> Result<Page<Value>, Problem> {
        let found = match self {
            Self::Now(app) => {
                let rules = app.office.rules();
                app.projector.read(|state| state.query(name, filter, asker, &rules, self.today()))
            }
            Self::Then { state, rules, today } => state.query(name, filter, asker, rules, *today),
        };
        found.map_err(|error| match error {
            ProjectionError::Filter { filter, .. } => {
                Problem::from(ApiRefusal::BadQuery).with("parameter", filter)
            }
            ProjectionError::NotForViewer(_) => ApiRefusal::Forbidden.into(),
            ProjectionError::Unknown(_) => ApiRefusal::NotFound.into(),
            ProjectionError::OutOfOrder { .. }
            | ProjectionError::SnapshotDamaged
            | ProjectionError::SnapshotVersion { .. }
            | ProjectionError::Snapshot(_)
            | ProjectionError::Row(_) => unreadable(&error),
        })
    }
}

/// The page of a read model that was asked for, with what the viewer may see of it.
pub(crate) fn page(app: &App, asker: Asker, name: &str, asked: &Asked) -> Result<Page<Value>, Problem> {
    let mut filter = asked.filter.clone();
    let most = if asked.format.is_some() { export::ROWS_MAX } else { ROWS_MAX };
    filter.limit = Some(filter.limit.unwrap_or(most).min(most));
    let hazard = filter.stream.filter(|stream| of_one_hazard(name, stream));
    let view = match (&asked.as_of, hazard) {
        (Some(text), Some(hazard)) => {
            let (until, _) = moment(app, text)?;
            let state =
                fold_hazard(app.office.ledger(), &hazard, until).map_err(|error| unreadable(&error))?;
            View::of(app, text, Arc::new(state))?
        }
        (as_of, _) => View::at(app, as_of.as_deref())?,
    };
    view.page(asker, name, &filter)
}

/// Whether what a table says of a hazard rests on nothing but that hazard's and its enterprise's streams.
fn of_one_hazard(name: &str, stream: &StreamId) -> bool {
    let alone = ["register", "timeline", "five_in_place", "deadlines", "supervision", "notifications"];
    stream.kind == StreamKind::Hazard && alone.contains(&name)
}

/// Rows of a read model
///
/// 汇总表：register 重大事故隐患清单、timeline 时间线、five_in_place 五落实、deadlines 期限、rewards 奖励、
/// repeat_offenders 反复出现、relief 从轻免罚、supervision 督办、inspections 检查、duty 自查与检查周期、
/// notifications 告知与签收、accountability 倒查追责、inquiries 倒查、enterprises 企业档案、statistics 统计、
/// reward_budget 奖励预算、corroboration 印证。format=csv 或 xlsx 时以文件给出。
///
/// `as_of` is a position or a day, `after` waits until the entry at that position is taken over. Filters, where the table
/// has what they ask for: stream, enterprise, town, sector, origin, status, criterion, grade, overdue, listed, extension,
/// called_for, suspended, next, from, to, kind, clock, standing, ended, in_place, reward_status, report_status, disputed,
/// retaliation, unanswered, unrewarded, year, rule, by, controller, parent, petition, petitioned, relief, to_penalise, found,
/// openable, sealed_by, enforced, risk, missed, inspection_due, vetoed, acknowledged, trigger, inquired, group, contains;
/// `order` is due: what is due first comes first. `format` is csv or xlsx: a file with at most 100,000 rows, and with these
/// `columns` alone (names with commas between) where some are named.
#[utoipa::path(get, path = "/api/v1/projections/{name}", tag = "queries",
    params(("name" = String, Path), ("as_of" = Option<String>, Query), ("after" = Option<u64>, Query),
        ("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query), ("format" = Option<String>, Query), ("columns" = Option<String>, Query), ("contains" = Option<String>, Query)),
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
    let asker = reader.asker(&name).ok_or(ApiRefusal::Forbidden)?;
    let asked = Asked::read(query.as_deref())?;
    if asked.columns.iter().any(|column| labels::column(&name, column).is_none()) {
        return Err(ApiRefusal::BadQuery.into());
    }
    if let Some(after) = asked.after {
        if after >= app.office.ledger().size() {
            return Err(ApiRefusal::BadQuery.into());
        }
        if !app.projector.wait_for(Position(after)).await {
            return Err(ApiRefusal::Stale.into());
        }
    }
    let alone = asked.filter.stream.is_some_and(|stream| of_one_hazard(&name, &stream));
    let turn = app.turn(asked.as_of.as_deref().filter(|_| !alone)).await?;
    let (worker, model) = (Arc::clone(&app), name.clone());
    let (format, as_of, columns) = (asked.format, asked.as_of.clone(), asked.columns.clone());
    let found = blocking(move || {
        let found = page(&worker, asker, &model, &asked);
        drop(turn);
        found
    });
    let found = found.await?;
    if let Some(format) = format {
        let today = match &as_of {
            Some(text) => moment(&app, text)?.1,
            None => app.office.ledger().now().day(),
        };
        return file(format, name, today, found.rows, columns).await;
    }
    Ok(ok(&json!({ "projection": name, "total": found.total, "offset": found.offset, "rows": found.rows })))
}

/// A table as a file.
pub(crate) async fn file(
    format: Format,
    model: String,
    as_of: Day,
    rows: Vec<Value>,
    columns: Vec<String>,
) -> Answered {
    let name = format!("attachment; filename=\"{model}-{as_of}.{}\"", format.ending());
    let write = move || export::write(format, &model, as_of, &rows, &columns);
    let bytes = blocking(move || write().map_err(|error| unreadable(&error))).await?;
    let headers =
        [(header::CONTENT_TYPE, format.media_type().to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((StatusCode::OK, headers, bytes).into_response())
}

/// The rules: what each says, by which document and article, and the packs that ship with their hashes
///
/// 规则：每条的内容、出处、地域、起止和是否有效；规则包的原文与哈希。
#[utoipa::path(get, path = "/api/v1/rules", tag = "rules",
    responses((status = 200, description = "version, packs: id, hash, text; rules: id, title, place, dates, mark, in_force, says")))]
pub(crate) async fn rules(State(app): Shared) -> Answered {
    let rules = app.office.rules();
    let packs: Vec<Value> = rules
        .packs()
        .iter()
        .map(|pack| {
            let adopted = rules.is_adopted(pack.id);
            json!({ "id": pack.id, "hash": pack.hash(), "adopted": adopted, "text": pack.text })
        })
        .collect();
    Ok(ok(&json!({ "version": rules.version(), "packs": packs, "rules": catalogue(&rules) })))
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
    responses((status = 200, description = "ok, size, lock, publishes, read_models; for officers witnesses: cosigned size, trouble, alarms"), (status = 503, description = "As for 200")))]
pub(crate) async fn health(State(app): Shared, anybody: Anybody) -> Answered {
    let (lock, follows) = (app.office.ledger().lock_fault().is_none(), app.projector.is_following());
    let publishes = app.office.ledger().publication_fault().is_none();
    let well = lock && follows && publishes;
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let size = app.visible_size(anybody.sees_unpublished());
    let mut said =
        json!({ "ok": well, "size": size, "lock": lock, "publishes": publishes, "read_models": follows });
    // Who witnesses, and with what trouble, is for those who can do something about it.
    if let (true, Some(witnesses)) = (anybody.sees_unpublished(), app.witnesses()) {
        said["witnesses"] = json!(witnesses.status());
    }
    Ok(json(status, &said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(query: &str) -> String {
        Asked::read(Some(query)).expect_err("read").refusal.code
    }

    #[test]
    fn a_query_that_does_not_fit_is_refused() {
        for query in [
            "columns=place",
            "format=csv&columns=place,place",
            "offset=-1",
            "limit=x",
            "after=",
            "a=1&a=2",
            "a=%zz",
            "a=%ff",
            "a=%00",
        ] {
            assert_eq!(code(query), "api.bad_query", "{query}");
        }
    }

    #[test]
    fn every_other_parameter_is_a_filter_of_its_type() {
        let asked =
            Asked::read(Some("status=closed&listed=true&limit=5&contains=%E7%A4%BA+a")).expect("query");
        assert_eq!(asked.filter.limit, Some(5));
        assert_eq!(asked.filter.status, Some(adit_core::hazard::Status::Closed));
        assert_eq!(asked.filter.listed, Some(true));
        assert_eq!(asked.filter.contains.as_deref(), Some("示 a"));
        for query in ["status=shut", "listed=maybe", "from=2024-02-30", "colour=red", "enterprise=x"] {
            assert_eq!(code(query), "api.bad_query", "{query}");
        }
    }
}
