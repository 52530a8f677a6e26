//! The worklist: what waits is what can be done, what is due first comes first, and what was done waits no more.
#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]

use adit_core::command::{Command, Request};
use adit_core::id::{CommandId, Id};
use adit_core::ledger::vkey::SigningKey;
use serde_json::{Value, json};

use crate::common::Server;
use crate::desk::page;

/// Day of the server's clock.
const TODAY: &str = "2024-05-10";
pub(crate) const INSPECTORS: [&str; 2] = ["inspector-1", "inspector-2"];

pub(crate) fn verified(server: &Server, criterion: Option<&str>) -> String {
    let hazard = server.hazard(0);
    let verify = json!({ "because": "符合条款", "criterion": criterion });
    server.execute(Some(&hazard), "hazard.verify", &verify, &INSPECTORS);
    hazard
}

pub(crate) fn assigned(server: &Server, due: &str) -> String {
    let hazard = verified(server, None);
    let assign = json!({ "responsible_post": "矿长", "due": due });
    server.execute(Some(&hazard), "hazard.assign", &assign, &["handler-1"]);
    hazard
}

/// One queue of a worklist, by the command to which its tasks lead.
fn queue(home: &str, command: &str) -> String {
    let at = |part: &&str| part.contains(&format!("/desk/do/{command}?"));
    home.split("<section class=\"queue\">").find(at).unwrap_or_default().to_owned()
}

fn home(server: &Server, who: &str) -> String {
    page(server, &server.sign_in_by_key(who), "/desk").text
}

#[test]
fn given_more_hazards_than_are_shown_then_what_is_due_first_comes_first_though_it_came_last() {
    let server = Server::start();
    for day in (15..=28).rev() {
        assigned(&server, &format!("2024-05-{day}"));
    }
    let mend = queue(&home(&server, "enterprise-1"), "hazard.rectify");
    let days: Vec<&str> =
        mend.split("datetime=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let first: Vec<String> = (15..=26).map(|day| format!("2024-05-{day}")).collect();
    assert_eq!(days, first, "{mend}");
    assert!(mend.contains("<span class=\"count\">14</span>"), "{mend}");
    let all = mend.split("href=\"").find(|rest| rest.starts_with("/desk/tables/register?")).unwrap();
    let all = all.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    let table = page(&server, &server.sign_in_by_key("enterprise-1"), &all).text;
    let at = |day: &str| table.find(day).unwrap_or(usize::MAX);
    assert!(at("2024-05-15") < at("2024-05-28"), "the whole table comes in the same order: {table}");
}

#[test]
fn given_what_was_mended_then_its_review_is_shown_with_its_own_deadline() {
    let server = Server::start();
    let hazard = assigned(&server, "2024-06-20");
    let rectify = json!({ "because": "风机已更换" });
    server.execute(Some(&hazard), "hazard.rectify", &rectify, &["enterprise-1"]);
    let leader = server.sign_in_by_key("leader-1");
    let path = format!("/api/v1/projections/deadlines?stream={hazard}&clock=review");
    let rows = server.get(&path, Some(&leader)).expect(200);
    let due = rows["rows"][0]["due"].as_str().unwrap().to_owned();
    assert!(due.as_str() > TODAY && due != "2024-06-20");
    let review = queue(&home(&server, "inspector-1"), "hazard.review");
    assert!(review.contains(&format!("datetime=\"{due}\"")), "{review}");
    let row = &server.get("/api/v1/projections/register", Some(&leader)).expect(200)["rows"][0];
    assert_eq!((&row["review_due"], &row["due"]), (&json!(due), &json!("2024-06-20")));
}

#[test]
fn given_a_self_report_then_its_relief_waits_from_the_verification_until_nothing_is_left_to_decide() {
    let server = Server::start();
    let hazard = server.hazard(0);
    assert_eq!(queue(&home(&server, "approver-1"), "hazard.decide_relief"), "", "it is not verified");
    let dismissed = server.hazard(0);
    let none = json!({ "because": "不构成隐患" });
    server.execute(Some(&dismissed), "hazard.dismiss", &none, &INSPECTORS);
    assert_eq!(queue(&home(&server, "approver-1"), "hazard.decide_relief"), "", "it was none");
    let verify = json!({ "because": "符合条款", "criterion": null });
    server.execute(Some(&hazard), "hazard.verify", &verify, &INSPECTORS);
    let waits = queue(&home(&server, "approver-1"), "hazard.decide_relief");
    assert!(waits.contains(&hazard) && !waits.contains(&dismissed), "{waits}");
    let penalise = json!({ "decision": "应急罚〔2024〕1号", "unit_fine_yuan": "20000.00", "person_fines_yuan": [],
        "decided_on": TODAY, "article": "安全生产法第一百零二条" });
    server.execute(Some(&hazard), "hazard.penalise", &penalise, &["approver-1"]);
    assert_eq!(queue(&home(&server, "approver-1"), "hazard.decide_relief"), "", "a penalty leaves nothing");
    let leader = server.sign_in_by_key("leader-1");
    let rows = server.get("/api/v1/projections/relief", Some(&leader)).expect(200);
    let decisions: Vec<&Value> =
        rows["rows"].as_array().unwrap().iter().map(|row| &row["decision"]).collect();
    assert_eq!(decisions, ["moot", "moot"]);
}

#[test]
fn given_an_extension_that_was_asked_for_then_it_waits_with_or_without_a_rule_and_after_its_day_is_late() {
    let server = Server::start();
    let hazard = assigned(&server, "2024-08-30");
    let asked = json!({ "until": "2024-09-30", "because": "设备未到货" });
    server.execute(Some(&hazard), "hazard.request_extension", &asked, &["enterprise-1"]);
    let waits = || queue(&home(&server, "approver-1"), "hazard.extend");
    assert!(waits().contains("when calm"), "no rule says by when it is decided: {}", waits());
    let refuse = json!({ "because": "措施不足" });
    server.execute(Some(&hazard), "hazard.refuse_extension", &refuse, &["approver-1"]);
    assert_eq!(waits(), "");
    let list = json!({ "place": "山东省青岛市", "authority": "市应急局", "because": "进展缓慢" });
    server.execute(Some(&hazard), "hazard.list", &list, &["approver-1"]);
    server.execute(Some(&hazard), "hazard.request_extension", &asked, &["enterprise-1"]);
    assert!(waits().contains("2024-05-23"), "ten working days, one of them a Saturday: {}", waits());
    server.clock.advance_seconds(15 * 24 * 3600);
    assert!(waits().contains("when late"), "{}", waits());
}

#[test]
fn given_a_notice_when_the_hazard_is_not_open_any_more_then_it_waits_for_nobody() {
    let server = Server::start();
    let (hazard, other) = (verified(&server, None), verified(&server, None));
    let serve = json!({ "principal": true, "controller": false });
    server.execute(Some(&hazard), "hazard.serve", &serve, &["handler-1"]);
    assert!(queue(&home(&server, "enterprise-1"), "hazard.acknowledge").contains(&hazard));
    let merge = json!({ "into": other, "because": "同一隐患" });
    server.execute(Some(&hazard), "hazard.merge", &merge, &INSPECTORS);
    assert_eq!(queue(&home(&server, "enterprise-1"), "hazard.acknowledge"), "");
}

/// A major hazard of the first enterprise that is to be mended.
pub(crate) fn major(server: &Server, due: &str) -> String {
    let hazard = verified(server, Some(CRITERION));
    let assign = json!({ "responsible_post": "矿长", "due": due });
    server.execute(Some(&hazard), "hazard.assign", &assign, &["handler-1"]);
    hazard
}

pub(crate) const CRITERION: &str = "NCM88-一(地下矿山)-一";
const FIVE: [&str; 5] = ["responsibility", "measures", "funds", "time_limit", "emergency_plan"];

pub(crate) fn planned(server: &Server, hazard: &str) {
    let plan = json!({ "aim": "消除隐患", "responsibility": "矿长", "measures": "支护", "funds": "二十万元",
        "time_limit": "六月底", "emergency_plan": "停产撤人" });
    server.execute(Some(hazard), "hazard.plan", &plan, &["enterprise-1"]);
}

pub(crate) fn evidenced(server: &Server, hazard: &str) {
    for element in FIVE {
        let shown = json!({ "element": element, "text": "见附件" });
        server.execute(Some(hazard), "hazard.evidence", &shown, &["enterprise-1"]);
    }
}

pub(crate) fn confirmed(server: &Server, hazard: &str) {
    for element in FIVE {
        server.execute(Some(hazard), "hazard.confirm", &json!({ "element": element }), &["inspector-1"]);
    }
}

/// Mended, and reviewed on site.
pub(crate) fn passed(server: &Server, hazard: &str) {
    server.execute(Some(hazard), "hazard.rectify", &json!({ "because": "已整改" }), &["enterprise-1"]);
    let review = json!({ "passed": true, "findings": "合格" });
    server.execute(Some(hazard), "hazard.review", &review, &INSPECTORS);
}

/// A reporter's word: `report.message`, `report.dispute` and the like.
pub(crate) fn reporter_says(server: &Server, report: &str, kind: &str, key: &SigningKey) {
    let word = json!({ "sealed": { "blob": "0".repeat(64), "size": 5, "recipients": ["age1x"] } });
    let word: Box<serde_json::value::RawValue> = serde_json::from_str(&word.to_string()).unwrap();
    let request = Request {
        id: CommandId(Id::random().unwrap()),
        stream: Some(report.parse().unwrap()),
        command: Command::parse(kind, &word).unwrap(),
    };
    server.app.office.execute(&request, &[key]).unwrap();
}

/// A report that was answered, and the key of whoever made it.
pub(crate) fn answered(server: &Server) -> (String, SigningKey) {
    let (report, key) = handled(server);
    server.execute(Some(&report), "report.answer", &json!({ "sealed": null }), &["handler-1"]);
    (report, key)
}

pub(crate) fn handled(server: &Server) -> (String, SigningKey) {
    let (report, key) = server.report();
    server.execute(Some(&report), "report.accept", &json!({}), &["clerk-1"]);
    let verify = json!({ "finding": "substantiated", "matter_key": report, "findings": "属实" });
    server.execute(Some(&report), "report.verify", &verify, &INSPECTORS);
    let handle = json!({ "done": "已处罚", "unit_fine_yuan": "100000" });
    server.execute(Some(&report), "report.handle", &handle, &["handler-1"]);
    (report, key)
}

#[test]
fn given_a_disputed_answer_then_it_is_handled_again_and_not_closed() {
    let server = Server::start();
    let (report, key) = answered(&server);
    assert!(queue(&home(&server, "approver-1"), "report.close").contains(&report));
    reporter_says(&server, &report, "report.dispute", &key);
    let list = home(&server, "approver-1");
    assert_eq!(queue(&list, "report.close"), "", "nothing is closed over a dispute");
    assert!(queue(&list, "report.reopen").contains(&report), "{list}");
    let again = json!({ "because": "有异议" });
    server.execute(Some(&report), "report.reopen", &again, &["approver-1"]);
    assert_eq!(queue(&home(&server, "approver-1"), "report.reopen"), "");
}

#[test]
fn given_a_reporter_who_wrote_then_it_waits_for_an_answer_and_retaliation_stands_on_top() {
    let server = Server::start();
    let (report, key) = server.report();
    let id = report.split('/').nth(1).unwrap().to_owned();
    let waits = |who: &str| {
        let list = home(&server, who);
        let at = format!("/desk/reports/{id}/write?command=report.message");
        list.split("<section class=\"queue\">")
            .skip(1)
            .position(|part| part.contains(&at) || part.contains(&at.replace('=', "&#61;")))
    };
    let word = json!({ "sealed": { "blob": "0".repeat(64), "size": 5, "recipients": ["age1x"] } });
    assert_eq!(waits("clerk-1"), None);
    reporter_says(&server, &report, "report.message", &key);
    assert_eq!((waits("clerk-1"), waits("handler-1")), (Some(1), Some(0)), "after what is to be accepted");
    server.execute(Some(&report), "report.message", &word, &["clerk-1"]);
    assert_eq!((waits("clerk-1"), waits("handler-1")), (None, None));
    reporter_says(&server, &report, "report.allege_retaliation", &key);
    assert_eq!((waits("clerk-1"), waits("handler-1"), waits("approver-1")), (Some(0), Some(0), None));
    server.execute(Some(&report), "report.message", &word, &["handler-1"]);
    assert_eq!(waits("clerk-1"), None);
}

#[test]
fn given_a_major_hazard_then_the_enterprise_is_led_from_the_plan_to_what_was_mended_and_the_approver_waits_for_five()
 {
    let server = Server::start();
    let hazard = major(&server, "2024-06-20");
    let leads = |command: &str| queue(&home(&server, "enterprise-1"), command).contains(&hazard);
    assert!(leads("hazard.plan") && !leads("hazard.evidence"));
    planned(&server, &hazard);
    assert!(leads("hazard.evidence") && !leads("hazard.plan"));
    evidenced(&server, &hazard);
    assert!(leads("hazard.rectify") && !leads("hazard.evidence"));
    passed(&server, &hazard);
    assert_eq!(queue(&home(&server, "approver-1"), "hazard.close"), "", "nobody confirmed the five");
    let confirm = || queue(&home(&server, "inspector-1"), "hazard.confirm");
    assert!(confirm().contains(&hazard), "{}", confirm());
    confirmed(&server, &hazard);
    assert_eq!(confirm(), "");
    assert!(queue(&home(&server, "approver-1"), "hazard.close").contains(&hazard));
}

#[test]
fn given_a_hazard_past_its_day_then_it_stands_once_and_what_was_asked_for_it_is_refused() {
    let server = Server::start();
    let hazard = assigned(&server, "2024-05-20");
    let asked = json!({ "until": "2024-05-30", "because": "设备未到货" });
    server.execute(Some(&hazard), "hazard.request_extension", &asked, &["enterprise-1"]);
    assert!(queue(&home(&server, "approver-1"), "hazard.extend").contains(&hazard));
    server.clock.advance_seconds(11 * 24 * 3600);
    let list = home(&server, "approver-1");
    assert_eq!(queue(&list, "hazard.extend"), "", "the day has passed");
    assert!(queue(&list, "hazard.refuse_extension").contains(&hazard), "{list}");
    let mending = home(&server, "enterprise-1");
    assert_eq!(mending.matches(&format!("/desk/do/hazard.rectify?stream={hazard}")).count(), 1, "{mending}");
}

#[test]
fn given_rows_in_the_order_of_what_is_due_then_the_day_that_counts_is_shown_and_it_alone_is_coloured() {
    let server = Server::start();
    let (mended, open) = (assigned(&server, "2024-05-11"), assigned(&server, "2024-05-12"));
    let rectify = json!({ "because": "风机已更换" });
    server.execute(Some(&mended), "hazard.rectify", &rectify, &["enterprise-1"]);
    let token = server.sign_in_by_key("inspector-1");
    let table = page(&server, &token, "/desk/tables/register?status=rectified&order=due").text;
    let head = |name: &str| format!("<th scope=\"col\">{name}</th>");
    assert!(table.contains(&head("复核期限")) && table.contains(&head("剩余天数")), "{table}");
    let cell = |table: &str, day: &str| -> String {
        let before = table.split(day).next().unwrap_or_default();
        before.rsplit("<td").next().unwrap_or_default().to_owned()
    };
    assert!(!cell(&table, "2024-05-11").contains("soon"), "the day to mend it is over and done: {table}");
    assert_eq!(table.matches("class=\"late\"").count(), 0, "{table}");
    let table = page(&server, &token, "/desk/tables/register?status=assigned&order=due").text;
    assert!(table.contains(&open) && cell(&table, "2024-05-12").contains("soon"), "{table}");
    let asked = json!({ "until": "2024-05-30", "because": "设备未到货" });
    server.execute(Some(&open), "hazard.request_extension", &asked, &["enterprise-1"]);
    let leader = server.sign_in_by_key("leader-1");
    let table = page(&server, &leader, "/desk/tables/supervision?extension=waiting&order=due").text;
    assert!(table.contains(&head("延期决定期限")), "{table}");
}

#[test]
fn given_whoever_sees_no_hazards_then_no_page_offers_to_look_for_one() {
    let server = Server::start();
    for (who, finds) in
        [("handler-1", true), ("enterprise-1", true), ("finance-1", false), ("admin-1", false)]
    {
        let token = server.sign_in_by_key(who);
        assert_eq!(page(&server, &token, "/desk").text.contains("role=\"search\""), finds, "{who}");
        let status = if finds { 200 } else { 403 };
        assert_eq!(page(&server, &token, "/desk/tables/register?contains=x").status, status, "{who}");
    }
}
