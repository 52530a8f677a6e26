//! Snapshots of the read models: encrypted files under `DIR/snapshots`, each named by the position at which it stands and the root of the
//! tree there. So one of another history, such as of a ledger that was restored from an older copy and went on otherwise, is
//! never taken for one of this.
//!
//! They can be thrown away: what is missing or damaged is folded again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use adit_core::ledger::log::Ledger;
use adit_core::ledger::vkey::hex;
use adit_core::units::Position;
use adit_projections::Projections;

const ENDING: &str = ".snapshot";

/// The snapshots of one ledger.
pub(crate) struct Snapshots<'a> {
    ledger: &'a Ledger,
    folder: PathBuf,
}

impl<'a> Snapshots<'a> {
    /// None for a ledger in memory.
    pub(crate) fn of(ledger: &'a Ledger) -> Option<Self> {
        Some(Self { ledger, folder: ledger.home()?.data.join("snapshots") })
    }

    /// What a snapshot at this position is called; nothing where the ledger is not so long.
    fn name(&self, at: Position) -> Option<String> {
        let root = self.ledger.root_at(at.0).ok().flatten()?;
        Some(format!("{:020}-{}{ENDING}", at.0, hex(&root[..8])))
    }

    /// Those of this history, the oldest first.
    fn all(&self) -> BTreeMap<Position, PathBuf> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut all = BTreeMap::new();
        for file in files {
            let name = file.file_name();
            let Some(name) = name.to_str() else { continue };
            let Some(at) = name.split('-').next().and_then(|at| at.parse().ok()).map(Position) else {
                continue;
            };
            if self.name(at).as_deref() == Some(name) {
                all.insert(at, file.path());
            }
        }
        all
    }

    pub(crate) fn has(&self, at: Position) -> bool {
        self.name(at).is_some_and(|name| self.folder.join(name).is_file())
    }

    /// Where the newest one up to `until` stands.
    pub(crate) fn newest_at(&self, until: Position) -> Option<Position> {
        self.all().range(..=until).next_back().map(|(at, _)| *at)
    }

    /// The newest one up to `until` that can be read.
    pub(crate) fn newest(&self, until: Position) -> Option<Projections> {
        self.all().range(..=until).rev().find_map(|(at, path)| self.read(*at, path))
    }

    /// One that can't be read is of no use to anybody, and is removed.
    fn read(&self, at: Position, path: &Path) -> Option<Projections> {
        let opened = self.ledger.unseal(fs::read(path).ok()?);
        let state =
            opened.and_then(|bytes| Projections::restore(&bytes).ok()).filter(|state| state.next() == at);
        if state.is_none() {
            // It is tried again, and left out again.
            let _ = fs::remove_file(path);
        }
        state
    }

    /// Writes one. A crash in between leaves none or a damaged one: both only cost a replay.
    pub(crate) fn write(&self, state: &Projections) -> io::Result<()> {
        let name = self
            .name(state.next())
            .ok_or_else(|| io::Error::other("the ledger is shorter than its read models"))?;
        let bytes = state.snapshot().map_err(io::Error::other)?;
        let sealed =
            self.ledger.seal(bytes).ok_or_else(|| io::Error::other("the snapshot can't be encrypted"))?;
        fs::create_dir_all(&self.folder)?;
        let fresh = self.folder.join("new");
        fs::write(&fresh, sealed)?;
        fs::rename(fresh, self.folder.join(name))
    }

    /// Removes all but the newest and those that stand where one is wanted; those of other histories go, too.
    pub(crate) fn keep(&self, wanted: &BTreeSet<Position>) {
        let all = self.all();
        let newest = all.last_key_value().map(|(at, _)| *at);
        let kept = all.into_iter().filter(|(at, _)| wanted.contains(at) || Some(*at) == newest);
        let kept: Vec<PathBuf> = kept.map(|(_, path)| path).collect();
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = file.path();
            let ours =
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(ENDING));
            if ours && !kept.contains(&path) {
                // It is tried again with the next one.
                let _ = fs::remove_file(path);
            }
        }
    }
}
