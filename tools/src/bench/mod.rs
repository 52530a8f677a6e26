//! `adit bench`: what this machine can do, as figures of one run.
#![expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]

mod generate;
mod http;
mod pages;
mod query;
mod receipts;
mod reports;
mod secrets;

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use adit_api::App;
use adit_api::keystore::Keystore;
use adit_api::projector::Projector;
use adit_core::actor::{ActorCommand, ActorEvent, Enrol, RoleOfKey};
use adit_core::command::{Command, Request};
use adit_core::enterprise::{EnterpriseCommand, EnterpriseEvent, Register};
use adit_core::event::Event;
use adit_core::hazard::{HazardCommand, HazardEvent, Origin, Report};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::clock::{Clock, SystemClock};
use adit_core::ledger::home::Home;
use adit_core::ledger::verify::verify;
use adit_core::office::Office;
use adit_core::role::Role;
use adit_core::rules::closure::Licence;
use adit_core::rules::place::NATIONAL;
use adit_core::rules::reward::Sector;
use adit_core::text::Text;
use adit_core::units::{Day, Position};
use adit_projections::Projections;
use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::failure::fail;
use crate::init::{IMPORT, Person, create};
use http::Client;

/// Measure. Figures are ratios and rates of one run on one machine; compare them only within it.
///
/// A ledger that people use is refused. One that was made and never used is set aside as DIR.unused.
/// 性能测量：只在自己的台账上进行；正在使用的台账一律拒绝。
///
/// Examples:
///   adit bench disk   --data /srv/bench --writers 64 --seconds 10
///   adit bench append --data /srv/bench --writers 64 --seconds 10 --json
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// The bare disk: a plain file, records of the same size, one fdatasync for each group
    Disk(Load),
    /// The whole path: decide, sign, hash, tree, journal, sync, index, checkpoint, projections applied
    Append(Load),
    /// Whole commands over HTTP: one connection for each writer, against a server in this process
    Http(Load),
    /// Fold every stored entry into all read models
    Replay(Stored),
    /// Check everything, as `adit verify` does
    Verify(Stored),
    /// Make a ledger of lawful histories: enterprises, their hazards over years, reports and rewards, what followed
    Generate(generate::Generate),
    /// Ask every read model in many ways, and single hazards in the past
    Query(query::Query),
    /// Ask for pages of the workbench over HTTP, by officers who are signed in
    Pages(pages::Pages),
    /// Reports of 2 kB over HTTP without scripts, each looked over and sent, on a new ledger; afterwards everything is counted and verified
    Reports(Load),
    /// Whether the time of an answer tells a secret that has a report from one that has none, on a new ledger
    Secrets(secrets::Secrets),
    /// Make receipts with proofs of entries all over a log
    Receipts(receipts::Receipts),
}

#[derive(clap::Args)]
struct Load {
    /// Folder of the bench's own ledger; made if it does not exist. A ledger that people use is refused
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    writers: u32,
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Append one line `position command-id` for each acknowledged append, after its acknowledgement
    #[arg(long, value_name = "FILE")]
    acks: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Stored {
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const ORIGIN: &str = "bench.example/adit";
/// Title of the bench's own actor; a ledger where anybody else is enrolled is in use.
const BENCH: &str = "bench";
/// The bench's key guards nothing but made-up hazards, so that a later run goes on with the same ledger.
const PASSWORD: &str = "bench bench bench";
/// Account of the first enterprise of a ledger that was generated.
const ENTERPRISE: &str = "enterprise-1";
/// Bytes of a journal record with one entry, as `bench append` writes them.
const RECORD_BYTES: usize = 1500;

pub(crate) fn run(args: &Args) -> Result<()> {
    let (figures, as_json) = match &args.what {
        What::Disk(load) => (disk(load)?, load.json),
        What::Append(load) => (append(load)?, load.json),
        What::Http(load) => (over_http(load)?, load.json),
        What::Replay(stored) => (replay(&stored.data)?, stored.json),
        What::Verify(stored) => (verified(&stored.data)?, stored.json),
        What::Generate(generate) => (generate::run(generate)?, generate.json),
        What::Query(query) => (query::run(query)?, query.json),
        What::Pages(pages) => (pages::run(pages)?, pages.json),
        What::Reports(load) => (reports::run(load, SystemClock.now())?, load.json),
        What::Secrets(secrets) => (secrets::run(secrets, SystemClock.now())?, secrets.json),
        What::Receipts(receipts) => (receipts::run(receipts)?, receipts.json),
    };
    if as_json {
        say!("{figures}");
    } else {
        for (name, value) in figures.as_object().into_iter().flatten() {
            say!("{name:<16} {value}");
        }
    }
    Ok(())
}

/// Latencies in microseconds.
fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 600_000_000, 3)?)
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn figures(latencies: &Histogram<u64>, took: Duration) -> Value {
    let rate = latencies.len() as f64 / took.as_secs_f64();
    let ms = |quantile| latencies.value_at_quantile(quantile) as f64 / 1000.0;
    json!({
        "events": latencies.len(),
        "seconds": took.as_secs_f64(),
        "events_per_s": rate,
        "p50_ms": ms(0.5),
        "p99_ms": ms(0.99),
        "max_ms": latencies.max() as f64 / 1000.0,
    })
}

/// Runs `one` on every writer until the time is over; `one` does one durable event.
fn drive(load: &Load, one: impl Fn() -> Result<()> + Sync) -> Result<Value> {
    drive_with(load, || Ok(()), |()| one())
}

/// Like [`drive`], with something of its own for every writer.
fn drive_with<S>(
    load: &Load,
    start: impl Fn() -> Result<S> + Sync,
    one: impl Fn(&mut S) -> Result<()> + Sync,
) -> Result<Value> {
    let (stop, failed) = (AtomicBool::new(false), Mutex::new(None));
    let all = Mutex::new(histogram()?);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..load.writers {
            scope.spawn(|| {
                let work = || -> Result<()> {
                    let (mut own, mut state) = (histogram()?, start()?);
                    while !stop.load(Ordering::Relaxed) && begun.elapsed().as_secs() < load.seconds {
                        let asked = Instant::now();
                        one(&mut state)?;
                        own.saturating_record(micros(asked.elapsed()));
                    }
                    Ok(all.lock().unwrap_or_else(PoisonError::into_inner).add(&own)?)
                };
                if let Err(error) = work() {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    stop.store(true, Ordering::Relaxed);
                }
            });
        }
    });
    let took = begun.elapsed();
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    Ok(figures(&all.into_inner().unwrap_or_else(PoisonError::into_inner), took))
}

/// A plain group-commit file: whoever comes first writes and syncs for all who wait.
fn disk(load: &Load) -> Result<Value> {
    std::fs::create_dir_all(&load.data)?;
    let path = load.data.join("bare-disk");
    let file = OpenOptions::new().create(true).append(true).open(&path)?;
    let group = adit_core::ledger::group::GroupQueue::<(), bool>::default();
    let record = [7_u8; RECORD_BYTES];
    let one = || {
        let done = group.submit((), |waiting| {
            let written = (&file).write_all(&record.repeat(waiting.len())).and_then(|()| file.sync_data());
            vec![written.is_ok(); waiting.len()]
        });
        if done == Some(true) { Ok(()) } else { bail!("couldn't write {}", path.display()) }
    };
    let figures = drive(load, one);
    std::fs::remove_file(&path)?;
    figures
}

/// The bench's ledger with its own actor, and the enterprise whose hazards it enters.
struct Bench {
    office: Office,
    person: Person,
    enterprise: StreamId,
}

/// Opens the bench's ledger, or makes it. An initialised ledger that nobody has used
/// yet is set aside, and the bench's own takes its place.
fn open_bench(data: &Path) -> Result<Bench> {
    let home = Home::beside(data);
    let keystore = Keystore::at(&home.actors());
    let mut origin = ORIGIN.to_owned();
    if data.join("journal").is_dir() {
        let office = Office::open(crate::open::ledger(data)?)?;
        if let (Some(actor), Some(enterprise)) = own_streams(&office)? {
            let key = keystore.unlock(actor, PASSWORD)?;
            return Ok(Bench { office, person: Person { actor, key }, enterprise });
        }
        office.ledger().origin().clone_into(&mut origin);
        drop(office);
        set_aside(&home)?;
    }
    let (office, admins) = create(data, &origin, NATIONAL, None, Arc::new(SystemClock))?;
    let person = Person::new(&origin)?;
    keystore.store(person.actor, &person.key, PASSWORD)?;
    let stream = StreamId::new(StreamKind::Actor, person.actor.0);
    let key = person.key.vkey();
    let admins: Vec<_> = admins.iter().map(|admin| &admin.key).collect();
    let enrol = Enrol { key: key.clone(), title: Text::new(BENCH)?, acts_for: None, recipient: None };
    for command in [ActorCommand::Enrol(enrol), ActorCommand::Grant(RoleOfKey { role: Role::Clerk, key })] {
        let request =
            Request { id: CommandId(Id::random()?), stream: Some(stream), command: Command::Actor(command) };
        office.execute(&request, &admins)?;
    }
    let register = Register {
        metal_smelting: false,
        name: Text::new(BENCH)?,
        credit_code: None,
        sector: Sector::Mine,
        town: Text::new(BENCH)?,
        licence: Licence::Full,
        producing: true,
        controller: None,
        parent: None,
    };
    let command = Command::Enterprise(EnterpriseCommand::Register(register));
    let request = Request { id: CommandId(Id::random()?), stream: None, command };
    let enterprise = office.execute(&request, &[&person.key])?.stream;
    Ok(Bench { office, person, enterprise })
}

/// Moves a ledger that nobody has used yet out of the way, with its keys: its administrators alone could enrol the bench, and
/// their passwords are not ours to ask for. Nothing is deleted.
fn set_aside(home: &Home) -> Result<()> {
    let mut name = home.data.as_os_str().to_owned();
    name.push(".unused");
    let aside = Home::beside(Path::new(&name));
    let moves = [(&home.data, &aside.data), (&home.keys, &aside.keys), (&home.lock, &aside.lock)];
    if let Some((_, taken)) = moves.iter().find(|(_, to)| to.exists()) {
        let taken = taken.display();
        return Err(fail(
            format!("{taken} 已存在，请另选目录"),
            format!("{taken} exists; name another folder"),
        ));
    }
    for (from, to) in moves {
        std::fs::rename(from, to).with_context(|| format!("couldn't move {}", from.display()))?;
    }
    let aside = aside.data.display();
    eprintln!("未使用的台账已移至 {aside} / the unused ledger was moved to {aside}");
    Ok(())
}

/// The bench's own actor and enterprise; none on a ledger where nothing happened yet.
///
/// # Errors
/// A ledger with anything but the bench's own hazards is in use.
fn own_streams(office: &Office) -> Result<(Option<ActorId>, Option<StreamId>)> {
    let (mut found, mut enterprise) = (None, None);
    office.ledger().replay(Position(0), Position(u64::MAX), |fact| {
        let own = match &fact.event {
            Event::Actor(ActorEvent::Enrolled(enrol)) => {
                let bench = enrol.title.as_str() == BENCH;
                found = found.or(bench.then_some(ActorId(fact.stream.id)));
                // Made with every ledger; whatever it took over is found below.
                bench || enrol.title.as_str() == IMPORT
            }
            Event::Enterprise(EnterpriseEvent::Registered(register)) => {
                enterprise = Some(fact.stream);
                register.name.as_str() == BENCH
            }
            Event::Hazard(HazardEvent::Reported(report)) => report.place.as_str() == BENCH,
            Event::Ledger(_) | Event::Actor(_) => true,
            Event::Hazard(_)
            | Event::Report(_)
            | Event::Reward(_)
            | Event::Enterprise(_)
            | Event::Inspection(_)
            | Event::Rules(_)
            | Event::Concern(_)
            | Event::Inquiry(_)
            | Event::Access(_) => false,
        };
        if !own {
            bail!(
                "this ledger is in use; the bench makes its own, so name another folder / 此台账正在使用，请另选目录"
            );
        }
        Ok(())
    })?;
    Ok((found, enterprise))
}

fn append(load: &Load) -> Result<Value> {
    let bench = open_bench(&load.data)?;
    let projector = Projector::start(bench.office.ledger())?;
    let acks = load.acks.as_deref().map(open_acks).transpose()?;
    let today = bench.office.ledger().now().day();
    let one = || {
        let request = hazard(bench.enterprise, today)?;
        let answer = bench.office.execute(&request, &[&bench.person.key])?;
        let position = *answer.positions.first().context("an answer has a position")?;
        if let Some(acks) = &acks {
            acknowledge(acks, &position, &request)?;
        }
        Ok(())
    };
    let mut figures = drive(load, one)?;
    // Applied in order on a thread of its own; what is left over now is what it lagged behind.
    let size = bench.office.ledger().size();
    let waited = Instant::now();
    while projector.read(Projections::next).0 < size {
        std::thread::yield_now();
    }
    figures["projections_lag_ms"] = json!(waited.elapsed().as_secs_f64() * 1000.0);
    figures["writers"] = json!(load.writers);
    Ok(figures)
}

fn open_acks(path: &Path) -> Result<Mutex<BufWriter<File>>> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    Ok(Mutex::new(BufWriter::new(file.with_context(|| format!("couldn't open {}", path.display()))?)))
}

/// One line in one write: a process that dies in between leaves no line without its answer.
fn acknowledge(
    acks: &Mutex<BufWriter<File>>,
    position: &dyn std::fmt::Display,
    request: &Request,
) -> Result<()> {
    let mut acks = acks.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(acks, "{position} {}", request.id)?;
    Ok(acks.flush()?)
}

fn hazard(enterprise: StreamId, found_on: Day) -> Result<Request> {
    let report = Report {
        enterprise,
        origin: Origin::MonitoringAlert,
        inspection: None,
        place: Text::new(BENCH)?,
        description: Text::new("bench: 监测值超限 a reading above its limit")?,
        found_on,
        criterion: None,
        files: Vec::new(),
    };
    Ok(Request {
        id: CommandId(Id::random()?),
        stream: None,
        command: Command::Hazard(HazardCommand::Report(report)),
    })
}

/// Signs in once, then every writer sends commands on a connection of its own.
fn over_http(load: &Load) -> Result<Value> {
    let bench = open_bench(&load.data)?;
    let home = Home::beside(&load.data);
    let (enterprise, actor) = (bench.enterprise, bench.person.actor.to_string());
    let today = bench.office.ledger().now().day();
    let server = http::Server::start(App::new(bench.office, Keystore::at(&home.actors()))?)?;
    let first = Mutex::new(Client::sign_in(server.address, &actor, PASSWORD)?);
    let acks = load.acks.as_deref().map(open_acks).transpose()?;
    let start = || first.lock().unwrap_or_else(PoisonError::into_inner).again();
    let figures = drive_with(load, start, |client| {
        let request = hazard(enterprise, today)?;
        let answer = client.execute(&request)?;
        let Some(acks) = &acks else { return Ok(()) };
        acknowledge(acks, &answer["positions"][0], &request)
    });
    // Dropped first, so that the server need not wait for a connection that says nothing more.
    drop(first);
    server.stop()?;
    let mut figures = figures?;
    figures["writers"] = json!(load.writers);
    Ok(figures)
}

/// Latencies are those of one event.
fn replay(data: &Path) -> Result<Value> {
    let ledger = crate::open::ledger(data)?;
    let (mut state, mut latencies) = (Projections::default(), nanoseconds()?);
    let begun = Instant::now();
    let mut before = begun;
    ledger.replay(Position(0), Position(u64::MAX), |fact| {
        state.apply(&fact)?;
        let now = Instant::now();
        latencies.saturating_record(u64::try_from((now - before).as_nanos()).unwrap_or(u64::MAX));
        before = now;
        anyhow::Ok(())
    })?;
    Ok(rate(state.next().0, begun.elapsed(), &latencies))
}

/// Latencies are those of one group of entries.
fn verified(data: &Path) -> Result<Value> {
    let ledger = crate::open::ledger(data)?;
    let mut latencies = nanoseconds()?;
    let begun = Instant::now();
    let mut before = begun;
    let verified = verify(ledger.store(), &ledger.log_key().vkey(), |_| {
        let now = Instant::now();
        latencies.saturating_record(u64::try_from((now - before).as_nanos()).unwrap_or(u64::MAX));
        before = now;
    })?;
    Ok(rate(verified.size, begun.elapsed(), &latencies))
}

fn nanoseconds() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 600_000_000_000, 3)?)
}

fn rate(events: u64, took: Duration, latencies: &Histogram<u64>) -> Value {
    let seconds = took.as_secs_f64();
    let ms = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e6;
    json!({
        "events": events,
        "seconds": seconds,
        "events_per_s": events as f64 / seconds,
        "p50_ms": ms(0.5),
        "p99_ms": ms(0.99),
    })
}
