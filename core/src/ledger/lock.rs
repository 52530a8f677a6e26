//! The ledger's lock.
