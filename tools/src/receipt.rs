//! `adit verify RECEIPT`: what a receipt proves, with nothing but the log's key.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use adit_core::ledger::note::SignatureLine;
use adit_core::ledger::policy::{Cosigned, Standing};
use adit_core::ledger::receipt::{Proven, RECEIPT_BYTES_MAX, Receipt, ReceiptError};
use adit_core::ledger::vkey::{VKey, hex};
use adit_core::refusal::Refusal;
use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::failure::fail;
use crate::output::Refused;

/// Verifies the receipt in `path`, `-` for standard input, against the log keys that `key` names or whose file it names; and
/// that enough witnesses of a policy cosigned its checkpoint.
pub(crate) fn run(path: &Path, key: &str, policy: Option<&Path>, as_json: bool) -> ExitCode {
    match check(path, key, policy) {
        Ok((proven, standing)) => {
            let cosigned = standing.map(|standing| standing.cosigned).unwrap_or_default();
            if as_json {
                say!("{}", said(&proven, &cosigned));
            } else {
                tell(&proven, &cosigned);
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

fn check(path: &Path, key: &str, policy: Option<&Path>) -> Result<(Proven, Option<Standing>)> {
    let keys = read_keys(key)?;
    let policy = policy.map(crate::witness::policy_of).transpose()?;
    let bytes = read(path).with_context(|| format!("couldn't read {}", path.display()))?;
    let refused = |error: ReceiptError| Refused(Refusal::new(error.code()));
    let receipt = Receipt::parse(&bytes).map_err(refused)?;
    let proven = receipt.verify(&keys).map_err(refused)?;
    let standing = policy.map(|policy| policy.standing(&receipt.checkpoint, &keys));
    let standing = standing.transpose().map_err(|error| refused(error.into()))?;
    if let Some(standing) = standing.as_ref().filter(|standing| !standing.met) {
        let count = standing.counts.iter().find(|count| count.is_quorum);
        let (cosigned, needed) = count.map_or((0, 0), |count| (count.cosigned, count.needed));
        let refusal = Refusal::new("receipt.no_quorum");
        let refusal = refusal.with("cosigned", &cosigned.to_string()).with("needed", &needed.to_string());
        return Err(Refused(refusal).into());
    }
    Ok((proven, standing))
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

pub(crate) fn read_keys(key: &str) -> Result<Vec<VKey>> {
    crate::open::vkeys(key).ok_or_else(|| {
        fail(
            "--key 应为日志公钥（名称+8位十六进制+base64），或存有公钥的文件，如 log.vkey",
            "--key takes a vkey such as name+0a1b2c3d+base64, or a file that holds one, such as log.vkey",
        )
    })
}

/// Names of signature lines that neither the log's key nor a witness of the policy made.
fn others<'a>(proven: &'a Proven, cosigned: &[Cosigned]) -> Vec<&'a str> {
    let lines = proven.note.signatures.iter();
    let known = |line: &SignatureLine| {
        let witnesses = cosigned.iter().map(|cosigned| &cosigned.witness);
        proven.signed_by.iter().chain(witnesses).any(|key| line.is_by(key))
    };
    lines.filter(|line| !known(line)).map(|line| line.name.as_str()).collect()
}

fn said(proven: &Proven, cosigned: &[Cosigned]) -> Value {
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
        "cosigned": cosigned
            .iter()
            .map(|one| json!({ "name": one.name, "witness": one.witness, "at": one.at }))
            .collect::<Vec<_>>(),
        "not_checked": others(proven, cosigned),
    })
}

fn tell(proven: &Proven, cosigned: &[Cosigned]) {
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
    for one in cosigned {
        say!("  见证 witnessed    {} {}", one.name, one.at);
    }
    for name in others(proven, cosigned) {
        say!("  未核 not checked {name}");
    }
    say!(
        "不证明持有人是谁，也不证明条目正文的内容 / it does not prove who holds it, nor what the entry's body says"
    );
}
