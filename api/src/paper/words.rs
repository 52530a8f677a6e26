//! The words of what is printed: one section for each template, in both languages.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use adit_core::refusal::Lang;

/// A word, or several lines of them.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(untagged)]
pub(super) enum Word {
    One(String),
    Lines(Vec<String>),
}

pub(super) type Section = BTreeMap<String, Word>;
type Book = BTreeMap<String, Section>;

static ZH: LazyLock<Book> = LazyLock::new(|| read(include_str!("../../words/paper/zh.toml")));
static EN: LazyLock<Book> = LazyLock::new(|| read(include_str!("../../words/paper/en.toml")));
static NONE: Section = Section::new();

/// A word file that can't be read gives no words; a test reads both.
fn read(text: &str) -> Book {
    toml::from_str(text).unwrap_or_default()
}

fn book(lang: Lang) -> &'static Book {
    match lang {
        Lang::Zh => &ZH,
        Lang::En => &EN,
    }
}

pub(super) fn name(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "zh",
        Lang::En => "en",
    }
}

pub(super) fn section(lang: Lang, name: &str) -> &'static Section {
    book(lang).get(name).unwrap_or(&NONE)
}

/// The lines of a word with these details filled in; the key itself where there is none, which a test rules out.
pub(super) fn lines(lang: Lang, section_name: &str, key: &str, details: &[(&str, String)]) -> Vec<String> {
    let lines = match section(lang, section_name).get(key) {
        Some(Word::One(line)) => vec![line.clone()],
        Some(Word::Lines(lines)) => lines.clone(),
        None => vec![key.to_owned()],
    };
    let fill = |line: String| {
        details.iter().fold(line, |line, (name, value)| line.replace(&format!("{{{name}}}"), value))
    };
    lines.into_iter().map(fill).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn both_languages_have_the_same_words_and_none_is_empty() {
        let keys = |book: &Book| {
            let keys = book
                .iter()
                .flat_map(|(section, words)| words.keys().map(move |key| format!("{section}.{key}")));
            keys.collect::<BTreeSet<_>>()
        };
        assert!(keys(&ZH).len() > 25, "{:?}", keys(&ZH));
        assert_eq!(keys(&ZH), keys(&EN));
        for (key, word) in ZH.values().chain(EN.values()).flatten() {
            let empty = match word {
                Word::One(line) => line.trim().is_empty(),
                Word::Lines(lines) => lines.is_empty() || lines.iter().any(|line| line.trim().is_empty()),
            };
            assert!(!empty, "{key}");
        }
    }

    /// Templates ask for `w.key`, the sources for `"section", "key"`.
    #[test]
    fn every_word_is_asked_for_and_none_is_missing() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        for (section, words) in &*ZH {
            let read = |place: String| std::fs::read_to_string(root.join(place)).unwrap_or_default();
            let (markup, source) =
                (read(format!("paper/{section}.typ")), read(format!("src/paper/{section}.rs")));
            let mut asked: BTreeSet<String> = BTreeSet::new();
            let name = |text: &str| {
                text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            };
            // `row.what` is not a word.
            let alone = |at: usize| !markup[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            let by_template = markup.match_indices("w.").filter(|(at, _)| alone(*at));
            asked.extend(by_template.map(|(at, _)| name(&markup[at + 2..])));
            asked.extend(["word(\"", "words(\""].iter().flat_map(|call| {
                source.match_indices(call).map(|(at, call)| name(&source[at + call.len()..]))
            }));
            let known: BTreeSet<String> = words.keys().cloned().collect();
            let unknown: Vec<_> = asked.difference(&known).filter(|key| !key.is_empty()).collect();
            assert!(unknown.is_empty(), "{section}: no words for {unknown:?}");
            // Sectors are asked for by name.
            let unused: Vec<_> = known.difference(&asked).filter(|key| !key.starts_with("sector_")).collect();
            assert!(unused.is_empty(), "{section}: nobody asks for {unused:?}");
        }
    }
}
