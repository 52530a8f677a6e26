//! The two languages of the reporter's pages, and their words.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use adit_core::refusal::{Lang, Refusal};
use adit_core::secret::Script;
use axum::http::{HeaderMap, header};

pub(crate) type Book = BTreeMap<String, String>;

static ZH: LazyLock<Book> = LazyLock::new(|| read(include_str!("../../words/reporter/zh.toml")));
static EN: LazyLock<Book> = LazyLock::new(|| read(include_str!("../../words/reporter/en.toml")));

/// A word file that can't be read gives no words; a test reads both.
pub(crate) fn read(text: &str) -> Book {
    let sections: BTreeMap<String, Book> = toml::from_str(text).unwrap_or_default();
    let named = |(section, words): (String, Book)| {
        words.into_iter().map(move |(key, word)| (format!("{section}.{key}"), word)).collect::<Vec<_>>()
    };
    sections.into_iter().flat_map(named).collect()
}

/// The language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Zh,
    En,
}

impl Language {
    /// What was asked for, `lang=en`; else what the browser prefers; else Chinese.
    pub(crate) fn of(query: Option<&str>, headers: &HeaderMap) -> Self {
        let asked = query.into_iter().flat_map(|query| query.split('&'));
        let asked = asked.filter_map(|pair| pair.strip_prefix("lang=")).find_map(Self::named);
        let prefers = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let prefers = prefers.and_then(|value| value.split([',', ';', '-']).next()).and_then(Self::named);
        asked.or(prefers).unwrap_or(Self::Zh)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.trim() {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// The language of the document, for a screen reader.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    pub(crate) fn other(self) -> &'static str {
        match self {
            Self::Zh => "en",
            Self::En => "zh",
        }
    }

    pub(crate) fn script(self) -> Script {
        match self {
            Self::Zh => Script::Chinese,
            Self::En => Script::English,
        }
    }

    /// The language of refusals and reasons.
    pub(crate) fn lang(self) -> Lang {
        match self {
            Self::Zh => Lang::Zh,
            Self::En => Lang::En,
        }
    }

    fn book(self) -> &'static Book {
        match self {
            Self::Zh => &ZH,
            Self::En => &EN,
        }
    }

    /// The words of a key; the key itself where there are none, which a test rules out.
    pub(crate) fn t(self, key: &str) -> String {
        self.book().get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    /// What a refusal says, and what to do instead.
    pub(crate) fn refusal(self, refusal: &Refusal) -> String {
        let words = refusal.words(self.lang());
        let between = if self == Self::Zh { "" } else { " " };
        format!("{}{between}{}", words.says, words.instead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_words_and_none_is_empty() {
        assert!(ZH.len() > 80, "{} words", ZH.len());
        assert_eq!(ZH.keys().collect::<Vec<_>>(), EN.keys().collect::<Vec<_>>());
        for (key, word) in ZH.iter().chain(&*EN) {
            assert!(!word.trim().is_empty(), "{key}");
        }
    }

    /// Templates and handlers ask for words by key.
    #[test]
    fn every_word_that_is_asked_for_is_there_and_none_stands_unused() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut asked = std::collections::BTreeSet::new();
        for folder in ["src/reporter", "templates/reporter"] {
            for file in std::fs::read_dir(root.join(folder)).expect("folder") {
                let text = std::fs::read_to_string(file.expect("file").path()).expect("text");
                for (at, _) in text.match_indices("t(\"") {
                    let key = text[at + 3..].split('"').next().unwrap_or_default();
                    asked.insert(key.to_owned());
                }
            }
        }
        let known: std::collections::BTreeSet<String> = ZH.keys().cloned().collect();
        // Keys that are put together of a prefix and a code stand under these.
        let computed =
            |key: &&String| !["kind.", "step.", "said.", "did."].iter().any(|head| key.starts_with(head));
        let missing: Vec<_> = asked.iter().filter(|key| key.contains('.') && !known.contains(*key)).collect();
        assert!(missing.is_empty(), "no words for {missing:?}");
        let unused: Vec<_> = known.iter().filter(computed).filter(|key| !asked.contains(*key)).collect();
        assert!(unused.is_empty(), "nobody asks for {unused:?}");
    }

    #[test]
    fn the_language_is_the_one_asked_for_then_the_browsers_then_chinese() {
        let mut headers = HeaderMap::new();
        assert_eq!(Language::of(None, &headers), Language::Zh);
        headers.insert(header::ACCEPT_LANGUAGE, "en-GB,en;q=0.9".parse().expect("header"));
        assert_eq!(Language::of(None, &headers), Language::En);
        assert_eq!(Language::of(Some("x=1&lang=zh"), &headers), Language::Zh);
        assert_eq!(Language::of(Some("lang=fr"), &headers), Language::En);
    }
}
