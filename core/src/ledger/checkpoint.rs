//! The ledger's checkpoint.
