//! Two plain pages without scripts: where one begins, and what the API offers.

use std::fmt::Write as _;
use std::sync::Arc;

use adit_core::command::Command;
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::vkey::hex;
use axum::extract::State;
use axum::response::Html;

use crate::app::App;
use crate::openapi::{ROUTES, RULE_ROUTE};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2430;--paper:#fbfaf7;--line:#d9d4c7;--mark:#8a3b12}\
@media(prefers-color-scheme:dark){:root{--ink:#e9e4d8;--paper:#16181c;--line:#3a3d44;--mark:#e39a6a}}\
body{margin:0 auto;max-width:60rem;padding:1.2rem;font:1rem/1.6 system-ui,'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif;color:var(--ink);background:var(--paper)}\
h1{font-size:1.9rem;margin:.2rem 0}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid var(--line)}\
a{color:var(--mark)}code{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}\
dl{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.3rem 1rem}dt{opacity:.75}dd{margin:0;overflow-wrap:anywhere}\
pre{overflow-x:auto;border:1px solid var(--line);padding:.8rem;border-radius:.4rem}li{margin:.35rem 0}\
.method{display:inline-block;min-width:3.2rem;font-weight:600;color:var(--mark)}";

fn frame(title: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body>{body}</body></html>"
    ))
}

/// Characters that mean something in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

pub(crate) async fn start(State(app): State<Arc<App>>) -> Html<String> {
    let ledger = app.office.ledger();
    let note = ledger.checkpoint();
    let root = Checkpoint::parse(&note).map(|(checkpoint, _)| hex(&checkpoint.root)).unwrap_or_default();
    let body = format!(
        "<header><h1>明硐 Adit</h1><p>重大事故隐患与安全生产举报台账<br>\
         <span lang=\"en\">Ledger of major accident hazards and public reports</span></p></header>\
         <main><h2>台账 <span lang=\"en\">Ledger</span></h2><dl>\
         <dt>名称 Origin</dt><dd><code>{origin}</code></dd>\
         <dt>条目 Entries</dt><dd>{size}</dd>\
         <dt>树根 Root</dt><dd><code>{root}</code></dd></dl>\
         <h2>检查点 <span lang=\"en\">Checkpoint</span></h2><pre><code>{note}</code></pre>\
         <p>任何人都可以取得公开条目和检查点，并用其他工具核验；条目只说明发生了什么，不含姓名、地点和内容。<br>\
         <span lang=\"en\">Anybody can fetch entries and checkpoint and verify them with other tools. Entries say that something \
         happened, never to whom, where or what.</span></p>\
         <h2>使用 <span lang=\"en\">Use</span></h2><ul>\
         <li><a href=\"/docs\">接口说明 <span lang=\"en\">what the API offers</span></a></li>\
         <li><a href=\"/openapi.json\">OpenAPI 3.1</a></li>\
         <li><a href=\"/api/v1/checkpoint\">检查点 <span lang=\"en\">checkpoint</span></a></li>\
         <li><a href=\"/api/v1/entries/0\">第 0 条 <span lang=\"en\">entry 0</span></a></li>\
         <li><a href=\"/api/v1/rules\">规则包 <span lang=\"en\">rule packs</span></a></li></ul></main>",
        origin = escaped(ledger.origin()),
        size = ledger.size(),
        note = escaped(&String::from_utf8_lossy(&note)),
    );
    frame("明硐 Adit", &body)
}

pub(crate) async fn docs() -> Html<String> {
    let mut body = String::from(
        "<header><h1>接口说明 <span lang=\"en\">API</span></h1><p><a href=\"/\">明硐 Adit</a> · \
         <a href=\"/openapi.json\">openapi.json</a></p></header><main><h2>路径 <span lang=\"en\">Routes</span></h2><ul>",
    );
    let rule = (RULE_ROUTE.0, RULE_ROUTE.1, RULE_ROUTE.2, None);
    for (method, path, says, _) in ROUTES.into_iter().chain([rule]) {
        let method = method.to_uppercase();
        // Writing to a string can't fail.
        let _ = write!(
            body,
            "<li><span class=\"method\">{method}</span> <code>{}</code><br>{}</li>",
            escaped(path),
            escaped(says)
        );
    }
    body.push_str("</ul><h2>命令 <span lang=\"en\">Commands</span></h2><ul>");
    for (_, schema) in Command::schemas() {
        for variant in schema.get("oneOf").and_then(|v| v.as_array()).into_iter().flatten() {
            let kind = variant.pointer("/properties/type/const").and_then(|v| v.as_str()).unwrap_or_default();
            let says = variant.get("description").and_then(|v| v.as_str()).unwrap_or_default();
            let _ = write!(body, "<li><code>{}</code><br>{}</li>", escaped(kind), escaped(says));
        }
    }
    body.push_str("</ul></main>");
    frame("接口说明 API", &body)
}
