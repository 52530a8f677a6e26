//! An inquiry on the desk: a trace that is attached, computed again by whoever has the entries, and its evidence bundle.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test reports by panicking")]

use std::fmt::Write as _;

use adit_core::id::StreamId;
use adit_core::ledger::bundle::verify;
use adit_core::ledger::merkle::leaf_hash;
use adit_core::ledger::vkey::hex;
use serde_json::{Value, json};

use crate::common::{Server, id};
use crate::desk::{page, send};
use crate::desk_in_browser::{day, day_with};

const MAJOR: &str = "NCM88-一(地下矿山)-四";

/// A major hazard that an inspection before did not find, one at another enterprise, and an inquiry on the first.
fn inquired(server: &Server) -> (String, String) {
    let inspectors = ["inspector-1", "inspector-2"];
    for enterprise in &server.enterprises {
        let perform = json!({ "enterprise": enterprise, "day": "2024-05-08", "checked": "通风系统" });
        let visit = server.execute(None, "inspection.perform", &perform, &inspectors);
        server.execute(
            Some(&visit),
            "inspection.nothing_found",
            &json!({ "checked": "通风系统" }),
            &inspectors,
        );
    }
    let (hazard, _) = (server.hazard(0), server.hazard(1));
    let verify = json!({ "criterion": MAJOR, "because": "现场核实" });
    server.execute(Some(&hazard), "hazard.verify", &verify, &inspectors);
    let open = json!({ "hazards": [hazard], "trigger": "not_found", "because": "检查未查出" });
    let inquiry = server.execute(None, "inquiry.open", &open, &["investigator-1"]);
    (hazard, inquiry)
}

fn trace_of(hazard: &str) -> String {
    hazard.replace("hazard/", "/desk/trace/")
}

/// The value of a hidden field of the form that attaches.
fn hidden(text: &str, name: &str) -> String {
    let form = text.split("id=\"text\"").nth(1).expect("the trace's text");
    let at = format!("name=\"{name}\" value=\"");
    form.split(&at).nth(1).expect("a field").split('"').next().unwrap().to_owned()
}

fn attach(server: &Server, token: &str, hazard: &str, summary: &str) -> crate::common::Reply {
    let shown = page(server, token, &trace_of(hazard)).text;
    let [id, inquiry, as_of] = ["_id", "inquiry", "as_of"].map(|name| hidden(&shown, name));
    let fields = [("_id", &*id), ("inquiry", &*inquiry), ("as_of", &*as_of), ("summary", summary)];
    send(server, Some(token), &trace_of(hazard), &fields)
}

fn attached(server: &Server, inquiry: &str) -> Value {
    let stream: StreamId = inquiry.parse().unwrap();
    let facts = server.app.office.ledger().stream(&stream).unwrap();
    facts.last().unwrap().event.to_json().unwrap()["data"].clone()
}

#[test]
fn given_an_open_inquiry_when_an_investigator_attaches_the_trace_then_it_stands_there_and_on_the_trace() {
    let server = Server::start();
    let (hazard, inquiry) = inquired(&server);
    let token = server.sign_in("investigator-1");
    let size = server.size();
    let blank = attach(&server, &token, &hazard, " ");
    assert_eq!((blank.status, server.size()), (400, size), "{}", blank.text);
    let sent = attach(&server, &token, &hazard, "检查在先而未查出\r\n见条目");
    assert_eq!((sent.status, server.size()), (303, size + 1), "{}", sent.text);
    let shown = page(&server, &token, &sent.headers["location"]).text;
    let as_of = size - 1;
    let at = format!("{}?as_of={as_of}", trace_of(&hazard));
    assert!(shown.contains("banner good") && shown.contains("检查在先而未查出"), "{shown}");
    assert!(shown.contains(&at), "no way to what was attached: {shown}");
    assert!(!shown.contains("/desk/do/inquiry.attach_trace"), "a form that nobody can fill in: {shown}");
    let data = attached(&server, &inquiry);
    let then = page(&server, &token, &at).text;
    assert!(then.contains(data["hash"].as_str().unwrap()) && then.contains("附入的一致"), "{then}");
    let concluded = json!({ "finding": "未查出", "proof": [as_of] });
    server.execute(Some(&inquiry), "inquiry.record_finding", &concluded, &["investigator-1"]);
    let conclude = json!({ "conclusion": "无人担责", "nobody_responsible": true });
    server.execute(Some(&inquiry), "inquiry.conclude", &conclude, &["approver-1"]);
    let after = page(&server, &token, &trace_of(&hazard)).text;
    assert!(!after.contains("name=\"inquiry\""), "nothing is attached to what is concluded: {after}");
}

#[test]
fn given_an_attached_trace_then_whoever_has_the_bundle_of_its_streams_computes_the_same_hash() {
    let server = Server::start();
    let (hazard, inquiry) = inquired(&server);
    let token = server.sign_in("investigator-1");
    assert_eq!(attach(&server, &token, &hazard, "检查在先而未查出").status, 303);
    let data = attached(&server, &inquiry);
    let as_of = data["as_of"].as_u64().unwrap();
    // What comes later, and what is elsewhere, is not in it.
    let serve = json!({ "principal": true, "controller": true });
    server.execute(Some(&hazard), "hazard.serve", &serve, &["handler-1"]);
    let shown = page(&server, &token, &format!("{}?as_of={as_of}", trace_of(&hazard))).text;
    let form = shown.split("action=\"/desk/bundles\"").nth(1).unwrap().split("</form>").next().unwrap();
    let streams: Vec<&str> =
        form.split("name=\"stream\" value=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(streams.len(), 2, "the hazard and the inspection of its enterprise: {streams:?}");
    let fields: Vec<(&str, &str)> = streams.iter().map(|stream| ("stream", *stream)).collect();
    let made = send(&server, Some(&token), "/desk/bundles", &fields);
    assert_eq!(
        (made.status, made.headers["content-type"].as_str()),
        (200, "application/zip"),
        "{}",
        made.text
    );
    let log = server.app.office.ledger().log_key().vkey();
    let verified = verify(&made.bytes, &[log], None).unwrap();
    let mut text = format!("adit.trace.v1 {}\n{hazard} {as_of}\n", crate::common::ORIGIN);
    for entry in &verified.entries {
        let stream = entry.signed.entry().stream.to_string();
        if streams.contains(&stream.as_str()) && entry.position.0 <= as_of {
            let leaf = hex(&entry.signed.leaf_hash());
            let _ = writeln!(text, "{} {stream} {leaf}", entry.position);
        }
    }
    assert_eq!(data["hash"], blake3::hash(text.as_bytes()).to_hex().as_str());
    let file = page(&server, &token, &format!("{}/text?as_of={as_of}", trace_of(&hazard)));
    assert_eq!(file.text, text);
    let first = server.app.office.ledger().stored(adit_core::units::Position(as_of)).unwrap().unwrap();
    assert!(!text.contains(&hex(&leaf_hash(&first.entry))), "the inquiry is no part of what it looks into");
}

#[test]
fn given_the_page_of_an_inquiry_then_its_bundle_is_recorded_before_it_leaves() {
    let server = Server::start();
    let (hazard, inquiry) = inquired(&server);
    let token = server.sign_in("investigator-1");
    let shown = page(&server, &token, &format!("/desk/streams/{inquiry}")).text;
    for stream in [&hazard, &inquiry] {
        assert!(shown.contains(&format!("name=\"stream\" value=\"{stream}\"")), "{shown}");
    }
    assert!(shown.contains(&trace_of(&hazard)), "the way to the trace: {shown}");
    let size = server.size();
    let only = [("stream", &*inquiry), ("entries_only", "true")];
    assert_eq!(send(&server, Some(&token), "/desk/bundles", &only).status, 200);
    assert_eq!(server.size(), size, "no body went out");
    let made = send(&server, Some(&token), "/desk/bundles", &[("stream", &hazard), ("stream", &inquiry)]);
    assert_eq!((made.status, server.size()), (200, size + 1), "{}", made.text);
    let handler = server.sign_in("handler-1");
    assert_eq!(send(&server, Some(&handler), "/desk/bundles", &[("stream", &inquiry)]).status, 403);
    assert_eq!(send(&server, Some(&token), "/desk/bundles", &[]).status, 400);
    assert_eq!(send(&server, None, "/desk/bundles", &[("stream", &hazard)]).status, 303);
}

#[test]
fn given_the_trace_then_only_who_investigates_is_offered_to_open_and_to_attach() {
    let server = Server::start();
    let (hazard, inquiry) = inquired(&server);
    for who in ["leader-1", "approver-1"] {
        let token = server.sign_in(who);
        let shown = page(&server, &token, &trace_of(&hazard));
        assert_eq!(shown.status, 200, "{}", shown.text);
        assert!(!shown.text.contains("/desk/do/inquiry.open"), "{who}: {}", shown.text);
        assert!(!shown.text.contains("name=\"summary\""), "{who}: {}", shown.text);
        let command = id();
        let size = server.size();
        let fields = [("_id", &*command), ("inquiry", &*inquiry), ("as_of", "1"), ("summary", "x")];
        let sent = send(&server, Some(&token), &trace_of(&hazard), &fields);
        assert!([403, 404].contains(&sent.status), "{who}: {}", sent.text);
        assert_eq!(server.size(), size);
    }
    let token = server.sign_in("investigator-1");
    assert!(page(&server, &token, &trace_of(&hazard)).text.contains("/desk/do/inquiry.open"));
    let clerk = server.sign_in("clerk-1");
    for path in ["", "/text?as_of=3"] {
        assert_eq!(page(&server, &clerk, &format!("{}{path}", trace_of(&hazard))).status, 403);
    }
}

#[test]
fn given_a_hazard_of_some_days_then_one_moves_through_them_by_number_and_the_day_is_told() {
    let server = Server::start();
    let (hazard, _) = inquired(&server);
    server.clock.advance_seconds(10 * 24 * 3600);
    let serve = json!({ "principal": true, "controller": true });
    server.execute(Some(&hazard), "hazard.serve", &serve, &["handler-1"]);
    let token = server.sign_in("investigator-1");
    let now = page(&server, &token, &trace_of(&hazard)).text;
    for part in ["type=\"range\"", "max=\"10\"", "value=\"10\"", "aria-valuetext=\"2024-05-20\""] {
        assert!(now.contains(part), "{part}: {now}");
    }
    let then = page(&server, &token, &format!("{}?days=4", trace_of(&hazard))).text;
    for part in ["value=\"4\"", "<output id=\"day\" for=\"days\">2024-05-14</output>", "autofocus"] {
        assert!(then.contains(part), "{part}: {then}");
    }
    assert!(now.contains("送达") && !then.contains("送达"), "{then}");
    assert_eq!(page(&server, &token, &format!("{}?days=x", trace_of(&hazard))).status, 400);
    let gone = format!("/desk/trace/{}?days=4", "0".repeat(26));
    assert_eq!(page(&server, &token, &gone).status, 404);
    for (locale, width) in [("zh-CN", 360), ("en-US", 1280)] {
        let steps = json!([
            { "goto": trace_of(&hazard) },
            { "look": "trace-slider" },
            { "goto": format!("{}?days=4", trace_of(&hazard)) },
            { "see": "2024-05-14" },
            { "look": "trace-then" },
        ]);
        day(&server, "investigator-1", locale, width, &steps);
    }
    // With scripts the day is told while it moves, and its page comes by itself; whoever moves it by keys goes on.
    let steps = json!([
        { "goto": trace_of(&hazard) },
        { "keys": { "days": "ArrowLeft" } },
        { "see": "2024-05-19" },
        { "at": "days=9" },
        { "keys": { "days": "PageDown" } },
        { "at": "days=8" },
        { "look": "trace-moved" },
    ]);
    day_with(&server, "investigator-1", "zh-CN", 1280, &steps, true);
}
