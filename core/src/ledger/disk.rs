//! The ledger's disk.
