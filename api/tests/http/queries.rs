//! Queries: rows of read models, as of any moment, after one's own write.

use crate::common::Server;
use serde_json::json;

#[test]
fn whoever_wrote_reads_their_own_write() {
    let server = Server::start();
    let token = server.sign_in_by_key("inspector-1");
    for n in 1..=20 {
        server.hazard(0);
        let path = format!("/api/v1/projections/register?after={}", server.size() - 1);
        assert_eq!(server.get(&path, Some(&token)).expect(200)["total"], json!(n));
    }
}

#[test]
fn rows_are_filtered_and_paged() {
    let server = Server::start();
    let token = server.sign_in_by_key("inspector-1");
    for enterprise in [0, 0, 1] {
        server.hazard(enterprise);
    }
    let after = server.size() - 1;
    let get = |query: &str| {
        server.get(&format!("/api/v1/projections/register?after={after}&{query}"), Some(&token)).expect(200)
    };
    let page = get("limit=2&offset=1");
    assert_eq!((&page["total"], page["rows"].as_array().unwrap().len()), (&json!(3), 2));
    assert_eq!(get(&format!("enterprise={}", server.enterprises[1]))["total"], json!(1));
    assert_eq!(get("status=reported&overdue=false")["total"], json!(3));
    assert_eq!(get("status=closed")["total"], json!(0));
    assert_eq!(get("contains=%E7%A4%BA%E4%BE%8B%E4%BA%8C%E7%9F%BF")["total"], json!(1));
    let unknown = format!("/api/v1/projections/register?after={after}&colour=red");
    server.get(&unknown, Some(&token)).refused(400, "api.bad_query");
}

#[test]
fn a_moment_in_the_past_is_a_position_or_a_day() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let first = server.size() - 1;
    server.clock.advance_seconds(86_400);
    let token = server.sign_in_by_key("inspector-1");
    server.execute(
        Some(&hazard),
        "hazard.verify",
        &json!({ "because": "核实" }),
        &["inspector-1", "inspector-2"],
    );
    let last = server.size() - 1;
    let status = |moment: &str| {
        let path = format!("/api/v1/projections/register?after={last}{moment}");
        server.get(&path, Some(&token)).expect(200)["rows"][0]["status"].clone()
    };
    assert_eq!(status(""), json!("verified"));
    assert_eq!(status(&format!("&as_of={first}")), json!("reported"));
    assert_eq!(status("&as_of=2024-05-10"), json!("reported"));
    assert_eq!(status("&as_of=2024-05-11"), json!("verified"));
    let events = |moment: &str| {
        server.get(&format!("/api/v1/streams/{hazard}{moment}"), Some(&token)).expect(200)["events"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((events(""), events("?as_of=2024-05-10")), (2, 1));
}

#[test]
fn one_hazard_in_the_past_is_told_from_its_own_stream_as_from_the_whole_ledger() {
    let server = Server::start();
    let (hazard, other) = (server.hazard(0), server.hazard(1));
    for stream in [&hazard, &other] {
        server.execute(
            Some(stream),
            "hazard.verify",
            &json!({ "because": "核实" }),
            &["inspector-1", "inspector-2"],
        );
    }
    let token = server.sign_in_by_key("approver-1");
    let last = server.size() - 1;
    for model in ["register", "timeline", "five_in_place", "deadlines", "supervision", "notifications"] {
        for moment in [last, last - 1, last - 3] {
            let rows = |query: &str| {
                let path = format!("/api/v1/projections/{model}?as_of={moment}{query}");
                server.get(&path, Some(&token)).expect(200)["rows"].as_array().unwrap().clone()
            };
            let whole = rows("").into_iter().filter(|row| row.to_string().contains(&hazard));
            assert_eq!(rows(&format!("&stream={hazard}")), whole.collect::<Vec<_>>(), "{model} {moment}");
        }
    }
}

#[test]
fn a_file_holds_the_figures_of_the_table() {
    use calamine::Reader;
    let server = Server::start();
    let token = server.sign_in_by_key("inspector-1");
    server.hazard(0);
    server.hazard(1);
    let path = format!("/api/v1/projections/statistics?after={}", server.size() - 1);
    let rows = server.get(&path, Some(&token)).expect(200)["rows"].clone();
    let file = server.get(&format!("{path}&format=xlsx"), Some(&token));
    assert_eq!(file.status, 200);
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(file.bytes.clone())).expect("a workbook");
    let names = book.sheet_names();
    let sheet = book.worksheet_range(&names[0]).expect("a sheet");
    let cells: Vec<Vec<String>> =
        sheet.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect();
    let column = cells[0].iter().position(|heading| heading.starts_with("录入隐患"));
    let column = column.expect("the column");
    assert_eq!(cells[1][column], rows[0]["reported"].to_string());
    let notes = book.worksheet_range(&names[1]).expect("what the columns mean");
    assert!(notes.rows().any(|row| row.iter().any(|cell| cell.to_string().contains("期间录入的隐患"))));
    let csv = server.get(&format!("{path}&format=csv"), Some(&token));
    assert!(csv.text.starts_with('\u{feff}') && csv.text.contains("2024-05"), "{}", csv.text);
    server.get(&format!("{path}&format=pdf"), Some(&token)).refused(400, "api.bad_query");
}

#[test]
fn a_rule_answers_with_reasons_and_writes_nothing() {
    let server = Server::start();
    let size = server.size();
    let facts = json!({ "place": "national", "matter": "major_hazard", "sector": "mine", "report_level": 1,
        "unit_fine_yuan": "12000", "person_fines_yuan": ["0"], "deaths_verified": 0, "accident_grade": null,
        "insider": false, "reported_on": "2024-05-10" });
    let answer = server.post("/api/v1/rules/reward", None, &facts).expect(200);
    assert!(answer["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{answer}");
    assert_eq!(server.size(), size);
    assert!(!server.get("/api/v1/rules", None).expect(200)["packs"].as_array().unwrap().is_empty());
}

#[test]
fn health_says_whether_the_ledger_writes_and_the_read_models_follow() {
    let server = Server::start();
    let health = server.get("/healthz", None).expect(200);
    assert_eq!((&health["ok"], &health["read_models"]), (&json!(true), &json!(true)));
}

#[test]
fn words_are_found_by_whoever_may_read_them() {
    let server = Server::start();
    let (hazard, _) = (server.hazard(0), server.hazard(1));
    let after = server.size() - 1;
    let look = |who: &str, words: &str| {
        let token = server.sign_in_by_key(who);
        server.post("/api/v1/search", Some(&token), &json!({ "words": words, "after": after }))
    };
    let found = look("inspector-1", "示例一矿").expect(200);
    assert_eq!((&found["total"], &found["hits"][0]["type"]), (&json!(1), &json!("enterprise.registered")));
    let own = look("enterprise-1", "通风机").expect(200);
    let streams: Vec<&serde_json::Value> =
        own["hits"].as_array().unwrap().iter().map(|hit| &hit["stream"]).collect();
    assert!(streams.iter().all(|stream| **stream == json!(hazard)), "{own}");
    look("auditor-1", "通风机").refused(403, "api.forbidden");
    server.post("/api/v1/search", None, &json!({ "words": "顶板" })).refused(401, "api.not_signed_in");
    let blank =
        server.post("/api/v1/search", Some(&server.sign_in_by_key("clerk-1")), &json!({ "words": " " }));
    blank.refused(400, "api.wrong_value");
}
