//! The marks in the parts of office documents: names, times and paths are taken out, and everything else is written as it was read.

use std::collections::BTreeSet;

/// What goes.
pub(crate) enum Rules<'a> {
    /// In text: names, times and paths; and what points at relations that are lost.
    Office { lost: &'a BTreeSet<String> },
    /// In a list of relations: those that are lost; and paths on somebody's machine.
    Relations { lost: &'a BTreeSet<String> },
    /// In a list of parts: those that are gone.
    List { gone: &'a dyn Fn(&str) -> bool },
}

/// A relation of a part.
pub(crate) struct Relation {
    pub(crate) id: String,
    pub(crate) target: String,
    pub(crate) external: bool,
}

/// A tag that begins, with its attributes as they are written.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
    closed: bool,
}

enum Token<'a> {
    Text(&'a str),
    Begin(Tag<'a>),
    End(&'a str),
}

/// Elements whose text is a name, a time or initials.
const TOLD: [&str; 14] = [
    "author",
    "dc:creator",
    "dc:date",
    "meta:creator-initials",
    "meta:date-string",
    "loext:sender-initials",
    "text:author-name",
    "text:author-initials",
    "text:initial-creator",
    "text:creator",
    "text:creation-date",
    "text:creation-time",
    "text:modification-date",
    "text:modification-time",
];
/// Elements with which a file leads elsewhere, or holds what nobody sees: where one is, the file is left as it is.
const STRANGE: [&str; 7] =
    ["mailMerge", "docVars", "externalReference", "oleObject", "oleObj", "OLEObject", "control"];

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// The text with what has to go taken out; none where it is not well formed, or of a form that is not understood.
pub(crate) fn cleaned(text: &str, rules: &Rules<'_>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    if text.trim_start_matches('\u{feff}').starts_with("<?xml") {
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n");
    }
    // The element whose content is left out, until it ends.
    let mut skipped: Option<(&str, bool)> = None;
    let mut depth = 0_u32;
    for token in tokens(text)? {
        match (&token, skipped) {
            (Token::Begin(tag), Some((name, _))) if tag.name == name && !tag.closed => depth += 1,
            (Token::End(ended), Some((name, whole))) if *ended == name => {
                if depth == 0 {
                    skipped = None;
                    if !whole {
                        close(&mut out, ended);
                    }
                } else {
                    depth -= 1;
                }
            }
            (_, Some(_)) => {}
            (Token::Text(text), None) => out.push_str(text),
            (Token::End(name), None) => close(&mut out, name),
            (Token::Begin(tag), None) => {
                let stays = write(&mut out, tag, rules)?;
                if !tag.closed
                    && (!stays || TOLD.contains(&tag.name) && matches!(rules, Rules::Office { .. }))
                {
                    skipped = Some((tag.name, !stays));
                }
            }
        }
    }
    skipped.is_none().then_some(out)
}

fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Writes a tag unless it goes as a whole; whether it stays.
fn write(out: &mut String, tag: &Tag<'_>, rules: &Rules<'_>) -> Option<bool> {
    let get = |name: &str| tag.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    match rules {
        Rules::Office { .. } if STRANGE.contains(&local(tag.name)) => return None,
        Rules::Relations { lost } if get("Id").is_some_and(|id| lost.contains(id)) => return Some(false),
        Rules::List { gone } => {
            // Whatever is encrypted can't be looked at.
            if local(tag.name) == "encryption-data" {
                return None;
            }
            let part = get("PartName").or_else(|| get("manifest:full-path"));
            if part.is_some_and(|part| gone(part.trim_start_matches('/'))) {
                return Some(false);
            }
        }
        Rules::Office { .. } | Rules::Relations { .. } => {}
    }
    out.push('<');
    out.push_str(tag.name);
    for (key, value) in &tag.attributes {
        let instead = match rules {
            Rules::Office { lost } => attribute(tag.name, key, value, lost),
            Rules::Relations { .. } if *key == "Target" && get("TargetMode") == Some("External") => {
                Some(if is_address(value) { (*value).to_owned() } else { "about:blank".to_owned() })
            }
            Rules::Relations { .. } | Rules::List { .. } => Some((*value).to_owned()),
        };
        if let Some(value) = instead {
            let quote = if value.contains('"') { '\'' } else { '"' };
            out.extend([" ", key, "="]);
            out.push(quote);
            out.push_str(&value);
            out.push(quote);
        }
    }
    out.push_str(if tag.closed { "/>" } else { ">" });
    Some(true)
}

/// An address that leads to the network, and not to somebody's machine.
fn is_address(target: &str) -> bool {
    ["http://", "https://", "mailto:", "tel:", "#"].iter().any(|head| target.starts_with(head))
}

/// What stands in place of an attribute's value; none where the attribute goes.
fn attribute(element: &str, key: &str, value: &str, lost: &BTreeSet<String>) -> Option<String> {
    let (element, name) = (local(element), local(key));
    let text = |instead: &str| Some(instead.to_owned());
    if (key.starts_with("r:") && lost.contains(value))
        || name.starts_with("rsid")
        || key.starts_with("officeooo:")
    {
        return None;
    }
    match (element, name) {
        _ if ["w:date", "w16du:dateUtc", "dT"].contains(&key) => None,
        ("cm", "dt") => None,
        (_, "author" | "initials" | "userId" | "userName" | "displayName")
        | ("cmAuthor" | "author" | "cNvPr" | "docPr", "name") => text("-"),
        (_, "providerId") => text("None"),
        (_, "created") => text("2000-01-01T00:00:00"),
        ("cNvPr" | "docPr", "descr" | "title")
        | ("absPath", "url")
        | ("imagedata" | "shape", "title" | "alt") => text(""),
        ("rsid" | "rsidRoot" | "docId", "val") => {
            Some(value.chars().map(|c| if c.is_ascii_alphanumeric() { '0' } else { c }).collect())
        }
        _ => Some(value.to_owned()),
    }
}

/// The relations of a list.
pub(crate) fn relations(text: &str) -> Option<Vec<Relation>> {
    let mut found = Vec::new();
    for token in tokens(text)? {
        let Token::Begin(tag) = token else { continue };
        let get = |name: &str| {
            tag.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        if local(tag.name) == "Relationship" {
            let external = get("TargetMode").is_some_and(|mode| mode == "External");
            found.push(Relation { id: get("Id")?, target: get("Target")?, external });
        }
    }
    Some(found)
}

/// The text in pieces. Comments and instructions are left out; a declaration of a document's type is not understood.
fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut found = Vec::new();
    while let Some(at) = rest.find('<') {
        if at > 0 {
            found.push(Token::Text(&rest[..at]));
        }
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = &comment[comment.find("-->")? + 3..];
        } else if let Some(instruction) = rest.strip_prefix("<?") {
            rest = &instruction[instruction.find("?>")? + 2..];
        } else if rest.starts_with("<![CDATA[") {
            let end = rest.find("]]>")? + 3;
            found.push(Token::Text(&rest[..end]));
            rest = &rest[end..];
        } else if rest.starts_with("<!") {
            return None;
        } else {
            let end = end_of_tag(rest)?;
            found.push(tag(&rest[1..end])?);
            rest = &rest[end + 1..];
        }
    }
    if !rest.is_empty() {
        found.push(Token::Text(rest));
    }
    Some(found)
}

/// Where a tag ends: at the first `>` outside quotes.
fn end_of_tag(rest: &str) -> Option<usize> {
    let mut quote = None;
    rest.bytes().position(|byte| match (quote, byte) {
        (None, b'"' | b'\'') => {
            quote = Some(byte);
            false
        }
        (Some(open), byte) if open == byte => {
            quote = None;
            false
        }
        (None, b'>') => true,
        _ => false,
    })
}

fn tag(inside: &str) -> Option<Token<'_>> {
    if let Some(name) = inside.strip_prefix('/') {
        return Some(Token::End(name.trim()));
    }
    let (inside, closed) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
    let name = inside.split_ascii_whitespace().next()?;
    let mut rest = inside.strip_prefix(name)?.trim_ascii();
    let mut attributes = Vec::new();
    while !rest.is_empty() {
        let (key, value) = rest.split_once('=')?;
        let value = value.trim_ascii_start();
        let quote = value.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
        let (value, after) = value[1..].split_once(quote)?;
        attributes.push((key.trim_ascii_end(), value));
        rest = after.trim_ascii_start();
    }
    Some(Token::Begin(Tag { name, attributes, closed }))
}
