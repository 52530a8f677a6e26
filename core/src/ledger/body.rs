//! The confidential body of an entry: UTF-8 JSON, stored and hashed as written.
//!
//! `{"salt":"<base64 of 16 bytes>","event":{"type":"…","v":1,"at":"…","by":["…"],"data":{…}},"officers":["<note>"]}`.
//! The salt keeps a short body from being guessed from its hash. `officers` stands in report and reward streams
//! only: each officer's own signature over the one-time key that signs the entry.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::decider::StreamEvent;
use crate::id::ActorId;
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
pub struct Body<'a> {
    pub kind: &'a str,
    pub at: Timestamp,
    pub by: Vec<ActorId>,
    /// The whole `event` object as text, with `type` and `data`.
    pub event: &'a str,
    pub officers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer<'a> {
    salt: &'a str,
    #[serde(borrow)]
    event: &'a RawValue,
    #[serde(default)]
    officers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    r#type: &'a str,
    v: u32,
    at: Timestamp,
    by: Vec<ActorId>,
    #[serde(rename = "data")]
    _data: serde::de::IgnoredAny,
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

impl<'a> Body<'a> {
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

    /// Reads a body whose hash was checked.
    pub fn read(bytes: &'a [u8]) -> Result<Self, BodyError> {
        let outer: Outer<'a> = serde_json::from_slice(bytes)?;
        if STANDARD.decode(outer.salt).map_or(0, |salt| salt.len()) != 16 {
            return Err(BodyError::Salt);
        }
        let event = outer.event.get();
        let envelope: Envelope<'a> = serde_json::from_str(event)?;
        if envelope.v > VERSION_MAX {
            return Err(BodyError::Newer(envelope.v));
        }
        let Envelope { r#type: kind, at, by, .. } = envelope;
        Ok(Self { kind, at, by, event, officers: outer.officers })
    }
}
