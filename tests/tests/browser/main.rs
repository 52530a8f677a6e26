//! What runs in a browser, in a real one. `tools/test` installs Chromium and what drives it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

mod age;
mod base;
#[path = "../../../core/tests/common/mod.rs"]
mod common;
#[path = "../evidence/mod.rs"]
mod evidence;
mod viewer;
