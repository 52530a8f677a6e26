//! A form as a reporter's browser sends it. Files are sealed as they arrive: no byte of one lies readable on a disk, and no
//! temporary file is made.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use adit_core::id::ActorId;
use adit_core::ledger::blobs::{BlobError, Incoming};
use adit_core::ledger::vkey::hex;
use adit_core::refusal::Refusal;
use adit_core::report::{FILES_MAX, FileNote, intake};
use adit_core::seal::{Kind, SealError, Sealing};
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::cleaning::{self, WHOLE_BYTES_MAX, Way};
use super::film::Film;
use crate::app::App;
use crate::handlers::blocking;
use crate::intake::{Purpose, Rank, Typed};
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Kinds of files that a browser offers; what a file is, is decided by its first bytes. Any other can be sent, too.
pub(crate) const ACCEPT: &str = "image/*,video/*,audio/*,application/pdf,.docx,.xlsx,.pptx,.odt,.ods,.odp";
/// Largest file, in bytes.
const FILE_BYTES_MAX: u64 = 100 * 1024 * 1024;
/// Largest form: all files of a report, and what is typed.
const FORM_BYTES_MAX: usize = 301 * 1024 * 1024;
/// Largest typed field, in bytes.
const FIELD_BYTES_MAX: usize = 128 * 1024;
/// What is typed into one form altogether, in bytes.
const TYPED_BYTES_MAX: usize = 512 * 1024;
/// Most fields.
const FIELDS_MAX: usize = 400;
/// Longest name of a file that is kept, in characters.
const NAME_CHARS_MAX: usize = 80;

/// A file that was sealed: what the page and the testimony say of it, and to whom it was sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedFile {
    pub(crate) note: FileNote,
    /// Bytes of the sealed file.
    pub(crate) sealed: u64,
    pub(crate) recipients: Vec<String>,
    /// The reporter wants it as it is.
    #[serde(default)]
    pub(crate) as_it_is: bool,
}

impl SealedFile {
    /// Whether it may tell place and time though nobody asked for that.
    pub(crate) fn tells(&self) -> bool {
        !self.note.cleaned && !self.as_it_is
    }

    /// As it travels with the form.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What was typed and chosen. Leaves memory when it is dropped.
#[derive(Default)]
pub(crate) struct Form {
    fields: Vec<(String, Zeroizing<String>)>,
    pub(crate) files: Vec<SealedFile>,
    /// What was wrong with a file; the rest of the form is whole.
    pub(crate) fault: Option<Refusal>,
    typed_bytes: usize,
    /// What is held of this form, counted among all forms.
    typed: Option<Typed>,
}

impl Form {
    /// The last value of a field; empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        let last = self.fields.iter().rev().find(|(field, _)| field == name);
        last.map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The files without those that are to be left out.
    pub(crate) fn files_to_send(&self) -> impl Iterator<Item = &SealedFile> {
        let dropped = |file: &SealedFile| self.all("drop_file").any(|blob| blob == file.note.blob);
        self.files.iter().filter(move |file| !dropped(file))
    }

    /// Officers whom the reporter excludes.
    pub(crate) fn excluded(&self) -> BTreeSet<ActorId> {
        self.all("excluded").filter_map(|id| id.parse().ok()).collect()
    }

    /// Everything that was sent, as it would be sent again.
    pub(crate) fn again(&self) -> Vec<(String, String)> {
        let typed = self.fields.iter().map(|(name, value)| (name.clone(), value.to_string()));
        typed.chain(self.files.iter().map(|file| ("file_sealed".to_owned(), file.text()))).collect()
    }

    fn push(&mut self, name: &str, value: Zeroizing<String>) -> Result<(), Problem> {
        self.typed_bytes += name.len() + value.len();
        if self.typed_bytes > TYPED_BYTES_MAX {
            return Err(ApiRefusal::TooLarge.into());
        }
        if !self.typed.as_mut().is_none_or(|typed| typed.add(name.len() + value.len())) {
            return Err(ApiRefusal::Busy.into());
        }
        // A file that was sealed before, and travels with the form.
        if name == "file_sealed" {
            self.files.extend(serde_json::from_str::<SealedFile>(&value));
        } else {
            self.fields.push((name.to_owned(), value));
        }
        Ok(())
    }
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = Problem;

    async fn from_request(mut request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let mut form = Self { typed: Some(app.intake.typed()), ..Self::default() };
        if kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"))
        {
            DefaultBodyLimit::apply(DefaultBodyLimit::max(FORM_BYTES_MAX), &mut request);
            let parts = Multipart::from_request(request, app).await;
            form.read(app, parts.map_err(|_| ApiRefusal::BadRequest)?).await?;
        } else {
            let bytes = axum::body::to_bytes(request.into_body(), FIELD_BYTES_MAX).await;
            let bytes = bytes.map_err(|_| Problem::from(ApiRefusal::TooLarge))?;
            let fields: Vec<(String, String)> =
                serde_urlencoded::from_bytes(&bytes).map_err(|_| Problem::from(ApiRefusal::BadRequest))?;
            for (name, value) in fields.into_iter().take(FIELDS_MAX) {
                form.push(&name, value.into())?;
            }
        }
        Ok(form)
    }
}

impl Form {
    async fn read(&mut self, app: &Arc<App>, mut parts: Multipart) -> Result<(), Problem> {
        while let Some(field) = parts.next_field().await.map_err(|error| broken(error.status()))? {
            let Some(name) = field.name().map(str::to_owned) else { continue };
            if self.fields.len() + self.files.len() >= FIELDS_MAX {
                return Err(ApiRefusal::TooLarge.into());
            }
            if let Some(file) = field.file_name().map(str::to_owned) {
                self.seal(app, &file, field).await?;
            } else {
                self.push(&name, typed(field).await?)?;
            }
        }
        Ok(())
    }

    /// Seals one file to the intake officers whom the form, as far as it has come, does not exclude. Pictures first lose what
    /// they tell besides, unless the reporter wants it kept.
    async fn seal(&mut self, app: &Arc<App>, name: &str, mut field: Field<'_>) -> Result<(), Problem> {
        let Some(first) = field.chunk().await.map_err(|error| broken(error.status()))? else {
            // No file was chosen.
            return Ok(());
        };
        let ledger = app.office.ledger();
        let blobs = ledger.blobs().ok_or(ApiRefusal::Unreadable)?;
        if blobs.room()? < app.intake.limits.room_for_files() {
            self.fault = Some(Refusal::new("reporter.no_room_for_files"));
            return Ok(());
        }
        // The rest of the file stays with the sender until its turn has come.
        let Some(_turn) = app.intake.turn(&app.intake.files, self.rank(app)).await else {
            self.fault = Some(Refusal::new("reporter.busy"));
            return Ok(());
        };
        let recipients = intake(&ledger.keys(), ledger.size(), &self.excluded());
        let incoming = blobs.begin()?;
        let sealing = Sealing::to(recipients.iter().map(String::as_str), Kind::File, incoming);
        let mut arriving = match sealing {
            Ok(sealing) => Arriving::new(sealing, self.get("keep_metadata") != "yes"),
            Err(SealError::NoRecipient) => {
                self.fault = Some(Refusal::new("reporter.no_intake"));
                return Ok(());
            }
            Err(error) => return Err(unreadable(&error)),
        };
        let mut next = Some(first);
        while let Some(chunk) = next {
            if arriving.size() + chunk.len() as u64 > FILE_BYTES_MAX {
                self.fault = Some(Refusal::new("reporter.file_too_large"));
                return Ok(());
            }
            arriving = blocking(move || arriving.take(&chunk)).await?;
            next = field.chunk().await.map_err(|error| broken(error.status()))?;
        }
        if arriving.size() == 0 {
            return Ok(());
        }
        if self.files.len() >= FILES_MAX {
            self.fault = Some(Refusal::new("report.too_many"));
            return Ok(());
        }
        let name = tidy_name(name);
        let file = blocking(move || arriving.keep(name, recipients)).await?;
        self.files.push(file);
        Ok(())
    }
}

impl Form {
    /// Whether the form waited, whichever of the pages it is.
    fn rank(&self, app: &App) -> Rank {
        let now = app.office.ledger().now();
        let waited = |purpose| app.intake.rank(purpose, self.get("stamp"), now) == Rank::Waited;
        let any = [Purpose::Report, Purpose::Secret].into_iter().any(waited);
        if any { Rank::Waited } else { Rank::Behind }
    }
}

/// A file on its way into its sealed form.
pub(crate) struct Arriving {
    sealing: Sealing<Incoming>,
    hasher: Sha256,
    /// What has arrived and is not sealed yet: the first bytes, which say what it is, and a picture as long as it is not whole.
    held: Zeroizing<Vec<u8>>,
    kind: Option<&'static str>,
    /// Bytes that have arrived.
    arrived: u64,
    clean: bool,
    way: Way,
    film: Option<Box<Film>>,
    cleaned: bool,
}

/// Bytes that are looked at to tell what a file is.
const HEAD_BYTES: usize = 4096;
/// What a file is whose first bytes tell nothing.
const UNKNOWN_KIND: &str = "application/octet-stream";

impl Arriving {
    pub(crate) fn new(sealing: Sealing<Incoming>, clean: bool) -> Self {
        let held = Zeroizing::new(Vec::new());
        let way = Way::Whole;
        Self {
            sealing,
            hasher: Sha256::new(),
            held,
            kind: None,
            arrived: 0,
            clean,
            way,
            film: None,
            cleaned: false,
        }
    }

    /// Bytes that have arrived.
    pub(crate) fn size(&self) -> u64 {
        self.arrived
    }

    pub(crate) fn take(mut self, chunk: &[u8]) -> Result<Self, Problem> {
        self.arrived += chunk.len() as u64;
        if let Some(film) = &mut self.film {
            film.take(chunk, &mut self.held);
        } else {
            self.held.extend_from_slice(chunk);
            if self.kind.is_none() && self.held.len() >= HEAD_BYTES {
                self.judge();
            }
        }
        if self.way != Way::Whole || self.held.len() > WHOLE_BYTES_MAX {
            self.way = if self.way == Way::Whole { Way::No } else { self.way };
            self.pass()?;
        }
        Ok(self)
    }

    /// What the file is by its first bytes, and what is done with it.
    fn judge(&mut self) {
        let kind = kind_of(&self.held);
        self.kind = Some(kind);
        self.way = if self.clean { Way::of(kind, &self.held) } else { Way::No };
        if self.way == Way::Film {
            let mut film = Box::new(Film::new());
            let first = std::mem::take(&mut self.held);
            film.take(&first, &mut self.held);
            self.film = Some(film);
        }
    }

    /// What is held goes on into the sealed file.
    fn pass(&mut self) -> Result<(), Problem> {
        self.hasher.update(self.held.as_slice());
        self.sealing.write_all(&self.held).map_err(BlobError::Io)?;
        self.held.zeroize();
        Ok(())
    }

    pub(crate) fn keep(mut self, name: String, recipients: Vec<String>) -> Result<SealedFile, Problem> {
        if self.kind.is_none() {
            self.judge();
        }
        let kind = self.kind.unwrap_or(UNKNOWN_KIND);
        if let Some(film) = &mut self.film {
            self.cleaned = film.end(&mut self.held);
        } else if self.way == Way::Whole {
            let clean = cleaning::without_metadata(kind, self.held.to_vec()).map(Zeroizing::new);
            self.cleaned = clean.is_some();
            self.held = clean.unwrap_or(self.held);
        }
        self.pass()?;
        let size = self.sealing.content();
        let incoming = self.sealing.finish().map_err(BlobError::Io)?;
        let kept = incoming.keep()?;
        let note = FileNote {
            name,
            kind: kind.to_owned(),
            cleaned: self.cleaned,
            size,
            sha256: hex(&self.hasher.finalize()),
            blob: kept.hash,
        };
        Ok(SealedFile { note, sealed: kept.size, recipients, as_it_is: !self.clean })
    }
}

/// What a file is, by its first bytes and never by its name.
pub(crate) fn kind_of(head: &[u8]) -> &'static str {
    infer::get(head).map_or(UNKNOWN_KIND, |kind| kind.mime_type())
}

/// A typed field; forms send line ends of their own.
pub(crate) async fn typed(mut field: Field<'_>) -> Result<Zeroizing<String>, Problem> {
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(chunk) = field.chunk().await.map_err(|error| broken(error.status()))? {
        if bytes.len() + chunk.len() > FIELD_BYTES_MAX {
            return Err(ApiRefusal::TooLarge.into());
        }
        bytes.extend_from_slice(&chunk);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Problem::from(ApiRefusal::NotUtf8))?;
    Ok(Zeroizing::new(text.replace("\r\n", "\n")))
}

/// The name of a file without folders, control characters and what turns the direction of writing.
pub(crate) fn tidy_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let tidy: String = last.chars().filter(|c| !hides(*c)).take(NAME_CHARS_MAX).collect();
    if tidy.trim().is_empty() { "file".to_owned() } else { tidy }
}

pub(crate) fn broken(status: StatusCode) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => ApiRefusal::TooLarge.into(),
        _ => ApiRefusal::BadRequest.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lose_what_leads_elsewhere_or_hides() {
        assert_eq!(tidy_name("../../etc/passwd"), "passwd");
        assert_eq!(tidy_name("C:\\photos\\井口.jpg"), "井口.jpg");
        assert_eq!(tidy_name("a\r\nb\u{202e}gpj.exe"), "abgpj.exe");
        assert_eq!(tidy_name(&"长".repeat(300)).chars().count(), NAME_CHARS_MAX);
        assert_eq!(tidy_name("\u{202e}"), "file");
    }
}
