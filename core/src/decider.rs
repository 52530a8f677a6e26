//! The shape of every stream: `decide` says what follows from a command, `evolve` what is true after an event.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::id::{ActorId, StreamId};
use crate::ledger::entry::Line;
use crate::role::Party;
use crate::rules::Rules;
use crate::units::{Position, Revision, Timestamp};

/// What a decision may know besides state, command and facts: the clock's reading, the rules in force, who signs.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    pub now: Timestamp,
    pub rules: &'a Rules,
    pub by: &'a [Party],
}

/// Where, when and by whom an event was recorded; from the entry and the envelope of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub position: Position,
    pub stream: StreamId,
    pub revision: Revision,
    pub at: Timestamp,
    /// Actors who signed, in order; empty for a reporter or the log.
    pub by: Vec<ActorId>,
}

/// One kind of stream. No I/O, no clock, no randomness.
pub trait Decider {
    type State: Default + Clone;
    type Command;
    type Event: StreamEvent;
    /// What a decision reads in *other* streams. The caller reads it, the event records it as the basis of the
    /// decision, and the revisions read go into the append condition.
    type Facts: Default;
    /// Named after the broken rule; `code()` is the API's code and the key of its words.
    type Rejection: Rejection;

    /// What follows from `command` in `state`.
    fn decide(
        state: &Self::State,
        command: &Self::Command,
        facts: &Self::Facts,
        moment: &Moment<'_>,
    ) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The state after `event`. Total: what has happened cannot be refused.
    fn evolve(state: Self::State, event: &Self::Event, recorded: &Recorded) -> Self::State;
}

/// What the ledger needs to know of an event in order to write its public entry.
pub trait StreamEvent: Serialize + DeserializeOwned + Clone {
    /// The real kind, `hazard.rectified`; stands in the body.
    fn kind(&self) -> &'static str;

    /// The kind in the public entry. Differs only in report and reward streams, where a step without statutory
    /// clock is `report.note` or `reward.note`.
    fn public_kind(&self) -> &'static str {
        self.kind()
    }

    /// Public lines of the entry: keys, grants, clocks.
    fn lines(&self) -> Vec<Line> {
        Vec::new()
    }

    /// Index keys this event touches, as plain text such as `enterprise/<id>`; hashed before they are stored.
    /// A decision that read such a key is refused as a conflict when a later event has touched it.
    fn touches(&self, stream: &StreamId) -> Vec<String> {
        let _ = stream;
        Vec::new()
    }
}

/// A refusal named after the rule it protects.
pub trait Rejection: std::fmt::Debug {
    /// `hazard.already_closed`: the API's code and the key of the words in both languages.
    fn code(&self) -> &'static str;

    /// What the words mention: names and numbers of ours, never what somebody typed.
    fn details(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
}

/// A refusal enum: each case once, with the code that names it, and what its words mention where that differs by case.
macro_rules! refusals {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $case:ident $(($said:ty))? = $code:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $case $(($said))?),* }

        impl $name {
            /// Every case, so that a test finds the words of each.
            pub const ALL: &'static [Self] = &[$(Self::$case $((<$said>::EMPTY))?),*];
        }

        impl $crate::decider::Rejection for $name {
            fn code(&self) -> &'static str {
                match self { $(Self::$case { .. } => $code),* }
            }

            fn details(&self) -> std::collections::BTreeMap<String, String> {
                $($(if let Self::$case(said) = self {
                    let said: &$said = said;
                    return said.details();
                })?)*
                std::collections::BTreeMap::new()
            }
        }
    };
}
pub(crate) use refusals;
