//! JSON values in human lines and cells, and the tables that hide in them.

use super::fit;
use crate::report::Table;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A value in one cell: text as it is, lists joined, nothing as a dash.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => fit::line(text).into_owned(),
        Value::Array(items) if items.iter().all(is_scalar) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Object(map) if map.values().all(is_scalar) => {
            map.iter().map(|(key, value)| format!("{}={}", fit::line(key), cell(value))).collect::<Vec<_>>().join(",")
        }
        _ => fit::line(&value.to_string()).into_owned(),
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

/// The table that an array of records is. `None` when it is empty or holds anything else.
pub fn as_table(value: &Value) -> Option<Table> {
    let records = value.as_array()?.iter().map(Value::as_object).collect::<Option<Vec<_>>>()?;
    if records.is_empty() { None } else { Some(table_of(&records)) }
}

/// A table of records. A column that only later records have stands after those of the earlier ones.
pub fn table_of(records: &[&Map<String, Value>]) -> Table {
    let mut columns: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for key in records.iter().flat_map(|record| record.keys()) {
        if seen.insert(key.as_str()) {
            columns.push(key.clone());
        }
    }
    let row = |record: &&Map<String, Value>| columns.iter().map(|name| record.get(name).cloned().unwrap_or_default()).collect();
    let rows = records.iter().map(row).collect();
    Table { columns, rows, wide: Vec::new() }
}

/// The table without the columns that people are spared.
pub fn shown(table: &Table) -> Cow<'_, Table> {
    let shown = table.shown();
    if shown.len() == table.columns.len() || shown.is_empty() {
        return Cow::Borrowed(table);
    }
    let columns = shown.iter().map(|&index| table.columns[index].clone()).collect();
    let pick = |row: &Vec<Value>| shown.iter().map(|&index| row.get(index).cloned().unwrap_or_default()).collect();
    Cow::Owned(Table { columns, rows: table.rows.iter().map(pick).collect(), wide: Vec::new() })
}

/// A record as `name: value` lines, names aligned.
pub fn record_lines(record: &Map<String, Value>, limit: Option<usize>) -> Vec<String> {
    let name_width = record.keys().map(|name| fit::width(name)).max().unwrap_or(0);
    let room = limit.map(|limit| limit.saturating_sub(name_width + 2).max(8));
    let line = |(name, value): (&String, &Value)| {
        let text = cell(value);
        let text = room.map_or(text.clone(), |room| fit::middle(&text, room).into_owned());
        let pad = " ".repeat(name_width - fit::width(name));
        format!("{}{pad}  {text}", fit::line(name)).trim_end().to_owned()
    };
    record.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_are_one_line_each() {
        assert_eq!(cell(&json!(null)), "-");
        assert_eq!(cell(&json!(["a", 1, true])), "a,1,true");
        assert_eq!(cell(&json!({"app": "web", "v": 1})), "app=web,v=1");
        assert_eq!(cell(&json!({"a": [1, 2]})), r#"{"a":[1,2]}"#);
        assert_eq!(cell(&json!("two\nlines")), "two↵lines");
    }

    #[test]
    fn records_with_different_keys_make_one_table() {
        let table = as_table(&json!([{"a": 1}, {"b": 2, "a": 3}])).expect("a table");
        assert_eq!(table.columns, ["a", "b"]);
        assert_eq!(table.rows, [[json!(1), json!(null)], [json!(3), json!(2)]]);
        assert_eq!(as_table(&json!([{"a": 1}, 2])), None);
        assert_eq!(as_table(&json!([])), None);
    }
}
