//! Where a reporter begins: three large choices, and what this connection reveals.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;

use super::language::Language;
use crate::handlers::{Answered, Shared};
use crate::onion::Way;
use crate::page::render;

#[derive(Template)]
#[template(path = "reporter/home.html")]
struct Home {
    w: Language,
    demonstration: bool,
    /// What is so of the way by which this page came.
    way: String,
}

/// Home
///
/// 首页：举报、查询与领奖、紧急电话。
#[utoipa::path(get, path = "/", tag = "reporter", params(("lang" = Option<String>, Query, description = "zh or en")),
    responses((status = 200, description = "HTML")))]
pub(crate) async fn home(State(app): Shared, RawQuery(query): RawQuery, headers: HeaderMap) -> Answered {
    let w = Language::of(query.as_deref(), &headers);
    let way = match Way::of(&headers) {
        Way::Onion => w.t("home.by_onion"),
        Way::Https => w.t("home.by_https"),
        Way::Plain => w.t("home.by_plain"),
    };
    render(&Home { w, demonstration: app.options.demonstration, way })
}
