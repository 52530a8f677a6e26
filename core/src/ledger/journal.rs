//! The journal: append-only segment files, the truth of the embedded store.
//!
//! Segment `journal/<20 digits: first position>.seg` begins with `ADITJ001`. One record is one group commit:
//!
//! ```text
//! "ADR1"  length: u32        of everything between here and the checksum
//!         prev: 32           checksum of the record before; zeros for the first
//!         first: u64  at: i64  nonce: 16
//!         commands: u16      each: id 16, request 32, entries u16,
//!                            each: length u32, entry; length u32, sealed body and index keys
//!         frontier: u8       32 bytes each
//!         checkpoint: u32    signed note
//! checksum: 32               BLAKE3 over magic, length and content
//! ```
//!
//! Numbers are big-endian. A body and its index keys are sealed together with XChaCha20-Poly1305 under the data key; the
//! nonce is the record's 16 random bytes and the position, the associated data is the entry's leaf hash.

use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, AeadInOut, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::id::{CommandId, Id};
use crate::ledger::entry;
use crate::ledger::merkle::leaf_hash;
use crate::ledger::store::{Committed, Group, Stored, Touch};
use crate::units::{Position, Timestamp};

pub(crate) const SEGMENT_MAGIC: &[u8; 8] = b"ADITJ001";
const RECORD_MAGIC: &[u8; 4] = b"ADR1";
/// Bytes of magic and length.
const HEAD: usize = 8;
const CHECKSUM: usize = 32;
/// Largest record; a group has a bounded number of commands and entries, so nothing lawful comes near.
const RECORD_BYTES_MAX: usize = 1 << 30;

/// Checksum of a record.
pub(crate) type Checksum = [u8; 32];

/// Name of the segment whose first entry stands at `first`.
pub(crate) fn segment_name(first: u64) -> String {
    format!("{first:020}.seg")
}

/// The key that seals bodies.
pub(crate) struct Sealer(XChaCha20Poly1305);

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Encrypts something that is not an entry, such as a snapshot, under a fresh nonce, which stands at the end. It may be
    /// as large as the memory has room for once, so it is encrypted where it stands.
    pub(crate) fn seal_bytes(&self, mut plain: Vec<u8>, what: &str) -> Option<Vec<u8>> {
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).ok()?;
        self.0.encrypt_in_place(&nonce.into(), what.as_bytes(), &mut plain).ok()?;
        plain.extend_from_slice(&nonce);
        Some(plain)
    }

    pub(crate) fn open_bytes(&self, mut sealed: Vec<u8>, what: &str) -> Option<Vec<u8>> {
        let nonce = *sealed.last_chunk::<24>()?;
        sealed.truncate(sealed.len() - nonce.len());
        self.0.decrypt_in_place(&nonce.into(), what.as_bytes(), &mut sealed).ok()?;
        Some(sealed)
    }

    fn nonce(record: &[u8; 16], position: Position) -> XNonce {
        let mut nonce = [0; 24];
        nonce[..16].copy_from_slice(record);
        nonce[16..].copy_from_slice(&position.0.to_be_bytes());
        nonce.into()
    }

    fn seal(&self, record: &[u8; 16], stored: &Stored) -> Option<Vec<u8>> {
        let mut plain = Vec::with_capacity(stored.body.len() + 16 * stored.touches.len() + 1);
        plain.push(u8::try_from(stored.touches.len()).ok()?);
        stored.touches.iter().for_each(|touch| plain.extend_from_slice(touch));
        plain.extend_from_slice(&stored.body);
        let aad = leaf_hash(&stored.entry);
        self.0.encrypt(&Self::nonce(record, stored.position), Payload { msg: &plain, aad: &aad }).ok()
    }

    /// Body and index keys of an entry; `None` when the key or the bytes are not the right ones.
    fn open(&self, record: &[u8; 16], frame: &Frame<'_>) -> Option<(Vec<u8>, Vec<Touch>)> {
        let aad = leaf_hash(frame.entry);
        let nonce = Self::nonce(record, frame.position);
        let plain = self.0.decrypt(&nonce, Payload { msg: frame.sealed, aad: &aad }).ok()?;
        let (many, rest) = plain.split_first()?;
        let (touches, body) = rest.split_at_checked(16 * usize::from(*many))?;
        let touches = touches.as_chunks::<16>().0.to_vec();
        Some((body.to_vec(), touches))
    }
}

/// A record's bytes and checksum. `None` when the group is larger than the format can say.
pub(crate) fn write(
    group: &Group,
    prev: &Checksum,
    sealer: &Sealer,
    nonce: [u8; 16],
) -> Option<(Vec<u8>, Checksum)> {
    let mut out = Vec::with_capacity(4096);
    out.extend_from_slice(RECORD_MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(prev);
    out.extend_from_slice(&group.first.0.to_be_bytes());
    out.extend_from_slice(&group.committed_at.0.to_be_bytes());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&u16::try_from(group.commands.len()).ok()?.to_be_bytes());
    for command in &group.commands {
        out.extend_from_slice(&command.id.0.0);
        out.extend_from_slice(&command.request);
        out.extend_from_slice(&u16::try_from(command.entries.len()).ok()?.to_be_bytes());
        for stored in &command.entries {
            put(&mut out, &stored.entry)?;
            put(&mut out, &sealer.seal(&nonce, stored)?)?;
        }
    }
    out.push(u8::try_from(group.frontier.len()).ok()?);
    group.frontier.iter().for_each(|hash| out.extend_from_slice(hash));
    put(&mut out, &group.checkpoint)?;
    let length = u32::try_from(out.len() - HEAD).ok().filter(|_| out.len() <= RECORD_BYTES_MAX)?;
    out[4..8].copy_from_slice(&length.to_be_bytes());
    let checksum = *blake3::hash(&out).as_bytes();
    out.extend_from_slice(&checksum);
    Some((out, checksum))
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    out.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_be_bytes());
    out.extend_from_slice(bytes);
    Some(())
}

/// What stands at some offset of a segment.
pub(crate) enum Found {
    /// A whole record of this many bytes with this checksum.
    Record(usize, Checksum),
    /// The bytes end here.
    End,
    /// Not a whole record.
    Broken(&'static str),
}

/// Looks at the first record of `bytes`.
pub(crate) fn look(bytes: &[u8]) -> Found {
    if bytes.is_empty() {
        return Found::End;
    }
    let Some((head, _)) = bytes.split_first_chunk::<HEAD>() else {
        return Found::Broken("a record is cut off");
    };
    if head[..4] != *RECORD_MAGIC {
        return Found::Broken("no record begins here");
    }
    let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
    let Some(whole) = bytes.get(..HEAD + length + CHECKSUM) else {
        return Found::Broken("a record is cut off");
    };
    let (content, checksum) = whole.split_at(HEAD + length);
    if blake3::hash(content).as_bytes() != checksum {
        return Found::Broken("a record does not have its checksum");
    }
    let mut kept = [0; 32];
    kept.copy_from_slice(checksum);
    Found::Record(whole.len(), kept)
}

/// Whether a whole record begins anywhere in `bytes`.
pub(crate) fn holds_a_record(bytes: &[u8]) -> bool {
    let starts = bytes.windows(4).enumerate().filter(|(_, four)| four == RECORD_MAGIC);
    starts.into_iter().any(|(at, _)| matches!(look(&bytes[at..]), Found::Record(..)))
}

/// A record that was read, its bodies still sealed.
pub(crate) struct Record<'a> {
    pub(crate) prev: Checksum,
    pub(crate) first: Position,
    pub(crate) committed_at: Timestamp,
    nonce: [u8; 16],
    pub(crate) commands: Vec<Frames<'a>>,
    pub(crate) frontier: Vec<[u8; 32]>,
    pub(crate) checkpoint: &'a [u8],
    pub(crate) end: u64,
}

pub(crate) struct Frames<'a> {
    pub(crate) id: CommandId,
    pub(crate) request: [u8; 32],
    pub(crate) entries: Vec<Frame<'a>>,
}

#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) position: Position,
    pub(crate) entry: &'a [u8],
    sealed: &'a [u8],
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn many(&mut self) -> Option<usize> {
        self.array().map(|bytes| usize::from(u16::from_be_bytes(bytes)))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_be_bytes(self.array()?) as usize;
        self.take(length)
    }
}

/// Reads a record whose checksum holds.
pub(crate) fn read(record: &[u8]) -> Option<Record<'_>> {
    let content = record.get(HEAD..record.len().checked_sub(CHECKSUM)?)?;
    let mut cursor = Cursor(content);
    let prev = cursor.array()?;
    let first = u64::from_be_bytes(cursor.array()?);
    let committed_at = Timestamp(i64::from_be_bytes(cursor.array()?));
    let nonce = cursor.array()?;
    let mut end = first;
    let mut commands = Vec::new();
    for _ in 0..cursor.many()? {
        let (id, request) = (CommandId(Id(cursor.array()?)), cursor.array()?);
        let mut entries = Vec::new();
        for _ in 0..cursor.many()? {
            entries.push(Frame { position: Position(end), entry: cursor.bytes()?, sealed: cursor.bytes()? });
            end += 1;
        }
        commands.push(Frames { id, request, entries });
    }
    let mut frontier = Vec::new();
    for _ in 0..cursor.array::<1>()?[0] {
        frontier.push(cursor.array()?);
    }
    let checkpoint = cursor.bytes()?;
    let first = Position(first);
    cursor.0.is_empty().then_some(Record {
        prev,
        first,
        committed_at,
        nonce,
        commands,
        frontier,
        checkpoint,
        end,
    })
}

impl Record<'_> {
    /// Opens one entry; `None` when the data key is not the right one.
    pub(crate) fn open(&self, frame: &Frame<'_>, sealer: &Sealer) -> Option<Stored> {
        let (body, touches) = sealer.open(&self.nonce, frame)?;
        let (stream, revision) = entry::place_of(frame.entry)?;
        Some(Stored {
            position: frame.position,
            stream,
            revision,
            entry: frame.entry.to_vec(),
            body,
            touches,
        })
    }

    /// Opens everything.
    pub(crate) fn group(&self, sealer: &Sealer) -> Result<Group, Position> {
        let mut commands = Vec::with_capacity(self.commands.len());
        for command in &self.commands {
            let mut entries = Vec::with_capacity(command.entries.len());
            for frame in &command.entries {
                entries.push(self.open(frame, sealer).ok_or(frame.position)?);
            }
            commands.push(Committed { id: command.id, request: command.request, entries });
        }
        Ok(Group {
            first: self.first,
            committed_at: self.committed_at,
            commands,
            frontier: self.frontier.clone(),
            checkpoint: self.checkpoint.to_vec(),
            tiles: Vec::new(),
        })
    }
}

/// Where a record lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) first: u64,
    pub(crate) end: u64,
    /// First position of the segment, which names its file.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) committed_at: Timestamp,
}

/// Path of a segment.
pub(crate) fn segment_path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(segment_name(segment))
}
