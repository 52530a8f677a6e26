//! Read models: each a total fold over facts, one file each.
//!
//! A projection sees no clock, no rule pack, no store and no other projection. It can be thrown away and folded again;
//! a snapshot is a shortcut, never a source. Queries take the day where they need one, and the rules where a threshold is
//! asked for. To ask *as of* a position or a day, fold the facts up to there.
//!
//! Rows leave through [`Projections::query`], which takes a [`Filter`] and an [`Asker`]: what an account may not learn is
//! left out there and nowhere else. The typed `rows` of each model are for the program itself.
//!
//! Limits: fewer than 2^32 facts, streams, or different texts.

pub mod accountability;
pub mod accounts;
mod all;
mod ask;
mod compact;
pub mod concerns;
pub mod conflicts;
pub mod corroboration;
pub mod deadlines;
pub mod docket;
pub mod duty;
pub mod enterprises;
pub mod five_in_place;
pub mod inquiries;
pub mod inspections;
pub mod named;
mod next;
pub mod notifications;
mod reasons;
pub mod register;
pub mod relief;
pub mod repeat_offenders;
pub mod reward_budget;
pub mod rewards;
mod roll;
pub mod search;
mod standing;
pub mod statistics;
pub mod supervision;
pub mod timeline;

pub use all::{NAMES, ProjectionError, Projections, SNAPSHOT_VERSION, takes};
pub use ask::{Asker, Filter, Grade, Group, Order, Page, Viewer};
pub use next::Next;

use adit_core::event::Fact;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A read model.
pub trait Projection: Default + Serialize + DeserializeOwned {
    /// Name on the command line and in the API.
    const NAME: &'static str;

    /// Takes over one fact. Total: what has happened cannot be refused.
    fn apply(&mut self, fact: &Fact);
}
