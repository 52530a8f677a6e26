//! Evidence bundles for whoever may have them: who asks decides what goes in, here and in [`crate::access`] alone.

use std::collections::BTreeSet;

use adit_core::access::{AccessCommand, Export};
use adit_core::command::{Command, Request};
use adit_core::event::Fact;
use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::office::bundle::{BundleFailure, Made, Wanted};
use adit_core::office::{ExecuteError, Office};
use adit_core::text::Text;

use crate::access::Reader;

/// The page that verifies a bundle in a browser; `api/build.rs` makes it.
pub const VIEWER: &str = include_str!(concat!(env!("OUT_DIR"), "/viewer.html"));
/// Most streams of one bundle.
pub const STREAMS_MAX: usize = 64;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub streams: &'a [StreamId],
    pub entries_only: bool,
    /// The trust policy, byte for byte.
    pub policy: Option<&'a [u8]>,
    /// Who answers for it where confidential bodies go out.
    pub signer: Option<&'a SigningKey>,
}

/// Why no bundle was made.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("this account may not have {0} in a bundle")]
    Forbidden(StreamId),
    #[error(
        "bodies of reports, rewards, inquiries, accesses or internal reports go out in somebody's name: an officer's key must sign for them"
    )]
    NoSigner,
    #[error("the export could not be recorded, so nothing goes out: {0}")]
    NotRecorded(ExecuteError),
    #[error(transparent)]
    Failure(#[from] BundleFailure),
}

/// A bundle for `reader`, or for whoever holds the ledger itself.
pub fn make(office: &Office, reader: Option<&Reader>, asked: Asked<'_>) -> Result<Made, Refused> {
    let mut with_bodies = BTreeSet::new();
    for stream in asked.streams {
        if reader
            .map_or(Ok(false), |reader| reader.is_kept_from(office, stream))
            .map_err(BundleFailure::from)?
        {
            return Err(BundleFailure::Nothing(*stream).into());
        }
        // An enterprise reads its internal reports on its pages; a file of them would go from hand to hand.
        if reader.is_some() && stream.kind == StreamKind::Concern {
            return Err(Refused::Forbidden(*stream));
        }
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
    leaves(office, &asked, &made)?;
    Ok(made)
}

/// Everything of an internal report for the worker who made it and brings its secret: what they show to inspectors proves which enterprise
/// was told what, and when.
pub(crate) fn of_worker(office: &Office, concern: StreamId) -> Result<Made, BundleFailure> {
    let may_have = |fact: &Fact| fact.stream == concern;
    let streams = [concern];
    office.bundle(&Wanted {
        streams: &streams,
        published_only: false,
        may_have: &may_have,
        policy: None,
        viewer: VIEWER,
    })
}

/// Whether it is recorded when bodies of streams of this kind go out.
pub fn is_confidential(kind: StreamKind) -> bool {
    match kind {
        StreamKind::Report
        | StreamKind::Reward
        | StreamKind::Inquiry
        | StreamKind::Access
        | StreamKind::Concern => true,
        StreamKind::Hazard
        | StreamKind::Enterprise
        | StreamKind::Inspection
        | StreamKind::Actor
        | StreamKind::Rules
        | StreamKind::Ledger => false,
    }
}

/// The one place that every bundle passes before a byte of it goes out. Where it holds bodies that are confidential, the entry that
/// says so is on disk first, with the hash of the file.
fn leaves(office: &Office, asked: &Asked<'_>, made: &Made) -> Result<(), Refused> {
    let mut streams = Vec::new();
    for stream in asked.streams.iter().filter(|stream| is_confidential(stream.kind)) {
        let entries = office.ledger().store().stream(stream).map_err(BundleFailure::from)?;
        if entries.iter().any(|position| made.bodies.contains(position)) {
            streams.push(*stream);
        }
    }
    if !streams.is_empty() {
        let signer = asked.signer.ok_or(Refused::NoSigner)?;
        let file = Text::new(&hex(blake3::hash(&made.zip).as_bytes()));
        let file = file.map_err(|_| Refused::NotRecorded(ExecuteError::NoRandomness))?;
        let bodies = made.bodies.len() as u64;
        let export = Export { streams, bodies, size: made.size, file, because: None };
        let id = Id::random().map_err(|error| Refused::NotRecorded(error.into()))?;
        let command = Command::Access(AccessCommand::Export(export));
        let request = Request { id: CommandId(id), stream: None, command };
        office.execute(&request, &[signer]).map_err(Refused::NotRecorded)?;
    }
    tracing::info!(entries = made.entries, bodies = made.bodies.len(), "an evidence bundle leaves");
    Ok(())
}
