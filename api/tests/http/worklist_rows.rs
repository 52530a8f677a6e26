//! Every row of every worklist leads to a command that its reader can sign: asked of the very forms, over a ledger in which
//! everything waits.
#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::collections::BTreeSet;

use adit_api::timekeeper::Timekeeper;
use adit_core::command::{Command, Request};
use adit_core::id::{CommandId, Id, StreamId};
use adit_core::inspection::commitment;
use adit_core::units::Position;
use serde_json::{Value, json};

use crate::common::Server;
use crate::desk::page;
use crate::worklist::{
    CRITERION, INSPECTORS, answered, assigned, confirmed, evidenced, handled, major, passed, planned,
    reporter_says, verified,
};

/// Gives a command that may be refused.
fn tries(server: &Server, stream: &str, kind: &str, data: &Value, who: &str) {
    let data: Box<serde_json::value::RawValue> = serde_json::from_str(&data.to_string()).unwrap();
    let command = Command::parse(kind, &data).unwrap();
    let id = CommandId(Id::random().unwrap());
    let request = Request { id, stream: Some(stream.parse().unwrap()), command };
    let _ = server.app.office.execute(&request, &[&server.person(who).key]);
}

/// Hazards at every point of their life, and beside it.
fn hazards(server: &Server) {
    let approver = |hazard: &str, kind: &str, data: &Value| {
        server.execute(Some(hazard), kind, data, &["approver-1"]);
    };
    let why = json!({ "because": "理由" });
    server.hazard(0);
    server.hazard(1);
    verified(server, Some(CRITERION));
    verified(server, None);
    major(server, "2024-06-20");
    planned(server, &major(server, "2024-06-20"));
    let partly = major(server, "2024-06-21");
    for kind in ["hazard.commit", "hazard.evidence"] {
        let said = json!({ "element": "funds", "text": "二十万元" });
        server.execute(Some(&partly), kind, &said, &["enterprise-1"]);
    }
    let shown = |due: &str| {
        let hazard = major(server, due);
        planned(server, &hazard);
        evidenced(server, &hazard);
        hazard
    };
    shown("2024-06-22");
    passed(server, &shown("2024-06-22"));
    let reviewed = shown("2024-06-22");
    confirmed(server, &reviewed);
    passed(server, &reviewed);
    let mended = assigned(server, "2024-06-23");
    server.execute(Some(&mended), "hazard.rectify", &why, &["enterprise-1"]);
    let asked = assigned(server, "2024-05-28");
    let extend = json!({ "until": "2024-06-10", "because": "设备未到货" });
    server.execute(Some(&asked), "hazard.request_extension", &extend, &["enterprise-1"]);
    let closed = assigned(server, "2024-05-30");
    let list = json!({ "place": "山东省青岛市", "authority": "市应急局", "because": "难度大" });
    approver(&closed, "hazard.list", &list);
    approver(&closed, "hazard.suspend_production", &why);
    passed(server, &closed);
    approver(&closed, "hazard.close", &json!({}));
    let delisted = assigned(server, "2024-05-30");
    approver(&delisted, "hazard.list", &list);
    approver(&delisted, "hazard.delist", &why);
    // Whatever the rule says, relief is refused by one of these.
    let person = json!({ "person": { "relieved": false, "because": "理由" } });
    for decision in [person, json!({ "otherwise": "理由" }), json!({})] {
        let hazard = assigned(server, "2024-05-30");
        tries(server, &hazard, "hazard.decide_relief", &decision, "approver-1");
    }
    let fined = verified(server, Some(CRITERION));
    let penalty = json!({ "decision": "应急罚〔2024〕1号", "decided_on": "2024-05-10", "unit_fine_yuan": "30000.00",
        "article": "安全生产法第一百零二条" });
    approver(&fined, "hazard.penalise", &penalty);
    let told = verified(server, Some(CRITERION));
    let serve = json!({ "principal": true, "controller": true });
    server.execute(Some(&told), "hazard.serve", &serve, &["handler-1"]);
}

/// Reports, rewards and inquiries at every point of theirs.
fn cases(server: &Server) {
    server.report();
    let (accepted, key) = server.report();
    server.execute(Some(&accepted), "report.accept", &json!({}), &["clerk-1"]);
    reporter_says(server, &accepted, "report.add_evidence", &key);
    let (alleged, key) = handled(server);
    reporter_says(server, &alleged, "report.allege_retaliation", &key);
    let (disputed, key) = answered(server);
    reporter_says(server, &disputed, "report.dispute", &key);
    let (checked, _) = server.report();
    server.execute(Some(&checked), "report.accept", &json!({}), &["clerk-1"]);
    let verify = json!({ "finding": "partly", "matter_key": checked, "findings": "部分属实" });
    server.execute(Some(&checked), "report.verify", &verify, &INSPECTORS);
    for steps in 0..3 {
        let (report, _) = answered(server);
        let assess = json!({ "report": report, "place": "national", "sector": "industry" });
        let reward = server.execute(None, "reward.assess", &assess, &["handler-1"]);
        for (kind, who) in
            [("reward.approve", "approver-2"), ("reward.notify", "handler-1")].iter().take(steps)
        {
            server.execute(Some(&reward), kind, &json!({}), &[*who]);
        }
    }
    for (found, proposed) in [(false, false), (true, true), (true, false)] {
        let hazard = verified(server, Some(CRITERION));
        let open = json!({ "hazards": [hazard], "because": "避重就轻" });
        let inquiry = server.execute(None, "inquiry.open", &open, &["investigator-1"]);
        if found {
            let finding = json!({ "finding": "未查出", "proof": [0] });
            server.execute(Some(&inquiry), "inquiry.record_finding", &finding, &["investigator-1"]);
        }
        if proposed {
            let propose = json!({ "post": "矿长", "responsibility": "direct", "measure": "警告",
                "article": "第36项", "because": "未查出" });
            server.execute(Some(&inquiry), "inquiry.propose_responsibility", &propose, &["investigator-1"]);
        }
    }
    sealed(server);
}

fn sealed(server: &Server) {
    let today = server.app.office.ledger().now().day();
    let seal = json!({ "commitment": commitment("salt", None, "-", today) });
    let stream = StreamId::new(adit_core::id::StreamKind::Inspection, Id::random().unwrap()).to_string();
    server.execute(Some(&stream), "inspection.seal", &seal, &INSPECTORS);
}

/// Where the buttons of a worklist lead.
fn buttons(list: &str) -> Vec<String> {
    let at = list.split("class=\"button small\" href=\"").skip(1);
    let plain = |href: &str| href.replace("&amp;", "&").replace("&#38;", "&").replace("&#61;", "=");
    at.filter_map(|rest| rest.split('"').next()).map(plain).collect()
}

/// Presses every button of everybody; gives back the commands to which they led.
fn pressed(server: &Server) -> BTreeSet<String> {
    let (mut seen, mut refused) = (BTreeSet::new(), Vec::new());
    for who in [
        "clerk-1",
        "inspector-1",
        "handler-1",
        "approver-1",
        "finance-1",
        "investigator-1",
        "enterprise-1",
        "enterprise-2",
    ] {
        let token = server.sign_in(who);
        let list = page(server, &token, "/desk").text;
        for href in buttons(&list) {
            let form = page(server, &token, &href);
            assert_eq!(form.status, 200, "{who} {href}: {}", form.text);
            let signs = href == "/desk/plans" || form.text.contains("<button>签署：");
            if !signs {
                let why =
                    form.text.split("role=\"alert\">").nth(1).and_then(|rest| rest.split("</p>").next());
                refused.push(format!("{who} {href}: {}", why.unwrap_or_default()));
            }
            let named = href.split(['?', '&']).find_map(|part| part.strip_prefix("command="));
            let path = href.split('?').next().unwrap_or_default().trim_start_matches("/desk/do/");
            seen.insert(named.unwrap_or(path).to_owned());
        }
    }
    assert!(refused.is_empty(), "rows that lead to nothing: {refused:#?}");
    seen
}

fn caught_up(server: &Server) {
    let last = Position(server.size() - 1);
    assert!(server.runtime().block_on(server.app.projector.wait_for(last)));
}

#[test]
fn given_a_ledger_in_which_everything_waits_then_every_row_of_every_worklist_leads_to_what_its_reader_can_sign()
 {
    let server = Server::start();
    hazards(&server);
    cases(&server);
    caught_up(&server);
    let mut seen = pressed(&server);
    server.clock.advance_seconds(20 * 24 * 3600);
    caught_up(&server);
    Timekeeper::default().tick(&server.app);
    caught_up(&server);
    seen.extend(pressed(&server));
    server.clock.advance_seconds(100 * 24 * 3600);
    caught_up(&server);
    Timekeeper::default().tick(&server.app);
    caught_up(&server);
    seen.extend(pressed(&server));
    for command in [
        "/desk/plans",
        "hazard.acknowledge",
        "hazard.assign",
        "hazard.close",
        "hazard.commit",
        "hazard.confirm",
        "hazard.decide_relief",
        "hazard.delist",
        "hazard.escalate",
        "hazard.evidence",
        "hazard.extend",
        "hazard.penalise",
        "hazard.plan",
        "hazard.publish",
        "hazard.rectify",
        "hazard.refuse_extension",
        "hazard.resume_production",
        "hazard.review",
        "hazard.serve",
        "hazard.verify",
        "inquiry.conclude",
        "inquiry.open",
        "inquiry.record_finding",
        "report.accept",
        "report.answer",
        "report.close",
        "report.handle",
        "report.message",
        "report.reopen",
        "report.verify",
        "reward.approve",
        "reward.assess",
        "reward.forfeit",
        "reward.notify",
    ] {
        assert!(seen.contains(command), "nothing led to {command}: {seen:?}");
    }
}
