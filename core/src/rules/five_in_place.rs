//! Five in place (五落实): responsibility, measures, funds, time limit, emergency plan (plan, mines, 9 and 10).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::article::Article;
use super::{Mark, PackError, Reason};

/// One of the five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// 责任
    Responsibility,
    /// 措施
    Measures,
    /// 资金
    Funds,
    /// 期限
    TimeLimit,
    /// 预案
    EmergencyPlan,
}

impl Element {
    pub const ALL: [Self; 5] =
        [Self::Responsibility, Self::Measures, Self::Funds, Self::TimeLimit, Self::EmergencyPlan];

    pub fn name(self) -> &'static str {
        match self {
            Self::Responsibility => "responsibility",
            Self::Measures => "measures",
            Self::Funds => "funds",
            Self::TimeLimit => "time_limit",
            Self::EmergencyPlan => "emergency_plan",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            Self::Responsibility => "责任",
            Self::Measures => "措施",
            Self::Funds => "资金",
            Self::TimeLimit => "期限",
            Self::EmergencyPlan => "预案",
        }
    }
}

/// How far an element is in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    #[default]
    Missing,
    /// The enterprise says what it will do.
    Committed,
    /// The enterprise shows that it did.
    Evidenced,
    /// An inspector has confirmed it.
    Confirmed,
}

impl Stage {
    pub fn zh(self) -> &'static str {
        match self {
            Self::Missing => "缺",
            Self::Committed => "已承诺",
            Self::Evidenced => "已举证",
            Self::Confirmed => "已确认",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FiveRules {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    _title: String,
    pub document: String,
    pub article: String,
    mark: Mark,
    asked_for: AskedFor,
    pub element: Vec<ElementRule>,
}

/// Of which hazards the five are asked for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedFor {
    major: bool,
    general: bool,
}

impl FiveRules {
    /// Whether the five must be in place for a major, or for a general hazard to be struck off.
    pub fn are_asked_for(&self, major: bool) -> bool {
        if major { self.asked_for.major } else { self.asked_for.general }
    }

    /// Each of the five stands once.
    pub(super) fn check(&self) -> Result<(), PackError> {
        for element in Element::ALL {
            match self.element.iter().filter(|rule| rule.name == element).count() {
                1 => {}
                0 => {
                    return Err(PackError::gap(
                        "five_in_place",
                        element.name(),
                        "nothing says what it asks for",
                    ));
                }
                _ => {
                    return Err(PackError::contradiction("five_in_place", element.name(), "it stands twice"));
                }
            }
        }
        Ok(())
    }

    pub(super) fn articles(&self) -> Vec<Article> {
        let source = format!("{} {}", self.document, self.article);
        let article = |rule: &ElementRule| {
            let details = [("zh", rule.evidence_zh.clone()), ("en", rule.evidence_en.clone())];
            let says = vec![Reason::new("rules.evidence", details, &source)];
            Article::new("five_in_place", rule.name.name(), &rule.zh, self.mark, says)
        };
        self.element.iter().map(article).collect()
    }
}

/// What an element asks for as evidence.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ElementRule {
    pub name: Element,
    pub zh: String,
    pub evidence_zh: String,
    pub evidence_en: String,
}
