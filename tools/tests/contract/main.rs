//! The contract of the command line, run against the real binary. Scripts of others rely on it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects and stops where that does not hold"
)]

mod bench;
mod bundle;
mod demo;
mod escrow;
mod export;
mod import;
mod key;
mod ledger;
mod openid;
mod rules;
mod serve;
mod witness;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What one run of `adit` said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Standard output as exactly one JSON value.
    fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("not one JSON object: {e}\n{}\n{}", self.out, self.err))
    }

    #[track_caller]
    fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self
    }

    /// Refused by name: exit code 1, words on standard error in Chinese and in English, no panic.
    #[track_caller]
    fn refused(self) -> Self {
        assert_eq!(self.code, Some(1), "{}\n{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        assert!(self.err.chars().any(is_chinese), "no Chinese words: {}", self.err);
        assert!(self.err.chars().any(|c| c.is_ascii_alphabetic()), "no English words: {}", self.err);
        self
    }
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    command.args(arguments).env_remove("ADIT_PASSWORD").env_remove("ADIT_LISTEN").env_remove("ADIT_POLICY");
    command
}

fn adit(arguments: &[&str]) -> Said {
    Said::of(command(arguments).output().expect("adit runs"))
}

/// Runs `adit` with `input` on its standard input.
fn adit_reads(arguments: &[&str], input: &[u8]) -> Said {
    let piped =
        command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = piped.expect("adit runs");
    // A refusal may come before everything is read.
    let _ = child.stdin.take().expect("standard input").write_all(input);
    Said::of(child.wait_with_output().expect("adit ends"))
}

/// A folder that goes away with the test; ledgers have their keys and their lock beside them.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a path in UTF-8").to_owned()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.path().join(name), content).expect("a file");
        self.path(name)
    }

    /// Every file below, with its content; what must not change is compared by it.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        collect(self.0.path(), &mut found);
        found.sort();
        found
    }
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            let content = std::fs::read(&path).expect("a file");
            found.push((path, content));
        }
    }
}

/// A fresh ledger and what `init --json` said of it.
fn ledger(place: &Place) -> (String, Value) {
    let data = place.path("ledger");
    let said = adit(&["init", "--data", &data, "--origin", "bureau.example/ledger", "--json"]).done();
    (data, said.json())
}

#[test]
fn when_asked_for_help_then_every_subcommand_says_what_it_does() {
    let help = adit(&["--help"]).done();
    for name in [
        "init", "key", "serve", "demo", "import", "verify", "audit", "show", "project", "rules", "export",
        "witness", "bench",
    ] {
        assert!(help.out.contains(name), "{name} is missing from the help");
        let own = adit(&[name, "--help"]).done();
        assert!(own.out.contains("Usage: adit"), "{}", own.out);
        assert!(own.out.contains("Example"), "{name} gives no example");
    }
    assert!(help.out.contains("Exit codes"), "the help does not say what exit codes mean");
}

#[test]
fn when_the_usage_is_wrong_then_the_exit_code_is_2() {
    for wrong in [&["nonsense"][..], &["init"], &["verify"], &["show", "--data", "x"], &["bench", "nonsense"]]
    {
        assert_eq!(adit(wrong).code, Some(2), "{wrong:?}");
    }
}
