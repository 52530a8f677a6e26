//! What is sealed in a report is shared (转阅): sealed again for those who verify and handle it, so that they know what it says.
//!
//! Whom the reporter excludes is never among them. What the reporter writes later is sealed to intake alone, and shared again. To the
//! public it is a note like any other.

use std::collections::BTreeSet;

use super::command::Share;
use super::event::ReportEvent;
use super::{Decision, Facts, Refused, State, blob, live, need};
use crate::decider::Moment;
use crate::id::ActorId;
use crate::role::{Party, Role, signed_by};

/// Most officers with whom one command shares.
pub const SHARED_WITH_MAX: usize = 20;
/// Most copies of one command: as many sealed files as one entry tells of that were opened.
pub const COPIES_MAX: usize = crate::access::BLOBS_MAX;

/// A clerk, or a handler with whom it was shared: nobody hands on what was never theirs to read.
fn by_reader(state: &State, moment: &Moment<'_>) -> Result<(), Refused> {
    let handles = |party: &Party| match party {
        Party::Actor { actor, roles } => roles.contains(&Role::Handler) && state.shared_with.contains(actor),
        Party::Reporter { .. } | Party::Log => false,
    };
    need(signed_by(moment.by, Role::Clerk) || moment.by.iter().any(handles), Refused::NeedsReader)
}

/// The age recipients of those who are to read it: officers in force who verify or handle, none of whom the reporter excludes.
fn recipients<'a>(state: &State, share: &Share, facts: &'a Facts) -> Result<BTreeSet<&'a str>, Refused> {
    let with: BTreeSet<&ActorId> = share.with.iter().collect();
    need(with.is_disjoint(&state.excluded.iter().collect()), Refused::SharedWithExcluded)?;
    let mut found = BTreeSet::new();
    for actor in with {
        let reader = facts.readers.get(actor).ok_or(Refused::NotAReader)?;
        found.insert(reader.as_deref().ok_or(Refused::NoReadingKey)?);
    }
    Ok(found)
}

pub(super) fn share(state: &State, share: &Share, facts: &Facts, moment: &Moment<'_>) -> Decision {
    live(state)?;
    by_reader(state, moment)?;
    let few = share.with.len() <= SHARED_WITH_MAX && share.copies.len() <= COPIES_MAX;
    need(few, Refused::SharedTooMany)?;
    let recipients = recipients(state, share, facts)?;
    let (mut given, mut reached) = (BTreeSet::new(), BTreeSet::new());
    for copied in &share.copies {
        blob(&copied.copy)?;
        let of = copied.of.as_str();
        need(state.sealed.contains_key(of), Refused::NotOfThisReport)?;
        for age in copied.copy.recipients.iter().map(crate::text::Short::as_str) {
            need(recipients.contains(age), Refused::WrongRecipient)?;
            need(!state.is_read_by(of, age) && given.insert((of, age)), Refused::AlreadyShared)?;
            reached.insert(age);
        }
    }
    // Whoever is named gets something.
    need(!reached.is_empty() && reached == recipients, Refused::NothingShared)?;
    Ok(ReportEvent::Shared(share.clone()))
}
