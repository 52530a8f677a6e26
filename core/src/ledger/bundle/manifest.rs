//! The manifest: a signed note that names every other file of the bundle.
//!
//! ```text
//! adit.bundle.v1 <origin>
//! day <day on which the bundle was made>
//! checkpoint <size> <root>
//! stream <stream> <entries>          each stream that was asked for, in order
//! support <stream> <entries>         each stream that keys, grants or rules come from, in order
//! file <SHA-256> <bytes> <path>      each file but this one, in order of path
//!
//! — <origin> <signature>
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::id::StreamId;
use crate::ledger::entry::decimal;
use crate::ledger::merkle::Hash;
use crate::ledger::vkey::{hex, is_hash, is_name};
use crate::units::Day;

/// Most bytes of a manifest: a line for each of the files that a container can hold.
pub const MANIFEST_BYTES_MAX: usize = 12 << 20;
/// First word of the first line; tells a manifest from an entry and from a checkpoint, which the same key signs.
const HEAD: &str = "adit.bundle.v1 ";

/// What the log vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub origin: String,
    /// When the bundle was made, in Asia/Shanghai.
    pub day: Day,
    /// Size and root of the checkpoint.
    pub size: u64,
    pub root: Hash,
    /// Those asked for, then the others, each in order of their names.
    pub streams: Vec<Part>,
    /// In order of path, without the manifest.
    pub files: Vec<Listed>,
}

/// A stream, whole up to the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub stream: StreamId,
    pub entries: u64,
    /// Asked for; else it is there for its keys, grants or rules.
    pub asked: bool,
}

/// A file as the manifest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// SHA-256, hexadecimal.
    pub hash: String,
    pub bytes: u64,
    pub path: String,
}

impl Listed {
    /// The line of a file with this content.
    pub fn of(path: &str, content: &[u8]) -> Self {
        let hash: [u8; 32] = Sha256::digest(content).into();
        Self { hash: hex(&hash), bytes: content.len() as u64, path: path.to_owned() }
    }
}

impl Manifest {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let mut text = format!("{HEAD}{}\nday {}\n", self.origin, self.day);
        // Writing to a string can't fail.
        let _ = writeln!(text, "checkpoint {} {}", self.size, STANDARD.encode(self.root));
        for (asked, word) in [(true, "stream"), (false, "support")] {
            for part in self.streams.iter().filter(|part| part.asked == asked) {
                let _ = writeln!(text, "{word} {} {}", part.stream, part.entries);
            }
        }
        for Listed { hash, bytes, path } in &self.files {
            let _ = writeln!(text, "file {hash} {bytes} {path}");
        }
        text
    }

    /// Reads the text in its one spelling; else the number of the line that is not of the form.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let mut lines = text.lines().enumerate();
        let mut head = |prefix: &'static str, at: usize| {
            lines.next().and_then(|(_, line)| line.strip_prefix(prefix)).ok_or(at)
        };
        let origin = head(HEAD, 1)?.to_owned();
        let day = head("day ", 2)?.parse().map_err(|_| 2_usize)?;
        let (size, root) = head("checkpoint ", 3)?.split_once(' ').ok_or(3_usize)?;
        let size = decimal(size).ok_or(3_usize)?;
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok()).ok_or(3_usize)?;
        let mut manifest = Self { origin, day, size, root, streams: Vec::new(), files: Vec::new() };
        let mut named = BTreeSet::new();
        for (index, line) in lines {
            manifest.line(line, &mut named).ok_or(index + 1)?;
        }
        // One spelling alone: what is written again from what was read is what was there.
        let again = manifest.text();
        let differs = again.lines().zip(text.lines()).position(|(one, other)| one != other);
        match differs {
            None if again == text && is_name(&manifest.origin) => Ok(manifest),
            None => Err(1),
            Some(index) => Err(index + 1),
        }
    }

    /// One line of streams or files, after those before it. `named` are the streams of these.
    fn line(&mut self, line: &str, named: &mut BTreeSet<StreamId>) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        if word == "file" {
            let mut words = rest.splitn(3, ' ');
            let (hash, bytes, path) = (words.next()?, decimal(words.next()?)?, words.next()?);
            let ordered = self.files.last().is_none_or(|last| last.path.as_str() < path);
            let listed = Listed { hash: hash.to_owned(), bytes, path: path.to_owned() };
            return (ordered && is_hash(hash) && is_path(path)).then(|| self.files.push(listed));
        }
        let asked = word == "stream";
        let (stream, entries) = rest.split_once(' ')?;
        let part = Part { stream: stream.parse().ok()?, entries: decimal(entries)?, asked };
        let ordered = self.streams.last().is_none_or(|last| {
            (last.asked && !asked) || (last.asked == asked && last.stream.to_string().as_str() < stream)
        });
        let known = asked || word == "support";
        let good = known && ordered && named.insert(part.stream) && self.files.is_empty();
        good.then(|| self.streams.push(part))
    }
}

/// Paths are plain: no blank, no way out of a folder, nothing that a file system could spell otherwise.
pub(super) fn is_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
    path.len() <= 128
        && path.bytes().all(plain)
        && path.split('/').all(|step| !step.trim_matches('.').is_empty())
}
