//! Every clock of supervision, review, reports, penalties and claims to the day, worked out by hand from the holiday calendar
//! of 2024: 10 to 17 February are off, Sunday 4 and Sunday 18 February are worked, and February has 29 days.

#![allow(clippy::expect_used, reason = "a test reports by panicking")]

mod common;

use adit_core::hazard::{
    Escalate, Extend, HazardCommand, List, Origin, Publish, Published, RecordOverdue, Review, Step,
};
use adit_core::id::{StreamId, StreamKind};
use adit_core::inspection::{self, InspectionCommand};
use adit_core::report::{self, ReportCommand};
use adit_core::reward::{self, RewardCommand};
use adit_core::role::{Party, Role};
use adit_core::units::Day;
use adit_projections::{Filter, Viewer};
use common::{
    CRITERIA, World, assess, assign, because, day, firm, found, inspectors, officer, penalise, register,
    substantiated, telephone, text, verify,
};
use serde_json::{Value, json};

fn one_mine(on: &str) -> World {
    let mut world = World::on(on);
    world.enterprise(1, register("示例一矿", "东镇", None), &officer(Role::Clerk));
    world
}

/// A hazard of the mine that is to be mended by `due`.
fn mended_by(on: &str, due: &str) -> World {
    let mut world = one_mine(on);
    let today = world.today();
    world.hazard(1, found(firm(1), Origin::SelfInspection, today), &officer(Role::Enterprise));
    world.hazard(1, verify(Some(CRITERIA[0])), &inspectors());
    world.hazard(1, assign(day(due)), &officer(Role::Handler));
    world
}

fn listed(on: &str, due: &str) -> World {
    let mut world = mended_by(on, due);
    let place = Some(text("山东省青岛市"));
    let list = List { authority: text("市安委办"), place, decided_on: None, because: text("难") };
    world.hazard(1, HazardCommand::List(list), &officer(Role::Approver));
    world
}

fn until(world: &mut World, on: &str) {
    let days = day(on).days_since(world.today());
    world.later(days);
}

/// The last day of the newest run of a clock.
fn due(world: &World, clock: &str) -> Value {
    let filter = Filter { clock: Some(clock.to_owned()), ..Filter::default() };
    world.ask("deadlines", &filter, Viewer::Reports).rows.last().expect("a clock")["due"].clone()
}

/// What the ledger's own clock would record now: each miss once.
fn missed(world: &mut World) -> Vec<String> {
    let today = world.today();
    let found: Vec<(StreamId, String)> = world.fold().deadlines.unrecorded(today);
    for (stream, clock) in &found {
        let log = [Party::Log];
        let recorded = match stream.kind {
            StreamKind::Hazard => {
                let overdue = RecordOverdue { clock: clock.clone() };
                world.try_hazard(1, &HazardCommand::RecordOverdue(overdue), &log)
            }
            StreamKind::Report => {
                let overdue = report::RecordOverdue { clock: clock.clone() };
                world.try_report(1, &ReportCommand::RecordOverdue(overdue), &log)
            }
            StreamKind::Reward
            | StreamKind::Enterprise
            | StreamKind::Inspection
            | StreamKind::Actor
            | StreamKind::Rules
            | StreamKind::Ledger
            | StreamKind::Inquiry
            | StreamKind::Access
            | StreamKind::Concern => Ok(()),
        };
        assert_eq!(recorded, Ok(()), "{clock}");
    }
    found.into_iter().map(|(_, clock)| clock).collect()
}

/// Nothing is missed on the last day, and the miss is recorded once on the day after.
fn missed_once(world: &mut World, last: &str, clock: &str) {
    until(world, last);
    assert!(missed(world).is_empty(), "{clock}: the last day belongs to it");
    world.later(1);
    assert_eq!(missed(world), [clock]);
    assert!(missed(world).is_empty(), "{clock}: once");
    world.later(1);
    assert!(missed(world).is_empty(), "{clock}: nor on the next day");
}

mod given_a_report {
    use super::*;

    fn accepted(on: &str) -> World {
        let mut world = World::on(on);
        world.report(1, telephone(1), &officer(Role::Clerk));
        world.report(1, ReportCommand::Accept(report::Empty {}), &officer(Role::Clerk));
        world
    }

    fn extend(world: &mut World, until: &str) -> Result<(), &'static str> {
        let extend = report::Extend { until: day(until), because: text("复杂") };
        world.try_report(1, &ReportCommand::Extend(extend), &officer(Role::Approver))
    }

    #[test]
    fn when_it_is_accepted_then_it_is_handled_within_sixty_days_and_thirty_more() {
        // 31 days of January end on the 31st, 29 more on 29 February; 30 more on 30 March.
        let mut world = accepted("2023-12-31");
        assert_eq!(due(&world, "handle"), json!("2024-02-29"));
        assert_eq!(extend(&mut world, "2024-03-31"), Err("report.beyond_limit"));
        until(&mut world, "2024-02-29");
        assert_eq!(extend(&mut world, "2024-03-30"), Ok(()));
        assert_eq!(due(&world, "handle"), json!("2024-03-30"));
        missed_once(&mut world, "2024-03-30", "handle");
    }

    #[test]
    fn when_the_day_has_gone_by_then_it_is_missed_and_no_longer_extended() {
        let mut world = accepted("2023-12-31");
        missed_once(&mut world, "2024-02-29", "handle");
        assert_eq!(extend(&mut world, "2024-03-30"), Err("report.extension_too_late"));
    }

    #[test]
    fn when_it_is_verified_then_it_is_answered_within_ten_days() {
        let mut world = accepted("2024-02-20");
        world.report(1, substantiated(1), &inspectors());
        assert_eq!(due(&world, "answer"), json!("2024-03-01"), "20 + 10 days of a February with 29");
        missed_once(&mut world, "2024-03-01", "answer");
    }

    #[test]
    fn when_the_reward_is_announced_then_it_is_claimed_within_sixty_days() {
        let mut world = World::on("2024-01-01");
        world.handled(1, "20100");
        world.reward(1, RewardCommand::Assess(assess(1)), &officer(Role::Handler));
        world.reward(1, RewardCommand::Approve(reward::Empty {}), &officer(Role::Approver));
        world.reward(1, RewardCommand::Notify(reward::Empty {}), &officer(Role::Clerk));
        assert_eq!(due(&world, "claim"), json!("2024-03-01"), "30 days of January, 29 of February, one more");
        // Nobody's office is late: an approver forfeits it, on the day after and not before.
        let forfeit = RewardCommand::Forfeit(reward::Empty {});
        until(&mut world, "2024-03-01");
        let early = world.try_reward(1, &forfeit, &officer(Role::Approver));
        assert_eq!(early, Err("reward.claim_period_runs"));
        world.later(1).reward(1, forfeit, &officer(Role::Approver));
        let filter = Filter { clock: Some("claim".to_owned()), ..Filter::default() };
        let rows = world.ask("deadlines", &filter, Viewer::Reports).rows;
        assert_eq!(rows[0]["standing"], json!("dropped"));
    }
}

mod given_a_hazard {
    use super::*;

    #[test]
    fn when_it_is_mended_then_it_is_reviewed_within_ten_days() {
        let mut world = mended_by("2024-02-19", "2024-03-31");
        world.five(1).hazard(1, HazardCommand::Rectify(because().into()), &officer(Role::Enterprise));
        assert_eq!(due(&world, "review"), json!("2024-02-29"));
        missed_once(&mut world, "2024-02-29", "review");
    }

    #[test]
    fn when_a_penalty_is_decided_then_it_is_public_within_seven_working_days() {
        // Friday 2 February: 4 (a Sunday that is worked), 5, 6, 7, 8, 9, and 18 (the other one).
        let mut world = mended_by("2024-02-02", "2024-03-31");
        world.hazard(1, penalise(1, day("2024-02-02")), &officer(Role::Approver));
        assert_eq!(due(&world, "publish_penalty"), json!("2024-02-18"));
        missed_once(&mut world, "2024-02-18", "publish_penalty");
    }

    #[test]
    fn when_it_is_listed_and_taken_off_then_both_are_public_within_five_working_days() {
        // Wednesday 7 February: 8, 9, 18, 19, 20. Friday 23 February: 26, 27, 28, 29, and 1 March.
        let mut world = listed("2024-02-07", "2024-03-31");
        assert_eq!(due(&world, "publish_listing"), json!("2024-02-20"));
        missed_once(&mut world, "2024-02-20", "publish_listing");
        until(&mut world, "2024-02-23");
        let publish = |published| HazardCommand::Publish(Publish { published, place: text("政府网站") });
        world.hazard(1, publish(Published::Listing), &officer(Role::Handler));
        world.hazard(1, HazardCommand::Delist(because()), &officer(Role::Approver));
        assert_eq!(due(&world, "publish_delisting"), json!("2024-03-01"));
        missed_once(&mut world, "2024-03-01", "publish_delisting");
    }

    #[test]
    fn when_a_listing_is_recorded_late_then_the_table_says_so() {
        // Decided on Sunday 4 February, which is worked: 5, 6, 7; entered on the 8th.
        let mut world = mended_by("2024-02-08", "2024-03-31");
        let list = List {
            authority: text("市安委办"),
            place: Some(text("山东省青岛市")),
            decided_on: Some(day("2024-02-04")),
            because: text("难"),
        };
        world.hazard(1, HazardCommand::List(list), &officer(Role::Approver));
        let row = &world.rows("supervision")[0];
        assert_eq!(
            (&row["decided_on"], &row["record_by"], &row["listed_on"], &row["recorded_late"]),
            (&json!("2024-02-04"), &json!("2024-02-07"), &json!("2024-02-08"), &json!(true))
        );
    }
}

mod given_that_more_time_is_asked_for {
    use super::*;

    fn ask(world: &mut World, to: &str) -> Result<(), &'static str> {
        let extend = Extend { until: day(to), because: text("备件未到") };
        world.try_hazard(1, &HazardCommand::RequestExtension(extend), &officer(Role::Enterprise))
    }

    #[test]
    fn when_twenty_working_days_are_left_then_it_is_decided_within_ten() {
        // Thursday 8 February: 9, 18, 19, 20, 21, 22, 23, 26, 27, 28 are ten; 29 February, 1, 4, 5, 6, 7, 8, 11, 12, 13
        // March are ten more.
        assert_eq!(
            ask(&mut listed("2024-02-08", "2024-03-12"), "2024-04-30"),
            Err("hazard.extension_too_late")
        );
        let mut world = listed("2024-02-08", "2024-03-13");
        assert_eq!(ask(&mut world, "2024-04-30"), Ok(()));
        assert_eq!(due(&world, "decide_extension"), json!("2024-02-28"));
        let row = &world.rows("supervision")[0];
        assert_eq!(
            (&row["extension"], &row["extension_requested_on"], &row["decide_extension_by"]),
            (&json!("waiting"), &json!("2024-02-08"), &json!("2024-02-28"))
        );
        // The listing itself was to be public after five of them.
        missed_once(&mut world, "2024-02-21", "publish_listing");
        missed_once(&mut world, "2024-02-28", "decide_extension");
        let longer = Extend { until: day("2024-04-30"), because: text("同意") };
        world.hazard(1, HazardCommand::Extend(longer), &officer(Role::Approver));
        let row = &world.rows("supervision")[0];
        assert_eq!(
            (&row["extension"], &row["extension_until"], &row["extension_decided_on"], &row["due"]),
            (&json!("granted"), &json!("2024-04-30"), &json!("2024-03-01"), &json!("2024-04-30"))
        );
        let filter = Filter { clock: Some("decide_extension".to_owned()), ..Filter::default() };
        let rows = world.ask("deadlines", &filter, Viewer::Reports).rows;
        assert_eq!(rows[0]["standing"], json!("met_late"));
    }

    #[test]
    fn when_it_is_refused_or_mended_first_then_the_table_says_so_and_no_clock_runs() {
        let mut world = listed("2024-02-08", "2024-03-13");
        assert_eq!(ask(&mut world, "2024-04-30"), Ok(()));
        world.hazard(1, HazardCommand::RefuseExtension(because()), &officer(Role::Approver));
        assert_eq!(world.rows("supervision")[0]["extension"], json!("not_granted"));
        assert_eq!(ask(&mut world, "2024-04-30"), Ok(()));
        world.five(1).hazard(1, HazardCommand::Rectify(because().into()), &officer(Role::Enterprise));
        assert_eq!(world.rows("supervision")[0]["extension"], json!("lapsed"));
        let filter = Filter { clock: Some("decide_extension".to_owned()), ..Filter::default() };
        let rows = world.ask("deadlines", &filter, Viewer::Reports).rows;
        let standings: Vec<&Value> = rows.iter().map(|row| &row["standing"]).collect();
        assert_eq!(standings, [&json!("met"), &json!("dropped")]);
    }
}

mod given_penalties_that_wait {
    use super::*;

    #[test]
    fn when_the_later_one_is_public_first_then_the_miss_of_the_earlier_one_is_recorded_once() {
        // Friday 10 May: 11 (worked), 13, 14, 15, 16, 17, 20 May. Monday 13 May: 14, 15, 16, 17, 20, 21, 22 May.
        let mut world = mended_by("2024-05-10", "2024-07-31");
        world.hazard(1, penalise(1, day("2024-05-10")), &officer(Role::Approver));
        until(&mut world, "2024-05-13");
        world.hazard(1, penalise(2, day("2024-05-13")), &officer(Role::Approver));
        missed_once(&mut world, "2024-05-20", "publish_penalty");
        let public = |number: u8| {
            let decision = text(&format!("应急罚〔2024〕{number}号"));
            HazardCommand::Publish(Publish {
                published: Published::Penalty { decision },
                place: text("网站"),
            })
        };
        world.hazard(1, public(2), &officer(Role::Handler));
        assert!(missed(&mut world).is_empty(), "it is on record already");
        assert_eq!(due(&world, "publish_penalty"), json!("2024-05-20"));
        world.hazard(1, public(1), &officer(Role::Handler));
        let filter = Filter { clock: Some("publish_penalty".to_owned()), ..Filter::default() };
        let rows = world.ask("deadlines", &filter, Viewer::Reports).rows;
        assert_eq!((rows.len(), &rows[0]["standing"]), (1, &json!("met_late")));
    }
}

mod given_slow_mending {
    use super::*;

    fn review_failed(due: Day) -> HazardCommand {
        HazardCommand::Review(Review {
            passed: false,
            findings: text("未消除"),
            due: Some(due),
            files: Vec::new(),
        })
    }

    #[test]
    fn when_one_day_after_the_other_is_missed_then_the_ladder_is_climbed_step_by_step() {
        let mut world = mended_by("2024-02-01", "2024-02-28");
        for (last, step, called) in [
            ("2024-02-28", Step::Letter, "letter"),
            ("2024-03-10", Step::Circular, "circular"),
            ("2024-03-20", Step::Interview, "interview"),
            ("2024-03-30", Step::Exposure, "exposure"),
        ] {
            missed_once(&mut world, last, "rectify");
            assert_eq!(world.rows("supervision")[0]["called_for"], json!(called));
            let escalate = Escalate { step, because: text("进展缓慢") };
            world.hazard(1, HazardCommand::Escalate(escalate), &officer(Role::Handler));
            assert_eq!(world.rows("supervision")[0]["called_for"], Value::Null);
            world.five(1).hazard(1, HazardCommand::Rectify(because().into()), &officer(Role::Enterprise));
            let next = day(last).plus_days(10);
            let next = if last == "2024-02-28" { day("2024-03-10") } else { next };
            world.hazard(1, review_failed(next), &inspectors());
        }
        let misses = world.rows("supervision")[0]["misses"].as_array().map(Vec::len);
        assert_eq!(misses, Some(4));
    }

    #[test]
    fn when_a_step_was_called_for_and_not_taken_then_the_next_miss_calls_for_it_again() {
        let mut world = mended_by("2024-02-01", "2024-02-28");
        missed_once(&mut world, "2024-02-28", "rectify");
        world.five(1).hazard(1, HazardCommand::Rectify(because().into()), &officer(Role::Enterprise));
        world.hazard(1, review_failed(day("2024-03-10")), &inspectors());
        missed_once(&mut world, "2024-03-10", "rectify");
        assert_eq!(world.rows("supervision")[0]["called_for"], json!("letter"));
    }
}

mod given_plans_under_seal {
    use super::*;

    fn asked(world: &World, filter: &Filter) -> Vec<Value> {
        world.ask("inspections", filter, Viewer::Reports).rows
    }

    #[test]
    fn when_a_plan_is_sealed_then_it_can_be_opened_for_seven_days_by_those_who_sealed_it() {
        let mut world = one_mine("2024-03-01");
        let commitment = inspection::commitment("salt", None, "-", world.today());
        let seal = InspectionCommand::Seal(inspection::Seal { commitment });
        world.try_inspection(1, &seal).expect("sealed");
        world.later(1);
        let commitment = inspection::commitment("salt", None, "-", world.today());
        let seal = InspectionCommand::Seal(inspection::Seal { commitment });
        world.try_inspection(2, &seal).expect("sealed");
        let openable = || Filter { openable: Some(true), ..Filter::default() };
        let left = |world: &World| -> Vec<Option<i64>> {
            asked(world, &openable()).iter().map(|row| row["days_left"].as_i64()).collect()
        };
        assert_eq!(left(&world), [Some(6), Some(7)]);
        let ours = inspectors().iter().find_map(Party::actor);
        assert_eq!(asked(&world, &Filter { sealed_by: ours, ..openable() }).len(), 2);
        let today = Some(world.today());
        let sealed_today = Filter { sealed_by: ours, from: today, to: today, ..Filter::default() };
        assert_eq!(asked(&world, &sealed_today).len(), 1);
        let other = officer(Role::Clerk).iter().find_map(Party::actor);
        assert!(asked(&world, &Filter { sealed_by: other, ..openable() }).is_empty());
        world.later(7);
        assert_eq!(left(&world), [Some(0)], "the first is too late");
        let open = inspection::Open { salt: "salt".to_owned(), enterprise: None, scope: text("-") };
        world.try_inspection(2, &InspectionCommand::Open(open)).expect("opened on the last day");
        assert!(left(&world).is_empty());
    }
}
