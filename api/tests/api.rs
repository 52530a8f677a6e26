//! The API over real HTTP, with a real ledger on disk.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

use std::sync::Arc;

use adit_api::App;
use adit_api::keystore::Keystore;
use adit_core::actor::{ActorCommand, Enrol, RoleOfKey};
use adit_core::command::{Command, Request};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::clock::SystemClock;
use adit_core::ledger::home::Home;
use adit_core::ledger::keyring::actor_key_name;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::note::assemble;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::Office;
use adit_core::opening::{LedgerCommand, Open};
use adit_core::role::Role;
use adit_core::text::Text;
use serde_json::{Value, json};

const ORIGIN: &str = "test.example/ledger";
const PASSWORD: &str = "correct horse battery";

fn id() -> Id {
    Id::random().expect("randomness")
}

struct Server {
    _folder: tempfile::TempDir,
    address: String,
    app: Arc<App>,
    clerk: ActorId,
    inspectors: [ActorId; 2],
    _runtime: tokio::runtime::Runtime,
}

fn enrol(office: &Office, keystore: &Keystore, admins: &[&SigningKey], role: Role) -> ActorId {
    let actor = ActorId(id());
    let key = SigningKey::generate(&actor_key_name(ORIGIN, actor)).expect("key");
    let enrol =
        Enrol { key: key.vkey(), title: Text::new("test").expect("text"), acts_for: None, recipient: None };
    for command in [ActorCommand::Enrol(enrol), ActorCommand::Grant(RoleOfKey { role, key: key.vkey() })] {
        let stream = Some(StreamId::new(StreamKind::Actor, actor.0));
        let request = Request { id: CommandId(id()), stream, command: Command::Actor(command) };
        office.execute(&request, admins).expect("enrolled");
    }
    keystore.store(actor, &key, PASSWORD).expect("stored");
    actor
}

fn start() -> Server {
    let folder = tempfile::tempdir().expect("folder");
    let home = Home::beside(&folder.path().join("data"));
    let ledger = Ledger::create(&home, ORIGIN, Arc::new(SystemClock)).expect("created");
    let office = Office::open(ledger).expect("office");
    let admin = || SigningKey::generate(&actor_key_name(ORIGIN, ActorId(id()))).expect("key");
    let admins = [admin(), admin()];
    let log = office.ledger().log_key().vkey();
    let open = Open { log, admins: admins.iter().map(SigningKey::vkey).collect(), succeeds: None };
    let request =
        Request { id: CommandId(id()), stream: None, command: Command::Ledger(LedgerCommand::Open(open)) };
    office.execute(&request, &[]).expect("opened");
    let keystore = Keystore::at(&home.actors());
    let keys = [&admins[0], &admins[1]];
    let clerk = enrol(&office, &keystore, &keys, Role::Clerk);
    let inspectors = [(); 2].map(|()| enrol(&office, &keystore, &keys, Role::Inspector));
    let app = App::new(office, keystore).expect("app");
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("listener");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    let served = Arc::clone(&app);
    runtime.spawn(async move { adit_api::serve(listener, served, std::future::pending()).await });
    Server { _folder: folder, address, app, clerk, inspectors, _runtime: runtime }
}

impl Server {
    fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &[u8],
    ) -> (u16, Value, ureq::http::HeaderMap) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.address));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request =
            request.header("content-type", "application/json").body(body.to_vec()).expect("request");
        let mut response = agent.run(request).expect("answered");
        let text = response.body_mut().read_to_string().expect("body");
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (response.status().as_u16(), value, response.headers().clone())
    }

    fn post(&self, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let (status, value, _) = self.call("POST", path, token, body.to_string().as_bytes());
        (status, value)
    }

    fn get(&self, path: &str, token: Option<&str>) -> (u16, Value) {
        let (status, value, _) = self.call("GET", path, token, b"");
        (status, value)
    }

    fn sign_in(&self, actor: ActorId) -> String {
        let (status, value) =
            self.post("/api/v1/sign-in", None, &json!({ "actor": actor, "password": PASSWORD }));
        assert_eq!(status, 200, "{value}");
        value["token"].as_str().expect("token").to_owned()
    }
}

fn register(name: &str) -> Value {
    json!({ "id": id(), "type": "enterprise.register", "data": { "name": name, "sector": "mine", "town": "某镇",
        "licence": "full", "producing": true } })
}

#[test]
fn the_way_of_a_hazard_over_http() {
    let server = start();
    let wrong = json!({ "actor": server.clerk, "password": "wrong horse battery" });
    assert_eq!(server.post("/api/v1/sign-in", None, &wrong).1["code"], "api.wrong_password");
    let unknown = json!({ "actor": ActorId(id()), "password": PASSWORD });
    assert_eq!(server.post("/api/v1/sign-in", None, &unknown).1["code"], "api.wrong_password");
    let clerk = server.sign_in(server.clerk);
    assert_eq!(server.get("/api/v1/session", Some(&clerk)).1["roles"], json!(["clerk"]));

    let body = register("甲矿");
    assert_eq!(server.post("/api/v1/commands", None, &body).0, 401);
    let (status, answer) = server.post("/api/v1/commands", Some(&clerk), &body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        server.post("/api/v1/commands", Some(&clerk), &body).1["repeated"],
        true,
        "a retry is harmless"
    );
    let reused = json!({ "id": body["id"], "type": "enterprise.register", "data": register("乙矿")["data"] });
    let (status, problem) = server.post("/api/v1/commands", Some(&clerk), &reused);
    assert_eq!((status, &problem["code"]), (422, &json!("entry.command_id_reused")));
    assert!(problem["zh"]["says"].is_string() && problem["en"]["instead"].is_string());

    let enterprise = answer["stream"].clone();
    let report = json!({ "id": id(), "type": "hazard.report", "data": { "enterprise": enterprise,
        "origin": "monitoring_alert", "place": "三号巷道", "description": "未支护", "found_on": "2024-05-10" } });
    let (_, answer) = server.post("/api/v1/commands", Some(&clerk), &report);
    let hazard = answer["stream"].as_str().expect("stream").to_owned();
    let last = answer["positions"][0].as_u64().expect("position");
    let (_, rows) = server.get(&format!("/api/v1/projections/register?after={last}"), Some(&clerk));
    assert_eq!(rows["rows"][0]["hazard"], hazard.as_str(), "one reads one's own write");

    // Two inspectors, each in their own session.
    let [first, second] = server.inspectors.map(|actor| server.sign_in(actor));
    let verify = json!({ "id": id(), "stream": hazard, "type": "hazard.verify", "co_signer": server.inspectors[1],
        "data": { "criterion": "NCM88-一(地下矿山)-十九", "because": "现场" } });
    let (status, waiting) = server.post("/api/v1/commands", Some(&first), &verify);
    assert_eq!(status, 202, "{waiting}");
    let pending = waiting["pending"].as_str().expect("pending").to_owned();
    assert_eq!(server.get("/api/v1/pending", Some(&second)).1["pending"][0]["pending"], pending.as_str());
    assert_eq!(server.post(&format!("/api/v1/pending/{pending}/sign"), Some(&first), &json!({})).0, 404);
    let (status, signed) = server.post(&format!("/api/v1/pending/{pending}/sign"), Some(&second), &json!({}));
    assert_eq!(status, 200, "{signed}");
    let (_, shown) = server.get(&format!("/api/v1/streams/{hazard}"), Some(&clerk));
    assert_eq!(shown["events"][1]["by"].as_array().map(Vec::len), Some(2));
    assert_eq!(server.post("/api/v1/sign-out", Some(&clerk), &json!({})).0, 200);
    assert_eq!(server.get("/api/v1/session", Some(&clerk)).0, 401);
}

#[test]
fn an_anonymous_reporter_signs_alone_and_no_outsider_reads_it() {
    let server = start();
    let stream = StreamId::new(StreamKind::Report, id());
    let key = SigningKey::generate(&format!("{ORIGIN}/{stream}")).expect("key");
    let prepare = json!({ "id": id(), "stream": stream, "type": "report.report", "signers": [key.vkey()],
        "data": { "matter": "major_hazard", "channel": "web", "key": key.vkey() } });
    let (status, prepared) = server.post("/api/v1/prepare", None, &prepare);
    assert_eq!(status, 200, "{prepared}");
    let text = prepared["texts"][0].as_str().expect("text");
    let note = String::from_utf8(assemble(text, &[key.sign_text(text)])).expect("text");
    let append = json!({ "pending": prepared["pending"], "notes": [note] });
    let (status, answer) = server.post("/api/v1/append", None, &append);
    assert_eq!(status, 200, "{answer}");
    let (_, again) = server.post("/api/v1/append", None, &append);
    assert_eq!(
        (&again["positions"], &again["repeated"]),
        (&answer["positions"], &json!(true)),
        "a note is appended once"
    );
    let path = format!("/api/v1/streams/{stream}");
    assert_eq!(server.get(&path, None).0, 401);
    let clerk = server.sign_in(server.clerk);
    assert_eq!(server.get(&path, Some(&clerk)).0, 200);
    assert_eq!(server.get("/api/v1/projections/rewards", Some(&clerk)).0, 403);
    let position = answer["positions"][0].as_u64().expect("position");
    let entry = format!("/api/v1/entries/{position}");
    assert_eq!(server.get(&entry, None).0, 404, "an entry is public with the next publication");
    server.app.office.ledger().publish_now();
    assert_eq!(server.get(&entry, None).0, 200, "entries are public");
}

#[test]
fn nobody_prepares_in_the_name_of_an_officer_or_of_the_log() {
    let server = start();
    let ledger = server.app.office.ledger();
    let officer = ledger.keys().keys_of(server.clerk, adit_core::units::Position(ledger.size()))[0].clone();
    let prepare = |signer: &adit_core::ledger::vkey::VKey| {
        let mut body = register("甲矿");
        body["signers"] = json!([signer]);
        body
    };
    assert_eq!(server.post("/api/v1/prepare", None, &prepare(&officer)).0, 401);
    let other = server.sign_in(server.inspectors[0]);
    assert_eq!(server.post("/api/v1/prepare", Some(&other), &prepare(&officer)).0, 403);
    let own = server.sign_in(server.clerk);
    assert_eq!(server.post("/api/v1/prepare", Some(&own), &prepare(&officer)).0, 200);
    assert_eq!(server.post("/api/v1/prepare", Some(&own), &prepare(&ledger.log_key().vkey())).0, 403);
}

#[test]
fn bad_input_gets_a_named_refusal_and_writes_nothing() {
    let server = start();
    let clerk = server.sign_in(server.clerk);
    let size = server.app.office.ledger().size();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let command = |data: &str| format!(r#"{{"id":"{}","type":"enterprise.register","data":{data}}}"#, id());
    let good = r#"{"name":"甲","sector":"mine","town":"镇","licence":"full","producing":true}"#;
    let bodies: Vec<Vec<u8>> = [
        String::new(),
        "null".into(),
        "[]".into(),
        "{".into(),
        deep,
        r#"{"id":NaN}"#.into(),
        command("null"),
        command("[]"),
        command("{}"),
        command(&good.replace("true", "\"yes\"")),
        command(&good.replace("\"town\"", "\"village\"")),
        command(&good.replace("甲", " ")),
        command(&good.replace("甲", "甲\\u0000乙")),
        command(&good.replace("甲", "甲\\u202e乙")),
        command(&good.replace("甲", "\\ud800")),
        command(&good.replace("甲", &"字".repeat(201))),
        command(&good.replacen('{', r#"{"name":"乙","#, 1)),
        command(&good.replace("mine", "casino")),
        format!(r#"{{"id":"{}","type":"enterprise.fly","data":{{}}}}"#, id()),
        format!(r#"{{"id":"x","type":"enterprise.register","data":{good}}}"#),
        format!(r#"{{"id":"{}","stream":"hazard/x","type":"enterprise.register","data":{good}}}"#, id()),
        format!(r#"{{"id":"{}","status":"closed","type":"enterprise.register","data":{good}}}"#, id()),
        "x".repeat(300 * 1024),
    ]
    .into_iter()
    .map(String::into_bytes)
    .chain([b"\xff\xfe".to_vec()])
    .collect();
    for body in bodies {
        let (status, problem, _) = server.call("POST", "/api/v1/commands", Some(&clerk), &body);
        let said = String::from_utf8_lossy(&body).chars().take(60).collect::<String>();
        assert!((400..500).contains(&status), "{said}: {status} {problem}");
        assert!(problem["code"].as_str().is_some_and(adit_core::refusal::has_words), "{said}: {problem}");
        assert!(problem["zh"]["says"].is_string() && problem["en"]["says"].is_string());
    }
    assert_eq!(server.app.office.ledger().size(), size, "something was written");
}

#[test]
fn every_route_has_its_headers_and_stands_in_the_document() {
    let server = start();
    let (_, document) = server.get("/openapi.json", None);
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["components"]["schemas"]["command.hazard.report"].is_object());
    let paths = document["paths"].as_object().expect("paths");
    for (path, methods) in paths {
        for method in methods.as_object().expect("methods").keys() {
            let concrete =
                path.replace("{kind}", "hazard").replace("{name}", "register").replace("{position}", "0");
            let concrete = concrete.replace("{id}", "0h248h248h248h248h248h248h");
            let (status, _, headers) = server.call(&method.to_uppercase(), &concrete, None, b"{}");
            assert!(status != 405 && status < 500, "{method} {path}: {status}");
            for header in
                ["content-security-policy", "referrer-policy", "x-content-type-options", "cache-control"]
            {
                assert!(headers.contains_key(header), "{method} {path} lacks {header}");
            }
        }
    }
    let (status, problem, headers) = server.call("GET", "/nothing", None, b"");
    assert_eq!((status, &problem["code"]), (404, &json!("api.not_found")));
    assert!(headers.contains_key("content-security-policy"));
}

#[test]
fn a_rule_is_asked_without_signing_in() {
    let server = start();
    let facts = json!({ "place": "national", "matter": "illegal_act", "sector": "industry", "unit_fine_yuan": "12000",
        "reported_on": "2024-05-10" });
    assert_eq!(server.post("/api/v1/rules/reward", None, &facts).1["amount_fen"], 300_000);
    assert_eq!(server.post("/api/v1/rules/fortune", None, &facts).1["code"], "rules.unknown");
}
