//! Opened means logged: what an access entry shows, what its body says, and what it takes to add one.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use adit_core::access::{AccessCommand, AccessEvent, Export, Fill, Open};
use adit_core::command::Command;
use adit_core::event::{Event, Fact};
use adit_core::id::{StreamId, StreamKind};
use adit_core::ledger::entry::{Line, SignedEntry};
use adit_core::ledger::verify::verify;
use adit_core::office::ExecuteError;
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
