//! Plans of inspections on the desk, where the log holds more inspections than one answer.
#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]

use serde_json::json;

use crate::common::{PASSWORD, Server, id};
use crate::desk::{fields_of, link, page, send};

const DAY_SECONDS: i64 = 24 * 3600;
/// Rows of one answer of a read model.
const CUT: usize = 1000;

fn sealed(server: &Server, one: &str, two: &str, enterprise: &str, scope: &str) {
    let command = id();
    let fields = [
        ("_id", command.as_str()),
        ("enterprise", enterprise),
        ("scope", scope),
        ("_second", two),
        ("_password", PASSWORD),
    ];
    let sealed = send(server, Some(one), "/desk/plans", &fields);
    assert_eq!(sealed.status, 303, "{}", sealed.text);
}

#[test]
fn given_more_inspections_than_one_answer_holds_then_the_plan_of_this_morning_is_listed_and_opens() {
    let server = Server::start();
    let commitment = json!({ "commitment": "0".repeat(64) });
    for _ in 0..=CUT {
        server.execute(None, "inspection.seal", &commitment, &["inspector-1", "inspector-2"]);
    }
    let (one, two) = (server.sign_in("inspector-1"), server.actor("inspector-2"));
    server.sign_in("inspector-2");
    sealed(&server, &one, &two, "示例二矿", "通风与瓦斯");
    let plans = page(&server, &one, "/desk/plans");
    assert!(plans.text.contains("通风与瓦斯"), "{}", plans.text);
    let form = page(&server, &one, &link(&plans.text, "/desk/do/inspection.open"));
    assert_eq!(form.status, 200, "{}", form.text);
    let mut fields = fields_of(&form.text);
    fields.retain(|(name, _)| name != "_password");
    let more = [("_second", two.as_str()), ("_password", PASSWORD)];
    fields.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let opened = send(&server, Some(&one), "/desk/do/inspection.open", &fields);
    assert_eq!(opened.status, 303, "{}", opened.text);
    let plans = page(&server, &one, &opened.headers["location"]);
    assert!(plans.text.contains("banner good"), "it is not said that it is recorded: {}", plans.text);
    assert!(!plans.text.contains("/desk/do/inspection.open"), "{}", plans.text);
    link(&plans.text, "/desk/do/inspection.perform");
}

#[test]
fn given_a_plan_that_is_not_opened_then_its_last_day_is_told_and_after_it_no_button_opens_it() {
    let server = Server::start();
    let (one, two) = (server.sign_in("inspector-1"), server.actor("inspector-2"));
    server.sign_in("inspector-2");
    sealed(&server, &one, &two, "示例二矿", "通风与瓦斯");
    let plans = page(&server, &one, "/desk/plans").text;
    assert!(plans.contains("2024-05-17 前公开"), "{plans}");
    server.clock.advance_seconds(7 * DAY_SECONDS);
    let one = server.sign_in("inspector-1");
    assert!(page(&server, &one, "/desk/plans").text.contains("/desk/do/inspection.open"));
    server.clock.advance_seconds(DAY_SECONDS);
    let one = server.sign_in("inspector-1");
    let plans = page(&server, &one, "/desk/plans").text;
    assert!(!plans.contains("/desk/do/inspection.open") && !plans.contains("通风与瓦斯"), "{plans}");
    assert!(plans.contains("1 份计划过期未公开"), "{plans}");
}
