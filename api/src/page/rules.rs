//! What the rules say, as a page that anybody may read.

use adit_core::refusal::{Lang, Refusal};
use adit_core::rules::Reason;
use adit_core::rules::article::Article;
use askama::Template;
use axum::extract::State;

use super::{Label, render};
use crate::handlers::{Answered, Shared};

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    version: String,
    packs: Vec<ShownPack>,
}

struct ShownPack {
    label: Label,
    rules: Vec<ShownRule>,
}

struct ShownRule {
    id: String,
    title: String,
    mark: String,
    in_force: bool,
    /// From and until; empty where the rule has neither.
    dates: String,
    /// Empty for the whole nation.
    place: String,
    says: Vec<Says>,
}

struct Says {
    zh: String,
    en: String,
    source: String,
}

impl Says {
    fn new(reason: Reason) -> Self {
        let words = Refusal { code: reason.code, details: reason.details };
        Self { zh: words.words(Lang::Zh).says, en: words.words(Lang::En).says, source: reason.source }
    }
}

impl ShownRule {
    fn new(article: Article) -> Self {
        let dates = match (article.from, article.until) {
            (None, None) => String::new(),
            (from, until) => {
                let day =
                    |day: Option<adit_core::units::Day>| day.map(|day| day.to_string()).unwrap_or_default();
                format!("{} – {}", day(from), day(until))
            }
        };
        let place = if article.place == "national" { String::new() } else { article.place };
        Self {
            id: article.id,
            title: article.title,
            mark: format!("{:?}", article.mark),
            in_force: article.in_force,
            dates,
            place,
            says: article.says.into_iter().map(Says::new).collect(),
        }
    }
}

/// What the rules say, as a page
///
/// 规则网页：每条规则的内容、文件条款、地域、起止和是否有效。
#[utoipa::path(get, path = "/rules", tag = "rules", responses((status = 200, description = "HTML")))]
pub(crate) async fn rules(State(app): Shared) -> Answered {
    let rules = app.office.rules();
    let mut articles = rules.articles();
    let packs = rules.packs().iter().map(|pack| {
        let (own, rest): (Vec<Article>, Vec<Article>) =
            std::mem::take(&mut articles).into_iter().partition(|article| article.pack == pack.id);
        articles = rest;
        ShownPack {
            label: Label::of(&format!("pack_{}", pack.id)),
            rules: own.into_iter().map(ShownRule::new).collect(),
        }
    });
    render(&RulesPage { packs: packs.collect(), version: rules.version().to_owned() })
}
