//! `adit demo`: the main job, on the published cases.

use serde_json::Value;

use super::{Place, adit};

#[test]
fn when_played_then_published_rewards_come_out_and_the_ledger_verifies() {
    let place = Place::new();
    let data = place.path("demo");
    let shown = adit(&["demo", "--no-serve", "--json", "--data", &data]).done().json();

    let cases = shown["cases"].as_array().expect("cases");
    let ids: Vec<&str> = cases.iter().filter_map(|case| case["case"].as_str()).collect();
    for id in [
        "C01", "C02", "C04", "C07", "C08", "C10", "C14", "C18", "C19", "C20", "C21", "C22", "C23", "C26",
        "C27", "C29", "C31", "C33",
    ] {
        assert!(ids.contains(&id), "{id} is not played");
    }
    let agreeing: Vec<&Value> = cases.iter().filter(|case| case["agrees"] == "yes").collect();
    assert_eq!(agreeing.len(), 5, "C01, C02, C04, C10 and C14 agree");
    for case in agreeing {
        assert_eq!(case["computed_yuan"], case["published_yuan"], "{case}");
    }
    for case in cases {
        assert!(case["source"].as_str().is_some_and(|source| !source.is_empty()), "{case}");
        assert!(
            case["note"].as_str().is_some_and(|note| !note.is_empty()),
            "a case that shows nothing: {case}"
        );
    }

    let of = |id: &str| cases.iter().find(|case| case["case"] == id).expect("the case");
    // Whether a personal fine belongs to the base is not settled: both figures are shown where they differ.
    assert_eq!(
        (&of("C26")["computed_yuan"], &of("C26")["alternative_yuan"]),
        (&"90000.00".into(), &"94500.00".into())
    );
    assert_eq!(of("C20")["computed_yuan"], "3000.00", "the floor binds");
    assert_eq!(of("C31")["status"], "forfeited", "nobody came within 60 days");
    assert_eq!(shown["verify"]["ok"], true);
}

#[test]
fn when_kept_then_the_ledger_answers_afterwards_and_as_of_then() {
    let place = Place::new();
    let data = place.path("demo");
    adit(&["demo", "--no-serve", "--json", "--data", &data]).done();
    assert_eq!(adit(&["verify", "--data", &data, "--json"]).done().json()["ok"], true);

    let rows = |arguments: &[&str]| {
        let said =
            adit(&[&["project", "register", "--data", &data, "--json"], arguments].concat()).done().json();
        said["rows"].as_array().expect("rows").clone()
    };
    let (now, then) = (rows(&[]), rows(&["--as-of", "2022-12-31"]));
    assert!(
        !then.is_empty() && then.len() < now.len(),
        "{} of {} hazards stood at the end of 2022",
        then.len(),
        now.len()
    );

    let hazard = now[0]["hazard"].as_str().expect("the hazard's stream");
    let events = adit(&["show", "--data", &data, hazard, "--json"]).done().json();
    assert_eq!(events["events"][0]["type"], "hazard.reported");
    let first = events["events"][0]["position"].to_string();
    let shorter = adit(&["show", "--data", &data, hazard, "--as-of", &first, "--json"]).done().json();
    assert_eq!(shorter["events"].as_array().map(Vec::len), Some(1), "as of a position includes it");
}

#[test]
fn when_printed_then_nothing_is_invented_silently() {
    let shown = adit(&["demo", "--no-serve"]).done();
    assert!(shown.out.contains("补充") && shown.out.contains("supplied"), "supplied steps are not marked");
    assert!(shown.out.contains("（虚构）"), "fictional enterprises are not marked");
}

#[test]
fn when_the_folder_is_taken_then_the_demonstration_refuses() {
    let place = Place::new();
    let data = place.path("mine");
    std::fs::create_dir(&data).expect("a folder");
    place.write("mine/file", "mine");
    let before = place.files();
    adit(&["demo", "--no-serve", "--data", &data]).refused();
    assert_eq!(place.files(), before);
}
