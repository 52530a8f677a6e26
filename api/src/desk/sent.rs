//! A form of the workbench as a browser sends it: what was typed, and files, which are sealed as they arrive.

use adit_core::attachment::Attachment;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};

use super::frame::Desk;
use crate::attached::{Incoming, Load};
use crate::problem::{ApiRefusal, Problem};
use crate::reporter::form::{broken, typed};

/// What is typed into one form, in bytes: much more than any command takes, so that a text that is too long comes back and is told.
const TYPED_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most fields of a form.
const FIELDS_MAX: usize = 400;
/// The field of files that are chosen now, and that of those which came with the form before.
pub(crate) const FILES: &str = "files";
pub(crate) const FILES_KEPT: &str = "files_kept";

/// What was sent.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) fields: Vec<(String, String)>,
    /// Those that came before and are still wanted, then those that came now.
    pub(crate) files: Vec<Attachment>,
    /// Files came with it now: sent once more, they are others.
    pub(crate) fresh: bool,
    /// What was wrong with a file; the rest of the form is whole.
    pub(crate) fault: Option<Problem>,
    typed_bytes: usize,
}

impl Sent {
    /// Reads a form; files only where its command takes some.
    pub(crate) async fn read(desk: &Desk, mut request: Request, takes_files: bool) -> Result<Self, Problem> {
        let (app, mut sent) = (&desk.app, Self::default());
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().trim_start().to_ascii_lowercase();
        if takes_files && kind.starts_with("multipart/form-data") {
            let files = usize::try_from(app.intake.limits.evidence_total()).unwrap_or(usize::MAX);
            // Twice what may be named: a form that is a little too large is read to its end, and told.
            let most = files.saturating_mul(2);
            DefaultBodyLimit::apply(DefaultBodyLimit::max(most), &mut request);
            let parts = Multipart::from_request(request, app).await;
            sent.parts(desk, parts.map_err(|_| ApiRefusal::BadRequest)?).await?;
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            let bytes = axum::body::to_bytes(request.into_body(), TYPED_BYTES_MAX).await;
            let bytes = bytes.map_err(|_| Problem::from(ApiRefusal::TooLarge))?;
            let fields: Vec<(String, String)> =
                serde_urlencoded::from_bytes(&bytes).map_err(|_| Problem::from(ApiRefusal::BadRequest))?;
            for (name, value) in fields {
                sent.push(name, value.replace("\r\n", "\n"))?;
            }
        } else {
            return Err(ApiRefusal::BadRequest.into());
        }
        Ok(sent)
    }

    fn push(&mut self, name: String, value: String) -> Result<(), Problem> {
        self.typed_bytes += name.len() + value.len();
        if self.typed_bytes > TYPED_BYTES_MAX || self.fields.len() >= FIELDS_MAX {
            return Err(ApiRefusal::TooLarge.into());
        }
        if name == FILES_KEPT {
            self.files.extend(serde_json::from_str::<Attachment>(&value));
        } else {
            self.fields.push((name, value));
        }
        Ok(())
    }

    async fn parts(&mut self, desk: &Desk, mut parts: Multipart) -> Result<(), Problem> {
        loop {
            let field = match parts.next_field().await {
                Ok(Some(field)) => field,
                Ok(None) => return Ok(()),
                // What was typed stands before the files, and is not lost where there is more than can be taken.
                Err(error) if self.fault.is_some() || error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                    let too_much = Load { files: u64::MAX, bytes: 0 }.check(&desk.app);
                    self.fault = self.fault.take().or(too_much.err());
                    return Ok(());
                }
                Err(error) => return Err(broken(error.status())),
            };
            let Some(name) = field.name().map(str::to_owned) else { continue };
            match field.file_name().map(str::to_owned) {
                // An input in which nothing was chosen sends a file without a name.
                Some(file) if name == FILES && !file.is_empty() => {
                    if let Err(problem) = self.file(desk, &file, field).await {
                        self.fault.get_or_insert(problem);
                    }
                }
                Some(_) => {}
                None => self.push(name, typed(field).await?.to_string())?,
            }
        }
    }

    /// Seals one file; what is too much is left where it is.
    async fn file(&mut self, desk: &Desk, name: &str, mut field: Field<'_>) -> Result<(), Problem> {
        let next = async |field: &mut Field<'_>| field.chunk().await.map_err(|error| broken(error.status()));
        let Some(first) = next(&mut field).await? else {
            return Err(ApiRefusal::EmptyFile.into());
        };
        let (app, before) = (&desk.app, Load::of(&self.files));
        Load { files: before.files + 1, ..before }.check(app)?;
        let mut incoming = Incoming::begin(app, desk.session.actor)?.take(app, first).await?;
        while let Some(chunk) = next(&mut field).await? {
            incoming = incoming.take(app, chunk).await?;
        }
        let file = incoming.keep(name).await?;
        Load { files: before.files + 1, bytes: before.bytes.saturating_add(file.bytes) }.check(app)?;
        self.files.push(file);
        self.fresh = true;
        Ok(())
    }
}
