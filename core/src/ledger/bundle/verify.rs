//! Checks a bundle with nothing but itself and, at best, the log's key from elsewhere.
//!
//! In this order, and stopping at the first fault: the container; the manifest's signature; every file's hash; the checkpoint
//! and who cosigned it; of every entry its proof, its place in its stream, who signed it and its body; the rule packs. What a
//! bundle can't prove is that nothing happened after its checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::id::StreamId;
use crate::ledger::bundle::keys::{Keys, Signer};
use crate::ledger::bundle::manifest::{Listed, MANIFEST_BYTES_MAX, Manifest};
use crate::ledger::bundle::write::pack_path;
use crate::ledger::bundle::{
    BundleError, BundleFault, CHECKPOINT, HOW_TO, LOG_KEYS, MANIFEST, POLICY, VIEWER, body_path, entry_path,
    proof_path, zip,
};
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::entry::{SignedEntry, decimal};
use crate::ledger::merkle::{Hash, root_of_inclusion};
use crate::ledger::note::Note;
use crate::ledger::policy::{Policy, Standing};
use crate::ledger::receipt::Receipt;
use crate::ledger::vkey::{ED25519, VKey, hex, is_hash};
use crate::units::{Position, Revision};

type Files<'a> = BTreeMap<&'a str, &'a [u8]>;

/// A bundle in which all holds.
#[derive(Clone)]
pub struct Verified {
    pub manifest: Manifest,
    /// The log's keys by the bundle's own word, the present one first.
    pub log: Vec<VKey>,
    /// Those of them that signed the manifest.
    pub signed_by: Vec<VKey>,
    /// How the checkpoint stands under the policy; none where there is no policy.
    pub standing: Option<Standing>,
    /// In the order of the log.
    pub entries: Vec<Checked>,
    /// Versions of the rule packs whose texts are in the bundle.
    pub rules: BTreeSet<String>,
    /// Versions that a body names, but whose texts are not in the bundle.
    pub rules_absent: BTreeSet<String>,
}

/// Says which bundle it is, not what is in it.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manifest = &self.manifest;
        let mut shown = f.debug_struct("Verified");
        shown.field("origin", &manifest.origin).field("size", &manifest.size);
        shown.field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

/// An entry of which all holds.
#[derive(Clone, Debug)]
pub struct Checked {
    pub position: Position,
    pub signed: SignedEntry,
    pub signers: Vec<Signer>,
    /// Its body is in the bundle.
    pub body: bool,
}

fn fault(fault: BundleFault, file: &str) -> BundleError {
    BundleError::of(fault, file)
}

/// Checks everything. `trusted` are keys of the log that the caller knows from elsewhere; where there is none, the key is the
/// bundle's own word. `policy` takes the place of the bundle's own, and its quorum must be met.
pub fn verify(bytes: &[u8], trusted: &[VKey], policy: Option<&Policy>) -> Result<Verified, BundleError> {
    let in_order = zip::read(bytes)?;
    let files: Files<'_> = in_order.iter().copied().collect();
    let (manifest, log, signed_by) = manifest_of(&in_order, &files)?;
    if !trusted.is_empty() && !signed_by.iter().any(|key| trusted.contains(key)) {
        return Err(fault(BundleFault::OtherKey, LOG_KEYS));
    }
    all_listed(&manifest.files, &in_order[1..])?;
    let positions = names(&files)?;
    let standing = standing(&manifest, &files, &log, policy)?;
    let entries = entries(&manifest, &files, &positions)?;
    let rules = rules(&files)?;
    let rules_absent = entries.iter().filter_map(|entry| files.get(body_path(entry.position.0).as_str()));
    let rules_absent =
        rules_absent.flat_map(|body| rules_named(body)).filter(|version| !rules.contains(version)).collect();
    Ok(Verified { manifest, log, signed_by, standing, entries, rules, rules_absent })
}

fn content<'a>(files: &Files<'a>, path: &str) -> Result<&'a [u8], BundleError> {
    files.get(path).copied().ok_or_else(|| fault(BundleFault::FileMissing, path))
}

/// The manifest with the log's keys, and those that signed it. Every signature must be by one of them.
fn manifest_of(
    in_order: &[zip::File<'_>],
    files: &Files<'_>,
) -> Result<(Manifest, Vec<VKey>, Vec<VKey>), BundleError> {
    let first = in_order.first().filter(|(name, _)| *name == MANIFEST);
    let (_, note) = first.ok_or_else(|| fault(BundleFault::FileMissing, MANIFEST))?;
    let unsigned = || fault(BundleFault::ManifestSignature, MANIFEST);
    let note = Note::parse_within(note, MANIFEST_BYTES_MAX).map_err(|_| unsigned())?;
    let manifest = Manifest::parse(&note.text)
        .map_err(|line| fault(BundleFault::ManifestForm, MANIFEST).with("line", &line.to_string()))?;
    let own = content(files, LOG_KEYS)?;
    let log = log_keys(own, &manifest.origin);
    let signed_by = log.as_ref().and_then(|log| note.verify(log).ok());
    let signed_by = signed_by.filter(|signers| signers.len() == note.signatures.len());
    match (log, signed_by) {
        (Some(log), Some(signed_by)) => Ok((manifest, log, signed_by)),
        // Which of the two was altered, the manifest's own line for the file tells best.
        _ if !manifest.files.contains(&Listed::of(LOG_KEYS, own)) => {
            Err(fault(BundleFault::FileChanged, LOG_KEYS))
        }
        (None, _) => Err(fault(BundleFault::LogKey, LOG_KEYS)),
        (Some(_), None) => Err(unsigned()),
    }
}

/// One key or several, all of the log's name, each a vkey in a line.
fn log_keys(content: &[u8], origin: &str) -> Option<Vec<VKey>> {
    let text = std::str::from_utf8(content).ok()?.strip_suffix('\n')?;
    let keys: Vec<VKey> = text.split('\n').map(|line| line.parse().ok()).collect::<Option<_>>()?;
    keys.iter().all(|key| key.name() == origin && key.kind() == ED25519).then_some(keys)
}

/// The container holds the files of the manifest, in their order, each with its content.
fn all_listed(wanted: &[Listed], found: &[zip::File<'_>]) -> Result<(), BundleError> {
    let (mut wanted, mut found) = (wanted.iter().peekable(), found.iter().peekable());
    loop {
        match (wanted.peek(), found.peek()) {
            (None, None) => return Ok(()),
            (Some(one), None) => return Err(fault(BundleFault::FileMissing, &one.path)),
            (None, Some((name, _))) => return Err(fault(BundleFault::FileExtra, name)),
            (Some(one), Some((name, _))) if *name < one.path.as_str() => {
                return Err(fault(BundleFault::FileExtra, name));
            }
            (Some(one), Some((name, _))) if *name > one.path.as_str() => {
                return Err(fault(BundleFault::FileMissing, &one.path));
            }
            (Some(one), Some((name, content))) => {
                if Listed::of(name, content) != **one {
                    return Err(fault(BundleFault::FileChanged, name));
                }
                wanted.next();
                found.next();
            }
        }
    }
}

/// Every file is one of the format, and those that must be there are. Gives back the positions of the entries, in order.
fn names(files: &Files<'_>) -> Result<BTreeSet<u64>, BundleError> {
    let number = |path: &str, before: &str, after: &str| {
        path.strip_prefix(before)?.strip_suffix(after).and_then(decimal)
    };
    let mut positions = BTreeSet::new();
    for path in files.keys() {
        if let Some(position) = number(path, "entries/", ".entry") {
            positions.insert(position);
            continue;
        }
        let of_entry = number(path, "proofs/", ".tlog-proof").or_else(|| number(path, "bodies/", ".json"));
        let known = match of_entry {
            Some(position) => files.contains_key(entry_path(position).as_str()),
            None => {
                [MANIFEST, CHECKPOINT, LOG_KEYS, POLICY, VIEWER, HOW_TO].contains(path)
                    || path.starts_with("rules/")
            }
        };
        if !known {
            return Err(fault(BundleFault::FileName, path));
        }
    }
    for path in [CHECKPOINT, VIEWER, HOW_TO] {
        content(files, path)?;
    }
    Ok(positions)
}

/// The checkpoint is the manifest's and signed by the log; who cosigned it is counted by the policy.
fn standing(
    manifest: &Manifest,
    files: &Files<'_>,
    log: &[VKey],
    policy: Option<&Policy>,
) -> Result<Option<Standing>, BundleError> {
    let wrong = || fault(BundleFault::Checkpoint, CHECKPOINT);
    let bytes = content(files, CHECKPOINT)?;
    let (checkpoint, note) = Checkpoint::parse(bytes).map_err(|_| wrong())?;
    let same = (checkpoint.origin.as_str(), checkpoint.size, checkpoint.root)
        == (manifest.origin.as_str(), manifest.size, manifest.root);
    let signed_by = note.verify(log).map_err(|_| wrong())?;
    if !same {
        return Err(wrong());
    }
    let own = files.get(POLICY).map(|file| {
        let wrong = |line: usize| fault(BundleFault::PolicyForm, POLICY).with("line", &line.to_string());
        Policy::parse(file).map_err(|error| wrong(error.line))
    });
    let own = own.transpose()?;
    let Some(chosen) = policy.or(own.as_ref()) else { return Ok(None) };
    let standing = chosen.standing(bytes, &signed_by).map_err(|_| wrong())?;
    if policy.is_some() && !standing.met {
        return Err(fault(BundleFault::NoQuorum, CHECKPOINT));
    }
    Ok(Some(standing))
}

/// The end of a stream as far as it was read.
#[derive(Default)]
struct Tail {
    next: u64,
    text: Option<Hash>,
}

fn entries(
    manifest: &Manifest,
    files: &Files<'_>,
    positions: &BTreeSet<u64>,
) -> Result<Vec<Checked>, BundleError> {
    let mut tails: BTreeMap<StreamId, Tail> =
        manifest.streams.iter().map(|part| (part.stream, Tail::default())).collect();
    let mut keys = Keys::new(&manifest.origin);
    let mut checked = Vec::with_capacity(positions.len());
    for position in positions {
        let path = entry_path(*position);
        let signed = proven(manifest, files, *position)?;
        let tail = tails.get_mut(&signed.entry().stream);
        let tail = tail.ok_or_else(|| fault(BundleFault::ForeignStream, &path))?;
        if signed.entry().revision != Revision(tail.next) || signed.entry().prev != tail.text {
            return Err(fault(BundleFault::Chain, &path));
        }
        *tail = Tail { next: tail.next + 1, text: Some(signed.text_hash()) };
        let body_path = body_path(*position);
        let body = files.get(body_path.as_str()).copied();
        if body.is_some_and(|body| *blake3::hash(body).as_bytes() != signed.entry().body) {
            return Err(fault(BundleFault::Body, &body_path));
        }
        let position = Position(*position);
        let signers = keys.next(position, &signed, body).map_err(|what| fault(what, &path))?;
        checked.push(Checked { position, signed, signers, body: body.is_some() });
    }
    for part in &manifest.streams {
        if tails.get(&part.stream).map(|tail| tail.next) != Some(part.entries) {
            let short = fault(BundleFault::StreamShort, MANIFEST);
            return Err(short.with("stream", &part.stream.to_string()));
        }
    }
    Ok(checked)
}

/// An entry that stands in the tree of the checkpoint at its position.
fn proven(manifest: &Manifest, files: &Files<'_>, position: u64) -> Result<SignedEntry, BundleError> {
    let (path, proof_path) = (entry_path(position), proof_path(position));
    let entry = content(files, &path)?;
    let signed = SignedEntry::parse(entry).map_err(|_| fault(BundleFault::EntryForm, &path))?;
    if signed.entry().origin != manifest.origin {
        return Err(fault(BundleFault::OtherLog, &path));
    }
    let proof = content(files, &proof_path)?;
    let receipt = Receipt::parse(proof).ok();
    let own = receipt.filter(|receipt| {
        let checkpoint = files.get(CHECKPOINT).copied();
        receipt.entry == entry
            && receipt.position == Position(position)
            && Some(receipt.checkpoint.as_slice()) == checkpoint
    });
    let receipt = own.ok_or_else(|| fault(BundleFault::ProofForm, &proof_path))?;
    let root = root_of_inclusion(signed.leaf_hash(), position, manifest.size, &receipt.proof);
    if root == Some(manifest.root) { Ok(signed) } else { Err(fault(BundleFault::WrongRoot, &proof_path)) }
}

/// The versions whose packs are in the bundle. The name of a version follows from its packs, and a pack's from its text.
fn rules(files: &Files<'_>) -> Result<BTreeSet<String>, BundleError> {
    let (mut versions, mut packs) = (BTreeSet::new(), BTreeSet::new());
    let own: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, content)| (*path, *content))
        .filter(|(path, _)| path.starts_with("rules/"))
        .collect();
    for (path, list) in &own {
        let Some(version) = path.strip_prefix("rules/").and_then(|name| name.strip_suffix(".version")) else {
            continue;
        };
        let named = packs_of(list, version).ok_or_else(|| fault(BundleFault::Rules, path))?;
        for (id, hash) in named {
            let pack = pack_path(&id, &hash);
            let text = content(files, &pack)?;
            if hex(blake3::hash(text).as_bytes()) != hash {
                return Err(fault(BundleFault::Rules, &pack));
            }
            packs.insert(pack);
        }
        versions.insert(version.to_owned());
    }
    let stray = own.iter().find(|(path, _)| !path.ends_with(".version") && !packs.contains(*path));
    stray.map_or(Ok(versions), |(path, _)| Err(fault(BundleFault::FileName, path)))
}

/// Ids and hashes of a version's packs: `<id> <BLAKE3> adopted|shipped` in each line.
fn packs_of(list: &[u8], version: &str) -> Option<Vec<(String, String)>> {
    let (mut packs, mut hasher) = (Vec::new(), blake3::Hasher::new());
    for line in std::str::from_utf8(list).ok()?.strip_suffix('\n')?.split('\n') {
        let mut words = line.split(' ');
        let (id, hash, word) = (words.next()?, words.next()?, words.next()?);
        let adopted = match word {
            "adopted" => 1,
            "shipped" => 0,
            _ => return None,
        };
        if words.next().is_some() || !is_hash(hash) {
            return None;
        }
        hasher.update(hash.as_bytes()).update(&[adopted]);
        packs.push((id.to_owned(), hash.to_owned()));
    }
    (hex(&hasher.finalize().as_bytes()[..8]) == version).then_some(packs)
}

/// The versions of the rules that a body names.
pub fn rules_named(body: &[u8]) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    rest.extend(serde_json::from_slice::<Value>(body).ok());
    while let Some(value) = rest.pop() {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("rules").and_then(Value::as_str).map(str::to_owned));
                rest.extend(fields.into_iter().map(|(_, value)| value));
            }
            Value::Array(items) => rest.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}
