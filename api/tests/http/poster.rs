//! The board at every mine, as other people's programs read it: the fonts in it, its text, and its code from a picture of it.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

use std::collections::BTreeSet;

use adit_api::paper::{PaperError, Poster, Size, poster};
use adit_core::command::{Command, Request};
use adit_core::id::{CommandId, Id};
use adit_core::refusal::Lang;
use adit_core::report::{fingerprint, intake};
use adit_core::text::Text;
use serde_json::json;

use crate::common::Server;
use crate::paper::{Printed, squeezed};

const ADDRESS: &str = "https://jubao.xiuyan.example";

fn asked(size: Size, lang: Lang) -> Poster {
    Poster {
        address: ADDRESS.parse().expect("address"),
        size,
        lang,
        place: Text::new("辽宁省鞍山市岫岩满族自治县").ok(),
        on: None,
        telephone: Text::new("0412-7800000").ok(),
        letters: Text::new("岫岩镇阜昌路 1 号 县应急管理局举报中心").ok(),
    }
}

/// Numbers, address, fingerprints and source stand on every board.
fn says_whom_to_call_and_trust(server: &Server, text: &str) {
    let office = &server.app.office;
    let key = office.ledger().log_key().vkey().fingerprint();
    let recipients = intake(&office.ledger().keys(), office.ledger().size(), &BTreeSet::new());
    for word in [
        "12350",
        "119",
        "120",
        "110",
        "0412-7800000",
        ADDRESS,
        &key,
        &fingerprint(&recipients),
        "《安全生产领域举报奖励办法》安监总财〔2018〕19号",
    ] {
        assert!(text.contains(&squeezed(word)), "{word}: {text}");
    }
}

#[test]
fn every_board_is_one_page_with_its_fonts_its_amounts_and_its_code() {
    let server = Server::start();
    let office = &server.app.office;
    for (size, lang, named, says) in [
        (
            Size::A3,
            Lang::Zh,
            "(A3)",
            ["举报奖励公告牌", "罚款的15%（一级举报）", "最低3,000元", "最高30万元", "特别重大6万元"],
        ),
        (
            Size::A4,
            Lang::Zh,
            "(A4)",
            ["先走远，再扫码", "罚款的12%（二级举报）", "最低3,000元", "最高30万元", "一般3万元"],
        ),
        (
            Size::A3,
            Lang::En,
            "(A3)",
            [
                "Reportit.",
                "15%ofthefine(level1)",
                "atleast3,000yuan",
                "atmost300,000yuan",
                "extraordinary60,000",
            ],
        ),
        (
            Size::A4,
            Lang::En,
            "(A4)",
            [
                "Walkawaybeforeyouscan",
                "12%ofthefine(level2)",
                "atleast3,000yuan",
                "atmost300,000yuan",
                "accident30,000",
            ],
        ),
    ] {
        let made = poster(office, &asked(size, lang)).expect("a board");
        assert_eq!(made.pages, 1);
        assert!(made.missing.is_empty(), "{:?}", made.missing);
        assert!(made.pdf.len() < 250_000, "{} bytes", made.pdf.len());
        let printed = Printed::new(&made);
        let fonts = printed.fonts();
        assert_eq!(fonts.len(), 2, "{fonts:?}");
        for font in &fonts {
            assert!(
                font.contains("NotoSansCJK") && font.contains("yes yes yes"),
                "embedded, a subset, with its characters: {font}"
            );
        }
        assert!(printed.size().contains(named), "{}", printed.size());
        let text = printed.text();
        for word in says {
            assert!(text.contains(word), "{word}: {text}");
        }
        says_whom_to_call_and_trust(&server, &text);
        assert_eq!(printed.code(), ADDRESS);
        printed.keep(&format!("poster-{}-{}", if lang == Lang::Zh { "zh" } else { "en" }, size.name()));
    }
}

/// The pack with numbers of the city's own.
fn with_own_rule(pack: &str, own: &str) -> String {
    let anshan = pack.find("id = \"anshan\"").expect("the city's rule");
    format!("{}{}", &pack[..anshan], pack[anshan..].replacen("mark = \"U\"\n", own, 1))
}

fn amend(server: &Server, text: &str) {
    let amend = json!({ "pack": "rewards", "text": text, "decision": "鞍应急〔2024〕1号" });
    let data: Box<serde_json::value::RawValue> = serde_json::from_str(&amend.to_string()).expect("json");
    let command = Command::parse("rules.amend", &data).expect("command");
    let request = Request { id: CommandId(Id::random().expect("id")), stream: None, command };
    server.app.office.execute(&request, &[&server.person("approver-1").key]).expect("amended");
}

#[test]
fn the_amounts_are_those_of_the_pack_in_force_for_that_place_and_day() {
    let server = Server::start();
    let office = &server.app.office;
    let pack =
        office.rules().packs().iter().find(|pack| pack.id == "rewards").expect("pack").text.to_string();
    let own = "mark = \"U\"\n\n[rule.fine]\narticle = \"第三条\"\nshare_level_1 = 2050\nshare_level_2 = 2050\nfloor_fen = 412_300\ncap_fen = 45_000_000\n";
    amend(&server, &with_own_rule(&pack, own));

    let here = Printed::new(&poster(office, &asked(Size::A4, Lang::Zh)).expect("a board")).text();
    for says in ["罚款的20.50%", "最低4,123元", "最高45万元", "第三条"] {
        assert!(here.contains(says), "{says}: {here}");
    }
    let elsewhere = Poster { place: Text::new("福建省厦门市").ok(), ..asked(Size::A4, Lang::Zh) };
    let elsewhere = Printed::new(&poster(office, &elsewhere).expect("a board")).text();
    assert!(!elsewhere.contains("20.50%") && elsewhere.contains("奖金再加30%"), "{elsewhere}");
    let before = Poster { on: "2024-10-24".parse().ok(), ..asked(Size::A4, Lang::Zh) };
    assert!(Printed::new(&poster(office, &before).expect("a board")).text().contains("2024-10-24"));
}

#[test]
fn a_rule_with_many_tiers_is_set_smaller_and_still_on_one_page() {
    let server = Server::start();
    let office = &server.app.office;
    let pack =
        office.rules().packs().iter().find(|pack| pack.id == "rewards").expect("pack").text.to_string();
    let tier = |n: u32| format!("[[rule.no_fine.tier]]\nname = \"第{n}档\"\namount_fen = {}\n", n * 100_000);
    let tiers: String = (1..9).map(tier).collect();
    let own = format!("mark = \"U\"\n\n[rule.no_fine]\narticle = \"第三条\"\n{tiers}");
    amend(&server, &with_own_rule(&pack, &own));
    for lang in [Lang::Zh, Lang::En] {
        let made = poster(office, &asked(Size::A4, lang)).expect("a board");
        assert_eq!(made.pages, 1);
        let printed = Printed::new(&made);
        assert!(printed.text().contains("第8档") && printed.code() == ADDRESS);
        printed.keep(&format!("poster-tiers-{}", if lang == Lang::Zh { "zh" } else { "en" }));
    }
}

#[test]
fn where_no_rule_gives_anything_there_is_no_board() {
    let server = Server::start();
    let long_ago = Poster { on: "2004-01-01".parse().ok(), ..asked(Size::A3, Lang::Zh) };
    let Err(PaperError::Refused(refusal)) = poster(&server.app.office, &long_ago) else {
        panic!("it was made")
    };
    assert_eq!(refusal.code, "poster.no_reward_in_force");
}

#[test]
fn what_somebody_typed_is_printed_as_it_is_and_what_the_font_lacks_is_named() {
    let server = Server::start();
    let typed = Poster { letters: Text::new("#panic() *楼* 王𪚥").ok(), ..asked(Size::A4, Lang::Zh) };
    let made = poster(&server.app.office, &typed).expect("a board");
    assert_eq!(made.missing.iter().collect::<String>(), "𪚥");
    let text = Printed::new(&made).text();
    assert!(text.contains("#panic()*楼*王"), "{text}");
}
