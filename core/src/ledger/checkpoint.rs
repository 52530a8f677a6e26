//! Checkpoints, after C2SP tlog-checkpoint: origin, size, base64 root, signed by the log's key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::ledger::entry::decimal;
use crate::ledger::merkle::Hash;
use crate::ledger::note::{self, Note, NoteError};
use crate::ledger::vkey::{SigningKey, VKey};

/// The state of the tree that the log vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

/// Why bytes are not a checkpoint to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("the checkpoint is not a signed note: {0}")]
    Note(#[from] NoteError),
    #[error("the checkpoint's text is not origin, size and root")]
    Form,
    #[error("the checkpoint is of another log")]
    WrongOrigin,
}

impl Checkpoint {
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The signed note.
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        self.sign_by(&[key])
    }

    /// The note with a signature by each of `keys`, in their order.
    pub fn sign_by(&self, keys: &[&SigningKey]) -> Vec<u8> {
        let text = self.text();
        let lines: Vec<_> = keys.iter().map(|key| key.sign_text(&text)).collect();
        note::assemble(&text, &lines)
    }

    /// Reads a checkpoint without checking who signed it. Extension lines of others are tolerated.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Note), CheckpointError> {
        let note = Note::parse(bytes)?;
        let checkpoint = Self::parse_text(&note.text).ok_or(CheckpointError::Form)?;
        Ok((checkpoint, note))
    }

    /// Reads the text of a checkpoint, without its signatures; `None` for any other text.
    pub fn parse_text(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        // What stands after the last newline is nothing; whoever reads the note made sure of that newline.
        lines.next()?;
        let (size, root) = (decimal(size)?, STANDARD.decode(root).ok()?.try_into().ok()?);
        (!origin.is_empty()).then(|| Self { origin: origin.to_owned(), size, root })
    }

    /// Reads a checkpoint that `key` signed; its name is the origin.
    pub fn verify(bytes: &[u8], key: &VKey) -> Result<Self, CheckpointError> {
        Self::verify_any(bytes, std::slice::from_ref(key))
    }

    /// Reads a checkpoint that at least one of `keys` signed, all of which have the origin as their name.
    pub fn verify_any(bytes: &[u8], keys: &[VKey]) -> Result<Self, CheckpointError> {
        let (checkpoint, note) = Self::parse(bytes)?;
        if keys.iter().any(|key| checkpoint.origin != key.name()) {
            return Err(CheckpointError::WrongOrigin);
        }
        note.verify(keys)?;
        Ok(checkpoint)
    }
}
