//! Values to text: the only code that knows terminals.
//!
//! Every renderer is a pure function of a value and a [`Look`]; where the text goes is the caller's business.

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
mod value;
pub mod yaml;

pub use fit::{tame, wrap};
pub use style::Look;

use crate::report::Content;
use serde_json::Value;

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

/// The value of an expression, in a format. Ends with a line feed unless it is empty.
pub fn content(content: &Content, format: Format, look: &Look) -> String {
    let mut text = match format {
        Format::Text => text::content(content, look),
        Format::Json => json::pretty(&as_value(content)),
        Format::Yaml => yaml::value(&as_value(content)),
        Format::Csv => csv::content(content),
        Format::Markdown => markdown::content(content),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The value of an expression as plain JSON; a table is an array of records.
pub fn as_value(content: &Content) -> Value {
    match content {
        Content::Nothing => Value::Null,
        Content::Text(text) => Value::from(text.as_str()),
        Content::Table(table) => json::rows(table),
        Content::Value(value) => value.clone(),
    }
}
