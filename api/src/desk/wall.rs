//! A wall screen: the figures in letters that are read from five metres, for weeks, by people who touch nothing.
//!
//! Whoever may see the figures turns a browser's session into one that shows the wall and does nothing else: its key is wiped, and
//! every route but those named here is closed to it. Visitors see a wall, enterprises among them: it has counts, and of reports one
//! rate, over months that are over and enough reports to point to nobody; no report that arrives moves it.

use std::sync::Arc;

use adit_core::units::Day;
use adit_projections::{Filter, Group as By};
use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::figures::{Asking, Chart, Figure, Line, charts, number, said};
use super::frame::{Desk, Frame, Shown, render, render_live};
use super::sign_in::with_cookie;
use crate::app::App;
use crate::extract::{carried, session_cookie};
use crate::handlers::blocking;
use crate::page::figures::least_reports;
use crate::problem::{ApiRefusal, Problem, unreadable};

/// Where the wall is.
const PATH: &str = "/desk/wall";
const DAY_SECONDS: i64 = 24 * 3600;

/// Whether a session that shows a wall may ask for this: the wall, what it is made of, and leaving.
pub(crate) fn is_open(method: &Method, path: &str) -> bool {
    let looks = [Method::GET, Method::HEAD].contains(method);
    let shown =
        [PATH, super::live::PATH, "/style.css", "/desk.css"].contains(&path) || path.starts_with("/web/");
    let leaves = ["/desk/sign-out", "/api/v1/sign-out"].contains(&path);
    (looks && shown) || (*method == Method::POST && leaves)
}

/// Closes every other route to a session that shows a wall, whatever the route asks by itself.
pub(crate) async fn alone(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let is_wall = carried(request.headers())
        .is_some_and(|token| app.sessions.is_wall(token, app.office.ledger().now()));
    if !is_wall || is_open(method, path) {
        return next.run(request).await;
    }
    // A screen that is switched on opens the workbench, and is led back.
    if method == Method::GET && (path == "/desk" || path.starts_with("/desk/")) {
        return Redirect::to(PATH).into_response();
    }
    ApiRefusal::WallOnly.into_response()
}

/// A chart with what it says in words.
struct Told {
    chart: Chart,
    said: String,
}

#[derive(Template)]
#[template(path = "desk/wall.html")]
struct Wall {
    frame: Frame,
    day: String,
    numbers: Vec<Figure>,
    charts: Vec<Told>,
}

#[derive(Template)]
#[template(path = "desk/hang.html")]
struct Hang {
    frame: Frame,
    days: u64,
}

/// The wall
///
/// 大屏：登录已变为大屏的，显示数字和图表；其他有权查看看板的，显示确认页。
#[utoipa::path(get, path = "/desk/wall", tag = "desk",
    responses((status = 200, description = "HTML; refreshes by itself"), (status = 303, description = "Not signed in"), (status = 403, description = "api.forbidden")))]
pub(crate) async fn show(desk: Desk) -> Shown {
    may(&desk)?;
    let limits = desk.app.intake.limits;
    if !desk.session.wall {
        return render(&Hang { frame: Frame::of(&desk), days: limits.wall_days });
    }
    let mut shown = render_live(&blocking(move || wall(&desk)).await?)?;
    if let Ok(seconds) = HeaderValue::from_str(&limits.wall_refresh_seconds.to_string()) {
        shown.headers_mut().insert(header::REFRESH, seconds);
    }
    Ok(shown)
}

/// Show it on a wall
///
/// 把本次登录变为大屏：签名密钥清除，只能显示大屏，若干天后结束。
#[utoipa::path(post, path = "/desk/wall", tag = "desk",
    responses((status = 303, description = "It is a wall now"), (status = 403, description = "api.forbidden")))]
pub(crate) async fn hang(desk: Desk, headers: HeaderMap) -> Shown {
    may(&desk)?;
    let now = desk.app.office.ledger().now();
    let days = i64::try_from(desk.app.intake.limits.wall_days).unwrap_or(1);
    let until = now.plus_seconds(days.saturating_mul(DAY_SECONDS));
    let token = desk.app.sessions.hang(&desk.session, now, until).map_err(|error| unreadable(&error))?;
    // It ended while this was on its way.
    let token = token.ok_or(ApiRefusal::NotSignedIn)?;
    Ok(with_cookie(Redirect::to(PATH).into_response(), &session_cookie(&headers, &token)))
}

/// Whoever may see the figures, asked anew for each page.
fn may(desk: &Desk) -> Result<(), Problem> {
    desk.reader.asker("statistics").map(|_| ()).ok_or_else(|| ApiRefusal::Forbidden.into())
}

fn wall(desk: &Desk) -> Result<Wall, Problem> {
    let asking = Asking::at(desk, None)?;
    let told = |chart: Chart| {
        let row = |line: &Line| {
            let bars: Vec<String> = line.bars.iter().map(|bar| bar.many.to_string()).collect();
            format!("{} {}", line.name, bars.join(" "))
        };
        let rows: Vec<String> = chart.rows.iter().map(row).collect();
        let series: Vec<&str> = chart.series.iter().map(|(_, label)| label.as_str()).collect();
        Told { said: format!("{} ({}): {}", chart.title, series.join(" / "), rows.join("; ")), chart }
    };
    Ok(Wall {
        day: asking.day.to_string(),
        numbers: numbers(&asking)?,
        charts: charts(&asking)?.into_iter().map(told).collect(),
        frame: Frame::of(desk),
    })
}

fn numbers(asking: &Asking<'_>) -> Result<Vec<Figure>, Problem> {
    let w = asking.desk.w;
    let figure = |label: String, value: String, class: &'static str| Figure {
        label,
        value,
        href: String::new(),
        class,
    };
    let year = this_year(asking, asking.day)?;
    let overdue = asking.total("register", Filter { overdue: Some(true), ..Filter::default() })?;
    let listed = asking.total("register", Filter { listed: Some(true), ..Filter::default() })?;
    let (_, towns) = asking.rows("five_in_place", Filter { group: Some(By::Town), ..Filter::default() })?;
    let sum = |name: &str| towns.iter().map(|row| number(row, name)).fold(0, u32::saturating_add);
    // Months that are over alone: what changes from one day to the next would tell on which day something came in.
    let (_, _, days) = asking.day.parts();
    let until = asking.day.plus_days(-i64::from(days));
    let told = this_year(asking, until)?;
    let enough = number(&told, "reports_accepted") >= least_reports();
    let rate = if enough { said(&told, "handled_rate") } else { "—".to_owned() };
    Ok(vec![
        figure(w.label("stock_major"), said(&year, "stock_major"), ""),
        figure(w.label("overdue"), overdue.to_string(), if overdue > 0 { "late" } else { "" }),
        figure(w.label("listed"), listed.to_string(), ""),
        figure(w.t("wall.five").to_owned(), format!("{} / {}", sum("in_place"), sum("hazards")), ""),
        figure(w.label("closed_rate"), said(&year, "closed_rate"), ""),
        figure(w.fill("wall.rate", &[("day", &until.to_string())]), rate, ""),
    ])
}

/// The figures of the year of a day, up to it.
fn this_year(asking: &Asking<'_>, until: Day) -> Result<serde_json::Value, Problem> {
    let from = Day::new(until.year(), 1, 1).unwrap_or(until);
    let filter = Filter { group: Some(By::Year), from: Some(from), to: Some(until), ..Filter::default() };
    let (_, rows) = asking.rows("statistics", filter)?;
    Ok(rows.into_iter().next_back().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_is_open_to_itself_and_to_leaving_and_closed_to_everything_else() {
        for path in ["/desk/wall", "/desk/live", "/style.css", "/desk.css", "/web/desk-00.js"] {
            assert!(is_open(&Method::GET, path), "{path}");
            assert!(!is_open(&Method::POST, path), "{path}");
        }
        assert!(is_open(&Method::POST, "/desk/sign-out"));
        for path in ["/", "/desk", "/desk/figures", "/desk/wall/", "/desk/me", "/api/v1/session", "/web"] {
            assert!(!is_open(&Method::GET, path), "{path}");
        }
        assert!(!is_open(&Method::PUT, "/desk/wall") && !is_open(&Method::DELETE, "/desk/sign-out"));
    }
}
