//! PDF without who made it, when, and with what. It is changed in place: what tells something becomes blank, and no byte moves.
//!
//! Every byte of the file has to be accounted for: objects, tables, what stands at the end, and blanks between them. Which texts may stay is listed by
//! the key under which they stand; photographs lose what photographs tell. What can't be looked at (encrypted, packed objects), and what holds
//! more than pages (older versions of itself, attachments, programs, signatures), is left as it is, and said to be.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::picture;

/// Deepest nesting, and most objects, that are looked at.
const DEPTH_MAX: u32 = 50;
const OBJECTS_MAX: usize = 200_000;

/// Keys whose texts are seen, or are needed to show the page.
const STAY: [&[u8]; 20] = [
    b"Registry",
    b"Ordering",
    b"DA",
    b"Lang",
    b"Contents",
    b"URI",
    b"V",
    b"DV",
    b"Title",
    b"Alt",
    b"ActualText",
    b"E",
    b"D",
    b"Dest",
    b"Names",
    b"Limits",
    b"P",
    b"Opt",
    b"FontFamily",
    b"CharSet",
];
/// Keys of what is more than pages, or can't be looked at.
const STRANGE: [&[u8]; 12] = [
    b"Encrypt",
    b"EF",
    b"EmbeddedFiles",
    b"XFA",
    b"JS",
    b"JavaScript",
    b"PieceInfo",
    b"ByteRange",
    b"OPI",
    b"RichMedia",
    b"Collection",
    b"AF",
];

/// What a value is, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Name(Vec<u8>),
    Number(usize),
    Reference(usize),
    Names(Vec<Vec<u8>>),
    Other,
}

/// A text: the key under which it stands, and where.
struct Text {
    key: Vec<u8>,
    is_hex: bool,
    /// It belongs to a table of colours.
    is_colours: bool,
    inside: Range<usize>,
}

#[derive(Default)]
struct Object {
    number: Option<usize>,
    texts: Vec<Text>,
    /// What stands in the outermost dictionary, and where its keys do.
    entries: BTreeMap<Vec<u8>, (Value, Range<usize>)>,
    stream: Option<Range<usize>>,
}

impl Object {
    fn get(&self, key: &[u8]) -> Option<&Value> {
        self.entries.get(key).map(|(value, _)| value)
    }

    fn is(&self, key: &[u8], name: &[u8]) -> bool {
        self.get(key) == Some(&Value::Name(name.to_vec()))
    }

    fn filters(&self) -> Vec<Vec<u8>> {
        match self.get(b"Filter") {
            Some(Value::Name(name)) => vec![name.clone()],
            Some(Value::Names(names)) => names.clone(),
            Some(Value::Number(_) | Value::Reference(_) | Value::Other) => vec![b"?".to_vec()],
            None => Vec::new(),
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    comments: Vec<Range<usize>>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn starts(&self, with: &[u8]) -> bool {
        self.bytes[self.at.min(self.bytes.len())..].starts_with(with)
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let start = self.at;
                while self.peek().is_some_and(|byte| byte != b'\n' && byte != b'\r') {
                    self.at += 1;
                }
                self.comments.push(start..self.at);
            } else if is_blank(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// A number, a keyword, or the rest of a name.
    fn word(&mut self) -> Range<usize> {
        let start = self.at;
        while self.peek().is_some_and(|byte| !is_blank(byte) && !is_delimiter(byte)) {
            self.at += 1;
        }
        start..self.at
    }

    fn number(&mut self) -> Option<usize> {
        let word = self.word();
        let text = std::str::from_utf8(&self.bytes[word]).ok()?;
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
    }

    fn keyword(&mut self, expected: &[u8]) -> Option<()> {
        self.skip_blanks();
        let word = self.word();
        (&self.bytes[word] == expected).then_some(())
    }

    fn name(&mut self) -> Option<(Vec<u8>, Range<usize>)> {
        if self.peek()? != b'/' {
            return None;
        }
        self.at += 1;
        let place = self.word();
        let (mut name, mut rest) = (Vec::new(), &self.bytes[place.clone()]);
        while let Some((first, after)) = rest.split_first() {
            let hex = std::str::from_utf8(after.get(..2).unwrap_or_default()).ok();
            let byte = hex.filter(|_| *first == b'#').and_then(|hex| u8::from_str_radix(hex, 16).ok());
            name.push(byte.unwrap_or(*first));
            rest = if byte.is_some() { &after[2..] } else { after };
        }
        Some((name, place))
    }

    /// Where the inside of a text in brackets or in hexadecimal digits lies.
    fn text(&mut self) -> Option<Range<usize>> {
        let hex = self.peek()? == b'<';
        self.at += 1;
        let (start, mut depth) = (self.at, 0_u32);
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'>' if hex => return Some(start..self.at - 1),
                b'\\' if !hex => self.at += 1,
                b'(' if !hex => depth += 1,
                b')' if !hex && depth == 0 => return Some(start..self.at - 1),
                b')' if !hex => depth -= 1,
                _ if hex && !(byte.is_ascii_hexdigit() || is_blank(byte)) => return None,
                _ => {}
            }
        }
    }

    fn value(&mut self, object: &mut Object, key: &[u8], depth: u32, is_colours: bool) -> Option<Value> {
        self.skip_blanks();
        if depth > DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            b'/' => Some(Value::Name(self.name()?.0)),
            b'<' if self.starts(b"<<") => self.dictionary(object, depth).map(|()| Value::Other),
            b'(' | b'<' => {
                let is_hex = self.peek()? == b'<';
                let inside = self.text()?;
                object.texts.push(Text { key: key.to_vec(), is_hex, is_colours, inside });
                Some(Value::Other)
            }
            b'[' => self.array(object, key, depth),
            _ => {
                let word = self.word();
                if word.is_empty() {
                    return None;
                }
                let digits = self.bytes[word.clone()].iter().all(u8::is_ascii_digit);
                let text = std::str::from_utf8(&self.bytes[word]).ok()?;
                let Some(number) = text.parse().ok().filter(|_| digits) else { return Some(Value::Other) };
                Some(if self.is_reference() { Value::Reference(number) } else { Value::Number(number) })
            }
        }
    }

    /// Takes the rest of a reference, if it is one.
    fn is_reference(&mut self) -> bool {
        let begin = self.at;
        let comments = self.comments.len();
        self.skip_blanks();
        let found = self.number().is_some() && self.keyword(b"R").is_some();
        if !found {
            self.at = begin;
            self.comments.truncate(comments);
        }
        found
    }

    fn array(&mut self, object: &mut Object, key: &[u8], depth: u32) -> Option<Value> {
        self.at += 1;
        let (mut names, mut others) = (Vec::new(), false);
        loop {
            self.skip_blanks();
            if self.peek()? == b']' {
                self.at += 1;
                return Some(if others { Value::Other } else { Value::Names(names) });
            }
            let colours = names.first().is_some_and(|name| name == b"Indexed" || name == b"I");
            match self.value(object, key, depth + 1, colours)? {
                Value::Name(name) => names.push(name),
                Value::Number(_) | Value::Reference(_) | Value::Names(_) | Value::Other => others = true,
            }
        }
    }

    fn dictionary(&mut self, object: &mut Object, depth: u32) -> Option<()> {
        self.at += 2;
        loop {
            self.skip_blanks();
            if self.starts(b">>") {
                self.at += 2;
                return Some(());
            }
            let (key, place) = self.name()?;
            if STRANGE.contains(&key.as_slice()) {
                return None;
            }
            let value = self.value(object, &key, depth + 1, false)?;
            // A key that stands twice would be read in two ways.
            if depth == 0 && object.entries.insert(key, (value, place)).is_some() {
                return None;
            }
        }
    }

    /// The bytes of a stream, of which `length` may be known.
    fn stream(&mut self, length: Option<&Value>) -> Option<Range<usize>> {
        self.at += if self.starts(b"\r\n") { 2 } else { usize::from(self.starts(b"\n")) };
        let start = self.at;
        if let Some(Value::Number(length)) = length {
            let end = start.checked_add(*length).filter(|end| *end <= self.bytes.len())?;
            self.at = end;
            self.skip_blanks();
            return self.keyword(b"endstream").map(|()| start..end);
        }
        let mut from = start;
        loop {
            let rest = self.bytes.get(from..)?;
            let end = from + rest.windows(9).position(|window| window == b"endstream")?;
            self.at = end + 9;
            // Blanks alone may stand between: what looks like a comment in a stream is none.
            while self.peek().is_some_and(is_blank) {
                self.at += 1;
            }
            let closes = self.starts(b"endobj");
            self.at = end + 9;
            if closes {
                return Some(start..end);
            }
            from = end + 1;
        }
    }

    fn object(&mut self) -> Option<Object> {
        let mut object = Object { number: Some(self.number()?), ..Object::default() };
        self.skip_blanks();
        self.number()?;
        self.keyword(b"obj")?;
        self.value(&mut object, b"", 0, false)?;
        self.skip_blanks();
        if self.starts(b"stream") {
            self.at += 6;
            let length = object.get(b"Length").cloned();
            object.stream = Some(self.stream(length.as_ref())?);
        }
        self.keyword(b"endobj")?;
        Some(object)
    }
}

/// Everything in a file, in order; none where a byte is left over.
fn objects(reader: &mut Reader<'_>) -> Option<(Vec<Object>, usize)> {
    let (mut found, mut ends) = (Vec::new(), 0);
    loop {
        reader.skip_blanks();
        match reader.peek() {
            None => return Some((found, ends)),
            Some(byte) if byte.is_ascii_digit() => found.push(reader.object()?),
            Some(_) if reader.starts(b"xref") => {
                reader.at += 4;
                loop {
                    reader.skip_blanks();
                    if !reader
                        .peek()
                        .is_some_and(|byte| byte.is_ascii_digit() || byte == b'n' || byte == b'f')
                    {
                        break;
                    }
                    reader.word();
                }
            }
            Some(_) if reader.starts(b"trailer") => {
                reader.at += 7;
                let mut object = Object::default();
                reader.skip_blanks();
                reader.starts(b"<<").then(|| reader.dictionary(&mut object, 0)).flatten()?;
                found.push(object);
            }
            Some(_) => {
                reader.keyword(b"startxref")?;
                reader.skip_blanks();
                reader.number()?;
                ends += 1;
            }
        }
        if found.len() > OBJECTS_MAX {
            return None;
        }
    }
}

/// The file without what it tells besides; none where something in it is not understood.
pub(crate) fn without_metadata(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    if !bytes.starts_with(b"%PDF-") {
        return None;
    }
    let mut reader = Reader { bytes: &bytes, at: 0, comments: Vec::new() };
    let (objects, ends) = objects(&mut reader)?;
    let comments = reader.comments;
    // Made for reading from its beginning a file has two ends; any other has the older versions of itself in it.
    let linearized = objects.iter().take(1).any(|object| object.get(b"Linearized").is_some());
    if ends == 0 || ends > 1 + usize::from(linearized) {
        return None;
    }
    let told: BTreeSet<usize> = objects.iter().filter_map(told_in).collect();
    for comment in comments {
        // The first line says what it is.
        if comment.start > 0 && !bytes[comment.clone()].starts_with(b"%%EOF") {
            bytes[comment].fill(b' ');
        }
    }
    for object in &objects {
        clean(&mut bytes, object, object.number.is_some_and(|number| told.contains(&number)))?;
    }
    let tells = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    (!tells(b"xmpmeta") && !tells(b"ns.adobe.com/xap")).then_some(bytes)
}

/// The number of the object that says who made the file.
fn told_in(object: &Object) -> Option<usize> {
    let names_it = object.number.is_none() || object.is(b"Type", b"XRef");
    match object.get(b"Info") {
        Some(Value::Reference(number)) if names_it => Some(*number),
        Some(_) | None => None,
    }
}

fn clean(bytes: &mut [u8], object: &Object, is_told: bool) -> Option<()> {
    if object.is(b"Type", b"ObjStm") || object.is(b"Type", b"EmbeddedFile") || object.is(b"Type", b"Sig") {
        return None;
    }
    for text in &object.texts {
        let stays = text.is_colours || STAY.contains(&text.key.as_slice());
        if is_told || !stays {
            blank(bytes, text);
        }
    }
    let Some(stream) = object.stream.clone() else { return Some(()) };
    if object.is(b"Type", b"Metadata") || object.is(b"Subtype", b"XML") {
        bytes.get_mut(stream)?.fill(b' ');
        // Blanks are packed in no way.
        for key in [b"Filter".as_slice(), b"DecodeParms"] {
            if let Some((_, place)) = object.entries.get(key) {
                bytes.get_mut(place.clone())?.fill(b'X');
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
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.pdf");
        std::fs::write(&path, without_metadata(document()).expect("clean")).expect("written");
        let said = |program: &str| {
            let output = std::process::Command::new(program).arg(&path).arg("-").output();
            output
                .ok()
                .map(|output| (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
        };
        let Some((read, text)) = said("pdftotext") else { return };
        assert!(read && text.contains("gas in the shaft"), "{text}");
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
        assert!(with(&stream("/Type /ObjStm /N 1 /First 4", "1 0 (x)")).is_none());
        assert!(with(&stream("/Type /EmbeddedFile", "x")).is_none());
        assert!(without_metadata(file(&page_and(&[]), "/Encrypt 9 0 R")).is_none());
        let twice = [document(), document()].concat();
        assert!(without_metadata(twice).is_none(), "an older version of itself");
        assert!(without_metadata([document(), b"PK\x03\x04 and a zip".to_vec()].concat()).is_none());
        assert!(without_metadata(b"GIF89a".to_vec()).is_none());
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(with(&deep).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn whatever_is_changed_nothing_panics_and_no_byte_moves(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        ) {
            let mut bytes = document();
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
