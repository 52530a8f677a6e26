//! Supervision, inspections, duty, notices, accountability, enterprises, statistics, budget: examples worked by hand.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

mod common;

use adit_core::enterprise::{self, ChangeHolder, EnterpriseCommand, Risk};
use adit_core::hazard::{Acknowledge, Escalate, HazardCommand, List, Origin, RecordOverdue, Serve, Step};
use adit_core::inquiry::{self, InquiryCommand};
use adit_core::inspection::{self, InspectionCommand};
use adit_core::reward::{self, RewardCommand};
use adit_core::role::{Party, Role};
use adit_core::rules::accountability::Trigger;
use adit_core::units::{Fen, Position};
use adit_projections::repeat_offenders::By;
use adit_projections::{Filter, Group, Viewer};
use common::{
    CRITERIA, World, assess, assign, because, claimant, day, firm, found, inspectors, officer, penalise, pit,
    register, reviewed, text, verify,
};
use serde_json::{Value, json};

/// Two mines in two towns, of one controller.
fn two_mines() -> World {
    let mut world = World::on("2024-03-01");
    world.enterprise(1, register("示例一矿", "东镇", Some("示例控股")), &officer(Role::Clerk));
    world.enterprise(2, register("示例二矿", "西镇", Some("示例控股")), &officer(Role::Clerk));
    world
}

#[allow(clippy::needless_pass_by_value, reason = "a story reads better without references")]
fn ask(world: &World, model: &str, filter: Filter) -> Vec<Value> {
    world.ask(model, &filter, Viewer::Reports).rows
}

fn all() -> Filter {
    Filter::default()
}

mod given_supervision {
    use super::*;

    #[test]
    fn when_a_miss_is_on_record_then_the_next_step_is_called_for_until_it_is_taken() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        assert!(ask(&world, "supervision", all()).is_empty(), "nothing is late");
        world.later(21);
        assert_eq!(ask(&world, "supervision", all())[0]["overdue"], json!(true));
        let missed = RecordOverdue { clock: "rectify".into() };
        world.hazard(1, HazardCommand::RecordOverdue(missed), &[Party::Log]);
        let row = &ask(&world, "supervision", all())[0];
        assert_eq!((&row["called_for"], &row["misses"][0]["clock"]), (&json!("letter"), &json!("rectify")));
        let letter = Escalate { step: Step::Letter, because: text("进展缓慢") };
        world.hazard(1, HazardCommand::Escalate(letter), &officer(Role::Handler));
        let row = &ask(&world, "supervision", all())[0];
        assert_eq!((&row["called_for"], &row["steps"][0]["step"]), (&Value::Null, &json!("letter")));
    }

    #[test]
    fn when_it_is_listed_then_the_days_to_publish_and_to_ask_for_more_time_stand_there() {
        let mut world = two_mines();
        let today = world.today();
        world.hazard(1, found(firm(1), Origin::SelfInspection, today), &officer(Role::Enterprise));
        world.hazard(1, verify(Some(CRITERIA[0])), &inspectors());
        world.hazard(1, assign(day("2024-06-30")), &officer(Role::Handler));
        let place = Some(text("山东省青岛市"));
        let list = List { authority: text("市安委办"), place, decided_on: None, because: text("难") };
        world.hazard(1, HazardCommand::List(list), &officer(Role::Approver));
        let row = &ask(&world, "supervision", Filter { listed: Some(true), ..all() })[0];
        // 1 March 2024 is a Friday: 4, 5, 6, 7, 8 March. Twenty working days before Sunday 30 June: 30 May.
        assert_eq!(
            (&row["publish_by"], &row["ask_extension_by"]),
            (&json!("2024-03-08"), &json!("2024-05-30"))
        );
    }
}

mod given_inspections {
    use super::*;

    #[test]
    fn when_a_visit_finds_something_then_the_table_shows_who_was_there_what_and_what_followed() {
        let mut world = two_mines();
        let nothing = inspection::NothingFound { checked: text("井下") };
        world.visit(8, 1, &[InspectionCommand::NothingFound(nothing)]).later(3);
        world.found_by_visit(4, 2, Some(CRITERIA[0]));
        let measure = inspection::Enforce { measure: text("责令停产整顿"), article: text("第102条") };
        world.try_inspection(4, &InspectionCommand::Enforce(measure)).expect("lawful");
        let rows = ask(&world, "inspections", Filter { found: Some(true), ..all() });
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["findings"], json!([pit(4)]));
        assert_eq!(rows[0]["by"].as_array().map(Vec::len), Some(2));
        assert_eq!(rows[0]["enforcements"].as_array().map(Vec::len), Some(1));
        let first = ask(&world, "inspections", Filter { enterprise: Some(firm(1)), ..all() });
        assert_eq!((first.len(), &first[0]["nothing_found"]), (1, &json!(true)));
        let late = Filter { from: Some(day("2024-03-04")), ..all() };
        assert_eq!(ask(&world, "inspections", late).len(), 1);
        let own = world.fold().query(
            "inspections",
            &all(),
            Viewer::Enterprise(firm(1)),
            &world.log.rules,
            world.today(),
        );
        assert!(own.is_err(), "a report may have been the cause of an inspection");
    }
}

mod given_the_duty_to_look {
    use super::*;

    fn looked(world: &mut World, by_principal: bool) {
        let inspected_on = world.today();
        let log = enterprise::LogSelfInspection {
            enterprise: firm(1),
            inspected_on,
            led_by_principal: by_principal,
            hazards: Vec::new(),
        };
        world.enterprise(1, EnterpriseCommand::LogSelfInspection(log), &officer(Role::Enterprise));
    }

    #[test]
    fn when_a_month_ends_without_the_principal_then_it_is_missed() {
        let mut world = two_mines();
        // Registered on 1 March. In April the principal leads, in May somebody else does; on 1 June May is over.
        world.later(45);
        looked(&mut world, true);
        world.later(30);
        looked(&mut world, false);
        let row = &ask(&world, "duty", Filter { enterprise: Some(firm(1)), ..all() })[0];
        assert_eq!(
            (&row["missed"], &row["done"], &row["due"]),
            (&json!(0), &json!(false), &json!("2024-05-31"))
        );
        world.later(17);
        assert_eq!(world.today(), day("2024-06-01"));
        let row = &ask(&world, "duty", Filter { enterprise: Some(firm(1)), ..all() })[0];
        assert_eq!((&row["missed"], &row["every_months"]), (&json!(1), &json!(1)));
        let never =
            &ask(&world, "duty", Filter { town: Some("西镇".into()), missed: Some(true), ..all() })[0];
        assert_eq!(never["missed"], json!(2), "April and May");
    }

    #[test]
    fn when_the_risk_is_major_then_three_months_after_the_last_visit_the_next_is_due() {
        let mut world = two_mines();
        let grade = enterprise::Grade { risk: Some(Risk::Major), standardisation: None };
        world.enterprise(1, EnterpriseCommand::Grade(grade), &officer(Role::Approver));
        world.later(30).visit(8, 1, &[]);
        let due = Filter { inspection_due: Some(true), ..all() };
        let row = &ask(&world, "duty", Filter { risk: Some(Risk::Major), ..all() })[0];
        assert_eq!(
            (&row["last_inspected_on"], &row["inspect_by"]),
            (&json!("2024-03-31"), &json!("2024-06-30"))
        );
        world.later(91);
        assert!(ask(&world, "duty", due.clone()).is_empty(), "30 June is in time");
        world.later(1);
        assert_eq!(ask(&world, "duty", due).len(), 1);
    }
}

mod given_notices {
    use super::*;

    #[test]
    fn when_one_is_acknowledged_then_what_was_served_before_is_and_what_comes_later_waits() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        let serve = |principal, controller| HazardCommand::Serve(Serve { principal, controller });
        world.hazard(1, serve(true, false), &officer(Role::Handler)).later(2);
        world.hazard(1, HazardCommand::Acknowledge(Acknowledge::both()), &officer(Role::Enterprise));
        world.hazard(1, serve(false, true), &officer(Role::Handler)).later(5);
        let rows = ask(&world, "notifications", all());
        assert_eq!((&rows[0]["days"], &rows[1]["days"]), (&json!(2), &json!(5)));
        let open = Filter { acknowledged: Some(false), ..all() };
        let own = world.ask("notifications", &open, Viewer::Enterprise(firm(1))).rows;
        assert_eq!((own.len(), &own[0]["controller"]), (1, &json!(true)));
        assert!(world.ask("notifications", &open, Viewer::Enterprise(firm(2))).rows.is_empty());
    }

    #[test]
    fn when_it_was_served_on_two_then_each_acknowledges_it_once_and_it_waits_for_the_other() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        let serve = Serve { principal: true, controller: true };
        world.hazard(1, HazardCommand::Serve(serve), &officer(Role::Handler)).later(2);
        let by = |principal, controller| HazardCommand::Acknowledge(Acknowledge { principal, controller });
        let nobody = world.try_hazard(1, &by(false, false), &officer(Role::Enterprise));
        assert_eq!(nobody, Err("hazard.nothing_served"));
        world.hazard(1, by(true, false), &officer(Role::Enterprise)).later(1);
        let open = Filter { acknowledged: Some(false), ended: Some(false), ..all() };
        let row = &ask(&world, "notifications", open.clone())[0];
        assert_eq!(
            (&row["principal_acknowledged_on"], &row["controller_acknowledged_on"], &row["acknowledged_on"]),
            (&json!("2024-03-03"), &Value::Null, &Value::Null)
        );
        let again = world.try_hazard(1, &by(true, false), &officer(Role::Enterprise));
        assert_eq!(again, Err("hazard.nothing_served"), "once");
        world.hazard(1, by(false, true), &officer(Role::Enterprise));
        assert!(ask(&world, "notifications", open).is_empty());
        assert_eq!(ask(&world, "notifications", all())[0]["acknowledged_on"], json!("2024-03-04"));
    }
}

mod given_accountability {
    use super::*;

    fn triggers(world: &World, filter: Filter) -> Vec<String> {
        let rows = ask(world, "accountability", filter);
        let of = |row: &Value| row["triggers"].as_array().cloned().unwrap_or_default();
        let names =
            rows.iter().flat_map(of).map(|called| called["trigger"].as_str().unwrap_or_default().to_owned());
        names.collect()
    }

    #[test]
    fn when_two_visits_within_a_year_passed_it_by_then_both_are_the_proof() {
        let mut world = two_mines();
        world.visit(11, 1, &[]).later(370);
        world.visit(12, 1, &[]).later(60).visit(13, 1, &[]).later(30);
        world.found_by_visit(1, 1, Some(CRITERIA[0]));
        world.hazard(1, verify(Some(CRITERIA[0])), &inspectors());
        let rows = ask(&world, "accountability", Filter { trigger: Some(Trigger::NotFound), ..all() });
        let visits = ask(&world, "inspections", all());
        let proof = json!([visits[1]["performed_at"], visits[2]["performed_at"]]);
        assert_eq!(
            rows[0]["triggers"][0]["proof"], proof,
            "the visit of more than a year ago does not count"
        );
    }

    #[test]
    fn when_it_was_written_down_without_an_item_then_it_was_understated() {
        let mut world = two_mines();
        world.found_by_visit(1, 1, None);
        world.hazard(1, verify(Some(CRITERIA[0])), &inspectors());
        assert_eq!(triggers(&world, all()), ["understated"]);
        world.found_by_visit(2, 2, Some(CRITERIA[0]));
        world.hazard(2, verify(None), &inspectors());
        assert!(
            triggers(&world, Filter { town: Some("西镇".into()), ..all() }).is_empty(),
            "a general hazard"
        );
    }

    #[test]
    fn when_an_inquiry_was_opened_then_none_is_called_for_any_more() {
        let mut world = two_mines();
        world.found_by_visit(1, 1, None);
        world.hazard(1, verify(Some(CRITERIA[0])), &inspectors());
        let called = |inquired| Filter { inquired: Some(inquired), ..all() };
        assert_eq!((triggers(&world, called(false)).len(), triggers(&world, called(true)).len()), (1, 0));
        let open = inquiry::Open { hazards: vec![pit(1)], trigger: None, because: text("避重就轻") };
        world.inquiry(1, InquiryCommand::Open(open), &officer(Role::Investigator));
        assert_eq!((triggers(&world, called(false)).len(), triggers(&world, called(true)).len()), (0, 1));
    }

    #[test]
    fn when_an_inquiry_was_concluded_and_the_hazard_comes_back_at_once_then_another_one_is_called_for() {
        let mut world = two_mines();
        world.found_by_visit(1, 1, Some(CRITERIA[0]));
        world.hazard(1, verify(Some(CRITERIA[0])), &inspectors());
        let due = world.today().plus_days(20);
        world.hazard(1, assign(due), &officer(Role::Handler)).closed(1);
        let called = || Filter { inquired: Some(false), ..all() };
        assert_eq!(triggers(&world, called()), ["penalty_avoided"]);
        let open = || inquiry::Open { hazards: vec![pit(1)], trigger: None, because: text("规避处罚") };
        world.inquiry(1, InquiryCommand::Open(open()), &officer(Role::Investigator));
        world.hazard(1, HazardCommand::Reopen(because()), &officer(Role::Approver));
        assert!(triggers(&world, called()).is_empty(), "the inquiry that goes on looks into it, too");
        let proof = vec![Position(0)];
        let finding = inquiry::RecordFinding { finding: text("未处罚"), proof };
        world.inquiry(1, InquiryCommand::RecordFinding(finding), &officer(Role::Investigator));
        let conclude = inquiry::Conclude { conclusion: text("已查明"), nobody_responsible: true };
        world.inquiry(1, InquiryCommand::Conclude(conclude), &officer(Role::Approver));
        let found = triggers(&world, called());
        assert!(found.contains(&"reopened_at_once".to_owned()), "it was opened before that: {found:?}");
        world.inquiry(2, InquiryCommand::Open(open()), &officer(Role::Investigator));
        assert!(triggers(&world, called()).is_empty());
    }

    #[test]
    fn when_a_hazard_comes_back_at_once_after_the_conclusion_then_it_calls_for_an_inquiry_again() {
        let mut world = two_mines();
        world.found_by_visit(1, 1, Some(CRITERIA[0]));
        world.hazard(1, verify(Some(CRITERIA[0])), &inspectors());
        let due = world.today().plus_days(20);
        world.hazard(1, assign(due), &officer(Role::Handler)).closed(1);
        let open = inquiry::Open { hazards: vec![pit(1)], trigger: None, because: text("规避处罚") };
        world.inquiry(1, InquiryCommand::Open(open), &officer(Role::Investigator));
        let finding = inquiry::RecordFinding { finding: text("未处罚"), proof: vec![Position(0)] };
        world.inquiry(1, InquiryCommand::RecordFinding(finding), &officer(Role::Investigator));
        let conclude = inquiry::Conclude { conclusion: text("已查明"), nobody_responsible: true };
        world.inquiry(1, InquiryCommand::Conclude(conclude), &officer(Role::Approver));
        let called = || Filter { inquired: Some(false), ..all() };
        assert!(triggers(&world, called()).is_empty(), "all that called for it was looked into");
        world.hazard(1, HazardCommand::Reopen(because()), &officer(Role::Approver));
        let found = triggers(&world, called());
        assert!(found.contains(&"reopened_at_once".to_owned()), "{found:?}");
    }

    #[test]
    fn when_a_found_hazard_is_struck_off_without_a_penalty_then_it_was_avoided_and_a_late_penalty_ends_that()
    {
        let mut world = two_mines();
        world.found_by_visit(1, 1, Some(CRITERIA[0]));
        world.hazard(1, verify(Some(CRITERIA[0])), &inspectors());
        world.hazard(1, assign(day("2024-04-01")), &officer(Role::Handler)).closed(1);
        assert_eq!(triggers(&world, all()), ["penalty_avoided"]);
        let today = world.today();
        world.hazard(1, penalise(1, today), &officer(Role::Approver));
        assert!(triggers(&world, all()).is_empty());
    }

    #[test]
    fn when_a_hazard_is_named_then_its_trace_says_who_knew_what_passed_it_by_and_what_was_late() {
        let mut world = two_mines();
        world.visit(11, 1, &[]).later(10);
        world.assigned(1, 1, CRITERIA[0]);
        let serve = Serve { principal: true, controller: true };
        world.hazard(1, HazardCommand::Serve(serve), &officer(Role::Handler)).later(21);
        world.visit(12, 1, &[]);
        let missed = RecordOverdue { clock: "rectify".into() };
        world.hazard(1, HazardCommand::RecordOverdue(missed), &[Party::Log]);
        let open = inquiry::Open { hazards: vec![pit(1)], trigger: None, because: text("上级交办") };
        world.inquiry(1, InquiryCommand::Open(open), &officer(Role::Investigator));
        let row = &ask(&world, "accountability", Filter { stream: Some(pit(1)), ..all() })[0];
        let trace = &row["trace"];
        let kinds: Vec<&str> = trace["events"]
            .as_array()
            .expect("events")
            .iter()
            .filter_map(|event| event["kind"].as_str())
            .collect();
        let expected =
            ["hazard.reported", "hazard.verified", "hazard.assigned", "hazard.served", "hazard.overdue"];
        assert_eq!(kinds, expected);
        let before: Vec<&Value> =
            trace["inspections"].as_array().expect("visits").iter().map(|visit| &visit["before"]).collect();
        assert_eq!(before, [&json!(true), &json!(false)]);
        assert_eq!(trace["inspections"][0]["found_this"], json!(false));
        assert_eq!(trace["not_in_time"][0]["clock"], json!("rectify"));
        assert_eq!(trace["notices"][0]["controller"], json!(true));
        assert_eq!(trace["inquiries"].as_array().map(Vec::len), Some(1));
    }
}

mod given_who_stands_behind_an_enterprise {
    use super::*;

    #[test]
    fn when_the_controller_changes_then_what_came_before_stays_with_the_old_one() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).later(20);
        let other = ChangeHolder { holder: Some(text("新控股")) };
        world.enterprise(1, EnterpriseCommand::ChangeController(other), &officer(Role::Clerk));
        world.assigned(2, 1, CRITERIA[1]);
        let by = |holder: &str| Filter { by: Some(By::Controller), controller: Some(holder.into()), ..all() };
        let old = ask(&world, "repeat_offenders", by("示例控股"));
        let new = ask(&world, "repeat_offenders", by("新控股"));
        let find = |rows: &[Value], name: &str| {
            rows.iter()
                .find(|row| row["enterprise_name"] == json!(name))
                .map(|row| row["discoveries"].clone())
        };
        assert_eq!(find(&old, "示例控股"), Some(json!(1)));
        assert_eq!(find(&new, "新控股"), Some(json!(1)));
        let own = &ask(&world, "repeat_offenders", Filter { enterprise: Some(firm(1)), ..all() })[0];
        assert_eq!(
            (&own["discoveries"], &own["petition"]),
            (&json!(2), &json!(true)),
            "twice within three months"
        );
        let profile = &ask(&world, "enterprises", Filter { enterprise: Some(firm(1)), ..all() })[0];
        let holders: Vec<&Value> =
            profile["controllers"].as_array().expect("holders").iter().map(|one| &one["holder"]).collect();
        assert_eq!(holders, [&json!("示例控股"), &json!("新控股")]);
    }

    #[test]
    fn when_somebody_died_then_it_stands_still_and_one_death_is_no_larger_accident() {
        let mut world = two_mines();
        let accident = |deaths| {
            EnterpriseCommand::RecordAccident(enterprise::RecordAccident {
                day: day("2024-03-01"),
                deaths,
                seriously_injured: 0,
                direct_loss_yuan: Fen::ZERO,
                description: text("冒顶"),
            })
        };
        world.enterprise(1, accident(1), &inspectors()).enterprise(2, accident(3), &inspectors());
        let codes = |enterprise| {
            let rows =
                ask(&world, "repeat_offenders", Filter { enterprise: Some(firm(enterprise)), ..all() });
            let grounds = rows[0]["grounds"].as_array().cloned().unwrap_or_default();
            grounds
                .iter()
                .map(|ground| ground["code"].as_str().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(codes(1), ["closure.fatal_accident"]);
        assert_eq!(codes(2), ["closure.larger_accident", "closure.fatal_accident"]);
        let accept = enterprise::AcceptResumption { because: text("验收合格") };
        world.enterprise(1, EnterpriseCommand::AcceptResumption(accept), &officer(Role::Approver));
        let row = &ask(&world, "repeat_offenders", Filter { enterprise: Some(firm(1)), ..all() })[0];
        assert_eq!((&row["stands_still"], &row["accidents"]), (&json!(false), &json!(1)));
    }

    #[test]
    fn when_a_major_hazard_is_open_then_it_vetoes_standardisation_and_fines_are_kept_apart() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        let today = world.today();
        world.hazard(1, penalise(1, today), &officer(Role::Approver));
        let row = &ask(&world, "enterprises", Filter { vetoed: Some(true), ..all() })[0];
        assert_eq!((&row["vetoed_by"], &row["open_major"]), (&json!([pit(1)]), &json!(1)));
        assert_eq!(
            (&row["unit_fines_yuan"], &row["person_fines_yuan"]),
            (&json!("40000.00"), &json!("10000.00"))
        );
        assert_eq!((&row["unit_penalties"], &row["person_penalties"]), (&json!(1), &json!(1)));
        world.closed(1);
        assert!(ask(&world, "enterprises", Filter { vetoed: Some(true), ..all() }).is_empty());
    }
}

mod given_statistics {
    use super::*;

    /// March: 1 is verified as major, 2 as general. April: 1 is struck off, 3 is verified as major. May: 1 is open again.
    fn spring() -> World {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        let today = world.today();
        world.hazard(2, found(firm(2), Origin::MonitoringAlert, today), &officer(Role::Clerk));
        world.hazard(2, verify(None), &inspectors()).later(31);
        world.closed(1);
        let today = world.today();
        world.hazard(3, found(firm(2), Origin::Inspection, today), &inspectors());
        world.hazard(3, verify(Some(CRITERIA[1])), &inspectors());
        world.hazard(3, assign(day("2024-04-20")), &officer(Role::Handler)).later(30);
        let missed = RecordOverdue { clock: "rectify".into() };
        world.hazard(3, HazardCommand::RecordOverdue(missed), &[Party::Log]);
        world.hazard(1, HazardCommand::Reopen(because()), &officer(Role::Approver));
        world
    }

    fn figures(rows: &[Value], names: &[&str]) -> Vec<Vec<Value>> {
        rows.iter().map(|row| names.iter().map(|name| row[*name].clone()).collect()).collect()
    }

    #[test]
    fn when_asked_by_month_then_stock_and_flow_add_up() {
        let world = spring();
        let rows = ask(&world, "statistics", all());
        let names = [
            "group",
            "stock_major_before",
            "verified_major",
            "closed_major",
            "reopened_major",
            "stock_major",
        ];
        let expected = [
            json!(["2024-03", 0, 1, 0, 0, 1]),
            json!(["2024-04", 1, 1, 1, 0, 1]),
            json!(["2024-05", 1, 0, 0, 1, 2]),
        ];
        assert_eq!(json!(figures(&rows, &names)), json!(expected));
        let rates: Vec<&Value> = rows.iter().map(|row| &row["closed_rate"]).collect();
        assert_eq!(rates, [&json!("0.00"), &json!("50.00"), &json!("0.00")]);
        assert_eq!(
            json!(figures(&rows, &["stock_general", "overdue", "missed"])),
            json!([[1, 0, 0], [1, 0, 0], [1, 1, 1]])
        );
    }

    #[test]
    fn when_asked_by_town_source_or_item_then_the_groups_sum_to_the_whole() {
        let world = spring();
        let whole = &ask(&world, "statistics", Filter { group: Some(Group::Year), ..all() })[0];
        for group in [Group::Town, Group::Source, Group::Sector, Group::Criterion, Group::Enterprise] {
            let rows = ask(&world, "statistics", Filter { group: Some(group), ..all() });
            let sum: i64 = rows.iter().filter_map(|row| row["stock_major"].as_i64()).sum();
            assert_eq!(Some(sum), whole["stock_major"].as_i64(), "{group:?}");
        }
        let west = Filter {
            group: Some(Group::Town),
            from: Some(day("2024-04-01")),
            to: Some(day("2024-04-30")),
            ..all()
        };
        let rows = ask(&world, "statistics", west);
        let names = ["group", "stock_major_before", "verified_major", "stock_major", "cleared_to_zero"];
        assert_eq!(json!(figures(&rows, &names)), json!([["西镇", 0, 1, 1, false], ["东镇", 1, 0, 0, true]]));
    }

    #[test]
    fn when_the_year_is_summed_up_on_5_december_then_later_days_do_not_count() {
        let world = spring();
        let filter = Filter { group: Some(Group::Year), to: Some(day("2024-04-30")), ..all() };
        let rows = ask(&world, "statistics", filter);
        assert_eq!(
            json!(figures(&rows, &["group", "to", "stock_major"])),
            json!([["2024", "2024-04-30", 1]])
        );
    }

    #[test]
    fn when_reports_are_handled_then_the_rate_names_its_numerator_and_denominator() {
        let mut world = two_mines();
        world.handled(7, "20100");
        world.report(8, common::telephone(8), &officer(Role::Clerk));
        let accept = adit_core::report::ReportCommand::Accept(adit_core::report::Empty {});
        world.report(8, accept, &officer(Role::Clerk));
        let row = &ask(&world, "statistics", all())[0];
        assert_eq!((&row["handled_of_accepted"], &row["reports_accepted"]), (&json!(1), &json!(2)));
        assert_eq!(row["handled_rate"], json!("50.00"));
        assert_eq!(row["not_handled"].as_array().map(Vec::len), Some(1));
        let office = world.ask("statistics", &all(), Viewer::Office).rows;
        assert_eq!(office[0]["handled_rate"], json!("50.00"), "leaders learn how many");
        assert_eq!((&office[0]["handled"], &office[0]["not_handled"]), (&json!([]), &json!([])));
        let town = ask(&world, "statistics", Filter { town: Some("东镇".into()), ..all() });
        assert_eq!(town[0]["reports_accepted"], Value::Null, "no filter tells whom a report is about");
    }
}

mod given_joint_reporters {
    use super::*;

    /// 30.00 yuan above the floor for two: 1,507.50 each. The second never claims.
    fn joint() -> World {
        let mut world = two_mines();
        world.report(7, common::telephone(7), &officer(Role::Clerk));
        let accept = adit_core::report::ReportCommand::Accept(adit_core::report::Empty {});
        world.report(7, accept, &officer(Role::Clerk));
        let keys = [common::claim_key(7), common::claim_key(9)];
        let state = world.reports.values_mut().next().expect("report");
        state.claim_keys = keys.iter().map(|key| adit_core::ledger::vkey::hex(key.key())).collect();
        world.report(7, common::substantiated(7), &inspectors());
        world.report(7, common::fined("20100"), &officer(Role::Handler));
        world.reward(7, RewardCommand::Assess(assess(7)), &officer(Role::Handler));
        world.reward(7, RewardCommand::Approve(reward::Empty {}), &officer(Role::Approver));
        world.reward(7, RewardCommand::Notify(reward::Empty {}), &officer(Role::Clerk)).later(1);
        let claim = reward::Claim::of(common::claim_key(7));
        world.reward(7, RewardCommand::Claim(claim), &claimant(7));
        world
    }

    fn pay(amount: &str) -> RewardCommand {
        let amount_yuan = amount.parse().expect("money");
        RewardCommand::Pay(reward::Pay::whole(amount_yuan, text("1号")))
    }

    #[test]
    fn when_one_does_not_claim_in_time_then_that_share_is_forfeited_and_the_other_paid() {
        let mut world = joint();
        let early = RewardCommand::Forfeit(reward::Empty {});
        assert_eq!(world.try_reward(7, &early, &officer(Role::Approver)), Err("reward.claim_period_runs"));
        assert_eq!(world.try_reward(7, &pay("1507.50"), &officer(Role::Finance)), Err("reward.not_claimed"));
        world.budget(2024, "10000").later(61);
        world.reward(7, RewardCommand::Forfeit(reward::Empty {}), &officer(Role::Approver));
        assert_eq!(world.try_reward(7, &pay("3015"), &officer(Role::Finance)), Err("reward.other_amount"));
        world.reward(7, pay("1507.50"), &officer(Role::Finance));
        let row = &ask(&world, "rewards", all())[0];
        assert_eq!((&row["status"], &row["paid_yuan"]), (&json!("paid"), &json!("1507.50")));
        assert_eq!((&row["forfeited_yuan"], &row["claimed"]), (&json!("1507.50"), &json!(1)));
        let year = &ask(&world, "reward_budget", all())[0];
        assert_eq!((&year["paid_yuan"], &year["forfeited_yuan"]), (&json!("1507.50"), &json!("1507.50")));
        assert_eq!((&year["open_yuan"], &year["left_yuan"]), (&json!("0.00"), &json!("8492.50")));
    }

    fn deny() -> RewardCommand {
        let excluded = Some(adit_core::rules::reward::Exclusion::AlreadyHandled);
        RewardCommand::Reassess(reward::Assess { excluded, ..assess(7) })
    }

    #[test]
    fn when_a_reward_is_denied_then_nothing_is_promised_and_its_claim_period_was_not_met() {
        let mut world = two_mines();
        world.handled(7, "20100");
        world.reward(7, RewardCommand::Assess(assess(7)), &officer(Role::Handler));
        world.reward(7, RewardCommand::Approve(reward::Empty {}), &officer(Role::Approver));
        world.reward(7, RewardCommand::Notify(reward::Empty {}), &officer(Role::Clerk));
        let both = [officer(Role::Handler), officer(Role::Approver)].concat();
        world.budget(2024, "10000").reward(7, deny(), &both);
        let row = &ask(&world, "rewards", all())[0];
        assert_eq!((&row["status"], &row["amount_yuan"]), (&json!("denied"), &json!("0.00")));
        assert_eq!((&row["claim_due"], &row["assessments"]), (&Value::Null, &json!(2)));
        assert_eq!(row["reasons"][0]["code"], "reward.excluded_already_handled");
        let denied = Filter { reward_status: Some(reward::Status::Denied), ..all() };
        assert_eq!(ask(&world, "rewards", denied).len(), 1);
        let year = &ask(&world, "reward_budget", all())[0];
        assert_eq!((&year["approved"], &year["left_yuan"]), (&json!(0), &json!("10000.00")));
        let claim = Filter { clock: Some("claim".into()), ..all() };
        assert_eq!(ask(&world, "deadlines", claim)[0]["standing"], "dropped");
    }

    #[test]
    fn when_a_paid_reward_is_denied_then_all_of_it_was_too_much() {
        let mut world = joint();
        world.reward(7, RewardCommand::Claim(reward::Claim::of(common::claim_key(9))), &claimant(9));
        world.reward(7, pay("3015"), &officer(Role::Finance));
        let both = [officer(Role::Handler), officer(Role::Approver)].concat();
        world.reward(7, deny(), &both);
        let row = &ask(&world, "rewards", all())[0];
        assert_eq!((&row["paid_yuan"], &row["overpaid_yuan"]), (&json!("3015.00"), &json!("3015.00")));
    }

    #[test]
    fn when_the_claim_period_is_extended_then_the_tables_show_the_new_day() {
        let mut world = two_mines();
        world.handled(7, "20100");
        world.reward(7, RewardCommand::Assess(assess(7)), &officer(Role::Handler));
        world.reward(7, RewardCommand::Approve(reward::Empty {}), &officer(Role::Approver));
        world.reward(7, RewardCommand::Notify(reward::Empty {}), &officer(Role::Clerk));
        let until = world.today().plus_days(90);
        let extend = RewardCommand::Extend(reward::Extend { until, because: text("举报人住院") });
        world.reward(7, extend, &officer(Role::Approver));
        assert_eq!(ask(&world, "rewards", all())[0]["claim_due"], json!(until));
        let claim = Filter { clock: Some("claim".into()), ..all() };
        let run = &ask(&world, "deadlines", claim)[0];
        assert_eq!((&run["due"], &run["times_extended"]), (&json!(until), &json!(1)));
        assert_eq!(run["first_due"], json!(world.today().plus_days(60)));
        let kind = Filter { kind: Some("reward.extended".into()), ..all() };
        assert_eq!(ask(&world, "timeline", kind).len(), 1);
    }

    #[test]
    fn when_the_fine_changes_after_payment_then_the_difference_is_paid_and_never_twice() {
        let mut world = two_mines();
        world.handled(7, "20100");
        world.reward(7, RewardCommand::Assess(assess(7)), &officer(Role::Handler));
        let round = |world: &mut World| {
            world.reward(7, RewardCommand::Approve(reward::Empty {}), &officer(Role::Approver));
            world.reward(7, RewardCommand::Notify(reward::Empty {}), &officer(Role::Clerk));
        };
        round(&mut world);
        let claim = reward::Claim::of(common::claim_key(7));
        world.reward(7, RewardCommand::Claim(claim), &claimant(7)).reward(
            7,
            pay("3015"),
            &officer(Role::Finance),
        );
        for (amount, then) in
            [("6015", Ok(())), ("6015", Err("reward.already_paid")), ("3000", Err("reward.already_paid"))]
        {
            let otherwise = reward::Otherwise {
                amount_yuan: amount.parse().expect("money"),
                because: text("事故定级"),
            };
            let again = reward::Assess { otherwise: Some(otherwise), ..assess(7) };
            world.reward(7, RewardCommand::Reassess(again), &officer(Role::Handler));
            round(&mut world);
            assert_eq!(world.try_reward(7, &pay("3000"), &officer(Role::Finance)), then, "{amount}");
        }
        let row = &ask(&world, "rewards", all())[0];
        assert_eq!((&row["paid_yuan"], &row["overpaid_yuan"]), (&json!("6015.00"), &json!("3015.00")));
    }
}

#[test]
fn given_a_general_hazard_when_it_is_passed_then_only_the_approval_is_missing() {
    let mut world = two_mines();
    let today = world.today();
    world.hazard(1, found(firm(1), Origin::SelfInspection, today), &officer(Role::Enterprise));
    world.hazard(1, verify(None), &inspectors());
    world.hazard(1, assign(today.plus_days(9)), &officer(Role::Handler));
    world.hazard(1, HazardCommand::Rectify(because().into()), &officer(Role::Enterprise));
    world.hazard(1, reviewed(true), &inspectors());
    assert_eq!(ask(&world, "five_in_place", all())[0]["missing"], json!(["approval"]));
}

#[test]
fn given_two_towns_when_the_five_are_summed_up_then_each_town_has_its_row() {
    let mut world = two_mines();
    world.assigned(1, 1, CRITERIA[0]).assigned(2, 2, CRITERIA[1]).five(1);
    let rows = ask(&world, "five_in_place", Filter { group: Some(Group::Town), ..all() });
    let figures: Vec<Value> =
        rows.iter().map(|row| json!([row["group"], row["hazards"], row["in_place"]])).collect();
    assert_eq!(figures, [json!(["东镇", 1, 1]), json!(["西镇", 1, 0])]);
}
