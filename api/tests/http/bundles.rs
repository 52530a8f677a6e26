//! Evidence bundles over HTTP: who gets which streams, and what is left out.

use std::fmt::Write as _;

use adit_core::id::StreamKind;
use adit_core::ledger::bundle::{Verified, verify};
use adit_core::role::Role;
use serde_json::{Value, json};

use crate::common::{Reply, Server, id};

fn ask(server: &Server, token: Option<&str>, streams: &[&str]) -> Reply {
    server.post("/api/v1/bundles", token, &json!({ "streams": streams }))
}

#[track_caller]
fn sound(server: &Server, reply: &Reply) -> Verified {
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.headers["content-type"], "application/zip");
    let log = server.app.office.ledger().log_key().vkey();
    verify(&reply.bytes, &[log], None).unwrap()
}

fn bodies(verified: &Verified) -> usize {
    verified.entries.iter().filter(|entry| entry.body).count()
}

#[test]
fn every_role_on_every_kind_of_stream() {
    let server = Server::start();
    let (report, _) = server.report();
    let hazard = server.hazard(0);
    let account = format!("actor/{}", server.actor("clerk-1"));
    let ledger = server.app.office.ledger();
    let opened = ledger.store().streams(StreamKind::Ledger).unwrap()[0].to_string();
    ledger.publish_now();
    let none = |kind: &str| format!("{kind}/{}", "0".repeat(26));
    let streams = [
        hazard,
        report,
        server.enterprises[0].to_string(),
        account,
        opened,
        none("reward"),
        none("inspection"),
        none("inquiry"),
        none("rules"),
        none("access"),
    ];
    let mut table = String::new();
    let sessions: Vec<(String, Option<String>)> = std::iter::once(("nobody".to_owned(), None))
        .chain(Role::ALL.iter().map(|role| (role.to_string(), Some(server.sign_in(&format!("{role}-1"))))))
        .collect();
    for stream in &streams {
        let _ = writeln!(table, "{}", stream.split('/').next().unwrap());
        for (role, token) in &sessions {
            let reply = ask(&server, token.as_deref(), &[stream]);
            let what = if reply.status == 200 {
                let verified = sound(&server, &reply);
                format!("{} entries, {} bodies", verified.entries.len(), bodies(&verified))
            } else {
                reply.code()
            };
            let _ = writeln!(table, "    {role}: {} {what}", reply.status);
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn given_an_enterprise_when_a_report_of_it_arrives_then_its_bundle_is_the_same_to_the_byte() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let token = server.sign_in_by_key("enterprise-1");
    let ledger = server.app.office.ledger();
    // What is not published yet does not exist for it.
    ask(&server, Some(&token), &[&hazard]).refused(404, "api.not_found");
    ledger.publish_now();
    let before = ask(&server, Some(&token), &[&hazard]);
    assert_eq!(bodies(&sound(&server, &before)), 1, "its own hazard, and no body of an account");
    let (report, _) = server.report();
    let after = ask(&server, Some(&token), &[&hazard]);
    assert_eq!(before.bytes, after.bytes);
    ledger.publish_now();
    let later = ask(&server, Some(&token), &[&hazard]);
    let kinds = sound(&server, &later).entries.into_iter().map(|entry| entry.signed.entry().stream.kind);
    assert!(kinds.into_iter().all(|kind| kind != StreamKind::Report));
    // A report that is there and one that is not are refused alike, and so is the hazard of another.
    for stream in [report, format!("report/{}", id()), server.hazard(1), format!("hazard/{}", id())] {
        ask(&server, Some(&token), &[&stream]).refused(403, "api.forbidden");
        ask(&server, Some(&token), &[&hazard, &stream]).refused(403, "api.forbidden");
    }
}

#[test]
fn when_only_entries_are_asked_for_then_no_body_leaves() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let token = server.sign_in_by_key("inspector-1");
    let asked = json!({ "streams": [hazard], "entries_only": true });
    let reply = server.post("/api/v1/bundles", Some(&token), &asked);
    assert_eq!(bodies(&sound(&server, &reply)), 0);
    assert!(!reply.text.contains("通风机停转"));
}

#[test]
fn what_is_not_a_question_for_a_bundle_is_refused_by_name() {
    let server = Server::start();
    let token = server.sign_in_by_key("inspector-1");
    let refused = |asked: &Value, code| {
        server.post("/api/v1/bundles", Some(&token), asked).refused(400, code);
    };
    refused(&json!({ "streams": [] }), "api.bad_request");
    let many: Vec<String> = (0..65).map(|_| format!("hazard/{}", id())).collect();
    refused(&json!({ "streams": many }), "api.bad_request");
    refused(&json!({ "streams": ["hazard"] }), "api.wrong_value");
    refused(&json!({ "streams": [], "viewer": "x" }), "api.unknown_field");
}
