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

use super::table::{Line, Table};

/// What is taken over of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Name,
    CreditCode,
    Sector,
    Town,
    Licence,
    Producing,
    Number,
    Place,
    Description,
    Source,
    FoundOn,
    Criterion,
}

impl Field {
    pub const ALL: [Self; 12] = [
        Self::Name,
        Self::CreditCode,
        Self::Sector,
        Self::Town,
        Self::Licence,
        Self::Producing,
        Self::Number,
        Self::Place,
        Self::Description,
        Self::Source,
        Self::FoundOn,
        Self::Criterion,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::CreditCode => "credit_code",
            Self::Sector => "sector",
            Self::Town => "town",
            Self::Licence => "licence",
            Self::Producing => "producing",
            Self::Number => "number",
            Self::Place => "place",
            Self::Description => "description",
            Self::Source => "source",
            Self::FoundOn => "found_on",
            Self::Criterion => "criterion",
        }
    }

    /// What registers usually call its column.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Name => "单位名称",
            Self::CreditCode => "统一社会信用代码",
            Self::Sector => "行业",
            Self::Town => "乡镇",
            Self::Licence => "证照情况",
            Self::Producing => "生产状态",
            Self::Number => "隐患编号",
            Self::Place => "隐患地点",
            Self::Description => "隐患描述",
            Self::Source => "隐患来源",
            Self::FoundOn => "发现日期",
            Self::Criterion => "判定条款",
        }
    }

    /// Whether a register must have a column for it.
    pub fn is_needed(self) -> bool {
        matches!(self, Self::Name | Self::Place | Self::Description | Self::FoundOn)
    }
}

/// Which column holds what, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mapping([Option<usize>; Field::ALL.len()]);

impl Mapping {
    /// The first column under each usual heading.
    pub fn usual(head: &Line) -> Self {
        let mut usual = Self::default();
        for field in Field::ALL {
            usual.set(field, head.cells.iter().position(|name| name == field.heading()));
        }
        usual
    }

    pub fn set(&mut self, field: Field, column: Option<usize>) {
        self.0[field as usize] = column;
    }

    pub fn column(&self, field: Field) -> Option<usize> {
        self.0[field as usize]
    }

    /// Fields that a register must have and that have no column.
    pub fn missing(&self) -> impl Iterator<Item = Field> {
        let mapping = *self;
        Field::ALL.into_iter().filter(move |field| field.is_needed() && mapping.column(*field).is_none())
    }
}

/// A good row.
#[derive(Debug)]
pub struct Row {
    /// As a spreadsheet numbers it.
    pub number: usize,
    pub register: Register,
    /// Its enterprise is filled in when that one's stream is known.
    pub report: Report,
    /// Hash of what is taken over, and of how often the same stood before in the file.
    pub hash: [u8; 32],
}

/// A bad cell. What stands in it and above it stays in the table: one text there may be the reason of many refusals.
#[derive(Debug)]
pub struct Bad {
    pub row: usize,
    field: Field,
    /// Counted from 0; none where the register has no such column.
    column: Option<usize>,
    pub refusal: Refusal,
}

impl Bad {
    /// The heading of its column.
    pub fn heading<'a>(&self, table: &'a Table) -> &'a str {
        let heading = self.column.and_then(|column| table.head.cells.get(column));
        heading.map_or(self.field.heading(), String::as_str)
    }

    /// What stands there.
    pub fn cell<'a>(&self, table: &'a Table) -> &'a str {
        let at = table.body.binary_search_by_key(&self.row, |line| line.number);
        let line = at.ok().and_then(|at| table.body.get(at));
        let cell = line.zip(self.column).and_then(|(line, column)| line.cells.get(column));
        cell.map_or("", String::as_str)
    }

    /// Why it is refused.
    pub fn said(&self, lang: Lang) -> String {
        said(&self.refusal, lang)
    }
}

/// Why something is refused; a rule of the domain says what to do instead, too.
pub(super) fn said(refusal: &Refusal, lang: Lang) -> String {
    let words = refusal.words(lang);
    match lang {
        _ if words.instead.is_empty() => words.says,
        Lang::Zh => format!("{}{}", words.says, words.instead),
        Lang::En => format!("{} {}", words.says, words.instead),
    }
}

/// Reads every row.
pub fn check(mapping: &Mapping, table: &Table, rules: &Rules, today: Day) -> (Vec<Row>, Vec<Bad>) {
    let (mut rows, mut bad, mut seen) = (Vec::new(), Vec::new(), BTreeMap::<[u8; 32], u32>::new());
    for line in &table.body {
        let mut cells = Cells { mapping, line, rules, today, bad: Vec::new() };
        let row = cells.row();
        if let (Some(mut row), true) = (row, cells.bad.is_empty()) {
            let times = seen.entry(row.hash).or_default();
            *times += 1;
            row.hash =
                *blake3::Hasher::new().update(&row.hash).update(&times.to_be_bytes()).finalize().as_bytes();
            rows.push(row);
        }
        bad.append(&mut cells.bad);
    }
    (rows, bad)
}

/// A cell that may be empty was refused; why stands with the bad cells.
struct Refused;

/// The cells of one row by what they hold.
struct Cells<'a> {
    mapping: &'a Mapping,
    line: &'a Line,
    rules: &'a Rules,
    today: Day,
    bad: Vec<Bad>,
}

impl<'a> Cells<'a> {
    fn get(&self, field: Field) -> &'a str {
        let cell = self.mapping.column(field).and_then(|column| self.line.cells.get(column));
        cell.map_or("", String::as_str)
    }

    fn refuse(&mut self, field: Field, refusal: Refusal) {
        let column = self.mapping.column(field);
        self.bad.push(Bad { row: self.line.number, field, column, refusal });
    }

    /// Every bad cell of the row is named, not only the first.
    fn row(&mut self) -> Option<Row> {
        let register = self.register();
        let report = self.report();
        let (register, report) = (register?, report?);
        let parts = [
            register.name.to_string(),
            self.get(Field::Number).to_owned(),
            report.place.to_string(),
            report.description.to_string(),
            report.found_on.to_string(),
            report.criterion.clone().unwrap_or_default(),
        ];
        let mut hasher = blake3::Hasher::new();
        for part in &parts {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part.as_bytes());
        }
        let number = self.line.number;
        Some(Row { number, register, report, hash: *hasher.finalize().as_bytes() })
    }

    fn register(&mut self) -> Option<Register> {
        let name = self.text(Field::Name);
        let credit_code = self.optional(Field::CreditCode);
        let town = self.optional(Field::Town);
        let sector = self.one_of(Field::Sector, SECTORS);
        let licence = self.one_of(Field::Licence, LICENCES);
        let producing = self.one_of(Field::Producing, PRODUCING);
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

    fn report(&mut self) -> Option<Report> {
        let place = self.text(Field::Place);
        let described: Option<Text<4000>> = self.text(Field::Description);
        let found_on = self.day(Field::FoundOn);
        let criterion = self.criterion(Field::Criterion, found_on);
        let origin = self.one_of(Field::Source, SOURCES);
        let (described, origin) = (described?, origin?);
        let whole = self.annotated(&described, origin);
        let Ok(description) = Text::new(&whole) else {
            self.refuse(Field::Description, Refusal::new("import.too_long_together"));
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
    fn annotated(&self, description: &Text<4000>, source: &str) -> String {
        let number = self.get(Field::Number);
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

    fn text<const MAX: usize>(&mut self, field: Field) -> Option<Text<MAX>> {
        match Text::new(self.get(field)) {
            Ok(text) => Some(text),
            Err(error) => {
                let refusal = match error {
                    TextError::Blank => Refusal::new("import.blank"),
                    TextError::TooLong(max) => Refusal::new("import.too_long").with("max", &max.to_string()),
                    TextError::Hidden => Refusal::new("import.hidden"),
                };
                self.refuse(field, refusal);
                None
            }
        }
    }

    fn optional<const MAX: usize>(&mut self, field: Field) -> Result<Option<Text<MAX>>, Refused> {
        if self.get(field).is_empty() { Ok(None) } else { self.text(field).map(Some).ok_or(Refused) }
    }

    /// `2024-05-10`, `2024/5/10`, `2024.5.10` or `2024年5月10日`, as registers have them.
    fn day(&mut self, field: Field) -> Option<Day> {
        let text = self.get(field).replace(['年', '月', '/', '.'], "-");
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
            None => self.refuse(field, Refusal::new("import.not_a_day")),
            Some(day) if day > self.today => self.refuse(field, Refusal::new("import.in_future")),
            Some(day) => return Some(day),
        }
        None
    }

    /// An item of a catalogue that held on the day of the finding; refused in the words that the ledger has for it.
    fn criterion(&mut self, field: Field, found_on: Option<Day>) -> Result<Option<String>, Refused> {
        let code = self.get(field);
        if code.is_empty() {
            return Ok(None);
        }
        let Some(item) = criteria::get(code).filter(|item| Criterion::is_selectable(item)) else {
            self.refuse(field, Refusal::new("import.unknown_criterion"));
            return Err(Refused);
        };
        let held = found_on.map_or(Ok(()), |day| check_item(self.rules, item, day));
        let Err(not_in_force) = held else { return Ok(Some(code.to_owned())) };
        self.refuse(field, Refusal::from(HazardRefusal::CriterionNotInForce(not_in_force)));
        Err(Refused)
    }

    /// One of the words of a list; its first line is what an empty cell means.
    fn one_of<T: Copy>(&mut self, field: Field, list: &[(&[&str], T)]) -> Option<T> {
        let word = self.get(field);
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
        self.refuse(field, Refusal::new("import.not_a_word").with("known", &known));
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
