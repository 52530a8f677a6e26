//! The public log over HTTP, byte for byte, read by libraries of others: `tlog_tiles` and `signed_note`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use adit_api::keystore::Keystore;
use adit_api::{App, Options};
use adit_core::event::Event;
use adit_core::hazard::{HazardEvent, Origin, Report};
use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::clock::SetClock;
use adit_core::ledger::entry::{Entry, Seen};
use adit_core::ledger::log::Ledger;
use adit_core::ledger::memory::Memory;
use adit_core::ledger::merkle::Tree;
use adit_core::ledger::receipt::Receipt;
use adit_core::ledger::store::{Committed, Group, Store, Stored};
use adit_core::ledger::tiles::{Rows, TilePath, added, split_entries};
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::Office;
use adit_core::text::Text;
use adit_core::units::{Position, Revision, Timestamp};
use serde_json::json;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{
    Hash, HashReader, Tile, TileHashReader, TileReader, check_record, prove_record, record_hash,
    stored_hashes, tree_hash,
};

use crate::common::{ORIGIN, Server, get, id, self_report, signed};

const AT: Timestamp = Timestamp(1_715_300_000);

/// The stored hashes of a tree, as the other library keeps them.
#[derive(Default)]
struct Theirs(Vec<Hash>);

impl HashReader for Theirs {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

impl Theirs {
    fn push(&mut self, n: u64, leaf: &[u8]) {
        let more = stored_hashes(n, leaf, self).unwrap();
        self.0.extend(more);
    }
}

/// The stream of the `n`-th entry.
fn stream_of(n: u64) -> StreamId {
    let mut id = [2; 16];
    id[8..].copy_from_slice(&n.to_be_bytes());
    StreamId::new(StreamKind::Hazard, Id(id))
}

/// One signed entry after another, each of a stream of its own, with bodies that the read models can fold.
pub(super) struct Author {
    pub(super) log: SigningKey,
    body: Vec<u8>,
    tree: Tree,
    theirs: Theirs,
    entries: Vec<Vec<u8>>,
}

impl Author {
    fn new() -> Self {
        let report = Report {
            enterprise: StreamId::new(StreamKind::Enterprise, Id([1; 16])),
            origin: Origin::MonitoringAlert,
            inspection: None,
            place: Text::new("三号巷道").unwrap(),
            description: Text::new("顶板离层").unwrap(),
            found_on: AT.day(),
            criterion: None,
            files: Vec::new(),
        };
        let event = Event::Hazard(HazardEvent::Reported(report));
        Self {
            log: SigningKey::from_seed(ORIGIN, &[1; 32]).unwrap(),
            body: event.write_body([3; 16], AT, &[], &[]).unwrap(),
            tree: Tree::new(),
            theirs: Theirs::default(),
            entries: Vec::new(),
        }
    }

    fn entry(&self, n: u64) -> Stored {
        let entry = Entry {
            origin: ORIGIN.to_owned(),
            stream: stream_of(n),
            revision: Revision(0),
            kind: "hazard.reported".to_owned(),
            day: AT.day(),
            seen: Seen::nothing(),
            prev: None,
            body: *blake3::hash(&self.body).as_bytes(),
            lines: Vec::new(),
        };
        let signed = entry.sign(&[&self.log]).unwrap();
        let (stream, revision, body) = (stream_of(n), Revision(0), self.body.clone());
        Stored {
            position: Position(n),
            stream,
            revision,
            entry: signed.bytes().to_vec(),
            body,
            touches: Vec::new(),
        }
    }

    /// Adds entries to `store` until it holds `size`.
    fn fill(&mut self, store: &Memory, size: u64) {
        let first = self.tree.size();
        let stored: Vec<Stored> = (first..size).map(|n| self.entry(n)).collect();
        let mut tiles = Vec::new();
        for stored in &stored {
            self.tree.push(adit_core::ledger::merkle::leaf_hash(&stored.entry), &mut tiles);
            self.theirs.push(stored.position.0, &stored.entry);
            self.entries.push(stored.entry.clone());
        }
        let checkpoint =
            Checkpoint { origin: ORIGIN.to_owned(), size: self.tree.size(), root: self.tree.root() };
        let group = Group {
            first: Position(first),
            committed_at: AT,
            commands: vec![Committed {
                id: CommandId(Id::random().unwrap()),
                request: [0; 32],
                entries: stored,
            }],
            frontier: self.tree.frontier().to_vec(),
            checkpoint: checkpoint.sign(&self.log),
            tiles,
        };
        store.commit(first, group).unwrap();
    }
}

/// A ledger of so many entries, all published.
fn ledger(author: &mut Author, store: &Arc<Memory>, size: u64) -> Ledger {
    if size > author.tree.size() {
        author.fill(store, size);
    }
    let clock = Arc::new(SetClock::at(AT));
    let ledger = Ledger::over(Arc::clone(store) as _, clock, author.log.clone()).unwrap();
    ledger.publish_now();
    assert_eq!(ledger.published().size(), size);
    ledger
}

/// The bytes of a tile by the other library.
fn expected(author: &Author, path: &TilePath) -> Vec<u8> {
    match path.rows {
        Rows::Hashes(level) => {
            let tile = Tile::new(8, level, path.index, u32::from(path.width), false);
            tile.read_data(&author.theirs).unwrap()
        }
        Rows::Entries => {
            let first = usize::try_from(path.index * 256).unwrap();
            let entries = &author.entries[first..first + usize::from(path.width)];
            let prefixed = |entry: &Vec<u8>| {
                [&u16::try_from(entry.len()).unwrap().to_be_bytes()[..], entry.as_slice()].concat()
            };
            entries.iter().flat_map(prefixed).collect()
        }
    }
}

#[test]
fn tiles_of_every_size_are_those_of_the_other_library() {
    let (mut author, store) = (Author::new(), Arc::new(Memory::default()));
    for size in [0, 1, 2, 255, 256, 257, 300, 65_535, 65_536, 65_537] {
        let ledger = ledger(&mut author, &store, size);
        let root = ledger.root_at(size).unwrap().unwrap();
        assert_eq!(root, tree_hash(size, &author.theirs).unwrap().0, "root of {size}");
        let mut tiles = 0;
        // What was checked at a smaller size never changes; of the large sizes the new tiles are enough.
        let before = if size == 65_535 { 0 } else { size.saturating_sub(600) };
        for path in added(before, size) {
            assert_eq!(ledger.tile_bytes(&path).unwrap(), expected(&author, &path), "{path} of {size}");
            if let Rows::Hashes(level) = path.rows {
                let theirs = Tile::new(8, level, path.index, u32::from(path.width), false);
                assert_eq!(theirs.path(), path.to_string().replace("tile/", "tile/8/"));
            }
            tiles += 1;
        }
        assert_eq!(tiles == 0, size == 0);
        if let Some(last) = size.checked_sub(1) {
            for n in [0, last / 2, last] {
                let stored = ledger.store().read(Position(n), 1).unwrap();
                let receipt = ledger.receipts(&stored, &ledger.checkpoint()).unwrap().remove(0).unwrap();
                let proof = prove_record(size, n, &author.theirs).unwrap();
                assert_eq!(receipt.proof, proof.iter().map(|hash| hash.0).collect::<Vec<_>>());
                assert!(check_record(&proof, size, Hash(root), n, record_hash(&receipt.entry)).is_ok());
                receipt.verify(&[author.log.vkey()]).unwrap();
            }
        }
    }
    // Roots of earlier sizes, from the tiles of the largest.
    let ledger = ledger(&mut author, &store, 65_537);
    for size in [0, 1, 2, 3, 255, 256, 257, 511, 65_535, 65_536] {
        assert_eq!(ledger.root_at(size).unwrap().unwrap(), tree_hash(size, &author.theirs).unwrap().0);
    }
    assert_eq!(ledger.root_at(65_538).unwrap(), None);
}

/// The real router over a ledger of so many entries.
pub(super) struct Small {
    pub(super) url: String,
    pub(super) author: Author,
    _runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Small {
    pub(super) fn start(size: u64) -> Self {
        let (mut author, store) = (Author::new(), Arc::new(Memory::default()));
        let ledger = ledger(&mut author, &store, size);
        let folder = tempfile::tempdir().unwrap();
        let app = App::with(
            Office::open(ledger).unwrap(),
            Keystore::at(folder.path()),
            Options { demonstration: false, ..Options::default() },
        )
        .unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(adit_api::serve(listener, app, std::future::pending()));
        Self { url, author, _runtime: runtime, _folder: folder }
    }

    pub(super) fn get(&self, path: &str) -> crate::common::Reply {
        get(&self.url, path, &[])
    }

    fn root(&self, size: u64) -> Hash {
        tree_hash(size, &self.author.theirs).unwrap()
    }
}

/// The other library's client reads tiles over HTTP.
impl TileReader for Small {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &Tile| {
            let reply = self.get(&format!("/log/{}", tile.path().replace("tile/8/", "tile/")));
            assert_eq!(reply.status, 200, "{}", tile.path());
            reply.bytes
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// Text of a checkpoint whose signature the other library has verified.
fn opened(note: &[u8], key: &SigningKey) -> tlog_tiles::Checkpoint {
    let verifier = StandardVerifier::new(&key.vkey().to_string()).unwrap();
    let note = Note::from_bytes(note).unwrap();
    let (verified, others) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((verified.len(), others.len()), (1, 0));
    tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap()
}

#[test]
fn another_clients_proofs_are_read_over_http_at_every_size() {
    for size in [1, 2, 255, 256, 257, 300] {
        let server = Small::start(size);
        let checkpoint = server.get("/log/checkpoint");
        assert_eq!(checkpoint.headers["content-type"], "text/plain; charset=utf-8");
        let checkpoint = opened(&checkpoint.bytes, &server.author.log);
        assert_eq!((checkpoint.origin(), checkpoint.size()), (ORIGIN, size));
        assert_eq!(checkpoint.hash().0, server.root(size).0);
        let reader = TileHashReader::new(size, *checkpoint.hash(), &server);
        assert_eq!(tree_hash(size, &reader).unwrap().0, checkpoint.hash().0);
        for n in [0, size / 2, size - 1] {
            let proof = prove_record(size, n, &reader).unwrap();
            let receipt = server.get(&format!("/log/receipt/{n}.tlog-proof"));
            assert_eq!(
                receipt.headers["content-disposition"],
                format!("attachment; filename=\"{n}.tlog-proof\"")
            );
            let receipt = Receipt::parse(&receipt.bytes).unwrap();
            assert_eq!(receipt.proof, proof.iter().map(|hash| hash.0).collect::<Vec<_>>());
            assert_eq!(receipt.entry, server.author.entries[usize::try_from(n).unwrap()]);
            assert_eq!(server.get(&format!("/log/receipt/{n}.entry")).bytes, receipt.entry);
            receipt.verify(&[server.author.log.vkey()]).unwrap();
        }
        for path in added(0, size) {
            let reply = server.get(&format!("/log/{path}"));
            assert_eq!(reply.status, 200, "{path}");
            assert_eq!(reply.bytes, expected(&server.author, &path), "{path} of {size}");
            assert_eq!(reply.headers["content-type"], "application/octet-stream");
            assert_eq!(reply.headers["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(reply.headers["access-control-allow-origin"], "*");
            assert_eq!(reply.headers["cross-origin-resource-policy"], "cross-origin");
        }
        let stream = server.get(&format!("/log/stream/{}", stream_of(size - 1)));
        assert_eq!(
            split_entries(&stream.bytes),
            Some(vec![server.author.entries.last().unwrap().as_slice()])
        );
        let keys = server.get("/log/keys").text;
        assert!(
            keys.starts_with(&format!("log {}\nscript /web/report-", server.author.log.vkey())),
            "{keys}"
        );
    }
}

#[test]
fn before_anything_is_published_there_is_nothing() {
    let server = Small::start(0);
    for path in [
        "checkpoint",
        "tile/0/000",
        "tile/0/000.p/1",
        "tile/entries/000.p/1",
        "receipt/0.tlog-proof",
        "receipt/0.entry",
    ] {
        assert_eq!(server.get(&format!("/log/{path}")).status, 404, "{path}");
    }
}

#[test]
fn what_is_not_a_tile_of_the_published_tree_is_not_found() {
    let server = Small::start(300);
    let (good, wrong) = (
        ["tile/0/000", "tile/0/000.p/255", "tile/0/001.p/44", "tile/0/001.p/1", "tile/1/000.p/1"],
        [
            "tile/0/001",
            "tile/0/001.p/45",
            "tile/0/002.p/1",
            "tile/1/000",
            "tile/1/000.p/2",
            "tile/2/000.p/1",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/1",
            "tile/0/x000/000",
            "tile/0/0000",
            "tile/00/000",
            "tile/0/000/",
            "tile/0/000.p/1/",
            "tile/0/000.p/01",
            "tile/0/000.P/1",
            "tile/64/000",
            "tile/data/000",
            "tile/8/0/000",
            "tile/0/%30%30%30",
            "tile/0/000%2ep/1",
            "tile/entries/001",
            "tile/entries/001.p/45",
            "tile/entries/x000/001.p/1",
            "tile/",
            "tile",
            "tile/0",
            "",
            "checkpoint/",
            "stream/hazard/x",
            "stream/hazard/00000000000000000000000000",
            "receipt/300.tlog-proof",
            "receipt/300.entry",
            "receipt/00.tlog-proof",
            "receipt/+1.entry",
            "receipt/1",
            "receipt/1.proof",
            "receipt/1.tlog-proof.x",
            "receipt/99999999999999999999.entry",
        ],
    );
    for path in good {
        assert_eq!(server.get(&format!("/log/{path}")).status, 200, "{path}");
    }
    for path in wrong {
        let reply = server.get(&format!("/log/{path}"));
        assert_eq!((reply.status, reply.headers["cache-control"].as_str()), (404, "no-store"), "{path}");
    }
}

#[test]
fn bundles_are_compressed_for_who_takes_gzip_and_for_nobody_else() {
    let server = Small::start(300);
    for path in ["/log/tile/entries/000", "/log/tile/entries/001.p/44"] {
        let plain = get(&server.url, path, &[("accept-encoding", "identity")]);
        assert!(!plain.headers.contains_key("content-encoding"));
        let packed = crate::common::raw(&server.url, path, "accept-encoding: gzip");
        let (head, body) = packed;
        assert!(head.contains("content-encoding: gzip") && head.contains("vary: accept-encoding"), "{head}");
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.bytes);
        assert!(body.len() < plain.bytes.len());
    }
    let (head, _) = crate::common::raw(&server.url, "/log/tile/0/000", "accept-encoding: gzip");
    assert!(!head.contains("content-encoding"), "hashes do not get smaller: {head}");
}

#[test]
fn what_is_not_published_is_not_visible_until_it_is() {
    let server = Server::start();
    server.app.office.ledger().publish_now();
    let before = server.size();
    let hazard = server.hazard(0);
    let reply = |path: &str| server.get(&format!("/log/{path}"), None);
    let last = server.size() - 1;
    let paths = [
        format!("receipt/{last}.tlog-proof"),
        format!("receipt/{last}.entry"),
        format!("stream/{hazard}"),
        format!("tile/0/000.p/{}", server.size()),
        format!("tile/entries/000.p/{}", server.size()),
    ];
    for path in &paths {
        assert_eq!(reply(path).status, 404, "{path}");
    }
    assert!(reply("checkpoint").text.starts_with(&format!("{ORIGIN}\n{before}\n")));
    server.app.office.ledger().publish_now();
    for path in &paths {
        assert_eq!(reply(path).status, 200, "{path}");
    }
    assert!(reply("checkpoint").text.starts_with(&format!("{ORIGIN}\n{}\n", server.size())));
}

#[test]
fn while_one_key_of_the_log_takes_over_from_another_both_are_told_and_either_is_enough_for_other_programs() {
    let server = Server::start();
    let ledger = server.app.office.ledger();
    let old = ledger.log_key();
    let told = || {
        let keys = server.get("/log/keys", None).text;
        let of_log = keys.lines().filter_map(|line| line.strip_prefix("log ").map(str::to_owned));
        of_log.collect::<Vec<_>>()
    };
    let signers = |key: &SigningKey| {
        let published = server.get("/log/checkpoint", None).text;
        let verifier = StandardVerifier::new(&key.vkey().to_string()).unwrap();
        let note = Note::from_bytes(published.as_bytes()).unwrap();
        let (verified, others) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).ok()?;
        let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
        assert_eq!(checkpoint.size(), ledger.size());
        Some((verified.len(), others.len()))
    };
    let receipt = || {
        let receipt = server.get("/log/receipt/3.tlog-proof", None).text;
        let page =
            server.send("POST", "/verify", &[("content-type", "text/plain")], Some(receipt.as_bytes()));
        assert_eq!(page.status, 200, "{}", page.text);
        receipt
    };
    server.app.office.rotate_log_key().unwrap();
    ledger.publish_now();
    let new = ledger.log_key();
    assert_eq!(told(), [new.vkey().to_string(), old.vkey().to_string()]);
    assert_eq!((signers(&old), signers(&new)), (Some((1, 1)), Some((1, 1))));
    let during = receipt();
    server.app.office.retire_log_key().unwrap();
    ledger.publish_now();
    assert_eq!(told(), [new.vkey().to_string()]);
    assert_eq!((signers(&old), signers(&new)), (None, Some((1, 0))));
    receipt();
    let again = |receipt: &str| {
        server.send("POST", "/verify", &[("content-type", "text/plain")], Some(receipt.as_bytes()))
    };
    assert_eq!(again(&during).status, 200, "a receipt of before is as good as ever");
    // Whoever holds the ended key signs a checkpoint of the present tree.
    let published = ledger.published();
    let forged = Checkpoint { origin: ORIGIN.into(), size: published.size(), root: published.seen.root };
    let stored = ledger.store().read(Position(3), 1).unwrap();
    let forged = ledger.receipts(&stored, &forged.sign(&old)).unwrap().remove(0).unwrap();
    let page = again(&String::from_utf8(forged.to_bytes()).unwrap());
    assert_eq!(page.status, 422);
    assert!(page.text.contains("已停用") && page.text.contains("had ended before"), "{}", page.text);
}

#[test]
fn keys_show_whom_to_seal_to_once_that_is_published() {
    let server = Server::start();
    let recipient = format!("age1{}", "q".repeat(58));
    server.app.office.ledger().publish_now();
    let key = server.with_recipient(&recipient);
    let keys = server.get("/log/keys", None).text;
    assert!(keys.starts_with(&format!("log {}\n", server.app.office.ledger().log_key().vkey())), "{keys}");
    assert!(!keys.contains(&recipient), "shown before it is published: {keys}");
    server.app.office.ledger().publish_now();
    let keys = server.get("/log/keys", None).text;
    assert!(keys.contains(&format!("recipient {key} {recipient}\n")), "{keys}");
}

mod receipts {
    use super::*;

    fn proven(server: &Server, text: &str) -> adit_core::ledger::receipt::Proven {
        let log = server.app.office.ledger().log_key().vkey();
        Receipt::parse(text.as_bytes()).unwrap().verify(&[log]).unwrap()
    }

    #[test]
    fn an_officer_has_the_receipt_with_the_answer() {
        let server = Server::start();
        let token = server.sign_in("clerk-1");
        let mut data = self_report(&server.enterprises[0]);
        data["origin"] = json!("monitoring_alert");
        let answer = server.command(&token, None, "hazard.report", &data).expect(200);
        assert_eq!(answer["receipts_due"], json!(null));
        let entry = &answer["entries"][0];
        let proven = proven(&server, entry["receipt"].as_str().unwrap());
        assert_eq!(json!(proven.position), entry["position"]);
        assert_eq!(proven.checkpoint.size, server.size(), "it does not wait for a publication");
    }

    #[test]
    fn a_reporter_has_the_receipt_with_the_answer() {
        let server = Server::start();
        server.app.office.ledger().publish_now();
        let stream = StreamId::new(StreamKind::Report, Id::random().unwrap());
        let key = SigningKey::generate(&format!("{ORIGIN}/{stream}")).unwrap();
        let prepared =
            server.post("/api/v1/prepare", None, &crate::common::prepare_report(&stream, &key)).expect(200);
        let body =
            json!({ "pending": prepared["pending"], "notes": crate::common::notes(&prepared, &[&key]) });
        let answer = server.post("/api/v1/append", None, &body).expect(200);
        let proven = proven(&server, answer["entries"][0]["receipt"].as_str().unwrap());
        assert_eq!(proven.entry.entry().stream, stream);
        assert_eq!(proven.checkpoint.size, server.size());
    }

    #[test]
    fn an_enterprise_waits_for_the_publication_and_is_told_until_when() {
        let server = Server::start();
        server.app.office.ledger().publish_now();
        let token = server.sign_in("enterprise-1");
        let data = self_report(&server.enterprises[0]);
        let body = json!({ "id": id(), "type": "hazard.report", "data": data });
        let answer = server.post("/api/v1/commands", Some(&token), &body).expect(200);
        let entry = &answer["entries"][0];
        assert_eq!(
            (&entry["receipt"], &answer["receipts_due"]),
            (&json!(null), &json!("2024-05-10T02:10:00Z"))
        );
        let later = entry["receipt_at"].as_str().unwrap();
        assert_eq!(server.get(later, None).status, 404);
        server.clock.advance_seconds(600);
        server.app.office.ledger().publish_due();
        let receipt = server.get(later, None);
        assert_eq!(json!(proven(&server, &receipt.text).position), entry["position"]);
        let again = server.post("/api/v1/commands", Some(&token), &body).expect(200);
        assert_eq!(again["receipts_due"], json!(null));
        assert_eq!(again["entries"][0]["receipt"], json!(receipt.text));
    }

    #[test]
    fn an_enterprise_that_signs_without_a_session_waits_too() {
        let server = Server::start();
        server.app.office.ledger().publish_now();
        let token = server.sign_in_by_key("enterprise-1");
        let key = &server.person("enterprise-1").key;
        let body = json!({ "id": id(), "type": "hazard.report", "signers": [key.vkey()],
            "data": self_report(&server.enterprises[0]) });
        let prepared = server.post("/api/v1/prepare", Some(&token), &body).expect(200);
        let notes: Vec<String> = prepared["texts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| signed(text.as_str().unwrap(), key))
            .collect();
        let body = json!({ "pending": prepared["pending"], "notes": notes });
        let answer = server.post("/api/v1/append", None, &body).expect(200);
        assert_eq!(answer["entries"][0]["receipt"], json!(null));
    }
}

mod the_page_that_verifies {
    use super::*;

    fn receipt(server: &Server) -> String {
        server.app.office.ledger().publish_now();
        server.get("/log/receipt/0.tlog-proof", None).text
    }

    fn upload(server: &Server, receipt: &[u8]) -> crate::common::Reply {
        let boundary = "----a-boundary";
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"receipt\"; filename=\"0.tlog-proof\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        let rest = format!(
            "\r\n--{boundary}\r\ncontent-disposition: form-data; name=\"pasted\"\r\n\r\n\r\n--{boundary}--\r\n"
        );
        let body = [head.as_bytes(), receipt, rest.as_bytes()].concat();
        let kind = format!("multipart/form-data; boundary={boundary}");
        server.send("POST", "/verify", &[("content-type", &kind)], Some(&body))
    }

    #[test]
    fn a_receipt_is_explained_in_both_languages_however_it_comes() {
        let server = Server::start();
        let text = receipt(&server);
        let form: BTreeMap<&str, String> =
            [("pasted", text.replace('\n', "\r\n").trim_end().to_owned())].into();
        let form = serde_urlencoded::to_string(form).unwrap();
        let urlencoded = [("content-type", "application/x-www-form-urlencoded")];
        for reply in [
            upload(&server, text.as_bytes()),
            server.send("POST", "/verify", &urlencoded, Some(form.as_bytes())),
            server.send("POST", "/verify", &[("content-type", "text/plain")], Some(text.as_bytes())),
        ] {
            assert_eq!(reply.status, 200, "{}", reply.text);
            for says in
                ["回执有效", "The receipt is valid", "台账已开立", "the ledger was opened", "没有证明什么"]
            {
                assert!(reply.text.contains(says), "no {says}: {}", reply.text);
            }
        }
    }

    #[test]
    fn an_old_receipt_still_verifies_when_the_log_has_grown() {
        let server = Server::start();
        let old = receipt(&server);
        server.hazard(0);
        let reply = upload(&server, old.as_bytes());
        assert!(reply.status == 200 && reply.text.contains("回执有效"), "{}", reply.text);
    }

    #[test]
    fn what_proves_nothing_is_refused_in_both_languages() {
        let server = Server::start();
        let text = receipt(&server);
        let other = SigningKey::generate("other.example/ledger").unwrap();
        let foreign = Checkpoint { origin: "other.example/ledger".into(), size: 1, root: [0; 32] };
        let foreign = Receipt {
            entry: b"x".to_vec(),
            position: Position(0),
            proof: Vec::new(),
            checkpoint: foreign.sign(&other),
        };
        let moved = text.replace("index 0\n", "index 1\n");
        let cut = &text[..text.len() - 10];
        let large = vec![b'a'; 170_000];
        for (bytes, says) in [
            (b"".as_slice(), "这不是回执"),
            (b"hello", "This is not a receipt"),
            (cut.as_bytes(), "不完整"),
            (moved.as_bytes(), "算不出检查点所签的树根"),
            (&foreign.to_bytes(), "另一本台账"),
            (&large, "too large for a receipt"),
        ] {
            let reply = upload(&server, bytes);
            assert_eq!(reply.status, 422, "{says}");
            assert!(
                reply.text.contains(says) && reply.text.contains("不能证明"),
                "no {says}: {}",
                reply.text
            );
        }
        let huge = vec![b'a'; 500 << 10];
        server
            .send("POST", "/verify", &[("content-type", "text/plain")], Some(&huge))
            .refused(413, "api.too_large");
        assert_eq!(upload(&server, &huge).status, 413);
    }

    #[test]
    fn a_checkpoint_that_contradicts_the_ledger_raises_an_alarm_and_is_kept() {
        let server = Server::start();
        let ledger = server.app.office.ledger();
        let good = Receipt::parse(receipt(&server).as_bytes()).unwrap();
        // The log's own key signs another history: one entry, which is the same, and one that is beyond the end.
        let leaf = adit_core::ledger::merkle::leaf_hash(&good.entry);
        let forked = Checkpoint {
            origin: ORIGIN.into(),
            size: 2,
            root: adit_core::ledger::merkle::node_hash(&leaf, &[9; 32]),
        };
        let fork =
            Receipt { proof: vec![[9; 32]], checkpoint: forked.sign(&ledger.log_key()), ..good.clone() };
        let reply = upload(&server, &fork.to_bytes());
        assert_eq!(reply.status, 200);
        assert!(reply.text.contains("警报") && reply.text.contains("Alarm"), "{}", reply.text);
        assert!(!reply.text.contains("回执有效"));
        upload(&server, &fork.to_bytes());
        let alarms = ledger.home().unwrap().data.join("evidence");
        let kept: Vec<_> = std::fs::read_dir(alarms).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(kept.len(), 1, "the same checkpoint is kept once");
        assert_eq!(std::fs::read(&kept[0]).unwrap(), fork.checkpoint, "nothing but the checkpoint is kept");
    }
}
