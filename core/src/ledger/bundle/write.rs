//! Puts a bundle together. What goes into it, the caller has decided.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::id::StreamId;
use crate::ledger::bundle::manifest::{Listed, Manifest, Part};
use crate::ledger::bundle::{
    BundleError, BundleFault, CHECKPOINT, LOG_KEYS, MANIFEST, body_path, entry_path, proof_path, zip,
};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::note::assemble;
use crate::ledger::receipt::Receipt;
use crate::ledger::vkey::{SigningKey, VKey};
use crate::rules::Rules;
use crate::units::Day;

/// A bundle in the making.
#[derive(Clone, Debug)]
pub struct Bundle {
    day: Day,
    checkpoint: Checkpoint,
    /// Entries of each stream, and whether it was asked for.
    streams: BTreeMap<StreamId, (u64, bool)>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Bundle {
    /// An empty bundle over a signed checkpoint, made on `day`, for a log with these keys, the present one first.
    pub fn new(day: Day, checkpoint: &[u8], log: &[VKey]) -> Result<Self, BundleError> {
        let wrong = |_| BundleError::of(BundleFault::Checkpoint, CHECKPOINT);
        let (parsed, _) = Checkpoint::parse(checkpoint).map_err(wrong)?;
        let mut keys = String::new();
        for key in log {
            // Writing to a string can't fail.
            let _ = writeln!(keys, "{key}");
        }
        let mut bundle = Self { day, checkpoint: parsed, streams: BTreeMap::new(), files: BTreeMap::new() };
        bundle.file(CHECKPOINT, checkpoint.to_vec());
        bundle.file(LOG_KEYS, keys.into_bytes());
        Ok(bundle)
    }

    /// Any file of the format, such as the viewer.
    pub fn file(&mut self, path: &str, content: Vec<u8>) {
        self.files.insert(path.to_owned(), content);
    }

    /// A stream whose entries follow, each once; `asked` where it was asked for.
    pub fn stream(&mut self, stream: StreamId, entries: u64, asked: bool) {
        self.streams.insert(stream, (entries, asked));
    }

    /// An entry with its proof, and its body where the asker may have it.
    pub fn entry(&mut self, receipt: &Receipt, body: Option<Vec<u8>>) {
        let position = receipt.position.0;
        self.file(&entry_path(position), receipt.entry.clone());
        self.file(&proof_path(position), receipt.to_bytes());
        if let Some(body) = body {
            self.file(&body_path(position), body);
        }
    }

    /// The packs that were in force: their texts, and which of them were adopted.
    pub fn rules(&mut self, rules: &Rules) {
        let mut list = String::new();
        for pack in rules.packs() {
            let (hash, adopted) = (pack.hash(), rules.is_adopted(pack.id));
            let word = if adopted { "adopted" } else { "shipped" };
            let _ = writeln!(list, "{} {hash} {word}", pack.id);
            self.file(&pack_path(pack.id, &hash), pack.text.as_bytes().to_vec());
        }
        self.file(&format!("rules/{}.version", rules.version()), list.into_bytes());
    }

    /// The zip, with its manifest signed by the log's keys.
    pub fn to_zip(&self, log: &[&SigningKey]) -> Result<Vec<u8>, BundleError> {
        let part = |asked: bool| {
            let mut parts: Vec<Part> = self
                .streams
                .iter()
                .filter(|(_, of)| of.1 == asked)
                .map(|(stream, (entries, _))| Part { stream: *stream, entries: *entries, asked })
                .collect();
            parts.sort_by_key(|part| part.stream.to_string());
            parts
        };
        let manifest = Manifest {
            origin: self.checkpoint.origin.clone(),
            day: self.day,
            size: self.checkpoint.size,
            root: self.checkpoint.root,
            streams: [part(true), part(false)].concat(),
            files: self.files.iter().map(|(path, content)| Listed::of(path, content)).collect(),
        };
        let text = manifest.text();
        let signatures: Vec<_> = log.iter().map(|key| key.sign_text(&text)).collect();
        let note = assemble(&text, &signatures);
        let mut files = vec![(MANIFEST, note.as_slice())];
        files.extend(self.files.iter().map(|(path, content)| (path.as_str(), content.as_slice())));
        zip::write(&files)
    }
}

/// The file of a pack's text: several texts of one pack may stand in one bundle.
pub(super) fn pack_path(id: &str, hash: &str) -> String {
    format!("rules/{id}.{}.toml", hash.get(..16).unwrap_or(hash))
}
