//! The second factor: a code of six digits that an authenticator app makes anew every thirty seconds (RFC 6238).

use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

/// Bytes of a secret, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// Steps of thirty seconds by which the clocks may differ.
const STEPS: u16 = 1;

/// For how long one code of a second factor is shown (RFC 6238).
pub(crate) const CODE_SECONDS: u64 = 30;
/// Wrong codes in that time; then the next one is waited for.
const WRONG_CODES_MAX: u32 = 5;
/// Wrong codes in a row after which each next one is waited for twice as long: a hand that slips makes a few, and each has three chances in a
/// million.
const WRONG_CODES_FREE: u32 = 20;
/// The longest wait, as a power of two of steps: 64 minutes, so 23 tries a day.
const WRONG_STEPS_LOG2_MAX: u32 = 7;

/// The secret that an authenticator app and this server share.
pub(crate) struct SecondFactor {
    secret: Zeroizing<[u8; SECRET_BYTES]>,
    totp: Totp,
}

impl SecondFactor {
    /// A new one.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut secret = Zeroizing::new([0_u8; SECRET_BYTES]);
        getrandom::fill(secret.as_mut())?;
        Self::of(secret.as_ref()).ok_or(getrandom::Error::UNEXPECTED)
    }

    /// The one with these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let secret = Zeroizing::new(<[u8; SECRET_BYTES]>::try_from(bytes).ok()?);
        let totp = Builder::new().with_secret(Secret::from(*secret)).with_skew(STEPS).build().ok()?;
        Some(Self { secret, totp })
    }

    /// The one that a page showed, as it was typed or sent back.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::of(Secret::try_from_base32(text).ok()?.as_ref())
    }

    pub(crate) fn secret(&self) -> &[u8] {
        self.secret.as_ref()
    }

    /// The secret in the letters that people type into their app.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(Secret::from(*self.secret).to_base32())
    }

    /// What the app reads from a QR code. `account` has letters and digits alone.
    pub(crate) fn address(&self, account: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("otpauth://totp/Adit:{account}?secret={}&issuer=Adit", self.text().as_str()))
    }

    /// The step whose code this is, if it is one of now.
    pub(crate) fn check(&self, code: &str, seconds: u64) -> Option<u64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        self.totp.check(&code, seconds)
    }

    /// The code of a time.
    #[cfg(test)]
    pub(crate) fn code(&self, seconds: u64) -> String {
        self.totp.generate(seconds).to_string()
    }
}

/// Wrong codes of one account.
#[derive(Clone, Copy, Default)]
pub(crate) struct WrongCodes {
    /// The step of the last one, and how many there were in it.
    at: u64,
    in_step: u32,
    /// Since the last right one.
    in_row: u32,
}

impl WrongCodes {
    /// Whether a code is looked at in a step.
    pub(crate) fn lets_try(self, now: u64) -> bool {
        let steps = 1_u64 << self.in_row.saturating_sub(WRONG_CODES_FREE).min(WRONG_STEPS_LOG2_MAX);
        let waited = self.in_row < WRONG_CODES_FREE || now >= self.at.saturating_add(steps);
        waited && (self.at != now || self.in_step < WRONG_CODES_MAX)
    }

    pub(crate) fn after(self, now: u64) -> Self {
        let in_step = if self.at == now { self.in_step.saturating_add(1) } else { 1 };
        Self { at: now, in_step, in_row: self.in_row.saturating_add(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: SHA-1, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let factor = SecondFactor::of(b"12345678901234567890").expect("a factor");
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(factor.code(seconds), code);
            assert!(factor.check(code, seconds).is_some());
        }
        assert!(factor.check("287 082", 59).is_some(), "a blank is how apps show it");
        assert!(factor.check("287082", 59 + 90).is_none());
        assert_eq!(SecondFactor::parse(&factor.text()).expect("the same").secret(), factor.secret());
    }

    #[test]
    fn given_many_wrong_codes_in_a_row_then_each_next_one_waits_twice_as_long() {
        let (mut wrong, mut now, mut tried) = (WrongCodes::default(), 1_000, 0);
        // A year of somebody who has the password, and tries whenever one is looked at.
        let year = now + 365 * 24 * 3600 / CODE_SECONDS;
        while now < year {
            if wrong.lets_try(now) {
                wrong = wrong.after(now);
                tried += 1;
            } else {
                now += 1;
            }
        }
        assert!((8_000..9_000).contains(&tried), "{tried} tries in a year, of a million codes");
    }
}
