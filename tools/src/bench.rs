//! `adit bench`: what this machine can do, as figures of one run.
#![expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use adit_api::keystore::Keystore;
use adit_api::projector::Projector;
use adit_core::actor::{ActorCommand, ActorEvent, Enrol, RoleOfKey};
use adit_core::command::{Command, Request};
use adit_core::event::Event;
use adit_core::hazard::{HazardCommand, HazardEvent, Origin, Report};
use adit_core::id::{ActorId, CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::clock::SystemClock;
use adit_core::ledger::home::Home;
use adit_core::ledger::verify::verify;
use adit_core::office::Office;
use adit_core::role::Role;
use adit_core::text::Text;
use adit_core::units::{Day, Position};
use adit_projections::Projections;
use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::init::{Person, create};

/// Measure. Figures are ratios and rates of one run on one machine; compare them only within it.
///
/// Examples:
///   adit bench disk   --data /srv/bench --writers 64 --seconds 10
///   adit bench append --data /srv/bench --writers 64 --seconds 10 --json
#[derive(clap::Args)]
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
    /// Fold every stored entry into all read models
    Replay(Stored),
    /// Check everything, as `adit verify` does
    Verify(Stored),
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
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct Stored {
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[arg(long)]
    json: bool,
}

const ORIGIN: &str = "bench.example/adit";
/// Title of the bench's own actor; a ledger where anybody else is enrolled is in use.
const BENCH: &str = "bench";
/// The bench's key guards nothing but made-up hazards, so that a later run goes on with the same ledger.
const PASSWORD: &str = "bench bench bench";
/// Bytes of a journal record with one entry, as `bench append` writes them.
const RECORD_BYTES: usize = 1500;

pub(crate) fn run(args: &Args) -> Result<()> {
    let (figures, as_json) = match &args.what {
        What::Disk(load) => (disk(load)?, load.json),
        What::Append(load) => (append(load)?, load.json),
        What::Replay(stored) => (replay(&stored.data)?, stored.json),
        What::Verify(stored) => (verified(&stored.data)?, stored.json),
    };
    if as_json {
        println!("{figures}");
    } else {
        for (name, value) in figures.as_object().into_iter().flatten() {
            println!("{name:<16} {value}");
        }
    }
    Ok(())
}

/// Latencies in microseconds.
fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 600_000_000, 3)?)
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
    let (stop, failed) = (AtomicBool::new(false), Mutex::new(None));
    let all = Mutex::new(histogram()?);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..load.writers {
            scope.spawn(|| {
                let Ok(mut own) = histogram() else { return };
                while !stop.load(Ordering::Relaxed) && begun.elapsed().as_secs() < load.seconds {
                    let start = Instant::now();
                    if let Err(error) = one() {
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        stop.store(true, Ordering::Relaxed);
                        return;
                    }
                    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
                    own.saturating_record(micros);
                }
                let _ = all.lock().unwrap_or_else(PoisonError::into_inner).add(&own);
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

/// Opens the bench's ledger, or makes it. An initialised ledger that nobody has used yet becomes the bench's.
fn open_bench(data: &Path) -> Result<Bench> {
    let home = Home::beside(data);
    let keystore = Keystore::at(&home.actors());
    let enterprise = StreamId::new(StreamKind::Enterprise, Id::random()?);
    let mut origin = ORIGIN.to_owned();
    if data.join("journal").is_dir() {
        let office = Office::open(crate::open::ledger(data)?)?;
        if let Some(actor) = own_actor(&office)? {
            let key = keystore.unlock(actor, PASSWORD)?;
            return Ok(Bench { office, person: Person { actor, key }, enterprise });
        }
        office.ledger().origin().clone_into(&mut origin);
        drop(office);
        std::fs::remove_dir_all(&home.data)?;
        std::fs::remove_dir_all(&home.keys)?;
        std::fs::remove_file(&home.lock)?;
    }
    let (office, admins) = create(data, &origin, Arc::new(SystemClock))?;
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
    Ok(Bench { office, person, enterprise })
}

/// The bench's own actor; none on a ledger where nothing happened yet.
///
/// # Errors
/// A ledger with anything but the bench's own hazards is in use.
fn own_actor(office: &Office) -> Result<Option<ActorId>> {
    let mut found = None;
    for fact in office.ledger().facts(Position(0)) {
        let fact = fact?;
        let own = match &fact.event {
            Event::Actor(ActorEvent::Enrolled(enrol)) => {
                found = Some(ActorId(fact.stream.id));
                enrol.title.as_str() == BENCH
            }
            Event::Hazard(HazardEvent::Reported(report)) => report.place.as_str() == BENCH,
            Event::Ledger(_) | Event::Actor(_) => true,
            Event::Hazard(_)
            | Event::Report(_)
            | Event::Reward(_)
            | Event::Enterprise(_)
            | Event::Inspection(_)
            | Event::Rules(_) => false,
        };
        if !own {
            bail!(
                "this ledger is in use; the bench makes its own, so name another folder / 此台账正在使用，请另选目录"
            );
        }
    }
    Ok(found)
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
            let mut acks = acks.lock().unwrap_or_else(PoisonError::into_inner);
            writeln!(acks, "{position} {}", request.id)?;
            acks.flush()?;
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

fn hazard(enterprise: StreamId, found_on: Day) -> Result<Request> {
    let report = Report {
        enterprise,
        origin: Origin::MonitoringAlert,
        inspection: None,
        place: Text::new(BENCH)?,
        description: Text::new("bench: 监测值超限 a reading above its limit")?,
        found_on,
        criterion: None,
    };
    Ok(Request {
        id: CommandId(Id::random()?),
        stream: None,
        command: Command::Hazard(HazardCommand::Report(report)),
    })
}

fn replay(data: &Path) -> Result<Value> {
    let ledger = crate::open::ledger(data)?;
    let begun = Instant::now();
    let state = adit_api::projector::fold(&ledger, None, Position(ledger.size()))?;
    Ok(rate(state.next().0, begun.elapsed()))
}

fn verified(data: &Path) -> Result<Value> {
    let ledger = crate::open::ledger(data)?;
    let begun = Instant::now();
    let verified = verify(ledger.store(), &ledger.log_key().vkey(), |_| {})?;
    Ok(rate(verified.size, begun.elapsed()))
}

fn rate(events: u64, took: Duration) -> Value {
    let seconds = took.as_secs_f64();
    json!({ "events": events, "seconds": seconds, "events_per_s": events as f64 / seconds })
}
