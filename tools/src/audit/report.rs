//! What the monitor says: one account of the log as it stands, for people, for programs and for the public page.

use std::collections::BTreeMap;

use adit_core::id::StreamKind;
use adit_core::rules::order;
use adit_core::units::Day;
use serde::Serialize;

use super::check::PLAN_DAYS;
use super::state::{State, StreamKey, Tail, Violation, day, number};
use super::witness::Witnessed;
use super::words::clock_words;

/// The whole account.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// Nothing is wrong, and no deadline of the office or an enterprise stands missed.
    pub(super) ok: bool,
    pub(super) origin: String,
    /// The log's keys that hold now: two while one takes over from the other.
    pub(super) keys: Vec<String>,
    /// The key was found beside the log and believed: whoever serves another log can serve another key with it.
    pub(super) trusted_on_first_use: bool,
    pub(super) today: String,
    pub(super) size: u64,
    /// Hexadecimal.
    pub(super) root: String,
    pub(super) streams: u64,
    pub(super) checked: Checked,
    pub(super) violations: Vec<Told>,
    pub(super) more_violations: u64,
    pub(super) deadlines: Deadlines,
    pub(super) reports: Reports,
    pub(super) plans: Plans,
    pub(super) witnesses: Vec<Witnessed>,
}

/// What this run read, and all runs together.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Checked {
    /// Position from which this run read.
    pub(super) from: u64,
    /// Files fetched by this run.
    pub(super) fetched: u64,
    pub(super) entries: u64,
    pub(super) signatures: u64,
}

/// A violation with its words.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    pub(super) code: &'static str,
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
    pub(super) position: Option<u64>,
    pub(super) stream: Option<String>,
    pub(super) place: Option<String>,
    pub(super) detail: String,
    pub(super) found: String,
    pub(super) evidence: Vec<String>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Deadlines {
    pub(super) running: u64,
    pub(super) met: BTreeMap<String, u64>,
    /// Passed without their `stop`, the oldest first.
    pub(super) missed: Vec<Missed>,
    /// Ended after their last day, the newest first.
    pub(super) met_late: Vec<Missed>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Missed {
    pub(super) stream: String,
    pub(super) clock: String,
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
    /// Whose duty: `office`, `enterprise`, `reporter`.
    pub(super) duty: &'static str,
    pub(super) due: String,
    /// The entry that started it.
    pub(super) position: u64,
    pub(super) days_late: i32,
    pub(super) ended: Option<String>,
    /// The entry by which the log itself recorded the miss.
    pub(super) recorded: Option<u64>,
}

/// How reports fare, from public kinds alone.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Reports {
    pub(super) reported: u64,
    /// Accepted, whatever became of them since.
    pub(super) accepted: u64,
    /// Of these, handled.
    pub(super) handled: u64,
    /// In whole percent, rounded down; none before one was accepted.
    pub(super) handled_percent: Option<u64>,
    /// Entries of reports without the public clock that they could carry.
    pub(super) without_clock: u64,
}

/// Sealed plans of inspections.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Plans {
    /// Sealed more than 7 days ago and neither opened nor lapsed.
    pub(super) not_shown: u64,
}

impl Report {
    pub(super) fn new(state: &State, today: Day, checked: Checked, witnesses: Vec<Witnessed>) -> Self {
        let now = number(today);
        let deadlines = deadlines(state, now);
        let mut violations: Vec<Told> = state.violations.iter().map(told).collect();
        violations.sort_by_key(|one| one.position);
        let missed = deadlines.missed.iter().any(|missed| missed.duty != "reporter");
        Self {
            ok: violations.is_empty() && !missed,
            origin: state.origin.clone(),
            keys: state.log_keys_at(state.tree.size()).iter().map(ToString::to_string).collect(),
            trusted_on_first_use: state.first_use,
            today: today.to_string(),
            size: state.tree.size(),
            root: adit_core::ledger::vkey::hex(&state.tree.root()),
            streams: state.streams.len() as u64,
            checked: Checked {
                entries: state.counts.entries,
                signatures: state.counts.signatures,
                ..checked
            },
            violations,
            more_violations: state.more_violations,
            deadlines,
            reports: reports(state),
            plans: plans(state, now),
            witnesses,
        }
    }
}

fn told(violation: &Violation) -> Told {
    Told {
        code: violation.code.code(),
        zh: violation.code.zh(),
        en: violation.code.en(),
        position: violation.position,
        stream: violation.stream.clone(),
        place: violation.place.clone(),
        detail: violation.detail.clone(),
        found: violation.found.clone(),
        evidence: violation.evidence.clone(),
    }
}

fn deadlines(state: &State, now: i32) -> Deadlines {
    let missed = |stream: StreamKey, clock: &str, due: i32, position, recorded, ended: Option<i32>| {
        let (zh, en, duty) = clock_words(clock);
        Missed {
            stream: stream.stream().to_string(),
            clock: clock.to_owned(),
            zh,
            en,
            duty,
            due: day(due).to_string(),
            position,
            days_late: ended.unwrap_or(now) - due,
            ended: ended.map(|ended| day(ended).to_string()),
            recorded,
        }
    };
    let all = &state.deadlines;
    let mut running = 0;
    let mut passed = Vec::new();
    for (stream, one) in all.running() {
        if one.due < now {
            passed.push(missed(stream, all.name_of(one), one.due, one.position, one.recorded, None));
        } else {
            running += 1;
        }
    }
    passed.sort_by(|a, b| (&a.due, a.position).cmp(&(&b.due, b.position)));
    let late = all.late.iter().rev();
    let late =
        late.map(|one| missed(one.stream, &one.clock, one.due, one.position, one.recorded, Some(one.ended)));
    Deadlines { running, met: all.met.clone(), missed: passed, met_late: late.collect() }
}

/// Where a stream stands, told by one status that it surely has.
fn stands(tail: &Tail, statuses: u16) -> bool {
    tail.standing().statuses & statuses != 0
}

fn reports(state: &State) -> Reports {
    let bits =
        |names: &[&str]| names.iter().fold(0, |bits, name| bits | order::status(StreamKind::Report, name));
    let accepted = bits(&["accepted", "verified", "handled", "answered", "closed"]);
    let handled = bits(&["handled", "answered", "closed"]);
    let mut counts = Reports { without_clock: state.counts.without_clock, ..Reports::default() };
    let reports = state.streams.iter().filter(|(key, _)| key.stream().kind == StreamKind::Report);
    for (_, tail) in reports {
        counts.reported += 1;
        counts.accepted += u64::from(stands(tail, accepted));
        counts.handled += u64::from(stands(tail, handled));
    }
    counts.handled_percent = (counts.handled * 100).checked_div(counts.accepted);
    counts
}

fn plans(state: &State, now: i32) -> Plans {
    let sealed = order::status(StreamKind::Inspection, "sealed");
    let waits = |(key, tail): &(&StreamKey, &Tail)| {
        key.stream().kind == StreamKind::Inspection && stands(tail, sealed) && now > tail.day + PLAN_DAYS
    };
    Plans { not_shown: state.streams.iter().filter(waits).count() as u64 }
}

impl Report {
    /// Prints the account in both languages.
    pub(super) fn print(&self) {
        say!("台账 / log: {}", self.origin);
        if self.trusted_on_first_use {
            say!(
                "  注意：公钥取自台账旁，首次使用即信任；请用 --key 给出从别处得到的公钥 / note: the key was found beside the log \
                 and believed at first use; give one that you got elsewhere by --key"
            );
        }
        say!("  {} entries, root {}", self.size, self.root);
        let Checked { from, fetched, entries, signatures } = self.checked;
        say!(
            "  本次自第 {from} 条起读取 {fetched} 个文件 / this run read {fetched} files from position {from} on"
        );
        say!(
            "  累计核验 / checked so far: {entries} entries, {signatures} signatures, {} streams",
            self.streams
        );
        let percent =
            self.reports.handled_percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent}%"));
        say!(
            "  举报办结率 / handled rate: {percent} ({} / {}), {} reported",
            self.reports.handled,
            self.reports.accepted,
            self.reports.reported
        );
        for witness in &self.witnesses {
            say!("  见证 / witness {}: {} {}", witness.name, witness.zh, witness.en);
        }
        if self.plans.not_shown > 0 {
            say!(
                "  封存七日后仍未公开的检查计划 / sealed plans not shown within 7 days: {}",
                self.plans.not_shown
            );
        }
        self.print_deadlines();
        self.print_violations();
        if self.ok {
            say!("一切相符 / all holds");
        }
    }

    fn print_deadlines(&self) {
        let Deadlines { running, missed, met_late, .. } = &self.deadlines;
        say!(
            "  公开期限 / public deadlines: {running} running, {} missed, {} met late",
            missed.len(),
            met_late.len()
        );
        for one in missed {
            let recorded =
                if one.recorded.is_some() { "已自记 recorded" } else { "未自记 not recorded" };
            say!(
                "逾期 / missed: {} {} ({} {}), due {}, {} days, position {}, {recorded}",
                one.stream,
                one.clock,
                one.zh,
                one.en,
                one.due,
                one.days_late,
                one.position
            );
        }
    }

    fn print_violations(&self) {
        for one in &self.violations {
            let position = one.position.map(|position| format!(" position {position}")).unwrap_or_default();
            let place =
                [&one.stream, &one.place].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
            say!(
                "违规 / violation [{}]{position} {place}\n  {}\n  {} {}",
                one.code,
                one.zh,
                one.en,
                one.detail
            );
            for note in &one.evidence {
                say!("    {}", note.trim_end().replace('\n', "\n    "));
            }
        }
        if self.more_violations > 0 {
            say!("另有 {} 处 / {} more violations", self.more_violations, self.more_violations);
        }
    }
}
