//! The profile of an enterprise: who stood behind it when, beside its hazards, inspections, penalties and accidents; whom it shares a
//! controller or a parent with; and how near it is to a petition for closure.

use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::units::Day;
use adit_projections::Filter;
use askama::Template;
use axum::extract::Path;
use serde_json::Value;

use super::chart::{Lane, Mark, Span, lanes};
use super::frame::{Desk, Frame, Link, Shown, not_found, render, stream_address};
use super::inside::of_profile;
use super::told::{Told, option};
use crate::handlers::blocking;
use crate::handlers::queries::View;
use crate::problem::{ApiRefusal, Problem};

/// Holders of one kind in the picture, the newest ones; the table has all.
const LANES_MAX: usize = 3;
/// Hazards, inspections or enterprises that are listed; the tables have all.
const LISTED_MAX: usize = 20;
/// Most of them that go into the picture.
const PICTURE_MAX: usize = 1000;

/// Who stood behind it, and for how long.
struct Held {
    what: String,
    who: String,
    from: String,
    until: String,
    receipt: String,
}

/// Something with a page of its own.
struct Listed {
    link: Link,
    says: String,
    class: &'static str,
}

/// An accident that is on record.
struct Accident {
    day: String,
    grade: String,
    deaths: String,
    receipt: String,
}

struct Part {
    title: String,
    rows: Vec<Listed>,
    more: Link,
}

#[derive(Template)]
#[template(path = "desk/profile.html")]
struct Profile {
    frame: Frame,
    name: String,
    at: String,
    svg: String,
    facts: Vec<(String, String)>,
    vetoed: bool,
    grounds: Vec<String>,
    held: Vec<Held>,
    accidents: Vec<Accident>,
    parts: Vec<Part>,
}

/// The profile of an enterprise
///
/// 企业档案：实际控制人和上级公司的沿革、同一控制下的企业、隐患、检查、处罚、事故和提请关闭的计数。
#[utoipa::path(get, path = "/desk/profiles/{id}", tag = "desk", params(("id" = String, Path)),
    responses((status = 200, description = "HTML"), (status = 303, description = "Not signed in"),
        (status = 403, description = "api.forbidden"), (status = 404, description = "api.not_found")))]
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Shown {
    let id: Id = id.parse().map_err(|_| not_found())?;
    render(&blocking(move || page(&desk, StreamId::new(StreamKind::Enterprise, id))).await?)
}

/// Where the profile of an enterprise is.
pub(super) fn address(enterprise: &StreamId) -> String {
    format!("/desk/profiles/{}", enterprise.id)
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn day(row: &Value, name: &str) -> Option<Day> {
    text(row, name).parse().ok()
}

fn list<'a>(row: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    row.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// What is asked of the read models, for one page.
struct Asking<'a> {
    desk: &'a Desk,
    view: View<'a>,
}

impl Asking<'_> {
    fn rows(&self, name: &str, filter: Filter) -> Result<(usize, Vec<Value>), Problem> {
        let Some(asker) = self.desk.reader.asker(name) else { return Ok((0, Vec::new())) };
        let limit = Some(filter.limit.unwrap_or(PICTURE_MAX));
        let page = self.view.page(asker, name, &Filter { limit, ..filter })?;
        Ok((page.total, page.rows))
    }
}

fn page(desk: &Desk, enterprise: StreamId) -> Result<Profile, Problem> {
    let w = desk.w;
    if desk.reader.asker("enterprises").is_none() {
        return Err(ApiRefusal::Forbidden.into());
    }
    let asking = Asking { desk, view: View::at(&desk.app, None)? };
    let of = || Filter { enterprise: Some(enterprise), ..Filter::default() };
    let row = asking.rows("enterprises", Filter { stream: Some(enterprise), ..Filter::default() })?;
    let row = row.1.into_iter().next().ok_or(ApiRefusal::NotFound)?;
    let (hazards_total, hazards) = asking.rows("register", of())?;
    let (inspections_total, inspections) = asking.rows("inspections", of())?;
    let (_, repeats) = asking.rows("repeat_offenders", of())?;
    let today = asking.view.today();
    let mut told = Told::new(desk);
    let held: Vec<Held> =
        HOLDERS.iter().flat_map(|(column, what)| held(&row, column, &w.label(what))).collect();
    let mut parts = vec![
        hazards_part(desk, &enterprise, hazards_total, &hazards),
        inspections_part(desk, &enterprise, inspections_total, &inspections),
    ];
    parts.extend(under_one_hand(&asking, &row, &enterprise)?);
    parts.retain(|part| !part.rows.is_empty());
    let counted = ["discoveries", "penalties", "recurrences"].map(|name| {
        let many = repeats.first().and_then(|row| row.get(name)).map(Value::to_string);
        (w.column("repeat_offenders", name), many.unwrap_or_else(|| "0".to_owned()))
    });
    let facts = FACTS.iter().filter_map(|name| {
        let value = row.get(*name).filter(|value| !value.is_null())?;
        Some((w.column("enterprises", name), told.one(name, value)))
    });
    let facts: Vec<(String, String)> = facts.collect();
    Ok(Profile {
        name: text(&row, "enterprise_name").to_owned(),
        at: stream_address(&enterprise.to_string()),
        svg: picture(desk, &row, &hazards, &inspections, today),
        facts: facts.into_iter().chain(counted).chain(of_profile(desk, &enterprise, today)).collect(),
        vetoed: row.get("vetoed") == Some(&Value::Bool(true)),
        grounds: repeats.iter().flat_map(|row| list(row, "grounds")).map(|ground| w.reason(ground)).collect(),
        held,
        accidents: accidents(desk, &row),
        parts,
        frame: Frame::of(desk),
    })
}

/// What is said of it at the top.
const FACTS: [&str; 11] = [
    "credit_code",
    "sector",
    "town",
    "licence",
    "producing",
    "risk",
    "standardisation",
    "unit_penalties",
    "unit_fines_yuan",
    "relieved",
    "stands_still_since",
];

/// Columns of those who stood behind it, and what one of them is called.
const HOLDERS: [(&str, &str); 3] =
    [("controllers", "controller"), ("parents", "parent"), ("principals", "principals")];

/// The receipt of the entry that something rests on.
fn receipt(row: &Value) -> String {
    format!("/log/receipt/{}.tlog-proof", row.get("position").map(Value::to_string).unwrap_or_default())
}

/// Its accidents, the newest first.
fn accidents(desk: &Desk, row: &Value) -> Vec<Accident> {
    let mut accidents: Vec<Accident> = list(row, "accidents")
        .map(|accident| Accident {
            day: text(accident, "day").to_owned(),
            grade: option(desk.w, "accident", text(accident, "grade")),
            deaths: accident.get("deaths").map(Value::to_string).unwrap_or_default(),
            receipt: receipt(accident),
        })
        .collect();
    accidents.sort_by(|one, other| other.day.cmp(&one.day));
    accidents
}

/// Each holder from when until when, the newest first.
fn held(row: &Value, column: &str, what: &str) -> Vec<Held> {
    let holders: Vec<&Value> = list(row, column).collect();
    let ends = holders.iter().skip(1).map(|next| text(next, "since")).chain(std::iter::once(""));
    let held = holders.iter().zip(ends).filter(|(holder, _)| !text(holder, "holder").is_empty());
    let mut held: Vec<Held> = held
        .map(|(holder, until)| Held {
            what: what.to_owned(),
            who: text(holder, "holder").to_owned(),
            from: text(holder, "since").to_owned(),
            until: until.to_owned(),
            receipt: receipt(holder),
        })
        .collect();
    held.reverse();
    held
}

fn hazards_part(desk: &Desk, enterprise: &StreamId, total: usize, rows: &[Value]) -> Part {
    let w = desk.w;
    let shown = rows.iter().rev().take(LISTED_MAX).map(|row| Listed {
        link: Link { href: stream_address(text(row, "hazard")), text: text(row, "place").to_owned() },
        says: [w.label(text(row, "grade")), w.label(text(row, "status")), text(row, "found_on").to_owned()]
            .join(" · "),
        class: if row.get("overdue") == Some(&Value::Bool(true)) { "late" } else { "" },
    });
    part(desk, w.label("register"), "register", enterprise, total, shown.collect())
}

fn inspections_part(desk: &Desk, enterprise: &StreamId, total: usize, rows: &[Value]) -> Part {
    let w = desk.w;
    let shown = rows.iter().rev().take(LISTED_MAX).map(|row| Listed {
        link: Link {
            href: stream_address(text(row, "inspection")),
            text: text(row, "performed_on").to_owned(),
        },
        says: match list(row, "findings").count() {
            0 => w.label("nothing_found"),
            many => format!("{} {many}", w.column("inspections", "findings")),
        },
        class: "",
    });
    part(desk, w.label("inspections"), "inspections", enterprise, total, shown.collect())
}

fn part(
    desk: &Desk,
    title: String,
    table: &str,
    enterprise: &StreamId,
    total: usize,
    rows: Vec<Listed>,
) -> Part {
    let text = desk.w.fill("profile.all", &[("n", &total.to_string())]);
    Part { title, rows, more: Link { href: format!("/desk/tables/{table}?enterprise={enterprise}"), text } }
}

/// Other enterprises whose controller or parent is the same now.
fn under_one_hand(asking: &Asking<'_>, row: &Value, own: &StreamId) -> Result<Vec<Part>, Problem> {
    let w = asking.desk.w;
    let mut parts = Vec::new();
    for (column, filter_name, title) in [
        ("controllers", "controller", w.t("profile.controller")),
        ("parents", "parent", w.t("profile.parent")),
    ] {
        let Some(holder) = list(row, column).last().map(|holder| text(holder, "holder")) else { continue };
        if holder.is_empty() {
            continue;
        }
        let named = Some(holder.to_owned());
        let filter = if column == "controllers" {
            Filter { controller: named, ..Filter::default() }
        } else {
            Filter { parent: named, ..Filter::default() }
        };
        let (total, rows) = asking.rows("enterprises", filter)?;
        let others = rows.iter().filter(|row| text(row, "enterprise") != own.to_string()).take(LISTED_MAX);
        let others = others.filter_map(|row| {
            let enterprise: StreamId = text(row, "enterprise").parse().ok()?;
            let open = row.get("open_major").and_then(Value::as_u64).unwrap_or_default();
            Some(Listed {
                link: Link { href: address(&enterprise), text: text(row, "enterprise_name").to_owned() },
                says: format!("{} {open}", w.column("enterprises", "open_major")),
                class: if open > 0 { "late" } else { "" },
            })
        });
        let query = serde_urlencoded::to_string([(filter_name, holder)]).unwrap_or_default();
        parts.push(Part {
            title: format!("{title} {holder}"),
            rows: others.collect(),
            more: Link {
                href: format!("/desk/tables/enterprises?{query}"),
                text: w.fill("profile.all", &[("n", &total.to_string())]),
            },
        });
    }
    Ok(parts)
}

/// Beside each other over time: who stood behind it, its open major hazards, inspections, penalties and accidents.
fn picture(desk: &Desk, row: &Value, hazards: &[Value], inspections: &[Value], today: Day) -> String {
    let w = desk.w;
    let mut shown = Vec::new();
    for (column, what) in &HOLDERS[..2] {
        for held in held(row, column, &w.label(what)).into_iter().take(LANES_MAX) {
            let (Ok(from), until) = (held.from.parse(), held.until.parse().unwrap_or(today)) else {
                continue;
            };
            shown.push(Lane {
                name: format!("{} {}", held.what, held.who),
                spans: vec![Span { from, to: until }],
                marks: Vec::new(),
            });
        }
    }
    let open = |row: &&Value| text(row, "grade") == "major";
    let life = hazards.iter().filter(open).filter_map(|row| {
        Some(Span { from: day(row, "found_on")?, to: day(row, "closed_on").unwrap_or(today) })
    });
    shown.push(Lane { name: w.t("profile.hazards").to_owned(), spans: life.collect(), marks: Vec::new() });
    let days =
        |rows: Vec<Option<Day>>| rows.into_iter().flatten().map(|on| Mark { on }).collect::<Vec<Mark>>();
    let visited = days(inspections.iter().map(|row| day(row, "performed_on")).collect());
    shown.push(Lane { name: w.label("inspections"), spans: Vec::new(), marks: visited });
    let accidents = days(list(row, "accidents").map(|accident| day(accident, "day")).collect());
    shown.push(Lane { name: w.label("accidents"), spans: Vec::new(), marks: accidents });
    shown.retain(|lane| !lane.spans.is_empty() || !lane.marks.is_empty());
    lanes(&shown)
}
