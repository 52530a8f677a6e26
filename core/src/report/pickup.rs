//! What a clerk took down by telephone, letter or visit, and the code of sixteen digits for which its reporter gets a secret of
//! their own, once.
//!
//! The code itself is kept nowhere. A slow hash of it, made outside of here, is the scalar of an age identity: what the office
//! writes before the reporter comes is sealed to that identity too, so that whoever brings the code can have it sealed
//! again to their own secret, without any officer's key. The report's body holds the salt and the public half; that public half
//! is also how a code is checked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::code::{OneTimeCode, digits, grouped};
use crate::id::StreamId;
use crate::ledger::vkey::hex;
use crate::seal::Identity;
use crate::text::Short;

/// Digits of a case number.
const NUMBER_DIGITS: usize = 12;

/// What the body of a report says of its code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pickup {
    /// Salt of the slow hash, 32 hexadecimal digits.
    pub salt: Short,
    /// age recipient of the identity whose scalar is the slow hash of the code.
    pub recipient: Short,
    /// One byte of a quick hash. It turns away 255 of 256 wrong codes at once, so that guesses do not keep the reporter waiting.
    pub filter: u8,
}

impl Pickup {
    /// For a code and its slow hash under this salt.
    pub fn new(salt: &[u8; 16], code: &OneTimeCode, slow: &[u8; 32]) -> Option<Self> {
        let salt = hex(salt);
        let filter = code.filter(&salt);
        let recipient = Identity::from_bytes(slow).recipient();
        Some(Self { salt: Short::new(&salt).ok()?, recipient: Short::new(&recipient).ok()?, filter })
    }

    /// What a code is compared with where no report has the case number: the same work, and no code fits.
    pub fn nowhere(number: &str) -> Option<Self> {
        let hash = blake3::derive_key("adit.v1 pickup nowhere", number.as_bytes());
        let salt = hex(&hash[..16]);
        Some(Self { salt: Short::new(&salt).ok()?, recipient: Short::new("nowhere").ok()?, filter: hash[16] })
    }

    /// Whether a code is worth a slow hash.
    pub fn may_be(&self, code: &OneTimeCode) -> bool {
        code.filter(self.salt.as_str()) == self.filter
    }

    /// The identity that reads what was written before the reporter came, if this is the slow hash of the code.
    pub fn identity(&self, slow: &[u8; 32]) -> Option<Identity> {
        let identity = Identity::from_bytes(slow);
        (identity.recipient() == self.recipient.as_str()).then_some(identity)
    }

    /// Whether `proof` is the slow hash, hexadecimal.
    pub(crate) fn is_proven_by(&self, proof: &str) -> bool {
        let mut slow = Zeroizing::new([0_u8; 32]);
        let digits = (0..32).map(|at| u8::from_str_radix(proof.get(2 * at..2 * at + 2)?, 16).ok());
        for (slot, digit) in slow.iter_mut().zip(digits) {
            let Some(digit) = digit else { return false };
            *slot = digit;
        }
        proof.len() == 64 && self.identity(&slow).is_some()
    }

    /// Stands for the reporter's keys until there are some. It is no key, so nobody signs with it.
    pub(crate) fn place(&self) -> String {
        format!("pickup {}", self.salt)
    }
}

/// The short public number of a report, for the telephone: twelve digits in three groups, the last a check digit (ISO 7064,
/// MOD 11,10). It follows from the report's stream id, is not secret, and opens nothing.
pub fn case_number(report: &StreamId) -> String {
    let mut seed = 0_u64;
    for byte in report.id.0.iter().take(8) {
        seed = (seed << 8) | u64::from(*byte);
    }
    let body = format!("{:011}", seed % 100_000_000_000);
    let check = check_digit(&body);
    grouped(&format!("{body}{check}"))
}

/// The check digit behind these digits.
fn check_digit(body: &str) -> u32 {
    let mut sum = 10;
    for digit in body.bytes() {
        sum = (sum + u32::from(digit - b'0')) % 10;
        sum = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    (11 - sum) % 10
}

/// Reads a case number that somebody typed, and tells one wrong digit.
pub fn parse_case_number(text: &str) -> Option<String> {
    let digits = digits(text, NUMBER_DIGITS)?;
    let (body, check) = digits.split_at_checked(NUMBER_DIGITS - 1)?;
    (check_digit(body).to_string() == check).then(|| grouped(&digits))
}

/// Index key of a report that waits for its reporter.
pub fn pickup_key(number: &str) -> String {
    format!("pickup/{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Id, StreamKind};
    use proptest::prelude::*;

    const SLOW: [u8; 32] = [5; 32];

    fn code(text: &str) -> OneTimeCode {
        OneTimeCode::parse(text).expect("a code")
    }

    #[test]
    fn only_the_slow_hash_proves_a_code_and_most_wrong_ones_are_turned_away_before_it() {
        let right = code("1234 5678 9012 3456");
        let pickup = Pickup::new(&[7; 16], &right, &SLOW).expect("a pickup");
        assert!(pickup.may_be(&right) && pickup.is_proven_by(&hex(&SLOW)));
        for wrong in ["", "00", &hex(&[6; 32]), &format!("{}0", hex(&SLOW)), &"é".repeat(32)] {
            assert!(!pickup.is_proven_by(wrong), "{wrong}");
        }
        let wrong = (0..4096).filter(|n| pickup.may_be(&code(&format!("{n:016}")))).count();
        assert!((2..64).contains(&wrong), "{wrong} of 4096 wrong codes pass");
        let nowhere = Pickup::nowhere("0000 0000 0000").expect("a pickup");
        assert!(nowhere.identity(&SLOW).is_none() && nowhere != pickup);
    }

    #[test]
    fn a_case_number_tells_one_wrong_digit_and_says_the_same_each_time() {
        let report = StreamId::new(StreamKind::Report, Id([0x5a; 16]));
        let number = case_number(&report);
        assert_eq!((number.clone(), number.len()), (case_number(&report), 14));
        assert_eq!(parse_case_number(&number.replace(' ', "-")), Some(number.clone()));
        for at in (0..14).filter(|at| number.as_bytes()[*at] != b' ') {
            for wrong in (b'0'..=b'9').filter(|wrong| *wrong != number.as_bytes()[at]) {
                let mut mistyped = number.clone().into_bytes();
                mistyped[at] = wrong;
                let mistyped = String::from_utf8(mistyped).expect("digits");
                assert_eq!(parse_case_number(&mistyped), None, "{mistyped}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = parse_case_number(&text);
        }
    }
}
