//! The ledger's store.
