//! JSON that is refused by name: what is wrong and where, never the value that was sent.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::problem::{ApiRefusal, Problem};

/// Deepest nesting of a request; the deepest command has four levels.
const DEPTH_MAX: usize = 32;
/// Marks of our own errors in the parser's messages.
const DEEP: &str = "adit: too deep";
const TWICE: &str = "adit: key twice";

/// Reads a request: strict UTF-8, no key twice at any level, a limit on nesting, no unknown field.
pub(crate) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| ApiRefusal::NotUtf8)?;
    let mut scan = serde_json::Deserializer::from_str(text);
    let scanned = Strict { depth: 0 }.deserialize(&mut scan).and_then(|()| scan.end());
    scanned.map_err(|error| problem(&error))?;
    serde_json::from_str(text).map_err(|error| problem(&error))
}

/// The refusal for an error of the parser.
pub(crate) fn problem(error: &serde_json::Error) -> Problem {
    problem_at(error, error.line(), error.column())
}

/// As [`problem`], for a text that stands elsewhere than the parser thought.
pub(crate) fn problem_at(error: &serde_json::Error, line: usize, column: usize) -> Problem {
    let says = error.to_string();
    let (refusal, field) = match error.classify() {
        Category::Io | Category::Syntax | Category::Eof if says.starts_with("recursion limit") => {
            (ApiRefusal::TooDeep, None)
        }
        Category::Io | Category::Syntax | Category::Eof => (ApiRefusal::BadJson, None),
        Category::Data if says.starts_with(DEEP) => (ApiRefusal::TooDeep, None),
        Category::Data if says.starts_with(TWICE) || says.starts_with("duplicate field") => {
            (ApiRefusal::DuplicateKey, None)
        }
        // The name of a missing field is ours; that of an unknown one is the sender's, and stays unsaid.
        Category::Data if says.starts_with("missing field") => {
            (ApiRefusal::MissingField, says.split('`').nth(1))
        }
        Category::Data if says.starts_with("unknown field") => (ApiRefusal::UnknownField, None),
        Category::Data => (ApiRefusal::WrongValue, None),
    };
    let problem = Problem::from(refusal).with("line", &line.to_string()).with("column", &column.to_string());
    match field {
        Some(field) => problem.with("field", field),
        None => problem,
    }
}

/// Line and column, from 1, of the place that is `offset` bytes into `text`.
pub(crate) fn place(text: &[u8], offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.split(|byte| *byte == b'\n').count();
    (line, before.len() - line_start + 1)
}

/// Walks through any JSON value and keeps nothing.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= DEPTH_MAX {
            return Err(E::custom(DEEP));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut seen = BTreeSet::new();
        while let Some(key) = fields.next_key::<String>()? {
            if !seen.insert(key) {
                return Err(A::Error::custom(TWICE));
            }
            fields.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bytes: &[u8]) -> String {
        read::<serde_json::Value>(bytes).expect_err("read").refusal.code
    }

    #[test]
    fn a_key_twice_at_any_level_is_refused() {
        assert_eq!(code(br#"{"a":{"b":1,"b":2}}"#), "api.duplicate_key");
        assert_eq!(code(br#"[{"a":1,"\u0061":2}]"#), "api.duplicate_key");
    }

    #[test]
    fn nesting_has_a_limit() {
        let deep = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
        assert!(read::<serde_json::Value>(&deep(DEPTH_MAX)).is_ok());
        assert_eq!(code(&deep(DEPTH_MAX + 1)), "api.too_deep");
        assert_eq!(code(&deep(100_000)), "api.too_deep");
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [&b"{"[..], b"NaN", b"{\"a\":1}x", b"\"\\ud800\"", b"1e999", b""] {
            assert_eq!(code(text), "api.bad_json", "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(code(b"\"\xff\""), "api.not_utf8");
    }

    #[test]
    fn a_place_is_counted_from_one() {
        assert_eq!(place(b"ab\ncd", 0), (1, 1));
        assert_eq!(place(b"ab\ncd", 4), (2, 2));
    }
}
