//! Which column of a file holds what, by the headings that `--map` names.

use std::collections::BTreeMap;

use adit_api::import::{Field, Line, Mapping};
use anyhow::Result;
use serde::Deserialize;

use crate::failure::fail;

/// Headings of our fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Columns {
    name: String,
    credit_code: String,
    sector: String,
    town: String,
    licence: String,
    producing: String,
    number: String,
    place: String,
    description: String,
    source: String,
    found_on: String,
    criterion: String,
}

impl Default for Columns {
    fn default() -> Self {
        let usual = |field: Field| field.heading().to_owned();
        Self {
            name: usual(Field::Name),
            credit_code: usual(Field::CreditCode),
            sector: usual(Field::Sector),
            town: usual(Field::Town),
            licence: usual(Field::Licence),
            producing: usual(Field::Producing),
            number: usual(Field::Number),
            place: usual(Field::Place),
            description: usual(Field::Description),
            source: usual(Field::Source),
            found_on: usual(Field::FoundOn),
            criterion: usual(Field::Criterion),
        }
    }
}

impl Columns {
    fn heading(&self, field: Field) -> &str {
        match field {
            Field::Name => &self.name,
            Field::CreditCode => &self.credit_code,
            Field::Sector => &self.sector,
            Field::Town => &self.town,
            Field::Licence => &self.licence,
            Field::Producing => &self.producing,
            Field::Number => &self.number,
            Field::Place => &self.place,
            Field::Description => &self.description,
            Field::Source => &self.source,
            Field::FoundOn => &self.found_on,
            Field::Criterion => &self.criterion,
        }
    }

    /// Where they stand. Columns that must be there are named when they are not.
    pub(super) fn find(&self, head: &Line) -> Result<Mapping> {
        let mut at = BTreeMap::new();
        for (index, name) in head.cells.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if at.insert(name.as_str(), index).is_some() {
                return Err(fail(format!("列“{name}”出现两次"), format!("there are two columns {name:?}")));
            }
        }
        let mut mapping = Mapping::default();
        for field in Field::ALL {
            mapping.set(field, at.get(self.heading(field)).copied());
        }
        if let Some(field) = mapping.missing().next() {
            let name = self.heading(field);
            let zh = format!("缺少列“{name}”；列名不同时请用 --map 指定");
            return Err(fail(zh, format!("there is no column {name:?}; --map names other columns")));
        }
        Ok(mapping)
    }
}
