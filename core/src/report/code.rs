//! Codes of sixteen digits that work once: with one a reporter picks up what a clerk took down, with one somebody joins a
//! report. No code is kept anywhere.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::id::CommandId;
use crate::ledger::vkey::SigningKey;
use crate::secret::{Secret, derive};

/// Digits of a code: 53 bits.
pub const CODE_DIGITS: usize = 16;
/// Longest text that is read as a code or a case number, in bytes.
const TEXT_BYTES_MAX: usize = 200;

/// The one-time code. Leaves memory when it is dropped; is shown by [`OneTimeCode::text`] alone.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeCode(Zeroizing<String>);

impl OneTimeCode {
    /// Reads what somebody typed: full width, spaces and dashes do not matter.
    pub fn parse(text: &str) -> Option<Self> {
        digits(text, CODE_DIGITS).map(Self)
    }

    /// The code that a clerk reads out for a report. It follows from the clerk's key and the command's id: a command that is sent
    /// again after its answer was lost has the same code, and nothing keeps it meanwhile.
    pub fn of_clerk(clerk: &SigningKey, origin: &str, command: &CommandId) -> Self {
        Self::of(&derive(clerk.seed().as_ref(), origin, &format!("pickup {command}")))
    }

    /// The code that a reporter hands on to somebody who is to join. It follows from the reporter's secret and the invitation's number, so that
    /// whoever has the secret reads it again, and nothing keeps it.
    pub fn of_reporter(secret: &Secret, origin: &str, invitation: &str) -> Self {
        Self::of(&secret.seed_of(origin, &format!("invitation {invitation}")))
    }

    /// A number of sixteen digits from 128 bits.
    fn of(bytes: &[u8; 32]) -> Self {
        let mut number = 0_u128;
        for byte in bytes.iter().take(16) {
            number = (number << 8) | u128::from(*byte);
        }
        Self(Zeroizing::new(format!("{:016}", number % 10_u128.pow(16))))
    }

    /// Four groups of four digits.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(grouped(&self.0))
    }

    /// The digits alone, which the slow hash is made of.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The first byte of a quick hash.
    pub(super) fn filter(&self, salt: &str) -> u8 {
        let mut hasher = blake3::Hasher::new_derive_key("adit.v1 pickup filter");
        hasher.update(salt.as_bytes());
        hasher.update(self.0.as_bytes());
        hasher.finalize().as_bytes()[0]
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode")
    }
}

/// Exactly so many digits, and nothing else but what separates them.
pub(super) fn digits(text: &str, many: usize) -> Option<Zeroizing<String>> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let mut found = Zeroizing::new(String::with_capacity(many));
    for c in text.nfkc() {
        match c {
            '0'..='9' if found.len() < many => found.push(c),
            c if c.is_alphanumeric() => return None,
            _ => {}
        }
    }
    (found.len() == many).then_some(found)
}

/// Digits in groups of four.
pub(super) fn grouped(digits: &str) -> String {
    let groups: Vec<&str> = (0..digits.len()).step_by(4).filter_map(|at| digits.get(at..at + 4)).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Id;
    use proptest::prelude::*;

    fn code(text: &str) -> OneTimeCode {
        OneTimeCode::parse(text).expect("a code")
    }

    #[test]
    fn a_code_is_read_however_it_is_spaced_and_nothing_else_is() {
        let one = code("1234 5678 9012 3456");
        for spelled in ["1234567890123456", " 1234-5678-9012-3456 ", "１２３４　５６７８、９０１２／３４５６"]
        {
            assert_eq!(OneTimeCode::parse(spelled), Some(one.clone()), "{spelled}");
        }
        for wrong in ["", "1234 5678 9012 345", "1234 5678 9012 34567", "1234 5678 9012 345x", "一二三四"]
        {
            assert_eq!(OneTimeCode::parse(wrong), None, "{wrong}");
        }
        assert_eq!(one.text().as_str(), "1234 5678 9012 3456");
        assert_eq!(format!("{one:?}"), "OneTimeCode");
    }

    #[test]
    fn the_same_clerk_and_command_have_the_same_code_and_others_another() {
        let key = |seed| SigningKey::from_seed("a.example/actor/x", &[seed; 32]).expect("key");
        let of = |seed, id| OneTimeCode::of_clerk(&key(seed), "a.example", &CommandId(Id([id; 16])));
        assert_eq!(of(1, 1), of(1, 1));
        assert_ne!(of(1, 1), of(1, 2));
        assert_ne!(of(1, 1), of(2, 1));
        assert_eq!(of(1, 1).digits().len(), CODE_DIGITS);
    }

    #[test]
    fn the_same_secret_and_invitation_have_the_same_code_and_others_another() {
        let [one, other] = [(); 2].map(|()| Secret::generate().expect("a secret"));
        let again = Secret::parse(&one.text(crate::secret::Script::Chinese)).expect("a secret");
        let of = |secret, invitation| OneTimeCode::of_reporter(secret, "a.example", invitation);
        assert_eq!(of(&one, "x"), of(&again, "x"));
        assert_ne!(of(&one, "x"), of(&one, "y"));
        assert_ne!(of(&one, "x"), of(&other, "x"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = OneTimeCode::parse(&text);
        }
    }
}
