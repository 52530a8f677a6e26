//! The public tree: RFC 6962 hashes, kept in tiles of 256 after C2SP tlog-tiles.

use sha2::{Digest, Sha256};

/// A SHA-256 hash of the tree.
pub type Hash = [u8; 32];

/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 256;

/// `SHA-256(0x00 || leaf)`.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(leaf);
    hasher.finalize().into()
}

/// `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// The root of the tree without leaves: `SHA-256("")`.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// A full tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    pub level: u8,
    pub index: u64,
    pub hashes: Vec<Hash>,
}

/// A growing tree. Holds the partial tile of each tile level, at most 255 hashes a level, and its right edge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Roots of the perfect subtrees, left to right.
    frontier: Vec<Hash>,
    /// `partial[level]` are the hashes of the rightmost, not yet full tile.
    partial: Vec<Vec<Hash>>,
}

impl Tree {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Rebuilds a tree from its tiles: `tile(level, index, width)` gives the first `width` hashes of a tile.
    pub fn restore<E>(
        size: u64,
        mut tile: impl FnMut(u8, u64, u16) -> Result<Vec<Hash>, E>,
    ) -> Result<Self, E> {
        let mut tree = Self { size, ..Self::default() };
        let (mut level, mut hashes) = (0_u8, size);
        while hashes > 0 {
            let width = u16::try_from(hashes % TILE_WIDTH).unwrap_or(0);
            let index = hashes / TILE_WIDTH;
            tree.partial.push(if width == 0 { Vec::new() } else { tile(level, index, width)? });
            hashes = index;
            level += 1;
        }
        tree.frontier = tree.subtrees();
        Ok(tree)
    }

    /// Adds a leaf's hash; tiles that become full are added to `full`.
    pub fn push(&mut self, leaf: Hash, full: &mut Vec<Tile>) {
        // Like a carry in binary: each subtree to the left that is as high as the new one is joined with it.
        let (mut hash, mut height, mut rest) = (leaf, 0_u8, self.size);
        self.size += 1;
        self.put(0, hash, full);
        while rest & 1 == 1
            && let Some(left) = self.frontier.pop()
        {
            hash = node_hash(&left, &hash);
            height += 1;
            rest >>= 1;
            if height.is_multiple_of(8) {
                self.put(height / 8, hash, full);
            }
        }
        self.frontier.push(hash);
    }

    /// Adds the next hash of a tile level.
    fn put(&mut self, level: u8, hash: Hash, full: &mut Vec<Tile>) {
        let at = usize::from(level);
        if self.partial.len() == at {
            self.partial.push(Vec::new());
        }
        self.partial[at].push(hash);
        if self.partial[at].len() as u64 == TILE_WIDTH {
            let index = (self.size - 1) >> (8 * (u32::from(level) + 1));
            full.push(Tile { level, index, hashes: std::mem::take(&mut self.partial[at]) });
        }
    }

    /// Roots of the perfect subtrees that make up the tree, left to right.
    pub fn frontier(&self) -> &[Hash] {
        &self.frontier
    }

    /// The hashes of the tile at the right edge of a level, if `index` is that tile and it is not full yet.
    pub fn right_tile(&self, level: u8, index: u64) -> Option<&[Hash]> {
        let hashes = self.size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        if index != hashes / TILE_WIDTH {
            return None;
        }
        Some(self.partial.get(usize::from(level)).map(Vec::as_slice).unwrap_or_default())
    }

    fn subtrees(&self) -> Vec<Hash> {
        let mut roots = Vec::new();
        for hashes in self.partial.iter().rev() {
            let mut rest = hashes.as_slice();
            for bit in (0..8).rev() {
                let width = 1_usize << bit;
                if hashes.len() & width != 0 {
                    let (subtree, after) = rest.split_at(width);
                    roots.push(perfect_root(subtree));
                    rest = after;
                }
            }
        }
        roots
    }

    pub fn root(&self) -> Hash {
        root_of_frontier(&self.frontier)
    }
}

/// The root of a tree from the roots of its perfect subtrees, left to right.
pub fn root_of_frontier(frontier: &[Hash]) -> Hash {
    let mut roots = frontier.iter().rev();
    let Some(last) = roots.next() else {
        return empty_root();
    };
    roots.fold(*last, |right, left| node_hash(left, &right))
}

/// The root over 2^k hashes.
fn perfect_root(hashes: &[Hash]) -> Hash {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = level.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    level.first().copied().unwrap_or_else(empty_root)
}

/// The root over any number of hashes, by the definition of RFC 6962, 2.1.
pub(crate) fn range_root(hashes: &[Hash]) -> Hash {
    match hashes.len() {
        0 => empty_root(),
        1 => hashes[0],
        n => {
            let split = n.next_power_of_two() / 2;
            node_hash(&range_root(&hashes[..split]), &range_root(&hashes[split..]))
        }
    }
}

/// The inclusion proof of leaf `index` in a tree of `size` leaves (RFC 6962, 2.1.1), read from tiles.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    tile: &mut impl FnMut(u8, u64, u16) -> Result<Vec<Hash>, E>,
) -> Result<Vec<Hash>, E> {
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, size);
    while high - low > 1 {
        let split = low + (high - low).next_power_of_two() / 2;
        if index < split {
            proof.push(subtree_root(split, high, size, tile)?);
            high = split;
        } else {
            proof.push(subtree_root(low, split, size, tile)?);
            low = split;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The root over leaves `low..high`, where `low` is a multiple of the smallest power of two that covers the range.
fn subtree_root<E>(
    low: u64,
    high: u64,
    size: u64,
    tile: &mut impl FnMut(u8, u64, u16) -> Result<Vec<Hash>, E>,
) -> Result<Hash, E> {
    // Take the highest tile level whose hashes tile the range, and split what is left over at its right end.
    let mut level = 0_u8;
    let span = |level: u8| 1_u64 << (8 * u32::from(level));
    while high - low >= span(level + 1) && (high - low).is_power_of_two() {
        level += 1;
    }
    if !(high - low).is_power_of_two() {
        let split = low + (high - low).next_power_of_two() / 2;
        let left = subtree_root(low, split, size, tile)?;
        return Ok(node_hash(&left, &subtree_root(split, high, size, tile)?));
    }
    let (first, last) = (low / span(level), high / span(level));
    let index = first / TILE_WIDTH;
    let end = (size / span(level)).min((index + 1) * TILE_WIDTH) - index * TILE_WIDTH;
    let hashes = tile(level, index, u16::try_from(end).unwrap_or(256))?;
    let offset = index * TILE_WIDTH;
    let at = |n: u64| usize::try_from(n - offset).unwrap_or(usize::MAX);
    Ok(range_root(hashes.get(at(first)..at(last)).unwrap_or_default()))
}

/// The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); `None` when the proof has the wrong length.
pub fn root_of_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// The consistency proof from the tree of `old` leaves to the tree of `new` leaves (RFC 6962, 2.1.2), read from the tiles of
/// the latter. Empty from the empty tree, and from a tree to itself.
pub fn consistency_proof<E>(
    old: u64,
    new: u64,
    tile: &mut impl FnMut(u8, u64, u16) -> Result<Vec<Hash>, E>,
) -> Result<Vec<Hash>, E> {
    if old == 0 || old >= new {
        return Ok(Vec::new());
    }
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, new);
    while high != old {
        let split = low + (high - low).next_power_of_two() / 2;
        if old <= split {
            proof.push(subtree_root(split, high, new, tile)?);
            high = split;
        } else {
            proof.push(subtree_root(low, split, new, tile)?);
            low = split;
        }
    }
    // Where the old tree ends with a subtree of its own, whoever checks does not have that subtree's root.
    if low != 0 {
        proof.push(subtree_root(low, high, new, tile)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether the tree of `new` leaves begins with the tree of `old` leaves (RFC 9162, 2.1.4.2). From the empty tree the proof is
/// empty and proves nothing; from a tree to itself it is empty and the roots are equal.
pub fn check_consistency(old: u64, old_root: &Hash, new: u64, new_root: &Hash, proof: &[Hash]) -> bool {
    if old >= new {
        return old == new && proof.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    let (first, rest) = if old.is_power_of_two() {
        (*old_root, proof)
    } else {
        let Some((first, rest)) = proof.split_first() else { return false };
        (*first, rest)
    };
    let shift = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let (mut old_hash, mut new_hash) = (first, first);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(hash, &old_hash);
            new_hash = node_hash(hash, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}
