//! `adit export bundle`: one zip that proves what happened in some streams.

use std::path::PathBuf;

use adit_api::access::Reader;
use adit_api::bundle::{Asked, Refused as NotMade, STREAMS_MAX, make};
use adit_core::id::{ActorId, StreamId};
use adit_core::ledger::home::Home;
use adit_core::ledger::vkey::SigningKey;
use adit_core::office::Office;
use adit_core::office::bundle::BundleFailure;
use anyhow::Result;
use serde_json::json;

use super::write;
use crate::failure::fail;
use crate::output::Refused;

/// Write an evidence bundle: entries, bodies, proofs, keys and grants, rule packs, and a page that verifies it in a browser.
///
/// It proves what happened in the streams without the ledger: `adit verify BUNDLE.zip`, its index.html, or the tools of others that
/// its VERIFY.md names. Whoever holds the ledger takes every body along; --as leaves out what an account may not see.
/// 导出证据包：条目、正文、证明、密钥与授权、规则包，以及在浏览器中离线核验的网页；--as 只含该账号有权查看的内容。
///
/// Where bodies of reports, rewards, inquiries or accesses go out, an officer answers for it with --actor, and the ledger records it
/// before the file is written.
///
/// Example: adit export bundle --data /srv/adit --stream hazard/3k9f2m7q8r1t5v6w0x4yzabcde case.zip
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: crate::DataDir,
    /// A stream; may be given several times
    #[arg(long = "stream", value_name = "STREAM", required = true)]
    streams: Vec<StreamId>,
    /// Without any body
    #[arg(long)]
    entries_only: bool,
    /// What the account of this actor may see, and no more
    #[arg(long = "as", value_name = "ACTOR")]
    actor: Option<ActorId>,
    /// The officer who answers for confidential bodies that go out
    #[arg(long = "actor", value_name = "ID", requires = "password")]
    signer: Option<ActorId>,
    /// The officer's password; better given in the environment
    #[arg(long, env = "ADIT_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Trust policy (C2SP tlog-policy) to take along
    #[arg(long, value_name = "FILE", env = "ADIT_POLICY")]
    policy: Option<PathBuf>,
    /// The zip to write
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut streams = args.streams.clone();
    streams.sort_unstable();
    streams.dedup();
    if streams.len() > STREAMS_MAX {
        let en = format!("a bundle takes at most {STREAMS_MAX} streams; make several bundles");
        return Err(fail(format!("一个证据包至多 {STREAMS_MAX} 个事项，请分成几个"), en));
    }
    let policy = args.policy.as_deref().map(crate::witness::policy_of).transpose()?;
    let ledger = crate::open::ledger(&args.data.data)?;
    ledger.publish_due();
    let office = Office::open(ledger)?;
    let reader = args.actor.map(|actor| Reader::of(&office, actor)).transpose()?;
    let policy = policy.as_ref().map(adit_core::ledger::policy::Policy::file);
    let signer = signer(args, &office, &streams)?;
    let asked = Asked { streams: &streams, entries_only: args.entries_only, policy, signer: signer.as_ref() };
    let made = make(&office, reader.as_ref(), asked).map_err(words)?;
    write(&args.out, &made.zip)?;
    let (size, entries, bodies, bytes) = (made.size, made.entries, made.bodies.len(), made.zip.len());
    if args.json {
        say!("{}", json!({ "size": size, "entries": entries, "bodies": bodies, "bytes": bytes }));
    } else {
        say!(
            "已导出 / exported: {entries} entries, {bodies} bodies, log size {size}, {}",
            args.out.display()
        );
        say!(
            "  公钥，请另行告知收件人 / the log's key, to be told by another way: {}",
            office.ledger().log_key().vkey()
        );
    }
    Ok(())
}

/// The key of the officer who answers for it; not of one from whom one of the reports is kept.
fn signer(args: &Args, office: &Office, streams: &[StreamId]) -> Result<Option<SigningKey>> {
    let Some((actor, password)) = args.signer.zip(args.password.as_deref()) else { return Ok(None) };
    let reader = Reader::of(office, actor)?;
    for stream in streams {
        if reader.is_kept_from(office, stream)? {
            return Err(words(NotMade::Forbidden(*stream)));
        }
    }
    let home = Home::beside(&args.data.data);
    Ok(Some(crate::open::key_of(&home, actor, password)?))
}

fn words(error: NotMade) -> anyhow::Error {
    match error {
        NotMade::Forbidden(stream) => fail(
            format!("该账号无权取得 {stream} 的证据包"),
            format!("this account may not have {stream} in a bundle"),
        ),
        NotMade::NoSigner => fail(
            "举报、奖励、倒查或查阅的正文外出须由工作人员负责：请用 --actor 指明，口令放在 ADIT_PASSWORD；或用 --entries-only 只导出条目",
            "bodies of reports, rewards, inquiries or accesses go out in somebody's name: say whose with --actor, with the password in ADIT_PASSWORD; or take --entries-only",
        ),
        NotMade::NotRecorded(error) => {
            anyhow::Error::from(error).context("the export could not be recorded, so nothing was written")
        }
        NotMade::Failure(BundleFailure::Bundle(error)) => Refused(error.refusal()).into(),
        NotMade::Failure(BundleFailure::Nothing(stream)) => fail(
            format!("{stream} 没有可以出示的条目：请核对编号，或待下次公布"),
            format!(
                "{stream} has no entry that may be shown yet: look at the name, or wait for the next publication"
            ),
        ),
        NotMade::Failure(BundleFailure::Read(error)) => {
            anyhow::Error::from(error).context("couldn't read the ledger")
        }
        NotMade::Failure(BundleFailure::Rules(error)) => {
            anyhow::Error::from(error).context("couldn't read the rules")
        }
    }
}
