//! The ledger's index.
