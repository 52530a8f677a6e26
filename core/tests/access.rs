//! Opened means logged: what an access entry shows, what its body says, and what it takes to add one.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use adit_core::access::{AccessCommand, AccessEvent, Export, Fill, Open};
use adit_core::command::Command;
use adit_core::event::{Event, Fact};
use adit_core::id::{CommandId, StreamId, StreamKind};
use adit_core::ledger::entry::{Entry, Line, Seen, SignedEntry};
use adit_core::ledger::officer;
use adit_core::ledger::proposal::{CheckedEntry, Draft, EntryFault, Proposal};
use adit_core::ledger::sequencer::AppendError;
use adit_core::ledger::verify::verify;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::ExecuteError;
use adit_core::role::Role;
use adit_core::units::Revision;
use common::{Bureau, id, text};

fn open() -> Command {
    let report = StreamId::new(StreamKind::Report, id());
    Command::Access(AccessCommand::Open(Open { report, blobs: vec![text(&"ab".repeat(32))] }))
}

fn export() -> Command {
    let streams = vec![StreamId::new(StreamKind::Reward, id())];
    let file = text(&"cd".repeat(32));
    Command::Access(AccessCommand::Export(Export { streams, bodies: 7, size: 40, file, because: None }))
}

fn fill() -> Command {
    Command::Access(AccessCommand::Fill(Fill {}))
}

/// What the public sees of an entry, without what is random in each.
fn public(bureau: &Bureau, command: Command, who: &[&str]) -> (String, Fact) {
    let answer = bureau.run(None, command, who).expect("recorded");
    let [position] = answer.positions[..] else { panic!("one entry") };
    let stored = bureau.office.ledger().stored(position).expect("read").expect("an entry");
    let signed = SignedEntry::parse(&stored.entry).expect("an entry");
    let entry = signed.entry();
    let [Line::Key(key)] = &entry.lines[..] else { panic!("one key: {:?}", entry.lines) };
    assert_eq!(key.name(), format!("{}/{}/officer/0", common::ORIGIN, stored.stream));
    let names =
        signed.signatures().iter().map(|line| line.name.replace(&stored.stream.to_string(), "(stream)"));
    let shown = format!(
        "{} {} {:?} {} {:?}",
        entry.kind,
        entry.revision,
        entry.prev,
        stored.entry.len(),
        names.collect::<Vec<_>>()
    );
    (shown, Fact::decode(&stored).expect("a fact"))
}

#[test]
fn whatever_is_opened_and_by_whomever_and_where_nothing_is_the_public_sees_the_same() {
    let bureau = Bureau::in_memory();
    let (filler, fact) = public(&bureau, fill(), &[]);
    assert!(matches!(&fact.event, Event::Access(AccessEvent::Filler(_))) && fact.by.is_empty());
    for who in ["clerk", "inspector-1", "handler", "approver", "finance", "admin-1"] {
        for command in [open(), export()] {
            let (shown, fact) = public(&bureau, command, &[who]);
            assert_eq!(shown, filler, "{who}");
            assert_eq!(fact.by.len(), 1, "the body names who it was");
        }
    }
    let ledger = bureau.office.ledger();
    verify(ledger.store(), &ledger.log_key().vkey(), |_| {}).expect("a good log");
}

#[test]
fn nobody_adds_a_second_entry_and_no_officer_a_filler() {
    let bureau = Bureau::in_memory();
    let stream = bureau.run(None, open(), &["clerk"]).expect("recorded").stream;
    let refused = |stream, command, who: &[&str]| match bureau.run(stream, command, who) {
        Err(ExecuteError::Refused(refusal)) => refusal.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(Some(stream), open(), &["clerk"]), "access.already_recorded");
    assert_eq!(refused(None, fill(), &["clerk"]), "access.only_by_log");
    assert_eq!(refused(None, open(), &[]), "access.needs_one_officer");
    assert_eq!(refused(None, open(), &["clerk", "handler"]), "access.needs_one_officer");
}

/// Appends an access entry that no office would write: `event`, in whose body `behind` states the one-time key.
fn forge(
    bureau: &Bureau,
    event: AccessEvent,
    behind: &SigningKey,
    with_role: bool,
) -> Result<(), AppendError> {
    let ledger = bureau.office.ledger();
    let stream = StreamId::new(StreamKind::Access, id());
    let key = SigningKey::generate(&format!("{}/{stream}/officer/0", common::ORIGIN)).expect("a key");
    let statement = officer::write(behind, common::ORIGIN, &key.vkey(), stream, Revision(0));
    let at = ledger.now();
    let event = Event::Access(event);
    let body = event.write_body([7; 16], at, &[], &[statement]).expect("a body");
    let grant = with_role.then(|| Line::Grant { role: Role::Clerk, key: key.vkey() });
    let entry = Entry {
        origin: common::ORIGIN.to_owned(),
        stream,
        revision: Revision(0),
        kind: "access.recorded".to_owned(),
        day: at.day(),
        seen: Seen::nothing(),
        prev: None,
        body: *blake3::hash(&body).as_bytes(),
        lines: [Line::Key(key.vkey())].into_iter().chain(grant).collect(),
    };
    let log = ledger.log_key();
    let entry = CheckedEntry::sign(entry, &[&key, &log]).expect("signed");
    let draft = Draft { entry, body, at, by: Vec::new(), event, touches: Vec::new() };
    let proposal = Proposal { id: CommandId(id()), request: [0; 32], drafts: vec![draft], reads: Vec::new() };
    ledger.append(proposal).map(|_| ())
}

#[test]
fn an_entry_that_shows_a_role_is_not_taken() {
    let bureau = Bureau::in_memory();
    let refused = forge(&bureau, AccessEvent::Filler(Fill {}), &bureau.keys["clerk"], true);
    assert!(matches!(refused, Err(AppendError::Refused(EntryFault::WrongLines))), "{refused:?}");
}

#[test]
fn a_filler_is_stated_by_the_log_and_an_opening_by_an_officer_or_the_log_does_not_verify() {
    let report = StreamId::new(StreamKind::Report, id());
    let opened = AccessEvent::Opened(Open { report, blobs: vec![text(&"ab".repeat(32))] });
    let faults = [
        (AccessEvent::Filler(Fill {}), Some("clerk"), "a filler is not the log's own"),
        (opened, None, "no officer stands behind a one-time key"),
    ];
    for (event, behind, what) in faults {
        let bureau = Bureau::in_memory();
        let log = bureau.office.ledger().log_key();
        let behind = behind.map_or(&*log, |who| &bureau.keys[who]);
        forge(&bureau, event, behind, false).expect("the writer does not read statements");
        let ledger = bureau.office.ledger();
        let fault = verify(ledger.store(), &log.vkey(), |_| {}).expect_err("a bad log");
        assert!(fault.to_string().contains(what), "{fault}");
    }
}
