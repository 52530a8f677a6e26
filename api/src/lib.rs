//! The HTTP server of Adit.
