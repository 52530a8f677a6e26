//! The ledger's journal.
