//! `adit verify BUNDLE.zip`: everything that a bundle proves, with nothing but itself and the log's key.

use std::path::Path;
use std::process::ExitCode;

use adit_core::ledger::bundle::{BundleError, Verified, verify};
use adit_core::ledger::vkey::{VKey, hex};
use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::output::Refused;

/// Whether this file is to be verified as a bundle: by its name, or by how it begins.
pub(crate) fn is_bundle(path: &Path) -> bool {
    use std::io::Read;
    let mut first = [0; 4];
    let mut zip =
        |path: &Path| std::fs::File::open(path)?.read_exact(&mut first).map(|()| first == *b"PK\x03\x04");
    let named = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
    named || (path != Path::new("-") && zip(path).unwrap_or(false))
}

pub(crate) fn run(path: &Path, key: Option<&str>, policy: Option<&Path>, as_json: bool) -> ExitCode {
    match check(path, key, policy) {
        Ok(Ok(verified)) => {
            if as_json {
                say!("{}", said(&verified, key.is_some()));
            } else {
                tell(&verified, key.is_some());
            }
            ExitCode::SUCCESS
        }
        Ok(Err(fault)) => {
            if as_json {
                let mut place = json!(fault.details);
                place["code"] = json!(fault.refusal().code);
                say!("{}", json!({ "ok": false, "fault": place }));
            } else {
                eprintln!("核验不通过 / verification failed");
                crate::output::complain(&Refused(fault.refusal()).into());
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            if as_json {
                say!("{}", json!({ "ok": false, "fault": { "error": format!("{error:#}") } }));
            } else {
                crate::output::complain(&error);
            }
            ExitCode::FAILURE
        }
    }
}

fn check(path: &Path, key: Option<&str>, policy: Option<&Path>) -> Result<Result<Verified, BundleError>> {
    let key = key.map(crate::receipt::read_keys).transpose()?.unwrap_or_default();
    let policy = policy.map(crate::witness::policy_of).transpose()?;
    let bytes = std::fs::read(path).with_context(|| format!("couldn't read {}", path.display()))?;
    Ok(verify(&bytes, &key, policy.as_ref()))
}

fn signatures(verified: &Verified) -> usize {
    verified.entries.iter().map(|entry| entry.signers.len()).sum()
}

fn bodies(verified: &Verified) -> usize {
    verified.entries.iter().filter(|entry| entry.body).count()
}

fn said(verified: &Verified, trusted: bool) -> Value {
    let manifest = &verified.manifest;
    let entries = verified.entries.iter().map(|checked| {
        let entry = checked.signed.entry();
        let signers = checked.signers.iter().map(|(key, roles)| json!({ "key": key, "roles": roles }));
        json!({
            "position": checked.position, "stream": entry.stream, "revision": entry.revision, "kind": entry.kind,
            "day": entry.day, "signers": signers.collect::<Vec<_>>(), "body": checked.body,
        })
    });
    let streams = manifest
        .streams
        .iter()
        .map(|part| json!({ "stream": part.stream, "entries": part.entries, "asked": part.asked }));
    let witnesses = verified.standing.as_ref().map(|standing| {
        let by = standing.cosigned.iter().map(|one| json!({ "name": one.name, "at": one.at }));
        json!({ "quorum": standing.met, "cosigned": by.collect::<Vec<_>>() })
    });
    json!({
        "ok": true,
        "origin": manifest.origin,
        "day": manifest.day,
        "checkpoint": { "size": manifest.size, "root": hex(&manifest.root) },
        "log": verified.log,
        "fingerprint": verified.log.first().map(VKey::fingerprint),
        "key_given": trusted,
        "witnesses": witnesses,
        "streams": streams.collect::<Vec<_>>(),
        "entries": entries.collect::<Vec<_>>(),
        "signatures": signatures(verified),
        "bodies": bodies(verified),
        "rules": verified.rules,
        "rules_absent": verified.rules_absent,
    })
}

fn tell(verified: &Verified, trusted: bool) {
    let manifest = &verified.manifest;
    say!("核验通过 / verified: the bundle is whole and was not changed");
    say!("  台账 ledger      {}", manifest.origin);
    for key in &verified.log {
        say!("  公钥 log key     {key}");
    }
    if let Some(key) = verified.log.first().filter(|_| !trusted) {
        say!("  指纹 fingerprint {}", key.fingerprint());
        say!(
            "  公钥出自证据包本身，请与另一途径取得的公钥比对，或加 --key / the key is the bundle's own word: compare it, or use --key"
        );
    }
    say!("  检查点 checkpoint {} entries, {}", manifest.size, hex(&manifest.root));
    match &verified.standing {
        None => say!("  见证 witnesses   证据包未附信任策略 / the bundle has no trust policy"),
        Some(standing) => {
            for one in &standing.cosigned {
                say!("  见证 witnessed   {} {}", one.name, one.at);
            }
            if !standing.met {
                say!("  见证 witnesses   未达到策略要求 / fewer than the policy asks for");
            }
        }
    }
    for part in manifest.streams.iter().filter(|part| part.asked) {
        say!("  事项 stream      {} {} entries", part.stream, part.entries);
    }
    say!(
        "  核验 checked     {} entries, {} signatures, {} bodies, {} versions of the rules",
        verified.entries.len(),
        signatures(verified),
        bodies(verified),
        verified.rules.len()
    );
    for version in &verified.rules_absent {
        say!("  规则 rules       {version}: 文本不在证据包内 / its texts are not in the bundle");
    }
    say!(
        "不能证明检查点之后没有更晚的条目 / it does not prove that there is no later entry after the checkpoint"
    );
}
