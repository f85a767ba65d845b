//! Reports and values for people: the verdict at a glance, the proof below it, the repair ready to paste.

use super::evidence::{Piece, pieces};
use super::style::{self, Look};
use super::{fit, table, terminal_markdown, value};
use crate::called::as_called;
use crate::host::convert::SHOWN;
use crate::host::describe;
use crate::report::{Content, Finding, Item, Report, Section, Severity};
use serde_json::Value;
use std::borrow::Cow;
use std::io::{self, Write};

/// A whole report. What is to be pasted stands at the left edge, whole and undecorated.
pub fn report(report: &Report, look: &Look) -> String {
    let mut text = head(report, look);
    for part in &report.sections {
        section(part, look, &mut text);
    }
    repairs(report, look, &mut text);
    if !report.notes.is_empty() {
        blank_line(&mut text);
        text += &format!("{}\n", look.paint(style::HEADING, "Notes"));
        for note in &report.notes {
            text += &hanging("- ", note, "  ", look);
        }
    }
    blank_line(&mut text);
    text + verdict(report, look).as_str() + "\n"
}

/// One blank line, and never two.
fn blank_line(text: &mut String) {
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
}

fn head(report: &Report, look: &Look) -> String {
    let mut text = look.paint(style::HEADING, &fit::line(&report.title)) + "\n";
    let given = report.params.iter().filter(|(_, value)| !is_blank(value));
    let given: serde_json::Map<String, Value> = given.map(|(name, value)| (name.clone(), value.clone())).collect();
    for line in value::record_lines(&given, look.width.map(|width| width.saturating_sub(2))) {
        text += &format!("  {}\n", look.paint(style::FAINT, &line));
    }
    text
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn section(section: &Section, look: &Look, text: &mut String) {
    blank_line(text);
    if !section.title.is_empty() {
        *text += &format!("{}\n", look.paint(style::HEADING, &fit::line(&section.title)));
    }
    for (number, item) in section.items.iter().enumerate() {
        match item {
            Item::Finding(finding) => {
                let block = self::finding(finding, look);
                let tall = block.lines().count() > 1;
                if tall && number > 0 {
                    blank_line(text);
                }
                *text += &block;
                if tall {
                    blank_line(text);
                }
            }
            Item::Text(said) => *text += &printed(said),
            Item::Table(rows) => *text += &table::table(rows, look),
        }
    }
}

/// Printed text: as it came, but for control characters.
fn printed(text: &str) -> String {
    let mut text = fit::tame(text).into_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// One finding with its proof and its repair.
pub fn finding(finding: &Finding, look: &Look) -> String {
    let (sign, word, color) = style::severity(finding.severity);
    let label = [sign, word, &finding.code].join(" ");
    let label = label.trim_end();
    let lines = fit::wrap(&fit::tame(&finding.text), look.width.map(|width| width.saturating_sub(fit::width(label) + 2).max(24)));
    let indent = " ".repeat(fit::width(label) + 2);
    let mut text = format!("{}  {}\n", look.paint(color, label), lines.first().map_or("", String::as_str));
    for line in lines.iter().skip(1) {
        text += format!("{indent}{line}").trim_end();
        text.push('\n');
    }
    if !finding.resource.is_empty() {
        text += &format!("  {} {}\n", look.paint(style::FAINT, "on"), fit::line(&finding.resource));
    }
    text += &evidence(&finding.evidence, look);
    text += &fix(finding, look);
    if !finding.docs.is_empty() {
        text += &format!("  {} {}\n", look.paint(style::FAINT, "more"), fit::line(&finding.docs));
    }
    text
}

fn evidence(evidence: &[Value], look: &Look) -> String {
    let inner = Look { width: look.width.map(|width| width.saturating_sub(4).max(20)), ..*look };
    let mut text = String::new();
    for piece in pieces(evidence) {
        let block = match piece {
            Piece::Line(line) => hanging("", line, "  ", &inner),
            Piece::Table(rows) => table::table(&rows, &inner),
            Piece::Record(record) => value::record_lines(record, inner.width).join("\n"),
            Piece::Other(other) => hanging("", &value::cell(other), "  ", &inner),
        };
        for line in block.lines() {
            text += format!("    {line}").trim_end();
            text.push('\n');
        }
    }
    text
}

/// A fix of one line stands beside its word. A longer one waits at the end of the report: findings are read together first.
fn fix(finding: &Finding, look: &Look) -> String {
    let word = look.paint(style::GOOD, "fix");
    let tamed = fit::tame(finding.fix.trim_end());
    match tamed.lines().count() {
        0 => String::new(),
        1 => format!("  {word} {tamed}\n"),
        _ => format!("  {word} {}\n", look.paint(style::FAINT, "below, under Repair")),
    }
}

/// The longer fixes: never indented, wrapped or decorated, for they are to be pasted.
fn repairs(report: &Report, look: &Look, text: &mut String) {
    let tall = |finding: &&Finding| finding.fix.trim_end().lines().count() > 1;
    for (number, finding) in report.findings().filter(tall).enumerate() {
        blank_line(text);
        if number == 0 {
            *text += &format!("{}\n\n", look.paint(style::HEADING, "Repair"));
        }
        let about = [finding.code.as_str(), finding.resource.as_str()].join("  ");
        *text += &format!("{}\n\n", look.paint(style::GOOD, fit::line(about.trim()).as_ref()));
        *text += &format!("{}\n", fit::tame(finding.fix.trim_end()));
    }
}

fn hanging(first: &str, text: &str, indent: &str, look: &Look) -> String {
    let limit = look.width.map(|width| width.saturating_sub(fit::width(first).max(fit::width(indent))));
    let lines = fit::wrap(&fit::tame(text), limit);
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        out += format!("{}{line}", if number == 0 { first } else { indent }).trim_end();
        out.push('\n');
    }
    out
}

/// The verdict in one line: the worst severity, how many of each, and the codes that made it so.
pub fn verdict(report: &Report, look: &Look) -> String {
    let worst = report.status();
    let (sign, word, color) = style::severity(worst);
    let mut parts = vec![counts(report)];
    if worst >= Severity::Warning {
        let mut codes: Vec<&str> = Vec::new();
        for finding in report.findings().filter(|finding| finding.severity == worst && !finding.code.is_empty()) {
            if !codes.contains(&finding.code.as_str()) {
                codes.push(&finding.code);
            }
        }
        parts.push(codes.join(" "));
    }
    if !report.notes.is_empty() {
        parts.push(plural(report.notes.len(), "note"));
    }
    parts.retain(|part| !part.is_empty());
    format!("{}  {}", look.paint(color, &format!("{sign} {word}")), parts.join(" · "))
}

/// How many findings of each severity: `2 errors, 1 info, 3 ok`.
pub fn counts(report: &Report) -> String {
    let count = |severity| report.findings().filter(|finding| finding.severity == severity).count();
    let all = report.findings().count();
    if all > 0 && count(Severity::Ok) == all {
        return format!("nothing wrong in {}", plural(all, "check"));
    }
    let mut parts = Vec::new();
    for (severity, word) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        if count(severity) > 0 {
            parts.push(plural(count(severity), word));
        }
    }
    for (severity, word) in [(Severity::Info, "info"), (Severity::Ok, "ok")] {
        if count(severity) > 0 {
            parts.push(format!("{} {word}", count(severity)));
        }
    }
    if parts.is_empty() { "no findings".into() } else { parts.join(", ") }
}

fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// Write the value of an expression, for people.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, content: &Content, look: &Look) -> io::Result<()> {
    let text = match content {
        Content::Nothing => return Ok(()),
        Content::Table(rows) => return table::write(out, rows, look),
        Content::Page(page) if look.terminal => Cow::Owned(terminal_markdown::render(&page.markdown, look)),
        Content::Page(page) => as_called(&page.markdown),
        Content::Text(text) | Content::Value(Value::String(text)) if look.terminal => fit::tame(text),
        Content::Text(text) | Content::Value(Value::String(text)) => Cow::Borrowed(text.as_str()),
        Content::Document(node) if node.size() > SHOWN => Cow::Owned(describe(node)),
        Content::Document(_) => return write(out, &Content::Value(super::plain(content)), look),
        Content::Value(whole) => match value::as_table(whole) {
            Some(rows) => return table::write(out, &rows, look),
            None => Cow::Owned(nested(whole)),
        },
    };
    out.write_all(text.as_bytes())?;
    if text.is_empty() || text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") }
}

/// Scalars as they are, anything with parts as indented JSON.
fn nested(value: &Value) -> String {
    fit::tame(&format!("{value:#}")).into_owned()
}

#[cfg(test)]
#[path = "text_tests.rs"]
pub(crate) mod tests;
