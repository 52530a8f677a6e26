//! The daily digest: who is told, when, how often and in which words. A mail server of other people takes the mail.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use adit_api::digest::mail::Mail;
use adit_api::digest::{Round, round};
use adit_api::keystore::Keystore;
use adit_api::{App, Options};
use adit_core::ledger::clock::SetClock;
use adit_core::ledger::home::Home;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::Office;
use adit_core::units::Position;
use serde_json::{Value, json};

use crate::common::{Reply, Server, stands_readable};
use crate::desk::{page, send};
use crate::desk_in_browser::day;
use crate::digest_webhook::{hook, listener};
use crate::uploads::taken_up;
use crate::verifiers::verifier;

/// Everything that this program logs, as its operator would read it.
#[derive(Clone)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

static LOG: OnceLock<Log> = OnceLock::new();

/// Begins to listen to what is logged; gives back what was logged so far.
pub(crate) fn logged() -> String {
    let log = LOG.get_or_init(|| {
        let log = Log(Arc::default());
        let writer = log.clone();
        let lines = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::INFO);
        let _ = lines.with_ansi(false).with_writer(move || writer.clone()).try_init();
        log
    });
    String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned()
}

/// A mail server of other people.
struct PostOffice {
    child: Child,
    lines: BufReader<ChildStdout>,
    folder: tempfile::TempDir,
    port: u16,
    mode: &'static str,
}

impl PostOffice {
    fn open(mode: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if mode.contains("tls") {
            certify(folder.path());
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/digest_mail.py");
        let mut command = Command::new(verifier("python"));
        command.args(["-W", "ignore"]).arg(script).arg(folder.path()).arg(mode).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Self { child, lines, folder, port, mode }
    }

    /// Settings that fit it, with other lines for some.
    fn settings(&self, changed: &[(&str, &str)]) -> Mail {
        let (host, tls) = match self.mode {
            "tls" | "starttls" => ("localhost", self.mode),
            _ => ("127.0.0.1", "none"),
        };
        let mut lines = vec![
            ("host", format!("{host:?}")),
            ("port", self.port.to_string()),
            ("tls", format!("{tls:?}")),
            ("from", "\"adit@bureau.example\"".to_owned()),
        ];
        if self.mode != "plain" {
            lines.extend([("user", "\"adit\"".to_owned()), ("password", "\"mail canary\"".to_owned())]);
        }
        if self.mode.contains("tls") {
            lines.push(("ca", "\"ca.pem\"".to_owned()));
        }
        for (name, value) in changed {
            lines.retain(|(known, _)| known != name);
            if !value.is_empty() {
                lines.push((name, (*value).to_owned()));
            }
        }
        let lines: Vec<String> = lines.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        Mail::read(&secret(self.folder.path(), "mail.toml", &lines.join("\n"))).unwrap()
    }

    fn options(&self) -> Options {
        Options { mail: Some(self.settings(&[])), ..Options::default() }
    }

    /// The next message that it takes; waits for it.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// How many it has taken.
    fn taken(&self) -> usize {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "message"))
            .count()
    }

    /// Refuses everybody with these words, or nobody.
    fn refuse(&self, with: Option<&str>) {
        let path = self.folder.path().join("refuse");
        match with {
            Some(words) => std::fs::write(path, words).unwrap(),
            None => std::fs::remove_file(path).unwrap(),
        }
    }
}

impl Drop for PostOffice {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file that its owner alone may read.
pub(crate) fn secret(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// An authority of its own, and a certificate for localhost.
pub(crate) fn certify(folder: &Path) {
    let steps = [
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3 -subj /CN=ca.example",
        "req -newkey rsa:2048 -nodes -keyout key.pem -out leaf.csr -subj /CN=localhost -addext subjectAltName=DNS:localhost",
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3 -copy_extensions copy -out cert.pem",
    ];
    for step in steps {
        let output = Command::new("openssl").current_dir(folder).args(step.split(' ')).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

pub(crate) fn change(server: &Server, token: &str, fields: &[(&str, &str)]) -> Reply {
    send(server, Some(token), "/desk/me", fields)
}

/// The code of a message.
fn code_of(message: &Value) -> String {
    let text = message["text"].as_str().unwrap();
    text.split_once("验证码：").unwrap().1.chars().take(8).collect()
}

fn ask(server: &Server, office: &mut PostOffice, token: &str, address: &str) -> String {
    let asked = change(server, token, &[("what", "digest_ask"), ("address", address)]);
    assert!(asked.status == 200 && asked.text.contains("验证码已经寄往那里"), "{}", asked.text);
    let message = office.next();
    assert_eq!(message["to"], json!([address]));
    code_of(&message)
}

/// Turns the digest on; gives back the session.
fn subscribe(server: &Server, office: &mut PostOffice, who: &str, address: &str) -> String {
    let token = server.sign_in_by_key(who);
    let code = ask(server, office, &token, address);
    let done = change(server, &token, &[("what", "digest_confirm"), ("code", &code)]);
    assert!(done.status == 200 && done.text.contains("每日提醒已开启"), "{}", done.text);
    token
}

/// A round, once the read models hold everything.
fn told_by(runtime: &tokio::runtime::Runtime, app: &Arc<App>) -> Round {
    let last = Position(app.office.ledger().size() - 1);
    assert!(runtime.block_on(app.projector.wait_for(last)));
    runtime.block_on(round(app))
}

pub(crate) fn told(server: &Server) -> Round {
    told_by(server.runtime(), &server.app)
}

pub(crate) const fn of(told: usize, failed: usize) -> Round {
    Round { told, failed }
}

/// Sets the clock to so many hours after a midnight of Shanghai; the first day is that on which the server was started.
pub(crate) fn at(clock: &SetClock, day: i64, hour: i64) {
    let midnight: adit_core::units::Timestamp = "2024-05-09T16:00:00Z".parse().unwrap();
    clock.set(midnight.plus_seconds(day * 86_400 + hour * 3600));
}

/// The same ledger in another process, as far as it can tell.
fn reopened(folder: &Path, clock: &Arc<SetClock>, mail: Mail) -> Arc<App> {
    let home = Home::beside(&folder.join("data"));
    let ledger = taken_up(&home, clock);
    let options = Options { mail: Some(mail), ..Options::default() };
    App::with(Office::open(ledger).unwrap(), Keystore::at(&home.actors()), options).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn given_a_confirmed_address_then_it_is_told_once_a_day_from_the_hour_on_also_over_a_restart_and_no_other_is()
{
    let mut office = PostOffice::open("login");
    let server = Server::start_with(office.options());
    subscribe(&server, &mut office, "handler-1", "handler@bureau.example");
    ask(&server, &mut office, &server.sign_in_by_key("finance-1"), "finance@bureau.example");
    assert_eq!(told(&server), of(0, 0), "it is ten o'clock, and the first day is tomorrow");
    at(&server.clock, 1, 7);
    assert_eq!(told(&server), of(0, 0), "it is early");
    at(&server.clock, 1, 8);
    assert_eq!(told(&server), of(1, 0));
    let message = office.next();
    assert_eq!(
        (&message["to"], &message["from"]),
        (&json!(["handler@bureau.example"]), &json!("adit@bureau.example"))
    );
    assert_eq!((&message["user"], &message["hello"]), (&json!("adit"), &json!("bureau.example")));
    let headers = message["headers"].as_object().unwrap();
    let mut names: Vec<&str> = headers.keys().map(String::as_str).collect();
    names.sort_unstable();
    let known = [
        "auto-submitted",
        "content-transfer-encoding",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "subject",
        "to",
    ];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    assert_eq!(headers["auto-submitted"], "auto-generated");
    assert_eq!(headers["date"], "Sat, 11 May 2024 00:00:00 +0000", "by the ledger's clock");
    let text = message["text"].as_str().unwrap();
    assert!(text.contains("没有等您的事项") && text.contains("There is nothing for you."), "{text}");
    assert_eq!(text.matches("http").count(), 2, "the address of the workbench, in both languages");
    for hour in [8, 12, 23] {
        at(&server.clock, 1, hour);
        assert_eq!(told(&server), of(0, 0), "again at {hour}");
    }

    let (clock, mail) = (Arc::clone(&server.clock), office.settings(&[]));
    let (folder, runtime) = (server.stopped(), runtime());
    let app = reopened(folder.path(), &clock, mail.clone());
    assert_eq!(told_by(&runtime, &app), of(0, 0), "again after a restart");
    drop(app);
    // A day on which the server did not run is not made up for.
    at(&clock, 3, 13);
    let app = reopened(folder.path(), &clock, mail);
    assert_eq!((told_by(&runtime, &app), told_by(&runtime, &app)), (of(1, 0), of(0, 0)));
    assert_eq!(office.taken(), 4, "two codes and two digests");
}

#[test]
fn given_worklists_then_each_digest_says_what_its_own_says_in_messages_of_one_length() {
    let mut office = PostOffice::open("plain");
    let server = Server::start_with(office.options());
    let people =
        ["handler-1", "finance-1", "enterprise-1", "enterprise-2", "clerk-1", "inspector-1", "approver-1"];
    for (at, who) in people.iter().enumerate() {
        subscribe(&server, &mut office, who, &format!("p{at}@bureau.example"));
    }
    let mut morning = |day: i64| -> Vec<(bool, usize)> {
        at(&server.clock, day, 8);
        assert_eq!(told(&server), of(people.len(), 0));
        let mut said: Vec<Value> = people.iter().map(|_| office.next()).collect();
        said.sort_by_key(|message| message["to"].to_string());
        let waits = |message: &Value| {
            let text = message["text"].as_str().unwrap();
            assert!(
                text.contains("工作台没有等您的事项。") != text.contains("工作台有事项等您处理。"),
                "{text}"
            );
            let waits = text.contains("工作台有事项等您处理。");
            assert_eq!(text.contains("There is something to do."), waits);
            (waits, usize::try_from(message["size"].as_u64().unwrap()).unwrap())
        };
        let said: Vec<(bool, usize)> = said.iter().map(waits).collect();
        for (who, (waits, _)) in people.iter().zip(&said) {
            let list = page(&server, &server.sign_in_by_key(who), "/desk");
            assert_eq!(list.status, 200);
            assert_ne!(list.text.contains("没有等您办理的事项。"), *waits, "{who}: {}", list.text);
        }
        said
    };
    let who_waits = |said: &[(bool, usize)]| -> Vec<&str> {
        people.iter().zip(said).filter(|(_, (waits, _))| *waits).map(|(who, _)| *who).collect()
    };
    let first = morning(1);
    assert_eq!(
        who_waits(&first),
        ["inspector-1"],
        "nothing was done yet; a plan is sealed on each working day"
    );
    server.report();
    server.app.office.ledger().publish_now();
    let second = morning(2);
    assert_eq!(who_waits(&second), ["clerk-1"], "of a report nobody else learns, and no enterprise");
    let hazard = server.hazard(0);
    server.execute(
        Some(&hazard),
        "hazard.verify",
        &json!({ "because": "现场" }),
        &["inspector-1", "inspector-2"],
    );
    let assign = json!({ "responsible_post": "矿长", "due": "2024-06-09" });
    server.execute(Some(&hazard), "hazard.assign", &assign, &["handler-1"]);
    server.app.office.ledger().publish_now();
    let third = morning(3);
    let waits = who_waits(&third);
    assert!(waits.contains(&"enterprise-1") && !waits.contains(&"enterprise-2"), "{waits:?}");
    let sizes: std::collections::BTreeSet<usize> =
        first.iter().chain(&second).chain(&third).map(|(_, size)| *size).collect();
    assert_eq!(sizes.len(), 1, "the length tells which: {sizes:?}");
}

#[test]
fn given_a_code_then_wrong_ones_wait_an_old_one_is_over_and_nothing_tells_whether_an_address_exists() {
    let mut office = PostOffice::open("plain");
    let server = Server::start_with(office.options());
    let token = server.sign_in_by_key("handler-1");
    let try_code =
        |token: &str, code: &str| change(&server, token, &[("what", "digest_confirm"), ("code", code)]);
    assert_eq!(try_code(&token, "12345678").status, 422, "none was asked for");
    for bad in ["", "handler", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example"] {
        let refused = change(&server, &token, &[("what", "digest_ask"), ("address", bad)]);
        assert!(refused.status == 422 && refused.text.contains("这不是可以用的邮箱地址"), "{bad}");
    }
    let typed = change(&server, &token, &[("what", "digest_ask"), ("address", "typed@nowhere")]);
    assert!(typed.text.contains("value=\"typed@nowhere\""), "what was typed is lost");

    let code = ask(&server, &mut office, &token, "handler@bureau.example");
    let wrong = if code == "00000000" { "11111111" } else { "00000000" };
    assert_eq!(try_code(&token, wrong).status, 422);
    let soon = try_code(&token, &code);
    assert!(soon.status == 429 && soon.text.contains("还要等 5 秒"), "{}", soon.text);
    assert_eq!(try_code(&server.sign_in_by_key("handler-2"), &code).status, 422, "it is somebody else's");
    server.clock.advance_seconds(5);
    assert_eq!(try_code(&token, &format!("{} {}", &code[..4], &code[4..])).status, 200);
    assert_eq!(try_code(&token, &code).status, 422, "it works twice");

    let late = ask(&server, &mut office, &token, "other@bureau.example");
    server.clock.advance_seconds(29 * 60);
    assert!(page(&server, &token, "/desk/me").text.contains("other@bureau.example"));
    server.clock.advance_seconds(61);
    let over = try_code(&token, &late);
    assert!(over.status == 422 && over.text.contains("已过时"), "{}", over.text);
    assert!(!over.text.contains("other@bureau.example") && over.text.contains("handler@bureau.example"));

    // Another account, the same address, and a server that knows nobody: one answer.
    let other = server.sign_in_by_key("finance-1");
    let asked = |address: &str| change(&server, &other, &[("what", "digest_ask"), ("address", address)]);
    let known = asked("handler@bureau.example");
    office.next();
    assert_eq!(change(&server, &other, &[("what", "digest_forget")]).status, 200);
    logged();
    office.refuse(Some("550 5.1.1 no such user"));
    let unknown = asked("handler@bureau.example");
    assert_eq!((known.status, &known.text), (200, &unknown.text));
    while !logged().contains("a code for a daily digest could not be mailed") {
        std::thread::yield_now();
    }
    assert!(!logged().contains("handler@bureau.example"));
    for _ in 0..3 {
        assert_eq!(asked("handler@bureau.example").status, 200);
    }
    assert_eq!(asked("handler@bureau.example").status, 429, "anybody's mailbox can be flooded");
}

#[test]
fn given_a_digest_that_is_on_when_it_is_turned_off_then_one_press_is_enough_and_nothing_is_kept() {
    let mut office = PostOffice::open("plain");
    let server = Server::start_with(office.options());
    let token = subscribe(&server, &mut office, "leader-1", "leader@bureau.example");
    let kept = server.folder().join(format!("data.keys/actors/{}.digest", server.actor("leader-1")));
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let off = change(&server, &token, &[("what", "digest_off")]);
    assert!(off.status == 200 && off.text.contains("每日提醒已关闭"), "{}", off.text);
    assert!(!kept.exists() && !page(&server, &token, "/desk/me").text.contains("leader@bureau.example"));
    at(&server.clock, 1, 9);
    assert_eq!(told(&server), of(0, 0));
    // On again later on the same day: that day is over.
    subscribe(&server, &mut office, "leader-1", "leader@bureau.example");
    assert_eq!(told(&server), of(0, 0));
    at(&server.clock, 2, 9);
    assert_eq!((told(&server), office.taken()), (of(1, 0), 3));
}

#[test]
fn given_a_mail_server_that_fails_then_it_is_tried_again_with_growing_pauses_and_no_address_is_told_to_anybody()
 {
    let address = "canary-address@bureau.example";
    logged();
    let mut office = PostOffice::open("login");
    let server = Server::start_with(office.options());
    subscribe(&server, &mut office, "handler-1", address);
    subscribe(&server, &mut office, "finance-1", "finance@bureau.example");
    at(&server.clock, 1, 8);
    office.refuse(Some("451 4.7.1 try again later"));
    assert_eq!((told(&server), told(&server)), (of(0, 2), of(0, 0)), "it waits");
    let system = || page(&server, &server.sign_in_by_key("admin-1"), "/desk/system").text;
    let said = system();
    assert!(said.contains("2024-05-11：已送达 0 份，未送达 2 份。服务器让稍后再试。"), "{said}");
    assert!(!said.contains("bureau.example"), "{said}");
    server.clock.advance_seconds(119);
    assert_eq!(told(&server), of(0, 0));
    server.clock.advance_seconds(1);
    assert_eq!(told(&server), of(0, 2));
    server.clock.advance_seconds(239);
    assert_eq!(told(&server), of(0, 0), "twice as long");
    server.clock.advance_seconds(1);
    office.refuse(None);
    assert_eq!((told(&server), told(&server), office.taken()), (of(2, 0), of(0, 0), 4));
    let said = system();
    assert!(said.contains("2024-05-11：已送达 2 份，未送达 0 份。"), "{said}");

    // Nobody is there any more: nothing stops, and it is given up for the day.
    at(&server.clock, 2, 8);
    drop(office);
    let mut rounds = Vec::new();
    for _ in 0..24 * 60 {
        let done = told(&server);
        if done != of(0, 0) {
            rounds.push(done);
        }
        server.clock.advance_seconds(60);
    }
    assert_eq!(rounds, [of(0, 2); 8]);
    at(&server.clock, 2, 23);
    let said = system();
    assert!(said.contains("未送达 2 份。联系不上服务器。今天不再重试。"), "{said}");
    server.hazard(0);

    let log = logged();
    assert!(log.contains("daily digests could not be delivered") && !log.contains(address), "{log}");
    assert!(!log.contains("mail canary"));
    let readable = stands_readable(server.folder(), &[address, "canary-address", "mail canary"]);
    assert_eq!(readable, None);
}

#[test]
fn given_one_mailbox_that_refuses_then_the_others_are_told_and_none_of_them_twice() {
    let mut office = PostOffice::open("plain");
    let server = Server::start_with(office.options());
    for who in ["handler-1", "finance-1", "leader-1"] {
        subscribe(&server, &mut office, who, &format!("{who}@bureau.example"));
    }
    at(&server.clock, 1, 8);
    office.refuse(Some("550 5.1.1 no such user\nfinance-1@bureau.example"));
    assert_eq!(told(&server), of(2, 1));
    server.clock.advance_seconds(120);
    assert_eq!(told(&server), of(0, 0), "it would be refused again");
    let said = page(&server, &server.sign_in_by_key("admin-1"), "/desk/system").text;
    assert!(said.contains("已送达 2 份，未送达 1 份。其中 1 份被拒收或两次没有答复"), "{said}");
    office.refuse(None);
    at(&server.clock, 2, 8);
    assert_eq!((told(&server), told(&server), office.taken()), (of(3, 0), of(0, 0), 8));
}

#[test]
fn given_one_mailbox_on_which_the_server_hangs_up_then_the_others_are_told_and_it_is_tried_once_more() {
    let mut office = PostOffice::open("plain");
    let server = Server::start_with(office.options());
    let all = ["handler-1", "finance-1", "leader-1"];
    for who in all {
        subscribe(&server, &mut office, who, &format!("{who}@bureau.example"));
    }
    // Whoever comes first keeps nobody behind them waiting.
    for (day, who) in (1..).zip(all) {
        at(&server.clock, day, 8);
        office.refuse(Some(&format!("hang up\n{who}@bureau.example")));
        assert_eq!(told(&server), of(2, 1), "{who}");
        server.clock.advance_seconds(120);
        assert_eq!(told(&server), of(0, 1), "it may have been an accident");
        server.clock.advance_seconds(3600);
        assert_eq!(told(&server), of(0, 0), "it may have arrived");
    }
}

#[test]
fn given_somebody_whose_roles_or_keys_end_then_they_are_told_nothing_and_an_ended_account_is_forgotten() {
    let mut office = PostOffice::open("plain");
    let server = Server::start_with(office.options());
    for who in ["handler-1", "handler-2", "inspector-1"] {
        subscribe(&server, &mut office, who, &format!("{who}@bureau.example"));
    }
    let kept =
        |who: &str| server.folder().join(format!("data.keys/actors/{}.digest", server.actor(who))).exists();
    let stream = |who: &str| format!("actor/{}", server.actor(who));
    server.execute(Some(&stream("handler-1")), "actor.suspend", &json!({ "because": "调离" }), &["admin-1"]);
    let role = json!({ "role": "handler", "key": server.person("handler-2").key.vkey() });
    server.execute(Some(&stream("handler-2")), "actor.revoke", &role, &["admin-1"]);
    at(&server.clock, 1, 8);
    assert_eq!(told(&server), of(1, 0));
    assert_eq!(office.next()["to"], json!(["inspector-1@bureau.example"]));
    assert_eq!(["handler-1", "handler-2", "inspector-1"].map(kept), [false, true, true]);
    server.execute(Some(&stream("handler-2")), "actor.grant", &role, &["admin-1", "admin-2"]);
    at(&server.clock, 2, 8);
    assert_eq!(told(&server), of(2, 0), "a role that is granted again");
    let old = &server.person("inspector-1").key;
    let fresh = SigningKey::generate(old.name()).unwrap();
    let rotate = json!({ "old": old.vkey(), "new": fresh.vkey() });
    server.execute(Some(&stream("inspector-1")), "actor.rotate_key", &rotate, &["admin-1", "admin-2"]);
    at(&server.clock, 3, 8);
    assert_eq!(told(&server), of(1, 0));
    assert!(!kept("inspector-1"), "a new key for a lost one begins without a digest");
    let held = server.person("handler-2").key.clone();
    let fresh = SigningKey::generate(held.name()).unwrap();
    let rotate = json!({ "old": held.vkey(), "new": fresh.vkey() });
    server.execute(Some(&stream("handler-2")), "actor.rotate_key", &rotate, &["admin-1", "admin-2"]);
    let token = server.sign_in_with(&fresh);
    assert!(!page(&server, &token, "/desk/me").text.contains("handler-2@bureau.example"), "of the lost key");
    assert_eq!(change(&server, &token, &[("what", "digest_off")]).status, 200);
    at(&server.clock, 4, 8);
    assert_eq!((told(&server), kept("handler-2")), (of(0, 0), false));
}

#[test]
fn given_what_is_kept_of_somebody_when_it_is_put_in_anothers_place_then_it_opens_nothing_and_they_turn_it_on_anew()
 {
    let mut office = PostOffice::open("plain");
    let server = Server::start_with(office.options());
    subscribe(&server, &mut office, "handler-1", "handler@bureau.example");
    let kept = |who: &str| server.folder().join(format!("data.keys/actors/{}.digest", server.actor(who)));
    std::fs::copy(kept("handler-1"), kept("finance-1")).unwrap();
    at(&server.clock, 1, 8);
    assert_eq!((told(&server), office.next()["to"].clone()), (of(1, 1), json!(["handler@bureau.example"])));
    let me = page(&server, &server.sign_in_by_key("finance-1"), "/desk/me");
    assert!(
        me.text.contains("以前保存的设置打不开了") && !me.text.contains("handler@bureau.example"),
        "{}",
        me.text
    );
    subscribe(&server, &mut office, "finance-1", "finance@bureau.example");
    server.clock.advance_seconds(120);
    assert_eq!(told(&server), of(0, 0));
    at(&server.clock, 2, 8);
    assert_eq!(told(&server), of(2, 0));
}

#[test]
fn given_tls_then_mail_goes_through_it_to_a_trusted_server_with_the_password_and_never_without() {
    let before = logged().len();
    for mode in ["starttls", "tls"] {
        let mut office = PostOffice::open(mode);
        let server = Server::start_with(office.options());
        subscribe(&server, &mut office, "handler-1", "handler@bureau.example");
        at(&server.clock, 1, 8);
        assert_eq!(told(&server), of(1, 0));
        let message = office.next();
        assert_eq!((&message["tls"], &message["user"]), (&json!(true), &json!("adit")), "{mode}");
        let clock = Arc::clone(&server.clock);
        let (folder, runtime, taken) = (server.stopped(), runtime(), office.taken());
        let plain = PostOffice::open("plain");
        let port = plain.port.to_string();
        // An authority that nobody here knows, another password, and a server that has no TLS.
        let faults: [&[(&str, &str)]; 3] =
            [&[("ca", "")], &[("password", "\"another\"")], &[("port", &port)]];
        for (day, changed) in (2..).zip(faults) {
            at(&clock, day, 8);
            let app = reopened(folder.path(), &clock, office.settings(changed));
            assert_eq!(told_by(&runtime, &app), of(0, 1), "{mode}: {changed:?}");
            assert_eq!((office.taken(), plain.taken()), (taken, 0), "{mode}: {changed:?}");
        }
    }
    for why in
        ["has no TLS that can be trusted", "does not let us in", "offers less than the settings ask for"]
    {
        assert!(logged()[before..].contains(why), "nobody is told that the server {why}");
    }
}

#[test]
fn given_no_mail_server_then_the_page_says_so_and_asking_is_refused() {
    let server = Server::start();
    let token = server.sign_in_by_key("handler-1");
    let me = page(&server, &token, "/desk/me");
    assert!(me.text.contains("服务器没有设置发信") && !me.text.contains("digest_ask"), "{}", me.text);
    let refused = change(&server, &token, &[("what", "digest_ask"), ("address", "a@b.example")]);
    assert!(refused.status == 409 && refused.text.contains("adit serve --mail"), "{}", refused.text);
    assert!(
        page(&server, &server.sign_in_by_key("admin-1"), "/desk/system").text.contains("没有设置每日提醒")
    );
}

#[test]
fn given_my_account_in_a_browser_then_the_digest_is_turned_on_and_off_on_a_telephone_in_both_languages() {
    let mut office = PostOffice::open("plain");
    let folder = tempfile::tempdir().unwrap();
    let (port, _) = listener(&["200 OK"]);
    let server =
        Server::start_with(Options { webhook: hook(folder.path(), port).webhook, ..office.options() });
    let words = [
        (
            "zh-CN",
            360,
            "发送验证码",
            "验证码已经寄往那里",
            "确认",
            "每日提醒已开启",
            "关闭，并忘记这个邮箱",
            "邮箱已删除",
        ),
        (
            "en-US",
            360,
            "Mail a code",
            "a code is on its way",
            "Confirm",
            "daily digest is on",
            "Turn it off",
            "address is deleted",
        ),
        (
            "en-US",
            1280,
            "Mail a code",
            "a code is on its way",
            "Confirm",
            "daily digest is on",
            "Turn it off",
            "address is deleted",
        ),
    ];
    for (locale, width, ask, asked, confirm, on, off, ended) in words {
        let who = if width == 360 { "enterprise-1" } else { "handler-1" };
        let goes = json!({ "goto": "/desk/me" });
        day(
            &server,
            who,
            locale,
            width,
            &json!([
                goes, { "look": "digest-begins" }, { "fill": { "address": "a.longer.name.of.somebody@mail.bureau.example" } },
                { "press": ask }, { "see": asked }, { "look": "digest-asked" },
            ]),
        );
        let code = code_of(&office.next());
        day(
            &server,
            who,
            locale,
            width,
            &json!([
                goes, { "fill": { "code": "1" } }, { "press": confirm }, { "look": "digest-wrong" },
            ]),
        );
        server.clock.advance_seconds(5);
        day(
            &server,
            who,
            locale,
            width,
            &json!([
                goes, { "fill": { "code": code } }, { "press": confirm }, { "see": on }, { "look": "digest-on" },
                { "press": off }, { "see": ended }, { "look": "digest-off" },
            ]),
        );
    }
    day(
        &server,
        "admin-1",
        "zh-CN",
        360,
        &json!([{ "goto": "/desk/system" }, { "see": "每日提醒" }, { "look": "system" }]),
    );
}
