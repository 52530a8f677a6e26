//! The ledger's note.
