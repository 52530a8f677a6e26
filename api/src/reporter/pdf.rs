//! PDF without who made it, when, and with what. It is changed in place: what tells something becomes blank, and no byte moves.
//!
//! Every byte of the file has to be accounted for: objects, tables, what stands at the end, and blanks between them. Which texts may stay is listed by
//! the key under which they stand; photographs lose what photographs tell. Objects that are packed together (PDF 1.5) are unpacked, lose the same, and
//! are packed again into the place that they had, with blanks behind them. What can't be looked at (encrypted, packed otherwise), and what holds
//! more than pages (older versions of itself, attachments, programs, signatures), is left as it is, and said to be.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::pdf_reader::{ITEMS_MAX, OBJECTS_MAX, Object, Reader, Text, Value, objects};
use super::picture;

/// Most bytes of all packed objects of a file, unpacked: they describe pages and hold no picture. They are packed again while other files wait.
const UNPACKED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How many times their size packed objects may become. The plainest pages, one like the other, become thirty times as large; what is made to keep
/// others waiting, up to a thousand times.
const UNPACKED_TIMES_MAX: usize = 64;

/// Most bytes of a file that are packed the slow way: that can take a processor some seconds for each MiB.
const SLOWLY_BYTES_MAX: usize = 512 * 1024;

/// The file without what it tells besides; none where something in it is not understood.
pub(crate) fn without_metadata(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    if !is_first_line(bytes.get(..FIRST_LINE_BYTES)?) {
        return None;
    }
    let mut reader = Reader::of(&bytes, ITEMS_MAX);
    let (objects, ends) = objects(&mut reader)?;
    let (comments, items) = (reader.comments, reader.items);
    // Made for reading from its beginning a file has two ends; any other has the older versions of itself in it.
    let linearized = objects.iter().take(1).any(|object| object.get(b"Linearized").is_some());
    if ends == 0 || ends > 1 + usize::from(linearized) {
        return None;
    }
    let told = told_in(&objects)?;
    for comment in comments {
        let stays = staying(comment.start, &bytes[comment.clone()]);
        bytes[comment.start + stays..comment.end].fill(b' ');
    }
    let objects_left = OBJECTS_MAX - objects.len();
    let mut left = Left { bytes: UNPACKED_BYTES_MAX, slowly: SLOWLY_BYTES_MAX, objects: objects_left, items };
    for object in &objects {
        if object.is(b"Type", b"ObjStm") {
            clean_dictionary(&mut bytes, object, is_told(object, &told))?;
            clean_packed(&mut bytes, object, &told, &mut left)?;
        } else {
            clean(&mut bytes, object, is_told(object, &told))?;
        }
    }
    (!tells(&bytes)).then_some(bytes)
}

/// Length of the first line, which says what the file is.
const FIRST_LINE_BYTES: usize = 8;

fn is_first_line(line: &[u8]) -> bool {
    matches!(line, [b'%', b'P', b'D', b'F', b'-', b'0'..=b'9', b'.', b'0'..=b'9'])
}

/// How many bytes of a comment stay: of the first line and of the last one, what makes them such.
fn staying(at: usize, comment: &[u8]) -> usize {
    const END: &[u8] = b"%%EOF";
    match at {
        0 => FIRST_LINE_BYTES,
        _ if comment.starts_with(END) => END.len(),
        _ => 0,
    }
}

/// Whether something is left that describes the file in a way of its own.
fn tells(bytes: &[u8]) -> bool {
    [b"xmpmeta".as_slice(), b"ns.adobe.com/xap"]
        .iter()
        .any(|what| bytes.windows(what.len()).any(|window| window == *what))
}

fn is_told(object: &Object, told: &BTreeSet<usize>) -> bool {
    object.number.is_some_and(|number| told.contains(&number))
}

/// How much may still be unpacked and looked at of a file.
struct Left {
    bytes: usize,
    /// Bytes that may be packed the slow way.
    slowly: usize,
    objects: usize,
    /// Texts, names and comments.
    items: usize,
}

/// Objects that are packed together lose what they tell, and go back into the place that they had, where they fit.
fn clean_packed(bytes: &mut [u8], object: &Object, told: &BTreeSet<usize>, left: &mut Left) -> Option<()> {
    let place = object.stream.clone()?;
    let length = object.entries.get(b"Length".as_slice())?;
    // Where its length stands elsewhere it can't be made shorter here.
    if object.number_of(b"Length")? != place.len() || object.get(b"DecodeParms").is_some() {
        return None;
    }
    let packed = match object.filters().as_slice() {
        [] => false,
        [one] if one == b"FlateDecode" || one == b"Fl" => true,
        _ => return None,
    };
    let taken = bytes.get(place.clone())?;
    let most = left.bytes.min(taken.len().saturating_mul(UNPACKED_TIMES_MAX));
    let before = if packed { unpack(taken, most)? } else { taken.to_vec() };
    left.bytes = left.bytes.checked_sub(before.len())?;
    let mut content = before.clone();
    clean_each(&mut content, object, told, left)?;
    if content == before {
        return Some(());
    }
    let content = if packed { pack(&content, place.len(), left)? } else { content };
    let behind = place.len().checked_sub(content.len())?;
    let digits = format!("{:<width$}", content.len(), width = length.value_at.len());
    bytes.get_mut(length.value_at.clone())?.copy_from_slice(digits.as_bytes());
    let (front, rest) = bytes.get_mut(place)?.split_at_mut(content.len());
    front.copy_from_slice(&content);
    rest[..behind].fill(b' ');
    Some(())
}

fn unpack(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut reader = ZlibDecoder::new(packed);
    let mut content = Vec::new();
    let limit = u64::try_from(most).ok()?.saturating_add(1);
    reader.by_ref().take(limit).read_to_end(&mut content).ok()?;
    // Nothing may stand behind what was packed.
    let whole = reader.total_in() == u64::try_from(packed.len()).ok()?;
    (whole && content.len() <= most).then_some(content)
}

/// Packed so that it fits, if it can be; the slow way only where it has to be.
fn pack(content: &[u8], most: usize, left: &mut Left) -> Option<Vec<u8>> {
    let quickly = deflated(content, Compression::default())?;
    if quickly.len() <= most {
        return Some(quickly);
    }
    left.slowly = left.slowly.checked_sub(content.len())?;
    deflated(content, Compression::best()).filter(|slowly| slowly.len() <= most)
}

fn deflated(content: &[u8], how: Compression) -> Option<Vec<u8>> {
    let mut writer = ZlibEncoder::new(Vec::new(), how);
    writer.write_all(content).ok()?;
    writer.finish().ok()
}

/// Packed objects stand one behind the other, below a list of their numbers and places.
fn clean_each(content: &mut [u8], packed: &Object, told: &BTreeSet<usize>, left: &mut Left) -> Option<()> {
    let (many, first) = (packed.number_of(b"N")?, packed.number_of(b"First")?);
    left.objects = left.objects.checked_sub(many)?;
    let mut reader = Reader::of(content.get(..first)?, left.items);
    let mut listed = Vec::new();
    for _ in 0..many {
        reader.skip_blanks()?;
        let number = reader.number()?;
        reader.skip_blanks()?;
        listed.push((number, first.checked_add(reader.number()?)?));
    }
    reader.skip_blanks()?;
    if reader.peek().is_some() {
        return None;
    }
    let (mut comments, mut objects) = (reader.comments, Vec::new());
    let mut reader = Reader { bytes: content, at: first, comments: Vec::new(), items: reader.items };
    for (number, place) in listed {
        let end = reader.at;
        reader.skip_blanks()?;
        if !(end..=reader.at).contains(&place) {
            return None;
        }
        let mut object = Object { number: Some(number), ..Object::default() };
        reader.value(&mut object, b"", 0, false)?;
        objects.push(object);
    }
    reader.skip_blanks()?;
    if reader.peek().is_some() {
        return None;
    }
    left.items = reader.items;
    comments.append(&mut reader.comments);
    for comment in comments {
        content[comment].fill(b' ');
    }
    for object in &objects {
        clean(content, object, is_told(object, told))?;
    }
    (!tells(content)).then_some(())
}

/// The numbers of the objects that say who made the file; none where one stands elsewhere than among the objects.
fn told_in(objects: &[Object]) -> Option<BTreeSet<usize>> {
    let naming = objects.iter().filter(|object| object.number.is_none() || object.is(b"Type", b"XRef"));
    naming
        .filter_map(|object| object.get(b"Info"))
        .map(|value| if let Value::Reference(number) = value { Some(*number) } else { None })
        .collect()
}

/// The texts that may not stay become blank; where who made the file is told, all texts, and names as well.
fn clean_dictionary(bytes: &mut [u8], object: &Object, is_told: bool) -> Option<()> {
    let is_more = object.is(b"Type", b"EmbeddedFile") || object.is(b"Type", b"Sig");
    if is_more || is_told && (object.stream.is_some() || object.has_inner_names) {
        return None;
    }
    for text in object.texts.iter().filter(|text| is_told || !text.stays) {
        blank(bytes, text);
    }
    for (key, entry) in object.entries.iter().filter(|_| is_told) {
        let Value::Name(name) = &entry.value else { continue };
        let known = [b"True".as_slice(), b"False", b"Unknown"].contains(&name.as_slice());
        if known && key == b"Trapped" {
            continue;
        }
        bytes.get_mut(entry.value_at.start + 1..entry.value_at.end)?.fill(b'X');
    }
    Some(())
}

fn clean(bytes: &mut [u8], object: &Object, is_told: bool) -> Option<()> {
    clean_dictionary(bytes, object, is_told)?;
    let Some(stream) = object.stream.clone() else { return Some(()) };
    if object.is(b"Type", b"Metadata") || object.is(b"Subtype", b"XML") {
        bytes.get_mut(stream)?.fill(b' ');
        // Blanks are packed in no way.
        for key in [b"Filter".as_slice(), b"DecodeParms"] {
            if let Some(entry) = object.entries.get(key) {
                bytes.get_mut(entry.key_at.clone())?.fill(b'X');
            }
        }
        return Some(());
    }
    let filters = object.filters();
    let photograph = |name: &Vec<u8>| name == b"DCTDecode" || name == b"DCT";
    if filters.iter().any(|name| name == b"JPXDecode" || name == b"?") {
        return None;
    }
    if filters.iter().any(photograph) {
        return if filters.len() == 1 { picture::jpeg_in_place(bytes.get_mut(stream)?) } else { None };
    }
    Some(())
}

/// A text becomes as many blanks.
fn blank(bytes: &mut [u8], text: &Text) {
    for (nth, byte) in bytes[text.inside.clone()].iter_mut().enumerate() {
        *byte = match (text.is_hex, nth % 2) {
            (false, _) => b' ',
            (true, 0) => b'2',
            (true, _) => b'0',
        };
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::reporter::boxes::tests::holds;
    use proptest::prelude::*;

    pub(crate) const NAME: &str = "canary-zhang-san";

    /// A file of these objects, with its table.
    fn file(objects: &[String], trailer: &str) -> Vec<u8> {
        let mut bytes = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
        let mut places = Vec::new();
        for (nth, object) in objects.iter().enumerate() {
            places.push(bytes.len());
            bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", nth + 1).bytes());
        }
        let table = bytes.len();
        bytes.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).bytes());
        for place in &places {
            bytes.extend(format!("{place:010} 00000 n \n").bytes());
        }
        bytes.extend(
            format!(
                "trailer\n<< /Size {} /Root 1 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n",
                places.len() + 1
            )
            .bytes(),
        );
        bytes
    }

    fn stream(entries: &str, content: &str) -> String {
        format!("<< {entries} /Length {} >>\nstream\n{content}\nendstream", content.len())
    }

    fn page_and(more: &[String]) -> Vec<String> {
        let mut objects = vec![
            "<< /Type /Catalog /Pages 2 0 R /Metadata 6 0 R /Lang (zh) >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /LastModified (D:2024{NAME}) /Contents 4 0 R /Resources << /Font << /F1 7 0 R >> \
                     /ColorSpace << /C [/Indexed /DeviceRGB 1 <000000ffffff>] >> >> /Annots [<< /Type /Annot /Subtype /Text /Rect [0 0 9 9] \
                     /Contents (a note \\) here) /T ({NAME}) /M (D:20240510) /NM <{}> >>] >>",
                "63616e617279"
            ),
            stream("", "BT /F1 12 Tf 20 100 Td (gas in the shaft) Tj ET"),
            format!(
                "<< /Title ({NAME}) /Author <63616e6172792d> /CreationDate (D:20240510120000+08'00') /Producer ({NAME}) >>"
            ),
            stream("/Type /Metadata /Subtype /XML", &format!("<x:xmpmeta>{NAME}</x:xmpmeta>")),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        ];
        objects.extend_from_slice(more);
        objects
    }

    pub(crate) fn document() -> Vec<u8> {
        file(&page_and(&[]), "/Info 5 0 R /ID [<63616e6172792d><63616e6172792d>]")
    }

    #[test]
    fn a_file_keeps_its_pages_and_says_no_more_who_made_it_and_when() {
        let taken = document();
        let clean = without_metadata(taken.clone()).expect("clean");
        let text = String::from_utf8_lossy(&clean).into_owned();
        assert_eq!(clean.len(), taken.len(), "no byte moves");
        for gone in [NAME, "2024", "63616e6172792d", "63616e617279", "xmpmeta"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        for kept in ["gas in the shaft", "a note \\) here", "<000000ffffff>", "/Lang (zh)", "/Helvetica"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert_eq!(without_metadata(clean.clone()), Some(clean));
    }

    #[test]
    fn what_others_read_is_the_same_page_without_its_author() {
        let Some(text) = read_by_others(&without_metadata(document()).expect("clean")) else { return };
        assert!(text.contains("gas in the shaft"), "{text}");
    }

    #[test]
    fn a_photograph_in_it_loses_what_photographs_tell() {
        let mut exif = b"\xff\xd8\xff\xe0\0\x09JFIF\0\x01\x02\xff\xe1\0\x12".to_vec();
        exif.extend(NAME.bytes());
        exif.extend(b"\xff\xdb\0\x07table\xff\xda\0\x05\x01\x01\0coded\xff\xd9behind");
        let head = format!(
            "<< /Type /XObject /Subtype /Image /Filter /DCTDecode /Length {} >>\nstream\n",
            exif.len()
        );
        let whole = |head: &str| {
            let mut bytes = file(&page_and(&["IMAGE".to_owned()]), "/Info 5 0 R");
            let place = bytes.windows(5).position(|window| window == b"IMAGE").expect("there");
            bytes.splice(place..place + 5, [head.as_bytes(), &exif, b"\nendstream"].concat());
            without_metadata(bytes)
        };
        let clean = whole(&head).expect("clean");
        assert!(!holds(&clean, NAME.as_bytes()) && !holds(&clean, b"behind"));
        assert!(holds(&clean, b"JFIF") && holds(&clean, b"coded\xff\xd9"));
        assert!(whole(&head.replace("/DCTDecode", "[/FlateDecode /DCTDecode]")).is_none());
        assert!(whole(&head.replace("DCTDecode", "JPXDecode")).is_none());
    }

    #[test]
    fn what_can_not_be_looked_at_or_is_more_than_pages_is_left_as_it_is() {
        let with = |object: &str| without_metadata(file(&page_and(&[object.to_owned()]), "/Info 5 0 R"));
        assert!(with("<< /Type /Any >>").is_some());
        for object in [
            "<< /Type /Filespec /EF << /F 9 0 R >> >>",
            "<< /S /JavaScript /JS (app.alert(1)) >>",
            "<< /XFA 9 0 R >>",
            "<< /Type /Sig /ByteRange [0 1 2 3] >>",
            "<< /PieceInfo << /A << /Private (x) >> >> >>",
            "<< /#4a#53 (x) >>",
            "<< /A 1 /A 2 >>",
            "<< /A (open >>",
            "<< /A <xyz> >>",
            "[[[",
            "<< /A >>",
        ] {
            assert!(with(object).is_none(), "{object}");
        }
        assert!(with(&stream("/Type /EmbeddedFile", "x")).is_none());
        assert!(without_metadata(file(&page_and(&[]), "/Encrypt 9 0 R")).is_none());
        let twice = [document(), document()].concat();
        assert!(without_metadata(twice).is_none(), "an older version of itself");
        assert!(without_metadata([document(), b"PK\x03\x04 and a zip".to_vec()].concat()).is_none());
        assert!(without_metadata(b"GIF89a".to_vec()).is_none());
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(with(&deep).is_none());
    }

    /// Written by qpdf, by qpdf for reading from its beginning, and by MuPDF; how is said beside them.
    pub(crate) const PACKED: [&[u8]; 3] = [
        include_bytes!("../../tests/pdf/qpdf.pdf"),
        include_bytes!("../../tests/pdf/linear.pdf"),
        include_bytes!("../../tests/pdf/mupdf.pdf"),
    ];

    /// A file with its packed objects unpacked behind it, and blanks where they were.
    pub(crate) fn unpacked(file: &[u8]) -> Vec<u8> {
        let mut made = file.to_vec();
        for object in objects(&mut Reader::of(file, ITEMS_MAX)).expect("understood").0 {
            let Some(place) = object.stream.clone().filter(|_| object.is(b"Type", b"ObjStm")) else {
                continue;
            };
            made.extend(unpack(&file[place.clone()], UNPACKED_BYTES_MAX).expect("packed"));
            let behind =
                file[place.end..].windows(9).position(|window| window == b"endstream").expect("its end");
            made[place.start..place.end + behind].fill(b' ');
            made[object.entries[b"Length".as_slice()].value_at.clone()].fill(b' ');
        }
        made
    }

    fn read_by_others(file: &[u8]) -> Option<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.pdf");
        std::fs::write(&path, file).expect("written");
        let output = std::process::Command::new("pdftotext").arg(&path).arg("-").output().ok()?;
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn packed_objects_lose_what_they_tell_and_go_back_into_their_place() {
        for taken in PACKED {
            assert!(holds(&unpacked(taken), NAME.as_bytes()), "nothing to lose");
            let clean = without_metadata(taken.to_vec()).expect("clean");
            assert_eq!(clean.len(), taken.len(), "no byte moves");
            let seen = unpacked(&clean);
            for gone in [NAME, "20240510", "xmpmeta", "pikepdf"] {
                assert!(!holds(&seen, gone.as_bytes()), "{gone}: {}", String::from_utf8_lossy(&seen));
            }
            assert!(holds(&seen, b"a note here"));
            assert_eq!(read_by_others(&clean), read_by_others(taken));
            assert_eq!(without_metadata(clean.clone()), Some(clean));
        }
    }

    /// A file with these objects packed together.
    fn with_packed(more: &str, content: &[u8], packed: bool) -> Option<Vec<u8>> {
        let made = if packed { deflated(content, Compression::best()) } else { Some(content.to_vec()) };
        let made = made.expect("packed");
        let filter = if packed { "/Filter /FlateDecode" } else { "" };
        let head = format!("<< /Type /ObjStm {filter} {more} /Length {} >>\nstream\n", made.len());
        let mut bytes = file(&page_and(&["PACKED".to_owned()]), "/Info 5 0 R");
        let place = bytes.windows(6).position(|window| window == b"PACKED").expect("there");
        bytes.splice(place..place + 6, [head.as_bytes(), &made, b"\nendstream"].concat());
        without_metadata(bytes)
    }

    #[test]
    fn packed_objects_that_are_not_understood_or_do_not_fit_are_left_as_they_are() {
        let good = b"20 0 21 33 << /Author (canary-zhang-san) >> [ (a) /V ]".as_slice();
        for deflated in [false, true] {
            let more = "/N 2 /First 11 /Any (canary-zhang-san)";
            let clean = with_packed(more, good, deflated).expect("clean");
            assert!(!holds(&unpacked_or_plain(&clean), NAME.as_bytes()));
        }
        for (more, content) in [
            ("/N 2 /First 12", good),
            ("/N 1 /First 11", good),
            ("/N 3 /First 11", good),
            ("/N 999999 /First 11", good),
            ("/N 2", good),
            ("/N 2 /First 11 /DecodeParms << /Predictor 12 >>", good),
            ("/N 2 /First 900", good),
            ("/N 1 /First 5", b"20 0 << /S /JavaScript /JS (x) >>"),
            ("/N 1 /First 5", b"20 0 << /Type /Sig /Contents <00> >>"),
            ("/N 1 /First 5", b"20 0 << /A (open >>"),
            ("/N 1 /First 5", b"20 9 << /A (x) >>"),
            ("/N 1 /First 5", b"20 0 << /V (<x:xmpmeta>) >>"),
        ] {
            for deflated in [false, true] {
                assert!(with_packed(more, content, deflated).is_none(), "{more}");
            }
        }
        assert!(with_packed("/N 1 /First 5 /Filter /LZWDecode", b"20 0 (x)", false).is_none());
        assert!(with_packed("/N 1 /First 5 /Filter /FlateDecode", b"20 0 (x)", false).is_none());
        // Blanks alone: more than is looked at, and more than so few bytes may become.
        let blanks = |many: usize| [b"20 0 (x)".to_vec(), vec![b' '; many]].concat();
        assert!(with_packed("/N 1 /First 5", &blanks(UNPACKED_BYTES_MAX), false).is_none());
        for deflated in [false, true] {
            let clean = with_packed("/N 1 /First 5", &blanks(100_000), deflated);
            assert_eq!(clean.is_none(), deflated);
        }
    }

    #[test]
    fn more_names_texts_and_comments_than_fit_into_memory_are_not_looked_at() {
        let with = |object: &str| without_metadata(file(&page_and(&[object.to_owned()]), "/Info 5 0 R"));
        let texts = |many: usize| format!("[{}]", "()".repeat(many));
        assert!(with(&format!("<< /{} {} >>", "A".repeat(500_000), texts(250_000))).is_none());
        assert!(with(&format!("<< /{} 1 >>", "A".repeat(127))).is_some());
        assert!(with(&format!("<< /{} 1 >>", "#41".repeat(127))).is_some());
        assert!(with(&format!("<< /{} 1 >>", "A".repeat(128))).is_none());
        assert!(with(&format!("[/{}]", "#41".repeat(128))).is_none());
        for item in ["()", "<>", "/A", "1 ", "%\n"] {
            let object = format!("[{}]", item.repeat(ITEMS_MAX));
            assert_eq!(with(&object).is_some(), item == "1 ", "{item:?}");
        }
        let packed = |outside: usize, inside: usize| {
            let more = format!("/N 1 /First 5 /Any {}", texts(outside));
            with_packed(&more, format!("20 0 {}", texts(inside)).as_bytes(), false)
        };
        assert!(packed(0, ITEMS_MAX).is_none());
        let half = ITEMS_MAX / 2;
        assert!(packed(half, 0).is_some() && packed(0, half).is_some() && packed(half, half).is_none());
    }

    fn replaced(file: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
        let place = file.windows(from.len()).position(|window| window == from).expect("there");
        [&file[..place], to, &file[place + from.len()..]].concat()
    }

    /// Files that hide a name where hardly any does, and whether they can be cleaned.
    pub(crate) fn rare() -> Vec<(Vec<u8>, bool)> {
        let told = |object: &str| file(&page_and(&[object.to_owned()]), "/Info 8 0 R");
        let with = |object: &str| file(&page_and(&[object.to_owned()]), "/Info 5 0 R");
        let plain = document();
        vec![
            (replaced(&plain, b"%PDF-1.4\n", b"%PDF-1.4 canary\n"), true),
            (replaced(&plain, b"%PDF-1.4\n", b"%PDF-canary\n"), false),
            (replaced(&plain, b"%%EOF\n", b"%%EOFcanary\n"), true),
            (replaced(&plain, b"%%EOF\n", b"%canary\n%%EOF"), true),
            (told("<< /Author /canary /Any [(canary)] /Trapped /False >>"), true),
            (told("<< /Trapped /canary >>"), true),
            (told("<< /Any [/canary] >>"), false),
            (told("<< /Any << /canary 1 >> >>"), false),
            (told(&stream("/Author (canary)", "canary")), false),
            (file(&page_and(&[]), "/Info << /Title (canary) >>"), false),
            (with(&stream("/Type /ObjStm /N 1 /First 5 /Any (canary)", "20 0 (canary)")), true),
            (with("<< /A 9007199254740991 /B 0001 >>"), true),
            (with("<< /A 9007199254740992 >>"), false),
            (with("<< /Length 99999999999999999999 >>\nstream\ncanary\nendstream"), false),
            (with("<< /A 1 99999999999999999999 R >>"), false),
            (with("<< /A \u{e9} >>"), false),
            (with("<< /A#+1 1 /A\u{1} 2 >>"), true),
        ]
    }

    #[test]
    fn what_is_told_where_hardly_any_file_tells_it_is_gone_too() {
        for (taken, can_be) in rare() {
            let shown = String::from_utf8_lossy(&taken).into_owned();
            let clean = without_metadata(taken);
            assert_eq!(clean.is_some(), can_be, "{shown}");
            let Some(clean) = clean else { continue };
            // A title that nothing names as such is a text of the page.
            let clean = String::from_utf8_lossy(&clean).replace(&format!("/Title ({NAME})"), "");
            assert!(!clean.contains("canary") && clean.contains("%%EOF"), "{clean}");
            assert_eq!(clean.contains("/Trapped /False"), shown.contains("/Trapped /False"));
        }
    }

    /// As above, also where nothing is packed.
    fn unpacked_or_plain(file: &[u8]) -> Vec<u8> {
        if holds(file, b"/FlateDecode") { unpacked(file) } else { file.to_vec() }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn whatever_is_changed_nothing_panics_and_no_byte_moves(
            which in 0_usize..4,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        ) {
            let mut bytes = PACKED.get(which).map_or_else(document, |file| file.to_vec());
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let length = bytes.len();
            if let Some(clean) = without_metadata(bytes) {
                prop_assert_eq!(clean.len(), length);
                prop_assert_eq!(without_metadata(clean.clone()), Some(clean));
            }
        }
    }
}
