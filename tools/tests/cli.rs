//! The contract of the command line, on the real binary.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn adit(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_adit")).args(args).output().expect("adit runs")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{error}: {} {}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

fn rules(rule: &str, facts: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_adit"))
        .args(["rules", rule, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("adit runs");
    child.stdin.take().expect("stdin").write_all(facts.as_bytes()).expect("written");
    child.wait_with_output().expect("ended")
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("path is text")
}

mod given_facts_for_a_rule {
    use super::*;

    const REWARD: &str = r#"{"place":"national","matter":"illegal_act","sector":"industry","report_level":1,
        "unit_fine_yuan":"12000","person_fines_yuan":["0"],"deaths_verified":0,"accident_grade":null,"insider":false,
        "reported_on":"2024-05-10"}"#;

    #[test]
    fn when_the_reward_of_a_small_fine_is_asked_then_the_floor_comes_out() {
        let answer = json(&rules("reward", REWARD));
        assert_eq!(answer["amount_yuan"], "3000.00");
        assert_eq!(answer["amount_fen"], 300_000);
        assert!(answer["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()));
    }

    #[test]
    fn when_no_rule_gives_an_amount_then_it_is_null_and_the_reason_says_why() {
        let answer = json(&rules("reward", &REWARD.replace("12000", "0")));
        assert_eq!(answer["amount_fen"], Value::Null);
        assert_eq!(answer["reasons"][0]["code"], "reward.no_fine");
    }

    #[test]
    fn when_closure_is_asked_then_petition_and_grounds_come_out() {
        let facts = r#"{"licence":"full","producing":true,"discoveries":["2024-01-05","2024-04-05"],
            "penalties":["2024-02-01"],"on":"2024-06-01"}"#;
        let answer = json(&rules("closure", facts));
        assert_eq!(answer["petition"], true);
        assert_eq!(answer["grounds"][0]["code"], "closure.found_again");
        let earlier = json(&rules("closure", &facts.replace("2024-06-01", "2024-03-01")));
        assert_eq!(earlier["petition"], false, "a later discovery does not count");
    }

    #[test]
    fn when_facts_do_not_fit_then_they_are_refused_in_both_languages() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for facts in [
            REWARD.replace("12000", "12000.001"),
            REWARD.replace("2024-05-10", "2024-02-30"),
            REWARD.replace("\"insider\"", "\"whistle\""),
            REWARD.replace("\"12000\"", "12000"),
            REWARD.replace("illegal_act", "gossip"),
            "null".to_owned(),
            "{\"place\": NaN}".to_owned(),
            String::new(),
            deep,
        ] {
            let output = rules("reward", &facts);
            assert_eq!(output.status.code(), Some(1));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                said.contains("rules.facts")
                    && said.contains("The facts do not fit")
                    && said.contains("所给事实"),
                "{said}"
            );
        }
        assert_eq!(rules("fortune", "{}").status.code(), Some(1));
    }
}

mod given_a_new_ledger {
    use super::*;

    #[test]
    fn when_it_is_made_then_it_verifies_and_is_not_made_twice() {
        let folder = Folder::new();
        let data = folder.path("data");
        let made = json(&adit(&["init", "--data", text(&data), "--origin", "test.example/ledger", "--json"]));
        assert_eq!(made["admins"].as_array().map(Vec::len), Some(2));
        let verified = json(&adit(&["verify", "--data", text(&data), "--json"]));
        assert_eq!((&verified["ok"], &verified["size"]), (&Value::Bool(true), &Value::from(3)));
        assert_eq!(verified["root"].as_str().map(str::len), Some(64));
        assert_eq!(adit(&["init", "--data", text(&data), "--origin", "other"]).status.code(), Some(1));
        let rows = json(&adit(&["project", "register", "--data", text(&data), "--json"]));
        assert_eq!(rows["rows"], Value::Array(Vec::new()));
        assert_eq!(adit(&["project", "nonsense", "--data", text(&data)]).status.code(), Some(1));
    }

    #[test]
    fn when_a_byte_of_the_journal_is_flipped_then_verify_names_file_and_offset() {
        let folder = Folder::new();
        let data = folder.path("data");
        assert!(adit(&["init", "--data", text(&data), "--origin", "test.example/ledger"]).status.success());
        let journal = data.join("journal").join("00000000000000000000.seg");
        let mut bytes = std::fs::read(&journal).expect("read");
        bytes[200] ^= 1;
        std::fs::write(&journal, bytes).expect("written");
        let output = adit(&["verify", "--data", text(&data), "--json"]);
        assert_eq!(output.status.code(), Some(1));
        let said = json(&output);
        assert_eq!(said["ok"], false);
        assert!(said["fault"]["error"].as_str().is_some_and(|error| !error.is_empty()));
    }

    #[test]
    fn when_there_is_no_ledger_then_every_command_says_so() {
        let folder = Folder::new();
        let data = folder.path("nothing");
        for args in
            [vec!["verify"], vec!["project", "register"], vec!["show", "hazard/0h248h248h248h248h248h248h"]]
        {
            let output = adit(&[&args[..], &["--data", text(&data)]].concat());
            assert_eq!(output.status.code(), Some(1));
            assert!(String::from_utf8_lossy(&output.stderr).contains("holds no ledger"), "{output:?}");
        }
    }
}

mod given_a_writer_that_is_killed {
    use super::*;

    /// Every acknowledged append is there after SIGKILL, at its position, in fifty rounds on one ledger.
    #[test]
    fn when_it_dies_at_any_moment_then_nothing_acknowledged_is_lost() {
        let folder = Folder::new();
        let (data, acks) = (folder.path("data"), folder.path("acks"));
        let mut delay_micros = 1_u64;
        for round in 0..50_u64 {
            let mut child = Command::new(env!("CARGO_BIN_EXE_adit"))
                .args(["bench", "append", "--writers", "8", "--seconds", "60"])
                .args(["--data", text(&data), "--acks", text(&acks)])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("adit runs");
            // Wait until this round has acknowledged something, then a little longer, differently each time.
            let before = lines(&acks).len();
            while lines(&acks).len() <= before {
                assert!(
                    child.try_wait().expect("state").is_none(),
                    "the writer ended by itself in round {round}"
                );
                std::thread::yield_now();
            }
            delay_micros = (delay_micros * 48_271 + round) % 60_000;
            let until = std::time::Instant::now() + std::time::Duration::from_micros(delay_micros);
            while std::time::Instant::now() < until {
                std::thread::yield_now();
            }
            child.kill().expect("killed");
            child.wait().expect("waited");
        }
        let verified = json(&adit(&["verify", "--data", text(&data), "--json"]));
        assert_eq!(verified["ok"], true, "{verified}");
        let size = verified["size"].as_u64().expect("size");
        let mut positions = Vec::new();
        for line in lines(&acks) {
            let (position, id) = line.split_once(' ').expect("position and command");
            assert_eq!(id.len(), 26, "a line was torn in the middle");
            positions.push(position.parse::<u64>().expect("position"));
        }
        assert!(positions.len() >= 50);
        assert!(positions.iter().all(|position| *position < size), "an acknowledged append is lost");
        let many = positions.len();
        positions.sort_unstable();
        positions.dedup();
        assert_eq!(positions.len(), many, "two appends were acknowledged at one position");
    }

    /// Whole lines; the last one may be torn by the kill.
    fn lines(path: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let end = text.rfind('\n').map_or(0, |at| at + 1);
        // A torn line of an earlier round runs into the next one; it was not acknowledged whole.
        text[..end]
            .lines()
            .filter(|line| line.split_once(' ').is_some_and(|(_, id)| id.len() == 26))
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(feature = "pdf")]
mod given_a_ledger_that_takes_reports {
    use super::*;

    #[test]
    fn when_a_board_is_made_then_it_is_a_pdf_of_one_page_and_what_tells_one_board_from_another_is_refused() {
        let folder = Folder::new();
        let (data, out) = (folder.path("demo"), folder.path("board.pdf"));
        assert!(adit(&["demo", "--no-serve", "--json", "--data", text(&data)]).status.success());
        let board = |address: &str, letters: &str| {
            adit(&[
                "poster",
                "--data",
                text(&data),
                "--address",
                address,
                "--paper",
                "a4",
                "--language",
                "en",
                "--place",
                "辽宁省鞍山市",
                "--date",
                "2026-01-01",
                "--letters",
                letters,
                "--json",
                text(&out),
            ])
        };
        let made = json(&board("https://jubao.example.cn", "应急管理局 王𪚥"));
        assert_eq!(made["pages"], 1);
        assert_eq!(made["missing"], serde_json::json!(["𪚥 U+2A6A5"]));
        let pdf = std::fs::read(&out).expect("written");
        assert!(pdf.starts_with(b"%PDF-") && made["bytes"] == pdf.len());

        std::fs::remove_file(&out).expect("removed");
        for (address, letters, code) in [
            ("https://jubao.example.cn/?mine=7", "x", "poster.address_tells_where"),
            ("http://jubao.example.cn", "x", "poster.address_not_secure"),
            ("https://jubao.example.cn", "two\nlines", "--letters"),
        ] {
            let refused = board(address, letters);
            assert_eq!(refused.status.code(), Some(1));
            assert!(String::from_utf8_lossy(&refused.stderr).contains(code), "{code}");
            assert!(!out.exists(), "{code}");
        }
        let empty = folder.path("empty");
        assert!(adit(&["init", "--data", text(&empty), "--origin", "board.example/ledger"]).status.success());
        let address = "https://jubao.example.cn";
        let refused = adit(&["poster", "--data", text(&empty), "--address", address, text(&out)]);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("poster.nobody_to_seal_to"));
        assert!(!out.exists());
    }
}

mod given_the_published_cases {
    use super::*;

    #[test]
    fn when_they_are_played_then_rewards_agree_and_all_verifies() {
        let folder = Folder::new();
        let data = folder.path("demo");
        let output = adit(&["demo", "--no-serve", "--json", "--data", text(&data)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let played = json(&output);
        let case = |id: &str| {
            let cases = played["cases"].as_array().expect("cases");
            cases.iter().find(|case| case["case"] == id).expect("case").clone()
        };
        for (id, yuan) in [
            ("C01", "160000.00"),
            ("C02", "3000.00"),
            ("C04", "160000.00"),
            ("C10", "30000.00"),
            ("C14", "3000.00"),
        ] {
            assert_eq!(case(id)["computed_yuan"], yuan, "{id}");
            assert_eq!(case(id)["status"], "paid", "{id}");
        }
        assert_eq!(case("C18")["computed_yuan"], "223500.00");
        assert_eq!(case("C20")["computed_yuan"], "3000.00");
        assert_eq!(
            (&case("C26")["computed_yuan"], &case("C26")["alternative_yuan"]),
            (&"90000.00".into(), &"94500.00".into())
        );
        assert_eq!(case("C31")["status"], "forfeited");
        assert_eq!(played["verify"]["ok"], true);
        // Several hazards found on one day are one discovery: no real enterprise is called a repeat offender.
        let repeat = played["repeat_offenders"].as_array().expect("rows");
        assert!(
            repeat
                .iter()
                .all(|row| row["enterprise_name"].as_str().is_some_and(|name| name.contains("虚构"))),
            "{repeat:?}"
        );
        let relieved: Vec<_> =
            played["relief"].as_array().expect("rows").iter().map(|row| row["relieved"].clone()).collect();
        assert!(relieved.contains(&Value::Bool(true)) && relieved.contains(&Value::Bool(false)));

        let late =
            json(&adit(&["project", "rewards", "--data", text(&data), "--as-of", "2023-01-01", "--json"]));
        let now = json(&adit(&["project", "rewards", "--data", text(&data), "--json"]));
        let many = |value: &Value| value["rows"].as_array().map(Vec::len);
        assert!(many(&late) < many(&now), "a day in the past shows less");
        let stream = now["rows"][0]["reward"].as_str().expect("stream").to_owned();
        let shown = json(&adit(&["show", "--data", text(&data), &stream, "--json"]));
        assert_eq!(shown["events"][0]["type"], "reward.assessed");
        let in_use = adit(&["bench", "append", "--data", text(&data), "--seconds", "1"]);
        assert!(String::from_utf8_lossy(&in_use.stderr).contains("in use"), "{in_use:?}");
    }
}

mod given_a_ledger_of_last_year {
    use super::*;

    /// A ledger, exported as anybody reads it.
    fn exported(folder: &Folder) -> PathBuf {
        let (data, out) = (folder.path("2026"), folder.path("public"));
        assert!(adit(&["init", "--data", text(&data), "--origin", "test.example/ledger"]).status.success());
        assert!(adit(&["export", "tiles", "--data", text(&data), "--publish", text(&out)]).status.success());
        out
    }

    fn after(
        folder: &Folder,
        name: &str,
        origin: &str,
        checkpoint: &Path,
        key: &Path,
    ) -> std::process::Output {
        let data = folder.path(name);
        adit(&[
            "init",
            "--data",
            text(&data),
            "--origin",
            origin,
            "--succeeds",
            text(checkpoint),
            "--earlier-key",
            text(key),
        ])
    }

    #[test]
    fn when_a_new_one_is_made_then_its_first_entry_names_the_last_checkpoint() {
        let folder = Folder::new();
        let old = exported(&folder);
        let made = after(
            &folder,
            "2027",
            "test.example/ledger/2027",
            &old.join("checkpoint"),
            &old.join("log.vkey"),
        );
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let data = folder.path("2027");
        let shown = json(&adit(&["project", "timeline", "--data", text(&data), "--json"]));
        let stream = shown["rows"][0]["stream"].as_str().expect("a stream");
        let shown =
            String::from_utf8(adit(&["show", "--data", text(&data), stream, "--json"]).stdout).expect("text");
        let checkpoint = std::fs::read_to_string(old.join("checkpoint")).expect("a checkpoint");
        let root = checkpoint.lines().nth(2).expect("a root");
        assert!(shown.contains(root), "{shown}");
        assert!(adit(&["verify", "--data", text(&data)]).status.success());
    }

    #[test]
    fn when_the_checkpoint_is_of_another_key_or_the_name_is_the_same_then_nothing_is_made() {
        let folder = Folder::new();
        let old = exported(&folder);
        let (checkpoint, key) = (old.join("checkpoint"), old.join("log.vkey"));
        let same = after(&folder, "same", "test.example/ledger", &checkpoint, &key);
        assert_eq!(same.status.code(), Some(1));
        let changed = folder.path("changed");
        let note = std::fs::read_to_string(&checkpoint).expect("a checkpoint").replacen("\n3\n", "\n4\n", 1);
        std::fs::write(&changed, note).expect("written");
        assert_eq!(after(&folder, "changed-one", "test.example/2027", &changed, &key).status.code(), Some(1));
        assert!(!folder.path("same").exists() && !folder.path("changed-one").exists(), "a ledger was made");
    }
}

mod given_a_register_to_import {
    use super::*;

    const GOOD: &str = "单位名称,行业,乡镇,隐患地点,隐患描述,发现日期,判定条款\n甲矿,矿山,某镇,三号巷道,未支护,2024-05-10,NCM88-一(地下矿山)-十九\n乙厂,工贸,某镇,熔炼车间,炉底积水,2024-05-11,\n";
    const BAD: &str = "单位名称,行业,乡镇,隐患地点,隐患描述,发现日期,判定条款\n甲矿,矿山,某镇,三号巷道,未支护,2024-02-30,\n乙厂,工贸,某镇,熔炼车间,炉底积水,2024-05-11,GM99\n丁厂,工贸,某镇,熔炼车间,炉底积水,2023-05-14,GM10-第三条-二\n丙厂,工贸,某镇,车间,积水,2024-05-11,\n";

    #[test]
    fn when_it_is_only_looked_at_then_bad_cells_are_named_and_nothing_is_written() {
        let folder = Folder::new();
        let data = folder.path("data");
        assert!(adit(&["init", "--data", text(&data), "--origin", "test.example/ledger"]).status.success());
        let (good, bad) = (folder.path("good.csv"), folder.path("bad.csv"));
        std::fs::write(&good, GOOD).expect("written");
        std::fs::write(&bad, BAD).expect("written");
        let seen = json(&adit(&["import", "--data", text(&data), "--dry-run", "--json", text(&good)]));
        assert_eq!((&seen["good"], &seen["bad"]), (&Value::from(2), &Value::Array(Vec::new())));
        let output = adit(&["import", "--data", text(&data), "--dry-run", "--json", text(&bad)]);
        assert_eq!(output.status.code(), Some(1));
        let cells = json(&output)["bad"].as_array().expect("cells").clone();
        assert_eq!((&cells[0]["row"], &cells[0]["column"]), (&Value::from(2), &Value::from("发现日期")));
        assert_eq!((&cells[1]["row"], &cells[1]["column"]), (&Value::from(3), &Value::from("判定条款")));
        // 应急管理部令第10号 holds since 2023-05-15, and the text of the one before is not at hand.
        assert_eq!((&cells[2]["row"], &cells[2]["column"]), (&Value::from(4), &Value::from("判定条款")));
        let says = cells[2]["en"].as_str().expect("words");
        assert!(says.contains("since 2023-05-15") && says.contains("安监总管四〔2017〕129号"), "{says}");
        let verified = json(&adit(&["verify", "--data", text(&data), "--json"]));
        assert_eq!(verified["size"], 3);
    }

    #[test]
    fn when_it_is_taken_over_twice_then_the_second_time_adds_nothing() {
        let folder = Folder::new();
        let data = folder.path("demo");
        let demo = adit(&["demo", "--no-serve", "--json", "--data", text(&data)]);
        let accounts = &json(&demo)["accounts"];
        let (actor, password) = (
            accounts["people"]["clerk"].as_str().expect("clerk"),
            accounts["password"].as_str().expect("password"),
        );
        let file = folder.path("good.csv");
        std::fs::write(&file, GOOD).expect("written");
        let import = |file: &Path, more: &[&str]| {
            let args = [
                "import",
                "--data",
                text(&data),
                "--actor",
                actor,
                "--password",
                password,
                "--json",
                text(file),
            ];
            adit(&[&args[..], more].concat())
        };
        assert_eq!(json(&import(&file, &[]))["entries_written"], 4);
        assert_eq!(json(&import(&file, &[]))["entries_written"], 0);
        std::fs::write(&file, BAD).expect("written");
        assert_eq!(import(&file, &[]).status.code(), Some(1));
        let skipped = import(&file, &["--skip-bad"]);
        assert!(skipped.status.success(), "{}", String::from_utf8_lossy(&skipped.stderr));
    }
}
