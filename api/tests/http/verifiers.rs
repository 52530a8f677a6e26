//! Verifiers of other people, which know nothing of this project, read the real server: the packages `aics-tlog` and
//! `proofbundle`, and `openssl`. `tools/test` installs them into `target/verifiers`.

use std::path::{Path, PathBuf};
use std::process::Command;

use adit_core::ledger::cosignature::WitnessKey;
use adit_core::ledger::note::Note;
use adit_core::ledger::receipt::Receipt;
use adit_core::units::Timestamp;
use serde_json::{Value, json};

use super::log::Small;

pub(crate) fn verifier(program: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/verifiers/bin").join(program);
    assert!(place.exists(), "{program} is missing: run tools/test once, which installs it");
    place
}

/// What a program says, and whether it was content.
fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

pub(crate) fn aics(arguments: &[&str]) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/verifiers.py");
    run(Command::new(verifier("python")).arg(script).args(arguments))
}

pub(crate) fn said(said: &str) -> Value {
    serde_json::from_str(said).unwrap()
}

#[test]
fn aics_tlog_reads_logs_of_every_size_over_http() {
    for size in [1, 2, 255, 256, 257, 300, 65_535, 65_536, 65_537] {
        let log = Small::start(size);
        let (done, report) = aics(&["log", &format!("{}/log", log.url), &log.author.log.vkey().to_string()]);
        assert!(done, "{size}: {report}");
        let report = said(&report);
        assert_eq!((&report["size"], &report["bundles"]), (&size.into(), &size.div_ceil(256).into()));
    }
}

#[test]
fn aics_tlog_refuses_a_log_under_another_key() {
    let log = Small::start(3);
    let other = adit_core::ledger::vkey::SigningKey::from_seed(log.author.log.name(), &[7; 32]).unwrap();
    let (done, report) = aics(&["log", &format!("{}/log", log.url), &other.vkey().to_string()]);
    assert!(!done, "{report}");
}

#[test]
fn aics_tlog_counts_our_witness() {
    let log = Small::start(5);
    let witness = WitnessKey::from_seed("w.example/1", &[3; 32]).unwrap();
    let mut note = Note::parse(&log.get("/log/checkpoint").bytes).unwrap();
    note.signatures.push(witness.cosign(&note.text, Timestamp(1_790_000_000)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let check = |note: &Note| {
        std::fs::write(&path, note.to_bytes()).unwrap();
        let (log, witness) = (log.author.log.vkey().to_string(), witness.vkey().to_string());
        aics(&["note", path.to_str().unwrap(), &log, &witness])
    };
    let (done, report) = check(&note);
    assert!(done, "{report}");
    assert_eq!(said(&report), json!({ "size": 5, "witnesses": 1 }));
    note.signatures.pop();
    assert!(!check(&note).0, "without the witness its quorum is not met");
}

#[test]
fn proofbundle_verifies_our_receipts() {
    let log = Small::start(300);
    let folder = tempfile::tempdir().unwrap();
    let check = |position: u64, proof: &[u8]| {
        let (receipt, entry) = (folder.path().join("receipt"), folder.path().join("entry"));
        std::fs::write(&receipt, proof).unwrap();
        std::fs::write(&entry, log.get(&format!("/log/receipt/{position}.entry")).bytes).unwrap();
        let mut command = Command::new(verifier("proofbundle"));
        command.arg("verify-proof").arg(&receipt).arg("--payload-file").arg(&entry);
        command.args(["--log-vkey", &log.author.log.vkey().to_string()]);
        run(command.args(["--expected-origin", log.author.log.name(), "--json"]))
    };
    for position in [0, 1, 255, 256, 299] {
        let proof = log.get(&format!("/log/receipt/{position}.tlog-proof")).bytes;
        let (done, report) = check(position, &proof);
        assert!(done, "{position}: {report}");
        // The proof of another place does not hold, and they see it as we do.
        let receipt = Receipt::parse(&proof).unwrap();
        let moved = Receipt { position: adit_core::units::Position((position + 1) % 300), ..receipt };
        assert!(!check(position, &moved.to_bytes()).0, "{position}");
    }
}

#[test]
fn openssl_verifies_the_signature_of_an_entry() {
    let log = Small::start(2);
    let note = Note::parse(&log.get("/log/receipt/1.entry").bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (key, text, signature) =
        (folder.path().join("key.der"), folder.path().join("text"), folder.path().join("signature"));
    // SubjectPublicKeyInfo of an Ed25519 key (RFC 8410, 4).
    let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    std::fs::write(&key, [&head[..], log.author.log.vkey().key()].concat()).unwrap();
    std::fs::write(&signature, &note.signatures[0].signature).unwrap();
    let check = |content: &str| {
        std::fs::write(&text, content).unwrap();
        let mut command = Command::new("openssl");
        command.args(["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin", "-inkey"]).arg(&key);
        run(command.arg("-in").arg(&text).arg("-sigfile").arg(&signature))
    };
    let (done, report) = check(&note.text);
    assert!(done, "{report}");
    assert!(!check(&note.text.replace("seen", "Seen")).0);
}
