//! Cosignatures, after C2SP tlog-cosignature: a witness's statement of the largest consistent tree that it saw by a moment.
//!
//! The Ed25519 form (`cosignature/v1`, key type 0x04) is made and checked here. Lines of the ML-DSA-44 form (0x06) are lines
//! by unknown keys: they stay in a note and count for nothing.

use std::fmt;

use zeroize::Zeroizing;

use crate::ledger::checkpoint::Checkpoint;
use crate::ledger::note::{Note, NoteError, SignatureLine};
use crate::ledger::vkey::{COSIGNATURE, KeyError, SigningKey, VKey};
use crate::units::Timestamp;

/// Bytes of a line's signature: eight of the time, 64 of Ed25519.
const SIGNATURE_BYTES: usize = 72;

/// That a witness vouches for a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    pub witness: VKey,
    /// When the witness signed, by its own clock.
    pub at: Timestamp,
}

/// A witness's private key. It signs checkpoints of others and nothing else, so it is a type of its own.
#[derive(Clone)]
pub struct WitnessKey {
    key: SigningKey,
    vkey: VKey,
}

impl WitnessKey {
    /// A fresh key from the operating system's randomness.
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        Self::of(SigningKey::generate(name)?)
    }

    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::of(SigningKey::from_seed(name, seed)?)
    }

    fn of(key: SigningKey) -> Result<Self, KeyError> {
        let vkey = VKey::new(key.name(), COSIGNATURE, *key.vkey().key()).ok_or(KeyError)?;
        Ok(Self { key, vkey })
    }

    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        self.key.seed()
    }

    pub fn name(&self) -> &str {
        self.vkey.name()
    }

    pub fn vkey(&self) -> &VKey {
        &self.vkey
    }

    /// Cosigns the text of a checkpoint. `None` for a moment before 1970, which the format can't write, and for a text that
    /// is no checkpoint's: `cosignature/v1` does not tell texts apart, so nothing else is ever signed with this key.
    pub fn cosign(&self, text: &str, at: Timestamp) -> Option<SignatureLine> {
        Checkpoint::parse_text(text)?;
        let seconds = u64::try_from(at.0).ok()?;
        let mut signature = seconds.to_be_bytes().to_vec();
        signature.extend_from_slice(&self.key.sign_bytes(message(text, seconds).as_bytes()));
        Some(SignatureLine { name: self.name().to_owned(), id: self.vkey.id(), signature })
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WitnessKey").field(&self.name()).finish()
    }
}

/// What is signed: two lines, then the whole text of the checkpoint.
fn message(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

/// The moment at which `witness` cosigned `text`; `None` when the line is not its good cosignature.
pub fn verified(text: &str, line: &SignatureLine, witness: &VKey) -> Option<Timestamp> {
    if witness.kind() != COSIGNATURE || !line.is_by(witness) || line.signature.len() != SIGNATURE_BYTES {
        return None;
    }
    let (time, signature) = line.signature.split_first_chunk::<8>()?;
    let seconds = u64::from_be_bytes(*time);
    let at = Timestamp(i64::try_from(seconds).ok()?);
    witness.verifies(message(text, seconds).as_bytes(), signature).then_some(at)
}

/// The cosignatures of `witnesses` on a note, in the note's order. Lines by other keys are ignored; a line of a known witness
/// that does not verify refuses the note whole, as signed-note asks.
pub fn cosignatures(note: &Note, witnesses: &[VKey]) -> Result<Vec<Cosignature>, NoteError> {
    let mut found = Vec::new();
    for line in &note.signatures {
        if let Some(witness) = witnesses.iter().find(|witness| line.is_by(witness)) {
            let at = verified(&note.text, line, witness).ok_or(NoteError::BadSignature)?;
            found.push(Cosignature { witness: witness.clone(), at });
        }
    }
    Ok(found)
}
