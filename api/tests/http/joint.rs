//! Joint reports: the first reporter hands a code on, and whoever has it follows, writes and claims by themselves.
#![allow(clippy::panic, clippy::expect_used, reason = "a test reports by panicking")]

use std::collections::BTreeSet;

use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::ledger::note::assemble;
use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::report::{Blob, OneTimeCode, Testimony, case_number, intake};
use adit_core::seal::{self, Kind};
use adit_core::secret::{Script, Secret};
use serde_json::{Value, json};

use crate::common::{ORIGIN, Reply, Server, id, notes, stands_readable};
use crate::reporter::{Fields, answered, fields, hidden, my, reported, rewarded, send, stream_of, value};

const FIRST: &str = "canary-81d0 三号井口没有通风，还在下井";
const SECOND: &str = "canary-27c4 昨天夜班又下井了";

/// A code as it stands on the sheet that is handed over.
struct HandedOver {
    number: String,
    code: String,
}

fn figures(page: &str) -> Vec<String> {
    let all = page.split("class=\"number\">").skip(1);
    all.filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect()
}

#[track_caller]
fn read(sheet: &Reply) -> HandedOver {
    assert_eq!(sheet.status, 200, "{}", sheet.text);
    let [number, code] = figures(&sheet.text).try_into().unwrap_or_else(|_| panic!("{}", sheet.text));
    assert_eq!((number.len(), code.len()), (14, 19));
    HandedOver { number, code }
}

/// Presses "invite" on "My report".
#[track_caller]
fn invited(server: &Server, first: &str) -> HandedOver {
    let form = hidden(&my(server, first, "", &[]).text, "invite");
    let sheet = send(server, "/my?lang=zh", &form, &[]);
    assert!(sheet.text.contains("邀请码"), "{}", sheet.text);
    read(&sheet)
}

fn try_to_join(server: &Server, number: &str, code: &str, more: &[(&str, &str)]) -> Reply {
    let mut form = fields(&[("step", "join"), ("number", number), ("code", code)]);
    form.extend(fields(more));
    send(server, "/my?lang=zh", &form, &[])
}

/// The form that uses the code up, with the new words in it.
#[track_caller]
fn offered(server: &Server, handed: &HandedOver) -> Fields {
    let page = try_to_join(server, &handed.number, &handed.code, &[]);
    assert_eq!(page.status, 200, "{}", page.text);
    hidden(&page.text, "join")
}

/// Whoever was invited joins; their own secret.
#[track_caller]
fn joined(server: &Server, handed: &HandedOver) -> String {
    let form = offered(server, handed);
    let receipt = send(server, "/my?lang=zh", &form, &[]);
    assert!(receipt.status == 200 && receipt.text.contains("你已经联名"), "{}", receipt.text);
    value(&form, "new_secret").to_owned()
}

fn first(server: &Server) -> String {
    reported(server, &[("words", FIRST)], &[]).0
}

/// A wrong code that is as long as the right one.
fn other(code: &str) -> String {
    let last = if code.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &code[..code.len() - 1])
}

fn voucher(page: &str) -> &str {
    let text = page.split("class=\"voucher\">").nth(1).and_then(|rest| rest.split('<').next());
    text.unwrap_or_else(|| panic!("no voucher in {page}"))
}

mod given_a_report_of_somebody_with_a_colleague {
    use super::*;

    #[test]
    fn when_the_colleague_joins_then_each_claims_their_own_share_and_finance_pays_two_vouchers() {
        let server = Server::start();
        let first = first(&server);
        let report = stream_of(&server, &first);
        let second = joined(&server, &invited(&server, &first));
        assert_eq!(stream_of(&server, &second), report);
        for secret in [&first, &second] {
            let page = my(&server, secret, "", &[]).text;
            assert!(
                page.contains("一起联名的人数，含你自己： <strong>2</strong>")
                    || page.contains("<strong>2</strong>"),
                "{page}"
            );
        }
        assert!(my(&server, &second, "message", &[("words", SECOND)]).text.contains(SECOND));
        answered(&server, &report);
        let reward = rewarded(&server, &report);

        // What each wrote is theirs and the office's; what the office answers is for both.
        let (one, two) = (my(&server, &first, "", &[]).text, my(&server, &second, "", &[]).text);
        assert!(one.contains(FIRST) && !one.contains(SECOND) && one.contains("已责令停产"), "{one}");
        assert!(two.contains(SECOND) && !two.contains(FIRST) && two.contains("已责令停产"), "{two}");
        for page in [&one, &two] {
            assert!(
                page.contains("¥ 7500.00") && page.contains("¥ 15000.00"),
                "a share, and the whole: {page}"
            );
        }

        let finance = server.sign_in("finance-1");
        let look = |code: &str| {
            server.post("/api/v1/vouchers", Some(&finance), &json!({ "code": code })).expect(200)
        };
        let pay = |found: &Value| {
            let data = json!({ "amount_yuan": found["amount_yuan"], "voucher": id(), "voucher_hash": found["voucher_hash"] });
            server.command(&finance, Some(&reward), "reward.pay", &data)
        };
        let claim = |page: &str| send(&server, "/my?lang=zh", &hidden(page, "claim"), &[]).text;
        let page = claim(&one);
        let found = look(voucher(&page));
        assert_eq!((&found["status"], &found["amount_yuan"]), (&json!("claimed"), &json!("7500.00")));
        pay(&found).expect(200);
        pay(&found).refused(422, "reward.already_paid");
        assert_eq!(look(voucher(&page))["status"], "paid");
        assert!(my(&server, &first, "", &[]).text.contains("奖金已经付清"), "nobody waits for the other one");
        assert!(my(&server, &second, "", &[]).text.contains("领取奖金"));
        let page = claim(&my(&server, &second, "", &[]).text);
        pay(&look(voucher(&page))).expect(200);
        assert!(my(&server, &second, "", &[]).text.contains("奖金已经付清"));
        let state = server.app.office.reward(reward.parse().unwrap()).unwrap();
        assert_eq!(
            (state.status, state.paid.to_string().as_str()),
            (adit_core::reward::Status::Paid, "15000.00")
        );
        let log = server.app.office.ledger().log_key().vkey();
        adit_core::ledger::verify::verify(server.app.office.ledger().store(), &log, |_| {})
            .expect("the ledger holds");
    }

    #[test]
    fn when_a_form_is_sent_twice_then_there_is_one_code_and_one_joining_and_the_sheet_can_be_seen_again() {
        let server = Server::start();
        let secret = first(&server);
        let before = server.size();
        let form = hidden(&my(&server, &secret, "", &[]).text, "invite");
        let sheets: Vec<HandedOver> =
            (0..2).map(|_| read(&send(&server, "/my?lang=zh", &form, &[]))).collect();
        assert_eq!((server.size(), &sheets[0].code), (before + 1, &sheets[1].code));
        let page = my(&server, &secret, "", &[]).text;
        let again = read(&send(&server, "/my?lang=zh", &hidden(&page, "invitation"), &[]));
        assert_eq!(
            (again.number.as_str(), again.code.as_str()),
            (sheets[0].number.as_str(), sheets[0].code.as_str())
        );

        let form = offered(&server, &sheets[0]);
        assert_eq!(server.size(), before + 1, "nothing is used up by looking");
        let receipts: Vec<Reply> = (0..2).map(|_| send(&server, "/my?lang=zh", &form, &[])).collect();
        assert_eq!(server.size(), before + 2, "sent twice, it is done once");
        assert!(receipts.iter().all(|page| page.status == 200 && page.text.contains(&sheets[0].number)));
        // The receipt file proves the joining, and the report's own position stands on the page.
        let new = value(&form, "new_secret");
        let file = my(&server, new, "receipt", &[]);
        assert!(file.text.starts_with("c2sp.org/tlog-proof@v1"), "{}", file.text);
        assert!(receipts[0].text.contains(&format!("<dd>{}</dd>", before + 1)), "{}", receipts[0].text);

        let used = try_to_join(&server, &sheets[0].number, &sheets[0].code, &[]);
        assert!(used.status == 422 && used.text.contains("已经用过了"), "{}", used.text);
        assert!(used.text.contains(&format!("value=\"{}\"", sheets[0].code)), "nothing typed is lost");
    }

    #[test]
    fn when_the_first_reporter_withdraws_a_code_or_changes_the_secret_then_it_lets_nobody_in() {
        let server = Server::start();
        let secret = first(&server);
        let handed = invited(&server, &secret);
        let form = offered(&server, &handed);
        let page = my(&server, &secret, "", &[]).text;
        let withdraw = hidden(&page, "withdraw");
        let page = send(&server, "/my?lang=zh", &withdraw, &[]);
        assert!(page.status == 200 && page.text.contains("邀请码已经收回"), "{}", page.text);
        for reply in [
            send(&server, "/my?lang=zh", &form, &[]),
            try_to_join(&server, &handed.number, &handed.code, &[]),
        ] {
            assert!(reply.status == 422 && reply.text.contains("已经收回，不能再用"), "{}", reply.text);
        }
        let gone = my(&server, &secret, "invitation", &[("invitation", value(&withdraw, "invitation"))]);
        assert!(gone.status == 422 && gone.text.contains("没有这个邀请码"), "{}", gone.text);

        let handed = invited(&server, &secret);
        let form = hidden(&my(&server, &secret, "rotate", &[]).text, "rotate");
        assert_eq!(send(&server, "/my", &form, &[]).status, 200);
        let reply = try_to_join(&server, &handed.number, &handed.code, &[]);
        assert!(reply.status == 422 && reply.text.contains("已经收回"), "{}", reply.text);
    }

    #[test]
    fn when_somebody_who_joined_locks_or_changes_their_own_secret_then_the_others_go_on() {
        let server = Server::start();
        let one = first(&server);
        let two = joined(&server, &invited(&server, &one));
        let page = my(&server, &two, "", &[]).text;
        assert!(!page.contains("value=\"invite\""), "only the first one invites: {page}");
        let form = hidden(&my(&server, &two, "rotate", &[]).text, "rotate");
        assert_eq!(send(&server, "/my", &form, &[]).status, 200);
        let new = value(&form, "new_secret").to_owned();
        assert!(my(&server, &new, "show", &[]).text.contains("你已经联名"), "the receipt is still theirs");
        assert_eq!(my(&server, &new, "lock", &[]).status, 200);
        assert_eq!(my(&server, &new, "", &[]).status, 404);
        assert_eq!(my(&server, &one, "message", &[("words", "我还在")]).status, 200);
    }

    #[test]
    fn when_something_is_typed_wrong_then_it_is_said_nothing_is_lost_and_the_right_code_still_works() {
        let server = Server::start();
        let secret = first(&server);
        let HandedOver { number, code } = invited(&server, &secret);
        let unknown = case_number(&StreamId::new(StreamKind::Report, Id([3; 16])));
        let before = server.size();
        for (number, code, says) in [
            ("", code.as_str(), "编号是 12 位数字"),
            (other(&number).as_str(), code.as_str(), "编号是 12 位数字"),
            (number.as_str(), "1234", "邀请码是 16 位数字"),
            (number.as_str(), other(&code).as_str(), "编号和邀请码对不上"),
            (unknown.as_str(), code.as_str(), "编号和邀请码对不上"),
        ] {
            let page = try_to_join(&server, number, code, &[]);
            assert!(page.status == 422 && page.text.contains(says), "{number} {code}: {}", page.text);
            for kept in [number, code].iter().filter(|typed| !typed.is_empty()) {
                assert!(page.text.contains(&format!("value=\"{kept}\"")), "{kept} is lost: {}", page.text);
            }
        }
        // An invitation is no pickup code.
        let pickup = fields(&[("step", "pickup"), ("number", &number), ("code", &code)]);
        assert_eq!(send(&server, "/my?lang=zh", &pickup, &[]).status, 422);
        std::thread::scope(|scope| {
            for guess in 0..8 {
                let (server, number) = (&server, &number);
                scope.spawn(move || {
                    for nth in 0..4 {
                        let code = format!("{:016}", guess * 100 + nth);
                        assert_eq!(try_to_join(server, number, &code, &[]).status, 422);
                    }
                });
            }
            let wide: String = code
                .chars()
                .map(|c| char::from_u32(u32::from(c) + 0xfee0).filter(|_| c != ' ').unwrap_or('、'))
                .collect();
            joined(&server, &HandedOver { number: number.replace(' ', "-"), code: wide });
        });
        assert_eq!(server.size(), before + 1);
    }

    #[test]
    fn then_every_try_is_answered_after_the_same_time_and_no_code_stands_in_any_file() {
        let server = Server::start();
        let secret = first(&server);
        let HandedOver { number, code } = invited(&server, &secret);
        let unknown = case_number(&StreamId::new(StreamKind::Report, Id([3; 16])));
        let mut took = Vec::new();
        for (number, code) in [(&number, other(&code)), (&unknown, code.clone()), (&number, code.clone())] {
            let begun = std::time::Instant::now();
            try_to_join(&server, number, &code, &[]);
            took.push(begun.elapsed().as_millis());
        }
        assert!(took.iter().all(|millis| *millis >= 700), "{took:?}");
        joined(&server, &HandedOver { number, code: code.clone() });
        let digits = code.replace(' ', "");
        assert_eq!(stands_readable(server.folder(), &[&code, &digits]), None);
    }

    #[test]
    fn when_the_reward_was_assessed_then_nobody_joins_any_more_and_the_page_says_so() {
        let server = Server::start();
        let secret = first(&server);
        let report = stream_of(&server, &secret);
        let handed = invited(&server, &secret);
        answered(&server, &report);
        rewarded(&server, &report);
        let page = my(&server, &secret, "", &[]).text;
        assert!(page.contains("现在不能再邀请") && !page.contains("value=\"invite\""), "{page}");
        let reply = try_to_join(&server, &handed.number, &handed.code, &[]);
        assert!(reply.status == 422 && reply.text.contains("奖金已经核定"), "{}", reply.text);
    }
}

/// Prepared and appended by a client that holds the keys.
fn by_client(server: &Server, stream: &StreamId, kind: &str, data: &Value, keys: &[&SigningKey]) -> Reply {
    let signers: Vec<_> = keys.iter().map(|key| key.vkey()).collect();
    let body = json!({ "id": id(), "stream": stream, "type": kind, "data": data, "signers": signers });
    let prepared = server.post("/api/v1/prepare", None, &body);
    if prepared.status != 200 {
        return prepared;
    }
    append(server, &prepared.expect(200), keys)
}

fn append(server: &Server, prepared: &Value, keys: &[&SigningKey]) -> Reply {
    let body = json!({ "pending": prepared["pending"], "notes": notes(prepared, keys) });
    server.post("/api/v1/append", None, &body)
}

/// Words that are sealed to the intake officers and to whoever has this secret.
fn sealed_words(server: &Server, secret: &Secret) -> Value {
    let ledger = server.app.office.ledger();
    let mut recipients = intake(&ledger.keys(), ledger.size(), &BTreeSet::new());
    recipients.push(secret.identity(ORIGIN).recipient());
    let told = Testimony { v: 1, words: SECOND.to_owned(), ..Testimony::default() };
    let text = serde_json::to_vec(&told).unwrap();
    let sealed = seal::seal(&text, recipients.iter().map(String::as_str), Kind::Text).unwrap();
    let hash = ledger.blobs().unwrap().put(&sealed).unwrap();
    json!(Blob::new(&hash, sealed.len() as u64, &recipients).unwrap())
}

/// A report of a client that keeps its secret, under a stream of its choice.
fn reported_by_client(server: &Server, stream: &StreamId) -> Secret {
    let secret = Secret::generate().unwrap();
    let key = secret.sign_key(ORIGIN, stream).unwrap();
    let report = json!({ "matter": "major_hazard", "channel": "mini_program", "key": key.vkey(),
        "claim_key": secret.claim_public(ORIGIN).unwrap(), "recipient": secret.identity(ORIGIN).recipient(),
        "testimony": sealed_words(server, &secret) });
    by_client(server, stream, "report.report", &report, &[&key]).expect(200);
    secret
}

/// Who asks, as a client shows it: the key of a report, and a challenge that it signed.
fn holder(server: &Server, secret: &Secret) -> (String, String) {
    let said = server.post("/api/v1/challenge", None, &json!({})).expect(200);
    let nowhere = StreamId::new(StreamKind::Report, Id::default());
    let seed = secret.sign_key(ORIGIN, &nowhere).unwrap().seed();
    let key = SigningKey::from_seed(&format!("{ORIGIN}/reporter"), &seed).unwrap();
    let text = said["challenge"].as_str().unwrap();
    let note = assemble(text, &[key.sign_text(text)]);
    (hex(key.vkey().key()), String::from_utf8(note).unwrap())
}

mod given_clients_that_keep_their_secrets {
    use super::*;

    fn mine(server: &Server, secret: &Secret) -> Value {
        let (key, note) = holder(server, secret);
        server.post("/api/v1/my", None, &json!({ "key": key, "note": note })).expect(200)
    }

    fn invite(server: &Server, secret: &Secret, id: &str, code: &str) -> Reply {
        let (key, note) = holder(server, secret);
        server.post("/api/v1/invite", None, &json!({ "id": id, "code": code, "key": key, "note": note }))
    }

    fn join(server: &Server, number: &str, code: &str, secret: &Secret, report: &StreamId) -> Reply {
        let key = secret.sign_key(ORIGIN, report).unwrap();
        let body = json!({ "id": id(), "number": number, "code": code, "key": hex(key.vkey().key()),
            "claim_key": secret.claim_public(ORIGIN).unwrap(), "recipient": secret.identity(ORIGIN).recipient() });
        server.post("/api/v1/join", None, &body)
    }

    #[test]
    fn when_one_invites_and_another_joins_then_the_server_sees_public_halves_and_each_code_works_once() {
        let server = Server::start();
        let report = StreamId::new(StreamKind::Report, Id::random().unwrap());
        let (first, second) = (reported_by_client(&server, &report), Secret::generate().unwrap());
        let key = first.sign_key(ORIGIN, &report).unwrap();
        let invitation = id();
        let code = OneTimeCode::of_reporter(&first, ORIGIN, &invitation).text().to_string();
        let unsigned = json!({ "id": id(), "code": code, "key": hex(key.vkey().key()), "note": "" });
        server.post("/api/v1/invite", None, &unsigned).refused(401, "api.bad_challenge");
        invite(&server, &first, &id(), "1234").refused(422, "reporter.bad_invitation_code");
        let stranger = Secret::generate().unwrap();
        invite(&server, &stranger, &id(), &code).refused(404, "reporter.unknown_secret");
        let prepared = invite(&server, &first, &invitation, &code).expect(200);
        assert_eq!(prepared["signers"], json!([key.vkey()]), "the code's own key signs at the server");
        append(&server, &prepared, &[&key]).expect(200);
        // The page of the same secret shows the same code.
        let sheet = my(&server, &first.text(Script::Chinese), "invitation", &[("invitation", &invitation)]);
        let handed = read(&sheet);
        assert_eq!(handed.code, code);
        let said = mine(&server, &first);
        assert_eq!((&said["joint"]["reporters"], &said["joint"]["first"]), (&json!(1), &json!(true)));
        assert_eq!(said["joint"]["invitations"][0]["number"], json!(invitation));

        let wrong = join(&server, &handed.number, &other(&code), &second, &report);
        wrong.refused(422, "report.wrong_invitation_code");
        let prepared = join(&server, &handed.number, &code, &second, &report).expect(200);
        assert_eq!(prepared["stream"], json!(report));
        let own = second.sign_key(ORIGIN, &report).unwrap();
        append(&server, &prepared, &[&own]).expect(200);
        let third = Secret::generate().unwrap();
        join(&server, &handed.number, &code, &third, &report).refused(422, "report.invitation_used");
        let said = mine(&server, &second);
        assert_eq!(said["joint"], json!({ "reporters": 2, "first": false, "invitations": [] }));
        assert_eq!(
            (&said["testimony"], &said["letters"]),
            (&Value::Null, &json!([])),
            "what was told is not theirs"
        );
        let recipients = said["recipients"].as_array().unwrap();
        assert!(recipients.contains(&json!(second.identity(ORIGIN).recipient())));
        assert!(!recipients.contains(&json!(first.identity(ORIGIN).recipient())));
        invite(&server, &second, &id(), &code).refused(422, "report.needs_first_reporter");

        // A code that was given out and withdrawn, by the client's own signature.
        let again = id();
        let code = OneTimeCode::of_reporter(&first, ORIGIN, &again).text().to_string();
        append(&server, &invite(&server, &first, &again, &code).expect(200), &[&key]).expect(200);
        let open = &mine(&server, &first)["joint"]["invitations"][0];
        let withdraw = json!({ "key": open["key"] });
        by_client(&server, &report, "report.withdraw_invitation", &withdraw, &[&key]).expect(200);
        join(&server, &handed.number, &code, &third, &report).refused(422, "report.invitation_withdrawn");
    }

    #[test]
    fn when_another_report_has_the_same_case_number_then_both_codes_work() {
        let server = Server::start();
        let secret = first(&server);
        let stream = stream_of(&server, &secret);
        let handed = invited(&server, &secret);
        // Whoever makes the stream of their report by themselves can give it another's number.
        let mut same = stream.id.0;
        same[15] ^= 1;
        let twin = StreamId::new(StreamKind::Report, Id(same));
        let theirs = reported_by_client(&server, &twin);
        assert_eq!(case_number(&twin), handed.number);
        let other = invited(&server, &theirs.text(Script::Chinese));
        assert_eq!(stream_of(&server, &joined(&server, &handed)), stream);
        assert_eq!(stream_of(&server, &joined(&server, &other)), twin);
    }
}
