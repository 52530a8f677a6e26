//! Sums that are kept by day, and the moves of every enterprise behind them.

use adit_projections::{Filter, Group, Viewer};
use proptest::prelude::*;
use serde_json::Value;

use crate::history;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn sums_by_day_are_those_of_every_move(world in history(), cut in 0_i64..60) {
        let state = world.fold();
        let ask = |filter: Filter| {
            let page = state.query("statistics", &filter, Viewer::Office, &world.log.rules, world.today());
            let mut rows = page.expect("page").rows;
            // No filter tells whom a report is about, so that a town has none.
            let of_reports = |name: &str| ["reports_", "rewards_", "handled", "not_handled"].iter().any(|one| name.starts_with(one));
            for row in rows.iter_mut().filter_map(Value::as_object_mut) {
                row.retain(|name, _| !of_reports(name));
            }
            rows
        };
        let today = world.today();
        // All enterprises of a history lie in one town, so that this filter leaves everything and takes the other way.
        for group in [Group::Month, Group::Year, Group::Source, Group::Sector, Group::Town, Group::Criterion] {
            for (from, to) in [(None, None), (Some(today.plus_days(-cut)), Some(today.plus_days(-cut / 2)))] {
                let whole = Filter { group: Some(group), from, to, ..Filter::default() };
                let every = Filter { town: Some("示例镇".to_owned()), ..whole.clone() };
                prop_assert_eq!(ask(whole), ask(every), "{:?}", group);
            }
        }
    }
}
