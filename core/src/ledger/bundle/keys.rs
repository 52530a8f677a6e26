//! Who signed the entries of a bundle: keys that its own entries introduce, with the roles that they grant.

use std::collections::BTreeMap;

use crate::id::{StreamId, StreamKind};
use crate::ledger::body::Body;
use crate::ledger::bundle::BundleFault;
use crate::ledger::entry::{Entry, Line, SignedEntry};
use crate::ledger::keyring::KeyRing;
use crate::ledger::officer;
use crate::ledger::vkey::VKey;
use crate::role::Role;
use crate::rules::entries;
use crate::units::Position;

/// A signer, with the roles that the key had at the entry's position.
pub type Signer = (VKey, Vec<Role>);

/// The keys that the entries before have introduced. Entries are told in the order of the log.
pub(super) struct Keys {
    origin: String,
    /// Keys of actors and of the log.
    all: KeyRing,
    /// Keys of unlinkable streams hold in their stream alone.
    local: BTreeMap<StreamId, KeyRing>,
}

impl Keys {
    pub(super) fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), all: KeyRing::new(origin), local: BTreeMap::new() }
    }

    /// Checks the signatures of the next entry, and takes over what it says of keys.
    pub(super) fn next(
        &mut self,
        position: Position,
        signed: &SignedEntry,
        body: Option<&[u8]>,
    ) -> Result<Vec<Signer>, BundleFault> {
        let entry = signed.entry();
        let signers = self.signers(position, signed)?;
        let shown: Vec<_> = signers
            .iter()
            .map(|(key, roles)| entries::Signer { name: key.name(), roles, log: key.name() == self.origin })
            .collect();
        if !entries::may_sign(&entry.kind, &shown) || !entries::has_lines(&entry.kind, &entry.lines) {
            return Err(BundleFault::WrongSigners);
        }
        if let (true, Some(body)) = (entry.stream.kind.is_unlinkable(), body) {
            self.officers(position, entry, body, &signers).ok_or(BundleFault::Officer)?;
        }
        if KeyRing::holds_everywhere(entry.stream.kind) {
            self.all.apply(position, entry);
        }
        Ok(signers)
    }

    fn signers(&mut self, position: Position, signed: &SignedEntry) -> Result<Vec<Signer>, BundleFault> {
        let entry = signed.entry();
        // A key may sign the entry that introduces it. In the streams of reports it may have its role from there, elsewhere not.
        let own = if entry.stream.kind.is_unlinkable() {
            let ring = self.local.entry(entry.stream).or_insert_with(|| KeyRing::new(&self.origin));
            ring.apply(position, entry);
            ring.clone()
        } else {
            let mut ring = self.all.clone();
            for line in entry.lines.iter().filter(|_| KeyRing::holds_everywhere(entry.stream.kind)) {
                if let Line::Key(key) = line {
                    ring.introduce(key.clone(), position);
                }
            }
            ring
        };
        let mut signers = Vec::new();
        for line in signed.signatures() {
            // The log countersigns in every stream.
            let ring = if line.name == self.origin && entry.stream.kind != StreamKind::Ledger {
                &self.all
            } else {
                &own
            };
            let key = ring.resolve(line).ok_or(BundleFault::UnknownSigner)?;
            if !ring.in_force(&key, position) {
                return Err(BundleFault::EndedSigner);
            }
            if !key.verifies(signed.text(), &line.signature) {
                return Err(BundleFault::Signature);
            }
            let roles = ring.roles(&key);
            signers.push((key, roles));
        }
        Ok(signers)
    }

    /// Behind every one-time key of an officer stands the officer's own statement in the body; no two of one person. Behind that of
    /// a filler stands the log's, and nowhere else.
    fn officers(&self, position: Position, entry: &Entry, body: &[u8], signers: &[Signer]) -> Option<()> {
        let body = Body::read(entry.stream.kind, body).ok()?;
        let known: Vec<VKey> = self.all.iter().map(|(key, _)| key.clone()).collect();
        let mut persons = Vec::new();
        for (key, roles) in signers.iter().filter(|(key, _)| key.name().contains("/officer/")) {
            let mut statements =
                body.officers.iter().filter_map(|note| officer::read(note, &self.origin, &known).ok());
            let found = statements.find(|one| one.one_time == *key && one.stream == entry.stream)?;
            let granted = self.all.roles(&found.officer);
            let person = self.all.actor_of(&found.officer);
            let entitled = roles.iter().all(|role| granted.contains(role));
            let by_log = found.officer.name() == self.origin;
            if by_log != body.event.is_filler()
                || !entitled
                || !self.all.in_force(&found.officer, position)
                || persons.contains(&person)
            {
                return None;
            }
            persons.push(person);
        }
        Some(())
    }
}
