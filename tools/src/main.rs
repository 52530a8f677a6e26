//! `adit`: one command line for the whole ledger.

// First of all, because it brings `say!`.
#[macro_use]
mod output;
mod audit;
mod bench;
mod bundle;
mod demo;
mod escrow;
mod export;
mod failure;
mod import;
mod init;
mod key;
mod open;
#[cfg(feature = "pdf")]
mod poster;
mod project;
mod receipt;
mod rules;
mod search;
mod serve;
mod show;
mod verify;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 明硐 Adit: the ledger of major accident hazards and public reports.
///
/// Every hazard and every report is an append-only, signed stream of events. What was answered is on disk; nothing can be
/// changed afterwards without being found by `adit verify`.
///
/// Begin with `adit demo`: it plays published cases on a fresh ledger and shows what comes out.
/// 先运行 adit demo：在一本新台账上演示已公布的案例。
#[derive(Parser)]
#[command(
    name = "adit",
    version,
    about,
    long_about,
    after_help = "Exit codes / 退出码:\n  0  done; for verify and demo: everything holds / 完成，核验与演示全部通过\n  1  refused, or a fault was found; nothing half done is left / 被拒绝或发现问题\n  2  wrong usage / 用法有误\nadit audit has codes of its own, see adit audit --help / adit audit 的退出码另见其帮助"
)]
struct Cli {
    #[command(subcommand)]
    command: Action,
}

// `about` and not a doc comment, which would push aside the longer text of each command.
#[derive(Subcommand)]
enum Action {
    #[command(about = "Make a new ledger with its keys and two administrators / 开立台账")]
    Init(init::Args),
    #[command(about = "List keys; change the log's own / 密钥")]
    Key(key::Args),
    #[command(about = "Serve the API and the start page / 启动服务")]
    Serve(serve::Args),
    #[command(about = "Play the published cases on a fresh ledger, then serve it / 演示")]
    Demo(demo::Args),
    #[command(about = "Take over a bureau's own register (CSV, TSV, XLSX) / 导入台账")]
    Import(import::Args),
    #[command(about = "Check a ledger from its first entry, an evidence bundle, or a receipt / 核验")]
    Verify(verify::Args),
    #[command(about = "Follow a public log and check it from outside / 独立监测")]
    Audit(audit::Args),
    #[command(about = "Show the events of one stream / 查看事项")]
    Show(show::Args),
    #[command(about = "Print a read model, or write it as CSV or XLSX / 汇总表")]
    Project(project::Args),
    #[command(about = "Find words in Chinese or English / 全文检索")]
    Search(search::Args),
    #[command(about = "Ask a rule about facts in a JSON file; needs no ledger / 规则测算")]
    Rules(rules::Args),
    #[command(about = "Cosign checkpoints of other logs / 为其他日志作见证")]
    Witness(witness::Args),
    #[command(about = "Write the public log as files, or an evidence bundle / 导出")]
    Export(export::Args),
    #[command(about = "Make the escrow key in three shares, open with two / 托管密钥")]
    Escrow(escrow::Args),
    #[cfg(feature = "pdf")]
    #[command(about = "Make the board that hangs at every mine, as a PDF / 举报奖励公告牌")]
    Poster(poster::Args),
    #[command(about = "Measure on this machine / 性能测量")]
    Bench(bench::Args),
}

/// Where the ledger lies.
#[derive(clap::Args, Clone)]
struct DataDir {
    /// Folder of the ledger; keys lie beside it in DIR.keys, the lock in DIR.lock
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // 2 tells the monitor's callers that the log can't be reached.
        Err(error)
            if error.use_stderr() && std::env::args_os().nth(1).is_some_and(|name| name == "audit") =>
        {
            let _ = error.print();
            return ExitCode::from(audit::USAGE);
        }
        Err(error) => error.exit(),
    };
    let done = match cli.command {
        Action::Init(args) => init::run(&args),
        Action::Key(args) => key::run(&args),
        Action::Serve(args) => serve::run(&args),
        Action::Demo(args) => demo::run(&args),
        Action::Import(args) => import::run(&args),
        Action::Verify(args) => return verify::run(&args),
        Action::Audit(args) => return audit::run(&args),
        Action::Show(args) => show::run(&args),
        Action::Project(args) => project::run(&args),
        Action::Search(args) => search::run(&args),
        Action::Rules(args) => rules::run(&args),
        Action::Witness(args) => witness::run(args),
        Action::Export(args) => export::run(&args),
        Action::Escrow(args) => escrow::run(&args),
        #[cfg(feature = "pdf")]
        Action::Poster(args) => poster::run(&args),
        Action::Bench(args) => bench::run(&args),
    };
    match done {
        Ok(()) if output::lost() => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}
