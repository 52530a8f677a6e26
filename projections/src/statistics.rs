//! Statistics: stock and flow of hazards, penalties, inspections, reports and rewards, by month, year, source, sector, town,
//! criterion item or enterprise (plan, mines, 四.(六): monthly, and yearly by 5 December). What each column means stands in
//! [`DEFINITIONS`].
//!
//! Kept as a list of moves for each enterprise, each with what it is grouped by, so that any period can be asked. What is
//! asked goes through all of them, one enterprise after the other, so that the sums stay close at hand.

use std::cmp::Reverse;

use adit_core::enterprise::EnterpriseEvent;
use adit_core::event::{Event, Fact};
use adit_core::hazard::{HazardEvent, Origin, Status};
use adit_core::id::{StreamId, StreamKind};
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

mod figures;

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

/// By what moves are put together, and the sum of each group.
struct Groups {
    by: Group,
    names: Vec<String>,
    sums: Vec<Sum>,
    /// The group of each enterprise, where groups go by enterprises.
    of_firm: Vec<u32>,
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
    fn each(&self, ask: &Ask<'_>, to: Day, mut count: impl FnMut(u32, &Move, i64)) {
        let (firms, to) = (self.firms(ask), DayNumber::from(to));
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
        let begin = DayNumber::from(from);
        let period = |day: DayNumber| usize::try_from(number(day.into()) - first).unwrap_or(usize::MAX);
        let periods: Vec<usize> = begin.up_to(to.into()).map(period).collect();
        self.each(ask, to, |_, one, many| {
            let sum = match periods.get(one.day.days_after(begin)) {
                Some(period) => sums.get_mut(*period),
                None => Some(&mut before),
            };
            if let Some(sum) = sum {
                sum.add(one.what, many);
            }
        });
        let mut rows = Vec::with_capacity(many);
        for (period, sum) in (first..).zip(&sums) {
            let (begin, end) = span(period, months);
            let (begin, end) = (begin.max(from), end.min(to));
            let name = if months == 1 { begin.to_string()[..7].to_owned() } else { begin.year().to_string() };
            let mut row = Row::of(name, begin, end, &before, sum);
            if filter_is_whole(ask) {
                self.reports(ask, &mut row);
            }
            rows.push(row);
            before.merge(sum);
        }
        rows
    }

    fn by_group(&self, ask: &Ask<'_>, by: Group, from: Day, to: Day) -> Page<Row> {
        let mut before = self.groups(by);
        let mut within = self.groups(by);
        let begin = DayNumber::from(from);
        self.each(ask, to, |firm, one, many| {
            let groups = if one.day < begin { &mut before } else { &mut within };
            groups.add(firm, one, many);
        });
        let all = before.sums.iter().zip(&within.sums).zip(&within.names);
        let mut groups: Vec<_> = all
            .map(|((before, within), name)| (before, within, name))
            .filter(|(before, within, _)| !before.is_nothing() || !within.is_nothing())
            .collect();
        // The largest stock first.
        groups.sort_by_cached_key(|(before, within, name)| {
            let stock = before.stock_major() + within.stock_major();
            (Reverse((stock, within.verified_major())), *name)
        });
        ask.page(groups.into_iter(), |(before, within, name)| Row::of(name.clone(), from, to, before, within))
    }

    fn groups(&self, by: Group) -> Groups {
        let mut words = Words::default();
        let mut of_firm = Vec::new();
        let names: Vec<String> = match by {
            Group::Source => Origin::ALL.iter().map(|origin| origin.name().to_owned()).collect(),
            Group::Criterion => self.criteria.iter().map(str::to_owned).collect(),
            Group::Enterprise => {
                (0..).take(self.roll.len()).map(|firm| self.roll.name(firm).to_owned()).collect()
            }
            Group::Sector | Group::Town | Group::Month | Group::Year => {
                for firm in (0..).take(self.roll.len()) {
                    let sector = self.roll.sector(firm).map_or("", adit_core::rules::reward::Sector::name);
                    let group = if by == Group::Sector { sector } else { self.roll.town(firm) };
                    of_firm.push(words.number(group));
                }
                words.iter().map(str::to_owned).collect()
            }
        };
        let sums = vec![Sum::default(); names.len()];
        Groups { by, names, sums, of_firm }
    }

    /// Reports that were received, accepted and handled; the streams for those alone who may see them. What is kept from somebody
    /// is counted, and not named.
    fn reports(&self, ask: &Ask<'_>, row: &mut Row) {
        if !ask.viewer.sees(StreamKind::Report) {
            return;
        }
        let (from, to) = (DayNumber::from(row.from), DayNumber::from(row.to));
        let within = |day: Option<DayNumber>| day.is_some_and(|day| from <= day && day <= to);
        let count = |of: fn(&Report) -> Option<DayNumber>| {
            let many = self.reports.iter().filter(|(_, report)| within(of(report))).count();
            Some(u32::try_from(many).unwrap_or(u32::MAX))
        };
        row.reports_received = count(|report| Some(report.received));
        row.reports_accepted = count(|report| report.accepted);
        row.reports_declined = count(|report| report.declined);
        row.reports_transferred = count(|report| report.transferred);
        row.reports_substantiated = count(|report| report.substantiated);
        let today = DayNumber::from(ask.today);
        let accepted: Vec<(StreamId, bool)> = self
            .reports
            .iter()
            .filter(|(_, report)| within(report.accepted))
            .map(|(key, report)| {
                let done = report.handled.is_some_and(|day| day <= today);
                (key.stream(StreamKind::Report), done)
            })
            .collect();
        let handled: Vec<StreamId> =
            accepted.iter().filter(|(_, done)| *done).map(|(stream, _)| *stream).collect();
        row.handled_of_accepted = Some(u32::try_from(handled.len()).unwrap_or(u32::MAX));
        row.handled_rate = figures::percent(handled.len(), accepted.len());
        let named = |stream: &StreamId| !ask.kept.streams.contains(stream);
        row.not_handled = accepted.iter().filter(|(_, done)| !done).map(|(stream, _)| *stream).collect();
        row.not_handled.retain(named);
        row.handled = handled;
        row.handled.retain(named);
        if ask.viewer == Viewer::Reports {
            let paid = self.paid.iter().filter(|(day, _)| within(Some(*day)));
            let (many, fen) =
                paid.fold((0, 0_i64), |(many, sum), (_, fen)| (many + 1, sum.saturating_add(*fen)));
            row.rewards_paid = Some(many);
            row.rewards_paid_yuan = Some(Fen(fen));
        }
    }

    /// Counts what is no hazard.
    fn push(&mut self, day: Day, firm: u32, what: What, many: i64) {
        self.count(firm, Move { day: day.into(), criterion: NONE, origin: NO_ORIGIN, what }, many);
    }

    fn count(&mut self, firm: u32, one: Move, many: i64) {
        self.first = Some(self.first.map_or(one.day, |first| first.min(one.day)));
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
fn filter_is_whole(ask: &Ask<'_>) -> bool {
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

impl Groups {
    fn add(&mut self, firm: u32, one: &Move, many: i64) {
        let group = match self.by {
            Group::Source => Some(u32::from(one.origin)),
            Group::Criterion => Some(one.criterion),
            Group::Enterprise => Some(firm),
            Group::Sector | Group::Town | Group::Month | Group::Year => {
                self.of_firm.get(firm as usize).copied()
            }
        };
        if let Some(sum) = group.and_then(|group| self.sums.get_mut(group as usize)) {
            sum.add(one.what, many);
        }
    }
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
