//! One contract for every store, and the faults that an embedded one must survive or name.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_core::id::{CommandId, Id, StreamId, StreamKind};
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::clock::SystemClock;
use adit_core::ledger::disk::{Disk, Fault, FaultyDisk, RealDisk};
use adit_core::ledger::embedded::Embedded;
use adit_core::ledger::entry::{Entry, Seen};
use adit_core::ledger::home::Home;
use adit_core::ledger::lock;
use adit_core::ledger::log::{Ledger, OpenError};
use adit_core::ledger::memory::Memory;
use adit_core::ledger::merkle::{Tree, leaf_hash};
use adit_core::ledger::store::{
    Answered, CommitError, Committed, Group, Store, StoreError, Stored, Touch, touch,
};
use adit_core::ledger::verify::{VerifyFault, verify};
use adit_core::ledger::vkey::SigningKey;
use adit_core::units::{Position, Revision, Timestamp};

const DATA_KEY: [u8; 32] = [5; 32];

fn log_key() -> SigningKey {
    SigningKey::from_seed("test.example/ledger", &[1; 32]).expect("key")
}

/// Writes groups of two entries in one command: the next of one stream, and the first of a new one.
struct Author {
    log: SigningKey,
    tree: Tree,
    prev: Option<[u8; 32]>,
    next: u64,
}

fn command_id(n: u64) -> CommandId {
    let mut id = [0xc0; 16];
    id[8..].copy_from_slice(&n.to_be_bytes());
    CommandId(Id(id))
}

fn shared_stream() -> StreamId {
    StreamId::new(StreamKind::Hazard, Id([1; 16]))
}

fn own_stream(n: u64) -> StreamId {
    let mut id = [2; 16];
    id[8..].copy_from_slice(&n.to_be_bytes());
    StreamId::new(StreamKind::Enterprise, Id(id))
}

fn shared_touch() -> Touch {
    touch("shared")
}

impl Author {
    fn new() -> Self {
        Self { log: log_key(), tree: Tree::new(), prev: None, next: 0 }
    }

    fn entry(&self, stream: StreamId, revision: u64, prev: Option<[u8; 32]>, body: &[u8]) -> Stored {
        let entry = Entry {
            origin: self.log.name().to_owned(),
            stream,
            revision: Revision(revision),
            kind: format!("{}.tested", stream.kind.name()),
            day: common::day("2024-05-10"),
            seen: Seen::nothing(),
            prev,
            body: *blake3::hash(body).as_bytes(),
            lines: Vec::new(),
        };
        let signed = entry.sign(&[&self.log]).expect("signed");
        Stored {
            position: Position(0),
            stream,
            revision: Revision(revision),
            entry: signed.bytes().to_vec(),
            body: body.to_vec(),
            touches: vec![shared_touch()],
        }
    }

    fn group(&mut self) -> Group {
        let n = self.next;
        self.next += 1;
        let first = Position(self.tree.size());
        let body = format!("body {n}");
        let mut shared = self.entry(shared_stream(), n, self.prev, body.as_bytes());
        let mut own = self.entry(own_stream(n), 0, None, body.as_bytes());
        shared.position = first;
        own.position = Position(first.0 + 1);
        let text_end = shared.entry.windows(2).rposition(|w| w == b"\n\n").expect("note") + 1;
        self.prev = Some(*blake3::hash(&shared.entry[..text_end]).as_bytes());
        let mut tiles = Vec::new();
        for stored in [&shared, &own] {
            self.tree.push(leaf_hash(&stored.entry), &mut tiles);
        }
        let checkpoint =
            Checkpoint { origin: self.log.name().to_owned(), size: self.tree.size(), root: self.tree.root() };
        Group {
            first,
            committed_at: Timestamp(1_715_300_000 + i64::try_from(n).expect("small")),
            commands: vec![Committed { id: command_id(n), request: [7; 32], entries: vec![shared, own] }],
            frontier: self.tree.frontier().to_vec(),
            checkpoint: checkpoint.sign(&self.log),
            tiles,
        }
    }
}

/// What a store must answer after `groups` groups.
fn check(store: &dyn Store, groups: u64) {
    assert_eq!(store.head().size, groups * 2);
    assert_eq!(store.stream(&shared_stream()).expect("stream").len() as u64, groups);
    let all = store.read(Position(0), usize::MAX).expect("read");
    assert_eq!(all.len() as u64, groups * 2);
    let mut tree = Tree::new();
    for stored in &all {
        tree.push(leaf_hash(&stored.entry), &mut Vec::new());
    }
    if groups > 0 {
        let checkpoint = Checkpoint::verify(&store.head().checkpoint, &log_key().vkey()).expect("checkpoint");
        assert_eq!((checkpoint.size, checkpoint.root), (tree.size(), tree.root()));
    }
    let restored =
        Tree::restore(groups * 2, |level, index, width| store.tile(level, index, width)).expect("tiles");
    assert_eq!(restored.root(), tree.root());
    for n in 0..groups {
        let positions = vec![Position(n * 2), Position(n * 2 + 1)];
        let answered = store.command(&command_id(n)).expect("command");
        assert_eq!(answered, Some(Answered { request: [7; 32], positions }));
        assert_eq!(all[usize::try_from(n * 2).expect("small")].body, format!("body {n}").as_bytes());
    }
    assert_eq!(store.command(&command_id(groups)).expect("command"), None);
    assert_eq!(store.streams(StreamKind::Enterprise).expect("streams").len() as u64, groups);
    assert_eq!(store.touched(&shared_touch()).expect("touched").len() as u64, groups * 2);
    let last = (groups > 0).then(|| Position(groups * 2 - 1));
    assert_eq!(store.last_touched(&shared_touch()).expect("touched"), last);
    assert_eq!(store.group(Position(groups * 2)).expect("beyond the end"), None);
    for n in 0..=groups + 1 {
        let before = |at: Timestamp| at < Timestamp(1_715_300_000 + i64::try_from(n).expect("small"));
        assert_eq!(store.committed_while(&before), Position(n.min(groups) * 2));
    }
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("folder") }
    }

    fn home(&self) -> Home {
        let home = Home::beside(&self.folder.path().join("data"));
        std::fs::create_dir_all(&home.data).expect("folder");
        home
    }

    fn open(&self, disk: &Arc<dyn Disk>) -> Result<Embedded, StoreError> {
        Embedded::open_on(Arc::clone(disk), &self.home(), &[log_key().vkey()], &DATA_KEY)
    }
}

fn grow(store: &dyn Store, groups: u64) {
    check(store, 0);
    let mut author = Author::new();
    for n in 0..groups {
        store.commit(n * 2, author.group()).expect("committed");
    }
    check(store, groups);
    let stale = store.commit(0, Author::new().group());
    assert!(matches!(stale, Err(CommitError::Conflict { expected: 0, .. })), "{stale:?}");
    check(store, groups);
}

mod given_any_store {
    use super::*;

    #[test]
    fn when_groups_are_committed_then_it_answers_as_the_contract_says_in_memory() {
        grow(&Memory::default(), 300);
    }

    #[test]
    fn when_groups_are_committed_then_it_answers_as_the_contract_says_embedded() {
        let place = Place::new();
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::default());
        let store = place.open(&disk).expect("opened");
        grow(&store, 300);
        let mut tree = Tree::new();
        let mut groups: Vec<Group> = Vec::new();
        for first in store.groups().expect("groups") {
            let mut group = store.group(first).expect("read").expect("group");
            for leaf in group.entries().map(|stored| leaf_hash(&stored.entry)).collect::<Vec<_>>() {
                tree.push(leaf, &mut group.tiles);
            }
            groups.push(group);
        }
        let keys =
            store.check_index(&mut groups.iter().cloned()).expect("the index says what the journal says");
        assert!(keys > 600, "entries and commands at least");
        groups.pop();
        let error = store.check_index(&mut groups.into_iter()).expect_err("a key too many is found");
        assert!(matches!(error, StoreError::Index { .. }), "{error}");
        drop(store);
        let store = place.open(&disk).expect("opened again");
        check(&store, 300);
    }
}

mod given_a_power_cut {
    use super::*;

    /// Cuts the power at every step of a history, with nothing, a little or all of the unsynced bytes left.
    #[test]
    fn when_it_comes_at_any_step_then_nothing_acknowledged_is_lost() {
        let mut step = 1;
        loop {
            let place = Place::new();
            let disk = FaultyDisk::default();
            disk.fail_at(step, Fault::Cut);
            let shared: Arc<dyn Disk> = Arc::new(disk.clone());
            let mut acknowledged = 0;
            let mut cut = true;
            if let Ok(store) = place.open(&shared) {
                let mut author = Author::new();
                while acknowledged < 6 && store.commit(acknowledged * 2, author.group()).is_ok() {
                    acknowledged += 1;
                }
                cut = acknowledged < 6;
            }
            for torn in [0, 1, 9, 200, usize::MAX] {
                // The index lies on another disk and may be ahead of the journal: it is rebuilt.
                let after: Arc<dyn Disk> = Arc::new(disk.after_power_cut(torn));
                let store = place.open(&after).expect("opens after a power cut");
                let kept = store.head().size / 2;
                assert!(
                    kept >= acknowledged,
                    "step {step}, torn {torn}: {kept} of {acknowledged} acknowledged"
                );
                check(&store, kept);
            }
            if !cut {
                assert!(step > 10, "the history has no steps");
                return;
            }
            step += 1;
        }
    }

    #[test]
    fn when_a_write_or_sync_fails_then_the_writer_halts_and_reopening_goes_on() {
        for kind in [std::io::ErrorKind::StorageFull, std::io::ErrorKind::Other] {
            for step in 1..20 {
                let place = Place::new();
                let disk = FaultyDisk::default();
                let shared: Arc<dyn Disk> = Arc::new(disk.clone());
                let store = place.open(&shared).expect("opened");
                disk.fail_at(disk.steps() + step, Fault::Error(kind));
                let mut author = Author::new();
                let mut acknowledged = 0;
                let failed = loop {
                    match store.commit(acknowledged * 2, author.group()) {
                        Ok(()) => acknowledged += 1,
                        Err(error) => break Some(error),
                    }
                    if acknowledged == 20 {
                        break None;
                    }
                };
                let Some(error) = failed else { continue };
                assert!(matches!(error, CommitError::NotWritten(_) | CommitError::Unknown(_)), "{error:?}");
                let again = store.commit(acknowledged * 2, Author::new().group());
                assert!(again.is_err(), "a writer that failed goes on");
                drop(store);
                let store = place.open(&shared).expect("reopened");
                let kept = store.head().size / 2;
                assert!(kept == acknowledged || matches!(error, CommitError::Unknown(_)));
                assert!(kept >= acknowledged);
                check(&store, kept);
            }
        }
    }
}

/// A journal of four groups and its lock, on a disk in memory.
fn written() -> FaultyDisk {
    let place = Place::new();
    let disk = FaultyDisk::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let store = place.open(&shared).expect("opened");
    let mut author = Author::new();
    for n in 0..4 {
        store.commit(n * 2, author.group()).expect("committed");
    }
    drop(store);
    // Paths on the disk in memory follow the folder they were written under.
    moved(&disk, place.folder.path(), Path::new("/ledger"));
    disk
}

fn moved(disk: &FaultyDisk, from: &Path, to: &Path) {
    for path in disk.paths() {
        if let Ok(rest) = path.strip_prefix(from) {
            disk.rename(&path, &to.join(rest)).expect("renamed");
        }
    }
    for folder in ["/ledger", "/ledger/data/journal"] {
        disk.sync_folder(Path::new(folder)).expect("synced");
    }
}

fn open_moved(disk: &FaultyDisk) -> Result<u64, StoreError> {
    let index = tempfile::tempdir().expect("folder");
    let copy = disk.after_power_cut(0);
    let home = Home::beside(&index.path().join("data"));
    std::fs::create_dir_all(&home.data).expect("folder");
    moved(&copy, Path::new("/ledger"), index.path());
    let shared: Arc<dyn Disk> = Arc::new(copy);
    let store = Embedded::open_on(shared, &home, &[log_key().vkey()], &DATA_KEY)?;
    let size = store.head().size;
    for n in 0..size / 2 {
        assert_eq!(store.read(Position(n * 2), 1)?[0].body, format!("body {n}").as_bytes());
    }
    Ok(size)
}

fn find(disk: &FaultyDisk, suffix: &str) -> PathBuf {
    disk.paths().into_iter().find(|path| path.to_string_lossy().ends_with(suffix)).expect("file")
}

mod given_a_damaged_file {
    use super::*;

    #[test]
    fn when_any_byte_of_the_journal_is_flipped_then_opening_names_it() {
        let disk = written();
        assert_eq!(open_moved(&disk).expect("whole"), 8);
        let journal = find(&disk, ".seg");
        let length = disk.read(&journal).expect("read").len();
        for at in 0..length {
            let copy = disk.after_power_cut(0);
            copy.tamper(&journal, |bytes| bytes[at] ^= 0x10);
            let error = open_moved(&copy).expect_err("a flipped byte was not found");
            let named = matches!(
                error,
                StoreError::Damaged { .. } | StoreError::Behind { .. } | StoreError::ForeignLock { .. }
            );
            assert!(named, "byte {at}: {error}");
        }
    }

    #[test]
    fn when_any_byte_of_the_lock_is_flipped_or_it_is_gone_then_opening_says_so() {
        let disk = written();
        let lock = find(&disk, "data.lock");
        for at in 0..disk.read(&lock).expect("read").len() {
            let copy = disk.after_power_cut(0);
            copy.tamper(&lock, |bytes| bytes[at] ^= 1);
            let error = open_moved(&copy).expect_err("a flipped byte was not found");
            assert!(
                matches!(error, StoreError::ForeignLock { .. } | StoreError::Behind { .. }),
                "byte {at}: {error}"
            );
        }
        disk.remove(&lock).expect("removed");
        disk.sync_folder(Path::new("/ledger")).expect("synced");
        assert!(matches!(open_moved(&disk), Err(StoreError::NoLock { size: 8, .. })));
    }

    #[test]
    fn when_the_end_is_cut_off_or_an_older_copy_is_put_back_then_the_lock_refuses_it() {
        let disk = written();
        let journal = find(&disk, ".seg");
        let length = disk.read(&journal).expect("read").len();
        for keep in [8, length / 2, length - 40, length - 1] {
            let copy = disk.after_power_cut(0);
            copy.tamper(&journal, |bytes| bytes.truncate(keep));
            assert!(matches!(open_moved(&copy), Err(StoreError::Behind { locked: 8, .. })), "kept {keep}");
        }
    }
}

mod given_a_ledger_on_disk {
    use super::*;

    fn ledger() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().expect("folder");
        let home = Home::beside(&folder.path().join("data"));
        let ledger = Ledger::create(&home, "test.example/ledger", Arc::new(SystemClock)).expect("created");
        let bureau = common::Bureau::with(ledger, Arc::default());
        let enterprise = bureau.enterprise("甲矿");
        for _ in 0..20 {
            bureau.request(&bureau.hazard(enterprise), &["clerk"]).expect("written");
        }
        (folder, home)
    }

    fn verified(home: &Home) -> u64 {
        let ledger = Ledger::open(home, Arc::new(SystemClock)).expect("opened");
        let verified = verify(ledger.store(), &ledger.log_key().vkey(), |_| {});
        verified.expect("all holds").size
    }

    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).expect("folder");
        for entry in std::fs::read_dir(from).expect("read") {
            let entry = entry.expect("entry");
            let target = to.join(entry.file_name());
            if entry.file_type().expect("type").is_dir() {
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).expect("copied");
            }
        }
    }

    #[test]
    fn when_the_index_is_deleted_or_overwritten_then_it_is_rebuilt() {
        let (_folder, home) = ledger();
        let size = verified(&home);
        std::fs::remove_dir_all(home.data.join("index")).expect("removed");
        assert_eq!(verified(&home), size);
        for entry in std::fs::read_dir(home.data.join("index")).expect("index") {
            let path = entry.expect("entry").path();
            if path.is_file() {
                let length = std::fs::read(&path).expect("read").len();
                std::fs::write(&path, vec![0xa5; length]).expect("overwritten");
            }
        }
        assert_eq!(verified(&home), size);
    }

    #[test]
    fn when_a_byte_of_the_index_is_flipped_then_it_is_rebuilt_or_named() {
        let (folder, home) = ledger();
        let size = verified(&home);
        let files = std::fs::read_dir(home.data.join("index")).expect("index");
        let files = files.map(|entry| entry.expect("entry").path()).filter(|path| path.is_file());
        for (number, path) in files.enumerate() {
            let bytes = std::fs::read(&path).expect("read");
            // Most of sled's file is a hole; what was written is flipped, byte after byte in steps.
            let written: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
            for at in written.iter().step_by(written.len() / 40 + 1) {
                let moved = folder.path().join(format!("flipped-{number}-{at}"));
                let home = Home { data: moved.clone(), ..home.clone() };
                copy(&folder.path().join("data"), &moved);
                let mut flipped = bytes.clone();
                flipped[*at] ^= 0x10;
                let name = path.file_name().expect("a file");
                std::fs::write(moved.join("index").join(name), flipped).expect("flipped");
                match Ledger::open(&home, Arc::new(SystemClock)) {
                    Ok(ledger) => match verify(ledger.store(), &ledger.log_key().vkey(), |_| {}) {
                        Ok(verified) => assert_eq!(verified.size, size),
                        Err(VerifyFault::Store(StoreError::Index { .. })) => {}
                        Err(fault) => panic!("byte {at} of {}: {fault}", path.display()),
                    },
                    Err(OpenError::Store(StoreError::Index { .. })) => {}
                    Err(error) => panic!("byte {at} of {}: {error}", path.display()),
                }
                std::fs::remove_dir_all(&moved).expect("removed");
            }
        }
    }

    #[test]
    fn when_an_older_copy_of_the_data_is_put_back_then_it_is_refused() {
        let (folder, home) = ledger();
        let older = folder.path().join("older");
        copy(&home.data, &older);
        let ledger = Ledger::open(&home, Arc::new(SystemClock)).expect("opened");
        let bureau_size = ledger.size();
        drop(ledger);
        // More is written after the copy was made.
        grow_by_one(&home);
        assert!(verified(&home) > bureau_size);
        std::fs::remove_dir_all(&home.data).expect("removed");
        copy(&older, &home.data);
        let refused = Ledger::open(&home, Arc::new(SystemClock)).err().expect("refused").to_string();
        assert!(refused.contains("an older copy was put back"), "{refused}");
    }

    fn grow_by_one(home: &Home) {
        use adit_core::command::{Command, Request};
        use adit_core::hazard::{HazardCommand, RecordOverdue};
        // Whatever the log refuses writes nothing, so a witness-like entry by the log itself is used: the opening's stream.
        let office =
            adit_core::office::Office::open(Ledger::open(home, Arc::new(SystemClock)).expect("opened"))
                .expect("office");
        let overdue = Command::Hazard(HazardCommand::RecordOverdue(RecordOverdue { clock: "review".into() }));
        let request = Request { id: CommandId(common::id()), stream: None, command: overdue };
        assert_eq!(common::code(office.execute(&request, &[])), "hazard.not_reported");
        let open = adit_core::opening::Open {
            log: office.ledger().log_key().vkey(),
            admins: (0..2_u8)
                .map(|n| {
                    let actor = adit_core::id::ActorId(Id([n; 16]));
                    let name = adit_core::ledger::keyring::actor_key_name("test.example/ledger", actor);
                    SigningKey::from_seed(&name, &[n + 100; 32]).expect("key").vkey()
                })
                .collect(),
            succeeds: None,
            place: None,
        };
        let command = Command::Ledger(adit_core::opening::LedgerCommand::Open(open));
        office
            .execute(&Request { id: CommandId(common::id()), stream: None, command }, &[])
            .expect("written");
    }

    #[test]
    fn when_a_second_process_would_write_then_it_is_refused() {
        let (_folder, home) = ledger();
        let first = Ledger::open(&home, Arc::new(SystemClock)).expect("opened");
        let second = Ledger::open(&home, Arc::new(SystemClock)).err().expect("refused").to_string();
        assert!(second.contains("another process writes"), "{second}");
        drop(first);
        assert!(Ledger::open(&home, Arc::new(SystemClock)).is_ok());
    }

    #[test]
    fn when_the_data_key_is_another_one_then_reading_says_so() {
        let (_folder, home) = ledger();
        std::fs::write(home.keys.join("data.key"), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
            .expect("written");
        let error = Ledger::open(&home, Arc::new(SystemClock)).map(drop);
        let text = format!("{error:?}");
        assert!(text.contains("Sealed"), "{text}");
    }

    #[test]
    fn no_word_of_a_body_stands_in_the_data_folder() {
        let (_folder, home) = ledger();
        let mut stack = vec![home.data.clone()];
        while let Some(path) = stack.pop() {
            if path.is_dir() {
                stack.extend(
                    std::fs::read_dir(&path).expect("read").map(|entry| entry.expect("entry").path()),
                );
            } else {
                let bytes = std::fs::read(&path).expect("read");
                for word in ["顶板离层", "甲矿"] {
                    let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
                    assert!(!found, "{word} stands in {}", path.display());
                }
            }
        }
    }
}

#[test]
fn a_lock_is_replaced_whole_or_stays_as_it_was() {
    for step in 1..12 {
        let disk = FaultyDisk::default();
        let path = Path::new("/ledger/data.lock");
        lock::write(&disk, path, b"first").expect("written");
        disk.fail_at(disk.steps() + step, Fault::Cut);
        let done = lock::write(&disk, path, b"second").is_ok();
        for torn in [0, 2, usize::MAX] {
            let after = lock::read(&disk.after_power_cut(torn), path).expect("read").expect("there");
            assert!(after == b"second" || (!done && after == b"first"), "step {step}: {after:?}");
        }
    }
}
