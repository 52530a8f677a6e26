//! `adit serve --openid`: a file that holds a secret, and what is said of one that can't be used.

use super::{Place, adit, ledger};

const GOOD: &str =
    "issuer = \"https://id.example\"\nclient_id = \"adit\"\nclient_secret = \"canary of the client\"\n";

/// Writes a file that its owner alone may read, unless told otherwise.
fn file(place: &Place, text: &str, mode: u32) -> String {
    let path = place.write("openid.toml", text);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("permissions");
    }
    path
}

#[test]
fn given_a_file_that_names_no_provider_then_the_server_does_not_start_and_repeats_nothing_of_it() {
    let place = Place::new();
    let (data, _) = ledger(&place);
    let plain = GOOD.replace("https://", "http://");
    let unknown = format!("{GOOD}secret = \"another canary\"\n");
    for (text, mode, says) in [
        (plain.as_str(), 0o600, "issuer"),
        (unknown.as_str(), 0o600, "TOML"),
        ("issuer = \"canary", 0o600, "TOML"),
        (&GOOD.replace("adit", ""), 0o600, "client_id"),
        (GOOD, 0o644, "chmod 600"),
        (GOOD, 0o620, "chmod 600"),
    ] {
        let path = file(&place, text, mode);
        let site = ["--site", "https://adit.example", "--listen", "127.0.0.1:0"];
        let said =
            adit(&[["serve", "--data", &data, "--openid", &path].as_slice(), &site].concat()).refused();
        assert!(said.err.contains(says) && !said.err.contains("canary"), "{}", said.err);
    }
    let nowhere = place.path("nowhere.toml");
    let site = ["--site", "https://adit.example"];
    adit(&[["serve", "--data", &data, "--openid", &nowhere].as_slice(), &site].concat()).refused();
    let path = file(&place, GOOD, 0o600);
    let said = adit(&["serve", "--data", &data, "--openid", &path]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("--site"), "{}", said.err);
}
