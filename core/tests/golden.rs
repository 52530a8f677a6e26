//! The whole table state × command of every stream. A changed rule shows up as a changed cell.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

mod common;
#[path = "golden/concern.rs"]
mod concern;

use std::fmt::Write as _;

use adit_core::access::AccessDecider;
use adit_core::actor::{self, ActorDecider};
use adit_core::decider::{Decider, Moment, Recorded, Rejection, StreamEvent};
use adit_core::enterprise::{self, EnterpriseDecider};
use adit_core::hazard::{self, HazardDecider};
use adit_core::id::{ActorId, Id, StreamId, StreamKind};
use adit_core::inquiry::InquiryDecider;
use adit_core::inspection::{self, InspectionDecider};
use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::opening::{self, LedgerDecider};
use adit_core::report::{self, ReportDecider};
use adit_core::reward::{self, RewardDecider};
use adit_core::role::{Party, Role};
use adit_core::rulebook::RulesDecider;
use adit_core::rules::five_in_place::Element;
use adit_core::rules::{PACKS, Rules, order, order::Standing};
use adit_core::units::{Position, Revision};
use common::{day, text};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn actor(n: u8) -> ActorId {
    ActorId(Id([n; 16]))
}

fn officer(n: u8, role: Role) -> Party {
    Party::Actor { actor: actor(n), roles: vec![role] }
}

fn stream(kind: StreamKind, n: u8) -> StreamId {
    StreamId::new(kind, Id([n; 16]))
}

/// Everybody whose signature a command could ask for; the separation of duties has tests of its own.
fn everybody(key: &SigningKey) -> Vec<Party> {
    let roles = [
        Role::Clerk,
        Role::Inspector,
        Role::Inspector,
        Role::Handler,
        Role::Enterprise,
        Role::Finance,
        Role::Investigator,
        Role::Admin,
        Role::Admin,
    ];
    let officers = (1_u8..).zip(roles).map(|(n, role)| officer(n, role));
    officers.chain([officer(20, Role::Approver), Party::Reporter { key: key.vkey().to_string() }]).collect()
}

fn key() -> SigningKey {
    let name = format!("test.example/ledger/{}", stream(StreamKind::Report, 3));
    SigningKey::from_seed(&name, &[3; 32]).expect("key")
}

/// Another key of the same report.
fn another(seed: u8) -> SigningKey {
    SigningKey::from_seed(key().name(), &[seed; 32]).expect("key")
}

fn signing(keys: &[SigningKey]) -> Vec<Party> {
    keys.iter().map(|key| Party::Reporter { key: key.vkey().to_string() }).collect()
}

fn rules() -> Rules {
    let adopted: Vec<_> = PACKS.iter().map(|pack| (pack.id.to_owned(), pack.hash())).collect();
    Rules::with_adopted(&adopted).expect("packs")
}

struct Table<D: Decider> {
    facts: D::Facts,
    /// Commands by name, in the order of the table.
    commands: Vec<(String, D::Command)>,
    /// What the log alone signs.
    by_log: Vec<&'static str>,
    /// Who did the steps before: nobody of those who sign the table's commands, unless the stream asks for the same.
    done_by: Vec<ActorId>,
}

impl<D: Decider> Table<D>
where
    D::Command: DeserializeOwned,
{
    fn new(facts: D::Facts, commands: &[(&str, Value)], by_log: &[&'static str]) -> Self {
        let read = |(kind, data): &(&str, Value)| {
            let (tag, _) = kind.split_once(' ').unwrap_or((kind, ""));
            let command = serde_json::from_value(json!({ "type": tag, "data": data }));
            ((*kind).to_owned(), command.unwrap_or_else(|error| panic!("{kind}: {error}")))
        };
        Self {
            facts,
            commands: commands.iter().map(read).collect(),
            by_log: by_log.to_vec(),
            done_by: vec![actor(99)],
        }
    }

    fn decide(&self, state: &D::State, name: &str) -> Result<Vec<D::Event>, &'static str> {
        let (_, command) =
            self.commands.iter().find(|(kind, _)| kind == name).expect("a command of the table");
        let rules = rules();
        let by = match name {
            log if self.by_log.contains(&log) => vec![Party::Log],
            one if one.starts_with("report.pick_up") => {
                vec![Party::Log, Party::Reporter { key: key().vkey().to_string() }]
            }
            "report.invite" => signing(&[key(), another(9)]),
            one if one.starts_with("report.join with_a_code") => signing(&[another(9), another(8)]),
            one if one.ends_with("by_one_clerk") => vec![officer(1, Role::Clerk)],
            one if one.ends_with("by_one_enterprise") => vec![officer(5, Role::Enterprise)],
            _ => everybody(&key()),
        };
        let now = day("2024-05-10").start().plus_seconds(3600);
        let late = if name.ends_with("late") { now.plus_seconds(400 * 86_400) } else { now };
        D::decide(state, command, &self.facts, &Moment { now: late, rules: &rules, by: &by })
            .map_err(|refusal| refusal.code())
    }

    fn after(&self, path: &[&str]) -> D::State {
        let mut state = D::State::default();
        for (n, name) in (0..).zip(path) {
            for event in
                self.decide(&state, name).unwrap_or_else(|code| panic!("{name} after {path:?}: {code}"))
            {
                let recorded = Recorded {
                    position: Position(n),
                    stream: stream(StreamKind::Hazard, 9),
                    revision: Revision(n),
                    at: day("2024-05-10").start(),
                    by: self.done_by.clone(),
                };
                state = D::evolve(state, &event, &recorded);
            }
        }
        state
    }

    /// Where the public table of order says that the stream may stand after these steps.
    fn standing(&self, path: &[&str]) -> Standing {
        let mut standing = Standing::default();
        for n in 0..path.len() {
            let events = self.decide(&self.after(&path[..n]), path[n]).expect("a step of the path");
            standing = in_order(standing, &events);
        }
        standing
    }

    fn print(&self, states: &[(&str, &[&str])]) -> String {
        let mut out = String::new();
        for (name, path) in states {
            let state = self.after(path);
            let standing = self.standing(path);
            for (command, _) in &self.commands {
                let cell = match self.decide(&state, command) {
                    Ok(events) => {
                        in_order(standing, &events);
                        format!("-> {}", events.iter().map(StreamEvent::kind).collect::<Vec<_>>().join(", "))
                    }
                    Err(code) => format!("refused: {code}"),
                };
                writeln!(out, "{name:<12} | {command:<34} | {cell}").expect("written");
            }
        }
        out
    }
}

/// What a decider allows is in the order of `core/rules/order.toml`, with no line that is not foreseen there.
fn in_order<E: StreamEvent>(before: Standing, events: &[E]) -> Standing {
    events.iter().fold(before, |standing, event| {
        let (kind, lines) = (event.public_kind(), event.lines());
        let stream = StreamKind::ALL.into_iter().find(|one| kind.split('.').next() == Some(one.name()));
        let order =
            order::of(stream.expect("a stream"), kind).unwrap_or_else(|| panic!("{kind} has no order"));
        assert_eq!(order.foreign_line(&lines), None, "{kind}");
        order.step(standing, &lines).unwrap_or_else(|| panic!("{kind} is out of order after {standing:?}"))
    })
}

/// A plan of rectification in its six parts.
fn plan() -> Value {
    json!({ "aim": "消除隐患", "responsibility": "矿长", "measures": "支护", "funds": "二十万元",
        "time_limit": "六月底", "emergency_plan": "停产撤人" })
}

#[test]
fn hazard() {
    let enterprise = stream(StreamKind::Enterprise, 1);
    let facts = hazard::Facts {
        acts_for: Some(enterprise),
        enterprise_stands: true,
        other: Some(hazard::Other { enterprise, open: true }),
        ..Default::default()
    };
    let because = json!({ "because": "理由" });
    let mut commands = vec![
        (
            "hazard.report",
            json!({ "enterprise": enterprise, "origin": "self_inspection", "place": "三号巷道",
            "description": "未支护", "found_on": "2024-05-09" }),
        ),
        ("hazard.verify", json!({ "criterion": "NCM88-一(地下矿山)-十九", "because": "现场" })),
        ("hazard.dismiss", because.clone()),
        ("hazard.serve", json!({ "principal": true, "controller": true })),
        ("hazard.acknowledge", json!({})),
        ("hazard.assign", json!({ "responsible_post": "矿长", "due": "2024-06-30" })),
    ];
    for element in Element::ALL {
        let names = [("hazard.commit", "text"), ("hazard.evidence", "text"), ("hazard.confirm", "")];
        for (kind, field) in names {
            let name: &'static str = Box::leak(format!("{kind} {}", element.name()).into_boxed_str());
            let data = if field.is_empty() {
                json!({ "element": element })
            } else {
                json!({ "element": element, "text": "说明" })
            };
            commands.push((name, data));
        }
    }
    commands.extend([
        ("hazard.rectify", because.clone()),
        ("hazard.review", json!({ "passed": true, "findings": "通过" })),
        ("hazard.review failed", json!({ "passed": false, "findings": "不通过" })),
        ("hazard.close", json!({})),
        ("hazard.reopen", because.clone()),
        ("hazard.extend", json!({ "until": "2024-07-31", "because": "理由" })),
        ("hazard.request_extension", json!({ "until": "2024-07-31", "because": "理由" })),
        ("hazard.refuse_extension", because.clone()),
        ("hazard.suspend_production", because.clone()),
        ("hazard.resume_production", because.clone()),
        ("hazard.list", json!({ "authority": "市安委办", "because": "理由" })),
        ("hazard.delist", because.clone()),
        ("hazard.escalate", json!({ "step": "letter", "because": "理由" })),
        ("hazard.penalise", json!({ "decision": "决定", "decided_on": "2024-05-10", "unit_fine_yuan": "40000", "article": "102" })),
        ("hazard.plan", plan()),
        ("hazard.publish", json!({ "what": "penalty", "decision": "决定", "where": "县政府网站" })),
        ("hazard.decide_relief", json!({})),
        ("hazard.merge", json!({ "into": stream(StreamKind::Hazard, 7), "because": "同一隐患" })),
        ("hazard.record_overdue", json!({ "clock": "rectify" })),
        ("hazard.record_overdue late", json!({ "clock": "rectify" })),
    ]);
    let by_log = &["hazard.record_overdue", "hazard.record_overdue late"];
    let table = Table::<HazardDecider>::new(facts, &commands, by_log);
    let all_five: Vec<String> = ["commit", "evidence"]
        .iter()
        .flat_map(|what| Element::ALL.iter().map(move |element| format!("hazard.{what} {}", element.name())))
        .collect();
    let confirm: Vec<String> =
        Element::ALL.iter().map(|element| format!("hazard.confirm {}", element.name())).collect();
    let begin = ["hazard.report", "hazard.verify", "hazard.assign"];
    let evidenced: Vec<&str> = begin.iter().copied().chain(all_five.iter().map(String::as_str)).collect();
    let rectified = [evidenced.clone(), vec!["hazard.rectify"]].concat();
    let passed = [rectified.clone(), vec!["hazard.review"]].concat();
    let closed: Vec<&str> =
        passed.iter().copied().chain(confirm.iter().map(String::as_str)).chain(["hazard.close"]).collect();
    let reopened = [closed.clone(), vec!["hazard.reopen"]].concat();
    let states: [(&str, &[&str]); 12] = [
        ("absent", &[]),
        ("reported", &begin[..1]),
        ("dismissed", &["hazard.report", "hazard.dismiss"]),
        ("verified", &begin[..2]),
        ("penalised", &[begin[0], begin[1], "hazard.penalise"]),
        ("assigned", &begin),
        ("asked", &[begin[0], begin[1], begin[2], "hazard.request_extension"]),
        ("rectified", &rectified),
        ("passed", &passed),
        ("closed", &closed),
        ("reopened", &reopened),
        ("merged", &["hazard.report", "hazard.merge"]),
    ];
    insta::assert_snapshot!(table.print(&states));
}

#[test]
fn report() {
    let blob = json!({ "blob": "ab".repeat(32), "size": 4096, "recipients": ["age1x"] });
    let copy = json!({ "blob": "cd".repeat(32), "size": 4096, "recipients": ["age1reader"] });
    let share = json!({ "with": [actor(2)], "copies": [{ "of": "ab".repeat(32), "copy": copy }] });
    let (sealed, other, invitation) = (json!({ "sealed": blob }), another(8), another(9));
    let reported =
        json!({ "matter": "major_hazard", "channel": "web", "key": key().vkey(), "testimony": blob });
    let code = report::OneTimeCode::parse("1234 5678 9012 3456").expect("a code");
    let pickup = report::Pickup::new(&[7; 16], &code, &[5; 32]).expect("a pickup");
    let kept =
        json!({ "matter": "major_hazard", "channel": "telephone", "testimony": blob, "pickup": pickup });
    let pick_up = json!({ "key": key().vkey(), "claim_key": "ab".repeat(32), "recipient": pickup.recipient,
        "proof": hex(&[5; 32]) });
    let mut wrong = pick_up.clone();
    wrong["proof"] = json!(hex(&[6; 32]));
    let invite = json!({ "key": invitation.vkey(), "salt": "7".repeat(32), "filter": 7, "number": "第一个" });
    let join = json!({ "key": other.vkey(), "claim_key": "cd".repeat(32), "recipient": pickup.recipient,
        "invitation": invitation.vkey() });
    let commands = [
        ("report.report", reported),
        ("report.report kept by_one_clerk", kept),
        ("report.accept", json!({})),
        ("report.decline", json!({ "ground": "unclear" })),
        ("report.transfer", json!({ "authority": "交通局" })),
        ("report.share", share),
        ("report.verify", json!({ "finding": "substantiated", "matter_key": "甲", "findings": "属实" })),
        ("report.handle", json!({ "done": "已处罚", "unit_fine_yuan": "20100" })),
        ("report.answer", json!({})),
        ("report.extend", json!({ "until": "2024-08-01", "because": "复杂" })),
        ("report.satisfy", json!({})),
        ("report.dispute", sealed.clone()),
        ("report.close", json!({})),
        ("report.reopen", json!({ "because": "未整改" })),
        ("report.message", sealed.clone()),
        ("report.add_evidence", sealed.clone()),
        ("report.link", json!({ "hazard": stream(StreamKind::Hazard, 4) })),
        (
            "report.corroborate",
            json!({ "report": stream(StreamKind::Report, 5), "because": "同一工作面，同一隐患" }),
        ),
        ("report.separate", json!({ "because": "不是同一处" })),
        ("report.invite", invite),
        ("report.withdraw_invitation", json!({ "key": invitation.vkey() })),
        ("report.join", json!({ "key": other.vkey() })),
        ("report.join with_a_code", join),
        ("report.rotate_key", json!({ "old": key().vkey(), "new": other.vkey() })),
        ("report.pick_up", pick_up.clone()),
        ("report.pick_up late", pick_up),
        ("report.pick_up wrong", wrong),
        ("report.lock", json!({})),
        ("report.allege_retaliation", sealed),
        ("report.record_overdue", json!({ "clock": "handle" })),
        ("report.record_overdue late", json!({ "clock": "handle" })),
    ];
    let status = report::Status::Accepted;
    let first = report::First { reported_at: Position(4), status, excluded: [].into(), corroborates: None };
    let mut facts = report::Facts { reported_at: Position(7), first: Some(first), ..<_>::default() };
    facts.readers.insert(actor(2), Some("age1reader".to_owned()));
    let by_log = ["report.record_overdue", "report.record_overdue late"];
    let table = Table::<ReportDecider>::new(facts, &commands, &by_log);
    let way =
        ["report.report", "report.accept", "report.verify", "report.handle", "report.answer", "report.close"];
    let kept = "report.report kept by_one_clerk";
    let states: [(&str, &[&str]); 18] = [
        ("absent", &[]),
        ("reported", &way[..1]),
        ("shared", &["report.report", "report.share"]),
        ("corroborating", &["report.report", "report.corroborate"]),
        ("kept", &[kept]),
        ("kept, declined", &[kept, "report.decline"]),
        ("picked up", &[kept, "report.pick_up"]),
        ("invited", &["report.report", "report.invite"]),
        ("withdrawn", &["report.report", "report.invite", "report.withdraw_invitation"]),
        ("joined", &["report.report", "report.invite", "report.join with_a_code"]),
        ("declined", &["report.report", "report.decline"]),
        ("transferred", &["report.report", "report.transfer"]),
        ("accepted", &way[..2]),
        ("verified", &way[..3]),
        ("handled", &way[..4]),
        ("answered", &way[..5]),
        ("disputed", &[way[0], way[1], way[2], way[3], way[4], "report.dispute"]),
        ("closed", &way),
    ];
    insta::assert_snapshot!(table.print(&states));
}

#[test]
fn reward() {
    let handled = report::Handle {
        done: text("已处罚"),
        unit_fine_yuan: "20100".parse().expect("money"),
        person_fines_yuan: Vec::new(),
    };
    let verified = report::Verify {
        finding: report::Finding::Substantiated,
        matter_key: text("甲"),
        deaths_verified: 0,
        level: None,
        findings: text("属实"),
    };
    let report = reward::Reported {
        matter: adit_core::rules::reward::Matter::MajorHazard,
        insider: false,
        on: day("2024-05-10"),
        verified: Some(verified),
        handled: Some(handled),
        claim_keys: vec![hex(key().vkey().key())],
        found_before: None,
    };
    let own = reward::Candidate {
        report: stream(StreamKind::Report, 3),
        reported_at: Position(0),
        status: report::Status::Handled,
        finding: report::Finding::Substantiated,
        denied: false,
    };
    let claim_keys_now = report.claim_keys.clone();
    let facts = reward::Facts {
        report: Some(report),
        matter_rewarded: false,
        claim_keys_now,
        same_matter: vec![own],
    };
    let assess =
        json!({ "report": stream(StreamKind::Report, 3), "place": "national", "sector": "industry" });
    let excluded = json!({ "report": stream(StreamKind::Report, 3), "place": "national", "sector": "industry",
        "excluded": "already_handled" });
    let claim = json!({ "key": key().vkey() });
    let claim_with = json!({ "key": key().vkey(), "voucher": "ab".repeat(32) });
    let commands = [
        ("reward.assess", assess.clone()),
        ("reward.assess excluded", excluded.clone()),
        ("reward.reassess", assess),
        ("reward.reassess excluded", excluded),
        ("reward.approve", json!({})),
        ("reward.notify", json!({})),
        ("reward.claim", claim_with.clone()),
        ("reward.claim late", claim_with),
        ("reward.pay", json!({ "amount_yuan": "3015", "voucher": "凭证" })),
        (
            "reward.pay of_one_voucher",
            json!({ "amount_yuan": "3015", "voucher": "凭证", "voucher_hash": "ab".repeat(32) }),
        ),
        ("reward.forfeit", json!({})),
        ("reward.forfeit late", json!({})),
        ("reward.waive", claim),
        ("reward.extend", json!({ "until": "2024-09-07", "because": "举报人住院" })),
        ("reward.extend late", json!({ "until": "2024-09-07", "because": "举报人住院" })),
        ("reward.record_overdue", json!({ "clock": "claim" })),
        ("reward.record_overdue late", json!({ "clock": "claim" })),
    ];
    let table = Table::<RewardDecider>::new(
        facts,
        &commands,
        &["reward.record_overdue", "reward.record_overdue late"],
    );
    let way = ["reward.assess", "reward.approve", "reward.notify", "reward.claim", "reward.pay"];
    let states: [(&str, &[&str]); 10] = [
        ("absent", &[]),
        ("assessed", &way[..1]),
        ("approved", &way[..2]),
        ("notified", &way[..3]),
        ("claimed", &way[..4]),
        ("paid", &way),
        ("overdue", &[way[0], way[1], way[2], "reward.record_overdue late"]),
        ("forfeited", &[way[0], way[1], way[2], "reward.forfeit late"]),
        ("waived", &[way[0], way[1], way[2], "reward.waive"]),
        ("denied", &["reward.assess excluded"]),
    ];
    insta::assert_snapshot!(table.print(&states));
}

#[test]
fn enterprise() {
    let own = stream(StreamKind::Enterprise, 1);
    let facts = enterprise::Facts {
        acts_for: Some(own),
        discoveries: vec![day("2024-03-01"), day("2024-05-01")],
        ..Default::default()
    };
    let commands = [
        (
            "enterprise.register",
            json!({ "name": "甲矿", "sector": "mine", "town": "某镇", "licence": "full", "producing": true }),
        ),
        ("enterprise.change_licence", json!({ "licence": "none", "producing": true })),
        ("enterprise.change_controller", json!({ "holder": "某集团" })),
        ("enterprise.change_parent", json!({ "holder": null })),
        ("enterprise.change_principal", json!({ "holder": "矿长" })),
        ("enterprise.grade", json!({ "risk": "major", "standardisation": 3 })),
        ("enterprise.record_accident", json!({ "day": "2024-05-01", "deaths": 3, "description": "冒顶" })),
        (
            "enterprise.log_self_inspection",
            json!({ "enterprise": own, "inspected_on": "2024-05-09", "led_by_principal": true }),
        ),
        ("enterprise.open_channel", json!({ "enterprise": own, "rewards": "每条五百元" })),
        ("enterprise.close_channel", json!({ "enterprise": own, "because": "停产" })),
        ("enterprise.accept_resumption", json!({ "because": "验收合格" })),
        ("enterprise.petition_closure", json!({ "because": "三个月内两次" })),
        ("enterprise.close", json!({ "because": "政府决定" })),
    ];
    let table = Table::<EnterpriseDecider>::new(facts, &commands, &[]);
    let states: [(&str, &[&str]); 6] = [
        ("absent", &[]),
        ("registered", &["enterprise.register"]),
        ("open", &["enterprise.register", "enterprise.open_channel"]),
        ("stopped", &["enterprise.register", "enterprise.record_accident"]),
        ("petitioned", &["enterprise.register", "enterprise.petition_closure"]),
        ("closed", &["enterprise.register", "enterprise.close"]),
    ];
    insta::assert_snapshot!(table.print(&states));
}

#[test]
fn inspection() {
    let enterprise = stream(StreamKind::Enterprise, 1);
    let sealed_on = day("2024-05-10");
    let facts = inspection::Facts { hazard: Some(stream(StreamKind::Hazard, 2)), enterprise_stands: true };
    let commitment = |enterprise| inspection::commitment("盐", enterprise, "全矿", sealed_on);
    let commands = [
        ("inspection.seal", json!({ "commitment": commitment(Some(&enterprise)) })),
        ("inspection.seal nobody", json!({ "commitment": commitment(None) })),
        ("inspection.open", json!({ "salt": "盐", "enterprise": enterprise, "scope": "全矿" })),
        ("inspection.open nobody", json!({ "salt": "盐", "scope": "全矿" })),
        ("inspection.open late", json!({ "salt": "盐", "enterprise": enterprise, "scope": "全矿" })),
        ("inspection.perform", json!({ "enterprise": enterprise, "day": "2024-05-10", "checked": "井下" })),
        (
            "inspection.record_finding",
            json!({ "place": "三号巷道", "description": "未支护", "found_on": "2024-05-10" }),
        ),
        ("inspection.nothing_found", json!({ "checked": "井下" })),
        ("inspection.enforce", json!({ "measure": "责令停产", "article": "102" })),
    ];
    let mut table = Table::<InspectionDecider>::new(facts, &commands, &[]);
    // Only those who were there sign what was found: the table's two inspectors.
    table.done_by = vec![actor(2), actor(3)];
    let states: [(&str, &[&str]); 7] = [
        ("absent", &[]),
        ("sealed", &["inspection.seal"]),
        ("opened", &["inspection.seal", "inspection.open"]),
        ("lapsed", &["inspection.seal nobody", "inspection.open nobody"]),
        ("performed", &["inspection.perform"]),
        ("found", &["inspection.perform", "inspection.record_finding"]),
        ("clean", &["inspection.perform", "inspection.nothing_found"]),
    ];
    insta::assert_snapshot!(table.print(&states));
}

#[test]
fn inquiry() {
    let hazard = stream(StreamKind::Hazard, 2);
    let facts = adit_core::inquiry::Facts { hazards_stand: true, size: 40 };
    let propose = json!({ "post": "检查带队负责人", "responsibility": "supervising", "measure": "诫勉",
        "article": "方案 矿山 36", "because": "两次检查未查出" });
    let commands = [
        ("inquiry.open", json!({ "hazards": [hazard], "trigger": "not_found", "because": "长期未查出" })),
        ("inquiry.open twice", json!({ "hazards": [hazard, hazard], "because": "重复" })),
        (
            "inquiry.attach_trace",
            json!({ "hazard": hazard, "as_of": 39, "hash": "ab".repeat(32), "summary": "两次检查" }),
        ),
        (
            "inquiry.attach_trace ahead",
            json!({ "hazard": hazard, "as_of": 40, "hash": "ab".repeat(32), "summary": "两次检查" }),
        ),
        ("inquiry.record_finding", json!({ "finding": "未查出", "proof": [3, 9] })),
        ("inquiry.record_finding unproven", json!({ "finding": "未查出", "proof": [] })),
        ("inquiry.propose_responsibility", propose),
        ("inquiry.conclude", json!({ "conclusion": "追责" })),
        ("inquiry.conclude nobody", json!({ "conclusion": "无人担责", "nobody_responsible": true })),
    ];
    let table = Table::<InquiryDecider>::new(facts, &commands, &[]);
    let way =
        ["inquiry.open", "inquiry.record_finding", "inquiry.propose_responsibility", "inquiry.conclude"];
    let states: [(&str, &[&str]); 5] = [
        ("absent", &[]),
        ("opened", &way[..1]),
        ("found", &way[..2]),
        ("proposed", &way[..3]),
        ("concluded", &way),
    ];
    insta::assert_snapshot!(table.print(&states));
}

#[test]
fn access() {
    let (report, hash) = (stream(StreamKind::Report, 3), "ab".repeat(32));
    let open = |blobs: &[&str]| json!({ "report": report, "blobs": blobs });
    let export = |streams: &[StreamId], file: &str| json!({ "streams": streams, "bodies": 3, "size": 40, "file": file });
    let hazard = json!({ "report": stream(StreamKind::Hazard, 2), "blobs": [hash] });
    let commands = [
        ("access.open by_one_clerk", open(&[&hash])),
        ("access.open by_one_enterprise", open(&[&hash])),
        ("access.open by_everybody", open(&[&hash])),
        ("access.open nothing by_one_clerk", open(&[])),
        ("access.open twice by_one_clerk", open(&[&hash, &hash])),
        ("access.open no_hash by_one_clerk", open(&["ab"])),
        ("access.open hazard by_one_clerk", hazard),
        ("access.export by_one_clerk", export(&[report], &hash)),
        ("access.export nothing by_one_clerk", export(&[], &hash)),
        ("access.export no_hash by_one_clerk", export(&[report], "ab")),
        ("access.fill", json!({})),
        ("access.fill by_one_clerk", json!({})),
    ];
    let table = Table::<AccessDecider>::new((), &commands, &["access.fill"]);
    let states: [(&str, &[&str]); 4] = [
        ("absent", &[]),
        ("opened", &["access.open by_one_clerk"]),
        ("exported", &["access.export by_one_clerk"]),
        ("filled", &["access.fill"]),
    ];
    insta::assert_snapshot!(table.print(&states));
}

#[test]
fn actor_of_the_ledger() {
    let name = "test.example/ledger/actor/x".to_owned();
    let own = SigningKey::from_seed(&name, &[1; 32]).expect("key").vkey();
    let new = SigningKey::from_seed(&name, &[2; 32]).expect("key").vkey();
    let facts =
        actor::Facts { key_name: name, actor: actor(50), enterprise_exists: true, newest: Position(7) };
    let role = |role: &str| json!({ "role": role, "key": own });
    let commands = [
        ("actor.enrol", json!({ "key": own, "title": "检查人员" })),
        ("actor.grant", role("inspector")),
        ("actor.grant enterprise", role("enterprise")),
        ("actor.revoke", role("inspector")),
        ("actor.rotate_key", json!({ "old": own, "new": new })),
        ("actor.rotate_key past", json!({ "old": own, "new": new, "last": 6 })),
        ("actor.suspend", json!({ "last": 7, "because": "离职" })),
        ("actor.suspend past", json!({ "last": 6, "because": "离职" })),
        ("actor.suspend future", json!({ "last": 9, "because": "离职" })),
    ];
    let table = Table::<ActorDecider>::new(facts, &commands, &[]);
    let states: [(&str, &[&str]); 5] = [
        ("absent", &[]),
        ("enrolled", &["actor.enrol"]),
        ("granted", &["actor.enrol", "actor.grant"]),
        ("rotated", &["actor.enrol", "actor.grant", "actor.rotate_key"]),
        ("suspended", &["actor.enrol", "actor.suspend"]),
    ];
    insta::assert_snapshot!(table.print(&states));
}

#[test]
fn rules_and_ledger() {
    let [_, pack, ..] = PACKS;
    let adopt =
        |hash: &str, from: &str| json!({ "pack": pack.id, "hash": hash, "from": from, "decision": "决定" });
    let closure = PACKS.into_iter().find(|pack| pack.id == "closure").expect("pack");
    let amend = |text: &str| json!({ "pack": "closure", "text": text, "decision": "决定" });
    let commands = [
        ("rules.adopt", adopt(&pack.hash(), "2024-05-10")),
        ("rules.adopt other", adopt("00", "2024-05-10")),
        ("rules.adopt early", adopt(&pack.hash(), "2024-05-11")),
        ("rules.amend", amend(&closure.text.replace("many = 2", "many = 3"))),
        ("rules.amend contradicts", amend(&closure.text.replace("many_long = 4", "many_long = 3"))),
        ("rules.amend counts_nothing", amend(&closure.text.replace("many = 2", "many = 0"))),
        ("rules.amend unreadable", amend("many = ")),
        ("rules.amend as_before", amend(&closure.text)),
        ("rules.amend unknown", json!({ "pack": "weather", "text": "a = 1", "decision": "决定" })),
        ("rules.set_reward_budget", json!({ "year": 2024, "amount_yuan": "200000", "decision": "文" })),
        ("rules.set_reward_budget slip", json!({ "year": 2042, "amount_yuan": "200000", "decision": "文" })),
    ];
    let rules = Table::<RulesDecider>::new((), &commands, &[]);
    let admin = |n: u8| SigningKey::from_seed("test.example/ledger/actor/x", &[n; 32]).expect("key").vkey();
    let of_log = |n: u8| SigningKey::from_seed("test.example/ledger", &[n; 32]).expect("key").vkey();
    let (log, next) = (of_log(9), of_log(10));
    let commands = [
        ("ledger.open", json!({ "log": log, "admins": [admin(1), admin(2)] })),
        ("ledger.open one_admin", json!({ "log": log, "admins": [admin(1), admin(1)] })),
        ("ledger.add_witness", json!({ "key": admin(1), "operator": "邻县" })),
        ("ledger.erase", json!({ "blob": "ab", "ground": "保存期满" })),
        ("ledger.introduce_key", json!({ "key": next })),
        ("ledger.introduce_key same", json!({ "key": log })),
        ("ledger.introduce_key by_admins", json!({ "key": next })),
        ("ledger.introduce_key other", json!({ "key": admin(3) })),
        ("ledger.end_key", json!({ "key": log })),
        ("ledger.end_key newest", json!({ "key": next })),
        ("ledger.end_key by_admins", json!({ "key": log })),
    ];
    let by_log = [
        "ledger.open",
        "ledger.open one_admin",
        "ledger.introduce_key",
        "ledger.introduce_key same",
        "ledger.introduce_key other",
        "ledger.end_key",
        "ledger.end_key newest",
    ];
    let facts = opening::Facts { last: Position(7) };
    let ledger = Table::<LedgerDecider>::new(facts, &commands, &by_log);
    let mut printed =
        rules.print(&[("none", &[]), ("adopted", &["rules.adopt"]), ("amended", &["rules.amend"])]);
    let way = ["ledger.open", "ledger.introduce_key", "ledger.end_key"];
    printed.push_str(&ledger.print(&[
        ("absent", &[]),
        ("open", &way[..1]),
        ("overlap", &way[..2]),
        ("retired", &way),
    ]));
    insta::assert_snapshot!(printed);
}

/// The commands of the tables are all there are.
#[test]
fn no_command_is_missing_from_the_tables() {
    let source = [include_str!("golden.rs"), include_str!("golden/concern.rs")].concat();
    let named = |kind: &&String| source.contains(&format!("\"{kind}"));
    let missing: Vec<_> = adit_core::command::Command::types().iter().filter(|kind| !named(kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
