//! Kinds of rows: their columns, which functions give them, and which take them.

use super::{Known, pages};
use crate::host::{Catalog, Entry};
use crate::record::Schema;
use crate::report::Page;
use serde_json::{Value, json};

/// The kind of row that is meant by `endpoint`, `endpoint row` or `endpoint rows`.
pub fn find(catalog: &Catalog, name: &str) -> Option<&'static Schema> {
    let name = name.strip_suffix(" rows").or_else(|| name.strip_suffix(" row")).unwrap_or(name);
    catalog.schemas.iter().find(|schema| schema.name == name).copied()
}

/// The page of a kind of row.
pub fn page(known: &Known, schema: &'static Schema) -> Page {
    kind(known, schema.name, &listed(schema), &format!("# {} rows", schema.name))
}

/// Names and meanings of all columns.
pub fn listed(schema: &Schema) -> Vec<(String, String)> {
    schema.columns.iter().map(|column| (column.name.to_string(), plain(column.doc))).collect()
}

/// The same about rows at hand, which may have columns of their own.
pub fn kind(known: &Known, name: &str, columns: &[(String, String)], head: &str) -> Page {
    let mut text = format!("{head}\n\n");
    if let Some(schema) = known.catalog.schemas.iter().find(|schema| schema.name == name) {
        text += &format!("{}\n\n", plain(schema.doc));
    }
    let mut shown = Vec::new();
    for (column, doc) in columns {
        text += &if doc.is_empty() { format!("- `{column}`\n") } else { format!("- `{column}`: {doc}\n") };
        shown.push(json!({"name": column, "doc": doc}));
    }
    let (given, taken) = (givers(known.catalog, name), takers(known.catalog, name));
    for (title, entries) in [("Functions that give such rows", &given), ("Functions that take them", &taken)] {
        if !entries.is_empty() {
            text += &format!("\n## {title}\n\n");
            entries.iter().for_each(|entry| text += &pages::line(entry));
        }
    }
    let names = |entries: &[&Entry]| entries.iter().map(|entry| entry.full_name()).collect::<Vec<_>>();
    let data: Value = json!({"kind": name, "columns": shown, "given_by": names(&given), "taken_by": names(&taken)});
    super::page(text, data)
}

/// The functions that return rows of this kind.
fn givers<'a>(catalog: &'a Catalog, kind: &str) -> Vec<&'a Entry> {
    catalog.entries.iter().filter(|entry| entry.rows.iter().any(|schema| schema.name == kind)).collect()
}

/// The functions that take rows of this kind: they name it in their description, or a parameter by it.
pub fn takers<'a>(catalog: &'a Catalog, kind: &str) -> Vec<&'a Entry> {
    let parameter = |name: &str| name == kind || name.strip_suffix('s') == Some(kind) || (kind == "pod" && name == "proxy");
    let takes = |entry: &&Entry| entry.takes.iter().any(|schema| schema.name == kind) || entry.parameters().any(parameter);
    catalog.entries.iter().filter(takes).collect()
}

/// The columns of a kind of row, or options, a line each.
pub fn columns(schema: &Schema) -> String {
    schema.columns.iter().map(|column| format!("- `{}`: {}\n", column.name, plain(column.doc))).collect()
}

/// A documentation text on one line.
pub fn plain(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `a pod`, `an endpoint`, with back-ticks.
pub fn article(kind: &str) -> String {
    if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { format!("an `{kind}`") } else { format!("a `{kind}`") }
}
