//! Forms of commands, made of the schemas of the very types that read them: what the API takes, the page asks for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use adit_core::command::Command;
use adit_core::id::{Id, StreamId};
use adit_core::ledger::vkey::VKey;
use adit_core::text::{Text, TextError};
use adit_core::units::{Day, Fen};
use serde_json::{Map, Value, json};

/// What was typed, by the names of the fields.
pub(crate) type Typed = BTreeMap<String, String>;

/// How something is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Widget {
    /// One line of at most so many characters.
    Line(usize),
    /// Several lines.
    Text(usize),
    Day,
    /// Yuan, with at most two decimals.
    Money,
    Count,
    /// Yes or no; one that must be said has no answer beforehand.
    YesNo,
    /// One of these names.
    Choice(Vec<String>),
    /// A stream, by its id.
    Stream,
    Id,
    Key,
    /// Several, one on each line.
    Many(Box<Widget>),
    /// Photographs and documents; they are sent with the form and not typed.
    Files,
}

/// One field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// `because`, or `person.because` inside an object.
    pub(crate) name: String,
    pub(crate) widget: Widget,
    pub(crate) required: bool,
}

impl Field {
    /// The name without the object around it.
    pub(crate) fn own_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

/// In which order fields are asked for: what it is about, what happened, then why. Any other comes last.
const ORDER: [&str; 55] = [
    "enterprise",
    "report",
    "hazards",
    "hazard",
    "inspection",
    "into",
    "element",
    "step",
    "what",
    "finding",
    "passed",
    "name",
    "credit_code",
    "sector",
    "metal_smelting",
    "town",
    "licence",
    "producing",
    "controller",
    "parent",
    "holder",
    "origin",
    "place",
    "description",
    "criterion",
    "found_on",
    "day",
    "inspected_on",
    "led_by_principal",
    "aim",
    "responsibility",
    "measures",
    "funds",
    "time_limit",
    "emergency_plan",
    "text",
    "principal",
    "responsible_post",
    "post",
    "due",
    "until",
    "authority",
    "decision",
    "decided_on",
    "unit_fine_yuan",
    "person_fines_yuan",
    "article",
    "measure",
    "checked",
    "findings",
    "done",
    "because",
    "amount_yuan",
    "honour",
    "collect_at",
];

/// The fields of each command that can be asked for in a form. What is sealed is not: it has pages of its own.
static FORMS: LazyLock<BTreeMap<String, Vec<Field>>> = LazyLock::new(|| {
    let mut forms = BTreeMap::new();
    for (_, schema) in Command::schemas() {
        let schema = Value::from(schema);
        let none = json!({});
        let defs = schema.get("$defs").unwrap_or(&none);
        for variant in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
            let Some(kind) = variant.pointer("/properties/type/const").and_then(Value::as_str) else {
                continue;
            };
            let data = variant.pointer("/properties/data").unwrap_or(&none);
            if let Some(mut fields) = fields_of(data, defs, "", true) {
                // Schemas list their fields by the alphabet.
                let order = |field: &Field| {
                    let name = field.name.split('.').next_back().unwrap_or_default();
                    (
                        field.name.contains('.'),
                        ORDER.iter().position(|one| *one == name).unwrap_or(ORDER.len()),
                    )
                };
                fields.sort_by_key(order);
                forms.insert(kind.to_owned(), fields);
            }
        }
    }
    forms
});

/// The fields of a command; none where it has no form.
pub(crate) fn fields(kind: &str) -> Option<&'static [Field]> {
    FORMS.get(kind).map(Vec::as_slice)
}

fn resolve<'a>(mut schema: &'a Value, defs: &'a Value) -> &'a Value {
    while let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let Some(found) = name.strip_prefix("#/$defs/").and_then(|name| defs.get(name)) else { break };
        schema = found;
    }
    schema
}

/// A schema without the `null` beside it.
fn present<'a>(schema: &'a Value, defs: &'a Value) -> &'a Value {
    let schema = resolve(schema, defs);
    let one = schema
        .get("anyOf")
        .and_then(Value::as_array)
        .and_then(|any| any.iter().find(|one| one.get("type").and_then(Value::as_str) != Some("null")));
    one.map_or(schema, |one| resolve(one, defs))
}

/// The fields of an object; none where a field that must be there can't be typed.
fn fields_of(schema: &Value, defs: &Value, head: &str, outer_required: bool) -> Option<Vec<Field>> {
    let schema = present(schema, defs);
    let mut objects = vec![schema];
    // One of several objects: the fields of all of them, none of which must be there but the one that tells them apart.
    let variants = schema.get("oneOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    objects.extend(variants.iter().map(|variant| resolve(variant, defs)));
    let mut fields: Vec<Field> = Vec::new();
    for (at, object) in objects.into_iter().enumerate() {
        let required = object.get("required").and_then(Value::as_array);
        let must = |name: &str| required.is_some_and(|names| names.iter().any(|one| one == name));
        for (name, schema) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let inside = present(schema, defs);
            let named = format!("{head}{name}");
            let required = outer_required && must(name);
            if let Some(tag) = inside.get("const").and_then(Value::as_str) {
                let choice = fields.iter_mut().find(|field| field.name == named);
                match choice.map(|field| &mut field.widget) {
                    Some(Widget::Choice(names)) => names.push(tag.to_owned()),
                    Some(_) => {}
                    None => fields.push(Field {
                        name: named,
                        widget: Widget::Choice(vec![tag.to_owned()]),
                        required: true,
                    }),
                }
            } else if let Some(widget) = widget(inside, defs) {
                fields.push(Field { name: named, widget, required: required && at == 0 });
            } else if inside.get("properties").is_some_and(|inside| inside.get("blob").is_none())
                && head.is_empty()
            {
                fields.extend(fields_of(inside, defs, &format!("{named}."), false)?);
            } else if required {
                return None;
            }
        }
    }
    Some(fields)
}

fn widget(schema: &Value, defs: &Value) -> Option<Widget> {
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        let names: Vec<String> = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        return Some(Widget::Choice(names));
    }
    if let Some(one_of) = schema.get("oneOf").and_then(Value::as_array) {
        let mut names = Vec::new();
        for one in one_of {
            match (one.get("const").and_then(Value::as_str), one.get("enum").and_then(Value::as_array)) {
                (Some(name), _) => names.push(name.to_owned()),
                (None, Some(more)) => names.extend(more.iter().filter_map(Value::as_str).map(str::to_owned)),
                (None, None) => return None,
            }
        }
        return Some(Widget::Choice(names));
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null")?,
        _ => return None,
    };
    match kind {
        "boolean" => Some(Widget::YesNo),
        "integer" => Some(Widget::Count),
        "array" => {
            let item = present(schema.get("items")?, defs);
            // What is sealed to others has no hash of its content.
            if item.pointer("/properties/sha256").is_some() {
                return Some(Widget::Files);
            }
            let item = widget(item, defs)?;
            Some(Widget::Many(Box::new(item)))
        }
        "string" => Some(text_widget(schema)),
        _ => None,
    }
}

/// Longest line; what may be longer gets several.
const LINE_CHARS_MAX: usize = 200;

fn text_widget(schema: &Value) -> Widget {
    let text = |name: &str| schema.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("format") == "date" {
        return Widget::Day;
    }
    match text("pattern") {
        pattern if pattern.starts_with("^[a-z]+/") => Widget::Stream,
        pattern if pattern.starts_with("^[0-7]") => Widget::Id,
        pattern if pattern.starts_with("^[^+") => Widget::Key,
        pattern if pattern.starts_with("^[0-9]+") => Widget::Money,
        _ => {
            match schema.get("maxLength").and_then(Value::as_u64).and_then(|most| usize::try_from(most).ok())
            {
                Some(most) if most > LINE_CHARS_MAX => Widget::Text(most),
                Some(most) => Widget::Line(most),
                None => Widget::Line(LINE_CHARS_MAX),
            }
        }
    }
}

/// What does not fit in a field: the key of its words.
pub(crate) type Faults = BTreeMap<String, &'static str>;

/// The data of a command from what was typed.
///
/// # Errors
/// What does not fit, field by field.
pub(crate) fn data(fields: &[Field], typed: &Typed) -> Result<Value, Faults> {
    let mut faults = Faults::new();
    let mut data = Map::new();
    for field in fields {
        let text = typed.get(&field.name).map(|text| text.trim()).unwrap_or_default();
        if text.is_empty() {
            // Part of an object that was begun must be there as a whole; the command's own reading says which.
            if field.required {
                faults.insert(field.name.clone(), "fault.missing");
            }
            continue;
        }
        match value(&field.widget, text) {
            Ok(value) => match field.name.split_once('.') {
                None => drop(data.insert(field.name.clone(), value)),
                Some((object, name)) => {
                    let inside = data.entry(object).or_insert_with(|| json!({}));
                    inside[name] = value;
                }
            },
            Err(fault) => drop(faults.insert(field.name.clone(), fault)),
        }
    }
    if faults.is_empty() { Ok(Value::Object(data)) } else { Err(faults) }
}

fn value(widget: &Widget, text: &str) -> Result<Value, &'static str> {
    let said = || Ok(Value::from(text));
    match widget {
        Widget::Line(most) | Widget::Text(most) => match Text::<{ usize::MAX }>::new(text) {
            Err(TextError::Hidden) => Err("fault.hidden"),
            _ if text.chars().count() > *most => Err("fault.too_long"),
            _ => said(),
        },
        Widget::Day => text.parse::<Day>().map_or(Err("fault.day"), |day| Ok(Value::from(day.to_string()))),
        Widget::Money => {
            let plain: String = text.chars().filter(|c| !matches!(c, ',' | '，' | ' ')).collect();
            plain.parse::<Fen>().map_or(Err("fault.money"), |_| Ok(Value::from(plain)))
        }
        Widget::Count => text.parse::<u64>().map_or(Err("fault.count"), |count| Ok(Value::from(count))),
        Widget::YesNo => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("fault.choice"),
        },
        Widget::Choice(names) if names.iter().any(|name| name == text) => said(),
        Widget::Choice(_) | Widget::Files => Err("fault.choice"),
        Widget::Stream => text.parse::<StreamId>().map_or(Err("fault.stream"), |_| said()),
        Widget::Id => text.parse::<Id>().map_or(Err("fault.id"), |_| said()),
        Widget::Key => text.parse::<VKey>().map_or(Err("fault.key"), |_| said()),
        Widget::Many(one) => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(|line| value(one, line)).collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
    }
}

/// The id of a stream that nobody has, of the kind that a field names.
fn nobodys(field: &str) -> String {
    let kind = if ["enterprise", "report", "inspection"].contains(&field) { field } else { "hazard" };
    format!("{kind}/{}", Id::default())
}

/// Most samples of one command that are tried.
const SAMPLES_MAX: usize = 64;

/// What a command could say, to ask whether one of its kind is lawful now: every choice in turn, and anything where
/// words are asked for. `known` are values that are known to fit.
pub(crate) fn samples(fields: &[Field], known: &Typed, today: Day) -> Vec<Value> {
    let mut samples: Vec<Typed> = vec![Typed::new()];
    for field in fields {
        if let Some(value) = known.get(&field.name) {
            for sample in &mut samples {
                sample.insert(field.name.clone(), value.clone());
            }
            continue;
        }
        if !field.required {
            continue;
        }
        let values: Vec<String> = match &field.widget {
            Widget::Line(_) | Widget::Text(_) => vec!["—".to_owned()],
            Widget::Day => vec![today.to_string()],
            Widget::Money | Widget::Count => vec!["1".to_owned()],
            Widget::YesNo => vec!["true".to_owned(), "false".to_owned()],
            Widget::Choice(names) => names.clone(),
            Widget::Stream => vec![nobodys(field.own_name())],
            Widget::Many(one) if matches!(**one, Widget::Stream) => vec![nobodys("hazard")],
            Widget::Many(one) if matches!(**one, Widget::Count) => vec!["0".to_owned()],
            // Nothing is known to fit: whether one can be named shows when one is.
            Widget::Id | Widget::Key | Widget::Many(_) | Widget::Files => return Vec::new(),
        };
        let before = std::mem::take(&mut samples);
        for sample in before {
            for value in &values {
                let mut sample = sample.clone();
                sample.insert(field.name.clone(), value.clone());
                samples.push(sample);
            }
        }
        samples.truncate(SAMPLES_MAX);
    }
    samples.iter().filter_map(|sample| data(fields, sample).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pairs: &[(&str, &str)]) -> Typed {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_command_has_a_form_but_those_with_what_is_sealed() {
        let without: Vec<&String> = Command::types().iter().filter(|kind| fields(kind).is_none()).collect();
        insta::assert_debug_snapshot!(without);
    }

    #[test]
    fn what_is_typed_becomes_the_data_that_the_command_reads() {
        let form = fields("hazard.penalise").expect("form");
        let said = data(
            form,
            &typed(&[
                ("decision", "岫应急罚〔2024〕3号"),
                ("decided_on", "2024-05-09"),
                ("unit_fine_yuan", "30,000.50"),
                ("person_fines_yuan", "1000\n\n2000"),
                ("article", "安全生产法第一百零二条"),
            ]),
        );
        let said = said.expect("data");
        assert_eq!(said["unit_fine_yuan"], "30000.50");
        assert_eq!(said["person_fines_yuan"], json!(["1000", "2000"]));
        let raw = serde_json::value::to_raw_value(&said).expect("raw");
        Command::parse("hazard.penalise", &raw).expect("command");
    }

    #[test]
    fn each_field_that_does_not_fit_is_named() {
        let form = fields("hazard.report").expect("form");
        let faults = data(
            form,
            &typed(&[
                ("enterprise", "x"),
                ("origin", "rumour"),
                ("found_on", "2024-02-30"),
                ("place", "a\u{202e}b"),
                ("description", " "),
            ]),
        );
        let faults = faults.expect_err("faults");
        let named: Vec<(&str, &str)> = faults.iter().map(|(name, fault)| (name.as_str(), *fault)).collect();
        let expected = [
            ("description", "fault.missing"),
            ("enterprise", "fault.stream"),
            ("found_on", "fault.day"),
            ("origin", "fault.choice"),
            ("place", "fault.hidden"),
        ];
        assert_eq!(named, expected);
    }

    #[test]
    fn an_object_inside_is_left_out_where_nothing_of_it_is_typed() {
        let form = fields("hazard.decide_relief").expect("form");
        assert_eq!(data(form, &Typed::new()).expect("data"), json!({}));
        let said = data(form, &typed(&[("person.relieved", "true"), ("person.because", "—")])).expect("data");
        assert_eq!(said, json!({ "person": { "relieved": true, "because": "—" } }));
    }

    #[test]
    fn samples_say_each_choice() {
        let form = fields("hazard.publish").expect("form");
        let said = samples(form, &Typed::new(), Day::new(2024, 5, 10).expect("day"));
        let what: Vec<&Value> = said.iter().map(|sample| &sample["what"]).collect();
        assert_eq!(what, ["penalty", "listing", "delisting"]);
    }
}
