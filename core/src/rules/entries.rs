//! The published table of entries: who must sign which public kind, and which clocks it must start or stop. A monitor
//! reads the same file, so an entry that somebody left out, or that the wrong hands signed, is found from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::ledger::entry::Line;
use crate::role::Role;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    _title: String,
    kind: Vec<WrittenKind>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKind {
    name: String,
    signers: Vec<String>,
    #[serde(default)]
    clocks: Vec<String>,
    #[serde(default)]
    stops: Vec<String>,
}

/// What a public kind asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindRule {
    /// Each alternative names who must sign, with repetition.
    pub signers: Vec<Vec<Hand>>,
    /// Clocks that the entry must start.
    pub clocks: Vec<String>,
    /// Clocks that it must stop.
    pub stops: Vec<String>,
}

/// Whose signature is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hand {
    Role(Role),
    Reporter,
    /// An officer's one-time key that shows no role.
    Officer,
    Log,
}

/// One signer of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// Key name.
    pub name: &'a str,
    pub roles: &'a [Role],
    /// The ledger's own key.
    pub log: bool,
}

impl Signer<'_> {
    fn is(&self, hand: Hand) -> bool {
        match hand {
            Hand::Role(role) => self.roles.contains(&role),
            Hand::Log => self.log,
            Hand::Officer => !self.log && self.roles.is_empty() && self.name.contains("/officer/"),
            Hand::Reporter => {
                let officer = self.name.contains("/actor/") || self.name.contains("/officer/");
                !self.log && self.roles.is_empty() && !officer
            }
        }
    }
}

/// All public kinds.
pub type Table = BTreeMap<String, KindRule>;

static TABLE: LazyLock<Table> = LazyLock::new(|| parse(include_str!("../../rules/entries.toml")));

/// The table that ships; a test checks that it is read whole.
pub fn table() -> &'static Table {
    &TABLE
}

fn parse(text: &str) -> Table {
    let Ok(written) = toml::from_str::<Written>(text) else {
        return Table::new();
    };
    let rules = written.kind.into_iter().filter_map(|kind| {
        let signers =
            kind.signers.iter().map(|hands| hands.split('+').map(hand).collect()).collect::<Option<_>>()?;
        Some((kind.name, KindRule { signers, clocks: kind.clocks, stops: kind.stops }))
    });
    rules.collect()
}

fn hand(text: &str) -> Option<Hand> {
    match text {
        "reporter" => Some(Hand::Reporter),
        "officer" => Some(Hand::Officer),
        "log" => Some(Hand::Log),
        role => role.parse().ok().map(Hand::Role),
    }
}

/// Whether these signers may sign an entry of this public kind. An unknown kind nobody may sign.
pub fn may_sign(kind: &str, signers: &[Signer<'_>]) -> bool {
    let enough = |hands: &Vec<Hand>| {
        let asked: BTreeSet<Hand> = hands.iter().copied().collect();
        asked.into_iter().all(|hand| {
            let wanted = hands.iter().filter(|other| **other == hand).count();
            let names: BTreeSet<&str> =
                signers.iter().filter(|signer| signer.is(hand)).map(|signer| signer.name).collect();
            names.len() >= wanted
        })
    };
    table().get(kind).is_some_and(|rule| rule.signers.iter().any(enough))
}

/// The role in which each of these officers, of whom the roles are given, signs an entry of this public kind: that of the
/// first alternative that they fill, and none for one whose signature it does not ask for. `None` when they fill none.
pub fn roles_used(kind: &str, officers: &[&[Role]]) -> Option<Vec<Option<Role>>> {
    let fill = |hands: &Vec<Hand>| {
        let mut used = vec![None; officers.len()];
        let roles = hands.iter().map(|hand| if let Hand::Role(role) = hand { Some(*role) } else { None });
        let roles: Vec<Role> = roles.collect::<Option<_>>()?;
        seat(&roles, officers, &mut used).then_some(used)
    };
    table().get(kind)?.signers.iter().find_map(fill)
}

/// Gives each role to an officer who holds it and has none yet, if that can be done.
fn seat(roles: &[Role], officers: &[&[Role]], used: &mut [Option<Role>]) -> bool {
    let Some((role, rest)) = roles.split_first() else { return true };
    for (officer, held) in officers.iter().enumerate() {
        if used[officer].is_none() && held.contains(role) {
            used[officer] = Some(*role);
            if seat(rest, officers, used) {
                return true;
            }
            used[officer] = None;
        }
    }
    false
}

/// Whether an entry of this public kind carries the clocks and stops that it must.
pub fn has_lines(kind: &str, lines: &[Line]) -> bool {
    let Some(rule) = table().get(kind) else {
        return false;
    };
    let clock =
        |wanted: &String| lines.iter().any(|line| matches!(line, Line::Clock { name, .. } if name == wanted));
    let stop =
        |wanted: &String| lines.iter().any(|line| matches!(line, Line::Stop { name } if name == wanted));
    rule.clocks.iter().all(clock) && rule.stops.iter().all(stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        let written = include_str!("../../rules/entries.toml").matches("[[kind]]").count();
        assert_eq!(table().len(), written);
        assert!(written > 60);
    }

    #[test]
    fn an_officer_signs_in_the_role_that_is_asked_for_and_shows_no_other() {
        let (both, inspector) = ([Role::Approver, Role::Inspector], [Role::Inspector]);
        let one = Some(Role::Inspector);
        assert_eq!(roles_used("report.verified", &[&both, &inspector]), Some(vec![one, one]));
        assert_eq!(roles_used("report.closed", &[&both]), Some(vec![Some(Role::Approver)]));
        assert_eq!(roles_used("report.closed", &[&inspector, &both]), Some(vec![None, Some(Role::Approver)]));
        assert_eq!(roles_used("report.verified", &[&both]), None);
    }

    #[test]
    fn two_different_inspectors_or_nobody() {
        let roles = [Role::Inspector];
        let signer = |name| Signer { name, roles: &roles, log: false };
        assert!(may_sign("hazard.verified", &[signer("a"), signer("b")]));
        assert!(!may_sign("hazard.verified", &[signer("a"), signer("a")]));
        assert!(!may_sign("hazard.verified", &[signer("a")]));
        assert!(!may_sign("hazard.unheard_of", &[signer("a"), signer("b")]));
    }
}
