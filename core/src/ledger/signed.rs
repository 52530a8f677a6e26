//! What was signed in an actor's name: where, as what, and with which key, a lasting one or one made for a single entry.
//!
//! Read from the entries and bodies themselves. Nothing of what they say leaves here: whoever asks may not be entitled to
//! the stream, but is always entitled to know of a signature of their own.

use serde::Serialize;

use crate::event::DecodeError;
use crate::id::{ActorId, StreamId, StreamKind};
use crate::ledger::body::Body;
use crate::ledger::entry::{Entry, Line, SignedEntry};
use crate::ledger::keyring::KeyRing;
use crate::ledger::log::{Ledger, OpenError};
use crate::ledger::officer;
use crate::ledger::sequencer::read_stream;
use crate::ledger::store::Stored;
use crate::ledger::vkey::VKey;
use crate::role::Role;
use crate::rules::entries::{self, Hand};
use crate::units::{Day, Position, Revision, Timestamp};

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignedBy {
    pub position: Position,
    pub stream: StreamId,
    pub revision: Revision,
    /// The public kind.
    pub kind: String,
    pub day: Day,
    /// The second of signing, as it stands in the body.
    pub at: Timestamp,
    /// The key whose signature stands under the entry; none where the entry names the actor without a signature, which must not
    /// be.
    pub key: Option<VKey>,
    /// The key was made for this entry alone; the actor signed for it in the body.
    pub one_time: bool,
    /// Roles of those that the kind asks for, as the key had them then.
    pub roles: Vec<Role>,
}

impl Ledger {
    /// What `actor` signed at these positions.
    pub fn signed_by(&self, actor: ActorId, positions: &[Position]) -> Result<Vec<SignedBy>, OpenError> {
        let past = self.rings_of(actor)?;
        let known: Vec<VKey> = self.keys().of_actor(actor).into_iter().map(|(key, _)| key.clone()).collect();
        let mut found = Vec::with_capacity(positions.len());
        for position in positions {
            if let Some(stored) = self.stored(*position)? {
                found.push(self.signature(&stored, &known, &past)?);
            }
        }
        Ok(found)
    }

    fn signature(
        &self,
        stored: &Stored,
        known: &[VKey],
        past: &[(Position, KeyRing)],
    ) -> Result<SignedBy, OpenError> {
        let position = stored.position;
        let signed = SignedEntry::parse(&stored.entry).map_err(|_| DecodeError::Entry(position))?;
        let entry = signed.entry();
        let body = Body::read(entry.stream.kind, &stored.body)
            .map_err(|source| DecodeError::Body { position, source })?;
        let signs = |key: &&VKey| signed.signatures().iter().any(|line| line.is_by(key));
        let one_time = entry.stream.kind.is_unlinkable();
        let (key, roles) = if one_time {
            let mut statements =
                body.officers.iter().filter_map(|note| officer::read(note, self.origin(), known).ok());
            let key = statements.find(|one| one.stream == entry.stream).map(|one| one.one_time);
            let key = key.filter(|key| signs(&key));
            let roles = key.as_ref().map(|key| granted(entry, key)).unwrap_or_default();
            (key, roles)
        } else {
            let key = known.iter().find(signs).cloned();
            let ring = past.iter().rev().find(|(from, _)| *from < position).map(|(_, ring)| ring);
            let held = key.as_ref().zip(ring).map(|(key, ring)| ring.roles(key)).unwrap_or_default();
            (key, asked(&entry.kind, held))
        };
        Ok(SignedBy {
            position,
            stream: entry.stream,
            revision: entry.revision,
            kind: entry.kind.clone(),
            day: entry.day,
            at: body.at,
            key,
            one_time,
            roles,
        })
    }

    /// The actor's keys with their roles, after each entry that changed them.
    fn rings_of(&self, actor: ActorId) -> Result<Vec<(Position, KeyRing)>, OpenError> {
        let mut lines = self.store().read(Position(0), 1)?;
        lines.extend(read_stream(self.store(), &StreamId::new(StreamKind::Actor, actor.0))?);
        let mut ring = KeyRing::new(self.origin());
        let mut past = Vec::with_capacity(lines.len());
        for stored in lines {
            let entry = Entry::of_stored(&stored.entry).map_err(|_| DecodeError::Entry(stored.position))?;
            ring.apply(stored.position, &entry);
            past.push((stored.position, ring.clone()));
        }
        Ok(past)
    }
}

/// Roles that an entry grants to the one-time key that it introduces.
fn granted(entry: &Entry, key: &VKey) -> Vec<Role> {
    let granted = entry.lines.iter().filter_map(|line| {
        let Line::Grant { role, key: to } = line else { return None };
        (to == key).then_some(*role)
    });
    granted.collect()
}

/// Those of the roles that a public kind asks for.
fn asked(kind: &str, held: Vec<Role>) -> Vec<Role> {
    let rule = entries::table().get(kind);
    let asks = |role: &Role| {
        rule.is_some_and(|rule| rule.signers.iter().flatten().any(|hand| *hand == Hand::Role(*role)))
    };
    held.into_iter().filter(asks).collect()
}
