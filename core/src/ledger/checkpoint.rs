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
        let text = self.text();
        note::assemble(&text, &[key.sign_text(&text)])
    }

    /// Reads a checkpoint without checking who signed it. Extension lines of others are tolerated.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Note), CheckpointError> {
        let note = Note::parse(bytes)?;
        let mut lines = note.text.split('\n');
        let (origin, size, root) = match (lines.next(), lines.next(), lines.next()) {
            (Some(origin), Some(size), Some(root)) if !origin.is_empty() => (origin, size, root),
            _ => return Err(CheckpointError::Form),
        };
        let size = decimal(size).ok_or(CheckpointError::Form)?;
        let root =
            STANDARD.decode(root).ok().and_then(|root| root.try_into().ok()).ok_or(CheckpointError::Form)?;
        Ok((Self { origin: origin.to_owned(), size, root }, note))
    }

    /// Reads a checkpoint that `key` signed; its name is the origin.
    pub fn verify(bytes: &[u8], key: &VKey) -> Result<Self, CheckpointError> {
        let (checkpoint, note) = Self::parse(bytes)?;
        if checkpoint.origin != key.name() {
            return Err(CheckpointError::WrongOrigin);
        }
        note.verify(std::slice::from_ref(key))?;
        Ok(checkpoint)
    }
}
