//! The reporter's whole way in a real browser without scripts, on a telephone and on a desktop, in both languages.
#![allow(clippy::panic, clippy::expect_used, reason = "a test reports by panicking")]

use serde_json::{Value, json};

use crate::browser::run;
use crate::common::Server;
use crate::reporter::{answered, rewarded, stream_of};

/// Each page fits its window, has nothing that axe finds wrong, and the same title; the address says nothing of what is written.
#[track_caller]
fn sound(said: &Value, what: &str) {
    assert_eq!(said["foreign"], json!([]), "{what}");
    for page in said["seen"].as_array().expect("pages") {
        assert_eq!(page["faults"], json!([]), "{what}: {page}");
        assert_eq!(page["fits"], json!(true), "{what}: {page}");
        assert!(["明硐", "Adit"].contains(&page["title"].as_str().unwrap_or_default()), "{what}: {page}");
        let address = page["address"].as_str().unwrap_or_default();
        assert!(["/", "/report", "/my"].contains(&address), "{what}: {page}");
        let question = page["question"].as_str().unwrap_or_default();
        assert!(["", "?lang=zh", "?lang=en"].contains(&question), "{what}: {page}");
    }
}

fn whole_way(locale: &str, width: u32) {
    let server = Server::start();
    let name = format!("{}-{width}", &locale[..2]);
    let words = "井下瓦斯超限，还在生产。";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("井口.jpg");
    std::fs::write(&file, b"\xff\xd8\xff photo").expect("written");
    let plan = |part: &str, secret: &str| {
        json!({ "part": part, "url": server.url, "locale": locale, "width": width, "words": words,
            "file": file, "secret": secret, "name": name })
    };
    let before = server.size();
    let said = run("reporter.mjs", plan("report", ""));
    sound(&said, &name);
    assert!(said["screens"].as_array().expect("screens").iter().all(|screen| screen["shown"] == 1), "{said}");
    let kept = json!({ "words": words, "enterprise": "示例矿业", "gas": true });
    assert_eq!(said["kept"], kept, "the back button lost something");
    let files = said["files"].as_array().expect("files");
    assert!(files.len() == 1 && files[0].to_string().contains("井口.jpg"), "{files:?}");
    assert_eq!(server.size(), before + 1, "a lost connection and a double tap are one report");
    let secret = said["secret"].as_array().expect("words").iter().filter_map(Value::as_str);
    let secret = secret.collect::<Vec<_>>().join(" ");
    let report = stream_of(&server, &secret);
    answered(&server, &report);
    rewarded(&server, &report);
    let said = run("reporter.mjs", plan("follow", &secret));
    sound(&said, &name);
    assert_eq!(said["letters"], json!([words, "已责令停产"]));
    let voucher = said["voucher"].as_str().expect("a voucher");
    let finance = server.sign_in_by_key("finance-1");
    let found = server.post("/api/v1/vouchers", Some(&finance), &json!({ "code": voucher })).expect(200);
    assert_eq!(found["amount_yuan"], "15000.00");
}

fn with_a_code(locale: &str, width: u32, short: &str, used: &str) {
    let server = Server::start();
    let clerk = server.sign_in("clerk-1");
    let words = "井口没有通风，还在下井。";
    let told = json!({ "id": crate::common::id(), "channel": "visit", "words": words });
    let taken = server.post("/api/v1/reports", Some(&clerk), &told).expect(200);
    let name = format!("{}-{width}", &locale[..2]);
    let before = server.size();
    let plan = json!({ "part": "pickup", "url": server.url, "locale": locale, "width": width, "name": name,
        "number": taken["number"], "code": taken["code"] });
    let said = run("reporter.mjs", plan);
    sound(&said, &name);
    assert_eq!(said["kept"]["number"], taken["number"], "nothing typed is lost");
    assert!(said["short"].as_str().expect("words").contains(short), "{said}");
    assert!(said["used"].as_str().expect("words").contains(used), "{said}");
    assert_eq!((&said["same"], &said["told"]), (&json!(true), &json!([words])));
    assert_eq!(server.size(), before + 1, "a double tap uses the code up once");
}

#[test]
fn given_a_pickup_code_and_a_telephone_then_it_is_exchanged_once_without_scripts() {
    with_a_code("zh-CN", 360, "取件码是 16 位数字", "已经用过了");
}

#[test]
fn given_a_pickup_code_and_a_desktop_in_english_then_it_is_exchanged_once_without_scripts() {
    with_a_code("en-US", 1280, "16 digits", "used already");
}

#[test]
fn given_a_telephone_and_chinese_then_the_whole_way_from_the_home_page_to_the_voucher_works_without_scripts()
{
    whole_way("zh-CN", 360);
}

#[test]
fn given_a_desktop_and_english_then_the_whole_way_from_the_home_page_to_the_voucher_works_without_scripts() {
    whole_way("en-US", 1280);
}

#[test]
fn given_the_narrowest_window_then_nothing_is_cut_off() {
    whole_way("en-US", 320);
}
