//! A bureau's own register becomes hazards, through the same commands as everything else: from the command line, and at the workbench.
//!
//! Every row is read and checked before anything is written. A row's command id is made of what is taken over from it, so the
//! same file twice adds nothing, whoever brings it and by whichever way, and a longer export of the same register adds only
//! what is new.

pub(crate) mod held;
mod refused;
mod row;
mod table;

use std::collections::BTreeMap;

use adit_core::command::{Command, Request};
use adit_core::enterprise::{EnterpriseCommand, EnterpriseEvent};
use adit_core::event::Event;
use adit_core::hazard::{HazardCommand, Report};
use adit_core::id::{CommandId, Id, StreamId};
use adit_core::ledger::log::OpenError;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::{ExecuteError, Office};
use adit_core::units::Position;

pub(crate) use refused::refused;
pub use row::{Bad, Field, Mapping, Row, check};
pub use table::{CELL_UNITS_MAX, Ceilings, HEADING_CHARS_MAX, ImportError, Kind, Line, Table, read};

/// Enters rows in the order in which they come.
pub struct Entering<'a> {
    office: &'a Office,
    key: &'a SigningKey,
    /// Enterprises that are registered, by name.
    enterprises: BTreeMap<String, StreamId>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Its enterprise was not registered before.
    pub enterprise_is_new: bool,
    /// It had been taken over before; nothing was written.
    pub repeated: bool,
}

impl<'a> Entering<'a> {
    pub fn new(office: &'a Office, key: &'a SigningKey, enterprises: BTreeMap<String, StreamId>) -> Self {
        Self { office, key, enterprises }
    }

    /// Enters a row as a hazard, and its enterprise when its name is new.
    ///
    /// # Errors
    /// What a rule has against it, or why nothing can be written; the same row may be entered again.
    pub fn enter(&mut self, row: &Row) -> Result<Entered, ExecuteError> {
        let name = row.register.name.to_string();
        let known = self.enterprises.get(&name).copied();
        let enterprise = if let Some(enterprise) = known {
            enterprise
        } else {
            let command = Command::Enterprise(EnterpriseCommand::Register(row.register.clone()));
            let (stream, _) = self.execute(CommandId(Id::random()?), command)?;
            self.enterprises.insert(name, stream);
            stream
        };
        let report = Report { enterprise, ..row.report.clone() };
        let (_, repeated) = self.execute(hazard_id(row), Command::Hazard(HazardCommand::Report(report)))?;
        Ok(Entered { enterprise_is_new: known.is_none(), repeated })
    }

    fn execute(&self, id: CommandId, command: Command) -> Result<(StreamId, bool), ExecuteError> {
        let answer = self.office.execute(&Request { id, stream: None, command }, &[self.key])?;
        Ok((answer.stream, answer.repeated))
    }
}

/// The id of the command that takes a row over.
pub(crate) fn hazard_id(row: &Row) -> CommandId {
    let derived = blake3::derive_key("adit.v1 import hazard", &row.hash);
    let mut id = [0; 16];
    id.copy_from_slice(&derived[..16]);
    CommandId(Id(id))
}

/// Enterprises that are registered, by name, as the whole ledger tells.
///
/// # Errors
/// A ledger that can't be read.
pub fn registered(office: &Office) -> Result<BTreeMap<String, StreamId>, OpenError> {
    let mut found = BTreeMap::new();
    office.ledger().replay(Position(0), Position(u64::MAX), |fact| {
        if let Event::Enterprise(EnterpriseEvent::Registered(register)) = fact.event {
            found.insert(register.name.to_string(), fact.stream);
        }
        Ok::<(), OpenError>(())
    })?;
    Ok(found)
}
