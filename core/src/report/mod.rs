//! The report stream.
