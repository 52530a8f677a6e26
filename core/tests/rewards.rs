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
use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::report::{self, Channel, Finding, ReportCommand};
use adit_core::reward::{self, Assess, Assessed, RewardCommand, RewardEvent};
use adit_core::rules::reward::{Matter, Sector};
use adit_core::units::Position;
use common::{Bureau, ORIGIN, code, id, text};
use proptest::prelude::*;

const INSPECTORS: [&str; 2] = ["inspector-1", "inspector-2"];

/// A report by telephone, and the key that will claim its reward.
struct Case {
    report: StreamId,
    reward: StreamId,
    claim: SigningKey,
}

fn reported(bureau: &Bureau) -> Case {
    let reward = StreamId::new(StreamKind::Reward, id());
    let claim = SigningKey::generate(&format!("{ORIGIN}/{reward}")).expect("key");
    let report = ReportCommand::Report(report::Report {
        matter: Matter::MajorHazard,
        channel: Channel::Telephone,
        key: None,
        claim_key: Some(text(&hex(claim.vkey().key()))),
        insider: false,
        testimony: None,
    });
    let report = bureau.run(None, Command::Report(report), &["clerk"]).expect("reported").stream;
    Case { report, reward, claim }
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
    }
}

fn assessed(bureau: &Bureau, case: &Case) -> String {
    on_reward(bureau, case, RewardCommand::Assess(assess(case)), &["handler"])
}

fn approved(bureau: &Bureau, case: &Case) -> String {
    on_reward(bureau, case, RewardCommand::Approve(reward::Empty {}), &["approver"])
}

/// What an assessment wrote into the ledger.
fn written(bureau: &Bureau, case: &Case) -> Assessed {
    let facts = bureau.office.ledger().stream(&case.reward).expect("read");
    let last = facts.into_iter().rev().find_map(|fact| match fact.event {
        Event::Reward(RewardEvent::Assessed(assessed) | RewardEvent::Reassessed(assessed)) => Some(assessed),
        _ => None,
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

#[test]
fn the_first_reporter_claims_with_the_claim_key_of_the_report() {
    let bureau = Bureau::in_memory();
    let case = reported(&bureau);
    verified(&bureau, &case, Finding::Substantiated, "事项一");
    handled(&bureau, &case, "20100");
    assert_eq!(assessed(&bureau, &case), "done");
    assert_eq!(approved(&bureau, &case), "done");
    let notify = RewardCommand::Notify(reward::Empty {});
    assert_eq!(on_reward(&bureau, &case, notify, &["handler"]), "done");
    let command = Command::Reward(RewardCommand::Claim(reward::Claim { key: case.claim.vkey() }));
    let request = Request { id: CommandId(id()), stream: Some(case.reward), command };
    assert_eq!(code(bureau.office.execute(&request, &[&case.claim])), "done");
}
