//! Criteria in force on the day on which a hazard was found, as their specification.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use adit_core::command::Command;
use adit_core::decider::{Decider, Moment};
use adit_core::hazard::HazardDecider;
use adit_core::id::StreamId;
use adit_core::inspection::{InspectionCommand, Perform, RecordFinding};
use adit_core::refusal::{Lang, Refusal, Words};
use common::story::*;
use common::{Bureau, code, day, text};
use serde_json::{Value, json};

const MINE: &str = "NCM88-一(地下矿山)-十九";
const INDUSTRY: &str = "GM10-第三条-二";
const CHEMICAL: &str = "CH121-全文-一";
const FIREWORKS: &str = "FW121-全文-一";
const CODE: &str = "hazard.criterion_not_in_force";

fn found(on: &str, item: &str) -> Value {
    json!({ "enterprise": mine(), "origin": "self_inspection", "place": "三号巷道", "description": "未支护",
        "found_on": on, "criterion": item })
}

/// What is said to whoever reports an item that did not hold on that day.
fn said(on: &str, item: &str, lang: Lang) -> Words {
    let command = serde_json::from_value(json!({ "type": "hazard.report", "data": found(on, item) }));
    let (story, by) = (nothing_yet(), manager());
    let moment =
        Moment { now: day(story.today).start().plus_seconds(3600), rules: &story.rules, by: by.as_slice() };
    let refused =
        HazardDecider::decide(&story.state, &command.expect("a command"), &story.facts, &moment).err();
    Refusal::from(refused.expect("a refusal")).words(lang)
}

mod given_the_day_on_which_it_was_found {
    use super::*;

    #[test]
    fn when_the_catalogue_holds_on_that_day_then_its_items_may_be_named_and_on_the_day_before_not() {
        for (item, first, before) in [
            (MINE, "2022-09-01", "2022-08-31"),
            (INDUSTRY, "2023-05-15", "2023-05-14"),
            (CHEMICAL, "2017-11-13", "2017-11-12"),
            (FIREWORKS, "2017-11-13", "2017-11-12"),
        ] {
            assert!(nothing_yet().ask(&manager(), "hazard.report", &found(first, item)).is_ok(), "{item}");
            nothing_yet().refuses(&manager(), "hazard.report", &found(before, item), CODE);
        }
    }

    #[test]
    fn when_the_chemical_standard_of_2026_begins_then_the_one_of_2017_still_holds() {
        // Whether the earlier one is repealed is not confirmed; the text of the later one is not at hand.
        let story = nothing_yet().on("2026-10-08");
        assert!(story.ask(&manager(), "hazard.report", &found("2026-10-01", CHEMICAL)).is_ok());
        story.refuses(
            &manager(),
            "hazard.report",
            &found("2026-10-01", "CH3067-5-5.1.1"),
            "hazard.unknown_criterion",
        );
    }

    #[test]
    fn when_it_is_verified_later_then_the_day_of_finding_decides() {
        let word = json!({ "enterprise": mine(), "origin": "self_inspection", "place": "三号巷道",
            "description": "未支护", "found_on": "2022-08-31" });
        let story = nothing_yet().then(&manager(), "hazard.report", &word);
        let verify = json!({ "criterion": MINE, "because": "现场" });
        story.refuses(&inspectors(), "hazard.verify", &verify, CODE);
        assert!(story.ask(&inspectors(), "hazard.verify", &json!({ "because": "现场" })).is_ok());
    }

    #[test]
    fn when_an_earlier_register_is_taken_over_then_the_same_holds() {
        let mut row = found("2022-08-31", MINE);
        row["origin"] = json!("earlier_register");
        nothing_yet().refuses(&inspectors(), "hazard.report", &row, CODE);
    }
}

mod given_that_it_is_refused {
    use super::*;

    #[test]
    fn when_the_catalogue_of_that_day_has_no_text_here_then_that_is_said_with_its_name() {
        let zh = said("2022-08-31", MINE, Lang::Zh);
        for part in [MINE, "矿安〔2022〕88号", "自 2022-09-01 起", "2022-08-31"] {
            assert!(zh.says.contains(part), "{part}: {}", zh.says);
        }
        assert!(zh.instead.contains("安监总管一〔2017〕98号"), "{}", zh.instead);
        let en = said("2022-08-31", MINE, Lang::En);
        assert!(en.says.contains("since 2022-09-01"), "{}", en.says);
        assert!(en.instead.contains("安监总管一〔2017〕98号") && en.instead.contains("not at hand"));
        for words in [&zh.says, &zh.instead, &en.says, &en.instead] {
            assert!(!words.contains('{'), "nothing is left to fill in: {words}");
        }
    }

    #[test]
    fn when_no_catalogue_held_on_that_day_then_that_is_said_plainly() {
        let en = said("2017-08-31", MINE, Lang::En);
        assert!(en.instead.contains("no catalogue") && en.instead.contains("2017-09-01"), "{}", en.instead);
        let zh = said("2017-11-12", FIREWORKS, Lang::Zh);
        assert!(zh.instead.contains("2017-11-13"), "{}", zh.instead);
    }
}

mod given_an_inspection {
    use super::*;

    fn visited(bureau: &Bureau, enterprise: StreamId) -> StreamId {
        let perform =
            Perform { enterprise, day: day("2024-05-10"), checked: text("井下"), files: Vec::new() };
        let command = Command::Inspection(InspectionCommand::Perform(perform));
        bureau.run(None, command, &["inspector-1", "inspector-2"]).expect("performed").stream
    }

    #[test]
    fn when_a_finding_names_an_item_that_did_not_hold_then_neither_finding_nor_hazard_is_entered() {
        let bureau = Bureau::in_memory();
        let enterprise = bureau.enterprise("甲矿");
        let visit = visited(&bureau, enterprise);
        let size = bureau.office.ledger().size();
        for (found_on, says) in [("2022-08-31", CODE), ("2024-05-10", "done")] {
            let finding = RecordFinding {
                place: text("三号巷道"),
                description: text("未支护"),
                found_on: day(found_on),
                criterion: Some(MINE.to_owned()),
                files: Vec::new(),
            };
            let command = Command::Inspection(InspectionCommand::RecordFinding(finding));
            let result = bureau.run(Some(visit), command, &["inspector-1", "inspector-2"]);
            assert_eq!(code(result), says);
            let entered = if says == "done" { 2 } else { 0 };
            assert_eq!(bureau.office.ledger().size(), size + entered);
        }
    }
}
