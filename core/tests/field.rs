//! Hazards, inspections and enterprises, as their specification: who may, when, and what follows.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use adit_core::decider::StreamEvent;
use adit_core::enterprise::{self, EnterpriseDecider, EnterpriseEvent};
use adit_core::hazard::{self, Other};
use adit_core::id::StreamKind;
use adit_core::inspection::{self, InspectionDecider};
use adit_core::ledger::entry::Line;
use adit_core::role::{Party, Role};
use adit_core::rules::accident::AccidentGrade;
use adit_core::rules::five_in_place::{Element, Stage};
use common::day;
use common::story::*;
use proptest::prelude::*;
use serde_json::{Value, json};

mod given_that_two_inspectors_are_needed {
    use super::*;

    #[test]
    fn when_one_signs_twice_then_it_is_refused() {
        let twice = [party(1, &[Role::Inspector]), party(1, &[Role::Inspector])];
        let code = "hazard.needs_two_inspectors";
        reported().refuses(&twice, "hazard.verify", &json!({ "because": "现场" }), code);
        reported().refuses(&twice, "hazard.dismiss", &because(), code);
        rectified().refuses(&twice, "hazard.review", &passed_it(), code);
        reported().refuses(&twice, "hazard.merge", &merge(), code);
    }
}

mod given_a_word_of_a_hazard {
    use super::*;

    #[test]
    fn when_the_enterprise_is_not_on_the_register_then_it_is_refused() {
        let mut story = nothing_yet();
        story.facts.enterprise_stands = false;
        story.refuses(&manager(), "hazard.report", &word(), "hazard.unknown_enterprise");
    }

    #[test]
    fn when_an_enterprise_reports_for_another_then_it_is_refused() {
        let mut story = nothing_yet();
        story.facts.acts_for = Some(stream(StreamKind::Enterprise, 2));
        story.refuses(&manager(), "hazard.report", &word(), "hazard.not_own_enterprise");
    }

    #[test]
    fn when_merged_then_only_into_another_open_hazard_of_the_same_enterprise() {
        let itself = json!({ "into": stream(StreamKind::Hazard, 9), "because": "同一隐患" });
        reported().refuses(&inspectors(), "hazard.merge", &itself, "hazard.into_itself");
        let elsewhere = stream(StreamKind::Enterprise, 2);
        for (other, code) in [
            (None, "hazard.other_unknown"),
            (Some(Other { enterprise: elsewhere, open: true }), "hazard.other_enterprise"),
            (Some(Other { enterprise: mine(), open: false }), "hazard.other_not_open"),
        ] {
            let mut story = verified();
            story.facts.other = other;
            story.refuses(&inspectors(), "hazard.merge", &merge(), code);
        }
    }
}

mod given_the_five {
    use super::*;

    #[test]
    fn when_an_element_has_gone_further_then_it_does_not_go_back() {
        let measures = Element::Measures;
        let story = evidenced();
        story.refuses(&manager(), "hazard.commit", &element(measures), "hazard.element_already_evidenced");
        let story = story.then(&inspectors(), "hazard.confirm", &only(measures));
        let code = "hazard.element_already_confirmed";
        story.refuses(&manager(), "hazard.commit", &element(measures), code);
        story.refuses(&manager(), "hazard.evidence", &element(measures), code);
        story.refuses(&inspectors(), "hazard.confirm", &only(measures), code);
    }

    #[test]
    fn when_one_is_not_evidenced_then_it_is_not_rectified() {
        let mut story = assigned();
        for one in Element::ALL {
            story.refuses(&manager(), "hazard.rectify", &because(), "hazard.five_not_evidenced");
            story = story.then(&manager(), "hazard.commit", &element(one)).then(
                &manager(),
                "hazard.evidence",
                &element(one),
            );
        }
        assert!(story.ask(&manager(), "hazard.rectify", &because()).is_ok());
    }

    #[test]
    fn when_one_is_not_confirmed_then_it_is_not_closed() {
        let mut story = rectified().then(&inspectors(), "hazard.review", &passed_it());
        for one in Element::ALL {
            story.refuses(&approver(), "hazard.close", &json!({}), "hazard.five_not_confirmed");
            story = story.then(&inspectors(), "hazard.confirm", &only(one));
        }
        assert!(story.ask(&approver(), "hazard.close", &json!({})).is_ok());
    }
}

mod given_separate_duties {
    use super::*;

    #[test]
    fn when_whoever_rectified_reviews_then_it_is_refused() {
        let both = party(21, &[Role::Enterprise, Role::Inspector]);
        let pair = [both.clone(), party(2, &[Role::Inspector])];
        rectified().refuses(&pair, "hazard.review", &passed_it(), "hazard.rectifier_reviews");
        let third = [inspectors(), vec![both]].concat();
        rectified().refuses(&third, "hazard.review", &passed_it(), "hazard.rectifier_reviews");
    }

    #[test]
    fn when_whoever_reviewed_closes_alone_then_it_is_refused() {
        let reviewer = party(1, &[Role::Inspector, Role::Approver]);
        let alone = [reviewer.clone()];
        confirmed().refuses(&alone, "hazard.close", &json!({}), "hazard.reviewer_closes");
        let with_another = [reviewer, party(11, &[Role::Approver])];
        assert!(confirmed().ask(&with_another, "hazard.close", &json!({})).is_ok());
    }
}

mod given_clocks {
    use super::*;

    fn extend(until: &str) -> Value {
        json!({ "until": until, "because": "理由" })
    }

    fn failed(due: Option<&str>) -> Value {
        due.map_or_else(
            || json!({ "passed": false, "findings": "不通过" }),
            |due| json!({ "passed": false, "findings": "不通过", "due": due }),
        )
    }

    fn overdue() -> Value {
        json!({ "clock": "rectify" })
    }

    #[test]
    fn when_a_review_fails_then_the_clock_of_mending_runs_again_in_public() {
        let story = rectified().then(&inspectors(), "hazard.review", &failed(Some("2024-06-10")));
        let lines = story.events.last().map(StreamEvent::lines);
        let clock = Line::Clock { name: "rectify".into(), due: day("2024-06-10") };
        assert_eq!(lines, Some(vec![clock, Line::Stop { name: "review".into() }]));
        assert_eq!(story.state.due, Some(day("2024-06-10")));
    }

    #[test]
    fn when_a_review_fails_without_a_day_then_the_old_one_stands_unless_it_has_gone_by() {
        let story = rectified().then(&inspectors(), "hazard.review", &failed(None));
        assert_eq!(story.state.due, Some(day("2024-06-30")));
        let late = rectified().on("2024-07-01");
        late.refuses(&inspectors(), "hazard.review", &failed(None), "hazard.new_due_missing");
        late.refuses(&inspectors(), "hazard.review", &failed(Some("2024-06-30")), "hazard.due_in_past");
    }

    #[test]
    fn when_the_day_has_gone_by_then_it_is_not_extended() {
        let story = assigned().on("2024-07-01");
        story.refuses(&approver(), "hazard.extend", &extend("2024-07-31"), "hazard.extension_too_late");
    }

    #[test]
    fn when_each_day_is_missed_then_each_miss_is_recorded_once() {
        let log = [Party::Log];
        let story = assigned().then(&approver(), "hazard.extend", &extend("2024-07-31"));
        story.refuses(&log, "hazard.record_overdue", &overdue(), "hazard.not_overdue");
        let story = story.on("2024-08-01").then(&log, "hazard.record_overdue", &overdue());
        story.refuses(&log, "hazard.record_overdue", &overdue(), "hazard.overdue_recorded");
        let again = Element::ALL
            .into_iter()
            .fold(story, |story, one| {
                story.then(&manager(), "hazard.commit", &element(one)).then(
                    &manager(),
                    "hazard.evidence",
                    &element(one),
                )
            })
            .then(&manager(), "hazard.rectify", &because())
            .then(&inspectors(), "hazard.review", &failed(Some("2024-08-20")))
            .on("2024-08-21");
        assert!(again.ask(&log, "hazard.record_overdue", &overdue()).is_ok(), "another day, another miss");
    }
}

mod given_supervision {
    use super::*;

    #[test]
    fn when_production_was_stopped_then_it_resumes_only_after_a_passed_review() {
        let story = rectified().then(&approver(), "hazard.suspend_production", &because());
        story.refuses(&approver(), "hazard.resume_production", &because(), "hazard.resume_before_review");
        let story = story.then(&inspectors(), "hazard.review", &passed_it());
        assert!(story.ask(&approver(), "hazard.resume_production", &because()).is_ok());
    }

    #[test]
    fn when_the_ladder_is_climbed_then_step_by_step() {
        let mut story = assigned();
        let steps = ["letter", "circular", "interview", "exposure"];
        for step in steps {
            for other in steps.into_iter().filter(|other| *other != step) {
                let data = json!({ "step": other, "because": "理由" });
                story.refuses(&approver(), "hazard.escalate", &data, "hazard.ladder_order");
            }
            story = story.then(&approver(), "hazard.escalate", &json!({ "step": step, "because": "理由" }));
        }
    }

    #[test]
    fn when_a_decision_is_entered_twice_then_it_counts_once() {
        let story = closed().then(&approver(), "hazard.penalise", &fine("岫应急罚〔2024〕1号"));
        story.refuses(
            &approver(),
            "hazard.penalise",
            &fine("岫应急罚〔2024〕1号"),
            "hazard.decision_recorded",
        );
        assert!(story.ask(&approver(), "hazard.penalise", &fine("岫应急罚〔2024〕2号")).is_ok());
        story.refuses(&approver(), "hazard.decide_relief", &json!({}), "hazard.already_penalised");
    }

    /// A penalty is public within seven working days; without the next year's holidays the day can't be known.
    #[test]
    fn when_the_public_clock_runs_beyond_the_known_holidays_then_the_penalty_is_refused() {
        let decided = |on: &str| {
            let mut data = fine("岫应急罚〔2026〕1号");
            data["decided_on"] = json!(on);
            data
        };
        let story = closed().on("2026-12-29");
        story.refuses(&approver(), "hazard.penalise", &decided("2026-12-28"), "hazard.unknown_year");
        let events = story.ask(&approver(), "hazard.penalise", &decided("2026-01-05")).expect("entered");
        // Monday 5 January 2026 does not count; the 6th to the 9th and the 12th to the 14th are seven working days.
        let line = Line::Clock { name: "publish_penalty".into(), due: day("2026-01-14") };
        assert!(events[0].lines().contains(&line), "{:?}", events[0].lines());
    }

    #[test]
    fn when_relief_was_given_then_nobody_is_penalised() {
        let story = verified().then(&manager(), "hazard.commit", &element(Element::Measures)).then(
            &approver(),
            "hazard.decide_relief",
            &json!({}),
        );
        assert!(story.state.relieved);
        story.refuses(&approver(), "hazard.penalise", &fine("1"), "hazard.relief_given");
    }
}

mod given_an_inspection {
    use super::*;

    fn visited() -> Story<InspectionDecider> {
        Story::of(inspection::Facts { hazard: Some(stream(StreamKind::Hazard, 2)), enterprise_stands: true })
            .then(&inspectors(), "inspection.perform", &visit())
    }

    fn visit() -> Value {
        json!({ "enterprise": mine(), "day": "2024-05-10", "checked": "井下" })
    }

    #[test]
    fn when_others_than_those_who_were_there_sign_then_it_is_refused() {
        let others = [party(1, &[Role::Inspector]), party(3, &[Role::Inspector])];
        let finding = json!({ "place": "三号巷道", "description": "未支护", "found_on": "2024-05-10" });
        let nothing = json!({ "checked": "井下" });
        let measure = json!({ "measure": "责令停产", "article": "102" });
        for (kind, data) in [
            ("inspection.record_finding", finding),
            ("inspection.nothing_found", nothing),
            ("inspection.enforce", measure),
        ] {
            visited().refuses(&others, kind, &data, "inspection.not_who_inspected");
            assert!(visited().ask(&inspectors(), kind, &data).is_ok());
        }
    }

    #[test]
    fn when_the_enterprise_is_not_on_the_register_then_it_is_refused() {
        let story = Story::<InspectionDecider>::of(inspection::Facts::default());
        story.refuses(&inspectors(), "inspection.perform", &visit(), "inspection.unknown_enterprise");
    }
}

#[test]
fn given_an_accident_then_any_one_figure_sets_its_grade() {
    use AccidentGrade::{Extraordinary, General, Larger, Major};
    let register =
        json!({ "name": "甲矿", "sector": "mine", "town": "某镇", "licence": "full", "producing": true });
    let story = Story::<EnterpriseDecider>::of(enterprise::Facts::default()).then(
        &one(31, Role::Clerk),
        "enterprise.register",
        &register,
    );
    for (deaths, injured, yuan, expected) in [
        (2, 9, "9999999.99", General),
        (3, 0, "0", Larger),
        (0, 10, "0", Larger),
        (0, 0, "10000000", Larger),
        (9, 49, "49999999.99", Larger),
        (10, 0, "0", Major),
        (0, 50, "0", Major),
        (0, 0, "50000000", Major),
        (29, 99, "99999999.99", Major),
        (30, 0, "0", Extraordinary),
        (0, 100, "0", Extraordinary),
        (0, 0, "100000000", Extraordinary),
    ] {
        let data = json!({ "day": "2024-05-09", "deaths": deaths, "seriously_injured": injured,
            "direct_loss_yuan": yuan, "description": "冒顶" });
        let events = story.ask(&inspectors(), "enterprise.record_accident", &data).expect("lawful");
        let [EnterpriseEvent::AccidentRecorded(recorded)] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!(recorded.grade, expected, "{deaths} dead, {injured} injured, {yuan} yuan");
    }
}

/// What anybody might ask of a hazard, with signers who could be right.
fn commands() -> Vec<(Vec<Party>, &'static str, Value)> {
    let mut all = vec![
        (manager(), "hazard.report", word()),
        (inspectors(), "hazard.verify", json!({ "criterion": ITEM, "because": "现场" })),
        (inspectors(), "hazard.dismiss", because()),
        (handler(), "hazard.assign", json!({ "responsible_post": "矿长", "due": "2024-06-30" })),
        (manager(), "hazard.rectify", because()),
        (inspectors(), "hazard.review", passed_it()),
        (inspectors(), "hazard.review", json!({ "passed": false, "findings": "不通过" })),
        (approver(), "hazard.close", json!({})),
        (approver(), "hazard.reopen", because()),
        (approver(), "hazard.suspend_production", because()),
        (approver(), "hazard.resume_production", because()),
        (approver(), "hazard.penalise", fine("1")),
        (approver(), "hazard.decide_relief", json!({})),
        (inspectors(), "hazard.merge", merge()),
        (vec![Party::Log], "hazard.record_overdue", json!({ "clock": "rectify" })),
    ];
    for one in Element::ALL {
        all.push((manager(), "hazard.commit", element(one)));
        all.push((manager(), "hazard.evidence", element(one)));
        all.push((inspectors(), "hazard.confirm", only(one)));
    }
    all
}

fn anybody() -> impl Strategy<Value = Vec<Party>> {
    let one = prop_oneof![
        (1_u8..4).prop_map(|n| party(n, &[Role::Inspector])),
        Just(party(1, &[Role::Inspector, Role::Approver])),
        Just(party(2, &[Role::Inspector, Role::Approver])),
        Just(party(11, &[Role::Approver])),
        Just(party(21, &[Role::Enterprise, Role::Inspector])),
        Just(Party::Log),
    ];
    prop::collection::vec(one, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever asks whatever, in any order: nothing panics, a refusal changes nothing, and what is closed has all
    /// five confirmed, was reviewed by two who did not rectify, and was closed with somebody who did not review.
    #[test]
    fn any_history_keeps_the_gate_to_closing(
        start in 0..3_usize,
        asked in prop::collection::vec((0..commands().len(), prop::option::weighted(0.3, anybody())), 1..60),
    ) {
        let all = commands();
        let mut story = [nothing_yet, rectified, confirmed][start]();
        for (index, others) in asked {
            let (by, kind, data) = &all[index];
            let by = others.as_ref().unwrap_or(by);
            let before = story.state.clone();
            let was_open = before.status != hazard::Status::Closed;
            if story.attempt(by, kind, data).is_err() {
                prop_assert_eq!(&story.state, &before);
            }
            if was_open && story.state.status == hazard::Status::Closed {
                prop_assert!(Element::ALL.iter().all(|one| before.stage(*one) == Stage::Confirmed));
                prop_assert!(before.reviewed_by.len() >= 2);
                prop_assert!(before.reviewed_by.is_disjoint(&before.rectified_by));
                prop_assert!(by.iter().filter_map(Party::actor).any(|actor| !before.reviewed_by.contains(&actor)));
            }
        }
    }
}
