//! Values to text: the only code that knows terminals.
//!
//! Every renderer is a pure function of a value and a [`Look`]; where the text goes is the caller's business.

pub mod brief;
mod chunks;
pub mod csv;
pub mod diagnostic;
mod evidence;
mod fit;
pub mod json;
mod looks;
pub mod markdown;
pub mod progress;
mod reindent;
pub mod style;
pub mod table;
pub mod tamed;
pub mod terminal_markdown;
pub mod text;
pub mod theme;
pub mod tree;
mod value;
pub mod yaml;

pub use fit::{head, line, middle, tame, width, wrap};
pub use looks::Looks;
pub use style::Look;
pub use theme::{Role, Theme};

use crate::report::{Content, Report};
use serde_json::Value;
use std::io::{self, Write};

/// The forms a value can be written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: aligned tables, fitted to the terminal.
    #[default]
    Text,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// GitHub's Markdown.
    Markdown,
}

/// Write the value of an expression in a format. It ends with a line feed unless it is empty.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, content: &Content, format: Format, look: &Look) -> io::Result<()> {
    match (format, content) {
        (Format::Text, _) => text::write(out, content, look),
        (Format::Csv, _) => csv::write(out, content),
        (Format::Markdown, _) => markdown::write(out, content),
        (Format::Json, Content::Table(table)) => json::write(out, &table.records()),
        (Format::Json, Content::Document(node)) => reindent::write(out, node.text()),
        (Format::Json, _) => json::write(out, &plain(content)),
        (Format::Yaml, Content::Table(table)) => yaml::table(out, table),
        (Format::Yaml, _) => out.write_all(yaml::value(&plain(content)).as_bytes()),
    }
}

/// Write a report in a format.
///
/// # Errors
/// Those of the writer.
pub fn write_report(out: &mut dyn Write, report: &Report, format: Format, look: &Look) -> io::Result<()> {
    match format {
        Format::Text => out.write_all(text::report(report, look).as_bytes()),
        Format::Json => json::write(out, &json::report(report)),
        Format::Yaml => out.write_all(yaml::value(&json::report(report)).as_bytes()),
        Format::Csv => csv::report(out, report),
        Format::Markdown => out.write_all(markdown::report(report).as_bytes()),
    }
}

/// What is no table, as JSON.
fn plain(content: &Content) -> Value {
    match content {
        Content::Text(text) => Value::from(text.as_str()),
        Content::Value(value) => value.clone(),
        // One that is too big to be built is told of.
        Content::Document(node) => node.to_value().unwrap_or_else(|_| tree::title(&node.clone().into()).into()),
        Content::Page(page) => page.data.clone(),
        Content::Nothing | Content::Table(_) => Value::Null,
    }
}

/// A count with its thousands apart.
pub(crate) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (number, digit) in digits.chars().enumerate() {
        if number > 0 && (digits.len() - number).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What is written, as text. Memory refuses nothing.
fn in_memory(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    let written = write(&mut bytes);
    debug_assert!(written.is_ok(), "{written:?}");
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
