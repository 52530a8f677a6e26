//! The `ledger` stream: how the ledger began, and what concerns it as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decider::{Decider, Moment, Recorded, StreamEvent, refusals};
use crate::ledger::entry::Line;
use crate::ledger::vkey::{COSIGNATURE, ED25519, VKey};
use crate::role::{Role, actors_with, signed_by_log};
use crate::text::{Long, Short};
use crate::units::Position;

/// A command to the `ledger` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum LedgerCommand {
    /// The first entry of all, signed by the log.
    #[serde(rename = "ledger.open")]
    Open(Open),
    /// Another agency watches. By an administrator.
    #[serde(rename = "ledger.add_witness")]
    AddWitness(AddWitness),
    /// A sealed file was destroyed, by law or by the rule of retention. Two administrators.
    #[serde(rename = "ledger.erase")]
    Erase(Erase),
    /// Another key of the log, which signs beside the old one until that is ended. By the log itself: `adit key rotate`.
    #[serde(rename = "ledger.introduce_key")]
    IntroduceKey(LogKey),
    /// The old key of the log signs no more. By the log itself: `adit key retire`.
    #[serde(rename = "ledger.end_key")]
    EndKey(LogKey),
}

/// One of the log's own keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogKey {
    pub key: VKey,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    pub log: VKey,
    /// Keys of the first two administrators, who grant everything else.
    pub admins: Vec<VKey>,
    /// The last known checkpoint of the ledger that this one goes on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeds: Option<Long>,
    /// Whose ledger it is, from the province down: decides which local rules go before the nation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Short>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddWitness {
    pub key: VKey,
    pub operator: Short,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// BLAKE3 of the file, hexadecimal.
    pub blob: Short,
    pub ground: Long,
}

/// An event of the `ledger` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum LedgerEvent {
    #[serde(rename = "ledger.opened")]
    Opened(Open),
    #[serde(rename = "ledger.witness_added")]
    WitnessAdded(AddWitness),
    #[serde(rename = "ledger.erased")]
    Erased(Erase),
    #[serde(rename = "ledger.key_introduced")]
    KeyIntroduced(LogKey),
    #[serde(rename = "ledger.key_ended")]
    KeyEnded(KeyEnded),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEnded {
    pub key: VKey,
    /// Last position at which it holds.
    pub last: Position,
}

refusals! {
    /// Named after the broken rule.
    LedgerRefusal {
        AlreadyOpened = "ledger.already_opened",
        NotOpened = "ledger.not_opened",
        OnlyByLog = "ledger.only_by_log",
        NeedsTwoAdmins = "ledger.needs_two_admins",
        NeedsAdmin = "ledger.needs_admin",
        NotAWitnessKey = "ledger.not_a_witness_key",
        /// A key's name is not the log's, or it was the log's before.
        NotANewLogKey = "ledger.not_a_new_log_key",
        /// Two keys sign already.
        OverlapRuns = "ledger.overlap_runs",
        /// The log has no other key than this one.
        OnlyLogKey = "ledger.only_log_key",
        /// Not a log key in force, or the newest, which ends the others.
        NotTheOldLogKey = "ledger.not_the_old_log_key",
    }
}

impl StreamEvent for LedgerEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => "ledger.opened",
            Self::WitnessAdded(_) => "ledger.witness_added",
            Self::Erased(_) => "ledger.erased",
            Self::KeyIntroduced(_) => "ledger.key_introduced",
            Self::KeyEnded(_) => "ledger.key_ended",
        }
    }

    fn lines(&self) -> Vec<Line> {
        match self {
            Self::Opened(open) => {
                let keys = [&open.log].into_iter().chain(&open.admins).cloned().map(Line::Key);
                let grants =
                    open.admins.iter().map(|key| Line::Grant { role: Role::Admin, key: key.clone() });
                keys.chain(grants).collect()
            }
            Self::KeyIntroduced(introduced) => vec![Line::Key(introduced.key.clone())],
            Self::KeyEnded(ended) => vec![Line::End { key: ended.key.clone(), last: ended.last }],
            Self::WitnessAdded(_) | Self::Erased(_) => Vec::new(),
        }
    }
}

/// The decider of the `ledger` stream.
#[derive(Clone, Copy, Debug)]
pub struct LedgerDecider;

/// Where the ledger stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The log's keys that have no end, oldest first; none before the ledger is open.
    pub keys: Vec<VKey>,
    /// Those that were ended.
    pub ended: Vec<VKey>,
}

/// What a decision reads elsewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The newest position.
    pub last: Position,
}

type Refused = LedgerRefusal;

fn need(holds: bool, refusal: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn open(state: &State, open: &Open, moment: &Moment<'_>) -> Result<LedgerEvent, Refused> {
    need(state.keys.is_empty(), Refused::AlreadyOpened)?;
    need(signed_by_log(moment.by), Refused::OnlyByLog)?;
    let distinct = open.admins.first() != open.admins.last();
    need(open.admins.len() == 2 && distinct, Refused::NeedsTwoAdmins)?;
    Ok(LedgerEvent::Opened(open.clone()))
}

fn introduce_key(state: &State, new: &LogKey, moment: &Moment<'_>) -> Result<LedgerEvent, Refused> {
    need(signed_by_log(moment.by), Refused::OnlyByLog)?;
    let [present] = state.keys.as_slice() else { return Err(Refused::OverlapRuns) };
    let named = new.key.name() == present.name() && new.key.kind() == ED25519;
    need(named && new.key != *present && !state.ended.contains(&new.key), Refused::NotANewLogKey)?;
    Ok(LedgerEvent::KeyIntroduced(new.clone()))
}

/// The newest key signs for the log, so it ends the others, and never itself.
fn end_key(state: &State, old: &LogKey, facts: &Facts, moment: &Moment<'_>) -> Result<LedgerEvent, Refused> {
    need(signed_by_log(moment.by), Refused::OnlyByLog)?;
    need(state.keys.len() > 1, Refused::OnlyLogKey)?;
    need(state.keys.contains(&old.key) && state.keys.last() != Some(&old.key), Refused::NotTheOldLogKey)?;
    Ok(LedgerEvent::KeyEnded(KeyEnded { key: old.key.clone(), last: facts.last }))
}

impl Decider for LedgerDecider {
    type State = State;
    type Command = LedgerCommand;
    type Event = LedgerEvent;
    type Facts = Facts;
    type Rejection = LedgerRefusal;

    fn decide(
        state: &State,
        command: &LedgerCommand,
        facts: &Facts,
        moment: &Moment<'_>,
    ) -> Result<Vec<LedgerEvent>, Refused> {
        let admins = actors_with(moment.by, Role::Admin).len();
        let event = match command {
            LedgerCommand::Open(command) => open(state, command, moment)?,
            LedgerCommand::AddWitness(_)
            | LedgerCommand::Erase(_)
            | LedgerCommand::IntroduceKey(_)
            | LedgerCommand::EndKey(_)
                if state.keys.is_empty() =>
            {
                return Err(Refused::NotOpened);
            }
            LedgerCommand::AddWitness(add) => {
                need(admins > 0, Refused::NeedsAdmin)?;
                need(add.key.kind() == COSIGNATURE, Refused::NotAWitnessKey)?;
                LedgerEvent::WitnessAdded(add.clone())
            }
            LedgerCommand::Erase(erase) => {
                need(admins >= 2, Refused::NeedsTwoAdmins)?;
                LedgerEvent::Erased(erase.clone())
            }
            LedgerCommand::IntroduceKey(new) => introduce_key(state, new, moment)?,
            LedgerCommand::EndKey(old) => end_key(state, old, facts, moment)?,
        };
        Ok(vec![event])
    }

    fn evolve(mut state: State, event: &LedgerEvent, _: &Recorded) -> State {
        match event {
            LedgerEvent::Opened(open) => state.keys.push(open.log.clone()),
            LedgerEvent::KeyIntroduced(new) => state.keys.push(new.key.clone()),
            LedgerEvent::KeyEnded(KeyEnded { key, .. }) => {
                state.keys.retain(|held| held != key);
                state.ended.push(key.clone());
            }
            LedgerEvent::WitnessAdded(_) | LedgerEvent::Erased(_) => {}
        }
        state
    }
}
