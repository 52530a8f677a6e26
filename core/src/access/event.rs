//! What was opened or taken out.

use serde::{Deserialize, Serialize};

use super::command::{Export, Fill, Open};
use crate::decider::StreamEvent;

/// The one kind that all of them have in public.
pub const PUBLIC_KIND: &str = "access.recorded";

/// An event of an `access` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", deny_unknown_fields)]
pub enum AccessEvent {
    #[serde(rename = "access.opened")]
    Opened(Open),
    #[serde(rename = "access.exported")]
    Exported(Export),
    /// Nothing was opened.
    #[serde(rename = "access.filler")]
    Filler(Fill),
}

impl AccessEvent {
    /// Whether it stands there for the sake of the others.
    pub fn is_filler(&self) -> bool {
        match self {
            Self::Filler(_) => true,
            Self::Opened(_) | Self::Exported(_) => false,
        }
    }
}

impl StreamEvent for AccessEvent {
    fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => "access.opened",
            Self::Exported(_) => "access.exported",
            Self::Filler(_) => "access.filler",
        }
    }

    fn public_kind(&self) -> &'static str {
        PUBLIC_KIND
    }
}
