//! The OpenAPI 3.1 document. Commands are described by the JSON Schema of the very types that read them.

use adit_core::command::Command;
use serde_json::{Map, Value, json};

/// Method, path, what it does, and the schema of what comes in.
pub const ROUTES: [(&str, &str, &str, Option<&str>); 17] = [
    ("get", "/", "Start page / 首页", None),
    ("get", "/docs", "This document as a page / 接口说明页", None),
    ("get", "/openapi.json", "This document / 接口说明", None),
    ("get", "/healthz", "Whether the ledger writes / 运行状况", None),
    ("post", "/api/v1/sign-in", "Unlock one's signing key for a session / 登录", Some("SignIn")),
    ("post", "/api/v1/sign-out", "End the session / 退出", None),
    ("get", "/api/v1/session", "Who is signed in, with which roles / 当前会话", None),
    (
        "post",
        "/api/v1/commands",
        "Carry out a command, signed by the session's key; with `co_signer` it waits for a second officer / 提交命令",
        Some("Command"),
    ),
    ("get", "/api/v1/pending", "Commands that wait for my signature / 待我签名", None),
    ("post", "/api/v1/pending/{id}/sign", "Sign as the second officer / 第二人签名", None),
    (
        "post",
        "/api/v1/prepare",
        "The texts to sign for keys that the client holds / 取待签文本",
        Some("Prepare"),
    ),
    ("post", "/api/v1/append", "Append what was signed by the client / 提交签名", Some("Append")),
    (
        "get",
        "/api/v1/streams/{kind}/{id}",
        "Events of a stream, as far as one may read them / 事项记录",
        None,
    ),
    ("get", "/api/v1/entries/{position}", "The public entry at a position / 公开条目", None),
    (
        "get",
        "/api/v1/projections/{name}",
        "Rows of a read model; `offset`, `limit`, `contains`, `as_of` (position or day), `after` / 汇总表",
        None,
    ),
    ("get", "/api/v1/rules", "Rule packs with their hashes / 规则包", None),
    ("get", "/api/v1/checkpoint", "The newest signed checkpoint / 最新检查点", None),
];

/// Routes that ask a rule.
pub const RULE_ROUTE: (&str, &str, &str) =
    ("post", "/api/v1/rules/{name}", "Ask reward, relief, deadline or closure / 规则测算");

/// The document.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for (method, path, says, body) in ROUTES {
        add(&mut paths, method, path, says, body);
    }
    let (method, path, says) = RULE_ROUTE;
    add(&mut paths, method, path, says, Some("Facts"));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Adit 明硐",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Ledger of major accident hazards and public reports. Refusals are application/problem+json with code, rule, and words in Chinese and English.",
        },
        "paths": paths,
        "components": { "schemas": schemas() },
    })
}

fn add(paths: &mut Map<String, Value>, method: &str, path: &str, says: &str, body: Option<&str>) {
    let parameters: Vec<Value> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    let mut operation = json!({
        "summary": says,
        "parameters": parameters,
        "responses": {
            "200": { "description": "OK" },
            "4XX": { "description": "Refused", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } },
        },
    });
    if let Some(body) = body {
        let schema = json!({ "$ref": format!("#/components/schemas/{body}") });
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    let entry = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
    entry[method] = operation;
}

fn schemas() -> Value {
    let mut schemas = Map::new();
    let mut commands = Vec::new();
    for (kind, schema) in Command::schemas() {
        let name = format!("{}_command", kind.name());
        let mut schema = Value::from(schema);
        // Definitions move to where OpenAPI keeps them.
        if let Some(Value::Object(definitions)) = schema.as_object_mut().and_then(|s| s.remove("$defs")) {
            for (definition, value) in definitions {
                schemas.insert(format!("{}_{definition}", kind.name()), moved(value, kind.name()));
            }
        }
        schemas.insert(name.clone(), moved(schema, kind.name()));
        commands.push(json!({ "$ref": format!("#/components/schemas/{name}") }));
    }
    let id = json!({ "type": "string", "pattern": "^[0-7][0-9a-hjkmnp-tv-z]{25}$" });
    let head = json!({ "type": "object", "required": ["id", "type", "data"], "properties": {
        "id": id, "stream": { "type": "string" }, "type": { "enum": Command::types() }, "data": { "type": "object" } } });
    schemas.insert("Command".into(), json!({ "allOf": [head, { "anyOf": commands }] }));
    schemas.insert("Prepare".into(), json!({ "allOf": [head, { "required": ["signers"] }] }));
    schemas.insert("Append".into(), json!({ "type": "object", "required": ["pending", "notes"] }));
    schemas.insert("SignIn".into(), json!({ "type": "object", "required": ["actor", "password"] }));
    schemas.insert("Facts".into(), json!({ "type": "object" }));
    schemas.insert(
        "Problem".into(),
        json!({ "type": "object", "required": ["code", "status", "zh", "en"], "properties": {
            "code": { "type": "string" }, "status": { "type": "integer" }, "rule": { "type": "string" },
            "zh": { "type": "object" }, "en": { "type": "object" } } }),
    );
    Value::Object(schemas)
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
