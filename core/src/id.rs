//! Identifiers: 128 random bits, written as 26 characters of lower-case Crockford base 32. No time in them.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::units::{ParseUnitError, as_text};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The value of each byte as a digit; 255 for one that is none.
const DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut value = 0;
    while value < 32 {
        digits[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

/// 128 random bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub [u8; 16]);

impl Id {
    /// Fresh from the operating system's randomness.
    ///
    /// # Errors
    /// When the operating system gives none; nothing can be done safely then.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = u128::from_be_bytes(self.0);
        let mut text = [0_u8; 26];
        for (i, slot) in text.iter_mut().enumerate() {
            *slot = ALPHABET[((value >> (125 - 5 * i)) & 31) as usize];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Id {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseUnitError::new("26-character identifier", text);
        // 26 characters carry 130 bits; the two highest must be zero, so that each id has one spelling.
        if text.len() != 26 || text.as_bytes()[0] > b'7' {
            return Err(error());
        }
        let mut value = 0_u128;
        for byte in text.bytes() {
            let digit = DIGITS[usize::from(byte)];
            if digit == u8::MAX {
                return Err(error());
            }
            value = (value << 5) | u128::from(digit);
        }
        Ok(Self(value.to_be_bytes()))
    }
}

/// A person or system that signs, `<origin>/actor/<id>` in key names. Never a person's name.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct ActorId(pub Id);

/// Idempotency key of one command: the same id gives the same answer.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct CommandId(pub Id);

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ActorId {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl FromStr for CommandId {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The kinds of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    Hazard,
    Report,
    Reward,
    Enterprise,
    Inspection,
    Actor,
    Rules,
    Ledger,
    Inquiry,
    Access,
    Concern,
}

impl StreamKind {
    pub const ALL: [Self; 11] = [
        Self::Hazard,
        Self::Report,
        Self::Reward,
        Self::Enterprise,
        Self::Inspection,
        Self::Actor,
        Self::Rules,
        Self::Ledger,
        Self::Inquiry,
        Self::Access,
        Self::Concern,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Hazard => "hazard",
            Self::Report => "report",
            Self::Reward => "reward",
            Self::Enterprise => "enterprise",
            Self::Inspection => "inspection",
            Self::Actor => "actor",
            Self::Rules => "rules",
            Self::Ledger => "ledger",
            Self::Inquiry => "inquiry",
            Self::Access => "access",
            Self::Concern => "concern",
        }
    }

    /// Report, reward, access and concern streams show nothing that ties them to anything else: officers and enterprises sign there
    /// with one-time keys, and no command writes to such a stream and to another one.
    pub fn is_unlinkable(self) -> bool {
        matches!(self, Self::Report | Self::Reward | Self::Access | Self::Concern)
    }
}

/// `<kind>/<26 characters>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    pub kind: StreamKind,
    pub id: Id,
}

impl StreamId {
    pub fn new(kind: StreamKind, id: Id) -> Self {
        Self { kind, id }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.name(), self.id)
    }
}

impl FromStr for StreamId {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseUnitError::new("stream such as hazard/<26 characters>", text);
        let (kind, id) = text.split_once('/').ok_or_else(error)?;
        let kind = StreamKind::ALL.into_iter().find(|k| k.name() == kind).ok_or_else(error)?;
        Ok(Self { kind, id: id.parse().map_err(|_| error())? })
    }
}

as_text! {
    Id, "Id", schemars::json_schema!({"type": "string", "pattern": "^[0-7][0-9a-hjkmnp-tv-z]{25}$"});
    StreamId, "StreamId", schemars::json_schema!({"type": "string", "pattern": "^[a-z]+/[0-7][0-9a-hjkmnp-tv-z]{25}$"});
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = Id([0xff; 16]);
        assert_eq!(id.to_string(), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("8zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<Id>().is_err(), "more than 128 bits");
        assert!("7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<Id>().is_err(), "upper case");
        assert!("7zzzzzzzzzzzzzzzzzzzzzzzzi".parse::<Id>().is_err(), "i is not in the alphabet");
        assert!("€zzzzzzzzzzzzzzzzzzzzzzz".parse::<Id>().is_err(), "26 bytes but not ASCII");
    }
}
