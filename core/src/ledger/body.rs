//! The ledger's body.
