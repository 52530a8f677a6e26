//! Evidence of two histories, in `<data>/evidence/`: checkpoints that this log's key signed but whose tree is not this one, and
//! what was sent and answered when a witness contradicted this log.

use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::ledger::disk::{Disk, replace};
use crate::ledger::vkey::hex;

/// Most pieces of one kind that are kept; one is enough to prove it.
const KEPT_MAX: usize = 256;

/// Keeps `content` in `evidence/<kind>-<SHA-256 of it>`, whole or not at all, and once. False when as many of its kind are
/// kept as may be.
pub fn keep(disk: &dyn Disk, data: &Path, kind: &str, content: &[u8]) -> io::Result<bool> {
    let folder = data.join("evidence");
    disk.create_folder(&folder)?;
    let name = format!("{kind}-{}", hex(&Sha256::digest(content)));
    let path = folder.join(&name);
    // A file that is there but not whole is written again.
    if disk.read(&path).is_ok_and(|kept| kept == content) {
        return Ok(true);
    }
    let others = disk.list(&folder)?.into_iter().filter(|other| other.starts_with(kind) && *other != name);
    if others.count() >= KEPT_MAX {
        return Ok(false);
    }
    replace(disk, &path, content)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::disk::{Fault, FaultyDisk};

    const NOTE: &[u8] = b"a.example/ledger\n2\nAAAA\n";

    fn kept(disk: &FaultyDisk) -> Vec<String> {
        disk.list(Path::new("/data/evidence")).expect("listed")
    }

    #[test]
    fn a_power_cut_at_any_step_leaves_nothing_that_is_torn_and_it_is_kept_when_it_comes_again() {
        for step in 1.. {
            let disk = FaultyDisk::default();
            disk.fail_at(step, Fault::Cut);
            let done = keep(&disk, Path::new("/data"), "checkpoint", NOTE).is_ok();
            let disk = disk.after_power_cut(7);
            for name in kept(&disk).into_iter().filter(|name| Path::new(name).extension().is_none()) {
                let whole = disk.read(&Path::new("/data/evidence").join(name)).expect("read");
                assert_eq!(whole, NOTE, "step {step}");
            }
            assert!(keep(&disk, Path::new("/data"), "checkpoint", NOTE).expect("kept"), "step {step}");
            assert_eq!(kept(&disk).len(), 1, "step {step}");
            if done {
                return;
            }
        }
    }

    #[test]
    fn a_torn_file_is_written_again_and_the_same_is_kept_once() {
        let (disk, data) = (FaultyDisk::default(), Path::new("/data"));
        keep(&disk, data, "checkpoint", NOTE).expect("kept");
        let path = data.join("evidence").join(&kept(&disk)[0]);
        disk.truncate(&path, 5).expect("torn");
        for _ in 0..2 {
            assert!(keep(&disk, data, "checkpoint", NOTE).expect("kept"));
            assert_eq!((kept(&disk).len(), disk.read(&path).expect("read").as_slice()), (1, NOTE));
        }
    }

    #[test]
    fn when_enough_of_a_kind_are_kept_then_it_says_so_and_another_kind_still_is() {
        let (disk, data) = (FaultyDisk::default(), Path::new("/data"));
        for n in 0..KEPT_MAX {
            assert!(keep(&disk, data, "checkpoint", n.to_string().as_bytes()).expect("kept"));
        }
        assert!(!keep(&disk, data, "checkpoint", NOTE).expect("answered"));
        assert!(keep(&disk, data, "checkpoint", b"7").expect("kept before"));
        assert!(keep(&disk, data, "witness", NOTE).expect("kept"));
    }
}
