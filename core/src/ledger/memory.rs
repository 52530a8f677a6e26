//! The ledger's memory.
