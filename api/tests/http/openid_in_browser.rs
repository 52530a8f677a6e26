//! The whole way to an OpenID provider of other people's making and back, in a real browser: on a telephone and on a desk, in both
//! languages, from another site.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use adit_api::Options;
use adit_api::openid::OpenId;
use serde_json::{Value, json};

use crate::browser::run;
use crate::common::{PASSWORD, Server, stands_readable};
use crate::desk_in_browser::sound;

const SECRET: &str = "a client's secret of tests";

/// `oidc-provider` in a process of its own.
struct Theirs {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    issuer: String,
}

impl Theirs {
    fn start() -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
        assert!(
            tests.join("../target/openid/node_modules").is_dir(),
            "the packages of tests/openid are missing: run tools/test once, which installs them"
        );
        let mut process = Command::new("node")
            .arg(tests.join("openid/provider.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node.js is missing: run tools/test once, which installs it");
        let lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let mut theirs = Self { process, lines, issuer: String::new() };
        theirs.said()["issuer"].as_str().expect("an issuer").clone_into(&mut theirs.issuer);
        theirs
    }

    fn said(&mut self) -> Value {
        let line = self.lines.next().expect("a line").expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Registers this server there.
    fn register(&mut self, server: &Server) {
        let client = json!({ "client_id": "adit", "client_secret": SECRET,
            "redirect_uri": format!("{}/desk/openid", server.url) });
        let input = self.process.stdin.as_mut().expect("its input");
        writeln!(input, "{client}").expect("written");
        assert_eq!(self.said(), json!({ "ready": true }));
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn server(theirs: &mut Theirs) -> Server {
    let file = format!(
        "issuer = \"{}\"\nclient_id = \"adit\"\nclient_secret = \"{SECRET}\"\nname = \"统一身份认证\"\n",
        theirs.issuer
    );
    let openid = Some(OpenId::read(&file).expect("a provider"));
    let mut server = Server::start_with(Options { openid, ..Options::default() });
    // The provider's clock is the machine's.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let ledger = server.app.office.ledger().now().0;
    server.clock.advance_seconds(i64::try_from(now).expect("a time") - ledger);
    // The provider is at 127.0.0.1, which is another site than this.
    server.url = server.url.replace("127.0.0.1", "localhost");
    theirs.register(&server);
    server
}

#[test]
fn given_a_real_provider_then_an_account_is_linked_signs_in_by_it_and_is_unlinked_and_a_way_back_counts_once()
{
    for (locale, width, say) in [
        (
            "zh-CN",
            360,
            [
                "关联统一身份认证",
                "前往",
                "取消",
                "我的账号",
                "已关联统一身份认证",
                "退出",
                "登录",
                "不是关联的那个账号",
                "待办",
                "已经用过",
                "解除关联",
                "已解除关联",
            ],
        ),
        (
            "en-US",
            1280,
            [
                "Link the identity provider",
                "Go to",
                "turned back there",
                "My account",
                "The identity provider is linked",
                "Sign out",
                "Sign in",
                "is not the one that is linked",
                "Worklist",
                "was used before",
                "End the link",
                "The link is ended",
            ],
        ),
    ] {
        let [link, go, denied, me, linked, out, enter, other, home, stale, unlink, unlinked] = say;
        let mut theirs = Theirs::start();
        let server = server(&mut theirs);
        let person = server.person("leader-1");
        server.app.keystore.store(person.actor, &person.key, PASSWORD).expect("stored");
        let account = person.actor.to_string();
        let steps = json!([
            { "goto": "/desk/me" },
            { "look": "unlinked" },
            { "enter": { "pw6": PASSWORD } },
            { "press": link },
            { "look": "ready" },
            // Somebody turns back there, and begins anew.
            { "click": go },
            { "press": "Turn back" },
            { "see": denied },
            { "look": "denied" },
            { "click": me },
            { "enter": { "pw6": PASSWORD } },
            { "press": link },
            { "click": go },
            { "fill": { "login": "who-it-is-there" } },
            { "press": "Continue" },
            { "see": linked },
            { "look": "linked" },
            { "click": me },
            { "look": "me" },
            { "press": out },
            { "enter": { "name": account, "password": PASSWORD } },
            { "press": enter },
            { "look": "asked" },
            // Whoever types there comes back by another site's doing: no strict cookie comes along.
            { "forget": "127.0.0.1" },
            { "click": go },
            { "fill": { "login": "somebody-else" } },
            { "press": "Continue" },
            { "see": other },
            { "look": "other" },
            { "forget": "127.0.0.1" },
            { "click": go },
            { "fill": { "login": "who-it-is-there" } },
            { "press": "Continue" },
            { "see": home },
            { "look": "home" },
            { "press": out },
            { "enter": { "name": account, "password": PASSWORD } },
            { "press": enter },
            // That browser is known there now, so nobody is asked.
            { "click": go },
            { "see": home },
            { "replay": "/desk/openid?" },
            { "see": stale },
            { "look": "stale" },
            { "goto": "/desk/me" },
            { "open": unlink },
            { "enter": { "pw5": PASSWORD } },
            { "press": unlink },
            { "see": unlinked },
        ]);
        let said = run(
            "desk.mjs",
            json!({ "url": server.url, "locale": locale, "width": width, "account": account, "password": PASSWORD,
                "steps": steps, "name": format!("openid-{}-{width}", &locale[..2]), "provider": theirs.issuer }),
        );
        sound(&said);
        assert!(said["text"].as_str().is_some_and(|text| text.contains(link)), "{said}");
        for readable in ["who-it-is-there", theirs.issuer.as_str()] {
            assert_eq!(stands_readable(server.folder(), &[readable]), None);
        }
    }
}

/// Somebody who has a passkey confirms with it before an account is linked, and may use either afterwards.
#[test]
fn given_a_passkey_then_it_is_asked_for_before_an_account_is_linked_and_either_signs_in_afterwards() {
    let mut theirs = Theirs::start();
    let server = server(&mut theirs);
    let person = server.person("leader-1");
    server.app.keystore.store(person.actor, &person.key, PASSWORD).expect("stored");
    let account = person.actor.to_string();
    let sign_in = [
        json!({ "press": "退出" }),
        json!({ "enter": { "name": account, "password": PASSWORD } }),
        json!({ "press": "登录" }),
    ];
    let mut steps = vec![
        json!({ "authenticator": true }),
        json!({ "goto": "/desk/me" }),
        json!({ "press": "添加通行密钥" }),
        json!({ "enter": { "passkey-name": "办公室电脑", "pw4": PASSWORD } }),
        json!({ "press": "添加" }),
        json!({ "see": "通行密钥已添加" }),
        json!({ "enter": { "pw6": PASSWORD } }),
        json!({ "press": "关联统一身份认证" }),
        json!({ "see": "请再用本账号现有的第二因素确认" }),
        json!({ "look": "factor" }),
        json!({ "press": "使用通行密钥" }),
        json!({ "click": "前往" }),
        json!({ "fill": { "login": "who-it-is-there" } }),
        json!({ "press": "Continue" }),
        json!({ "see": "已关联统一身份认证" }),
        json!({ "click": "我的账号" }),
    ];
    steps.extend(sign_in.clone());
    steps.extend([json!({ "look": "either" }), json!({ "click": "前往" }), json!({ "see": "待办" })]);
    steps.extend(sign_in);
    steps.extend([json!({ "press": "使用通行密钥" }), json!({ "see": "待办" })]);
    let said = run(
        "desk.mjs",
        json!({ "url": server.url, "locale": "zh-CN", "width": 360, "account": account, "password": PASSWORD,
            "steps": steps, "name": "openid-passkey", "provider": theirs.issuer, "scripts": true }),
    );
    sound(&said);
}
