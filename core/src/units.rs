//! Units that must not be mixed up: position, revision, instant, day, money.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, TimeZone, Timelike, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Leaf index of an entry in the log: 0, 1, 2 … without gaps. Only the log decides it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Position(pub u64);

/// Index of an entry in its own stream: 0, 1, 2 …
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An instant in UTC with the resolution of a second. Written as RFC 3339, `2026-11-24T02:03:04Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Seconds from `earlier` to `self`; negative when `self` is before it.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The civil day of this instant in Asia/Shanghai.
    pub fn day(self) -> Day {
        Day(self.in_shanghai().date_naive())
    }

    /// Day and minute in Asia/Shanghai, for people: `2026-11-24 10:03`.
    pub fn local(self) -> String {
        let local = self.in_shanghai();
        format!("{} {:02}:{:02}", self.day(), local.hour(), local.minute())
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0, 0).unwrap_or_default()
    }

    fn in_shanghai(self) -> DateTime<FixedOffset> {
        self.utc().with_timezone(&shanghai())
    }
}

/// Asia/Shanghai has stood at UTC+8 without summer time since 1991, before any date of this domain.
fn shanghai() -> FixedOffset {
    FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| chrono::Offset::fix(&Utc))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = self.utc();
        let day = Day(utc.date_naive());
        write!(f, "{day}T{:02}:{:02}:{:02}Z", utc.hour(), utc.minute(), utc.second())
    }
}

/// A text that is not the unit it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {expected}: {found:?}")]
pub struct ParseUnitError {
    pub expected: &'static str,
    pub found: String,
}

impl ParseUnitError {
    pub(crate) fn new(expected: &'static str, found: &str) -> Self {
        Self { expected, found: found.chars().take(64).collect() }
    }
}

impl FromStr for Timestamp {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseUnitError::new("RFC 3339 instant in UTC with whole seconds", text);
        // Fixed places: one spelling only, so that what is hashed has one form.
        let (day, time) = text.split_once('T').ok_or_else(error)?;
        let day: Day = day.parse().map_err(|_| error())?;
        let [h1, h0, b':', m1, m0, b':', s1, s0, b'Z'] = *time.as_bytes() else { return Err(error()) };
        let (hour, minute, second) = (digits(&[h1, h0]), digits(&[m1, m0]), digits(&[s1, s0]));
        let time = || chrono::NaiveTime::from_hms_opt(hour?, minute?, second?);
        time().map(|time| Self(day.0.and_time(time).and_utc().timestamp())).ok_or_else(error)
    }
}

/// A number written with ASCII digits alone.
fn digits(bytes: &[u8]) -> Option<u32> {
    bytes
        .iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
}

/// A civil day in Asia/Shanghai. Written `2026-11-24`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub NaiveDate);

impl Day {
    /// `None` for a date that does not exist, such as 30 February.
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).map(Self)
    }

    /// So many days after 1970-01-01; saturates at the ends of the calendar.
    pub fn from_epoch_days(days: i32) -> Self {
        let end = if days < 0 { NaiveDate::MIN } else { NaiveDate::MAX };
        Self(NaiveDate::from_epoch_days(days).unwrap_or(end))
    }

    pub fn year(self) -> i32 {
        self.0.year()
    }

    /// Year, month and day of the month, for formats that count no year before 1 or after 9999.
    pub fn parts(self) -> (u16, u8, u8) {
        let small = |number: u32| u8::try_from(number).unwrap_or_default();
        (u16::try_from(self.year()).unwrap_or_default(), small(self.0.month()), small(self.0.day()))
    }

    /// 0 for January.
    pub fn month0(self) -> i32 {
        i32::try_from(self.0.month0()).unwrap_or_default()
    }

    /// `days` calendar days later; saturates at the ends of the calendar.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        let moved = chrono::TimeDelta::try_days(days).and_then(|d| self.0.checked_add_signed(d));
        Self(moved.unwrap_or(if days < 0 { NaiveDate::MIN } else { NaiveDate::MAX }))
    }

    /// Calendar days from `earlier` to `self`.
    pub fn days_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).num_days()
    }

    /// The first instant of this day in Asia/Shanghai.
    pub fn start(self) -> Timestamp {
        let midnight = self.0.and_time(chrono::NaiveTime::MIN);
        shanghai().from_local_datetime(&midnight).single().map_or(Timestamp(0), |t| Timestamp(t.timestamp()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl FromStr for Day {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseUnitError::new("day written as 2026-11-24", text);
        let [y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0] = *text.as_bytes() else { return Err(error()) };
        let (year, month, day) = (digits(&[y3, y2, y1, y0]), digits(&[m1, m0]), digits(&[d1, d0]));
        let day = || NaiveDate::from_ymd_opt(i32::try_from(year?).ok()?, month?, day?);
        day().map(Self).ok_or_else(error)
    }
}

/// Money in fen (1/100 yuan). Never a float. As text, yuan with exactly two decimals: `3000.00`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fen(pub i64);

impl Fen {
    pub const ZERO: Self = Self(0);

    /// `None` on overflow.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

impl FromStr for Fen {
    type Err = ParseUnitError;

    /// Reads yuan with at most two decimals: `12000`, `12000.5`, `12000.50`. Refuses fractions of a fen,
    /// signs, separators and blanks.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseUnitError::new("amount in yuan with at most two decimals", text);
        let (yuan, fraction) = text.split_once('.').unwrap_or((text, "00"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(yuan) || !digits(fraction) || fraction.len() > 2 {
            return Err(error());
        }
        let yuan: i64 = yuan.parse().map_err(|_| error())?;
        let fraction: i64 = format!("{fraction:0<2}").parse().map_err(|_| error())?;
        yuan.checked_mul(100).and_then(|fen| fen.checked_add(fraction)).map(Self).ok_or_else(error)
    }
}

/// Serde and JSON Schema through the text form.
macro_rules! as_text {
    ($($type:ty, $schema:literal, $format:expr);* $(;)?) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $schema.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $format
            }
        }
    )*};
}
pub(crate) use as_text;

as_text! {
    Timestamp, "Timestamp", schemars::json_schema!({"type": "string", "format": "date-time"});
    Day, "Day", schemars::json_schema!({"type": "string", "format": "date"});
    Fen, "Yuan", schemars::json_schema!({"type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,2})?$"});
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_with_a_fraction_of_a_fen_is_refused() {
        for text in
            ["1.001", "", ".5", "5.", "-1", "+1", "1,000", "1e3", " 1", "1 ", "٣", "99999999999999999999"]
        {
            assert!(text.parse::<Fen>().is_err(), "{text:?} was read as money");
        }
        assert_eq!("12000.5".parse::<Fen>().map(|f| f.to_string()), Ok("12000.50".into()));
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        for text in ["2023-02-29", "2024-2-9", "2024-13-01", "24-01-01", "2024-01-01T00:00:00Z"] {
            assert!(text.parse::<Day>().is_err(), "{text:?} was read as a day");
        }
        assert!("2024-02-29".parse::<Day>().is_ok());
    }

    #[test]
    fn the_day_turns_at_midnight_in_shanghai() {
        let before: Timestamp = "2024-05-09T15:59:59Z".parse().expect("instant");
        assert_eq!(before.day().to_string(), "2024-05-09");
        assert_eq!(before.plus_seconds(1).day().to_string(), "2024-05-10");
        assert_eq!(before.plus_seconds(1).day().start(), before.plus_seconds(1));
    }

    #[test]
    fn days_and_instants_are_written_as_chrono_writes_them() {
        for second in (0..4_102_444_800).step_by(86_399 * 7) {
            let stamp = Timestamp(second);
            let chrono = stamp.utc();
            assert_eq!(stamp.to_string(), chrono.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
            assert_eq!(stamp.to_string().parse(), Ok(stamp));
            assert_eq!(stamp.day().to_string(), stamp.day().0.format("%Y-%m-%d").to_string());
            assert_eq!(stamp.day().to_string().parse(), Ok(stamp.day()));
        }
    }

    #[test]
    fn an_instant_has_one_spelling() {
        for text in [
            "2024-05-10T00:00:00+08:00",
            "2024-05-10T00:00:00.0Z",
            "2024-05-10 00:00:00Z",
            "2024-05-10T24:00:00Z",
            "2024-05-10T23:59:60Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text:?} was read as an instant");
        }
    }
}
