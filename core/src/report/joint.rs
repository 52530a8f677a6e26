//! Joint reporters (联名举报): the first one makes a code for each of the others, and whoever brings it gets a secret of their own.
//!
//! The code is kept nowhere. A slow hash of it, made outside of here, is the seed of a signing key; its public half stands in the
//! entry that the first reporter signs. So nobody joins without the code, the office neither, and what proves it is in the log: to the public
//! an invitation and a joining are notes that introduce a key, as when a secret is changed.

use std::collections::BTreeMap;

use super::code::OneTimeCode;
use super::command::{Invite, Join, WithdrawInvitation};
use super::event::ReportEvent;
use super::{Decision, Facts, Refused, State, Status, by_reporter, enter, live, need, readable, signs};
use crate::decider::Moment;
use crate::id::StreamId;
use crate::ledger::vkey::{KeyError, SigningKey, is_hash};
use crate::rules::joint;
use crate::secret::derive;
use crate::text::Short;

/// How a code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Open,
    Used,
    Withdrawn,
}

/// A code that was given out.
#[derive(Clone, Debug, PartialEq)]
pub struct Invitation {
    pub invite: Invite,
    pub standing: Standing,
}

/// A code with the slow hash of it.
pub struct JoinCode<'a> {
    pub code: &'a OneTimeCode,
    pub salt: &'a str,
    pub slow: &'a [u8; 32],
}

impl JoinCode<'_> {
    /// The key that lets somebody in.
    ///
    /// # Errors
    /// `origin` and `report` make no name of a key.
    pub fn key(&self, origin: &str, report: &StreamId) -> Result<SigningKey, KeyError> {
        SigningKey::from_seed(&format!("{origin}/{report}"), &derive(self.slow, origin, "invitation"))
    }

    /// What the body of an invitation says of it.
    pub fn invite(&self, key: &SigningKey, number: &str) -> Option<Invite> {
        let (salt, number) = (Short::new(self.salt).ok()?, Short::new(number).ok()?);
        Some(Invite { key: key.vkey(), filter: self.code.filter(self.salt), salt, number })
    }
}

impl Invite {
    /// Whether a code is worth a slow hash.
    pub fn may_be(&self, code: &OneTimeCode) -> bool {
        code.filter(self.salt.as_str()) == self.filter
    }
}

impl State {
    /// Salt of the report's codes, once there is one.
    pub fn codes_salt(&self) -> Option<&str> {
        self.invitations.values().next().map(|one| one.invite.salt.as_str())
    }

    /// Codes that were given out and neither used nor withdrawn.
    pub fn open_invitations(&self) -> impl Iterator<Item = &Invite> {
        let open = self.invitations.values().filter(|one| one.standing == Standing::Open);
        open.map(|one| &one.invite)
    }
}

/// Index key of reports with invitations, by their case number.
pub fn invitation_key(number: &str) -> String {
    format!("invitation/{number}")
}

/// Whether a key signs here already, or lets somebody in.
pub(super) fn is_known(state: &State, key: &str) -> bool {
    state.keys.contains(key) || state.invitations.contains_key(key)
}

/// A claim key stands for one share: with somebody else's, nobody could tell the two apart. `own` is the vkey of whoever has a share.
pub(super) fn is_nobody_elses(state: &State, own: &str, claim_key: Option<&Short>) -> Result<(), Refused> {
    let own = state.claims.get(own);
    let others = state.claim_keys.iter().enumerate().filter(|(nth, _)| Some(nth) != own);
    let taken =
        others.map(|(_, key)| key.as_str()).any(|key| claim_key.is_some_and(|new| new.as_str() == key));
    need(!taken, Refused::BadClaimKey)
}

/// Only as long as a report can still come to something, and nobody's share is settled.
fn may_still_join(state: &State, facts: &Facts) -> Result<(), Refused> {
    live(state)?;
    need(!facts.assessed, Refused::RewardAssessed)
}

/// Whoever reported first signs; what joint reporters get is a part of theirs.
fn by_first(state: &State, moment: &Moment<'_>) -> Result<(), Refused> {
    need(by_reporter(state, moment), Refused::NeedsReporter)?;
    let first = state.first.as_ref().is_some_and(|first| state.keys.contains(first) && signs(first, moment));
    need(first, Refused::NeedsFirstReporter)
}

/// A place is free for one more, beside those who were invited.
fn one_more(state: &State, moment: &Moment<'_>) -> Result<(), Refused> {
    let places = state.reporters + state.open_invitations().count();
    need(places < joint::limits(moment.rules).reporters_max, Refused::TooManyReporters)
}

/// The first reporter signs, and the code's own key with them.
pub(super) fn invite(state: &State, invite: &Invite, facts: &Facts, moment: &Moment<'_>) -> Decision {
    may_still_join(state, facts)?;
    by_first(state, moment)?;
    one_more(state, moment)?;
    let given_out = state.invitations.len();
    need(given_out < joint::limits(moment.rules).invitations_max, Refused::TooManyInvitations)?;
    let key = invite.key.to_string();
    need(signs(&key, moment) && !is_known(state, &key), Refused::KeyNotTheSigners)?;
    let salt = invite.salt.as_str();
    let digits = salt.len() == 32 && salt.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    need(digits && state.codes_salt().is_none_or(|own| own == salt), Refused::BadInvitation)?;
    Ok(ReportEvent::Invited(invite.clone()))
}

pub(super) fn withdraw(state: &State, withdraw: &WithdrawInvitation, moment: &Moment<'_>) -> Decision {
    need(state.status != Status::Absent, Refused::NotReported)?;
    by_first(state, moment)?;
    let_in_by(state, &withdraw.key.to_string())?;
    Ok(ReportEvent::InvitationWithdrawn(withdraw.clone()))
}

/// The invitation is open.
fn let_in_by(state: &State, key: &str) -> Result<(), Refused> {
    match state.invitations.get(key).map(|one| one.standing) {
        None => Err(Refused::WrongInvitationCode),
        Some(Standing::Used) => Err(Refused::InvitationUsed),
        Some(Standing::Withdrawn) => Err(Refused::InvitationWithdrawn),
        Some(Standing::Open) => Ok(()),
    }
}

/// Whoever joins signs, and with them the invitation's key, or the first reporter.
pub(super) fn join(state: &State, join: &Join, facts: &Facts, moment: &Moment<'_>) -> Decision {
    may_still_join(state, facts)?;
    if let Some(invitation) = &join.invitation {
        let invitation = invitation.to_string();
        let_in_by(state, &invitation)?;
        need(signs(&invitation, moment), Refused::WrongInvitationCode)?;
        // Somebody who was invited comes for a share, and to be answered.
        need(join.claim_key.is_some(), Refused::BadClaimKey)?;
        need(join.recipient.is_some(), Refused::BadRecipient)?;
    } else {
        by_first(state, moment)?;
        one_more(state, moment)?;
    }
    let key = join.key.to_string();
    need(signs(&key, moment) && !is_known(state, &key), Refused::KeyNotTheSigners)?;
    need(join.claim_key.as_ref().is_none_or(|key| is_hash(key.as_str())), Refused::BadClaimKey)?;
    is_nobody_elses(state, &key, join.claim_key.as_ref())?;
    readable(join.recipient.as_ref())?;
    Ok(ReportEvent::Joined(join.clone()))
}

pub(super) fn invited(state: &mut State, invite: &Invite) {
    let invitation = Invitation { invite: invite.clone(), standing: Standing::Open };
    state.invitations.insert(invite.key.to_string(), invitation);
}

pub(super) fn withdrawn(state: &mut State, withdrawn: &WithdrawInvitation) {
    settle(&mut state.invitations, &withdrawn.key.to_string(), Standing::Withdrawn);
}

pub(super) fn joined(state: &mut State, join: &Join) {
    enter(state, Some(&join.key), join.claim_key.as_ref(), join.recipient.as_ref());
    if let Some(invitation) = &join.invitation {
        settle(&mut state.invitations, &invitation.to_string(), Standing::Used);
    }
}

/// No code that was given out is good any more.
pub(super) fn all_withdrawn(state: &mut State) {
    let open = state.invitations.values_mut().filter(|one| one.standing == Standing::Open);
    open.for_each(|one| one.standing = Standing::Withdrawn);
}

fn settle(invitations: &mut BTreeMap<String, Invitation>, key: &str, standing: Standing) {
    if let Some(one) = invitations.get_mut(key) {
        one.standing = standing;
    }
}
