//! Our client against our witness, over real HTTP: cosignatures, restarts, split views, rollbacks, witnesses that fail.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use adit_api::witness;
use adit_api::witnesses::{Trouble, Witnesses, WitnessesError};
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::cosignature::WitnessKey;
use adit_core::ledger::disk::RealDisk;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::merkle::{Hash, Tree, consistency_proof, leaf_hash};
use adit_core::ledger::note::Note;
use adit_core::ledger::policy::{KnownLog, Policy};
use adit_core::ledger::verify::verify;
use adit_core::ledger::vkey::VKey;
use adit_core::ledger::witness::keeper::{Keeper, KeeperError, origin_id};
use adit_core::ledger::witness::{AddCheckpoint, REQUEST_BYTES_MAX};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::common::{ORIGIN, Server};

/// A witness that runs in the test's runtime.
pub(crate) struct Running {
    pub(crate) url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// A witness's key and memory.
pub(crate) struct Witness {
    key: WitnessKey,
    folder: tempfile::TempDir,
}

impl Witness {
    pub(crate) fn new(seed: u8) -> Self {
        let key = WitnessKey::from_seed(&format!("witness.example/w{seed}"), &[seed; 32]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        Keeper::make(&RealDisk::default(), folder.path(), key.vkey()).unwrap();
        Self { key, folder }
    }

    pub(crate) fn vkey(&self) -> String {
        self.key.vkey().to_string()
    }

    fn keeper(&self, server: &Server) -> Result<Keeper, KeeperError> {
        self.keeper_of(server, &[log(server)])
    }

    /// That knows the log by these keys.
    fn keeper_of(&self, server: &Server, keys: &[VKey]) -> Result<Keeper, KeeperError> {
        let logs: Vec<_> = keys.iter().map(|vkey| KnownLog { vkey: vkey.clone(), url: None }).collect();
        let clock = Arc::clone(&server.clock) as _;
        Keeper::open(Arc::new(RealDisk::default()), self.folder.path(), self.key.clone(), &logs, clock)
    }

    pub(crate) fn start(&self, server: &Server) -> Running {
        self.start_at(server, "127.0.0.1:0")
    }

    fn start_at(&self, server: &Server, address: &str) -> Running {
        Self::serve(self.keeper(server).unwrap(), server, address)
    }

    fn serve(keeper: Keeper, server: &Server, address: &str) -> Running {
        let listener = server.runtime().block_on(tokio::net::TcpListener::bind(address)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let stopped = async move { drop(stopped.await) };
        let task =
            server.runtime().spawn(async move { witness::serve(listener, keeper, stopped).await.unwrap() });
        Running { url, stop, task }
    }

    fn evidence(&self) -> Vec<String> {
        files(&self.folder.path().join("evidence"))
    }
}

impl Running {
    fn stop(self, server: &Server) {
        drop(self.stop);
        server.runtime().block_on(self.task).unwrap();
    }

    /// Status, content type, body.
    fn post(&self, body: &[u8]) -> (u16, String, String) {
        let mut response = agent().post(format!("{}/add-checkpoint", self.url)).send(body).unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (response.status().as_u16(), kind, response.body_mut().read_to_string().unwrap())
    }

    fn get(&self, path: &str) -> (u16, String) {
        let mut response = agent().get(format!("{}{path}", self.url)).call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// Size of the checkpoint that it gives to monitors.
    pub(crate) fn held(&self) -> Option<u64> {
        let (status, note) = self.get(&format!("/{}/checkpoint", origin_id(ORIGIN)));
        (status == 200).then(|| Checkpoint::parse(note.as_bytes()).unwrap().0.size)
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

/// What is in the files of a folder.
fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

pub(crate) fn ledger(server: &Server) -> &Ledger {
    server.app.office.ledger()
}

pub(crate) fn log(server: &Server) -> VKey {
    ledger(server).log_key().vkey()
}

fn policy(server: &Server, witnesses: &[(&Witness, &str)]) -> Policy {
    let mut text = format!("log {}\n", log(server));
    for (n, (witness, url)) in witnesses.iter().enumerate() {
        writeln!(text, "witness w{n} {} {url}/", witness.key.vkey()).unwrap();
    }
    let names: Vec<String> = (0..witnesses.len()).map(|n| format!("w{n}")).collect();
    writeln!(text, "group all all {}\nquorum all", names.join(" ")).unwrap();
    Policy::parse(text.as_bytes()).unwrap()
}

fn client(server: &Server, witnesses: &[(&Witness, &str)]) -> Witnesses {
    Witnesses::new(&policy(server, witnesses), &[log(server)]).unwrap()
}

/// One more entry, published as soon as the lock covers it.
pub(crate) fn grow(server: &Server) -> u64 {
    server.hazard(0);
    let size = server.size();
    while ledger(server).published().size() < size {
        ledger(server).publish_now();
        std::thread::yield_now();
    }
    size
}

/// A history of made-up leaves, signed with the log's real key.
struct Fork(Tree, Vec<Hash>);

impl Fork {
    fn new(size: u64) -> Self {
        let leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let mut tree = Tree::new();
        for leaf in &leaves {
            tree.push(*leaf, &mut Vec::new());
        }
        Self(tree, leaves)
    }

    fn request(&self, server: &Server, old: u64) -> Vec<u8> {
        let mut tile = |_, index: u64, width: u16| {
            let first = usize::try_from(index * 256).unwrap();
            Ok::<_, ()>(self.1[first..first + usize::from(width)].to_vec())
        };
        let proof = consistency_proof(old, self.0.size(), &mut tile).unwrap();
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: self.0.size(), root: self.0.root() };
        AddCheckpoint::write(old, &proof, &checkpoint.sign(&ledger(server).log_key()))
    }
}

#[test]
fn when_witnesses_are_asked_then_their_cosignatures_stand_on_the_published_checkpoint() {
    let server = Server::start();
    let (one, two) = (Witness::new(1), Witness::new(2));
    let (first, second) = (one.start(&server), two.start(&server));
    let asked = [(&one, first.url.as_str()), (&two, second.url.as_str())];
    let client = client(&server, &asked);
    let size = grow(&server);
    let uncosigned = ledger(&server).seen();
    assert_eq!(client.round(ledger(&server)), 2);

    let published = server.get("/api/v1/checkpoint", None);
    assert_eq!(published.bytes, ledger(&server).published().note);
    let standing = policy(&server, &asked).standing(&published.bytes, &[]).unwrap();
    assert!(standing.met, "{standing:?}");
    assert_eq!((standing.cosigned.len(), standing.checkpoint.size), (2, size));
    assert_eq!((first.held(), second.held()), (Some(size), Some(size)));
    assert_eq!(client.round(ledger(&server)), 0, "who has cosigned is not asked again");
    assert!(client.status().iter().all(|status| status.cosigned == Some(size) && status.trouble.is_none()));

    // What signers name as seen is the note with its cosignatures, and the whole ledger still verifies.
    let seen = ledger(&server).seen();
    assert_eq!((seen.size, seen.root), (uncosigned.size, uncosigned.root));
    assert_ne!(seen.note, uncosigned.note);
    server.hazard(0);
    verify(ledger(&server).store(), &log(&server), |_| {}).unwrap();
}

#[test]
fn given_a_log_whose_key_is_rotated_then_each_witness_cosigns_for_as_long_as_a_key_that_it_knows_signs() {
    let server = Server::start();
    let old = log(&server);
    // The key that will come is made ahead, as a rotation that was broken off leaves it.
    let new = ledger(&server).next_log_key().unwrap();
    let witnesses = [Witness::new(1), Witness::new(2), Witness::new(3)];
    let known = [vec![old.clone()], vec![new.clone()], vec![old.clone(), new.clone()]];
    let running: Vec<Running> = witnesses
        .iter()
        .zip(&known)
        .map(|(one, keys)| Witness::serve(one.keeper_of(&server, keys).unwrap(), &server, "127.0.0.1:0"))
        .collect();
    // A policy that names the log by either key.
    let policy = |key: &VKey| {
        let mut text = format!("log {key}\n");
        for (n, (witness, running)) in witnesses.iter().zip(&running).enumerate() {
            writeln!(text, "witness w{n} {} {}/", witness.key.vkey(), running.url).unwrap();
        }
        text.push_str("group two 2 w0 w1 w2\nquorum two\n");
        Policy::parse(text.as_bytes()).unwrap()
    };
    let cosigned = |by: &VKey| {
        let in_force = ledger(&server).log_keys_in_force();
        let client = Witnesses::new(&policy(by), &in_force).unwrap();
        client.round(ledger(&server));
        let note = Note::parse(&ledger(&server).published().note).unwrap();
        let signs = |witness: &Witness| note.signatures.iter().any(|line| line.is_by(witness.key.vkey()));
        witnesses.iter().map(signs).collect::<Vec<_>>()
    };
    let met =
        |by: &VKey| policy(by).standing(&ledger(&server).published().note, &[]).map(|standing| standing.met);
    grow(&server);
    assert_eq!(cosigned(&old), [true, false, true]);
    assert_eq!(server.app.office.rotate_log_key().unwrap(), new);
    for by in [&old, &new] {
        grow(&server);
        assert_eq!(cosigned(by), [true, true, true]);
        assert_eq!((met(&old), met(&new)), (Ok(true), Ok(true)));
    }
    server.app.office.retire_log_key().unwrap();
    grow(&server);
    assert_eq!(cosigned(&new), [false, true, true]);
    assert!(met(&old).is_err() && met(&new) == Ok(true));
    assert_eq!(
        Witnesses::new(&policy(&old), &ledger(&server).log_keys_in_force()).err(),
        Some(WitnessesError::OtherLog)
    );
    verify(ledger(&server).store(), &old, |_| {}).unwrap();
    verify(ledger(&server).store(), &new, |_| {}).unwrap();
}

#[test]
fn given_an_entry_prepared_before_the_cosignatures_then_it_is_still_accepted() {
    let server = Server::start();
    let one = Witness::new(1);
    let running = one.start(&server);
    let client = client(&server, &[(&one, &running.url)]);
    grow(&server);
    let stream =
        adit_core::id::StreamId::new(adit_core::id::StreamKind::Report, adit_core::id::Id::random().unwrap());
    let key = adit_core::ledger::vkey::SigningKey::generate(&format!("{ORIGIN}/{stream}")).unwrap();
    let prepared =
        server.post("/api/v1/prepare", None, &crate::common::prepare_report(&stream, &key)).expect(200);
    assert_eq!(client.round(ledger(&server)), 1);
    let notes = crate::common::notes(&prepared, &[&key]);
    let body = serde_json::json!({ "pending": prepared["pending"], "notes": notes });
    server.post("/api/v1/append", None, &body).expect(200);
    verify(ledger(&server).store(), &log(&server), |_| {}).unwrap();
}

#[test]
fn given_a_witness_that_restarts_then_it_goes_on_where_it_was() {
    let server = Server::start();
    let one = Witness::new(1);
    let running = one.start(&server);
    let client = client(&server, &[(&one, &running.url)]);
    let first = grow(&server);
    assert_eq!(client.round(ledger(&server)), 1);

    let address = running.url.trim_start_matches("http://").to_owned();
    assert!(matches!(one.keeper(&server), Err(KeeperError::InUse(_))), "one process has the memory");
    running.stop(&server);
    let second = grow(&server);
    assert_eq!(client.round(ledger(&server)), 0);
    assert_eq!(client.status()[0].trouble, Some(Trouble::Unreachable));
    assert_eq!(ledger(&server).published().size(), second, "publication does not wait");

    let running = one.start_at(&server, &address);
    assert_eq!(running.held(), Some(first));
    assert_eq!(client.round(ledger(&server)), 0, "a pause comes after a failure");
    server.clock.advance_seconds(10);
    assert_eq!(client.round(ledger(&server)), 1);
    assert_eq!(running.held(), Some(second));
    assert_eq!(client.status()[0].trouble, None);
}

#[test]
fn given_a_client_that_does_not_know_where_the_witness_stands_then_it_learns_that_from_409() {
    let server = Server::start();
    let one = Witness::new(1);
    let running = one.start(&server);
    grow(&server);
    assert_eq!(client(&server, &[(&one, &running.url)]).round(ledger(&server)), 1);
    let size = grow(&server);
    let fresh = client(&server, &[(&one, &running.url)]);
    assert_eq!(fresh.round(ledger(&server)), 1);
    assert_eq!(running.held(), Some(size));
}

#[test]
fn given_a_fork_signed_with_the_logs_real_key_then_it_is_refused_and_both_notes_are_kept() {
    let server = Server::start();
    let one = Witness::new(1);
    let running = one.start(&server);
    let size = grow(&server);
    assert_eq!(client(&server, &[(&one, &running.url)]).round(ledger(&server)), 1);
    let cosigned = running.get(&format!("/{}/checkpoint", origin_id(ORIGIN))).1;

    let larger = Fork::new(size + 9).request(&server, size);
    let same = Fork::new(size).request(&server, size);
    for (request, pieces) in [(&larger, 1), (&same, 2), (&larger, 2)] {
        let (status, _, words) = running.post(request);
        assert_eq!(status, 422, "{words}");
        assert!(words.contains("证据") && words.contains("evidence"));
        assert_eq!(one.evidence().len(), pieces, "each contradiction is kept once");
    }
    // Whatever size the request begins at: two roots of one size are kept.
    let other = Fork::new(size + 1);
    let mut other = String::from_utf8(other.request(&server, 0)).unwrap();
    assert_eq!(running.post(other.as_bytes()).0, 409);
    assert_eq!(one.evidence().len(), 2);
    other = String::from_utf8(Fork::new(size).request(&server, 0)).unwrap();
    assert_eq!(running.post(other.as_bytes()), (409, "text/x.tlog.size".into(), format!("{size}\n")));
    for request in [&larger, &same] {
        let sent = std::str::from_utf8(request).unwrap();
        let kept = one.evidence().into_iter().any(|text| text.contains(&cosigned) && text.ends_with(sent));
        assert!(kept, "both notes, byte for byte");
    }
    let after = running.get(&format!("/{}/checkpoint", origin_id(ORIGIN))).1;
    assert_eq!(after, cosigned, "the state is as it was");
    grow(&server);
    assert_eq!(client(&server, &[(&one, &running.url)]).round(ledger(&server)), 1, "the true log goes on");
}

#[test]
fn given_a_witness_that_was_shown_another_branch_then_the_client_sounds_the_alarm_once_and_keeps_evidence() {
    let server = Server::start();
    let one = Witness::new(1);
    let running = one.start(&server);
    assert_eq!(running.post(&Fork::new(3).request(&server, 0)).0, 200);
    let client = client(&server, &[(&one, &running.url)]);
    grow(&server);
    for _ in 0..3 {
        assert_eq!(client.round(ledger(&server)), 0);
        server.clock.advance_seconds(3600);
    }
    let status = &client.status()[0];
    assert_eq!((status.trouble, status.alarms), (Some(Trouble::Contradicted), 1), "not sent again");
    let kept = files(&ledger(&server).home().unwrap().data.join("evidence"));
    assert_eq!(kept.len(), 1);
    assert!(kept[0].contains("answered 422") && kept[0].contains(&format!("\n{ORIGIN}\n")));
    grow(&server);
    client.round(ledger(&server));
    assert_eq!(client.status()[0].alarms, 2, "the next checkpoint is sent, and is an alarm again");
}

#[test]
fn given_data_that_is_older_than_what_was_witnessed_then_the_rollback_is_an_alarm() {
    let server = Server::start();
    let one = Witness::new(1);
    let running = one.start(&server);
    let size = grow(&server);
    assert_eq!(running.post(&Fork::new(size + 200).request(&server, 0)).0, 200);
    let client = client(&server, &[(&one, &running.url)]);
    assert_eq!(client.round(ledger(&server)), 0);
    let status = &client.status()[0];
    assert_eq!((status.trouble, status.alarms), (Some(Trouble::RolledBack), 1));
    assert_eq!(running.held(), Some(size + 200), "a witness never goes back");
    assert!(Note::parse(&ledger(&server).published().note).unwrap().signatures.len() == 1);
}

#[test]
fn when_many_ask_at_once_then_each_answer_extends_the_one_before() {
    let server = Server::start();
    let one = Witness::new(1);
    let running = one.start(&server);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let ask = |size: u64| {
            let (running, server) = (&running, &server);
            scope.spawn(move || running.post(&Fork::new(size).request(server, 0)).0)
        };
        let asked: Vec<_> = (1..=16).map(ask).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 15);

    // Each tries again from the size that it is told, until its tree is in or behind.
    std::thread::scope(|scope| {
        for size in 17..=32_u64 {
            let (running, server) = (&running, &server);
            scope.spawn(move || {
                let mut old = 0;
                while old < size {
                    let (status, _, body) = running.post(&Fork::new(size).request(server, old));
                    match status {
                        200 => return,
                        409 => old = body.trim_end().parse().unwrap(),
                        status => panic!("{status}: {body}"),
                    }
                }
            });
        }
    });
    assert_eq!(running.held(), Some(32));
    assert!(one.evidence().is_empty());
}

#[test]
fn statuses_are_those_of_the_specification_and_refusals_speak_both_languages() {
    let server = Server::start();
    let one = Witness::new(1);
    let running = one.start(&server);
    let good = String::from_utf8(Fork::new(5).request(&server, 0)).unwrap();
    let stranger = adit_core::ledger::vkey::SigningKey::generate("stranger.example").unwrap();
    let unknown = Checkpoint { origin: "stranger.example".into(), size: 5, root: [1; 32] }.sign(&stranger);
    let imposter = adit_core::ledger::vkey::SigningKey::generate(ORIGIN).unwrap();
    let forged = Checkpoint { origin: ORIGIN.into(), size: 5, root: [1; 32] }.sign(&imposter);
    for (body, expected) in [
        (b"".to_vec(), 400),
        (b"old 0\n".to_vec(), 400),
        (good.replace("old 0", "old 6").into_bytes(), 400),
        (good.replace("old 0", "old 00").into_bytes(), 400),
        // One byte more than is read: a longer one would still be on its way when the answer comes.
        (vec![b'x'; REQUEST_BYTES_MAX + 1], 400),
        (AddCheckpoint::write(0, &[], &unknown), 404),
        (AddCheckpoint::write(0, &[], &forged), 403),
        (good.replace("old 0", "old 3").into_bytes(), 409),
        (good.replace("old 0\n", "old 0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").into_bytes(), 422),
    ] {
        let (status, kind, words) = running.post(&body);
        assert_eq!(status, expected, "{words}");
        if status == 409 {
            assert_eq!((kind.as_str(), words.as_str()), ("text/x.tlog.size", "0\n"));
        } else {
            assert!(words.lines().count() == 2 && words.is_ascii() == words.is_empty(), "{words}");
        }
    }
    assert_eq!(running.held(), None);
    let (status, kind, line) = running.post(good.as_bytes());
    assert_eq!((status, kind.as_str()), (200, "text/plain; charset=utf-8"));
    assert!(line.starts_with("\u{2014} witness.example/w1 ") && line.ends_with("=\n"));
    let (status, page) = running.get("/");
    assert_eq!(status, 200);
    assert!(page.contains(&one.key.vkey().to_string()) && page.contains(ORIGIN) && page.contains("见证方"));
    assert_eq!(running.get("/0123/checkpoint").0, 404);
    assert_eq!(running.get("/add-checkpoint").0, 405);
}

#[test]
fn given_a_witness_that_misbehaves_then_nothing_of_it_reaches_the_checkpoint() {
    use one_answer::answers;
    let server = Server::start();
    let one = Witness::new(1);
    grow(&server);
    let text = Note::parse(&ledger(&server).published().note).unwrap().text;
    let line = |witness: &Witness, text: &str| {
        let line = witness.key.cosign(text, server.app.office.ledger().now()).unwrap();
        adit_core::ledger::witness::line_bytes(&line)
    };
    let other = text.replace(&format!("\n{}\n", ledger(&server).published().size()), "\n1\n");
    for (answer, trouble) in [
        ((200, "text/plain", b"hello\n".to_vec()), Trouble::BadAnswer),
        ((200, "text/plain", line(&Witness::new(2), &text)), Trouble::BadAnswer),
        ((200, "text/plain", line(&one, &other)), Trouble::BadAnswer),
        ((200, "text/plain", vec![b'x'; 1_000_000]), Trouble::Unreachable),
        ((409, "text/x.tlog.size", b"0\n".to_vec()), Trouble::BadAnswer),
        ((409, "text/plain", b"1\n".to_vec()), Trouble::BadAnswer),
        ((409, "text/x.tlog.size", b"01\n".to_vec()), Trouble::BadAnswer),
        ((409, "text/x.tlog.size", b"18446744073709551615\n".to_vec()), Trouble::RolledBack),
        ((302, "text/plain", Vec::new()), Trouble::Refused(302)),
        ((403, "text/plain", Vec::new()), Trouble::Refused(403)),
        ((503, "text/plain", Vec::new()), Trouble::Refused(503)),
    ] {
        let said = format!("{} {}", answer.0, answer.1);
        let url = answers(answer);
        let client = client(&server, &[(&one, &url)]);
        assert_eq!(client.round(ledger(&server)), 0, "{said}");
        assert_eq!(client.status()[0].trouble, Some(trouble), "{said}");
        assert_eq!(Note::parse(&ledger(&server).published().note).unwrap().signatures.len(), 1);
    }
}

/// A server that gives one answer to whatever it is asked.
mod one_answer {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    pub(super) fn answers((status, kind, body): (u16, &'static str, Vec<u8>)) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // A thread that waits for more ends with the process.
        std::thread::spawn(move || {
            // As many answers as the client tries.
            for _ in 0..3 {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut request = Vec::new();
                let mut piece = [0; 4096];
                // The checkpoint ends with its signature line.
                while !request.ends_with(b"=\n") {
                    match stream.read(&mut piece) {
                        Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
                        _ => return,
                    }
                }
                let head = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(&[head.as_bytes(), &body].concat());
            }
        });
        url
    }
}

#[test]
fn a_policy_that_cannot_be_used_is_refused_before_anything_is_served() {
    let server = Server::start();
    let one = Witness::new(1);
    let bad = policy(&server, &[(&one, "ftp://w.example")]);
    assert_eq!(Witnesses::new(&bad, &[log(&server)]).err(), Some(WitnessesError::BadAddress));
    let good = policy(&server, &[(&one, "https://w.example")]);
    let other = adit_core::ledger::vkey::SigningKey::generate("other.example").unwrap().vkey();
    assert_eq!(Witnesses::new(&good, &[other]).err(), Some(WitnessesError::OtherLog));
    let many: Vec<Witness> = (1..=16).map(Witness::new).collect();
    let many: Vec<(&Witness, &str)> = many.iter().map(|witness| (witness, "https://w.example")).collect();
    assert_eq!(Witnesses::new(&policy(&server, &many), &[log(&server)]).err(), Some(WitnessesError::TooMany));
}

#[test]
fn the_state_of_the_witnesses_is_for_officers_alone() {
    let server = Server::start();
    let one = Witness::new(1);
    let running = one.start(&server);
    let client = Arc::new(client(&server, &[(&one, &running.url)]));
    server.app.attend(Arc::clone(&client));
    let size = grow(&server);
    assert_eq!(client.round(ledger(&server)), 1);
    assert_eq!(server.get("/healthz", None).json().get("witnesses"), None);
    let asked = format!("\nwitness {}\n", one.key.vkey());
    assert!(server.get("/log/keys", None).text.contains(&asked), "whom the log asks is public");
    let token = server.sign_in_by_key("handler-1");
    let told = server.get("/healthz", Some(&token)).json();
    assert_eq!(told["witnesses"][0]["cosigned"], size);
    assert_eq!(told["witnesses"][0]["alarms"], 0);
}
