//! Rewards on the whole way from a report to the log: who was the first, who is excluded, what is given and until when.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

mod common;

use adit_core::command::{Command, Request};
use adit_core::event::Event;
use adit_core::id::{CommandId, StreamId, StreamKind};
use adit_core::ledger::entry::Line;
use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::report::{self, Channel, Finding, ReportCommand};
use adit_core::reward::{self, Assess, Assessed, Denied, Otherwise, Pay, RewardCommand, RewardEvent};
use adit_core::rulebook::{Adopt, RulesCommand};
use adit_core::rules::PACKS;
use adit_core::rules::reward::{Exclusion, Matter, Sector};
use adit_core::units::Position;
use common::{Bureau, ORIGIN, code, day, id, text};
use proptest::prelude::*;

const INSPECTORS: [&str; 2] = ["inspector-1", "inspector-2"];

/// A report, and the key that will claim its reward.
struct Case {
    report: StreamId,
    reward: StreamId,
    claim: SigningKey,
}

fn reported(bureau: &Bureau) -> Case {
    let reward = StreamId::new(StreamKind::Reward, id());
    let claim = SigningKey::generate(&format!("{ORIGIN}/{reward}")).expect("key");
    let stream = StreamId::new(StreamKind::Report, id());
    let reporter = SigningKey::generate(&format!("{ORIGIN}/{stream}")).expect("key");
    let report = ReportCommand::Report(report::Report {
        matter: Matter::MajorHazard,
        channel: Channel::Telephone,
        key: Some(reporter.vkey()),
        claim_key: Some(text(&hex(claim.vkey().key()))),
        insider: false,
        testimony: None,
        files: Vec::new(),
        recipient: None,
        excluded: Vec::new(),
        pickup: None,
    });
    let request = Request { id: CommandId(id()), stream: Some(stream), command: Command::Report(report) };
    bureau.office.execute(&request, &[&reporter]).expect("reported");
    Case { report: stream, reward, claim }
}

fn on_report(bureau: &Bureau, case: &Case, command: ReportCommand, who: &[&str]) -> String {
    code(bureau.run(Some(case.report), Command::Report(command), who))
}

fn on_reward(bureau: &Bureau, case: &Case, command: RewardCommand, who: &[&str]) -> String {
    code(bureau.run(Some(case.reward), Command::Reward(command), who))
}

fn verify(finding: Finding, matter: &str) -> ReportCommand {
    ReportCommand::Verify(report::Verify {
        finding,
        matter_key: text(matter),
        deaths_verified: 0,
        level: None,
        findings: text("现场核查"),
    })
}

fn verified(bureau: &Bureau, case: &Case, finding: Finding, matter: &str) {
    let accept = ReportCommand::Accept(report::Empty {});
    assert_eq!(on_report(bureau, case, accept, &["clerk"]), "done");
    assert_eq!(on_report(bureau, case, verify(finding, matter), &INSPECTORS), "done");
}

fn handled(bureau: &Bureau, case: &Case, fine: &str) {
    let handle = ReportCommand::Handle(report::Handle {
        done: text("已处理"),
        unit_fine_yuan: fine.parse().expect("money"),
        person_fines_yuan: Vec::new(),
    });
    assert_eq!(on_report(bureau, case, handle, &["handler"]), "done");
}

fn assess(case: &Case) -> Assess {
    Assess {
        report: case.report,
        place: text("national"),
        sector: Sector::Industry,
        accident_grade: None,
        otherwise: None,
        excluded: None,
        no_fine_tier: None,
    }
}

fn assessed(bureau: &Bureau, case: &Case) -> String {
    on_reward(bureau, case, RewardCommand::Assess(assess(case)), &["handler"])
}

fn approved(bureau: &Bureau, case: &Case) -> String {
    on_reward(bureau, case, RewardCommand::Approve(reward::Empty {}), &["approver"])
}

fn notified(bureau: &Bureau, case: &Case) -> String {
    on_reward(bureau, case, RewardCommand::Notify(reward::Empty {}), &["handler"])
}

fn claimed(bureau: &Bureau, case: &Case) -> String {
    let command = Command::Reward(RewardCommand::Claim(reward::Claim::of(case.claim.vkey())));
    let request = Request { id: CommandId(id()), stream: Some(case.reward), command };
    code(bureau.office.execute(&request, &[&case.claim]))
}

/// What an assessment wrote into the ledger.
fn written(bureau: &Bureau, case: &Case) -> Assessed {
    let facts = bureau.office.ledger().stream(&case.reward).expect("read");
    let last = facts.into_iter().rev().find_map(|fact| {
        if let Event::Reward(RewardEvent::Assessed(assessed) | RewardEvent::Reassessed(assessed)) = fact.event
        {
            Some(assessed)
        } else {
            None
        }
    });
    last.expect("assessed")
}

mod given_several_reports_of_one_matter {
    use super::*;

    #[test]
    fn when_the_later_one_was_verified_first_then_the_earlier_one_still_gets_the_reward() {
        let bureau = Bureau::in_memory();
        let (first, second) = (reported(&bureau), reported(&bureau));
        for case in [&second, &first] {
            verified(&bureau, case, Finding::Substantiated, "事项一");
            handled(&bureau, case, "20100");
        }
        assert_eq!(assessed(&bureau, &second), "reward.not_first");
        assert_eq!(assessed(&bureau, &first), "done");
        let order = written(&bureau, &first).same_matter;
        assert_eq!(order.iter().map(|one| one.report).collect::<Vec<_>>(), [first.report, second.report]);
        assert!(order[0].reported_at < order[1].reported_at);
        assert_eq!(assessed(&bureau, &second), "reward.matter_rewarded");
    }

    #[test]
    fn when_the_earlier_one_is_of_another_matter_or_not_true_or_not_ours_then_it_does_not_count() {
        let bureau = Bureau::in_memory();
        let [declined, transferred, untrue, other, partly] = [(); 5].map(|()| reported(&bureau));
        let decline = ReportCommand::Decline(report::Decline { ground: report::Ground::Unclear });
        assert_eq!(on_report(&bureau, &declined, decline, &["clerk"]), "done");
        let transfer = ReportCommand::Transfer(report::Transfer { authority: text("住建局") });
        assert_eq!(on_report(&bureau, &transferred, transfer, &["clerk"]), "done");
        verified(&bureau, &untrue, Finding::NotSubstantiated, "事项一");
        verified(&bureau, &other, Finding::Substantiated, "事项二");
        verified(&bureau, &partly, Finding::Partly, "事项一");
        handled(&bureau, &partly, "20100");
        assert_eq!(assessed(&bureau, &partly), "done");
        let order = written(&bureau, &partly).same_matter;
        assert_eq!(order.iter().map(|one| one.report).collect::<Vec<_>>(), [partly.report]);
    }

    #[test]
    fn when_the_earlier_one_is_verified_after_the_assessment_then_the_approval_is_refused() {
        let bureau = Bureau::in_memory();
        let (first, second) = (reported(&bureau), reported(&bureau));
        verified(&bureau, &second, Finding::Substantiated, "事项一");
        handled(&bureau, &second, "20100");
        assert_eq!(assessed(&bureau, &second), "done", "nobody knows yet what the first is about");
        verified(&bureau, &first, Finding::Substantiated, "事项一");
        assert_eq!(approved(&bureau, &second), "reward.not_first");
        let reassess = RewardCommand::Reassess(assess(&second));
        assert_eq!(on_reward(&bureau, &second, reassess, &["handler"]), "reward.not_first");
    }

    /// What was read is part of the append: a verification that lands between decision and append is not overlooked.
    #[test]
    fn when_the_earlier_one_is_verified_while_the_assessment_is_under_way_then_it_is_decided_again() {
        let bureau = Bureau::in_memory();
        let cases: Vec<Case> = (0..8).map(|_| reported(&bureau)).collect();
        for case in &cases {
            assert_eq!(on_report(&bureau, case, ReportCommand::Accept(report::Empty {}), &["clerk"]), "done");
        }
        std::thread::scope(|scope| {
            for case in cases.iter().rev() {
                let bureau = &bureau;
                scope.spawn(move || {
                    let verify = verify(Finding::Substantiated, "事项一");
                    assert_eq!(on_report(bureau, case, verify, &INSPECTORS), "done");
                    handled(bureau, case, "20100");
                    assessed(bureau, case)
                });
            }
        });
        let rewarded: Vec<&Case> = cases
            .iter()
            .filter(|case| !bureau.office.ledger().stream(&case.reward).expect("read").is_empty())
            .collect();
        assert_eq!(rewarded.len(), 1, "one matter, one reward");
        let order = written(&bureau, rewarded[0]).same_matter;
        assert_eq!(order[0].report, rewarded[0].report, "the first of those that were verified then");
        let began = |report| bureau.office.ledger().store().stream(report).expect("read")[0];
        let assessed_at = began(&rewarded[0].reward);
        let verified_at = |case: &Case| {
            let facts = bureau.office.ledger().stream(&case.report).expect("read");
            facts.iter().find(|fact| fact.event.kind() == "report.verified").map(|fact| fact.position)
        };
        let before =
            |case: &&Case| verified_at(case).is_some_and(|position: Position| position < assessed_at);
        let known: Vec<StreamId> = cases.iter().filter(before).map(|case| case.report).collect();
        assert_eq!(order.iter().map(|one| one.report).collect::<Vec<_>>(), known);
    }
}

mod given_a_report_that_may_be_excluded {
    use super::*;

    const BOTH: [&str; 2] = ["handler", "approver"];

    fn excluded(case: &Case, kind: Exclusion) -> Assess {
        Assess { excluded: Some(kind), ..assess(case) }
    }

    fn otherwise(amount: &str) -> Otherwise {
        Otherwise { amount_yuan: amount.parse().expect("money"), because: text("经集体研究") }
    }

    fn ready(bureau: &Bureau) -> Case {
        let case = reported(bureau);
        verified(bureau, &case, Finding::Substantiated, "事项一");
        handled(bureau, &case, "20100");
        case
    }

    fn denied(bureau: &Bureau, case: &Case) -> (Denied, Vec<Line>, String) {
        let facts = bureau.office.ledger().stream(&case.reward).expect("read");
        let fact = facts.last().expect("an entry");
        let Event::Reward(RewardEvent::Denied(denied)) = &fact.event else { panic!("{}", fact.event.kind()) };
        assert_eq!(fact.by.len(), 2, "both answer for it");
        (denied.clone(), fact.lines.clone(), fact.event.public_kind().to_owned())
    }

    #[test]
    fn when_it_is_excluded_then_handler_and_approver_deny_it_together_and_the_entry_says_why() {
        let bureau = Bureau::in_memory();
        let case = ready(&bureau);
        let assess = || RewardCommand::Assess(excluded(&case, Exclusion::AlreadyHandled));
        assert_eq!(on_reward(&bureau, &case, assess(), &["handler"]), "reward.needs_approver");
        assert_eq!(on_reward(&bureau, &case, assess(), &["approver"]), "reward.needs_handler");
        let anyway =
            Assess { otherwise: Some(otherwise("3015")), ..excluded(&case, Exclusion::AlreadyHandled) };
        assert_eq!(on_reward(&bureau, &case, RewardCommand::Assess(anyway), &BOTH), "reward.excluded");
        assert_eq!(on_reward(&bureau, &case, assess(), &BOTH), "done");
        let (denied, lines, public) = denied(&bureau, &case);
        assert_eq!(denied.reasons[0].code, "reward.excluded_already_handled");
        assert_eq!(denied.rule.as_deref(), Some("national-2018"));
        assert_eq!(public, "reward.note", "the public does not learn what was decided");
        assert!(!lines.iter().any(|line| matches!(line, Line::Stop { .. })));
    }

    #[test]
    fn when_it_was_denied_then_nothing_is_approved_claimed_or_paid_and_no_other_stream_rewards_it() {
        let bureau = Bureau::in_memory();
        let case = ready(&bureau);
        let deny = RewardCommand::Assess(excluded(&case, Exclusion::AlreadyHandled));
        assert_eq!(on_reward(&bureau, &case, deny, &BOTH), "done");
        let pay = Pay::whole("3015".parse().expect("money"), text("凭证"));
        for (command, who) in [
            (RewardCommand::Assess(assess(&case)), "handler"),
            (RewardCommand::Reassess(assess(&case)), "handler"),
            (RewardCommand::Approve(reward::Empty {}), "approver"),
            (RewardCommand::Notify(reward::Empty {}), "handler"),
            (RewardCommand::Pay(pay), "finance"),
            (RewardCommand::Forfeit(reward::Empty {}), "approver"),
        ] {
            assert_eq!(on_reward(&bureau, &case, command, &[who]), "reward.denied");
        }
        assert_eq!(claimed(&bureau, &case), "reward.denied");
        let again = bureau.run(None, Command::Reward(RewardCommand::Assess(assess(&case))), &["handler"]);
        assert_eq!(code(again), "reward.denied");
    }

    #[test]
    fn when_the_first_was_denied_then_the_next_reporter_is_the_first_valid_one() {
        let bureau = Bureau::in_memory();
        let (first, second) = (ready(&bureau), ready(&bureau));
        assert_eq!(assessed(&bureau, &second), "reward.not_first");
        let deny = RewardCommand::Assess(excluded(&first, Exclusion::AlreadyHandled));
        assert_eq!(on_reward(&bureau, &first, deny, &BOTH), "done");
        assert_eq!(assessed(&bureau, &second), "done");
    }

    #[test]
    fn when_the_article_is_not_in_force_then_a_person_decides_with_a_reason() {
        let bureau = Bureau::in_memory();
        let (staff, other) = (ready(&bureau), ready(&bureau));
        let assess = RewardCommand::Assess(excluded(&staff, Exclusion::DutyStaff));
        assert_eq!(on_reward(&bureau, &staff, assess, &BOTH), "reward.person_decides");
        let none = Assess { otherwise: Some(otherwise("0")), ..excluded(&staff, Exclusion::DutyStaff) };
        assert_eq!(on_reward(&bureau, &staff, RewardCommand::Assess(none), &BOTH), "done");
        let (denied, ..) = denied(&bureau, &staff);
        assert_eq!(denied.because.as_ref().map(ToString::to_string).as_deref(), Some("经集体研究"));
        let given =
            Assess { otherwise: Some(otherwise("3000")), ..excluded(&other, Exclusion::CloseRelative) };
        assert_eq!(on_reward(&bureau, &other, RewardCommand::Assess(given), &["handler"]), "done");
        assert_eq!(written(&bureau, &other).amount_yuan.to_string(), "3000.00");
    }

    #[test]
    fn when_it_turns_out_while_the_claim_period_runs_then_that_ends_with_the_denial() {
        let bureau = Bureau::in_memory();
        let case = ready(&bureau);
        assert_eq!(assessed(&bureau, &case), "done");
        assert_eq!(approved(&bureau, &case), "done");
        assert_eq!(notified(&bureau, &case), "done");
        let deny = RewardCommand::Reassess(excluded(&case, Exclusion::AlreadyHandled));
        assert_eq!(on_reward(&bureau, &case, deny, &BOTH), "done");
        let (_, lines, _) = denied(&bureau, &case);
        assert!(lines.contains(&Line::Stop { name: "claim".into() }));
        assert_eq!(claimed(&bureau, &case), "reward.denied");
    }

    #[test]
    fn when_a_linked_hazard_was_entered_before_the_report_then_the_assessment_says_so() {
        let bureau = Bureau::in_memory();
        let enterprise = bureau.enterprise("甲矿");
        let enter = || bureau.request(&bureau.hazard(enterprise), &["clerk"]).expect("entered");
        let before = enter();
        let case = reported(&bureau);
        let after = enter();
        verified(&bureau, &case, Finding::Substantiated, "事项一");
        handled(&bureau, &case, "20100");
        let link = |hazard| ReportCommand::Link(report::Link { hazard });
        assert_eq!(on_report(&bureau, &case, link(after.stream), &["handler"]), "done");
        assert_eq!(assessed(&bureau, &case), "done");
        assert_eq!(written(&bureau, &case).facts.found_before, None);
        assert_eq!(on_report(&bureau, &case, link(before.stream), &["handler"]), "done");
        let reassess = RewardCommand::Reassess(assess(&case));
        assert_eq!(on_reward(&bureau, &case, reassess, &["handler"]), "done");
        let written = written(&bureau, &case);
        assert_eq!(written.facts.found_before, Some(before.positions[0]));
        assert!(written.reasons.iter().any(|reason| reason.code == "reward.found_before"));
        assert_eq!(written.amount_yuan.to_string(), "3015.00", "a hint decides nothing");
    }
}

mod given_a_reporter_who_was_told {
    use super::*;

    /// Told on 2024-05-10: the last day to claim is 2024-07-09, 60 days later, and at most 2024-09-07.
    fn told(bureau: &Bureau) -> Case {
        let case = reported(bureau);
        verified(bureau, &case, Finding::Substantiated, "事项一");
        handled(bureau, &case, "20100");
        assert_eq!(assessed(bureau, &case), "done");
        assert_eq!(extended(bureau, &case, "2024-09-07"), "reward.not_notified");
        assert_eq!(approved(bureau, &case), "done");
        assert_eq!(notified(bureau, &case), "done");
        case
    }

    fn extended(bureau: &Bureau, case: &Case, until: &str) -> String {
        let extend = reward::Extend { until: day(until), because: text("举报人住院") };
        on_reward(bureau, case, RewardCommand::Extend(extend), &["approver"])
    }

    fn adopt(bureau: &Bureau) {
        let pack = PACKS.into_iter().find(|pack| pack.id == "deadlines").expect("pack");
        let adopt = Adopt {
            pack: pack.id.to_owned(),
            hash: pack.hash(),
            from: day("2024-05-10"),
            decision: text("采用期限规则包"),
        };
        let command = Command::Rules(RulesCommand::Adopt(adopt));
        assert_eq!(code(bureau.run(None, command, &["approver"])), "done");
    }

    fn forfeit(bureau: &Bureau, case: &Case) -> String {
        on_reward(bureau, case, RewardCommand::Forfeit(reward::Empty {}), &["approver"])
    }

    #[test]
    fn when_the_extension_is_not_verified_then_it_is_refused_until_the_pack_is_adopted() {
        let bureau = Bureau::in_memory();
        let case = told(&bureau);
        assert_eq!(extended(&bureau, &case, "2024-09-07"), "reward.extension_not_in_force");
        adopt(&bureau);
        assert_eq!(extended(&bureau, &case, "2024-09-07"), "done", "also for those who were told before");
    }

    #[test]
    fn when_it_is_extended_then_the_entry_says_so_in_public_and_it_is_claimed_until_the_new_day() {
        let bureau = Bureau::in_memory();
        let case = told(&bureau);
        adopt(&bureau);
        assert_eq!(extended(&bureau, &case, "2024-07-09"), "reward.not_later");
        assert_eq!(extended(&bureau, &case, "2024-09-08"), "reward.beyond_limit");
        let extend = reward::Extend { until: day("2024-08-01"), because: text("举报人住院") };
        let by_handler = on_reward(&bureau, &case, RewardCommand::Extend(extend), &["handler"]);
        assert_eq!(by_handler, "reward.needs_approver");
        assert_eq!(extended(&bureau, &case, "2024-08-01"), "done");
        let facts = bureau.office.ledger().stream(&case.reward).expect("read");
        let fact = facts.last().expect("an entry");
        let Event::Reward(RewardEvent::Extended(extended)) = &fact.event else { panic!("{fact:?}") };
        assert_eq!((extended.until, extended.latest), (day("2024-08-01"), day("2024-09-07")));
        assert!(extended.source.starts_with("安监总财〔2018〕19号"));
        assert_eq!(fact.event.public_kind(), "reward.extended");
        let line = Line::Extend { name: "claim".into(), until: day("2024-08-01") };
        assert!(fact.lines.contains(&line), "{:?}", fact.lines);
        // 2024-07-31: the old period is over, the new one runs.
        bureau.clock.advance_seconds(82 * 86_400);
        assert_eq!(forfeit(&bureau, &case), "reward.claim_period_runs");
        assert_eq!(claimed(&bureau, &case), "done");
    }

    #[test]
    fn when_the_period_is_over_then_it_is_not_brought_back() {
        let bureau = Bureau::in_memory();
        let case = told(&bureau);
        adopt(&bureau);
        bureau.clock.advance_seconds(61 * 86_400);
        assert_eq!(extended(&bureau, &case, "2024-09-07"), "reward.claim_period_over");
        assert_eq!(forfeit(&bureau, &case), "done");
        assert_eq!(extended(&bureau, &case, "2024-09-07"), "reward.ended");
    }

    #[test]
    fn when_nobody_claims_in_time_then_the_ledger_records_that_once_and_an_officer_forfeits_it() {
        let bureau = Bureau::in_memory();
        let case = told(&bureau);
        let overdue = || RewardCommand::RecordOverdue(reward::RecordOverdue { clock: "claim".into() });
        // Told on 10 May: the sixtieth day is 9 July.
        bureau.clock.advance_seconds(60 * 86_400);
        assert_eq!(
            on_reward(&bureau, &case, overdue(), &[]),
            "reward.not_overdue",
            "the last day belongs to it"
        );
        bureau.clock.advance_seconds(86_400);
        assert_eq!(on_reward(&bureau, &case, overdue(), &["approver"]), "reward.only_by_log");
        assert_eq!(on_reward(&bureau, &case, overdue(), &[]), "done");
        assert_eq!(on_reward(&bureau, &case, overdue(), &[]), "reward.overdue_recorded");
        let facts = bureau.office.ledger().stream(&case.reward).expect("read");
        assert_eq!(facts.last().map(|fact| fact.event.public_kind()), Some("reward.overdue"));
        assert_eq!(forfeit(&bureau, &case), "done");
    }

    #[test]
    fn when_it_was_claimed_then_there_is_nothing_to_extend() {
        let bureau = Bureau::in_memory();
        let case = told(&bureau);
        adopt(&bureau);
        assert_eq!(claimed(&bureau, &case), "done");
        assert_eq!(extended(&bureau, &case, "2024-09-07"), "reward.already_claimed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn of_any_order_of_verification_the_first_by_log_order_gets_the_reward(
        order in Just((0_usize..5).collect::<Vec<_>>()).prop_shuffle(),
        asked in Just((0_usize..5).collect::<Vec<_>>()).prop_shuffle(),
        findings in prop::collection::vec(0_u8..3, 5),
    ) {
        let bureau = Bureau::in_memory();
        let cases: Vec<Case> = (0..5).map(|_| reported(&bureau)).collect();
        let finding = |index: usize| match findings[index] {
            0 => Finding::NotSubstantiated,
            1 => Finding::Partly,
            _ => Finding::Substantiated,
        };
        for index in order {
            verified(&bureau, &cases[index], finding(index), "事项一");
            handled(&bureau, &cases[index], "20100");
        }
        let first = (0..5).find(|index| finding(*index) != Finding::NotSubstantiated);
        for index in asked {
            let done = assessed(&bureau, &cases[index]) == "done";
            prop_assert_eq!(done, Some(index) == first);
        }
    }
}
