//! The monthly and the yearly summary (plan, mines, 四.(六)): the figures of a period beside those before it, by sector, town, source, item
//! and enterprise, and the lists that stand behind them; on a page, as PDF and as a workbook.

use adit_core::units::Day;
use adit_projections::{Filter, Grade, Group as By, statistics};
use askama::Template;
use axum::extract::RawQuery;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::figures::Asking;
use super::frame::{Desk, Frame, Shown, parameter};
use super::told::Told;
use super::words::Words;
use crate::export::{self, Format, Sheet};
use crate::handlers::blocking;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Rows of one group.
const GROUPS_MAX: usize = 20;
/// Rows of one list; the table has all.
const LISTED_MAX: usize = 50;
/// Months that one can choose from.
const MONTHS: i32 = 18;

/// The figures of a period, in the order of their definitions. What the reader may not see is empty, and left out.
const FIGURES: [&str; 34] = [
    "reported",
    "verified_major",
    "verified_general",
    "dismissed",
    "closed_major",
    "closed_general",
    "reopened_major",
    "stock_major",
    "stock_general",
    "closed_rate",
    "overdue",
    "missed",
    "listed",
    "delisted",
    "unit_penalties",
    "unit_fines_yuan",
    "person_penalties",
    "person_fines_yuan",
    "relieved",
    "relief_refused",
    "inspections",
    "inspections_with_findings",
    "enforcements",
    "self_inspections",
    "accidents",
    "deaths",
    "reports_received",
    "reports_accepted",
    "reports_declined",
    "reports_transferred",
    "reports_substantiated",
    "handled_rate",
    "rewards_paid",
    "rewards_paid_yuan",
];

/// What is shown of each group.
const BY: [&str; 6] =
    ["verified_major", "closed_major", "stock_major", "overdue", "unit_penalties", "unit_fines_yuan"];

/// What is shown of each hazard that is past its day.
const OVERDUE: [&str; 6] = ["enterprise_name", "town", "place", "criterion", "due", "days_left"];
/// What is shown of each hazard on the list of supervision: of one that is mended, the days left are those for its review.
const LISTED: [&str; 7] = ["enterprise_name", "town", "place", "criterion", "due", "review_due", "days_left"];
/// What is shown of each enterprise that offends again.
const REPEAT: [&str; 4] = ["enterprise_name", "discoveries", "penalties", "grounds"];

/// A month or a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Period {
    year: i32,
    month: Option<u32>,
}

impl Period {
    fn parse(text: &str) -> Option<Self> {
        let (year, month) = match text.split_once('-') {
            Some((year, month)) => (year, Some(month.parse().ok()?)),
            None => (text, None),
        };
        let period = Self { year: year.parse().ok()?, month };
        (period.name() == text && period.first().is_some()).then_some(period)
    }

    /// The month of a day.
    fn of(day: Day) -> Self {
        let (year, month, _) = day.parts();
        Self { year: year.into(), month: Some(month.into()) }
    }

    fn first(self) -> Option<Day> {
        Day::new(self.year, self.month.unwrap_or(1), 1)
    }

    /// The last day.
    fn last(self) -> Option<Day> {
        let after = match self.month {
            Some(12) | None => Day::new(self.year + 1, 1, 1),
            Some(month) => Day::new(self.year, month + 1, 1),
        };
        after.map(|day| day.plus_days(-1))
    }

    /// What is over is asked as it stood then, so that the same period always gives the same summary.
    fn as_of(self, today: Day) -> Option<String> {
        self.last().filter(|last| *last < today).map(|last| last.to_string())
    }

    fn before(self) -> Self {
        match self.month {
            Some(1) => Self { year: self.year - 1, month: Some(12) },
            Some(month) => Self { year: self.year, month: Some(month - 1) },
            None => Self { year: self.year - 1, month: None },
        }
    }

    fn name(self) -> String {
        match self.month {
            Some(month) => format!("{:04}-{month:02}", self.year),
            None => format!("{:04}", self.year),
        }
    }
}

/// Rows in words, under their heads.
struct Part {
    title: String,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    /// How many there are, where not all are shown.
    more: String,
    /// The table with all of them.
    href: String,
    /// The same rows for a file: the table's name and its rows.
    sheet: (&'static str, Vec<Value>),
}

impl Part {
    /// Whether everything but the first column is a figure.
    fn is_figures(&self) -> bool {
        self.sheet.0 == statistics::NAME
    }
}

/// Everything that a summary says.
struct Summary {
    title: String,
    /// What it rests on: up to which day, and how much of the ledger there is.
    stands: String,
    parts: Vec<Part>,
    name: String,
    until: Day,
}

#[derive(Template)]
#[template(path = "desk/summary.html")]
struct SummaryPage {
    frame: Frame,
    summary: Summary,
    /// Periods to choose from: name, and whether it is this one.
    periods: Vec<(String, bool)>,
    pdf: bool,
}

/// The summary of a month or a year
///
/// 月报、年报：本期、上期和累计数字，分行业、乡镇、来源、条款、企业，附清单；可下载 PDF、XLSX。
#[utoipa::path(get, path = "/desk/summary", tag = "desk",
    params(("period" = Option<String>, Query, description = "2024-05 or 2024"), ("format" = Option<String>, Query, description = "pdf or xlsx")),
    responses((status = 200, description = "HTML, PDF or XLSX"), (status = 303, description = "Not signed in"),
        (status = 400, description = "api.bad_query"), (status = 403, description = "api.forbidden")))]
pub(crate) async fn show(desk: Desk, RawQuery(query): RawQuery) -> Shown {
    let period = parameter(query.as_deref(), "period").filter(|text| !text.is_empty());
    let format = parameter(query.as_deref(), "format").unwrap_or_default();
    if desk.reader.asker(statistics::NAME).is_none() {
        return Err(ApiRefusal::Forbidden.into());
    }
    let today = desk.app.office.ledger().now().day();
    let period = match period {
        Some(text) => Period::parse(&text).ok_or(ApiRefusal::BadQuery)?,
        None => Period::of(today).before(),
    };
    let turn = desk.app.turn(period.as_of(today).as_deref()).await?;
    let shown = blocking(move || {
        let shown = answer(&desk, period, today, &format);
        drop(turn);
        shown
    });
    Ok(shown.await?)
}

fn answer(desk: &Desk, period: Period, today: Day, format: &str) -> Result<Response, Problem> {
    let summary = summary(desk, period, today)?;
    match format {
        "" => page(desk, period, today, summary),
        "xlsx" => {
            let sheets: Vec<Sheet<'_>> = summary
                .parts
                .iter()
                .map(|part| Sheet {
                    title: &part.title,
                    model: part.sheet.0,
                    rows: &part.sheet.1,
                    chosen: &[],
                })
                .collect();
            let bytes = export::book(&sheets, summary.until).map_err(|error| unreadable(&error))?;
            Ok(file(&summary.name, Format::Xlsx.ending(), Format::Xlsx.media_type(), bytes))
        }
        #[cfg(feature = "pdf")]
        "pdf" => {
            let parts = summary.parts.iter().map(|part| crate::paper::Part {
                title: &part.title,
                heads: &part.heads,
                rows: &part.rows,
                more: &part.more,
                figures: part.is_figures(),
            });
            let says = crate::paper::Summary {
                title: &summary.title,
                stands: &summary.stands,
                parts: parts.collect(),
                origin: desk.app.office.ledger().origin(),
            };
            let paper = crate::paper::summary(&says, desk.w.lang())?;
            Ok(file(&summary.name, "pdf", "application/pdf", paper.pdf))
        }
        _ => Err(ApiRefusal::BadQuery.into()),
    }
}

fn page(desk: &Desk, period: Period, today: Day, summary: Summary) -> Result<Response, Problem> {
    let mut months = vec![Period::of(today)];
    while let (Some(last), true) = (months.last(), months.len() < usize::try_from(MONTHS).unwrap_or_default())
    {
        months.push(last.before());
    }
    let this = Period { year: today.year(), month: None };
    months.extend([this, this.before(), this.before().before()]);
    let periods = months.into_iter().map(|one| (one.name(), one == period)).collect();
    let page = SummaryPage { frame: Frame::of(desk), summary, periods, pdf: cfg!(feature = "pdf") };
    let html = page.render().map_err(|error| unreadable(&error))?;
    Ok(axum::response::Html(html).into_response())
}

/// A file to be saved; its name is ours.
fn file(period: &str, ending: &str, kind: &str, bytes: Vec<u8>) -> Response {
    let named = format!("attachment; filename=\"summary-{period}.{ending}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, named)];
    (StatusCode::OK, headers, bytes).into_response()
}

fn summary(desk: &Desk, period: Period, today: Day) -> Result<Summary, Problem> {
    let bad = || Problem::from(ApiRefusal::BadQuery);
    let (from, last) = (period.first().ok_or_else(bad)?, period.last().ok_or_else(bad)?);
    if from > today {
        return Err(bad());
    }
    let until = last.min(today);
    let asking = Asking::at(desk, period.as_of(today))?;
    let size = asking.size().to_string();
    let w = desk.w;
    let mut told = Told::new(desk);
    let mut parts = vec![figures(&asking, &mut told, period, from, until)?];
    for (by, title) in [
        (By::Sector, w.t("summary.sectors")),
        (By::Town, w.t("summary.towns")),
        (By::Source, w.t("summary.sources")),
        (By::Criterion, w.t("summary.criteria")),
        (By::Enterprise, w.t("summary.enterprises")),
    ] {
        parts.extend(group(&asking, &mut told, by, title, (from, until))?);
    }
    let major = Some(Grade::Major);
    let lists = [
        (
            w.t("summary.overdue"),
            &OVERDUE[..],
            Filter { overdue: Some(true), grade: major, ..Filter::default() },
        ),
        (w.t("summary.listed"), &LISTED[..], Filter { listed: Some(true), ..Filter::default() }),
    ];
    for (title, columns, filter) in lists {
        parts.extend(listed(&asking, &mut told, title, "register", columns, filter)?);
    }
    let repeat = Filter { petition: Some(true), ..Filter::default() };
    parts.extend(listed(&asking, &mut told, w.t("summary.repeat"), "repeat_offenders", &REPEAT, repeat)?);
    let (from, day) = (from.to_string(), until.to_string());
    Ok(Summary {
        title: title(w, period),
        stands: w.fill("summary.stands", &[("from", &from), ("until", &day), ("size", &size)]),
        parts,
        name: period.name(),
        until,
    })
}

fn title(w: Words, period: Period) -> String {
    let named = period.name();
    let named = [("period", named.as_str())];
    if period.month.is_some() {
        w.fill("summary.of_month", &named)
    } else {
        w.fill("summary.of_year", &named)
    }
}

/// The figures of this period, the one before, and of the year until then.
fn figures(
    asking: &Asking<'_>,
    told: &mut Told<'_>,
    period: Period,
    from: Day,
    until: Day,
) -> Result<Part, Problem> {
    let w = asking.desk.w;
    let before = period.before();
    let year = Period { year: period.year, month: None };
    let mut asked = vec![(w.t("summary.this"), Some(from), Some(until), period.name())];
    asked.push((w.t("summary.before"), before.first(), before.last(), before.name()));
    if period.month.is_some() {
        asked.push((w.t("summary.year"), year.first(), Some(until), year.name()));
    }
    let mut heads = vec![w.t("summary.figure").to_owned()];
    let mut rows = Vec::new();
    for (head, from, to, name) in asked {
        heads.push(format!("{head} {name}"));
        // A year that holds the days gives one row for them.
        let filter = Filter { group: Some(By::Year), from, to, ..Filter::default() };
        let mut row = asking.rows(statistics::NAME, filter)?.1.into_iter().next().unwrap_or_default();
        if let Some(group) = row.get_mut("group") {
            *group = Value::from(name);
        }
        rows.push(row);
    }
    let said =
        |name: &&str| rows.first().and_then(|row| row.get(*name)).is_some_and(|value| !value.is_null());
    let shown = FIGURES.iter().filter(|name| said(name)).map(|name| {
        let figures = rows.iter().map(|row| figure(told, row, name));
        std::iter::once(w.column(statistics::NAME, name)).chain(figures).collect()
    });
    Ok(Part {
        title: w.t("summary.figures").to_owned(),
        heads,
        rows: shown.collect(),
        more: String::new(),
        href: asking.address(statistics::NAME, &[("group", "month")]),
        sheet: (statistics::NAME, rows),
    })
}

/// A figure in words; a dash where there is none.
fn figure(told: &mut Told<'_>, row: &Value, name: &str) -> String {
    match row.get(name) {
        None | Some(Value::Null) => "–".to_owned(),
        Some(value) => told.one(name, value),
    }
}

/// The largest groups; none where nothing is counted.
fn group(
    asking: &Asking<'_>,
    told: &mut Told<'_>,
    by: By,
    title: &str,
    (from, until): (Day, Day),
) -> Result<Option<Part>, Problem> {
    let w = asking.desk.w;
    let filter = Filter {
        group: Some(by),
        from: Some(from),
        to: Some(until),
        limit: Some(GROUPS_MAX),
        ..Filter::default()
    };
    let (total, mut rows) = asking.rows(statistics::NAME, filter)?;
    let counts = |row: &Value| {
        BY.iter().any(|name| row.get(*name).is_some_and(|value| *value != 0 && *value != "0.00"))
    };
    rows.retain(counts);
    let heads =
        std::iter::once(w.label("group")).chain(BY.iter().map(|name| w.column(statistics::NAME, name)));
    let shown = rows.iter().map(|row| {
        let figures = BY.iter().map(|name| figure(told, row, name));
        let name =
            super::told::option(w, "group", row.get("group").and_then(Value::as_str).unwrap_or_default());
        std::iter::once(name).chain(figures).collect()
    });
    let shown: Vec<Vec<String>> = shown.collect();
    let by = serde_json::to_value(by).map_err(|error| unreadable(&error))?;
    let (from, until) = (from.to_string(), until.to_string());
    let group = by.as_str().unwrap_or_default();
    Ok((!shown.is_empty()).then(|| Part {
        title: title.to_owned(),
        heads: heads.collect(),
        rows: shown,
        more: more(w, total, GROUPS_MAX),
        href: asking.address(statistics::NAME, &[("group", group), ("from", &from), ("to", &until)]),
        sheet: (statistics::NAME, rows),
    }))
}

/// The rows of a table under a filter; none where there are none.
fn listed(
    asking: &Asking<'_>,
    told: &mut Told<'_>,
    title: &str,
    table: &'static str,
    columns: &[&str],
    filter: Filter,
) -> Result<Option<Part>, Problem> {
    let w = asking.desk.w;
    let pairs = serde_json::to_value(&filter).map_err(|error| unreadable(&error))?;
    let pairs: Vec<(String, String)> = pairs
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let href = asking.address(table, &pairs);
    let (total, rows) = asking.rows(table, Filter { limit: Some(LISTED_MAX), ..filter })?;
    let columns: Vec<&&str> =
        columns.iter().filter(|name| rows.first().is_some_and(|row| row.get(**name).is_some())).collect();
    let mut say =
        |name: &str, value: &Value| if value.is_null() { String::new() } else { told.one(name, value) };
    let shown = rows
        .iter()
        .map(|row| columns.iter().map(|name| say(name, row.get(**name).unwrap_or(&Value::Null))).collect());
    let shown: Vec<Vec<String>> = shown.collect();
    Ok((!shown.is_empty()).then(|| Part {
        title: title.to_owned(),
        heads: columns.iter().map(|name| w.column(table, name)).collect(),
        rows: shown,
        more: more(w, total, LISTED_MAX),
        href,
        sheet: (table, rows),
    }))
}

/// How many there are, where not all are shown.
fn more(w: Words, total: usize, shown: usize) -> String {
    if total <= shown {
        return String::new();
    }
    w.fill("summary.more", &[("n", &total.to_string()), ("shown", &shown.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_month_or_a_year_and_nothing_else() {
        let month = Period::parse("2024-02").expect("month");
        assert_eq!(month.first().map(|day| day.to_string()).as_deref(), Some("2024-02-01"));
        assert_eq!(month.last().map(|day| day.to_string()).as_deref(), Some("2024-02-29"));
        let year = Period::parse("2024").expect("year");
        assert_eq!(year.last().map(|day| day.to_string()).as_deref(), Some("2024-12-31"));
        for other in ["", "24", "2024-2", "2024-13", "2024-00", "2024-02-01", "abcd", "2024-"] {
            assert_eq!(Period::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_period_before_is_of_the_same_kind() {
        let before = |text: &str| Period::parse(text).map(|period| period.before().name());
        assert_eq!(before("2024-01").as_deref(), Some("2023-12"));
        assert_eq!(before("2024-12").as_deref(), Some("2024-11"));
        assert_eq!(before("2024").as_deref(), Some("2023"));
    }
}
