//! `adit export bundle` and `adit verify BUNDLE.zip`, on the demonstration's ledger.

use serde_json::{Value, json};

use super::{Place, adit};

struct Demo {
    place: Place,
    data: String,
    said: Value,
}

fn demo() -> Demo {
    let place = Place::new();
    let data = place.path("demo");
    let said = adit(&["demo", "--data", &data, "--no-serve", "--json"]).done().json();
    Demo { place, data, said }
}

impl Demo {
    fn export(&self, rest: &[&str]) -> super::Said {
        adit(&[&["export", "bundle", "--data", &self.data, "--json"], rest].concat())
    }

    fn actor(&self, who: &str) -> &str {
        self.said["accounts"]["people"][who].as_str().expect("an account")
    }

    /// A hazard of which relief was decided, and the account of its enterprise.
    fn relieved(&self) -> (&str, &str) {
        let rows = self.said["register"].as_array().expect("a register");
        let name =
            |hazard: &Value| rows.iter().find(|row| row["hazard"] == *hazard)?["enterprise_name"].as_str();
        let people = &self.said["accounts"]["people"];
        let decided = self.said["relief"].as_array().expect("relief").iter().find_map(|row| {
            let decided = !row["relieved"].is_null();
            Some((row["hazard"].as_str()?, people[name(&row["hazard"])?].as_str().filter(|_| decided)?))
        });
        decided.expect("a hazard with a decision on relief")
    }
}

fn kinds(verified: &Value, body: bool) -> Vec<&str> {
    let entries = verified["entries"].as_array().expect("entries").iter();
    entries.filter(|entry| entry["body"] == body).filter_map(|entry| entry["kind"].as_str()).collect()
}

#[test]
fn given_the_demonstration_when_a_bundle_is_made_then_it_verifies_and_holds_what_each_account_may_see() {
    let demo = demo();
    let (hazard, enterprise) = demo.relieved();
    let key = demo.place.path("demo.keys/log.vkey");
    let all = demo.place.path("all.zip");
    demo.export(&["--stream", hazard, &all]).done();
    let verified = adit(&["verify", &all, "--json"]).done().json();
    assert_eq!((&verified["ok"], &verified["key_given"]), (&json!(true), &json!(false)));
    assert!(kinds(&verified, false).is_empty() && kinds(&verified, true).contains(&"ledger.opened"));
    let log = verified["log"][0].as_str().expect("the log's key");
    assert_eq!(adit(&["verify", &all, "--key", log, "--json"]).done().json()["key_given"], true);
    assert!(!std::path::Path::new(&key).exists() || adit(&["verify", &all, "--key", &key]).code == Some(0));
    let told = adit(&["verify", &all]).done();
    assert!(told.out.contains("核验通过") && told.out.contains("own word"), "{}", told.out);

    let own = demo.place.path("own.zip");
    demo.export(&["--stream", hazard, "--as", enterprise, &own]).done();
    let verified = adit(&["verify", &own, "--json"]).done().json();
    let (with, without) = (kinds(&verified, true), kinds(&verified, false));
    assert!(
        with.contains(&"hazard.reported") && with.iter().all(|kind| kind.starts_with("hazard.")),
        "{with:?}"
    );
    // Why an officer decided is not for the enterprise, and neither is the body in which it would stand.
    assert!(without.iter().any(|kind| kind.starts_with("hazard.relie")), "{without:?}");

    let audit = demo.place.path("audit.zip");
    demo.export(&["--stream", hazard, "--as", demo.actor("auditor"), &audit]).done();
    assert!(kinds(&adit(&["verify", &audit, "--json"]).done().json(), true).is_empty());

    let report = demo.said["rewards"][0]["report"].as_str().expect("a report");
    let out = demo.place.path("none.zip");
    for who in [enterprise, demo.actor("auditor"), demo.actor("finance"), demo.actor("admin-1")] {
        demo.export(&["--stream", report, "--as", who, &out]).refused();
    }
    demo.export(&["--stream", "hazard/00000000000000000000000000", &out]).refused();
    assert!(!std::path::Path::new(&out).exists());
    // Bodies of a report go out in somebody's name, and the ledger says so; without bodies nothing is recorded.
    let handler = demo.actor("handler");
    let refused = demo.export(&["--stream", report, "--as", handler, &out]).refused();
    assert!(refused.err.contains("--actor"), "{}", refused.err);
    assert!(!std::path::Path::new(&out).exists());
    let size = |said: &Value| said["size"].as_u64().expect("a size");
    let only = demo.export(&["--stream", report, "--entries-only", &out]).done().json();
    let password = demo.said["accounts"]["password"].as_str().expect("a password");
    let signed = ["--stream", report, "--as", handler, "--actor", handler, "--password", password, &out];
    let before = demo.export(&signed).done().json();
    adit(&["verify", &out]).done();
    assert_eq!(size(&only), size(&before), "nothing was recorded without bodies");
    assert!(
        adit(&["verify", "--data", &demo.data, "--json"]).done().json()["size"].as_u64()
            > Some(size(&before))
    );

    let bytes = std::fs::read(&all).expect("the bundle");
    for at in (0..bytes.len()).step_by(bytes.len() / 8) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let altered = demo.place.write("altered.zip", altered);
        let said = adit(&["verify", &altered]).refused();
        assert!(said.err.contains("bundle.container"), "{}", said.err);
        let fault = adit(&["verify", &altered, "--json"]).json();
        assert_eq!((&fault["ok"], &fault["fault"]["code"]), (&json!(false), &json!("bundle.container")));
        assert!(fault["fault"]["offset"].is_string() && fault["fault"]["file"].is_string(), "{fault}");
    }
    assert_eq!(adit(&["export", "bundle", "--data", &demo.data, &out]).code, Some(2), "which stream?");
    adit(&["verify", &all, "--key", "nonsense"]).refused();
    adit(&["verify", &demo.place.path("nowhere.zip")]).refused();
}
