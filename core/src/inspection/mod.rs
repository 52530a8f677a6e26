//! The inspection stream.
