//! How the system stands: what was published, who witnesses it, which keys sign, how much room there is, what was backed up, and whether
//! the daily digests went out.
//!
//! Nothing of any case stands here, so whoever runs the machine may see it.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::log::Ledger;
use adit_core::role::Role;
use adit_core::units::{Position, Timestamp};
use askama::Template;

use super::frame::{Desk, Frame, Shown, render};
use super::words::Words;
use crate::app::App;
use crate::digest::{Trouble as DigestTrouble, counted};
use crate::handlers::blocking;
use crate::problem::{ApiRefusal, Problem};
use crate::witnesses::Trouble;

/// Who looks after the machine, or answers for it.
const READERS: [Role; 4] = [Role::Admin, Role::Auditor, Role::Leader, Role::Investigator];

/// The last copy that was verified: its checkpoint, put beside the keys by whoever makes copies.
pub(crate) const BACKED_UP: &str = "backed-up";

/// One thing that is said, and whether it is well.
struct Line {
    name: String,
    text: String,
    well: bool,
}

struct Part {
    title: String,
    lines: Vec<Line>,
    /// What is said where there are none.
    empty: String,
}

#[derive(Template)]
#[template(path = "desk/system.html")]
struct SystemPage {
    frame: Frame,
    parts: Vec<Part>,
    well: bool,
}

/// How the system stands
///
/// 系统状态：公布、见证、密钥、存储、备份、每日提醒。
#[utoipa::path(get, path = "/desk/system", tag = "desk",
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden")))]
pub(crate) async fn show(desk: Desk) -> Shown {
    if !may_see(&desk) {
        return Err(ApiRefusal::Forbidden.into());
    }
    render(&blocking(move || page(&desk)).await?)
}

pub(super) fn may_see(desk: &Desk) -> bool {
    READERS.iter().any(|role| desk.reader.roles.contains(role)) && !desk.reader.is_enterprise()
}

#[expect(clippy::unnecessary_wraps, reason = "what runs apart from the request may fail elsewhere")]
fn page(desk: &Desk) -> Result<SystemPage, Problem> {
    let (app, w) = (&desk.app, desk.w);
    let parts = vec![
        ledger(app, w),
        witnesses(app, w),
        keys(app, w),
        storage(app, w),
        backup(app, w),
        digests(app, w),
    ];
    let well = parts.iter().flat_map(|part| &part.lines).all(|line| line.well);
    Ok(SystemPage { frame: Frame::of(desk), parts, well })
}

fn line(name: &str, text: impl Into<String>, well: bool) -> Line {
    Line { name: name.to_owned(), text: text.into(), well }
}

fn ledger(app: &App, w: Words) -> Part {
    let ledger = app.office.ledger();
    let published = ledger.published();
    let (size, shown) = (ledger.size(), published.size());
    let fault = |fault: Option<String>| {
        fault.map_or_else(|| (w.t("system.none").to_owned(), true), |text| (text, false))
    };
    let (writing, writes) = fault(ledger.lock_fault());
    let (publishing, publishes) = fault(ledger.publication_fault());
    let models = app.projector.read(|state| state.next().0);
    let at = if shown == 0 { w.t("system.never").to_owned() } else { published.at.local() };
    Part {
        title: w.t("system.ledger").to_owned(),
        lines: vec![
            line(w.t("system.origin"), ledger.origin(), true),
            line(w.t("system.entries"), size.to_string(), true),
            line(
                w.t("system.published"),
                w.fill("system.published_to", &[("n", &shown.to_string()), ("at", &at)]),
                true,
            ),
            line(w.t("system.next"), w.fill("system.seconds", &[("n", &ledger.due_in().to_string())]), true),
            line(w.t("system.lock_fault"), writing, writes),
            line(w.t("system.publication_fault"), publishing, publishes),
            line(w.t("system.models"), models.to_string(), app.projector.is_following()),
            line(w.t("system.search"), app.searcher.indexed().to_string(), true),
        ],
        empty: String::new(),
    }
}

fn witnesses(app: &App, w: Words) -> Part {
    let published = app.office.ledger().published().size();
    let lines = app.witnesses().into_iter().flat_map(crate::witnesses::Witnesses::status).map(|status| {
        let cosigned = status.cosigned.map(|size| size.to_string()).unwrap_or_default();
        let text = match status.trouble {
            None => w.fill("system.cosigned", &[("n", &cosigned), ("of", &published.to_string())]),
            Some(trouble) => said_of(w, trouble).to_owned(),
        };
        let alarms = match status.alarms {
            0 => String::new(),
            many => w.fill("system.alarms", &[("n", &many.to_string())]),
        };
        line(&status.name, text + &alarms, status.trouble.is_none() && status.alarms == 0)
    });
    Part {
        title: w.t("system.witnesses").to_owned(),
        lines: lines.collect(),
        empty: w.t("system.no_witnesses").to_owned(),
    }
}

fn said_of(w: Words, trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Unreachable => w.t("system.unreachable"),
        Trouble::Refused(_) => w.t("system.refused"),
        Trouble::BadAnswer => w.t("system.bad_answer"),
        Trouble::Later => w.t("system.later"),
        Trouble::Contradicted => w.t("system.contradicted"),
        Trouble::RolledBack => w.t("system.rolled_back"),
    }
}

fn keys(app: &App, w: Words) -> Part {
    let ring = app.office.ledger().keys();
    let lines = ring.log_keys().into_iter().map(|(key, state)| {
        let since = state.introduced.to_string();
        let text = match state.last {
            None => w.fill("system.signs_since", &[("n", &since)]),
            Some(last) => w.fill("system.signed_until", &[("n", &since), ("last", &last.to_string())]),
        };
        line(&key.to_string(), text, true)
    });
    Part { title: w.t("system.keys").to_owned(), lines: lines.collect(), empty: String::new() }
}

fn storage(app: &App, w: Words) -> Part {
    let title = w.t("system.storage").to_owned();
    let Some(home) = app.office.ledger().home() else {
        return Part { title, lines: Vec::new(), empty: w.t("system.in_memory").to_owned() };
    };
    let mut lines = Vec::new();
    let folders =
        [("journal", w.t("system.journal")), ("index", w.t("system.index")), ("blobs", w.t("system.blobs"))];
    for (folder, name) in folders {
        let Weight { bytes, files } = weigh(&home.data.join(folder));
        let details = [("size", megabytes(bytes)), ("n", files.to_string())];
        let details: Vec<(&str, &str)> = details.iter().map(|(name, text)| (*name, text.as_str())).collect();
        lines.push(line(name, w.fill("system.weighs", &details), true));
    }
    let room = app.office.ledger().blobs().and_then(|blobs| blobs.room().ok());
    let enough = room.is_some_and(|room| room >= app.intake.limits.room_for_files());
    lines.push(line(w.t("system.room"), room.map(megabytes).unwrap_or_default(), enough));
    let evidence = weigh(&home.data.join("evidence")).files;
    lines.push(line(w.t("system.evidence"), evidence.to_string(), evidence == 0));
    Part { title, lines, empty: String::new() }
}

/// What a folder holds.
#[derive(Default)]
struct Weight {
    bytes: u64,
    files: u64,
}

/// Bytes and files below a folder; what can't be read counts as nothing.
fn weigh(folder: &Path) -> Weight {
    let mut weight = Weight::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                folders.push(entry.path());
            } else {
                weight.bytes = weight.bytes.saturating_add(about.len());
                weight.files += 1;
            }
        }
    }
    weight
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / (1024 * 1024 / 10);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// What is known of the newest copy.
enum Copied {
    /// Nobody has put a checkpoint there.
    Never,
    /// What is there is no checkpoint of this ledger.
    Strange,
    /// So many entries, since then.
    UpTo(u64, Timestamp),
}

/// The newest copy that somebody verified, by the checkpoint that they put beside the keys.
fn backup(app: &App, w: Words) -> Part {
    let ledger = app.office.ledger();
    let copied = ledger.home().map_or(Copied::Never, |home| backed_up(ledger, &home.keys.join(BACKED_UP)));
    let (text, well) = match copied {
        Copied::Never => (w.t("system.no_copy").to_owned(), false),
        Copied::Strange => (w.t("system.strange_copy").to_owned(), false),
        Copied::UpTo(size, at) => {
            let behind = ledger.size().saturating_sub(size).to_string();
            let (size, at) = (size.to_string(), at.local());
            (w.fill("system.copied", &[("n", &size), ("at", &at), ("behind", &behind)]), true)
        }
    };
    let lines = vec![line(w.t("system.copy"), text, well)];
    Part { title: w.t("system.backup").to_owned(), lines, empty: String::new() }
}

/// Whether the last digests went out, by number: nobody's address, and nobody's name.
fn digests(app: &App, w: Words) -> Part {
    let title = w.t("system.digests").to_owned();
    if !app.digests.is_on() {
        return Part { title, lines: Vec::new(), empty: w.t("system.no_digests").to_owned() };
    }
    let now = app.office.ledger().now();
    let hour = u64::try_from(now.seconds_since(now.day().start())).unwrap_or_default() / 3600;
    let is_today = hour >= app.intake.limits.digest_hour;
    let day = if is_today { now.day() } else { now.day().plus_days(-1) };
    let today = app.digests.today();
    let why = |trouble: Option<DigestTrouble>| {
        trouble.map(|trouble| said_of_digest(w, trouble)).unwrap_or_default()
    };
    let (text, well) = match counted(app, day) {
        Ok((told, untold)) => {
            let (sent, left) = (told.to_string(), untold.to_string());
            let text =
                w.fill("system.digests_told", &[("day", &day.to_string()), ("n", &sent), ("left", &left)]);
            // Those of yesterday whose hour came while the server was stopped are not made up for. A mailbox that refuses is its owner's
            // business, unless all do.
            let some = told > 0 || today.settled() == 0;
            (text, untold == 0 || (is_today && today.trouble.is_none() && some))
        }
        Err(error) => {
            tracing::error!(%error, "what is kept of subscribers can't be read");
            (w.t("system.digests_unreadable").to_owned(), false)
        }
    };
    let settled = match today.settled() {
        0 => String::new(),
        many => w.fill("system.digests_settled", &[("n", &many.to_string())]),
    };
    let again = if today.gave_up { w.t("system.digests_over") } else { "" };
    let text = [text.as_str(), &settled, why(today.trouble), again].concat();
    let unmailed = app.digests.unmailed();
    let codes = unmailed.map_or(w.t("system.codes_mailed"), |trouble| said_of_digest(w, trouble));
    let lines = vec![
        line(w.t("system.digests_last"), text, well && today.trouble.is_none()),
        line(w.t("system.codes"), codes, unmailed.is_none()),
    ];
    Part { title, lines, empty: String::new() }
}

fn said_of_digest(w: Words, trouble: DigestTrouble) -> &'static str {
    match trouble {
        DigestTrouble::Unreachable => w.t("system.digest_unreachable"),
        DigestTrouble::Tls => w.t("system.digest_tls"),
        DigestTrouble::NotLetIn => w.t("system.digest_not_let_in"),
        DigestTrouble::Unfit => w.t("system.digest_unfit"),
        DigestTrouble::Refused => w.t("system.digest_refused"),
        DigestTrouble::Later => w.t("system.digest_later"),
        DigestTrouble::Silent => w.t("system.digest_silent"),
        DigestTrouble::Here => w.t("system.digest_here"),
    }
}

/// The checkpoint in a file, and when it was put there.
fn backed_up(ledger: &Ledger, file: &Path) -> Copied {
    let Ok(note) = fs::read(file) else { return Copied::Never };
    let ours = || {
        let (named, _) = Checkpoint::parse(&note).ok()?;
        let last = Position(named.size.checked_sub(1)?);
        let checkpoint = Checkpoint::verify_any(&note, &ledger.keys().log_keys_at(last)).ok()?;
        let written = fs::metadata(file).and_then(|about| about.modified()).ok()?;
        let at = i64::try_from(written.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
        let is_ours = ledger.root_at(checkpoint.size).ok()? == Some(checkpoint.root);
        is_ours.then_some(Copied::UpTo(checkpoint.size, Timestamp(at)))
    };
    ours().unwrap_or(Copied::Strange)
}
