//! Every event of every stream, and the fact that one was recorded.

use crate::access::AccessEvent;
use crate::actor::ActorEvent;
use crate::concern::ConcernEvent;
use crate::decider::{Recorded, StreamEvent};
use crate::enterprise::EnterpriseEvent;
use crate::hazard::HazardEvent;
use crate::id::{ActorId, StreamId};
use crate::inquiry::InquiryEvent;
use crate::inspection::InspectionEvent;
use crate::ledger::body::{Body, BodyError};
use crate::ledger::entry::{Entry, Line};
use crate::ledger::store::Stored;
use crate::opening::LedgerEvent;
use crate::report::ReportEvent;
use crate::reward::RewardEvent;
use crate::rulebook::RulesEvent;
use crate::units::{Day, Position, Revision, Timestamp};

/// An event of any stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Hazard(HazardEvent),
    Report(ReportEvent),
    Reward(RewardEvent),
    Enterprise(EnterpriseEvent),
    Inspection(InspectionEvent),
    Actor(ActorEvent),
    Rules(RulesEvent),
    Ledger(LedgerEvent),
    Inquiry(InquiryEvent),
    Access(AccessEvent),
    Concern(ConcernEvent),
}

/// Calls the same method of whichever stream's event it is.
macro_rules! each {
    ($event:expr, $inner:ident => $call:expr) => {
        match $event {
            Event::Hazard($inner) => $call,
            Event::Report($inner) => $call,
            Event::Reward($inner) => $call,
            Event::Enterprise($inner) => $call,
            Event::Inspection($inner) => $call,
            Event::Actor($inner) => $call,
            Event::Rules($inner) => $call,
            Event::Ledger($inner) => $call,
            Event::Inquiry($inner) => $call,
            Event::Access($inner) => $call,
            Event::Concern($inner) => $call,
        }
    };
}

impl Event {
    /// The real kind, as it stands in the body.
    pub fn kind(&self) -> &'static str {
        each!(self, event => event.kind())
    }

    /// The kind in the public entry.
    pub fn public_kind(&self) -> &'static str {
        each!(self, event => event.public_kind())
    }

    /// Whether nothing happened: an access entry that stands there for the sake of the others.
    pub fn is_filler(&self) -> bool {
        AccessEvent::of(self).is_some_and(AccessEvent::is_filler)
    }

    /// Public lines of the entry.
    pub fn lines(&self) -> Vec<Line> {
        each!(self, event => event.lines())
    }

    /// Index keys as plain text.
    pub fn touches(&self, stream: &StreamId) -> Vec<String> {
        each!(self, event => event.touches(stream))
    }

    /// The event as JSON, `{"type":…,"data":{…}}`.
    pub fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        each!(self, event => serde_json::to_value(event))
    }

    /// The body's bytes for this event.
    pub fn write_body(
        &self,
        salt: [u8; 16],
        at: Timestamp,
        by: &[ActorId],
        officers: &[String],
    ) -> Result<Vec<u8>, serde_json::Error> {
        each!(self, event => Body::write(salt, at, by, event, officers))
    }
}

/// One recorded event: what the public entry says, and what the body holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub position: Position,
    pub stream: StreamId,
    pub revision: Revision,
    /// The day on the entry.
    pub day: Day,
    /// The second of signing.
    pub at: Timestamp,
    /// Actors who signed, in order; empty for a reporter or the log.
    pub by: Vec<ActorId>,
    /// Public lines of the entry.
    pub lines: Vec<Line>,
    pub event: Event,
}

/// A stored entry or body that this version can't read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("the entry at position {0} is not one of this format; run `adit verify` to find the damage")]
    Entry(Position),
    #[error("the body at position {position} can't be read by this version: {source}")]
    Body { position: Position, source: BodyError },
    #[error("the body at position {0} is not the one whose hash was signed; run `adit verify`")]
    Hash(Position),
}

impl Fact {
    /// Decodes what the store holds, after checking that the body is the one whose hash was signed.
    pub fn decode(stored: &Stored) -> Result<Self, DecodeError> {
        let position = stored.position;
        let entry = Entry::of_stored(&stored.entry).map_err(|_| DecodeError::Entry(position))?;
        if *blake3::hash(&stored.body).as_bytes() != entry.body {
            return Err(DecodeError::Hash(position));
        }
        let body = Body::read(entry.stream.kind, &stored.body)
            .map_err(|source| DecodeError::Body { position, source })?;
        Ok(Self {
            position,
            stream: entry.stream,
            revision: entry.revision,
            day: entry.day,
            at: body.at,
            by: body.by,
            lines: entry.lines,
            event: body.event,
        })
    }

    pub fn recorded(&self) -> Recorded {
        Recorded {
            position: self.position,
            stream: self.stream,
            revision: self.revision,
            at: self.at,
            by: self.by.clone(),
        }
    }
}

/// One stream's event as a case of [`Event`].
pub trait InUnion: StreamEvent + Send + Sync + 'static {
    fn of(event: &Event) -> Option<&Self>;
    fn into_event(self) -> Event;
}

macro_rules! in_union {
    ($($case:ident($event:ty)),* $(,)?) => {$(
        impl InUnion for $event {
            fn of(event: &Event) -> Option<&Self> {
                if let Event::$case(inner) = event { Some(inner) } else { None }
            }

            fn into_event(self) -> Event {
                Event::$case(self)
            }
        }
    )*};
}

in_union! {
    Access(AccessEvent),
    Concern(ConcernEvent),
    Inquiry(InquiryEvent),
    Hazard(HazardEvent),
    Report(ReportEvent),
    Reward(RewardEvent),
    Enterprise(EnterpriseEvent),
    Inspection(InspectionEvent),
    Actor(ActorEvent),
    Rules(RulesEvent),
    Ledger(LedgerEvent),
}
