//! Whatever comes in wrong gets a named refusal with words in both languages, and writes nothing.

use crate::common::{Server, id, self_report};
use serde_json::{Value, json};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// The text of a command with `data` as it stands.
fn command(data: &str) -> String {
    format!("{{\"id\":\"{}\",\"type\":\"hazard.report\",\"data\":{data}}}", id())
}

fn with(server: &Server, field: &str, value: &Value) -> String {
    let mut data = self_report(&server.enterprises[0]);
    data[field] = value.clone();
    command(&data.to_string())
}

type Case = (&'static str, Vec<u8>, u16, &'static str);

/// Requests that are not JSON of a command at all.
fn forms(good: &str) -> Vec<Case> {
    let twice = good.replacen('{', "{\"place\":\"a\",", 1);
    vec![
        ("empty", b"".into(), 400, "api.bad_json"),
        ("no JSON", b"{\"id\":".into(), 400, "api.bad_json"),
        ("NaN", b"{\"id\":NaN}".into(), 400, "api.bad_json"),
        ("two documents", format!("{}{{}}", command(good)).into(), 400, "api.bad_json"),
        ("lone surrogate", command("{\"place\":\"\\ud800\"}").into(), 400, "api.bad_json"),
        ("invalid UTF-8", b"{\"id\":\"\xff\"}".into(), 400, "api.not_utf8"),
        (
            "deep",
            command(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).into(),
            400,
            "api.too_deep",
        ),
        (
            "deep object",
            command(&format!("{}1{}", "{\"a\":".repeat(40), "}".repeat(40))).into(),
            400,
            "api.too_deep",
        ),
        ("key twice", command(&twice).into(), 400, "api.duplicate_key"),
        ("array", b"[]".into(), 400, "api.wrong_value"),
        ("null", b"null".into(), 400, "api.wrong_value"),
        ("null data", command("null").into(), 400, "api.wrong_value"),
    ]
}

/// Commands whose fields do not fit.
fn fields(server: &Server) -> Vec<Case> {
    let with = |field: &str, value: &Value| with(server, field, value);
    let mut lacking = self_report(&server.enterprises[0]);
    lacking.as_object_mut().unwrap().remove("place");
    vec![
        ("missing field", command(&lacking.to_string()).into(), 400, "api.missing_field"),
        ("unknown field", with("score", &json!(100)).into(), 400, "api.unknown_field"),
        ("a time of one's own", with("at", &json!("2020-01-01T00:00:00Z")).into(), 400, "api.unknown_field"),
        ("number for text", with("place", &json!(7)).into(), 400, "api.wrong_value"),
        ("null for text", with("place", &Value::Null).into(), 400, "api.wrong_value"),
        ("blank text", with("place", &json!(" \u{3000} ")).into(), 400, "api.wrong_value"),
        ("NUL", with("place", &json!("a\u{0}b")).into(), 400, "api.wrong_value"),
        ("bidi override", with("place", &json!("a\u{202e}b")).into(), 400, "api.wrong_value"),
        ("overlong text", with("description", &json!("长".repeat(60_000))).into(), 400, "api.wrong_value"),
        ("29 February 2023", with("found_on", &json!("2023-02-29")).into(), 400, "api.wrong_value"),
        (
            "an instant for a day",
            with("found_on", &json!("2024-05-09T00:00:00Z")).into(),
            400,
            "api.wrong_value",
        ),
        ("no stream id", with("enterprise", &json!("enterprise/1")).into(), 400, "api.wrong_value"),
        ("unknown variant", with("origin", &json!("report")).into(), 400, "api.wrong_value"),
        (
            "bad command id",
            b"{\"id\":\"1\",\"type\":\"hazard.report\",\"data\":{}}".into(),
            400,
            "api.wrong_value",
        ),
        (
            "unknown type",
            command("{}").replace("hazard.report", "hazard.delete").into(),
            400,
            "api.unknown_command",
        ),
        (
            "event for command",
            command("{}").replace("hazard.report", "hazard.reported").into(),
            400,
            "api.unknown_command",
        ),
        ("no type", format!("{{\"id\":\"{}\",\"data\":{{}}}}", id()).into(), 400, "api.missing_field"),
        (
            "no data",
            format!("{{\"id\":\"{}\",\"type\":\"hazard.report\"}}", id()).into(),
            400,
            "api.missing_field",
        ),
        ("too large", command(&format!("\"{}\"", "x".repeat(256 * 1024))).into(), 413, "api.too_large"),
        ("unlawful day", with("found_on", &json!("2999-01-01")).into(), 422, "hazard.found_in_future"),
    ]
}

#[test]
fn nothing_wrong_gets_in() {
    let server = Server::start();
    let token = server.sign_in("enterprise-1");
    let bearer = format!("Bearer {token}");
    let size = server.size();
    let good = self_report(&server.enterprises[0]).to_string();
    for (name, body, status, code) in forms(&good).into_iter().chain(fields(&server)) {
        let headers = [JSON[0], ("authorization", bearer.as_str())];
        let reply = server.send("POST", "/api/v1/commands", &headers, Some(&body));
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{name}: {}", reply.text);
        reply.refused(status, code);
    }
    assert_eq!(server.size(), size, "something was written");
}

#[test]
fn an_amount_with_a_fraction_of_a_fen_is_refused() {
    let server = Server::start();
    let token = server.sign_in("approver-1");
    let hazard = server.hazard(0);
    let size = server.size();
    for amount in [json!("1.001"), json!("-1"), json!("1e3"), json!(12.5), json!(""), json!("1,000")] {
        let data = json!({ "decision": "示罚〔2024〕1 号", "decided_on": "2024-05-10", "unit_fine_yuan": amount,
            "article": "第一百零一条" });
        server.command(&token, Some(&hazard), "hazard.penalise", &data).refused(400, "api.wrong_value");
    }
    assert_eq!(server.size(), size);
}

#[test]
fn a_fault_is_shown_where_it_stands_and_never_what_was_typed() {
    let server = Server::start();
    let token = server.sign_in("enterprise-1");
    let secret = "the-reporter-is-canary";
    let text = format!(
        "{{\"id\":\"{}\",\n \"type\":\"hazard.report\",\n \"data\":{{\"enterprise\":\"{}\",\n  \"{secret}\":\"{secret}\"}}}}",
        id(),
        server.enterprises[0]
    );
    let headers = [JSON[0], ("authorization", &*format!("Bearer {token}"))];
    let reply = server.send("POST", "/api/v1/commands", &headers, Some(text.as_bytes()));
    reply.refused(400, "api.unknown_field");
    assert_eq!(reply.json()["details"]["line"], json!("4"));
    assert!(!reply.text.contains("canary"), "{}", reply.text);
    for (path, body) in [
        ("/api/v1/rules/reward", format!("{{\"place\":\"{secret}\"}}")),
        ("/api/v1/prepare", format!("{{\"id\":\"{secret}\"}}")),
        ("/api/v1/sign-in", format!("{{\"actor\":\"{secret}\",\"password\":\"{secret}\"}}")),
    ] {
        let reply = server.send("POST", path, &JSON, Some(body.as_bytes()));
        assert!(
            reply.status >= 400 && reply.status < 500 && !reply.text.contains("canary"),
            "{}",
            reply.text
        );
    }
    let missing = server.send("POST", "/api/v1/sign-in", &JSON, Some(b"{\"password\":\"x\"}"));
    missing.refused(400, "api.missing_field");
    assert_eq!(missing.json()["details"]["field"], json!("actor"));
}

#[test]
fn paths_queries_and_methods_that_do_not_fit_are_refused_by_name() {
    let server = Server::start();
    let token = server.sign_in_by_key("inspector-1");
    let get = |path: &str| server.get(path, Some(&token));
    get("/no/such/path").refused(404, "api.not_found");
    get("/api/v1/entries/x").refused(404, "api.not_found");
    get("/api/v1/entries/99999999999999999999999").refused(404, "api.not_found");
    get("/api/v1/entries/999999").refused(404, "api.not_found");
    get("/api/v1/streams/hazard/1").refused(404, "api.not_found");
    get("/api/v1/streams/nothing/00000000000000000000000000").refused(404, "api.not_found");
    get("/api/v1/projections/nothing").refused(404, "api.not_found");
    get("/api/v1/projections/register?limit=x").refused(400, "api.bad_query");
    get("/api/v1/projections/register?after=999999").refused(400, "api.bad_query");
    get("/api/v1/projections/register?as_of=yesterday").refused(400, "api.bad_as_of");
    get("/api/v1/projections/register?as_of=2024-02-30").refused(400, "api.bad_as_of");
    get("/api/v1/%ff").refused(404, "api.not_found");
    server.send("DELETE", "/api/v1/commands", &[], None).refused(405, "api.wrong_method");
    server.send("GET", "/api/v1/commands", &[], None).refused(405, "api.wrong_method");
    let facts = json!({});
    server.post("/api/v1/rules/nothing", None, &facts).refused(404, "rules.unknown");
    assert_eq!(server.post("/api/v1/rules/reward", None, &facts).code(), "rules.facts");
}
