//! The container: a zip whose every byte follows from the names and contents of its files.
//!
//! Files are stored, not compressed, one after another, then the directory. Dates, versions and flags are fixed; there are
//! no extra fields, no comments and no gaps. A reader makes the whole zip again from what it read and compares: two
//! programs can't see different files in the same bytes, because there is only one way to write them.

use crate::ledger::bundle::manifest::is_path;
use crate::ledger::bundle::{BundleError, BundleFault};

/// Most files of a container that is no zip64.
pub const FILES_MAX: usize = 65_534;
/// Most bytes of such a container; one less than what marks zip64.
pub const ZIP_BYTES_MAX: usize = 0xffff_fffe;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
/// Bytes before a file's name.
const LOCAL_BYTES: usize = 30;
/// Version 1.0 to extract: nothing but stored files.
const VERSION: u16 = 10;
/// 1980-01-01, the first day that the format knows.
const DATE: u16 = 0x21;

/// A file: its name and its content.
pub type File<'a> = (&'a str, &'a [u8]);

/// CRC-32 of ISO 3309, bit by bit for each byte.
const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte: u32 = 0;
    while byte < 256 {
        let (mut value, mut bit) = (byte, 0);
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[byte as usize] = value;
        byte += 1;
    }
    table
};

fn crc32(content: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| CRC[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ (crc >> 8);
    !content.iter().fold(u32::MAX, step)
}

/// Where a stretch of the container begins, and what stands there.
struct Part<'a> {
    from: usize,
    file: &'a str,
    /// Code of its name in both languages.
    called: &'static str,
}

/// The zip of these files in this order.
pub fn write(files: &[File<'_>]) -> Result<Vec<u8>, BundleError> {
    build(files).map(|(bytes, _)| bytes)
}

fn build<'a>(files: &[File<'a>]) -> Result<(Vec<u8>, Vec<Part<'a>>), BundleError> {
    let too_large = || BundleError::of(BundleFault::TooLarge, "");
    let number = |size: usize| u32::try_from(size).map_err(|_| too_large());
    let named = |name: &str| u16::try_from(name.len()).map_err(|_| too_large());
    if files.len() > FILES_MAX {
        return Err(too_large());
    }
    let count = u16::try_from(files.len()).map_err(|_| too_large())?;
    let (mut bytes, mut directory, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for (name, content) in files {
        let (size, offset) = (number(content.len())?.to_le_bytes(), number(bytes.len())?.to_le_bytes());
        // Flags, method, time, date, checksum, both sizes, length of the name, no extra field: the same in both places.
        let mut shared = [[0; 2], [0; 2], [0; 2], DATE.to_le_bytes()].concat();
        shared.extend([crc32(content).to_le_bytes(), size, size].concat());
        shared.extend([named(name)?.to_le_bytes(), [0; 2]].concat());
        parts.push(Part { from: bytes.len(), file: name, called: "bundle.in_header" });
        bytes.extend([&LOCAL[..], &VERSION.to_le_bytes(), &shared, name.as_bytes()].concat());
        parts.push(Part { from: bytes.len(), file: name, called: "bundle.in_content" });
        bytes.extend_from_slice(content);
        // Made by version, version; then no comment, disk 0, no attributes, and where the file begins.
        let head = [&CENTRAL[..], &VERSION.to_le_bytes(), &VERSION.to_le_bytes(), &shared].concat();
        directory.push([&head[..], &[0; 10], &offset, name.as_bytes()].concat());
    }
    let from = bytes.len();
    for ((name, _), record) in files.iter().zip(&directory) {
        parts.push(Part { from: bytes.len(), file: name, called: "bundle.in_directory" });
        bytes.extend_from_slice(record);
    }
    let size = bytes.len() - from;
    parts.push(Part { from: bytes.len(), file: "", called: "bundle.in_end" });
    bytes.extend([&END[..], &[0; 4], &count.to_le_bytes(), &count.to_le_bytes()].concat());
    bytes.extend([&number(size)?.to_le_bytes()[..], &number(from)?.to_le_bytes(), &[0; 2]].concat());
    if bytes.len() > ZIP_BYTES_MAX { Err(too_large()) } else { Ok((bytes, parts)) }
}

/// The files of a zip that [`write()`] could have made; else the first byte that it would have written otherwise.
pub fn read(bytes: &[u8]) -> Result<Vec<File<'_>>, BundleError> {
    if bytes.len() > ZIP_BYTES_MAX {
        return Err(BundleError::of(BundleFault::TooLarge, ""));
    }
    let (mut files, mut at) = (Vec::new(), 0);
    while let Some(file) = file_at(bytes, at) {
        at += LOCAL_BYTES + file.0.len() + file.1.len();
        files.push(file);
    }
    let (again, parts) = build(&files)?;
    if again == bytes {
        return Ok(files);
    }
    let same = again.iter().zip(bytes).take_while(|(one, other)| one == other).count();
    let wrong = BundleError::of(BundleFault::Container, "");
    // What stands where the next header should be has no name to tell.
    if same >= at && bytes.get(at..).is_some_and(|rest| rest.len() >= LOCAL_BYTES && !is_directory(rest)) {
        return Err(wrong.with("offset", &at.to_string()).with("part", "bundle.in_gap"));
    }
    let part = parts.iter().rev().find(|part| part.from <= same);
    let (file, called) = part.map_or(("", "bundle.in_end"), |part| (part.file, part.called));
    // A checksum that differs means the content or the checksum, and the content is what people care for.
    let called = if is_checksum(&parts, same) { "bundle.in_content" } else { called };
    Err(wrong.with("file", file).with("offset", &same.to_string()).with("part", called))
}

fn is_directory(rest: &[u8]) -> bool {
    rest.starts_with(&CENTRAL) || rest.starts_with(&END)
}

/// Whether `at` lies in the checksum that stands before a file.
fn is_checksum(parts: &[Part<'_>], at: usize) -> bool {
    let header = parts.iter().rev().find(|part| part.from <= at);
    header.is_some_and(|part| part.called == "bundle.in_header" && (14..18).contains(&(at - part.from)))
}

/// The file whose header begins at `at`, as far as the container tells. Whether it tells the truth is found by writing it again.
fn file_at(bytes: &[u8], at: usize) -> Option<File<'_>> {
    let rest = bytes.get(at..).filter(|rest| !is_directory(rest))?;
    let (header, rest) = rest.split_at_checked(LOCAL_BYTES)?;
    let size = u32::from_le_bytes([header[22], header[23], header[24], header[25]]);
    let (name, rest) = rest.split_at_checked(u16::from_le_bytes([header[26], header[27]]).into())?;
    let name = std::str::from_utf8(name).ok().filter(|name| is_path(name))?;
    // A size that goes beyond the end is found by the checksum, under the name of its file.
    Some((name, &rest[..usize::try_from(size).unwrap_or(usize::MAX).min(rest.len())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [File<'static>; 3] =
        [("manifest", b"one\n"), ("entries/1.entry", b"two"), ("index.html", b"")];

    #[test]
    fn given_a_zip_when_it_is_read_then_its_files_come_back() {
        let zip = write(&FILES).expect("small");
        assert_eq!(read(&zip), Ok(FILES.to_vec()));
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of CRC-32");
        assert_eq!(write(&[]).map(|zip| zip.len()), Ok(22));
    }

    #[test]
    fn given_a_zip_when_any_bit_is_flipped_then_it_is_refused_and_the_byte_lies_where_it_is_said() {
        let zip = write(&FILES).expect("small");
        for bit in 0..zip.len() * 8 {
            let mut altered = zip.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let error = read(&altered).expect_err("an altered zip was read");
            assert_eq!(error.fault, BundleFault::Container);
            let offset: usize = error.details["offset"].parse().expect("a number");
            // A name that was altered in one place only is first found behind it, where something else says otherwise.
            let in_name = error.details["part"] == "bundle.in_directory" || error.details["file"].is_empty();
            assert!(offset <= bit / 8 || in_name, "bit {bit}: nothing before byte {offset} differs");
        }
    }

    #[test]
    fn given_a_zip_when_it_is_cut_or_goes_on_then_it_is_refused() {
        let zip = write(&FILES).expect("small");
        for end in 0..zip.len() {
            assert!(read(&zip[..end]).is_err(), "{end}");
        }
        assert!(read(&[&zip[..], b"\0"].concat()).is_err() && read(&[b"\0", &zip[..]].concat()).is_err());
    }
}
