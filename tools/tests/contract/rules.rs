//! `adit rules`: facts in, result with reasons and sources out; needs no ledger.

use serde_json::{Value, json};

use super::{Place, adit, adit_reads};

fn reward_facts() -> Value {
    json!({
        "place": "national", "matter": "major_hazard", "sector": "industry", "report_level": 1,
        "unit_fine_yuan": "12000", "person_fines_yuan": ["0"], "deaths_verified": 0, "accident_grade": null,
        "insider": false, "reported_on": "2024-05-10",
    })
}

fn with(mut facts: Value, name: &str, value: Value) -> Value {
    facts[name] = value;
    facts
}

fn reward(facts: &Value) -> Value {
    adit_reads(&["rules", "reward", "-"], facts.to_string().as_bytes()).done().json()
}

#[test]
fn given_a_fine_below_the_floor_then_the_reward_is_the_floor() {
    let place = Place::new();
    let file = place.write("facts.json", reward_facts().to_string());
    let result = adit(&["rules", "reward", &file]).done().json();
    assert_eq!(result["amount_yuan"], "3000.00");
    assert_eq!(result["amount_fen"], 300_000);
    assert!(result["rule"].is_string());
    let reasons = result["reasons"].as_array().expect("reasons");
    assert!(!reasons.is_empty());
    for reason in reasons {
        for part in ["code", "zh", "en", "source"] {
            assert!(
                reason[part].as_str().is_some_and(|text| !text.is_empty()),
                "a reason without {part}: {reason}"
            );
        }
    }
}

#[test]
fn given_published_facts_then_the_reward_is_the_published_one() {
    // One row for each: fine in yuan, reward in fen.
    for (fine, fen) in [
        ("20100", 301_500),
        ("20000", 300_000),
        ("20000.07", 300_001),
        ("2000000", 30_000_000),
        ("9000000", 30_000_000),
    ] {
        let result = reward(&with(reward_facts(), "unit_fine_yuan", json!(fine)));
        assert_eq!(result["amount_fen"], fen, "a fine of {fine} yuan: {result}");
    }
}

#[test]
fn given_a_concealed_accident_then_verified_deaths_count_by_the_grade() {
    for (deaths, fen) in [(1, 3_000_000), (4, 16_000_000), (10, 30_000_000)] {
        let facts = with(reward_facts(), "matter", json!("concealed_accident"));
        let facts = with(with(facts, "deaths_verified", json!(deaths)), "unit_fine_yuan", json!("0"));
        assert_eq!(reward(&facts)["amount_fen"], fen, "{deaths} deaths");
    }
}

#[test]
fn given_no_fine_then_no_national_rule_gives_an_amount_and_the_reasons_say_which_is_missing() {
    let result = reward(&with(reward_facts(), "unit_fine_yuan", json!("0")));
    assert_eq!(result["amount_fen"], Value::Null);
    assert!(!result["reasons"].as_array().expect("reasons").is_empty());
}

#[test]
fn given_two_discoveries_within_three_months_while_producing_then_closure_is_petitioned() {
    let facts = json!({
        "licence": "full", "producing": true, "discoveries": ["2024-01-05", "2024-03-01"],
        "penalties": ["2024-02-01"], "on": "2024-06-01",
    });
    let ask =
        |facts: &Value| adit_reads(&["rules", "closure", "-"], facts.to_string().as_bytes()).done().json();
    let result = ask(&facts);
    assert_eq!(result["petition"], true);
    assert!(!result["grounds"].as_array().expect("grounds").is_empty());

    let one = ask(&with(facts.clone(), "discoveries", json!(["2024-01-05"])));
    assert_eq!((&one["petition"], &one["grounds"]), (&json!(false), &json!([])));
    assert_eq!(
        ask(&with(one_discovery(&facts), "licence", json!("none")))["petition"],
        true,
        "without licence"
    );
}

fn one_discovery(facts: &Value) -> Value {
    with(facts.clone(), "discoveries", json!([]))
}

#[test]
fn when_facts_do_not_fit_then_they_are_refused_in_both_languages() {
    let bad = [
        ("an unknown field", with(reward_facts(), "unit_fine", json!("1"))),
        ("a fraction of a fen", with(reward_facts(), "unit_fine_yuan", json!("12000.001"))),
        ("money as a number", with(reward_facts(), "unit_fine_yuan", json!(12000.5))),
        ("a negative fine", with(reward_facts(), "unit_fine_yuan", json!("-1"))),
        ("a day that does not exist", with(reward_facts(), "reported_on", json!("2024-02-30"))),
        ("an unknown matter", with(reward_facts(), "matter", json!("hazard"))),
        ("a null where facts belong", json!(null)),
        ("a list where facts belong", json!([])),
    ];
    for (what, facts) in bad {
        let said = adit_reads(&["rules", "reward", "-"], facts.to_string().as_bytes()).refused();
        assert!(said.err.contains("rules.facts"), "{what}: {}", said.err);
    }
}

#[test]
fn when_the_input_is_no_json_then_it_is_refused() {
    let deep = "[".repeat(100_000);
    let missing = reward_facts().to_string().replace("\"place\":\"national\",", "");
    let twice = reward_facts().to_string().replacen('{', "{\"place\":\"national\",", 1);
    for bad in [deep.as_bytes(), b"", b"{", b"\xff\xfe{}", missing.as_bytes(), twice.as_bytes()] {
        adit_reads(&["rules", "reward", "-"], bad).refused();
    }
}

#[test]
fn when_the_rule_or_the_file_does_not_exist_then_it_is_refused() {
    adit_reads(&["rules", "nonsense", "-"], b"{}").refused();
    let place = Place::new();
    adit(&["rules", "reward", &place.path("none.json")]).refused();
}

#[test]
fn when_nobody_reads_the_output_then_there_is_no_panic() {
    let mut child = super::command(&["rules", "reward", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("adit runs");
    // The reader is gone before the first byte is written.
    drop(child.stdout.take());
    let input = reward_facts().to_string();
    std::io::Write::write_all(&mut child.stdin.take().expect("standard input"), input.as_bytes())
        .expect("written");
    let said = super::Said::of(child.wait_with_output().expect("adit ends"));
    assert!(!said.err.contains("panicked"), "{}", said.err);
}

#[test]
fn when_the_rules_are_listed_then_each_has_its_words_source_and_mark() {
    let listed = adit(&["rules", "list", "--json"]).done().json();
    let rules = listed["rules"].as_array().expect("rules");
    assert!(rules.len() > 20, "{listed}");
    for rule in rules {
        assert!(["T", "S", "U"].contains(&rule["mark"].as_str().expect("a mark")), "{rule}");
        assert_eq!(rule["in_force"], rule["mark"] != "U", "nothing is adopted without a ledger: {rule}");
        for says in rule["says"].as_array().expect("words") {
            for part in ["zh", "en", "source"] {
                assert!(says[part].as_str().is_some_and(|text| !text.is_empty()), "{rule} without {part}");
            }
        }
    }
}

#[test]
fn when_a_rule_is_explained_then_its_numbers_and_article_are_told() {
    let rule = adit(&["rules", "explain", "rewards/mine-2021", "--json"]).done().json();
    assert_eq!((&rule["from"], &rule["until"]), (&json!("2021-01-01"), &json!("2024-10-24")));
    let says = rule["says"][0]["zh"].as_str().expect("words");
    assert!(says.contains("15%") && says.contains("12%") && says.contains("300000.00"), "{says}");
    let shown = adit(&["rules", "explain", "rewards/liaoning"]).done();
    assert!(shown.out.contains("待采用"), "{}", shown.out);
    adit(&["rules", "explain", "rewards/nowhere"]).refused();
    adit(&["rules", "explain"]).refused();
    adit(&["rules", "list", "rewards"]).refused();
}

#[test]
fn given_an_insider_then_the_answer_says_what_another_province_would_pay() {
    let facts = with(with(reward_facts(), "insider", json!(true)), "unit_fine_yuan", json!("3000000"));
    let result = reward(&facts);
    assert_eq!(result["amount_yuan"], "300000.00");
    let fujian =
        result["elsewhere"].as_array().expect("places").iter().find(|there| there["place"] == "福建省");
    assert_eq!(fujian.expect("Fujian pays more")["amount_yuan"], "390000.00");
    assert_eq!(reward(&reward_facts())["elsewhere"], json!([]), "nobody pays anything else for an outsider");
}

#[test]
fn when_a_pack_is_filled_in_then_it_is_checked_and_the_place_of_a_fault_is_named() {
    let place = Place::new();
    let shipped = adit(&["rules", "pack", "rewards"]).done().out;
    let template = "document = \"方案 矿山 33 所引，文本未取得\"\nplace = \"辽宁省\"\nsectors = [\"industry\", \"chemical\", \
                    \"fireworks\", \"other\", \"mine\"]\nfrom = \"2018-01-04\"\nmark = \"U\"\n";
    assert!(shipped.contains(template), "Liaoning's rule ships without its numbers");
    let filled = |floor: &str| {
        let numbers = format!(
            "{template}[rule.fine]\narticle = \"第一条\"\nshare_level_1 = 2000\nshare_level_2 = 2000\n\
             floor_fen = {floor}\ncap_fen = 30_000_000\n"
        );
        let path = place.path("rewards.toml");
        std::fs::write(&path, shipped.replace(template, &numbers)).expect("written");
        adit(&["rules", "check", "rewards", &path, "--json"])
    };
    assert_eq!(filled("300_000").done().json()["pack"], "rewards");
    let refused = filled("300_000_000").refused();
    assert!(
        refused.err.contains("rules.pack_contradiction") && refused.err.contains("liaoning"),
        "{}",
        refused.err
    );
    let path = place.path("broken.toml");
    std::fs::write(&path, "id = \"duty\"\n[[self_inspection]\n").expect("written");
    let refused = adit(&["rules", "check", "duty", &path]).refused();
    assert!(refused.err.contains("rules.pack_form") && refused.err.contains("line 2"), "{}", refused.err);
    assert!(adit(&["rules", "check", "weather", &path]).refused().err.contains("rules.unknown_pack"));
    assert!(adit(&["rules", "pack", "weather"]).refused().err.contains("rules.unknown_pack"));
    adit(&["rules", "check", "duty"]).refused();
}

#[test]
fn when_the_rules_of_a_ledger_are_asked_then_what_it_adopted_is_in_force_from_then_on() {
    let place = Place::new();
    let data = place.path("demo");
    adit(&["demo", "--data", &data, "--no-serve"]).done();
    let accept = |args: &[&str]| {
        let args = [&["rules", "explain", "deadlines/accept", "--json"], args].concat();
        adit(&args).done().json()["in_force"].clone()
    };
    assert_eq!(accept(&[]), false, "its number is ours");
    assert_eq!(accept(&["--data", &data]), true);
    assert_eq!(accept(&["--data", &data, "--as-of", "0"]), false);
}
