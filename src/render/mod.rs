//! Values to text: the only code that knows terminals.
//!
//! Every renderer is a pure function of a value and a [`Look`]; where the text goes is the caller's business.

mod chunks;
pub mod csv;
pub mod diagnostic;
mod evidence;
mod fit;
pub mod json;
pub mod markdown;
pub mod progress;
pub mod style;
pub mod table;
pub mod terminal_markdown;
pub mod text;
pub mod theme;
mod value;
pub mod yaml;

pub use fit::{tame, wrap};
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
        Content::Nothing | Content::Table(_) => Value::Null,
    }
}

/// What is written, as text. Memory refuses nothing.
fn in_memory(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    let written = write(&mut bytes);
    debug_assert!(written.is_ok(), "{written:?}");
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
