//! The log's key is rotated: followed where it is lawful, an alarm where it is not.

use std::fs;
use std::process::Command;

use adit_core::id::{StreamId, StreamKind};
use adit_core::ledger::entry::{Line, SignedEntry};
use adit_core::ledger::vkey::{SigningKey, VKey};
use adit_core::units::Position;
use serde_json::{Value, json};

use crate::common::{Bureau, ORIGIN};
use crate::support::{Folder, Log, Said, audit, busy, log_key};

const LATER: &str = "2024-06-21";

fn next_key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[2; 32]).expect("key")
}

/// Runs the monitor with these keys.
fn audit_with(folder: &Folder, keys: &[&VKey], more: &[&str]) -> Said {
    let path = folder.path("log").to_str().expect("text").to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    command.args(["audit", &path, "--today", LATER, "--json"]).args(more);
    for key in keys {
        command.args(["--key", &key.to_string()]);
    }
    let output = command.output().expect("adit runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn folder() -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.path("log")).expect("folder");
    folder
}

/// The stream that opened the ledger.
fn opened(log: &Log) -> StreamId {
    SignedEntry::parse(&log.entries[0]).expect("an entry").entry().stream
}

fn introduce(log: &mut Log, key: &SigningKey, by: &[&SigningKey]) -> u64 {
    log.add(opened(log), "ledger.key_introduced", "2024-06-20", vec![Line::Key(key.vkey())], by)
}

fn end(log: &mut Log, key: &SigningKey, by: &[&SigningKey]) -> u64 {
    let last = Position(log.entries.len() as u64 - 1);
    let line = Line::End { key: key.vkey(), last };
    log.add(opened(log), "ledger.key_ended", "2024-06-20", vec![line], by)
}

fn more(log: &mut Log, bureau: &Bureau) {
    let stream = crate::support::new_stream(StreamKind::Enterprise);
    log.add(stream, "enterprise.registered", "2024-06-20", Vec::new(), &[&bureau.keys["clerk"]]);
}

#[track_caller]
fn finds(said: &Said, code: &str) {
    let found = said.violations();
    assert!(found.iter().any(|one| one.0 == code), "{code}: {found:?}\n{}", said.err);
    assert_eq!(said.code, Some(1));
}

mod given_the_office_rotates {
    use super::*;

    #[test]
    fn when_it_is_followed_from_either_key_and_at_every_step_then_all_holds() {
        let (bureau, ..) = busy();
        let office = &bureau.office;
        let old = office.ledger().log_key();
        let folders = [folder(), folder(), folder()];
        let publish = |by: &[&SigningKey]| {
            for folder in &folders {
                Log::of(&bureau).publish_by(&folder.path("log"), by);
            }
        };
        publish(&[&old]);
        // The first looks at every step, the second misses the overlap, the third begins at the end.
        let states = [folders[0].state(), folders[1].state()];
        for (folder, state) in folders.iter().zip(&states) {
            audit_with(folder, &[&old.vkey()], &["--state", state]).clean();
        }
        office.rotate_log_key().expect("rotated");
        let new = office.ledger().log_key();
        publish(&[&old, &new]);
        let said = audit_with(&folders[0], &[], &["--state", &states[0]]).clean();
        assert_eq!(said["keys"], json!([old.vkey(), new.vkey()]));
        bureau.enterprise("乙矿");
        for keys in [[&*old, &*new], [&*new, &*old]] {
            publish(&keys);
            audit_with(&folders[0], &[], &["--state", &states[0]]).clean();
        }
        office.retire_log_key().expect("retired");
        bureau.enterprise("丙矿");
        publish(&[&new]);
        for (folder, state) in folders.iter().zip(&states) {
            let said = audit_with(folder, &[], &["--state", state]).clean();
            assert_eq!(said["keys"], json!([new.vkey()]));
            // Both are known by now, and either may be given.
            for key in [&old, &new] {
                audit_with(folder, &[&key.vkey()], &["--state", state]).clean();
            }
            let stranger = SigningKey::from_seed(ORIGIN, &[9; 32]).expect("key").vkey();
            assert_eq!(audit_with(folder, &[&stranger], &["--state", state]).code, Some(64));
        }
        let (old, new) = (old.vkey(), new.vkey());
        for keys in [vec![&old], vec![&new], vec![&old, &new]] {
            audit_with(&folders[2], &keys, &[]).clean();
        }
    }

    #[test]
    fn when_the_key_file_beside_the_log_holds_both_then_it_is_believed_and_compared() {
        let (bureau, ..) = busy();
        let old = bureau.office.ledger().log_key();
        bureau.office.rotate_log_key().expect("rotated");
        let new = bureau.office.ledger().log_key();
        let folder = folder();
        Log::of(&bureau).publish_by(&folder.path("log"), &[&old, &new]);
        let said = audit_with(&folder, &[], &[]).clean();
        assert_eq!(said["trusted_on_first_use"], true);
        audit_with(&folder, &[&old.vkey()], &[]).clean();
        let stranger = SigningKey::from_seed(ORIGIN, &[9; 32]).expect("key").vkey();
        fs::write(folder.path("log/log.vkey"), format!("{}\n{stranger}\n", old.vkey())).expect("written");
        finds(&audit_with(&folder, &[&old.vkey()], &[]), "key_file");
    }
}

mod given_somebody_holds_a_key_that_was_ended {
    use super::*;

    fn ended() -> (Bureau, Log) {
        let (bureau, ..) = busy();
        let mut log = Log::of(&bureau);
        introduce(&mut log, &next_key(), &[&log_key(), &next_key()]);
        end(&mut log, &log_key(), &[&next_key()]);
        more(&mut log, &bureau);
        (bureau, log)
    }

    #[test]
    fn when_a_checkpoint_is_signed_by_it_alone_then_it_is_an_alarm() {
        let (bureau, mut log) = ended();
        let (old, new) = (log_key().vkey(), next_key().vkey());
        let folder = folder();
        log.publish_by(&folder.path("log"), &[&log_key()]);
        for key in [&old, &new] {
            finds(&audit_with(&folder, &[key], &[]), "checkpoint_key_ended");
        }
        log.publish_by(&folder.path("log"), &[&next_key()]);
        let state = folder.state();
        audit_with(&folder, &[&old], &["--state", &state]).clean();
        more(&mut log, &bureau);
        log.publish_by(&folder.path("log"), &[&log_key()]);
        let said = audit_with(&folder, &[], &["--state", &state]);
        finds(&said, "checkpoint_key_ended");
        assert_eq!(said.json()["size"], log.entries.len() - 1, "what stands behind it is not taken over");
    }

    #[test]
    fn when_it_signs_another_history_beside_a_strangers_line_then_the_log_is_not_accused_of_a_fork() {
        let (bureau, log) = ended();
        let folder = folder();
        let state = folder.state();
        log.publish_by(&folder.path("log"), &[&next_key()]);
        audit_with(&folder, &[&log_key().vkey()], &["--state", &state]).clean();
        let mut other = Log::with(log.entries[..log.entries.len() - 1].to_vec());
        more(&mut other, &bureau);
        more(&mut other, &bureau);
        let stranger = SigningKey::from_seed(ORIGIN, &[9; 32]).expect("key");
        other.publish_by(&folder.path("log"), &[&log_key(), &stranger]);
        let said = audit_with(&folder, &[], &["--state", &state]);
        finds(&said, "checkpoint_key_ended");
        assert!(said.violations().iter().all(|one| one.0 != "fork"), "{}", said.out);
    }

    #[test]
    fn when_it_signs_an_entry_then_it_is_an_alarm() {
        let (_, mut log) = ended();
        let stream = crate::support::new_stream(StreamKind::Ledger);
        let used = log.add(stream, "ledger.erased", "2024-06-20", Vec::new(), &[&log_key()]);
        let folder = folder();
        log.publish_by(&folder.path("log"), &[&next_key()]);
        audit_with(&folder, &[&log_key().vkey()], &[]).finds("key_ended", used);
    }

    #[test]
    fn when_a_checkpoint_of_before_its_introduction_is_signed_by_the_new_key_alone_then_it_is_an_alarm() {
        let (_, log) = ended();
        let folder = folder();
        let state = folder.state();
        log.publish_by(&folder.path("log"), &[&next_key()]);
        audit_with(&folder, &[&log_key().vkey()], &["--state", &state]).clean();
        Log::with(log.entries[..5].to_vec()).publish_by(&folder.path("log"), &[&next_key()]);
        finds(&audit_with(&folder, &[], &["--state", &state]), "checkpoint_key_ended");
    }
}

mod given_somebody_forges_an_introduction {
    use super::*;

    /// Publishes under the keys that the forger holds or not, and looks from the old key.
    fn judged_by(log: &Log, by: &[&SigningKey]) -> Said {
        let folder = folder();
        log.publish_by(&folder.path("log"), by);
        audit_with(&folder, &[&log_key().vkey()], &[])
    }

    #[test]
    fn when_no_key_before_it_signs_then_it_is_an_alarm_and_the_key_is_not_followed() {
        let (bureau, ..) = busy();
        let thief = next_key();
        for by in [vec![&thief], vec![&bureau.keys["admin-1"], &thief]] {
            let mut log = Log::of(&bureau);
            let forged = introduce(&mut log, &thief, &by);
            judged_by(&log, &[&log_key()]).finds("log_key", forged);
            finds(&judged_by(&log, &[&thief]), "checkpoint_signature");
        }
    }

    #[test]
    fn when_the_new_key_itself_does_not_sign_then_it_is_an_alarm() {
        let (bureau, ..) = busy();
        let mut log = Log::of(&bureau);
        let forged = introduce(&mut log, &next_key(), &[&log_key()]);
        judged_by(&log, &[&log_key()]).finds("log_key", forged);
    }

    #[test]
    fn when_a_signature_under_it_is_another_texts_then_it_is_an_alarm() {
        let (bureau, ..) = busy();
        let mut log = Log::of(&bureau);
        let forged = introduce(&mut log, &next_key(), &[&log_key(), &next_key()]);
        let entry =
            String::from_utf8(log.entries[usize::try_from(forged).expect("small")].clone()).expect("text");
        log.entries[usize::try_from(forged).expect("small")] =
            entry.replace("2024-06-20", "2024-06-19").into_bytes();
        judged_by(&log, &[&log_key()]).finds("log_key", forged);
    }

    #[test]
    fn when_it_stands_in_another_stream_or_two_come_at_once_then_it_is_an_alarm() {
        let (bureau, ..) = busy();
        let (next, third) = (next_key(), SigningKey::from_seed(ORIGIN, &[3; 32]).expect("key"));
        let mut log = Log::of(&bureau);
        let actor = crate::support::new_stream(StreamKind::Actor);
        let lines = vec![Line::Key(next.vkey())];
        let by = [&log_key(), &next];
        let smuggled = log.add(actor, "actor.enrolled", "2024-06-20", lines, &by);
        let lines = vec![Line::Key(next.vkey()), Line::Key(third.vkey())];
        let by = [&log_key(), &next, &third];
        let two = log.add(opened(&log), "ledger.key_introduced", "2024-06-20", lines, &by);
        let said = judged_by(&log, &[&log_key()]);
        said.finds("log_key", smuggled);
        said.finds("log_key", two);
    }

    #[test]
    fn when_a_key_is_ended_by_itself_or_ahead_of_time_then_it_is_an_alarm_and_it_goes_on() {
        let (bureau, ..) = busy();
        let mut log = Log::of(&bureau);
        introduce(&mut log, &next_key(), &[&log_key(), &next_key()]);
        let own = end(&mut log, &log_key(), &[&log_key()]);
        let line = Line::End { key: log_key().vkey(), last: Position(u64::MAX) };
        let ahead = log.add(opened(&log), "ledger.key_ended", "2024-06-20", vec![line], &[&next_key()]);
        let said = judged_by(&log, &[&log_key()]);
        said.finds("log_key", own);
        said.finds("log_key", ahead);
        let codes: Vec<String> = said.violations().into_iter().map(|one| one.0).collect();
        assert!(!codes.iter().any(|code| code.starts_with("checkpoint")), "{codes:?}");
    }

    #[test]
    fn when_a_whole_log_is_made_up_around_the_known_key_then_it_is_not_believed() {
        let thief = next_key();
        let (bureau, ..) = busy();
        let real = Log::of(&bureau);
        let opening = SignedEntry::parse(&real.entries[0]).expect("an entry");
        // An opening that names the known key, which the thief does not hold; and one that names the thief's, with the known key
        // brought in later.
        let mut named = Log::with(Vec::new());
        named.put(opening.entry().clone(), &[&thief]);
        finds(&judged_by(&named, &[&thief]), "checkpoint_signature");
        let mut own = opening.entry().clone();
        for line in &mut own.lines {
            if *line == Line::Key(log_key().vkey()) {
                *line = Line::Key(thief.vkey());
            }
        }
        let mut later = Log::with(Vec::new());
        later.put(own, &[&thief]);
        introduce(&mut later, &log_key(), &[&thief]);
        finds(&judged_by(&later, &[&thief]), "checkpoint_signature");
    }
}

#[test]
fn when_keys_of_two_logs_are_given_then_it_is_wrong_usage() {
    let folder = folder();
    let (bureau, ..) = busy();
    Log::of(&bureau).publish(&folder.path("log"));
    let other = SigningKey::from_seed("other.example/log", &[9; 32]).expect("key").vkey();
    assert_eq!(audit_with(&folder, &[&log_key().vkey(), &other], &[]).code, Some(64));
    let said: Value = audit(folder.path("log").to_str().expect("text"), LATER, &[]).clean();
    assert_eq!(said["keys"], json!([log_key().vkey()]));
}
