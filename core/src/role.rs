//! Roles, and who acts.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::ActorId;
use crate::units::ParseUnitError;

/// What a key may be granted to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Intake and hotline (受理).
    Clerk,
    Inspector,
    /// Handles a case (承办).
    Handler,
    Approver,
    Finance,
    Investigator,
    /// Reads entries only.
    Auditor,
    /// Safety manager or principal of one enterprise.
    Enterprise,
    /// Reads figures.
    Leader,
    /// Keys and grants; cannot read testimony.
    Admin,
    /// The key that is kept offline in shares and opens what is sealed when a court or the superior authority asks; it signs
    /// nothing and reads nothing here.
    Escrow,
}

impl Role {
    pub const ALL: [Self; 11] = [
        Self::Clerk,
        Self::Inspector,
        Self::Handler,
        Self::Approver,
        Self::Finance,
        Self::Investigator,
        Self::Auditor,
        Self::Enterprise,
        Self::Leader,
        Self::Admin,
        Self::Escrow,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Inspector => "inspector",
            Self::Handler => "handler",
            Self::Approver => "approver",
            Self::Finance => "finance",
            Self::Investigator => "investigator",
            Self::Auditor => "auditor",
            Self::Enterprise => "enterprise",
            Self::Leader => "leader",
            Self::Admin => "admin",
            Self::Escrow => "escrow",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| ParseUnitError::new("role", text))
    }
}

/// Who stands behind one signature of a command, as the ledger knows them at that position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// An enrolled actor with the roles granted to the key that signs.
    Actor { actor: ActorId, roles: Vec<Role> },
    /// Whoever holds the key of a report or of a claim; `key` is its vkey.
    Reporter { key: String },
    /// The ledger itself (its clock, its opening).
    Log,
}

impl Party {
    pub fn actor(&self) -> Option<ActorId> {
        match self {
            Self::Actor { actor, .. } => Some(*actor),
            Self::Reporter { .. } | Self::Log => None,
        }
    }

    pub fn has(&self, role: Role) -> bool {
        match self {
            Self::Actor { roles, .. } => roles.contains(&role),
            Self::Reporter { .. } | Self::Log => false,
        }
    }
}

/// The different actors among `parties` who hold `role`, in the order of signing.
pub fn actors_with(parties: &[Party], role: Role) -> Vec<ActorId> {
    let mut found = Vec::new();
    for actor in parties.iter().filter(|party| party.has(role)).filter_map(Party::actor) {
        if !found.contains(&actor) {
            found.push(actor);
        }
    }
    found
}

/// Whether somebody among `parties` holds `role`.
pub fn signed_by(parties: &[Party], role: Role) -> bool {
    !actors_with(parties, role).is_empty()
}

/// Whether two different holders of `role` sign.
pub fn signed_by_two(parties: &[Party], role: Role) -> bool {
    actors_with(parties, role).len() >= 2
}

/// Whether the log itself signs, and nobody else.
pub fn signed_by_log(parties: &[Party]) -> bool {
    !parties.is_empty() && parties.iter().all(|party| *party == Party::Log)
}
