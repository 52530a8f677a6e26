//! The page where anybody drops a receipt and is told in plain words what it proves.
//!
//! It asks for no sign-in and keeps nothing, except the checkpoint of a receipt that contradicts this ledger.

use std::sync::Arc;

use adit_core::ledger::disk::RealDisk;
use adit_core::ledger::evidence;
use adit_core::ledger::home::Home;
use adit_core::ledger::receipt::{Proven, RECEIPT_BYTES_MAX, Receipt, ReceiptError};
use adit_core::ledger::vkey::hex;
use adit_core::refusal::{Lang, Refusal, Words};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;

use super::render;
use crate::app::App;
use crate::handlers::{Answered, Shared, blocking};
use crate::labels::kind;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Largest request: a receipt, spelled out as a form spells it, and the form around it.
const FORM_BYTES_MAX: usize = 3 * RECEIPT_BYTES_MAX + 8192;

#[derive(Template, Default)]
#[template(path = "verify.html")]
struct Page {
    origin: String,
    /// The log's keys in force.
    keys: Vec<String>,
    found: Option<Found>,
    refused: Option<(Words, Words)>,
}

/// What a receipt proves, as the page says it.
struct Found {
    position: u64,
    stream: String,
    revision: u64,
    stream_kind: (String, String),
    kind: (String, String),
    code: String,
    day: String,
    /// Size of the log when the checkpoint was signed.
    size: u64,
    leaf: String,
    signed_by: Vec<String>,
    /// Names of signature lines by keys that this ledger does not know.
    others: Vec<String>,
    published: bool,
    /// The checkpoint is not of this ledger's tree.
    contradicts: bool,
    entry: String,
}

impl Page {
    fn empty(app: &App) -> Self {
        let ledger = app.office.ledger();
        Self {
            origin: ledger.origin().to_owned(),
            keys: ledger.log_keys_in_force().iter().map(ToString::to_string).collect(),
            ..Self::default()
        }
    }
}

/// The page that verifies receipts
///
/// 核验回执网页：任何人可用，无须登录。
#[utoipa::path(get, path = "/verify", tag = "log", responses((status = 200, description = "HTML")))]
pub(crate) async fn form(State(app): Shared) -> Answered {
    render(&Page::empty(&app))
}

/// What a receipt proves
///
/// 核验回执：上传 .tlog-proof 文件，或粘贴其全文；说明证明了什么、没有证明什么。
///
/// A form with the file `receipt` or the text `pasted` (multipart or urlencoded), or the receipt itself as text/plain. The
/// receipt is not kept. A checkpoint that this ledger signed but that contradicts it is kept as evidence, and the operator
/// is told.
#[utoipa::path(post, path = "/verify", tag = "log",
    responses((status = 200, description = "HTML: what it proves, and what not"), (status = 413, description = "receipt.too_long"),
        (status = 422, description = "HTML: why it proves nothing")))]
pub(crate) async fn verify(State(app): Shared, ReceiptBytes(bytes): ReceiptBytes) -> Answered {
    let worker = Arc::clone(&app);
    let (status, page) = blocking(move || examine(&worker, &bytes)).await?;
    Ok((status, render(&page)?).into_response())
}

fn examine(app: &App, bytes: &[u8]) -> Result<(StatusCode, Page), Problem> {
    let ledger = app.office.ledger();
    let mut page = Page::empty(app);
    let proven = Receipt::parse(bytes).and_then(|receipt| receipt.verify(&ledger.log_keys()));
    let held = |proven: &Proven| ledger.held_at(proven.checkpoint.size, &proven.signed_by);
    match proven.and_then(|proven| if held(&proven) { Ok(proven) } else { Err(ReceiptError::KeyEnded) }) {
        Ok(proven) => {
            let ours = ledger.root_at(proven.checkpoint.size).map_err(|error| unreadable(&error))?;
            let contradicts = ours != Some(proven.checkpoint.root);
            if contradicts {
                let note = proven.note.to_bytes();
                let keep =
                    |home: &Home| evidence::keep(&RealDisk::default(), &home.data, "checkpoint", &note);
                let kept = ledger.home().map(keep);
                tracing::error!(
                    size = proven.checkpoint.size,
                    ?kept,
                    "a checkpoint was shown that this log's key signed, but whose tree is not this one; see evidence"
                );
            }
            let published = proven.position.0 < ledger.published().size();
            page.found = Some(Found::new(&proven, published, contradicts));
            Ok((StatusCode::OK, page))
        }
        Err(error) => {
            let refusal = Refusal::new(error.code());
            page.refused = Some((refusal.words(Lang::Zh), refusal.words(Lang::En)));
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

impl Found {
    fn new(proven: &Proven, published: bool, contradicts: bool) -> Self {
        let entry = proven.entry.entry();
        let lines = proven.note.signatures.iter();
        let others = lines.filter(|line| !proven.signed_by.iter().any(|key| line.is_by(key)));
        Self {
            position: proven.position.0,
            stream: entry.stream.to_string(),
            revision: entry.revision.0,
            stream_kind: kind(entry.stream.kind.name()),
            kind: kind(&entry.kind),
            code: entry.kind.clone(),
            day: entry.day.to_string(),
            size: proven.checkpoint.size,
            leaf: hex(&proven.entry.leaf_hash()),
            signed_by: proven.signed_by.iter().map(ToString::to_string).collect(),
            others: others.map(|line| line.name.clone()).collect(),
            published,
            contradicts,
            entry: String::from_utf8_lossy(proven.entry.bytes()).into_owned(),
        }
    }
}

/// A receipt as a form, or a program, sends it.
pub(crate) struct ReceiptBytes(Vec<u8>);

#[derive(Deserialize)]
struct Pasted {
    #[serde(default)]
    pasted: String,
}

impl FromRequest<Arc<App>> for ReceiptBytes {
    type Rejection = Problem;

    async fn from_request(mut request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind =
            kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "multipart/form-data" => {
                DefaultBodyLimit::apply(DefaultBodyLimit::max(FORM_BYTES_MAX), &mut request);
                let form = Multipart::from_request(request, app).await;
                uploaded(form.map_err(|_| ApiRefusal::BadRequest)?).await.map(Self)
            }
            "application/x-www-form-urlencoded" => {
                let form: Pasted = serde_urlencoded::from_bytes(&whole(request).await?)
                    .map_err(|_| Problem::from(ApiRefusal::BadRequest))?;
                Ok(Self(pasted(&form.pasted)))
            }
            _ => Ok(Self(whole(request).await?.to_vec())),
        }
    }
}

async fn whole(request: Request) -> Result<Bytes, Problem> {
    let bytes = axum::body::to_bytes(request.into_body(), FORM_BYTES_MAX).await;
    bytes.map_err(|_| ApiRefusal::TooLarge.into())
}

/// The file, or where none was chosen, the pasted text.
async fn uploaded(mut form: Multipart) -> Result<Vec<u8>, Problem> {
    let mut text = Vec::new();
    let refused = |status| match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::from(ApiRefusal::TooLarge),
        _ => ApiRefusal::BadRequest.into(),
    };
    while let Some(field) = form.next_field().await.map_err(|error| refused(error.status()))? {
        let is_file = match field.name() {
            Some("receipt") => true,
            Some("pasted") => false,
            Some(_) | None => continue,
        };
        let bytes = field.bytes().await.map_err(|error| refused(error.status()))?;
        if is_file && !bytes.is_empty() {
            return Ok(bytes.to_vec());
        }
        if !is_file {
            text = pasted(&String::from_utf8_lossy(&bytes));
        }
    }
    Ok(text)
}

/// A pasted text: forms send line ends of their own, and what is copied often lacks its last one.
fn pasted(text: &str) -> Vec<u8> {
    let mut text = text.replace("\r\n", "\n").trim_matches(['\n', ' ', '\t', '\u{feff}']).to_owned();
    text.push('\n');
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_receipt_is_read_as_the_file_was() {
        assert_eq!(pasted("\r\n a\r\n\r\nb"), b"a\n\nb\n");
        assert_eq!(pasted("a\n\n"), b"a\n");
    }
}
