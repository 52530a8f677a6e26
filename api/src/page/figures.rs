//! The figures that anybody may see: hazards month by month, and reports in periods that are long enough to point to nobody.
//!
//! Only months that are over: what changes from one day to the next would tell on which day something came in.

use std::sync::LazyLock;

use adit_core::units::{Day, Fen};
use adit_projections::{Asker, Filter, Group as By, Viewer};
use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;

use super::{Label, render};
use crate::desk::chart::{COLOURS, Group, bars};
use crate::handlers::queries::View;
use crate::handlers::{Answered, Shared, blocking};
use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    value: u32,
    #[expect(dead_code, reason = "for whoever reads the file")]
    because: String,
}

/// The numbers of `data/public.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    least_reports: Number,
    months: Number,
}

/// A file that can't be read leaves everything out; a test reads it.
static RULES: LazyLock<Option<Rules>> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/public.toml")).ok());

/// So many reports point to nobody; none where the file can't be read.
pub(crate) fn least_reports() -> Option<u32> {
    RULES.as_ref().map(|rules| rules.least_reports.value)
}

/// What is told of hazards.
const HAZARDS: [&str; 7] = [
    "verified_major",
    "closed_major",
    "stock_major",
    "verified_general",
    "stock_general",
    "missed",
    "listed",
];
/// What the chart shows of them.
const CHARTED: [&str; 3] = ["stock_major", "verified_major", "closed_major"];

/// Months in the chart.
const CHARTED_MONTHS: usize = 12;

struct Row {
    name: String,
    cells: Vec<String>,
}

struct Series {
    colour: &'static str,
    label: Label,
}

#[derive(Template)]
#[template(path = "figures.html")]
struct FiguresPage {
    until: String,
    svg: String,
    series: Vec<Series>,
    heads: Vec<Label>,
    months: Vec<Row>,
    least: u32,
    reports: Vec<Row>,
}

/// Public figures
///
/// 公开数字：逐月的隐患存量与流量；举报按不会指向任何人的时段合计。只含已经结束的月份。
#[utoipa::path(get, path = "/figures", tag = "server", responses((status = 200, description = "HTML")))]
pub(crate) async fn figures(State(app): Shared) -> Answered {
    let worker = move || -> Result<FiguresPage, Problem> {
        let view = View::at(&app, None)?;
        let today = view.today();
        let (_, _, day) = today.parts();
        let until = today.plus_days(-i64::from(day));
        let Some(rules) = RULES.as_ref() else { return Ok(page(&[], until, 0)) };
        let filter = Filter { group: Some(By::Month), to: Some(until), ..Filter::default() };
        let mut rows = view.page(Asker::from(Viewer::Reports), "statistics", &filter)?.rows;
        // The ledger begins after the last month that is over.
        rows.retain(|row| row.get("to").and_then(Value::as_str).is_some_and(|to| *to <= *until.to_string()));
        let many = usize::try_from(rules.months.value).unwrap_or(usize::MAX);
        let skipped = rows.len().saturating_sub(many);
        Ok(page(&rows[skipped..], until, rules.least_reports.value))
    };
    render(&blocking(worker).await?)
}

fn number(row: &Value, name: &str) -> u32 {
    row.get(name).and_then(Value::as_u64).and_then(|many| u32::try_from(many).ok()).unwrap_or_default()
}

fn said(row: &Value, name: &str) -> String {
    row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn page(rows: &[Value], until: Day, least: u32) -> FiguresPage {
    let groups = rows.iter().skip(rows.len().saturating_sub(CHARTED_MONTHS)).map(|row| Group {
        name: said(row, "group"),
        bars: CHARTED.iter().map(|name| number(row, name)).collect(),
    });
    let groups: Vec<Group> = groups.collect();
    let months = rows.iter().rev().map(|row| Row {
        name: said(row, "group"),
        cells: HAZARDS.iter().map(|name| number(row, name).to_string()).collect(),
    });
    let series = COLOURS.iter().zip(CHARTED);
    FiguresPage {
        until: until.to_string(),
        svg: bars(&groups),
        series: series.map(|(colour, name)| Series { colour, label: Label::of(name) }).collect(),
        heads: HAZARDS.map(Label::of).into(),
        months: months.collect(),
        least,
        reports: periods(rows, least).iter().rev().map(|period| period.row(least)).collect(),
    }
}

/// Reports of some months together.
#[derive(Clone, Debug, Default, PartialEq)]
struct Period {
    from: String,
    to: String,
    received: u32,
    accepted: u32,
    substantiated: u32,
    handled: u32,
    paid: u32,
    paid_fen: i64,
}

/// Months put together, oldest first, until each period has at least `least` reports; what is left at the end waits for the next month.
fn periods(rows: &[Value], least: u32) -> Vec<Period> {
    let mut done = Vec::new();
    let mut period = Period::default();
    for row in rows {
        if period.from.is_empty() {
            period.from = said(row, "group");
        }
        period.to = said(row, "group");
        period.received += number(row, "reports_received");
        period.accepted += number(row, "reports_accepted");
        period.substantiated += number(row, "reports_substantiated");
        period.handled += number(row, "handled_of_accepted");
        period.paid += number(row, "rewards_paid");
        let paid: Option<Fen> = said(row, "rewards_paid_yuan").parse().ok();
        period.paid_fen = period.paid_fen.saturating_add(paid.unwrap_or(Fen::ZERO).0);
        if period.received >= least {
            done.push(std::mem::take(&mut period));
        }
    }
    done
}

impl Period {
    fn row(&self, least: u32) -> Row {
        let name =
            if self.from == self.to { self.from.clone() } else { format!("{} – {}", self.from, self.to) };
        // Nothing and enough are said; what lies between is not.
        let few =
            |many: u32| if many == 0 || many >= least { many.to_string() } else { format!("< {least}") };
        let whole = |part: u32, of: u32| {
            let percent = u64::from(part) * 100 / u64::from(of.max(1));
            if of >= least { format!("{percent} %") } else { "–".to_owned() }
        };
        let cells = vec![
            self.received.to_string(),
            few(self.accepted),
            whole(self.handled, self.accepted),
            few(self.substantiated),
            few(self.paid),
            if self.paid >= least { Fen(self.paid_fen).to_string() } else { "–".to_owned() },
        ];
        Row { name, cells }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn month(name: &str, received: u32, paid: u32) -> Value {
        json!({ "group": name, "reports_received": received, "reports_accepted": received, "reports_substantiated": paid,
            "handled_of_accepted": received, "rewards_paid": paid, "rewards_paid_yuan": format!("{paid}000.00") })
    }

    #[test]
    fn the_numbers_that_ship_can_be_read() {
        assert!(RULES.as_ref().is_some_and(|rules| rules.least_reports.value > 1 && rules.months.value > 11));
    }

    #[test]
    fn months_are_put_together_until_they_point_to_nobody_and_the_last_few_wait() {
        let rows = [
            month("2024-01", 2, 0),
            month("2024-02", 1, 1),
            month("2024-03", 4, 0),
            month("2024-04", 6, 6),
            month("2024-05", 3, 0),
        ];
        let told: Vec<Row> = periods(&rows, 5).iter().map(|period| period.row(5)).collect();
        let names: Vec<&str> = told.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["2024-01 – 2024-03", "2024-04"]);
        assert_eq!(told[0].cells, ["7", "7", "100 %", "< 5", "< 5", "–"]);
        assert_eq!(told[1].cells, ["6", "6", "100 %", "6", "6", "6000.00"]);
    }

    #[test]
    fn no_count_between_nothing_and_the_least_is_ever_told() {
        for received in 0..12 {
            for paid in 0..=received {
                let rows = [month("2024-01", received, paid)];
                for row in periods(&rows, 5).iter().map(|period| period.row(5)) {
                    let small = |cell: &&String| cell.parse::<u32>().is_ok_and(|many| (1..5).contains(&many));
                    assert!(!row.cells.iter().any(|cell| small(&cell)), "{received} {paid}: {:?}", row.cells);
                }
            }
        }
    }
}
