//! The API as its users meet it: a real server, a real ledger, real HTTP.
#![allow(clippy::unwrap_used, reason = "tests")]

mod access;
mod bad_input;
mod bundles;
mod commands;
mod common;
mod faults;
mod log;
mod me;
mod pages;
mod queries;
mod sealed;
mod sign_in;
mod timekeeper;
mod verifiers;
mod witnessing;
