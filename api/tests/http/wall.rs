//! A wall screen: what its session can't do, and how it ends.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use serde_json::json;

use crate::access::{questions, streams};
use crate::common::{PASSWORD, Server};
use crate::desk::{page, send};

/// Turns a session into one that shows the wall, and gives back its new id.
fn hung(server: &Server, token: &str) -> String {
    let asked = page(server, token, "/desk/wall");
    assert!(asked.status == 200 && asked.text.contains("变为大屏"), "{}", asked.text);
    let reply = send(server, Some(token), "/desk/wall", &[]);
    assert_eq!((reply.status, reply.headers["location"].as_str()), (303, "/desk/wall"), "{}", reply.text);
    let cookie = reply.headers["set-cookie"].clone();
    cookie.split_once('=').unwrap().1.split(';').next().unwrap().to_owned()
}

fn once(server: &Server, token: &str, path: &str) -> u16 {
    server.send_once("GET", path, &[("authorization", &format!("Bearer {token}"))], None).status
}

/// Every route that there is, from the document that is made of the routes.
#[test]
fn given_a_session_that_shows_a_wall_then_it_gets_the_wall_and_no_other_route_and_signs_nothing() {
    let server = Server::start();
    server.report();
    let hazard = server.hazard(1);
    let verify = json!({ "because": "符合条款", "criterion": null });
    server.execute(Some(&hazard), "hazard.verify", &verify, &["inspector-1", "inspector-2"]);
    let token = server.sign_in("leader-1");
    let wall = hung(&server, &token);
    assert_eq!(once(&server, &token, "/desk/wall"), 303, "the session that could sign is still there");
    let bearer = ("authorization", &*format!("Bearer {wall}"));
    let mut denied = 0;
    for (method, path) in questions(&streams(&server)) {
        let open = ["/desk/wall", "/desk.css", "/style.css"].contains(&path.as_str())
            || path.starts_with("/desk/live")
            || path.starts_with("/web/");
        if (open && method == "GET") || path.ends_with("/sign-out") {
            continue;
        }
        let form = [bearer, ("content-type", "application/x-www-form-urlencoded")];
        let body: Option<&[u8]> = (!["GET", "HEAD", "DELETE"].contains(&method.as_str())).then_some(b"");
        let reply = server.send_once(&method, &path, &form, body);
        let led_back = reply.status == 303 && reply.headers["location"] == "/desk/wall" && method == "GET";
        assert!(led_back || reply.status == 403, "{method} {path}: {} {}", reply.status, reply.text);
        denied += 1;
    }
    assert!(denied > 100, "only {denied} routes");
    for path in ["/api/v1/session", "/no/such/page", "/figures"] {
        server.send_once("GET", path, &[bearer], None).refused(403, "api.wall_only");
    }

    let shown = page(&server, &wall, "/desk/wall");
    assert_eq!((shown.status, shown.headers["refresh"].as_str()), (200, "60"));
    let (links, forms) = (shown.text.matches("<a ").count(), shown.text.matches("<form").count());
    assert_eq!((links, forms), (0, 1), "{}", shown.text);
    for name in ["示例一矿", "示例二矿", "report/", "hazard/"] {
        assert!(!shown.text.contains(name), "{name} stands on a wall");
    }
}

#[test]
fn given_a_wall_then_it_outlives_idleness_ends_after_its_days_and_from_elsewhere_and_with_the_account() {
    let server = Server::start();
    let wall = hung(&server, &server.sign_in("leader-1"));
    for _ in 0..29 {
        server.clock.advance_seconds(24 * 3600);
        assert_eq!(once(&server, &wall, "/desk/wall"), 200);
    }
    let other = server.sign_in("leader-1");
    let me = page(&server, &other, "/desk/me");
    assert!(me.text.contains("大屏："), "{}", me.text);
    server.clock.advance_seconds(24 * 3600 + 1);
    assert_eq!(once(&server, &wall, "/desk/wall"), 303, "it hangs for ever");

    let (wall, other) = (hung(&server, &server.sign_in("leader-1")), server.sign_in("leader-1"));
    let me = page(&server, &other, "/desk/me");
    let name = me.text.split("name=\"session\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(send(&server, Some(&other), "/desk/me", &[("what", "end"), ("session", name)]).status, 303);
    assert_eq!((once(&server, &wall, "/desk/wall"), once(&server, &other, "/desk")), (303, 200));

    let wall = hung(&server, &other);
    assert_eq!(send(&server, Some(&wall), "/desk/sign-out", &[]).status, 303);
    assert_eq!(once(&server, &wall, "/desk/wall"), 303);

    let (first, second) = (hung(&server, &server.sign_in("leader-1")), server.sign_in("leader-1"));
    let fields = [
        ("what", "password"),
        ("password", PASSWORD),
        ("fresh", "another password"),
        ("again", "another password"),
    ];
    assert_eq!(send(&server, Some(&second), "/desk/me", &fields).status, 200);
    assert_eq!(once(&server, &first, "/desk/wall"), 303, "another password leaves it hanging");

    let wall = hung(&server, &server.sign_in("leader-2"));
    let stream = format!("actor/{}", server.actor("leader-2"));
    server.execute(Some(&stream), "actor.suspend", &json!({ "because": "调离" }), &["admin-1"]);
    assert_eq!(once(&server, &wall, "/desk/wall"), 303, "a suspended account hangs on");

    for who in ["finance-1", "enterprise-1", "admin-1", "auditor-1"] {
        let token = server.sign_in_by_key(who);
        assert_eq!(page(&server, &token, "/desk/wall").status, 403, "{who}");
        assert_eq!(send(&server, Some(&token), "/desk/wall", &[]).status, 403, "{who}");
    }
}
