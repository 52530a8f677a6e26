//! What is sealed in a report is shared with those who verify and handle it, and with nobody else.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use adit_core::actor::{ActorCommand, RoleOfKey};
use adit_core::command::{Command, Request};
use adit_core::event::Event;
use adit_core::id::{ActorId, CommandId, StreamId};
use adit_core::ledger::entry::SignedEntry;
use adit_core::ledger::verify::verify;
use adit_core::ledger::vkey::SigningKey;
use adit_core::report::{
    self, Blob, Channel, Copied, Decline, Ground, Holds, ReportCommand, ReportEvent, Sealed, Share, readers,
    sealed_in,
};
use adit_core::role::Role;
use adit_core::rules::reward::Matter;
use adit_core::seal::Identity;
use adit_core::units::Position;
use common::{Bureau, code, id, text};

/// A bureau with two inspectors and a handler who can be sealed to, and a report that intake reads.
struct Case {
    bureau: Bureau,
    report: StreamId,
}

const TOLD: u8 = 1;
const FILE: u8 = 2;

fn hash(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

fn blob(n: u8, recipients: &[String]) -> Blob {
    Blob::new(&hash(n), 4384, recipients).expect("a blob")
}

fn age(n: u8) -> String {
    Identity::from_bytes(&[n; 32]).recipient()
}

const READERS: [(&str, Role, u8); 3] =
    [("verifier-1", Role::Inspector, 11), ("verifier-2", Role::Inspector, 12), ("desk", Role::Handler, 13)];

/// The age recipient of one of them.
fn of(who: &str) -> String {
    let (.., n) = READERS.into_iter().find(|(name, ..)| *name == who).expect("a reader");
    age(n)
}

impl Case {
    fn excluding(excluded: &[&str]) -> Self {
        let mut bureau = Bureau::in_memory();
        for (name, role, n) in READERS {
            bureau.enrol_reader(name, role, Some(age(n)));
        }
        let excluded = excluded.iter().map(|who| bureau.actor(who)).collect();
        let intake = [age(9)];
        let told = report::Report {
            matter: Matter::MajorHazard,
            channel: Channel::Telephone,
            key: None,
            claim_key: None,
            recipient: None,
            insider: false,
            testimony: Some(blob(TOLD, &intake)),
            files: vec![blob(FILE, &intake)],
            excluded,
            pickup: None,
        };
        let told = Command::Report(ReportCommand::Report(told));
        let report = bureau.run(None, told, &["clerk"]).expect("taken down").stream;
        Self { bureau, report }
    }

    fn run(&self, command: ReportCommand, who: &[&str]) -> String {
        code(self.bureau.run(Some(self.report), Command::Report(command), who))
    }

    fn share(&self, with: &[&str], each: &[(u8, &[&str])], who: &str) -> String {
        let with = with.iter().map(|who| self.bureau.actor(who)).collect();
        self.run(ReportCommand::Share(Share { with, copies: copies(each) }), &[who])
    }
}

/// Copies of these files, each for some of them.
fn copies(each: &[(u8, &[&str])]) -> Vec<Copied> {
    let copy = |(n, to): &(u8, &[&str])| {
        let to: Vec<String> = to.iter().map(|who| of(who)).collect();
        Copied { of: text(&hash(*n)), copy: blob(0xa0 + *n, &to) }
    };
    each.iter().map(copy).collect()
}

mod given_a_report_that_intake_reads {
    use super::*;

    #[test]
    fn when_a_clerk_shares_it_then_both_inspectors_read_it_and_the_public_sees_a_note() {
        let case = Case::excluding(&[]);
        let both: &[&str] = &["verifier-1", "verifier-2"];
        assert_eq!(case.share(both, &[(TOLD, both), (FILE, both)], "clerk"), "done");
        let state = case.bureau.office.report(case.report).expect("read");
        for who in both {
            assert!(state.shared_with.contains(&case.bureau.actor(who)));
            assert!([TOLD, FILE].iter().all(|n| state.is_read_by(&hash(*n), &of(who))), "{who}");
        }
        assert!(!state.is_read_by(&hash(TOLD), &of("desk")));
        let facts = case.bureau.office.ledger().stream(&case.report).expect("read");
        let files = sealed_in(&facts);
        let held: Vec<Holds> = files.iter().map(|one| one.holds).collect();
        assert_eq!(held, [Holds::Testimony, Holds::File], "copies stand beside what they are copies of");
        let own = files[0].sealed_to(&of("verifier-2")).expect("a copy");
        assert!(own.blob.as_str() == hash(0xa0 + TOLD) && files[0].is(own.blob.as_str()));
        assert_eq!(files[0].sealed_to(&age(9)).expect("the file itself").blob.as_str(), hash(TOLD));
        let Event::Report(ReportEvent::Shared(_)) = &facts[1].event else { panic!("{:?}", facts[1]) };
        assert_eq!(facts[1].event.sealed_files().len(), 2, "copies are files of the report");

        let ledger = case.bureau.office.ledger();
        let last = ledger.store().read(Position(ledger.size() - 1), 1).expect("read");
        let entry = SignedEntry::parse(&last[0].entry).expect("an entry");
        assert_eq!(entry.entry().kind, "report.note");
        let public = String::from_utf8(last[0].entry.clone()).expect("text");
        for told in [case.bureau.actor("verifier-1").to_string(), of("verifier-1"), hash(0xa0 + TOLD)] {
            assert!(!public.contains(&told), "{public}");
        }
        verify(ledger.store(), &ledger.log_key().vkey(), |_| {}).expect("the ledger holds");
    }

    #[test]
    fn when_anybody_else_shares_it_then_it_is_refused_but_a_handler_hands_on_what_was_shared_with_them() {
        let case = Case::excluding(&[]);
        let to: &[&str] = &["verifier-1"];
        for who in ["desk", "handler", "approver"] {
            assert_eq!(case.share(to, &[(TOLD, to)], who), "report.needs_reader", "{who}");
        }
        assert_eq!(case.share(&["desk", "verifier-2"], &[(TOLD, &["desk", "verifier-2"])], "clerk"), "done");
        assert_eq!(case.share(to, &[(TOLD, to)], "verifier-2"), "report.needs_reader", "an inspector reads");
        assert_eq!(case.share(to, &[(TOLD, to)], "handler"), "report.needs_reader", "another handler");
        assert_eq!(case.share(to, &[(TOLD, to)], "desk"), "done");
    }

    #[test]
    fn when_somebody_among_them_neither_verifies_nor_handles_then_it_is_refused() {
        let mut case = Case::excluding(&[]);
        for (who, role) in [("payer", Role::Finance), ("intake", Role::Clerk), ("chief", Role::Leader)] {
            case.bureau.enrol_reader(who, role, Some(age(21)));
            assert_eq!(case.share(&[who], &[], "clerk"), "report.not_a_reader", "{who}");
        }
        let mine = case.bureau.enterprise("示例一矿");
        let account = case.bureau.enrol("mine", Role::Enterprise, Some(mine));
        let also = RoleOfKey { role: Role::Inspector, key: case.bureau.keys["mine"].vkey() };
        let also = Command::Actor(ActorCommand::Grant(also));
        case.bureau.run(Some(account), also, &["admin-1", "admin-2"]).expect("granted");
        assert_eq!(
            case.share(&["mine"], &[], "clerk"),
            "report.not_a_reader",
            "an enterprise is no inspector"
        );
        assert_eq!(case.share(&["inspector-1"], &[], "clerk"), "report.no_reading_key");
    }

    #[test]
    fn when_a_role_or_a_key_has_ended_then_its_holder_is_not_among_them() {
        let case = Case::excluding(&[]);
        let to: &[&str] = &["verifier-1"];
        let revoke = RoleOfKey { role: Role::Inspector, key: case.bureau.keys["verifier-1"].vkey() };
        let stream = StreamId::new(adit_core::id::StreamKind::Actor, case.bureau.actor("verifier-1").0);
        let revoke = Command::Actor(ActorCommand::Revoke(revoke));
        case.bureau.run(Some(stream), revoke, &["admin-1", "admin-2"]).expect("revoked");
        assert_eq!(case.share(to, &[(TOLD, to)], "clerk"), "report.not_a_reader");
        let ledger = case.bureau.office.ledger();
        let left = readers(&ledger.keys(), ledger.size(), &[case.bureau.actor("desk")].into());
        assert!(!left.contains_key(&case.bureau.actor("verifier-1")));
        assert!(!left.contains_key(&case.bureau.actor("desk")), "nor whom the reporter excludes");
        assert_eq!(left[&case.bureau.actor("verifier-2")], Some(of("verifier-2")));
        assert_eq!(left[&case.bureau.actor("inspector-1")], None, "whose key came without one");
    }

    #[test]
    fn when_the_reporter_excludes_somebody_then_they_are_never_among_them() {
        let case = Case::excluding(&["verifier-1"]);
        let both: &[&str] = &["verifier-1", "verifier-2"];
        assert_eq!(case.share(both, &[(TOLD, both)], "clerk"), "report.shared_with_excluded");
        let other: &[&str] = &["verifier-2"];
        assert_eq!(case.share(other, &[(TOLD, both)], "clerk"), "report.wrong_recipient", "by a copy");
        assert_eq!(case.share(other, &[(TOLD, other)], "clerk"), "done");
    }

    #[test]
    fn when_what_is_copied_is_not_so_then_it_is_refused_by_name() {
        let case = Case::excluding(&[]);
        let to: &[&str] = &["verifier-1"];
        assert_eq!(case.share(&[], &[], "clerk"), "report.nothing_shared");
        assert_eq!(case.share(to, &[], "clerk"), "report.nothing_shared");
        assert_eq!(case.share(&["verifier-1", "desk"], &[(TOLD, to)], "clerk"), "report.nothing_shared");
        assert_eq!(case.share(to, &[(7, to)], "clerk"), "report.not_of_this_report");
        assert_eq!(case.share(to, &[(TOLD, to), (TOLD, to)], "clerk"), "report.already_shared");
        let mut bad = copies(&[(TOLD, to)]);
        bad[0].copy.blob = text("ab");
        let with = vec![case.bureau.actor("verifier-1")];
        let bad = ReportCommand::Share(Share { with: with.clone(), copies: bad });
        assert_eq!(case.run(bad, &["clerk"]), "report.bad_blob");
        let many = (0..=report::SHARED_WITH_MAX).map(|_| ActorId(id())).collect();
        let many = ReportCommand::Share(Share { with: many, copies: Vec::new() });
        assert_eq!(case.run(many, &["clerk"]), "report.shared_too_many");
        let many = copies(&[(TOLD, to)]).into_iter().cycle().take(report::COPIES_MAX + 1).collect();
        let many = ReportCommand::Share(Share { with, copies: many });
        assert_eq!(case.run(many, &["clerk"]), "report.shared_too_many");
    }

    #[test]
    fn when_it_was_shared_then_only_what_is_new_is_shared_again() {
        let case = Case::excluding(&[]);
        let (to, both): (&[&str], &[&str]) = (&["verifier-1"], &["verifier-1", "verifier-2"]);
        assert_eq!(case.share(to, &[(TOLD, to)], "clerk"), "done");
        assert_eq!(case.share(to, &[(TOLD, to)], "clerk"), "report.already_shared");
        assert_eq!(case.share(both, &[(TOLD, both), (FILE, to)], "clerk"), "report.already_shared");
        let message = Sealed { sealed: blob(3, &[age(9)]), files: Vec::new() };
        assert_eq!(case.run(ReportCommand::Message(message), &["clerk"]), "done");
        let rest: &[(u8, &[&str])] = &[(TOLD, &["verifier-2"]), (FILE, both), (3, both)];
        assert_eq!(case.share(both, rest, "clerk"), "done");
        let state = case.bureau.office.report(case.report).expect("read");
        assert!([TOLD, FILE, 3].iter().all(|n| both.iter().all(|who| state.is_read_by(&hash(*n), &of(who)))));
    }

    #[test]
    fn when_it_has_ended_or_is_none_then_nothing_is_shared() {
        let case = Case::excluding(&[]);
        let to: &[&str] = &["verifier-1"];
        let decline = ReportCommand::Decline(Decline { ground: Ground::Unclear });
        assert_eq!(case.run(decline, &["clerk"]), "done");
        assert_eq!(case.share(to, &[(TOLD, to)], "clerk"), "report.ended");
        let nowhere = StreamId::new(adit_core::id::StreamKind::Report, id());
        let share = Share { with: vec![case.bureau.actor("verifier-1")], copies: copies(&[(TOLD, to)]) };
        let share = Command::Report(ReportCommand::Share(share));
        assert_eq!(code(case.bureau.run(Some(nowhere), share, &["clerk"])), "report.not_reported");
    }

    #[test]
    fn when_eight_share_the_same_at_once_then_one_does() {
        let case = Case::excluding(&[]);
        let to: &[&str] = &["verifier-1"];
        let said: Vec<String> = std::thread::scope(|scope| {
            let share = || case.share(to, &[(TOLD, to)], "clerk");
            let tries: Vec<_> = (0..8).map(|_| scope.spawn(share)).collect();
            tries.into_iter().map(|one| one.join().expect("a thread")).collect()
        });
        assert_eq!(said.iter().filter(|said| *said == "done").count(), 1, "{said:?}");
        assert_eq!(said.iter().filter(|said| *said == "report.already_shared").count(), 7, "{said:?}");
    }

    #[test]
    fn when_the_same_command_comes_again_then_it_is_answered_as_before() {
        let case = Case::excluding(&[]);
        let to: &[&str] = &["verifier-1"];
        let share = Share { with: vec![case.bureau.actor("verifier-1")], copies: copies(&[(TOLD, to)]) };
        let command = Command::Report(ReportCommand::Share(share));
        let request = Request { id: CommandId(id()), stream: Some(case.report), command };
        let clerk: &SigningKey = &case.bureau.keys["clerk"];
        let first = case.bureau.office.execute(&request, &[clerk]).expect("shared");
        let again = case.bureau.office.execute(&request, &[clerk]).expect("answered");
        assert_eq!(again.positions, first.positions);
    }
}
