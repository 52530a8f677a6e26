//! Many report the same: an officer joins the later reports to the first one, and each keeps its place, its clocks and its answer.

use adit_core::id::StreamId;
use serde_json::{Value, json};

use crate::common::{Server, self_report};
use crate::reporter::{answered, my, reported, rewarded, simple, stream_of};

fn later(server: &Server, first: &StreamId) -> Value {
    json!({ "report": first, "because": format!("同一工作面：{}", server.size()) })
}

fn table(server: &Server, who: &str, filter: &str) -> Vec<Value> {
    of_table(server, "corroboration", who, filter)
}

fn of_table(server: &Server, table: &str, who: &str, filter: &str) -> Vec<Value> {
    let token = server.sign_in_by_key(who);
    let after = server.size() - 1;
    let path = format!("/api/v1/projections/{table}?after={after}{filter}");
    server.get(&path, Some(&token)).expect(200)["rows"].as_array().unwrap().clone()
}

#[test]
fn given_three_who_report_the_same_hazard_then_they_are_proposed_joined_and_still_answered_each() {
    let server = Server::start();
    let secrets = [simple(&server), simple(&server), simple(&server)];
    let [one, two, three] = secrets.each_ref().map(|secret| stream_of(&server, secret));
    assert!(table(&server, "clerk-1", "").is_empty(), "nothing is known of what is sealed");
    let (hazard, other) = (server.hazard(0), server.hazard(0));
    for (report, hazard) in [(&one, &hazard), (&three, &hazard), (&two, &other)] {
        let link = json!({ "hazard": hazard });
        server.execute(Some(&report.to_string()), "report.link", &link, &["handler-1"]);
    }
    let rows = table(&server, "clerk-1", "");
    let pairs: Vec<_> = rows.iter().map(|row| (&row["first"], &row["report"], &row["joined_at"])).collect();
    let (first, second, third) = (json!(one), json!(two), json!(three));
    assert_eq!(pairs, [(&first, &second, &Value::Null), (&first, &third, &Value::Null)]);
    assert_eq!((&rows[0]["same_hazard"], &rows[0]["same_enterprise"]), (&json!(false), &json!(true)));
    assert_eq!((&rows[1]["same_hazard"], &rows[1]["same_matter"]), (&json!(true), &json!(false)));

    let clerk = server.sign_in("clerk-1");
    let join = |report: &StreamId, first: &StreamId| {
        server.command(&clerk, Some(&report.to_string()), "report.corroborate", &later(&server, first))
    };
    join(&one, &three).refused(422, "report.not_earlier");
    join(&one, &one).refused(422, "report.no_such_report");
    let joined = join(&three, &one).expect(200);
    join(&three, &one).refused(422, "report.corroborates_already");
    join(&three, &two).expect(200);
    join(&two, &one).refused(422, "report.is_corroborated");
    join(&three, &one).expect(200);
    join(&two, &one).expect(200);
    join(&three, &two).refused(422, "report.not_the_first");
    let rows = table(&server, "handler-1", &format!("&stream={three}"));
    assert_eq!((rows.len(), &rows[0]["first"]), (1, &first));
    assert!(rows[0]["joined_at"].as_u64() > joined["positions"][0].as_u64());

    let docket = of_table(&server, "docket", "clerk-1", "");
    let firsts: Vec<_> = docket.iter().map(|row| &row["corroborates"]).collect();
    assert_eq!(firsts, [&Value::Null, &first, &first]);

    // Each has its own way, and the first in the log is the one who is rewarded.
    for report in [&three, &one] {
        answered(&server, report);
    }
    for secret in &secrets {
        assert_eq!(my(&server, secret, "", &[]).status, 200);
    }
    rewarded(&server, &one);
    let clerk = server.sign_in_by_key("handler-1");
    assert_eq!(server.get(&format!("/api/v1/streams/{three}"), Some(&clerk)).status, 200);
    server.execute(
        Some(&two.to_string()),
        "report.separate",
        &json!({ "because": "另一处" }),
        &["handler-1"],
    );
    assert!(table(&server, "clerk-1", &format!("&stream={two}"))[0]["joined_at"].is_null(), "proposed again");
    let docket = of_table(&server, "docket", "clerk-1", &format!("&stream={two}"));
    assert!(docket[0]["corroborates"].is_null(), "{docket:?}");
}

#[test]
fn given_an_officer_whom_the_first_reporter_excludes_then_what_names_that_report_is_not_there_for_them() {
    let server = Server::start();
    let (excluded, _) =
        reported(&server, &[("excluded", &server.actor("clerk-1")), ("words", "瓦斯超限")], &[]);
    let (first, second) = (stream_of(&server, &excluded), stream_of(&server, &simple(&server)));
    let on = second.to_string();
    let (one, two) = (server.sign_in("clerk-1"), server.sign_in("clerk-2"));
    let join = |token: &str| server.command(token, Some(&on), "report.corroborate", &later(&server, &first));
    join(&one).refused(404, "api.not_found");
    let read = |token: &str| server.get(&format!("/api/v1/streams/{on}"), Some(token)).status;
    assert_eq!((read(&one), read(&two)), (200, 200));
    join(&two).expect(200);
    assert_eq!((read(&one), read(&two)), (404, 200), "it names the first report from here on");
    assert!(table(&server, "clerk-1", "").is_empty());
    assert_eq!(table(&server, "clerk-2", "").len(), 1);
    server.command(&one, Some(&on), "report.accept", &json!({})).refused(404, "api.not_found");
}

#[test]
fn given_an_enterprise_or_an_officer_who_does_not_work_on_reports_then_the_table_is_closed_to_them() {
    let server = Server::start();
    server.execute(None, "hazard.report", &self_report(&server.enterprises[0]), &["enterprise-1"]);
    for who in ["enterprise-1", "finance-1", "auditor-1"] {
        let token = server.sign_in_by_key(who);
        server.get("/api/v1/projections/corroboration", Some(&token)).refused(403, "api.forbidden");
    }
}
