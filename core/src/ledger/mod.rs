//! The ledger: signed entries, their order, their tree, and the stores that keep them.

pub(crate) mod ahead;
pub mod body;
pub mod checkpoint;
pub mod clock;
pub mod cosignature;
pub mod disk;
pub mod embedded;
pub mod entry;
pub mod group;
pub mod home;
mod index;
mod journal;
pub mod keyring;
pub mod lock;
pub mod log;
pub mod memory;
pub mod merkle;
pub mod note;
pub mod officer;
pub mod policy;
pub mod proposal;
pub mod replay;
pub mod sequencer;
pub mod store;
pub mod verify;
pub mod vkey;
pub mod witness;
