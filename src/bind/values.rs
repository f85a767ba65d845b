//! Values: tables, JSON and YAML, files, the clock, and what arrays of rows can do.

use super::clean::Owner;
use super::source::{allowed, file_document, ordinary, unreadable};
use crate::error::{Error, Kind, Result};
use crate::host::{Call, Fallible, Files, Reading, Row, convert, from_node};
use crate::json::Node;
use crate::mesh::Mesh;
use crate::render;
use crate::report::Table;
use crate::suggest::nearest;
use rhai::plugin::*;
use rhai::{Array, Map};
use serde_json::Value;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufWriter, Read, Write};
use std::path::Path;

/// Turn values into text, keep them, and pick from rows.
#[export_module]
#[allow(clippy::unwrap_used)] // in the code that the attribute writes
pub mod functions {
    /// Show rows as a table with these columns only, in this order.
    ///
    /// ```rhai
    /// table(pods("olaf"), ["name", "status"])    // 1 row
    /// ```
    #[rhai_fn(name = "table", pure, return_raw)]
    pub fn table_columns(context: NativeCallContext, rows: &mut Array, columns: Array) -> Fallible<Table> {
        table_of(&Call::of(&context)?, rows, Some(columns))
    }

    /// Show rows, or an array of maps, as a table.
    ///
    /// ```rhai
    /// table([#{ name: "a", count: 1 }])    // 1 row
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn table(context: NativeCallContext, rows: &mut Array) -> Fallible<Table> {
        table_of(&Call::of(&context)?, rows, None)
    }

    /// A value as JSON text, indented.
    ///
    /// ```rhai
    /// json([1, 2]).contains("1")    // true
    /// ```
    pub fn json(value: Dynamic) -> String {
        match value.read_lock::<Node>() {
            Some(node) => node.text().to_owned(),
            None => render::json::pretty(&convert::Plain(&value)).trim_end().to_owned(),
        }
    }

    /// A value as YAML text.
    ///
    /// ```rhai
    /// yaml(#{ a: 1 })    // "a: 1\n"
    /// ```
    pub fn yaml(value: Dynamic) -> String {
        render::yaml::value(&convert::Plain(&value))
    }

    /// Keep a value in a file: `.yaml` as YAML, text as it is, anything else as JSON. Returns the path.
    ///
    /// A playbook may only write new files below the folder it is run in, and no hidden ones; at the prompt an existing file is replaced.
    ///
    /// ```rhai
    /// save(pods("olaf"), "/tmp/pilotage-pods.json")    // "/tmp/pilotage-pods.json"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn save(context: NativeCallContext, value: Dynamic, file: &str) -> Fallible<String> {
        let call = Call::of(&context)?;
        let files = call.session().files();
        let path = call.check(allowed(&files, file))?;
        if matches!(files, Files::Below(_)) && path.exists() {
            let error = Error::new(Kind::Refused, format!("{file} exists, and a playbook may not replace files"));
            return Err(call.fail(error.hint("give it another name, or remove the file first")));
        }
        call.check(write(&path, &value))?;
        call.session().did(|deeds| deeds.wrote = true);
        Ok(file.into())
    }

    /// Read a file: `.json` as a document of any size (`.to_map()` makes it a map), `.yaml` as values, anything else as text.
    ///
    /// A JSON file that is cut off gives what came whole, with a note. Private keys and tokens in a proxy's config dump are
    /// taken out, as they are when the proxy answers; other files come as they are. A playbook may only read below the folder it is run in.
    ///
    /// ```rhai
    /// save(#{ a: 1 }, "/tmp/pilotage-a.json");
    /// load("/tmp/pilotage-a.json").a    // 1
    /// ```
    #[rhai_fn(return_raw)]
    pub fn load(context: NativeCallContext, file: &str) -> Fallible<Dynamic> {
        let call = Call::of(&context)?;
        let path = call.check(allowed(&call.session().files(), file))?;
        call.check(read(call.mesh(), file, &path, call.session().reading()))
    }

    /// The time to judge by, as RFC 3339 text in UTC: the clock, or the time of recording when a tape is replayed.
    ///
    /// ```rhai
    /// now() > "2020-01-01T00:00:00Z"    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn now(context: NativeCallContext) -> Fallible<String> {
        Ok(Call::of(&context)?.mesh().now().to_string())
    }

    /// The rows whose fields have these values.
    ///
    /// ```rhai
    /// pods("*").where(#{ namespace: "olaf" }).len()    // 1
    /// ```
    #[rhai_fn(name = "where", pure, return_raw)]
    pub fn filter_where(context: NativeCallContext, rows: &mut Array, fields: Map) -> Fallible<Array> {
        let call = Call::of(&context)?;
        for name in fields.keys() {
            known_column(&call, rows, name)?;
        }
        let fields: Vec<_> = fields.iter().map(|(name, wanted)| (name.as_str(), convert::to_value(wanted))).collect();
        let fits = |row: &&Dynamic| fields.iter().all(|(name, wanted)| convert::field(row, name) == *wanted);
        Ok(rows.iter().filter(fits).cloned().collect())
    }

    /// The rows in the order of a field.
    ///
    /// ```rhai
    /// pods("*").sort_by("name")[0].name < "d"    // true
    /// ```
    #[rhai_fn(return_raw)]
    pub fn sort_by(context: NativeCallContext, mut rows: Array, field: &str) -> Fallible<Array> {
        known_column(&Call::of(&context)?, &rows, field)?;
        rows.sort_by_cached_key(|row| SortKey(convert::field(row, field)));
        Ok(rows)
    }

    /// How many rows have each value of a field, as a map.
    ///
    /// ```rhai
    /// count_by(pods("*"), "namespace")["olaf"]    // 1
    /// ```
    #[rhai_fn(pure, return_raw)]
    pub fn count_by(context: NativeCallContext, rows: &mut Array, field: &str) -> Fallible<Map> {
        known_column(&Call::of(&context)?, rows, field)?;
        let mut counts = Map::new();
        for row in rows {
            let key = match convert::field(row, field) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            let count = counts.entry(key.into()).or_insert_with(|| Dynamic::from(0_i64));
            *count = (count.as_int().unwrap_or(0) + 1).into();
        }
        Ok(counts)
    }

    /// The first item of an array, or `()` when it is empty.
    ///
    /// ```rhai
    /// first([7, 8])    // 7
    /// ```
    #[rhai_fn(pure)]
    pub fn first(items: &mut Array) -> Dynamic {
        items.first().cloned().unwrap_or(Dynamic::UNIT)
    }

    /// The last item of an array, or `()` when it is empty.
    ///
    /// ```rhai
    /// last([7, 8])    // 8
    /// ```
    #[rhai_fn(pure)]
    pub fn last(items: &mut Array) -> Dynamic {
        items.last().cloned().unwrap_or(Dynamic::UNIT)
    }

    /// The different items of an array, in the order in which they first appear.
    ///
    /// ```rhai
    /// unique(["a", "b", "a"])    // ["a","b"]
    /// ```
    #[rhai_fn(pure)]
    pub fn unique(items: &mut Array) -> Array {
        different(items)
    }

    /// The items of an array as one text, with something between them.
    ///
    /// ```rhai
    /// ["a", "b"].join(", ")    // "a, b"
    /// ```
    #[rhai_fn(pure)]
    pub fn join(items: &mut Array, between: &str) -> String {
        let mut text = String::new();
        for (number, item) in items.iter().enumerate() {
            text.push_str(if number == 0 { "" } else { between });
            match item.read_lock::<rhai::ImmutableString>() {
                Some(part) => text.push_str(&part),
                None => text.push_str(&item.to_string()),
            }
        }
        text
    }

    /// Whether secret text is empty.
    ///
    /// ```rhai
    /// secret("").is_empty()    // true
    /// ```
    #[rhai_fn(pure)]
    pub fn is_empty(text: &mut crate::host::Secret) -> bool {
        text.is_empty()
    }

    /// Text that is never shown: a token to pass on.
    ///
    /// ```rhai
    /// secret("hunter2").to_string().contains("hunter2")    // false
    /// ```
    pub fn secret(text: &str) -> crate::host::Secret {
        crate::host::Secret::new(text)
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn show_secret(text: &mut crate::host::Secret) -> String {
        text.to_string()
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn show_table(table: &mut Table) -> String {
        convert::to_value(&Dynamic::from(table.clone())).to_string()
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn show_error(error: &mut Error) -> String {
        error.to_string()
    }

    /// What was caught, as an error with `kind`, `message`, `hint` and `told`: from pilotage's functions it is one already, the
    /// language itself throws maps, and `throw` whatever it is given.
    ///
    /// ```rhai
    /// let kind = "none";
    /// try { podz("olaf") } catch (caught) { kind = as_error(caught).kind }
    /// kind    // "script"
    /// ```
    #[rhai_fn(return_raw)]
    pub fn as_error(context: NativeCallContext, caught: Dynamic) -> Fallible<Error> {
        Ok(crate::host::caught(&caught, Call::of(&context)?.catalog(&context)))
    }

    /// What sort of failure a caught error is: `not_found`, `forbidden`, `timeout`, `tls` …
    #[rhai_fn(get = "kind", pure)]
    pub fn error_kind(error: &mut Error) -> String {
        error.kind().word()
    }

    /// What a caught error says, causes included.
    #[rhai_fn(get = "message", pure)]
    pub fn error_message(error: &mut Error) -> String {
        error.to_string()
    }

    /// The next step a caught error suggests; empty when it knows none.
    #[rhai_fn(get = "hint", pure)]
    pub fn error_hint(error: &mut Error) -> String {
        error.next_step().unwrap_or_default().into()
    }

    /// What a caught error says and the next step it suggests, in one line: for a note.
    #[rhai_fn(get = "told", pure)]
    pub fn error_told(error: &mut Error) -> String {
        match error.next_step() {
            Some(step) => format!("{error}; {step}"),
            None => error.to_string(),
        }
    }
}

/// The items that equal none before them. What each says is kept as a fingerprint: a mesh has many long rows.
fn different(items: &[Dynamic]) -> Array {
    let mut seen: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut kept = Array::new();
    for item in items {
        let value = convert::to_value(item);
        let same = seen.entry(fingerprint(&value)).or_default();
        if !same.iter().any(|number| convert::to_value(&kept[*number]) == value) {
            same.push(kept.len());
            kept.push(item.clone());
        }
    }
    kept
}

fn fingerprint(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    hasher.finish()
}

/// JSON values in their natural order: numbers by size, everything else by its text.
struct SortKey(Value);

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for SortKey {}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (&self.0, &other.0) {
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (a, b) => match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => a.to_string().cmp(&b.to_string()),
            },
        }
    }
}

/// Rows as a table, with the columns chosen or those that a table for people shows.
pub(super) fn table_of(call: &Call, rows: &[Dynamic], columns: Option<Array>) -> Fallible<Table> {
    let all = match convert::table(rows) {
        Some(table) => table,
        None if rows.is_empty() => Table::default(),
        None => {
            return Err(call.fail(Error::new(Kind::BadInput, "a table is made of rows or maps").hint("give it an array of them")));
        }
    };
    let Some(columns) = columns else { return Ok(all) };
    let mut chosen = Vec::new();
    for column in columns {
        let name = column.to_string();
        known_column(call, rows, &name)?;
        chosen.push(name);
    }
    Ok(convert::chosen(rows, chosen))
}

fn known_column(call: &Call, rows: &[Dynamic], name: &str) -> Fallible<()> {
    // Maps have whatever fields they have; of rows and documents, the first tells what the others are like.
    let known = |row: &Dynamic| match (row.read_lock::<Row>(), row.read_lock::<Node>()) {
        (Some(row), _) => row.shape().index(name).is_some(),
        (_, Some(node)) => node.get(name).is_some(),
        _ => true,
    };
    if rows.first().is_none_or(known) || rows.iter().any(Dynamic::is_map) {
        return Ok(());
    }
    let columns = convert::table(&rows[..1]).map(|table| table.columns).unwrap_or_default();
    let kind = rows.first().and_then(|row| row.read_lock::<Row>().map(|row| row.shape().kind.clone())).unwrap_or_default();
    let error = Error::new(Kind::BadInput, format!("{kind} rows have no field {name:?}"));
    Err(call.fail(match nearest(name, columns.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near:?}?")),
        None => error.hint(format!("their fields are: {}", columns.join(", "))),
    }))
}

fn write(path: &Path, value: &Dynamic) -> Result<()> {
    let yaml = matches!(path.extension().and_then(|ending| ending.to_str()), Some("yaml" | "yml"));
    let written = match value.read_lock::<Node>() {
        // A document is kept as it came, whatever its size.
        Some(node) if !yaml => std::fs::write(path, node.text()),
        Some(node) => std::fs::write(path, render::yaml::value(&node.to_value()?)),
        None => std::fs::File::create(path).and_then(|file| write_plain(&mut BufWriter::new(file), value, yaml)),
    };
    written.map_err(|error| on_file("written", path, &error))
}

fn write_plain(out: &mut impl Write, value: &Dynamic, yaml: bool) -> std::io::Result<()> {
    match convert::text(value) {
        _ if yaml => out.write_all(render::yaml::value(&convert::Plain(value)).as_bytes())?,
        Some(text) => out.write_all(text.as_bytes())?,
        None => render::json::write(&mut *out, &convert::Plain(value))?,
    }
    out.flush()
}

fn read(mesh: &Mesh, name: &str, path: &Path, reading: Reading) -> Result<Dynamic> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    if ending == Some("json") {
        return Ok(from_node(&file_document(mesh, name, path, Owner::Script, reading)?.root()));
    }
    let mut bytes = Vec::new();
    ordinary(name, path)?.read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    let bad = |error: String| Error::new(Kind::File, format!("{} is not what its name says", path.display())).cause(error);
    let text = String::from_utf8(bytes).map_err(|error| bad(error.to_string()))?;
    match ending {
        Some("yaml" | "yml") => {
            serde_saphyr::from_str::<Value>(&text).map(convert::from_value).map_err(|error| bad(error.to_string()))
        }
        _ => Ok(text.into()),
    }
}

fn on_file(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::File, format!("{} cannot be {what}", path.display())).caused_by(error)
}
