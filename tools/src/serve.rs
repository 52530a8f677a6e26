//! `adit serve`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_api::digest::mail::Mail;
use adit_api::digest::webhook::Webhook;
use adit_api::keystore::Keystore;
use adit_api::limits::Limits;
use adit_api::onion::Onion;
use adit_api::openid::OpenId;
use adit_api::passkeys::Site;
use adit_api::timestamps::Stamper;
use adit_api::witnesses::Witnesses;
use adit_api::{App, Options};
use adit_core::access::filler::PER_DAY_MAX;
use adit_core::ledger::home::Home;
use adit_core::ledger::publication::{PUBLICATION_SECONDS, PUBLICATION_SECONDS_MAX};
use adit_core::office::Office;
use anyhow::{Context, Result};
use zeroize::Zeroizing;

use crate::failure::fail;

/// One an hour: more than a county bureau opens on an ordinary day.
const ACCESS_PER_DAY: u32 = 24;

/// Serve the API and the start page until interrupted.
///
/// Example: adit serve --data /srv/adit --listen 127.0.0.1:8080
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: crate::DataDir,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", env = "ADIT_LISTEN")]
    listen: String,
    /// Seconds between two publications of the checkpoint and of what it covers, 1 to 86400
    #[arg(long, value_name = "SECONDS", default_value_t = PUBLICATION_SECONDS, env = "ADIT_PUBLISH_SECONDS",
        value_parser = clap::value_parser!(i64).range(1..=PUBLICATION_SECONDS_MAX))]
    publish_seconds: i64,
    /// Trust policy (C2SP tlog-policy); its witnesses that have addresses are asked to cosign what is published
    #[arg(long, value_name = "FILE", env = "ADIT_POLICY")]
    policy: Option<PathBuf>,
    /// Service that stamps the published checkpoint with its time once an hour (RFC 3161); it learns one hash
    #[arg(long, value_name = "URL", env = "ADIT_TIMESTAMP_URL")]
    timestamp_url: Option<String>,
    /// Access entries on each day, fillers among them, spread over the day, 0 to 480: from outside nobody can tell which of them
    /// is an opening or an export, as long as there are fewer of these on the day; 0 adds no fillers
    #[arg(long, value_name = "N", default_value_t = ACCESS_PER_DAY, env = "ADIT_ACCESS_PER_DAY",
        value_parser = clap::value_parser!(u32).range(..=i64::from(PER_DAY_MAX)))]
    access_per_day: u32,
    /// Address of the onion service that leads here, which pages for the public name to Tor Browser (docs/operators.md)
    #[arg(long, value_name = "URL", env = "ADIT_ONION")]
    onion: Option<Onion>,
    /// Address at which people open this server, such as `https://adit.example.gov.cn`: passkeys are bound to it, and without it
    /// there are none (docs/operators.md)
    #[arg(long, value_name = "URL", env = "ADIT_SITE")]
    site: Option<Site>,
    /// OpenID provider whose word takes the place of a second factor: a TOML file with issuer, client_id and client_secret, which
    /// nobody but this server's user may read (docs/operators.md)
    #[arg(long, value_name = "FILE", env = "ADIT_OPENID", requires = "site")]
    openid: Option<PathBuf>,
    /// Other limits than those that ship, in the form of api/data/limits.toml: what waits, and how much at once
    #[arg(long, value_name = "FILE", env = "ADIT_LIMITS")]
    limits: Option<PathBuf>,
    /// Mail server for the daily digest, as TOML that its owner alone may read: host, tls, user, password, from (docs/operators.md)
    #[arg(long, value_name = "FILE", env = "ADIT_MAIL")]
    mail: Option<PathBuf>,
    /// Where the bureau's messenger takes daily digests, as TOML that its owner alone may read: url, token (docs/operators.md)
    #[arg(long, value_name = "FILE", env = "ADIT_WEBHOOK")]
    webhook: Option<PathBuf>,
    /// Say the address as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let ledger = crate::open::ledger(&args.data.data)?;
    ledger.publish_every(args.publish_seconds);
    let log = ledger.log_keys_in_force();
    let witnesses = args.policy.as_ref().map(|path| {
        Witnesses::new(&crate::witness::policy_of(path)?, &log)
            .with_context(|| format!("couldn't use the policy {}", path.display()))
    });
    let witnesses = witnesses.transpose()?;
    let home = Home::beside(&args.data.data);
    let stamper = args.timestamp_url.as_ref().map(|url| Stamper::new(url, &home)).transpose()?;
    let limits = args.limits.as_ref().map(|path| limits_of(path)).transpose()?;
    let (onion, site) = (args.onion.clone(), args.site.clone());
    let used = |path: &Path| format!("couldn't use {}", path.display());
    let mail = args.mail.as_ref().map(|path| Mail::read(path).with_context(|| used(path))).transpose()?;
    let webhook = args.webhook.as_ref().map(|path| Webhook::read(path).with_context(|| used(path)));
    let openid = args.openid.as_ref().map(|path| openid_of(path)).transpose()?;
    let (webhook, access_per_day) = (webhook.transpose()?, args.access_per_day);
    let options =
        Options { access_per_day, onion, site, openid, limits, mail, webhook, ..Options::default() };
    let others = Others { witnesses, stamper };
    serve(Office::open(ledger)?, &home, &args.listen, args.json, options, others)
}

/// The provider of a file, which holds a secret.
fn openid_of(path: &Path) -> Result<OpenId> {
    let read = || format!("couldn't read {}", path.display());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if std::fs::metadata(path).with_context(read)?.permissions().mode() & 0o077 != 0 {
            return Err(fail(
                format!("{} 里有客户端密钥，其他用户却能读写；请先 chmod 600", path.display()),
                format!(
                    "{} holds the client's secret, and other users may read or write it: chmod 600 first",
                    path.display()
                ),
            ));
        }
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).with_context(read)?);
    OpenId::read(&text).with_context(|| format!("couldn't use {}", path.display()))
}

fn limits_of(path: &Path) -> Result<Limits> {
    let text = std::fs::read_to_string(path).with_context(|| format!("couldn't read {}", path.display()))?;
    Limits::read(&text).with_context(|| format!("couldn't use {}", path.display()))
}

/// Who outside is asked about what is published.
#[derive(Default)]
pub(crate) struct Others {
    witnesses: Option<Witnesses>,
    stamper: Option<Stamper>,
}

/// Serves until Ctrl-C or SIGTERM, then writes a snapshot of the read models.
pub(crate) fn serve(
    office: Office,
    home: &Home,
    listen: &str,
    json: bool,
    options: Options,
    others: Others,
) -> Result<()> {
    let app = App::with(office, Keystore::at(&home.actors()), options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let saved = Arc::clone(&app);
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .with_context(|| format!("couldn't listen on {listen}"))?;
        let address = format!("http://{}", listener.local_addr()?);
        if json {
            say!("{}", serde_json::json!({ "listening": address }));
        } else {
            say!("明硐 Adit {address}\n按 Ctrl-C 停止 / Ctrl-C stops it");
        }
        if let Some(stamper) = others.stamper.map(Arc::new) {
            tokio::spawn(adit_api::timestamps::run(Arc::downgrade(&app), stamper));
        }
        tokio::spawn(adit_api::digest::run(Arc::downgrade(&app)));
        if let Some(witnesses) = others.witnesses.map(Arc::new) {
            app.attend(Arc::clone(&witnesses));
            tokio::spawn(adit_api::witnesses::run(Arc::downgrade(&app), witnesses));
        }
        adit_api::serve(listener, app, stopped()).await.context("the server stopped")
    })?;
    saved.save().context("couldn't write the snapshot; the next start replays")
}

pub(crate) async fn stopped() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminated) = signal(SignalKind::terminate()) else {
            let _ = interrupted.await;
            return;
        };
        tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupted.await;
}
