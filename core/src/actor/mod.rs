//! The `actor` stream: who may sign, with which keys, in which roles. Ids are random; no person's name stands here.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decider::{Decider, Moment, Recorded, StreamEvent, refusals};
use crate::id::{ActorId, StreamId};
use crate::ledger::entry::{Line, is_age_recipient};
use crate::ledger::vkey::VKey;
use crate::role::{Role, actors_with};
use crate::text::{Long, Short};
use crate::units::Position;

/// A command to an `actor` stream, whose id is the actor's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum ActorCommand {
    /// Enrol somebody with a key. By an administrator.
    #[serde(rename = "actor.enrol")]
    Enrol(Enrol),
    /// Grant a role. Two different administrators.
    #[serde(rename = "actor.grant")]
    Grant(RoleOfKey),
    #[serde(rename = "actor.revoke")]
    Revoke(RoleOfKey),
    /// A new key for a lost or old one.
    #[serde(rename = "actor.rotate_key")]
    RotateKey(RotateKey),
    /// All keys end.
    #[serde(rename = "actor.suspend")]
    Suspend(Suspend),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// `<origin>/actor/<actor id>`.
    pub key: VKey,
    /// Post or title, never a person's name.
    pub title: Short,
    /// The enterprise that an enterprise account acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acts_for: Option<StreamId>,
    /// age recipient to which testimony may be sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleOfKey {
    pub role: Role,
    pub key: VKey,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    pub old: VKey,
    pub new: VKey,
    /// The newest position, for whoever says up to where the entries were looked at; the old key ends there in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Position>,
    /// age recipient of the new key; without it that of the old one is carried over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suspend {
    /// The newest position, for whoever says up to where the entries were looked at; the keys end there in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Position>,
    pub because: Long,
}

/// An event of an `actor` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum ActorEvent {
    #[serde(rename = "actor.enrolled")]
    Enrolled(Enrol),
    #[serde(rename = "actor.granted")]
    Granted(RoleOfKey),
    #[serde(rename = "actor.revoked")]
    Revoked(RoleOfKey),
    #[serde(rename = "actor.key_rotated")]
    KeyRotated(KeyRotated),
    #[serde(rename = "actor.suspended")]
    Suspended(Suspended),
}

/// The new key gets the roles of the old one, and its age recipient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyRotated {
    pub rotate: Rotated,
    pub roles: Vec<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rotated {
    pub old: VKey,
    pub new: VKey,
    /// Last position at which the old key holds.
    pub last: Position,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspended {
    pub suspend: Ended,
    pub keys: Vec<VKey>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Last position at which the keys hold.
    pub last: Position,
    pub because: Long,
}

refusals! {
    /// Named after the broken rule.
    ActorRefusal {
        AlreadyEnrolled = "actor.already_enrolled",
        NotEnrolled = "actor.not_enrolled",
        Suspended = "actor.suspended",
        NeedsAdmin = "actor.needs_admin",
        NeedsTwoAdmins = "actor.needs_two_admins",
        OwnGrant = "actor.own_grant",
        OtherKey = "actor.other_key",
        WrongName = "actor.wrong_name",
        AlreadyGranted = "actor.already_granted",
        NotGranted = "actor.not_granted",
        BadRecipient = "actor.bad_recipient",
        ActsForMissing = "actor.acts_for_missing",
        /// Entries stand after the position that was named, and none of them is undone.
        EndInPast = "actor.end_in_past",
        /// The key would go on signing.
        EndInFuture = "actor.end_in_future",
    }
}

impl StreamEvent for ActorEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Enrolled(_) => "actor.enrolled",
            Self::Granted(_) => "actor.granted",
            Self::Revoked(_) => "actor.revoked",
            Self::KeyRotated(_) => "actor.key_rotated",
            Self::Suspended(_) => "actor.suspended",
        }
    }

    fn lines(&self) -> Vec<Line> {
        match self {
            Self::Enrolled(enrol) => {
                let recipient =
                    enrol.recipient.clone().map(|age| Line::Recipient { key: enrol.key.clone(), age });
                [Line::Key(enrol.key.clone())].into_iter().chain(recipient).collect()
            }
            Self::Granted(grant) => vec![Line::Grant { role: grant.role, key: grant.key.clone() }],
            Self::Revoked(grant) => vec![Line::Revoke { role: grant.role, key: grant.key.clone() }],
            Self::KeyRotated(rotated) => {
                let Rotated { old, new, last } = &rotated.rotate;
                let recipient =
                    rotated.recipient.clone().map(|age| Line::Recipient { key: new.clone(), age });
                let grants = rotated.roles.iter().map(|role| Line::Grant { role: *role, key: new.clone() });
                let end = Line::End { key: old.clone(), last: *last };
                [Line::Key(new.clone())].into_iter().chain(recipient).chain(grants).chain([end]).collect()
            }
            Self::Suspended(suspended) => {
                let last = suspended.suspend.last;
                suspended.keys.iter().map(|key| Line::End { key: key.clone(), last }).collect()
            }
        }
    }

    fn touches(&self, _: &StreamId) -> Vec<String> {
        let key = |key: &VKey| format!("key/{key}");
        match self {
            Self::Enrolled(enrol) => vec![key(&enrol.key)],
            Self::Granted(grant) | Self::Revoked(grant) => vec![key(&grant.key)],
            Self::KeyRotated(rotated) => vec![key(&rotated.rotate.old), key(&rotated.rotate.new)],
            Self::Suspended(suspended) => suspended.keys.iter().map(key).collect(),
        }
    }
}

/// The decider of `actor` streams.
#[derive(Clone, Copy, Debug)]
pub struct ActorDecider;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    pub id: Option<ActorId>,
    pub acts_for: Option<StreamId>,
    pub title: Option<Short>,
    /// Keys that have no end.
    pub keys: Vec<VKey>,
    pub roles: BTreeSet<Role>,
    /// age recipient, carried over from key to key.
    pub recipient: Option<String>,
    pub suspended: bool,
}

/// What a decision reads elsewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The name that keys of this actor have.
    pub key_name: String,
    /// The actor of this stream.
    pub actor: ActorId,
    /// The enterprise that the account shall act for exists.
    pub enterprise_exists: bool,
    /// The newest position.
    pub newest: Position,
}

type Refused = ActorRefusal;

fn need(holds: bool, refusal: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn enrolled(state: &State) -> Result<(), Refused> {
    need(state.id.is_some(), Refused::NotEnrolled)?;
    need(!state.suspended, Refused::Suspended)
}

/// Two different administrators, neither of whom is the one it is about.
fn two_admins(facts: &Facts, moment: &Moment<'_>) -> Result<(), Refused> {
    let admins = actors_with(moment.by, Role::Admin);
    need(!admins.contains(&facts.actor), Refused::OwnGrant)?;
    need(admins.len() >= 2, Refused::NeedsTwoAdmins)
}

fn enrol(state: &State, enrol: &Enrol, facts: &Facts, moment: &Moment<'_>) -> Result<ActorEvent, Refused> {
    need(state.id.is_none(), Refused::AlreadyEnrolled)?;
    need(!actors_with(moment.by, Role::Admin).is_empty(), Refused::NeedsAdmin)?;
    need(enrol.key.name() == facts.key_name, Refused::WrongName)?;
    need(enrol.recipient.as_deref().is_none_or(is_age_recipient), Refused::BadRecipient)?;
    need(enrol.acts_for.is_none() || facts.enterprise_exists, Refused::ActsForMissing)?;
    Ok(ActorEvent::Enrolled(enrol.clone()))
}

fn grant(
    state: &State,
    grant: &RoleOfKey,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<ActorEvent, Refused> {
    enrolled(state)?;
    two_admins(facts, moment)?;
    need(state.keys.contains(&grant.key), Refused::OtherKey)?;
    need(!state.roles.contains(&grant.role), Refused::AlreadyGranted)?;
    need(grant.role != Role::Enterprise || state.acts_for.is_some(), Refused::ActsForMissing)?;
    Ok(ActorEvent::Granted(grant.clone()))
}

fn revoke(state: &State, revoke: &RoleOfKey, moment: &Moment<'_>) -> Result<ActorEvent, Refused> {
    enrolled(state)?;
    need(!actors_with(moment.by, Role::Admin).is_empty(), Refused::NeedsAdmin)?;
    need(state.keys.contains(&revoke.key), Refused::OtherKey)?;
    need(state.roles.contains(&revoke.role), Refused::NotGranted)?;
    Ok(ActorEvent::Revoked(revoke.clone()))
}

/// A key ends with the newest entry. Entries that stand are never undone by ending a key, and nobody is ended later than at once.
fn end_at(named: Option<Position>, facts: &Facts) -> Result<Position, Refused> {
    let last = named.unwrap_or(facts.newest);
    need(last >= facts.newest, Refused::EndInPast)?;
    // The position of the ending entry itself says the same.
    need(last.0 <= facts.newest.0.saturating_add(1), Refused::EndInFuture)?;
    Ok(last)
}

fn rotate(
    state: &State,
    rotate: &RotateKey,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<ActorEvent, Refused> {
    enrolled(state)?;
    two_admins(facts, moment)?;
    need(state.keys.contains(&rotate.old), Refused::OtherKey)?;
    need(rotate.new.name() == facts.key_name && rotate.new != rotate.old, Refused::WrongName)?;
    need(rotate.recipient.as_deref().is_none_or(is_age_recipient), Refused::BadRecipient)?;
    let last = end_at(rotate.last, facts)?;
    let roles = state.roles.iter().copied().collect();
    let recipient = rotate.recipient.clone().or_else(|| state.recipient.clone());
    let rotate = Rotated { old: rotate.old.clone(), new: rotate.new.clone(), last };
    Ok(ActorEvent::KeyRotated(KeyRotated { rotate, roles, recipient }))
}

fn suspend(
    state: &State,
    suspend: &Suspend,
    facts: &Facts,
    moment: &Moment<'_>,
) -> Result<ActorEvent, Refused> {
    enrolled(state)?;
    let admins = actors_with(moment.by, Role::Admin);
    need(!admins.is_empty(), Refused::NeedsAdmin)?;
    need(!admins.contains(&facts.actor), Refused::OwnGrant)?;
    let suspend = Ended { last: end_at(suspend.last, facts)?, because: suspend.because.clone() };
    Ok(ActorEvent::Suspended(Suspended { suspend, keys: state.keys.clone() }))
}

impl Decider for ActorDecider {
    type State = State;
    type Command = ActorCommand;
    type Event = ActorEvent;
    type Facts = Facts;
    type Rejection = ActorRefusal;

    fn decide(
        state: &State,
        command: &ActorCommand,
        facts: &Facts,
        moment: &Moment<'_>,
    ) -> Result<Vec<ActorEvent>, Refused> {
        let event = match command {
            ActorCommand::Enrol(command) => enrol(state, command, facts, moment),
            ActorCommand::Grant(command) => grant(state, command, facts, moment),
            ActorCommand::Revoke(command) => revoke(state, command, moment),
            ActorCommand::RotateKey(command) => rotate(state, command, facts, moment),
            ActorCommand::Suspend(command) => suspend(state, command, facts, moment),
        };
        event.map(|event| vec![event])
    }

    fn evolve(mut state: State, event: &ActorEvent, recorded: &Recorded) -> State {
        match event {
            ActorEvent::Enrolled(enrol) => {
                state.id = Some(ActorId(recorded.stream.id));
                state.acts_for = enrol.acts_for;
                state.title = Some(enrol.title.clone());
                state.recipient.clone_from(&enrol.recipient);
                state.keys.push(enrol.key.clone());
            }
            ActorEvent::Granted(grant) => {
                state.roles.insert(grant.role);
            }
            ActorEvent::Revoked(revoke) => {
                state.roles.remove(&revoke.role);
            }
            ActorEvent::KeyRotated(rotated) => {
                state.keys.retain(|key| *key != rotated.rotate.old);
                state.keys.push(rotated.rotate.new.clone());
                state.recipient.clone_from(&rotated.recipient);
            }
            ActorEvent::Suspended(_) => {
                state.suspended = true;
                state.keys.clear();
            }
        }
        state
    }
}
