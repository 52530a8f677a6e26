//! Two implementations of age, written apart from each other, open each other's files: what seals in the browser, and the server.
#![allow(clippy::expect_used, reason = "a test says what it expects and stops where that does not hold")]

use adit_core::ledger::vkey::hex;
use adit_core::seal::{self, Identity, Kind};
use serde_json::json;

use super::base::run;

/// Empty; and with its one byte of padding below, at and above the chunk of 64 KiB.
const SIZES: [usize; 5] = [0, 65_534, 65_535, 65_536, 65_537];

#[test]
fn given_files_for_five_recipients_then_the_npm_package_and_the_crate_open_each_others() {
    let seeds: Vec<[u8; 32]> = (1..=5).map(|byte| [byte; 32]).collect();
    let identities: Vec<Identity> = seeds.iter().map(Identity::from_bytes).collect();
    let recipients: Vec<String> = identities.iter().map(Identity::recipient).collect();
    let folder = tempfile::tempdir().expect("a folder");
    for size in SIZES {
        let sealed =
            seal::seal(&vec![7; size], recipients.iter().map(String::as_str), Kind::File).expect("sealed");
        std::fs::write(folder.path().join(format!("rust-{size}")), sealed).expect("written");
    }
    let seeds: Vec<String> = seeds.iter().map(|seed| hex(seed)).collect();
    let said = run("age.mjs", json!({ "seeds": seeds, "folder": folder.path(), "sizes": SIZES }));
    for size in SIZES {
        let content = vec![7; size];
        assert_eq!(said["opened"][size.to_string()], json!(vec![true; 5]), "{size}");
        let sealed = std::fs::read(folder.path().join(format!("npm-{size}"))).expect("written");
        for identity in &identities {
            assert_eq!(seal::open(&sealed, identity).expect("opened").as_slice(), content, "{size}");
        }
        let other = Identity::from_bytes(&[9; 32]);
        assert!(
            seal::open(&sealed, &other).is_err()
                && seal::open(&sealed[..sealed.len() - 1], &identities[0]).is_err()
        );
    }
}
