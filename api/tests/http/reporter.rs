//! The reporter's pages as a browser without scripts meets them: forms, and nothing else.
#![allow(clippy::panic, clippy::expect_used, reason = "a test reports by panicking")]

use std::collections::BTreeSet;

use adit_core::event::Event;
use adit_core::id::{Id, StreamId};
use adit_core::report::{self, Blob, Message, ReportEvent, Testimony, correspondents, intake};
use adit_core::seal::{self, Kind};
use adit_core::secret::{Script, Secret, officer_identity};
use adit_core::units::Day;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::{ORIGIN, Reply, Server, stands_readable};

/// Words that nobody but the reporter and the intake officers may ever find.
const CANARY: &str = "canary-7f3a9 井下瓦斯超限还在生产";

pub(crate) type Fields = Vec<(String, String)>;

pub(crate) fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Sends a form as a browser does; files as `(name of the file, content)`.
pub(crate) fn send(server: &Server, path: &str, form: &Fields, files: &[(&str, &[u8])]) -> Reply {
    let mut body = Vec::new();
    for (name, value) in form {
        body.extend(
            format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes(),
        );
    }
    for (name, content) in files {
        let head = format!(
            "--x\r\ncontent-disposition: form-data; name=\"files\"; filename=\"{name}\"\r\ncontent-type: image/jpeg\r\n\r\n"
        );
        body.extend(head.bytes().chain(content.iter().copied()).chain(*b"\r\n"));
    }
    body.extend(*b"--x--\r\n");
    server.send("POST", path, &[("content-type", "multipart/form-data; boundary=x")], Some(&body))
}

fn unescaped(text: &str) -> String {
    let codes = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    codes.iter().fold(text.to_owned(), |text, (code, sign)| text.replace(code, sign))
}

/// The hidden fields of the first form that has a button for `step`.
#[track_caller]
pub(crate) fn hidden(page: &str, step: &str) -> Fields {
    let forms = page.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap_or_default());
    let form = forms.into_iter().find(|form| form.contains(&format!("value=\"{step}\"")));
    let form = form.unwrap_or_else(|| panic!("no form for {step} in {page}"));
    let mut found = Fields::new();
    for input in form.split("<input type=\"hidden\" ").skip(1) {
        let attribute = |name: &str| {
            let rest = input.split(&format!("{name}=\"")).nth(1).unwrap_or_default();
            unescaped(rest.split('"').next().unwrap_or_default())
        };
        found.push((attribute("name"), attribute("value")));
    }
    found.push(("step".to_owned(), step.to_owned()));
    found
}

pub(crate) fn value<'a>(form: &'a Fields, name: &str) -> &'a str {
    form.iter().rev().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str())
}

/// A report that was looked over and sent: its secret, and the receipt page.
#[track_caller]
pub(crate) fn reported(server: &Server, typed: &[(&str, &str)], files: &[(&str, &[u8])]) -> (String, Reply) {
    let mut form = fields(&[("step", "look")]);
    form.extend(fields(typed));
    let look = send(server, "/report?lang=zh", &form, files);
    assert_eq!(look.status, 200, "{}", look.text);
    let form = hidden(&look.text, "send");
    let receipt = send(server, "/report?lang=zh", &form, &[]);
    assert_eq!(receipt.status, 200, "{}", receipt.text);
    (value(&form, "secret").to_owned(), receipt)
}

#[track_caller]
pub(crate) fn simple(server: &Server) -> String {
    reported(server, &[("words", CANARY)], &[]).0
}

pub(crate) fn my(server: &Server, secret: &str, step: &str, more: &[(&str, &str)]) -> Reply {
    let mut form = fields(&[("secret", secret), ("step", step)]);
    form.push(("id".to_owned(), crate::common::id()));
    form.extend(fields(more));
    send(server, "/my?lang=zh", &form, &[])
}

pub(crate) fn stream_of(server: &Server, secret: &str) -> StreamId {
    let secret = Secret::parse(secret).unwrap();
    let nowhere = StreamId::new(adit_core::id::StreamKind::Report, Id::default());
    let key = secret.sign_key(ORIGIN, &nowhere).unwrap();
    server.app.office.find(&report::reporter_key(&key.vkey())).unwrap().expect("a report")
}

/// What the first entry of a report tells an intake officer.
pub(crate) fn testimony(server: &Server, stream: &StreamId, who: &str) -> Option<Testimony> {
    let ledger = server.app.office.ledger();
    let facts = ledger.stream(stream).unwrap();
    let Event::Report(ReportEvent::Reported(reported)) = &facts[0].event else { panic!("no report") };
    let sealed = ledger.blobs().unwrap().read(reported.report.testimony.as_ref()?.blob.as_str()).unwrap();
    let content = seal::open(&sealed, &officer_identity(&server.person(who).key, ORIGIN)).ok()?;
    Some(serde_json::from_slice(&content).unwrap())
}

/// A message of the office, sealed as the office seals.
fn from_office(server: &Server, stream: &StreamId, words: &str) -> Value {
    let ledger = server.app.office.ledger();
    let office = intake(&ledger.keys(), ledger.size(), &BTreeSet::new());
    let recipients = correspondents(&server.app.office.report(*stream).unwrap(), &office);
    let message = Message { v: 1, words: words.to_owned(), files: Vec::new() };
    let text = serde_json::to_vec(&message).unwrap();
    let sealed = seal::seal(&text, recipients.iter().map(String::as_str), Kind::Text).unwrap();
    let hash = ledger.blobs().unwrap().put(&sealed).unwrap();
    json!(Blob::new(&hash, sealed.len() as u64, &recipients).unwrap())
}

/// Accepted, verified, handled, answered; with a fine that a reward rests on.
pub(crate) fn answered(server: &Server, stream: &StreamId) {
    let on = stream.to_string();
    let run = |kind: &str, data: &Value, who: &[&str]| server.execute(Some(&on), kind, data, who);
    run("report.accept", &json!({}), &["clerk-1"]);
    let verify = json!({ "finding": "substantiated", "matter_key": on, "findings": "属实" });
    run("report.verify", &verify, &["inspector-1", "inspector-2"]);
    run("report.handle", &json!({ "done": "已处罚", "unit_fine_yuan": "100000" }), &["handler-1"]);
    run("report.answer", &json!({ "sealed": from_office(server, stream, "已责令停产") }), &["handler-1"]);
}

/// A reward that its reporter was told of.
pub(crate) fn rewarded(server: &Server, report: &StreamId) -> String {
    let assess = json!({ "report": report, "place": "national", "sector": "industry" });
    let reward = server.execute(None, "reward.assess", &assess, &["handler-1"]);
    server.execute(Some(&reward), "reward.approve", &json!({}), &["approver-1"]);
    server.execute(Some(&reward), "reward.notify", &json!({}), &["handler-1"]);
    reward
}

mod given_a_report_that_is_written {
    use super::*;

    #[test]
    fn when_it_is_looked_over_and_sent_then_it_is_sealed_and_entered_once_however_often_it_is_sent() {
        let server = Server::start();
        let typed = [("enterprise", "某矿 <b>"), ("kind", "gas"), ("words", CANARY), ("insider", "yes")];
        let mut form = fields(&[("step", "look")]);
        form.extend(fields(&typed));
        let before = server.size();
        let look = send(&server, "/report?lang=zh", &form, &[]);
        assert!(look.text.contains("某矿 &#60;b&#62;"), "{}", look.text);
        assert_eq!(server.size(), before, "nothing is entered by looking");
        let form = hidden(&look.text, "send");
        let receipts: Vec<Reply> = (0..3).map(|_| send(&server, "/report", &form, &[])).collect();
        assert_eq!(server.size(), before + 1);
        // Each page is handed out with a stamp of its own.
        let same = |receipt: &Reply| {
            let mut text = receipt.text.clone();
            while let Some((head, tail)) = text.split_once("name=\"stamp\" value=\"") {
                text = format!("{head}{}", tail.split_once('"').map_or("", |(_, rest)| rest));
            }
            text
        };
        assert!(receipts.iter().all(|receipt| receipt.status == 200 && same(receipt) == same(&receipts[0])));
        let stream = stream_of(&server, value(&form, "secret"));
        let told = testimony(&server, &stream, "clerk-1").expect("sealed to the clerk");
        assert_eq!((told.words.as_str(), told.enterprise.as_str()), (CANARY, "某矿 <b>"));
        assert_eq!((told.kinds.as_slice(), told.language.as_str()), (&["gas".to_owned()][..], "zh"));
        assert!(testimony(&server, &stream, "handler-1").is_none(), "a handler is no intake officer");
        let state = server.app.office.report(stream).unwrap();
        assert!(state.report.unwrap().insider);
    }

    #[test]
    fn when_it_is_sent_many_times_at_once_then_there_is_one_report_and_many_secrets_give_many() {
        let server = Server::start();
        let look = send(&server, "/report", &fields(&[("words", CANARY)]), &[]);
        let form = hidden(&look.text, "send");
        let before = server.size();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(send(&server, "/report", &form, &[]).status, 200));
            }
        });
        assert_eq!(server.size(), before + 1);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| simple(&server));
            }
        });
        assert_eq!(server.size(), before + 9);
    }

    #[test]
    fn when_something_is_missing_or_wrong_then_it_is_said_and_nothing_typed_is_lost() {
        let server = Server::start();
        let before = server.size();
        let wrong: [(&str, &str, &str); 4] = [
            ("words", "   ", "还没有写情况"),
            ("words", "看\u{202e}这里", "看不见的控制字符"),
            ("words", "看\u{0}这里", "看不见的控制字符"),
            ("place", &"长".repeat(201), "写得太长"),
        ];
        for (field, typed, says) in wrong {
            let mut form =
                fields(&[("enterprise", "某矿"), ("words", "情况"), ("kind", "water"), ("step", "look")]);
            form.push((field.to_owned(), typed.to_owned()));
            let reply = send(&server, "/report?lang=zh", &form, &[]);
            assert_eq!(reply.status, 422, "{typed:?}");
            for kept in [says, "value=\"某矿\"", "value=\"water\" checked"] {
                assert!(reply.text.contains(kept), "{typed:?}: no {kept} in {}", reply.text);
            }
            form.push(("step".to_owned(), "send".to_owned()));
            assert_eq!(send(&server, "/report", &form, &[]).status, 422, "the same when it is sent at once");
        }
        assert_eq!(server.size(), before);
    }

    #[test]
    fn when_an_officer_is_excluded_then_nothing_is_sealed_to_them_and_without_anybody_left_it_is_said() {
        let server = Server::start();
        let (one, two) = (server.actor("clerk-1"), server.actor("clerk-2"));
        let (secret, _) =
            reported(&server, &[("excluded", &one), ("words", CANARY)], &[("a.jpg", b"\xff\xd8\xff photo")]);
        let stream = stream_of(&server, &secret);
        assert!(testimony(&server, &stream, "clerk-1").is_none());
        let told = testimony(&server, &stream, "clerk-2").expect("the other clerk");
        let ledger = server.app.office.ledger();
        let photo = ledger.blobs().unwrap().read(&told.files[0].blob).unwrap();
        assert!(seal::open(&photo, &officer_identity(&server.person("clerk-1").key, ORIGIN)).is_err());
        let opened = seal::open(&photo, &officer_identity(&server.person("clerk-2").key, ORIGIN)).unwrap();
        assert_eq!(opened.as_slice(), b"\xff\xd8\xff photo");

        let both = [("excluded", one.as_str()), ("excluded", two.as_str()), ("words", CANARY)];
        let look = send(&server, "/report?lang=zh", &fields(&both), &[]);
        let reply = send(&server, "/report?lang=zh", &hidden(&look.text, "send"), &[]);
        assert_eq!(reply.status, 422);
        assert!(reply.text.contains("没有受理人员可以封存") && reply.text.contains(CANARY), "{}", reply.text);
    }

    /// The file was sealed before the reporter excluded one of those to whom it was sealed.
    #[test]
    fn when_somebody_is_excluded_after_a_file_was_sealed_then_the_file_is_asked_for_again() {
        let server = Server::start();
        let look =
            send(&server, "/report?lang=zh", &fields(&[("words", CANARY)]), &[("a.jpg", b"\xff\xd8\xff")]);
        let mut form = hidden(&look.text, "send");
        form.push(("excluded".to_owned(), server.actor("clerk-1")));
        let reply = send(&server, "/report?lang=zh", &form, &[]);
        assert_eq!(reply.status, 422);
        assert!(reply.text.contains("“a.jpg”需要重新选一次"), "{}", reply.text);
    }

    /// What the form says of a sealed file travels through a browser.
    #[test]
    fn when_the_form_says_of_a_file_what_is_not_so_then_it_is_refused_as_the_api_refuses_it() {
        let server = Server::start();
        let look =
            send(&server, "/report?lang=zh", &fields(&[("words", CANARY)]), &[("a.jpg", b"\xff\xd8\xff")]);
        let form = hidden(&look.text, "send");
        let before = server.size();
        let mut told: Value = serde_json::from_str(value(&form, "file_sealed")).unwrap();
        told["sealed"] = json!(1);
        let mut one_less: Value = serde_json::from_str(value(&form, "file_sealed")).unwrap();
        one_less["recipients"].as_array_mut().unwrap().pop();
        for told in [told, one_less] {
            let mut form: Fields = form.iter().filter(|(name, _)| name != "file_sealed").cloned().collect();
            form.push(("file_sealed".to_owned(), told.to_string()));
            let reply = send(&server, "/report?lang=zh", &form, &[]);
            assert!(reply.status == 422 && reply.text.contains(CANARY), "{}", reply.text);
        }
        assert_eq!(server.size(), before);
        assert_eq!(send(&server, "/report?lang=zh", &form, &[]).status, 200);
    }

    #[test]
    fn when_no_intake_officer_has_a_key_then_it_is_said_before_anything_is_typed() {
        let server = Server::start();
        for clerk in ["clerk-1", "clerk-2"] {
            let stream = format!("actor/{}", server.actor(clerk));
            server.execute(Some(&stream), "actor.suspend", &json!({ "because": "离岗" }), &["admin-1"]);
        }
        let page = server.get("/report?lang=zh", None);
        assert!(page.text.contains("现在不能在网上收举报") && !page.text.contains("<form"), "{}", page.text);
    }

    #[test]
    fn then_no_word_of_it_stands_readable_in_any_file_or_answer_to_others() {
        let server = Server::start();
        let (secret, receipt) = reported(
            &server,
            &[("words", CANARY), ("contact", "13800000000")],
            &[("canary-name.jpg", CANARY.as_bytes())],
        );
        my(&server, &secret, "message", &[("words", CANARY)]);
        server.app.office.ledger().publish_now();
        let characters = Secret::parse(&secret).unwrap().words(Script::Chinese).concat();
        let needles = ["canary-7f3a9", "canary-name", "13800000000", characters.as_str(), secret.as_str()];
        assert_eq!(stands_readable(server.folder(), &needles), None);
        let stream = stream_of(&server, &secret);
        for path in [
            format!("/log/stream/{}", stream.id),
            "/log/tile/entries/000".to_owned(),
            "/api/v1/checkpoint".to_owned(),
        ] {
            let reply = server.get(&path, None);
            assert!(needles.iter().all(|needle| !reply.text.contains(needle)), "{path}");
        }
        assert!(receipt.headers.values().all(|header| needles.iter().all(|needle| !header.contains(needle))));
    }
}

mod given_a_receipt {
    use super::*;

    #[test]
    fn then_it_has_the_words_the_number_the_next_day_and_each_file_with_its_hash() {
        let server = Server::start();
        let (secret, receipt) =
            reported(&server, &[("words", CANARY)], &[("井口.jpg", b"\xff\xd8\xff photo"), ("", b"")]);
        let sha = adit_core::ledger::vkey::hex(&Sha256::digest(b"\xff\xd8\xff photo"));
        for word in Secret::parse(&secret).unwrap().words(Script::Chinese) {
            assert!(receipt.text.contains(&format!("<b>{word}</b>")), "{word}");
        }
        assert!(receipt.text.contains("井口.jpg · 9 B"), "{}", receipt.text);
        assert!(receipt.text.contains(&format!("SHA-256 {sha}")));
        assert!(receipt.text.contains("<svg") && receipt.text.contains("没有人会给你打电话"));
    }

    #[test]
    fn when_three_words_are_typed_back_then_only_the_right_ones_let_it_be_left() {
        let server = Server::start();
        let secret = simple(&server);
        let words = Secret::parse(&secret).unwrap().words(Script::Chinese);
        let typed = |one: &'static str| [("typed", one), ("typed", words[6]), ("typed", words[10])];
        assert_eq!(my(&server, &secret, "check", &typed("错")).status, 422);
        let kept = my(&server, &secret, "check", &typed(words[1]));
        assert!(kept.status == 200 && kept.text.contains("对了"), "{}", kept.text);
    }

    #[test]
    fn then_its_file_verifies_at_once_without_a_publication() {
        let server = Server::start();
        let secret = simple(&server);
        let file = my(&server, &secret, "receipt", &[]);
        assert!(file.headers["content-disposition"].starts_with("attachment"));
        let keys = server.app.office.ledger().log_keys();
        let receipt = adit_core::ledger::receipt::Receipt::parse(&file.bytes).unwrap();
        let proven = receipt.verify(&keys).unwrap();
        assert_eq!(proven.entry.entry().stream, stream_of(&server, &secret));
    }

    #[test]
    fn when_the_words_are_typed_otherwise_then_they_open_it_and_wrong_ones_are_told_where_they_can_be() {
        let server = Server::start();
        let secret = simple(&server);
        let parsed = Secret::parse(&secret).unwrap();
        let spelled = [
            parsed.text(Script::Chinese).replace(' ', "　"),
            parsed.words(Script::Chinese).join("、"),
            parsed.text(Script::English).to_uppercase(),
        ];
        for spelled in spelled {
            assert_eq!(my(&server, &spelled, "", &[]).status, 200, "{spelled}");
        }
        let fault = |typed: &str| (my(&server, typed, "", &[]).status, my(&server, typed, "", &[]).text);
        let (status, text) = fault(&parsed.words(Script::Chinese).join("").replacen(
            parsed.words(Script::Chinese)[3],
            "鑫",
            1,
        ));
        assert!(status == 422 && text.contains("第 ") && text.contains("不在字表里"), "{text}");
        let other = Secret::generate().unwrap();
        let (status, text) = fault(&other.text(Script::Chinese));
        assert!(status == 404 && text.contains("没有举报用这十二个字"), "{text}");
        assert!(
            !text.contains(other.words(Script::Chinese).concat().as_str()),
            "what was typed is not repeated"
        );
        assert_eq!(fault("").0, 422);
    }
}

mod given_a_report_under_way {
    use super::*;

    #[test]
    fn then_each_step_shows_when_it_was_done_or_is_due_and_a_missed_one_says_so() {
        let server = Server::start();
        let secret = simple(&server);
        let stream = stream_of(&server, &secret);
        server.execute(Some(&stream.to_string()), "report.accept", &json!({}), &["clerk-1"]);
        let page = my(&server, &secret, "", &[]).text;
        assert_eq!(page.matches("class=\"done\"").count(), 2, "{page}");
        let due = server.app.office.report(stream).unwrap().clocks["handle"];
        assert!(page.contains(&format!("最晚 <time>{due}</time>")), "{page}");
        server.clock.set(day_after(due).start().plus_seconds(3600));
        let page = my(&server, &secret, "", &[]).text;
        assert!(page.contains(&format!("逾期，已上报。期限 <time>{due}</time>")), "{page}");
    }

    fn day_after(day: Day) -> Day {
        day.plus_days(1)
    }

    #[test]
    fn when_the_office_answers_then_the_reporter_reads_it_and_says_whether_it_was_mended() {
        let server = Server::start();
        let secret = simple(&server);
        let stream = stream_of(&server, &secret);
        assert!(!my(&server, &secret, "", &[]).text.contains("真的改好了吗"));
        answered(&server, &stream);
        let page = my(&server, &secret, "", &[]).text;
        assert!(page.contains("已责令停产") && page.contains("真的改好了吗"), "{page}");
        let disputed = my(&server, &secret, "disputed", &[("words", "还在生产")]);
        assert!(disputed.status == 200 && disputed.text.contains("还在生产"), "{}", disputed.text);
        assert!(server.app.office.report(stream).unwrap().disputed);
        server.execute(
            Some(&stream.to_string()),
            "report.reopen",
            &json!({ "because": "举报人反映未整改" }),
            &["approver-1"],
        );
        let page = my(&server, &secret, "", &[]).text;
        assert!(page.contains("还在生产"), "{page}");
    }

    #[test]
    fn when_a_message_comes_twice_then_it_is_one_and_one_that_holds_the_secret_is_not_sent() {
        let server = Server::start();
        let secret = simple(&server);
        let page = my(&server, &secret, "", &[]).text;
        let mut form = hidden(&page, "message");
        form.push(("words".to_owned(), "又看到一次".to_owned()));
        let before = server.size();
        for _ in 0..3 {
            assert_eq!(send(&server, "/my?lang=zh", &form, &[]).status, 200);
        }
        assert_eq!(server.size(), before + 1);
        let told = format!("我的口令是{}", Secret::parse(&secret).unwrap().words(Script::Chinese).concat());
        let refused = my(&server, &secret, "message", &[("words", &told)]);
        assert!(refused.status == 422 && refused.text.contains("没有发送"), "{}", refused.text);
        assert_eq!(my(&server, &secret, "message", &[("words", " ")]).status, 422);
        assert_eq!(server.size(), before + 1);
    }

    #[test]
    fn when_new_evidence_comes_with_a_photograph_then_both_are_in_the_body_and_an_excluded_officer_gets_neither()
     {
        let server = Server::start();
        let (secret, _) =
            reported(&server, &[("excluded", &server.actor("clerk-1")), ("words", CANARY)], &[]);
        let page = my(&server, &secret, "", &[]).text;
        let mut form = hidden(&page, "evidence");
        form.push(("step".to_owned(), "evidence".to_owned()));
        form.push(("words".to_owned(), "照片".to_owned()));
        let reply = send(&server, "/my?lang=zh", &form, &[("b.png", b"\x89PNG\r\n\x1a\n")]);
        assert!(reply.status == 200 && reply.text.contains("b.png"), "{}", reply.text);
        let facts = server.app.office.ledger().stream(&stream_of(&server, &secret)).unwrap();
        let Event::Report(ReportEvent::EvidenceAdded(added)) = &facts[1].event else { panic!("{facts:?}") };
        assert_eq!(added.files.len(), 1);
        let clerk = officer_identity(&server.person("clerk-1").key, ORIGIN).recipient();
        let to = added.files[0].recipients.iter().chain(&added.sealed.recipients);
        assert!(to.into_iter().all(|age| age.as_str() != clerk));
    }

    #[test]
    fn when_the_reporter_is_punished_for_it_then_that_is_an_event_of_its_own() {
        let server = Server::start();
        let secret = simple(&server);
        let reply = my(&server, &secret, "retaliation", &[("words", "被调岗")]);
        assert!(reply.status == 200 && reply.text.contains("已经急报"), "{}", reply.text);
        let facts = server.app.office.ledger().stream(&stream_of(&server, &secret)).unwrap();
        assert!(matches!(&facts[1].event, Event::Report(ReportEvent::RetaliationAlleged(_))));
    }

    #[test]
    fn when_the_secret_is_changed_then_the_old_one_opens_nothing_and_when_it_is_locked_no_one_does() {
        let server = Server::start();
        let old = simple(&server);
        let page = my(&server, &old, "rotate", &[]);
        let form = hidden(&page.text, "rotate");
        let new = value(&form, "new_secret").to_owned();
        assert_eq!(my(&server, &new, "", &[]).status, 404, "not before it was changed");
        let done = send(&server, "/my?lang=zh", &form, &[]);
        assert!(done.status == 200 && done.text.contains("已经换好"), "{}", done.text);
        assert_eq!(my(&server, &old, "", &[]).status, 404);
        assert_eq!(my(&server, &new, "message", &[("words", "新的口令")]).status, 200);
        let locked = my(&server, &new, "lock", &[]);
        assert!(locked.status == 200 && locked.text.contains("已经锁定"), "{}", locked.text);
        assert_eq!(my(&server, &new, "", &[]).status, 404);
    }
}

mod given_a_reward {
    use super::*;

    #[test]
    fn when_it_is_claimed_then_the_voucher_finds_it_at_the_desk_without_a_name_and_it_is_paid_once() {
        let server = Server::start();
        let secret = simple(&server);
        let report = stream_of(&server, &secret);
        answered(&server, &report);
        assert!(
            !my(&server, &secret, "", &[]).text.contains("领取奖金"),
            "nothing is promised before it is told"
        );
        let reward = rewarded(&server, &report);
        let page = my(&server, &secret, "", &[]).text;
        assert!(page.contains("¥ 15000.00") && page.contains("第十一条"), "{page}");
        let form = hidden(&page, "claim");
        let before = server.size();
        let claimed: Vec<Reply> = (0..2).map(|_| send(&server, "/my?lang=zh", &form, &[])).collect();
        assert_eq!(server.size(), before + 1, "claimed once");
        let text = &claimed[1].text;
        let voucher = text.split("class=\"voucher\">").nth(1).and_then(|rest| rest.split('<').next());
        let voucher = voucher.unwrap_or_else(|| panic!("no voucher in {text}"));
        let finance = server.sign_in("finance-1");
        let look =
            |token: &str, code: &str| server.post("/api/v1/vouchers", Some(token), &json!({ "code": code }));
        let found = look(&finance, &voucher.to_uppercase()).expect(200);
        assert_eq!(
            (found["reward"].as_str(), found["amount_yuan"].as_str()),
            (Some(reward.as_str()), Some("15000.00"))
        );
        assert!(
            !found.to_string().contains(&report.id.to_string()),
            "finance does not learn the case: {found}"
        );
        look(&finance, "0000-0000-0000-0000").refused(404, "api.not_found");
        look(&server.sign_in_by_key("clerk-1"), voucher).refused(403, "api.forbidden");
        let pay = json!({ "amount_yuan": "15000.00", "voucher": voucher });
        server.command(&finance, Some(&reward), "reward.pay", &pay).expect(200);
        server.command(&finance, Some(&reward), "reward.pay", &pay).refused(422, "reward.already_paid");
        assert!(my(&server, &secret, "", &[]).text.contains("奖金已经付清"));
    }

    #[test]
    fn when_the_secret_was_changed_after_the_assessment_then_the_new_one_claims_and_the_old_one_does_not() {
        let server = Server::start();
        let old = simple(&server);
        let report = stream_of(&server, &old);
        answered(&server, &report);
        rewarded(&server, &report);
        let stolen = hidden(&my(&server, &old, "", &[]).text, "claim");
        let form = hidden(&my(&server, &old, "rotate", &[]).text, "rotate");
        send(&server, "/my", &form, &[]);
        assert_eq!(send(&server, "/my", &stolen, &[]).status, 404);
        let new = value(&form, "new_secret").to_owned();
        let page = my(&server, &new, "", &[]).text;
        let claimed = send(&server, "/my?lang=zh", &hidden(&page, "claim"), &[]);
        assert!(claimed.text.contains("领奖凭证"), "{}", claimed.text);
    }
}

mod given_any_of_the_pages {
    use super::*;

    #[test]
    fn then_it_is_small_has_no_script_and_the_same_title_and_address_while_one_writes() {
        let server = Server::start();
        let secret = simple(&server);
        let look = send(&server, "/report?lang=en", &fields(&[("words", CANARY)]), &[]).text;
        let pages = [
            server.get("/", None).text,
            server.get("/report?lang=en", None).text,
            look,
            my(&server, &secret, "show", &[]).text,
            my(&server, &secret, "", &[]).text,
            server.get("/my", None).text,
        ];
        for page in &pages {
            assert!(page.len() < 50_000, "{} bytes", page.len());
            // The form and the page that asks for the words have a script: one file of ours, by its hash.
            let script = page.matches("<script type=\"module\" src=\"/web/report-").count();
            assert_eq!((page.matches("<script").count(), script <= 1), (script, true), "{page}");
            for forbidden in ["http://", "style=", "onclick"] {
                // The name of the picture's language is the only address.
                let page = page.replace("http://www.w3.org/2000/svg", "");
                assert!(!page.contains(forbidden), "{forbidden}: {page}");
            }
            let title = page.split("<title>").nth(1).and_then(|rest| rest.split('<').next());
            assert!(["明硐", "Adit"].contains(&title.unwrap_or_default()), "{title:?}");
        }
        assert!(pages[1].contains("Who must not see it?") && pages[1].contains("lang=\"en\""));
    }

    /// Anybody can compare the script with its hash, with the page, and with what was built from the source.
    #[test]
    fn the_script_of_the_report_page_is_the_one_that_keys_and_page_name_by_its_hash() {
        let server = Server::start();
        let keys = server.get("/log/keys", None).text;
        let line = keys.lines().find_map(|line| line.strip_prefix("script ")).expect("a script");
        let (path, integrity) = line.split_once(' ').unwrap();
        for encoding in ["gzip", "identity"] {
            let script = server.send("GET", path, &[("accept-encoding", encoding)], None);
            let hash = STANDARD.encode(sha2::Sha256::digest(&script.bytes));
            assert_eq!((script.status, format!("sha256-{hash}").as_str()), (200, integrity), "{encoding}");
            assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
            assert_eq!(script.headers["cache-control"], "no-store", "nobody sees on the device who was here");
        }
        let page = server.get("/report", None);
        let tag = format!(
            "<script type=\"module\" src=\"{path}\" integrity=\"{}\">",
            integrity.replace('+', "&#43;")
        );
        let plain = format!("<script type=\"module\" src=\"{path}\" integrity=\"{integrity}\">");
        assert!(page.text.contains(&tag) || page.text.contains(&plain), "{}", page.text);
        let policy = &page.headers["content-security-policy"];
        assert!(policy.contains(&format!("script-src '{integrity}'; connect-src 'self'")), "{policy}");
        assert!(policy.contains("default-src 'none'") && policy.contains("trusted-types 'none'"), "{policy}");
        for other in ["/", "/start"] {
            assert!(
                !server.get(other, None).headers["content-security-policy"].contains("script-src"),
                "{other}"
            );
        }
        server.get("/web/report-0000000000000000.js", None).refused(404, "api.not_found");
    }
}
