//! `adit bench pages`: pages of the workbench over HTTP, on a ledger that `adit bench generate` made.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use adit_api::App;
use adit_api::keystore::Keystore;
use adit_core::ledger::home::Home;
use adit_core::units::Position;
use adit_projections::{Filter, NAMES, Projections, Viewer};
use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::http::{Client, Server};
use super::{PASSWORD, histogram, micros};

#[derive(clap::Args)]
pub(super) struct Pages {
    /// A ledger that `adit bench generate` made
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// How often each page is asked for
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// Hazards whose pages are asked for in turn.
const SAMPLES: usize = 50;

/// Pages of one kind, and by whom they are asked for.
struct Kind {
    name: &'static str,
    account: &'static str,
    paths: Vec<String>,
}

pub(super) fn run(pages: &Pages) -> Result<Value> {
    let office = adit_core::office::Office::open(crate::open::ledger(&pages.data)?)?;
    let begun = Instant::now();
    let folder = Home::beside(&pages.data).actors();
    let (app, keystore) = (App::new(office, Keystore::at(&folder))?, Keystore::at(&folder));
    let started = begun.elapsed().as_secs_f64();
    let (kinds, hazards) = (kinds(&app)?, app.projector.read(Projections::hazards));
    let (searcher, last) = (Arc::clone(&app.searcher), app.office.ledger().size().saturating_sub(1));
    let server = Server::start(app)?;
    // The search index is built once after a start, on a processor of its own.
    server.wait(searcher.wait_for(Position(last)));
    let mut figures = json!({ "hazards": hazards, "start_s": started });
    for kind in &kinds {
        let account =
            keystore.find(kind.account).context("a ledger that `adit bench generate` did not make")?;
        let mut client = Client::sign_in(server.address, &account.to_string(), PASSWORD)?;
        let (mut latencies, mut largest) = (histogram()?, 0);
        // The first of each is not counted: it may be the first after the start.
        let first = kind.paths.first().with_context(|| format!("no page of the kind {}", kind.name))?;
        client.get(first)?;
        for path in kind.paths.iter().cycle().take(kind.paths.len().max(pages.rounds as usize)) {
            let asked = Instant::now();
            let page = client.get(path).with_context(|| format!("couldn't get {path}"))?;
            latencies.saturating_record(micros(asked.elapsed()));
            largest = largest.max(page.len());
        }
        figures[kind.name] = json!({
            "pages": latencies.len(),
            "p50_ms": milliseconds(latencies.value_at_quantile(0.5)),
            "p99_ms": milliseconds(latencies.value_at_quantile(0.99)),
            "max_ms": milliseconds(latencies.max()),
            "largest_kb": largest / 1000,
        });
    }
    server.stop()?;
    Ok(figures)
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a bench are far below 2^52")]
fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

/// What officers ask for on a day.
fn kinds(app: &App) -> Result<Vec<Kind>> {
    let rules = app.office.rules();
    let today = app.office.ledger().now().day();
    let all = app.projector.read(Projections::hazards);
    let mut hazards = Vec::new();
    for at in 0..SAMPLES {
        let filter = Filter { offset: all / SAMPLES * at, limit: Some(1), ..Filter::default() };
        let rows =
            app.projector.read(|state| state.query("register", &filter, Viewer::Reports, &rules, today))?;
        hazards.extend(rows.rows);
    }
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let sample = hazards.get(hazards.len() / 2).context("a ledger without hazards")?;
    let each =
        |begin: &str, name: &str| hazards.iter().map(|row| format!("{begin}{}", text(row, name))).collect();
    let town = escaped(&text(sample, "town"));
    let register = |query: &str| format!("/desk/tables/register{query}");
    let filters = [
        "?status=verified".to_owned(),
        "?overdue=true".to_owned(),
        "?grade=major&status=assigned".to_owned(),
        format!("?town={town}"),
        "?contains=00017".to_owned(),
        "?origin=inspection&listed=true".to_owned(),
    ];
    let profiles: Vec<String> =
        hazards.iter().map(|row| text(row, "enterprise").replace("enterprise/", "/desk/profiles/")).collect();
    // Accountability is traced for major hazards.
    let major = hazards.iter().filter(|row| row["grade"] == "major");
    let traces = major.map(|row| text(row, "hazard").replace("hazard/", "/desk/trace/")).collect();
    // Of all streams together there is no page.
    let tables = NAMES.iter().filter(|name| **name != "timeline");
    let tables = tables.map(|name| format!("/desk/tables/{name}")).collect();
    let page = |name: &'static str, account: &'static str, paths: Vec<String>| Kind { name, account, paths };
    Ok(vec![
        page("worklist_inspector", "inspector-1", vec!["/desk".to_owned()]),
        page("worklist_handler", "handler", vec!["/desk".to_owned()]),
        page("worklist_approver", "approver", vec!["/desk".to_owned()]),
        page("worklist_investigator", "investigator", vec!["/desk".to_owned()]),
        page("register", "handler", vec![register(""), register(&format!("?offset={}", all / 2))]),
        page("register_filtered", "handler", filters.iter().map(|query| register(query)).collect()),
        page("hazard", "inspector-1", each("/desk/streams/", "hazard")),
        page("form", "inspector-1", each("/desk/do/hazard.verify?stream=", "hazard")),
        page("enterprise", "handler", each("/desk/streams/", "enterprise")),
        page("profile", "handler", profiles),
        page("figures", "leader", vec!["/desk/figures".to_owned()]),
        page("summary", "leader", vec![format!("/desk/summary?period={}", today.year())]),
        page("trace", "investigator", traces),
        page("tables", "approver", tables),
        page(
            "accounts",
            "admin-1",
            vec!["/desk/accounts".to_owned(), "/desk/accounts?role=enterprise".to_owned()],
        ),
        page("system", "admin-1", vec!["/desk/system".to_owned()]),
    ])
}

/// A value of a query string.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |escaped, byte| format!("{escaped}%{byte:02X}"))
}
