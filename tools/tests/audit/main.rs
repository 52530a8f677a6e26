//! `adit audit` against ledgers of the real office, and against forgeries under the real keys.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

#[path = "../../../core/tests/common/mod.rs"]
mod common;
mod drills;
mod following;
mod rotation;
mod support;

use std::fs;

use adit_core::report::{self, ReportCommand};
use serde_json::json;

use common::{Bureau, day, joint};
use support::{Folder, Log, act, at, audit, busy, files, handled, judged};

const LATER: &str = "2024-06-21";

mod given_a_log_in_which_all_holds {
    use super::*;

    #[test]
    fn when_it_is_audited_then_the_exit_code_is_0_and_the_handled_rate_is_told() {
        let (bureau, report, _) = busy();
        let said = judged(&Log::of(&bureau), LATER).clean();
        assert_eq!(said["ok"], true);
        assert_eq!((&said["reports"]["accepted"], &said["reports"]["handled"]), (&json!(1), &json!(0)));
        handled(&bureau, report);
        let said = judged(&Log::of(&bureau), LATER).clean();
        assert_eq!(said["reports"]["handled_percent"], 100);
        assert_eq!(said["size"], Log::of(&bureau).entries.len());
        assert!(said["checked"]["signatures"].as_u64() > said["checked"]["entries"].as_u64());
        assert_eq!(said["trusted_on_first_use"], false);
    }

    /// To the public an invitation and a joining are notes that introduce a key, and of several shares each is paid by itself.
    #[test]
    fn when_somebody_joined_a_report_and_each_was_paid_then_it_is_lawful() {
        let bureau = Bureau::in_memory();
        let (case, others) = joint::together(&bureau, 1);
        joint::verified(&bureau, &case, "100000");
        let answer = ReportCommand::Answer(report::Answer { sealed: None });
        assert_eq!(joint::by(&bureau, &case, answer, &["handler"]), "done");
        joint::told(&bureau, &case);
        for person in [&case.first, &others[0]] {
            let (said, hash) = joint::claimed(&bureau, &case, person);
            assert_eq!(said, "done");
            assert_eq!(joint::paid(&bureau, &case, "7500", &hash), "done");
        }
        let said = judged(&Log::of(&bureau), LATER).clean();
        assert_eq!((&said["ok"], &said["reports"]["handled_percent"]), (&json!(true), &json!(100)));
    }

    #[test]
    fn when_no_key_is_given_then_the_one_beside_it_is_believed_and_this_is_said() {
        let (bureau, ..) = busy();
        let folder = Folder::new();
        Log::of(&bureau).publish(&folder.path(""));
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_adit"))
            .args(["audit", folder.path("").to_str().expect("text"), "--today", LATER])
            .output()
            .expect("adit runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("首次使用即信任") && said.contains("believed at first use"), "{said}");
        assert!(said.contains("all holds"), "{said}");
    }

    #[test]
    fn when_it_is_audited_again_then_only_what_is_new_is_read() {
        let (bureau, report, _) = busy();
        let folder = Folder::new();
        let (log, state) = (folder.path("log"), folder.state());
        fs::create_dir(&log).expect("folder");
        let path = log.to_str().expect("text").to_owned();
        Log::of(&bureau).publish(&log);
        let first = audit(&path, LATER, &["--state", &state]).clean();
        assert_eq!(first["checked"]["from"], 0);
        let again = audit(&path, LATER, &["--state", &state]).clean();
        assert_eq!(again["checked"]["fetched"], 1, "the checkpoint alone");
        handled(&bureau, report);
        for number in 0..300 {
            bureau.enterprise(&format!("乙矿{number}"));
        }
        Log::of(&bureau).publish(&log);
        let grown = audit(&path, LATER, &["--state", &state]).clean();
        assert_eq!(grown["checked"]["from"], first["size"]);
        // Checkpoint, two bundles with their tiles, and the tile above.
        assert_eq!(grown["checked"]["fetched"], 6);
        bureau.enterprise("丙矿");
        Log::of(&bureau).publish(&log);
        let one = audit(&path, LATER, &["--state", &state]).clean();
        assert_eq!(one["checked"]["fetched"], 3, "checkpoint, one bundle, one tile");
        let whole = audit(&path, LATER, &[]).clean();
        assert_eq!(whole["root"], one["root"]);
        assert_eq!(whole["reports"], one["reports"]);
    }

    #[test]
    fn when_a_bit_of_any_file_is_flipped_then_the_file_is_named() {
        let (bureau, ..) = busy();
        for number in 0..300 {
            bureau.enterprise(&format!("乙矿{number}"));
        }
        let folder = Folder::new();
        let log = folder.path("log");
        fs::create_dir(&log).expect("folder");
        // Partial tiles of earlier sizes stay, as a log that was published before has them.
        let whole = Log::of(&bureau);
        for size in [40, whole.entries.len() - 7] {
            Log::with(whole.entries[..size].to_vec()).publish(&log);
        }
        whole.publish(&log);
        let path = log.to_str().expect("text").to_owned();
        audit(&path, LATER, &[]).clean();
        let all = files(&log);
        assert!(all.len() > 9, "{all:?}");
        for file in all {
            let sound = fs::read(&file).expect("read");
            let name = file.strip_prefix(&log).expect("below").to_str().expect("text").to_owned();
            for at in [0, sound.len() / 3, sound.len() / 2, sound.len() - 2] {
                let mut flipped = sound.clone();
                flipped[at] ^= 1;
                fs::write(&file, flipped).expect("written");
                let said = audit(&path, LATER, &[]);
                let found = said.violations();
                let others = found.iter().filter(|(_, _, place)| !place.is_empty() && *place != name).count();
                let named = others == 0 && found.iter().any(|(_, _, place)| *place == name);
                assert!(named && said.code == Some(1), "{name} byte {at}: {}", said.out);
            }
            fs::write(&file, sound).expect("written");
        }
        audit(&path, LATER, &[]).clean();
    }
}

mod given_an_empty_log {
    use super::*;

    #[test]
    fn when_its_root_is_that_of_the_empty_tree_then_all_holds_and_otherwise_it_does_not() {
        let empty = Log::with(Vec::new());
        judged(&empty, LATER).clean();
        let folder = Folder::new();
        let wrong = adit_core::ledger::checkpoint::Checkpoint {
            origin: common::ORIGIN.to_owned(),
            size: 0,
            root: [7; 32],
        };
        fs::write(folder.path("checkpoint"), wrong.sign(&support::log_key())).expect("written");
        let said = audit(folder.path("").to_str().expect("text"), LATER, &[]);
        assert_eq!((said.code, said.violations()[0].0.as_str()), (Some(1), "root"));
    }
}

mod given_the_command_line {
    use super::*;

    #[test]
    fn when_the_log_is_not_there_then_the_exit_code_is_2_and_wrong_usage_is_64() {
        let folder = Folder::new();
        let nowhere = folder.path("nowhere");
        assert_eq!(audit(nowhere.to_str().expect("text"), LATER, &[]).code, Some(2));
        // A port that was free a moment ago.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/log", listener.local_addr().expect("address"));
        drop(listener);
        assert_eq!(audit(&address, LATER, &[]).code, Some(2));
        assert_eq!(audit("log", "2024-02-30", &[]).code, Some(64));
        assert_eq!(audit("log", LATER, &["--witness", "http://x"]).code, Some(64));
        let plain =
            std::process::Command::new(env!("CARGO_BIN_EXE_adit")).arg("audit").output().expect("runs");
        assert_eq!(plain.status.code(), Some(64));
    }

    #[test]
    fn when_the_state_is_of_another_key_or_damaged_then_it_is_refused() {
        let (bureau, ..) = busy();
        let folder = Folder::new();
        let log = folder.path("log");
        fs::create_dir(&log).expect("folder");
        Log::of(&bureau).publish(&log);
        let path = log.to_str().expect("text").to_owned();
        let state = folder.state();
        audit(&path, LATER, &["--state", &state]).clean();
        let other =
            adit_core::ledger::vkey::SigningKey::from_seed("other.example/log", &[9; 32]).expect("key");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_adit"))
            .args(["audit", &path, "--key", &other.vkey().to_string(), "--state", &state])
            .output()
            .expect("adit runs");
        assert_eq!(output.status.code(), Some(64));
        let mut bytes = fs::read(&state).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&state, bytes).expect("written");
        assert_eq!(audit(&path, LATER, &["--state", &state]).code, Some(74));
    }
}

mod given_deadlines {
    use super::*;

    /// Accepted on 20 December 2023, to be handled within 60 days: by 18 February 2024, right after Spring Festival.
    #[test]
    fn when_a_report_lies_unhandled_across_spring_festival_then_it_is_listed_from_the_day_after() {
        let bureau = Bureau::in_memory_on("2023-12-18");
        let told = json!({ "matter": "major_hazard", "channel": "telephone" });
        let report = act(&bureau, None, "report.report", told, &["clerk"]);
        at(&bureau, "2023-12-20");
        act(&bureau, Some(report), "report.accept", json!({}), &["clerk"]);
        let log = Log::of(&bureau);
        let position = log.entries.len() as u64 - 1;
        let on_time = judged(&log, "2024-02-18").clean();
        assert_eq!(on_time["deadlines"]["missed"], json!([]));
        let said = judged(&log, "2024-02-19");
        assert_eq!(said.code, Some(1));
        let missed = &said.json()["deadlines"]["missed"];
        assert_eq!(missed.as_array().map(Vec::len), Some(1));
        let one = &missed[0];
        assert_eq!((&one["stream"], &one["clock"]), (&json!(report.to_string()), &json!("handle")));
        assert_eq!((&one["due"], &one["days_late"]), (&json!("2024-02-18"), &json!(1)));
        assert_eq!((&one["position"], &one["recorded"]), (&json!(position), &json!(null)));
        // The office records the miss itself, and handles the report at last.
        at(&bureau, "2024-02-20");
        act(&bureau, Some(report), "report.record_overdue", json!({ "clock": "handle" }), &[]);
        let recorded = judged(&Log::of(&bureau), "2024-02-20").json();
        assert_eq!(recorded["deadlines"]["missed"][0]["recorded"], position + 1);
        assert_eq!(recorded["violations"], json!([]));
        at(&bureau, "2024-02-26");
        let verify = json!({ "finding": "substantiated", "matter_key": "甲", "findings": "属实" });
        act(&bureau, Some(report), "report.verify", verify, &["inspector-1", "inspector-2"]);
        handled(&bureau, report);
        let late = judged(&Log::of(&bureau), "2024-03-01").clean();
        assert_eq!(late["deadlines"]["missed"], json!([]));
        assert_eq!(late["deadlines"]["met_late"][0]["ended"], "2024-02-26");
        assert_eq!(late["deadlines"]["met_late"][0]["days_late"], 8);
        assert_eq!(day("2024-02-26").days_since(day("2024-02-18")), 8);
    }

    #[test]
    fn when_the_demonstration_is_audited_then_its_order_is_lawful_and_its_misses_are_listed() {
        let folder = Folder::new();
        let data = folder.path("demo");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_adit"))
            .args(["demo", "--no-serve", "--json", "--data", data.to_str().expect("text")])
            .output()
            .expect("adit runs");
        assert!(output.status.success());
        let home = adit_core::ledger::home::Home::beside(&data);
        let clock = std::sync::Arc::new(adit_core::ledger::clock::SystemClock);
        let ledger = adit_core::ledger::log::Ledger::open(&home, clock).expect("opened");
        let stored = ledger.store().read(adit_core::units::Position(0), usize::MAX).expect("entries");
        let entries = stored.into_iter().map(|stored| stored.entry).collect();
        let public = folder.path("public");
        fs::create_dir(&public).expect("folder");
        Log::with(entries).publish_as(&public, &ledger.log_key());
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_adit"))
            .args(["audit", public.to_str().expect("text"), "--json"])
            .output()
            .expect("adit runs");
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
        assert_eq!(said["violations"], json!([]));
        assert_eq!(said["size"], ledger.size());
        let missed = said["deadlines"]["missed"].as_array().map_or(0, Vec::len);
        assert_eq!(output.status.code(), Some(i32::from(missed > 0)), "{missed} missed");
    }
}
