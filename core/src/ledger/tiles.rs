//! Paths and extent of tiles, after C2SP tlog-tiles.
//!
//! ```text
//! tile/<L>/<N>[.p/<W>]         hashes, 256 to a full tile
//! tile/entries/<N>[.p/<W>]     entries, each after its length as 2 bytes, big-endian
//! ```
//!
//! A path has one spelling: `<N>` in groups of three digits, all but the last with an `x`; no leading zeros elsewhere.

use std::fmt;

use crate::ledger::entry::decimal;
use crate::ledger::merkle::{Hash, TILE_WIDTH};

/// Highest level of a tile.
const LEVEL_MAX: u8 = 63;
/// Hashes or entries in a full tile.
pub const WIDTH: u16 = 256;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rows {
    /// Hashes over 256^level leaves each.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// Which tile: its path, and how many hashes or entries it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TilePath {
    pub rows: Rows,
    pub index: u64,
    /// 1 to 256; 256 for a full tile.
    pub width: u16,
}

impl TilePath {
    /// Reads a path in its one spelling, from `tile/` on.
    pub fn parse(text: &str) -> Option<Self> {
        let (level, rest) = text.strip_prefix("tile/")?.split_once('/')?;
        let rows = if level == "entries" {
            Rows::Entries
        } else {
            Rows::Hashes(decimal(level)?.try_into().ok().filter(|level| *level <= LEVEL_MAX)?)
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, decimal(width)?.try_into().ok()?),
            None => (rest, WIDTH),
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let path = Self { rows, index, width };
        // Zeros in front, a misplaced `x`, `.p/0` and `.p/256` are other spellings.
        (width > 0 && path.to_string() == text).then_some(path)
    }

    pub fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// Level of the hashes; entries stand at level 0.
    pub fn level(&self) -> u8 {
        match self.rows {
            Rows::Hashes(level) => level,
            Rows::Entries => 0,
        }
    }

    /// Whether a tree of `size` leaves has all that this tile holds.
    pub fn is_within(&self, size: u64) -> bool {
        let end = self.index.checked_mul(TILE_WIDTH).and_then(|first| first.checked_add(self.width.into()));
        end.is_some_and(|end| end <= hashes_at(self.level(), size))
    }

    /// Whether this is the tile at the right edge of a tree of `size` leaves, as wide as it is there.
    pub fn is_edge_of(&self, size: u64) -> bool {
        let hashes = hashes_at(self.level(), size);
        self.index == hashes / TILE_WIDTH && u64::from(self.width) == hashes % TILE_WIDTH
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows {
            Rows::Hashes(level) => write!(f, "tile/{level}/")?,
            Rows::Entries => write!(f, "tile/entries/")?,
        }
        let mut groups = Vec::new();
        let mut rest = self.index;
        loop {
            groups.push(rest % 1000);
            rest /= 1000;
            if rest == 0 {
                break;
            }
        }
        while groups.len() > 1 {
            write!(f, "x{:03}/", groups.pop().unwrap_or_default())?;
        }
        write!(f, "{:03}", groups.pop().unwrap_or_default())?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// Hashes at a tile level of a tree of `size` leaves.
fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// Every tile of a tree of `size` leaves that a tree of `before` leaves did not have, hashes and entries, in order.
pub fn added(before: u64, size: u64) -> impl Iterator<Item = TilePath> {
    let levels = (0..8_u8).map(Rows::Hashes).chain([Rows::Entries]);
    levels.flat_map(move |rows| {
        let level = TilePath { rows, index: 0, width: WIDTH }.level();
        let (old, new) = (hashes_at(level, before), hashes_at(level, size));
        let full =
            (old / TILE_WIDTH..new / TILE_WIDTH).map(move |index| TilePath { rows, index, width: WIDTH });
        let width = u16::try_from(new % TILE_WIDTH).unwrap_or(0);
        let partial = (width > 0 && new > old).then_some(TilePath { rows, index: new / TILE_WIDTH, width });
        full.chain(partial)
    })
}

/// The bytes of a tile of hashes.
pub fn hash_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// Adds an entry to a bundle: its length as 2 bytes, big-endian, then the entry. `None` when it is longer than a leaf may be.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Option<()> {
    bundle.extend_from_slice(&u16::try_from(entry.len()).ok()?.to_be_bytes());
    bundle.extend_from_slice(entry);
    Some(())
}

/// The entries of a bundle; `None` when its lengths do not add up.
pub fn split_entries(bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut entries, mut rest) = (Vec::new(), bundle);
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (entry, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        entries.push(entry);
        rest = after;
    }
    rest.is_empty().then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_in_its_one_spelling() {
        for text in [
            "tile/0/000",
            "tile/0/x001/234",
            "tile/63/x018/x446/x744/x073/x709/x551/615",
            "tile/entries/x001/x234/067.p/255",
            "tile/1/000.p/1",
        ] {
            assert_eq!(TilePath::parse(text).map(|path| path.to_string()).as_deref(), Some(text));
        }
        assert_eq!(TilePath::parse("tile/0/x001/x234/067").map(|path| path.index), Some(1_234_067));
    }

    #[test]
    fn any_other_spelling_is_refused() {
        for text in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/0/1/234",
            "tile/0/001/234",
            "tile/0/x000/001",
            "tile/0/x001",
            "tile/0/x001/x234",
            "tile/0/X001/234",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/+1",
            "tile/0/000.p/1/",
            "tile/0/000/",
            "tile/0/000.p/1.p/1",
            "tile/data/000",
            "tile/8/0/000",
            "/tile/0/000",
            "tile/0/٠٠٠",
            "tile/0//000",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/entries/../000",
            "tile/0/000.p/65537",
        ] {
            assert_eq!(TilePath::parse(text), None, "{text}");
        }
    }

    #[test]
    fn tiles_of_a_tree_are_those_of_the_specification() {
        let of = |size: u64| -> Vec<String> { added(0, size).map(|path| path.to_string()).collect() };
        assert!(of(0).is_empty());
        assert_eq!(of(1), ["tile/0/000.p/1", "tile/entries/000.p/1"]);
        assert_eq!(of(256), ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
        let large = of(70_000);
        assert_eq!(large.len(), 273 + 1 + 1 + 1 + 1 + 273 + 1, "the example of tlog-tiles, Partial Tiles");
        for path in ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"] {
            assert!(large.iter().any(|tile| tile == path), "{path}");
        }
        assert!(added(0, 70_000).all(|path| path.is_within(70_000)));
        let grown: Vec<String> = added(255, 257).map(|path| path.to_string()).collect();
        assert_eq!(
            grown,
            ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/1"]
        );
        assert_eq!(added(300, 300).count(), 0);
    }

    #[test]
    fn what_a_tree_does_not_have_is_not_within_it() {
        let within = |text: &str, size: u64| TilePath::parse(text).is_some_and(|path| path.is_within(size));
        assert!(within("tile/0/000.p/3", 3) && !within("tile/0/000.p/4", 3));
        assert!(within("tile/0/000", 256) && !within("tile/0/000", 255));
        assert!(within("tile/1/000.p/1", 256) && !within("tile/1/000.p/1", 255));
        assert!(!within("tile/0/001.p/1", 256) && !within("tile/63/000.p/1", u64::MAX));
        assert!(!within("tile/0/x018/x446/x744/x073/x709/x551/615", u64::MAX));
    }

    #[test]
    fn a_bundle_is_split_into_what_was_put_in() {
        let mut bundle = Vec::new();
        for entry in [&b"one"[..], b"", &[7; 65_535]] {
            assert!(push_entry(&mut bundle, entry).is_some());
        }
        assert_eq!(split_entries(&bundle), Some(vec![&b"one"[..], b"", &[7; 65_535]]));
        assert!(split_entries(&bundle[..bundle.len() - 1]).is_none() && split_entries(&[0]).is_none());
        assert!(push_entry(&mut bundle, &[0; 65_536]).is_none());
    }
}
