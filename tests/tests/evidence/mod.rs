//! Real bundles for tests that look at them from outside, and everything that somebody could do to one.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod small;

use std::collections::BTreeMap;
use std::path::Path;

use adit_api::bundle::{Asked, make};
use adit_core::access::{self, AccessCommand};
use adit_core::command::Command;
use adit_core::hazard::{HazardCommand, Verify};
use adit_core::id::StreamId;
use adit_core::ledger::bundle::manifest::{Listed, Manifest};
use adit_core::ledger::bundle::{MANIFEST, body_path, entry_path, proof_path, zip};
use adit_core::ledger::cosignature::WitnessKey;
use adit_core::ledger::note::{Note, assemble};
use adit_core::ledger::receipt::Receipt;
use adit_core::ledger::vkey::SigningKey;
use adit_core::report::{self, Channel, ReportCommand};
use adit_core::rules::reward::Matter;
use adit_core::units::Timestamp;

use crate::common::{Bureau, text};

/// A hazard that a clerk reported and two inspectors verified, a report by telephone, an opening and a filler, in one bundle under a
/// policy whose witness cosigned.
pub(crate) struct Evidence {
    pub(crate) bureau: Bureau,
    pub(crate) hazard: StreamId,
    pub(crate) report: StreamId,
    pub(crate) bundle: Vec<u8>,
}

pub(crate) fn evidence() -> Evidence {
    let bureau = Bureau::in_memory();
    let hazard =
        bureau.request(&bureau.hazard(bureau.enterprise("甲矿")), &["clerk"]).expect("reported").stream;
    let verdict = Verify { criterion: None, because: text("现场核实 <img src=x onerror=alert(1)>") };
    let both = ["inspector-1", "inspector-2"];
    bureau.run(Some(hazard), Command::Hazard(HazardCommand::Verify(verdict)), &both).expect("verified");
    let word = report::Report {
        matter: Matter::MajorHazard,
        channel: Channel::Telephone,
        key: None,
        claim_key: None,
        insider: false,
        testimony: None,
        files: Vec::new(),
        recipient: None,
        excluded: Vec::new(),
        pickup: None,
    };
    let word = Command::Report(ReportCommand::Report(word));
    let report = bureau.run(None, word, &["clerk"]).expect("reported").stream;
    let open = access::Open { report, blobs: vec![text(&"ab".repeat(32))] };
    let open = Command::Access(AccessCommand::Open(open));
    let opened = bureau.run(None, open, &["clerk"]).expect("recorded").stream;
    let fill = Command::Access(AccessCommand::Fill(access::Fill {}));
    let filler = bureau.run(None, fill, &[]).expect("recorded").stream;
    let ledger = bureau.office.ledger();
    ledger.publish_now();
    let [first, second] =
        [3, 4].map(|seed| WitnessKey::from_seed(&format!("w.example/{seed}"), &[seed; 32]).expect("key"));
    let note = Note::parse(&ledger.published().note).expect("published");
    assert!(
        ledger.cosign(&note.text, &[first.cosign(&note.text, Timestamp(1_790_000_000)).expect("cosigned")])
    );
    let policy = format!(
        "# 见证\nwitness 检察院 {}\nwitness union {}\ngroup any any 检察院 union\nquorum any\n",
        first.vkey(),
        second.vkey()
    );
    let asked = Asked {
        streams: &[hazard, report, opened, filler],
        entries_only: false,
        policy: Some(policy.as_bytes()),
        signer: Some(&bureau.keys["approver"]),
    };
    let bundle = make(&bureau.office, None, asked).expect("a bundle").zip;
    Evidence { bureau, hazard, report, bundle }
}

/// The files of a bundle, to be changed and put together again.
#[derive(Clone)]
pub(crate) struct Open {
    pub(crate) manifest: Manifest,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Open {
    pub(crate) fn of(bundle: &[u8]) -> Self {
        let read = zip::read(bundle).expect("a zip");
        let mut files: BTreeMap<String, Vec<u8>> =
            read.into_iter().map(|(path, content)| (path.to_owned(), content.to_vec())).collect();
        let note = Note::parse(&files.remove(MANIFEST).expect("a manifest")).expect("a note");
        Self { manifest: Manifest::parse(&note.text).expect("a manifest"), files }
    }

    /// The zip with the manifest as it is, whatever the files are now.
    pub(crate) fn zip(&self, key: &SigningKey) -> Vec<u8> {
        let text = self.manifest.text();
        let note = assemble(&text, &[key.sign_text(&text)]);
        let mut files = vec![(MANIFEST, note.as_slice())];
        files.extend(self.files.iter().map(|(path, content)| (path.as_str(), content.as_slice())));
        zip::write(&files).expect("a zip")
    }

    /// The zip with a manifest that names the files as they are now, signed by `key`.
    pub(crate) fn sealed(mut self, key: &SigningKey) -> Vec<u8> {
        self.manifest.files = self.files.iter().map(|(path, content)| Listed::of(path, content)).collect();
        self.zip(key)
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn positions(&self, stream: &StreamId) -> Vec<u64> {
        let named = format!("\n{stream} ");
        let own = self.files.iter().filter(|(path, content)| {
            path.starts_with("entries/") && String::from_utf8_lossy(content).contains(&named)
        });
        let number = |path: &str| path.split(['/', '.']).nth(1).and_then(|number| number.parse().ok());
        let mut positions: Vec<u64> = own.filter_map(|(path, _)| number(path)).collect();
        positions.sort_unstable();
        positions
    }

    pub(crate) fn drop_entry(&mut self, position: u64) {
        for path in [entry_path(position), proof_path(position), body_path(position)] {
            self.files.remove(&path);
        }
    }

    /// Flips a bit in the middle of a file.
    pub(crate) fn flip(&mut self, path: &str) {
        let content = self.files.get_mut(path).expect("a file");
        let middle = content.len() / 2;
        content[middle] ^= 1;
    }

    /// Writes every file into a folder, the manifest too.
    pub(crate) fn unpack(bundle: &[u8], folder: &Path) {
        for (path, content) in zip::read(bundle).expect("a zip") {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, content).expect("written");
        }
    }
}

/// Bundles that somebody altered, each in one way: bytes of the container; files with the hashes as they were; files with the
/// hashes made again by another key; and what a log that lies could sign.
pub(crate) fn altered(evidence: &Evidence) -> Vec<Vec<u8>> {
    let log = evidence.bureau.office.ledger().log_key();
    let other = SigningKey::generate(log.name()).expect("a key");
    let (bundle, open) = (&evidence.bundle, Open::of(&evidence.bundle));
    let mut altered = Vec::new();
    for at in (0..bundle.len()).step_by(bundle.len() / 40).chain([20, 23, 26, 27, 31, bundle.len() - 3]) {
        let mut bytes = bundle.clone();
        bytes[at] ^= 1 << (at % 8);
        altered.push(bytes);
    }
    altered.push(bundle[..bundle.len() - 1].to_vec());
    altered.push([bundle.as_slice(), b"\n"].concat());
    for path in kinds_of_files(&open) {
        altered.push(open.clone().with(|open| open.flip(&path)).zip(&log));
        altered.push(open.clone().with(|open| drop(open.files.remove(&path))).zip(&log));
        altered.push(open.clone().with(|open| open.flip(&path)).sealed(&other));
        // What the log itself signs holds, except where something else contradicts it.
        if !["VERIFY.md", "index.html", "policy"].contains(&path.as_str()) {
            altered.push(open.clone().with(|open| open.flip(&path)).sealed(&log));
        }
        // A bundle may be without bodies and policy.
        if path != "policy" && !path.starts_with("bodies/") {
            altered.push(open.clone().with(|open| drop(open.files.remove(&path))).sealed(&log));
        }
    }
    for stream in [evidence.hazard, evidence.report] {
        for position in open.positions(&stream) {
            altered.push(open.clone().with(|open| open.drop_entry(position)).sealed(&log));
        }
    }
    altered.extend(lies(evidence, &open));
    altered
}

/// One file of each kind.
fn kinds_of_files(open: &Open) -> Vec<String> {
    let mut kinds = BTreeMap::new();
    for path in open.files.keys() {
        let kind = path.split('/').next().unwrap_or_default();
        let ending = path.rsplit('.').next().unwrap_or_default();
        kinds.insert((kind.to_owned(), ending.to_owned()), path.clone());
    }
    kinds.into_values().collect()
}

/// What only the log's own key could make.
fn lies(evidence: &Evidence, open: &Open) -> Vec<Vec<u8>> {
    let log = evidence.bureau.office.ledger().log_key();
    let positions = open.positions(&evidence.hazard);
    let (first, second) = (positions[0], positions[1]);
    let account: StreamId = {
        let name = evidence.bureau.keys["clerk"].name();
        name.split_once("/ledger/").and_then(|(_, account)| account.parse().ok()).expect("an account")
    };
    let swapped = open.clone().with(|open| {
        let entry = open.files[&entry_path(first)].clone();
        let receipt = Receipt::parse(&open.files[&proof_path(second)]).expect("a proof");
        open.files.insert(entry_path(second), entry.clone());
        open.files.insert(proof_path(second), Receipt { entry, ..receipt }.to_bytes());
    });
    let grant = open.clone().with(|open| {
        let last = *open.positions(&account).last().expect("a grant");
        open.drop_entry(last);
        open.manifest
            .streams
            .iter_mut()
            .filter(|part| part.stream == account)
            .for_each(|part| part.entries -= 1);
    });
    let unknown = open.clone().with(|open| {
        open.positions(&account).into_iter().for_each(|position| open.drop_entry(position));
        open.manifest.streams.retain(|part| part.stream != account);
    });
    let foreign =
        open.clone().with(|open| open.manifest.streams.retain(|part| part.stream != evidence.report));
    let stray = open.clone().with(|open| drop(open.files.insert("rules/stray.toml".into(), Vec::new())));
    let empty = open.clone().with(|open| drop(open.files.insert("policy".into(), Vec::new())));
    let stolen = open.clone().with(|open| {
        let body = open.files[&body_path(second)].clone();
        open.files.insert(body_path(first), body);
    });
    [swapped, grant, unknown, foreign, stray, empty, stolen].map(|open| open.sealed(&log)).into()
}
