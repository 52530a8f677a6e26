//! Gathers what an evidence bundle holds: the streams asked for, and everything that proves them.
//!
//! Streams that keys, grants and rules come from are taken whole, so that an entry that ends a key can't be left out without
//! a gap. Which bodies may go along, the caller says; nothing else here depends on who asks.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{DecodeError, Fact};
use crate::id::{StreamId, StreamKind};
use crate::ledger::bundle::verify::rules_named;
use crate::ledger::bundle::{Bundle, BundleError, HOW_TO, POLICY, VIEWER, how_to};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::entry::SignedEntry;
use crate::ledger::log::OpenError;
use crate::ledger::note::Note;
use crate::ledger::sequencer::read_stream;
use crate::ledger::store::{StoreError, Stored};
use crate::office::{ExecuteError, Office};
use crate::units::Position;

/// What is asked for.
pub struct Wanted<'a> {
    pub streams: &'a [StreamId],
    /// Nothing that is not published yet: what an enterprise sees lags by one publication.
    pub published_only: bool,
    /// Whether the body of this fact may go along.
    pub may_have: &'a dyn Fn(&Fact) -> bool,
    /// The trust policy, byte for byte.
    pub policy: Option<&'a [u8]>,
    /// The page that verifies the bundle in a browser.
    pub viewer: &'a str,
}

/// A bundle, and what it takes along, for whoever records that it leaves.
#[derive(Clone, Debug)]
pub struct Made {
    pub zip: Vec<u8>,
    /// Size of the log at the bundle's checkpoint.
    pub size: u64,
    pub entries: usize,
    /// Positions of the bodies that it holds.
    pub bodies: Vec<Position>,
}

/// Why no bundle was made.
#[derive(Debug, thiserror::Error)]
pub enum BundleFailure {
    #[error(
        "{0} has no entry that may be shown yet; look at the name of the stream, or wait for the next publication"
    )]
    Nothing(StreamId),
    #[error("the bundle can't be put together: {0}; ask for fewer streams")]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Read(#[from] OpenError),
    #[error(transparent)]
    Rules(#[from] ExecuteError),
}

impl From<StoreError> for BundleFailure {
    fn from(error: StoreError) -> Self {
        Self::Read(error.into())
    }
}

impl From<DecodeError> for BundleFailure {
    fn from(error: DecodeError) -> Self {
        Self::Read(error.into())
    }
}

impl Office {
    /// Makes the bundle: against the published checkpoint, which has its cosignatures, or, where that does not cover the streams
    /// yet and the asker may know more, against the newest one.
    pub fn bundle(&self, wanted: &Wanted<'_>) -> Result<Made, BundleFailure> {
        let ledger = self.ledger();
        let checkpoint = self.covering(wanted)?;
        let size = Checkpoint::parse(&checkpoint).map_or(0, |(checkpoint, _)| checkpoint.size);
        let streams = self.closure(wanted, size)?;
        // Keys that have ended sign nothing, and nobody should believe a bundle by one of them; the present one comes first.
        let log: Vec<_> = ledger.log_keys_in_force().into_iter().rev().collect();
        let mut bundle = Bundle::new(ledger.now().day(), &checkpoint, &log)?;
        let (mut entries, mut bodies, mut versions) = (0, Vec::new(), BTreeMap::new());
        for (stream, stored) in &streams {
            let asked = wanted.streams.contains(stream);
            if asked && stored.is_empty() {
                return Err(BundleFailure::Nothing(*stream));
            }
            bundle.stream(*stream, stored.len() as u64, asked);
            let receipts = ledger.receipts(stored, &checkpoint)?;
            for (stored, receipt) in stored.iter().zip(receipts.into_iter().flatten()) {
                let body = (wanted.may_have)(&Fact::decode(stored)?).then(|| stored.body.clone());
                if let Some(body) = &body {
                    bodies.push(stored.position);
                    versions.extend(rules_named(body).into_iter().map(|version| (version, stored.position)));
                }
                bundle.entry(&receipt, body);
                entries += 1;
            }
        }
        self.add_rules(&mut bundle, size, versions)?;
        if let Some(policy) = wanted.policy {
            bundle.file(POLICY, policy.to_vec());
        }
        bundle.file(VIEWER, wanted.viewer.as_bytes().to_vec());
        bundle.file(HOW_TO, how_to(ledger.origin()).into_bytes());
        let held: Vec<_> = log.iter().filter_map(|key| ledger.held_log_key(key)).collect();
        let zip = bundle.to_zip(&held.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
        Ok(Made { zip, size, entries, bodies })
    }

    fn covering(&self, wanted: &Wanted<'_>) -> Result<Vec<u8>, BundleFailure> {
        let ledger = self.ledger();
        let published = ledger.published();
        let mut last = None;
        for stream in wanted.streams {
            last = last.max(ledger.store().stream_end(stream)?.map(|(position, _)| position.0));
        }
        let covers = last.is_none_or(|last| last < published.size());
        let newest = !wanted.published_only && (!covers || published.note.is_empty());
        let checkpoint = if newest { ledger.checkpoint() } else { published.note.clone() };
        match wanted.streams.first() {
            Some(stream) if checkpoint.is_empty() => Err(BundleFailure::Nothing(*stream)),
            Some(_) | None => Ok(checkpoint),
        }
    }

    /// The entries of every stream that belongs into the bundle, below `size`: those asked for, the ledger's and the rules' own,
    /// and the account of everybody who signed in one of them, or who stands behind a one-time key.
    fn closure(
        &self,
        wanted: &Wanted<'_>,
        size: u64,
    ) -> Result<BTreeMap<StreamId, Vec<Stored>>, BundleFailure> {
        let store = self.ledger().store();
        let mut open: Vec<StreamId> = wanted.streams.to_vec();
        for kind in [StreamKind::Ledger, StreamKind::Rules] {
            open.extend(store.streams(kind)?);
        }
        let mut closed = BTreeMap::new();
        while let Some(stream) = open.pop() {
            if closed.contains_key(&stream) {
                continue;
            }
            let mut entries = read_stream(store, &stream)?;
            entries.retain(|stored| stored.position.0 < size);
            for stored in &entries {
                open.extend(self.accounts(wanted, stored)?);
            }
            // Of the rules' stream nothing may have been written yet.
            if !entries.is_empty() || wanted.streams.contains(&stream) {
                closed.insert(stream, entries);
            }
        }
        Ok(closed)
    }

    /// The accounts whose keys signed an entry, or the officers' statements in its body where that goes along.
    fn accounts(&self, wanted: &Wanted<'_>, stored: &Stored) -> Result<BTreeSet<StreamId>, BundleFailure> {
        let wrong = |_| DecodeError::Entry(stored.position);
        let signed = SignedEntry::parse(&stored.entry).map_err(wrong)?;
        let mut names: Vec<String> = signed.signatures().iter().map(|line| line.name.clone()).collect();
        let fact = Fact::decode(stored)?;
        if stored.stream.kind.is_unlinkable() && (wanted.may_have)(&fact) {
            let wrong = |source| DecodeError::Body { position: stored.position, source };
            let body = crate::ledger::body::Body::read(stored.stream.kind, &stored.body).map_err(wrong)?;
            let notes = body.officers.iter().filter_map(|note| Note::parse(note.as_bytes()).ok());
            names.extend(notes.flat_map(|note| note.signatures).map(|line| line.name));
        }
        let before = format!("{}/", self.ledger().origin());
        let account = |name: String| {
            let stream: StreamId = name.strip_prefix(&before)?.parse().ok()?;
            (stream.kind == StreamKind::Actor).then_some(stream)
        };
        Ok(names.into_iter().filter_map(account).collect())
    }

    /// The packs in force at the checkpoint, and those of every other version that a body names, as far as this software still has
    /// their texts.
    fn add_rules(
        &self,
        bundle: &mut Bundle,
        size: u64,
        named: BTreeMap<String, Position>,
    ) -> Result<(), BundleFailure> {
        let now = self.rules_until(Position(size))?;
        bundle.rules(&now);
        for (version, position) in named.into_iter().filter(|(version, _)| version != now.version()) {
            let then = self.rules_until(position)?;
            if then.version() == version {
                bundle.rules(&then);
            }
        }
        Ok(())
    }
}
