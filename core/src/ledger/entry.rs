//! Entry: one event, one signed note, one leaf.

use crate::ledger::vkey::VKey;
use crate::role::Role;
use crate::units::{Day, Position};

/// A public line of an entry after its body hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Introduces a signing key.
    Key(VKey),
    /// The age recipient of a key's holder.
    Recipient {
        key: VKey,
        age: String,
    },
    Grant {
        role: Role,
        key: VKey,
    },
    Revoke {
        role: Role,
        key: VKey,
    },
    /// Ends a key: `last` is its last valid position.
    End {
        key: VKey,
        last: Position,
    },
    /// A public statutory deadline starts.
    Clock {
        name: String,
        due: Day,
    },
    /// A public statutory deadline is moved.
    Extend {
        name: String,
        until: Day,
    },
    /// A public statutory deadline is met.
    Stop {
        name: String,
    },
}
