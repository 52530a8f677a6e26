//! What was counted of a few groups, summed up day by day, so that a period is asked of its days and not of each hazard.

use serde::{Deserialize, Serialize};

use super::What;
use crate::compact::DayNumber;

/// How many of a thing were counted on a day, or how many fen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Count {
    pub(super) day: DayNumber,
    pub(super) what: What,
    pub(super) many: i64,
}

/// By number of the group, in the order of the days.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Daily(Vec<Vec<Count>>);

impl Daily {
    /// Counts for a group; what was counted of the same thing on the same day just before is the same sum.
    pub(super) fn add(&mut self, group: u32, day: DayNumber, what: What, many: i64) {
        let at = group as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, Vec::new());
        }
        let counts = &mut self.0[at];
        let mut today = counts.iter_mut().rev().take_while(|count| count.day == day);
        match today.find(|count| count.what == what) {
            Some(count) => count.many = count.many.saturating_add(many),
            None => counts.push(Count { day, what, many }),
        }
    }

    /// What was counted up to a day, with the group for which it was.
    pub(super) fn until(&self, day: DayNumber) -> impl Iterator<Item = (u32, Count)> {
        let groups = (0..).zip(&self.0);
        groups.flat_map(move |(group, counts)| {
            counts.iter().filter(move |count| count.day <= day).map(move |count| (group, *count))
        })
    }
}
