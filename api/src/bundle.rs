//! Evidence bundles for whoever may have them: who asks decides what goes in, here and in [`crate::access`] alone.

use std::collections::BTreeSet;

use adit_core::event::Fact;
use adit_core::id::StreamId;
use adit_core::office::Office;
use adit_core::office::bundle::{BundleFailure, Made, Wanted};

use crate::access::Reader;

/// The page that verifies a bundle in a browser; `api/build.rs` makes it.
pub const VIEWER: &str = include_str!(concat!(env!("OUT_DIR"), "/viewer.html"));
/// Most streams of one bundle.
pub const STREAMS_MAX: usize = 64;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub streams: &'a [StreamId],
    pub entries_only: bool,
    /// The trust policy, byte for byte.
    pub policy: Option<&'a [u8]>,
}

/// Why no bundle was made.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("this account may not have {0} in a bundle")]
    Forbidden(StreamId),
    #[error(transparent)]
    Failure(#[from] BundleFailure),
}

/// A bundle for `reader`, or for whoever holds the ledger itself.
pub fn make(office: &Office, reader: Option<&Reader>, asked: Asked<'_>) -> Result<Made, Refused> {
    let mut with_bodies = BTreeSet::new();
    for stream in asked.streams {
        let read = |reader: &Reader| reader.may_read_stream(office, stream).map_err(BundleFailure::from);
        if reader.map_or(Ok(true), read)? {
            with_bodies.insert(*stream);
        } else if !reader.is_some_and(|reader| reader.may_audit(stream.kind)) {
            return Err(Refused::Forbidden(*stream));
        }
    }
    // Streams that are there for their keys or rules have their bodies where every stream of their kind may be read.
    let supports = |reader: &Reader, fact: &Fact| {
        !reader.is_enterprise() && !asked.streams.contains(&fact.stream) && reader.may_read(fact.stream.kind)
    };
    let may_have = |fact: &Fact| {
        let seen = |reader: &Reader| {
            (with_bodies.contains(&fact.stream) || supports(reader, fact)) && reader.may_take(&fact.event)
        };
        !asked.entries_only && reader.is_none_or(seen)
    };
    let made = office.bundle(&Wanted {
        streams: asked.streams,
        published_only: reader.is_some_and(|reader| !reader.sees_unpublished()),
        may_have: &may_have,
        policy: asked.policy,
        viewer: VIEWER,
    })?;
    leaves(&made);
    Ok(made)
}

/// The one place that every bundle passes before a byte of it goes out; what must be recorded of an export is recorded here.
fn leaves(made: &Made) {
    tracing::info!(entries = made.entries, bodies = made.bodies.len(), "an evidence bundle leaves");
}
