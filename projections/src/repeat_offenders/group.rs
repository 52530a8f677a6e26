//! Enterprises that are counted together: one by itself, or all behind whom the same controller or parent stands.

use adit_core::rules::accident::AccidentGrade;
use adit_core::rules::closure::Licence;
use adit_core::units::{Day, Position};

use super::{By, Enterprise, Incident, Recurrence, What};
use crate::compact::{DayNumber, Key, NONE, When};

/// Enterprises that are counted together, and what is counted of them.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub(super) members: Vec<(Key, &'a Enterprise)>,
    pub(super) incidents: Vec<(&'a Enterprise, &'a Incident)>,
    pub(super) recurrences: Vec<&'a Recurrence>,
    pub(super) by: By,
    pub(super) holder: u32,
}

impl<'a> Group<'a> {
    /// An enterprise by itself.
    pub(super) fn of(key: Key, enterprise: &'a Enterprise) -> Self {
        Self {
            members: vec![(key, enterprise)],
            incidents: enterprise.incidents.iter().map(|incident| (enterprise, incident)).collect(),
            recurrences: enterprise.recurrences.iter().collect(),
            by: By::Enterprise,
            holder: NONE,
        }
    }

    /// What happened up to `today`.
    pub(super) fn dated(&self, today: Day) -> impl Iterator<Item = (&'a Enterprise, &'a Incident)> {
        let until = DayNumber::from(today);
        self.incidents.iter().copied().filter(move |(_, incident)| incident.when.day <= until)
    }

    pub(super) fn accidents(&self, today: Day) -> Vec<(When, AccidentGrade)> {
        let graded = self.dated(today).filter_map(|(_, one)| match one.what {
            What::Accident(grade) => Some((one.when, grade)),
            What::Discovery | What::Penalty { .. } => None,
        });
        graded.collect()
    }

    pub(super) fn recurrences(&self, today: Day) -> Vec<&'a Recurrence> {
        let until = DayNumber::from(today);
        self.recurrences.iter().filter(|again| again.again.day <= until).copied().collect()
    }

    /// Fatal accidents after which production still stands still; a matter of the enterprise itself.
    pub(super) fn fatal(&self, today: Day) -> Vec<When> {
        let until = DayNumber::from(today);
        let members = self.members.iter().filter(|_| self.by == By::Enterprise);
        let fatal = members.flat_map(|(_, member)| &member.fatal);
        fatal.filter(|when| when.day <= until).copied().collect()
    }

    /// Those that produce, of whoever stands behind them now.
    pub(super) fn producing(&self) -> impl Iterator<Item = &'a Enterprise> {
        let members = self.members.iter().map(|(_, member)| *member).filter(|member| member.producing);
        members.filter(|member| self.by == By::Enterprise || member.behind.of(self.by) == self.holder)
    }

    /// The worst licence of those that produce.
    pub(super) fn licence(&self) -> Licence {
        let worst = self.producing().map(|member| member.licence).max_by_key(|licence| match licence {
            Licence::Full => 0,
            Licence::Incomplete => 1,
            Licence::None => 2,
        });
        worst.unwrap_or(Licence::Full)
    }

    /// The entries that set the worst licence, and since which it is produced with it.
    pub(super) fn licensed_at(&self) -> Vec<Position> {
        let licence = self.licence();
        let those = self.producing().filter(|member| member.licence == licence);
        those.flat_map(|member| [member.licence_at, member.producing_at]).collect()
    }

    /// The first petition that was made.
    pub(super) fn petitioned(&self) -> Option<Position> {
        self.members.iter().filter_map(|(_, member)| member.petitioned).min()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.members.iter().all(|(_, member)| member.closed)
    }

    /// Nothing is left to petition for.
    pub(super) fn is_petitioned(&self) -> bool {
        self.petitioned().is_some() || self.is_closed()
    }

    pub(super) fn has_something(&self, today: Day) -> bool {
        self.dated(today).next().is_some()
    }
}
