//! The confidential body of an entry: UTF-8 JSON, stored and hashed as written.
//!
//! `{"salt":"<base64 of 16 bytes>","event":{"type":"…","v":1,"at":"…","by":["…"],"data":{…}},"officers":["<note>"]}`.
//! The salt keeps a short body from being guessed from its hash. `officers` stands in report, reward and
//! access streams only: each officer's own signature over the one-time key that signs the entry; in a filler it is the log's.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::access::AccessEvent;
use crate::actor::ActorEvent;
use crate::concern::ConcernEvent;
use crate::decider::StreamEvent;
use crate::enterprise::EnterpriseEvent;
use crate::event::{Event, InUnion};
use crate::hazard::HazardEvent;
use crate::id::{ActorId, StreamKind};
use crate::inquiry::InquiryEvent;
use crate::inspection::InspectionEvent;
use crate::opening::LedgerEvent;
use crate::report::ReportEvent;
use crate::reward::RewardEvent;
use crate::rulebook::RulesEvent;
use crate::units::Timestamp;

/// Newest version of event data that this software reads.
const VERSION_MAX: u32 = 1;

/// Why bytes are not a body.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the body is not JSON of the expected form: {0}")]
    Form(#[from] serde_json::Error),
    #[error("the body's salt is not 16 bytes in base64")]
    Salt,
    #[error("the body is of version {0}; this software reads up to {VERSION_MAX}: use a newer release")]
    Newer(u32),
}

/// A body that was read.
#[derive(Clone, Debug)]
pub struct Body {
    pub at: Timestamp,
    pub by: Vec<ActorId>,
    pub event: Event,
    pub officers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "E: Deserialize<'de>"))]
struct Outer<'a, E> {
    salt: &'a str,
    event: Envelope<E>,
    #[serde(default)]
    officers: Vec<String>,
}

/// `v`, `at` and `by` in this order, then the event's `type` and `data`: read in one pass.
struct Envelope<E> {
    at: Timestamp,
    by: Vec<ActorId>,
    event: E,
}

impl<'de, E: Deserialize<'de>> Deserialize<'de> for Envelope<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor(PhantomData))
    }
}

struct EnvelopeVisitor<E>(PhantomData<E>);

impl<'de, E: Deserialize<'de>> Visitor<'de> for EnvelopeVisitor<E> {
    type Value = Envelope<E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event with v, at, by, type and data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let version: u32 = field(&mut map, "v")?;
        if version > VERSION_MAX {
            return Err(A::Error::custom(format_args!("version {version}")));
        }
        let (at, by) = (field(&mut map, "at")?, field(&mut map, "by")?);
        let event = E::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Envelope { at, by, event })
    }
}

/// The value of the next field, which must have this name.
fn field<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    map: &mut A,
    name: &'static str,
) -> Result<T, A::Error> {
    match map.next_key::<&str>()? {
        Some(found) if found == name => map.next_value(),
        _ => Err(A::Error::missing_field(name)),
    }
}

/// The version alone, to tell a body of a newer release from one that is damaged.
#[derive(Deserialize)]
struct Versioned {
    event: Version,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Serialize)]
struct WriteOuter<'a, E> {
    salt: String,
    event: WriteEnvelope<'a, E>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    officers: &'a [String],
}

#[derive(Serialize)]
struct WriteEnvelope<'a, E> {
    v: u32,
    at: Timestamp,
    by: &'a [ActorId],
    #[serde(flatten)]
    event: &'a E,
}

impl Body {
    /// The bytes of a body.
    ///
    /// # Errors
    /// When the event can't be written as JSON, which no event of ours causes.
    pub fn write(
        salt: [u8; 16],
        at: Timestamp,
        by: &[ActorId],
        event: &impl StreamEvent,
        officers: &[String],
    ) -> Result<Vec<u8>, serde_json::Error> {
        let event = WriteEnvelope { v: VERSION_MAX, at, by, event };
        serde_json::to_vec(&WriteOuter { salt: STANDARD.encode(salt), event, officers })
    }

    /// Reads the body of an entry in a stream of `kind`, after its hash was checked.
    ///
    /// # Errors
    /// An unknown type, or data that does not fit it: the reader stops and never skips.
    pub fn read(kind: StreamKind, bytes: &[u8]) -> Result<Self, BodyError> {
        match kind {
            StreamKind::Hazard => Self::read_as::<HazardEvent>(bytes),
            StreamKind::Report => Self::read_as::<ReportEvent>(bytes),
            StreamKind::Reward => Self::read_as::<RewardEvent>(bytes),
            StreamKind::Enterprise => Self::read_as::<EnterpriseEvent>(bytes),
            StreamKind::Inspection => Self::read_as::<InspectionEvent>(bytes),
            StreamKind::Inquiry => Self::read_as::<InquiryEvent>(bytes),
            StreamKind::Concern => Self::read_as::<ConcernEvent>(bytes),
            StreamKind::Access => Self::read_as::<AccessEvent>(bytes),
            StreamKind::Actor => Self::read_as::<ActorEvent>(bytes),
            StreamKind::Rules => Self::read_as::<RulesEvent>(bytes),
            StreamKind::Ledger => Self::read_as::<LedgerEvent>(bytes),
        }
    }

    fn read_as<E: DeserializeOwned + InUnion>(bytes: &[u8]) -> Result<Self, BodyError> {
        let outer: Outer<'_, E> =
            serde_json::from_slice(bytes).map_err(|error| {
                match serde_json::from_slice::<Versioned>(bytes) {
                    Ok(Versioned { event: Version { v } }) if v > VERSION_MAX => BodyError::Newer(v),
                    Ok(_) | Err(_) => BodyError::Form(error),
                }
            })?;
        let mut salt = [0; 18];
        if STANDARD.decode_slice(outer.salt, &mut salt) != Ok(16) {
            return Err(BodyError::Salt);
        }
        let Envelope { at, by, event } = outer.event;
        Ok(Self { at, by, event: event.into_event(), officers: outer.officers })
    }
}
