//! Who opened what is sealed, and who took confidential bodies out: each opening and export stands in the ledger before it takes place.
//!
//! For those who look into it, never for those to whom reports are sealed: they are the ones of whom it tells. What is kept from
//! the reader in person is left out here, too.

use adit_core::access::AccessEvent;
use adit_core::event::Event;
use adit_core::id::{StreamId, StreamKind};
use adit_core::units::Position;
use adit_projections::Filter;
use askama::Template;
use axum::extract::RawQuery;

use super::frame::{Desk, Frame, Link, Shown, render, stream_address};
use super::people;
use super::stream::heading;
use crate::handlers::blocking;
use crate::handlers::queries::Asked;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Accesses on one page.
const PAGE_ROWS: usize = 50;
/// Streams of one export that are named.
const NAMED_MAX: usize = 5;

struct Access {
    position: Position,
    at: String,
    by: String,
    what: String,
    of: Vec<Link>,
    because: String,
}

#[derive(Template)]
#[template(path = "desk/reads.html")]
struct Reads {
    frame: Frame,
    from: String,
    to: String,
    total: usize,
    rows: Vec<Access>,
    before: Option<String>,
    next: Option<String>,
}

/// Who opened what
///
/// 查阅审计：拆阅密封材料、带出内容的全部记录，最近的在前。
#[utoipa::path(get, path = "/desk/reads", tag = "desk",
    params(("from" = Option<String>, Query), ("to" = Option<String>, Query), ("offset" = Option<u64>, Query)),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 400, description = "api.bad_query"), (status = 403, description = "api.forbidden")))]
pub(crate) async fn show(desk: Desk, RawQuery(query): RawQuery) -> Shown {
    if !desk.reader.may_read(StreamKind::Access) {
        return Err(ApiRefusal::Forbidden.into());
    }
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(query.as_deref().unwrap_or_default()).map_err(|_| ApiRefusal::BadQuery)?;
    let given: Vec<(String, String)> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let asked = Asked::read(Some(&serde_urlencoded::to_string(given).unwrap_or_default()))?;
    if asked.filter.given().iter().any(|name| !["from", "to"].contains(name)) {
        return Err(ApiRefusal::BadQuery.into());
    }
    let filter = Filter { limit: Some(PAGE_ROWS), ..asked.filter };
    render(&blocking(move || page(&desk, &filter)).await?)
}

fn page(desk: &Desk, filter: &Filter) -> Result<Reads, Problem> {
    let (app, w) = (&desk.app, desk.w);
    let found =
        app.projector.read(|state| state.timeline.accesses(filter, state.conflicts.of(desk.reader.actor)));
    let mut rows = Vec::new();
    for position in &found.rows {
        let fact = app.office.ledger().fact(*position).map_err(|error| unreadable(&error))?;
        let Some(fact) = fact else { continue };
        let Event::Access(access) = &fact.event else { continue };
        let (what, streams, because) = match access {
            AccessEvent::Opened(open) => {
                let many = open.blobs.len().to_string();
                (w.fill("reads.opened", &[("n", &many)]), vec![open.report], String::new())
            }
            AccessEvent::Exported(export) => {
                let many = export.bodies.to_string();
                let because = export.because.as_ref().map(ToString::to_string).unwrap_or_default();
                let details = [("n", many.as_str()), ("file", export.file.as_str())];
                (w.fill("reads.exported", &details), export.streams.clone(), because)
            }
            AccessEvent::Filler(_) => continue,
        };
        let by: Vec<String> = fact.by.iter().map(|actor| people::title(app, *actor)).collect();
        rows.push(Access {
            position: fact.position,
            at: fact.at.local(),
            by: by.join(w.t("base.and")),
            what,
            of: streams.iter().take(NAMED_MAX).map(|stream| link(desk, stream)).collect(),
            because,
        });
    }
    let turn = |offset: usize| {
        let mut pairs = vec![("offset", offset.to_string())];
        pairs.extend(filter.from.map(|day| ("from", day.to_string())));
        pairs.extend(filter.to.map(|day| ("to", day.to_string())));
        format!("/desk/reads?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
    };
    let end = found.offset.saturating_add(found.rows.len());
    Ok(Reads {
        frame: Frame::of(desk),
        from: filter.from.map(|day| day.to_string()).unwrap_or_default(),
        to: filter.to.map(|day| day.to_string()).unwrap_or_default(),
        total: found.total,
        rows,
        before: (found.offset > 0).then(|| turn(found.offset.saturating_sub(PAGE_ROWS))),
        next: (end < found.total).then(|| turn(end)),
    })
}

fn link(desk: &Desk, stream: &StreamId) -> Link {
    let may = desk.reader.may_read(stream.kind);
    Link {
        href: if may { stream_address(&stream.to_string()) } else { String::new() },
        text: heading(desk, stream),
    }
}
