//! Refusals and their words in both languages.
