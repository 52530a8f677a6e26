//! The ledger's merkle.
