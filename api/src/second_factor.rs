//! The second factor: a code of six digits that an authenticator app makes anew every thirty seconds (RFC 6238).

use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

/// Bytes of a secret, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// Steps of thirty seconds by which the clocks may differ.
const STEPS: u16 = 1;

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
}
