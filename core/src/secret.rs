//! The reporter's secret: 128 random bits, written as twelve words, from which every key of a report follows.
//!
//! HKDF-SHA256 (RFC 5869) with the salt `adit.v1 <origin>` and a label each gives the key that signs, the identity that
//! reads replies, the key that claims the reward, and the id of the first command. The words are those of BIP-39, twelve
//! Chinese characters or twelve English words; the last one carries four bits of checksum. Nothing here is stored, and an
//! error never repeats what was typed.

use std::fmt;

use bip39::Language;
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

use crate::id::{CommandId, Id, StreamId};
use crate::ledger::vkey::{KeyError, SigningKey, hex};
use crate::refusal::Refusal;
use crate::seal::Identity;

/// Words of a secret.
pub const WORDS: usize = 12;
/// Longest text that is read as a secret, in bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// A reporter's secret. Leaves memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<[u8; 16]>);

/// In which words a secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    Chinese,
    English,
}

/// Why a text is not a secret. Says where, never what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("a secret has {WORDS} words, and here are {0}")]
    Count(usize),
    /// The word of this number, counted from 1, is not in the list.
    #[error("word {0} is not in the list")]
    UnknownWord(usize),
    /// Each word is in the list, but one of them is not the right one.
    #[error("each word is in the list, but together they are no secret: one is wrong, or their order is")]
    Checksum,
}

impl From<SecretError> for Refusal {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Count(found) => Self::new("secret.count").with("found", &found.to_string()),
            SecretError::UnknownWord(nth) => Self::new("secret.unknown_word").with("word", &nth.to_string()),
            SecretError::Checksum => Self::new("secret.checksum"),
        }
    }
}

/// What a key or an identity is for; the label of its derivation.
#[derive(Clone, Copy)]
enum Use {
    Sign,
    Read,
    Claim,
    Command,
    Voucher,
    ConcernSign,
    ConcernCommand,
    ConcernVoucher,
}

impl Use {
    fn label(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Read => "read",
            Self::Claim => "claim",
            Self::Command => "id",
            Self::Voucher => "voucher",
            Self::ConcernSign => "concern sign",
            Self::ConcernCommand => "concern id",
            Self::ConcernVoucher => "concern voucher",
        }
    }
}

impl Secret {
    /// A fresh secret.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0_u8; 16]);
        getrandom::fill(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// The twelve words.
    pub fn words(&self, script: Script) -> Vec<&'static str> {
        let language = match script {
            Script::Chinese => Language::SimplifiedChinese,
            Script::English => Language::English,
        };
        let bits = Bits { entropy: u128::from_be_bytes(*self.0), checksum: self.checksum() };
        (0..WORDS).map(|nth| language.word_list()[bits.word(nth)]).collect()
    }

    /// The first four bits of the SHA-256 of the bytes.
    fn checksum(&self) -> u8 {
        Sha256::digest(*self.0)[0] >> 4
    }

    /// The words as they are shown: four groups of three.
    pub fn text(&self, script: Script) -> Zeroizing<String> {
        let (within, between) = match script {
            Script::Chinese => ("", " "),
            Script::English => (" ", " - "),
        };
        let words = self.words(script);
        let groups: Vec<String> = words.chunks(3).map(|group| group.join(within)).collect();
        Zeroizing::new(groups.join(between))
    }

    /// Reads what somebody typed: Chinese characters, simplified or traditional, or English words; full width, spaces, dashes,
    /// punctuation and case do not matter.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(SecretError::Count(text.chars().count()));
        }
        let text = Zeroizing::new(text.nfkc().collect::<String>().to_lowercase());
        let typed = split(&text);
        if typed.len() != WORDS {
            return Err(SecretError::Count(typed.len()));
        }
        let mut bits = Bits::default();
        let language = if typed.iter().any(|word| word.is_ascii()) {
            Language::English
        } else {
            Language::SimplifiedChinese
        };
        for (nth, word) in typed.iter().enumerate() {
            bits.push(find(language, word).ok_or(SecretError::UnknownWord(nth + 1))?);
        }
        let secret = Self(Zeroizing::new(bits.entropy.to_be_bytes()));
        if secret.checksum() == bits.checksum { Ok(secret) } else { Err(SecretError::Checksum) }
    }

    /// Signs the report and what follows, named `<origin>/<report>`.
    pub fn sign_key(&self, origin: &str, report: &StreamId) -> Result<SigningKey, KeyError> {
        SigningKey::from_seed(&format!("{origin}/{report}"), &self.derive(origin, Use::Sign))
    }

    /// Signs the claim, named `<origin>/<reward>`. Its public half stands in the report's body alone, so that nobody joins the
    /// two streams by it.
    pub fn claim_key(&self, origin: &str, reward: &StreamId) -> Result<SigningKey, KeyError> {
        SigningKey::from_seed(&format!("{origin}/{reward}"), &self.derive(origin, Use::Claim))
    }

    /// The public half of the claim key, hexadecimal, as the report's body holds it.
    pub fn claim_public(&self, origin: &str) -> Result<String, KeyError> {
        Ok(hex(SigningKey::from_seed(origin, &self.derive(origin, Use::Claim))?.vkey().key()))
    }

    /// Reads what the office answers.
    pub fn identity(&self, origin: &str) -> Identity {
        Identity::from_bytes(&self.derive(origin, Use::Read))
    }

    /// The id of the first command: the same secret sent twice is one report.
    pub fn command_id(&self, origin: &str) -> CommandId {
        self.first_command(origin, Use::Command)
    }

    /// Signs an internal report and what follows, named `<origin>/<concern>`. It has nothing in common with the keys of a report, so
    /// that the same words open the one or the other, and neither tells of the other.
    pub fn concern_key(&self, origin: &str, concern: &StreamId) -> Result<SigningKey, KeyError> {
        SigningKey::from_seed(&format!("{origin}/{concern}"), &self.derive(origin, Use::ConcernSign))
    }

    /// The id of the command that raises an internal report.
    pub fn concern_command_id(&self, origin: &str) -> CommandId {
        self.first_command(origin, Use::ConcernCommand)
    }

    /// The code for which an enterprise hands an internal reward over.
    pub fn concern_voucher(&self, origin: &str, concern: &StreamId) -> Zeroizing<String> {
        self.voucher_of(origin, Use::ConcernVoucher, concern)
    }

    fn first_command(&self, origin: &str, purpose: Use) -> CommandId {
        let mut id = [0; 16];
        id.copy_from_slice(&self.derive(origin, purpose)[..16]);
        CommandId(Id(id))
    }

    /// The code of the voucher for a reward: 80 bits in four groups of Crockford base 32. The log holds its hash.
    pub fn voucher(&self, origin: &str, reward: &StreamId) -> Zeroizing<String> {
        self.voucher_of(origin, Use::Voucher, reward)
    }

    fn voucher_of(&self, origin: &str, purpose: Use, stream: &StreamId) -> Zeroizing<String> {
        let seed = self.derive(origin, purpose);
        let mut hasher = blake3::Hasher::new_keyed(&seed);
        hasher.update(stream.to_string().as_bytes());
        let mut id = [0; 16];
        // The first of 26 digits carries three bits; the sixteen after it carry five each.
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        let text = Zeroizing::new(Id(id).to_string());
        let digits = text.get(1..17).unwrap_or_default();
        let groups: Vec<&str> =
            [0, 4, 8, 12].iter().filter_map(|from| digits.get(*from..*from + 4)).collect();
        Zeroizing::new(groups.join("-"))
    }

    /// 32 bytes of their own for a label.
    pub(crate) fn seed_of(&self, origin: &str, label: &str) -> Zeroizing<[u8; 32]> {
        derive(self.0.as_ref(), origin, label)
    }

    fn derive(&self, origin: &str, purpose: Use) -> Zeroizing<[u8; 32]> {
        derive(self.0.as_ref(), origin, purpose.label())
    }
}

/// An officer's identity for reading what is sealed to the officer: it follows from the signing key, so that whoever unlocks the
/// one has the other, and no second file is kept.
pub fn officer_identity(key: &SigningKey, origin: &str) -> Identity {
    Identity::from_bytes(&derive(key.seed().as_ref(), origin, Use::Read.label()))
}

pub(crate) fn derive(from: &[u8], origin: &str, label: &str) -> Zeroizing<[u8; 32]> {
    let salt = format!("adit.v1 {origin}");
    let mut out = Zeroizing::new([0_u8; 32]);
    // 32 bytes are one block of SHA-256, far below the most that HKDF gives.
    let _ = Hkdf::<Sha256>::new(Some(salt.as_bytes()), from).expand(label.as_bytes(), out.as_mut());
    out
}

/// Twelve words of eleven bits: 128 of the secret, then four of its checksum (BIP-39).
#[derive(Default)]
struct Bits {
    entropy: u128,
    checksum: u8,
}

impl Bits {
    /// The number of the word at `nth`, counted from 0.
    fn word(&self, nth: usize) -> usize {
        let shifted = if nth + 1 < WORDS {
            self.entropy >> (128 - 11 * (nth + 1))
        } else {
            (self.entropy << 4) | u128::from(self.checksum)
        };
        (shifted & 0x7ff) as usize
    }

    /// Takes one more word at the end; what falls out at the front was empty.
    fn push(&mut self, word: u16) {
        self.entropy = (self.entropy << 11) | (u128::from(self.checksum) << 7) | u128::from(word >> 4);
        self.checksum = (word & 0xf) as u8;
    }
}

impl Drop for Bits {
    fn drop(&mut self) {
        self.entropy.zeroize();
        self.checksum.zeroize();
    }
}

/// The hash under which the log knows a voucher; forgives case, spaces, dashes, and the digits that look like letters.
pub fn voucher_hash(code: &str) -> String {
    let digits = code.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    let digits: Zeroizing<String> = Zeroizing::new(
        digits
            .map(|c| match c {
                'o' => '0',
                'i' | 'l' => '1',
                other => other,
            })
            .collect(),
    );
    hex(blake3::hash(digits.as_bytes()).as_bytes())
}

/// The words of a text: each Chinese character is one, each run of letters another.
fn split(text: &str) -> Vec<Zeroizing<String>> {
    let mut words = Vec::new();
    let mut word = Zeroizing::new(String::new());
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            words.push(Zeroizing::new(c.to_string()));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The number of a word in its list; a traditional character has the number of its simplified form.
fn find(language: Language, word: &str) -> Option<u16> {
    let listed = language.find_word(word);
    if language == Language::SimplifiedChinese {
        listed.or_else(|| Language::TraditionalChinese.find_word(word))
    } else {
        listed
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::StreamKind;
    use proptest::prelude::*;

    const ORIGIN: &str = "xiuyan.example/ledger";

    fn secret(byte: u8) -> Secret {
        Secret(Zeroizing::new([byte; 16]))
    }

    /// Vectors of BIP-39 (Trezor's list and its translations): 16 bytes 0x7f, and of zeros.
    #[test]
    fn the_words_are_those_of_bip_39() {
        let legal = "legal winner thank year wave sausage worth useful legal winner thank yellow";
        assert_eq!(secret(0x7f).words(Script::English).join(" "), legal);
        assert_eq!(secret(0).words(Script::Chinese).concat(), "的的的的的的的的的的的在");
        assert_eq!(secret(0).text(Script::Chinese).as_str(), "的的的 的的的 的的的 的的在");
    }

    #[test]
    fn every_tolerated_spelling_is_the_same_secret() {
        let one = Secret::parse("的的的的的的的的的的的在").expect("secret");
        for spelled in [
            " 的的的 的的的-的的的　的的在 ",
            "的,的,的,的、的。的·的—的 的 的 的 在\n",
            "「的的的的的的的的的的的在」",
        ] {
            assert_eq!(Secret::parse(spelled), Ok(one.clone()));
        }
        let english = secret(0x7f);
        let loud = "LEGAL Winner thank-year wave\nsausage, worth useful ｌｅｇａｌ winner thank yellow";
        assert_eq!(Secret::parse(loud), Ok(english));
    }

    #[test]
    fn traditional_characters_are_the_simplified_ones() {
        let both =
            Language::SimplifiedChinese.word_list().iter().zip(Language::TraditionalChinese.word_list());
        let mut differ = 0;
        for (index, (simplified, traditional)) in both.enumerate() {
            differ += usize::from(simplified != traditional);
            assert_eq!(
                find(Language::SimplifiedChinese, traditional).map(usize::from),
                Some(index),
                "{traditional}"
            );
        }
        assert!(differ > 500, "the lists are the same: {differ}");
    }

    #[test]
    fn a_word_outside_the_list_is_located_and_a_wrong_one_inside_it_is_told_where_the_checksum_can() {
        assert_eq!(Secret::parse("的的的 的鬱的 的的的 的的在"), Err(SecretError::UnknownWord(5)));
        assert_eq!(Secret::parse("的的的 的一的 的的的 的的在"), Err(SecretError::Checksum));
        assert_eq!(Secret::parse("的的的"), Err(SecretError::Count(3)));
        assert_eq!(Secret::parse(""), Err(SecretError::Count(0)));
        assert_eq!(Secret::parse(&"的".repeat(4000)), Err(SecretError::Count(4000)));
    }

    #[test]
    fn keys_of_different_uses_origins_and_secrets_have_nothing_in_common() {
        let (report, reward) =
            (StreamId::new(StreamKind::Report, Id([1; 16])), StreamId::new(StreamKind::Reward, Id([2; 16])));
        let sign = secret(7).sign_key(ORIGIN, &report).expect("key");
        let claim = secret(7).claim_key(ORIGIN, &reward).expect("key");
        assert_eq!(sign.name(), format!("{ORIGIN}/{report}"));
        assert_eq!(claim.name(), format!("{ORIGIN}/{reward}"));
        assert_ne!(sign.vkey().key(), claim.vkey().key());
        let elsewhere = secret(7).sign_key("anshan.example/ledger", &report).expect("key");
        assert_ne!(sign.vkey().key(), elsewhere.vkey().key());
        assert_ne!(secret(7).command_id(ORIGIN), secret(8).command_id(ORIGIN));
        // The same words for a report and for an internal report.
        let inside = StreamId::new(StreamKind::Concern, Id([1; 16]));
        let raised = secret(7).concern_key(ORIGIN, &inside).expect("key");
        assert_eq!(raised.name(), format!("{ORIGIN}/{inside}"));
        assert!(![sign.vkey().key(), claim.vkey().key()].contains(&raised.vkey().key()));
        assert_ne!(secret(7).concern_command_id(ORIGIN), secret(7).command_id(ORIGIN));
        assert_ne!(secret(7).concern_voucher(ORIGIN, &inside), secret(7).voucher(ORIGIN, &inside));
        assert_eq!(format!("{:?}", secret(7)), "Secret");
    }

    #[test]
    fn a_voucher_is_found_however_it_is_typed_and_each_reward_has_another() {
        let reward = StreamId::new(StreamKind::Reward, Id([2; 16]));
        let code = secret(7).voucher(ORIGIN, &reward);
        assert_eq!((code.len(), code.matches('-').count()), (19, 3));
        let typed = code.to_uppercase().replace('-', " ").replace('0', "O").replace('1', "l");
        assert_eq!(voucher_hash(&typed), voucher_hash(&code));
        let other = StreamId::new(StreamKind::Reward, Id([3; 16]));
        assert_ne!(voucher_hash(&secret(7).voucher(ORIGIN, &other)), voucher_hash(&code));
        assert_ne!(secret(8).voucher(ORIGIN, &reward), code);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(bytes in any::<[u8; 16]>()) {
            let secret = Secret(Zeroizing::new(bytes));
            for script in [Script::Chinese, Script::English] {
                prop_assert_eq!(Secret::parse(&secret.text(script)), Ok(secret.clone()));
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = Secret::parse(&text);
        }
    }
}
