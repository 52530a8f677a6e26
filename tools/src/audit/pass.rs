//! One pass: the checkpoint, everything between the last verified size and the new one, and whose fault it is where the
//! served files do not fit the signed root.
//!
//! Readers fetch bundles and tiles ahead and parse them; this thread takes them in order; checkers verify signatures.

use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::entry::SignedEntry;
use adit_core::ledger::merkle::{Hash, leaf_hash};
use adit_core::ledger::note::{Note, NoteError};

use super::check::{Judge, hashes};
use super::signatures::{Bad, Checker};
use super::source::{BUNDLE_BYTES_MAX, NOTE_BYTES_MAX, Source, TILE_BYTES_MAX, Unreachable, tile_path};
use super::state::{State, Violation};
use super::tree::{Tree, WIDTH};
use super::words::Code;

/// Chunks that a reader may be ahead.
const AHEAD: usize = 4;

/// What became of a pass.
#[derive(Debug)]
pub(super) enum Passed {
    /// The state stands at the checkpoint that was read.
    Verified,
    /// The checkpoint is not to be believed; the state stands where it stood.
    Refused(Vec<Violation>),
    /// The files do not lead to the checkpoint. What the state took over since its last one must be dropped.
    Spoiled(Vec<Violation>),
}

/// One bundle with its tile of leaf hashes, as they were served.
struct Chunk {
    index: u64,
    width: usize,
    /// Leaf hashes of the served entries, with each entry as far as it is one; `None` when the bundle can't be taken apart.
    entries: Option<Vec<(Hash, Option<SignedEntry>)>>,
    /// The served tile of hashes.
    tile: Option<Vec<Hash>>,
    faults: Vec<Violation>,
}

/// A bundle and a tile that contradict each other.
struct Suspect {
    index: u64,
    /// First position at which they differ.
    position: u64,
    width: usize,
    tile: Vec<Hash>,
}

/// Reads the checkpoint and everything that is new.
pub(super) fn pass(source: &Source, state: &mut State, today: i32) -> Result<Passed, Unreachable> {
    let note = source.get("checkpoint", NOTE_BYTES_MAX)?;
    let note = note.ok_or_else(|| Unreachable::new("checkpoint", "there is none"))?;
    let (checkpoint, vouched) = match read_checkpoint(&note, state) {
        Ok(read) => read,
        Err(violation) => return Ok(Passed::Refused(vec![*violation])),
    };
    if let Some(violation) = contradicts(state, &checkpoint, &note) {
        return Ok(Passed::Refused(vec![violation]));
    }
    if checkpoint.size == state.tree.size() {
        state.checkpoint = note;
        return Ok(Passed::Verified);
    }
    let refused = take(source, state, today, &checkpoint, &note)?;
    if refused.iter().any(|fault| fault.code == Code::Missing) && changed(source, &note)? {
        return Err(Unreachable::new("the log", "it was replaced while it was being read"));
    }
    // By now the entries have told which keys the log has. Nobody is accused by a checkpoint that the log did not sign.
    if let Err(violation) = check_signed(&note, &checkpoint, state)
        && (refused.is_empty() || !vouched)
    {
        return Ok(Passed::Spoiled(vec![*violation]));
    }
    if !refused.is_empty() {
        return Ok(Passed::Spoiled(refused));
    }
    state.checkpoint = note;
    Ok(Passed::Verified)
}

/// Whether the log has another checkpoint by now; partial tiles of the earlier one may be gone then.
fn changed(source: &Source, note: &[u8]) -> Result<bool, Unreachable> {
    Ok(source.get("checkpoint", NOTE_BYTES_MAX)?.is_some_and(|newer| newer != note))
}

fn checkpoint_fault(code: Code, note: &[u8], detail: impl Into<String>) -> Box<Violation> {
    let mut violation = Violation::new(code, detail).in_file("checkpoint");
    violation.evidence = vec![String::from_utf8_lossy(note).into_owned()];
    Box::new(violation)
}

/// The checkpoint, and whether a key signed it that is known to hold there. Where none did, and there are new entries, these may
/// tell of a key that took over.
fn read_checkpoint(note: &[u8], state: &State) -> Result<(Checkpoint, bool), Box<Violation>> {
    let fault = |code, detail: &str| checkpoint_fault(code, note, detail);
    let (checkpoint, parsed) =
        Checkpoint::parse(note).map_err(|error| fault(Code::CheckpointForm, &error.to_string()))?;
    let known = [state.keys.of_the_log(), state.trusted()].concat();
    let news = checkpoint.size > state.tree.size();
    let stranger = parsed
        .signatures
        .iter()
        .any(|line| line.name == state.origin && !known.iter().any(|key| line.is_by(key)));
    match parsed.verify(&known) {
        Ok(_) if checkpoint.origin != state.origin => Err(fault(Code::CheckpointOrigin, &checkpoint.origin)),
        Ok(_) if news && stranger => {
            let vouched = parsed.verify(&state.log_keys_at(checkpoint.size)).is_ok();
            Ok((checkpoint, vouched))
        }
        Ok(_) => check_signed(note, &checkpoint, state).map(|()| (checkpoint, true)),
        Err(NoteError::UnknownKeys) if news && stranger && checkpoint.origin == state.origin => {
            Ok((checkpoint, false))
        }
        Err(_) => Err(fault(Code::CheckpointSignature, &checkpoint.origin)),
    }
}

/// A key of the log signed that holds at the checkpoint's last entry; and one of those that the monitor was given is the log's.
fn check_signed(note: &[u8], checkpoint: &Checkpoint, state: &State) -> Result<(), Box<Violation>> {
    let fault = |code, detail: &str| checkpoint_fault(code, note, detail);
    let (of_log, trusted) = (state.keys.of_the_log(), state.trusted());
    let parsed = Note::parse(note).map_err(|error| fault(Code::CheckpointForm, &error.to_string()))?;
    if !of_log.is_empty() && !trusted.iter().any(|key| of_log.contains(key)) {
        return Err(fault(Code::CheckpointSignature, "none of the keys that were given is one of this log"));
    }
    if parsed.verify(&state.log_keys_at(checkpoint.size)).is_ok() {
        return Ok(());
    }
    let once = parsed.verify(&of_log).is_ok();
    let code = if once { Code::CheckpointKeyEnded } else { Code::CheckpointSignature };
    Err(fault(code, &checkpoint.origin))
}

/// Smaller than before, or another root at the same size. Both signed notes are the proof.
fn contradicts(state: &State, new: &Checkpoint, note: &[u8]) -> Option<Violation> {
    let size = state.tree.size();
    if new.size > size || new.size == size && new.root == state.tree.root() {
        return None;
    }
    let code = if new.size < size {
        Code::Rollback
    } else if state.checkpoint.is_empty() {
        Code::Root
    } else {
        Code::Fork
    };
    Some(both(code, format!("size {} after {size}", new.size), state, note))
}

fn both(code: Code, detail: String, state: &State, note: &[u8]) -> Violation {
    let mut violation = Violation::new(code, detail).in_file("checkpoint");
    let notes = [&state.checkpoint[..], note].into_iter().filter(|note| !note.is_empty());
    violation.evidence = notes.map(|note| String::from_utf8_lossy(note).into_owned()).collect();
    violation
}

/// Takes everything up to the checkpoint into the state; what is given back says why it must be dropped again.
fn take(
    source: &Source,
    state: &mut State,
    today: i32,
    checkpoint: &Checkpoint,
    note: &[u8],
) -> Result<Vec<Violation>, Unreachable> {
    let before = state.tree.size();
    let (bad, mut found) = (Bad::default(), Found::default());
    let done = std::thread::scope(|scope| {
        let checker = Checker::start(scope, &bad);
        let mut judge = Judge::new(&mut *state, source, checker, today);
        let chunks = read_ahead(scope, source, before, checkpoint.size);
        for number in 0.. {
            let Some(chunk) = chunks.get(number % chunks.len()).and_then(|one: &Receiver<_>| one.recv().ok())
            else {
                break;
            };
            found.take(&mut judge, chunk?)?;
        }
        let taken = judge.signatures.taken;
        drop(judge);
        Ok::<_, Unreachable>(taken)
    })?;
    state.counts.signatures += done;
    for position in bad.into_inner().unwrap_or_else(PoisonError::into_inner) {
        state.violation(Violation::new(Code::Signature, "").at(position));
    }
    let uppers = check_uppers(source, &state.tree, before)?;
    Ok(found.blame(state, checkpoint, note, before, uppers))
}

/// Readers that fetch and parse, each every n-th chunk; going round gives the chunks in order.
fn read_ahead<'s, 'e: 's>(
    scope: &'s Scope<'s, 'e>,
    source: &'e Source,
    from: u64,
    size: u64,
) -> Vec<Receiver<Result<Chunk, Unreachable>>> {
    let (first, end) = (from / WIDTH as u64, size.div_ceil(WIDTH as u64));
    let readers = source.readers() as u64;
    let reader = |number: u64| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            let step = usize::try_from(readers).unwrap_or(1);
            for index in (first + number..end).step_by(step) {
                let width = (size - index * WIDTH as u64).min(WIDTH as u64);
                let known = from.saturating_sub(index * WIDTH as u64);
                let chunk = read(source, index, width, usize::try_from(known).unwrap_or(0));
                if sender.send(chunk).is_err() {
                    return;
                }
            }
        });
        receiver
    };
    (0..readers.min((end - first).max(1))).map(reader).collect()
}

/// A partial tile may be gone once the full one is there (C2SP tlog-tiles, Partial Tiles).
fn get_tile(
    source: &Source,
    level: &str,
    index: u64,
    width: u64,
    limit: u64,
) -> Result<Option<Vec<u8>>, Unreachable> {
    let found = source.get(&tile_path(level, index, width), limit)?;
    if found.is_some() || width == WIDTH as u64 {
        return Ok(found);
    }
    source.get(&tile_path(level, index, WIDTH as u64), limit)
}

fn read(source: &Source, index: u64, width: u64, known: usize) -> Result<Chunk, Unreachable> {
    let bundle = get_tile(source, "entries", index, width, BUNDLE_BYTES_MAX)?;
    let tile = get_tile(source, "0", index, width, TILE_BYTES_MAX)?;
    let count = usize::try_from(width).unwrap_or(WIDTH);
    let mut faults = Vec::new();
    let mut fault = |code, level, detail: &str| {
        faults.push(
            Violation::new(code, detail).in_file(tile_path(level, index, width)).at(index * WIDTH as u64),
        );
    };
    let entries = match &bundle {
        None => {
            fault(Code::Missing, "entries", "");
            None
        }
        Some(bytes) => {
            let split = split(bytes, count);
            if split.is_none() {
                fault(Code::Bundle, "entries", "it does not hold the entries that it should");
            }
            split
        }
    };
    let tile = match &tile {
        None => {
            fault(Code::Missing, "0", "");
            None
        }
        Some(bytes) => {
            let found =
                hashes(bytes, count).or_else(|| hashes(bytes, WIDTH).map(|all| all[..count].to_vec()));
            if found.is_none() {
                fault(Code::Tile, "0", "it does not hold the hashes that it should");
            }
            found
        }
    };
    let parse = |(number, entry): (usize, &[u8])| {
        // Entries that were judged before are needed as hashes only.
        let parsed = if number < known { None } else { SignedEntry::parse(entry).ok() };
        (leaf_hash(entry), parsed)
    };
    let entries = entries.map(|entries| entries.into_iter().enumerate().map(parse).collect());
    Ok(Chunk { index, width: count, entries, tile, faults })
}

/// Entries of a bundle, each after its length in two bytes (C2SP tlog-tiles, Log Entries). A full bundle in place of a
/// partial one may hold more.
pub(super) fn split(bytes: &[u8], count: usize) -> Option<Vec<&[u8]>> {
    let (mut rest, mut entries) = (bytes, Vec::with_capacity(count));
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        rest = after;
    }
    let fits = rest.is_empty() && (entries.len() == count || entries.len() == WIDTH);
    entries.truncate(count);
    fits.then_some(entries)
}

/// What a pass found out about files.
#[derive(Default)]
struct Found {
    faults: Vec<Violation>,
    suspects: Vec<Suspect>,
    /// An entry can't be judged because its bundle is damaged; those after it are only hashed.
    damaged: bool,
    /// Neither entries nor hashes of some place could be had.
    hole: bool,
}

impl Found {
    fn take(&mut self, judge: &mut Judge<'_>, chunk: Chunk) -> Result<(), Unreachable> {
        let first = chunk.index * WIDTH as u64;
        let known = usize::try_from(judge.state.tree.size().saturating_sub(first)).unwrap_or(0);
        self.faults.extend(chunk.faults);
        let Some(entries) = chunk.entries else {
            self.damaged = true;
            match chunk.tile {
                Some(tile) => tile[known..].iter().for_each(|leaf| judge.state.tree.push(*leaf)),
                None => self.hole = true,
            }
            return Ok(());
        };
        // Without the tile nothing says yet that these are the entries that were signed.
        self.damaged |= chunk.tile.is_none();
        if let Some(tile) = chunk.tile {
            let differ = |at: &usize| entries[*at].0 != tile[*at];
            // What was verified before needs no root to decide.
            if let Some(at) = (0..known).find(differ) {
                self.damaged = true;
                let served = judge.state.tree.edge().get(at) == Some(&entries[at].0);
                let (code, level) = if served { (Code::Tile, "0") } else { (Code::Bundle, "entries") };
                let place = tile_path(level, chunk.index, chunk.width as u64);
                self.faults.push(Violation::new(code, "").in_file(place).at(first + at as u64));
            }
            if let Some(at) = (known..chunk.width).find(differ) {
                self.damaged = true;
                let position = first + at as u64;
                self.suspects.push(Suspect { index: chunk.index, position, width: chunk.width, tile });
            }
        }
        let leaves: Vec<Hash> = entries.iter().map(|(leaf, _)| *leaf).collect();
        for (position, (leaf, parsed)) in (first..).zip(entries).skip(known) {
            if !self.damaged {
                match parsed {
                    Some(signed) => judge.entry(position, &signed)?,
                    None => judge.state.violation(Violation::new(Code::EntryForm, "").at(position)),
                }
            }
            judge.state.tree.push(leaf);
        }
        if chunk.width == WIDTH {
            judge.keep_tile(chunk.index, leaves);
        }
        Ok(())
    }

    /// Whose fault it is: the signed root decides between the entries and the hashes that were served for them.
    fn blame(
        mut self,
        state: &mut State,
        checkpoint: &Checkpoint,
        note: &[u8],
        before: u64,
        uppers: Vec<Violation>,
    ) -> Vec<Violation> {
        let fits = |tree: &Tree| tree.size() == checkpoint.size && tree.root() == checkpoint.root;
        let name = |suspect: &Suspect, level: &str| tile_path(level, suspect.index, suspect.width as u64);
        if !self.hole && fits(&state.tree) {
            // The entries are the signed ones: hashes that say otherwise are damaged.
            self.faults.extend(self.suspects.iter().map(|suspect| {
                Violation::new(Code::Tile, "").in_file(name(suspect, "0")).at(suspect.position)
            }));
            self.faults.extend(uppers);
            if self.damaged {
                return self.faults;
            }
            for fault in self.faults {
                state.violation(fault);
            }
            return Vec::new();
        }
        let others: Vec<(u64, Vec<Hash>)> =
            self.suspects.iter().map(|suspect| (suspect.index, suspect.tile.clone())).collect();
        let by_hashes = !self.hole && !others.is_empty() && fits(&state.tree.with_tiles(&others));
        self.faults.extend(self.suspects.iter().map(|suspect| {
            let bundle = name(suspect, "entries");
            let place = if by_hashes { bundle } else { format!("{bundle} | {}", name(suspect, "0")) };
            Violation::new(Code::Bundle, "").in_file(place).at(suspect.position)
        }));
        if self.faults.is_empty() {
            let detail = format!("size {}", checkpoint.size);
            let fault = if before > 0 {
                both(Code::Fork, format!("{detail} after {before}"), state, note)
            } else {
                let mut fault = Violation::new(Code::Root, detail).in_file("checkpoint");
                fault.evidence = vec![String::from_utf8_lossy(note).into_owned()];
                fault
            };
            self.faults.push(fault);
        }
        self.faults
    }
}

/// Tiles above the leaves that are new since `before`: those that became full, and the right edge.
fn check_uppers(source: &Source, tree: &Tree, before: u64) -> Result<Vec<Violation>, Unreachable> {
    let mut faults = Vec::new();
    for (below, count) in (1_usize..).zip(tree.level_sizes()) {
        let had = before.checked_shr(8 * u32::try_from(below).unwrap_or(u32::MAX)).unwrap_or(0);
        if had == count {
            continue;
        }
        for index in had / WIDTH as u64..count.div_ceil(WIDTH as u64) {
            let ours = tree.tile(below, index);
            let (level, width) = (below.to_string(), ours.len() as u64);
            let path = tile_path(&level, index, width);
            let served = get_tile(source, &level, index, width, TILE_BYTES_MAX)?;
            let fits = |bytes: &[u8]| {
                let whole = bytes.len() == ours.len() * 32 || bytes.len() == WIDTH * 32;
                whole && bytes.starts_with(ours.as_flattened())
            };
            let fault = match served {
                None => Code::Missing,
                Some(bytes) if fits(&bytes) => continue,
                Some(_) => Code::Tile,
            };
            faults.push(Violation::new(fault, "").in_file(path));
        }
    }
    Ok(faults)
}
