//! Files of a folder that a pass had no need of, such as the partial tiles of earlier sizes: each must say the same as the
//! files that were verified.

use std::fs;
use std::path::{Path, PathBuf};

use adit_core::ledger::merkle::{Hash, leaf_hash};

use super::pass::split;
use super::source::{BUNDLE_BYTES_MAX, Source, TILE_BYTES_MAX, Unreachable, parse_path, tile_path};
use super::state::Violation;
use super::tree::{Tree, WIDTH, perfect_root};
use super::words::Code;

/// Compares every file below `tile/` that was not read yet with the verified tree.
pub(super) fn check(source: &Source, tree: &Tree) -> Result<Vec<Violation>, Unreachable> {
    let Some(folder) = source.folder() else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    list(&folder.join("tile"), &mut files);
    let mut faults = Vec::new();
    for path in files {
        let Some(name) = path.strip_prefix(folder).ok().and_then(Path::to_str) else { continue };
        let name = name.replace('\\', "/");
        let Some((level, index, width)) = parse_path(&name).filter(|_| !source.was_read(&name)) else {
            continue;
        };
        if let Some(fits) = fits(source, tree, &name, level, index, width)?
            && !fits
        {
            let code = if level == "entries" { Code::Bundle } else { Code::Tile };
            faults.push(Violation::new(code, "a file beside the newest ones").in_file(name));
        }
    }
    Ok(faults)
}

fn list(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            list(&path, found);
        } else {
            found.push(path);
        }
    }
    found.sort();
}

/// Whether a file says what the tree says; `None` for one beyond the verified size.
fn fits(
    source: &Source,
    tree: &Tree,
    name: &str,
    level: &str,
    index: u64,
    width: u64,
) -> Result<Option<bool>, Unreachable> {
    let bytes = source.get(name, BUNDLE_BYTES_MAX)?.unwrap_or_default();
    let count = usize::try_from(width).unwrap_or(WIDTH);
    let served: Option<Vec<Hash>> = match level {
        "entries" => split(&bytes, count).map(|entries| entries.into_iter().map(leaf_hash).collect()),
        _ => super::check::hashes(&bytes, count),
    };
    let ours = match level.parse::<usize>() {
        Ok(level) if level > 0 => Some(tree.tile(level, index).to_vec()),
        Ok(_) | Err(_) => leaves(source, tree, index)?,
    };
    let Some(ours) = ours.filter(|ours| ours.len() >= count) else { return Ok(None) };
    Ok(Some(served.is_some_and(|served| served == ours[..count])))
}

/// The verified leaves of a tile.
fn leaves(source: &Source, tree: &Tree, index: u64) -> Result<Option<Vec<Hash>>, Unreachable> {
    let Some(over) = tree.over_tile(index) else {
        let last = index * WIDTH as u64 + tree.edge().len() as u64 == tree.size();
        return Ok(last.then(|| tree.edge().to_vec()));
    };
    let bytes = source.get(&tile_path("0", index, WIDTH as u64), TILE_BYTES_MAX)?.unwrap_or_default();
    Ok(super::check::hashes(&bytes, WIDTH).filter(|leaves| perfect_root(leaves) == *over))
}
