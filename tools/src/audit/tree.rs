//! The tree as the monitor computes it: all hashes above the leaves, and the leaves of the right edge.
//!
//! A million entries keep 125 kB, so the root at any earlier size needs one tile of leaves at most.

use adit_core::ledger::merkle::{Hash, node_hash, root_of_frontier};
use serde::{Deserialize, Serialize};

/// Hashes in a full tile.
pub(super) const WIDTH: usize = 256;

/// A growing tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tree {
    /// Leaves after the last full tile.
    edge: Vec<Hash>,
    /// `upper[n]` holds every hash of tile level n + 1.
    upper: Vec<Vec<Hash>>,
}

impl Tree {
    pub(super) fn size(&self) -> u64 {
        (self.full_tiles() * WIDTH + self.edge.len()) as u64
    }

    fn full_tiles(&self) -> usize {
        self.upper.first().map_or(0, Vec::len)
    }

    /// Leaves after the last full tile.
    pub(super) fn edge(&self) -> &[Hash] {
        &self.edge
    }

    /// The hash over a full tile of leaves.
    pub(super) fn over_tile(&self, index: u64) -> Option<&Hash> {
        self.upper.first()?.get(usize::try_from(index).ok()?)
    }

    pub(super) fn push(&mut self, leaf: Hash) {
        self.edge.push(leaf);
        if self.edge.len() == WIDTH {
            let over = perfect_root(&self.edge);
            self.edge.clear();
            self.carry(over);
        }
    }

    fn carry(&mut self, mut hash: Hash) {
        for level in 0.. {
            if self.upper.len() == level {
                self.upper.push(Vec::new());
            }
            let hashes = &mut self.upper[level];
            hashes.push(hash);
            if !hashes.len().is_multiple_of(WIDTH) {
                return;
            }
            hash = perfect_root(&hashes[hashes.len() - WIDTH..]);
        }
    }

    /// The same tree with other leaves in some tiles: `(index, leaves)`.
    pub(super) fn with_tiles(&self, others: &[(u64, Vec<Hash>)]) -> Self {
        let mut tree = Self::default();
        let mut edge = self.edge.clone();
        let mut firsts = self.upper.first().cloned().unwrap_or_default();
        for (index, leaves) in others {
            match usize::try_from(*index).ok().and_then(|index| firsts.get_mut(index)) {
                Some(over) => *over = perfect_root(leaves),
                None => edge.clone_from(leaves),
            }
        }
        for over in firsts {
            tree.carry(over);
        }
        tree.edge = edge;
        tree
    }

    pub(super) fn root(&self) -> Hash {
        self.root_at(self.size(), &self.edge)
    }

    /// The root that the tree had at `size`, with the leaves after the last full tile of that time.
    pub(super) fn root_at(&self, size: u64, edge: &[Hash]) -> Hash {
        let mut frontier = Vec::new();
        for level in (0..self.upper.len()).rev() {
            let shift = 8 * u32::try_from(level + 1).unwrap_or(u32::MAX);
            let count = usize::try_from(size.checked_shr(shift).unwrap_or(0)).unwrap_or(usize::MAX);
            let hashes = &self.upper[level];
            subtrees(hashes.get(count / WIDTH * WIDTH..count).unwrap_or_default(), &mut frontier);
        }
        subtrees(edge, &mut frontier);
        root_of_frontier(&frontier)
    }

    /// Hashes of a tile of level 1 and above, as far as there are some.
    pub(super) fn tile(&self, level: usize, index: u64) -> &[Hash] {
        let Some(hashes) = level.checked_sub(1).and_then(|level| self.upper.get(level)) else {
            return &[];
        };
        let start = usize::try_from(index).unwrap_or(usize::MAX).saturating_mul(WIDTH).min(hashes.len());
        &hashes[start..hashes.len().min(start + WIDTH)]
    }

    /// Hashes of each tile level from 1 on.
    pub(super) fn level_sizes(&self) -> Vec<u64> {
        self.upper.iter().map(|hashes| hashes.len() as u64).collect()
    }
}

/// Roots of the perfect subtrees over fewer than 256 hashes, left to right.
fn subtrees(hashes: &[Hash], roots: &mut Vec<Hash>) {
    let mut rest = hashes;
    for bit in (0..8).rev() {
        let width = 1_usize << bit;
        if hashes.len() & width != 0 {
            let (subtree, after) = rest.split_at(width);
            roots.push(perfect_root(subtree));
            rest = after;
        }
    }
}

/// The root over 2^k hashes.
pub(super) fn perfect_root(hashes: &[Hash]) -> Hash {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = level.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    level.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use adit_core::ledger::merkle;

    use super::*;

    #[test]
    fn roots_are_those_of_the_other_implementation_at_every_size() {
        let (mut ours, mut theirs, mut full) = (Tree::default(), merkle::Tree::new(), Vec::new());
        let mut leaves = Vec::new();
        let mut roots = vec![merkle::empty_root()];
        for number in 0..70_000_u32 {
            let leaf = merkle::leaf_hash(&number.to_be_bytes());
            ours.push(leaf);
            theirs.push(leaf, &mut full);
            leaves.push(leaf);
            if number % 97 == 0 || number < 600 || number > 65_500 && number < 65_600 {
                assert_eq!(ours.root(), theirs.root(), "{number}");
            }
            roots.push(if number < 1200 { theirs.root() } else { merkle::empty_root() });
        }
        for size in [0_usize, 1, 255, 256, 257, 511, 512, 777, 1024, 1199] {
            let edge = &leaves[size / WIDTH * WIDTH..size];
            assert_eq!(ours.root_at(size as u64, edge), roots[size], "{size}");
        }
    }

    #[test]
    fn other_leaves_in_a_tile_give_another_root_and_the_right_ones_the_right_root() {
        let leaf = |number: u32| merkle::leaf_hash(&number.to_be_bytes());
        let (mut right, mut wrong) = (Tree::default(), Tree::default());
        for number in 0..700 {
            right.push(leaf(number));
            wrong.push(if number == 300 || number == 650 { leaf(9999) } else { leaf(number) });
        }
        assert_ne!(right.root(), wrong.root());
        let tiles = [(1, (256..512).map(leaf).collect()), (2, (512..700).map(leaf).collect())];
        assert_eq!(wrong.with_tiles(&tiles).root(), right.root());
    }
}
