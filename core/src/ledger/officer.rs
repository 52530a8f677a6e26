//! An officer's own signature over a one-time key, so that nobody can repudiate what a one-time key signed.
//!
//! The statement stands in the body alone; the public entry shows a key that ties to nothing.

use crate::id::StreamId;
use crate::ledger::entry::decimal;
use crate::ledger::note::{Note, NoteError, assemble};
use crate::ledger::vkey::{SigningKey, VKey};
use crate::units::Revision;

/// `adit.v1 officer <origin>`, the one-time vkey, stream and revision; signed by the officer's lasting key.
fn text(origin: &str, one_time: &VKey, stream: StreamId, revision: Revision) -> String {
    format!("adit.v1 officer {origin}\n{one_time}\n{stream} {revision}\n")
}

/// The statement as a signed note.
pub fn write(
    officer: &SigningKey,
    origin: &str,
    one_time: &VKey,
    stream: StreamId,
    revision: Revision,
) -> String {
    let text = text(origin, one_time, stream, revision);
    String::from_utf8_lossy(&assemble(&text, &[officer.sign_text(&text)])).into_owned()
}

/// What a verified statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub officer: VKey,
    pub one_time: VKey,
    pub stream: StreamId,
    pub revision: Revision,
}

/// Reads a statement signed by one of `known`.
pub fn read(note: &str, origin: &str, known: &[VKey]) -> Result<Statement, NoteError> {
    let note = Note::parse(note.as_bytes())?;
    let officer = note.verify(known)?.into_iter().next().ok_or(NoteError::UnknownKeys)?;
    let parsed = parse(&note.text)
        .filter(|(one_time, stream, revision)| text(origin, one_time, *stream, *revision) == note.text);
    let (one_time, stream, revision) = parsed.ok_or(NoteError::NotText)?;
    Ok(Statement { officer, one_time, stream, revision })
}

fn parse(text: &str) -> Option<(VKey, StreamId, Revision)> {
    let mut lines = text.split('\n').skip(1);
    let one_time = lines.next()?.parse().ok()?;
    let (stream, revision) = lines.next()?.split_once(' ')?;
    Some((one_time, stream.parse().ok()?, Revision(decimal(revision)?)))
}
