//! Laws of the folds over random lawful histories: the commands are random, the deciders say which of them happen.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod lawful;
mod sums;
mod waiting;

use adit_core::enterprise::{
    AcceptResumption, ChangeHolder, ChangeLicence, CloseEnterprise, EnterpriseCommand, Grade,
    LogSelfInspection, PetitionClosure, RecordAccident, Risk,
};
use adit_core::event::{Event, Fact};
use adit_core::hazard::{
    Acknowledge, DecideRelief, ElementOnly, Empty, Escalate, Extend, HazardCommand, List, Merge, Origin,
    PersonDecides, Plan, Publish, Published, RecordOverdue, Serve, Status, Step,
};
use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::inspection::{Enforce, InspectionCommand, NothingFound, Perform, RecordFinding};
use adit_core::report::{self, ReportCommand};
use adit_core::reward::{self, Claim, Pay, RewardCommand};
use adit_core::role::{Party, Role};
use adit_core::rulebook::{Adopt, RulesEvent};
use adit_core::rules::accountability::Trigger;
use adit_core::rules::closure::Licence;
use adit_core::rules::five_in_place::Element;
use adit_core::units::{Fen, Position};
use adit_projections::deadlines::Standing;
use adit_projections::relief::Decision;
use adit_projections::{
    Filter, Grade as HazardGrade, Group, NAMES, Order, ProjectionError, Projections, Viewer, takes,
};
use common::{
    CRITERIA, World, assess, assign, because, claim_key, claimant, element, fined, firm, found, inspectors,
    officer, penalise, pit, register, reviewed, substantiated, telephone, text, verify, word, written,
};
use proptest::prelude::*;
use serde_json::Value;
use waiting::waiting;

/// One attempt: what, on which stream, with which choice, after how many days.
type Attempt = (u8, u8, u8, i64);

const CLOCKS: [&str; 6] =
    ["rectify", "review", "decide_extension", "publish_penalty", "publish_listing", "publish_delisting"];

fn hazard_command(world: &World, what: u8, choice: u8) -> (HazardCommand, Vec<Party>) {
    let today = world.today();
    let one = Element::ALL[usize::from(choice) % 5];
    let enterprise = || officer(Role::Enterprise);
    match what {
        0 | 1 => {
            (verify((!choice.is_multiple_of(3)).then(|| CRITERIA[usize::from(choice) % 2])), inspectors())
        }
        2 => (assign(today.plus_days(i64::from(choice % 20))), officer(Role::Handler)),
        3 => (HazardCommand::Commit(element(one)), enterprise()),
        4 => (HazardCommand::Evidence(element(one).into()), enterprise()),
        5 => (HazardCommand::Confirm(ElementOnly { element: one }), inspectors()),
        6 => (HazardCommand::Rectify(because().into()), enterprise()),
        7 => (reviewed(!choice.is_multiple_of(3)), inspectors()),
        8 => (HazardCommand::Close(Empty {}), officer(Role::Approver)),
        9 => (HazardCommand::Reopen(because()), officer(Role::Approver)),
        10 => {
            let until = today.plus_days(i64::from(choice));
            let extend = Extend { until, because: text("理由") };
            match choice % 4 {
                0 => (HazardCommand::RequestExtension(extend), enterprise()),
                1 => (HazardCommand::RefuseExtension(because()), officer(Role::Approver)),
                _ => (HazardCommand::Extend(extend), officer(Role::Approver)),
            }
        }
        11 => (HazardCommand::SuspendProduction(because()), officer(Role::Approver)),
        12 => (HazardCommand::ResumeProduction(because()), officer(Role::Approver)),
        13 => {
            let place = choice.is_multiple_of(2).then(|| text("山东省青岛市"));
            let list =
                List { place, authority: text("市应急局"), decided_on: None, because: text("理由") };
            (HazardCommand::List(list), officer(Role::Approver))
        }
        14 => (HazardCommand::Delist(because()), officer(Role::Approver)),
        15 => {
            let steps = [Step::Letter, Step::Circular, Step::Interview, Step::Exposure];
            let step = steps[usize::from(choice) % 4];
            (HazardCommand::Escalate(Escalate { step, because: text("进展缓慢") }), officer(Role::Handler))
        }
        16 => (penalise(choice, today), officer(Role::Approver)),
        17 => {
            let otherwise = choice.is_multiple_of(2).then(|| text("另有考虑"));
            let person = (choice % 5 == 1).then(|| PersonDecides { relieved: true, because: text("无关") });
            let decide = DecideRelief { otherwise, person, rectification_refused: false };
            (HazardCommand::DecideRelief(decide), officer(Role::Approver))
        }
        18 | 25 => {
            (HazardCommand::Merge(Merge { into: pit(choice), because: text("同一隐患") }), inspectors())
        }
        19 => (HazardCommand::Dismiss(because()), inspectors()),
        20 => {
            let clock = CLOCKS[usize::from(choice) % CLOCKS.len()];
            (HazardCommand::RecordOverdue(RecordOverdue { clock: clock.into() }), vec![Party::Log])
        }
        21 => {
            let (principal, controller) = (choice % 3 != 1, choice % 3 != 2);
            (HazardCommand::Serve(Serve { principal, controller }), officer(Role::Handler))
        }
        22 => (HazardCommand::Plan(plan()), enterprise()),
        23 => {
            let penalty = Published::Penalty { decision: text(&format!("应急罚〔2024〕{choice}号")) };
            let what = [penalty, Published::Listing, Published::Delisting];
            let published = what[usize::from(choice) % 3].clone();
            (HazardCommand::Publish(Publish { published, place: text("政府网站") }), officer(Role::Handler))
        }
        _ => {
            let (principal, controller) = (choice % 3 != 1, choice % 3 != 2);
            (HazardCommand::Acknowledge(Acknowledge { principal, controller }), enterprise())
        }
    }
}

/// A plan of rectification in its six parts.
fn plan() -> Plan {
    Plan {
        aim: text("消除隐患"),
        responsibility: text("矿长"),
        measures: text("支护"),
        funds: text("二十万元"),
        time_limit: text("六月底"),
        emergency_plan: text("停产撤人"),
    }
}

fn inspection_command(world: &World, what: u8, choice: u8) -> InspectionCommand {
    match what % 4 {
        0 => {
            let (enterprise, day) = (firm(choice % 3), world.today());
            InspectionCommand::Perform(Perform {
                enterprise, day, checked: text("全矿"), files: Vec::new()
            })
        }
        1 => InspectionCommand::RecordFinding(RecordFinding {
            place: text("三号巷道"),
            description: text("顶板离层"),
            found_on: world.today(),
            criterion: Some(CRITERIA[usize::from(choice) % 2].to_owned()),
            files: Vec::new(),
        }),
        2 => {
            InspectionCommand::Enforce(Enforce { measure: text("责令整改"), article: text("第102条") })
        }
        _ => InspectionCommand::NothingFound(NothingFound { checked: text("全矿") }),
    }
}

fn report_command(what: u8, number: u8, choice: u8) -> (ReportCommand, Vec<Party>) {
    match what % 14 {
        0 => (ReportCommand::Accept(report::Empty {}), officer(Role::Clerk)),
        1 => (substantiated(number), inspectors()),
        2 => (fined(if choice.is_multiple_of(2) { "12000" } else { "60000" }), officer(Role::Handler)),
        3 => (ReportCommand::Answer(report::Answer { sealed: None }), officer(Role::Handler)),
        4 => (ReportCommand::Close(report::Empty {}), officer(Role::Approver)),
        5 => (ReportCommand::Reopen(report::Because { because: text("未整改") }), officer(Role::Approver)),
        6 => (ReportCommand::Link(report::Link { hazard: pit(choice % 6) }), officer(Role::Handler)),
        7 => {
            let clock = ["accept", "handle", "answer"][usize::from(choice) % 3];
            let overdue = report::RecordOverdue { clock: clock.into() };
            (ReportCommand::RecordOverdue(overdue), vec![Party::Log])
        }
        8 | 9 => (ReportCommand::Dispute(word()), claimant(number)),
        10 => (ReportCommand::Satisfy(report::Empty {}), claimant(number)),
        11 if choice.is_multiple_of(2) => (ReportCommand::AddEvidence(word()), claimant(number)),
        11 => (ReportCommand::AllegeRetaliation(word()), claimant(number)),
        12 if choice.is_multiple_of(2) => (ReportCommand::Message(word()), claimant(number)),
        12 => (ReportCommand::Message(word()), officer(Role::Clerk)),
        _ => {
            let transfer = report::Transfer { authority: text("住建局") };
            (ReportCommand::Transfer(transfer), officer(Role::Clerk))
        }
    }
}

fn reward_command(world: &World, what: u8, number: u8) -> (RewardCommand, Vec<Party>) {
    let amount = world.rewards.get(&common::stream(StreamKind::Reward, number));
    let amount =
        amount.and_then(|state| state.assessed.as_ref()).map_or(Fen(0), |assessed| assessed.amount_yuan);
    match what % 10 {
        0 | 1 => (RewardCommand::Assess(assess(number)), officer(Role::Handler)),
        2 => (RewardCommand::Approve(reward::Empty {}), officer(Role::Approver)),
        3 => (RewardCommand::Notify(reward::Empty {}), officer(Role::Handler)),
        4 => (RewardCommand::Claim(Claim::of(claim_key(number))), claimant(number)),
        5 => (RewardCommand::Pay(Pay::whole(amount, text("1号"))), officer(Role::Finance)),
        6 => (RewardCommand::Forfeit(reward::Empty {}), vec![Party::Log]),
        7 => (RewardCommand::Reassess(assess(number)), officer(Role::Handler)),
        8 => {
            let extend =
                reward::Extend { until: world.today().plus_days(50), because: text("举报人住院") };
            (RewardCommand::Extend(extend), officer(Role::Approver))
        }
        _ => {
            let excluded = Some(adit_core::rules::reward::Exclusion::AlreadyHandled);
            let both = [officer(Role::Handler), officer(Role::Approver)].concat();
            (RewardCommand::Reassess(reward::Assess { excluded, ..assess(number) }), both)
        }
    }
}

fn enterprise_command(world: &World, what: u8, choice: u8) -> (EnterpriseCommand, Vec<Party>) {
    let holder = ChangeHolder { holder: choice.is_multiple_of(2).then(|| text("另一公司")) };
    match what % 9 {
        0 => {
            let licence = [Licence::Full, Licence::Incomplete, Licence::None][usize::from(choice) % 3];
            let change = ChangeLicence { licence, producing: choice.is_multiple_of(2) };
            (EnterpriseCommand::ChangeLicence(change), officer(Role::Clerk))
        }
        1 => (EnterpriseCommand::ChangeController(holder), officer(Role::Clerk)),
        2 => (EnterpriseCommand::ChangeParent(holder), officer(Role::Clerk)),
        3 => {
            let accident = RecordAccident {
                day: world.today(),
                deaths: u32::from(choice % 2),
                seriously_injured: 1,
                direct_loss_yuan: Fen(0),
                description: text("冒顶"),
            };
            (EnterpriseCommand::RecordAccident(accident), inspectors())
        }
        4 => {
            let petition = PetitionClosure { because: text("屡改屡犯") };
            (EnterpriseCommand::PetitionClosure(petition), officer(Role::Approver))
        }
        5 => {
            let log = LogSelfInspection {
                enterprise: firm(choice % 3),
                inspected_on: world.today(),
                led_by_principal: choice.is_multiple_of(2),
                hazards: Vec::new(),
            };
            (EnterpriseCommand::LogSelfInspection(log), officer(Role::Enterprise))
        }
        6 => {
            let grade = Grade { risk: Some(Risk::ALL[usize::from(choice) % 4]), standardisation: Some(3) };
            (EnterpriseCommand::Grade(grade), officer(Role::Approver))
        }
        7 => {
            let accept = AcceptResumption { because: text("验收合格") };
            (EnterpriseCommand::AcceptResumption(accept), officer(Role::Approver))
        }
        _ => (EnterpriseCommand::Close(CloseEnterprise { because: text("关闭") }), officer(Role::Approver)),
    }
}

/// The next steps on the line of a hazard's life, so that histories also reach its end, and what comes after.
fn advance_hazard(world: &mut World, number: u8, choice: u8) -> Result<(), &'static str> {
    let status = world.hazards.get(&pit(number)).map(|state| state.status).unwrap_or_default();
    let what = match status {
        Status::Reported => 0,
        Status::Verified => 2,
        Status::Assigned => {
            world.five(number);
            6
        }
        Status::Rectified => 7,
        Status::Passed => 8,
        Status::Closed => 9,
        Status::Absent | Status::Dismissed | Status::Merged => return Ok(()),
    };
    let (command, by) = hazard_command(world, what, choice);
    world.try_hazard(number, &command, &by)
}

/// Every other report is written by its reporter.
fn begin(world: &mut World, number: u8) -> Result<(), &'static str> {
    if number.is_multiple_of(2) {
        world.try_report(number, &telephone(number), &officer(Role::Clerk))
    } else {
        world.try_report(number, &written(number), &claimant(number))
    }
}

/// The next step of a report, or of the reward for it.
fn advance_case(world: &mut World, number: u8) -> Result<(), &'static str> {
    let report = world.reports.get(&common::stream(StreamKind::Report, number)).map(|state| state.status);
    let reward = world.rewards.get(&common::stream(StreamKind::Reward, number)).map(|state| state.status);
    let what = match report.unwrap_or_default() {
        report::Status::Absent => return begin(world, number),
        report::Status::Reported => 0,
        report::Status::Accepted => 1,
        report::Status::Verified => 2,
        report::Status::Handled | report::Status::Answered | report::Status::Closed => {
            let what = match reward.unwrap_or_default() {
                reward::Status::Absent => 0,
                reward::Status::Assessed => 2,
                reward::Status::Approved => 3,
                reward::Status::Notified => 4,
                reward::Status::Claimed => 5,
                reward::Status::Paid
                | reward::Status::Forfeited
                | reward::Status::Waived
                | reward::Status::Denied => return Ok(()),
            };
            let (command, by) = reward_command(world, what, number);
            return world.try_reward(number, &command, &by);
        }
        report::Status::Declined | report::Status::Transferred => return Ok(()),
    };
    let (command, by) = report_command(what, number, 0);
    world.try_report(number, &command, &by)
}

/// Plays the attempts; what a decider refuses does not happen.
fn play(attempts: &[Attempt]) -> World {
    let mut world = World::on("2024-01-02");
    for number in 0..3 {
        let name = format!("示例{number}矿");
        world.enterprise(number, register(&name, "示例镇", Some("示例控股")), &officer(Role::Clerk));
    }
    for (what, number, choice, days) in attempts.iter().copied() {
        world.later(days);
        let number = number % 6;
        // A refusal is an answer as well: it leaves nothing in the log.
        let _ = match what {
            0..=5 => {
                let (origin, by) = match choice % 3 {
                    0 => (Origin::SelfInspection, officer(Role::Enterprise)),
                    1 => (Origin::Inspection, inspectors()),
                    _ => (Origin::MonitoringAlert, officer(Role::Clerk)),
                };
                let command = found(firm(choice % 3), origin, world.today());
                world.try_hazard(number, &command, &by)
            }
            6..=59 => {
                let (command, by) = hazard_command(&world, (what - 6) % 26, choice);
                world.try_hazard(number, &command, &by)
            }
            60..=63 => begin(&mut world, number),
            64..=79 => {
                let (command, by) = report_command(what - 64, number % 2, choice);
                world.try_report(number % 2, &command, &by)
            }
            80..=95 => {
                let (command, by) = reward_command(&world, what - 80, number % 2);
                world.try_reward(number % 2, &command, &by)
            }
            96..=100 | 146..=155 => {
                let (command, by) = enterprise_command(&world, choice, choice / 2);
                world.try_enterprise(number % 3, &command, &by)
            }
            101..=103 => {
                let command = inspection_command(&world, what - 101, choice);
                world.try_inspection(number, &command)
            }
            104..=123 => advance_hazard(&mut world, number, choice),
            124..=145 => advance_case(&mut world, number % 2),
            _ => {
                let command = inspection_command(&world, 3, choice);
                world.try_inspection(number, &command)
            }
        };
    }
    world
}

fn history() -> impl Strategy<Value = World> {
    let attempt = (0_u8..157, 0_u8..6, 0_u8..30, prop_oneof![4 => Just(0_i64), 1 => 0_i64..40]);
    prop::collection::vec(attempt, 0..250).prop_map(|attempts| play(&attempts))
}

fn all_rows(state: &Projections, world: &World, viewer: Viewer) -> Vec<(&'static str, Vec<Value>)> {
    let rows = |name| state.query(name, &Filter::default(), viewer, &world.log.rules, world.today());
    NAMES.into_iter().filter_map(|name| Some((name, rows(name).ok()?.rows))).collect()
}

/// The same history with nothing said of reports and rewards; other entries stand in their places.
fn without_reports(facts: &[Fact]) -> Vec<Fact> {
    let mut facts = facts.to_vec();
    for (fact, revision) in facts.iter_mut().zip(0..) {
        if fact.stream.kind.is_unlinkable() {
            let adopt =
                Adopt { pack: "pack".into(), hash: String::new(), from: fact.day, decision: text("决定") };
            fact.stream = StreamId::new(StreamKind::Rules, Id([9; 16]));
            fact.revision = adit_core::units::Revision(revision);
            fact.lines.clear();
            fact.event = Event::Rules(RulesEvent::Adopted(adopt));
        }
    }
    facts
}

#[test]
fn histories_reach_closing_recurrence_payment_and_a_missed_deadline() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let world = history().new_tree(&mut runner).expect("history").current();
        seen.extend(world.log.facts.iter().map(|fact| fact.event.kind()));
        let rows = world.fold().repeat_offenders.rows(&world.log.rules, world.today());
        seen.extend(rows.iter().any(|row| row.recurrences > 0).then_some("recurrence"));
    }
    for kind in [
        "hazard.closed",
        "hazard.reopened",
        "hazard.overdue",
        "hazard.relieved",
        "hazard.relief_refused",
        "hazard.merged",
        "hazard.dismissed",
        "hazard.penalised",
        "reward.paid",
        "reward.reassessed",
        "reward.forfeited",
        "reward.denied",
        "reward.extended",
        "report.closed",
        "report.overdue",
        "report.disputed",
        "report.message_sent",
        "report.retaliation_alleged",
        "enterprise.closure_petitioned",
        "enterprise.accident_recorded",
        "inspection.performed",
        "recurrence",
    ] {
        assert!(seen.contains(kind), "no history had {kind}; widen the generator");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_a_history_folds_to_the_same_state(world in history(), cut in any::<prop::sample::Index>()) {
        let facts = &world.log.facts;
        let cut = cut.index(facts.len() + 1);
        let before = common::fold(&facts[..cut]);
        let mut restarted = Projections::restore(&before.snapshot().expect("snapshot")).expect("restored");
        prop_assert_eq!(&restarted, &before);
        for fact in &facts[cut..] {
            restarted.apply(fact).expect("in order");
        }
        let whole = world.fold();
        prop_assert_eq!(&restarted, &whole);
        prop_assert_eq!(restarted.snapshot().expect("snapshot"), whole.snapshot().expect("snapshot"));
        prop_assert_eq!(
            all_rows(&restarted, &world, Viewer::Reports),
            all_rows(&whole, &world, Viewer::Reports)
        );
    }

    #[test]
    fn a_state_on_the_way_is_the_fold_of_the_prefix(world in history(), cut in any::<prop::sample::Index>()) {
        let facts = &world.log.facts;
        let cut = cut.index(facts.len() + 1);
        let mut way = Projections::default();
        let mut as_of = Projections::default();
        for (fact, at) in facts.iter().zip(0..) {
            if at == cut {
                as_of = way.clone();
            }
            way.apply(fact).expect("in order");
        }
        if cut == facts.len() {
            as_of = way;
        }
        prop_assert_eq!(as_of, common::fold(&facts[..cut]));
    }

    #[test]
    fn a_fact_out_of_order_is_refused_and_changes_nothing(world in history(), wrong in any::<prop::sample::Index>()) {
        let facts = &world.log.facts;
        let mut state = common::fold(&facts[..facts.len() - 1]);
        let before = state.clone();
        let mut fact = facts[wrong.index(facts.len())].clone();
        if fact.position == state.next() {
            fact.position = Position(fact.position.0 + 1);
        }
        let refused = matches!(state.apply(&fact), Err(ProjectionError::OutOfOrder { .. }));
        prop_assert!(refused);
        prop_assert_eq!(state, before);
    }

    #[test]
    fn the_tables_agree_with_the_deciders(world in history()) {
        let state = world.fold();
        let hazards = state.register.rows(&world.log.rules, world.today());
        prop_assert_eq!(hazards.len(), world.hazards.len());
        for row in hazards {
            let decider = &world.hazards[&row.hazard];
            prop_assert_eq!(row.status, decider.status);
            prop_assert_eq!(row.due, decider.due);
            prop_assert_eq!(row.review_due, decider.review_due.filter(|_| row.status == Status::Rectified));
            prop_assert_eq!(&row.criterion, &decider.criterion);
            prop_assert_eq!(row.listed, decider.listed);
            prop_assert_eq!(row.production_suspended, decider.suspended);
            prop_assert_eq!(row.step, decider.step);
        }
        for row in state.five_in_place.rows(&world.log.rules) {
            let decider = &world.hazards[&row.hazard];
            for (element, stage) in row.elements {
                prop_assert_eq!(stage, decider.stage(element));
            }
        }
        for row in state.rewards.rows() {
            let decider = &world.rewards[&row.reward];
            prop_assert_eq!(row.status, decider.status);
            prop_assert_eq!(row.claim_due.filter(|_| row.status == reward::Status::Notified),
                decider.claim_due.filter(|_| row.status == reward::Status::Notified));
            let amount = decider.assessed.as_ref().map(|assessed| assessed.amount_yuan);
            prop_assert_eq!(row.amount_yuan, amount.unwrap_or_default());
        }
        for row in state.relief.rows() {
            let decider = &world.hazards[&row.hazard];
            prop_assert_eq!(row.relieved.is_some(), decider.relief_decided);
            let stands = !matches!(row.status, Status::Reported | Status::Dismissed | Status::Merged);
            let waits = stands && !decider.relief_decided && decider.decisions.is_empty();
            prop_assert_eq!(row.decision == Decision::Pending, waits);
        }
        prop_assert_eq!(state.timeline.rows().len(), world.log.facts.len());
        for fact in &world.log.facts {
            let steps = state.timeline.of(&fact.stream);
            let step = &steps[usize::try_from(fact.revision.0).expect("small")];
            prop_assert_eq!(step.position, fact.position);
            prop_assert_eq!(step.kind.as_str(), fact.event.kind());
            prop_assert_eq!(&step.by, &fact.by);
        }
    }

    #[test]
    fn the_stock_is_the_same_in_the_register_the_statistics_and_over_the_enterprises(world in history()) {
        let (state, today) = (world.fold(), world.today());
        let open = [Status::Verified, Status::Assigned, Status::Rectified, Status::Passed];
        let on_the_list = |grade| {
            let rows = state.register.rows(&world.log.rules, today).into_iter();
            let stock = rows.filter(|row| row.grade == Some(grade) && open.contains(&row.status)).count();
            i64::try_from(stock).expect("small")
        };
        let (major, general) = (on_the_list(HazardGrade::Major), on_the_list(HazardGrade::General));
        let months = state.statistics.rows(today);
        if let Some(last) = months.last() {
            prop_assert_eq!((last.stock_major, last.stock_general), (major, general));
            prop_assert_eq!(last.cleared_to_zero, major == 0);
        }
        for pair in months.windows(2) {
            prop_assert_eq!(pair[0].stock_major, pair[1].stock_major_before);
        }
        for group in [Group::Town, Group::Sector, Group::Source, Group::Enterprise, Group::Year] {
            let filter = Filter { group: Some(group), ..Filter::default() };
            let rows = state.query("statistics", &filter, Viewer::Reports, &world.log.rules, today).expect("rows").rows;
            let stock = |row: &Value| row["stock_major"].as_i64().unwrap_or_default();
            let sum = if group == Group::Year { rows.last().map_or(0, stock) } else { rows.iter().map(stock).sum() };
            prop_assert_eq!(sum, major, "{:?}", group);
        }
        let firms = state.enterprises.rows();
        let open_major: usize = firms.iter().map(|firm| firm.open_major).sum();
        prop_assert_eq!(i64::try_from(open_major).expect("small"), major);
        prop_assert_eq!(firms.iter().map(|firm| i64::from(firm.open_general)).sum::<i64>(), general);
    }

    #[test]
    fn an_enterprise_sees_the_same_whether_or_not_there_is_a_report(world in history()) {
        let (with, without) = (world.fold(), common::fold(&without_reports(&world.log.facts)));
        for number in 0..3 {
            let viewer = Viewer::Enterprise(firm(number));
            prop_assert_eq!(all_rows(&with, &world, viewer), all_rows(&without, &world, viewer));
        }
    }

    #[test]
    fn no_row_of_a_report_or_a_reward_reaches_an_office_that_does_not_work_on_reports(world in history()) {
        for (name, rows) in all_rows(&world.fold(), &world, Viewer::Office) {
            for row in rows {
                let text = row.to_string();
                prop_assert!(!text.contains("\"report/") && !text.contains("\"reward/"), "{name}: {text}");
            }
        }
    }

    #[test]
    fn an_enterprise_sees_no_hazard_of_another(world in history()) {
        for (name, rows) in all_rows(&world.fold(), &world, Viewer::Enterprise(firm(1))) {
            for row in rows {
                let hazard = row.get("hazard").or_else(|| row.get("stream")).and_then(Value::as_str);
                let stream: Option<StreamId> = hazard.and_then(|text| text.parse().ok());
                let Some(stream) = stream.filter(|stream| stream.kind == StreamKind::Hazard) else { continue };
                let owner = world.hazards[&stream].report.as_ref().map(|report| report.enterprise);
                prop_assert_eq!(owner, Some(firm(1)), "{}", name);
            }
        }
    }

    #[test]
    fn a_damaged_snapshot_is_refused_by_name(world in history(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = world.fold().snapshot().expect("snapshot");
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let refused = Projections::restore(&bytes);
        let named = match at {
            0 => matches!(refused, Err(ProjectionError::SnapshotVersion { .. })),
            _ => matches!(refused, Err(ProjectionError::SnapshotDamaged)),
        };
        prop_assert!(named);
        bytes.truncate(at);
        prop_assert!(Projections::restore(&bytes).is_err());
    }

    #[test]
    fn pages_put_together_are_the_whole_table(world in history(), size in 1_usize..7) {
        let state = world.fold();
        for name in NAMES {
            let whole = state.rows(name, &world.log.rules, world.today()).expect("rows");
            let mut pages = Vec::new();
            loop {
                let filter = Filter { offset: pages.len(), limit: Some(size), ..Filter::default() };
                let page = state.query(name, &filter, Viewer::Reports, &world.log.rules, world.today()).expect("page");
                prop_assert_eq!(page.total, whole.len());
                if page.rows.is_empty() {
                    break;
                }
                pages.extend(page.rows);
            }
            prop_assert_eq!(pages, whole);
        }
    }

    #[test]
    fn what_waits_is_what_the_whole_table_says_of_it(world in history()) {
        let state = world.fold();
        for viewer in [Viewer::Reports, Viewer::Enterprise(firm(1))] {
            let ask = |name, filter: &Filter| {
                let page = state.query(name, filter, viewer, &world.log.rules, world.today());
                page.ok().map(|page| (page.total, page.rows))
            };
            for (name, filter, waits) in waiting() {
                let Some((_, whole)) = ask(name, &Filter::default()) else { continue };
                let wanted: Vec<Value> = whole.into_iter().filter(|row| waits(row)).collect();
                let found = ask(name, &filter).expect("rows");
                prop_assert_eq!((wanted.len(), &wanted), (found.0, &found.1), "{} {:?}", name, &filter);
                let nothing = ask(name, &Filter { limit: Some(0), ..filter.clone() }).expect("rows");
                prop_assert_eq!(nothing, (wanted.len(), Vec::new()));
                if !takes(name).contains(&"order") {
                    continue;
                }
                let mut ordered = wanted;
                ordered.sort_by_key(|row| row["days_left"].as_i64().unwrap_or(i64::MAX));
                let by_due = Filter { order: Some(Order::Due), ..filter };
                prop_assert_eq!(&ask(name, &by_due).expect("rows").1, &ordered, "{}", name);
                let second = ask(name, &Filter { offset: 1, limit: Some(2), ..by_due }).expect("rows").1;
                prop_assert_eq!(second.as_slice(), ordered.get(1..ordered.len().min(3)).unwrap_or_default());
            }
        }
    }

    #[test]
    fn a_filter_leaves_the_rows_that_have_what_it_asks_for(world in history()) {
        let state = world.fold();
        let ask = |name, filter: Filter| {
            let page = state.query(name, &filter, Viewer::Reports, &world.log.rules, world.today());
            page.expect("page").rows
        };
        let deadlines = ask("deadlines", Filter::default());
        for standing in [Standing::Running, Standing::Overdue, Standing::Met, Standing::MetLate, Standing::Dropped] {
            let name = serde_json::to_value(standing).expect("name");
            let wanted: Vec<Value> = deadlines.iter().filter(|row| row["standing"] == name).cloned().collect();
            prop_assert_eq!(ask("deadlines", Filter { standing: Some(standing), ..Filter::default() }), wanted);
        }
        let called = ask("accountability", Filter::default());
        for trigger in Trigger::ALL {
            let has = |row: &&Value| {
                let triggers = row["triggers"].as_array().expect("triggers");
                triggers.iter().any(|called| called["trigger"] == trigger.name())
            };
            let wanted: Vec<Value> = called.iter().filter(has).cloned().collect();
            prop_assert_eq!(ask("accountability", Filter { trigger: Some(trigger), ..Filter::default() }), wanted);
        }
    }
}
