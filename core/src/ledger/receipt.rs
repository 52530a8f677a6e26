//! Receipts, after C2SP tlog-proof: that an entry stands in the log, provable offline with the log's key alone.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64 of the entry, byte for byte>
//! index <position>
//! <inclusion proof, one base64 hash a line, from the leaf's sibling up>
//!
//! <the checkpoint, a signed note>
//! ```
//!
//! The format does not vouch for `extra`; the reader computes the leaf from it, so that a changed entry leads to another
//! root. A receipt proves that an entry exists, not who holds the receipt.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::ledger::checkpoint::{Checkpoint, CheckpointError};
use crate::ledger::entry::{EntryError, SignedEntry, decimal};
use crate::ledger::merkle::{Hash, leaf_hash, root_of_inclusion};
use crate::ledger::note::{NOTE_BYTES_MAX, Note, NoteError};
use crate::ledger::vkey::VKey;
use crate::units::Position;

/// The first line.
const HEAD: &str = "c2sp.org/tlog-proof@v1";
/// Most hashes of a proof: the height of the highest tree.
const HASHES_MAX: usize = 64;
/// Most bytes of a receipt: the longest entry in base64, the longest proof, the longest checkpoint.
pub const RECEIPT_BYTES_MAX: usize = 160 * 1024;

/// An entry with the proof that it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The signed note, byte for byte.
    pub entry: Vec<u8>,
    pub position: Position,
    /// From the leaf's sibling up.
    pub proof: Vec<Hash>,
    /// The signed checkpoint, byte for byte.
    pub checkpoint: Vec<u8>,
}

/// Why bytes are not a receipt, or prove nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    #[error("the receipt is longer than {RECEIPT_BYTES_MAX} bytes")]
    TooLong,
    #[error("this is not a receipt: its first line is not `{HEAD}`, or it is not text")]
    NotAReceipt,
    #[error("the receipt does not carry its entry in the line `extra`")]
    NoEntry,
    #[error("line {0} of the receipt is not what the format asks for")]
    Line(usize),
    #[error("the receipt's entry can't be read: {0}")]
    Entry(#[from] EntryError),
    #[error("the receipt's checkpoint can't be trusted: {0}")]
    Checkpoint(#[from] CheckpointError),
    #[error("the entry, its position or the proof were changed: they do not lead to the checkpoint's root")]
    WrongRoot,
    #[error("the entry was written for another log than the checkpoint's")]
    OtherLog,
    #[error("the checkpoint is signed only by keys that the log had ended before, or did not have yet")]
    KeyEnded,
}

impl ReceiptError {
    /// Key of the words in both languages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "receipt.too_long",
            Self::NotAReceipt => "receipt.not_a_receipt",
            Self::NoEntry => "receipt.no_entry",
            Self::Line(..) => "receipt.form",
            Self::Entry(..) => "receipt.entry",
            Self::Checkpoint(CheckpointError::WrongOrigin) | Self::OtherLog => "receipt.other_log",
            Self::Checkpoint(CheckpointError::Note(NoteError::BadSignature | NoteError::UnknownKeys)) => {
                "receipt.signature"
            }
            Self::Checkpoint(..) => "receipt.checkpoint",
            Self::WrongRoot => "receipt.wrong_root",
            Self::KeyEnded => "receipt.key_ended",
        }
    }
}

/// What a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    pub entry: SignedEntry,
    pub position: Position,
    pub checkpoint: Checkpoint,
    /// The checkpoint's note, with every signature line.
    pub note: Note,
    /// The log's keys that signed the checkpoint.
    pub signed_by: Vec<VKey>,
}

impl Receipt {
    /// The bytes of the file `<position>.tlog-proof`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let entry = STANDARD.encode(&self.entry);
        let mut text =
            String::with_capacity(entry.len() + self.proof.len() * 45 + self.checkpoint.len() + 64);
        // Writing to a string can't fail.
        let _ = write!(text, "{HEAD}\nextra {entry}\nindex {}\n", self.position);
        for hash in &self.proof {
            let _ = writeln!(text, "{}", STANDARD.encode(hash));
        }
        text.push('\n');
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.checkpoint);
        bytes
    }

    /// Reads a receipt in its one spelling. Nothing is verified yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(ReceiptError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ReceiptError::NotAReceipt)?;
        let rest = text.strip_prefix(HEAD).and_then(|rest| rest.strip_prefix('\n'));
        let rest = rest.ok_or(ReceiptError::NotAReceipt)?;
        let (extra, rest) = rest.split_once('\n').ok_or(ReceiptError::NoEntry)?;
        let extra = extra.strip_prefix("extra ").ok_or(ReceiptError::NoEntry)?;
        let entry = STANDARD.decode(extra).map_err(|_| ReceiptError::Line(2))?;
        let (index, mut rest) = rest.split_once('\n').ok_or(ReceiptError::Line(3))?;
        let position = index.strip_prefix("index ").and_then(decimal).ok_or(ReceiptError::Line(3))?;
        let mut proof = Vec::new();
        loop {
            let at = proof.len() + 4;
            let (line, after) = rest.split_once('\n').ok_or(ReceiptError::Line(at))?;
            rest = after;
            if line.is_empty() {
                break;
            }
            let hash = STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok());
            proof.push(hash.filter(|_| proof.len() < HASHES_MAX).ok_or(ReceiptError::Line(at))?);
        }
        if entry.len() > NOTE_BYTES_MAX {
            return Err(ReceiptError::TooLong);
        }
        let checkpoint = rest.as_bytes().to_vec();
        Checkpoint::parse(&checkpoint)?;
        Ok(Self { entry, position: Position(position), proof, checkpoint })
    }

    /// Checks everything that the receipt can prove to somebody who knows the log's keys alone, all of one name: the
    /// checkpoint is signed by one of them, and the entry stands in its tree.
    pub fn verify(&self, log: &[VKey]) -> Result<Proven, ReceiptError> {
        let (checkpoint, note) = Checkpoint::parse(&self.checkpoint)?;
        if !log.iter().any(|key| key.name() == checkpoint.origin) {
            return Err(CheckpointError::WrongOrigin.into());
        }
        let signed_by = note.verify(log).map_err(CheckpointError::from)?;
        let leaf = leaf_hash(&self.entry);
        let root = root_of_inclusion(leaf, self.position.0, checkpoint.size, &self.proof);
        if root != Some(checkpoint.root) {
            return Err(ReceiptError::WrongRoot);
        }
        let entry = SignedEntry::parse(&self.entry)?;
        if entry.entry().origin != checkpoint.origin {
            return Err(ReceiptError::OtherLog);
        }
        Ok(Proven { entry, position: self.position, checkpoint, note, signed_by })
    }
}
