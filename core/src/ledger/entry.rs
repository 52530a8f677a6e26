//! Entry: one event, one signed note, one leaf (`adit.v1`).
//!
//! ```text
//! adit.v1 <origin>
//! <stream> <revision> <kind>
//! <day of signing in Asia/Shanghai>
//! seen <size> <root> <SHA-256 of the published checkpoint's note>
//! prev <BLAKE3 of the previous entry's text in the stream, or ->
//! body <BLAKE3 of the body's bytes>
//! <further lines: key, recipient, grant, revoke, end, clock, extend, stop>
//!
//! — <signatures>
//! ```

use std::fmt::{self, Write as _};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::id::StreamId;
use crate::ledger::merkle::{Hash, empty_root, leaf_hash};
use crate::ledger::note::{self, NoteError, SignatureLine};
use crate::ledger::vkey::{SigningKey, VKey};
use crate::role::Role;
use crate::units::{Day, Position, Revision};

/// Most further lines of one entry.
const LINES_MAX: usize = 64;

/// A public line of an entry after its body hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Introduces a signing key.
    Key(VKey),
    /// The age recipient of a key's holder.
    Recipient {
        key: VKey,
        age: String,
    },
    Grant {
        role: Role,
        key: VKey,
    },
    Revoke {
        role: Role,
        key: VKey,
    },
    /// Ends a key: `last` is its last valid position.
    End {
        key: VKey,
        last: Position,
    },
    /// A public statutory deadline starts.
    Clock {
        name: String,
        due: Day,
    },
    /// A public statutory deadline is moved.
    Extend {
        name: String,
        until: Day,
    },
    /// A public statutory deadline is met.
    Stop {
        name: String,
    },
}

impl Line {
    /// Place of this kind of line among the others.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Key(_) => 0,
            Self::Recipient { .. } => 1,
            Self::Grant { .. } => 2,
            Self::Revoke { .. } => 3,
            Self::End { .. } => 4,
            Self::Clock { .. } => 5,
            Self::Extend { .. } => 6,
            Self::Stop { .. } => 7,
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let word = words.next()?;
        let (first, second) = (words.next()?, words.next());
        if words.next().is_some() {
            return None;
        }
        Some(match (word, second) {
            ("key", None) => Self::Key(first.parse().ok()?),
            ("recipient", Some(age)) if is_age_recipient(age) => {
                Self::Recipient { key: first.parse().ok()?, age: age.to_owned() }
            }
            ("grant", Some(key)) => Self::Grant { role: first.parse().ok()?, key: key.parse().ok()? },
            ("revoke", Some(key)) => Self::Revoke { role: first.parse().ok()?, key: key.parse().ok()? },
            ("end", Some(last)) => Self::End { key: first.parse().ok()?, last: Position(decimal(last)?) },
            ("clock", Some(due)) => Self::Clock { name: clock_name(first)?, due: due.parse().ok()? },
            ("extend", Some(until)) => Self::Extend { name: clock_name(first)?, until: until.parse().ok()? },
            ("stop", None) => Self::Stop { name: clock_name(first)? },
            _ => return None,
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "key {key}"),
            Self::Recipient { key, age } => write!(f, "recipient {key} {age}"),
            Self::Grant { role, key } => write!(f, "grant {role} {key}"),
            Self::Revoke { role, key } => write!(f, "revoke {role} {key}"),
            Self::End { key, last } => write!(f, "end {key} {last}"),
            Self::Clock { name, due } => write!(f, "clock {name} {due}"),
            Self::Extend { name, until } => write!(f, "extend {name} {until}"),
            Self::Stop { name } => write!(f, "stop {name}"),
        }
    }
}

/// Whether `text` has the form of an age X25519 recipient: `age1` and 58 characters of bech32.
pub fn is_age_recipient(text: &str) -> bool {
    let bech32 = |b: u8| b"qpzry9x8gf2tvdw0s3jn54khce6mua7l".contains(&b);
    text.len() == 62 && text.strip_prefix("age1").is_some_and(|rest| rest.bytes().all(bech32))
}

/// Clock names are 1 to 32 lower-case letters and underscores.
fn clock_name(text: &str) -> Option<String> {
    let fits = (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    fits.then(|| text.to_owned())
}

/// A decimal without sign and leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || (!text.starts_with('0') && !text.is_empty());
    (canonical && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The last published checkpoint that the signer saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub size: u64,
    pub root: Hash,
    /// SHA-256 of the published note with its cosignatures; none before anything was published.
    pub note: Option<Hash>,
}

impl Seen {
    /// Nothing was published yet.
    pub fn nothing() -> Self {
        Self { size: 0, root: empty_root(), note: None }
    }
}

/// What an entry says; see the module's documentation for its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub origin: String,
    pub stream: StreamId,
    pub revision: Revision,
    /// `<stream kind>.<event>`.
    pub kind: String,
    pub day: Day,
    pub seen: Seen,
    /// BLAKE3 of the previous entry's text; none at revision 0.
    pub prev: Option<Hash>,
    /// BLAKE3 of the body's bytes.
    pub body: Hash,
    pub lines: Vec<Line>,
}

/// Why bytes are not an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error("the entry is not a signed note: {0}")]
    Note(#[from] NoteError),
    #[error("line {0} of the entry is not what the format asks for")]
    Line(usize),
    #[error("the entry is not in its one spelling")]
    NotCanonical,
    #[error("a signature does not verify, or its key is not known")]
    BadSignature,
}

impl Entry {
    /// The text that is signed, up to and with the newline before the blank line.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(512);
        let note = self.seen.note.map_or_else(|| "-".to_owned(), |note| STANDARD.encode(note));
        let prev = self.prev.map_or_else(|| "-".to_owned(), |prev| STANDARD.encode(prev));
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "adit.v1 {}\n{} {} {}\n{}\nseen {} {} {}\nprev {}\nbody {}\n",
            self.origin,
            self.stream,
            self.revision,
            self.kind,
            self.day,
            self.seen.size,
            STANDARD.encode(self.seen.root),
            note,
            prev,
            STANDARD.encode(self.body),
        );
        for line in &self.lines {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// BLAKE3 of the text: what the next entry of the stream names as `prev`.
    pub fn text_hash(&self) -> Hash {
        *blake3::hash(self.text().as_bytes()).as_bytes()
    }

    /// Reads the signed text in its one spelling.
    pub fn parse_text(text: &str) -> Result<Self, EntryError> {
        let entry = Self::read_text(text)?;
        // Every part has one spelling; this keeps it so when a part is added.
        if entry.text() == text { Ok(entry) } else { Err(EntryError::NotCanonical) }
    }

    /// Reads the text of an entry that this ledger took over before, and so has checked.
    pub(crate) fn of_stored(note: &[u8]) -> Result<Self, EntryError> {
        let note = std::str::from_utf8(note).map_err(|_| NoteError::NotText)?;
        Self::read_text(note::text_of(note).ok_or(NoteError::NoSignatures)?)
    }

    fn read_text(text: &str) -> Result<Self, EntryError> {
        let mut lines = text.split_inclusive('\n').enumerate();
        let mut next = |prefix: &'static str| -> Result<(usize, &str), EntryError> {
            let (index, line) = lines.next().ok_or(EntryError::Line(0))?;
            let line = line.strip_suffix('\n').ok_or(EntryError::Line(index + 1))?;
            Ok((index + 1, line.strip_prefix(prefix).ok_or(EntryError::Line(index + 1))?))
        };
        let (_, origin) = next("adit.v1 ")?;
        let (at, head) = next("")?;
        let (stream, revision, kind) = parse_head(head).ok_or(EntryError::Line(at))?;
        let (at, day) = next("")?;
        let day = day.parse().map_err(|_| EntryError::Line(at))?;
        let (at, seen) = next("seen ")?;
        let seen = parse_seen(seen).ok_or(EntryError::Line(at))?;
        let (at, prev) = next("prev ")?;
        let prev = if prev == "-" { None } else { Some(hash(prev).ok_or(EntryError::Line(at))?) };
        if prev.is_none() != (revision == Revision(0)) {
            return Err(EntryError::Line(at));
        }
        let (at, body) = next("body ")?;
        let body = hash(body).ok_or(EntryError::Line(at))?;
        let (origin, kind) = (origin.to_owned(), kind.to_owned());
        let lines = parse_lines(lines)?;
        Ok(Self { origin, stream, revision, kind, day, seen, prev, body, lines })
    }

    /// Signs with each key, in order.
    pub fn sign(self, keys: &[&SigningKey]) -> Result<SignedEntry, EntryError> {
        let text = self.text();
        let signatures: Vec<_> = keys.iter().map(|key| key.sign_text(&text)).collect();
        let bytes = note::assemble(&text, &signatures);
        if signatures.is_empty() || bytes.len() > note::NOTE_BYTES_MAX {
            return Err(NoteError::TooLong.into());
        }
        let text_hash = *blake3::hash(text.as_bytes()).as_bytes();
        Ok(SignedEntry { bytes, text: text.len(), entry: self, signatures, text_hash })
    }
}

/// Stream and revision of a stored entry, without reading the rest.
pub(crate) fn place_of(note: &[u8]) -> Option<(StreamId, Revision)> {
    let head = note.split(|byte| *byte == b'\n').nth(1)?;
    let (stream, revision, _) = parse_head(std::str::from_utf8(head).ok()?)?;
    Some((stream, revision))
}

fn parse_head(line: &str) -> Option<(StreamId, Revision, &str)> {
    let mut words = line.split(' ');
    let stream: StreamId = words.next()?.parse().ok()?;
    let revision = Revision(decimal(words.next()?)?);
    let kind = words.next()?;
    let event = kind.strip_prefix(stream.kind.name())?.strip_prefix('.')?;
    let fits =
        !event.is_empty() && event.len() <= 64 && event.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    (fits && words.next().is_none()).then_some((stream, revision, kind))
}

fn parse_seen(line: &str) -> Option<Seen> {
    let mut words = line.split(' ');
    let (size, root, note) = (decimal(words.next()?)?, hash(words.next()?)?, words.next()?);
    let note = if note == "-" { None } else { Some(hash(note)?) };
    let seen = Seen { size, root, note };
    let lawful = if note.is_none() { seen == Seen::nothing() } else { size > 0 };
    (lawful && words.next().is_none()).then_some(seen)
}

fn parse_lines<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Result<Vec<Line>, EntryError> {
    let mut parsed: Vec<Line> = Vec::new();
    for (index, line) in lines {
        let at = EntryError::Line(index + 1);
        let text = line.strip_suffix('\n').ok_or(at)?;
        let line = grant_of_own(text, &parsed).or_else(|| Line::parse(text)).ok_or(at)?;
        let ordered = parsed.last().is_none_or(|last| last.rank() <= line.rank());
        if !ordered || parsed.contains(&line) || parsed.len() == LINES_MAX {
            return Err(at);
        }
        parsed.push(line);
    }
    Ok(parsed)
}

/// A grant to a key that the same entry introduces, as one-time keys have it: whether the key is a sound one was found out
/// already, and finding out takes longer than all the rest of an entry.
fn grant_of_own(text: &str, parsed: &[Line]) -> Option<Line> {
    let (role, key) = text.strip_prefix("grant ")?.split_once(' ')?;
    let mut keys =
        parsed.iter().filter_map(|line| if let Line::Key(known) = line { Some(known) } else { None });
    let known = keys.find(|known| known.to_string() == key)?;
    Some(Line::Grant { role: role.parse().ok()?, key: known.clone() })
}

/// 32 bytes in canonical base64.
fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// An entry with its signatures, and the bytes that are stored and served as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedEntry {
    bytes: Vec<u8>,
    /// Bytes of the signed text.
    text: usize,
    entry: Entry,
    signatures: Vec<SignatureLine>,
    text_hash: Hash,
}

impl SignedEntry {
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let (text, signatures) = note::read(bytes)?;
        let entry = Entry::parse_text(text)?;
        if signatures.iter().any(|line| line.signature.len() != 64) {
            return Err(NoteError::BadLine.into());
        }
        let text_hash = *blake3::hash(text.as_bytes()).as_bytes();
        Ok(Self { bytes: bytes.to_vec(), text: text.len(), entry, signatures, text_hash })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// BLAKE3 of the signed text.
    pub fn text_hash(&self) -> Hash {
        self.text_hash
    }

    /// The signed text, as it stands in the bytes.
    pub fn text(&self) -> &[u8] {
        &self.bytes[..self.text]
    }

    /// `SHA-256(0x00 || bytes)`.
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.bytes)
    }

    /// Checks every signature strictly; every line must be by a key of `known`. Gives back the signers in order.
    pub fn verify(&self, known: &[VKey]) -> Result<Vec<VKey>, EntryError> {
        let text = self.text();
        let check = |line: &SignatureLine| {
            let key = known.iter().find(|key| line.is_by(key))?;
            key.verifies(text, &line.signature).then(|| key.clone())
        };
        self.signatures.iter().map(check).collect::<Option<Vec<_>>>().ok_or(EntryError::BadSignature)
    }
}
