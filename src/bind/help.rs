//! `help()`: what there is to know about a name, an error text or a value.

use crate::error::{Error, Result};
use crate::help::{self, Known};
use crate::host::{Call, Catalog, Entry, Fallible, OpenTape, Playbook, Row, Secret, convert};
use crate::json::Node;
use crate::report::{Page, Table};
use rhai::plugin::*;
use rhai::{Array, Dynamic, FnPtr, Map};
use serde_json::json;

/// The most keys of a map, and functions of its type, that are told.
const SHOWN: usize = 40;

/// Where help finds what it tells.
fn known(context: &NativeCallContext, tell: impl FnOnce(&Known) -> Result<Page>) -> Fallible<Page> {
    let call = Call::of(context)?;
    let playbooks: Vec<Playbook> = call.playbooks();
    call.check(tell(&Known { catalog: call.catalog(context), playbooks: &playbooks }))
}

/// The page about a value.
fn about_value(known: &Known, value: &Dynamic) -> Result<Page> {
    if value.is_int() || value.is_float() {
        return help::about(known, &value.to_string());
    }
    if let Some(row) = value.read_lock::<Row>() {
        return Ok(rows(known, &row, &format!("# A row of kind {}", row.shape().kind)));
    }
    if let Some(items) = value.read_lock::<Array>() {
        return Ok(array(known, &items));
    }
    if let Some(table) = value.read_lock::<Table>() {
        let columns = names(table.columns.iter().map(String::as_str));
        let text = format!("# A table of {} rows\n\nColumns: {columns}.\n", table.rows.len());
        return Ok(help::page(text, json!({"kind": "table", "columns": table.columns})));
    }
    if let Some(function) = value.read_lock::<FnPtr>() {
        let named = help::named(known, function.fn_name());
        return Ok(named.unwrap_or_else(|| plain(known, "closure", "A closure: a function without a name.")));
    }
    if let Some(error) = value.read_lock::<Error>() {
        return Ok(failure(known, &error));
    }
    Ok(of_type(known, value))
}

/// A row: its columns, where it came from, what gives such rows and what takes them.
fn rows(known: &Known, row: &Row, head: &str) -> Page {
    let shape = row.shape();
    let schema = known.catalog.schemas.iter().find(|schema| schema.name == shape.kind);
    let told = schema.map(|schema| help::listed(schema)).unwrap_or_default();
    let doc = |name: &str| told.iter().find(|(known, _)| known == name).map(|(_, doc)| doc.clone()).unwrap_or_default();
    let columns: Vec<(String, String)> =
        shape.columns.iter().map(|column| (column.name.to_string(), doc(column.name.as_str()))).collect();
    let from = row.origin().map(|origin| format!("\n\nIt came from {}.", origin.told())).unwrap_or_default();
    help::kind(known, &shape.kind, &columns, &format!("{head}{from}"))
}

fn array(known: &Known, items: &Array) -> Page {
    let count = items.len();
    let Some(first) = items.first() else { return plain(known, "array", "An array without items.") };
    let same = |kind: &str| items.iter().all(|item| item.read_lock::<Row>().is_some_and(|row| row.shape().kind == kind));
    if let Some(row) = first.read_lock::<Row>()
        && same(&row.shape().kind)
    {
        let rows_are = if count == 1 { "1 row".to_owned() } else { format!("{count} rows") };
        return rows(known, &row, &format!("# {rows_are} of kind {}", row.shape().kind));
    }
    if let Some(map) = first.read_lock::<Map>() {
        let text = format!("An array of {count}; the first is a map of {}.", names(map.keys().map(|key| key.as_str())));
        return plain(known, "array", &text);
    }
    plain(known, "array", &format!("An array of {count}; the first is of type {}.", convert::type_word(first)))
}

fn failure(known: &Known, error: &Error) -> Page {
    let mut text = format!("# An error\n\n{error}\n");
    if let Some(hint) = error.next_step() {
        text += &format!("\n{hint}\n");
    }
    let found = help::about(known, error.message()).ok();
    if let Some(found) = &found {
        text += &format!("\n#{}", found.markdown);
    }
    help::page(text, json!({"kind": "error", "message": error.message(), "help": found.map(|found| found.data)}))
}

fn of_type(known: &Known, value: &Dynamic) -> Page {
    if let Some(map) = value.read_lock::<Map>() {
        return plain(known, "map", &format!("A map of {}.", names(map.keys().map(|key| key.as_str()))));
    }
    if let Some(node) = value.read_lock::<Node>() {
        let keys: Vec<String> = node.keys().take(SHOWN + 1).collect();
        let holds = if keys.is_empty() { format!("{} members", node.len()) } else { names(keys.iter().map(String::as_str)) };
        return plain(known, "document", &format!("A document ({}, {} bytes): {holds}.", node.kind().word(), node.size()));
    }
    if let Some(tape) = value.read_lock::<OpenTape>() {
        return plain(known, "tape", &format!("A tape: {}.", *tape));
    }
    if value.is::<Secret>() {
        return plain(known, "secret", "Text that is never shown.");
    }
    if value.is_unit() {
        return plain(known, "nothing", "Nothing: `()`. Functions that look for something give it when there is none.");
    }
    let word = convert::type_word(value);
    plain(known, &word, &format!("A value of type {word}."))
}

/// What a value of this type is, and the functions that take such values first.
fn plain(known: &Known, kind: &str, told: &str) -> Page {
    let mut text = format!("# {kind}\n\n{told}\n");
    let (own, language) = takers(known.catalog, kind);
    if !own.is_empty() {
        text += &format!("\nFunctions that take it: {}.\n", names(own.iter().map(String::as_str)));
    }
    if !language.is_empty() {
        text += &format!("\nThe language's own: {}.\n", names(language.iter().map(String::as_str)));
    }
    help::page(text, json!({"kind": kind, "taken_by": own, "language": language}))
}

/// The functions whose first parameter is of this type: ours, and those of the language.
fn takers(catalog: &Catalog, kind: &str) -> (Vec<String>, Vec<String>) {
    let first = format!(": {kind}");
    let takes = |signature: &String| {
        let inside = signature.split_once('(').map_or("", |(_, rest)| rest);
        inside.split([',', ')']).next().is_some_and(|parameter| parameter.ends_with(&first))
    };
    // Whoever asks a proxy asks all of a tape.
    let asks = |entry: &&Entry| kind == "tape" && entry.parameters().any(|name| name == "proxy");
    let own = catalog.entries.iter().filter(|entry| asks(entry) || entry.signatures.iter().any(takes));
    let own = own.map(|entry| entry.full_name());
    let language = catalog.methods().filter(|entry| entry.signatures.iter().any(takes)).map(|entry| entry.name.clone());
    (own.collect(), language.collect())
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<String> = all.map(|name| format!("`{name}`")).collect();
    match all.len() {
        0 => "nothing".into(),
        count if count > SHOWN => format!("{} and {} more", all[..SHOWN].join(", "), count - SHOWN),
        _ => all.join(", "),
    }
}

#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// What can be called, run and typed, and how to ask for more.
    ///
    /// ```rhai
    /// help().to_string().contains("endpoints")    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn help(context: NativeCallContext) -> Fallible<Page> {
        known(&context, |known| help::about(known, ""))
    }

    /// The page about a name, or what helps with an error text, a code, a response flag or a few words.
    ///
    /// Names are those of functions, modules, playbooks, commands and rows; of a function the name will do: `help(endpoints)`.
    ///
    /// ```rhai
    /// help("no healthy upstream").to_string().contains("endpoints(proxy)")    // true
    /// ```
    #[rhai_fn(name = "help", return_raw)]
    pub fn help_about(context: NativeCallContext, about: &str) -> Fallible<Page> {
        known(&context, |known| help::about(known, about))
    }

    /// What a value is: of rows their columns, where they came from, and the functions that give and take such.
    ///
    /// A variable goes before a function of the same name: then `help("pods")` tells of the function. Of an error, what helps.
    ///
    /// ```rhai
    /// help(pods("olaf")[0]).to_string().contains("Functions that take them")    // true
    /// ```
    #[rhai_fn(name = "help", return_raw)]
    pub fn help_value(context: NativeCallContext, about: Dynamic) -> Fallible<Page> {
        known(&context, |known| about_value(known, &about))
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn show(page: &mut Page) -> String {
        page.markdown.clone()
    }
}
