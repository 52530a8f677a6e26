//! Bodies and rows in words: names by their labels, accounts by their posts, streams as links.

use std::collections::BTreeMap;

use adit_core::id::{ActorId, StreamId};
use serde_json::Value;

use super::frame::{Desk, stream_address};
use super::people;
use super::stream::heading;
use super::words::Words;
use crate::labels::NAMED;

/// One thing that is said of a stream.
pub(crate) struct Said {
    pub(crate) label: String,
    pub(crate) text: String,
    pub(crate) href: String,
}

/// A value in words: names by their labels, accounts by their posts, streams as links.
pub(crate) struct Told<'a> {
    pub(crate) desk: &'a Desk,
    titles: BTreeMap<ActorId, String>,
}

impl<'a> Told<'a> {
    pub(crate) fn new(desk: &'a Desk) -> Self {
        Self { desk, titles: BTreeMap::new() }
    }

    pub(crate) fn title(&mut self, actor: ActorId) -> String {
        let desk = self.desk;
        self.titles.entry(actor).or_insert_with(|| people::title(&desk.app, actor)).clone()
    }

    /// What a body says, field by field; objects inside are laid out beside each other.
    pub(crate) fn data(&mut self, data: &Value, said: &mut Vec<Said>) {
        let w = self.desk.w;
        for (name, value) in data.as_object().into_iter().flatten() {
            let label = field_label(w, name);
            match value {
                Value::Null => {}
                // Files that prove something are shown, not told.
                Value::Array(items) if items.iter().any(|item| item.get("sha256").is_some()) => {}
                Value::Object(inside) if inside.contains_key("blob") => {
                    let size = inside.get("size").map(Value::to_string).unwrap_or_default();
                    said.push(plain(label, w.fill("stream.sealed", &[("n", &size)])));
                }
                // Copies are as many as what they are copies of.
                Value::Array(items) if items.iter().any(|item| item.get("copy").is_some()) => {
                    said.push(plain(label, w.fill("stream.copies", &[("n", &items.len().to_string())])));
                }
                Value::Object(_) => self.data(value, said),
                Value::Array(items) => {
                    let told: Vec<String> = items.iter().map(|item| self.one(name, item)).collect();
                    if !told.is_empty() {
                        said.push(plain(label, told.join("\n")));
                    }
                }
                Value::String(text) if text.parse::<StreamId>().is_ok() => {
                    let href =
                        text.parse().ok().filter(|stream: &StreamId| self.desk.reader.may_read(stream.kind));
                    let shown = href.map_or_else(|| text.clone(), |stream| heading(self.desk, &stream));
                    let href = href.map(|_| stream_address(text)).unwrap_or_default();
                    said.push(Said { label, text: shown, href });
                }
                Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                    said.push(plain(label, self.one(name, value)));
                }
            }
        }
    }

    pub(crate) fn one(&mut self, name: &str, value: &Value) -> String {
        let w = self.desk.w;
        match value {
            Value::Bool(yes) => w.label(&yes.to_string()),
            Value::String(text) => match text.parse::<ActorId>() {
                Ok(actor) if name != "stream" => self.title(actor),
                _ if is_name(name) => option(w, name, text),
                _ => text.clone(),
            },
            Value::Object(fields) if fields.contains_key("code") => w.reason(value),
            Value::Object(fields) if fields.contains_key("blob") => {
                let size = fields.get("size").map(Value::to_string).unwrap_or_default();
                w.fill("stream.sealed", &[("n", &size)])
            }
            Value::Object(fields) => {
                let told = fields.iter().filter(|(_, value)| !value.is_null());
                let told: Vec<String> = told
                    .map(|(name, value)| format!("{} {}", field_label(w, name), self.one(name, value)))
                    .collect();
                told.join(w.t("base.and"))
            }
            Value::Array(items) => {
                items.iter().map(|item| self.one(name, item)).collect::<Vec<_>>().join(w.t("base.and"))
            }
            Value::Null | Value::Number(_) => value.to_string(),
        }
    }
}

fn plain(label: String, text: String) -> Said {
    Said { label, text, href: String::new() }
}

/// Whether a field holds names of the program, which have words.
fn is_name(field: &str) -> bool {
    let more = [
        "report_status",
        "element",
        "finding",
        "channel",
        "matter",
        "ground",
        "what",
        "role",
        "exclusion",
        "responsibility",
        "collected",
    ];
    NAMED.contains(&field) || more.contains(&field)
}

pub(crate) fn option(w: Words, field: &str, name: &str) -> String {
    let own = w.find(&format!("option.{field}_{name}")).or_else(|| w.find(&format!("option.{name}")));
    own.map_or_else(|| w.label(name), str::to_owned)
}

fn field_label(w: Words, name: &str) -> String {
    w.find(&format!("said.{name}"))
        .or_else(|| w.find(&format!("field.{name}")))
        .map_or_else(|| w.label(name), str::to_owned)
}
