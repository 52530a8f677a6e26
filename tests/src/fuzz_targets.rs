//! One target for each parser: it must not panic, and what it accepts must be written back as it was read.
#![expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a panic is how a fuzz target reports")]

use adit_core::id::StreamKind;
use adit_core::ledger::body::Body;
use adit_core::ledger::bundle::manifest::Manifest;
use adit_core::ledger::bundle::{verify, zip};
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::entry::SignedEntry;
use adit_core::ledger::merkle::{check_consistency, root_of_inclusion};
use adit_core::ledger::note::Note;
use adit_core::ledger::policy::Policy;
use adit_core::ledger::receipt::Receipt;
use adit_core::ledger::tiles::TilePath;
use adit_core::ledger::vkey::VKey;
use adit_core::ledger::witness::{AddCheckpoint, read_lines};

/// A target: takes any bytes.
pub type Target = fn(&[u8]);

/// Name and function of every target; the tests replay the corpus of each.
pub const ALL: [(&str, Target); 13] = [
    ("note", note),
    ("vkey", vkey),
    ("entry", entry),
    ("body", body),
    ("checkpoint", checkpoint),
    ("inclusion_proof", inclusion_proof),
    ("consistency_proof", consistency_proof),
    ("add_checkpoint", add_checkpoint),
    ("policy", policy),
    ("receipt", receipt),
    ("bundle", bundle),
    ("manifest", manifest),
    ("tile_path", tile_path),
];

pub fn note(data: &[u8]) {
    if let Ok(note) = Note::parse(data) {
        assert_eq!(note.to_bytes(), data, "a note has two spellings");
    }
}

pub fn vkey(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(key) = text.parse::<VKey>() {
        assert_eq!(key.to_string(), text, "a vkey has two spellings");
    }
}

pub fn entry(data: &[u8]) {
    if let Ok(signed) = SignedEntry::parse(data) {
        assert_eq!(signed.text(), signed.entry().text().as_bytes(), "an entry has two spellings");
        assert_eq!(signed.bytes(), data);
    }
}

pub fn body(data: &[u8]) {
    for kind in StreamKind::ALL {
        if let Ok(body) = Body::read(kind, data) {
            let again = body.event.write_body([0; 16], body.at, &body.by, &body.officers).expect("written");
            let read = Body::read(kind, &again).expect("what was read can be written and read again");
            assert_eq!(read.event, body.event);
        }
    }
}

pub fn checkpoint(data: &[u8]) {
    if let Ok((checkpoint, note)) = Checkpoint::parse(data) {
        assert!(note.text.starts_with(&checkpoint.text()), "a checkpoint has two spellings");
    }
}

/// Leaf, index, size, then hashes of 32 bytes.
pub fn inclusion_proof(data: &[u8]) {
    let Some((leaf, rest)) = data.split_first_chunk::<32>() else { return };
    let Some((index, rest)) = rest.split_first_chunk::<8>() else { return };
    let Some((size, rest)) = rest.split_first_chunk::<8>() else { return };
    let proof = rest.as_chunks::<32>().0;
    let (index, size) = (u64::from_be_bytes(*index), u64::from_be_bytes(*size));
    if root_of_inclusion(*leaf, index, size, proof).is_some() {
        assert!(index < size && proof.len() <= 64);
    }
}

/// Old size, new size, then both roots and the hashes of the proof.
pub fn consistency_proof(data: &[u8]) {
    let Some((old, rest)) = data.split_first_chunk::<8>() else { return };
    let Some((new, rest)) = rest.split_first_chunk::<8>() else { return };
    let (old, new) = (u64::from_be_bytes(*old), u64::from_be_bytes(*new));
    let [old_root, new_root, proof @ ..] = rest.as_chunks::<32>().0 else { return };
    if check_consistency(old, old_root, new, new_root, proof) {
        assert!(old <= new && proof.len() <= 65);
    }
}

/// What is sent to a witness, and as what it may answer.
pub fn add_checkpoint(data: &[u8]) {
    let _ = read_lines(data);
    if let Ok(request) = AddCheckpoint::parse(data) {
        let again = AddCheckpoint::write(request.old, &request.proof, &request.note.to_bytes());
        assert_eq!(again, data, "a request has two spellings");
    }
}

pub fn policy(data: &[u8]) {
    if Policy::parse(data).is_ok() {
        assert!(Policy::parse_logs(data).is_ok());
    }
}

pub fn receipt(data: &[u8]) {
    if let Ok(receipt) = Receipt::parse(data) {
        assert_eq!(receipt.to_bytes(), data, "a receipt has two spellings");
    }
}

pub fn tile_path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(path) = TilePath::parse(text) {
        assert_eq!(path.to_string(), text, "the path of a tile has two spellings");
        assert!(!path.is_within(0));
    }
}

/// A zip that is read is the one that would be written; what is in it may be anything.
pub fn bundle(data: &[u8]) {
    if let Ok(files) = zip::read(data) {
        assert_eq!(zip::write(&files).as_deref(), Ok(data));
    }
    let _ = verify(data, &[], None);
}

pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(manifest) = Manifest::parse(text) {
        assert_eq!(manifest.text(), text);
    }
}
