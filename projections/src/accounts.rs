//! Accounts by their posts. No person's name stands in the ledger: only the post that was entered when each was enrolled.

use adit_core::actor::ActorEvent;
use adit_core::event::{Event, Fact};
use adit_core::id::{ActorId, StreamKind};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::compact::{Key, Table};

/// The post of each account; none where no entry tells it, as of the administrators who opened the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accounts {
    posts: Table<Key, Option<Box<str>>>,
}

impl Accounts {
    pub fn post(&self, actor: ActorId) -> Option<&str> {
        self.posts.get(&Key::of_actor(actor))?.as_deref()
    }

    /// Everybody, the newest first.
    pub fn all(&self) -> impl Iterator<Item = (ActorId, Option<&str>)> {
        let rows = (0..self.posts.len()).rev().filter_map(|row| self.posts.at(row));
        rows.map(|(key, post)| (ActorId(key.stream(StreamKind::Actor).id), post.as_deref()))
    }
}

impl Projection for Accounts {
    const NAME: &'static str = "accounts";

    fn apply(&mut self, fact: &Fact) {
        let Event::Actor(event) = &fact.event else { return };
        let row = self.posts.row(Key::of(&fact.stream), || None);
        if let (ActorEvent::Enrolled(enrol), Some(post)) = (event, self.posts.at_mut(row)) {
            *post = Some(enrol.title.as_str().into());
        }
    }
}
