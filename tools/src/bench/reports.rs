//! `adit bench reports`: reports over HTTP without scripts, by as many at once as are asked for. Each is looked over and sent: the server makes
//! the secret, seals the words, and answers with the receipt.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use adit_api::App;
use adit_api::keystore::Keystore;
use adit_core::id::StreamKind;
use adit_core::ledger::clock::SetClock;
use adit_core::ledger::home::Home;
use adit_core::ledger::verify::verify;
use adit_core::rules::place::NATIONAL;
use adit_core::units::Timestamp;
use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::http::{Client, Server};
use super::{Load, ORIGIN, drive_with, histogram, micros};
use crate::demo::cast::Cast;
use crate::failure::fail;
use crate::init::create;

/// What each reporter tells: some 2 kB.
const WORDS: &str = "三号采场顶板离层，没有支护，夜班还在下面作业。";
const TIMES: usize = 30;

type Fields = Vec<(String, String)>;

/// A new ledger with everybody who works on reports, as a server has it.
pub(super) fn fresh(data: &Path, now: Timestamp) -> Result<Arc<App>> {
    if data.exists() {
        let data = data.display();
        return Err(fail(
            format!("{data} 已存在，请另选目录"),
            format!("{data} exists; name another folder"),
        ));
    }
    let clock = Arc::new(SetClock::at(now));
    let (office, admins) = create(data, ORIGIN, NATIONAL, None, clock.clone())?;
    let office = Cast::enrol(office, clock, admins)?.office;
    Ok(App::new(office, Keystore::at(&Home::beside(data).actors()))?)
}

/// Latencies are those from pressing "send" until the receipt is there.
pub(super) fn run(load: &Load, now: Timestamp) -> Result<Value> {
    let app = fresh(&load.data, now)?;
    let before = app.office.ledger().size();
    let server = Server::start(Arc::clone(&app))?;
    let (sent, secrets) = (Mutex::new(histogram()?), Mutex::new(BTreeSet::new()));
    let words = WORDS.repeat(TIMES);
    let reporter = || Client::connect(server.address, String::new());
    let mut figures = drive_with(load, reporter, |client| {
        let (secret, took) = report(client, &words)?;
        record(&sent, took);
        if !secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(secret) {
            bail!("two reporters were given one secret");
        }
        Ok(())
    })?;
    server.stop()?;
    let (secrets, sent) = (held(secrets), held(sent));
    let ledger = app.office.ledger();
    let entered = ledger.size() - before;
    let reports = ledger.store().streams(StreamKind::Report)?.len();
    if entered != secrets.len() as u64 || reports != secrets.len() {
        bail!("{} receipts, but {entered} entries and {reports} reports", secrets.len());
    }
    let ms = |quantile| sent.value_at_quantile(quantile) as f64 / 1000.0;
    figures["send_p50_ms"] = json!(ms(0.5));
    figures["send_p99_ms"] = json!(ms(0.99));
    figures["send_max_ms"] = json!(sent.max() as f64 / 1000.0);
    figures["words_bytes"] = json!(words.len());
    figures["writers"] = json!(load.writers);
    figures["verified"] = json!(verify(ledger.store(), &ledger.log_key().vkey(), |_| ())?.size);
    Ok(figures)
}

fn held<T>(lock: Mutex<T>) -> T {
    lock.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn record(all: &Mutex<Histogram<u64>>, took: Duration) {
    all.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros(took));
}

/// One report: its secret, and how long sending it took.
pub(super) fn report(client: &mut Client, words: &str) -> Result<(String, Duration)> {
    let typed = [("step", "look"), ("words", words)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let page = client.form("/report?lang=zh", &typed)?;
    let form = hidden(&String::from_utf8(page)?)?;
    let secret = form.iter().find(|(name, _)| name == "secret").context("the page has no secret")?.1.clone();
    let begun = Instant::now();
    client.form("/report?lang=zh", &form)?;
    Ok((secret, begun.elapsed()))
}

/// What the form that sends a report brings back, as a browser does.
fn hidden(page: &str) -> Result<Fields> {
    let forms = page.split("<form").map(|form| form.split("</form>").next().unwrap_or_default());
    let form = forms
        .into_iter()
        .find(|form| form.contains("value=\"send\""))
        .context("the page has no form to send")?;
    let attribute = |input: &str, name: &str| {
        let rest = input.split(&format!("{name}=\"")).nth(1).unwrap_or_default();
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let inputs = form.split("<input type=\"hidden\" ").skip(1);
    let mut fields: Fields =
        inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect();
    fields.push(("step".to_owned(), "send".to_owned()));
    Ok(fields)
}
