//! What every document on A4 carries: where it stands in the ledger, and how anybody checks that.

use adit_core::ledger::vkey::{VKey, hex};
use adit_core::units::Position;
use serde::Serialize;

use super::{Address, PaperError, in_fours, qr};

/// The entry that a document rests on.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Where the ledger is served.
    pub address: Address,
    /// The ledger's name.
    pub origin: String,
    pub position: Position,
    /// Leaf hash of the entry there (RFC 6962).
    pub leaf: [u8; 32],
    pub log_key: VKey,
}

/// The same, as a template takes it.
#[derive(Serialize)]
pub(super) struct Shown {
    origin: String,
    address: String,
    qr: String,
    position: u64,
    leaf: String,
    log_key: String,
}

/// What the foot of each page names, on a document that rests on no single entry.
#[derive(Serialize)]
pub(super) struct Foot<'a> {
    pub(super) origin: &'a str,
}

impl Proof {
    /// Where the entry's receipt is.
    fn receipt(&self) -> String {
        format!("{}/log/receipt/{}.tlog-proof", self.address, self.position.0)
    }

    pub(super) fn shown(&self) -> Result<Shown, PaperError> {
        let address = self.receipt();
        Ok(Shown {
            origin: self.origin.clone(),
            qr: qr(&address).ok_or(PaperError::Code)?,
            address,
            position: self.position.0,
            leaf: in_fours(&hex(&self.leaf)),
            log_key: in_fours(&self.log_key.fingerprint()),
        })
    }
}
