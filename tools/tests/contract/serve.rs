//! `adit serve` refuses settings that it can't use before it listens.

use std::os::unix::fs::PermissionsExt;

use super::{Place, adit, ledger};

const MAIL: &str = "host = \"smtp.example.cn\"\ntls = \"tls\"\nuser = \"adit\"\npassword = \"a canary\"\nfrom = \"adit@example.cn\"\n";

/// What `serve` says of a file of settings that it refuses.
fn refused(option: &str, text: &str, mode: u32) -> String {
    let place = Place::new();
    let (data, _) = ledger(&place);
    let file = place.write("settings.toml", text);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("set");
    adit(&["serve", "--data", &data, "--listen", "127.0.0.1:0", option, &file]).refused().err
}

#[test]
fn given_settings_of_mail_or_of_the_webhook_that_are_wrong_then_serve_says_what_in_both_languages_and_quotes_no_secret()
 {
    let hook = "url = \"https://im.example.cn/canary\"\n";
    let faults = [
        ("--mail", MAIL.to_owned(), 0o644, "chmod 600", "他人可以读取设置文件"),
        ("--mail", MAIL.replace("\"tls\"", "\"none\""), 0o600, "loopback", "不加密只能发往本机"),
        ("--mail", MAIL.replace("\"a canary\"", "a canary"), 0o600, "line 4", "不是 TOML 格式"),
        ("--mail", MAIL.replace("host", "hose"), 0o600, "host is missing", "缺少一项"),
        ("--webhook", hook.to_owned(), 0o640, "chmod 600", "他人可以读取设置文件"),
        (
            "--webhook",
            hook.replace("https", "http"),
            0o600,
            "begins with https://",
            "地址必须以 https:// 开头",
        ),
    ];
    for (option, text, mode, en, zh) in faults {
        let said = refused(option, &text, mode);
        assert!(said.contains(en) && said.contains(zh), "{said}");
        assert!(said.contains("settings.toml") && !said.contains("canary"), "{said}");
    }
}
