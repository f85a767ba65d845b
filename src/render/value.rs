//! JSON values in human lines, and the tables that hide in them.

use super::fit;
use crate::cell::Cell;
use crate::report::Table;
use serde_json::{Map, Value};

/// A value as the text of a cell.
pub fn cell(value: &Value) -> String {
    let mut cell = Cell::default();
    cell.fill(value);
    cell.text().to_owned()
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

/// A record as `name  value` lines, names aligned.
pub fn record_lines(record: &Map<String, Value>, limit: Option<usize>) -> Vec<String> {
    let fields: Vec<(&str, String)> = record.iter().map(|(name, value)| (name.as_str(), cell(value))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
    field_lines(&fields, limit)
}

/// Names and the text of their values, one a line. Names give way where long ones would leave no room for the values.
pub fn field_lines(fields: &[(&str, &str)], limit: Option<usize>) -> Vec<String> {
    let widest = |of: fn(&(&str, &str)) -> usize| fields.iter().map(of).max().unwrap_or(0);
    let (names, values) = (widest(|(name, _)| fit::width(name)), widest(|(_, text)| fit::width(text)));
    let names = limit.map_or(names, |limit| names.min(limit.saturating_sub(2 + values.min(limit / 2)).max(8)));
    let room = limit.map_or(usize::MAX, |limit| limit.saturating_sub(names + 2).max(8));
    let line = |(name, text): &(&str, &str)| {
        let name = fit::line(name);
        let name = fit::middle(&name, names);
        let pad = " ".repeat(names.saturating_sub(fit::width(&name)));
        format!("{name}{pad}  {}", fit::name(text, room)).trim_end().to_owned()
    };
    fields.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn long_names_leave_room_for_short_values() {
        let lines = field_lines(&[("jwt_is_not_in_the_form_of_three_sections", "1"), ("via_upstream", "18")], Some(24));
        assert_eq!(lines, ["jwt_is_not…_sections  1", "via_upstream          18"]);
    }

    #[test]
    fn records_with_different_keys_make_one_table() {
        let table = as_table(&json!([{"a": 1}, {"b": 2, "a": 3}])).expect("a table");
        assert_eq!(table.columns, ["a", "b"]);
        assert_eq!(table.rows.made(), [[json!(1), json!(null)], [json!(3), json!(2)]]);
        assert_eq!(as_table(&json!([{"a": 1}, 2])), None);
        assert_eq!(as_table(&json!([])), None);
    }
}
