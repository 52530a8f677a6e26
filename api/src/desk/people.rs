//! Who is who: accounts by their posts. No person's name stands in the ledger.

use adit_core::enterprise::EnterpriseEvent;
use adit_core::event::Event;
use adit_core::id::{ActorId, StreamId};
use adit_core::ledger::vkey::VKey;
use adit_core::role::Role;
use adit_core::units::Position;

use crate::app::App;
use crate::posts::post;

/// How much of an id stands for an account without a post.
const ID_CHARS: usize = 8;

/// What an account is called: by its post, or by the beginning of its id where there is none, or none can be read.
pub(crate) fn title(app: &App, actor: ActorId) -> String {
    called(post(app, actor).ok().flatten().as_deref(), actor)
}

/// A post; the beginning of the id where there is none.
pub(crate) fn called(post: Option<&str>, actor: ActorId) -> String {
    post.map_or_else(|| actor.to_string().chars().take(ID_CHARS).collect(), str::to_owned)
}

/// The name of an enterprise, as it was registered; its id where the ledger tells none.
pub(crate) fn enterprise(app: &App, stream: &StreamId) -> String {
    let facts = app.office.ledger().stream(stream).unwrap_or_default();
    let name = facts.into_iter().find_map(|fact| {
        if let Event::Enterprise(EnterpriseEvent::Registered(register)) = fact.event {
            Some(register.name)
        } else {
            None
        }
    });
    name.map_or_else(|| stream.to_string(), |name| name.to_string())
}

/// Accounts whose keys hold a role now, in the order of their enrolment.
pub(crate) fn with_role(app: &App, role: Role) -> Vec<(ActorId, VKey)> {
    let ledger = app.office.ledger();
    let (keys, now) = (ledger.keys(), Position(ledger.size()));
    let held = keys.with_role(role).filter(|(_, state)| state.in_force(now));
    let mut found: Vec<(Position, ActorId, VKey)> =
        held.filter_map(|(key, state)| Some((state.introduced, keys.actor_of(key)?, key.clone()))).collect();
    found.sort();
    found.into_iter().map(|(_, actor, key)| (actor, key)).collect()
}
