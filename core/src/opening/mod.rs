//! The `ledger` stream: how the ledger began, and what concerns it as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decider::{Decider, Moment, Recorded, StreamEvent, refusals};
use crate::ledger::entry::Line;
use crate::ledger::vkey::{COSIGNATURE, VKey};
use crate::role::{Role, actors_with, signed_by_log};
use crate::text::{Long, Short};

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
    }
}

impl StreamEvent for LedgerEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => "ledger.opened",
            Self::WitnessAdded(_) => "ledger.witness_added",
            Self::Erased(_) => "ledger.erased",
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
            Self::WitnessAdded(_) | Self::Erased(_) => Vec::new(),
        }
    }
}

/// The decider of the `ledger` stream.
#[derive(Clone, Copy, Debug)]
pub struct LedgerDecider;

impl Decider for LedgerDecider {
    /// Whether it is open.
    type State = bool;
    type Command = LedgerCommand;
    type Event = LedgerEvent;
    type Facts = ();
    type Rejection = LedgerRefusal;

    fn decide(
        opened: &bool,
        command: &LedgerCommand,
        (): &(),
        moment: &Moment<'_>,
    ) -> Result<Vec<LedgerEvent>, LedgerRefusal> {
        let admins = actors_with(moment.by, Role::Admin).len();
        let event = match command {
            LedgerCommand::Open(_) if *opened => return Err(LedgerRefusal::AlreadyOpened),
            LedgerCommand::Open(_) if !signed_by_log(moment.by) => return Err(LedgerRefusal::OnlyByLog),
            LedgerCommand::Open(open) => {
                let distinct = open.admins.first() != open.admins.last();
                if open.admins.len() != 2 || !distinct {
                    return Err(LedgerRefusal::NeedsTwoAdmins);
                }
                LedgerEvent::Opened(open.clone())
            }
            LedgerCommand::AddWitness(_) | LedgerCommand::Erase(_) if !*opened => {
                return Err(LedgerRefusal::NotOpened);
            }
            LedgerCommand::AddWitness(_) if admins == 0 => return Err(LedgerRefusal::NeedsAdmin),
            LedgerCommand::AddWitness(add) if add.key.kind() != COSIGNATURE => {
                return Err(LedgerRefusal::NotAWitnessKey);
            }
            LedgerCommand::AddWitness(add) => LedgerEvent::WitnessAdded(add.clone()),
            LedgerCommand::Erase(_) if admins < 2 => return Err(LedgerRefusal::NeedsTwoAdmins),
            LedgerCommand::Erase(erase) => LedgerEvent::Erased(erase.clone()),
        };
        Ok(vec![event])
    }

    fn evolve(_: bool, _: &LedgerEvent, _: &Recorded) -> bool {
        true
    }
}
