//! Carries out a script of `tests/browser` in a real browser and reads what came of it.

#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// Runs a script with a plan. Pictures of the pages go into the folder that `ADIT_PICTURES` names, if it does.
pub(crate) fn run(script: &str, mut plan: Value) -> Value {
    // Whichever crate the test stands in.
    let tests = &Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    let installed = tests.join("../target/browser/node_modules");
    assert!(
        installed.is_dir(),
        "the packages of tests/browser are missing: run tools/test once, which installs them"
    );
    if let Ok(pictures) = std::env::var("ADIT_PICTURES") {
        plan["pictures"] = json!(pictures);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plan.json");
    std::fs::write(&path, plan.to_string()).expect("written");
    let output = Command::new("node").arg(tests.join("browser").join(script)).arg(&path).output();
    let output = output.expect("Node.js is missing: run tools/test once, which installs it");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {complaints}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{script}: {error}: {complaints}"))
}
