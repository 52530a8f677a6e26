//! `adit export tiles`: the public log as files (C2SP tlog-tiles), for any web server or bucket.
//!
//! Tiles are written before the checkpoint that needs them, and each file appears whole or not at all: whoever reads the
//! folder meanwhile, or after a crash, finds an older state that is complete.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::log::Ledger;
use adit_core::ledger::tiles::added;
use anyhow::{Context, Result};
use serde_json::json;

use super::write;
use crate::failure::fail;

/// Write the published log into a folder: `checkpoint`, `tile/…`, `log.vkey`.
///
/// A folder that holds an earlier export of the same log gets what is new. One of another log, or one that says otherwise
/// than this ledger, is refused and left as it is.
/// 把已公布的日志写入目录，可由任何网页服务器提供；再次导出只写新增部分。
///
/// Example: adit export tiles --data /srv/adit /srv/www/log
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: crate::DataDir,
    /// Folder to write to; made if it is not there
    out: PathBuf,
    /// Publish the newest checkpoint first, without waiting for the next publication
    #[arg(long)]
    publish: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let ledger = crate::open::ledger(&args.data.data)?;
    if args.publish {
        ledger.publish_now();
    } else {
        ledger.publish_due();
    }
    let published = ledger.published();
    if published.note.is_empty() {
        return Err(fail("台账尚未公布任何内容", "the ledger has published nothing yet"));
    }
    let before = exported(&ledger, &args.out)?;
    let size = published.size();
    let (mut files, mut folders) = (0_u64, BTreeSet::new());
    let bar = crate::output::progress(added(before, size).count() as u64, "导出 export", args.json);
    for path in added(before, size) {
        let file = args.out.join(path.to_string());
        write(&file, &ledger.tile_bytes(&path)?)?;
        folders.extend(file.parent().map(Path::to_owned));
        files += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    for folder in folders {
        sync(&folder)?;
    }
    let keys: Vec<String> = ledger.log_keys_in_force().iter().map(ToString::to_string).collect();
    write(&args.out.join("log.vkey"), format!("{}\n", keys.join("\n")).as_bytes())?;
    sync(&args.out)?;
    // All that it covers is on disk under its name.
    write(&args.out.join("checkpoint"), &published.note)?;
    sync(&args.out)?;
    if args.json {
        say!("{}", json!({ "origin": ledger.origin(), "before": before, "size": size, "files": files }));
    } else {
        say!("已导出 / exported: {} entries, {files} new tiles, {}", size, args.out.display());
    }
    Ok(())
}

/// The size of the export that a folder holds, 0 for none. Refuses what this ledger could not have written.
fn exported(ledger: &Ledger, out: &Path) -> Result<u64> {
    let path = out.join("checkpoint");
    let note = match fs::read(&path) {
        Ok(note) => note,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // A folder of something else is not ours to write into; a first export that broke off left tiles alone.
            let mut others = fs::read_dir(out).into_iter().flatten().filter_map(Result::ok);
            let foreign =
                others.any(|entry| !["tile", "log.vkey"].iter().any(|ours| entry.file_name() == *ours));
            return if foreign {
                Err(fail(
                    "目录中有其他文件，不是日志的导出；请另选目录",
                    format!("{} holds files, but no export of a log; choose another folder", out.display()),
                ))
            } else {
                Ok(0)
            };
        }
        Err(error) => return Err(error).with_context(|| format!("couldn't read {}", path.display())),
    };
    let known = ledger.log_keys();
    let checkpoint = Checkpoint::verify_any(&note, &known).map_err(|_| {
        fail(
            "目录中是另一本日志的导出，未作任何改动；请另选目录",
            format!(
                "{} is not signed by this ledger's log key: the folder is of another log; choose another one",
                path.display()
            ),
        )
    })?;
    match ledger.root_at(checkpoint.size)? {
        Some(root) if root == checkpoint.root && checkpoint.size <= ledger.published().size() => {
            Ok(checkpoint.size)
        }
        Some(root) if root == checkpoint.root => Err(fail(
            "目录中的导出比已公布的更新，未作任何改动；请待下次公布后再导出，或加 --publish",
            "the folder holds more than is published; export after the next publication, or with --publish",
        )),
        Some(_) | None => Err(fail(
            "目录中的检查点由本台账密钥签署，却与本台账不符：曾签署两个不同的历史。未作任何改动，请保留两者作为证据",
            "the folder's checkpoint is signed by this ledger's key, but is not of this ledger's tree: two histories were \
             signed. Nothing was changed; keep both as evidence",
        )),
    }
}

/// Waits until the names in a folder are on disk.
fn sync(folder: &Path) -> Result<()> {
    let sync = || File::open(folder)?.sync_all();
    sync().with_context(|| format!("couldn't write {}", folder.display()))
}
