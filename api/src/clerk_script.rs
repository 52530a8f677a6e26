//! What a clerk reads aloud to whoever reports by telephone or visit, as data: one sentence a step, in both languages.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::reporter::language::Language;

/// One step of the talk.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sentence {
    /// Which part of the form it belongs to.
    pub(crate) step: String,
    /// What the clerk does; not read aloud.
    pub(crate) clerk: String,
    /// What is read aloud, word for word.
    pub(crate) say: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    step: Vec<Sentence>,
}

static ZH: LazyLock<Vec<Sentence>> = LazyLock::new(|| read(include_str!("../words/clerk/zh.toml")));
static EN: LazyLock<Vec<Sentence>> = LazyLock::new(|| read(include_str!("../words/clerk/en.toml")));

/// A file that can't be read has no steps; a test reads both.
fn read(text: &str) -> Vec<Sentence> {
    toml::from_str::<Written>(text).map(|written| written.step).unwrap_or_default()
}

/// The steps in their order.
pub(crate) fn steps(language: Language) -> &'static [Sentence] {
    match language {
        Language::Zh => &ZH,
        Language::En => &EN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_steps_and_none_is_empty() {
        let names = |language| steps(language).iter().map(|step| step.step.as_str()).collect::<Vec<_>>();
        assert_eq!(names(Language::Zh), names(Language::En));
        assert!(names(Language::Zh).len() > 8);
        for step in steps(Language::Zh).iter().chain(steps(Language::En)) {
            assert!(!step.clerk.trim().is_empty() && !step.say.trim().is_empty(), "{step:?}");
        }
    }
}
