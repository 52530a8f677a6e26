//! Where the public log is read: an address, or a folder of the same layout (C2SP tlog-tiles). Counts what it fetches.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Waits before an answer is asked for again, when the log can't be reached.
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];
/// Most bytes of an entry bundle: 256 entries of 65,535 bytes, each with its length.
pub(super) const BUNDLE_BYTES_MAX: u64 = 256 * 65_537;
/// Bytes of a full tile of hashes.
pub(super) const TILE_BYTES_MAX: u64 = 256 * 32;
/// Most bytes of a checkpoint: a signed note.
pub(super) const NOTE_BYTES_MAX: u64 = 65_535;

/// The log, or a part of it, can't be reached; nothing is said about what it holds.
#[derive(Debug, thiserror::Error)]
#[error("couldn't reach {what}: {why}")]
pub(super) struct Unreachable {
    pub(super) what: String,
    why: String,
}

impl Unreachable {
    pub(super) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

enum Place {
    Folder(PathBuf),
    Http { base: String, agent: ureq::Agent },
}

/// A public log.
pub(super) struct Source {
    place: Place,
    fetched: AtomicU64,
    /// Files of a folder that were read.
    read: Mutex<BTreeSet<String>>,
}

/// An agent that gives back every status, so that a missing tile is told from a log that is down.
pub(super) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false);
    config.user_agent(concat!("adit-audit/", env!("CARGO_PKG_VERSION"))).build().into()
}

fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

impl Source {
    pub(super) fn new(text: &str) -> Self {
        let place = if is_address(text) {
            Place::Http { base: text.trim_end_matches('/').to_owned(), agent: agent() }
        } else {
            Place::Folder(PathBuf::from(text))
        };
        Self { place, fetched: AtomicU64::new(0), read: Mutex::new(BTreeSet::new()) }
    }

    /// The folder, where the log is one.
    pub(super) fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Folder(folder) => Some(folder),
            Place::Http { .. } => None,
        }
    }

    /// Files that were fetched so far.
    pub(super) fn fetched(&self) -> u64 {
        self.fetched.load(Ordering::Relaxed)
    }

    pub(super) fn was_read(&self, path: &str) -> bool {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    /// How many readers are worth running at once.
    pub(super) fn readers(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        match self.place {
            Place::Folder(_) => processors,
            // Most of the time goes by waiting for the network.
            Place::Http { .. } => processors.max(4),
        }
    }

    /// A file of the log; `None` where the log says that there is none.
    pub(super) fn get(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Unreachable> {
        self.fetched.fetch_add(1, Ordering::Relaxed);
        match &self.place {
            Place::Folder(folder) => {
                self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
                read_file(&folder.join(path), limit)
            }
            Place::Http { base, agent } => fetch(agent, &format!("{base}/{path}"), limit),
        }
    }
}

fn read_file(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Unreachable> {
    let unreachable = |why: String| Unreachable { what: path.display().to_string(), why };
    match std::fs::metadata(path) {
        Ok(found) if found.len() > limit => Err(unreachable(format!("it is longer than {limit} bytes"))),
        Ok(_) => std::fs::read(path).map(Some).map_err(|error| unreachable(error.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreachable(error.to_string())),
    }
}

/// Fetches an address, and once more after each wait while it can't be reached.
pub(super) fn fetch(agent: &ureq::Agent, url: &str, limit: u64) -> Result<Option<Vec<u8>>, Unreachable> {
    let mut waits = WAITS.into_iter();
    loop {
        let why = match once(agent, url, limit) {
            Ok(answer) => return Ok(answer),
            Err(why) => why,
        };
        let Some(wait) = waits.next() else {
            return Err(Unreachable { what: url.to_owned(), why });
        };
        std::thread::sleep(wait);
    }
}

fn once(agent: &ureq::Agent, url: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
    let mut response = agent.get(url).call().map_err(|error| error.to_string())?;
    match response.status().as_u16() {
        200 => {
            let body = response.body_mut().with_config().limit(limit.saturating_add(1)).read_to_vec();
            body.map(Some).map_err(|error| error.to_string())
        }
        404 | 410 => Ok(None),
        status => Err(format!("it answers with status {status}")),
    }
}

/// `tile/<level>/<index>[.p/<width>]`; `level` is a number, or `entries` (C2SP tlog-tiles, Merkle Tree and Log Entries).
pub(super) fn tile_path(level: &str, index: u64, width: u64) -> String {
    let mut groups = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        groups = format!("x{:03}/{groups}", rest % 1000);
        rest /= 1000;
    }
    let partial = if width == 256 { String::new() } else { format!(".p/{width}") };
    format!("tile/{level}/{groups}{partial}")
}

/// Level, index and width of a tile's path, the other way round.
pub(super) fn parse_path(path: &str) -> Option<(&str, u64, u64)> {
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let (groups, width) = match rest.split_once(".p/") {
        Some((groups, width)) => (groups, width.parse().ok()?),
        None => (rest, 256),
    };
    let digits: String = groups.chars().filter(char::is_ascii_digit).collect();
    let index: u64 = digits.parse().ok()?;
    (tile_path(level, index, width) == path && (1..=256).contains(&width)).then_some((level, index, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(tile_path("0", 0, 256), "tile/0/000");
        assert_eq!(tile_path("entries", 1_234_067, 256), "tile/entries/x001/x234/067");
        assert_eq!(tile_path("1", 273, 5), "tile/1/273.p/5");
        assert_eq!(parse_path("tile/entries/x001/x234/067.p/8"), Some(("entries", 1_234_067, 8)));
        assert_eq!(parse_path("tile/0/1"), None);
    }
}
