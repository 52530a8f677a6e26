//! What a PDF is made of: objects with their texts and where these stand, tables, and what is packed. Nothing is looked up by the tables, which may
//! say one thing to one reader and another to the next.

use std::collections::BTreeMap;
use std::ops::Range;

/// Deepest nesting, and most objects, that are looked at.
const DEPTH_MAX: u32 = 50;
pub(super) const OBJECTS_MAX: usize = 200_000;

/// Most texts, names and comments of a file, packed ones among them. Two bytes of a file can be one, which takes some 300 bytes of memory at most;
/// all together they take less than 100 MB.
pub(super) const ITEMS_MAX: usize = 300_000;

/// Longest name in bytes (ISO 32000-1, annex C).
const NAME_BYTES_MAX: usize = 127;

/// Largest number that scripts know exactly, too.
const NUMBER_MAX: u64 = (1 << 53) - 1;

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
pub(super) enum Value {
    Name(Vec<u8>),
    Number(usize),
    Reference(usize),
    Names(Vec<Vec<u8>>),
    Other,
}

/// A text, and where it stands.
pub(super) struct Text {
    pub(super) is_hex: bool,
    /// It is seen, or is needed to show the page.
    pub(super) stays: bool,
    pub(super) inside: Range<usize>,
}

/// What stands in a dictionary, and where.
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) key_at: Range<usize>,
    pub(super) value_at: Range<usize>,
}

#[derive(Default)]
pub(super) struct Object {
    pub(super) number: Option<usize>,
    pub(super) texts: Vec<Text>,
    /// The outermost dictionary.
    pub(super) entries: BTreeMap<Vec<u8>, Entry>,
    /// Names stand in it elsewhere than there.
    pub(super) has_inner_names: bool,
    pub(super) stream: Option<Range<usize>>,
}

impl Object {
    pub(super) fn get(&self, key: &[u8]) -> Option<&Value> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    pub(super) fn number_of(&self, key: &[u8]) -> Option<usize> {
        if let Some(Value::Number(number)) = self.get(key) { Some(*number) } else { None }
    }

    pub(super) fn is(&self, key: &[u8], name: &[u8]) -> bool {
        self.get(key) == Some(&Value::Name(name.to_vec()))
    }

    pub(super) fn filters(&self) -> Vec<Vec<u8>> {
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

/// A whole number that is written in digits alone.
fn number_of(word: &[u8]) -> Option<usize> {
    if !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(word).ok()?.parse::<u64>().ok()?;
    usize::try_from(number).ok().filter(|_| number <= NUMBER_MAX)
}

pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) comments: Vec<Range<usize>>,
    /// How many texts, names and comments may still come.
    pub(super) items: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn of(bytes: &'a [u8], items: usize) -> Self {
        Self { bytes, at: 0, comments: Vec::new(), items }
    }

    fn count(&mut self) -> Option<()> {
        self.items = self.items.checked_sub(1)?;
        Some(())
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn starts(&self, with: &[u8]) -> bool {
        self.bytes[self.at.min(self.bytes.len())..].starts_with(with)
    }

    pub(super) fn skip_blanks(&mut self) -> Option<()> {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let start = self.at;
                while self.peek().is_some_and(|byte| byte != b'\n' && byte != b'\r') {
                    self.at += 1;
                }
                self.count()?;
                self.comments.push(start..self.at);
            } else if is_blank(byte) {
                self.at += 1;
            } else {
                break;
            }
        }
        Some(())
    }

    /// A number, a keyword, or the rest of a name.
    fn word(&mut self) -> Range<usize> {
        let start = self.at;
        while self.peek().is_some_and(|byte| !is_blank(byte) && !is_delimiter(byte)) {
            self.at += 1;
        }
        start..self.at
    }

    pub(super) fn number(&mut self) -> Option<usize> {
        let word = self.word();
        number_of(&self.bytes[word])
    }

    fn keyword(&mut self, expected: &[u8]) -> Option<()> {
        self.skip_blanks()?;
        let word = self.word();
        (&self.bytes[word] == expected).then_some(())
    }

    fn name(&mut self) -> Option<(Vec<u8>, Range<usize>)> {
        if self.peek()? != b'/' {
            return None;
        }
        self.count()?;
        self.at += 1;
        let place = self.word();
        let (mut name, mut rest) = (Vec::new(), &self.bytes[place.clone()]);
        while let Some((first, after)) = rest.split_first() {
            if name.len() == NAME_BYTES_MAX {
                return None;
            }
            let hex = after.get(..2).filter(|hex| *first == b'#' && hex.iter().all(u8::is_ascii_hexdigit));
            let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
            let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
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

    pub(super) fn value(
        &mut self,
        object: &mut Object,
        key: &[u8],
        depth: u32,
        is_colours: bool,
    ) -> Option<Value> {
        self.skip_blanks()?;
        if depth > DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            b'/' => Some(Value::Name(self.name()?.0)),
            b'<' if self.starts(b"<<") => self.dictionary(object, depth).map(|()| Value::Other),
            b'(' | b'<' => {
                let is_hex = self.peek()? == b'<';
                let inside = self.text()?;
                self.count()?;
                let stays = is_colours || STAY.contains(&key);
                object.texts.push(Text { is_hex, stays, inside });
                Some(Value::Other)
            }
            b'[' => self.array(object, key, depth),
            _ => {
                let place = self.word();
                let word = &self.bytes[place];
                if word.is_empty() || !word.is_ascii() {
                    return None;
                }
                if !word.iter().all(u8::is_ascii_digit) {
                    return Some(Value::Other);
                }
                let number = number_of(word)?;
                Some(if self.is_reference() { Value::Reference(number) } else { Value::Number(number) })
            }
        }
    }

    /// Takes the rest of a reference, if it is one.
    fn is_reference(&mut self) -> bool {
        let (begin, items) = (self.at, self.items);
        let comments = self.comments.len();
        let found = self.skip_blanks().is_some() && self.number().is_some() && self.keyword(b"R").is_some();
        if !found {
            self.at = begin;
            self.items = items;
            self.comments.truncate(comments);
        }
        found
    }

    fn array(&mut self, object: &mut Object, key: &[u8], depth: u32) -> Option<Value> {
        self.at += 1;
        let (mut names, mut others) = (Vec::new(), false);
        loop {
            self.skip_blanks()?;
            if self.peek()? == b']' {
                self.at += 1;
                return Some(if others { Value::Other } else { Value::Names(names) });
            }
            let colours = names.first().is_some_and(|name| name == b"Indexed" || name == b"I");
            match self.value(object, key, depth + 1, colours)? {
                Value::Name(name) => {
                    object.has_inner_names = true;
                    names.push(name);
                }
                Value::Number(_) | Value::Reference(_) | Value::Names(_) | Value::Other => others = true,
            }
        }
    }

    fn dictionary(&mut self, object: &mut Object, depth: u32) -> Option<()> {
        self.at += 2;
        loop {
            self.skip_blanks()?;
            if self.starts(b">>") {
                self.at += 2;
                return Some(());
            }
            let (key, key_at) = self.name()?;
            object.has_inner_names |= depth > 0;
            if STRANGE.contains(&key.as_slice()) {
                return None;
            }
            self.skip_blanks()?;
            let from = self.at;
            let value = self.value(object, &key, depth + 1, false)?;
            let entry = Entry { value, key_at, value_at: from..self.at };
            // A key that stands twice would be read in two ways.
            if depth == 0 && object.entries.insert(key, entry).is_some() {
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
            self.skip_blanks()?;
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
        self.skip_blanks()?;
        self.number()?;
        self.keyword(b"obj")?;
        self.value(&mut object, b"", 0, false)?;
        self.skip_blanks()?;
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
pub(super) fn objects(reader: &mut Reader<'_>) -> Option<(Vec<Object>, usize)> {
    let (mut found, mut ends) = (Vec::new(), 0);
    loop {
        reader.skip_blanks()?;
        match reader.peek() {
            None => return Some((found, ends)),
            Some(byte) if byte.is_ascii_digit() => found.push(reader.object()?),
            Some(_) if reader.starts(b"xref") => {
                reader.at += 4;
                loop {
                    reader.skip_blanks()?;
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
                reader.skip_blanks()?;
                reader.starts(b"<<").then(|| reader.dictionary(&mut object, 0)).flatten()?;
                found.push(object);
            }
            Some(_) => {
                reader.keyword(b"startxref")?;
                reader.skip_blanks()?;
                reader.number()?;
                ends += 1;
            }
        }
        if found.len() > OBJECTS_MAX {
            return None;
        }
    }
}
