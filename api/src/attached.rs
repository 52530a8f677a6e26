//! Files that prove something, on their way: sealed as they arrive, judged when a command names them, shown to whoever may read the
//! stream that names them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use adit_core::attachment::Attachment;
use adit_core::command::Request;
use adit_core::event::Fact;
use adit_core::id::ActorId;
use adit_core::ledger::blobs::BlobError;
use adit_core::ledger::files::FileError;
use adit_core::ledger::vkey::is_hash;
use adit_core::seal::{Kind, Sealing};
use adit_core::text::Short;
use adit_core::units::Day;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::handlers::blocking;
use crate::picture_small;
use crate::problem::{ApiRefusal, Problem, unreadable};
use crate::reporter::form::{Arriving, kind_of, tidy_name};

/// A file that arrives, and what is known of it so far. Given up, it leaves nothing.
pub(crate) struct Incoming {
    arriving: Arriving,
    /// Who sends it.
    by: ActorId,
}

/// What each account has sent on this day, so that none of them fills the room that there is for reporters' files. A restart forgets it.
#[derive(Default)]
pub(crate) struct Rations {
    sent: Mutex<BTreeMap<ActorId, (Day, u64)>>,
}

impl Rations {
    /// Counts so many bytes more; false where that is more than `most`.
    fn take(&self, by: ActorId, today: Day, bytes: u64, most: u64) -> bool {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let (day, so_far) = sent.entry(by).or_insert((today, 0));
        if *day != today {
            (*day, *so_far) = (today, 0);
        }
        let fits = so_far.saturating_add(bytes) <= most;
        *so_far += if fits { bytes } else { 0 };
        fits
    }
}

/// How many files, and how much they are together.
#[derive(Clone, Copy, Default)]
pub(crate) struct Load {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Load {
    pub(crate) fn of(files: &[Attachment]) -> Self {
        let bytes = files.iter().fold(0_u64, |bytes, file| bytes.saturating_add(file.bytes));
        Self { files: u64::try_from(files.len()).unwrap_or(u64::MAX), bytes }
    }

    /// Whether it is as much as one entry may name.
    pub(crate) fn check(self, app: &App) -> Result<(), Problem> {
        let limits = &app.intake.limits;
        if self.files <= limits.evidence_files && self.bytes <= limits.evidence_total() {
            return Ok(());
        }
        let (files, mib) = (limits.evidence_files.to_string(), limits.evidence_total_mib.to_string());
        Err(Problem::from(ApiRefusal::TooManyFiles).with("files", &files).with("mib", &mib))
    }
}

impl Incoming {
    /// Begins a file, where there is room for it.
    pub(crate) fn begin(app: &App, by: ActorId) -> Result<Self, Problem> {
        let ledger = app.office.ledger();
        let (blobs, files) = ledger.blobs().zip(ledger.files()).ok_or(ApiRefusal::Unreadable)?;
        if blobs.room()? < app.intake.limits.room_for_files() {
            return Err(ApiRefusal::NoRoom.into());
        }
        let sealing = Sealing::to([files.recipient()], Kind::File, blobs.begin()?);
        let arriving = Arriving::new(sealing.map_err(|error| unreadable(&error))?, false);
        Ok(Self { arriving, by })
    }

    /// Seals the next bytes.
    pub(crate) async fn take(self, app: &App, chunk: Bytes) -> Result<Self, Problem> {
        let (Self { arriving, by }, limits) = (self, &app.intake.limits);
        let bytes = chunk.len() as u64;
        if arriving.size().saturating_add(bytes) > limits.evidence_file() {
            let mib = limits.evidence_file_mib.to_string();
            return Err(Problem::from(ApiRefusal::FileTooLarge).with("mib", &mib));
        }
        let today = app.office.ledger().now().day();
        if !app.rations.take(by, today, bytes, limits.evidence_day()) {
            return Err(ApiRefusal::TooMuchToday.into());
        }
        let arriving = blocking(move || arriving.take(&chunk)).await?;
        Ok(Self { arriving, by })
    }

    /// Waits until the file is on disk. Its name is its holder's, without what leads elsewhere or hides.
    pub(crate) async fn keep(self, name: &str) -> Result<Attachment, Problem> {
        if self.arriving.size() == 0 {
            return Err(ApiRefusal::EmptyFile.into());
        }
        let name = Short::new(&tidy_name(name)).or_else(|_| Short::new("file"));
        let name = name.map_err(|error| unreadable(&error))?;
        let arriving = self.arriving;
        let note = blocking(move || arriving.keep(String::new(), Vec::new())).await?.note;
        let said = |text: &str| Short::new(text).map_err(|error| unreadable(&error));
        let (blob, kind, sha256) = (said(&note.blob)?, said(&note.kind)?, said(&note.sha256)?);
        Ok(Attachment { blob, name, kind, bytes: note.size, sha256 })
    }
}

/// Whether what a command says of its files is so: each was received, is named for the first time, and is opened once more, so that
/// nobody's word is taken for what is in it. A command that was carried out before is answered as it was.
pub(crate) fn check_files(app: &App, request: &Request) -> Result<(), Problem> {
    let named = request.command.attachments();
    let ledger = app.office.ledger();
    if named.is_empty() || ledger.answered(&request.id).map_err(|error| unreadable(&error))?.is_some() {
        return Ok(());
    }
    Load::of(named).check(app)?;
    let (blobs, files) = ledger.blobs().zip(ledger.files()).ok_or(ApiRefusal::Unreadable)?;
    for (at, file) in named.iter().enumerate() {
        let hash = file.blob.as_str();
        if !is_hash(hash) {
            return Err(ApiRefusal::FileMissing.into());
        }
        // Whoever knows the hash of another's file would read it through a stream of their own.
        let known = app.projector.read(|state| state.named.has(hash));
        if known || named[..at].iter().any(|other| other.blob == file.blob) {
            return Err(ApiRefusal::FileNamedBefore.into());
        }
        let content = files.open(hash).map_err(|error| match error {
            FileError::Blob(BlobError::Missing(_)) | FileError::NotOurs(_) => ApiRefusal::FileMissing.into(),
            FileError::Blob(error @ (BlobError::Damaged(_) | BlobError::Io(_))) => Problem::from(error),
        })?;
        if !file.is(&content, kind_of(&content)) {
            return Err(ApiRefusal::FileOtherwise.into());
        }
        // Cleared away is what nobody names: from here on it is as good as named.
        blobs.renew(hash, ledger.now())?;
    }
    Ok(())
}

/// The file of this hash among those that a stream names.
pub(crate) fn find(facts: &[Fact], hash: &str) -> Option<Attachment> {
    let mut files = facts.iter().flat_map(|fact| fact.event.attachments());
    files.find(|file| file.blob.as_str() == hash).cloned()
}

/// How a file is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// As it was sent.
    Whole,
    /// A small picture of a photograph, drawn anew: nothing but what is to be seen.
    Small,
}

impl View {
    pub(crate) fn of(query: Option<&str>) -> Result<Self, Problem> {
        match query {
            None | Some("") => Ok(Self::Whole),
            Some("view=small") => Ok(Self::Small),
            Some(_) => Err(ApiRefusal::BadQuery.into()),
        }
    }
}

/// Kinds that a browser may show.
pub(crate) const PICTURES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// Gives a file that the asker may see.
pub(crate) async fn give(app: &App, file: Attachment, view: View) -> Result<Response, Problem> {
    let files = app.office.ledger().files().cloned().ok_or(ApiRefusal::Unreadable)?;
    let pixels = app.intake.limits.picture_pixels();
    // What is shown lies in memory as a whole, and a picture that is drawn does so pixel by pixel.
    let _turn = app.views.acquire().await.map_err(|error| unreadable(&error))?;
    blocking(move || {
        let mut content = files.open(file.blob.as_str()).map_err(|error| {
            tracing::error!(%error, "a file that an entry names can't be given; run `adit verify`");
            Problem::from(match error {
                FileError::Blob(BlobError::Missing(_)) => ApiRefusal::BlobErased,
                FileError::Blob(BlobError::Damaged(_) | BlobError::Io(_)) | FileError::NotOurs(_) => {
                    ApiRefusal::Unreadable
                }
            })
        })?;
        let kind = kind_of(&content);
        match view {
            View::Whole => Ok(handed_over(kind, file.sha256.as_str(), std::mem::take(&mut *content))),
            View::Small if PICTURES.contains(&kind) => {
                let small = picture_small::draw(&content, pixels).ok_or(ApiRefusal::NoSmallPicture)?;
                Ok(handed_over("image/jpeg", file.sha256.as_str(), small))
            }
            View::Small => Err(ApiRefusal::NoSmallPicture.into()),
        }
    })
    .await
}

/// Photographs to be looked at, anything else to be saved: no browser runs anything in them, and a name of the sender's never becomes
/// a header.
fn handed_over(kind: &str, sha256: &str, content: Vec<u8>) -> Response {
    let shown = PICTURES.contains(&kind);
    let ending = infer::get(&content).map_or("bin", |kind| kind.extension());
    let how = if shown { "inline" } else { "attachment" };
    let name = format!("{how}; filename=\"{}.{ending}\"", sha256.get(..16).unwrap_or("file"));
    let mut headers = HeaderMap::new();
    let kind = if shown { kind } else { "application/octet-stream" };
    headers.extend(HeaderValue::from_str(kind).ok().map(|kind| (header::CONTENT_TYPE, kind)));
    headers.extend(HeaderValue::from_str(&name).ok().map(|name| (header::CONTENT_DISPOSITION, name)));
    let sandbox = HeaderValue::from_static("default-src 'none'; sandbox");
    headers.insert(HeaderName::from_static("content-security-policy"), sandbox);
    (StatusCode::OK, headers, content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_sends_so_much_on_one_day_and_as_much_on_the_next() {
        let (rations, actor) = (Rations::default(), ActorId(adit_core::id::Id::default()));
        let (today, other) = (Day::new(2024, 5, 10).expect("day"), ActorId(adit_core::id::Id([1; 16])));
        assert!(rations.take(actor, today, 60, 100) && rations.take(actor, today, 40, 100));
        assert!(!rations.take(actor, today, 1, 100));
        assert!(rations.take(other, today, 100, 100), "each account has its own");
        assert!(rations.take(actor, today.plus_days(1), 100, 100));
    }
}
