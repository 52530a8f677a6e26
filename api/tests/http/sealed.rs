//! What is sealed in a report: uploaded, opened by an officer and logged, answered; and kept from whoever has a conflict.

use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::ledger::disk::{Fault, FaultyDisk};
use adit_core::ledger::entry::SignedEntry;
use adit_core::ledger::vkey::SigningKey;
use adit_core::report::{Message, TESTIMONY_V, Testimony};
use adit_core::seal::{self, Identity, Kind};
use adit_core::secret::officer_identity;
use adit_core::units::Position;
use serde_json::{Value, json};

use crate::common::{ORIGIN, Reply, Server, id, notes, stands_readable};

/// What no file, entry, log line or refusal may hold.
pub(crate) const CANARY: &str = "井下瓦斯超限CANARY";

/// How the reporter may be reached.
pub(crate) const CONTACT: &str = "13900007788";

fn reporter() -> Identity {
    Identity::from_bytes(&[9; 32])
}

pub(crate) fn with_intake(mut server: Server) -> Server {
    server.enrol_intake("intake-1");
    server.enrol_intake("intake-2");
    server
}

pub(crate) fn intake(server: &Server) -> Vec<String> {
    ["intake-1", "intake-2"].map(|who| officer_identity(&server.person(who).key, ORIGIN).recipient()).to_vec()
}

/// Uploads something sealed; what a command says of it.
pub(crate) fn uploaded(server: &Server, content: &[u8], recipients: &[String], kind: Kind) -> Value {
    let sealed = seal::seal(content, recipients.iter().map(String::as_str), kind).unwrap();
    let mut blob = server.send("PUT", "/api/v1/sealed", &[], Some(&sealed)).expect(200);
    blob["recipients"] = json!(recipients);
    blob
}

pub(crate) struct Reported {
    pub(crate) stream: String,
    pub(crate) testimony: Value,
    pub(crate) file: Value,
    pub(crate) key: SigningKey,
}

impl Reported {
    pub(crate) fn id(&self) -> &str {
        self.stream.split('/').nth(1).unwrap()
    }

    pub(crate) fn path(&self, what: &str) -> String {
        format!("/api/v1/reports/{}/{what}", self.id())
    }
}

/// What the API says to a reporter's command, the whole way.
pub(crate) fn by_reporter(
    server: &Server,
    stream: &str,
    kind: &str,
    data: &Value,
    key: &SigningKey,
) -> Reply {
    match signed(server, stream, kind, data, key) {
        Ok(body) => server.post("/api/v1/append", None, &body),
        Err(refused) => *refused,
    }
}

/// A reporter's command, prepared and signed, as it is appended.
fn signed(
    server: &Server,
    stream: &str,
    kind: &str,
    data: &Value,
    key: &SigningKey,
) -> Result<Value, Box<Reply>> {
    let body = json!({ "id": id(), "stream": stream, "type": kind, "signers": [key.vkey()], "data": data });
    let prepared = server.post("/api/v1/prepare", None, &body);
    if prepared.status != 200 {
        return Err(Box::new(prepared));
    }
    let prepared = prepared.json();
    Ok(json!({ "pending": prepared["pending"], "notes": notes(&prepared, &[key]) }))
}

/// A report that its reporter sealed, ready to be appended.
pub(crate) fn signed_report(server: &Server) -> Value {
    let stream = StreamId::new(StreamKind::Report, Id::random().unwrap());
    let key = SigningKey::generate(&format!("{ORIGIN}/{stream}")).unwrap();
    let readers = [intake(server), vec![reporter().recipient()]].concat();
    let testimony = uploaded(server, b"{}", &readers, Kind::Text);
    let data = json!({ "matter": "major_hazard", "channel": "web", "key": key.vkey(),
        "recipient": reporter().recipient(), "testimony": testimony });
    signed(server, &stream.to_string(), "report.report", &data, &key).map_err(|refused| refused.text).unwrap()
}

pub(crate) fn reported(server: &Server, excluded: &[&str]) -> Reported {
    let stream = StreamId::new(StreamKind::Report, Id::random().unwrap());
    let key = SigningKey::generate(&format!("{ORIGIN}/{stream}")).unwrap();
    let (words, contact) = (CANARY.to_owned(), CONTACT.to_owned());
    let testimony = Testimony { v: TESTIMONY_V, words, contact, ..Testimony::default() };
    let readers = [intake(server), vec![reporter().recipient()]].concat();
    let testimony = uploaded(server, &serde_json::to_vec(&testimony).unwrap(), &readers, Kind::Text);
    let file = uploaded(server, CANARY.as_bytes(), &intake(server), Kind::File);
    let excluded: Vec<String> = excluded.iter().map(|who| server.actor(who)).collect();
    let data = json!({ "matter": "major_hazard", "channel": "web", "key": key.vkey(),
        "recipient": reporter().recipient(), "testimony": testimony, "files": [file], "excluded": excluded });
    by_reporter(server, &stream.to_string(), "report.report", &data, &key).expect(200);
    Reported { stream: stream.to_string(), testimony, file, key }
}

pub(crate) fn hash(blob: &Value) -> Value {
    json!({ "blob": blob["blob"] })
}

fn holds_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
}

#[test]
fn given_testimony_when_it_is_opened_then_the_log_tells_those_who_look_into_it_and_nobody_else() {
    let server = with_intake(Server::start());
    let report = reported(&server, &[]);
    let token = server.sign_in("intake-1");
    let size = server.size();
    let opened = server.post(&report.path("open"), Some(&token), &hash(&report.testimony)).expect(200);
    assert_eq!(opened["testimony"]["words"], CANARY);
    assert_eq!((&opened["recorded"]["positions"], server.size()), (&json!([size]), size + 1));

    let stored = server.app.office.ledger().stored(Position(size)).unwrap().unwrap();
    let signed = SignedEntry::parse(&stored.entry).unwrap();
    assert_eq!(signed.entry().kind, "access.recorded");
    assert!(!String::from_utf8_lossy(&stored.entry).contains(report.id()));
    assert!(!String::from_utf8_lossy(&stored.entry).contains(&server.actor("intake-1")));

    let access = format!("/api/v1/streams/{}", opened["recorded"]["stream"].as_str().unwrap());
    let told = server.get(&access, Some(&server.sign_in_by_key("investigator-1"))).expect(200);
    assert_eq!(told["events"][0]["type"], "access.opened");
    assert_eq!(told["events"][0]["by"], json!([server.actor("intake-1")]));
    assert_eq!(told["events"][0]["data"]["report"], json!(report.stream));
    for who in ["intake-1", "clerk-1", "handler-1", "finance-1", "auditor-1", "admin-1", "leader-1"] {
        server.get(&access, Some(&server.sign_in_by_key(who))).refused(403, "api.forbidden");
    }
    for who in ["intake-2", "handler-1", "investigator-1"] {
        let path = format!("/api/v1/projections/timeline?after={size}");
        let rows = server.get(&path, Some(&server.sign_in_by_key(who))).text;
        assert!(!rows.contains("access"), "{who}");
    }
}

#[test]
fn given_a_file_when_it_is_opened_then_it_comes_to_be_saved_and_is_never_shown() {
    let server = with_intake(Server::start());
    let report = reported(&server, &[]);
    let token = server.sign_in("intake-2");
    let reply = server.post(&report.path("open"), Some(&token), &hash(&report.file));
    assert_eq!((reply.status, reply.bytes.as_slice()), (200, CANARY.as_bytes()));
    assert_eq!(reply.headers["content-type"], "application/octet-stream");
    assert!(reply.headers["content-disposition"].starts_with("attachment; filename=\""));
    assert_eq!(reply.headers["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    assert_eq!(
        stands_readable(server.folder(), &[CANARY]),
        None,
        "on a disk only what is sealed or encrypted"
    );
}

#[test]
fn given_somebody_who_may_not_open_it_then_nothing_is_given_and_nothing_recorded() {
    let server = with_intake(Server::start());
    let report = reported(&server, &[]);
    let (open, testimony) = (report.path("open"), hash(&report.testimony));
    let size = server.size();
    let clerk = server.sign_in("clerk-1");
    server.post(&open, Some(&clerk), &testimony).refused(403, "api.not_sealed_to_you");
    let finance = server.sign_in_by_key("finance-1");
    server.post(&open, Some(&finance), &testimony).refused(403, "api.forbidden");
    server.post(&open, None, &testimony).refused(401, "api.not_signed_in");
    let elsewhere = server.sign_in_by_key("intake-1");
    server.post(&open, Some(&elsewhere), &testimony).refused(409, "api.key_elsewhere");
    let token = server.sign_in("intake-1");
    let other = json!({ "blob": "ab".repeat(32) });
    server.post(&open, Some(&token), &other).refused(404, "api.no_such_blob");
    let nowhere = format!("/api/v1/reports/{}/open", id());
    server.post(&nowhere, Some(&token), &testimony).refused(404, "api.not_found");
    server.post("/api/v1/reports/x/open", Some(&token), &testimony).refused(404, "api.not_found");
    let blobs = server.app.office.ledger().blobs().unwrap();
    blobs.erase(report.testimony["blob"].as_str().unwrap()).unwrap();
    server.post(&open, Some(&token), &testimony).refused(410, "api.blob_erased");
    assert_eq!(server.size(), size);
}

#[test]
fn given_a_disk_that_fails_when_it_is_opened_then_no_byte_goes_out() {
    let disk = FaultyDisk::default();
    let server = with_intake(Server::start_on(&disk));
    let report = reported(&server, &[]);
    let token = server.sign_in("intake-1");
    for (step, code) in [(1, "api.not_written"), (2, "api.halted")] {
        disk.fail_at(server.next_step(&disk), Fault::Error(std::io::ErrorKind::StorageFull));
        let reply = server.post(&report.path("open"), Some(&token), &hash(&report.testimony));
        reply.refused(503, code);
        assert!(!holds_canary(&reply.bytes), "{step}");
    }
}

#[test]
fn given_an_answer_when_it_is_sealed_then_the_reporter_reads_it_and_the_command_carries_it() {
    let server = with_intake(Server::start());
    let report = reported(&server, &[]);
    let token = server.sign_in("clerk-1");
    let blob = server.post(&report.path("seal"), Some(&token), &json!({ "words": "已收到" })).expect(200);
    server.command(&token, Some(&report.stream), "report.message", &json!({ "sealed": blob })).expect(200);
    let sealed = server.app.office.ledger().blobs().unwrap().read(blob["blob"].as_str().unwrap()).unwrap();
    let content = seal::open(&sealed, &reporter()).unwrap();
    assert_eq!(serde_json::from_slice::<Message>(&content).unwrap().words, "已收到");
    let reader = server.sign_in("intake-1");
    let read = server.post(&report.path("open"), Some(&reader), &hash(&blob)).expect(200);
    assert_eq!(read["message"]["words"], "已收到");

    for words in ["", "  ", "a\u{0}", &"长".repeat(20_001)] {
        server
            .post(&report.path("seal"), Some(&token), &json!({ "words": words }))
            .refused(422, "api.bad_words");
    }
    let nowhere = format!("/api/v1/reports/{}/seal", id());
    server.post(&nowhere, Some(&token), &json!({ "words": "已收到" })).refused(404, "api.not_found");
    for who in ["finance-1", "investigator-1", "auditor-1", "leader-1", "enterprise-1"] {
        let other = server.sign_in_by_key(who);
        let reply = server.post(&report.path("seal"), Some(&other), &json!({ "words": "已收到" }));
        reply.refused(403, "api.forbidden");
    }
}

mod given_what_a_command_says_of_a_sealed_file {
    use super::*;

    fn refused(server: &Server, report: &Reported, blob: &Value, code: &str) {
        let reply =
            by_reporter(server, &report.stream, "report.message", &json!({ "sealed": blob }), &report.key);
        reply.refused(422, code);
    }

    #[test]
    fn when_it_is_not_so_then_it_is_refused_by_parsing() {
        let server = with_intake(Server::start());
        let report = reported(&server, &[]);
        let own = [intake(&server), vec![reporter().recipient()]].concat();
        let good = uploaded(&server, b"{}", &own, Kind::Text);

        let made_up = json!({ "blob": "ab".repeat(32), "size": 4096, "recipients": own });
        refused(&server, &report, &made_up, "report.blob_missing");
        let mut other_size = good.clone();
        other_size["size"] = json!(1);
        refused(&server, &report, &other_size, "report.blob_missing");
        let mut fewer = good.clone();
        fewer["recipients"] = json!(intake(&server));
        refused(&server, &report, &fewer, "report.not_sealed");
        let data = json!({ "sealed": good, "files": [uploaded(&server, b"gas", &own, Kind::Text)] });
        let reply = by_reporter(&server, &report.stream, "report.add_evidence", &data, &report.key);
        reply.refused(422, "report.not_sealed");
        // Plaintext that somebody put there beside the API, said to be sealed.
        let plain = server.app.office.ledger().blobs().unwrap().put(&[7; 4096]).unwrap();
        let plain = json!({ "blob": plain, "size": 4096, "recipients": own });
        refused(&server, &report, &plain, "report.not_sealed");
        let stranger = Identity::from_bytes(&[3; 32]).recipient();
        let strange = uploaded(&server, b"{}", &[own.clone(), vec![stranger]].concat(), Kind::Text);
        refused(&server, &report, &strange, "report.wrong_recipient");

        let token = server.sign_in("clerk-1");
        let reply =
            server.command(&token, Some(&report.stream), "report.message", &json!({ "sealed": strange }));
        reply.refused(422, "report.wrong_recipient");
        let data = json!({ "sealed": good });
        by_reporter(&server, &report.stream, "report.message", &data, &report.key).expect(200);
    }

    #[test]
    fn when_it_is_sealed_to_an_officer_whom_the_reporter_excludes_then_it_is_refused() {
        let server = with_intake(Server::start());
        let stream = StreamId::new(StreamKind::Report, Id::random().unwrap());
        let key = SigningKey::generate(&format!("{ORIGIN}/{stream}")).unwrap();
        let testimony = uploaded(&server, b"{}", &intake(&server), Kind::Text);
        let mut data = json!({ "matter": "major_hazard", "channel": "web", "key": key.vkey(),
            "testimony": testimony, "excluded": [server.actor("intake-2")] });
        let reply = by_reporter(&server, &stream.to_string(), "report.report", &data, &key);
        reply.refused(422, "report.wrong_recipient");
        data["testimony"] = uploaded(&server, b"{}", &intake(&server)[..1], Kind::Text);
        by_reporter(&server, &stream.to_string(), "report.report", &data, &key).expect(200);
    }
}

#[test]
fn given_the_keys_of_the_log_then_they_say_who_takes_in_reports_and_nobody_who_was_ended() {
    let server = with_intake(Server::start());
    server.app.office.ledger().publish_now();
    let clerk = server.person("intake-1").key.vkey();
    let keys = server.get("/log/keys", None).text;
    assert!(keys.contains(&format!("grant clerk {clerk}\n")), "{keys}");
    let stream = format!("actor/{}", server.actor("intake-1"));
    server.execute(Some(&stream), "actor.suspend", &json!({ "because": "离岗" }), &["admin-1"]);
    let keys = server.get("/log/keys", None).text;
    assert!(!keys.contains(&clerk.to_string()), "published or not: {keys}");
}

pub(crate) mod given_an_escrow_key {
    use super::*;

    /// Introduces one to the log, and publishes it; gives back its actor, and what opens.
    pub(crate) fn introduced(server: &Server) -> (String, Identity) {
        let actor = adit_core::id::ActorId(Id::random().unwrap());
        let stream = StreamId::new(StreamKind::Actor, actor.0).to_string();
        let key = SigningKey::generate(&format!("{ORIGIN}/{stream}")).unwrap();
        let identity = officer_identity(&key, ORIGIN);
        let enrol = json!({ "key": key.vkey(), "title": "托管", "recipient": identity.recipient() });
        let admins = ["admin-1", "admin-2"];
        server.execute(Some(&stream), "actor.enrol", &enrol, &admins);
        server.execute(
            Some(&stream),
            "actor.grant",
            &json!({ "role": "escrow", "key": key.vkey() }),
            &admins,
        );
        server.app.office.ledger().publish_now();
        (actor.to_string(), identity)
    }

    fn report(server: &Server, readers: &[String], excluded: &[&str]) -> Reply {
        let stream = StreamId::new(StreamKind::Report, Id::random().unwrap());
        let key = SigningKey::generate(&format!("{ORIGIN}/{stream}")).unwrap();
        let testimony = uploaded(server, b"{}", readers, Kind::Text);
        let data = json!({ "matter": "major_hazard", "channel": "web", "key": key.vkey(), "testimony": testimony,
            "excluded": excluded });
        by_reporter(server, &stream.to_string(), "report.report", &data, &key)
    }

    #[test]
    fn then_what_is_not_sealed_to_it_is_refused_unless_the_reporter_excludes_it() {
        let server = with_intake(Server::start());
        let (actor, identity) = introduced(&server);
        let keys = server.get("/log/keys", None).text;
        assert!(
            keys.lines().any(|line| line.starts_with("grant escrow ") && line.contains(&actor)),
            "{keys}"
        );
        report(&server, &intake(&server), &[]).refused(422, "report.escrow_missing");
        let all = [intake(&server), vec![identity.recipient()]].concat();
        report(&server, &all, &[]).expect(200);
        report(&server, &all, &[&actor]).refused(422, "report.wrong_recipient");
        report(&server, &intake(&server), &[&actor]).expect(200);
        report(&server, &intake(&server), &[&actor, &server.actor("intake-2")])
            .refused(422, "report.wrong_recipient");
    }

    #[test]
    fn then_what_the_office_seals_is_sealed_to_it_too_and_it_alone_is_nobody_to_read() {
        let server = with_intake(Server::start());
        let before = reported(&server, &[]);
        let (_, identity) = introduced(&server);
        let token = server.sign_in("clerk-1");
        let blob = server.post(&before.path("seal"), Some(&token), &json!({ "words": "已收到" })).expect(200);
        let sealed =
            server.app.office.ledger().blobs().unwrap().read(blob["blob"].as_str().unwrap()).unwrap();
        let content = seal::open(&sealed, &identity).unwrap();
        assert_eq!(serde_json::from_slice::<Message>(&content).unwrap().words, "已收到");
        server
            .command(&token, Some(&before.stream), "report.message", &json!({ "sealed": blob }))
            .expect(200);
        let ledger = server.app.office.ledger();
        let clerks = ["clerk-1", "clerk-2", "intake-1", "intake-2"].map(|who| server.person(who).actor);
        let left = adit_core::report::intake(&ledger.keys(), ledger.size(), &clerks.into_iter().collect());
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn given_an_upload_that_is_not_an_age_file_then_nothing_of_it_stays() {
    let server = with_intake(Server::start());
    let whole = seal::seal(b"gas", intake(&server).iter().map(String::as_str), Kind::Text).unwrap();
    let large = vec![b'a'; 200_000];
    let refused: [&[u8]; 5] =
        [b"", CANARY.as_bytes(), &large, &whole[..whole.len() - 1], b"age-encryption.org/v1\n"];
    for bytes in refused {
        server.send("PUT", "/api/v1/sealed", &[], Some(bytes)).refused(422, "api.not_age");
    }
    assert_eq!(stands_readable(server.folder(), &[CANARY]), None);
    let incoming = server.folder().join("data/blobs/incoming");
    assert!(!incoming.is_dir() || std::fs::read_dir(incoming).unwrap().next().is_none());
    let first = server.send("PUT", "/api/v1/sealed", &[], Some(&whole)).expect(200);
    assert_eq!(first, server.send("PUT", "/api/v1/sealed", &[], Some(&whole)).expect(200));
    assert_eq!(first["size"], json!(whole.len()));
}

mod given_an_officer_with_a_conflict_of_interest {
    use super::*;

    #[test]
    fn then_the_report_is_not_there_for_them_by_id() {
        let server = with_intake(Server::start());
        let report = reported(&server, &["handler-1", "clerk-1", "investigator-1", "approver-1"]);
        let stream = format!("/api/v1/streams/{}", report.stream);
        for who in ["handler-1", "clerk-1", "investigator-1", "approver-1"] {
            let token = server.sign_in_by_key(who);
            server.get(&stream, Some(&token)).refused(404, "api.not_found");
            let open = server.post(&report.path("open"), Some(&token), &hash(&report.testimony));
            open.refused(404, "api.not_found");
            let seal = server.post(&report.path("seal"), Some(&token), &json!({ "words": "x" }));
            seal.refused(404, "api.not_found");
            for kind in ["report.accept", "report.close"] {
                server.command(&token, Some(&report.stream), kind, &json!({})).refused(404, "api.not_found");
            }
            let bundle = json!({ "streams": [report.stream] });
            server.post("/api/v1/bundles", Some(&token), &bundle).refused(404, "api.not_found");
        }
        let assess = json!({ "report": report.stream, "place": "national", "sector": "mine" });
        let token = server.sign_in_by_key("handler-1");
        server.command(&token, None, "reward.assess", &assess).refused(404, "api.not_found");
        let colleague = server.sign_in_by_key("handler-2");
        server.get(&stream, Some(&colleague)).expect(200);
    }

    #[test]
    fn then_it_is_in_no_table_no_export_and_no_search_of_theirs() {
        let server = with_intake(Server::start());
        let report = reported(&server, &["handler-1"]);
        let other = reported(&server, &[]);
        for stream in [&report.stream, &other.stream] {
            server.execute(Some(stream), "report.accept", &json!({}), &["clerk-1"]);
            let verify = json!({ "finding": "substantiated", "matter_key": format!("m-{stream}"), "findings": "通风机停转属实" });
            server.execute(Some(stream), "report.verify", &verify, &["inspector-1", "inspector-2"]);
            let handle = json!({ "done": "已责令停产", "unit_fine_yuan": "200000" });
            server.execute(Some(stream), "report.handle", &handle, &["handler-2"]);
        }
        let assess = json!({ "report": report.stream, "place": "national", "sector": "mine" });
        let reward = server.execute(None, "reward.assess", &assess, &["handler-2"]);
        let after = server.size() - 1;
        let (kept, colleague) = (server.sign_in_by_key("handler-1"), server.sign_in_by_key("handler-2"));
        for model in ["timeline", "deadlines", "rewards", "statistics"] {
            for format in ["", "&format=csv"] {
                let path = format!("/api/v1/projections/{model}?after={after}{format}");
                let (theirs, all) = (server.get(&path, Some(&kept)), server.get(&path, Some(&colleague)));
                assert_eq!((theirs.status, all.status), (200, 200));
                for stream in [&report.stream, &reward] {
                    assert!(!theirs.text.contains(stream.as_str()), "{path}");
                }
                let shown = if model == "rewards" { &reward } else { &report.stream };
                assert!(all.text.contains(shown.as_str()), "{path}: {}", all.text);
                assert!(model == "rewards" || theirs.text.contains(&other.stream), "{path}");
            }
        }
        let by_filter = format!("/api/v1/projections/deadlines?stream={}", report.stream);
        assert_eq!(server.get(&by_filter, Some(&kept)).expect(200)["total"], json!(0));
        let by_filter = format!("/api/v1/projections/timeline?stream={}&as_of={after}", report.stream);
        assert_eq!(server.get(&by_filter, Some(&kept)).expect(200)["total"], json!(0));
        server.get(&format!("/api/v1/streams/{reward}"), Some(&kept)).refused(404, "api.not_found");
        let approve = server.sign_in_by_key("handler-1");
        server.command(&approve, Some(&reward), "reward.notify", &json!({})).refused(404, "api.not_found");

        let look = json!({ "words": "通风机停转属实", "after": after });
        let found =
            |token: &str| server.post("/api/v1/search", Some(token), &look).expect(200)["total"].clone();
        assert_eq!((found(&kept), found(&colleague)), (json!(1), json!(2)));
    }

    #[test]
    fn then_no_command_to_it_waits_for_their_signature() {
        let server = with_intake(Server::start());
        let report = reported(&server, &["inspector-2"]);
        let token = server.sign_in("inspector-1");
        let verify = json!({ "finding": "substantiated", "matter_key": "m", "findings": "属实" });
        let body = json!({ "id": id(), "stream": report.stream, "type": "report.verify", "data": verify,
            "co_signer": server.actor("inspector-2") });
        server.post("/api/v1/commands", Some(&token), &body).refused(422, "report.excluded_officer");
        let waiting = server.get("/api/v1/pending", Some(&server.sign_in_by_key("inspector-2"))).expect(200);
        assert_eq!(waiting["pending"], json!([]));
    }
}

mod given_a_bundle {
    use super::*;

    #[test]
    fn when_bodies_of_reports_go_out_then_it_is_recorded_before() {
        let server = with_intake(Server::start());
        let report = reported(&server, &[]);
        let token = server.sign_in("investigator-1");
        let size = server.size();
        let asked = json!({ "streams": [report.stream] });
        let reply = server.post("/api/v1/bundles", Some(&token), &asked);
        assert_eq!((reply.status, server.size()), (200, size + 1), "{}", reply.text);
        let stored = server.app.office.ledger().stored(Position(size)).unwrap().unwrap();
        let path = format!("/api/v1/streams/{}", stored.stream);
        let told = server.get(&path, Some(&server.sign_in_by_key("approver-1"))).expect(200);
        let (kind, data) = (&told["events"][0]["type"], &told["events"][0]["data"]);
        assert_eq!((kind, &data["streams"]), (&json!("access.exported"), &json!([report.stream])));
        assert_eq!(data["file"], json!(blake3::hash(&reply.bytes).to_hex().to_string()));
        // Who opened and exported is itself confidential.
        let access = json!({ "streams": [stored.stream] });
        let taken = server.post("/api/v1/bundles", Some(&token), &access);
        assert_eq!(taken.status, 200, "{}", taken.text);
        let verified = adit_core::ledger::bundle::verify(&taken.bytes, &[], None).unwrap();
        assert!(
            verified.entries.iter().any(|entry| entry.signed.entry().kind == "access.recorded" && entry.body)
        );
        assert_eq!(server.size(), size + 2);
    }

    #[test]
    fn when_no_confidential_body_goes_out_then_nothing_is_recorded() {
        let server = with_intake(Server::start());
        let (report, hazard) = (reported(&server, &[]), server.hazard(0));
        let token = server.sign_in_by_key("investigator-1");
        let size = server.size();
        let entries = json!({ "streams": [report.stream], "entries_only": true });
        assert_eq!(server.post("/api/v1/bundles", Some(&token), &entries).status, 200);
        assert_eq!(server.post("/api/v1/bundles", Some(&token), &json!({ "streams": [hazard] })).status, 200);
        let bodies = json!({ "streams": [report.stream] });
        server.post("/api/v1/bundles", Some(&token), &bodies).refused(409, "api.key_elsewhere");
        assert_eq!(server.size(), size);
    }
}
