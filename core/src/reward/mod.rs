//! The reward stream.
