//! The workbench's pages that look over the whole: summaries, rule packs, the state of the system, who opened what; and how pages keep
//! up with the ledger and with each other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use adit_core::units::Position;
use calamine::Reader as _;
use serde_json::json;

use crate::common::{Server, id};
use crate::desk::{page, send};
use crate::sealed::{CANARY, reported, with_intake};

#[test]
fn given_a_month_that_is_over_then_its_summary_tells_the_figures_and_stays_the_same() {
    let server = Server::start();
    server.hazard(0);
    server.clock.advance_seconds(40 * 24 * 3600);
    let leader = server.sign_in_by_key("leader-1");
    let shown = page(&server, &leader, "/desk/summary?period=2024-05");
    assert_eq!(shown.status, 200, "{}", shown.text);
    let rows =
        server.get("/api/v1/projections/statistics?group=month&from=2024-05-01&to=2024-05-31", Some(&leader));
    let row = &rows.expect(200)["rows"][0];
    assert_eq!(row["reported"], 1);
    let told = shown.text.split("录入的隐患").nth(1).unwrap_or(&shown.text);
    assert!(told.contains("<span>1</span>"), "{}", shown.text);
    server.hazard(1);
    let main = |text: &str| text.split("<main").nth(1).unwrap().split("</main>").next().unwrap().to_owned();
    let again = page(&server, &leader, "/desk/summary?period=2024-05");
    assert_eq!(main(&again.text), main(&shown.text), "what is over is told as it stood then");
    for period in ["2024-13", "2024-7", "2031", "x", "2024-05-01"] {
        assert_eq!(page(&server, &leader, &format!("/desk/summary?period={period}")).status, 400, "{period}");
    }
    let enterprise = server.sign_in_by_key("enterprise-1");
    assert_eq!(page(&server, &enterprise, "/desk/summary").status, 403);
}

#[test]
fn given_a_summary_then_it_is_a_workbook_with_a_sheet_for_each_part_and_a_pdf() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let verify = json!({ "because": "符合条款", "criterion": "NCM88-一(地下矿山)-四" });
    server.execute(Some(&hazard), "hazard.verify", &verify, &["inspector-1", "inspector-2"]);
    let leader = server.sign_in_by_key("leader-1");
    let file = page(&server, &leader, "/desk/summary?period=2024&format=xlsx");
    assert_eq!(file.status, 200, "{}", file.text);
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(file.bytes)).unwrap();
    let names = book.sheet_names();
    assert!(
        names.len() > 5 && names[0] == "1 主要数字" && names.contains(&"6 按企业".to_owned()),
        "{names:?}"
    );
    let figures = book.worksheet_range(&names[0]).unwrap();
    assert_eq!(figures.height(), 3, "heads, this year, the one before");
    let pdf = page(&server, &leader, "/desk/summary?period=2024&format=pdf");
    assert_eq!((pdf.status, pdf.headers["content-type"].as_str()), (200, "application/pdf"));
    assert!(pdf.bytes.starts_with(b"%PDF-"));
    assert_eq!(page(&server, &leader, "/desk/summary?format=doc").status, 400);
}

#[test]
fn given_the_state_of_the_system_then_a_verified_copy_is_named_and_a_strange_one_is_an_alarm() {
    let server = Server::start();
    let admin = server.sign_in_by_key("admin-1");
    let shown = page(&server, &admin, "/desk/system");
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.text.contains("backed-up") && shown.text.contains("alarm"), "{}", shown.text);
    let ledger = server.app.office.ledger();
    let keys = &ledger.home().unwrap().keys;
    std::fs::write(keys.join("backed-up"), ledger.checkpoint()).unwrap();
    let size = server.size();
    server.hazard(0);
    let shown = page(&server, &admin, "/desk/system");
    assert!(shown.text.contains(&format!("到第 {size} 条")), "{}", shown.text);
    assert!(!shown.text.contains("banner alarm"), "{}", shown.text);
    let other = Server::start();
    std::fs::write(keys.join("backed-up"), other.app.office.ledger().checkpoint()).unwrap();
    let shown = page(&server, &admin, "/desk/system");
    assert!(
        shown.text.contains("banner alarm") && shown.text.contains("不是本台账的检查点"),
        "{}",
        shown.text
    );
    for who in ["enterprise-1", "finance-1", "clerk-1"] {
        let token = server.sign_in_by_key(who);
        assert_eq!(page(&server, &token, "/desk/system").status, 403, "{who}");
    }
}

#[test]
fn given_a_pack_that_the_bureau_amended_then_its_difference_is_shown_line_by_line() {
    let server = Server::start();
    let approver = server.sign_in_by_key("approver-1");
    let shown = page(&server, &approver, "/desk/rulebook");
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.text.contains("/desk/do/rules.adopt?"), "{}", shown.text);
    let rules = server.app.office.rules();
    let pack = rules.packs().iter().find(|pack| pack.id == "duty").unwrap();
    let text = format!("# 本级说明 <b>\n{}", pack.text);
    let amend = json!({ "pack": "duty", "text": text, "decision": "示例局办公会纪要" });
    server.execute(None, "rules.amend", &amend, &["approver-1"]);
    let shown = page(&server, &approver, "/desk/rulebook?pack=duty");
    assert!(shown.text.contains("<ins>+ # 本级说明 &#60;b&#62;</ins>"), "{}", shown.text);
    assert!(shown.text.contains("示例局办公会纪要"), "{}", shown.text);
    let enterprise = server.sign_in_by_key("enterprise-1");
    assert_eq!(page(&server, &enterprise, "/desk/rulebook").status, 403);
}

#[test]
fn given_an_opening_then_those_who_look_into_it_see_it_and_those_who_open_do_not() {
    let server = with_intake(Server::start());
    let report = reported(&server, &["investigator-1"]);
    let intake = server.sign_in("intake-1");
    let open = format!("/desk/reports/{}/open", report.id());
    let blob = report.testimony["blob"].as_str().unwrap();
    assert_eq!(send(&server, Some(&intake), &open, &[("blob", blob)]).status, 200);
    let approver = server.sign_in_by_key("approver-1");
    let shown = page(&server, &approver, "/desk/reads");
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.text.contains(&report.stream), "{}", shown.text);
    let elsewhere = page(&server, &approver, "/desk/reads?from=2024-05-11&to=");
    assert!(!elsewhere.text.contains(&report.stream), "{}", elsewhere.text);
    let kept_from = server.sign_in_by_key("investigator-1");
    assert!(!page(&server, &kept_from, "/desk/reads").text.contains(&report.stream));
    assert_eq!(page(&server, &intake, "/desk/reads").status, 403);
    assert_eq!(page(&server, &approver, "/desk/reads?town=x").status, 400);
}

#[test]
fn given_a_form_that_was_open_while_another_wrote_then_it_is_shown_before_anything_is_signed() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let verify = json!({ "because": "符合条款", "criterion": null });
    server.execute(Some(&hazard), "hazard.verify", &verify, &["inspector-1", "inspector-2"]);
    let one = server.sign_in("handler-1");
    let form = page(&server, &one, &format!("/desk/do/hazard.assign?stream={hazard}")).text;
    let seen = form.split("name=\"_seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let serve = json!({ "principal": true, "controller": true });
    server.execute(Some(&hazard), "hazard.serve", &serve, &["handler-2"]);
    let (size, command) = (server.size(), id());
    let typed = |seen: &str| {
        [
            ("_id", command.clone()),
            ("_stream", hazard.clone()),
            ("_back", "/desk".to_owned()),
            ("_seen", seen.to_owned()),
            ("responsible_post", "通风区长".to_owned()),
            ("due", "2024-05-20".to_owned()),
        ]
    };
    let post = |fields: [(&'static str, String); 6]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        send(&server, Some(&one), "/desk/do/hazard.assign", &fields)
    };
    let stopped = post(typed(seen));
    assert_eq!((stopped.status, server.size()), (409, size), "{}", stopped.text);
    assert!(stopped.text.contains("handler-2") && stopped.text.contains("通风区长"), "{}", stopped.text);
    let now = stopped.text.split("name=\"_seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let signed = post(typed(now));
    assert_eq!((signed.status, server.size()), (303, size + 1), "{}", signed.text);
    let again = post(typed(seen));
    assert_eq!((again.status, server.size()), (303, size + 1), "a retry is the same command");
}

/// Listens to what changed until something is told.
fn listen(url: &str, token: &str, after: u64) -> BufReader<TcpStream> {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(
        stream,
        "GET /desk/live?after={after} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .unwrap();
    BufReader::new(stream)
}

/// The data of the next event.
fn told(listening: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(listening.read_line(&mut line).unwrap() > 0, "the connection ended");
        if let Some(data) = line.strip_prefix("data:") {
            return data.trim().to_owned();
        }
    }
}

#[test]
fn given_somebody_who_looks_at_a_page_then_they_are_told_what_changed_and_an_enterprise_of_its_own_alone() {
    let server = Server::start();
    let (officer, enterprise) = (server.sign_in_by_key("handler-1"), server.sign_in_by_key("enterprise-1"));
    let size = server.size();
    let mut all = listen(&server.url, &officer, size);
    let mut own = listen(&server.url, &enterprise, size);
    let (report, _) = server.report();
    let other = server.hazard(1);
    let mine = server.hazard(0);
    let mut heard = told(&mut all);
    while !heard.contains(&mine) {
        heard += &told(&mut all);
    }
    assert!(heard.contains(&report) && heard.contains(&other), "{heard}");
    let heard = told(&mut own);
    assert!(heard.contains(&mine), "{heard}");
    assert!(!heard.contains(&report) && !heard.contains(&other), "{heard}");
    let nobody = server.send_once("GET", "/desk/live", &[], None);
    assert_eq!(nobody.status, 303);
}

#[test]
fn given_a_page_that_looks_by_itself_then_it_keeps_no_session_alive() {
    let server = Server::start();
    let token = server.sign_in_by_key("handler-1");
    let bearer = format!("Bearer {token}");
    let by_itself = [("authorization", bearer.as_str()), ("x-adit-live", "1")];
    for _ in 0..4 {
        server.clock.advance_seconds(9 * 60);
        server.send_once("GET", "/desk", &by_itself, None);
    }
    assert_eq!(server.send_once("GET", "/desk", &by_itself, None).status, 303, "the session is over");
}

#[test]
fn given_a_report_when_it_is_transferred_then_the_sheet_has_chosen_facts_and_no_word_of_the_reporter() {
    let server = with_intake(Server::start());
    let report = reported(&server, &["handler-2"]);
    let intake = server.sign_in("intake-1");
    let path = format!("/desk/reports/{}/transfer", report.id());
    let form = page(&server, &intake, &path);
    assert_eq!(form.status, 200, "{}", form.text);
    let typed = |item: &'static str| {
        [
            ("authority", "示例县消防救援大队"),
            ("enterprise", "示例一矿"),
            ("item", item),
            ("reply_by", "2024-06-10"),
        ]
    };
    let size = server.size();
    let wrong = send(&server, Some(&intake), &path, &typed("NCM-none"));
    assert_eq!((wrong.status, server.size()), (422, size), "{}", wrong.text);
    assert!(
        wrong.text.contains("示例县消防救援大队") && wrong.text.contains("NCM-none"),
        "what was typed is lost"
    );
    let made = send(&server, Some(&intake), &path, &typed("NCM88-一(地下矿山)-四"));
    assert_eq!(
        (made.status, made.headers["content-type"].as_str()),
        (200, "application/pdf"),
        "{}",
        made.text
    );
    let text = crate::paper::Printed::of(&made.bytes).text();
    for part in ["示例县消防救援大队", "示例一矿", "NCM88", "2024-06-10"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains(CANARY), "{text}");
    assert_eq!(server.size(), size + 1, "that it went out is on record");
    let file = blake3::hash(&made.bytes).to_hex();
    let fact = server.app.office.ledger().fact(Position(size)).unwrap().unwrap();
    let event = fact.event.to_json().unwrap();
    assert_eq!(event["data"]["file"], file.as_str(), "a copy that turns up is known again");
    let kept_from = server.sign_in("handler-2");
    assert_eq!(page(&server, &kept_from, &path).status, 404);
    for who in ["inspector-1", "leader-1", "enterprise-1"] {
        let token = server.sign_in_by_key(who);
        assert_ne!(page(&server, &token, &path).status, 200, "{who}");
    }
}

#[test]
fn given_two_mines_under_one_hand_then_the_profile_of_each_leads_to_the_other() {
    let server = Server::start();
    let [one, two] = [server.enterprises[0], server.enterprises[1]];
    for enterprise in [one, two] {
        let change = json!({ "holder": "示例矿业集团" });
        server.execute(Some(&enterprise.to_string()), "enterprise.change_controller", &change, &["clerk-1"]);
    }
    let hazard = server.hazard(0);
    let handler = server.sign_in_by_key("handler-1");
    let stream = page(&server, &handler, &format!("/desk/streams/{one}"));
    assert!(stream.text.contains(&format!("/desk/profiles/{}", one.id)), "{}", stream.text);
    let shown = page(&server, &handler, &format!("/desk/profiles/{}", one.id));
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.text.contains(&format!("/desk/profiles/{}", two.id)), "{}", shown.text);
    assert!(shown.text.contains("示例矿业集团") && shown.text.contains(&hazard), "{}", shown.text);
    assert!(shown.text.contains("<svg"), "{}", shown.text);
    let enterprise = server.sign_in_by_key("enterprise-1");
    assert_eq!(page(&server, &enterprise, &format!("/desk/profiles/{}", two.id)).status, 403);
    assert_eq!(page(&server, &handler, &format!("/desk/profiles/{}", "0".repeat(26))).status, 404);
}

#[test]
fn given_nobody_is_signed_in_then_the_public_figures_tell_of_months_that_are_over_and_of_no_few_reports() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let verify = json!({ "because": "符合条款", "criterion": null });
    server.execute(Some(&hazard), "hazard.verify", &verify, &["inspector-1", "inspector-2"]);
    for _ in 0..4 {
        server.report();
    }
    let before = server.get("/figures", None);
    assert_eq!(before.status, 200, "{}", before.text);
    assert!(!before.text.contains("2024-05<"), "a month that runs is told: {}", before.text);
    server.clock.advance_seconds(30 * 24 * 3600);
    let few = server.get("/figures", None);
    assert!(few.text.contains("<span>2024-05</span>") && few.text.contains("件数还不足"), "{}", few.text);
    server.report();
    server.clock.advance_seconds(31 * 24 * 3600);
    let enough = server.get("/figures", None);
    assert!(enough.text.contains("<span>2024-05 – 2024-06</span>"), "{}", enough.text);
}

#[test]
fn given_an_enterprise_then_its_duty_stands_on_its_worklist_and_its_guide_tells_of_its_own_work_alone() {
    let server = Server::start();
    let token = server.sign_in_by_key("enterprise-1");
    let home = page(&server, &token, "/desk");
    assert!(home.text.contains("请于 2024-05-31 前自查"), "{}", home.text);
    let own = server.enterprises[0].to_string();
    let looked =
        json!({ "enterprise": own, "inspected_on": "2024-05-09", "led_by_principal": true, "hazards": [] });
    server.execute(Some(&own), "enterprise.log_self_inspection", &looked, &["enterprise-1"]);
    let home = page(&server, &token, "/desk");
    assert!(home.text.contains("本期已自查") && home.text.contains("2024-05-09"), "{}", home.text);
    let help = page(&server, &token, "/desk/help");
    assert!(
        help.text.contains("id=\"enterprise\"") && !help.text.contains("id=\"investigator\""),
        "{}",
        help.text
    );
    assert!(!help.text.contains("举报"), "{}", help.text);
    let officer = server.sign_in_by_key("inspector-1");
    let help = page(&server, &officer, "/desk/help");
    let at = |role: &str| help.text.find(&format!("id=\"{role}\"")).unwrap();
    assert!(at("inspector") < at("clerk"), "one's own guide comes first");
}

#[test]
fn given_somebody_who_looks_at_a_page_when_the_server_is_told_to_stop_then_it_stops() {
    let server = Server::start();
    let token = server.sign_in_by_key("handler-1");
    let runtime = server.runtime();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = runtime.spawn(adit_api::serve(listener, Arc::clone(&server.app), async {
        stopped.await.unwrap();
    }));
    let mut listening = listen(&url, &token, server.size());
    let mut line = String::new();
    listening.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    stop.send(()).unwrap();
    let waited = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), serving).await });
    waited.expect("the server waits for whoever looks").unwrap().unwrap();
    let mut rest = String::new();
    listening.read_to_string(&mut rest).unwrap();
}

/// How many entries a page says that it knows.
fn counted(text: &str) -> &str {
    text.split("data-size=\"").nth(1).unwrap().split('"').next().unwrap()
}

#[test]
fn given_a_report_then_no_count_on_a_page_of_an_enterprise_moves_and_none_of_the_sizes_that_it_is_told() {
    let server = Server::start();
    let enterprise = server.sign_in_by_key("enterprise-1");
    let before = page(&server, &enterprise, "/desk").text;
    let mut own = listen(&server.url, &enterprise, counted(&before).parse().unwrap());
    server.report();
    let after = page(&server, &enterprise, "/desk").text;
    assert_eq!(counted(&after), counted(&before));
    let hazard = server.hazard(0);
    let mut heard = told(&mut own);
    while !heard.contains(&hazard) {
        heard = told(&mut own);
    }
    assert!(heard.contains(&format!("\"size\":{}", counted(&before))), "{heard}");
}

#[test]
fn given_somebody_who_is_suspended_while_they_look_then_they_are_told_nothing_more() {
    let server = Server::start();
    let token = server.sign_in_by_key("handler-1");
    let mut looking = listen(&server.url, &token, server.size());
    let actor = format!("actor/{}", server.actor("handler-1"));
    server.execute(Some(&actor), "actor.suspend", &json!({ "because": "调离" }), &["admin-1"]);
    let hazard = server.hazard(0);
    let mut heard = String::new();
    while !heard.contains("event: over") {
        assert!(looking.read_line(&mut heard).unwrap() > 0, "the connection ended: {heard}");
    }
    assert!(!heard.contains(&hazard), "{heard}");
}
