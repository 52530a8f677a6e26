//! `adit export tiles` and `adit verify RECEIPT`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::clock::SystemClock;
use adit_core::ledger::cosignature::WitnessKey;
use adit_core::ledger::home::Home;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::merkle::{Tree, leaf_hash};
use adit_core::ledger::note::Note;
use adit_core::ledger::receipt::Receipt;
use adit_core::ledger::tiles::{added, split_entries};
use adit_core::units::{Position, Timestamp};
use serde_json::json;

use super::{Place, adit, adit_reads, ledger};

fn open(data: &str) -> Ledger {
    Ledger::open(&Home::beside(Path::new(data)), Arc::new(SystemClock)).expect("opened")
}

fn export(data: &str, out: &str) -> super::Said {
    adit(&["export", "tiles", "--data", data, "--publish", "--json", out])
}

/// Every file below a folder with its content.
fn files(out: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    super::collect(Path::new(out), &mut found);
    found.sort();
    found
}

#[test]
fn a_folder_holds_what_any_client_needs_and_nothing_else() {
    let place = Place::new();
    let (data, said) = ledger(&place);
    let out = place.path("www");
    let done = export(&data, &out).done().json();
    let key = std::fs::read_to_string(place.path("www/log.vkey")).expect("log.vkey");
    assert_eq!(key.trim_end(), said["log"].as_str().expect("the log's key"));
    let note = std::fs::read(place.path("www/checkpoint")).expect("checkpoint");
    let checkpoint = Checkpoint::verify(&note, &key.trim_end().parse().expect("vkey")).expect("signed");
    assert_eq!(done["size"], checkpoint.size);
    let mut tree = Tree::new();
    for path in added(0, checkpoint.size).filter(|path| path.to_string().contains("entries")) {
        let bundle = std::fs::read(Path::new(&out).join(path.to_string())).expect("bundle");
        for entry in split_entries(&bundle).expect("a bundle") {
            tree.push(leaf_hash(entry), &mut Vec::new());
        }
    }
    assert_eq!((tree.size(), tree.root()), (checkpoint.size, checkpoint.root));
    assert_eq!(files(&out).len() as u64, 2 + done["files"].as_u64().expect("files"));
}

#[test]
fn when_it_is_exported_again_then_only_what_is_new_is_written_and_the_rest_stays() {
    let place = Place::new();
    let (data, _) = ledger(&place);
    let out = place.path("www");
    let first = export(&data, &out).done().json();
    let before = files(&out);
    let again = export(&data, &out).done().json();
    assert_eq!((&again["files"], &again["before"]), (&0.into(), &first["size"]));
    assert_eq!(files(&out), before);
    let register = place.write("r.csv", include_bytes!("../../data/register.csv"));
    let map = concat!(env!("CARGO_MANIFEST_DIR"), "/data/register-map.toml");
    let imported = adit(&["import", "--data", &data, &register]);
    if imported.code != Some(0) {
        adit(&["import", "--data", &data, "--map", map, &register]).done();
    }
    let grown = export(&data, &out).done().json();
    assert!(grown["size"].as_u64() > first["size"].as_u64());
    let after = files(&out);
    for (path, content) in before {
        let name = path.file_name().expect("a name").to_owned();
        if name != "checkpoint" {
            assert!(after.contains(&(path.clone(), content)), "{} changed", path.display());
        }
    }
}

#[test]
fn when_the_folder_is_of_another_log_or_contradicts_it_then_it_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let (data, _) = ledger(&place);
    let (out, other) = (place.path("www"), place.path("other"));
    adit(&["init", "--data", &other, "--origin", "other.example/ledger"]).done();
    export(&other, &out).done();
    let before = files(&out);
    export(&data, &out).refused();
    assert_eq!(files(&out), before);
    // The same key, another history.
    let (forked, log) = (place.path("forked"), open(&data));
    let checkpoint =
        Checkpoint { origin: log.origin().to_owned(), size: 1, root: [7; 32] }.sign(&log.log_key());
    drop(log);
    std::fs::create_dir(&forked).expect("folder");
    std::fs::write(place.path("forked/checkpoint"), checkpoint).expect("written");
    let before = files(&forked);
    let said = export(&data, &forked).refused();
    assert!(said.err.contains("two histories were signed"), "{}", said.err);
    assert_eq!(files(&forked), before);
    // Something else altogether.
    let homepage = place.path("homepage");
    std::fs::create_dir(&homepage).expect("folder");
    std::fs::write(place.path("homepage/index.html"), "hello").expect("written");
    export(&data, &homepage).refused();
}

mod a_receipt {
    use super::*;

    fn receipt(place: &Place, data: &str) -> (String, Vec<u8>) {
        let log = open(data);
        log.publish_now();
        let receipt: Receipt = log.public_receipt(Position(0)).expect("read").expect("published");
        (place.write("0.tlog-proof", receipt.to_bytes()), receipt.to_bytes())
    }

    #[test]
    fn verifies_with_the_key_alone() {
        let place = Place::new();
        let (data, said) = ledger(&place);
        let (path, bytes) = receipt(&place, &data);
        let key = said["log"].as_str().expect("the log's key");
        let key_file = place.write("log.vkey", format!("{key}\n"));
        for key in [key, key_file.as_str()] {
            let proven = adit(&["verify", &path, "--key", key, "--json"]).done().json();
            assert_eq!((&proven["ok"], &proven["position"]), (&true.into(), &0.into()));
            assert_eq!(proven["kind"], "ledger.opened");
            assert_eq!(proven["signed_by"][0], said["log"]);
        }
        let told = adit_reads(&["verify", "-", "--key", key], &bytes).done();
        assert!(told.out.contains("核验通过") && told.out.contains("ledger.opened"), "{}", told.out);
    }

    #[test]
    fn that_was_changed_or_is_of_another_log_is_refused_in_both_languages() {
        let place = Place::new();
        let (data, said) = ledger(&place);
        let (path, mut bytes) = receipt(&place, &data);
        let key = said["log"].as_str().expect("the log's key");
        bytes[60] ^= 1;
        let changed = place.write("changed.tlog-proof", &bytes);
        adit(&["verify", &changed, "--key", key]).refused();
        let fault = adit(&["verify", &changed, "--key", key, "--json"]);
        assert_eq!(fault.code, Some(1));
        assert!(fault.json()["fault"]["code"].as_str().is_some_and(|code| code.starts_with("receipt.")));
        let other = place.path("other");
        let other =
            adit(&["init", "--data", &other, "--origin", "other.example/ledger", "--json"]).done().json();
        let said = adit(&["verify", &path, "--key", other["log"].as_str().expect("key")]).refused();
        assert!(said.err.contains("another ledger"), "{}", said.err);
        adit(&["verify", &path, "--key", "nonsense"]).refused();
        adit(&["verify", &place.path("nowhere"), "--key", key]).refused();
        for usage in
            [&["verify", path.as_str()][..], &["verify", "--key", key], &["verify", &path, "--data", &data]]
        {
            assert_eq!(adit(usage).code, Some(2), "{usage:?}");
        }
    }

    #[test]
    fn needs_the_witnesses_that_a_policy_asks_for() {
        let place = Place::new();
        let (data, said) = ledger(&place);
        let (path, bytes) = receipt(&place, &data);
        let key = said["log"].as_str().expect("the log's key");
        let witness = WitnessKey::from_seed("gongdao.example/witness", &[9; 32]).expect("witness");
        let text = format!("witness gongdao {}\nquorum gongdao\n", witness.vkey());
        let policy = place.write("trust.policy", text);
        let alone = adit(&["verify", &path, "--key", key, "--policy", &policy, "--json"]);
        assert_eq!(alone.code, Some(1));
        assert_eq!(alone.json()["fault"]["code"], "receipt.no_quorum");
        let mut seen: Receipt = Receipt::parse(&bytes).expect("receipt");
        let mut note = Note::parse(&seen.checkpoint).expect("note");
        note.signatures.push(witness.cosign(&note.text, Timestamp(1_800_000_000)).expect("cosigned"));
        seen.checkpoint = note.to_bytes();
        let path = place.write("0.cosigned.tlog-proof", seen.to_bytes());
        let proven = adit(&["verify", &path, "--key", key, "--policy", &policy, "--json"]).done().json();
        assert_eq!((&proven["cosigned"][0]["name"], &proven["not_checked"]), (&"gongdao".into(), &json!([])));
        let unasked = adit(&["verify", &path, "--key", key, "--json"]).done().json();
        assert_eq!(unasked["not_checked"], json!(["gongdao.example/witness"]));
    }
}
