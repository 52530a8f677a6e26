//! Each ground, each condition and each step with the entries that prove it, worked by hand from the sources.

#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use adit_core::enterprise::{ChangeHolder, ChangeLicence, EnterpriseCommand, RecordAccident};
use adit_core::event::Event;
use adit_core::hazard::{DecideRelief, ElementText, HazardCommand, HazardEvent, Penalise, Plan};
use adit_core::role::Role;
use adit_core::rules::closure::Licence;
use adit_core::rules::five_in_place::Element;
use adit_core::units::{Fen, Position};
use adit_projections::repeat_offenders::By;
use adit_projections::{Filter, Projections, Viewer};
use common::{CRITERIA, World, because, day, firm, inspectors, officer, penalise, pit, register, text};
use serde_json::{Value, json};

fn two_mines() -> World {
    let mut world = World::on("2024-01-01");
    world.enterprise(1, register("示例一矿", "东镇", Some("示例控股")), &officer(Role::Clerk));
    world.enterprise(2, register("示例二矿", "西镇", Some("示例控股")), &officer(Role::Clerk));
    world
}

fn on<'a>(world: &'a mut World, today: &str) -> &'a mut World {
    world.log.now = day(today).start().plus_seconds(9 * 3600);
    world
}

/// Where the latest entry stands.
fn last(world: &World) -> u64 {
    world.log.facts.len() as u64 - 1
}

/// Where the latest event of this kind stands.
fn latest(world: &World, kind: &str) -> u64 {
    let facts = &world.log.facts;
    facts.iter().rfind(|fact| fact.event.kind() == kind).map(|fact| fact.position.0).expect(kind)
}

fn rows(world: &World, filter: &Filter) -> Vec<Value> {
    world.ask("repeat_offenders", filter, Viewer::Office).rows
}

/// The grounds of an enterprise, each with its proof.
fn grounds(world: &World, number: u8) -> Vec<(String, Value)> {
    let rows = rows(world, &Filter { enterprise: Some(firm(number)), ..Filter::default() });
    proved(&rows[0])
}

fn proved(row: &Value) -> Vec<(String, Value)> {
    let grounds = row["grounds"].as_array().cloned().unwrap_or_default();
    let one =
        |ground: &Value| (ground["code"].as_str().unwrap_or_default().to_owned(), ground["proof"].clone());
    grounds.iter().map(one).collect()
}

fn of(holder: &str) -> Filter {
    Filter { by: Some(By::Controller), controller: Some(holder.into()), ..Filter::default() }
}

fn accident(on: &str, deaths: u32) -> EnterpriseCommand {
    EnterpriseCommand::RecordAccident(RecordAccident {
        day: day(on),
        deaths,
        seriously_injured: 1,
        direct_loss_yuan: Fen::ZERO,
        description: text("冒顶"),
    })
}

fn sold(world: &mut World, number: u8) {
    let to = ChangeHolder { holder: Some(text("新控股")) };
    world.enterprise(number, EnterpriseCommand::ChangeController(to), &officer(Role::Clerk));
}

mod given_grounds_for_a_petition {
    use super::*;

    #[test]
    fn when_it_is_found_twice_within_three_months_then_just_those_two_discoveries_prove_it() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        on(&mut world, "2024-06-01").assigned(2, 1, CRITERIA[1]);
        let first = latest(&world, "hazard.verified");
        let today = world.today();
        world.hazard(2, penalise(1, today), &officer(Role::Approver));
        let penalty = last(&world);
        on(&mut world, "2024-09-01").assigned(3, 1, CRITERIA[0]);
        let second = latest(&world, "hazard.verified");
        assert_eq!(grounds(&world, 1), [("closure.found_again".into(), json!([first, second]))]);
        let row = &rows(&world, &Filter::default())[0];
        assert_eq!(row["proof"], json!([3, first, penalty, second]), "the row names all that is counted");
        let ground = &row["grounds"][0];
        assert_eq!(ground["details"]["days"], "2024-06-01, 2024-09-01");
        assert!(ground["source"].as_str().is_some_and(|source| source.contains("矿山 26")), "{ground}");
    }

    #[test]
    fn when_two_are_found_on_one_day_then_both_entries_are_that_discovery() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        let first = latest(&world, "hazard.verified");
        world.assigned(2, 1, CRITERIA[1]);
        let beside = latest(&world, "hazard.verified");
        on(&mut world, "2024-02-01").assigned(3, 1, CRITERIA[1]);
        let second = latest(&world, "hazard.verified");
        assert_eq!(grounds(&world, 1), [("closure.found_again".into(), json!([first, beside, second]))]);
    }

    #[test]
    fn when_it_produces_without_full_licence_then_the_entries_that_set_both_prove_it() {
        let mut world = two_mines();
        let change = |producing| {
            EnterpriseCommand::ChangeLicence(ChangeLicence { licence: Licence::Incomplete, producing })
        };
        world.enterprise(1, change(false), &officer(Role::Clerk));
        let licence = last(&world);
        assert!(rows(&world, &Filter::default()).is_empty());
        world.enterprise(1, change(true), &officer(Role::Clerk));
        let producing = last(&world);
        world.enterprise(1, change(true), &officer(Role::Clerk));
        let chain = json!([licence, producing]);
        assert_eq!(grounds(&world, 1), [("closure.incomplete_licence".into(), chain.clone())]);
        assert_eq!(rows(&world, &Filter::default())[0]["proof"], chain);
    }

    #[test]
    fn when_it_is_penalised_then_exactly_the_counted_penalties_prove_it() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        let mut entries = Vec::new();
        // 180 days after 1 January is 29 June; a year after it is 1 January.
        for (number, today) in (1..).zip(["2024-01-01", "2024-05-01", "2024-09-01", "2025-01-01"]) {
            let decided = day(today);
            on(&mut world, today).hazard(1, penalise(number, decided), &officer(Role::Approver));
            entries.push(last(&world));
        }
        assert_eq!(grounds(&world, 1), [("closure.penalised_long".into(), json!(entries))]);
        let decided = day("2025-02-27");
        on(&mut world, "2025-02-27").hazard(1, penalise(5, decided), &officer(Role::Approver));
        let third = last(&world);
        let short = ("closure.penalised_short".into(), json!([entries[2], entries[3], third]));
        assert_eq!(grounds(&world, 1)[0], short, "179 days after 1 September");
    }

    #[test]
    fn when_persons_are_penalised_too_or_one_decision_stands_twice_then_it_is_one_penalty() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).assigned(2, 1, CRITERIA[1]);
        let today = world.today();
        let persons = HazardCommand::Penalise(Penalise {
            decision: text("应急罚〔2024〕2号"),
            decided_on: today,
            unit_fine_yuan: Fen::ZERO,
            person_fines_yuan: vec![Fen(3_000_000)],
            article: text("第102条"),
        });
        world.hazard(1, penalise(1, today), &officer(Role::Approver));
        world.hazard(1, persons, &officer(Role::Approver));
        world.hazard(2, penalise(1, today), &officer(Role::Approver));
        let row = &rows(&world, &Filter { enterprise: Some(firm(1)), ..Filter::default() })[0];
        assert_eq!((&row["penalties"], &row["petition"]), (&json!(1), &json!(false)));
    }

    #[test]
    fn when_the_penalised_hazard_is_general_then_it_counts_only_while_a_major_one_exists() {
        let mut world = two_mines();
        let report = common::found(firm(1), adit_core::hazard::Origin::MonitoringAlert, day("2024-01-01"));
        world.hazard(9, report, &officer(Role::Clerk));
        world.hazard(9, common::verify(None), &inspectors());
        world.hazard(9, penalise(1, day("2024-01-01")), &officer(Role::Approver));
        on(&mut world, "2024-02-01").assigned(1, 1, CRITERIA[0]);
        world.hazard(9, penalise(2, day("2024-02-01")), &officer(Role::Approver));
        on(&mut world, "2024-02-10").closed(1);
        on(&mut world, "2024-02-12").hazard(9, penalise(3, day("2024-02-11")), &officer(Role::Approver));
        let many = |world: &World| {
            rows(world, &Filter { enterprise: Some(firm(1)), ..Filter::default() })[0]["penalties"].clone()
        };
        assert_eq!(many(&world), json!(1), "before it was found and after it was struck off none counts");
        world.hazard(9, penalise(4, day("2024-02-10")), &officer(Role::Approver));
        assert_eq!(many(&world), json!(2), "the day of the decision counts, not that of its entry");
    }

    #[test]
    fn when_an_item_comes_again_then_each_closing_and_what_followed_it_prove_it() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).closed(1);
        let closed = last(&world);
        on(&mut world, "2024-06-01").hazard(1, HazardCommand::Reopen(because()), &officer(Role::Approver));
        let reopened = last(&world);
        assert_eq!(grounds(&world, 1), [("closure.recurrence".into(), json!([closed, reopened]))]);
        on(&mut world, "2024-12-01").assigned(2, 1, CRITERIA[0]);
        let again = latest(&world, "hazard.verified");
        assert_eq!(grounds(&world, 1), [("closure.recurrence".into(), json!([closed, reopened, again]))]);
    }

    #[test]
    fn when_the_other_was_found_before_the_first_was_struck_off_then_nothing_came_again() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        on(&mut world, "2024-06-01");
        let report = common::found(firm(1), adit_core::hazard::Origin::MonitoringAlert, day("2024-06-01"));
        world.hazard(2, report, &officer(Role::Clerk)).later(2).closed(1).later(1);
        world.hazard(2, common::verify(Some(CRITERIA[0])), &inspectors());
        assert!(grounds(&world, 1).is_empty(), "{:?}", grounds(&world, 1));
    }
}

mod given_accidents {
    use super::*;

    #[test]
    fn when_two_general_ones_fall_in_a_year_then_they_prove_the_interview_and_a_larger_one_its_own() {
        let mut world = two_mines();
        on(&mut world, "2024-11-01").enterprise(1, accident("2024-02-01", 0), &inspectors());
        let first = last(&world);
        world.enterprise(1, accident("2024-03-01", 3), &inspectors());
        let larger = last(&world);
        let told = grounds(&world, 1);
        assert_eq!(
            told[0],
            ("closure.larger_accident".into(), json!([larger])),
            "one general one is not two"
        );
        assert_eq!(told[1], ("closure.fatal_accident".into(), json!([larger])));
        world.enterprise(1, accident("2024-10-01", 0), &inspectors());
        let second = last(&world);
        assert_eq!(grounds(&world, 1)[0], ("closure.interview".into(), json!([first, second])));
    }

    #[test]
    fn when_one_is_entered_after_the_mine_was_sold_then_it_is_the_old_controllers() {
        let mut world = two_mines();
        on(&mut world, "2024-03-10");
        sold(&mut world, 1);
        on(&mut world, "2024-03-20").enterprise(1, accident("2024-03-09", 3), &inspectors());
        let entry = last(&world);
        let larger = ("closure.larger_accident".to_owned(), json!([entry]));
        assert_eq!(proved(&rows(&world, &of("示例控股"))[0]), [larger]);
        assert!(proved(&rows(&world, &of("新控股"))[0]).is_empty());
    }
}

mod given_a_mine_that_was_sold {
    use super::*;

    #[test]
    fn when_it_loses_its_licence_afterwards_then_that_is_no_ground_against_the_old_controller() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        on(&mut world, "2024-03-10");
        sold(&mut world, 1);
        let change = ChangeLicence { licence: Licence::None, producing: true };
        world.enterprise(1, EnterpriseCommand::ChangeLicence(change), &officer(Role::Clerk));
        let entry = last(&world);
        assert!(proved(&rows(&world, &of("示例控股"))[0]).is_empty());
        // It was registered as producing at 0, and without licence since then.
        assert_eq!(
            proved(&rows(&world, &of("新控股"))[0]),
            [("closure.no_licence".into(), json!([0, entry]))]
        );
    }

    #[test]
    fn when_an_item_was_struck_off_before_and_comes_again_after_then_it_is_nobodys_but_the_mines() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).closed(1);
        on(&mut world, "2024-06-10");
        sold(&mut world, 1);
        on(&mut world, "2024-06-20").assigned(2, 1, CRITERIA[0]);
        assert_eq!(grounds(&world, 1)[0].0, "closure.recurrence");
        for holder in ["示例控股", "新控股"] {
            assert!(proved(&rows(&world, &of(holder))[0]).is_empty(), "{holder}");
        }
        on(&mut world, "2024-07-01").closed(2);
        let closed = last(&world);
        on(&mut world, "2024-12-01").assigned(3, 1, CRITERIA[0]);
        let again = latest(&world, "hazard.verified");
        let told = proved(&rows(&world, &of("新控股"))[0]);
        assert_eq!(told, [("closure.recurrence".into(), json!([closed, again]))]);
    }

    #[test]
    fn when_a_controller_is_asked_for_then_no_other_is_shown_with_a_part_of_theirs() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        on(&mut world, "2024-03-10");
        sold(&mut world, 1);
        world.assigned(2, 1, CRITERIA[1]);
        let told = rows(&world, &of("示例控股"));
        let names: Vec<&Value> = told.iter().map(|row| &row["enterprise_name"]).collect();
        assert_eq!(names, ["示例控股"]);
    }

    #[test]
    fn when_the_mine_of_the_discoveries_does_not_produce_any_more_then_another_that_does_is_no_ground() {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        on(&mut world, "2024-02-01").assigned(2, 1, CRITERIA[1]);
        assert_eq!(proved(&rows(&world, &of("示例控股"))[0]).len(), 1);
        let stopped = ChangeLicence { licence: Licence::Full, producing: false };
        world.enterprise(1, EnterpriseCommand::ChangeLicence(stopped), &officer(Role::Clerk));
        let row = &rows(&world, &of("示例控股"))[0];
        assert_eq!((proved(row).len(), &row["discoveries"]), (0, &json!(2)));
    }
}

mod given_a_decision_on_relief {
    use super::*;

    fn decided() -> World {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]).five(1);
        let decide = DecideRelief { otherwise: None, person: None, rectification_refused: false };
        world.hazard(1, HazardCommand::DecideRelief(decide), &officer(Role::Approver));
        world
    }

    #[test]
    fn when_it_is_read_then_each_condition_stands_with_its_proof_and_the_row_with_all() {
        let world = decided();
        let (reported, assigned, decision) = (2, 4, last(&world));
        // Responsibility takes entries 5 to 7; measures are committed to in entry 8.
        let measures = 8;
        for viewer in [Viewer::Reports, Viewer::Office, Viewer::Enterprise(firm(1))] {
            let row = &world.ask("relief", &Filter::default(), viewer).rows[0];
            let conditions = row["conditions"].as_array().expect("conditions");
            let told: Vec<_> = conditions.iter().map(|one| (&one["condition"], &one["proof"])).collect();
            let expected = [
                (&json!("self_reported"), &json!([reported])),
                (&json!("plan_made"), &json!([measures])),
                (&json!("not_inspected_first"), &json!([reported])),
                (&json!("no_accident_first"), &json!([reported])),
                (&json!("not_repeated"), &json!([reported])),
                (&json!("not_overdue"), &json!([assigned])),
                (&json!("not_refused"), &json!([decision])),
            ];
            assert_eq!(told, expected, "what the officer says is proved by the decision");
            assert!(conditions.iter().all(|one| one["holds"] == "met"));
            assert_eq!(row["proof"], json!([reported, assigned, measures, decision]));
        }
    }

    #[test]
    fn when_it_was_decided_before_conditions_were_recorded_then_the_row_stands_without_them() {
        let mut world = decided();
        let Some(Event::Hazard(HazardEvent::Relieved(old))) =
            world.log.facts.last_mut().map(|fact| &mut fact.event)
        else {
            panic!("not relieved")
        };
        old.conditions.clear();
        // An inspection that came after the self-report decided nothing, and a report may have led to it.
        old.facts.inspected = Some(Position(9));
        let row = &world.ask("relief", &Filter::default(), Viewer::Enterprise(firm(1))).rows[0];
        assert_eq!((&row["conditions"], &row["proof"]), (&json!([]), &json!([2, last(&world)])));
        assert_eq!(row["reasons"][0]["code"], "relief.all_conditions");
    }
}

mod given_a_plan {
    use super::*;

    fn planned() -> World {
        let mut world = two_mines();
        world.assigned(1, 1, CRITERIA[0]);
        let plan = Plan {
            aim: text("消除隐患"),
            responsibility: text("矿长"),
            measures: text("支护"),
            funds: text("二十万元"),
            time_limit: text("六月底"),
            emergency_plan: text("停产撤人"),
        };
        world.hazard(1, HazardCommand::Plan(plan), &officer(Role::Enterprise));
        world
    }

    fn said(element: Element, words: &str) -> ElementText {
        ElementText { element, text: text(words) }
    }

    fn texts(world: &World, element: Element) -> Vec<Option<String>> {
        let row = &world.fold().five_in_place.rows(&world.log.rules)[0];
        row.steps.get(&element).into_iter().flatten().map(|step| step.text.clone()).collect()
    }

    #[test]
    fn when_it_is_read_then_each_part_says_what_is_committed_and_what_was_shown() {
        let mut world = planned();
        let funds = Element::Funds;
        world.hazard(1, HazardCommand::Commit(said(funds, "三十万元")), &officer(Role::Enterprise));
        world.hazard(1, HazardCommand::Evidence(said(funds, "银行回单").into()), &officer(Role::Enterprise));
        assert_eq!(texts(&world, Element::Measures), [Some("支护".to_owned())]);
        world.five(1);
        let words = |words: &str| Some(words.to_owned());
        // Shown again by `five`, then confirmed, which has no words.
        assert_eq!(texts(&world, funds), [words("三十万元"), words("见附件"), None]);
        let state = world.fold();
        let row = &state.five_in_place.rows(&world.log.rules)[0];
        assert_eq!(row.aim.as_ref().and_then(|aim| aim.text.as_deref()), Some("消除隐患"));
        let own = &world.ask("five_in_place", &Filter::default(), Viewer::Enterprise(firm(1))).rows[0];
        assert_eq!(own["steps"]["funds"][0]["text"], "三十万元");
        let restored = Projections::restore(&state.snapshot().expect("snapshot")).expect("restored");
        assert_eq!(restored.five_in_place.rows(&world.log.rules), state.five_in_place.rows(&world.log.rules));
    }

    #[test]
    fn when_the_hazard_is_reopened_then_the_words_of_before_are_gone() {
        let mut world = planned();
        world.closed(1).hazard(1, HazardCommand::Reopen(because()), &officer(Role::Approver));
        let row = &world.fold().five_in_place.rows(&world.log.rules)[0];
        assert_eq!(row.hazard, pit(1));
        assert!(row.steps.is_empty() && row.aim.is_none() && !row.plan_complete);
    }
}
