//! Passkeys beside the password: what lets somebody in, and everything that does not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

use std::cell::Cell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::common::{PASSWORD, Reply, Server};
use crate::desk::{page, send};

/// An authenticator in software, which does what it is told to, right or wrong.
struct Authenticator {
    key: SigningKey,
    id: Vec<u8>,
    counter: Cell<u32>,
    origin: String,
    rp: String,
}

impl Authenticator {
    fn at(server: &Server, name: u8) -> Self {
        let key = SigningKey::from_slice(&[name; 32]).unwrap();
        Self {
            key,
            id: vec![name; 20],
            counter: Cell::new(0),
            origin: server.url.clone(),
            rp: "localhost".to_owned(),
        }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let said = json!({ "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false });
        said.to_string().into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        self.counter.set(self.counter.get() + 1);
        let counter = self.counter.get().to_be_bytes();
        [Sha256::digest(&self.rp).as_slice(), &[flags], &counter].concat()
    }

    /// A new passkey, as the script of the page sends it.
    fn create(&self, options: &Value) -> String {
        let point = self.key.verifying_key().to_encoded_point(false);
        let cose = [
            &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20],
            point.x().unwrap().as_slice(),
            &[0x22, 0x58, 0x20],
            point.y().unwrap().as_slice(),
        ]
        .concat();
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        // User present and verified, and a credential.
        let data = [self.data(0x45).as_slice(), &[0; 16], &length, &self.id, &cose].concat();
        let attested = [
            b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".as_slice(),
            &[u8::try_from(data.len()).unwrap()],
            &data,
        ]
        .concat();
        json!({ "attestationObject": URL_SAFE_NO_PAD.encode(attested), "transports": ["internal"], "type": "public-key",
            "clientDataJSON": URL_SAFE_NO_PAD.encode(self.client_data("webauthn.create", options)),
            "clientExtensionResults": {} })
        .to_string()
    }

    /// Its answer, as the script of the page sends it.
    fn get(&self, options: &Value) -> Value {
        let (said, data) = (self.client_data("webauthn.get", options), self.data(0x05));
        let signed = [data.as_slice(), Sha256::digest(&said).as_slice()].concat();
        let signature: DerSignature = self.key.sign(&signed);
        json!({ "authenticatorData": URL_SAFE_NO_PAD.encode(data), "clientDataJSON": URL_SAFE_NO_PAD.encode(said),
            "clientExtensionResults": {}, "id": URL_SAFE_NO_PAD.encode(&self.id),
            "signature": URL_SAFE_NO_PAD.encode(signature.as_bytes()), "type": "public-key" })
    }
}

/// A server that is asked at the address to which passkeys are bound.
fn server() -> Server {
    let mut server = Server::start();
    server.url = server.url.replace("127.0.0.1", "localhost");
    server
}

/// What stands between two texts on a page, with its quotation marks.
fn between(page: &str, start: &str) -> Option<String> {
    let found = page.split(start).nth(1)?.split('"').next()?;
    Some(found.replace("&#34;", "\"").replace("&quot;", "\""))
}

fn options(reply: &Reply, name: &str) -> Value {
    let found = between(&reply.text, &format!("{name}=\""));
    serde_json::from_str(&found.unwrap_or_else(|| panic!("no {name}: {}", reply.text))).unwrap()
}

fn add(server: &Server, token: &str, authenticator: &Authenticator, name: &str) -> Reply {
    let offered = send(server, Some(token), "/desk/me", &[("what", "passkey_offer")]);
    let made = authenticator.create(&options(&offered, "data-create"));
    let fields =
        [("what", "passkey_add"), ("name", name), ("password", PASSWORD), ("passkey", made.as_str())];
    send(server, Some(token), "/desk/me", &fields)
}

/// What the API answers to the password alone: a challenge for a passkey.
fn asked(server: &Server, who: &str) -> Value {
    let reply =
        server.post("/api/v1/sign-in", None, &json!({ "actor": server.actor(who), "password": PASSWORD }));
    reply.refused(401, "api.needs_passkey");
    serde_json::from_str(reply.json()["details"]["options"].as_str().unwrap()).unwrap()
}

fn answer(server: &Server, who: &str, passkey: &Value) -> Reply {
    let body = json!({ "actor": server.actor(who), "password": PASSWORD, "passkey": passkey });
    server.post("/api/v1/sign-in", None, &body)
}

#[test]
fn given_a_passkey_then_the_password_and_it_sign_in_and_neither_does_alone() {
    let server = server();
    let token = server.sign_in("finance-1");
    let authenticator = Authenticator::at(&server, 7);
    let offered = send(&server, Some(&token), "/desk/me", &[("what", "passkey_offer")]);
    assert!(offered.headers["content-security-policy"].contains("script-src 'sha256-"));
    let made = authenticator.create(&options(&offered, "data-create"));
    let fields = |name: &'static str, password: &'static str| {
        send(
            &server,
            Some(&token),
            "/desk/me",
            &[("what", "passkey_add"), ("name", name), ("password", password), ("passkey", &made)],
        )
    };
    let wrong = fields("办公室电脑", "not this password");
    assert_eq!(wrong.status, 401);
    assert!(wrong.text.contains("办公室电脑"), "the name that was typed is lost");
    assert_eq!(
        between(&wrong.text, "name=\"passkey\" value=\"").as_deref(),
        Some(&*made),
        "the passkey is lost"
    );
    let added = fields("办公室电脑", PASSWORD);
    assert!(added.status == 200 && added.text.contains("办公室电脑"), "{}", added.text);
    assert!(added.text.contains("不运行脚本的浏览器将无法登录"), "nothing says that codes are wanted, too");
    assert_eq!(fields("x", PASSWORD).status, 401, "a challenge is answered twice");
    assert_eq!(add(&server, &token, &authenticator, "again").status, 409, "one passkey twice");
    let unnamed = add(&server, &token, &Authenticator::at(&server, 8), " ");
    assert_eq!(unnamed.status, 422, "a passkey without a name");
    assert!(unnamed.text.contains("name=\"passkey\" value=\"{"), "what the browser made is lost");

    let account = server.actor("finance-1");
    let typed = [("name", account.as_str()), ("password", PASSWORD), ("next", "/desk/vouchers")];
    let begin = || send(&server, None, "/desk/sign-in", &typed);
    let go_on = |half: &str, passkey: &str| {
        send(
            &server,
            None,
            "/desk/sign-in",
            &[("half", half), ("passkey", passkey), ("next", "/desk/vouchers")],
        )
    };
    let first = begin();
    assert_eq!(first.status, 401);
    assert!(
        !first.text.contains("one-time-code") && !first.text.contains("type=\"password\""),
        "{}",
        first.text
    );
    let half = between(&first.text, "name=\"half\" value=\"").unwrap();
    assert_eq!(go_on(&half, "").status, 401, "nothing is an answer");
    assert_eq!(go_on(&"0".repeat(64), "").status, 401);
    assert_eq!(send(&server, None, "/desk/sign-in", &[("half", &half), ("code", "123456")]).status, 401);
    let shown = authenticator.get(&options(&first, "data-get")).to_string();
    let entered = go_on(&half, &shown);
    assert_eq!(
        (entered.status, entered.headers["location"].as_str()),
        (303, "/desk/vouchers"),
        "{}",
        entered.text
    );
    assert!(entered.headers["set-cookie"].contains("__Host-adit="));
    let over = go_on(&half, &shown);
    assert!(over.status == 401 && over.text.contains("重新输入账号和口令"), "{}", over.text);
    let replayed = go_on(&between(&begin().text, "name=\"half\" value=\"").unwrap(), &shown);
    assert!(replayed.status == 401 && replayed.text.contains("已经用过"), "{}", replayed.text);
    let late = begin();
    server.clock.advance_seconds(301);
    let shown = authenticator.get(&options(&late, "data-get")).to_string();
    assert_eq!(go_on(&between(&late.text, "name=\"half\" value=\"").unwrap(), &shown).status, 401);

    let me = page(&server, &token, "/desk/me");
    assert!(!me.text.contains("还没有用过"), "its last use is not told: {}", me.text);
    let id = between(&me.text, "name=\"passkey\" value=\"").unwrap();
    let drop = |password| [("what", "passkey_drop"), ("passkey", id.as_str()), ("password", password)];
    assert_eq!(send(&server, Some(&token), "/desk/me", &drop("not this password")).status, 401);
    assert_eq!(begin().status, 401);
    assert_eq!(send(&server, Some(&token), "/desk/me", &drop(PASSWORD)).status, 200);
    assert_eq!(begin().status, 303, "without a second factor the password is enough, as before");
}

#[test]
fn given_a_passkey_then_every_answer_that_is_not_its_own_here_and_now_is_refused_in_words() {
    let server = server();
    let (token, other) = (server.sign_in("finance-1"), server.sign_in("finance-2"));
    let own = Authenticator::at(&server, 7);
    let theirs = Authenticator::at(&server, 9);
    assert_eq!(add(&server, &token, &own, "own").status, 200);
    assert_eq!(add(&server, &other, &theirs, "theirs").status, 200);
    let who = "finance-1";
    answer(&server, who, &own.get(&asked(&server, who))).expect(200);

    let with = |change: &dyn Fn(&mut Authenticator)| {
        let mut false_one = Authenticator::at(&server, 7);
        false_one.counter.set(own.counter.get() + 10);
        change(&mut false_one);
        answer(&server, who, &false_one.get(&asked(&server, who)))
    };
    with(&|it| it.origin = "http://localhost.evil.example".to_owned()).refused(401, "api.passkey_elsewhere");
    with(&|it| it.origin = it.origin.replace("http://", "https://")).refused(401, "api.passkey_elsewhere");
    with(&|it| it.rp = "evil.example".to_owned()).refused(401, "api.passkey_elsewhere");
    with(&|it| it.key = SigningKey::from_slice(&[8; 32]).unwrap()).refused(401, "api.wrong_passkey");
    with(&|it| it.id = vec![1; 20]).refused(401, "api.passkey_unknown");
    with(&|it| it.counter.set(0)).refused(401, "api.passkey_counter");
    answer(&server, who, &theirs.get(&asked(&server, who))).refused(401, "api.passkey_unknown");
    // A challenge that was given to somebody else.
    answer(&server, who, &own.get(&asked(&server, "finance-2"))).refused(401, "api.passkey_stale");
    let made_up = json!({ "challenge": URL_SAFE_NO_PAD.encode([3; 16]) });
    answer(&server, who, &own.get(&made_up)).refused(401, "api.passkey_stale");
    let late = asked(&server, who);
    server.clock.advance_seconds(301);
    answer(&server, who, &own.get(&late)).refused(401, "api.passkey_stale");
    let mut unsigned = own.get(&asked(&server, who));
    unsigned["signature"] = json!("AAAA");
    answer(&server, who, &unsigned).refused(401, "api.wrong_passkey");
    for nonsense in [json!({}), json!("x"), json!([1]), json!({ "id": 7 })] {
        answer(&server, who, &nonsense).refused(401, "api.wrong_passkey");
    }
    let body = json!({ "actor": server.actor(who), "password": "not this password",
        "passkey": own.get(&asked(&server, who)) });
    server.post("/api/v1/sign-in", None, &body).refused(401, "api.wrong_password");
    let once = own.get(&asked(&server, who));
    answer(&server, who, &once).expect(200);
    answer(&server, who, &once).refused(401, "api.passkey_stale");

    // An address that the server was not told has none, and the page says so.
    let mut elsewhere = server;
    elsewhere.url = elsewhere.url.replace("localhost", "127.0.0.1");
    let me = page(&elsewhere, &token, "/desk/me");
    assert!(me.text.contains("您打开的是另一个地址") && !me.text.contains("passkey_offer"), "{}", me.text);
}
