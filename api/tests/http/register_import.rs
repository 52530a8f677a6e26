//! Taking over a register at the workbench: what is refused, what is recorded once, and who sees it meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::io::Cursor;

use calamine::Reader as _;
use serde_json::Value;

use crate::common::{Reply, Server, stands_readable};
use crate::desk::{page, send};
use crate::evidence::form;

const HEAD: &str = "单位名称,行业,乡镇,隐患编号,隐患地点,隐患描述,发现日期,判定条款,联系人\n";
const GOOD: &str = "示例甲铁矿（虚构）,矿山,示例镇（虚构）,2024-1,一号竖井,支护缺失,2024-03-05,NCM88-一(地下矿山)-十九,不导入\n";
const OTHER: &str =
    "示例乙铸造厂（虚构）,工贸,示例镇（虚构）,2024-2,熔炼车间,<b>炉坑积水</b>,2024-03-06,,不导入\n";
const BAD: &str =
    "=示例丙矿（虚构）,渔业,示例镇（虚构）,2024-3,,无描述地点,2024-02-30,GM10-第九十九条-一,不导入\n";

/// Brings a file; gives back the answer.
fn bring(server: &Server, token: &str, name: &str, content: &[u8]) -> Reply {
    form(server, token, "/desk/import", &[], &[(name, content)])
}

/// Brings a file that is looked at; gives back its address.
#[track_caller]
fn brought(server: &Server, token: &str, name: &str, content: &[u8]) -> String {
    let reply = bring(server, token, name, content);
    assert_eq!(reply.status, 303, "{}", reply.text);
    reply.headers["location"].clone()
}

/// Presses the button that records it.
fn record(server: &Server, token: &str, address: &str, version: &str) -> Reply {
    send(server, Some(token), address, &[("what", "record"), ("version", version)])
}

/// The numbers that stand above a page: of a preview rows to record, refused, known, and new enterprises.
fn numbers(page: &str) -> Vec<u32> {
    page.split("<strong")
        .skip(2)
        .map(|rest| rest.split('>').nth(1).unwrap().split('<').next().unwrap())
        .filter_map(|number| number.parse().ok())
        .collect()
}

fn registered(server: &Server, token: &str) -> Vec<Value> {
    let reply = server.get("/api/v1/projections/register?origin=earlier_register", Some(token));
    reply.expect(200)["rows"].as_array().unwrap().clone()
}

#[test]
fn given_a_register_with_bad_cells_then_it_is_shown_before_anything_is_written_and_recorded_once() {
    let server = Server::start();
    let token = server.sign_in("clerk-1");
    let size = server.size();
    let file = format!("{HEAD}{GOOD}{OTHER}{BAD}");
    let address = brought(&server, &token, "登记表.csv", file.as_bytes());
    let shown = page(&server, &token, &address);
    assert_eq!((shown.status, server.size()), (200, size), "{}", shown.text);
    assert_eq!(numbers(&shown.text), [2, 1, 0, 2], "{}", shown.text);
    for part in [
        "登记表.csv",
        "一号竖井",
        "&#60;b&#62;炉坑积水",
        "应为：其他、矿山",
        "不能为空",
        "没有这一判定条款编号",
        "导入：只接受列出的说法",
    ] {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    assert!(!shown.text.contains("不导入"), "a column that is not taken over is shown: {}", shown.text);
    assert_eq!(stands_readable(server.folder(), &["炉坑积水"]), None, "it lies readable on the disk");
    let english = [("authorization", &*format!("Bearer {token}")), ("cookie", "adit-language=en")];
    let english = server.send("GET", &address, &english, None);
    for part in ["must be one of: 其他", "not a day that exists", "Import: known words alone"] {
        assert!(english.text.contains(part), "{part}: {}", english.text);
    }

    // A double press.
    let pressed: Vec<Reply> = std::thread::scope(|scope| {
        let presses: Vec<_> =
            (0..2).map(|_| scope.spawn(|| record(&server, &token, &address, "0"))).collect();
        presses.into_iter().map(|press| press.join().unwrap()).collect()
    });
    for reply in pressed {
        assert_eq!((reply.status, &reply.headers["location"]), (303, &address), "{}", reply.text);
    }
    let done = until_over(&server, &token, &address);
    assert_eq!((numbers(&done), server.size()), (vec![2, 0, 1, 2], size + 4), "{done}");
    let rows = registered(&server, &token);
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows.iter().any(|row| row["description"] == "支护缺失\n（原台账编号：2024-1）"), "{rows:?}");
    let by = server.app.office.ledger().fact(adit_core::units::Position(size)).unwrap().unwrap().by;
    assert_eq!(by, [server.person("clerk-1").actor], "whoever pressed signs");
    assert_eq!(record(&server, &token, &address, "0").status, 303);
    assert_eq!(server.size(), size + 4, "pressed once more");

    let refused = page(&server, &token, &format!("{address}/refused.xlsx"));
    assert_eq!(refused.status, 200, "{}", refused.text);
    let mut book = calamine::Xlsx::new(Cursor::new(refused.bytes)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!((sheet.height(), sheet.width()), (2, 10), "heads, and the row that was refused");
    let cell = |column| sheet.get_value((1, column)).unwrap().to_string();
    assert_eq!(cell(0), "=示例丙矿（虚构）", "as a text and not as a formula");
    for part in ["4 行业：", "must be one of", "4 隐患地点：不能为空", "4 发现日期："] {
        assert!(cell(9).contains(part), "{part}: {}", cell(9));
    }

    // The same file in another session, with one more row: what is there is found.
    let again = server.sign_in("clerk-2");
    let grown = format!("{HEAD}{GOOD}{OTHER}{}", GOOD.replace("一号竖井", "二号竖井"));
    let address = brought(&server, &again, "登记表.csv", grown.as_bytes());
    assert_eq!(numbers(&page(&server, &again, &address).text), [1, 0, 2, 0]);
    record(&server, &again, &address, "0");
    let done = until_over(&server, &again, &address);
    assert_eq!((numbers(&done), server.size()), (vec![1, 2, 0, 0], size + 5), "{done}");
}

/// The page of what came of it, once it is over.
fn until_over(server: &Server, token: &str, address: &str) -> String {
    loop {
        let shown = page(server, token, address).text;
        if !shown.contains("正在写入") {
            return shown;
        }
        std::thread::yield_now();
    }
}

#[test]
fn given_other_headings_in_gb18030_or_a_workbook_then_columns_are_chosen_and_what_was_shown_is_recorded() {
    let server = Server::start();
    let token = server.sign_in("clerk-1");
    let size = server.size();
    let text = format!("{HEAD}{GOOD}").replace("单位名称", "企业").replace("发现日期", "检查时间");
    let (bytes, _, _) = encoding_rs::GB18030.encode(&text);
    let address = brought(&server, &token, "台账.CSV", &bytes);
    let shown = page(&server, &token, &address).text;
    assert!(
        shown.contains("还没有对应的列：单位名称、发现日期") && !shown.contains("value=\"record\""),
        "{shown}"
    );
    assert_eq!(record(&server, &token, &address, "0").status, 303);
    assert_eq!(server.size(), size, "recorded without its columns");
    let columns = |found_on: &'static str| {
        [
            ("what", "columns"),
            ("name", "0"),
            ("place", "4"),
            ("description", "5"),
            ("found_on", found_on),
            ("town", "99"),
        ]
    };
    send(&server, Some(&token), &address, &columns("5"));
    assert_eq!(numbers(&page(&server, &token, &address).text), [0, 1, 0, 0], "a description is no day");
    send(&server, Some(&token), &address, &columns("6"));
    let shown = page(&server, &token, &address).text;
    assert_eq!(numbers(&shown), [1, 0, 0, 1], "{shown}");
    record(&server, &token, &address, "1");
    assert_eq!(server.size(), size, "what was shown before the columns were chosen again");
    record(&server, &token, &address, "2");
    until_over(&server, &token, &address);
    let rows = registered(&server, &token);
    assert_eq!((rows.len(), rows[0]["town"].as_str()), (1, Some("未填写")), "{rows:?}");
    assert_eq!(rows[0]["criterion"], Value::Null, "no column was chosen for it");

    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (at, cell) in (0..).zip(["隐患描述", "发现日期", "单位名称", "隐患地点"]) {
        sheet.write(2, at, cell).unwrap();
    }
    let day = rust_xlsxwriter::ExcelDateTime::from_ymd(2024, 3, 7).unwrap();
    let style = rust_xlsxwriter::Format::new().set_num_format("m/d/yy");
    sheet.write(3, 0, "无双电源").unwrap();
    sheet.write_datetime_with_format(3, 1, &day, &style).unwrap();
    sheet.write(3, 2, "示例甲铁矿（虚构）").unwrap();
    sheet.write(3, 3, "变电所").unwrap();
    let address = brought(&server, &token, "台账.xlsx", &book.save_to_buffer().unwrap());
    let shown = page(&server, &token, &address).text;
    assert_eq!(numbers(&shown), [1, 0, 0, 0], "{shown}");
    assert!(shown.contains("2024-03-07") && shown.contains("变电所"), "{shown}");
    send(&server, Some(&token), &address, &[("what", "discard")]);
    assert_eq!(page(&server, &token, &address).status, 404, "it is discarded");
    assert_eq!(registered(&server, &token).len(), 1);
}

#[test]
fn given_anybody_else_then_there_is_no_such_page_and_no_such_register() {
    let server = Server::start();
    let token = server.sign_in("clerk-1");
    let file = format!("{HEAD}{GOOD}");
    let address = brought(&server, &token, "登记表.csv", file.as_bytes());
    let size = server.size();
    let other = server.sign_in("clerk-2");
    let elsewhere = server.sign_in_by_key("clerk-1");
    for (who, token) in [("another clerk", &other), ("another session of the same clerk", &elsewhere)] {
        assert_eq!(page(&server, token, &address).status, 404, "{who}");
        assert_eq!(page(&server, token, &format!("{address}/refused.xlsx")).status, 404, "{who}");
        for what in ["record", "discard", "columns"] {
            let reply = send(&server, Some(token), &address, &[("what", what), ("version", "0")]);
            assert_eq!(reply.status, 404, "{who} {what}");
        }
    }
    assert_eq!(
        bring(&server, &elsewhere, "登记表.csv", file.as_bytes()).status,
        409,
        "a key that is elsewhere"
    );
    for who in ["inspector-1", "enterprise-1", "admin-1", "finance-1", "leader-1"] {
        let token = server.sign_in_by_key(who);
        assert_eq!(page(&server, &token, "/desk/import").status, 403, "{who}");
        assert_eq!(page(&server, &token, &address).status, 403, "{who}");
        assert_eq!(bring(&server, &token, "登记表.csv", file.as_bytes()).status, 403, "{who}");
        assert!(!page(&server, &token, "/desk").text.contains("/desk/import"), "{who}");
    }
    assert_eq!((server.size(), page(&server, &token, &address).status), (size, 200));
    assert_eq!(send(&server, Some(&token), "/desk/sign-out", &[]).status, 303);
    let again = server.sign_in("clerk-1");
    assert_eq!(page(&server, &again, &address).status, 404, "the session that brought it is over");
}

#[test]
fn given_a_file_that_is_no_register_then_the_page_says_why() {
    let server = Server::start();
    let token = server.sign_in("clerk-1");
    let many = format!("{HEAD}{}", GOOD.repeat(20_001));
    let large = vec![b' '; 16 * 1024 * 1024 + 1];
    let wide = "a,".repeat(120) + "b\n";
    // One long text above many short rows, and one in a row.
    let long_heading = HEAD.replace("联系人", &"列".repeat(201)) + &GOOD.repeat(1000);
    let long_cell = format!("{HEAD}{}", GOOD.replace("不导入", &"字".repeat(32_768)));
    let size = server.size();
    let files: [(&str, &[u8], u16, &str); 10] = [
        ("登记表.pdf", b"%PDF", 422, "只接受 .csv"),
        ("登记表.csv", b"", 422, "文件为空"),
        ("登记表.csv", b"\xff\xff,\xff\n", 422, "GB18030"),
        ("登记表.xlsx", b"no workbook", 422, "无法读取"),
        ("登记表.csv", many.as_bytes(), 422, "超过 20000 行"),
        ("登记表.csv", wide.as_bytes(), 422, "超过 100 列"),
        ("登记表.csv", long_heading.as_bytes(), 422, "第 9 列的列名超过 200 字"),
        ("登记表.csv", long_cell.as_bytes(), 422, "第 2 行第 9 列超过 32767 字"),
        ("登记表.csv", &large, 413, "超过 16 MiB"),
        ("", b"", 422, ""),
    ];
    for (name, content, status, says) in files {
        let reply = bring(&server, &token, name, content);
        assert!(
            reply.status == status && reply.text.contains(says),
            "{name} {says}: {} {}",
            reply.status,
            reply.text
        );
        assert!(reply.text.contains("type=\"file\""), "one can't try again: {}", reply.text);
    }
    assert_eq!(server.size(), size, "something was written");
    assert_eq!(page(&server, &token, "/desk/import/00000000000000000000000000000000").status, 404);
    assert_eq!(page(&server, &token, "/desk/import/x").status, 404);
}
