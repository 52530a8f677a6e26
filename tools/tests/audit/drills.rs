//! What a dishonest office, or a thief of its keys, might do: entries that the real office refuses, forged under real keys.

use adit_core::id::StreamKind;
use adit_core::ledger::entry::{Line, SignedEntry};
use adit_core::ledger::vkey::SigningKey;
use adit_core::role::Role;
use adit_core::units::{Position, Revision};

use crate::LATER;
use crate::common::{ORIGIN, day};
use crate::support::{Folder, Log, audit, busy, judged, log_key, new_stream};

fn clock(name: &str, due: &str) -> Line {
    Line::Clock { name: name.to_owned(), due: day(due) }
}

fn stop(name: &str) -> Line {
    Line::Stop { name: name.to_owned() }
}

#[test]
fn when_an_entry_is_dropped_and_the_tree_built_anew_then_its_stream_has_a_gap() {
    let (bureau, report, _) = busy();
    let log = Log::of(&bureau);
    let accepted = log.entries.iter().position(|bytes| {
        let signed = SignedEntry::parse(bytes).expect("entry");
        signed.entry().stream == report && signed.entry().kind == "report.accepted"
    });
    let mut entries = log.entries.clone();
    entries.remove(accepted.expect("accepted"));
    let verified = entries.len() as u64 - 1;
    judged(&Log::with(entries), LATER).finds("chain", verified);
}

#[test]
fn when_an_entry_is_moved_to_another_stream_then_it_does_not_follow_there() {
    let (bureau, _, hazard) = busy();
    let mut log = Log::of(&bureau);
    // The bytes that were signed for one hazard, put at the end once more.
    let moved = log.last_of(hazard);
    let other = new_stream(StreamKind::Hazard);
    let mut entry = moved.clone();
    entry.stream = other;
    let position = log.put(entry, &[&bureau.keys["handler"]]);
    let said = judged(&log, LATER);
    said.finds("chain", position);
    said.finds("order", position);
    let mut again = Log::of(&bureau);
    let bytes = again.entries[10].clone();
    again.entries.push(bytes);
    judged(&again, LATER).finds("chain", again.entries.len() as u64 - 1);
}

#[test]
fn when_an_entry_is_backdated_then_its_stream_and_the_log_tell() {
    let (bureau, _, hazard) = busy();
    let mut log = Log::of(&bureau);
    let back = log.add(hazard, "hazard.escalated", "2024-05-01", Vec::new(), &[&bureau.keys["handler"]]);
    let fresh = new_stream(StreamKind::Enterprise);
    let new = log.add(fresh, "enterprise.registered", "2024-06-01", Vec::new(), &[&bureau.keys["clerk"]]);
    let future = log.add(fresh, "enterprise.graded", "2025-01-01", Vec::new(), &[&bureau.keys["approver"]]);
    let said = judged(&log, LATER);
    said.finds("day_back", back);
    said.finds("backdated", back);
    said.finds("backdated", new);
    said.finds("future", future);
}

#[test]
fn when_a_key_is_revoked_and_used_later_then_it_is_found() {
    let (bureau, _, hazard) = busy();
    let mut log = Log::of(&bureau);
    let key = &bureau.keys["handler"];
    let actor = key.name().rsplit('/').next().expect("an actor").parse().expect("an id");
    let stream = adit_core::id::StreamId::new(StreamKind::Actor, actor);
    let last = Position(log.entries.len() as u64);
    let end = Line::End { key: key.vkey(), last };
    log.add(stream, "actor.suspended", "2024-06-20", vec![end], &[&bureau.keys["admin-1"]]);
    let used = log.add(hazard, "hazard.escalated", "2024-06-20", Vec::new(), &[key]);
    judged(&log, LATER).finds("key_ended", used);
}

#[test]
fn when_a_signer_has_no_grant_or_no_key_then_it_is_found() {
    let (bureau, _, hazard) = busy();
    let mut log = Log::of(&bureau);
    let clerk = log.add(hazard, "hazard.escalated", "2024-06-20", Vec::new(), &[&bureau.keys["clerk"]]);
    let stranger =
        SigningKey::generate(&format!("{ORIGIN}/actor/{}", new_stream(StreamKind::Actor).id)).expect("key");
    let unknown = log.add(hazard, "hazard.escalated", "2024-06-20", Vec::new(), &[&stranger]);
    let said = judged(&log, LATER);
    said.finds("not_granted", clerk);
    said.finds("unknown_key", unknown);
}

#[test]
fn when_one_inspector_signs_where_two_are_asked_then_it_is_found() {
    let (bureau, ..) = busy();
    let mut log = Log::of(&bureau);
    let visit = new_stream(StreamKind::Inspection);
    let one =
        log.add(visit, "inspection.performed", "2024-06-20", Vec::new(), &[&bureau.keys["inspector-1"]]);
    judged(&log, LATER).finds("not_granted", one);
}

#[test]
fn when_a_signature_is_of_another_text_then_its_position_is_named() {
    let (bureau, ..) = busy();
    let mut log = Log::of(&bureau);
    let stream = new_stream(StreamKind::Enterprise);
    let position =
        log.add(stream, "enterprise.registered", "2024-06-20", Vec::new(), &[&bureau.keys["clerk"]]);
    let text = String::from_utf8(log.entries.pop().expect("entry")).expect("text");
    log.entries.push(text.replacen("2024-06-20", "2024-06-21", 1).into_bytes());
    judged(&log, LATER).finds("signature", position);
}

#[test]
fn when_a_public_clock_is_left_out_moved_or_smuggled_in_then_it_is_found() {
    let (bureau, report, _) = busy();
    let mut log = Log::of(&bureau);
    let (handler, two) =
        (&bureau.keys["handler"], [&bureau.keys["inspector-1"], &bureau.keys["inspector-2"]]);
    let other = new_stream(StreamKind::Hazard);
    log.add(other, "hazard.reported", "2024-06-20", Vec::new(), &[&bureau.keys["clerk"]]);
    log.add(other, "hazard.verified", "2024-06-20", Vec::new(), &two);
    let left_out = log.add(other, "hazard.assigned", "2024-06-20", Vec::new(), &[handler]);
    let smuggled = log.add(other, "hazard.escalated", "2024-06-20", vec![stop("rectify")], &[handler]);
    let approver = &bureau.keys["approver"];
    let until = Line::Extend { name: "rectify".to_owned(), until: day("2024-09-01") };
    let extended = log.add(other, "hazard.extended", "2024-06-20", vec![until], &[approver]);
    let log_signs = log_key();
    let moved =
        log.add(report, "report.reopened", "2024-06-20", vec![clock("handle", "2025-01-01")], &[&log_signs]);
    let said = judged(&log, LATER);
    said.finds("missing_lines", left_out);
    said.finds("lines", smuggled);
    said.finds("extend", extended);
    said.finds("clock_moved", moved);
    said.finds("order", moved);
}

#[test]
fn when_a_one_time_key_is_used_twice_or_without_the_log_then_it_is_found() {
    let (bureau, report, _) = busy();
    let mut log = Log::of(&bureau);
    let key = SigningKey::generate(&format!("{ORIGIN}/{report}/officer/99")).expect("key");
    let grant = |role| vec![Line::Key(key.vkey()), Line::Grant { role, key: key.vkey() }];
    let mut lines = grant(Role::Handler);
    lines.push(stop("handle"));
    let alone = log.add(report, "report.handled", "2024-06-20", lines, &[&key]);
    let twice = log.add(report, "report.answered", "2024-06-20", vec![stop("answer")], &[&key, &log_key()]);
    let said = judged(&log, LATER);
    said.finds("one_time", alone);
    said.finds("unknown_key", twice);
}

#[test]
fn when_a_report_is_handled_before_it_was_accepted_then_the_order_tells() {
    let (bureau, ..) = busy();
    let mut log = Log::of(&bureau);
    let stream = new_stream(StreamKind::Report);
    let key = SigningKey::generate(&format!("{ORIGIN}/{stream}")).expect("key");
    let lines = vec![Line::Key(key.vkey()), clock("accept", "2024-06-27")];
    log.add(stream, "report.reported", "2024-06-20", lines, &[&key]);
    let officer = SigningKey::generate(&format!("{ORIGIN}/{stream}/officer/8")).expect("key");
    let lines = vec![
        Line::Key(officer.vkey()),
        Line::Grant { role: Role::Handler, key: officer.vkey() },
        stop("handle"),
    ];
    let position = log.add(stream, "report.handled", "2024-06-20", lines, &[&officer, &log_key()]);
    judged(&log, LATER).finds("order", position);
}

#[test]
fn when_administrators_are_made_outside_the_opening_then_it_is_found() {
    let (bureau, ..) = busy();
    let mut log = Log::of(&bureau);
    let thief =
        SigningKey::generate(&format!("{ORIGIN}/actor/{}", new_stream(StreamKind::Actor).id)).expect("key");
    let lines = vec![
        Line::Key(log_key().vkey()),
        Line::Key(thief.vkey()),
        Line::Grant { role: Role::Admin, key: thief.vkey() },
    ];
    let opened = log.add(new_stream(StreamKind::Ledger), "ledger.opened", "2024-06-20", lines, &[&log_key()]);
    let actor = new_stream(StreamKind::Actor);
    let key = SigningKey::generate(&format!("{ORIGIN}/actor/{}", actor.id)).expect("key");
    let grant = Line::Grant { role: Role::Approver, key: key.vkey() };
    let enrolled =
        log.add(actor, "actor.enrolled", "2024-06-20", vec![Line::Key(key.vkey()), grant.clone()], &[&thief]);
    let own = log.add(actor, "actor.granted", "2024-06-20", vec![grant], &[&key, &bureau.keys["admin-1"]]);
    let said = judged(&log, LATER);
    said.finds("opening", opened);
    said.finds("unknown_key", enrolled);
    said.finds("lines", enrolled);
    said.finds("own_grant", own);
}

#[test]
fn when_an_entry_names_a_checkpoint_that_never_was_then_it_is_found() {
    let (bureau, _, hazard) = busy();
    let mut log = Log::of(&bureau);
    let mut entry = log.last_of(hazard);
    let last = SignedEntry::parse(
        log.entries
            .iter()
            .rev()
            .find(|bytes| SignedEntry::parse(bytes).is_ok_and(|signed| signed.entry().stream == hazard))
            .expect("entry"),
    );
    entry.prev = Some(last.expect("entry").text_hash());
    entry.revision = Revision(entry.revision.0 + 1);
    entry.kind = "hazard.escalated".to_owned();
    entry.lines = Vec::new();
    entry.day = day("2024-06-20");
    assert!(entry.seen.size > 0, "the office named one");
    entry.seen.root[0] ^= 1;
    let position = log.put(entry, &[&bureau.keys["handler"]]);
    judged(&log, LATER).finds("seen", position);
}

mod given_a_monitor_that_has_seen_more {
    use std::fs;

    use super::*;

    fn watched(log: &Log) -> (Folder, String, String) {
        let folder = Folder::new();
        let path = folder.path("log");
        fs::create_dir(&path).expect("folder");
        log.publish(&path);
        let (path, state) = (path.to_str().expect("text").to_owned(), folder.state());
        audit(&path, LATER, &["--state", &state]).clean();
        (folder, path, state)
    }

    #[test]
    fn when_an_old_checkpoint_is_replayed_then_both_notes_are_shown_and_the_newer_one_is_kept() {
        let (bureau, ..) = busy();
        let log = Log::of(&bureau);
        let (folder, path, state) = watched(&log);
        let new = fs::read_to_string(folder.path("log/checkpoint")).expect("read");
        Log::with(log.entries[..log.entries.len() - 1].to_vec()).publish(&folder.path("log"));
        let old = fs::read_to_string(folder.path("log/checkpoint")).expect("read");
        let said = audit(&path, LATER, &["--state", &state]);
        assert_eq!(said.code, Some(1));
        let said = said.json();
        assert_eq!(said["violations"][0]["code"], "rollback");
        assert_eq!(said["violations"][0]["evidence"], serde_json::json!([new, old]));
        assert_eq!(said["size"], log.entries.len());
        log.publish(&folder.path("log"));
        let after = audit(&path, LATER, &["--state", &state]);
        assert_eq!(after.code, Some(1), "an alarm is not forgotten");
        assert_eq!(after.json()["violations"].as_array().map(Vec::len), Some(1), "and told once");
    }

    #[test]
    fn when_the_log_forks_under_its_own_key_then_both_notes_are_kept() {
        let (bureau, _, hazard) = busy();
        let log = Log::of(&bureau);
        for grow in [false, true] {
            let (folder, path, state) = watched(&log);
            let ours = fs::read_to_string(folder.path("log/checkpoint")).expect("read");
            let mut forked = Log::with(log.entries[..log.entries.len() - 1].to_vec());
            let stream = new_stream(StreamKind::Enterprise);
            forked.add(stream, "enterprise.registered", "2024-06-20", Vec::new(), &[&bureau.keys["clerk"]]);
            if grow {
                forked.add(hazard, "hazard.escalated", "2024-06-20", Vec::new(), &[&bureau.keys["handler"]]);
            }
            forked.publish(&folder.path("log"));
            let theirs = fs::read_to_string(folder.path("log/checkpoint")).expect("read");
            let said = audit(&path, LATER, &["--state", &state]);
            assert_eq!(said.code, Some(1), "{}", said.out);
            let said = said.json();
            let fork = said["violations"].as_array().expect("some").iter().find(|one| one["code"] == "fork");
            let fork = fork.unwrap_or_else(|| panic!("grow {grow}: {said}"));
            assert_eq!(fork["evidence"], serde_json::json!([ours, theirs]));
            assert_eq!(said["size"], log.entries.len(), "what was verified stays");
        }
    }
}
