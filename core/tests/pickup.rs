//! What a clerk takes down, on the whole way to the reward: the code works once, and only a reporter's own key claims.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use adit_core::command::{Command, Request};
use adit_core::event::Event;
use adit_core::id::{CommandId, StreamId, StreamKind};
use adit_core::ledger::entry::{Line, SignedEntry};
use adit_core::ledger::verify::verify;
use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::report::{
    self, Channel, Finding, OneTimeCode, PickUp, Pickup, ReportCommand, ReportEvent, case_number,
    correspondents, parse_case_number, pickup_key, reporter_key,
};
use adit_core::reward::{self, Assess, RewardCommand};
use adit_core::rules::reward::{Matter, Sector};
use adit_core::seal::Identity;
use adit_core::units::Fen;
use common::{Bureau, ORIGIN, code, day, id, sealed_words, text};

/// What the slow hash would be.
const SLOW: [u8; 32] = [5; 32];

fn pickup() -> Pickup {
    let code = OneTimeCode::parse("1234 5678 9012 3456").expect("a code");
    Pickup::new(&[7; 16], &code, &SLOW).expect("a pickup")
}

fn told(channel: Channel) -> report::Report {
    report::Report {
        matter: Matter::MajorHazard,
        channel,
        key: None,
        claim_key: None,
        recipient: None,
        insider: false,
        testimony: Some(sealed_words()),
        files: Vec::new(),
        excluded: Vec::new(),
        pickup: Some(pickup()),
    }
}

/// A report that a clerk took down, and the keys of the reporter who will come for it.
struct Case {
    report: StreamId,
    reward: StreamId,
    key: SigningKey,
    claim: SigningKey,
}

fn taken_down(bureau: &Bureau) -> Case {
    let report = ReportCommand::Report(told(Channel::Telephone));
    let report = bureau.run(None, Command::Report(report), &["clerk"]).expect("taken down").stream;
    let reward = StreamId::new(StreamKind::Reward, id());
    let key = |name: String| SigningKey::generate(&name).expect("key");
    Case { report, reward, key: key(format!("{ORIGIN}/{report}")), claim: key(format!("{ORIGIN}/{reward}")) }
}

fn recipient() -> String {
    Identity::from_bytes(&[9; 32]).recipient()
}

fn pick_up(case: &Case) -> PickUp {
    PickUp {
        key: case.key.vkey(),
        claim_key: text(&hex(case.claim.vkey().key())),
        recipient: text(&recipient()),
        proof: text(&hex(&SLOW)),
        copies: Vec::new(),
    }
}

fn sign(bureau: &Bureau, on: StreamId, command: Command, keys: &[&SigningKey]) -> String {
    code(bureau.office.execute(&Request { id: CommandId(id()), stream: Some(on), command }, keys))
}

fn picked_up(bureau: &Bureau, case: &Case, command: PickUp) -> String {
    let log = bureau.office.ledger().log_key();
    sign(bureau, case.report, Command::Report(ReportCommand::PickUp(command)), &[&case.key, &log])
}

fn on_report(bureau: &Bureau, case: &Case, command: ReportCommand, who: &[&str]) -> String {
    code(bureau.run(Some(case.report), Command::Report(command), who))
}

fn on_reward(bureau: &Bureau, case: &Case, command: RewardCommand, who: &[&str]) -> String {
    code(bureau.run(Some(case.reward), Command::Reward(command), who))
}

fn claimed(bureau: &Bureau, case: &Case, key: &SigningKey) -> String {
    let command = Command::Reward(RewardCommand::Claim(reward::Claim::of(key.vkey())));
    sign(bureau, case.reward, command, &[key])
}

/// Accepted, verified, handled; a reward assessed, approved and told.
fn rewarded(bureau: &Bureau, case: &Case) {
    let verify = report::Verify {
        finding: Finding::Substantiated,
        matter_key: text(&case.report.to_string()),
        deaths_verified: 0,
        level: None,
        findings: text("属实"),
    };
    let handle = report::Handle {
        done: text("已处罚"),
        unit_fine_yuan: "100000".parse().expect("money"),
        person_fines_yuan: Vec::new(),
    };
    let inspectors = ["inspector-1", "inspector-2"];
    assert_eq!(on_report(bureau, case, ReportCommand::Accept(report::Empty {}), &["clerk"]), "done");
    assert_eq!(on_report(bureau, case, ReportCommand::Verify(verify), &inspectors), "done");
    assert_eq!(on_report(bureau, case, ReportCommand::Handle(handle), &["handler"]), "done");
    let assess = Assess {
        report: case.report,
        place: text("national"),
        sector: Sector::Industry,
        accident_grade: None,
        otherwise: None,
        excluded: None,
        no_fine_tier: None,
    };
    assert_eq!(on_reward(bureau, case, RewardCommand::Assess(assess), &["handler"]), "done");
    assert_eq!(on_reward(bureau, case, RewardCommand::Approve(reward::Empty {}), &["approver"]), "done");
    assert_eq!(on_reward(bureau, case, RewardCommand::Notify(reward::Empty {}), &["handler"]), "done");
}

mod given_a_report_that_a_clerk_took_down {
    use super::*;

    #[test]
    fn when_its_reporter_brings_the_code_then_the_reporters_key_and_the_log_sign_and_the_code_is_used_up() {
        let bureau = Bureau::in_memory();
        let case = taken_down(&bureau);
        let number = case_number(&case.report);
        let found = bureau.office.find(&pickup_key(&parse_case_number(&number).expect("a number")));
        assert_eq!(found.expect("read"), Some(case.report));
        let before = bureau.office.report(case.report).expect("read");
        assert!(before.keys.is_empty() && before.claim_keys_in_force() == [""]);
        assert_eq!(correspondents(&before, &[]), [pickup().recipient.to_string()]);

        assert_eq!(picked_up(&bureau, &case, pick_up(&case)), "done");
        let ledger = bureau.office.ledger();
        let last = ledger.store().read(adit_core::units::Position(ledger.size() - 1), 1).expect("read");
        let entry = SignedEntry::parse(&last[0].entry).expect("an entry");
        assert_eq!(entry.entry().kind, "report.note");
        assert_eq!(entry.entry().lines, [Line::Key(case.key.vkey())], "nothing else is public");
        let note = adit_core::ledger::note::Note::parse(&last[0].entry).expect("a note");
        let names: Vec<&str> = note.signatures.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, [case.key.name(), ORIGIN], "one line each");
        let facts = ledger.stream(&case.report).expect("read");
        let Event::Report(ReportEvent::PickedUp(event)) = &facts[1].event else { panic!("{:?}", facts[1]) };
        assert!(
            !serde_json::to_string(event).expect("json").contains(&hex(&SLOW)),
            "the proof stands nowhere"
        );

        let after = bureau.office.report(case.report).expect("read");
        assert_eq!(correspondents(&after, &[]), [recipient()], "nothing is sealed to the code any more");
        assert_eq!(after.claim_keys_in_force(), [hex(case.claim.vkey().key())]);
        let found = bureau.office.find(&reporter_key(&case.key.vkey())).expect("read");
        assert_eq!(found, Some(case.report));
        let other = SigningKey::generate(case.key.name()).expect("key");
        let log = bureau.office.ledger().log_key();
        let again = PickUp { key: other.vkey(), ..pick_up(&case) };
        let command = Command::Report(ReportCommand::PickUp(again));
        assert_eq!(sign(&bureau, case.report, command, &[&other, &log]), "report.already_picked_up");
        verify(bureau.office.ledger().store(), &log.vkey(), |_| {}).expect("the ledger holds");
    }

    #[test]
    fn when_two_bring_the_code_at_once_then_one_has_it() {
        let bureau = Bureau::in_memory();
        let case = taken_down(&bureau);
        let said: Vec<String> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8)
                .map(|_| {
                    let key = SigningKey::generate(case.key.name()).expect("key");
                    let command = PickUp { key: key.vkey(), ..pick_up(&case) };
                    let command = Command::Report(ReportCommand::PickUp(command));
                    let (bureau, case) = (&bureau, &case);
                    scope.spawn(move || {
                        let log = bureau.office.ledger().log_key();
                        sign(bureau, case.report, command, &[&key, &log])
                    })
                })
                .collect();
            tries.into_iter().map(|one| one.join().expect("a thread")).collect()
        });
        assert_eq!(said.iter().filter(|said| *said == "done").count(), 1, "{said:?}");
        assert_eq!(said.iter().filter(|said| *said == "report.already_picked_up").count(), 7, "{said:?}");
    }

    #[test]
    fn when_the_code_is_wrong_or_the_log_does_not_sign_then_nothing_happens_and_the_right_code_still_works() {
        let bureau = Bureau::in_memory();
        let case = taken_down(&bureau);
        let size = bureau.office.ledger().size();
        let wrong = PickUp { proof: text(&hex(&[6; 32])), ..pick_up(&case) };
        for _ in 0..20 {
            assert_eq!(picked_up(&bureau, &case, wrong.clone()), "report.wrong_pickup_code");
        }
        let command = || Command::Report(ReportCommand::PickUp(pick_up(&case)));
        assert_eq!(sign(&bureau, case.report, command(), &[&case.key]), "report.pickup_by_log");
        assert_eq!(sign(&bureau, case.report, command(), &[]), "report.key_not_the_signers");
        assert_eq!(code(bureau.run(Some(case.report), command(), &["clerk"])), "report.pickup_by_log");
        let bad = PickUp { claim_key: text("no key"), ..pick_up(&case) };
        assert_eq!(picked_up(&bureau, &case, bad), "report.bad_claim_key");
        let bad = PickUp { recipient: text("age1nobody"), ..pick_up(&case) };
        assert_eq!(picked_up(&bureau, &case, bad), "report.bad_recipient");
        assert_eq!(bureau.office.ledger().size(), size);
        assert_eq!(picked_up(&bureau, &case, pick_up(&case)), "done");
    }

    #[test]
    fn when_it_is_rewarded_before_its_reporter_comes_then_nobody_else_claims_and_the_reporter_does() {
        let bureau = Bureau::in_memory();
        let case = taken_down(&bureau);
        rewarded(&bureau, &case);
        let state = bureau.office.reward(case.reward).expect("read");
        assert_eq!(
            state.assessed.expect("assessed").shares_yuan,
            ["15000.00".parse::<Fen>().expect("money")]
        );
        // Whoever has the code could derive any key from it; none of them claims.
        let by_code = SigningKey::from_seed(&format!("{ORIGIN}/{}", case.reward), &SLOW).expect("key");
        for key in [&by_code, &case.claim] {
            assert_eq!(claimed(&bureau, &case, key), "reward.not_the_reporter");
        }
        assert_eq!(picked_up(&bureau, &case, pick_up(&case)), "done");
        assert_eq!(claimed(&bureau, &case, &by_code), "reward.not_the_reporter");
        assert_eq!(claimed(&bureau, &case, &case.claim), "done");
        let pay = reward::Pay::whole("15000".parse().expect("money"), text("凭证"));
        assert_eq!(on_reward(&bureau, &case, RewardCommand::Pay(pay), &["finance"]), "done");
    }

    /// Whoever enters the report could otherwise name a claim key of their own.
    #[test]
    fn when_the_clerk_names_a_claim_key_then_nobody_claims_with_it() {
        let bureau = Bureau::in_memory();
        let case = taken_down(&bureau);
        let claim_key = Some(text(&hex(case.claim.vkey().key())));
        let with = report::Report { claim_key: claim_key.clone(), ..told(Channel::Visit) };
        let refused = bureau.run(None, Command::Report(ReportCommand::Report(with)), &["clerk"]);
        assert_eq!(code(refused), "report.pickup_needs_clerk");
        let without = report::Report { claim_key, pickup: None, ..told(Channel::Visit) };
        let entered = bureau.run(None, Command::Report(ReportCommand::Report(without)), &["clerk"]);
        let case = Case { report: entered.expect("entered").stream, ..case };
        rewarded(&bureau, &case);
        assert_eq!(claimed(&bureau, &case, &case.claim), "reward.not_the_reporter");
    }

    #[test]
    fn when_the_reporter_locks_the_report_then_nobody_claims_either() {
        let bureau = Bureau::in_memory();
        let case = taken_down(&bureau);
        assert_eq!(picked_up(&bureau, &case, pick_up(&case)), "done");
        rewarded(&bureau, &case);
        let lock = Command::Report(ReportCommand::Lock(report::Empty {}));
        assert_eq!(sign(&bureau, case.report, lock, &[&case.key]), "done");
        assert_eq!(claimed(&bureau, &case, &case.claim), "reward.not_the_reporter");
        assert_eq!(picked_up(&bureau, &case, pick_up(&case)), "report.already_picked_up");
    }

    #[test]
    fn when_the_claim_period_of_the_rule_pack_is_over_then_the_code_is_good_no_more() {
        for (today, said) in [("2024-07-09", "done"), ("2024-07-10", "report.pickup_over")] {
            let bureau = Bureau::in_memory();
            let case = taken_down(&bureau);
            rewarded(&bureau, &case);
            bureau.clock.set(day(today).start().plus_seconds(12 * 3600));
            assert_eq!(picked_up(&bureau, &case, pick_up(&case)), said, "{today}");
        }
    }

    #[test]
    fn when_there_is_no_reward_then_the_code_is_good_until_the_claim_period_after_the_end() {
        for (today, ended, said) in [
            ("2034-05-10", false, "done"),
            ("2024-07-09", true, "done"),
            ("2024-07-10", true, "report.pickup_over"),
        ] {
            let bureau = Bureau::in_memory();
            let case = taken_down(&bureau);
            if ended {
                let decline = ReportCommand::Decline(report::Decline { ground: report::Ground::Unclear });
                assert_eq!(on_report(&bureau, &case, decline, &["clerk"]), "done");
            }
            bureau.clock.set(day(today).start().plus_seconds(12 * 3600));
            assert_eq!(picked_up(&bureau, &case, pick_up(&case)), said, "{today}");
        }
    }
}

mod given_a_report_that_came_otherwise {
    use super::*;

    #[test]
    fn when_it_names_a_code_then_it_is_refused_and_where_there_is_none_nothing_is_picked_up() {
        let bureau = Bureau::in_memory();
        let web = bureau.run(None, Command::Report(ReportCommand::Report(told(Channel::Web))), &["clerk"]);
        assert_eq!(code(web), "report.pickup_needs_clerk");
        let stream = StreamId::new(StreamKind::Report, id());
        let key = SigningKey::generate(&format!("{ORIGIN}/{stream}")).expect("key");
        let own = report::Report { key: Some(key.vkey()), ..told(Channel::Letter) };
        let own = Command::Report(ReportCommand::Report(own));
        assert_eq!(sign(&bureau, stream, own, &[&key]), "report.pickup_needs_clerk");
        let plain = report::Report { pickup: None, ..told(Channel::Letter) };
        let plain = bureau.run(None, Command::Report(ReportCommand::Report(plain)), &["clerk"]);
        let case = taken_down(&bureau);
        let case = Case { report: plain.expect("entered").stream, ..case };
        let key = SigningKey::generate(&format!("{ORIGIN}/{}", case.report)).expect("key");
        let case = Case { key, ..case };
        assert_eq!(picked_up(&bureau, &case, pick_up(&case)), "report.nothing_to_pick_up");
    }
}
