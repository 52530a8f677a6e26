//! `adit export`: what leaves a ledger as files.

mod bundle;
mod tiles;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use clap::Subcommand;

/// Write what leaves a ledger: the public log into a folder, or an evidence bundle.
/// 导出公开日志或证据包。
///
/// Example: adit export tiles --data /srv/adit /srv/www/log
/// Example: adit export bundle --data /srv/adit --stream hazard/3k9f2m7q8r1t5v6w0x4yzabcde case.zip
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    #[command(about = "The public log as files for any web server / 公开日志")]
    Tiles(tiles::Args),
    #[command(about = "An evidence bundle that anybody can verify offline / 证据包")]
    Bundle(bundle::Args),
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match &args.what {
        What::Tiles(args) => tiles::run(args),
        What::Bundle(args) => bundle::run(args),
    }
}

/// Writes a file whole, and waits until its content is on disk.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let mut file = File::create(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().with_context(|| format!("couldn't write {}", path.display()))
}
