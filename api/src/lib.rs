//! The HTTP server of Adit: JSON API, its description, and a plain start page.
//!
//! A handler is extract → command → execute, or query → answer. Everything that writes goes through
//! [`adit_core::office::Office`]; what may be read by whom is decided once, in [`access`].

pub mod access;
pub mod app;
mod extract;
mod handlers;
pub mod keystore;
pub mod openapi;
mod page;
pub mod problem;
pub mod projector;
pub mod routes;
mod session;

pub use app::App;
pub use routes::serve;
