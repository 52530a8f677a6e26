//! The rulebook stream.
