//! `adit witness`, and `adit serve --policy` which asks it: both as processes, over real HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Place, adit, command, ledger};

/// Longest time until something happens that happens within seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// A process that serves; it ends with the test.
struct Serving {
    child: Child,
    said: Value,
}

impl Serving {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).stdout(Stdio::piped()).spawn().expect("adit runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("output")).read_line(&mut line).expect("a line");
        let said = serde_json::from_str(&line).expect("one JSON object");
        Self { child, said }
    }

    /// An answer's head and body.
    fn get(&self, path: &str) -> (String, String) {
        let address = self.said["listening"].as_str().expect("an address").trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).expect("connected");
        write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        (head.to_owned(), body.to_owned())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Key, memory and vkey of a fresh witness.
fn witness(place: &Place) -> (String, String, String) {
    let (key, state) = (place.path("witness.key"), place.path("state"));
    let init = ["witness", "init", "--name", "w.example/1", "--key", &key, "--state", &state, "--json"];
    let said = adit(&init).done().json();
    (key.clone(), state.clone(), said["vkey"].as_str().expect("a vkey").to_owned())
}

#[test]
fn when_a_witness_is_made_then_its_key_is_its_owners_alone_and_is_never_made_anew() {
    let place = Place::new();
    let (key, state, vkey) = witness(&place);
    assert!(vkey.starts_with("w.example/1+"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&key).expect("a key file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let before = place.files();
    let other = place.path("other");
    for (key, state) in [(&key, &state), (&key, &other), (&other, &state)] {
        adit(&["witness", "init", "--name", "w.example/1", "--key", key, "--state", state]).refused();
    }
    adit(&["witness", "init", "--name", "w 1", "--key", &other, "--state", &other]).refused();
    assert_eq!(place.files(), before);
}

#[test]
fn when_key_memory_or_list_of_logs_do_not_fit_then_the_witness_does_not_start() {
    let place = Place::new();
    let (key, state, vkey) = witness(&place);
    let (empty, wrong) = (place.write("empty", "# none\n"), place.write("wrong", format!("log {vkey}\n")));
    let log = "test.example/ledger+aa687a9d+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
    let good = place.write("good", format!("log {log}\n"));
    for (key, logs, state) in [
        (&key, &empty, &state),
        (&key, &wrong, &state),
        (&key, &place.path("absent"), &state),
        (&good, &good, &state),
        (&key, &good, &place.path("absent")),
    ] {
        adit(&["witness", "--listen", "127.0.0.1:0", "--key", key, "--logs", logs, "--state", state])
            .refused();
    }
    assert_eq!(adit(&["witness", "--key", &key]).code, Some(2));
}

#[test]
fn given_a_policy_when_a_ledger_is_served_then_its_checkpoint_is_cosigned_also_after_a_restart() {
    let place = Place::new();
    let (key, state, vkey) = witness(&place);
    let (data, said) = ledger(&place);
    let log = said["log"].as_str().expect("the log's vkey");
    let logs = place.write("logs", format!("# 所见证的日志\nlog {log}\n"));
    let witness =
        ["witness", "--json", "--listen", "127.0.0.1:0", "--key", &key, "--logs", &logs, "--state", &state];
    for _ in 0..2 {
        let running = Serving::start(&witness);
        assert_eq!(running.said["vkey"], vkey.as_str());
        let url = running.said["listening"].as_str().expect("an address");
        let policy = place.write("policy", format!("log {log}\nwitness w {vkey} {url}\nquorum w\n"));
        let served = Serving::start(&[
            "serve",
            "--data",
            &data,
            "--json",
            "--listen",
            "127.0.0.1:0",
            "--policy",
            &policy,
        ]);
        let since = Instant::now();
        while !served.get("/api/v1/checkpoint").1.contains("\u{2014} w.example/1 ") {
            assert!(since.elapsed() < PATIENCE, "not cosigned");
        }
        let (head, page) = running.get("/");
        assert!(
            head.contains("content-security-policy")
                && page.contains(&vkey)
                && page.contains("bureau.example/ledger")
        );
    }
    assert_eq!(adit(&["verify", "--data", &data, "--json"]).done().json()["ok"], true);
}

#[test]
fn given_a_policy_with_a_fault_then_the_line_is_named_and_nothing_is_served() {
    let place = Place::new();
    let (data, said) = ledger(&place);
    let log = said["log"].as_str().expect("the log's vkey");
    let faulty = place.write("policy", format!("log {log}\n\nquorum nobody\n"));
    let refused = adit(&["serve", "--data", &data, "--listen", "127.0.0.1:0", "--policy", &faulty]).refused();
    assert!(refused.err.contains("第 3 行") && refused.err.contains("Line 3"), "{}", refused.err);
    let other =
        "log test.example/ledger+aa687a9d+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs\nquorum none\n";
    let other = place.write("other", other);
    adit(&["serve", "--data", &data, "--listen", "127.0.0.1:0", "--policy", &other]).refused();
}
