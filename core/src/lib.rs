//! The domain and the ledger of Adit. No web, no pages, no clock of its own.
//!
//! * The **domain** is one folder for each kind of stream ([`hazard`], [`report`], [`reward`], …): what can be
//!   asked (`command`), what has happened (`event`), what is refused and why (`refusal`). Deciders are pure.
//! * The **rules** ([`rules`]) compute amounts, deadlines and conditions from rule packs, which are data with sources.
//! * The **ledger** ([`ledger`]) signs, orders, hashes and keeps what happened.

pub mod access;
pub mod actor;
pub mod attachment;
pub mod command;
pub mod concern;
pub mod decider;
pub mod enterprise;
pub mod event;
pub mod hazard;
pub mod id;
pub mod inquiry;
pub mod inspection;
pub mod ledger;
pub mod office;
pub mod opening;
pub mod refusal;
pub mod report;
pub mod reward;
pub mod role;
pub mod rulebook;
pub mod rules;
pub mod seal;
pub mod secret;
pub mod text;
pub mod units;
