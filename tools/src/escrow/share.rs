//! A share of the escrow key as a custodian keeps it on paper: words and a checksum (2 of 3, Shamir over GF(256)).

use std::fmt::{self, Write as _};

use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::seal::Identity;
use adit_core::secret::officer_identity;
use anyhow::Result;
use bip39::{Language, Mnemonic};
use blahaj::Sharks;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::failure::fail;

/// Shares that are made, and how many of them open.
pub(super) const SHARES: usize = 3;
const OPEN: u8 = 2;
/// Bytes of the key.
const KEY_BYTES: usize = 32;
/// Longest file that is read as a share.
const SHARE_BYTES_MAX: usize = 16 * 1024;

/// One share, with the name of the key that it is a part of.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Share {
    number: u8,
    origin: String,
    recipient: String,
    part: Zeroizing<[u8; KEY_BYTES]>,
}

/// The shares of a key. Any two of them give it back; one alone says nothing of it.
pub(super) fn split(key: &SigningKey, origin: &str) -> Result<Vec<Share>> {
    let recipient = officer_identity(key, origin).recipient();
    let mut shares = Vec::new();
    for dealt in Sharks(OPEN).dealer(key.seed().as_ref()).take(SHARES) {
        let bytes = Zeroizing::new(Vec::from(&dealt));
        let mut part = Zeroizing::new([0; KEY_BYTES]);
        let (number, rest) = bytes.split_first().ok_or_else(wrong)?;
        part.as_mut_slice().copy_from_slice(rest.get(..KEY_BYTES).ok_or_else(wrong)?);
        shares.push(Share { number: *number, origin: origin.to_owned(), recipient: recipient.clone(), part });
    }
    // Nobody may find out years later that they do not open.
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let pair = shares.get(one).zip(shares.get(other)).ok_or_else(wrong)?;
        join(pair.0, pair.1)?;
    }
    Ok(shares)
}

/// The identity of which two shares are.
pub(super) fn join(one: &Share, other: &Share) -> Result<Identity> {
    if one.number == other.number {
        return Err(fail(
            "两个文件是同一份分片，需要另一位保管人的分片",
            "both files are the same share; the share of another custodian is needed",
        ));
    }
    if (&one.origin, &one.recipient) != (&other.origin, &other.recipient) {
        return Err(fail(
            "两份分片不属于同一把托管密钥",
            "the two shares are not of the same escrow key: compare their origin and recipient lines",
        ));
    }
    let dealt = [one, other].map(|share| {
        let bytes = Zeroizing::new([&[share.number][..], share.part.as_slice()].concat());
        blahaj::Share::try_from(bytes.as_slice()).map_err(|_| wrong())
    });
    let [first, second] = dealt;
    let seed = Zeroizing::new(Sharks(OPEN).recover(&[first?, second?]).map_err(|_| wrong())?);
    let seed: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(seed.as_slice().try_into()?);
    let identity = officer_identity(&SigningKey::from_seed(&one.origin, &seed)?, &one.origin);
    if identity.recipient() == one.recipient { Ok(identity) } else { Err(wrong()) }
}

fn wrong() -> anyhow::Error {
    fail(
        "两份分片合不成这把托管密钥：至少有一份被改动过",
        "the two shares do not make this escrow key: one of them was changed",
    )
}

impl Share {
    pub(super) fn number(&self) -> u8 {
        self.number
    }

    fn words(&self, language: Language) -> Result<Vec<&'static str>> {
        Ok(Mnemonic::from_entropy_in(language, self.part.as_slice())?.words().collect())
    }

    /// Eight digits over everything in the share, so that a slip of the pen is found before two shares come together.
    fn check(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(format!("adit escrow share\n{}\n{}\n{}\n", self.number, self.origin, self.recipient));
        hasher.update(self.part.as_slice());
        hex(&hasher.finalize()[..4])
    }

    /// The text that is printed and kept.
    pub(super) fn text(&self) -> Result<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::new());
        let chinese: Vec<String> =
            self.words(Language::SimplifiedChinese)?.chunks(6).map(<[&str]>::concat).collect();
        writeln!(
            text,
            "明硐托管密钥的一份分片。任意两份可以打开全部封存的举报材料；一份什么也打不开。请手抄或打印，锁在保险柜里，不要拍照，不要存入联网的设备。\n\
             A share of Adit's escrow key. Any two open everything that was sealed; one opens nothing. Keep it on paper in a safe, never as a\n\
             photograph, never on a device that goes online. The Chinese words and the English ones are the same share: either is enough.\n"
        )?;
        writeln!(text, "share {} of {SHARES}, any {OPEN} open", self.number)?;
        writeln!(text, "origin {}", self.origin)?;
        writeln!(text, "recipient {}", self.recipient)?;
        writeln!(text, "zh {}", chinese.join(" "))?;
        for line in self.words(Language::English)?.chunks(6) {
            writeln!(text, "en {}", line.join(" "))?;
        }
        write!(text, "check {}", self.check())?;
        Ok(text)
    }

    /// Reads what a custodian kept or typed again: lines in any order, one of the two languages is enough.
    pub(super) fn parse(text: &str, name: &str) -> Result<Self> {
        if text.len() > SHARE_BYTES_MAX {
            return Err(not_a_share(name));
        }
        let lines: Vec<(&str, &str)> =
            text.lines().filter_map(|line| line.trim().split_once(char::is_whitespace)).collect();
        let line = |word: &str| lines.iter().find(|(first, _)| *first == word).map(|(_, rest)| rest.trim());
        let all = |word: &str| {
            lines.iter().filter(|(first, _)| *first == word).map(|(_, rest)| rest.trim()).collect::<Vec<_>>()
        };
        let number = line("share").and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        let (Some(number), Some(origin), Some(recipient), Some(check)) = (
            number.filter(|number| (1..=SHARES).contains(&usize::from(*number))),
            line("origin"),
            line("recipient"),
            line("check"),
        ) else {
            return Err(not_a_share(name));
        };
        let chinese: Vec<String> =
            all("zh").concat().chars().filter(|c| !c.is_whitespace()).map(String::from).collect();
        let english: Vec<String> = all("en").join(" ").split_whitespace().map(str::to_lowercase).collect();
        let mut parts = Vec::new();
        for (language, words) in [(Language::SimplifiedChinese, chinese), (Language::English, english)] {
            if words.is_empty() {
                continue;
            }
            if let Some(nth) = words.iter().position(|word| language.find_word(word).is_none()) {
                return Err(fail(
                    format!("分片 {name} 的第 {} 个字（词）不在字表里，请对照原件", nth + 1),
                    format!(
                        "word {} of the share {name} is not in the list; compare it with the original",
                        nth + 1
                    ),
                ));
            }
            let mnemonic =
                Mnemonic::parse_in_normalized(language, &words.join(" ")).map_err(|_| damaged(name))?;
            parts.push(Zeroizing::new(mnemonic.to_entropy()));
        }
        let Some(first) = parts.first() else { return Err(not_a_share(name)) };
        if parts.iter().any(|part| part != first) {
            return Err(damaged(name));
        }
        let part: Zeroizing<[u8; KEY_BYTES]> =
            Zeroizing::new(first.as_slice().try_into().map_err(|_| damaged(name))?);
        let share = Self { number, origin: origin.to_owned(), recipient: recipient.to_owned(), part };
        let squeezed: String = check.chars().filter(char::is_ascii_alphanumeric).collect();
        if share.check() == squeezed.to_lowercase() { Ok(share) } else { Err(damaged(name)) }
    }
}

/// Never shows a word of the share.
impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share {}", self.number)
    }
}

fn not_a_share(name: &str) -> anyhow::Error {
    fail(
        format!("{name} 不是托管密钥的分片，或缺了行（share、origin、recipient、zh 或 en、check）"),
        format!(
            "{name} is not a share of an escrow key, or lacks a line: share, origin, recipient, zh or en, check"
        ),
    )
}

fn damaged(name: &str) -> anyhow::Error {
    fail(
        format!("分片 {name} 与校验值不符：有字抄错，或被改动过；请对照原件"),
        format!(
            "the share {name} does not fit its checksum: a word was copied wrongly, or it was changed; compare it with the original"
        ),
    )
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test says what it expects and stops where that does not hold")]
mod tests {
    use super::*;

    const ORIGIN: &str = "xiuyan.example/ledger";

    fn shares() -> (SigningKey, Vec<Share>) {
        let key = SigningKey::generate(&format!("{ORIGIN}/actor/x")).expect("a key");
        let shares = split(&key, ORIGIN).expect("shares");
        (key, shares)
    }

    fn read(text: &str) -> Result<Share> {
        Share::parse(text, "share.txt")
    }

    #[test]
    fn any_two_shares_give_the_key_back_and_either_language_is_enough() {
        let (key, shares) = shares();
        let recipient = officer_identity(&key, ORIGIN).recipient();
        for (one, other) in [(0, 1), (1, 2), (2, 0)] {
            assert_eq!(join(&shares[one], &shares[other]).expect("joined").recipient(), recipient);
        }
        let text = shares[1].text().expect("text");
        for without in ["zh ", "en "] {
            let fewer: Vec<&str> = text.lines().filter(|line| !line.starts_with(without)).collect();
            assert_eq!(read(&fewer.join("\r\n")).expect("a share"), shares[1]);
        }
        let spaced = text.replace("en ", "en   ").replace("check ", "check\t");
        assert_eq!(read(&spaced).expect("a share"), shares[1]);
    }

    #[test]
    fn the_same_share_twice_and_shares_of_two_keys_are_refused() {
        let (_, shares) = shares();
        let (_, others) = self::shares();
        assert!(join(&shares[0], &shares[0]).is_err());
        assert!(join(&shares[0], &others[1]).is_err());
        let changed = Share { recipient: others[0].recipient.clone(), ..shares[0].clone() };
        let also = Share { recipient: others[0].recipient.clone(), ..shares[1].clone() };
        assert!(join(&changed, &also).is_err(), "the key that they make has another recipient");
    }

    #[test]
    fn every_changed_word_and_line_is_found() {
        let (_, shares) = shares();
        let text = shares[0].text().expect("text");
        for line in text.lines().filter(|line| {
            ["share", "origin", "recipient", "zh", "en", "check"]
                .contains(&line.split(' ').next().unwrap_or_default())
        }) {
            let words: Vec<&str> = line.split(' ').collect();
            let mut wrong = words.clone();
            let last = wrong.len() - 1;
            let other = match words[0] {
                "share" => "2",
                "zh" => "的的的的的的",
                "en" => "zoo",
                _ => "0000000x",
            };
            wrong[if words[0] == "share" { 1 } else { last }] = other;
            assert!(read(&text.replace(line, &wrong.join(" "))).is_err(), "{}", words[0]);
        }
        assert!(read("").is_err());
        assert!(read(&"x".repeat(SHARE_BYTES_MAX + 1)).is_err());
    }
}
