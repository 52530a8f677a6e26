//! The commands of a bundle's VERIFY.md, run as they stand there with tools of others, in the folder of an unpacked bundle.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

#[path = "../../core/tests/common/mod.rs"]
mod common;
mod evidence;

use std::path::Path;
use std::process::Command;

use evidence::{Open, evidence};

/// The blocks of commands, in order.
fn blocks(text: &str) -> Vec<String> {
    text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

/// Whether a block ends well, and what it said.
fn run(block: &str, folder: &Path) -> (bool, String) {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/verifiers/bin");
    let tools =
        tools.canonicalize().expect("verifiers are missing: run tools/test once, which installs them");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    let script = format!("set -e\n{block}");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder)
        .env("PATH", path)
        .output()
        .expect("bash");
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn given_an_unpacked_bundle_when_the_commands_are_run_then_they_hold_and_each_finds_what_it_is_for() {
    let evidence = evidence();
    let folder = tempfile::tempdir().expect("a folder");
    Open::unpack(&evidence.bundle, folder.path());
    let text = std::fs::read_to_string(folder.path().join("VERIFY.md")).expect("VERIFY.md");
    let blocks = blocks(&text);
    assert_eq!(blocks.len(), 6);
    for block in &blocks {
        let (done, said) = run(block, folder.path());
        assert!(done, "{block}\n{said}");
    }
    let position = Open::of(&evidence.bundle).positions(&evidence.hazard)[0];
    for (block, path, from, to) in [
        (1, "index.html".to_owned(), "<html", "<HTML"),
        (2, "manifest".to_owned(), "day 2", "day 3"),
        (3, format!("entries/{position}.entry"), "seen", "Seen"),
        (4, "checkpoint".to_owned(), "/ledger\n", "/ledgre\n"),
        (5, format!("bodies/{position}.json"), "hazard", "Hazard"),
    ] {
        let file = folder.path().join(&path);
        let whole = std::fs::read_to_string(&file).expect("a file");
        std::fs::write(&file, whole.replacen(from, to, 1)).expect("altered");
        let (done, said) = run(&blocks[block], folder.path());
        assert!(!done, "{path} was altered, and this did not see it:\n{}\n{said}", blocks[block]);
        std::fs::write(&file, whole).expect("put back");
    }
}

#[test]
fn given_a_bundle_when_zip_readers_of_others_open_it_then_they_find_the_same_files() {
    let evidence = evidence();
    let folder = tempfile::tempdir().expect("a folder");
    let zip = folder.path().join("bundle.zip");
    std::fs::write(&zip, &evidence.bundle).expect("written");
    let script = "import sys, zipfile, hashlib\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
                  for name in z.namelist(): print(hashlib.sha256(z.read(name)).hexdigest(), len(z.read(name)), name)";
    let output = Command::new("python3").args(["-c", script]).arg(&zip).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = String::from_utf8_lossy(&output.stdout).into_owned();
    let ours: Vec<String> = Open::of(&evidence.bundle)
        .manifest
        .files
        .iter()
        .map(|file| format!("{} {} {}", file.hash, file.bytes, file.path))
        .collect();
    // Theirs has the manifest as well, first.
    assert_eq!(theirs.lines().skip(1).collect::<Vec<_>>(), ours);
    if let Ok(output) = Command::new("unzip").arg("-tq").arg(&zip).output() {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
