//! Grades of accidents (生产安全事故等级).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::article::Article;
use super::{Mark, PackError, Reason};
use crate::units::Fen;

/// Grade of an accident (国务院令第493号 art. 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccidentGrade {
    /// 一般事故
    General,
    /// 较大事故
    Larger,
    /// 重大事故
    Major,
    /// 特别重大事故
    Extraordinary,
}

impl AccidentGrade {
    pub fn zh(self) -> &'static str {
        match self {
            Self::General => "一般事故",
            Self::Larger => "较大事故",
            Self::Major => "重大事故",
            Self::Extraordinary => "特别重大事故",
        }
    }

    fn en(self) -> &'static str {
        match self {
            Self::General => "general accident",
            Self::Larger => "larger accident",
            Self::Major => "major accident",
            Self::Extraordinary => "extraordinary accident",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccidentRules {
    #[serde(rename = "id")]
    _id: String,
    title: String,
    document: String,
    article: String,
    mark: Mark,
    grade: Vec<GradeRule>,
}

/// From which figures on an accident has a grade.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GradeRule {
    name: AccidentGrade,
    deaths: u32,
    seriously_injured: u32,
    direct_loss_yuan: i64,
}

impl AccidentRules {
    /// The highest grade that any one of the three figures reaches; general below them all.
    pub fn grade(&self, deaths: u32, seriously_injured: u32, direct_loss: Fen) -> AccidentGrade {
        let reached = self.grade.iter().filter(|rule| {
            deaths >= rule.deaths
                || seriously_injured >= rule.seriously_injured
                || direct_loss.0 / 100 >= rule.direct_loss_yuan
        });
        reached.map(|rule| rule.name).max().unwrap_or(AccidentGrade::General)
    }

    /// Every grade above the general one stands once, and asks for more than the one below.
    pub(super) fn check(&self) -> Result<(), PackError> {
        let above = [AccidentGrade::Larger, AccidentGrade::Major, AccidentGrade::Extraordinary];
        if !self.grade.iter().map(|rule| rule.name).eq(above) {
            return Err(PackError::gap("accidents", "grade", "each grade above general, once, in order"));
        }
        let figures = |rule: &GradeRule| (rule.deaths, rule.seriously_injured, rule.direct_loss_yuan);
        let falls = self.grade.windows(2).find(|pair| {
            let (low, high) = (figures(&pair[0]), figures(&pair[1]));
            low.0 >= high.0 || low.1 >= high.1 || low.2 >= high.2
        });
        falls.map_or(Ok(()), |pair| {
            Err(PackError::contradiction(
                "accidents",
                pair[1].name.en(),
                "it asks for no more than the grade below",
            ))
        })
    }

    pub(super) fn articles(&self) -> Vec<Article> {
        let source = format!("{} {}", self.document, self.article);
        let says = self.grade.iter().map(|rule| {
            let details = [
                ("zh", rule.name.zh().to_owned()),
                ("en", rule.name.en().to_owned()),
                ("deaths", rule.deaths.to_string()),
                ("injured", rule.seriously_injured.to_string()),
                ("loss", rule.direct_loss_yuan.to_string()),
            ];
            Reason::new("rules.accident_grade", details, &source)
        });
        vec![Article::new("accidents", "grades", &self.title, self.mark, says.collect())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    #[test]
    fn grades_include_their_lower_bound_and_any_one_figure_suffices() {
        use AccidentGrade::{Extraordinary, General, Larger, Major};
        let rules = Rules::builtin().expect("packs");
        let grades = [(2, General), (3, Larger), (9, Larger), (10, Major), (29, Major), (30, Extraordinary)];
        for (deaths, grade) in grades {
            assert_eq!(rules.accidents.grade(deaths, 0, Fen(0)), grade, "{deaths} deaths");
        }
        let yuan = |yuan: i64| Fen(yuan * 100);
        for (injured, loss, grade) in [
            (9, 9_999_999, General),
            (10, 0, Larger),
            (49, 49_999_999, Larger),
            (50, 0, Major),
            (0, 50_000_000, Major),
            (99, 99_999_999, Major),
            (100, 0, Extraordinary),
            (0, 100_000_000, Extraordinary),
        ] {
            assert_eq!(
                rules.accidents.grade(0, injured, yuan(loss)),
                grade,
                "{injured} injured, {loss} yuan"
            );
        }
    }
}
