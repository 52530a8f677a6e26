//! `adit bench query`: every read model asked in many ways, and single hazards in the past.

use std::path::PathBuf;
use std::time::Instant;

use adit_api::projector::{fold, fold_hazard};
use adit_core::hazard::{Origin, Status};
use adit_core::office::Office;
use adit_core::rules::reward::Sector;
use adit_core::units::{Day, Position};
use adit_projections::deadlines::Standing;
use adit_projections::repeat_offenders::By;
use adit_projections::{Filter, Grade, Group, NAMES, Projections, Viewer, takes};
use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{histogram, micros};

#[derive(clap::Args)]
pub(super) struct Query {
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// How often each question is asked
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// Rows of a page, as the pages and the API ask for them.
const PAGE: usize = 100;

pub(super) fn run(query: &Query) -> Result<Value> {
    let ledger = crate::open::ledger(&query.data)?;
    let begun = Instant::now();
    let state = fold(&ledger, None, Position(ledger.size()))?;
    let folded = begun.elapsed().as_secs_f64();
    let office = Office::open(ledger)?;
    // The day of the last entry: a ledger that was generated ends before today.
    let last = Position(office.ledger().size().saturating_sub(1));
    let stored = office.ledger().stored(last)?.context("an empty ledger")?;
    let today = adit_core::event::Fact::decode(&stored)?.day;
    let mut figures = json!({ "events": state.next(), "fold_s": folded });
    for name in NAMES {
        let mut latencies = histogram()?;
        let questions = questions(name, &state, &office, today)?;
        for filter in questions.iter().cycle().take(questions.len() * query.rounds as usize) {
            let asked = Instant::now();
            state.query(name, filter, Viewer::Reports, &office.rules(), today)?;
            latencies.saturating_record(micros(asked.elapsed()));
        }
        figures[name] = shown(&latencies);
    }
    figures["hazard_as_of"] = past(query, &state, &office, today)?;
    figures["peak_memory_mb"] = json!(peak_memory());
    Ok(figures)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a bench are far below 2^52")]
fn shown(latencies: &hdrhistogram::Histogram<u64>) -> Value {
    let ms = |micros: u64| micros as f64 / 1000.0;
    json!({
        "questions": latencies.len(),
        "p50_ms": ms(latencies.value_at_quantile(0.5)),
        "p99_ms": ms(latencies.value_at_quantile(0.99)),
        "max_ms": ms(latencies.max()),
    })
}

/// Questions to a read model: its first and a late page, and each of its filters with something that is there.
fn questions(name: &str, state: &Projections, office: &Office, today: Day) -> Result<Vec<Filter>> {
    let page = || Filter { limit: Some(PAGE), ..Filter::default() };
    let all = state.query(name, &page(), Viewer::Reports, &office.rules(), today)?;
    let mut asked = vec![page(), Filter { offset: all.total / 2, ..page() }];
    let hazards = Filter { offset: state.hazards() / 3, limit: Some(3), ..Filter::default() };
    let samples = state.query("register", &hazards, Viewer::Reports, &office.rules(), today)?.rows;
    let sample = samples.first().context("a ledger without hazards")?;
    let text = |field: &str| sample[field].as_str().unwrap_or_default().to_owned();
    let (town, enterprise) = (text("town"), text("enterprise").parse().ok());
    let year = Filter { from: Some(today.plus_days(-365)), to: Some(today), ..page() };
    let candidates = [
        ("town", Filter { town: Some(town.clone()), ..page() }),
        ("sector", Filter { sector: Some(Sector::Industry), ..page() }),
        ("enterprise", Filter { enterprise, ..page() }),
        ("stream", Filter { stream: text("hazard").parse().ok(), ..page() }),
        ("origin", Filter { origin: Some(Origin::Inspection), ..page() }),
        ("status", Filter { status: Some(Status::Closed), ..page() }),
        ("grade", Filter { grade: Some(Grade::Major), ..page() }),
        ("overdue", Filter { overdue: Some(true), ..page() }),
        ("listed", Filter { listed: Some(true), ..page() }),
        ("in_place", Filter { in_place: Some(true), ..page() }),
        ("kind", Filter { kind: Some("hazard.closed".to_owned()), ..page() }),
        ("clock", Filter { clock: Some("rectify".to_owned()), ..page() }),
        ("standing", Filter { standing: Some(Standing::Overdue), ..page() }),
        ("petition", Filter { petition: Some(true), ..page() }),
        ("by", Filter { by: Some(By::Controller), ..page() }),
        ("relief", Filter { relief: Some(adit_projections::relief::Decision::Relieved), ..page() }),
        ("missed", Filter { missed: Some(true), ..page() }),
        ("group", Filter { group: Some(Group::Town), ..page() }),
        ("group", Filter { group: Some(Group::Enterprise), ..page() }),
        ("group", Filter { group: Some(Group::Criterion), ..year.clone() }),
        ("from", year),
        ("contains", Filter { contains: Some("00017".to_owned()), ..page() }),
        ("contains", Filter { contains: Some("通风".to_owned()), ..page() }),
        ("town", Filter { town: Some(town), offset: 5_000, ..page() }),
    ];
    let takes = takes(name);
    let fit = |filter: &Filter| filter.given().iter().all(|given| takes.contains(given));
    asked.extend(candidates.into_iter().filter(|(_, filter)| fit(filter)).map(|(_, filter)| filter));
    Ok(asked)
}

/// One hazard as of days in the past, read from its stream.
fn past(query: &Query, state: &Projections, office: &Office, today: Day) -> Result<Value> {
    let mut latencies = histogram()?;
    let many = state.hazards().max(1);
    for round in 0..(query.rounds as usize * 25) {
        let at = Filter { offset: (round * 7919) % many, limit: Some(1), ..Filter::default() };
        let rows = state.query("register", &at, Viewer::Reports, &office.rules(), today)?.rows;
        let hazard = rows.first().and_then(|row| row["hazard"].as_str()?.parse().ok()).context("a hazard")?;
        let day = today.plus_days(-i64::try_from(round % 700)?);
        let asked = Instant::now();
        let until = office.ledger().end_of(day);
        let then = fold_hazard(office.ledger(), &hazard, until)?;
        let rules = office.rules_until(until)?;
        let filter = Filter { stream: Some(hazard), ..Filter::default() };
        for model in ["register", "five_in_place", "deadlines"] {
            then.query(model, &filter, Viewer::Reports, &rules, day)?;
        }
        latencies.saturating_record(micros(asked.elapsed()));
    }
    Ok(shown(&latencies))
}

/// Most memory that this process has held, in megabytes; none where the system does not say.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}
