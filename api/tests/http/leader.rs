//! What a leader reads: every number of the dashboard leads to the rows behind it, and summaries and profiles tell in words what they show.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use serde_json::{Value, json};

use crate::common::{Server, id};
use crate::desk::page;

const MAJOR: &str = "NCM88-一(地下矿山)-四";
const DAY_SECONDS: i64 = 24 * 3600;
const INSPECTORS: [&str; 2] = ["inspector-1", "inspector-2"];

fn verified(server: &Server, enterprise: usize, criterion: Option<&str>) -> String {
    let hazard = server.hazard(enterprise);
    let verify = json!({ "criterion": criterion, "because": "现场核实" });
    server.execute(Some(&hazard), "hazard.verify", &verify, &INSPECTORS);
    hazard
}

fn assigned(server: &Server, enterprise: usize, criterion: Option<&str>, due: &str) -> String {
    let hazard = verified(server, enterprise, criterion);
    let assign = json!({ "responsible_post": "通风区长", "due": due });
    server.execute(Some(&hazard), "hazard.assign", &assign, &["handler-1"]);
    hazard
}

fn rectified(server: &Server, enterprise: usize, due: &str) -> String {
    let hazard = assigned(server, enterprise, Some(MAJOR), due);
    let who = format!("enterprise-{}", enterprise + 1);
    let plan = ["aim", "responsibility", "measures", "funds", "time_limit", "emergency_plan"];
    let plan: Value = plan.iter().map(|name| ((*name).to_owned(), json!("更换风机"))).collect();
    server.execute(Some(&hazard), "hazard.plan", &plan, &[&who]);
    for element in ["responsibility", "measures", "funds", "time_limit", "emergency_plan"] {
        let shown = json!({ "element": element, "text": "现场照片已存档" });
        server.execute(Some(&hazard), "hazard.evidence", &shown, &[&who]);
        server.execute(Some(&hazard), "hazard.confirm", &json!({ "element": element }), &["inspector-1"]);
    }
    server.execute(Some(&hazard), "hazard.rectify", &json!({ "because": "试验合格" }), &[&who]);
    hazard
}

fn closed(server: &Server, enterprise: usize) -> String {
    let hazard = rectified(server, enterprise, "2024-06-20");
    let review = json!({ "passed": true, "findings": "试验合格" });
    server.execute(Some(&hazard), "hazard.review", &review, &INSPECTORS);
    server.execute(Some(&hazard), "hazard.close", &json!({}), &["approver-1"]);
    hazard
}

/// Hazards that stand everywhere a hazard can: late, general, mended, struck off, opened again.
fn played() -> Server {
    let server = Server::start();
    assigned(&server, 0, Some(MAJOR), "2024-05-12");
    assigned(&server, 1, None, "2024-05-12");
    assigned(&server, 1, Some(MAJOR), "2024-08-01");
    closed(&server, 0);
    let again = closed(&server, 1);
    server.execute(Some(&again), "hazard.reopen", &json!({ "because": "再次停转" }), &INSPECTORS);
    let listed = rectified(&server, 0, "2024-06-20");
    let list = json!({ "authority": "省应急管理厅", "because": "存量重大隐患" });
    server.execute(Some(&listed), "hazard.list", &list, &["approver-1"]);
    server.hazard(0);
    server.execute(Some(&server.report().0), "report.accept", &json!({}), &["clerk-1"]);
    server.clock.advance_seconds(10 * DAY_SECONDS);
    server
}

/// Text between two marks.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    text.split(begin).nth(1)?.split(end).next()
}

/// The numbers of a page with what they lead to.
fn leads(text: &str) -> Vec<(String, String)> {
    let main = text.split("<main").nth(1).unwrap();
    let mut leads = Vec::new();
    for link in main.split("<a href=\"").skip(1) {
        let href = link.split('"').next().unwrap().replace("&#38;", "&");
        let inside = link.split("</a>").next().unwrap();
        let shown = between(inside, "<strong", "</strong>")
            .and_then(|strong| strong.split('>').nth(1))
            .or_else(|| inside.split('>').nth(1)?.split('<').next());
        if href.starts_with("/desk/tables/") {
            leads.push((href, shown.unwrap_or_default().to_owned()));
        }
    }
    leads
}

fn each_number_is_that_of_its_rows(server: &Server, token: &str, path: &str) {
    let shown = page(server, token, path);
    assert_eq!(shown.status, 200, "{}", shown.text);
    let leads = leads(&shown.text);
    assert!(leads.len() > 40, "{leads:?}");
    for (href, number) in &leads {
        let rows = page(server, token, href);
        assert_eq!(rows.status, 200, "{href}: {}", rows.text);
        let count = between(&rows.text, "<p class=\"count\">", "<").unwrap_or_default();
        let total: String = count.rsplit("共").next().unwrap().chars().filter(char::is_ascii_digit).collect();
        if href.contains("/statistics?") || href.contains("repeat_offenders?enterprise") {
            assert_eq!(total, "1", "{path}: {href} leads to {count}");
            assert!(rows.text.contains(&format!("<span>{number}</span>")), "{path}: {number} at {href}");
        } else {
            assert_eq!(&total, number, "{path}: {href} leads to {count}");
        }
    }
}

#[test]
fn given_hazards_wherever_one_can_stand_then_each_number_of_the_dashboard_is_that_of_the_rows_behind_it() {
    let server = played();
    let then = "/desk/figures?as_of=2024-05-11";
    for (who, path) in [("leader-1", "/desk/figures"), ("leader-1", then), ("approver-1", "/desk/figures")] {
        let token = server.sign_in_by_key(who);
        each_number_is_that_of_its_rows(&server, &token, path);
    }
    let token = server.sign_in_by_key("leader-1");
    let now = page(&server, &token, "/desk/figures").text;
    let of = |href: &str| leads(&now).into_iter().find(|(at, _)| at == href).map(|(_, number)| number);
    let chart = |who: &str| {
        let token = server.sign_in_by_key(who);
        page(&server, &token, "/desk/figures").text.contains("受理举报")
    };
    assert!(chart("approver-1") && chart("leader-1"), "leaders learn how many reports there are");
    assert_eq!(of("/desk/tables/register?grade=major&ended=false").as_deref(), Some("4"));
    assert_eq!(of("/desk/tables/register?sector=mine&grade=major&status=closed").as_deref(), Some("1"));
    assert_eq!(of("/desk/tables/register?overdue=true").as_deref(), Some("2"));
    assert_eq!(of("/desk/tables/five_in_place?sector=mine&grade=major&in_place=true").as_deref(), Some("2"));
}

#[test]
fn given_a_listed_hazard_that_is_mended_then_the_summary_tells_the_day_that_its_days_left_count_to() {
    let server = played();
    let token = server.sign_in_by_key("leader-1");
    let rows = server.get("/api/v1/projections/register?listed=true", Some(&token)).expect(200);
    let row = &rows["rows"][0];
    let (review, left) = (row["review_due"].as_str().unwrap(), row["days_left"].to_string());
    assert_ne!(row["due"], row["review_due"]);
    let shown = page(&server, &token, "/desk/summary?period=2024").text;
    let listed =
        between(&shown, "<h2>挂牌督办的隐患</h2>", "</section>").unwrap_or_else(|| panic!("{shown}"));
    let at = |text: &str| listed.find(text).unwrap_or_else(|| panic!("no {text}: {listed}"));
    assert!(at("复核期限") < at(review), "{listed}");
    assert!(listed[at(review)..].contains(&format!("<span>{left}</span>")), "{listed}");
}

#[test]
fn given_accidents_then_the_profile_tells_them_in_words_with_their_receipts() {
    let server = Server::start();
    let one = server.enterprises[0];
    let accident = |day: &str, deaths: u32| json!({ "day": day, "deaths": deaths, "description": "冒顶" });
    for accident in [accident("2024-03-02", 1), accident("2024-05-01", 4)] {
        server.execute(Some(&one.to_string()), "enterprise.record_accident", &accident, &["inspector-1"]);
    }
    let position = server.size() - 1;
    let token = server.sign_in_by_key("leader-1");
    let shown = page(&server, &token, &format!("/desk/profiles/{}", one.id)).text;
    let told = between(&shown, "<section id=\"accidents\">", "</section>").unwrap();
    for part in
        ["2024-03-02", "一般事故", "较大事故", "死亡 4", &format!("/log/receipt/{position}.tlog-proof")]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.find("2024-05-01") < told.find("2024-03-02"), "the newest first: {told}");
}

#[test]
fn given_a_report_then_the_transfer_sheet_is_offered_to_those_alone_who_make_it() {
    let server = Server::start();
    let (report, _) = server.report();
    let sheet = format!("/desk/{}/transfer", report.replace("report/", "reports/"));
    for (who, offered) in
        [("clerk-1", true), ("handler-1", true), ("approver-1", true), ("inspector-1", false)]
    {
        let token = server.sign_in_by_key(who);
        let shown = page(&server, &token, &format!("/desk/streams/{report}"));
        assert_eq!(shown.status, 200, "{}", shown.text);
        assert_eq!(shown.text.contains(&sheet), offered, "{who}");
        assert_eq!(page(&server, &token, &sheet).status == 200, offered, "{who}");
    }
}

#[test]
fn given_somebody_who_is_led_back_then_the_page_tells_what_was_recorded() {
    let server = Server::start();
    for (who, place) in [("admin-1", "accounts"), ("approver-1", "rulebook"), ("inspector-1", "plans")] {
        let token = server.sign_in(who);
        let shown = page(&server, &token, &format!("/desk/{place}?recorded=3"));
        assert!(shown.text.contains("/log/receipt/3.tlog-proof"), "{place}: {}", shown.text);
        let forged = page(&server, &token, &format!("/desk/{place}?recorded={}", id()));
        assert!(!forged.text.contains("banner good"), "{place}: {}", forged.text);
    }
}
