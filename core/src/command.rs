//! Every command of every stream, and a request to carry one out.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::access::AccessCommand;
use crate::actor::ActorCommand;
use crate::concern::ConcernCommand;
use crate::enterprise::EnterpriseCommand;
use crate::hazard::HazardCommand;
use crate::id::{CommandId, StreamId, StreamKind};
use crate::inquiry::InquiryCommand;
use crate::inspection::InspectionCommand;
use crate::opening::LedgerCommand;
use crate::report::ReportCommand;
use crate::reward::RewardCommand;
use crate::rulebook::RulesCommand;

/// A command of any stream.
#[derive(Clone, Debug)]
pub enum Command {
    Hazard(HazardCommand),
    Report(ReportCommand),
    Reward(RewardCommand),
    Enterprise(EnterpriseCommand),
    Inspection(InspectionCommand),
    Actor(ActorCommand),
    Rules(RulesCommand),
    Ledger(LedgerCommand),
    Inquiry(InquiryCommand),
    Access(AccessCommand),
    Concern(ConcernCommand),
}

/// Why a text is not a command.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("there is no command of type {0:?}")]
    UnknownType(String),
    #[error("the data of {kind} does not fit: {source}")]
    Data { kind: String, source: serde_json::Error },
}

#[derive(Serialize)]
struct Tagged<'a> {
    r#type: &'a str,
    data: &'a RawValue,
}

impl Command {
    /// Reads a command from its type, such as `hazard.rectify`, and its data.
    ///
    /// # Errors
    /// [`CommandError`] for a type that does not exist, and for data with wrong, missing or unknown fields.
    pub fn parse(kind: &str, data: &RawValue) -> Result<Self, CommandError> {
        let unknown = || CommandError::UnknownType(kind.chars().take(64).collect());
        let stream = kind.split_once('.').map_or(kind, |(stream, _)| stream);
        let stream = StreamKind::ALL.into_iter().find(|k| k.name() == stream).ok_or_else(unknown)?;
        if !Self::types().iter().any(|known| known == kind) {
            return Err(unknown());
        }
        let fail = |source| CommandError::Data { kind: kind.to_owned(), source };
        let text = serde_json::to_string(&Tagged { r#type: kind, data }).map_err(fail)?;
        Self::from_json(stream, &text).map_err(fail)
    }

    /// Reads `{"type":…,"data":…}` as a command of a stream of `kind`.
    pub fn from_json(kind: StreamKind, text: &str) -> Result<Self, serde_json::Error> {
        fn parse<'a, C: Deserialize<'a>>(text: &'a str) -> Result<C, serde_json::Error> {
            serde_json::from_str(text)
        }
        Ok(match kind {
            StreamKind::Hazard => Self::Hazard(parse(text)?),
            StreamKind::Report => Self::Report(parse(text)?),
            StreamKind::Reward => Self::Reward(parse(text)?),
            StreamKind::Enterprise => Self::Enterprise(parse(text)?),
            StreamKind::Inspection => Self::Inspection(parse(text)?),
            StreamKind::Actor => Self::Actor(parse(text)?),
            StreamKind::Rules => Self::Rules(parse(text)?),
            StreamKind::Ledger => Self::Ledger(parse(text)?),
            StreamKind::Inquiry => Self::Inquiry(parse(text)?),
            StreamKind::Access => Self::Access(parse(text)?),
            StreamKind::Concern => Self::Concern(parse(text)?),
        })
    }

    /// The kind of stream that this command writes to.
    pub fn stream_kind(&self) -> StreamKind {
        match self {
            Self::Hazard(_) => StreamKind::Hazard,
            Self::Report(_) => StreamKind::Report,
            Self::Reward(_) => StreamKind::Reward,
            Self::Enterprise(_) => StreamKind::Enterprise,
            Self::Inspection(_) => StreamKind::Inspection,
            Self::Actor(_) => StreamKind::Actor,
            Self::Rules(_) => StreamKind::Rules,
            Self::Ledger(_) => StreamKind::Ledger,
            Self::Inquiry(_) => StreamKind::Inquiry,
            Self::Access(_) => StreamKind::Access,
            Self::Concern(_) => StreamKind::Concern,
        }
    }

    /// The command as JSON, the form that is hashed for idempotency.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Hazard(command) => serde_json::to_string(command),
            Self::Report(command) => serde_json::to_string(command),
            Self::Reward(command) => serde_json::to_string(command),
            Self::Enterprise(command) => serde_json::to_string(command),
            Self::Inspection(command) => serde_json::to_string(command),
            Self::Actor(command) => serde_json::to_string(command),
            Self::Rules(command) => serde_json::to_string(command),
            Self::Ledger(command) => serde_json::to_string(command),
            Self::Inquiry(command) => serde_json::to_string(command),
            Self::Access(command) => serde_json::to_string(command),
            Self::Concern(command) => serde_json::to_string(command),
        }
    }

    /// JSON Schema of every command, one for each stream kind.
    pub fn schemas() -> Vec<(StreamKind, schemars::Schema)> {
        vec![
            (StreamKind::Hazard, schemars::schema_for!(HazardCommand)),
            (StreamKind::Report, schemars::schema_for!(ReportCommand)),
            (StreamKind::Reward, schemars::schema_for!(RewardCommand)),
            (StreamKind::Enterprise, schemars::schema_for!(EnterpriseCommand)),
            (StreamKind::Inspection, schemars::schema_for!(InspectionCommand)),
            (StreamKind::Actor, schemars::schema_for!(ActorCommand)),
            (StreamKind::Rules, schemars::schema_for!(RulesCommand)),
            (StreamKind::Ledger, schemars::schema_for!(LedgerCommand)),
            (StreamKind::Inquiry, schemars::schema_for!(InquiryCommand)),
            (StreamKind::Access, schemars::schema_for!(AccessCommand)),
            (StreamKind::Concern, schemars::schema_for!(ConcernCommand)),
        ]
    }

    /// Every command type, `hazard.report` and so on, as the schemas name them.
    pub fn types() -> &'static [String] {
        static TYPES: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
            let mut types = Vec::new();
            for (_, schema) in Command::schemas() {
                let variants = schema.get("oneOf").and_then(|v| v.as_array().cloned()).unwrap_or_default();
                types.extend(variants.iter().filter_map(|variant| {
                    variant.pointer("/properties/type/const")?.as_str().map(str::to_owned)
                }));
            }
            types
        });
        &TYPES
    }
}

/// One command with its idempotency key.
#[derive(Clone, Debug)]
pub struct Request {
    /// The same id with the same content gives the same answer, however often it comes.
    pub id: CommandId,
    /// The stream to write to; `None` starts a new one with a random id.
    pub stream: Option<StreamId>,
    pub command: Command,
}
