//! What each table says in the situations that it is for.

#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use adit_core::enterprise::{ChangeLicence, EnterpriseCommand, PetitionClosure, RecordAccident};
use adit_core::hazard::{DecideRelief, ElementOnly, Extend, HazardCommand, Origin, RecordOverdue};
use adit_core::id::StreamKind;
use adit_core::reward::{self, Claim, RewardCommand, Status};
use adit_core::role::{Party, Role};
use adit_core::rules::closure::Licence;
use adit_core::rules::five_in_place::Element;
use adit_core::units::Fen;
use adit_projections::deadlines::Standing;
use adit_projections::five_in_place::Missing;
use adit_projections::repeat_offenders::By;
use adit_projections::{Filter, Grade, NAMES, ProjectionError, Projections, Viewer, takes};
use common::{
    CRITERIA, World, assess, because, claim_key, claimant, day, element, firm, found, inspectors, officer,
    penalise, pit, register, reviewed, stream, text, verify,
};

/// Two mines in two towns, of one controller.
fn two_mines() -> World {
    let mut world = World::on("2024-03-01");
    world.enterprise(1, register("示例一矿", "东镇", Some("示例控股")), &officer(Role::Clerk));
    world.enterprise(2, register("示例二矿", "西镇", Some("示例控股")), &officer(Role::Clerk));
    world
}

fn hazards(world: &World, filter: &Filter) -> Vec<String> {
    let rows = world.ask("register", filter, Viewer::Reports).rows;
    rows.iter().map(|row| row["hazard"].as_str().unwrap_or_default().to_owned()).collect()
}

mod given_a_register {
    use super::*;

    /// 1: major, assigned; 2: general; 3: not verified yet.
    fn three() -> World {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).later(5);
        let today = world.today();
        world.hazard(2, found(firm(2), Origin::MonitoringAlert, today), &officer(Role::Clerk));
        world.hazard(2, verify(None), &inspectors()).later(5);
        let today = world.today();
        world.hazard(3, found(firm(2), Origin::Inspection, today), &inspectors());
        world
    }

    #[test]
    fn when_one_filter_is_set_then_only_what_fits_is_listed() {
        let world = three();
        let all = || Filter::default();
        let (one, two, three) = (pit(1).to_string(), pit(2).to_string(), pit(3).to_string());
        let cases = [
            (all(), vec![&one, &two, &three]),
            (Filter { enterprise: Some(firm(2)), ..all() }, vec![&two, &three]),
            (Filter { stream: Some(pit(2)), ..all() }, vec![&two]),
            (Filter { town: Some("东镇".into()), ..all() }, vec![&one]),
            (Filter { sector: Some(adit_core::rules::reward::Sector::Chemical), ..all() }, vec![]),
            (Filter { origin: Some(Origin::Inspection), ..all() }, vec![&three]),
            (Filter { status: Some(adit_core::hazard::Status::Verified), ..all() }, vec![&two]),
            (Filter { criterion: Some(CRITERIA[0].into()), ..all() }, vec![&one]),
            (Filter { grade: Some(Grade::Major), ..all() }, vec![&one]),
            (Filter { grade: Some(Grade::General), ..all() }, vec![&two]),
            (Filter { from: Some(day("2024-03-06")), to: Some(day("2024-03-06")), ..all() }, vec![&two]),
            (Filter { contains: Some("二矿".into()), ..all() }, vec![&two, &three]),
            (Filter { contains: Some("顶板".into()), limit: Some(1), offset: 1, ..all() }, vec![&two]),
            (Filter { overdue: Some(true), ..all() }, vec![]),
            (Filter { listed: Some(true), ..all() }, vec![]),
            (Filter { suspended: Some(false), grade: Some(Grade::Major), ..all() }, vec![&one]),
        ];
        for (filter, expected) in cases {
            assert_eq!(hazards(&world, &filter).iter().collect::<Vec<_>>(), expected, "{filter:?}");
        }
    }

    #[test]
    fn when_the_due_day_has_passed_then_it_is_overdue_from_the_next_day_on() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        let overdue = Filter { overdue: Some(true), ..Filter::default() };
        world.later(20);
        assert!(hazards(&world, &overdue).is_empty(), "the last day is still in time");
        world.later(1);
        assert_eq!(hazards(&world, &overdue), [pit(1).to_string()]);
    }

    #[test]
    fn when_a_table_has_no_such_filter_then_it_says_so() {
        let world = two_mines();
        let filter = Filter { in_place: Some(true), ..Filter::default() };
        let asked = world.fold().query("register", &filter, Viewer::Reports, &world.log.rules, world.today());
        let error = asked.map(|page| page.total).map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("\"in_place\"")), "the filter is named");
        let unknown = world.fold().rows("regster", &world.log.rules, world.today());
        assert!(matches!(unknown, Err(ProjectionError::Unknown(name)) if name == "regster"));
    }

    #[test]
    fn when_each_filter_is_looked_for_then_some_table_takes_it() {
        let all = Filter {
            stream: Some(pit(1)),
            town: Some(String::new()),
            year: Some(2024),
            petition: Some(true),
            ..Filter::default()
        };
        for given in all.given() {
            assert!(NAMES.iter().any(|name| takes(name).contains(&given)), "{given} is taken by no table");
        }
    }
}

mod given_five_elements {
    use super::*;

    #[test]
    fn when_four_are_confirmed_then_it_is_not_in_place_and_the_fifth_is_named() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        for one in &Element::ALL[..4] {
            world.hazard(1, HazardCommand::Commit(element(*one)), &officer(Role::Enterprise));
            world.hazard(1, HazardCommand::Evidence(element(*one).into()), &officer(Role::Enterprise));
            world.hazard(1, HazardCommand::Confirm(ElementOnly { element: *one }), &inspectors());
        }
        let row = &world.fold().five_in_place.rows(&world.log.rules)[0];
        assert!(!row.in_place);
        assert_eq!(row.not_confirmed, [Element::EmergencyPlan]);
        let missing =
            [Missing::Rectification, Missing::FiveInPlace, Missing::ReviewOnSite, Missing::Approval];
        assert_eq!(row.missing, missing);
        let steps = &row.steps[&Element::Funds];
        assert_eq!(steps.len(), 3, "committed, evidenced, confirmed");
        assert_eq!(steps[2].by.len(), 2, "both inspectors are named");
        assert_eq!(row.proof[&Element::Funds], steps[2].position);
    }

    #[test]
    fn when_it_is_reopened_then_nothing_is_in_place_any_more() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).closed(1);
        assert!(
            world.fold().five_in_place.rows(&world.log.rules)[0].missing.is_empty(),
            "closed: nothing is missing"
        );
        world.hazard(1, HazardCommand::Reopen(because()), &officer(Role::Approver));
        let row = &world.fold().five_in_place.rows(&world.log.rules)[0];
        assert_eq!(row.not_confirmed.len(), 5);
        assert!(row.steps.is_empty());
    }
}

mod given_a_running_clock {
    use super::*;

    fn standing(world: &World) -> Vec<(String, Standing)> {
        let rows = world.fold().deadlines.rows(world.today());
        rows.into_iter().map(|row| (row.clock, row.standing)).collect()
    }

    #[test]
    fn when_it_is_stopped_in_time_then_it_was_met_and_the_next_one_runs() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).five(1);
        assert_eq!(standing(&world), [("rectify".into(), Standing::Running)]);
        world.hazard(1, HazardCommand::Rectify(because().into()), &officer(Role::Enterprise));
        assert_eq!(
            standing(&world),
            [("review".into(), Standing::Running), ("rectify".into(), Standing::Met)]
        );
    }

    #[test]
    fn when_it_is_extended_then_both_due_days_are_told() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        let first = world.today().plus_days(20);
        let state = &world.hazards[&pit(1)];
        let until = state.latest.expect("a limit");
        let moved = until > first;
        let extend = Extend { until, because: text("设备到货推迟") };
        assert_eq!(
            world.try_hazard(1, &HazardCommand::Extend(extend), &officer(Role::Approver)).is_ok(),
            moved,
            "the rule's limit is the last day"
        );
        let row = &world.fold().deadlines.rows(world.today())[0];
        assert_eq!((row.first_due, row.due), (first, if moved { until } else { first }));
        assert_eq!(row.times_extended, u32::from(moved));
    }

    #[test]
    fn when_it_is_missed_then_it_is_overdue_with_the_record_and_later_met_late() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).five(1).later(21);
        let missed = RecordOverdue { clock: "rectify".into() };
        world.hazard(1, HazardCommand::RecordOverdue(missed), &[Party::Log]);
        let row = &world.fold().deadlines.rows(world.today())[0];
        assert_eq!((row.standing, row.days_left), (Standing::Overdue, Some(-1)));
        assert!(row.missed_at.is_some());
        world.hazard(1, HazardCommand::Rectify(because().into()), &officer(Role::Enterprise));
        assert!(standing(&world).contains(&("rectify".into(), Standing::MetLate)));
    }

    #[test]
    fn when_it_fails_review_and_is_assigned_again_after_reopening_then_each_run_is_kept() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).closed(1);
        world.hazard(1, HazardCommand::Reopen(because()), &officer(Role::Approver));
        let due = world.today().plus_days(5);
        world.hazard(1, common::assign(due), &officer(Role::Handler));
        let rows = world.fold().deadlines.rows(world.today());
        assert_eq!(rows.iter().filter(|row| row.clock == "rectify").count(), 2);
        assert_eq!(rows[0].due, due, "the running one stands first");
    }
}

mod given_a_reward {
    use super::*;

    fn assessed() -> World {
        let mut world = two_mines();
        world.handled(7, "20100");
        world.reward(7, RewardCommand::Assess(assess(7)), &officer(Role::Handler));
        world
    }

    #[test]
    fn when_it_is_a_share_of_the_fine_then_base_share_and_reasons_are_told() {
        let world = assessed();
        let row = &world.fold().rewards.rows()[0];
        assert_eq!(row.amount_yuan.to_string(), "3015.00");
        assert_eq!(row.base_yuan.map(|base| base.to_string()).as_deref(), Some("20100.00"));
        assert_eq!(row.share_percent.as_deref(), Some("15"));
        assert!(!row.reasons.is_empty() && row.rule.is_some());
    }

    #[test]
    fn when_it_is_paid_then_the_year_and_the_status_have_it() {
        let mut world = assessed();
        world.reward(7, RewardCommand::Approve(reward::Empty {}), &officer(Role::Approver));
        world.reward(7, RewardCommand::Notify(reward::Empty {}), &officer(Role::Clerk));
        world.reward(7, RewardCommand::Claim(Claim::of(claim_key(7))), &claimant(7));
        assert_eq!(world.fold().rewards.paid_in(2024), Fen::ZERO);
        let pay = reward::Pay::whole(Fen(301_500), text("1号"));
        world.reward(7, RewardCommand::Pay(pay), &officer(Role::Finance));
        let rewards = world.fold().rewards;
        assert_eq!(rewards.paid_in(2024), Fen(301_500));
        assert_eq!(rewards.paid_in(2023), Fen::ZERO);
        assert_eq!(rewards.by_status()[&Status::Paid].rewards, 1);
        let of_year = |year| Filter { year: Some(year), ..Filter::default() };
        assert_eq!(world.ask("rewards", &of_year(2024), Viewer::Reports).total, 1);
        assert_eq!(world.ask("rewards", &of_year(2025), Viewer::Reports).total, 0);
    }

    #[test]
    fn when_finance_asks_then_the_case_is_not_told() {
        let world = assessed();
        let rows = world.ask("rewards", &Filter::default(), Viewer::Finance).rows;
        let text = rows[0].to_string();
        assert!(text.contains("3015.00"));
        assert!(!text.contains("matter-7") && !text.contains("\"report/") && !text.contains("20100"));
        let state = world.fold();
        let other =
            state.query("register", &Filter::default(), Viewer::Finance, &world.log.rules, world.today());
        assert!(matches!(other, Err(ProjectionError::NotForViewer("register"))));
    }

    #[test]
    fn when_an_enterprise_asks_then_it_is_not_for_it_whether_or_not_there_is_one() {
        for world in [two_mines(), assessed()] {
            let viewer = Viewer::Enterprise(firm(1));
            let asked =
                world.fold().query("rewards", &Filter::default(), viewer, &world.log.rules, world.today());
            assert!(matches!(asked, Err(ProjectionError::NotForViewer("rewards"))));
        }
    }

    #[test]
    fn when_the_fine_changes_then_it_needs_a_new_approval() {
        let mut world = assessed();
        world.reward(7, RewardCommand::Approve(reward::Empty {}), &officer(Role::Approver));
        world.reward(7, RewardCommand::Reassess(assess(7)), &officer(Role::Handler));
        let row = &world.fold().rewards.rows()[0];
        assert_eq!((row.status, row.assessments), (Status::Assessed, 2));
    }
}

mod given_offences {
    use super::*;

    fn rows(world: &World, filter: &Filter) -> Vec<serde_json::Value> {
        world.ask("repeat_offenders", filter, Viewer::Office).rows
    }

    fn codes(row: &serde_json::Value) -> Vec<&str> {
        let grounds = row["grounds"].as_array().map(Vec::as_slice).unwrap_or_default();
        grounds.iter().filter_map(|reason| reason["code"].as_str()).collect()
    }

    #[test]
    fn when_a_major_hazard_is_found_twice_in_three_months_then_the_entries_prove_it() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        assert!(rows(&world, &Filter::default()).is_empty(), "once is not again");
        world.later(30).assigned(2, 1, CRITERIA[1]);
        let rows = rows(&world, &Filter::default());
        assert_eq!(codes(&rows[0]), ["closure.found_again"]);
        let proof: Vec<u64> = rows[0]["proof"]
            .as_array()
            .expect("proof")
            .iter()
            .filter_map(serde_json::Value::as_u64)
            .collect();
        let kinds: Vec<&str> = proof
            .iter()
            .map(|position| world.log.facts[usize::try_from(*position).expect("small")].event.kind())
            .collect();
        assert_eq!(kinds, ["hazard.verified", "hazard.verified"]);
    }

    #[test]
    fn when_it_is_asked_as_of_an_earlier_day_then_later_ones_do_not_count() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).later(30).assigned(2, 1, CRITERIA[1]);
        let before = world.today().plus_days(-1);
        assert!(world.fold().repeat_offenders.rows(&world.log.rules, before).is_empty());
    }

    #[test]
    fn when_the_same_item_comes_again_after_closing_then_it_is_a_recurrence() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).closed(1).later(200).assigned(2, 1, CRITERIA[0]);
        let rows = rows(&world, &Filter::default());
        assert_eq!(codes(&rows[0]), ["closure.recurrence"]);
        assert_eq!((rows[0]["petition"].as_bool(), rows[0]["recurrences"].as_u64()), (Some(true), Some(1)));
    }

    #[test]
    fn when_a_petition_is_made_then_none_waits_any_more() {
        let mut world = two_mines();
        let change = ChangeLicence { licence: Licence::None, producing: true };
        world.enterprise(2, EnterpriseCommand::ChangeLicence(change), &officer(Role::Clerk));
        let called =
            |petitioned| Filter { petition: Some(true), petitioned: Some(petitioned), ..Filter::default() };
        assert_eq!((rows(&world, &called(false)).len(), rows(&world, &called(true)).len()), (1, 0));
        let petition = EnterpriseCommand::PetitionClosure(PetitionClosure { because: text("无证生产") });
        world.enterprise(2, petition, &officer(Role::Approver));
        assert_eq!((rows(&world, &called(false)).len(), rows(&world, &called(true)).len()), (0, 1));
    }

    #[test]
    fn when_three_are_penalised_in_half_a_year_then_the_second_counter_has_them() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        for number in 1..=3 {
            let today = world.later(20).today();
            world.hazard(1, penalise(number, today), &officer(Role::Approver));
        }
        let rows = rows(&world, &Filter::default());
        assert_eq!(codes(&rows[0]), ["closure.penalised_short"]);
        assert_eq!(rows[0]["penalties"], 3);
    }

    #[test]
    fn when_each_mine_has_one_discovery_then_their_controller_has_two() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).later(30).assigned(2, 2, CRITERIA[1]);
        assert!(rows(&world, &Filter::default()).is_empty());
        for by in [By::Controller, By::Parent] {
            let rows = rows(&world, &Filter { by: Some(by), ..Filter::default() });
            assert_eq!(rows.len(), 1);
            assert_eq!(rows[0]["discoveries"], 2);
            assert_eq!(rows[0]["enterprises"].as_array().map(Vec::len), Some(2));
        }
    }

    #[test]
    fn when_two_accidents_fall_in_a_year_then_an_interview_is_due_without_a_petition() {
        let mut world = two_mines();
        for _ in 0..2 {
            let accident = RecordAccident {
                day: world.later(40).today(),
                deaths: 0,
                seriously_injured: 1,
                direct_loss_yuan: Fen(0),
                description: text("冒顶"),
            };
            world.enterprise(1, EnterpriseCommand::RecordAccident(accident), &inspectors());
        }
        let rows = rows(&world, &Filter::default());
        assert_eq!(codes(&rows[0]), ["closure.interview"]);
        assert_eq!(rows[0]["petition"], false);
    }

    #[test]
    fn when_it_produces_without_a_licence_then_that_is_a_ground() {
        let mut world = two_mines();
        let change = ChangeLicence { licence: Licence::None, producing: true };
        world.enterprise(2, EnterpriseCommand::ChangeLicence(change), &officer(Role::Clerk));
        let rows = rows(&world, &Filter { petition: Some(true), ..Filter::default() });
        assert_eq!(codes(&rows[0]), ["closure.no_licence"]);
        assert_eq!(rows[0]["enterprise_name"], "示例二矿");
    }
}

mod given_a_hazard_that_was_self_reported {
    use super::*;

    #[test]
    fn when_nobody_has_decided_then_it_is_pending_and_one_found_by_inspection_is_not_listed() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        let today = world.today();
        world.hazard(2, found(firm(2), Origin::Inspection, today), &inspectors());
        let rows = world.rows("relief");
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["decision"], "pending");
    }

    #[test]
    fn when_it_is_decided_otherwise_then_the_office_reads_why_and_the_enterprise_does_not() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).five(1);
        let decide =
            DecideRelief {
                otherwise: Some(text("另有考虑")), person: None, rectification_refused: false
            };
        world.hazard(1, HazardCommand::DecideRelief(decide), &officer(Role::Approver));
        let office = &world.ask("relief", &Filter::default(), Viewer::Office).rows[0];
        assert_eq!((&office["decision"], &office["rule_says"]), (&"refused".into(), &"relieved".into()));
        assert_eq!(office["otherwise"], "另有考虑");
        assert_eq!(
            office["proof"].as_array().map(Vec::len),
            Some(4),
            "the report, the due day, the measures, the decision"
        );
        let own = &world.ask("relief", &Filter::default(), Viewer::Enterprise(firm(1))).rows[0];
        assert!(own["otherwise"].is_null());
        let other = world.ask("relief", &Filter::default(), Viewer::Enterprise(firm(2)));
        assert_eq!(other.total, 0);
    }
}

mod given_a_timeline {
    use super::*;

    #[test]
    fn when_one_stream_is_asked_for_then_its_events_come_in_order_with_who_signed() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).five(1).assigned(2, 2, CRITERIA[1]);
        world.hazard(1, HazardCommand::Rectify(because().into()), &officer(Role::Enterprise));
        world.hazard(1, reviewed(false), &inspectors());
        let steps = world.fold().timeline.of(&pit(1));
        assert_eq!(steps.first().map(|step| step.kind.as_str()), Some("hazard.reported"));
        assert_eq!(
            steps.last().map(|step| (step.kind.as_str(), step.by.len())),
            Some(("hazard.reviewed", 2))
        );
        assert!(steps.iter().zip(0..).all(|(step, revision)| step.revision == revision));
        assert!(steps.is_sorted_by_key(|step| step.position));
    }

    #[test]
    fn when_an_office_without_reports_asks_then_their_entries_are_not_there() {
        let mut world = two_mines();
        world.handled(7, "20100");
        let report = stream(StreamKind::Report, 7);
        let of = Filter { stream: Some(report), ..Filter::default() };
        assert_eq!(world.ask("timeline", &of, Viewer::Reports).total, 4);
        assert_eq!(world.ask("timeline", &of, Viewer::Office).total, 0);
        assert_eq!(world.ask("timeline", &Filter::default(), Viewer::Office).total, 2);
    }
}

mod given_somebody_asks_what_they_signed {
    use super::*;

    #[test]
    fn then_every_entry_of_theirs_is_found_in_order_whatever_its_stream_and_no_other() {
        use adit_core::units::Position;
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).five(1);
        world.hazard(1, HazardCommand::Rectify(because().into()), &officer(Role::Enterprise));
        world.hazard(1, reviewed(false), &inspectors());
        world.handled(7, "20100");
        let state = world.fold();
        let rows = state.timeline.rows();
        let actors: std::collections::BTreeSet<_> = rows.iter().flat_map(|row| row.by.clone()).collect();
        assert!(actors.len() > 3);
        for actor in actors {
            let own: Vec<_> =
                rows.iter().filter(|row| row.by.contains(&actor)).map(|row| row.position).collect();
            let signed = |filter: Filter, until| state.timeline.signed_by(actor, &filter, Position(until));
            assert_eq!(signed(Filter::default(), u64::MAX).rows, own);
            let page = signed(Filter { offset: 1, limit: Some(1), ..Filter::default() }, u64::MAX);
            assert_eq!((page.total, page.rows.first()), (own.len(), own.get(1)));
            let before = own.iter().filter(|position| position.0 < 6).count();
            assert_eq!(signed(Filter::default(), 6).total, before);
            let report = Filter { stream: Some(stream(StreamKind::Report, 7)), ..Filter::default() };
            let there = rows
                .iter()
                .filter(|row| row.by.contains(&actor) && row.stream == stream(StreamKind::Report, 7));
            assert_eq!(signed(report, u64::MAX).total, there.count());
            let past = Filter { to: Some(day("2024-02-29")), ..Filter::default() };
            assert_eq!(signed(past, u64::MAX).total, 0);
        }
    }
}

mod given_a_report_that_is_kept_from_an_officer {
    use super::*;
    use adit_core::id::{ActorId, Id};
    use adit_core::report::{Link, ReportCommand};
    use adit_projections::Asker;

    const KEPT: ActorId = ActorId(Id([0x4b; 16]));

    /// A report that was received before the mine reported the hazard itself.
    fn linked() -> World {
        let mut world = two_mines();
        let mut report = common::telephone(7);
        if let ReportCommand::Report(report) = &mut report {
            report.excluded = vec![KEPT];
        }
        world.report(7, report, &officer(Role::Clerk)).later(1);
        let today = world.today();
        world.hazard(1, found(firm(1), Origin::SelfInspection, today), &officer(Role::Enterprise));
        world.report(7, ReportCommand::Link(Link { hazard: pit(1) }), &officer(Role::Handler));
        world
    }

    #[test]
    fn then_no_table_tells_them_of_it_and_the_others_it_does() {
        let world = linked();
        let state = world.fold();
        let asked = |model: &str, actor: ActorId| {
            let asker = Asker { viewer: Viewer::Reports, actor: Some(actor) };
            let page = state.query(model, &Filter::default(), asker, &world.log.rules, world.today());
            let page = page.expect("rows");
            (page.total, serde_json::Value::from(page.rows).to_string())
        };
        let (other, report) = (ActorId(Id([1; 16])), stream(StreamKind::Report, 7).to_string());
        for model in ["timeline", "deadlines"] {
            let (kept, all) = (asked(model, KEPT), asked(model, other));
            assert!(!kept.1.contains(&report) && all.1.contains(&report), "{model}");
            assert!(kept.0 < all.0, "{model}");
        }
        assert!(asked("relief", KEPT).1.contains("\"earlier_report\":null"));
        assert!(!asked("relief", other).1.contains("\"earlier_report\":null"));
        for model in NAMES {
            assert!(!asked(model, KEPT).1.contains(&report), "{model}");
        }
        assert_eq!(state.conflicts.of(None).streams.len(), 0);
    }
}

mod given_a_snapshot {
    use super::*;

    #[test]
    fn when_a_reason_has_no_details_then_it_can_still_be_read_back() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        // Without a plan relief is refused, for a reason that has no details.
        let decide = DecideRelief { otherwise: None, person: None, rectification_refused: false };
        world.hazard(1, HazardCommand::DecideRelief(decide), &officer(Role::Approver));
        let whole = world.fold();
        let restored = Projections::restore(&whole.snapshot().expect("snapshot")).expect("restored");
        assert_eq!(restored, whole);
        assert_eq!(restored.relief.rows()[0].reasons, whole.relief.rows()[0].reasons);
    }

    #[test]
    fn when_it_is_of_another_version_or_empty_then_it_is_refused_by_name() {
        let mut bytes = two_mines().fold().snapshot().expect("snapshot");
        bytes[0] = 1;
        let refused = Projections::restore(&bytes);
        assert!(matches!(refused, Err(ProjectionError::SnapshotVersion { found: 1 })));
        assert!(matches!(Projections::restore(&[]), Err(ProjectionError::SnapshotDamaged)));
    }
}

#[test]
fn every_table_stands_in_the_documents_with_its_filters() {
    let text = include_str!("../../docs/tables.md");
    for name in NAMES {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/tables.md has no row for {name}"));
        let mut told: Vec<&str> = row.rsplit('|').nth(1).unwrap_or_default().split_whitespace().collect();
        let mut takes = takes(name).to_vec();
        takes.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, takes, "{name}");
    }
}
