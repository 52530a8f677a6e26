//! `adit export`: what leaves a ledger as files.

mod tiles;

use anyhow::Result;
use clap::Subcommand;

/// Write what a ledger publishes into a folder.
/// 导出台账的公开内容。
///
/// Example: adit export tiles --data /srv/adit /srv/www/log
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    #[command(about = "The public log as files for any web server / 公开日志")]
    Tiles(tiles::Args),
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.what {
        What::Tiles(args) => tiles::run(args),
    }
}
