//! Sealing: testimony, messages and attachments as `age` v1 files (C2SP age), padded so that their size tells little.
//!
//! What is sealed is `content || 0x80 || 0x00 …` up to the next step: of 4 KiB for texts, of a ladder that doubles for files.
//! The padding is found from the end, so that a stream of unknown length can be sealed as it arrives.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::iter;
use std::str::FromStr;

use age::{DecryptError, Decryptor, Encryptor};
use bech32::{Bech32, Hrp};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::ledger::vkey::hex;

/// Texts are padded to a multiple of this many bytes.
const TEXT_STEP_BYTES: u64 = 4096;
/// Files are padded to this many bytes, or to the next step of a ladder with four steps to each doubling.
const FILE_STEP_BYTES_MIN: u64 = 64 * 1024;
/// Largest age header: a few hundred recipients.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of plaintext in one chunk of an age payload, of its tag, and of the nonce before the first.
const CHUNK_BYTES: u64 = 65_536;
const TAG_BYTES: u64 = 16;
const NONCE_BYTES: u64 = 16;
/// Most recipients of one file.
pub const RECIPIENTS_MAX: usize = 200;

/// What reads what is sealed to it.
#[derive(Clone)]
pub struct Identity(age::x25519::Identity);

impl Identity {
    /// The identity whose scalar is these bytes; X25519 takes any.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let encoded = Hrp::parse("age-secret-key-")
            .ok()
            .and_then(|hrp| bech32::encode_upper::<Bech32>(hrp, bytes).ok())
            .map(Zeroizing::new);
        let identity = encoded.and_then(|text| age::x25519::Identity::from_str(&text).ok());
        // Every 32 bytes are an identity; a fresh one opens nothing, which is how a fault here would show.
        Self(identity.unwrap_or_else(age::x25519::Identity::generate))
    }

    /// Whom to seal to, `age1…`.
    pub fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }
}

/// SHA-256 over these recipients, each once, in order, and with a line feed behind it; hexadecimal. People compare it.
pub fn fingerprint<'a>(recipients: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for recipient in recipients.into_iter().collect::<BTreeSet<_>>() {
        hasher.update(recipient);
        hasher.update([b'\n']);
    }
    hex(&<[u8; 32]>::from(hasher.finalize()))
}

/// What is sealed, which decides the steps of its padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    File,
}

impl Kind {
    /// Size of `content` bytes once they are padded.
    pub fn padded(self, content: u64) -> u64 {
        let marked = content.saturating_add(1);
        match self {
            Self::Text => marked.next_multiple_of(TEXT_STEP_BYTES),
            Self::File if marked <= FILE_STEP_BYTES_MIN => FILE_STEP_BYTES_MIN,
            Self::File => {
                let step = marked.next_power_of_two() / 8;
                marked.next_multiple_of(step.max(1))
            }
        }
    }
}

/// Why something can't be sealed or opened. Never says what is in it.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("there is nobody to seal it to")]
    NoRecipient,
    #[error("{0} is not an age recipient")]
    BadRecipient(String),
    /// Not an age v1 file, or not whole.
    #[error("this is not a whole age file")]
    NotSealed,
    #[error("it is not sealed to this identity")]
    OtherRecipient,
    #[error("it was changed after it was sealed, or it is cut off")]
    Damaged,
    #[error("couldn't seal: {0}")]
    Io(#[from] io::Error),
}

/// Seals a stream as it arrives: what is written leaves encrypted at once.
pub struct Sealing<W: Write> {
    out: age::stream::StreamWriter<W>,
    kind: Kind,
    content: u64,
}

impl<W: Write> Sealing<W> {
    pub fn to<'a>(
        recipients: impl IntoIterator<Item = &'a str>,
        kind: Kind,
        out: W,
    ) -> Result<Self, SealError> {
        let parse = |text: &str| {
            age::x25519::Recipient::from_str(text).map_err(|_| SealError::BadRecipient(text.to_owned()))
        };
        let recipients: Vec<_> = recipients.into_iter().map(parse).collect::<Result<_, _>>()?;
        if recipients.is_empty() || recipients.len() > RECIPIENTS_MAX {
            return Err(SealError::NoRecipient);
        }
        let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(|_| SealError::NoRecipient)?;
        Ok(Self { out: encryptor.wrap_output(out)?, kind, content: 0 })
    }

    /// Bytes of content so far.
    pub fn content(&self) -> u64 {
        self.content
    }

    /// Pads, and ends the file.
    pub fn finish(mut self) -> io::Result<W> {
        let padding = self.kind.padded(self.content) - self.content;
        let mut zeros = io::repeat(0).take(padding - 1);
        self.out.write_all(&[0x80])?;
        io::copy(&mut zeros, &mut self.out)?;
        self.out.finish()
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.content += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Seals a whole text or file.
pub fn seal<'a>(
    content: &[u8],
    recipients: impl IntoIterator<Item = &'a str>,
    kind: Kind,
) -> Result<Vec<u8>, SealError> {
    let mut sealing = Sealing::to(recipients, kind, Vec::new())?;
    sealing.write_all(content)?;
    Ok(sealing.finish()?)
}

/// Opens what [`seal`] made, whole or not at all.
pub fn open(sealed: &[u8], identity: &Identity) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let decryptor = Decryptor::new(sealed).map_err(|_| SealError::NotSealed)?;
    let mut reader =
        decryptor.decrypt(iter::once(&identity.0 as &dyn age::Identity)).map_err(|error| fault(&error))?;
    let mut content = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader.read_to_end(&mut content).map_err(|_| SealError::Damaged)?;
    let end = content.iter().rposition(|byte| *byte != 0).filter(|last| content[*last] == 0x80);
    let end = end.ok_or(SealError::Damaged)?;
    content.truncate(end);
    Ok(content)
}

fn fault(error: &DecryptError) -> SealError {
    if matches!(error, DecryptError::NoMatchingKeys) { SealError::OtherRecipient } else { SealError::Damaged }
}

/// Whether these bytes are an age file of as many recipients, or more (a file may carry one that opens nothing, which keeps
/// readers honest), padded as its kind is. Decided by parsing, never by what somebody says of them.
pub fn is_sealed(bytes: &[u8], recipients: usize, kind: Kind) -> bool {
    is_sealed_file(bytes, bytes.len() as u64, recipients, kind)
}

/// The same of a file of `size` bytes of which only the first are at hand, at least [`HEAD_BYTES`] or all.
pub fn is_sealed_file(head: &[u8], size: u64, recipients: usize, kind: Kind) -> bool {
    let Some(header) = Header::read(head) else { return false };
    let payload = size.saturating_sub(header.bytes);
    header.recipients == recipients && is_padded(payload, kind)
}

/// First bytes of a file that are enough to judge it: the header and the nonce behind it.
pub const HEAD_BYTES: usize = HEADER_BYTES_MAX + 16;

/// The header of an age file, as far as one can read it without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// X25519 recipients.
    pub recipients: usize,
    /// Length of the header in bytes.
    pub bytes: u64,
}

impl Header {
    /// Reads the header at the beginning of a file; none where it is not an age file for recipients, or its header does not end
    /// within these bytes.
    pub fn read(head: &[u8]) -> Option<Self> {
        let decryptor = Decryptor::new(head).ok().filter(|decryptor| !decryptor.is_scrypt());
        decryptor?;
        let head = &head[..head.len().min(HEADER_BYTES_MAX)];
        // The header ends with the line of its MAC: `--- ` and 43 characters.
        let mac = head.windows(5).position(|window| window == b"\n--- ")?;
        let line = head.get(mac + 1..)?.iter().position(|byte| *byte == b'\n')?;
        let recipients = head[..mac].windows(11).filter(|window| window == b"\n-> X25519 ").count();
        Some(Self { recipients, bytes: (mac + 1 + line + 1) as u64 })
    }
}

/// Whether a payload of so many bytes may hold a content that is padded as `kind` is.
fn is_padded(payload: u64, kind: Kind) -> bool {
    let Some(chunks) = payload.checked_sub(NONCE_BYTES) else { return false };
    let many = chunks.div_ceil(CHUNK_BYTES + TAG_BYTES);
    let Some(content) = chunks.checked_sub(many * TAG_BYTES).filter(|content| *content > 0) else {
        return false;
    };
    kind.padded(content - 1) == content
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn identity(byte: u8) -> Identity {
        Identity::from_bytes(&[byte; 32])
    }

    fn sealed(content: &[u8], to: &[&Identity], kind: Kind) -> Vec<u8> {
        let recipients: Vec<String> = to.iter().map(|identity| identity.recipient()).collect();
        seal(content, recipients.iter().map(String::as_str), kind).expect("sealed")
    }

    #[test]
    fn an_identity_made_of_bytes_is_the_same_each_time_and_seals_to_nobody_else() {
        assert_eq!(identity(1).recipient(), identity(1).recipient());
        assert_ne!(identity(1).recipient(), identity(2).recipient());
        let file = sealed(b"gas", &[&identity(1), &identity(3)], Kind::Text);
        for reader in [1, 3] {
            assert_eq!(open(&file, &identity(reader)).expect("opened").as_slice(), b"gas");
        }
        assert!(matches!(open(&file, &identity(2)), Err(SealError::OtherRecipient)));
    }

    #[test]
    fn at_the_edges_of_chunks_and_steps_everything_comes_back() {
        for size in [0, 1, 4094, 4095, 4096, 65_535, 65_536, 65_537, 200_000] {
            let content: Vec<u8> = (0..size).map(|n: u32| n.to_le_bytes()[0]).collect();
            for kind in [Kind::Text, Kind::File] {
                let file = sealed(&content, &[&identity(1)], kind);
                assert_eq!(open(&file, &identity(1)).expect("opened").as_slice(), content, "{size}");
                assert!(is_sealed(&file, 1, kind), "{size}");
                assert!(!is_sealed(&file, 2, kind), "{size}");
            }
        }
    }

    #[test]
    fn sizes_are_those_of_the_ladder() {
        let text: Vec<u64> = [0, 4095, 4096, 8191].iter().map(|size| Kind::Text.padded(*size)).collect();
        assert_eq!(text, [4096, 4096, 8192, 8192]);
        let file = |size| Kind::File.padded(size);
        assert_eq!((file(0), file(65_535), file(65_536)), (65_536, 65_536, 81_920));
        // Never more than a quarter is padding, and few sizes are possible.
        for size in (65_536..2_000_000).step_by(997) {
            assert!(file(size) - size <= size / 4 + 1, "{size}");
        }
    }

    #[test]
    fn what_is_not_an_age_file_is_not_taken_for_one() {
        let whole = sealed(b"gas", &[&identity(1)], Kind::Text);
        let torn = &whole[..whole.len() - 1];
        let many: [&[u8]; 5] =
            [b"", b"gas", b"age-encryption.org/v1\n", torn, b"-----BEGIN AGE ENCRYPTED FILE-----\n"];
        for bytes in many {
            assert!(!is_sealed(bytes, 1, Kind::Text));
        }
        assert!(!is_sealed(&whole, 1, Kind::File), "a text is no file");
        let nobody: [&str; 0] = [];
        assert!(matches!(seal(b"gas", nobody, Kind::Text), Err(SealError::NoRecipient)));
        assert!(matches!(seal(b"gas", ["age1x"], Kind::Text), Err(SealError::BadRecipient(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A changed, cut, or swapped byte is an error and never a part of the content.
        #[test]
        fn a_damaged_file_gives_nothing(at in any::<prop::sample::Index>(), flip in 1_u8..) {
            let whole = sealed(&[7; 5000], &[&identity(1)], Kind::Text);
            let mut damaged = whole.clone();
            let at = at.index(whole.len());
            damaged[at] ^= flip;
            prop_assert!(open(&damaged, &identity(1)).is_err());
            prop_assert!(open(&whole[..at], &identity(1)).is_err());
        }
    }
}
