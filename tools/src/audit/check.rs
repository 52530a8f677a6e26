//! One entry after the other, in the order of the log: chain, day, `seen`, signers, lines, order of steps, deadlines.

use std::collections::BTreeMap;
use std::sync::Arc;

use adit_core::id::StreamKind;
use adit_core::ledger::entry::{Entry, Line, Seen, SignedEntry};
use adit_core::ledger::merkle::Hash;
use adit_core::role::Role;
use adit_core::rules::entries;
use adit_core::rules::order;

use super::deadlines::Place;
use super::keys::Signer;
use super::signatures::{Checker, Task};
use super::source::{Source, TILE_BYTES_MAX, Unreachable, tile_path};
use super::state::{ROOTS_MAX, State, StreamKey, Tail, Violation, number};
use super::tree::{WIDTH, perfect_root};
use super::words::Code;

/// Days within which a sealed plan is shown (`formats`: 7 days).
pub(super) const PLAN_DAYS: i32 = 7;
/// Tiles of leaves that are remembered, for the roots of earlier sizes.
const TILES_MAX: usize = 64;

/// Judges entries against the state, and takes them over into it.
pub(super) struct Judge<'a> {
    pub(super) state: &'a mut State,
    pub(super) source: &'a Source,
    pub(super) signatures: Checker,
    /// Day on which the monitor runs.
    pub(super) today: i32,
    /// Leaves of the newest full tiles.
    tiles: BTreeMap<u64, Vec<Hash>>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(state: &'a mut State, source: &'a Source, signatures: Checker, today: i32) -> Self {
        Self { state, source, signatures, today, tiles: BTreeMap::new() }
    }

    /// Remembers the leaves of a tile, in place of the oldest.
    pub(super) fn keep_tile(&mut self, index: u64, leaves: Vec<Hash>) {
        self.tiles.insert(index, leaves);
        if self.tiles.len() > TILES_MAX {
            self.tiles.pop_first();
        }
    }

    fn fault(&mut self, code: Code, position: u64, entry: &Entry, detail: impl Into<String>) {
        let mut violation = Violation::new(code, detail).at(position);
        violation.stream = Some(entry.stream.to_string());
        self.state.violation(violation);
    }

    /// Judges the entry at `position`; the tree holds everything before it, and nothing else.
    ///
    /// # Errors
    /// When a tile that is needed for an earlier root can't be reached.
    pub(super) fn entry(&mut self, position: u64, signed: &SignedEntry) -> Result<(), Unreachable> {
        let entry = signed.entry();
        if entry.origin != self.state.origin {
            self.fault(Code::EntryOrigin, position, entry, entry.origin.clone());
            return Ok(());
        }
        self.state.counts.entries += 1;
        self.opening(position, entry);
        self.seen(position, entry)?;
        self.signers(position, signed);
        let kinds = self.lines(position, entry);
        let tail = self.chain(position, signed);
        self.follow(position, signed, tail, kinds);
        let everywhere =
            kinds.is_some() && matches!(entry.stream.kind, StreamKind::Actor | StreamKind::Ledger);
        let second = entry.kind == "ledger.opened" && position != 0;
        let lawful = self.state.keys.check_log_keys(position, signed);
        if let Err(why) = lawful {
            self.fault(Code::LogKey, position, entry, why);
        }
        self.state.keys.apply(position, entry, everywhere && !second, lawful.is_ok());
        Ok(())
    }

    /// The ledger is opened once, by its first entry, which names its key and two administrators.
    fn opening(&mut self, position: u64, entry: &Entry) {
        if (position == 0) != (entry.kind == "ledger.opened") {
            self.fault(Code::Opening, position, entry, entry.kind.clone());
            return;
        }
        if position > 0 {
            return;
        }
        let of_log = |line: &&Line| matches!(line, Line::Key(key) if key.name() == self.state.origin);
        let names_log = entry.lines.iter().filter(of_log).count() == 1;
        let admin = |line: &&Line| matches!(line, Line::Grant { role: Role::Admin, .. });
        let admins = entry.lines.iter().filter(admin).count();
        let grants = entry.lines.iter().filter(|line| matches!(line, Line::Grant { .. })).count();
        let actors = format!("{}/actor/", self.state.origin);
        let belongs = |name: &str| name == self.state.origin || name.starts_with(&actors);
        let foreign = entry.lines.iter().any(|line| matches!(line, Line::Key(key) if !belongs(key.name())));
        if !names_log || foreign || admins != 2 || grants != 2 {
            self.fault(Code::Opening, position, entry, "log key and two administrators");
        }
    }

    /// Revision and hash follow the entry before it in its stream, and the day does not go back.
    fn chain(&mut self, position: u64, signed: &SignedEntry) -> Option<Tail> {
        let entry = signed.entry();
        let day = number(entry.day);
        let before = self.state.streams.get(&StreamKey::of(entry.stream)).copied();
        let (next, prev) = before.map_or((0, None), |tail| (tail.next, Some(tail.text_hash)));
        if entry.revision.0 != next || entry.prev != prev {
            let detail = format!("revision {} where {next} follows", entry.revision);
            self.fault(Code::Chain, position, entry, detail);
        }
        if before.is_some_and(|tail| day < tail.day) {
            self.fault(Code::DayBack, position, entry, entry.day.to_string());
        }
        if day > self.today + 1 {
            self.fault(Code::Future, position, entry, entry.day.to_string());
        } else {
            // An entry may wait a day for its second signer, and no longer.
            if day < self.state.latest - 1 {
                self.fault(Code::Backdated, position, entry, entry.day.to_string());
            }
            self.state.latest = self.state.latest.max(day);
        }
        before
    }

    /// `seen` names a size that came before this entry, with the root that the tree had then.
    fn seen(&mut self, position: u64, entry: &Entry) -> Result<(), Unreachable> {
        let Seen { size, root, .. } = entry.seen;
        if size == 0 {
            if entry.seen != Seen::nothing() {
                self.fault(Code::Seen, position, entry, "size 0");
            }
            return Ok(());
        }
        let known = if size > position { None } else { self.root_at(size)? };
        if known != Some(root) {
            self.fault(Code::Seen, position, entry, format!("size {size}"));
        }
        Ok(())
    }

    /// The root at an earlier size; `None` where the leaves that it takes are not served as they were.
    fn root_at(&mut self, size: u64) -> Result<Option<Hash>, Unreachable> {
        if let Some(root) = self.state.roots.get(&size) {
            return Ok(Some(*root));
        }
        let (index, rest) = (size / WIDTH as u64, usize::try_from(size % WIDTH as u64).unwrap_or(0));
        let leaves = if rest == 0 { Some(Vec::new()) } else { self.leaves(index)? };
        let edge = leaves.as_ref().and_then(|leaves| leaves.get(..rest));
        let Some(edge) = edge else { return Ok(None) };
        let root = self.state.tree.root_at(size, edge);
        self.state.roots.insert(size, root);
        if self.state.roots.len() > ROOTS_MAX {
            self.state.roots.pop_first();
        }
        Ok(Some(root))
    }

    fn leaves(&mut self, index: u64) -> Result<Option<Vec<Hash>>, Unreachable> {
        let Some(over) = self.state.tree.over_tile(index).copied() else {
            return Ok(Some(self.state.tree.edge().to_vec()));
        };
        if let Some(leaves) = self.tiles.get(&index) {
            return Ok(Some(leaves.clone()));
        }
        let path = tile_path("0", index, WIDTH as u64);
        let leaves = self.source.get(&path, TILE_BYTES_MAX)?.and_then(|bytes| hashes(&bytes, WIDTH));
        let Some(leaves) = leaves.filter(|leaves| perfect_root(leaves) == over) else {
            self.state.violation(
                Violation::new(Code::Tile, "it is not the tile that was verified before").in_file(path),
            );
            return Ok(None);
        };
        self.keep_tile(index, leaves.clone());
        Ok(Some(leaves))
    }

    /// Keys in force, roles granted, two different hands where the kind asks for two.
    fn signers(&mut self, position: u64, signed: &SignedEntry) {
        let entry = signed.entry();
        let text: Arc<[u8]> = signed.text().into();
        let mut signers = Vec::with_capacity(signed.signatures().len());
        for line in signed.signatures() {
            let Some(signer) = self.state.keys.signer(entry, line, position) else {
                self.fault(Code::UnknownKey, position, entry, line.name.clone());
                continue;
            };
            if signer.ended {
                self.fault(Code::KeyEnded, position, entry, line.name.clone());
            }
            let signature = line.signature.as_slice().try_into().unwrap_or([0; 64]);
            self.signatures.take(Task { position, text: Arc::clone(&text), signature, key: signer.key });
            signers.push(signer);
        }
        // One key under two names is one hand.
        let again =
            |at: usize, signer: &Signer| signers[..at].iter().any(|earlier| earlier.key == signer.key);
        let hands: Vec<entries::Signer<'_>> = signers
            .iter()
            .enumerate()
            .filter(|(at, signer)| !signer.ended && !again(*at, signer))
            .map(|(_, signer)| signer)
            .map(|signer| entries::Signer { name: &signer.name, roles: &signer.roles, log: signer.log })
            .collect();
        if entries::table().contains_key(&entry.kind) && !entries::may_sign(&entry.kind, &hands) {
            self.fault(Code::NotGranted, position, entry, entry.kind.clone());
        }
        if entry.stream.kind.is_unlinkable() {
            self.one_time(position, entry, &signers);
        } else {
            self.own_grant(position, entry, &signers);
        }
    }

    /// Where one-time keys sign, the log signs with them; a key that is introduced signs, or is let in by a reporter's key.
    fn one_time(&mut self, position: u64, entry: &Entry, signers: &[Signer]) {
        let own = self.state.keys.own_name(entry.stream);
        let officers = format!("{own}/officer/");
        let log = signers.iter().any(|signer| signer.log);
        let mut fault = signers.iter().any(|signer| signer.one_time) && !log;
        for line in &entry.lines {
            match line {
                Line::Key(key) => {
                    let officer = key.name().starts_with(&officers);
                    let signs =
                        signers.iter().any(|signer| signer.key == *key.key() && signer.name == key.name());
                    let let_in = key.name() == own && signers.iter().any(|signer| signer.name == own);
                    fault |= !(officer && signs || key.name() == own && (signs || let_in));
                }
                Line::Grant { key, .. } => {
                    let introduced =
                        entry.lines.iter().any(|one| matches!(one, Line::Key(one) if one == key));
                    fault |= !introduced || !key.name().starts_with(&officers);
                }
                Line::Recipient { .. }
                | Line::Revoke { .. }
                | Line::End { .. }
                | Line::Clock { .. }
                | Line::Extend { .. }
                | Line::Stop { .. } => {}
            }
        }
        if fault {
            self.fault(Code::OneTime, position, entry, entry.kind.clone());
        }
    }

    /// A key is granted, changed or ended by others than its holder, and in its holder's own stream.
    fn own_grant(&mut self, position: u64, entry: &Entry, signers: &[Signer]) {
        if entry.stream.kind != StreamKind::Actor {
            return;
        }
        let holder = format!("{}/actor/{}", self.state.origin, entry.stream.id);
        let foreign = entry.lines.iter().any(|line| match line {
            Line::Key(key)
            | Line::Recipient { key, .. }
            | Line::Grant { key, .. }
            | Line::Revoke { key, .. }
            | Line::End { key, .. } => key.name() != holder,
            Line::Clock { .. } | Line::Extend { .. } | Line::Stop { .. } => false,
        });
        let ahead = |line: &Line| matches!(line, Line::End { last, .. } if last.0 > position);
        if entry.lines.iter().any(ahead) {
            self.fault(Code::Lines, position, entry, "a key is ended ahead of time");
        }
        let gives = entry.lines.iter().any(|line| matches!(line, Line::Grant { .. } | Line::End { .. }));
        if foreign {
            self.fault(Code::Lines, position, entry, "a key of another actor");
        }
        if gives && signers.iter().any(|signer| signer.name == holder) {
            self.fault(Code::OwnGrant, position, entry, entry.kind.clone());
        }
    }

    /// The public lines are those that the kind must and may carry.
    fn lines(&mut self, position: u64, entry: &Entry) -> Option<&'static order::KindOrder> {
        let Some(kinds) = order::of(entry.stream.kind, &entry.kind) else {
            self.fault(Code::Kind, position, entry, entry.kind.clone());
            return None;
        };
        if !entries::has_lines(&entry.kind, &entry.lines) {
            self.fault(Code::MissingLines, position, entry, entry.kind.clone());
        }
        // A role would set one access entry apart from the others.
        let shows_roles = entry.stream.kind != StreamKind::Access;
        let one_time = |line: &Line| match line {
            Line::Key(key) => key.name().contains("/officer/"),
            Line::Grant { key, .. } => shows_roles && key.name().contains("/officer/"),
            Line::Recipient { .. }
            | Line::Revoke { .. }
            | Line::End { .. }
            | Line::Clock { .. }
            | Line::Extend { .. }
            | Line::Stop { .. } => false,
        };
        let unlinkable = entry.stream.kind.is_unlinkable();
        let foreign = if unlinkable && entry.lines.iter().any(one_time) {
            let rest: Vec<Line> = entry.lines.iter().filter(|line| !one_time(line)).cloned().collect();
            kinds.foreign_line(&rest).map(ToString::to_string)
        } else {
            kinds.foreign_line(&entry.lines).map(ToString::to_string)
        };
        if let Some(line) = foreign {
            self.fault(Code::Lines, position, entry, line);
        }
        self.count_clocks(entry);
        Some(kinds)
    }

    /// A report without a public clock is one whose handling nobody can watch. The rules decide whether there must be one.
    fn count_clocks(&mut self, entry: &Entry) {
        let wanted = match entry.kind.as_str() {
            "report.reported" => "accept",
            "report.accepted" => "handle",
            _ => return,
        };
        let runs = |line: &Line| matches!(line, Line::Clock { name, .. } if name == wanted);
        if !entry.lines.iter().any(runs) {
            self.state.counts.without_clock += 1;
        }
    }

    /// The step is lawful where the stream stands; then the stream stands elsewhere, and its clocks run or end.
    fn follow(
        &mut self,
        position: u64,
        signed: &SignedEntry,
        before: Option<Tail>,
        kinds: Option<&'static order::KindOrder>,
    ) {
        let entry = signed.entry();
        let stream = StreamKey::of(entry.stream);
        let day = number(entry.day);
        let standing = before.map(|tail| tail.standing()).unwrap_or_default();
        let after = kinds.map(|kinds| {
            kinds.step(standing, &entry.lines).unwrap_or_else(|| {
                self.fault(Code::Order, position, entry, entry.kind.clone());
                kinds.taken_anyway(standing)
            })
        });
        let shown = matches!(entry.kind.as_str(), "inspection.opened" | "inspection.lapsed");
        if shown && before.is_some_and(|tail| tail.next == 1 && day > tail.day + PLAN_DAYS) {
            self.fault(Code::PlanLate, position, entry, entry.day.to_string());
        }
        let tail =
            Tail::new(entry.revision.0.saturating_add(1), signed.text_hash(), day, after.unwrap_or(standing));
        self.state.streams.insert(stream, tail);
        let overdue = entry.kind.ends_with(".overdue");
        let ends = kinds.map_or(&[][..], |kinds| kinds.ends());
        let place = Place { stream, position, day, overdue, ends };
        for (code, detail) in self.state.deadlines.apply(place, &entry.lines) {
            self.fault(code, position, entry, detail);
        }
    }
}

/// The hashes of a tile; `None` when it does not hold `width` of them and nothing else.
pub(super) fn hashes(bytes: &[u8], width: usize) -> Option<Vec<Hash>> {
    (bytes.len() == width * 32).then(|| bytes.as_chunks::<32>().0.to_vec())
}
