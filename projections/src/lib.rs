//! Read models of Adit.
