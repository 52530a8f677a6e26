//! `adit escrow`: made offline, introduced to a ledger, opened by two custodians.

use std::os::unix::fs::PermissionsExt;

use adit_core::seal::{self, Kind};
use serde_json::Value;

use super::{Place, Said, adit, command};

const ORIGIN: &str = "xiuyan.example/ledger";

fn make(place: &Place, folder: &str) -> Value {
    adit(&["escrow", "make", "--origin", ORIGIN, "--json", &place.path(folder)]).done().json()
}

fn open(shares: [&str; 2], blob: &str) -> Said {
    adit(&["escrow", "open", shares[0], shares[1], blob])
}

fn sealed(made: &Value, content: &[u8]) -> Vec<u8> {
    seal::seal(content, [made["recipient"].as_str().expect("a recipient")], Kind::File).expect("sealed")
}

#[test]
fn given_a_key_in_three_shares_then_any_two_open_and_nobody_else_can_read_their_files() {
    let place = Place::new();
    let made = make(&place, "escrow");
    let blob = place.write("blob", sealed(&made, "井下瓦斯超限".as_bytes()));
    let shares: Vec<&str> =
        made["shares"].as_array().expect("shares").iter().filter_map(Value::as_str).collect();
    assert_eq!(shares.len(), 3);
    for share in &shares {
        let mode = std::fs::metadata(share).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{share}");
    }
    for pair in [[0, 1], [1, 2], [2, 0]] {
        assert_eq!(open(pair.map(|nth| shares[nth]), &blob).done().out, "井下瓦斯超限");
    }
    let out = place.path("opened");
    adit(&["escrow", "open", shares[0], shares[1], &blob, "--out", &out]).done();
    assert_eq!(std::fs::read(format!("{out}/blob.opened")).expect("opened"), "井下瓦斯超限".as_bytes());
    let again =
        command(&["escrow", "make", "--origin", ORIGIN, &place.path("escrow")]).output().expect("runs");
    Said::of(again).refused();
}

#[test]
fn given_wrong_shares_or_files_then_it_says_which_and_writes_nothing() {
    let place = Place::new();
    let (made, other) = (make(&place, "one"), make(&place, "other"));
    let share = |made: &Value, nth: usize| made["shares"][nth].as_str().expect("a share").to_owned();
    let (first, second) = (share(&made, 0), share(&made, 1));
    let whole = sealed(&made, b"gas");
    let blob = place.write("blob", &whole);
    let says = |shares: [&str; 2], blob: &str, words: &str| {
        let said = open(shares, blob).refused();
        assert!(said.out.is_empty() && said.err.contains(words), "{words}: {}", said.err);
    };
    says([&first, &first], &blob, "same share");
    says([&first, &share(&other, 1)], &blob, "not of the same escrow key");
    let text = std::fs::read_to_string(&second).expect("a share");
    let wrong = place.write("wrong.txt", text.replace("share 2 of 3", "share 3 of 3"));
    says([&first, &wrong], &blob, "checksum");
    let unknown = place.write("unknown.txt", text.replace("en ", "en xyzzy "));
    says([&first, &unknown], &blob, "not in the list");
    says([&first, &blob], &blob, "couldn't read");
    let empty = place.write("empty.txt", "");
    says([&first, &empty], &blob, "is not a share");
    let torn = place.write("torn", &whole[..whole.len() - 1]);
    says([&first, &second], &torn, "not a whole sealed file");
    let plain = place.write("plain", "井下瓦斯超限");
    says([&first, &second], &plain, "not a whole sealed file");
    let elsewhere = place.write("elsewhere", sealed(&other, b"gas"));
    says([&first, &second], &elsewhere, "not sealed to this escrow key");
}
