//! `adit audit`: the monitor, which follows a public log and needs nothing but public data.
//!
//! It shares the parsers of the public formats with the ledger (notes, vkeys, entries, checkpoints, leaf and node hashes, the
//! published tables) and nothing of what writes it: keys, grants, order, deadlines and the tree are kept here a second time.

mod alarm;
mod check;
mod deadlines;
mod keys;
mod pass;
mod report;
mod serve;
mod signatures;
mod source;
mod state;
mod strays;
mod tree;
mod witness;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use adit_core::ledger::clock::{Clock, SystemClock};
use adit_core::ledger::vkey::VKey;
use adit_core::units::Day;

use keys::Keys;
use pass::Passed;
use report::{Checked, Report};
use serve::{Board, Status};
use source::{NOTE_BYTES_MAX, Source, Unreachable};
use state::{State, StateError, Violation, number};
use witness::Witness;
use words::Code;

/// Exit code for an unreachable log.
const UNREACHABLE: u8 = 2;
/// Exit code for wrong usage, as in `sysexits.h`; 2 is taken.
pub(crate) const USAGE: u8 = 64;
/// Exit code for a state file that can't be read or written.
const STATE: u8 = 74;
/// Seconds between two rounds where a page is served and `--follow` is not given.
const FOLLOW_SECONDS: u64 = 60;

/// Follow a public log and check everything that can be checked from outside: checkpoint, tree, every entry's form and
/// signatures, keys and grants, order of steps, deadlines. With --state a later run reads only what is new.
/// 独立监测公开台账：检查点、签名、权限、次序和每一个法定期限；只需公开数据。
///
/// Exit codes / 退出码:
///   0   all holds, and no deadline of the office or an enterprise stands missed / 一切相符，无逾期
///   1   a violation was found, or a deadline passed without its stop / 发现违规或逾期
///   2   the log can't be reached / 无法访问台账
///   64  wrong usage / 用法有误
///   74  the state file can't be used / 状态文件无法使用
///
/// Examples:
///   adit audit https://ledger.example/log --key "ledger.example/log+1a2b3c4d+…" --state log.state
///   adit audit ./public --json
///   adit audit https://ledger.example/log --key … --state log.state --follow 600 --serve 0.0.0.0:8090 --webhook https://…
#[allow(rustdoc::bare_urls, reason = "the help on the command line is this text, as it stands")]
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Where the log is: http(s) address that `/checkpoint` stands under, or a folder
    #[arg(value_name = "URL|DIR")]
    log: String,
    /// A vkey of the log, old or new, or a file that holds one in each line; may be given several times. Else the state's, else
    /// `log.vkey` beside the checkpoint is believed at first use
    #[arg(long, value_name = "VKEY|FILE")]
    key: Vec<String>,
    /// What the monitor remembers; without it everything is checked from the first entry
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The day that deadlines are judged by, instead of today in Asia/Shanghai
    #[arg(long, value_name = "YYYY-MM-DD")]
    today: Option<Day>,
    /// Print one JSON object; with --follow one a line
    #[arg(long)]
    json: bool,
    /// Go on, and look again after so many seconds
    #[arg(long, value_name = "SECONDS")]
    follow: Option<u64>,
    /// Serve a public page and /status.json here; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    serve: Option<String>,
    /// Post each new violation and missed deadline here, as JSON, until it is taken with a status 2xx
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Monitoring prefix of a witness to compare with; may be given several times
    #[arg(long, value_name = "URL")]
    witness: Vec<String>,
    /// Key of each --witness, in the same order
    #[arg(long, value_name = "VKEY")]
    witness_key: Vec<String>,
}

/// Why a round said nothing.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("{en}")]
    Usage { zh: &'static str, en: String },
}

impl Fault {
    fn usage(zh: &'static str, en: impl Into<String>) -> Self {
        Self::Usage { zh, en: en.into() }
    }

    fn code(&self) -> ExitCode {
        match self {
            Self::Unreachable(_) => ExitCode::from(UNREACHABLE),
            Self::Usage { .. } | Self::State(StateError::OtherLog(_)) => ExitCode::from(USAGE),
            Self::State(_) => ExitCode::from(STATE),
        }
    }

    fn zh(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "无法访问台账",
            Self::State(StateError::OtherLog(_)) => "状态文件属于另一台账或另一密钥",
            Self::State(_) => "状态文件无法使用",
            Self::Usage { zh, .. } => zh,
        }
    }
}

struct Monitor {
    source: Source,
    /// Keys of the log that were given, or else remembered or believed.
    trusted: Vec<VKey>,
    first_use: bool,
    state: State,
    file: Option<PathBuf>,
    today: Option<Day>,
    webhook: Option<String>,
    witnesses: Vec<Witness>,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    match Monitor::new(args).and_then(|mut monitor| follow(&mut monitor, args)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            if args.json {
                say!("{}", serde_json::json!({ "ok": false, "error": fault.to_string() }));
            }
            eprintln!("{}\nadit audit: {fault}", fault.zh());
            fault.code()
        }
    }
}

/// Rounds, until one is enough; whether all holds.
fn follow(monitor: &mut Monitor, args: &Args) -> Result<bool, Fault> {
    let board = Board::default();
    let served = args.serve.as_ref().map(|listen| serve::start(listen, &board)).transpose();
    // Dropped at the end, and with it the server.
    let served = served.map_err(|error| Fault::usage("无法监听该地址", format!("{error:#}")))?;
    if let Some((_, address)) = &served {
        if args.json {
            say!("{}", serde_json::json!({ "listening": address }));
        } else {
            say!("监测页面 / page: {address}");
        }
    }
    let seconds = args.follow.or_else(|| served.is_some().then_some(FOLLOW_SECONDS));
    let mut told = None;
    loop {
        let round = monitor.round();
        let now = SystemClock.now();
        let before = told.clone();
        match (&round, seconds) {
            (Ok(report), _) => told = Some(Arc::new(report.clone())),
            (Err(Fault::Unreachable(fault)), Some(_)) => eprintln!("无法访问台账 / {fault}"),
            (Err(_), _) => return round.map(|report| report.ok),
        }
        let unreachable = round.as_ref().err().map(ToString::to_string);
        serve::show(&board, Status { report: told.clone(), asked_at: now, unreachable });
        if let Ok(report) = &round
            && before.is_none_or(|before| news(&before, report))
        {
            tell(report, args.json);
        }
        let Some(seconds) = seconds else { return round.map(|report| report.ok) };
        std::thread::sleep(Duration::from_secs(seconds.max(1)));
    }
}

/// Whether a round says something that the one before did not.
fn news(before: &Report, now: &Report) -> bool {
    let counts =
        |report: &Report| (report.size, report.violations.len(), report.deadlines.missed.len(), report.ok);
    counts(before) != counts(now)
}

fn tell(report: &Report, json: bool) {
    if json {
        say!("{}", serde_json::json!(report));
    } else {
        report.print();
    }
}

fn parse_key(text: &str) -> Result<VKey, Fault> {
    text.trim().parse().map_err(|error: adit_core::units::ParseUnitError| {
        Fault::usage("公钥格式不正确，应为 名称+8位十六进制+base64", error.to_string())
    })
}

impl Monitor {
    fn new(args: &Args) -> Result<Self, Fault> {
        let source = Source::new(&args.log);
        let kept = args.state.as_deref().map(State::read).transpose()?.flatten();
        let read = |key: &String| crate::open::vkeys(key).map_or_else(|| Ok(vec![parse_key(key)?]), Ok);
        let given = args.key.iter().map(read).collect::<Result<Vec<Vec<VKey>>, Fault>>()?.concat();
        let (trusted, first_use) = match &kept {
            Some(state) if given.iter().any(|key| key.name() != state.origin) => {
                return Err(StateError::OtherLog(state.origin.clone()).into());
            }
            Some(state) if given.is_empty() => (state.trusted(), state.first_use),
            None if given.is_empty() => (found_keys(&source)?, true),
            Some(_) | None => (given, false),
        };
        if trusted.iter().any(|key| trusted.first().map(VKey::name) != Some(key.name())) {
            return Err(Fault::usage(
                "各 --key 不属于同一台账",
                "the keys that were given are of different logs",
            ));
        }
        let keys = args.witness_key.iter().map(|key| parse_key(key)).collect::<Result<Vec<_>, _>>()?;
        if keys.len() != args.witness.len() {
            return Err(Fault::usage(
                "每个 --witness 须有一个 --witness-key",
                "each --witness needs its --witness-key",
            ));
        }
        let witnesses =
            args.witness.iter().cloned().zip(keys).map(|(url, key)| Witness { url, key }).collect();
        let mut monitor = Self {
            source,
            trusted,
            first_use,
            state: State::default(),
            file: args.state.clone(),
            today: args.today,
            webhook: args.webhook.clone(),
            witnesses,
        };
        monitor.state = kept.unwrap_or_else(|| monitor.fresh());
        Ok(monitor)
    }

    fn fresh(&self) -> State {
        let origin = self.trusted.first().map(|key| key.name().to_owned()).unwrap_or_default();
        State {
            keys: Keys::of_log(&origin),
            origin,
            trusted: self.trusted.iter().map(ToString::to_string).collect(),
            first_use: self.first_use,
            latest: i32::MIN / 2,
            ..State::default()
        }
    }

    /// Drops what a pass took over in vain; what it found is kept.
    fn reload(&mut self) -> Result<(), StateError> {
        let kept = self.file.as_deref().map(State::read).transpose()?.flatten();
        let fresh = kept.unwrap_or_else(|| self.fresh());
        let spoiled = std::mem::replace(&mut self.state, fresh);
        self.state.sent.extend(spoiled.sent);
        self.keep(spoiled.violations);
        Ok(())
    }

    fn keep(&mut self, violations: Vec<Violation>) {
        for violation in violations {
            self.state.violation(violation);
        }
    }

    fn today(&self) -> Day {
        self.today.unwrap_or_else(|| SystemClock.now().day())
    }

    /// One look at the log.
    fn round(&mut self) -> Result<Report, Fault> {
        let today = self.today();
        let (from, fetched) = (self.state.tree.size(), self.source.fetched());
        let before = self.state.marks();
        match pass::pass(&self.source, &mut self.state, number(today)) {
            Err(unreachable) => {
                self.reload()?;
                return Err(unreachable.into());
            }
            Ok(Passed::Verified) => {
                if !self.trusted.iter().any(|key| self.state.knows(key)) {
                    return Err(StateError::OtherLog(self.state.origin.clone()).into());
                }
                if from == 0 {
                    self.key_file()?;
                    self.keep(strays::check(&self.source, &self.state.tree)?);
                }
            }
            Ok(Passed::Refused(violations)) => self.keep(violations),
            Ok(Passed::Spoiled(violations)) => {
                self.reload()?;
                self.keep(violations);
            }
        }
        let witnessed = witness::ask(&self.source, &mut self.state, &self.witnesses);
        for violation in self.state.violations.iter_mut().filter(|one| one.found.is_empty()) {
            violation.found = today.to_string();
        }
        let checked = Checked { from, fetched: self.source.fetched() - fetched, ..Checked::default() };
        let report = Report::new(&self.state, today, checked, witnessed);
        // What was found is kept before anybody is told: a crash then tells it again, and never not at all.
        if before != self.state.marks() {
            self.save()?;
        }
        if let Some(url) = &self.webhook {
            let (before, failed) = (self.state.marks(), alarm::send(url, &mut self.state, &report));
            if before != self.state.marks() {
                self.save()?;
            }
            if failed > 0 {
                eprintln!(
                    "{failed} 项警报未送达，将重试 / {failed} alarms were not taken and are sent again"
                );
            }
        }
        Ok(report)
    }

    fn save(&self) -> Result<(), StateError> {
        self.file.as_deref().map_or(Ok(()), |file| self.state.write(file))
    }

    /// A key file beside a folder's log holds nothing but keys of this log, or somebody will believe another.
    fn key_file(&mut self) -> Result<(), Fault> {
        if self.first_use || self.source.folder().is_none() {
            return Ok(());
        }
        let Some(found) = self.source.get("log.vkey", NOTE_BYTES_MAX)? else { return Ok(()) };
        if !keys_of(&found).is_some_and(|keys| keys.iter().all(|key| self.state.knows(key))) {
            self.state.violation(Violation::new(Code::KeyFile, "").in_file("log.vkey"));
        }
        Ok(())
    }
}

/// One vkey in each line; `None` for anything else.
fn keys_of(file: &[u8]) -> Option<Vec<VKey>> {
    let lines = std::str::from_utf8(file).ok()?.split_whitespace();
    let keys: Vec<VKey> = lines.map(|line| line.parse().ok()).collect::<Option<_>>()?;
    (!keys.is_empty()).then_some(keys)
}

fn found_keys(source: &Source) -> Result<Vec<VKey>, Fault> {
    let missing = || {
        Fault::usage(
            "请用 --key 给出台账公钥",
            "give the log's key with --key: there is no log.vkey beside the log",
        )
    };
    let found = source.get("log.vkey", NOTE_BYTES_MAX)?.ok_or_else(missing)?;
    keys_of(&found).map_or_else(|| Ok(vec![parse_key(&String::from_utf8_lossy(&found))?]), Ok)
}
