//! The ledger: signed entries, their order, their tree, and the stores that keep them.

pub mod body;
pub mod checkpoint;
pub mod disk;
pub mod embedded;
pub mod entry;
pub mod index;
pub mod journal;
pub mod lock;
pub mod memory;
pub mod merkle;
pub mod note;
pub mod store;
pub mod vkey;
