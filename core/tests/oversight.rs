//! Plans, publication, supervision, relief that a person decides, fatal accidents: as their specification.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use adit_core::decider::StreamEvent;
use adit_core::enterprise::{self, EnterpriseDecider};
use adit_core::hazard::{HazardEvent, Origin, Step};
use adit_core::ledger::entry::Line;
use adit_core::role::Party;
use adit_core::rules::five_in_place::{Element, Stage};
use adit_core::rules::relief::Outcome;
use adit_core::units::Position;
use common::story::*;
use serde_json::{Value, json};

fn plan() -> Value {
    json!({ "aim": "消除隐患", "responsibility": "矿长", "measures": "支护", "funds": "二十万元",
        "time_limit": "六月底", "emergency_plan": "停产撤人" })
}

fn lines(story: &Hazard) -> Vec<String> {
    story.events.last().expect("an event").lines().iter().map(Line::to_string).collect()
}

mod given_a_plan_in_six_parts {
    use super::*;

    #[test]
    fn when_the_enterprise_makes_it_then_its_aim_is_set_and_all_five_are_committed() {
        let story = assigned().then(&manager(), "hazard.plan", &plan());
        assert!(story.state.planned);
        assert!(Element::ALL.iter().all(|element| story.state.stage(*element) == Stage::Committed));
        let kinds: Vec<&str> = story.events.iter().rev().take(6).map(StreamEvent::kind).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "hazard.committed").count(), 5);
        assert_eq!(kinds.last(), Some(&"hazard.planned"));
    }

    #[test]
    fn when_one_of_the_five_is_evidenced_then_the_plan_is_not_made_anew() {
        let code = "hazard.element_already_evidenced";
        evidenced().refuses(&manager(), "hazard.plan", &plan(), code);
    }

    #[test]
    fn when_the_hazard_is_general_then_it_is_struck_off_without_the_five() {
        let general = reported()
            .then(&inspectors(), "hazard.verify", &json!({ "because": "一般隐患" }))
            .then(&handler(), "hazard.assign", &json!({ "responsible_post": "矿长", "due": "2024-06-30" }))
            .then(&manager(), "hazard.rectify", &because())
            .then(&inspectors(), "hazard.review", &passed_it());
        assert!(general.ask(&approver(), "hazard.close", &json!({})).is_ok());
    }
}

mod given_a_penalty {
    use super::*;

    fn public(decision: &str) -> Value {
        json!({ "what": "penalty", "decision": decision, "where": "县政府网站" })
    }

    #[test]
    fn when_it_is_decided_then_a_public_clock_runs_for_seven_working_days() {
        // 10 May 2024 is a Friday and Saturday 11 May is made up for: 11, 13, 14, 15, 16, 17, 20 May.
        let story = verified().then(&approver(), "hazard.penalise", &fine("1"));
        assert_eq!(lines(&story), ["clock publish_penalty 2024-05-20"]);
        let story = story.then(&handler(), "hazard.publish", &public("1"));
        assert_eq!(lines(&story), ["stop publish_penalty"]);
        story.refuses(&handler(), "hazard.publish", &public("1"), "hazard.nothing_to_publish");
    }

    #[test]
    fn when_two_wait_then_the_clock_runs_for_the_earlier_one_and_starts_again_for_the_other() {
        let story = verified().then(&approver(), "hazard.penalise", &fine("1")).on("2024-05-13");
        let second =
            json!({ "decision": "2", "decided_on": "2024-05-13", "unit_fine_yuan": "1", "article": "102" });
        let story = story.then(&approver(), "hazard.penalise", &second);
        assert!(lines(&story).is_empty());
        let story = story.then(&handler(), "hazard.publish", &public("1"));
        assert_eq!(lines(&story), ["clock publish_penalty 2024-05-22", "stop publish_penalty"]);
    }

    #[test]
    fn when_the_one_that_waits_is_public_first_then_the_clock_of_the_other_runs_on_and_is_missed_once() {
        let late = json!({ "clock": "publish_penalty" });
        let second =
            json!({ "decision": "2", "decided_on": "2024-05-13", "unit_fine_yuan": "1", "article": "102" });
        let story = verified().then(&approver(), "hazard.penalise", &fine("1")).on("2024-05-13");
        let story = story.then(&approver(), "hazard.penalise", &second).on("2024-05-21");
        let story = story.then(&[Party::Log], "hazard.record_overdue", &late);
        let story = story.then(&handler(), "hazard.publish", &public("2"));
        assert!(lines(&story).is_empty());
        story.refuses(&[Party::Log], "hazard.record_overdue", &late, "hazard.overdue_recorded");
        let story = story.then(&handler(), "hazard.publish", &public("1"));
        assert_eq!(lines(&story), ["stop publish_penalty"]);
    }

    #[test]
    fn when_an_earlier_decision_is_entered_later_then_the_clock_runs_for_it_first() {
        // Decided on Wednesday 8 May: 9, 10, 11 (a Saturday that is made up for), 13, 14, 15, 16 May.
        let earlier =
            json!({ "decision": "0", "decided_on": "2024-05-08", "unit_fine_yuan": "1", "article": "102" });
        let story = verified().then(&approver(), "hazard.penalise", &fine("1"));
        let story = story.then(&approver(), "hazard.penalise", &earlier);
        assert_eq!(lines(&story), ["clock publish_penalty 2024-05-16"]);
        let story = story.then(&handler(), "hazard.publish", &public("0"));
        assert_eq!(lines(&story), ["clock publish_penalty 2024-05-20", "stop publish_penalty"]);
    }

    #[test]
    fn when_it_is_not_public_in_time_then_the_miss_is_recorded_also_after_closing() {
        let late = json!({ "clock": "publish_penalty" });
        let story = closed().then(&approver(), "hazard.penalise", &fine("1")).on("2024-05-20");
        story.refuses(&[Party::Log], "hazard.record_overdue", &late, "hazard.not_overdue");
        let story = story.on("2024-05-21").then(&[Party::Log], "hazard.record_overdue", &late);
        story.refuses(&[Party::Log], "hazard.record_overdue", &late, "hazard.overdue_recorded");
        assert_eq!(story.state.called_for, None, "the ladder is for slow mending");
    }
}

mod given_supervision {
    use super::*;

    fn listed(place: &str) -> Hazard {
        let list = json!({ "authority": "市安委办", "place": place, "because": "理由" });
        assigned().then(&approver(), "hazard.list", &list)
    }

    #[test]
    fn when_the_place_has_a_rule_then_listing_and_delisting_are_published_in_time() {
        let story = listed("山东省青岛市");
        assert_eq!(lines(&story), ["clock publish_listing 2024-05-16"]);
        let listing = json!({ "what": "listing", "where": "政府网站" });
        let story = story.then(&handler(), "hazard.publish", &listing).on("2024-06-03");
        let story = story.then(&approver(), "hazard.delist", &because());
        assert_eq!(lines(&story), ["clock publish_delisting 2024-06-11"], "10 June is the Dragon Boat day");
    }

    #[test]
    fn when_the_numbers_of_the_place_are_not_known_then_no_clock_runs() {
        assert!(lines(&listed("辽宁省鞍山市岫岩县")).is_empty());
    }

    #[test]
    fn when_it_is_listed_then_an_extension_is_asked_for_twenty_working_days_before_the_end() {
        let longer = json!({ "until": "2024-07-31", "because": "备件未到" });
        // Due on 30 June. The twentieth working day after 30 May is 28 June; after 31 May it is 1 July.
        let story = listed("山东省青岛市").on("2024-05-30");
        assert!(story.ask(&approver(), "hazard.extend", &longer).is_ok());
        let story = story.on("2024-05-31");
        story.refuses(&approver(), "hazard.extend", &longer, "hazard.extension_too_late");
        let plain = assigned().on("2024-06-03");
        assert!(plain.ask(&approver(), "hazard.extend", &longer).is_ok(), "not listed");
    }

    #[test]
    fn when_mending_is_late_then_each_recorded_miss_calls_for_the_next_step_of_the_ladder() {
        let late = json!({ "clock": "rectify" });
        let step = |name: &str| json!({ "step": name, "because": "进展缓慢" });
        let story = assigned().on("2024-07-01").then(&[Party::Log], "hazard.record_overdue", &late);
        assert_eq!(story.state.called_for, Some(Step::Letter));
        story.refuses(&handler(), "hazard.escalate", &step("circular"), "hazard.ladder_order");
        let story = story.then(&handler(), "hazard.escalate", &step("letter")).then(
            &manager(),
            "hazard.plan",
            &plan(),
        );
        let story = Element::ALL
            .into_iter()
            .fold(story, |story, one| story.then(&manager(), "hazard.evidence", &element(one)))
            .then(&manager(), "hazard.rectify", &because())
            .then(
                &inspectors(),
                "hazard.review",
                &json!({ "passed": false, "findings": "未消除", "due": "2024-07-10" }),
            )
            .on("2024-07-11")
            .then(&[Party::Log], "hazard.record_overdue", &late);
        assert_eq!(story.state.called_for, Some(Step::Circular));
    }
}

mod given_a_listing_that_was_decided_earlier {
    use super::*;

    fn listed(decided_on: &str) -> Result<HazardEvent, &'static str> {
        let list = json!({ "authority": "市安委办", "place": "山东省青岛市", "decided_on": decided_on, "because": "理由" });
        assigned().ask(&approver(), "hazard.list", &list).map(|events| events[0].clone())
    }

    #[test]
    fn when_it_is_recorded_within_three_working_days_then_it_is_in_time_and_later_it_is_late() {
        // Entered on Friday 10 May: from Tuesday 7 May that is the third day, from Monday 6 May the fourth.
        for (decided_on, due, late) in
            [("2024-05-07", "2024-05-10", false), ("2024-05-06", "2024-05-09", true)]
        {
            let Ok(HazardEvent::Listed(listed)) = listed(decided_on) else { panic!("not listed") };
            assert_eq!((listed.record_due, listed.recorded_late), (Some(due.parse().expect("day")), late));
        }
    }

    #[test]
    fn when_it_is_published_then_the_days_count_from_the_decision() {
        // 7, 8, 9, 10, 11 May, of which the last is a Saturday that is made up for.
        let event = listed("2024-05-06").expect("listed");
        let lines: Vec<String> = event.lines().iter().map(Line::to_string).collect();
        assert_eq!(lines, ["clock publish_listing 2024-05-11"]);
    }

    #[test]
    fn when_the_decision_lies_in_the_future_then_it_is_refused() {
        assert_eq!(listed("2024-05-11").err(), Some("hazard.found_in_future"));
    }
}

mod given_an_enterprise_that_asks_for_a_later_day {
    use super::*;
    use adit_core::id::StreamKind;

    fn longer() -> Value {
        json!({ "until": "2024-07-31", "because": "备件未到" })
    }

    fn listed() -> Hazard {
        let list = json!({ "authority": "市安委办", "place": "山东省青岛市", "because": "理由" });
        assigned().then(&approver(), "hazard.list", &list).on("2024-05-30")
    }

    fn asked() -> Hazard {
        listed().then(&manager(), "hazard.request_extension", &longer())
    }

    #[test]
    fn when_it_is_listed_then_a_public_clock_runs_for_ten_working_days() {
        // 31 May, 3, 4, 5, 6, 7, 11, 12, 13, 14 June; 10 June is the Dragon Boat day.
        assert_eq!(lines(&asked()), ["clock decide_extension 2024-06-14"]);
        let plain = assigned().then(&manager(), "hazard.request_extension", &longer());
        assert!(lines(&plain).is_empty(), "no rule gives a number where it is not listed");
    }

    #[test]
    fn when_less_than_twenty_working_days_are_left_then_it_is_too_late() {
        let late = listed().on("2024-05-31");
        let code = "hazard.extension_too_late";
        late.refuses(&manager(), "hazard.request_extension", &longer(), code);
        assert!(assigned().on("2024-05-31").ask(&manager(), "hazard.request_extension", &longer()).is_ok());
    }

    #[test]
    fn when_it_was_asked_for_in_time_then_it_is_granted_later_and_the_clock_stops() {
        let story = asked().on("2024-06-13").then(&approver(), "hazard.extend", &longer());
        assert_eq!(lines(&story), ["extend rectify 2024-07-31", "stop decide_extension"]);
        assert_eq!(story.state.request, None);
        listed().on("2024-06-13").refuses(
            &approver(),
            "hazard.extend",
            &longer(),
            "hazard.extension_too_late",
        );
    }

    #[test]
    fn when_it_is_refused_then_the_clock_stops_and_the_day_stands() {
        let story = asked().then(&approver(), "hazard.refuse_extension", &because());
        assert_eq!(lines(&story), ["stop decide_extension"]);
        assert_eq!(story.state.due, Some("2024-06-30".parse().expect("day")));
        let code = "hazard.no_extension_requested";
        story.refuses(&approver(), "hazard.refuse_extension", &because(), code);
        assert!(story.ask(&manager(), "hazard.request_extension", &longer()).is_ok(), "once more, in time");
    }

    #[test]
    fn when_one_waits_or_it_is_not_being_mended_or_not_theirs_then_it_is_not_asked_for() {
        let command = "hazard.request_extension";
        asked().refuses(&manager(), command, &longer(), "hazard.extension_already_requested");
        verified().refuses(&manager(), command, &longer(), "hazard.not_assigned");
        rectified().refuses(&manager(), command, &longer(), "hazard.not_assigned");
        listed().refuses(&approver(), command, &longer(), "hazard.needs_enterprise");
        let mut other = listed();
        other.facts.acts_for = Some(stream(StreamKind::Enterprise, 2));
        other.refuses(&manager(), command, &longer(), "hazard.not_own_enterprise");
        asked().refuses(&handler(), "hazard.refuse_extension", &because(), "hazard.needs_approver");
    }

    #[test]
    fn when_nobody_decides_in_time_then_that_is_recorded_once_and_no_step_is_called_for() {
        let late = json!({ "clock": "decide_extension" });
        let story = asked().on("2024-06-14");
        story.refuses(&[Party::Log], "hazard.record_overdue", &late, "hazard.not_overdue");
        let story = story.on("2024-06-15").then(&[Party::Log], "hazard.record_overdue", &late);
        story.refuses(&[Party::Log], "hazard.record_overdue", &late, "hazard.overdue_recorded");
        assert_eq!(story.state.called_for, None, "it is the office that is late");
        assert!(story.ask(&approver(), "hazard.extend", &longer()).is_ok(), "late, and still lawful");
    }

    #[test]
    fn when_it_is_mended_first_then_nothing_is_left_to_decide() {
        let story = Element::ALL
            .into_iter()
            .fold(asked().then(&manager(), "hazard.plan", &plan()), |story, one| {
                story.then(&manager(), "hazard.evidence", &element(one))
            })
            .then(&manager(), "hazard.rectify", &because())
            .on("2024-06-15");
        assert_eq!(story.state.request, None);
        let late = json!({ "clock": "decide_extension" });
        story.refuses(&[Party::Log], "hazard.record_overdue", &late, "hazard.not_overdue");
    }
}

mod given_that_no_source_decides_on_relief {
    use super::*;

    fn unclear() -> Hazard {
        let mut story = assigned().then(&manager(), "hazard.plan", &plan());
        assert_eq!(story.state.report.as_ref().map(|report| report.origin), Some(Origin::SelfInspection));
        story.state.reported_at = Position(9);
        story.facts.relief.accident_unclear = Some(Position(2));
        story
    }

    #[test]
    fn when_nobody_says_what_is_decided_then_it_is_refused() {
        unclear().refuses(&approver(), "hazard.decide_relief", &json!({}), "hazard.person_decides");
        let otherwise = json!({ "otherwise": "酌情", "person": { "relieved": true, "because": "无关" } });
        unclear().refuses(&approver(), "hazard.decide_relief", &otherwise, "hazard.rule_does_not_decide");
    }

    #[test]
    fn when_a_person_decides_then_who_and_why_stand_in_the_event() {
        let person = json!({ "person": { "relieved": true, "because": "事故与本隐患无关" } });
        let story = unclear().then(&approver(), "hazard.decide_relief", &person);
        let Some(HazardEvent::Relieved(decided)) = story.events.last() else { panic!("not relieved") };
        assert_eq!(decided.rule_says, Outcome::PersonDecides);
        assert_eq!(decided.reasons[0].code, "relief.accident_unclear");
        let because = decided.person.as_ref().map(|person| person.because.as_str());
        assert_eq!(because, Some("事故与本隐患无关"));
    }

    #[test]
    fn when_the_rule_decides_then_it_is_not_left_to_a_person() {
        let mut story = unclear();
        story.facts.relief.accident_unclear = None;
        let person = json!({ "person": { "relieved": false, "because": "不宜" } });
        story.refuses(&approver(), "hazard.decide_relief", &person, "hazard.rule_decides");
    }
}

mod given_an_accident {
    use super::*;

    fn registered(sector: &str) -> Story<EnterpriseDecider> {
        let register =
            json!({ "name": "甲", "sector": sector, "town": "某镇", "licence": "full", "producing": true });
        Story::of(enterprise::Facts::default()).then(&inspectors(), "enterprise.register", &register)
    }

    fn accident(deaths: u32) -> Value {
        json!({ "day": "2024-05-01", "deaths": deaths, "description": "冒顶" })
    }

    #[test]
    fn when_somebody_died_in_a_mine_then_it_stands_still_until_that_is_accepted() {
        let accept = json!({ "because": "验收合格" });
        let story = registered("mine").then(&inspectors(), "enterprise.record_accident", &accident(1));
        assert!(story.state.suspended);
        let story = story.then(&approver(), "enterprise.accept_resumption", &accept);
        assert!(!story.state.suspended);
        story.refuses(&approver(), "enterprise.accept_resumption", &accept, "enterprise.not_suspended");
    }

    #[test]
    fn when_nobody_died_or_it_is_no_mine_then_it_does_not() {
        for (sector, deaths) in [("mine", 0), ("industry", 1)] {
            let story =
                registered(sector).then(&inspectors(), "enterprise.record_accident", &accident(deaths));
            assert!(!story.state.suspended, "{sector}, {deaths}");
        }
    }

    #[test]
    fn when_standardisation_is_graded_then_there_are_three_grades() {
        let grade = |level: u8| json!({ "standardisation": level });
        for level in [0, 4] {
            registered("mine").refuses(
                &approver(),
                "enterprise.grade",
                &grade(level),
                "enterprise.no_such_grade",
            );
        }
        assert!(registered("mine").ask(&approver(), "enterprise.grade", &grade(3)).is_ok());
    }
}
