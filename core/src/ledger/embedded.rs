//! The ledger's embedded.
