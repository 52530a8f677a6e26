//! Keys with names, after C2SP signed-note: `<name>+<8 hex digits>+<base64(type || 32-byte key)>`.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, VerifyingKey};
use quick_cache::sync::Cache;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::ledger::note::SignatureLine;
use crate::units::{ParseUnitError, as_text};

/// Key type of an Ed25519 signature over the text.
pub const ED25519: u8 = 0x01;
/// Key type of a witness's timestamped cosignature.
pub const COSIGNATURE: u8 = 0x04;
/// Longest key name in bytes.
const NAME_BYTES_MAX: usize = 255;

/// First four bytes of `SHA-256(name || "\n" || type || key)`.
pub type KeyId = [u8; 4];

/// A public key with its name. A value of this type is neither weak nor mixed with torsion, which is what makes
/// batch verification as strict as checking one by one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VKey {
    name: String,
    kind: u8,
    key: [u8; 32],
    /// Follows from the others; kept because every signature line is looked up by it.
    id: KeyId,
}

/// Keys that were found to be points of prime order. To find that out takes as long as checking a signature, and the keys of officers
/// are read again with each of their entries.
static SOUND: LazyLock<Cache<[u8; 32], ()>> = LazyLock::new(|| Cache::new(SOUND_MAX));

/// How many of them are remembered: all of a bureau and its enterprises, in some 2 MB.
const SOUND_MAX: usize = 32_768;

/// Whether the bytes are a point of prime order.
fn is_sound(key: &[u8; 32]) -> bool {
    if SOUND.get(key).is_some() {
        return true;
    }
    let Ok(point) = VerifyingKey::from_bytes(key) else { return false };
    let sound = !point.is_weak() && point.to_edwards().is_torsion_free();
    if sound {
        SOUND.insert(*key, ());
    }
    sound
}

impl VKey {
    /// `None` when the name is not one, or the bytes are not a point of prime order.
    pub fn new(name: &str, kind: u8, key: [u8; 32]) -> Option<Self> {
        let may = is_name(name) && (kind == ED25519 || kind == COSIGNATURE);
        (may && is_sound(&key)).then(|| Self::known(name, kind, key))
    }

    /// One whose name and point are known to be sound.
    fn known(name: &str, kind: u8, key: [u8; 32]) -> Self {
        Self { name: name.to_owned(), kind, key, id: key_id(name, kind, &key) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kind(&self) -> u8 {
        self.kind
    }

    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    pub fn id(&self) -> KeyId {
        self.id
    }

    /// SHA-256 of its text, hexadecimal: what people compare.
    pub fn fingerprint(&self) -> String {
        hex(&<[u8; 32]>::from(Sha256::digest(self.to_string().as_bytes())))
    }

    /// Strict verification of one signature over `text`.
    pub fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(&self.key) else {
            return false;
        };
        let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else {
            return false;
        };
        key.verify_strict(text, &signature).is_ok()
    }
}

fn key_id(name: &str, kind: u8, key: &[u8; 32]) -> KeyId {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', kind]);
    hasher.update(key);
    let digest: [u8; 32] = hasher.finalize().into();
    [digest[0], digest[1], digest[2], digest[3]]
}

/// Key names: not empty, no blank, no `+`, no control character.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

impl fmt::Display for VKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = [self.kind; 33];
        typed[1..].copy_from_slice(&self.key);
        write!(f, "{}+{}+{}", self.name, hex(&self.id()), STANDARD.encode(typed))
    }
}

impl fmt::Debug for VKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VKey {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseUnitError::new("vkey such as name+0a1b2c3d+base64", text);
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(error());
        };
        let typed = STANDARD.decode(encoded).map_err(|_| error())?;
        let (kind, key) = typed.split_first().ok_or_else(error)?;
        let key: [u8; 32] = key.try_into().map_err(|_| error())?;
        let vkey = Self::new(name, *kind, key).ok_or_else(error)?;
        if hex(&vkey.id()) == id { Ok(vkey) } else { Err(error()) }
    }
}

as_text! {
    VKey, "VKey", schemars::json_schema!({"type": "string", "pattern": r"^[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$"});
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Whether `text` is a hash of 32 bytes as [`hex`] writes it.
pub fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A private key with its name. Leaves memory when it is dropped; is never shown.
#[derive(Clone)]
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    vkey: VKey,
}

/// A key can't be made: the name is not one, or the operating system gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("couldn't make a key: the name is not one, or the operating system gave no randomness")]
pub struct KeyError;

impl From<getrandom::Error> for KeyError {
    fn from(_: getrandom::Error) -> Self {
        Self
    }
}

impl SigningKey {
    /// A fresh key from the operating system's randomness.
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0_u8; 32]);
        getrandom::fill(seed.as_mut())?;
        Self::from_seed(name, &seed)
    }

    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        // A multiple of the base point has prime order.
        let vkey = VKey::known(
            is_name(name).then_some(name).ok_or(KeyError)?,
            ED25519,
            key.verifying_key().to_bytes(),
        );
        Ok(Self { key, vkey })
    }

    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes())
    }

    pub fn name(&self) -> &str {
        self.vkey.name()
    }

    pub fn vkey(&self) -> VKey {
        self.vkey.clone()
    }

    /// Signs the text of a note; `text` ends with its newline.
    pub fn sign_text(&self, text: &str) -> SignatureLine {
        let signature = self.key.sign(text.as_bytes()).to_bytes().to_vec();
        SignatureLine { name: self.vkey.name.clone(), id: self.vkey.id(), signature }
    }

    /// The bare signature over a message that is not a note's text, such as a cosignature's.
    pub(crate) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.vkey.name).finish()
    }
}
