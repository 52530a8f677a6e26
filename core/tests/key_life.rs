//! The life of the log's own keys: one takes over from the other, and whoever knows either goes on believing.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking, and tells a story")]

mod common;

use std::path::Path;
use std::sync::Arc;

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::clock::{Clock, SetClock};
use adit_core::ledger::disk::{Disk, Fault, FaultyDisk};
use adit_core::ledger::embedded::Embedded;
use adit_core::ledger::home::Home;
use adit_core::ledger::log::{Ledger, OpenError};
use adit_core::ledger::memory::Memory;
use adit_core::ledger::receipt::{Receipt, ReceiptError};
use adit_core::ledger::store::Store;
use adit_core::ledger::verify::verify;
use adit_core::ledger::vkey::VKey;
use adit_core::office::Office;
use adit_core::units::Position;
use common::{Bureau, ORIGIN, code, day};

struct Place {
    home: Home,
    clock: Arc<SetClock>,
    _folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let home = Home::beside(&folder.path().join("data"));
        let clock = Arc::new(SetClock::at(day("2024-05-10").start().plus_seconds(9 * 3600)));
        Self { home, clock, _folder: folder }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    fn bureau(&self) -> Bureau {
        let ledger = Ledger::create(&self.home, ORIGIN, self.clock()).expect("made");
        let bureau = Bureau::with(ledger, Arc::clone(&self.clock));
        bureau.office.ledger().publish_now();
        bureau
    }

    /// The same bureau after a restart.
    fn restarted(&self, mut bureau: Bureau) -> Bureau {
        let keys = std::mem::take(&mut bureau.keys);
        drop(bureau);
        let ledger = Ledger::open(&self.home, self.clock()).expect("opened");
        Bureau {
            office: Arc::new(Office::open(ledger).expect("office")),
            clock: Arc::clone(&self.clock),
            keys,
        }
    }

    fn key_files(&self) -> Vec<std::path::PathBuf> {
        let names =
            std::fs::read_dir(&self.home.keys).expect("folder").map(|entry| entry.expect("entry").path());
        let mut of_log: Vec<_> = names
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("log")))
            .collect();
        of_log.sort();
        of_log
    }
}

/// All holds for whoever knows any of these keys.
fn whole(ledger: &Ledger, known: &[&VKey]) {
    for key in known {
        verify(ledger.store(), key, |_| {}).expect("all holds");
    }
}

fn signed_by(ledger: &Ledger, keys: &[&VKey]) -> Vec<bool> {
    keys.iter().map(|key| Checkpoint::verify(&ledger.checkpoint(), key).is_ok()).collect()
}

fn receipt(ledger: &Ledger, position: u64) -> Receipt {
    let stored = ledger.store().read(Position(position), 1).expect("read");
    ledger.receipts(&stored, &ledger.checkpoint()).expect("made").remove(0).expect("covered")
}

mod given_a_ledger_whose_key_is_rotated {
    use super::*;

    #[test]
    fn when_it_restarts_between_every_step_then_each_checkpoint_is_signed_by_the_keys_in_force() {
        let place = Place::new();
        let bureau = place.bureau();
        let old = bureau.office.ledger().log_key().vkey();
        let bureau = place.restarted(bureau);
        let new = bureau.office.rotate_log_key().expect("rotated");
        assert_ne!(old, new);
        assert_eq!(signed_by(bureau.office.ledger(), &[&old, &new]), [true, true]);
        bureau.office.ledger().publish_now();
        let bureau = place.restarted(bureau);
        assert_eq!(bureau.office.ledger().log_keys_in_force(), [old.clone(), new.clone()]);
        bureau.enterprise("甲矿");
        let ledger = bureau.office.ledger();
        assert_eq!(signed_by(ledger, &[&old, &new]), [true, true]);
        assert_eq!(ledger.log_key().vkey(), new, "the newest signs entries");
        let published = ledger.published();
        for key in [&old, &new] {
            Checkpoint::verify(&published.note, key).expect("public under either");
        }
        whole(ledger, &[&old, &new]);
        let bureau = place.restarted(bureau);
        assert_eq!(bureau.office.retire_log_key().expect("retired"), old);
        assert_eq!(signed_by(bureau.office.ledger(), &[&old, &new]), [false, true]);
        let bureau = place.restarted(bureau);
        bureau.enterprise("乙矿");
        let ledger = bureau.office.ledger();
        assert_eq!(signed_by(ledger, &[&old, &new]), [false, true]);
        assert_eq!(ledger.log_keys(), [new.clone(), old.clone()]);
        whole(ledger, &[&old, &new]);
        // Without the old key's file it opens as before, and once more from the beginning.
        std::fs::remove_file(place.home.keys.join("log.key")).expect("removed");
        let bureau = place.restarted(bureau);
        let newest = bureau.office.rotate_log_key().expect("rotated again");
        let ledger = bureau.office.ledger();
        assert_eq!(ledger.log_keys_in_force(), [new.clone(), newest.clone()]);
        whole(ledger, &[&old, &new, &newest]);
        let stranger = adit_core::ledger::vkey::SigningKey::from_seed(ORIGIN, &[9; 32]).expect("key").vkey();
        verify(ledger.store(), &stranger, |_| {}).expect_err("not one of its keys");
    }

    #[test]
    fn when_a_step_makes_no_sense_then_it_is_refused_by_name_and_no_key_is_made() {
        let place = Place::new();
        let bureau = place.bureau();
        let said = |result: Result<VKey, adit_core::office::ExecuteError>| match result {
            Ok(_) => "done".to_owned(),
            Err(adit_core::office::ExecuteError::Refused(refusal)) => refusal.code,
            Err(error) => error.to_string(),
        };
        assert_eq!(said(bureau.office.retire_log_key()), "ledger.only_log_key");
        assert_eq!(said(bureau.office.rotate_log_key()), "done");
        let files = place.key_files();
        assert_eq!(said(bureau.office.rotate_log_key()), "ledger.overlap_runs");
        assert_eq!(place.key_files(), files);
        assert_eq!(said(bureau.office.retire_log_key()), "done");
        assert_eq!(said(bureau.office.retire_log_key()), "ledger.only_log_key");
    }

    #[test]
    fn then_each_key_lies_in_a_file_of_its_own_that_nobody_else_can_read() {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new();
        let bureau = place.bureau();
        let before = std::fs::read(place.home.keys.join("log.key")).expect("read");
        let new = bureau.office.rotate_log_key().expect("rotated");
        let id = adit_core::ledger::vkey::hex(&new.id());
        let own = place.home.keys.join(format!("log-{id}.key"));
        assert_eq!(place.key_files(), [own.clone(), place.home.keys.join("log.key")]);
        assert_eq!(std::fs::metadata(&own).expect("file").permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read(place.home.keys.join("log.key")).expect("read"), before);
        assert_eq!(place.home.log_key_file(&new).expect("read"), Some(own));
    }

    #[test]
    fn when_a_key_in_force_is_missing_then_the_ledger_is_not_opened_and_the_key_is_named() {
        for lost in [0, 1] {
            let place = Place::new();
            let bureau = place.bureau();
            bureau.office.rotate_log_key().expect("rotated");
            bureau.office.ledger().publish_now();
            let key = bureau.office.ledger().log_keys_in_force()[lost].clone();
            drop(bureau);
            let file = place.home.log_key_file(&key).expect("read").expect("a file");
            std::fs::rename(&file, place.home.data.join("aside")).expect("moved");
            let refused = Ledger::open(&place.home, place.clock()).err();
            assert!(matches!(refused, Some(OpenError::MissingLogKey { key: named, .. }) if named == key));
            std::fs::rename(place.home.data.join("aside"), &file).expect("put back");
            assert!(Ledger::open(&place.home, place.clock()).is_ok());
        }
    }

    #[test]
    fn when_a_key_of_another_ledger_lies_among_them_then_its_file_is_named() {
        let place = Place::new();
        drop(place.bureau());
        let foreign = place.home.create_log_key("other.example/ledger").expect("made").vkey();
        let id = adit_core::ledger::vkey::hex(&foreign.id());
        let refused = Ledger::open(&place.home, place.clock()).err().expect("refused").to_string();
        assert!(refused.contains(&format!("log-{id}.key is not a key file of this ledger")), "{refused}");
    }

    #[test]
    fn when_the_making_of_the_key_file_is_broken_off_then_nothing_is_harmed_and_the_next_try_goes_on() {
        let place = Place::new();
        let bureau = place.bureau();
        let old = bureau.office.ledger().log_key().vkey();
        // Half a file, under the name that a key has before it is whole.
        std::fs::write(place.home.keys.join("log-0a1b2c3d.key.new"), "PRIVATE+KEY+half").expect("written");
        // A whole file that no entry names.
        let waiting = place.home.create_log_key(ORIGIN).expect("made").vkey();
        let bureau = place.restarted(bureau);
        bureau.enterprise("甲矿");
        let ledger = bureau.office.ledger();
        assert_eq!(ledger.log_keys_in_force(), std::slice::from_ref(&old));
        assert_eq!(signed_by(ledger, &[&old, &waiting]), [true, false], "it signs nothing yet");
        whole(ledger, &[&old]);
        assert_eq!(bureau.office.rotate_log_key().expect("rotated"), waiting);
        whole(bureau.office.ledger(), &[&old, &waiting]);
    }

    #[test]
    fn then_receipts_of_every_time_are_proven_by_the_keys_of_that_time() {
        let bureau = Bureau::in_memory();
        let ledger = bureau.office.ledger();
        let old = ledger.log_key().vkey();
        let before = receipt(ledger, 3);
        let new = bureau.office.rotate_log_key().expect("rotated");
        let during = receipt(ledger, 3);
        bureau.office.retire_log_key().expect("retired");
        let after = receipt(ledger, 3);
        let unknown = Err("receipt.signature");
        for (receipt, by_old, by_new) in
            [(before, Ok(1), unknown), (during, Ok(1), Ok(1)), (after, unknown, Ok(1))]
        {
            let receipt = Receipt::parse(&receipt.to_bytes()).expect("read");
            let proven = |keys: &[VKey]| {
                let proven = receipt.verify(keys);
                proven.map(|proven| proven.signed_by.len()).map_err(|error| error.code())
            };
            assert_eq!(proven(std::slice::from_ref(&old)), by_old);
            assert_eq!(proven(std::slice::from_ref(&new)), by_new);
            let both = usize::from(by_old.is_ok()) + usize::from(by_new.is_ok());
            assert_eq!(proven(&[old.clone(), new.clone()]), Ok(both));
            let signed = receipt.verify(&[old.clone(), new.clone()]).expect("proven").signed_by;
            let size = Checkpoint::parse(&receipt.checkpoint).expect("checkpoint").0.size;
            assert!(ledger.held_at(size, &signed));
        }
        assert!(
            !ledger.held_at(ledger.size(), std::slice::from_ref(&old)),
            "an ended key vouches for nothing later"
        );
        assert!(!ledger.held_at(5, &[new]), "nor a new one for what was before it");
        assert_eq!(ReceiptError::KeyEnded.code(), "receipt.key_ended");
    }

    #[test]
    fn when_a_one_time_key_is_countersigned_during_and_after_then_the_streams_hold() {
        use adit_core::command::Command;
        use adit_core::report::ReportCommand;
        let bureau = Bureau::in_memory();
        let ledger = bureau.office.ledger();
        let old = ledger.log_key().vkey();
        let order = |kind: &str, data: serde_json::Value| {
            let told = serde_json::json!({ "type": kind, "data": data });
            Command::Report(serde_json::from_value::<ReportCommand>(told).expect("a command"))
        };
        let report =
            order("report.report", serde_json::json!({ "matter": "major_hazard", "channel": "telephone" }));
        let report = bureau.run(None, report, &["clerk"]).expect("reported").stream;
        let new = bureau.office.rotate_log_key().expect("rotated");
        bureau
            .run(Some(report), order("report.accept", serde_json::json!({})), &["clerk"])
            .expect("accepted");
        bureau.office.retire_log_key().expect("retired");
        let verified = order(
            "report.verify",
            serde_json::json!({ "finding": "substantiated", "matter_key": "甲", "findings": "属实" }),
        );
        let two = ["inspector-1", "inspector-2"];
        assert_eq!(code(bureau.run(Some(report), verified, &two)), "done");
        whole(ledger, &[&old, &new]);
    }
}

mod given_a_disk_that_fails {
    use super::*;

    fn store(disk: &FaultyDisk, place: &Place, generation: u64) -> Arc<dyn Store> {
        // The index lies on the machine's own disk; each life has its own, and builds it from the journal.
        let data = place.home.data.join(format!("life-{generation}"));
        let home = Home { data, lock: "/lock".into(), ..place.home.clone() };
        let (keys, data_key) = place.home.read_keys().expect("keys");
        Arc::new(
            Embedded::open_on(Arc::new(moved(disk, &home)), &home, &keys.vkeys(), &data_key).expect("opened"),
        )
    }

    /// The journal stands under one name, whatever the life.
    fn moved(disk: &FaultyDisk, home: &Home) -> Moved {
        Moved { disk: disk.clone(), from: home.data.clone() }
    }

    struct Moved {
        disk: FaultyDisk,
        from: std::path::PathBuf,
    }

    impl Moved {
        fn at(&self, path: &Path) -> std::path::PathBuf {
            path.strip_prefix(&self.from)
                .map_or_else(|_| path.to_owned(), |rest| Path::new("/data").join(rest))
        }
    }

    impl Disk for Moved {
        fn size(&self, path: &Path) -> std::io::Result<u64> {
            self.disk.size(&self.at(path))
        }

        fn create_folder(&self, path: &Path) -> std::io::Result<()> {
            self.disk.create_folder(&self.at(path))
        }
        fn list(&self, folder: &Path) -> std::io::Result<Vec<String>> {
            self.disk.list(&self.at(folder))
        }
        fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
            self.disk.read(&self.at(path))
        }
        fn read_at(&self, path: &Path, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
            self.disk.read_at(&self.at(path), offset, length)
        }
        fn append(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
            self.disk.append(&self.at(path), bytes)
        }
        fn truncate(&self, path: &Path, length: u64) -> std::io::Result<()> {
            self.disk.truncate(&self.at(path), length)
        }
        fn sync(&self, path: &Path) -> std::io::Result<()> {
            self.disk.sync(&self.at(path))
        }
        fn sync_folder(&self, path: &Path) -> std::io::Result<()> {
            self.disk.sync_folder(&self.at(path))
        }
        fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
            self.disk.rename(&self.at(from), &self.at(to))
        }
        fn remove(&self, path: &Path) -> std::io::Result<()> {
            self.disk.remove(&self.at(path))
        }
        fn room(&self, folder: &Path) -> std::io::Result<u64> {
            self.disk.room(&self.at(folder))
        }
        fn modified(&self, path: &Path) -> std::io::Result<i64> {
            self.disk.modified(&self.at(path))
        }
        fn set_modified(&self, path: &Path, second: i64) -> std::io::Result<()> {
            self.disk.set_modified(&self.at(path), second)
        }
    }

    fn open(disk: &FaultyDisk, place: &Place, generation: u64) -> Ledger {
        let (keys, _) = place.home.read_keys().expect("keys");
        Ledger::over(store(disk, place, generation), place.clock(), keys).expect("opened")
    }

    /// Carries out one step of the rotation, with the key files on the real disk as they are.
    fn step(office: &Office, retire: bool) -> bool {
        if retire { office.retire_log_key().is_ok() } else { office.rotate_log_key().is_ok() }
    }

    #[test]
    fn when_the_power_is_cut_at_any_step_between_key_file_entry_and_lock_then_it_can_be_done_again() {
        for retire in [false, true] {
            let mut generation = 0;
            for cut in 1.. {
                let place = Place::new();
                place.home.create_keys(ORIGIN).expect("keys");
                let disk = FaultyDisk::default();
                let bureau = Bureau::with(open(&disk, &place, generation), Arc::clone(&place.clock));
                let old = bureau.office.ledger().log_key().vkey();
                // The key file is there before anything else happens: this is what a rotation does first.
                let new = place.home.create_log_key(ORIGIN).expect("made").vkey();
                drop(bureau);
                generation += 1;
                let office = Office::open(open(&disk, &place, generation)).expect("office");
                if retire {
                    assert_eq!(office.rotate_log_key().expect("rotated"), new);
                }
                // What went before is on disk with its lock.
                drop(office);
                generation += 1;
                let office = Office::open(open(&disk, &place, generation)).expect("office");
                let before = disk.steps();
                disk.fail_at(before + cut, Fault::Cut);
                let done = step(&office, retire);
                drop(office);
                let steps = disk.steps() - before;
                for torn in [0, 40] {
                    generation += 1;
                    let ledger = open(&disk.after_power_cut(torn), &place, generation);
                    whole(&ledger, &[&old]);
                    let keys = ledger.log_keys_in_force();
                    let there = if retire { keys == [new.clone()] } else { keys.len() == 2 };
                    assert!(there || !done, "step {cut}: it was answered, and is lost");
                    let office = Office::open(ledger).expect("office");
                    assert!(there || step(&office, retire), "step {cut}: it is done again");
                    let expected = if retire { vec![new.clone()] } else { vec![old.clone(), new.clone()] };
                    assert_eq!(office.ledger().log_keys_in_force(), expected);
                    whole(office.ledger(), &[&old, &new]);
                }
                if done && steps < cut {
                    break;
                }
                assert!(cut < 60, "the rotation takes too many steps");
            }
        }
    }
}

mod given_the_newest_entry_or_its_checkpoint_was_signed_by_other_hands {
    use adit_core::ledger::entry::{Entry, SignedEntry};
    use adit_core::ledger::log_keys::LogKeys;
    use adit_core::ledger::merkle::Tree;
    use adit_core::ledger::verify::VerifyFault;
    use adit_core::ledger::vkey::SigningKey;

    use super::*;

    fn log_key(n: u8) -> SigningKey {
        SigningKey::from_seed(ORIGIN, &[n; 32]).expect("key")
    }

    /// A bureau whose log has the keys 1 and, once it is rotated, 2.
    fn bureau() -> Bureau {
        let clock = Arc::new(SetClock::at(day("2024-05-10").start().plus_seconds(9 * 3600)));
        let keys = LogKeys::new(vec![log_key(1), log_key(2)]).expect("of one log");
        let ledger =
            Ledger::over(Arc::new(Memory::default()), Arc::clone(&clock) as _, keys).expect("ledger");
        Bureau::with(ledger, clock)
    }

    /// The same store, but for its newest entry: changed, and signed by `by`, under a checkpoint signed by `over`.
    fn forged(
        bureau: &Bureau,
        change: impl Fn(&mut Entry, &mut Vec<u8>),
        by: &[&SigningKey],
        over: &[&SigningKey],
    ) -> Result<u64, VerifyFault> {
        let (original, store) = (bureau.office.ledger().store(), Memory::default());
        let (mut tree, firsts) = (Tree::new(), original.groups().expect("groups"));
        for first in &firsts {
            let mut group = original.group(*first).expect("read").expect("a group");
            if Some(first) == firsts.last() {
                let stored = group.commands[0].entries.last_mut().expect("an entry");
                let mut entry = SignedEntry::parse(&stored.entry).expect("entry").entry().clone();
                change(&mut entry, &mut stored.body);
                entry.body = *blake3::hash(&stored.body).as_bytes();
                stored.entry = entry.sign(by).expect("signed").bytes().to_vec();
            }
            for stored in group.entries() {
                tree.push(adit_core::ledger::merkle::leaf_hash(&stored.entry), &mut Vec::new());
            }
            if Some(first) == firsts.last() {
                let checkpoint = Checkpoint { origin: ORIGIN.into(), size: tree.size(), root: tree.root() };
                group.checkpoint = checkpoint.sign_by(over);
                group.frontier = tree.frontier().to_vec();
            }
            store.commit(first.0, group).expect("committed");
        }
        verify(&store, &log_key(1).vkey(), |_| {}).map(|verified| verified.size)
    }

    fn nothing(_: &mut Entry, _: &mut Vec<u8>) {}

    #[test]
    fn when_a_key_is_introduced_without_both_then_it_does_not_verify_and_neither_does_half_a_checkpoint() {
        let bureau = bureau();
        assert_eq!(bureau.office.rotate_log_key().expect("rotated"), log_key(2).vkey());
        let (old, new, admin) = (&log_key(1), &log_key(2), &bureau.keys["admin-1"]);
        forged(&bureau, nothing, &[old, new], &[old, new]).expect("as it was");
        for by in [vec![old], vec![new], vec![admin, new], vec![admin, old]] {
            forged(&bureau, nothing, &by, &[old, new]).expect_err("the other does not sign");
        }
        for over in [[old], [new]] {
            forged(&bureau, nothing, &[old, new], &over).expect_err("half a checkpoint");
        }
        let third = log_key(3);
        let two = |entry: &mut Entry, _: &mut Vec<u8>| {
            entry.lines.push(adit_core::ledger::entry::Line::Key(log_key(3).vkey()));
        };
        forged(&bureau, two, &[old, new, &third], &[old, new, &third]).expect_err("two at once");
    }

    #[test]
    fn when_a_key_is_ended_by_itself_or_signs_after_its_end_then_it_does_not_verify() {
        let bureau = bureau();
        bureau.office.rotate_log_key().expect("rotated");
        bureau.office.retire_log_key().expect("retired");
        let (old, new) = (&log_key(1), &log_key(2));
        forged(&bureau, nothing, &[new], &[new]).expect("as it was");
        forged(&bureau, nothing, &[new], &[old, new]).expect("a line more says nothing");
        forged(&bureau, nothing, &[old], &[new]).expect_err("by itself");
        forged(&bureau, nothing, &[new], &[old]).expect_err("the ended key alone");
    }

    #[test]
    fn when_a_body_does_not_name_who_signed_then_it_does_not_verify() {
        let bureau = bureau();
        bureau.request(&bureau.hazard(bureau.enterprise("甲矿")), &["clerk"]).expect("reported");
        let (log, clerk) = (&log_key(1), &bureau.keys["clerk"]);
        forged(&bureau, nothing, &[clerk], &[log]).expect("as it was");
        let own = clerk.name().rsplit('/').next().expect("an id").to_owned();
        let other = bureau.keys["handler"].name().rsplit('/').next().expect("an id").to_owned();
        for (from, to) in [(format!("[\"{own}\"]"), "[]".to_owned()), (own, other)] {
            let rename = |_: &mut Entry, body: &mut Vec<u8>| {
                let text = String::from_utf8(body.clone()).expect("text");
                assert!(text.contains(&from), "{text}");
                *body = text.replace(&from, &to).into_bytes();
            };
            let fault = forged(&bureau, rename, &[clerk], &[log]).expect_err("it names another").to_string();
            assert!(fault.contains("does not name those who signed"), "{fault}");
        }
    }
}

#[test]
fn when_a_store_in_memory_is_opened_with_a_key_of_another_log_then_it_is_refused() {
    let store = Arc::new(Memory::default());
    let bureau = Bureau::over(Arc::clone(&store) as _);
    bureau.office.rotate_log_key().expect("rotated");
    let clock: Arc<dyn Clock> = Arc::new(SetClock::at(day("2024-05-11").start()));
    let stranger = adit_core::ledger::vkey::SigningKey::from_seed(ORIGIN, &[9; 32]).expect("key");
    assert!(matches!(Ledger::over(store, clock, stranger).err(), Some(OpenError::ForeignCheckpoint)));
}
