//! Consistency proofs, cosignatures, trust policies, and what a witness decides: known answers, properties, bad input.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

use adit_core::ledger::checkpoint::{Checkpoint, CheckpointError};
use adit_core::ledger::cosignature::{Cosignature, WitnessKey, cosignatures, verified};
use adit_core::ledger::merkle::{
    Hash, check_consistency, consistency_proof, empty_root, leaf_hash, node_hash,
};
use adit_core::ledger::note::{Note, NoteError, SignatureLine, assemble};
use adit_core::ledger::policy::{Policy, PolicyFault};
use adit_core::ledger::vkey::{SigningKey, VKey, hex};
use adit_core::ledger::witness::{
    AddCheckpoint, Decision, Held, PROOF_HASHES_MAX, WitnessRefusal, decide, line_bytes, read_lines,
};
use adit_core::units::Timestamp;
use proptest::prelude::*;

const ORIGIN: &str = "test.example/ledger";
const NOW: Timestamp = Timestamp(1_679_315_147);

fn log() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[7; 32]).expect("key")
}

fn witness(seed: u8) -> WitnessKey {
    WitnessKey::from_seed(&format!("witness.example/w{seed}"), &[seed; 32]).expect("key")
}

fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// The definition of RFC 6962, 2.1.
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

/// SUBPROOF of RFC 6962, 2.1.2, as it stands there.
fn naive_proof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    let new = leaves.len();
    if old == new {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let split = new.next_power_of_two() / 2;
    let (left, right) = leaves.split_at(split);
    if old <= split {
        [naive_proof(old, left, whole), vec![naive_root(right)]].concat()
    } else {
        [naive_proof(old - split, right, false), vec![naive_root(left)]].concat()
    }
}

/// Tiles of a tree over `leaves`, as a store gives them.
fn tile_of(leaves: &[Hash], level: u8, index: u64, width: u16) -> Vec<Hash> {
    let span = 256_usize.pow(u32::from(level));
    let first = usize::try_from(index).expect("index") * 256;
    (first..first + usize::from(width)).map(|n| naive_root(&leaves[n * span..(n + 1) * span])).collect()
}

fn proof(old: u64, leaves: &[Hash]) -> Vec<Hash> {
    let mut read = |level, index, width| Ok::<_, ()>(tile_of(leaves, level, index, width));
    consistency_proof(old, leaves.len() as u64, &mut read).expect("proof")
}

fn root(leaves: &[Hash], size: u64) -> Hash {
    naive_root(&leaves[..usize::try_from(size).expect("size")])
}

fn signed(key: &SigningKey, size: u64, root: Hash) -> Vec<u8> {
    Checkpoint { origin: key.name().to_owned(), size, root }.sign(key)
}

mod consistency {
    use super::*;

    /// The tree and the proofs of the test vectors of Certificate Transparency.
    #[test]
    fn proofs_are_those_of_certificate_transparency() {
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let leaves = inputs.map(leaf_hash);
        for (old, new, expected) in [
            (1, 1, &[][..]),
            (
                1,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                6,
                8,
                &[
                    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (
                2,
                5,
                &[
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ] {
            let made = proof(old, &leaves[..new]);
            assert_eq!(made.iter().map(|hash| hex(hash)).collect::<Vec<_>>(), expected, "{old} to {new}");
        }
    }

    #[test]
    fn every_pair_of_small_sizes_is_proved_as_the_definition_says() {
        let all = leaves(70);
        for new in 1..=70_u64 {
            let tree = &all[..usize::try_from(new).expect("size")];
            for old in 1..=new {
                let made = proof(old, tree);
                assert_eq!(made, naive_proof(usize::try_from(old).expect("size"), tree, true));
                assert!(check_consistency(old, &root(tree, old), new, &root(tree, new), &made));
                assert!(made.len() <= PROOF_HASHES_MAX);
            }
        }
    }

    #[test]
    fn from_nothing_the_proof_is_empty_and_from_a_tree_to_itself_the_roots_are_equal() {
        let all = leaves(5);
        let (three, five) = (root(&all, 3), root(&all, 5));
        assert_eq!(proof(0, &all), Vec::<Hash>::new());
        assert!(check_consistency(0, &empty_root(), 5, &five, &[]));
        assert!(!check_consistency(0, &five, 5, &five, &[]));
        assert!(!check_consistency(0, &empty_root(), 5, &five, &[three]));
        assert!(check_consistency(5, &five, 5, &five, &[]));
        assert!(!check_consistency(5, &five, 5, &three, &[]));
        assert!(!check_consistency(5, &five, 5, &five, &[three]));
        assert!(!check_consistency(5, &five, 3, &three, &[]), "a tree never shrinks");
        assert!(!check_consistency(3, &three, 5, &five, &[]));
        assert!(!check_consistency(4, &three, 5, &five, &[]));
        assert!(!check_consistency(u64::MAX - 1, &three, u64::MAX, &five, &[three; 70]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn larger_trees_too_and_nothing_else_is_accepted(
            new in 1_u64..1500, part in 0.0..1.0_f64, at in any::<prop::sample::Index>(), bit in 0_u8..8,
        ) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
                reason = "a size between 1 and new")]
            let old = ((new as f64 * part) as u64).max(1);
            let all = leaves(new);
            let (old_root, new_root) = (root(&all, old), root(&all, new));
            let made = proof(old, &all);
            prop_assert_eq!(&made, &naive_proof(usize::try_from(old).expect("size"), &all, true));
            prop_assert!(check_consistency(old, &old_root, new, &new_root, &made));
            let mut other = old_root;
            other[0] ^= 1 << bit;
            prop_assert!(!check_consistency(old, &other, new, &new_root, &made));
            prop_assert!(!check_consistency(old, &old_root, new, &other, &made));
            if old < new {
                let mut longer = made.clone();
                longer.push(new_root);
                prop_assert!(!check_consistency(old, &old_root, new, &new_root, &longer));
                prop_assert!(!check_consistency(old, &old_root, new, &new_root, &made[1..]));
                let mut flipped = made.clone();
                let place = at.index(flipped.len());
                flipped[place][31] ^= 1 << bit;
                prop_assert!(!check_consistency(old, &old_root, new, &new_root, &flipped));
            }
        }
    }
}

mod cosigning {
    use super::*;

    /// Made by an implementation that is not ours, from the seeds 7 and 9.
    const COSIGNED: &str = "test.example/ledger
5
SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=

\u{2014} test.example/ledger qmh6nQRaYMgknn1PCEN6k2JuIEDTJ4ioLOV47UwH0q+x/Zhg+hYmDHSFdh2w0kpQuCCAvA9fEasQwXLKYq1koKII6AM=
\u{2014} witness.example/w1 JLXZ/gAAAABkGFDL1usPOHKHvHt+crtqTBl9OHCPNnEBg5Fnv0TTHhMt1RtZ9R74pUM/1rI+1ssjuiYX4l5Fnor6T8EiksrVEL72Cw==
";
    const W1: &str = "witness.example/w1+24b5d9fe+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";

    fn w1() -> WitnessKey {
        WitnessKey::from_seed("witness.example/w1", &[9; 32]).expect("key")
    }

    #[test]
    fn a_cosignature_of_another_implementation_verifies_and_ours_is_the_same_to_the_byte() {
        let note = Note::parse(COSIGNED.as_bytes()).expect("note");
        let vkey: VKey = W1.parse().expect("vkey");
        let found = cosignatures(&note, std::slice::from_ref(&vkey)).expect("cosigned");
        assert_eq!(found, [Cosignature { witness: vkey, at: NOW }]);
        assert_eq!(w1().vkey().to_string(), W1);
        let ours = [log().sign_text(&note.text), w1().cosign(&note.text, NOW).expect("line")];
        assert_eq!(assemble(&note.text, &ours), COSIGNED.as_bytes());
    }

    /// The example of C2SP tlog-cosignature; its keys are not published, so its lines are by unknown keys.
    #[test]
    fn the_example_of_the_specification_is_read_and_counts_for_nothing() {
        let example = "example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
";
        let (checkpoint, note) = Checkpoint::parse(example.as_bytes()).expect("checkpoint");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(cosignatures(&note, &[w1().vkey().clone()]), Ok(Vec::new()));
    }

    #[test]
    fn a_line_that_says_another_time_or_tree_is_refused_with_the_whole_note() {
        let note = Note::parse(COSIGNED.as_bytes()).expect("note");
        let known = [w1().vkey().clone()];
        for byte in [0, 7, 8, 71] {
            let mut altered = note.clone();
            altered.signatures[1].signature[byte] ^= 1;
            assert_eq!(cosignatures(&altered, &known), Err(NoteError::BadSignature), "byte {byte}");
        }
        let mut altered = note.clone();
        altered.text = altered.text.replace("\n5\n", "\n6\n");
        assert_eq!(cosignatures(&altered, &known), Err(NoteError::BadSignature));
        let mut short = note.clone();
        short.signatures[1].signature.pop();
        assert_eq!(cosignatures(&short, &known), Err(NoteError::BadSignature));
    }

    #[test]
    fn a_line_of_the_post_quantum_form_is_kept_and_ignored() {
        let mut note = Note::parse(COSIGNED.as_bytes()).expect("note");
        let line = SignatureLine { name: "pq.example/w".into(), id: [6; 4], signature: vec![1; 2428] };
        note.signatures.push(line);
        let bytes = note.to_bytes();
        let read = Note::parse(&bytes).expect("note");
        assert_eq!(read.to_bytes(), bytes);
        assert_eq!(cosignatures(&read, &[w1().vkey().clone()]).expect("cosigned").len(), 1);
    }

    #[test]
    fn a_plain_signature_of_the_same_key_is_no_cosignature_and_the_other_way_round() {
        let text = Note::parse(COSIGNED.as_bytes()).expect("note").text;
        let plain = SigningKey::from_seed("witness.example/w1", &[9; 32]).expect("key");
        assert_eq!(verified(&text, &plain.sign_text(&text), w1().vkey()), None);
        let line = w1().cosign(&text, NOW).expect("line");
        assert_eq!(verified(&text, &line, &plain.vkey()), None);
        let relabelled = SignatureLine { id: plain.vkey().id(), ..line };
        assert_eq!(verified(&text, &relabelled, &plain.vkey()), None);
    }

    #[test]
    fn only_the_text_of_a_checkpoint_is_ever_cosigned() {
        for text in
            ["", "\n", "x\n1\n", "adit.v1 x\nhazard/a 0 b\n2026-01-01\n", "o\n01\nAAAA\n", "o\n1\nAAAA\n"]
        {
            assert_eq!(w1().cosign(text, NOW), None, "{text:?}");
        }
        let text = Note::parse(COSIGNED.as_bytes()).expect("note").text;
        assert_eq!(w1().cosign(&text, Timestamp(-1)), None);
    }
}

mod policies {
    use super::*;

    fn policy(lines: &[&str]) -> Result<Policy, (usize, PolicyFault)> {
        let text = [&lines.join("\n"), "\n"].concat();
        Policy::parse(text.as_bytes()).map_err(|error| (error.line, error.fault))
    }

    /// Two levels of groups, after the example of the specification.
    fn example() -> Policy {
        let mut lines =
            vec!["# 信任策略".to_owned(), format!(" \tlog  {}  https://log.example/", log().vkey())];
        for n in 1..=6 {
            let name = if n <= 3 { format!("X{n}") } else { format!("乙{}", n - 3) };
            lines.push(format!("witness {name} {} https://w{n}.example", witness(n).vkey()));
        }
        lines.extend(
            ["", "group X 2 X1 X2 X3", "group Y any 乙1 乙2 乙3", "group X-and-Y all X Y"].map(str::to_owned),
        );
        lines.push("quorum X-and-Y".to_owned());
        policy(&lines.iter().map(String::as_str).collect::<Vec<_>>()).expect("policy")
    }

    fn cosigned(by: &[u8]) -> Vec<u8> {
        let note = Note::parse(&signed(&log(), 5, [1; 32])).expect("note");
        let lines = by.iter().map(|n| witness(*n).cosign(&note.text, NOW).expect("line"));
        let lines: Vec<_> = note.signatures.iter().cloned().chain(lines).collect();
        assemble(&note.text, &lines)
    }

    #[test]
    fn when_each_group_has_enough_then_the_quorum_is_met() {
        let policy = example();
        assert_eq!(policy.witnesses().len(), 6);
        assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example/"));
        for (by, met) in [
            (&[1, 2, 4][..], true),
            (&[1, 2, 3, 4, 5, 6], true),
            (&[2, 3, 6], true),
            (&[1, 2, 3], false),
            (&[1, 4, 5, 6], false),
            (&[], false),
        ] {
            let standing = policy.standing(&cosigned(by), &[]).expect("standing");
            assert_eq!(standing.met, met, "{by:?}");
            assert_eq!(standing.cosigned.len(), by.len());
            assert!(standing.cosigned.iter().all(|one| one.at == NOW));
        }
        let standing = policy.standing(&cosigned(&[1, 4, 5]), &[]).expect("standing");
        let counts: Vec<_> =
            standing.counts.iter().map(|c| (c.name.as_str(), c.cosigned, c.needed, c.is_quorum)).collect();
        assert_eq!(counts, [("X", 1, 2, false), ("Y", 2, 1, false), ("X-and-Y", 1, 2, true)]);
    }

    #[test]
    fn a_quorum_may_be_one_witness_or_nobody() {
        let (log_line, line) = (format!("log {}", log().vkey()), format!("witness w {}", witness(1).vkey()));
        let one = policy(&[&log_line, &line, "quorum w"]).expect("policy");
        assert!(one.standing(&cosigned(&[1]), &[]).expect("standing").met);
        assert!(!one.standing(&cosigned(&[2]), &[]).expect("standing").met);
        let nobody = policy(&["quorum none"]).expect("policy");
        assert_eq!(nobody.standing(&cosigned(&[]), &[]), Err(CheckpointError::WrongOrigin));
        assert!(nobody.standing(&cosigned(&[]), &[log().vkey()]).expect("standing").met);
    }

    #[test]
    fn a_checkpoint_of_no_known_log_or_with_a_false_line_is_an_error() {
        let other = SigningKey::from_seed("other.example", &[8; 32]).expect("key");
        let policy = example();
        assert_eq!(policy.standing(&signed(&other, 5, [1; 32]), &[]), Err(CheckpointError::WrongOrigin));
        let imposter = SigningKey::from_seed(ORIGIN, &[8; 32]).expect("key");
        assert_eq!(
            policy.standing(&signed(&imposter, 5, [1; 32]), &[]),
            Err(CheckpointError::Note(NoteError::UnknownKeys))
        );
        let mut note = Note::parse(&cosigned(&[1, 2, 4])).expect("note");
        note.signatures[3].signature[20] ^= 1;
        assert_eq!(
            policy.standing(&note.to_bytes(), &[]),
            Err(CheckpointError::Note(NoteError::BadSignature))
        );
    }

    #[test]
    fn a_witness_with_a_post_quantum_key_is_read_and_never_counts() {
        use base64::Engine;
        use sha2::Digest;
        let typed = [&[6_u8][..], &[5; 1312]].concat();
        let digest = sha2::Sha256::digest([b"pq.example/w\n".as_slice(), &typed].concat());
        let encoded = base64::engine::general_purpose::STANDARD.encode(&typed);
        let line = format!("witness pq pq.example/w+{}+{encoded}", hex(&digest[..4]));
        let policy = policy(&[&format!("log {}", log().vkey()), &line, "quorum pq"]).expect("policy");
        assert_eq!(policy.witnesses()[0].vkey, None);
        assert!(!policy.standing(&cosigned(&[1]), &[]).expect("standing").met);
    }

    #[test]
    fn each_fault_is_named_with_its_line() {
        let l = &format!("log {}", log().vkey());
        let (w1, w2) =
            (&format!("witness a {}", witness(1).vkey()), &format!("witness b {}", witness(2).vkey()));
        let again = &format!("witness c {}", witness(1).vkey());
        let plain = &format!("witness a {}", log().vkey());
        let wrong_type = &format!("log {}", witness(1).vkey());
        let none = &format!("witness none {}", witness(1).vkey());
        for (lines, line, fault) in [
            (&["witnesss a b"][..], 1, PolicyFault::UnknownLine),
            (&["", "#", "Log x"], 3, PolicyFault::UnknownLine),
            (&["log"], 1, PolicyFault::WrongParts),
            (&["log a b c"], 1, PolicyFault::WrongParts),
            (&["log nonsense"], 1, PolicyFault::BadKey),
            (&[wrong_type], 1, PolicyFault::BadKey),
            (&[plain], 1, PolicyFault::BadKey),
            (&[l, l], 2, PolicyFault::DuplicateKey),
            (&[w1, again], 2, PolicyFault::DuplicateKey),
            (&[w1, &w2.replace(" b ", " a ")], 2, PolicyFault::DuplicateName),
            (&[none], 1, PolicyFault::ReservedName),
            (&["quorum a"], 1, PolicyFault::UnknownName),
            (&["group g any a"], 1, PolicyFault::UnknownName),
            (&[w1, "group g any g"], 2, PolicyFault::UnknownName),
            (&[w1, "group g any none"], 2, PolicyFault::UnknownName),
            (&[w1, "group g 0 a"], 2, PolicyFault::BadThreshold),
            (&[w1, "group g 2 a"], 2, PolicyFault::BadThreshold),
            (&[w1, "group g 01 a"], 2, PolicyFault::BadThreshold),
            (&[w1, "group g -1 a"], 2, PolicyFault::BadThreshold),
            (&[w1, "group g 99999999999999999999 a"], 2, PolicyFault::BadThreshold),
            (&[w1, "group g any"], 2, PolicyFault::WrongParts),
            (&[w1, "group a any a"], 2, PolicyFault::DuplicateName),
            (&[w1, "group g any a a"], 2, PolicyFault::MemberTwice),
            (&[w1, w2, "group g any a", "group h any b a"], 4, PolicyFault::MemberTwice),
            (&["quorum none", "quorum none"], 2, PolicyFault::SecondQuorum),
            (&[l], 2, PolicyFault::NoQuorum),
            (&["quorum none\r"], 1, PolicyFault::BadCharacter),
            (&["# \u{7f}"], 1, PolicyFault::BadCharacter),
        ] {
            assert_eq!(policy(lines), Err((line, fault)), "{lines:?}");
        }
        let cut = Policy::parse(b"quorum none").expect_err("read");
        assert_eq!((cut.line, cut.fault), (1, PolicyFault::BadCharacter));
        assert!(Policy::parse(b"# \xff\xfe\nquorum none\n").is_ok(), "octets above 0x7f are opaque");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(file in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Policy::parse(&file);
        }

        #[test]
        fn no_words_make_the_reader_panic(file in "((log|witness|group|quorum|all|any|none|a|b|1|#)[ \t\n]){0,40}") {
            let _ = Policy::parse(file.as_bytes());
        }
    }
}

mod decisions {
    use super::*;

    fn asked(old: u64, proof: &[Hash], note: &[u8]) -> AddCheckpoint {
        AddCheckpoint::parse(&AddCheckpoint::write(old, proof, note)).expect("request")
    }

    fn decided(held: Option<&Held>, request: &AddCheckpoint) -> Decision {
        decide(&witness(1), &[log().vkey()], held, request, NOW)
    }

    /// The state after the first `size` leaves were cosigned.
    fn held(size: u64) -> Held {
        let request = asked(0, &[], &signed(&log(), size, root(&leaves(size), size)));
        let Decision::Cosign { held, .. } = decided(None, &request) else { panic!("refused") };
        held
    }

    #[test]
    fn given_nothing_cosigned_then_the_first_checkpoint_is_cosigned_and_kept_with_its_line() {
        let note = signed(&log(), 5, root(&leaves(5), 5));
        let Decision::Cosign { held, line } = decided(None, &asked(0, &[], &note)) else { panic!("refused") };
        let parsed = Note::parse(&note).expect("note");
        assert_eq!(verified(&parsed.text, &line, witness(1).vkey()), Some(NOW));
        assert_eq!(Held::read(&held.note, ORIGIN, witness(1).vkey()), Some(held.clone()));
        assert_eq!(Held::read(&held.note, "other.example", witness(1).vkey()), None);
        assert_eq!(Held::read(&held.note, ORIGIN, witness(2).vkey()), None);
        assert_eq!(read_lines(&line_bytes(&line)), Some(vec![line]));
    }

    #[test]
    fn given_a_cosigned_checkpoint_then_a_larger_tree_with_its_proof_follows_and_the_same_one_again() {
        let all = leaves(300);
        let before = held(5);
        let next = signed(&log(), 300, root(&all, 300));
        assert!(matches!(decided(Some(&before), &asked(5, &proof(5, &all), &next)), Decision::Cosign { .. }));
        let same = signed(&log(), 5, root(&all, 5));
        assert!(matches!(decided(Some(&before), &asked(5, &[], &same)), Decision::Cosign { .. }));
    }

    #[test]
    fn given_a_cosigned_checkpoint_then_it_never_goes_back_nor_aside() {
        let all = leaves(300);
        let before = held(5);
        let at = |size: u64| signed(&log(), size, root(&all, size));
        let larger = asked(5, &proof(5, &all), &at(300));
        // Another beginning than what was cosigned.
        for old in [0, 4, 6] {
            let request = AddCheckpoint { old, ..larger.clone() };
            assert_eq!(decided(Some(&before), &request), Decision::Stale { size: 5, fork: false });
        }
        assert_eq!(decided(None, &larger), Decision::Stale { size: 0, fork: false });
        // Smaller than what was cosigned.
        let smaller = asked(3, &[], &at(3));
        assert_eq!(decided(Some(&before), &smaller), Decision::Stale { size: 5, fork: false });
        let old_larger = asked(5, &[], &at(3));
        assert_eq!(decided(Some(&before), &old_larger), Decision::Refuse(WitnessRefusal::OldLarger));
        // Another tree of the same size, whatever size the request begins at.
        let fork = signed(&log(), 5, [9; 32]);
        assert_eq!(decided(Some(&before), &asked(5, &[], &fork)), Decision::Inconsistent { fork: true });
        assert_eq!(decided(Some(&before), &asked(0, &[], &fork)), Decision::Stale { size: 5, fork: true });
        // A larger tree without its proof, or of another branch.
        for bad in [asked(5, &[], &at(300)), asked(5, &proof(6, &all), &at(300))] {
            assert_eq!(decided(Some(&before), &bad), Decision::Inconsistent { fork: false });
        }
        let branch: Vec<Hash> = (1000..1300_u64).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let branched = signed(&log(), 300, root(&branch, 300));
        let request = asked(5, &proof(5, &branch), &branched);
        assert_eq!(decided(Some(&before), &request), Decision::Inconsistent { fork: false });
        // A proof where none belongs.
        assert_eq!(decided(None, &asked(0, &[[1; 32]], &at(5))), Decision::Inconsistent { fork: false });
        assert_eq!(
            decided(None, &asked(0, &[], &signed(&log(), 0, [1; 32]))),
            Decision::Inconsistent { fork: true },
            "the empty tree has one root"
        );
    }

    #[test]
    fn only_the_logs_own_signature_opens_the_door() {
        let note = signed(&log(), 5, [1; 32]);
        let request = asked(0, &[], &note);
        let refused = |keys: &[VKey], request: &AddCheckpoint| decide(&witness(1), keys, None, request, NOW);
        assert_eq!(refused(&[], &request), Decision::Refuse(WitnessRefusal::UnknownLog));
        let stranger = SigningKey::from_seed(ORIGIN, &[8; 32]).expect("key").vkey();
        assert_eq!(refused(&[stranger], &request), Decision::Refuse(WitnessRefusal::BadSignature));
        let mut altered = request.clone();
        altered.note.signatures[0].signature[0] ^= 1;
        assert_eq!(refused(&[log().vkey()], &altered), Decision::Refuse(WitnessRefusal::BadSignature));
    }

    #[test]
    fn during_a_rotation_both_keys_of_the_log_count_and_lines_of_strangers_are_not_handed_on() {
        let (new, stranger) = ([8; 32], [10; 32]);
        let new = SigningKey::from_seed(ORIGIN, &new).expect("key");
        let stranger = SigningKey::from_seed("stranger.example", &stranger).expect("key");
        let text = Checkpoint { origin: ORIGIN.into(), size: 5, root: [1; 32] }.text();
        let lines = [log().sign_text(&text), stranger.sign_text(&text), new.sign_text(&text)];
        let request = asked(0, &[], &assemble(&text, &lines));
        let decision = decide(&witness(1), &[log().vkey(), new.vkey()], None, &request, NOW);
        let Decision::Cosign { held, .. } = decision else { panic!("refused") };
        let kept = Note::parse(&held.note).expect("note");
        let names: Vec<&str> = kept.signatures.iter().map(|line| line.name.as_str()).collect();
        assert_eq!(names, [ORIGIN, ORIGIN, "witness.example/w1"]);
    }

    #[test]
    fn a_clock_that_went_back_cosigns_nothing() {
        let before = held(5);
        let request = asked(5, &[], &signed(&log(), 5, root(&leaves(5), 5)));
        let earlier = Timestamp(NOW.0 - 1);
        let decision = decide(&witness(1), &[log().vkey()], Some(&before), &request, earlier);
        assert_eq!(decision, Decision::Refuse(WitnessRefusal::ClockBehind));
    }

    #[test]
    fn requests_have_one_spelling() {
        let note = String::from_utf8(signed(&log(), 5, [1; 32])).expect("text");
        let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let good = format!("old 3\n{hash}\n\n{note}");
        assert!(AddCheckpoint::parse(good.as_bytes()).is_ok());
        for bad in [
            good.replace("old 3", "old 03"),
            good.replace("old 3", "old  3"),
            good.replace("old 3", "old -3"),
            good.replace("old 3", "old 9223372036854775808"),
            good.replace("old 3\n", ""),
            good.replace("old 3", "Old 3"),
            good.replace("\n\ntest", "\ntest"),
            good.replace("AAA=", "AAB="),
            good.replace("AAA=\n", "AA=\n"),
            good.replace('\n', "\r\n"),
            good.replace("\n5\n", "\n05\n"),
            good.replace("\n5\n", "\n9223372036854775808\n"),
            good.trim_end().to_owned(),
            format!("{good}\n"),
            format!("old 3\n{}\n{note}", format!("{hash}\n").repeat(64)),
            "x".repeat(100_000),
            String::new(),
        ] {
            assert_eq!(AddCheckpoint::parse(bad.as_bytes()), Err(WitnessRefusal::Malformed), "{bad:.80}");
        }
        assert!(
            AddCheckpoint::parse(format!("old 3\n{}\n{note}", format!("{hash}\n").repeat(63)).as_bytes())
                .is_ok()
        );
        assert_eq!(read_lines(b""), None);
        assert_eq!(read_lines(b"hello\n"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = AddCheckpoint::parse(&body);
            let _ = AddCheckpoint::parse(&[b"old 1\n\n".as_slice(), &body].concat());
            let _ = read_lines(&body);
            let _ = Held::read(&body, ORIGIN, witness(1).vkey());
        }
    }
}
