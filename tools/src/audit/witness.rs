//! The witnesses' view (C2SP tlog-witness, monitor retrieval): `GET <prefix>/<SHA-256 of the origin>/checkpoint`.
//!
//! A log that shows the witness another tree than us is caught by two signed notes.

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::merkle::Hash;
use adit_core::ledger::vkey::{COSIGNATURE, VKey, hex};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::source::{NOTE_BYTES_MAX, Source, TILE_BYTES_MAX, Unreachable, agent, fetch, tile_path};
use super::state::{State, Violation};
use super::tree::WIDTH;
use super::words::Code;

/// A witness that is asked.
pub(super) struct Witness {
    /// Its monitoring prefix.
    pub(super) url: String,
    pub(super) key: VKey,
}

/// What a witness says.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Witnessed {
    pub(super) name: String,
    /// Size that it cosigned last.
    pub(super) size: Option<u64>,
    pub(super) state: &'static str,
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
}

impl Witnessed {
    fn new(name: &str, size: Option<u64>, state: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self { name: name.to_owned(), size, state, zh, en }
    }
}

/// Asks every witness. One that can't be reached is no fault of the log.
pub(super) fn ask(source: &Source, state: &mut State, witnesses: &[Witness]) -> Vec<Witnessed> {
    witnesses.iter().map(|witness| one(source, state, witness)).collect()
}

fn one(source: &Source, state: &mut State, witness: &Witness) -> Witnessed {
    let name = witness.key.name();
    let origin: [u8; 32] = Sha256::digest(state.origin.as_bytes()).into();
    let url = format!("{}/{}/checkpoint", witness.url.trim_end_matches('/'), hex(&origin));
    let note = match fetch(&agent(), &url, NOTE_BYTES_MAX) {
        Err(_) => return Witnessed::new(name, None, "unreachable", "无法访问", "can't be reached"),
        Ok(None) => {
            return Witnessed::new(name, None, "nothing", "尚未见证本台账", "has not seen this log yet");
        }
        Ok(Some(note)) => note,
    };
    let Some(seen) = cosigned(&note, state, &witness.key) else {
        let mut fault = Violation::new(Code::WitnessForm, name).in_file(url);
        fault.evidence = vec![String::from_utf8_lossy(&note).into_owned()];
        state.violation(fault);
        return Witnessed::new(
            name,
            None,
            "refused",
            "给出的不是其签署的检查点",
            "shows nothing that it cosigned",
        );
    };
    let size = Some(seen.size);
    if seen.size > state.tree.size() {
        return Witnessed::new(name, size, "ahead", "所见比此处新", "has seen more than is served here");
    }
    match root_at(source, state, seen.size) {
        Ok(Some(root)) if root == seen.root => {
            Witnessed::new(name, size, "agrees", "所见与此处一致", "saw the same tree")
        }
        Ok(_) => {
            let mut fault = Violation::new(Code::WitnessFork, format!("size {}", seen.size)).in_file(url);
            fault.evidence = [&state.checkpoint[..], &note]
                .map(|note| String::from_utf8_lossy(note).into_owned())
                .to_vec();
            state.violation(fault);
            Witnessed::new(name, size, "contradicts", "所见与此处不同", "saw another tree")
        }
        Err(_) => {
            Witnessed::new(name, size, "unknown", "无法比对", "can't be compared: a tile can't be reached")
        }
    }
}

/// The checkpoint of a note that both the log and the witness signed. By which keys the log signs what is ahead of us, only the
/// entries in between can tell.
fn cosigned(note: &[u8], state: &State, witness: &VKey) -> Option<Checkpoint> {
    let (checkpoint, note) = Checkpoint::parse(note).ok()?;
    let ahead = checkpoint.size > state.tree.size();
    let signed = ahead || note.verify(&state.log_keys_at(checkpoint.size)).is_ok();
    if checkpoint.origin != state.origin || !signed {
        return None;
    }
    let line = note.signatures.iter().find(|line| line.is_by(witness))?;
    let valid = if witness.kind() == COSIGNATURE {
        // C2SP tlog-cosignature: eight bytes of time, then the signature over a header with it and the text.
        let (time, signature) = line.signature.split_first_chunk::<8>()?;
        let message = format!("cosignature/v1\ntime {}\n{}", u64::from_be_bytes(*time), note.text);
        witness.verifies(message.as_bytes(), signature)
    } else {
        witness.verifies(note.text.as_bytes(), &line.signature)
    };
    valid.then_some(checkpoint)
}

/// The root of our tree at an earlier size.
fn root_at(source: &Source, state: &State, size: u64) -> Result<Option<Hash>, Unreachable> {
    let (index, rest) = (size / WIDTH as u64, usize::try_from(size % WIDTH as u64).unwrap_or(0));
    let leaves = if rest == 0 {
        Vec::new()
    } else if state.tree.over_tile(index).is_none() {
        state.tree.edge().to_vec()
    } else {
        let bytes = source.get(&tile_path("0", index, WIDTH as u64), TILE_BYTES_MAX)?.unwrap_or_default();
        super::check::hashes(&bytes, WIDTH).unwrap_or_default()
    };
    Ok(leaves.get(..rest).map(|edge| state.tree.root_at(size, edge)))
}
