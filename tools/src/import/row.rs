//! One row of a register: read into what the commands need, or refused cell by cell.

use std::collections::BTreeMap;

use adit_core::enterprise::Register;
use adit_core::hazard::{HazardRefusal, Origin, Report};
use adit_core::id::{Id, StreamId, StreamKind};
use adit_core::refusal::{Lang, Refusal};
use adit_core::rules::Rules;
use adit_core::rules::catalogues::check_item;
use adit_core::rules::closure::Licence;
use adit_core::rules::criteria::{self, Criterion};
use adit_core::rules::reward::Sector;
use adit_core::text::{Text, TextError};
use adit_core::units::Day;
use anyhow::Result;
use serde::Deserialize;

use super::table::Line;
use crate::failure::fail;

/// Which column holds what.
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
        let name = |text: &str| text.to_owned();
        Self {
            name: name("单位名称"),
            credit_code: name("统一社会信用代码"),
            sector: name("行业"),
            town: name("乡镇"),
            licence: name("证照情况"),
            producing: name("生产状态"),
            number: name("隐患编号"),
            place: name("隐患地点"),
            description: name("隐患描述"),
            source: name("隐患来源"),
            found_on: name("发现日期"),
            criterion: name("判定条款"),
        }
    }
}

/// A good row.
pub(super) struct Row {
    pub(super) register: Register,
    /// Its enterprise is filled in when that one's stream is known.
    pub(super) report: Report,
    /// Hash of what is taken over, and of how often the same stood before in the file.
    pub(super) hash: [u8; 32],
}

/// A bad cell.
pub(super) struct Bad {
    pub(super) row: usize,
    pub(super) column: String,
    pub(super) zh: String,
    pub(super) en: String,
}

/// Reads every row. Columns that must be there are named when they are not.
pub(super) fn check(
    columns: &Columns,
    table: &[Line],
    rules: &Rules,
    today: Day,
) -> Result<(Vec<Row>, Vec<Bad>)> {
    let (head, body) = table.split_first().ok_or_else(|| fail("文件为空", "the file is empty"))?;
    let mut at = BTreeMap::new();
    for (index, name) in head.cells.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        if at.insert(name.as_str(), index).is_some() {
            return Err(fail(format!("列“{name}”出现两次"), format!("there are two columns {name:?}")));
        }
    }
    for name in [&columns.name, &columns.place, &columns.description, &columns.found_on] {
        if !at.contains_key(name.as_str()) {
            let zh = format!("缺少列“{name}”；列名不同时请用 --map 指定");
            return Err(fail(zh, format!("there is no column {name:?}; --map names other columns")));
        }
    }
    let (mut rows, mut bad, mut seen) = (Vec::new(), Vec::new(), BTreeMap::<[u8; 32], u32>::new());
    for line in body {
        let mut cells = Cells { at: &at, line, rules, today, bad: Vec::new() };
        let row = cells.row(columns);
        if let (Some(mut row), true) = (row, cells.bad.is_empty()) {
            let times = seen.entry(row.hash).or_default();
            *times += 1;
            row.hash =
                *blake3::Hasher::new().update(&row.hash).update(&times.to_be_bytes()).finalize().as_bytes();
            rows.push(row);
        }
        bad.append(&mut cells.bad);
    }
    Ok((rows, bad))
}

/// A cell that may be empty was refused; why stands with the bad cells.
struct Refused;

/// The cells of one row by column name.
struct Cells<'a> {
    at: &'a BTreeMap<&'a str, usize>,
    line: &'a Line,
    rules: &'a Rules,
    today: Day,
    bad: Vec<Bad>,
}

impl<'a> Cells<'a> {
    fn get(&self, column: &str) -> &'a str {
        self.at.get(column).and_then(|index| self.line.cells.get(*index)).map_or("", String::as_str)
    }

    fn refuse(&mut self, column: &str, zh: &str, en: &str) {
        let (zh, en) = (zh.to_owned(), en.to_owned());
        self.bad.push(Bad { row: self.line.number, column: column.to_owned(), zh, en });
    }

    /// Every bad cell of the row is named, not only the first.
    fn row(&mut self, columns: &Columns) -> Option<Row> {
        let register = self.register(columns);
        let report = self.report(columns);
        let (register, report) = (register?, report?);
        let parts = [
            register.name.to_string(),
            self.get(&columns.number).to_owned(),
            report.place.to_string(),
            report.description.to_string(),
            report.found_on.to_string(),
            report.criterion.clone().unwrap_or_default(),
        ];
        let mut hasher = blake3::Hasher::new();
        for part in &parts {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part.as_bytes());
        }
        Some(Row { register, report, hash: *hasher.finalize().as_bytes() })
    }

    fn register(&mut self, columns: &Columns) -> Option<Register> {
        let name = self.text(&columns.name);
        let credit_code = self.optional(&columns.credit_code);
        let town = self.optional(&columns.town);
        let sector = self.one_of(&columns.sector, SECTORS);
        let licence = self.one_of(&columns.licence, LICENCES);
        let producing = self.one_of(&columns.producing, PRODUCING);
        let town = town.ok()?.map_or_else(|| Text::new("未填写").ok(), Some)?;
        Some(Register {
            name: name?,
            credit_code: credit_code.ok()?,
            sector: sector?.0,
            metal_smelting: sector?.1,
            town,
            licence: licence?,
            producing: producing?,
            controller: None,
            parent: None,
        })
    }

    fn report(&mut self, columns: &Columns) -> Option<Report> {
        let place = self.text(&columns.place);
        let described: Option<Text<4000>> = self.text(&columns.description);
        let found_on = self.day(&columns.found_on);
        let criterion = self.criterion(&columns.criterion, found_on);
        let origin = self.one_of(&columns.source, SOURCES);
        let (described, origin) = (described?, origin?);
        let whole = self.annotated(columns, &described, origin);
        let Ok(description) = Text::new(&whole) else {
            self.refuse(&columns.description, "描述与编号、来源合计过长", "the description is too long");
            return None;
        };
        Some(Report {
            enterprise: StreamId::new(StreamKind::Enterprise, Id::default()),
            origin: Origin::EarlierRegister,
            inspection: None,
            place: place?,
            description,
            found_on: found_on?,
            criterion: criterion.ok()?,
            files: Vec::new(),
        })
    }

    /// What the earlier register said of number and source stays with the hazard, word for word.
    fn annotated(&self, columns: &Columns, description: &Text<4000>, source: &str) -> String {
        let number = self.get(&columns.number);
        let named = [("原台账编号", number), ("原台账来源", source)];
        let named: Vec<String> = named
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}：{value}"))
            .collect();
        if named.is_empty() {
            description.to_string()
        } else {
            format!("{description}\n（{}）", named.join("；"))
        }
    }

    fn text<const MAX: usize>(&mut self, column: &str) -> Option<Text<MAX>> {
        match Text::new(self.get(column)) {
            Ok(text) => Some(text),
            Err(error) => {
                let zh = match error {
                    TextError::Blank => "不能为空".to_owned(),
                    TextError::TooLong(max) => format!("超过{max}字"),
                    TextError::Hidden => "含控制字符或改变书写方向的字符".to_owned(),
                };
                self.refuse(column, &zh, &error.to_string());
                None
            }
        }
    }

    fn optional<const MAX: usize>(&mut self, column: &str) -> Result<Option<Text<MAX>>, Refused> {
        if self.get(column).is_empty() { Ok(None) } else { self.text(column).map(Some).ok_or(Refused) }
    }

    /// `2024-05-10`, `2024/5/10`, `2024.5.10` or `2024年5月10日`, as registers have them.
    fn day(&mut self, column: &str) -> Option<Day> {
        let text = self.get(column).replace(['年', '月', '/', '.'], "-");
        let parts: Vec<&str> = text.trim_end_matches('日').split('-').collect();
        let day = match parts.as_slice() {
            [year, month, day] if year.len() == 4 => year
                .parse()
                .ok()
                .zip(month.parse().ok())
                .zip(day.parse().ok())
                .and_then(|((year, month), day)| Day::new(year, month, day)),
            _ => None,
        };
        match day {
            None => self.refuse(
                column,
                "应为存在的日期，如 2024-05-10",
                "not a day that exists, such as 2024-05-10",
            ),
            Some(day) if day > self.today => self.refuse(column, "日期在将来", "the day is in the future"),
            Some(day) => return Some(day),
        }
        None
    }

    /// An item of a catalogue that held on the day of the finding; refused in the words that the ledger has for it.
    fn criterion(&mut self, column: &str, found_on: Option<Day>) -> Result<Option<String>, Refused> {
        let code = self.get(column);
        if code.is_empty() {
            return Ok(None);
        }
        let Some(item) = criteria::get(code).filter(|item| Criterion::is_selectable(item)) else {
            self.refuse(column, "没有这一判定条款编号", "there is no criterion item with this code");
            return Err(Refused);
        };
        let held = found_on.map_or(Ok(()), |day| check_item(self.rules, item, day));
        let Err(not_in_force) = held else { return Ok(Some(code.to_owned())) };
        let refusal = Refusal::from(HazardRefusal::CriterionNotInForce(not_in_force));
        let (zh, en) = (refusal.words(Lang::Zh), refusal.words(Lang::En));
        self.refuse(column, &format!("{}{}", zh.says, zh.instead), &format!("{} {}", en.says, en.instead));
        Err(Refused)
    }

    /// One of the words of a list; its first line is what an empty cell means.
    fn one_of<T: Copy>(&mut self, column: &str, list: &[(&[&str], T)]) -> Option<T> {
        let word = self.get(column);
        let found =
            if word.is_empty() { list.first() } else { list.iter().find(|(words, _)| words.contains(&word)) };
        if let Some((_, value)) = found {
            return Some(*value);
        }
        let known: Vec<&str> = list
            .iter()
            .filter_map(|(words, _)| words.first().copied())
            .filter(|word| !word.is_empty())
            .collect();
        let known = known.join("、");
        self.refuse(column, &format!("应为：{known}"), &format!("must be one of: {known}"));
        None
    }
}

type Words<T> = &'static [(&'static [&'static str], T)];

/// The sector, and whether it is metal smelting.
const SECTORS: Words<(Sector, bool)> = &[
    (&["其他", "other"], (Sector::Other, false)),
    (&["矿山", "非煤矿山", "金属非金属矿山", "煤矿", "尾矿库", "mine"], (Sector::Mine, false)),
    (&["工贸", "industry"], (Sector::Industry, false)),
    (&["金属冶炼", "冶金", "metal_smelting"], (Sector::Industry, true)),
    (&["化工", "危险化学品", "chemical"], (Sector::Chemical, false)),
    (&["烟花爆竹", "fireworks"], (Sector::Fireworks, false)),
];

const LICENCES: Words<Licence> = &[
    (&["齐全", "full"], Licence::Full),
    (&["不全", "incomplete"], Licence::Incomplete),
    (&["无", "none"], Licence::None),
];

const PRODUCING: Words<bool> =
    &[(&["生产", "在产", "是", "yes"], true), (&["停产", "停工", "否", "no"], false)];

/// The three sources of the plan; an empty cell says nothing of it.
const SOURCES: Words<&str> = &[
    (&[""], ""),
    (&["自查上报", "企业自查", "自查"], "自查上报"),
    (&["检查发现", "执法检查", "检查"], "检查发现"),
    (&["举报查实", "群众举报", "举报"], "举报查实"),
];
