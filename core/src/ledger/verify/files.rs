//! Checks the sealed files that entries name against the hashes in their bodies.

use serde::Serialize;

use super::VerifyFault;
use crate::event::Fact;
use crate::ledger::blobs::BlobError;
use crate::ledger::log::{Ledger, OpenError};
use crate::units::Position;

/// What was found in the blobs folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Files {
    /// Files that are there and have the hash that a body tells.
    pub whole: u64,
    /// What reporters sent and is not there any more: it may have been destroyed for good, and every proof still holds.
    pub gone: u64,
}

enum Stop {
    Open(OpenError),
    Fault(VerifyFault),
}

impl From<OpenError> for Stop {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

/// Reads every sealed file that an entry names. One that was changed is a fault, and so is one that proves something and is not
/// there. Entries are taken as they are: [`super::verify`] has checked them.
///
/// # Errors
/// The first fault, with the position that names the file.
pub fn files(ledger: &Ledger) -> Result<Files, VerifyFault> {
    let mut found = Files::default();
    let checked = ledger.replay(Position(0), Position(ledger.size()), |fact| {
        check(ledger, &fact, &mut found).map_err(Stop::Fault)
    });
    match checked {
        Ok(()) => Ok(found),
        Err(Stop::Fault(fault)) => Err(fault),
        Err(Stop::Open(error)) => Err(VerifyFault::Unreadable(Box::new(error))),
    }
}

fn check(ledger: &Ledger, fact: &Fact, found: &mut Files) -> Result<(), VerifyFault> {
    let proves = !fact.event.attachments().is_empty();
    for hash in fact.event.sealed_files() {
        let read = ledger.blobs().map_or_else(|| Err(BlobError::Missing(hash.to_owned())), |b| b.read(hash));
        match read {
            Ok(_) => found.whole += 1,
            Err(BlobError::Missing(_)) if !proves => found.gone += 1,
            Err(source) => {
                let file = hash.to_owned();
                return Err(VerifyFault::File { position: fact.position.0, file, source });
            }
        }
    }
    Ok(())
}
