//! The reward rules as entries of the catalogue.

use super::{ExclusionRule, RewardRule, Rewards, percent};
use crate::rules::Reason;
use crate::rules::article::Article;
use crate::units::Fen;

impl Rewards {
    pub(in crate::rules) fn articles(&self) -> Vec<Article> {
        let of = |rule: &RewardRule| {
            let mut articles = rule.exclusion_articles();
            articles.insert(0, rule.article());
            articles
        };
        self.rule.iter().flat_map(of).collect()
    }
}

impl RewardRule {
    fn article(&self) -> Article {
        let yuan = |fen: i64| Fen(fen).to_string();
        let mut says = Vec::new();
        if let Some(fine) = &self.fine {
            let details = [
                ("level_1", percent(fine.share_level_1)),
                ("level_2", percent(fine.share_level_2)),
                ("floor", yuan(fine.floor_fen)),
                ("cap", yuan(fine.cap_fen)),
            ];
            says.push(Reason::new("rules.share_of_fine", details, &self.source(&fine.article)));
        }
        if let Some(rates) = &self.deaths {
            let details = [
                ("general", yuan(rates.general_fen)),
                ("larger", yuan(rates.larger_fen)),
                ("major", yuan(rates.major_fen)),
                ("extraordinary", yuan(rates.extraordinary_fen)),
                ("cap", yuan(rates.cap_fen)),
            ];
            says.push(Reason::new("rules.for_each_death", details, &self.source(&rates.article)));
        }
        if let Some(insider) = &self.insider {
            let code = if insider.uplifts_cap { "rules.insider_with_cap" } else { "rules.insider" };
            let details = [("percent", percent(insider.uplift))];
            says.push(Reason::new(code, details, &self.source(&insider.article)));
        }
        if let Some(table) = &self.no_fine {
            says.extend(table.tiers(&self.source(&table.article)));
        }
        let has_numbers = !says.is_empty();
        if !has_numbers {
            says.push(Reason::new("rules.numbers_missing", [], &self.document));
        }
        let article = Article::new("rewards", &self.id, &self.name, self.mark, says);
        Article {
            place: self.place.to_string(),
            from: Some(self.from),
            until: self.until,
            in_force: has_numbers,
            ..article
        }
    }

    /// Each exclusion as a rule of its own, because its mark is its own.
    fn exclusion_articles(&self) -> Vec<Article> {
        let article = |exclusion: &ExclusionRule| {
            let id = format!("{}/{}", self.id, exclusion.kind.name());
            let says = vec![exclusion.kind.reason(&self.source(&exclusion.article))];
            let (place, from, until) = (self.place.to_string(), Some(self.from), self.until);
            Article { place, from, until, ..Article::new("rewards", &id, &self.name, exclusion.mark, says) }
        };
        self.exclusion.iter().map(article).collect()
    }
}
