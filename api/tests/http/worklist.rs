//! The worklist: what waits is what can be done, what is due first comes first, and what was done waits no more.
#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]

use serde_json::{Value, json};

use crate::common::Server;
use crate::desk::page;

/// Day of the server's clock.
const TODAY: &str = "2024-05-10";
const INSPECTORS: [&str; 2] = ["inspector-1", "inspector-2"];

fn verified(server: &Server, criterion: Option<&str>) -> String {
    let hazard = server.hazard(0);
    let verify = json!({ "because": "符合条款", "criterion": criterion });
    server.execute(Some(&hazard), "hazard.verify", &verify, &INSPECTORS);
    hazard
}

fn assigned(server: &Server, due: &str) -> String {
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
    let mend = queue(&home(&server, "enterprise-1"), "hazard.evidence");
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
