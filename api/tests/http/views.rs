//! Saved views, columns of files, and the figures as a workbook.
#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::io::Cursor;

use calamine::Reader as _;

use crate::common::{PASSWORD, Server, stands_readable};
use crate::desk::{page, send};

/// What stands behind a start, up to a quotation mark.
fn after<'a>(text: &'a str, start: &str) -> &'a str {
    text.split(start).nth(1).unwrap_or_default().split('"').next().unwrap_or_default()
}

#[test]
fn given_filters_and_columns_then_they_are_kept_under_a_name_for_one_account_alone() {
    let server = Server::start();
    let token = server.sign_in("handler-1");
    let table = "/desk/tables/register";
    let shown =
        page(&server, &token, &format!("{table}?town=示例镇&status=&column=place&column=status&offset=0"));
    let query = after(&shown.text, "name=\"query\" value=\"").replace("&#38;", "&");
    assert_eq!(query, "town=%E7%A4%BA%E4%BE%8B%E9%95%87&column=place&column=status", "{}", shown.text);
    let size = server.size();
    let name = "逾期<b>";
    let save = [("what", "save"), ("table", "register"), ("query", query.as_str()), ("name", name)];
    let saved = send(&server, Some(&token), "/desk/views", &save);
    assert_eq!((saved.status, server.size()), (303, size), "it is no part of the ledger: {}", saved.text);
    assert_eq!(saved.headers["location"], format!("{table}?{query}"));
    assert_eq!(send(&server, Some(&token), "/desk/views", &save).status, 303);
    let shown = page(&server, &token, &saved.headers["location"]);
    assert_eq!(shown.text.matches("aria-current=\"page\">逾期&#60;b&#62;</a>").count(), 1, "{}", shown.text);
    assert!(
        !page(&server, &token, "/desk/tables/deadlines").text.contains("逾期&#60;b&#62;"),
        "of another table"
    );
    assert_eq!(
        stands_readable(server.folder(), &["%E7%A4%BA%E4%BE%8B%E9%95%87&column"]),
        None,
        "what somebody looks for"
    );

    let other = server.sign_in("handler-2");
    let id = after(&shown.text, "name=\"view\" value=\"").to_owned();
    assert!(!page(&server, &other, table).text.contains("逾期&#60;b&#62;"), "another sees it");
    let change = |token: &str, what: &str, name: &str| {
        send(
            &server,
            Some(token),
            "/desk/views",
            &[("what", what), ("table", "register"), ("view", &id), ("name", name)],
        )
    };
    assert_eq!(change(&other, "delete", "").status, 404);
    let person = server.person("handler-1");
    server.app.keystore.change_password(person.actor, PASSWORD, "another password").unwrap();
    assert_eq!(change(&token, "rename", "本镇").status, 303);
    assert!(page(&server, &token, table).text.contains(">本镇</a>"), "a new password loses them");
    for (what, name, status) in [("rename", " ", 422), ("save", "\u{202e}x", 422), ("copy", "x", 400)] {
        assert_eq!(change(&token, what, name).status, status, "{what}");
    }
    let strange = [("what", "save"), ("table", "register"), ("query", "colour=red"), ("name", "x")];
    assert_eq!(send(&server, Some(&token), "/desk/views", &strange).status, 400);
    assert_eq!(change(&token, "delete", "").status, 303);
    assert!(!page(&server, &token, table).text.contains("本镇"), "it is still there");
    let elsewhere = server.sign_in_by_key("handler-1");
    assert_eq!(change(&elsewhere, "save", "x").status, 409, "a key that is elsewhere");
    let enterprise = server.sign_in("enterprise-1");
    let docket = [("what", "save"), ("table", "docket"), ("query", ""), ("name", "x")];
    assert_eq!(send(&server, Some(&enterprise), "/desk/views", &docket).status, 403);
}

#[test]
fn given_columns_that_were_chosen_then_the_files_have_these_and_what_came_by_a_link_stays() {
    let server = Server::start();
    server.hazard(0);
    let token = server.sign_in_by_key("leader-1");
    let own = server.enterprises[0].to_string();
    let query =
        serde_urlencoded::to_string([("enterprise", &*own), ("column", "status"), ("column", "place")]);
    let shown = page(&server, &token, &format!("/desk/tables/register?{}", query.unwrap()));
    assert!(
        shown.text.contains(&format!("type=\"hidden\" name=\"enterprise\" value=\"{own}\"")),
        "{}",
        shown.text
    );
    let file = |ending: &str| {
        let links = shown.text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let mut links = links.filter(|link| link.ends_with(&format!("format={ending}")));
        page(&server, &token, &links.next().unwrap().replace("&#38;", "&"))
    };
    let csv = file("csv");
    assert_eq!(csv.text.trim_start_matches('\u{feff}'), "状态 Status,部位 Place\n已上报,主井口\n");
    let mut book = calamine::Xlsx::new(Cursor::new(file("xlsx").bytes)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!((sheet.height(), sheet.width()), (2, 2));
    let read = "/api/v1/projections/register";
    for bad in ["?columns=place", "?format=csv&columns=colour", "?format=csv&columns="] {
        server.get(&format!("{read}{bad}"), Some(&token)).refused(400, "api.bad_query");
    }
}

#[test]
fn given_figures_then_their_charts_are_a_workbook_with_a_sheet_for_each() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let verify = serde_json::json!({ "because": "符合条款", "criterion": "NCM88-一(地下矿山)-四" });
    server.execute(Some(&hazard), "hazard.verify", &verify, &["inspector-1", "inspector-2"]);
    let token = server.sign_in_by_key("leader-1");
    let shown = page(&server, &token, "/desk/figures");
    let charts = shown.text.matches("<figure class=\"chart\"").count();
    assert!(charts >= 3 && shown.text.contains("format=xlsx"), "{}", shown.text);
    let file = page(&server, &token, "/desk/figures?as_of=&format=xlsx");
    assert_eq!(file.status, 200, "{}", file.text);
    let mut book = calamine::Xlsx::new(Cursor::new(file.bytes)).unwrap();
    let names = book.sheet_names();
    assert_eq!(names.len(), charts + 1, "{names:?}");
    let months = book.worksheet_range(&names[0]).unwrap();
    assert_eq!(months.width(), 4, "the group and what the chart shows");
    assert_eq!(page(&server, &token, "/desk/figures?format=doc").status, 400);
    let enterprise = server.sign_in_by_key("enterprise-1");
    assert_eq!(page(&server, &enterprise, "/desk/figures?format=xlsx").status, 403);
}
