//! What can be said of one entry alone, and so of many at once.

use super::VerifyFault;
use crate::ledger::body::Body;
use crate::ledger::entry::SignedEntry;
use crate::ledger::merkle::Hash;
use crate::ledger::store::{Group, Stored};

/// A group whose entries and bodies were read and fit each other.
pub(super) struct Examined {
    pub(super) group: Group,
    /// One for each of the group's entries, in order.
    pub(super) entries: Vec<ExaminedEntry>,
}

pub(super) struct ExaminedEntry {
    pub(super) signed: SignedEntry,
    pub(super) body: Body,
    pub(super) leaf: Hash,
}

pub(super) fn examine(group: Group, origin: &str) -> Result<Examined, VerifyFault> {
    let entries = group.entries().map(|stored| examine_entry(stored, origin)).collect::<Result<_, _>>()?;
    Ok(Examined { group, entries })
}

fn examine_entry(stored: &Stored, origin: &str) -> Result<ExaminedEntry, VerifyFault> {
    let fault = |what| VerifyFault::at(stored.position, what);
    let signed = SignedEntry::parse(&stored.entry).map_err(|_| fault("it is not an entry of this format"))?;
    let entry = signed.entry();
    if entry.origin != origin {
        return Err(fault("it was signed for another ledger"));
    }
    if stored.stream != entry.stream || stored.revision != entry.revision {
        return Err(fault("it is stored under another stream"));
    }
    if *blake3::hash(&stored.body).as_bytes() != entry.body {
        return Err(fault("the body is not the one whose hash was signed"));
    }
    let body = Body::read(entry.stream.kind, &stored.body)
        .map_err(|_| fault("the body is not of this format, or its event unknown"))?;
    if body.event.public_kind() != entry.kind {
        return Err(fault("the public kind is not that of the event"));
    }
    if !body.event.lines().iter().all(|line| entry.lines.contains(line)) {
        return Err(fault("a public line of the event is missing"));
    }
    if body.at.day() != entry.day {
        return Err(fault("the day is not that of signing"));
    }
    let leaf = signed.leaf_hash();
    Ok(ExaminedEntry { signed, body, leaf })
}
