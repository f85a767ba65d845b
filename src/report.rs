//! What an investigation says: one model, rendered by every output format.

use crate::json::Node;
pub use crate::table::{Rows, Source, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the JSON form of a [`Report`].
pub const REPORT_VERSION: u32 = 1;

/// A whole report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What the investigation is called.
    pub title: String,
    /// The parameters it ran with; secrets are already redacted.
    pub params: Map<String, Value>,
    /// Its sections, in order. What comes before the first `section()` stands in one without a title.
    pub sections: Vec<Section>,
    /// Things worth knowing that are not findings: a pod that did not answer, a permission that is missing.
    pub notes: Vec<String>,
}

/// A titled part of a report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Its heading; empty for what comes before the first heading.
    pub title: String,
    /// What it says, in order.
    pub items: Vec<Item>,
}

/// One thing that a section says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A judgement.
    Finding(Finding),
    /// A remark: printed text.
    Text(String),
    /// A table.
    Table(Table),
}

/// A judgement with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable code: `JWKS001`. Empty for plain `ok()`.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// The judgement in a sentence.
    pub text: String,
    /// The object it is about: `RequestAuthentication/olaf-customer/customerjwt`.
    pub resource: String,
    /// What proves it: strings, or records.
    pub evidence: Vec<Value>,
    /// What to do about it; may hold several lines to paste.
    pub fix: String,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docs: String,
}

/// How bad a finding is, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Looked at, and good.
    Ok,
    /// Worth knowing.
    Info,
    /// May become, or explain, a fault.
    Warning,
    /// A fault.
    Error,
}

/// What the value of an expression shows itself as.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The unit value: nothing is printed.
    Nothing,
    /// Text, printed as it is.
    Text(String),
    /// Rows.
    Table(Table),
    /// A document, read where it is looked at.
    Document(Node),
    /// A page of the reference.
    Page(Page),
    /// Anything else.
    Value(Value),
}

/// A page of the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// For people, as Markdown. It ends with a line feed.
    pub markdown: String,
    /// The same as data.
    pub data: Value,
}

impl Report {
    /// All findings of all sections, in order.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.sections.iter().flat_map(|section| &section.items).filter_map(|item| match item {
            Item::Finding(finding) => Some(finding),
            _ => None,
        })
    }

    /// The worst severity found; `Ok` when nothing was.
    pub fn status(&self) -> Severity {
        self.findings().map(|finding| finding.severity).max().unwrap_or(Severity::Ok)
    }

    /// The section at hand; opened without a title when there is none yet.
    pub fn section_mut(&mut self) -> &mut Section {
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        self.sections.last_mut().unwrap_or_else(|| unreachable!("one was pushed"))
    }
}
