//! Who may read what: every role on every route, generated from the document that is made of the routes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use adit_core::id::StreamKind;
use adit_core::role::Role;
use adit_core::units::Position;
use serde_json::{Value, json};

use crate::common::{Server, id};

/// The routes with their parameters filled in: every kind of stream, every read model, every table.
pub(crate) fn questions(streams: &BTreeMap<StreamKind, String>) -> Vec<(String, String)> {
    let document = adit_api::routes::document().unwrap();
    let mut questions = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let filled: Vec<String> = match path.as_str() {
                "/api/v1/streams/{kind}/{id}" => {
                    streams.values().map(|stream| format!("/api/v1/streams/{stream}")).collect()
                }
                "/api/v1/streams/{kind}/{id}/files/{hash}" => streams
                    .values()
                    .map(|stream| format!("/api/v1/streams/{stream}/files/{}", "ab".repeat(32)))
                    .collect(),
                "/api/v1/projections/{name}" => {
                    adit_projections::NAMES.iter().map(|name| path.replace("{name}", name)).collect()
                }
                // An answer that goes on is not waited for: whoever may ask is told that this can't be asked.
                "/desk/live" => vec![format!("{path}?after=never")],
                "/tables/{name}" => ["register", "five_in_place", "rewards", "deadlines", "repeat_offenders"]
                    .map(|name| path.replace("{name}", name))
                    .into(),
                _ => vec![
                    path.replace("{position}", "0")
                        .replace("{path}", "0/000.p/1")
                        .replace("{file}", "0.tlog-proof")
                        .replace("{command}", "hazard.report")
                        .replace("{kind}", "hazard")
                        .replace("{id}", &"0".repeat(26))
                        .replace("{hash}", &"ab".repeat(32))
                        .replace("{name}", "closure"),
                ],
            };
            questions.extend(filled.into_iter().map(|path| (method.clone(), path)));
        }
    }
    questions
}

pub(crate) fn streams(server: &Server) -> BTreeMap<StreamKind, String> {
    let mut streams = BTreeMap::new();
    let ledger = server.app.office.ledger();
    let seen = ledger.replay(Position(0), Position(ledger.size()), |fact| {
        streams.insert(fact.stream.kind, fact.stream.to_string());
        Ok::<_, adit_core::ledger::log::OpenError>(())
    });
    seen.unwrap();
    streams.insert(StreamKind::Enterprise, server.enterprises[1].to_string());
    // Kinds without a stream here: who may not read learns nothing, who may is told that there is none.
    for kind in StreamKind::ALL {
        streams.entry(kind).or_insert_with(|| format!("{}/{}", kind.name(), "0".repeat(26)));
    }
    streams
}

#[test]
fn every_role_on_every_route() {
    let server = Server::start();
    server.report();
    server.hazard(1);
    let streams = streams(&server);
    let mut sessions: Vec<(String, Option<String>)> = vec![("nobody".to_owned(), None)];
    for role in Role::ALL {
        sessions.push((role.to_string(), Some(server.sign_in_by_key(&format!("{role}-1")))));
    }
    let mut table = String::new();
    for (method, path) in questions(&streams) {
        // Ends the session, or makes it a wall; their own tests are in `sign_in`, `desk` and `wall`.
        if path.ends_with("/sign-out") || (method == "POST" && path == "/desk/wall") {
            continue;
        }
        let mut statuses: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for (role, token) in &sessions {
            let token = token.as_deref();
            let bearer = format!("Bearer {}", token.unwrap_or_default());
            let with: &[(&str, &str)] = if token.is_some() { &[("authorization", &bearer)] } else { &[] };
            // Where an answer leads is looked at, not followed.
            let reply = if method == "GET" {
                server.send_once("GET", &path, with, None)
            } else if path.starts_with("/desk") {
                let form = ("content-type", "application/x-www-form-urlencoded");
                server.send_once("POST", &path, &[with, &[form]].concat(), Some(b""))
            } else if method == "PUT" {
                server.send("PUT", &path, with, Some(b"not sealed"))
            } else if ["HEAD", "PATCH", "DELETE"].contains(&method.as_str()) {
                server.send(&method, &path, with, None)
            } else {
                let body = match path.rsplit('/').next() {
                    Some("open") => json!({ "blob": "ab".repeat(32) }),
                    Some("seal") => json!({ "words": "已收到" }),
                    Some(_) | None => json!({}),
                };
                server.post(&path, token, &body)
            };
            assert!(reply.status < 500, "{method} {path} as {role}: {}", reply.text);
            statuses.entry(reply.status).or_default().push(role);
        }
        let shown = streams
            .iter()
            .fold(path, |path, (kind, stream)| path.replace(stream, &format!("{}/…", kind.name())));
        let _ = writeln!(table, "{method} {shown}");
        for (status, roles) in statuses {
            let _ = writeln!(table, "    {status} {}", roles.join(" "));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn every_role_on_every_kind_of_command() {
    let server = Server::start();
    let (report, _) = server.report();
    let hazard = server.hazard(1);
    let size = server.size();
    let mut table = String::new();
    let targets = [
        ("hazard.close", json!({}), Some(hazard)),
        ("report.close", json!({}), Some(report)),
        ("reward.approve", json!({}), Some(format!("reward/{}", id()))),
        ("enterprise.close", json!({ "because": "x" }), Some(format!("enterprise/{}", id()))),
        ("inspection.nothing_found", json!({ "checked": "x" }), Some(format!("inspection/{}", id()))),
        ("actor.suspend", json!({ "last": 0, "because": "x" }), Some(format!("actor/{}", id()))),
        (
            "rules.adopt",
            json!({ "pack": "rewards", "hash": "0", "from": "2024-05-10", "decision": "x" }),
            None,
        ),
    ];
    for role in Role::ALL {
        let token = server.sign_in(&format!("{role}-1"));
        let mut answers = Vec::new();
        for (kind, data, stream) in &targets {
            let reply = server.command(&token, stream.as_deref(), kind, data);
            assert!(reply.status >= 400 && reply.status < 500, "{role} {kind}: {}", reply.text);
            answers.push(format!("    {kind} {}", reply.code()));
        }
        let _ = writeln!(table, "{role}\n{}", answers.join("\n"));
    }
    assert_eq!(server.size(), size);
    insta::assert_snapshot!(table);
}

mod given_an_enterprise_account {
    use super::*;

    #[test]
    fn when_it_looks_at_hazards_then_it_sees_its_own_alone() {
        let server = Server::start();
        let (own, other) = (server.hazard(0), server.hazard(1));
        let token = server.sign_in_by_key("enterprise-1");
        for name in ["register", "five_in_place", "relief"] {
            let rows = server.get(&format!("/api/v1/projections/{name}"), Some(&token)).expect(200);
            assert_eq!((&rows["total"], &rows["rows"][0]["hazard"]), (&json!(1), &json!(own)), "{name}");
        }
        let stream = |stream: &str| server.get(&format!("/api/v1/streams/{stream}"), Some(&token));
        stream(&own).expect(200);
        stream(&server.enterprises[0].to_string()).expect(200);
        let nobodys = format!("hazard/{}", id());
        for hidden in [other, nobodys, server.enterprises[1].to_string(), server.report().0] {
            stream(&hidden).refused(403, "api.forbidden");
        }
    }

    #[test]
    fn when_a_report_exists_about_it_then_every_answer_is_as_if_there_were_none() {
        let (with, without) = (Server::start(), Server::start());
        let (report, _) = with.report();
        let nothing = format!("report/{}", id());
        for (server, stream) in [(&with, &report), (&without, &nothing)] {
            let token = server.sign_in("enterprise-1");
            server.get(&format!("/api/v1/streams/{stream}"), Some(&token)).refused(403, "api.forbidden");
            server.command(&token, Some(stream), "report.accept", &json!({})).refused(403, "api.forbidden");
            for name in ["deadlines", "timeline", "rewards", "repeat_offenders"] {
                server
                    .get(&format!("/api/v1/projections/{name}"), Some(&token))
                    .refused(403, "api.forbidden");
            }
        }
    }

    #[test]
    fn when_it_asks_for_what_is_not_published_then_it_waits_like_the_public() {
        let server = Server::start();
        let token = server.sign_in("enterprise-1");
        let data = crate::common::self_report(&server.enterprises[0]);
        let answer = server.command(&token, None, "hazard.report", &data).expect(200);
        let public = server.get("/api/v1/checkpoint", None).text;
        assert_eq!(answer["checkpoint"], json!(public));
        assert_eq!(server.get("/api/v1/checkpoint", Some(&token)).text, public);
    }
}

#[test]
fn finance_pays_without_learning_which_report_it_is() {
    let reader = adit_api::access::Reader { actor: None, roles: vec![Role::Finance], acts_for: None };
    for name in adit_projections::NAMES {
        let paid = ["rewards", "reward_budget"].contains(&name);
        let viewer = paid.then_some(adit_projections::Viewer::Finance);
        assert_eq!(reader.asker(name).map(|asker| asker.viewer), viewer, "{name}");
    }
}

#[test]
fn an_administrator_reads_no_report() {
    let server = Server::start();
    let (report, _) = server.report();
    let token = server.sign_in_by_key("admin-1");
    server.get(&format!("/api/v1/streams/{report}"), Some(&token)).refused(403, "api.forbidden");
    let clerk = server.sign_in_by_key("clerk-1");
    let events: Value = server.get(&format!("/api/v1/streams/{report}"), Some(&clerk)).expect(200);
    assert_eq!(events["events"][0]["type"], json!("report.reported"));
}
