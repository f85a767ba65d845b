//! Comma-separated values as RFC 4180 has them: CRLF, quotes where needed, a header.

use super::value;
use crate::report::{Content, Item, Report, Table};
use serde_json::Value;

/// A value as CSV: a table as it is, records as a table, a list as one column, anything else as one cell.
pub fn content(content: &Content) -> String {
    match content {
        Content::Nothing => String::new(),
        Content::Table(rows) => table(rows),
        Content::Text(text) => single([&Value::from(text.as_str())]),
        Content::Value(Value::Object(record)) => table(&value::table_of(&[record])),
        Content::Value(whole) => match (value::as_table(whole), whole) {
            (Some(rows), _) => table(&rows),
            (None, Value::Array(items)) => single(items),
            (None, scalar) => single([scalar]),
        },
    }
}

fn single<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    let rows = values.into_iter().map(|value| vec![value.clone()]).collect();
    table(&Table { columns: vec!["value".into()], rows, ..Table::default() })
}

/// The findings of a report, one a line: what a spreadsheet can use of it.
pub fn report(report: &Report) -> String {
    let columns = ["section", "severity", "code", "text", "resource", "fix"].map(String::from).to_vec();
    let mut rows = Vec::new();
    for section in &report.sections {
        for item in &section.items {
            if let Item::Finding(found) = item {
                let severity = serde_json::to_value(found.severity).unwrap_or_default();
                let text = |text: &String| Value::from(text.as_str());
                let rest = [&found.code, &found.text, &found.resource, &found.fix].map(text);
                rows.push([text(&section.title), severity].into_iter().chain(rest).collect());
            }
        }
    }
    table(&Table { columns, rows, ..Table::default() })
}

/// A table as CSV.
pub fn table(table: &Table) -> String {
    let mut text = record(table.columns.iter().map(|name| quoted(name)));
    for row in &table.rows {
        text += &record(row.iter().map(|value| quoted(&field(value))));
    }
    text
}

fn record(fields: impl Iterator<Item = String>) -> String {
    fields.collect::<Vec<_>>().join(",") + "\r\n"
}

/// What stands in a field: text as it came, nothing for null, JSON for what has parts.
fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) || field.starts_with(' ') || field.ends_with(' ') {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let rows = Table {
            columns: vec!["name".into(), "a,b".into()],
            rows: vec![vec![json!("say \"hi\""), json!(null)], vec![json!("two\nlines"), json!([1, 2])]],
            ..Table::default()
        };
        assert_eq!(table(&rows), "name,\"a,b\"\r\n\"say \"\"hi\"\"\",\r\n\"two\nlines\",\"[1,2]\"\r\n");
    }

    #[test]
    fn a_report_is_its_findings() {
        let text = report(&crate::render::text::tests::sample());
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0], "section,severity,code,text,resource,fix");
        assert!(lines[1].starts_with("What istiod could not fetch,error,JWKS001,"), "{text}");
        assert_eq!(lines[2], "The chain,ok,,the chain is complete,,");
    }

    #[test]
    fn every_value_has_a_form() {
        assert_eq!(content(&Content::Nothing), "");
        assert_eq!(content(&Content::Value(json!(3))), "value\r\n3\r\n");
        assert_eq!(content(&Content::Value(json!(["a", 1]))), "value\r\na\r\n1\r\n");
        assert_eq!(content(&Content::Value(json!({"a": 1, "b": "x"}))), "a,b\r\n1,x\r\n");
        assert_eq!(content(&Content::Value(json!([{"a": 1}, {"b": 2}]))), "a,b\r\n1,\r\n,2\r\n");
    }
}
