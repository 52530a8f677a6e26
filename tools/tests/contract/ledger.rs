//! `adit init`, `verify`, `show`, `project` on one ledger.

use serde_json::json;

use super::{Place, adit, ledger};

#[test]
fn given_a_new_ledger_then_it_verifies_and_its_two_administrators_are_shown_once() {
    let place = Place::new();
    let (data, said) = ledger(&place);
    assert_eq!(said["origin"], "bureau.example/ledger");
    let admins = said["admins"].as_array().expect("administrators");
    assert_eq!(admins.len(), 2);
    let passwords: Vec<&str> = admins.iter().filter_map(|admin| admin["password"].as_str()).collect();
    assert_ne!(passwords[0], passwords[1]);
    for (path, content) in place.files() {
        for password in &passwords {
            let kept = content.windows(password.len()).any(|window| window == password.as_bytes());
            assert!(!kept, "{} holds a password", path.display());
        }
    }
    let verified = adit(&["verify", "--data", &data, "--json"]).done().json();
    assert_eq!(verified["ok"], true);
    assert!(verified["size"].as_u64().is_some_and(|size| size > 0));
    assert_eq!(verified["root"].as_str().map(str::len), Some(64));
    assert!(verified["checked"].is_object());
}

#[test]
fn when_the_folder_is_not_empty_then_init_refuses_and_touches_nothing() {
    let place = Place::new();
    let (data, _) = ledger(&place);
    let before = place.files();
    adit(&["init", "--data", &data, "--origin", "bureau.example/ledger"]).refused();
    assert_eq!(place.files(), before);
}

#[test]
fn when_the_origin_can_not_name_a_key_then_init_refuses_and_leaves_nothing_behind() {
    for origin in ["", "two words", "plus+sign", "line\nfeed"] {
        let place = Place::new();
        let said = adit(&["init", "--data", &place.path("ledger"), "--origin", origin]).refused();
        assert!(!said.err.contains("randomness"), "the message blames the operating system: {}", said.err);
        assert_eq!(place.files(), [], "{origin:?}");
    }
}

#[test]
fn given_a_new_ledger_then_every_read_model_answers_with_rows() {
    let place = Place::new();
    let (data, _) = ledger(&place);
    let names =
        ["register", "timeline", "five_in_place", "deadlines", "rewards", "repeat_offenders", "relief"];
    for name in names {
        let now = adit(&["project", name, "--data", &data, "--json"]).done().json();
        assert!(now["rows"].is_array(), "{name}: {now}");
        let then = adit(&["project", name, "--data", &data, "--as-of", "2024-05-10", "--json"]).done().json();
        assert_eq!(then["rows"], json!([]), "{name} before the ledger was opened");
        adit(&["project", name, "--data", &data, "--as-of", "0", "--json"]).done();
    }
    adit(&["project", "nonsense", "--data", &data]).refused();
    adit(&["project", "register", "--data", &data, "--as-of", "2024-02-30"]).refused();
}

#[test]
fn when_a_stream_does_not_exist_or_is_misspelt_then_show_refuses() {
    let place = Place::new();
    let (data, _) = ledger(&place);
    adit(&["show", "--data", &data, "hazard/00000000000000000000000000"]).refused();
    adit(&["show", "--data", &data, "hazard/nonsense"]).refused();
}

#[test]
fn when_there_is_no_ledger_then_every_command_says_so_and_makes_none() {
    let place = Place::new();
    let data = place.path("nowhere");
    adit(&["verify", "--data", &data]).refused();
    adit(&["show", "--data", &data, "hazard/00000000000000000000000000"]).refused();
    adit(&["project", "register", "--data", &data]).refused();
    assert_eq!(place.files(), []);
}

#[test]
fn when_a_byte_of_the_journal_is_flipped_then_verify_names_the_file_and_exits_1() {
    let place = Place::new();
    let data = place.path("demo");
    adit(&["demo", "--no-serve", "--json", "--data", &data]).done();
    let journals = place.files().into_iter().filter(|(path, _)| path.to_string_lossy().contains("/journal/"));
    let (path, mut content) = journals.max_by_key(|(_, content)| content.len()).expect("a journal");
    let middle = content.len() / 2;
    content[middle] ^= 1;
    std::fs::write(&path, content).expect("damaged");
    let said = adit(&["verify", "--data", &data, "--json"]);
    assert_eq!(said.code, Some(1), "{}\n{}", said.out, said.err);
    let fault = said.json();
    assert_eq!(fault["ok"], false);
    let file = path.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(fault["fault"]["file"].as_str().is_some_and(|named| named.ends_with(&file)), "{fault}");
    assert!(fault["fault"]["offset"].is_u64(), "{fault}");
}

#[test]
fn when_a_sealed_file_is_changed_then_verify_names_it_and_only_what_a_reporter_sent_may_be_gone() {
    let place = Place::new();
    let data = place.path("demo");
    adit(&["demo", "--no-serve", "--json", "--data", &data]).done();
    let before = adit(&["verify", "--data", &data, "--json"]).done().json();
    assert!(before["files"]["whole"].as_u64().is_some_and(|many| many > 0), "{before}");
    assert_eq!(before["files"]["gone"], 0);
    let faults = || {
        let said = adit(&["verify", "--data", &data, "--json"]);
        assert_eq!(said.code, Some(1), "{}\n{}", said.out, said.err);
        let fault = said.json();
        assert!(fault["fault"]["position"].is_u64(), "{fault}");
        fault["fault"]["file"].clone()
    };
    let (mut of_reports, mut proofs) = (0, 0);
    let sealed = place.files().into_iter().filter(|(path, _)| path.to_string_lossy().contains("/blobs/"));
    for (path, content) in sealed {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let mut changed = content.clone();
        changed[0] ^= 1;
        std::fs::write(&path, &changed).expect("changed");
        assert_eq!(faults(), json!(name));
        // What a reporter sent may have been destroyed for good; a photograph that proves something may not.
        std::fs::remove_file(&path).expect("removed");
        let said = adit(&["verify", "--data", &data, "--json"]);
        if said.code == Some(0) {
            of_reports += 1;
            assert_eq!(said.json()["files"]["gone"], 1, "{}", said.out);
        } else {
            proofs += 1;
            assert_eq!(faults(), json!(name));
        }
        std::fs::write(&path, &content).expect("put back");
    }
    assert!(of_reports > 0 && proofs > 0, "{of_reports} files of reports, {proofs} that prove");
}
