//! What is published: kept over a restart, never smaller, one note at a time.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking, and tells a story")]

mod common;

use std::sync::Arc;

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::clock::{Clock, SetClock};
use adit_core::ledger::home::Home;
use adit_core::ledger::log::{Ledger, OpenError};
use adit_core::ledger::merkle::leaf_hash;
use adit_core::ledger::receipt::{RECEIPT_BYTES_MAX, Receipt, ReceiptError};
use adit_core::ledger::verify::verify;
use adit_core::ledger::vkey::SigningKey;
use adit_core::units::Position;
use common::{Bureau, ORIGIN, day};

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

    /// A bureau with its first entries published.
    fn bureau(&self) -> Bureau {
        let ledger = Ledger::create(&self.home, ORIGIN, self.clock()).expect("made");
        let bureau = Bureau::with(ledger, Arc::clone(&self.clock));
        bureau.office.ledger().publish_now();
        bureau
    }

    fn open(&self) -> Result<Ledger, OpenError> {
        Ledger::open(&self.home, self.clock())
    }
}

mod given_a_published_checkpoint {
    use super::*;

    #[test]
    fn when_the_ledger_is_opened_again_then_the_same_note_is_public_and_nothing_newer() {
        let place = Place::new();
        let bureau = place.bureau();
        let before = bureau.office.ledger().published();
        bureau.enterprise("甲矿");
        assert!(bureau.office.ledger().size() > before.size());
        drop(bureau);
        let ledger = place.open().expect("opened");
        assert_eq!(ledger.published().note, before.note);
        assert_eq!(ledger.seen(), before.seen, "entries go on naming it");
        assert!(ledger.size() > before.size());
        place.clock.advance_seconds(599);
        ledger.publish_due();
        assert_eq!(ledger.published().note, before.note, "a restart does not hurry a publication");
        place.clock.advance_seconds(1);
        ledger.publish_due();
        assert_eq!(ledger.published().size(), ledger.size());
        verify(ledger.store(), &ledger.log_key().vkey(), |_| {}).expect("all holds");
    }

    #[test]
    fn when_its_file_is_lost_or_unreadable_then_the_newest_is_published_and_never_an_older_one() {
        for damage in [None, Some(&b""[..]), Some(b"published 2024-05-10T01:00:00Z\n"), Some(b"\xff\n\n")] {
            let place = Place::new();
            let bureau = place.bureau();
            let before = bureau.office.ledger().published().size();
            bureau.enterprise("甲矿");
            drop(bureau);
            let file = place.home.data.join("published");
            match damage {
                None => std::fs::remove_file(&file).expect("removed"),
                Some(bytes) => std::fs::write(&file, bytes).expect("damaged"),
            }
            let ledger = place.open().expect("opened");
            assert!(ledger.published().size() > before);
            assert_eq!(ledger.published().size(), ledger.size());
        }
    }

    #[test]
    fn when_its_file_holds_another_history_then_the_ledger_is_not_opened() {
        let place = Place::new();
        let bureau = place.bureau();
        let ledger = bureau.office.ledger();
        let (key, size) = (ledger.log_key().clone(), ledger.size());
        drop(bureau);
        let file = place.home.data.join("published");
        for size in [size, 1, size + 1] {
            let other = Checkpoint { origin: ORIGIN.to_owned(), size, root: [7; 32] }.sign(&key);
            let bytes = [b"published 2024-05-10T01:00:00Z\n", other.as_slice()].concat();
            std::fs::write(&file, &bytes).expect("written");
            assert!(matches!(place.open(), Err(OpenError::Contradicted(path)) if path == file), "{size}");
            assert_eq!(std::fs::read(&file).expect("kept"), bytes, "the evidence is kept");
        }
        // Somebody else's signature is no evidence.
        let stranger = SigningKey::from_seed(ORIGIN, &[9; 32]).expect("key");
        let other = Checkpoint { origin: ORIGIN.to_owned(), size, root: [7; 32] }.sign(&stranger);
        let bytes = [b"published 2024-05-10T01:00:00Z\n", other.as_slice()].concat();
        std::fs::write(&file, bytes).expect("written");
        assert_eq!(place.open().expect("opened").published().size(), size);
    }

    #[test]
    fn when_the_time_between_publications_is_set_then_it_holds() {
        let place = Place::new();
        let bureau = place.bureau();
        let ledger = bureau.office.ledger();
        let before = ledger.published().size();
        ledger.publish_every(5);
        bureau.enterprise("甲矿");
        place.clock.advance_seconds(4);
        assert_eq!((ledger.due_in(), ledger.seen().size), (1, before));
        place.clock.advance_seconds(1);
        assert_eq!(ledger.due_in(), 0);
        assert!(ledger.seen().size >= before);
        ledger.publish_now();
        assert_eq!((ledger.published().size(), ledger.due_in()), (ledger.size(), 5));
    }
}

mod given_a_receipt {
    use super::*;

    fn receipt() -> (Receipt, SigningKey) {
        let bureau = Bureau::in_memory();
        bureau.enterprise("甲矿");
        let ledger = bureau.office.ledger();
        let stored = ledger.store().read(Position(3), 1).expect("read");
        let receipt =
            ledger.receipts(&stored, &ledger.checkpoint()).expect("made").remove(0).expect("covered");
        (receipt, ledger.log_key().as_ref().clone())
    }

    #[test]
    fn then_it_proves_its_entry_to_whoever_has_the_logs_key() {
        let (receipt, key) = receipt();
        let read = Receipt::parse(&receipt.to_bytes()).expect("read");
        assert_eq!(read, receipt);
        let proven = read.verify(&[key.vkey()]).expect("proven");
        assert_eq!(proven.entry.bytes(), receipt.entry);
        assert_eq!((proven.position, proven.checkpoint.origin.as_str()), (Position(3), ORIGIN));
        assert_eq!(proven.signed_by, [key.vkey()]);
    }

    #[test]
    fn when_any_bit_of_any_byte_is_flipped_then_it_is_refused() {
        let (receipt, key) = receipt();
        let (bytes, known) = (receipt.to_bytes(), [key.vkey()]);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let read = Receipt::parse(&flipped).and_then(|receipt| receipt.verify(&known));
                assert!(read.is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn when_it_is_cut_anywhere_then_it_is_refused() {
        let (receipt, key) = receipt();
        let bytes = receipt.to_bytes();
        for end in 0..bytes.len() {
            let read = Receipt::parse(&bytes[..end]).and_then(|receipt| receipt.verify(&[key.vkey()]));
            assert!(read.is_err(), "cut at {end}");
        }
        for more in [&b"\n"[..], b" ", b"x\n"] {
            assert!(Receipt::parse(&[&bytes, more].concat()).is_err());
        }
    }

    #[test]
    fn when_it_has_another_spelling_then_it_is_refused() {
        let (receipt, _) = receipt();
        let text = String::from_utf8(receipt.to_bytes()).expect("text");
        for (from, to) in [
            ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v2\n"),
            ("c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\r\n"),
            ("\nindex 3\n", "\nindex 03\n"),
            ("\nindex 3\n", "\nindex +3\n"),
            ("\nindex 3\n", "\nindex  3\n"),
            ("\nindex 3\n", "\nindex 3 \n"),
            ("\nextra ", "\nextra  "),
            ("\nextra ", "\nExtra "),
        ] {
            assert!(text.contains(from), "{from:?}");
            assert!(Receipt::parse(text.replacen(from, to, 1).as_bytes()).is_err(), "{to:?}");
        }
        let without = text.lines().filter(|line| !line.starts_with("extra ")).collect::<Vec<_>>().join("\n");
        assert_eq!(Receipt::parse(without.as_bytes()), Err(ReceiptError::NoEntry));
        assert_eq!(Receipt::parse(&vec![b'a'; RECEIPT_BYTES_MAX + 1]), Err(ReceiptError::TooLong));
        let mut long = receipt.clone();
        long.proof = vec![[0; 32]; 65];
        assert!(Receipt::parse(&long.to_bytes()).is_err());
    }

    #[test]
    fn when_the_key_or_the_log_is_another_then_it_proves_nothing() {
        let (receipt, key) = receipt();
        let stranger = SigningKey::from_seed(ORIGIN, &[9; 32]).expect("key").vkey();
        assert_eq!(receipt.verify(&[stranger]).map_err(|error| error.code()), Err("receipt.signature"));
        let other = SigningKey::from_seed("other.example/ledger", &[1; 32]).expect("key");
        assert_eq!(receipt.verify(&[other.vkey()]).map_err(|error| error.code()), Err("receipt.other_log"));
        // An entry of this log, which another log took over as its own.
        let root = leaf_hash(&receipt.entry);
        let checkpoint = Checkpoint { origin: other.name().to_owned(), size: 1, root }.sign(&other);
        let taken = Receipt { position: Position(0), proof: Vec::new(), checkpoint, ..receipt.clone() };
        assert_eq!(taken.verify(&[other.vkey()]), Err(ReceiptError::OtherLog));
        // An entry that is none.
        let entry = b"not an entry".to_vec();
        let checkpoint =
            Checkpoint { origin: ORIGIN.to_owned(), size: 1, root: leaf_hash(&entry) }.sign(&key);
        let nothing = Receipt { entry, position: Position(0), proof: Vec::new(), checkpoint };
        assert_eq!(nothing.verify(&[key.vkey()]).map_err(|error| error.code()), Err("receipt.entry"));
    }
}

#[test]
fn while_others_keep_writing_a_publication_covers_what_was_written_before_it_and_comes_to_an_end() {
    let place = Place::new();
    let bureau = place.bureau();
    let ledger = bureau.office.ledger();
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let write = || {
            let mut n = 0;
            while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                bureau.enterprise(&format!("甲矿{n}"));
                n += 1;
            }
        };
        scope.spawn(write);
        for _ in 0..3 {
            let size = ledger.size();
            ledger.publish_now();
            assert!(ledger.published().size() >= size);
        }
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    verify(ledger.store(), &ledger.log_key().vkey(), |_| {}).expect("all holds");
}
