//! What changed, told to whoever looks at a page of the workbench (server-sent events).
//!
//! Told are the streams that this reader may read and no others, and of those the names alone: an enterprise learns of its own
//! hazards, and not even by the time of an event of anything else.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::ledger::log::OpenError;
use adit_core::ledger::vkey::VKey;
use adit_core::units::Position;
use axum::extract::RawQuery;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::unfold;
use serde_json::json;
use tokio::sync::watch;

use super::frame::{Desk, Shown, parameter};
use crate::access::Reader;
use crate::app::App;
use crate::problem::ApiRefusal;
use crate::session::{Session, SessionName};

/// Where pages listen.
pub(crate) const PATH: &str = "/desk/live";
/// Pause after a change, so that what is written together is told together.
const PAUSE_MILLISECONDS: u64 = 300;
/// A page that is further behind is told to look again, and not what it missed: nobody has the whole ledger read for them.
const BEHIND_MAX: u64 = 10_000;
/// Between two signs of life, by which a proxy sees that the connection is not idle.
const ALIVE_SECONDS: u64 = 20;

/// Somebody who looks at a page.
struct Looking {
    app: Weak<App>,
    session: SessionName,
    actor: ActorId,
    vkey: VKey,
    /// It shows a wall: visitors see when it moves.
    wall: bool,
    applied: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    /// Entries below this position were told.
    told: u64,
    over: bool,
}

/// What changed
///
/// 实时变更：有权查看的事项有新条目时告知，只给出编号。
#[utoipa::path(get, path = "/desk/live", tag = "desk", params(("after" = Option<u64>, Query, description = "how many entries the page knows")),
    responses((status = 200, description = "Server-sent events: changed with size and streams; over", content_type = "text/event-stream"),
        (status = 303, description = "Not signed in"), (status = 400, description = "api.bad_query")))]
pub(crate) async fn follow(desk: Desk, RawQuery(query): RawQuery) -> Shown {
    let applied = desk.app.projector.applied();
    let told = match parameter(query.as_deref(), "after") {
        Some(after) => after.parse().map_err(|_| ApiRefusal::BadQuery)?,
        None => *applied.borrow(),
    };
    let closing = desk.app.closing.subscribe();
    let app = Arc::downgrade(&desk.app);
    let Session { name: session, actor, vkey, wall, .. } = desk.session;
    let looking = Looking { app, session, actor, vkey, wall, applied, closing, told, over: false };
    let alive = KeepAlive::new().interval(Duration::from_secs(ALIVE_SECONDS));
    Ok(Sse::new(unfold(looking, next)).keep_alive(alive).into_response())
}

/// The next thing to tell; none once the session is over or the server stops.
async fn next(mut looking: Looking) -> Option<(Result<Event, std::convert::Infallible>, Looking)> {
    loop {
        if looking.over || *looking.closing.borrow() {
            return None;
        }
        let told = looking.told;
        tokio::select! {
            changed = looking.applied.wait_for(|size| *size > told) => { changed.ok()?; }
            _ = looking.closing.changed() => return None,
        }
        tokio::time::sleep(Duration::from_millis(PAUSE_MILLISECONDS)).await;
        let size = *looking.applied.borrow_and_update();
        let app = looking.app.upgrade()?;
        // A session ends with its key, and a role that was revoked reads nothing more.
        let ledger = app.office.ledger();
        let holds = ledger.keys().in_force(&looking.vkey, Position(ledger.size()));
        if !holds || !app.sessions.is_live(&looking.session, ledger.now()) {
            looking.over = true;
            return Some((Ok(Event::default().event("over").data("")), looking));
        }
        let (actor, wall, from) = (looking.actor, looking.wall, looking.told);
        let far = size.saturating_sub(from) > BEHIND_MAX;
        let from = if far { size } else { from };
        let worker = move || changed(&app, actor, wall, from, size);
        let (shown, streams) = tokio::task::spawn_blocking(worker).await.ok()?.ok()?;
        looking.told = size;
        if far || !streams.is_empty() {
            // A wall is told that something changed, and not what.
            let streams = if wall { BTreeSet::new() } else { streams };
            let data = json!({ "size": shown, "streams": streams }).to_string();
            return Some((Ok(Event::default().event("changed").data(data)), looking));
        }
    }
}

/// How many entries this reader may count, and the streams that got some and that they may read.
fn changed(
    app: &App,
    actor: ActorId,
    wall: bool,
    from: u64,
    until: u64,
) -> Result<(u64, BTreeSet<StreamId>), OpenError> {
    let reader = Reader::of(&app.office, actor)?;
    let mut streams = BTreeSet::new();
    app.office.ledger().replay(Position(from), Position(until), |fact| {
        streams.insert(fact.stream);
        Ok::<_, OpenError>(())
    })?;
    let mut mine = BTreeSet::new();
    for stream in streams {
        // A report that arrives moves no wall.
        if wall && ![StreamKind::Hazard, StreamKind::Enterprise].contains(&stream.kind) {
            continue;
        }
        // A stream of which this can't be said is not told of, nor the moment in which a worker writes.
        if stream.kind != StreamKind::Concern
            && reader.may_read_stream(&app.office, &stream)?
            && !reader.is_kept_from(&app.office, &stream).unwrap_or(true)
        {
            mine.insert(stream);
        }
    }
    Ok((app.visible_size(reader.sees_unpublished() && !wall), mine))
}
