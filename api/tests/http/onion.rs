//! Behind Tor: plain HTTP to a name that only Tor finds.

use adit_api::Options;
use serde_json::json;

use crate::common::{PASSWORD, Server};
use crate::reporter::{fields, simple};

fn host() -> String {
    format!("{}bd.onion", "a2".repeat(27))
}

fn server() -> Server {
    let onion = Some(format!("http://{}", host()).parse().unwrap());
    Server::start_with(Options { onion, ..Options::default() })
}

#[test]
fn given_an_onion_service_then_pages_for_the_public_name_it_and_pages_of_the_office_do_not() {
    let server = server();
    for page in ["/", "/report?lang=en", "/my", "/verify"] {
        let reply = server.get(page, None);
        assert_eq!(reply.headers["onion-location"], format!("http://{}{page}", host()));
        let there = server.send("GET", page, &[("host", &host())], None);
        assert!(there.status == 200 && !there.headers.contains_key("onion-location"), "{page}");
        assert!(!there.headers.contains_key("strict-transport-security"), "{page}");
    }
    for page in [
        "/start",
        "/docs",
        "/rules",
        "/style.css",
        "/healthz",
        "/nowhere",
        "/tables/register",
        "/desk/sign-in",
    ] {
        assert!(!server.get(page, None).headers.contains_key("onion-location"), "{page}");
    }
    let sent = server.send(
        "POST",
        "/my",
        &[("content-type", "application/x-www-form-urlencoded")],
        Some(b"secret=x"),
    );
    assert!(sent.status == 422 && !sent.headers.contains_key("onion-location"));
    assert!(!Server::start().get("/", None).headers.contains_key("onion-location"), "where there is none");
}

#[test]
fn given_each_way_to_come_then_the_home_page_says_which_it_was() {
    let server = server();
    let onion = host();
    let ways = [
        (vec![("host", onion.as_str())], ["洋葱服务", "onion service"]),
        (vec![("x-forwarded-proto", "https")], ["加密的（https）", "encrypted (https)"]),
        (Vec::new(), ["没有加密（http）", "not encrypted (http)"]),
    ];
    for (headers, says) in ways {
        for (lang, says) in ["zh", "en"].into_iter().zip(says) {
            let page = server.send("GET", &format!("/?lang={lang}"), &headers, None).text;
            assert!(page.contains(says), "{says}: {page}");
        }
    }
}

#[test]
fn given_an_officer_who_comes_by_the_onion_then_the_cookie_is_one_that_a_browser_takes_over_http() {
    let server = server();
    let person = server.person("clerk-1");
    server.app.keystore.store(person.actor, &person.key, PASSWORD).unwrap();
    let body = json!({ "actor": person.actor, "password": PASSWORD }).to_string();
    let sign_in = |headers: &[(&str, &str)]| {
        let headers = [&[("content-type", "application/json")], headers].concat();
        server.send("POST", "/api/v1/sign-in", &headers, Some(body.as_bytes()))
    };
    let (onion, elsewhere) = (sign_in(&[("host", &host())]), sign_in(&[]));
    let (cookie, secure) = (&onion.headers["set-cookie"], &elsewhere.headers["set-cookie"]);
    assert!(cookie.starts_with("adit-onion=") && !cookie.contains("Secure"), "{cookie}");
    assert!(cookie.ends_with("Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(secure.starts_with("__Host-adit=") && secure.contains("Secure"), "{secure}");
    let cookie = cookie.split(';').next().unwrap();
    let session = |headers: &[(&str, &str)]| server.send("GET", "/api/v1/session", headers, None).status;
    assert_eq!(session(&[("cookie", cookie), ("host", &host())]), 200);
    assert_eq!(session(&[("cookie", cookie)]), 401, "a cookie without the prefix could be planted elsewhere");

    // The workbench, in and out.
    let onion = host();
    let form = format!("name={}&password={}", person.actor, escaped(PASSWORD));
    let typed = [("host", onion.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let entered = server.send_once("POST", "/desk/sign-in", &typed, Some(form.as_bytes()));
    let set = &entered.headers["set-cookie"];
    assert!(entered.status == 303 && set.starts_with("adit-onion=") && !set.contains("Secure"), "{set}");
    let cookie = set.split(';').next().unwrap();
    let own = [("host", onion.as_str()), ("cookie", cookie), ("sec-fetch-site", "same-origin")];
    assert_eq!(server.send_once("GET", "/desk", &own, None).status, 200);
    let left = server.send_once("POST", "/desk/sign-out", &own, None);
    let set = &left.headers["set-cookie"];
    assert!(left.status == 303 && set.starts_with("adit-onion=;") && set.ends_with("Max-Age=0"), "{set}");
    assert_eq!(session(&own), 401);
}

#[test]
fn given_a_reporter_who_comes_by_the_onion_then_the_whole_way_works() {
    let server = server();
    let secret = simple(&server);
    let mut form = fields(&[("secret", &secret), ("lang", "en")]);
    form.push(("step".to_owned(), "show".to_owned()));
    let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let onion = host();
    let headers = [("host", onion.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let reply = server.send("POST", "/my", &headers, Some(body.join("&").as_bytes()));
    assert!(reply.status == 200 && !reply.text.contains("https://"), "{}", reply.text);
    assert!(!reply.headers.contains_key("set-cookie"), "reporters get no cookie, whichever way they come");
}

fn escaped(text: &str) -> String {
    text.bytes().flat_map(|byte| format!("%{byte:02X}").into_bytes()).map(char::from).collect()
}
