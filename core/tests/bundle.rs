//! Evidence bundles: what they hold, and that nothing in one can be altered, left out or put in.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test reports by panicking, and tells a story"
)]

mod common;

use std::collections::BTreeMap;

use adit_core::actor::{ActorCommand, Suspend};
use adit_core::command::Command;
use adit_core::event::Fact;
use adit_core::hazard::{HazardCommand, Verify};
use adit_core::id::{StreamId, StreamKind};
use adit_core::ledger::bundle::manifest::{Listed, Manifest};
use adit_core::ledger::bundle::{
    BundleError, BundleFault, CHECKPOINT, LOG_KEYS, MANIFEST, POLICY, Verified, body_path, entry_path,
    proof_path, verify, zip,
};
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::cosignature::WitnessKey;
use adit_core::ledger::note::{Note, assemble};
use adit_core::ledger::policy::Policy;
use adit_core::ledger::receipt::Receipt;
use adit_core::ledger::vkey::{SigningKey, VKey};
use adit_core::office::bundle::{BundleFailure, Made, Wanted};
use adit_core::report::{self, Channel, ReportCommand};
use adit_core::role::Role;
use adit_core::rules::reward::Matter;
use adit_core::units::Timestamp;
use common::{Bureau, ORIGIN, id, text};

const VIEWER: &str = "<!doctype html>";

fn all(_: &Fact) -> bool {
    true
}

fn none(_: &Fact) -> bool {
    false
}

fn ask(bureau: &Bureau, streams: &[StreamId], may_have: &dyn Fn(&Fact) -> bool) -> Made {
    let wanted = Wanted { streams, published_only: false, may_have, policy: None, viewer: VIEWER };
    bureau.office.bundle(&wanted).expect("a bundle")
}

/// A hazard that a clerk reported, and two inspectors verified; and a report.
struct Case {
    bureau: Bureau,
    hazard: StreamId,
    report: StreamId,
}

fn case() -> Case {
    let bureau = Bureau::in_memory();
    let request = bureau.hazard(bureau.enterprise("甲矿"));
    let hazard = bureau.request(&request, &["clerk"]).expect("reported").stream;
    let verdict = Verify { criterion: None, because: text("现场") };
    let both = ["inspector-1", "inspector-2"];
    bureau.run(Some(hazard), Command::Hazard(HazardCommand::Verify(verdict)), &both).expect("verified");
    let word = report::Report {
        matter: Matter::MajorHazard,
        channel: Channel::Telephone,
        key: None,
        claim_key: None,
        insider: false,
        testimony: None,
        files: Vec::new(),
        recipient: None,
        excluded: Vec::new(),
        pickup: None,
    };
    let report =
        bureau.run(None, Command::Report(ReportCommand::Report(word)), &["clerk"]).expect("reported").stream;
    Case { bureau, hazard, report }
}

impl Case {
    fn log(&self) -> VKey {
        self.bureau.office.ledger().log_key().vkey()
    }

    fn bundle(&self) -> Vec<u8> {
        ask(&self.bureau, &[self.hazard], &all).zip
    }
}

/// The files of a bundle, to be changed and put together again.
struct Open {
    manifest: Manifest,
    files: BTreeMap<String, Vec<u8>>,
}

impl Open {
    fn of(bundle: &[u8]) -> Self {
        let read = zip::read(bundle).expect("a zip");
        let mut files: BTreeMap<String, Vec<u8>> =
            read.into_iter().map(|(path, content)| (path.to_owned(), content.to_vec())).collect();
        let note = Note::parse(&files.remove(MANIFEST).expect("a manifest")).expect("a note");
        Self { manifest: Manifest::parse(&note.text).expect("a manifest"), files }
    }

    /// The zip with the manifest as it is, whatever the files are now.
    fn zip(&self, key: &SigningKey) -> Vec<u8> {
        let text = self.manifest.text();
        let note = assemble(&text, &[key.sign_text(&text)]);
        let mut files = vec![(MANIFEST, note.as_slice())];
        files.extend(self.files.iter().map(|(path, content)| (path.as_str(), content.as_slice())));
        zip::write(&files).expect("a zip")
    }

    /// The zip with a manifest that names the files as they are now, signed by `key`.
    fn sealed(&mut self, key: &SigningKey) -> Vec<u8> {
        self.manifest.files = self.files.iter().map(|(path, content)| Listed::of(path, content)).collect();
        self.zip(key)
    }

    fn positions(&self, stream: &StreamId) -> Vec<u64> {
        let of_stream = |content: &Vec<u8>| {
            String::from_utf8_lossy(content)
                .lines()
                .nth(1)
                .is_some_and(|line| line.starts_with(&stream.to_string()))
        };
        let entries =
            self.files.iter().filter(|(path, content)| path.starts_with("entries/") && of_stream(content));
        let number = |path: &str| path.split(['/', '.']).nth(1).and_then(|number| number.parse().ok());
        let mut positions: Vec<u64> = entries.filter_map(|(path, _)| number(path)).collect();
        positions.sort_unstable();
        positions
    }

    fn drop_entry(&mut self, position: u64) {
        for path in [entry_path(position), proof_path(position), body_path(position)] {
            self.files.remove(&path);
        }
    }
}

#[track_caller]
fn refused(bundle: &[u8], fault: &BundleFault, file: &str) -> BundleError {
    let error = verify(bundle, &[], None).expect_err("it was taken for sound");
    assert_eq!((&error.fault, error.details["file"].as_str()), (fault, file), "{error}");
    error
}

fn sound(bundle: &[u8], log: &VKey) -> Verified {
    verify(bundle, std::slice::from_ref(log), None).expect("sound")
}

mod given_a_bundle_of_a_hazard {
    use super::*;

    #[test]
    fn when_it_is_verified_then_it_says_what_happened_and_who_signed_in_which_role() {
        let case = case();
        let made = ask(&case.bureau, &[case.hazard], &all);
        let verified = sound(&made.zip, &case.log());
        assert_eq!(verified.signed_by, [case.log()]);
        let own: Vec<_> =
            verified.entries.iter().filter(|entry| entry.signed.entry().stream == case.hazard).collect();
        let kinds: Vec<&str> = own.iter().map(|entry| entry.signed.entry().kind.as_str()).collect();
        assert_eq!(kinds, ["hazard.reported", "hazard.verified"]);
        let roles = own[1].signers.iter().map(|(_, roles)| roles.as_slice()).collect::<Vec<_>>();
        assert_eq!(roles, [[Role::Inspector], [Role::Inspector]]);
        assert_eq!((verified.entries.len(), made.entries), (made.bodies.len(), made.bodies.len()));
        assert_eq!(verified.rules.len(), 1);
        assert_eq!(verified.entries[0].signed.entry().kind, "ledger.opened");
    }

    #[test]
    fn when_it_is_made_again_then_it_is_the_same_to_the_byte() {
        let case = case();
        assert_eq!(case.bundle(), case.bundle());
    }

    #[test]
    fn when_only_entries_are_asked_for_then_no_body_leaves() {
        let case = case();
        let made = ask(&case.bureau, &[case.hazard], &none);
        assert!(made.bodies.is_empty());
        assert!(sound(&made.zip, &case.log()).entries.iter().all(|entry| !entry.body));
        assert!(!String::from_utf8_lossy(&made.zip).contains("顶板离层"));
    }

    #[test]
    fn when_any_bit_is_flipped_then_it_is_refused_and_the_place_is_named() {
        let case = case();
        let bundle = case.bundle();
        // Where each file begins, with the header before it.
        let (mut parts, mut directory) = (Vec::new(), 0);
        for (path, content) in zip::read(&bundle).expect("a zip") {
            parts.push((directory, path));
            directory += 30 + path.len() + content.len();
        }
        // Bytes at a step that is prime, and a different bit from byte to byte.
        for at in (0..bundle.len()).step_by(29) {
            let mut altered = bundle.clone();
            altered[at] ^= 1 << (at / 29 % 8);
            let error = verify(&altered, &[], None).expect_err("it was taken for sound");
            assert_eq!(error.fault, BundleFault::Container, "byte {at}");
            let offset: usize = error.details["offset"].parse().expect("a number");
            let file = error.details["file"].as_str();
            // A name that was altered in one place only is first found behind it, where something else says otherwise.
            let own = parts.iter().rev().find(|(from, _)| *from <= at).copied().unwrap_or_default();
            let in_name = own.0 + 26 <= at && at < own.0 + 30 + own.1.len();
            assert!(offset <= at || in_name, "byte {at}: nothing before byte {offset} differs");
            assert!(
                file == own.1 || file.is_empty() || in_name || at >= directory,
                "byte {at} lies in {own:?}, not in {file}"
            );
        }
    }

    #[test]
    fn when_a_file_is_altered_and_the_zip_made_again_then_the_file_is_named() {
        let case = case();
        let open = Open::of(&case.bundle());
        for path in open.files.keys() {
            let mut altered = Open { manifest: open.manifest.clone(), files: open.files.clone() };
            let content = altered.files.get_mut(path).expect("a file");
            let middle = content.len() / 2;
            content[middle] ^= 1;
            refused(&altered.zip(&case.bureau.office.ledger().log_key()), &BundleFault::FileChanged, path);
            altered.files.remove(path);
            refused(&altered.zip(&case.bureau.office.ledger().log_key()), &BundleFault::FileMissing, path);
        }
        let mut more = Open { manifest: open.manifest, files: open.files };
        more.files.insert("entries/999.entry".into(), Vec::new());
        refused(
            &more.zip(&case.bureau.office.ledger().log_key()),
            &BundleFault::FileExtra,
            "entries/999.entry",
        );
    }

    #[test]
    fn when_the_hashes_are_made_again_without_the_log_key_then_it_is_refused() {
        let case = case();
        let mut open = Open::of(&case.bundle());
        let body = open.files.keys().find(|path| path.starts_with("bodies/")).expect("a body").clone();
        open.files.insert(body, b"{}".to_vec());
        let other = SigningKey::generate(ORIGIN).expect("a key");
        refused(&open.sealed(&other), &BundleFault::ManifestSignature, MANIFEST);
        // A key of the forger's own under the log's name: the checkpoint is not by it, and whoever knows the log's key sees it first.
        open.files.insert(LOG_KEYS.into(), format!("{}\n", other.vkey()).into_bytes());
        let forged = open.sealed(&other);
        refused(&forged, &BundleFault::Checkpoint, CHECKPOINT);
        let error = verify(&forged, &[case.log()], None).expect_err("another key");
        assert_eq!(error.fault, BundleFault::OtherKey);
    }

    #[test]
    fn when_it_is_asked_under_another_key_then_it_is_refused() {
        let case = case();
        let other = SigningKey::generate(ORIGIN).expect("a key").vkey();
        let error = verify(&case.bundle(), &[other], None).expect_err("another key");
        assert_eq!((error.fault, error.details["file"].as_str()), (BundleFault::OtherKey, LOG_KEYS));
    }
}

/// The log itself lies: every hash and the manifest's signature are good.
mod given_a_log_that_signs_whatever_it_likes {
    use super::*;

    fn lies(case: &Case, lie: impl FnOnce(&mut Open)) -> Vec<u8> {
        let mut open = Open::of(&case.bundle());
        lie(&mut open);
        open.sealed(&case.bureau.office.ledger().log_key())
    }

    #[test]
    fn when_an_entry_is_left_out_then_the_gap_is_named() {
        let case = case();
        let positions = Open::of(&case.bundle()).positions(&case.hazard);
        let first = lies(&case, |open| open.drop_entry(positions[0]));
        refused(&first, &BundleFault::Chain, &entry_path(positions[1]));
        let last = lies(&case, |open| open.drop_entry(positions[1]));
        let error = refused(&last, &BundleFault::StreamShort, MANIFEST);
        assert_eq!(error.details["stream"], case.hazard.to_string());
    }

    #[test]
    fn when_an_entry_takes_the_place_of_another_then_the_proof_does_not_lead_to_the_root() {
        let case = case();
        let bundle = lies(&case, |open| {
            let positions = open.positions(&case.hazard);
            let moved = open.files[&entry_path(positions[0])].clone();
            let proof = &open.files[&proof_path(positions[1])];
            let receipt = Receipt { entry: moved.clone(), ..Receipt::parse(proof).expect("a proof") };
            open.files.insert(entry_path(positions[1]), moved);
            open.files.insert(proof_path(positions[1]), receipt.to_bytes());
        });
        let position = Open::of(&case.bundle()).positions(&case.hazard)[1];
        refused(&bundle, &BundleFault::WrongRoot, &proof_path(position));
    }

    #[test]
    fn when_an_entry_of_a_stream_that_is_not_named_is_put_in_then_it_is_named() {
        let case = case();
        let other = Open::of(&ask(&case.bureau, &[case.report], &none).zip);
        let position = other.positions(&case.report)[0];
        let bundle = lies(&case, |open| {
            for path in [entry_path(position), proof_path(position)] {
                open.files.insert(path.clone(), other.files[&path].clone());
            }
        });
        refused(&bundle, &BundleFault::ForeignStream, &entry_path(position));
    }

    #[test]
    fn when_a_body_is_replaced_then_it_is_named() {
        let case = case();
        let position = Open::of(&case.bundle()).positions(&case.hazard)[0];
        let bundle = lies(&case, |open| {
            open.files.insert(body_path(position), b"{\"salt\":\"\"}".to_vec());
        });
        refused(&bundle, &BundleFault::Body, &body_path(position));
    }

    /// The account of one who signed: enrolled, then granted the role.
    fn account(case: &Case, who: &str) -> StreamId {
        let name = case.bureau.keys[who].name().to_owned();
        name.strip_prefix(&format!("{ORIGIN}/")).expect("a name").parse().expect("a stream")
    }

    #[test]
    fn when_a_grant_is_left_out_and_the_manifest_says_so_then_the_signer_has_no_role() {
        let case = case();
        let clerk = account(&case, "clerk");
        let bundle = lies(&case, |open| {
            let positions = open.positions(&clerk);
            open.drop_entry(positions[1]);
            let part = open.manifest.streams.iter_mut().find(|part| part.stream == clerk).expect("support");
            part.entries = 1;
        });
        let first = Open::of(&bundle).positions(&case.hazard)[0];
        refused(&bundle, &BundleFault::WrongSigners, &entry_path(first));
    }

    #[test]
    fn when_an_account_is_left_out_then_the_signer_is_not_known() {
        let case = case();
        let clerk = account(&case, "clerk");
        let bundle = lies(&case, |open| {
            open.positions(&clerk).into_iter().for_each(|position| open.drop_entry(position));
            open.manifest.streams.retain(|part| part.stream != clerk);
        });
        let first = Open::of(&bundle).positions(&case.hazard)[0];
        refused(&bundle, &BundleFault::UnknownSigner, &entry_path(first));
    }

    #[test]
    fn when_the_checkpoint_is_of_another_tree_then_it_is_named() {
        let case = case();
        let log = case.bureau.office.ledger().log_key();
        let other = Checkpoint { origin: ORIGIN.into(), size: 3, root: [7; 32] }.sign(&log);
        let bundle = lies(&case, |open| {
            open.files.insert(CHECKPOINT.into(), other);
        });
        refused(&bundle, &BundleFault::Checkpoint, CHECKPOINT);
    }

    #[test]
    fn when_a_rule_pack_is_altered_or_taken_away_then_it_is_named() {
        let case = case();
        let open = Open::of(&case.bundle());
        let pack = open.files.keys().find(|path| path.starts_with("rules/rewards.")).expect("a pack").clone();
        let bundle = lies(&case, |open| open.files.get_mut(&pack).expect("a pack").push(b'#'));
        refused(&bundle, &BundleFault::Rules, &pack);
        let bundle = lies(&case, |open| {
            open.files.remove(&pack);
        });
        refused(&bundle, &BundleFault::FileMissing, &pack);
        let version = open.files.keys().find(|path| path.ends_with(".version")).expect("a version").clone();
        let bundle = lies(&case, |open| {
            let list = String::from_utf8_lossy(&open.files[&version]).replace("shipped", "adopted");
            open.files.insert(version.clone(), list.into_bytes());
        });
        refused(&bundle, &BundleFault::Rules, &version);
    }

    #[test]
    fn when_a_file_has_a_name_that_the_format_does_not_know_then_it_is_named() {
        let case = case();
        for path in ["extra.txt", "entries/01.entry", "bodies/999.json", "rules/stray.toml"] {
            let bundle = lies(&case, |open| {
                open.files.insert(path.into(), b"x".to_vec());
            });
            refused(&bundle, &BundleFault::FileName, path);
        }
    }
}

mod given_a_key_that_was_ended {
    use super::*;

    #[test]
    fn when_it_signed_before_then_the_bundle_holds_and_tells_of_the_end() {
        let case = case();
        let suspend = Suspend { last: None, because: text("离职") };
        let name = case.bureau.keys["clerk"].name().to_owned();
        let account: StreamId =
            name.strip_prefix(&format!("{ORIGIN}/")).expect("a name").parse().expect("a stream");
        let command = Command::Actor(ActorCommand::Suspend(suspend));
        case.bureau.run(Some(account), command, &["admin-1"]).expect("suspended");
        let verified = sound(&case.bundle(), &case.log());
        assert!(verified.entries.iter().any(|entry| entry.signed.entry().kind == "actor.suspended"));
    }
}

mod given_a_report {
    use super::*;

    #[test]
    fn when_its_bodies_go_along_then_the_officers_behind_one_time_keys_are_proven() {
        let case = case();
        let bundle = ask(&case.bureau, &[case.report], &all).zip;
        let verified = sound(&bundle, &case.log());
        assert!(verified.entries.iter().any(|entry| entry.signed.entry().stream.kind == StreamKind::Actor));
    }

    #[test]
    fn when_only_entries_go_along_then_nothing_ties_it_to_an_officer() {
        let case = case();
        let bundle = ask(&case.bureau, &[case.report], &none).zip;
        let verified = sound(&bundle, &case.log());
        let kinds: Vec<StreamKind> =
            verified.entries.iter().map(|entry| entry.signed.entry().stream.kind).collect();
        assert_eq!(kinds, [StreamKind::Ledger, StreamKind::Report]);
    }
}

mod given_witnesses {
    use super::*;

    fn cosigned(case: &Case, by: &[&WitnessKey]) -> Vec<u8> {
        let ledger = case.bureau.office.ledger();
        ledger.publish_now();
        let note = Note::parse(&ledger.published().note).expect("published");
        let lines: Vec<_> = by
            .iter()
            .map(|key| key.cosign(&note.text, Timestamp(1_790_000_000)).expect("cosigned"))
            .collect();
        assert!(ledger.cosign(&note.text, &lines));
        let policy = policy();
        let wanted = Wanted {
            streams: &[case.hazard],
            published_only: true,
            may_have: &all,
            policy: Some(policy.as_bytes()),
            viewer: VIEWER,
        };
        case.bureau.office.bundle(&wanted).expect("a bundle").zip
    }

    fn witness(seed: u8) -> WitnessKey {
        WitnessKey::from_seed(&format!("w.example/{seed}"), &[seed; 32]).expect("a key")
    }

    fn policy() -> String {
        format!(
            "witness a {}\nwitness b {}\ngroup both all a b\nquorum both\n",
            witness(3).vkey(),
            witness(4).vkey()
        )
    }

    #[test]
    fn when_enough_cosigned_then_the_quorum_is_met_else_it_is_said_and_refused_to_who_asks_for_it() {
        let case = case();
        let whole = cosigned(&case, &[&witness(3), &witness(4)]);
        assert!(sound(&whole, &case.log()).standing.is_some_and(|standing| standing.met));
        let case = super::case();
        let half = cosigned(&case, &[&witness(3)]);
        let standing = sound(&half, &case.log()).standing.expect("a policy");
        assert!(!standing.met && standing.cosigned.len() == 1);
        let asked = Policy::parse(policy().as_bytes()).expect("a policy");
        let error = verify(&half, &[case.log()], Some(&asked)).expect_err("no quorum");
        assert_eq!(error.fault, BundleFault::NoQuorum);
        assert_eq!(Open::of(&half).files[POLICY], policy().into_bytes());
    }

    #[test]
    fn when_nothing_newer_may_be_seen_then_what_is_not_published_stays_out() {
        let case = case();
        let ledger = case.bureau.office.ledger();
        ledger.publish_now();
        let published = ledger.published().size();
        let late = case
            .bureau
            .request(&case.bureau.hazard(case.bureau.enterprise("乙矿")), &["clerk"])
            .expect("later");
        let wanted = |only: bool, streams| Wanted {
            streams,
            published_only: only,
            may_have: &all,
            policy: None,
            viewer: VIEWER,
        };
        let own = [case.hazard];
        let made = case.bureau.office.bundle(&wanted(true, &own)).expect("a bundle");
        assert_eq!(made.size, published);
        let streams = [late.stream];
        let nothing = case.bureau.office.bundle(&wanted(true, &streams)).expect_err("not published");
        assert!(matches!(nothing, BundleFailure::Nothing(stream) if stream == late.stream));
        assert!(case.bureau.office.bundle(&wanted(false, &streams)).expect("the newest").size > published);
        let unknown = [StreamId::new(StreamKind::Hazard, id())];
        assert!(matches!(
            case.bureau.office.bundle(&wanted(false, &unknown)),
            Err(BundleFailure::Nothing(_))
        ));
    }
}
