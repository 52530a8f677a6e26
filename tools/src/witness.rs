//! `adit witness`

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_core::ledger::clock::SystemClock;
use adit_core::ledger::disk::RealDisk;
use adit_core::ledger::policy::{KnownLog, Policy};
use adit_core::ledger::vkey::is_name;
use adit_core::ledger::witness::keeper::{Keeper, create_key, read_key};
use anyhow::{Context, Result};
use serde_json::json;

use crate::failure::fail;
use crate::output::Refused;

/// Witness the logs of others: cosign each checkpoint that extends the one before, and keep contradictions as evidence.
/// 为其他台账的日志作见证：只为延续了此前内容的检查点签名，互相矛盾的检查点留作证据。
///
/// Once: adit witness init --name gongdao.example/witness --key witness.key --state /srv/witness
///
/// Example: adit witness --key witness.key --logs logs.policy --state /srv/witness --listen 127.0.0.1:8090
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Key file that `adit witness init` made
    #[arg(long, value_name = "FILE", required = true)]
    key: Option<PathBuf>,
    /// Logs to witness, one `log <vkey> [url]` in a line, as in a C2SP tlog-policy
    #[arg(long, value_name = "FILE", required = true)]
    logs: Option<PathBuf>,
    /// Folder of what was cosigned; never put back an older copy
    #[arg(long, value_name = "DIR", required = true)]
    state: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8090", env = "ADIT_WITNESS_LISTEN")]
    listen: String,
    /// Say the address and the key as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Action {
    #[command(about = "Make a witness's key and its empty memory; prints the vkey / 生成见证密钥与状态目录")]
    Init(Init),
}

/// Make a witness's key and its empty memory, and print the vkey that others write into their policies.
///
/// Example: adit witness init --name gongdao.example/witness --key witness.key --state /srv/witness
#[derive(clap::Args)]
struct Init {
    /// Name of the witness, like a URL without scheme
    #[arg(long)]
    name: String,
    /// Key file to make, readable by its owner alone
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Folder to make for what will be cosigned
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    match args {
        Args { action: Some(Action::Init(init)), .. } => make(&init),
        Args { key: Some(key), logs: Some(logs), state: Some(state), listen, json, .. } => {
            serve(&key, &logs, &state, &listen, json)
        }
        // The command line asks for all three; this is for readers of the types.
        Args { .. } => Err(fail("缺少 --key、--logs 或 --state", "--key, --logs and --state are needed")),
    }
}

fn make(args: &Init) -> Result<()> {
    if !is_name(&args.name) {
        return Err(fail(
            "见证方名称不能为空，不能含空白、加号或控制字符，且不超过255字节",
            "a witness's name is not empty, has no blank, no plus sign and no control character, and at most 255 bytes",
        ));
    }
    if args.state.join("witness").exists() {
        return Err(adit_core::ledger::witness::keeper::KeeperError::Made(args.state.clone()).into());
    }
    let key = create_key(&args.key, &args.name)?;
    Keeper::make(&RealDisk::default(), &args.state, key.vkey())?;
    if args.json {
        say!("{}", json!({ "vkey": key.vkey() }));
    } else {
        say!("见证方已就绪 / the witness is ready\n  vkey   {}", key.vkey());
        say!(
            "  key    {}   (备份到别处 / back up elsewhere)\n  state  {}",
            args.key.display(),
            args.state.display()
        );
    }
    Ok(())
}

/// The logs of a file of `log` lines.
fn logs_of(path: &Path) -> Result<Vec<KnownLog>> {
    let text = fs::read(path).with_context(|| format!("couldn't read {}", path.display()))?;
    let logs = Policy::parse_logs(&text).map_err(|error| Refused(error.refusal()))?;
    if logs.is_empty() {
        return Err(fail("文件中没有 log 行", format!("{} has no log line", path.display())));
    }
    Ok(logs)
}

/// A policy file.
pub(crate) fn policy_of(path: &Path) -> Result<Policy> {
    let text = fs::read(path).with_context(|| format!("couldn't read {}", path.display()))?;
    Ok(Policy::parse(&text).map_err(|error| Refused(error.refusal()))?)
}

fn serve(key: &Path, logs: &Path, state: &Path, listen: &str, json: bool) -> Result<()> {
    let (key, logs) = (read_key(key)?, logs_of(logs)?);
    let vkey = key.vkey().clone();
    let keeper = Keeper::open(Arc::new(RealDisk::default()), state, key, &logs, Arc::new(SystemClock))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .with_context(|| format!("couldn't listen on {listen}"))?;
        let address = format!("http://{}", listener.local_addr()?);
        if json {
            say!("{}", json!({ "listening": address, "vkey": vkey }));
        } else {
            say!("见证方 witness {address}\n  vkey  {vkey}\n按 Ctrl-C 停止 / Ctrl-C stops it");
        }
        adit_api::witness::serve(listener, keeper, crate::serve::stopped())
            .await
            .context("the server stopped")
    })
}
