//! A result at a terminal: as much of it as the screen holds, and how much more there is.

use super::style::{self, Look};
use super::tamed::Tamed;
use super::tree::{self, Part};
use super::{fit, grouped, reindent, table, text, value};
use crate::cell::{Cell, Sort};
use crate::json::Node;
use crate::report::{Content, Table};
use serde_json::{Map, Value};
use std::io::{self, Write};

/// Lines of the screen that something else needs: what was typed, the next prompt, and what is said of the rest.
const OTHERS: usize = 4;
/// However low a screen is, so many lines say something.
const FEWEST: usize = 5;
/// A text is shown whole up to so many lines: what a script put together is meant to be read.
const TEXT: usize = 400;
/// A list that is not longer may stand on one line.
const ONE_LINE: usize = 16;
/// Columns between two columns of a list.
const GAP: usize = 2;

/// Write a value for a screen of so many lines.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, content: &Content, look: &Look, screen: usize) -> io::Result<()> {
    let lines = screen.saturating_sub(OTHERS).max(FEWEST);
    match content {
        Content::Table(rows) => some_rows(out, rows, look, lines),
        Content::Document(node) => document(out, node, look, lines),
        Content::Text(long) | Content::Value(Value::String(long)) => some_lines(out, long, look, lines),
        Content::Value(Value::Array(items)) => match value::as_table(&Value::Array(items.clone())) {
            Some(rows) => some_rows(out, &rows, look, lines),
            None => list(out, items, look, lines),
        },
        Content::Value(Value::Object(fields)) => record(out, fields, look, lines),
        _ => text::write(out, content, look),
    }
}

/// Write all of a value for a terminal.
///
/// # Errors
/// Those of the writer.
pub fn whole(out: &mut dyn Write, content: &Content, look: &Look) -> io::Result<()> {
    match content {
        Content::Document(node) => match node.to_value() {
            Ok(value) if value::as_table(&value).is_some() => write(out, &Content::Value(value), look, usize::MAX),
            _ => reindent::write(&mut Tamed::new(out), node.text()),
        },
        _ => write(out, content, look, usize::MAX),
    }
}

fn more(out: &mut dyn Write, look: &Look, count: usize, what: &str, whole: &str) -> io::Result<()> {
    let line = format!("… {} more {what} · {whole} shows all", grouped(count));
    writeln!(out, "{}", look.paint(style::FAINT, &line))
}

fn some_rows(out: &mut dyn Write, rows: &Table, look: &Look, lines: usize) -> io::Result<()> {
    // The names of the columns, those that are left out, and the count take a line each.
    let most = lines.saturating_sub(3).max(FEWEST);
    let count = rows.rows.len();
    let shown = table::write_some(out, rows, look, if count <= most + 1 { count } else { most })?;
    if shown < count { more(out, look, count - shown, "rows", ":table") } else { Ok(()) }
}

fn some_lines(out: &mut dyn Write, whole: &str, look: &Look, lines: usize) -> io::Result<()> {
    let count = whole.lines().count();
    if count <= TEXT.max(lines) {
        return text::write(out, &Content::Text(whole.to_owned()), look);
    }
    for line in whole.lines().take(lines) {
        writeln!(out, "{}", fit::tame(line))?;
    }
    more(out, look, count - lines, "lines", ":table")
}

/// A document: small ones as they are, of others what they are made of.
fn document(out: &mut dyn Write, node: &Node, look: &Look, lines: usize) -> io::Result<()> {
    // Nothing that has more bytes than a screen of such lines is looked at in vain.
    if node.size() <= lines.saturating_mul(200) {
        let whole = super::in_memory(|out| reindent::write(out, node.text()));
        let fits = |line: &str| look.width.is_none_or(|width| fit::width(line) <= width);
        if whole.lines().count() <= lines && whole.lines().all(fits) {
            return out.write_all(fit::tame(&whole).as_bytes());
        }
    }
    let part = Part::Node(node.clone());
    writeln!(out, "{}", look.paint(style::FAINT, &format!("json {}", tree::title(&part))))?;
    out.write_all(tree::fitted(&part, look, lines.saturating_sub(2)).as_bytes())?;
    let way = node.keys().next().filter(|key| is_name(key)).map_or_else(|| "_[0]".to_owned(), |key| format!("_.{key}"));
    writeln!(out, "{}", look.paint(style::FAINT, &format!("{way} goes on · :tree and :json show all")))
}

fn is_name(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A record as `name  value` lines. What nests deep in it is told with its size.
fn record(out: &mut dyn Write, fields: &Map<String, Value>, look: &Look, lines: usize) -> io::Result<()> {
    if fields.is_empty() {
        return writeln!(out, "{}", look.paint(style::FAINT, "no fields"));
    }
    let most = lines.saturating_sub(1);
    let shown = if fields.len() <= lines { fields.len() } else { most };
    let name_width = fields.keys().take(shown).map(|name| fit::width(&fit::line(name))).max().unwrap_or(0);
    let room = look.width.map(|width| width.saturating_sub(name_width + GAP).max(8));
    let (mut nested, mut cell) = (false, Cell::default());
    for (name, field) in fields.iter().take(shown) {
        let name = fit::line(name);
        let pad = " ".repeat(name_width - fit::width(&name) + GAP);
        let said = if is_deep(field) {
            nested = true;
            let text = tree::summary(&Part::from(field));
            look.paint(style::FAINT, &room.map_or(text.clone(), |room| fit::middle(&text, room).into_owned()))
        } else {
            cell.fill(field);
            let text = room.map_or(cell.text().into(), |room| fit::name(cell.text(), room));
            style::status(cell.text()).map_or_else(|| text.to_string(), |color| look.paint(color, &text))
        };
        writeln!(out, "{}", format!("{}{pad}{said}", look.paint(style::HEADING, &name)).trim_end())?;
    }
    if shown < fields.len() {
        return more(out, look, fields.len() - shown, "fields", ":tree");
    }
    if nested { writeln!(out, "{}", look.paint(style::FAINT, ":tree shows what is nested")) } else { Ok(()) }
}

/// Whether a value is more than a scalar, or a list or an object of scalars.
fn is_deep(value: &Value) -> bool {
    let has_members = |value: &Value| value.is_array() || value.is_object();
    match value {
        Value::Array(items) => items.iter().any(has_members),
        Value::Object(fields) => fields.values().any(has_members),
        _ => false,
    }
}

/// A list of scalars: on one line, or in as many columns as fit.
fn list(out: &mut dyn Write, items: &[Value], look: &Look, lines: usize) -> io::Result<()> {
    if items.is_empty() {
        return writeln!(out, "{}", look.paint(style::FAINT, "no rows"));
    }
    if is_deep(&Value::Array(items.to_vec())) {
        return nested_list(out, items, look, lines);
    }
    let line = format!("[{}]", items.iter().map(Value::to_string).collect::<Vec<_>>().join(", "));
    if items.len() <= ONE_LINE && fit::width(&line) <= look.width.unwrap_or(80) {
        return writeln!(out, "{}", fit::line(&line));
    }
    columns(out, items, look, lines)
}

fn nested_list(out: &mut dyn Write, items: &[Value], look: &Look, lines: usize) -> io::Result<()> {
    let whole = Value::Array(items.to_vec());
    let part = Part::from(&whole);
    writeln!(out, "{}", look.paint(style::FAINT, &tree::title(&part)))?;
    out.write_all(tree::fitted(&part, look, lines.saturating_sub(2)).as_bytes())?;
    writeln!(out, "{}", look.paint(style::FAINT, ":tree and :json show all"))
}

fn columns(out: &mut dyn Write, items: &[Value], look: &Look, lines: usize) -> io::Result<()> {
    let width = look.width.unwrap_or(80);
    // Enough to fill any screen, and however long the list is, no more is measured.
    let looked_at = &items[..items.len().min(lines.saturating_mul(width))];
    let mut numbers = true;
    let mut cell = Cell::default();
    let mut texts = Vec::with_capacity(looked_at.len());
    for item in looked_at {
        cell.fill(item);
        numbers &= cell.sort() != Sort::Words;
        texts.push(fit::name(cell.text(), width).into_owned());
    }
    let widest = texts.iter().map(|text| fit::width(text)).max().unwrap_or(1);
    let across = ((width + GAP) / (widest + GAP)).max(1);
    let shown = if texts.len() <= lines.saturating_mul(across) { texts.len() } else { lines.saturating_sub(1).max(1) * across };
    let down = shown.div_ceil(across);
    for row in 0..down {
        let mut line = String::new();
        for text in texts[..shown].iter().skip(row).step_by(down) {
            let pad = " ".repeat(widest - fit::width(text));
            let gap = if line.is_empty() { "" } else { "  " };
            line += &if numbers { format!("{gap}{pad}{text}") } else { format!("{gap}{text}{pad}") };
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    if shown < items.len() { more(out, look, items.len() - shown, "items", ":table") } else { Ok(()) }
}

#[cfg(test)]
#[path = "brief_tests.rs"]
mod tests;
