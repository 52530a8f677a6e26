//! What was done in one's own name: every key, and every signature. The actor is that of the session and nobody else's; there
//! is no parameter for another, whatever one's role.

use std::sync::Arc;

use adit_core::id::ActorId;
use adit_core::ledger::keyring::KeyState;
use adit_core::ledger::vkey::VKey;
use adit_core::units::Position;
use adit_projections::{Filter, Page};
use axum::extract::{RawQuery, State};
use serde_json::{Value, json};

use super::queries::{Asked, ROWS_MAX, file, moment};
use super::{Answered, Shared, blocking, ok};
use crate::app::App;
use crate::export;
use crate::extract::SignedIn;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// What may be asked besides `as_of`, `format` and the page.
const TAKES: [&str; 3] = ["stream", "from", "to"];

/// Every key of one's own
///
/// 本人的全部密钥：何时登记、何时终止、角色、收件公钥。只限本人。
///
/// Of whoever is signed in, and of nobody else. Keys that were made for one entry stand with their signature in
/// `/api/v1/me/signatures`.
#[utoipa::path(get, path = "/api/v1/me/keys", tag = "queries",
    params(("format" = Option<String>, Query)),
    responses((status = 200, description = "actor, total, offset, rows: key, introduced, last, in_force, roles, recipient"),
        (status = 401, description = "api.not_signed_in")))]
pub(crate) async fn keys(
    State(app): Shared,
    SignedIn { session, .. }: SignedIn,
    RawQuery(query): RawQuery,
) -> Answered {
    let asked = own(Asked::read(query.as_deref())?, &[])?;
    if asked.as_of.is_some() {
        return Err(Problem::from(ApiRefusal::BadQuery).with("parameter", "as_of"));
    }
    let ledger = app.office.ledger();
    let (ring, size) = (ledger.keys(), ledger.size());
    let row = |(key, state): (&VKey, &KeyState)| {
        json!({
            "key": key, "introduced": state.introduced, "last": state.last,
            "in_force": ring.in_force(key, Position(size)), "roles": state.roles,
            "recipient": state.recipients.last().map(|(_, age)| age),
        })
    };
    let keys = ring.of_actor(session.actor);
    let (total, offset) = (keys.len(), asked.filter.offset);
    let limit = asked.filter.limit.unwrap_or(ROWS_MAX).min(ROWS_MAX);
    let rows = keys.into_iter().skip(offset).take(limit).map(row).collect();
    answer(&app, session.actor, "keys", &asked, Page { total, offset, rows }).await
}

/// Every signature that was made in one's name
///
/// 以本人名义作出的全部签名：位置、事项、种类、日期和时刻、所用密钥（长期或一次性）、角色。只限本人；不含任何内容。
///
/// Of whoever is signed in, and of nobody else; also in streams that they may not read, of which it tells the id and the public
/// kind and nothing more. A row without `key` names a signature that is not there. Filters: stream, from, to.
#[utoipa::path(get, path = "/api/v1/me/signatures", tag = "queries",
    params(("as_of" = Option<String>, Query), ("offset" = Option<u64>, Query), ("limit" = Option<u64>, Query),
        ("stream" = Option<String>, Query), ("from" = Option<String>, Query), ("to" = Option<String>, Query), ("format" = Option<String>, Query)),
    responses((status = 200, description = "actor, total, offset, rows: position, stream, revision, kind, day, at, key, one_time, roles"),
        (status = 401, description = "api.not_signed_in")))]
pub(crate) async fn signatures(
    State(app): Shared,
    SignedIn { session, reader }: SignedIn,
    RawQuery(query): RawQuery,
) -> Answered {
    let asked = own(Asked::read(query.as_deref())?, &TAKES)?;
    let actor = session.actor;
    let visible = Position(app.visible_size(reader.sees_unpublished()));
    let until = asked.as_of.as_deref().map(|text| moment(&app, text)).transpose()?;
    let until = until.map_or(visible, |(until, _)| until.min(visible));
    let most = if asked.format.is_some() { export::ROWS_MAX } else { ROWS_MAX };
    let filter = Filter { limit: Some(asked.filter.limit.unwrap_or(most).min(most)), ..asked.filter.clone() };
    // Whoever has just signed finds the signature.
    if let Some(newest) = until.0.checked_sub(1)
        && !app.projector.wait_for(Position(newest)).await
    {
        return Err(ApiRefusal::Stale.into());
    }
    let worker = Arc::clone(&app);
    let page = blocking(move || {
        let found = worker.projector.read(|state| state.timeline.signed_by(actor, &filter, until));
        let signed = worker.office.ledger().signed_by(actor, &found.rows);
        let signed = signed.map_err(|error| unreadable(&error))?;
        let rows = signed.iter().map(serde_json::to_value).collect::<Result<_, _>>();
        Ok(Page { total: found.total, offset: found.offset, rows: rows.map_err(|error| unreadable(&error))? })
    });
    let page = page.await?;
    answer(&app, actor, "signatures", &asked, page).await
}

/// A question about oneself takes these filters and no others.
fn own(asked: Asked, takes: &[&str]) -> Result<Asked, Problem> {
    match asked.filter.given().into_iter().find(|given| !takes.contains(given)) {
        Some(other) => Err(Problem::from(ApiRefusal::BadQuery).with("parameter", other)),
        None => Ok(asked),
    }
}

async fn answer(app: &App, actor: ActorId, table: &str, asked: &Asked, page: Page<Value>) -> Answered {
    if let Some(format) = asked.format {
        return file(format, table.to_owned(), app.office.ledger().now().day(), page.rows, Vec::new()).await;
    }
    Ok(ok(&json!({ "actor": actor, "total": page.total, "offset": page.offset, "rows": page.rows })))
}
