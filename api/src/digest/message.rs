//! The words of a digest and of a code. Both languages stand in each message, so that it does not tell who reads which.

use std::sync::LazyLock;

use crate::passkeys::Site;
use crate::reporter::language::{Book, read};

static ZH: LazyLock<Book> = LazyLock::new(|| read(include_str!("../../words/digest/zh.toml")));
static EN: LazyLock<Book> = LazyLock::new(|| read(include_str!("../../words/digest/en.toml")));

/// What goes to one person.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) subject: String,
    /// In Chinese, then in English.
    pub(crate) said: [String; 2],
}

fn words(book: &Book, key: &str) -> String {
    book.get(key).cloned().unwrap_or_default()
}

fn subject(key: &str) -> String {
    format!("{} {}", words(&ZH, key), words(&EN, key))
}

impl Message {
    /// That something waits, or that nothing does. Of one length, and with no address but that of the workbench, which is the same for all.
    pub(crate) fn digest(waits: bool, site: Option<&Site>) -> Self {
        let first = if waits { "digest.waits" } else { "digest.nothing" };
        let address = site.map(|site| format!("{}/desk", site.origin()));
        let said = [&*ZH, &*EN].map(|book| {
            let look =
                address.as_ref().map(|address| words(book, "digest.look").replace("{address}", address));
            let lines = [Some(words(book, first)), Some(words(book, "digest.always")), look];
            let lines = lines.into_iter().flatten().chain([words(book, "digest.off")]);
            lines.collect::<Vec<_>>().join("\n")
        });
        Self { subject: subject("digest.subject"), said }
    }

    /// A code that confirms an address.
    pub(crate) fn code(code: &str, minutes: u64) -> Self {
        let said = [&*ZH, &*EN].map(|book| {
            let code = words(book, "code.code").replace("{code}", code);
            format!("{code}\n{}", words(book, "code.why").replace("{minutes}", &minutes.to_string()))
        });
        Self { subject: subject("code.subject"), said }
    }

    pub(crate) fn text(&self) -> String {
        let [zh, en] = &self.said;
        format!("{zh}\n\n{en}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_as_long_when_something_waits_as_when_nothing_does_and_differs_in_its_first_sentence_alone()
    {
        let site: Site = "https://adit.example".parse().expect("a site");
        for site in [None, Some(&site)] {
            let [waits, nothing] = [true, false].map(|waits| Message::digest(waits, site));
            assert_eq!(waits.subject, nothing.subject);
            assert_ne!(waits.text(), nothing.text());
            assert_eq!(waits.text().len(), nothing.text().len());
            for (one, other) in waits.said.iter().zip(&nothing.said) {
                assert_eq!((one.len(), one.chars().count()), (other.len(), other.chars().count()));
                assert_eq!(one.split_once('\n').expect("lines").1, other.split_once('\n').expect("lines").1);
                assert_eq!(one.contains("https://adit.example/desk"), site.is_some());
                assert!(!one.contains('{'), "{one}");
            }
        }
    }

    #[test]
    fn both_languages_have_the_same_words_and_none_is_empty() {
        assert_eq!(ZH.keys().collect::<Vec<_>>(), EN.keys().collect::<Vec<_>>());
        assert_eq!(ZH.len(), 9);
        assert!(ZH.values().chain(EN.values()).all(|word| !word.trim().is_empty()));
    }
}
