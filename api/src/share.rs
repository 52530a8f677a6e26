//! What is sealed in a report, sealed again for those who verify and handle it. It is opened by the officer's own key, recorded first, as
//! every opening is; how the reporter may be reached stays with intake, as the reporter's page promises.

use std::collections::BTreeSet;
use std::io::Write;

use adit_core::event::Fact;
use adit_core::id::{ActorId, StreamId};
use adit_core::ledger::blobs::{BlobError, Blobs};
use adit_core::ledger::vkey::SigningKey;
use adit_core::refusal::Refusal;
use adit_core::report::{
    Blob, COPIES_MAX, Copied, Holds, ReportRefusal, SealedFile, Testimony, readers, sealed_in,
};
use adit_core::seal::Sealing;
use adit_core::secret::officer_identity;
use zeroize::{Zeroize, Zeroizing};

use crate::app::App;
use crate::handlers::sealed::{read, record_opening, store, unsealed};
use crate::problem::{ApiRefusal, Problem, unreadable};

/// What this age recipient reads of a report and can share: each file once, without those that were erased.
pub(crate) fn shareable<'a>(app: &App, own: &str, facts: &'a [Fact]) -> Result<Vec<SealedFile<'a>>, Problem> {
    let (blobs, mut found, mut seen) = (store(app)?, Vec::new(), BTreeSet::new());
    for one in sealed_in(facts) {
        let Some(mine) = one.sealed_to(own).filter(|_| seen.insert(&one.blob.blob)) else { continue };
        match blobs.head(mine.blob.as_str()) {
            Ok(_) => found.push(one),
            Err(BlobError::Missing(_)) => {}
            Err(error @ (BlobError::Damaged(_) | BlobError::Io(_))) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// Copies for these officers of what none of them but the sharer reads yet, as many as one command takes.
pub(crate) fn copies(
    app: &App,
    key: &SigningKey,
    report: StreamId,
    with: &BTreeSet<ActorId>,
) -> Result<Vec<Copied>, Problem> {
    let ledger = app.office.ledger();
    let state = app.office.report(report)?;
    let known = readers(&ledger.keys(), ledger.size(), &state.excluded);
    let to: BTreeSet<&str> = with.iter().filter_map(|actor| known.get(actor)?.as_deref()).collect();
    let identity = officer_identity(key, ledger.origin());
    let own = identity.recipient();
    let facts = ledger.stream(&report).map_err(|error| unreadable(&error))?;
    let unread = |one: &SealedFile<'_>| {
        let new = to.iter().filter(|age| !state.is_read_by(one.blob.blob.as_str(), age));
        new.map(|age| (*age).to_owned()).collect::<Vec<String>>()
    };
    let mut plan = Vec::new();
    for one in shareable(app, &own, &facts)? {
        let (mine, new) = (one.sealed_to(&own), unread(&one));
        plan.extend(mine.filter(|_| !new.is_empty()).map(|mine| (one, mine, new)));
    }
    plan.truncate(COPIES_MAX);
    if plan.is_empty() {
        return Err(Refusal::from(ReportRefusal::AlreadyShared).into());
    }
    let blobs = store(app)?;
    if blobs.room()? < app.intake.limits.room_for_files() {
        return Err(ApiRefusal::NoRoom.into());
    }
    record_opening(app, key, report, plan.iter().map(|(_, mine, _)| mine.blob.clone()).collect())?;
    let mut copies = Vec::new();
    for (one, mine, new) in plan {
        let content = unsealed(&read(app, &mine.blob)?, &identity)?;
        let content = if one.holds == Holds::Testimony { without_contact(content)? } else { content };
        let copy = sealed_again(blobs, &content, one.holds, &new)?;
        copies.push(Copied { of: one.blob.blob.clone(), copy });
    }
    Ok(copies)
}

/// A testimony without the way to its reporter.
fn without_contact(content: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let Ok(mut told) = serde_json::from_slice::<Testimony>(&content) else { return Ok(content) };
    told.contact.zeroize();
    let text = serde_json::to_vec(&told).map_err(|error| unreadable(&error));
    told.words.zeroize();
    text.map(Zeroizing::new)
}

fn sealed_again(blobs: &Blobs, content: &[u8], holds: Holds, to: &[String]) -> Result<Blob, Problem> {
    let sealing = Sealing::to(to.iter().map(String::as_str), holds.kind(), blobs.begin()?);
    let mut sealing = sealing.map_err(|error| unreadable(&error))?;
    sealing.write_all(content).map_err(BlobError::Io)?;
    let kept = sealing.finish().map_err(BlobError::Io)?.keep()?;
    Blob::new(&kept.hash, kept.size, to).ok_or_else(|| ApiRefusal::Unreadable.into())
}
