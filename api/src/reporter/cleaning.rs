//! Which files lose what they tell besides, and how. What may stay is listed, by kind; a file that can't be taken apart stays as it is, and is said
//! to be.

use std::sync::{Mutex, PoisonError};

use super::{boxes, heif, office, pdf, picture};

/// Largest file that is taken apart as a whole, in bytes; it lies in memory meanwhile.
pub(crate) const WHOLE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// With what office documents begin.
const ZIP: &[u8] = b"PK\x03\x04";

const PDF: &[u8] = b"%PDF-";

/// How a file is cleaned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// While it arrives.
    Film,
    /// Once all of it is here.
    Whole,
    /// Not at all.
    No,
}

impl Way {
    /// By its kind and its first bytes.
    pub(crate) fn of(kind: &str, head: &[u8]) -> Self {
        if boxes::is_of_boxes(head) {
            return if boxes::is_picture(head) { Self::Whole } else { Self::Film };
        }
        let whole = picture::KINDS.contains(&kind) || [ZIP, PDF].iter().any(|begin| head.starts_with(begin));
        if whole { Self::Whole } else { Self::No }
    }
}

/// One file at a time is taken apart: what that takes in memory is several times the file, and some tens of milliseconds of a processor.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The whole file without what it tells besides; none where it can't be read as its kind.
pub(crate) fn without_metadata(kind: &str, content: Vec<u8>) -> Option<Vec<u8>> {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if boxes::is_picture(&content) {
        return heif::picture(content);
    }
    if content.starts_with(ZIP) {
        return office::without_metadata(&content);
    }
    if content.starts_with(PDF) {
        return pdf::without_metadata(content);
    }
    picture::without_metadata(kind, content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporter::boxes::tests::{SECRET, holds};
    use crate::reporter::{film, heif, office, pdf};
    use std::path::Path;
    use std::process::Command;

    /// What the script makes of a file; none where it leaves it as it is.
    fn by_script(file: &[u8]) -> Option<Vec<u8>> {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        std::fs::write(&from, file).expect("written");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/report/cleaning.js");
        let run = format!(
            "import {{ cleaned }} from {script:?}; import {{ readFileSync, writeFileSync }} from 'node:fs';\n\
             const made = await cleaned(new Blob([readFileSync({from:?})]), false);\n\
             if (made.cleaned) writeFileSync({to:?}, new Uint8Array(await made.content.arrayBuffer()));"
        );
        let output = Command::new("node")
            .args(["--input-type=module", "-e", &run])
            .output()
            .expect("Node is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(to).ok()
    }

    /// What the server makes of a file that arrives in pieces.
    fn by_server(file: &[u8]) -> Option<Vec<u8>> {
        let kind = infer::get(file).map_or("", |kind| kind.mime_type());
        match Way::of(kind, file) {
            Way::No => None,
            Way::Whole => without_metadata(kind, file.to_vec()),
            Way::Film => {
                let (mut film, mut out) = (film::Film::new(), Vec::new());
                file.chunks(1000).for_each(|piece| film.take(piece, &mut out));
                film.end(&mut out).then_some(out)
            }
        }
    }

    #[test]
    fn the_script_makes_of_a_file_what_the_server_makes_of_it() {
        for (movie_first, with_course) in [(true, true), (true, false)] {
            let film = film::tests::film(movie_first, with_course);
            assert_eq!(
                by_script(&film),
                Some(by_server(&film).expect("clean")),
                "{movie_first} {with_course}"
            );
        }
        // Where the table of contents comes last, a script has the whole file at hand.
        let film = film::tests::film(false, true);
        let clean = by_script(&film).expect("clean");
        assert!(by_server(&film).is_none() && clean.len() == film.len());
        assert!(!holds(&clean, &SECRET[..8]));
        let picture = heif::tests::photograph();
        assert_eq!(by_script(&picture), Some(by_server(&picture).expect("clean")));
        let page = pdf::tests::document();
        assert_eq!(by_script(&page), Some(by_server(&page).expect("clean")));
        for (rare, can_be) in pdf::tests::rare() {
            let clean = by_server(&rare);
            assert_eq!(clean.is_some(), can_be);
            assert_eq!(by_script(&rare), clean, "{}", String::from_utf8_lossy(&rare));
        }
        // Two programs pack the same in two ways.
        for packed in pdf::tests::PACKED {
            let [script, server] = [by_script(packed), by_server(packed)]
                .map(|file| pdf::tests::unpacked(&file.expect("clean")));
            assert_eq!(script, server);
        }
        for document in [office::tests::document(), office::tests::open_document()] {
            let [script, server] = [by_script(&document), by_server(&document)]
                .map(|file| office::tests::texts(&file.expect("clean")));
            assert_eq!(script, server);
        }
    }

    #[test]
    fn what_is_no_file_that_can_be_cleaned_is_left_as_it_is_by_both() {
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
        let cut = &heif::tests::photograph()[..100];
        let both = [b"PK\x03\x04".as_slice(), b"%PDF-1.4 and a zip"].concat();
        for file in [svg.as_slice(), cut, &both, b"ID3 a song", b"", b"\xff\xd8\xff no photograph"] {
            assert!(
                by_script(file).is_none() && by_server(file).is_none(),
                "{}",
                String::from_utf8_lossy(file)
            );
        }
        assert_eq!(infer::get(svg).map(|kind| kind.mime_type()).filter(|kind| kind.contains("image")), None);
    }
}
