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

mod given_a_case_without_a_fine {
    use super::*;

    /// A local rule with the two published amounts; no rule with such a table ships, because its text is not at hand.
    fn tiers(rules: &str) -> Rules {
        with_rules(&format!(
            "[[rule]]\nid = \"tiers\"\nname = \"甲市规定\"\ndocument = \"甲市规定\"\nplace = \"甲市\"\n\
             sectors = [\"industry\"]\nfrom = \"2020-01-01\"\nmark = \"S\"\n[rule.no_fine]\n\
             article = \"第八条\"\n{rules}"
        ))
    }

    const TABLE: &str = "[[rule.no_fine.tier]]\nname = \"责令改正\"\namount_fen = 100_000\n\
                         [[rule.no_fine.tier]]\nname = \"移送司法\"\namount_fen = 500_000\n";

    fn ordered(tier: Option<&str>) -> RewardFacts {
        RewardFacts {
            place: "甲市".into(),
            no_fine_tier: tier.map(str::to_owned),
            ..facts(Matter::IllegalAct, "0")
        }
    }

    fn codes(result: &RewardResult) -> Vec<&str> {
        result.reasons.iter().map(|reason| reason.code.as_str()).collect()
    }

    #[test]
    fn when_the_rule_has_tiers_then_one_must_be_named_and_the_answer_lists_them() {
        let rules = tiers(TABLE);
        for (tier, code) in [(None, "reward.name_a_tier"), (Some("口头警告"), "reward.no_such_tier")] {
            let result = reward(&rules, &ordered(tier));
            assert_eq!((result.outcome, result.amount), (Outcome::TierOpen, None));
            assert_eq!(codes(&result), [code, "reward.no_fine_tier", "reward.no_fine_tier"]);
            assert_eq!(result.reasons[1].details["tier"], "责令改正");
            assert_eq!(result.reasons[2].details["amount"], "5000.00");
        }
    }

    #[test]
    fn when_the_tier_is_named_then_it_gives_the_amount_by_its_article() {
        let rules = tiers(TABLE);
        for (tier, expected) in [("责令改正", "1000.00"), ("移送司法", "5000.00")] {
            let result = reward(&rules, &ordered(Some(tier)));
            assert_eq!(result.amount.map(|amount| amount.to_string()).as_deref(), Some(expected));
            assert_eq!((codes(&result)[0], result.rule.as_deref()), ("reward.of_tier", Some("tiers")));
            assert_eq!(result.reasons[0].source, "甲市规定 第八条");
        }
    }

    #[test]
    fn when_there_is_a_fine_after_all_then_the_share_of_it_counts() {
        let fined = RewardFacts { unit_fine_yuan: Fen(2_010_000), ..ordered(Some("责令改正")) };
        assert_eq!(reward(&tiers(TABLE), &fined).amount, Some(Fen(301_500)));
    }

    #[test]
    fn when_no_rule_has_a_table_then_an_officer_decides_and_gives_the_reason() {
        let elsewhere = RewardFacts { place: "national".into(), ..ordered(Some("责令改正")) };
        for rules in [Rules::builtin().expect("packs"), tiers(TABLE)] {
            let result = reward(&rules, &elsewhere);
            assert_eq!((result.outcome, codes(&result)), (Outcome::Open, vec!["reward.no_fine"]));
        }
    }

    #[test]
    fn when_a_table_names_a_tier_twice_or_gives_nothing_then_it_is_refused() {
        let tier = |name: &str, fen: i64| Tier { name: name.to_owned(), amount_fen: fen };
        let table = |tier| NoFine { article: "第八条".into(), tier }.check();
        assert!(table(vec![tier("甲", 1), tier("乙", 1)]).is_ok());
        assert!(table(vec![tier("甲", 1), tier("甲", 2)]).is_err());
        assert!(table(vec![tier("甲", 0)]).is_err());
        assert!(table(Vec::new()).is_err());
    }
}

mod given_a_report_before_2018 {
    use super::*;

    fn answer(day: &str, sector: Sector, rules: &Rules) -> Vec<(String, String)> {
        let early = RewardFacts {
            sector,
            reported_on: day.parse().expect("day"),
            ..facts(Matter::IllegalAct, "20100")
        };
        let result = reward(rules, &early);
        assert_eq!((result.outcome, result.amount), (Outcome::Open, None));
        result.reasons.into_iter().map(|reason| (reason.code, reason.source)).collect()
    }

    #[test]
    fn when_its_rule_has_no_numbers_then_the_answer_names_the_rule_also_once_the_pack_is_adopted() {
        for rules in [Rules::builtin().expect("packs"), with_rules("")] {
            for (day, sector, document) in [
                ("2015-06-30", Sector::Industry, "安监总财〔2012〕63号"),
                ("2018-01-03", Sector::Mine, "安监总财〔2012〕63号"),
                ("2012-05-01", Sector::Mine, "安监总办字〔2005〕139号"),
            ] {
                let [(first, _), (second, source)] = &answer(day, sector, &rules)[..] else {
                    panic!("{day}")
                };
                assert_eq!(
                    (first.as_str(), second.as_str()),
                    ("reward.no_rule_in_force", "reward.national_rule_missing")
                );
                assert_eq!(source, document, "{day}");
            }
        }
    }

    #[test]
    fn when_no_rule_is_known_then_none_is_named() {
        let rules = Rules::builtin().expect("packs");
        assert_eq!(answer("2012-05-01", Sector::Industry, &rules).len(), 1);
        assert_eq!(answer("2005-09-23", Sector::Mine, &rules).len(), 1);
    }
}

/// Fines and rewards as they were published (`tools/data/cases.toml` names the sources).
mod given_the_published_cases {
    use super::*;

    struct Published {
        id: &'static str,
        sector: Sector,
        matter: Matter,
        on: &'static str,
        unit_fine: &'static str,
        person_fines: &'static [&'static str],
        deaths: u32,
        grade: Option<AccidentGrade>,
    }

    fn fined(id: &'static str, sector: Sector, on: &'static str, unit_fine: &'static str) -> Published {
        let (matter, person_fines, deaths, grade) = (Matter::MajorHazard, &[][..], 0, None);
        Published { id, sector, matter, on, unit_fine, person_fines, deaths, grade }
    }

    fn concealed(id: &'static str, on: &'static str, deaths: u32, grade: Option<AccidentGrade>) -> Published {
        let matter = Matter::ConcealedAccident;
        Published { matter, deaths, grade, ..fined(id, Sector::Mine, on, "0") }
    }

    fn worked(case: &Published) -> RewardResult {
        let money = |text: &&str| text.parse().expect("money");
        let basis = RewardFacts {
            sector: case.sector,
            person_fines_yuan: case.person_fines.iter().map(money).collect(),
            deaths_verified: case.deaths,
            accident_grade: case.grade,
            reported_on: case.on.parse().expect("day"),
            ..facts(case.matter, case.unit_fine)
        };
        reward(&Rules::builtin().expect("packs"), &basis)
    }

    #[test]
    fn when_the_fine_or_the_deaths_are_known_then_the_amount_is_the_published_one() {
        let (industry, mine) = (Sector::Industry, Sector::Mine);
        for (case, expected) in [
            // Four concealed deaths, by the grade of the verified deaths; paid before the grade was final.
            (concealed("C01", "2023-05-06", 4, None), "160000.00"),
            // 15 % of 12,000 is 1,800: the floor.
            (fined("C02", industry, "2023-05-08", "12000"), "3000.00"),
            // Five deaths were reported, four verified.
            (concealed("C04", "2023-04-10", 4, Some(AccidentGrade::Larger)), "160000.00"),
            (concealed("C10", "2024-07-08", 1, None), "30000.00"),
            // 云南彝良, one death concealed at a building site (云南省应急管理厅 5起典型案例, 2025); not among the cases of the demonstration.
            (concealed("彝良", "2024-08-01", 1, None), "30000.00"),
            // 15 % of 10,000 is 1,500: the floor.
            (fined("C14", industry, "2024-01-15", "10000"), "3000.00"),
            (fined("C18", mine, "2024-06-25", "1490000"), "223500.00"),
            // 15 % of 15,000 is 2,250: the floor.
            (fined("C20", industry, "2022-08-11", "15000"), "3000.00"),
            // Found by inspection; what it would have been worth as a report.
            (fined("C22", mine, "2024-10-24", "241000"), "36150.00"),
            (fined("C23", mine, "2024-10-24", "50000"), "7500.00"),
        ] {
            let result = worked(&case);
            assert_eq!(result.amount.map(|fen| fen.to_string()).as_deref(), Some(expected), "{}", case.id);
            assert_eq!(result.alternative, None, "{}", case.id);
        }
    }

    #[test]
    fn when_a_person_was_fined_too_then_both_figures_are_shown() {
        let case =
            Published { person_fines: &["30000"], ..fined("C26", Sector::Mine, "2022-06-10", "600000") };
        let result = worked(&case);
        let yuan = |fen: Option<Fen>| fen.map(|fen| fen.to_string());
        assert_eq!(yuan(result.amount).as_deref(), Some("90000.00"));
        assert_eq!(yuan(result.alternative).as_deref(), Some("94500.00"));
    }

    #[test]
    fn when_it_was_reported_in_2006_then_no_rule_is_in_force_and_the_missing_one_is_named() {
        let case = Published { matter: Matter::IllegalAct, ..fined("C31", Sector::Mine, "2006-01-12", "0") };
        let result = worked(&case);
        assert_eq!((result.outcome, result.amount, result.rule), (Outcome::Open, None, None));
        let codes: Vec<&str> = result.reasons.iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(codes, ["reward.no_rule_in_force", "reward.national_rule_missing"]);
        assert_eq!(result.reasons[1].source, "安监总办字〔2005〕139号");
    }
}
