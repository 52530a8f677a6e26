//! From a command to the log: order, idempotency, keys and grants, and what a second decision sees.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

mod common;

use adit_core::actor::{ActorCommand, Enrol, RoleOfKey, RotateKey, Suspend};
use adit_core::command::{Command, Request};
use adit_core::event::Event;
use adit_core::hazard::{Because, HazardCommand, Verify};
use adit_core::id::{CommandId, StreamId, StreamKind};
use adit_core::inspection::{InspectionCommand, Perform, RecordFinding};
use adit_core::ledger::entry::Line;
use adit_core::ledger::note::Note;
use adit_core::ledger::verify::verify;
use adit_core::ledger::vkey::{SigningKey, hex};
use adit_core::office::{Decision, ExecuteError, Hand};
use adit_core::report::{self, Channel, Finding, ReportCommand};
use adit_core::reward::{self, Assess, Pay, RewardCommand};
use adit_core::role::Role;
use adit_core::rules::reward::{Matter, Sector};
use adit_core::units::{Fen, Position};
use common::{Bureau, ORIGIN, code, day, id, text};

fn whole(bureau: &Bureau) {
    let ledger = bureau.office.ledger();
    let verified = verify(ledger.store(), &ledger.log_key().vkey(), |_| {}).expect("all holds");
    assert_eq!(verified.size, ledger.size());
}

#[test]
fn when_a_command_comes_twice_then_it_is_written_once_and_answered_the_same() {
    let bureau = Bureau::in_memory();
    let request = bureau.hazard(bureau.enterprise("甲矿"));
    let first = bureau.request(&request, &["clerk"]).expect("written");
    let size = bureau.office.ledger().size();
    for _ in 0..10 {
        let again = bureau.request(&request, &["clerk"]).expect("answered");
        assert!(again.repeated && !first.repeated);
        assert_eq!((again.stream, &again.positions), (first.stream, &first.positions));
    }
    assert_eq!(bureau.office.ledger().size(), size);
    let other = Request { id: request.id, ..bureau.hazard(bureau.enterprise("乙矿")) };
    assert_eq!(code(bureau.request(&other, &["clerk"])), "entry.command_id_reused");
    whole(&bureau);
}

#[test]
fn when_two_register_one_name_at_once_then_one_of_them_is_refused() {
    let bureau = Bureau::in_memory();
    let codes: Vec<String> = std::thread::scope(|scope| {
        let register = |_| {
            let bureau = &bureau;
            scope.spawn(move || {
                let register = adit_core::enterprise::Register {
                    metal_smelting: false,
                    name: text("同名矿"),
                    credit_code: None,
                    sector: Sector::Mine,
                    town: text("示例镇"),
                    licence: adit_core::rules::closure::Licence::Full,
                    producing: true,
                    controller: None,
                    parent: None,
                };
                let command = adit_core::enterprise::EnterpriseCommand::Register(register);
                code(bureau.run(None, Command::Enterprise(command), &["clerk"]))
            })
        };
        let threads: Vec<_> = (0..8).map(register).collect();
        threads.into_iter().map(|thread| thread.join().expect("joined")).collect()
    });
    assert_eq!(codes.iter().filter(|code| *code == "done").count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| *code == "enterprise.name_taken").count(), 7, "{codes:?}");
    whole(&bureau);
}

#[test]
fn when_sixty_four_write_at_once_then_none_is_lost_and_the_order_has_no_gap() {
    let bureau = Bureau::in_memory();
    let enterprise = bureau.enterprise("甲矿");
    let before = bureau.office.ledger().size();
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                for _ in 0..5 {
                    bureau.request(&bureau.hazard(enterprise), &["clerk"]).expect("written");
                }
            });
        }
    });
    assert_eq!(bureau.office.ledger().size(), before + 64 * 5);
    whole(&bureau);
}

#[test]
fn one_inspector_signing_twice_is_not_two() {
    let bureau = Bureau::in_memory();
    let hazard =
        bureau.request(&bureau.hazard(bureau.enterprise("甲矿")), &["clerk"]).expect("written").stream;
    let verify = Verify { criterion: Some("NCM88-一(地下矿山)-二".into()), because: text("现场") };
    let command = || Command::Hazard(HazardCommand::Verify(verify.clone()));
    let twice = bureau.run(Some(hazard), command(), &["inspector-1", "inspector-1"]);
    assert_eq!(code(twice), "hazard.needs_two_inspectors");
    assert_eq!(code(bureau.run(Some(hazard), command(), &["inspector-1", "inspector-2"])), "done");
}

#[test]
fn a_finding_and_its_hazard_land_whole_or_not_at_all() {
    let bureau = Bureau::in_memory();
    let enterprise = bureau.enterprise("甲矿");
    let perform = Perform { enterprise, day: day("2024-05-10"), checked: text("井下"), files: Vec::new() };
    let both = ["inspector-1", "inspector-2"];
    let inspection = bureau
        .run(None, Command::Inspection(InspectionCommand::Perform(perform)), &both)
        .expect("performed")
        .stream;
    let size = bureau.office.ledger().size();
    let finding = |found_on: &str| {
        Command::Inspection(InspectionCommand::RecordFinding(RecordFinding {
            place: text("三号巷道"),
            description: text("未支护"),
            found_on: day(found_on),
            criterion: None,
            files: Vec::new(),
        }))
    };
    // The hazard's own rule refuses a day in the future, so the finding does not land either.
    assert_eq!(code(bureau.run(Some(inspection), finding("2024-05-11"), &both)), "hazard.found_in_future");
    assert_eq!(bureau.office.ledger().size(), size);
    let answer = bureau.run(Some(inspection), finding("2024-05-10"), &both).expect("recorded");
    assert_eq!(answer.positions, [Position(size), Position(size + 1)]);
    whole(&bureau);
}

#[test]
fn a_key_that_was_ended_or_not_granted_signs_nothing() {
    let mut bureau = Bureau::in_memory();
    let stream = bureau.enrol("late-clerk", Role::Clerk, None);
    let enterprise = bureau.enterprise("甲矿");
    assert_eq!(code(bureau.request(&bureau.hazard(enterprise), &["late-clerk"])), "done");
    let key = bureau.keys["late-clerk"].vkey();
    let revoke = Command::Actor(ActorCommand::Revoke(RoleOfKey { role: Role::Clerk, key: key.clone() }));
    assert_eq!(code(bureau.run(Some(stream), revoke, &["admin-1"])), "done");
    assert_eq!(code(bureau.request(&bureau.hazard(enterprise), &["late-clerk"])), "hazard.needs_inspector");
    let own = Command::Actor(ActorCommand::Grant(RoleOfKey { role: Role::Admin, key }));
    assert_eq!(code(bureau.run(Some(stream), own, &["late-clerk", "admin-1"])), "actor.needs_two_admins");
    let last = Position(bureau.office.ledger().size());
    let suspend =
        Command::Actor(ActorCommand::Suspend(Suspend { last: Some(last), because: text("离职") }));
    assert_eq!(code(bureau.run(Some(stream), suspend, &["admin-1"])), "done");
    assert_eq!(code(bureau.request(&bureau.hazard(enterprise), &["late-clerk"])), "hazard.needs_inspector");
    whole(&bureau);
}

#[test]
fn a_rotated_key_keeps_its_roles_and_the_old_one_ends() {
    let mut bureau = Bureau::in_memory();
    let stream = bureau.enrol("rotating", Role::Clerk, None);
    let old = bureau.keys["rotating"].vkey();
    let new = SigningKey::generate(old.name()).expect("key");
    let last = Position(bureau.office.ledger().size());
    let rotate = RotateKey { old, new: new.vkey(), last: Some(last), recipient: None };
    let command = Command::Actor(ActorCommand::RotateKey(rotate));
    assert_eq!(code(bureau.run(Some(stream), command, &["admin-1", "admin-2"])), "done");
    let enterprise = bureau.enterprise("甲矿");
    assert_eq!(code(bureau.request(&bureau.hazard(enterprise), &["rotating"])), "entry.key_ended");
    bureau.keys.insert("rotating", new);
    assert_eq!(code(bureau.request(&bureau.hazard(enterprise), &["rotating"])), "done");
    whole(&bureau);
}

mod given_an_officers_key_that_is_ended {
    use super::*;

    fn suspend(last: Option<Position>) -> Command {
        Command::Actor(ActorCommand::Suspend(Suspend { last, because: text("离职") }))
    }

    #[test]
    fn when_a_position_ahead_is_named_then_it_is_refused_because_the_key_would_go_on_signing() {
        let mut bureau = Bureau::in_memory();
        let stream = bureau.enrol("leaving", Role::Clerk, None);
        for ahead in [bureau.office.ledger().size() + 1, u64::MAX] {
            let refused = bureau.run(Some(stream), suspend(Some(Position(ahead))), &["admin-1"]);
            assert_eq!(code(refused), "actor.end_in_future");
        }
        assert_eq!(code(bureau.run(Some(stream), suspend(None), &["admin-1"])), "done");
        let keys = bureau.office.ledger().keys();
        let next = Position(bureau.office.ledger().size());
        assert!(!keys.in_force(&bureau.keys["leaving"].vkey(), next));
        whole(&bureau);
    }

    #[test]
    fn when_a_position_is_named_after_which_entries_stand_then_it_is_refused_and_nothing_is_undone() {
        let mut bureau = Bureau::in_memory();
        let stream = bureau.enrol("leaving", Role::Clerk, None);
        let seen = Position(bureau.office.ledger().size() - 1);
        let enterprise = bureau.enterprise("甲矿");
        let signed = bureau.request(&bureau.hazard(enterprise), &["leaving"]).expect("signed").positions[0];
        assert_eq!(code(bureau.run(Some(stream), suspend(Some(seen)), &["admin-1"])), "actor.end_in_past");
        let newest = Position(bureau.office.ledger().size() - 1);
        assert_eq!(code(bureau.run(Some(stream), suspend(Some(newest)), &["admin-1"])), "done");
        let key = bureau.keys["leaving"].vkey();
        let keys = bureau.office.ledger().keys();
        assert!(keys.in_force(&key, signed), "what was signed before stays signed by a key in force");
        assert_eq!(keys.get(&key).and_then(|state| state.last), Some(newest));
        whole(&bureau);
    }

    #[test]
    fn when_others_write_while_it_is_ended_then_the_end_reaches_back_to_none_of_them() {
        use adit_core::ledger::entry::SignedEntry;
        use adit_core::ledger::keyring::KeyRing;
        let mut bureau = Bureau::in_memory();
        let stream = bureau.enrol("leaving", Role::Clerk, None);
        bureau.run(Some(stream), suspend(None), &["admin-1"]).expect("suspended");
        // The same entry, had it got a later position than the one it was decided at.
        let ledger = bureau.office.ledger();
        let mut keys = KeyRing::new(ledger.origin());
        let stored = ledger.store().read(Position(0), usize::MAX).expect("read");
        for one in &stored {
            let entry = SignedEntry::parse(&one.entry).expect("entry");
            let late = if one.position.0 + 1 == ledger.size() { 100 } else { one.position.0 };
            keys.apply(Position(late), entry.entry());
        }
        let key = bureau.keys["leaving"].vkey();
        assert!(keys.in_force(&key, Position(99)) && !keys.in_force(&key, Position(100)));
    }

    #[test]
    fn when_it_is_rotated_then_the_age_recipient_goes_over_to_the_new_one_unless_another_is_given() {
        let other = "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z";
        let first = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
        for given in [None, Some(other)] {
            let mut bureau = Bureau::in_memory();
            let actor = adit_core::id::ActorId(common::id());
            let stream = StreamId::new(StreamKind::Actor, actor.0);
            let name = bureau.office.ledger().keys().actor_key_name(actor);
            let (old, new) =
                (SigningKey::generate(&name).expect("key"), SigningKey::generate(&name).expect("key"));
            let enrol = Enrol {
                key: old.vkey(),
                title: text("受理"),
                acts_for: None,
                recipient: Some(first.to_owned()),
            };
            let enrol = Command::Actor(ActorCommand::Enrol(enrol));
            bureau.run(Some(stream), enrol, &["admin-1"]).expect("enrolled");
            let recipient = given.map(str::to_owned);
            let rotate = RotateKey { old: old.vkey(), new: new.vkey(), last: None, recipient };
            let rotate = Command::Actor(ActorCommand::RotateKey(rotate));
            bureau.run(Some(stream), rotate, &["admin-1", "admin-2"]).expect("rotated");
            let size = bureau.office.ledger().size();
            let keys = bureau.office.ledger().keys();
            let told: Vec<_> = keys.recipients(size).collect();
            assert_eq!(told, [(&new.vkey(), given.unwrap_or(first))]);
            bureau.keys.insert("receiver", new);
            whole(&bureau);
        }
    }
}

#[test]
fn a_client_signs_the_prepared_text_itself_and_anything_else_is_refused() {
    let bureau = Bureau::in_memory();
    let request = bureau.hazard(bureau.enterprise("甲矿"));
    let clerk = &bureau.keys["clerk"];
    let vkey = clerk.vkey();
    let prepare = || match bureau.office.prepare(&request, &[Hand::Elsewhere(&vkey)]).expect("prepared") {
        Decision::Prepared(prepared) => *prepared,
        Decision::Answered(_) => panic!("nothing was written yet"),
    };
    let prepared = prepare();
    let stranger = SigningKey::generate(clerk.name()).expect("key");
    let wrong = prepared.texts().iter().map(|text| vec![stranger.sign_text(text)]).collect::<Vec<_>>();
    assert_eq!(code(bureau.office.append(prepared, &wrong)), "entry.unknown_signer");
    let prepared = prepare();
    let mut torn = prepared.texts().iter().map(|text| vec![clerk.sign_text(text)]).collect::<Vec<_>>();
    torn[0][0].signature[5] ^= 1;
    assert_eq!(code(bureau.office.append(prepared, &torn)), "entry.bad_signature");
    let prepared = prepare();
    let good = prepared.texts().iter().map(|text| vec![clerk.sign_text(text)]).collect::<Vec<_>>();
    assert_eq!(code(bureau.office.append(prepared, &good)), "done");
    whole(&bureau);
}

#[test]
fn an_entry_that_was_prepared_too_long_ago_is_refused() {
    let bureau = Bureau::in_memory();
    let request = bureau.hazard(bureau.enterprise("甲矿"));
    let clerk = &bureau.keys["clerk"];
    let vkey = clerk.vkey();
    let Decision::Prepared(prepared) =
        bureau.office.prepare(&request, &[Hand::Elsewhere(&vkey)]).expect("prepared")
    else {
        panic!("nothing was written yet")
    };
    let signed = prepared.texts().iter().map(|text| vec![clerk.sign_text(text)]).collect::<Vec<_>>();
    bureau.clock.advance_seconds(121);
    assert_eq!(code(bureau.office.append(*prepared, &signed)), "entry.clock_skew");
}

#[test]
fn a_clock_that_stands_before_the_last_group_writes_nothing() {
    let bureau = Bureau::in_memory();
    let enterprise = bureau.enterprise("甲矿");
    bureau.clock.advance_seconds(-3600);
    let result = bureau.request(&bureau.hazard(enterprise), &["clerk"]);
    assert!(matches!(result, Err(ExecuteError::Append(_))), "{result:?}");
}

/// A report from the first word to the paid reward; the public entries tie it to nothing.
#[test]
fn a_report_is_rewarded_once_without_a_name_and_its_entries_show_no_officer() {
    let bureau = Bureau::in_memory();
    let stream = StreamId::new(StreamKind::Report, id());
    let reward = StreamId::new(StreamKind::Reward, id());
    let reporter = SigningKey::generate(&format!("{ORIGIN}/{stream}")).expect("key");
    let claim = SigningKey::generate(&format!("{ORIGIN}/{reward}")).expect("key");
    let sign = |on: StreamId, command: Command, key: &SigningKey| {
        bureau.office.execute(&Request { id: CommandId(id()), stream: Some(on), command }, &[key])
    };
    let report = report::Report {
        matter: Matter::MajorHazard,
        channel: Channel::Web,
        key: Some(reporter.vkey()),
        claim_key: Some(text(&hex(claim.vkey().key()))),
        insider: false,
        testimony: Some(common::sealed_words()),
        files: Vec::new(),
        recipient: None,
        excluded: Vec::new(),
        pickup: None,
    };
    sign(stream, Command::Report(ReportCommand::Report(report)), &reporter).expect("reported");
    let on_report = |command, who: &[&str]| code(bureau.run(Some(stream), Command::Report(command), who));
    assert_eq!(on_report(ReportCommand::Accept(report::Empty {}), &["handler"]), "report.needs_clerk");
    assert_eq!(on_report(ReportCommand::Accept(report::Empty {}), &["clerk"]), "done");
    let verify_it = report::Verify {
        finding: Finding::Substantiated,
        matter_key: text("事项一"),
        deaths_verified: 0,
        level: None,
        findings: text("属实"),
    };
    assert_eq!(
        on_report(ReportCommand::Verify(verify_it.clone()), &["inspector-1"]),
        "report.needs_two_inspectors"
    );
    assert_eq!(on_report(ReportCommand::Verify(verify_it), &["inspector-1", "inspector-2"]), "done");
    let handle = report::Handle {
        done: text("已处罚"),
        unit_fine_yuan: Fen(2_010_000),
        person_fines_yuan: Vec::new(),
    };
    assert_eq!(on_report(ReportCommand::Handle(handle), &["handler"]), "done");

    let on_reward = |command, who: &[&str]| code(bureau.run(Some(reward), Command::Reward(command), who));
    let assess = Assess {
        report: stream,
        place: text("national"),
        sector: Sector::Industry,
        accident_grade: None,
        otherwise: None,
        excluded: None,
        no_fine_tier: None,
    };
    assert_eq!(on_reward(RewardCommand::Assess(assess.clone()), &["handler"]), "done");
    let second = StreamId::new(StreamKind::Reward, id());
    let again = bureau.run(Some(second), Command::Reward(RewardCommand::Assess(assess)), &["handler"]);
    assert_eq!(code(again), "reward.matter_rewarded");
    assert_eq!(on_reward(RewardCommand::Approve(reward::Empty {}), &["approver"]), "done");
    assert_eq!(on_reward(RewardCommand::Notify(reward::Empty {}), &["handler"]), "done");
    let pay = |yuan: i64| RewardCommand::Pay(Pay::whole(Fen(yuan), text("凭证-1")));
    assert_eq!(on_reward(pay(301_500), &["finance"]), "reward.not_claimed");
    let stranger = SigningKey::generate(&format!("{ORIGIN}/{reward}")).expect("key");
    let claim_with = |key: &SigningKey| {
        code(sign(reward, Command::Reward(RewardCommand::Claim(reward::Claim::of(key.vkey()))), key))
    };
    assert_eq!(claim_with(&stranger), "reward.not_the_reporter");
    assert_eq!(claim_with(&claim), "done");
    assert_eq!(claim_with(&claim), "reward.already_claimed");
    assert_eq!(on_reward(pay(301_501), &["finance"]), "reward.other_amount");
    assert_eq!(on_reward(pay(301_500), &["finance"]), "done");
    assert_eq!(on_reward(pay(301_500), &["finance"]), "reward.already_paid");
    whole(&bureau);

    for on in [stream, reward] {
        for position in bureau.office.ledger().store().stream(&on).expect("read") {
            let stored = bureau.office.ledger().stored(position).expect("read").expect("there");
            let note = Note::parse(&stored.entry).expect("note");
            assert!(!note.text.contains("/actor/"), "an officer's lasting key stands in a report's entry");
            assert!(note.signatures.iter().all(|line| !line.name.contains("/actor/")));
        }
    }
}

#[test]
fn an_officer_with_many_roles_shows_a_report_the_one_that_it_asks_for() {
    let mut bureau = Bureau::in_memory();
    let stream = bureau.enrol("many", Role::Clerk, None);
    for role in [Role::Inspector, Role::Approver] {
        let grant = RoleOfKey { role, key: bureau.keys["many"].vkey() };
        let command = Command::Actor(ActorCommand::Grant(grant));
        assert_eq!(code(bureau.run(Some(stream), command, &["admin-1", "admin-2"])), "done");
    }
    let report = ReportCommand::Report(report::Report {
        matter: Matter::MajorHazard,
        channel: Channel::Telephone,
        key: None,
        claim_key: None,
        insider: false,
        testimony: None,
        files: Vec::new(),
        recipient: None,
        excluded: Vec::new(),
        pickup: None,
    });
    let stream = bureau.run(None, Command::Report(report), &["many"]).expect("reported").stream;
    let facts = bureau.office.ledger().stream(&stream).expect("read");
    let grants: Vec<_> = facts[0]
        .lines
        .iter()
        .filter_map(|l| if let Line::Grant { role, .. } = l { Some(*role) } else { None })
        .collect();
    assert_eq!(grants, [Role::Clerk]);
    whole(&bureau);
}

#[test]
fn facts_read_back_are_what_was_decided() {
    let bureau = Bureau::in_memory();
    let hazard =
        bureau.request(&bureau.hazard(bureau.enterprise("甲矿")), &["clerk"]).expect("written").stream;
    let dismiss = Command::Hazard(HazardCommand::Dismiss(Because { because: text("误报") }));
    bureau.run(Some(hazard), dismiss, &["inspector-1", "inspector-2"]).expect("dismissed");
    let facts = bureau.office.ledger().stream(&hazard).expect("read");
    let kinds: Vec<_> = facts.iter().map(|fact| fact.event.kind()).collect();
    assert_eq!(kinds, ["hazard.reported", "hazard.dismissed"]);
    assert_eq!(facts[1].by.len(), 2);
    assert!(matches!(facts[0].event, Event::Hazard(_)));
}
