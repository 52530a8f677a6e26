//! Months that are over: what is asked of them starts from snapshots, and says what the entries say.

use std::fs;
use std::path::PathBuf;

use adit_api::Options;
use adit_core::units::Position;
use serde_json::json;

use crate::common::{Server, limits};

/// Ends of months, and how many hazards there were.
const MONTH_ENDS: [(&str, usize); 3] = [("2024-05-31", 1), ("2024-06-30", 2), ("2024-07-31", 3)];

/// A hazard in each of three months that are over, looked at one day at a time.
fn three_months() -> Server {
    let options = Options {
        limits: Some(limits(&[("past_views", 1), ("room_for_files_mib", 2)])),
        ..Options::default()
    };
    let server = Server::start_with(options);
    for _ in MONTH_ENDS {
        server.hazard(0);
        server.clock.advance_seconds(31 * 86_400);
    }
    prepared(&server);
    server
}

fn prepared(server: &Server) {
    caught_up(server);
    server.app.prepare_past();
}

fn caught_up(server: &Server) {
    let last = Position(server.size() - 1);
    assert!(server.runtime().block_on(server.app.projector.wait_for(last)));
}

fn snapshots(server: &Server) -> Vec<PathBuf> {
    let folder = server.app.office.ledger().home().unwrap().data.join("snapshots");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "snapshot")).collect();
    files.sort();
    files
}

fn says_what_stood_then(server: &Server) {
    let token = server.sign_in_by_key("approver-1");
    for (day, many) in MONTH_ENDS.into_iter().chain(MONTH_ENDS.into_iter().rev()) {
        let path = format!("/api/v1/projections/register?as_of={day}");
        let answer = server.get(&path, Some(&token)).expect(200);
        assert_eq!(answer["total"], json!(many), "{day}");
        assert_eq!(answer["rows"].as_array().map(Vec::len), Some(many), "{day}");
    }
}

#[test]
fn given_months_that_are_over_then_each_end_has_a_snapshot_and_says_what_stood_then() {
    let server = three_months();
    let kept = snapshots(&server);
    assert_eq!(kept.len(), MONTH_ENDS.len(), "{kept:?}");
    says_what_stood_then(&server);
    // The next start goes on from the newest, and older ones stay.
    server.hazard(1);
    caught_up(&server);
    server.app.save().unwrap();
    let after = snapshots(&server);
    assert_eq!(after.len(), kept.len() + 1);
    assert!(kept.iter().all(|path| after.contains(path)));
}

#[test]
fn given_snapshots_that_are_damaged_or_of_another_history_then_the_entries_say_it() {
    let server = three_months();
    let kept = snapshots(&server);
    fs::write(&kept[0], b"damaged").unwrap();
    let of_another =
        kept[1].with_file_name(kept[1].file_name().unwrap().to_str().unwrap().replace('-', "-00"));
    fs::rename(&kept[1], &of_another).unwrap();
    says_what_stood_then(&server);
    assert!(!kept[0].exists(), "what can't be read is removed");
    // The next day puts right what is missing.
    server.clock.advance_seconds(86_400);
    prepared(&server);
    assert_eq!(snapshots(&server), kept);
    says_what_stood_then(&server);
}
