//! A witness and a client that nobody here wrote (`aics-witness`): it cosigns our log, and its client drives our witness.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use adit_api::witnesses::Witnesses;
use adit_core::ledger::policy::Policy;

use crate::common::{ORIGIN, Server};
use crate::verifiers::{aics, said, verifier};
use crate::witnessing::{Witness, grow, ledger, log};

/// Their witness, on a port of its own. It stops with the test.
struct Theirs {
    process: Child,
    vkey: String,
    url: String,
    _folder: tempfile::TempDir,
}

impl Theirs {
    fn start(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("witness.json");
        let command = |arguments: &[&str]| {
            let mut command = Command::new(verifier("aics-witness"));
            // The configuration is named behind the word that says what to do.
            command.arg(arguments[0]).arg("--config").arg(&config).args(&arguments[1..]);
            command
        };
        let run = |arguments: &[&str]| {
            let output = command(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let vkey = run(&["init", "--name", "witness.example/others", "--listen", "127.0.0.1:0"]);
        run(&["add-log", "--origin", ORIGIN, "--vkey", &log(server).to_string()]);
        let mut process = command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = lines.find_map(|line| {
            let line = line.unwrap();
            line.split("listening on ").nth(1).and_then(|rest| rest.split(' ').next()).map(str::to_owned)
        });
        // What it says further is read and dropped, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, vkey: vkey.trim().to_owned(), url: url.unwrap(), _folder: folder }
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn given_a_witness_of_others_then_it_cosigns_our_log_as_it_grows() {
    let server = Server::start();
    let theirs = Theirs::start(&server);
    let text = format!("log {}\nwitness w {} {}/\nquorum w\n", log(&server), theirs.vkey, theirs.url);
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let client = Witnesses::new(&policy, &[log(&server)]).unwrap();
    for _ in 0..3 {
        let size = grow(&server);
        assert_eq!(client.round(ledger(&server)), 1, "{:?}", client.status());
        let standing = policy.standing(&ledger(&server).published().note, &[]).unwrap();
        assert!(standing.met && standing.checkpoint.size == size, "{standing:?}");
    }
}

#[test]
fn given_a_client_of_others_then_our_witness_cosigns_what_it_brings() {
    let server = Server::start();
    let ours = Witness::new(1);
    let running = ours.start(&server);
    for _ in 0..3 {
        let size = grow(&server);
        let (log_url, key) = (format!("{}/log", server.url), log(&server).to_string());
        let (done, report) = aics(&["feed", &running.url, &ours.vkey(), &log_url, &key]);
        assert!(done, "{report}");
        assert_eq!(said(&report)["size"], size);
        assert_eq!(running.held(), Some(size));
    }
}
