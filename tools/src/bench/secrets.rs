//! `adit bench secrets`: how long "my report" takes to answer secrets that have a report and secrets that have none, and whether tests of
//! statistics tell the two apart.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use adit_core::secret::{Script, Secret};
use adit_core::units::Timestamp;
use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::http::{Client, Server};
use super::reports::{fresh, report};

#[derive(clap::Args)]
pub(super) struct Secrets {
    /// Folder of the bench's own ledger, which does not exist yet
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Tries, half with secrets that have a report
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    tries: u32,
    /// Connections that try at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=32))]
    connections: u32,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// Reports that are there.
const KNOWN: usize = 50;
/// Tries before the first that counts.
const WARM: usize = 40;

/// A secret, and whether it has a report.
type Try = (String, bool);

pub(super) fn run(secrets: &Secrets, now: Timestamp) -> Result<Value> {
    let server = Server::start(fresh(&secrets.data, now)?)?;
    let mut reporter = Client::connect(server.address, String::new())?;
    let known = (0..KNOWN).map(|_| Ok(report(&mut reporter, "三号井口没有通风，还在下井。")?.0));
    let known = known.collect::<Result<Vec<String>>>()?;
    drop(reporter);
    let mut tries = tries(secrets.tries as usize + WARM, &known)?;
    let (took, connections) = (Mutex::new(Vec::new()), secrets.connections as usize);
    let warm = tries.split_off(tries.len() - WARM);
    ask(&server, &warm, &Mutex::new(Vec::new()))?;
    std::thread::scope(|scope| {
        let chunks = tries.chunks(tries.len().div_ceil(connections));
        let asking: Vec<_> = chunks.map(|chunk| scope.spawn(|| ask(&server, chunk, &took))).collect();
        asking.into_iter().try_for_each(|one| one.join().unwrap_or_else(|_| bail!("a connection ended")))
    })?;
    server.stop()?;
    let took = took.into_inner().unwrap_or_else(PoisonError::into_inner);
    let of = |has_report| {
        let mut times: Vec<f64> = took
            .iter()
            .filter(|(has, _)| *has == has_report)
            .map(|(_, milliseconds)| *milliseconds)
            .collect();
        times.sort_by(f64::total_cmp);
        times
    };
    Ok(compared(&of(true), &of(false)))
}

/// As many of each, in an order in which nothing tells which comes next.
fn tries(many: usize, known: &[String]) -> Result<Vec<Try>> {
    let mut tries = Vec::with_capacity(many);
    for nth in 0..many {
        let fresh = Secret::generate()?;
        let unknown = fresh.text(Script::Chinese).to_string();
        let one = if nth % 2 == 0 { (known[nth / 2 % known.len()].clone(), true) } else { (unknown, false) };
        // Fresh secrets are as random as an order can be.
        tries.push((blake3::hash(&Secret::generate()?.text(Script::Chinese).to_string().into_bytes()), one));
    }
    tries.sort_by_key(|(order, _)| *order.as_bytes());
    Ok(tries.into_iter().map(|(_, one)| one).collect())
}

fn ask(server: &Server, tries: &[Try], took: &Mutex<Vec<(bool, f64)>>) -> Result<()> {
    let mut client = Client::connect(server.address, String::new())?;
    for (secret, has_report) in tries {
        let typed = [("secret".to_owned(), secret.clone())];
        let (status, time) = client.time_form("/my?lang=zh", &typed)?;
        if status != if *has_report { 200 } else { 404 } {
            bail!("the server answered {status}");
        }
        took.lock().unwrap_or_else(PoisonError::into_inner).push((*has_report, time.as_secs_f64() * 1000.0));
    }
    Ok(())
}

/// Means, and three tests of whether two sorted samples are of one distribution: Welch's t, the z of Mann and Whitney, and the distance of
/// Kolmogorov and Smirnov with what it exceeds one time in twenty by chance.
fn compared(known: &[f64], unknown: &[f64]) -> Value {
    let moments = |times: &[f64]| {
        let many = times.len() as f64;
        let mean = times.iter().sum::<f64>() / many;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (many - 1.0);
        (many, mean, variance)
    };
    let ((n, mean_known, var_known), (m, mean_unknown, var_unknown)) = (moments(known), moments(unknown));
    let welch = (mean_known - mean_unknown) / (var_known / n + var_unknown / m).sqrt();
    let (mut less, mut distance) = (0.0, 0.0_f64);
    for (nth, time) in known.iter().enumerate() {
        let below = unknown.partition_point(|other| other < time) as f64;
        let not_above = unknown.partition_point(|other| other <= time) as f64;
        less += f64::midpoint(below, not_above);
        // Both staircases, just before this step of the first and on it.
        distance = distance.max((nth as f64 / n - below / m).abs());
        distance = distance.max(((nth + 1) as f64 / n - not_above / m).abs());
    }
    let mann_whitney = (less - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt();
    json!({
        "known": known.len(), "known_mean_ms": mean_known, "known_sd_ms": var_known.sqrt(),
        "unknown": unknown.len(), "unknown_mean_ms": mean_unknown, "unknown_sd_ms": var_unknown.sqrt(),
        "welch_t": welch, "mann_whitney_z": mann_whitney,
        "kolmogorov_smirnov": distance, "kolmogorov_smirnov_5_percent": 1.358 * ((n + m) / (n * m)).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut times: Vec<f64> = (0..1000_u32).map(|nth| times(f64::from(nth))).collect();
        times.sort_by(f64::total_cmp);
        times
    }

    #[test]
    fn one_distribution_is_not_told_apart_and_a_shift_of_a_tenth_is() {
        let same = compared(&of(|nth| 250.0 + nth % 97.0), &of(|nth| 250.0 + (nth + 31.0) % 97.0));
        let shifted = compared(&of(|nth| 250.0 + nth % 97.0), &of(|nth| 260.0 + nth % 97.0));
        let figure = |of: &Value, name: &str| of[name].as_f64().expect("a figure").abs();
        assert!(figure(&same, "welch_t") < 1.0 && figure(&same, "mann_whitney_z") < 1.0, "{same}");
        assert!(figure(&shifted, "welch_t") > 5.0 && figure(&shifted, "mann_whitney_z") > 5.0, "{shifted}");
        let level = figure(&same, "kolmogorov_smirnov_5_percent");
        assert!(
            figure(&same, "kolmogorov_smirnov") < level && figure(&shifted, "kolmogorov_smirnov") > level
        );
    }
}
