//! The OpenAPI 3.1 document. Paths come from the very handlers that are routed; commands are described by the JSON Schema
//! of the very types that read them.

use adit_core::command::Command;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::handlers::commands::Append;
use crate::handlers::joint::MadeCode;
use crate::handlers::pickups::{Exchange, TakeDown};
use crate::handlers::reporters::Mine;
use crate::handlers::sign_in::{ChangePassword, SignIn, SignInByKey};
use crate::handlers::vouchers::Voucher;

/// What stands in the document besides the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Adit 明硐",
        description = "重大事故隐患与安全生产举报台账。Ledger of major accident hazards and public reports.\n\n\
            Every refusal is application/problem+json with code, rule, and words in Chinese and English; nothing was \
            written then. Every command has an id: the same id with the same content gives the same answer."
    ),
    tags(
        (name = "session", description = "登录 Signing in and out"),
        (name = "commands", description = "命令 Commands: signed here, by a second officer, or by the client"),
        (name = "queries", description = "查询 Queries, as far as one's roles allow"),
        (name = "reports", description = "举报的密封材料 What is sealed in reports: opened, sealed, uploaded"),
        (name = "log", description = "公开日志 The public log (C2SP tlog-tiles), receipts and their verification; no sign-in"),
        (name = "rules", description = "规则 Rules as data"),
        (name = "desk", description = "工作台 The workbench: pages of those who sign events"),
        (name = "server", description = "服务 The server and its pages")
    )
)]
pub(crate) struct Head;

/// The document for `routes`, complete with the schemas that they name.
pub(crate) fn document(routes: &utoipa::openapi::OpenApi) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(routes)?;
    let problem = json!({
        "description": "Refused: RFC 9457 problem document",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    if let Some(paths) = paths {
        // What the router calls a rest of the path has no mark of its own in OpenAPI.
        *paths =
            std::mem::take(paths).into_iter().map(|(path, value)| (path.replace("{*", "{"), value)).collect();
    }
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for operation in paths.into_iter().flatten().filter_map(|(_, path)| path.as_object_mut()).flatten() {
        if let Some(responses) = operation.1.get_mut("responses").and_then(Value::as_object_mut) {
            responses.insert("default".to_owned(), problem.clone());
        }
    }
    document["components"] = json!({
        "schemas": schemas(),
        "securitySchemes": {
            "bearer": { "type": "http", "scheme": "bearer" },
            "cookie": { "type": "apiKey", "in": "cookie", "name": crate::extract::COOKIE },
        },
    });
    Ok(document)
}

/// A command: its type, what it does, and its JSON Schema with the references of its kind.
pub(crate) struct CommandDoc {
    pub(crate) kind: String,
    pub(crate) says: String,
    schema: Value,
}

/// Every command, in the order of the streams; their definitions go into `definitions`.
pub(crate) fn commands(definitions: &mut Map<String, Value>) -> Vec<CommandDoc> {
    let mut docs = Vec::new();
    for (kind, schema) in Command::schemas() {
        let mut schema = Value::from(schema);
        if let Some(Value::Object(own)) = schema.as_object_mut().and_then(|schema| schema.remove("$defs")) {
            for (name, value) in own {
                definitions.insert(format!("{}_{name}", kind.name()), moved(value, kind.name()));
            }
        }
        let Value::Object(mut schema) = moved(schema, kind.name()) else { continue };
        let Some(Value::Array(variants)) = schema.remove("oneOf") else { continue };
        for variant in variants {
            let text = |pointer: &str| {
                variant.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            docs.push(CommandDoc {
                kind: text("/properties/type/const"),
                says: text("/description"),
                schema: variant,
            });
        }
    }
    docs
}

fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    let id = json!({ "type": "string", "pattern": "^[0-7][0-9a-hjkmnp-tv-z]{25}$" });
    let stream = json!({ "type": ["string", "null"], "pattern": "^[a-z]+/[0-7][0-9a-hjkmnp-tv-z]{25}$",
        "description": "The stream to write to; none starts a new one" });
    let mut with_co_signer = Vec::new();
    let mut with_signers = Vec::new();
    for CommandDoc { kind, says, schema } in commands(&mut schemas) {
        let name = format!("command.{kind}");
        let mut properties = schema.get("properties").cloned().unwrap_or_default();
        properties["id"] = id.clone();
        properties["stream"] = stream.clone();
        let command = |extra: &str, of: Value, required: &[&str]| {
            let mut properties = properties.clone();
            properties[extra] = of;
            json!({ "title": kind, "description": says, "type": "object", "required": required,
                "properties": properties, "additionalProperties": false })
        };
        let required = ["id", "type", "data"];
        let co_signer =
            json!({ "type": ["string", "null"], "description": "Actor id of the second officer" });
        schemas.insert(name.clone(), command("co_signer", co_signer, &required));
        with_co_signer.push(json!({ "$ref": format!("#/components/schemas/{name}") }));
        let signers = json!({ "type": "array", "items": { "type": "string" }, "description": "vkeys of those who sign" });
        let name = format!("prepare.{kind}");
        schemas.insert(name.clone(), command("signers", signers, &["id", "type", "data", "signers"]));
        with_signers.push(json!({ "$ref": format!("#/components/schemas/{name}") }));
    }
    schemas.insert("Command".into(), json!({ "oneOf": with_co_signer }));
    schemas.insert("Prepare".into(), json!({ "oneOf": with_signers }));
    schemas.insert("Append".into(), own::<Append>());
    schemas.insert("TakeDown".into(), own::<TakeDown>());
    schemas.insert("Exchange".into(), own::<Exchange>());
    schemas.insert("MadeCode".into(), own::<MadeCode>());
    schemas.insert("Mine".into(), own::<Mine>());
    schemas.insert("Voucher".into(), own::<Voucher>());
    schemas.insert("SignIn".into(), own::<SignIn>());
    schemas.insert("SignInByKey".into(), own::<SignInByKey>());
    schemas.insert("ChangePassword".into(), own::<ChangePassword>());
    schemas.insert("Facts".into(), json!({ "type": "object", "description": "As for `adit rules`" }));
    schemas.insert("Problem".into(), problem());
    schemas
}

/// The schema of a body of the API itself, with everything it names in place.
fn own<T: JsonSchema>() -> Value {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    Value::from(SchemaGenerator::new(settings).into_root_schema_for::<T>())
}

fn problem() -> Value {
    let words = json!({ "type": "object", "required": ["says", "instead", "rule"], "properties": {
        "says": { "type": "string" }, "instead": { "type": "string" }, "rule": { "type": "string" } } });
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "rule", "details", "zh", "en"],
        "properties": {
            "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
            "code": { "type": "string", "description": "Named after the broken rule" },
            "rule": { "type": "string" },
            "details": { "type": "object", "additionalProperties": { "type": "string" } },
            "zh": words, "en": words,
        },
    })
}

/// References to `$defs` point to the components of the stream's kind.
fn moved(value: Value, kind: &str) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix("#/$defs/") {
            Some(name) => Value::String(format!("#/components/schemas/{kind}_{name}")),
            None => Value::String(text),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(|item| moved(item, kind)).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, moved(value, kind))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}
