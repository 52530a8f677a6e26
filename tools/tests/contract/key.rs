//! `adit key`: the log's key from its first rotation to its end, and what others make of it.

use std::path::Path;
use std::sync::Arc;

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::clock::SystemClock;
use adit_core::ledger::home::Home;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::vkey::VKey;
use adit_core::units::Position;
use serde_json::Value;

use super::{Place, Said, adit, ledger};

fn key(data: &str, action: &str) -> Said {
    adit(&["key", action, "--data", data, "--json"])
}

fn exported(place: &Place, data: &str) -> (Vec<u8>, Vec<VKey>) {
    let out = place.path("www");
    adit(&["export", "tiles", "--data", data, "--publish", &out]).done();
    let keys = std::fs::read_to_string(place.path("www/log.vkey")).expect("log.vkey");
    let note = std::fs::read(place.path("www/checkpoint")).expect("checkpoint");
    (note, keys.lines().map(|line| line.parse().expect("a vkey")).collect())
}

/// A receipt of the opening against the newest checkpoint, in a file.
fn receipt(place: &Place, data: &str, name: &str) -> String {
    let log = Ledger::open(&Home::beside(Path::new(data)), Arc::new(SystemClock)).expect("opened");
    log.publish_now();
    let receipt = log.public_receipt(Position(0)).expect("read").expect("published");
    place.write(name, receipt.to_bytes())
}

#[test]
fn rotates_and_retires_the_logs_key_and_everybody_can_follow() {
    let place = Place::new();
    let (data, said) = ledger(&place);
    let old = said["log"].as_str().expect("the log's key").to_owned();
    let before = receipt(&place, &data, "before");

    let rotated = key(&data, "rotate").done().json();
    let new = rotated["introduced"].as_str().expect("a vkey").to_owned();
    assert_eq!(rotated["in_force"], serde_json::json!([old, new]));
    assert!(Path::new(rotated["file"].as_str().expect("a file")).is_file());
    let (note, keys) = exported(&place, &data);
    assert_eq!(keys.iter().map(ToString::to_string).collect::<Vec<_>>(), [old.clone(), new.clone()]);
    for key in &keys {
        Checkpoint::verify(&note, key).expect("signed by either");
    }
    let www = place.path("www");
    for key in [&old, &new] {
        adit(&["audit", &www, "--key", key]).done();
    }
    let during = receipt(&place, &data, "during");

    let retired = key(&data, "retire").done().json();
    assert_eq!((&retired["ended"], &retired["in_force"]), (&old.clone().into(), &serde_json::json!([new])));
    let (note, keys) = exported(&place, &data);
    assert_eq!(keys.iter().map(ToString::to_string).collect::<Vec<_>>(), std::slice::from_ref(&new));
    Checkpoint::verify(&note, &old.parse().expect("a vkey")).expect_err("the old key signs no more");
    for key in [&old, &new] {
        adit(&["audit", &www, "--key", key]).done();
    }
    adit(&["verify", "--data", &data]).done();
    let after = receipt(&place, &data, "after");

    let both = place.write("both.vkey", format!("{old}\n{new}\n"));
    let proves = |path: &str, key: &str| adit(&["verify", path, "--key", key, "--json"]).code;
    for (path, by_old, by_new) in [(&before, 0, 1), (&during, 0, 0), (&after, 1, 0)] {
        assert_eq!((proves(path, &old), proves(path, &new)), (Some(by_old), Some(by_new)));
        assert_eq!(proves(path, &both), Some(0));
    }
    // The old key's file may be taken away.
    std::fs::remove_file(retired["file"].as_str().expect("a file")).expect("removed");
    adit(&["verify", "--data", &data]).done();
}

#[test]
fn refuses_in_both_languages_what_makes_no_sense_and_changes_nothing() {
    let place = Place::new();
    let (data, _) = ledger(&place);
    let key_files = || {
        place
            .files()
            .into_iter()
            .filter(|(path, _)| path.extension().is_some_and(|end| end == "key"))
            .collect::<Vec<_>>()
    };
    let before = key_files();
    let said = adit(&["key", "retire", "--data", &data]).refused();
    assert!(said.err.contains("ledger.only_log_key") && said.err.contains("adit key rotate"), "{}", said.err);
    assert_eq!(key_files(), before);
    key(&data, "rotate").done();
    let said = adit(&["key", "rotate", "--data", &data]).refused();
    assert!(said.err.contains("ledger.overlap_runs") && said.err.contains("adit key retire"), "{}", said.err);
    assert_eq!(key_files().len(), before.len() + 1, "one key was made, and no second");
    adit(&["key", "rotate", "--data", &place.path("nowhere")]).refused();
    let running = Ledger::open(&Home::beside(Path::new(&data)), Arc::new(SystemClock)).expect("opened");
    for action in ["rotate", "retire", "list"] {
        let said = adit(&["key", action, "--data", &data]).refused();
        assert!(said.err.contains("stop it first") && said.err.contains("请先停止它"), "{}", said.err);
    }
    drop(running);
    assert_eq!(adit(&["key", "--data", &data]).code, Some(2));
}

#[test]
fn lists_every_key_with_where_it_began_and_ended_and_its_roles() {
    let place = Place::new();
    let (data, said) = ledger(&place);
    key(&data, "rotate").done();
    key(&data, "retire").done();
    let listed = key(&data, "list").done().json();
    let rows = listed["keys"].as_array().expect("keys").clone();
    let of = |holder: &Value| rows.iter().filter(|row| row["holder"] == *holder).cloned().collect::<Vec<_>>();
    let log = of(&"log".into());
    assert_eq!(log.len(), 2);
    assert_eq!(
        (&log[0]["key"], &log[0]["introduced"], &log[0]["in_force"]),
        (&said["log"], &0.into(), &false.into())
    );
    assert_eq!(log[0]["last"], log[1]["introduced"], "the newest entry before it was ended");
    assert_eq!((&log[1]["last"], &log[1]["in_force"]), (&Value::Null, &true.into()));
    for admin in said["admins"].as_array().expect("admins") {
        assert_eq!(of(&admin["actor"])[0]["roles"], serde_json::json!(["admin"]));
    }
    let table = adit(&["key", "list", "--data", &data]).done().out;
    assert_eq!(table.lines().count(), 1 + rows.len(), "{table}");
    assert!(table.contains("import of registers"), "{table}");
}

#[test]
fn lists_what_was_signed_in_somebodys_name() {
    let place = Place::new();
    let (data, said) = ledger(&place);
    let admin = said["admins"][0]["actor"].as_str().expect("an id").to_owned();
    let arguments = ["key", "signatures", "--data", &data, "--actor", &admin];
    let listed = adit(&[&arguments[..], &["--json"]].concat()).done().json();
    let rows = listed["rows"].as_array().expect("rows").clone();
    // The importer was enrolled and granted its role by both administrators.
    let kinds: Vec<_> = rows.iter().map(|row| row["kind"].as_str().unwrap_or_default()).collect();
    assert_eq!(kinds, ["actor.enrolled", "actor.granted"]);
    assert!(rows.iter().all(|row| row["roles"] == serde_json::json!(["admin"]) && row["one_time"] == false));
    assert!(rows.iter().all(|row| row["key"].as_str().is_some_and(|key| key.contains(&admin))));
    assert_eq!(adit(&arguments).done().out.lines().count(), 1 + rows.len());
    assert_eq!(adit(&["key", "signatures", "--data", &data]).code, Some(2));
}
