//! When each catalogue of criteria holds: the day on which a hazard was found decides by which one it is judged.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::article::Article;
use super::criteria::{self, Criterion};
use super::reward::Sector;
use super::{Mark, PackError, Reason, Rules};
use crate::units::Day;

const PACK: &str = "catalogues";

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogues {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "title")]
    _title: String,
    catalogue: Vec<Catalogue>,
}

/// One catalogue of criteria, and when it holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// As in the first column of `criteria.tsv`.
    pub id: String,
    pub title: String,
    pub document: String,
    pub sector: Sector,
    /// First day on which it holds.
    pub from: Day,
    /// Last day; none while nothing is known to have ended it.
    #[serde(default)]
    pub until: Option<Day>,
    /// The catalogue that ends on the day before this one begins.
    #[serde(default)]
    succeeds: Option<String>,
    /// A catalogue of the same sector that holds at the same time: what this one supplements, or may not have ended.
    #[serde(default)]
    beside: Option<String>,
    /// Where the dates come from, and what is not known.
    note: String,
    pub mark: Mark,
}

/// An item whose catalogue did not hold on the day of the finding: what the words of the refusal mention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotInForce(BTreeMap<String, String>);

impl NotInForce {
    /// With nothing to mention.
    pub const EMPTY: Self = Self(BTreeMap::new());

    pub(crate) fn details(&self) -> BTreeMap<String, String> {
        self.0.clone()
    }
}

impl Catalogue {
    fn name(&self) -> String {
        format!("{}《{}》", self.document, self.title)
    }

    /// How many of its items can be chosen.
    fn items(&self) -> usize {
        criteria::all().iter().filter(|item| item.catalogue == self.id && item.is_selectable()).count()
    }

    fn holds(&self, rules: &Rules, on: Day) -> bool {
        rules.in_force(PACK, self.mark) && self.from <= on && self.until.is_none_or(|until| on <= until)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.until.is_none_or(|until| other.from <= until)
            && other.until.is_none_or(|until| self.from <= until)
    }

    fn contradiction(&self, what: &str) -> PackError {
        PackError::contradiction(PACK, &self.id, what)
    }

    fn article(&self) -> Article {
        let source = format!("{} {}", self.document, self.note);
        let says = match self.items() {
            0 => Reason::new("rules.catalogue_without_text", [], &source),
            items => Reason::new("rules.catalogue", [("items", items.to_string())], &source),
        };
        let article = Article::new(PACK, &self.id, &self.title, self.mark, vec![says]);
        Article { from: Some(self.from), until: self.until, ..article }
    }
}

impl Catalogues {
    pub fn iter(&self) -> impl Iterator<Item = &Catalogue> {
        self.catalogue.iter()
    }

    fn get(&self, id: &str) -> Option<&Catalogue> {
        self.catalogue.iter().find(|catalogue| catalogue.id == id)
    }

    /// Every catalogue of the items stands here once. Of one sector, each begins on the day after the one that it succeeds
    /// has ended, and no two hold at the same time unless one says so.
    pub(super) fn check(&self) -> Result<(), PackError> {
        let mut ids = BTreeSet::new();
        for catalogue in &self.catalogue {
            if !ids.insert(catalogue.id.as_str()) {
                return Err(catalogue.contradiction("two catalogues have this id"));
            }
            if catalogue.until.is_some_and(|until| until < catalogue.from) {
                return Err(catalogue.contradiction("it ends before it begins"));
            }
            for named in catalogue.beside.iter().chain(&catalogue.succeeds) {
                if self.get(named).is_none_or(|other| other.sector != catalogue.sector) {
                    return Err(catalogue.contradiction(&format!("there is no {named} in its sector")));
                }
            }
            self.check_end(catalogue)?;
        }
        self.check_overlaps()?;
        let without = criteria::all().iter().find(|item| !ids.contains(item.catalogue));
        without.map_or(Ok(()), |item| {
            Err(PackError::gap(PACK, item.catalogue, "items of it are there, and not when it holds"))
        })
    }

    /// What ends is succeeded, on the next day.
    fn check_end(&self, catalogue: &Catalogue) -> Result<(), PackError> {
        let next = self.catalogue.iter().find(|next| next.succeeds.as_deref() == Some(&catalogue.id));
        match (catalogue.until, next) {
            (None, None) => Ok(()),
            (Some(until), None) => {
                Err(PackError::gap(PACK, &catalogue.id, &format!("nothing holds after {until}")))
            }
            (until, Some(next)) => {
                let Some(until) = until.filter(|until| *until < next.from) else {
                    return Err(catalogue.contradiction(&format!("it overlaps with {}", next.id)));
                };
                if until.plus_days(1) == next.from {
                    return Ok(());
                }
                let what = format!("no catalogue holds between {until} and {}", next.from);
                Err(PackError::gap(PACK, &catalogue.id, &what))
            }
        }
    }

    fn check_overlaps(&self) -> Result<(), PackError> {
        let beside = |one: &Catalogue, two: &Catalogue| one.beside.as_deref() == Some(&two.id);
        for (index, one) in self.catalogue.iter().enumerate() {
            let others = self.catalogue.iter().skip(index + 1).filter(|other| other.sector == one.sector);
            for other in others {
                if one.overlaps(other) && !beside(one, other) && !beside(other, one) {
                    return Err(one.contradiction(&format!("it overlaps with {}", other.id)));
                }
            }
        }
        Ok(())
    }

    pub(super) fn articles(&self) -> Vec<Article> {
        self.catalogue.iter().map(Catalogue::article).collect()
    }
}

/// Whether the catalogue of an item held on the day on which the hazard was found.
///
/// # Errors
/// [`NotInForce`] names the catalogue, when it holds, and what to use instead.
pub fn check_item(rules: &Rules, item: &Criterion, found_on: Day) -> Result<(), NotInForce> {
    let all = &rules.catalogues;
    let Some(own) = all.get(item.catalogue) else { return Ok(()) };
    if own.holds(rules, found_on) {
        return Ok(());
    }
    let dates = match own.until {
        _ if !rules.in_force(PACK, own.mark) => "hazard.criterion_waits",
        Some(_) => "hazard.criterion_between",
        None => "hazard.criterion_since",
    };
    let mut details = BTreeMap::from([
        ("item".to_owned(), item.code.to_owned()),
        ("catalogue".to_owned(), own.name()),
        ("from".to_owned(), own.from.to_string()),
        ("until".to_owned(), own.until.map(|until| until.to_string()).unwrap_or_default()),
        ("found_on".to_owned(), found_on.to_string()),
        ("dates".to_owned(), dates.to_owned()),
    ]);
    let holding: Vec<&Catalogue> =
        all.iter().filter(|other| other.sector == own.sector && other.holds(rules, found_on)).collect();
    let names = |catalogues: &[&Catalogue]| {
        catalogues.iter().map(|catalogue| catalogue.name()).collect::<Vec<_>>().join("、")
    };
    let with_text: Vec<&Catalogue> = holding.iter().copied().filter(|one| one.items() > 0).collect();
    let first = all.iter().filter(|other| other.sector == own.sector).map(|other| other.from).min();
    let (instead, named) = if !with_text.is_empty() {
        ("hazard.criterion_instead", names(&with_text))
    } else if !holding.is_empty() {
        ("hazard.criterion_without_text", names(&holding))
    } else {
        ("hazard.criterion_none", first.unwrap_or(own.from).to_string())
    };
    details.insert("instead".to_owned(), instead.to_owned());
    details.insert("named".to_owned(), named);
    Err(NotInForce(details))
}
