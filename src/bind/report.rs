//! What a playbook says: sections, findings, remarks.

use crate::error::{Error, Kind};
use crate::host::{Call, Fallible, convert, options};
use crate::render::{self, Format, Look};
use crate::report::{Content, Finding, Item, Section, Severity, Table};
use crate::suggest::nearest;
use rhai::plugin::*;
use rhai::{Array, Map};
use serde_json::Value;

crate::options! {
    /// What a finding may carry besides its text.
    pub struct FindingOptions as "finding options" {
        /// The object it is about, as `Kind/namespace/name`.
        pub resource: String,
        /// What proves it: text, rows, or an array of them.
        pub evidence: Value,
        /// What to do about it; may be several lines to paste.
        pub fix: String,
        /// Where to read more.
        pub docs: String,
    }
}

/// Say something in the report.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// Begin a new section of the report.
    ///
    /// ```rhai
    /// section("What istiod could not fetch")    // ()
    /// ```
    #[rhai_fn(return_raw)]
    pub fn section(context: NativeCallContext, title: &str) -> Fallible<()> {
        let call = Call::of(&context)?;
        let section = Section { title: title.into(), items: Vec::new() };
        if !call.session().open_section(section) {
            call.session().print(&format!("== {title}"));
        }
        Ok(())
    }

    /// Report a judgement: how bad (`ok`, `info`, `warning`, `error`), a stable code, and a sentence.
    ///
    /// Takes `finding options`. Evidence may be text, rows or an array of both. Returns the finding as a map.
    ///
    /// ```rhai
    /// finding("warning", "DEMO001", "something is odd", #{ evidence: ["a line"] }).code    // "DEMO001"
    /// ```
    #[rhai_fn(name = "finding", return_raw)]
    pub fn finding_with(context: NativeCallContext, severity: &str, code: &str, text: &str, more: Map) -> Fallible<Map> {
        let call = Call::of(&context)?;
        let severity = call.check(level(severity))?;
        let more: FindingOptions = options(&call, more)?;
        let finding = Finding {
            code: code.into(),
            severity,
            text: text.into(),
            resource: more.resource,
            evidence: listed(more.evidence),
            fix: more.fix,
            docs: more.docs,
        };
        let shown = serde_json::to_value(&finding).unwrap_or_default();
        call.session().tell(Item::Finding(finding));
        Ok(convert::from_value(shown).cast())
    }

    /// Report a judgement without evidence.
    ///
    /// ```rhai
    /// finding("info", "DEMO002", "worth knowing").severity    // "info"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn finding(context: NativeCallContext, severity: &str, code: &str, text: &str) -> Fallible<Map> {
        finding_with(context, severity, code, text, Map::new())
    }

    /// Report that something was looked at and is good.
    ///
    /// ```rhai
    /// ok("all proxies have the issuer's keys").severity    // "ok"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn ok(context: NativeCallContext, text: &str) -> Fallible<Map> {
        finding_with(context, "ok", "", text, Map::new())
    }

    /// Add a note: something worth knowing that is no judgement, such as what could not be asked.
    ///
    /// ```rhai
    /// note("looked at one replica only")    // ()
    /// ```
    #[rhai_fn(return_raw)]
    pub fn note(context: NativeCallContext, text: &str) -> Fallible<()> {
        Call::of(&context)?.mesh().note(text);
        Ok(())
    }

    /// Put rows into the report as a table, with these columns only. Returns the table.
    ///
    /// ```rhai
    /// show(pods("olaf"), ["name", "status"])    // 1 row
    /// ```
    #[rhai_fn(name = "show", return_raw)]
    pub fn show_columns(context: NativeCallContext, value: Array, columns: Array) -> Fallible<Table> {
        tell_table(&context, &value, Some(columns))
    }

    /// Put a value into the report as the prompt shows it: rows as a table, text as it is, anything else as JSON. Returns
    /// the table, or the value as it was given.
    ///
    /// ```rhai
    /// show(pods("olaf"));
    /// show(#{ a: 1 }).a    // 1
    /// ```
    #[rhai_fn(return_raw)]
    pub fn show(context: NativeCallContext, value: Dynamic) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        match convert::content(&value) {
            Content::Nothing => {}
            Content::Table(table) => {
                call.session().tell(Item::Table(table.clone()));
                return Ok(Dynamic::from(table));
            }
            Content::Text(text) => _ = call.session().tell(Item::Text(text)),
            other => {
                let mut text = Vec::new();
                // Memory takes all that is written to it.
                let _ = render::write(&mut text, &other, Format::Text, &Look::plain());
                call.session().tell(Item::Text(String::from_utf8_lossy(&text).trim_end().to_owned()));
            }
        }
        Ok(value)
    }
}

fn tell_table(context: &NativeCallContext, rows: &[Dynamic], columns: Option<Array>) -> Fallible<Table> {
    let call = Call::of(context)?;
    let table = super::values::table_of(&call, rows, columns)?;
    call.session().tell(Item::Table(table.clone()));
    Ok(table)
}

fn level(word: &str) -> Result<Severity, Error> {
    const WORDS: [&str; 4] = ["ok", "info", "warning", "error"];
    serde_json::from_value(Value::from(word)).map_err(|_| {
        let error = Error::new(Kind::BadInput, format!("{word:?} is no severity"));
        match nearest(word, WORDS) {
            Some(near) => error.hint(format!("did you mean {near:?}?")),
            None => error.hint(format!("it is one of {}", WORDS.join(", "))),
        }
    })
}

/// Evidence as a list, however it was given.
fn listed(evidence: Value) -> Vec<Value> {
    match evidence {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        one => vec![one],
    }
}
