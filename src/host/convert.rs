//! Values of scripts ⇄ JSON, and what a value shows itself as.

use super::json_value;
use super::results::Results;
use super::row::Row;
use super::secret::Secret;
use super::tables;
pub use super::tables::{chosen, table};
use super::tape::OpenTape;
use crate::error::Error;
use crate::json::Node;
use crate::report::{Content, Page, Table};
use rhai::{Array, Blob, Dynamic, FLOAT, FnPtr, INT, ImmutableString, Map};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// What a value is, in the words of the language.
pub fn type_word(value: &Dynamic) -> String {
    super::explain::plain_types(value.type_name())
}

/// The longest document that is shown in full; of a longer one, what it is.
pub const SHOWN: usize = 1 << 20;

/// A JSON value as scripts see it: objects become maps, null becomes `()`.
pub fn from_value(value: Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => flag.into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().unwrap_or(FLOAT::NAN).into(),
        },
        Value::String(text) => text.into(),
        Value::Array(items) => items.into_iter().map(from_value).collect::<Array>().into(),
        Value::Object(fields) => {
            let map: Map = fields.into_iter().map(|(name, value)| (name.into(), from_value(value))).collect();
            map.into()
        }
    }
}

/// A value of a script as JSON. Secrets stay redacted; functions become their name.
pub fn to_value(value: &Dynamic) -> Value {
    if value.is_unit() {
        return Value::Null;
    }
    if let Ok(flag) = value.as_bool() {
        return flag.into();
    }
    if let Ok(whole) = value.as_int() {
        return whole.into();
    }
    if let Ok(float) = value.as_float() {
        return float.into();
    }
    // A shared text would say so, were it asked for its text.
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return text.as_str().into();
    }
    if let Some(items) = value.read_lock::<Array>() {
        return items.iter().map(to_value).collect();
    }
    if let Some(map) = value.read_lock::<Map>() {
        return Value::Object(map.iter().map(|(name, value)| (name.to_string(), to_value(value))).collect());
    }
    custom_to_value(value)
}

fn custom_to_value(value: &Dynamic) -> Value {
    if let Some(node) = value.read_lock::<Node>() {
        return node.to_value().unwrap_or_else(|_| json_value::describe(&node).into());
    }
    if let Some(row) = value.read_lock::<Row>() {
        return row.to_value();
    }
    if let Some(table) = value.read_lock::<Table>() {
        return serde_json::to_value(table.records()).unwrap_or_default();
    }
    if let Some(page) = value.read_lock::<Page>() {
        return page.data.clone();
    }
    if let Some(error) = value.read_lock::<Error>() {
        return serde_json::to_value(&*error).unwrap_or_default();
    }
    if let Some(tape) = value.read_lock::<OpenTape>() {
        return tape.to_string().into();
    }
    if let Some(secret) = value.read_lock::<Secret>() {
        return secret.to_string().into();
    }
    if let Some(function) = value.read_lock::<FnPtr>() {
        return function.fn_name().into();
    }
    if let Some(bytes) = value.read_lock::<Blob>() {
        return bytes.iter().copied().collect();
    }
    if let Some(range) = value.read_lock::<std::ops::Range<INT>>() {
        return range.clone().collect();
    }
    value.to_string().into()
}

/// A value of a script that is written as JSON, or anything like it, part by part: as [`to_value`] without holding all of it.
pub struct Plain<'a>(pub &'a Dynamic);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value) = self;
        if let Some(items) = value.read_lock::<Array>() {
            return serializer.collect_seq(items.iter().map(Plain));
        }
        if let Some(map) = value.read_lock::<Map>() {
            return serializer.collect_map(map.iter().map(|(name, value)| (name.as_str(), Plain(value))));
        }
        match value.read_lock::<Table>() {
            Some(table) => table.records().serialize(serializer),
            None => to_value(value).serialize(serializer),
        }
    }
}

/// The text that a value is, if it is nothing but text: also a secret's stand-in.
pub fn text(value: &Dynamic) -> Option<String> {
    if let Some(page) = value.read_lock::<Page>() {
        return Some(page.markdown.clone());
    }
    match value {
        _ if value.is_array() || value.is_map() || value.is::<Row>() || value.is::<Table>() => None,
        _ => to_value(value).as_str().map(str::to_owned),
    }
}

/// What a value shows itself as.
pub fn content(value: &Dynamic) -> Content {
    if value.is_unit() {
        return Content::Nothing;
    }
    if let Some(table) = value.read_lock::<Table>() {
        return Content::Table(table.clone());
    }
    if let Some(results) = value.read_lock::<Results>() {
        return results.content();
    }
    if let Some(table) = tables::table_of(value) {
        return Content::Table(table);
    }
    if let Some(node) = value.read_lock::<Node>() {
        return Content::Document(node.clone());
    }
    if let Some(page) = value.read_lock::<Page>() {
        return Content::Page(page.clone());
    }
    match to_value(value) {
        Value::String(text) => Content::Text(text),
        other => Content::Value(other),
    }
}

/// A field of a row, a map or a document as JSON; null when it is missing.
pub fn field(item: &Dynamic, name: &str) -> Value {
    if let Some(row) = item.read_lock::<Row>() {
        return row.json(name).unwrap_or_default();
    }
    if let Some(node) = item.read_lock::<Node>() {
        return tables::node_field(&node, name);
    }
    item.read_lock::<Map>().and_then(|map| map.get(name).map(to_value)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_survives_the_way_through_a_script() {
        let value = json!({"a": [1, -2, 2.5, true, null, "x"], "b": {}});
        assert_eq!(to_value(&from_value(value.clone())), value);
        assert_eq!(serde_json::to_value(Plain(&from_value(value.clone()))).unwrap(), value);
    }

    #[test]
    fn a_secret_stays_secret_in_json() {
        let value = Dynamic::from(vec![Dynamic::from(Secret::new("hunter2"))]);
        assert!(!to_value(&value).to_string().contains("hunter2"));
    }

    #[test]
    fn an_array_of_maps_shows_itself_as_a_table() {
        let items = from_value(json!([{"a": 1}, {"a": 2, "b": "x"}]));
        let Content::Table(table) = content(&items) else { panic!("a table") };
        assert_eq!(
            (table.columns, table.rows.made()),
            (vec!["a".to_string(), "b".into()], vec![vec![json!(1), json!(null)], vec![json!(2), json!("x")]])
        );
        assert_eq!(content(&from_value(json!([1, 2]))), Content::Value(json!([1, 2])));
    }
}
