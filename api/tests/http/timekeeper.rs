//! Missed deadlines are recorded by the ledger itself, once, also after a restart.

use adit_api::Options;
use adit_api::timekeeper::Timekeeper;
use adit_core::units::Position;
use serde_json::{Value, json};

use crate::common::Server;

/// A hazard that has to be mended within thirty days.
fn assigned(server: &Server) -> String {
    let hazard = server.hazard(0);
    let inspectors = ["inspector-1", "inspector-2"];
    let verify = json!({ "criterion": null, "because": "现场核实" });
    server.execute(Some(&hazard), "hazard.verify", &verify, &inspectors);
    let assign = json!({ "responsible_post": "矿长", "due": "2024-06-09" });
    server.execute(Some(&hazard), "hazard.assign", &assign, &["handler-1"]);
    hazard
}

fn ticked(server: &Server, timekeeper: &Timekeeper) -> usize {
    let last = Position(server.size() - 1);
    let follows = server.runtime().block_on(server.app.projector.wait_for(last));
    assert!(follows);
    timekeeper.tick(&server.app)
}

#[test]
fn given_a_hazard_that_was_not_mended_in_time_then_the_miss_is_recorded_once() {
    let server = Server::start();
    let hazard = assigned(&server);
    let timekeeper = Timekeeper::default();
    // The last day belongs to the period: 2024-06-09 is thirty days on.
    server.clock.advance_seconds(30 * 86_400);
    assert_eq!(ticked(&server, &timekeeper), 0);
    server.clock.advance_seconds(86_400);
    assert_eq!(ticked(&server, &timekeeper), 1);
    assert_eq!(ticked(&server, &timekeeper), 0, "once a day");
    assert_eq!(ticked(&server, &Timekeeper::default()), 0, "and not again after a restart");
    server.clock.advance_seconds(86_400);
    assert_eq!(ticked(&server, &timekeeper), 0, "nor on the next day");

    let token = server.sign_in_by_key("inspector-1");
    let events = server.get(&format!("/api/v1/streams/{hazard}"), Some(&token)).expect(200);
    let events = events["events"].as_array().unwrap();
    let overdue: Vec<&Value> = events.iter().filter(|event| event["type"] == "hazard.overdue").collect();
    assert_eq!(overdue.len(), 1);
    assert_eq!(overdue[0]["by"], json!([]), "no officer signs it: the log does");
    let path = format!("/api/v1/projections/deadlines?stream={hazard}");
    let row = &server.get(&path, Some(&token)).expect(200)["rows"][0];
    assert_eq!((&row["standing"], &row["missed_at"]), (&json!("overdue"), &overdue[0]["position"]));
}

fn access_entries(server: &Server) -> Vec<String> {
    let entries = (0..server.size()).map(|position| {
        server.app.office.ledger().stored(Position(position)).unwrap().unwrap().stream.kind.name().to_owned()
    });
    entries.filter(|kind| kind == "access").collect()
}

/// Rounds of the timekeeper, five minutes apart, from now to the end of the day.
fn rest_of_the_day(server: &Server, timekeeper: &Timekeeper) -> u32 {
    let today = server.app.office.ledger().now().day();
    let mut added = 0;
    while server.app.office.ledger().now().day() == today {
        let last = Position(server.size() - 1);
        assert!(server.runtime().block_on(server.app.projector.wait_for(last)));
        added += timekeeper.fill(&server.app);
        server.clock.advance_seconds(290);
    }
    added
}

#[test]
fn given_some_openings_then_each_day_ends_with_the_same_number_of_access_entries() {
    let server = Server::start_with(Options { access_per_day: 12, ..Options::default() });
    let timekeeper = Timekeeper::default();
    let report = json!({ "report": format!("report/{}", crate::common::id()), "blobs": ["ab".repeat(32)] });
    for _ in 0..2 {
        server.execute(None, "access.open", &report, &["clerk-1"]);
    }
    assert_eq!(rest_of_the_day(&server, &timekeeper), 10);
    assert_eq!(access_entries(&server).len(), 12);
    // A restart in the middle of the day adds to what stands.
    let half = Timekeeper::default();
    server.clock.advance_seconds(43_200);
    let last = Position(server.size() - 1);
    assert!(server.runtime().block_on(server.app.projector.wait_for(last)));
    let some = half.fill(&server.app);
    assert!((5..=7).contains(&some), "{some}");
    server.execute(None, "access.open", &report, &["clerk-1"]);
    assert_eq!(some + 1 + rest_of_the_day(&server, &Timekeeper::default()), 12);
    assert_eq!(access_entries(&server).len(), 24);

    let none = Server::start();
    assert_eq!(rest_of_the_day(&none, &timekeeper), 0, "none are wanted");
}

#[test]
fn given_a_report_that_nobody_handled_then_every_clock_that_it_missed_is_recorded() {
    let server = Server::start();
    let (report, _) = server.report();
    server.execute(Some(&report), "report.accept", &json!({}), &["clerk-1"]);
    server.clock.advance_seconds(61 * 86_400);
    assert_eq!(ticked(&server, &Timekeeper::default()), 1, "sixty days to handle it");
    let token = server.sign_in_by_key("clerk-1");
    let events = server.get(&format!("/api/v1/streams/{report}"), Some(&token)).expect(200);
    let last = events["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["type"], &last["data"]["clock"]), (&json!("report.overdue"), &json!("handle")));
}

#[test]
fn given_an_extension_that_nobody_decided_then_the_miss_is_recorded_once_also_after_a_restart() {
    let server = Server::start();
    let hazard = assigned(&server);
    let list = json!({ "authority": "市安委办", "place": "山东省青岛市", "because": "整改难度大" });
    server.execute(Some(&hazard), "hazard.list", &list, &["approver-1"]);
    let listing = json!({ "what": "listing", "where": "政府网站" });
    server.execute(Some(&hazard), "hazard.publish", &listing, &["handler-1"]);
    // Friday 10 May: the twentieth working day after it is 6 June, and the hazard is to be mended by 9 June.
    let longer = json!({ "until": "2024-07-09", "because": "备件未到" });
    server.execute(Some(&hazard), "hazard.request_extension", &longer, &["enterprise-1"]);
    // 11 (a Saturday that is made up for), 13, 14, 15, 16, 17, 20, 21, 22, 23 May.
    server.clock.advance_seconds(13 * 86_400);
    assert_eq!(ticked(&server, &Timekeeper::default()), 0);
    server.clock.advance_seconds(86_400);
    assert_eq!(ticked(&server, &Timekeeper::default()), 1);
    assert_eq!(ticked(&server, &Timekeeper::default()), 0, "not again after a restart");
    server.clock.advance_seconds(86_400);
    assert_eq!(ticked(&server, &Timekeeper::default()), 0, "nor on the next day");
    server.execute(
        Some(&hazard),
        "hazard.refuse_extension",
        &json!({ "because": "理由不足" }),
        &["approver-1"],
    );
    let token = server.sign_in_by_key("inspector-1");
    let path = format!("/api/v1/projections/deadlines?stream={hazard}&clock=decide_extension");
    let row = &server.get(&path, Some(&token)).expect(200)["rows"][0];
    assert_eq!((&row["due"], &row["standing"]), (&json!("2024-05-23"), &json!("met_late")));
}

/// Writes a sealed file, and says that it was written now by the ledger's clock.
fn kept(server: &Server, content: &[u8]) -> String {
    let ledger = server.app.office.ledger();
    let hash = ledger.blobs().unwrap().put(content).unwrap();
    let path = server.folder().join("data/blobs").join(&hash[..2]).join(&hash);
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(ledger.now().0).unwrap());
    std::fs::File::options().append(true).open(path).unwrap().set_modified(now).unwrap();
    hash
}

#[test]
fn given_files_that_no_report_names_then_they_are_cleared_away_after_a_week_and_the_named_ones_never() {
    let server = Server::start();
    let timekeeper = Timekeeper::default();
    let clear = || {
        let last = Position(server.size() - 1);
        assert!(server.runtime().block_on(server.app.projector.wait_for(last)));
        timekeeper.clear(&server.app)
    };
    let has = |hash: &str| server.app.office.ledger().blobs().unwrap().has(hash).unwrap();
    let (junk, young) = (kept(&server, b"junk"), kept(&server, b"young"));
    let (report, _) = server.report();
    let named = kept(&server, b"named");
    let blob = json!({ "sealed": { "blob": named, "size": 5, "recipients": ["age1x"] } });
    server.execute(Some(&report), "report.message", &blob, &["clerk-1"]);
    assert_eq!(clear(), 0, "a week is not over");
    server.clock.advance_seconds(7 * 86_400 + 1);
    // Somebody is about to name it: a command of theirs waits for its signatures.
    server.app.office.ledger().blobs().unwrap().renew(&young, server.app.office.ledger().now()).unwrap();
    assert_eq!(clear(), 1);
    assert!(!has(&junk) && has(&young) && has(&named));
    kept(&server, b"more");
    assert_eq!(clear(), 0, "once an hour");
    server.clock.advance_seconds(400 * 86_400);
    assert_eq!(clear(), 2);
    assert!(has(&named), "what an entry names stays");
}
