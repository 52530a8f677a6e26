//! The public part of a ledger as a folder of tiles, entries forged with the real keys, and the monitor's answer.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use adit_core::command::Command as Order;
use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::entry::{Entry, Line, Seen, SignedEntry};
use adit_core::ledger::merkle::{Hash, Tile, Tree, leaf_hash};
use adit_core::ledger::vkey::SigningKey;
use adit_core::units::{Position, Revision};
use serde_json::{Value, json};

use crate::common::{Bureau, ORIGIN, day, id};

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn state(&self) -> String {
        self.path("state").to_str().expect("text").to_owned()
    }
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

pub(crate) fn log_key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[1; 32]).expect("key")
}

/// What the log would serve: entries in their order, under the log's own key.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Vec<u8>>,
    tails: HashMap<StreamId, (u64, Hash)>,
}

impl Log {
    pub(crate) fn of(bureau: &Bureau) -> Self {
        let stored = bureau.office.ledger().store().read(Position(0), usize::MAX).expect("entries");
        Self::with(stored.into_iter().map(|stored| stored.entry).collect())
    }

    pub(crate) fn with(entries: Vec<Vec<u8>>) -> Self {
        let mut tails = HashMap::new();
        for bytes in &entries {
            let signed = SignedEntry::parse(bytes).expect("an entry");
            tails.insert(signed.entry().stream, (signed.entry().revision.0 + 1, signed.text_hash()));
        }
        Self { entries, tails }
    }

    /// Forges an entry that follows in its stream, signed by these keys.
    pub(crate) fn add(
        &mut self,
        stream: StreamId,
        kind: &str,
        on: &str,
        lines: Vec<Line>,
        keys: &[&SigningKey],
    ) -> u64 {
        let tail = self.tails.get(&stream).copied();
        let entry = Entry {
            origin: ORIGIN.to_owned(),
            stream,
            revision: Revision(tail.map_or(0, |(next, _)| next)),
            kind: kind.to_owned(),
            day: day(on),
            seen: Seen::nothing(),
            prev: tail.map(|(_, hash)| hash),
            body: [7; 32],
            lines,
        };
        self.put(entry, keys)
    }

    /// Forges exactly this entry.
    pub(crate) fn put(&mut self, entry: Entry, keys: &[&SigningKey]) -> u64 {
        let (stream, revision) = (entry.stream, entry.revision.0);
        let signed = entry.sign(keys).expect("signed");
        self.tails.insert(stream, (revision + 1, signed.text_hash()));
        self.entries.push(signed.bytes().to_vec());
        self.entries.len() as u64 - 1
    }

    pub(crate) fn last_of(&self, stream: StreamId) -> Entry {
        let parsed = self.entries.iter().rev().map(|bytes| SignedEntry::parse(bytes).expect("an entry"));
        parsed
            .map(|signed| signed.entry().clone())
            .find(|entry| entry.stream == stream)
            .expect("an entry of it")
    }

    /// Writes checkpoint, tiles, entry bundles and key as a static folder (C2SP tlog-tiles).
    pub(crate) fn publish(&self, folder: &Path) {
        self.publish_as(folder, &log_key());
    }

    /// The same under another log's key.
    pub(crate) fn publish_as(&self, folder: &Path, key: &SigningKey) {
        self.publish_by(folder, &[key]);
    }

    /// The same under several keys of one log.
    pub(crate) fn publish_by(&self, folder: &Path, keys: &[&SigningKey]) {
        let (mut tree, mut tiles) = (Tree::new(), Vec::new());
        let mut levels: Vec<Vec<Hash>> = vec![Vec::new()];
        for bytes in &self.entries {
            levels[0].push(leaf_hash(bytes));
            tree.push(leaf_hash(bytes), &mut tiles);
        }
        for level in 0.. {
            let full: Vec<&Tile> = tiles.iter().filter(|tile| usize::from(tile.level) == level).collect();
            if full.is_empty() {
                break;
            }
            levels.push(full.iter().map(|tile| root(&tile.hashes)).collect());
        }
        for (level, hashes) in levels.iter().enumerate() {
            for (index, hashes) in hashes.chunks(256).enumerate() {
                write(folder, &level.to_string(), index, hashes.len(), hashes.as_flattened());
            }
        }
        for (index, entries) in self.entries.chunks(256).enumerate() {
            let prefixed = entries.iter().flat_map(|bytes| {
                let length = u16::try_from(bytes.len()).expect("short").to_be_bytes();
                length.into_iter().chain(bytes.iter().copied())
            });
            write(folder, "entries", index, entries.len(), &prefixed.collect::<Vec<u8>>());
        }
        let origin = keys.first().expect("a key").name().to_owned();
        let checkpoint = Checkpoint { origin, size: tree.size(), root: tree.root() };
        fs::write(folder.join("checkpoint"), checkpoint.sign_by(keys)).expect("written");
        let vkeys: Vec<String> = keys.iter().map(|key| key.vkey().to_string()).collect();
        fs::write(folder.join("log.vkey"), vkeys.join("\n") + "\n").expect("written");
    }
}

fn root(hashes: &[Hash]) -> Hash {
    let mut tree = Tree::new();
    for hash in hashes {
        tree.push(*hash, &mut Vec::new());
    }
    tree.root()
}

fn write(folder: &Path, level: &str, index: usize, width: usize, bytes: &[u8]) {
    let partial = if width == 256 { String::new() } else { format!(".p/{width}") };
    let path = folder.join(format!("tile/{level}/{index:03}{partial}"));
    fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
    fs::write(path, bytes).expect("written");
}

/// Carries out a command of the bureau, which must be lawful.
pub(crate) fn act(
    bureau: &Bureau,
    stream: Option<StreamId>,
    kind: &str,
    data: impl Into<Value>,
    who: &[&str],
) -> StreamId {
    let told = json!({ "type": kind, "data": data.into() });
    let read = "a command";
    let order = match kind.split('.').next() {
        Some("hazard") => Order::Hazard(serde_json::from_value(told).expect(read)),
        Some("report") => Order::Report(serde_json::from_value(told).expect(read)),
        Some("inspection") => Order::Inspection(serde_json::from_value(told).expect(read)),
        _ => Order::Actor(serde_json::from_value(told).expect(read)),
    };
    bureau.run(stream, order, who).unwrap_or_else(|error| panic!("{kind}: {error}")).stream
}

pub(crate) fn at(bureau: &Bureau, on: &str) {
    bureau.clock.set(day(on).start().plus_seconds(9 * 3600));
}

/// A bureau that has handled one report and one hazard, from May to July 2024.
pub(crate) fn busy() -> (Bureau, StreamId, StreamId) {
    let bureau = Bureau::in_memory();
    let enterprise = bureau.enterprise("甲矿");
    let hazard = bureau.request(&bureau.hazard(enterprise), &["clerk"]).expect("reported").stream;
    let two = ["inspector-1", "inspector-2"];
    act(&bureau, Some(hazard), "hazard.verify", json!({ "because": "现场" }), &two);
    let report = act(
        &bureau,
        None,
        "report.report",
        json!({ "matter": "major_hazard", "channel": "telephone" }),
        &["clerk"],
    );
    bureau.office.ledger().publish_now();
    at(&bureau, "2024-05-13");
    act(&bureau, Some(report), "report.accept", json!({}), &["clerk"]);
    let assign = json!({ "responsible_post": "矿长", "due": "2024-06-30" });
    act(&bureau, Some(hazard), "hazard.assign", assign, &["handler"]);
    at(&bureau, "2024-06-20");
    let verify = json!({ "finding": "substantiated", "matter_key": "甲", "findings": "属实" });
    act(&bureau, Some(report), "report.verify", verify, &two);
    (bureau, report, hazard)
}

/// The rest of the report's way.
pub(crate) fn handled(bureau: &Bureau, report: StreamId) {
    act(
        bureau,
        Some(report),
        "report.handle",
        json!({ "done": "已处罚", "unit_fine_yuan": "20100" }),
        &["handler"],
    );
    act(bureau, Some(report), "report.answer", json!({}), &["handler"]);
    act(bureau, Some(report), "report.close", json!({}), &["approver"]);
}

pub(crate) fn new_stream(kind: StreamKind) -> StreamId {
    StreamId::new(kind, Id(id().0))
}

pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    /// Codes of the violations, with position and place.
    pub(crate) fn violations(&self) -> Vec<(String, Option<u64>, String)> {
        let said = self.json();
        let all = said["violations"].as_array().expect("violations").clone();
        let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
        all.iter().map(|one| (text(one, "code"), one["position"].as_u64(), text(one, "place"))).collect()
    }

    #[track_caller]
    pub(crate) fn finds(&self, code: &str, position: u64) {
        let found = self.violations();
        assert!(
            found.iter().any(|one| one.0 == code && one.1 == Some(position)),
            "{code} {position}: {found:?}"
        );
        assert_eq!(self.code, Some(1), "{}", self.err);
    }

    #[track_caller]
    pub(crate) fn clean(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.json()
    }
}

/// Runs the monitor on a log as it stood on this day.
pub(crate) fn audit(log: &str, today: &str, more: &[&str]) -> Said {
    let key = log_key().vkey().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_adit"))
        .args(["audit", log, "--key", &key, "--today", today, "--json"])
        .args(more)
        .output()
        .expect("adit runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Publishes a log into a fresh folder and runs the monitor on it.
pub(crate) fn judged(log: &Log, today: &str) -> Said {
    let folder = Folder::new();
    log.publish(&folder.path(""));
    audit(folder.path("").to_str().expect("text"), today, &[])
}
