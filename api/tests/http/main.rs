//! The API as its users meet it: a real server, a real ledger, real HTTP.
#![allow(clippy::unwrap_used, reason = "tests")]

mod access;
mod accounts;
mod bad_input;
#[path = "../../../tests/tests/browser/base.rs"]
mod browser;
mod bundles;
mod commands;
mod common;
mod corroboration;
mod desk;
mod desk_in_browser;
mod desk_overview;
mod digest;
mod digest_webhook;
mod evidence;
mod faults;
mod files;
mod flood;
mod inquiries;
mod inside;
mod joint;
mod leader;
mod log;
mod me;
mod mini_program;
mod onion;
mod openid;
mod openid_in_browser;
mod openid_provider;
mod pages;
#[cfg(feature = "pdf")]
mod paper;
mod passkeys;
mod past;
mod pickups;
mod plans;
#[cfg(feature = "pdf")]
mod poster;
mod queries;
mod register_import;
mod reporter;
mod reporter_in_browser;
mod sealed;
mod share;
mod sign_in;
mod signing;
mod timekeeper;
mod timestamps;
mod uploads;
mod verifiers;
mod views;
mod vouchers;
mod wall;
mod witnessing;
mod witnessing_others;
mod worklist;
mod worklist_rows;
