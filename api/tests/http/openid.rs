//! Signing in by an OpenID provider's word beside the password: what lets somebody in, and everything that does not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

use std::io::Write as _;

use adit_api::Options;
use adit_api::openid::OpenId;
use adit_core::id::ActorId;
use adit_core::ledger::vkey::SigningKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::common::{PASSWORD, Reply, Server, stands_readable};
use crate::desk::{page, send};
use crate::openid_provider::{CLIENT, Hostile, SECRET, raw};

const WHO: &str = "finance-1";

fn server_with(provider: &Hostile, more: &str) -> Server {
    let file = format!(
        "issuer = \"{}\"\nclient_id = \"{CLIENT}\"\nclient_secret = \"{SECRET}\"\nname = \"统一身份认证\"\n{more}\n",
        provider.issuer
    );
    let mut server =
        Server::start_with(Options { openid: Some(OpenId::read(&file).unwrap()), ..Options::default() });
    // The address to which the provider sends a browser back.
    server.url = server.url.replace("127.0.0.1", "localhost");
    server
}

fn server(provider: &Hostile) -> Server {
    server_with(provider, "")
}

/// A browser as far as it matters here: the one cookie of a trip, and where the provider was told to send it.
struct Browser<'a> {
    server: &'a Server,
    provider: &'a Hostile,
    cookie: String,
    left: Vec<(String, String)>,
}

fn cookie_of(reply: &Reply) -> Option<String> {
    let cookie = reply.headers.get("set-cookie")?;
    cookie.starts_with("__Host-adit-openid=").then(|| cookie.split(';').next().unwrap().to_owned())
}

impl<'a> Browser<'a> {
    fn at(server: &'a Server, provider: &'a Hostile) -> Self {
        Self { server, provider, cookie: String::new(), left: Vec::new() }
    }

    /// Name and password; what is still missing is on the page.
    fn password(&mut self, who: &str, next: &str) -> Reply {
        let account = self.server.actor(who);
        let typed = [("name", account.as_str()), ("password", PASSWORD), ("next", next)];
        let reply = send(self.server, None, "/desk/sign-in", &typed);
        self.keep(&reply);
        reply
    }

    fn keep(&mut self, reply: &Reply) {
        if let Some(cookie) = cookie_of(reply) {
            self.cookie = cookie;
        }
    }

    fn get(&self, path: &str) -> Reply {
        self.server.send_once("GET", path, &[("cookie", &self.cookie)], None)
    }

    /// Presses the link to the provider, which learns what leaves.
    fn leave(&mut self) -> Reply {
        let reply = self.get("/desk/openid/leave");
        self.keep(&reply);
        if let Some(question) = reply.headers.get("location").and_then(|to| to.split_once('?')) {
            self.left = serde_urlencoded::from_str(question.1).unwrap();
            let mut says = self.provider.says();
            (says.nonce, says.challenge) = (self.sent("nonce"), self.sent("code_challenge"));
            says.now = self.server.app.office.ledger().now().0;
        }
        reply
    }

    fn sent(&self, name: &str) -> String {
        self.left.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Comes back with these parameters.
    fn back_with(&mut self, parameters: &[(&str, &str)]) -> Reply {
        let question = serde_urlencoded::to_string(parameters).unwrap();
        let reply = self.get(&format!("/desk/openid?{question}"));
        self.keep(&reply);
        reply
    }

    fn back(&mut self) -> Reply {
        let (state, issuer) = (self.sent("state"), self.provider.issuer.clone());
        self.back_with(&[("code", "the code"), ("state", &state), ("iss", &issuer)])
    }

    /// There and back once more, with whatever the provider says now.
    fn way(&mut self) -> Reply {
        let left = self.leave();
        assert_eq!(left.status, 303, "{}", left.text);
        self.back()
    }
}

/// Signs in, and links the account there with the one here.
fn linked<'a>(server: &'a Server, provider: &'a Hostile, who: &str) -> (Browser<'a>, String) {
    let token = server.sign_in(who);
    let mut browser = Browser::at(server, provider);
    let ready = send(server, Some(&token), "/desk/me", &[("what", "openid_link"), ("password", PASSWORD)]);
    assert_eq!(ready.status, 200, "{}", ready.text);
    browser.keep(&ready);
    let done = browser.way();
    assert!(done.status == 200 && done.text.contains("已关联"), "{}", done.text);
    (browser, token)
}

/// What the API answers to the password, and to a code where one is typed.
fn api(server: &Server, who: &str) -> Reply {
    server.post("/api/v1/sign-in", None, &json!({ "actor": server.actor(who), "password": PASSWORD }))
}

/// The session of an answer that lets somebody in.
fn session_of(reply: &Reply) -> Option<String> {
    let cookie = reply.headers.get("set-cookie").filter(|cookie| cookie.starts_with("__Host-adit="))?;
    assert!(cookie.contains("SameSite=Strict") && cookie.contains("HttpOnly"), "{cookie}");
    Some(cookie.split(';').next().unwrap().to_owned())
}

#[track_caller]
fn turned_away(reply: &Reply, status: u16, says: &str) {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert!(reply.text.contains(says), "{says}: {}", reply.text);
    assert!(session_of(reply).is_none(), "somebody is let in");
    for canary in ["canary", "subject-of", "an access token", "somebody@"] {
        assert!(!reply.text.contains(canary), "{canary} is told");
    }
}

#[test]
fn given_a_linked_account_then_the_password_and_the_provider_sign_in_and_neither_does_alone() {
    let provider = Hostile::start();
    let server = server(&provider);
    let (mut browser, token) = linked(&server, &provider, WHO);
    assert_eq!(browser.sent("prompt"), "login", "whoever links says who they are there");

    let asked = browser.password(WHO, "/desk/vouchers");
    turned_away(&asked, 401, "还需要统一身份认证");
    assert!(asked.text.contains("href=\"/desk/openid/leave\"") && !asked.text.contains("type=\"password\""));
    let cookie = &asked.headers["set-cookie"];
    for word in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=300"] {
        assert!(cookie.contains(word), "{word}: {cookie}");
    }
    api(&server, WHO).refused(401, "api.needs_openid");

    let left = browser.leave();
    assert_eq!(left.status, 303, "{}", left.text);
    let back_to = format!("{}/desk/openid", server.url);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", back_to.as_str()),
        ("scope", "openid"),
        ("code_challenge_method", "S256"),
        ("tenant", "1"),
        ("prompt", ""),
    ] {
        assert_eq!(browser.sent(name), value, "{name}");
    }
    assert!(browser.sent("state").len() == 64 && browser.sent("nonce").len() == 64);
    let entered = browser.back();
    let session = session_of(&entered).unwrap_or_else(|| panic!("{}", entered.text));
    assert_eq!((entered.status, entered.headers["refresh"].as_str()), (200, "0; url=/desk/vouchers"));
    let desk = server.send_once("GET", "/desk/vouchers", &[("cookie", &session)], None);
    assert_eq!(desk.status, 200, "{}", desk.text);

    let (line, headers, body) = provider.says().asked.pop().unwrap();
    assert_eq!(line, "POST /token HTTP/1.1");
    // Both are encoded before they are joined (RFC 6749, section 2.3.1).
    let encode = |text: &str| serde_urlencoded::to_string([("", text)]).unwrap()[1..].to_owned();
    let basic = STANDARD.encode(format!("{}:{}", encode(CLIENT), encode(SECRET)));
    assert!(headers.contains(&format!("Basic {basic}")), "{headers}");
    assert!(body.contains("code=the+code") && body.contains("code_verifier=") && !body.contains(SECRET));

    turned_away(&browser.back(), 401, "已经用过");
    for readable in
        ["subject-of-the-first", provider.issuer.as_str(), "the code", "an access token", "somebody@"]
    {
        assert_eq!(stands_readable(server.folder(), &[readable]), None);
    }
    let me = page(&server, &token, "/desk/me");
    assert!(me.text.contains("没有别的第二因素"), "nothing says that something else is wanted: {}", me.text);
    let again = send(&server, Some(&token), "/desk/me", &[("what", "openid_link"), ("password", PASSWORD)]);
    turned_away(&again, 409, "已经关联");
    let unlink = |password| {
        send(&server, Some(&token), "/desk/me", &[("what", "openid_drop"), ("password", password)])
    };
    turned_away(&unlink("not this password"), 401, "口令");
    assert!(browser.password(WHO, "").status == 401 && browser.leave().status == 303);
    let ended = unlink(PASSWORD);
    assert!(ended.status == 200 && ended.text.contains("已解除关联"), "{}", ended.text);
    turned_away(&browser.back(), 401, "口令");
    assert_eq!(browser.password(WHO, "").status, 303, "without a link the password is enough, as before");
}

#[test]
fn given_a_way_back_that_is_not_the_one_that_left_then_nobody_is_let_in_and_the_right_one_still_counts() {
    let provider = Hostile::start();
    let server = server(&provider);
    let (mut victim, _) = linked(&server, &provider, WHO);
    provider.says().subject = "subject-of-another".to_owned();
    let (mut thief, _) = linked(&server, &provider, "finance-2");
    victim.password(WHO, "");
    assert_eq!(victim.leave().status, 303);
    let (state, issuer) = (victim.sent("state"), provider.issuer.clone());
    let right = [("code", "the code"), ("state", state.as_str()), ("iss", issuer.as_str())];

    // Somebody else's way back in this browser (login CSRF), and this one's in another (fixation).
    thief.password("finance-2", "");
    assert_eq!(thief.leave().status, 303);
    let theirs = thief.sent("state");
    turned_away(
        &victim.back_with(&[("code", "x"), ("state", &theirs), ("iss", &issuer)]),
        401,
        "不是从这个浏览器出发",
    );
    turned_away(&thief.back_with(&right), 401, "不是从这个浏览器出发");
    let mut nobody = Browser::at(&server, &provider);
    turned_away(&nobody.back_with(&right), 401, "不是从这个浏览器出发");
    nobody.cookie = format!("__Host-adit-openid={}", "0".repeat(64));
    turned_away(&nobody.back_with(&right), 401, "不是从这个浏览器出发");
    turned_away(&nobody.get("/desk/openid/leave"), 401, "不是从这个浏览器出发");

    let long = "s".repeat(5000);
    for wrong in [
        vec![("code", "the code"), ("state", ""), ("iss", issuer.as_str())],
        vec![("code", "the code"), ("iss", issuer.as_str())],
        vec![("code", "the code"), ("state", long.as_str()), ("iss", issuer.as_str())],
        [right.as_slice(), &[("state", state.as_str())]].concat(),
        [right.as_slice(), &[("code", "another")]].concat(),
        [right.as_slice(), &[("iss", issuer.as_str())]].concat(),
    ] {
        turned_away(&victim.back_with(&wrong), 401, "不是从这个浏览器出发");
    }
    // None of them took anything away.
    {
        let mut says = provider.says();
        (says.nonce, says.challenge) = (victim.sent("nonce"), victim.sent("code_challenge"));
        says.subject = "subject-of-the-first".to_owned();
    }
    assert!(session_of(&victim.back_with(&right)).is_some());

    // A code that was given to another browser: PKCE keeps the provider from taking it.
    victim.password(WHO, "");
    assert_eq!(victim.leave().status, 303);
    provider.says().challenge = thief.sent("code_challenge");
    turned_away(&victim.back(), 401, "不可信");

    // Only the newest departure counts, the page from another site begins none, and minutes later there is none.
    victim.password(WHO, "");
    victim.leave();
    let first = victim.sent("state");
    victim.leave();
    turned_away(
        &victim.back_with(&[("code", "x"), ("state", &first), ("iss", &issuer)]),
        401,
        "不是从这个浏览器出发",
    );
    let headers = [("cookie", victim.cookie.as_str()), ("sec-fetch-site", "cross-site")];
    assert_eq!(server.send_once("GET", "/desk/openid/leave", &headers, None).status, 403);
    server.clock.advance_seconds(301);
    turned_away(&victim.back(), 401, "过期");
    turned_away(&victim.get("/desk/openid/leave"), 401, "过期");
}

/// So many blanks as JSON, packed into a few kilobytes.
fn packed(length: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; length]).unwrap();
    let body = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

#[test]
fn given_an_answer_of_the_provider_that_does_not_hold_then_it_is_refused_in_words_and_the_next_good_one_counts()
 {
    let provider = Hostile::start();
    let server = server(&provider);
    let (mut browser, _) = linked(&server, &provider, WHO);
    browser.password(WHO, "");
    let now = server.app.office.ledger().now().0;
    let elsewhere = Hostile::start();
    let long = "x".repeat(256);
    let claims: Vec<Value> = vec![
        json!({ "aud": "another client" }),
        json!({ "aud": [CLIENT, "another client"] }),
        json!({ "aud": null }),
        json!({ "azp": "another client" }),
        json!({ "exp": now }),
        json!({ "exp": null }),
        json!({ "iat": now - 601 }),
        json!({ "iat": now + 61 }),
        json!({ "nonce": "another nonce" }),
        json!({ "nonce": null }),
        json!({ "iss": elsewhere.issuer }),
        json!({ "iss": null }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": long }),
    ];
    for wrong in claims {
        provider.says().claims = wrong;
        turned_away(&browser.way(), 401, "不可信");
        provider.behaves();
    }
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "RS256" }),
        json!({ "kid": "another" }),
        json!({ "crit": ["exp"] }),
        json!({ "typ": "at+jwt" }),
        json!({ "cty": "JWT" }),
        json!({ "alg": "RSA-OAEP", "enc": "A128GCM" }),
    ] {
        provider.says().header = header;
        turned_away(&browser.way(), 401, "不可信");
        provider.behaves();
    }
    provider.says().key = 2;
    turned_away(&browser.way(), 401, "不可信");
    provider.behaves();
    // Somebody else, properly signed in there.
    provider.says().subject = "subject-of-another".to_owned();
    let before = browser.cookie.clone();
    turned_away(&browser.way(), 401, "不是关联的那个账号");
    provider.behaves();
    // What was refused once is not looked at again, with whatever code.
    let mut replayed =
        Browser { cookie: before, left: browser.left.clone(), ..Browser::at(&server, &provider) };
    turned_away(&replayed.back(), 401, "已经用过");

    let json = "content-type: application/json\r\n";
    let odd = |token: &str| {
        let body = json!({ "access_token": "x", "token_type": "Bearer", "id_token": token });
        raw("200 OK", json, &body.to_string())
    };
    let huge = format!("{{\"access_token\":\"{}\"}}", "x".repeat(300_000));
    let away = format!("location: {}/token\r\n", elsewhere.issuer);
    for (instead, status, says) in [
        (raw("200 OK", json, "{\"access_token\":\"x\",\"token_type\":\"Bearer\"}"), 401, "不可信"),
        (odd(""), 401, "不可信"),
        (odd("a.b.c"), 401, "不可信"),
        (odd("e30.e30."), 401, "不可信"),
        (odd("...."), 401, "不可信"),
        (raw("200 OK", json, "not JSON; canary"), 401, "不可信"),
        (raw("200 OK", json, &"[".repeat(200_000)), 401, "不可信"),
        (raw("500 Internal Server Error", "", "canary"), 401, "不可信"),
        (raw("307 Temporary Redirect", &away, ""), 401, "不可信"),
        (raw("200 OK", json, &huge), 503, "联系不上"),
        (packed(10_000_000), 503, "联系不上"),
        (b"no HTTP\r\n\r\n".to_vec(), 503, "联系不上"),
    ] {
        provider.says().instead = Some(("/token", instead));
        turned_away(&browser.way(), status, says);
        provider.behaves();
    }
    assert!(elsewhere.says().asked.is_empty(), "a redirect was followed");

    let (issuer, other) = (provider.issuer.clone(), elsewhere.issuer.clone());
    for said in [None, Some(other.as_str()), Some("")] {
        browser.leave();
        let state = browser.sent("state");
        let mut parameters = vec![("code", "the code"), ("state", state.as_str())];
        parameters.extend(said.map(|issuer| ("iss", issuer)));
        turned_away(&browser.back_with(&parameters), 401, "不可信");
    }
    browser.leave();
    let state = browser.sent("state");
    let denied = [
        ("error", "access_denied"),
        ("error_description", "canary"),
        ("state", state.as_str()),
        ("iss", &issuer),
    ];
    turned_away(&browser.back_with(&denied), 401, "取消");
    // A new key, which the provider published meanwhile, is asked for once.
    {
        let mut says = provider.says();
        (says.key, says.publishes, says.header) = (3, (3, "three"), json!({ "kid": "three" }));
    }
    assert!(session_of(&browser.way()).is_some(), "a right answer is not taken any more");
}

#[test]
fn given_a_provider_that_is_down_or_says_odd_things_of_itself_then_other_factors_still_sign_in() {
    let provider = Hostile::start();
    let server = server(&provider);
    let (mut browser, token) = linked(&server, &provider, WHO);
    // An authenticator app beside it.
    let offered = send(&server, Some(&token), "/desk/me", &[("what", "offer")]);
    let secret =
        offered.text.split("name=\"secret\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let totp = totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::try_from_base32(&secret).unwrap())
        .build()
        .unwrap();
    let code = || totp.generate(u64::try_from(server.app.office.ledger().now().0).unwrap()).to_string();
    let begin = [("what", "begin"), ("secret", secret.as_str()), ("code", &code()), ("password", PASSWORD)];
    assert_eq!(send(&server, Some(&token), "/desk/me", &begin).status, 200);

    let elsewhere = Hostile::start();
    let deep = raw("200 OK", "content-type: application/json\r\n", &"[".repeat(100_000));
    let moved = raw("302 Found", &format!("location: {}/\r\n", elsewhere.issuer), "");
    let huge = raw("200 OK", "content-type: application/json\r\n", &" ".repeat(300_000));
    let at = "/.well-known/openid-configuration";
    for (discovery, instead) in [
        (json!({ "issuer": elsewhere.issuer }), None),
        (json!({ "authorization_endpoint": "http://id.example/auth" }), None),
        (json!({ "authorization_endpoint": "javascript:alert(1)" }), None),
        (json!({ "jwks_uri": "http://id.example/jwks" }), None),
        (json!({ "jwks_uri": "file:///etc/passwd" }), None),
        (json!({}), Some((at, deep))),
        (json!({}), Some((at, moved))),
        (json!({}), Some((at, huge))),
        (json!({}), Some(("/jwks", raw("200 OK", "content-type: text/html\r\n", "<html>")))),
        (json!({}), Some((at, Vec::new()))),
    ] {
        // What was told before is asked for again after minutes.
        server.clock.advance_seconds(601);
        browser.password(WHO, "");
        {
            let mut says = provider.says();
            (says.discovery, says.instead) = (discovery, instead);
        }
        let away = browser.get("/desk/openid/leave");
        turned_away(&away, 503, "联系不上");
        assert!(
            away.text.contains("one-time-code"),
            "what else the account has is not offered: {}",
            away.text
        );
        provider.behaves();
    }
    assert!(elsewhere.says().asked.is_empty(), "a redirect was followed");
    // The token's address is looked at as it is used.
    server.clock.advance_seconds(601);
    browser.password(WHO, "");
    provider.says().discovery = json!({ "token_endpoint": "http://id.example/token" });
    turned_away(&browser.way(), 503, "联系不上");

    let half = |page: &str| {
        page.split("name=\"half\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    provider.says().instead = Some(("/token", Vec::new()));
    server.clock.advance_seconds(60);
    let asked = browser.password(WHO, "");
    let typed = [("half", half(&asked.text)), ("code", code())];
    let typed = typed.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(send(&server, None, "/desk/sign-in", &typed).status, 303);
    turned_away(&browser.back(), 401, "浏览器");
    let unlinked = Browser::at(&server, &provider).password("leader-1", "");
    assert_eq!(unlinked.status, 401, "nobody has this password yet");
    server.sign_in("leader-1");
    assert_eq!(Browser::at(&server, &provider).password("leader-1", "").status, 303);
}

#[test]
fn given_an_account_with_a_factor_then_linking_takes_the_password_the_factor_and_the_same_session() {
    let provider = Hostile::start();
    let server = server(&provider);
    let token = server.sign_in(WHO);
    let link = |password| {
        send(&server, Some(&token), "/desk/me", &[("what", "openid_link"), ("password", password)])
    };
    turned_away(&link("not this password"), 401, "口令");
    let offered = send(&server, Some(&token), "/desk/me", &[("what", "offer")]);
    let secret =
        offered.text.split("name=\"secret\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let totp = totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::try_from_base32(&secret).unwrap())
        .build()
        .unwrap();
    let code = || totp.generate(u64::try_from(server.app.office.ledger().now().0).unwrap()).to_string();
    let begin = [("what", "begin"), ("secret", secret.as_str()), ("code", &code()), ("password", PASSWORD)];
    assert_eq!(send(&server, Some(&token), "/desk/me", &begin).status, 200);

    let asked = link(PASSWORD);
    assert!(asked.status == 200 && asked.text.contains("one-time-code"), "{}", asked.text);
    assert!(
        cookie_of(&asked).is_none() && !asked.text.contains("/desk/openid/leave"),
        "the factor is not asked for"
    );
    let half =
        asked.text.split("name=\"half\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let prove = |token: &str, code: &str| {
        send(&server, Some(token), "/desk/me", &[("what", "openid_prove"), ("half", &half), ("code", code)])
    };
    let wrong = prove(&token, "000000");
    turned_away(&wrong, 401, "验证码");
    assert!(wrong.text.contains(&half), "what was typed before is lost");
    let other = server.sign_in("finance-2");
    server.clock.advance_seconds(30);
    turned_away(&prove(&other, &code()), 401, "重新输入");
    let ready = prove(&token, &code());
    assert!(ready.status == 200 && ready.text.contains("/desk/openid/leave"), "{}", ready.text);

    let mut browser = Browser::at(&server, &provider);
    browser.keep(&ready);
    // The session that asked is over before the browser is back.
    assert_eq!(browser.leave().status, 303);
    assert_eq!(send(&server, Some(&token), "/desk/sign-out", &[]).status, 303);
    turned_away(&browser.back(), 401, "登录");
    let actor: ActorId = server.actor(WHO).parse().unwrap();
    let file =
        std::fs::read_to_string(server.folder().join("data.keys/actors").join(format!("{actor}.json")))
            .unwrap();
    assert!(!file.contains("linked"), "{file}");
}

#[test]
fn given_a_lost_key_when_administrators_let_a_new_one_take_its_place_then_the_link_is_gone() {
    let provider = Hostile::start();
    let server = server(&provider);
    let (mut browser, _) = linked(&server, &provider, WHO);
    assert_eq!(browser.password(WHO, "").status, 401);
    assert_eq!(browser.leave().status, 303);
    let old = server.person(WHO);
    let fresh = SigningKey::generate(old.key.name()).unwrap();
    server.app.keystore.wait(old.actor, &fresh, "the password afterwards").unwrap();
    let actor = format!("actor/{}", server.actor(WHO));
    let rotate = json!({ "old": old.key.vkey(), "new": fresh.vkey() });
    server.execute(Some(&actor), "actor.rotate_key", &rotate, &["admin-1", "admin-2"]);
    turned_away(&browser.back(), 401, "口令");
    let account = server.actor(WHO);
    let typed = [("name", account.as_str()), ("password", "the password afterwards")];
    assert_eq!(send(&server, None, "/desk/sign-in", &typed).status, 303, "the old link is asked for");
    turned_away(&browser.password(WHO, ""), 401, "口令");
}

#[test]
fn given_many_who_are_halfway_then_the_oldest_of_an_account_makes_way() {
    let provider = Hostile::start();
    let server = server(&provider);
    let (mut first, _) = linked(&server, &provider, WHO);
    first.password(WHO, "");
    for _ in 0..4 {
        server.clock.advance_seconds(1);
        let mut next = Browser::at(&server, &provider);
        next.password(WHO, "");
        assert_eq!(next.leave().status, 303);
    }
    turned_away(&first.leave(), 401, "浏览器");
}

#[test]
fn given_a_longest_age_then_whoever_signed_in_there_before_is_not_let_in() {
    let provider = Hostile::start();
    let server = server_with(&provider, "max_age_seconds = 600");
    let now = server.app.office.ledger().now().0;
    provider.says().claims = json!({ "auth_time": now });
    let (mut browser, _) = linked(&server, &provider, WHO);
    browser.password(WHO, "");
    for (claims, lets_in) in [
        (json!({}), false),
        (json!({ "auth_time": now - 661 }), false),
        (json!({ "auth_time": now - 600 }), true),
    ] {
        provider.says().claims = claims;
        let reply = browser.way();
        assert_eq!(browser.sent("max_age"), "600");
        assert_eq!(session_of(&reply).is_some(), lets_in, "{}", reply.text);
    }
}

#[test]
fn given_another_address_or_no_provider_then_the_page_says_so_and_offers_none() {
    let provider = Hostile::start();
    let mut here = server(&provider);
    let (_, token) = linked(&here, &provider, WHO);
    here.url = here.url.replace("localhost", "127.0.0.1");
    let asked = Browser::at(&here, &provider).password(WHO, "");
    turned_away(&asked, 401, "您打开的是另一个地址");
    assert!(cookie_of(&asked).is_none() && !asked.text.contains("/desk/openid/leave"));
    assert!(!page(&here, &token, "/desk/me").text.contains("openid_link"));

    let without = Server::start();
    let token = without.sign_in(WHO);
    assert!(!page(&without, &token, "/desk/me").text.contains("openid"), "what is not there is shown");
    let asked = send(&without, Some(&token), "/desk/me", &[("what", "openid_link"), ("password", PASSWORD)]);
    turned_away(&asked, 409, "没有设定统一身份认证");
}

#[test]
fn given_a_language_that_was_chosen_here_then_the_way_back_is_in_it_though_its_cookie_stays_behind() {
    let provider = Hostile::start();
    let server = server(&provider);
    let (mut browser, _) = linked(&server, &provider, WHO);
    let account = server.actor(WHO);
    let typed = serde_urlencoded::to_string([("name", account.as_str()), ("password", PASSWORD)]).unwrap();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", "adit-language=en")];
    let asked = server.send_once("POST", "/desk/sign-in", &headers, Some(typed.as_bytes()));
    turned_away(&asked, 401, "The password is right");
    browser.keep(&asked);
    provider.says().subject = "subject-of-another".to_owned();
    turned_away(&browser.way(), 401, "not the one that is linked");
    provider.behaves();
    let entered = browser.way();
    assert!(
        session_of(&entered).is_some() && entered.text.contains("the workbench opens"),
        "{}",
        entered.text
    );
}

#[test]
fn given_a_session_in_the_same_browser_then_it_ends_when_somebody_signs_in_by_the_provider() {
    let provider = Hostile::start();
    let server = server(&provider);
    let (mut browser, token) = linked(&server, &provider, WHO);
    let account = server.actor(WHO);
    let typed = serde_urlencoded::to_string([("name", account.as_str()), ("password", PASSWORD)]).unwrap();
    let cookie = format!("__Host-adit={token}");
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    browser.keep(&server.send_once("POST", "/desk/sign-in", &headers, Some(typed.as_bytes())));
    // Also where the first way back led nowhere: on it the browser sends no cookie of a session.
    provider.says().subject = "subject-of-another".to_owned();
    turned_away(&browser.way(), 401, "不是关联的那个账号");
    provider.behaves();
    assert!(session_of(&browser.way()).is_some());
    let old = server.send_once("GET", "/desk/me", &[("cookie", &cookie)], None);
    assert_eq!(old.status, 303, "the session that was there goes on");
}

#[test]
fn given_a_provider_that_never_answers_then_it_is_given_up_and_nobody_else_waits() {
    let provider = Hostile::start();
    let server = server(&provider);
    let (mut browser, _) = linked(&server, &provider, WHO);
    browser.password(WHO, "");
    assert_eq!(browser.leave().status, 303);
    provider.says().hangs = true;
    let away = std::thread::scope(|scope| {
        let away = scope.spawn(|| browser.back());
        while provider.says().held.is_empty() {
            std::thread::yield_now();
        }
        // While it waits, pages are answered.
        assert_eq!(server.get("/desk/sign-in", None).status, 200);
        away.join().unwrap()
    });
    turned_away(&away, 503, "联系不上");
}
