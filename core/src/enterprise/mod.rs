//! The enterprise stream.
