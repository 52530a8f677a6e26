//! Alarms by webhook: each new violation and each missed deadline once, and again only while nobody took it.

use serde_json::{Value, json};

use super::report::{Missed, Report, Told};
use super::source::agent;
use super::state::State;

/// Posts what was not taken yet; gives back how many could not be delivered.
pub(super) fn send(url: &str, state: &mut State, report: &Report) -> usize {
    let agent = agent();
    let mut failed = 0;
    let violations = report.violations.iter().map(|one| (key(&violation_key(one)), violation(report, one)));
    let missed = report.deadlines.missed.iter().map(|one| (key(&missed_key(one)), deadline(report, one)));
    for (key, body) in violations.chain(missed) {
        if state.sent.contains(&key) {
            continue;
        }
        let posted = agent.post(url).content_type("application/json").send(body.to_string());
        if posted.is_ok_and(|answer| answer.status().is_success()) {
            state.sent.insert(key);
        } else {
            failed += 1;
        }
    }
    failed
}

/// 16 bytes that tell alarms apart.
fn key(text: &str) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    key
}

fn violation_key(one: &Told) -> String {
    let place = one.place.as_deref().unwrap_or_default();
    format!("violation {} {:?} {place} {}", one.code, one.position, one.evidence.join("\n"))
}

fn missed_key(one: &Missed) -> String {
    format!("missed {} {} {}", one.stream, one.clock, one.due)
}

fn violation(report: &Report, one: &Told) -> Value {
    json!({ "alarm": "violation", "origin": report.origin, "today": report.today, "violation": one })
}

fn deadline(report: &Report, one: &Missed) -> Value {
    json!({ "alarm": "missed_deadline", "origin": report.origin, "today": report.today, "deadline": one })
}
