//! The HTTP server of Adit: the reporter's pages, the workbench, the JSON API and its description.
//!
//! A handler is extract → command → execute, or query → answer. Everything that writes goes through
//! [`adit_core::office::Office`]; what may be read by whom is decided once, in [`access`]. All routes stand in
//! [`routes`]. Never logged: addresses, paths, query strings, bodies, session ids.

pub mod access;
pub mod app;
mod attached;
pub mod bundle;
mod challenge;
mod clerk_script;
mod desk;
pub mod digest;
pub mod export;
mod extract;
mod halfway;
mod handlers;
pub mod import;
mod intake;
mod invitations;
mod joint;
mod json;
pub mod keystore;
mod labels;
pub mod limits;
pub mod onion;
mod openapi;
pub mod openid;
mod page;
#[cfg(feature = "pdf")]
pub mod paper;
pub mod passkeys;
mod past;
mod patience;
mod pending;
mod pickup;
mod picture_small;
mod posts;
pub mod problem;
pub mod projector;
mod reporter;
pub mod routes;
pub mod searcher;
mod second_factor;
mod session;
mod share;
mod slow_hash;
mod snapshots;
pub mod timekeeper;
pub mod timestamps;
mod trace_text;
mod web;
pub mod witness;
pub mod witnesses;
mod wrapping;

pub use app::{App, Options, StartError};
pub use routes::serve;
