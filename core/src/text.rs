//! Text that people type.
