//! The opening stream.
