//! Worked by hand: who is excluded, and published cases with their fines and rewards.

use proptest::prelude::*;

use super::tests::{facts, with_rules, yuan};
use super::*;

mod given_somebody_who_may_be_excluded {
    use super::*;

    fn excluded(kind: Exclusion) -> RewardFacts {
        RewardFacts { excluded: Some(kind), ..facts(Matter::MajorHazard, "20100") }
    }

    fn codes(result: &RewardResult) -> Vec<&str> {
        result.reasons.iter().map(|reason| reason.code.as_str()).collect()
    }

    #[test]
    fn when_the_matter_was_found_and_handled_before_then_there_is_no_amount_and_the_article_says_why() {
        let result = reward(&Rules::builtin().expect("packs"), &excluded(Exclusion::AlreadyHandled));
        assert_eq!((result.outcome, result.amount), (Outcome::Excluded, None));
        assert_eq!(codes(&result), ["reward.excluded_already_handled"]);
        assert_eq!(result.reasons[0].source, "安监总财〔2018〕19号 第七条");
    }

    #[test]
    fn when_the_article_is_not_verified_then_a_person_decides_until_the_pack_is_adopted() {
        let (plain, adopted) = (Rules::builtin().expect("packs"), with_rules(""));
        for kind in [Exclusion::DutyStaff, Exclusion::CloseRelative, Exclusion::Instructed] {
            let open = reward(&plain, &excluded(kind));
            assert_eq!((open.outcome, open.amount), (Outcome::PersonDecides, None), "{kind:?}");
            assert_eq!(codes(&open)[1], "reward.exclusion_not_in_force");
            let closed = reward(&adopted, &excluded(kind));
            assert_eq!((closed.outcome, closed.amount), (Outcome::Excluded, None), "{kind:?}");
            assert_eq!(closed.reasons[0].source, "安监总财〔2018〕19号 第七条");
        }
    }

    #[test]
    fn when_no_rule_was_in_force_on_the_day_of_the_report_then_a_person_decides() {
        let early = RewardFacts {
            reported_on: "2006-01-12".parse().expect("day"),
            ..excluded(Exclusion::AlreadyHandled)
        };
        let result = reward(&Rules::builtin().expect("packs"), &early);
        assert_eq!((result.outcome, codes(&result)[0]), (Outcome::PersonDecides, "reward.no_exclusion_rule"));
    }

    #[test]
    fn when_a_hazard_stood_in_the_log_before_the_report_then_that_is_a_hint_and_the_amount_stays() {
        let hint = RewardFacts { found_before: Some(Position(12)), ..facts(Matter::MajorHazard, "20100") };
        let result = reward(&Rules::builtin().expect("packs"), &hint);
        assert_eq!(yuan(&hint), "3015.00");
        assert_eq!(codes(&result), ["reward.share_of_fine", "reward.found_before"]);
        assert_eq!(result.reasons[1].details["position"], "12");
    }

    proptest! {
        #[test]
        fn an_excluded_reporter_never_gets_an_amount(
            kind in prop::sample::select(Exclusion::ALL.to_vec()),
            matter in prop::sample::select(vec![Matter::MajorHazard, Matter::IllegalAct, Matter::ConcealedAccident]),
            sector in prop::sample::select(vec![Sector::Mine, Sector::Industry, Sector::Other]),
            place in prop::sample::select(vec!["national", "辽宁鞍山岫岩", "福建厦门"]),
            fine in 0_i64..1 << 40,
            deaths in 0_u32..40,
            insider in any::<bool>(),
            adopted in any::<bool>(),
            year in 2004_u32..2030,
        ) {
            let rules = if adopted { with_rules("") } else { Rules::builtin().expect("packs") };
            let excluded = RewardFacts {
                place: place.to_owned(),
                sector,
                unit_fine_yuan: Fen(fine),
                deaths_verified: deaths,
                insider,
                reported_on: format!("{year}-06-30").parse().expect("day"),
                excluded: Some(kind),
                ..facts(matter, "0")
            };
            let result = reward(&rules, &excluded);
            prop_assert_eq!((result.amount, result.alternative), (None, None));
            prop_assert!(matches!(result.outcome, Outcome::Excluded | Outcome::PersonDecides));
            prop_assert!(!result.reasons.is_empty());
        }
    }
}
