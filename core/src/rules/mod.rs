//! Rules: pure functions over rule packs, which are data with sources.

/// The rule packs in force.
#[derive(Clone, Debug, Default)]
pub struct Rules;
