//! Notes, checkpoints and proofs, altered at random: what our parsers accept, those of others accept too and read the same, and
//! the other way round (`signed_note`, `tlog_tiles`).
#![allow(clippy::expect_used, clippy::panic, reason = "a test reports by panicking")]

use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::merkle::{
    Hash, Tile, Tree, check_consistency, consistency_proof, inclusion_proof, leaf_hash, root_of_inclusion,
};
use adit_core::ledger::vkey::SigningKey;
use proptest::prelude::*;
use signed_note::{StandardVerifier, VerifierList};

const ORIGIN: &str = "xiuyan.example/ledger";

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[7; 32]).expect("a key")
}

fn other() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[8; 32]).expect("a key")
}

/// What our parser makes of a checkpoint: size and root.
fn ours(bytes: &[u8]) -> Option<(u64, Hash)> {
    Checkpoint::verify(bytes, &key().vkey()).ok().map(|checkpoint| (checkpoint.size, checkpoint.root))
}

/// Whether one key signs twice. Theirs passes over the second line; ours refuses the note, because an entry's bytes are the leaf, and
/// nobody shall make another leaf of the same entry.
fn signs_twice(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let heads = text.lines().filter(|line| line.starts_with("\u{2014} "));
    // Name and key id: the first four bytes are within the first six characters of base64.
    let mut heads: Vec<String> = heads.map(|line| line.chars().take(ORIGIN.len() + 8).collect()).collect();
    heads.sort();
    heads.windows(2).any(|pair| pair[0] == pair[1])
}

/// What theirs makes of it.
fn theirs(bytes: &[u8]) -> Option<(u64, Hash)> {
    let known =
        VerifierList::new(vec![Box::new(StandardVerifier::new(&key().vkey().to_string()).expect("a key"))]);
    let note = signed_note::Note::from_bytes(bytes).ok()?;
    note.verify(&known).ok()?;
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).ok()?;
    (checkpoint.origin() == ORIGIN).then(|| (checkpoint.size(), checkpoint.hash().0))
}

/// One alteration of a text.
#[derive(Clone, Debug)]
enum Change {
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Cut(prop::sample::Index),
    /// A line comes twice.
    Twice(prop::sample::Index),
    /// Two lines change places.
    Swap(prop::sample::Index, prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    let byte = prop_oneof![any::<u8>(), Just(b'\n'), Just(b' '), Just(b'='), Just(b'0'), Just(b'+')];
    prop_oneof![
        (at(), byte.clone()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at(), byte).prop_map(|(at, byte)| Change::Insert(at, byte)),
        at().prop_map(Change::Remove),
        at().prop_map(Change::Cut),
        at().prop_map(Change::Twice),
        (at(), at()).prop_map(|(one, two)| Change::Swap(one, two)),
    ]
}

fn changed(bytes: &[u8], change: &Change) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.is_empty() {
        return bytes;
    }
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    match change {
        Change::Set(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
            return bytes;
        }
        Change::Insert(at, byte) => {
            bytes.insert(at.index(bytes.len()), *byte);
            return bytes;
        }
        Change::Remove(at) => {
            bytes.remove(at.index(bytes.len()));
            return bytes;
        }
        Change::Cut(at) => {
            bytes.truncate(at.index(bytes.len()));
            return bytes;
        }
        Change::Twice(at) => {
            let at = at.index(lines.len());
            lines.insert(at, lines[at].clone());
        }
        Change::Swap(one, two) => {
            let (one, two) = (one.index(lines.len()), two.index(lines.len()));
            lines.swap(one, two);
        }
    }
    lines.concat()
}

fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// A tree with the tiles that were filled on the way.
struct Grown {
    tree: Tree,
    tiles: Vec<Tile>,
}

impl Grown {
    fn of(size: u64) -> Self {
        let mut grown = Self { tree: Tree::new(), tiles: Vec::new() };
        for leaf in leaves(size) {
            grown.tree.push(leaf, &mut grown.tiles);
        }
        grown
    }

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, ()> {
        let full = self.tiles.iter().find(|tile| (tile.level, tile.index) == (level, index));
        let hashes = full.map(|tile| tile.hashes.as_slice()).or_else(|| self.tree.right_tile(level, index));
        hashes.and_then(|hashes| hashes.get(..usize::from(width))).map(<[Hash]>::to_vec).ok_or(())
    }
}

/// One alteration of a proof.
#[derive(Clone, Debug)]
enum Bend {
    Keep,
    Flip(prop::sample::Index, u8),
    Drop(prop::sample::Index),
    Add(prop::sample::Index, [u8; 32]),
}

fn bend() -> impl Strategy<Value = Bend> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        Just(Bend::Keep),
        (at(), 0_u8..=255).prop_map(|(at, bit)| Bend::Flip(at, bit)),
        at().prop_map(Bend::Drop),
        (at(), any::<[u8; 32]>()).prop_map(|(at, hash)| Bend::Add(at, hash)),
    ]
}

fn bent(mut proof: Vec<Hash>, bend: &Bend) -> Vec<Hash> {
    match bend {
        Bend::Flip(at, bit) if !proof.is_empty() => {
            let at = at.index(proof.len());
            proof[at][usize::from(bit / 8)] ^= 1 << (bit % 8);
        }
        Bend::Drop(at) if !proof.is_empty() => {
            proof.remove(at.index(proof.len()));
        }
        Bend::Add(at, hash) => proof.insert(at.index(proof.len() + 1), *hash),
        Bend::Keep | Bend::Flip(..) | Bend::Drop(_) => {}
    }
    proof
}

fn foreign(proof: &[Hash]) -> Vec<tlog_tiles::Hash> {
    proof.iter().map(|hash| tlog_tiles::Hash(*hash)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_checkpoint_that_was_altered_means_the_same_to_both_or_nothing_to_either(
        size in prop_oneof![Just(0_u64), 1_u64..300, any::<u64>()],
        root in any::<[u8; 32]>(),
        changes in prop::collection::vec(change(), 0..3),
    ) {
        let (first, second) = (key(), other());
        let whole = Checkpoint { origin: ORIGIN.to_owned(), size, root }.sign_by(&[&second, &first]);
        prop_assert_eq!(ours(&whole), Some((size, root)));
        prop_assert_eq!(theirs(&whole), Some((size, root)));
        let bytes = changes.iter().fold(whole, |bytes, change| changed(&bytes, change));
        // DEL is a control character to us, and not to them.
        let stricter = signs_twice(&bytes) || bytes.contains(&0x7f);
        let expected = if stricter { None } else { theirs(&bytes) };
        prop_assert_eq!(ours(&bytes), expected, "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_proof_of_inclusion_that_was_altered_holds_for_both_or_for_neither(
        size in 1_u64..700, index in any::<prop::sample::Index>(), other_index in prop::option::of(0_u64..800),
        other_size in prop::option::of(0_u64..800), bend in bend(),
    ) {
        let grown = Grown::of(size);
        let index = index.index(usize::try_from(size).expect("small")) as u64;
        let proof = inclusion_proof(index, size, &mut |level, at, width| grown.tile(level, at, width)).expect("a proof");
        let (leaf, root) = (leaf_hash(&index.to_be_bytes()), grown.tree.root());
        let proof = bent(proof, &bend);
        let (index, size) = (other_index.unwrap_or(index), other_size.unwrap_or(size));
        let own = root_of_inclusion(leaf, index, size, &proof) == Some(root);
        let hash = tlog_tiles::Hash;
        let their = tlog_tiles::check_record(&foreign(&proof), size, hash(root), index, hash(leaf)).is_ok();
        prop_assert_eq!(own, their, "index {}, size {}, {} hashes", index, size, proof.len());
    }

    #[test]
    fn a_proof_of_consistency_that_was_altered_holds_for_both_or_for_neither(
        new in 1_u64..700, old in any::<prop::sample::Index>(), other_old in prop::option::of(1_u64..800), bend in bend(),
    ) {
        let grown = Grown::of(new);
        let old = old.index(usize::try_from(new).expect("small")) as u64 + 1;
        let proof = consistency_proof(old, new, &mut |level, at, width| grown.tile(level, at, width)).expect("a proof");
        let (old_root, new_root) = (Grown::of(old).tree.root(), grown.tree.root());
        let proof = bent(proof, &bend);
        let old = other_old.unwrap_or(old);
        let own = check_consistency(old, &old_root, new, &new_root, &proof);
        let hash = tlog_tiles::Hash;
        let their = tlog_tiles::check_tree(&foreign(&proof), new, hash(new_root), old, hash(old_root)).is_ok();
        prop_assert_eq!(own, their, "old {}, new {}, {} hashes", old, new, proof.len());
    }
}
