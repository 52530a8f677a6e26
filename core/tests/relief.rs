//! Relief from penalty and petitions for closure, the whole way from commands to the log: each condition with the entries
//! that prove it (plan, mines, 11), each count as its source counts.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use adit_core::command::Command;
use adit_core::enterprise::EnterpriseEvent;
use adit_core::event::Event;
use adit_core::hazard::{HazardEvent, ReliefDecided};
use adit_core::id::StreamId;
use adit_core::inspection::commitment;
use adit_core::refusal::has_words;
use adit_core::role::Role;
use adit_core::rules::five_in_place::Element;
use adit_core::rules::relief::{ConditionName, Holds, Outcome, ReliefFacts, relief};
use adit_core::rules::{Rules, facts};
use adit_core::units::Position;
use common::{Bureau, code, day};
use serde_json::{Value, json};

const ITEM: &str = "NCM88-一(地下矿山)-二";
const OTHER: &str = "NCM88-一(地下矿山)-一";
const INSPECTORS: &[&str] = &["inspector-1", "inspector-2"];
const MANAGER: &[&str] = &["manager"];

/// A mine with a manager who signs for it.
struct Mine {
    bureau: Bureau,
    enterprise: StreamId,
}

/// A hazard, and where its first entry stands.
#[derive(Clone, Copy)]
struct Found {
    stream: StreamId,
    at: Position,
}

impl Mine {
    fn new() -> Self {
        let mut bureau = Bureau::in_memory();
        let enterprise = bureau.enterprise("甲矿");
        bureau.enrol("manager", Role::Enterprise, Some(enterprise));
        Self { bureau, enterprise }
    }

    fn on(&self, today: &str) -> &Self {
        self.bureau.clock.set(day(today).start().plus_seconds(9 * 3600));
        self
    }

    fn ask(
        &self,
        stream: Option<StreamId>,
        kind: &str,
        data: &Value,
        who: &[&str],
    ) -> Result<(StreamId, Position), String> {
        let data = serde_json::value::to_raw_value(data).expect("raw");
        let command = Command::parse(kind, &data).expect("a command");
        match self.bureau.run(stream, command, who) {
            Ok(answer) => Ok((answer.stream, answer.positions[0])),
            refused => Err(code(refused)),
        }
    }

    fn run(&self, stream: StreamId, kind: &str, data: &Value, who: &[&str]) -> Position {
        self.ask(Some(stream), kind, data, who).expect(kind).1
    }

    /// Reported by the mine itself and verified.
    fn self_reported(&self, found_on: &str, criterion: Option<&str>) -> Found {
        let report = json!({ "enterprise": self.enterprise, "origin": "self_inspection", "place": "三号巷道",
            "description": "未支护", "found_on": found_on });
        let (stream, at) = self.ask(None, "hazard.report", &report, MANAGER).expect("reported");
        let verify = json!({ "criterion": criterion, "because": "现场" });
        self.run(stream, "hazard.verify", &verify, INSPECTORS);
        Found { stream, at }
    }

    fn assign(&self, found: Found, due: &str) -> Position {
        let assign = json!({ "responsible_post": "矿长", "due": due });
        self.run(found.stream, "hazard.assign", &assign, &["handler"])
    }

    /// The plan; where its aim stands.
    fn plan(&self, found: Found) -> Position {
        let plan = json!({ "aim": "消除隐患", "responsibility": "矿长", "measures": "支护", "funds": "二十万元",
            "time_limit": "六月底", "emergency_plan": "停产撤人" });
        self.run(found.stream, "hazard.plan", &plan, MANAGER)
    }

    fn rectify(&self, found: Found) -> Position {
        for element in Element::ALL {
            let shown = json!({ "element": element, "text": "见附件" });
            self.run(found.stream, "hazard.evidence", &shown, MANAGER);
        }
        self.run(found.stream, "hazard.rectify", &json!({ "because": "已整改" }), MANAGER)
    }

    /// Struck off the list; where.
    fn close(&self, found: Found) -> Position {
        self.rectify(found);
        let passed = json!({ "passed": true, "findings": "通过" });
        self.run(found.stream, "hazard.review", &passed, INSPECTORS);
        for element in Element::ALL {
            self.run(found.stream, "hazard.confirm", &json!({ "element": element }), INSPECTORS);
        }
        self.run(found.stream, "hazard.close", &json!({}), &["approver"])
    }

    fn decide(&self, found: Found, data: &Value) -> ReliefDecided {
        self.run(found.stream, "hazard.decide_relief", data, &["approver"]);
        let facts = self.bureau.office.ledger().stream(&found.stream).expect("read");
        let event = facts.into_iter().next_back().expect("an event").event;
        let Event::Hazard(HazardEvent::Relieved(decided) | HazardEvent::ReliefRefused(decided)) = event
        else {
            panic!("no decision: {}", event.kind())
        };
        decided
    }

    /// A visit with a finding in the same gallery; where the visit and the finding stand.
    fn finding(&self, stream: Option<StreamId>, today: &str, criterion: &str) -> (Position, Position) {
        let visit = json!({ "enterprise": self.enterprise, "day": today, "checked": "井下" });
        let (stream, visited) = self.ask(stream, "inspection.perform", &visit, INSPECTORS).expect("there");
        let finding = json!({ "place": "三号巷道", "description": "未支护", "found_on": today, "criterion": criterion });
        (visited, self.run(stream, "inspection.record_finding", &finding, INSPECTORS))
    }

    fn penalise(&self, found: Found, decision: &str, on: &str, unit: &str, persons: &[&str]) {
        let penalty = json!({ "decision": decision, "decided_on": on, "unit_fine_yuan": unit,
            "person_fines_yuan": persons, "article": "102" });
        self.run(found.stream, "hazard.penalise", &penalty, &["approver"]);
    }

    fn petition(&self) -> Result<(StreamId, Position), String> {
        self.ask(
            Some(self.enterprise),
            "enterprise.petition_closure",
            &json!({ "because": "依法提请" }),
            &["approver"],
        )
    }

    /// The codes of the grounds of the petition that was made.
    fn grounds(&self) -> Vec<String> {
        self.petition().expect("a petition");
        let facts = self.bureau.office.ledger().stream(&self.enterprise).expect("read");
        let event = facts.into_iter().next_back().expect("an event").event;
        let Event::Enterprise(EnterpriseEvent::ClosurePetitioned(petitioned)) = event else {
            panic!("no petition: {}", event.kind())
        };
        petitioned.grounds.into_iter().map(|reason| reason.code).collect()
    }
}

fn holds(decided: &ReliefDecided, name: ConditionName) -> (Holds, &str, Vec<Position>) {
    let one = decided.conditions.iter().find(|condition| condition.condition == name).expect("each stands");
    (one.holds, one.reason.code.as_str(), one.proof.clone())
}

fn after(position: Position, entries: u64) -> Position {
    Position(position.0 + entries)
}

mod given_a_hazard_that_the_mine_reported_itself {
    use super::*;

    #[test]
    fn when_everything_is_in_order_then_each_condition_is_met_with_its_entries_in_the_order_of_the_rule() {
        let mine = Mine::new();
        let found = mine.self_reported("2024-05-10", Some(ITEM));
        let due = mine.assign(found, "2024-06-30");
        let aim = mine.plan(found);
        let decided = mine.decide(found, &json!({}));
        assert_eq!(decided.rule_says, Outcome::Relieved);
        // The plan is six entries: the aim, responsibility, measures and the others in their order.
        let measures = after(aim, 2);
        let told: Vec<_> =
            decided.conditions.iter().map(|one| (one.reason.code.as_str(), one.proof.clone())).collect();
        let expected = [
            ("relief.self_reported", vec![found.at]),
            ("relief.plan_made", vec![aim, measures]),
            ("relief.not_inspected_first", vec![found.at]),
            ("relief.no_accident_first", vec![found.at]),
            ("relief.not_repeated", vec![found.at]),
            ("relief.not_overdue", vec![due]),
            ("relief.not_refused", vec![]),
        ];
        assert_eq!(told, expected);
        assert!(decided.conditions.iter().all(|one| one.holds == Holds::Met));
        assert!(decided.conditions.iter().all(|one| one.reason.source.contains("矿山 11")));
    }

    #[test]
    fn when_a_plan_was_sealed_before_then_the_inspection_counts_from_there() {
        let mine = Mine::new();
        let hash = commitment("盐", Some(&mine.enterprise), "井下", day("2024-05-10"));
        let (visit, sealed) =
            mine.ask(None, "inspection.seal", &json!({ "commitment": hash }), INSPECTORS).expect("sealed");
        let found = mine.self_reported("2024-05-10", Some(ITEM));
        mine.plan(found);
        let open = json!({ "salt": "盐", "enterprise": mine.enterprise, "scope": "井下" });
        let opened = mine.run(visit, "inspection.open", &open, INSPECTORS);
        let decided = mine.decide(found, &json!({}));
        let (holds, code, proof) = holds(&decided, ConditionName::NotInspectedFirst);
        assert_eq!((holds, code), (Holds::Against, "relief.inspected_first"));
        assert_eq!(proof, [sealed, found.at, opened]);
        assert_eq!(decided.reasons.len(), 1, "what decided is told alone, as before");
    }

    #[test]
    fn when_inspectors_found_it_before_then_visit_and_finding_prove_it() {
        let mine = Mine::new();
        let (visited, finding) = mine.finding(None, "2024-05-10", ITEM);
        let found = mine.self_reported("2024-05-10", Some(ITEM));
        let decided = mine.decide(found, &json!({}));
        let told = holds(&decided, ConditionName::NotInspectedFirst);
        assert_eq!(told, (Holds::Against, "relief.inspected_first", vec![visited, finding, found.at]));
        assert_eq!(holds(&decided, ConditionName::PlanMade).1, "relief.no_plan");
    }

    #[test]
    fn when_inspectors_find_it_after_then_nothing_in_the_decision_names_them() {
        let mine = Mine::new();
        let found = mine.self_reported("2024-05-10", Some(ITEM));
        mine.plan(found);
        mine.finding(None, "2024-05-10", ITEM);
        mine.finding(None, "2024-05-10", OTHER);
        let decided = mine.decide(found, &json!({}));
        assert_eq!(decided.rule_says, Outcome::Relieved);
        assert_eq!((decided.facts.inspected, decided.facts.inspected_unclear), (None, None));
        assert_eq!(holds(&decided, ConditionName::NotInspectedFirst).2, [found.at]);
    }

    #[test]
    fn when_only_the_place_is_the_same_or_an_accident_was_before_then_it_is_unclear_with_the_entry() {
        let mine = Mine::new();
        let (_, finding) = mine.finding(None, "2024-05-10", OTHER);
        let accident =
            json!({ "day": "2024-05-09", "deaths": 0, "seriously_injured": 1, "description": "冒顶" });
        let accident = mine.run(mine.enterprise, "enterprise.record_accident", &accident, INSPECTORS);
        let found = mine.self_reported("2024-05-10", Some(ITEM));
        mine.plan(found);
        let person = json!({ "person": { "relieved": true, "because": "与本隐患无关" } });
        let decided = mine.decide(found, &person);
        let inspection = holds(&decided, ConditionName::NotInspectedFirst);
        assert_eq!(inspection, (Holds::Unclear, "relief.inspection_unclear", vec![finding, found.at]));
        let accidents = holds(&decided, ConditionName::NoAccidentFirst);
        assert_eq!(accidents, (Holds::Unclear, "relief.accident_unclear", vec![accident, found.at]));
    }

    #[test]
    fn when_the_officer_says_that_it_was_refused_then_that_stands_against_it() {
        let mine = Mine::new();
        let found = mine.self_reported("2024-05-10", Some(ITEM));
        mine.plan(found);
        let decided = mine.decide(found, &json!({ "rectification_refused": true }));
        let told = holds(&decided, ConditionName::NotRefused);
        assert_eq!(told, (Holds::Against, "relief.rectification_refused", vec![]));
    }
}

mod given_an_earlier_hazard_of_the_same_item {
    use super::*;

    #[test]
    fn when_it_had_been_struck_off_then_the_repeat_is_proved_by_both_entries() {
        let mine = Mine::new();
        let earlier = mine.self_reported("2024-05-10", Some(ITEM));
        mine.assign(earlier, "2024-06-30");
        mine.plan(earlier);
        let closed = mine.close(earlier);
        let found = mine.on("2024-09-02").self_reported("2024-09-02", Some(ITEM));
        mine.plan(found);
        let decided = mine.decide(found, &json!({}));
        assert_eq!(decided.rule_says, Outcome::Refused);
        let told = holds(&decided, ConditionName::NotRepeated);
        assert_eq!(told, (Holds::Against, "relief.repeated", vec![after(earlier.at, 1), closed, found.at]));
    }

    #[test]
    fn when_it_is_struck_off_only_after_the_report_then_the_item_had_not_come_again() {
        let mine = Mine::new();
        let earlier = mine.self_reported("2024-05-10", Some(ITEM));
        mine.assign(earlier, "2024-06-30");
        mine.plan(earlier);
        let found = mine.self_reported("2024-05-10", Some(ITEM));
        mine.plan(found);
        mine.close(earlier);
        let decided = mine.decide(found, &json!({}));
        assert_eq!(decided.rule_says, Outcome::Relieved, "{:?}", decided.reasons);
    }
}

mod given_a_due_day {
    use super::*;

    #[test]
    fn when_it_was_missed_then_the_day_and_the_record_of_the_miss_prove_it() {
        let mine = Mine::new();
        let found = mine.self_reported("2024-05-10", Some(ITEM));
        let due = mine.assign(found, "2024-06-30");
        mine.plan(found);
        let missed = mine.on("2024-07-01").run(
            found.stream,
            "hazard.record_overdue",
            &json!({ "clock": "rectify" }),
            &[],
        );
        let rectified = mine.rectify(found);
        let decided = mine.decide(found, &json!({}));
        let told = holds(&decided, ConditionName::NotOverdue);
        assert_eq!(told, (Holds::Against, "relief.overdue", vec![due, missed, rectified]));
        assert!(holds(&decided, ConditionName::PlanMade).2.contains(&rectified));
    }

    #[test]
    fn when_it_was_rectified_late_and_nobody_recorded_the_miss_then_it_is_overdue_all_the_same() {
        let mine = Mine::new();
        let found = mine.self_reported("2024-05-10", Some(ITEM));
        let due = mine.assign(found, "2024-06-30");
        mine.plan(found);
        let rectified = mine.on("2024-07-01").rectify(found);
        let decided = mine.decide(found, &json!({}));
        let told = holds(&decided, ConditionName::NotOverdue);
        assert_eq!(told, (Holds::Against, "relief.overdue", vec![due, rectified]));
    }

    #[test]
    fn when_it_was_rectified_on_the_last_day_then_it_is_not() {
        let mine = Mine::new();
        let found = mine.self_reported("2024-05-10", Some(ITEM));
        mine.assign(found, "2024-06-30");
        mine.plan(found);
        mine.on("2024-06-30").rectify(found);
        let decided = mine.on("2024-07-10").decide(found, &json!({}));
        assert_eq!(decided.rule_says, Outcome::Relieved, "{:?}", decided.reasons);
    }
}

mod given_facts_on_the_command_line {
    use super::*;

    fn answer(facts: &Value) -> Value {
        let rules = Rules::builtin().expect("packs");
        facts::answer(&rules, "relief", &facts.to_string()).expect("an answer")
    }

    #[test]
    fn when_they_are_those_of_before_then_each_condition_is_told_in_both_languages() {
        let told = answer(&json!({ "self_reported": 12, "plan_made": true, "inspected": 7 }));
        assert_eq!(told["outcome"], "refused");
        let conditions = told["conditions"].as_array().expect("conditions");
        assert_eq!(conditions.len(), 7);
        let one = &conditions[2];
        assert_eq!((&one["condition"], &one["holds"]), (&json!("not_inspected_first"), &json!("against")));
        assert_eq!(one["proof"], json!([7, 12]));
        for condition in conditions {
            for part in ["zh", "en", "source", "code"] {
                assert!(condition[part].as_str().is_some_and(|text| !text.is_empty()), "{condition}");
            }
        }
    }

    #[test]
    fn when_it_was_not_self_reported_then_that_alone_decides_and_the_others_are_told_too() {
        let told = answer(&json!({ "self_reported": null, "plan_made": false, "accident": 3 }));
        let codes: Vec<&str> = told["reasons"]
            .as_array()
            .expect("reasons")
            .iter()
            .filter_map(|one| one["code"].as_str())
            .collect();
        assert_eq!(codes, ["relief.not_self_reported"]);
        let against = told["conditions"].as_array().expect("conditions").iter();
        let against: Vec<&Value> =
            against.filter(|one| one["holds"] == "against").map(|one| &one["condition"]).collect();
        assert_eq!(against, ["self_reported", "plan_made", "no_accident_first"]);
    }

    /// Every combination of what there is to know; each condition has words whichever way it stands.
    #[test]
    fn when_anything_is_known_then_the_conditions_say_the_same_as_the_outcome() {
        let rules = Rules::builtin().expect("packs");
        for bits in 0_u32..512 {
            let has = |bit: u32| bits & (1 << bit) != 0;
            let at = |bit: u32, position: u64| has(bit).then_some(Position(position));
            let facts = ReliefFacts {
                self_reported: at(0, 10),
                plan_made: has(1),
                inspected: at(2, 5),
                repeated: has(3),
                overdue: has(4),
                refused: has(5),
                accident: at(6, 4),
                inspected_unclear: at(7, 3),
                accident_unclear: at(8, 2),
                ..ReliefFacts::default()
            };
            let told = relief(&rules, &facts);
            let count = |holds| told.conditions.iter().filter(|one| one.holds == holds).count();
            let outcome = match (count(Holds::Against), count(Holds::Unclear)) {
                (0, 0) => Outcome::Relieved,
                (0, _) => Outcome::PersonDecides,
                _ => Outcome::Refused,
            };
            assert_eq!((told.outcome, told.conditions.len()), (outcome, 7), "{facts:?}");
            assert!(told.conditions.iter().all(|one| has_words(&one.reason.code)), "{facts:?}");
            assert!(told.conditions.iter().all(|one| one.proof.is_sorted()), "{facts:?}");
        }
    }
}

mod given_a_petition_for_closure {
    use super::*;

    #[test]
    fn when_only_the_same_item_came_again_then_that_is_a_ground() {
        let mine = Mine::new();
        let earlier = mine.self_reported("2024-05-10", Some(ITEM));
        mine.assign(earlier, "2024-06-30");
        mine.plan(earlier);
        mine.close(earlier);
        assert_eq!(mine.petition(), Err("enterprise.no_ground".into()));
        // More than three months later: the first rule counts nothing.
        mine.on("2024-09-02").self_reported("2024-09-02", Some(ITEM));
        assert_eq!(mine.grounds(), ["closure.recurrence"]);
    }

    #[test]
    fn when_the_other_was_found_before_the_first_was_struck_off_then_nothing_came_again() {
        let mine = Mine::new();
        let earlier = mine.self_reported("2024-05-10", Some(ITEM));
        mine.assign(earlier, "2024-12-31");
        mine.plan(earlier);
        mine.on("2024-09-02").close(earlier);
        mine.on("2024-09-03").self_reported("2024-09-01", Some(ITEM));
        assert_eq!(mine.petition(), Err("enterprise.no_ground".into()));
    }

    #[test]
    fn when_a_case_penalises_unit_and_persons_then_it_is_one_penalty_of_the_unit() {
        let mine = Mine::new();
        let found = mine.self_reported("2024-05-10", Some(ITEM));
        mine.penalise(found, "1号", "2024-05-10", "40000", &[]);
        mine.penalise(found, "2号", "2024-05-10", "0", &["30000"]);
        mine.penalise(found, "3号", "2024-05-10", "40000", &["10000"]);
        assert_eq!(mine.petition(), Err("enterprise.no_ground".into()), "two of the unit");
        mine.penalise(found, "4号", "2024-05-10", "0", &[]);
        assert_eq!(mine.grounds(), ["closure.penalised_short"], "a warning is a penalty without a fine");
    }

    #[test]
    fn when_one_decision_is_entered_for_several_hazards_then_it_counts_once() {
        let mine = Mine::new();
        let hazards = [ITEM, OTHER, ITEM].map(|item| mine.self_reported("2024-05-10", Some(item)));
        for found in hazards {
            mine.penalise(found, "1号", "2024-05-10", "40000", &[]);
        }
        assert_eq!(mine.petition(), Err("enterprise.no_ground".into()));
    }

    #[test]
    fn when_the_hazard_is_a_general_one_then_it_counts_only_while_a_major_one_exists() {
        let mine = Mine::new();
        let general = mine.self_reported("2024-05-10", None);
        for decision in ["1号", "2号", "3号"] {
            mine.penalise(general, decision, "2024-05-10", "40000", &[]);
        }
        assert_eq!(mine.petition(), Err("enterprise.no_ground".into()), "no major hazard exists");
        mine.on("2024-05-20").self_reported("2024-05-20", Some(ITEM));
        for decision in ["4号", "5号"] {
            mine.penalise(general, decision, "2024-05-20", "40000", &[]);
        }
        assert_eq!(mine.petition(), Err("enterprise.no_ground".into()), "the three of before do not count");
        mine.penalise(general, "6号", "2024-05-20", "40000", &[]);
        assert_eq!(mine.grounds(), ["closure.penalised_short"]);
    }
}
