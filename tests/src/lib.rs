//! Shared by the tests that cross crates, and by the fuzz targets.

pub mod fuzz_targets;
