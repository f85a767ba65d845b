//! YAML.

use crate::report::Table;
use serde::Serialize;
use std::io::{self, Write};

/// A value as YAML, ending with a line feed.
pub fn value(value: &impl Serialize) -> String {
    // Any JSON is YAML, should the writer ever refuse a value.
    let json = |_| serde_json::to_value(value).unwrap_or_default().to_string();
    let mut text = serde_saphyr::to_string(value).unwrap_or_else(json);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A table as a list of records, row by row.
pub(super) fn table(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    if table.rows.is_empty() {
        return out.write_all(b"[]\n");
    }
    table.records().iter().try_for_each(|record| out.write_all(value(&[record]).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn order_stays_and_words_that_look_like_something_else_are_quoted() {
        let yaml = value(&json!({"z": "on", "a": ["1", 1, null, true], "text": "two\nlines\n", "empty": {}}));
        insta::assert_snapshot!(yaml, @r#"
        z: "on"
        a:
        - "1"
        - 1
        - null
        - true
        text: |
          two
          lines
        empty: {}
        "#);
        let back: Value = serde_saphyr::from_str(&yaml).expect("it reads back");
        assert_eq!(back["z"], "on");
        assert_eq!(back["a"][0], "1");
        assert_eq!(back["text"], "two\nlines\n");
    }
    #[test]
    fn a_table_row_by_row_is_the_list_that_it_is_at_once() {
        let records = json!([{"a": {"b": [1, {"c": "x\ny\n"}]}, "d": []}, {"a": null, "d": "- x"}, {"a": " ", "d": {}}]);
        let rows = super::super::value::as_table(&records).expect("a table");
        assert_eq!(super::super::in_memory(|out| table(out, &rows)), value(&records));
        assert_eq!(super::super::in_memory(|out| table(out, &Table::default())), value(&json!([])));
    }
}
