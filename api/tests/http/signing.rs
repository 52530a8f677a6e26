//! What a form offers is enough to give its command: a button, and where another officer signs those of them who can.
#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]

use serde_json::json;

use crate::common::{PASSWORD, Reply, Server};
use crate::desk::{fields_of, link, page, send};

const TODAY: &str = "2024-05-10";
const INSPECTORS: [&str; 2] = ["inspector-1", "inspector-2"];

/// Whether the page has a button that signs.
fn can_sign(form: &Reply) -> bool {
    form.status == 200 && form.text.contains("<button>签署")
}

/// Officers who are offered to sign, too.
fn offered(form: &Reply) -> Vec<String> {
    let select = form.text.split("<select id=\"second\"").nth(1).unwrap_or_default();
    let options = select.split("</select>").next().unwrap_or_default().split("<option value=\"").skip(1);
    let actors = options.filter_map(|option| option.split('"').next());
    actors.filter(|actor| !actor.is_empty()).map(str::to_owned).collect()
}

/// Fills in what is typed, names the only other officer who is offered, and signs.
fn give(server: &Server, token: &str, path: &str, typed: &[(&str, &str)]) -> Reply {
    let form = page(server, token, path);
    assert!(can_sign(&form), "no button on {path}: {}", form.text);
    let mut fields = fields_of(&form.text);
    let typed_by_hand = |name: &str| typed.iter().any(|(one, _)| *one == name);
    fields.retain(|(name, value)| {
        !value.is_empty() && !typed_by_hand(name) && !["_password", "files"].contains(&name.as_str())
    });
    let select = form.text.contains("id=\"second\" name=\"_second\" required");
    if let Some(second) = offered(&form).first().filter(|_| select || typed_by_hand("_password")) {
        fields.push(("_second".to_owned(), second.clone()));
        fields.push(("_password".to_owned(), PASSWORD.to_owned()));
    }
    let typed = typed.iter().filter(|(name, _)| *name != "_password");
    fields.extend(typed.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    send(server, Some(token), path.split('?').next().unwrap(), &fields)
}

#[track_caller]
fn given(reply: &Reply) {
    assert_eq!(reply.status, 303, "{}", reply.text);
}

fn performed(server: &Server, who: &[&str]) -> String {
    let perform = json!({ "enterprise": server.enterprises[0], "day": TODAY, "checked": "井下通风" });
    server.execute(None, "inspection.perform", &perform, who)
}

#[test]
fn given_three_inspectors_of_whom_two_were_there_then_each_of_them_signs_with_the_other_alone() {
    let mut server = Server::start();
    server.enrol_reader("inspector-3", "inspector");
    let visit = performed(&server, &["inspector-2", "inspector-3"]);
    let (second, third) = (server.sign_in("inspector-2"), server.sign_in("inspector-3"));
    let at = |kind: &str| format!("/desk/do/inspection.{kind}?stream={visit}");
    for (token, other) in [(&second, "inspector-3"), (&third, "inspector-2")] {
        for kind in ["record_finding", "nothing_found", "enforce"] {
            let form = page(&server, token, &at(kind));
            assert!(can_sign(&form), "{kind}: {}", form.text);
            assert_eq!(offered(&form), [server.actor(other)], "{kind}");
        }
    }
    let first = server.sign_in("inspector-1");
    assert!(!can_sign(&page(&server, &first, &at("enforce"))), "they were not there");
    let typed = [("place", "主井"), ("description", "风量不足"), ("found_on", TODAY)];
    given(&give(&server, &third, &at("record_finding"), &typed));
}

#[test]
fn given_no_enterprise_yet_then_an_inspection_is_recorded_from_the_worklist() {
    let server = Server::start();
    let (first, _) = (server.sign_in("inspector-1"), server.sign_in("inspector-2"));
    let at = link(&page(&server, &first, "/desk").text, "/desk/do/inspection.perform");
    let typed = [("enterprise", "示例一矿"), ("checked", "井下通风")];
    given(&give(&server, &first, &at, &typed));
}

#[test]
fn given_an_officer_whom_the_reporter_excludes_then_they_are_not_offered_and_the_others_sign() {
    let mut server = Server::start();
    server.enrol_reader("inspector-3", "inspector");
    let excluded = [server.actor("inspector-1")];
    let report = json!({ "matter": "major_hazard", "channel": "telephone", "excluded": excluded });
    let report = server.execute(None, "report.report", &report, &["clerk-1"]);
    server.execute(Some(&report), "report.accept", &json!({}), &["clerk-1"]);
    let (second, _) = (server.sign_in("inspector-2"), server.sign_in("inspector-3"));
    let at = format!("/desk/do/report.verify?stream={report}");
    assert_eq!(offered(&page(&server, &second, &at)), [server.actor("inspector-3")]);
    let typed = [("finding", "substantiated"), ("matter_key", "一号井"), ("findings", "属实")];
    given(&give(&server, &second, &at, &typed));
}

#[test]
fn given_an_account_then_two_administrators_grant_and_renew_with_what_the_page_offers() {
    let server = Server::start();
    let (one, _) = (server.sign_in("admin-1"), server.sign_in("admin-2"));
    let at = |kind: &str, who: &str| format!("/desk/do/actor.{kind}?stream=actor/{}", server.actor(who));
    assert_eq!(offered(&page(&server, &one, &at("grant", "handler-1"))), [server.actor("admin-2")]);
    given(&give(&server, &one, &at("grant", "handler-1"), &[("role", "approver")]));
    assert!(can_sign(&page(&server, &one, &at("rotate_key", "handler-1"))));
    assert!(!can_sign(&page(&server, &one, &at("grant", "admin-1"))), "nobody grants themselves anything");
    given(&give(&server, &one, &at("revoke", "handler-1"), &[("role", "approver")]));
}

#[test]
fn given_a_name_of_an_enterprise_then_its_safety_manager_is_invited() {
    let server = Server::start();
    let admin = server.sign_in("admin-1");
    let invite = |account: &str, enterprise: &str| {
        let typed =
            [("what", "invite"), ("account", account), ("title", "安全管理员"), ("role", "enterprise")];
        send(&server, Some(&admin), "/desk/accounts", &[&typed[..], &[("enterprise", enterprise)]].concat())
    };
    assert_eq!(invite("safety.one", "示例一矿").status, 200);
    let unknown = invite("safety.two", "无此企业");
    assert!(unknown.status == 422 && unknown.text.contains("safety.two"), "{}", unknown.text);
    assert_eq!(invite("safety.two", "示例").status, 422, "two may be meant");
    assert_eq!(invite("safety.two", &server.enterprises[1].to_string()).status, 200);
}

#[test]
fn given_a_penalty_that_is_not_public_then_the_handler_chooses_it_and_publishes() {
    let server = Server::start();
    let visit = performed(&server, &INSPECTORS);
    let finding = json!({ "place": "主井", "description": "风量不足", "found_on": TODAY });
    server.execute(Some(&visit), "inspection.record_finding", &finding, &INSPECTORS);
    let leader = server.sign_in_by_key("leader-1");
    let rows = server.get("/api/v1/projections/register", Some(&leader)).expect(200);
    let hazard = rows["rows"][0]["hazard"].as_str().unwrap().to_owned();
    server.execute(Some(&hazard), "hazard.verify", &json!({ "because": "现场" }), &INSPECTORS);
    let penalty = json!({ "decision": "应急罚〔2024〕1号", "decided_on": TODAY, "unit_fine_yuan": "30000.00",
        "article": "安全生产法第一百零二条" });
    server.execute(Some(&hazard), "hazard.penalise", &penalty, &["approver-1"]);
    let approver = server.sign_in("approver-1");
    let again = format!("/desk/do/hazard.penalise?stream={hazard}");
    assert!(can_sign(&page(&server, &approver, &again)), "a second decision may follow");
    let handler = server.sign_in("handler-1");
    let at = format!("/desk/do/hazard.publish?stream={hazard}");
    let form = page(&server, &handler, &at);
    assert!(form.text.contains("value=\"应急罚〔2024〕1号\""), "{}", form.text);
    let typed = [("what", "penalty"), ("decision", "应急罚〔2024〕1号"), ("where", "县政府网站")];
    given(&give(&server, &handler, &at, &typed));
    assert!(!can_sign(&page(&server, &handler, &at)), "nothing is left to publish");
}

/// A report that was found true and handled, without a fine.
fn handled(server: &Server) -> String {
    let report = json!({ "matter": "major_hazard", "channel": "telephone" });
    let report = server.execute(None, "report.report", &report, &["clerk-1"]);
    let found = json!({ "finding": "substantiated", "matter_key": report, "findings": "属实" });
    let done = json!({ "done": "已处理", "unit_fine_yuan": "0.00" });
    server.execute(Some(&report), "report.accept", &json!({}), &["clerk-1"]);
    server.execute(Some(&report), "report.verify", &found, &INSPECTORS);
    server.execute(Some(&report), "report.handle", &done, &["handler-1"]);
    report
}

#[test]
fn given_no_rule_for_an_amount_then_the_handler_proposes_one_and_reassesses_it() {
    let server = Server::start();
    let report = handled(&server);
    let handler = server.sign_in("handler-1");
    let at =
        link(&page(&server, &handler, &format!("/desk/streams/{report}")).text, "/desk/do/reward.assess");
    let typed =
        [("sector", "mine"), ("otherwise.amount_yuan", "3000"), ("otherwise.because", "未罚款，参照执行")];
    let assessed = give(&server, &handler, &at, &typed);
    given(&assessed);
    let reward = assessed.headers["location"].split('?').next().unwrap().replace("/desk/streams/", "");
    let more = [("sector", "mine"), ("otherwise.amount_yuan", "5000"), ("otherwise.because", "复核")];
    given(&give(&server, &handler, &format!("/desk/do/reward.reassess?stream={reward}"), &more));
}

#[test]
fn given_nothing_to_reward_then_an_approver_is_offered_to_sign_the_denial() {
    let server = Server::start();
    let report = handled(&server);
    let (handler, _) = (server.sign_in("handler-1"), server.sign_in("approver-1"));
    let at = format!("/desk/do/reward.assess?report={report}");
    let approvers = offered(&page(&server, &handler, &at));
    assert_eq!(approvers, ["approver-1", "approver-2"].map(|who| server.actor(who)));
    let typed = [
        ("sector", "mine"),
        ("otherwise.amount_yuan", "0"),
        ("otherwise.because", "不予奖励"),
        ("_password", PASSWORD),
    ];
    given(&give(&server, &handler, &at, &typed));
}

#[test]
fn given_the_rule_packs_then_an_approver_sets_the_budget_of_the_year_there() {
    let server = Server::start();
    let approver = server.sign_in("approver-1");
    let at = link(&page(&server, &approver, "/desk/rulebook").text, "/desk/do/rules.set_reward_budget");
    given(&give(&server, &approver, &at, &[("amount_yuan", "200000"), ("decision", "局办公会纪要")]));
    let shown = page(&server, &approver, "/desk/rulebook").text;
    assert!(shown.contains("2024 年：200000.00 元"), "{shown}");
}

#[test]
fn given_an_inquiry_without_proposals_then_it_is_concluded_that_nobody_is_responsible() {
    let server = Server::start();
    let hazard = server.hazard(0);
    server.execute(Some(&hazard), "hazard.verify", &json!({ "because": "现场" }), &INSPECTORS);
    let open = json!({ "hazards": [hazard], "because": "倒查" });
    let inquiry = server.execute(None, "inquiry.open", &open, &["investigator-1"]);
    let found = json!({ "finding": "各方均已履职", "proof": [1] });
    server.execute(Some(&inquiry), "inquiry.record_finding", &found, &["investigator-1"]);
    let approver = server.sign_in("approver-1");
    let typed = [("nobody_responsible", "true"), ("conclusion", "各方均已履职")];
    given(&give(&server, &approver, &format!("/desk/do/inquiry.conclude?stream={inquiry}"), &typed));
}

#[test]
fn given_an_enterprise_then_its_own_page_offers_its_self_inspection() {
    let server = Server::start();
    let manager = server.sign_in("enterprise-1");
    let own = page(&server, &manager, &format!("/desk/streams/{}", server.enterprises[0])).text;
    let at = link(&own, "/desk/do/enterprise.log_self_inspection");
    given(&give(&server, &manager, &at, &[("led_by_principal", "true")]));
}

#[test]
fn given_a_page_then_nothing_is_offered_to_begin_that_a_rule_refuses_to_whoever_reads_it() {
    let server = Server::start();
    let enterprise = format!("/desk/streams/{}", server.enterprises[0]);
    let report = handled(&server);
    let offers = |who: &str, path: &str, command: &str| {
        page(&server, &server.sign_in_by_key(who), path).text.contains(&format!("/desk/do/{command}?"))
    };
    assert!(offers("inspector-1", &enterprise, "inspection.perform"));
    assert!(!offers("approver-1", &enterprise, "hazard.report"));
    let case = format!("/desk/streams/{report}");
    assert!(offers("handler-1", &case, "reward.assess"));
    assert!(!offers("approver-1", &case, "reward.assess"), "a handler assesses");
    let home = |who: &str| page(&server, &server.sign_in_by_key(who), "/desk").text;
    let begins = [
        ("clerk-1", &["hazard.report", "enterprise.register"][..]),
        ("inspector-1", &["hazard.report", "inspection.perform", "enterprise.register"]),
        ("handler-1", &[]),
        ("approver-1", &[]),
        ("investigator-1", &["inquiry.open"]),
        ("enterprise-1", &["hazard.report"]),
    ];
    for (who, offered) in begins {
        let home = home(who);
        for command in ["hazard.report", "inspection.perform", "enterprise.register", "inquiry.open"] {
            let is_there = home.contains(&format!("href=\"/desk/do/{command}\""));
            assert_eq!(is_there, offered.contains(&command), "{who}: {command}");
        }
    }
}
