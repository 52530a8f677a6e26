//! What one command asks the sequencer to append.

use crate::event::Event;
use crate::id::{ActorId, CommandId, StreamId};
use crate::ledger::entry::SignedEntry;
use crate::ledger::store::Touch;
use crate::ledger::vkey::{SigningKey, VKey};
use crate::units::{Position, Revision, Timestamp};

/// An entry whose signatures were checked against the keys it names. Whether these keys are in force, and whether
/// they may sign this kind, the sequencer checks at the position that the entry gets.
#[derive(Clone, Debug)]
pub struct CheckedEntry {
    signed: SignedEntry,
    signers: Vec<VKey>,
}

impl CheckedEntry {
    /// Signs `entry` with each of `keys`, in order.
    pub fn sign(entry: crate::ledger::entry::Entry, keys: &[&SigningKey]) -> Result<Self, EntryFault> {
        let signers = keys.iter().map(|key| key.vkey()).collect();
        let signed = entry.sign(keys).map_err(|_| EntryFault::Malformed)?;
        Ok(Self { signed, signers })
    }

    /// Checks an entry that was signed elsewhere: every signature line must verify with a key of `known`.
    pub fn verify(bytes: &[u8], known: &[VKey]) -> Result<Self, EntryFault> {
        let signed = SignedEntry::parse(bytes).map_err(|_| EntryFault::Malformed)?;
        if !signed.signatures().iter().all(|line| known.iter().any(|key| line.is_by(key))) {
            return Err(EntryFault::UnknownSigner);
        }
        let signers = signed.verify(known).map_err(|_| EntryFault::BadSignature)?;
        Ok(Self { signed, signers })
    }

    pub fn signed(&self) -> &SignedEntry {
        &self.signed
    }

    pub fn signers(&self) -> &[VKey] {
        &self.signers
    }
}

/// One entry with its body, its decoded event, and the index keys it touches.
#[derive(Clone, Debug)]
pub struct Draft {
    pub entry: CheckedEntry,
    pub body: Vec<u8>,
    /// The second of signing, as it stands in the body.
    pub at: Timestamp,
    /// Actors who sign, in order.
    pub by: Vec<ActorId>,
    pub event: Event,
    pub touches: Vec<Touch>,
}

/// Something a decision read; the append is refused as a conflict when it has moved since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// The stream had `next` entries.
    Stream { stream: StreamId, next: Revision },
    /// The index key was last touched at `last`.
    Key { touch: Touch, last: Option<Position> },
}

/// One command's entries; they land whole or not at all.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub id: CommandId,
    /// Hash of what was asked, so that one id cannot stand for two requests.
    pub request: [u8; 32],
    pub drafts: Vec<Draft>,
    pub reads: Vec<Read>,
}

/// Where a command's entries stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    pub positions: Vec<Position>,
    /// The command had been answered before; nothing was written now.
    pub repeated: bool,
}

crate::decider::refusals! {
    /// Why an entry is not fit for the log.
    EntryFault {
        /// Not an entry of this format, or not in its one spelling.
        Malformed = "entry.malformed",
        /// A signature line names a key that is neither registered nor introduced in this entry.
        UnknownSigner = "entry.unknown_signer",
        /// A signature does not verify.
        BadSignature = "entry.bad_signature",
        /// Signed for another ledger.
        WrongOrigin = "entry.wrong_origin",
        /// The body is not the one whose hash was signed.
        WrongBody = "entry.wrong_body",
        /// The key was ended before this position.
        KeyEnded = "entry.key_ended",
        /// The key is not granted what this kind asks for, or too few different persons signed.
        NotGranted = "entry.not_granted",
        /// The day on the entry is not the day of signing in Asia/Shanghai.
        WrongDay = "entry.wrong_day",
        /// The second of signing is too far from the ledger's clock.
        ClockSkew = "entry.clock_skew",
        /// The second of signing lies before that of the stream's last entry.
        TimeWentBack = "entry.time_went_back",
        /// `seen` is not a checkpoint that this ledger published.
        UnknownCheckpoint = "entry.unknown_checkpoint",
        /// A command wrote to a report's or reward's stream and to another one, or signed there with a lasting key.
        Linkable = "entry.linkable",
        /// The same command id stood for another request.
        CommandIdReused = "entry.command_id_reused",
        /// The command has no entry, or more than a group can hold.
        WrongSize = "entry.wrong_size",
        /// The public lines are not those of the event.
        WrongLines = "entry.wrong_lines",
    }
}
