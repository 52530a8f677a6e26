//! The page in an evidence bundle verifies it, offline, and finds what `adit verify` finds.

use std::collections::BTreeSet;
use std::path::PathBuf;

use adit_core::ledger::bundle::verify;
use adit_core::ledger::vkey::SigningKey;
use serde_json::{Value, json};

use crate::base::run;
use crate::common::ORIGIN;
use crate::evidence::{Open, altered, evidence, small};

#[test]
fn given_a_bundle_when_its_page_is_opened_as_a_file_then_it_says_what_the_command_line_says() {
    let evidence = evidence();
    let folder = tempfile::tempdir().expect("a folder");
    Open::unpack(&evidence.bundle, folder.path());
    let write = |name: String, content: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    };
    let good = write("good.zip".to_owned(), &evidence.bundle);
    let mut altered = altered(&evidence);
    for (fault, bundle) in small::unlawful() {
        assert_eq!(verify(&bundle, &[], None).expect_err("it is unlawful").fault, fault);
        altered.push(bundle);
    }
    let lawful = write("lawful.zip".to_owned(), &small::lawful());
    assert!(verify(&small::lawful(), &[], None).is_ok());
    let paths: Vec<PathBuf> =
        altered.iter().enumerate().map(|(n, bundle)| write(format!("altered-{n}.zip"), bundle)).collect();
    let log = evidence.bureau.office.ledger().log_key();
    let other = SigningKey::generate(ORIGIN).expect("a key").vkey();
    let plan = json!({ "page": folder.path().join("index.html"), "good": good, "altered": paths,
        "lawful": lawful, "key": log.vkey(), "otherKey": other });
    let said = run("viewer.mjs", plan);
    succeeds(&said["seen"]);
    let mut codes = BTreeSet::new();
    for (n, (found, bundle)) in
        said["faults"]["found"].as_array().expect("faults").iter().zip(&altered).enumerate()
    {
        let error =
            verify(bundle, &[], None).err().unwrap_or_else(|| panic!("altered-{n}.zip was taken for sound"));
        let mut ours = json!(error.details);
        ours["code"] = json!(error.refusal().code);
        assert_eq!(found["fault"], ours, "altered-{n}.zip");
        let (english, chinese) =
            (found["english"].as_str().expect("words"), found["chinese"].as_str().expect("words"));
        let file = error.details["file"].as_str();
        assert!(english.contains("Verification failed") && english.contains(file), "{english}");
        assert!(chinese.contains("核验不通过") && chinese.contains(file), "{chinese}");
        assert!(
            !english.contains('{') && !chinese.contains('{'),
            "a detail is not filled in: {english} {chinese}"
        );
        codes.insert(error.refusal().code);
    }
    assert!(codes.len() >= 20, "only {codes:?} were tried");
    silent(&said["faults"]);
    assert_eq!(said["faults"]["lawful"], "✓ Verified");
    let keyboard = &said["keyboard"];
    assert_eq!(keyboard["order"][0], "English");
    assert_eq!(keyboard["order"][1], "选择证据包");
    assert!(keyboard["results"][0].as_str().expect("a result").contains("核验通过"), "{keyboard}");
    assert!(keyboard["results"][1].as_str().expect("a result").contains("bundle.other_key"), "{keyboard}");
    assert!(keyboard["results"][2].as_str().expect("a result").contains("不是日志公钥"), "{keyboard}");
}

fn succeeds(seen: &Value) {
    let seen = seen.as_array().expect("what was seen");
    assert_eq!(seen.len(), 4);
    for one in seen {
        let (own, switched) = match one["locale"].as_str() {
            Some("zh-CN") => (("zh-CN", "核验通过"), ("en", "Verified")),
            _ => (("en", "Verified"), ("zh-CN", "核验通过")),
        };
        assert_eq!(one["lang"], own.0);
        assert!(one["result"].as_str().expect("a result").contains(own.1), "{one}");
        assert_eq!(one["switched"]["lang"], switched.0);
        assert!(one["switched"]["result"].as_str().expect("a result").contains(switched.1), "{one}");
        assert_eq!((&one["focus"], &one["fits"]), (&json!("status"), &json!(true)), "{one}");
        assert_eq!(one["entries"], 5);
        // What somebody typed is shown, and does nothing.
        let bodies = one["bodies"].to_string();
        assert!(bodies.contains("\\n      \\\"description\\\": \\\"顶板离层\\\""), "{bodies}");
        assert!(bodies.contains("<img src=x onerror=alert(1)>") && one["images"] == 0, "{bodies}");
        silent(one);
    }
}

/// Nothing but the page itself was asked for, and nothing was complained of.
fn silent(one: &Value) {
    let asked = one["asked"].as_array().expect("requests");
    assert!(
        asked.iter().all(|url| url.as_str().is_some_and(|url| url.ends_with("/index.html"))),
        "{asked:?}"
    );
    assert_eq!(one["complaints"], json!([]));
}
