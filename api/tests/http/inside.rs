//! Internal reports from a worker's telephone to the voucher, and that nobody else reads them.
#![allow(clippy::panic, clippy::expect_used, reason = "a test reports by panicking")]

use adit_core::concern::concern_key;
use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::secret::Secret;
use serde_json::{Value, json};

use crate::common::{ORIGIN, Reply, Server, id, stands_readable};
use crate::desk::{page, send as act};
use crate::reporter::{fields, hidden, my, reported, send, value};

/// Words that nobody but the worker and the enterprise may ever find.
const CANARY: &str = "canary-51c0e 三号巷道顶板开裂";

const REWARDS: &str = "每条属实的报告奖励五百元，公开表扬";

/// A form of the workbench, filled in.
fn give(server: &Server, token: &str, kind: &str, stream: &str, typed: &[(&str, &str)]) -> Reply {
    let command = id();
    let mut form = vec![("_id", command.as_str()), ("_stream", stream), ("_back", "/desk/inside")];
    form.extend(typed);
    act(server, Some(token), &format!("/desk/do/{kind}"), &form)
}

#[track_caller]
fn given(server: &Server, token: &str, kind: &str, stream: &str, typed: &[(&str, &str)]) {
    let reply = give(server, token, kind, stream, typed);
    assert_eq!(reply.status, 303, "{kind}: {}", reply.text);
}

/// The first enterprise has opened its channel; gives back a session of its safety manager.
pub(crate) fn open(server: &Server) -> String {
    let token = server.sign_in("enterprise-1");
    let own = server.enterprises[0].to_string();
    given(server, &token, "enterprise.open_channel", &own, &[("enterprise", &own), ("rewards", REWARDS)]);
    token
}

/// What a worker told the first enterprise: the secret, and its stream.
#[track_caller]
pub(crate) fn told(server: &Server, words: &str) -> (String, StreamId) {
    let found = send(server, "/inside?lang=zh", &fields(&[("step", "find"), ("firm", "示例一")]), &[]);
    let mut form = hidden(&found.text, "look");
    form.extend(fields(&[("place", "三号巷道"), ("words", words)]));
    let look = send(server, "/inside?lang=zh", &form, &[]);
    assert_eq!(look.status, 200, "{}", look.text);
    let form = hidden(&look.text, "send");
    let receipt = send(server, "/inside?lang=zh", &form, &[]);
    assert_eq!(receipt.status, 200, "{}", receipt.text);
    let secret = value(&form, "secret").to_owned();
    let stream = stream_of(server, &secret);
    (secret, stream)
}

pub(crate) fn stream_of(server: &Server, secret: &str) -> StreamId {
    let nowhere = StreamId::new(StreamKind::Concern, Id::default());
    let key = Secret::parse(secret).unwrap().concern_key(ORIGIN, &nowhere).unwrap();
    server.app.office.find(&concern_key(&key.vkey())).unwrap().expect("an internal report")
}

fn inside(server: &Server, secret: &str, step: &str, more: &[(&str, &str)]) -> Reply {
    let mut form = fields(&[("secret", secret), ("step", step), ("id", &id())]);
    form.extend(fields(more));
    send(server, "/inside/my?lang=zh", &form, &[])
}

fn publish(server: &Server) {
    server.app.office.ledger().publish_now();
}

#[test]
fn given_a_worker_who_tells_the_enterprise_then_it_answers_mends_rewards_and_hands_over_without_a_name() {
    let server = Server::start();
    let before = server.get("/inside?lang=zh", None).text;
    assert!(!before.contains("示例一矿"), "a channel that is not open is offered");
    let manager = open(&server);
    let front = server.get("/inside?lang=zh", None).text;
    assert!(front.contains("示例一矿") && !front.contains("示例二矿"), "{front}");
    let (says, asks) = (front.find("不给应急管理局"), front.find("<input id=\"firm\""));
    assert!(says.is_some() && says < asks, "it says first who reads it");
    let (secret, concern) = told(&server, CANARY);
    let on = concern.to_string();

    // It comes with the next publication, and by its day.
    let address = format!("/desk/streams/{on}");
    assert!(!page(&server, &manager, "/desk/inside").text.contains(&on));
    assert_eq!(page(&server, &manager, &address).status, 404);
    publish(&server);
    let list = page(&server, &manager, "/desk/inside").text;
    assert!(list.contains(&address) && list.contains("待答复") && list.contains(REWARDS), "{list}");
    assert!(page(&server, &manager, "/desk").text.contains("1 件等您办理"));
    let shown = page(&server, &manager, &address).text;
    assert!(shown.contains(CANARY) && !shown.contains("10:00"), "{shown}");
    let events = server.get(&format!("/api/v1/streams/{on}"), Some(&manager)).expect(200);
    assert_eq!(events["events"][0]["at"], json!("2024-05-09T16:00:00Z"), "the second it came is told");

    let early =
        give(&server, &manager, "concern.reward", &on, &[("honour", "记功"), ("collect_at", "传达室")]);
    assert_eq!(early.status, 422, "{}", early.text);
    given(&server, &manager, "concern.answer", &on, &[("words", "今天就去看")]);
    let hazard = server.hazard(0);
    let form = page(&server, &manager, &format!("/desk/do/concern.take_up?stream={on}")).text;
    assert!(form.contains(&hazard), "the own hazard can't be chosen: {form}");
    let others =
        give(&server, &manager, "concern.take_up", &on, &[("hazard", &server.hazard(1)), ("words", "x")]);
    assert_eq!(others.status, 422, "{}", others.text);
    given(&server, &manager, "concern.take_up", &on, &[("hazard", &hazard), ("words", "已登记，正在支护")]);
    let reward = [("amount_yuan", "500"), ("honour", "记功一次"), ("collect_at", "工会办公室")];
    given(&server, &manager, "concern.reward", &on, &reward);

    let follow = inside(&server, &secret, "", &[]).text;
    for said in [CANARY, "今天就去看", "已登记，正在支护", "500.00", "记功一次", "工会办公室"]
    {
        assert!(follow.contains(said), "{said}: {follow}");
    }
    let claimed = inside(&server, &secret, "claim", &[]).text;
    let voucher = Secret::parse(&secret).unwrap().concern_voucher(ORIGIN, &concern);
    assert!(claimed.contains(voucher.as_str()), "{claimed}");
    let wrong = give(&server, &manager, "concern.hand_over", &on, &[("voucher", "0000-0000-0000-0000")]);
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    given(&server, &manager, "concern.hand_over", &on, &[("voucher", &voucher.to_uppercase())]);
    assert!(inside(&server, &secret, "", &[]).text.contains("已经领走"));
    assert_eq!(inside(&server, &secret, "claim", &[]).status, 422);

    if cfg!(feature = "pdf") {
        let notice = page(&server, &manager, "/desk/inside/notice");
        assert_eq!(notice.headers["content-type"], "application/pdf", "{}", notice.text);
    }

    // The public sees steps of one kind, and no name of the enterprise's account.
    publish(&server);
    let public = server.get(&format!("/log/stream/{on}"), None).text;
    let kinds: Vec<&str> = public.lines().filter(|line| line.starts_with("concern/")).collect();
    assert!(kinds.iter().all(|line| line.ends_with(" concern.note")), "{public}");
    assert!(!public.contains(&server.actor("enterprise-1")), "{public}");
    let proof = inside(&server, &secret, "receipt", &[]);
    assert!(proof.text.starts_with("c2sp.org/tlog-proof@v1"), "{}", proof.text);
    // What the worker may show to inspectors holds the words, and is verified by anybody.
    let bundle = inside(&server, &secret, "evidence", &[]);
    let opened = adit_core::ledger::bundle::verify(&bundle.bytes, &[], None).expect("a good bundle");
    assert_eq!(opened.entries.iter().filter(|entry| entry.body).count(), 6);
}

#[test]
fn given_an_internal_report_then_no_officer_and_no_other_enterprise_reads_it_and_no_disk_holds_it_readable() {
    let server = Server::start();
    open(&server);
    let (secret, concern) = told(&server, CANARY);
    publish(&server);
    let on = concern.to_string();
    let mut who: Vec<&String> = server.people.keys().filter(|name| name.as_str() != "enterprise-1").collect();
    who.retain(|name| !name.starts_with("escrow"));
    for name in who {
        let token = server.sign_in_by_key(name);
        server.get(&format!("/api/v1/streams/{on}"), Some(&token)).refused(403, "api.forbidden");
        for path in [format!("/desk/streams/{on}"), "/desk/inside".to_owned()] {
            let reply = page(&server, &token, &path);
            let own = name == "enterprise-2" && path == "/desk/inside";
            assert_eq!(reply.status, if own { 200 } else { 403 }, "{name} {path}");
            assert!(!reply.text.contains(CANARY) && !reply.text.contains("三号巷道"), "{name} {path}");
        }
        let bundle = json!({ "streams": [on] });
        assert_eq!(server.post("/api/v1/bundles", Some(&token), &bundle).status, 403, "{name}");
        for table in adit_projections::NAMES {
            let rows = server.get(&format!("/api/v1/projections/{table}"), Some(&token)).text;
            assert!(!rows.contains(&on) && !rows.contains("顶板开裂"), "{name} {table}");
        }
        let found = server.get("/api/v1/search?q=%E9%A1%B6%E6%9D%BF%E5%BC%80%E8%A3%82", Some(&token)).text;
        assert!(!found.contains(&on), "{name}: {found}");
    }
    // Whoever inspects sees in the profile that there is a channel, and no count that points to anybody.
    let inspector = server.sign_in_by_key("inspector-1");
    let profile = page(&server, &inspector, &format!("/desk/profiles/{}", server.enterprises[0].id)).text;
    assert!(profile.contains("2024-05-10 起开通") && !profile.contains("收到 1"), "{profile}");
    // Secrets of reports and of internal reports are told apart.
    assert_eq!(my(&server, &secret, "", &[]).status, 404);
    let folder = server.stopped();
    let words = Secret::parse(&secret).unwrap().words(adit_core::secret::Script::Chinese).concat();
    assert_eq!(stands_readable(folder.path(), &[CANARY, "canary-51c0e", &secret, &words]), None);
}

#[test]
fn given_what_does_not_fit_then_it_is_said_and_nothing_typed_is_lost() {
    let mut server = Server::start();
    let manager = open(&server);
    let own = server.enterprises[0].to_string();
    let nobody = send(&server, "/inside?lang=zh", &fields(&[("step", "find"), ("firm", "没有这家")]), &[]);
    assert!(nobody.text.contains("没有找到") && nobody.text.contains("没有这家"), "{}", nobody.text);
    let typed = [("step", "look"), ("to", own.as_str()), ("words", ""), ("contact", "老张")];
    let empty = send(&server, "/inside?lang=zh", &fields(&typed), &[]);
    assert_eq!(empty.status, 422);
    assert!(empty.text.contains("老张"), "{}", empty.text);
    let telling = [("step", "look"), ("to", own.as_str()), ("words", "我是二班的，电话13812345678")];
    let warned = send(&server, "/inside?lang=zh", &fields(&telling), &[]).text;
    assert!(warned.contains("像电话号码") && warned.contains("班次"), "{warned}");

    // The same form twice is one; a channel that closes meanwhile loses nothing of what was typed.
    let form = hidden(&warned, "send");
    let size = server.size();
    for _ in 0..2 {
        assert_eq!(send(&server, "/inside?lang=zh", &form, &[]).status, 200);
    }
    assert_eq!(server.size(), size + 1);
    let secret = value(&form, "secret").to_owned();
    assert_eq!(inside(&server, &secret, "check", &[("typed", "错")]).status, 422);
    assert_eq!(inside(&server, &secret, "write", &[("words", &secret)]).status, 422);
    assert_eq!(inside(&server, &secret, "write", &[("words", "还没有人来")]).status, 200);
    // The words themselves do not go to the enterprise, whatever they were typed into.
    for field in ["words", "place", "contact"] {
        let mut typed = fields(&telling);
        typed.retain(|(name, _)| name != field);
        typed.extend(fields(&[("secret", &secret), (field, &format!("口令 {secret}"))]));
        let refused = send(&server, "/inside?lang=zh", &typed, &[]);
        assert_eq!(refused.status, 422, "{field}");
        assert!(
            refused.text.contains("信里有你的十二个字") && refused.text.contains("口令 "),
            "{}",
            refused.text
        );
    }
    let another = send(&server, "/inside?lang=zh", &fields(&telling), &[]).text;
    given(&server, &manager, "enterprise.close_channel", &own, &[("enterprise", &own), ("because", "停产")]);
    let late = send(&server, "/inside?lang=zh", &hidden(&another, "send"), &[]);
    assert_eq!(late.status, 422);
    assert!(late.text.contains("13812345678"), "{}", late.text);
    // What was taken in goes on; and whoever was told and did nothing is shown to have been.
    server.clock.advance_seconds(9 * 86_400);
    let overdue = inside(&server, &secret, "", &[]).text;
    assert!(overdue.contains("企业到期没有办") && overdue.contains("/report?lang=zh"), "{overdue}");

    // A report of the bureau's channel is another thing.
    server.enrol_intake("intake");
    let (report, _) = reported(&server, &[("words", "井下瓦斯超限")], &[]);
    assert_eq!(inside(&server, &report, "", &[]).status, 404);
    let home: Value = json!(page(&server, &server.sign_in("enterprise-1"), "/desk").text);
    assert!(!home.to_string().contains("瓦斯"));
}
