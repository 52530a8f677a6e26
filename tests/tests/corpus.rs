//! The fuzz targets over their corpus, so that what was found once stays found.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

use std::fs;
use std::path::Path;

use adit_tests::fuzz_targets::ALL;

#[test]
fn every_target_survives_its_corpus_and_every_cut_of_it() {
    for (name, target) in ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let mut replayed = 0;
        for file in fs::read_dir(&folder).expect("corpus") {
            let bytes = fs::read(file.expect("file").path()).expect("read");
            target(&bytes);
            for end in 0..bytes.len() {
                target(&bytes[..end]);
            }
            for at in 0..bytes.len() {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1;
                target(&flipped);
            }
            replayed += 1;
        }
        assert!(replayed > 0, "{name} has no corpus");
    }
}
