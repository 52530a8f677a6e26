//! Rule packs in force: adopted as they ship, or with a text of the bureau's own, and asked as of the past.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use std::sync::Arc;

use adit_core::command::Command;
use adit_core::ledger::clock::Clock;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::memory::Memory;
use adit_core::office::Office;
use adit_core::rulebook::{Adopt, Amend, RulesCommand};
use adit_core::rules::deadline::{DeadlineError, due};
use adit_core::rules::{Mark, PACKS, Pack};
use adit_core::units::Position;
use common::{Bureau, code, day, text};

fn shipped(id: &str) -> Pack {
    PACKS.into_iter().find(|pack| pack.id == id).expect("pack")
}

fn adopt(id: &str) -> Command {
    let hash = shipped(id).hash();
    let adopt = Adopt { pack: id.to_owned(), hash, from: day("2024-05-10"), decision: text("局务会") };
    Command::Rules(RulesCommand::Adopt(adopt))
}

fn amend(id: &str, from: &str, to: &str) -> Command {
    let shipped = shipped(id).text;
    assert!(shipped.contains(from), "{id} does not say {from}");
    let amend =
        Amend {
            pack: id.to_owned(), text: text(&shipped.replacen(from, to, 1)), decision: text("局务会")
        };
    Command::Rules(RulesCommand::Amend(amend))
}

#[test]
fn when_the_bureau_adopts_a_text_of_its_own_then_it_holds_from_there_on_and_the_past_keeps_its_rules() {
    let store = Arc::new(Memory::default());
    let bureau = Bureau::over(store.clone());
    let from = day("2024-05-10");
    let accept = |office: &Office| due(&office.rules(), "accept", from).map(|due| due.day);
    assert_eq!(accept(&bureau.office), Err(DeadlineError::NotInForce), "its number is ours");
    let before = Position(bureau.office.ledger().size());
    bureau.run(None, amend("deadlines", "days = 7", "days = 5"), &["approver"]).expect("adopted");
    assert_eq!(accept(&bureau.office), Ok(day("2024-05-15")));
    let then = bureau.office.rules_until(before).expect("rules");
    assert_eq!(due(&then, "accept", from).map(|due| due.day), Err(DeadlineError::NotInForce));
    // Adopting the pack as it ships takes the bureau's own text back.
    bureau.run(None, adopt("deadlines"), &["approver"]).expect("adopted");
    assert_eq!(accept(&bureau.office), Ok(day("2024-05-17")));
    let clock = Arc::clone(&bureau.clock) as Arc<dyn Clock>;
    let log = bureau.office.ledger().log_key().as_ref().clone();
    let again = Ledger::over(store, clock, log).expect("ledger");
    assert_eq!(accept(&Office::open(again).expect("office")), Ok(day("2024-05-17")), "also after a restart");
}

#[test]
fn when_the_text_is_not_sound_beside_the_others_then_nothing_is_adopted_and_the_place_is_named() {
    let bureau = Bureau::in_memory();
    let size = bureau.office.ledger().size();
    for (command, refused, place) in [
        (amend("deadlines", "name = \"handle\"", "name = \"accept\""), "rules.pack_contradiction", "accept"),
        (amend("calendar", "last_year = 2026", "last_year = 2027"), "rules.pack_gap", "2027"),
        (amend("duty", "months = 1", "month = 1"), "rules.pack_form", "line"),
    ] {
        let error = bureau.run(None, command, &["approver"]).expect_err("refused");
        let adit_core::office::ExecuteError::Refused(refusal) = error else { unreachable!("{error}") };
        assert_eq!(refusal.code, refused);
        assert!(refusal.details.values().any(|detail| detail.contains(place)), "{refusal:?}");
    }
    assert_eq!(
        code(bureau.run(None, amend("duty", "months = 1", "months = 2"), &["clerk"])),
        "rules.needs_approver"
    );
    assert_eq!(bureau.office.ledger().size(), size);
}

#[test]
fn when_the_holidays_of_another_year_are_adopted_then_its_working_days_are_known() {
    let bureau = Bureau::in_memory();
    let last = day("2026-12-31");
    let publish = || due(&bureau.office.rules(), "publish_penalty", last).map(|due| due.day);
    assert!(matches!(publish(), Err(DeadlineError::UnknownYear(_))), "there is no guess");
    // A year of which only one holiday is known, for the test alone.
    let with_2027 = shipped("calendar").text.replacen("last_year = 2026", "last_year = 2027", 1).replacen(
        "holidays = [\n",
        "holidays = [\n  \"2027-01-01\",\n",
        1,
    );
    let amend = Amend { pack: "calendar".into(), text: text(&with_2027), decision: text("局务会") };
    bureau.run(None, Command::Rules(RulesCommand::Amend(amend)), &["approver"]).expect("adopted");
    // 4 to 8 January are five working days, 11 and 12 the sixth and the seventh.
    assert_eq!(publish(), Ok(day("2027-01-12")));
    assert!(bureau.office.rules().in_force("calendar", Mark::U));
}
