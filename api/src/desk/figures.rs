//! The leader's page: stock and flow, overdue, the five by town, rates and rewards; every figure leads to the rows behind it.

use adit_core::units::Day;
use adit_projections::{Filter, Group as By};
use askama::Template;
use axum::extract::RawQuery;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::chart::{COLOURS, Group, bars, wall_bars};
use super::frame::{Desk, Frame, Shown, parameter, render_live};
use crate::export::{self, Format, Sheet};
use crate::handlers::blocking;
use crate::handlers::queries::{ROWS_MAX, View};
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Months in one chart, and on a wall.
const MONTHS: i32 = 12;
const WALL_MONTHS: i32 = 6;
/// Towns or sectors in one chart, and on a wall.
const BARS_MAX: usize = 6;
const WALL_BARS_MAX: usize = 4;
/// Most letters of a name below its bars.
const NAME_CHARS_MAX: usize = 8;

/// One figure.
pub(super) struct Figure {
    pub(super) label: String,
    pub(super) value: String,
    /// The rows behind it.
    pub(super) href: String,
    pub(super) class: &'static str,
}

/// One number of a chart.
pub(super) struct Bar {
    pub(super) many: u32,
    /// The rows behind it.
    href: String,
}

/// What is told of one place on the axis.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) bars: Vec<Bar>,
}

/// One chart with its table.
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) svg: String,
    /// What each colour is.
    pub(super) series: Vec<(&'static str, String)>,
    heads: Vec<String>,
    pub(super) rows: Vec<Line>,
    /// The same rows for a file: the table's name, its rows and the columns that are shown.
    sheet: (&'static str, Vec<Value>, Vec<String>),
}

#[derive(Template)]
#[template(path = "desk/figures.html")]
struct FiguresPage {
    frame: Frame,
    as_of: String,
    day: String,
    numbers: Vec<Figure>,
    charts: Vec<Chart>,
    /// The charts' tables as a workbook.
    file: String,
}

/// Figures and charts
///
/// 领导看板：存量与流量、逾期、五落实、核查处置率、奖励；可查过去任何一日；各图的数字可下载 XLSX。
#[utoipa::path(get, path = "/desk/figures", tag = "desk", params(("as_of" = Option<String>, Query), ("format" = Option<String>, Query)),
    responses((status = 200, description = "HTML; with format=xlsx a workbook with a sheet for each chart"), (status = 303, description = "Not signed in"),
        (status = 400, description = "api.bad_as_of, api.bad_query"), (status = 403, description = "api.forbidden")))]
pub(crate) async fn show(desk: Desk, RawQuery(query): RawQuery) -> Shown {
    let as_of = parameter(query.as_deref(), "as_of").filter(|day| !day.is_empty());
    let format = parameter(query.as_deref(), "format");
    let turn = desk.app.turn(as_of.as_deref()).await?;
    let shown = blocking(move || {
        let shown = page(&desk, as_of);
        drop(turn);
        shown
    });
    let shown = shown.await;
    match format.as_deref() {
        None => render_live(&shown?),
        Some("xlsx") => {
            let page = shown?;
            Ok(blocking(move || workbook(&page)).await?)
        }
        Some(_) => Err(ApiRefusal::BadQuery.into()),
    }
}

/// A sheet for each chart.
fn workbook(page: &FiguresPage) -> Result<Response, Problem> {
    let mut sheets = Vec::new();
    for Chart { title, sheet: (model, rows, chosen), .. } in &page.charts {
        sheets.push(Sheet { title, model, rows, chosen });
    }
    let day = page.day.parse().map_err(|_| Problem::from(ApiRefusal::BadAsOf))?;
    let bytes = export::book(&sheets, day).map_err(|error| unreadable(&error))?;
    let named = format!("attachment; filename=\"figures-{day}.xlsx\"");
    let headers =
        [(header::CONTENT_TYPE, Format::Xlsx.media_type().to_owned()), (header::CONTENT_DISPOSITION, named)];
    Ok((headers, bytes).into_response())
}

/// Questions as of one day.
pub(super) struct Asking<'a> {
    pub(super) desk: &'a Desk,
    as_of: Option<String>,
    view: View<'a>,
    pub(super) day: Day,
}

impl<'a> Asking<'a> {
    /// As of the end of a day; now where none is named.
    pub(super) fn at(desk: &'a Desk, as_of: Option<String>) -> Result<Self, Problem> {
        let view = View::at(&desk.app, as_of.as_deref())?;
        Ok(Self { desk, as_of, day: view.today(), view })
    }

    /// How many entries it rests on.
    pub(super) fn size(&self) -> u64 {
        self.view.size()
    }

    /// Rows of a table, and how many there are.
    pub(super) fn rows(&self, name: &str, filter: Filter) -> Result<(usize, Vec<Value>), Problem> {
        let asker = self.desk.reader.asker(name).ok_or(ApiRefusal::Forbidden)?;
        let limit = Some(filter.limit.unwrap_or(ROWS_MAX).min(ROWS_MAX));
        let found = self.view.page(asker, name, &Filter { limit, ..filter })?;
        Ok((found.total, found.rows))
    }

    pub(super) fn total(&self, name: &str, filter: Filter) -> Result<usize, Problem> {
        self.rows(name, Filter { limit: Some(1), ..filter }).map(|(total, _)| total)
    }

    /// The table with the rows behind a figure.
    pub(super) fn address(&self, table: &str, pairs: &[(&str, &str)]) -> String {
        let mut pairs: Vec<(&str, &str)> = pairs.to_vec();
        if let Some(as_of) = &self.as_of {
            pairs.push(("as_of", as_of));
        }
        format!("/desk/tables/{table}?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
    }
}

pub(super) fn number(row: &Value, name: &str) -> u32 {
    row.get(name).and_then(Value::as_u64).and_then(|many| u32::try_from(many).ok()).unwrap_or_default()
}

pub(super) fn said(row: &Value, name: &str) -> String {
    match row.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => "—".to_owned(),
    }
}

fn page(desk: &Desk, as_of: Option<String>) -> Result<FiguresPage, Problem> {
    if desk.reader.asker("statistics").is_none() {
        return Err(ApiRefusal::Forbidden.into());
    }
    if as_of.as_deref().is_some_and(|day| day.parse::<Day>().is_err()) {
        return Err(ApiRefusal::BadAsOf.into());
    }
    let asking = Asking::at(desk, as_of.clone())?;
    let day = asking.day;
    let figures = figures(&asking)?;
    let charts = charts(&asking)?;
    Ok(FiguresPage {
        frame: Frame::of(desk),
        file: format!(
            "/desk/figures?{}",
            serde_urlencoded::to_string([
                ("as_of", as_of.as_deref().unwrap_or_default()),
                ("format", "xlsx")
            ])
            .unwrap_or_default()
        ),
        as_of: as_of.unwrap_or_default(),
        day: day.to_string(),
        numbers: figures,
        charts,
    })
}

/// Every chart that has something to show.
pub(super) fn charts(asking: &Asking<'_>) -> Result<Vec<Chart>, Problem> {
    let w = asking.desk.w;
    let months = month_rows(asking)?;
    let mut charts = vec![self::months(asking, months.clone())];
    charts.push(by(asking, By::Sector, "sector", w.t("figures.sectors"))?);
    charts.push(by(asking, By::Town, "town", w.t("figures.towns"))?);
    charts.push(five(asking, By::Town, "town", w.t("figures.five"))?);
    // A wall has room for these, and visitors see it.
    if !asking.desk.session.wall {
        charts.push(five(asking, By::Sector, "sector", w.t("figures.five_sectors"))?);
        charts.push(reports(asking, months));
        charts.push(offenders(asking)?);
    }
    charts.retain(|chart| !chart.svg.is_empty());
    Ok(charts)
}

/// The first day of the month that lies so many months before that of `day`.
fn month_before(day: Day, months: i32) -> Day {
    let (year, month, _) = day.parts();
    let at = i32::from(year) * 12 + i32::from(month) - 1 - months;
    let month = u32::try_from(at.rem_euclid(12) + 1).unwrap_or(1);
    Day::new(at.div_euclid(12), month, 1).unwrap_or(day)
}

fn figures(asking: &Asking<'_>) -> Result<Vec<Figure>, Problem> {
    let w = asking.desk.w;
    let this_year = Day::new(asking.day.year(), 1, 1).unwrap_or(asking.day);
    let year =
        Filter { group: Some(By::Year), from: Some(this_year), to: Some(asking.day), ..Filter::default() };
    let (_, rows) = asking.rows("statistics", year)?;
    let row = rows.into_iter().next_back().unwrap_or_default();
    let (from, to) = (this_year.to_string(), asking.day.to_string());
    let statistics = asking.address("statistics", &[("group", "year"), ("from", &from), ("to", &to)]);
    let figure = |label: String, value: String, href: String, class: &'static str| Figure {
        label,
        value,
        href,
        class,
    };
    let overdue = asking.total("register", Filter { overdue: Some(true), ..Filter::default() })?;
    let listed = asking.total("register", Filter { listed: Some(true), ..Filter::default() })?;
    let repeat = asking.total("repeat_offenders", Filter { petition: Some(true), ..Filter::default() })?;
    Ok(vec![
        figure(
            w.label("stock_major"),
            said(&row, "stock_major"),
            asking.address("register", &[("grade", "major"), ("ended", "false")]),
            "",
        ),
        figure(
            w.label("overdue"),
            overdue.to_string(),
            asking.address("register", &[("overdue", "true")]),
            if overdue > 0 { "late" } else { "" },
        ),
        figure(w.label("listed"), listed.to_string(), asking.address("register", &[("listed", "true")]), ""),
        figure(
            w.label("repeat_offenders"),
            repeat.to_string(),
            asking.address("repeat_offenders", &[("petition", "true")]),
            if repeat > 0 { "late" } else { "" },
        ),
        figure(w.label("closed_rate"), said(&row, "closed_rate"), statistics.clone(), ""),
        figure(w.label("handled_rate"), said(&row, "handled_rate"), statistics.clone(), ""),
        figure(w.label("unit_fines_yuan"), said(&row, "unit_fines_yuan"), statistics.clone(), ""),
        figure(w.label("rewards_paid_yuan"), said(&row, "rewards_paid_yuan"), statistics, ""),
    ])
}

/// What a chart shows: rows of a table, the field that names each, and the columns.
struct Shows<'a> {
    model: &'static str,
    rows: Vec<Value>,
    named: &'static str,
    columns: &'a [&'a str],
}

/// A chart of some columns of rows; each number leads to the rows behind it.
fn chart(
    asking: &Asking<'_>,
    title: &str,
    shows: Shows<'_>,
    behind: impl Fn(&Value, &str) -> String,
) -> Chart {
    let w = asking.desk.w;
    let Shows { model, rows, named, columns } = shows;
    let name = |row: &Value| super::told::option(w, named, &said(row, named));
    let line = |row: &Value| {
        let bar = |column: &&str| Bar { many: number(row, column), href: behind(row, column) };
        Line { name: name(row), bars: columns.iter().map(bar).collect() }
    };
    let lines: Vec<Line> = rows.iter().map(line).collect();
    let groups: Vec<Group> = lines
        .iter()
        .map(|line| Group {
            name: shortened(&line.name),
            bars: line.bars.iter().map(|bar| bar.many).collect(),
        })
        .collect();
    let series: Vec<(&'static str, String)> =
        COLOURS.iter().zip(columns).map(|(colour, column)| (*colour, w.column(model, column))).collect();
    Chart {
        title: title.to_owned(),
        svg: if asking.desk.session.wall { wall_bars(&groups) } else { bars(&groups) },
        heads: series.iter().map(|(_, label)| label.clone()).collect(),
        series,
        rows: lines,
        sheet: (model, rows, std::iter::once(&named).chain(columns).map(|name| (*name).to_owned()).collect()),
    }
}

/// A name that fits below its bars.
fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    name.chars().take(NAME_CHARS_MAX - 1).chain(std::iter::once('…')).collect()
}

fn month_rows(asking: &Asking<'_>) -> Result<Vec<Value>, Problem> {
    let many = if asking.desk.session.wall { WALL_MONTHS } else { MONTHS };
    let from = Some(month_before(asking.day, many - 1));
    let filter = Filter { group: Some(By::Month), from, to: Some(asking.day), ..Filter::default() };
    asking.rows("statistics", filter).map(|(_, rows)| rows)
}

/// The row of one month.
fn of_month(asking: &Asking<'_>, row: &Value) -> String {
    let (from, to) = (said(row, "from"), said(row, "to"));
    asking.address("statistics", &[("group", "month"), ("from", &from), ("to", &to)])
}

fn months(asking: &Asking<'_>, rows: Vec<Value>) -> Chart {
    let w = asking.desk.w;
    let title = if asking.desk.session.wall { w.t("wall.months") } else { w.t("figures.months") };
    let columns = &["stock_major", "verified_major", "closed_major"];
    chart(asking, title, Shows { model: "statistics", rows, named: "group", columns }, |row, _| {
        of_month(asking, row)
    })
}

/// Of each month the reports that were accepted, those of them that are handled, and the rewards that were paid; nothing for whoever
/// may not see them.
fn reports(asking: &Asking<'_>, rows: Vec<Value>) -> Chart {
    let told = |name: &&str| rows.iter().any(|row| row.get(*name).is_some_and(|value| !value.is_null()));
    let columns = ["reports_accepted", "handled_of_accepted", "rewards_paid"].into_iter().filter(told);
    let columns: Vec<&str> = columns.collect();
    let shows = Shows { model: "statistics", rows, named: "group", columns: &columns };
    chart(asking, asking.desk.w.t("figures.reports"), shows, |row, _| {
        with_columns(of_month(asking, row), "group", &columns)
    })
}

/// A table that shows these columns.
fn with_columns(address: String, named: &str, columns: &[&str]) -> String {
    std::iter::once(&named)
        .chain(columns)
        .fold(address, |address, column| format!("{address}&column={column}"))
}

fn most(asking: &Asking<'_>) -> usize {
    if asking.desk.session.wall { WALL_BARS_MAX } else { BARS_MAX }
}

/// What stands on the register now, by group: what is open, what is late, what is struck off.
fn by(asking: &Asking<'_>, group: By, filter: &str, title: &str) -> Result<Chart, Problem> {
    let asked = Filter { group: Some(group), to: Some(asking.day), ..Filter::default() };
    let (_, mut rows) = asking.rows("statistics", asked)?;
    let counts =
        |row: &Value| ["stock_major", "overdue", "closed_major"].iter().any(|name| number(row, name) > 0);
    rows.retain(|row| counts(row) && !said(row, "group").is_empty());
    rows.sort_by_key(|row| std::cmp::Reverse(number(row, "stock_major")));
    rows.truncate(most(asking));
    for row in &mut rows {
        // Whoever is late now counts, whether the miss is on record yet or not.
        let late = asking.total("register", late(filter, &said(row, "group")))?;
        row["overdue"] = Value::from(late);
        // What was opened again is not struck off any more.
        let closed = number(row, "closed_major").saturating_sub(number(row, "reopened_major"));
        row["closed"] = Value::from(closed);
    }
    let columns = &["stock_major", "overdue", "closed"];
    Ok(chart(asking, title, Shows { model: "statistics", rows, named: "group", columns }, |row, column| {
        let group = said(row, "group");
        let mut pairs = vec![(filter, group.as_str())];
        pairs.extend(match column {
            "overdue" => &[("overdue", "true")][..],
            "closed" => &[("grade", "major"), ("status", "closed")],
            _ => &[("grade", "major"), ("ended", "false")],
        });
        asking.address("register", &pairs)
    }))
}

/// What is past its day in a town or a sector.
fn late(filter: &str, group: &str) -> Filter {
    let overdue = Filter { overdue: Some(true), ..Filter::default() };
    if filter == "town" {
        return Filter { town: Some(group.to_owned()), ..overdue };
    }
    Filter { sector: serde_json::from_value(Value::from(group)).ok(), ..overdue }
}

fn five(asking: &Asking<'_>, group: By, filter: &str, title: &str) -> Result<Chart, Problem> {
    let (_, mut rows) = asking.rows("five_in_place", Filter { group: Some(group), ..Filter::default() })?;
    rows.sort_by_key(|row| std::cmp::Reverse(number(row, "hazards")));
    rows.truncate(most(asking));
    let columns = &["hazards", "in_place", "closed"];
    Ok(chart(
        asking,
        title,
        Shows { model: "five_in_place", rows, named: "group", columns },
        |row, column| {
            let group = said(row, "group");
            let mut pairs = vec![(filter, group.as_str()), ("grade", "major")];
            pairs.extend(match column {
                "in_place" => Some(("in_place", "true")),
                "closed" => Some(("status", "closed")),
                _ => None,
            });
            asking.address("five_in_place", &pairs)
        },
    ))
}

/// Enterprises whose closure is to be petitioned, with what is counted of them.
fn offenders(asking: &Asking<'_>) -> Result<Chart, Problem> {
    let (_, mut rows) =
        asking.rows("repeat_offenders", Filter { petition: Some(true), ..Filter::default() })?;
    rows.sort_by_key(|row| std::cmp::Reverse(number(row, "discoveries")));
    rows.truncate(most(asking));
    let columns = &["discoveries", "penalties", "recurrences"];
    let shows = Shows { model: "repeat_offenders", rows, named: "enterprise_name", columns };
    Ok(chart(asking, asking.desk.w.t("figures.repeat"), shows, |row, _| {
        let address = asking.address("repeat_offenders", &[("enterprise", &said(row, "enterprise"))]);
        with_columns(address, "enterprise_name", columns)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_months_begins_eleven_months_before_this_one() {
        let day = |text: &str| text.parse::<Day>().expect("a day");
        assert_eq!(month_before(day("2024-05-10"), 11), day("2023-06-01"));
        assert_eq!(month_before(day("2024-12-31"), 11), day("2024-01-01"));
        assert_eq!(month_before(day("2024-01-01"), 0), day("2024-01-01"));
    }
}
