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
use super::{ENTERPRISE, PASSWORD, histogram, micros};

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

/// Rows of a table whose pages are asked for in turn.
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

/// Rows from all over a table.
fn sample(app: &App, table: &str) -> Result<Vec<Value>> {
    let (rules, today) = (app.office.rules(), app.office.ledger().now().day());
    let ask = |filter: &Filter| {
        app.projector.read(|state| state.query(table, filter, Viewer::Reports, &rules, today))
    };
    let all = ask(&Filter { limit: Some(1), ..Filter::default() })?.total;
    let mut rows = Vec::new();
    for at in 0..SAMPLES.min(all) {
        rows.extend(
            ask(&Filter { offset: all / SAMPLES.min(all) * at, limit: Some(1), ..Filter::default() })?.rows,
        );
    }
    Ok(rows)
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

/// A page for each row.
fn each(rows: &[Value], begin: &str, name: &str) -> Vec<String> {
    rows.iter().map(|row| format!("{begin}{}", text(row, name))).collect()
}

fn table(name: &str, queries: &[&str]) -> Vec<String> {
    queries.iter().map(|query| format!("/desk/tables/{name}{query}")).collect()
}

fn one(path: &str) -> Vec<String> {
    vec![path.to_owned()]
}

fn kind(name: &'static str, account: &'static str, paths: Vec<String>) -> Kind {
    Kind { name, account, paths }
}

/// What everybody who signs in asks for on a day.
fn kinds(app: &App) -> Result<Vec<Kind>> {
    let mut kinds = vec![
        kind("worklist_clerk", "clerk", one("/desk")),
        kind("worklist_inspector", "inspector-1", one("/desk")),
        kind("worklist_handler", "handler", one("/desk")),
        kind("worklist_approver", "approver", one("/desk")),
        kind("worklist_finance", "finance", one("/desk")),
        kind("worklist_investigator", "investigator", one("/desk")),
        kind("worklist_leader", "leader", one("/desk")),
        kind("worklist_admin", "admin-1", one("/desk")),
        kind("worklist_enterprise", ENTERPRISE, one("/desk")),
    ];
    kinds.extend(of_hazards(app)?);
    kinds.extend(of_reports(app)?);
    kinds.extend(of_the_bureau(app));
    Ok(kinds)
}

fn of_hazards(app: &App) -> Result<Vec<Kind>> {
    let hazards = sample(app, "register")?;
    let middle = hazards.get(hazards.len() / 2).context("a ledger without hazards")?;
    let all = app.projector.read(Projections::hazards);
    let filters = [
        "?status=verified",
        "?overdue=true",
        "?grade=major&status=assigned",
        &format!("?town={}", escaped(text(middle, "town"))),
        "?contains=00017",
        "?origin=inspection&listed=true",
    ];
    let under = |place: &str, paths: Vec<String>, kind: &str| -> Vec<String> {
        paths.iter().map(|path| path.replace(kind, place)).collect()
    };
    let profiles = under("/desk/profiles/", each(&hazards, "", "enterprise"), "enterprise/");
    // Accountability is traced for major hazards.
    let major: Vec<Value> = hazards.iter().filter(|row| row["grade"] == "major").cloned().collect();
    let traces = under("/desk/trace/", each(&major, "", "hazard"), "hazard/");
    Ok(vec![
        kind("register", "handler", table("register", &["", &format!("?offset={}", all / 2)])),
        kind("register_filtered", "handler", table("register", &filters)),
        kind("register_enterprise", ENTERPRISE, table("register", &["", "?status=assigned"])),
        kind("hazard", "inspector-1", each(&hazards, "/desk/streams/", "hazard")),
        kind("form", "inspector-1", each(&hazards, "/desk/do/hazard.verify?stream=", "hazard")),
        kind("inspection", "inspector-1", each(&sample(app, "inspections")?, "/desk/streams/", "inspection")),
        kind("enterprise", "handler", each(&hazards, "/desk/streams/", "enterprise")),
        kind("profile", "handler", profiles),
        kind("trace", "investigator", traces),
    ])
}

fn of_reports(app: &App) -> Result<Vec<Kind>> {
    let (reports, rewards) = (sample(app, "docket")?, sample(app, "rewards")?);
    // A ledger may be generated without reports.
    if reports.is_empty() || rewards.is_empty() {
        return Ok(Vec::new());
    }
    let docket = table("docket", &["", "?order=due", "?report_status=verified", "?offset=100"]);
    Ok(vec![
        kind("docket", "clerk", docket),
        kind("case", "handler", each(&reports, "/desk/streams/", "report")),
        kind("case_form", "inspector-1", each(&reports, "/desk/do/report.verify?stream=", "report")),
        kind("rewards", "approver", table("rewards", &["", "?reward_status=claimed", "?offset=100"])),
        kind("reward", "approver", each(&rewards, "/desk/streams/", "reward")),
    ])
}

fn of_the_bureau(app: &App) -> Vec<Kind> {
    let year = app.office.ledger().now().day().year();
    // Of all streams together there is no page.
    let tables = NAMES.iter().filter(|name| **name != "timeline");
    let accounts = ["/desk/accounts", "/desk/accounts?role=enterprise"].map(str::to_owned).into();
    vec![
        kind("tables", "approver", tables.flat_map(|name| table(name, &[""])).collect()),
        kind("figures", "leader", one("/desk/figures")),
        kind("summary", "leader", vec![format!("/desk/summary?period={year}")]),
        kind("public_figures", "leader", one("/figures")),
        kind("plans", "inspector-1", one("/desk/plans")),
        kind("vouchers", "finance", one("/desk/vouchers")),
        kind("import", "clerk", one("/desk/import")),
        kind("rulebook", "approver", one("/desk/rulebook")),
        kind("waiting", "handler", one("/desk/waiting")),
        kind("me", "handler", one("/desk/me")),
        kind("accounts", "admin-1", accounts),
        kind("reads", "investigator", one("/desk/reads")),
        kind("system", "admin-1", one("/desk/system")),
    ]
}

/// A value of a query string.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |escaped, byte| format!("{escaped}%{byte:02X}"))
}
