//! `adit verify`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use adit_core::ledger::clock::SystemClock;
use adit_core::ledger::home::Home;
use adit_core::ledger::log::{Ledger, OpenError};
use adit_core::ledger::verify::{Files, Verified, VerifyFault, files, verify};
use serde_json::{Value, json};

/// Exit code for wrong usage.
const USAGE: u8 = 2;

/// Check a ledger, an evidence bundle, or a receipt.
///
/// With --data: every group, entry, body, signature, key, grant, clock and index key, and the sealed files that entries name. Exit
/// code 0 only if all holds; else the first fault is named (file, offset, position) and the exit code is 1. Nothing is changed.
/// 逐条核验全部内容；发现第一处问题即指出位置并以退出码1结束。
///
/// With RECEIPT and --key: that the log with this key recorded the receipt's entry. It needs no ledger and no network.
/// 核验一份回执：只需日志公钥，不需台账和网络。
///
/// With BUNDLE.zip: everything in the bundle; the first fault is named with its file. Give --key: without it the log's key is
/// the bundle's own word. 核验证据包：逐项核验，指出第一处问题所在的文件；请用 --key 给出公钥，否则公钥只是证据包自己的说法。
///
/// Example: adit verify --data /srv/adit --json
/// Example: adit verify case.zip --key log.vkey
/// Example: adit verify 366.tlog-proof --key log.vkey --policy witnesses.policy
#[derive(clap::Args)]
pub(crate) struct Args {
    /// An evidence bundle (`.zip`), or a receipt (`<position>.tlog-proof`), for which `-` reads standard input
    #[arg(required_unless_present = "data", conflicts_with = "data", value_name = "BUNDLE|RECEIPT")]
    file: Option<PathBuf>,
    /// Folder of the ledger; keys lie beside it in DIR.keys, the lock in DIR.lock
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The log's key, as a vkey or a file that holds one in each line; of several, one that signed is enough
    #[arg(long, value_name = "VKEY", requires = "file")]
    key: Option<String>,
    /// Trust policy (C2SP tlog-policy): the checkpoint must have the cosignatures that it asks for
    #[arg(long, value_name = "FILE", requires = "file")]
    policy: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let (key, policy) = (args.key.as_deref(), args.policy.as_deref());
    match (&args.file, key) {
        (Some(file), _) if crate::bundle::is_bundle(file) => {
            return crate::bundle::run(file, key, policy, args.json);
        }
        (Some(receipt), Some(key)) => return crate::receipt::run(receipt, key, policy, args.json),
        (Some(_), None) => {
            eprintln!(
                "核验回执须用 --key 给出日志公钥\nadit: a receipt is verified against the log's key: give it with --key"
            );
            return ExitCode::from(USAGE);
        }
        (None, _) => {}
    }
    ledger(args.data.as_deref().unwrap_or(Path::new(".")), args.json)
}

fn ledger(data: &Path, as_json: bool) -> ExitCode {
    match check(data, as_json) {
        Ok((verified, files)) => {
            if as_json {
                let mut said = said(&verified);
                said["files"] = json!(files);
                say!("{said}");
            } else {
                tell(&verified);
                say!("  {} sealed files; {} of reports are gone", files.whole, files.gone);
            }
            ExitCode::SUCCESS
        }
        Err(fault) => {
            let (file, offset, position) = fault.place();
            if as_json {
                let fault = json!({ "error": fault.to_string(), "file": file, "offset": offset, "position": position });
                say!("{}", json!({ "ok": false, "fault": fault }));
            } else {
                eprintln!("核验不通过 / verification failed: {fault}");
            }
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn said(verified: &Verified) -> Value {
    json!({ "ok": true, "size": verified.size, "root": verified.root, "checked": verified.checked })
}

pub(crate) fn tell(verified: &Verified) {
    let checked = verified.checked;
    say!("核验通过 / all holds: {} entries, root {}", verified.size, verified.root);
    say!(
        "  {} groups, {} signatures, {} bodies, {} streams, {} index keys",
        checked.groups,
        checked.signatures,
        checked.bodies,
        checked.streams,
        checked.index_keys
    );
}

/// What stood in the way: the ledger could not be opened, or a check failed.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Verify(#[from] VerifyFault),
}

impl Fault {
    fn place(&self) -> (Option<String>, Option<u64>, Option<u64>) {
        match self {
            Self::Verify(fault) => fault.place(),
            Self::Open(OpenError::Store(error)) => adit_core::ledger::verify::place_of(error),
            Self::Open(_) => (None, None, None),
        }
    }
}

fn check(data: &Path, quiet: bool) -> Result<(Verified, Files), Fault> {
    let ledger = Ledger::open(&Home::beside(data), Arc::new(SystemClock))?;
    let bar = crate::output::progress(ledger.size(), "核验 verify", quiet);
    let verified = verify(ledger.store(), &ledger.log_key().vkey(), |position| bar.set_position(position))?;
    bar.finish_and_clear();
    Ok((verified, files(&ledger)?))
}
