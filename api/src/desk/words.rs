//! Words of the workbench, in one language at a time.

use std::sync::LazyLock;

use adit_core::refusal::{Lang, Refusal};

use crate::labels;
use crate::reporter::language::{Book, Language, read};

static ZH: LazyLock<Book> = LazyLock::new(|| read(include_str!("../../words/desk/zh.toml")));
static EN: LazyLock<Book> = LazyLock::new(|| read(include_str!("../../words/desk/en.toml")));

/// The words of one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Language);

impl Words {
    fn book(self) -> &'static Book {
        match self.0 {
            Language::Zh => &ZH,
            Language::En => &EN,
        }
    }

    fn pick<'a>(self, (zh, en): (&'a str, &'a str)) -> &'a str {
        match self.0 {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    pub(crate) fn tag(self) -> &'static str {
        self.0.tag()
    }

    /// The language of refusals.
    pub(crate) fn lang(self) -> Lang {
        self.0.lang()
    }

    pub(crate) fn other(self) -> &'static str {
        self.0.other()
    }

    /// The words of a key; the key itself where there are none, which a test rules out.
    pub(crate) fn t(self, key: &str) -> &str {
        self.book().get(key).map_or(key, String::as_str)
    }

    /// The words of a key that may have none.
    pub(crate) fn find(self, key: &str) -> Option<&'static str> {
        self.book().get(key).map(String::as_str)
    }

    /// The words of a key with what its `{name}`s stand for.
    pub(crate) fn fill(self, key: &str, values: &[(&str, &str)]) -> String {
        let mut text = self.t(key).to_owned();
        for (name, value) in values {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    /// What a column, a status or a table is called.
    pub(crate) fn label(self, key: &str) -> String {
        labels::label(key).map_or(key, |words| self.pick(words)).to_owned()
    }

    /// What a column is called in this table.
    pub(crate) fn column(self, table: &str, name: &str) -> String {
        labels::column(table, name).map_or(name, |words| self.pick(words)).to_owned()
    }

    /// What a kind of event or of stream is called.
    pub(crate) fn kind(self, name: &str) -> String {
        let (zh, en) = labels::kind(name);
        self.pick((&zh, &en)).to_owned()
    }

    /// What a command is called on its button.
    pub(crate) fn command(self, name: &str) -> String {
        self.find(&format!("command.{}", name.replace('.', "_"))).unwrap_or(name).to_owned()
    }

    /// A reason of a rule, with its source.
    pub(crate) fn reason(self, reason: &serde_json::Value) -> String {
        let (zh, en) = labels::reason(reason);
        self.pick((&zh, &en)).to_owned()
    }

    /// What a refusal says, and what to do instead.
    pub(crate) fn refusal(self, refusal: &Refusal) -> String {
        self.0.refusal(refusal)
    }

    /// Days left until a deadline, in words: the colour is never alone.
    pub(crate) fn days_left(self, days: i64) -> String {
        let (key, many) = match days {
            0 => ("days.today", 0),
            late if late < 0 => ("days.late", -late),
            left => ("days.left", left),
        };
        self.fill(key, &[("n", &many.to_string())])
    }

    /// Words that both languages have.
    #[cfg(test)]
    fn keys(language: Language) -> Vec<&'static String> {
        Self(language).book().keys().collect()
    }
}

/// What a number of days left looks like.
pub(crate) fn urgency(days_left: Option<i64>) -> &'static str {
    match days_left {
        Some(days) if days < 0 => "late",
        Some(0..=3) => "soon",
        Some(_) => "calm",
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use adit_core::command::Command;

    use super::*;

    #[test]
    fn both_languages_have_the_same_words_and_none_is_empty() {
        assert!(ZH.len() > 80, "{} words", ZH.len());
        assert_eq!(Words::keys(Language::Zh), Words::keys(Language::En));
        for (key, word) in ZH.iter().chain(&*EN) {
            assert!(!word.trim().is_empty(), "{key}");
        }
    }

    #[test]
    fn every_command_has_its_button_in_both_languages() {
        for kind in Command::types() {
            let key = format!("command.{}", kind.replace('.', "_"));
            assert!(ZH.contains_key(&key), "no words for {key}");
        }
    }

    /// Templates and handlers ask for words by key.
    #[test]
    fn every_word_that_is_asked_for_is_there_and_none_stands_unused() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut asked = BTreeSet::new();
        for folder in ["src/desk", "templates/desk"] {
            let files =
                std::fs::read_dir(root.join(folder)).expect("folder").map(|file| file.expect("file").path());
            for file in files.filter(|path| path.is_file()) {
                let text = std::fs::read_to_string(file).expect("text");
                for start in ["t(\"", "fill(\"", "find(\""] {
                    for (at, _) in text.match_indices(start) {
                        let key = text[at + start.len()..].split('"').next().unwrap_or_default();
                        asked.insert(key.to_owned());
                    }
                }
            }
        }
        let known: BTreeSet<String> = ZH.keys().cloned().collect();
        // Keys that are put together of a prefix and a name stand under these.
        let heads = [
            "command.", "field.", "hint.", "fault.", "option.", "nav.", "queue.", "days.", "role.",
            "filter.", "said.", "letter.", "guide.",
        ];
        let computed = |key: &&String| !heads.iter().any(|head| key.starts_with(head));
        let missing: Vec<_> = asked
            .iter()
            .filter(|key| key.contains('.') && !key.contains('{') && !known.contains(*key))
            .collect();
        assert!(missing.is_empty(), "no words for {missing:?}");
        let unused: Vec<_> = known.iter().filter(computed).filter(|key| !asked.contains(*key)).collect();
        assert!(unused.is_empty(), "nobody asks for {unused:?}");
    }
}
