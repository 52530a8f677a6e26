//! `adit verify RECEIPT`: what a receipt proves, with nothing but the log's key.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use adit_core::ledger::receipt::{Proven, RECEIPT_BYTES_MAX, Receipt, ReceiptError};
use adit_core::ledger::vkey::{VKey, hex};
use adit_core::refusal::Refusal;
use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::failure::fail;
use crate::output::Refused;

/// Verifies the receipt in `path`, `-` for standard input, against the log key that `key` names or whose file it names.
pub(crate) fn run(path: &Path, key: &str, as_json: bool) -> ExitCode {
    match check(path, key) {
        Ok(proven) => {
            if as_json {
                say!("{}", said(&proven));
            } else {
                tell(&proven);
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            let code = error.downcast_ref::<Refused>().map(|Refused(refusal)| refusal.code.clone());
            if as_json {
                let fault = json!({ "code": code, "error": format!("{error:#}") });
                say!("{}", json!({ "ok": false, "fault": fault }));
            } else {
                crate::output::complain(&error);
            }
            ExitCode::FAILURE
        }
    }
}

fn check(path: &Path, key: &str) -> Result<Proven> {
    let key = read_key(key)?;
    let bytes = read(path).with_context(|| format!("couldn't read {}", path.display()))?;
    let refused = |error: ReceiptError| Refused(Refusal::new(error.code()));
    let receipt = Receipt::parse(&bytes).map_err(refused)?;
    Ok(receipt.verify(std::slice::from_ref(&key)).map_err(refused)?)
}

/// At most one byte more than a receipt may have.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = RECEIPT_BYTES_MAX as u64 + 1;
    if path == Path::new("-") {
        std::io::stdin().take(limit).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn read_key(key: &str) -> Result<VKey> {
    if let Ok(key) = key.parse() {
        return Ok(key);
    }
    let text = std::fs::read_to_string(key).ok();
    text.and_then(|text| text.trim_end().parse().ok()).ok_or_else(|| {
        fail(
            "--key 应为日志公钥（名称+8位十六进制+base64），或存有公钥的文件，如 log.vkey",
            "--key takes a vkey such as name+0a1b2c3d+base64, or a file that holds one, such as log.vkey",
        )
    })
}

/// Names of signature lines that the log's key did not make; a policy says whom of them to trust.
fn others(proven: &Proven) -> Vec<&str> {
    let lines = proven.note.signatures.iter();
    let others = lines.filter(|line| !proven.signed_by.iter().any(|key| line.is_by(key)));
    others.map(|line| line.name.as_str()).collect()
}

fn said(proven: &Proven) -> Value {
    let entry = proven.entry.entry();
    let checkpoint = &proven.checkpoint;
    json!({
        "ok": true,
        "position": proven.position,
        "stream": entry.stream,
        "revision": entry.revision,
        "kind": entry.kind,
        "day": entry.day,
        "leaf_hash": hex(&proven.entry.leaf_hash()),
        "checkpoint": { "origin": checkpoint.origin, "size": checkpoint.size, "root": hex(&checkpoint.root) },
        "signed_by": proven.signed_by,
        "not_checked": others(proven),
    })
}

fn tell(proven: &Proven) {
    let entry = proven.entry.entry();
    let checkpoint = &proven.checkpoint;
    say!("核验通过 / verified: {} recorded this entry", checkpoint.origin);
    say!("  位置 position    {} (log size {})", proven.position, checkpoint.size);
    say!("  事项 stream      {} {}", entry.stream, entry.revision);
    say!("  种类 kind        {}", entry.kind);
    say!("  日期 day         {}", entry.day);
    for key in &proven.signed_by {
        say!("  签署 signed by   {key}");
    }
    for name in others(proven) {
        say!("  未核 not checked {name}");
    }
    say!(
        "不证明持有人是谁，也不证明条目正文的内容 / it does not prove who holds it, nor what the entry's body says"
    );
}
