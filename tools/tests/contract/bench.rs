//! `adit bench`: figures as one JSON object, and no ledger of people is touched.

use std::collections::BTreeSet;

use super::{Place, adit, ledger};

#[test]
fn when_appended_then_every_acknowledged_command_has_its_line_and_the_ledger_verifies() {
    let place = Place::new();
    let (data, acks) = (place.path("bench"), place.path("acks"));
    let load = ["--data", &data, "--writers", "4", "--seconds", "1", "--json"];
    let figures = adit(&[&["bench", "append"], &load[..], &["--acks", &acks]].concat()).done().json();
    for name in ["events_per_s", "p50_ms", "p99_ms"] {
        assert!(figures[name].as_f64().is_some_and(|figure| figure > 0.0), "{name}: {figures}");
    }
    let lines = std::fs::read_to_string(&acks).expect("acknowledgements");
    let positions: BTreeSet<u64> = lines
        .lines()
        .map(|line| line.split_once(' ').expect("two words").0.parse().expect("a position"))
        .collect();
    assert_eq!(positions.len(), lines.lines().count(), "a position was given twice");
    assert_eq!(Some(positions.len() as u64), figures["events"].as_u64());
    let size = adit(&["verify", "--data", &data, "--json"]).done().json()["size"].as_u64();
    assert!(positions.last() < size.as_ref(), "an acknowledged entry is not in the ledger");

    for what in ["replay", "verify"] {
        let figures = adit(&["bench", what, "--data", &data, "--json"]).done().json();
        assert!(figures["events_per_s"].as_f64().is_some_and(|figure| figure > 0.0), "{what}: {figures}");
    }
    let figures = adit(&[&["bench", "http"], &load[..], &["--acks", &acks]].concat()).done().json();
    assert!(figures["p99_ms"].as_f64().is_some_and(|figure| figure > 0.0), "{figures}");
    let lines = std::fs::read_to_string(&acks).expect("acknowledgements").lines().count();
    assert_eq!(Some(lines as u64), figures["events"].as_u64().map(|events| events + positions.len() as u64));

    // A second run goes on with the same ledger.
    adit(&[&["bench", "append"], &load[..]].concat()).done();
}

#[test]
fn given_reporters_at_once_when_each_sends_then_receipts_and_entries_are_as_many_and_verified() {
    let place = Place::new();
    let data = place.path("reports");
    let load = ["bench", "reports", "--data", &data, "--writers", "4", "--seconds", "1", "--json"];
    let figures = adit(&load).done().json();
    assert!(figures["send_p99_ms"].as_f64().is_some_and(|figure| figure > 0.0), "{figures}");
    assert!(figures["verified"].as_u64() > figures["events"].as_u64(), "{figures}");
    adit(&load).refused();
}

/// Of the workbench no page is larger than this, in kB.
const PAGE_KB_MAX: u64 = 300;

#[test]
fn given_a_generated_ledger_then_it_verifies_and_every_table_and_every_kind_of_page_answers() {
    let place = Place::new();
    let data = place.path("generated");
    let size =
        ["--hazards", "200", "--enterprises", "4", "--reports", "80", "--years", "1", "--writers", "4"];
    adit(&[&["bench", "generate", "--data", &data, "--json"], &size[..]].concat()).done();
    adit(&["verify", "--data", &data, "--json"]).done();
    let rewards = adit(&["project", "rewards", "--data", &data, "--json"]).done().json();
    let statuses: BTreeSet<&str> =
        rewards["rows"].as_array().expect("rows").iter().filter_map(|row| row["status"].as_str()).collect();
    assert!(["paid", "forfeited"].iter().all(|status| statuses.contains(status)), "{statuses:?}");

    let figures = adit(&["bench", "query", "--data", &data, "--rounds", "1", "--json"]).done().json();
    assert!(figures["docket"]["questions"].as_u64().is_some_and(|many| many > 0), "{figures}");
    let figures = adit(&["bench", "pages", "--data", &data, "--rounds", "1", "--json"]).done().json();
    let kinds: Vec<_> =
        figures.as_object().expect("kinds").iter().filter(|(_, kind)| kind.is_object()).collect();
    assert!(kinds.len() > 30, "{figures}");
    for name in ["case", "docket", "reward", "trace", "worklist_enterprise"] {
        assert!(kinds.iter().any(|(kind, _)| *kind == name), "no page of the kind {name}: {figures}");
    }
    for (name, kind) in kinds {
        assert!(kind["pages"].as_u64().is_some_and(|many| many > 0), "{name}: {kind}");
        assert!(kind["largest_kb"].as_u64().is_some_and(|size| size < PAGE_KB_MAX), "{name}: {kind}");
    }
}

#[test]
fn when_the_bare_disk_is_measured_then_nothing_is_left_of_it() {
    let place = Place::new();
    let data = place.path("disk");
    let figures =
        adit(&["bench", "disk", "--data", &data, "--writers", "2", "--seconds", "1", "--json"]).done().json();
    assert!(figures["events_per_s"].as_f64().is_some_and(|figure| figure > 0.0), "{figures}");
    assert_eq!(place.files(), []);
}

#[test]
fn given_a_ledger_that_people_use_then_the_bench_refuses_and_touches_nothing() {
    let place = Place::new();
    let data = place.path("demo");
    adit(&["demo", "--no-serve", "--json", "--data", &data]).done();
    let keys_before: Vec<_> =
        place.files().into_iter().filter(|(path, _)| path.to_string_lossy().contains(".keys/")).collect();
    let size_before = adit(&["verify", "--data", &data, "--json"]).done().json()["size"].clone();
    adit(&["bench", "append", "--data", &data, "--writers", "1", "--seconds", "1"]).refused();
    let keys: Vec<_> =
        place.files().into_iter().filter(|(path, _)| path.to_string_lossy().contains(".keys/")).collect();
    assert_eq!(keys, keys_before);
    assert_eq!(adit(&["verify", "--data", &data, "--json"]).done().json()["size"], size_before);
}

#[test]
fn given_a_ledger_with_two_administrators_then_the_bench_never_takes_their_keys_away() {
    let place = Place::new();
    let (data, said) = ledger(&place);
    adit(&["bench", "append", "--data", &data, "--writers", "1", "--seconds", "1", "--json"]);
    for admin in said["admins"].as_array().expect("administrators") {
        let name = format!("{}.json", admin["actor"].as_str().expect("an actor"));
        let kept = place.files().iter().any(|(path, _)| path.ends_with(&name));
        assert!(kept, "the wrapped key of an administrator is gone");
    }
}
