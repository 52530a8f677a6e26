//! How many fillers are due: so many that on each day a fixed number of `access` entries stands in the log, spread over the day,
//! whether or not somebody opened something.
//!
//! The day is cut into as many equal parts as there are to be entries. In each part one comes due at a moment that nobody
//! outside can foresee; an entry of an officer's takes the place of the next one. On a fixed grid every entry beside it would
//! be an officer's for sure.
//!
//! Limits: on a day with more openings than the number the surplus shows, and many openings within one publication show as
//! many entries. Choose the number above what a busy day has.

/// Most entries of a day; the parts of the day are to be longer than the rounds in which fillers are written.
pub const PER_DAY_MAX: u32 = 480;

/// Seconds of a day in which fillers come due: the last minutes are left free, so that a round later in the same day writes
/// what came due last.
const SPREAD_SECONDS: u64 = 86_400 - 300;

/// Second of the day at which the entry of part `part` comes due, by a seed that nobody outside knows.
fn moment(seed: &[u8; 32], part: u32, per_day: u32) -> u64 {
    let (part, per_day) = (u64::from(part), u64::from(per_day));
    let (start, end) = (part * SPREAD_SECONDS / per_day, (part + 1) * SPREAD_SECONDS / per_day);
    let hash = blake3::keyed_hash(seed, &part.to_le_bytes());
    let drawn = hash.as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    start + drawn % (end - start).max(1)
}

/// Fillers that are due at this second of a day on which `standing` access entries stand already.
pub fn due(seed: &[u8; 32], second_of_day: u32, per_day: u32, standing: u32) -> u32 {
    let per_day = per_day.min(PER_DAY_MAX);
    let come = |part: &u32| moment(seed, *part, per_day) <= u64::from(second_of_day);
    let expected = (0..per_day).take_while(come).count();
    u32::try_from(expected).unwrap_or(per_day).saturating_sub(standing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LAST: u32 = 86_399;

    #[test]
    fn none_is_due_where_none_are_wanted_and_all_are_by_the_end_of_the_day() {
        for second in [0, 1, 43_200, LAST] {
            assert_eq!(due(&[7; 32], second, 0, 0), 0);
        }
        assert_eq!(due(&[7; 32], LAST - 299, 24, 0), 24);
        assert_eq!(due(&[7; 32], LAST, PER_DAY_MAX + 1, 0), PER_DAY_MAX);
    }

    #[test]
    fn an_opening_takes_the_place_of_the_next_filler() {
        let noon = due(&[7; 32], 43_200, 24, 0);
        assert!((11..=13).contains(&noon), "{noon}");
        assert_eq!(due(&[7; 32], 43_200, 24, noon), 0);
        assert_eq!(due(&[7; 32], 43_200, 24, noon - 2), 2);
        assert_eq!(due(&[7; 32], LAST, 24, 30), 0, "a busy day gets no more");
    }

    #[test]
    fn whoever_does_not_know_the_seed_does_not_know_the_moments() {
        let moments = |seed: u8| (0..24).map(|part| moment(&[seed; 32], part, 24)).collect::<Vec<_>>();
        assert_ne!(moments(1), moments(2));
        let steps: Vec<u64> = moments(1).windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().any(|step| *step != steps[0]), "a grid");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever officers open, and whenever the rounds come: the day ends with the number, or with the openings where they are
        /// more, and at no time do more fillers stand than parts of the day have come.
        #[test]
        fn each_day_ends_with_the_same_number(
            seed in any::<[u8; 32]>(),
            per_day in 0_u32..=PER_DAY_MAX,
            openings in prop::collection::vec(0_u32..86_400, 0..60),
            round in 60_u32..=299,
        ) {
            let (mut standing, mut fillers, mut opened) = (0, 0, 0);
            for second in (0..86_400).filter(|second| second % round == 0 || *second == LAST) {
                let by_now = openings.iter().filter(|at| **at <= second).count();
                standing += u32::try_from(by_now).unwrap() - opened;
                opened = u32::try_from(by_now).unwrap();
                let now = due(&seed, second, per_day, standing);
                (standing, fillers) = (standing + now, fillers + now);
                prop_assert!(fillers <= due(&seed, second, per_day, 0));
            }
            prop_assert_eq!(standing, fillers + opened);
            prop_assert!(standing >= per_day && fillers <= per_day);
        }

        #[test]
        fn as_long_as_openings_are_fewer_than_have_come_due_the_number_is_exact(
            seed in any::<[u8; 32]>(),
            per_day in 1_u32..=PER_DAY_MAX,
            early in 0_u32..=PER_DAY_MAX,
        ) {
            let early = early.min(per_day);
            let rest = due(&seed, LAST, per_day, early);
            prop_assert_eq!(early + rest, per_day);
        }
    }
}
