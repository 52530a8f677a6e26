//! `--follow`, `--serve`, `--webhook` and `--witness`, over real HTTP.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::{Value, json};

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::note;
use adit_core::ledger::vkey::{SigningKey, hex};
use sha2::{Digest, Sha256};

use crate::LATER;
use crate::common::ORIGIN;
use crate::support::{Folder, Log, audit, busy, log_key};

/// Serves files of a folder; gives POST bodies to the receiver, and refuses the first of them.
fn server(folder: PathBuf) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("address"));
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut refused = false;
        for stream in listener.incoming().flatten() {
            answer(stream, &folder, &sender, &mut refused);
        }
    });
    (address, receiver)
}

fn answer(mut stream: TcpStream, folder: &std::path::Path, posted: &Sender<Value>, refused: &mut bool) {
    let mut reader = BufReader::new(stream.try_clone().expect("stream"));
    let mut first = String::new();
    let mut headers = BTreeMap::new();
    reader.read_line(&mut first).expect("a request");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, body) = if method == "POST" {
        let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let taken = *refused;
        *refused = true;
        if taken {
            let _ = posted.send(serde_json::from_slice(&body).expect("JSON"));
        }
        (if taken { "204 No Content" } else { "503 Service Unavailable" }, Vec::new())
    } else {
        match fs::read(folder.join(path.trim_start_matches('/'))) {
            Ok(body) => ("200 OK", body),
            Err(_) => ("404 Not Found", Vec::new()),
        }
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(url: &str) -> (u16, BTreeMap<String, String>, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.get(url).call().expect("an answer");
    let headers = response.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
    (response.status().as_u16(), headers.collect(), response.body_mut().read_to_string().expect("text"))
}

#[test]
fn when_the_log_is_read_over_http_then_it_is_judged_like_the_folder() {
    let (bureau, ..) = busy();
    let folder = Folder::new();
    Log::of(&bureau).publish(&folder.path(""));
    let (address, _) = server(folder.path(""));
    let said = audit(&format!("{address}/"), LATER, &[]).clean();
    let own = audit(folder.path("").to_str().expect("text"), LATER, &[]).clean();
    assert_eq!((&said["root"], &said["reports"]), (&own["root"], &own["reports"]));
}

#[test]
fn when_a_deadline_is_missed_then_the_webhook_is_told_once_and_again_only_while_it_refuses() {
    let (bureau, ..) = busy();
    let folder = Folder::new();
    fs::create_dir(folder.path("log")).expect("folder");
    Log::of(&bureau).publish(&folder.path("log"));
    let (address, posted) = server(folder.path("log"));
    let state = folder.state();
    let more = ["--state", state.as_str(), "--webhook", &address];
    // The report is due by 12 July, the hazard by 30 June, the answer by 30 June.
    let missed =
        audit(&address, "2024-07-20", &more).json()["deadlines"]["missed"].as_array().map_or(0, Vec::len);
    assert_eq!(missed, 3);
    let first: Vec<Value> = posted.try_iter().collect();
    assert_eq!(first.len(), 2, "one was refused");
    assert_eq!(audit(&address, "2024-07-20", &more).code, Some(1));
    let second: Vec<Value> = posted.try_iter().collect();
    assert_eq!(second.len(), 1, "and is sent again");
    audit(&address, "2024-07-21", &more);
    assert_eq!(posted.try_iter().count(), 0);
    let alarm = &second[0];
    assert_eq!((&alarm["alarm"], &alarm["origin"]), (&json!("missed_deadline"), &json!(ORIGIN)));
    assert!(alarm["deadline"]["due"].is_string());
}

#[test]
fn when_the_page_is_served_then_it_shows_rate_and_misses_without_any_script() {
    let (bureau, ..) = busy();
    let folder = Folder::new();
    Log::of(&bureau).publish(&folder.path(""));
    let key = log_key().vkey().to_string();
    let child = Command::new(env!("CARGO_BIN_EXE_adit"))
        .args([
            "audit",
            folder.path("").to_str().expect("text"),
            "--key",
            &key,
            "--today",
            "2024-07-20",
            "--json",
        ])
        .args(["--follow", "3600", "--serve", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn();
    let mut running = Running(child.expect("adit runs"));
    let mut lines = BufReader::new(running.0.stdout.take().expect("output")).lines();
    let mut next =
        || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON") };
    let address = next()["listening"].as_str().expect("an address").to_owned();
    let report = next();
    let (status, headers, page) = get(&address);
    assert_eq!(status, 200);
    assert!(
        page.contains("举报办结率") && page.contains("Reports handled") && page.contains("0 / 1"),
        "{page}"
    );
    assert!(page.contains("2024-07-12") && page.contains("整改完毕"), "{page}");
    assert!(
        !page.contains("<script") && page.contains("lang=\"zh-CN\"") && page.contains("width=device-width")
    );
    assert!(headers["content-security-policy"].starts_with("default-src 'none'"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let (_, headers, missing) = get(&format!("{address}/nothing"));
    assert!(headers.contains_key("content-security-policy"), "{missing}");
    let (_, _, status) = get(&format!("{address}/status.json"));
    let status: Value = serde_json::from_str(&status).expect("JSON");
    assert_eq!(status["report"], report);
    assert_eq!(status["reachable"], true);
}

#[test]
fn when_a_witness_saw_another_tree_then_both_notes_are_kept() {
    let (bureau, ..) = busy();
    let log = Log::of(&bureau);
    let folder = Folder::new();
    fs::create_dir(folder.path("log")).expect("folder");
    log.publish(&folder.path("log"));
    let path = folder.path("log").to_str().expect("text").to_owned();
    let (address, _) = server(folder.path(""));
    let witness = SigningKey::from_seed("witness.example/w1", &[5; 32]).expect("key");
    let key =
        adit_core::ledger::vkey::VKey::new("witness.example/w1", 0x04, *witness.vkey().key()).expect("key");
    let place = folder.path(&hex(&Sha256::digest(ORIGIN.as_bytes())));
    fs::create_dir(&place).expect("folder");
    let more = ["--witness", address.as_str(), "--witness-key", &key.to_string()];
    let size = log.entries.len() as u64;
    let own =
        Checkpoint::parse(&fs::read(folder.path("log/checkpoint")).expect("read")).expect("checkpoint").0;
    for (checkpoint, state) in [
        (own.clone(), "agrees"),
        (Checkpoint { size: size + 5, ..own.clone() }, "ahead"),
        (Checkpoint { root: [3; 32], size: size - 3, ..own }, "contradicts"),
    ] {
        let text = checkpoint.text();
        let mut cosignature = witness.sign_text(&format!("cosignature/v1\ntime 1718841600\n{text}"));
        cosignature.id = key.id();
        cosignature.signature = [&1_718_841_600_u64.to_be_bytes()[..], &cosignature.signature].concat();
        fs::write(
            place.join("checkpoint"),
            note::assemble(&text, &[log_key().sign_text(&text), cosignature]),
        )
        .expect("written");
        let said = audit(&path, LATER, &more);
        assert_eq!(said.json()["witnesses"][0]["state"], state, "{}", said.out);
        let fork = said.violations().iter().any(|(code, ..)| code == "witness_fork");
        assert_eq!(fork, state == "contradicts");
        assert_eq!(said.code, Some(i32::from(fork)));
    }
    fs::write(place.join("checkpoint"), "nonsense").expect("written");
    let said = audit(&path, LATER, &more);
    assert_eq!(said.violations()[0].0, "witness_form");
}
