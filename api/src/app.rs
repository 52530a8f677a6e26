//! What the handlers share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use adit_core::actor::ActorEvent;
use adit_core::command::Request;
use adit_core::event::Event;
use adit_core::id::{ActorId, Id, StreamId, StreamKind};
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::{Office, Prepared};
use adit_core::units::Timestamp;

use crate::keystore::Keystore;
use crate::projector::{Projector, ProjectorError};
use crate::session::Sessions;

/// Seconds for which a command waits for its second signer, or a prepared text for its signatures (`formats.md`: 24 h).
pub(crate) const WAITING_SECONDS: i64 = 24 * 3600;
/// Most commands that wait at once.
pub(crate) const WAITING_MAX: usize = 10_000;

/// One running ledger with its web server's memory.
pub struct App {
    pub office: Arc<Office>,
    pub projector: Arc<Projector>,
    pub keystore: Keystore,
    pub(crate) sessions: Sessions,
    pub(crate) waiting: Mutex<HashMap<Id, Waiting>>,
}

/// A command that is not in the ledger yet.
pub(crate) struct Waiting {
    pub(crate) since: Timestamp,
    pub(crate) what: Awaited,
}

pub(crate) enum Awaited {
    /// The second officer's consent; both keys sign then.
    Second { request: Box<Request>, first: ActorId, key: Arc<SigningKey>, second: ActorId },
    /// Signatures that are made elsewhere.
    Notes(Box<Prepared>),
}

impl App {
    pub fn new(office: Office, keystore: Keystore) -> Result<Arc<Self>, ProjectorError> {
        let projector = Projector::start(office.ledger())?;
        let (sessions, waiting) = (Sessions::default(), Mutex::default());
        Ok(Arc::new(Self { office: Arc::new(office), projector, keystore, sessions, waiting }))
    }

    /// The reader behind an actor, as the ledger knows them now.
    pub(crate) fn reader(&self, actor: ActorId) -> crate::access::Reader {
        let ledger = self.office.ledger();
        let keys = ledger.keys();
        let position = adit_core::units::Position(ledger.size());
        let mut roles = Vec::new();
        for key in keys.keys_of(actor, position) {
            roles.extend(keys.roles(&key));
        }
        let facts = ledger.stream(&StreamId::new(StreamKind::Actor, actor.0)).unwrap_or_default();
        let acts_for = facts.iter().find_map(|fact| {
            if let Event::Actor(ActorEvent::Enrolled(enrol)) = &fact.event { enrol.acts_for } else { None }
        });
        crate::access::Reader { roles, acts_for }
    }
}
