//! Notes, keys, entries, checkpoints and the tree: known answers, properties, bad input.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::entry::{Entry, Line, Seen, SignedEntry};
use adit_core::ledger::merkle::{
    Hash, Tile, Tree, empty_root, inclusion_proof, leaf_hash, node_hash, root_of_frontier, root_of_inclusion,
};
use adit_core::ledger::note::{Note, NoteError};
use adit_core::ledger::vkey::{SigningKey, VKey, hex};
use adit_core::units::Revision;
use proptest::prelude::*;

fn key() -> SigningKey {
    SigningKey::from_seed("test.example/ledger/actor/x", &[42; 32]).expect("key")
}

fn entry() -> Entry {
    Entry {
        origin: "test.example/ledger".into(),
        stream: StreamId::new(StreamKind::Hazard, Id([0x11; 16])),
        revision: Revision(3),
        kind: "hazard.rectified".into(),
        day: "2026-11-24".parse().expect("day"),
        seen: Seen::nothing(),
        prev: Some([0x22; 32]),
        body: [0x33; 32],
        lines: vec![Line::Clock { name: "review".into(), due: "2026-12-04".parse().expect("day") }],
    }
}

/// Text written out by hand from the format's description.
const ENTRY_TEXT: &str = "adit.v1 test.example/ledger
hazard/0h248h248h248h248h248h248h 3 hazard.rectified
2026-11-24
seen 0 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= -
prev IiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI=
body MzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzMzM=
clock review 2026-12-04
";

#[test]
fn an_entry_has_the_text_of_the_format() {
    assert_eq!(entry().text(), ENTRY_TEXT);
    assert_eq!(Entry::parse_text(ENTRY_TEXT), Ok(entry()));
}

/// From the documentation of C2SP signed-note: the key and note of `PeterNeumann`.
#[test]
fn the_published_example_of_a_signed_note_verifies() {
    let vkey: VKey =
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().expect("vkey");
    let note = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n\
                \n\
                \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let parsed = Note::parse(note.as_bytes()).expect("note");
    assert_eq!(parsed.verify(std::slice::from_ref(&vkey)), Ok(vec![vkey]));
}

#[test]
fn a_weak_key_or_a_wrong_id_is_no_vkey() {
    // The neutral element, a key under which anything verifies.
    let mut weak = [0; 32];
    weak[0] = 1;
    assert_eq!(VKey::new("a.example", 1, weak), None);
    let text = key().vkey().to_string();
    let (name, rest) = text.split_once('+').expect("vkey");
    let flipped = if rest.starts_with('0') { "1" } else { "0" };
    assert!(format!("{name}+{flipped}{}", &rest[1..]).parse::<VKey>().is_err());
}

#[test]
fn roots_are_those_of_rfc_6962() {
    // The leaves of the test vectors of Certificate Transparency.
    let leaves: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut tree = Tree::new();
    assert_eq!(hex(&tree.root()), roots[0]);
    for (leaf, root) in leaves.iter().zip(&roots[1..]) {
        tree.push(leaf_hash(leaf), &mut Vec::new());
        assert_eq!(hex(&tree.root()), *root);
    }
}

fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => empty_root(),
        1 => leaves[0],
        n => {
            let split = n.next_power_of_two() / 2;
            node_hash(&naive_root(&leaves[..split]), &naive_root(&leaves[split..]))
        }
    }
}

/// Tiles of a tree over `leaves`, as a store gives them.
fn tile_of(leaves: &[Hash], level: u8, index: u64, width: u16) -> Vec<Hash> {
    let span = 256_usize.pow(u32::from(level));
    let first = usize::try_from(index).expect("index") * 256;
    (first..first + usize::from(width)).map(|n| naive_root(&leaves[n * span..(n + 1) * span])).collect()
}

#[test]
fn proofs_of_every_leaf_lead_to_the_root_and_altered_ones_do_not() {
    for size in (1_u64..70).chain([255, 256, 257, 300, 511, 512, 513, 700]) {
        let leaves: Vec<Hash> = (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let mut tiles = Vec::<Tile>::new();
        let mut tree = Tree::new();
        for leaf in &leaves {
            tree.push(*leaf, &mut tiles);
        }
        let root = naive_root(&leaves);
        assert_eq!(tree.root(), root, "size {size}");
        assert_eq!(root_of_frontier(tree.frontier()), root);
        let mut read = |level, index, width| Ok::<_, ()>(tile_of(&leaves, level, index, width));
        assert_eq!(Tree::restore(size, &mut read), Ok(tree));
        for index in (0..size).step_by(7) {
            let mut proof = inclusion_proof(index, size, &mut read).expect("proof");
            let at = usize::try_from(index).expect("index");
            assert_eq!(
                root_of_inclusion(leaves[at], index, size, &proof),
                Some(root),
                "leaf {index} of {size}"
            );
            assert_ne!(root_of_inclusion(leaf_hash(b"other"), index, size, &proof), Some(root));
            if let Some(hash) = proof.first_mut() {
                hash[0] ^= 1;
                assert_ne!(root_of_inclusion(leaves[at], index, size, &proof), Some(root));
            }
        }
    }
}

#[test]
fn a_checkpoint_is_read_strictly() {
    let log = SigningKey::from_seed("test.example/ledger", &[7; 32]).expect("key");
    let checkpoint = Checkpoint { origin: "test.example/ledger".into(), size: 5, root: [9; 32] };
    let note = checkpoint.sign(&log);
    assert_eq!(Checkpoint::verify(&note, &log.vkey()), Ok(checkpoint));
    let text = String::from_utf8(note).expect("text");
    for (from, to) in
        [("\n5\n", "\n05\n"), ("\n5\n", "\n+5\n"), ("\n5\n", "\n6\n"), ("test.example", "rest.example")]
    {
        assert!(Checkpoint::verify(text.replacen(from, to, 1).as_bytes(), &log.vkey()).is_err(), "{to:?}");
    }
}

#[test]
fn bad_notes_are_refused_by_name() {
    let key = key();
    let good = String::from_utf8(entry().sign(&[&key]).expect("signed").bytes().to_vec()).expect("text");
    for (bad, error) in [
        (good.replace('\n', "\r\n"), NoteError::NotText),
        (good.trim_end().to_owned(), NoteError::NoSignatures),
        (good.replace("\u{2014}", "-"), NoteError::BadLine),
        (good.replace("\n\n", "\n"), NoteError::NoSignatures),
        (format!("{good}{}", good.split("\n\n").nth(1).expect("signature")), NoteError::BadCount),
        ("x\n".repeat(100_000), NoteError::TooLong),
        (String::new(), NoteError::NoSignatures),
    ] {
        assert_eq!(Note::parse(bad.as_bytes()), Err(error));
    }
    assert_eq!(Note::parse(b"\xff\xfe\n\n"), Err(NoteError::NotText));
}

#[test]
fn lines_out_of_order_unknown_or_doubled_are_refused() {
    let base = ENTRY_TEXT;
    for line in [
        "clock review 2026-12-04\n",
        "key nonsense\n",
        "note hello\n",
        "stop Review\n",
        "clock review 2026-02-30\n",
        "clock review\n",
        "stop review extra\n",
        "\n",
    ] {
        assert!(Entry::parse_text(&format!("{base}{line}")).is_err(), "{line:?} was read");
    }
    for (from, to) in [
        (" 3 ", " 03 "),
        (" 3 ", " 0 "),
        ("hazard.rectified", "report.rectified"),
        ("hazard.rectified", "hazard.Rectified"),
        ("2026-11-24", "2026-11-31"),
        ("seen 0", "seen 1"),
        ("SuFU= -", "SuFU= 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        ("IiI=", "IiJ="),
        ("adit.v1", "adit.v2"),
    ] {
        assert!(Entry::parse_text(&base.replacen(from, to, 1)).is_err(), "{to:?} was read");
    }
}

proptest! {
    #[test]
    fn any_changed_byte_of_a_signed_entry_is_refused(at in 0_usize..700, change in 1_u8..=255) {
        let key = key();
        let signed = entry().sign(&[&key]).expect("signed");
        let mut bytes = signed.bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] ^= change;
        let accepted = SignedEntry::parse(&bytes).is_ok_and(|read| read.verify(&[key.vkey()]).is_ok());
        prop_assert!(!accepted, "byte {at} changed by {change} was accepted");
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Note::parse(&bytes);
        let _ = SignedEntry::parse(&bytes);
        let _ = Checkpoint::parse(&bytes);
        let _ = adit_core::ledger::body::Body::read(adit_core::id::StreamKind::Hazard, &bytes);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = text.parse::<VKey>();
            let _ = Entry::parse_text(text);
        }
    }

    #[test]
    fn what_was_signed_reads_back_as_it_was(revision in 1_u64.., body in any::<[u8; 32]>(), id in any::<[u8; 16]>()) {
        let stream = StreamId::new(StreamKind::Report, Id(id));
        let kind = "report.note".to_owned();
        let written = Entry { revision: Revision(revision), body, stream, kind, ..entry() };
        let signed = written.clone().sign(&[&key()]).expect("signed");
        let read = SignedEntry::parse(signed.bytes()).expect("parsed");
        prop_assert_eq!(read.entry(), &written);
        let text = written.text();
        prop_assert_eq!(read.text(), text.as_bytes());
    }
}
