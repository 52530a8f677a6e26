//! The reporter's whole way in a real browser without scripts, on a telephone and on a desktop, in both languages.
#![allow(clippy::panic, clippy::expect_used, reason = "a test reports by panicking")]

use adit_api::Options;
use adit_core::report::{fingerprint, intake};
use adit_core::secret::{Script, Secret, officer_identity};
use serde_json::{Value, json};

use crate::browser::run;
use crate::common::{ORIGIN, Server, limits};
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
        assert!(["/", "/report", "/my", "/inside", "/inside/my"].contains(&address), "{what}: {page}");
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

/// The first reporter makes a code and prints it; whoever has it gets words of their own, and sees nothing of what the first one wrote.
fn jointly(locale: &str, width: u32, short: &str, used: &str) {
    let server = Server::start();
    let first = crate::reporter::simple(&server);
    let name = format!("{}-{width}", &locale[..2]);
    let plan = |part: &str, more: &Value| {
        let mut plan =
            json!({ "part": part, "url": server.url, "locale": locale, "width": width, "name": name });
        for (name, value) in more.as_object().into_iter().flatten() {
            plan[name] = value.clone();
        }
        plan
    };
    let before = server.size();
    let said = run("reporter.mjs", plan("invite", &json!({ "secret": first })));
    sound(&said, &name);
    assert_eq!(server.size(), before + 1, "a double tap makes one code");
    assert_eq!(said["handed"], said["again"], "it can be seen again");
    assert_eq!(said["printed"], json!({ "code": true, "forms": 0 }), "the sheet can be printed");
    let (number, code) = (&said["handed"][0], &said["handed"][1]);
    let said = run("reporter.mjs", plan("join", &json!({ "number": number, "code": code })));
    sound(&said, &name);
    assert_eq!(&said["kept"]["number"], number, "nothing typed is lost");
    assert!(said["short"].as_str().expect("words").contains(short), "{said}");
    assert!(said["used"].as_str().expect("words").contains(used), "{said}");
    assert_eq!((&said["same"], &said["told"]), (&json!(true), &json!([])), "what was told is not theirs");
    assert_eq!(server.size(), before + 2, "a double tap uses the code up once");
    let words = said["words"].as_array().expect("words").iter().filter_map(Value::as_str);
    assert_eq!(stream_of(&server, &words.collect::<Vec<_>>().join(" ")), stream_of(&server, &first));
    told_inside(&server, &plan, &name);
}

/// On the same server a worker tells the enterprise, is answered and rewarded, and takes the voucher.
fn told_inside(server: &Server, plan: &dyn Fn(&str, &Value) -> Value, name: &str) {
    crate::inside::open(server);
    let (before, words) = (server.size(), "三号巷道顶板开裂");
    let said = run("reporter.mjs", plan("inside", &json!({ "firm": "示例一矿", "words": words })));
    sound(&said, name);
    assert_eq!(server.size(), before + 1, "a double tap is one");
    let secret = said["secret"].as_array().expect("words").iter().filter_map(Value::as_str);
    let secret = secret.collect::<Vec<_>>().join(" ");
    let on = crate::inside::stream_of(server, &secret).to_string();
    server.execute(Some(&on), "concern.answer", &json!({ "words": "今天就去看" }), &["enterprise-1"]);
    let reward = json!({ "amount_yuan": "500", "honour": "记功一次", "collect_at": "工会办公室" });
    server.execute(Some(&on), "concern.reward", &reward, &["enterprise-1"]);
    let said = run("reporter.mjs", plan("collect", &json!({ "secret": secret })));
    sound(&said, name);
    assert_eq!(said["letters"], json!([words, "今天就去看"]));
    let handed = json!({ "voucher": said["voucher"] });
    server.execute(Some(&on), "concern.hand_over", &handed, &["enterprise-1"]);
}

#[test]
fn given_a_colleague_and_a_telephone_then_one_invites_and_the_other_joins_without_scripts() {
    jointly("zh-CN", 360, "邀请码是 16 位数字", "已经用过了");
}

#[test]
fn given_a_colleague_and_a_desktop_in_english_then_one_invites_and_the_other_joins_without_scripts() {
    jointly("en-US", 1280, "16 digits", "used already");
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

/// What nobody between the reporter's browser and the intake officers may read.
const CANARY: &str = "canary-5c1d 井下瓦斯超限，还在生产。";
/// What a telephone writes into a photograph.
const PLACE: &[u8] = b"GPS canary-place 40.29N";

/// A photograph that tells where it was taken, and another time behind its end.
fn photograph() -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xe0\0\x09JFIF\0\x01\x02".to_vec();
    bytes.extend([0xff, 0xe1, 0, u8::try_from(PLACE.len()).expect("short") + 8]);
    bytes.extend([b"Exif\0\0", PLACE].concat());
    bytes.extend(b"\xff\xdb\0\x08\0table\xff\xda\0\x05\x01\x01\0coded\xff\xd9");
    bytes.extend(PLACE);
    bytes
}

fn run_sealed(server: &Server, part: &str, locale: &str, width: u32, more: &Value) -> Value {
    let mut plan = json!({ "part": part, "url": server.url, "locale": locale, "width": width, "words": CANARY,
        "contact": "canary-contact-138", "name": format!("{}-{width}", &locale[..2]), "origin": ORIGIN });
    for (name, value) in more.as_object().into_iter().flatten() {
        plan[name] = value.clone();
    }
    let follows = ["follow", "codes", "broken"].contains(&part);
    run(if follows { "followed.mjs" } else { "sealed.mjs" }, plan)
}

fn secret_of(said: &Value) -> String {
    let words: Vec<&str> =
        said["secret"].as_array().expect("words").iter().filter_map(Value::as_str).collect();
    assert_eq!(words.len(), 12, "{said}");
    words.join(" ")
}

/// The words copied, and as a picture that a telephone reads; neither is sent anywhere.
fn kept_on_the_device(said: &Value, locale: &str) {
    let script = if locale == "zh-CN" { Script::Chinese } else { Script::English };
    let words = Secret::parse(&secret_of(said)).expect("a secret").text(script);
    let kept = &said["onDevice"];
    assert_eq!((kept["copied"].as_str(), kept["file"].as_str()), (Some(words.as_str()), Some("adit.png")));
    let side = |name: &str| usize::try_from(kept["picture"][name].as_u64().expect("dots")).expect("few");
    let (width, height) = (side("width"), side("height"));
    let dots = kept["picture"]["grey"].as_str().expect("dots").as_bytes();
    let grey = |x: usize, y: usize| if dots[y * width + x] == b'#' { 0 } else { 255 };
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    let codes = picture.detect_grids();
    assert_eq!(codes.len(), 1, "one code and no other");
    assert_eq!(codes[0].decode().expect("a code").1, words.as_str());
    assert!(height > width && dots[width * width..].contains(&b'#'), "the words stand below it");
}

/// With scripts: from the form to the receipt, then opened by an officer, answered, and followed without scripts by the same words.
fn sealed_way(locale: &str, width: u32) {
    // The work is found by the time that somebody has looked over what they typed.
    let limits = Some(limits(&[("work_bits", 1)]));
    let server = Server::start_with(Options { limits, ..Options::default() });
    server.app.office.ledger().publish_now();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("井口.jpg");
    std::fs::write(&file, photograph()).expect("written");
    let before = server.size();
    let more = json!({ "file": file, "excluded": [server.actor("clerk-2")] });
    let said = run_sealed(&server, "whole", locale, width, &more);
    sound(&said, locale);
    assert_eq!(said["leaks"], json!([]), "something readable left the browser");
    assert!(said["bytes"].as_u64().expect("bytes") > 70_000, "nothing was looked at: {said}");
    assert_eq!(said["complaints"], json!([]), "the policy of the page, or its script");
    assert_eq!(server.size(), before + 1, "two taps are one report");
    // A photograph, the words, the entry.
    assert_eq!((&said["waited"], &said["worked"]), (&json!(3), &json!(3)), "they show work");
    let here = if locale == "zh-CN" { "浏览器里封存" } else { "sealed in the browser" };
    for place in [&said["where"], &said["says"][0]] {
        assert!(place.as_str().is_some_and(|says| says.contains(here)), "{said}");
    }
    let kept = json!({ "words": CANARY, "enterprise": "示例矿业", "gas": true, "files": 1 });
    assert_eq!((&said["kept"], &said["forms"], &said["left"]), (&kept, &json!(0), &json!(0)));
    assert_eq!(said["sameSecret"], json!(true));
    let ledger = server.app.office.ledger();
    let everybody = intake(&ledger.keys(), ledger.size(), &std::collections::BTreeSet::new());
    assert_eq!(said["fingerprint"], json!(fingerprint(&everybody)));
    kept_on_the_device(&said, locale);
    let receipt = said["receipt"].as_str().expect("a receipt");
    assert!(receipt.starts_with("c2sp.org/tlog-proof@v1\n"), "{receipt}");
    assert_eq!(said["name"], json!(format!("{before}.tlog-proof")));

    let secret = secret_of(&said);
    let report = stream_of(&server, &secret);
    let clerk = server.sign_in("clerk-1");
    let stream = server.get(&format!("/api/v1/streams/{report}"), Some(&clerk)).expect(200);
    let data = &stream["events"][0]["data"]["report"];
    let open = |blob: &Value| {
        let path = format!("/api/v1/reports/{}/open", report.id);
        server.post(&path, Some(&clerk), &json!({ "blob": blob["blob"] }))
    };
    let told = open(&data["testimony"]).expect(200);
    let testimony = &told["testimony"];
    assert_eq!((&testimony["words"], &testimony["contact"]), (&json!(CANARY), &json!("canary-contact-138")));
    assert_eq!((&testimony["kinds"], &testimony["files"][0]["cleaned"]), (&json!(["gas"]), &json!(true)));
    let photo = open(&data["files"][0]);
    assert!(photo.bytes.starts_with(b"\xff\xd8\xff\xe0") && photo.bytes.ends_with(b"coded\xff\xd9"));
    assert!(
        !photo.bytes.windows(PLACE.len()).any(|window| window == PLACE),
        "the photograph tells the place"
    );
    let excluded = officer_identity(&server.person("clerk-2").key, ORIGIN).recipient();
    assert!(!data.to_string().contains(&excluded), "sealed to somebody who was excluded");

    let form = format!("step=show&secret={}", secret.replace(' ', "+"));
    let shown = server.send(
        "POST",
        "/my",
        &[("content-type", "application/x-www-form-urlencoded")],
        Some(form.as_bytes()),
    );
    for same in ["number", "position"] {
        assert!(shown.text.contains(said[same].as_str().expect("a text")), "{same}: {}", shown.text);
    }
    answered(&server, &report);
    rewarded(&server, &report);
    followed_way(&server, locale, width, &secret, &file);
}

/// With scripts: from the twelve words to the voucher and to other words, which never leave the browser. The page says what it says without.
fn followed_way(server: &Server, locale: &str, width: u32, secret: &str, file: &std::path::Path) {
    let before = server.size();
    let said = run_sealed(server, "follow", locale, width, &json!({ "secret": secret, "file": file }));
    sound(&said, locale);
    assert_eq!(said["leaks"], json!([]), "something readable left the browser");
    assert_eq!(said["complaints"], json!([]), "the policy of the page, or its script");
    let chinese = locale == "zh-CN";
    let [stays, here, server_opened] = if chinese {
        ["不离开这台设备", "在你的浏览器里打开", "由服务器在内存里打开"]
    } else {
        ["stay on this device", "opened in your browser", "opened in the server's memory"]
    };
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    assert!(text(&said["where"]).contains(stays) && text(&said["says"][0]).contains(here), "{said}");
    assert!(text(&said["short"]).contains("11"), "{}", said["short"]);
    assert_eq!(said["shut"], json!(["", 0, 0]), "it was opened after somebody had left");
    for pages in [&said["same"], &said["rotated"]] {
        let [mine, theirs] = [0, 1].map(|nth| text(&pages[nth]));
        assert!(mine.contains(here) && theirs.contains(server_opened), "{mine} {theirs}");
        let without = |page: &str| {
            let sentences = page.split(['。', '.', '：', ':', '；', ';']).map(str::trim);
            let of_place = ["服务器", "浏览器", "这台设备", "用完不留", "server", "browser", "device"];
            let rest = sentences.filter(|one| !of_place.iter().any(|word| one.contains(word)));
            rest.collect::<Vec<_>>().join(" ")
        };
        let done = if chinese {
            "对了。请收好这十二个字，到日子回来看。 "
        } else {
            "That is right. Keep your twelve words, and come back on the day. "
        };
        assert_eq!(without(&mine.replace(done, "")), without(&theirs), "two pages of one report");
    }
    assert!(text(&said["refused"][1]).contains(secret), "nothing typed is lost");
    assert!(said["lost"].as_u64() >= Some(1));
    // A letter, a dispute, a claim, other words, a lock.
    assert_eq!(server.size(), before + 5, "a lost answer and a double tap are one letter");
    assert_eq!(said["letters"], json!([CANARY, "已责令停产", CANARY, "canary-contact-138"]));
    let files = said["files"].as_array().expect("files");
    assert!(files.len() == 2 && files.iter().all(|file| text(file).contains("井口.jpg")), "{files:?}");
    assert!(text(&said["receipt"]).starts_with("c2sp.org/tlog-proof@v1\n"));
    assert_eq!(said["left"], json!(["", 0, 0, "", 0, 0, "null"]), "something is left on the device");
    let unknown = if chinese { "没有举报用这十二个字" } else { "No report has" };
    for after in ["old", "locked"] {
        assert!(text(&said[after]).contains(unknown), "{after}: {}", said[after]);
    }
    let finance = server.sign_in_by_key("finance-1");
    let code = json!({ "code": said["voucher"] });
    let found = server.post("/api/v1/vouchers", Some(&finance), &code).expect(200);
    assert_eq!(found["amount_yuan"], "15000.00");
}

/// Codes brought and given out where scripts run: a clerk's, then invitations of that reporter, of which one was withdrawn.
#[test]
fn given_codes_and_scripts_then_the_words_that_they_are_changed_for_never_leave_the_browser() {
    let server = Server::start();
    server.app.office.ledger().publish_now();
    let clerk = server.sign_in("clerk-1");
    let told = json!({ "id": crate::common::id(), "channel": "visit", "words": "井口没有通风" });
    let taken = server.post("/api/v1/reports", Some(&clerk), &told).expect(200);
    let before = server.size();
    let more = json!({ "number": taken["number"], "code": taken["code"] });
    let said = run_sealed(&server, "codes", "zh-CN", 360, &more);
    sound(&said, "codes");
    assert_eq!((&said["leaks"], &said["complaints"]), (&json!([]), &json!([])), "{said}");
    assert!(said["wrong"][0].as_str().is_some_and(|says| says.contains("取件码")), "{said}");
    assert_eq!(said["wrong"][1], taken["number"], "nothing typed is lost");
    assert_eq!(
        (&said["told"], &said["open"], &said["letters"]),
        (&json!(["井口没有通风"]), &json!(1), &json!([]))
    );
    // The exchange, two invitations, one withdrawn, and the joining.
    assert_eq!(server.size(), before + 5, "each was done once");
    let of = |name: &str| {
        said[name].as_array().expect("words").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(stream_of(&server, &of("secret")), stream_of(&server, &of("joined")));
}

#[test]
fn given_a_script_that_fails_then_nothing_is_sent_and_the_server_opens_it_for_whoever_presses_for_that() {
    let server = Server::start();
    let secret = crate::reporter::simple(&server);
    let said = run_sealed(&server, "broken", "en-US", 360, &json!({ "secret": secret }));
    assert!(said["alarm"].as_str().is_some_and(|says| says.contains("nothing was sent")), "{said}");
    assert_eq!(said["before"], json!([]));
    assert!(said["says"][0].as_str().is_some_and(|says| says.contains("server's memory")), "{said}");
}

#[test]
fn given_a_telephone_with_scripts_then_nothing_readable_leaves_the_browser_and_the_words_open_it_later() {
    sealed_way("zh-CN", 360);
}

#[test]
fn given_a_desktop_with_scripts_then_nothing_readable_leaves_the_browser_and_the_words_open_it_later() {
    sealed_way("en-US", 1280);
}

#[test]
fn given_the_narrowest_window_with_scripts_then_nothing_is_cut_off() {
    sealed_way("en-US", 320);
}

#[test]
fn given_a_connection_that_is_lost_before_and_after_it_arrived_then_nothing_typed_is_lost_and_it_is_one_report()
 {
    let server = Server::start();
    server.app.office.ledger().publish_now();
    let before = server.size();
    let said = run_sealed(&server, "lost", "zh-CN", 360, &json!({}));
    assert!(said["alarm"].as_str().is_some_and(|alarm| alarm.contains("网络断了")), "{said}");
    assert_eq!(
        (&said["kept"], &said["sameSecret"], &said["leaks"]),
        (&json!(CANARY), &json!(true), &json!([]))
    );
    assert_eq!(said["change"], json!(0), "what may have arrived is not changed under the same words");
    assert!(said["lost"].as_u64() >= Some(1));
    assert_eq!(server.size(), before + 1);
    stream_of(&server, &secret_of(&said));
}

#[test]
fn given_two_tabs_with_scripts_then_there_are_two_reports_with_a_secret_each() {
    let server = Server::start();
    server.app.office.ledger().publish_now();
    let before = server.size();
    let said = run_sealed(&server, "tabs", "en-US", 1280, &json!({}));
    assert_eq!((server.size(), &said["leaks"]), (before + 2, &json!([])));
    let [one, two] = [0, 1].map(|nth| stream_of(&server, &secret_of(&said["answers"][nth])));
    assert_ne!(one, two);
}

#[test]
fn given_a_browser_that_can_not_then_the_server_seals_and_the_page_says_so() {
    let server = Server::start();
    server.app.office.ledger().publish_now();
    let said = run_sealed(&server, "plain", "en-US", 360, &json!({}));
    for place in [&said["where"], &said["says"][0]] {
        assert!(place.as_str().is_some_and(|says| says.contains("memory")), "{said}");
    }
    // Such a context has no header of isolation; nothing else is complained of.
    let complaints = said["complaints"].as_array().expect("complaints");
    let of_context = |complaint: &Value| complaint.to_string().contains("Cross-Origin-Opener-Policy");
    assert!(complaints.iter().all(of_context), "{said}");
}

/// A large film whose table of contents comes last, as telephones write it, and a file that can't be cleaned; the network is cut in the middle.
fn cut_way(locale: &str, width: u32) {
    let server = Server::start();
    server.app.office.ledger().publish_now();
    let folder = tempfile::tempdir().expect("a folder");
    let (film, note) = (folder.path().join("井口.mp4"), folder.path().join("备忘.xyz"));
    let taken = film_of(3_000_000);
    std::fs::write(&film, &taken).expect("written");
    std::fs::write(&note, PLACE).expect("written");
    let before = server.size();
    let more = json!({ "file": [film, note], "cut": 1_000_000, "leave": true });
    let said = run_sealed(&server, "cut", locale, width, &more);
    sound(&said, locale);
    assert_eq!((&said["leaks"], &said["complaints"]), (&json!([]), &json!([])));
    let tells = said["tells"].as_array().expect("files");
    assert!(tells.len() == 1 && tells[0].to_string().contains("备忘.xyz"), "{said}");
    let (value, most) = (said["bar"][0].as_u64().expect("a value"), said["bar"][1].as_u64().expect("a most"));
    assert!(value > 100_000 && value < 1_000_000 && most > 3_000_000, "{said}");
    assert!(said["arrived"].as_str().is_some_and(|says| says.contains("MB")), "{said}");
    assert!(said["pieces"].as_u64() > Some(4), "{said}");
    assert_eq!(server.size(), before + 1);
    let report = stream_of(&server, &secret_of(&said));
    let clerk = server.sign_in("clerk-1");
    let stream = server.get(&format!("/api/v1/streams/{report}"), Some(&clerk)).expect(200);
    let files = stream["events"][0]["data"]["report"]["files"].as_array().expect("files").clone();
    assert_eq!(files.len(), 1, "what was left out is not sent");
    let path = format!("/api/v1/reports/{}/open", report.id);
    let opened = server.post(&path, Some(&clerk), &json!({ "blob": files[0]["blob"] }));
    assert_eq!(opened.bytes.len(), taken.len());
    let place = taken.windows(5).position(|window| window == b"mdat ").expect("media");
    assert!(
        opened.bytes[place..place + 3_000_000] == taken[place..place + 3_000_000],
        "not a pixel is changed"
    );
    assert!(!opened.bytes.windows(PLACE.len()).any(|window| window == PLACE), "the film tells the place");
    let parts = server.folder().join("data/blobs/parts");
    assert_eq!(std::fs::read_dir(parts).expect("a folder").count(), 0);
}

/// A film of so many bytes that tells where it was taken.
pub(crate) fn film_of(bytes: usize) -> Vec<u8> {
    let boxed = |kind: &[u8], body: &[u8]| {
        let size = u32::try_from(body.len() + 8).expect("short");
        [&size.to_be_bytes()[..], kind, body].concat()
    };
    let media: Vec<u8> = b" ".iter().copied().chain((0..bytes).map(|nth| nth.to_le_bytes()[0])).collect();
    let movie = [boxed(b"mvhd", &[1; 100]), boxed(b"udta", &boxed(b"\xa9xyz", PLACE))].concat();
    [
        boxed(b"ftyp", b"isom\0\0\0\0isom"),
        boxed(b"mdat", &media),
        boxed(b"moov", &movie),
        boxed(b"uuid", PLACE),
    ]
    .concat()
}

#[test]
fn given_a_telephone_whose_network_is_cut_in_a_large_film_then_it_goes_on_and_arrives_whole() {
    cut_way("zh-CN", 360);
}

#[test]
fn given_a_telephone_in_english_whose_network_is_cut_in_a_large_film_then_it_goes_on_and_arrives_whole() {
    cut_way("en-US", 360);
}
