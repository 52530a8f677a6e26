//! `adit verify`

use std::process::ExitCode;
use std::sync::Arc;

use adit_core::ledger::clock::SystemClock;
use adit_core::ledger::home::Home;
use adit_core::ledger::log::{Ledger, OpenError};
use adit_core::ledger::verify::{Verified, VerifyFault, verify};
use serde_json::{Value, json};

/// Check every group, entry, body, signature, key, grant, clock and index key. Exit code 0 only if all holds; else the
/// first fault is named (file, offset, position) and the exit code is 1. Nothing is changed.
/// 逐条核验全部内容；发现第一处问题即指出位置并以退出码1结束。
///
/// Example: adit verify --data /srv/adit --json
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: crate::DataDir,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    match check(args) {
        Ok(verified) => {
            if args.json {
                say!("{}", said(&verified));
            } else {
                tell(&verified);
            }
            ExitCode::SUCCESS
        }
        Err(fault) => {
            let (file, offset, position) = fault.place();
            if args.json {
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

fn check(args: &Args) -> Result<Verified, Fault> {
    let ledger = Ledger::open(&Home::beside(&args.data.data), Arc::new(SystemClock))?;
    let bar = crate::output::progress(ledger.size(), "核验 verify", args.json);
    let verified = verify(ledger.store(), &ledger.log_key().vkey(), |position| bar.set_position(position))?;
    bar.finish_and_clear();
    Ok(verified)
}
