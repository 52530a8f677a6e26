//! The published table of order: which public kind may follow what in each kind of stream, and which public lines it may
//! carry. A monitor reads the same file, so a step that was left out, or taken before its time, is found from outside.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::id::StreamKind;
use crate::ledger::entry::Line;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    _title: String,
    stream: Vec<WrittenStream>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStream {
    kind: String,
    statuses: Vec<String>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
    step: Vec<WrittenStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStep {
    kind: String,
    from: Vec<String>,
    to: Option<Vec<String>>,
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    sets: Vec<String>,
    #[serde(default)]
    clears: Vec<String>,
    when: Option<String>,
    unless: Option<String>,
    #[serde(default)]
    lines: Vec<String>,
    #[serde(default)]
    ends: Vec<String>,
}

/// Where a stream may stand: one bit for each status that is possible, and one for each flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub statuses: u16,
    pub flags: u16,
}

impl Default for Standing {
    /// The first status of every stream: it has no entry yet.
    fn default() -> Self {
        Self { statuses: 1, flags: 0 }
    }
}

/// One way in which an entry of a kind is lawful.
#[derive(Clone, Debug)]
struct Step {
    from: u16,
    /// `None` where the status stays.
    to: Option<u16>,
    with: u16,
    without: u16,
    sets: u16,
    clears: u16,
    when: Option<String>,
    unless: Option<String>,
}

/// What the table says of one public kind.
#[derive(Clone, Debug, Default)]
pub struct KindOrder {
    steps: Vec<Step>,
    lines: Vec<String>,
    ends: Vec<String>,
}

/// The kinds of one kind of stream.
#[derive(Clone, Debug, Default)]
pub struct StreamOrder {
    statuses: Vec<String>,
    kinds: BTreeMap<String, KindOrder>,
}

/// The whole table.
pub type Table = BTreeMap<StreamKind, StreamOrder>;

static TABLE: LazyLock<Table> = LazyLock::new(|| parse(include_str!("../../rules/order.toml")));

/// The table that ships; a test checks that it is read whole.
pub fn table() -> &'static Table {
    &TABLE
}

fn parse(text: &str) -> Table {
    let Ok(written) = toml::from_str::<Written>(text) else {
        return Table::new();
    };
    written.stream.into_iter().filter_map(stream).collect()
}

fn stream(written: WrittenStream) -> Option<(StreamKind, StreamOrder)> {
    let kind = StreamKind::ALL.into_iter().find(|kind| kind.name() == written.kind)?;
    let mut order = StreamOrder { statuses: written.statuses, kinds: BTreeMap::new() };
    if order.statuses.len() > 16 || written.flags.len() > 16 {
        return None;
    }
    let statuses = |names: &[String]| -> Option<u16> {
        let expanded = names.iter().flat_map(|name| match written.groups.get(name) {
            Some(group) => group.as_slice(),
            None => std::slice::from_ref(name),
        });
        bits(&order.statuses, expanded)
    };
    let mut kinds: BTreeMap<String, KindOrder> = BTreeMap::new();
    for step in written.step {
        let flags = |names: &[String]| bits(&written.flags, names);
        let one = Step {
            from: statuses(&step.from)?,
            to: match &step.to {
                Some(names) => Some(statuses(names)?),
                None => None,
            },
            with: flags(&step.with)?,
            without: flags(&step.without)?,
            sets: flags(&step.sets)?,
            clears: flags(&step.clears)?,
            when: step.when,
            unless: step.unless,
        };
        let kind = kinds.entry(step.kind).or_default();
        kind.steps.push(one);
        kind.lines.extend(step.lines);
        kind.ends.extend(step.ends);
    }
    order.kinds = kinds;
    Some((kind, order))
}

/// One bit for each name, by its place in `all`.
fn bits<'a>(all: &[String], names: impl IntoIterator<Item = &'a String>) -> Option<u16> {
    let bit = |name: &String| Some(1_u16 << all.iter().position(|one| one == name)?);
    names.into_iter().try_fold(0, |bits, name| Some(bits | bit(name)?))
}

/// What the table says of a kind; `None` for a kind that it does not know.
pub fn of(stream: StreamKind, kind: &str) -> Option<&'static KindOrder> {
    table().get(&stream)?.kinds.get(kind)
}

/// The bit of a status, 0 for a status that the kind of stream does not have.
pub fn status(stream: StreamKind, name: &str) -> u16 {
    let place = table().get(&stream).and_then(|order| order.statuses.iter().position(|one| one == name));
    place.map_or(0, |place| 1 << place)
}

/// `clock rectify`, `key`: a line without what is particular to the entry.
fn carries(lines: &[Line], wanted: &str) -> bool {
    lines.iter().any(|line| is(line, wanted))
}

fn is(line: &Line, wanted: &str) -> bool {
    let (word, name) = match line {
        Line::Key(_) => ("key", None),
        Line::Recipient { .. } => ("recipient", None),
        Line::Grant { .. } => ("grant", None),
        Line::Revoke { .. } => ("revoke", None),
        Line::End { .. } => ("end", None),
        Line::Clock { name, .. } => ("clock", Some(name.as_str())),
        Line::Extend { name, .. } => ("extend", Some(name.as_str())),
        Line::Stop { name } => ("stop", Some(name.as_str())),
    };
    match wanted.split_once(' ') {
        Some((wanted, clock)) => wanted == word && name == Some(clock),
        None => wanted == word && name.is_none(),
    }
}

impl KindOrder {
    /// Where the stream may stand after an entry of this kind; `None` where the entry is out of order.
    pub fn step(&self, before: Standing, lines: &[Line]) -> Option<Standing> {
        let lawful = |step: &&Step| {
            before.statuses & step.from != 0
                && before.flags & step.with == step.with
                && before.flags & step.without == 0
                && step.when.as_ref().is_none_or(|wanted| carries(lines, wanted))
                && step.unless.as_ref().is_none_or(|wanted| !carries(lines, wanted))
        };
        let mut taken = self.steps.iter().filter(lawful).peekable();
        taken.peek()?;
        let mut after = Standing { statuses: 0, flags: before.flags };
        for step in taken {
            after.statuses |= step.to.unwrap_or(before.statuses & step.from);
            after.flags = (after.flags | step.sets) & !step.clears;
        }
        Some(after)
    }

    /// Where a stream may stand after an entry of this kind that was out of order: what came before is not asked for, so
    /// that one fault is told once.
    pub fn taken_anyway(&self, before: Standing) -> Standing {
        let mut after = Standing { statuses: 0, flags: before.flags };
        for step in &self.steps {
            after.statuses |= step.to.unwrap_or(step.from);
            after.flags = (after.flags | step.sets) & !step.clears;
        }
        after
    }

    /// The first line that an entry of this kind does not carry. One-time keys with their grants are asked about elsewhere.
    pub fn foreign_line<'a>(&self, lines: &'a [Line]) -> Option<&'a Line> {
        lines.iter().find(|line| !self.lines.iter().any(|allowed| is(line, allowed)))
    }

    /// Clocks that an entry of this kind ends without a `stop` line.
    pub fn ends(&self) -> &[String] {
        &self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::entries;

    #[test]
    fn the_table_is_read_whole_and_knows_the_kinds_of_the_table_of_entries() {
        assert_eq!(table().len(), StreamKind::ALL.len());
        for kind in entries::table().keys() {
            let stream = kind.split('.').next().unwrap_or_default();
            let stream = StreamKind::ALL.into_iter().find(|one| one.name() == stream);
            assert!(stream.is_some_and(|stream| of(stream, kind).is_some()), "{kind}: add it to order.toml");
        }
        let ordered: usize = table().values().map(|order| order.kinds.len()).sum();
        assert_eq!(ordered, entries::table().len());
    }

    #[test]
    fn every_line_that_a_kind_must_carry_it_may_carry() {
        for (kind, rule) in entries::table() {
            let stream = kind.split('.').next().unwrap_or_default();
            let stream =
                StreamKind::ALL.into_iter().find(|one| one.name() == stream).unwrap_or(StreamKind::Hazard);
            let clocks = rule.clocks.iter().map(|name| format!("clock {name}"));
            let stops = rule.stops.iter().map(|name| format!("stop {name}"));
            for line in clocks.chain(stops) {
                assert!(of(stream, kind).is_some_and(|order| order.lines.contains(&line)), "{kind}: {line}");
            }
        }
    }

    #[test]
    fn a_step_before_its_time_is_out_of_order() {
        let order = |kind| of(StreamKind::Report, kind);
        let start = Standing::default();
        let handled = order("report.handled").map(|order| order.step(start, &[]));
        assert_eq!(handled, Some(None));
        let reported = order("report.reported").and_then(|order| order.step(start, &[]));
        assert_eq!(reported.map(|after| after.statuses), Some(status(StreamKind::Report, "reported")));
    }
}
