//! The hazard stream.
