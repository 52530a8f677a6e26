//! What waits: questions of which tables keep the rows apart, and what the whole table says of each.

use adit_core::hazard::Status;
use adit_core::{report, reward};
use adit_projections::deadlines::Standing;
use adit_projections::relief::Decision;
use adit_projections::supervision::Extension;
use adit_projections::{Filter, Next};
use serde_json::Value;

use crate::CLOCKS;

/// Questions of which a table keeps the rows apart, and which rows of the whole table they ask for.
pub(crate) type Waits = (&'static str, Filter, Box<dyn Fn(&Value) -> bool>);

pub(crate) fn waiting() -> Vec<Waits> {
    let mut questions: Vec<Waits> = Vec::new();
    let mut ask = |name, filter, waits: Box<dyn Fn(&Value) -> bool>| questions.push((name, filter, waits));
    of_hazards(&mut ask);
    of_notices_and_extensions(&mut ask);
    of_reports_and_relief(&mut ask);
    of_what_comes_next(&mut ask);
    of_reporters_and_rewards(&mut ask);
    of_clocks(&mut ask);
    questions
}

/// Takes a question.
type Ask<'a> = &'a mut dyn FnMut(&'static str, Filter, Box<dyn Fn(&Value) -> bool>);

/// Rows whose column says this.
fn named(column: &'static str, says: &'static str) -> Box<dyn Fn(&Value) -> bool> {
    Box::new(move |row| row[column] == says)
}

fn of_hazards(ask: Ask<'_>) {
    for (status, name) in [
        (Status::Reported, "reported"),
        (Status::Verified, "verified"),
        (Status::Assigned, "assigned"),
        (Status::Rectified, "rectified"),
        (Status::Passed, "passed"),
        (Status::Closed, "closed"),
        (Status::Merged, "merged"),
    ] {
        for table in ["register", "supervision"] {
            let filter = Filter { status: Some(status), ..Filter::default() };
            ask(table, filter.clone(), named("status", name));
            let late = move |row: &Value| row["status"] == name && row["overdue"] == true;
            ask(table, Filter { overdue: Some(true), ..filter }, Box::new(late));
        }
    }
    for table in ["register", "supervision"] {
        let filter = Filter { overdue: Some(true), ..Filter::default() };
        ask(table, filter.clone(), Box::new(|row| row["overdue"] == true));
        let listed = |row: &Value| row["overdue"] == true && row["listed"] == true;
        ask(table, Filter { listed: Some(true), ..filter }, Box::new(listed));
    }
}

fn of_notices_and_extensions(ask: Ask<'_>) {
    for called in [true, false] {
        let filter = Filter { called_for: Some(called), ..Filter::default() };
        ask("supervision", filter, Box::new(move |row| row["called_for"].is_string() == called));
        let filter = Filter { acknowledged: Some(called), ..Filter::default() };
        ask(
            "notifications",
            filter.clone(),
            Box::new(move |row| row["acknowledged_on"].is_string() == called),
        );
        for ended in [true, false] {
            let closed =
                |row: &Value| ["closed", "dismissed", "merged"].iter().any(|name| row["status"] == *name);
            let waits =
                move |row: &Value| row["acknowledged_on"].is_string() == called && closed(row) == ended;
            ask("notifications", Filter { ended: Some(ended), ..filter.clone() }, Box::new(waits));
        }
    }
    for (standing, name) in [(Extension::Waiting, "waiting"), (Extension::Granted, "granted")] {
        let filter = Filter { extension: Some(standing), ..Filter::default() };
        ask("supervision", filter, named("extension", name));
    }
}

fn of_reports_and_relief(ask: Ask<'_>) {
    for (status, name) in [
        (report::Status::Reported, "reported"),
        (report::Status::Accepted, "accepted"),
        (report::Status::Verified, "verified"),
        (report::Status::Handled, "handled"),
        (report::Status::Answered, "answered"),
        (report::Status::Closed, "closed"),
        (report::Status::Declined, "declined"),
    ] {
        let filter = Filter { report_status: Some(status), ..Filter::default() };
        ask("docket", filter, named("status", name));
    }
    for (decision, name) in [
        (Decision::Unverified, "unverified"),
        (Decision::Pending, "pending"),
        (Decision::Relieved, "relieved"),
        (Decision::Refused, "refused"),
        (Decision::Moot, "moot"),
    ] {
        let filter = Filter { relief: Some(decision), ..Filter::default() };
        ask("relief", filter, named("decision", name));
    }
}

fn of_what_comes_next(ask: Ask<'_>) {
    for next in Next::ALL {
        let name = serde_json::to_value(next).unwrap_or_default();
        let waits = move |row: &Value| row["next"].as_array().is_some_and(|steps| steps.contains(&name));
        ask("register", Filter { next: Some(next), ..Filter::default() }, Box::new(waits));
    }
    let closed = |row: &Value| ["closed", "dismissed", "merged"].iter().any(|name| row["status"] == *name);
    for ended in [true, false] {
        let filter = Filter { listed: Some(true), ended: Some(ended), ..Filter::default() };
        ask("supervision", filter, Box::new(move |row| row["listed"] == true && closed(row) == ended));
        let filter = Filter { to_penalise: Some(ended), ..Filter::default() };
        ask("relief", filter, Box::new(move |row| row["to_penalise"] == ended));
    }
    let filter = Filter { listed: Some(true), ..Filter::default() };
    ask("supervision", filter, Box::new(|row| row["listed"] == true));
}

fn of_reporters_and_rewards(ask: Ask<'_>) {
    for yes in [true, false] {
        let filter = Filter { disputed: Some(yes), ..Filter::default() };
        ask("docket", filter, Box::new(move |row| row["disputed"] == yes));
        let filter = Filter { unanswered: Some(yes), ..Filter::default() };
        ask("docket", filter, Box::new(move |row| row["unanswered_on"].is_string() == yes));
        let filter = Filter { retaliation: Some(yes), unanswered: Some(true), ..Filter::default() };
        let alleged =
            move |row: &Value| row["retaliation_on"].is_string() == yes && row["unanswered_on"].is_string();
        ask("docket", filter, Box::new(alleged));
    }
    for (status, name) in [
        (reward::Status::Assessed, "assessed"),
        (reward::Status::Approved, "approved"),
        (reward::Status::Notified, "notified"),
        (reward::Status::Claimed, "claimed"),
        (reward::Status::Paid, "paid"),
    ] {
        let filter = Filter { reward_status: Some(status), ..Filter::default() };
        ask("rewards", filter, named("status", name));
    }
}

fn of_clocks(ask: Ask<'_>) {
    let runs = |row: &Value| row["standing"] == "running" || row["standing"] == "overdue";
    for clock in CLOCKS.into_iter().chain(["accept", "handle", "answer", "claim", "unheard"]) {
        for (standing, name) in [(Standing::Running, "running"), (Standing::Overdue, "overdue")] {
            let filter =
                Filter { clock: Some(clock.to_owned()), standing: Some(standing), ..Filter::default() };
            let waits = move |row: &Value| row["clock"] == clock && row["standing"] == name;
            ask("deadlines", filter, Box::new(waits));
        }
        let filter = Filter { clock: Some(clock.to_owned()), ended: Some(false), ..Filter::default() };
        ask("deadlines", filter, Box::new(move |row| row["clock"] == clock && runs(row)));
        let ended = Filter { ended: Some(true), clock: Some(clock.to_owned()), ..Filter::default() };
        ask("deadlines", ended, Box::new(move |row| row["clock"] == clock && !runs(row)));
    }
    for ended in [true, false] {
        let filter = Filter { ended: Some(ended), ..Filter::default() };
        ask("deadlines", filter, Box::new(move |row| runs(row) != ended));
    }
}
