//! The webhook of the daily digest: what the bureau's messenger is told, how often, and where else nothing goes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use adit_api::Options;
use adit_api::digest::webhook::Webhook;
use serde_json::{Value, json};

use crate::common::{Server, stands_readable};
use crate::desk::page;
use crate::digest::{at, certify, change, logged, of, secret, told};

/// What a webhook was sent: its head, in small letters, and its body.
pub(crate) type Posted = (String, Value);

/// Answers each request with the next of these status lines, and the last for ever.
pub(crate) fn listener(answers: &'static [&'static str]) -> (u16, Receiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, (sender, receiver)) = (listener.local_addr().unwrap().port(), channel());
    std::thread::spawn(move || {
        let mut answers = answers.iter().chain(std::iter::repeat(answers.last().unwrap()));
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut head, mut line) = (String::new(), String::new());
            while stream.read_line(&mut line).unwrap() > 2 {
                head += &line.to_lowercase();
                line.clear();
            }
            let length =
                head.split_once("content-length: ").unwrap().1.lines().next().unwrap().parse().unwrap();
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            sender.send((head, serde_json::from_slice(&body).unwrap())).unwrap();
            let answer = answers.next().unwrap();
            write!(stream.get_mut(), "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
        }
    });
    (port, receiver)
}

pub(crate) fn hook(folder: &Path, port: u16) -> Options {
    let text =
        format!("url = \"http://127.0.0.1:{port}/digest?key=hook-canary\"\ntoken = \"token-canary\"\n");
    let webhook = Webhook::read(&secret(folder, "webhook.toml", &text)).unwrap();
    Options { webhook: Some(webhook), ..Options::default() }
}

#[test]
fn given_a_webhook_then_it_is_posted_once_a_day_for_each_who_chose_it_and_says_only_whether_something_waits()
{
    let folder = tempfile::tempdir().unwrap();
    let (port, posted) = listener(&["200 OK"]);
    let server = Server::start_with(hook(folder.path(), port));
    for who in ["clerk-1", "finance-1"] {
        let on = change(&server, &server.sign_in_by_key(who), &[("what", "digest_post_on")]);
        assert!(on.status == 200 && on.text.contains("即时通信提醒已开启"), "{}", on.text);
    }
    // What waits for an enterprise is not for the bureau's messenger.
    let enterprise = server.sign_in_by_key("enterprise-1");
    assert!(!page(&server, &enterprise, "/desk/me").text.contains("digest_post_on"));
    let refused = change(&server, &enterprise, &[("what", "digest_post_on")]);
    assert!(refused.status == 409 && refused.text.contains("企业账号只能用邮件"), "{}", refused.text);
    server.report();
    at(&server.clock, 1, 8);
    assert_eq!((told(&server), told(&server)), (of(2, 0), of(0, 0)));
    let mut said: Vec<Posted> = posted.try_iter().collect();
    said.sort_by_key(|(_, body)| body["waits"].as_u64());
    let [(head, nothing), (_, something)] = <[Posted; 2]>::try_from(said).unwrap();
    assert!(
        head.contains("authorization: bearer token-canary")
            && head.contains("content-type: application/json")
    );
    assert_eq!((&nothing["to"], &nothing["waits"]), (&json!(server.actor("finance-1")), &json!(0)));
    assert_eq!((&something["to"], &something["waits"]), (&json!(server.actor("clerk-1")), &json!(1)));
    assert_eq!(
        (&something["type"], &something["v"], &something["day"]),
        (&json!("adit.digest"), &json!(1), &json!("2024-05-11"))
    );
    assert!(something["zh"].as_str().unwrap().contains("有事项等您处理"));
    assert_eq!(nothing.to_string().len(), something.to_string().len());
    assert_eq!(something.as_object().unwrap().len(), 7, "{something}");
    let token = server.sign_in_by_key("clerk-1");
    assert!(change(&server, &token, &[("what", "digest_post_off")]).text.contains("已更改"));
    at(&server.clock, 2, 8);
    assert_eq!(told(&server), of(1, 0));
    assert_eq!(stands_readable(server.folder(), &["hook-canary", "token-canary"]), None);
}

#[test]
fn given_a_webhook_that_leads_elsewhere_or_fails_then_it_is_not_followed_and_is_tried_again() {
    let (elsewhere, strayed) = listener(&["200 OK"]);
    let answer = format!("307 Temporary Redirect\r\nlocation: http://127.0.0.1:{elsewhere}/");
    let answers: &'static [&'static str] = Box::leak(Box::new([
        Box::leak(answer.into_boxed_str()),
        "503 Service Unavailable",
        "204 No Content",
    ]));
    let folder = tempfile::tempdir().unwrap();
    let (port, posted) = listener(answers);
    let server = Server::start_with(hook(folder.path(), port));
    let token = server.sign_in_by_key("finance-1");
    assert_eq!(change(&server, &token, &[("what", "digest_post_on")]).status, 200);
    at(&server.clock, 1, 8);
    assert_eq!(told(&server), of(0, 1), "it leads elsewhere");
    server.clock.advance_seconds(120);
    assert_eq!(told(&server), of(0, 1), "it fails");
    server.clock.advance_seconds(240);
    assert_eq!((told(&server), told(&server)), (of(1, 0), of(0, 0)));
    assert_eq!((posted.try_iter().count(), strayed.try_iter().count()), (3, 0));
}

/// An HTTPS server of others (Python's own) that takes everything that is posted.
const TAKES: &str = "
import http.server, ssl, sys
class Desk(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers['content-length'])).decode(), flush=True)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *said): pass
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain('cert.pem', 'key.pem')
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Desk)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
";

#[test]
fn given_a_webhook_over_https_then_it_is_posted_to_whom_the_settings_trust_and_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let mut command = Command::new("python3");
    command.args(["-c", TAKES]).current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let url = format!("url = \"https://localhost:{}/digest\"\n", lines.next().unwrap());
    let before = logged().len();
    let morning = |settings: &str| {
        let webhook = Webhook::read(&secret(folder.path(), "webhook.toml", settings)).unwrap();
        let server = Server::start_with(Options { webhook: Some(webhook), ..Options::default() });
        let on = change(&server, &server.sign_in_by_key("finance-1"), &[("what", "digest_post_on")]);
        assert_eq!(on.status, 200, "{}", on.text);
        at(&server.clock, 1, 8);
        told(&server)
    };
    assert_eq!(morning(&url), of(0, 1), "nobody here knows its authority");
    assert!(logged()[before..].contains("has no TLS that can be trusted"));
    assert_eq!(morning(&format!("{url}ca = \"ca.pem\"\n")), of(1, 0));
    let said: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!((&said["type"], &said["waits"]), (&json!("adit.digest"), &json!(0)));
    child.kill().unwrap();
    child.wait().unwrap();
}
