//! A witness's memory under power cuts and full disks, and what it refuses to start with.
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking, and tells a story")]

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::clock::SetClock;
use adit_core::ledger::cosignature::WitnessKey;
use adit_core::ledger::disk::{Fault, FaultyDisk};
use adit_core::ledger::merkle::{Hash, consistency_proof, leaf_hash, node_hash};
use adit_core::ledger::policy::KnownLog;
use adit_core::ledger::vkey::SigningKey;
use adit_core::ledger::witness::keeper::{Keeper, KeeperError, Reply, create_key, origin_id, read_key};
use adit_core::ledger::witness::{AddCheckpoint, WitnessRefusal};
use adit_core::units::Timestamp;

const ORIGIN: &str = "test.example/ledger";
const FOLDER: &str = "/witness";

fn log() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[7; 32]).expect("key")
}

fn key() -> WitnessKey {
    WitnessKey::from_seed("witness.example/w1", &[1; 32]).expect("key")
}

fn logs() -> [KnownLog; 1] {
    [KnownLog { vkey: log().vkey(), url: None }]
}

fn made() -> FaultyDisk {
    let disk = FaultyDisk::default();
    Keeper::make(&disk, Path::new(FOLDER), key().vkey()).expect("made");
    disk
}

fn open(disk: &FaultyDisk) -> Result<Keeper, KeeperError> {
    let clock = Arc::new(SetClock::at(Timestamp(1_800_000_000)));
    Keeper::open_on(Arc::new(disk.clone()), Path::new(FOLDER), key(), &logs(), clock)
}

fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [one] => *one,
        more => {
            let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

/// A request for `new` leaves after `old`; `branch` makes other leaves.
fn request(branch: u8, old: u64, new: u64) -> Vec<u8> {
    let leaves: Vec<Hash> =
        (0..new).map(|n| leaf_hash(&[&[branch][..], &n.to_be_bytes()].concat())).collect();
    let mut tile = |_, _, width: u16| Ok::<_, ()>(leaves[..usize::from(width)].to_vec());
    let proof = consistency_proof(old, new, &mut tile).expect("proof");
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size: new, root: naive_root(&leaves) };
    AddCheckpoint::write(old, &proof, &checkpoint.sign(&log()))
}

fn cosigned(reply: &Reply) -> bool {
    matches!(reply, Reply::Cosigned(_))
}

#[test]
fn given_a_power_cut_at_any_step_then_what_was_answered_is_remembered_and_the_same_request_is_harmless() {
    let first = request(0, 0, 5);
    let second = request(0, 5, 9);
    let steps_of_one = {
        let disk = made();
        let keeper = open(&disk).expect("opened");
        let before = disk.steps();
        assert!(cosigned(&keeper.add(&first).reply));
        disk.steps() - before
    };
    assert!(steps_of_one >= 4, "write, sync, rename, sync of the folder");
    for step in 1..=steps_of_one + 1 {
        for torn in [0, 10, 10_000] {
            let disk = made();
            let keeper = open(&disk).expect("opened");
            assert!(cosigned(&keeper.add(&first).reply));
            disk.fail_at(disk.steps() + step, Fault::Cut);
            let answered = cosigned(&keeper.add(&second).reply);
            assert_eq!(answered, step > steps_of_one, "no answer before the folder is on disk");
            drop(keeper);
            let after = open(&disk.after_power_cut(torn)).expect("opened");
            let size = after.sizes()[0].1.expect("cosigned");
            assert!(size == 9 || (size == 5 && !answered), "step {step}: {size}");
            // The same request again: cosigned, or told the size that it wrote before the cut.
            match after.add(&second).reply {
                Reply::Cosigned(_) => assert_eq!(size, 5),
                Reply::Stale(told) => assert_eq!((told, size), (9, 9)),
                Reply::Refused(refusal) => panic!("{refusal:?}"),
            }
            assert!(cosigned(&after.add(&request(0, 9, 9)).reply), "from there it goes on");
            assert!(!cosigned(&after.add(&request(1, 9, 9)).reply), "and never aside");
        }
    }
}

#[test]
fn given_a_full_disk_then_it_does_not_cosign_and_does_so_later() {
    for step in 1..=4 {
        let disk = made();
        let keeper = open(&disk).expect("opened");
        assert!(cosigned(&keeper.add(&request(0, 0, 5)).reply));
        disk.fail_at(disk.steps() + step, Fault::Error(ErrorKind::StorageFull));
        let reply = keeper.add(&request(0, 5, 9)).reply;
        if !cosigned(&reply) {
            assert_eq!(reply, Reply::Refused(WitnessRefusal::NotWritten));
            assert!(cosigned(&keeper.add(&request(0, 5, 9)).reply), "step {step}");
        }
        assert_eq!(open(&disk).expect("opened").sizes()[0].1, Some(9));
    }
}

#[test]
fn evidence_is_on_disk_before_the_refusal_and_a_full_disk_is_said() {
    let disk = made();
    let keeper = open(&disk).expect("opened");
    keeper.add(&request(0, 0, 5));
    let answer = keeper.add(&request(1, 5, 5));
    assert_eq!(answer.reply, Reply::Refused(WitnessRefusal::Inconsistent));
    let alarm = answer.alarm.expect("alarm");
    assert_eq!((alarm.origin.as_str(), alarm.held, alarm.sent), (ORIGIN, 5, 5));
    assert!(alarm.fork && alarm.kept);
    let after = disk.after_power_cut(0);
    assert_eq!(after.paths().iter().filter(|path| path.starts_with("/witness/evidence")).count(), 1);
    disk.fail_at(disk.steps() + 1, Fault::Error(ErrorKind::StorageFull));
    let alarm = keeper.add(&request(2, 5, 5)).alarm.expect("alarm");
    assert!(!alarm.kept);
}

#[test]
fn checkpoints_that_anybody_could_send_do_not_crowd_out_a_fork() {
    let disk = made();
    let keeper = open(&disk).expect("opened");
    keeper.add(&request(0, 0, 5));
    let unproven = |(branch, size)| keeper.add(&request(branch, 5, size)).alarm.expect("alarm").kept;
    let sent = (1..=60_u8).flat_map(|branch| (6..=10).map(move |size| (branch, size)));
    assert_eq!(sent.filter(|one| unproven(*one)).count(), 256, "of 300");
    assert!(keeper.add(&request(1, 5, 5)).alarm.expect("alarm").kept);
}

#[test]
fn a_memory_that_is_missing_damaged_or_of_another_key_is_refused() {
    assert!(matches!(open(&FaultyDisk::default()), Err(KeeperError::NotMade(_))));
    let disk = made();
    assert!(matches!(Keeper::make(&disk, Path::new(FOLDER), key().vkey()), Err(KeeperError::Made(_))));
    let other = WitnessKey::from_seed("witness.example/w2", &[2; 32]).expect("key");
    let clock = Arc::new(SetClock::at(Timestamp(0)));
    let opened = Keeper::open_on(Arc::new(disk.clone()), Path::new(FOLDER), other, &logs(), clock);
    assert!(matches!(opened, Err(KeeperError::OtherKey(_))));

    let keeper = open(&disk).expect("opened");
    assert!(cosigned(&keeper.add(&request(0, 0, 5)).reply));
    let path = Path::new(FOLDER).join(format!("{}.checkpoint", origin_id(ORIGIN)));
    for byte in [0, 25, 60, 200] {
        let disk = disk.after_power_cut(0);
        disk.tamper(&path, |content| content[byte] ^= 1);
        assert!(matches!(open(&disk), Err(KeeperError::Damaged(_))), "byte {byte}");
    }
    let disk = disk.after_power_cut(0);
    disk.tamper(&path, Vec::clear);
    assert!(matches!(open(&disk), Err(KeeperError::Damaged(_))));
}

#[test]
fn a_log_does_not_witness_itself() {
    let disk = FaultyDisk::default();
    let key = WitnessKey::from_seed(ORIGIN, &[7; 32]).expect("key");
    Keeper::make(&disk, Path::new(FOLDER), key.vkey()).expect("made");
    let clock = Arc::new(SetClock::at(Timestamp(0)));
    let opened = Keeper::open_on(Arc::new(disk), Path::new(FOLDER), key, &logs(), clock);
    assert!(matches!(opened, Err(KeeperError::OwnKey)));
}

#[test]
fn a_key_file_is_its_owners_alone_and_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("witness.key");
    let made = create_key(&path, "witness.example/w1").expect("made");
    assert_eq!(read_key(&path).expect("read").vkey(), made.vkey());
    assert!(create_key(&path, "witness.example/w1").is_err());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode));
        assert_eq!(std::fs::metadata(&path).expect("file").permissions().mode() & 0o777, 0o600);
        mode(0o640).expect("changed");
        assert!(matches!(read_key(&path), Err(KeeperError::KeyReadable(_))));
        mode(0o600).expect("changed");
    }
    let text = std::fs::read_to_string(&path).expect("text");
    std::fs::write(&path, text.replace("w1", "w2")).expect("written");
    assert!(matches!(read_key(&path), Err(KeeperError::NotAKey(_))));
}
