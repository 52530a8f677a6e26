//! Pages, the document, and the headers of every answer.

use std::collections::BTreeSet;

use adit_api::Options;
use serde_json::Value;

use crate::common::Server;

#[track_caller]
fn has_the_headers(reply: &crate::common::Reply, what: &str) {
    let header = |name: &str| reply.headers.get(name).map(String::as_str).unwrap_or_default();
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{what}: {policy}");
    for part in ["form-action 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{what}: {policy}");
    // Public data may be kept and read by pages of others; its own tests are in `log`.
    let public = what.starts_with("/log/") && reply.status == 200;
    assert_eq!(header("cache-control"), if public { "no-cache" } else { "no-store" }, "{what}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header("referrer-policy"), "no-referrer", "{what}");
    assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{what}");
    let readers = if public { "cross-origin" } else { "same-origin" };
    assert_eq!(header("cross-origin-resource-policy"), readers, "{what}");
    assert!(header("permissions-policy").contains("camera=()"), "{what}");
}

#[test]
fn every_answer_has_the_headers() {
    let server = Server::start();
    let document = adit_api::routes::document().unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let body = (method == "post").then_some(&b"{}"[..]);
            let reply = server.send(&method.to_uppercase(), path.split('{').next().unwrap(), &[], body);
            has_the_headers(&reply, path);
        }
    }
    has_the_headers(&server.get("/nothing/here", None), "404");
    has_the_headers(&server.send("PUT", "/", &[], Some(b"")), "405");
    let json = [("content-type", "application/json")];
    let large = vec![b' '; 300 * 1024];
    has_the_headers(&server.send("POST", "/api/v1/sign-in", &json, Some(&large)), "413");
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                found.insert(reference.clone());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_document_is_whole_and_describes_every_command() {
    let document = adit_api::routes::document().unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in found {
        let name = reference.strip_prefix("#/components/schemas/").unwrap_or_else(|| panic!("{reference}"));
        assert!(schemas.contains_key(name), "{reference} leads nowhere");
    }
    for kind in adit_core::command::Command::types() {
        assert!(schemas.contains_key(&format!("command.{kind}")), "{kind} is not described");
    }
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let summary = operation["summary"].as_str().unwrap_or_default();
            let says = operation["description"].as_str().unwrap_or_default();
            assert!(!summary.is_empty(), "{method} {path} says nothing");
            assert!(!says.is_ascii(), "{method} {path} says nothing in Chinese");
        }
    }
}

#[test]
fn pages_ask_nothing_of_third_parties_and_carry_no_script() {
    let server = Server::start_with(Options { demonstration: true, ..Options::default() });
    for path in [
        "/",
        "/start",
        "/report",
        "/my",
        "/docs",
        "/rules",
        "/verify",
        "/tables/register",
        "/tables/rewards",
        "/style.css",
    ] {
        let reply = server.get(path, None);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        // The report's form names its one script by hash; that it is ours is tested with the reporter's pages.
        let text = reply.text.replacen("<script type=\"module\" src=\"/web/report-", "", 1);
        for forbidden in ["http://", "https://", "<script", "style=\"", "@import", "url("] {
            assert!(!text.contains(forbidden), "{path} holds {forbidden}");
        }
    }
}

#[test]
fn the_start_page_shows_the_ledger_in_both_languages() {
    let server = Server::start();
    let page = server.get("/start", None).text;
    for text in ["明硐", "Adit", crate::common::ORIGIN, "lang=\"zh-CN\"", "lang=\"en\"", "width=device-width"]
    {
        assert!(page.contains(text), "no {text}");
    }
    assert!(!page.contains("/tables/"), "tables are for officers who are signed in");
}

#[test]
fn tables_are_for_officers_or_for_a_demonstration() {
    let server = Server::start();
    server.get("/tables/register", None).refused(401, "api.not_signed_in");
    let token = server.sign_in_by_key("auditor-1");
    server.get("/tables/register", Some(&token)).refused(403, "api.forbidden");
    let token = server.sign_in_by_key("inspector-1");
    server.hazard(0);
    let last = server.size() - 1;
    server.get(&format!("/api/v1/projections/register?after={last}"), Some(&token)).expect(200);
    let page = server.get("/tables/register", Some(&token)).text;
    assert!(page.contains("示例一矿") && page.contains("通风机停转"), "{page}");
    let demonstration = Server::start_with(Options { demonstration: true, ..Options::default() });
    assert_eq!(demonstration.get("/tables/register", None).status, 200);
    demonstration.get("/api/v1/projections/register", None).refused(401, "api.not_signed_in");
}

#[test]
fn what_was_typed_is_shown_as_text_never_as_markup() {
    let server = Server::start_with(Options { demonstration: true, ..Options::default() });
    let mut data = crate::common::self_report(&server.enterprises[0]);
    data["description"] = "<script>alert(1)</script>".into();
    server.execute(None, "hazard.report", &data, &["enterprise-1"]);
    let token = server.sign_in_by_key("inspector-1");
    let last = server.size() - 1;
    server.get(&format!("/api/v1/projections/register?after={last}"), Some(&token)).expect(200);
    let page = server.get("/tables/register", None).text;
    assert!(page.contains("alert(1)") && !page.contains("<script"), "{page}");
}
