//! What each rule says, for whoever wants to read it: in words, with document, article, dates, place and mark.

use serde::Serialize;

use super::place::NATIONAL;
use super::scope::Scope;
use super::{Mark, Reason, Rules};
use crate::units::Day;

/// One rule of a pack.
#[derive(Clone, Debug, Serialize)]
pub struct Article {
    /// The pack that it stands in.
    pub pack: &'static str,
    /// Its name within all packs: `rewards/national-2018`.
    pub id: String,
    /// What it is called, in Chinese.
    pub title: String,
    /// `national`, or the beginning of the place's name.
    pub place: String,
    pub from: Option<Day>,
    pub until: Option<Day>,
    pub mark: Mark,
    /// What is U is in force only after an approver adopted its pack, and what has no numbers yet gives none.
    pub in_force: bool,
    /// What it says: words by code and details, and the document with its article.
    #[serde(skip)]
    pub says: Vec<Reason>,
}

impl Article {
    pub(super) fn new(pack: &'static str, id: &str, title: &str, mark: Mark, says: Vec<Reason>) -> Self {
        Self {
            pack,
            id: format!("{pack}/{id}"),
            title: title.to_owned(),
            place: NATIONAL.to_owned(),
            from: None,
            until: None,
            mark,
            in_force: true,
            says,
        }
    }

    /// With where and when it holds. Rules of one name for several places or times are told apart by these.
    pub(super) fn within(mut self, scope: &Scope<'_>) -> Self {
        if !scope.place.is_national() {
            self.id = format!("{}@{}", self.id, scope.place);
        }
        if let Some(until) = scope.until {
            self.id = format!("{}~{until}", self.id);
        }
        Self { place: scope.place.to_string(), from: scope.from, until: scope.until, ..self }
    }
}

impl Rules {
    /// Every rule of every pack, in the order of the packs.
    pub fn articles(&self) -> Vec<Article> {
        let mut articles = self.rewards.articles();
        articles.extend(self.deadlines.articles());
        articles.extend(self.closure.articles());
        articles.extend(self.relief.articles());
        articles.extend(self.five.articles());
        articles.extend(self.accidents.articles());
        articles.extend(self.calendar.articles());
        articles.extend(self.accountability.articles());
        articles.extend(self.supervision.articles());
        articles.extend(self.duty.articles());
        articles.extend(self.catalogues.articles());
        articles.extend(self.joint.articles());
        for article in &mut articles {
            article.in_force &= self.in_force(article.pack, article.mark);
        }
        articles
    }
}
