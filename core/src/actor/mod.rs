//! The actor stream.
