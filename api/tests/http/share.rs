//! A report is shared with those who verify and handle it: by a form, as a browser without scripts sends it, and over the API.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::collections::BTreeSet;

use adit_core::event::Event;
use adit_core::ledger::disk::{Fault, FaultyDisk};
use adit_core::ledger::entry::SignedEntry;
use adit_core::report::{ReportEvent, Share, readers};
use adit_core::seal::Kind;
use adit_core::secret::officer_identity;
use adit_core::units::Position;
use serde_json::json;

use crate::common::{ORIGIN, Reply, Server, id};
use crate::desk::{page, send};
use crate::desk_in_browser::day;
use crate::sealed::{CANARY, CONTACT, Reported, by_reporter, hash, intake, reported, uploaded, with_intake};

/// Two inspectors and a handler who can be sealed to; those of the cast have no reading key.
fn with_readers(server: Server) -> Server {
    let mut server = with_intake(server);
    server.enrol_reader("verifier-1", "inspector");
    server.enrol_reader("verifier-2", "inspector");
    server.enrol_reader("desk-1", "handler");
    server
}

/// How many of those who verify or handle can be sealed to.
pub(crate) fn reading_keys(server: &Server) -> usize {
    let ledger = server.app.office.ledger();
    let readers = readers(&ledger.keys(), ledger.size(), &BTreeSet::new());
    readers.values().flatten().count()
}

fn at(report: &Reported) -> String {
    format!("/desk/reports/{}/share", report.id())
}

/// The hidden field of a form.
fn hidden(page: &str, name: &str) -> String {
    let field = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("{page}"));
    field.split('"').next().unwrap().to_owned()
}

/// The box to tick for somebody, as it stands on the page.
fn tick<'a>(page: &'a str, actor: &str) -> &'a str {
    let tag = page.split(&format!("value=\"{actor}\"")).nth(1).unwrap_or_else(|| panic!("{page}"));
    tag.split("</label>").next().unwrap()
}

/// Opens the form and sends it with these officers ticked.
fn share(server: &Server, token: &str, report: &Reported, with: &[&str]) -> Reply {
    let form = page(server, token, &at(report));
    assert_eq!(form.status, 200, "{}", form.text);
    let (command, seen) = (hidden(&form.text, "_id"), hidden(&form.text, "_seen"));
    let with: Vec<String> = with.iter().map(|who| server.actor(who)).collect();
    let mut fields = vec![("_id", command.as_str()), ("_seen", seen.as_str())];
    fields.extend(with.iter().map(|actor| ("with", actor.as_str())));
    send(server, Some(token), &at(report), &fields)
}

/// What the shares of a report say, in order.
fn shares(server: &Server, report: &Reported) -> Vec<Share> {
    let facts = server.app.office.ledger().stream(&report.stream.parse().unwrap()).unwrap();
    let shared = facts.into_iter().filter_map(|fact| {
        if let Event::Report(ReportEvent::Shared(share)) = fact.event { Some(share) } else { None }
    });
    shared.collect()
}

fn public_kind(server: &Server, position: u64) -> String {
    let stored = server.app.office.ledger().stored(Position(position)).unwrap().unwrap();
    SignedEntry::parse(&stored.entry).unwrap().entry().kind.clone()
}

#[test]
fn given_a_sealed_report_when_intake_shares_it_with_two_inspectors_then_they_open_the_words_and_nobody_else_does()
 {
    let server = with_readers(Server::start());
    let report = reported(&server, &[]);
    let (token, case) = (server.sign_in("intake-1"), format!("/desk/streams/{}", report.stream));
    assert!(page(&server, &token, &case).text.contains(&at(&report)), "the case page leads to it");
    let verifier = server.sign_in("verifier-1");
    let before = page(&server, &verifier, &case);
    assert!(before.text.contains("请受理人员转阅"), "{}", before.text);
    let form = page(&server, &token, &at(&report)).text;
    assert!(form.contains("举报内容") && form.contains("联系方式不转"), "it says what: {form}");
    assert!(!form.contains(CANARY) && !tick(&form, &server.actor("verifier-1")).contains("disabled"));

    let size = server.size();
    let sent = share(&server, &token, &report, &["verifier-1", "desk-1"]);
    assert_eq!((sent.status, server.size()), (303, size + 2), "{}", sent.text);
    assert_eq!(sent.headers["location"], format!("{case}?recorded={}", size + 1));
    assert_eq!(public_kind(&server, size), "access.recorded", "the opening stands before");
    assert_eq!(public_kind(&server, size + 1), "report.note");
    let shown = page(&server, &token, &case).text;
    assert!(shown.contains("已转给：") && shown.contains("已转给核查、办理人员阅看"), "{shown}");

    let [one] = &shares(&server, &report)[..] else { panic!("one share") };
    let copy = one.copies[0].copy.blob.to_string();
    let shown = page(&server, &verifier, &case).text;
    assert!(shown.contains(&copy) && !shown.contains("请受理人员转阅"), "{shown}");
    let (size, open) = (server.size(), format!("/desk/reports/{}/open", report.id()));
    let opened = send(&server, Some(&verifier), &open, &[("blob", copy.as_str())]);
    assert_eq!((opened.status, server.size()), (200, size + 1), "{}", opened.text);
    assert!(opened.text.contains(CANARY) && !opened.text.contains(CONTACT), "{}", opened.text);
    assert_eq!(public_kind(&server, size), "access.recorded");
    // A testimony names its files by their own hashes: whoever has copies opens those.
    let handler = server.sign_in("desk-1");
    let opened = server.post(&report.path("open"), Some(&handler), &hash(&report.testimony)).expect(200);
    assert_eq!(
        (&opened["testimony"]["words"], &opened["testimony"]["contact"]),
        (&json!(CANARY), &json!(""))
    );
    let file = server.post(&report.path("open"), Some(&handler), &hash(&report.file));
    assert_eq!((file.status, file.bytes.as_slice()), (200, CANARY.as_bytes()));
    let intake = server.post(&report.path("open"), Some(&token), &hash(&report.testimony)).expect(200);
    assert_eq!(intake["testimony"]["contact"], CONTACT, "intake reads all of it");

    let size = server.size();
    for who in ["verifier-2", "inspector-1", "approver-1", "investigator-1"] {
        let other = server.sign_in(who);
        for blob in [&json!({ "blob": copy }), &hash(&report.testimony)] {
            server.post(&report.path("open"), Some(&other), blob).refused(403, "api.not_sealed_to_you");
        }
    }
    for who in ["finance-1", "enterprise-1", "auditor-1", "leader-1", "admin-1"] {
        let other = server.sign_in(who);
        let blob = json!({ "blob": copy });
        server.post(&report.path("open"), Some(&other), &blob).refused(403, "api.forbidden");
        assert_eq!(page(&server, &other, &at(&report)).status, 403, "{who}");
        assert_eq!(page(&server, &other, &case).status, 403, "{who}");
    }
    assert_eq!(server.size(), size, "nothing was opened");
}

#[test]
fn given_a_form_that_was_sent_when_it_is_sent_again_then_it_is_shared_once() {
    let server = with_readers(Server::start());
    let report = reported(&server, &[]);
    let token = server.sign_in("intake-1");
    let (command, actor, size) = (id(), server.actor("verifier-1"), server.size());
    let fields = [("_id", command.as_str()), ("with", actor.as_str())];
    let first = send(&server, Some(&token), &at(&report), &fields);
    let again = send(&server, Some(&token), &at(&report), &fields);
    assert_eq!((first.status, again.status, server.size()), (303, 303, size + 2), "{}", again.text);
    assert_eq!(first.headers["location"], again.headers["location"]);
}

#[test]
fn given_an_officer_whom_the_reporter_excludes_then_they_are_not_offered_and_refused_before_anything_is_opened()
 {
    let server = with_readers(Server::start());
    let report = reported(&server, &["verifier-1"]);
    let token = server.sign_in("intake-1");
    let form = page(&server, &token, &at(&report)).text;
    assert!(
        !form.contains(&server.actor("verifier-1")) && form.contains(&server.actor("verifier-2")),
        "{form}"
    );
    let size = server.size();
    let refused = share(&server, &token, &report, &["verifier-1", "verifier-2"]);
    assert_eq!((refused.status, server.size()), (422, size), "{}", refused.text);
    assert!(refused.text.contains("要求回避的人员"), "{}", refused.text);
    assert!(tick(&refused.text, &server.actor("verifier-2")).contains("checked"), "what was ticked is lost");
    let excluded = server.sign_in("verifier-1");
    assert_eq!(page(&server, &excluded, &at(&report)).status, 404, "to them there is no report");
    let age = officer_identity(&server.person("verifier-1").key, ORIGIN).recipient();
    let copy = uploaded(&server, b"{}", &[age], Kind::Text);
    let data = json!({ "with": [server.actor("verifier-2")],
        "copies": [{ "of": report.testimony["blob"], "copy": copy }] });
    server
        .command(&token, Some(&report.stream), "report.share", &data)
        .refused(422, "report.wrong_recipient");
}

#[test]
fn given_officers_without_a_reading_key_then_the_page_says_so_and_refuses_them_and_keeps_the_ticks() {
    let server = with_readers(Server::start());
    let report = reported(&server, &[]);
    let token = server.sign_in("intake-1");
    let form = page(&server, &token, &at(&report)).text;
    let without = tick(&form, &server.actor("inspector-1"));
    assert!(without.contains("disabled") && without.contains("没有阅看公钥"), "{without}");
    let size = server.size();
    let refused = share(&server, &token, &report, &["inspector-1", "verifier-1"]);
    assert_eq!((refused.status, server.size()), (422, size), "{}", refused.text);
    assert!(refused.text.contains("没有阅看公钥，无法密封给他"), "{}", refused.text);
    assert!(tick(&refused.text, &server.actor("verifier-1")).contains("checked"));
    let nobody = share(&server, &token, &report, &[]);
    assert_eq!((nobody.status, server.size()), (422, size), "{}", nobody.text);
    let english = server.get(&format!("{}?lang=en", at(&report)), Some(&token));
    assert_eq!(english.status, 200);
}

#[test]
fn given_somebody_who_reads_nothing_of_it_then_they_cannot_share_it() {
    let server = with_readers(Server::start());
    let report = reported(&server, &[]);
    share(&server, &server.sign_in("intake-1"), &report, &["verifier-1"]);
    for who in ["verifier-1", "handler-1", "approver-1"] {
        let token = server.sign_in(who);
        assert_eq!(page(&server, &token, &at(&report)).status, 403, "{who}");
        let data = json!({ "with": [server.actor("desk-1")], "copies": [] });
        let reply = server.command(&token, Some(&report.stream), "report.share", &data);
        reply.refused(422, "report.needs_reader");
        let case = page(&server, &token, &format!("/desk/streams/{}", report.stream)).text;
        assert!(!case.contains(&at(&report)), "{who}: {case}");
    }
    // A clerk to whom nothing is sealed has nothing to share.
    let clerk = server.sign_in("clerk-1");
    let form = page(&server, &clerk, &at(&report));
    assert!(
        form.text.contains("没有您能打开的材料") && !form.text.contains("name=\"with\""),
        "{}",
        form.text
    );
    let size = server.size();
    let actor = server.actor("verifier-2");
    let command = id();
    let fields = [("_id", command.as_str()), ("with", actor.as_str())];
    assert_eq!(send(&server, Some(&clerk), &at(&report), &fields).status, 422);
    assert_eq!(server.size(), size);
    let elsewhere = server.sign_in_by_key("intake-1");
    assert_eq!(page(&server, &elsewhere, &at(&report)).status, 409, "a key that is not here opens nothing");
}

#[test]
fn given_what_the_reporter_adds_later_then_it_is_for_intake_until_it_is_shared_too() {
    let server = with_readers(Server::start());
    let report = reported(&server, &[]);
    let (token, verifier) = (server.sign_in("intake-1"), server.sign_in("verifier-1"));
    assert_eq!(share(&server, &token, &report, &["verifier-1"]).status, 303);
    let form = page(&server, &token, &at(&report)).text;
    assert!(tick(&form, &server.actor("verifier-1")).contains("都能阅看"), "{form}");
    let seen = hidden(&form, "_seen");
    let more = uploaded(&server, br#"{"v":1,"words":"more"}"#, &intake(&server), Kind::Text);
    let data = json!({ "sealed": more });
    by_reporter(&server, &report.stream, "report.add_evidence", &data, &report.key).expect(200);
    server.post(&report.path("open"), Some(&verifier), &hash(&more)).refused(403, "api.not_sealed_to_you");

    // A form that was open before says what came, and keeps what was ticked.
    let (command, actor, size) = (id(), server.actor("verifier-1"), server.size());
    let fields = [("_id", command.as_str()), ("_seen", seen.as_str()), ("with", actor.as_str())];
    let stopped = send(&server, Some(&token), &at(&report), &fields);
    assert_eq!((stopped.status, server.size()), (409, size), "{}", stopped.text);
    let box_of = tick(&stopped.text, &actor);
    assert!(box_of.contains("checked") && box_of.contains("有 1 份还不能阅看"), "{}", stopped.text);

    assert_eq!(share(&server, &token, &report, &["verifier-1"]).status, 303);
    let all = shares(&server, &report);
    assert_eq!(all.iter().map(|share| share.copies.len()).collect::<Vec<_>>(), [2, 1], "only what is new");
    let read = server.post(&report.path("open"), Some(&verifier), &hash(&more)).expect(200);
    assert_eq!(read["message"]["words"], "more");
    let size = server.size();
    let again = share(&server, &token, &report, &["verifier-1"]);
    assert_eq!((again.status, server.size()), (422, size), "{}", again.text);
    assert!(again.text.contains("已经能够阅看"), "{}", again.text);
}

#[test]
fn given_a_handler_with_whom_it_was_shared_then_they_hand_it_on_and_read_what_they_write() {
    let server = with_readers(Server::start());
    let report = reported(&server, &[]);
    assert_eq!(share(&server, &server.sign_in("intake-1"), &report, &["desk-1"]).status, 303);
    let handler = server.sign_in("desk-1");
    assert_eq!(share(&server, &handler, &report, &["verifier-2"]).status, 303);
    let verifier = server.sign_in("verifier-2");
    let read = server.post(&report.path("open"), Some(&verifier), &hash(&report.testimony)).expect(200);
    assert_eq!((&read["testimony"]["words"], &read["testimony"]["contact"]), (&json!(CANARY), &json!("")));

    let blob = server.post(&report.path("seal"), Some(&handler), &json!({ "words": "请补充" })).expect(200);
    let message = json!({ "sealed": blob });
    server.command(&handler, Some(&report.stream), "report.message", &message).expect(200);
    let read = server.post(&report.path("open"), Some(&handler), &hash(&blob)).expect(200);
    assert_eq!(read["message"]["words"], "请补充");
    server.post(&report.path("open"), Some(&verifier), &hash(&blob)).refused(403, "api.not_sealed_to_you");
    // Nobody seals in another officer's name.
    let intake = server.sign_in("intake-1");
    server
        .command(&intake, Some(&report.stream), "report.message", &message)
        .refused(422, "report.wrong_recipient");
}

#[test]
fn given_copies_that_a_client_sealed_then_the_api_takes_what_is_so() {
    let server = with_readers(Server::start());
    let report = reported(&server, &[]);
    let token = server.sign_in("intake-1");
    let age = officer_identity(&server.person("verifier-1").key, ORIGIN).recipient();
    let shared = |of: &serde_json::Value, copy: &serde_json::Value| {
        let data =
            json!({ "with": [server.actor("verifier-1")], "copies": [{ "of": of["blob"], "copy": copy }] });
        server.command(&token, Some(&report.stream), "report.share", &data)
    };
    let (text, file) = (
        uploaded(&server, b"{}", std::slice::from_ref(&age), Kind::Text),
        uploaded(&server, b"gas", std::slice::from_ref(&age), Kind::File),
    );
    let made_up = json!({ "blob": "ab".repeat(32), "size": 4096, "recipients": [age] });
    shared(&report.testimony, &made_up).refused(422, "report.blob_missing");
    shared(&report.file, &text).refused(422, "report.not_sealed");
    let to_intake = uploaded(&server, b"{}", &intake(&server), Kind::Text);
    shared(&report.testimony, &to_intake).refused(422, "report.wrong_recipient");
    shared(&text, &text).refused(422, "report.not_of_this_report");
    shared(&report.testimony, &text).expect(200);
    shared(&report.testimony, &text).refused(422, "report.already_shared");
    shared(&report.file, &file).expect(200);
    let found = adit_core::ledger::verify::files(server.app.office.ledger()).unwrap();
    assert_eq!((found.whole, found.gone), (4, 0), "copies are verified like what they are copies of");
    server.app.office.ledger().blobs().unwrap().erase(text["blob"].as_str().unwrap()).unwrap();
    let found = adit_core::ledger::verify::files(server.app.office.ledger()).unwrap();
    assert_eq!((found.whole, found.gone), (3, 1), "and may be erased like it");
}

#[test]
fn given_a_disk_that_fails_when_it_is_shared_then_nothing_is_opened_and_nobody_reads_it() {
    let disk = FaultyDisk::default();
    let server = with_readers(Server::start_on(&disk));
    let report = reported(&server, &[]);
    let token = server.sign_in("intake-1");
    let (command, actor, size) = (id(), server.actor("verifier-1"), server.size());
    let fields = [("_id", command.as_str()), ("with", actor.as_str())];
    disk.fail_at(server.next_step(&disk), Fault::Error(std::io::ErrorKind::StorageFull));
    let failed = send(&server, Some(&token), &at(&report), &fields);
    assert_eq!((failed.status, server.size()), (503, size), "{}", failed.text);
    assert!(!failed.text.contains(CANARY) && shares(&server, &report).is_empty());
}

#[test]
fn given_whom_to_seal_to_then_those_with_whom_intake_shares_are_not_among_them() {
    let server = with_readers(Server::start());
    server.app.office.ledger().publish_now();
    let keys = server.get("/log/keys", None).text;
    let (clerk, verifier) = (server.person("intake-1").key.vkey(), server.person("verifier-1").key.vkey());
    assert!(keys.contains(&format!("recipient {clerk} ")), "{keys}");
    assert!(!keys.contains(&verifier.to_string()), "{keys}");
}

#[test]
fn given_a_reporter_when_it_was_shared_then_their_page_says_with_how_many_and_on_which_day() {
    let server = with_readers(Server::start());
    let secret = crate::reporter::simple(&server);
    let stream = crate::reporter::stream_of(&server, &secret);
    assert!(!crate::reporter::my(&server, &secret, "", &[]).text.contains("已经转给"));
    let token = server.sign_in("intake-1");
    let (command, one, two) = (id(), server.actor("verifier-1"), server.actor("desk-1"));
    let fields = [("_id", command.as_str()), ("with", one.as_str()), ("with", two.as_str())];
    let sent = send(&server, Some(&token), &format!("/desk/reports/{}/share", stream.id), &fields);
    assert_eq!(sent.status, 303, "{}", sent.text);
    let mine = crate::reporter::my(&server, &secret, "", &[]).text;
    assert!(mine.contains("已经转给负责核查、办理的人看") && mine.contains("2 · 2024-05-10"), "{mine}");
    assert!(mine.contains("canary-7f3a9"), "what they wrote is theirs as before");
}

/// No script runs: the form is ticked and sent, and what was shared is opened on the inspector's telephone.
#[test]
fn given_a_report_when_intake_shares_it_on_a_telephone_then_the_inspector_opens_it_on_theirs() {
    let server = with_readers(Server::start());
    let report = reported(&server, &[]);
    let case = format!("/desk/streams/{}", report.stream);
    let ticked = json!({ "with": server.actor("verifier-1") });
    day(
        &server,
        "intake-1",
        "zh-CN",
        360,
        &json!([
            { "goto": at(&report) },
            { "look": "share" },
            { "press": "签署：转给核查、办理人员阅看" },
            { "see": "没有选择接收人" },
            { "look": "share-refused" },
            { "check": ticked },
            { "press": "签署：转给核查、办理人员阅看" },
            { "see": "已转给：verifier-1" },
            { "look": "shared" },
        ]),
    );
    let said = day(
        &server,
        "verifier-1",
        "en-US",
        360,
        &json!([
            { "goto": case },
            { "look": "case-shared" },
            { "press": "Open What was reported" },
            { "look": "opened-shared" },
        ]),
    );
    assert!(said["text"].as_str().is_some_and(|text| text.contains(CANARY)), "{said}");
}
