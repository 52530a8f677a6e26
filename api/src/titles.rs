//! What accounts are called: the post that was entered when each was enrolled. It never changes, so it is read once.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use adit_core::actor::ActorEvent;
use adit_core::event::Event;
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::ledger::log::{Ledger, OpenError};

/// The posts that were asked for.
#[derive(Default)]
pub(crate) struct Titles(RwLock<HashMap<ActorId, String>>);

impl Titles {
    /// The post of an account; none where the ledger tells none, as of the administrators who opened it.
    pub(crate) fn of(&self, ledger: &Ledger, actor: ActorId) -> Result<Option<String>, OpenError> {
        if let Some(title) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&actor) {
            return Ok(Some(title.clone()));
        }
        let facts = ledger.stream(&StreamId::new(StreamKind::Actor, actor.0))?;
        let title = facts.into_iter().find_map(|fact| {
            if let Event::Actor(ActorEvent::Enrolled(enrol)) = fact.event {
                Some(enrol.title.to_string())
            } else {
                None
            }
        });
        if let Some(title) = &title {
            self.0.write().unwrap_or_else(PoisonError::into_inner).insert(actor, title.clone());
        }
        Ok(title)
    }
}
