//! The reference of functions, made from the catalog.

use crate::host::{Catalog, Entry, Playbook};
use crate::record::Schema;
use crate::render::{Look, style};
use serde_json::{Value, json};

/// What a name means: a function, all functions of a module or family, or nothing.
pub fn named<'a>(catalog: &'a Catalog, name: &str) -> Vec<&'a Entry> {
    let name = name.trim_end_matches("::").trim_end_matches("()");
    match catalog.find(name) {
        Some(entry) => vec![entry],
        None => catalog.entries.iter().filter(|entry| entry.family == name).collect(),
    }
}

/// Every family with the names of its functions.
pub fn overview(catalog: &Catalog, look: &Look) -> String {
    let mut text = String::new();
    for (family, entries) in families(catalog.entries.iter()) {
        let names: Vec<String> = entries.iter().map(|entry| entry.full_name()).collect();
        let lines = crate::render::wrap(&names.join(" "), Some(look.width.unwrap_or(100).saturating_sub(12)));
        for (number, line) in lines.iter().enumerate() {
            let head = if number == 0 { look.paint(style::HEADING, &format!("{family:<8}")) } else { " ".repeat(8) };
            text += &format!("  {head}  {line}\n");
        }
    }
    text
}

/// One line an entry: its shortest call and its summary.
pub fn lines(entries: &[&Entry], look: &Look) -> String {
    let mut text = String::new();
    for entry in entries {
        let call = entry.signatures.first().cloned().unwrap_or_else(|| entry.full_name());
        text += &format!("{}\n    {}\n", look.paint(style::KNOWN, &call), entry.summary);
    }
    text
}

fn families<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<(&'a str, Vec<&'a Entry>)> {
    let mut families: Vec<(&str, Vec<&Entry>)> = Vec::new();
    for entry in entries {
        match families.iter_mut().find(|(name, _)| *name == entry.family) {
            Some((_, known)) => known.push(entry),
            None => families.push((&entry.family, vec![entry])),
        }
    }
    families
}

/// The reference of these entries as Markdown.
pub fn reference(entries: &[&Entry]) -> String {
    if let [entry] = entries {
        return one(entry, "#");
    }
    let mut text = String::new();
    for (family, entries) in families(entries.iter().copied()) {
        text += &format!("# {family}\n\n");
        for entry in entries {
            text += &format!("{}\n", one(entry, "##"));
        }
    }
    text
}

fn one(entry: &Entry, heading: &str) -> String {
    let mut text = format!("{heading} {}\n\n```rhai\n{}\n```\n\n{}\n", entry.full_name(), entry.signatures.join("\n"), entry.doc);
    for (title, schema) in [("Rows", entry.rows), ("Options", entry.options)] {
        if let Some(schema) = schema {
            text += &format!("\n{title}:\n\n{}", columns(schema));
        }
    }
    text
}

fn columns(schema: &Schema) -> String {
    let line = |doc: &str| doc.split_whitespace().collect::<Vec<_>>().join(" ");
    schema.columns.iter().map(|column| format!("- `{}`: {}\n", column.name, line(column.doc))).collect()
}

/// The reference of these entries as data.
pub fn as_json(entries: &[&Entry]) -> Value {
    let columns = |schema: Option<&Schema>| {
        schema.map(|schema| {
            schema.columns.iter().map(|column| json!({"name": column.name, "doc": column.doc.trim()})).collect::<Vec<_>>()
        })
    };
    let entry = |entry: &&Entry| {
        json!({
            "name": entry.full_name(), "family": entry.family, "signatures": entry.signatures, "summary": entry.summary,
            "doc": entry.doc, "rows": columns(entry.rows), "options": columns(entry.options),
        })
    };
    Value::Array(entries.iter().map(entry).collect())
}

/// A playbook's manual and parameters as Markdown.
pub fn playbook(playbook: &Playbook) -> String {
    let mut text = format!("# {}\n\n{}\n", playbook.title(), playbook.manual);
    text += &format!("\n```sh\npilotage run {}", playbook.name);
    for param in playbook.header.params.iter().filter(|param| param.value.is_none()) {
        text += &format!(" --{} …", param.name);
    }
    text += "\n```\n";
    if !playbook.header.params.is_empty() {
        text += "\nParameters:\n\n";
    }
    for param in &playbook.header.params {
        text += &format!("- `--{}`: {}{}\n", param.name, param.help, if param.value.is_none() { " (required)" } else { "" });
    }
    text
}
