//! Films, sound and pictures that are made of boxes (ISO/IEC 14496-12, QuickTime; HEIF and AVIF, ISO/IEC 23008-12): how boxes are found, and how one becomes
//! blank.
//!
//! What may stay is listed, in `film` and `heif`; every other box is called `free` and filled with zeros. No box changes its size, so that
//! every offset still holds, and no pixel and no sound is touched.

use std::ops::Range;

pub(super) type Kind = [u8; 4];

/// Brands of pictures; all others are films or sound.
const PICTURES: [&Kind; 7] = [b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"avif"];

/// Whether a file that begins so is made of boxes.
pub(crate) fn is_of_boxes(head: &[u8]) -> bool {
    head.get(4..8) == Some(b"ftyp")
}

/// Whether such a file is a picture.
pub(crate) fn is_picture(head: &[u8]) -> bool {
    is_of_boxes(head) && head.get(8..12).is_some_and(|brand| PICTURES.iter().any(|one| brand == *one))
}

pub(super) fn has(list: &[&Kind], kind: Kind) -> bool {
    list.contains(&&kind)
}

pub(super) fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let range = bytes.get(at..at.checked_add(size)?)?;
    (size <= 8).then(|| range.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

pub(super) fn index(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    usize::try_from(number(bytes, at, size)?).ok()
}

pub(super) fn zero(bytes: &mut [u8], range: Range<usize>) {
    if let Some(range) = bytes.get_mut(range) {
        range.fill(0);
    }
}

/// Where a box stands.
#[derive(Clone, Copy)]
pub(super) struct Boxed {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) body: usize,
    pub(super) end: usize,
}

impl Boxed {
    /// Nothing of it is left but its size.
    pub(super) fn blank(self, bytes: &mut [u8]) {
        if let Some(kind) = bytes.get_mut(self.start + 4..self.start + 8) {
            kind.copy_from_slice(b"free");
        }
        zero(bytes, self.body..self.end);
    }
}

/// The boxes between two places; none where they do not fill it.
pub(super) fn boxes(bytes: &[u8], from: usize, to: usize) -> Option<Vec<Boxed>> {
    let mut found = Vec::new();
    let mut start = from;
    while start < to {
        // QuickTime ends a list with four zeros.
        if to - start == 4 && number(bytes, start, 4)? == 0 {
            break;
        }
        let kind: Kind = bytes.get(start + 4..start + 8)?.try_into().ok()?;
        let (size, head) = match index(bytes, start, 4)? {
            0 => (to - start, 8),
            1 => (index(bytes, start + 8, 8)?, 16),
            size => (size, 8),
        };
        let end = start.checked_add(size).filter(|end| size >= head && *end <= to)?;
        found.push(Boxed { kind, start, body: start + head, end });
        start = end;
    }
    Some(found)
}

/// The boxes in a box that may stay; the others are blanked.
pub(super) fn kept(bytes: &mut [u8], from: usize, to: usize, list: &[&Kind]) -> Option<Vec<Boxed>> {
    let (stay, go): (Vec<_>, Vec<_>) =
        boxes(bytes, from, to)?.into_iter().partition(|one| has(list, one.kind));
    for one in go {
        one.blank(bytes);
    }
    Some(stay)
}

/// When something was made and changed last: both become the beginning of 1904, which is how one says that one does not know.
pub(super) fn timeless(bytes: &mut [u8], one: Boxed) -> Option<()> {
    let size = if *bytes.get(one.body)? == 1 { 16 } else { 8 };
    let end = one.body + 4 + size;
    (end <= one.end).then(|| zero(bytes, one.body + 4..end))
}

/// What a handler is called stays; the name that a device gave it does not.
pub(super) fn nameless(bytes: &mut [u8], one: Boxed) -> Option<Kind> {
    let kind = bytes.get(one.body + 8..one.body + 12)?.try_into().ok()?;
    zero(bytes, (one.body + 24).min(one.end)..one.end);
    Some(kind)
}

/// Data is in the file itself: the names of other files go.
pub(super) fn without_places(bytes: &mut [u8], one: Boxed) -> Option<()> {
    for table in kept(bytes, one.body, one.end, &[b"dref"])? {
        for place in boxes(bytes, table.body + 8, table.end)? {
            zero(bytes, (place.body + 4).min(place.end)..place.end);
        }
    }
    Some(())
}

#[cfg(test)]
pub(crate) mod tests {
    pub(crate) const SECRET: &[u8] = b"+40.2900+123.2800/canary-place";

    pub(crate) fn holds(content: &[u8], wanted: &[u8]) -> bool {
        content.windows(wanted.len()).any(|window| window == wanted)
    }

    pub(crate) fn one(kind: &[u8], body: &[&[u8]]) -> Vec<u8> {
        let body = body.concat();
        let size = u32::try_from(body.len() + 8).expect("short");
        [&size.to_be_bytes()[..], kind, &body].concat()
    }

    pub(crate) fn word(value: usize) -> [u8; 4] {
        u32::try_from(value).expect("short").to_be_bytes()
    }
}
