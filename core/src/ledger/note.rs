//! Signed notes, after C2SP signed-note: a text, a blank line, and one line for each signature.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::ledger::vkey::{KeyId, VKey, is_name};

/// Most signature lines of one note.
pub const SIGNATURES_MAX: usize = 16;
/// Most bytes of one note; a leaf of the log holds at most this.
pub const NOTE_BYTES_MAX: usize = 65_535;

/// `— <name> <base64(key id || signature)>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    pub name: String,
    pub id: KeyId,
    /// 64 bytes for Ed25519; other types may be longer.
    pub signature: Vec<u8>,
}

impl SignatureLine {
    /// Whether `key` is the one that this line names.
    pub fn is_by(&self, key: &VKey) -> bool {
        self.name == key.name() && self.id == key.id()
    }
}

/// A text with its signatures. The text ends with a newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub text: String,
    pub signatures: Vec<SignatureLine>,
}

/// Why bytes are not a note, or not one to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("the note is longer than {NOTE_BYTES_MAX} bytes")]
    TooLong,
    #[error("the note is not UTF-8, or holds a control character")]
    NotText,
    #[error("the note has no blank line between text and signatures, or does not end with a newline")]
    NoSignatures,
    #[error("a signature line is not `— <name> <canonical base64>`")]
    BadLine,
    #[error("the note has more than {SIGNATURES_MAX} signatures, or two by the same key")]
    BadCount,
    #[error("a signature by a known key does not verify")]
    BadSignature,
    #[error("no signature is by a known key")]
    UnknownKeys,
}

impl Note {
    /// Reads a note in its one spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        Self::parse_within(bytes, NOTE_BYTES_MAX)
    }

    /// The same for a note that is no leaf of the log and may be longer.
    pub(crate) fn parse_within(bytes: &[u8], bytes_max: usize) -> Result<Self, NoteError> {
        let (text, signatures) = read_within(bytes, bytes_max)?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        assemble(&self.text, &self.signatures)
    }

    /// Checks every signature by a key of `known`, and that there is one. Unknown keys are ignored; a failing
    /// signature of a known key refuses the note whole. Gives back the keys that signed.
    pub fn verify(&self, known: &[VKey]) -> Result<Vec<VKey>, NoteError> {
        let mut signers = Vec::new();
        for line in &self.signatures {
            let Some(key) = known.iter().find(|key| line.is_by(key)) else {
                continue;
            };
            if !key.verifies(self.text.as_bytes(), &line.signature) {
                return Err(NoteError::BadSignature);
            }
            signers.push(key.clone());
        }
        if signers.is_empty() { Err(NoteError::UnknownKeys) } else { Ok(signers) }
    }
}

/// Text and signature lines of a note.
pub(crate) fn read(bytes: &[u8]) -> Result<(&str, Vec<SignatureLine>), NoteError> {
    read_within(bytes, NOTE_BYTES_MAX)
}

fn read_within(bytes: &[u8], bytes_max: usize) -> Result<(&str, Vec<SignatureLine>), NoteError> {
    if bytes.len() > bytes_max {
        return Err(NoteError::TooLong);
    }
    let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
    // Bytes of longer characters are not ASCII, so bytes tell control characters as well as characters do.
    if bytes.iter().any(|byte| byte.is_ascii_control() && *byte != b'\n') {
        return Err(NoteError::NotText);
    }
    let text = text_of(whole).ok_or(NoteError::NoSignatures)?;
    let lines = whole[text.len() + 1..].strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
    let mut signatures: Vec<SignatureLine> = Vec::new();
    for line in lines.split('\n') {
        let parsed = parse_line(line)?;
        let twice = signatures.iter().any(|s| s.name == parsed.name && s.id == parsed.id);
        if twice || signatures.len() == SIGNATURES_MAX {
            return Err(NoteError::BadCount);
        }
        signatures.push(parsed);
    }
    Ok((text, signatures))
}

/// What stands before the last blank line, with its newline.
pub(crate) fn text_of(note: &str) -> Option<&str> {
    let end = note.as_bytes().windows(2).rposition(|pair| pair == b"\n\n")?;
    note.get(..=end)
}

/// The bytes of a note.
pub fn assemble(text: &str, signatures: &[SignatureLine]) -> Vec<u8> {
    let mut note = String::with_capacity(text.len() + 1 + signatures.len() * 200);
    note.push_str(text);
    note.push('\n');
    for line in signatures {
        let mut bytes = line.id.to_vec();
        bytes.extend_from_slice(&line.signature);
        // Writing to a string can't fail.
        let _ = writeln!(note, "\u{2014} {} {}", line.name, STANDARD.encode(bytes));
    }
    note.into_bytes()
}

fn parse_line(line: &str) -> Result<SignatureLine, NoteError> {
    let rest = line.strip_prefix("\u{2014} ").ok_or(NoteError::BadLine)?;
    let (name, encoded) = rest.split_once(' ').ok_or(NoteError::BadLine)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::BadLine)?;
    let (id, signature) = bytes.split_first_chunk::<4>().ok_or(NoteError::BadLine)?;
    if !is_name(name) || signature.is_empty() {
        return Err(NoteError::BadLine);
    }
    Ok(SignatureLine { name: name.to_owned(), id: *id, signature: signature.to_vec() })
}
