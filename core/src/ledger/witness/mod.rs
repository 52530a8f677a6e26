//! What a witness decides, after C2SP tlog-witness (`add-checkpoint`): state and request in, decision out. No I/O, no clock.
//!
//! Whoever carries a decision out writes the new state to disk before the cosignature leaves, and holds the state of one log
//! from the decision until then, so that two requests can't pass each other.

pub mod keeper;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::decider::refusals;
use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::cosignature::{self, WitnessKey};
use crate::ledger::entry::decimal;
use crate::ledger::merkle::{Hash, check_consistency, empty_root};
use crate::ledger::note::{NOTE_BYTES_MAX, Note, SignatureLine, assemble};
use crate::ledger::vkey::VKey;
use crate::units::Timestamp;

/// Most hashes of a consistency proof.
pub const PROOF_HASHES_MAX: usize = 63;
/// Most bytes of a request: the longest note, and the longest proof before it.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + 64 * (PROOF_HASHES_MAX + 1);
/// Trees are not larger; a proof has no room for more.
const SIZE_MAX: u64 = i64::MAX as u64;

refusals! {
    /// Why a witness does not cosign.
    WitnessRefusal {
        /// Not a request of this form, or larger than one may be.
        Malformed = "witness.malformed",
        OldLarger = "witness.old_larger",
        UnknownLog = "witness.unknown_log",
        BadSignature = "witness.bad_signature",
        Stale = "witness.stale",
        Inconsistent = "witness.inconsistent",
        /// The clock stands before the last cosignature.
        ClockBehind = "witness.clock_behind",
        NotWritten = "witness.not_written",
        NothingYet = "witness.nothing_yet",
    }
}

/// A request to cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the tree that the witness is thought to have cosigned last.
    pub old: u64,
    pub proof: Vec<Hash>,
    pub checkpoint: Checkpoint,
    pub note: Note,
}

impl AddCheckpoint {
    /// Reads a request in its one spelling.
    pub fn parse(body: &[u8]) -> Result<Self, WitnessRefusal> {
        Self::read(body).ok_or(WitnessRefusal::Malformed)
    }

    fn read(body: &[u8]) -> Option<Self> {
        if body.len() > REQUEST_BYTES_MAX {
            return None;
        }
        let (old, mut rest) = split_line(body)?;
        let old = decimal(old.strip_prefix("old ")?).filter(|old| *old <= SIZE_MAX)?;
        let mut proof = Vec::new();
        loop {
            let (line, after) = split_line(rest)?;
            rest = after;
            if line.is_empty() {
                break;
            }
            if proof.len() == PROOF_HASHES_MAX {
                return None;
            }
            proof.push(STANDARD.decode(line).ok()?.try_into().ok()?);
        }
        let (checkpoint, note) = Checkpoint::parse(rest).ok()?;
        let whole = checkpoint.size <= SIZE_MAX && !note.text.contains("\n\n");
        whole.then_some(Self { old, proof, checkpoint, note })
    }

    /// The request for a checkpoint, given as a signed note.
    pub fn write(old: u64, proof: &[Hash], note: &[u8]) -> Vec<u8> {
        let mut body = format!("old {old}\n");
        for hash in proof {
            body.push_str(&STANDARD.encode(hash));
            body.push('\n');
        }
        body.push('\n');
        let mut body = body.into_bytes();
        body.extend_from_slice(note);
        body
    }
}

/// A line without its newline, and what follows.
fn split_line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

/// The checkpoint that a witness cosigned last for a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub checkpoint: Checkpoint,
    /// When it was cosigned; a later cosignature has no earlier time.
    pub at: Timestamp,
    /// With the log's lines and the witness's own.
    pub note: Vec<u8>,
}

impl Held {
    /// Reads what was kept: a checkpoint of `origin` that this witness cosigned. `None` for anything else: a witness that has
    /// lost its memory must not go on as if it had seen nothing.
    pub fn read(note: &[u8], origin: &str, witness: &VKey) -> Option<Self> {
        let (checkpoint, parsed) = Checkpoint::parse(note).ok()?;
        let at =
            parsed.signatures.iter().find_map(|line| cosignature::verified(&parsed.text, line, witness))?;
        (checkpoint.origin == origin).then(|| Self { checkpoint, at, note: note.to_vec() })
    }
}

/// What follows from a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Keep this, durably, then answer with the line.
    Cosign {
        held: Held,
        line: SignatureLine,
    },
    /// The proof has to begin at another size: the one that was cosigned last, 0 for none.
    Stale {
        size: u64,
        fork: bool,
    },
    /// The log's own signature is on a tree that is not shown to extend the one cosigned before. `fork` when that alone shows
    /// two trees of one size; else the proof may just be a bad one. Keep both notes.
    Inconsistent {
        fork: bool,
    },
    Refuse(WitnessRefusal),
}

/// Decides in the order of the specification. `log_keys` are the keys trusted for the checkpoint's origin.
pub fn decide(
    key: &WitnessKey,
    log_keys: &[VKey],
    held: Option<&Held>,
    request: &AddCheckpoint,
    now: Timestamp,
) -> Decision {
    let AddCheckpoint { old, proof, checkpoint, note } = request;
    if log_keys.is_empty() {
        return Decision::Refuse(WitnessRefusal::UnknownLog);
    }
    let Ok(signers) = note.verify(log_keys) else {
        return Decision::Refuse(WitnessRefusal::BadSignature);
    };
    if *old > checkpoint.size {
        return Decision::Refuse(WitnessRefusal::OldLarger);
    }
    let (size, root) = held.map_or((0, empty_root()), |held| (held.checkpoint.size, held.checkpoint.root));
    let fork = checkpoint.size == size && checkpoint.root != root;
    if *old != size {
        return Decision::Stale { size, fork };
    }
    if !check_consistency(size, &root, checkpoint.size, &checkpoint.root, proof) {
        return Decision::Inconsistent { fork };
    }
    if held.is_some_and(|held| now < held.at) {
        return Decision::Refuse(WitnessRefusal::ClockBehind);
    }
    let Some(line) = key.cosign(&note.text, now) else {
        return Decision::Refuse(WitnessRefusal::ClockBehind);
    };
    // Lines by keys that nobody here knows are not handed on under this witness's name.
    let logs = note.signatures.iter().filter(|line| signers.iter().any(|signer| line.is_by(signer)));
    let lines: Vec<SignatureLine> = logs.cloned().chain([line.clone()]).collect();
    let kept = assemble(&note.text, &lines);
    Decision::Cosign { held: Held { checkpoint: checkpoint.clone(), at: now, note: kept }, line }
}

/// A signature line by itself, as a witness answers with it.
pub fn line_bytes(line: &SignatureLine) -> Vec<u8> {
    let mut bytes = assemble("", std::slice::from_ref(line));
    // The blank line that would stand before it in a note.
    bytes.remove(0);
    bytes
}

/// What a witness answered: signature lines, each as in a note, without repeating a key.
pub fn read_lines(answer: &[u8]) -> Option<Vec<SignatureLine>> {
    let note = Note::parse(&[b"\n\n", answer].concat()).ok()?;
    (note.text == "\n").then_some(note.signatures)
}
