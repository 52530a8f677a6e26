//! What can be asked of a read model: filters, a page, and who asks.

use std::collections::{BTreeSet, btree_set};

use adit_core::enterprise::Risk;
use adit_core::hazard::{Origin, Status};
use adit_core::id::{ActorId, StreamId, StreamKind};
use adit_core::rules::accountability::Trigger;
use adit_core::rules::reward::Sector;
use adit_core::units::Day;
use serde::{Deserialize, Serialize};

use crate::compact::{DayNumber, Key, Table, Waiting};
use crate::conflicts::{Kept, NOTHING};
use crate::next::Next;
use crate::standing::waits;
use crate::{
    corroboration, deadlines, docket, five_in_place, notifications, register, relief, repeat_offenders,
    reward_budget, rewards, supervision, timeline,
};

/// Declares the filters and, from the same list, which of them are set.
macro_rules! filter {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// Which rows are wanted. Everything is optional; what is given must all hold.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Filter {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<$type>,)*
            /// Rows to leave out at the beginning.
            pub offset: usize,
            /// Rows to give at most; all where it is not said.
            pub limit: Option<usize>,
        }

        impl Filter {
            /// Names of the filters that are set.
            pub fn given(&self) -> Vec<&'static str> {
                [$(self.$name.is_some().then_some(stringify!($name)),)*].into_iter().flatten().collect()
            }
        }
    };
}

filter! {
    stream: StreamId,
    enterprise: StreamId,
    town: String,
    sector: Sector,
    origin: Origin,
    status: Status,
    criterion: String,
    grade: Grade,
    /// The day to mend it, or to claim it, has passed.
    overdue: bool,
    listed: bool,
    extension: supervision::Extension,
    /// A step of the ladder is called for that was not taken.
    called_for: bool,
    suspended: bool,
    /// What can be done with a hazard now.
    next: Next,
    /// First day: of finding (register), of the entry (timeline, rewards, relief), due day (deadlines).
    from: Day,
    /// Last day, included.
    to: Day,
    /// Kind of event, `hazard.rectified`.
    kind: String,
    /// Name of a clock.
    clock: String,
    standing: deadlines::Standing,
    /// A clock was met or dropped; a hazard is not open any more; an inquiry is concluded.
    ended: bool,
    in_place: bool,
    reward_status: adit_core::reward::Status,
    report_status: adit_core::report::Status,
    /// The reporter disputes the answer.
    disputed: bool,
    /// The reporter says that they are retaliated against.
    retaliation: bool,
    /// The reporter wrote last.
    unanswered: bool,
    /// What was reported holds, it was handled, and a reward for it can be assessed.
    unrewarded: bool,
    /// Year of payment.
    year: i32,
    rule: String,
    by: repeat_offenders::By,
    controller: String,
    parent: String,
    petition: bool,
    /// A petition was made, or the enterprise is closed.
    petitioned: bool,
    relief: relief::Decision,
    /// Relief was refused, and no penalty was decided on.
    to_penalise: bool,
    /// By what rows are put together.
    group: Group,
    /// An inspection, or an inquiry, had findings.
    found: bool,
    /// A plan that is sealed and can still be opened.
    openable: bool,
    /// Who sealed a plan.
    sealed_by: ActorId,
    /// Measures followed.
    enforced: bool,
    risk: Risk,
    /// A duty period ended without a self-inspection.
    missed: bool,
    /// An inspection is due by the grade of risk.
    inspection_due: bool,
    /// A major hazard is open.
    vetoed: bool,
    acknowledged: bool,
    trigger: Trigger,
    /// An inquiry was opened.
    inquired: bool,
    /// Words in the name of the enterprise, the place or the description.
    contains: String,
    /// In which order rows come; in that of the log where it is not said.
    order: Order,
}

/// In which order rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By the day on which what comes next is due, then by the log; those without such a day last.
    Due,
}

/// By what rows are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    Month,
    Year,
    Source,
    Sector,
    Town,
    Criterion,
    Enterprise,
}

/// Major (重大事故隐患) or general (一般事故隐患).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    General,
    Major,
}

/// Who asks. Decided from roles by the caller; what each may see is decided here, where rows leave the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// An officer who works on reports and on what is paid for them.
    Reports,
    /// An officer who receives and verifies reports: no row of a reward stream.
    Intake,
    /// An officer who does not: no row of a report or reward stream.
    Office,
    /// Finance: pays rewards without learning which case it is.
    Finance,
    /// An account of this enterprise: its own rows, and nothing that a report could have changed.
    Enterprise(StreamId),
}

/// Who asks, by roles and in person: an officer with a conflict of interest sees what the others do, without that report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    pub viewer: Viewer,
    /// None for whoever is no officer in person, such as the program itself.
    pub actor: Option<ActorId>,
}

impl From<Viewer> for Asker {
    fn from(viewer: Viewer) -> Self {
        Self { viewer, actor: None }
    }
}

impl Viewer {
    /// Whether rows of streams of this kind may be seen.
    pub(crate) fn sees(self, kind: StreamKind) -> bool {
        let case = matches!(kind, StreamKind::Report | StreamKind::Reward);
        // Inquiries have a table of their own: those who may be traced do not see them between other streams.
        // Who opened what is told to those who look into it, stream by stream, and stands in no table.
        // Internal reports are between a worker and the enterprise.
        if matches!(kind, StreamKind::Inquiry | StreamKind::Access | StreamKind::Concern) {
            return false;
        }
        match self {
            Self::Reports => true,
            Self::Intake => kind != StreamKind::Reward,
            Self::Office => !case,
            Self::Finance => kind == StreamKind::Reward,
            Self::Enterprise(_) => matches!(kind, StreamKind::Hazard | StreamKind::Enterprise),
        }
    }

    /// Whether the whole model is closed to this viewer.
    pub(crate) fn is_shut_out(self, model: &str) -> bool {
        match self {
            Self::Reports => false,
            Self::Intake => model == rewards::NAME,
            Self::Office => [rewards::NAME, corroboration::NAME, docket::NAME].contains(&model),
            Self::Enterprise(_) => !OWN.contains(&model),
            Self::Finance => !MONEY.contains(&model),
        }
    }
}

/// What finance sees.
const MONEY: [&str; 2] = [rewards::NAME, reward_budget::NAME];
/// What an enterprise sees of itself.
const OWN: [&str; 6] =
    [register::NAME, five_in_place::NAME, relief::NAME, timeline::NAME, deadlines::NAME, notifications::NAME];

/// A question to one read model.
pub(crate) struct Ask<'a> {
    pub(crate) filter: &'a Filter,
    pub(crate) viewer: Viewer,
    pub(crate) today: Day,
    /// The streams that the filter and the asker leave; none where all are left that the viewer sees.
    pub(crate) streams: Option<Vec<StreamId>>,
    /// What is kept from the asker in person.
    pub(crate) kept: &'a Kept,
}

/// Numbers of rows.
pub(crate) enum Rows<'a> {
    All(std::ops::Range<u32>),
    /// All but these.
    But(std::ops::Range<u32>, BTreeSet<u32>),
    /// Those that wait, but these.
    Waiting(btree_set::Iter<'a, u32>, BTreeSet<u32>),
    These(std::vec::IntoIter<u32>),
}

impl Iterator for Rows<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match self {
            Self::All(range) => range.next(),
            Self::But(range, kept) => range.find(|row| !kept.contains(row)),
            Self::Waiting(rows, kept) => rows.find(|row| !kept.contains(row)).copied(),
            Self::These(rows) => rows.next(),
        }
    }
}

impl Rows<'_> {
    /// How many there are before the first is taken.
    fn many(&self) -> usize {
        match self {
            Self::All(range) => range.len(),
            Self::But(range, kept) => range.len() - kept.len(),
            Self::Waiting(rows, kept) => rows.len() - kept.len(),
            Self::These(rows) => rows.len(),
        }
    }
}

impl Ask<'_> {
    /// Everything that an officer sees, for the queries that take no filter.
    pub(crate) fn all(today: Day) -> Ask<'static> {
        static ALL: std::sync::LazyLock<Filter> = std::sync::LazyLock::new(Filter::default);
        Ask { filter: &ALL, viewer: Viewer::Reports, today, streams: None, kept: &NOTHING }
    }

    /// The rows of a table over streams of one kind that may be wanted, in their order.
    pub(crate) fn rows<V>(&self, table: &Table<Key, V>, kind: StreamKind) -> Rows<'static> {
        self.rows_of(None, table, kind)
    }

    /// The same, where nothing is wanted but what is `waiting`: of others none is looked at.
    pub(crate) fn rows_of<'a, V>(
        &self,
        waiting: Option<&'a BTreeSet<u32>>,
        table: &Table<Key, V>,
        kind: StreamKind,
    ) -> Rows<'a> {
        let Some(streams) = &self.streams else {
            let kept = self.kept.streams.iter().filter(|stream| stream.kind == kind);
            let kept: BTreeSet<u32> = kept.filter_map(|stream| table.find(&Key::of(stream))).collect();
            return match waiting {
                _ if !self.viewer.sees(kind) => Rows::All(0..0),
                Some(waiting) => Rows::Waiting(waiting.iter(), &kept & waiting),
                None if kept.is_empty() => Rows::All(0..table.len()),
                None => Rows::But(0..table.len(), kept),
            };
        };
        let own = streams.iter().filter(|stream| {
            stream.kind == kind && self.viewer.sees(kind) && !self.kept.streams.contains(stream)
        });
        let mut rows: Vec<u32> = own.filter_map(|stream| table.find(&Key::of(stream))).collect();
        rows.sort_unstable();
        Rows::These(rows.into_iter())
    }

    /// The hazards of which nothing else is wanted, where these are kept apart. What is overdue, or waits for a later day, is assigned.
    pub(crate) fn waiting<'a>(&self, hazards: &'a Waiting<Status>) -> Option<&'a BTreeSet<u32>> {
        let asked = self.filter.extension == Some(supervision::Extension::Waiting);
        let is_assigned = asked || self.filter.overdue == Some(true);
        let status = self.filter.status.or(is_assigned.then_some(Status::Assigned));
        status.and_then(waits).map(|status| hazards.rows(&status))
    }

    /// Whether whatever waits is wanted: nothing else is asked than these filters, which name it.
    pub(crate) fn wants_all(&self, filters: &[&str]) -> bool {
        self.streams.is_none() && self.filter.given() == filters
    }

    /// The page of rows that are all wanted: they are counted and not looked at.
    pub(crate) fn page_of_all<R>(&self, rows: Rows<'_>, write: impl Fn(u32) -> R) -> Page<R> {
        let (offset, limit) = (self.filter.offset, self.filter.limit.unwrap_or(usize::MAX));
        Page { total: rows.many(), offset, rows: rows.skip(offset).take(limit).map(write).collect() }
    }

    /// Whether `day` lies between `from` and `to`.
    pub(crate) fn spans(&self, day: impl Into<Day>) -> bool {
        let day = day.into();
        self.filter.from.is_none_or(|from| from <= day) && self.filter.to.is_none_or(|to| day <= to)
    }

    /// The page that was asked for of `rows`, each written only when it is on the page.
    pub(crate) fn page<T, R>(&self, rows: impl Iterator<Item = T>, write: impl Fn(T) -> R) -> Page<R> {
        let (offset, limit) = (self.filter.offset, self.filter.limit.unwrap_or(usize::MAX));
        let mut page = Page { total: 0, offset, rows: Vec::new() };
        for row in rows {
            if page.total >= offset && page.rows.len() < limit {
                page.rows.push(write(row));
            }
            page.total += 1;
        }
        page
    }

    /// The same, by the day on which what comes next of each row is due, where that order was asked for.
    pub(crate) fn page_by<T, R>(
        &self,
        rows: impl Iterator<Item = T>,
        due: impl Fn(&T) -> Option<DayNumber>,
        write: impl Fn(T) -> R,
    ) -> Page<R> {
        if self.filter.order.is_none() {
            return self.page(rows, write);
        }
        let (offset, limit) = (self.filter.offset, self.filter.limit.unwrap_or(usize::MAX));
        let place = |row: &T, at: u32| (due(row).is_none(), due(row), at);
        let mut rows: Vec<_> = rows.zip(0..).map(|(row, at)| (place(&row, at), row)).collect();
        let (total, end) = (rows.len(), offset.saturating_add(limit));
        // Of many, those that are not on the page need no order.
        if end < total {
            rows.select_nth_unstable_by_key(end, |(place, _)| *place);
            rows.truncate(end);
        }
        rows.sort_unstable_by_key(|(place, _)| *place);
        let rows = rows.into_iter().skip(offset).map(|(_, row)| write(row)).collect();
        Page { total, offset, rows }
    }
}

/// Some rows of those that there are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page<R> {
    /// Rows that the filter leaves, on this page or not.
    pub total: usize,
    pub offset: usize,
    pub rows: Vec<R>,
}

impl<R> Page<Option<R>> {
    /// Without the rows that are not there.
    pub(crate) fn flatten(self) -> Page<R> {
        Page { total: self.total, offset: self.offset, rows: self.rows.into_iter().flatten().collect() }
    }
}

/// Whether a filter leaves `found`.
pub(crate) fn is<T: PartialEq>(wanted: Option<&T>, found: &T) -> bool {
    wanted.is_none_or(|wanted| wanted == found)
}
