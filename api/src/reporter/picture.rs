//! Photographs without the place, the time and the device that they carry. Not a pixel is changed.
//!
//! What may stay is listed; everything else goes, whatever it is called: EXIF with its position, XMP, IPTC, comments, thumbnails,
//! and what telephones append after the end of the picture.

use std::io::Cursor;

use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::Png;
use img_parts::webp::WebP;
use img_parts::{Bytes, DynImage};

/// Kinds whose metadata can be taken out here.
pub(crate) const KINDS: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// The picture without what it tells besides; `None` where it can't be read as its kind.
pub(crate) fn without_metadata(kind: &str, content: Vec<u8>) -> Option<Vec<u8>> {
    let content = Bytes::from(content);
    match kind {
        "image/jpeg" => jpeg(content),
        "image/png" => png(content),
        "image/webp" => webp(content),
        _ => None,
    }
}

/// The same, of a picture whose kind nobody said.
pub(crate) fn by_content(content: &[u8]) -> Option<Vec<u8>> {
    without_metadata(infer::get(content)?.mime_type(), content.to_vec())
}

fn written(picture: DynImage) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    picture.encoder().write_to(&mut out).ok()?;
    Some(out)
}

/// JFIF, colours, and how it is coded. Which way up it is stays, in an EXIF of our own that says nothing else.
fn jpeg(content: Bytes) -> Option<Vec<u8>> {
    let up = orientation(&content);
    let mut picture = Jpeg::from_bytes(content).ok()?;
    let segments = picture.segments_mut();
    segments.retain(|segment| stays(segment.marker(), segment.contents()));
    let last = segments.pop()?;
    let coded = last.has_entropy().then(|| whole(&last)).flatten()?;
    segments.push(coded);
    if let Some(up) = up.filter(|up| *up != 1) {
        segments.insert(0, JpegSegment::new_with_contents(markers::APP1, upright(up)));
    }
    written(picture.into())
}

/// Whether a segment is needed to see the picture.
fn stays(marker: u8, contents: &[u8]) -> bool {
    match marker {
        markers::APP0 => contents.starts_with(b"JFIF\0"),
        markers::APP2 => contents.starts_with(b"ICC_PROFILE\0"),
        markers::APP14 => contents.starts_with(b"Adobe"),
        markers::APP1 | markers::APP3..=markers::APP13 | markers::APP15 | markers::COM => false,
        _ => true,
    }
}

/// The last segment up to the end of the picture: what stands behind it is no part of it.
fn whole(last: &JpegSegment) -> Option<JpegSegment> {
    let mut bytes = Vec::new();
    last.clone().encoder().write_to(&mut bytes).ok()?;
    // Marker and head of the segment itself.
    let head = 2 + length(&bytes, 2)?;
    let end = end_of_scans(&bytes, head)?;
    let contents = Bytes::copy_from_slice(bytes.get(4..head)?);
    let coded = Bytes::copy_from_slice(bytes.get(head..end)?);
    Some(JpegSegment::new_with_entropy(last.marker(), contents, coded))
}

fn length(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])))
}

/// Where a picture ends whose first scan begins at `at`.
fn end_of_scans(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        match *bytes.get(at + 1)? {
            0xd9 => return Some(at + 2),
            // A stuffed byte, a restart, a fill byte.
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            _ => at += 2 + length(bytes, at + 2)?,
        }
    }
}

/// The same where no byte may move: what goes becomes zeros.
pub(crate) fn jpeg_in_place(bytes: &mut [u8]) -> Option<()> {
    if !bytes.starts_with(b"\xff\xd8") {
        return None;
    }
    let mut at = 2;
    loop {
        let (fill, marker) = (*bytes.get(at)?, *bytes.get(at + 1)?);
        if fill != 0xff || marker == 0xd9 {
            return None;
        }
        if marker == 0xff {
            at += 1;
            continue;
        }
        let end = at + 2 + length(bytes, at + 2)?;
        let contents = bytes.get_mut(at + 4..end)?;
        if !stays(marker, contents) {
            contents.fill(0);
        }
        if marker == markers::SOS {
            let end = end_of_scans(bytes, end)?;
            bytes.get_mut(end..)?.fill(0);
            return Some(());
        }
        at = end;
    }
}

fn orientation(content: &[u8]) -> Option<u16> {
    let exif = exif::Reader::new().read_from_container(&mut Cursor::new(content)).ok()?;
    let field = exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?;
    field.value.get_uint(0).and_then(|up| u16::try_from(up).ok()).filter(|up| (1..=8).contains(up))
}

/// An EXIF of one field (TIFF 6.0, big endian): tag 0x0112, one short.
fn upright(up: u16) -> Bytes {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    exif.extend(up.to_be_bytes());
    exif.extend([0; 6]);
    Bytes::from(exif)
}

/// What a picture needs to look as it does (PNG, third edition, and its animation).
const PNG_CHUNKS: [&[u8; 4]; 17] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP",
    b"bKGD", b"pHYs", b"hIST", b"acTL", b"fcTL", b"fdAT",
];

fn png(content: Bytes) -> Option<Vec<u8>> {
    let mut picture = Png::from_bytes(content).ok()?;
    picture.chunks_mut().retain(|chunk| PNG_CHUNKS.contains(&&chunk.kind()));
    written(picture.into())
}

/// What a picture needs (RFC 9649). The flags of the head say that EXIF and XMP are gone.
const WEBP_CHUNKS: [&[u8; 4]; 7] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
/// Bits of the first byte of `VP8X` that announce EXIF and XMP.
const WEBP_TOLD: u8 = 0b0000_1100;

fn webp(content: Bytes) -> Option<Vec<u8>> {
    let mut picture = WebP::from_bytes(content).ok()?;
    let chunks = picture.chunks_mut();
    chunks.retain(|chunk| WEBP_CHUNKS.contains(&&chunk.id()));
    for chunk in chunks.iter_mut().filter(|chunk| chunk.id() == *b"VP8X") {
        let mut head = chunk.content().data()?.to_vec();
        *head.first_mut()? &= !WEBP_TOLD;
        *chunk.content_mut() = img_parts::riff::RiffContent::Data(Bytes::from(head));
    }
    written(picture.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"GPS 40.29N 123.28E";

    fn holds(content: &[u8]) -> bool {
        content.windows(SECRET.len()).any(|window| window == SECRET)
    }

    fn segment(marker: u8, contents: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xff, marker];
        bytes.extend((u16::try_from(contents.len()).expect("short") + 2).to_be_bytes());
        bytes.extend(contents);
        bytes
    }

    /// Every place in which a telephone writes where it was, around a picture of a few coded bytes with a second scan.
    fn photograph(up: u16) -> Vec<u8> {
        let mut exif = upright(up).to_vec();
        exif.extend(SECRET);
        let mut bytes = vec![0xff, 0xd8];
        bytes.extend(segment(0xe0, b"JFIF\0\x01\x02"));
        bytes.extend(segment(0xe1, &exif));
        bytes.extend(segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET].concat()));
        bytes.extend(segment(0xe2, b"ICC_PROFILE\0\x01\x01colours"));
        bytes.extend(segment(0xe2, &[b"MPF\0", SECRET].concat()));
        bytes.extend(segment(0xed, &[b"Photoshop 3.0\0", SECRET].concat()));
        bytes.extend(segment(0xfe, SECRET));
        bytes.extend(segment(0xdb, b"\0table"));
        bytes.extend(segment(0xda, b"\x01\x01\0"));
        bytes.extend(b"coded\xff\x00more\xff\xd0");
        bytes.extend(segment(0xc4, b"\0\xff\xd9 is no end in here"));
        bytes.extend(segment(0xda, b"\x01\x01\0"));
        bytes.extend(b"second\xff\xd9");
        bytes.extend(b"appended video ");
        bytes.extend(SECRET);
        bytes
    }

    #[test]
    fn a_photograph_keeps_its_pixels_colours_and_which_way_up_it_is_and_nothing_else() {
        let taken = photograph(6);
        assert!(holds(&taken));
        let clean = without_metadata("image/jpeg", taken).expect("a photograph");
        assert!(!holds(&clean), "{}", String::from_utf8_lossy(&clean));
        for kept in [
            &b"JFIF"[..],
            b"ICC_PROFILE",
            b"colours",
            b"table",
            b"coded\xff\x00more",
            b"is no end",
            b"second\xff\xd9",
        ] {
            assert!(
                clean.windows(kept.len()).any(|window| window == kept),
                "{}",
                String::from_utf8_lossy(kept)
            );
        }
        assert!(clean.ends_with(b"second\xff\xd9"), "what was appended is gone");
        assert_eq!(orientation(&clean), Some(6));
        let upright = without_metadata("image/jpeg", photograph(1)).expect("a photograph");
        assert!(!upright.windows(4).any(|window| window == b"Exif"));
    }

    #[test]
    fn a_png_keeps_what_it_needs_to_look_as_it_does() {
        let chunk = |kind: [u8; 4], contents: &[u8]| {
            img_parts::png::PngChunk::new(kind, Bytes::copy_from_slice(contents))
        };
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        for (kind, contents) in [
            (*b"IHDR", &b"\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0"[..]),
            (*b"gAMA", b"\0\0\xb1\x8f"),
            (*b"tEXt", SECRET),
            (*b"eXIf", SECRET),
            (*b"iTXt", SECRET),
            (*b"tIME", SECRET),
            (*b"xxXx", SECRET),
            (*b"IDAT", b"pixels"),
            (*b"IEND", b""),
        ] {
            chunk(kind, contents).encoder().write_to(&mut bytes).expect("written");
        }
        bytes.extend(SECRET);
        let clean = without_metadata("image/png", bytes).expect("a picture");
        assert!(!holds(&clean));
        for kept in [&b"IHDR"[..], b"gAMA", b"pixels", b"IEND"] {
            assert!(clean.windows(kept.len()).any(|window| window == kept));
        }
    }

    #[test]
    fn a_webp_keeps_its_picture_and_no_longer_announces_what_is_gone() {
        let chunk = |id: &[u8; 4], contents: &[u8]| {
            let mut bytes = id.to_vec();
            bytes.extend(u32::try_from(contents.len()).expect("short").to_le_bytes());
            bytes.extend(contents);
            bytes.extend(vec![0; contents.len() % 2]);
            bytes
        };
        let lossy = b"\x10\0\0\x9d\x01\x2a\x01\0\x01\0picture!";
        let parts = [
            chunk(b"VP8X", &[0b0000_1100, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            chunk(b"VP8 ", lossy),
            chunk(b"EXIF", SECRET),
            chunk(b"XMP ", SECRET),
        ];
        let body = [b"WEBP".to_vec(), parts.concat()].concat();
        let mut bytes = b"RIFF".to_vec();
        bytes.extend(u32::try_from(body.len()).expect("short").to_le_bytes());
        bytes.extend(body);
        let clean = without_metadata("image/webp", bytes).expect("a picture");
        assert!(!holds(&clean));
        let head = clean.windows(4).position(|window| window == b"VP8X").expect("a head");
        assert_eq!(clean[head + 8] & WEBP_TOLD, 0);
        assert!(clean.windows(8).any(|window| window == b"picture!"));
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_not_taken_for_a_picture() {
        let whole = photograph(1);
        for at in 0..whole.len() - SECRET.len() - b"appended video ".len() {
            assert!(without_metadata("image/jpeg", whole[..at].to_vec()).is_none(), "{at}");
        }
        assert!(without_metadata("image/png", whole.clone()).is_none());
        assert!(without_metadata("image/webp", whole.clone()).is_none());
        assert!(without_metadata("video/mp4", whole).is_none());
    }
}
