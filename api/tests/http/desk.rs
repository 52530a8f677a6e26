//! The workbench over HTTP: forms, second signatures, what is shown to whom.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use serde_json::json;

use crate::common::{PASSWORD, Reply, Server, id};
use crate::sealed::{CANARY, reported, with_intake};

/// A page with a session.
pub(crate) fn page(server: &Server, token: &str, path: &str) -> Reply {
    server.get(path, Some(token))
}

/// Sends a form as a browser does.
pub(crate) fn send(server: &Server, token: Option<&str>, path: &str, fields: &[(&str, &str)]) -> Reply {
    let body = serde_urlencoded::to_string(fields).unwrap();
    let bearer = format!("Bearer {}", token.unwrap_or_default());
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    if token.is_some() {
        headers.push(("authorization", bearer.as_str()));
    }
    // Where an answer leads is looked at, not followed.
    server.send_once("POST", path, &headers, Some(body.as_bytes()))
}

fn verified<'a>(
    command: &'a str,
    hazard: &'a str,
    second: &'a str,
    password: &'a str,
) -> Vec<(&'a str, &'a str)> {
    vec![
        ("_id", command),
        ("_stream", hazard),
        ("_back", "/desk"),
        ("_second", second),
        ("_password", password),
        ("because", "风机停转，符合条款"),
        ("criterion", ""),
    ]
}

#[test]
fn given_nobody_is_signed_in_when_a_page_is_asked_for_then_it_leads_to_the_sign_in_and_back() {
    let server = Server::start();
    let reply = server.send_once("GET", "/desk/tables/register?status=closed", &[], None);
    assert_eq!(reply.status, 303);
    assert_eq!(reply.headers["location"], "/desk/sign-in?next=%2Fdesk%2Ftables%2Fregister%3Fstatus%3Dclosed");
    let inspector = server.person("inspector-1");
    server.app.keystore.store(inspector.actor, &inspector.key, PASSWORD).unwrap();
    let account = inspector.actor.to_string();
    let typed = [("name", account.as_str()), ("password", PASSWORD), ("next", "/desk/waiting")];
    let elsewhere = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    let sent = server.send("POST", "/desk/sign-in", &elsewhere, Some(b"name=x&password=y"));
    assert_eq!(sent.status, 403, "another site signs nobody in");
    let reply = send(&server, None, "/desk/sign-in", &typed);
    assert_eq!((reply.status, reply.headers["location"].as_str()), (303, "/desk/waiting"));
    let cookie = &reply.headers["set-cookie"];
    for part in ["__Host-adit=", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
}

#[test]
fn given_a_wrong_password_then_the_account_stays_typed_and_the_refusal_is_in_words() {
    let server = Server::start();
    let typed = [("name", "nobody"), ("password", "wrong password"), ("next", "https://evil.example/desk")];
    let reply = send(&server, None, "/desk/sign-in", &typed);
    assert_eq!(reply.status, 401);
    assert!(reply.text.contains("value=\"nobody\""), "what was typed is lost");
    assert!(!reply.text.contains("wrong password"), "the password comes back");
    assert!(!reply.text.contains("evil.example"), "the page leads elsewhere");
}

#[test]
fn given_a_reported_hazard_when_two_inspectors_sign_on_one_device_then_it_is_verified() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let (one, two) = (server.sign_in("inspector-1"), server.actor("inspector-2"));
    server.sign_in("inspector-2");
    let home = page(&server, &one, "/desk");
    assert!(home.text.contains(&format!("/desk/do/hazard.verify?stream={hazard}")), "{}", home.text);
    let form = page(&server, &one, &format!("/desk/do/hazard.verify?stream={hazard}"));
    assert!(form.text.contains(&two), "the second inspector can't be chosen: {}", form.text);
    let (size, command) = (server.size(), id());
    let fields = verified(&command, &hazard, &two, PASSWORD);
    let reply = send(&server, Some(&one), "/desk/do/hazard.verify", &fields);
    assert_eq!(reply.status, 303, "{}", reply.text);
    assert_eq!(reply.headers["location"], format!("/desk?recorded={size}"));
    let again = send(&server, Some(&one), "/desk/do/hazard.verify", &fields);
    assert_eq!((again.status, server.size()), (303, size + 1), "a double tap is one entry");
    let shown = page(&server, &one, &format!("/desk/streams/{hazard}?recorded={size}"));
    assert!(shown.text.contains("inspector-2") && shown.text.contains("role=\"status\""), "{}", shown.text);
}

#[test]
fn given_a_wrong_password_of_the_second_then_nothing_is_written_and_nothing_typed_is_lost() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let one = server.sign_in("inspector-1");
    server.sign_in("inspector-2");
    let (size, two, command) = (server.size(), server.actor("inspector-2"), id());
    let fields = verified(&command, &hazard, &two, "not their password");
    let reply = send(&server, Some(&one), "/desk/do/hazard.verify", &fields);
    assert_eq!((reply.status, server.size()), (401, size));
    assert!(reply.text.contains("风机停转，符合条款"), "{}", reply.text);
    assert!(!reply.text.contains("not their password"), "the password comes back");
}

#[test]
fn given_no_password_of_the_second_then_it_waits_until_they_sign_in_their_own_session() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let (one, two) = (server.sign_in("inspector-1"), server.sign_in("inspector-2"));
    let (other, command) = (server.actor("inspector-2"), id());
    let fields = verified(&command, &hazard, &other, "");
    let reply = send(&server, Some(&one), "/desk/do/hazard.verify", &fields);
    assert_eq!((reply.status, reply.headers["location"].as_str()), (303, "/desk/waiting"));
    let waits = page(&server, &two, "/desk/waiting");
    assert!(waits.text.contains("风机停转，符合条款"), "they see what they sign: {}", waits.text);
    let action = waits.text.split("action=\"/desk/waiting/").nth(1).unwrap().split('"').next().unwrap();
    let size = server.size();
    let reply = send(&server, Some(&two), &format!("/desk/waiting/{action}"), &[]);
    assert_eq!(reply.status, 303, "{}", reply.text);
    assert_eq!(reply.headers["location"], format!("/desk/streams/{hazard}?recorded={size}"));
    let reply = send(&server, Some(&one), &format!("/desk/waiting/{action}"), &[]);
    assert_eq!(reply.status, 404, "the first can't sign for the second");
}

#[test]
fn given_fields_that_do_not_fit_then_each_is_named_and_the_rest_stays() {
    let server = Server::start();
    let enterprise = server.sign_in_by_key("enterprise-1");
    let command = id();
    let fields = [
        ("_id", command.as_str()),
        ("_stream", ""),
        ("enterprise", &*server.enterprises[0].to_string()),
        ("origin", "self_inspection"),
        ("place", "<script>alert(1)</script>"),
        ("description", ""),
        ("found_on", "yesterday"),
        ("criterion", ""),
    ];
    let (size, reply) = (server.size(), send(&server, Some(&enterprise), "/desk/do/hazard.report", &fields));
    assert_eq!((reply.status, server.size()), (422, size));
    for part in ["description-fault", "found_on-fault", "&#60;script&#62;", "yesterday"] {
        assert!(reply.text.contains(part), "{part}: {}", reply.text);
    }
    assert!(!reply.text.contains("<script>"), "typed markup is markup");
}

#[test]
fn given_a_command_that_a_rule_refuses_then_the_page_says_which_and_why() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let handler = server.sign_in("handler-1");
    let shown = page(&server, &handler, &format!("/desk/streams/{hazard}"));
    assert!(!shown.text.contains(&format!("/desk/do/hazard.assign?stream={hazard}\"")), "{}", shown.text);
    let words = adit_core::refusal::Refusal::new("hazard.not_verified").words(adit_core::refusal::Lang::Zh);
    assert!(shown.text.contains(&words.says), "why not is not told: {}", shown.text);
    let command = id();
    let fields = [
        ("_id", command.as_str()),
        ("_stream", hazard.as_str()),
        ("_back", "/desk"),
        ("responsible_post", "通风区长"),
        ("due", "2024-05-20"),
    ];
    let (size, reply) = (server.size(), send(&server, Some(&handler), "/desk/do/hazard.assign", &fields));
    assert_eq!((reply.status, server.size()), (422, size));
    assert!(reply.text.contains("通风区长") && reply.text.contains(&words.says), "{}", reply.text);
}

#[test]
fn given_an_enterprise_then_it_sees_itself_alone() {
    let server = Server::start();
    let (own, other) = (server.hazard(0), server.hazard(1));
    let enterprise = server.sign_in_by_key("enterprise-1");
    assert_eq!(page(&server, &enterprise, &format!("/desk/streams/{own}")).status, 200);
    assert_eq!(page(&server, &enterprise, &format!("/desk/streams/{other}")).status, 403);
    let (report, _) = server.report();
    assert_eq!(page(&server, &enterprise, &format!("/desk/streams/{report}")).status, 403);
    for closed in ["inspections", "rewards", "statistics", "enterprises", "accountability"] {
        assert_eq!(page(&server, &enterprise, &format!("/desk/tables/{closed}")).status, 403, "{closed}");
    }
    let home = page(&server, &enterprise, "/desk");
    assert!(!home.text.contains(&other) && !home.text.contains("举报"), "{}", home.text);
}

#[test]
fn given_a_page_of_another_site_when_it_sends_a_form_with_the_cookie_then_it_is_refused() {
    let server = Server::start();
    let token = server.sign_in_by_key("handler-1");
    let cookie = format!("__Host-adit={token}");
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "cross-site"),
    ];
    for path in ["/desk/do/hazard.assign", "/desk/sign-out"] {
        let reply = server.send_once("POST", path, &headers, Some(b"_id=x"));
        assert_eq!(reply.status, 403, "{path}");
    }
    assert_eq!(page(&server, &token, "/desk").status, 200, "the session is over");
    assert_eq!(server.get("/desk/sign-out", Some(&token)).status, 405, "a link signs out");
}

#[test]
fn given_an_entry_that_was_answered_when_a_page_is_opened_at_once_then_it_stands_there() {
    let server = Server::start();
    let token = server.sign_in_by_key("leader-1");
    for _ in 0..30 {
        let hazard = server.hazard(0);
        let shown = page(&server, &token, "/desk/tables/register?status=reported");
        assert!(shown.text.contains(&hazard), "{}", shown.text);
    }
}

#[test]
fn given_filters_and_columns_then_the_table_shows_them_page_by_page() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let token = server.sign_in_by_key("leader-1");
    let shown =
        page(&server, &token, "/desk/tables/register?status=reported&town=&column=place&column=status");
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.text.contains("主井口") && shown.text.contains(&hazard), "{}", shown.text);
    assert!(!shown.text.contains("<td><b>企业</b>"), "a column that was not asked for");
    let none = page(&server, &token, "/desk/tables/register?status=closed");
    assert!(!none.text.contains(&hazard), "{}", none.text);
    assert_eq!(page(&server, &token, "/desk/tables/register?colour=red").status, 400);
    assert_eq!(page(&server, &token, "/desk/tables/nothing").status, 404);
}

#[test]
fn given_a_language_then_every_page_speaks_it() {
    let server = Server::start();
    let token = server.sign_in_by_key("inspector-1");
    let reply = send(&server, None, "/desk/language", &[("language", "en"), ("next", "//evil.example")]);
    assert_eq!((reply.status, reply.headers["location"].as_str()), (303, "/desk"));
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("cookie", "adit-language=en")];
    for path in ["/desk", "/desk/waiting", "/desk/tables/register", "/desk/do/hazard.report"] {
        let shown = server.send("GET", path, &headers, None);
        assert!(shown.text.contains("<html lang=\"en\">"), "{path}: {}", shown.text);
    }
    assert_eq!(json!(send(&server, None, "/desk/language", &[("language", "fr")]).status), json!(400));
}

#[test]
fn given_a_sealed_report_then_intake_opens_it_after_the_log_has_it_and_writes_back_sealed() {
    let server = with_intake(Server::start());
    let report = reported(&server, &[]);
    let token = server.sign_in("intake-1");
    let case = page(&server, &token, &format!("/desk/streams/{}", report.stream));
    assert!(case.text.contains(report.testimony["blob"].as_str().unwrap()), "{}", case.text);
    assert!(!case.text.contains(CANARY), "the words stand on a page that nobody opened");
    let (size, open) = (server.size(), format!("/desk/reports/{}/open", report.id()));
    let opened = send(&server, Some(&token), &open, &[("blob", report.testimony["blob"].as_str().unwrap())]);
    assert_eq!((opened.status, server.size()), (200, size + 1), "{}", opened.text);
    assert!(opened.text.contains(CANARY), "{}", opened.text);
    let write = format!("/desk/reports/{}/write", report.id());
    let form = page(&server, &token, &format!("{write}?command=report.message"));
    assert_eq!(form.status, 200, "{}", form.text);
    let command = id();
    let letter = [("_id", command.as_str()), ("command", "report.message"), ("words", "收到，请补充地点。")];
    let sent = send(&server, Some(&token), &write, &letter);
    assert_eq!((sent.status, server.size()), (303, size + 2), "{}", sent.text);
    let again = send(&server, Some(&token), &write, &letter);
    assert_eq!((again.status, server.size()), (303, size + 2), "a double tap is one letter");
    let command = id();
    let blank = send(
        &server,
        Some(&token),
        &write,
        &[("_id", command.as_str()), ("command", "report.message"), ("words", " ")],
    );
    assert_eq!((blank.status, server.size()), (422, size + 2));
    // Somebody else accepts it while a letter is being written.
    let form = page(&server, &token, &format!("{write}?command=report.message")).text;
    let seen = form.split("name=\"_seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    server.execute(Some(&report.stream), "report.accept", &json!({}), &["intake-2"]);
    let (size, command) = (server.size(), id());
    let letter = |seen| {
        [
            ("_id", command.as_str()),
            ("_seen", seen),
            ("command", "report.message"),
            ("words", "请问在几号巷道？"),
        ]
    };
    let stopped = send(&server, Some(&token), &write, &letter(seen));
    assert_eq!((stopped.status, server.size()), (409, size), "{}", stopped.text);
    assert!(stopped.text.contains("已受理") && stopped.text.contains("几号巷道"), "{}", stopped.text);
    let now = stopped.text.split("name=\"_seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(send(&server, Some(&token), &write, &letter(now)).status, 303);
    assert_eq!(page(&server, &token, "/desk/tables/corroboration").status, 200);
    let docket = page(&server, &token, "/desk/tables/docket?report_status=accepted");
    assert!(docket.text.contains(&report.stream), "{}", docket.text);
}

#[test]
fn given_an_officer_whom_the_reporter_excludes_then_no_page_tells_them_of_the_report() {
    let server = with_intake(Server::start());
    let report = reported(&server, &["handler-1"]);
    let token = server.sign_in("handler-1");
    for path in [
        format!("/desk/streams/{}", report.stream),
        format!("/desk/reports/{}/write?command=report.message", report.id()),
        format!("/desk/do/report.accept?stream={}", report.stream),
    ] {
        assert_eq!(page(&server, &token, &path).status, 404, "{path}");
    }
    let blob = [("blob", report.testimony["blob"].as_str().unwrap())];
    let open = format!("/desk/reports/{}/open", report.id());
    assert_eq!(send(&server, Some(&token), &open, &blob).status, 404);
    for path in ["/desk", "/desk/tables/docket", "/desk/tables/deadlines"] {
        assert!(!page(&server, &token, path).text.contains(report.id()), "{path}");
    }
}

#[test]
fn given_a_part_of_a_name_then_the_enterprise_is_found_or_asked_for() {
    let server = Server::start();
    let token = server.sign_in("clerk-1");
    let hazard = |enterprise: &str| {
        let command = id();
        let fields = [
            ("_id", command.as_str()),
            ("_stream", ""),
            ("enterprise", enterprise),
            ("origin", "monitoring_alert"),
            ("place", "尾矿库"),
            ("description", "浸润线超限"),
            ("found_on", "2024-05-09"),
        ];
        send(&server, Some(&token), "/desk/do/hazard.report", &fields)
    };
    assert_eq!(hazard("示例二").status, 303);
    let which = hazard("示例");
    assert_eq!(which.status, 422);
    for enterprise in &server.enterprises {
        assert!(which.text.contains(&format!("value=\"{enterprise}\"")), "{}", which.text);
    }
    assert_eq!(hazard("没有这一家").status, 422);
}

/// The code that stands on the page of accounts after somebody was invited.
fn code_on(page: &str) -> String {
    page.split("class=\"voucher\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

/// Where a page leads that begins with these letters.
pub(crate) fn link(page: &str, begins: &str) -> String {
    let at = page.find(&format!("href=\"{begins}")).unwrap_or_else(|| panic!("no link to {begins}: {page}"));
    page[at + 6..].split('"').next().unwrap().replace("&#38;", "&")
}

/// The fields of a form that hold something, as a browser would send them.
pub(crate) fn fields_of(page: &str) -> Vec<(String, String)> {
    let inputs = page.split("<form class=\"act\"").nth(1).unwrap_or(page).split("<input ").skip(1);
    let attribute = |input: &str, name: &str| {
        Some(
            input
                .split(&format!("{name}=\""))
                .nth(1)?
                .split('"')
                .next()?
                .replace("&#43;", "+")
                .replace("&#38;", "&"),
        )
    };
    inputs
        .filter(|input| !input.contains("type=\"radio\"") || input.contains(" checked"))
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default())))
        .collect()
}

#[test]
fn given_an_invitation_then_its_holder_alone_knows_the_password_and_two_administrators_let_them_in() {
    let server = Server::start();
    let (one, two) = (server.sign_in("admin-1"), server.actor("admin-2"));
    server.sign_in("admin-2");
    let typed = [
        ("what", "invite"),
        ("account", "li.ming"),
        ("title", "检查一科"),
        ("role", "inspector"),
        ("enterprise", ""),
    ];
    let invited = send(&server, Some(&one), "/desk/accounts", &typed);
    assert_eq!(invited.status, 200, "{}", invited.text);
    let code = code_on(&invited.text);
    let again = send(&server, Some(&one), "/desk/accounts", &typed);
    assert_eq!(again.status, 409, "the account name is taken twice");
    let taken = |code: &str, again: &str| {
        let typed = [("code", code), ("password", "a password of their own"), ("again", again)];
        send(&server, None, "/desk/invitation", &typed)
    };
    assert_eq!(taken("no such code", "a password of their own").status, 404);
    let differ = taken(&code, "another password");
    assert!(differ.status == 422 && differ.text.contains(&code), "{}", differ.text);
    assert_eq!(taken(&code, "a password of their own").status, 200);
    assert_eq!(taken(&code, "a password of their own").status, 404, "a code is used once");
    let sign_in = || {
        let typed = [("name", "li.ming"), ("password", "a password of their own"), ("next", "")];
        send(&server, None, "/desk/sign-in", &typed)
    };
    assert_eq!(sign_in().status, 401, "nobody has enrolled them");
    let accounts = page(&server, &one, "/desk/accounts");
    let name = accounts.text.split("name=\"name\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let enrolled = send(&server, Some(&one), "/desk/accounts", &[("what", "enrol"), ("name", name)]);
    assert_eq!(enrolled.status, 303, "{}", enrolled.text);
    let accounts = page(&server, &one, "/desk/accounts");
    let form = page(&server, &one, &link(&accounts.text, "/desk/do/actor.grant"));
    assert_eq!(form.status, 200, "{}", form.text);
    let mut fields = fields_of(&form.text);
    fields.retain(|(name, _)| !["_password", "role"].contains(&name.as_str()));
    fields.extend([("_second", two.as_str()), ("_password", PASSWORD), ("role", "inspector")].map(owned));
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let granted = send(&server, Some(&one), "/desk/do/actor.grant", &fields);
    assert_eq!(granted.status, 303, "{}", granted.text);
    assert_eq!(sign_in().status, 303, "the account can't sign in");
    assert_eq!(crate::share::reading_keys(&server), 1, "who was invited reads");
    let accounts = page(&server, &one, "/desk/accounts");
    assert!(!accounts.text.contains("/desk/do/actor.grant"), "an invitation stays: {}", accounts.text);
    let other = server.sign_in_by_key("clerk-1");
    assert_eq!(page(&server, &other, "/desk/accounts").status, 403);
    assert_eq!(send(&server, Some(&other), "/desk/accounts", &typed).status, 403);
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn given_a_lost_key_then_two_administrators_let_a_new_one_take_its_place() {
    let server = Server::start();
    let (one, two, lost) = (server.sign_in("admin-1"), server.actor("admin-2"), server.actor("handler-1"));
    server.sign_in("admin-2");
    let handler = server.sign_in("handler-1");
    let renewed = send(&server, Some(&one), "/desk/accounts", &[("what", "renew"), ("actor", &lost)]);
    let code = code_on(&renewed.text);
    let typed = [
        ("code", code.as_str()),
        ("password", "the password afterwards"),
        ("again", "the password afterwards"),
    ];
    assert_eq!(send(&server, None, "/desk/invitation", &typed).status, 200);
    assert_eq!(page(&server, &handler, "/desk").status, 200, "the old key ended too early");
    let accounts = page(&server, &one, "/desk/accounts");
    let form = page(&server, &one, &link(&accounts.text, "/desk/do/actor.rotate_key"));
    let mut fields = fields_of(&form.text);
    fields.retain(|(name, _)| name != "_password");
    fields.extend([("_second", two.as_str()), ("_password", PASSWORD)].map(owned));
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let rotated = send(&server, Some(&one), "/desk/do/actor.rotate_key", &fields);
    assert_eq!(rotated.status, 303, "{}", rotated.text);
    assert_eq!(crate::share::reading_keys(&server), 1, "a new key comes with one that reads");
    assert_ne!(page_once(&server, &handler, "/desk"), 200, "the session of the old key goes on");
    for (password, status) in [(PASSWORD, 401), ("the password afterwards", 303)] {
        let typed = [("name", lost.as_str()), ("password", password), ("next", "")];
        assert_eq!(send(&server, None, "/desk/sign-in", &typed).status, status, "{password}");
    }
}

fn page_once(server: &Server, token: &str, path: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    server.send_once("GET", path, &[("authorization", &bearer)], None).status
}

#[test]
fn given_ones_own_account_then_the_password_changes_and_other_sessions_end() {
    let server = Server::start();
    let (one, other) = (server.sign_in("leader-1"), server.sign_in("leader-1"));
    let mine = page(&server, &one, "/desk/me");
    assert_eq!(mine.text.matches("name=\"session\"").count(), 1, "{}", mine.text);
    let fields = |old: &'static str, again: &'static str| {
        [("what", "password"), ("password", old), ("fresh", "another long password"), ("again", again)]
    };
    let wrong = send(&server, Some(&one), "/desk/me", &fields("not the password", "another long password"));
    assert_eq!(wrong.status, 401);
    assert_eq!(send(&server, Some(&one), "/desk/me", &fields(PASSWORD, "another")).status, 422);
    let done = send(&server, Some(&one), "/desk/me", &fields(PASSWORD, "another long password"));
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!((page_once(&server, &one, "/desk"), page_once(&server, &other, "/desk")), (200, 303));
}

#[test]
fn given_a_second_factor_then_a_password_alone_signs_nobody_in() {
    let server = Server::start();
    let token = server.sign_in("finance-1");
    let offered = send(&server, Some(&token), "/desk/me", &[("what", "offer")]);
    let secret = offered.text.split("name=\"secret\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields =
        |code: &'static str| [("what", "begin"), ("secret", secret), ("code", code), ("password", PASSWORD)];
    let wrong = send(&server, Some(&token), "/desk/me", &fields("000000"));
    assert!(wrong.status == 401 && wrong.text.contains(secret), "{}", wrong.text);
    let seconds = u64::try_from(server.app.office.ledger().now().0).unwrap();
    let bytes = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(bytes).build().unwrap();
    let code = totp.generate(seconds).to_string();
    let fields = [("what", "begin"), ("secret", secret), ("code", &code), ("password", PASSWORD)];
    assert_eq!(send(&server, Some(&token), "/desk/me", &fields).status, 200);
    let account = server.actor("finance-1");
    let sign_in = |code: &str| {
        let typed = [("name", account.as_str()), ("password", PASSWORD), ("code", code), ("next", "")];
        send(&server, None, "/desk/sign-in", &typed)
    };
    let asks = sign_in("");
    assert!(asks.status == 401 && asks.text.contains("one-time-code"), "{}", asks.text);
    assert_eq!(sign_in("123456").status, 401);
    assert_eq!(sign_in(&code).status, 303);
    assert_eq!(sign_in(&code).status, 401, "a code is used twice");
    let api = json!({ "actor": account, "password": PASSWORD });
    server.post("/api/v1/sign-in", None, &api).refused(401, "api.needs_code");
}

#[test]
fn given_a_plan_of_the_morning_then_the_log_has_its_commitment_alone_and_its_maker_opens_it() {
    let server = Server::start();
    let (one, two) = (server.sign_in("inspector-1"), server.actor("inspector-2"));
    server.sign_in("inspector-2");
    let command = id();
    let fields = [
        ("_id", command.as_str()),
        ("enterprise", "示例二"),
        ("scope", "通风与瓦斯"),
        ("_second", two.as_str()),
        ("_password", PASSWORD),
        ("_code", ""),
    ];
    let size = server.size();
    let sealed = send(&server, Some(&one), "/desk/plans", &fields);
    assert_eq!((sealed.status, server.size()), (303, size + 1), "{}", sealed.text);
    assert_eq!(send(&server, Some(&one), "/desk/plans", &fields).status, 303);
    assert_eq!(server.size(), size + 1, "a double tap is two plans");
    for path in std::fs::read_dir(server.folder().join("data.keys/actors/plans")).unwrap() {
        let kept = std::fs::read(path.unwrap().path()).unwrap();
        assert!(
            !kept.windows(12).any(|window| window == "通风与瓦".as_bytes()),
            "the plan can be read on the disk"
        );
    }
    let other = server.sign_in("inspector-2");
    let first = server.actor("inspector-1");
    let same = [
        ("_id", command.as_str()),
        ("enterprise", ""),
        ("scope", "x"),
        ("_second", first.as_str()),
        ("_password", PASSWORD),
    ];
    assert_eq!(
        send(&server, Some(&other), "/desk/plans", &same).status,
        409,
        "another's plan is written over"
    );
    assert!(
        !page(&server, &other, "/desk/plans").text.contains("通风与瓦斯"),
        "the plan is shown to another"
    );
    let plans = page(&server, &one, "/desk/plans");
    assert!(plans.text.contains("通风与瓦斯") && plans.text.contains("示例二矿"), "{}", plans.text);
    let form = page(&server, &one, &link(&plans.text, "/desk/do/inspection.open"));
    let mut fields = fields_of(&form.text);
    fields.retain(|(name, _)| !["_password", "_code"].contains(&name.as_str()));
    fields.extend([("_second", two.as_str()), ("_password", PASSWORD)].map(owned));
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let opened = send(&server, Some(&one), "/desk/do/inspection.open", &fields);
    assert_eq!(opened.status, 303, "{}", opened.text);
    let none =
        [("_id", &*id()), ("enterprise", ""), ("scope", ""), ("_second", &two), ("_password", PASSWORD)];
    assert_eq!(send(&server, Some(&one), "/desk/plans", &none).status, 303, "a morning without a plan");
    let unknown = [
        ("_id", &*id()),
        ("enterprise", "没有这一家"),
        ("scope", "x"),
        ("_second", &two),
        ("_password", PASSWORD),
    ];
    let refused = send(&server, Some(&one), "/desk/plans", &unknown);
    assert!(refused.status == 422 && refused.text.contains("没有这一家"), "{}", refused.text);
    let clerk = server.sign_in_by_key("clerk-1");
    assert_eq!(page(&server, &clerk, "/desk/plans").status, 403);
}

#[test]
fn given_a_voucher_then_finance_sees_its_amount_and_neither_name_nor_case() {
    let server = Server::start();
    let finance = server.sign_in("finance-1");
    let none = send(&server, Some(&finance), "/desk/vouchers", &[("code", "no such voucher")]);
    assert_eq!(none.status, 404, "{}", none.text);
    let other = server.sign_in_by_key("approver-1");
    assert_eq!(page(&server, &other, "/desk/vouchers").status, 403);
    assert_eq!(send(&server, Some(&other), "/desk/vouchers", &[("code", "x")]).status, 403);
}

#[test]
fn given_a_hazard_then_whoever_investigates_sees_its_trace_as_of_any_day_and_nobody_else() {
    let server = Server::start();
    let hazard = server.hazard(0);
    let major = json!({ "criterion": "NCM88-一(地下矿山)-四", "because": "现场核实" });
    server.execute(Some(&hazard), "hazard.verify", &major, &["inspector-1", "inspector-2"]);
    let path = format!("/desk/trace/{}", hazard.split('/').nth(1).unwrap());
    let token = server.sign_in_by_key("investigator-1");
    let trace = page(&server, &token, &path);
    assert!(
        trace.status == 200 && trace.text.contains("<svg") && trace.text.contains("enterprise-1"),
        "{}",
        trace.text
    );
    assert_eq!(page(&server, &token, &format!("{path}?as_of=2024-05-10")).status, 200);
    assert_eq!(page(&server, &token, &format!("{path}?as_of=2024-05-09")).status, 404, "before it was there");
    assert_eq!(page(&server, &token, &format!("{path}?as_of=yesterday")).status, 400);
    for who in ["inspector-1", "clerk-1", "enterprise-1", "finance-1", "admin-1"] {
        let token = server.sign_in_by_key(who);
        assert_eq!(page(&server, &token, &path).status, 403, "{who}");
    }
}

#[test]
fn given_a_self_report_then_its_certificate_is_a_document_once_it_is_published() {
    let server = Server::start();
    let (hazard, other) = (server.hazard(0), server.hazard(1));
    let path = |hazard: &str| format!("/desk/certificates/{}", hazard.split('/').nth(1).unwrap());
    let token = server.sign_in_by_key("enterprise-1");
    assert_eq!(page(&server, &token, &path(&hazard)).status, 409, "nobody could check it yet");
    server.app.office.ledger().publish_now();
    let certificate = page(&server, &token, &path(&hazard));
    assert_eq!(certificate.status, 200, "{}", certificate.text);
    assert!(certificate.bytes.starts_with(b"%PDF-"));
    assert_eq!(certificate.headers["content-type"], "application/pdf");
    assert_eq!(page(&server, &token, &path(&other)).status, 403);
}

#[test]
fn given_an_address_then_the_board_is_a_document_and_one_that_tells_where_is_refused() {
    let server = Server::start();
    let token = server.sign_in_by_key("clerk-1");
    assert_eq!(page(&server, &token, "/desk/poster").status, 200);
    let fields = |address: &'static str| {
        [("address", address), ("size", "a4"), ("telephone", "0412-0000000"), ("letters", "")]
    };
    let made = send(&server, Some(&token), "/desk/poster", &fields("https://report.example"));
    assert_eq!(made.status, 200, "{}", made.text);
    assert!(made.bytes.starts_with(b"%PDF-"));
    let refused = send(&server, Some(&token), "/desk/poster", &fields("https://report.example/?mine=3"));
    assert!(refused.status == 422 && refused.text.contains("mine=3"), "{}", refused.text);
    let finance = server.sign_in_by_key("finance-1");
    assert_eq!(page(&server, &finance, "/desk/poster").status, 403);
}

#[test]
fn given_a_call_then_the_clerk_reads_out_number_and_code_and_what_is_missing_loses_nothing() {
    let server = with_intake(Server::start());
    let token = server.sign_in("intake-1");
    let form = page(&server, &token, "/desk/telephone");
    assert!(form.status == 200 && form.text.contains("现在有没有人受伤"), "{}", form.text);
    let fields = |words: &'static str, excluded: String| {
        let id = id();
        move |server: &Server, token: &str| {
            let fields = [
                ("_id", id.as_str()),
                ("channel", "telephone"),
                ("enterprise", "示例一矿"),
                ("kind", "gas"),
                ("words", words),
                ("insider", "yes"),
                ("excluded", excluded.as_str()),
            ];
            send(server, Some(token), "/desk/telephone", &fields)
        }
    };
    let size = server.size();
    let missing = fields("", String::new())(&server, &token);
    assert_eq!((missing.status, server.size()), (422, size));
    assert!(missing.text.contains("value=\"示例一矿\""), "{}", missing.text);
    let call = fields("三号井口没有通风", String::new());
    let taken = call(&server, &token);
    assert_eq!((taken.status, server.size()), (200, size + 1), "{}", taken.text);
    let code =
        |page: &str| page.split("class=\"voucher\">").nth(2).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(code(&taken.text).chars().filter(char::is_ascii_digit).count(), 16);
    let again = call(&server, &token);
    assert_eq!((again.status, server.size()), (200, size + 1), "a double tap is two reports");
    assert_eq!(code(&taken.text), code(&again.text));
    assert!(!taken.text.contains("没有通风"), "the words come back");
    let conflict = fields("三号井口没有通风", server.actor("intake-1"))(&server, &token);
    assert_eq!((conflict.status, server.size()), (403, size + 1), "whoever is excluded takes it down");
    let inspector = server.sign_in_by_key("inspector-1");
    assert_eq!(page(&server, &inspector, "/desk/telephone").status, 403);
}
