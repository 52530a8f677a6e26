//! What waits is what can be done: every row that a worklist shows, asked of the decider of its stream.

use adit_core::decider::{Decider, Moment};
use adit_core::hazard::{
    self, Because, ElementOnly, Empty, HazardCommand, HazardDecider, HazardRefusal, Penalise, Serve,
};
use adit_core::id::StreamId;
use adit_core::report::{self, ReportCommand, ReportDecider, ReportRefusal};
use adit_core::reward::{self, RewardCommand, RewardDecider};
use adit_core::role::{Party, Role};
use adit_core::rules::five_in_place::{Element, Stage};
use adit_core::units::Fen;
use adit_projections::supervision::Extension;
use adit_projections::{Filter, Next, Viewer};
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{World, assess, assign, because, element, inspectors, officer, reviewed, text, verify};
use crate::{history, plan};

/// The command to which a step leads, by whom it is for; it names the first of the five for which it fits.
fn step(world: &World, state: &hazard::State, next: Next) -> (HazardCommand, Vec<Party>) {
    let at = |stage: Stage| {
        Element::ALL.into_iter().find(|one| state.stage(*one) == stage).unwrap_or(Element::Responsibility)
    };
    let enterprise = officer(Role::Enterprise);
    match next {
        Next::Verify => (verify(None), inspectors()),
        Next::Serve => {
            (HazardCommand::Serve(Serve { principal: true, controller: true }), officer(Role::Handler))
        }
        Next::Assign => (assign(world.today()), officer(Role::Handler)),
        Next::Plan => (HazardCommand::Plan(plan()), enterprise),
        Next::Commit => (HazardCommand::Commit(element(at(Stage::Missing))), enterprise),
        Next::Evidence => (HazardCommand::Evidence(element(at(Stage::Committed)).into()), enterprise),
        Next::Rectify => (HazardCommand::Rectify(because().into()), enterprise),
        Next::Confirm => {
            (HazardCommand::Confirm(ElementOnly { element: at(Stage::Evidenced) }), inspectors())
        }
        Next::Review => (reviewed(true), inspectors()),
        Next::Close => (HazardCommand::Close(Empty {}), officer(Role::Approver)),
        Next::Resume => (HazardCommand::ResumeProduction(because()), officer(Role::Approver)),
    }
}

/// Whether the decider takes it. Histories run beyond the years whose working days are known: that is no reason not to wait.
fn taken<T, R: std::fmt::Debug + PartialEq>(
    decided: Result<T, R>,
    unknown: &R,
    of: &StreamId,
) -> Result<(), String> {
    match decided {
        Err(refusal) if refusal != *unknown => Err(format!("{of} {refusal:?}")),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn hazard_may(world: &World, hazard: &StreamId, command: &HazardCommand, by: &[Party]) -> Result<(), String> {
    let state = &world.hazards[hazard];
    let facts = hazard::Facts {
        acts_for: state.report.as_ref().map(|report| report.enterprise),
        ..hazard::Facts::default()
    };
    let moment = Moment { now: world.log.now, rules: &world.log.rules, by };
    let decided = HazardDecider::decide(state, command, &facts, &moment);
    taken(decided, &HazardRefusal::UnknownYear, hazard)
}

fn report_may(world: &World, row: &Value, command: &ReportCommand, role: Role) -> Result<(), String> {
    let report: StreamId = row["report"].as_str().and_then(|text| text.parse().ok()).expect("report");
    let by = officer(role);
    let moment = Moment { now: world.log.now, rules: &world.log.rules, by: &by };
    let decided = ReportDecider::decide(&world.reports[&report], command, &report::Facts::default(), &moment);
    taken(decided, &ReportRefusal::UnknownYear, &report)
}

fn hazard_of(row: &Value) -> StreamId {
    row["hazard"].as_str().and_then(|text| text.parse().ok()).expect("hazard")
}

/// Rows of a table, as whoever works on cases sees them.
fn rows(world: &World, table: &str, filter: &Filter) -> Vec<Value> {
    world.ask(table, filter, Viewer::Reports).rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_next_for_a_hazard_is_lawful_for_whom_it_is_for_and_what_is_lawful_is_not_left_out(
        world in history()
    ) {
        for row in world.fold().register.rows(&world.log.rules, world.today()) {
            let state = &world.hazards[&row.hazard];
            for next in Next::ALL {
                let (command, by) = step(&world, state, next);
                let lawful = hazard_may(&world, &row.hazard, &command, &by);
                let waits = row.next.contains(&next);
                prop_assert!(!waits || lawful.is_ok(), "{next:?}: {lawful:?}");
                let on_the_line = matches!(
                    next,
                    Next::Verify | Next::Assign | Next::Rectify | Next::Review | Next::Close | Next::Resume
                );
                prop_assert!(waits || !on_the_line || lawful.is_err(), "{next:?} of {} is left out", row.hazard);
            }
            let steps = [Next::Plan, Next::Commit, Next::Evidence, Next::Rectify];
            let mending = row.next.iter().filter(|next| steps.contains(next)).count();
            prop_assert_eq!(mending, usize::from(row.status == hazard::Status::Assigned), "one step at a time");
        }
    }

    #[test]
    fn what_is_asked_of_supervision_and_relief_can_be_decided(world in history()) {
        let asked = Filter { extension: Some(Extension::Waiting), ..Filter::default() };
        for row in rows(&world, "supervision", &asked) {
            let due = world.hazards[&hazard_of(&row)].due.expect("due");
            let until = due.plus_days(1);
            let latest = world.hazards[&hazard_of(&row)].latest.expect("latest");
            let extend = hazard::Extend { until, because: text("理由") };
            let command = if row["overdue"] == true || until > latest {
                HazardCommand::RefuseExtension(because())
            } else {
                HazardCommand::Extend(extend)
            };
            hazard_may(&world, &hazard_of(&row), &command, &officer(Role::Approver)).map_err(TestCaseError::fail)?;
        }
        let listed = Filter { listed: Some(true), ended: Some(true), ..Filter::default() };
        for row in rows(&world, "supervision", &listed) {
            let delist = HazardCommand::Delist(Because { because: text("已销号") });
            hazard_may(&world, &hazard_of(&row), &delist, &officer(Role::Approver)).map_err(TestCaseError::fail)?;
        }
        let refused = Filter { to_penalise: Some(true), ..Filter::default() };
        for row in rows(&world, "relief", &refused) {
            let penalise = HazardCommand::Penalise(Penalise {
                decision: text("应急罚〔2024〕999号"),
                decided_on: world.today(),
                unit_fine_yuan: Fen(1),
                person_fines_yuan: Vec::new(),
                article: text("第102条"),
            });
            hazard_may(&world, &hazard_of(&row), &penalise, &officer(Role::Approver)).map_err(TestCaseError::fail)?;
        }
    }

    #[test]
    fn a_report_is_closed_where_nobody_disputes_it_and_handled_again_where_somebody_does(world in history()) {
        let answered = Filter { report_status: Some(report::Status::Answered), ..Filter::default() };
        for row in rows(&world, "docket", &Filter { disputed: Some(false), ..answered }) {
            let close = ReportCommand::Close(report::Empty {});
            report_may(&world, &row, &close, Role::Approver).map_err(TestCaseError::fail)?;
        }
        for row in rows(&world, "docket", &Filter { disputed: Some(true), ..Filter::default() }) {
            let reopen = ReportCommand::Reopen(report::Because { because: text("有异议") });
            report_may(&world, &row, &reopen, Role::Approver).map_err(TestCaseError::fail)?;
        }
    }

    #[test]
    fn a_reward_is_assessed_for_what_was_handled_and_holds_and_has_none(world in history()) {
        let waits = Filter { unrewarded: Some(true), ..Filter::default() };
        let found = rows(&world, "docket", &waits);
        prop_assert_eq!(world.ask("docket", &waits, Viewer::Intake).total, 0, "it tells of rewards");
        let mut expected = 0;
        for (report, state) in &world.reports {
            let reward = StreamId::new(adit_core::id::StreamKind::Reward, report.id);
            let none = world.rewards.get(&reward).is_none_or(|state| state.status == reward::Status::Absent);
            let handled = matches!(
                state.status,
                report::Status::Handled | report::Status::Answered | report::Status::Closed
            );
            expected += usize::from(none && handled);
        }
        prop_assert_eq!(found.len(), expected);
        let mut world = world;
        for row in found {
            let report: StreamId = row["report"].as_str().and_then(|text| text.parse().ok()).expect("report");
            let assess = RewardCommand::Assess(assess(report.id.0[0]));
            let done = world.try_reward(report.id.0[0], &assess, &officer(Role::Handler));
            prop_assert_eq!(done, Ok(()));
        }
    }

    #[test]
    fn a_reward_that_was_not_claimed_in_time_falls_back(world in history(), days in 0_i64..120) {
        let mut world = world;
        world.later(days);
        let late = Filter {
            reward_status: Some(reward::Status::Notified), overdue: Some(true), ..Filter::default()
        };
        let by = officer(Role::Approver);
        let moment = Moment { now: world.log.now, rules: &world.log.rules, by: &by };
        for row in world.fold().rewards.rows() {
            let forfeit = RewardCommand::Forfeit(reward::Empty {});
            let state = &world.rewards[&row.reward];
            let lawful = RewardDecider::decide(state, &forfeit, &reward::Facts::default(), &moment).is_ok();
            let named = |found: &Value| found["reward"].as_str() == Some(row.reward.to_string().as_str());
            prop_assert_eq!(rows(&world, "rewards", &late).iter().any(named), lawful);
        }
    }
}
