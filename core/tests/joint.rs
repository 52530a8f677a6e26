//! Joint reports on the whole way: a code lets one more in, once, and each has a share to the fen.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use adit_core::command::Command;
use adit_core::ledger::entry::{Line, SignedEntry};
use adit_core::ledger::note::Note;
use adit_core::ledger::verify::verify;
use adit_core::ledger::vkey::SigningKey;
use adit_core::report::{
    self, Disputed, Invite, Join, ReportCommand, ReportEvent, RotateKey, Sealed, WithdrawInvitation,
    case_number, correspondents, invitation_key,
};
use adit_core::reward::{self, Assess, Pay, RewardCommand, Status};
use adit_core::rules::Rules;
use adit_core::rules::joint::limits;
use adit_core::secret::voucher_hash;
use adit_core::units::{Fen, Position};
use common::joint::{
    Case, Person, assess, by, claim_key, claimed, invitation, invited, join, joined, on_report, on_reward,
    paid, person, reported, sign, together, told, verified,
};
use common::{Bureau, sealed_words, text};

mod given_a_report_that_was_reported_by_one {
    use super::*;

    #[test]
    fn when_a_colleague_joins_with_a_code_then_the_log_proves_it_and_the_public_sees_two_notes() {
        let bureau = Bureau::in_memory();
        let (case, others) = together(&bureau, 1);
        let (key, _) = invitation(&case, 1);
        let ledger = bureau.office.ledger();
        let last = ledger.store().read(Position(ledger.size() - 2), 2).expect("read");
        let expected = [(&case.first.key, &key, key.vkey()), (&others[0].key, &key, others[0].key.vkey())];
        for (stored, (one, other, introduced)) in last.iter().zip(expected) {
            let entry = SignedEntry::parse(&stored.entry).expect("an entry");
            assert_eq!(entry.entry().kind, "report.note");
            assert_eq!(entry.entry().lines, [Line::Key(introduced)], "nothing else is public");
            let note = Note::parse(&stored.entry).expect("a note");
            let signed = |key: &SigningKey| note.signatures.iter().any(|line| line.is_by(&key.vkey()));
            assert!(note.signatures.len() == 2 && signed(one) && signed(other));
        }
        let found = bureau.office.find(&invitation_key(&case_number(&case.report))).expect("read");
        assert_eq!(found, Some(case.report));
        let state = bureau.office.report(case.report).expect("read");
        assert_eq!(state.reporters, 2);
        assert_eq!(
            state.claim_keys,
            [claim_key(&case.first), claim_key(&others[0])],
            "in the order of joining"
        );
        assert_eq!(correspondents(&state, &[]).len(), 2, "answers are sealed to both");
        let log = ledger.log_key().vkey();
        verify(ledger.store(), &log, |_| {}).expect("the ledger holds");
    }

    #[test]
    fn when_a_code_is_used_twice_withdrawn_or_unknown_then_it_is_refused_by_name() {
        let bureau = Bureau::in_memory();
        let (case, _) = together(&bureau, 1);
        assert_eq!(joined(&bureau, &case, 1).1, "report.invitation_used");
        assert_eq!(joined(&bureau, &case, 2).1, "report.wrong_invitation_code");
        assert_eq!(invited(&bureau, &case, 2), "done");
        let withdraw = || {
            let (key, _) = invitation(&case, 2);
            ReportCommand::WithdrawInvitation(WithdrawInvitation { key: key.vkey() })
        };
        assert_eq!(on_report(&bureau, &case, withdraw(), &[&case.first.key]), "done");
        assert_eq!(joined(&bureau, &case, 2).1, "report.invitation_withdrawn");
        assert_eq!(on_report(&bureau, &case, withdraw(), &[&case.first.key]), "report.invitation_withdrawn");
        assert_eq!(invited(&bureau, &case, 2), "report.key_not_the_signers", "a code is given out once");
        assert_eq!(invited(&bureau, &case, 1), "report.key_not_the_signers");
    }

    #[test]
    fn when_two_bring_the_code_at_once_then_one_joins() {
        let bureau = Bureau::in_memory();
        let case = reported(&bureau);
        assert_eq!(invited(&bureau, &case, 1), "done");
        let said: Vec<String> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8).map(|_| scope.spawn(|| joined(&bureau, &case, 1).1)).collect();
            tries.into_iter().map(|one| one.join().expect("a thread")).collect()
        });
        assert_eq!(said.iter().filter(|said| *said == "done").count(), 1, "{said:?}");
        assert_eq!(said.iter().filter(|said| *said == "report.invitation_used").count(), 7, "{said:?}");
    }

    #[test]
    fn when_somebody_else_than_the_first_reporter_invites_or_withdraws_then_it_is_refused() {
        let bureau = Bureau::in_memory();
        let (case, others) = together(&bureau, 1);
        let (key, invite) = invitation(&case, 2);
        let command = || ReportCommand::Invite(invite.clone());
        assert_eq!(on_report(&bureau, &case, command(), &[&key]), "report.needs_reporter");
        assert_eq!(
            on_report(&bureau, &case, command(), &[&others[0].key, &key]),
            "report.needs_first_reporter"
        );
        assert_eq!(on_report(&bureau, &case, command(), &[&case.first.key]), "report.key_not_the_signers");
        assert_eq!(by(&bureau, &case, command(), &["clerk"]), "report.needs_reporter");
        let other_salt = Invite { salt: text(&"08".repeat(16)), ..invite.clone() };
        let other_salt = ReportCommand::Invite(other_salt);
        assert_eq!(on_report(&bureau, &case, other_salt, &[&case.first.key, &key]), "report.bad_invitation");
        assert_eq!(invited(&bureau, &case, 2), "done");
        let withdraw = ReportCommand::WithdrawInvitation(WithdrawInvitation { key: key.vkey() });
        assert_eq!(on_report(&bureau, &case, withdraw, &[&others[0].key]), "report.needs_first_reporter");
        // An invitation's key lets somebody in and does nothing else.
        let word = Sealed { sealed: sealed_words(), files: Vec::new() };
        assert_eq!(on_report(&bureau, &case, ReportCommand::Message(word), &[&key]), "report.needs_reporter");
    }

    #[test]
    fn when_whoever_joins_brings_no_claim_key_or_somebody_elses_then_it_is_refused() {
        let bureau = Bureau::in_memory();
        let case = reported(&bureau);
        assert_eq!(invited(&bureau, &case, 1), "done");
        let (key, _) = invitation(&case, 1);
        let person = person(case.report, case.reward);
        let good = join(&person, Some(&key));
        let other = SigningKey::generate(person.key.name()).expect("key");
        for (join, keys, refused) in [
            (Join { claim_key: None, ..good.clone() }, [&person.key, &key], "report.bad_claim_key"),
            (
                Join { claim_key: Some(text("no key")), ..good.clone() },
                [&person.key, &key],
                "report.bad_claim_key",
            ),
            (
                Join { claim_key: Some(text(&claim_key(&case.first))), ..good.clone() },
                [&person.key, &key],
                "report.bad_claim_key",
            ),
            (Join { recipient: None, ..good.clone() }, [&person.key, &key], "report.bad_recipient"),
            (good.clone(), [&person.key, &other], "report.wrong_invitation_code"),
            (
                Join { key: case.first.key.vkey(), ..good.clone() },
                [&case.first.key, &key],
                "report.key_not_the_signers",
            ),
        ] {
            assert_eq!(on_report(&bureau, &case, ReportCommand::Join(join), &keys), refused);
        }
        assert_eq!(on_report(&bureau, &case, ReportCommand::Join(good), &[&person.key, &key]), "done");
    }

    #[test]
    fn when_there_are_as_many_as_the_rule_allows_then_no_more_are_invited_until_a_code_is_withdrawn() {
        let bureau = Bureau::in_memory();
        let most = limits(&Rules::builtin().expect("packs"));
        let others = u8::try_from(most.reporters_max - 1).expect("few");
        let (case, _) = together(&bureau, others - 1);
        assert_eq!(invited(&bureau, &case, others), "done");
        assert_eq!(invited(&bureau, &case, others + 1), "report.too_many_reporters");
        let one = person(case.report, case.reward);
        let direct = ReportCommand::Join(join(&one, None));
        let both = [&case.first.key, &one.key];
        assert_eq!(on_report(&bureau, &case, direct, &both), "report.too_many_reporters");
        let mut nth = others;
        for _ in most.reporters_max..=most.invitations_max {
            let (key, _) = invitation(&case, nth);
            let withdraw = ReportCommand::WithdrawInvitation(WithdrawInvitation { key: key.vkey() });
            assert_eq!(on_report(&bureau, &case, withdraw, &[&case.first.key]), "done");
            nth += 1;
            assert_eq!(invited(&bureau, &case, nth), "done");
        }
        let (key, _) = invitation(&case, nth);
        let withdraw = ReportCommand::WithdrawInvitation(WithdrawInvitation { key: key.vkey() });
        assert_eq!(on_report(&bureau, &case, withdraw, &[&case.first.key]), "done");
        assert_eq!(invited(&bureau, &case, nth + 1), "report.too_many_invitations");
    }

    #[test]
    fn when_the_first_reporter_changes_or_locks_the_secret_then_open_codes_are_good_no_more() {
        let bureau = Bureau::in_memory();
        let (case, others) = together(&bureau, 1);
        assert_eq!(invited(&bureau, &case, 2), "done");
        let new = person(case.report, case.reward);
        let rotate = |claim: &Person| {
            ReportCommand::RotateKey(RotateKey {
                old: case.first.key.vkey(),
                new: new.key.vkey(),
                claim_key: Some(text(&claim_key(claim))),
                recipient: Some(text(&new.recipient)),
            })
        };
        let both = [&case.first.key, &new.key];
        assert_eq!(on_report(&bureau, &case, rotate(&others[0]), &both), "report.bad_claim_key");
        assert_eq!(on_report(&bureau, &case, rotate(&new), &both), "done");
        assert_eq!(joined(&bureau, &case, 2).1, "report.invitation_withdrawn");
        let case = Case { first: new, ..case };
        assert_eq!(invited(&bureau, &case, 3), "done", "the new secret is the first reporter's");
        let lock = || ReportCommand::Lock(report::Empty {});
        assert_eq!(on_report(&bureau, &case, lock(), &[&case.first.key]), "done");
        assert_eq!(joined(&bureau, &case, 3).1, "report.invitation_withdrawn");
        assert_eq!(invited(&bureau, &case, 4), "report.needs_reporter");
        let state = bureau.office.report(case.report).expect("read");
        assert_eq!(state.claim_keys_in_force(), ["", &claim_key(&others[0])], "joint reporters go on");
        assert_eq!(on_report(&bureau, &case, lock(), &[&others[0].key]), "done");
    }

    #[test]
    fn when_the_report_has_ended_or_the_reward_was_assessed_then_nobody_joins() {
        let bureau = Bureau::in_memory();
        let case = reported(&bureau);
        assert_eq!(invited(&bureau, &case, 1), "done");
        verified(&bureau, &case, "100000");
        assert_eq!(joined(&bureau, &case, 1).1, "done", "until then");
        assert_eq!(invited(&bureau, &case, 2), "done");
        let assessed = on_reward(&bureau, &case, RewardCommand::Assess(assess(&case)), &["handler"]);
        assert_eq!(assessed, "done");
        assert_eq!(joined(&bureau, &case, 2).1, "report.reward_assessed");
        assert_eq!(invited(&bureau, &case, 3), "report.reward_assessed");

        let declined = reported(&bureau);
        assert_eq!(invited(&bureau, &declined, 1), "done");
        let decline = ReportCommand::Decline(report::Decline { ground: report::Ground::Unclear });
        assert_eq!(by(&bureau, &declined, decline, &["clerk"]), "done");
        assert_eq!(joined(&bureau, &declined, 1).1, "report.ended");
        assert_eq!(invited(&bureau, &declined, 2), "report.ended");
    }

    #[test]
    fn when_one_of_them_disputes_then_another_who_is_satisfied_does_not_take_it_back() {
        let bureau = Bureau::in_memory();
        let (case, others) = together(&bureau, 1);
        verified(&bureau, &case, "100000");
        let answer = ReportCommand::Answer(report::Answer { sealed: None });
        assert_eq!(by(&bureau, &case, answer, &["handler"]), "done");
        let dispute = ReportCommand::Dispute(Sealed { sealed: sealed_words(), files: Vec::new() });
        assert_eq!(on_report(&bureau, &case, dispute, &[&case.first.key]), "done");
        let satisfied = || ReportCommand::Satisfy(report::Empty {});
        assert_eq!(on_report(&bureau, &case, satisfied(), &[&others[0].key]), "done");
        let close = || ReportCommand::Close(report::Empty {});
        assert_eq!(by(&bureau, &case, close(), &["approver"]), "report.disputed");
        assert_eq!(on_report(&bureau, &case, satisfied(), &[&case.first.key]), "done");
        assert_eq!(by(&bureau, &case, close(), &["approver"]), "done");
    }
}

mod given_joint_reporters_of_a_rewarded_report {
    use super::*;

    #[test]
    fn when_each_claims_then_each_voucher_is_paid_by_itself_and_together_it_is_the_whole_to_the_fen() {
        let bureau = Bureau::in_memory();
        let (case, others) = together(&bureau, 2);
        // 15 % of it is 10,000.51 yuan, which three can't share in equal fen.
        verified(&bureau, &case, "66670.07");
        told(&bureau, &case);
        let state = || bureau.office.reward(case.reward).expect("read");
        let assessed = state().assessed.expect("assessed");
        let shares: Vec<String> = assessed.shares_yuan.iter().map(ToString::to_string).collect();
        assert_eq!(shares, ["3333.51", "3333.50", "3333.50"]);
        let (said, first) = claimed(&bureau, &case, &case.first);
        assert_eq!(said, "done");
        assert_eq!(paid(&bureau, &case, "3333.51", &voucher_hash("another")), "reward.bad_voucher");
        assert_eq!(paid(&bureau, &case, "3333.50", &first), "reward.other_amount");
        assert_eq!(paid(&bureau, &case, "3333.51", &first), "done", "nobody waits for the others");
        assert_eq!(paid(&bureau, &case, "3333.51", &first), "reward.already_paid");
        assert_eq!(state().status, Status::Notified);
        let (said, second) = claimed(&bureau, &case, &others[0]);
        assert_eq!(said, "done");
        let waive = RewardCommand::Waive(reward::Claim::of(others[1].claim.vkey()));
        assert_eq!(sign(&bureau, case.reward, Command::Reward(waive), &[&others[1].claim]), "done");
        assert_eq!(state().status, Status::Claimed);
        let whole = Pay::whole("6667.01".parse().expect("money"), text("凭证"));
        assert_eq!(on_reward(&bureau, &case, RewardCommand::Pay(whole), &["finance"]), "reward.other_amount");
        assert_eq!(paid(&bureau, &case, "3333.50", &second), "done");
        assert_eq!((state().status, state().paid), (Status::Paid, "6667.01".parse::<Fen>().expect("money")));
        assert_eq!(paid(&bureau, &case, "3333.50", &second), "reward.already_paid");
        let ledger = bureau.office.ledger();
        verify(ledger.store(), &ledger.log_key().vkey(), |_| {}).expect("the ledger holds");
    }

    #[test]
    fn when_the_fine_grows_after_one_was_paid_and_has_changed_the_secret_then_only_the_difference_is_paid() {
        let bureau = Bureau::in_memory();
        let (case, others) = together(&bureau, 1);
        verified(&bureau, &case, "100000");
        told(&bureau, &case);
        let (said, hash) = claimed(&bureau, &case, &case.first);
        assert_eq!(said, "done");
        assert_eq!(paid(&bureau, &case, "7500", &hash), "done");
        let new = person(case.report, case.reward);
        let rotate = ReportCommand::RotateKey(RotateKey {
            old: case.first.key.vkey(),
            new: new.key.vkey(),
            claim_key: Some(text(&claim_key(&new))),
            recipient: None,
        });
        assert_eq!(on_report(&bureau, &case, rotate, &[&case.first.key, &new.key]), "done");
        let otherwise = reward::Otherwise {
            amount_yuan: "20000".parse().expect("money"),
            because: text("罚款数额变更"),
        };
        let more = RewardCommand::Reassess(Assess { otherwise: Some(otherwise), ..assess(&case) });
        assert_eq!(on_reward(&bureau, &case, more, &["handler"]), "done");
        assert_eq!(
            on_reward(&bureau, &case, RewardCommand::Approve(reward::Empty {}), &["approver"]),
            "done"
        );
        assert_eq!(on_reward(&bureau, &case, RewardCommand::Notify(reward::Empty {}), &["handler"]), "done");
        let (said, again) = claimed(&bureau, &case, &new);
        assert_eq!(said, "done");
        assert_eq!(claimed(&bureau, &case, &others[0]).0, "done");
        assert_eq!(paid(&bureau, &case, "10000", &again), "reward.other_amount");
        assert_eq!(paid(&bureau, &case, "2500", &again), "done");
        assert_eq!(paid(&bureau, &case, "10000", &voucher_hash(&claim_key(&others[0]))), "done");
        let state = bureau.office.reward(case.reward).expect("read");
        assert_eq!((state.status, state.paid), (Status::Paid, "20000".parse::<Fen>().expect("money")));
    }
}

mod given_bodies_from_before_each_reporter_spoke_for_themselves {
    use super::*;

    #[test]
    fn then_they_are_read_and_a_lock_locks_all() {
        let sealed = serde_json::json!({ "sealed": sealed_words() });
        let event = |kind: &str, data: serde_json::Value| {
            serde_json::from_value(serde_json::json!({ "type": kind, "data": data })).expect("an event")
        };
        let ReportEvent::Locked(locked) = event("report.locked", serde_json::json!({})) else {
            panic!("no lock")
        };
        assert!(locked.keys.is_empty());
        let ReportEvent::Satisfied(satisfied) = event("report.satisfied", serde_json::json!({})) else {
            panic!("not satisfied")
        };
        assert!(!satisfied.disputed);
        let ReportEvent::Disputed(Disputed { keys, .. }) = event("report.disputed", sealed) else {
            panic!("no dispute")
        };
        assert!(keys.is_empty());
    }
}
