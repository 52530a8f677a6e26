//! Evidence of two histories: checkpoints that this log's key signed, but whose tree is not this one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::ledger::home::make_private_folder;
use crate::ledger::vkey::hex;

/// Most checkpoints that are kept; one is enough to prove it.
const KEPT_MAX: usize = 256;

/// Keeps a checkpoint note in `<data>/alarms/<SHA-256 of the note>.checkpoint`, and nothing else. The same note is kept
/// once; gives back where.
pub fn keep(data: &Path, note: &[u8]) -> io::Result<PathBuf> {
    let folder = data.join("alarms");
    make_private_folder(&folder).map_err(io::Error::other)?;
    let path = folder.join(format!("{}.checkpoint", hex(&Sha256::digest(note))));
    if path.exists() || fs::read_dir(&folder)?.count() >= KEPT_MAX {
        return Ok(path);
    }
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
    file.write_all(note)?;
    file.sync_all()?;
    fs::File::open(&folder)?.sync_all()?;
    Ok(path)
}
