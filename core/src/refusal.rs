//! Refusals and reasons: a code, what to fill in, and words in both languages that teach.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::decider::Rejection;

/// A language of the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    Zh,
    En,
}

/// Why a command was refused. Carries no text that somebody typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// `hazard.already_closed`: named after the broken rule.
    pub code: String,
    /// Numbers and names of ours that the words mention.
    pub details: BTreeMap<String, String>,
}

/// What a refusal says to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    pub says: String,
    /// What to do instead.
    pub instead: String,
    /// Which rule it protects.
    pub rule: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    says: String,
    #[serde(default)]
    instead: String,
    #[serde(default)]
    rule: String,
}

type Book = BTreeMap<String, Written>;

static ZH: LazyLock<Book> = LazyLock::new(|| read(include_str!("../words/zh.toml")));
static EN: LazyLock<Book> = LazyLock::new(|| read(include_str!("../words/en.toml")));

/// A word file that can't be read gives no words; a test reads both.
fn read(text: &str) -> Book {
    toml::from_str(text).unwrap_or_default()
}

impl Refusal {
    pub fn new(code: &str) -> Self {
        Self { code: code.to_owned(), details: BTreeMap::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.details.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The words; the bare code where there are none, which a test rules out for every code of ours.
    pub fn words(&self, lang: Lang) -> Words {
        let book = match lang {
            Lang::Zh => &*ZH,
            Lang::En => &*EN,
        };
        // A detail that is itself a code stands there in its words, which mention other details.
        let said = |value: &String| book.get(value).map_or_else(|| value.clone(), |own| own.says.clone());
        let once = |text: String| {
            self.details
                .iter()
                .fold(text, |text, (name, value)| text.replace(&format!("{{{name}}}"), &said(value)))
        };
        let fill = |text: &str| once(once(text.to_owned()));
        match book.get(&self.code) {
            Some(written) => Words {
                says: fill(&written.says),
                instead: fill(&written.instead),
                rule: fill(&written.rule),
            },
            None => Words { says: self.code.clone(), instead: String::new(), rule: String::new() },
        }
    }
}

impl<R: Rejection> From<R> for Refusal {
    fn from(rejection: R) -> Self {
        Self { code: rejection.code().to_owned(), details: rejection.details() }
    }
}

/// Whether both word files hold a code.
pub fn has_words(code: &str) -> bool {
    ZH.contains_key(code) && EN.contains_key(code)
}

/// Every code that has words, in order.
pub fn codes() -> impl Iterator<Item = &'static str> {
    ZH.keys().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_word_files_have_the_same_keys_and_no_empty_words() {
        assert!(ZH.len() > 50, "the Chinese words can't be read");
        assert_eq!(ZH.keys().collect::<Vec<_>>(), EN.keys().collect::<Vec<_>>());
        for (code, written) in ZH.iter().chain(EN.iter()) {
            assert!(!written.says.trim().is_empty(), "{code} says nothing");
        }
    }
}
