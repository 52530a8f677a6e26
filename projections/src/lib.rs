//! Read models: each a total fold over facts, one file each.
//!
//! A projection sees no clock, no rule pack, no store and no other projection. It can be thrown away and folded again;
//! a snapshot is a shortcut, never a source. Queries take the day where they need one.

pub mod deadlines;
pub mod five_in_place;
pub mod register;
pub mod relief;
pub mod repeat_offenders;
pub mod rewards;
pub mod timeline;

use adit_core::event::Fact;
use adit_core::rules::Rules;
use adit_core::units::{Day, Position};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A read model.
pub trait Projection: Default + Serialize + DeserializeOwned {
    /// Name on the command line and in the API.
    const NAME: &'static str;

    /// Takes over one fact. Total: what has happened cannot be refused.
    fn apply(&mut self, fact: &Fact);
}

/// All read models, at one position.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Projections {
    pub register: register::Register,
    pub timeline: timeline::Timeline,
    pub five_in_place: five_in_place::FiveInPlace,
    pub deadlines: deadlines::Deadlines,
    pub rewards: rewards::Rewards,
    pub repeat_offenders: repeat_offenders::RepeatOffenders,
    pub relief: relief::Relief,
    next: Position,
}

/// Why a read model can't be had.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    #[error("facts must come in order: expected position {expected}, got {found}; replay from the beginning")]
    OutOfOrder { expected: Position, found: Position },
    #[error("the snapshot is damaged or of another version; replay from the beginning")]
    Snapshot,
    #[error("there is no read model named {0:?}; there are {names}", names = NAMES.join(", "))]
    Unknown(String),
    #[error("couldn't write a row: {0}")]
    Row(#[from] serde_json::Error),
}

/// Names of the read models.
pub const NAMES: [&str; 7] = [
    register::Register::NAME,
    timeline::Timeline::NAME,
    five_in_place::FiveInPlace::NAME,
    deadlines::Deadlines::NAME,
    rewards::Rewards::NAME,
    repeat_offenders::RepeatOffenders::NAME,
    relief::Relief::NAME,
];

/// Version of snapshots; another one is folded again.
const SNAPSHOT_VERSION: u8 = 1;

impl Projections {
    /// Position of the next fact to take over.
    pub fn next(&self) -> Position {
        self.next
    }

    /// Takes over the next fact.
    ///
    /// # Errors
    /// A fact that is not the next one is refused, so that nothing is skipped or counted twice.
    pub fn apply(&mut self, fact: &Fact) -> Result<(), ProjectionError> {
        if fact.position != self.next {
            return Err(ProjectionError::OutOfOrder { expected: self.next, found: fact.position });
        }
        self.register.apply(fact);
        self.timeline.apply(fact);
        self.five_in_place.apply(fact);
        self.deadlines.apply(fact);
        self.rewards.apply(fact);
        self.repeat_offenders.apply(fact);
        self.relief.apply(fact);
        self.next = Position(fact.position.0 + 1);
        Ok(())
    }

    /// Bytes to restart from: version, BLAKE3 checksum, content. The caller encrypts them.
    pub fn snapshot(&self) -> Result<Vec<u8>, ProjectionError> {
        let content = postcard::to_stdvec(self).map_err(|_| ProjectionError::Snapshot)?;
        let mut bytes = vec![SNAPSHOT_VERSION];
        bytes.extend_from_slice(blake3::hash(&content).as_bytes());
        bytes.extend_from_slice(&content);
        Ok(bytes)
    }

    /// Restarts from a snapshot.
    ///
    /// # Errors
    /// A snapshot that is damaged or of another version; replay instead.
    pub fn restore(bytes: &[u8]) -> Result<Self, ProjectionError> {
        let (version, rest) = bytes.split_first().ok_or(ProjectionError::Snapshot)?;
        let (checksum, content) = rest.split_first_chunk::<32>().ok_or(ProjectionError::Snapshot)?;
        if *version != SNAPSHOT_VERSION || blake3::hash(content).as_bytes() != checksum {
            return Err(ProjectionError::Snapshot);
        }
        postcard::from_bytes(content).map_err(|_| ProjectionError::Snapshot)
    }

    /// The rows of a read model as JSON, as of `today`.
    pub fn rows(
        &self,
        name: &str,
        rules: &Rules,
        today: Day,
    ) -> Result<Vec<serde_json::Value>, ProjectionError> {
        match name {
            register::Register::NAME => values(self.register.rows(today)),
            timeline::Timeline::NAME => values(self.timeline.rows()),
            five_in_place::FiveInPlace::NAME => values(self.five_in_place.rows()),
            deadlines::Deadlines::NAME => values(self.deadlines.rows(today)),
            rewards::Rewards::NAME => values(self.rewards.rows()),
            repeat_offenders::RepeatOffenders::NAME => values(self.repeat_offenders.rows(rules, today)),
            relief::Relief::NAME => values(self.relief.rows()),
            other => Err(ProjectionError::Unknown(other.chars().take(64).collect())),
        }
    }
}

fn values<R: Serialize>(rows: Vec<R>) -> Result<Vec<serde_json::Value>, ProjectionError> {
    rows.into_iter().map(|row| Ok(serde_json::to_value(row)?)).collect()
}
