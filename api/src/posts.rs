//! What accounts are called: the post that was entered when each was enrolled. It never changes.

use adit_core::actor::ActorEvent;
use adit_core::event::Event;
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::ledger::log::OpenError;

use crate::app::App;

/// The post of an account; none where the ledger tells none, as of the administrators who opened it.
///
/// # Errors
/// What the ledger holds can't be read.
pub(crate) fn post(app: &App, actor: ActorId) -> Result<Option<String>, OpenError> {
    if let Some(post) = app.projector.read(|state| state.accounts.post(actor).map(str::to_owned)) {
        return Ok(Some(post));
    }
    // Whoever was enrolled just now may not stand in the read models yet.
    let facts = app.office.ledger().stream(&StreamId::new(StreamKind::Actor, actor.0))?;
    Ok(facts.into_iter().find_map(|fact| {
        if let Event::Actor(ActorEvent::Enrolled(enrol)) = fact.event {
            Some(enrol.title.to_string())
        } else {
            None
        }
    }))
}
