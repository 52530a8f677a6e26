//! What was done in one's own name: every key and every signature, for its holder and for nobody else.

use adit_core::actor::{ActorCommand, RotateKey};
use adit_core::command::Command;
use adit_core::ledger::vkey::SigningKey;
use serde_json::{Value, json};

use crate::common::{PASSWORD, Server, signed};

fn signatures(server: &Server, token: &str, query: &str) -> Vec<Value> {
    let said = server.get(&format!("/api/v1/me/signatures{query}"), Some(token)).expect(200);
    said["rows"].as_array().unwrap().clone()
}

/// Positions at which the ledger says that an actor signed.
fn signed_in_name_of(server: &Server, who: &str) -> Vec<u64> {
    let (ledger, mut found) = (server.app.office.ledger(), Vec::new());
    let end = adit_core::units::Position(ledger.size());
    let seen = ledger.replay(adit_core::units::Position(0), end, |fact| {
        if fact.by.contains(&server.person(who).actor) {
            found.push(fact.position.0);
        }
        Ok::<_, adit_core::ledger::log::OpenError>(())
    });
    seen.unwrap();
    found
}

/// A report that a clerk accepted and two inspectors verified, and a hazard that they verified too.
fn busy(server: &Server) -> (String, String) {
    let (report, _) = server.report();
    let two = ["inspector-1", "inspector-2"];
    server.execute(Some(&report), "report.accept", &json!({}), &["clerk-1"]);
    let found = json!({ "finding": "substantiated", "matter_key": "甲", "findings": "属实" });
    server.execute(Some(&report), "report.verify", &found, &two);
    let hazard = server.hazard(0);
    server.execute(Some(&hazard), "hazard.verify", &json!({ "because": "现场" }), &two);
    (report, hazard)
}

mod given_an_officer_who_has_signed {
    use super::*;

    #[test]
    fn then_every_signature_is_listed_with_the_key_that_made_it_and_nothing_of_what_was_said() {
        let server = Server::start();
        let (report, hazard) = busy(&server);
        let token = server.sign_in_by_key("inspector-1");
        let rows = signatures(&server, &token, "");
        let positions: Vec<u64> = rows.iter().map(|row| row["position"].as_u64().unwrap()).collect();
        assert_eq!(positions, signed_in_name_of(&server, "inspector-1"));
        let of = |stream: &str| rows.iter().find(|row| row["stream"] == *stream).unwrap().clone();
        let own = server.person("inspector-1").key.vkey().to_string();
        let lasting = of(&hazard);
        assert_eq!((&lasting["key"], &lasting["one_time"]), (&json!(own), &json!(false)));
        assert_eq!((&lasting["kind"], &lasting["roles"]), (&json!("hazard.verified"), &json!(["inspector"])));
        let once = of(&report);
        assert_eq!(
            (&once["kind"], &once["one_time"], &once["roles"]),
            (&json!("report.verified"), &json!(true), &json!(["inspector"]))
        );
        let key = once["key"].as_str().unwrap();
        assert!(key.contains(&format!("/{report}/officer/")), "{key}");
        // It stands under the public entry.
        let entry =
            server.app.office.ledger().stored(adit_core::units::Position(once["position"].as_u64().unwrap()));
        let entry = String::from_utf8(entry.unwrap().unwrap().entry).unwrap();
        assert!(entry.contains(&format!("key {key}\n")), "{entry}");
        for row in &rows {
            let mut fields: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            fields.sort_unstable();
            let told = ["at", "day", "key", "kind", "one_time", "position", "revision", "roles", "stream"];
            assert_eq!(fields, told);
        }
        assert_ne!(once["key"], of(&report)["position"], "one for each");
        let other = signatures(&server, &server.sign_in_by_key("inspector-2"), "");
        let theirs = other.iter().find(|row| row["stream"] == *report).unwrap();
        assert_ne!(theirs["key"], once["key"], "each has a key of their own");
    }

    #[test]
    fn when_they_may_not_read_the_report_any_more_then_they_still_see_that_their_key_signed_in_it() {
        let server = Server::start();
        let (report, _) = busy(&server);
        let token = server.sign_in_by_key("clerk-1");
        let path = format!("/api/v1/streams/{report}");
        server.get(&path, Some(&token)).expect(200);
        let key = server.person("clerk-1").key.vkey();
        let actor = format!("actor/{}", server.actor("clerk-1"));
        server.execute(Some(&actor), "actor.revoke", &json!({ "role": "clerk", "key": key }), &["admin-1"]);
        server.get(&path, Some(&token)).refused(403, "api.forbidden");
        server.app.office.ledger().publish_now();
        let rows = signatures(&server, &token, &format!("?stream={report}"));
        assert_eq!(rows.len(), 1);
        assert_eq!((&rows[0]["kind"], &rows[0]["roles"]), (&json!("report.accepted"), &json!(["clerk"])));
    }

    #[test]
    fn when_they_page_and_filter_then_the_rows_are_those_of_the_whole() {
        let server = Server::start();
        busy(&server);
        let token = server.sign_in_by_key("admin-1");
        let all = signatures(&server, &token, "");
        assert!(all.len() > 10, "an administrator enrolled everybody");
        let page = server.get("/api/v1/me/signatures?offset=3&limit=4", Some(&token)).expect(200);
        assert_eq!((&page["total"], &page["offset"]), (&json!(all.len()), &json!(3)));
        assert_eq!(page["rows"].as_array().unwrap()[..], all[3..7]);
        assert_eq!(signatures(&server, &token, "?from=2024-05-10&to=2024-05-10"), all);
        assert_eq!(signatures(&server, &token, "?from=2024-05-11"), Vec::<Value>::new());
        let past = all[5]["position"].as_u64().unwrap();
        assert_eq!(signatures(&server, &token, &format!("?as_of={past}")), all[..=5]);
        let file = server.get("/api/v1/me/signatures?format=csv", Some(&token));
        assert_eq!((file.status, file.text.lines().count()), (200, all.len() + 1));
        assert!(
            file.text.contains("密钥 Key") && file.headers["content-disposition"].contains("signatures-")
        );
    }
}

mod given_somebody_else {
    use super::*;

    #[test]
    fn then_there_is_no_way_to_ask_for_others_whatever_ones_role() {
        let server = Server::start();
        busy(&server);
        let clerk = server.actor("clerk-1");
        for who in ["admin-1", "investigator-1", "auditor-1", "leader-1", "enterprise-1"] {
            let token = server.sign_in_by_key(who);
            for path in ["/api/v1/me/keys", "/api/v1/me/signatures"] {
                for query in ["actor", "by", "who"] {
                    let asked = format!("{path}?{query}={clerk}");
                    server.get(&asked, Some(&token)).refused(400, "api.bad_query");
                }
                let said = server.get(path, Some(&token)).expect(200);
                assert_eq!(said["actor"], server.actor(who));
            }
            let keys = server.get("/api/v1/me/keys", Some(&token)).expect(200);
            let own = server.person(who).key.vkey();
            assert!(keys["rows"].as_array().unwrap().iter().all(|row| row["key"] == json!(own)));
            let positions =
                |rows: &[Value]| rows.iter().map(|row| row["position"].as_u64().unwrap()).collect::<Vec<_>>();
            server.app.office.ledger().publish_now();
            assert_eq!(positions(&signatures(&server, &token, "")), signed_in_name_of(&server, who), "{who}");
        }
        for path in ["/api/v1/me/keys", "/api/v1/me/signatures"] {
            server.get(path, None).refused(401, "api.not_signed_in");
        }
    }

    #[test]
    fn an_enterprise_account_sees_its_signatures_when_they_are_published() {
        let server = Server::start();
        let token = server.sign_in_by_key("enterprise-1");
        let hazard = server.hazard(0);
        let of = || signatures(&server, &token, &format!("?stream={hazard}")).len();
        assert_eq!(of(), 0);
        server.app.office.ledger().publish_now();
        assert_eq!(of(), 1);
    }
}

mod given_an_officer_whose_key_was_rotated {
    use super::*;

    #[test]
    fn then_they_sign_in_with_the_new_one_and_both_are_told_with_what_each_signed() {
        let server = Server::start();
        busy(&server);
        let old_session = server.sign_in("inspector-1");
        let old = server.person("inspector-1").key.clone();
        let new = SigningKey::generate(old.name()).unwrap();
        let rotate = RotateKey { old: old.vkey(), new: new.vkey(), last: None, recipient: None };
        let data = serde_json::to_value(ActorCommand::RotateKey(rotate)).unwrap()["data"].clone();
        let actor = server.actor("inspector-1");
        server.execute(Some(&format!("actor/{actor}")), "actor.rotate_key", &data, &["admin-1", "admin-2"]);

        // The session with the old key is over, and neither key file nor signature begins another.
        server.get("/api/v1/session", Some(&old_session)).refused(401, "api.not_signed_in");
        let password = json!({ "actor": actor, "password": PASSWORD });
        server.post("/api/v1/sign-in", None, &password).refused(401, "api.wrong_password");
        let challenge = server.post("/api/v1/challenge", None, &json!({})).expect(200);
        let note = signed(challenge["challenge"].as_str().unwrap(), &old);
        server.post("/api/v1/sign-in/key", None, &json!({ "note": note })).refused(401, "api.wrong_password");

        // The operator puts the new key in the place of the old one.
        server.app.keystore.store(server.person("inspector-1").actor, &new, PASSWORD).unwrap();
        let said = server.post("/api/v1/sign-in", None, &password).expect(200);
        assert_eq!(said["roles"], json!(["inspector"]));
        let token = said["token"].as_str().unwrap().to_owned();
        let hazard = server.hazard(1);
        let because = json!({ "because": "现场" });
        let request = serde_json::to_string(&because).unwrap();
        let command =
            Command::parse("hazard.verify", &serde_json::value::RawValue::from_string(request).unwrap());
        let stream = Some(hazard.parse().unwrap());
        let request = adit_core::command::Request {
            id: adit_core::id::CommandId(adit_core::id::Id::random().unwrap()),
            stream,
            command: command.unwrap(),
        };
        server.app.office.execute(&request, &[&new, &server.person("inspector-2").key]).unwrap();

        let keys = server.get("/api/v1/me/keys", Some(&token)).expect(200);
        let keys = keys["rows"].as_array().unwrap().clone();
        assert_eq!((&keys[0]["key"], &keys[0]["in_force"]), (&json!(old.vkey()), &json!(false)));
        assert_eq!((&keys[1]["key"], &keys[1]["in_force"]), (&json!(new.vkey()), &json!(true)));
        assert_eq!(keys[0]["last"].as_u64().unwrap() + 1, keys[1]["introduced"].as_u64().unwrap());
        assert_eq!(keys[1]["roles"], json!(["inspector"]));
        let rows = signatures(&server, &token, "");
        let by = |key: &SigningKey| rows.iter().filter(|row| row["key"] == json!(key.vkey())).count();
        assert_eq!((by(&old), by(&new)), (1, 1));
        assert_eq!(rows.iter().filter(|row| row["one_time"] == true).count(), 1, "in the report");
        assert!(rows.iter().all(|row| row["roles"] == json!(["inspector"])));
    }

    #[test]
    fn when_they_are_suspended_while_a_command_waits_for_a_second_officer_then_it_is_not_signed() {
        let found = json!({ "finding": "substantiated", "matter_key": "甲", "findings": "属实" });
        for (kind, data) in [("hazard.verify", json!({ "because": "现场" })), ("report.verify", found)] {
            let server = Server::start();
            let stream = if kind == "hazard.verify" { server.hazard(0) } else { server.report().0 };
            if kind == "report.verify" {
                server.execute(Some(&stream), "report.accept", &json!({}), &["clerk-1"]);
            }
            let (one, two) = (server.sign_in("inspector-1"), server.sign_in("inspector-2"));
            let asked = json!({ "id": crate::common::id(), "stream": stream, "type": kind, "data": data,
                "co_signer": server.actor("inspector-2") });
            let waits = server.post("/api/v1/commands", Some(&one), &asked).expect(202);
            let actor = format!("actor/{}", server.actor("inspector-1"));
            server.execute(Some(&actor), "actor.suspend", &json!({ "because": "调离" }), &["admin-1"]);
            let size = server.size();
            let path = format!("/api/v1/pending/{}/sign", waits["pending"].as_str().unwrap());
            server.post(&path, Some(&two), &json!({})).refused(422, "entry.key_ended");
            assert_eq!(server.size(), size, "{kind}");
        }
    }
}
