//! Telephone, letter and visit: a clerk takes a report down, its reporter brings the code, on the page and over the API.
#![allow(clippy::panic, clippy::expect_used, reason = "a test reports by panicking")]

use adit_core::event::Event;
use adit_core::id::{Id, StreamId};
use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::report::ReportEvent;
use adit_core::secret::Secret;
use serde_json::{Value, json};

use crate::common::{ORIGIN, Reply, Server, id, notes, stands_readable};
use crate::reporter::{Fields, answered, fields, hidden, my, rewarded, send, stream_of, value};

const WORDS: &str = "canary-51c7 三号井口没有通风，还在下井";

pub(crate) fn telephone(id: &str) -> Value {
    json!({ "id": id, "channel": "telephone", "enterprise": "示例一矿", "place": "三号井口", "kinds": ["gas", "nonsense"],
        "words": WORDS })
}

/// Number and code of a report that a clerk took down, with its stream.
#[track_caller]
fn taken(server: &Server, clerk: &str) -> (StreamId, String, String) {
    let said = server.post("/api/v1/reports", Some(clerk), &telephone(&id())).expect(200);
    let text = |name: &str| said[name].as_str().expect("text").to_owned();
    (text("stream").parse().unwrap(), text("number"), text("code"))
}

fn pick(server: &Server, number: &str, code: &str, more: &[(&str, &str)]) -> Reply {
    let mut form = fields(&[("step", "pickup"), ("number", number), ("code", code)]);
    form.extend(fields(more));
    send(server, "/my?lang=zh", &form, &[])
}

/// The form that uses the code up, with the new words in it.
#[track_caller]
fn offered(server: &Server, number: &str, code: &str) -> Fields {
    let page = pick(server, number, code, &[]);
    assert_eq!(page.status, 200, "{}", page.text);
    hidden(&page.text, "pickup")
}

#[track_caller]
fn picked(server: &Server, number: &str, code: &str) -> String {
    let form = offered(server, number, code);
    let receipt = send(server, "/my?lang=zh", &form, &[]);
    assert!(receipt.status == 200 && receipt.text.contains("举报已经收下"), "{}", receipt.text);
    value(&form, "new_secret").to_owned()
}

/// A wrong code for the same case that is as long as the right one.
fn other(code: &str) -> String {
    let last = if code.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &code[..code.len() - 1])
}

mod given_a_report_by_telephone {
    use super::*;

    #[test]
    fn when_a_clerk_takes_it_down_then_it_is_sealed_entered_once_and_answered_with_the_same_code_however_often()
     {
        let server = Server::start();
        let clerk = server.sign_in("clerk-1");
        let before = server.size();
        let told = telephone(&id());
        let said: Vec<Value> = std::thread::scope(|scope| {
            let sent: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| server.post("/api/v1/reports", Some(&clerk), &told).expect(200)))
                .collect();
            sent.into_iter().map(|one| one.join().expect("a thread")).collect()
        });
        assert_eq!(server.size(), before + 1);
        for one in &said {
            for name in ["stream", "number", "code", "accept_due"] {
                assert_eq!(one[name], said[0][name], "{name}");
            }
        }
        assert_eq!(said[0]["code"].as_str().unwrap().len(), 19);
        assert!(said[0]["entries"][0]["receipt"].as_str().unwrap().starts_with("c2sp.org/tlog-proof@v1"));
        let stream: StreamId = said[0]["stream"].as_str().unwrap().parse().unwrap();
        let facts = server.app.office.ledger().stream(&stream).unwrap();
        let Event::Report(ReportEvent::Reported(reported)) = &facts[0].event else { panic!("no report") };
        assert!(reported.report.key.is_none() && reported.report.claim_key.is_none());
        let code = said[0]["code"].as_str().unwrap();
        let digits = code.replace(' ', "");
        assert_eq!(stands_readable(server.folder(), &[code, &digits, "canary-51c7"]), None);
        let other = server.sign_in("clerk-2");
        server.post("/api/v1/reports", Some(&other), &told).refused(422, "entry.command_id_reused");
    }

    #[test]
    fn when_somebody_else_or_something_incomplete_comes_then_it_is_refused_by_name_and_nothing_is_written() {
        let server = Server::start();
        let before = server.size();
        server.post("/api/v1/reports", None, &telephone(&id())).refused(401, "api.not_signed_in");
        for (who, code) in [("finance-1", "api.forbidden"), ("enterprise-1", "api.forbidden")] {
            server
                .post("/api/v1/reports", Some(&server.sign_in_by_key(who)), &telephone(&id()))
                .refused(403, code);
        }
        let elsewhere = server.sign_in_by_key("clerk-1");
        server.post("/api/v1/reports", Some(&elsewhere), &telephone(&id())).refused(409, "api.key_elsewhere");
        let handler = server.sign_in("handler-1");
        let refused = server.post("/api/v1/reports", Some(&handler), &telephone(&id()));
        refused.refused(422, "report.needs_reporter_or_clerk");
        let clerk = server.sign_in("clerk-1");
        let wrong = [
            ("words", json!(" "), 422, "reporter.words_missing"),
            ("place", json!("长".repeat(201)), 422, "reporter.too_long"),
            ("channel", json!("web"), 400, "api.wrong_value"),
            ("account", json!("openid"), 400, "api.unknown_field"),
            ("excluded", json!([server.actor("clerk-1")]), 422, "report.excluded_officer"),
            (
                "excluded",
                json!([server.actor("clerk-1"), server.actor("clerk-2")]),
                422,
                "reporter.nobody_left",
            ),
        ];
        for (field, typed, status, code) in wrong {
            let mut told = telephone(&id());
            told[field] = typed;
            server.post("/api/v1/reports", Some(&clerk), &told).refused(status, code);
        }
        assert_eq!(server.size(), before);
        let script = server.get("/api/v1/reports/script?lang=en", Some(&clerk)).expect(200);
        assert_eq!(script["steps"][0]["step"], "danger");
    }

    #[test]
    fn when_its_reporter_brings_the_code_then_they_have_words_of_their_own_and_read_what_was_written_before()
    {
        brings_the_code(&Server::start());
    }

    #[test]
    fn when_there_is_an_escrow_key_then_its_reporter_brings_the_code_all_the_same() {
        let server = Server::start();
        crate::sealed::given_an_escrow_key::introduced(&server);
        brings_the_code(&server);
    }

    fn brings_the_code(server: &Server) {
        let clerk = server.sign_in("clerk-1");
        let (report, number, code) = taken(server, &clerk);
        answered(server, &report);
        let reward = rewarded(server, &report);
        let before = server.size();
        let form = offered(server, &number, &code);
        assert_eq!(server.size(), before, "nothing is used up by looking");
        let receipts: Vec<Reply> = (0..2).map(|_| send(server, "/my?lang=zh", &form, &[])).collect();
        assert_eq!(server.size(), before + 1, "sent twice, it is done once");
        assert!(
            receipts.iter().all(|page| page.status == 200 && page.text.contains(&number)),
            "{}",
            receipts[0].text
        );
        let secret = value(&form, "new_secret");
        assert_eq!(stream_of(server, secret), report);
        let page = my(server, secret, "", &[]);
        for read in [WORDS, "已责令停产", "15000.00"] {
            assert!(page.text.contains(read), "no {read} in {}", page.text);
        }
        let page = my(server, secret, "claim", &[("reward", &reward)]);
        assert!(page.text.contains("领奖凭证"), "{}", page.text);

        let again = pick(server, &number, &code, &[]);
        assert!(again.status == 422 && again.text.contains("已经用过了"), "{}", again.text);
        assert!(again.text.contains(&format!("value=\"{number}\"")), "nothing typed is lost: {}", again.text);
        let fresh = Secret::generate().unwrap();
        let words = fresh.text(adit_core::secret::Script::Chinese);
        let again = pick(server, &number, &code, &[("new_secret", words.as_str())]);
        assert!(again.status == 422 && again.text.contains("已经用过了"), "{}", again.text);
        assert_eq!(server.size(), before + 2, "picked up, and claimed");
    }

    #[test]
    fn when_something_is_typed_wrong_then_it_is_said_nothing_is_lost_and_the_true_owner_still_gets_in() {
        let server = Server::start();
        let clerk = server.sign_in("clerk-1");
        let (_, number, code) = taken(&server, &clerk);
        let mistyped = other(&number);
        let unknown = "1234 5678 9014";
        let before = server.size();
        for (number, code, says) in [
            ("", code.as_str(), "编号是 12 位数字"),
            (mistyped.as_str(), code.as_str(), "编号是 12 位数字"),
            (number.as_str(), "1234", "取件码是 16 位数字"),
            (number.as_str(), other(&code).as_str(), "编号和取件码对不上"),
            (unknown, code.as_str(), "编号"),
        ] {
            let page = pick(&server, number, code, &[]);
            assert!(page.status == 422 && page.text.contains(says), "{number} {code}: {}", page.text);
            for kept in [number, code].iter().filter(|typed| !typed.is_empty()) {
                assert!(page.text.contains(&format!("value=\"{kept}\"")), "{kept} is lost: {}", page.text);
            }
        }
        // Guesses from everywhere, while the owner comes.
        std::thread::scope(|scope| {
            for guess in 0..8 {
                let (server, number) = (&server, &number);
                scope.spawn(move || {
                    for nth in 0..4 {
                        let code = format!("{:016}", guess * 100 + nth);
                        assert_eq!(pick(server, number, &code, &[]).status, 422);
                    }
                });
            }
            picked(&server, &number, &format!(" {}", code.replace(' ', "-")));
        });
        assert_eq!(server.size(), before + 1);
    }

    /// A client that keeps its secret: a mini-program, or the platform of the province.
    #[test]
    fn when_a_client_makes_the_secret_then_the_server_sees_its_public_halves_alone() {
        let server = Server::start();
        let clerk = server.sign_in("clerk-1");
        let (report, number, code) = taken(&server, &clerk);
        let secret = Secret::generate().unwrap();
        let key = secret.sign_key(ORIGIN, &report).unwrap();
        let ask = |code: &str, key: &SigningKey| {
            json!({ "id": id(), "number": number, "code": code, "key": hex(key.vkey().key()),
                "claim_key": secret.claim_public(ORIGIN).unwrap(), "recipient": secret.identity(ORIGIN).recipient() })
        };
        let wrong = server.post("/api/v1/pickup", None, &ask(&other(&code), &key));
        wrong.refused(422, "report.wrong_pickup_code");
        let mut bad = ask(&code, &key);
        bad["recipient"] = json!("age1nobody");
        server.post("/api/v1/pickup", None, &bad).refused(422, "api.bad_key");
        let mut bad = ask(&code, &key);
        bad["key"] = json!("00");
        server.post("/api/v1/pickup", None, &bad).refused(422, "api.bad_key");

        let prepared = server.post("/api/v1/pickup", None, &ask(&code, &key)).expect(200);
        assert_eq!((&prepared["stream"], &prepared["signers"]), (&json!(report), &json!([key.vkey()])));
        // Another one has the same code at the same time.
        let second = SigningKey::generate(key.name()).unwrap();
        let theirs = server.post("/api/v1/pickup", None, &ask(&code, &second)).expect(200);
        let append = |prepared: &Value, key: &SigningKey| {
            let body = json!({ "pending": prepared["pending"], "notes": notes(prepared, &[key]) });
            server.post("/api/v1/append", None, &body)
        };
        let said = append(&prepared, &key).expect(200);
        assert!(
            said["entries"][0]["entry"].as_str().unwrap().contains(&format!("\u{2014} {ORIGIN} ")),
            "{said}"
        );
        append(&theirs, &second).refused(409, "api.conflict");
        server.post("/api/v1/pickup", None, &ask(&code, &second)).refused(422, "report.already_picked_up");
        let words = secret.text(adit_core::secret::Script::English);
        assert!(my(&server, &words, "", &[]).text.contains(WORDS));
        // Nobody skips the comparison.
        let pick_up = json!({ "key": second.vkey(), "claim_key": "ab".repeat(32), "proof": "ab".repeat(32),
            "recipient": secret.identity(ORIGIN).recipient() });
        let body = json!({ "id": id(), "stream": report, "type": "report.pick_up", "data": pick_up, "signers": [second.vkey()] });
        assert_eq!(server.post("/api/v1/prepare", None, &body).status, 403);
    }

    #[test]
    fn when_its_claim_period_is_over_then_the_code_is_refused_in_plain_words() {
        let server = Server::start();
        let clerk = server.sign_in("clerk-1");
        let (report, number, code) = taken(&server, &clerk);
        let on = report.to_string();
        server.execute(Some(&on), "report.decline", &json!({ "ground": "unclear" }), &["clerk-1"]);
        server.clock.set("2024-08-01T02:00:00Z".parse().unwrap());
        let page = pick(&server, &number, &code, &[]);
        assert!(page.status == 422 && page.text.contains("领取的日子已经过了"), "{}", page.text);
    }

    #[test]
    fn then_every_try_is_answered_after_the_same_time_whatever_it_says() {
        let server = Server::start();
        let clerk = server.sign_in("clerk-1");
        let (_, number, code) = taken(&server, &clerk);
        let unknown =
            adit_core::report::case_number(&StreamId::new(adit_core::id::StreamKind::Report, Id([3; 16])));
        let mut took = Vec::new();
        for (number, code) in [(&number, other(&code)), (&unknown, code.clone()), (&number, code.clone())] {
            let begun = std::time::Instant::now();
            pick(&server, number, &code, &[]);
            took.push(begun.elapsed().as_millis());
        }
        assert!(took.iter().all(|millis| *millis >= 700), "{took:?}");
    }
}
