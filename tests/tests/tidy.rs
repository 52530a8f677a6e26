//! What no compiler checks. Each failure says how to mend it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

use std::fs;
use std::path::{Path, PathBuf};

use adit_core::actor::ActorRefusal;
use adit_core::concern::ConcernRefusal;
use adit_core::decider::Rejection;
use adit_core::enterprise::EnterpriseRefusal;
use adit_core::hazard::HazardRefusal;
use adit_core::inquiry::InquiryRefusal;
use adit_core::inspection::InspectionRefusal;
use adit_core::ledger::bundle::BundleFault;
use adit_core::ledger::policy::PolicyFault;
use adit_core::ledger::proposal::EntryFault;
use adit_core::ledger::witness::WitnessRefusal;
use adit_core::opening::LedgerRefusal;
use adit_core::refusal::has_words;
use adit_core::report::ReportRefusal;
use adit_core::reward::RewardRefusal;
use adit_core::rulebook::RulesRefusal;
use adit_core::rules::entries;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Rust files of the workspace.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut stack: Vec<PathBuf> =
        ["core", "projections", "api", "tools", "tests"].iter().map(|name| root().join(name)).collect();
    while let Some(path) = stack.pop() {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                stack.extend(fs::read_dir(&path).expect("folder").map(|entry| entry.expect("entry").path()));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    assert!(found.len() > 60, "the sources are elsewhere");
    found
}

fn codes<R: Rejection>(all: &[R]) -> Vec<&'static str> {
    all.iter().map(Rejection::code).collect()
}

#[test]
fn every_refusal_has_its_words_in_both_languages() {
    let all = [
        codes(HazardRefusal::ALL),
        codes(ReportRefusal::ALL),
        codes(RewardRefusal::ALL),
        codes(EnterpriseRefusal::ALL),
        codes(InspectionRefusal::ALL),
        codes(InquiryRefusal::ALL),
        codes(ConcernRefusal::ALL),
        codes(ActorRefusal::ALL),
        codes(RulesRefusal::ALL),
        codes(LedgerRefusal::ALL),
        codes(EntryFault::ALL),
        codes(PolicyFault::ALL),
        codes(BundleFault::ALL),
        codes(WitnessRefusal::ALL),
    ]
    .concat();
    assert!(all.len() > 120);
    for code in all {
        assert!(has_words(code), "{code}: write its words into core/words/zh.toml and en.toml");
    }
}

/// Codes that stand as text in the sources, such as `api.forbidden` or `reward.floor`.
#[test]
fn every_code_in_the_sources_has_its_words() {
    let kinds = [
        "api.",
        "office.",
        "reward.",
        "relief.",
        "closure.",
        "rules.",
        "entry.",
        "accountability.",
        "poster.",
    ];
    for path in sources().iter().filter(|path| !path.to_string_lossy().contains("/tests/")) {
        let text = fs::read_to_string(path).expect("source");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in text.lines() {
            let named = ["Problem::new(", "Refusal::new(", "Reason::new(", "none("]
                .iter()
                .any(|call| line.contains(call));
            for quoted in line.split('"').skip(1).step_by(2).filter(|_| named) {
                if kinds.iter().any(|kind| quoted.starts_with(kind)) && !quoted.contains(' ') {
                    assert!(has_words(quoted), "{quoted} in {}: write its words", path.display());
                }
            }
        }
    }
}

#[test]
fn files_hold_one_idea_and_say_what_they_are() {
    for path in sources() {
        let text = fs::read_to_string(&path).expect("source");
        let lines = text.lines().count();
        assert!(lines <= 700, "{} has {lines} lines: split it by idea", path.display());
        let fuzz = path.to_string_lossy().contains("fuzz_targets/");
        assert!(
            fuzz || text.starts_with("//!"),
            "{}: begin with a line that says what it is",
            path.display()
        );
    }
}

#[test]
fn the_domain_knows_no_float_no_clock_and_no_unordered_map() {
    let pure = [
        "hazard",
        "report",
        "reward",
        "enterprise",
        "inspection",
        "inquiry",
        "concern",
        "actor",
        "rulebook",
        "opening",
        "rules",
    ];
    for path in sources() {
        let place = path.to_string_lossy().into_owned();
        if !pure.iter().any(|name| place.contains(&format!("core/src/{name}/"))) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("source");
        for word in ["f32", "f64", "HashMap", "HashSet", "SystemTime", "Instant::now", "std::fs", "std::env"]
        {
            assert!(!text.contains(word), "{word} in {place}: deciders and rules are pure");
        }
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let text = fs::read_to_string(root().join("Cargo.toml")).expect("manifest");
    let chosen =
        text.split("# Chosen by us; each with its reason.").nth(1).and_then(|rest| rest.split("\n\n").next());
    for line in chosen.expect("the section of our own choices").lines().filter(|line| line.contains(" = ")) {
        let known =
            line.contains('#') || line.starts_with("tracing-subscriber") || line.starts_with("hdrhistogram");
        assert!(known, "{line}: add its reason as a comment");
    }
}

/// What runs in a browser: sources alone, each saying what it is; locks that name no place to fetch from.
#[test]
fn what_runs_in_a_browser_is_written_here_and_its_packages_are_pinned() {
    let mut pages = 0;
    for folder in [
        "api/web",
        "api/web/draft",
        "api/web/report",
        "api/web/viewer",
        "tests/browser",
        "tests/mini-program",
        "tests/openid",
    ] {
        for entry in fs::read_dir(root().join(folder)).expect("folder") {
            let path = entry.expect("entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            assert!(name != "node_modules", "{}: packages belong into target/", path.display());
            let Ok(text) = fs::read_to_string(&path) else { continue };
            if name == "package-lock.json" {
                assert!(
                    !text.contains("\"resolved\""),
                    "{}: run npm install with the .npmrc beside it",
                    path.display()
                );
                assert!(root().join(folder).join(".npmrc").is_file(), "{folder} needs an .npmrc");
                assert!(
                    text.matches("\"integrity\"").count() > 0,
                    "{}: no package is pinned",
                    path.display()
                );
            }
            if name == "package.json" {
                assert!(
                    text.contains("\"license\": \"Apache-2.0 OR MIT\""),
                    "{}: name our licence",
                    path.display()
                );
                assert!(
                    !text.contains('^') && !text.contains('~'),
                    "{}: name exact versions",
                    path.display()
                );
            }
            if path.extension().is_some_and(|ending| ending == "js" || ending == "mjs") {
                assert!(
                    text.starts_with("// "),
                    "{}: begin with a line that says what it is",
                    path.display()
                );
                assert!(text.lines().count() <= 400, "{}: split it by idea", path.display());
                for unsafe_word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
                {
                    assert!(
                        !text.contains(unsafe_word),
                        "{}: text is set as text, not by {unsafe_word}",
                        path.display()
                    );
                }
                pages += 1;
            }
        }
    }
    assert!(pages > 10, "the sources are elsewhere");
}

/// Who may sign what is one table; no public kind is missing from it.
#[test]
fn every_public_kind_of_the_sources_stands_in_the_table_of_entries() {
    // The ledger's own folder knows no kinds of events.
    let domain = |path: &str| path.contains("core/src") && !path.contains("core/src/ledger/");
    for path in sources().iter().filter(|path| domain(&path.to_string_lossy())) {
        let text = fs::read_to_string(path).expect("source");
        for kind in
            text.lines().filter_map(|line| line.trim().strip_prefix("Self::")?.split("(_) => \"").nth(1))
        {
            let kind = kind.trim_end_matches("\",");
            let private = ["report.", "reward.", "access.", "concern."]
                .iter()
                .any(|unlinkable| kind.starts_with(unlinkable));
            assert!(
                private || entries::table().contains_key(kind),
                "{kind}: add it to core/rules/entries.toml"
            );
        }
    }
}
