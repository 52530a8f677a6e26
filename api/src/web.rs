//! Scripts of pages: what seals a report and opens it, what keeps the workbench up with the ledger, what keeps drafts of an inspection, what asks for a passkey, and what moves a trace through its days. Built with the program, named
//! by their hashes, and served by nobody else.
//!
//! A page that runs it names the hash twice, in the tag (`integrity`) and in its own policy (`script-src`), so that a browser runs
//! these bytes or none; `/log/keys` tells the hash of the first to everybody.

use std::io::Write as _;
use std::sync::LazyLock;

use adit_core::ledger::vkey::hex;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::handlers::Answered;
use crate::handlers::log::takes_gzip;
use crate::problem::ApiRefusal;
use crate::routes::POLICY;

/// A script by what names it.
pub(crate) struct Script {
    pub(crate) path: String,
    /// `sha256-` and the hash in base64, as browsers write it.
    pub(crate) integrity: String,
    source: &'static str,
    compressed: Vec<u8>,
}

/// What seals a report in the browser, and opens it there.
pub(crate) static REPORT: LazyLock<Script> =
    LazyLock::new(|| Script::of("report", include_str!(concat!(env!("OUT_DIR"), "/report.js"))));

/// What keeps a page of the workbench up with the ledger.
pub(crate) static DESK: LazyLock<Script> =
    LazyLock::new(|| Script::of("desk", include_str!(concat!(env!("OUT_DIR"), "/desk.js"))));

/// What keeps drafts of an inspection on the device.
pub(crate) static DRAFT: LazyLock<Script> =
    LazyLock::new(|| Script::of("draft", include_str!(concat!(env!("OUT_DIR"), "/draft.js"))));

/// What asks the browser for a passkey.
pub(crate) static PASSKEY: LazyLock<Script> =
    LazyLock::new(|| Script::of("passkey", include_str!(concat!(env!("OUT_DIR"), "/passkey.js"))));

/// What moves a trace through the days of its hazard.
pub(crate) static TRACE: LazyLock<Script> =
    LazyLock::new(|| Script::of("trace", include_str!(concat!(env!("OUT_DIR"), "/trace.js"))));

impl Script {
    fn of(name: &str, source: &'static str) -> Self {
        let hash = Sha256::digest(source);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory can't fail; an empty one would not have the hash, and browsers would run nothing.
        let _ = encoder.write_all(source.as_bytes());
        Self {
            path: format!("/web/{name}-{}.js", hex(&hash[..8])),
            integrity: format!("sha256-{}", STANDARD.encode(hash)),
            source,
            compressed: encoder.finish().unwrap_or_default(),
        }
    }
}

/// The policy of a page that runs these: them and no others, and requests to us alone.
fn policy(scripts: &[&Script]) -> String {
    let named: Vec<String> = scripts.iter().map(|script| format!("'{}'", script.integrity)).collect();
    format!("{POLICY}; script-src {}; connect-src 'self'", named.join(" "))
}

/// The scripts of pages
///
/// 网页的脚本：举报网页的在浏览器里封存、打开，工作台的随台账刷新，检查表单的保存草稿，登录和账号页的使用通行密钥，倒查页的滑动查看过去各日。以内容的哈希命名；前者的 SHA-256 在 `/log/keys` 中。
///
/// Like every page it is not kept on the device: that it was fetched would tell who was here.
#[utoipa::path(get, path = "/web/{name}", tag = "reporter", params(("name" = String, Path)),
    responses((status = 200, description = "JavaScript", content_type = "text/javascript"), (status = 404, description = "api.not_found")))]
pub(crate) async fn script(Path(name): Path<String>, headers: HeaderMap) -> Answered {
    let named = |script: &&&Script| script.path.strip_prefix("/web/") == Some(name.as_str());
    let script = [&*REPORT, &*DESK, &*DRAFT, &*PASSKEY, &*TRACE].iter().find(named).copied();
    let script = script.ok_or(ApiRefusal::NotFound)?;
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::VARY, "accept-encoding")];
    if takes_gzip(&headers) {
        let gzip = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        return Ok((StatusCode::OK, kind, gzip, script.compressed.as_slice()).into_response());
    }
    Ok((StatusCode::OK, kind, script.source).into_response())
}

/// A page that may run these scripts.
pub(crate) fn with_scripts(mut page: Response, scripts: &[&Script]) -> Response {
    if let Ok(policy) = HeaderValue::from_str(&policy(scripts)) {
        page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    page
}
