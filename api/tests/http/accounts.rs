//! The page of accounts: as many as a bureau and all its enterprises have, page by page.
#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]

use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::ledger::vkey::SigningKey;
use serde_json::json;

use crate::common::{ORIGIN, Server};
use crate::desk::page;

/// Enrols somebody for an enterprise.
fn enrol(server: &Server, post: &str) {
    let stream = StreamId::new(StreamKind::Actor, Id::random().unwrap());
    let key = SigningKey::generate(&format!("{ORIGIN}/{stream}")).unwrap().vkey();
    let (stream, admins) = (stream.to_string(), ["admin-1", "admin-2"]);
    let enrol = json!({ "key": key, "title": post, "acts_for": server.enterprises[0] });
    server.execute(Some(&stream), "actor.enrol", &enrol, &admins);
    let grant = json!({ "role": "enterprise", "key": key });
    server.execute(Some(&stream), "actor.grant", &grant, &admins);
}

#[test]
fn given_more_accounts_than_one_page_then_the_bureau_comes_first_and_any_is_found_by_its_post() {
    let server = Server::start();
    for number in 0..60 {
        enrol(&server, &format!("安全管理员{number:02}"));
    }
    let admin = server.sign_in("admin-1");
    let first = page(&server, &admin, "/desk/accounts");
    assert_eq!(first.status, 200);
    assert_eq!(first.text.matches("name=\"actor\"").count(), 50);
    let at = |text: &str| first.text.find(text).unwrap();
    assert!(at("inspector-1") < at("安全管理员59") && at("安全管理员59") < at("安全管理员58"));
    let second = page(&server, &admin, "/desk/accounts?contains=&role=&offset=50");
    assert!(second.text.contains("安全管理员00") && !second.text.contains("安全管理员59"), "{}", second.text);
    let found = page(&server, &admin, "/desk/accounts?contains=管理员07&role=");
    assert_eq!(found.text.matches("name=\"actor\"").count(), 1, "{}", found.text);
    let named = page(&server, &admin, &format!("/desk/accounts?contains={}", server.actor("handler-1")));
    assert_eq!(named.text.matches("name=\"actor\"").count(), 1, "{}", named.text);
    let approvers = page(&server, &admin, "/desk/accounts?role=approver").text;
    assert!(approvers.contains("approver-1") && !approvers.contains("inspector-1"), "{approvers}");
    let nobody = page(&server, &admin, "/desk/accounts?contains=无此岗位");
    assert!(nobody.text.contains("没有符合条件的记录"), "{}", nobody.text);
    for query in ["role=owner", "offset=x", "offset=-1"] {
        assert_eq!(page(&server, &admin, &format!("/desk/accounts?{query}")).status, 400, "{query}");
    }
}

#[test]
fn given_a_role_that_ended_with_a_key_then_nobody_is_listed_under_it() {
    let server = Server::start();
    let admin = server.sign_in("admin-1");
    let holders =
        || page(&server, &admin, "/desk/accounts?role=approver").text.matches("name=\"actor\"").count();
    assert_eq!(holders(), 2);
    let person = server.person("approver-1");
    let stream = StreamId::new(StreamKind::Actor, person.actor.0).to_string();
    let new = SigningKey::generate(person.key.vkey().name()).unwrap().vkey();
    let rotate = json!({ "old": person.key.vkey(), "new": new });
    server.execute(Some(&stream), "actor.rotate_key", &rotate, &["admin-1", "admin-2"]);
    assert_eq!(holders(), 2, "the role goes on with the new key");
    let revoke = json!({ "role": "approver", "key": new });
    server.execute(Some(&stream), "actor.revoke", &revoke, &["admin-1"]);
    assert_eq!(holders(), 1);
}
