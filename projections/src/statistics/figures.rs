//! The figures of a group over a period, and what each of them means.

use adit_core::id::StreamId;
use adit_core::units::{Day, Fen};
use serde::Serialize;

use super::What;

/// How often, or how many fen, of each thing that is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sum([i64; What::MANY]);

impl Default for Sum {
    fn default() -> Self {
        Self([0; What::MANY])
    }
}

impl Sum {
    pub(super) fn add(&mut self, what: What, many: i64) {
        let place = &mut self.0[what as usize];
        *place = place.saturating_add(many);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (place, many) in self.0.iter_mut().zip(other.0) {
            *place = place.saturating_add(many);
        }
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.0.iter().all(|many| *many == 0)
    }

    fn of(&self, what: What) -> i64 {
        self.0[what as usize]
    }

    fn stock(&self, came: [What; 2], went: [What; 2]) -> i64 {
        let sum = |whats: [What; 2]| whats.iter().map(|what| self.of(*what)).sum::<i64>();
        sum(came) - sum(went)
    }

    pub(super) fn stock_major(&self) -> i64 {
        self.stock([What::VerifiedMajor, What::ReopenedMajor], [What::ClosedMajor, What::MergedMajor])
    }

    pub(super) fn verified_major(&self) -> i64 {
        self.of(What::VerifiedMajor)
    }

    fn stock_general(&self) -> i64 {
        self.stock([What::VerifiedGeneral, What::ReopenedGeneral], [What::ClosedGeneral, What::MergedGeneral])
    }
}

/// A share in per cent with two decimals, rounded down; none of nothing.
pub(super) fn percent(part: usize, whole: usize) -> Option<String> {
    let hundredths = part.checked_mul(10_000)?.checked_div(whole)?;
    Some(format!("{}.{:02}", hundredths / 100, hundredths % 100))
}

macro_rules! figures {
    ($($(#[$meta:meta])* $name:ident: $type:ty, $zh:literal, $en:literal;)*) => {
        /// The figures of one group over one period.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub struct Row {
            $($(#[$meta])* #[doc = $en] pub $name: $type,)*
        }

        /// Each column with what it means, in Chinese and English.
        pub const DEFINITIONS: &[(&str, &str, &str)] = &[$((stringify!($name), $zh, $en)),*];
    };
}

figures! {
    group: String, "月份、年份，或所分组的来源、行业、乡镇、条款、企业", "The month or year, or the source, sector, town, item or enterprise.";
    from: Day, "统计起日（含）", "First day, included.";
    to: Day, "统计止日（含）", "Last day, included.";
    reported: i64, "期间录入的隐患", "Hazards entered in the period.";
    verified_major: i64, "期间核实为重大的隐患（以条目日期计）", "Hazards verified as major in the period, by the day of the entry.";
    verified_general: i64, "期间核实为一般的隐患", "Hazards verified as general in the period.";
    dismissed: i64, "期间认定不成立的隐患", "Hazards that were found in the period to be none.";
    closed_major: i64, "期间销号的重大隐患", "Major hazards struck off in the period.";
    closed_general: i64, "期间销号的一般隐患", "General hazards struck off in the period.";
    reopened_major: i64, "期间重新打开的重大隐患", "Major hazards opened again in the period.";
    stock_major_before: i64, "期初在册重大隐患＝此前核实＋重开－销号－合并", "Major hazards on the list before the period: verified and reopened less struck off and merged.";
    stock_major: i64, "期末在册重大隐患", "Major hazards on the list at the end of the period.";
    stock_general: i64, "期末在册一般隐患", "General hazards on the list at the end of the period.";
    cleared_to_zero: bool, "期末重大隐患存量为零（动态清零）", "No major hazard is on the list at the end of the period.";
    closed_rate: Option<String>, "重大隐患销号率（%）＝期间销号÷（期初在册＋期间核实＋期间重开）", "Major hazards struck off in per cent of those on the list before, verified and reopened in the period.";
    overdue: i64, "期末逾期未整改（已记录逾期且尚未整改）", "Hazards at the end whose miss is on record and that are not mended.";
    missed: i64, "期间记录的逾期次数", "Missed deadlines of hazards recorded in the period.";
    listed: i64, "期间挂牌督办", "Listed for supervision in the period.";
    delisted: i64, "期间解除督办", "Taken off the list of supervision in the period.";
    unit_penalties: i64, "期间对单位的处罚决定", "Decisions against units in the period.";
    unit_fines_yuan: Fen, "期间对单位罚款（元）", "Fines of units in the period.";
    person_penalties: i64, "期间对个人的处罚决定（一案双罚）", "Decisions against persons in the period (dual penalty).";
    person_fines_yuan: Fen, "期间对个人罚款（元）", "Fines of persons in the period.";
    relieved: i64, "期间免罚", "Decisions to relieve from penalty in the period.";
    relief_refused: i64, "期间不予免罚", "Decisions not to relieve in the period.";
    inspections: i64, "期间检查", "Inspections entered in the period.";
    inspections_with_findings: i64, "期间查出问题的检查", "Inspections with findings.";
    enforcements: i64, "期间检查后的执法措施", "Measures taken after inspections in the period.";
    self_inspections: i64, "期间企业自查", "Self-inspections entered in the period.";
    accidents: i64, "期间录入的事故", "Accidents entered in the period.";
    deaths: i64, "期间录入事故的死亡人数", "Deaths of accidents entered in the period.";
    reports_received: Option<u32>, "期间收到的举报；按乡镇、行业、企业筛选时不统计", "Reports received in the period; not counted under a filter by town, sector or enterprise.";
    reports_accepted: Option<u32>, "期间受理的举报（核查处置率的分母）", "Reports accepted in the period: the denominator of the handled rate.";
    reports_declined: Option<u32>, "期间不予受理的举报", "Reports declined in the period.";
    reports_transferred: Option<u32>, "期间移送的举报", "Reports transferred in the period.";
    reports_substantiated: Option<u32>, "期间核实属实或部分属实的举报", "Reports verified as substantiated, or partly, in the period.";
    handled_of_accepted: Option<u32>, "期间受理的举报中已办结的（核查处置率的分子）", "Of the reports accepted in the period, those handled by now: the numerator.";
    handled_rate: Option<String>, "核查处置率（%）＝分子÷分母", "Handled rate in per cent.";
    handled: Vec<StreamId>, "分子所含举报", "The reports of the numerator.";
    not_handled: Vec<StreamId>, "分母中尚未办结的举报", "Reports of the denominator that are not handled.";
    rewards_paid: Option<u32>, "期间发放奖励笔数", "Payments of rewards in the period.";
    rewards_paid_yuan: Option<Fen>, "期间发放奖励金额（元）", "Rewards paid in the period.";
}

impl Row {
    pub(super) fn of(group: String, from: Day, to: Day, before: &Sum, within: &Sum) -> Self {
        let mut after = *before;
        after.merge(within);
        let (stock_before, stock) = (before.stock_major(), after.stock_major());
        let came = stock_before + within.of(What::VerifiedMajor) + within.of(What::ReopenedMajor);
        let count = |many: i64| usize::try_from(many).unwrap_or(0);
        Self {
            group,
            from,
            to,
            reported: within.of(What::Reported),
            verified_major: within.of(What::VerifiedMajor),
            verified_general: within.of(What::VerifiedGeneral),
            dismissed: within.of(What::Dismissed),
            closed_major: within.of(What::ClosedMajor),
            closed_general: within.of(What::ClosedGeneral),
            reopened_major: within.of(What::ReopenedMajor),
            stock_major_before: stock_before,
            stock_major: stock,
            stock_general: after.stock_general(),
            cleared_to_zero: stock == 0,
            closed_rate: percent(count(within.of(What::ClosedMajor)), count(came)),
            overdue: after.of(What::Late) - after.of(What::InTimeAgain),
            missed: within.of(What::Missed),
            listed: within.of(What::Listed),
            delisted: within.of(What::Delisted),
            unit_penalties: within.of(What::UnitPenalty),
            unit_fines_yuan: Fen(within.of(What::UnitFen)),
            person_penalties: within.of(What::PersonPenalty),
            person_fines_yuan: Fen(within.of(What::PersonFen)),
            relieved: within.of(What::Relieved),
            relief_refused: within.of(What::ReliefRefused),
            inspections: within.of(What::Inspected),
            inspections_with_findings: within.of(What::InspectedWithFindings),
            enforcements: within.of(What::Enforced),
            self_inspections: within.of(What::SelfInspected),
            accidents: within.of(What::Accident),
            deaths: within.of(What::Deaths),
            reports_received: None,
            reports_accepted: None,
            reports_declined: None,
            reports_transferred: None,
            reports_substantiated: None,
            handled_of_accepted: None,
            handled_rate: None,
            handled: Vec::new(),
            not_handled: Vec::new(),
            rewards_paid: None,
            rewards_paid_yuan: None,
        }
    }
}
