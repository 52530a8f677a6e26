//! What somebody else recorded while a form was open: shown before anything is signed, so that nobody answers what was answered already.

use adit_core::id::StreamId;
use adit_core::units::Position;

use super::frame::Desk;
use super::people;
use crate::access;
use crate::problem::{Problem, unreadable};

/// One entry that the form does not know.
#[derive(Clone)]
pub(crate) struct Meanwhile {
    pub(crate) kind: String,
    pub(crate) by: String,
    pub(crate) at: String,
}

/// Position of the newest entry of a stream, which a form brings back as `_seen`; empty where there is no stream yet.
pub(crate) fn newest(desk: &Desk, stream: Option<&StreamId>) -> Result<String, Problem> {
    let Some(stream) = stream else { return Ok(String::new()) };
    let facts = access::facts(&desk.app, stream).map_err(|error| unreadable(&error))?;
    Ok(facts.last().map(|fact| fact.position.to_string()).unwrap_or_default())
}

/// What others recorded in a stream behind the entry that a form knows.
pub(crate) fn since(desk: &Desk, stream: Option<&StreamId>, seen: &str) -> Result<Vec<Meanwhile>, Problem> {
    let (Some(stream), Ok(seen)) = (stream, seen.parse().map(Position)) else { return Ok(Vec::new()) };
    let facts = access::facts(&desk.app, stream).map_err(|error| unreadable(&error))?;
    let own = desk.session.actor;
    let others = facts.iter().filter(|fact| fact.position > seen && !fact.by.contains(&own));
    let told = others.map(|fact| {
        let by: Vec<String> = fact.by.iter().map(|actor| people::title(&desk.app, *actor)).collect();
        Meanwhile {
            kind: desk.w.kind(fact.event.kind()),
            by: by.join(desk.w.t("base.and")),
            at: super::stream::moment(fact),
        }
    });
    Ok(told.collect())
}
