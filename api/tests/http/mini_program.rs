//! The examples of `docs/mini-program.md`, run as they stand there against a real server.
#![allow(clippy::panic, clippy::expect_used, reason = "a test reports by panicking")]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use adit_core::id::StreamId;
use serde_json::{Value, json};

use crate::common::{Server, id};
use crate::reporter::{answered, my, rewarded};

/// The blocks of code behind this fence.
fn blocks(text: &str, fence: &str) -> Vec<String> {
    let fence = format!("```{fence}\n");
    text.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

/// What the example of this number says, after everything that the document defines.
fn example(server: &Server, nth: usize, with: &[(&str, &str)]) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let installed = root.join("target/mini-program");
    assert!(
        installed.join("node_modules").is_dir(),
        "the packages of tests/mini-program are missing: run tools/test once, which installs them"
    );
    let text = std::fs::read_to_string(root.join("docs/mini-program.md")).expect("the document");
    let run = blocks(&text, "js run");
    assert_eq!(run.len(), 6, "an example is not run");
    // Node.js 18 has in a module alone what a browser, a mini-program's adapter and Node.js 20 have everywhere.
    let begin = "import { webcrypto } from \"node:crypto\";\nglobalThis.crypto ??= webcrypto;\n";
    let script = format!("{begin}{}\n{}", blocks(&text, "js").join("\n"), run[nth]);
    let mut file = tempfile::Builder::new().suffix(".mjs").tempfile_in(installed).expect("a file");
    file.write_all(script.as_bytes()).expect("written");
    let output = Command::new("node")
        .arg(file.path())
        .env("ADIT_URL", &server.url)
        .envs(with.iter().copied())
        .output()
        .expect("Node.js is missing: run tools/test once, which installs it");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "example {nth}: {complaints}");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("example {nth}: {error}: {complaints}"))
}

fn text<'a>(said: &'a Value, name: &str) -> &'a str {
    said[name].as_str().unwrap_or_else(|| panic!("no {name} in {said}"))
}

#[test]
fn given_the_document_when_its_examples_are_run_then_a_report_is_made_followed_and_claimed_without_an_account()
 {
    let server = Server::start();
    server.app.office.ledger().publish_now();
    let before = server.size();
    let said = example(&server, 0, &[]);
    assert_eq!(server.size(), before + 1);
    assert!(text(&said, "receipt").starts_with("c2sp.org/tlog-proof@v1"));
    let (words, report): (&str, StreamId) = (text(&said, "words"), text(&said, "stream").parse().unwrap());
    answered(&server, &report);
    rewarded(&server, &report);

    let said = example(&server, 1, &[("WORDS", words)]);
    assert_eq!((text(&said, "status"), text(&said, "told")), ("answered", "没有通风，还在下井。"));
    let letters = json!([["office", "已责令停产"], ["reporter", "现在还没有通风。"]]);
    assert_eq!(said["letters"], letters);

    let said = example(&server, 2, &[("WORDS", words)]);
    assert_eq!(text(&said, "amount_yuan"), "15000.00");
    let finance = server.sign_in_by_key("finance-1");
    let found = server
        .post("/api/v1/vouchers", Some(&finance), &json!({ "code": text(&said, "voucher") }))
        .expect(200);
    assert_eq!(found["amount_yuan"], "15000.00");
    // The page knows the same secret.
    let page = my(&server, words, "", &[]);
    for read in ["没有通风，还在下井。", "现在还没有通风。", text(&said, "voucher")] {
        assert!(page.text.contains(read), "no {read} in {}", page.text);
    }
}

#[test]
fn given_the_document_when_a_pickup_code_is_exchanged_as_it_says_then_it_works_once() {
    let server = Server::start();
    server.app.office.ledger().publish_now();
    let clerk = server.sign_in("clerk-1");
    let told = json!({ "id": id(), "channel": "telephone", "words": "有人来电：井口没有通风" });
    let taken = server.post("/api/v1/reports", Some(&clerk), &told).expect(200);
    let with = [("NUMBER", text(&taken, "number")), ("CODE", text(&taken, "code"))];
    let said = example(&server, 3, &with);
    assert_eq!(
        (text(&said, "number"), text(&said, "told")),
        (text(&taken, "number"), "有人来电：井口没有通风")
    );
    assert_eq!(text(&said, "again"), "report.already_picked_up");
    assert!(my(&server, text(&said, "words"), "", &[]).text.contains("有人来电：井口没有通风"));
}

#[test]
fn given_the_document_when_a_colleague_is_invited_as_it_says_then_the_code_works_once_and_both_have_a_share()
{
    let server = Server::start();
    server.app.office.ledger().publish_now();
    let first = example(&server, 0, &[]);
    let (words, report): (&str, StreamId) = (text(&first, "words"), text(&first, "stream").parse().unwrap());
    let said = example(&server, 4, &[("WORDS", words)]);
    assert_eq!(said["joint"], json!({ "reporters": 2, "first": false, "invitations": [] }));
    assert_eq!((text(&said, "again"), &said["open"]), ("report.invitation_used", &json!(0)));
    answered(&server, &report);
    rewarded(&server, &report);
    for words in [words, text(&said, "words")] {
        assert_eq!(text(&example(&server, 2, &[("WORDS", words)]), "amount_yuan"), "7500.00");
    }
}

#[test]
fn given_the_document_when_a_file_is_sent_in_pieces_as_it_says_then_it_arrives_whole() {
    let server = Server::start();
    server.app.office.ledger().publish_now();
    let said = example(&server, 5, &[]);
    assert_eq!(said["same"], true, "{said}");
    let size = server.app.office.ledger().blobs().unwrap().head(text(&said, "blob")).unwrap().size;
    assert_eq!(said["size"], size);
}

/// No request of these has a place for who somebody is elsewhere.
#[test]
fn given_an_account_id_when_it_is_sent_along_then_the_request_is_refused() {
    let server = Server::start();
    let bodies = [
        (
            "/api/v1/prepare",
            json!({ "id": id(), "type": "report.report", "data": {}, "signers": [], "openid": "o6_bmjrP" }),
        ),
        ("/api/v1/append", json!({ "pending": id(), "notes": [], "openid": "o6_bmjrP" })),
        ("/api/v1/my", json!({ "key": "ab".repeat(32), "note": "", "openid": "o6_bmjrP" })),
        (
            "/api/v1/invite",
            json!({ "id": id(), "code": "", "key": "ab".repeat(32), "note": "", "openid": "o6_bmjrP" }),
        ),
        (
            "/api/v1/join",
            json!({ "id": id(), "number": "", "code": "", "key": "", "claim_key": "", "recipient": "", "openid": "o6_bmjrP" }),
        ),
        (
            "/api/v1/pickup",
            json!({ "id": id(), "number": "", "code": "", "key": "", "claim_key": "", "recipient": "", "openid": "o6_bmjrP" }),
        ),
    ];
    for (path, body) in bodies {
        server.post(path, None, &body).refused(400, "api.unknown_field");
    }
}
