//! Statistics: stock and flow of hazards, penalties, inspections, reports and rewards, by month, year, source, sector, town,
//! criterion item or enterprise (plan, mines, 四.(六): monthly, and yearly by 5 December). What each column means stands in
//! [`DEFINITIONS`].
//!
//! Kept as a list of moves for each enterprise, each with what it is grouped by, so that any period of any enterprises can be
//! asked, one enterprise after the other, so that the sums stay close at hand; and as sums by day of what is asked of the whole
//! and of groups that are few.

use std::cmp::Reverse;

use adit_core::enterprise::EnterpriseEvent;
use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Origin, Status};
use adit_core::id::StreamKind;
use adit_core::inspection::InspectionEvent;
use adit_core::report::{Finding, ReportEvent};
use adit_core::reward::RewardEvent;
use adit_core::units::{Day, Fen};
use serde::{Deserialize, Serialize};

use crate::Projection;
use crate::ask::{Ask, Group, Page, Viewer};
use crate::compact::{DayNumber, Key, NONE, Table, Words};
use crate::roll::Roll;
use crate::standing::status_after;

mod daily;
mod figures;

use daily::Daily;
use figures::Sum;
pub use figures::{DEFINITIONS, Row};

/// What the table is called.
pub const NAME: &str = "statistics";

/// Filters that this table takes.
pub(crate) const TAKES: &[&str] = &["group", "town", "sector", "enterprise", "from", "to"];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    roll: Roll,
    criteria: Words,
    hazards: Table<Key, Hazard>,
    visits: Table<Key, (u32, bool)>,
    /// First day on which anything was counted.
    first: Option<DayNumber>,
    /// By enterprise.
    moves: Vec<Vec<Move>>,
    /// What counts as more than one.
    amounts: Vec<Amount>,
    sectors: Words,
    towns: Words,
    /// By enterprise.
    places: Vec<Grouped>,
    sums: Sums,
    reports: Table<Key, Report>,
    /// Day and fen of each payment of a reward.
    paid: Vec<(DayNumber, i64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Hazard {
    firm: u32,
    criterion: u32,
    origin: Origin,
    status: Status,
    /// A miss of its day of rectification is on record and it is not mended yet.
    late: bool,
}

/// One thing that is counted once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Move {
    day: DayNumber,
    /// Criterion item and number of the source of a hazard; none for what is no hazard.
    criterion: u32,
    origin: u8,
    what: What,
}

/// How many of it there are, or how many fen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Amount {
    firm: u32,
    one: Move,
    many: i64,
}

/// The groups of an enterprise, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Grouped {
    sector: u32,
    town: u32,
}

/// Number of no source.
const NO_ORIGIN: u8 = u8::MAX;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    Reported,
    VerifiedMajor,
    VerifiedGeneral,
    Dismissed,
    MergedMajor,
    MergedGeneral,
    ClosedMajor,
    ClosedGeneral,
    ReopenedMajor,
    ReopenedGeneral,
    Missed,
    Late,
    InTimeAgain,
    Listed,
    Delisted,
    UnitPenalty,
    UnitFen,
    PersonPenalty,
    PersonFen,
    Relieved,
    ReliefRefused,
    Inspected,
    InspectedWithFindings,
    Enforced,
    SelfInspected,
    Accident,
    Deaths,
}

impl What {
    /// How many there are.
    pub(crate) const MANY: usize = Self::Deaths as usize + 1;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Report {
    received: DayNumber,
    accepted: Option<DayNumber>,
    declined: Option<DayNumber>,
    transferred: Option<DayNumber>,
    substantiated: Option<DayNumber>,
    handled: Option<DayNumber>,
}

/// Sums of the groups that are few, by day. Enterprises are many and go through all moves, as does what is asked of some of
/// them alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    whole: Daily,
    sources: Daily,
    sectors: Daily,
    towns: Daily,
    criteria: Daily,
}

impl Statistics {
    /// By month, up to `today`.
    pub fn rows(&self, today: Day) -> Vec<Row> {
        self.query(&Ask::all(today)).rows
    }

    pub(crate) fn query(&self, ask: &Ask<'_>) -> Page<Row> {
        let filter = ask.filter;
        let by = filter.group.unwrap_or(Group::Month);
        let first = self.first.into_iter();
        let first = first.chain(self.reports.iter().next().map(|(_, report)| report.received)).min();
        let from = filter.from.or(first.map(Day::from)).unwrap_or(ask.today);
        let to = filter.to.map_or(ask.today, |to| to.min(ask.today));
        match by {
            Group::Month | Group::Year => ask.page(self.by_time(ask, by, from, to).into_iter(), |row| row),
            Group::Source | Group::Sector | Group::Town | Group::Criterion | Group::Enterprise => {
                self.by_group(ask, by, from, to)
            }
        }
    }

    /// Which enterprises are asked for; none where all are.
    fn firms(&self, ask: &Ask<'_>) -> Option<Vec<bool>> {
        let filter = ask.filter;
        let mut asked = self.roll.asked(filter.town.as_deref(), filter.sector, None);
        if let Some(enterprise) = &filter.enterprise {
            let only = self.roll.find(enterprise);
            let mut firms = vec![false; self.roll.len()];
            if let Some(firm) = only {
                firms[firm as usize] = asked.is_none_or(|asked| asked[firm as usize]);
            }
            asked = Some(firms);
        }
        asked
    }

    /// What is counted of the enterprises that are asked for, up to a day.
    fn each(&self, ask: &Ask<'_>, to: DayNumber, mut count: impl FnMut(u32, &Move, i64)) {
        let firms = self.firms(ask);
        let asked = |firm: u32| firms.as_ref().is_none_or(|firms| firms[firm as usize]);
        for (moves, firm) in self.moves.iter().zip(0..).filter(|(_, firm)| asked(*firm)) {
            for one in moves.iter().filter(|one| one.day <= to) {
                count(firm, one, 1);
            }
        }
        for amount in self.amounts.iter().filter(|amount| amount.one.day <= to && asked(amount.firm)) {
            count(amount.firm, &amount.one, amount.many);
        }
    }

    fn by_time(&self, ask: &Ask<'_>, by: Group, from: Day, to: Day) -> Vec<Row> {
        let months = if by == Group::Month { 1 } else { 12 };
        let number = |day: Day| (day.year() * 12 + day.month0()).div_euclid(months);
        let (first, last) = (number(from), number(to));
        let many = usize::try_from(last - first + 1).unwrap_or(0);
        let mut sums = vec![Sum::default(); many];
        let mut before = Sum::default();
        let (begin, end) = (DayNumber::from(from), DayNumber::from(to));
        let period = |day: DayNumber| usize::try_from(number(day.into()) - first).unwrap_or(usize::MAX);
        let periods: Vec<usize> = begin.up_to(end).map(period).collect();
        let mut add = |day: DayNumber, what: What, many: i64| {
            let sum = match periods.get(day.days_after(begin)) {
                Some(period) => sums.get_mut(*period),
                None => Some(&mut before),
            };
            if let Some(sum) = sum {
                sum.add(what, many);
            }
        };
        if is_whole(ask) {
            self.sums.whole.until(end).for_each(|(_, one)| add(one.day, one.what, one.many));
        } else {
            self.each(ask, end, |_, one, many| add(one.day, one.what, many));
        }
        let mut rows = Vec::with_capacity(many);
        for (period, sum) in (first..).zip(&sums) {
            let (begin, end) = span(period, months);
            let (begin, end) = (begin.max(from), end.min(to));
            let name = if months == 1 { begin.to_string()[..7].to_owned() } else { begin.year().to_string() };
            rows.push(Row::of(name, begin, end, &before, sum));
            before.merge(sum);
        }
        if is_whole(ask) {
            self.reports(ask, &mut rows);
        }
        rows
    }

    fn by_group(&self, ask: &Ask<'_>, by: Group, from: Day, to: Day) -> Page<Row> {
        let names = self.names(by);
        let (mut before, mut within) = (vec![Sum::default(); names.len()], vec![Sum::default(); names.len()]);
        let (begin, end) = (DayNumber::from(from), DayNumber::from(to));
        let mut add = |group: u32, day: DayNumber, what: What, many: i64| {
            let sums = if day < begin { &mut before } else { &mut within };
            if let Some(sum) = sums.get_mut(group as usize) {
                sum.add(what, many);
            }
        };
        match self.daily(by).filter(|_| is_whole(ask)) {
            Some(daily) => daily.until(end).for_each(|(group, one)| add(group, one.day, one.what, one.many)),
            None => self.each(ask, end, |firm, one, many| {
                add(self.group(by, firm, one), one.day, one.what, many);
            }),
        }
        let all = before.iter().zip(&within).zip(&names);
        let mut groups: Vec<_> = all
            .map(|((before, within), name)| (before, within, name))
            .filter(|(before, within, _)| !before.is_nothing() || !within.is_nothing())
            .collect();
        // The largest stock first.
        groups.sort_by_cached_key(|(before, within, name)| {
            let stock = before.stock_major() + within.stock_major();
            (Reverse((stock, within.verified_major())), **name)
        });
        ask.page(groups.into_iter(), |(before, within, name)| {
            Row::of((*name).to_owned(), from, to, before, within)
        })
    }

    /// The sums of the groups, where they are kept by day.
    fn daily(&self, by: Group) -> Option<&Daily> {
        match by {
            Group::Source => Some(&self.sums.sources),
            Group::Criterion => Some(&self.sums.criteria),
            Group::Sector => Some(&self.sums.sectors),
            Group::Town => Some(&self.sums.towns),
            Group::Enterprise | Group::Month | Group::Year => None,
        }
    }

    /// The number of the group into which a move is put.
    fn group(&self, by: Group, firm: u32, one: &Move) -> u32 {
        let place = || self.places.get(firm as usize).copied().unwrap_or_default();
        match by {
            Group::Source => u32::from(one.origin),
            Group::Criterion => one.criterion,
            Group::Enterprise => firm,
            Group::Sector => place().sector,
            Group::Town | Group::Month | Group::Year => place().town,
        }
    }

    /// The names of groups, by number.
    fn names(&self, by: Group) -> Vec<&str> {
        match by {
            Group::Source => Origin::ALL.iter().map(|origin| origin.name()).collect(),
            Group::Criterion => self.criteria.iter().collect(),
            Group::Enterprise => (0..).take(self.roll.len()).map(|firm| self.roll.name(firm)).collect(),
            Group::Sector => self.sectors.iter().collect(),
            Group::Town | Group::Month | Group::Year => self.towns.iter().collect(),
        }
    }

    /// Reports that were received, accepted and handled, and rewards that were paid: leaders learn how many. The streams are for those
    /// alone who may see them; what is kept from somebody is counted, and not named. Rows follow each other without a gap.
    fn reports(&self, ask: &Ask<'_>, rows: &mut [Row]) {
        let (counts, pays) = match ask.viewer {
            Viewer::Reports | Viewer::Office => (true, true),
            Viewer::Intake => (true, false),
            Viewer::Finance | Viewer::Enterprise(_) => (false, false),
        };
        if !counts {
            return;
        }
        let spans: Vec<(DayNumber, DayNumber)> =
            rows.iter().map(|row| (row.from.into(), row.to.into())).collect();
        let row_of = |day: Option<DayNumber>| {
            let day = day?;
            let row = spans.partition_point(|(_, to)| *to < day);
            spans.get(row).is_some_and(|(from, _)| *from <= day).then_some(row)
        };
        let mut many = vec![[0_u32; 5]; rows.len()];
        let (mut accepted, mut paid) = (vec![0; rows.len()], vec![(0_u32, 0_i64); rows.len()]);
        let today = DayNumber::from(ask.today);
        for (key, report) in self.reports.iter() {
            let Report { received, accepted: begun, declined, transferred, substantiated, handled } = *report;
            let days = [Some(received), begun, declined, transferred, substantiated];
            for (what, day) in days.into_iter().enumerate() {
                if let Some(row) = row_of(day) {
                    many[row][what] += 1;
                }
            }
            let Some(row) = row_of(begun) else { continue };
            accepted[row] += 1;
            let stream = key.stream(StreamKind::Report);
            let done = handled.is_some_and(|day| day <= today);
            let named = if done { &mut rows[row].handled } else { &mut rows[row].not_handled };
            named.push(stream);
        }
        for (day, fen) in &self.paid {
            if let Some(row) = row_of(Some(*day)) {
                let (times, sum) = &mut paid[row];
                (*times, *sum) = (*times + 1, sum.saturating_add(*fen));
            }
        }
        for (at, row) in rows.iter_mut().enumerate() {
            let [received, begun, declined, transferred, substantiated] = many[at].map(Some);
            row.reports_received = received;
            row.reports_accepted = begun;
            row.reports_declined = declined;
            row.reports_transferred = transferred;
            row.reports_substantiated = substantiated;
            row.handled_of_accepted = Some(u32::try_from(row.handled.len()).unwrap_or(u32::MAX));
            row.handled_rate = figures::percent(row.handled.len(), accepted[at]);
            for streams in [&mut row.handled, &mut row.not_handled] {
                streams.retain(|stream| ask.viewer.sees(stream.kind) && !ask.kept.streams.contains(stream));
            }
            if pays {
                row.rewards_paid = Some(paid[at].0);
                row.rewards_paid_yuan = Some(Fen(paid[at].1));
            }
        }
    }

    /// Counts what is no hazard.
    fn push(&mut self, day: Day, firm: u32, what: What, many: i64) {
        self.count(firm, Move { day: day.into(), criterion: NONE, origin: NO_ORIGIN, what }, many);
    }

    fn count(&mut self, firm: u32, one: Move, many: i64) {
        self.first = Some(self.first.map_or(one.day, |first| first.min(one.day)));
        let Grouped { sector, town } = self.grouped(firm);
        let Move { day, criterion, origin, what } = one;
        self.sums.whole.add(0, day, what, many);
        self.sums.sectors.add(sector, day, what, many);
        self.sums.towns.add(town, day, what, many);
        if origin != NO_ORIGIN {
            self.sums.sources.add(origin.into(), day, what, many);
        }
        if criterion != NONE {
            self.sums.criteria.add(criterion, day, what, many);
        }
        if many != 1 {
            self.amounts.push(Amount { firm, one, many });
            return;
        }
        let at = firm as usize;
        if self.moves.len() <= at {
            self.moves.resize(at + 1, Vec::new());
        }
        self.moves[at].push(one);
    }

    /// The groups of an enterprise. It is registered before anything is counted of it.
    fn grouped(&mut self, firm: u32) -> Grouped {
        let at = firm as usize;
        while self.places.len() <= at {
            let next = u32::try_from(self.places.len()).unwrap_or(NONE);
            let sector = self.roll.sector(next).map_or("", adit_core::rules::reward::Sector::name);
            let (sector, town) = (self.sectors.number(sector), self.towns.number(self.roll.town(next)));
            self.places.push(Grouped { sector, town });
        }
        self.places[at]
    }

    fn hazard(&mut self, fact: &Fact, event: &HazardEvent) {
        let key = Key::of(&fact.stream);
        if let HazardEvent::Reported(report) = event {
            let firm = self.roll.number(&report.enterprise);
            let (origin, status) = (report.origin, Status::Reported);
            self.hazards.put(key, Hazard { firm, criterion: NONE, origin, status, late: false });
        }
        let Some(hazard) = self.hazards.get_mut(&key) else { return };
        if let HazardEvent::Verified(verified) = event {
            hazard.criterion = verified.criterion.as_ref().map_or(NONE, |code| self.criteria.number(code));
        }
        let (before, late) = (hazard.status, hazard.late);
        hazard.status = status_after(before, event);
        hazard.late = is_late(late, hazard.status, event);
        let hazard = *hazard;
        let major = hazard.criterion != NONE;
        let origin = Origin::ALL.iter().zip(0..).find(|(known, _)| **known == hazard.origin);
        let origin = origin.map_or(NO_ORIGIN, |(_, number)| number);
        let of = |if_major, if_general| if major { if_major } else { if_general };
        let mut add = |what: What, many: i64| {
            let (day, criterion) = (fact.day.into(), hazard.criterion);
            self.count(hazard.firm, Move { day, criterion, origin, what }, many);
        };
        match (late, hazard.late) {
            (false, true) => add(What::Late, 1),
            (true, false) => add(What::InTimeAgain, 1),
            (true, true) | (false, false) => {}
        }
        match event {
            HazardEvent::Reported(_) => add(What::Reported, 1),
            HazardEvent::Verified(_) => add(of(What::VerifiedMajor, What::VerifiedGeneral), 1),
            HazardEvent::Dismissed(_) => add(What::Dismissed, 1),
            // What was never verified was never in the stock.
            HazardEvent::Merged(_) if before == Status::Verified => {
                add(of(What::MergedMajor, What::MergedGeneral), 1);
            }
            HazardEvent::Closed(_) => add(of(What::ClosedMajor, What::ClosedGeneral), 1),
            HazardEvent::Reopened(_) => add(of(What::ReopenedMajor, What::ReopenedGeneral), 1),
            HazardEvent::Overdue(_) => add(What::Missed, 1),
            HazardEvent::Listed(_) => add(What::Listed, 1),
            HazardEvent::Delisted(_) => add(What::Delisted, 1),
            HazardEvent::Relieved(_) => add(What::Relieved, 1),
            HazardEvent::ReliefRefused(_) => add(What::ReliefRefused, 1),
            HazardEvent::Penalised(penalised) => {
                let penalise = &penalised.penalise;
                if penalise.unit_fine_yuan > Fen::ZERO {
                    add(What::UnitPenalty, 1);
                    add(What::UnitFen, penalise.unit_fine_yuan.0);
                }
                for fine in &penalise.person_fines_yuan {
                    add(What::PersonPenalty, 1);
                    add(What::PersonFen, fine.0);
                }
            }
            HazardEvent::Served(_)
            | HazardEvent::Acknowledged(_)
            | HazardEvent::Assigned(_)
            | HazardEvent::Planned(_)
            | HazardEvent::Committed(_)
            | HazardEvent::Evidenced(_)
            | HazardEvent::Confirmed(_)
            | HazardEvent::Rectified(_)
            | HazardEvent::Reviewed(_)
            | HazardEvent::Extended(_)
            | HazardEvent::ExtensionRequested(_)
            | HazardEvent::ExtensionRefused(_)
            | HazardEvent::ProductionSuspended(_)
            | HazardEvent::ProductionResumed(_)
            | HazardEvent::Escalated(_)
            | HazardEvent::Published(_)
            | HazardEvent::Merged(_) => {}
        }
    }

    fn inspection(&mut self, fact: &Fact, event: &InspectionEvent) {
        let key = Key::of(&fact.stream);
        match event {
            InspectionEvent::Performed(perform) => {
                let firm = self.roll.number(&perform.enterprise);
                self.visits.put(key, (firm, false));
                self.push(fact.day, firm, What::Inspected, 1);
            }
            InspectionEvent::FindingRecorded(_) => {
                let Some((firm, found)) = self.visits.get_mut(&key) else { return };
                let (firm, before) = (*firm, std::mem::replace(found, true));
                if !before {
                    self.push(fact.day, firm, What::InspectedWithFindings, 1);
                }
            }
            InspectionEvent::EnforcementTaken(_) => {
                if let Some((firm, _)) = self.visits.get(&key).copied() {
                    self.push(fact.day, firm, What::Enforced, 1);
                }
            }
            InspectionEvent::Sealed(_)
            | InspectionEvent::Opened(_)
            | InspectionEvent::Lapsed(_)
            | InspectionEvent::NothingFound(_) => {}
        }
    }

    fn enterprise(&mut self, fact: &Fact, event: &EnterpriseEvent) {
        self.roll.apply(fact, event);
        let firm = self.roll.number(&fact.stream);
        if let EnterpriseEvent::AccidentRecorded(recorded) = event {
            self.push(fact.day, firm, What::Accident, 1);
            self.push(fact.day, firm, What::Deaths, i64::from(recorded.accident.deaths));
        }
        if matches!(event, EnterpriseEvent::SelfInspectionLogged(_)) {
            self.push(fact.day, firm, What::SelfInspected, 1);
        }
    }

    fn report(&mut self, fact: &Fact, event: &ReportEvent) {
        let (key, day) = (Key::of(&fact.stream), DayNumber::from(fact.day));
        if matches!(event, ReportEvent::Reported(_)) {
            let report = Report {
                received: day,
                accepted: None,
                declined: None,
                transferred: None,
                substantiated: None,
                handled: None,
            };
            self.reports.put(key, report);
        }
        let Some(report) = self.reports.get_mut(&key) else { return };
        match event {
            ReportEvent::Accepted(_) => report.accepted = Some(day),
            ReportEvent::Declined(_) => report.declined = Some(day),
            ReportEvent::Transferred(_) => report.transferred = Some(day),
            ReportEvent::Verified(verified) => {
                let so = verified.verify.finding != Finding::NotSubstantiated;
                report.substantiated = so.then_some(day);
            }
            ReportEvent::Handled(_) => report.handled = Some(day),
            // Open again: it is not handled any more.
            ReportEvent::Reopened(_) => report.handled = None,
            ReportEvent::Reported(_)
            | ReportEvent::Answered(_)
            | ReportEvent::Extended(_)
            | ReportEvent::Satisfied(_)
            | ReportEvent::Disputed(_)
            | ReportEvent::Closed(_)
            | ReportEvent::Shared(_)
            | ReportEvent::MessageSent(_)
            | ReportEvent::EvidenceAdded(_)
            | ReportEvent::Linked(_)
            | ReportEvent::Corroborated(_)
            | ReportEvent::Separated(_)
            | ReportEvent::Invited(_)
            | ReportEvent::InvitationWithdrawn(_)
            | ReportEvent::Joined(_)
            | ReportEvent::KeyRotated(_)
            | ReportEvent::PickedUp(_)
            | ReportEvent::Locked(_)
            | ReportEvent::RetaliationAlleged(_)
            | ReportEvent::Overdue(_) => {}
        }
    }
}

/// Reports stand for the whole bureau: they name no enterprise, so that no filter tells whom one is about.
fn is_whole(ask: &Ask<'_>) -> bool {
    ask.filter.town.is_none() && ask.filter.sector.is_none() && ask.filter.enterprise.is_none()
}

/// Whether a recorded miss of the day of rectification still stands after `event`.
fn is_late(before: bool, status: Status, event: &HazardEvent) -> bool {
    if let HazardEvent::Overdue(overdue) = event {
        return before || overdue.clock == "rectify";
    }
    before && status == Status::Assigned && !matches!(event, HazardEvent::Extended(_))
}

/// First and last day of a month or a year, by its number since year 0.
fn span(period: i32, months: i32) -> (Day, Day) {
    let begin = |month: i32| {
        let month0 = u32::try_from(month.rem_euclid(12)).unwrap_or(0);
        Day::new(month.div_euclid(12), month0 + 1, 1).unwrap_or_default()
    };
    (begin(period * months), begin((period + 1) * months).plus_days(-1))
}

impl Projection for Statistics {
    const NAME: &'static str = NAME;

    fn apply(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Hazard(event) => self.hazard(fact, event),
            Event::Enterprise(event) => self.enterprise(fact, event),
            Event::Inspection(event) => self.inspection(fact, event),
            Event::Report(event) => self.report(fact, event),
            Event::Reward(RewardEvent::Paid(pay)) => {
                self.paid.push((fact.day.into(), pay.amount_yuan.0));
            }
            Event::Reward(_)
            | Event::Actor(_)
            | Event::Rules(_)
            | Event::Ledger(_)
            | Event::Concern(_)
            | Event::Inquiry(_)
            | Event::Access(_) => {}
        }
    }
}
