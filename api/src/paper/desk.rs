//! Where a document is set: one template, one file of data, two fonts, and nothing else.

use std::path::PathBuf;
use std::sync::LazyLock;

use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World, WorldExt, comemo};
use typst_layout::PagedDocument;
use typst_pdf::PdfOptions;

use super::{PaperError, Template};

static FONTS: LazyLock<Vec<Font>> = LazyLock::new(|| {
    let regular: &'static [u8] = include_bytes!("../../paper/fonts/NotoSansSC-Regular.otf");
    let bold: &'static [u8] = include_bytes!("../../paper/fonts/NotoSansSC-Bold.otf");
    [regular, bold].into_iter().flat_map(|face| Font::iter(Bytes::new(face))).collect()
});
static BOOK: LazyLock<LazyHash<FontBook>> = LazyLock::new(|| LazyHash::new(FontBook::from_fonts(&*FONTS)));
static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

/// The data, as a template asks for it.
const DATA: &str = "/data.json";
/// What templates on A4 share.
const SHEET: &str = "/sheet.typ";

/// Whether every font has this character.
pub(super) fn has(c: char) -> bool {
    FONTS.iter().all(|font| font.info().coverage.contains(u32::from(c)))
}

struct Desk {
    markup: Source,
    data: Bytes,
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &BOOK
    }

    fn main(&self) -> FileId {
        self.markup.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.markup.id() {
            return Ok(self.markup.clone());
        }
        if named(id, SHEET) {
            return Ok(Source::new(id, include_str!("../../paper/sheet.typ").to_owned()));
        }
        Err(absent(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if named(id, DATA) { Ok(self.data.clone()) } else { Err(absent(id)) }
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.get(index).cloned()
    }

    /// Days stand in the data.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// Whether a template asks for this file of ours, and not for one of a package.
fn named(id: FileId, path: &str) -> bool {
    *id.get().root() == VirtualRoot::Project && id.get().vpath().get_with_slash() == path
}

fn absent(id: FileId) -> FileError {
    FileError::NotFound(PathBuf::from(id.get().vpath().get_without_slash()))
}

/// The bytes of the PDF, and how many pages it has.
pub(super) fn set(template: &Template, data: Vec<u8>) -> Result<(Vec<u8>, usize), PaperError> {
    let nowhere = PaperError::Template { template: template.name, at: 0 };
    let Ok(path) = VirtualPath::new("/main.typ") else { return Err(nowhere) };
    let id = FileId::new(RootedPath::new(VirtualRoot::Project, path));
    let markup = Source::new(id, template.markup.to_owned());
    let desk = Desk { markup, data: Bytes::new(data) };
    let set = typst::compile::<PagedDocument>(&desk).output.and_then(|document| {
        let pdf = typst_pdf::pdf(&document, &options())?;
        Ok((pdf, document.pages().len()))
    });
    let set = set.map_err(|faults| fault(&desk, template, &faults));
    // What was remembered for the next time holds the data.
    comemo::evict(0);
    set
}

fn options() -> PdfOptions {
    PdfOptions { creator: Smart::Custom(Some("Adit".to_owned())), ..PdfOptions::default() }
}

fn fault(desk: &Desk, template: &Template, faults: &[SourceDiagnostic]) -> PaperError {
    let range = faults.iter().find_map(|fault| desk.range(fault.span));
    PaperError::Template { template: template.name, at: range.map_or(0, |range| range.start) }
}
