//! What is recorded of an access. No route takes these: the server gives them itself, before it answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::StreamId;
use crate::text::{Long, Short};

/// A command to an `access` stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
pub enum AccessCommand {
    /// An officer opens what is sealed in a report.
    #[serde(rename = "access.open")]
    Open(Open),
    /// An officer takes confidential bodies out.
    #[serde(rename = "access.export")]
    Export(Export),
    /// The ledger's own entry, among which those of officers do not stand out.
    #[serde(rename = "access.fill")]
    Fill(Fill),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    pub report: StreamId,
    /// BLAKE3 of the sealed files, 64 hexadecimal digits each.
    pub blobs: Vec<Short>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// Streams whose confidential bodies go out.
    pub streams: Vec<StreamId>,
    /// How many bodies go out, of whatever stream.
    pub bodies: u64,
    /// Size of the log at the checkpoint of the bundle: which bodies there were follows from it.
    pub size: u64,
    /// BLAKE3 of the file that goes out, 64 hexadecimal digits: a copy that turns up somewhere is known again.
    pub file: Short,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<Long>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fill {}
