//! The public log: C2SP tlog-tiles, the keys, one stream, one receipt. Nothing here asks who reads, and nothing that is
//! not published is ever served.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use adit_core::event::Event;
use adit_core::id::StreamId;
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::disk::{Disk, RealDisk};
use adit_core::ledger::log::Ledger;
use adit_core::ledger::tiles::{Rows, TilePath};
use adit_core::ledger::vkey::VKey;
use adit_core::opening::LedgerEvent;
use adit_core::role::Role;
use adit_core::units::Position;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Answered, Shared, blocking};
use crate::app::App;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::timestamps::folder;
use crate::web::REPORT;
use crate::witnesses::Witnesses;

/// Most bytes of tiles that are kept in memory.
const TILE_CACHE_BYTES: u64 = 64 << 20;
/// Tiles of usual size that fit into it.
const TILES: usize = 8 << 10;
/// Bytes that a kept tile costs besides its own.
const TILE_OVERHEAD_BYTES: u64 = 128;
/// Tiles and streams that are read from the store at once; the rest queue, so that they leave the disk to those who write.
const COLD_READS_MAX: usize = 2;

/// Roles of those to whom reports are sealed.
pub(crate) const SEALED_TO: [Role; 2] = [Role::Clerk, Role::Escrow];

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
/// For what changes with each publication.
const FRESH: &str = "no-cache";
/// For what never changes (tlog-tiles: caching headers should be long-lived).
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// A tile, and whether it is compressed.
type Key = (TilePath, bool);

#[derive(Clone)]
struct Weight;

impl quick_cache::Weighter<Key, Bytes> for Weight {
    fn weight(&self, _: &Key, bytes: &Bytes) -> u64 {
        bytes.len() as u64 + TILE_OVERHEAD_BYTES
    }
}

/// The tiles that were asked for lately.
pub(crate) struct TileCache {
    kept: quick_cache::sync::Cache<Key, Bytes, Weight>,
    reads: tokio::sync::Semaphore,
}

impl Default for TileCache {
    fn default() -> Self {
        Self {
            kept: quick_cache::sync::Cache::with_weighter(TILES, TILE_CACHE_BYTES, Weight),
            reads: tokio::sync::Semaphore::new(COLD_READS_MAX),
        }
    }
}

impl TileCache {
    /// The bytes of a tile that is public.
    async fn get(&self, app: &Arc<App>, key: Key) -> Result<Bytes, Problem> {
        self.kept.get_or_insert_async(&key, self.read(app, key)).await
    }

    async fn read(&self, app: &Arc<App>, (path, compressed): Key) -> Result<Bytes, Problem> {
        let turn = self.reads.acquire().await.map_err(|error| unreadable(&error))?;
        let app = Arc::clone(app);
        let bytes = blocking(move || {
            let bytes = app.office.ledger().tile_bytes(&path).map_err(|error| unreadable(&error))?;
            if compressed { gzip(&bytes).map_err(|error| unreadable(&error)) } else { Ok(bytes) }
        });
        let bytes = bytes.await?;
        drop(turn);
        Ok(bytes.into())
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Public data may be read by pages of others.
const OPEN: [(HeaderName, &str); 2] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
];

fn served(kind: &'static str, caching: &'static str, body: impl Into<Bytes>) -> Response {
    let own = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, caching)];
    (StatusCode::OK, own, OPEN, body.into()).into_response()
}

/// Whether the client takes gzip: named, or by `*`, with a weight above zero.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut weights = values.flat_map(|value| value.split(',')).filter_map(|part| {
        let mut words = part.split(';').map(str::trim);
        let name = words.next()?.to_ascii_lowercase();
        let refused = words.any(|word| word.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32)));
        ["gzip", "*"].contains(&name.as_str()).then_some((name == "gzip", !refused))
    });
    let all: Vec<(bool, bool)> = weights.by_ref().collect();
    let named = all.iter().find(|(named, _)| *named).or_else(|| all.first());
    named.is_some_and(|(_, taken)| *taken)
}

/// The published checkpoint
///
/// 公开检查点：公布的台账规模与树根，含见证方的联署。
#[utoipa::path(get, path = "/log/checkpoint", tag = "log",
    responses((status = 200, description = "A signed note (C2SP tlog-checkpoint)", content_type = "text/plain"),
        (status = 404, description = "Nothing is published yet")))]
pub(crate) async fn checkpoint(State(app): Shared) -> Answered {
    let published = app.office.ledger().published();
    if published.note.is_empty() {
        return Err(ApiRefusal::NotFound.into());
    }
    Ok(served(TEXT, FRESH, published.note.clone()))
}

/// Sizes of the checkpoints that have a timestamp of others
///
/// 有第三方时间戳（RFC 3161）的检查点规模，每行一个，最新的在先。
#[utoipa::path(get, path = "/log/timestamps", tag = "log",
    responses((status = 200, description = "A size in each line, the newest first; empty where no service is asked", content_type = "text/plain")))]
pub(crate) async fn timestamps(State(app): Shared) -> Answered {
    let sizes = blocking(move || {
        let Some(home) = app.office.ledger().home() else { return Ok(Vec::new()) };
        let names = RealDisk::default().list(&folder(home)).map_err(|error| unreadable(&error))?;
        let mut sizes: Vec<u64> =
            names.iter().filter_map(|name| name.strip_suffix(".tsr")?.parse().ok()).collect();
        sizes.sort_unstable_by(|one, other| other.cmp(one));
        Ok(sizes)
    });
    let mut lines = String::new();
    for size in sizes.await? {
        // Writing to a string can't fail.
        let _ = writeln!(lines, "{size}");
    }
    Ok(served(TEXT, FRESH, lines))
}

/// A timestamp, or the checkpoint that it is about
///
/// 第三方时间戳 `<规模>.tsr`，及其所证明的检查点 `<规模>.note`；用 `openssl ts -verify` 核验。
#[utoipa::path(get, path = "/log/timestamps/{name}", tag = "log", params(("name" = String, Path)),
    responses((status = 200, description = "A TimeStampResp (RFC 3161), or a signed note"), (status = 404, description = "api.not_found")))]
pub(crate) async fn timestamp(State(app): Shared, Path(name): Path<String>) -> Answered {
    let (size, kind) = match name.split_once('.') {
        Some((size, "tsr")) => (size, "application/timestamp-reply"),
        Some((size, "note")) => (size, TEXT),
        Some(_) | None => return Err(ApiRefusal::NotFound.into()),
    };
    // Only the one spelling of a number names a file.
    let known = size.parse::<u64>().is_ok_and(|number| number.to_string() == size);
    let home = app.office.ledger().home().filter(|_| known).ok_or(ApiRefusal::NotFound)?;
    let path = folder(home).join(&name);
    let bytes =
        blocking(move || RealDisk::default().read(&path).map_err(|_| ApiRefusal::NotFound.into())).await?;
    Ok(served(kind, FRESH, bytes))
}

/// A tile of hashes, or a bundle of entries
///
/// 树的分块与条目包（C2SP tlog-tiles）：`<L>/<N>[.p/<W>]` 为哈希，`entries/<N>[.p/<W>]` 为条目，每条前有两字节大端长度。
///
/// `<N>` is written in groups of three digits, all but the last with an `x`: `x001/234`. Whatever is below the published
/// size is served, in every width; empty tiles and other spellings are not found. Bundles are compressed with gzip for who
/// takes it.
#[utoipa::path(get, path = "/log/tile/{*path}", tag = "log", params(("path" = String, Path)),
    responses((status = 200, description = "Bytes that never change", content_type = "application/octet-stream"),
        (status = 404, description = "api.not_found: not published, or not a path of a tile")))]
pub(crate) async fn tile(State(app): Shared, headers: HeaderMap, uri: Uri) -> Answered {
    // The path as it was sent: a spelling with percent signs is another spelling.
    let path = uri.path().strip_prefix("/log/").and_then(TilePath::parse);
    let size = app.office.ledger().published().size();
    let path = path.filter(|path| path.is_within(size)).ok_or(ApiRefusal::NotFound)?;
    if path.rows != Rows::Entries {
        return Ok(served(BYTES, IMMUTABLE, app.tiles.get(&app, (path, false)).await?));
    }
    // Widths that nobody needs any more are not worth the work.
    let compressed = takes_gzip(&headers) && (path.is_full() || path.is_edge_of(size));
    let mut response = served(BYTES, IMMUTABLE, app.tiles.get(&app, (path, compressed)).await?);
    response.headers_mut().insert(header::VARY, header::HeaderValue::from_static("accept-encoding"));
    if compressed {
        response.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// The log's keys, the witnesses that it asks, whom to seal to, and the script of the report page
///
/// 日志公钥、所请的见证方、封存公钥与举报网页的脚本：`log <vkey>`、`witness <vkey>`、`recipient <vkey> <age1…>`、`grant clerk <vkey>`（受理）、
/// `grant escrow <vkey>`（托管）、`script <路径> sha256-<base64>`、`succeeds <前一本台账> <规模> <树根>`，每行一个。
///
/// Lines are added as the log comes to have more to tell; readers pass over words that they do not know.
#[utoipa::path(get, path = "/log/keys", tag = "log",
    responses((status = 200, description = "log <vkey>; witness <vkey>; recipient <vkey> <age recipient>; grant clerk|escrow <vkey>; script <path> sha256-<base64>; succeeds <origin> <size> <root>", content_type = "text/plain")))]
pub(crate) async fn keys(State(app): Shared) -> Answered {
    let ledger = app.office.ledger();
    let size = ledger.published().size();
    let keys = ledger.keys();
    let mut text = String::new();
    // Whoever takes the first line takes the key that will hold the longest.
    for key in ledger.log_keys_in_force().iter().rev() {
        let _ = writeln!(text, "log {key}");
    }
    for key in app.witnesses().into_iter().flat_map(Witnesses::vkeys) {
        let _ = writeln!(text, "witness {key}");
    }
    // A key that has ended since the publication is left out at once: nobody shall seal to it any more.
    let now = Position(ledger.size());
    // Those with whom intake shares are nobody's to seal to.
    let sealed_to = |key: &VKey| {
        let roles = keys.roles(key);
        roles.is_empty() || roles.iter().any(|role| SEALED_TO.contains(role))
    };
    let recipients = keys.recipients(size).filter(|(key, _)| keys.in_force(key, now) && sealed_to(key));
    let recipients: Vec<_> = recipients.collect();
    for (key, age) in &recipients {
        let _ = writeln!(text, "recipient {key} {age}");
    }
    for (key, _) in &recipients {
        for role in keys.roles(key).into_iter().filter(|role| SEALED_TO.contains(role)) {
            let _ = writeln!(text, "grant {role} {key}");
        }
    }
    let _ = writeln!(text, "script {} {}", REPORT.path, REPORT.integrity);
    if let Some(earlier) = succeeds(ledger)? {
        let root = STANDARD.encode(earlier.root);
        let _ = writeln!(text, "succeeds {} {} {root}", earlier.origin, earlier.size);
    }
    Ok(served(TEXT, FRESH, text))
}

/// The last checkpoint of the ledger that this one goes on from, as its first entry says.
fn succeeds(ledger: &Ledger) -> Result<Option<Checkpoint>, Problem> {
    let opened = ledger.stored(Position(0)).map_err(|error| unreadable(&error))?;
    let Some(stream) = opened.map(|stored| stored.stream) else { return Ok(None) };
    let facts = ledger.stream(&stream).map_err(|error| unreadable(&error))?;
    let named = facts.into_iter().find_map(|fact| {
        if let Event::Ledger(LedgerEvent::Opened(open)) = fact.event { open.succeeds } else { None }
    });
    Ok(named
        .and_then(|note| Checkpoint::parse(note.as_str().as_bytes()).ok())
        .map(|(checkpoint, _)| checkpoint))
}

/// The published entries of one stream
///
/// 某一事项已公布的条目：每条前有两字节大端长度。
#[utoipa::path(get, path = "/log/stream/{kind}/{id}", tag = "log", params(("kind" = String, Path), ("id" = String, Path)),
    responses((status = 200, description = "Entries, each after its length as 2 bytes, big-endian", content_type = "application/octet-stream"),
        (status = 404, description = "api.not_found")))]
pub(crate) async fn stream(State(app): Shared, Path((kind, id)): Path<(String, String)>) -> Answered {
    let stream: StreamId = format!("{kind}/{id}").parse().map_err(|_| ApiRefusal::NotFound)?;
    let turn = app.tiles.reads.acquire().await.map_err(|error| unreadable(&error))?;
    let worker = Arc::clone(&app);
    let entries =
        blocking(move || worker.office.ledger().public_stream(&stream).map_err(|error| unreadable(&error)));
    let entries = entries.await?;
    drop(turn);
    if entries.is_empty() { Err(ApiRefusal::NotFound.into()) } else { Ok(served(BYTES, FRESH, entries)) }
}

/// A receipt, or an entry, as a file
///
/// 回执与条目文件：`<位置>.tlog-proof` 证明已公布的条目在台账中，`<位置>.entry` 为条目原文。
///
/// The receipt (C2SP tlog-proof) carries the entry, its position, the inclusion proof and the checkpoint that is published
/// when it is asked for.
#[utoipa::path(get, path = "/log/receipt/{file}", tag = "log", params(("file" = String, Path)),
    responses((status = 200, description = "<position>.tlog-proof or <position>.entry", content_type = "application/octet-stream"),
        (status = 404, description = "api.not_found: not published, or not such a name")))]
pub(crate) async fn receipt(State(app): Shared, Path(file): Path<String>) -> Answered {
    let (position, ending) = file.split_once('.').ok_or(ApiRefusal::NotFound)?;
    let number: u64 = position.parse().map_err(|_| ApiRefusal::NotFound)?;
    let proof = match ending {
        "tlog-proof" => true,
        "entry" => false,
        _ => return Err(ApiRefusal::NotFound.into()),
    };
    if number.to_string() != position || number >= app.office.ledger().published().size() {
        return Err(ApiRefusal::NotFound.into());
    }
    let worker = Arc::clone(&app);
    let found = move || {
        let found = worker.office.ledger().public_receipt(Position(number));
        found.map_err(|error| unreadable(&error))?.ok_or_else(|| ApiRefusal::NotFound.into())
    };
    let receipt = blocking(found).await?;
    let (bytes, caching) = if proof { (receipt.to_bytes(), FRESH) } else { (receipt.entry, IMMUTABLE) };
    let mut response = served(BYTES, caching, bytes);
    // The name is made of a number and of a word of ours.
    if let Ok(named) = format!("attachment; filename=\"{number}.{ending}\"").parse() {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, named);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_who_takes_it() {
        let takes = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().expect("header"));
            takes_gzip(&headers)
        };
        for value in ["gzip", "GZIP", "deflate, gzip;q=0.5", "*", "br;q=1, *;q=0.1", "gzip, identity"] {
            assert!(takes(value), "{value}");
        }
        for value in ["", "identity", "gzip;q=0", "gzip;q=0.0, *", "*;q=0", "br", "gzipped"] {
            assert!(!takes(value), "{value}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
