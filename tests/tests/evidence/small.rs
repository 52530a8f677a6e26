//! Logs of a few entries that no ledger would have written: their trees, proofs and manifests are good, and what their entries say
//! of keys is not.

use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::ledger::bundle::{Bundle, BundleFault, HOW_TO, VIEWER};
use adit_core::ledger::checkpoint::Checkpoint;
use adit_core::ledger::entry::{Entry, Line, Seen, SignedEntry};
use adit_core::ledger::keyring::actor_key_name;
use adit_core::ledger::merkle::{Hash, Tree, inclusion_proof, leaf_hash};
use adit_core::ledger::note::assemble;
use adit_core::ledger::receipt::Receipt;
use adit_core::ledger::vkey::SigningKey;
use adit_core::role::Role;
use adit_core::units::{Position, Revision};

use crate::common::{ORIGIN, day};

const BODY: &[u8] = b"{}";

/// A log in the making, with everybody's keys.
struct Small {
    log: SigningKey,
    admins: [SigningKey; 2],
    clerk: SigningKey,
    /// Each entry's stream with its bytes, and the text's hash that the next one of its stream names.
    entries: Vec<(StreamId, Vec<u8>, Hash)>,
}

fn stream(kind: StreamKind, n: u8) -> StreamId {
    StreamId::new(kind, Id([n; 16]))
}

impl Small {
    /// Opened; a clerk enrolled and granted.
    fn new() -> Self {
        let key = |n: u8, name: &str| SigningKey::from_seed(name, &[n; 32]).expect("a key");
        let actor = |n: u8| key(n, &actor_key_name(ORIGIN, adit_core::id::ActorId(Id([n; 16]))));
        let mut small =
            Self { log: key(9, ORIGIN), admins: [actor(1), actor(2)], clerk: actor(3), entries: Vec::new() };
        let Self { log, admins: [one, two], clerk, .. } = &small;
        let (log, one, two, clerk) = (log.clone(), one.clone(), two.clone(), clerk.clone());
        let admin = |key: &SigningKey| Line::Grant { role: Role::Admin, key: key.vkey() };
        let keys = [&log, &one, &two].map(|key| Line::Key(key.vkey()));
        let opened = [keys.to_vec(), vec![admin(&one), admin(&two)]].concat();
        small.add(stream(StreamKind::Ledger, 7), "ledger.opened", opened, &[&log]);
        small.account("actor.enrolled", Line::Key(clerk.vkey()), &[&one]);
        small.account("actor.granted", Line::Grant { role: Role::Clerk, key: clerk.vkey() }, &[&one, &two]);
        small
    }

    fn unsigned(&self, stream: StreamId, kind: &str, lines: Vec<Line>) -> Entry {
        let before: Vec<&Hash> =
            self.entries.iter().filter(|(own, ..)| *own == stream).map(|(.., hash)| hash).collect();
        Entry {
            origin: ORIGIN.to_owned(),
            stream,
            revision: Revision(before.len() as u64),
            kind: kind.to_owned(),
            day: day("2026-11-28"),
            seen: Seen::nothing(),
            prev: before.last().map(|hash| **hash),
            body: *blake3::hash(BODY).as_bytes(),
            lines,
        }
    }

    fn push(&mut self, signed: &SignedEntry) {
        self.entries.push((signed.entry().stream, signed.bytes().to_vec(), signed.text_hash()));
    }

    fn add(&mut self, stream: StreamId, kind: &str, lines: Vec<Line>, by: &[&SigningKey]) {
        let signed = self.unsigned(stream, kind, lines).sign(by).expect("signed");
        self.push(&signed);
    }

    /// A step in the clerk's account.
    fn account(&mut self, kind: &str, line: Line, by: &[&SigningKey]) {
        self.add(stream(StreamKind::Actor, 3), kind, vec![line], by);
    }

    fn hazard(&mut self, by: &SigningKey) {
        self.add(stream(StreamKind::Hazard, 5), "hazard.reported", Vec::new(), &[by]);
    }

    fn bundle(&self) -> Vec<u8> {
        let mut tree = Tree::new();
        for (_, bytes, _) in &self.entries {
            tree.push(leaf_hash(bytes), &mut Vec::new());
        }
        let checkpoint =
            Checkpoint { origin: ORIGIN.to_owned(), size: tree.size(), root: tree.root() }.sign(&self.log);
        let mut bundle =
            Bundle::new(day("2026-11-28"), &checkpoint, &[self.log.vkey()]).expect("a checkpoint");
        for (position, (stream, entry, _)) in self.entries.iter().enumerate() {
            let own = self.entries.iter().filter(|(other, ..)| other == stream).count() as u64;
            bundle.stream(*stream, own, stream.kind == StreamKind::Hazard);
            let mut tile = |level: u8, index: u64, width: u16| {
                let hashes = tree.right_tile(level, index).expect("a small tree");
                Ok::<_, ()>(hashes[..usize::from(width)].to_vec())
            };
            let proof = inclusion_proof(position as u64, tree.size(), &mut tile).expect("a proof");
            let position = Position(position as u64);
            let receipt = Receipt { entry: entry.clone(), position, proof, checkpoint: checkpoint.clone() };
            bundle.entry(&receipt, Some(BODY.to_vec()));
        }
        bundle.file(VIEWER, b"page".to_vec());
        bundle.file(HOW_TO, b"how".to_vec());
        bundle.to_zip(&[&self.log]).expect("a zip")
    }
}

/// A clerk's hazard, and the clerk's key ended afterwards: all of it lawful.
pub(crate) fn lawful() -> Vec<u8> {
    let mut small = Small::new();
    let (clerk, admin) = (small.clerk.clone(), small.admins[0].clone());
    small.hazard(&clerk);
    small.account("actor.suspended", Line::End { key: clerk.vkey(), last: Position(3) }, &[&admin]);
    small.bundle()
}

/// What none of these logs may say, with the fault that it is.
pub(crate) fn unlawful() -> Vec<(BundleFault, Vec<u8>)> {
    let made = |change: &dyn Fn(&mut Small, &SigningKey, &SigningKey)| {
        let mut small = Small::new();
        let (clerk, admin) = (small.clerk.clone(), small.admins[0].clone());
        change(&mut small, &clerk, &admin);
        small.bundle()
    };
    let ended = made(&|small, clerk, admin| {
        small.account("actor.suspended", Line::End { key: clerk.vkey(), last: Position(3) }, &[admin]);
        small.hazard(clerk);
    });
    let revoked = made(&|small, clerk, admin| {
        small.account("actor.revoked", Line::Revoke { role: Role::Clerk, key: clerk.vkey() }, &[admin]);
        small.hazard(clerk);
    });
    let nobody = made(&|small, clerk, _| {
        let other = SigningKey::generate(clerk.name()).expect("a key");
        small.hazard(&other);
    });
    let wrong = made(&|small, clerk, _| {
        let entry = small.unsigned(stream(StreamKind::Hazard, 5), "hazard.reported", Vec::new());
        let bytes = assemble(&entry.text(), &[clerk.sign_text("another text\n")]);
        small.push(&SignedEntry::parse(&bytes).expect("an entry"));
    });
    let own_grant = made(&|small, clerk, _| {
        let grant = Line::Grant { role: Role::Admin, key: clerk.vkey() };
        small.account("actor.granted", grant, &[clerk]);
    });
    let unproven = made(&|small, _, _| {
        let report = stream(StreamKind::Report, 6);
        let one_time = SigningKey::generate(&format!("{ORIGIN}/{report}/officer/0")).expect("a key");
        let lines = vec![Line::Key(one_time.vkey()), Line::Grant { role: Role::Clerk, key: one_time.vkey() }];
        let log = small.log.clone();
        small.add(report, "report.reported", [lines, clock()].concat(), &[&one_time, &log]);
    });
    let unknown_kind = made(&|small, clerk, _| {
        small.add(stream(StreamKind::Hazard, 5), "hazard.unheard_of", Vec::new(), &[clerk]);
    });
    let foreign = made(&|small, clerk, _| {
        let entry = small.unsigned(stream(StreamKind::Hazard, 5), "hazard.reported", Vec::new());
        let entry = Entry { origin: "other.example/ledger".to_owned(), ..entry };
        small.push(&entry.sign(&[clerk]).expect("signed"));
    });
    let nonsense = made(&|small, clerk, _| {
        small.hazard(clerk);
        let last = small.entries.last_mut().expect("the hazard");
        last.1 = b"no entry at all".to_vec();
    });
    vec![
        (BundleFault::EndedSigner, ended),
        (BundleFault::WrongSigners, revoked),
        (BundleFault::UnknownSigner, nobody),
        (BundleFault::Signature, wrong),
        (BundleFault::WrongSigners, own_grant),
        (BundleFault::Officer, unproven),
        (BundleFault::WrongSigners, unknown_kind),
        (BundleFault::OtherLog, foreign),
        (BundleFault::EntryForm, nonsense),
    ]
}

fn clock() -> Vec<Line> {
    vec![Line::Clock { name: "accept".to_owned(), due: day("2026-12-10") }]
}
