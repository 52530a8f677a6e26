//! Commands: signed here, by two officers, and by keys that the client keeps.

use crate::common::{self, Server, id, notes, prepare_report, self_report, signed};
use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::entry::SignedEntry;
use adit_core::ledger::vkey::{SigningKey, hex};
use serde_json::{Value, json};

mod given_a_session_with_its_key {
    use super::*;

    #[test]
    fn when_a_command_is_carried_out_then_the_answer_proves_where_it_stands() {
        let server = Server::start();
        let token = server.sign_in("enterprise-1");
        let answer =
            server.command(&token, None, "hazard.report", &self_report(&server.enterprises[0])).expect(200);
        assert_eq!(answer["positions"], json!([server.size() - 1]));
        let entry = &answer["entries"][0];
        let text = entry["entry"].as_str().unwrap();
        let parsed = SignedEntry::parse(text.as_bytes()).unwrap();
        assert_eq!(entry["leaf_hash"], json!(hex(&parsed.leaf_hash())));
        assert_eq!(json!(parsed.entry().stream), answer["stream"]);
        assert!(text.contains(&format!("— {}", server.person("enterprise-1").key.name())), "{text}");
    }

    #[test]
    fn when_the_same_command_comes_again_then_the_answer_is_the_same_and_nothing_is_written() {
        let server = Server::start();
        let token = server.sign_in("enterprise-1");
        let body =
            json!({ "id": id(), "type": "hazard.report", "data": self_report(&server.enterprises[0]) });
        let first = server.post("/api/v1/commands", Some(&token), &body).expect(200);
        let size = server.size();
        let again = server.post("/api/v1/commands", Some(&token), &body).expect(200);
        assert_eq!((&again["positions"], &again["entries"]), (&first["positions"], &first["entries"]));
        assert_eq!((&first["repeated"], &again["repeated"]), (&json!(false), &json!(true)));
        assert_eq!(server.size(), size);
        let mut other = body;
        other["data"]["place"] = json!("副井口");
        server.post("/api/v1/commands", Some(&token), &other).refused(422, "entry.command_id_reused");
    }

    #[test]
    fn when_a_rule_refuses_then_its_name_comes_back_and_nothing_is_written() {
        let server = Server::start();
        let token = server.sign_in("approver-1");
        let hazard = server.hazard(0);
        let size = server.size();
        server.command(&token, Some(&hazard), "hazard.close", &json!({})).refused(422, "hazard.not_verified");
        server
            .command(
                &token,
                Some(&hazard),
                "rules.adopt",
                &json!({ "pack": "rewards", "hash": "0",
            "from": "2024-05-10", "decision": "x" }),
            )
            .refused(422, "office.wrong_stream");
        assert_eq!(server.size(), size);
    }

    #[test]
    fn when_many_send_the_same_command_at_once_then_one_lands() {
        let server = Server::start();
        let token = server.sign_in("enterprise-1");
        let body =
            json!({ "id": id(), "type": "hazard.report", "data": self_report(&server.enterprises[0]) });
        let size = server.size();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| server.post("/api/v1/commands", Some(&token), &body).expect(200));
            }
        });
        assert_eq!(server.size(), size + 1);
    }
}

mod given_a_command_that_needs_two_inspectors {
    use super::*;

    fn verify(server: &Server, token: &str, hazard: &str, with: &str, id: &str) -> common::Reply {
        let body = json!({ "id": id, "stream": hazard, "type": "hazard.verify", "co_signer": server.actor(with),
            "data": { "because": "现场核实" } });
        server.post("/api/v1/commands", Some(token), &body)
    }

    #[test]
    fn when_the_second_signs_in_their_own_session_then_one_entry_carries_both() {
        let server = Server::start();
        let (one, two) = (server.sign_in("inspector-1"), server.sign_in("inspector-2"));
        let hazard = server.hazard(0);
        let size = server.size();
        let command = id();
        let waits = verify(&server, &one, &hazard, "inspector-2", &command).expect(202);
        assert_eq!(
            verify(&server, &one, &hazard, "inspector-2", &command).expect(202),
            waits,
            "it waits once"
        );
        assert_eq!(server.size(), size, "nothing is written before both signed");
        let listed = server.get("/api/v1/pending", Some(&two)).expect(200);
        assert_eq!(listed["pending"][0]["pending"], waits["pending"]);
        assert_eq!(listed["pending"][0]["mine"], json!(true));
        let path = format!("/api/v1/pending/{}/sign", waits["pending"].as_str().unwrap());
        let third = server.sign_in("handler-1");
        server.post(&path, Some(&third), &json!({})).refused(404, "api.not_found");
        server.post(&path, Some(&one), &json!({})).refused(404, "api.not_found");
        let answer = server.post(&path, Some(&two), &json!({})).expect(200);
        let text = answer["entries"][0]["entry"].as_str().unwrap();
        for who in ["inspector-1", "inspector-2"] {
            assert!(text.contains(&format!("— {}", server.person(who).key.name())), "{text}");
        }
        let again = server.post(&path, Some(&two), &json!({})).expect(200);
        assert_eq!(again["positions"], answer["positions"], "signing twice gives the same answer");
        assert_eq!(server.get("/api/v1/pending", Some(&two)).expect(200)["pending"], json!([]));
    }

    #[test]
    fn when_one_inspector_signs_twice_or_alone_then_it_is_refused() {
        let server = Server::start();
        let one = server.sign_in("inspector-1");
        let hazard = server.hazard(0);
        verify(&server, &one, &hazard, "inspector-1", &id()).refused(422, "api.co_signer_is_self");
        let alone = server.command(&one, Some(&hazard), "hazard.verify", &json!({ "because": "现场核实" }));
        alone.refused(422, "hazard.needs_two_inspectors");
        verify(&server, &one, &hazard, "handler-1", &id()).refused(422, "hazard.needs_two_inspectors");
    }

    #[test]
    fn when_the_co_signer_is_nobody_then_it_is_refused() {
        let server = Server::start();
        let one = server.sign_in("inspector-1");
        let body = json!({ "id": id(), "stream": server.hazard(0), "type": "hazard.verify", "co_signer": id(),
            "data": { "because": "现场核实" } });
        server.post("/api/v1/commands", Some(&one), &body).refused(422, "api.co_signer_unknown");
    }

    #[test]
    fn when_the_first_signed_out_then_their_key_is_gone_and_they_must_ask_again() {
        let server = Server::start();
        let (one, two) = (server.sign_in("inspector-1"), server.sign_in("inspector-2"));
        let (hazard, command) = (server.hazard(0), id());
        let waits = verify(&server, &one, &hazard, "inspector-2", &command).expect(202);
        server.post("/api/v1/sign-out", Some(&one), &json!({})).expect(200);
        let path = format!("/api/v1/pending/{}/sign", waits["pending"].as_str().unwrap());
        server.post(&path, Some(&two), &json!({})).refused(409, "api.first_signed_out");
        let one = server.sign_in("inspector-1");
        assert_eq!(verify(&server, &one, &hazard, "inspector-2", &command).expect(202), waits);
        server.post(&path, Some(&two), &json!({})).expect(200);
    }
}

mod given_a_reporter_without_account {
    use super::*;

    fn fresh() -> (StreamId, SigningKey) {
        let stream = StreamId::new(StreamKind::Report, Id::random().unwrap());
        let key = SigningKey::generate(&format!("{}/{stream}", common::ORIGIN)).unwrap();
        (stream, key)
    }

    #[test]
    fn when_they_sign_with_their_own_key_then_the_report_is_in_the_ledger() {
        let server = Server::start();
        let (stream, key) = fresh();
        let prepared = server.post("/api/v1/prepare", None, &prepare_report(&stream, &key)).expect(200);
        let body = prepared["bodies"][0].as_str().unwrap();
        assert_eq!(prepared["body_hashes"][0], json!(blake3::hash(body.as_bytes()).to_hex().to_string()));
        assert_eq!(prepared["stream"], json!(stream));
        let append = json!({ "pending": prepared["pending"], "notes": notes(&prepared, &[&key]) });
        let answer = server.post("/api/v1/append", None, &append).expect(200);
        assert_eq!(answer["positions"], json!([server.size() - 1]));
        let again = server.post("/api/v1/append", None, &append).expect(200);
        assert_eq!((&again["positions"], &again["repeated"]), (&answer["positions"], &json!(true)));
    }

    #[test]
    fn when_a_note_does_not_fit_then_it_is_refused_and_what_was_prepared_still_waits() {
        let server = Server::start();
        let (stream, key) = fresh();
        let prepared = server.post("/api/v1/prepare", None, &prepare_report(&stream, &key)).expect(200);
        let append = |notes: Value| {
            server.post("/api/v1/append", None, &json!({ "pending": prepared["pending"], "notes": notes }))
        };
        let size = server.size();
        let stranger = SigningKey::generate(key.name()).unwrap();
        let text = prepared["texts"][0].as_str().unwrap();
        let elsewhere = text.replace(common::ORIGIN, "other.example/ledger");
        append(json!([])).refused(422, "entry.malformed");
        append(json!(["not a note"])).refused(422, "entry.malformed");
        append(json!([signed(&elsewhere, &key)])).refused(422, "entry.malformed");
        append(json!([signed(text, &stranger)])).refused(422, "entry.bad_signature");
        assert_eq!(server.size(), size);
        append(json!(notes(&prepared, &[&key]))).expect(200);
    }

    #[test]
    fn when_somebody_else_asks_about_the_report_then_they_learn_nothing() {
        let server = Server::start();
        let (stream, key) = server.report();
        let ask = |key: &SigningKey| {
            let body = json!({ "id": id(), "stream": stream, "type": "report.satisfy", "data": {},
                "signers": [key.vkey()] });
            server.post("/api/v1/prepare", None, &body)
        };
        let stranger = SigningKey::generate(key.name()).unwrap();
        ask(&stranger).refused(403, "api.forbidden");
        assert_eq!(ask(&key).status, 422, "the reporter is told which rule it is");
    }

    #[test]
    fn when_nothing_was_prepared_then_there_is_nothing_to_append() {
        let server = Server::start();
        server
            .post("/api/v1/append", None, &json!({ "pending": id(), "notes": [] }))
            .refused(404, "api.not_found");
    }
}

mod given_an_officer_who_keeps_the_key {
    use super::*;

    fn prepare(server: &Server, token: Option<&str>, signers: &Value) -> common::Reply {
        let body = json!({ "id": id(), "type": "hazard.report", "signers": signers,
            "data": self_report(&server.enterprises[0]) });
        server.post("/api/v1/prepare", token, &body)
    }

    #[test]
    fn when_they_are_signed_in_by_that_key_then_they_prepare_sign_and_append() {
        let server = Server::start();
        let key = &server.person("enterprise-1").key;
        let token = server.sign_in_by_key("enterprise-1");
        let prepared = prepare(&server, Some(&token), &json!([key.vkey()])).expect(200);
        let append = json!({ "pending": prepared["pending"], "notes": notes(&prepared, &[key]) });
        server.post("/api/v1/append", Some(&token), &append).expect(200);
    }

    #[test]
    fn when_nobody_or_somebody_else_is_signed_in_then_no_body_is_shown() {
        let server = Server::start();
        let key = server.person("enterprise-1").key.vkey();
        prepare(&server, None, &json!([key])).refused(401, "api.not_signed_in");
        let other = server.sign_in_by_key("enterprise-2");
        prepare(&server, Some(&other), &json!([key])).refused(403, "api.forbidden");
        prepare(&server, None, &json!([])).refused(400, "api.no_signer");
        let log = server.app.office.ledger().log_key().vkey();
        prepare(&server, None, &json!([log])).refused(403, "api.forbidden");
        let unknown = SigningKey::generate(key.name()).unwrap();
        prepare(&server, None, &json!([unknown.vkey()])).refused(422, "entry.unknown_signer");
    }

    #[test]
    fn when_the_hazard_changes_before_they_sign_then_it_is_a_conflict() {
        let server = Server::start();
        let hazard = server.hazard(0);
        let token = server.sign_in_by_key("inspector-1");
        let keys = [&server.person("inspector-1").key, &server.person("inspector-2").key];
        let body = json!({ "id": id(), "stream": hazard, "type": "hazard.verify", "signers": keys.map(SigningKey::vkey),
            "data": { "because": "现场核实" } });
        let prepared = server.post("/api/v1/prepare", Some(&token), &body).expect(200);
        server.execute(
            Some(&hazard),
            "hazard.verify",
            &json!({ "because": "先到" }),
            &["inspector-1", "inspector-2"],
        );
        let append = json!({ "pending": prepared["pending"], "notes": notes(&prepared, &keys) });
        server.post("/api/v1/append", Some(&token), &append).refused(409, "api.conflict");
    }
}

#[test]
fn the_checkpoint_that_the_public_sees_lags_and_the_officers_one_does_not() {
    let server = Server::start();
    let published = server.get("/api/v1/checkpoint", None).text;
    server.hazard(0);
    assert_eq!(server.get("/api/v1/checkpoint", None).text, published, "a single command is not published");
    let last = server.size() - 1;
    server.get(&format!("/api/v1/entries/{last}"), None).refused(404, "api.not_found");
    let officer = server.sign_in_by_key("auditor-1");
    server.get(&format!("/api/v1/entries/{last}"), Some(&officer)).expect(200);
    server.clock.advance_seconds(600);
    // The server does this by itself when it is due by the machine's clock.
    server.app.office.ledger().publish_due();
    let size = Checkpoint::parse(server.get("/api/v1/checkpoint", None).text.as_bytes()).unwrap().0.size;
    assert!(size > 1, "published after ten minutes");
}
